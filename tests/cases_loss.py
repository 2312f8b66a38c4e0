"""Softmax and the losses: one or two cases of each; test_losses.py has the others."""

import numpy as np
from helpers import INF, INFINITE, INTEGERS, NAN, NAN_ROWS, SHAPES, F, on, pairs, positive, random

LOGITS, CLASSES = (3, 4), np.array([0, 3, 2])
WEIGHT = [0.5, 2.0, 1.0, 0.0]
PROBABILITIES = [0.1, 0.5, 0.9, 0.35]
TIES = pairs([0.0, 1.0, -1.0, 0.5, 2.0])


def probabilities(*shape):
    return 1 / (1 + np.exp(-random(*shape)))


def reductions(name):
    """A function of the library and its inputs: the loss three times."""
    return lambda m, *inputs, **more: tuple(
        getattr(F(m), name)(*inputs, **more, reduction=reduction) for reduction in ("mean", "sum", "none")
    )


def numbers(name):
    """Losses of numbers: of one shape, and with a weight, which is differentiable."""
    loss = reductions(name)
    return [
        *on(loss, [(2, 3), (2, 3)], [(), ()]),
        *on(lambda m, x, y, w: loss(m, x, y, weight=w), [(2, 2), (2, 2), positive(2, 2)]),
    ]


OPERATORS = {
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
    "l1_loss": numbers("l1_loss"),
    "mse_loss": numbers("mse_loss"),
    "smooth_l1_loss": [
        *on(reductions("smooth_l1_loss"), [(2, 3), (2, 3)], [(), ()]),
        *on(lambda m, x, y: F(m).smooth_l1_loss(x, y, beta=0.3), [(2, 3), (2, 3)]),
        *on(lambda m, x, y: F(m).smooth_l1_loss(x, y, beta=0), [(2, 3), (2, 3)]),
    ],
    "binary_cross_entropy": [
        *on(reductions("binary_cross_entropy"), [PROBABILITIES, probabilities(4)],
            [probabilities(1, 2), probabilities(1, 2)], [np.array(0.3), np.array(0.6)]),
        *on(lambda m, x, y: F(m).binary_cross_entropy(x, y, m.tensor([2.0, 0.5]).to(x)),
            [probabilities(2, 2), probabilities(2, 2)]),
    ],
    "binary_cross_entropy_with_logits": [
        *on(reductions("binary_cross_entropy_with_logits"), [(4,), PROBABILITIES], [(1, 2), (1, 2)], [(), ()]),
        *on(lambda m, x, y: F(m).binary_cross_entropy_with_logits(
                x, y, m.tensor([2.0, 0.5]).to(x), pos_weight=m.tensor([[3.0], [0.5]]).to(x)),
            [(2, 2), probabilities(2, 2)]),
    ],
    "one_hot": on(lambda m, x: (F(m).one_hot(x), F(m).one_hot(x, 5)), [CLASSES], [np.array(2)]),
}

EDGES = {
    "softmax": [
        *on(lambda m, x: (x.softmax(1), x.log_softmax(1)), [INFINITE], [NAN_ROWS]),
        *on(lambda m, x: (x.softmax(0), x.log_softmax(0)), [[1000.0, 0.0, -1000.0]]),
    ],
    "l1_loss": on(reductions("l1_loss"), TIES, pairs([0.0, INF, -INF, NAN])),
    "mse_loss": on(reductions("mse_loss"), TIES, pairs([0.0, INF, -INF, NAN]), [(0, 2), (0, 2)]),
    "smooth_l1_loss": [
        *on(reductions("smooth_l1_loss"), TIES, [*pairs([0.0, 1e30, INF, -INF, NAN])], [(0,), (0,)]),
        *on(lambda m, x, y: F(m).smooth_l1_loss(x, y, beta=0.5, reduction="none"), TIES),
        *on(lambda m, x, y: F(m).smooth_l1_loss(x, y, beta=0, reduction="none"), TIES, pairs([0.0, INF, -INF, NAN])),
    ],
    "binary_cross_entropy": on(reductions("binary_cross_entropy"), pairs([0.0, 1.0, 0.5, 1e-6]), [(0,), (0,)]),
    "binary_cross_entropy_with_logits": [
        *on(reductions("binary_cross_entropy_with_logits"), [[0.0, 50.0, -50.0, 1e4, -1e4], [1.0, 0.0, 0.0, 1.0, 0.5]],
            [[INF, INF, -INF, NAN], [1.0, 0.0, 0.0, 1.0]], [(0,), (0,)]),
    ],
}  # fmt: skip


def V(m, *shape):
    return m.zeros(*shape or (2, 3))


