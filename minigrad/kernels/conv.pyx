"""Convolution and its two gradients: one loop, fed in three ways.

    y[p, d] = sum over k of  x[base[p] + tap[k]] * w[k, d]

                        rows of a block        summed over k         columns, packed in panels
    forward             output positions       taps                  weights [tap][channel]
    input gradient      positions of x         taps                  weights, channels exchanged
    weight gradient     taps                   output positions      gradient [position][channel]

     bordered image, streams                 panel of b, stays in the cache
      +-------------+                           +----------+
      | o . o . . . |    a[row + col]           |          | k
      | . . . . . . | -----------------+        |          |
      | o . o . . . |    broadcast     |        +----------+
      +-------------+                  v             |  vectors of 16 bytes to 64 bytes
                                    +----------+     v
                              rows  |   sums   |  in registers: block.h
                                    +----------+

The image is read in place, without a column matrix (Dukhan 2019, arXiv:1907.02129). Sums are cut
into pieces of PIECE terms, which keeps b in the cache and rounding errors small. Work is cut into
items by shape alone, so that results are the same bits at every number of threads.
"""

import math

import numpy as np
from cython.parallel cimport prange
from libc.stdint cimport uintptr_t
from libc.string cimport memset

from minigrad.kernels import tables
from minigrad.kernels.threads import get_num_threads

ctypedef fused real_t:
    float
    double

ctypedef const Py_ssize_t *table_t

cdef extern from "blocks.h" nogil:
    ctypedef struct instruction_set:
        const char *name
        int rows, vectors, float_lanes, double_lanes
        void (*float_block)(
            int rows, int vectors, Py_ssize_t n, const float *a, table_t row, table_t col,
            const float *b, table_t step, float *out, Py_ssize_t pitch) noexcept nogil
        void (*double_block)(
            int rows, int vectors, Py_ssize_t n, const double *a, table_t row, table_t col,
            const double *b, table_t step, double *out, Py_ssize_t pitch) noexcept nogil
    const instruction_set *find_instruction_set(const char *name)
    enum: MAX_ROWS
    enum: MAX_WIDTH

cdef enum:
    PIECE = 256  # terms of a sum that a block adds in one go
    SPAN = 16  # blocks in an item of work
    SMALL = 500_000  # multiply-adds that are not worth a second thread

cdef struct Shape:  # of a loop
    Py_ssize_t positions, taps, groups
    Py_ssize_t depth  # channels of the result in one group, ...
    Py_ssize_t panels, width  # ... cut into panels of `width`, a multiple of `lanes`
    Py_ssize_t lanes  # numbers in a vector
    Py_ssize_t step[PIECE]  # k * width

cdef const instruction_set *simd = find_instruction_set(b"")


def simd_level():
    """The instruction set in use: 'avx512', 'avx2', or the compiler's 'baseline'."""
    return simd.name.decode()


def set_simd_level(name):
    """Use another instruction set. Raises ValueError if it is unknown or this machine lacks it."""
    global simd
    found = find_instruction_set(name.encode()) if name else NULL
    if found is NULL:
        raise ValueError(f"no instruction set {name!r} on this machine")
    simd = found


cdef inline void block(
    int rows, int vectors, Py_ssize_t n, const real_t *a, table_t row, table_t col,
    const real_t *b, table_t step, real_t *out, Py_ssize_t pitch,
) noexcept nogil:
    if real_t is float:
        simd.float_block(rows, vectors, n, a, row, col, b, step, out, pitch)
    else:
        simd.double_block(rows, vectors, n, a, row, col, b, step, out, pitch)


cdef inline real_t *aligned(real_t *p) noexcept nogil:
    """The next address that is a multiple of 64: a vector that straddles two lines costs double."""
    return <real_t *> ((<uintptr_t> p + 63) & ~<uintptr_t> 63)


cdef inline Py_ssize_t ceil_div(Py_ssize_t a, Py_ssize_t b) noexcept nogil:
    return (a + b - 1) // b


