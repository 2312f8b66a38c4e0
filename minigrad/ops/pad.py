"""Borders around the last dimensions: of one value, or of the input's own numbers."""

import numpy as np

from .arrange import cat, flip
from .common import check_size, number_as, size_argument, tensor_argument
from .index import getitem
from .shape import contiguous
from .table import define


def _constant(x, borders, value):
    """z = x with a border of one value, cropped where the border is negative."""
    z = np.full([n + a + b for n, (a, b) in zip(x.shape, borders)], value, x.dtype)
    inside = tuple(slice(max(a, 0), n + a + min(b, 0)) for n, (a, b) in zip(x.shape, borders))
    kept = tuple(slice(max(-a, 0), n + min(b, 0)) for n, (a, b) in zip(x.shape, borders))
    z[inside] = x[kept]
    return z


Pad = define("ConstantPadNd", _constant,
             lambda g, borders, value: Pad.apply(g, borders=[(-a, -b) for a, b in borders], value=0))


def _part(x, axis, start, stop):
    return getitem(x, (*[slice(None)] * axis, slice(start, stop)))


# x between its borders of the widths a and b along one axis: the pieces, to be joined.
BORDERS = {
    "reflect": lambda x, d, a, b: (flip(_part(x, d, 1, a + 1), (d,)), x, flip(_part(x, d, -1 - b, -1), (d,))),
    "replicate": lambda x, d, a, b: (*[_part(x, d, 0, 1)] * a, x, *[_part(x, d, -1, None)] * b),
    "circular": lambda x, d, a, b: (_part(x, d, x.shape[d] - a, None), x, _part(x, d, 0, b)),
}


def pad(input, pad, mode="constant", value=None):
    """A border around the last dimensions, by `mode`:

        constant      0 0 | 1 2 3 4 | 0 0      `value` (0 unless given)
        reflect       3 2 | 1 2 3 4 | 3 2      mirrored at the outermost element; narrower than the input
        replicate     1 1 | 1 2 3 4 | 4 4      the outermost element again
        circular      3 4 | 1 2 3 4 | 1 2      from the other end; not wider than the input

    pad: (left, right, top, bottom, ...), the last dimension first; negative numbers crop. `constant`
    takes any number of dimensions, the others 1 to 3 behind the batch and the channels:
    (N, C, W), (N, C, H, W) or (N, C, D, H, W), or the same without N.
    RuntimeError for an odd or too long `pad`, a too wide border, or a crop that leaves less than
    nothing; NotImplementedError for another mode or number of dimensions, or for bool.

    >>> import minigrad
    >>> from minigrad.nn import functional as F
    >>> F.pad(minigrad.tensor([[1, 2, 3]]), (2, 1), mode="reflect")
    tensor([[3, 2, 1, 2, 3, 2]])
    """
    tensor_argument(input, "input", "pad")
    sizes = size_argument(pad, "pad", "pad")
    given = f"pad={list(sizes)} with mode '{mode}' for an input of shape {list(input.shape)}"
    if mode != "constant" and mode not in BORDERS:
        error = NotImplementedError if isinstance(mode, str) else TypeError
        raise error(f"pad(): argument 'mode' must be 'constant' or one of {[*BORDERS]}, not {mode!r}")
    if len(sizes) % 2 or len(sizes) > 2 * input.ndim:
        raise RuntimeError(f"{given}: padding length must be even and at most twice the number of dimensions")
    pairs = tuple(zip(sizes[::2], sizes[1::2]))[::-1]
    borders = ((0, 0),) * (input.ndim - len(pairs)) + pairs
    value = 0 if value is None else number_as(value, input._array.dtype)
    if mode != "constant":
        if value:
            raise RuntimeError(f"{given} takes no argument 'value', but got value={value}")
        _check_modes(input, borders, len(pairs), mode, given)
    result = [n + a + b for n, (a, b) in zip(input.shape, borders)]
    if any(m < 0 or mode == "constant" and min(a, b) < -n for m, n, (a, b) in zip(result, input.shape, borders)):
        raise RuntimeError(f"{given}: the result would have the shape {result}, a negative output size")
    check_size(result, input._array.itemsize, "pad")
    if mode == "constant":
        return Pad.apply(input, borders=borders, value=value)
    crops = tuple((min(a, 0), min(b, 0)) for a, b in borders)
    cropped = min(sizes) < 0 or max(sizes) == 0  # or nothing to do, but the result must be a copy
    x = Pad.apply(input, borders=crops, value=0) if cropped and mode == "circular" else input
    for axis, (a, b) in enumerate(borders):
        if max(a, b) > 0:
            x = cat(BORDERS[mode](x, axis, max(a, 0), max(b, 0)), axis)
    return Pad.apply(x, borders=crops, value=0) if cropped and mode != "circular" else contiguous(x)


def _check_modes(input, borders, dims, mode, given):
    """The stricter rules of reflect, replicate and circular."""
    if not 1 <= dims <= 3 or input.ndim - dims not in (1, 2):
        raise NotImplementedError(f"{given}: 2 numbers go with 2 or 3 dimensions, 4 with 3 or 4, 6 with 4 or 5")
    axes = list(zip(input.shape, borders))[-dims:]
    if mode == "circular":  # what was cropped first is repeated
        if any(max(a, b, 0) > n + min(a, 0) + min(b, 0) for n, (a, b) in axes):
            raise RuntimeError(f"{given}: padding value causes wrapping around more than once")
    elif input._array.dtype.kind == "b":
        raise NotImplementedError(f"{given}: not implemented for 'Bool'")
    elif 0 in input.shape[-dims - 1:] or all(n + a + b < 1 for n, (a, b) in axes):
        raise RuntimeError(f"{given}: only the batch may be empty, before and after")
    elif mode == "reflect" and any(max(a, b) >= n for n, (a, b) in axes):
        raise RuntimeError(f"{given}: padding size should be less than the corresponding input dimension")
