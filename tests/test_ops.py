"""Every operator against PyTorch and against finite differences, in both precisions.

OPERATORS has an entry for each public function, EDGES the inputs where a formula is not smooth or
not finite. A case is a function of the library and its inputs, as in `helpers.check`.
"""

import inspect
import re
import types

import numpy as np
import pytest
import torch
from helpers import (
    arrays,
    assert_same,
    check,
    check_differences,
    derivatives,
    distinct,
    leaves,
    listed,
    outputs_of,
    positive,
)

import minigrad
import minigrad.ops
from minigrad.engine import Operator

SHAPES = [[()], [(0,)], [(1,)], [(2, 3)], [(2, 1, 2)]]
PAIRS = [
    [(), ()], [(), (3,)], [(2, 3), ()], [(2, 3), (2, 3)], [(2, 3), (3,)], [(2, 1), (1, 3)],
    [(1,), (2, 1, 2)], [(0, 3), (1, 3)], [(1,), (0,)], [(2, 3, 1), (2,)],
]  # fmt: skip
POSITIVE = [[positive(*shape)] for (shape,) in SHAPES]
INTEGERS = np.array([[7, -3, 0], [2, 5, -6]])
MASK = np.array([[True, False, True], [False, False, True]])
NAN, INF = float("nan"), float("inf")


def on(function, *inputs):
    """The cases of one function, one for each list of inputs."""
    return [(function, *case) for case in inputs]


def F(m):
    return m.nn.functional


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

FULL = [*SHAPES, [INTEGERS], [MASK]]


def dims(function):
    """A reduction over one dimension, several, and all."""
    return [
        *on(lambda m, x: (function(m, x, 0), function(m, x, -1, keepdim=True)),
            [(2, 3)], [(1,)], [()], [(2, 1, 2)]),
        *on(lambda m, x: (function(m, x, (0, -1)), function(m, x, [1], True)), [(2, 3)], [(2, 2, 2)]),
        *on(lambda m, x: (function(m, x, dim=(1,), keepdim=True), function(m, x, (-1, 0))), [(2, 3, 1)]),
    ]  # fmt: skip


def extremum(name):
    """max and min: of all, along a dimension, and of two tensors."""
    return [
        *on(lambda m, x: getattr(m, name)(x), [distinct(2, 3)], [()], [(1,)], [INTEGERS], [MASK]),
        *on(lambda m, x: getattr(m, name)(x, 1), [distinct(2, 3)], [INTEGERS]),
        *on(lambda m, x: getattr(m, name)(x, dim=-2, keepdim=True), [distinct(2, 3, 2)]),
        *on(lambda m, x: getattr(m, name)(x, 0), [()], [(1,)], [(2, 0)], [MASK]),
        *on(lambda m, x: getattr(m, name)(x, 0).values, [distinct(2, 3)]),
        *on(lambda m, x, y: getattr(m, name)(x, y), [(2, 3), (3,)]),
    ]


def arg_extremum(name):
    return [
        *on(lambda m, x: getattr(m, name)(x), [(2, 3)], [()], [(1,)], [INTEGERS]),
        *on(lambda m, x: getattr(m, name)(x, 1), [(2, 3)], [(2, 3, 2)], [INTEGERS]),
        *on(lambda m, x: getattr(m, name)(x, -1, keepdim=True), [(2, 3)], [()], [(0, 2)]),
        *on(lambda m, x: getattr(m, name)(x, None, True), [(2, 3)]),
    ]


