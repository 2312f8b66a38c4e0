"""One number, and how it comes about: the sum written out, and drawn.

Y[0,0,1,1] = X[1,1]·K[0,0] + ...   = 4·0 + 5·1 + 7·2 + 8·3   = 43
head         symbols                 numbers                   value

A sign is "≈" instead of "=" where rounding to the digits that are shown changes what is written.
"""

import math
import textwrap

import numpy as np

from .. import drawing
from ..explanation import Explanation
from ..notation import factor, number

WIDTH = 120  # of a line of text


class Arithmetic(Explanation):
    """How one number comes about. `value` is the number, `equation` the sum, written out; `notes` are sentences.

    >>> import minigrad
    >>> from minigrad import teach
    >>> teach.explain(minigrad.add, minigrad.tensor([1.0, 2.0]), 4.0, at=(1,))
    Y[1] = A[1] + 4 = 2 + 4 = 6
    """

    def __init__(self, head, steps, value, notes=(), panels=(), left_out=""):
        """head: what the number is called; steps: [(sign, text), ...]; panels: rows of Panels, for the picture;
        left_out: a sentence on what the picture does not show."""
        self.head, self.steps, self.value = head, list(steps), float(value)
        self.notes, self.panels, self.left_out = list(notes), [list(row) for row in panels], left_out

    @property
    def equation(self):
        """In one line, or, if that is long, each step in a line of its own."""
        line = self.head + "".join(f" {sign} {text}" for sign, text in self.steps)
        if len(line) <= WIDTH:
            return line
        return self.head + f"\n{' ' * len(self.head)}".join(f" {sign} {text}" for sign, text in self.steps)

    def text(self):
        return "\n".join([self.equation, *self.notes])

    def draw(self, figure):
        """Panels in rows and columns, each cell of one size, and the sum underneath: all in inches."""
        cell = max((p.cell for row in self.panels for p in row), default=0.4)
        heights = [max(p.values.shape[0] for p in row) * cell + 0.85 for row in self.panels]
        widths = [max(row[j].values.shape[1] for row in self.panels if j < len(row)) * cell + 0.7
                  for j in range(max(map(len, self.panels), default=0))]
        wide = max(sum(widths) + 0.2, 7.5)
        size = min(max(9, 1.2 * wide), 15)  # of the letters: a wide picture is shown smaller
        lines = self._caption(int(wide * 117 / size))
        high = sum(heights) + 0.02 * size * len(lines) + 0.1
        figure.set_layout_engine("none")
        figure.set_size_inches(wide, high)
        for i, row in enumerate(self.panels):
            for j, panel in enumerate(row):
                rows, columns = panel.values.shape
                left, top = sum(widths[:j]) + 0.6, high - sum(heights[:i]) - 0.35
                place = left / wide, (top - rows * cell) / high, columns * cell / wide, rows * cell / high
                panel.draw(figure.add_axes(place))
        figure.text(0.2 / wide, 0.1 / high, "\n".join(lines), fontsize=size, linespacing=1.4, va="bottom")

    def _caption(self, width):
        """The text in lines of at most so many characters."""
        line = self.equation.replace("\n" + " " * len(self.head), "")
        parts = [line]
        if len(line) > width:
            parts = [" ".join((self.head, *self.steps[0])), *(f"    {' '.join(step)}" for step in self.steps[1:])]
        meaning = "Red: positive, blue: negative, white: 0"
        if any(p.ghost is not None and p.ghost.any() for row in self.panels for p in row):
            meaning += ", hatched: padding"
        return [line for part in [*parts, *self.notes, self.left_out, f"{meaning}. Framed: what the sum is about."]
                for line in textwrap.wrap(part, width, subsequent_indent="    ")]


