"""Convolution (cross-correlation) and its two gradients, for arrays.

x [N, C, *S] and w [D, C/groups, *K] give y [N, D, *O]; all arrays are float32 or all are float64,
of any memory layout. There are 1 to 3 spatial dimensions; for each of them stride and dilation hold
an int and padding a pair (before, after). What would lead the compiled loops outside of their
arrays raises an error here; friendly messages are the business of the operators.
"""

import math

import numpy as np

from . import tables
from .correlate import correlate, pack_weights
from .loops import add_border, interleave, lanes, separate
from .weight_grad import weight_grad

CHUNK = 500_000  # numbers of bordered images that stay in the cache until they are read


def conv_forward(x, w, bias, stride, padding, dilation, groups):
    """Correlate the images x with the kernels w and add bias [D] or None."""
    geometry = tables.plan(tables.forward, x.shape, w.shape, stride, padding, dilation, groups, lanes(x))
    bias = np.zeros(w.shape[0], x.dtype) if bias is None else bias
    same_type(x, w, bias)
    same_shape("bias", bias, w.shape[:1])
    return run(x, w, bias, np.empty(y_shape(geometry, x.shape, w.shape), x.dtype), geometry, groups)


def conv_input_grad(g, w, x_shape, stride, padding, dilation, groups):
    """The gradient dx of <g, conv(x, w)> to x; as an operation, the transposed convolution of g."""
    geometry = tables.plan(tables.input_grad, x_shape, w.shape, stride, padding, dilation, groups, lanes(g))
    same_shape("g", g, y_shape(geometry, x_shape, w.shape))
    same_type(g, w)
    return run(g, w, np.zeros(x_shape[1], g.dtype), np.empty(x_shape, g.dtype), geometry, groups)


def conv_weight_grad(x, g, w_shape, stride, padding, dilation, groups):
    """The gradient dw of <g, conv(x, w)> to w."""
    geometry = tables.plan(tables.weight_grad, x.shape, w_shape, stride, padding, dilation, groups, lanes(x))
    same_shape("g", g, y_shape(geometry, x.shape, w_shape))
    same_type(x, g)
    if not x.size or not g.size:
        return np.zeros(w_shape, x.dtype)
    image, g = lay_out(x, geometry), np.ascontiguousarray(g)
    if geometry.side_by_side:  # g too, each of its planes as one row
        g = lay_out(g.reshape(*g.shape[:2], -1), geometry._replace(rows=np.zeros(1, np.intp), bordered=geometry.y_size))
    loop, depth = geometry.loops[0], w_shape[0] // groups
    return weight_grad(by_group(image, groups), by_group(g, groups), loop, depth).reshape(w_shape)


def run(x, w, bias, y, geometry, groups):
    """Fill y by the loops of a geometry, as many images at a time as stay in the cache."""
    if not x.size or not y.size:
        y[...] = bias.reshape(-1, *[1] * (y.ndim - 2))
        return y
    x, w, bias = np.ascontiguousarray(x), *(np.ascontiguousarray(a).reshape(groups, -1) for a in (w, bias))
    packed = [pack_weights(w, loop, bias.shape[1]) for loop in geometry.loops]
    width = lanes(x) if geometry.side_by_side else 1
    if geometry.gaps and width == 1:
        y.fill(0)
    step = max(1, CHUNK // (x.shape[1] * math.prod(geometry.bordered)))
    step = x.shape[0] if geometry.as_it_is and width == 1 else min(step * width, x.shape[0])
    buffer = None
    for first in range(0, x.shape[0], step):
        part = slice(first, first + step)
        image = buffer = lay_out(x[part], geometry, buffer)
        out = y[part]
        if width > 1:
            out = np.zeros((image.shape[0], *y.shape[1:], width), y.dtype)
        for loop, weights in zip(geometry.loops, packed):
            correlate(by_group(image, groups), weights, bias, by_group(out, groups), loop)
        if width > 1:
            separate(out.reshape(out.shape[0], -1, width), y[part].reshape(len(y[part]), -1))
    return y


def lay_out(x, geometry, buffer=None):
    """x as the loops see it: with zeros around its images, or images side by side; C-contiguous."""
    x = np.ascontiguousarray(x)
    if geometry.as_it_is and not geometry.side_by_side:
        return x
    (n, channels), columns = x.shape[:2], x.shape[-1]
    shape = -(-n // lanes(x)) if geometry.side_by_side else n, channels, *geometry.bordered
    bordered = np.zeros(shape, x.dtype) if buffer is None else buffer[: shape[0]]
    if geometry.side_by_side:
        rows = geometry.rows[::columns] // lanes(x)
        interleave(x.reshape(n, channels, -1, columns), rows, bordered.reshape(*shape[:2], -1))
    else:
        planes = x.reshape(n * channels, -1, columns)
        add_border(planes, geometry.rows, geometry.columns, bordered.reshape(n * channels, -1))
    return bordered


def by_group(x, groups):
    """View [N, C, *S] as [N, groups, C/groups * S]."""
    return x.reshape(x.shape[0], groups, -1)


def y_shape(geometry, x_shape, w_shape):
    """Of a geometry that has, side by side, one more dimension."""
    return (x_shape[0], w_shape[0], *geometry.y_size[: len(x_shape) - 2])


def same_type(*arrays):
    types = [a.dtype for a in arrays]
    if types[0] not in (np.float32, np.float64) or any(t != types[0] for t in types):
        raise TypeError(f"expected arrays of float32 or of float64 only, got {types}")


def same_shape(name, array, shape):
    if array.shape != shape:
        raise ValueError(f"expected {name} of shape {shape}, got {array.shape}")
