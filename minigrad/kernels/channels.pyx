"""Sums over the channels of x [N, C, P], and the normalisation that is made of them.

    x     P ->   channel 0    channel 1   ...      mean, variance     in two passes
    N   [ . . . . . ] [ . . . . . ] [ . .          z = (x - mean) / s
    |   [ . . . . . ] [ . . . . . ] [ . .
    v   [ . . . . . ] [ . . . . . ] [ . .          mean g, mean(g c)  in two, c = x - mean
                                                   dx = (g - mean g - c mean(g c) / s^2) / s

A channel is one thread's from beginning to end, and of an ordinary size: the second and the third pass
find it in the cache. NumPy would go through all of x each time. What PIECE numbers give is added in
double precision.
"""

import numpy as np
from cython.parallel cimport prange
from libc.math cimport sqrt

from .loops cimport ceil_div, real_t, threads_for

cdef enum:
    PIECE = 1024
    LANES = 16  # sums that do not wait for each other
    WAITING = 8  # multiply-adds for which memory keeps a thread waiting, at each element

cdef enum Term:
    NUMBER, SQUARE, PRODUCT  # c, c^2, c y with c = x - middle


cdef inline real_t term(Term kind, real_t c, real_t y) noexcept nogil:
    return c if kind == NUMBER else c * c if kind == SQUARE else c * y


cdef inline real_t add_piece(Term kind, Py_ssize_t n, const real_t *x, const real_t *y, real_t middle) noexcept nogil:
    cdef real_t[LANES] sums
    cdef Py_ssize_t i, k
    for k in range(LANES):
        sums[k] = 0
    for i in range(n // LANES):
        for k in range(LANES):
            sums[k] += term(kind, x[LANES * i + k] - middle, y[LANES * i + k])
    for i in range(n // LANES * LANES, n):
        sums[0] += term(kind, x[i] - middle, y[i])
    for k in range(1, LANES):
        sums[0] += sums[k]
    return sums[0]


cdef inline double add_channel(Term kind, Py_ssize_t images, Py_ssize_t size, Py_ssize_t pitch, const real_t *x,
                               const real_t *y, real_t middle) noexcept nogil:
    """The sum over the images, `pitch` numbers apart, of `size` terms each."""
    cdef double total = 0
    cdef Py_ssize_t n, i, at
    for n in range(images):
        for i in range(ceil_div(size, PIECE)):
            at = n * pitch + i * PIECE
            total += add_piece(kind, min(PIECE, size - i * PIECE), x + at, y + at, middle)
    return total


cdef void normalise_channel(Py_ssize_t images, Py_ssize_t size, Py_ssize_t pitch, double eps, const real_t *x,
                            real_t *z, double *mean, double *variance) noexcept nogil:
    cdef Py_ssize_t n, i
    cdef double count = images * size
    cdef real_t middle = x[0], s  # sums of what lies around it lose no digits to a large mean
    mean[0] = middle + add_channel(NUMBER, images, size, pitch, x, x, middle) / count
    middle = <real_t> mean[0]
    variance[0] = add_channel(SQUARE, images, size, pitch, x, x, middle) / count
    s = <real_t> sqrt(variance[0] + eps)
    for n in range(images):
        for i in range(n * pitch, n * pitch + size):
            z[i] = (x[i] - middle) / s


cdef void normalise_channel_grad(Py_ssize_t images, Py_ssize_t size, Py_ssize_t pitch, const real_t *g,
                                 const real_t *x, double mean, double variance, real_t *dx) noexcept nogil:
    cdef Py_ssize_t n, i
    cdef double count = images * size
    cdef real_t middle = <real_t> mean, s = <real_t> sqrt(variance)
    cdef real_t mean_g = <real_t> (add_channel(NUMBER, images, size, pitch, g, g, 0) / count)
    cdef real_t slope = <real_t> (add_channel(PRODUCT, images, size, pitch, x, g, middle) / count / variance)
    for n in range(images):
        for i in range(n * pitch, n * pitch + size):
            dx[i] = (g[i] - mean_g - (x[i] - middle) * slope) / s


cdef inline Py_ssize_t filled(const real_t[:, :, ::1] x) noexcept nogil:
    """The number of channels, or 0 if they are empty."""
    return x.shape[1] if x.shape[0] and x.shape[2] else 0


def channel_sums(const real_t[:, :, ::1] x):
    """The sums [C] of x [N, C, P] over N and P, as the gradient of a bias wants them."""
    cdef Py_ssize_t c, size = x.shape[2], pitch = x.shape[1] * x.shape[2]
    cdef int threads = threads_for(<double> WAITING * x.size)
    sums = np.zeros(x.shape[1], x.base.dtype)
    cdef real_t[::1] y = sums
    for c in prange(filled(x), nogil=True, schedule="static", num_threads=threads):
        y[c] = <real_t> add_channel(NUMBER, x.shape[0], size, pitch, &x[0, c, 0], &x[0, c, 0], 0)
    return sums


def normalise(const real_t[:, :, ::1] x, double eps):
    """z = (x - mean) / sqrt(variance + eps) of x [N, C, P], with the mean and the variance [C] over N and P in float64,
    the variance being that of the numbers at hand (the biased one)."""
    cdef Py_ssize_t c, size = x.shape[2], pitch = x.shape[1] * x.shape[2]
    cdef int threads = threads_for(3. * WAITING * x.size)
    result, moments = np.empty((x.shape[0], x.shape[1], x.shape[2]), x.base.dtype), np.zeros((2, x.shape[1]))
    cdef real_t[:, :, ::1] z = result
    cdef double[:, ::1] moment = moments
    for c in prange(filled(x), nogil=True, schedule="static", num_threads=threads):
        normalise_channel(x.shape[0], size, pitch, eps, &x[0, c, 0], &z[0, c, 0], &moment[0, c], &moment[1, c])
    return result, moments[0], moments[1]


def normalise_grad(const real_t[:, :, ::1] g, const real_t[:, :, ::1] x, const double[::1] mean,
                   const double[::1] variance):
    """dx = (g - mean g - c mean(g c) / s^2) / s for g and x [N, C, P] and the mean and variance [C], to which eps was
    added; c = x - mean, s^2 is the variance. ValueError for shapes that do not fit."""
    cdef Py_ssize_t c, channels = x.shape[1], size = x.shape[2], pitch = x.shape[1] * x.shape[2]
    if (g.shape[0] != x.shape[0] or g.shape[1] != channels or g.shape[2] != size or mean.shape[0] != channels
            or variance.shape[0] != channels):
        raise ValueError(f"g {g.base.shape}, x {x.base.shape}, mean {mean.base.shape} and variance "
                         f"{variance.base.shape} do not fit")
    cdef int threads = threads_for(3. * WAITING * x.size)
    slopes = np.empty((x.shape[0], channels, size), x.base.dtype)
    cdef real_t[:, :, ::1] dx = slopes
    for c in prange(filled(x), nogil=True, schedule="static", num_threads=threads):
        normalise_channel_grad(x.shape[0], size, pitch, &g[0, c, 0], &x[0, c, 0], mean[c], variance[c], &dx[0, c, 0])
    return slopes
