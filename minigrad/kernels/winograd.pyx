"""Winograd's convolution: kernels of 3 x 3 with stride 1 for 16 products a square of 2 x 2 results, not 36.

    the image, channels innermost      seen: 16 numbers of each square      products: 16 matrix products
    +-----------------+
    | o o o o . . . . |   image_side    [0]  squares x channels  --- w[0] -->  [0]  squares x channels of y
    | o o o o . . . . | ------------->   :                            :         :
    | o o o o . . . . |     (B')       [15]                      --- w[15] -> [15]         |
    | o o o o . . . . |                                                                    | result_side (A')
    +-----------------+  the next square lies 2 to the right: two columns are shared       v
                                                                             2 x 2 results of each square

What the 16 numbers of a square mean is in winograd.h. They are of one kind for all squares, so that what is left
between the maps is a matrix product for each kind, over the channels. As many rows of squares as stay in the cache
go from map to map at a time. With dilation 2, a square takes every second row and column.

The sums are about as exact as those of the direct way: the maps only add, subtract and halve. Squares of 4 x 4
results would take 4 products for each instead of 9, but their errors were 5 to 15 times PyTorch's. An infinity
or a NaN spreads over the square that it is in; where one comes out, the caller goes the direct way instead. So do
the rounding errors of a number much larger than its neighbours.

See the rows 3x3 of 64 and 256 channels of the benchmark.
"""

import numpy as np
from cython.parallel cimport prange, threadid

from minigrad.memory import empty

from .loops cimport (MAX_ROWS, Loop, Strides, ceil_div, channel, multiply_panel, read_loop, real_t, side_function,
                     squares, threads_for)

cdef enum:
    TERMS = 64  # of a sum that a block collects in one go


cdef struct Squares:
    Py_ssize_t rows, columns  # of squares in an image
    Py_ssize_t row_step, column_step  # of a square: the dilation
    Py_ssize_t image, row, position  # pitches of the images: their channels lie side by side


cdef Squares squares_of(const real_t[:, :, :, :, ::1] image, Py_ssize_t rows, Py_ssize_t columns, dilation):
    """The squares of images [N, groups, rows, columns, channels] that have so many rows and columns of results."""
    cdef Squares s
    s.row_step, s.column_step = dilation
    s.rows = ceil_div(rows, 2 * s.row_step) * s.row_step
    s.columns = ceil_div(columns, 2 * s.column_step) * s.column_step
    s.position, s.row = image.shape[4], image.shape[3] * image.shape[4]
    s.image = image.shape[1] * image.shape[2] * s.row
    return s


cdef inline Py_ssize_t top(const Squares *s, Py_ssize_t row) noexcept nogil:
    """Where in its image a row of squares begins: as many rows as a square has steps are between one and its next."""
    row = row % s.rows
    return row // s.row_step * 2 * s.row_step + row % s.row_step


