# cython: boundscheck=True, wraparound=True
"""Convolution (cross-correlation) and its two gradients, for arrays.

x [N, C, *S] and w [D, C/groups, *K] give y [N, D, *O]; all arrays are float32 or all are float64,
of any memory layout. There are 1 to 3 spatial dimensions; for each of them stride and dilation hold
an int and padding a pair (before, after). What would lead the loops outside of their arrays raises
an error here; friendly messages are the business of the operators.

    shapes --- tables.plan ---> geometry: the fastest of several ways
    x --- lay_out ---> image, with its border: some images at a time, in the second cache
                         |
                         +----> the loops of the geometry ----> y, streams
                         |
    w --- pack_weights ---> in the order of use, in the cache; or as Winograd's squares

It is Python, compiled as it stands, for the sake of single images: LeNet-5 takes 0.203 ms, and 0.216 from Python.
"""

import math

import numpy as np

from . import by_channels, correlate, plane, tables, windows, winograd
from .loops import FLOATS, add_border, all_finite, interleave, lanes, pack_weights, separate
from .threads import get_num_threads
from .weight_grad import weight_grad

SQUARED = np.float32  # by Winograd's squares: in float64, where integers are convolved, sums stay exact to 2^53


def conv_forward(x, w, bias, stride, padding, dilation, groups):
    """Correlate the images x with the kernels w and add bias [D] or None."""
    geometry = tables.plan(tables.forward, x.shape, w.shape, stride, padding, dilation, groups, lanes(x))
    bias = np.zeros(w.shape[0], x.dtype) if bias is None else bias
    same_type(x, w, bias)
    same_shape("bias", bias, w.shape[:1])
    y = np.empty(geometry.y_shape, x.dtype)
    return run(x[geometry.where], w[geometry.seeing], bias, y, geometry, groups)


def conv_input_grad(g, w, x_shape, stride, padding, dilation, groups):
    """The gradient dx of <g, conv(x, w)> to x; as an operation, the transposed convolution of g."""
    w_shape = w.shape
    geometry = tables.plan(tables.input_grad, x_shape, w_shape, stride, padding, dilation, groups, lanes(g))
    same_shape("g", g, geometry.y_shape)
    same_type(g, w)
    bias, dx, w = np.zeros(x_shape[1], g.dtype), np.empty(x_shape, g.dtype), w[geometry.seeing]
    if not all_finite(w):
        geometry = tables.without_border(x_shape, w_shape, stride, padding, dilation, groups, lanes(g))
    part = run(g, w, bias, np.empty(dx[geometry.where].shape, g.dtype) if geometry.where else dx, geometry, groups)
    if not geometry.where:
        return part
    dx.fill(0)
    dx[geometry.where] = part
    return dx


def conv_weight_grad(x, g, w_shape, stride, padding, dilation, groups):
    """The gradient dw of <g, conv(x, w)> to w."""
    geometry = tables.plan(tables.weight_grad, x.shape, w_shape, stride, padding, dilation, groups, lanes(x))
    same_shape("g", g, geometry.y_shape)
    same_type(x, g)
    if not x.size or not g.size:
        return np.zeros(w_shape, x.dtype)
    x, g = x[geometry.where], np.ascontiguousarray(g)
    if not geometry.seeing:
        return run_weight_grad(x, g, w_shape, geometry, groups)
    dw = np.zeros(w_shape, x.dtype)
    dw[geometry.seeing] = run_weight_grad(x, g, dw[geometry.seeing].shape, geometry, groups)
    return dw


def run_weight_grad(x, g, w_shape, geometry, groups):
    """dw by the loop of a geometry."""
    if geometry.alone:
        dw = plane.weight_grad(np.ascontiguousarray(x), g, w_shape[2:], *geometry.alone)
        if all_finite(dw):
            return dw.reshape(w_shape)
        geometry = geometry.instead
    if geometry.squares:
        if x.dtype == SQUARED:
            dw = weight_grad_by_squares(x, g, w_shape, geometry, groups)
            if all_finite(dw):
                return dw
        geometry = geometry.instead
    if geometry.spots is not None:
        return windows.weight_grad(x, g, np.empty(w_shape, x.dtype), geometry.spots, groups)
    image = lay_out(x, geometry)
    if geometry.innermost == "images":  # g too, each of its planes as one row
        g = lay_out(g.reshape(*g.shape[:2], -1), geometry._replace(rows=np.zeros(1, np.intp), bordered=geometry.y_size))
    loop, depth = geometry.loops[0], w_shape[0] // groups
    return weight_grad(by_group(image, groups), by_group(g, groups), loop, depth).reshape(w_shape)


