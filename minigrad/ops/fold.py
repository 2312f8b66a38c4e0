"""Windows of images as columns, and columns added up to images: each is the other's gradient.

Both are made of one view of the padded images, in which every window lies apart although they share their memory.
"""

import math

import numpy as np

from .common import check_size, per_dimension, tensor_argument
from .pad import pad
from .shape import reshape, squeeze, unsqueeze
from .table import define, named


def windows(x, taps, counts, dilation, stride):
    """The view [N, C, *taps, *counts] of images x [N, C, H, W]: what each window sees at each place of the kernel."""
    steps = [s * d for s, d in zip(x.strides[2:], dilation)] + [s * n for s, n in zip(x.strides[2:], stride)]
    return np.lib.stride_tricks.as_strided(x, (*x.shape[:2], *taps, *counts), (*x.strides[:2], *steps))


def add_windows(g, size, taps, **geometry):
    """Images of this size, to which each element of g is added where `windows` sees it."""
    images = np.zeros((*g.shape[:2], *size), g.dtype)
    seen = windows(images, taps, **geometry)
    for i, j in np.ndindex(taps):  # at one place of the kernel no two windows see the same
        seen[:, :, i, j] += g[:, :, i, j]
    return images


Im2Col = define("Im2Col", lambda x, size, **geometry: windows(x, **geometry).copy(),
                lambda g, **geometry: Col2Im.apply(g, **geometry))
Col2Im = define("Col2Im", add_windows, lambda g, **geometry: Im2Col.apply(g, **geometry))


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
    geometry, (up, left) = _geometry("unfold", batch, batch.shape[2:], kernel_size, dilation, padding, stride)
    seen = Im2Col.apply(pad(batch, (left, left, up, up)), **geometry)
    area, count = math.prod(geometry["taps"]), math.prod(geometry["counts"])
    columns = reshape(seen, (len(batch), batch.shape[1] * area, count))
    return named(columns if batch is input else squeeze(columns, 0), "Im2Col")


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
    geometry, (up, left) = _geometry("fold", batch, output_size, kernel_size, dilation, padding, stride)
    taps, counts = geometry["taps"], geometry["counts"]
    area, count = math.prod(taps), math.prod(counts)
    if batch.shape[1] % area or batch.shape[2] != count:
        raise RuntimeError(f"fold(): expected input to have channels x {area} rows and {count} columns, one for each "
                           f"of {counts} windows, but got input of size {list(input.shape)}")
    seen = reshape(batch, (len(batch), batch.shape[1] // area, *taps, *counts))
    images = pad(Col2Im.apply(seen, **geometry), (-left, -left, -up, -up))
    return named(images if batch is input else squeeze(images, 0), "Col2Im")


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


def _geometry(function, batch, *arguments):
    """What the operators want to know, and the padding, for arguments in the order of `fold`."""
    least = {"output_size": 0, "kernel_size": 1, "dilation": 1, "padding": 0, "stride": 1}
    size, kernel, dilation, padding, stride = (per_dimension(argument, 2, name, function, least[name])
                                               for name, argument in zip(least, arguments))
    for name, argument in zip(least, arguments):
        if isinstance(argument, (tuple, list)) and len(argument) != 2:
            raise RuntimeError(f"{function}(): expected {name} to be an int or a pair, but got {name}={argument}")
    padded = [n + 2 * p for n, p in zip(size, padding)]
    counts = [(n - d * (k - 1) - 1) // s + 1 for n, k, d, s in zip(padded, kernel, dilation, stride)]
    if min(counts) < 1:
        raise RuntimeError(f"{function}(): input of size {list(batch.shape)} has no window of kernel_size={kernel} and "
                           f"dilation={dilation} in images of size {padded}, the padding={padding} included")
    check_size((*batch.shape[:2], *kernel, *padded), batch._array.itemsize, function)
    return dict(size=tuple(padded), taps=kernel, counts=tuple(counts), dilation=dilation, stride=stride), padding
