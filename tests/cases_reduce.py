"""Reductions."""

import numpy as np
from helpers import INF, INFINITE, INTEGERS, MASK, NAN, NAN_ROWS, SHAPES, TIED, ZEROS, distinct, on, positive

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
        *on(lambda m, x, y: getattr(m, name)(input=x, other=y), [(2, 3), (3,)]),
        *on(lambda m, x, y: getattr(m, name)(x, y), [(2, 3), (3,)]),
    ]


def arg_extremum(name):
    return [
        *on(lambda m, x: getattr(m, name)(x), [(2, 3)], [()], [(1,)], [INTEGERS]),
        *on(lambda m, x: getattr(m, name)(x, 1), [(2, 3)], [(2, 3, 2)], [INTEGERS]),
        *on(lambda m, x: getattr(m, name)(x, -1, keepdim=True), [(2, 3)], [()], [(0, 2)]),
        *on(lambda m, x: getattr(m, name)(x, None, True), [(2, 3)]),
    ]


def truth(name):
    """all and any, of every dtype."""
    inputs = [MASK], [INTEGERS], [(2, 3)], [()], [(0,)], [(2, 0)], [INTEGERS.astype(np.uint8)], [[NAN, 0.0]]
    return [
        *on(lambda m, x: (getattr(m, name)(x), getattr(m, name)(x, -1), getattr(m, name)(x, dim=0, keepdim=True)),
            *inputs),
        *on(lambda m, x: (getattr(m, name)(x, (0, 1)), getattr(m, name)(x, ()), getattr(m, name)(x, None, True)),
            [MASK]),
    ]


def written(x, *products):
    """x, after writes into what it is multiplied to: a copy, even where x has one element."""
    y = x.detach().clone()
    for product in products:
        product(y).add_(1)
    return y


def one(m, *shape):
    return m.ones(*shape)


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
        *on(lambda m, x: [m.prod(x.detach(), 0, dtype=t) for t in (m.int32, m.uint8)], [(0, 2)], [(0,)], [INTEGERS]),
        *on(lambda m, x: written(x, m.prod, lambda y: y.prod(0), lambda y: y.prod(0, True)), [()], [(1,)], [(1, 2)]),
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
    "all": truth("all"),
    "any": truth("any"),
    "count_nonzero": on(lambda m, x: (m.count_nonzero(x), m.count_nonzero(x, dim=-1)), *FULL, [[NAN, 0.0]]),
    "cumsum": [
        *on(lambda m, x: (m.cumsum(x, 0), x.cumsum(dim=-1)), *SHAPES, [INTEGERS], [MASK], [(5,)]),
        *on(lambda m, x: (m.cumsum(x, 1, dtype=m.float64), x.cumsum(axis=0)), [INTEGERS], [(2, 3)]),
    ],
    "logsumexp": [
        *on(lambda m, x: (m.logsumexp(x, 0), x.logsumexp(dim=-1, keepdim=True)), [(2, 3)], [()], [(0, 2)], [INTEGERS]),
        *on(lambda m, x: m.logsumexp(x, (0, 2)), [(2, 1, 3)]),
    ],
    "norm": [
        *on(lambda m, x: (m.norm(x), m.norm(x, dim=0), x.norm(2, -1, keepdim=True)), [(2, 3)], [()], [(1,)]),
        *on(lambda m, x: (x.norm(1), x.norm(3, 0), m.norm(x, p=1.5, dim=(0, 1)), x.norm(-1.0), x.norm(0.5)),
            [positive(2, 3)]),
        *on(lambda m, x: (x.norm(INF), x.norm(-INF, 1), x.norm(0, 0)), [distinct(2, 3)]),
        *on(lambda m, x: (m.norm(x, "fro", [0, 1]), x.norm(dtype=m.float64), x.norm(None, 1)), [(2, 3)]),
    ],
    "sort": [
        *on(lambda m, x: (m.sort(x), m.sort(x, 0, True), x.sort(dim=-2, descending=True)), [distinct(2, 3)],
            [distinct(3, 2, 2)]),
        *on(lambda m, x: (m.sort(x, stable=True), m.sort(x, stable=True, descending=True)), [()], [(1,)], [(2, 0)],
            [INTEGERS], [MASK]),
        *on(lambda m, x: (x.sort().indices, x.topk(1).values), [[2.0, 1.0]]),
    ],
    "argsort": on(lambda m, x: (m.argsort(x), x.argsort(0, descending=True)), [distinct(2, 3)], [()], [(1, 0)]),
    "topk": [
        *on(lambda m, x: (m.topk(x, 2), x.topk(1, 0), m.topk(x, k=2, dim=1, largest=False)), [distinct(2, 3)],
            [INTEGERS]),
        *on(lambda m, x: (m.topk(x, 0), x.topk(1).values), [()], [(1,)], [distinct(4)]),
    ],
    "argmax": arg_extremum("argmax"),
    "argmin": arg_extremum("argmin"),
}

