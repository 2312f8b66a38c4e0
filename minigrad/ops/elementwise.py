"""Element by element, of several numbers: arithmetic, choices, limits, with broadcasting.

Each rule is the chain rule of one formula. Where two inputs broadcast, the rule returns the
gradient in the broadcast shape: the engine sums it down.
"""

import numpy as np

from .. import dtypes, kernels
from ..engine import Operator, Value, is_grad_enabled, wrap
from .common import broadcast, cast, element, is_expanded, kind, number_as, plain, promote, promoted, tensor_argument
from .table import define, named


class Add(Operator):
    """z = x + y;  dx = g,  dy = g."""

    forward = np.add

    def backward(self, g):
        return g, g


class Mul(Operator):
    """z = x y;  dx = g y,  dy = g x."""

    uses = ((1,), (0,))
    forward = np.multiply

    def backward(self, g):
        x, y = self.inputs
        needs_x, needs_y = self.needs_input_grad
        return g * y if needs_x else None, g * x if needs_y else None


def divided(ufunc, x, y):
    """ufunc(x, y), for a division that leaves a remainder."""
    if kind(y) == "b":
        raise NotImplementedError("division with rounding is not implemented for 'Bool'")
    if kind(y) != "f" and not y.all() and np.size(x):
        raise RuntimeError("ZeroDivisionError: an integer divided by 0")
    return ufunc(x, y)


def floored_remainder(x, y):
    """x - y floor(x / y), where 0 keeps the sign of x: the one thing in which np.remainder differs."""
    z = np.remainder(x, y)
    return np.where(z == 0, np.fmod(x, y), z) if z.dtype.kind == "f" else z


def truncated_quotient(x, y):
    """x / y rounded towards 0."""
    return np.trunc(np.true_divide(x, y)) if kind(y) == "f" else (x - divided(np.fmod, x, y)) // y


def refused(g):
    """The rule of floor_divide, as PyTorch has it."""
    raise RuntimeError("FloorDivide is not differentiable; div(rounding_mode='floor') is, with a gradient of 0")


def zeros(g, **params):
    """The rule of a staircase: its gradient is 0."""
    return wrap(np.zeros_like(g._array))


def flat(dx, x):
    """dx as if it depended on x, with a gradient of 0. Where PyTorch's operator keeps x, its second gradient is 0, not
    None, and None is what optimisers leave out."""
    return Flat.apply(dx, x) if is_grad_enabled() else dx


def power(x, y):
    """x^y; of integers without fractions: 0 where a negative exponent would give one."""
    if kind(y) == "f":
        return x**y
    if kind(y) == "b":
        raise NotImplementedError("pow(): not implemented for 'Bool'")
    return np.where((y < 0) & (np.abs(x) != 1), 0, x ** np.abs(y)).astype(y.dtype, copy=False)


def base_rule(g, x, y):
    """d/dx x^y = y x^(y-1), and 0 for y = 0."""
    if isinstance(y, Value):
        return where(y == 0, 0.0, g * (y * x ** (y - 1)))
    return g * (y * x ** (y - 1)) if y else zeros(g)


def exponent_rule(g, x, y, z):
    """d/dy x^y = x^y ln x, and 0 where 0^y is flat in y."""
    x = x if isinstance(x, Value) else wrap(np.asarray(x, g._array.dtype))
    return where((x == 0) & (y >= 0), 0.0, g * (z * x.log()))


def shared(g, x, y, lost):
    """The gradient for x, of two of which one wins: half of it to each where they are equal."""
    return where(lost, 0.0, where(x == y, g / 2, g))


Sub = define("Sub", np.subtract, lambda g: g, lambda g: -g)
Div = define("Div", np.true_divide, lambda g, y: g / y, lambda g, x, y: -g * ((x / y) / y))
FloorDivide = define("FloorDivide", lambda x, y: divided(np.floor_divide, x, y), refused, refused)
FloorDiv = define("Div", lambda x, y: divided(np.floor_divide, x, y), zeros, zeros)
TruncDiv = define("Div", truncated_quotient, zeros, zeros)
Remainder = define("Remainder", lambda x, y: divided(floored_remainder, x, y),
                   lambda g: g, lambda g, x, y: -g * div(x, y, rounding_mode="floor"))
