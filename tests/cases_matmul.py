"""Products of vectors, matrices, stacks of them, and of dimensions named by letters."""

import numpy as np
from helpers import INTEGERS, MASK, NAN, on

VECTORS = [np.array([1, -2, 3]), np.array([4, 0, -1])]
TRANSPOSED = INTEGERS.T.copy()


def products(equation, *inputs):
    """The cases of one equation, one for each list of shapes."""
    return on(lambda m, *xs: m.einsum(equation, *xs), *inputs)


OPERATORS = {
    "mm": [
        *on(lambda m, x, y: (m.mm(x, y), x.mm(mat2=y)), [(2, 3), (3, 2)], [(2, 0), (0, 3)], [INTEGERS, TRANSPOSED]),
    ],
    "bmm": on(lambda m, x, y: (m.bmm(x, y), x.bmm(mat2=y)), [(2, 1, 3), (2, 3, 2)], [(0, 1, 3), (0, 3, 2)]),
    "mv": on(lambda m, x, y: (m.mv(x, y), x.mv(vec=y)), [(2, 3), (3,)], [(2, 0), (0,)], [INTEGERS, VECTORS[0]]),
    "dot": on(lambda m, x, y: (m.dot(x, y), x.dot(tensor=y)), [(3,), (3,)], [(0,), (0,)], VECTORS),
    "outer": [
        *on(lambda m, x, y: (m.outer(x, y), x.outer(vec2=y)), [(2,), (3,)], [(0,), (2,)], VECTORS),
        *on(lambda m, x, y: m.outer(x, y), [(3,), VECTORS[0]], [MASK[0], MASK[1]]),
    ],
    "einsum": [
        *products("ij,jk->ik", [(2, 3), (3, 2)], [INTEGERS, TRANSPOSED], [(2, 1), (3, 2)], [(0, 3), (3, 2)]),
        *products("bij,bjk", [(2, 1, 2), (2, 2, 2)], [(1, 1, 2), (2, 2, 1)]),
        *products("ba", [(2, 3)], [MASK]),
        *products("ii->i", [(3, 3)], [np.arange(4).reshape(2, 2)]),
        *products("ii", [(3, 3)], [(0, 0)]),
        *products("iij->j", [(2, 2, 3)]),
        *products("i,i->", [(3,), (3,)], [VECTORS[0], VECTORS[1]]),
        *products("i,j->ji", [(2,), (3,)], [(3,), VECTORS[0]]),
        *products("ij->", [(2, 3)], [INTEGERS], [MASK]),
        *products("ij,ij->i", [(2, 3), (2, 3)], [(2, 1), (1, 3)]),
        *products("ij,jk,kl->il", [(2, 2), (2, 1), (1, 2)]),
        *products("a,b,c->cab", [(2,), (2,), (1,)]),
        *products("...ij,...jk->...ik", [(2, 1, 2), (2, 2)], [(2, 1, 1, 2), (2, 2, 2)]),
        *products(" b ... , b ... -> ... ", [(2, 3), (2, 3)], [(2, 1, 2), (2, 2)]),
        *products("...", [(2, 3)], [()]),
        *products("i...->i", [(2, 1, 3)]),
        *products("ab,Ba", [(2, 2), (1, 2)]),
        *products(",i->i", [(), (3,)]),
        *on(lambda m, x, y: m.einsum("ij,kj->ikj", [x, y]), [(2, 2), (2, 2)]),
    ],
}

EDGES = {
    "products of NaN": [
        *products("ij,jk->ik", [[[NAN, 0.0], [1.0, 2.0]], [[0.0, 1.0], [2.0, NAN]]]),
        *on(lambda m, x: (x @ x, m.dot(x[0], x[1]), m.mv(x, x[0])), [[[NAN, 0.0], [1.0, 2.0]]]),
    ],
    "einsum over ones": [
        *on(lambda m, x, y: (m.einsum("i,j->", x, y), m.einsum("i,i", x, y), m.einsum("i,j,k->k", x, x, y)),
            [[True], [False]], [np.ones(1, np.int32)] * 2),
        *on(lambda m, x, y: (m.einsum("ij,jk->k", x, y), m.einsum("ij,j->", x, y[:, 0]), m.einsum("ij->i", x)),
            [np.ones((1, 2), np.int32), np.ones((2, 3), np.int32)], [(1, 2), (2, 3)]),
    ],
    "matmul of all ranks": [
        *on(lambda m, x, y: x @ y, [(3,), (2, 3, 1)], [(2, 1, 2, 3), (3,)], [(0,), (0,)], [(2, 0), (0, 3)],
            [(2, 1, 1, 3), (2, 3, 2)], [(3,), (3, 2)], [(0, 2, 3), (3, 1)], [INTEGERS, VECTORS[0]]),
    ],
}  # fmt: skip


