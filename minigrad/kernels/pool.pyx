"""Max pooling, and the two moves along its indices that are each other's gradient.

    y[o] = max of x over the window of o       indices[o] = where in the plane of x it was found
    scatter:  dx[indices[o]] += g[o]           gather:      y[o] = x[indices[o]]

      a plane of x, streams
       +-------------+       pool.h: the running maxima and their places, in registers
       | [a b][c  d] |  --->  y, indices, stream
       | [e f][g  h] |       where each window begins and ends: three tables, in the cache
       +-------------+

As in PyTorch, ties go to the first position, and the last NaN of a window wins. Padding is never
read: windows are cut at the borders of x. A window that lies outside altogether (dilation can do
that) gives -inf and the index -1, which scatter leaves out and gather reads as 0.
1-D and 2-D are 3-D with axes of length 1. Planes are independent: threads share them out.
"""

import math
from functools import lru_cache

import numpy as np
from cython.parallel cimport prange
from libc.stdint cimport int32_t
from libc.string cimport memset

from . import tables
from .loops cimport kernels, kernels_for, pooling, real_t, threads_for

cdef enum:
    ITEMS = 64  # of work, at most


cdef class Windows:
    """The windows of one geometry, as pool.h wants them."""
    cdef pooling p
    cdef tuple axes  # their memory

    def __init__(self, size, kernel, stride, padding, dilation, output_size):
        cdef const Py_ssize_t[::1] start, count
        self.axes = tables.windows(size, kernel, stride, padding, dilation, output_size)
        for i in range(3):
            start, count, self.p.axis[i].step = self.axes[i]
            self.p.axis[i].outputs = start.shape[0]
            self.p.axis[i].start, self.p.axis[i].count = &start[0], &count[0]
        *_, self.p.taps = kernel
        *_, self.p.stride = stride
        if math.prod(size) >= 2**31:
            raise RuntimeError(f"max pooling counts places in 32 bits, too few for a plane of shape {size}")
        complete = np.flatnonzero(np.asarray(count) == self.p.taps)  # of the last axis
        self.p.whole, self.p.first = complete.size, complete[0] if complete.size else 0


windows = lru_cache(maxsize=64)(Windows)


def run_pool(Windows w, const real_t[:, ::1] x, real_t[:, ::1] y, int32_t[:, ::1] indices):
    cdef const kernels *simd = kernels_for(x.base)
    cdef Py_ssize_t i, n, last, parts = min(x.shape[0], ITEMS)
    cdef int threads = threads_for(10. * x.size)
    for i in prange(parts, nogil=True, schedule="static", num_threads=threads):
        last = (i + 1) * x.shape[0] // parts
        for n in range(i * x.shape[0] // parts, last):  # in this order, as rows may run over into the next plane
            simd.pool(&w.p, &x[n, 0], (x.shape[0] - n) * x.shape[1], &y[n, 0], &indices[n, 0], (last - n) * y.shape[1])


def run_scatter(const real_t[:, ::1] g, const int32_t[:, ::1] indices, real_t[:, ::1] dx):
    """dx[indices] += g, where dx was zero; returns how many indices lie outside of dx."""
    cdef Py_ssize_t n, p, outside = 0
    cdef int threads = threads_for(10. * dx.size)
    for n in prange(g.shape[0], nogil=True, schedule="static", num_threads=threads):
        memset(&dx[n, 0], 0, dx.shape[1] * sizeof(real_t))  # here, where it brings dx into the cache
        for p in range(g.shape[1]):
            if 0 <= indices[n, p] < dx.shape[1]:
                dx[n, indices[n, p]] += g[n, p]
            else:
                outside += indices[n, p] != -1
    return outside


def run_gather(const real_t[:, ::1] x, const int32_t[:, ::1] indices, real_t[:, ::1] y):
    """y = x[indices]; returns how many indices lie outside of x."""
    cdef Py_ssize_t n, p, outside = 0
    cdef int threads = threads_for(10. * y.size)
    for n in prange(x.shape[0], nogil=True, schedule="static", num_threads=threads):
        for p in range(y.shape[1]):
            y[n, p] = 0
            if 0 <= indices[n, p] < x.shape[1]:
                y[n, p] = x[n, indices[n, p]]
            else:
                outside += indices[n, p] != -1
    return outside


def max_pool(x, kernel, stride, padding, dilation, output_size):
    """Maximum over windows: y, and int32 indices into the plane of x, both [N, C, *output_size].

    x [N, C, *S] is float32 or float64; the other arguments hold an int for each of the 1 to 3
    spatial dimensions. Padding counts as -inf. output_size may exceed what floor division gives
    (ceil_mode): the last windows then reach over the end of x.
    """
    cdef Windows w = windows(x.shape[2:], kernel, stride, padding, dilation, output_size)
    y = np.empty((*x.shape[:2], *output_size), x.dtype)
    indices = np.empty(y.shape, np.int32)
    if y.size:
        run_pool(w, planes(x), planes(y), planes(indices))
    return y, indices


def scatter_plane(g, indices, spatial_shape):
    """Add each g [N, C, *O] at its index into the planes of dx [N, C, *spatial_shape]."""
    check_indices(g.shape, indices)
    dx = np.empty((*g.shape[:2], *spatial_shape), g.dtype)
    if dx.size and run_scatter(planes(g), planes(indices), planes(dx)):
        raise IndexError(f"indices reach outside of a plane of shape {tuple(spatial_shape)}")
    return dx


def gather_plane(x, indices):
    """Read y [N, C, *O] from the planes of x [N, C, *S] at the indices [N, C, *O]."""
    y = np.empty(indices.shape, x.dtype)
    check_indices(x.shape[:2], indices)
    if y.size and run_gather(planes(x), planes(indices), planes(y)):
        raise IndexError(f"indices reach outside of a plane of shape {x.shape[2:]}")
    return y


def planes(x):
    """x [N, C, *S] as a C-contiguous [N * C, product of S]."""
    return np.ascontiguousarray(x).reshape(x.shape[0] * x.shape[1], -1)


def check_indices(shape, indices):
    if indices.shape[: len(shape)] != shape or indices.dtype != np.int32:
        raise ValueError(f"expected int32 indices of shape {shape}, got {indices.dtype} {indices.shape}")
