"""Memory for large arrays, used again and again.

A training step makes and drops the same large arrays every time. The C library hands memory of this
size back to the operating system, which must then map and clear every page of it anew: for LeNet-5
at batch 64 that took a third of the step. Here, what is dropped waits in a list for the next array
of its size class.

        free list of each class          memory:   | ... | header | the numbers of an array ... |
        ...                                                       ^ a multiple of 64 bytes
        4.0 MiB  ->  block -> block
        4.5 MiB  ->  block

NumPy asks for memory by way of a handler (its enhancement proposal 49); operators on large arrays
set this one while they run. All of it happens under Python's global lock.
"""

import math

import numpy as np

cimport numpy as cnp
from cpython.pycapsule cimport PyCapsule_New
from libc.stdint cimport uintptr_t
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memcpy, memset

cdef extern from *:
    """
    #ifdef __linux__
    #include <sys/mman.h>
    /* Pages of 2 MiB, where the system has them: fewer to map, fewer addresses to look up. */
    #define USE_LARGE_PAGES(memory, size) madvise(memory, size, MADV_HUGEPAGE)
    #else
    #define USE_LARGE_PAGES(memory, size) ((void)0)
    #endif
    """
    void USE_LARGE_PAGES(void *memory, size_t size)

cnp.import_array()

cdef enum:
    LARGE = 1 << 16  # bytes; below that, the C library keeps what is dropped
    PAGE = 1 << 21
    CLASSES = 8 * 64  # 8 for each power of two
    MOST = 1 << 28  # bytes that wait, at most

cdef struct Header:
    void *raw  # what malloc returned
    size_t capacity
    int number  # of its size class
    Header *next  # in the free list

cdef Header *waiting[CLASSES]
cdef size_t waiting_bytes = 0


cdef int size_class(size_t size, size_t *capacity) noexcept:
    """The class of a size, and its capacity: the size rounded up to an eighth of a power of two."""
    cdef int shift = 0
    size = max(size, <size_t> 64)
    while size >> shift >= 16:
        shift += 1
    capacity[0] = (size + (<size_t> 1 << shift) - 1) >> shift << shift
    return shift * 8 + <int> (capacity[0] >> shift) - 8


cdef void *take(size_t size, bint zeros) noexcept:
    global waiting_bytes
    cdef size_t capacity, alignment, needed
    cdef int number = size_class(size, &capacity)
    cdef Header *header = waiting[number]
    cdef void *raw
    if header is not NULL:
        waiting[number] = header.next
        waiting_bytes -= capacity
        if zeros:
            memset(header + 1, 0, size)
        return header + 1
    alignment = PAGE if capacity >= PAGE else 64
    # New pages are zero already, and take no room until they are used.
    needed = capacity + alignment + sizeof(Header)
    raw = calloc(1, needed) if zeros else malloc(needed)
    if raw is NULL:
        if not waiting_bytes:
            return NULL
        empty_cache()
        return take(size, zeros)
    cdef uintptr_t at = (<uintptr_t> raw + sizeof(Header) + alignment - 1) & ~<uintptr_t> (alignment - 1)
    if capacity >= PAGE:
        USE_LARGE_PAGES(<void *> at, capacity & ~<size_t> (PAGE - 1))
    header = <Header *> at - 1
    header.raw, header.capacity, header.number = raw, capacity, number
    return <void *> at


cdef void *allocate(void *context, size_t size) noexcept:
    return take(size, False)


cdef void *allocate_zeros(void *context, size_t count, size_t size) noexcept:
    return take(count * size, True)


cdef void *reallocate(void *context, void *memory, size_t size) noexcept:
    cdef void *larger = take(size, False)
    if larger is not NULL and memory is not NULL:
        memcpy(larger, memory, min(size, (<Header *> memory - 1).capacity))
        release(context, memory, 0)
    return larger


cdef void release(void *context, void *memory, size_t size) noexcept:
    global waiting_bytes
    cdef Header *header = <Header *> memory - 1
    if memory is NULL:
        return
    if header.capacity < LARGE or waiting_bytes + header.capacity > MOST:
        free(header.raw)
        return
    header.next = waiting[header.number]
    waiting[header.number] = header
    waiting_bytes += header.capacity


def new(make, shape, dtype, /, **options):
    """make(shape, dtype, **options), numpy.empty for one, in memory from here if the array is large."""
    before = cnp.PyDataMem_SetHandler(handler) if dtype.itemsize * math.prod(shape) >= LARGE else None
    try:
        return make(shape, dtype, **options)
    finally:
        set_handler(before)


def empty(shape, dtype):
    """numpy.empty, in memory from here if it is large."""
    return new(np.empty, shape, dtype)


def cached_bytes():
    """How many bytes wait for their next use."""
    return waiting_bytes


def empty_cache():
    """Hand all memory that waits for its next use back to the C library."""
    global waiting_bytes
    cdef Header *header
    for number in range(CLASSES):
        while waiting[number] is not NULL:
            header = waiting[number]
            waiting[number] = header.next
            free(header.raw)
    waiting_bytes = 0


cdef cnp.PyDataMem_Handler functions
memcpy(functions.name, b"minigrad", 9)
functions.version = 1
functions.allocator.ctx = NULL
functions.allocator.malloc = allocate
functions.allocator.calloc = allocate_zeros
functions.allocator.realloc = reallocate
functions.allocator.free = release
cdef object handler = PyCapsule_New(&functions, "mem_handler", NULL)


cdef object reuse_for(list arrays):
    """Let NumPy take memory from here if one of the arrays is large; returns the handler before, or None."""
    for array in arrays:
        if isinstance(array, cnp.ndarray) and cnp.PyArray_NBYTES(array) >= LARGE:
            return cnp.PyDataMem_SetHandler(handler)
    return None


cdef set_handler(before):
    if before is not None:
        cnp.PyDataMem_SetHandler(before)
