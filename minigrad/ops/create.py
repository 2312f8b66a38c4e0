"""Tensors from data, constants and random numbers."""

import math

import numpy as np

from .. import dtypes, random
from ..engine import Value, wrap
from .common import LIMITS, cast, check_device, check_size, int_argument, number_as, size_argument, tensor_argument


def tensor(data, *, dtype=None, device=None, requires_grad=False):
    """A new leaf with a copy of `data`: a number, (nested) sequences of them, an ndarray or a Tensor.

    Python floats become float32, ints int64, bools bool, unless `dtype` says otherwise; an ndarray
    keeps its dtype. ValueError for ragged sequences, TypeError or RuntimeError for what is no number
    and for numbers out of the range of the dtype.

        >>> import minigrad
        >>> minigrad.tensor([[1.0, 2.0], [3.0, 4.0]])
        tensor([[1., 2.],
                [3., 4.]])
    """
    wanted = None if dtype is None else dtypes.to_numpy(dtype)
    if isinstance(data, Value):
        array = data._array
    elif hasattr(data, "__array__"):
        array = np.asarray(data)
    else:
        array = _from_numbers(data, wanted)
    if wanted is None:
        wanted = array.dtype.newbyteorder("=")
        dtypes.of(np.empty(0, wanted))
    with np.errstate(all="ignore"):
        return leaf(array.astype(wanted, order="C"), requires_grad, device)


def _from_numbers(data, wanted):
    """Nested sequences of numbers as an ndarray; those that go into `wanted` fit there."""
    found = _dtypes(data)
    natural = dtypes.result_type(*(np.empty(1, d) for d in found)) if found else np.dtype(np.float32)
    is_float = wanted is not None and wanted.kind == "f"
    numbers = _unwrap(data)
    try:
        with np.errstate(over="ignore"):
            array = np.array(numbers, dtype=wanted if is_float else natural)
    except OverflowError:
        raise ValueError(f"tensor(): a number in 'data' does not fit into {natural}: {data!r:.80}") from None
    except ValueError:
        raise ValueError(f"expected sequence of equal lengths in every dimension: {data!r:.80}") from None
    if wanted in LIMITS and not is_float:
        low, high = LIMITS[wanted]
        if not ((array >= low) & (array <= high)).all():
            raise RuntimeError(f"value cannot be converted to type {wanted} without overflow: {data!r:.80}")
    return array


def _dtypes(data):
    """The dtypes of all numbers in nested sequences; TypeError or RuntimeError for anything else."""
    if isinstance(data, (list, tuple, range)):
        types = set(map(type, data))
        if types <= dtypes.OF_PYTHON.keys():  # for the sake of long lists of plain numbers
            return {dtypes.OF_PYTHON[t] for t in types}
        return set().union(*map(_dtypes, data))
    if isinstance(data, Value):
        data = data._array
    if isinstance(data, (np.ndarray, np.generic)):
        return {data.dtype}
    if type(data) in dtypes.OF_PYTHON:
        return {dtypes.OF_PYTHON[type(data)]}
    error = TypeError if isinstance(data, (str, bytes, complex)) else RuntimeError
    raise error(f"tensor(): Could not infer dtype of {type(data).__name__} in 'data'")


def _unwrap(data):
    """Nested sequences with Tensors of one element in them, as plain numbers."""
    if isinstance(data, Value):
        if data.numel() != 1:
            raise ValueError("only one element tensors can be converted to Python scalars, but 'data' holds "
                             f"one of shape {list(data.shape)}: stack() them")
        return data.item()
    if isinstance(data, (list, tuple)) and any(isinstance(x, (list, tuple, Value)) for x in data):
        return [_unwrap(x) for x in data]
    return data


def leaf(array, requires_grad=False, device=None):
    """A tensor without a history around `array` (no copy)."""
    check_device(device)
    out = wrap(array)
    if requires_grad:
        out.requires_grad = True
    return out