def run(x, w, bias, y, geometry, groups):
    """y, which may be filled, by the loops of a geometry, as many images at a time as stay in the cache."""
    if not x.size or not y.size:
        y[...] = bias.reshape(-1, *[1] * (y.ndim - 2))
        return y
    if geometry.alone:
        if all_finite(w):  # for it meets zeros, around images and inside of them
            w = w[:, 0, ::-1, ::-1] if geometry.turned else w[:, 0]
            x, w, bias = map(np.ascontiguousarray, (x, w, bias))
            plane.correlate(x, w, bias, y, *geometry.alone)
            return y
        geometry = geometry.instead
    if geometry.squares:
        if x.dtype == SQUARED and run_squares(x, w, bias, y, geometry, groups):
            return y
        geometry = geometry.instead
    if geometry.spots is not None:
        if geometry.turned:
            return windows.input_grad(x, w, y, geometry.spots, groups)
        return windows.forward(x, w, bias, y, geometry.spots, groups)
    w, bias = np.ascontiguousarray(w).reshape(groups, -1), np.ascontiguousarray(bias).reshape(groups, -1)
    way = by_channels if geometry.innermost == "channels" else correlate
    packed = [pack_weights(w, loop, bias.shape[1], len(x)) for loop in geometry.loops]
    width = lanes(x) if geometry.innermost == "images" else 1
    if geometry.gaps and width == 1:
        y.fill(0)
    for part, image in parts(x, geometry, width):
        out = y[part]
        if width > 1:
            out = (np.zeros if geometry.gaps else np.empty)((image.shape[0], *y.shape[1:], width), y.dtype)
        for loop, weights in zip(geometry.loops, packed):
            way.correlate(image.reshape(len(out), groups, -1), weights, bias, by_group(out, groups), loop)
        if width > 1:
            separate(out.reshape(out.shape[0], -1, width), y[part].reshape(len(y[part]), -1))
    return y


def run_squares(x, w, bias, y, geometry, groups):
    """The same by Winograd's squares; returns whether all of y is finite, as it must be to be right."""
    (loop,), bias = geometry.loops, np.ascontiguousarray(bias).reshape(groups, -1)
    w = np.ascontiguousarray(w).reshape(groups, -1, w.shape[1], 9)
    w = winograd.transform_weights(w, loop, geometry.turned)
    for part, image in parts(x, geometry):
        image, out = image.reshape(-1, groups, *geometry.bordered), y[part].reshape(-1, *bias.shape, *y.shape[2:])
        if not winograd.correlate(image, w, bias, out, loop, geometry.squares):
            return False
    return True


def weight_grad_by_squares(x, g, w_shape, geometry, groups):
    """dw by Winograd's squares, right if all of it is finite."""
    (loop,), depth = geometry.loops, w_shape[0] // groups
    rows, columns = (n - 2 * d for n, d in zip(geometry.bordered, geometry.squares))
    starts = np.arange(g.shape[2] if columns > g.shape[3] else 1) * columns * depth
    beside = geometry._replace(rows=starts, bordered=(rows, columns, depth))
    size, slopes = 16 * w_shape[1] * depth, None
    # Two threads add to sums of their own, unless these fill the cache.
    sums = np.empty((2 if size <= tables.IN_CACHE else 1, groups, size), x.dtype)
    for part, image in parts(x, geometry, threads=1):  # always the same parts, for the same bits
        slopes = lay_out(g[part], beside, slopes)
        shape = slopes.shape[0] // groups, groups
        winograd.add_products(image.reshape(*shape, *geometry.bordered), slopes.reshape(*shape, *beside.bordered),
                              sums, loop, geometry.squares, part.start)
    return winograd.transform_back(sums, loop, depth).reshape(w_shape)


def parts(x, geometry, width=1, threads=None):
    """As many images at a time as stay in the cache: which they are, and how the loops see them."""
    if geometry.as_it_is:
        yield slice(None), lay_out(x, geometry)
        return
    bordered = geometry.bordered[:-1] if geometry.innermost == "channels" else geometry.bordered
    items, size = -(-x.shape[0] // width), x.shape[1] * math.prod(bordered)
    count = -(-items // (max(1, tables.IN_CACHE // size) * (threads or get_num_threads())))
    step = -(-items // count) * width
    buffer = None
    for first in range(0, x.shape[0], step):
        part = slice(first, first + step)
        buffer = lay_out(x[part], geometry, buffer)
        yield part, buffer


def lay_out(x, geometry, buffer=None):
    """x as the loops see it: with zeros around its images, images or channels side by side; C-contiguous."""
    x = np.ascontiguousarray(x)
    if geometry.as_it_is:
        return x
    (items, planes), width, count, rows = x.shape[:2], geometry.bordered[-1], 1, geometry.rows
    if geometry.innermost == "channels":  # each of them an item, as images are
        items, planes, count = items * planes, 1, min(width, planes)
    elif geometry.innermost == "images":
        count = width
    shape = (-(-items // count), planes, *geometry.bordered)
    bordered = np.empty(shape, x.dtype) if buffer is None else buffer[: shape[0]]
    x, out = x.reshape(items, planes, rows.size, -1), bordered.reshape(*shape[:2], -1)
    if geometry.innermost == "columns":
        add_border(x, rows, geometry.columns, out)
    else:
        interleave(x, rows, out, count, width)
    return bordered


def by_group(x, groups):
    """View [N, C, *S] as [N, groups, C/groups * S]."""
    return x.reshape(x.shape[0], groups, -1)


def same_type(*arrays):
    dtype = arrays[0].dtype
    for array in arrays:
        if array.dtype != dtype or dtype not in FLOATS:
            raise TypeError(f"expected arrays of float32 or of float64 only, got {[a.dtype for a in arrays]}")


def same_shape(name, array, shape):
    if array.shape != shape:
        raise ValueError(f"expected {name} of shape {shape}, got {array.shape}")
