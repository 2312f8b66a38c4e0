"""Tensors from data, constants and random numbers."""

import math

import numpy as np

from .. import dtypes, random
from ..engine import Value, wrap
from .common import size_argument, tensor_argument
from .shape import check_size


def tensor(data, *, dtype=None, device=None, requires_grad=False):
    """A new leaf with a copy of `data`: a number, (nested) sequences of them, an ndarray or a Tensor.

    Python floats become float32, ints int64, bools bool, unless `dtype` says otherwise; an ndarray
    keeps its dtype. ValueError for ragged sequences, TypeError for what is no number.
    """
    if isinstance(data, Value):
        array = data._array
    elif isinstance(data, (np.ndarray, np.generic)):
        array = np.asarray(data)
    else:
        array = _from_sequence(data)
    if dtype is not None:
        array = array.astype(dtypes.to_numpy(dtype))
    else:
        array = array.astype(array.dtype.newbyteorder("="), order="C", copy=True)
    dtypes.of(array)
    return leaf(array, requires_grad)


def _from_sequence(data):
    data = _unwrap(data)
    try:
        array = np.array(data)
    except ValueError:
        raise ValueError(f"expected sequence of equal lengths in every dimension: {data!r:.80}") from None
    if array.dtype.kind == "f" and not _holds_arrays(data) or array.size == 0 and array.dtype.kind == "f":
        return array.astype(np.float32)
    if array.dtype.kind in "biuf":
        return array
    if array.dtype.kind == "O" and array.size and isinstance(array.flat[0], int):
        raise RuntimeError("Overflow when unpacking long long: the number does not fit into int64")
    kind = type(array.flat[0]).__name__ if array.dtype.kind == "O" and array.size else array.dtype
    raise TypeError(f"tensor(): expected numbers in 'data', but found {kind}: {data!r:.60}")


def _unwrap(data):
    """Nested sequences with Tensors of one element in them, as plain numbers."""
    if isinstance(data, Value):
        return data._array
    if isinstance(data, (list, tuple)):
        return [_unwrap(x) if isinstance(x, (list, tuple, Value)) else x for x in data]
    return data


def _holds_arrays(data):
    """Whether the numbers come from ndarrays or NumPy scalars, which bring their own dtype."""
    while isinstance(data, list) and data:
        data = data[0]
    return isinstance(data, (np.ndarray, np.generic))


def leaf(array, requires_grad=False):
    """A tensor without a history around `array` (no copy)."""
    out = wrap(array)
    if requires_grad:
        out.requires_grad = True
    return out


