"""Which function was called, and with what: read off a call, a layer, or the history of a result.

All explanations start from a Call. It holds copies of the inputs that autograd follows, so that whatever is
said of them can be asked of autograd, too.
"""

import inspect

from ...engine import Value
from ...nn import Linear, Module, functional
from ...nn.conv import ConvNd
from ...nn.simple import Simple
from ...ops import elementwise, loss, matmul, unary
from ...ops.common import per_dimension
from ...ops.conv import padding_pairs
from ...ops.pad import pad
from .history import Lost, read

WINDOWS = ("conv", "convolve", "conv_transpose", "max_pool", "avg_pool", "adaptive_avg_pool")
FUNCTIONS = {f"{name}{d}d": getattr(functional, f"{name}{d}d") for name in WINDOWS for d in (1, 2, 3)}
FUNCTIONS |= {f.__name__: f for f in (
    functional.linear, matmul.matmul, loss.softmax, loss.log_softmax, loss.cross_entropy, functional.relu,
    unary.sigmoid, unary.tanh, elementwise.add, elementwise.sub, elementwise.mul, elementwise.div)}
CONSTANTS = {"cross_entropy": ("target", "weight")}  # arguments that have no gradient
LISTED = ("conv1d/2d/3d, convolve1d/2d/3d, conv_transpose1d/2d/3d, max_pool, avg_pool and adaptive_avg_pool of 1 to 3 "
          "dimensions, linear, matmul, softmax, log_softmax, cross_entropy, relu, sigmoid, tanh, + - * /")


class Call:
    """One call of a function. name; arguments, by name, followed; y, the result, and value, its array;
    mode: of the padding of a convolution."""

    def __init__(self, name, arguments, mode="zeros"):
        self.name, self.mode = name, mode
        fixed = CONSTANTS.get(name, ())
        self.arguments = {key: x if key in fixed else _followed(x) for key, x in arguments.items()}
        self.y = self.run(**self.arguments)
        self.value = self.y._array

    def run(self, **arguments):
        if self.mode != "zeros":
            kernel = arguments["weight"].shape[2:]
            stride, dilation = (per_dimension(arguments[key], len(kernel), key, self.name, least=1)
                                for key in ("stride", "dilation"))
            padding = arguments["padding"]
            if not isinstance(padding, str):
                padding = per_dimension(padding, len(kernel), "padding", self.name, least=0)
            pairs = padding_pairs(padding, kernel, stride, dilation)
            around = [n for pair in pairs[::-1] for n in pair]
            arguments |= {"input": pad(arguments["input"], around, self.mode), "padding": 0}
        y = FUNCTIONS[self.name](**arguments)
        return y[0] if isinstance(y, tuple) else y  # the values of max_pool, without the indices

    @property
    def kind(self):
        return kind(self.name)


def kind(name):
    """The name of a function without the number of dimensions."""
    return name[:-2] if name[:-2] in WINDOWS else name


def find(target, args, kwargs, caller):
    """The Call behind `target`: a result, a layer or a function, the last two with their arguments.

    TypeError for anything else, NotImplementedError for what is not in LISTED, RuntimeError if a result does not
    remember what it was made of.
    """
    if isinstance(target, Value):
        if args or kwargs:
            raise TypeError(f"{caller}(): a result y takes only keywords beside it (at=..., ...), but got "
                            f"{len(args) + len(kwargs)} more arguments: write {caller}(function, x, ..., at=...)")
        return recall(target, caller)
    if isinstance(target, Module):
        return _of_layer(target, args, kwargs, caller)
    if not callable(target):
        raise TypeError(f"{caller}(): argument 1 must be the result of an operator, a layer or a function, "
                        f"not {type(target).__name__}")
    name = getattr(target, "__name__", "")
    if name in FUNCTIONS and str(getattr(target, "__module__", "")).startswith("minigrad"):
        return _bound(FUNCTIONS[name], args, kwargs, caller)
    if getattr(target, "__module__", "") == loss.__name__:
        raise unknown(name, caller)
    return recall(target(*map(_followed_floats, args), **{k: _followed_floats(x) for k, x in kwargs.items()}), caller)


