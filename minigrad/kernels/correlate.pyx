"""Convolution and its input gradient, which differ in their tables alone.

    y[d, target[p]] = bias[d] + sum over k of  image[base[p] + tap[k]] * w[d, pick[k]]

    by channels:     positions x channels       by positions:     channels x positions
                     +-- w: packed --+                            +-- image, read in place --+
      image[p    ]   | sum  sum  sum |            w[d    ]        |  p.. to p+15   p+16.. to |
      image[p + 1]   | sum  sum  sum |            w[d + 1]        |     sum           sum    |
           ...       +---------------+                ...         +--------------------------+

By channels, the block is transposed when it is stored, and w is packed first. By positions, neither
is needed, but a vector ends where a row of the image ends. A panel of w stays in the cache while
the image streams past it.
"""

import numpy as np
from cython.parallel cimport prange

from minigrad.kernels.loops cimport (
    MAX_COLUMNS, PIECE, TILE, Loop, aligned, block, ceil_div, cut_panels, most_columns, most_rows,
    pack, part, read_loop, real_t, table_t, threads_for,
)

cdef enum:
    SPAN = 48  # positions, at most, in an item of work


cdef Py_ssize_t best_by_channels(const Loop *loop) noexcept:
    """How many channels to do by channels: all, those that fill vectors, or none.

    Compares multiply-adds of vectors for each tap. By channels, part of the last vector is in vain,
    a lone column takes the time of 1.4, as broadcasts set its pace, and transposing takes 2 for
    each number; by positions, part of the last vector of each row is in vain.
    """
    cdef Py_ssize_t depth = loop.depth, channels, vectors, best = depth
    cdef Py_ssize_t[3] choices = [depth, depth - depth % loop.lanes, 0]
    cdef double cost, least = -1
    for channels in choices:
        vectors = ceil_div(channels, loop.lanes)
        cost = loop.n_vectors * (depth - channels)
        if vectors:
            cost += loop.positions * (1.4 if vectors == 1 else vectors)
            cost += loop.positions * channels * 2. / loop.taps
        if least < 0 or cost < least:
            best, least = channels, cost
    return best


cdef void sum_by_channels(
    const Loop *loop, Py_ssize_t p, Py_ssize_t end, Py_ssize_t panel,
    const real_t *image,  # IN   one group of one image
    const real_t *packed,  # IN   [taps, width]
    const real_t *bias,  # IN   [depth]
    real_t *y, Py_ssize_t plane,  # OUT  [depth, plane]
) noexcept nogil:
    """A panel of channels of the positions p to end."""
    cdef char[TILE] memory
    cdef real_t *tile = <real_t *> memory
    cdef Py_ssize_t first = panel * loop.width, depth = min(loop.width, loop.by_channels - first)
    cdef Py_ssize_t columns = ceil_div(depth, loop.lanes), rows, k, i, d
    bias += first
    y += first * plane
    while p < end:
        rows, k = part(end - p, most_rows(loop, columns)), 0
        while k < loop.taps:
            block(loop, rows, columns, False, min(PIECE, loop.taps - k),
                  image, loop.base + p, loop.tap + k,
                  packed + k * loop.width, loop.lane_step, loop.width_step,
                  tile, loop.width, k > 0)
            k += PIECE
        for d in range(depth):
            for i in range(rows):
                y[d * plane + loop.target[p + i]] = tile[i * loop.width + d] + bias[d]
        p += rows


