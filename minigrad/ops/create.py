"""Tensors from data, constants and random numbers."""

import math

import numpy as np

from .. import dtypes, random
from ..engine import Value, wrap
from .common import LIMITS, check_device, check_size, number_as, size_argument, tensor_argument


def tensor(data, *, dtype=None, device=None, requires_grad=False):
    """A new leaf with a copy of `data`: a number, (nested) sequences of them, an ndarray or a Tensor.

    Python floats become float32, ints int64, bools bool, unless `dtype` says otherwise; an ndarray
    keeps its dtype. ValueError for ragged sequences, TypeError or RuntimeError for what is no number
    and for numbers out of the range of the dtype.
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


def from_numpy(ndarray):
    """A tensor that shares the memory of an ndarray.

    TypeError for an unsupported dtype, ValueError for negative or odd strides, unaligned memory or
    foreign byte order. Read-only memory is shared too; writing to it is a RuntimeError.
    """
    if not isinstance(ndarray, np.ndarray):
        raise TypeError(f"expected np.ndarray (got {type(ndarray).__name__})")
    if not ndarray.dtype.isnative:
        raise ValueError(f"given numpy array has byte order different from the native byte order "
                         f"({ndarray.dtype.str}): convert it with .astype({ndarray.dtype.name!r})")
    dtypes.of(ndarray)
    if any(s < 0 for s in ndarray.strides):
        raise ValueError("At least one stride in the given numpy array is negative, and tensors with "
                         f"negative strides are not supported (strides {ndarray.strides}): .copy() it")
    if not ndarray.flags.aligned or any(s % ndarray.itemsize for s in ndarray.strides):
        raise ValueError("the given numpy array does not lie at multiples of the element byte size "
                         f"(strides {ndarray.strides}): .copy() it")
    return wrap(np.asarray(ndarray).view())


# ---- constants


def full(size, fill_value, *, dtype=None, device=None, requires_grad=False):
    """A tensor of `fill_value`; its dtype is that of the number, floats being float32."""
    value = fill_value.item() if isinstance(fill_value, Value) else fill_value
    kind = dtypes.result_type(value) if dtype is None else dtypes.to_numpy(dtype)
    array = np.full(_shape(size, kind, "full"), number_as(value, kind), kind)
    return leaf(array, requires_grad, device)


def zeros(*size, dtype=None, device=None, requires_grad=False):
    """zeros(2, 3) or zeros((2, 3)): a tensor of zeros, float32 unless `dtype` says otherwise."""
    return leaf(np.zeros(*_shape_and_type(size, dtype, "zeros")), requires_grad, device)


def ones(*size, dtype=None, device=None, requires_grad=False):
    """ones(2, 3) or ones((2, 3)): a tensor of ones, float32 unless `dtype` says otherwise."""
    return leaf(np.ones(*_shape_and_type(size, dtype, "ones")), requires_grad, device)


def empty(*size, dtype=None, device=None, requires_grad=False):
    """empty(2, 3) or empty((2, 3)): memory as it was found, float32 unless `dtype` says otherwise."""
    return leaf(np.empty(*_shape_and_type(size, dtype, "empty")), requires_grad, device)


def _shape(size, numpy_dtype, function):
    if not isinstance(size, (tuple, list)):
        raise TypeError(f"{function}(): argument 'size' must be tuple of ints, not {type(size).__name__}")
    shape = size_argument((size,), function)
    if min(shape, default=0) < 0:
        raise RuntimeError(f"Trying to create tensor with negative dimension {min(shape)}: {list(shape)}")
    check_size(shape, numpy_dtype.itemsize, function)
    return shape


def _shape_and_type(size, dtype, function):
    if not size:
        raise TypeError(f"{function}() missing 1 required positional argument: 'size'")
    size = size[0] if len(size) == 1 and isinstance(size[0], (tuple, list)) else size
    numpy_dtype = dtypes.to_numpy(dtypes.float32 if dtype is None else dtype)
    return _shape(size, numpy_dtype, function), numpy_dtype


def zeros_like(input, *, dtype=None, device=None, requires_grad=False):
    """Zeros in the shape and dtype of `input`."""
    shape, dtype = _like(input, dtype, "zeros_like")
    return zeros(shape, dtype=dtype, device=device, requires_grad=requires_grad)


def ones_like(input, *, dtype=None, device=None, requires_grad=False):
    """Ones in the shape and dtype of `input`."""
    shape, dtype = _like(input, dtype, "ones_like")
    return ones(shape, dtype=dtype, device=device, requires_grad=requires_grad)


def empty_like(input, *, dtype=None, device=None, requires_grad=False):
    """Memory as it was found, in the shape and dtype of `input`."""
    shape, dtype = _like(input, dtype, "empty_like")
    return empty(shape, dtype=dtype, device=device, requires_grad=requires_grad)


def full_like(input, fill_value, *, dtype=None, device=None, requires_grad=False):
    """`fill_value` in the shape and dtype of `input`."""
    shape, dtype = _like(input, dtype, "full_like")
    return full(shape, fill_value, dtype=dtype, device=device, requires_grad=requires_grad)


def rand_like(input, *, dtype=None, device=None, requires_grad=False):
    """`rand` in the shape and dtype of `input`."""
    shape, dtype = _like(input, dtype, "rand_like")
    return rand(shape, dtype=dtype, device=device, requires_grad=requires_grad)


def randn_like(input, *, dtype=None, device=None, requires_grad=False):
    """`randn` in the shape and dtype of `input`."""
    shape, dtype = _like(input, dtype, "randn_like")
    return randn(shape, dtype=dtype, device=device, requires_grad=requires_grad)


def _like(input, dtype, function):
    tensor_argument(input, "input", function)
    return tuple(input.shape), input.dtype if dtype is None else dtype


# ---- ranges


def arange(start=None, end=None, step=1, *, dtype=None, device=None, requires_grad=False):
    """start, start + step, ... below `end`: arange(5), arange(1, 5), arange(1, 5, 2).

    int64 if all three are ints, else float32. RuntimeError for step 0 or a step that leads away.
    """
    if end is None:
        start, end = None, start
    numbers = [x.item() if isinstance(x, Value) else x for x in (0 if start is None else start, end, step)]
    kinds = [dtypes.number_kind(x) for x in numbers]
    whole = max(kinds) < 2
    numpy_dtype = dtypes.to_numpy(dtype or (dtypes.int64 if whole else dtypes.float32))
    if numpy_dtype.kind == "b":
        raise NotImplementedError("arange(): not implemented for 'Bool'")
    if not all(math.isfinite(x) for x in numbers):
        raise RuntimeError(f"unsupported range: {start} -> {end}")
    whole = whole or numpy_dtype.kind != "f"
    start, end, step = (int(x) for x in numbers) if whole else numbers
    if step == 0:
        raise RuntimeError("step must be nonzero")
    if (end - start) * step < 0:
        raise RuntimeError(f"upper bound and lower bound inconsistent with step sign: arange({start}, {end}, {step})")
    count = -((start - end) // step) if whole else math.ceil((end - start) / step)
    check_size((count,), numpy_dtype.itemsize, "arange")
    compute = np.int64 if whole else np.float64
    array = compute(start) + np.arange(count, dtype=compute) * compute(step)
    return leaf(array.astype(numpy_dtype), requires_grad, device)


def linspace(start, end, steps, *, dtype=None, device=None, requires_grad=False):
    """`steps` numbers at equal distances, both ends included. RuntimeError for negative steps."""
    start, end = (x.item() if isinstance(x, Value) else x for x in (start, end))
    dtypes.result_type(start, end)  # TypeError unless they are numbers
    if not hasattr(steps, "__index__"):
        raise TypeError(f"linspace(): argument 'steps' must be int, not {type(steps).__name__}")
    if steps < 0:
        raise RuntimeError(f"number of steps must be non-negative, but got steps={steps}")
    numpy_dtype = dtypes.to_numpy(dtype or dtypes.float32)
    check_size((steps,), 8, "linspace")
    return leaf(np.linspace(start, end, steps, dtype=numpy_dtype), requires_grad, device)


def eye(n, m=None, *, dtype=None, device=None, requires_grad=False):
    """An (n, m) matrix with ones on its diagonal, m being n unless given."""
    shape, numpy_dtype = _shape_and_type((n, n if m is None else m), dtype, "eye")
    return leaf(np.eye(*shape, dtype=numpy_dtype), requires_grad, device)


# ---- random numbers: the same as PyTorch's after the same manual_seed


def rand(*size, generator=None, dtype=None, device=None, requires_grad=False):
    """Uniform on [0, 1)."""
    shape, numpy_dtype = _random_size(size, dtype, "rand")
    return leaf(_source(generator).uniform(shape, numpy_dtype), requires_grad, device)


def randn(*size, generator=None, dtype=None, device=None, requires_grad=False):
    """Normal with mean 0 and variance 1."""
    shape, numpy_dtype = _random_size(size, dtype, "randn")
    return leaf(_source(generator).normal(shape, numpy_dtype), requires_grad, device)


def _random_size(size, dtype, function):
    shape, numpy_dtype = _shape_and_type(size, dtype, function)
    if numpy_dtype.kind != "f":
        raise NotImplementedError(f"{function}(): not implemented for '{dtypes.OF[numpy_dtype].text}'")
    return shape, numpy_dtype


def _source(generator):
    if generator is None:
        return random.default_generator
    if not isinstance(generator, random.Generator):
        raise TypeError(f"argument 'generator' must be minigrad.Generator, not {type(generator).__name__}")
    return generator


def randint(low, high=None, size=None, *, generator=None, dtype=None, device=None, requires_grad=False):
    """randint(high, size) or randint(low, high, size): integers in [low, high), int64 unless `dtype`.

    RuntimeError unless low < high.
    """
    if size is None:
        low, high, size = 0, low, high
    if not (hasattr(low, "__index__") and hasattr(high, "__index__")):
        raise TypeError(f"randint(): arguments 'low' and 'high' must be ints, but they are {low!r}, {high!r}")
    if low >= high:
        raise RuntimeError(f"random_ expects 'from' to be less than 'to', but got from={low} >= to={high}")
    numpy_dtype = dtypes.to_numpy(dtype or dtypes.int64)
    shape = _shape(size, numpy_dtype, "randint")
    return leaf(_source(generator).integers(low, high, shape, numpy_dtype), requires_grad, device)


def randperm(n, *, generator=None, dtype=None, device=None, requires_grad=False):
    """A random order of 0 .. n-1, int64. RuntimeError for n < 0."""
    if n < 0:
        raise RuntimeError(f"n must be non-negative, got {n}")
    order = _source(generator).permutation(n).astype(dtypes.to_numpy(dtype or dtypes.int64), copy=False)
    return leaf(order, requires_grad, device)