cdef void look(side_function *side, const Squares *s, Py_ssize_t row, Py_ssize_t channels, const real_t *image,
               real_t *seen, Py_ssize_t pitch) noexcept nogil:
    """seen [16, columns, channels], `pitch` from one of the 16 to the next, of a row of squares of all images."""
    cdef squares origin, to
    cdef Py_ssize_t i
    origin.row, origin.column = s.row_step * s.row, s.column_step * s.position
    origin.next = 2 * origin.column
    to.next, to.row, to.column = s.column_step * channels, 4 * pitch, pitch
    image += row // s.rows * s.image + top(s, row) * s.row
    for i in range(s.column_step):
        side(s.columns // s.column_step, channels, image + i * s.position, origin, seen + i * channels, to)


cdef struct Result:  # of y: numbers from image to image, its rows and columns
    Py_ssize_t image, height, width


cdef bint correlate_rows(const Loop *loop, const Squares *s, Py_ssize_t first, Py_ssize_t last, const real_t *image,
                         const real_t *w, const real_t *bias, real_t *y, Result result, real_t *memory) noexcept nogil:
    """The results of some rows of squares, in one group of all images; whether they are finite."""
    cdef Py_ssize_t count = (last - first) * s.columns, terms = s.position, panel, d, i, j, row, width
    cdef Py_ssize_t pitch = count * terms + loop.lanes, product_pitch  # not the same lines of the cache for all 16
    cdef real_t *seen = memory
    cdef real_t *products = seen + 16 * pitch
    cdef bint finite = True
    for row in range(first, last):
        look(loop.simd.image_side, s, row, terms, image, seen + (row - first) * s.columns * terms, pitch)
    for panel in range(loop.blocks):
        d = channel(loop, panel)
        width = channel(loop, panel + 1) - d
        product_pitch = count * width + loop.lanes
        for i in range(16):
            multiply_panel(loop.simd, count, terms, width, seen + i * pitch, Strides(terms, 1),
                           w + (16 * d + i * width) * terms, products + i * product_pitch, width,
                           TERMS, MAX_ROWS, False)
        for i in range(count):  # to all four results of a square
            for j in range(width):
                products[5 * product_pitch + i * width + j] += bias[d + j]
        for row in range(first, last):
            finite &= put(loop, s, row, width, products + (row - first) * s.columns * width, product_pitch,
                          products + 16 * product_pitch, y + d * result.height * result.width, result)
    return finite


cdef bint put(const Loop *loop, const Squares *s, Py_ssize_t row, Py_ssize_t channels, const real_t *products,
              Py_ssize_t pitch, real_t *sums, real_t *y, Result result) noexcept nogil:
    """The results of a row of squares into y, by way of sums [2, 2 * columns, channels]; whether they are finite."""
    cdef Py_ssize_t i, j, begin = top(s, row), plane = result.height * result.width, count
    cdef squares origin, to
    origin.next, origin.row, origin.column = s.column_step * channels, 4 * pitch, pitch
    to.row, to.column = 2 * s.columns * channels, s.column_step * channels
    to.next = 2 * to.column
    for i in range(s.column_step):
        loop.simd.result_side(s.columns // s.column_step, channels, products + i * channels, origin,
                              sums + i * channels, to)
    y += row // s.rows * result.image + begin * result.width
    cdef Py_ssize_t rows = (begin < result.height) + (begin + s.row_step < result.height)
    cdef bint finite = True
    if rows == 2 and s.row_step == 1 and result.width == 2 * s.columns:
        rows, count = 1, 2 * result.width  # two rows as one
    else:
        count = result.width
    for i in range(rows):
        for j in range(channels // loop.lanes):
            loop.simd.transpose(count, loop.lanes, sums + i * to.row + j * loop.lanes, channels,
                                y + i * s.row_step * result.width + j * loop.lanes * plane, plane)
        finite &= loop.simd.finite(count * channels, sums + i * to.row)
    return finite


def transform_weights(const real_t[:, :, :, ::1] w, tables, bint turned):
    """w [groups, depth, channels, 9] as the products want it: [groups, panel after panel of (16, channels, width)].

    Turned around, w is [groups, channels, depth, 9] and its rows and columns are read backwards.
    """
    cdef Loop loop = read_loop(tables, sizeof(real_t), w.shape[2] if turned else w.shape[1])
    cdef Py_ssize_t i, d, group, vectors = loop.depth // loop.lanes, channels = w.shape[1] if turned else w.shape[2]
    array = empty((w.shape[0], 16 * loop.depth * channels), w.base.dtype)
    cdef real_t[:, ::1] transformed = array
    cdef int threads = threads_for(16. * w.size)
    cdef real_t[:, ::1] memory = empty((threads, 9 * channels * loop.lanes), w.base.dtype)
    for i in prange(w.shape[0] * vectors, nogil=True, schedule="static", num_threads=threads):
        group, d = i // vectors, i % vectors * loop.lanes
        transform_vector(&loop, d, channels, &w[group, 0, d, 0] if turned else &w[group, d, 0, 0], turned,
                         &memory[threadid(), 0], &transformed[group, 0])
    return array


cdef void transform_vector(const Loop *loop, Py_ssize_t d, Py_ssize_t channels, const real_t *w, bint turned,
                           real_t *lanes, real_t *transformed) noexcept nogil:
    """The weights of a vector of channels d, d + 1, ... of the result, by way of lanes [channels, 9, lanes]."""
    cdef Py_ssize_t i, panel = d // (loop.columns * loop.lanes), first = channel(loop, panel)
    cdef Py_ssize_t width = channel(loop, panel + 1) - first
    cdef squares origin, to
    origin.next, origin.row, origin.column = 9 * loop.lanes, 3 * loop.lanes, loop.lanes
    to.next, to.row, to.column = width, 4 * channels * width, channels * width
    if not turned:
        loop.simd.transpose(loop.lanes, 9 * channels, w, 9 * channels, lanes, loop.lanes)
    else:
        for i in range(channels):
            loop.simd.transpose(loop.lanes, 9, w + i * 9 * loop.depth, 9, lanes + i * 9 * loop.lanes, loop.lanes)
        lanes += 8 * loop.lanes
        origin.row, origin.column = -origin.row, -origin.column
    loop.simd.weight_side(channels, loop.lanes, lanes, origin, transformed + 16 * first * channels + d - first, to)


def correlate(const real_t[:, :, :, :, ::1] image, const real_t[:, ::1] w, const real_t[:, ::1] bias,
              real_t[:, :, :, :, ::1] y, tables, dilation):
    """y[n, g, d] = bias[g, d] + the correlation of image [n, g] with w. Returns whether all of y is finite.

    image [N, groups, bordered rows, columns, channels], w from transform_weights, bias [groups, depth],
    y [N, groups, depth, rows, columns]; tables is a tables.Loop.
    """
    cdef Loop loop = read_loop(tables, sizeof(real_t), bias.shape[1])
    cdef Squares s = squares_of(image, y.shape[3], y.shape[4], dilation)
    cdef Result result = Result(y.shape[1] * y.shape[2] * y.shape[3] * y.shape[4], y.shape[3], y.shape[4])
    cdef Py_ssize_t groups = image.shape[1], rows = image.shape[0] * s.rows, width = loop.columns * loop.lanes, i, g, c
    cdef int threads = threads_for(<double> rows * s.columns * groups * loop.depth * loop.taps)
    # As many squares at a time as channels: then what is seen takes as much of the cache as the weights do.
    cdef Py_ssize_t most = min(ceil_div(loop.depth, s.columns), ceil_div(rows * groups, threads))
    cdef Py_ssize_t chunks = ceil_div(rows, most), count = ceil_div(rows, chunks) * s.columns
    cdef real_t[:, ::1] memory = empty((threads, 16 * (count * (s.position + width) + 2 * loop.lanes)
                                        + 4 * s.columns * width), y.base.dtype)
    cdef int infinite = 0
    for i in prange(chunks * groups, nogil=True, schedule="static", num_threads=threads):
        g, c = i % groups, i // groups
        infinite += not correlate_rows(&loop, &s, c * rows // chunks, (c + 1) * rows // chunks, &image[0, g, 0, 0, 0],
                                       &w[g, 0], &bias[g, 0], &y[0, g, 0, 0, 0], result, &memory[threadid(), 0])
    return not infinite


def add_products(const real_t[:, :, :, :, ::1] image, const real_t[:, :, :, :, ::1] g, real_t[:, :, ::1] sums, tables,
                 dilation, bint add):
    """What some images give to the gradient of w, or that is added: sums [parts, groups, panel after panel of
    (16, channels, width)], which are to be added up.

    image [N, groups, bordered rows, columns, channels]; g [N, groups, rows, columns, depth], with zeros where squares
    of results lie over its end.
    """
    cdef Loop loop = read_loop(tables, sizeof(real_t), g.shape[4])
    cdef Squares s = squares_of(image, g.shape[2], g.shape[3], dilation)
    cdef Squares t = squares_of(g, g.shape[2], g.shape[3], dilation)
    cdef Py_ssize_t parts = sums.shape[0], groups = image.shape[1], rows = image.shape[0] * s.rows
    cdef Py_ssize_t vectors = s.position // loop.lanes, i, j, k, n, group
    cdef Py_ssize_t chunks = ceil_div(rows, parts * ceil_div(2 * TERMS, s.columns)) * parts
    cdef Py_ssize_t count = ceil_div(rows, chunks) * s.columns
    cdef int threads = threads_for(<double> rows * s.columns * groups * loop.depth * loop.taps)
    # If there are more threads than parts, each has channels of its own, for which it alone keeps what it sees.
    cdef Py_ssize_t slices = max(1, min(vectors, threads // (parts * groups)))
    cdef real_t[:, ::1] memory = empty((threads, 16 * (count * (s.position + loop.columns * loop.lanes)
                                                       + 2 * loop.lanes)), sums.base.dtype)
    for i in prange(parts * groups * slices, nogil=True, schedule="static", num_threads=threads):
        n, group, k = i // (groups * slices), i // slices % groups, i % slices
        for j in range(n * chunks // parts, (n + 1) * chunks // parts):
            add_chunk(&loop, &s, &t, j * rows // chunks, (j + 1) * rows // chunks, k * vectors // slices * loop.lanes,
                      (k + 1) * vectors // slices * loop.lanes, &image[0, group, 0, 0, 0], &g[0, group, 0, 0, 0],
                      &sums[n, group, 0], &memory[threadid(), 0], add or j > n * chunks // parts)


cdef void add_chunk(const Loop *loop, const Squares *s, const Squares *t, Py_ssize_t first, Py_ssize_t last,
                    Py_ssize_t channel_from, Py_ssize_t channel_to, const real_t *image, const real_t *g,
                    real_t *sums, real_t *memory, bint add) noexcept nogil:
    """What some rows of squares of a group give, for some channels of the image."""
    cdef Py_ssize_t terms = channel_to - channel_from, size = (last - first) * s.columns, panel, d, i, row, width
    cdef Py_ssize_t pitch = size * terms + loop.lanes, g_pitch  # not the same lines of the cache for all 16
    cdef real_t *seen = memory
    cdef real_t *slopes = seen + 16 * pitch
    for row in range(first, last):
        look(loop.simd.image_side, s, row, terms, image + channel_from, seen + (row - first) * s.columns * terms, pitch)
    for panel in range(loop.blocks):
        d = channel(loop, panel)
        width = channel(loop, panel + 1) - d
        g_pitch = size * width + loop.lanes
        for row in range(first, last):
            look(loop.simd.result_side_back, t, row, width, g + d, slopes + (row - first) * s.columns * width, g_pitch)
        for i in range(16):
            multiply_panel(loop.simd, terms, size, width, seen + i * pitch, Strides(1, terms), slopes + i * g_pitch,
                           sums + 16 * d * s.position + (i * s.position + channel_from) * width, width,
                           TERMS, MAX_ROWS, add)


def transform_back(real_t[:, :, ::1] sums, tables, Py_ssize_t depth):
    """The gradient [groups, depth, channels, 9] of the weights, of what `add_products` has added up."""
    cdef Loop loop = read_loop(tables, sizeof(real_t), depth)
    cdef Py_ssize_t i, d, group, groups = sums.shape[1]
    cdef Py_ssize_t vectors = depth // loop.lanes, channels = sums.shape[2] // (16 * depth)
    array = np.empty((groups, depth, channels, 9), sums.base.dtype)
    cdef real_t[:, :, :, ::1] dw = array
    cdef int threads = threads_for(9. * sums.size)
    cdef real_t[:, ::1] memory = empty((threads, 9 * channels * loop.lanes), sums.base.dtype)
    for i in prange(groups * vectors, nogil=True, schedule="static", num_threads=threads):
        group, d = i // vectors, i % vectors * loop.lanes
        transform_vector_back(&loop, d, channels, &sums[0, group, 0], sums.shape[0], groups * sums.shape[2],
                              &memory[threadid(), 0], &dw[group, d, 0, 0])
    return array


cdef void transform_vector_back(const Loop *loop, Py_ssize_t d, Py_ssize_t channels, real_t *sums, Py_ssize_t parts,
                                Py_ssize_t pitch, real_t *lanes, real_t *dw) noexcept nogil:
    """dw [lanes, channels, 9] of a vector of channels d, d + 1, ..., by way of lanes [channels, 9, lanes]."""
    cdef Py_ssize_t panel = d // (loop.columns * loop.lanes), first = channel(loop, panel)
    cdef Py_ssize_t width = channel(loop, panel + 1) - first, i, j, n
    cdef squares origin, to
    origin.next, origin.row, origin.column = width, 4 * channels * width, channels * width
    to.next, to.row, to.column = 9 * loop.lanes, 3 * loop.lanes, loop.lanes
    sums += 16 * first * channels + d - first
    for n in range(1, parts):
        for i in range(16 * channels):
            for j in range(loop.lanes):
                sums[i * width + j] += sums[n * pitch + i * width + j]
    loop.simd.weight_side_back(channels, loop.lanes, sums, origin, lanes, to)
    loop.simd.transpose(9 * channels, loop.lanes, lanes, loop.lanes, dw, 9 * channels)
