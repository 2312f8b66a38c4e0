"""Each in one pass through memory: ReLU, its gradient, erf, a choice, the step of SGD.

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

from .loops import FLOATS
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


cdef void choose(Py_ssize_t n, const unsigned char *condition, const real_t *x, bint one_x, const real_t *y, bint one_y,
                 real_t *z) noexcept:
    """z where the condition holds x, else y; one_x: there is one number instead of n."""
    cdef Py_ssize_t i, p
    cdef int threads = threads_for(<double> WAITING * n)
    cdef real_t a, b
    for i in prange(0, n, CHUNK, nogil=True, schedule="static", num_threads=threads):
        for p in range(i, min(i + CHUNK, n)):
            a, b = x[0 if one_x else p], y[0 if one_y else p]  # read before the choice, as in elementwise.h
            z[p] = a if condition[p] else b


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


def where(condition, x, y):
    """np.where(condition, x, y). That jumps for each element, which takes twenty times as long as this does where the
    processor cannot guess the next one. Here are the floats of one shape, and numbers among them."""
    condition, dtype = np.asarray(condition), np.result_type(x, y)
    x, y = np.asarray(x, dtype), np.asarray(y, dtype)
    if condition.dtype != bool or dtype not in FLOATS or not all([whole(a, condition) for a in (condition, x, y)]):
        return np.where(condition, x, y)
    z = np.empty(condition.shape, dtype)
    start_choice(condition, x, y, z)
    return z


cdef start_choice(cnp.ndarray condition, cnp.ndarray x, cnp.ndarray y, cnp.ndarray z):
    cdef const unsigned char *where = <unsigned char *> cnp.PyArray_DATA(condition)
    cdef void *a = cnp.PyArray_DATA(x)
    cdef void *b = cnp.PyArray_DATA(y)
    cdef void *c = cnp.PyArray_DATA(z)
    if z.itemsize == sizeof(float):
        choose(z.size, where, <float *> a, x.ndim == 0, <float *> b, y.ndim == 0, <float *> c)
    else:
        choose(z.size, where, <double *> a, x.ndim == 0, <double *> b, y.ndim == 0, <double *> c)


cdef bint whole(cnp.ndarray a, like):
    """Whether a is a number, or C-contiguous and of the shape of `like`."""
    return a.ndim == 0 or cnp.PyArray_IS_C_CONTIGUOUS(a) and (<object> a).shape == like.shape


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