Pow = define("Pow", power, base_rule, exponent_rule)
PowOfNumber = define("Pow", power, base_rule, zeros)  # y is a number: z is not kept, and may be changed in place
Maximum = define("Maximum", np.maximum, lambda g, x, y: shared(g, x, y, x < y), lambda g, x, y: shared(g, y, x, y < x))
Minimum = define("Minimum", np.minimum, lambda g, x, y: shared(g, x, y, x > y), lambda g, x, y: shared(g, y, x, y > x))
# z = x, for an operator made of others, the second gradient of which is to be `flat`
Keep = define("Keep", lambda x: x[...], flat, is_view=True)
Flat = define("Flat", lambda dx, x: dx.copy(), lambda g: g, zeros, inputs=("dx", "x"))
Clone = define("Clone", lambda x, order: x.copy(order), lambda g, order: g)
Where = define("Where", kernels.where, zeros, lambda g, condition: where(condition, g, 0.0),
               lambda g, condition: where(condition, 0.0, g), inputs=("condition", "x", "y"))
Clamp = define("Clamp", lambda x, low, high: np.minimum(np.maximum(x, low), high),
               lambda g, x, low, high: where((x >= low) & (x <= high), g, 0.0),
               lambda g, x, low, high: where((x < low) & ((low < high) | (high == np.inf)), g, 0.0),
               lambda g, x, low, high: where((x > high) | (high < low), g, 0.0), inputs=("x", "low", "high"))


# ---- the functions


def add(input, other, *, alpha=1):
    """input + alpha * other, broadcast.

    >>> import minigrad
    >>> minigrad.add(minigrad.tensor([1, 2]), minigrad.tensor([[0.5], [1.5]]), alpha=2)
    tensor([[2., 3.],
            [4., 5.]])
    """
    if alpha is ONE:
        return promoted(Add, input, other)
    x, y = promote(input, other)
    return broadcast(Add.apply, x, times(y, alpha))


def sub(input, other, *, alpha=1):
    """input - alpha * other, broadcast. RuntimeError for bools: what is wanted is `^` or `~`.

    >>> import minigrad
    >>> minigrad.sub(minigrad.tensor([1.0, 2.0]), 0.5)
    tensor([0.5000, 1.5000])
    """
    x, y = promote(input, other)
    if (x is not input or y is not other or kind(x) == "b") and "b" in (kind(input), kind(other)):
        raise RuntimeError("Subtraction, the `-` operator, with a bool tensor is not supported: use `^`, `~` or `!=`")
    return broadcast(Sub.apply, x, y if alpha is ONE else times(y, alpha))


ONE = 1  # `alpha is ONE` says no to True and 1.0, which are not for every dtype


def times(y, alpha):
    """y * alpha, of y's dtype."""
    alpha, dtype = plain(alpha), np.asarray(getattr(y, "_array", y)).dtype
    if isinstance(alpha, float) and dtype.kind != "f":
        raise RuntimeError(f"For integral input tensors, argument alpha must be an integer: alpha={alpha}")
    if isinstance(alpha, bool) and dtype.kind != "b":
        raise RuntimeError(f"Boolean alpha only supported for Boolean results, not for {dtype}: alpha={alpha}")
    return y * number_as(alpha, dtype)


def mul(input, other):
    """input * other, broadcast.

    >>> import minigrad
    >>> minigrad.mul(minigrad.tensor([1, 2]), minigrad.tensor([[3], [4]]))
    tensor([[3, 6],
            [4, 8]])
    """
    return promoted(Mul, input, other)


