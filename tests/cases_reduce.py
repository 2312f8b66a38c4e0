"""Reductions."""

import numpy as np
from helpers import INFINITE, INTEGERS, MASK, NAN_ROWS, SHAPES, TIED, ZEROS, distinct, on

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


OPERATORS = {
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

EDGES = {
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
}  # fmt: skip
