"""The loops of convolution, each a sum over k that a block of registers collects (block.h).

    y[d, p] = sum over k of  image[base[p] + tap[k]] * w[d, pick[k]]          (tables.py)

                                      rows           columns                          k
    correlate.pyx                     channels d     vectors of positions             taps
    by_channels.pyx                   positions      vectors of channels d            taps
    weight_grad.pyx  by channels      taps           vectors of channels              positions
                     by positions     channels d     taps, lane by lane               positions
    matmul.pyx                        rows           vectors of columns               terms
    winograd.pyx                      squares        vectors of channels d            channels
    plane.pyx                         positions      vectors of positions             taps

     bordered image, streams
      +-------------+
      | o . o . . . |                              w, packed: numbers in the
      | . . . . . . | --- read where they are      order of use, in the cache
      | o . o . . . |      |                         |
      +-------------+      v                         v
                   vectors of 16 to 64 bytes   times numbers, broadcast (or the other way round)
                                    +----------+
                                    |   sums   |  in registers
                                    +----------+

No column matrix is made (Dukhan 2019, arXiv:1907.02129), except where it is small (windows.py). Sums are
cut into pieces (terms_of_a_piece), which keeps what is packed in the cache and rounding errors small. Work
is cut into items so that each sum is one thread's, or cut by shape alone: results are the same bits at every number
of threads.
"""

import time

cimport numpy as cnp
import numpy as np
from cython.parallel cimport prange
from libc.string cimport memcpy, memset

from .threads import get_num_threads

cdef extern from "simd.h":
    const instruction_set *find_instruction_set(const char *name)

cdef enum:
    MAX_TAPS = 16  # whose weights are packed together
    SECTION = 256  # taps whose weights one thread packs, at most

FLOATS = np.dtype(np.float32), np.dtype(np.float64)

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


def fma_limit(seconds=0.05):
    """Floating-point operations a second that one core can do at most, in float32; measured."""
    cdef double done
    best, end = 0, time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.perf_counter()
        done = simd.multiply_adds(100_000)
        best = max(best, 2 * done / (time.perf_counter() - start))
    return best


cdef const kernels *kernels_for(Py_ssize_t itemsize) noexcept:
    """For numbers of so many bytes: floats or doubles."""
    return &simd.of_float if itemsize == sizeof(float) else &simd.of_double


def lanes(array):
    """How many numbers of the array's type a vector holds."""
    return kernels_for(array.itemsize).lanes


def all_finite(cnp.ndarray array not None):
    """Whether no element of an array of floats is NaN or infinite."""
    array = np.ascontiguousarray(array)
    return kernels_for(array.itemsize).finite(array.size, cnp.PyArray_DATA(array))


cdef class Prepared:
    pass


cdef Loop read_loop(tables, Py_ssize_t itemsize, Py_ssize_t depth) except *:
    """The tables of a loop over numbers of so many bytes, whose result has `depth` channels."""
    cdef Prepared prepared = tables.prepared
    if prepared.order is None:
        arrays = tables.base[tables.vectors], tables.target[tables.vectors], np.argsort(tables.pick, kind="stable")
        if prepared.order is None:  # else another thread came first, and reads its own already
            prepared.column, prepared.to, prepared.order = arrays
    if prepared.loop.simd != kernels_for(itemsize) or prepared.loop.depth != depth:
        prepared.loop = read_tables(tables, prepared, itemsize, depth)
    return prepared.loop


cdef Loop read_tables(tables, Prepared prepared, Py_ssize_t itemsize, Py_ssize_t depth) except *:
    cdef const Py_ssize_t[::1] base = tables.base, target = tables.target, tap = tables.tap, pick = tables.pick
    cdef const Py_ssize_t[::1] cut = tables.cut, first = tables.first, last = tables.last, vectors = tables.vectors
    cdef const Py_ssize_t[::1] column = prepared.column, to = prepared.to, order = prepared.order
    cdef Loop loop
    cdef Py_ssize_t i
    loop.simd = kernels_for(itemsize)
    loop.lanes = loop.simd.lanes
    if loop.lanes != tables.lanes:
        raise RuntimeError("the instruction set was changed during a computation")
    loop.base, loop.target, loop.first, loop.last = &base[0], &target[0], &first[0], &last[0]
    loop.tap, loop.pick, loop.order, loop.cut = &tap[0], &pick[0], &order[0], &cut[0]
    loop.n_vectors = vectors.shape[0]
    loop.vectors = loop.column = loop.to = NULL
    if loop.n_vectors:
        loop.vectors, loop.column, loop.to = &vectors[0], &column[0], &to[0]
    loop.positions, loop.taps, loop.phases = base.shape[0], tap.shape[0], cut.shape[0] - 1
    loop.pitch, loop.step = tables.pitch, tables.step
    loop.depth = depth
    loop.by_channels = tables.by_channels
    if loop.by_channels:
        loop.columns = part(ceil_div(depth, loop.lanes), most_columns(loop.simd, MAX_ROWS))
        loop.blocks = ceil_div(depth, loop.columns * loop.lanes)
    else:
        loop.columns = most_columns(loop.simd, depth)
        loop.blocks = ceil_div(depth, most_rows(loop.simd, loop.columns))
    for i in range(MAX_ALONE):
        loop.lane_step[i] = i * loop.lanes
    return loop