def from_numpy(ndarray):
    """A tensor that shares the memory of an ndarray.

    TypeError for an unsupported dtype, ValueError for negative strides or foreign byte order, as in
    PyTorch. Read-only memory is shared too; writing to it is a RuntimeError.
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
    return wrap(np.asarray(ndarray).view())


# ---- constants


def full(size, fill_value, *, dtype=None, device=None, requires_grad=False):
    """A tensor of `fill_value`; its dtype is that of the number, floats being float32."""
    if dtype is None:
        dtype = dtypes.OF[dtypes.result_type(fill_value)]
    shape = _shape((size,), dtype, "full")
    return leaf(np.full(shape, fill_value, dtype.numpy), requires_grad)


def zeros(*size, dtype=None, device=None, requires_grad=False):
    """zeros(2, 3) or zeros((2, 3)): a tensor of zeros, float32 unless `dtype` says otherwise."""
    return leaf(np.zeros(*_shape_and_type(size, dtype, "zeros")), requires_grad)


def ones(*size, dtype=None, device=None, requires_grad=False):
    """ones(2, 3) or ones((2, 3)): a tensor of ones, float32 unless `dtype` says otherwise."""
    return leaf(np.ones(*_shape_and_type(size, dtype, "ones")), requires_grad)


def empty(*size, dtype=None, device=None, requires_grad=False):
    """empty(2, 3) or empty((2, 3)): memory as it was found, float32 unless `dtype` says otherwise."""
    return leaf(np.empty(*_shape_and_type(size, dtype, "empty")), requires_grad)


def _shape(size, dtype, function):
    shape = size_argument(size, function)
    if min(shape, default=0) < 0:
        raise RuntimeError(f"Trying to create tensor with negative dimension {min(shape)}: {list(shape)}")
    check_size(shape, dtypes.to_numpy(dtype).itemsize, function)
    return shape


def _shape_and_type(size, dtype, function):
    dtype = dtypes.float32 if dtype is None else dtype
    return _shape(size, dtype, function), dtype.numpy


def zeros_like(input, *, dtype=None, requires_grad=False):
    """Zeros in the shape and dtype of `input`."""
    return zeros(*_like(input, "zeros_like"), dtype=dtype or input.dtype, requires_grad=requires_grad)


def ones_like(input, *, dtype=None, requires_grad=False):
    """Ones in the shape and dtype of `input`."""
    return ones(*_like(input, "ones_like"), dtype=dtype or input.dtype, requires_grad=requires_grad)


def empty_like(input, *, dtype=None, requires_grad=False):
    """Memory as it was found, in the shape and dtype of `input`."""
    return empty(*_like(input, "empty_like"), dtype=dtype or input.dtype, requires_grad=requires_grad)


def full_like(input, fill_value, *, dtype=None, requires_grad=False):
    """`fill_value` in the shape and dtype of `input`."""
    (shape,) = _like(input, "full_like")
    return full(shape, fill_value, dtype=dtype or input.dtype, requires_grad=requires_grad)


def rand_like(input, *, dtype=None, requires_grad=False):
    """`rand` in the shape and dtype of `input`."""
    return rand(*_like(input, "rand_like"), dtype=dtype or input.dtype, requires_grad=requires_grad)


def randn_like(input, *, dtype=None, requires_grad=False):
    """`randn` in the shape and dtype of `input`."""
    return randn(*_like(input, "randn_like"), dtype=dtype or input.dtype, requires_grad=requires_grad)


def _like(input, function):
    return (tuple(tensor_argument(input, "input", function).shape),)


# ---- ranges


def arange(start, end=None, step=1, *, dtype=None, device=None, requires_grad=False):
    """start, start + step, ... below `end`: arange(5), arange(1, 5), arange(1, 5, 2).

    int64 if all three are ints, else float32. RuntimeError for step 0 or a step that leads away.
    """
    if end is None:
        start, end = 0, start
    start, end, step = (x.item() if isinstance(x, Value) else x for x in (start, end, step))
    if step == 0:
        raise RuntimeError("step must be nonzero")
    if (end - start) * step < 0:
        raise RuntimeError(f"upper bound and lower bound inconsistent with step sign: arange({start}, {end}, {step})")
    if not (math.isfinite(start) and math.isfinite(end)):
        raise RuntimeError(f"unsupported range: {start} -> {end}")
    whole = all(dtypes.number_kind(x) < 2 for x in (start, end, step))
    numpy_dtype = dtypes.to_numpy(dtype or (dtypes.int64 if whole else dtypes.float32))
    count = math.ceil((end - start) / step)
    check_size((count,), numpy_dtype.itemsize, "arange")
    compute = np.int64 if whole else np.float64
    return leaf((compute(start) + np.arange(count, dtype=compute) * compute(step)).astype(numpy_dtype), requires_grad)


def linspace(start, end, steps, *, dtype=None, device=None, requires_grad=False):
    """`steps` numbers at equal distances, both ends included. RuntimeError for negative steps."""
    if steps < 0:
        raise RuntimeError(f"number of steps must be non-negative, but got steps={steps}")
    return leaf(np.linspace(start, end, steps, dtype=dtypes.to_numpy(dtype or dtypes.float32)), requires_grad)


def eye(n, m=None, *, dtype=None, device=None, requires_grad=False):
    """An (n, m) matrix with ones on its diagonal, m being n unless given."""
    shape, numpy_dtype = _shape_and_type(((n, n if m is None else m),), dtype, "eye")
    return leaf(np.eye(*shape, dtype=numpy_dtype), requires_grad)


# ---- random numbers: the same as PyTorch's after the same manual_seed


def rand(*size, generator=None, dtype=None, device=None, requires_grad=False):
    """Uniform on [0, 1)."""
    source = generator or random.default_generator
    return leaf(source.uniform(*_random_size(size, dtype, "rand")), requires_grad)


def randn(*size, generator=None, dtype=None, device=None, requires_grad=False):
    """Normal with mean 0 and variance 1."""
    source = generator or random.default_generator
    return leaf(source.normal(*_random_size(size, dtype, "randn")), requires_grad)


def _random_size(size, dtype, function):
    shape, numpy_dtype = _shape_and_type(size, dtype, function)
    if numpy_dtype.kind != "f":
        raise NotImplementedError(f'"{function}" not implemented for \'{dtype.text}\'')
    return shape, numpy_dtype


def randint(low, high=None, size=None, *, generator=None, dtype=None, device=None, requires_grad=False):
    """randint(high, size) or randint(low, high, size): integers in [low, high), int64 unless `dtype`.

    RuntimeError unless low < high.
    """
    if size is None:
        low, high, size = 0, low, high
    if low >= high:
        raise RuntimeError(f"random_ expects 'from' to be less than 'to', but got from={low} >= to={high}")
    shape = _shape((size,), dtype or dtypes.int64, "randint")
    source = generator or random.default_generator
    return leaf(source.integers(low, high, shape, dtypes.to_numpy(dtype or dtypes.int64)), requires_grad)


def randperm(n, *, generator=None, dtype=None, device=None, requires_grad=False):
    """A random order of 0 .. n-1, int64. RuntimeError for n < 0."""
    if n < 0:
        raise RuntimeError(f"n must be non-negative, got {n}")
    source = generator or random.default_generator
    order = source.permutation(n).astype(dtypes.to_numpy(dtype or dtypes.int64), copy=False)
    return leaf(order, requires_grad)
