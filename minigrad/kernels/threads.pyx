"""How many threads the kernels use.

Every kernel takes the number from here and hands it to OpenMP at each call. It may decide who does
which part of the work, but no sum is cut by it, so that it changes the time and never a bit of the
result.

GNU's OpenMP keeps its worker threads for the next call. They do not survive `fork`, and a child
that asked for them would wait for ever: a forked child therefore runs on one thread.
"""

import os

cdef extern from *:
    """
    #ifdef _OPENMP
    #define MINIGRAD_HAS_OPENMP 1
    #else
    #define MINIGRAD_HAS_OPENMP 0
    #endif
    """
    const bint MINIGRAD_HAS_OPENMP

cdef bint single_thread = not MINIGRAD_HAS_OPENMP
cdef int num_threads = 1


def has_openmp():
    """Whether the kernels were compiled with OpenMP; if not, they run on one thread."""
    return MINIGRAD_HAS_OPENMP


def get_num_threads():
    """The number of threads that a kernel uses: 1 without OpenMP and in a forked child."""
    return 1 if single_thread else num_threads


def set_num_threads(n):
    """Let kernels use `n` threads. Raises RuntimeError if n is no int or < 1."""
    global num_threads
    if not isinstance(n, int) or isinstance(n, bool):
        raise RuntimeError(f"set_num_threads expects an int, but got {type(n).__name__}")
    if not 0 < n <= 65536:
        raise RuntimeError(f"set_num_threads expects a positive integer, but got {n}")
    num_threads = n


def _after_fork_in_child():
    global single_thread
    single_thread = True


def _default():
    """OMP_NUM_THREADS if it is set, or else one thread for each core that we may use."""
    setting = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    if setting.isdigit() and int(setting) > 0:
        return int(setting)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


set_num_threads(_default())
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
