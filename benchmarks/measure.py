"""What happens in a process of its own: one library, some rows, a figure for each of them."""

import ctypes
import gc
import importlib
import re
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

EAGER = ("minigrad", "default", "channels_last")


class Library:
    """minigrad or PyTorch: `m` is the package, under the names that both have; the rest is where they differ."""

    def __init__(self, variant, threads):
        self.variant = variant
        self.m = importlib.import_module("minigrad" if variant == "minigrad" else "torch")
        self.data = importlib.import_module("minigrad.data" if variant == "minigrad" else "torch.utils.data")
        self.m.set_num_threads(threads)
        self.m.manual_seed(0)

    def randn(self, *shape, dtype="float32"):
        x = self.m.randn(shape, dtype=getattr(self.m, dtype))
        return self.lay_out(x) if len(shape) == 4 else x

    def lay_out(self, x):
        """An image or a model, in the memory format of the variant."""
        return x.to(memory_format=self.m.channels_last) if self.variant == "channels_last" else x

    def prepare(self, model, dtype="float32"):
        model = self.lay_out(model.to(getattr(self.m, dtype)))
        if self.variant != "compile":
            return model
        # Forget the other rows: after a second batch size it would compile for all sizes, which is slower.
        self.m.compiler.reset()
        return self.m.compile(model, dynamic=False)


@dataclass(frozen=True)
class Row:
    group: str
    name: str
    setup: Callable | None
    variants: tuple = EAGER
    flops: float | None = None
    dtype: str = "float32"
    unit: str = "ms"  # or MiB
    once: bool = False  # so long that it needs no repetition

    def description(self):
        return {name: getattr(self, name) for name in ("group", "name", "unit", "flops", "dtype")}


def forward(library, function):
    """The function, without recording it for a gradient."""
    def run():
        with library.m.no_grad():
            function()

    return run


def forward_backward(function, leaves, g):
    """The function, then its gradients, from g as that of its result, in leaves that have none before."""
    for leaf in leaves:
        leaf.requires_grad_()

    def run():
        for leaf in leaves:
            leaf.grad = None
        function().backward(g)

    return run


def measure(rows, library, budget):
    """{name: a figure in the unit of the row, or text that says what failed}."""
    figures = {}
    for row in rows:
        gc.collect()  # what the row before left behind is not this row's work
        try:
            figures[row.name] = memory(row, library) if row.unit == "MiB" else milliseconds(row, library, budget)
        except Exception as error:
            figures[row.name] = f"{type(error).__name__}: {error}".splitlines()[0]
    return figures


def milliseconds(row, library, budget):
    """The median time of a call, after a warm-up (in which torch.compile compiles)."""
    run = row.setup(library)
    if row.once:
        return timed(run)
    run()
    end = time.perf_counter() + budget / 4
    while time.perf_counter() < end:
        run()
    times = []
    end = time.perf_counter() + budget
    while time.perf_counter() < end or len(times) < 3:
        times.append(timed(run))
    return statistics.median(times)


def timed(run):
    start = time.perf_counter()
    run()
    return 1e3 * (time.perf_counter() - start)


def memory(row, library):
    """MiB of peak resident memory, above what the process held after import and set-up (Linux only).

    Without set-up: what it holds after import. Pages of code that are used for the first time count too.
    """
    run = row.setup(library) if row.setup else None
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)  # else the run would hide in what the set-up has freed
    Path("/proc/self/clear_refs").write_text("5")  # the peak is now what is in use
    before = peak()
    if run is None:
        return before
    run()
    return peak() - before


def peak():
    return int(re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())[1]) / 1024


def machine_limit():
    """Versions, and the machine's limit: GFLOP/s of multiply-adds in registers, on one core, by dtype."""
    import numpy

    import minigrad
    from minigrad.kernels.loops import fma_limit

    limit = fma_limit(seconds=0.5) / 1e9
    return {
        "numpy": numpy.__version__,
        "minigrad": minigrad.__version__,
        "simd": minigrad.kernels.simd_level(),
        "limit": {"float32": limit, "float64": limit / 2},  # a vector holds half as many
    }
