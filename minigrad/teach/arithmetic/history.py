"""Read off the history of a result: which function made it, and of what.

An operator keeps what its gradient needs, and no more: some inputs are there, some are leaves at the other end of
an edge, some can be computed again. What is neither is Lost, and the user has to name the inputs.
"""

import itertools

from ...engine import AccumulateGrad, Value, wrap
from ...nn import functional
from ...ops import elementwise, unary
from ...ops.arrange import Flip
from ...ops.conv import Conv, ConvInputGrad
from ...ops.index import GetItem
from ...ops.loss import CrossEntropy, LogSoftmax, Softmax
from ...ops.matmul import Addmm, Mm
from ...ops.pad import Pad
from ...ops.pool import MaxPool
from ...ops.reduce import Mean
from ...ops.shape import View
from ...ops.table import Row


class Lost(Exception):
    """An input of this function was not kept."""

    why = "did not keep its inputs, because its gradient does not need them"


class Gone(Lost):
    """It was kept, but is no longer there."""

    why = "no longer has its inputs: backward() freed them, or they were changed in place"


def read(y):
    """(name of the function, its arguments by name) that made y; None for an operator that is not known here.

    Lost if an input was not kept, Gone if it was freed or changed in place since.
    """
    node = y.grad_fn
    if _reader(node) is None and isinstance(node, View):
        node = node.next_functions[0][0]  # a batch of one, added and taken away again
    reader = _reader(node)
    return None if reader is None else reader(node, y)


def _reader(node):
    """The function that reads a Call off this operator."""
    shown = node.name()
    if shown.startswith("NllLoss") and not isinstance(node, CrossEntropy):
        return _likelihood
    for kind in ("AvgPool", "AdaptiveAvgPool"):
        if shown.startswith(kind):
            return {"AvgPool": _avg_pool, "AdaptiveAvgPool": _adaptive_avg_pool}[kind]
    if isinstance(node, elementwise.Add) and isinstance(node.next_functions[0][0], ConvInputGrad):
        return _conv_transpose
    if isinstance(node, Mean) and node.keepdim and len(node.dims) == len(node.shape) - 2:
        return _adaptive_avg_pool  # to a size of 1
    return READERS.get(type(node)) or (_of_one(shown[:-9].lower()) if shown[:-9] in ("Sigmoid", "Tanh") else None)


def _kept(node, i, call, shape=None):
    """Input i of an operator, of this shape: kept, a leaf, or computed again. Lost if it is none of these."""
    maker = node.next_functions[i][0]
    try:
        keeper = maker if isinstance(maker, elementwise.Keep) else node
        found = keeper.inputs[i] if keeper.uses else None
    except RuntimeError:
        raise Gone(call) from None
    if found is None and maker is not None:
        found = _made(maker, call, shape)
    if found is None:
        raise Lost(call)
    return found


def _made(node, call, shape=None):
    """What an operator gave: a leaf, an output that was kept, or computed again from inputs that are known."""
    if isinstance(node, AccumulateGrad):
        return node.variable
    if node.uses_output:
        try:
            return node.output
        except RuntimeError:
            raise Gone(call) from None
    if isinstance(node, View) and shape is not None:
        return _kept(node, 0, call, node.shape).detach().reshape(shape)
    if isinstance(node, Row | elementwise.Add | elementwise.Mul | Addmm):
        inputs = [_kept(node, i, call) if i < 2 or not isinstance(node, Conv | Addmm) else _bias(node, call)
                  for i in range(len(node.next_functions))]
        params = node.params if isinstance(node, Row) else {}
        return wrap(node.forward(*[x._array if isinstance(x, Value) else x for x in inputs], **params))
    return None


def _bias(node, call):
    return None if node.next_functions[2][0] is None else _kept(node, 2, call)


def _geometry(node):
    stride, pairs, dilation, groups = node.params["steps"]
    same = any(a != b for a, b in pairs)
    return dict(stride=stride, padding="same" if same else [a for a, _ in pairs], dilation=dilation, groups=groups)


def _unbatched(x, y):
    """x without its batch of one, if y has none either."""
    return x[0] if x.ndim == y.ndim + 1 else x


def _conv(node, y):
    name = f"conv{len(node.params['w_shape']) - 2}d"
    x, w, b = _kept(node, 0, name), _kept(node, 1, name), _bias(node, name)
    maker = node.next_functions[1][0]
    if isinstance(maker, Flip) and tuple(maker.params["dims"]) == tuple(range(2, w.ndim)):
        name, w = name.replace("conv", "convolve"), w.detach().flip(tuple(range(2, w.ndim)))
    return name, dict(input=_unbatched(x, y), weight=w, bias=b, **_geometry(node))


def _conv_transpose(node, y):
    add = node if isinstance(node, elementwise.Add) else None
    node = add.next_functions[0][0] if add else node
    dims = len(node.params["w_shape"]) - 2
    name = f"conv_transpose{dims}d"
    g, w, bias = _kept(node, 0, name), _kept(node, 1, name), None
    if add:
        maker = add.next_functions[1][0]
        if not isinstance(maker, View):
            raise Lost(name)
        bias = _kept(maker, 0, name)
    options = _geometry(node)
    least = [(n - 1) * s - 2 * p + d * (k - 1) + 1 for n, s, p, d, k in zip(
        g.shape[2:], options["stride"], options["padding"], options["dilation"], w.shape[2:])]
    more = [n - a for n, a in zip(node.params["x_shape"][2:], least)]
    return name, dict(input=_unbatched(g, y), weight=w, bias=bias, output_padding=more, **options)


