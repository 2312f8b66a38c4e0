"""The planes of a film (animate.py): what is drawn of input, kernel and output, and the window that goes over them."""

import math

import numpy as np

from .. import drawing
from ..arithmetic.convs import Convolution
from ..arithmetic.formulas import pooling_window

LEFT, ABOVE, BELOW = 0.6, 0.75, 0.5  # inches around a panel, for its names


class Scene:
    """The planes that are shown, and how the window goes over them.

    x, ghost, texts: a plane of the padded input, which of it is padding, and what is written there in place of
    numbers; start: the index of its first row and column; k: a plane of the kernel, or None; y: a plane of the output.
    kernel, stride, dilation, reach: of (rows, columns). names: of the panels; caption: what is in the sum, and not
    shown.
    """

    def __init__(self, call, lead):
        self.call, self.lead, self.caption, self.k, self.texts = call, lead, "", None, None
        dims = int(call.name[-2])
        self.y = np.atleast_2d(call.value[lead])
        (self._conv if "conv" in call.name else self._pool)(call, lead, dims)
        self.x, self.ghost = np.atleast_2d(self.x), np.atleast_2d(self.ghost)

    def index(self, place):
        """The position in the output of a cell of its plane."""
        return (*self.lead, *place[-min(2, int(self.call.name[-2])):])

    def _conv(self, call, lead, dims):
        conv = Convolution(call)
        n, d = lead[:2] if conv.batched else (0, lead[0])
        channels = conv.channels_of(d)
        c = channels[0]
        before, middle = (), ()
        if dims == 3:  # the middle slice of the window
            middle = (conv.kernel[0] // 2,)
            before = (lead[-1] * conv.stride[0] + middle[0] * conv.dilation[0],)
        self.x, self.ghost = conv.padded_plane(n, c, before)
        self.k = conv.w[conv.weight(d, c, 0)[:2]]
        if conv.flipped:
            self.k = np.flip(self.k)
        self.k = np.atleast_2d(self.k[middle])
        self._steps(dims, conv.kernel, conv.stride, conv.dilation, conv.padding)
        self._tell(dims, [*channels], conv.kernel, conv.b is not None, before and before[0] - conv.padding[0][0])
        kernel = "K flipped" if conv.flipped else "K"
        self.names = ("X" + self.part, kernel + self.kernel_part, self._y_name(conv.y.shape[1], d))

    def _pool(self, call, lead, dims):
        kernel, stride, padding, dilation = pooling_window(call, dims)
        x = call.arguments["input"]._array
        size, out = x.shape[-dims:], call.value.shape[-dims:]
        ends = [(o - 1) * s + d * (k - 1) + 1 for o, s, d, k in zip(out, stride, dilation, kernel)]
        pairs = [(p, max(p, end - n - p)) for p, end, n in zip(padding, ends, size)]  # ceil_mode: windows hang over
        channel = lead[: x.ndim - dims]
        middle = (lead[-1] * stride[0] + kernel[0] // 2 * dilation[0],) if dims == 3 else ()
        self.x = np.pad(x[channel], pairs)[middle]
        self.ghost = np.pad(np.zeros(size, bool), pairs, constant_values=True)[middle]
        if "max" in call.name:
            self.texts = np.where(np.atleast_2d(self.ghost), "-∞", None)
        self._steps(dims, kernel, stride, dilation, pairs)
        self._tell(dims, [channel[-1]], kernel, False, middle and middle[0] - padding[0])
        channels = x.shape[-dims - 1]
        own = f", channel {channel[-1]}" if channels > 1 else ""
        self.names = ("X" + own + self.part, "", self._y_name(channels, channel[-1]))

    def _steps(self, dims, kernel, stride, dilation, pairs):
        self.kernel, self.stride, self.dilation = ((1, *a)[-2:] for a in (kernel, stride, dilation))
        self.start = tuple(-before for before, _ in ([(0, 0), *pairs])[-2:])
        self.reach = [d * (k - 1) + 1 for k, d in zip(self.kernel, self.dilation)]

    def _tell(self, dims, channels, kernel, bias, depth):
        """What is not shown, and yet is in the sum."""
        self.part = f", channel {channels[0]}" if len(channels) > 1 else ""
        self.kernel_part = self.part
        told = [f"channel {channels[0]}, the first of {len(channels)}"] if len(channels) > 1 else []
        if dims == 3:
            self.part += f", depth {depth}"
            self.kernel_part += f", slice {kernel[0] // 2}"
            told += [f"slice {kernel[0] // 2} of the {kernel[0]} of the window"] if kernel[0] > 1 else []
        if told:
            whole = "window" if self.k is None else "sum"
            self.caption = f"Shown of X: {' and '.join(told)}; the {whole} goes over all."
        if bias:
            self.caption = f"{self.caption} The bias b is added to each sum.".strip()

    def _y_name(self, channels, d):
        depth = f", depth {self.lead[-1]}" if self.call.name.endswith("3d") else ""
        return "Y" + (f", channel {d}" if channels > 1 else "") + depth

    # ---- the picture

    def panels(self):
        return [p for p in ((self.names[0], self.x, self.start), (self.names[1], self.k, (0, 0)),
                            (self.names[2], self.y, (0, 0))) if p[1] is not None]

    def cells(self):
        """How many inches a cell of each panel measures: a small one stays readable beside large ones."""
        shapes = [values.shape for _, values, _ in self.panels()]
        cell = min(0.48, 10 / sum(columns for _, columns in shapes), 6.5 / max(rows for rows, _ in shapes))
        return [max(cell, min(0.48, 3 / max(shape))) for shape in shapes]

    def inches(self):
        """The width and height of all panels with their names."""
        sizes = [(c * v.shape[0], c * v.shape[1]) for c, (_, v, _) in zip(self.cells(), self.panels())]
        return sum(w + LEFT for _, w in sizes) + 0.2, max(h for h, _ in sizes) + ABOVE + BELOW

    def draw(self, figure):
        """Draw the planes at the top of a figure; returns what moves, and the function that moves it to a cell of the
        output."""
        width, height = figure.get_size_inches()
        left = (width - self.inches()[0]) / 2
        self.axes = []
        for cell, (title, values, start) in zip(self.cells(), self.panels()):
            rows, columns = values.shape
            left += LEFT
            axes = figure.add_axes([left / width, 1 - (ABOVE + cell * rows) / height, cell * columns / width,
                                    cell * rows / height])  # fmt: skip
            left += cell * columns
            image = self._panel(axes, title, values, start)
            self.axes.append(axes)
        return self._window(image)

    def _panel(self, axes, title, values, start):
        line = self.call.name.endswith("1d")
        first = values is self.x
        texts = None
        if first and self.texts is not None and max(values.shape) <= 16:
            texts = [[t or drawing.number(v, 3) for t, v in zip(*row)] for row in zip(self.texts, values)]
        image = drawing.grid(axes, values, title, texts=texts, ghost=self.ghost if first else None,
                             names=("", "position") if line else ("row", "column"))
        for axis, number, n in zip((axes.yaxis, axes.xaxis), start, values.shape):
            step = 1 if n <= 16 else math.ceil(n / 8)
            axis.set_ticks(range(0, n, step), [str(number + i) for i in range(0, n, step)])
        if line:
            axes.set_yticks([])
        return image

    def _window(self, image):
        over, made = self.axes[0], self.axes[-1]
        frames = [(drawing.frame(over, 0, 0, drawing.ORANGE, *self.reach, linewidth=3), (0, 0))]
        if max(self.dilation) > 1:  # the elements of the window do not touch
            for a, b in np.ndindex(self.kernel):
                patch = drawing.frame(over, 0, 0, drawing.ORANGE, linewidth=1.2)
                frames.append((patch, (a * self.dilation[0], b * self.dilation[1])))
        cell = drawing.frame(made, 0, 0, drawing.GREEN, linewidth=3)

        def move(place):
            row, column = place
            for patch, (a, b) in frames:
                patch.set_xy((column * self.stride[1] + b - 0.5, row * self.stride[0] + a - 0.5))
            cell.set_xy((column - 0.5, row - 0.5))
            later = np.arange(self.y.size).reshape(self.y.shape) > row * self.y.shape[1] + column
            image.set_data(np.ma.masked_array(self.y, later))
            for text, hidden in zip(made.texts, later.flat):
                text.set_visible(not hidden)

        return [made, *(patch for patch, _ in frames)], move
