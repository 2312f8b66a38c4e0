"""A model layer by layer: shapes, parameters, multiply-adds, memory, receptive field."""

import contextlib
import io
import math
from typing import NamedTuple

import numpy as np

from ... import dtypes, random
from ...autograd import enable_grad, ledger
from ...engine import Operator, Value, wrap
from ...nn import Module
from ...nn.parameter import Uninitialized
from ...ops.conv import Conv, ConvInputGrad
from ...ops.matmul import Addmm, Mm
from ...ops.shape import View
from .. import drawing
from ..explanation import Explanation
from ..notation import table, times
from . import fields
from .runs import evaluating, with_batch

HEAD = ("layer", "kind", "output", "parameters", "multiply-adds", "bytes", "sees", "jump")
NOTES = """multiply-adds: of convolutions and matrix products. bytes: of the outputs; a view shares those of its input.
sees: the receptive field, the input positions that one output depends on; jump: from those of one to the next."""
SHOWN = 60  # rows of the text


class Row(NamedTuple):
    """One layer, or one function called between layers, whose name is ""."""

    name: str
    kind: str
    shape: tuple
    parameters: int
    multiply_adds: int
    bytes: int
    sees: tuple | None  # None: everything; () where there is no telling
    jump: tuple | None


class Summary(Explanation):
    """What `summary` found. rows: a Row for the input, each layer and each function in between, as they ran;
    parameters, multiply_adds, bytes: their sums; trainable: how many parameters require grad."""

    def __init__(self, model, rows, parameters, trainable, output, shared=()):
        self.shared = list(shared)  # (name, first name) of parameters with two names
        self.name, self.rows, self.parameters, self.trainable = type(model).__name__, rows, parameters, trainable
        self.multiply_adds = sum(row.multiply_adds for row in rows)
        self.bytes = sum(row.bytes for row in rows)
        self.output = output

    def text(self):
        lines = [self._line(row) for row in self.rows]
        if len(lines) > SHOWN:
            middle = (f"… {len(lines) - SHOWN} more",) + ("",) * (len(HEAD) - 1)
            lines[SHOWN // 2:-(SHOWN // 2)] = [middle]
        total = ("total", "", "", f"{self.parameters:,}", f"{self.multiply_adds:,}", f"{self.bytes:,}", "", "")
        text = [f"{self.name}, for an input of {list(self.rows[0].shape)}", "",
                table([HEAD, *lines, total], right=(3, 4, 5, 6, 7)), "", NOTES]
        if self.trainable != self.parameters:
            text.append(f"{self.parameters - self.trainable:,} of the parameters do not require grad.")
        if self.shared:
            same = [f"{name} is {first}" for name, first in self.shared[:4]] + ["…"] * (len(self.shared) > 4)
            text.append(f"A shared parameter is counted once, in its first row: {', '.join(same)}.")
        return "\n".join(text + self.remarks())

    def remarks(self):
        """What is to be said of the output."""
        return [f"The output, {list(x.shape)} {x.dtype.name}, has no history: through it nothing can train. Return "
                "what comes before argmax, a comparison or detach()." for x in self.output if not x.requires_grad]

    def _line(self, row):
        numbers = [f"{n:,}" if n else "-" for n in row[3:6]]
        seen = ["all", ""] if row.sees is None else [times(row.sees) or "-", times(row.jump or ()) or "-"]
        return (row.name, row.kind, str(list(row.shape)) if row.shape or row.bytes else "", *numbers, *seen)

    def draw(self, figure):
        rows = [row for row in self.rows if row.parameters or row.multiply_adds]
        largest = sorted(rows, key=lambda row: row.parameters + row.multiply_adds)[-24:]
        shown = [row for row in rows if row in largest]
        figure.set_size_inches(9, 1.6 + 0.32 * max(len(shown), 2))
        left, right = figure.subplots(1, 2, sharey=True)
        labels = [f"{row.name or '(function)'}  {row.kind}" for row in shown]
        for axes, what, total, colour in ((left, "parameters", self.parameters, drawing.BLUE),
                                          (right, "multiply_adds", self.multiply_adds, drawing.ORANGE)):
            counts = [getattr(row, what) for row in shown]
            axes.barh(range(len(shown)), counts, color=colour, height=0.65)
            for y, count in enumerate(counts):
                share = f"  {count:,}" + (f"  ({count / total:.1%})" if total else "")
                axes.text(count, y, share, va="center", fontsize=8)
            axes.set_xlim(0, 1.7 * max(counts, default=0) or 1)
            axes.set_xlabel(what.replace("_", "-"))
            axes.set_title(f"{what.replace('_', '-')}: {total:,}", fontsize=10)
            axes.locator_params(axis="x", nbins=3)
            axes.xaxis.set_major_formatter("{x:,.0f}")
            axes.spines[["top", "right"]].set_visible(False)
        left.set_yticks(range(len(shown)), labels, fontsize=8)
        left.invert_yaxis()
        more = f" (the {len(shown)} largest of {len(rows)} layers)" if len(rows) > len(shown) else ""
        figure.suptitle(f"{self.name}, for an input of {list(self.rows[0].shape)}{more}", fontsize=11)


def summary(model, input_size, *more):
    """Every layer of `model` and every function called between layers, with the shape of its output, its
    parameters, multiply-adds, the bytes of its output, and what one of its units sees of the input.

    model: a Module. input_size: the shape of its input, (N, C, *size) or (C, *size), to which a batch of 1 is added,
    for a model that begins with a layer of windows; or a Tensor, for one that needs particular numbers. more: the
    other inputs of a model that takes several. The model runs once, in evaluation mode, and what it prints is not
    shown; afterwards modes, buffers and the random stream are as before. Lazy layers are then ordinary ones.

        multiply-adds of a convolution = elements of its output · channels / groups · elements of its kernel

    TypeError and ValueError for other inputs; what the model itself raises comes through.
    Source: Dumoulin and Visin, arXiv:1603.07285, for the receptive field.

        >>> from minigrad import nn, teach
        >>> s = teach.summary(nn.Sequential(nn.Conv2d(1, 20, 5), nn.ReLU()), (1, 32, 32))
        >>> s.parameters, s.multiply_adds
        (520, 392000)
    """
    if not isinstance(model, Module):
        raise TypeError(f"summary(): argument 'model' must be a Module, not {type(model).__name__}")
    inputs = [made(model, given) for given in (input_size, *more)]
    run = Run(model, inputs)
    parameters = [p for p in model.parameters() if not isinstance(p, Uninitialized)]  # of lazy layers that did not run
    return Summary(model, run.rows(), sum(p.numel() for p in parameters),
                   sum(p.numel() for p in parameters if p.requires_grad), run.outputs, run.shared.items())  # fmt: skip


def made(model, given):
    """An input of this size, or a copy of the given one; followed, if it is floating point."""
    if isinstance(given, Value):
        x = given.detach().clone()
    else:
        size = with_batch(model, checked(given))
        first = next((p for p in model.parameters() if not isinstance(p, Uninitialized)), None)
        dtype = dtypes.float32.numpy if first is None else first._array.dtype
        x = wrap(np.random.default_rng(0).random(size).astype(dtype))
    if x.is_floating_point():
        x.requires_grad = True
    return x


def checked(size):
    if not isinstance(size, tuple | list) or not all(isinstance(n, int) and not isinstance(n, bool) for n in size):
        raise TypeError("summary(): argument 'input_size' must be a tuple of ints, the shape of the input, say "
                        f"(1, 28, 28), or a Tensor, but got {size!r}")
    if not size or min(size) < 1:
        raise ValueError(f"summary(): input_size={tuple(size)} must have one positive number or more")
    return tuple(size)



class Call(NamedTuple):
    """A run of one module that has no others inside."""

    name: str
    module: Module
    output: Value
    first: int  # the time on the tape, before and after
    last: int


class Run:
    """One run of the model, with what its layers and the tape tell."""

    def __init__(self, model, inputs):
        self.model, self.inputs, self.calls = model, inputs, []
        self.counted, self.shared = {}, {}  # id of a parameter: its name; another name of it: its name
        self.names = {module: name for name, module in model.named_modules()}
        self.clock = wrap(np.ones(()))
        self.clock.requires_grad = True
        with unchanged(model), self.watching(), enable_grad(), contextlib.redirect_stdout(io.StringIO()):
            output = model(*[x.clone() for x in inputs])
        self.outputs = list(tensors(output))
        ends = [x for x in (*(call.output for call in self.calls), *self.outputs) if x.grad_fn is not None]
        nodes = fields.behind(ends)
        self.shapes = {x.grad_fn: tuple(x.shape) for x in ends}
        self.shapes |= {e.target: e.shape for node in nodes for e in node._edges or ()
                        if e is not None and isinstance(e.target, Operator)}  # fmt: skip
        dims = fields.grid_dims(nodes) or max(inputs[0].ndim - 2, 1)
        self.fields = fields.follow(inputs[0], ends, dims) if inputs[0].requires_grad else {}
        self.nodes = [node for node in sorted(self.shapes, key=lambda node: node.sequence) if self.follows(node)]

    def follows(self, node):
        return node in self.fields or not self.fields

    def now(self):
        with enable_grad():
            return (self.clock * 1).grad_fn.sequence

    @contextlib.contextmanager
    def watching(self):
        """Note each call of a module without others inside, those that the model makes on the way among them."""
        original = Module.__call__

        def call(module, *inputs, **kwargs):
            first = self.now()
            output = original(module, *inputs, **kwargs)
            if not any(True for _ in module.children()) and isinstance(output, Value):
                self.calls.append(Call(self.names.get(module, ""), module, output, first, self.now()))
            return output

        Module.__call__ = call
        try:
            yield
        finally:
            Module.__call__ = original

    # ---- the rows

    def rows(self):
        inputs = [Row("", "input", tuple(x.shape), 0, 0, x._array.nbytes, *self.seen(x, None)) for x in self.inputs]
        timed = [(call.last, self.of_call(call)) for call in self.calls]
        if not (len(self.calls) == 1 and self.calls[0].module is self.model):
            timed += [(node.sequence, row) for node, row in self.between()]
        rows = [row for _, row in sorted(timed, key=lambda pair: pair[0])]
        return [*inputs, *rows, *self.own_parameters()]

    def of_call(self, call):
        inside = [node for node in self.nodes if call.first < node.sequence < call.last]
        shared = call.output._view is not None
        return Row(call.name, type(call.module).__name__, tuple(call.output.shape), self.own(call.module),
                   sum(map(self.multiply_adds, self.without_pools(inside))),
                   0 if shared else call.output._array.nbytes, *self.seen(call.output, call.output.grad_fn))

    def between(self):
        """(operator, Row) of the functions that were called outside of layers."""
        nodes = [node for node in self.nodes if not any(c.first < node.sequence < c.last for c in self.calls)]
        hidden = set(nodes) - set(self.without_pools(nodes))
        for node in nodes:
            shape = self.shapes[node]
            name = ledger.read(node, shape).name
            if not name and sum(e is not None and e.shape == shape for e in node._edges) > 1:
                name = type(node).__name__.lower()  # the sum of two branches
            if node in hidden or name in ("", "squeeze", "unsqueeze"):
                continue
            size = 0 if isinstance(node, View) else math.prod(shape) * self.inputs[0].element_size()
            yield node, Row("", name, shape, 0, self.multiply_adds(node), size, *self.seen(None, node))

    def without_pools(self, nodes):
        """Without what average pooling is made of."""
        inner = set()
        for node in nodes:
            name = node.name()
            if name.startswith(("AvgPool", "AdaptiveAvgPool")):
                end = ledger.read(node, self.shapes[node]).source
                waiting = [e.target for e in node._edges if e is not None]
                while waiting:
                    one = waiting.pop()
                    if one is not end and isinstance(one, Operator) and one not in inner:
                        inner.add(one)
                        waiting += [e.target for e in one._edges if e is not None]
        return [node for node in nodes if node not in inner]

    def multiply_adds(self, node):
        out, edges = math.prod(self.shapes[node]), node._edges
        if type(node) is Conv:
            return out * math.prod(node.params["w_shape"][1:])
        if type(node) is ConvInputGrad and edges[0] is not None:  # transposed: each input element meets the kernel
            return math.prod(edges[0].shape) * math.prod(node.params["w_shape"][1:])
        if type(node) in (Addmm, Mm):
            last, weight = edges[0], edges[1]
            return out * (last.shape[-1] if last is not None else weight.shape[-2 if type(node) is Mm else -1])
        return 0

    def seen(self, x, node):
        """The size and the jump of the receptive field; None: all; (): not to be told."""
        if node is None:
            dims = len(next(iter(self.fields.values())).lines) if self.fields else 0
            return ((1,) * dims, (1,) * dims) if x is self.inputs[0] else ((), ())
        field = self.fields.get(node)
        if field is None:
            return (), ()
        if None not in field.lines:
            return tuple(line.size for line in field.lines), tuple(line.jump for line in field.lines)
        return (None, None) if all(a.min() == a.max() for a in (*field.low, *field.high)) else ((), ())

    def own(self, module):
        """How many parameters a module has that no row before has counted."""
        count = 0
        for name, p in module._parameters.items():
            if p is None or isinstance(p, Uninitialized):
                continue
            name = ".".join(filter(None, (self.names.get(module, ""), name)))
            first = self.counted.get(id(p))
            if first is None:
                self.counted[id(p)] = name
                count += p.numel()
            elif first != name:
                self.shared[name] = first
        return count

    def own_parameters(self):
        """Rows for parameters that no row has: of modules around others, and of those that did not run."""
        for module, name in self.names.items():
            count = self.own(module)
            if count:
                why = "its own" if any(True for _ in module.children()) else "did not run"
                yield Row(name, f"{type(module).__name__} ({why})", (), count, 0, 0, (), ())


@contextlib.contextmanager
def unchanged(model):
    """Evaluation mode; and afterwards modes, buffers and the random stream as before."""
    stream = random.default_generator.get_state()
    buffers = [(b, b._array.copy()) for b in model.buffers() if not isinstance(b, Uninitialized)]
    places = [(module._buffers, dict(module._buffers)) for module in model.modules()]
    try:
        with evaluating(list(model.modules())):
            yield
    finally:
        for place, before in places:
            place.update(before)
        for buffer, before in buffers:
            buffer._array[...] = before
        random.default_generator.set_state(stream)


def tensors(found):
    """The tensors in an output, or in a tuple, a list or a dict of them."""
    if isinstance(found, Value):
        return [found]
    if isinstance(found, dict):
        found = list(found.values())
    return [x for part in found for x in tensors(part)] if isinstance(found, tuple | list) else []
