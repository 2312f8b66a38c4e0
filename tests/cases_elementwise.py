"""Arithmetic, comparisons, and functions of one number."""

import numpy as np
from helpers import INF, INTEGERS, MASK, NAN, PAIRS, POSITIVE, SHAPES, SPECIAL, F, on, pairs, positive

ARITHMETIC = {
    "add": [
        *on(lambda m, x, y: m.add(x, y), *PAIRS, [(2, 3), INTEGERS], [INTEGERS, INTEGERS]),
        *on(lambda m, x, y: x + y, [(2,), (2,)], [MASK, MASK], [MASK, (3,)]),
        *on(lambda m, x: (x + 2.5, 2.5 + x, x + 2, True + x), [(2, 3)], [INTEGERS], [()]),
        *on(lambda m, x, y: m.add(x, y, alpha=3), [(2,), (1,)], [INTEGERS, INTEGERS]),
    ],
    "sub": [
        *on(lambda m, x, y: m.sub(x, y), *PAIRS, [(2, 3), INTEGERS], [INTEGERS, INTEGERS]),
        *on(lambda m, x, y: x - y, [(2,), (2,)]),
        *on(lambda m, x: (x - 2.5, 2.5 - x, x - 2, 2 - x), [(2, 3)], [INTEGERS], [()]),
        *on(lambda m, x, y: m.sub(x, y, alpha=0.5), [(2,), (1,)]),
    ],
    "mul": [
        *on(lambda m, x, y: m.mul(x, y), *PAIRS, [(2, 3), INTEGERS], [INTEGERS, MASK]),
        *on(lambda m, x, y: x * y, [(2,), (2,)], [MASK, MASK]),
        *on(lambda m, x: (x * 2.5, 2.5 * x, x * 2, x * True), [(2, 3)], [INTEGERS], [()]),
        *on(lambda m, x: x * x, [(3,)]),
    ],
    "div": [
        *on(lambda m, x, y: m.div(x, y), *PAIRS, [(2, 3), positive(3)], [(), INTEGERS + 10]),
        *on(lambda m, x, y: x / y, [(2,), (2,)], [INTEGERS, INTEGERS + 10], [MASK, ~MASK]),
        *on(lambda m, x: (x / 2.5, 2.5 / x, x / 2, 3 / x), [positive(2, 3)], [INTEGERS + 10]),
        *on(lambda m, x: m.div(x, 0.3, rounding_mode=None), [(3,)]),
    ],
    "pow": [
        *on(lambda m, x, y: m.pow(x, y), *([positive(*a), b] for a, b in PAIRS)),
        *on(lambda m, x, y: x**y, [positive(3), (3,)], [INTEGERS, INTEGERS**2]),
        *on(lambda m, x: (x**2, x**3.0, x**1, x**0), [(2, 3)], [()], [INTEGERS]),
        *on(lambda m, x: (x**-1, x**0.5, x**-1.5), [positive(2, 3)]),
        *on(lambda m, x: (2**x, 2.5**x, m.pow(3, x)), [(2, 3)], [()], [np.abs(INTEGERS)]),
    ],
    "matmul": [
        *on(
            lambda m, x, y: m.matmul(x, y),
            [(2, 3), (3, 2)], [(3,), (3,)], [(2, 3), (3,)], [(3,), (3, 2)], [(1, 1), (1, 1)],
            [(2, 2, 3), (3, 1)], [(2, 1, 2, 3), (2, 3, 2)], [(3,), (2, 3, 2)], [(2, 2, 3), (3,)],
            [(2, 0), (0, 3)], [(0, 3), (3, 2)], [(0,), (0,)], [(0, 2, 3), (3, 2)],
            [INTEGERS, INTEGERS.T],
        ),  # fmt: skip
        *on(lambda m, x, y: x @ y, [(2, 3), (3, 2)]),
        *on(lambda m, x: x @ x.t(), [(2, 3)]),
        *on(lambda m, x: x.mm(x.T), [(2, 3)]),
    ],
    "neg": on(lambda m, x: (m.neg(x), -x), *SHAPES, [INTEGERS], [np.uint8([0, 1, 255])]),
    "abs": on(lambda m, x: (m.abs(x), abs(x)), *SHAPES, [INTEGERS]),
    "square": on(lambda m, x: m.square(x), *SHAPES, [INTEGERS]),
    "exp": on(lambda m, x: m.exp(x), *SHAPES, [INTEGERS]),
    "log": on(lambda m, x: m.log(x), *POSITIVE, [INTEGERS + 10]),
    "sqrt": on(lambda m, x: m.sqrt(x), *POSITIVE, [INTEGERS + 10]),
    "sin": on(lambda m, x: m.sin(x), *SHAPES, [INTEGERS]),
    "cos": on(lambda m, x: m.cos(x), *SHAPES, [INTEGERS]),
    "tanh": on(lambda m, x: m.tanh(x), *SHAPES, [MASK]),
    "sigmoid": on(lambda m, x: m.sigmoid(x), *SHAPES, [INTEGERS]),
    "relu": on(lambda m, x: (m.relu(x), F(m).relu(x)), *SHAPES, [INTEGERS]),
    "sign": on(lambda m, x: m.sign(x), *SHAPES, [INTEGERS]),
    "clone": on(lambda m, x: m.clone(x), *SHAPES, [INTEGERS]),
    "clamp": [
        *on(lambda m, x: m.clamp(x, -0.5, 0.5), *SHAPES),
        *on(lambda m, x: (m.clamp(x, min=0.1), x.clamp(max=0.1), x.clip(-1, 1)), [(2, 3)]),
        *on(lambda m, x: (x.clamp(-1, 2), x.clamp(min=1), x.clamp(max=2.5)), [INTEGERS]),
        *on(lambda m, x, low: m.clamp(x, low), [(2, 3), (3,)], [(2,), ()]),
        *on(lambda m, x, y: m.clamp(x, y - 1, y + 1), [(2, 3), (3,)], [(), ()]),
        *on(lambda m, x, high: m.clamp(x, max=high), [(2, 1), (3,)], [(0, 2), (2,)]),
    ],
    "where": [
        *on(lambda m, c, x, y: m.where(c, x, y), *([MASK, *p] for p in PAIRS[:5])),
        *on(lambda m, c, x: (m.where(c, x, 0.0), m.where(c, 1, x)), [MASK, (3,)], [MASK, INTEGERS]),
        *on(lambda m, c: (m.where(c, 1, 0), m.where(c, 1.5, 0), m.where(c, True, False)), [MASK]),
        *on(lambda m, c, x, y: m.where(c, x, y), [MASK[0], (2, 3), INTEGERS], [np.True_, (2,), ()]),
        *on(lambda m, c, x: x.where(c, -x), [MASK, (2, 3)]),
    ],
    "maximum": on(lambda m, x, y: m.maximum(x, y), *PAIRS, [INTEGERS, (2, 3)], [INTEGERS, MASK]),
    "minimum": on(lambda m, x, y: m.minimum(x, y), *PAIRS, [INTEGERS, (2, 3)], [INTEGERS, MASK]),
    "remainder": [
        *on(lambda m, x, y: m.remainder(x, y), *([a, positive(*b)] for a, b in PAIRS)),
        *on(lambda m, x: (x % 0.7, x % -0.7, x % 2), [(2, 3)], [INTEGERS]),
        *on(lambda m, x, y: x % y, [INTEGERS, -3 - np.abs(INTEGERS)], [(3,), -positive(3)]),
        *on(lambda m, x: (3.2 % x, 3 % x), [np.abs(INTEGERS) + 1]),
    ],
}

