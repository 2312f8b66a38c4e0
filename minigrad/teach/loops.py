"""The textbook's convolution and pooling: loops over NumPy arrays, to read and to compare with.

Each function is its formula. The compiled kernels give the same numbers, some ten thousand times
faster; here one can see what they compute.
"""

import numpy as np


def corr2d(x, k):
    """Two-dimensional cross-correlation: y[i, j] = sum over a, b of  x[i + a, j + b] * k[a, b]."""
    h, w = k.shape
    y = np.zeros((x.shape[0] - h + 1, x.shape[1] - w + 1), x.dtype)
    for i in range(y.shape[0]):
        for j in range(y.shape[1]):
            y[i, j] = (x[i : i + h, j : j + w] * k).sum()
    return y


def conv2d(x, w, bias=None, stride=(1, 1), padding=(0, 0), dilation=(1, 1), groups=1):
    """The convolution of neural networks: x [N, C, H, W], w [D, C/groups, h, w] -> y [N, D, *, *].

    y[n, d, i, j] = bias[d] + sum over c, a, b of
        w[d, c, a, b] * x[n, first + c, i * stride - padding + a * dilation, j * ... likewise]
    where x is 0 outside of the image and `first` is the first channel of the group that d is in.
    """
    depth, channels, *kernel = w.shape
    size = [output_size(*axis) for axis in zip(x.shape[2:], kernel, stride, padding, dilation)]
    y = np.zeros((len(x), depth, *size), x.dtype)
    x = np.pad(x, [(0, 0), (0, 0), *((p, p) for p in padding)])
    for n in range(len(x)):
        for d in range(depth):
            first = d // (depth // groups) * channels
            for i in range(size[0]):
                for j in range(size[1]):
                    rows = window(i, kernel[0], stride[0], dilation[0])
                    columns = window(j, kernel[1], stride[1], dilation[1])
                    seen = x[n, first : first + channels, rows, columns]
                    y[n, d, i, j] = (seen * w[d]).sum() + (0 if bias is None else bias[d])
    return y


def max_pool2d(x, kernel, stride, padding=(0, 0), dilation=(1, 1)):
    """The largest number in each window of x [N, C, H, W]; outside of the image it is -inf."""
    size = [output_size(*axis) for axis in zip(x.shape[2:], kernel, stride, padding, dilation)]
    y = np.zeros((*x.shape[:2], *size), x.dtype)
    x = np.pad(x, [(0, 0), (0, 0), *((p, p) for p in padding)], constant_values=-np.inf)
    for i in range(size[0]):
        for j in range(size[1]):
            rows = window(i, kernel[0], stride[0], dilation[0])
            columns = window(j, kernel[1], stride[1], dilation[1])
            y[:, :, i, j] = x[:, :, rows, columns].max(axis=(2, 3))
    return y


def window(position, kernel, stride, dilation):
    """What an output position sees on one axis of the padded image."""
    start = position * stride
    return slice(start, start + kernel * dilation, dilation)


def output_size(size, kernel, stride, padding, dilation):
    """How many windows fit on one axis: floor((padded size - reach) / stride) + 1."""
    reach = dilation * (kernel - 1) + 1
    return (size + 2 * padding - reach) // stride + 1
