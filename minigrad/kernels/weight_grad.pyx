"""The weight gradient of convolution: for every tap, what it saw times what came of it.

    dw[d, k] = sum over images and p of  image[base[p] + tap[k]] * g[d, p]

    by channels:    taps x channels            by positions:    channels x taps, scalar products
                    +- g: packed -+                             +- tap k -+ tap k + 1 +
      tap[k    ]    | sum   sum   |              g[d    ]       |   sum   |    sum    |
      tap[k + 1]    | sum   sum   |              g[d + 1]       |   sum   |    sum    |
         ...        +-------------+                ...          +---------+-----------+
      the vectors hold channels                  the vectors hold positions, to be added up

By channels, g is transposed into panels; by positions, it is copied with zeros at the end of each
row. A piece of g stays in the cache while all taps of an image pass over it. The sums of chunks of
images are kept apart and added at the end, in their order.
"""

import numpy as np
from cython.parallel cimport prange
from libc.string cimport memcpy, memset

from minigrad.kernels.loops cimport (
    MAX_ROWS, PANEL, PIECE, Loop, aligned, block, ceil_div, most_columns, most_rows,
    pack, part, read_loop, real_t, threads_for,
)

cdef enum:
    ITEMS = 16  # of work, at least, if there are images enough
    VECTORS = PIECE // 4  # of positions, copied at a time


cdef bint better_by_positions(const Loop *loop) noexcept:
    """Compares multiply-adds of vectors for each image, as in correlate.pyx.

    By channels, transposing g takes 3 for each number; by positions, all takes half as long again,
    since fewer sums share what is read of the image.
    """
    cdef Py_ssize_t vectors = ceil_div(loop.depth, loop.lanes)
    cdef double by_channels = loop.taps * (1.4 if vectors == 1 else vectors) + 3. * loop.depth
    return 1.5 * loop.depth * loop.taps * loop.n_vectors < by_channels * loop.positions


cdef void add_by_channels(
    const Loop *loop, Py_ssize_t n, Py_ssize_t end,
    Py_ssize_t panel, Py_ssize_t first, Py_ssize_t last,
    const real_t *image, Py_ssize_t image_pitch,  # IN   one group of image 0, 1, ...
    const real_t *g, Py_ssize_t g_pitch,  # IN   likewise, [depth, positions]
    real_t *sums,  # OUT  [taps, width]
) noexcept nogil:
    """Add the images n to end to a panel of channels of the taps first to last."""
    cdef char[PANEL] memory
    cdef real_t *packed = aligned(<real_t *> memory)
    cdef Py_ssize_t columns = ceil_div(min(loop.width, loop.depth - panel * loop.width), loop.lanes)
    cdef Py_ssize_t p, k, terms, rows
    image += n * image_pitch
    g += n * g_pitch
    while n < end:
        p = 0
        while p < loop.positions:
            terms, k = min(PIECE, loop.positions - p), first
            pack(loop, panel, terms, g, loop.target + p, loop.positions, packed)
            while k < last:
                rows = part(last - k, most_rows(loop, columns))
                block(loop, rows, columns, False, terms, image, loop.tap + k, loop.base + p, packed,
                      loop.lane_step, loop.width_step, sums + k * loop.width, loop.width, True)
                k += rows
            p += PIECE
        n += 1
        image += image_pitch
        g += g_pitch


cdef void add_by_positions(
    const Loop *loop, Py_ssize_t n, Py_ssize_t end, Py_ssize_t d, Py_ssize_t rows,
    const real_t *image, Py_ssize_t image_pitch,  # IN   as above, readable up to image_end
    const real_t *image_end,
    const real_t *g, Py_ssize_t g_pitch,  # IN   as above
    real_t *sums,  # OUT  [rows, taps, lanes]
) noexcept nogil:
    """Add the images n to end to the channels d, d + 1, ...

    A vector that would reach beyond image_end begins earlier.
    """
    cdef char[PANEL] memory
    cdef real_t *packed = aligned(<real_t *> memory)
    cdef real_t *to
    cdef Py_ssize_t[VECTORS] start
    cdef Py_ssize_t[MAX_ROWS] row
    cdef Py_ssize_t most = most_columns(loop, rows), v, k, i, j, p, count, terms, early
    for i in range(rows):
        row[i] = i * VECTORS * loop.lanes
    image += n * image_pitch
    g += n * g_pitch
    while n < end:
        v = 0
        while v < loop.n_vectors:
            terms = min(VECTORS, loop.n_vectors - v)
            for j in range(terms):
                p, count = loop.vectors[v + j], loop.vectors[v + j + 1] - loop.vectors[v + j]
                early = max(0, image + loop.base[p] + loop.last_tap + loop.lanes - image_end)
                start[j] = loop.base[p] - early
                for i in range(rows):
                    to = packed + row[i] + j * loop.lanes
                    memset(to, 0, loop.lanes * sizeof(real_t))
                    memcpy(to + early, g + (d + i) * loop.positions + p, count * sizeof(real_t))
            k = 0
            while k < loop.taps:
                block(loop, rows, min(most, loop.taps - k), True, terms,
                      packed, row, loop.lane_step, image, loop.tap + k, start,
                      sums + k * loop.lanes, loop.taps * loop.lanes, True)
                k += most
            v += VECTORS
        n += 1
        image += image_pitch
        g += g_pitch


