"""Each in one pass through memory: ReLU, its gradient, erf, the step of SGD; and the sums of channels.

    x      . . . . | . . . . | . . . . | ->     streams in
             thread 0, 1, ... take a CHUNK each in turn
    y      . . . . | . . . . | . . . . | ->     streams out

Nothing is kept in the cache and hardly anything is computed: these loops go at the pace of memory, or
of the cache for arrays that are there. What NumPy would do in several passes, with a fresh array for
each, is done while a number is in a register. What is done with it is in elementwise.h.
"""

cimport numpy as cnp
import numpy as np
from cython.parallel cimport prange
from libc.math cimport erf as erf64, erff as erf32

from .loops cimport kernels, kernels_for, real_t, sgd_rule, threads_for

cdef enum:
    CHUNK = 16_384  # elements that a thread does in one go
    WAITING = 8  # multiply-adds for which memory keeps a thread waiting, at each element

cdef enum Work:
    RELU, RELU_GRAD, ERF, SGD


cdef void erf_chunk(Py_ssize_t n, const real_t *x, real_t *y) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(n):
        y[i] = erf32(x[i]) if real_t is float else erf64(x[i])


cdef void run(Py_ssize_t n, Work work, const sgd_rule *rule, real_t *a, real_t *b, real_t *c) noexcept:
    cdef const kernels *simd = kernels_for(sizeof(real_t))
    cdef Py_ssize_t i, size
    cdef int threads = threads_for(<double> WAITING * n)
    for i in prange(0, n, CHUNK, nogil=True, schedule="static", num_threads=threads):
        size = min(CHUNK, n - i)
        if work == RELU:
            simd.relu(size, a + i, b + i)
        elif work == RELU_GRAD:
            simd.relu_grad(size, a + i, b + i, c + i)
        elif work == ERF:
            erf_chunk(size, a + i, b + i)
        else:
            simd.sgd(size, rule, a + i, b + i, c + i)


cdef start(Work work, cnp.ndarray a, cnp.ndarray b, cnp.ndarray c, const sgd_rule *rule=NULL):
    """Run over C-contiguous arrays of one shape; TypeError unless all are float32 or all float64."""
    cdef int number = cnp.PyArray_TYPE(a)
    cdef bint native = cnp.PyArray_ISNOTSWAPPED(a) and cnp.PyArray_ISNOTSWAPPED(b) and cnp.PyArray_ISNOTSWAPPED(c)
    if (number not in (cnp.NPY_FLOAT, cnp.NPY_DOUBLE) or cnp.PyArray_TYPE(b) != number
            or cnp.PyArray_TYPE(c) != number or not native):
        raise TypeError(f"expected float32 or float64, the same in all arrays, got {a.dtype} {b.dtype} {c.dtype}")
    cdef void *x = cnp.PyArray_DATA(a)
    cdef void *y = cnp.PyArray_DATA(b)
    cdef void *z = cnp.PyArray_DATA(c)
    if number == cnp.NPY_FLOAT:
        run(a.size, work, rule, <float *> x, <float *> y, <float *> z)
    else:
        run(a.size, work, rule, <double *> x, <double *> y, <double *> z)


def relu(x):
    """max(x, 0) of an array of any shape; NaN stays NaN, and -0.0 as it is."""
    y = np.empty(x.shape, x.dtype)
    start(RELU, np.ascontiguousarray(x), y, y)
    return y


def relu_grad(g, y):
    """0 where y <= 0, else g: also where y is NaN. ValueError for different shapes."""
    check_shape(y, g)
    dx = np.empty(y.shape, y.dtype)
    start(RELU_GRAD, np.ascontiguousarray(g), np.ascontiguousarray(y), dx)
    return dx


def erf(x):
    """The error function 2/sqrt(pi) * (the integral of e^(-t^2) from 0 to x) of an array of any shape."""
    y = np.empty(x.shape, x.dtype)
    start(ERF, np.ascontiguousarray(x), y, y)
    return y


def channel_sums(const real_t[:, :, ::1] x):
    """The sums [C] of x [N, C, P] over N and P, as the gradient of a bias wants them; what 1024 numbers give is added
    in double precision."""
    cdef Py_ssize_t c, n, i, size = x.shape[2]
    cdef double total
    cdef int threads = threads_for(<double> WAITING * x.size)
    sums = np.empty(x.shape[1], x.base.dtype)
    cdef real_t[::1] y = sums
    for c in prange(x.shape[1], nogil=True, schedule="static", num_threads=threads):
        total = 0
        for n in range(x.shape[0]):
            for i in range(0, size, 1024):
                total = total + sum_chunk(min(1024, size - i), &x[n, c, i])
        y[c] = <real_t> total
    return sums


cdef real_t sum_chunk(Py_ssize_t n, const real_t *x) noexcept nogil:
    cdef real_t[16] sums  # so many do not wait for each other
    cdef Py_ssize_t i, k
    for k in range(16):
        sums[k] = 0
    for i in range(n // 16):
        for k in range(16):
            sums[k] += x[16 * i + k]
    for i in range(n // 16 * 16, n):
        sums[0] += x[i]
    for k in range(1, 16):
        sums[0] += sums[k]
    return sums[0]


def sgd_step(cnp.ndarray p not None, cnp.ndarray g not None, cnp.ndarray v, lr, momentum, dampening, weight_decay,
             nesterov, maximize):
    """A step of SGD (the formulas are in optim/sgd.py), written into the parameter p and, with a
    momentum, into its average v, which is None without. ValueError for different shapes."""
    cdef bint averaged = v is not None
    v = v if averaged else p
    check_shape(p, g)
    check_shape(p, v)
    if not cnp.PyArray_ISWRITEABLE(p):
        raise ValueError("the memory of a parameter is read-only")
    cdef cnp.ndarray new_p = contiguous(p), new_v = contiguous(v)
    g = contiguous(g)
    if overlap(new_p, g):
        g = g.copy()
    cdef sgd_rule rule = sgd_rule(lr, momentum, weight_decay, 1 - dampening, -1 if maximize else 1, nesterov)
    start(SGD, new_p, g, new_v, &rule)
    if new_p is not p:  # but a copy
        p[...] = new_p
    if averaged and new_v is not v:
        v[...] = new_v


cdef cnp.ndarray contiguous(cnp.ndarray a):
    return a if cnp.PyArray_IS_C_CONTIGUOUS(a) else np.ascontiguousarray(a)


cdef bint overlap(cnp.ndarray a, cnp.ndarray b):
    """Whether two C-contiguous arrays share memory."""
    cdef char *x = cnp.PyArray_BYTES(a)
    cdef char *y = cnp.PyArray_BYTES(b)
    return x < y + cnp.PyArray_NBYTES(b) and y < x + cnp.PyArray_NBYTES(a)


cdef check_shape(first, other):
    if first.shape != other.shape:
        raise ValueError(f"expected arrays of one shape, got {first.shape} and {other.shape}")
