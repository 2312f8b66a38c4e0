"""Windows of images as columns, and columns added up to images: each is the other's gradient."""

import math
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided

from .common import check_size, per_dimension, tensor_argument
from .shape import squeeze, unsqueeze
from .table import define


class Windows(NamedTuple):
    """Where the windows of an image lie."""

    size: tuple  # of the image
    kernel: tuple
    dilation: tuple
    padding: tuple
    stride: tuple

    @property
    def padded(self):
        return tuple(n + 2 * p for n, p in zip(self.size, self.padding))

    @property
    def counts(self):
        """How many windows there are along each dimension."""
        axes = zip(self.padded, self.kernel, self.dilation, self.stride)
        return tuple((n - d * (k - 1) - 1) // s + 1 for n, k, d, s in axes)

    def view(self, padded):
        """[N, C, *padded] as [N, C, *kernel, *counts]: what each window sees, in the same memory."""
        pitch = padded.strides[2:]
        steps = [p * s for sizes in (self.dilation, self.stride) for p, s in zip(pitch, sizes)]
        return as_strided(padded, padded.shape[:2] + self.kernel + self.counts, (*padded.strides[:2], *steps))


def _columns(x, windows):
    """z[n, (c, k), l] = x[n, c] at place k of window l, 0 in the padding."""
    seen = windows.view(np.pad(x, [(0, 0), (0, 0), *((p, p) for p in windows.padding)]))
    columns = seen.reshape(x.shape[0], x.shape[1] * math.prod(windows.kernel), math.prod(windows.counts))
    return np.ascontiguousarray(columns)


def _images(x, windows):
    """z = zeros, with x[n, (c, k), l] added at place k of window l of z[n, c]."""
    padded = np.zeros((x.shape[0], x.shape[1] // math.prod(windows.kernel), *windows.padded), x.dtype)
    seen = windows.view(padded)
    x = x.reshape(seen.shape)
    for tap in np.ndindex(windows.kernel):  # no two windows see the same element at the same place
        seen[:, :, *tap] += x[:, :, *tap]
    return np.ascontiguousarray(padded[..., *(slice(p, p + n) for n, p in zip(windows.size, windows.padding))])


Unfold = define("Im2Col", _columns, lambda g, windows: Fold.apply(g, windows=windows))
Fold = define("Col2Im", _images, lambda g, windows: Unfold.apply(g, windows=windows))


def unfold(input, kernel_size, dilation=1, padding=0, stride=1):
    """Every window of the images as a column: what makes a convolution a matrix product ("im2col").

    input (N, C, H, W) or (C, H, W), floating point or bool; the sizes an int or a pair ->
    (N, C h w, L) or (C h w, L) for a kernel (h, w) and L windows, row by row.
    RuntimeError for sizes that do not go together; NotImplementedError for integers.
    Source: Chellapilla et al., "High Performance Convolutional Neural Networks for Document Processing".

    >>> import minigrad
    >>> from minigrad.nn import functional as F
    >>> F.unfold(minigrad.arange(6.0).reshape(1, 2, 3), kernel_size=2)
    tensor([[0., 1.],
            [1., 2.],
            [3., 4.],
            [4., 5.]])
    """
    batch = _batch("unfold", input, 3)
    windows = _windows("unfold", batch.shape[2:], kernel_size, dilation, padding, stride)
    if min(windows.counts) < 1:
        raise RuntimeError(f"unfold(): input of size {list(input.shape)} has no window: {windows}")
    check_size((*windows.kernel, *batch.shape[:2], *windows.padded), input._array.itemsize, "unfold")
    columns = Unfold.apply(batch, windows=windows)
    return columns if batch is input else squeeze(columns, 0)


def fold(input, output_size, kernel_size, dilation=1, padding=0, stride=1):
    """The sum of windows, each put back where `unfold` with the same arguments took it from.

    input (N, C h w, L) or (C h w, L), floating point or bool; output_size (H, W) ->
    (N, C, H, W) or (C, H, W). fold(unfold(x)) is x times the number of windows that see each element.
    RuntimeError for sizes that do not go together; NotImplementedError for integers.

    >>> import minigrad
    >>> from minigrad.nn import functional as F
    >>> F.fold(minigrad.ones(4, 2), output_size=(2, 3), kernel_size=2)
    tensor([[[1., 2., 1.],
             [1., 2., 1.]]])
    """
    batch = _batch("fold", input, 2)
    windows = _windows("fold", output_size, kernel_size, dilation, padding, stride)
    area, count = math.prod(windows.kernel), math.prod(windows.counts)
    if min(windows.counts) < 1 or batch.shape[1] % area or batch.shape[2] != count:
        raise RuntimeError(f"fold(): expected input to have channels x {area} rows and {count} columns, "
                           f"{list(windows.counts)} windows, but got input of size {list(input.shape)}: {windows}")
    check_size((*batch.shape[:2], *windows.padded), input._array.itemsize, "fold")
    images = Fold.apply(batch, windows=windows)
    return images if batch is input else squeeze(images, 0)


def _batch(function, input, ndim):
    """`input`, which may lack its batch and then has `ndim` dimensions, with a batch."""
    tensor_argument(input, "input", function)
    if input.ndim not in (ndim, ndim + 1) or 0 in input.shape[-ndim:]:
        error = IndexError if function == "unfold" and input.ndim < ndim else RuntimeError  # PyTorch's classes
        raise error(f"{function}(): expected input of {ndim} or {ndim + 1} dimensions, none but the batch "
                    f"empty, but got input of size {list(input.shape)}")
    if input._array.dtype.kind in "iu":
        raise NotImplementedError(f"{function}(): input must not be of integers, not {input.dtype.name}")
    return input if input.ndim == ndim + 1 else unsqueeze(input, 0)


def _windows(function, *sizes):
    names = "output_size", "kernel_size", "dilation", "padding", "stride"
    for name, size in zip(names, sizes):
        if isinstance(size, (tuple, list)) and len(size) != 2:
            raise RuntimeError(f"{function}(): expected {name} to be an int or a pair, but got {name}={size}")
    least = 0, 1, 1, 0, 1
    return Windows(*(per_dimension(size, 2, name, function, n) for name, size, n in zip(names, sizes, least)))
