"""gather, scatter and what else takes tensors of indices; `x[...]` itself is in test_indexing.py."""

import numpy as np
from helpers import INTEGERS, MASK, on

COLUMNS = np.array([[0, 2, 2], [1, 0, 1]])
ROWS = np.array([[1, 0], [0, 0], [1, 1]])
FEW = np.array([[2, 0]])

OPERATORS = {
    "gather": [
        *on(lambda m, x, i: m.gather(x, 1, i), [(2, 3), COLUMNS], [(2, 3), FEW], [INTEGERS, COLUMNS], [MASK, FEW]),
        *on(lambda m, x, i: x.gather(dim=-2, index=i), [(2, 3), ROWS], [(2, 3), ROWS[:, :1].astype(np.int32)]),
        *on(lambda m, x, i: m.gather(x, 0, i), [(), np.array(0)], [(), np.array([0, 0])], [(3,), np.array(2)],
            [(2, 3), np.zeros((0, 3), int)], [(2, 3), np.zeros(0, int)], [(2, 2, 2), np.array([[[1, 0]]])]),
    ],
    "scatter": [
        *on(lambda m, x, i, y: m.scatter(x, 1, i, y), [(2, 3), FEW, (1, 2)], [(2, 3), COLUMNS[:, :2], (2, 2)]),
        *on(lambda m, x, i: (m.scatter(x, 0, i, 2.5), x.scatter(dim=0, index=i, value=True)), [(2, 3), ROWS],
            [INTEGERS, ROWS]),
        *on(lambda m, x, i, y: (x * 1).scatter_(0, i, y), [(2, 3), np.array([[1, 0, 1]]), (1, 3)],
            [(), np.array(0), ()]),
    ],
    "diag": [
        *on(lambda m, x: (m.diag(x), x.diag(1), x.diag(diagonal=-2)), [(2, 3)], [(2,)], [(0,)], [(0, 2)], [INTEGERS]),
    ],
    "nonzero": on(lambda m, x: (m.nonzero(x), x.nonzero(as_tuple=True)), [INTEGERS], [MASK], [(2, 0)], [()], [(2, 2)]),
}  # fmt: skip


def one(m, *shape):
    return m.ones(*shape)


ERRORS = {
    "gather out of bounds": (lambda m: one(m, 2, 3).gather(1, m.tensor([[3]])), RuntimeError,
        ["index 3", "dimension 1", "size 3"]),
    "a mask of nothing": (lambda m: one(m, 4)[m.tensor([], dtype=m.bool)], IndexError, ["[0]", "[4]"]),
    "a mask of nothing at the second dimension": (lambda m: one(m, 3, 4)[:, m.tensor([], dtype=m.bool)], IndexError,
        ["[0]", "[3, 4]"]),
    "gather from the end": (lambda m: one(m, 3).gather(0, m.tensor([-1])), RuntimeError, ["index -1", "size 3"]),
    "gather ranks": (lambda m: one(m, 2, 3).gather(0, m.tensor([0])), RuntimeError, ["gather", "[1]", "[2, 3]"]),
    "gather sizes": (lambda m: one(m, 1, 2).gather(1, m.tensor([[0], [0]])), RuntimeError, ["[2, 1]", "[1, 2]"]),
    "gather by floats": (lambda m: one(m, 2).gather(0, one(m, 2)), RuntimeError, ["gather", "int64", "float32"]),
    "gather by a list": (lambda m: one(m, 2).gather(0, [0]), TypeError, ["index", "list"]),
    "gather far": (lambda m: one(m, 2).gather(1, m.tensor([0])), IndexError, ["[-1, 0]", "1"]),
    "scatter out of bounds": (lambda m: one(m, 3).scatter(0, m.tensor([3]), 1.0), RuntimeError, ["index 3", "size 3"]),
    "scatter dtypes": (
        lambda m: one(m, 3).scatter(0, m.tensor([1]), m.tensor([1])), RuntimeError, ["float32", "int64"]
    ),
    "scatter of too little": (
        lambda m: one(m, 3).scatter(0, m.tensor([1, 2]), one(m, 1)), RuntimeError, ["scatter", "[2]", "[1]"]
    ),
    "scatter of text": (lambda m: one(m, 3).scatter(0, m.tensor([1]), "1"), TypeError, ["str"]),
    "scatter of nothing": (lambda m: one(m, 3).scatter(0, m.tensor([1])), TypeError, ["NoneType"]),
    "scatter into a leaf": (
        lambda m: m.ones(3, requires_grad=True).scatter_(0, m.tensor([1]), 1.0), RuntimeError, ["leaf"]
    ),
}  # fmt: skip
