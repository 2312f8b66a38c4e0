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

cimport numpy as cnp
import numpy as np
from cython.parallel cimport prange
from libc.stdint cimport int32_t
from libc.string cimport memset

from . import tables
from .loops import FLOATS
from .loops cimport kernels, kernels_for, pooling, real_t, threads_for

INDEX = np.dtype(np.int32)

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


cdef run_pool(const pooling *windows, cnp.ndarray x, cnp.ndarray y, cnp.ndarray indices, Py_ssize_t planes):
    """y and indices from x, all C-contiguous."""
    cdef const kernels *simd = kernels_for(x.itemsize)
    cdef char *source = cnp.PyArray_BYTES(x)
    cdef char *target = cnp.PyArray_BYTES(y)
    cdef int32_t *index = <int32_t *> cnp.PyArray_DATA(indices)
    cdef Py_ssize_t size = x.size // planes, outputs = y.size // planes, wide = x.itemsize, i, n, last
    cdef Py_ssize_t parts = min(planes, ITEMS)
    cdef int threads = threads_for(10. * planes * size)
    for i in prange(parts, nogil=True, schedule="static", num_threads=threads):
        last = (i + 1) * planes // parts
        for n in range(i * planes // parts, last):  # in this order, as rows may run over into the next plane
            simd.pool(windows, source + n * size * wide, (planes - n) * size, target + n * outputs * wide,
                      index + n * outputs, (last - n) * outputs)


cdef Py_ssize_t move(Py_ssize_t planes, Py_ssize_t outputs, Py_ssize_t size, real_t *pooled, const int32_t *indices,
                     real_t *places, bint scattering) noexcept:
    """places[indices] += pooled, where all places were 0; or pooled = places[indices].

    Returns how many indices lie outside of their plane.
    """
    cdef Py_ssize_t n, p, outside = 0
    cdef real_t *plane
    cdef int threads = threads_for(10. * planes * (size if scattering else outputs))
    for n in prange(planes, nogil=True, schedule="static", num_threads=threads):
        plane = places + n * size
        if scattering:
            memset(plane, 0, size * sizeof(real_t))  # here, where it brings the plane into the cache
        for p in range(n * outputs, (n + 1) * outputs):
            if not scattering:
                pooled[p] = 0
            if 0 <= indices[p] < size:
                if scattering:
                    plane[indices[p]] += pooled[p]
                else:
                    pooled[p] = plane[indices[p]]
            else:
                outside += indices[p] != -1
    return outside


def max_pool(x, kernel, stride, padding, dilation, output_size):
    """Maximum over windows: y, and int32 indices into the plane of x, both [N, C, *output_size].

    x [N, C, *S] is float32 or float64; the other arguments hold an int for each of the 1 to 3
    spatial dimensions. Padding counts as -inf. output_size may exceed what floor division gives
    (ceil_mode): the last windows then reach over the end of x.
    """
    if x.dtype not in FLOATS:
        raise TypeError(f"expected an array of float32 or float64, got {x.dtype}")
    images, channels, *size = x.shape
    cdef Windows w = windows(tuple(size), kernel, stride, padding, dilation, output_size)
    shape = images, channels, *output_size
    y, indices = np.empty(shape, x.dtype), np.empty(shape, INDEX)
    if y.size:
        run_pool(&w.p, np.ascontiguousarray(x), y, indices, images * channels)
    return y, indices


def scatter_plane(g, indices, spatial_shape):
    """Add each g [N, C, *O] at its index into the planes of dx [N, C, *spatial_shape]."""
    dx = np.empty((*g.shape[:2], *spatial_shape), g.dtype)
    move_all(np.ascontiguousarray(g), indices, dx, True)
    return dx


def gather_plane(x, indices):
    """Read y [N, C, *O] from the planes of x [N, C, *S] at the indices [N, C, *O]."""
    y = np.empty((*x.shape[:2], *indices.shape[2:]), x.dtype)
    move_all(y, indices, np.ascontiguousarray(x), False)
    return y


cdef move_all(cnp.ndarray pooled, cnp.ndarray indices, cnp.ndarray places, bint scattering):
    """Move between C-contiguous arrays, of which `pooled` has the shape of the indices."""
    if (<object> indices).shape != (<object> pooled).shape or indices.dtype != INDEX or pooled.dtype not in FLOATS:
        raise ValueError(f"expected floats and int32 indices of shape {(<object> pooled).shape}, got {pooled.dtype}, "
                         f"{indices.dtype} and {(<object> indices).shape}")
    cdef Py_ssize_t planes = pooled.shape[0] * pooled.shape[1], outside
    if not (places if scattering else pooled).size:
        return
    indices = np.ascontiguousarray(indices)
    cdef Py_ssize_t outputs = pooled.size // planes, size = places.size // planes
    cdef int32_t *index = <int32_t *> cnp.PyArray_DATA(indices)
    cdef void *a = cnp.PyArray_DATA(pooled)
    cdef void *b = cnp.PyArray_DATA(places)
    if pooled.itemsize == sizeof(float):
        outside = move(planes, outputs, size, <float *> a, index, <float *> b, scattering)
    else:
        outside = move(planes, outputs, size, <double *> a, index, <double *> b, scattering)
    if outside:
        raise IndexError(f"indices reach outside of a plane of {size} elements")
