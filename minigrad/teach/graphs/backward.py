"""Backward to look at: step by step, and as a graph of values and gradients."""

import math
import textwrap
from dataclasses import fields

import numpy as np

from ...autograd import steps
from .. import drawing
from ..arguments import array
from ..explanation import Explanation
from . import tape_drawing
from .tape import Tape

LARGEST = 32  # rows and columns of a matrix that are drawn


class DrawnStep(Explanation, steps.Step):
    """A `Step` that a notebook shows as a picture: the gradient that arrives and those that it sends on."""

    text = steps.Step.__str__

    def draw(self, figure):
        if self.after is None:
            parts = [(f"g, of {self.label}", self.grad)]
            parts += [(f"d{s.letter} → {s.to}" + (" (its share)" if s.before is not None else ""), s.gradient)
                      for s in self.sent]  # fmt: skip
        else:
            parts = [(f"{self.label}.grad before", self.before)] if self.before is not None else []
            parts += [("what arrived", self.grad), (f"{self.label}.grad", self.after)]
        planes = [plane(x._array) for _, x in parts]
        inch = 3.1  # the width of a panel
        height = max(min(inch, max(0.45, inch * len(m) / max(m.shape[1], 4))) for m, _ in planes)
        title = textwrap.fill(f"{self.order}. {self.name}: {self.rule}", int(max(inch * len(parts), 5) * 11))
        figure.set_size_inches(max(inch * len(parts), 5), height + 1.7 + 0.2 * title.count("\n"))
        figure.suptitle(title, fontsize=10)
        panels = figure.subplots(1, len(parts), squeeze=False)[0]
        for axes, (name, _), (matrix, note) in zip(panels, parts, planes):
            name = "\n".join([*textwrap.wrap(name, 30), note])
            small = matrix.shape[1] <= 8 and len(matrix) <= 8
            image = drawing.grid(axes, matrix, name, names=("", ""), texts=None if small else [])
            axes.title.set_fontsize(8)
            if len(matrix) == 1:
                axes.set_yticks([])
            if matrix.shape[1] < 4:  # cells no larger than those of a matrix of 4 columns
                axes.set_xlim((matrix.shape[1] - 5) / 2, (matrix.shape[1] + 3) / 2)
                axes.spines[:].set_visible(False)
                axes.grid(False, which="minor")
            if not small:
                drawing.colour_bar(image, axes, location="bottom", shrink=0.8).ax.locator_params(nbins=4)


def plane(values):
    """(a matrix to draw, what it is of the array): the first plane, and of that at most LARGEST rows and columns."""
    matrix = np.atleast_2d(values[(0,) * max(values.ndim - 2, 0)])
    note = f"{list(values.shape)}"
    if values.ndim > 2 and matrix.size < values.size:
        note += f", [{', '.join('0' * (values.ndim - 2))}] of it"
    if max(matrix.shape) > LARGEST:
        matrix = matrix[:LARGEST, :LARGEST]
        note += f", the first {matrix.shape[0]} x {matrix.shape[1]}"
    return matrix, note


def backward_steps(loss, gradient=None, retain_graph=False, names=None):
    """`loss.backward_steps(...)`, whose steps are also pictures: the same numbers, the same texts.

    Arguments and errors: those of `autograd.steps.backward_steps`.

        >>> import minigrad
        >>> from minigrad import teach
        >>> x = minigrad.tensor(2.0, requires_grad=True)
        >>> for step in teach.backward_steps(x * x):
        ...     print(step)
        1. Mul: z = x · y;  dx = g · y,  dy = g · x
           z [] from x [], y []
           g = 1
           dx = 2 -> x
           dy = 2 -> x  (added to what waits there: 2 + 2 = 4)
        2. AccumulateGrad: x.grad = 4
    """
    array(loss, "loss", "backward_steps")
    walk = steps.backward_steps(loss, gradient, retain_graph, steps.variables() if names is None else names)
    return (DrawnStep(**{f.name: getattr(step, f.name) for f in fields(step)}) for step in walk)


