# What the loops of convolution share. The idea is told in loops.pyx.

from libc.stdint cimport uintptr_t

ctypedef fused real_t:
    float
    double

ctypedef const Py_ssize_t *table_t

cdef extern from "blocks.h" nogil:
    enum: MAX_ROWS, MAX_COLUMNS, MAX_BYTES
    bint FITS(Py_ssize_t rows, Py_ssize_t columns, int registers)
    ctypedef struct instruction_set:
        const char *name
        int registers, float_lanes, double_lanes
        void (*float_block)(
            int rows, int columns, int pairs,
            Py_ssize_t n, const float *a, table_t row, table_t a_step,
            const float *b, table_t column, table_t b_step,
            float *out, Py_ssize_t pitch, int add) noexcept nogil
        void (*double_block)(
            int rows, int columns, int pairs,
            Py_ssize_t n, const double *a, table_t row, table_t a_step,
            const double *b, table_t column, table_t b_step,
            double *out, Py_ssize_t pitch, int add) noexcept nogil

cdef enum:
    PIECE = 256  # terms of a sum that a block collects in one go
    TILE = MAX_ROWS * MAX_COLUMNS * MAX_BYTES  # bytes of the largest block
    PANEL = PIECE * MAX_COLUMNS * MAX_BYTES + 64  # bytes of a piece of the widest panel, aligned
    SMALL = 500_000  # multiply-adds that are not worth a second thread

cdef struct Loop:
    const instruction_set *simd
    Py_ssize_t lanes  # numbers in a vector
    # from tables.Loop
    table_t base, target, tap, pick, vectors
    Py_ssize_t positions, taps, last_tap, pitch, n_vectors
    # channels of the result in one group; so many are done by channels, the others by positions
    Py_ssize_t depth, by_channels
    # the former, in panels of `columns` vectors, that is of `width` numbers
    Py_ssize_t panels, columns, width
    # 0, 1, 2, ... times width, lanes, pitch
    Py_ssize_t[PIECE] width_step
    Py_ssize_t[PIECE] lane_step
    Py_ssize_t[MAX_ROWS] pitch_step

cdef Loop read_loop(tables, array, Py_ssize_t depth) except *
cdef void cut_panels(Loop *loop, Py_ssize_t channels) noexcept
cdef int threads_for(double multiply_adds)
cdef void pack(
    const Loop *loop, Py_ssize_t panel, Py_ssize_t n, const real_t *source, table_t pick,
    Py_ssize_t pitch, real_t *packed) noexcept nogil


cdef inline Py_ssize_t ceil_div(Py_ssize_t a, Py_ssize_t b) noexcept nogil:
    return (a + b - 1) // b


cdef inline Py_ssize_t part(Py_ssize_t size, Py_ssize_t most) noexcept nogil:
    """The first of the fewest parts, nearly equal and none larger than `most`, of a size."""
    return ceil_div(size, ceil_div(size, most))


cdef inline Py_ssize_t most_rows(const Loop *loop, Py_ssize_t columns) noexcept nogil:
    """The most rows of a block that has so many columns."""
    cdef Py_ssize_t rows = MAX_ROWS
    while not FITS(rows, columns, loop.simd.registers):
        rows -= 1
    return rows


cdef inline Py_ssize_t most_columns(const Loop *loop, Py_ssize_t rows) noexcept nogil:
    """The most columns of a block that has so many rows, where 4 are as good as many."""
    cdef Py_ssize_t columns = MAX_COLUMNS
    while not FITS(min(rows, 4), columns, loop.simd.registers):
        columns -= 1
    return columns


cdef inline real_t *aligned(real_t *memory) noexcept nogil:
    """The next multiple of 64: a vector that straddles two lines of the cache costs double."""
    return <real_t *> ((<uintptr_t> memory + 63) & ~<uintptr_t> 63)


cdef inline void block(
    const Loop *loop, Py_ssize_t rows, Py_ssize_t columns, bint pairs,
    Py_ssize_t n, const real_t *a, table_t row, table_t a_step,
    const real_t *b, table_t column, table_t b_step,
    real_t *out, Py_ssize_t pitch, bint add,
) noexcept nogil:
    """block.h: out[i, j] (+)= sum over k < n of a[row[i] + a_step[k]] * b[column[j] + b_step[k]]"""
    if real_t is float:
        loop.simd.float_block(
            rows, columns, pairs, n, a, row, a_step, b, column, b_step, out, pitch, add)
    else:
        loop.simd.double_block(
            rows, columns, pairs, n, a, row, a_step, b, column, b_step, out, pitch, add)