def div(input, other, *, rounding_mode=None):
    """input / other, broadcast; integers are divided as float32. With rounding_mode="floor" or "trunc"
    the quotient is rounded down, or towards 0: integers stay integers, the gradient is 0, and an
    integer divided by 0 is a RuntimeError.

    >>> import minigrad
    >>> minigrad.div(minigrad.tensor([7, -7]), 2), minigrad.div(minigrad.tensor([7, -7]), 2, rounding_mode="trunc")
    (tensor([ 3.5000, -3.5000]), tensor([ 3, -3]))
    """
    if rounding_mode is None:
        return promoted(Div, input, other, kind="float")
    if rounding_mode not in ("floor", "trunc"):
        raise RuntimeError(f"div(): expected rounding_mode to be None, 'trunc' or 'floor', but found {rounding_mode!r}")
    return promoted(FloorDiv if rounding_mode == "floor" else TruncDiv, input, other)


def floor_divide(input, other):
    """floor(input / other), broadcast; it has no gradient. RuntimeError for an integer divided by 0.

    >>> import minigrad
    >>> minigrad.floor_divide(minigrad.tensor([7, -7]), 2)
    tensor([ 3, -4])
    """
    return promoted(FloorDivide, input, other)


def remainder(input, other):
    """input - other * floor(input / other), broadcast: it has the sign of `other`.

    >>> import minigrad
    >>> minigrad.remainder(minigrad.tensor([7, -7]), 3)
    tensor([1, 2])
    """
    return promoted(Remainder, input, other)


def pow(input, exponent):  # noqa: A001
    """input ** exponent, broadcast. RuntimeError for an integer tensor to a number that is negative or does not fit it.

    >>> import minigrad
    >>> minigrad.pow(minigrad.tensor([1.0, 2.0, 3.0]), 2)
    tensor([1., 4., 9.])
    """
    if isinstance(exponent, (Value, np.ndarray)):
        x, y = promote(input, exponent)
        return named(broadcast(Pow.apply, x, y), "Pow", 1 if isinstance(x, Value) else 2)
    x, y = promote(tensor_argument(input, "input", "pow"), exponent, number=number_as)
    if isinstance(y, np.ndarray) and exponent < 0:
        raise RuntimeError("Integers to negative integer powers are not allowed.")
    return PowOfNumber.apply(x, y)


def square(input):
    """input ** 2.

    >>> import minigrad
    >>> minigrad.square(minigrad.tensor([1.0, -3.0]))
    tensor([1., 9.])
    """
    return pow(tensor_argument(input, "input", "square"), 2)


def clamp(input, min=None, max=None):
    """min(max(input, min), max), broadcast; the bounds are numbers or Tensors, one may be None.

    RuntimeError if both are None, TypeError for a number and a Tensor with dimensions or a gradient. Where the bounds
    cross, the result is `max`; where any of the three is NaN, it is NaN. The gradient is 0 outside the bounds.

    >>> import minigrad
    >>> minigrad.clamp(minigrad.tensor([-2, 0, 2]), -1, 1)
    tensor([-1,  0,  1])
    """
    tensor_argument(input, "input", "clamp")
    if isinstance(min, (int, float)) or isinstance(max, (int, float)):  # beside a number, a 0-d tensor is one
        min, max = (x if getattr(x, "requires_grad", False) else plain(x) for x in (min, max))
    bounds = {name: bound for name, bound in (("min", min), ("max", max)) if bound is not None}
    if not bounds:
        raise RuntimeError("clamp(): at least one of 'min' or 'max' must not be None")
    tensors = any(isinstance(bound, Value) for bound in bounds.values())
    arrays = [tensor_argument(bounds[name], name, "clamp")._array if tensors else bounds[name] for name in bounds]
    dtype = dtypes.result_type(input._array, *arrays)
    if dtype.kind == "b" and not (tensors and len(bounds) == 1):  # PyTorch's accident
        raise NotImplementedError("clamp(): not implemented for 'Bool'")
    ends = {"f": (-np.inf, np.inf), "b": (False, True)}.get(dtype.kind) or (np.iinfo(dtype).min, np.iinfo(dtype).max)
    low, high = (element(end if x is None else x, dtype) for x, end in zip((min, max), ends))
    return named(broadcast(Clamp.apply, cast(input, dtype), low, high), "Clamp", int(not tensors))


