"""Pooling: a few cases of each function. test_pool.py has the others."""

import numpy as np
from helpers import INF, INTEGERS, NAN, F, distinct, on

LINE, PLANE, BLOCK = distinct(1, 2, 5), distinct(1, 2, 3, 2), distinct(1, 1, 3, 2, 2)
OPERATORS = {
    "max_pool1d": on(lambda m, x: (m.max_pool1d(x, 2), F(m).max_pool1d(x, 3, 2, 1, 1, True)), [LINE], [LINE[0]]),
    "max_pool2d": on(lambda m, x: F(m).max_pool2d(x, 2, 1, 1, return_indices=True), [PLANE]),
    "max_pool3d": on(lambda m, x: (m.max_pool3d(x, 2), F(m).max_pool3d(x, (2, 1, 2), 1, (1, 0, 0), 1, False, True)),
                     [BLOCK]),
    "avg_pool1d": on(lambda m, x: (m.avg_pool1d(x, 2), F(m).avg_pool1d(x, 3, 2, 1, True, False)),
                     [(1, 2, 5)], [(1, 4)]),
    "avg_pool2d": on(lambda m, x: F(m).avg_pool2d(x, 2, 2, 1, True, False), [(1, 1, 4, 3)]),
    "avg_pool3d": on(lambda m, x: F(m).avg_pool3d(x, (2, 1, 2), divisor_override=3), [(1, 1, 2, 1, 3)]),
    "adaptive_avg_pool1d": on(lambda m, x: (m.adaptive_avg_pool1d(x, 3), F(m).adaptive_avg_pool1d(x, 1)),
                              [(1, 2, 5)], [(2, 4)]),
    "adaptive_avg_pool2d": on(lambda m, x: (F(m).adaptive_avg_pool2d(x, (2, None)), F(m).adaptive_avg_pool2d(x, 1)),
                              [(1, 2, 3, 2)], [(1, 2, 3)]),
    "adaptive_avg_pool3d": on(lambda m, x: F(m).adaptive_avg_pool3d(x, (2, 1, 3)), [(1, 1, 3, 2, 2)]),
}  # fmt: skip

SPECIAL = np.random.default_rng(0).choice([0.0, 1.0, NAN, INF, -INF], (2, 2, 5, 5))
TIES = np.random.default_rng(0).choice([0.0, 1.0], (2, 2, 5, 5))


def edge(kind):
    def function(m, x):
        plane = getattr(F(m), f"{kind}_pool2d")
        return plane(x, 3), getattr(F(m), f"{kind}_pool1d")(x[0], 2), plane(x, (2, 4))

    return on(function, [SPECIAL], [TIES])


EDGES = {
    **{f"{kind}_pool": edge(kind) for kind in ("max", "avg", "adaptive_avg")},
    "pools of integers": [
        *on(lambda m, x: (F(m).max_pool2d(x[None], 2, 1), F(m).max_pool2d(x[None], (1, 2), return_indices=True)),
            [INTEGERS], [INTEGERS.astype(np.int32)], [INTEGERS.astype(np.uint8)]),
        *on(lambda m, x: (F(m).avg_pool2d(x[None], 2, 1), F(m).avg_pool1d(x, 2, 1, 1)), [INTEGERS]),
        *on(lambda m, x: F(m).max_pool1d(x, 2, return_indices=True), [INTEGERS]),
    ],
}  # fmt: skip

X = {1: (1, 1, 4), 2: (1, 1, 4, 4), 3: (1, 1, 4, 4, 4)}


