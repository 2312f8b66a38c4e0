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

from minigrad.kernels.loops cimport (
    MAX_BYTES, MAX_COLUMNS, MAX_ROWS, Loop, aligned, ceil_div, most_columns, most_rows, part,
    read_loop, real_t, threads_for,
)

cdef enum:
    ITEMS = 16  # of work, at least, if there are images enough
    VECTORS = 64  # of positions, copied at a time
    TERMS = 256  # positions of a panel by channels


cdef void add_by_channels(
    const Loop *loop, Py_ssize_t n, Py_ssize_t end, Py_ssize_t d, Py_ssize_t depth,
    Py_ssize_t first, Py_ssize_t last,
    const real_t *image, Py_ssize_t image_pitch,  # IN   one group of image 0, 1, ...
    const real_t *g, Py_ssize_t g_pitch,  # IN   likewise, [depth, positions]
    real_t *sums, Py_ssize_t pitch,  # OUT  [taps, width], from tap to tap
) noexcept nogil:
    """Add the images n to end to the channels d, d + 1, ... (`depth` of them) of the taps first to last."""
    cdef char[TERMS * MAX_COLUMNS * MAX_BYTES + MAX_BYTES] memory
    cdef real_t *packed = <real_t *> aligned(memory)
    cdef Py_ssize_t columns = ceil_div(depth, loop.lanes), width = columns * loop.lanes
    cdef Py_ssize_t p, k, terms, rows, piece
    image += n * image_pitch
    g += n * g_pitch + d * loop.positions
    memset(packed, 0, TERMS * width * sizeof(real_t))
    while n < end:
        for piece in range(ceil_div(loop.positions, TERMS)):
            p = piece * TERMS
            terms, k = min(TERMS, loop.positions - p), first
            loop.simd.transpose(depth, terms, g + p, loop.positions, packed, width)
            while k < last:
                rows = part(last - k, min(8, most_rows(loop.simd, columns)))
                loop.simd.block_by_rows(
                    rows, columns, terms, image, loop.tap + k, loop.base + p, packed,
                    NULL, sums + k * pitch, pitch, loop.lane_step)
                k += rows
        n += 1
        image += image_pitch
        g += g_pitch


cdef void add_by_positions(
    const Loop *loop, Py_ssize_t n, Py_ssize_t end, Py_ssize_t d, Py_ssize_t rows,
    const real_t *image, Py_ssize_t image_pitch,  # IN   as above
    const real_t *g, Py_ssize_t g_pitch,  # IN   as above
    real_t *sums,  # OUT  [rows, taps, lanes]
) noexcept nogil:
    """Add the images n to end to the channels d, d + 1, ..."""
    cdef char[(VECTORS * MAX_ROWS + 1) * MAX_BYTES] memory
    cdef real_t *packed = <real_t *> aligned(memory)
    cdef Py_ssize_t[VECTORS] start
    cdef Py_ssize_t most = most_columns(loop.simd, rows), v, k, i, j, p, terms, seen, columns, piece
    image += n * image_pitch
    g += n * g_pitch
    while n < end:
        seen = 0
        for piece in range(ceil_div(loop.n_vectors, VECTORS)):
            v = piece * VECTORS
            terms = min(VECTORS, loop.n_vectors - v)
            loop.simd.copy(terms, rows, g + d * loop.positions, loop.vectors + v, loop.positions, packed)
            for j in range(terms):
                p = loop.vectors[v + j]
                start[j] = loop.base[p]
                if seen > p:  # what the vector before has counted
                    for i in range(rows):
                        memset(packed + (j * rows + i) * loop.lanes, 0, (seen - p) * sizeof(real_t))
                seen = p + loop.lanes
            k = 0
            while k < loop.taps:
                columns = min(most, loop.taps - k)
                loop.simd.block_pairs(
                    rows, columns, terms, packed, image, loop.tap + k, start,
                    NULL, sums + k * loop.lanes, loop.taps * loop.lanes, loop.lane_step)
                k += columns
        n += 1
        image += image_pitch
        g += g_pitch


