"""Type promotion: every pair of dtypes, as tensors with dimensions, 0-d tensors and Python numbers."""

import operator
from itertools import product

import numpy as np
import pytest
import torch
from helpers import assert_same, check_error, raised

import minigrad

DTYPES = ("float32", "float64", "int64", "int32", "uint8", "bool")
LEFT = {
    "float32": [-2.5, 0.0, 1.0, 3.5],
    "float64": [-1.5, 0.25, 7.0, 0.0],
    "int64": [-3, 0, 1, 7],
    "int32": [5, -2, 0, 2],
    "uint8": [0, 1, 200, 255],
    "bool": [False, True, False, True],
}
RIGHT = {
    "float32": [1.5, 2.0, -0.5, 3.0],
    "float64": [0.1, -2.0, 0.5, 2.0],
    "int64": [2, 1, 3, 4],
    "int32": [1, 3, 5, 2],
    "uint8": [3, 2, 100, 5],
    "bool": [True, True, True, True],
}
FUNCTIONS = {
    "+": lambda m, x, y: x + y,
    "-": lambda m, x, y: x - y,
    "*": lambda m, x, y: x * y,
    "/": lambda m, x, y: x / y,
    "//": lambda m, x, y: x // y,
    "%": lambda m, x, y: x % y,
    "**": lambda m, x, y: x**y,
    "==": lambda m, x, y: x == y,
    "!=": lambda m, x, y: x != y,
    "<": lambda m, x, y: x < y,
    "<=": lambda m, x, y: x <= y,
    ">": lambda m, x, y: x > y,
    ">=": lambda m, x, y: x >= y,
    "&": lambda m, x, y: x & y,
    "|": lambda m, x, y: x | y,
    "^": lambda m, x, y: x ^ y,
    "maximum": lambda m, x, y: m.maximum(x, y),
    "minimum": lambda m, x, y: m.minimum(x, y),
    "where": lambda m, x, y: m.where(m.tensor([True, False, True, False]), x, y),
    "where 0-d": lambda m, x, y: m.where(m.tensor(False), x, y),
    "cat": lambda m, x, y: m.cat([x, y]),
    "stack": lambda m, x, y: m.stack([x, y]),
    "clamp": lambda m, x, y: m.clamp(x, y),
    "clamp both": lambda m, x, y: m.clamp(x, max=y, min=y),
    "logical_and": lambda m, x, y: m.logical_and(x, y),
    "alpha": lambda m, x, y: m.add(x, y, alpha=2),
}


def operands(dtype, values):
    """Makers of operands of one dtype: with dimensions, 0-d, and a Python number."""
    array = np.array(values[dtype], dtype)
    return {
        "tensor": lambda m: m.from_numpy(array.copy()),
        "0-d tensor": lambda m: m.from_numpy(array.copy())[3],
        "number": lambda m: array[3].item(),
    }


def disagreement(function):
    """How the libraries differ in what function(lib) returns or raises; None if they do not."""
    error = raised(function, torch)
    if error is not None:
        mine = raised(function, minigrad)
        return None if type(mine) is type(error) else f"{error!r} and {mine!r}"
    try:
        assert_same(function(minigrad), function(torch))
    except Exception as difference:  # whatever it is
        return repr(difference)
    return None


# Where minigrad is simpler on purpose: a bool to a power is refused for numbers too.
KNOWN = {"**": {"bool tensor, bool number", "bool 0-d tensor, bool number"}}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_pair_of_dtypes(name):
    wrong = {}
    for left, right in product(DTYPES, DTYPES):
        for (kind_x, x), (kind_y, y) in product(operands(left, LEFT).items(), operands(right, RIGHT).items()):
            if kind_x == kind_y == "number":
                continue
            found = disagreement(lambda m, x=x, y=y: FUNCTIONS[name](m, x(m), y(m)))
            if found:
                wrong[f"{left} {kind_x}, {right} {kind_y}"] = found
    assert wrong.keys() == KNOWN.get(name, set()), wrong


WHOLE = ("int64", "int32", "uint8")
SPECIAL = {
    "wraps": lambda m, t: (t(200) + 100, t(-100) * 3, t(3) - 5, -t(1), t(7) * 2**31, t(1) + 2**62),
    "wraps as a number": lambda m, t: (t(1) + -1, t(1) * -1, t(1) + 300, t(0) - 2**40, t(1) | -1),
    "compares with a number": lambda m, t: (t(1) > -1, t(1) == 257, t(255) == -1, t(1) < 2.5),
    "sums to int64": lambda m, t: (m.stack([t(200)] * 3).sum(), t(200).prod(), t(200).sum()),
    "negative floor": lambda m, t: (t(7) // -2, t(-7) // 2, t(7) % -2, t(-7) % 2, -7 // t(2)),
    "powers": lambda m, t: (t(2) ** 31, t(2) ** 40, t(-1) ** t(-3), t(2) ** t(-1), t(1) ** t(-2)),
    "shrinks to float32": lambda m, t: (t(2**24) + 1.0, t(1) / 3, t(3) * 0.1, 1 / t(0), -1 / t(0)),
    "by numpy scalars": lambda m, t: (t(3) + np.float64(0.5), t(3) * np.int32(2), t(1) - np.uint8(2)),
}


@pytest.mark.parametrize("name", SPECIAL)
@pytest.mark.parametrize("dtype", WHOLE)
def test_integers(name, dtype):
    def function(m):
        return SPECIAL[name](m, lambda n: m.tensor([n % 256 if dtype == "uint8" else n]).to(getattr(m, dtype)))

    for mine, theirs in zip(function(minigrad), function(torch)):
        assert_same(mine, theirs)


@pytest.mark.parametrize("dtype", WHOLE)
@pytest.mark.parametrize("function", [operator.floordiv, operator.mod])
def test_integers_are_not_divided_by_zero(dtype, function):
    def zero(m):
        return m.zeros(2, dtype=getattr(m, dtype))

    check_error(lambda m: function(zero(m) + 1, zero(m)), RuntimeError, "ZeroDivisionError")
    check_error(lambda m: function(zero(m), 0), RuntimeError, "ZeroDivisionError")
    check_error(lambda m: function(3, zero(m)[0]), RuntimeError, "ZeroDivisionError")
    assert disagreement(lambda m: function(zero(m), 0.0)) is None


def test_numbers_out_of_range():
    check_error(lambda m: m.tensor([1]) + 2**70, OverflowError)
    check_error(lambda m: m.tensor([2]) ** -1, RuntimeError, "negative integer powers")
    check_error(lambda m: m.add(m.tensor([1]), m.tensor([1]), alpha=0.5), RuntimeError, "alpha=0.5")
