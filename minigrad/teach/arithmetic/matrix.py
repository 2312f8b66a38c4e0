"""A convolution as the matrix that it is: Y = M X, of flattened X and Y.

Why it is a Toeplitz matrix: the kernel does not change as it slides. In one dimension row o + 1 holds the same weights
as row o, moved by one column (by the stride): every diagonal is constant. In two dimensions the matrix consists of
blocks, one for each pair of an output row and an input row; each block is such a matrix of one kernel row, and the
blocks repeat along the diagonals in the same way: doubly block Toeplitz. Each pair of channels has one of its own.

      k00 k01  .  | k10 k11  .  |  .   .   .
       .  k00 k01 |  .  k10 k11 |  .   .   .         a 2 x 2 kernel on a 3 x 3 input:
      ------------------------------------------     36 numbers, 16 of them weights,
       .   .   .  | k00 k01  .  | k10 k11  .         4 different ones
       .   .   .  |  .  k00 k01 |  .  k10 k11

A dense layer could hold any matrix; this one is sparse, and its weights are shared. Its transpose takes the gradient
of Y back to that of X. Source: Gray, "Toeplitz and circulant matrices: a review", 2006; Dumoulin and Visin,
arXiv:1603.07285, section 4.1.
"""

import math
from functools import cached_property

import numpy as np

from ...engine import Value
from ...nn import Module
from ...nn.conv import ConvNd
from ...ops.create import zeros
from .. import drawing
from ..explanation import Explanation
from ..notation import number
from .calls import find
from .convs import Convolution

LARGEST = 2**25  # numbers in a matrix
SHOWN, DRAWN = 18, 40  # rows and columns in text and in a picture


def matrix(target, *args, size=None, **kwargs):
    """The matrix M of a convolution: M @ x.flatten() is y.flatten(), without the bias.

    target: conv1d to 3d, convolve or conv_transpose, and its arguments, x (N, C, *size) or (C, *size) and the kernel
    first; of a batch the matrix is that of one image. Or a layer, and size=(C, *size) of its input. Returns a
    `ConvMatrix`. TypeError for another target or without a size, ValueError for a matrix of more than 2^25 numbers.

    >>> import minigrad
    >>> from minigrad import teach
    >>> from minigrad.nn import functional as F
    >>> x, k = minigrad.arange(4.0).reshape(1, 1, 4), minigrad.tensor([[[1.0, -1.0]]])
    >>> M = teach.matrix(F.conv1d, x, k)
    >>> M
    3 x 4: of 12 numbers 6 are weights, 2 different ones
    k0 k1  .  .
     . k0 k1  .
     .  . k0 k1
    >>> M @ x.flatten()
    array([-1., -1., -1.], dtype=float32)
    """
    if isinstance(target, ConvNd) and not args:
        if not isinstance(size, tuple | list) or len(size) != target.dims + 1:
            form = ("L", "H, W", "D, H, W")[target.dims - 1]
            raise TypeError(f"matrix(): of a {type(target).__name__} alone the size of the input must be given, "
                            f"size=(C, {form}), but got size={size!r}")
        args = (zeros(*size, dtype=target.weight.dtype),)
    elif size is not None and isinstance(target, Module) and not isinstance(target, ConvNd):
        raise _no_convolution(type(target).__name__)
    elif size is not None:
        raise TypeError("matrix(): argument 'size' goes with a layer alone; here the input has a size")
    call = find(target, args, kwargs, "matrix")
    if not call.kind.startswith("conv"):
        raise _no_convolution(call.name)
    return ConvMatrix(Convolution(call))


def _no_convolution(name):
    own = "; the matrix of a linear layer is its weight" if name.lower() == "linear" else ""
    return NotImplementedError(f"matrix(): {name} is not a convolution: conv1d/2d/3d, convolve1d/2d/3d and "
                               f"conv_transpose1d/2d/3d, and their layers, have such a matrix{own}")


