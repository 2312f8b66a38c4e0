"""Grids of numbers and their colours, on matplotlib (the extra `examples`).

The colours are those of Okabe and Ito, "Color Universal Design" (2008): they can be told apart with
every kind of colour vision. A number is never shown by its colour alone.
"""

import numpy as np

from .notation import number

BLUE, ORANGE, GREEN, RED, PURPLE, SKY, YELLOW = (
    "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#F0E442")  # fmt: skip
INK, FAINT, PAPER = "#1a1a1a", "#c8c8c8", "#ffffff"
DIVERGING = "RdBu_r"  # white is zero, red is positive


def new_figure(width=6.0, height=4.0):
    """An empty Figure, bound to no window."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise ImportError("pictures need matplotlib: python -m pip install matplotlib "
                          "(or minigrad with its extra: 'minigrad[examples]')") from None
    return Figure(figsize=(width, height), layout="constrained")


def grid(axes, values, title="", *, texts=None, limit=None, marked=None, ghost=None, size=None,
         names=("row", "column")):
    """A matrix as cells that show their numbers, coloured by value around zero.

    axes: of matplotlib. values (rows, columns). texts: what to write in place of the numbers, of the same
    shape ("" for nothing; [] for a grid of colours alone). limit: the absolute value of the darkest colour.
    marked: {(row, column): colour} draws frames. ghost: a boolean mask of cells that are not really there
    (padding): hatched and grey. size: the points of the letters; without it they fit the cells of the figure,
    whose size should be set by then. names: of the two axes. Returns the image, for a colour bar.
    """
    values = np.asarray(values, dtype=float)
    rows, columns = values.shape
    finite = np.abs(values[np.isfinite(values)])
    limit = limit or (finite.max(initial=0) or 1)
    image = axes.imshow(values, cmap=DIVERGING, vmin=-limit, vmax=limit, aspect="equal")
    axes.set_title(title, fontsize=10)
    axes.set_xticks(np.arange(-0.5, columns), minor=True)
    axes.set_yticks(np.arange(-0.5, rows), minor=True)
    axes.grid(which="minor", color=FAINT, linewidth=0.6 if max(rows, columns) <= 16 else 0.2)
    axes.tick_params(which="both", length=0, labelsize=7, colors="#555555")
    for name, count in (("x", columns), ("y", rows)):
        step = 1 if count <= 16 else int(np.ceil(count / 8))
        getattr(axes, f"set_{name}ticks")(np.arange(0, count, step))
    axes.set_ylabel(names[0], fontsize=7, color="#555555")
    axes.set_xlabel(names[1], fontsize=7, color="#555555")
    if ghost is not None:
        from matplotlib.patches import Rectangle

        for i, j in np.argwhere(ghost):
            axes.add_patch(Rectangle((j - 0.5, i - 0.5), 1, 1, facecolor="#eeeeee", edgecolor=FAINT, hatch="///", lw=0))
    if texts is None and max(rows, columns) <= 16:
        texts = written(axes, values, limit)
    if texts is not None:
        size = size or max(3, fitting(axes, texts))
        for i, row in enumerate(texts):
            for j, text in enumerate(row):
                dark = 0.6 * limit < abs(values[i, j]) < np.inf and not (ghost is not None and ghost[i][j])
                axes.text(j, i, text, ha="center", va="center", fontsize=size, color=PAPER if dark else INK)
    for (i, j), colour in (marked or {}).items():
        frame(axes, i, j, colour)
    return image


def colour_bar(image, axes, *, location, **options):
    """The colours of a grid from its smallest to its largest value, and zero: no cell has those beyond."""
    bar = axes.figure.colorbar(image, ax=axes, location=location, **options)
    values = image.get_array().filled(0)
    low, high = min(0, values.min()), max(0, values.max())
    if low < high:
        (bar.ax.set_xlim if location == "bottom" else bar.ax.set_ylim)(low, high)
    return bar


def written(axes, values, limit):
    """The numbers of a grid, with fewer decimals where the cells are narrow; [] if they would be too small to read."""
    texts = [[number(v, 3) for v in row] for row in values]
    for digits in (3, 2):  # of the largest
        if fitting(axes, texts) < 4.5:
            texts = [[number(v, 3) for v in row]
                     for row in values.round(max(0, digits - 1 - int(np.floor(np.log10(limit)))))]
    return texts if fitting(axes, texts) >= 3 else []


def fitting(axes, texts):
    """The points of letters, at most 10, in which texts fit the cells of a grid."""
    longest = max((len(t) for row in texts for t in row), default=1)
    rows, columns = max(1, len(texts)), max(1, max(map(len, texts), default=1))
    (width, height), place = axes.figure.get_size_inches(), axes.get_position()
    cell = 72 * min(width * place.width / columns, height * place.height / rows)
    return min(10, 1.4 * cell / max(longest, 2))  # a letter is 0.6 of its size wide


def frame(axes, row, column, colour, height=1, width=1, **style):
    """A frame around cells of a grid. Returns the patch."""
    from matplotlib.patches import Rectangle

    style = {"fill": False, "linewidth": 2.5, "zorder": 5} | style
    return axes.add_patch(Rectangle((column - 0.5, row - 0.5), width, height, edgecolor=colour, **style))


def legend(axes, meanings, **options):
    """A legend of frames: {what it means: colour}."""
    from matplotlib.patches import Patch

    handles = [Patch(facecolor="none", edgecolor=colour, linewidth=2, label=text) for text, colour in meanings.items()]
    axes.legend(handles=handles, frameon=False, fontsize=8, **options)


def words(figure, text, size=9):
    """A text as the whole picture, in letters of one width; the figure becomes as large as it needs."""
    lines = text.split("\n")
    figure.set_size_inches(0.4 + size / 115 * max(map(len, lines)), 0.3 + size / 56 * len(lines))
    figure.text(0.5, 0.5, text, ha="center", va="center", multialignment="left", family="monospace", fontsize=size,
                color=INK, linespacing=1.25)
