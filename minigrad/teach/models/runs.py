"""One run of a model, watched: what its modules returned, and what each cell of it sees of the input."""

import difflib
import re
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np

from ... import dtypes, enable_grad
from ...engine import Value, wrap
from ...nn import Module
from ...nn.parameter import Uninitialized
from . import fields


class Layer(NamedTuple):
    """A line of the table: tuples with a number for each axis; jump and start are None off a regular grid."""

    name: str
    kind: str  # of a functional call the name is its kind
    grid: tuple  # the size of the output
    size: tuple
    jump: tuple | None
    start: tuple | None


class Run:
    """One run of a model, in evaluation mode, with the outputs of its modules and the field of every operator."""

    def __init__(self, model, input_size, x=None, dims=None):
        if not callable(model):
            raise TypeError(f"argument 'model' must be a Module or a function, not {type(model).__name__}")
        self.modules = dict(model.named_modules()) if isinstance(model, Module) else {}
        if len(self.modules) == 1:  # a layer alone
            self.modules = {type(model).__name__: model}
        known = [p for m in self.modules.values() for p in m.parameters() if not isinstance(p, Uninitialized)]
        dtype = known[0]._array.dtype if known else dtypes.float32.numpy
        self.x = wrap(np.ones(input_size, dtype) if x is None else x.astype(dtype))
        self.x.requires_grad = True
        self.outputs, self.nodes = {}, {}  # name of a module: its last output, and the operator that made it
        self.calls = []  # (number of the last operator before, of the last one, name) of minigrad's own layers
        with enable_grad(), evaluating(self.modules.values()), self._watching():
            y = model(self.x)
            y = y * 1 if y is self.x else y  # the operator of a model that does nothing
        self.returned = y
        # A model may end in something without a gradient, such as argmax.
        if isinstance(y, Value) and (y.grad_fn is not None or not self.outputs):
            self.outputs[""], self.nodes[""] = y, y.grad_fn
        ends = [v for v in self.outputs.values() if v.grad_fn is not None]
        nodes = fields.behind(ends)
        self.windows = fields.grid_dims(nodes)
        self.dims = dims or self.windows or max(len(input_size) - 2, 1)
        self.size = tuple(self.x.shape[-self.dims:])
        self.fields = fields.follow(self.x, ends, self.dims)
        self.wraps = any(map(fields.wraps, nodes))

    @contextmanager
    def _watching(self):
        handles, started, clock = [], [], wrap(np.ones(()))
        clock.requires_grad = True

        def enter(module, inputs):
            started.append((clock * 1).grad_fn.sequence)

        def leave(module, inputs, output):
            before = started.pop()
            if isinstance(output, Value):
                name = names[module]
                self.outputs.pop(name, None)
                self.outputs[name], self.nodes[name] = output, output.grad_fn
                if not module._modules and type(module).__module__.startswith("minigrad.nn."):
                    self.calls.append((before, (clock * 1).grad_fn.sequence, name))

        names = {module: name for name, module in self.modules.items() if name}
        try:
            for module in names:
                handles += [module.register_forward_pre_hook(enter), module.register_forward_hook(leave)]
            yield
        finally:
            for handle in handles:
                handle.remove()

    def output(self):
        """What the model returned; TypeError if that is no tensor."""
        if not isinstance(self.returned, Value):
            raise TypeError(f"equivariance(): the layer must return a Tensor, not {type(self.returned).__name__}")
        return self.outputs[""]

    def turned(self, value):
        """The field of a tensor if the input's positions were counted from its middle: what wraps round is whole."""
        return fields.follow(self.x, [value], self.dims, turned=True)[value.grad_fn]

    def value(self, layer):
        """(name, tensor) of the output of a layer; of the last differentiable one for None."""
        if layer is None:
            if not isinstance(self.returned, Value):
                raise TypeError("receptive_field(): the model must return a Tensor, but it returned "
                                f"{type(self.returned).__name__}: name a `layer`; {_known(self.outputs)}")
            followed = [(name, y) for name, y in self.outputs.items() if self.nodes[name] in self.fields]
            if not followed:
                raise ValueError("receptive_field(): no output of the model depends on its input by operators that "
                                 "have a gradient (does it run under no_grad, or use .data or NumPy?)")
            name, y = followed[-1]
            names = [n for n, other in followed if n and other is y]
            return names[-1] if names else name or "the output", y
        names = {module: name for name, module in self.modules.items()}
        name = names.get(layer) if isinstance(layer, Module) else str(layer) if type(layer) is int else layer
        if not isinstance(layer, Module | str | int):
            raise TypeError("receptive_field(): argument 'layer' must be the name of a module (str) or the module, not "
                            f"{type(layer).__name__}; a position is `at`")
        if name not in self.outputs or not name:
            what = f"this {type(layer).__name__}" if isinstance(layer, Module) else repr(layer)
            raise ValueError(f"receptive_field(): argument 'layer' is {what}, but "
                             f"{_known(self.outputs, name)}")
        if self.nodes[name] not in self.fields:
            raise ValueError(f"receptive_field(): the output of layer {name!r} does not depend on the input")
        return name, self.outputs[name]

    def row(self, name, field, value):
        """The line of the table for one value."""
        kind = type(self.modules[name]).__name__ if name in self.modules else name
        return _row(name, kind, field, tuple(value.shape), self.dims, len(self.x.shape))

    def layers(self, until):
        """A row for the input and for every layer up to operator number `until` that changes what its units see."""
        size = self.size
        rows = [Layer("input", "input", size, (1,) * self.dims, (1,) * self.dims, (0,) * self.dims)]
        shapes = {edge.target: edge.shape for node in self.fields for edge in node._edges if edge is not None}
        shapes |= {self.nodes[name]: tuple(y.shape) for name, y in self.outputs.items()}
        last = {}  # the operators that end a module, the innermost one
        for name in sorted(filter(None, self.outputs), key=lambda name: not self.modules[name]._modules):
            last[self.nodes[name]] = name
        for node, field in self.fields.items():
            inside = next((name for a, z, name in self.calls if a < node.sequence < z), None)
            if node not in shapes or (inside and node not in last) or node.sequence > until:
                continue
            name = last.get(node)
            kind = type(self.modules[name]).__name__ if name else operator_name(node)
            row = _row(name or kind, kind, field, shapes[node], self.dims, len(self.x.shape))
            if row.grid == () and rows[-1].grid != () and not sees_all(field):
                continue  # a flatten: each cell sees what it saw
            if row[2:] != rows[-1][2:]:
                rows.append(row)
            elif name and rows[-1].name == rows[-1].kind != "input":
                rows[-1] = row  # the same, under the name of a module
        return rows


