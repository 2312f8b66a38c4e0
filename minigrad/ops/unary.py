"""Functions of one number, element by element: one table, forward and gradient in a row (see `table.py`)."""

import math

import numpy as np

from .. import kernels
from ..engine import Operator
from .common import float_argument, floating, int_argument, plain, tensor_argument
from .elementwise import clone, flat, where, zeros
from .inplace import in_place
from .table import define, documented, named


def as_float32(x, name):
    """Integers and bools become float32."""
    return floating(x)


def as_they_are(x, name):
    """Integers and bools keep their dtype."""
    return x


def no_bools(x, name):
    """Integers stay integers; NotImplementedError (for neg RuntimeError) for bools."""
    if x._array.dtype.kind != "b":
        return x
    raise (RuntimeError if name in ("neg", "relu", "relu6") else NotImplementedError)(
        f"{name}(): not implemented for 'Bool': to invert a tensor of bools write ~x")


def unary(name, compute, rule, formula, example, others=as_float32):
    """The function of one row; `others` says what becomes of tensors that are not floating point."""
    operator = define(name.title(), compute, rule)

    def function(input):
        """{formula}, element by element, for a tensor of any shape. {others}

        >>> import minigrad
        >>> minigrad.{name}(minigrad.tensor([0.25, -1.5]))
        tensor([{example}])
        """
        if tensor_argument(input, "input", name)._array.dtype.kind != "f":
            input = others(input, name)
        return operator.apply(input)

    return documented(function, name, formula=formula, example=example, others=others.__doc__)


def stable_sigmoid(x):
    """1 / (1 + e^-x), by the exponential of the negative side only: the other would overflow."""
    z = np.exp(-np.abs(x))
    return kernels.where(x >= 0, x.dtype.type(1), z) / (1 + z)


def stairs(ufunc):
    """A rounding function that leaves integers alone."""
    return lambda x: ufunc(x) if x.dtype.kind == "f" else x.copy()


LN2, LN10, PI = math.log(2), math.log(10), math.pi

neg = unary("neg", np.negative, lambda g: -g, "-x", "-0.2500,  1.5000", no_bools)
abs = unary("abs", np.abs, lambda g, x: g * sign(x), "|x|", "0.2500, 1.5000", no_bools)  # noqa: A001
exp = unary("exp", np.exp, lambda g, z: g * z, "e^x", "1.2840, 0.2231")
exp2 = unary("exp2", np.exp2, lambda g, z: g * z * LN2, "2^x", "1.1892, 0.3536")
expm1 = unary("expm1", np.expm1, lambda g, z: g * (z + 1), "e^x - 1, accurate near 0", " 0.2840, -0.7769")
log = unary("log", np.log, lambda g, x: g / x, "The natural logarithm of x", "-1.3863,     nan")
log2 = unary("log2", np.log2, lambda g, x: g / (x * LN2), "The logarithm of x to base 2", "-2., nan")
log10 = unary("log10", np.log10, lambda g, x: g / (x * LN10), "The logarithm of x to base 10", "-0.6021,     nan")
log1p = unary("log1p", np.log1p, lambda g, x: g / (x + 1), "log(1 + x), accurate near 0", "0.2231,    nan")
sqrt = unary("sqrt", np.sqrt, lambda g, z: g / (2 * z), "The square root of x", "0.5000,    nan")
rsqrt = unary("rsqrt", lambda x: 1 / np.sqrt(x), lambda g, z: -0.5 * g * z**3, "1 / sqrt(x)", "2., nan")
reciprocal = unary("reciprocal", lambda x: 1 / x, lambda g, z: -g * (z * z), "1 / x", " 4.0000, -0.6667")
sin = unary("sin", np.sin, lambda g, x: g * cos(x), "sin x, of radians", " 0.2474, -0.9975")
cos = unary("cos", np.cos, lambda g, x: -g * sin(x), "cos x, of radians", "0.9689, 0.0707")
tan = unary("tan", np.tan, lambda g, z: g * (1 + z * z), "tan x, of radians", "  0.2553, -14.1014")
tanh = unary("tanh", np.tanh, lambda g, z: g * (1 - z * z), "(e^x - e^-x) / (e^x + e^-x)", " 0.2449, -0.9051")
sigmoid = unary("sigmoid", stable_sigmoid, lambda g, z: g * (z * (1 - z)), "1 / (1 + e^-x)", "0.5622, 0.1824")
erf = unary("erf", kernels.erf, lambda g, x: g * (2 / PI**0.5 * exp(-x * x)),
            "2 / sqrt(pi) times the integral of e^(-t^2) from 0 to x", " 0.2763, -0.9661")