def _linear(node, y):
    w, b = _kept(node, 1, "linear"), _bias(node, "linear")
    x = _kept(node, 0, "linear", (-1, w.shape[-1]))
    return "linear", dict(input=x.detach().reshape((*y.shape[:-1], x.shape[-1])), weight=w, bias=b)


def _matmul(node, y):
    x, z = _kept(node, 0, "matmul").detach(), _kept(node, 1, "matmul").detach()
    product = max(x.ndim, z.ndim)
    if y.ndim < product and z.shape[-1] == 1:
        z, product = z.reshape((-1,)), product - 1
    if y.ndim < product and x.shape[-2] == 1:
        x = x.reshape((-1,))
    return "matmul", dict(input=x, other=z)


def _max_pool(node, y):
    name = f"max_pool{len(node.plane)}d"
    kernel, stride, padding, dilation, out = node.window
    x = _kept(node, 0, name, (*node.indices.shape[:2], *node.plane))
    hangs_over = any((o - 1) * s + d * (k - 1) + 1 > n + 2 * p
                     for o, s, d, k, n, p in zip(out, stride, dilation, kernel, node.plane, padding))
    return name, dict(input=_unbatched(x, y), kernel_size=kernel, stride=stride, padding=padding, dilation=dilation,
                      ceil_mode=hangs_over)


def _avg_pool(node, y):
    """A convolution with ones, divided: its kernel, stride and padding are those of the pooling."""
    dims = int(node.name()[7])
    name = f"avg_pool{dims}d"
    sums = _before(node, Conv)
    one_by_one = _before(sums, View)
    x = _unbatched(_kept(one_by_one, 0, name, one_by_one.shape), y)
    stride, *_ = sums.params["steps"]
    border = sums.next_functions[0][0]
    padding = [a for a, _ in border.params["borders"][2:]] if isinstance(border, Pad) else 0
    options = dict(input=x, kernel_size=sums.params["w_shape"][2:], stride=stride, padding=padding)
    count = _kept(node, 1, name)  # an array, or divisor_override
    if not isinstance(count, Value):
        options["divisor_override"] = int(count)
    for ceil_mode, include in itertools.product((False, True), (True, False)):  # the one that gives y
        arguments = {**options, "ceil_mode": ceil_mode, "count_include_pad": include}
        again = getattr(functional, name)(**arguments)
        if again.shape == y.shape and again.isclose(y, equal_nan=True).all():
            break
    return name, arguments


def _before(node, kind):
    """The next operator of this kind on the way back."""
    while not isinstance(node := node.next_functions[0][0], kind):
        pass
    return node


def _adaptive_avg_pool(node, y):
    """Its windows were cut out of the input, one dimension after the other."""
    dims = len(node.shape) - 2 if isinstance(node, Mean) else int(node.name()[15])
    name = f"adaptive_avg_pool{dims}d"
    if isinstance(node, Mean):
        return name, dict(input=_unbatched(_kept(node, 0, name, node.shape), y), output_size=1)
    for _ in range(dims):
        cut = node.next_functions[0][0]
        if not isinstance(cut, GetItem):
            raise Lost(name)
        last, node = cut, cut.next_functions[0][0]
    return name, dict(input=_unbatched(_kept(last, 0, name, last.shape), y), output_size=tuple(y.shape[-dims:]))


def _softmax(node, y):
    name = "softmax" if isinstance(node, Softmax) else "log_softmax"
    return name, dict(input=_kept(node, 0, name, y.shape), dim=node.params["dim"])


def _cross_entropy(node, y):
    x = _kept(node, 0, "cross_entropy")
    reduction = "none" if node.each else "sum" if node.scale == 1 else "mean"
    return "cross_entropy", dict(input=x, target=wrap(node.labels), reduction=reduction)


def _likelihood(node, y):
    """Of nll_loss, or of cross_entropy with weights or targets that are ignored: what picks the classes keeps no
    labels."""
    while not isinstance(node, GetItem):
        node = next(before for before, _ in node.next_functions if before is not None)
    if isinstance(_before(node, elementwise.Keep).next_functions[0][0], LogSoftmax):
        raise Lost("cross_entropy")


def _of_one(name):
    return lambda node, y: (name, dict(input=_kept(node, 0, name, y.shape)))


def _of_two(name):
    return lambda node, y: (name, dict(input=_kept(node, 0, name), other=_kept(node, 1, name)))


READERS = {Conv: _conv, ConvInputGrad: _conv_transpose, Addmm: _linear, Mm: _matmul, MaxPool: _max_pool,
           Softmax: _softmax, LogSoftmax: _softmax, CrossEntropy: _cross_entropy, unary.Relu: _of_one("relu"),
           elementwise.Add: _of_two("add"), elementwise.Mul: _of_two("mul"),
           elementwise.Sub: _of_two("sub"), elementwise.Div: _of_two("div")}