def _bound(function, args, kwargs, caller, mode="zeros"):
    try:
        given = inspect.signature(function).bind(*args, **kwargs)
    except TypeError as error:
        raise TypeError(f"{caller}(): {function.__name__}(): {error}") from None
    given.apply_defaults()
    return Call(function.__name__, given.arguments | ({"inplace": False} if "inplace" in given.arguments else {}), mode)


def _of_layer(layer, args, kwargs, caller):
    if isinstance(layer, ConvNd):
        own = dict(stride=layer.stride, padding=layer.padding, dilation=layer.dilation, groups=layer.groups)
        if layer.transposed:
            own["output_padding"] = layer.output_padding
        function = FUNCTIONS[f"conv{'_transpose' if layer.transposed else ''}{layer.dims}d"]
        return _bound(function, (*args, layer.weight, layer.bias), {**own, **kwargs}, caller, layer.padding_mode)
    if isinstance(layer, Linear):
        return _bound(functional.linear, (*args, layer.weight, layer.bias), kwargs, caller)
    if isinstance(layer, Simple) and layer._function.__name__ in FUNCTIONS:
        return _bound(layer._function, args, {**layer._arguments(), **kwargs}, caller)
    raise unknown(type(layer).__name__, caller)


def unknown(what, caller, known=None):
    """The error that lists what is `known`, all of LISTED unless given."""
    listed = LISTED if known is None else ", ".join(known)
    return NotImplementedError(f"{caller}(): {what} cannot be explained. What can: {listed}, and their layers. "
                               "Of a model, explain one layer at a time.")


def _followed(x):
    """A copy that autograd follows, integers as float64; what is no tensor, and bools, unchanged."""
    if not isinstance(x, Value) or x._array.dtype.kind == "b":
        return x
    return (x.detach() if x._array.dtype.kind == "f" else x.double()).clone().requires_grad_()


def _followed_floats(x):
    return _followed(x) if isinstance(x, Value) and x._array.dtype.kind == "f" else x


# ---- from a result


def recall(y, caller):
    """The Call that made y, if its history still knows that."""
    if not isinstance(y, Value):
        raise TypeError(f"{caller}(): the function must return a Tensor, not {type(y).__name__}")
    if y.grad_fn is None:
        raise RuntimeError(f"{caller}(): this tensor of shape {list(y.shape)} has no history: it is not the result of "
                           f"an operator on tensors with requires_grad. {instead(caller)}")
    shown = y.grad_fn.name()
    try:
        found = read(y)
    except Lost as error:
        raise RuntimeError(f"{caller}(): {shown} {error.why}. {instead(caller, str(error))}") from None
    if found is None:
        raise unknown(f"the result of {shown}", caller)
    call = Call(*found)
    if call.y.shape != y.shape:
        raise unknown(f"a result that was reshaped afterwards, from {list(call.y.shape)} to {list(y.shape)},", caller)
    if not call.y.isclose(y.detach().to(call.y.dtype), rtol=1e-4, atol=1e-6, equal_nan=True).all():
        raise RuntimeError(f"{caller}(): this is not what {call.name} makes of its inputs as they are now: they have "
                           f"changed since, or the bias was not kept. {instead(caller, call.name)}")
    call.value = y._array
    return call


EXAMPLES = {"conv": "F.{}, x, k", "convolve": "F.{}, x, k", "conv_transpose": "F.{}, x, k", "max_pool": "F.{}, x, 2",
            "avg_pool": "F.{}, x, 2", "adaptive_avg_pool": "F.{}, x, 1", "linear": "F.linear, x, w, b",
            "softmax": "F.softmax, x, dim", "log_softmax": "F.log_softmax, x, dim",
            "cross_entropy": "F.cross_entropy, x, target"}


def instead(caller, name="conv2d"):
    """The sentence that says how to name the inputs."""
    two = "minigrad.{}, a, b" if name in ("add", "sub", "mul", "div", "matmul") else "minigrad.{}, x"
    example = EXAMPLES.get(kind(name), two).format(name)
    options = ["at=..."] * (caller != "matrix") + ["padding=1"] * (name == "conv2d")
    return f"Call {caller}({', '.join([example, *options])}) instead."