def as_tensor(data, dtype=None, device=None):
    """`data` as a tensor: itself, if it is one; sharing the memory of an ndarray; a copy of anything else, or
    where `dtype` asks for another dtype. Errors as those of `tensor` and `from_numpy`.

        >>> import minigrad, numpy as np
        >>> numbers = np.zeros(2)
        >>> minigrad.as_tensor(numbers)[0] = 5.0
        >>> numbers
        array([5., 0.])
    """
    check_device(device)
    if isinstance(data, Value):
        return data if dtype is None else cast(data, dtypes.to_numpy(dtype))
    shares = isinstance(data, np.ndarray) and (dtype is None or dtypes.to_numpy(dtype) == data.dtype)
    return from_numpy(data) if shares else tensor(data, dtype=dtype)


def from_numpy(ndarray):
    """A tensor that shares the memory of an ndarray.

    TypeError for an unsupported dtype, ValueError for negative or odd strides, unaligned memory or
    foreign byte order. Read-only memory is shared too; writing to it is a RuntimeError.

        >>> import minigrad, numpy as np
        >>> minigrad.from_numpy(np.arange(3))
        tensor([0, 1, 2])
    """
    if not isinstance(ndarray, np.ndarray):
        raise TypeError(f"expected np.ndarray (got {type(ndarray).__name__})")
    if not ndarray.dtype.isnative:
        raise ValueError(f"given numpy array has byte order different from the native byte order, {ndarray.dtype.str}: "
                         f"convert it with .astype({ndarray.dtype.name!r})")
    dtypes.of(ndarray)
    if not ndarray.flags.aligned or any(s < 0 or s % ndarray.itemsize for s in ndarray.strides):
        raise ValueError("At least one stride in the given numpy array is negative, or no multiple of the element byte "
                         f"size, or its memory is not aligned (strides {ndarray.strides}): .copy() it")
    return wrap(np.asarray(ndarray).view())


def from_dlpack(ext_tensor, *, device=None, copy=None):
    """A tensor that shares the memory of another library's tensor, or of an ndarray (`copy=True`: does not).

    RuntimeError for what has no `__dlpack__`, TypeError and ValueError as `from_numpy`.
    Source: Python's array API standard, data interchange.

        >>> import numpy as np
        >>> from minigrad import from_dlpack
        >>> from_dlpack(np.arange(3))
        tensor([0, 1, 2])
    """
    check_device(device)
    if not hasattr(ext_tensor, "__dlpack__"):
        raise RuntimeError(f"from_dlpack(): argument 'ext_tensor' has no __dlpack__: {type(ext_tensor).__name__}")
    return from_numpy(np.from_dlpack(ext_tensor, copy=copy))


# ---- constants


def full(size, fill_value, *, dtype=None, device=None, requires_grad=False):
    """A tensor of `fill_value`; its dtype is that of the number, floats being float32.

        >>> import minigrad
        >>> minigrad.full((2,), 3.5)
        tensor([3.5000, 3.5000])
    """
    value = fill_value.item() if isinstance(fill_value, Value) else fill_value
    kind = dtypes.result_type(value) if dtype is None else dtypes.to_numpy(dtype)
    return leaf(np.full(_shape(size, kind, "full"), number_as(value, kind), kind), requires_grad, device)


def zeros(*size, dtype=None, device=None, requires_grad=False, **named):
    """zeros(2, 3), zeros((2, 3)) or zeros(size=(2, 3)): zeros, float32 unless `dtype` says otherwise.

        >>> import minigrad
        >>> minigrad.zeros(2, dtype=minigrad.int64)
        tensor([0, 0])
    """
    return leaf(np.zeros(*_sized(size, named, dtype, "zeros")), requires_grad, device)


def ones(*size, dtype=None, device=None, requires_grad=False, **named):
    """ones(2, 3), ones((2, 3)) or ones(size=(2, 3)): ones, float32 unless `dtype` says otherwise.

        >>> import minigrad
        >>> minigrad.ones(2)
        tensor([1., 1.])
    """
    return leaf(np.ones(*_sized(size, named, dtype, "ones")), requires_grad, device)


