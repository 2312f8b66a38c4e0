"""The matrix product z[m, n] = sum over k of a[m, k] * b[k, n].

                          a panel of b: some vectors of columns
                         +----------------------------+
      a, read in place   | n.. to n+15   n+16.. to ... | k     packed, in the cache
                         +----------------------------+
          a[m    ] --->  |     sum           sum       |
          a[m + 1] --->  |     sum           sum       |       in registers
             ...         +----------------------------+

Offsets are strides, so that a transposed matrix needs no copy. The smaller factor is packed while the
larger one streams: if that is b, the product is made transposed, and counts as packed too. But a b that is read along
its rows is packed faster than it streams.

Why not NumPy's BLAS, which is faster on large matrices? Its threads and the kernels' would wait for
each other on the same cores (up to thirty times the time of one thread was measured for the layers of
LeNet-5), and its results depend on how many there are.
"""

cimport numpy as cnp
import numpy as np
from cython.parallel cimport prange
from libc.string cimport memcpy, memset

from minigrad.memory import empty

from .loops cimport (MAX_ALONE, MAX_BYTES, MAX_ROWS, PIECE, Strides, add_lanes, aligned, ceil_div, kernels, kernels_for,
                     most_columns, multiply_panel, part, real_t, threads_for)

cdef enum:
    ROWS = 48  # of a, at most, in an item of work


cdef void pack(const kernels *simd, Py_ssize_t terms, Py_ssize_t columns, const real_t *b, Strides step,
               real_t *packed, Py_ssize_t width) noexcept nogil:
    """packed [terms, width] from b [terms, columns], with zeros for the columns that it lacks."""
    cdef Py_ssize_t k, n
    for k in range(terms):
        for n in range(columns, width):
            packed[k * width + n] = 0
    if step.row == 1:
        simd.transpose(columns, terms, b, step.column, packed, width)
        return
    for k in range(terms):
        if step.column == 1:
            memcpy(packed + k * width, b + k * step.row, columns * sizeof(real_t))
            continue
        for n in range(columns):
            packed[k * width + n] = b[k * step.row + n * step.column]


cdef multiply(const real_t[:, :] a, const real_t[:, :] b, real_t[:, ::1] z):
    """z [M, N] = a [M, K] b [K, N]

    Each thread packs for itself the panels that it needs: what another one has packed is slower to fetch.
    """
    cdef const kernels *simd = kernels_for(sizeof(real_t))
    cdef Py_ssize_t rows = a.shape[0], terms = a.shape[1], vectors = ceil_div(b.shape[1], simd.lanes)
    cdef Py_ssize_t width = part(vectors, most_columns(simd, MAX_ROWS)) * simd.lanes  # of a panel
    cdef Py_ssize_t panels = ceil_div(vectors * simd.lanes, width), cuts = ceil_div(rows, ROWS), items, size, i
    cdef int threads = threads_for(<double> rows * terms * b.shape[1])
    cuts = ceil_div(cuts, threads) * threads  # each thread has as many
    items, size = panels * cuts, terms * width + MAX_BYTES
    cdef real_t[::1] memory = empty((threads * size,), z.base.dtype)
    for i in prange(threads, nogil=True, schedule="static", num_threads=threads):
        multiply_items(simd, i * items // threads, (i + 1) * items // threads, cuts, width, a, b, z,
                       <real_t *> aligned(&memory[i * size]))