COMPARISONS = {
    name: [
        *on(lambda m, x, y, name=name: getattr(m, name)(x, y),
            *PAIRS, [INTEGERS, INTEGERS[::-1].copy()], [MASK, INTEGERS], [INTEGERS, (2, 3)]),
        *on(lambda m, x, name=name: (getattr(m, name)(x, 2), getattr(m, name)(x, 0.5)),
            [INTEGERS], [MASK], [(2, 3)]),
    ]  # fmt: skip
    for name in ("eq", "ne", "lt", "le", "gt", "ge")
} | {
    "floor_divide": [
        *on(lambda m, x, y: m.floor_divide(x.detach(), y.detach()), *PAIRS, [INTEGERS, (2, 3)]),
        *on(lambda m, x: (x // 2, x // -2, x // 2.5, 7 // (x + 10)), [INTEGERS]),
        *on(lambda m, x, y: m.div(x, y, rounding_mode="floor"), [INTEGERS, INTEGERS**2 + 1]),
    ],
    "logical_and": on(lambda m, x, y: m.logical_and(x, y), [MASK, ~MASK], [INTEGERS, (2, 3)]),
    "logical_or": on(lambda m, x, y: m.logical_or(x, y), [MASK, ~MASK], [INTEGERS, (2, 3)]),
    "logical_not": on(lambda m, x: m.logical_not(x), [MASK], [INTEGERS], [(2, 3)]),
    "isnan": on(lambda m, x: m.isnan(x), [[0.0, NAN, INF]], [INTEGERS], [()]),
    "comparison operators": [
        *on(lambda m, x, y: (x == y, x != y, x < y, x <= y, x > y, x >= y), [(3,), (3,)]),
        *on(lambda m, x: (x == 2, 2 == x, 2 < x, 2 >= x, x == None, x == "a"), [INTEGERS]),  # noqa
        *on(lambda m, x, y: (x & y, x | y, x ^ y, ~x), [MASK, ~MASK], [INTEGERS, INTEGERS + 1]),
        *on(lambda m, x: (x & True, True | x, x ^ 1), [MASK], [INTEGERS]),
    ],
}

OPERATORS = ARITHMETIC | COMPARISONS


EDGES = {
    name: on(lambda m, x, name=name: getattr(m, name)(x), [SPECIAL])
    for name in ("neg", "abs", "exp", "log", "sqrt", "sin", "cos", "tanh", "sigmoid", "relu", "sign")
} | {
    name: on(lambda m, x, y, name=name: getattr(m, name)(x, y), pairs(SPECIAL))
    for name in ("add", "sub", "mul", "div", "pow", "maximum", "minimum", "eq", "lt", "ge")
} | {
    "pow by a number": on(lambda m, x: (x**0, x**1, x**2, x**-1, 0**x, 2**x), [SPECIAL]),
    "division rounded down": on(
        lambda m, x, y: (x.detach() // y.detach(), x % y.detach()), pairs(SPECIAL[:5] + [-2.0, NAN])
    ),
    "clamp": [
        *on(lambda m, x: (x.clamp(-1, 1), x.clamp(min=0), x.clamp(1, -1), x.clamp(max=NAN)), [SPECIAL]),
        *on(lambda m, x, y: (m.clamp(x, y), m.clamp(x, max=y)), pairs(SPECIAL[:7])),
        *on(lambda m, x, y: (m.clamp(x, y).detach(), m.clamp(x, max=y).detach()), pairs(SPECIAL)),
        *on(lambda m, x, y, z: m.clamp(x, y, z), [[1.0, 2.0, 3.0], [2.0, 2.0, 1.0], [1.0, 2.0, 3.0]]),
    ],
    "where": on(lambda m, c, x, y: m.where(c, x / y, 0.0), [MASK[0], [1.0, 2.0, 3.0], [0.0, 1.0, 2.0]]),
}  # fmt: skip
