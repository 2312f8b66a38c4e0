"""Max and average pooling.

Max pooling remembers which element of each window won. With these indices fixed, the gradient
scatters g to the winners, and the gradient of that gathers from them: each undoes the other.

    MaxPool(x)      y = the winners                  dx = Scatter(g)
    Scatter(g)      zeros with g added at indices    dg = Gather(gg)
    Gather(x)       x at indices                     dx = Scatter(g)

Average pooling is a convolution with a kernel of ones, divided by how many elements a window holds.
"""

import numpy as np

from .. import kernels
from ..engine import Operator, wrap
from .common import check_size, int_argument, per_dimension, tensor_argument
from .conv import conv
from .shape import pad, reshape, unsqueeze


class MaxPool(Operator):
    """y = the largest element of each window (the first of equals; NaN is the largest)."""

    def forward(self, x, *, kernel, stride, padding, dilation, out):
        self.plane = x.shape[2:]
        y, self.indices = kernels.max_pool(x, kernel, stride, padding, dilation, out)
        return y, self.indices

    def backward(self, g, _):
        return Scatter.apply(g, indices=self.indices, plane=self.plane)

    def name(self):
        return "MaxPool2DWithIndicesBackward0"


class Scatter(Operator):
    """y = zeros, with x added at flat indices into each plane."""

    def forward(self, x, *, indices, plane):
        self.indices = indices
        return kernels.scatter_plane(x, indices, plane)

    def backward(self, g):
        return Gather.apply(g, indices=self.indices)


class Gather(Operator):
    """y = x at flat indices into each plane."""

    def forward(self, x, *, indices):
        self.indices, self.plane = indices, x.shape[2:]
        return kernels.gather_plane(x, indices)

    def backward(self, g):
        return Scatter.apply(g, indices=self.indices, plane=self.plane)


def max_pool(input, kernel_size, stride, padding, dilation, ceil_mode, dims):
    """(values, indices) of the max pooling of `dims` dimensions; it checks every argument."""
    function = f"max_pool{dims}d"
    tensor_argument(input, "input", function)
    if input.ndim == dims + 1:
        batch = unsqueeze(input, 0)
        found = max_pool(batch, kernel_size, stride, padding, dilation, ceil_mode, dims)
        return tuple(x.squeeze(0) for x in found)
    window = _window(function, input, kernel_size, stride, padding, dilation, ceil_mode, dims)
    return MaxPool.apply(input, **window)


def avg_pool(input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override,
             dims):
    """The mean of each window. With count_include_pad the zeros of the padding count as elements;
    divisor_override replaces the count."""
    function = f"avg_pool{dims}d"
    tensor_argument(input, "input", function)
    if input.ndim == dims + 1:
        batch = unsqueeze(input, 0)
        return avg_pool(batch, kernel_size, stride, padding, ceil_mode, count_include_pad,
                        divisor_override, dims).squeeze(0)
    if divisor_override is not None:
        if int_argument(divisor_override, "divisor_override", function) == 0:
            raise RuntimeError(f"{function}(): divisor must be not zero: divisor_override=0")
    window = _window(function, input, kernel_size, stride, padding, 1, ceil_mode, dims)
    kernel, stride, padding, out = (window[k] for k in ("kernel", "stride", "padding", "out"))
    sums = _window_sums(input, kernel, stride, padding, out)
    if divisor_override is not None:
        return sums / divisor_override
    # Windows that hang over the far edge (ceil_mode) count only what lies inside the padding.
    counts = np.ones((), input._array.dtype)
    for d, n in enumerate(input.shape[2:]):
        starts = np.arange(out[d]) * stride[d] - padding[d]
        ends = np.minimum(starts + kernel[d], n + padding[d])
        if not count_include_pad:
            starts, ends = np.maximum(starts, 0), np.minimum(ends, n)
        counts = np.multiply.outer(counts, (ends - starts).astype(input._array.dtype))
    return sums / wrap(counts)


def _window_sums(input, kernel, stride, padding, out):
    """The sum of each window: every channel an image of its own, convolved with ones."""
    n, c, *size = input.shape
    axes = zip(out, stride, kernel, size, padding)
    ends = [max((o - 1) * s + k - m - p, 0) for o, s, k, m, p in axes]
    padded = [n, c, *(p + m + end for p, m, end in zip(padding, size, ends))]
    check_size(padded, input._array.itemsize, f"avg_pool{len(kernel)}d")
    border = [amount for p, end in zip(padding[::-1], ends[::-1]) for amount in (p, end)]
    x = pad(reshape(input, (n * c, 1, *size)), border)
    ones = wrap(np.ones((1, 1, *kernel), input._array.dtype))
    sums = conv(x, ones, None, stride, 0, 1, 1, len(kernel))
    return reshape(sums[(slice(None), 0) + tuple(slice(o) for o in out)], (n, c, *out))


def _window(function, input, kernel_size, stride, padding, dilation, ceil_mode, dims):
    """The checked parameters of a pooling operator, by name."""
    size = tuple(input.shape)
    if len(size) != dims + 2 or 0 in size[1:]:
        raise RuntimeError(f"{function}(): Expected {dims + 1}D or {dims + 2}D (batch mode) tensor "
                           f"with optional 0 dim batch size for input, but got: {list(size)}")
    if input._array.dtype.kind != "f":
        raise NotImplementedError(f"{function}(): not implemented for '{input.dtype.text}'")
    kernel = per_dimension(kernel_size, dims, "kernel_size", function, least=1)
    if stride is None or stride == () or stride == []:
        stride = kernel
    stride = per_dimension(stride, dims, "stride", function, least=1)
    padding = per_dimension(padding, dims, "padding", function, least=0)
    dilation = per_dimension(dilation, dims, "dilation", function, least=1)
    if not isinstance(ceil_mode, bool):
        raise TypeError(f"{function}(): argument 'ceil_mode' must be bool, "
                        f"not {type(ceil_mode).__name__}")
    if any(2 * p > k for p, k in zip(padding, kernel)):
        raise RuntimeError("pad should be smaller than or equal to half of kernel size, but got "
                           f"padding={padding} and kernel_size={kernel}")
    axes = zip(size[2:], kernel, stride, padding, dilation)
    out = tuple(_pooled(*axis, ceil_mode) for axis in axes)
    if min(out) < 1:
        raise RuntimeError(f"{function}(): given input size {list(size)} and kernel_size={kernel}, "
                           f"the calculated output size {[*size[:2], *out]} is too small")
    check_size([*size[:2], *out], 8, function)
    return dict(kernel=kernel, stride=stride, padding=padding, dilation=dilation, out=out)


def _pooled(n, k, s, p, d, ceil_mode):
    """The number of windows along one dimension; with ceil_mode the last may hang over the edge,
    but must start inside the input or its left padding."""
    room = n + 2 * p - d * (k - 1) - 1
    out = (room + (s - 1 if ceil_mode else 0)) // s + 1
    if ceil_mode and (out - 1) * s >= n + p:
        out -= 1
    return out
