"""Arithmetic, comparisons and logic."""

import numpy as np
from helpers import INF, INTEGERS, MASK, NAN, PAIRS, SHAPES, SPECIAL, on, pairs, positive

ARITHMETIC = {
    "add": [
        *on(lambda m, x, y: m.add(x, y), *PAIRS, [(2, 3), INTEGERS], [INTEGERS, INTEGERS]),
        *on(lambda m, x, y: x + y, [(2,), (2,)], [MASK, MASK], [MASK, (3,)]),
        *on(lambda m, x: (x + 2.5, 2.5 + x, x + 2, True + x), [(2, 3)], [INTEGERS], [()]),
        *on(lambda m, x, y: m.add(x, y, alpha=3), [(2,), (1,)], [INTEGERS, INTEGERS]),
        *on(lambda m, x: (m.add(x, 3, alpha=-1), x.add(2.5, alpha=2)), [np.uint8([1, 2])], [INTEGERS], [(2,)], [MASK]),
        *on(lambda m, x: (m.add(x, True, alpha=2), m.add(x, x, alpha=True)), [MASK]),
    ],
    "sub": [
        *on(lambda m, x, y: m.sub(x, y), *PAIRS, [(2, 3), INTEGERS], [INTEGERS, INTEGERS]),
        *on(lambda m, x, y: x - y, [(2,), (2,)]),
        *on(lambda m, x: (x - 2.5, 2.5 - x, x - 2, 2 - x), [(2, 3)], [INTEGERS], [()]),
        *on(lambda m, x, y: m.sub(x, y, alpha=0.5), [(2,), (1,)]),
        *on(lambda m, x: m.sub(x, 3, alpha=-2), [np.uint8([1, 2])], [INTEGERS], [(2,)]),
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
        *on(lambda m, x: (m.div(x, 0.3, rounding_mode="trunc"), x.div(-0.3, rounding_mode="floor")), [(3,)]),
        *on(lambda m, x, y: [m.div(x, y, rounding_mode=mode) for mode in ("trunc", "floor")],
            [INTEGERS, [[2, -2, 3], [-3, 5, 5]]], [INTEGERS, (2, 3)], [np.uint8([7, 9]), np.uint8([2, 3])]),
    ],
    "pow": [
        *on(lambda m, x, y: m.pow(x, y), *([positive(*a), b] for a, b in PAIRS)),
        *on(lambda m, x, y: x**y, [positive(3), (3,)], [INTEGERS, INTEGERS**2]),
        *on(lambda m, x: (x**2, x**3.0, x**1, x**0), [(2, 3)], [()], [INTEGERS]),
        *on(lambda m, x: (x**-1, x**0.5, x**-1.5), [positive(2, 3)]),
        *on(lambda m, x: (2**x, 2.5**x, m.pow(3, x)), [(2, 3)], [()], [np.abs(INTEGERS)]),
        *on(lambda m, x: (300**x, x**-1.0), [np.uint8([1, 2])]),
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
    "square": on(lambda m, x: m.square(x), *SHAPES, [INTEGERS], [MASK], [np.uint8([0, 200])]),
    "clone": on(lambda m, x: m.clone(x), *SHAPES, [INTEGERS]),
    "clamp": [
        *on(lambda m, x: m.clamp(x, -0.5, 0.5), *SHAPES),
        *on(lambda m, x: (m.clamp(x, min=0.1), x.clamp(max=0.1), x.clip(-1, 1)), [(2, 3)]),
        *on(lambda m, x: (x.clamp(-1, 2), x.clamp(min=1), x.clamp(max=2.5)), [INTEGERS]),
        *on(lambda m, x, low: m.clamp(x, low), [(2, 3), (3,)], [(2,), ()]),
        *on(lambda m, x, y: m.clamp(x, y - 1, y + 1), [(2, 3), (3,)], [(), ()]),
        *on(lambda m, x, high: m.clamp(x, max=high), [(2, 1), (3,)], [(0, 2), (2,)]),
        *on(lambda m, x, y: m.clamp(x, y, y + 0.5), [INTEGERS, (3,)], [(2, 3), INTEGERS]),
        *on(lambda m, x: (x.clamp(m.tensor(-0.5), 1), m.clamp(x, -1, m.tensor(2))), [(2, 3)], [INTEGERS]),
    ],
    "clamp_min": [
        *on(lambda m, x: (m.clamp_min(x, 0), m.clamp_min(x, 0.5)), [(2, 3)], [INTEGERS]),
        *on(lambda m, x, low: x.clamp_min(low), [(2, 3), (3,)]),
    ],
    "clamp_max": on(lambda m, x: (m.clamp_max(x, 0), m.clamp_max(x, max=0.5)), [(2, 3)], [INTEGERS]),
    "masked_fill": [
        *on(lambda m, x, c: (m.masked_fill(x, c, 2.5), m.masked_fill(x, c, True)), [(2, 3), MASK], [(3,), MASK],
            [(2, 3), MASK[0]], [INTEGERS, MASK], [MASK, ~MASK], [(0, 3), MASK[0]]),
        *on(lambda m, x, c, value: m.masked_fill(x, mask=c, value=value), [(2, 3), MASK, ()], [(3,), MASK, 7]),
        *on(lambda m, x: x.masked_fill(x.detach() > 0, float("-inf")).exp(), [(2, 3)]),
    ],
    "where": [
        *on(lambda m, c, x, y: m.where(c, x, y), *([MASK, *p] for p in PAIRS[:5])),
        *on(lambda m, c, x: (m.where(c, x, 0.0), m.where(c, 1, x)), [MASK, (3,)], [MASK, INTEGERS]),
        *on(lambda m, c: (m.where(c, 1, 0), m.where(c, 1.5, 0), m.where(c, True, False)), [MASK]),
        *on(lambda m, c, x, y: m.where(c, x, y), [MASK[0], (2, 3), INTEGERS], [np.True_, (2,), ()]),
        *on(lambda m, c, x: x.where(c, -x), [MASK, (2, 3)]),
        *on(lambda m, x: m.where(x), [MASK], [INTEGERS], [(2, 3)], [np.array(True)], [np.zeros((2, 0))]),
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
        *on(lambda m, x: x // 0, [np.zeros(0, int)]),
    ],
    **{
        name: on(lambda m, x, y, name=name: getattr(m, name)(x, y),
                 [MASK, ~MASK], [INTEGERS, (2, 3)], [MASK, MASK[0]], [[0.0, NAN], [-0.0, 0.0]], [(0,), (2, 1)])
        for name in ("logical_and", "logical_or", "logical_xor")
    },
    **{
        name: on(lambda m, x, name=name: (getattr(m, name)(x, 3), getattr(m, name)(x, x.flip(0))),
                 [MASK], [INTEGERS], [np.uint8([7, 8])], [np.zeros((2, 0), int)])
        for name in ("bitwise_and", "bitwise_or", "bitwise_xor")
    },
    **{
        name: on(lambda m, x, name=name: getattr(m, name)(x),
                 [[0.0, NAN, INF, -INF]], [INTEGERS], [MASK], [()], [(0, 2)])
        for name in ("isnan", "isinf", "isfinite", "logical_not")
    },
    "bitwise_not": on(lambda m, x: m.bitwise_not(x), [MASK], [INTEGERS], [np.uint8([0, 255])]),
    "isclose": [
        *on(lambda m, x, y: (m.isclose(x, y), x.isclose(y, 0.5), m.isclose(x, y, rtol=0, atol=1, equal_nan=True)),
            [(2, 3), (3,)], [(0,), (1,)], [INTEGERS, INTEGERS + 1], [MASK, ~MASK], pairs(SPECIAL)),
    ],
    "allclose": on(lambda m, x, y: (m.allclose(x, y), x.allclose(y, 1, 9), m.allclose(x, y, equal_nan=True)),
                   [(2, 3), (3,)], [(0,), (1,)], [INTEGERS, INTEGERS], [[NAN, INF], [NAN, INF]]),
    "equal": on(lambda m, x, y: (m.equal(x, y), x.equal(x)), [(2, 3), (3,)], [INTEGERS, INTEGERS * 1.0], [(0,), (0,)],
                [[NAN], [NAN]]),
    "comparison operators": [
        *on(lambda m, x, y: (x == y, x != y, x < y, x <= y, x > y, x >= y), [(3,), (3,)]),
        *on(lambda m, x: (x == 2, 2 == x, 2 < x, 2 >= x, x == None, x == "a"), [INTEGERS]),  # noqa: E711
        *on(lambda m, x, y: (x & y, x | y, x ^ y, ~x), [MASK, ~MASK], [INTEGERS, INTEGERS + 1]),
        *on(lambda m, x: (x & True, True | x, x ^ 1), [MASK], [INTEGERS]),
    ],
}

OPERATORS = ARITHMETIC | COMPARISONS


EDGES = {
    name: on(lambda m, x, y, name=name: getattr(m, name)(x, y), pairs(SPECIAL))
    for name in ("add", "sub", "mul", "div", "pow", "maximum", "minimum", "eq", "lt", "ge")
} | {
    "pow by a number": on(lambda m, x: (x**0, x**1, x**2, x**-1, 0**x, 2**x), [SPECIAL]),
    "division rounded down": on(
        lambda m, x, y: (x.detach() // y.detach(), x % y.detach()), pairs(SPECIAL[:5] + [-2.0, NAN])
    ),
    "division rounded towards 0": on(
        lambda m, x, y: m.div(x, y, rounding_mode="trunc"), pairs(SPECIAL[:8])
    ),
    "clamp": [
        *on(lambda m, x: (x.clamp(-1, 1), x.clamp(min=0), x.clamp(1, -1), x.clamp(max=NAN)), [SPECIAL]),
        *on(lambda m, x, y: (m.clamp(x, y), m.clamp(x, max=y)), pairs(SPECIAL[:7])),
        *on(lambda m, x, y: (m.clamp(x, y).detach(), m.clamp(x, max=y).detach()), pairs(SPECIAL)),
        *on(lambda m, x, y, z: m.clamp(x, y, z), [[1.0, 2.0, 3.0], [2.0, 2.0, 1.0], [1.0, 2.0, 3.0]]),
    ],
    "where": on(lambda m, c, x, y: m.where(c, x / y, 0.0), [MASK[0], [1.0, 2.0, 3.0], [0.0, 1.0, 2.0]]),
}  # fmt: skip

ERRORS = {
    "rounding mode": (lambda m: m.div(m.ones(2), 2, rounding_mode="up"), RuntimeError, ["rounding_mode", "up"]),
    "division by 0": (lambda m: m.tensor([1]) // 0, RuntimeError, ["ZeroDivisionError"]),
    "truncated division by 0": (
        lambda m: m.div(m.tensor([1]), 0, rounding_mode="trunc"), RuntimeError, ["ZeroDivisionError"]
    ),
    "remainder by 0": (lambda m: m.tensor([1]) % m.tensor([0]), RuntimeError, ["ZeroDivisionError"]),
    "remainder of bools": (lambda m: m.remainder(m.tensor([True]), True), NotImplementedError, ["Bool"]),
    "gradient of //": (
        lambda m: (m.ones(2, requires_grad=True) // 2).sum().backward(), RuntimeError, ["not differentiable"]
    ),
    "negative power": (lambda m: m.tensor([2], dtype=m.uint8) ** -1, RuntimeError, ["negative integer powers"]),
    "negative power out of range": (lambda m: m.tensor([2], dtype=m.uint8) ** -300, RuntimeError, []),
    "power out of range": (lambda m: m.tensor([2], dtype=m.uint8) ** 256, RuntimeError, ["overflow", "uint8", "256"]),
    "power out of range, in place": (
        lambda m: m.tensor([2], dtype=m.int32).pow_(2**33), RuntimeError, ["overflow", "int32"]
    ),
    "power of two numbers": (lambda m: m.pow(2, 3), TypeError, ["pow", "input", "int"]),
    "where of a number out of range": (
        lambda m: m.where(m.ones(1) > 0, m.tensor([1], dtype=m.uint8), 300), RuntimeError, ["overflow", "uint8", "300"]
    ),
    "where of a large number": (
        lambda m: m.where(m.ones(1) > 0, 2**40, m.tensor([1], dtype=m.int32)), RuntimeError, ["overflow", "int32"]
    ),
    **{f"{alpha} as alpha of {dtype}": (
        lambda m, alpha=alpha, dtype=dtype: m.ones(2, dtype=getattr(m, dtype)).add(3, alpha=alpha), RuntimeError, words)
       for alpha, dtype, words in (
           (True, "int64", ["Boolean alpha"]), (True, "float32", ["Boolean alpha"]), (True, "bool", ["Boolean alpha"]),
           (1.0, "int64", ["alpha=1.0"]), (0.5, "bool", ["alpha=0.5"]), (300, "uint8", ["overflow", "300"]),
           (2**40, "int32", ["overflow"]))},
    "a text as alpha": (lambda m: m.ones(2).sub(m.ones(2), alpha="2"), TypeError, ["str"]),
    "clamp to a number and what needs a gradient": (
        lambda m: m.ones(2).clamp(m.zeros((), requires_grad=True), 1), TypeError, ["max", "int"]
    ),
    "mask of floats": (lambda m: m.ones(2).masked_fill(m.ones(2), 1), RuntimeError, ["mask", "float32"]),
    "mask of numbers": (lambda m: m.ones(2).masked_fill([True, False], 1), TypeError, ["mask", "list"]),
    "fill with several": (
        lambda m: m.ones(2).masked_fill(m.ones(2) > 0, m.ones(2)), RuntimeError, ["0-dimension", "[2]"]
    ),
    "fill with text": (lambda m: m.ones(2).masked_fill(m.ones(2) > 0, "1"), TypeError, ["str"]),
    "fill with too much": (
        lambda m: m.tensor([1]).masked_fill(m.ones(1) > 0, m.tensor(INF)), RuntimeError, ["overflow", "inf"]
    ),
    "fill with NaN": (lambda m: m.tensor([1]).masked_fill(m.ones(1) > 0, NAN), RuntimeError, ["overflow", "nan"]),
    "shapes of masked_fill": (
        lambda m: m.ones(3).masked_fill(m.ones(2) > 0, 1), RuntimeError, ["(2)", "(3)", "dimension 0"]
    ),
    "mask larger than what is filled": (
        lambda m: m.ones(1).masked_fill_(m.ones(3) > 0, 1.0), RuntimeError, ["[1]", "[3]", "broadcast"]
    ),
    "clamp_min None": (lambda m: m.ones(2).clamp(None, None), RuntimeError, ["min", "max"]),
    "clamp to a large number": (lambda m: m.ones(2).clamp(-1e300), RuntimeError, ["overflow", "1e+300"]),
    "clamp bools by bools": (lambda m: m.clamp(*[m.ones(2) > 0] * 3), NotImplementedError, ["clamp", "Bool"]),
    "bits of floats": (lambda m: m.bitwise_not(m.ones(2)), NotImplementedError, ["bitwise_not", "Float"]),
    "logical number": (lambda m: m.logical_xor(m.ones(2), True), TypeError, ["logical_xor", "other", "bool"]),
    "logical shapes": (
        lambda m: m.logical_xor(m.ones(2), m.ones(3)), RuntimeError, ["a (2)", "b (3)", "dimension 0"]
    ),
    "isclose dtypes": (lambda m: m.isclose(m.ones(2), m.ones(2).double()), RuntimeError, ["float32", "float64"]),
    "isclose shapes": (lambda m: m.isclose(m.ones(2), m.ones(3)), RuntimeError, ["a (2)", "b (3)"]),
    "allclose rtol": (lambda m: m.allclose(m.ones(2), m.ones(2), -1), RuntimeError, ["rtol", "-1"]),
    "allclose atol": (lambda m: m.allclose(m.ones(2), m.ones(2), atol=NAN), RuntimeError, ["atol", "nan"]),
    "allclose a number": (lambda m: m.allclose(m.ones(2), 1.0), TypeError, ["other", "float"]),
    "equal to a number": (lambda m: m.equal(m.ones(2), 1.0), TypeError, ["other", "float"]),
    "in place into integers": (lambda m: m.tensor([1]).exp_(), RuntimeError, ["Float", "Long"]),
}  # fmt: skip
