"""Convolution as matrix products with the windows of x, each of them a column: "im2col", and back, "col2im".

                  columns                                             +- window p -+- window p + 1 -+
    y  = w columns          dw = g columns^T              (c, tap k)  |  x[c, .]   |                |
    columns = w^T g, each column then added to its window of dx       +------------+----------------+

Writing the columns takes longer than it saves, but where windows see more of the border than of the image, or an
image has few of them: all images come together, and nothing is multiplied with a border that takes no part (11x11 s3 d4
of the sweep). Of small groups whose rows are short it makes one product of stacks (4x4 d4 groups 204 there); and where
the one window is the whole image, all three are products of what is there already (5x5 on 5x5, 1x1 on 1x1).
Source: Chellapilla et al., "High Performance Convolutional Neural Networks for Document Processing".
"""

import numpy as np

from .loops import add_columns, gather_columns
from .matmul import matmul
from .tables import IN_CACHE, STACKED


def forward(x, w, bias, y, spots, groups):
    """y, which may be filled. spots [taps, windows] says where in a plane of x they are: negative in its border."""
    if whole(x, spots, groups):
        z = matmul(rows(x), rows(w).T)
        z += bias
        return z.reshape(y.shape)
    for image, weights, slopes in parts(x, w, y, spots, groups):
        product = multiply(weights, gathered(image, spots, weights))
        slopes[...] = product.reshape(*weights.shape[:2], len(slopes), -1).transpose(2, 0, 1, 3)
    y += bias.reshape(-1, *[1] * (y.ndim - 2))
    return y


def input_grad(g, w, dx, spots, groups):
    """dx, which may be filled."""
    if whole(dx, spots, groups):
        return matmul(rows(g), rows(w)).reshape(dx.shape)
    dx.fill(0)
    for image, weights, slopes in parts(dx, w, g, spots, groups):
        columns = multiply(weights.swapaxes(1, 2), flat(slopes))
        add_columns(columns.reshape(image.shape[1], spots.shape[0], len(image), -1), spots, image)
    return dx


def weight_grad(x, g, dw, spots, groups):
    """dw, which may be filled."""
    if whole(x, spots, groups):
        return matmul(rows(g).T, rows(x)).reshape(dw.shape)
    dw.fill(0)
    for image, weights, slopes in parts(x, dw, g, spots, groups):
        weights += multiply(flat(slopes), gathered(image, spots, weights).swapaxes(1, 2))
    return dw


def whole(x, spots, groups):
    """Whether the only window of an image is all of it: then nothing need be moved."""
    plane = x[0, 0].size
    return groups == 1 and spots.shape == (plane, 1) and spots[0, 0] == 0 and spots[-1, 0] == plane - 1


def rows(a):
    return a.reshape(len(a), -1)


def multiply(a, b):
    """a [groups, M, K] times b [groups, K, N]. Small groups are left to NumPy, which takes no threads for them."""
    return np.matmul(a, b) if len(a) > 1 else matmul(a[0], b[0])[None]


def parts(x, w, y, spots, groups):
    """Views of some groups of some images, whose columns stay in the cache: image [n, channels, plane],
    weights [groups, depth, channels * taps] and slopes [n, groups, depth, windows]."""
    images, channels = x.shape[0], x.shape[1] // groups
    x, y = np.ascontiguousarray(x).reshape(images, x.shape[1], -1), np.ascontiguousarray(y)
    w, y = w.reshape(groups, -1, w[0].size), y.reshape(images, groups, y.shape[1] // groups, -1)
    size = w.shape[2] * spots.shape[1]
    step, count = max(1, IN_CACHE // size), 1
    if images * w.shape[1] * size <= STACKED:
        step, count = images, max(1, IN_CACHE // (images * size))
    for n in range(0, images, step):
        for g in range(0, groups, count):
            some, these = slice(n, n + step), slice(g, g + count)
            yield x[some, g * channels : (g + count) * channels], w[these], y[some, these]


def gathered(image, spots, weights):
    """The windows of some images [n, channels, plane] as columns [groups, channels / groups * taps, n * windows]."""
    columns = np.empty((image.shape[1], spots.shape[0], len(image), spots.shape[1]), image.dtype)
    gather_columns(image, spots, columns)
    return columns.reshape(len(weights), weights.shape[2], -1)


def flat(slopes):
    """[n, groups, depth, windows] as [groups, depth, n * windows]."""
    return slopes.transpose(1, 2, 0, 3).reshape(*slopes.shape[1:3], -1)
