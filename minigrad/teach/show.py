"""Matrices beside each other, with their numbers."""

import math

import numpy as np

from .. import tensor
from ..engine import Value
from . import drawing
from .explanation import Explanation


def show(*unnamed, **tensors):
    """Tensors, arrays or lists of numbers under their names, side by side: show(X=X, K=K).

    Each is (columns,), (rows, columns), or (..., rows, columns), which makes a matrix for each index of the axes in
    front (where these are all of size 1, one matrix). TypeError for what holds no numbers or has no name, ValueError
    for a tensor of no axes or of no elements.

    >>> import minigrad
    >>> from minigrad import teach
    >>> teach.show(K=minigrad.tensor([[1.0, -1.0]]))
    K, shape [1, 2]
    tensor([[ 1., -1.]])
    """
    if unnamed:
        raise TypeError("show(): each matrix needs a name, which becomes its title: write show(X=X)")
    tensors = {name: numbers(x, name) for name, x in tensors.items()}
    for name, x in tensors.items():
        if not x.shape or not x.numel():
            raise ValueError(f"show(): argument '{name}' must have at least one axis and one element, but its shape is "
                             f"{list(x.shape)}")
    return Matrices(tensors)


def numbers(x, name):
    """x as a tensor; TypeError unless it is one, or an array or lists of numbers."""
    if isinstance(x, Value):
        return x
    try:
        return tensor(x)
    except (TypeError, ValueError, RuntimeError):
        raise TypeError(f"show(): argument '{name}' must be Tensor, an array, or a list of numbers or of rows that are "
                        f"equally long, such as {name}=[[1, 2], [3, 4]], but got {x!r:.60}") from None


class Matrices(Explanation):
    """`tensors`: {name: tensor}. The text prints each with its shape; the picture has its own colours for each."""

    MOST = 12  # panels

    def __init__(self, tensors):
        self.tensors = {name: x.detach() for name, x in tensors.items()}

    def text(self):
        return "\n".join(f"{name}, shape {list(x.shape)}\n{x}" for name, x in self.tensors.items())

    def panels(self):
        """[(title, matrix)]."""
        found = []
        for name, x in self.tensors.items():
            values = np.atleast_2d(x.numpy())
            front = values.shape[:-2]
            for at in np.ndindex(front):
                found.append((name if math.prod(front) == 1 else f"{name}[{', '.join(map(str, at))}]", values[at]))
        return found

    def draw(self, figure):
        panels = self.panels()
        shown = panels[:self.MOST]
        if all(len(matrix) == 1 for _, matrix in shown):
            return self._draw_lists(figure, shown)
        rows = math.ceil(len(shown) / 4)
        columns = math.ceil(len(shown) / rows)
        widths = [max(2, min(16, m.shape[1])) for _, m in shown] if rows == 1 else [6] * columns
        inch = min(0.42, 13 / sum(widths))  # for a unit of width
        height = max(inch * widths[i % columns] * len(m) / m.shape[1] for i, (_, m) in enumerate(shown))
        large = any(max(m.shape) > 16 for _, m in shown)
        figure.set_size_inches(max(4, 1 + inch * sum(widths)), rows * (1 + min(5, height) + 0.5 * large))
        grid = list(figure.subplots(rows, columns, squeeze=False, width_ratios=widths).flat)
        for axes, (title, matrix) in zip(grid, shown):
            image = drawing.grid(axes, matrix, title)
            if not axes.texts:
                drawing.colour_bar(image, axes, location="bottom", label="value")
        for axes in grid[len(shown):]:
            axes.axis("off")
        if len(panels) > len(shown):
            figure.supxlabel(f"the first {len(shown)} of {len(panels)} matrices", fontsize=9)

    def _draw_lists(self, figure, panels):
        """One below the other, so that their columns can be compared."""
        longest = max(matrix.shape[1] for _, matrix in panels)
        figure.set_size_inches(max(4, min(14, 1 + 0.5 * longest)), 1.1 * len(panels) + 0.2)
        grid = list(figure.subplots(len(panels), 1, squeeze=False).flat)
        for axes, (title, matrix) in zip(grid, panels):
            image = drawing.grid(axes, matrix, title, names=("", "column" if axes is grid[-1] else ""))
            if not axes.texts:
                drawing.colour_bar(image, axes, location="right", label="value")
            axes.set_yticks([])
            axes.grid(visible=False, which="minor", axis="y")  # lines would run on where a list is shorter
            axes.set_xlim(-0.5, longest - 0.5)
            axes.spines[:].set_visible(False)
            drawing.frame(axes, 0, 0, drawing.INK, width=matrix.shape[1], linewidth=1, clip_on=False)
