"""Equivariance, measured: is the output of a shifted input the shifted output?"""

import math
import textwrap
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from ...nn import Linear, Module
from ...ops.matmul import Addmm, Mm
from .. import arguments, drawing
from ..explanation import Explanation
from ..notation import each, number, times
from . import fields
from .runs import Run, windows

SHOWN = 8  # rows and columns of a picture, at most


class Equivariance(Explanation):
    """What `equivariance` measured.

    difference: |f(shift x) - shift f(x)|, an array of f's shape; border: of its cells (True at those whose window
    leaves the image or sees what was shifted in); error, border_error: the largest difference inside and at the
    border (None where there is no such cell); jump: how many input cells lie between two output cells, for each
    axis; steps: by how many cells the output was shifted; holds: whether error is 0 up to rounding.
    """

    def __init__(self, arrays, border, shift, steps, jump, circular, kind, name):
        self.x, self.shifted_x, self.of_shifted, self.shifted_output = arrays
        self.border, self.shift, self.steps, self.jump = border, shift, steps, jump
        self.circular, self.kind, self.name = circular, kind, name
        self.difference = np.abs(self.of_shifted - self.shifted_output)
        per_cell = self.difference.max(axis=(0, 1)) if border.ndim else self.difference.max()
        self.error, self.border_error = (_largest(per_cell[mask]) for mask in (~border, border))
        scale = max(np.abs(self.shifted_output).max(initial=0), np.abs(self.of_shifted).max(initial=0))
        self.tolerance = float(scale * 16 * np.finfo(self.of_shifted.dtype).eps)
        self.holds = self.error is not None and self.error <= self.tolerance
        self.next = None  # the same for a shift that is a multiple of jump, if this one is not
        self.why = ""  # what each cell sees, if that is why it fails

    # ---- in words

    def text(self):
        way = "circular shift" if self.circular else "shift"
        shapes = f"input {times(self.x.shape)} -> output {times(self.of_shifted.shape)}"
        lines = [f"{self.name}, {way} {self.shift}, {shapes}"]
        if self.kind == "no grid":
            lines.append(f"max |f(shift x) - f(x)| = {number(self.error)}")
        else:
            lines.append(f"jump {each(self.jump)}: the output is shifted by {self.steps} cells")
            places = ("interior", self.error, ~self.border), ("border", self.border_error, self.border)
            for place, error, cells in places:
                worst = "nothing to compare" if error is None else f"max |f(shift x) - shift f(x)| = {number(error)}"
                number_of, unit = _cells(np.count_nonzero(cells)).split()
                lines.append(f"  {place:8}  {number_of:>6} {unit:5}   {worst}")
        return "\n".join([*lines, self.verdict()])

    def verdict(self):
        """The result in words."""
        if self.kind == "no grid":
            return ("invariant: the output does not change, up to rounding" if self.holds else
                    f"not invariant: the output has no positions, and changes by up to {number(self.error)}")
        if self.next is not None and not self.why:
            other = self.next
            after = f"a shift by {other.shift} differs by {number(other.error)}" if other.error is not None else (
                f"a shift by {other.shift} leaves no interior to compare")
            result = "equal here by chance" if self.holds else "not equivariant"
            return (f"{result}: shift {self.shift} is no multiple of the jump {each(self.jump)}, so that other cells "
                    f"are sampled (aliasing); {after}")
        if self.error is None:
            return ("no cell is inside: every window leaves the image or sees what was shifted in; "
                    f"anywhere the largest difference is {number(self.border_error)}")
        if not self.holds:
            inside = self.difference.max(axis=(0, 1))[~self.border]
            where = f"at {np.count_nonzero(inside > self.tolerance)} of {_cells(inside.size)}"
            return f"not equivariant, differs by up to {number(self.error)} {where}{self.why}"
        if self.border_error is not None and self.border_error > self.tolerance:
            why = "circular shift, but not a circular padding" if self.circular else "padding, and what was shifted in"
            return f"equivariant, but for the border ({why})"
        return "equivariant: a shift of the input is a shift of the output"

    # ---- the picture

    def draw(self, figure):
        on_grid = self.border.ndim > 0
        planes, of_x = self._worst_plane()
        worst = planes(self.difference.max(axis=(0, 1))) if on_grid else self.difference.reshape(1, -1)
        at = [int(i) for i in np.unravel_index(np.argmax(worst), worst.shape)]
        scale = (1, *self.jump)[-2:] if on_grid else (1, 1)
        names = ("row", "column") if len(self.shift) > 1 else ("", "position")
        outputs = names if on_grid else ("", "output")
        x = [of_x(a[0, 0]) for a in (self.x, self.shifted_x)]
        y = [planes(a[0, 0]) if on_grid else a.reshape(1, -1) for a in (self.of_shifted, self.shifted_output)]
        limit = max(np.abs(a).max(initial=0) for a in y) or 1
        heights = [max(2.2, min(4.4, 1.2 + 3 * min(len(a), SHOWN) / min(a.shape[1], SHOWN))) for a in (x[0], worst)]
        figure.set_size_inches(11, sum(heights))
        axes = figure.subplots(2, 3, height_ratios=heights)
        for column, (array, title) in enumerate(zip(x, ("x", f"shift x by {self.shift}"))):
            _draw(axes[0, column], array, title + of_x.title, [int(i * s) for i, s in zip(at, scale)], names)
        second = f"shift f(x) by {self.steps}" if on_grid else "f(x)"
        for column, (array, title) in enumerate(zip(y, ("f(shift x)", second))):
            _draw(axes[1, column], array, title + planes.title, at, outputs, limit=limit)
        border = planes(self.border) if on_grid else None
        several = ", largest of all channels" if on_grid and self.difference.shape[:2] != (1, 1) else ""
        _draw(axes[1, 2], worst, f"|difference|{several}{planes.title}", at, outputs, border)
        axes[0, 2].set_axis_off()
        result = axes[0, 2].text(0, 1, textwrap.fill(self.verdict(), 38), va="top", fontsize=12,
                                 transform=axes[0, 2].transAxes)
        measured = self.text().removesuffix(self.verdict())
        axes[0, 2].annotate(_wrapped(measured), (0, 0), (0, -10), result, "offset points", va="top", fontsize=10)
        if border is not None and border.any():
            drawing.legend(axes[0, 2], {"border cell (frame)": drawing.ORANGE}, loc="lower left")
        figure.supxlabel("red: positive, blue: negative, white: 0; darker: larger", fontsize=8)

    def _worst_plane(self):
        """A Plane of the output, where the difference is largest, and the one of x that lies there."""
        if len(self.shift) < 3:
            return Plane(), Plane()
        if not self.border.ndim:
            return Plane(), Plane(self.x.shape[2] // 2)
        worst = int(np.unravel_index(self.difference.max(axis=(0, 1)).argmax(), self.border.shape)[0])
        return Plane(worst), Plane(min(int(worst * self.jump[0]), self.x.shape[2] - 1))


class Plane(NamedTuple):
    """Takes a matrix out of an array with a number for each position: of three dimensions this plane."""

    number: int | None = None

    def __call__(self, a):
        return np.atleast_2d(a if self.number is None else a[self.number])

    @property
    def title(self):
        return "" if self.number is None else f", plane {self.number}"


def _draw(axes, values, title, around, names, border=None, limit=None):
    """A grid, cropped around a cell if it is large."""
    rows, columns = (_crop(n, i) for n, i in zip(values.shape, around))
    shown = values[rows, columns]
    if shown.shape != values.shape:
        above = f"rows {rows.start} to {rows.stop - 1}, " if len(values) > 1 else ""
        title += f"\n(of {times(values.shape)} {above}columns {columns.start} to {columns.stop - 1})"
    framed = () if border is None else np.argwhere(border[rows, columns])
    marked = {(int(i), int(j)): drawing.ORANGE for i, j in framed}
    drawing.grid(axes, shown, title, limit=limit, marked=marked, names=names)
    for axis, part in ((axes.yaxis, rows), (axes.xaxis, columns)):
        axis.set_ticks(range(part.stop - part.start), [str(i) for i in range(part.start, part.stop)])
    if len(values) == 1:
        axes.set_yticks([])


def _crop(n, i):
    start = max(0, min(int(i) - SHOWN // 2, n - SHOWN))
    return slice(start, min(n, start + SHOWN))


def _wrapped(text, width=46):
    """Lines that fit beside the pictures; a formula begins a line of its own and stays whole."""
    text = text.replace(", input", ",\n    input").replace("   max |", "\n    max |")
    return "\n".join(textwrap.fill(line, width, subsequent_indent="    ") for line in text.splitlines())


def _cells(n):
    return "1 cell" if n == 1 else f"{n} cells"


def _largest(values):
    return float(values.max()) if values.size else None


# ---- the measurement


def equivariance(layer, x, shift=1, circular=False):
    """Shift the input, and compare: how far is f(shift x) from shift f(x)?

    layer: a Module (it is run in evaluation mode), or a function of a tensor; an nn.Linear whose inputs are all
    elements of x gets them flattened. x: (N, C, *size) or (C, *size), floating point. shift: by how many cells to move
    the content along each size, to larger positions if positive; an int for the last one. Zeros follow, or with
    `circular` what left at the other end. Where the layer has a stride or pools, jump input cells (read off the
    tape, see `receptive_field`) are one output cell: a shift by a multiple of jump can be exact; another is compared
    with the output shifted by the whole cells in it, and shows aliasing. Cells whose window leaves the image, or sees
    what was shifted in, are the border and are judged apart. An output without positions, such as scores of classes,
    is compared unshifted: invariance.
    TypeError for a layer, x or shift of a wrong kind; ValueError for a shift that does not go with x, and for an x or
    an output that is not finite.

    >>> import minigrad
    >>> from minigrad import nn, teach
    >>> x, conv = minigrad.rand(1, 1, 6, 6), nn.Conv2d(1, 1, 3, padding=1)
    >>> measured = teach.equivariance(conv, x, shift=(0, 1))
    >>> measured.holds, int(measured.border.sum())
    (True, 18)
    >>> teach.equivariance(nn.Linear(36, 36), x, shift=(0, 1)).holds
    False
    """
    array, shift = _checked(layer, x, shift)
    found = _measure(layer, array, shift, circular)
    if found.jump is not None and any(s % j for s, j in zip(shift, found.jump)):
        larger = tuple([int(math.copysign(math.ceil(abs(Fraction(s) / j)) * j, s)) for s, j in zip(shift, found.jump)])
        if all(abs(s) < n for s, n in zip(larger, array.shape[2:])):
            found.next = _measure(layer, array, larger, circular)
    return found


def _checked(layer, x, shift):
    if not callable(layer):
        raise TypeError("equivariance(): argument 'layer' must be a Module or a function, not "
                        f"{type(layer).__name__}: the order is equivariance(layer, x)")
    array = arguments.array(x, "x", "equivariance")
    if array.dtype.kind != "f":
        raise TypeError(f"equivariance(): argument 'x' must be floating point, not {array.dtype}: use x.float()")
    if not array.size or not np.isfinite(array).all():
        found = f"has shape {list(array.shape)}" if not array.size else "holds nan or inf, which cannot be compared"
        raise ValueError(f"equivariance(): argument 'x' must be of finite numbers, one or more, but it {found}")
    shift = _per_axis(shift, array, windows(layer) or _windows_of(layer, array))
    dims = len(shift)
    if any(abs(s) >= n for s, n in zip(shift, array.shape[-dims:])):
        raise ValueError(f"equivariance(): shift={shift} moves everything out of an image of size "
                         f"{list(array.shape[-dims:])}: take less than its size")
    return (array if array.ndim == dims + 2 else array[None]), shift


def _windows_of(function, array):
    """In how many dimensions the windows slide that a function has, if it takes x as it is."""
    try:
        return None if isinstance(function, Module) else Run(function, array.shape, array).windows
    except (RuntimeError, ValueError, IndexError):
        return None  # without its batch, say


def _per_axis(shift, array, windows):
    """`shift` as a tuple with an int for each size of x: as many as the layer's windows have, if it has any."""
    alone = not isinstance(shift, tuple | list)
    numbers = (shift,) if alone else tuple(shift)
    if any(not hasattr(s, "__index__") or isinstance(s, bool) for s in numbers) or not 1 <= len(numbers) <= 3:
        raise TypeError("equivariance(): argument 'shift' must be an int or a tuple of 1 to 3 ints, by how many cells "
                        f"to move along each axis, not {shift!r}")
    usual = windows or {2: 1, 3: 2, 5: 3}.get(array.ndim, 2)  # three numbers are an image without its batch
    dims = usual if alone else len(numbers)
    numbers = tuple([s.__index__() for s in (*(0,) * (dims - len(numbers)), *numbers)])
    if windows and dims != windows:
        raise ValueError(f"equivariance(): shift={numbers} is for {dims}-D, but the windows of the layer are "
                         f"{windows}-D (x has shape {list(array.shape)}): write shift={(0,) * (windows - 1) + (1,)}")
    if array.ndim not in (dims + 1, dims + 2):
        advice = f": write shift={(0,) * (usual - 1) + (1,)}" if array.ndim in (usual + 1, usual + 2) else ""
        raise ValueError(f"equivariance(): shift={numbers} is for {dims}-D: x must be (N, C, *size) or "
                         f"(C, *size) with {dims} {'size' if dims == 1 else 'sizes'}, but it has shape "
                         f"{list(array.shape)}{advice}")
    return numbers


def _measure(layer, array, shift, circular):
    dims, size = len(shift), array.shape[2:]
    flat = isinstance(layer, Linear) and layer.in_features == math.prod(array.shape[1:])
    function = (lambda x: layer(x.flatten(1))) if flat else layer
    shifted = moved(array, shift, circular)
    run = Run(layer if not flat else function, array.shape, array, dims)
    before, after = (r.output() for r in (run, Run(function, array.shape, shifted, dims)))
    field = run.fields.get(before.grad_fn)
    y, of_shifted = (_as_grid(v.detach().numpy(), size) for v in (before, after))
    name = type(layer).__name__ if hasattr(layer, "forward") else getattr(layer, "__name__", "f")
    for what, output in (("x", y), ("shift x", of_shifted)):
        if not output.size or not np.isfinite(output).all():
            found = "is empty" if not output.size else "holds nan or inf"
            raise ValueError(f"equivariance(): {name} of {what} {found}, which cannot be compared")
    if y.ndim != dims + 2:
        arrays = (array, shifted, of_shifted, y)
        return Equivariance(arrays, np.zeros((), bool), shift, None, None, circular, "no grid", name)
    lines = field.lines if field is not None and before.ndim == dims + 2 else (None,) * dims
    jump = tuple([Fraction(n, o) if line is None else Fraction(line.jump)
                  for line, n, o in zip(lines, size, y.shape[2:])])
    steps = tuple([int(s / j) for s, j in zip(shift, jump)])
    whole = [line is None and (field is None or _same(field.low[a]) and _same(field.high[a]))
             for a, line in enumerate(lines)]
    border = _border(field, lines, size, y.shape[2:], shift, steps, circular, whole)
    arrays = (array, shifted, of_shifted, moved(y, steps, circular))
    measured = Equivariance(arrays, border, shift, steps, jump, circular, "windows", name)
    if field is not None and not measured.holds:
        seen = [low.max() <= 0 and high.min() >= n - 1 for low, high, n in zip(field.low, field.high, size)]
        if any(w and s for w, s in zip(seen, shift)):
            measured.why = f": every output cell sees {_what(seen)}" + _because(layer, array, measured, before)
    return measured


def _what(seen):
    """What a cell sees that sees everything along these axes."""
    if all(seen):
        return "the whole input"
    names = ("depth", "column", "row")[-len(seen):]  # along the first, the second, the last axis
    return "its whole " + " and ".join([name for name, all_of_it in zip(names, seen) if all_of_it])


def _because(layer, array, measured, y):
    """Whether it is the weights, or only that something leaves the image: with `circular` nothing does."""
    around = measured if measured.circular else _measure(layer, array, measured.shift, True)
    if around.error is not None and measured.error and around.error < 1e-3 * measured.error:
        return ", so that what was shifted in and out counts"
    return ", with weights of its own" if any(isinstance(n, Addmm | Mm) for n in fields.behind([y])) else ""


def _same(a):
    return a.min() == a.max()


def moved(array, shift, circular):
    """The content of the last dimensions moved; zeros follow, or what left at the other end."""
    axes = range(array.ndim - len(shift), array.ndim)
    array = np.roll(array, shift, tuple(axes))
    if not circular:
        for axis, s in zip(axes, shift):
            index = [slice(None)] * array.ndim
            index[axis] = slice(0, s) if s >= 0 else slice(s, None)
            array[tuple(index)] = 0
    return array


def _as_grid(y, size):
    """Flat outputs, as many as positions (or a multiple: channels), as a grid of them."""
    if y.ndim == 2 and y.shape[1] and y.shape[1] % math.prod(size) == 0:
        return y.reshape(len(y), -1, *size)
    return y


def _border(field, lines, size, grid, shift, steps, circular, whole):
    """True at the cells of the output that need not agree. Along an axis that is not shifted both see the same."""
    border = np.zeros(grid, bool)
    for a, (n, o, s, m) in enumerate(zip(size, grid, shift, steps)):
        if not s:
            continue
        places = np.arange(o)
        partner = places - m  # whose output should stand here
        outside = (partner < 0) | (partner >= o)
        if circular and n * m == o * s:  # as many cells as fit around: the other end is the next cell
            partner, outside = partner % o, np.zeros(o, bool)
        if lines[a] is not None:
            for i in (places, partner):
                first, last = lines[a].at(i)
                outside = outside | (first < 0) | (last >= n)
        elif not whole[a]:  # no regular grid: away from the edge by more than the shift
            low, high = field.low[a].min((0, 1)), field.high[a].max((0, 1))
            border |= (low - max(s, 0) < 1) | (high - min(s, 0) > n - 2)
        shape = [1] * len(grid)
        shape[a] = o
        border |= outside.reshape(shape)
    return border