cdef Shape shape_of(loop, Py_ssize_t groups, Py_ssize_t depth, Py_ssize_t lanes):
    cdef Shape s
    cdef Py_ssize_t k
    s.positions, s.taps = loop.base.size, loop.tap.size
    s.groups, s.depth, s.lanes = groups, depth, lanes
    s.width = min(simd.vectors, ceil_div(depth, lanes)) * lanes
    s.panels = ceil_div(depth, s.width)
    for k in range(PIECE):
        s.step[k] = k * s.width
    return s


cdef void pack(
    const Shape *s, Py_ssize_t panel, Py_ssize_t n,
    const real_t *source,  # IN   [.] of one group
    table_t pick,  # IN   [n] offset of each row, or NULL for 0, 1, ...
    Py_ssize_t pitch,  # IN   from channel to channel
    real_t *packed,  # OUT  [n, width]
) noexcept nogil:
    """Gather a panel: packed[k, d] = source[pick[k] + d * pitch], zero beyond the last channel."""
    cdef Py_ssize_t first = panel * s.width, depth = min(s.width, s.depth - panel * s.width), k, d
    source += first * pitch
    for k in range(n):
        for d in range(depth):
            packed[d] = source[pick[k] + d * pitch]
        for d in range(depth, s.width):
            packed[d] = 0
        packed += s.width


cdef void correlate_item(
    const Shape *s, Py_ssize_t item,
    const real_t *image,  # IN   [N, groups, size]
    Py_ssize_t size,
    table_t base, table_t tap, table_t target,
    const real_t *packed,  # IN   [groups, panels, taps, width]
    const real_t *bias,  # IN   [groups, depth]
    real_t *y,  # OUT  [N, groups, depth, plane]
    Py_ssize_t plane,
) noexcept nogil:
    """A span of positions and a panel of channels of one image."""
    cdef real_t tile[MAX_ROWS * MAX_WIDTH]
    cdef Py_ssize_t spans = ceil_div(s.positions, SPAN * simd.rows)
    cdef Py_ssize_t panel = item // spans % s.panels, image_group = item // (spans * s.panels)
    cdef Py_ssize_t group = image_group % s.groups, first = panel * s.width
    cdef Py_ssize_t depth = min(s.width, s.depth - first), p = item % spans * SPAN * simd.rows
    cdef Py_ssize_t end = min(s.positions, p + SPAN * simd.rows), k, d, i
    cdef int rows, vectors = ceil_div(depth, s.lanes)
    image += image_group * size
    packed += (group * s.panels + panel) * s.taps * s.width
    bias += group * s.depth + first
    y += (image_group * s.depth + first) * plane
    while p < end:
        rows = min(simd.rows, end - p)
        memset(tile, 0, rows * s.width * sizeof(real_t))
        k = 0
        while k < s.taps:
            block(rows, vectors, min(PIECE, s.taps - k), image, base + p, tap + k,
                  packed + k * s.width, s.step, tile, s.width)
            k += PIECE
        for d in range(depth):
            for i in range(rows):
                y[d * plane + target[p + i]] = tile[i * s.width + d] + bias[d]
        p += rows


