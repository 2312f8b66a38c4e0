"""Max pooling, and the two moves along its indices that are each other's gradient.

    y[o] = max of x over the window of o       indices[o] = where in the plane of x it was found
    scatter:  dx[indices[o]] += g[o]           gather:      y[o] = x[indices[o]]

      a plane of x, streams
       +-------------+       the running maximum and its place: in registers
       | [a b] c  d  |  --->  y, indices, stream
       | [e f] g  h  |       where each window begins and ends: three tables, in the cache
       +-------------+

As in PyTorch, ties go to the first position, and the last NaN of a window wins. Padding is never
read: windows are cut at the borders of x. A window that lies outside altogether (dilation can do
that) gives -inf and the index -1, which scatter leaves out and gather reads as 0.
1-D and 2-D are 3-D with axes of length 1. Planes are independent: threads share them out.
"""

import numpy as np
from cython.parallel cimport prange
from libc.math cimport INFINITY
from libc.stdint cimport int64_t

from . import tables
from .threads import get_num_threads

ctypedef fused real_t:
    float
    double

cdef enum:
    SMALL = 50_000  # elements that are not worth a second thread


cdef struct Axis:
    Py_ssize_t outputs
    Py_ssize_t step  # from one position of a window to the next, in elements of the plane
    const Py_ssize_t *start  # [outputs] the window's first position inside x, likewise
    const Py_ssize_t *count  # [outputs] how many of its positions are inside x


cdef void pool_plane(
    const real_t *x,  # IN   one plane
    const Axis *a, const Axis *b, const Axis *c,
    real_t *y, int64_t *index,  # OUT  [a.outputs, b.outputs, c.outputs]
) noexcept nogil:
    cdef Py_ssize_t oa, ob, oc, i, j, _k, at, found
    cdef real_t best
    for oa in range(a.outputs):
        for ob in range(b.outputs):
            for oc in range(c.outputs):
                best, found = -INFINITY, -1
                for i in range(a.count[oa]):
                    for j in range(b.count[ob]):
                        at = a.start[oa] + i * a.step + b.start[ob] + j * b.step + c.start[oc]
                        for _k in range(c.count[oc]):
                            if x[at] > best or x[at] != x[at] or found < 0:
                                best, found = x[at], at
                            at = at + c.step
                y[0], index[0] = best, found
                y += 1
                index += 1


def run_pool(const real_t[:, ::1] x, axes, real_t[:, ::1] y, int64_t[:, ::1] indices):
    cdef Axis a[3]
    cdef const Py_ssize_t[::1] start, count
    cdef Py_ssize_t n
    cdef int threads = threads_for(x.size)
    for n in range(3):
        start, count, a[n].step = axes[n]
        a[n].outputs, a[n].start, a[n].count = start.shape[0], &start[0], &count[0]
    for n in prange(x.shape[0], nogil=True, schedule="static", num_threads=threads):
        pool_plane(&x[n, 0], &a[0], &a[1], &a[2], &y[n, 0], &indices[n, 0])


def run_scatter(const real_t[:, ::1] g, const int64_t[:, ::1] indices, real_t[:, ::1] dx):
    """dx[indices] += g; returns how many indices lie outside of dx."""
    cdef Py_ssize_t n, p, outside = 0
    cdef int threads = threads_for(g.shape[0] * g.shape[1])
    for n in prange(g.shape[0], nogil=True, schedule="static", num_threads=threads):
        for p in range(g.shape[1]):
            if 0 <= indices[n, p] < dx.shape[1]:
                dx[n, indices[n, p]] += g[n, p]
            else:
                outside += indices[n, p] != -1
    return outside


def run_gather(const real_t[:, ::1] x, const int64_t[:, ::1] indices, real_t[:, ::1] y):
    """y = x[indices]; returns how many indices lie outside of x."""
    cdef Py_ssize_t n, p, outside = 0
    cdef int threads = threads_for(y.shape[0] * y.shape[1])
    for n in prange(y.shape[0], nogil=True, schedule="static", num_threads=threads):
        for p in range(y.shape[1]):
            y[n, p] = 0
            if 0 <= indices[n, p] < x.shape[1]:
                y[n, p] = x[n, indices[n, p]]
            else:
                outside += indices[n, p] != -1
    return outside


cdef int threads_for(Py_ssize_t size):
    return get_num_threads() if size > SMALL else 1


def max_pool(x, kernel, stride, padding, dilation, output_size):
    """Maximum over windows: y, and int64 indices into the plane of x, both [N, C, *output_size].

    x [N, C, *S] is float32 or float64; the other arguments hold an int for each of the 1 to 3
    spatial dimensions. Padding counts as -inf. output_size may exceed what floor division gives
    (ceil_mode): the last windows then reach over the end of x.
    """
    axes = tables.windows(x.shape[2:], kernel, stride, padding, dilation, output_size)
    y = np.empty((*x.shape[:2], *output_size), x.dtype)
    indices = np.empty(y.shape, np.int64)
    if y.size:
        run_pool(planes(x), axes, planes(y), planes(indices))
    return y, indices


def scatter_plane(g, indices, spatial_shape):
    """Add each g [N, C, *O] at its index into the planes of dx [N, C, *spatial_shape]."""
    dx = np.zeros((*g.shape[:2], *spatial_shape), g.dtype)
    check_indices(g.shape, indices)
    if g.size and run_scatter(planes(g), planes(indices), planes(dx)):
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
    if indices.shape[: len(shape)] != shape or indices.dtype != np.int64:
        raise ValueError(f"expected int64 indices of shape {shape}, got {indices.dtype} {indices.shape}")
