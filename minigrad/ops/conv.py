"""Convolution (cross-correlation, as everywhere in deep learning) of 1 to 3 dimensions, transposed or not.

<g, conv(x, w)> is linear in each of x, w and g, so three operators are closed under
differentiation: every derivative of any order of each is again one of them.

    operator                       gradient of the 1st input      gradient of the 2nd input
    Conv(x, w)                     ConvInputGrad(g, w)            ConvWeightGrad(x, g)
    ConvInputGrad(g, w)            Conv(gg, w)                    ConvWeightGrad(gg, g)
    ConvWeightGrad(x, g)           ConvInputGrad(g, gg)           Conv(x, gg)

(gg is the gradient that arrives at an operator's own output.) The geometry that goes from operator to
operator is x_shape, w_shape and steps: stride, padding (a pair (before, after) for each dimension),
dilation and groups. Several inputs can share one output size when the stride does not divide evenly,
so that x's shape does not follow from g's.
Source: Dumoulin and Visin, "A guide to convolution arithmetic for deep learning", arXiv:1603.07285.
"""

from functools import lru_cache

import numpy as np

from .. import kernels
from .arrange import flip
from .common import cast, check_size, int_argument, per_dimension, same_dtype, tensor_argument
from .pad import pad
from .shape import reshape, squeeze, unsqueeze
from .table import define, documented

# y[n,d,o] = b[d] + sum over c,k of x[n, c, o stride + k dilation - padding] w[d,c,k]
Conv = define(
    "Convolution",
    lambda x, w, b, x_shape, w_shape, steps: kernels.conv_forward(x, w, b, *steps),
    lambda g, w, **geometry: ConvInputGrad.apply(g, w, **geometry),
    lambda g, x, **geometry: ConvWeightGrad.apply(x, g, **geometry),
    lambda g, **geometry: g.sum((0, *range(2, g.ndim))),
    inputs="xwb")

# What each input element did to <g, conv(x, w)>: a transposed convolution of g with w.
ConvInputGrad = define(
    "Convolution",
    lambda g, w, x_shape, w_shape, steps: kernels.conv_input_grad(g, w, x_shape, *steps),
    lambda gg, w, **geometry: Conv.apply(gg, w, None, **geometry),
    lambda gg, x, **geometry: ConvWeightGrad.apply(gg, x, **geometry),
    inputs="xw")

# What each weight did to <g, conv(x, w)>: a convolution of x with g, over the batch.
ConvWeightGrad = define(
    "ConvolutionWeight",
    lambda x, g, x_shape, w_shape, steps: kernels.conv_weight_grad(x, g, w_shape, *steps),
    lambda gg, y, **geometry: ConvInputGrad.apply(y, gg, **geometry),
    lambda gg, x, **geometry: Conv.apply(x, gg, None, **geometry))


