"""What many operators share: dtypes made equal, dimensions counted from either end."""

import functools
import math

import numpy as np

from .. import devices, dtypes, kernels
from ..engine import Value, of_one_dtype, wrap
from .table import define

# The same numbers in another dtype. The engine casts the gradient back.
Cast = define("ToCopy", lambda x, dtype: x.astype(dtype), lambda g, dtype: g)


def cast(x, dtype):
    """`x` in the NumPy dtype `dtype`; `x` itself if it has it."""
    return x if x._array.dtype == dtype else Cast.apply(x, dtype=dtype)


def tensor_argument(x, argument, function):
    """TypeError unless `x` is a Tensor."""
    if not isinstance(x, Value):
        raise TypeError(f"{function}(): argument '{argument}' must be Tensor, not {type(x).__name__}")
    return x


def float_argument(x, argument, function):
    """`x`; TypeError unless it is a Tensor, NotImplementedError unless it is floating point."""
    if tensor_argument(x, argument, function)._array.dtype.kind != "f":
        raise NotImplementedError(f"{function}(): argument '{argument}' is not implemented for '{x.dtype.text}'")
    return x


def wrapped(number, dtype):
    """A number in the NumPy `dtype`, wrapped around, like PyTorch's, where NumPy would raise."""
    return np.array(number).astype(dtype)


def promote(x, y, kind=None, number=wrapped):
    """The two operands of an operator in the dtype that PyTorch computes in.

    A Python number stays a number, or becomes `number(x, dtype)` where NumPy would decide otherwise: a 0-d array;
    `kind="float"` makes integers float32.
    """
    if of_one_dtype(x, y) and (kind is None or x._array.dtype.kind == "f"):  # as nearly always
        return x, y
    if type(y) is float and isinstance(x, Value) and x._array.dtype.kind == "f":
        return x, y
    x, y = operand(x), operand(y)
    dtype = dtypes.result_type(getattr(x, "_array", x), getattr(y, "_array", y))
    if kind == "float" and dtype.kind != "f":
        dtype = dtypes.float32.numpy
    return _to(x, dtype, number), _to(y, dtype, number)


def operand(x):
    return wrap(x) if isinstance(x, np.ndarray) else x


def _to(x, dtype, number):
    if isinstance(x, Value):
        return cast(x, dtype)
    return float(x) if dtype.kind == "f" else number(x, dtype)


def plain(x):
    """A number of NumPy's, or one in a 0-d tensor, as Python's: an option has no dtype to impose."""
    return x.item() if isinstance(x, (np.generic, Value)) and not x.ndim else x


def kind(x):
    """"b", "u", "i" or "f": whether a tensor, an array or a number is bool, integer or float."""
    return np.asarray(getattr(x, "_array", x)).dtype.kind


def mismatch(*operands):
    """PyTorch's error for operands (tensors, arrays, numbers) whose shapes do not broadcast."""
    shapes = [list(getattr(x, "shape", ())) for x in operands]
    ndim = max(len(shape) for shape in shapes)
    for d in range(1, ndim + 1):
        a, b, *_ = [shape[-d] for shape in shapes if len(shape) >= d and shape[-d] != 1] + [1, 1]
        if a != b and b != 1:
            return RuntimeError(f"The size of tensor a ({a}) must match the size of tensor b ({b}) at "
                                f"non-singleton dimension {ndim - d}: the shapes are {shapes}")
    return RuntimeError(f"the shapes {shapes} broadcast to more than memory can hold")


def ledger(x, *wanted):
    """Where the shape of `x` came from, in words: the place for autograd/ledger.py, which fills it."""
    return ""


def wrong_size(message, x, *wanted, error=RuntimeError):
    """An error with this message, which also tells where the shape of `x` came from."""
    return error(message + ledger(x, *wanted))


def broadcast(function, *operands):
    """function(*operands), with PyTorch's error for shapes that do not go together."""
    try:
        return function(*operands)
    except ValueError:
        raise mismatch(*operands) from None


def promoted(operator, x, y, kind=None):
    """broadcast(operator.apply, *promote(x, y, kind)), with one call fewer where there is nothing to promote."""
    if kind or not of_one_dtype(x, y):
        x, y = promote(x, y, kind)
    try:
        return operator.apply(x, y)
    except ValueError:
        raise mismatch(x, y) from None


def is_operand(x):
    """Whether x can stand beside a tensor in arithmetic."""
    return isinstance(x, (Value, bool, int, float, np.generic, np.ndarray))