def sum_by_channels(
    const real_t[:, :, ::1] image,  # IN   [N, groups, channels * bordered plane]
    const real_t[:, :, ::1] g,  # IN   [N, groups, depth * positions]
    tables, Py_ssize_t depth,
):
    """dw [groups, depth, taps]"""
    cdef Loop loop = read_loop(tables, np.asarray(g), depth)
    cdef Py_ssize_t images = image.shape[0], groups = image.shape[1]
    cdef Py_ssize_t panels = groups * loop.panels, sections = max(1, loop.taps // PIECE)
    cdef Py_ssize_t chunks = min(images, ceil_div(ITEMS, panels * sections)), i, panel, section, n
    cdef real_t[:, :, :, ::1] sums = np.zeros(
        (chunks, panels, loop.taps, loop.width), np.asarray(g).dtype)
    cdef int threads = threads_for(<double> images * groups * depth * loop.taps * loop.positions)
    for i in prange(chunks * panels * sections, nogil=True, schedule="static",
                    num_threads=threads):
        section, panel, n = i % sections, i // sections % panels, i // (sections * panels)
        add_by_channels(
            &loop, n * images // chunks, (n + 1) * images // chunks, panel % loop.panels,
            section * loop.taps // sections, (section + 1) * loop.taps // sections,
            &image[0, panel // loop.panels, 0], groups * image.shape[2],
            &g[0, panel // loop.panels, 0], groups * g.shape[2], &sums[n, panel, 0, 0])
    total = np.asarray(sums).sum(axis=0).reshape(groups, loop.panels, loop.taps, loop.width)
    return total.swapaxes(2, 3).reshape(groups, -1, loop.taps)[:, :depth]


def sum_by_positions(
    const real_t[:, :, ::1] image,  # IN   [N, groups, channels * bordered plane]
    const real_t[:, :, ::1] g,  # IN   [N, groups, depth * positions]
    tables, Py_ssize_t depth,
):
    """dw [groups, depth, taps]"""
    cdef Loop loop = read_loop(tables, np.asarray(g), depth)
    cdef Py_ssize_t images = image.shape[0], groups = image.shape[1]
    cdef Py_ssize_t sections = ceil_div(depth, most_rows(&loop, most_columns(&loop, depth)))
    cdef Py_ssize_t chunks = min(images, ceil_div(ITEMS, groups * sections)), i, group, d, end, n
    cdef real_t[:, :, :, :, ::1] sums = np.zeros(
        (chunks, groups, depth, loop.taps, loop.lanes), np.asarray(g).dtype)
    cdef const real_t *image_end = &image[0, 0, 0] + images * groups * image.shape[2]
    cdef int threads = threads_for(<double> images * groups * depth * loop.taps * loop.positions)
    for i in prange(chunks * groups * sections, nogil=True, schedule="static",
                    num_threads=threads):
        group, n = i // sections % groups, i // (sections * groups)
        d, end = i % sections * depth // sections, (i % sections + 1) * depth // sections
        add_by_positions(
            &loop, n * images // chunks, (n + 1) * images // chunks, d, end - d,
            &image[0, group, 0], groups * image.shape[2], image_end,
            &g[0, group, 0], groups * g.shape[2], &sums[n, group, d, 0, 0])
    return np.asarray(sums).sum(axis=0).sum(axis=-1)


def weight_grad(image, g, tables, depth):
    """dw [groups, depth, taps], by what is faster.

    By positions, what lies beyond the end of a row is not left out but multiplied by 0. If that
    is not finite, neither is the product, and the sums are done again by channels.
    """
    cdef Loop loop = read_loop(tables, g, depth)
    with np.errstate(all="ignore"):
        if image.size >= loop.last_tap + loop.lanes and better_by_positions(&loop):
            dw = sum_by_positions(image, g, tables, depth)
            if np.isfinite(dw).all():
                return dw
        return sum_by_channels(image, g, tables, depth)
