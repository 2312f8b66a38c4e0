"""What many operators share: dtypes made equal, dimensions counted from either end."""

import numpy as np

from .. import dtypes
from ..engine import Operator, Value, wrap


class Cast(Operator):
    """The same numbers in another dtype. The engine casts the gradient back."""

    def forward(self, x, *, dtype):
        return x.astype(dtype)

    def backward(self, g):
        return g

    def name(self):
        return "ToCopyBackward0"


def cast(x, dtype):
    """`x` in the NumPy dtype `dtype`; `x` itself if it has it."""
    return x if x._array.dtype == dtype else Cast.apply(x, dtype=dtype)


def tensor_argument(x, argument, function):
    """TypeError unless `x` is a Tensor."""
    if not isinstance(x, Value):
        raise TypeError(f"{function}(): argument '{argument}' must be Tensor, not {type(x).__name__}")
    return x


def promote(x, y, kind=None):
    """The two operands of an operator in the dtype that PyTorch computes in.

    A Python number stays a number (or becomes a 0-d array where NumPy would decide otherwise);
    `kind="float"` makes integers float32.
    """
    if isinstance(x, Value) and isinstance(y, Value) and x._array.dtype == y._array.dtype:
        dtype = x._array.dtype
    else:
        x, y = _operand(x), _operand(y)
        dtype = dtypes.result_type(getattr(x, "_array", x), getattr(y, "_array", y))
    if kind == "float" and dtype.kind != "f":
        dtype = dtypes.float32.numpy
    return _to(x, dtype), _to(y, dtype)


def _operand(x):
    return wrap(x) if isinstance(x, np.ndarray) else x


def _to(x, dtype):
    if isinstance(x, Value):
        return cast(x, dtype)
    if dtype.kind == "f":
        return float(x)
    return np.array(x).astype(dtype)  # wraps around like PyTorch, where NumPy would raise


def is_operand(x):
    """Whether x can stand beside a tensor in arithmetic."""
    return isinstance(x, (Value, bool, int, float, np.generic, np.ndarray))


def floating(x):
    """`x` itself if it is floating point, else as float32."""
    return x if x._array.dtype.kind == "f" else cast(x, dtypes.float32.numpy)


def normal_dim(dim, ndim):
    """`dim` counted from the front. A 0-d tensor takes 0 and -1, as in PyTorch."""
    if not hasattr(dim, "__index__"):
        raise TypeError(f"argument 'dim' must be int, not {type(dim).__name__}")
    last = max(ndim, 1)
    if not -last <= dim < last:
        raise IndexError(f"Dimension out of range (expected to be in range of [{-last}, {last - 1}], "
                         f"but got {dim})")
    return int(dim) % last


def normal_dims(dim, ndim):
    """A tuple of dimensions counted from the front; None and () mean all of them."""
    if dim is None:
        return tuple(range(ndim))
    dims = tuple(normal_dim(d, ndim) for d in (dim if isinstance(dim, (tuple, list)) else (dim,)))
    for d in dims:
        if dims.count(d) > 1:
            raise RuntimeError(f"dim {d} appears multiple times in the list of dims")
    return (dims or tuple(range(ndim))) if ndim else ()


def size_argument(size, function):
    """A shape given as `f(2, 3)`, `f((2, 3))` or `f(Size)`: a tuple of ints."""
    if len(size) == 1 and isinstance(size[0], (tuple, list)):
        size = size[0]
    for n in size:
        if not hasattr(n, "__index__") or isinstance(n, bool):
            raise TypeError(f"{function}(): argument 'size' must be tuple of ints, "
                            f"but found {type(n).__name__}")
    return tuple(n.__index__() for n in size)
