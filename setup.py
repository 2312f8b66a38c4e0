"""The compiled modules: which they are, how they are compiled, and whether OpenMP is there.

Everything that can be declared is in pyproject.toml. Two environment variables are read here:
    MINIGRAD_DEBUG=1      build with every check of Cython on (slow; for hunting a crash)
    MINIGRAD_NO_OPENMP=1  build single-threaded kernels
"""

import os
import sys
import tempfile
import warnings
from pathlib import Path

import numpy
from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.errors import CompileError, LinkError

DEBUG = os.environ.get("MINIGRAD_DEBUG") == "1"
NO_OPENMP = os.environ.get("MINIGRAD_NO_OPENMP") == "1"

DIRECTIVES = {
    "language_level": 3,
    "boundscheck": DEBUG,
    "wraparound": DEBUG,
    "initializedcheck": DEBUG,
    "nonecheck": DEBUG,
    "cdivision": True,  # also in a debug build: it decides what `/` and `%` mean
}

# Never -march=native (a wheel must run everywhere; kernels choose their instruction set at run
# time) and never -ffast-math (it changes denormals for the whole process and loses NaN).
if sys.platform == "win32":
    FLAGS, OPENMP_COMPILE, OPENMP_LINK = ["/O2"], ["/openmp"], []
else:
    FLAGS = ["-O3", "-ffp-contract=fast", "-g0"]
    OPENMP_COMPILE, OPENMP_LINK = ["-fopenmp"], ["-fopenmp"]
if sys.platform == "linux":
    OPENMP_COMPILE += ["-include", "minigrad/kernels/one_thread.h"]
    OPENMP_LINK += ["-Wl,--wrap=GOMP_parallel"]
if sys.platform == "darwin":  # Apple's clang has the pragmas, Homebrew's libomp the library
    OPENMP_COMPILE, OPENMP_LINK = ["-Xpreprocessor", "-fopenmp"], ["-lomp"]

SHARED = "minigrad._cyutility"  # Cython's code for memoryviews, compiled once for all modules

OPENMP_PROBE = "#include <omp.h>\nint main(void) { return omp_get_max_threads() < 1; }\n"


class BuildExtensions(build_ext):
    """Translates, compiles and links all extensions in parallel, with OpenMP where it works."""

    def build_extensions(self):
        use_openmp = not NO_OPENMP and self.has_openmp()
        for extension in self.extensions:
            extension.extra_compile_args = FLAGS + OPENMP_COMPILE * use_openmp
            extension.extra_link_args = OPENMP_LINK * use_openmp

        # Time stamps do not see a changed flag or directive, so the last build's are kept.
        settings = repr((DIRECTIVES, FLAGS, use_openmp))
        stamp = Path("build", "settings.txt")
        self.force = self.force or not stamp.exists() or stamp.read_text() != settings
        self.parallel = self.parallel or os.cpu_count()
        translated = cythonize(
            self.extensions,
            build_dir="build/cython",
            compiler_directives=DIRECTIVES,
            force=self.force,
            nthreads=self.parallel,
            shared_utility_qualified_name=SHARED,
        )
        for extension, in_c in zip(self.extensions, translated):
            extension.sources, extension.include_dirs = in_c.sources, in_c.include_dirs
        super().build_extensions()
        stamp.parent.mkdir(exist_ok=True)
        stamp.write_text(settings)

    def has_openmp(self):
        """Whether a program that calls OpenMP compiles and links."""
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder, "probe.c")
            source.write_text(OPENMP_PROBE)
            try:
                objects = self.compiler.compile([str(source)], "/", extra_postargs=OPENMP_COMPILE)
                self.compiler.link_executable(
                    objects, "probe", output_dir=folder, extra_postargs=OPENMP_LINK
                )
            except (CompileError, LinkError):
                warnings.warn("no working OpenMP found: minigrad will use one thread", stacklevel=2)
                return False
        return True


def extension(path):
    return Extension(
        ".".join(path.with_suffix("").parts),
        [str(path)],
        depends=sorted(str(header) for header in path.parent.glob("*.h")),
        include_dirs=[numpy.get_include()],
        define_macros=[
            ("NPY_NO_DEPRECATED_API", "NPY_1_7_API_VERSION"),
            ("MINIGRAD_CHECKS", str(int(DEBUG))),
        ],
    )


setup(
    ext_modules=[
        Extension(SHARED, []),
        *(extension(path) for path in sorted(Path("minigrad").rglob("*.pyx"))),
    ],
    cmdclass={"build_ext": BuildExtensions},
)