cdef int threads_for(double multiply_adds):
    return get_num_threads() if multiply_adds > SMALL else 1


cdef int threads_for_images(const Loop *loop, Py_ssize_t images, Py_ssize_t groups):
    """For the sums of so many images: more than SMALL, because what one thread has packed the others must fetch."""
    return threads_for(0.5 * images * groups * loop.depth * loop.taps * loop.positions)


cdef void pack(const Loop *loop, Py_ssize_t block, Py_ssize_t k, Py_ssize_t last, const real_t *w,
               real_t *packed) noexcept nogil:
    """packed [taps, channels of the block] from the w of one group; with zeros, by channels, up to whole vectors.

    Only the taps k to last of those in the order of w.
    """
    cdef char[(MAX_TAPS * MAX_COLUMNS + 1) * MAX_BYTES] memory
    cdef real_t *tile = <real_t *> aligned(memory)
    cdef table_t pick = loop.pick, order = loop.order
    cdef Py_ssize_t first = channel(loop, block), channels = channel(loop, block + 1) - first, width = channels
    cdef Py_ssize_t n, i
    if loop.by_channels:
        width = ceil_div(channels, loop.lanes) * loop.lanes
    w, packed = w + first * loop.pitch, packed + first * loop.taps
    if width < 4 or loop.pitch == 1:  # nothing to transpose
        for k in range(k, last):
            for i in range(width):
                packed[k * width + i] = w[pick[k] + i * loop.pitch] if i < channels else 0
        return
    memset(tile, 0, MAX_TAPS * width * sizeof(real_t))
    while k < last:  # so that each line of w is read once
        n = 1
        while n < MAX_TAPS and k + n < last and pick[order[k + n]] == pick[order[k]] + n:
            n += 1
        loop.simd.transpose(channels, n, w + pick[order[k]], loop.pitch, tile, width)
        for i in range(n):
            memcpy(packed + order[k + i] * width, tile + i * width, width * sizeof(real_t))
        k += n