class Panel:
    """A matrix with some of its cells framed; of a large one the part around these cells."""

    def __init__(self, title, values, cells=(), colour=drawing.ORANGE, ghost=None, start=(0, 0)):
        """values: of up to 2 dimensions. cells: positions to frame. ghost: a mask, like values, of the padding.
        start: the position that the first row and column have in the tensor."""
        values = np.asarray(values, float)
        self.names = {0: ("", ""), 1: ("", "position")}.get(values.ndim, ("row", "column"))
        lead = (0,) * (2 - values.ndim)
        cells, start = [lead + tuple(c) for c in cells], lead + tuple(start)[:values.ndim]
        values = values.reshape((1,) * len(lead) + values.shape)
        ghost = None if ghost is None else np.asarray(ghost).reshape(values.shape)
        windows = [_around([c[d] for c in cells] or [0], n) for d, n in enumerate(values.shape)]
        part = tuple(slice(*w) for w in windows)
        self.cropped = values[part].shape != values.shape
        self.title = f"{title}, a part" if self.cropped else title
        self.values, self.ghost = values[part], None if ghost is None else ghost[part]
        self.texts = [[_in_a_cell(v) for v in row] for row in self.values]
        longest = max((len(t) for row in self.texts for t in row), default=1)
        self.letters, self.cell = 10 if longest < 5 else 8, max(0.4, 0.072 * longest + 0.08)  # points, inches
        self.start = [s + w[0] for s, w in zip(start, windows)]
        self.marked = {tuple(i - w[0] for i, w in zip(c, windows)): colour for c in cells
                       if all(w[0] <= i < w[1] for i, w in zip(c, windows))}
        if len(self.marked) < len(set(cells)):
            self.title += " of the frame"

    def draw(self, axes):
        drawing.grid(axes, self.values, self.title, texts=self.texts, ghost=self.ghost, names=self.names,
                     size=self.letters)
        for (row, column), (height, width), colour in _frames(self.marked):
            drawing.frame(axes, row, column, colour, height, width, clip_on=False)
        for axis, first, n in zip((axes.yaxis, axes.xaxis), self.start, self.values.shape):
            shown = range(0, n, 1 if n <= 6 else 2)
            axis.set_ticks(shown, [str(first + i) for i in shown])
        if not self.names[0]:
            axes.set_yticks([])
        if not self.names[1]:
            axes.set_xticks([])


def _frames(marked):
    """(first cell, size, colour) of each frame: one around cells that fill a rectangle, with those of another colour
    inside it; else one around each."""
    cells, colours = list(marked), list(marked.values())
    if not cells:
        return []
    first = tuple(map(min, zip(*cells)))
    size = tuple(1 + b - a for a, b in zip(first, map(max, zip(*cells))))
    usual = max(colours, key=colours.count)
    whole = math.prod(size) == len(cells)
    around = [(first, size, usual)] if whole else []
    return around + [(cell, (1, 1), colour) for cell, colour in marked.items() if not whole or colour != usual]


def _in_a_cell(value):
    """A number in three digits, or four and five before the point."""
    return f"{value:.0f}" if 1e3 <= abs(value) < 1e5 else number(value, 3)


def _around(marked, n):
    """(first, end) of what is drawn of n rows, the marked ones in the middle."""
    if n <= 10:
        return 0, n
    span = max(marked) - min(marked) + 1
    most = max(6, span + 2) if span <= 8 else 6  # of a window too large to read its corner
    first = max(min(min(marked) - max(most - span, 0) // 2, n - most), 0)
    return first, first + most


def elided(parts, separator=" + ", most=12):
    """The parts joined; of a long list the ends, and how many there are between."""
    parts = list(parts)
    if len(parts) > most:
        parts = [*parts[:4], f"… {len(parts) - 6} more …", *parts[-2:]]
    return separator.join(parts)


def written(value):
    """The number as it is read off the page."""
    return float(number(value))


def sign(shown, value, scale=None):
    """"=" if two numbers are the same but for float rounding, else "≈"."""
    shown, value = float(shown), float(value)
    if shown == value or math.isnan(shown) and math.isnan(value):
        return "="
    return "=" if abs(shown - value) <= 1e-6 * max(abs(shown), abs(value), scale or 0) else "≈"


def signs(values):
    """"≈" if any of the numbers is rounded where it is written."""
    return "=" if all(sign(written(v), v) == "=" for v in values) else "≈"


def sum_of_products(terms, value):
    """The steps of a sum. terms: a list of products, each a list of factors (symbol, number); value: what it is.

    ArithmeticError if the terms do not add up to the value: then the explanation would be wrong.
    """
    if not terms:
        return [("=", number(value))]
    total = sum(math.prod(float(v) for _, v in term) for term in terms)
    scale = sum(math.prod(abs(float(v)) for _, v in term) for term in terms)
    if math.isfinite(total) and math.isfinite(value) and abs(total - value) > 1e-4 * scale + 1e-30:
        raise ArithmeticError(f"the terms add up to {total}, but the result is {value}")
    symbols = elided("·".join(symbol for symbol, _ in term) for term in terms)
    numbers = elided("·".join(factor(v) for _, v in term) for term in terms)
    if len(terms) == len(terms[0]) == 1:
        numbers = number(value)
    on_paper = sum(math.prod(written(v) for _, v in term) for term in terms)
    steps = [("=", symbols), (signs(v for term in terms for _, v in term), numbers)]
    if numbers != number(value):  # a single number needs no second line
        steps.append((sign(on_paper, written(value), 1e-3 * scale), number(value)))
    return steps
