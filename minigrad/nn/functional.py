"""The layers as functions, in PyTorch's names and order of arguments."""

from ..ops.conv import conv
from ..ops.elementwise import relu as _relu
from ..ops.elementwise import sigmoid, tanh
from ..ops.loss import cross_entropy, dropout, log_softmax, mse_loss, nll_loss, one_hot, softmax
from ..ops.matmul import linear
from ..ops.pool import avg_pool, max_pool
from ..ops.shape import pad

__all__ = [
    "avg_pool2d", "conv2d", "cross_entropy", "dropout", "linear", "log_softmax", "max_pool2d", "mse_loss",
    "nll_loss", "one_hot", "pad", "relu", "sigmoid", "softmax", "tanh",
]


def conv2d(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """2-D cross-correlation: what deep learning calls a convolution (the kernel is not flipped).

        y[n, d, i, j] = bias[d] + sum over c, a, b of x[n, c, i s - p + a l, j s - p + b l] w[d, c, a, b]

    input (N, C, H, W) or (C, H, W); weight (D, C / groups, h, w); bias (D) or None; all float32 or all
    float64. stride s, padding p (zeros, on each side) and dilation l: an int or a pair (rows, columns);
    padding also 'valid' (none) or 'same' (the output has the input's size; stride 1 only; an odd
    remainder goes below and right). groups splits the channels into independent convolutions.
    Returns (N, D, H', W') with H' = floor((H + 2 p - l (h - 1) - 1) / s) + 1.

    RuntimeError for shapes that do not go together, stride 0, negative padding, a kernel larger than
    the padded input, mixed dtypes; TypeError for arguments of a wrong type.
    Source: Dumoulin and Visin, "A guide to convolution arithmetic for deep learning", arXiv:1603.07285.
    """
    return conv(input, weight, bias, stride, padding, dilation, groups, dims=2)


def max_pool2d(input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False):
    """The largest element of each window: y[n, c, i, j] = max over a, b of x[n, c, i s + a l, j s + b l].

    input (N, C, H, W) or (C, H, W); each size an int or a pair; stride is kernel_size unless given;
    padding counts as minus infinity, at most half a window. ceil_mode lets the last window hang over
    the edge. Of equal elements the first one wins and gets the gradient; NaN is larger than any.
    With return_indices also the winners' int64 positions in their flattened plane.
    RuntimeError for sizes that do not go together.
    """
    values, indices = max_pool(input, kernel_size, stride, padding, dilation, ceil_mode, dims=2)
    return (values, indices.long()) if return_indices else values


def avg_pool2d(input, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True,
               divisor_override=None):
    """The mean of each window.

    input (N, C, H, W) or (C, H, W); each size an int or a pair; stride is kernel_size unless given.
    The zeros of the padding count as elements unless count_include_pad is False; divisor_override
    divides by another number. RuntimeError for sizes that do not go together.
    """
    return avg_pool(input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override, dims=2)


def relu(input, inplace=False):
    """max(input, 0), any shape; with inplace, written into the input itself."""
    return input.relu_() if inplace else _relu(input)