def empty(*size, dtype=None, device=None, requires_grad=False, **named):
    """empty(2, 3), empty((2, 3)) or empty(size=(2, 3)): memory as it was found, float32 unless `dtype` says so.

        >>> import minigrad
        >>> minigrad.empty(2, 0).shape
        torch.Size([2, 0])
    """
    return leaf(np.empty(*_sized(size, named, dtype, "empty")), requires_grad, device)


def _shape(size, numpy_dtype, function):
    shape = size_argument(size, function)
    if min(shape, default=0) < 0:
        raise RuntimeError(f"Trying to create tensor with negative dimension {min(shape)}: {list(shape)}")
    check_size(shape, numpy_dtype.itemsize, function)
    return shape


def _sized(size, named, dtype, function):
    """The shape and the NumPy dtype that f(2, 3), f((2, 3)) and f(size=(2, 3)) ask for."""
    if [*named] != ["size"] * (not size):
        raise TypeError(f"{function}() takes one argument, 'size', but got {[*size, *named]}")
    numpy_dtype = dtypes.to_numpy(dtypes.float32 if dtype is None else dtype)
    return _shape(named.get("size", size), numpy_dtype, function), numpy_dtype


# ---- ranges


def _not_bool(dtype, function):
    numpy_dtype = dtypes.to_numpy(dtype)
    if numpy_dtype.kind == "b":
        raise NotImplementedError(f"{function}(): not implemented for 'Bool'")
    return numpy_dtype


