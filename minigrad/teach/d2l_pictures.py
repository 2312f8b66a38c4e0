"""The pictures of "Dive into Deep Learning" in its editions before 1.0, for `minigrad.teach.d2l`, by matplotlib."""

import itertools

import numpy as np


class Animator:
    """The points of curves that grow: X[i], Y[i] are those of curve i. They are drawn by `show()` alone.

    options: those of `plot`, such as xlabel, legend and xlim.
    """

    def __init__(self, *labels, nrows=1, ncols=1, **options):
        self.options = dict(zip(("xlabel", "ylabel", "legend", "xlim", "ylim", "xscale", "yscale", "fmts"), labels))
        self.options |= options
        self.X, self.Y = [], []

    def add(self, x, y):
        """A point (x, y) of each curve, for one x or one for each; None for a curve that has none."""
        ys = list(y) if hasattr(y, "__len__") else [y]
        xs = list(x) if hasattr(x, "__len__") else [x] * len(ys)
        while len(self.X) < len(ys):
            self.X.append([]), self.Y.append([])
        for curve, a, b in zip(itertools.count(), xs, ys):
            if a is not None and b is not None:
                self.X[curve].append(float(a)), self.Y[curve].append(float(b))

    def show(self):
        plot(self.X, self.Y, **self.options)


def use_svg_display():
    """Nothing: the notebook draws as it is set."""


def set_figsize(figsize=(3.5, 2.5)):
    """The size of the pictures to come, in inches."""
    _pyplot().rcParams["figure.figsize"] = figsize


def plot(X, Y=None, xlabel=None, ylabel=None, legend=(), xlim=None, ylim=None, xscale="linear", yscale="linear",
         fmts=("-", "m--", "g-.", "r:"), figsize=(3.5, 2.5), axes=None):
    """Draw curves: Y over X, or X over 0, 1, 2 ... without Y. Each is one curve or a list of them."""
    set_figsize(figsize)
    axes = axes or _pyplot().gca()
    X, Y = ([range(len(y)) for y in _curves(X)], _curves(X)) if Y is None else (_curves(X), _curves(Y))
    axes.cla()
    for x, y, fmt in zip(X * len(Y) if len(X) == 1 else X, Y, itertools.cycle(fmts)):
        axes.plot(x, y, fmt)
    axes.set(xlabel=xlabel, ylabel=ylabel, xscale=xscale, yscale=yscale, xlim=xlim, ylim=ylim)
    if legend:
        axes.legend(legend)
    axes.grid()


def show_images(imgs, num_rows, num_cols, titles=None, scale=1.5):
    """Draw images (H, W) or (H, W, 3) in rows and columns; returns their axes."""
    _, axes = _pyplot().subplots(num_rows, num_cols, figsize=(num_cols * scale, num_rows * scale), squeeze=False)
    for i, (ax, img) in enumerate(zip(axes.flat, imgs)):
        ax.imshow(np.asarray(img))
        ax.set_axis_off()
        ax.set_title(titles[i] if titles else "")
    return axes.flatten()


def _pyplot():
    from matplotlib import pyplot  # here, because it draws and nothing else needs it

    return pyplot


def _curves(X):
    """Curves as a list of arrays; `X` is one curve or several."""
    one = X.ndim == 1 if hasattr(X, "ndim") else not hasattr(X[0], "__len__")
    return [np.asarray(x) for x in ([X] if one else X)]