cdef void multiply_items(const kernels *simd, Py_ssize_t first, Py_ssize_t last, Py_ssize_t cuts, Py_ssize_t width,
                         const real_t[:, :] a, const real_t[:, :] b, real_t[:, ::1] z, real_t *packed) noexcept nogil:
    """The items of work first to last: so many rows, cut from a, times a panel of b."""
    cdef Py_ssize_t rows = a.shape[0], terms = a.shape[1], columns, wide, i, j, k, m, n
    cdef Strides a_step, b_step
    a_step.row, a_step.column = a.strides[0] // sizeof(real_t), a.strides[1] // sizeof(real_t)
    b_step.row, b_step.column = b.strides[0] // sizeof(real_t), b.strides[1] // sizeof(real_t)
    for i in range(first, last):
        j, m = i // cuts * width, i % cuts * rows // cuts
        columns = min(width, b.shape[1] - j)
        wide = ceil_div(columns, simd.lanes) * simd.lanes
        for n in range(ceil_div(terms, PIECE) if i == first or i % cuts == 0 else 0):
            k = n * PIECE
            pack(simd, min(PIECE, terms - k), columns, &b[0, 0] + k * b_step.row + j * b_step.column, b_step,
                 packed + k * wide, wide)
        multiply_panel(simd, (i % cuts + 1) * rows // cuts - m, terms, columns, &a[0, 0] + m * a_step.row, a_step,
                       packed, &z[m, j], z.shape[1], PIECE, 8, False)


cdef void multiply_rows(const kernels *simd, Py_ssize_t terms, Py_ssize_t columns, const real_t *a, const real_t *b,
                        Py_ssize_t pitch, real_t *z) noexcept nogil:
    """z = a b for as many columns as a block has: whole vectors, then what is left of them. The pitch is b's rows'."""
    cdef real_t zero = 0
    cdef Py_ssize_t[PIECE] row
    cdef Py_ssize_t[MAX_ALONE] column
    cdef Py_ssize_t vectors = columns // simd.lanes, k, n, piece
    cdef double total
    for k in range(PIECE):
        row[k] = k * pitch
    for n in range(vectors):
        column[n] = n * simd.lanes
    for piece in range(ceil_div(terms, PIECE)):
        k = piece * PIECE
        simd.block(1, vectors, min(PIECE, terms - k), a + k, b + k * pitch, column, row,
                   NULL if piece else &zero, z, 0, column)
    for n in range(vectors * simd.lanes, columns):
        total = 0
        for k in range(terms):
            total += a[k] * b[k * pitch + n]
        z[n] = total


cdef void multiply_columns(const kernels *simd, Py_ssize_t terms, Py_ssize_t columns, const real_t *a, const real_t *b,
                           Py_ssize_t pitch, real_t *z) noexcept nogil:
    """The same where the pitch is b's columns': of each whole vectors, lane by lane, then what is left of them."""
    cdef char[MAX_ALONE * MAX_BYTES] memory
    cdef real_t *sums = <real_t *> memory
    cdef Py_ssize_t[PIECE] step
    cdef Py_ssize_t[MAX_ALONE] column, to
    cdef Py_ssize_t lanes = simd.lanes, vectors = terms // lanes, k, n, piece
    for k in range(PIECE):
        step[k] = k * lanes
    for n in range(columns):
        column[n], to[n] = n * pitch, n * lanes
    memset(sums, 0, columns * lanes * sizeof(real_t))
    for piece in range(ceil_div(vectors, PIECE)):
        k = piece * PIECE
        simd.block_pairs(1, columns, min(PIECE, vectors - k), a + k * lanes, b + k * lanes, column, step,
                         NULL, sums, 0, to)
    add_lanes(sums, columns, lanes, z)
    for n in range(columns):
        for k in range(vectors * lanes, terms):
            z[n] += a[k] * b[n * pitch + k]


cdef multiply_vector(const real_t[::1] a, const real_t[:, :] b, real_t[::1] z):
    """z [N] = a [K] b [K, N], which waits for memory, not for arithmetic: b is read in place, and once.

    The rows or the columns of b are contiguous.
    """
    cdef const kernels *simd = kernels_for(sizeof(real_t))
    cdef Py_ssize_t terms = b.shape[0], columns = b.shape[1], most = most_columns(simd, 1), width, i, n
    cdef Py_ssize_t row = b.strides[0] // sizeof(real_t), column = b.strides[1] // sizeof(real_t)
    cdef bint by_columns = row == 1
    cdef int threads = threads_for(8. * terms * columns)
    width = most if by_columns else most * simd.lanes
    for i in prange(ceil_div(columns, width), nogil=True, schedule="static", num_threads=threads):
        n = i * width
        if by_columns:
            multiply_columns(simd, terms, min(width, columns - n), &a[0], &b[0, n], column, &z[n])
        else:
            multiply_rows(simd, terms, min(width, columns - n), &a[0], &b[0, n], row, &z[n])


