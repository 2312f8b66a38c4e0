"""Normalisation and dropout: a few cases of each function. test_norm.py has the others."""

import numpy as np
from helpers import INF, NAN, F, on, positive, random


def batch(training, dtype_of=None):
    def function(m, x, w, b):
        running = [m.tensor([0.5, -1.0]).to(x.dtype), m.tensor([2.0, 0.25]).to(x.dtype)]
        return [F(m).batch_norm(x, *running, w, b, training, 0.3, 0.1), *running]

    return on(function, [(3, 2), (2,), (2,)], [(2, 2, 3), (2,), (2,)])


def dropped(name, *shapes):
    return on(lambda m, x: m.manual_seed(0) and getattr(F(m), name)(x.contiguous(), 0.4), *[[s] for s in shapes])


OPERATORS = {
    "batch_norm": [
        *batch(True), *batch(False),
        *on(lambda m, x: F(m).batch_norm(x, None, None, training=True), [(2, 1, 2, 1, 2)]),
    ],
    "layer_norm": [
        *on(lambda m, x, w, b: F(m).layer_norm(x, (3,), w, b, 0.1), [(2, 3), (3,), (3,)]),
        *on(lambda m, x: (m.layer_norm(x, [2, 2]), m.layer_norm(x, x.shape)), [(2, 2, 2)]),
    ],
    "dropout": dropped("dropout", (20,), (2, 3)),
    "dropout2d": dropped("dropout2d", (3, 4, 1, 2)),
}  # fmt: skip

SPECIAL = random(2, 2, 3)
SPECIAL[0, 0, 0], SPECIAL[1, 1, 1] = NAN, INF
EDGES = {
    "normalisation": [
        *on(lambda m, x: F(m).batch_norm(x, None, None, training=True), [SPECIAL], [np.ones((2, 2, 3))], [(0, 2, 3)]),
        *on(lambda m, x: F(m).layer_norm(x, (3,)),
            [SPECIAL], [np.ones((2, 2, 3))], [np.zeros((0, 2, 3))]),
        *on(lambda m, x, v: F(m).batch_norm(x, m.zeros(2, dtype=x.dtype), v.detach(), eps=0.0),
            [random(2, 2), positive(2)], [SPECIAL, positive(2)]),
    ],
}  # fmt: skip

ROWS = {
    "batch_norm": {
        **{f"{X}, {a}": (RuntimeError, words) for X in ["z(2, 3, 4)"] for a, words in {
            "None, None": ["running_mean"], "z(3), None": ["running_var"], "None, o(3)": ["running_mean"],
            "z(2), o(3)": ["running_mean", 3, [2, 3, 4], [2]], "z(3), o(2)": ["running_var", 3, [2]],
            "z(2), None, training=True": ["running_mean"], "z(1), o(1)": ["running_mean"],
            "z(3), o(3), o(2)": ["weight", 3, [2]], "z(3), o(3), None, o(2)": ["bias", 3, [2]],
            "z(3), o(3), o(1)": ["weight"], "z(3, dtype=f64), o(3, dtype=f64)": ["running_mean", "float64"],
            "z(3), o(3), o(3, dtype=f64)": ["weight", "float64"], "z(3), o(3), o(3).long()": ["weight", "int64"],
            "z(3).requires_grad_(), o(3)": ["running_mean"],
        }.items()},
        "z(2, 3), z(3), None, training=True": (ValueError, ["running_mean", "running_var"]),
        **{f"z{s}, z(3), o(3), training=True": (ValueError, ["Expected more than 1 value per channel", list(s)])
           for s in ((1, 3), (1, 3, 1), (1, 3, 1, 1))},
        "z(2, 3), z(3), o(3), training=True, eps=0": (ValueError, ["eps", 0]),
        "z(2, 3), z(3), o(3), eps=-1": (ValueError, ["eps", -1]),
        "z(2, 3), z(3), o(3), eps='a'": (TypeError, []),
        **{f"z(2, 3), z(3), o(3), training={a}": (TypeError, ["training", "bool"]) for a in (0, 1, None)},
        **{f"z(2, 3), z(3), o(3), training={a}, momentum={b}": (TypeError, ["momentum", "float"])
           for a in (True, False) for b in ("None", "(1,)", "'x'", "np.array([1, 2, 3])")},
        **{f"z(2, 3), {a}, training={b}": (RuntimeError, ["running_", 3, [1, 3]]) for b in (True, False)
           for a in ("z(1, 3), o(1, 3)", "z(3), o(1, 3)", "z(1, 3), o(3)")},
        "z(2, 1), z(()), o(())": (RuntimeError, ["running_mean", []]),
        "z(3), z(3), o(3)": (RuntimeError, [[3]]),
        "z(2, 3).double(), z(3), o(3)": (RuntimeError, ["float64", "float32"]),
        "z(2, 3).long(), z(3), o(3)": (NotImplementedError, ["Long"]),
        "z(2, 3), 1.0, o(3)": (TypeError, ["running_mean", "float"]),
        "z(2, 3)": (TypeError, ["running_mean"]),
    },
    "layer_norm": {
        **{f"z(2, 3, 4), {a}": (RuntimeError, words) for a, words in {
            "(1, 2, 3, 4)": [[1, 2, 3, 4], [2, 3, 4]], "(3,)": [[3], [2, 3, 4]], "()": [[]], "(-1,)": [-1],
            "(4,), o(3)": ["weight", [3]], "(4,), None, o(3)": ["bias", [3]], "(4,), o(4, 1)": ["weight"],
            "(3, 4), o(4)": ["weight"], "(4,), o(4, dtype=f64)": ["weight", "float64"],
        }.items()},
        **{f"z(2, 4), {a}": (TypeError, ["normalized_shape"]) for a in ("4", "(4.0,)", "None")},
        "z(2, 4), (4,), 1.0": (TypeError, ["weight", "float"]),
        **{f"z(2, 4), (4,), eps={a}": (TypeError, ["eps", "float"])
           for a in ("(1,)", "'x'", "None", "1j", "np.ones(2)", "o(1)")},
        "z(4).long(), (4,)": (NotImplementedError, ["Long"]),
        "z(4).double(), (4,), o(4)": (RuntimeError, ["float64", "float32"]),
    },
    **{name: {
        **{f"z(2, 3, 4), {p}": (ValueError, [p]) for p in (-0.1, 1.1, 2)},
        **{f"z(2, 3, 4), {p!r}": (TypeError, []) for p in ("a", None)},
        **{f"z(2, 3, 4, 1), 0.0, {t}": (TypeError, ["training", "bool"]) for t in (0, 1, None)},
        "z(2, 3, 4).long(), 0.5": (RuntimeError, ["int64"]),
    } for name in ("dropout", "dropout2d")},
}  # fmt: skip
ROWS["dropout2d"] |= {"z(3), 0.5": (RuntimeError, [[3]])}
ROWS["dropout"] |= {"[1.0], 0.5": (TypeError, ["input", "list"])}


def evaluated(code):
    return lambda m: eval(code, {"m": m, "F": F(m), "z": m.zeros, "o": m.ones, "f64": m.float64, "np": np})


ERRORS = {f"F.{name}({code})": (evaluated(f"F.{name}({code})"), *expected)
          for name, rows in ROWS.items() for code, expected in rows.items()}  # fmt: skip
