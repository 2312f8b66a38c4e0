"""Depthwise convolution: each channel is a group by itself.

    y[n, d, p] = bias[d] + sum over k of  w[d, k] * x[n, d, p stride + k dilation - padding]

    x, streams        a plane with its border, in the first cache        y, streams
    +--------+        +------------+
    | plane  | -----> | 0 0 0 0 0  |      vectors of columns,           +--------+
    +--------+        | 0 plane 0  | ---> some rows at a time (plane.h)  | plane  |
                      | 0 0 0 0 0  |                                     +--------+
                      +------------+

There are hardly more products than loads, so that it is the memory that takes time: each number of x comes from
there once, and gets its place inside of the border where it is read. The input gradient is the same with the
kernel turned around and g's numbers `stride` apart, zeros between them. See the row depthwise 3x3 of the benchmark.
"""

import numpy as np
from cython.parallel cimport prange, threadid

from .loops cimport MAX_BYTES, add_lanes, aligned, ceil_div, kernels, kernels_for, planes, real_t, threads_for

cdef enum:
    SLACK = 32  # numbers behind a plane, so that it can begin with a line of the cache


# Where number (i, j) of a plane goes: to row before + i apart and column before + j apart. Every stride-th column
# lies beside it: those of a remainder make a part of the row.
cdef struct Places:
    Py_ssize_t before, apart, pitch
    Py_ssize_t column_before, column_apart, column_stride, part


cdef void put(const kernels *simd, const real_t *x, Py_ssize_t rows, Py_ssize_t columns, const Places *to,
              real_t *plane) noexcept nogil:
    cdef Py_ssize_t i, j, k, column, count = columns
    for k in range(min(to.column_stride, columns)):
        column = to.column_before + k
        if to.column_stride > 1:
            column = column % to.column_stride * to.part + column // to.column_stride
            count = ceil_div(columns - k, to.column_stride)
        if to.column_apart == 1:
            simd.copy_rows(rows, count, x + k, columns, to.column_stride,
                           plane + to.before * to.pitch + column, to.apart * to.pitch)
            continue
        for i in range(rows):
            for j in range(columns):
                plane[(to.before + i * to.apart) * to.pitch + column + j * to.column_apart] = x[i * columns + j]


cdef inline Py_ssize_t whole(Py_ssize_t columns, Py_ssize_t lanes) noexcept nogil:
    return ceil_div(columns, lanes) * lanes


def correlate(const real_t[:, :, :, ::1] x, const real_t[:, :, ::1] w, const real_t[::1] bias,
              real_t[:, :, :, ::1] y, before, stride, dilation, apart):
    """Fill y [N, D, *O] from x [N, D, *S], w [D, *K] and bias [D].

    before, apart: the zeros that come before the rows and columns of x, and how far apart they are; if not 1,
    stride is.
    """
    cdef const kernels *simd = kernels_for(sizeof(real_t))
    cdef Py_ssize_t channels = x.shape[1], i, n, d
    cdef planes p
    cdef Places to
    p.rows, p.columns, p.kernel_rows, p.kernel_columns = y.shape[2], y.shape[3], w.shape[1], w.shape[2]
    cdef const Py_ssize_t[::1] tap = layout(&p, &to, x.shape[3], simd.lanes, before, stride, dilation, apart)
    p.tap = &tap[0]
    cdef Py_ssize_t height = max((p.rows - 1) * p.stride + (p.kernel_rows - 1) * p.row_step,
                                 to.before + (x.shape[2] - 1) * to.apart) + 1
    cdef int threads = threads_for(<double> y.size * p.kernel_rows * p.kernel_columns)
    cdef real_t[:, ::1] memory = np.zeros((threads, height * p.pitch + SLACK), y.base.dtype)
    cdef real_t *plane
    for i in prange(x.shape[0] * channels, nogil=True, schedule="static", num_threads=threads):
        n, d, plane = i // channels, i % channels, <real_t *> aligned(&memory[threadid(), 0])
        put(simd, &x[n, d, 0, 0], x.shape[2], x.shape[3], &to, plane)
        simd.plane(&p, &w[d, 0, 0], plane, &bias[d], &y[n, d, 0, 0])