def pack_weights(const real_t[:, ::1] w, tables, Py_ssize_t depth, Py_ssize_t images=0):
    """w [groups, .] in the order in which the loop of these tables reads it: [1, groups, taps of block after block].

    Where packing is not worth a second thread but the images are, each thread packs a copy of its own, [threads, ...]:
    what another one has packed takes longer to fetch.
    """
    cdef Loop loop = read_loop(tables, sizeof(real_t), depth)
    cdef Py_ssize_t i, groups = w.shape[0], blocks = loop.blocks, sections = ceil_div(loop.taps, SECTION), j, n
    cdef Py_ssize_t width = ceil_div(depth, loop.lanes) * loop.lanes if loop.by_channels else depth
    cdef int threads = threads_for(4. * groups * width * loop.taps), copies = 1
    if threads == 1:
        threads = copies = threads_for_images(&loop, images, groups)
    array = np.empty((copies, groups, width * loop.taps), w.base.dtype)
    cdef real_t[:, :, ::1] packed = array
    for i in prange(copies * groups * blocks * sections, nogil=True, schedule="static", num_threads=threads):
        j, n = i % sections, i // (sections * blocks)
        pack(&loop, i // sections % blocks, j * loop.taps // sections, (j + 1) * loop.taps // sections,
             &w[n % groups, 0], &packed[n // groups, n % groups, 0])
    return array


def add_border(const real_t[:, :, :, ::1] x, const Py_ssize_t[::1] row, const Py_ssize_t[::1] column,
               real_t[:, :, ::1] bordered):
    """Copy x [items, planes, rows, columns] into the planes of bordered [items, planes, plane], with zeros around.

    row [rows] says where in a plane each row begins, column [columns] where each of its numbers comes in it:
    neighbours, or the first of each `step` numbers, then the second, and so on.
    """
    cdef const kernels *simd = kernels_for(sizeof(real_t))
    cdef Py_ssize_t i, j, k, n, planes = x.shape[1], rows = x.shape[2], columns = x.shape[3], step = 1, together = 1
    cdef Py_ssize_t pitch = row[1] - row[0] if rows > 1 else 0
    cdef int threads = threads_for(4. * x.size)
    while step < columns and column[step] != column[0] + 1:
        step += 1
    while together < rows and row[together] == row[together - 1] + pitch:
        together += 1
    for i in prange(x.shape[0] * planes, nogil=True, schedule="static", num_threads=threads):
        n = i // planes
        memset(&bordered[n, i % planes, 0], 0, bordered.shape[2] * sizeof(real_t))
        for j in range(rows // together):
            for k in range(step):
                simd.copy_rows(together, ceil_div(columns - k, step), &x[n, i % planes, j * together, k], columns, step,
                               &bordered[n, i % planes, row[j * together] + column[k]], pitch)


def interleave(const real_t[:, :, :, ::1] x, const Py_ssize_t[::1] row, real_t[:, :, ::1] bordered,
               Py_ssize_t count, Py_ssize_t width):
    """As add_border, with the numbers of `count` items (images, or channels) side by side, `width` apart.

    x is [items, planes, rows, columns], bordered [items / count, planes, plane * width]. The last items may be fewer.
    row [rows] says where in a plane of bordered each row begins.
    """
    cdef const kernels *simd = kernels_for(sizeof(real_t))
    cdef Py_ssize_t i, j, k, n, c, first, begin, end, planes = x.shape[1], rows = x.shape[2], columns = x.shape[3]
    cdef Py_ssize_t step = part(count, simd.lanes), pieces = ceil_div(columns, PIECE)
    cdef int threads = threads_for(4. * x.size)
    for i in prange(bordered.shape[0] * planes * rows * pieces, nogil=True, schedule="static", num_threads=threads):
        c, j, n = i % pieces * PIECE, i // pieces % rows, i // (pieces * rows)
        first = n // planes * count
        begin, end = row[j] + c * width if c or j else 0, row[j] + (c + PIECE) * width
        if c + PIECE >= columns:
            end = row[j + 1] if j + 1 < rows else bordered.shape[2]
        memset(&bordered[n // planes, n % planes, begin], 0, (end - begin) * sizeof(real_t))
        for k in range(ceil_div(count, step)):  # innermost, what is written side by side
            simd.transpose(min(step, count - k * step, x.shape[0] - first - k * step), min(PIECE, columns - c),
                           &x[first + k * step, n % planes, j, c], planes * rows * columns,
                           &bordered[n // planes, n % planes, row[j] + c * width + k * step], width)


def separate(const real_t[:, :, ::1] y, real_t[:, ::1] separated):
    """Undo `interleave` without a border: y [vectors of images, size, lanes] to separated [images, size]."""
    cdef const kernels *simd = kernels_for(sizeof(real_t))
    cdef Py_ssize_t i, first, size = y.shape[1], lanes = simd.lanes, parts = ceil_div(size, 1024)
    cdef int threads = threads_for(4. * y.size)
    for i in prange(y.shape[0] * parts, nogil=True, schedule="static", num_threads=threads):
        first = i % parts * 1024
        simd.transpose(min(1024, size - first), min(lanes, separated.shape[0] - i // parts * lanes),
                       &y[i // parts, first, 0], lanes, &separated[i // parts * lanes, first], size)


def gather_columns(const real_t[:, :, :] x, const Py_ssize_t[:, ::1] spot, real_t[:, :, :, ::1] columns):
    """columns[c, k, n, p] = x[n, c, spot[k, p]], or 0 where there is no such spot: it is negative."""
    cdef Py_ssize_t i, n, c, k, p, at, images = x.shape[0]
    cdef int threads = threads_for(8. * columns.size)
    for i in prange(images * x.shape[1], nogil=True, schedule="static", num_threads=threads):
        n, c = i % images, i // images  # in the order of columns, whose lines no two threads write
        for k in range(spot.shape[0]):
            for p in range(spot.shape[1]):
                at = spot[k, p]
                columns[c, k, n, p] = x[n, c, at] if at >= 0 else 0


def add_columns(const real_t[:, :, :, ::1] columns, const Py_ssize_t[:, ::1] spot, real_t[:, :, :] x):
    """x[n, c, spot[k, p]] += columns[c, k, n, p], where there is such a spot: it is not negative."""
    cdef Py_ssize_t i, n, c, k, p, at, images = x.shape[0]
    cdef int threads = threads_for(8. * columns.size)
    for i in prange(images * x.shape[1], nogil=True, schedule="static", num_threads=threads):
        n, c = i % images, i // images  # in the order of columns, whose lines no two threads write
        for k in range(spot.shape[0]):
            for p in range(spot.shape[1]):
                at = spot[k, p]
                if at >= 0:
                    x[n, c, at] += columns[c, k, n, p]