def arange(start=None, end=None, step=1, *, dtype=None, device=None, requires_grad=False):
    """start, start + step, ... below `end`: arange(5), arange(1, 5), arange(1, 5, 2).

    int64 if all three are ints, else float32. RuntimeError for step 0 or a step that leads away.

        >>> import minigrad
        >>> minigrad.arange(1, 2, 0.25)
        tensor([1.0000, 1.2500, 1.5000, 1.7500])
    """
    if end is None:
        start, end = None, start
    numbers = [x.item() if isinstance(x, Value) else x for x in (0 if start is None else start, end, step)]
    whole = max(dtypes.number_kind(x) for x in numbers) < 2
    numpy_dtype = _not_bool(dtype or (dtypes.int64 if whole else dtypes.float32), "arange")
    if not all(math.isfinite(x) for x in numbers):
        raise RuntimeError(f"unsupported range: {start} -> {end}")
    whole = numpy_dtype == np.int64
    start, end, step = (int(x) for x in numbers) if whole else numbers
    if step == 0:
        raise RuntimeError("step must be nonzero")
    if (end - start) * step < 0:
        raise RuntimeError(f"upper bound and lower bound inconsistent with step sign: arange({start}, {end}, {step})")
    count = -((start - end) // step) if whole else math.ceil((end - start) / step)
    check_size((count,), numpy_dtype.itemsize, "arange")
    compute = np.float64 if numpy_dtype.kind == "f" else np.int64
    array = compute(start) + np.arange(count, dtype=compute) * compute(step)
    return leaf(array.astype(numpy_dtype), requires_grad, device)


def linspace(start, end, steps, *, dtype=None, device=None, requires_grad=False):
    """`steps` numbers at equal distances, both ends included. RuntimeError for negative steps.

        >>> import minigrad
        >>> minigrad.linspace(0, 1, 5)
        tensor([0.0000, 0.2500, 0.5000, 0.7500, 1.0000])
    """
    numpy_dtype = _not_bool(dtype or dtypes.float32, "linspace")
    if int_argument(steps, "steps", "linspace") < 0:
        raise RuntimeError(f"number of steps must be non-negative, but got steps={steps}")
    check_size((steps,), 8, "linspace")
    compute = numpy_dtype.type if numpy_dtype.kind == "f" else np.float64
    ends = (x.item() if isinstance(x, Value) else x for x in (start, end))
    start, end = (compute(number_as(x, numpy_dtype)) for x in ends)
    step, i = (end - start) / compute(max(steps - 1, 1)), np.arange(steps).astype(compute)
    # PyTorch counts from the nearer end.
    array = np.where(i < max(steps // 2, 1), start + step * i, end - step * (compute(steps - 1) - i))
    return leaf(array.astype(numpy_dtype), requires_grad, device)


def eye(n, m=None, *, dtype=None, device=None, requires_grad=False):
    """An (n, m) matrix with ones on its diagonal, m being n unless given.

        >>> import minigrad
        >>> minigrad.eye(2)
        tensor([[1., 0.],
                [0., 1.]])
    """
    shape, numpy_dtype = _sized((n, n if m is None else m), {}, dtype, "eye")
    return leaf(np.eye(*shape, dtype=numpy_dtype), requires_grad, device)


# ---- random numbers: the same as PyTorch's after the same manual_seed


def rand(*size, generator=None, dtype=None, device=None, requires_grad=False, **named):
    """Uniform on [0, 1): the size as for `zeros`, float32 or float64.

        >>> import minigrad
        >>> minigrad.rand(2, generator=minigrad.Generator().manual_seed(0))
        tensor([0.4963, 0.7682])
    """
    shape, numpy_dtype = _sized(size, named, dtype, "rand")
    return leaf(_source(generator, numpy_dtype, "rand").uniform(shape, numpy_dtype), requires_grad, device)


def randn(*size, generator=None, dtype=None, device=None, requires_grad=False, **named):
    """Normal with mean 0 and variance 1: the size as for `zeros`, float32 or float64.

        >>> import minigrad
        >>> minigrad.randn(2, 3).shape
        torch.Size([2, 3])
    """
    shape, numpy_dtype = _sized(size, named, dtype, "randn")
    return leaf(_source(generator, numpy_dtype, "randn").normal(shape, numpy_dtype), requires_grad, device)


def _source(generator, numpy_dtype=dtypes.float32.numpy, function=None):
    """The generator to draw from; NotImplementedError for a dtype that is not floating point."""
    if numpy_dtype.kind != "f":
        raise NotImplementedError(f"{function}(): not implemented for '{dtypes.OF[numpy_dtype].text}'")
    if not isinstance(generator, (random.Generator, type(None))):
        raise TypeError(f"argument 'generator' must be minigrad.Generator, not {type(generator).__name__}")
    return generator or random.default_generator


def normal(mean, std=1.0, size=None, *, generator=None, dtype=None, device=None, requires_grad=False):
    """Normal with this mean and standard deviation: numbers, of a `size`; or at least one Tensor, which broadcast
    to the size and give the dtype (the mean's). No gradient goes to them. RuntimeError for a negative std.

        >>> import minigrad
        >>> minigrad.normal(0, 0.01, (2, 3)).shape
        torch.Size([2, 3])
    """
    given = [x for x in (mean, std) if isinstance(x, Value)]
    if (size is None) != bool(given) or (given and dtype is not None):
        raise TypeError("normal(): needs numbers 'mean' and 'std' and a 'size', or Tensors and neither size nor dtype")
    numpy_dtype = given[0]._array.dtype if given else dtypes.to_numpy(dtype or dtypes.float32)
    mean, std = (x._array if isinstance(x, Value) else float(number_as(x, np.dtype("f8"))) for x in (mean, std))
    try:
        shape = np.broadcast_shapes(np.shape(mean), np.shape(std)) if given else _shape(size, numpy_dtype, "normal")
    except ValueError:
        raise RuntimeError(f"normal(): mean and std do not broadcast: {np.shape(mean)}, {np.shape(std)}") from None
    if not np.all(np.greater_equal(std, 0)):
        raise RuntimeError(f"normal expects all elements of std >= 0.0, but found std {std}")
    source = _source(generator, numpy_dtype, "normal")
    if not given:
        return leaf(source.normal(shape, numpy_dtype, mean, std), requires_grad, device)
    scale, factor = (1, std) if isinstance(std, np.ndarray) else (std, 1)
    array = source.normal(shape, numpy_dtype, 0, scale) * factor + mean
    return leaf(array.astype(numpy_dtype), requires_grad, device)


def bernoulli(input, p=None, *, generator=None):
    """1 with the probabilities in `input` (or the number `p`), else 0, in the shape and dtype of `input`.

    RuntimeError for what is no probability, NotImplementedError for integer probabilities. Without a gradient.

        >>> import minigrad
        >>> minigrad.bernoulli(minigrad.tensor([0.0, 1.0]))
        tensor([0., 1.])
    """
    x = tensor_argument(input, "input", "bernoulli")._array
    if p is not None:
        return wrap(_source(generator).bernoulli(p, x.shape).astype(x.dtype))
    if not ((x >= 0) & (x <= 1)).all():
        raise RuntimeError(f"bernoulli expects all probabilities in 'input' to be in [0, 1]: {x}")
    return wrap((_source(generator, x.dtype, "bernoulli").uniform(x.shape, x.dtype) < x).astype(x.dtype))


def randint(low=0, high=None, size=None, *, generator=None, dtype=None, device=None, requires_grad=False):
    """randint(high, size) or randint(low, high, size): integers in [low, high), int64 unless `dtype`.

    RuntimeError unless low < high.

        >>> import minigrad
        >>> minigrad.randint(5, 6, (3,))
        tensor([5, 5, 5])
    """
    if high is None or size is None:
        low, high, size = 0, low, high if size is None else size
    if not (hasattr(low, "__index__") and hasattr(high, "__index__")):
        raise TypeError(f"randint(): arguments 'low' and 'high' must be ints, but they are {low!r}, {high!r}")
    if low >= high:
        raise RuntimeError(f"random_ expects 'from' to be less than 'to', but got from={low} >= to={high}")
    numpy_dtype = dtypes.to_numpy(dtype or dtypes.int64)
    shape = _shape(size, numpy_dtype, "randint")
    return leaf(_source(generator).integers(low, high, shape, numpy_dtype), requires_grad, device)


def randperm(n, *, generator=None, dtype=None, device=None, requires_grad=False):
    """A random order of 0 .. n-1, int64. RuntimeError for n < 0.

        >>> import minigrad
        >>> minigrad.randperm(4).sort().values
        tensor([0, 1, 2, 3])
    """
    if int_argument(n, "n", "randperm") < 0:
        raise RuntimeError(f"n must be non-negative, got {n}")
    check_size((n,), 8, "randperm")
    order = _source(generator).permutation(n)
    return leaf(order.astype(_not_bool(dtype or dtypes.int64, "randperm"), copy=False), requires_grad, device)


# ---- after the model of a tensor


def _modelled(function, name, example):
    """`function` in the dtype of a tensor, and if it is an x_like, not a method new_x, in its shape too."""
    like = name.endswith("_like")

    def made(input, *args, dtype=None, **options):
        if like:
            options["size"] = tensor_argument(input, "input", name).shape
        return function(*args, dtype=input.dtype if dtype is None else dtype, **options)

    made.__name__ = made.__qualname__ = name
    made.__doc__ = f"""`{function.__name__}` in the dtype{" and the shape" * like} of `input`; `dtype` asks for another.

        >>> import minigrad
        >>> input = minigrad.zeros(2, 3)
        >>> {example.format(name)}.dtype
        torch.float32
    """
    return made


def full_like(input, fill_value, *, dtype=None, device=None, requires_grad=False):
    """`full` in the shape of `input`, and in its dtype unless `dtype` says otherwise.

        >>> import minigrad
        >>> minigrad.full_like(minigrad.zeros(2), 0.5)
        tensor([0.5000, 0.5000])
    """
    dtype = tensor_argument(input, "input", "full_like").dtype if dtype is None else dtype
    return full(input.shape, fill_value, dtype=dtype, device=device, requires_grad=requires_grad)


zeros_like, ones_like, empty_like, rand_like, randn_like = (
    _modelled(function, f"{function.__name__}_like", "minigrad.{}(input)")
    for function in (zeros, ones, empty, rand, randn))
randint_like = _modelled(randint, "randint_like", "minigrad.{}(input, 5)")
new_zeros, new_ones, new_empty, new_tensor = (
    _modelled(function, f"new_{function.__name__}", "input.{}((2,))") for function in (zeros, ones, empty, tensor))
new_full = _modelled(full, "new_full", "input.{}((2,), 5)")
