"""Tensors from data, constants and random numbers."""

import math

import numpy as np

# ruff: noqa: I001, several names to a line
from .. import dtypes, memory, random
from ..engine import Value, wrap
from .common import (broadcast, cast, check_device, check_size, float_argument, in_memory_order, int_argument,
                     number_as, size_argument, tensor_argument)
from .table import documented


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
    data = getattr(data, "_array", data)
    array = np.asarray(data) if hasattr(data, "__array__") else _from_numbers(data, wanted)
    if array.dtype.kind not in "biufc":  # NumPy would make NaN of None, and numbers of texts and dates
        raise TypeError(f"tensor(): can't convert an array of {array.dtype}")
    if wanted is None:
        wanted = array.dtype.newbyteorder("=")
        dtypes.of(np.empty(0, wanted))
    copy = memory.empty(array.shape, wanted)
    with np.errstate(all="ignore"):
        copy[...] = array
    return leaf(copy, requires_grad, device)


def _from_numbers(data, wanted):
    """Nested sequences of numbers as an ndarray; those that go into `wanted` fit there."""
    found = set()
    numbers = _plain(data, found)
    natural = dtypes.result_type(*(np.empty(1, d) for d in found)) if found else np.dtype(np.float32)
    if wanted is not None and "f" in (wanted.kind, natural.kind):
        natural = wanted if wanted.kind == "f" else np.dtype(np.float64)
    try:
        with np.errstate(over="ignore"):
            array = np.array(numbers, dtype=natural)
    except OverflowError:
        raise ValueError(f"tensor(): a number in 'data' does not fit into {natural}: {data!r:.80}") from None
    except ValueError:
        raise ValueError(f"expected sequence of equal lengths in every dimension: {data!r:.80}") from None
    if wanted is not None and array.size:
        number_as(array.min(), wanted), number_as(array.max(), wanted)  # RuntimeError if they are out of its range
    return array


def _plain(data, found):
    """Nested sequences without the Tensors of one element in them; the set `found` gets the dtypes of all numbers.

    TypeError or RuntimeError for what is no number.
    """
    if isinstance(data, (list, tuple, range)):
        types = set(map(type, data))
        if types <= dtypes.OF_PYTHON.keys():  # for the sake of long lists of plain numbers
            found.update(dtypes.OF_PYTHON[t] for t in types)
            return data
        return [_plain(x, found) for x in data]
    if isinstance(data, Value) and data.numel() != 1:
        raise ValueError("only one element tensors can be converted to Python scalars, but 'data' holds one of shape "
                         f"{list(data.shape)}: stack() them")
    if not isinstance(data, (Value, np.ndarray, np.generic)) and type(data) not in dtypes.OF_PYTHON:
        error = TypeError if isinstance(data, (str, bytes, complex)) else RuntimeError
        raise error(f"tensor(): Could not infer dtype of {type(data).__name__} in 'data'")
    found.add(dtypes.OF_PYTHON.get(type(data)) or getattr(data, "_array", data).dtype)
    return data.item() if isinstance(data, Value) else data


def leaf(array, requires_grad=False, device=None):
    """A tensor without a history around `array` (no copy)."""
    check_device(device)
    out = wrap(array)
    if requires_grad:
        out.requires_grad_(requires_grad)
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


def _dtype(dtype, default, function, kinds="buif"):
    """The NumPy dtype that was asked for; NotImplementedError if its kind is not among these."""
    numpy_dtype = dtypes.to_numpy(default if dtype is None else dtype)
    if numpy_dtype.kind not in kinds:
        raise NotImplementedError(f"{function}(): not implemented for '{dtypes.OF[numpy_dtype].text}'")
    return numpy_dtype


def _shape(size, numpy_dtype, function):
    shape = size_argument(size, function)
    if min(shape, default=0) < 0:
        raise RuntimeError(f"Trying to create tensor with negative dimension {min(shape)}: {list(shape)}")
    check_size(shape, numpy_dtype.itemsize, function)
    return shape


def _sized(name, make, what, example, kinds="buif", takes=()):
    """The function of one row of the tables; `make` takes a shape, a NumPy dtype and these options to an array."""

    def function(*size, dtype=None, device=None, requires_grad=False, **options):
        """{name}(2, 3), {name}((2, 3)) or {name}(size=(2, 3)): {what}; float32 unless `dtype` says otherwise.

        >>> import minigrad
        >>> minigrad.{name}({example}
        """
        if ("size" in options) == bool(size) or options.keys() - {"size", *takes}:
            raise TypeError(f"{name}() takes 'size' and the options {[*takes]}, but got {[*size, *options]}")
        numpy_dtype = _dtype(dtype, dtypes.float32, name, kinds)
        shape = _shape(options.pop("size", size), numpy_dtype, name)
        return leaf(memory.new(make, shape, numpy_dtype, **options), requires_grad, device)

    return documented(function, name, what=what, example=example)


