"""The tape behind a result as boxes and arrows, with all values that are known and all gradients."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ... import kernels
from ...autograd import no_grad, steps
from ...autograd.rules import letters, rule_of
from ...engine import Operator, Value, wrap
from ...ops import arrange, elementwise, index, matmul, pool, reduce, shape, table, unary


@dataclass(eq=False)
class Box:
    """A leaf, or an operator with its output."""

    name: str  # w; Mul; of an output that a variable holds its name: y
    kind: str  # leaf, constant, or the operator
    shape: tuple
    node: Any  # the operator; None for a leaf
    value: Value | None = None
    gradient: Value | None = None

    def title(self):
        return self.kind if self.kind.startswith(self.name) else f"{self.name} = {self.kind}"


@dataclass(eq=False)
class Arrow:
    """An input of an operator, and the gradient that goes back along it."""

    source: Box
    target: Box
    letter: str
    gradient: Value | None = None

    def label(self):
        if self.gradient is None:
            return self.letter
        return (f"d{self.letter} = {steps.brief(self.gradient)}" if self.gradient.numel() == 1 else
                f"d{self.letter} {list(self.gradient.shape)}")  # fmt: skip


# What an operator computed, again: (operator, shape of its output, arrays of its inputs) -> array
AGAIN = {
    arrange.Cat: lambda node, out, *inputs: np.concatenate(inputs, node.dim),
    shape.View: lambda node, out, x: x.reshape(out),
    shape.Permute: lambda node, out, x: x.transpose(node.dims),
    shape.Expand: lambda node, out, x: np.broadcast_to(x, out),
    index.GetItem: lambda node, out, x: x[node.index],
    pool.MaxPool: lambda node, out, x: kernels.max_pool(x, *node.window)[0],
    reduce.Reduction: lambda node, out, x: np.asarray(node.reduce(x, node.dims, node.keepdim)),
    table.Row: lambda node, out, *inputs: np.asarray(node.compute(*inputs, **node.params)),
}
AGAIN |= {kind: lambda node, out, *inputs: np.asarray(type(node).__new__(type(node)).forward(*inputs))
          for kind in (elementwise.Add, elementwise.Mul, matmul.Addmm, unary.Relu)}  # fmt: skip


class Tape:
    """boxes: the leaves and the operators behind `root`, each after what it is made of; arrows between them, and
    into: those that lead to each box;
    complete: whether backward() has not let go yet of what the gradients need."""

    def __init__(self, root, gradient, variables):
        self.names = steps.Names(variables)
        self.found = {}  # (id of an operator, output number) -> a tensor that a variable holds
        for value in (*variables.values(), root):
            if isinstance(value, Value) and value.grad_fn is not None:
                self.found[id(value.grad_fn), value._output_nr] = value
        self.boxes, self.arrows, self.of = [], [], {}
        nodes = behind(root)
        for node in nodes:
            self.add(node)
        self.into = {box: [] for box in self.boxes}
        for arrow in self.arrows:
            self.into[arrow.target].append(arrow)
        self.of[root.grad_fn, root._output_nr].shape = tuple(root.shape)
        for node in nodes:
            self.know(node)
        self.complete = self.send(root, gradient)

    def add(self, node):
        """A box for the operator, and for those of its inputs that are leaves or constants; the arrows to it."""
        kept, constants = saved(node), []
        called = letters(rule_of(node), len(node._edges))
        box = self.of[node, 0] = Box("", "", (), node)
        for letter, edge, value in zip(called, node._edges, kept):
            if edge is not None:
                self.arrows.append(Arrow(self.source(edge, value), box, letter))
            elif isinstance(value, Value):
                self.arrows.append(Arrow(self.constant(value), box, letter))
            elif isinstance(value, int | float):
                constants.append(f"{letter} = {value:.4g}")
        box.kind = steps.own_name(node, short=True) + (f" ({', '.join(constants)})" if constants else "")
        known = self.names.output(node, 0)
        box.name = steps.own_name(node, short=True) if known == "z" else known
        self.boxes.append(box)

    def source(self, edge, value):
        """The box at the other end of an edge, which tells its shape."""
        key = (edge.target, edge.output_nr) if isinstance(edge.target, Operator) else id(edge.target)
        if isinstance(edge.target, Operator):
            box = self.of.setdefault(key, self.of[edge.target, 0])
        elif key not in self.of:
            leaf = edge.target
            name = self.names.of(leaf, 0).replace("a leaf", "leaf").partition(" [")[0]
            box = self.of[key] = Box(name, "leaf", tuple(leaf.shape), None, leaf.detach(), leaf.grad)
            self.boxes.append(box)
        else:
            box = self.of[key]
        box.shape = tuple(edge.shape)
        box.value = value if box.value is None and isinstance(value, Value) else box.value
        return box

    def constant(self, value):
        if id(value) not in self.of:
            name = self.names.of(value, 0) if value.is_leaf else "constant"
            name = "constant" if name.startswith("a leaf") else name
            self.of[id(value)] = Box(name, "constant", tuple(value.shape), None, value.detach())
            self.boxes.append(self.of[id(value)])
        return self.of[id(value)]

    def know(self, node):
        """Find the value of an operator's output: in a variable, on the tape, or by computing it again."""
        box = self.of[node, 0]
        held = self.found.get((id(node), 0))
        if held is not None:
            box.value = held.detach()
        if box.value is None:
            box.value = output(node)
        sources = {arrow.letter: arrow.source.value for arrow in self.into[box]}
        inputs = [sources.get(letter, value) for letter, value in
                  zip(letters(rule_of(node), len(node._edges)), saved(node))]  # fmt: skip
        rule = next((AGAIN[kind] for kind in type(node).__mro__ if kind in AGAIN), None)
        known = all(x is not None or letter == "b" for x, letter in zip(inputs, letters(rule_of(node), len(inputs))))
        if box.value is None and rule is not None and known:
            with np.errstate(all="ignore"):
                box.value = wrap(rule(node, box.shape, *[getattr(x, "_array", x) for x in inputs]))
        box.value = None if box.value is None else box.value.detach()

    def send(self, root, gradient):
        """Put the gradients on boxes and arrows: whether there are any."""
        if gradient is None and root.numel() != 1:
            return True  # nobody asked for them
        try:
            walk = steps.Walk(root, gradient, self.names, hooks=False)
            for step in walk.operators():
                box = self.of[step.node, 0]
                box.gradient = step.grad
                arrows = {arrow.letter: arrow for arrow in self.into[box]}
                for sent in step.sent:
                    arrows[sent.letter].gradient = sent.gradient
        except RuntimeError:  # backward() let go of what the rules need
            return False
        for key in walk.leaves:
            self.of[key].gradient = walk.waiting[key][0]
        return True


def behind(root):
    """Every operator behind a tensor, the oldest first."""
    found, waiting = set(), [root.grad_fn]
    while waiting:
        node = waiting.pop()
        if node not in found:
            found.add(node)
            waiting += [e.target for e in node._edges if e is not None and isinstance(e.target, Operator)]
    return sorted(found, key=lambda node: node.sequence)


def saved(node):
    """The inputs that an operator kept, None for the others."""
    try:
        return node.inputs if node.uses else (None,) * len(node._edges)
    except RuntimeError:  # let go of, or changed since
        return (None,) * len(node._edges)


def output(node):
    try:
        with no_grad():
            return node.output if node.uses_output else None
    except RuntimeError:
        return None