class Graph(Explanation):
    """What `graph` found: boxes, a `tape.Box` for each leaf and each operator, the oldest first; arrows, a
    `tape.Arrow` for each input. `dot()` and `mermaid()` are the graph for these two programs."""

    def __init__(self, tape):
        self.boxes, self.arrows, self.complete = tape.boxes, tape.arrows, tape.complete
        self._into = tape.into  # box -> its arrows

    def text(self):
        lines = [self._line(box) for box in self.boxes if box.node is not None]
        if len(lines) > 60:
            lines[30:-30] = [f"… {len(lines) - 60} more …"]
        leaves = [f"{box.name} {list(box.shape)}{', constant' if box.kind == 'constant' else ''}{self._numbers(box)}"
                  for box in self.boxes if box.node is None]
        if len(leaves) > 30:
            leaves[15:-15] = [f"… {len(leaves) - 30} more …"]
        return "\n".join(["leaves", *(f"  {line}" for line in leaves), "operators", *(f"  {line}" for line in lines),
                          *([] if self.complete else [LET_GO])])

    def _line(self, box):
        inputs = ", ".join(f"{arrow.letter} = {arrow.source.name}" for arrow in self._into[box])
        return f"{box.title()} {list(box.shape)} of {inputs or 'constants'}{self._numbers(box)}"

    def _called(self, box):
        return box.name if box.node is None else box.title()

    def _numbers(self, box):
        return "".join(f"   {what} {steps.brief(x)}" for what, x in (("value", box.value), ("gradient", box.gradient))
                       if x is not None)  # fmt: skip

    def draw(self, figure):
        tape_drawing.draw(figure, self.boxes, self.arrows, "" if self.complete else LET_GO)

    def dot(self):
        """The graph in the language of Graphviz."""
        number = {id(box): i for i, box in enumerate(self.boxes)}
        lines = ["digraph {", "  node [fontname=Helvetica]; edge [fontname=Helvetica, fontsize=10];"]
        for box in self.boxes:
            name = self._called(box).replace("\\", "\\\\").replace('"', '\\"')
            label = f"{name}\\n{list(box.shape)}"
            lines.append(f'  n{number[id(box)]} [label="{label}", shape={"ellipse" if box.node is None else "box"}];')
        for arrow in self.arrows:
            lines.append(f'  n{number[id(arrow.source)]} -> n{number[id(arrow.target)]} [label="{arrow.label()}"];')
        return "\n".join([*lines, "}"])

    def mermaid(self):
        """The graph in the language of Mermaid, which web pages and README files draw."""
        number = {id(box): i for i, box in enumerate(self.boxes)}
        lines = ["graph TD"]
        for box in self.boxes:
            label = f"{self._called(box)}<br>{list(box.shape)}".replace('"', "#quot;")
            left, right = ("([", "])") if box.node is None else ("[", "]")
            lines.append(f'  n{number[id(box)]}{left}"{label}"{right}')
        for arrow in self.arrows:
            lines.append(f'  n{number[id(arrow.source)]} -->|"{arrow.label()}"| n{number[id(arrow.target)]}')
        return "\n".join(lines)


LET_GO = ("Values and gradients are missing: backward() let go of them. Draw the graph before, or call "
          "backward(retain_graph=True).")  # fmt: skip


def graph(loss, gradient=None, names=None, model=None):
    """The operators behind `loss`, with their values and with the gradient on every arrow, as a picture and a text.

    loss: a followed Tensor. gradient: its own derivative, 1 for a single number; of the shape of `loss`. Without it
    a `loss` of several numbers is drawn without gradients. names: {"x": x, ...}; unless given, tensors are called
    by the variables that hold them where this is called. model: a Module whose parameters get their names:
    conv1.weight. No `.grad` changes, and the graph is kept. RuntimeError for a tensor without a history.

        >>> import minigrad
        >>> from minigrad import teach
        >>> x = minigrad.tensor(3.0, requires_grad=True)
        >>> teach.graph(x * x, names={"x": x})
        leaves
          x []   value 3   gradient 6
        operators
          Mul [] of x = x, y = x   value 9   gradient 1
    """
    array(loss, "loss", "graph")
    if loss.grad_fn is None:
        raise RuntimeError("graph(): argument 'loss' has no history: it was not computed from a tensor with "
                           "requires_grad=True, or argmax, a comparison, detach(), item() or no_grad ended it")
    if gradient is not None and gradient.shape != loss.shape:
        raise RuntimeError(f"graph(): argument 'gradient' must have the shape {list(loss.shape)} of 'loss', but it has "
                           f"{list(gradient.shape)}")
    found = steps.variables() if names is None and model is None else dict(names or {})
    if model is not None:
        found |= {name: p for name, p in model.named_parameters()}
    return Graph(Tape(loss, gradient if gradient is not None or math.prod(loss.shape) > 1 else None, found))
