"""The walk back in slow motion: `walk.pyx` once more, in Python, and it stops at every operator to show itself.

    waiting       take the newest     its rule        send along its edges
    {Sum: g}   ->     Sum        ->   backward(g)  ->   {Mul: g'}  ->  ...  ->  leaf.grad += g

Nothing is written before the walk has come to its end: who stops in the middle finds the graph whole, and
every `.grad` as it was.
"""

import os
import sys
from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import Any

import numpy as np

from ..engine import RELEASED, Operator, Value, wrap
from ..ops import index, loss
from ..walk import call_hooks, summed
from .grad_mode import no_grad
from .gradients import root_gradients
from .rules import RULES, letters, rule_of


@dataclass
class Sent:
    """One gradient on its way: `gradient` goes to an input, where `before` waits already (None: nothing)."""

    letter: str  # of the input in the rule: x
    to: str  # who made the input, or which leaf it is
    target: Any  # that operator or leaf itself
    gradient: Value
    before: Value | None
    after: Value
    summed: tuple | None  # the shape that it had before broadcasting was undone

    def __str__(self):
        text = f"d{self.letter} = {brief(self.gradient)} -> {self.to}"
        if self.summed is not None:
            text += f"  (it was {list(self.summed)}: summed over what was broadcast)"
        if self.before is not None:
            text += f"  (added to what waits there: {addition(self.before, self.gradient, self.after)})"
        return text


@dataclass(repr=False)
class Step:
    """One operator of the walk. print(step) shows all of it.

    order: 1, 2, ... name: of the operator. rule: what it computed and the rule of its gradient. grad: the
    gradient that arrives. sent: a `Sent` for each input that gets one. For a leaf, at the end of the walk, `grad`
    is what is added to its `.grad`, which was `before` (None: there was none) and is `after`.
    """

    order: int
    name: str
    rule: str
    grad: Value
    label: str  # the name of the tensor whose gradient arrives
    sent: list = field(default_factory=list)
    before: Value | None = None
    after: Value | None = None
    node: Any = None

    def __str__(self):
        if self.after is not None:
            return f"{self.order}. {self.name}: {self.label}.grad{self._accumulated()}"
        inputs = ", ".join(f"{s.letter} {list(s.after.shape)}" for s in self.sent) or "what needs no gradient"
        lines = [f"{self.order}. {self.name}: {self.rule}", f"{self.label} {list(self.grad.shape)} from {inputs}",
                 f"g = {brief(self.grad)}", *map(str, self.sent)]
        return "\n   ".join(lines)

    __repr__ = __str__

    def _accumulated(self):
        return (f" = {brief(self.after)}" if self.before is None else
                f": {addition(self.before, self.grad, self.after)}")  # fmt: skip


def brief(x, most=9):
    """The numbers of a small tensor, the shape and the range of a larger one."""
    array = x._array
    if array.size > most:
        return f"{list(array.shape)} of {array.min():.4g} to {array.max():.4g}"
    text = np.array2string(array, separator=", ", max_line_width=10**6, formatter={"float_kind": "{:.4g}".format})
    return " ".join(text.split())


def addition(a, b, total):
    """2 + 3 = 5; of large tensors, the sum alone."""
    return f"{brief(a)} + {brief(b)} = {brief(total)}" if total.numel() <= 6 else f"the sum is {brief(total)}"


def backward_steps(tensor, gradient=None, retain_graph=False, names=None):
    """`tensor.backward(gradient, retain_graph)`, one operator at a time: yields a `Step` for each, the newest first,
    then one for each leaf, whose `.grad` then has the numbers that `backward` leaves there.

    gradient: the tensor's own derivative, of its shape; needed unless it is a single number. retain_graph: keep the
    graph for a second run. names: {"x": x, ...}; unless given, tensors are called by the variables that hold them
    where this is called, parameters by module: net.fc1.weight. Errors: those of `backward`.

        >>> import minigrad
        >>> x = minigrad.tensor(2.0, requires_grad=True)
        >>> y = x * 3
        >>> for step in y.backward_steps():
        ...     print(step)
        1. Mul: z = x · y;  dx = g · y,  dy = g · x
           y [] from x []
           g = 1
           dx = 3 -> x
        2. AccumulateGrad: x.grad = 3
    """
    walk = Walk(tensor, gradient, Names(variables() if names is None else names))
    return follow(walk, retain_graph)


def follow(walk, retain_graph):
    yield from walk.operators()
    yield from walk.leaves_written(retain_graph)


