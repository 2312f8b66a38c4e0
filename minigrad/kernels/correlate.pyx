"""Convolution and its input gradient, which differ in their tables alone.

    y[d, target[p]] = bias[d] + sum over k of  w[d, pick[k]] * image[base[p] + tap[k]]

                           a panel: the taps of some vectors of positions
                          +---------------------------------------+
      w[d..d+5], packed   | p.. to p+15   p+16.. to    p+32.. to   | k     in the cache
      [k] [6 channels]    +---------------------------------------+
           w[d    ] --->  |     sum           sum           sum    |
           w[d + 1] --->  |     sum           sum           sum    |       in registers
              ...         +---------------------------------------+

In a vector lie neighbouring positions. Where the rows of the result are as long as vectors, a panel
need not be made: the image is read in place, and the last vector of a row overlaps the one before.
Where they are not, positions of several rows, or even images, are gathered into each vector of a
panel, which then serves all channels.
"""

import numpy as np
from cython.parallel cimport prange
from libc.string cimport memcpy, memset

from .loops cimport (MAX_ALONE, MAX_ROWS, PANEL, PIECE, TILE, WIDEST, Loop, aligned, ceil_div, read_loop, real_t,
                     table_t, threads_for)

cdef enum:
    ITEMS = 16  # of work, at least, if there is work enough


cdef inline Py_ssize_t channel(const Loop *loop, Py_ssize_t block) noexcept nogil:
    """The first channel of a block."""
    return block * loop.depth // loop.blocks


cdef void pack(const Loop *loop, Py_ssize_t block, const real_t *w, real_t *packed) noexcept nogil:
    """packed [taps, rows of the block] from the w of one group."""
    cdef Py_ssize_t first = channel(loop, block), rows = channel(loop, block + 1) - first, k, i
    w, packed = w + first * loop.pitch, packed + first * loop.taps
    for k in range(loop.taps):
        for i in range(rows):
            packed[i] = w[loop.pick[k] + i * loop.pitch]
        packed += rows


cdef void sum_in_place(const Loop *loop, Py_ssize_t v, Py_ssize_t columns, const real_t *image, const real_t *packed,
                       const real_t *bias, real_t *y, Py_ssize_t plane) noexcept nogil:
    """All channels of the vectors v, v + 1, ... of positions: y [depth, plane] of one group of one image."""
    cdef char[TILE] sums
    cdef real_t *tile = <real_t *> sums
    cdef const real_t *start
    cdef Py_ssize_t[MAX_ALONE] column, to
    cdef Py_ssize_t i, j, k, d, rows
    # The taps that see the image from any of these positions:
    cdef Py_ssize_t p = loop.vectors[v], q = loop.vectors[v + columns - 1] + loop.lanes - 1
    cdef Py_ssize_t first = min(loop.first[p], loop.first[q]), taps = max(loop.last[p], loop.last[q]) - first
    cdef bint direct = taps <= PIECE  # vectors overlap: y itself cannot collect the sums of several pieces
    for i in range(columns):
        column[i], to[i] = loop.base[loop.vectors[v + i]], loop.target[loop.vectors[v + i]]
    for i in range(loop.blocks):
        d, rows, start = channel(loop, i), channel(loop, i + 1) - channel(loop, i), bias + channel(loop, i)
        for j in range(ceil_div(taps, PIECE)):
            k = first + j * PIECE
            loop.simd.block(
                rows, columns, min(PIECE, first + taps - k), packed + d * loop.taps + k * rows, image, column,
                loop.tap + k, start, y + d * plane if direct else tile, plane if direct else loop.panel_step[1],
                <table_t> to if direct else <table_t> loop.lane_step)
            start = NULL
        for j in range(0 if direct else rows):
            for k in range(columns):
                memcpy(y + (d + j) * plane + to[k], tile + j * loop.panel_step[1] + k * loop.lanes,
                       loop.lanes * sizeof(real_t))


