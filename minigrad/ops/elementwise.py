"""Element by element: arithmetic with broadcasting, comparisons, and the usual functions.

Each rule is the chain rule of one formula. Where two inputs broadcast, the rule returns the
gradient in the broadcast shape: the engine sums it down.
"""

import numpy as np

from .. import dtypes, kernels
from ..engine import Operator, Value, wrap
from .common import cast, floating, kind, mismatch, promote, tensor_argument


class Add(Operator):
    """z = x + y;  dx = g,  dy = g."""

    def forward(self, x, y):
        return x + y

    def backward(self, g):
        return g, g


class Sub(Operator):
    """z = x - y;  dx = g,  dy = -g."""

    def forward(self, x, y):
        return x - y

    def backward(self, g):
        return g, -g if self.needs_input_grad[1] else None


class Mul(Operator):
    """z = x y;  dx = g y,  dy = g x."""

    uses = ((1,), (0,))

    def forward(self, x, y):
        return x * y

    def backward(self, g):
        x, y = self.inputs
        needs_x, needs_y = self.needs_input_grad
        return g * y if needs_x else None, g * x if needs_y else None


class Div(Operator):
    """z = x / y;  dx = g / y,  dy = -g (x / y) / y."""

    uses = ((1,), (0, 1))

    def forward(self, x, y):
        return np.true_divide(x, y)

    def backward(self, g):
        x, y = self.inputs
        needs_x, needs_y = self.needs_input_grad
        return g / y if needs_x else None, -g * ((x / y) / y) if needs_y else None


class FloorDivide(Operator):
    """z = floor(x / y); a staircase, without a gradient, as in PyTorch."""

    def forward(self, x, y):
        _check_divisor(y)
        return np.floor_divide(x, y)


