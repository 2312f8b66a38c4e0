"""Convolution (cross-correlation) and its two gradients, for arrays.

x [N, C, *S] and w [D, C/groups, *K] give y [N, D, *O]; all arrays are float32 or all are float64,
of any memory layout. There are 1 to 3 spatial dimensions; for each of them stride and dilation hold
an int and padding a pair (before, after). What would lead the compiled loops outside of their
arrays raises an error here; friendly messages are the business of the operators.
"""

import math

import numpy as np

from . import tables
from .correlate import correlate
from .loops import add_border, lanes
from .weight_grad import weight_grad


def conv_forward(x, w, bias, stride, padding, dilation, groups):
    """Correlate the images x with the kernels w and add bias [D] or None."""
    geometry = tables.forward(x.shape[1:], w.shape, stride, padding, dilation, groups, lanes(x))
    bias = np.zeros(w.shape[0], x.dtype) if bias is None else bias
    same_type(x, w, bias)
    same_shape("bias", bias, w.shape[:1])
    y = np.empty((x.shape[0], w.shape[0], *geometry.output), x.dtype)
    return run(x, w, bias, y, geometry, groups)


def conv_input_grad(g, w, x_shape, stride, padding, dilation, groups):
    """The gradient dx of <g, conv(x, w)> to x; as an operation, the transposed convolution of g."""
    arguments = x_shape[1:], w.shape, stride, padding, dilation, groups, lanes(g)
    same_shape("g", g, (x_shape[0], w.shape[0], *tables.forward(*arguments).output))
    same_type(g, w)
    dx = np.zeros(x_shape, g.dtype)  # zeros: no loop comes to where no output looks
    bias = np.zeros(x_shape[1], g.dtype)
    return run(g, w, bias, dx, tables.input_grad(*arguments), groups)


def conv_weight_grad(x, g, w_shape, stride, padding, dilation, groups):
    """The gradient dw of <g, conv(x, w)> to w."""
    geometry = tables.forward(x.shape[1:], w_shape, stride, padding, dilation, groups, lanes(x))
    same_shape("g", g, (x.shape[0], w_shape[0], *geometry.output))
    same_type(x, g)
    if not x.size or not g.size:
        return np.zeros(w_shape, x.dtype)
    image, g = by_group(with_border(x, geometry), groups), by_group(np.ascontiguousarray(g), groups)
    return weight_grad(image, g, geometry.loops[0], w_shape[0] // groups).reshape(w_shape)


def run(x, w, bias, y, geometry, groups):
    """Fill y by the loops of a geometry."""
    if not x.size:
        y[...] = bias.reshape(-1, *[1] * (y.ndim - 2))
    elif y.size:
        image, out = by_group(with_border(x, geometry), groups), by_group(y, groups)
        w, bias = (np.ascontiguousarray(a).reshape(groups, -1) for a in (w, bias))
        for loop in geometry.loops:
            correlate(image, w, bias, out, loop, math.prod(y.shape[2:]))
    return y


def with_border(x, geometry):
    """x with zeros around its images, C-contiguous; x itself if that is what it is already."""
    x = np.ascontiguousarray(x)
    if x.shape[2:] == geometry.bordered:
        return x
    bordered = np.empty((*x.shape[:2], *geometry.bordered), x.dtype)
    planes = x.shape[0] * x.shape[1]
    add_border(x.reshape(planes, -1, x.shape[-1]), geometry.rows, bordered.reshape(planes, -1))
    return bordered


def by_group(x, groups):
    """View [N, C, *S] as [N, groups, C/groups * S]."""
    return x.reshape(x.shape[0], groups, -1)


def same_type(*arrays):
    types = [a.dtype for a in arrays]
    if types[0] not in (np.float32, np.float64) or any(t != types[0] for t in types):
        raise TypeError(f"expected arrays of float32 or of float64 only, got {types}")


def same_shape(name, array, shape):
    if array.shape != shape:
        raise ValueError(f"expected {name} of shape {shape}, got {array.shape}")