class ConvMatrix(Explanation):
    """A convolution as its matrix. Rows are the elements of Y, columns those of X, channel after channel.

    array: the numbers, of NumPy. names: which weight stands where, as strings: "k01" is K[0,1], with channels "k2101"
    is K[2,1,0,1] (commas where an index has two digits), "k00+k01" a sum (where padding repeats an element), "." is
    none. T: the transpose, M.T @ g is the gradient of X. M @ x takes a tensor or an array: a flat one gives a flat
    array, x itself (C, *size) or (N, C, *size) an array in the shape of y.
    """

    def __init__(self, conv, transposed=False):
        self._conv, self._transposed = conv, transposed
        self._in, self._out = (conv.x.shape[1], *conv.size), (conv.y.shape[1], *conv.out)
        rows, columns = math.prod(self._out), math.prod(self._in)
        if rows * columns > LARGEST:
            raise ValueError(f"matrix(): it would have {rows:,} x {columns:,} = {rows * columns:,} numbers, for a "
                             f"kernel of {conv.w.size:,} weights: take a smaller input or fewer channels")

    @cached_property
    def _entries(self):
        """(rows, columns, weights), flat: the places of the matrix that hold a weight, and which one."""
        conv, found = self._conv, []
        planes = math.prod(conv.out), math.prod(conv.size)
        elements = math.prod(conv.kernel)
        table = conv.table.reshape(-1, elements)
        lines, k = np.nonzero(table >= 0)
        entries = table[lines, k]
        outputs, inputs = (entries, lines) if conv.transposed else (lines, entries)
        for d in range(conv.y.shape[1]):
            for c in conv.channels_of(d):
                first, second = conv.weight(d, c, 0)[:2]
                weight = (first * conv.w.shape[1] + second) * elements + k
                found.append((outputs + d * planes[0], inputs + c * planes[1], weight))
        return [np.concatenate(part) for part in zip(*found)]

    @cached_property
    def _plain(self):
        rows, columns, weights = self._entries
        full = np.zeros((math.prod(self._out), math.prod(self._in)), self._conv.w.dtype)
        np.add.at(full, (rows, columns), self._conv.w.ravel()[weights])
        return full

    @property
    def array(self):
        return self._plain.T if self._transposed else self._plain

    shape = property(lambda self: self.array.shape)

    @property
    def T(self):
        """The transpose."""
        return ConvMatrix(self._conv, not self._transposed)

    @property
    def names(self):
        return self._named(range(self.shape[0]), range(self.shape[1]))

    def _named(self, rows, columns):
        """The names of a part of the matrix."""
        at_row, at_column = ({i: n for n, i in enumerate(part)} for part in (rows, columns))
        table = np.full((len(at_row), len(at_column)), ".", object)
        a, b, weights = self._entries
        a, b = (b, a) if self._transposed else (a, b)
        inside = np.isin(a, list(rows)) & np.isin(b, list(columns))
        for i, j, w in zip(a[inside].tolist(), b[inside].tolist(), weights[inside].tolist()):
            before = table[at_row[i], at_column[j]]
            table[at_row[i], at_column[j]] = self._name(w) if before == "." else f"{before}+{self._name(w)}"
        return table

    def _name(self, weight):
        shape = self._conv.w.shape
        index = np.unravel_index(weight, shape)
        if shape[:2] == (1, 1):
            index, shape = index[2:], shape[2:]
        return "k" + ("," if max(shape) > 10 else "").join(map(str, index))

    def __matmul__(self, x):
        x = np.asarray(x.detach()._array if isinstance(x, Value) else x)
        given, result = (self._out, self._in) if self._transposed else (self._in, self._out)
        if x.ndim in (1, 2) and x.shape[0] == self.shape[1] and x.shape != given:
            return self.array @ x
        if x.shape[-len(given):] != given:
            raise ValueError(f"a matrix of {self.shape[0]} x {self.shape[1]} @ {list(x.shape)}: what it multiplies "
                             f"must be flat, [{self.shape[1]}], or have the shape {list(given)}, alone or in a batch")
        lead = x.shape[:x.ndim - len(given)]
        return (x.reshape(*lead, -1) @ self.array.T).reshape(*lead, *result)

    # ---- to look at

    def _blocks(self):
        """(rows, columns) of one block: a row of an image each."""
        blocks = self._out[-1], self._in[-1]
        return blocks[::-1] if self._transposed else blocks

    def _summary(self):
        rows, columns = self.shape
        filled, weights = np.count_nonzero(self._filled), len(np.unique(self._entries[2]))
        return (f"{rows:,} x {columns:,}: of {rows * columns:,} numbers {filled:,} are weights, "
                f"{weights:,} different ones")

    @cached_property
    def _filled(self):
        filled = np.zeros((math.prod(self._out), math.prod(self._in)), bool)
        filled[self._entries[0], self._entries[1]] = True
        return filled

    def text(self):
        longest = len(self._name(self._conv.w.size - 1))
        rows, columns = (_ends(n, most) for n, most in zip(self.shape, (SHOWN, min(SHOWN, 110 // (longest + 1)))))
        names = self._named([r for r in rows if r is not None], [c for c in columns if c is not None])
        width = max(map(len, names.ravel()))
        block = self._blocks() if self._conv.dims > 1 else (self.shape[0], self.shape[1])
        lines, lost = [], iter(range(len(names)))
        for i, r in enumerate(rows):
            if r is None:
                lines.append("…".rjust(width))
                continue
            cells, line = iter(names[next(lost)]), ""
            for c in columns:
                if c is not None and c and c % block[1] == 0:
                    line += " |"
                line += (" " if line else "") + ("…" if c is None else next(cells).rjust(width))
            if i and r % block[0] == 0 and lines[-1].strip() != "…":
                lines.append("-" * len(line))
            lines.append(line)
        return "\n".join([self._summary(), *lines])

    def draw(self, figure):
        rows, columns = (min(n, DRAWN) for n in self.shape)
        names = self._named(range(rows), range(columns))
        kinds = {}  # name: (colour, number)
        for at in zip(*np.nonzero(names != ".")):
            kinds.setdefault(names[at], self.array[at])
        kinds = {name: (colour, kinds[name]) for name, colour in _colours(sorted(kinds, key=_order)).items()}
        longest = max(map(len, kinds), default=1)
        cell = max(0.3, 0.085 * longest + 0.04) if max(rows, columns) <= 20 or longest <= 3 else 0.18
        high, wide, key = cell * rows, cell * columns, 3.4 if len(kinds) > 11 else 2.0
        whole = max(wide + key, 6) + 0.8, max(high, 0.2 * min(len(kinds) + 1, 13)) + 1.1
        figure.set_layout_engine("none")
        figure.set_size_inches(*whole)
        axes = figure.add_axes((0.6 / whole[0], 1 - (high + 0.55) / whole[1], wide / whole[0], high / whole[1]))
        from matplotlib.colors import to_rgb

        colours = {".": (1, 1, 1)} | {name: to_rgb(colour) for name, (colour, _) in kinds.items()}
        axes.imshow(np.array([[colours[name] for name in row] for row in names]), aspect="equal")
        if cell > 0.2:
            for (i, j), name in np.ndenumerate(names):
                if name != ".":
                    axes.text(j, i, name, ha="center", va="center", fontsize=7, color=_ink(colours[name]))
        self._lines(axes, rows, columns)
        part = "" if (rows, columns) == self.shape else f"\nthe first {rows} rows and {columns} columns"
        axes.set_title(f"{'Mᵀ' if self._transposed else 'M'}: {self._summary()}{part}", fontsize=9, loc="left")
        labels = ("element of Y", "element of X")[::-1 if self._transposed else 1]
        axes.set_ylabel(labels[0], fontsize=8)
        axes.set_xlabel(labels[1], fontsize=8)
        _legend(axes, kinds)

    def _lines(self, axes, rows, columns):
        """Thin lines between elements, thicker ones between the rows of the images."""
        axes.set_xticks(np.arange(-0.5, columns), minor=True)
        axes.set_yticks(np.arange(-0.5, rows), minor=True)
        axes.grid(which="minor", color=drawing.FAINT, linewidth=0.4)
        axes.tick_params(which="minor", length=0)
        axes.tick_params(labelsize=7)
        for axis, n in ((axes.xaxis, columns), (axes.yaxis, rows)):
            axis.set_ticks(range(0, n, 1 if n <= 20 else 5))
        if self._conv.dims > 1 or self._conv.w.shape[:2] != (1, 1):
            down, across = self._blocks()
            for i in range(0, rows + 1, down):
                axes.axhline(i - 0.5, color=drawing.INK, linewidth=1.2)
            for j in range(0, columns + 1, across):
                axes.axvline(j - 0.5, color=drawing.INK, linewidth=1.2)


def _ends(n, most):
    """All numbers below n; of many the first and the last, and None between."""
    return list(range(n)) if n <= most else [*range(most - 6), None, *range(n - 4, n)]


def _order(name):
    return "+" in name, len(name), name


def _colours(names):
    """{name: colour}: of few weights colours that everybody can tell apart; of more, one for each kernel row, from
    dark to light along it."""
    palette = [drawing.SKY, drawing.ORANGE, drawing.GREEN, drawing.YELLOW, drawing.BLUE, drawing.RED, drawing.PURPLE]
    if len(names) <= len(palette):
        return dict(zip(names, palette))
    from matplotlib.colors import to_hex, to_rgb

    rows = list(dict.fromkeys(name[:-1] for name in names))
    found = {}
    for name in names:
        row = [other for other in names if other[:-1] == name[:-1]]
        paler = 0.75 * row.index(name) / max(len(row) - 1, 1)
        base = to_rgb(palette[(4, 5, 2, 6, 1)[rows.index(name[:-1]) % 5]])
        found[name] = to_hex([c + (1 - c) * paler for c in base])
    return found


def _legend(axes, kinds):
    from matplotlib.patches import Patch

    style = dict(edgecolor=drawing.INK, linewidth=0.5)
    handles = [Patch(facecolor=colour, label=f"{name} = {number(value)}", **style)
               for name, (colour, value) in list(kinds.items())[:23]]
    if len(kinds) > 23:
        handles.append(Patch(facecolor="none", label=f"… {len(kinds) - 23} more"))
    handles.append(Patch(facecolor="#ffffff", label="no weight: 0", **style))
    axes.legend(handles=handles, loc="upper left", bbox_to_anchor=(1.02, 1), borderaxespad=0, fontsize=7,
                frameon=False, ncols=1 if len(handles) <= 12 else 2)


def _ink(colour):
    """Letters that can be read on this colour."""
    red, green, blue = colour
    return drawing.INK if 0.3 * red + 0.6 * green + 0.1 * blue > 0.45 else drawing.PAPER
