"""Convolution and its input gradient, which differ in their tables alone.

    y[d, target[p]] = bias[d] + sum over k of  w[d, pick[k]] * image[base[p] + tap[k]]

                           the image, where it is: streams
                          +---------------------------------------+
      w[d..d+5], packed   | p.. to p+15   p+16.. to    p+32.. to   | tap[k]
      [k] [6 channels]    +---------------------------------------+
           w[d    ] --->  |     sum           sum           sum    |
           w[d + 1] --->  |     sum           sum           sum    |       in registers
              ...         +---------------------------------------+

In a vector lie neighbouring positions of a row of the result (or of 16 images side by side); the last
vector of a row overlaps the one before. The image is read in place. Rows that are shorter than a
vector, and images and results of many channels, are the business of by_channels.pyx. See the rows 7x7 s2 and
3x3 groups 4 of the benchmark.
"""

from cython.parallel cimport prange, threadid

from .loops cimport TILE, Loop, ceil_div, channel, read_loop, real_t, table_t, terms_of_a_piece, threads_for_images

cdef enum:
    ITEMS = 16  # of work, at least, if there is work enough
    BLOCKS = 8  # whose sums stay in the cache while a piece of the taps passes


cdef void sum_vectors(const Loop *loop, Py_ssize_t v, Py_ssize_t columns, const real_t *image, const real_t *packed,
                      const real_t *bias, real_t *y, Py_ssize_t plane) noexcept nogil:
    """All channels of the vectors v, v + 1, ... of positions: y [depth, plane] of one group of one image."""
    cdef char[BLOCKS * TILE] sums
    cdef real_t *tile = <real_t *> sums
    cdef table_t column = loop.column + v, to = loop.to + v
    cdef Py_ssize_t panel, last, i, j, k, d, above, rows, width = columns * loop.lanes
    # The taps that see the image from any of these positions:
    cdef Py_ssize_t p = loop.vectors[v], q = loop.vectors[v + columns - 1] + loop.lanes - 1
    cdef Py_ssize_t first = min(loop.first[p], loop.first[q]), taps = max(loop.last[p], loop.last[q]) - first
    # Where each tap reads lines of its own (1x1), what the first block has read of a piece is there for the others.
    cdef Py_ssize_t together = BLOCKS if loop.taps > 1 and loop.tap[1] - loop.tap[0] >= loop.lanes else 1
    cdef Py_ssize_t piece = terms_of_a_piece(taps)
    # Where vectors overlap, y itself cannot collect the sums of several pieces. (Where not: 1x1 256->64.)
    cdef bint direct = loop.step == 1 and (taps <= piece or loop.n_vectors * loop.lanes == loop.positions)
    for panel in range(ceil_div(loop.blocks, together)):
        last = min((panel + 1) * together, loop.blocks)
        above = channel(loop, panel * together)
        for j in range(ceil_div(taps, piece)):
            k = first + j * piece
            for i in range(panel * together, last):
                d, rows = channel(loop, i), channel(loop, i + 1) - channel(loop, i)
                loop.simd.block(
                    rows, columns, min(piece, first + taps - k), packed + d * loop.taps + k * rows, image, column,
                    loop.tap + k, NULL if j else bias + d, y + d * plane if direct else tile + (d - above) * width,
                    plane if direct else width, to if direct else <table_t> loop.lane_step)
        if not direct:
            for i in range(columns):
                put_back(loop, channel(loop, last) - above, tile + i * loop.lanes, width, y + above * plane + to[i],
                         plane)


cdef inline void put_back(const Loop *loop, Py_ssize_t channels, const real_t *sums, Py_ssize_t width, real_t *y,
                          Py_ssize_t plane) noexcept nogil:
    """A vector of sums of each channel to where its positions lie."""
    cdef Py_ssize_t d, i
    if loop.step == 1:
        loop.simd.copy_rows(channels, loop.lanes, sums, width, 1, y, plane)
        return
    for d in range(channels):
        for i in range(loop.lanes):
            y[d * plane + i * loop.step] = sums[d * width + i]


def correlate(const real_t[:, :, ::1] image, const real_t[:, :, ::1] packed, const real_t[:, ::1] bias,
              real_t[:, :, ::1] y, tables):
    """y[n, g, d * plane + target[p]] = bias[g, d] + the sum over all taps

    image [N, groups, channels * bordered plane], packed from pack_weights, bias
    [groups, depth], y [N, groups, depth * plane]; tables is a tables.Loop.
    """
    cdef Loop loop = read_loop(tables, sizeof(real_t), bias.shape[1])
    cdef Py_ssize_t images = image.shape[0], groups = image.shape[1], plane = y.shape[2] // loop.depth
    cdef Py_ssize_t vectors = loop.n_vectors, cuts = ceil_div(vectors, loop.columns), i, j, n, g, v
    cdef Py_ssize_t parts = min(cuts, max(ceil_div(cuts, ITEMS), ceil_div(ITEMS, images * groups)))
    cdef int threads = threads_for_images(&loop, images, groups)
    for i in prange(images * groups * parts, nogil=True, schedule="static", num_threads=threads):
        g, n = i // parts % groups, i // (parts * groups)
        for j in range(i % parts * cuts // parts, (i % parts + 1) * cuts // parts):
            v = j * vectors // cuts
            sum_vectors(&loop, v, (j + 1) * vectors // cuts - v, &image[n, g, 0],
                        &packed[threadid() % packed.shape[0], g, 0], &bias[g, 0], &y[n, g, 0], plane)