cdef void sum_by_positions(
    const Loop *loop, Py_ssize_t v, Py_ssize_t columns,
    const real_t *image,  # IN   one group of one image, readable up to
    const real_t *image_end,
    const real_t *w,  # IN   one group
    const real_t *bias,  # IN   [depth]
    real_t *y, Py_ssize_t plane,  # OUT  [depth, plane]
) noexcept nogil:
    """The other channels of the vectors v, v + 1, ... of positions.

    A vector that would reach beyond image_end begins earlier.
    """
    cdef char[TILE] memory
    cdef real_t *tile = <real_t *> memory
    cdef Py_ssize_t[MAX_COLUMNS] column, early
    cdef Py_ssize_t width = columns * loop.lanes, d = loop.by_channels, rows, k, i, j, p
    for j in range(columns):
        p = loop.base[loop.vectors[v + j]]
        early[j] = max(0, image + p + loop.last_tap + loop.lanes - image_end)
        column[j] = p - early[j]
    while d < loop.depth:
        rows, k = part(loop.depth - d, most_rows(loop, columns)), 0
        while k < loop.taps:
            block(loop, rows, columns, False, min(PIECE, loop.taps - k),
                  w + d * loop.pitch, loop.pitch_step, loop.pick + k, image, column, loop.tap + k,
                  tile, width, k > 0)
            k += PIECE
        for j in range(columns):
            p = loop.vectors[v + j]
            for i in range(rows):
                store(tile + i * width + j * loop.lanes + early[j], bias[d + i], loop.target + p,
                      loop.vectors[v + j + 1] - p, y + (d + i) * plane)
        d += rows


cdef inline void store(
    const real_t *sums, real_t bias, table_t target, Py_ssize_t count, real_t *y,
) noexcept nogil:
    """y[target[p]] = sums[p] + bias"""
    cdef Py_ssize_t p
    if target[count - 1] - target[0] == count - 1:
        y += target[0]
        for p in range(count):
            y[p] = sums[p] + bias
    else:
        for p in range(count):
            y[target[p]] = sums[p] + bias


def correlate(
    const real_t[:, :, ::1] image,  # IN   [N, groups, channels * bordered plane]
    const real_t[:, ::1] w,  # IN   [groups, .]
    const real_t[:, ::1] bias,  # IN   [groups, depth]
    real_t[:, :, ::1] y,  # OUT  [N, groups, .]
    tables,  # IN   a tables.Loop
    Py_ssize_t plane,  # IN   from channel to channel of y
):
    """y[n, g, d * plane + target[p]] = bias[g, d] + the sum over all taps"""
    cdef Loop loop = read_loop(tables, np.asarray(y), bias.shape[1])
    cdef Py_ssize_t groups = image.shape[1], images = image.shape[0] * groups
    cdef const real_t *image_end = &image[0, 0, 0] + images * image.shape[2]
    if images * image.shape[2] >= loop.last_tap + loop.lanes:
        cut_panels(&loop, best_by_channels(&loop))
    cdef Py_ssize_t panels = groups * loop.panels, panel_size = loop.taps * loop.width
    cdef Py_ssize_t spans = ceil_div(loop.positions, SPAN), others = loop.depth - loop.by_channels
    cdef Py_ssize_t cuts = ceil_div(loop.n_vectors, most_columns(&loop, others))
    cdef Py_ssize_t i, n, g, panel, first, last
    cdef real_t[::1] memory = np.empty(panels * panel_size + 64, np.asarray(y).dtype)
    cdef real_t *packed = aligned(&memory[0])
    cdef int threads = threads_for(<double> images * loop.depth * loop.taps * loop.positions)

    for i in prange(panels, nogil=True, schedule="static", num_threads=threads):
        pack(&loop, i % loop.panels, loop.taps, &w[i // loop.panels, 0], loop.pick, loop.pitch,
             packed + i * panel_size)
    for i in prange(image.shape[0] * panels * spans, nogil=True, schedule="static",
                    num_threads=threads):
        n, panel = i // (spans * panels), i // spans % panels
        g, first = panel // loop.panels, i % spans * loop.positions
        sum_by_channels(
            &loop, first // spans, (first + loop.positions) // spans, panel % loop.panels,
            &image[n, g, 0], packed + panel * panel_size, &bias[g, 0], &y[n, g, 0], plane)
    if others:
        for i in prange(images * cuts, nogil=True, schedule="static", num_threads=threads):
            n, g = i // (cuts * groups), i // cuts % groups
            first, last = i % cuts * loop.n_vectors // cuts, (i % cuts + 1) * loop.n_vectors // cuts
            sum_by_positions(&loop, first, last - first, &image[n, g, 0], image_end,
                             &w[g, 0], &bias[g, 0], &y[n, g, 0], plane)