cdef layout(planes *p, Places *to, Py_ssize_t columns, Py_ssize_t lanes, before, stride, dilation, apart):
    """The taps; and all else of p, and where `columns` columns of x go."""
    cdef Py_ssize_t reach = (p.kernel_columns - 1) * dilation[1]
    p.row_step, p.stride = dilation[0], stride[0]
    to.before, to.column_before = before
    to.apart, to.column_apart = apart
    to.column_stride = stride[1]
    to.part = whole(max(whole(p.columns, lanes) + reach // to.column_stride,
                        (to.column_before + (columns - 1) * to.column_apart) // to.column_stride + 1), lanes)
    p.pitch = to.pitch = to.column_stride * to.part
    seen = np.arange(p.kernel_columns) * dilation[1]
    return seen % stride[1] * to.part + seen // stride[1]


def weight_grad(const real_t[:, :, :, ::1] x, const real_t[:, :, :, ::1] g, kernel, before, stride, dilation, apart):
    """dw [D, *K] of x [N, D, *S] and g [N, D, *O]. Right if all of it is finite: zeros beside g are factors too."""
    cdef const kernels *simd = kernels_for(sizeof(real_t))
    cdef Py_ssize_t channels = x.shape[1], n, d
    cdef planes p
    cdef Places to
    # Nine weights at a time; those beyond the kernel are computed in vain.
    p.kernel_rows, p.kernel_columns = whole(kernel[0], 3), whole(kernel[1], 3)
    p.rows, p.columns = g.shape[2], g.shape[3]
    cdef const Py_ssize_t[::1] tap = layout(&p, &to, x.shape[3], simd.lanes, before, stride, dilation, apart)
    p.tap = &tap[0]
    cdef Py_ssize_t height = max((p.rows - 1) * p.stride + (p.kernel_rows - 1) * p.row_step + 1,
                                 to.before + x.shape[2])
    cdef int threads = threads_for(<double> g.size * p.kernel_rows * p.kernel_columns)
    cdef real_t[:, ::1] memory = np.zeros((threads, height * p.pitch + SLACK), g.base.dtype)
    cdef Py_ssize_t nines = p.kernel_columns // 3, lanes = MAX_BYTES // sizeof(real_t)
    cdef Py_ssize_t weights = p.kernel_rows * p.kernel_columns
    cdef real_t[:, ::1] sums = np.zeros((channels, weights * lanes), g.base.dtype)
    dw = np.empty((channels, p.kernel_rows // 3, nines, 3, 3), g.base.dtype)
    cdef real_t[:, ::1] total = dw.reshape(channels, -1)
    cdef real_t *plane
    for d in prange(channels, nogil=True, schedule="static", num_threads=threads):
        plane = <real_t *> aligned(&memory[threadid(), 0])
        for n in range(x.shape[0]):
            put(simd, &x[n, d, 0, 0], x.shape[2], x.shape[3], &to, plane)
            add_weights(simd, &p, plane, &g[n, d, 0, 0], &sums[d, 0])
        add_lanes(&sums[d, 0], weights, lanes, &total[d, 0])
    return dw.swapaxes(2, 3).reshape(channels, p.kernel_rows, p.kernel_columns)[:, : kernel[0], : kernel[1]]


cdef void add_weights(const kernels *simd, const planes *p, const real_t *plane, const real_t *slopes,
                      real_t *sums) noexcept nogil:
    """To all weights, nine at a time."""
    cdef planes nine = p[0]
    cdef Py_ssize_t i, j
    for i in range(p.kernel_rows // 3):
        for j in range(p.kernel_columns // 3):
            nine.tap = p.tap + 3 * j
            simd.plane_weights(&nine, plane + 3 * i * p.row_step * p.pitch, slopes, sums)
            sums += 9 * MAX_BYTES // sizeof(real_t)
