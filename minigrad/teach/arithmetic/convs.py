"""A convolution, of any kind, as positions: which input element meets which weight at which output.

Everything follows from one table (`geometry.taps`). Of a convolution its rows are the outputs and its entries the
inputs; of a transposed convolution it is the same table with the two exchanged, and that is all there is to it.
"""

from functools import cached_property

import numpy as np

from ...ops.common import per_dimension
from ...ops.conv import padding_pairs
from ..geometry import padded, taps, where
from ..notation import indexed


class Convolution:
    """The numbers and the geometry of a Call of conv*d, convolve*d or conv_transpose*d.

    x (N, C, *size), w, y (N, D, *out): arrays, with a batch; b: an array or None. Positions are flat here, within the
    size, the kernel and the out. `split` makes them of a user's `at`.
    """

    def __init__(self, call):
        given = call.arguments
        self.transposed, self.flipped, self.mode = "transpose" in call.name, call.name.startswith("convolve"), call.mode
        self.w = given["weight"]._array
        self.b = None if given["bias"] is None else given["bias"]._array
        self.dims = self.w.ndim - 2
        self.batched = given["input"].ndim == self.dims + 2
        self.x, self.y = (a if self.batched else a[None] for a in (given["input"]._array, call.value))
        self.groups, self.kernel = given["groups"], self.w.shape[2:]
        self.stride, self.dilation = (per_dimension(given[name], self.dims, name, call.name, least=1)
                                      for name in ("stride", "dilation"))
        padding = given["padding"]
        if not isinstance(padding, str):
            padding = per_dimension(padding, self.dims, "padding", call.name, least=0)
        self.padding = padding_pairs(padding, self.kernel, self.stride, self.dilation)
        self.size, self.out = self.x.shape[2:], self.y.shape[2:]

    @cached_property
    def table(self):
        """(*out, *kernel): the input position, -1 for a zero of the padding. Transposed, (*size, *kernel): the output
        position, -1 for what is cropped."""
        if not self.transposed:
            found = taps(self.size, self.kernel, self.stride, self.padding, self.dilation, self.mode)
            found = found[tuple(slice(n) for n in self.out)]
        else:
            found = taps(self.out, self.kernel, self.stride, self.padding, self.dilation)
            found = found[tuple(slice(n) for n in self.size)]
        if self.flipped:
            found = found[(..., *[slice(None, None, -1)] * self.dims)]
        return found

    # ---- positions that meet: pairs of flat ones

    def behind_output(self, o):
        """[(i, k)]: the inputs and the kernel elements that make output position o (flat); i = -1 for padding."""
        return self._entries(o) if self.transposed else [(i, k) for k, i in enumerate(self._row(o, self.out))]

    def ahead_of_input(self, i):
        """[(o, k)]: the outputs that input position i (flat) goes into, each by kernel element k."""
        if self.transposed:
            return [(o, k) for k, o in enumerate(self._row(i, self.size)) if o >= 0]
        return self._entries(i)

    def around_weight(self, k):
        """[(i, o)]: the inputs that kernel element k meets, with the outputs they go into; no padding."""
        entries = self.table[(..., *where(k, self.kernel))].ravel().tolist()
        pairs = [(r, e) for r, e in enumerate(entries) if e >= 0]
        return pairs if self.transposed else [(e, r) for r, e in pairs]

    def _row(self, position, size):
        return self.table[where(position, size)].ravel().tolist()

    def _entries(self, position):
        rows, elements = np.nonzero((self.table == position).reshape(-1, int(np.prod(self.kernel))))
        return list(zip(rows.tolist(), elements.tolist()))

    # ---- channels

    def channels_of(self, d):
        """The input channels that output channel d sees: those of its group."""
        return self._group(d, self.y.shape[1], self.x.shape[1])

    def depths_of(self, c):
        """The output channels that input channel c goes into."""
        return self._group(c, self.x.shape[1], self.y.shape[1])

    def _group(self, channel, of, others):
        each = others // self.groups
        first = channel // (of // self.groups) * each
        return range(first, first + each)

    def weight(self, d, c, k):
        """The index into w of kernel element k between input channel c and output channel d."""
        first, second = (c, d % self.w.shape[1]) if self.transposed else (d, c % self.w.shape[1])
        return (first, second, *where(k, self.kernel))

    def ends(self, index):
        """(d, c) of a weight, in each group that it could belong to: there is one."""
        first, second = index[:2]
        per_group = self.w.shape[0] // self.groups
        other = first // per_group * self.w.shape[1] + second
        return (other, first) if self.transposed else (first, other)

    # ---- names

    def split(self, at, size):
        """(n, channel, flat position) of a user's position in a tensor whose planes have this size."""
        n, channel, *position = at if self.batched else (0, *at)
        return n, channel, int(np.ravel_multi_index(position, size))

    def x_name(self, n, c, i):
        return short("X", self.x.shape, (n, c, *where(i, self.size)))

    def y_name(self, n, d, o, name="g"):
        return short(name, self.y.shape, (n, d, *where(o, self.out)))

    def w_name(self, index):
        return short("K", self.w.shape, index)

    def padded_plane(self, n, c, lead):
        """(values, ghost) of the last two dimensions of the padded input; lead: the index before them, padded too."""
        places = padded(self.size, self.padding, self.mode)[lead]
        ghost = np.ones(places.shape, bool)
        ghost[tuple(slice(a, a + s) for (a, _), s in zip(self.padding[len(lead):], self.size[len(lead):]))] = False
        if any(not a <= i < a + s for i, (a, _), s in zip(lead, self.padding, self.size)):
            ghost[:] = True
        return np.where(places < 0, 0, self.x[n, c].ravel()[places]), ghost


def short(name, shape, index):
    """A name with its index, without batch and channel if there is but one of each, or without a batch of one."""
    if tuple(shape[:2]) == (1, 1):
        return indexed(name, index[2:])
    return indexed(name, index[1:] if shape[0] == 1 and name != "K" else index)
