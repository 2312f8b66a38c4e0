"""The weight gradient of convolution: for every tap, what it saw times what came of it.

    dw[d, k] = sum over images and p of  image[base[p] + tap[k]] * g[d, p]

    by channels:    taps x channels            by positions:    channels x taps, lane by lane
                    +- g: packed -+                             +- tap k -+ tap k + 1 +
      tap[k    ]    | sum   sum   |              g[d    ]       |   sum   |    sum    |
      tap[k + 1]    | sum   sum   |              g[d + 1]       |   sum   |    sum    |
         ...        +-------------+                ...          +---------+-----------+
      the vectors hold channels                  the vectors hold positions, to be added up

By channels, g is transposed into panels; by positions, it is copied with zeros where the vectors of
a row overlap. A piece of g stays in the cache while all taps of an image pass over it. The work is cut
into panels of channels, sections of taps, and, where these are few, chunks of images, whose sums are
added at the end, in their order. What adds sums up also sets them to zero, so that one thread's cache
has them from the first to the last.
"""

import numpy as np
from cython.parallel cimport prange
from libc.string cimport memset

from .loops import all_finite
from .loops cimport (MAX_BYTES, MAX_COLUMNS, MAX_ROWS, Loop, add_lanes, aligned, ceil_div, most_columns, most_rows,
                     part, read_loop, real_t, threads_for_images)

cdef enum:
    ITEMS = 16  # of work, at least, if there are images enough
    VECTORS = 64  # of positions, copied at a time
    TERMS = 256  # positions of a panel by channels
    FEW = 96  # the same where there are few: else rounding errors would be larger
    TAPS = 256  # of a section, at least, by channels: so many sums stay in the cache
    TAPS_OF_VECTORS = 128  # the same by positions


cdef struct Share:  # of the work: some channels of a group, and the taps first to last
    Py_ssize_t group, d, depth, first, last


cdef void add_by_channels(const Loop *loop, Share share, const real_t *image, const real_t *g, real_t *sums,
                          Py_ssize_t width, Py_ssize_t size) noexcept nogil:
    """Add what one group of an image, and g [depth, positions], give to sums [taps of the share, width]: so many
    positions (`size`) at a time."""
    cdef char[TERMS * MAX_COLUMNS * MAX_BYTES + MAX_BYTES] memory
    cdef real_t *packed = <real_t *> aligned(memory)
    cdef Py_ssize_t columns = width // loop.lanes, p, k, terms, rows, piece
    if share.depth < width:
        memset(packed, 0, size * width * sizeof(real_t))
    for piece in range(ceil_div(loop.positions, size)):
        p, k = piece * size, share.first
        terms = min(size, loop.positions - p)
        loop.simd.transpose(share.depth, terms, g + p, loop.positions, packed, width)
        while k < share.last:
            rows = part(share.last - k, min(8, most_rows(loop.simd, columns)))
            loop.simd.block_by_rows(rows, columns, terms, image, packed, loop.tap + k, loop.base + p,
                                    NULL, sums + (k - share.first) * width, width, loop.lane_step)
            k += rows


cdef void add_by_positions(const Loop *loop, Share share, const real_t *image, const real_t *g,
                           real_t *sums) noexcept nogil:
    """Add what one group of an image, and g [depth, positions], give to sums [depth, taps of the share, lanes]."""
    cdef char[(VECTORS * MAX_ROWS + 1) * MAX_BYTES] memory
    cdef real_t *packed = <real_t *> aligned(memory)
    cdef Py_ssize_t[VECTORS] start, skip
    cdef Py_ssize_t rows = share.depth, taps = share.last - share.first, most = most_columns(loop.simd, rows)
    cdef Py_ssize_t v, k, j, p, columns, terms, piece, seen = 0
    for piece in range(ceil_div(loop.n_vectors, VECTORS)):
        v, k = piece * VECTORS, 0
        terms = min(VECTORS, loop.n_vectors - v)
        for j in range(terms):
            p = loop.vectors[v + j]
            start[j], skip[j] = loop.base[p], max(0, seen - p)  # what the vector before has counted
            seen = p + loop.lanes
        loop.simd.copy(terms, rows, g, loop.vectors + v, skip, loop.positions, packed)
        while k < taps:
            columns = part(taps - k, most)
            loop.simd.block_pairs(rows, columns, terms, packed, image, loop.tap + share.first + k, start,
                                  NULL, sums + k * loop.lanes, taps * loop.lanes, loop.lane_step)
            k += columns