def _known(names, wrong=None):
    """The end of an error: the names nearest to a wrong one, or some of them."""
    names = [name for name in names if name]
    near = difflib.get_close_matches(wrong or "", [name for name in names if not name.isdigit()], n=3, cutoff=0.5)
    if near:
        return f"the model ran no such module: did you mean {' or '.join(map(repr, near))}?"
    shown = [*map(repr, names[:6]), "…", repr(names[-1])] if len(names) > 8 else map(repr, names)
    return f"the modules that the model ran are [{', '.join(shown)}]"


def operator_name(node):
    """What an operator of the tape is called: MaxPool2D."""
    return node.name().partition("Backward")[0].replace("WithIndices", "")


def sees_all(field):
    """Whether all cells see the same."""
    return all(a.min() == a.max() for a in (*field.low, *field.high))


def _row(name, kind, field, shape, dims, ndim):
    on_grid = len(shape) == ndim or None not in field.lines
    grid = shape[-dims:] if on_grid else ()
    if None not in field.lines:
        start, size, jump = zip(*field.lines)
        return Layer(name, kind, grid, size, jump, start)
    seen = [np.broadcast_arrays(low, high) for low, high in zip(field.low, field.high)]
    return Layer(name, kind, grid, tuple([max(int((high - low).max()) + 1, 0) for low, high in seen]), None, None)


@contextmanager
def evaluating(modules):
    """Evaluation mode for these modules, and then each one's own again."""
    before = [(module, module.training) for module in modules]
    try:
        for module, _ in before:
            module.training = False
        yield
    finally:
        for module, mode in before:
            module.training = mode


def windows(model):
    """In how many dimensions the first layer of windows slides; None if there is none."""
    names = [type(module).__name__ for module in model.modules()] if isinstance(model, Module) else []
    found = [re.search(r"(?:Conv|Pool)\w*(\d)d$", name) for name in names]
    return next((int(match[1]) for match in found if match), None)


def with_batch(model, size):
    """`size` with a batch of 1, if it has none: as many numbers as an example has for the first layer of windows."""
    dims = windows(model)
    if dims:
        return (1, *size) if len(size) == dims + 1 else size
    return (1, *size) if len(size) == 1 and isinstance(model, Module) else size