cdef multiply_outer(const real_t[::1] a, const real_t[::1] b, real_t[:, ::1] z):
    """z [M, N] = a [M] times b [N], the gradient of weights from one sample: it waits for memory, too."""
    cdef Py_ssize_t i, j
    cdef int threads = threads_for(8. * z.size)
    for i in prange(z.shape[0], nogil=True, schedule="static", num_threads=threads):
        for j in range(z.shape[1]):
            z[i, j] = a[i] * b[j]


cdef transposed(const real_t[:, ::1] a):
    """A C-contiguous copy of a's transpose."""
    b = empty((a.shape[1], a.shape[0]), a.base.dtype)
    cdef real_t[:, ::1] target = b
    cdef const kernels *simd = kernels_for(sizeof(real_t))
    cdef Py_ssize_t i
    cdef int threads = threads_for(4. * a.size)
    for i in prange(0, a.shape[0], ROWS, nogil=True, schedule="static", num_threads=threads):
        simd.transpose(min(ROWS, a.shape[0] - i), a.shape[1], &a[i, 0], a.shape[1], &target[0, i], a.shape[0])
    return b


cdef cnp.ndarray in_elements(cnp.ndarray a):
    """The matrix, or a copy if its strides are no whole numbers of elements: the field of a record."""
    return a.copy() if a.strides[0] % a.itemsize or a.strides[1] % a.itemsize else a


def matmul(cnp.ndarray a not None, cnp.ndarray b not None):
    """z [M, N] = a [M, K] b [K, N], all float32 or all float64, of any strides."""
    cdef int number = cnp.PyArray_TYPE(a)
    if number not in (cnp.NPY_FLOAT, cnp.NPY_DOUBLE) or cnp.PyArray_TYPE(b) != number:
        raise TypeError(f"expected matrices of float32 or of float64 only, got {a.dtype} and {b.dtype}")
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[0]:
        raise ValueError(f"expected matrices [M, K] and [K, N], got {(<object> a).shape} and {(<object> b).shape}")
    if not a.size or not b.size:
        return np.zeros((a.shape[0], b.shape[1]), a.dtype)
    a, b = in_elements(a), in_elements(b)
    return product(a, b, <float> 0) if number == cnp.NPY_FLOAT else product(a, b, <double> 0)


cdef product(cnp.ndarray a, cnp.ndarray b, real_t kind):
    """matmul, by the way that fits the shapes."""
    if a.shape[1] == 1:
        z = empty((a.shape[0], b.shape[1]), a.dtype)
        multiply_outer[real_t](np.ascontiguousarray(a[:, 0]), np.ascontiguousarray(b[0]), z)
        return z
    if b.shape[1] == 1 < a.shape[0]:
        return matmul(b.T, a.T).reshape(-1, 1)
    if a.shape[0] == 1 and (b.strides[0] == b.itemsize or b.strides[1] == b.itemsize):
        z = empty((1, b.shape[1]), a.dtype)
        multiply_vector[real_t](np.ascontiguousarray(a[0]), b, z[0])
        return z
    if a.shape[0] * (a.shape[1] + b.shape[1]) < b.size and (a.shape[0] < 16 or b.strides[1] != b.itemsize):
        z = empty((b.shape[1], a.shape[0]), a.dtype)
        multiply[real_t](b.T, a.T, z)
        return transposed[real_t](z)
    z = empty((a.shape[0], b.shape[1]), a.dtype)
    multiply[real_t](a, b, z)
    return z