MISMATCH = RuntimeError, ["[2]", "[2, 3]"]
ERRORS = {
    **{f"{name} reduction": (lambda m, name=name: getattr(F(m), name)(V(m), V(m), reduction="avg"), ValueError,
                             ["avg", "mean"])
       for name in ("l1_loss", "mse_loss", "smooth_l1_loss", "binary_cross_entropy",
                    "binary_cross_entropy_with_logits")},
    **{f"{name} weight size": (lambda m, name=name: getattr(F(m), name)(V(m), V(m), weight=V(m, 3)), ValueError,
                               ["weight", "[3]", "[2, 3]"]) for name in ("l1_loss", "mse_loss")},
    **{f"{name} shapes": (lambda m, name=name: getattr(F(m), name)(V(m), V(m, 4)), RuntimeError, ["(3)", "(4)"])
       for name in ("l1_loss", "mse_loss", "smooth_l1_loss")},
    **{f"{name} of integers": (lambda m, name=name: getattr(F(m), name)(V(m).long(), V(m).long()),
                               NotImplementedError, ["Long"])
       for name in ("mse_loss", "smooth_l1_loss", "binary_cross_entropy", "binary_cross_entropy_with_logits")},
    "l1_loss of bools": (lambda m: F(m).l1_loss(V(m) > 0, V(m) > 0), RuntimeError, ["bool"]),
    "l1_loss mean of integers": (lambda m: F(m).l1_loss(V(m).long(), V(m).long()), RuntimeError, ["mean"]),
    "smooth_l1_loss beta": (lambda m: F(m).smooth_l1_loss(V(m), V(m), beta=-1.0), RuntimeError, ["beta", "-1.0"]),
    "smooth_l1_loss beta nan": (lambda m: F(m).smooth_l1_loss(V(m), V(m), beta=NAN), RuntimeError, ["beta", "nan"]),
    "smooth_l1_loss beta text": (lambda m: F(m).smooth_l1_loss(V(m), V(m), beta="a"), TypeError, ["str"]),
    **{f"{name} sizes": (lambda m, name=name: getattr(F(m), name)(V(m), V(m, 3)), ValueError, ["[3]", "[2, 3]"])
       for name in ("binary_cross_entropy", "binary_cross_entropy_with_logits")},
    **{f"{name} weight {shape}": (
            lambda m, name=name, shape=shape: getattr(F(m), name)(V(m), V(m), V(m, *shape)), RuntimeError, [words])
       for name in ("binary_cross_entropy", "binary_cross_entropy_with_logits")
       for shape, words in (((2,), "2"), ((4, 2, 3), "[4, 2, 3]"))},
    **{f"{name} weight learned": (
            lambda m, name=name: getattr(F(m), name)(V(m), V(m), V(m).requires_grad_()), RuntimeError, ["weight"])
       for name in ("binary_cross_entropy", "binary_cross_entropy_with_logits")},
    "pos_weight learned": (
        lambda m: F(m).binary_cross_entropy_with_logits(V(m), V(m), pos_weight=V(m).requires_grad_()), RuntimeError,
        ["pos_weight"]),
    "pos_weight shape": (
        lambda m: F(m).binary_cross_entropy_with_logits(V(m), V(m), pos_weight=V(m, 4, 2, 3)), RuntimeError,
        ["pos_weight", "[4, 2, 3]", "[2, 3]"]),
    "nll_loss weight learned": (
        lambda m: F(m).nll_loss(V(m), m.tensor([0, 1]), V(m, 3).requires_grad_()), RuntimeError, ["weight"]),
    "binary input": (lambda m: F(m).binary_cross_entropy(V(m) + 1.5, V(m)), RuntimeError, ["input", "between 0 and 1"]),
    "binary nan": (lambda m: F(m).binary_cross_entropy(V(m) * NAN, V(m)), RuntimeError, ["input", "between 0 and 1"]),
    "binary target": (lambda m: F(m).binary_cross_entropy(V(m), V(m) - 1), RuntimeError,
                      ["target", "between 0 and 1"]),
    "binary dtypes": (lambda m: F(m).binary_cross_entropy(V(m), V(m).double()), RuntimeError, ["float32", "float64"]),
    "binary labels": (lambda m: F(m).binary_cross_entropy(V(m), V(m).long()), RuntimeError, ["int64", "float32"]),
    "logits labels": (lambda m: F(m).binary_cross_entropy_with_logits(V(m), V(m).long()), RuntimeError, ["int64"]),
    "cross_entropy of a number": (lambda m: F(m).cross_entropy(m.tensor(1.0), m.tensor([0])), IndexError, ["-1, 0"]),
    "cross_entropy of a number with a number": (
        lambda m: F(m).cross_entropy(m.tensor(1.0), m.tensor(0)), RuntimeError, ["target", "Long"]),
    "nll_loss of a number": (lambda m: F(m).nll_loss(m.tensor(1.0), m.tensor(0)), ValueError, ["[]"]),
}  # fmt: skip
