"""The weight gradient of convolution: for every tap, what it saw times what came of it.

    dw[d, k] = sum over images and p of  image[base[p] + tap[k]] * g[d, p]

    by channels:    taps x channels            by positions:    channels x taps, lane by lane
                    +- g: packed -+                             +- tap k -+ tap k + 1 +
      tap[k    ]    | sum   sum   |              g[d    ]       |   sum   |    sum    |
      tap[k + 1]    | sum   sum   |              g[d + 1]       |   sum   |    sum    |
         ...        +-------------+                ...          +---------+-----------+
      the vectors hold channels                  the vectors hold positions, to be added up

By channels, g is transposed into panels; by positions, it is copied with zeros where the vectors of
a row overlap. A piece of g stays in the cache while all taps of an image pass over it. The sums of
chunks of images are kept apart and added at the end, in their order.
"""

import numpy as np
from cython.parallel cimport prange
from libc.string cimport memset

from .loops cimport (MAX_BYTES, MAX_COLUMNS, MAX_ROWS, Loop, aligned, ceil_div, most_columns, most_rows, part,
                     read_loop, real_t, threads_for)

cdef enum:
    ITEMS = 16  # of work, at least, if there are images enough
    VECTORS = 64  # of positions, copied at a time
    TERMS = 256  # positions of a panel by channels


cdef void add_by_channels(const Loop *loop, Py_ssize_t depth, Py_ssize_t first, Py_ssize_t last, const real_t *image,
                          const real_t *g, real_t *sums, Py_ssize_t pitch) noexcept nogil:
    """Add what one group of an image, and its g [depth, positions], give to the taps first to last of
    sums [taps, pitch]."""
    cdef char[TERMS * MAX_COLUMNS * MAX_BYTES + MAX_BYTES] memory
    cdef real_t *packed = <real_t *> aligned(memory)
    cdef Py_ssize_t columns = ceil_div(depth, loop.lanes), width = columns * loop.lanes, p, k, terms, rows, piece
    if depth < width:
        memset(packed, 0, min(TERMS, loop.positions) * width * sizeof(real_t))
    for piece in range(ceil_div(loop.positions, TERMS)):
        p, k = piece * TERMS, first
        terms = min(TERMS, loop.positions - p)
        loop.simd.transpose(depth, terms, g + p, loop.positions, packed, width)
        while k < last:
            rows = part(last - k, min(8, most_rows(loop.simd, columns)))
            loop.simd.block_by_rows(rows, columns, terms, image, packed, loop.tap + k, loop.base + p,
                                    NULL, sums + k * pitch, pitch, loop.lane_step)
            k += rows


cdef void add_by_positions(const Loop *loop, Py_ssize_t rows, const real_t *image, const real_t *g,
                           real_t *sums) noexcept nogil:
    """Add what an image gives to so many channels: sums [rows, taps, lanes]."""
    cdef char[(VECTORS * MAX_ROWS + 1) * MAX_BYTES] memory
    cdef real_t *packed = <real_t *> aligned(memory)
    cdef Py_ssize_t[VECTORS] start, skip
    cdef Py_ssize_t most = most_columns(loop.simd, rows), v, k, j, p, columns, terms, piece, seen = 0
    for piece in range(ceil_div(loop.n_vectors, VECTORS)):
        v, k = piece * VECTORS, 0
        terms = min(VECTORS, loop.n_vectors - v)
        for j in range(terms):
            p = loop.vectors[v + j]
            start[j], skip[j] = loop.base[p], max(0, seen - p)  # what the vector before has counted
            seen = p + loop.lanes
        loop.simd.copy(terms, rows, g, loop.vectors + v, skip, loop.positions, packed)
        while k < loop.taps:
            columns = part(loop.taps - k, most)
            loop.simd.block_pairs(rows, columns, terms, packed, image, loop.tap + k, start,
                                  NULL, sums + k * loop.lanes, loop.taps * loop.lanes, loop.lane_step)
            k += columns