def conv(input, weight, bias, stride, padding, dilation, groups, dims, transposed=False, output_padding=0):
    """What is behind conv1d, conv2d, conv3d and, transposed, conv_transpose1d, 2d and 3d."""
    function = f"conv_transpose{dims}d" if transposed else f"conv{dims}d"
    same_dtype(input, weight, "weight", function)
    if bias is not None:
        same_dtype(input, bias, "bias", function)
    x, w = input._array, weight._array
    if x.dtype.kind != "f":
        return _integers(function, (input, weight, bias), stride, padding, dilation, groups, dims, transposed,
                         output_padding)
    if x.ndim not in (dims + 1, dims + 2) or w.ndim != dims + 2:
        raise RuntimeError(f"Expected {dims + 1}D (unbatched) or {dims + 2}D (batched) input to {function}, and a "
                           f"{dims + 2}D weight, but got input of {list(x.shape)}, weight of {list(w.shape)}")
    stride = per_dimension(stride, dims, "stride", function, least=1)
    dilation = per_dimension(dilation, dims, "dilation", function, least=1)
    groups = int_argument(groups, "groups", function)
    if transposed or not isinstance(padding, str):
        padding = per_dimension(padding, dims, "padding", function, least=0)
    more = per_dimension(output_padding, dims, "output_padding", function, least=0) if transposed else None
    batch = input if x.ndim == dims + 2 else unsqueeze(input, 0)
    geometry = _geometry(function, batch._array.shape, w.shape, x.itemsize, stride, padding, dilation, groups, more)
    channels = geometry["x_shape"][1] if transposed else w.shape[0]
    if bias is not None and bias._array.shape != (channels,):
        raise RuntimeError(f"Given weight of size {list(w.shape)}, expected bias to be 1-dimensional with "
                           f"{channels} elements, but got bias of size {list(bias.shape)} instead")
    if transposed:  # the input gradient of a convolution whose x has the shape of the output
        zeros = [n for p, s in zip(more[::-1], stride[::-1]) for n in (0, p // s)]  # as if they followed the input
        y = ConvInputGrad.apply(pad(batch, zeros) if any(zeros) else batch, weight, **geometry)
        y = y if bias is None else y + reshape(bias, (-1, *[1] * dims))
    else:
        y = Conv.apply(batch, weight, bias, **geometry)
    return y if batch is input else squeeze(y, 0)


def _integers(function, tensors, *arguments):
    """A convolution of integers, which has no gradient: float64 holds them exactly up to 2^53."""
    dtype = tensors[0]._array.dtype
    if dtype.kind == "b" or dtype.itemsize < 8 and "transpose" in function:
        raise NotImplementedError(f"{function}(): not implemented for '{tensors[0].dtype.text}'")
    x, w, b = (0 if y is None else float(np.abs(y._array.astype(float)).max(initial=0)) for y in tensors)
    if x * w * tensors[1].numel() + b >= 2**53:
        raise NotImplementedError(f"{function}(): integers as large as those of input and weight are not implemented")
    y = conv(*(x if x is None else cast(x, np.dtype(float)) for x in tensors), *arguments)
    return cast(cast(y, np.dtype(int)), dtype)


@lru_cache(maxsize=256)
def _geometry(function, size, w_shape, itemsize, stride, padding, dilation, groups, output_padding):
    """The geometry for an input of this size, once all sizes were seen to go together; ints are ints by now.

    output_padding is None unless the convolution is transposed; then x has the shape of the output.
    """
    channels, kernel = w_shape[0] if output_padding else w_shape[1] * groups, w_shape[2:]
    given = f"{function}(): Given groups={groups}, weight of size {list(w_shape)}, input of size {list(size)}"
    if groups <= 0 or w_shape[0] % groups:
        raise RuntimeError(f"{given}: expected groups to be positive and to divide the weight's dimension 0")
    if size[1] != channels:
        raise RuntimeError(f"{given}: expected input to have {channels} channels, but got {size[1]} channels instead")
    if 0 in w_shape or 0 in size[2:]:
        raise RuntimeError(f"{given}: only the batch may be empty")
    pairs = padding_pairs(padding, kernel, stride, dilation)
    reach = [d * (k - 1) + 1 for k, d in zip(kernel, dilation)]
    padded = [n + a + b for n, (a, b) in zip(size[2:], pairs)]
    if output_padding:
        if any(p >= max(s, d) for p, s, d in zip(output_padding, stride, dilation)):
            raise RuntimeError(f"{given}: output padding must be smaller than either stride or dilation, but got "
                               f"output_padding={output_padding}, stride={stride}, dilation={dilation}")
        axes = zip(size[2:], reach, stride, pairs, output_padding)
        out = [(n - 1) * s + r - a - b + p for n, r, s, (a, b), p in axes]
    else:
        out = [(n - r) // s + 1 for n, r, s in zip(padded, reach, stride)]
    if min(out) < 1:
        raise RuntimeError(f"{given}: Calculated output size {out} is too small. Padded input size per channel: "
                           f"{padded}. Kernel size: {reach} ({list(kernel)} with dilation {list(dilation)})")
    for shape in ([*size[:2], *padded], [size[0], w_shape[0], *out]):
        check_size(shape, itemsize, function)
    x_shape = (size[0], w_shape[1] * groups, *out) if output_padding else size
    return dict(x_shape=x_shape, w_shape=w_shape, steps=(stride, pairs, dilation, groups))


def padding_pairs(padding, kernel, stride, dilation):
    """`padding` as (before, after) pairs. 'same' puts the odd one after, as PyTorch does."""
    if not isinstance(padding, str):
        return tuple((p, p) for p in padding)
    if padding not in ("same", "valid"):
        raise RuntimeError(f"Invalid padding string: '{padding}': it must be 'same' or 'valid'")
    if padding == "same" and any(s != 1 for s in stride):
        raise RuntimeError(f"padding='same' is not supported for strided convolutions: stride={list(stride)}")
    totals = [d * (k - 1) if padding == "same" else 0 for k, d in zip(kernel, dilation)]
    return tuple((total // 2, total - total // 2) for total in totals)


# ---- the functions, which differ in the number of dimensions alone


def _functions(dims):
    """conv, convolve and conv_transpose of so many dimensions."""

    def conv_nd(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
        """{dims}-D cross-correlation: what deep learning calls a convolution (the kernel is not flipped;
        `convolve{dims}d` flips it, `conv_transpose{dims}d` goes the other way).

            y[n, d, o] = bias[d] + sum over c, k of x[n, c, o s - p + k l] w[d, c, k]

        o and k are positions in {dims} dimensions. input (N, C, *size) or (C, *size), weight
        (D, C / groups, *K), bias (D) or None: all float32 or all float64 (or all of one kind of
        integer, without a gradient). stride s, padding p (zeros, on each side) and dilation l: an int
        or {dims}; padding also 'valid' (none) or 'same' (the output has the input's size; stride 1
        only; an odd remainder goes to the end). groups splits the channels into independent convolutions.
        Returns (N, D, *out) or (D, *out), out = floor((size + 2 p - l (K - 1) - 1) / s) + 1.

        RuntimeError for shapes that do not go together, stride 0, negative padding, a kernel larger
        than the padded input, mixed dtypes; TypeError for arguments of a wrong type.
        Source: Dumoulin and Visin, "A guide to convolution arithmetic for deep learning", arXiv:1603.07285.

        >>> import minigrad
        >>> from minigrad.nn import functional as F
        >>> x, w = minigrad.tensor([1.0, 2.0, 4.0]), minigrad.tensor([-1.0, 1.0])
        >>> F.conv{dims}d(x.reshape({ones}3), w.reshape({ones}2)).flatten()
        tensor([1., 2.])
        """
        return conv(input, weight, bias, stride, padding, dilation, groups, dims)

    def convolve_nd(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
        """{dims}-D convolution as mathematics has it: `conv{dims}d`, which is a cross-correlation, with the
        kernel flipped in all its dimensions. PyTorch has no name for it.

            y[n, d, o] = bias[d] + sum over c, k of x[n, c, o s - p + k l] w[d, c, K - 1 - k]

        Shapes, arguments, errors and source: those of `conv{dims}d`.

        >>> import minigrad
        >>> from minigrad.nn import functional as F
        >>> x, w = minigrad.tensor([1.0, 2.0, 4.0]), minigrad.tensor([-1.0, 1.0])
        >>> F.convolve{dims}d(x.reshape({ones}3), w.reshape({ones}2)).flatten()
        tensor([-1., -2.])
        """
        tensor_argument(weight, "weight", f"convolve{dims}d")
        flipped = flip(weight, tuple(range(2, weight.ndim)))
        return conv(input, flipped, bias, stride, padding, dilation, groups, dims)

    def conv_transpose_nd(input, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1):
        """{dims}-D transposed convolution: each input element paints the kernel, times itself, into the output.

            y[n, d, i s - p + k l] = bias[d] + sum over c and such i, k of x[n, c, i] w[c, d, k]

        It is the gradient of `conv{dims}d` to its input, as an operation; `convolve{dims}d`, with the
        kernel flipped, is something else. i and k are positions in {dims} dimensions. input
        (N, C, *size) or (C, *size), weight (C, D / groups, *K), bias (D) or None: all float32 or all
        float64 (or all int64, without a gradient). stride s, padding p (cropped from each side), output_padding
        (added to the size at the end, less than stride or dilation) and dilation l: an int or {dims}.
        Returns (N, D, *out) or (D, *out), out = (size - 1) s - 2 p + l (K - 1) + output_padding + 1.

        RuntimeError for shapes that do not go together, an output without elements, a too large
        output_padding, negative numbers, mixed dtypes; TypeError for arguments of a wrong type.
        Source: Dumoulin and Visin, "A guide to convolution arithmetic for deep learning", arXiv:1603.07285.

        >>> import minigrad
        >>> from minigrad.nn import functional as F
        >>> x, w = minigrad.tensor([1.0, 2.0, 4.0]), minigrad.tensor([-1.0, 1.0])
        >>> F.conv_transpose{dims}d(x.reshape({ones}3), w.reshape({ones}2)).flatten()
        tensor([-1., -1., -2.,  4.])
        """
        return conv(input, weight, bias, stride, padding, dilation, groups, dims, True, output_padding)

    return [documented(function, function.__name__.replace("_nd", f"{dims}d"), dims=dims, ones="1, " * (dims + 1))
            for function in (conv_nd, convolve_nd, conv_transpose_nd)]


conv1d, convolve1d, conv_transpose1d = _functions(1)
conv2d, convolve2d, conv_transpose2d = _functions(2)
conv3d, convolve3d, conv_transpose3d = _functions(3)
