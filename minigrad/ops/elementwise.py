"""Element by element: arithmetic with broadcasting, comparisons, and the usual functions.

Each rule is the chain rule of one formula. Where two inputs broadcast, the rule returns the
gradient in the broadcast shape: the engine sums it down.
"""

import numpy as np

from .. import dtypes
from ..engine import Operator, Value, wrap
from .common import floating, promote, tensor_argument


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
        _refuse_zero(y)
        return np.floor_divide(x, y)


class Remainder(Operator):
    """z = x - y floor(x / y);  dx = g,  dy = -g floor(x / y)."""

    uses = ((), (0, 1))

    def forward(self, x, y):
        _refuse_zero(y)
        return np.remainder(x, y)

    def backward(self, g):
        if not self.needs_input_grad[1]:
            return g, None
        x, y = (t.detach() if isinstance(t, Value) else t for t in self.inputs)
        return g if self.needs_input_grad[0] else None, -g * (x // y)


def _refuse_zero(y):
    y = np.asarray(y)
    if y.dtype.kind in "iu" and not y.all():
        raise RuntimeError("ZeroDivisionError")


class Pow(Operator):
    """z = x^y;  dx = g y x^(y-1),  dy = g z log x;  0 where y = 0, and where 0^y is flat in y."""

    uses = ((0, 1), (0, 1))
    uses_output = True

    def forward(self, x, y):
        return x**y

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
        return np.maximum(x, 0)

    def backward(self, g):
        return where(self.output <= 0, 0.0, g)


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

    def forward(self, x, y, *, condition):
        self.condition = condition
        return np.where(condition, x, y)

    def backward(self, g):
        condition = wrap(self.condition)
        needs_x, needs_y = self.needs_input_grad
        return where(condition, g, 0.0) if needs_x else None, where(condition, 0.0, g) if needs_y else None


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


def add(input, other, *, alpha=1):
    """input + alpha * other, broadcast."""
    return Add.apply(*promote(input, other if alpha == 1 else mul(other, alpha)))


def sub(input, other, *, alpha=1):
    """input - alpha * other, broadcast. RuntimeError for two bool tensors."""
    x, y = promote(input, other if alpha == 1 else mul(other, alpha))
    if (x if isinstance(x, Value) else y)._array.dtype == bool:
        raise RuntimeError("Subtraction, the `-` operator, with two bool tensors is not supported. "
                           "Use the `^` or `logical_xor()` operator instead.")
    return Sub.apply(x, y)


def mul(input, other):
    """input * other, broadcast."""
    return Mul.apply(*promote(input, other))


def div(input, other, *, rounding_mode=None):
    """input / other, broadcast; integers are divided as float32. rounding_mode: None or "floor"."""
    if rounding_mode == "floor":
        return floor_divide(input, other)
    if rounding_mode is not None:
        raise RuntimeError("div expected rounding_mode to be one of None, or 'floor' but found "
                           f"'{rounding_mode}'")
    return Div.apply(*promote(input, other, kind="float"))


def floor_divide(input, other):
    """floor(input / other), broadcast. RuntimeError for an integer divided by 0."""
    return FloorDivide.apply(*promote(input, other))


def remainder(input, other):
    """input - other * floor(input / other): it has the sign of `other`."""
    return Remainder.apply(*promote(input, other))


def pow(input, exponent):  # noqa: A001
    """input ** exponent, broadcast. RuntimeError for an integer tensor to a negative number."""
    x, y = promote(input, exponent)
    if isinstance(y, np.ndarray) and y < 0:
        raise RuntimeError("Integers to negative integer powers are not allowed.")
    return Pow.apply(x, y)


def unary(operator, keep_integers=False):
    """The function of an operator with one input. Integers become float32 unless they are kept."""
    function_name = operator.__name__.lower()

    def function(input):
        tensor_argument(input, "input", function_name)
        return operator.apply(input if keep_integers else floating(input))

    function.__name__ = function.__qualname__ = function_name
    function.__doc__ = f"{operator.__doc__}\n\n    Any shape; integers become float32."
    return function


exp = unary(Exp)
log = unary(Log)
sqrt = unary(Sqrt)
sin = unary(Sin)
cos = unary(Cos)
tanh = unary(Tanh)
sigmoid = unary(Sigmoid)
abs = unary(Abs, keep_integers=True)  # noqa: A001
relu = unary(Relu, keep_integers=True)


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


def sign(input):
    """-1, 0 or 1; its gradient is 0 everywhere."""
    return wrap(np.sign(tensor_argument(input, "input", "sign")._array))


def clamp(input, min=None, max=None):
    """min(max(input, min), max), broadcast; either bound may be None, a number or a Tensor.

    RuntimeError if both are None. Where the bounds cross, the result is `max`, as in PyTorch.
    """
    tensor_argument(input, "input", "clamp")
    if min is None and max is None:
        raise RuntimeError("torch.clamp: At least one of 'min' or 'max' must not be None")
    if isinstance(min, Value) or isinstance(max, Value):
        x = input if min is None else where(lt(input, min), min, input)
        return x if max is None else where(gt(x, max), max, x)
    low, high = -np.inf if min is None else min, np.inf if max is None else max
    if input._array.dtype.kind == "f" or isinstance(min, float) or isinstance(max, float):
        return Clamp.apply(floating(input), low=float(low), high=float(high))
    return wrap(np.clip(input._array, min, max))


def where(condition, input, other):
    """input where `condition` (bool Tensor) holds, else other; all three broadcast."""
    tensor_argument(condition, "condition", "where")
    if condition._array.dtype != bool:
        raise RuntimeError("where expected condition to be a boolean tensor, but got a tensor with "
                           f"dtype {condition.dtype}")
    if not isinstance(input, Value) and not isinstance(other, Value):
        input = wrap(np.asarray(input, dtypes.result_type(input)))
    return Where.apply(*promote(input, other), condition=condition._array)


def maximum(input, other):
    """The larger of the two, element by element, broadcast; NaN wins."""
    return Maximum.apply(*_two_tensors(input, other, "maximum"))


def minimum(input, other):
    """The smaller of the two, element by element, broadcast; NaN wins."""
    return Minimum.apply(*_two_tensors(input, other, "minimum"))


def _two_tensors(input, other, function):
    tensor_argument(input, "input", function)
    tensor_argument(other, "other", function)
    return promote(input, other)


def clone(input):
    """A copy with a memory of its own; the gradient flows through."""
    return Clone.apply(input)


# ---- comparisons: bool tensors, without a gradient


def comparison(ufunc, name):
    """The function of a NumPy ufunc that compares, by PyTorch's promotion rules."""

    def function(input, other):
        x, y = promote(input, other)
        return wrap(ufunc(getattr(x, "_array", x), getattr(y, "_array", y)))

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"Whether {name}(input, other), element by element, broadcast: a bool tensor."
    return function


eq = comparison(np.equal, "eq")
ne = comparison(np.not_equal, "ne")
lt = comparison(np.less, "lt")
le = comparison(np.less_equal, "le")
gt = comparison(np.greater, "gt")
ge = comparison(np.greater_equal, "ge")
logical_and = comparison(np.logical_and, "logical_and")
logical_or = comparison(np.logical_or, "logical_or")
bitwise_and = comparison(np.bitwise_and, "bitwise_and")
bitwise_or = comparison(np.bitwise_or, "bitwise_or")
bitwise_xor = comparison(np.bitwise_xor, "bitwise_xor")


def logical_not(input):
    """Whether each element is 0: a bool tensor."""
    return wrap(np.logical_not(tensor_argument(input, "input", "logical_not")._array))


def isnan(input):
    """Whether each element is NaN: a bool tensor."""
    return wrap(np.isnan(tensor_argument(input, "input", "isnan")._array))