def correlate(
    const real_t[:, :, ::1] image,  # IN   [N, groups, channels * bordered plane]
    const real_t[:, ::1] w,  # IN   [groups, .]
    const real_t[:, ::1] bias,  # IN   [groups, depth]
    real_t[:, :, ::1] y,  # OUT  [N, groups, depth * plane]
    loop, Py_ssize_t w_pitch,
    Py_ssize_t plane,  # IN   from channel to channel of y
):
    """y[n, g, d, target[p]] = bias[g, d] + sum_k image[n, g, base[p] + tap[k]] * w[g, pick[k], d]"""
    cdef const Py_ssize_t[::1] base = loop.base, tap = loop.tap, target = loop.target
    cdef const Py_ssize_t[::1] pick = loop.pick
    cdef Py_ssize_t lanes = simd.float_lanes if real_t is float else simd.double_lanes
    cdef Shape s = shape_of(loop, w.shape[0], bias.shape[1], lanes)
    cdef Py_ssize_t panels = s.groups * s.panels, panel_size = s.taps * s.width
    cdef real_t[::1] memory = np.empty(panels * panel_size + 64, np.asarray(y).dtype)
    cdef real_t *packed = aligned(&memory[0])
    cdef Py_ssize_t items = image.shape[0] * panels * ceil_div(s.positions, SPAN * simd.rows), i
    cdef int threads = get_num_threads()
    if image.shape[0] * panels * panel_size * s.positions < SMALL:
        threads = 1
    for i in prange(panels, nogil=True, schedule="static", num_threads=threads):
        pack(&s, i % s.panels, s.taps, &w[i // s.panels, 0], &pick[0], w_pitch,
             packed + i * panel_size)
    for i in prange(items, nogil=True, schedule="static", num_threads=threads):
        correlate_item(&s, i, &image[0, 0, 0], image.shape[2], &base[0], &tap[0], &target[0],
                       packed, &bias[0, 0], &y[0, 0, 0], plane)


cdef void weight_grad_item(
    const Shape *s, Py_ssize_t item, Py_ssize_t chunks, Py_ssize_t sections, Py_ssize_t images,
    const real_t *image,  # IN   [N, groups, size]
    Py_ssize_t size,
    table_t base, table_t tap, table_t target,
    const real_t *g,  # IN   [N, groups, depth, positions]
    real_t *partial,  # OUT  [chunks, groups, panels, taps, width]
) noexcept nogil:
    """A chunk of the images, a panel of channels and a section of the taps."""
    cdef real_t memory[PIECE * MAX_WIDTH + 16]
    cdef real_t *packed = aligned(memory)
    cdef Py_ssize_t section = item % sections, panel_item = item // sections
    cdef Py_ssize_t panel = panel_item % s.panels, group = panel_item // s.panels % s.groups
    cdef Py_ssize_t chunk = panel_item // (s.panels * s.groups), n, p, k, terms, image_group
    cdef Py_ssize_t end = (section + 1) * s.taps // sections
    cdef int rows, vectors = ceil_div(min(s.width, s.depth - panel * s.width), s.lanes)
    partial += panel_item * s.taps * s.width
    for n in range(chunk * images // chunks, (chunk + 1) * images // chunks):
        image_group = n * s.groups + group
        p = 0
        while p < s.positions:
            terms = min(PIECE, s.positions - p)
            pack(s, panel, terms, g + image_group * s.depth * s.positions, target + p, s.positions,
                 packed)
            k = section * s.taps // sections
            while k < end:
                rows = min(simd.rows, end - k)
                block(rows, vectors, terms, image + image_group * size, tap + k, base + p,
                      packed, s.step, partial + k * s.width, s.width)
                k += rows
            p += PIECE


def weight_grad(
    const real_t[:, :, ::1] image,  # IN   [N, groups, channels * bordered plane]
    const real_t[:, :, ::1] g,  # IN   [N, groups, depth * positions]
    real_t[:, :, ::1] dw,  # OUT  [groups, depth, taps]
    loop,
):
    """dw[g, d, k] = sum over n and p of  image[n, g, base[p] + tap[k]] * g[n, g, d, p]"""
    cdef const Py_ssize_t[::1] base = loop.base, tap = loop.tap, target = loop.target
    cdef Py_ssize_t lanes = simd.float_lanes if real_t is float else simd.double_lanes
    cdef Shape s = shape_of(loop, dw.shape[0], dw.shape[1], lanes)
    cdef Py_ssize_t panels = s.groups * s.panels, sections = max(1, s.taps // 256)
    cdef Py_ssize_t chunks = min(image.shape[0], ceil_div(16, panels * sections)), i
    cdef real_t[:, :, :, ::1] partial = np.zeros(
        (chunks, panels, s.taps, s.width), np.asarray(dw).dtype)
    cdef int threads = get_num_threads()
    if image.shape[0] * panels * s.taps * s.width * s.positions < SMALL:
        threads = 1
    for i in prange(chunks * panels * sections, nogil=True, schedule="static",
                    num_threads=threads):
        weight_grad_item(&s, i, chunks, sections, image.shape[0], &image[0, 0, 0], image.shape[2],
                         &base[0], &tap[0], &target[0], &g[0, 0, 0], &partial[0, 0, 0, 0])
    for i in prange(s.groups * s.depth, nogil=True, schedule="static", num_threads=threads):
        add_chunks(&s, partial, i // s.depth, i % s.depth, &dw[i // s.depth, i % s.depth, 0])


cdef void add_chunks(
    const Shape *s, real_t[:, :, :, ::1] partial, Py_ssize_t group, Py_ssize_t d, real_t *dw,
) noexcept nogil:
    """dw[k] = the sum of all chunks, in their order, for one channel d of the group."""
    cdef Py_ssize_t panel = group * s.panels + d // s.width, chunk, k
    for chunk in range(partial.shape[0]):
        for k in range(s.taps):
            dw[k] += partial[chunk, panel, k, d % s.width]


def conv_forward(x, w, bias, stride, padding, dilation, groups):
    """Correlate the images x with the kernels w: y [N, D, *output].

    x [N, C, *S] and w [D, C/groups, *K] are float32 or float64, bias is None or [D]; stride and
    dilation hold an int, padding a pair (before, after) for each of the 1 to 3 spatial dimensions.
    """
    geometry = tables.forward(x.shape[1:], w.shape, stride, padding, dilation, groups)
    bias = np.zeros(w.shape[0], x.dtype) if bias is None else bias
    same_type(x, w, bias)
    if bias.shape != w.shape[:1]:
        raise ValueError(f"bias {bias.shape} does not fit w {w.shape}")
    y = np.empty((x.shape[0], w.shape[0], *geometry.output), x.dtype)
    return run(x, w, bias, y, geometry, groups, math.prod(w.shape[1:]))


def conv_input_grad(g, w, x_shape, stride, padding, dilation, groups):
    """The gradient dx [N, C, *S] of <g, conv(x, w)> to x: the transposed convolution of g."""
    arguments = x_shape[1:], w.shape, stride, padding, dilation, groups
    same_shape(g, (x_shape[0], w.shape[0], *tables.forward(*arguments).output))
    same_type(g, w)
    geometry = tables.input_grad(*arguments)
    dx = np.zeros(x_shape, g.dtype)  # zeros: no loop comes to where no output looks
    bias = np.zeros(x_shape[1], g.dtype)
    return run(g, w, bias, dx, geometry, groups, math.prod(w.shape[2:]))


def conv_weight_grad(x, g, w_shape, stride, padding, dilation, groups):
    """The gradient dw [D, C/groups, *K] of <g, conv(x, w)> to w."""
    geometry = tables.forward(x.shape[1:], w_shape, stride, padding, dilation, groups)
    same_shape(g, (x.shape[0], w_shape[0], *geometry.output))
    same_type(x, g)
    dw = np.zeros(w_shape, x.dtype)
    if x.size and g.size:
        image = by_group(bordered(x, geometry.border), groups)
        g = by_group(np.ascontiguousarray(g), groups)
        out = dw.reshape(groups, w_shape[0] // groups, -1)
        weight_grad(image, g, out, geometry.loops[0])
    return dw


def run(x, w, bias, y, geometry, groups, w_pitch):
    """Fill y by the loops of a geometry."""
    if not x.size:
        y[...] = bias.reshape(-1, *[1] * (y.ndim - 2))
    elif y.size:
        image = by_group(bordered(x, geometry.border), groups)
        w = np.ascontiguousarray(w).reshape(groups, -1)
        bias = np.ascontiguousarray(bias).reshape(groups, -1)
        for loop in geometry.loops:
            correlate(image, w, bias, by_group(y, groups), loop, w_pitch, math.prod(y.shape[2:]))
    return y


def bordered(x, border):
    """x with zeros around its images, C-contiguous; x itself if that is what it is already."""
    if not any(map(any, border)):
        return np.ascontiguousarray(x)
    size = x.shape[2:]
    out = np.zeros((*x.shape[:2], *(b + s + a for (b, a), s in zip(border, size))), x.dtype)
    out[(..., *(slice(b, b + s) for (b, _), s in zip(border, size)))] = x
    return out


def by_group(x, groups):
    """View [N, C, *S] as [N, groups, C/groups * S]."""
    return x.reshape(x.shape[0], groups, -1)


def same_type(*arrays):
    types = [a.dtype for a in arrays]
    if types[0] not in (np.float32, np.float64) or any(t != types[0] for t in types):
        raise TypeError(f"expected arrays of float32 or of float64 only, got {types}")


def same_shape(g, shape):
    if g.shape != shape:
        raise ValueError(f"expected a gradient of shape {shape}, got {g.shape}")
