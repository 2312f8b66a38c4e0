# What the loops of convolution and the matrix product share. The idea is told in loops.pyx.

from libc.stdint cimport int32_t, uintptr_t

ctypedef fused real_t:
    float
    double

ctypedef const Py_ssize_t *table_t

cdef extern from "simd.h" nogil:
    enum: MAX_ROWS, MAX_COLUMNS, MAX_ALONE, MAX_BYTES
    bint FITS(Py_ssize_t rows, Py_ssize_t columns, int registers)
    void PREFETCH(const void *pointer)
    ctypedef struct pool_axis:
        Py_ssize_t outputs, step
        table_t start, count
    ctypedef struct pooling:
        pool_axis[3] axis
        Py_ssize_t first, whole, taps, stride
    ctypedef void block_function(
        int rows, int columns, Py_ssize_t n, const void *a, const void *b, table_t place, table_t step,
        const void *start, void *out, Py_ssize_t pitch, table_t to) noexcept nogil
    ctypedef struct planes:
        Py_ssize_t rows, columns, pitch, stride, kernel_rows, kernel_columns, row_step
        table_t tap
    ctypedef struct squares:
        Py_ssize_t next, row, column
    ctypedef void side_function(Py_ssize_t count, Py_ssize_t width, const void *source, squares origin,
                                void *target, squares to) noexcept nogil
    ctypedef struct sgd_rule:
        double lr, momentum, weight_decay
        double scale, sign
        bint nesterov
    ctypedef struct kernels:
        int lanes, registers
        block_function *block
        block_function *block_pairs
        block_function *block_by_rows
        void (*copy)(Py_ssize_t n, Py_ssize_t rows, const void *b, table_t step, table_t skip, Py_ssize_t pitch,
                     void *packed) noexcept nogil
        void (*copy_rows)(Py_ssize_t rows, Py_ssize_t columns, const void *a, Py_ssize_t a_pitch, Py_ssize_t a_step,
                          void *b, Py_ssize_t b_pitch) noexcept nogil
        void (*transpose)(Py_ssize_t rows, Py_ssize_t columns, const void *a, Py_ssize_t a_pitch,
                          void *b, Py_ssize_t b_pitch) noexcept nogil
        void (*pool)(const pooling *p, const void *x, Py_ssize_t size, void *y, int32_t *index,
                     Py_ssize_t left) noexcept nogil
        void (*plane)(const planes *p, const void *w, const void *x, const void *bias, void *y) noexcept nogil
        void (*plane_weights)(const planes *p, const void *x, const void *g, void *sums) noexcept nogil
        side_function *image_side
        side_function *weight_side
        side_function *result_side
        side_function *result_side_back
        side_function *weight_side_back
        bint (*finite)(Py_ssize_t size, const void *numbers) noexcept nogil
        void (*relu)(Py_ssize_t n, const void *x, void *y) noexcept nogil
        void (*relu_grad)(Py_ssize_t n, const void *g, const void *y, void *dx) noexcept nogil
        void (*sgd)(Py_ssize_t n, const sgd_rule *rule, void *p, const void *g, void *v) noexcept nogil
    ctypedef struct instruction_set:
        const char *name
        double (*multiply_adds)(Py_ssize_t n) noexcept nogil
        kernels of_float, of_double

cdef enum:
    PIECE = 128  # terms of a sum that a block collects in one go
    TILE = MAX_ROWS * MAX_COLUMNS * MAX_BYTES  # bytes of the sums of a block
    SMALL = 500_000  # multiply-adds that are not worth a second thread

cdef struct Loop:
    const kernels *simd
    Py_ssize_t lanes  # numbers in a vector
    # from tables.Loop
    table_t base, target, tap, pick, cut, first, last, vectors
    table_t column, to  # of the first position of each vector: its base and target
    table_t order  # the taps as their weights lie in memory
    Py_ssize_t positions, taps, phases, pitch, step, n_vectors
    # the blocks that cover so many channels
    Py_ssize_t depth, columns, blocks
    bint by_channels
    Py_ssize_t[MAX_ALONE] lane_step  # 0, 1, 2, ... times lanes

cdef class Prepared:
    """The Loop of some tables, once it was read: reading takes as long as a small convolution."""
    cdef Loop loop
    cdef object column, to, order  # made once: threads without the global lock may be reading them

cdef const kernels *kernels_for(Py_ssize_t itemsize) noexcept
cdef Loop read_loop(tables, Py_ssize_t itemsize, Py_ssize_t depth) except *
cdef int threads_for(double multiply_adds)
cdef int threads_for_images(const Loop *loop, Py_ssize_t images, Py_ssize_t groups)