REDUCTIONS = {
    "sum": [
        *on(lambda m, x: m.sum(x), *FULL),
        *dims(lambda m, *args, **more: m.sum(*args, **more)),
        *on(lambda m, x: (m.sum(x, dtype=m.float64), x.sum(0, dtype=m.int32)), [INTEGERS], [MASK]),
        *on(lambda m, x: (m.sum(x, 1), m.sum(x, ())), [(2, 0)], [(0, 2)], [(2, 3)]),
    ],
    "mean": [
        *on(lambda m, x: m.mean(x), *SHAPES),
        *dims(lambda m, *args, **more: m.mean(*args, **more)),
        *on(lambda m, x: m.mean(x, dtype=m.float64), [INTEGERS], [(3,)]),
        *on(lambda m, x: m.mean(x, ()), [(2, 3)]),
    ],
    "var": [
        *on(lambda m, x: (m.var(x), m.var(x, False), x.var(correction=2)), [(5,)], [(2, 3)]),
        *dims(lambda m, x, dim, keepdim=False: m.var(x, dim, False, keepdim)),
        *on(lambda m, x: x.var(1, unbiased=True, keepdim=True), [(2, 3)], [(0, 2)]),
        *on(lambda m, x: m.var(x, dim=(0, 2), correction=0), [(2, 2, 2)]),
    ],
    "std": [
        *on(lambda m, x: (m.std(x), m.std(x, unbiased=False)), [(5,)], [(2, 3)]),
        *on(lambda m, x: (x.std(1), x.std((0, 1), keepdim=True)), [(2, 3)]),
        *on(lambda m, x: m.std(x, dim=0, correction=0, keepdim=True), [(3, 2)]),
    ],
    "prod": [
        *on(lambda m, x: m.prod(x), *FULL, [(5,)], [(7,)]),
        *on(lambda m, x: (m.prod(x, 1), x.prod(-1, keepdim=True)), [(2, 3)], [(2, 0)], [(2, 1)]),
        *on(lambda m, x: (m.prod(x, 0), x.prod(0, True)), [()], [(2, 2, 2)]),
        *on(lambda m, x: m.prod(x, dtype=m.float64), [INTEGERS]),
    ],
    "max": extremum("max"),
    "min": extremum("min"),
    "amax": [
        *on(lambda m, x: m.amax(x), [distinct(2, 3)], [()], [INTEGERS], [MASK]),
        *on(lambda m, x: (m.amax(x, 1), x.amax((0, -1), keepdim=True), x.amax([0])), [distinct(2, 3)]),
        *on(lambda m, x: m.amax(x, dim=0), [distinct(2, 2, 2)], [()], [(2, 0)]),
    ],
    "amin": [
        *on(lambda m, x: m.amin(x), [distinct(2, 3)], [()], [INTEGERS], [MASK]),
        *on(lambda m, x: (m.amin(x, 1), x.amin((0, -1), keepdim=True), x.amin([0])), [distinct(2, 3)]),
    ],
    "argmax": arg_extremum("argmax"),
    "argmin": arg_extremum("argmin"),
}