class Walk:
    """One run through the graph: the gradients that wait, and where they wait."""

    def __init__(self, root, gradient, names, hooks=True):
        (gradient,) = root_gradients((root,), (gradient,))
        self.names, self.hooks = names, hooks
        self.order, self.done = 0, []
        self.waiting = {}  # operator or id of a leaf -> [gradient of each output]
        self.heap = []  # (-sequence, operator): the newest first
        self.leaves = {}  # id -> leaf
        self.retained = []  # (tensor, gradient) of retain_grad()
        if root.grad_fn is None:
            self.send("x", root, 0, gradient)
        else:
            self.send("x", root.grad_fn, root._output_nr, gradient)

    def send(self, letter, target, output_nr, gradient, arrived=None):
        """Add `gradient`, which had the shape `arrived` before it was summed, to what waits at `target`."""
        if isinstance(target, Operator):
            if target not in self.waiting:
                heappush(self.heap, (-target.sequence, target))
            there = self.waiting.setdefault(target, [None] * len(target._output_forms or [None]))
        else:
            self.leaves[id(target)] = target
            there = self.waiting.setdefault(id(target), [None])
        before = there[output_nr]
        there[output_nr] = gradient if before is None else before + gradient
        return Sent(letter, self.names.of(target, output_nr), target, gradient, before, there[output_nr],
                    arrived if arrived != gradient.shape else None)

    def operators(self):
        """A Step for each operator."""
        while self.heap:
            with no_grad():
                step = self.step(heappop(self.heap)[1])
            yield step

    def step(self, node):
        """Run the rule of `node` on the gradients of its outputs, and send on what it returns."""
        grads = self.waiting.pop(node)
        self.look(node, grads)
        shown = next(i for i, g in enumerate(grads) if g is not None)
        grad = grads[shown]
        if node._output_forms is not None and node.materialize:
            grads = [wrap(np.zeros(*form)) if g is None and form is not None else g
                     for g, form in zip(grads, node._output_forms)]
        if node._released:
            raise RuntimeError(RELEASED)
        results = node.backward(*grads)
        results = results if isinstance(results, tuple) else (results,)
        if len(results) != len(node._edges):
            raise RuntimeError(f"function {node.name()} returned an incorrect number of gradients "
                               f"(expected {len(node._edges)}, got {len(results)})")
        rule = rule_of(node)
        self.order += 1
        step = Step(self.order, own_name(node), rule, grad, self.names.output(node, shown), node=node)
        for i, (letter, edge, gradient) in enumerate(zip(letters(rule, len(results)), node._edges, results)):
            if edge is not None and gradient is not None:
                if not isinstance(gradient, Value):
                    raise TypeError(f"function {node.name()} returned a {type(gradient).__name__} as gradient: "
                                    "expected a Tensor or None")
                form = summed(gradient, edge.shape, node, i).astype(edge.dtype)
                step.sent.append(self.send(letter, edge.target, edge.output_nr, form, gradient.shape))
        self.done.append(node)
        return step

    def look(self, node, grads):
        """Show the gradients of node's outputs, which are complete now, to hooks and to `retain_grad`."""
        for number, hooks in (node._hooks or {}).items() if self.hooks else ():
            if grads[number] is not None:
                grads[number] = call_hooks(hooks, grads[number])
        for number, reference in (node._retained or {}).items():
            if reference() is not None and grads[number] is not None and reference().grad_fn is node:
                self.retained.append((reference(), grads[number]))

    def leaves_written(self, retain_graph):
        """Add what arrived to each `.grad` and let go of the graph; then a Step for each leaf."""
        steps = []
        with no_grad(), np.errstate(all="ignore"):
            final = {key: call_hooks(leaf._hooks or {}, self.waiting[key][0]) for key, leaf in self.leaves.items()}
            for tensor, gradient in self.retained:
                accumulate(tensor, gradient)
            for key, leaf in self.leaves.items():
                before = None if leaf.grad is None else leaf.grad.clone()
                accumulate(leaf, final[key])
                self.order += 1
                steps.append(Step(self.order, "AccumulateGrad", RULES["AccumulateGrad"], final[key],
                                  self.names.of(leaf, 0), before=before, after=leaf.grad.clone(), node=leaf))
        for node in [] if retain_graph else self.done:
            node.release()
        yield from steps


def accumulate(tensor, gradient):
    """tensor.grad += gradient, in the memory that it has."""
    if tensor.grad is None:
        tensor.grad = gradient.clone()
    else:
        tensor.grad.add_(gradient)


# ---- names


def operator_name(node):
    """The name of an operator as printing shows it, without its end: Mul, MaxPool2D."""
    return without_end(node.name())


def without_end(name):
    return name.partition("Backward")[0].replace("WithIndices", "")


def own_name(node, short=False):
    """The name that goes with the rule of an operator. Of one that prints under the name of what it is a step of, its
    own and that of the whole: Mean (the last step of MseLoss); `short`: Mean of MseLoss."""
    whole, own, which = operator_name(node), without_end(type(node).name(node)), "the last step"
    if isinstance(node, loss.CrossEntropy):
        return "CrossEntropy"  # which prints as PyTorch's NllLoss
    if isinstance(node, index.GetItem) and own == node.named != "Gather":
        own, which = "Index", "a step"
    if own == whole:
        return own
    return f"{own} of {whole}" if short else f"{own} ({which} of {whole})"


def variables():
    """The variables of whoever called into minigrad."""
    here, frame = os.path.dirname(os.path.dirname(__file__)), sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(here + os.sep):
        frame = frame.f_back
    return {**frame.f_globals, **frame.f_locals}


class Names:
    """What tensors are called, by variables or by the parameters of the modules that variables hold."""

    def __init__(self, variables):
        self.found = {}
        for name, value in list(variables.items()):
            if isinstance(value, Value) and not name.startswith("_"):
                self.found.setdefault(self.key(value.grad_fn or value, value._output_nr), name)
        for name, value in list(variables.items()):
            if not isinstance(value, type) and callable(getattr(type(value), "named_parameters", None)):
                for parameter, tensor in value.named_parameters():
                    self.found.setdefault(self.key(tensor, 0), f"{name}.{parameter}")

    def key(self, target, output_nr):
        return id(target), output_nr if isinstance(target, Operator) else 0

    def output(self, node, output_nr):
        """The name of an output, "z" for one without."""
        return self.found.get(self.key(node, output_nr), "z")

    def of(self, target, output_nr):
        """What stands at the other end of an edge, in words."""
        name = self.found.get(self.key(target, output_nr))
        if isinstance(target, Operator):
            return own_name(target, short=True) + (f" ({name})" if name else "")
        return name or f"a leaf {list(target.shape)}"