class Remainder(Operator):
    """z = x - y floor(x / y);  dx = g,  dy = -g floor(x / y)."""

    uses = ((), (0, 1))

    def forward(self, x, y):
        _check_divisor(y)
        return np.remainder(x, y)

    def backward(self, g):
        if not self.needs_input_grad[1]:
            return g, None
        x, y = (t.detach() if isinstance(t, Value) else t for t in self.inputs)
        return g if self.needs_input_grad[0] else None, -g * (x // y)


def _check_divisor(y):
    if kind(y) == "b":
        raise NotImplementedError("division with rounding is not implemented for 'Bool'")
    if kind(y) != "f" and not y.all():
        raise RuntimeError("ZeroDivisionError")


class Pow(Operator):
    """z = x^y;  dx = g y x^(y-1),  dy = g z log x;  0 where y = 0, and where 0^y is flat in y."""

    uses = ((0, 1), (0, 1))
    uses_output = True

    def forward(self, x, y):
        return _integer_power(x, y) if kind(y) != "f" else x**y

    def backward(self, g):
        x, y = self.inputs
        dx = dy = None
        if self.needs_input_grad[0]:
            dx = where(wrap(np.asarray(getattr(y, "_array", y)) == 0), 0.0, g * (y * x ** (y - 1)))
        if self.needs_input_grad[1]:
            x = x if isinstance(x, Value) else wrap(np.asarray(x, g._array.dtype))
            flat = (x == 0) & (y >= 0)
            dy = where(flat, 0.0, g * (self.output * log(x)))
        return dx, dy


def _integer_power(x, y):
    """x^y without fractions: 0 where a negative exponent would give one."""
    if y.dtype == bool:
        raise NotImplementedError("pow(): not implemented for 'Bool'")
    return np.where((y < 0) & (np.abs(x) != 1), 0, x ** np.abs(y)).astype(y.dtype, copy=False)


class Neg(Operator):
    """z = -x;  dx = -g."""

    def forward(self, x):
        return -x

    def backward(self, g):
        return -g


class Abs(Operator):
    """z = |x|;  dx = g sign(x)."""

    uses = ((0,),)

    def forward(self, x):
        return np.abs(x)

    def backward(self, g):
        return g * sign(self.inputs[0])


class Sign(Operator):
    """z = -1, 0 or 1, and 0 for NaN;  dx = 0."""

    def forward(self, x):
        return (x > 0).astype(x.dtype) - (x < 0)

    def backward(self, g):
        return wrap(np.zeros_like(g._array))


class Clone(Operator):
    """z = x in new memory;  dx = g."""

    def forward(self, x):
        return x.copy()

    def backward(self, g):
        return g


class Exp(Operator):
    """z = e^x;  dx = g z."""

    uses_output = True

    def forward(self, x):
        return np.exp(x)

    def backward(self, g):
        return g * self.output


class Log(Operator):
    """z = ln x;  dx = g / x."""

    uses = ((0,),)

    def forward(self, x):
        return np.log(x)

    def backward(self, g):
        return g / self.inputs[0]


class Sqrt(Operator):
    """z = x^(1/2);  dx = g / (2 z)."""

    uses_output = True

    def forward(self, x):
        return np.sqrt(x)

    def backward(self, g):
        return g / (2 * self.output)


class Sin(Operator):
    """z = sin x;  dx = g cos x."""

    uses = ((0,),)

    def forward(self, x):
        return np.sin(x)

    def backward(self, g):
        return g * cos(self.inputs[0])


class Cos(Operator):
    """z = cos x;  dx = -g sin x."""

    uses = ((0,),)

    def forward(self, x):
        return np.cos(x)

    def backward(self, g):
        return -g * sin(self.inputs[0])


class Tanh(Operator):
    """z = tanh x;  dx = g (1 - z^2)."""

    uses_output = True

    def forward(self, x):
        return np.tanh(x)

    def backward(self, g):
        z = self.output
        return g * (1 - z * z)


class Sigmoid(Operator):
    """z = 1 / (1 + e^-x);  dx = g z (1 - z)."""

    uses_output = True

    def forward(self, x):
        z = np.exp(-np.abs(x))  # of the negative side only: e^x would overflow on the other
        return np.where(x >= 0, 1 / (1 + z), z / (1 + z)).astype(x.dtype, copy=False)

    def backward(self, g):
        z = self.output
        return g * (z * (1 - z))


class Relu(Operator):
    """z = max(x, 0);  dx = g where z > 0, else 0. NaN stays NaN."""

    uses_output = True

    def forward(self, x):
        return kernels.relu(x) if x.dtype.kind == "f" else np.maximum(x, 0)

    def backward(self, g):
        return ReluGrad.apply(g, self.output)


class ReluGrad(Operator):
    """z = 0 where y <= 0, else g;  dg = the same of its gradient."""

    uses = ((1,), ())

    def forward(self, g, y):
        return kernels.relu_grad(g, y)

    def backward(self, g):
        return ReluGrad.apply(g, self.inputs[1]), None


class Clamp(Operator):
    """z = min(max(x, low), high);  dx = g inside, borders included, else 0."""

    uses = ((0,),)

    def forward(self, x, *, low, high):
        self.low, self.high = low, high
        return np.minimum(np.maximum(x, low), high)

    def backward(self, g):
        x = self.inputs[0]
        return where((x >= self.low) & (x <= self.high), g, 0.0)


class Where(Operator):
    """z = x where the condition holds, else y; each gets g there, and 0 elsewhere."""

    uses = ((), (0,), (0,))

    def forward(self, condition, x, y):
        return np.where(condition, x, y)

    def backward(self, g):
        condition, _, _ = self.inputs
        _, needs_x, needs_y = self.needs_input_grad
        return (None, where(condition, g, 0.0) if needs_x else None,
                where(condition, 0.0, g) if needs_y else None)


class Maximum(Operator):
    """z = max(x, y);  g goes to the larger one, half to each where they are equal."""

    uses = ((0, 1), (0, 1))
    pick = np.maximum

    def forward(self, x, y):
        return type(self).pick(x, y)

    def backward(self, g):
        x, y = self.inputs
        needs_x, needs_y = self.needs_input_grad
        return self.share(g, x, y) if needs_x else None, self.share(g, y, x) if needs_y else None

    def share(self, g, mine, other):
        lost = mine < other if type(self).pick is np.maximum else mine > other
        return where(lost, 0.0, where(mine == other, g / 2, g))


class Minimum(Maximum):
    """z = min(x, y);  g goes to the smaller one, half to each where they are equal."""

    pick = np.minimum


# ---- the functions


def broadcast(operator, x, y):
    """operator.apply(x, y), with PyTorch's error for shapes that do not go together."""
    try:
        return operator.apply(x, y)
    except ValueError:
        raise mismatch(x, y) from None


def add(input, other, *, alpha=1):
    """input + alpha * other, broadcast."""
    x, y = promote(input, other)
    return broadcast(Add, x, y if alpha == 1 else _times(y, alpha))


def sub(input, other, *, alpha=1):
    """input - alpha * other, broadcast. RuntimeError for bools: what is wanted is `^` or `~`."""
    x, y = promote(input, other)
    if (x is not input or y is not other or kind(x) == "b") and "b" in (kind(input), kind(other)):
        raise RuntimeError("Subtraction, the `-` operator, with a bool tensor is not supported. "
                           "Use the `^`, `~` or `logical_not()` operator instead.")
    return broadcast(Sub, x, y if alpha == 1 else _times(y, alpha))


def _times(y, alpha):
    """y * alpha, of y's dtype."""
    if isinstance(alpha, float) and kind(y) != "f":
        raise RuntimeError("For integral input tensors, argument alpha must not be a floating point "
                           f"number, but got alpha={alpha}")
    return cast(y * alpha, y._array.dtype) if isinstance(y, Value) else y * alpha


def mul(input, other):
    """input * other, broadcast."""
    return broadcast(Mul, *promote(input, other))


def div(input, other, *, rounding_mode=None):
    """input / other, broadcast; integers are divided as float32. rounding_mode: None or "floor"."""
    if rounding_mode == "floor":
        return floor_divide(input, other)
    if rounding_mode is not None:
        raise RuntimeError("div expected rounding_mode to be one of None, or 'floor' but found "
                           f"'{rounding_mode}'")
    return broadcast(Div, *promote(input, other, kind="float"))


def floor_divide(input, other):
    """floor(input / other), broadcast. RuntimeError for an integer divided by 0."""
    return broadcast(FloorDivide, *promote(input, other))


def remainder(input, other):
    """input - other * floor(input / other): it has the sign of `other`."""
    return broadcast(Remainder, *promote(input, other))


def pow(input, exponent):  # noqa: A001
    """input ** exponent, broadcast. RuntimeError for an integer tensor to a negative number."""
    x, y = promote(input, exponent)
    if isinstance(y, np.ndarray) and y < 0:
        raise RuntimeError("Integers to negative integer powers are not allowed.")
    return broadcast(Pow, x, y)


def unary(operator, refuses_bool=None):
    """The function of an operator with one input.

    Integers become float32; with an exception in `refuses_bool` they stay, and it meets bools.
    """
    function_name = operator.__name__.lower()

    def function(input):
        tensor_argument(input, "input", function_name)
        if refuses_bool is None:
            input = floating(input)
        elif input._array.dtype == bool:
            raise refuses_bool(f"{function_name}(): not implemented for 'Bool'")
        return operator.apply(input)

    function.__name__ = function.__qualname__ = function_name
    integers = "integers become float32" if refuses_bool is None else "bools are refused"
    function.__doc__ = f"{operator.__doc__}\n\n    Any shape; {integers}."
    return function


exp = unary(Exp)
log = unary(Log)
sqrt = unary(Sqrt)
sin = unary(Sin)
cos = unary(Cos)
tanh = unary(Tanh)
sigmoid = unary(Sigmoid)
abs = unary(Abs, refuses_bool=NotImplementedError)  # noqa: A001
sign = unary(Sign, refuses_bool=NotImplementedError)
relu = unary(Relu, refuses_bool=RuntimeError)


def neg(input):
    """-input. RuntimeError for a bool tensor."""
    tensor_argument(input, "input", "neg")
    if input._array.dtype == bool:
        raise RuntimeError("Negation, the `-` operator, on a bool tensor is not supported. "
                           "Use the `~` or `logical_not()` operator instead.")
    return Neg.apply(input)


def square(input):
    """input ** 2."""
    return mul(input, input)


def clamp(input, min=None, max=None):
    """min(max(input, min), max), broadcast; the bounds are numbers or Tensors, one may be None.

    RuntimeError if both are None, TypeError for a number and a Tensor. Where the bounds cross, the
    result is `max`; where any of the three is NaN, it is NaN.
    """
    tensor_argument(input, "input", "clamp")
    if min is None and max is None:
        raise RuntimeError("torch.clamp: At least one of 'min' or 'max' must not be None")
    if isinstance(min, Value) or isinstance(max, Value):
        if min is not None:
            tensor_argument(min, "min", "clamp")
            input = where(lt(input, min) | isnan(min), min, input)
        if max is not None:
            tensor_argument(max, "max", "clamp")
            input = where(gt(input, max) | isnan(max), max, input)
        return input
    dtype = dtypes.result_type(input._array, *(x for x in (min, max) if x is not None))
    x = cast(input, dtype)
    if dtype.kind == "f":
        low, high = -np.inf if min is None else float(min), np.inf if max is None else float(max)
        return Clamp.apply(x, low=low, high=high)
    if dtype.kind == "b":
        raise NotImplementedError("clamp(): not implemented for 'Bool'")
    low, high = (None if x is None else np.array(x).astype(dtype) for x in (min, max))
    return wrap(np.clip(x._array, low, high))


def where(condition, input, other):
    """input where `condition` (bool Tensor) holds, else other; all three broadcast."""
    tensor_argument(condition, "condition", "where")
    if condition._array.dtype != bool:
        raise RuntimeError("where expected condition to be a boolean tensor, but got a tensor with "
                           f"dtype {condition.dtype}")
    if not isinstance(input, Value) and not isinstance(other, Value):
        input = wrap(np.asarray(input, dtypes.result_type(input)))
    x, y = promote(input, other)
    try:
        return Where.apply(condition, x, y)
    except ValueError:
        raise mismatch(condition, x, y) from None


def maximum(input, other):
    """The larger of the two, element by element, broadcast; NaN wins."""
    return broadcast(Maximum, *_two_tensors(input, other, "maximum"))


def minimum(input, other):
    """The smaller of the two, element by element, broadcast; NaN wins."""
    return broadcast(Minimum, *_two_tensors(input, other, "minimum"))


def _two_tensors(input, other, function):
    tensor_argument(input, "input", function)
    tensor_argument(other, "other", function)
    return promote(input, other)


def clone(input):
    """A copy with a memory of its own; the gradient flows through."""
    return Clone.apply(tensor_argument(input, "input", "clone"))


# ---- comparisons and logic, without a gradient


def comparison(name, ufunc):
    """The function of a NumPy ufunc, by PyTorch's promotion rules."""

    def function(input, other):
        x, y = promote(tensor_argument(input, "input", name), other)
        try:
            return wrap(ufunc(x._array, getattr(y, "_array", y)))
        except ValueError:
            raise mismatch(x, y) from None
        except TypeError:  # bitwise operators on floats
            raise NotImplementedError(f"{name}(): not implemented for '{x.dtype.text}'") from None

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"{ufunc.__name__.replace('_', ' ')}, element by element, broadcast."
    return function


eq = comparison("eq", np.equal)
ne = comparison("ne", np.not_equal)
lt = comparison("lt", np.less)
le = comparison("le", np.less_equal)
gt = comparison("gt", np.greater)
ge = comparison("ge", np.greater_equal)
bitwise_and = comparison("bitwise_and", np.bitwise_and)
bitwise_or = comparison("bitwise_or", np.bitwise_or)
bitwise_xor = comparison("bitwise_xor", np.bitwise_xor)


def logical_and(input, other):
    """Whether both elements are not 0, broadcast: a bool tensor."""
    x, y = _two_tensors(input, other, "logical_and")
    return ne(x, 0) & ne(y, 0)


def logical_or(input, other):
    """Whether one of the elements is not 0, broadcast: a bool tensor."""
    x, y = _two_tensors(input, other, "logical_or")
    return ne(x, 0) | ne(y, 0)


def logical_not(input):
    """Whether each element is 0: a bool tensor."""
    return wrap(np.logical_not(tensor_argument(input, "input", "logical_not")._array))


def isnan(input):
    """Whether each element is NaN: a bool tensor."""
    return wrap(np.isnan(tensor_argument(input, "input", "isnan")._array))