def refused(name, d):
    """What a pool of windows refuses: {arguments: (exception, words)}."""
    x, too_many = f"z{X[d]}", (2,) * 4
    rows = {
        **{f"{x}, {n}": (RuntimeError, ["kernel_size", n]) for n in (0, -1, too_many, ())},
        **{f"{x}, {n!r}": (TypeError, ["kernel_size"]) for n in (2.0, None, True)},
        **{f"{x}, 2, stride={n}": (RuntimeError, ["stride", n]) for n in (0, -1, too_many)},
        **{f"{x}, 2, {k}={n}": (TypeError, [k]) for k in ("stride", "padding") for n in (1.5, True)},
        **{f"{x}, 2, padding={n}": (RuntimeError, ["padding", n]) for n in (-1, too_many)},
        **{f"{x}, {n}, padding=2": (RuntimeError, ["pad", "kernel_size"]) for n in (2, 3)},
        f"{x}, 2, padding=2**62": (RuntimeError, ["padding"]),
        f"{x}, 5": (RuntimeError, [list(X[d]), "kernel_size"]),
        f"{x}, 2**31": (RuntimeError, ["kernel_size"]),
        f"{x}, 2, ceil_mode='no'": (TypeError, ["ceil_mode", "str"]),
        **{f"z{shape}, 1": (RuntimeError, [list(shape)])
           for shape in ((1, *X[d], 4), (1, 0, *X[d][2:]), (1, *X[d][1:-1], 0))},
        f"z{(0, *X[d][2:])}, 1": (RuntimeError, ["0, 4"]),
        f"{x}.bool(), 2": (NotImplementedError, ["Bool"]),
        "[1.0], 2": (TypeError, ["input", "list"]),
        x: (TypeError, ["kernel_size"]),
    }  # fmt: skip
    if name == "max":
        rows |= {
            **{f"{x}, 2, dilation={n}": (RuntimeError, ["dilation", n]) for n in (0, -1, too_many)},
            f"{x}, 2, dilation=4": (RuntimeError, [list(X[d]), "kernel_size"]),
            f"z({(1, 1) + (8,) * d}), 3, padding=2, dilation=2": (RuntimeError, ["pad"]),
            f"{x}, 2, 2, 0, True": (TypeError, ["dilation"]),  # one argument too few before ceil_mode
            "z(4), 2": (RuntimeError, [[4]]),
        }
    else:
        rows[f"{x}, 2, count_include_pad=1"] = TypeError, ["count_include_pad", "int"]
        rows["z(4), 2"] = IndexError if d == 2 else RuntimeError, [[4]]
        divisors = (1.5, 3) if d == 1 else (1.5, "2", True)  # avg_pool1d has none
        rows |= {f"{x}, 2, divisor_override={n!r}": (TypeError, ["divisor_override"]) for n in divisors}
    return rows


def adaptive(name, d):
    x = f"z{X[d]}"
    return {
        f"{x}, -1": (RuntimeError, [-1]),
        **{f"{x}, {n!r}": (TypeError, ["output_size"]) for n in (None, 2.0, True, (2.0,) * d)},
        f"{x}, ()": (RuntimeError, ["output_size"]),
        f"{x}, {(2,) * (d - 1)}": (RuntimeError, ["output_size"]),
        f"{x}.long(), 3": (NotImplementedError, ["Long"]),
        f"z{(1, *X[d][1:-1], 0)}, 3": (RuntimeError, [[1, *X[d][1:-1], 0]]),
        x: (TypeError, ["output_size"]),
    }


def evaluated(code):
    return lambda m: eval(code, {"m": m, "F": F(m), "z": m.zeros})


TABLES = {f"{kind}_pool{d}d": table(kind, d) for kind, table in (
    ("max", refused), ("avg", refused), ("adaptive_avg", adaptive)) for d in (1, 2, 3)}
ERRORS = {f"F.{name}({code})": (evaluated(f"F.{name}({code})"), *expected)
          for name, rows in TABLES.items() for code, expected in rows.items()} | {
    "a pool divided by 0": (
        lambda m: F(m).avg_pool2d(m.full((1, 2, 2), 3), 2, divisor_override=0), RuntimeError, ["divisor_override=0"]),
    "avg_pool3d of less than a window": (
        lambda m: F(m).avg_pool3d(m.zeros(1, 1, 2, 2, 2), 3, padding=1), RuntimeError, ["[1, 1, 2, 2, 2]", "3"]),
}  # fmt: skip