sign = unary("sign", lambda x: ((x > 0).view(np.int8) - (x < 0)).astype(x.dtype), zeros,
             "-1, 0 or 1 as x is negative, 0 (or NaN) or positive; the gradient is 0", " 1., -1.", as_they_are)
floor = unary("floor", stairs(np.floor), zeros, "The next integer below; the gradient is 0", " 0., -2.", no_bools)
ceil = unary("ceil", stairs(np.ceil), zeros, "The next integer above; the gradient is 0", " 1., -1.", no_bools)
trunc = unary("trunc", stairs(np.trunc), zeros, "The next integer towards 0; the gradient is 0", " 0., -1.", no_bools)


# ---- with parameters, and the activations


def to_decimals(x, decimals):
    power = 10.0 ** max(decimals, -decimals)
    return np.rint(x * power) / power if decimals > 0 else np.rint(x / power) * power


def silu_rule(g, x):
    """d/dx x s = s (1 + x (1 - s)),  s = sigmoid x."""
    s = sigmoid(x)
    return g * s * (1 + x * (1 - s))


# Where e^x is not chosen it must not overflow either: 0 times its infinity would be NaN.
Round = define("Round", to_decimals, zeros)
LeakyRelu = define("LeakyRelu", lambda x, negative_slope: kernels.where(x > 0, x, x * negative_slope),
                   lambda g, x, negative_slope: flat(where(x > 0, g, g * negative_slope), x))
Elu = define("Elu", lambda x, alpha: kernels.where(x <= 0, alpha * np.expm1(x), x),
             lambda g, x, alpha: where(x <= 0, g * (alpha * exp(where(x < 0, x, 0.0))), g))
Gelu = define("Gelu", lambda x: 0.5 * x * (1 + kernels.erf(x * 0.5**0.5)),
              lambda g, x: g * (0.5 * (1 + erf(x * 0.5**0.5)) + x * (exp(-0.5 * x * x) * (2 * PI) ** -0.5)))
Silu = define("Silu", lambda x: x * stable_sigmoid(x), silu_rule)
Softplus = define("Softplus",
                  lambda x, beta, threshold: kernels.where(
                      x * beta > threshold, x, np.log1p(np.exp(x * beta)) / beta),
                  lambda g, x, beta, threshold: where(x * beta > threshold, g, g * sigmoid(
                      where(x * beta >= threshold, threshold, x * beta))))
LogSigmoid = define("LogSigmoid", lambda x: np.minimum(x, 0) - np.log1p(np.exp(-np.abs(x))),
                    lambda g, x: g * sigmoid(-x))
Relu6 = define("Hardtanh", lambda x: np.clip(x, 0, 6), lambda g, x: flat(where((x <= 0) | (x >= 6), 0.0, g), x))


class Relu(Operator):
    """z = max(x, 0);  dx = g where z > 0, else 0. NaN stays NaN."""

    uses_output = True

    def forward(self, x):
        return kernels.relu(x) if x.dtype.kind == "f" else np.maximum(x, 0)

    def backward(self, g):
        return ReluGrad.apply(g, self.output)


ReluGrad = define("ReluGrad", kernels.relu_grad, lambda g, y: ReluGrad.apply(g, y), zeros, inputs=("dz", "y"))


def relu(input):
    """max(x, 0), element by element; NaN stays NaN. Integers stay integers; RuntimeError for bools.

    >>> import minigrad
    >>> minigrad.relu(minigrad.tensor([0.25, -1.5]))
    tensor([0.2500, 0.0000])
    """
    return Relu.apply(no_bools(tensor_argument(input, "input", "relu"), "relu"))


def activate(name, operator, input, inplace=False, **params):
    """operator.apply(input, **params) of a checked input; with inplace, written into it."""
    float_argument(input, "input", name)
    for argument, value in params.items():
        params[argument] = value = plain(value)
        if not isinstance(value, (int, float)):
            raise TypeError(f"{name}(): argument '{argument}' must be Number, not {type(value).__name__}")
    return (in_place(operator.apply, name) if inplace else operator.apply)(input, **params)