def one(m, *shape, dtype="float32"):
    return m.ones(*shape, dtype=getattr(m, dtype))


def equation(text, *shapes):
    return lambda m: m.einsum(text, *(one(m, *shape) for shape in shapes))


ERRORS = {
    "mm of stacks": (lambda m: m.mm(one(m, 1, 2, 2), one(m, 2, 2)), RuntimeError, ["mm", "[1, 2, 2]"]),
    "mm sizes": (lambda m: m.mm(one(m, 2, 3), one(m, 2, 3)), RuntimeError, ["2x3 and 2x3"]),
    "mm dtypes": (lambda m: m.mm(one(m, 2, 2), one(m, 2, 2, dtype="int64")), RuntimeError, ["mat2", "int64"]),
    "mm of bools": (lambda m: m.mm(one(m, 2, 2) > 0, one(m, 2, 2) > 0), NotImplementedError, ["Bool"]),
    "bmm of matrices": (lambda m: m.bmm(one(m, 2, 2), one(m, 2, 2)), RuntimeError, ["bmm", "[2, 2]"]),
    "bmm stacks": (lambda m: m.bmm(one(m, 2, 2, 2), one(m, 1, 2, 2)), RuntimeError, ["bmm", "[1, 2, 2]"]),
    "mv of vectors": (lambda m: m.mv(one(m, 2), one(m, 2)), RuntimeError, ["mv", "[2]"]),
    "mv sizes": (lambda m: m.mv(one(m, 2, 3), one(m, 2)), RuntimeError, ["2x3 and 2"]),
    "dot of matrices": (lambda m: m.dot(one(m, 2, 2), one(m, 2, 2)), RuntimeError, ["dot", "[2, 2]"]),
    "dot sizes": (lambda m: m.dot(one(m, 2), one(m, 3)), RuntimeError, ["2 and 3"]),
    "outer of matrices": (lambda m: m.outer(one(m, 2, 2), one(m, 2)), RuntimeError, ["outer", "[2, 2]"]),
    "einsum subscripts": (equation("ij", (2, 2, 2)), RuntimeError, ["(2)", "(3)", "operand 0"]),
    "einsum too many": (equation("ijk", (2, 2)), RuntimeError, ["(3)", "(2)", "operand 0"]),
    "einsum sizes": (equation("ij,jk", (2, 3), (2, 3)), RuntimeError, ["subscript j", "size 2", "operand 1", "3"]),
    "einsum diagonal": (equation("ii", (2, 3)), RuntimeError, ["subscript i", "3 != 2"]),
    "einsum output": (equation("ij->k", (2, 3)), RuntimeError, ["subscript k", "output"]),
    "einsum output twice": (equation("ij->ii", (2, 3)), RuntimeError, ["subscript i", "more than once"]),
    "einsum digit": (equation("i1", (2, 3)), RuntimeError, ["'1'", "[a-zA-Z]"]),
    "einsum dot": (equation("i.j", (2, 3)), RuntimeError, ["'.'", "ellipsis"]),
    "einsum two ellipses": (equation("......", (2, 3)), RuntimeError, ["'.'", "ellipsis"]),
    "einsum two arrows": (equation("ij->i->", (2, 3)), RuntimeError, ["'-'"]),
    "einsum fewer": (equation("ij,jk", (2, 3)), RuntimeError, ["fewer operands"]),
    "einsum more": (equation("ij", (2, 3), (2, 3)), RuntimeError, ["more operands"]),
    "einsum of a number": (lambda m: m.einsum("i,i", one(m, 2), 2.0), TypeError, ["operands[1]", "float"]),
    "einsum dtypes": (
        lambda m: m.einsum("i,i", one(m, 2), one(m, 2, dtype="float64")), RuntimeError, ["float64"]
    ),
    "einsum of bools": (lambda m: m.einsum("i,i", one(m, 2) > 0, one(m, 2) > 0), NotImplementedError, ["Bool"]),
}  # fmt: skip
