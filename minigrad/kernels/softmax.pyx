"""Along the classes of scores [N, C, P]: the scores below their maximum, and the losses of a cross-entropy.

    x      P ->
    C   . . . . | . . . . |     a thread takes a block of WIDTH columns at a time; the maximum or the
    |   . . . . | . . . . |     sum of each column stays in the first cache, the rows stream past:
    v   . . . . | . . . . |     once to find it, and once more, from the second cache, to use it
        M M M M                 (P = 1: the one column lies in a row; LANES of it are taken at a time)

What takes NumPy a dozen calls, each with an array of its own, is done in two: too many for a network of
80 us a step (the MLP), and too many passes through memory where every pixel has scores. The exponentials
in between are NumPy's.
"""

cimport numpy as cnp
import numpy as np
from cython.parallel cimport prange
from libc.math cimport log
from libc.stdint cimport int64_t

from .loops cimport ceil_div, real_t, threads_for

cdef enum:
    WIDTH = 256  # columns of a block
    LANES = 16  # numbers that do not wait for each other
    WAITING = 8  # multiply-adds for which memory keeps a thread waiting, at each element

cdef enum Work:
    CENTER, SHARE

cdef struct Scores:
    Py_ssize_t images, classes, columns, blocks  # N, C, P, ceil(P / WIDTH)
    int threads


cdef inline real_t merged(bint adds, real_t a, real_t b) noexcept nogil:
    return a + b if adds else (a if a > b else b)


cdef inline void merge_rows(bint adds, Py_ssize_t rows, Py_ssize_t width, Py_ssize_t pitch, const real_t *x,
                            real_t *y) noexcept nogil:
    cdef Py_ssize_t c, p
    for p in range(width):
        y[p] = x[p]
    for c in range(1, rows):
        for p in range(width):
            y[p] = merged(adds, x[c * pitch + p], y[p])