def sum_by_channels(
    const real_t[:, :, ::1] image,  # IN   [N, groups, channels * bordered plane]
    const real_t[:, :, ::1] g,  # IN   [N, groups, depth * positions]
    tables, Py_ssize_t depth,
):
    """dw [groups, depth, taps]"""
    cdef Loop loop = read_loop(tables, g, depth)
    cdef Py_ssize_t images = image.shape[0], groups = image.shape[1]
    cdef Py_ssize_t vectors = ceil_div(depth, loop.lanes)
    cdef Py_ssize_t columns = part(vectors, most_columns(loop.simd, MAX_ROWS)), width = columns * loop.lanes
    cdef Py_ssize_t panels = ceil_div(vectors, columns), sections = max(1, loop.taps // 256)
    cdef Py_ssize_t chunks = min(images, ceil_div(ITEMS, groups * panels * sections))
    cdef Py_ssize_t i, panel, section, n, group, d
    cdef real_t[:, :, :, :, ::1] sums = np.zeros(
        (chunks, groups, panels, loop.taps, width), np.asarray(g).dtype)
    cdef int threads = threads_for(<double> images * groups * depth * loop.taps * loop.positions)
    for i in prange(chunks * groups * panels * sections, nogil=True, schedule="static",
                    num_threads=threads):
        section, panel = i % sections, i // sections % panels
        group, n = i // (sections * panels) % groups, i // (sections * panels * groups)
        d = panel * width
        add_by_channels(
            &loop, n * images // chunks, (n + 1) * images // chunks, d, min(width, depth - d),
            section * loop.taps // sections, (section + 1) * loop.taps // sections,
            &image[0, group, 0], groups * image.shape[2],
            &g[0, group, 0], groups * g.shape[2], &sums[n, group, panel, 0, 0], width)
    total = np.asarray(sums).sum(axis=0)
    return total.swapaxes(2, 3).reshape(groups, -1, loop.taps)[:, :depth]


def sum_by_positions(
    const real_t[:, :, ::1] image,  # IN   [N, groups, channels * bordered plane]
    const real_t[:, :, ::1] g,  # IN   [N, groups, depth * positions]
    tables, Py_ssize_t depth,
):
    """dw [groups, depth, taps]"""
    cdef Loop loop = read_loop(tables, g, depth)
    cdef Py_ssize_t images = image.shape[0], groups = image.shape[1]
    cdef Py_ssize_t sections = ceil_div(depth, most_rows(loop.simd, most_columns(loop.simd, depth)))
    cdef Py_ssize_t chunks = min(images, ceil_div(ITEMS, groups * sections)), i, group, d, end, n
    cdef real_t[:, :, :, :, ::1] sums = np.zeros(
        (chunks, groups, depth, loop.taps, loop.lanes), np.asarray(g).dtype)
    cdef int threads = threads_for(<double> images * groups * depth * loop.taps * loop.positions)
    for i in prange(chunks * groups * sections, nogil=True, schedule="static",
                    num_threads=threads):
        group, n = i // sections % groups, i // (sections * groups)
        d, end = i % sections * depth // sections, (i % sections + 1) * depth // sections
        add_by_positions(
            &loop, n * images // chunks, (n + 1) * images // chunks, d, end - d,
            &image[0, group, 0], groups * image.shape[2],
            &g[0, group, 0], groups * g.shape[2], &sums[n, group, d, 0, 0])
    dw = np.empty((groups, depth, loop.taps), np.asarray(g).dtype)
    cdef real_t[:, :, ::1] total = dw
    for i in prange(groups * depth, nogil=True, schedule="static", num_threads=threads):
        add_up(&sums[0, i // depth, i % depth, 0, 0], chunks, groups * depth * loop.taps * loop.lanes,
               loop.taps, loop.lanes, &total[i // depth, i % depth, 0])
    return dw


cdef void add_up(
    real_t *sums, Py_ssize_t chunks, Py_ssize_t pitch,  # IN   [chunks] [taps, lanes]; it is overwritten
    Py_ssize_t taps, Py_ssize_t lanes,
    real_t *total,  # OUT  [taps]
) noexcept nogil:
    """The sums of all chunks and lanes."""
    cdef Py_ssize_t i, k, half
    for k in range(1, chunks):
        for i in range(taps * lanes):
            sums[i] += sums[k * pitch + i]
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
            dw = sum_by_positions(image, g, tables, depth)
            if np.isfinite(dw).all():
                return dw
        return sum_by_channels(image, g, tables, depth)
