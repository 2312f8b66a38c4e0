"""Convolution and its input gradient where a vector holds channels of the result, not positions.

    y[d, target[p] + f] = bias[d] + sum over the k of phase f of  image[base[p] + tap[k]] * w[d, pick[k]]

                                a panel of w: some vectors of channels
                               +------------------------------+
      the image, its channels  | d.. to d+15   d+16.. to ...  | k     packed, in the cache
      innermost, streams       +------------------------------+
           p     ----------->  |     sum           sum        |
           p + 1 ----------->  |     sum           sum        |       in registers
            ...                +------------------------------+

The image lies as in PyTorch's channels_last: the numbers that a position sees are neighbours whatever
the stride, and no vector ends with a row. It pays where a vector of channels is (nearly) full: see the
row 3x3 s2 128->128 of the benchmark. Its price is that image and result are transposed. In an input
gradient with a stride, the phases of the last axis (tables.side_by_side) see the image from the same positions and
have their results next to each other: they are transposed together. Else there is one.
"""

from cython.parallel cimport prange, threadid
from libc.string cimport memcpy

from .loops cimport (MAX_BYTES, MAX_COLUMNS, PREFETCH, Loop, aligned, ceil_div, channel, most_rows, part,
                     read_loop, real_t, terms_of_a_piece, threads_for_images)

cdef enum:
    POSITIONS = 96  # whose sums stay in the cache while a piece of the taps passes


cdef void add_up(const Loop *loop, Py_ssize_t panel, Py_ssize_t at, Py_ssize_t count, const real_t *image,
                 const real_t *packed, const real_t *bias, real_t *y, Py_ssize_t plane) noexcept nogil:
    """A panel of channels at the positions at, at + 1, ...: y [depth, plane] of one group of one image.

    A position has as many results as the loop has phases, side by side in sums and in y.
    """
    cdef char[(POSITIONS * MAX_COLUMNS + 1) * MAX_BYTES] memory
    cdef real_t *sums = <real_t *> aligned(memory)
    cdef Py_ssize_t d = channel(loop, panel), channels = channel(loop, panel + 1) - d
    cdef Py_ssize_t vectors = ceil_div(channels, loop.lanes), width = vectors * loop.lanes, pitch = loop.phases * width
    cdef Py_ssize_t most = most_rows(loop.simd, vectors), f, i, j, k, p, q, rows, first, last, terms, end
    for j in range(width):
        sums[j] = bias[d + j] if j < channels else 0
    for i in range(1, count * loop.phases):
        memcpy(sums + i * width, sums, width * sizeof(real_t))
    y, packed = y + d * plane, packed + d * loop.taps
    for f in range(loop.phases):
        terms = terms_of_a_piece(loop.cut[f + 1] - loop.cut[f])
        k = loop.cut[f]
        while k < loop.cut[f + 1]:
            end, i = min(k + terms, loop.cut[f + 1]), 0
            while i < count:
                rows = part(count - i, most)
                p, q = f * loop.positions + at + i, f * loop.positions + at + i + rows - 1
                # The taps that see the image from any of these positions:
                first, last = max(k, min(loop.first[p], loop.first[q])), min(end, max(loop.last[p], loop.last[q]))
                if first < last:
                    loop.simd.block_by_rows(rows, vectors, last - first, image, packed + first * width,
                                            loop.base + at + i, loop.tap + first, NULL, sums + i * pitch + f * width,
                                            pitch, loop.lane_step)
                i += rows
                if end == loop.taps:
                    for j in range(channels):
                        PREFETCH(y + j * plane + loop.target[at + i - 1])
            k = end
    put_back(loop, at, count, sums, width, channels, y, plane)


cdef void put_back(const Loop *loop, Py_ssize_t at, Py_ssize_t count, const real_t *sums, Py_ssize_t width,
                   Py_ssize_t channels, real_t *y, Py_ssize_t plane) noexcept nogil:
    """The sums of these positions into y, as many at a time as lie side by side."""
    cdef Py_ssize_t i = 0, j, n, d
    while i < count:
        n = neighbours(loop, at + i, count - i)
        for j in range(width // loop.lanes):
            d = j * loop.lanes
            loop.simd.transpose(n * loop.phases, min(loop.lanes, channels - d), sums + i * loop.phases * width + d,
                                width, y + d * plane + loop.target[at + i], plane)
        i += n


cdef Py_ssize_t neighbours(const Loop *loop, Py_ssize_t p, Py_ssize_t most) noexcept nogil:
    """How many positions from p on, at most `most`, have results side by side."""
    cdef Py_ssize_t n = 1
    while n < most and loop.target[p + n] == loop.target[p + n - 1] + loop.phases:
        n += 1
    return n


def correlate(const real_t[:, :, ::1] image, const real_t[:, :, ::1] packed, const real_t[:, ::1] bias,
              real_t[:, :, ::1] y, tables):
    """y[n, g, d * plane + target[p] + f] = bias[g, d] + the sum over all taps of phase f

    image [N, groups, bordered plane * channels], packed from pack_weights, bias [groups, depth], y [N, groups,
    depth * plane]; tables is a tables.Loop.
    """
    cdef Loop loop = read_loop(tables, sizeof(real_t), bias.shape[1])
    cdef Py_ssize_t images = image.shape[0], groups = image.shape[1], plane = y.shape[2] // loop.depth
    cdef Py_ssize_t size = part(loop.positions, POSITIONS // loop.phases)
    size -= size % neighbours(&loop, 0, size)  # whole rows
    cdef Py_ssize_t chunks = ceil_div(loop.positions, size), i, p, g, n, panel
    cdef int threads = threads_for_images(&loop, images, groups)
    # Each thread keeps to images of its own, as it did when they were laid out; else panel after panel passes over all.
    cdef Py_ssize_t own = images // threads if images % threads == 0 else images
    for i in prange(loop.blocks * images * groups * chunks, nogil=True, schedule="static", num_threads=threads):
        p, g, n = i % chunks * size, i // chunks % groups, i // (chunks * groups) % own
        panel = i // (own * groups * chunks)
        n = n + panel // loop.blocks * own
        add_up(&loop, panel % loop.blocks, p, min(size, loop.positions - p),
               &image[n, g, 0], &packed[threadid() % packed.shape[0], g, 0], &bias[g, 0], &y[n, g, 0], plane)