EDGES = {
    "max": [
        *on(lambda m, x: m.max(x, m.tensor(1), True), [(2, 3)]),  # a tensor as dim, beside keepdim
        *on(lambda m, x: (m.max(x), x.max(1), x.max(0, True), x.argmax(1), x.argmax()), [TIED], [NAN_ROWS]),
        *on(lambda m, x: (m.min(x), x.min(1), x.min(0, True), x.argmin(1), x.argmin()), [TIED], [NAN_ROWS]),
        *on(lambda m, x: (m.amax(x), x.amax(1), x.amin(0), x.amin((0, 1), True)), [TIED]),
        *on(lambda m, x: x.detach().amax(1), [NAN_ROWS], [INFINITE]),
    ],
    **{f"{name} of an infinite gradient": on(function, [[1.0, 2.0, 0.0]], [[0.0, 0.0, 1.0]], [[0.0, NAN, 0.0]],
                                             [[0.0, 0.0, 0.0]])
       for name, function in {
           "max": lambda m, x: (-x).max().sqrt(), "max - max": lambda m, x: (x.max() - x.max()).log(),
           "min": lambda m, x: x.min().sqrt(), "amin": lambda m, x: x.amin().sqrt(),
           "norm of inf": lambda m, x: x.norm(INF).log(), "norm of -inf": lambda m, x: x.norm(-INF).log(),
           "norm of 1": lambda m, x: x.norm(1).log(), "norm of 2": lambda m, x: x.norm().log(),
           "norm of 3": lambda m, x: x.norm(3).log(), "norm of 1.5": lambda m, x: x.norm(1.5).log(),
           "std": lambda m, x: x.std().log(), "std of rows": lambda m, x: 1 / m.stack([x, x * 0]).std(0)}.items()},
    "prod": on(lambda m, x: (x.prod(), x.prod(0), x.prod(1)), [ZEROS], [NAN_ROWS], [INFINITE]),
    "sum": on(lambda m, x: (x.sum(), x.mean(1), x.sum(0)), [NAN_ROWS], [INFINITE]),
    "std": on(lambda m, x: (x.std(0), x.var(1), x.std()), [np.ones((2, 3))], [TIED], [INFINITE]),
    "amax": on(lambda m, x: (x.amax(1), x.amin(0), x.amax()), [NAN_ROWS], [TIED], [INFINITE]),
    "sort": on(
        lambda m, x: (m.sort(x, stable=True), m.sort(x, dim=0, stable=True, descending=True)),
        [TIED], [NAN_ROWS], [INFINITE], [np.eye(20)]),
    "topk": on(lambda m, x: (x.topk(2).values.detach(), x.topk(3, 0, False).values.detach()), [TIED + TIED],
        [NAN_ROWS]),
    "logsumexp": on(lambda m, x: (m.logsumexp(x, 1), m.logsumexp(x, (0, 1))), [INFINITE], [NAN_ROWS], [[[1e4, 1e4]]]),
    "norm": [
        *on(lambda m, x: (m.norm(x), x.norm(3), x.norm(1.5), x.norm(0.5), x.norm(1), x.norm(INF), x.norm(0)),
            [[0.0, 0.0]], [ZEROS]),
        *on(lambda m, x: (m.norm(x, 2, 1), x.norm(INF, 0), x.norm(-INF, 1), x.norm(0, 1), x.norm(1, 1)), [NAN_ROWS],
            [INFINITE], [TIED]),
        *on(lambda m, x: (m.norm(x), m.norm(x, 1), m.norm(x, 0, 0), m.norm(x, INF, 0)), [(2, 0)], [(2, 0, 2)]),
    ],
    "numpy's numbers": on(lambda m, x: (x.all(np.int64(0)), x.any(np.int64(1)), x.sum(np.int32(0))), [MASK]),
    "numpy's names": [
        *on(lambda m, x: (m.sum(x, axis=0, keepdims=True), x.mean(axis=1), x.std(axis=0), m.prod(x, axis=1)), [(2, 3)]),
        *on(lambda m, x: (x.max(axis=1), x.argmax(axis=1), x.sort(axis=0), x.all(axis=0), x.topk(1, axis=0)),
            [distinct(2, 3)]),
    ],
    "var of too few": on(lambda m, x: (x.var(correction=3), x.var(0), x.std(1), x.var(1, False)), [(1, 2)], [(2, 0)]),
    "too few": on(lambda m, x: (x.var(), x.std(), x.mean(), x.sum(), x.prod()), [(1,)], [(0,)], [()]),
}  # fmt: skip

