"""The arithmetic of one cell: of an output, and of a gradient, written out with the user's own numbers."""

from ...autograd import gradients
from ...autograd.grad_mode import enable_grad
from ...engine import Value
from ...ops.create import ones_like
from ..arguments import position
from . import conv_sums, formulas, gradient_sums
from .calls import find, unknown

OUTPUT = dict.fromkeys(("conv", "convolve", "conv_transpose"), conv_sums.output_cell) | {
    "linear": formulas.linear, "matmul": formulas.matmul, "max_pool": formulas.max_pool,
    "avg_pool": formulas.avg_pool, "adaptive_avg_pool": formulas.avg_pool, "softmax": formulas.softmax,
    "log_softmax": formulas.softmax, "cross_entropy": formulas.cross_entropy, "relu": formulas.relu,
    "sigmoid": formulas.sigmoid, "tanh": formulas.tanh,
} | dict.fromkeys(formulas.SIGNS, formulas.binary)

CONV_GRADIENTS = {"input": conv_sums.input_gradient, "weight": conv_sums.weight_gradient,
                  "bias": conv_sums.bias_gradient}
GRADIENT = {
    "linear": gradient_sums.linear_gradient, "matmul": gradient_sums.matmul_gradient,
    "max_pool": gradient_sums.max_pool_gradient, "avg_pool": gradient_sums.avg_pool_gradient,
    "adaptive_avg_pool": gradient_sums.avg_pool_gradient, "softmax": gradient_sums.softmax_gradient,
    "log_softmax": gradient_sums.softmax_gradient, "cross_entropy": gradient_sums.cross_entropy_gradient,
    "relu": gradient_sums.relu_gradient, "sigmoid": gradient_sums.sigmoid_gradient,
    "tanh": gradient_sums.tanh_gradient,
} | dict.fromkeys(("conv", "convolve", "conv_transpose"),
                  lambda call, at, of, g, value: CONV_GRADIENTS[of](call, at, g, value))


def explain(target, *args, at=(), **kwargs):
    """How one number of an output comes about: the sum, term by term, ending in the output's own number.

    target: the result y of an operator that autograd follows; or a function (`F.conv2d`) or a layer, with its
    arguments behind it. at: the position in the output, a tuple with an int for each of its dimensions. Returns an
    `Arithmetic`: print it, show it, save it. X is the input, K the kernel, W a weight, b the bias, Y the output; the
    indices of batch and channel are left out where there is one of each.

    It explains conv1d to 3d, convolve and conv_transpose, max, average and adaptive pooling, linear, matmul, softmax,
    log_softmax, cross_entropy, relu, sigmoid, tanh and + - * /; NotImplementedError for others. RuntimeError if y does
    not remember its inputs (call it with the function then), TypeError and IndexError for a wrong `at`.

    >>> import minigrad
    >>> from minigrad import teach
    >>> from minigrad.nn import functional as F
    >>> x, k = minigrad.arange(9.0).reshape(1, 1, 3, 3), minigrad.arange(4.0).reshape(1, 1, 2, 2)
    >>> teach.explain(F.conv2d, x, k, at=(0, 0, 0, 0))
    Y[0,0,0,0] = X[0,0]·K[0,0] + X[0,1]·K[0,1] + X[1,0]·K[1,0] + X[1,1]·K[1,1] = 0·0 + 1·1 + 3·2 + 4·3 = 19
    """
    with enable_grad():
        call = find(target, args, kwargs, "explain")
        return OUTPUT[call.kind](call, position(at, call.value.shape, "explain"))


def explain_grad(target, *args, at=(), of="input", grad=None, **kwargs):
    """How one number of a gradient comes about: what the element did in each output, times g, summed.

    target and what is behind it: as in `explain`. of: "input", "weight" (for matmul the second matrix) or "bias";
    at: the position in that tensor. grad: g, the gradient that arrives at the output, a Tensor of its shape; ones
    unless given. The last number is autograd's.

    It explains convolutions of all kinds, linear, matmul, pooling, softmax, log_softmax, cross_entropy (p is what
    softmax gives), relu, sigmoid and tanh; NotImplementedError for others, ValueError for a wrong `of`, RuntimeError
    for a `grad` of another shape, and as `explain` does.

    Source: Dumoulin and Visin, "A guide to convolution arithmetic for deep learning", arXiv:1603.07285, section 4.

    >>> import minigrad
    >>> from minigrad import teach
    >>> from minigrad.nn import functional as F
    >>> x, k = minigrad.arange(9.0).reshape(1, 1, 3, 3), minigrad.arange(4.0).reshape(1, 1, 2, 2)
    >>> print(teach.explain_grad(F.conv2d, x, k, at=(0, 0, 1, 1)).equation)
    dL/dX[1,1] = K[1,1]·g[0,0] + K[1,0]·g[0,1] + K[0,1]·g[1,0] + K[0,0]·g[1,1] = 3·1 + 2·1 + 1·1 + 0·1 = 6
    """
    if of not in ("input", "weight", "bias"):
        raise ValueError(f"explain_grad(): argument 'of' must be 'input', 'weight' or 'bias', but got {of!r}")
    with enable_grad():
        return _explain_grad(find(target, args, kwargs, "explain_grad"), at, of, grad)


def _explain_grad(call, at, of, g):
    if call.kind not in GRADIENT:
        raise unknown(f"the gradient of {call.name}", "explain_grad", GRADIENT)
    argument = gradient_sums.needs(call, of)
    if argument is None:
        raise ValueError(f"explain_grad(): of={of!r}, but this call of {call.name} has no {of} with a gradient")
    x, g = call.arguments[argument], _arriving(g, call)
    at = position(at, x.shape, "explain_grad")
    value = gradients.grad(call.y, x, g)[0]._array[at]
    return GRADIENT[call.kind](call, at, of, g._array, value)


def _arriving(given, call):
    """g, in the dtype of the output."""
    if given is None:
        return ones_like(call.y.detach())
    if not isinstance(given, Value):
        raise TypeError(f"explain_grad(): argument 'grad' must be Tensor, not {type(given).__name__}")
    if given.shape != call.y.shape:
        raise RuntimeError(f"explain_grad(): argument 'grad' must have the shape of the output, {list(call.y.shape)}, "
                           f"but it has {list(given.shape)}")
    return given.detach().to(call.y.dtype)
