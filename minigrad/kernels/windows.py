"""Convolution as matrix products with the windows of x, each of them a column: "im2col", and back, "col2im".

                  columns                                             +- window p -+- window p + 1 -+
    y  = w columns          dw = g columns^T              (c, tap k)  |  x[c, .]   |                |
    columns = w^T g, each column then added to its window of dx       +------------+----------------+

Writing the columns takes longer than it saves, but where windows see more of the border than of the image, or an
image has few of them: all images come together, and nothing is multiplied with a border that takes no part (the third
convolution of LeNet-5, 5x5 on 5x5 images; 11x11 s3 d4 of the sweep).
Source: Chellapilla et al., "High Performance Convolutional Neural Networks for Document Processing".
"""

import numpy as np

from .loops import add_columns, gather_columns
from .matmul import matmul
from .tables import IN_CACHE


def forward(x, w, bias, y, spots, groups):
    """Fill y. spots [taps, windows] says where in a plane of x they are: negative in its border."""
    for image, weights, slopes in parts(x, w, y, spots, groups):
        slopes[...] = matmul(weights, gathered(image, spots)).reshape(-1, *slopes[:, 0].shape).swapaxes(0, 1)
    y += bias.reshape(-1, *[1] * (y.ndim - 2))
    return y


def input_grad(g, w, dx, spots, groups):
    """Fill dx."""
    dx.fill(0)
    for image, weights, slopes in parts(dx, w, g, spots, groups):
        columns = matmul(weights.T, flat(slopes)).reshape(image.shape[1], spots.shape[0], len(image), -1)
        add_columns(columns, spots, image)
    return dx


def weight_grad(x, g, dw, spots, groups):
    """Fill dw."""
    for i, (image, weights, slopes) in enumerate(parts(x, dw, g, spots, groups)):
        product = matmul(flat(slopes), gathered(image, spots).T)
        weights[...] = product if i < groups else weights + product
    return dw


def parts(x, w, y, spots, groups):
    """Views of one group of some images, whose columns stay in the cache: image [n, channels, plane], weights
    [depth, channels * taps] and slopes [n, depth, windows]."""
    x, y = (np.ascontiguousarray(a).reshape(len(a), groups, a.shape[1] // groups, -1) for a in (x, y))
    w = w.reshape(groups, -1, w[0].size)
    step = max(1, IN_CACHE // (w.shape[2] * spots.shape[1]))
    for n in range(0, len(x), step):
        for group in range(groups):
            yield x[n : n + step, group], w[group], y[n : n + step, group]


def gathered(image, spots):
    """The windows of some images [n, channels, plane] as columns [channels * taps, n * windows]."""
    columns = np.empty((image.shape[1], spots.shape[0], len(image), spots.shape[1]), image.dtype)
    gather_columns(image, spots, columns)
    return columns.reshape(-1, columns[0, 0].size)


def flat(slopes):
    """[n, depth, windows] as [depth, n * windows]."""
    return slopes.swapaxes(0, 1).reshape(slopes.shape[1], -1)
