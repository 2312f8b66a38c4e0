"""Which build of minigrad this is, on what, and with how many threads."""

import os
import platform

import numpy as np

try:
    from . import build_info, kernels
except ImportError as error:
    raise ImportError(
        f"The compiled modules of minigrad cannot be imported from {os.path.dirname(__file__)}. "
        "If this is the source folder, build them there with `python -m pip install -e .`, "
        "or start Python in another folder to use an installed minigrad."
    ) from error

__version__ = "0.1.0"


def set_num_threads(n):
    """Use at most `n` threads in minigrad's kernels and in NumPy's matrix products.

    Raises RuntimeError unless `n` is an int greater than 0.

    >>> import minigrad
    >>> before = minigrad.get_num_threads()
    >>> minigrad.set_num_threads(1)
    >>> minigrad.get_num_threads()
    1
    >>> minigrad.set_num_threads(before)
    """
    from threadpoolctl import threadpool_limits  # here, to keep `import minigrad` fast

    kernels.set_num_threads(n)
    threadpool_limits(n, user_api="blas")


def get_num_threads():
    """The number of threads that minigrad's kernels may use.

    >>> import minigrad
    >>> minigrad.get_num_threads() > 0
    True
    """
    return kernels.get_num_threads()


def show_config():
    """Print versions, compiler, OpenMP, instruction set, BLAS and threads: the head of a report.

    >>> import minigrad
    >>> minigrad.show_config()  # doctest: +ELLIPSIS
    minigrad: ...
    """
    lines = {
        "minigrad": __version__,
        "Python": f"{platform.python_version()} on {platform.system()} {platform.machine()}",
        "NumPy": np.__version__,
        "Cython": build_info.cython_version,
        "compiler": build_info.compiler,
        "checks": "on: a slow build for debugging" if build_info.checks else "off",
        "OpenMP": "yes" if kernels.has_openmp() else "no: kernels use one thread",
        "SIMD": kernels.simd_level(),
        "BLAS": ", ".join(_blas_libraries()) or "unknown",
        "threads": f"{get_num_threads()} of {os.cpu_count()}",
    }
    for name, value in lines.items():
        print(f"{name + ':':10}{value}")


def _blas_libraries():
    from threadpoolctl import threadpool_info

    for library in threadpool_info():
        if library["user_api"] == "blas":
            name, threads = library["internal_api"], library["num_threads"]
            yield f"{name} {library['version']} ({threads} threads)"