FORMS = {
    "reshape": [
        *on(lambda m, x: (m.reshape(x, (3, 2)), x.reshape(-1), x.reshape([1, -1, 2])), [(2, 3)]),
        *on(lambda m, x: (m.reshape(x, ()), x.reshape(1, 1)), [()], [(1,)]),
        *on(lambda m, x: m.reshape(x, (0, 5)), [(0,)], [(3, 0)]),
        *on(lambda m, x: x.t().reshape(6), [(2, 3)]),
    ],
    "view": [
        *on(lambda m, x: x.clone().contiguous().view(3, 2), [(2, 3)]),
        *on(lambda m, x: x[:1].view(-1, 1, x.shape[1]), [(2, 3)]),
        *on(lambda m, x: (x.view_as(x), x.view(x.shape)), [(2, 3)], [()]),
        *on(lambda m, x: x.transpose(0, 1).view(3, 1, 2), [(2, 3)]),
    ],
    "flatten": [
        *on(lambda m, x: (m.flatten(x), x.flatten(1), x.flatten(-2, -1)), [(2, 3)], [(2, 1, 2)]),
        *on(lambda m, x: m.flatten(x, start_dim=0, end_dim=1), [(2, 1, 2)], [(0, 2, 1)]),
        *on(lambda m, x: m.flatten(x), [()], [(3,)]),
    ],
    "t": on(lambda m, x: (m.t(x), x.t()), [(2, 3)], [(3,)], [()]),
    "T": on(lambda m, x: x.T, [(2, 3)]),
    "transpose": [
        *on(lambda m, x: (m.transpose(x, 0, 1), x.transpose(-1, 0)), [(2, 3)], [(2, 1, 3)]),
        *on(lambda m, x: m.transpose(x, 0, -1), [()], [(2,)]),
    ],
    "permute": [
        *on(lambda m, x: (m.permute(x, (1, 2, 0)), x.permute(2, 0, 1)), [(2, 1, 3)]),
        *on(lambda m, x: (x.permute([-1, 0]), x.permute((0, 1))), [(2, 3)]),
        *on(lambda m, x: x.permute(()), [()]),
    ],
    "squeeze": [
        *on(lambda m, x: (m.squeeze(x), x.squeeze(0), x.squeeze(-1)), [(1, 2, 1)], [(2, 3)], [()]),
        *on(lambda m, x: m.squeeze(x, (0, 2)), [(1, 2, 1)], [(1, 1, 2)]),
    ],
    "unsqueeze": on(lambda m, x: (m.unsqueeze(x, 0), x.unsqueeze(-1)), [()], [(3,)], [(2, 3)]),
    "expand": [
        *on(lambda m, x: (x.expand(2, 3), x.expand(2, -1), x.expand((1, 3))), [(1, 3)]),
        *on(lambda m, x: (x.expand(2, 2, 3), x.expand_as(x)), [(3,)]),
        *on(lambda m, x: (x.expand(2), x.expand(())), [()]),
        *on(lambda m, x: x.expand(0, 3), [(3,)], [(1, 1)]),
    ],
    "broadcast_to": on(
        lambda m, x: (m.broadcast_to(x, (2, 3)), x.broadcast_to((2, 2, 3))), [(3,)], [(2, 1)], [()]
    ),
    "sum_to_size": on(lambda m, x: (x.sum_to_size(1, 3), x.sum_to_size((3,))), [(2, 3)]),
    "cat": [
        *on(lambda m, *xs: m.cat(xs), [(2, 3), (1, 3)], [(2,)], [(2,), (0,), (1,)], [(0,), (2, 2)]),
        *on(lambda m, *xs: (m.cat(xs, 1), m.cat(xs, dim=-1)), [(2, 1), (2, 2)], [(2, 0), (2, 1)]),
        *on(lambda m, *xs: m.cat(xs), [(2, 3), INTEGERS], [INTEGERS, MASK], [MASK, MASK]),
        *on(lambda m, x: m.cat([x, x]), [(2,)]),
    ],
    "stack": [
        *on(lambda m, *xs: (m.stack(xs), m.stack(xs, 1)), [(2,), (2,)], [(2, 1), (2, 1)], [(0,)]),
        *on(lambda m, *xs: m.stack(xs, dim=-1), [(), ()], [(2, 3), INTEGERS], [MASK, INTEGERS]),
    ],
    "flip": [
        *on(lambda m, x: (m.flip(x, (0, 1)), x.flip(-1), x.flip([0])), [(2, 3)], [(2, 0)]),
        *on(lambda m, x: m.flip(x, ()), [()], [(2,)]),
    ],
    "pad": [
        *on(lambda m, x: F(m).pad(x, (1, 2)), [(3,)], [(2, 3)], [(0,)], [INTEGERS]),
        *on(lambda m, x: F(m).pad(x, (1, 0, 0, 2), value=1.5), [(2, 3)], [(2, 1, 2)]),
        *on(lambda m, x: F(m).pad(x, (-1, 1, 1, -1)), [(2, 3)]),
        *on(lambda m, x: F(m).pad(x, [-1, -1], "constant", 3), [(2, 3)]),
        *on(lambda m, x: F(m).pad(x, ()), [()], [(2,)]),
    ],
    "contiguous": on(lambda m, x: (x.contiguous(), x.t().contiguous()), [(2, 3)]),
    "to": [
        *on(lambda m, x: (x.to(m.float64), x.double(), x.to(x), x.to("cpu")), [(2, 3)]),
        *on(lambda m, x: (x.long(), x.int(), x.bool(), x.to(dtype=m.uint8)), [positive(3)], [INTEGERS]),
        *on(lambda m, x, y: (x.type_as(y), y.to(x), x.to(y, copy=True)), [INTEGERS, (3,)]),
        *on(lambda m, x: (x.double() + x, x.to(x.dtype, copy=True)), [(2, 3)]),
    ],
}