cdef inline void reduce(bint adds, const Scores *s, Py_ssize_t width, const real_t *x, real_t *y) noexcept nogil:
    """y [width], the sum or the maximum of each column. A maximum of some NaN may be any number: x below it is NaN."""
    cdef real_t[LANES] lanes
    cdef Py_ssize_t i, n = min(s.classes, LANES)
    if s.columns > 1:
        merge_rows(adds, s.classes, width, s.columns, x, y)
        return
    lanes[0] = x[0]  # for compilers that do not see that n is not 0
    merge_rows(adds, s.classes // n, n, n, x, lanes)
    merge_rows(adds, n, 1, 1, lanes, y)
    for i in range(s.classes // n * n, s.classes):
        y[0] = merged(adds, x[i], y[0])


cdef inline void spread(bint divides, const Scores *s, Py_ssize_t width, const real_t *x, const real_t *y,
                        real_t *z) noexcept nogil:
    """z = x / y or x - y, y [width] the same in each row."""
    cdef Py_ssize_t c, p, i
    cdef real_t first = y[0]
    if s.columns == 1:
        for c in range(s.classes):
            z[c] = x[c] / first if divides else x[c] - first
        return
    for c in range(s.classes):
        for p in range(width):
            i = c * s.columns + p
            z[i] = x[i] / y[p] if divides else x[i] - y[p]


cdef void center(const Scores *s, Py_ssize_t width, const real_t *x, real_t *z, const int64_t *labels,
                 real_t *picked) noexcept nogil:
    cdef real_t[WIDTH] most
    cdef Py_ssize_t p
    reduce(False, s, width, x, most)
    spread(False, s, width, x, most, z)
    if labels != NULL:
        for p in range(width):
            picked[p] = z[labels[p] * s.columns + p]


cdef void share(const Scores *s, Py_ssize_t width, real_t *z, const int64_t *labels, real_t *picked) noexcept nogil:
    cdef real_t[WIDTH] total
    cdef Py_ssize_t p
    reduce(True, s, width, z, total)
    spread(True, s, width, z, total, z)
    for p in range(width):
        picked[p] = <real_t> log(total[p]) - picked[p]
        z[labels[p] * s.columns + p] -= 1


cdef void run(Work work, const Scores *s, real_t *x, real_t *z, int64_t *labels, real_t *picked) noexcept:
    cdef Py_ssize_t i, n, p, width, at, label
    for i in prange(s.images * s.blocks, nogil=True, schedule="static", num_threads=s.threads):
        n, p = i // s.blocks, i % s.blocks * WIDTH
        width = min(WIDTH, s.columns - p)
        at, label = n * s.classes * s.columns + p, n * s.columns + p
        if work == CENTER:
            center(s, width, x + at, z + at, NULL if labels == NULL else labels + label, picked + label)
        else:
            share(s, width, z + at, labels + label, picked + label)


cdef start(Work work, int dim, cnp.ndarray x, cnp.ndarray z, cnp.ndarray labels=None, cnp.ndarray picked=None):
    """Run along `dim` of C-contiguous arrays of one shape; TypeError unless they are float32 or float64."""
    cdef int i, number = cnp.PyArray_TYPE(x)
    if number not in (cnp.NPY_FLOAT, cnp.NPY_DOUBLE) or not cnp.PyArray_ISNOTSWAPPED(x):
        raise TypeError(f"expected float32 or float64, got {x.dtype}")
    if not x.size:
        return
    cdef Scores s = Scores(1, 1, 1, 1, 1)
    for i in range(x.ndim):
        if i < dim:
            s.images *= x.shape[i]
        elif i == dim:
            s.classes = x.shape[i]
        else:
            s.columns *= x.shape[i]
    s.blocks, s.threads = ceil_div(s.columns, WIDTH), threads_for(<double> WAITING * x.size)
    cdef int64_t *label = NULL if labels is None else <int64_t *> cnp.PyArray_DATA(labels)
    cdef void *pick = NULL if picked is None else cnp.PyArray_DATA(picked)
    if number == cnp.NPY_FLOAT:
        run(work, &s, <float *> cnp.PyArray_DATA(x), <float *> cnp.PyArray_DATA(z), label, <float *> pick)
    else:
        run(work, &s, <double *> cnp.PyArray_DATA(x), <double *> cnp.PyArray_DATA(z), label, <double *> pick)


cdef check_labels(cnp.ndarray labels, Py_ssize_t classes):
    cdef const int64_t *label = <int64_t *> cnp.PyArray_DATA(labels)
    cdef Py_ssize_t i
    if cnp.PyArray_TYPE(labels) != cnp.NPY_INT64 or not cnp.PyArray_ISNOTSWAPPED(labels):
        raise TypeError(f"expected labels of int64, got {labels.dtype}")
    for i in range(labels.size):
        if not 0 <= label[i] < classes:
            raise IndexError(f"label {label[i]} of {classes} classes")


def below_max(x, int dim):
    """x - max x, the maximum along dim, of an array of any shape."""
    z = np.empty(x.shape, x.dtype)
    start(CENTER, dim, np.ascontiguousarray(x), z)
    return z


def class_losses(x, labels, int dim):
    """The losses log sum e^x - x[label] [N, P] and their slopes softmax x - one-hot label, of x's shape. ValueError
    unless the labels have x's shape without dim, TypeError unless they are int64, IndexError for one outside [0, C)."""
    if not 0 <= dim < x.ndim or labels.shape != x.shape[:dim] + x.shape[dim + 1:]:
        raise ValueError(f"scores {x.shape} and labels {labels.shape} do not fit, dim={dim}")
    z, losses = np.empty(x.shape, x.dtype), np.empty(labels.shape, x.dtype)
    check_labels(labels := np.ascontiguousarray(labels), x.shape[dim])
    start(CENTER, dim, np.ascontiguousarray(x), z, labels, losses)
    np.exp(z, out=z)  # of x alone it would overflow
    start(SHARE, dim, z, z, labels, losses)
    return losses, z