def floating(x):
    """`x` itself if it is floating point, else as float32."""
    return x if x._array.dtype.kind == "f" else cast(x, dtypes.float32.numpy)


def check_device(device):
    """RuntimeError for any device but the CPU, TypeError for what names no device."""
    if device is not None and device != "cpu" and devices.device(device).type != "cpu":
        raise RuntimeError(f"minigrad runs on the CPU: there is no device {str(device)!r}")


def number_as(number, dtype):
    """A number as an element of the NumPy `dtype`; TypeError if it is none, RuntimeError if it is out of range."""
    dtypes.number_kind(number)
    if dtype.kind == "b":
        return bool(number)
    low, high = LIMITS[dtype]
    if not low <= number <= high and (dtype.kind != "f" or math.isfinite(number)):
        raise RuntimeError(f"value cannot be converted to type {dtype} without overflow: {number}")
    return float(number) if dtype.kind == "f" else np.array(int(number)).astype(dtype)


def element(value, dtype):
    """A Tensor or a number (TypeError for anything else) in the NumPy `dtype` of the tensor it is written into."""
    return cast(value, dtype) if isinstance(value, Value) else number_as(value, dtype)


LIMITS = {t: (-float(np.finfo(t).max), float(np.finfo(t).max)) for t in map(np.dtype, ("f4", "f8"))} | {
    t: (np.iinfo(t).min, np.iinfo(t).max) for t in map(np.dtype, ("i8", "i4"))
} | {np.dtype("u1"): (-255, 255)}  # PyTorch takes -1 as 255


def normal_dim(dim, ndim):
    """`dim` counted from the front. A 0-d tensor takes 0 and -1, as in PyTorch."""
    if type(dim) is int and -ndim <= dim < ndim:  # as nearly always
        return dim % ndim
    if not hasattr(dim, "__index__") or isinstance(dim, bool):
        raise TypeError(f"argument 'dim' must be int, not {type(dim).__name__}")
    dim, last = dim.__index__(), max(ndim, 1)
    if not -last <= dim < last:
        raise IndexError(f"Dimension out of range (expected to be in range of [{-last}, {last - 1}], but got {dim})")
    return dim % last


def normal_dims(dim, ndim):
    """A tuple of dimensions counted from the front; None and () mean all of them."""
    if dim is None:
        return tuple(range(ndim))
    dims = tuple([normal_dim(d, ndim) for d in (dim if isinstance(dim, (tuple, list)) else (dim,))])
    if len(set(dims)) < len(dims):
        raise RuntimeError(f"dim {max(dims, key=dims.count)} appears multiple times in the list of dims")
    return (dims or tuple(range(ndim))) if ndim else ()


def size_argument(size, function, argument="size"):
    """A shape given as `f(2, 3)`, `f((2, 3))` or `f(Size)`: a tuple of ints."""
    if not isinstance(size, (tuple, list)):
        raise TypeError(f"{function}(): argument '{argument}' must be tuple of ints, not {type(size).__name__}")
    size = size[0] if len(size) == 1 and isinstance(size[0], (tuple, list)) else size
    return tuple([n if type(n) is int else int_argument(n, argument, function) for n in size])


def same_dtype(input, other, argument, function):
    """TypeError unless `input` and `other` are tensors, RuntimeError unless they have one dtype:
    only arithmetic promotes."""
    if of_one_dtype(input, other):
        return
    tensor_argument(input, "input", function)
    tensor_argument(other, argument, function)
    if input._array.dtype != other._array.dtype:
        # Nothing floating becomes an integer, and what a layer holds stays as it is.
        held = input._array.dtype.kind != "f" or argument in ("weight", "running_mean", "other")
        x, to = ("input", other) if held and other._array.dtype.kind == "f" else (argument, input)
        raise RuntimeError(f"{function}(): expected input and {argument} to have the same dtype, but got "
                           f"{input.dtype.name} and {other.dtype.name}: convert {x}, with .to({to.dtype!r})")


def int_argument(value, argument, function):
    """TypeError unless `value` is an int (True and False are none)."""
    if type(value) is int:
        return value
    if not hasattr(value, "__index__") or isinstance(value, bool):
        raise TypeError(f"{function}(): argument '{argument}' must be int, not {type(value).__name__}: {value!r}")
    return value.__index__()