LOGITS, CLASSES = (3, 4), np.array([0, 3, 2])
WEIGHT = [0.5, 2.0, 1.0, 0.0]

# One or two cases of each: test_functional.py has the others.
FUNCTIONAL = {
    "softmax": [
        *on(lambda m, x: (m.softmax(x, 0), x.softmax(-1)), *SHAPES[1:]),
        *on(lambda m, x: m.softmax(x, 1, dtype=m.float64), [INTEGERS], [(2, 3)]),
    ],
    "log_softmax": [
        *on(lambda m, x: (m.log_softmax(x, 0), x.log_softmax(-1)), *SHAPES[1:]),
        *on(lambda m, x: m.log_softmax(x, 1, dtype=m.float64), [INTEGERS]),
    ],
    "nll_loss": on(
        lambda m, x, t: F(m).nll_loss(x, t, m.tensor(WEIGHT).to(x), ignore_index=2), [LOGITS, CLASSES]
    ),
    "cross_entropy": [
        *on(lambda m, x, t: F(m).cross_entropy(x, t), [LOGITS, CLASSES], [(4,), np.array(1)],
            [(2, 3, 2), np.array([[0, 2], [1, 1]])]),
        *on(lambda m, x, t: (F(m).cross_entropy(x, t, reduction="none"), F(m).cross_entropy(x, t, reduction="sum")),
            [LOGITS, CLASSES], [(4,), np.array(1)], [(2, 3, 2), np.array([[0, 2], [1, 1]])]),
        *on(lambda m, x, t: F(m).cross_entropy(x, t, label_smoothing=0.2), [LOGITS, CLASSES]),
        *on(lambda m, x, t: F(m).cross_entropy(x, t, reduction="none"), [(3, 2), positive(3, 2)]),
    ],
    "mse_loss": on(lambda m, x, y: F(m).mse_loss(x, y), [(2, 3), (2, 3)], [(), ()]),
    "one_hot": on(lambda m, x: (F(m).one_hot(x), F(m).one_hot(x, 5)), [CLASSES], [np.array(2)]),
    "dropout": on(lambda m, x: m.manual_seed(0) and F(m).dropout(x, 0.3), [(20,)]),
    "linear": on(lambda m, x, w, b: F(m).linear(x, w, b), [(2, 3), (2, 3), (2,)], [(2, 2, 0), (2, 0), (2,)]),
    "conv2d": on(lambda m, x, w, b: m.conv2d(x, w, b, 2, 1), [(2, 2, 4, 3), (1, 2, 2, 2), (1,)]),
    "max_pool2d": on(lambda m, x: F(m).max_pool2d(x, 2, 1, 1, return_indices=True), [distinct(1, 2, 3, 2)]),
    "avg_pool2d": on(lambda m, x: F(m).avg_pool2d(x, 2, 2, 1, True, False), [(1, 1, 4, 3)]),
}


def pairs(x):
    """Every element of x with every other."""
    return [np.repeat(x, len(x)), np.tile(x, len(x))]