ERRORS = {
    "cumsum without dim": (lambda m: one(m, 2).cumsum(None), TypeError, ["dim", "NoneType"]),
    "cumsum far": (lambda m: one(m, 2).cumsum(1), IndexError, ["[-1, 0]", "1"]),
    "cumsum over two": (lambda m: one(m, 2, 2).cumsum((0, 1)), TypeError, ["dim", "tuple"]),
    "all twice": (lambda m: one(m, 2, 3).all((0, 0)), RuntimeError, ["dim 0"]),
    "any far": (lambda m: one(m, 2, 3).any(2), IndexError, ["[-2, 1]", "2"]),
    "logsumexp of all": (lambda m: one(m, 2).logsumexp(None), TypeError, ["dim", "NoneType"]),
    "norm of integers": (lambda m: m.tensor([1, 2]).norm(), RuntimeError, ["norm", "int64"]),
    "norm to a narrower dtype": (
        lambda m: m.norm(one(m, 2).double(), dtype=m.float32), RuntimeError, ["float32", "float64"]
    ),
    "norm to integers": (lambda m: m.norm(one(m, 2), dtype=m.int64), RuntimeError, ["int64", "float32"]),
    "norm of a word": (lambda m: one(m, 2, 2).norm("abc"), RuntimeError, ["p", "abc"]),
    "norm twice": (lambda m: one(m, 2, 2).norm(2, (0, 0)), RuntimeError, ["dim 0"]),
    "largest norm of nothing": (lambda m: one(m, 2, 0).norm(INF, 1), RuntimeError, ["norm", "[2, 0]"]),
    **{f"{f} kept by a number": (lambda m, f=f: getattr(m, f)(one(m, 2), 0, keepdim=1), TypeError, ["keepdim", "int"])
       for f in "all amax amin any argmax argmin logsumexp max mean min prod std sum var".split()},
    **{f"{f} kept without dim": (lambda m, f=f: getattr(m, f)(one(m, 2), keepdim=False), TypeError, ["keepdim", "dim"])
       for f in "max mean min prod sum".split()},
    "prod of all, kept": (lambda m: one(m, 2).prod(None, True), TypeError, ["dim"]),
    "norm kept by a number": (lambda m: one(m, 2).norm(2, 0, 1), TypeError, ["keepdim", "int"]),
    "std, not by the correction": (lambda m: one(m, 2).std(0, 1), TypeError, ["unbiased", "int"]),
    "topk, largest by a number": (lambda m: one(m, 2).topk(1, largest=1), TypeError, ["largest", "int"]),
    "topk, sorted by a number": (lambda m: one(m, 2).topk(1, sorted=0), TypeError, ["sorted", "int"]),
    "argmax of bools": (lambda m: (one(m, 2) > 0).argmax(), RuntimeError, ["argmax", "bool"]),
    "max of all, kept": (lambda m: one(m, 2).max(keepdim=True), TypeError, ["dim"]),
    "sort far": (lambda m: one(m, 2).sort(1), IndexError, ["[-1, 0]", "1"]),
    "sort the other way, by a number": (lambda m: one(m, 2).sort(0, 1), TypeError, ["descending", "1"]),
    "argsort along nothing": (lambda m: one(m, 2).argsort(None), TypeError, ["dim"]),
    "topk of too few": (lambda m: one(m, 2, 3).topk(4), RuntimeError, ["k=4", "[2, 3]"]),
    "topk of less than none": (lambda m: one(m, 3).topk(-1), RuntimeError, ["k=-1"]),
    "topk of a fraction": (lambda m: one(m, 3).topk(1.5), TypeError, ["k", "float"]),
    "topk of bools": (lambda m: (one(m, 3) > 0).topk(1), RuntimeError, ["bool"]),
}  # fmt: skip