def round(input, *, decimals=0):  # noqa: A001
    """The nearest multiple of 10^-decimals, and of two at the same distance the even one; the gradient is 0.

    Any shape; integers stay integers. NotImplementedError for bools, and for decimals of integers.

    >>> import minigrad
    >>> minigrad.round(minigrad.tensor([2.5, 3.5])), minigrad.round(minigrad.tensor(-0.126), decimals=2)
    (tensor([2., 4.]), tensor(-0.1300))
    """
    int_argument(decimals, "decimals", "round")
    if decimals == 0 and tensor_argument(input, "input", "round")._array.dtype.kind in "ui":
        return clone(input)
    return activate("round", Round, input, decimals=decimals)


def leaky_relu(input, negative_slope=0.01, inplace=False):
    """x where x > 0, else negative_slope x, element by element. NotImplementedError unless floating point.

    Source: Maas, Hannun and Ng, "Rectifier nonlinearities improve neural network acoustic models", 2013.

    >>> import minigrad
    >>> minigrad.nn.functional.leaky_relu(minigrad.tensor([1.0, -2.0]), 0.1)
    tensor([ 1.0000, -0.2000])
    """
    return activate("leaky_relu", LeakyRelu, input, inplace, negative_slope=negative_slope)


def elu(input, alpha=1.0, inplace=False):
    """x where x > 0, else alpha (e^x - 1), element by element. NotImplementedError unless floating point.

    Source: Clevert, Unterthiner and Hochreiter, arXiv:1511.07289.

    >>> import minigrad
    >>> minigrad.nn.functional.elu(minigrad.tensor([1.0, -2.0]))
    tensor([ 1.0000, -0.8647])
    """
    return activate("elu", Elu, input, inplace, alpha=alpha)


def gelu(input, approximate="none"):
    """x (1 + erf(x / sqrt 2)) / 2, x times the normal distribution function of x, element by element.

    With approximate="tanh": x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2. NotImplementedError unless
    floating point, RuntimeError for another `approximate`. Source: Hendrycks and Gimpel, arXiv:1606.08415.

    >>> import minigrad
    >>> minigrad.nn.functional.gelu(minigrad.tensor([1.0, -2.0]))
    tensor([ 0.8413, -0.0455])
    """
    if approximate not in ("none", "tanh"):
        raise RuntimeError(f"gelu(): approximate argument must be either none or tanh, not {approximate!r}")
    if approximate == "none":
        return activate("gelu", Gelu, input)
    x = float_argument(input, "input", "gelu")
    return named(0.5 * x * (1 + tanh((2 / PI) ** 0.5 * (x + 0.044715 * (x * x * x)))), "Gelu")


def silu(input, inplace=False):
    """x / (1 + e^-x), element by element. NotImplementedError unless floating point.

    Source: Hendrycks and Gimpel, arXiv:1606.08415.

    >>> import minigrad
    >>> minigrad.nn.functional.silu(minigrad.tensor([1.0, -2.0]))
    tensor([ 0.7311, -0.2384])
    """
    return activate("silu", Silu, input, inplace)


def softplus(input, beta=1, threshold=20):
    """log(1 + e^(beta x)) / beta, element by element, and x itself where beta x > threshold.

    NotImplementedError unless floating point.

    >>> import minigrad
    >>> minigrad.nn.functional.softplus(minigrad.tensor([1.0, -2.0, 100.0]))
    tensor([  1.3133,   0.1269, 100.0000])
    """
    return activate("softplus", Softplus, input, beta=beta, threshold=threshold)


def logsigmoid(input):
    """log(1 / (1 + e^-x)), element by element, without overflow. NotImplementedError unless floating point.

    >>> import minigrad
    >>> minigrad.nn.functional.logsigmoid(minigrad.tensor([1.0, -2.0]))
    tensor([-0.3133, -2.1269])
    """
    return activate("logsigmoid", LogSigmoid, input)


def relu6(input, inplace=False):
    """min(max(x, 0), 6), element by element. Integers stay integers; RuntimeError for bools.

    >>> import minigrad
    >>> minigrad.nn.functional.relu6(minigrad.tensor([0.5, -2.0, 7.0]))
    tensor([0.5000, 0.0000, 6.0000])
    """
    no_bools(tensor_argument(input, "input", "relu6"), "relu6")
    return (in_place(Relu6.apply, "relu6") if inplace else Relu6.apply)(input)
