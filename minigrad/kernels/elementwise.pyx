"""Element by element, each in one pass through memory: ReLU, its gradient, erf, and the step of SGD.

    x      . . . . | . . . . | . . . . | ->     streams in
             thread 0, 1, ... take a CHUNK each in turn
    y      . . . . | . . . . | . . . . | ->     streams out

Nothing is kept in the cache and hardly anything is computed: on arrays that do not fit there these
loops go at the pace of memory, for which the compiler's baseline vectors are wide enough. What NumPy
would do in several passes, with a fresh array for each, is done while a number is in a register.
"""

cimport numpy as cnp
import numpy as np
from cython.parallel cimport prange
from libc.math cimport erf as erf64, erff as erf32

from .threads import get_num_threads

ctypedef fused real_t:
    float
    double

cdef enum:
    CHUNK = 16_384  # elements that a thread does in one go
    SMALL = 65_536  # elements that are not worth a second thread

cdef object FLOAT32 = np.dtype(np.float32), FLOAT64 = np.dtype(np.float64)

cdef struct Step:
    double lr, momentum, weight_decay
    double scale, sign  # of the gradient: in the average, and against weight decay
    bint nesterov


# Both candidates are read before the choice: the compiler may not read what the source does not, and
# would branch around it, mispredicting wherever the sign changes.

cdef void relu_chunk(Py_ssize_t n, const real_t *x, real_t *y) noexcept nogil:
    cdef Py_ssize_t i
    cdef real_t number
    for i in range(n):
        number = x[i]
        y[i] = 0 if number < 0 else number


cdef void relu_grad_chunk(Py_ssize_t n, const real_t *g, const real_t *y, real_t *dx) noexcept nogil:
    cdef Py_ssize_t i
    cdef real_t number
    for i in range(n):
        number = g[i]
        dx[i] = 0 if y[i] <= 0 else number


cdef void sgd_chunk(Py_ssize_t n, const Step *step, real_t *p, const real_t *g, real_t *v) noexcept nogil:
    cdef real_t lr = step.lr, momentum = step.momentum, decay = step.weight_decay
    cdef real_t scale = step.scale, sign = step.sign, d
    cdef bint nesterov = step.nesterov
    cdef Py_ssize_t i
    for i in range(n):
        d = sign * g[i]
        if decay:
            d = d + decay * p[i]
        if momentum:
            v[i] = momentum * v[i] + scale * d
            d = d + momentum * v[i] if nesterov else v[i]
        p[i] = p[i] - lr * d


cdef void run_relu(Py_ssize_t n, const real_t *x, real_t *y) noexcept:
    cdef Py_ssize_t i
    cdef int threads = threads_for(n)
    for i in prange(0, n, CHUNK, nogil=True, schedule="static", num_threads=threads):
        relu_chunk(min(CHUNK, n - i), x + i, y + i)


cdef void run_relu_grad(Py_ssize_t n, const real_t *g, const real_t *y, real_t *dx) noexcept:
    cdef Py_ssize_t i
    cdef int threads = threads_for(n)
    for i in prange(0, n, CHUNK, nogil=True, schedule="static", num_threads=threads):
        relu_grad_chunk(min(CHUNK, n - i), g + i, y + i, dx + i)


cdef void run_erf(Py_ssize_t n, const real_t *x, real_t *y) noexcept:
    cdef Py_ssize_t i
    cdef int threads = threads_for(n)
    for i in prange(0, n, nogil=True, schedule="static", num_threads=threads):
        y[i] = erf32(x[i]) if real_t is float else erf64(x[i])


cdef void run_sgd(Py_ssize_t n, const Step *step, real_t *p, const real_t *g, real_t *v) noexcept:
    cdef Py_ssize_t i
    cdef int threads = threads_for(n)
    for i in prange(0, n, CHUNK, nogil=True, schedule="static", num_threads=threads):
        sgd_chunk(min(CHUNK, n - i), step, p + i, g + i, v + i)


cdef int threads_for(Py_ssize_t size) noexcept:
    return get_num_threads() if size > SMALL else 1


cdef bint is_single(cnp.ndarray first, cnp.ndarray other) except -1:
    """Whether these are float32; TypeError unless both are float32 or both float64."""
    if first.dtype != other.dtype or first.dtype not in (FLOAT32, FLOAT64):
        raise TypeError(f"expected float32 or float64, the same in all arrays, got {first.dtype} {other.dtype}")
    return first.dtype == FLOAT32


cdef void *data(cnp.ndarray array):
    return cnp.PyArray_DATA(array)


def relu(x):
    """max(x, 0) of an array of any shape; NaN stays NaN, and -0.0 as it is."""
    x, y = np.ascontiguousarray(x), np.empty(x.shape, x.dtype)
    if is_single(x, y):
        run_relu[float](x.size, <float *> data(x), <float *> data(y))
    else:
        run_relu[double](x.size, <double *> data(x), <double *> data(y))
    return y


def relu_grad(g, y):
    """0 where y <= 0, else g: also where y is NaN. ValueError for different shapes."""
    check_shape(y, g)
    dx, g, y = np.empty(y.shape, y.dtype), np.ascontiguousarray(g), np.ascontiguousarray(y)
    if is_single(g, y):
        run_relu_grad[float](y.size, <float *> data(g), <float *> data(y), <float *> data(dx))
    else:
        run_relu_grad[double](y.size, <double *> data(g), <double *> data(y), <double *> data(dx))
    return dx


def erf(x):
    """The error function 2/sqrt(pi) * (the integral of e^(-t^2) from 0 to x) of an array of any shape."""
    x, y = np.ascontiguousarray(x), np.empty(x.shape, x.dtype)
    if is_single(x, y):
        run_erf[float](x.size, <float *> data(x), <float *> data(y))
    else:
        run_erf[double](x.size, <double *> data(x), <double *> data(y))
    return y


def sgd_step(p, g, v, lr, momentum, dampening, weight_decay, nesterov, maximize):
    """A step of SGD (the formulas are in optim/sgd.py), written into the parameter p and, with a
    momentum, into its average v, which is None without. ValueError for different shapes."""
    check_shape(p, g)
    check_shape(p, p if v is None else v)
    if not p.flags.writeable:
        raise ValueError("the memory of a parameter is read-only")
    new_p, new_v = np.ascontiguousarray(p), np.ascontiguousarray(p if v is None else v)
    g = g.copy() if np.may_share_memory(p, g) else np.ascontiguousarray(g)
    cdef Step step = Step(lr, momentum, weight_decay, 1 - dampening, -1 if maximize else 1, nesterov)
    if is_single(p, new_v) & is_single(p, g):
        run_sgd[float](p.size, &step, <float *> data(new_p), <float *> data(g), <float *> data(new_v))
    else:
        run_sgd[double](p.size, &step, <double *> data(new_p), <double *> data(g), <double *> data(new_v))
    for array, new in (p, new_p), (v, new_v):
        if array is not None and not array.flags.c_contiguous:  # `new` was a copy
            array[...] = new


cdef check_shape(first, other):
    if first.shape != other.shape:
        raise ValueError(f"expected arrays of one shape, got {first.shape} and {other.shape}")