SPECIAL = [0.0, -0.0, 1.0, -1.0, 2.5, INF, -INF, NAN, 1e30, -1e-30]
TIED = [[3.0, 1.0, 3.0], [1.0, 3.0, 3.0]]
NAN_ROWS = [[NAN, 1.0, 2.0], [5.0, NAN, NAN], [1.0, 1.0, 0.0]]
ZEROS = [[0.0, 2.0, 3.0], [0.0, 0.0, 4.0], [5.0, 6.0, 7.0]]
INFINITE = [[INF, 1.0, 2.0], [-INF, 0.0, 1.0], [-INF, -INF, -INF], [INF, INF, 0.0]]

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
    "max": [
        *on(lambda m, x: (m.max(x), x.max(1), x.max(0, True), x.argmax(1), x.argmax()), [TIED], [NAN_ROWS]),
        *on(lambda m, x: (m.min(x), x.min(1), x.min(0, True), x.argmin(1), x.argmin()), [TIED], [NAN_ROWS]),
        *on(lambda m, x: (m.amax(x), x.amax(1), x.amin(0), x.amin((0, 1), True)), [TIED]),
        *on(lambda m, x: x.detach().amax(1), [NAN_ROWS], [INFINITE]),
    ],
    "prod": on(lambda m, x: (x.prod(), x.prod(0), x.prod(1)), [ZEROS], [NAN_ROWS], [INFINITE]),
    "sum": on(lambda m, x: (x.sum(), x.mean(1), x.sum(0)), [NAN_ROWS], [INFINITE]),
    "std": on(lambda m, x: (x.std(0), x.var(1), x.std()), [np.ones((2, 3))], [TIED], [INFINITE]),
    "too few": on(lambda m, x: (x.var(), x.std(), x.mean(), x.sum(), x.prod()), [(1,)], [(0,)], [()]),
    "softmax": [
        *on(lambda m, x: (x.softmax(1), x.log_softmax(1)), [INFINITE], [NAN_ROWS]),
        *on(lambda m, x: (x.softmax(0), x.log_softmax(0)), [[1000.0, 0.0, -1000.0]]),
    ],
    "casts": [
        *on(lambda m, x: (x.float(), x.float() * x, x.to(m.float32).to(m.float64)), [(2, 3)]),
        *on(lambda m, x: (x.bool(), (x * 100).to(m.uint8), (-x).int(), x.long()), [[0.0, 1.7, 2.5, NAN][:3]]),
    ],
}  # fmt: skip

OPERATORS = ARITHMETIC | COMPARISONS | REDUCTIONS | FORMS | FUNCTIONAL


def cases(table):
    return [
        pytest.param(function, inputs, id=f"{name}-{i}")
        for name, entry in table.items()
        for i, (function, *inputs) in enumerate(entry)
    ]


@pytest.mark.parametrize("function, inputs", cases(OPERATORS))
def test_operator(function, inputs):
    check(function, *inputs)


@pytest.mark.parametrize("function, inputs", cases(EDGES))
def test_edge(function, inputs):
    check(function, *inputs, order=1, differences=False)


def test_where_operators_differ_from_pytorch_on_purpose():
    def gradient(function, *numbers):
        x = minigrad.tensor(numbers, requires_grad=True)
        function(x).sum().backward()
        return x.grad.tolist()

    # amax treats NaN as max does: it is the largest. PyTorch's amax gives a gradient of NaN to all.
    assert gradient(lambda x: x.amax(), NAN, 1.0, NAN) == gradient(lambda x: x.max(), NAN, 1.0, NAN)
    # A number % a tensor has a gradient, a variance over dim=() the right one.
    check_differences(lambda x: 3.2 % x, (2, 3))
    check_differences(lambda x: x.var(()), (2, 3))
    # Whoever takes the sign of a bool has made a mistake, and so has who divides nothing by 0.
    with pytest.raises(NotImplementedError, match="sign"):
        minigrad.tensor([True]).sign()
    with pytest.raises(RuntimeError, match="ZeroDivision"):
        minigrad.tensor([], dtype=minigrad.int64) // 0