def bool_argument(value, argument, function):
    """`value`; TypeError unless it is True or False."""
    if not isinstance(value, bool):
        raise TypeError(f"{function}(): argument '{argument}' must be bool, not {type(value).__name__}: {value!r}")
    return value


def per_dimension(value, dims, argument, function, least):
    """An int, or a sequence of one or `dims` ints, as a tuple of `dims` ints, none below `least`.

    TypeError for other types, RuntimeError for a wrong length, a too small or an absurd value.
    """
    if type(value) is int and least <= value < 2**31:  # this or the next is so, as nearly always
        return (value,) * dims
    if type(value) is tuple and len(value) == dims:
        for v in value:
            if type(v) is not int or not least <= v < 2**31:
                break
        else:
            return value
    values = value if isinstance(value, (tuple, list)) else (value,)
    values = tuple([v if type(v) is int else int_argument(v, argument, function) for v in values])
    values *= dims if len(values) == 1 else 1
    if len(values) != dims:
        raise RuntimeError(f"{function}(): expected {argument} to be a single integer value or a list of {dims} "
                           f"values, but got {argument}={value}")
    if min(values) < least:
        kind = "negative" if least == 0 else "non-positive"
        raise RuntimeError(f"{kind} {argument} is not supported: {function}() got {argument}={value}")
    if max(values) >= 2**31:
        raise RuntimeError(f"{function}(): {argument}={value} is too large: it must be < 2**31")
    return values


def add_up(x, dims, keepdims=False):
    """The sum of an array. NumPy adds up in pairs only what lies side by side, else one number after the other, whose
    rounding errors grow with their count: of many float32 that makes double precision worth its time."""
    if 2 < x.ndim == len(dims) + 1 and 1 not in dims and x.size and x.dtype.kind == "f" and x.flags.c_contiguous:
        # The channels are left, as in the gradient of a bias.
        sums = kernels.channel_sums(x.reshape(*x.shape[:2], -1))
        return sums.reshape(1, -1, *[1] * (x.ndim - 2)) if keepdims else sums
    if x.size > 64 and x.dtype == np.float32 and (dims[:1] != (x.ndim - len(dims),) or not x.flags.c_contiguous):
        if math.prod([x.shape[d] for d in dims]) > 64:
            return np.add.reduce(x, axis=dims, keepdims=keepdims, dtype=np.float64).astype(x.dtype)
    return np.add.reduce(x, axis=dims, keepdims=keepdims, dtype=x.dtype)


def is_expanded(array):
    """Whether several elements lie at one place in memory."""
    return any([not step and n > 1 for step, n in zip(array.strides, array.shape)])


def in_memory_order(array, make):
    """make(shape) for the axes as they lie in memory, the slowest first: so PyTorch fills what is not contiguous.

    Axes of something expanded are taken as they come.
    """
    axes = range(array.ndim)
    order = axes if is_expanded(array) else sorted(axes, key=lambda d: -abs(array.strides[d]))
    return make(tuple([array.shape[d] for d in order])).transpose(np.argsort(order))


def numpy_names(function):
    """`function`, which takes `axis` and `keepdims` for `dim` and `keepdim` too, as PyTorch does; and its TypeError for
    those that take `keepdim` only with `dim`."""

    @functools.wraps(function)
    def renamed(*args, **kwargs):
        if kwargs:
            kwargs = {NUMPY_NAMES.get(name, name): x for name, x in kwargs.items()}
            if len(args) < 2 and "keepdim" in kwargs and "dim" not in kwargs and function.__name__ in KEEP_WITH_DIM:
                raise TypeError(f"{function.__name__}(): argument 'keepdim' goes with 'dim', which is missing")
        return function(*args, **kwargs)

    return renamed


NUMPY_NAMES = {"axis": "dim", "keepdims": "keepdim"}
KEEP_WITH_DIM = "max", "mean", "min", "prod", "sum"


def check_size(shape, itemsize, function):
    """RuntimeError if an array of this shape could not exist, before anybody tries to make it."""
    size = math.prod(shape) * itemsize
    if size >= 2**63 or any(n >= 2**63 for n in shape):
        raise RuntimeError(f"{function}(): Storage size calculation overflowed with sizes={list(shape)}")
    try:
        np.empty(size, np.uint8)  # memory that nobody touches costs nothing
    except MemoryError:
        raise RuntimeError(f"{function}(): can't allocate memory: {size} bytes for the shape {list(shape)}") from None
