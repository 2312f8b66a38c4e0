"""The loops of convolution, each a sum over k that a block of registers collects (block.h).

    y[d, p] = sum over k of  image[base[p] + tap[k]] * w[d, pick[k]]          (tables.py)

                                      rows              columns                       k
    correlate.pyx     by channels     positions         channels of w, packed         taps
                      by positions    channels of w     positions                     taps
    weight_grad.pyx   by channels     taps              channels of g, packed         positions
                      by positions    channels of g     taps                          positions

     bordered image, streams                      a panel of b, stays in the cache
      +-------------+                              +----------+
      | o . o . . . |   a: numbers at base + tap   |          | k
      | . . . . . . | ---------------------+       |          |
      | o . o . . . |   broadcast          |       +----------+
      +-------------+                      v            | vectors of 16 to 64 bytes
                                        +----------+    v
                                  rows  |   sums   |  in registers
                                        +----------+

No column matrix is made (Dukhan 2019, arXiv:1907.02129). A vector holds numbers of several channels
or of several neighbouring positions, whichever fills it better. Sums are cut into pieces of PIECE
terms, which keeps a panel in the cache and rounding errors small. Work is cut into items by shape
alone, so that results are the same bits at every number of threads.
"""

from cython.parallel cimport prange
from libc.string cimport memcpy, memset

from .threads import get_num_threads

cdef extern from "blocks.h":
    const instruction_set *find_instruction_set(const char *name)

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


def lanes(array):
    """How many numbers of the array's type a vector holds."""
    return simd.float_lanes if array.itemsize == sizeof(float) else simd.double_lanes


cdef Loop read_loop(tables, array, Py_ssize_t depth) except *:
    """The tables of a loop over numbers of the array's type, whose result has `depth` channels."""
    cdef const Py_ssize_t[::1] base = tables.base, target = tables.target, tap = tables.tap
    cdef const Py_ssize_t[::1] pick = tables.pick, vectors = tables.vectors
    cdef Loop loop
    cdef Py_ssize_t i
    loop.simd, loop.lanes = simd, lanes(array)
    if loop.lanes != tables.lanes:
        raise RuntimeError("the instruction set was changed during a computation")
    loop.base, loop.target, loop.tap, loop.pick = &base[0], &target[0], &tap[0], &pick[0]
    loop.vectors, loop.n_vectors = &vectors[0], vectors.shape[0] - 1
    loop.positions, loop.taps, loop.last_tap = base.shape[0], tap.shape[0], tables.last_tap
    loop.depth, loop.pitch = depth, tables.pitch
    for i in range(PIECE):
        loop.lane_step[i] = i * loop.lanes
    for i in range(MAX_ROWS):
        loop.pitch_step[i] = i * loop.pitch
    cut_panels(&loop, depth)
    return loop


cdef void cut_panels(Loop *loop, Py_ssize_t channels) noexcept:
    """Do so many channels by channels, in panels of nearly equal width."""
    cdef Py_ssize_t vectors = ceil_div(channels, loop.lanes), k
    loop.by_channels = channels
    loop.columns = part(vectors, most_columns(loop, MAX_ROWS)) if vectors else 1
    loop.panels = ceil_div(vectors, loop.columns)
    loop.width = loop.columns * loop.lanes
    for k in range(PIECE):
        loop.width_step[k] = k * loop.width


cdef void pack(
    const Loop *loop, Py_ssize_t panel, Py_ssize_t n,
    const real_t *source,  # IN   one group
    table_t pick,  # IN   [n] offset of each row
    Py_ssize_t pitch,  # IN   from channel to channel
    real_t *packed,  # OUT  [n, width]
) noexcept nogil:
    """A panel: packed[k, d] = source[pick[k] + d * pitch], zero beyond the last channel."""
    cdef Py_ssize_t first = panel * loop.width, k, d
    cdef Py_ssize_t depth = min(loop.width, loop.by_channels - first)
    source += first * pitch
    for k in range(n):
        for d in range(depth):
            packed[d] = source[pick[k] + d * pitch]
        for d in range(depth, loop.width):
            packed[d] = 0
        packed += loop.width


cdef int threads_for(double multiply_adds):
    return get_num_threads() if multiply_adds > SMALL else 1


def add_border(
    const real_t[:, :, ::1] x,  # IN   [planes, rows, columns]
    const Py_ssize_t[::1] row,  # IN   [rows] where each row begins in a bordered plane
    real_t[:, ::1] bordered,  # OUT  [planes, bordered plane]
):
    """Copy x into planes of zeros."""
    cdef Py_ssize_t i, j
    cdef int threads = threads_for(x.size)
    for i in prange(x.shape[0], nogil=True, schedule="static", num_threads=threads):
        memset(&bordered[i, 0], 0, bordered.shape[1] * sizeof(real_t))
        for j in range(x.shape[1]):
            memcpy(&bordered[i, row[j]], &x[i, j, 0], x.shape[2] * sizeof(real_t))