zeros = _sized("zeros", np.zeros, "zeros", "2)\n        tensor([0., 0.])")
ones = _sized("ones", np.ones, "ones", "2)\n        tensor([1., 1.])")
empty = _sized("empty", np.empty, "memory as it was found", "2, 0).shape\n        torch.Size([2, 0])")


def full(size, fill_value, *, dtype=None, device=None, requires_grad=False):
    """A tensor of `fill_value`; its dtype is that of the number, floats being float32.

        >>> import minigrad
        >>> minigrad.full((2,), 3.5)
        tensor([3.5000, 3.5000])
    """
    value = fill_value.item() if isinstance(fill_value, Value) else fill_value
    kind = dtypes.result_type(value) if dtype is None else dtypes.to_numpy(dtype)
    return leaf(np.full(_shape(size, kind, "full"), number_as(value, kind), kind), requires_grad, device)


# ---- ranges


def arange(start=None, end=None, step=1, *, dtype=None, device=None, requires_grad=False):
    """start, start + step, ... below `end`: arange(5), arange(1, 5), arange(1, 5, 2).

    int64 if all three are ints, else float32. RuntimeError for step 0 or a step that leads away, TypeError for a step
    without start and end.

        >>> import minigrad
        >>> minigrad.arange(1, 2, 0.25)
        tensor([1.0000, 1.2500, 1.5000, 1.7500])
    """
    if end is None:
        start, end = None, start
    if start is None and step != 1:
        raise TypeError(f"arange(): argument 'step' goes with both 'start' and 'end', but step={step} and end={end}")
    numbers = [x.item() if isinstance(x, Value) else x for x in (0 if start is None else start, end, step)]
    whole = max(dtypes.number_kind(x) for x in numbers) < 2
    numpy_dtype = _dtype(dtype, dtypes.int64 if whole else dtypes.float32, "arange", "uif")
    if not all(math.isfinite(x) for x in numbers):
        raise RuntimeError(f"unsupported range: {start} -> {end}")
    whole = numpy_dtype == np.int64
    start, end, step = (int(x) for x in numbers) if whole else numbers
    if step == 0 or (end - start) * step < 0:
        raise RuntimeError(f"step must be nonzero, and lead from start to end: arange({start}, {end}, {step})")
    count = -((start - end) // step) if whole else math.ceil((end - start) / step)
    check_size((count,), numpy_dtype.itemsize, "arange")
    i, lanes = np.arange(count), 32 // numpy_dtype.itemsize
    if numpy_dtype.kind == "f":  # PyTorch steps from the first number of each vector, which it rounds
        rest = count // (2 * lanes) * 2 * lanes
        first = _fused(start, step, i[:rest:lanes]).astype(numpy_dtype)
        array = np.append(_fused(first[:, None], step, i[:lanes]), _fused(start, step, i[rest:]))
    else:
        array = np.int64(start) + i * np.int64(step)
    return leaf(array.astype(numpy_dtype), requires_grad, device)


def _fused(x, y, z):
    """x + y z, rounded once: in the x86's long numbers the product of a number and a count is exact."""
    return (x + np.longdouble(y) * z).astype(np.float64)


def linspace(start, end, steps, *, dtype=None, device=None, requires_grad=False):
    """`steps` numbers at equal distances, both ends included. RuntimeError for negative steps.

        >>> import minigrad
        >>> minigrad.linspace(0, 1, 5)
        tensor([0.0000, 0.2500, 0.5000, 0.7500, 1.0000])
    """
    numpy_dtype = _dtype(dtype, dtypes.float32, "linspace", "uif")
    if int_argument(steps, "steps", "linspace") < 0:
        raise RuntimeError(f"number of steps must be non-negative, but got steps={steps}")
    check_size((steps,), 8, "linspace")
    compute = numpy_dtype.type if numpy_dtype.kind == "f" else np.float64
    ends = (x.item() if isinstance(x, Value) else x for x in (start, end))
    start, end = (compute(number_as(x, numpy_dtype)) for x in ends)
    step, i = (end - start) / compute(max(steps - 1, 1)), np.arange(steps)
    # PyTorch counts from the nearer end.
    array = np.where(i < max(steps // 2, 1), _fused(start, step, i), _fused(end, -step, steps - 1 - i))
    return leaf(array.astype(numpy_dtype), requires_grad, device)


def eye(n, m=None, *, dtype=None, device=None, requires_grad=False):
    """An (n, m) matrix with ones on its diagonal, m being n unless given.

        >>> import minigrad
        >>> minigrad.eye(2)
        tensor([[1., 0.],
                [0., 1.]])
    """
    numpy_dtype = _dtype(dtype, dtypes.float32, "eye")
    shape = _shape((n, n if m is None else m), numpy_dtype, "eye")
    return leaf(np.eye(*shape, dtype=numpy_dtype), requires_grad, device)


# ---- random numbers: the same as PyTorch's after the same manual_seed


def source(generator):
    """The generator to draw from."""
    if not isinstance(generator, (random.Generator, type(None))):
        raise TypeError(f"argument 'generator' must be minigrad.Generator, not {type(generator).__name__}")
    return generator or random.default_generator


rand = _sized("rand", lambda *wanted, generator=None: source(generator).uniform(*wanted), "uniform on [0, 1)",
              "2, generator=minigrad.Generator().manual_seed(0))\n        tensor([0.4963, 0.7682])", "f", {"generator"})
randn = _sized("randn", lambda *wanted, generator=None: source(generator).normal(*wanted),
               "normal with mean 0 and variance 1", "2, 3).shape\n        torch.Size([2, 3])", "f", {"generator"})


def normal(mean, std=1.0, size=None, *, generator=None, dtype=None, device=None, requires_grad=False):
    """Normal with this mean and standard deviation: a tensor of this `size`, if both are numbers.

    If one is a Tensor, or both are: each element has its own, broadcast; no other argument but `generator` (TypeError),
    and no gradient. RuntimeError for a negative std, NotImplementedError for Tensors of integers.

        >>> import minigrad
        >>> minigrad.normal(0, 0.01, (2, 3)).shape
        torch.Size([2, 3])
        >>> minigrad.normal(minigrad.tensor([[1.0], [2.0]]), minigrad.zeros(3))
        tensor([[1., 1., 1.],
                [2., 2., 2.]])
    """
    tensors = [float_argument(x, name, "normal") for name, x in (("mean", mean), ("std", std)) if isinstance(x, Value)]
    mean, std = (x._array if isinstance(x, Value) else float(number_as(x, np.dtype("f8"))) for x in (mean, std))
    if not tensors:
        numpy_dtype = _dtype(dtype, dtypes.float32, "normal", "f")
        array = source(generator).normal(_shape(size, numpy_dtype, "normal"), numpy_dtype, mean, std)
        return leaf(array, requires_grad, device)
    if size is not None or dtype is not None or device is not None or requires_grad:
        raise TypeError("normal(): arguments 'size', 'dtype', 'device' and 'requires_grad' go with numbers as "
                        "'mean' and 'std', not with Tensors")
    if not np.all(np.greater_equal(std, 0)):
        raise RuntimeError("normal expects all elements of std >= 0.0")
    numpy_dtype = tensors[0]._array.dtype
    each = source(generator).normal(broadcast(np.add, mean, std).shape, numpy_dtype)
    return wrap((each * std + mean).astype(numpy_dtype))


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
    numpy_dtype = dtypes.to_numpy(dtype or dtypes.int64)
    shape = _shape(size, numpy_dtype, "randint")
    return leaf(source(generator).integers(low, high, shape, numpy_dtype), requires_grad, device)


def randperm(n, *, generator=None, dtype=None, device=None, requires_grad=False):
    """A random order of 0 .. n-1, int64 unless `dtype`. RuntimeError for n < 0, or more than the dtype holds.

        >>> import minigrad
        >>> minigrad.randperm(4).sort().values
        tensor([0, 1, 2, 3])
    """
    if int_argument(n, "n", "randperm") < 0:
        raise RuntimeError(f"n must be non-negative, got {n}")
    check_size((n,), 8, "randperm")
    numpy_dtype = _dtype(dtype, dtypes.int64, "randperm", "uif")
    number_as(max(n - 1, 0), numpy_dtype)
    return leaf(source(generator).permutation(n).astype(numpy_dtype, copy=False), requires_grad, device)


# ---- after the model of a tensor


def _like(function, *example):
    def like(input, *args, dtype=None, **options):
        """`{model}` in the shape of `input`, its order of memory, and its dtype unless `dtype` says otherwise.

        >>> import minigrad
        >>> minigrad.{name}({example}).dtype
        torch.float32
        """
        def make(shape):
            return function(shape, *args, dtype=input.dtype if dtype is None else dtype, **options)._array

        tensor_argument(input, "input", like.__name__)
        return leaf(in_memory_order(input._array, make), options.get("requires_grad", False), None)

    example = ", ".join(("minigrad.ones(2)", *example))
    return documented(like, f"{function.__name__}_like", model=function.__name__, example=example)


zeros_like, ones_like, empty_like, rand_like, randn_like = map(_like, (zeros, ones, empty, rand, randn))
full_like = _like(full, "0.5")