cdef void sum_gathered(const Loop *loop, Py_ssize_t at, Py_ssize_t count, Py_ssize_t first, Py_ssize_t last,
                       const real_t *image, Py_ssize_t image_pitch, const real_t *end, const real_t *packed,
                       const real_t *bias, real_t *y, Py_ssize_t y_pitch, Py_ssize_t plane) noexcept nogil:
    """The blocks of channels `first` to `last` of `count` positions, counted through all images.

    image and y point to one group of image 0; the others follow at their pitch. `end` is that of image's memory.
    """
    cdef char[PANEL] memory
    cdef real_t *panel = <real_t *> aligned(memory)
    cdef char[TILE] sums
    cdef real_t *tile = <real_t *> sums
    cdef real_t[MAX_ROWS] zero
    cdef const real_t *start
    cdef Py_ssize_t[WIDEST + 1] run, to, target
    cdef int runs = 0  # of neighbours in the image
    cdef Py_ssize_t columns = ceil_div(count, loop.lanes), width = loop.panel_step[1]
    cdef Py_ssize_t image_number = at // loop.positions, p = at % loop.positions
    cdef Py_ssize_t begin = loop.taps, finish = 0, source = -2
    cdef Py_ssize_t i, j, k, n, d, rows, piece, before
    cdef bint whole  # vectors of neighbours in y, too: they need no tile
    for i in range(count):
        before, source = source, image_number * image_pitch + loop.base[p]
        if source != before + 1:
            run[runs], to[runs] = source, i
            runs += 1
        target[i] = image_number * y_pitch + loop.target[p]
        begin, finish = min(begin, loop.first[p]), max(finish, loop.last[p])
        p += 1
        if p == loop.positions:
            p, image_number = 0, image_number + 1
    to[runs] = count
    whole = count == columns * loop.lanes and target[count - 1] - target[0] == count - 1
    memset(zero, 0, sizeof(zero))
    if count < columns * loop.lanes:  # what is left there might be denormal numbers, which take long
        memset(panel, 0, PIECE * width * sizeof(real_t))
    for piece in range(ceil_div(finish - begin, PIECE)):
        k = begin + piece * PIECE
        n = min(PIECE, finish - k)
        loop.simd.gather(n, image, end, loop.tap + k, runs, run, to, panel, width)
        for i in range(first, last):
            d, rows = channel(loop, i), channel(loop, i + 1) - channel(loop, i)
            start = bias + d
            if piece:
                start = NULL if whole else zero
            loop.simd.block(
                rows, columns, n, packed + d * loop.taps + k * rows, panel, loop.lane_step, loop.panel_step, start,
                y + d * plane + target[0] if whole else tile, plane if whole else width, loop.lane_step)
            if not whole:
                for j in range(rows):
                    scatter(tile + j * width, count, target, piece > 0, y + (d + j) * plane)


cdef inline void scatter(const real_t *sums, Py_ssize_t count, table_t target, bint add, real_t *y) noexcept nogil:
    cdef Py_ssize_t p
    for p in range(count):
        y[target[p]] = sums[p] + (y[target[p]] if add else 0)


def pack_weights(const real_t[:, ::1] w, tables, Py_ssize_t depth):
    """w [groups, .] in the order in which `correlate` reads it: [groups, depth * taps], block by block."""
    cdef Loop loop = read_loop(tables, w, depth)
    cdef Py_ssize_t i, groups = w.shape[0], blocks = loop.blocks
    array = np.empty((groups, depth * loop.taps), np.asarray(w).dtype)
    cdef real_t[:, ::1] packed = array
    cdef int threads = threads_for(4. * packed.size)
    for i in prange(groups * blocks, nogil=True, schedule="static", num_threads=threads):
        pack(&loop, i % blocks, &w[i // blocks, 0], &packed[i // blocks, 0])
    return array


def correlate(const real_t[:, :, ::1] image, const real_t[:, ::1] packed, const real_t[:, ::1] bias,
              real_t[:, :, ::1] y, tables):
    """y[n, g, d * plane + target[p]] = bias[g, d] + the sum over all taps

    image [N, groups, channels * bordered plane], packed [groups, depth * taps] from pack_weights, bias
    [groups, depth], y [N, groups, depth * plane]; tables is a tables.Loop.
    """
    cdef Loop loop = read_loop(tables, y, bias.shape[1])
    cdef Py_ssize_t images = image.shape[0], groups = image.shape[1], plane = y.shape[2] // loop.depth
    cdef Py_ssize_t image_pitch = groups * image.shape[2], y_pitch = groups * y.shape[2]
    cdef const real_t *end = &image[0, 0, 0] + images * image_pitch
    cdef bint in_place = loop.n_vectors > 0
    # In place, a vector holds positions of one image; gathered, they may be of several.
    cdef Py_ssize_t vectors = loop.n_vectors if in_place else ceil_div(images * loop.positions, loop.lanes)
    cdef Py_ssize_t lists = images * groups if in_place else groups
    cdef Py_ssize_t cuts = ceil_div(vectors, loop.columns), i, j, n, g, v, columns, part, section
    cdef Py_ssize_t parts = min(cuts, max(ceil_div(cuts, ITEMS), ceil_div(ITEMS, lists)))
    cdef Py_ssize_t sections = 1 if in_place else min(ceil_div(loop.blocks, 4), ceil_div(ITEMS, lists * parts))
    cdef int threads = threads_for(<double> images * groups * loop.depth * loop.taps * loop.positions)
    for i in prange(lists * parts * sections, nogil=True, schedule="static", num_threads=threads):
        section, part, n = i % sections, i // sections % parts, i // (sections * parts)
        g, n = n % groups, n // groups
        for j in range(part * cuts // parts, (part + 1) * cuts // parts):
            v = j * vectors // cuts
            columns = (j + 1) * vectors // cuts - v
            if in_place:
                sum_in_place(&loop, v, columns, &image[n, g, 0], &packed[g, 0], &bias[g, 0], &y[n, g, 0], plane)
            else:
                sum_gathered(
                    &loop, v * loop.lanes, min(columns * loop.lanes, images * loop.positions - v * loop.lanes),
                    section * loop.blocks // sections, (section + 1) * loop.blocks // sections,
                    &image[0, g, 0], image_pitch, end, &packed[g, 0], &bias[g, 0], &y[0, g, 0], y_pitch, plane)