@pytest.mark.parametrize("name", FORMS)
def test_what_is_a_view_of_its_input_and_what_is_a_copy(name):
    for function, *inputs in FORMS[name]:
        given = arrays(inputs, np.float64)
        shared = [
            [np.shares_memory(y.numpy(force=True), given[0]) for y in outputs_of(function, lib, leaves(lib, given))]
            for lib in (minigrad, torch)
        ]
        assert shared[0] == shared[1]


# ---- the table is complete

PUBLIC = {
    name: function
    for name, function in vars(minigrad).items()
    if isinstance(function, types.FunctionType)
    and function.__module__.startswith("minigrad.ops.")
    and function.__module__ != "minigrad.ops.create"  # see test_creation.py
} | {name: getattr(minigrad.nn.functional, name) for name in minigrad.nn.functional.__all__}


def test_every_public_function_has_an_entry():
    assert len(PUBLIC) > 60
    assert not PUBLIC.keys() - OPERATORS.keys()


def test_every_operator_class_is_in_a_case():
    """Walk the graphs of all results and of their gradients, and see which classes made them."""
    seen = set()
    for entry in (OPERATORS | EDGES).values():
        for function, *inputs in entry:
            found = derivatives(function, minigrad, arrays(inputs, np.float64), 2)
            waiting = [x.grad_fn for outputs in found for x in outputs if hasattr(x, "grad_fn")]
            while waiting:
                node = waiting.pop()
                if isinstance(node, Operator):
                    seen.add(type(node))
                    waiting += [maker for maker, _ in node.next_functions]
    classes = {
        cls
        for module in vars(minigrad.ops).values()
        if isinstance(module, types.ModuleType)
        for cls in vars(module).values()
        if isinstance(cls, type) and issubclass(cls, Operator)
    }
    written_in_place = {"SetItem", "CopySlices"}  # in the tests of indexing and in-place writes
    not_differentiable = {"FloorDivide"}
    unseen = {cls.__name__ for cls in classes - seen - {Operator}}
    assert unseen == written_in_place | not_differentiable


class Methods:
    """Like the library, but m.f(x, ...) is x.f(...) where tensors have such a method."""

    def __getattr__(self, name):
        method = getattr(minigrad.Tensor, name, None)
        found = getattr(minigrad, name)
        return found if method is None or name in ("where", "nn") else method


@pytest.mark.parametrize("name", sorted(OPERATORS))
def test_methods_take_the_arguments_of_the_functions(name):
    for function, *inputs in OPERATORS[name]:
        given = arrays(inputs, np.float32)
        theirs = outputs_of(function, torch, leaves(torch, given))
        for mine, other in zip(listed(function(Methods(), *leaves(minigrad, given))), theirs):
            assert_same(mine, other)


def test_methods_have_the_names_of_pytorch():
    ours = {name for name in dir(minigrad.Tensor) if not name.startswith("_")}
    assert ours - set(dir(torch.Tensor)) == {"astype"}  # which the engine calls


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_arguments_have_the_names_of_pytorch(name):
    ours = inspect.signature(PUBLIC[name]).parameters
    functional = torch.nn.functional
    for theirs in (f"{name}_with_indices", name):
        theirs = getattr(functional, theirs, None) or getattr(torch, theirs, None)
        if isinstance(theirs, types.FunctionType):
            known = [p for p in inspect.signature(theirs).parameters if p != "_stacklevel"]
            assert list(ours) == known[: len(ours)]
            return
    lines = re.findall(rf"{name}\((.*?)\) ->", theirs.__doc__)
    known = re.findall(r"\w+", " ".join(lines)) + ["unbiased"]  # which is documented elsewhere
    assert ours.keys() <= set(known)