cdef inline Py_ssize_t ceil_div(Py_ssize_t a, Py_ssize_t b) noexcept nogil:
    return (a + b - 1) // b


cdef inline Py_ssize_t part(Py_ssize_t size, Py_ssize_t most) noexcept nogil:
    """The first of the fewest parts, nearly equal and none larger than `most`, of a size."""
    return ceil_div(size, ceil_div(size, most))


cdef inline Py_ssize_t terms_of_a_piece(Py_ssize_t terms) noexcept nogil:
    """How many of a sum's terms a block collects in one go: the fewer, the smaller are rounding errors, of which short
    sums in one piece have the largest; the more, the less time it takes (7x7 3->64, LeNet conv2, 3x3 s2 128->128)."""
    return part(terms, 192 if terms > 1000 else max(74, min(PIECE, terms // 4)))


cdef inline Py_ssize_t channel(const Loop *loop, Py_ssize_t block) noexcept nogil:
    """The first channel of a block, or of a panel of whole vectors of channels."""
    if loop.by_channels:
        return min(block * loop.columns * loop.lanes, loop.depth)
    return block * loop.depth // loop.blocks


cdef inline Py_ssize_t most_rows(const kernels *simd, Py_ssize_t columns) noexcept nogil:
    """The most rows of a block that has so many columns."""
    cdef Py_ssize_t rows = MAX_ROWS
    while not FITS(rows, columns, simd.registers):
        rows -= 1
    return rows


cdef inline Py_ssize_t most_columns(const kernels *simd, Py_ssize_t rows) noexcept nogil:
    """The most columns of a block that has so many rows, where 4 are as good as many."""
    cdef Py_ssize_t columns = MAX_ALONE if rows == 1 else MAX_COLUMNS
    while not FITS(min(rows, 4), columns, simd.registers):
        columns -= 1
    return columns


cdef inline void *aligned(void *memory) noexcept nogil:
    """The next multiple of 64: a vector that straddles two lines of the cache costs double."""
    return <void *> ((<uintptr_t> memory + 63) & ~<uintptr_t> 63)


cdef inline void add_lanes(real_t *sums, Py_ssize_t count, Py_ssize_t lanes, real_t *total) noexcept nogil:
    """total [count] of sums [count, lanes], which are overwritten."""
    cdef Py_ssize_t i, k, half
    for k in range(count):
        half = lanes // 2
        while half:
            for i in range(half):
                sums[i] += sums[i + half]
            half //= 2
        total[k] = sums[0]
        sums += lanes


cdef struct Strides:
    Py_ssize_t row, column


cdef inline void multiply_panel(const kernels *simd, Py_ssize_t rows, Py_ssize_t terms, Py_ssize_t columns,
                                const real_t *a, Strides step, const real_t *packed, real_t *z, Py_ssize_t pitch,
                                Py_ssize_t piece, Py_ssize_t most, bint add) noexcept nogil:
    """z [rows, columns] = a [rows, terms] times the panel packed [terms, width], or that is added if it is of whole
    vectors; at most `piece` terms and `most` rows at a time."""
    cdef char[TILE] memory
    cdef real_t *tile = <real_t *> memory
    cdef real_t[MAX_ROWS] zero
    cdef Py_ssize_t[PIECE] term
    cdef Py_ssize_t[MAX_ROWS] row, to
    cdef Py_ssize_t vectors = ceil_div(columns, simd.lanes), width = vectors * simd.lanes, i, j, k, m, n, count
    cdef bint whole = columns == width  # vectors, which need no tile
    most = min(most, most_rows(simd, vectors))
    for i in range(MAX_ROWS):
        row[i], to[i], zero[i] = i * step.row, i * simd.lanes, 0
    for k in range(piece):
        term[k] = k * step.column
    for n in range(max(1, ceil_div(terms, piece))):
        k, m = n * piece, 0
        while m < rows:
            count = part(rows - m, most)
            simd.block_by_rows(count, vectors, min(piece, terms - k), a + m * step.row + k * step.column,
                               packed + k * width, row, term, NULL if add or whole and k else <void *> zero,
                               z + m * pitch if whole else tile, pitch if whole else width, to)
            if not whole:
                for i in range(count):
                    for j in range(columns):
                        z[(m + i) * pitch + j] = tile[i * width + j] + (z[(m + i) * pitch + j] if k else 0)
            m += count
