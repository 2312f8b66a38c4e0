"""Receptive fields: which part of the input a unit of any layer sees, and how much each of it counts."""

import textwrap
from itertools import product

import numpy as np

from .. import arguments, drawing
from ..explanation import Explanation
from ..notation import each, table, times
from .runs import Run, with_batch

FORMULAE = """size' = size + (k - 1) d jump    jump' = s jump    start' = start - p jump
a unit i sees start + i jump to start + i jump + size - 1 (negative: padding)
Dumoulin and Visin, arXiv:1603.07285; Araujo, Norris and Sim, Distill 2019, doi:10.23915/distill.00021"""
SHOWN = 40  # rows of the text
AXES = {1: ("positions",), 2: ("rows", "columns"), 3: ("planes", "rows", "columns")}


class ReceptiveField(Explanation):
    """What `receptive_field` found; each attribute a tuple with an item for each axis.

    size, jump, start: of the layer; box: ((first, last), ...) of the unit `at`, inside of the input, both included
    (None if the unit sees nothing but padding); unclipped: the same with the padding (None off a regular grid);
    wrapped: (first, last) with first > last where the unit sees both ends of an axis and not its middle (circular
    padding), else None; layers: [Layer(name, kind, grid, size, jump, start), ...]; effective: the mean |dy/dx|, an
    array of the size of the input.
    """

    def __init__(self, layers, layer, at, box, unclipped, input_size, effective, wrapped=None):
        self.layers, self.layer, self.at, self.box, self.unclipped = layers, layer.name, at, box, unclipped
        self.grid, self.size, self.jump, self.start = layer[2:]
        self.input_size, self.effective = input_size, effective
        self.wrapped = wrapped or (None,) * len(input_size)

    def text(self):
        rows = [("layer", "operator", "output", "size", "jump", "start")]
        for name, kind, grid, *numbers in self.layers:
            rows.append(("" if name == kind else name, kind, times(grid) or "-",
                         *("-" if v is None else each(v) for v in numbers)))
        if len(rows) > SHOWN:
            rows[SHOWN // 2:-(SHOWN // 2)] = [(f"… {len(rows) - SHOWN} more",) + ("",) * 5]
        return "\n".join([f"receptive field of {self.unit()}: {self.sees()}", "", table(rows, right=(3, 4, 5)), "",
                          FORMULAE, *self._effective_text()])

    def unit(self):
        layer = f"layer {self.layer}" if self.layer.isdigit() else self.layer
        return layer if self.at is None else f"{layer}, unit ({', '.join(map(str, self.at))})"

    def sees(self):
        """The box in words."""
        if self.box is None:
            return "nothing but padding"
        names = AXES[len(self.box)]
        words = ", ".join(f"{name} {_said(parts)}" for name, parts in zip(names, self.parts()))
        if any(self.wrapped):
            return f"{words} (wraps round)"
        outside = self.unclipped is not None and self.unclipped != self.box
        more = ", ".join(f"{first} to {last}" for first, last in self.unclipped) if outside else ""
        whole = all(box == (0, n - 1) for box, n in zip(self.box, self.input_size))
        return ("the whole input, " if whole else "") + words + (f" (with padding {more})" if outside else "")

    def parts(self):
        """The box, as a list of one or two (first, last) for each axis: two where it wraps round."""
        return [[box] if around is None else [(around[0], n - 1), (0, around[1])]
                for box, around, n in zip(self.box, self.wrapped, self.input_size)]

    def _effective_text(self):
        if self.effective is None:
            return []
        total = self.effective.sum()
        if not total:
            return ["", "effective: |dy/dx| is 0 everywhere"]
        order = np.sort(self.effective, axis=None)[::-1]
        half = int(np.searchsorted(np.cumsum(order), 0.9 * total)) + 1
        area = int(np.prod([sum(last - first + 1 for first, last in parts) for parts in self.parts()]))
        return ["", f"effective: {half} of the {area} positions in the box hold 90 % of the mean |dy/dx| "
                    "(Luo et al., arXiv:1701.04128)"]

    # ---- the picture

    def draw(self, figure):
        figure.set_size_inches(10, max(4, min(8, 2 + 0.35 * len(self.layers))))
        left, right = figure.subplots(1, 2, width_ratios=(1, 1.1))
        self._draw_input(left)
        self._draw_layers(right)

    def _plane(self):
        """The last two axes of boxes and of the effective field; of three, the plane with the largest effect."""
        def flat(boxes):
            return None if boxes is None else ((0, 0), *boxes)[-2:]

        effective = self.effective
        if effective is not None and effective.ndim == 3:
            effective = effective[effective.sum((1, 2)).argmax()]
        if effective is not None:
            effective = np.atleast_2d(effective)
        return flat(self.box), flat(self.unclipped), (1, *self.input_size)[-2:], effective

    def _draw_input(self, axes):
        box, unclipped, (rows, columns), effective = self._plane()
        drawing.frame(axes, 0, 0, drawing.FAINT, rows, columns, facecolor="#eeeeee", fill=effective is None, zorder=2)
        if effective is not None:
            image = axes.imshow(effective / (effective.max() or 1), cmap="Blues", vmin=0, vmax=1, zorder=1)
            axes.figure.colorbar(image, ax=axes, shrink=0.7, label="mean |dy/dx|, largest = 1")
        meanings = {"the input": drawing.FAINT}
        if box is not None:
            for (top, bottom), (first, last) in product(*[[(0, 0)], *self.parts()][-2:]):
                drawing.frame(axes, top, first, drawing.RED, bottom - top + 1, last - first + 1)
            meanings["what the unit sees"] = drawing.RED
        if unclipped is not None and unclipped != box:
            (top, bottom), (first, last) = unclipped
            drawing.frame(axes, top, first, drawing.BLUE, bottom - top + 1, last - first + 1, linestyle="--", zorder=4)
            meanings["with padding (dashed)"] = drawing.BLUE
        (top, bottom), (first, last) = whole = _limits(box, unclipped, (rows, columns))
        axes.set(xlim=(first - 1, last + 1), ylim=(bottom + 1, top - 1), aspect="equal" if rows > 1 else "auto",
                 xlabel="column" if rows > 1 else "position", ylabel="row" if rows > 1 else "")
        if rows == 1:
            axes.set_yticks([])
        title = f"{self.unit()}\n{textwrap.fill(self.sees(), 46)}"
        if len(self.input_size) == 3:
            title += "\n(one plane of the input)"
        if any(a > 0 or z < n - 1 for (a, z), n in zip(whole, (rows, columns))):
            title += f"\n(a part of the input of {times(self.input_size)})"
        axes.set_title(title, fontsize=9)
        drawing.legend(axes, meanings, loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=1)

    def _draw_layers(self, axes):
        """How the field of the middle unit grows from layer to layer, along the last axis."""
        left_out = len(self.layers) > 24
        shown = [*self.layers[:12], None, *self.layers[-12:]] if left_out else self.layers
        for y, (_, _, grid, size, jump, start) in [(y, layer) for y, layer in enumerate(shown) if layer]:
            first = 0 if jump is None else start[-1] + (grid[-1] // 2) * jump[-1]
            axes.barh(y, size[-1], left=first - 0.5, height=0.6, color=drawing.SKY, edgecolor=drawing.BLUE)
            inside = size[-1] > 0.05 * self.input_size[-1]
            axes.annotate(str(size[-1]), (first + size[-1] / (2 if inside else 1) - 0.5, y), (0 if inside else 3, 0),
                          textcoords="offset points", ha="center" if inside else "left", va="center", fontsize=8)
        for edge in (-0.5, self.input_size[-1] - 0.5):
            axes.axvline(edge, color=drawing.INK, linewidth=1, linestyle=":")
        names = ["…" if layer is None else layer.kind if layer.name == layer.kind else f"{layer.name} {layer.kind}"
                 for layer in shown]
        axes.set_yticks(range(len(shown)), names, fontsize=8)
        axes.locator_params(axis="x", integer=True)
        axes.invert_yaxis()
        axes.set_xlabel(f"input {AXES[len(self.input_size)][-1][:-1]} (dotted: the edges)", fontsize=8)
        axes.set_title("what a unit in the middle of each layer sees" + (
            "" if not left_out else f"\n(the first and last 12 of {len(self.layers)} layers)"), fontsize=9)


def _said(parts):
    """(first, last) in words: 2 to 5, or where it wraps round 8 and 0 to 1."""
    if len(parts) == 1:
        return "{} to {}".format(*parts[0])
    return " and ".join(str(first) if first == last else f"{first} to {last}" for first, last in parts)


def _limits(box, unclipped, size):
    """(first, last) of what to show of each axis: all, or the neighbourhood of a small window in a large input."""
    limits = []
    for axis, n in enumerate(size):
        (a, z), (c, e) = [b[axis] if b else (0, n - 1) for b in (box, unclipped or box)]
        near = n > 64 and z - a < n / 10
        first, last = min(0, c), max(n - 1, e)
        limits.append((max(first, a - 5 - (z - a)), min(last, z + 5 + (z - a))) if near else (first, last))
    return limits


def receptive_field(model, input_size, layer=None, at=None, effective=False):
    """Which part of the input one unit of a layer sees: size, jump and start of every layer, and the unit's box.

    model: a Module, or any function of a tensor made of minigrad's operators: it is run once, in evaluation mode,
    and its tape is read, so that functional calls, branches (their union) and dilation count. input_size: the
    shape of its input, (N, C, *size), or (C, *size), to which a batch of 1 is added. layer: the name of a module
    in `model` ("conv2", or 2 in a Sequential), or the module; the model's output unless given. at: the unit's
    position in the layer's output, an int for each size; the middle unless given. effective: also the mean of
    |dy/dx| over 8 random inputs.

        size' = size + (k - 1) d jump        jump' = s jump        start' = start - p jump

    Unit i sees start + i jump to start + i jump + size - 1. Linear layers, means over positions and operators that
    are not known here see all that their input sees.
    Sources: Dumoulin and Visin, arXiv:1603.07285; Araujo, Norris and Sim, Distill 2019,
    doi:10.23915/distill.00021; the effective field: Luo et al., arXiv:1701.04128.
    TypeError and ValueError for a wrong input_size or layer, IndexError for `at` outside of the output.

    >>> from minigrad import nn, teach
    >>> net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Conv2d(4, 4, 3), nn.MaxPool2d(2))
    >>> field = teach.receptive_field(net, (1, 1, 12, 12), at=(0, 3))
    >>> field.size, field.jump, field.start, field.box
    ((6, 6), (2, 2), (0, 0), ((0, 5), (6, 11)))
    """
    if not callable(model):
        raise TypeError("receptive_field(): argument 'model' must be a Module or a function, not "
                        f"{type(model).__name__}: the order is receptive_field(model, input_size)")
    input_size = with_batch(model, _checked_size(input_size))
    run = Run(model, input_size)
    name, value = run.value(layer)
    node = run.nodes[next(key for key, y in run.outputs.items() if y is value)]
    seen = run.fields[node]
    row = run.row(name, seen, value)
    rows = run.layers(node.sequence)
    place = _place(row, at)
    box, unclipped, wrapped = _box(seen, row, place), None, None
    if row.jump is not None:
        unclipped = tuple([line.at(i) for line, i in zip(seen.lines, place)])
    if run.wraps and box is not None:
        wrapped = _wrapped(box, _box(run.turned(value), row, place), run.size)
    found = _effective(model, run, layer, place) if effective else None
    return ReceptiveField(rows, row, place, box, unclipped, run.size, found, wrapped)


def _checked_size(input_size):
    if not isinstance(input_size, tuple | list) or any(type(n) is not int for n in input_size):
        shown = repr(input_size) if isinstance(input_size, int | float | tuple | list) else type(input_size).__name__
        raise TypeError("receptive_field(): argument 'input_size' must be a tuple of ints, the shape of the input, say "
                        f"(1, 3, 32, 32), not {shown}")
    if not 1 <= len(input_size) <= 5 or min(input_size) < 1:
        raise ValueError(f"receptive_field(): input_size={tuple(input_size)} must be (N, C, *size) or (C, *size) with "
                         "1 to 3 sizes, all of them positive")
    return tuple(input_size)


def _place(row, at):
    """The position of a unit, the middle one for None; None if there are no positions."""
    if not row.grid:
        if at is not None:
            raise ValueError(f"receptive_field(): {row.name} has no positions left, so that `at` cannot choose one: "
                             "leave it out")
        return None
    at = tuple([n // 2 for n in row.grid]) if at is None else (at,) if type(at) is int else at
    return arguments.position(at, row.grid, "receptive_field")


def _box(field, row, place):
    """The box of a unit; channels see what any of them sees."""
    cells = (slice(None),) if place is None else (..., *place)
    box = []
    for low, high in zip(field.low, field.high):
        full = np.broadcast_shapes(low.shape, high.shape)
        if row.grid:
            full = (*full[: len(full) - len(row.grid)], *row.grid)
        box.append((int(np.broadcast_to(low, full)[cells].min()), int(np.broadcast_to(high, full)[cells].max())))
    return None if any(first > last for first, last in box) else tuple(box)


def _wrapped(box, turned, size):
    """For each axis (first, last) of what wraps round the end, None of what does not.

    turned: the box where positions count from the middle of the input: in it, what wraps round is in one piece.
    """
    return tuple([((a + n // 2) % n, (z + n // 2) % n) if z - a < last - first else None
                  for (first, last), (a, z), n in zip(box, turned, size)])


def _effective(model, run, layer, place):
    """The mean over random inputs and channels of |dy/dx|, y being the sum of the unit's channels."""
    shape = (8, *run.x.shape[1:]) if run.x.ndim == run.dims + 2 else tuple(run.x.shape)
    again = Run(model, shape, np.random.default_rng(0).standard_normal(shape))
    y = again.value(layer)[1]
    unit = y if place is None else y[(..., *place)]
    unit.sum().backward(inputs=[again.x])
    size = np.abs(again.x.grad.numpy().astype(np.float64))
    return size.mean(axis=tuple(range(size.ndim - run.dims)))