def clamp_min(input, min):
    """`clamp(input, min)`: no element is smaller than `min`.

    >>> import minigrad
    >>> minigrad.clamp_min(minigrad.tensor([-2, 0, 2]), 1)
    tensor([1, 1, 2])
    """
    return named(clamp(input, min), "ClampMin")


def clamp_max(input, max):
    """`clamp(input, None, max)`: no element is larger than `max`.

    >>> import minigrad
    >>> minigrad.clamp_max(minigrad.tensor([-2, 0, 2]), 1)
    tensor([-2,  0,  1])
    """
    return named(clamp(input, None, max), "ClampMax")


def where(condition, input=None, other=None):
    """input where `condition` (a bool Tensor) holds, else other; all three broadcast, the last two may be
    numbers. With the condition alone: its `nonzero` as a tuple of an index tensor for each dimension.

    RuntimeError for a condition of another dtype, and for a number that is out of the range of the integers beside it.

    >>> import minigrad
    >>> minigrad.where(minigrad.tensor([True, False]), minigrad.tensor([1.0, 2.0]), 0.0)
    tensor([1., 0.])
    """
    tensor_argument(condition, "condition", "where")
    if input is None and other is None:
        return tuple(wrap(index) for index in np.nonzero(np.atleast_1d(condition._array)))
    if condition._array.dtype.kind not in "bu":  # uint8 is PyTorch's older form of bool
        raise RuntimeError(f"where expected condition to be a boolean tensor, but got {condition.dtype}")
    if not isinstance(input, Value) and not isinstance(other, Value):
        input = wrap(np.asarray(input, dtypes.result_type(input)))
    return broadcast(Where.apply, condition, *promote(input, other, number=number_as))


def masked_fill(input, mask, value):
    """`value`, a number or a Tensor of no dimensions, where the bool Tensor `mask` holds, else input.

    mask and input broadcast; the result has the dtype of input. RuntimeError for a mask of another dtype,
    a value with dimensions, or one that is out of the range of input's dtype.

    >>> import minigrad
    >>> minigrad.masked_fill(minigrad.tensor([1.0, 2.0]), minigrad.tensor([True, False]), float("-inf"))
    tensor([-inf, 2.])
    """
    tensor_argument(input, "input", "masked_fill")
    if tensor_argument(mask, "mask", "masked_fill")._array.dtype != bool:
        raise RuntimeError(f"masked_fill only supports boolean masks, but got mask with dtype {mask.dtype}")
    if isinstance(value, Value) and value.ndim:
        raise RuntimeError(f"masked_fill only supports a 0-dimensional value tensor, not one of {list(value.shape)}")
    dtype = input._array.dtype
    number_as(plain(value), dtype)  # RuntimeError for a Tensor, too, whose number is out of range
    return named(where(mask, element(value, dtype), input), "MaskedFill", int(isinstance(value, Value)))


def maximum(input, other):
    """The larger of two Tensors, element by element, broadcast; NaN wins.

    The gradient goes to the larger one, half to each where they are equal.

    >>> import minigrad
    >>> minigrad.maximum(minigrad.tensor([1, 5]), minigrad.tensor([3, 4]))
    tensor([3, 5])
    """
    return broadcast(Maximum.apply, *two_tensors(input, other, "maximum"))


def minimum(input, other):
    """The smaller of two Tensors, element by element, broadcast; NaN wins.

    The gradient goes to the smaller one, half to each where they are equal.

    >>> import minigrad
    >>> minigrad.minimum(minigrad.tensor([1, 5]), minigrad.tensor([3, 4]))
    tensor([1, 4])
    """
    return broadcast(Minimum.apply, *two_tensors(input, other, "minimum"))


def two_tensors(input, other, function):
    return promote(tensor_argument(input, "input", function), tensor_argument(other, "other", function))


def clone(input):
    """A copy with a memory of its own; the gradient flows through.

    >>> import minigrad
    >>> minigrad.clone(minigrad.tensor([1, 2]))
    tensor([1, 2])
    """
    return Clone.apply(tensor_argument(input, "input", "clone"), order="C" if is_expanded(input._array) else "K")
