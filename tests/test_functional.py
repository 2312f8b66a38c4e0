"""nn.functional in depth: every argument against PyTorch, and what each refuses.

The shapes are small; that the kernels are right for large ones is held in test_kernels.
"""


import pytest
from helpers import check, check_error

import minigrad
from minigrad.nn import functional as F

NAN, INF = float("nan"), float("inf")


def f(m):
    return m.nn.functional


def call(code, m):
    return eval(code, {"m": m, "F": f(m), "z": m.zeros, "o": lambda *c: m.tensor(c), "f64": m.float64})


# ---- linear, relu


def test_relu_in_place():
    x = minigrad.tensor([-1.0, 2.0])
    assert F.relu(x, inplace=True) is x and x.tolist() == [0, 2]


def test_linear_takes_any_number_of_leading_dimensions():
    for shape in ((3,), (2, 3), (2, 1, 3), (2, 2, 1, 3), (0, 3), (2, 0, 3)):
        check(lambda m, x, w, b: f(m).linear(x, w, b), shape, (4, 3), (4,), differences=False)
    for shape in ((0,), (2, 0), (2, 2, 0)):
        check(lambda m, x, w: f(m).linear(x, w), shape, (4, 0), differences=False)
    check(lambda m, x, w: f(m).linear(x, w), (2, 3), (3,))  # a weight (in) makes one output
    check(lambda m, x, w, b: f(m).linear(x, w, b), (2, 3), (2, 3), ())


def test_where_softplus_becomes_a_line_its_curvature_is_0():
    x = [0.5, 0.25, -1.0, 2.0, INF, -INF, NAN]
    check(lambda m, x: (f(m).softplus(x, 2, 1), f(m).softplus(x, threshold=0.25)), x, differences=False)


# ---- what they refuse

OTHERS = {
    "linear": [
        ("z(2, 3), z(4, 2)", RuntimeError, "2x3", "2x4"),
        ("z(5, 2, 3), z(4, 2)", RuntimeError, "10x3", "2x4", [5, 2, 3]),
        ("z(2), z(4, 3)", RuntimeError, [2], 3),
        ("z(()), z(4, 3)", RuntimeError, [], 3),
        ("z(2, 3), z(2)", RuntimeError, [2, 3], 2),
        ("z(2, 3), z(4, 3), z(3)", RuntimeError, "bias", [4, 3], [3]),
        ("z(2, 3), z(1, 4, 3)", RuntimeError, "weight", [1, 4, 3]),
        *((f"z{s}, z(3), z(1)", RuntimeError, "weight", "bias", [3], [1]) for s in ((3,), (2, 3), (2, 2, 3))),
        ("z(2, 3), z(4, 3, dtype=f64)", RuntimeError, "weight", "float32", "float64"),
        ("z(2, 3, dtype=f64), z(4, 3)", RuntimeError, "weight", "float32", "float64"),
        ("z(2, 3), z(4, 3), z(4, dtype=f64)", RuntimeError, "bias", "float32", "float64"),
        ("z(2, 3).bool(), z(4, 3).bool()", NotImplementedError, "Bool"),
        ("[1.0], z(4, 3)", TypeError, "input", "list"),
        ("z(2, 3), None", TypeError, "weight", "NoneType"),
        ("z(2, 3), z(4, 3), 1.0", TypeError, "bias", "float"),
    ],
}
REFUSED = {
    "unfold": [*((f"z(1, 1, 3, 3), ({k},)", TypeError, "kernel_size") for k in ("1.0", "None", "'a'")),
               ("z(1, 1, 3, 3), 2, (1.0,)", TypeError, "dilation"), ("z(1, 1, 3, 3), (1,)", RuntimeError, "pair")],
    "fold": [("z(1, 4, 1), (2.0,), 2", TypeError, "output_size"), ("z(1, 4, 1), (2,), 2", RuntimeError, "pair")],
    **OTHERS,
}  # fmt: skip
REFUSED = [(f"F.{name}({code})", *expected) for name, cases in REFUSED.items() for code, *expected in cases]


@pytest.mark.parametrize("code, exception, words", [(c, e, w) for c, e, *w in REFUSED],
                         ids=[c for c, *_ in REFUSED])  # fmt: skip
def test_both_libraries_refuse(code, exception, words):
    check_error(lambda m: call(code, m), exception, *words)
