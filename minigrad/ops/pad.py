"""Borders around the last dimensions: of one value, or of the input's own numbers."""

import numpy as np

from .common import check_size, int_argument, number_as, plain, size_argument, tensor_argument
from .elementwise import Keep
from .index import GetItem
from .shape import contiguous
from .table import define


def _constant(x, borders, value):
    """z = x with a border of one value, cropped where the border is negative."""
    z = np.pad(x, [(max(a, 0), max(b, 0)) for a, b in borders], constant_values=value) if x.ndim else x
    return np.asarray(z[tuple(slice(max(-a, 0), n + min(b, 0)) for n, (a, b) in zip(z.shape, borders))], order="C")


Pad = define("ConstantPadNd", _constant,
             lambda g, borders, value: Pad.apply(g, borders=[(-a, -b) for a, b in borders], value=0))


BORDERS = {"reflect": "reflect", "replicate": "edge", "circular": "wrap"}  # NumPy's names


def _places(n, before, after, mode):
    """Which of n elements stands at each place between and in the borders; circular repeats what others crop away."""
    def crop(x):
        return x[max(-before, 0):len(x) + min(after, 0)]

    def extend(x):
        return np.pad(x, (max(before, 0), max(after, 0)), BORDERS[mode])

    return extend(crop(np.arange(n))) if mode == "circular" else crop(extend(np.arange(n)))


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
    if isinstance(pad, (tuple, list)):
        pad = [int_argument(n, "pad", "pad") for n in pad]  # no pairs, as NumPy takes them
    sizes = size_argument(pad, "pad", "pad")
    given = f"pad={list(sizes)} with mode '{mode}' for an input of shape {list(input.shape)}"
    if mode != "constant" and mode not in BORDERS:
        error = NotImplementedError if isinstance(mode, str) else TypeError
        raise error(f"pad(): argument 'mode' must be 'constant' or one of {[*BORDERS]}, not {mode!r}")
    if len(sizes) % 2 or len(sizes) > 2 * input.ndim:
        raise RuntimeError(f"{given}: padding length must be even and at most twice the number of dimensions")
    pairs = tuple(zip(sizes[::2], sizes[1::2]))[::-1]
    borders = ((0, 0),) * (input.ndim - len(pairs)) + pairs
    value = 0 if value is None else number_as(plain(value), input._array.dtype)
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
    input = input if mode == "circular" else Keep.apply(input)
    for axis in range(input.ndim - len(pairs), input.ndim):
        places = _places(input.shape[axis], *borders[axis], mode)
        input = GetItem.apply(input, index=(*[slice(None)] * axis, places))
    return contiguous(input)


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