def add_images(const real_t[:, :, ::1] image, const real_t[:, :, ::1] g, tables, Py_ssize_t depth, bint by_positions):
    """dw [groups, depth, taps] of image [N, groups, channels * bordered plane] and g [N, groups, depth * positions]."""
    cdef Loop loop = read_loop(tables, sizeof(real_t), depth)
    cdef Py_ssize_t images = image.shape[0], groups = image.shape[1], taps = loop.taps, i, j, n, d
    cdef Py_ssize_t width, sections, size, lanes = loop.lanes  # channels of a panel; sums of a share
    cdef Py_ssize_t terms = part(loop.positions, TERMS if images * loop.positions > 1000 else FEW)
    if by_positions:
        width = part(depth, most_rows(loop.simd, most_columns(loop.simd, depth)))
        sections = max(1, taps // TAPS_OF_VECTORS)
        size = width * ceil_div(taps, sections) * lanes
    else:
        width = part(ceil_div(depth, lanes), most_columns(loop.simd, MAX_ROWS)) * lanes
        sections = max(1, taps // TAPS)
        size = width * ceil_div(taps, sections)
    cdef Py_ssize_t shares = groups * ceil_div(depth, width) * sections, chunks = min(images, ceil_div(ITEMS, shares))
    cdef real_t[:, :, ::1] sums = np.empty((chunks, shares, size), g.base.dtype)
    cdef int threads = threads_for_images(&loop, images, groups)
    cdef Share share
    for i in prange(chunks * shares, nogil=True, schedule="static", num_threads=threads):
        share, n = share_of(i % shares, sections, depth, width, taps), i // shares
        memset(&sums[n, i % shares, 0], 0, size * sizeof(real_t))
        for j in range(n * images // chunks, (n + 1) * images // chunks):
            if by_positions:
                add_by_positions(&loop, share, &image[j, share.group, 0], &g[j, share.group, share.d * loop.positions],
                                 &sums[n, i % shares, 0])
            else:
                add_by_channels(&loop, share, &image[j, share.group, 0], &g[j, share.group, share.d * loop.positions],
                                &sums[n, i % shares, 0], width, terms)
    dw = np.empty((groups, depth, taps), g.base.dtype)
    cdef real_t[:, :, ::1] total = dw
    for i in prange(shares, nogil=True, schedule="static", num_threads=threads):
        share = share_of(i, sections, depth, width, taps)
        n = share.last - share.first
        add_up(&sums[0, i, 0], chunks, shares * size, size)
        if by_positions:
            for d in range(share.depth):
                add_lanes(&sums[0, i, d * n * lanes], n, lanes, &total[share.group, share.d + d, share.first])
        else:
            loop.simd.transpose(n, share.depth, &sums[0, i, 0], width, &total[share.group, share.d, share.first], taps)
    return dw


cdef Share share_of(Py_ssize_t i, Py_ssize_t sections, Py_ssize_t depth, Py_ssize_t width,
                    Py_ssize_t taps) noexcept nogil:
    """Share number i where each group has panels of `width` channels."""
    cdef Py_ssize_t section = i % sections, panels = ceil_div(depth, width), d = i // sections % panels * width
    return Share(i // (sections * panels), d, min(width, depth - d),
                 section * taps // sections, (section + 1) * taps // sections)


cdef void add_up(real_t *sums, Py_ssize_t chunks, Py_ssize_t pitch, Py_ssize_t size) noexcept nogil:
    """Add all chunks, `pitch` apart, to the first."""
    cdef Py_ssize_t i, k
    for k in range(1, chunks):
        for i in range(size):
            sums[i] += sums[k * pitch + i]


def weight_grad(image, g, tables, depth):
    """dw [groups, depth, taps], by what is faster.

    By positions, what two vectors of a row share is not left out but multiplied by 0. If that is not
    finite, neither is the product, and the sums are done again by channels.
    """
    if tables.vectors.size:
        dw = add_images(image, g, tables, depth, True)
        if all_finite(dw):
            return dw
    return add_images(image, g, tables, depth, False)