def add_images(const real_t[:, :, ::1] image, const real_t[:, :, ::1] g, tables, Py_ssize_t depth, bint by_positions):
    """dw [groups, depth, taps] of image [N, groups, channels * bordered plane] and g [N, groups, depth * positions]."""
    cdef Loop loop = read_loop(tables, g, depth)
    cdef Py_ssize_t images = image.shape[0], groups = image.shape[1], taps = loop.taps
    cdef Py_ssize_t i, j, d, n, group, panel, section
    # The channels are cut into panels, and by channels the taps into sections.
    cdef Py_ssize_t vectors = ceil_div(depth, loop.lanes)
    cdef Py_ssize_t width = part(vectors, most_columns(loop.simd, MAX_ROWS)) * loop.lanes
    cdef Py_ssize_t panels = ceil_div(vectors * loop.lanes, width), sections = max(1, taps // 256), lanes = 1
    if by_positions:
        panels, sections = ceil_div(depth, most_rows(loop.simd, most_columns(loop.simd, depth))), 1
        lanes = loop.lanes
    cdef Py_ssize_t rows = depth if by_positions else panels * width
    cdef Py_ssize_t chunks = min(images, ceil_div(ITEMS, groups * panels * sections))
    cdef real_t[:, :, ::1] sums = np.zeros((chunks, groups * rows, taps * lanes), g.base.dtype)
    cdef int threads = threads_for(<double> images * groups * depth * taps * loop.positions)
    for i in prange(chunks * groups * panels * sections, nogil=True, schedule="static", num_threads=threads):
        section, panel = i % sections, i // sections % panels
        group, n = i // (sections * panels) % groups, i // (sections * panels * groups)
        d = panel * depth // panels if by_positions else panel * width
        for j in range(n * images // chunks, (n + 1) * images // chunks):
            if by_positions:
                add_by_positions(&loop, (panel + 1) * depth // panels - d, &image[j, group, 0],
                                 &g[j, group, d * loop.positions], &sums[n, group * rows + d, 0])
            else:
                add_by_channels(&loop, min(width, depth - d), section * taps // sections,
                                (section + 1) * taps // sections, &image[j, group, 0],
                                &g[j, group, d * loop.positions], &sums[n, group * rows + d, 0], width)
    dw = np.empty((groups, depth, taps), g.base.dtype)
    cdef real_t[:, :, ::1] total = dw
    cdef Py_ssize_t first, last
    for i in prange(groups * panels * sections, nogil=True, schedule="static", num_threads=threads):
        section, panel, group = i % sections, i // sections % panels, i // (sections * panels)
        if by_positions:
            for d in range(panel * depth // panels, (panel + 1) * depth // panels):
                add_up(&sums[0, group * rows + d, 0], chunks, groups * rows * taps * lanes, taps * lanes)
                add_lanes(&sums[0, group * rows + d, 0], taps, lanes, &total[group, d, 0])
        else:
            d, first, last = panel * width, section * taps // sections, (section + 1) * taps // sections
            add_up(&sums[0, group * rows + d, 0] + first * width, chunks, groups * rows * taps, (last - first) * width)
            loop.simd.transpose(last - first, min(width, depth - d), &sums[0, group * rows + d, 0] + first * width,
                                width, &total[group, d, first], taps)
    return dw


cdef void add_up(real_t *sums, Py_ssize_t chunks, Py_ssize_t pitch, Py_ssize_t size) noexcept nogil:
    """Add all chunks, `pitch` apart, to the first."""
    cdef Py_ssize_t i, k
    for k in range(1, chunks):
        for i in range(size):
            sums[i] += sums[k * pitch + i]


cdef void add_lanes(real_t *sums, Py_ssize_t taps, Py_ssize_t lanes, real_t *total) noexcept nogil:
    """total [taps] of sums [taps, lanes], which are overwritten."""
    cdef Py_ssize_t i, k, half
    for k in range(taps):
        half = lanes // 2
        while half:
            for i in range(half):
                sums[i] += sums[i + half]
            half //= 2
        total[k] = sums[0]
        sums += lanes


def weight_grad(image, g, tables, depth):
    """dw [groups, depth, taps], by what is faster.

    By positions, what two vectors of a row share is not left out but multiplied by 0. If that is not
    finite, neither is the product, and the sums are done again by channels.
    """
    with np.errstate(all="ignore"):
        if tables.vectors.size:
            dw = add_images(image, g, tables, depth, True)
            if np.isfinite(dw).all():
                return dw
        return add_images(image, g, tables, depth, False)
