"""Normalisation and dropout in depth: functions, layers, running statistics, random numbers."""

import contextlib
import pickle

import numpy as np
import pytest
import torch
from helpers import assert_same, check, check_error, random

import minigrad
from minigrad import nn
from minigrad.nn import functional as F

BOTH = (minigrad, torch)


def f(m):
    return m.nn.functional


# ---- the functions

SHAPES = [(4, 3), (2, 3, 1), (2, 3, 4), (2, 1, 3, 2), (1, 3, 2, 2), (2, 2, 1, 3, 2)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("weighted", [True, False])
def test_batch_norm(shape, training, weighted):
    c = shape[1]

    def norm(m, x, w, b):
        running = [m.from_numpy(random(c)).to(x.dtype), m.from_numpy(np.abs(random(c)) + 1).to(x.dtype)]
        affine = (w, b) if weighted else ()
        return [f(m).batch_norm(x, *running, *affine, training=training, momentum=0.3, eps=1e-2), *running]

    check(norm, 3 * random(*shape) + 1, (c,), (c,), differences=False)


@pytest.mark.parametrize("shape, last", [((4, 3), 1), ((2, 3, 4), 2), ((2, 3, 4), 3), ((5,), 1), ((0, 3), 1)])
@pytest.mark.parametrize("weighted", [True, False])
def test_layer_norm(shape, last, weighted):
    normalized = shape[-last:]

    def norm(m, x, w, b):
        return f(m).layer_norm(x, normalized, *((w, b) if weighted else ()), eps=1e-2)

    check(norm, 3 * random(*shape) + 1, normalized, normalized, differences=False)


@pytest.mark.parametrize("mean", [0.0, 1e3, 1e5])
def test_a_large_mean_costs_no_more_digits_than_in_pytorch(mean):
    x = (random(8, 4, 25) + mean).astype(np.float32)
    for norm in (
        lambda m, x: f(m).batch_norm(x, None, None, training=True), lambda m, x: f(m).layer_norm(x, (25,)),
    ):  # fmt: skip
        exact = norm(torch, torch.tensor(x, dtype=torch.float64)).numpy()
        mine, theirs = (np.abs(norm(m, m.from_numpy(x)).numpy() - exact).max() for m in BOTH)
        assert mine <= 2 * theirs + 1e-6


def test_the_running_variance_is_unbiased_and_the_normalising_one_is_not():
    mean, var, x = minigrad.zeros(1), minigrad.zeros(1), minigrad.tensor([[0.0], [2.0]])
    y = F.batch_norm(x, mean, var, training=True, momentum=1.0, eps=1e-12)
    assert y.flatten().tolist() == [-1, 1] and mean.item() == 1 and var.item() == 2


def test_an_empty_batch_leaves_the_running_statistics():
    mean, var = minigrad.zeros(3), minigrad.ones(3)
    assert F.batch_norm(minigrad.zeros(0, 3, 2), mean, var, training=True).shape == (0, 3, 2)
    assert mean.tolist() == [0] * 3 and var.tolist() == [1] * 3


# ---- the layers


def trained(m, layer, dtype, steps=3):
    """The layer's outputs and gradients in training and after, and its state."""
    layer = layer(m).to(getattr(m, dtype))
    found = []
    for step in range(steps + 1):
        if step == steps:
            layer.eval()
        x = m.from_numpy((2 * random(4, 3, 2, 2, seed=step) + step).astype(dtype)).requires_grad_()
        y = layer(x)
        (y * y * x).sum().backward()
        found += [y, x.grad]
    return [*found, *(p.grad for p in layer.parameters()), *layer.state_dict().values()], layer


NORMS = [
    "BatchNorm2d(3)", "BatchNorm2d(3, momentum=None)", "BatchNorm2d(3, 1e-2, 0.5)", "BatchNorm2d(3, affine=False)",
    "BatchNorm2d(3, track_running_stats=False)", "BatchNorm2d(3, bias=False)", "LayerNorm(2, 0.1)",
    "LayerNorm((3, 2, 2))", "LayerNorm([2, 2], 1e-3, False)", "LayerNorm((2,), 0.1, bias=False)",
]  # fmt: skip


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("code", NORMS)
def test_normalising_layers_are_pytorchs(code, dtype):
    mine, theirs = (trained(m, lambda m: eval(code, vars(m.nn).copy()), dtype) for m in BOTH)
    for x, y in zip(mine[0], theirs[0], strict=True):
        torch.testing.assert_close(torch.tensor(x.detach().numpy()), y.detach(), rtol=1e-4, atol=1e-4)
        assert str(x.dtype) == str(y.dtype)
    assert list(mine[1].state_dict()) == list(theirs[1].state_dict())
    assert repr(mine[1]) == repr(theirs[1])


@pytest.mark.parametrize("code", [*NORMS, "BatchNorm1d(2)", "BatchNorm3d(4)", "BatchNorm1d(0)", "LayerNorm(())", *(
    f"Dropout{d}({p})" for d in ("", "2d") for p in ("", "0.25, True", "p=1"))])  # fmt: skip
def test_repr_is_pytorchs(code):
    made = eval(code, vars(nn).copy())
    assert repr(made) == repr(eval(code, vars(torch.nn).copy()))
    assert repr(pickle.loads(pickle.dumps(made))) == repr(made)


def test_pytorchs_state_goes_into_a_batch_norm():
    theirs = torch.nn.BatchNorm1d(3)
    theirs(torch.tensor(random(5, 3), dtype=torch.float32))
    mine = nn.BatchNorm1d(3)
    mine.load_state_dict({name: minigrad.tensor(x.numpy()) for name, x in theirs.state_dict().items()})
    assert mine.num_batches_tracked.item() == 1 and mine.num_batches_tracked.dtype is minigrad.int64
    x = random(2, 3).astype(np.float32)
    assert_same(mine.eval()(minigrad.tensor(x)), theirs.eval()(torch.tensor(x)))
    mine.reset_running_stats()
    assert mine.num_batches_tracked.item() == 0 and mine.running_var.tolist() == [1, 1, 1]


@pytest.mark.parametrize("name, right", [("BatchNorm1d", (2, 3)), ("BatchNorm2d", (4,)), ("BatchNorm3d", (5,))])
def test_batch_norm_wants_its_number_of_dimensions(name, right):
    for ndim in range(1, 6):
        if ndim in right:
            assert getattr(nn, name)(2)(minigrad.zeros(*[2] * ndim)).shape == (2,) * ndim
        else:
            wrong = lambda m: getattr(m.nn, name)(2)(m.zeros(*[2] * ndim))  # noqa: B023, E731
            check_error(wrong, ValueError, "expected", f"{ndim}D input", [2] * ndim)


@pytest.mark.parametrize("code, exception, words", [
    *((f"BatchNorm1d({n!r})", TypeError, ["num_features"]) for n in (3.0, "a")),
    ("BatchNorm1d(-1)", RuntimeError, [-1]),
    ("BatchNorm2d(3)(z(2, 2, 4, 4))", RuntimeError, ["running_mean", 3, [2, 2, 4, 4]]),
    ("BatchNorm1d(3)(z(1, 3))", ValueError, ["Expected more than 1 value per channel"]),
    ("BatchNorm1d(3).double()(z(2, 3))", RuntimeError, ["float32", "float64"]),
    ("LayerNorm(3)(z(2, 4))", RuntimeError, [[3], [2, 4]]),
    ("LayerNorm(3.0)", TypeError, ["normalized_shape"]),
    ("LayerNorm('a')", TypeError, ["normalized_shape"]),
    *((f"Dropout{d}({p})", ValueError, [p]) for d in ("", "2d") for p in (-0.1, 2)),
    ("Dropout(None)", TypeError, []),
])  # fmt: skip
def test_layers_refuse(code, exception, words):
    check_error(lambda m: eval(code, {**vars(m.nn), "z": m.zeros}), exception, *words)


def test_an_in_place_relu_may_follow():
    """PyTorch keeps the input of a batch norm, not its output."""
    def net(m, x):
        return m.nn.ReLU(inplace=True)(m.nn.BatchNorm1d(3, affine=False, eps=0.1).to(x.dtype)(x))

    check(net, (4, 3), differences=False)


# ---- dropout


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_dropout_draws_pytorchs_numbers(p):
    check(  # which PyTorch draws in the order of memory, hence contiguous()
        lambda m, x: m.manual_seed(3) and f(m).dropout(x.contiguous(), p), (5, 40), differences=False
    )


def test_dropout_takes_its_probability_as_a_tensor():
    check(lambda m, x: m.manual_seed(3) and f(m).dropout(x.contiguous(), m.tensor(0.5)), (5, 40), differences=False)


@pytest.mark.parametrize("name, shape", [
    ("dropout2d", (3, 20, 2, 1)), ("dropout2d", (2, 3, 4, 5, 6)), ("dropout2d", (20, 3, 2)), ("dropout2d", (20, 3)),
])  # fmt: skip
def test_channels_are_dropped_as_pytorch_drops_them(name, shape):
    odd = len(shape) - int(name[-2]) not in (1, 2) or (name, len(shape)) == ("dropout2d", 3)  # PyTorch warns, too
    x = random(*shape)
    for m in BOTH:
        m.manual_seed(5)
    with pytest.warns(UserWarning, match=name) if odd else contextlib.nullcontext():
        mine, theirs = (getattr(f(m), name)(m.tensor(x), 0.4) for m in BOTH)
        assert_same(mine, theirs)
        if not odd:
            assert_same(*(getattr(m.nn, name.capitalize())(0.4, inplace=True)(m.tensor(x)) for m in BOTH))
    assert minigrad.rand(1).item() == torch.rand(1).item()  # and both streams go on from the same place


@pytest.mark.parametrize("p", [0.2, 0.5])
def test_dropout_keeps_the_mean(p):
    minigrad.manual_seed(0)
    y = F.dropout(minigrad.ones(200, 200), p).numpy()
    kept = y != 0
    assert abs(kept.mean() - (1 - p)) < 5 * np.sqrt(p * (1 - p) / y.size)
    np.testing.assert_array_equal(y[kept], np.float32(1) / np.float32(1 - p))
    rows = kept.mean(axis=1)  # independent of their places
    assert abs(rows.std() - np.sqrt(p * (1 - p) / 200)) < 0.01


def test_dropout_without_effect_returns_its_input_and_draws_nothing():
    x = minigrad.ones(1, 3, 1, 1)
    minigrad.manual_seed(0)
    before = minigrad.random.default_generator.get_state()
    for dropout in (F.dropout, F.dropout2d):
        assert dropout(x, 0.5, training=False) is x is dropout(x, 0.0) is dropout(x, p=1, training=False)
        assert dropout(x, 1.0).flatten().tolist() == [0, 0, 0]
    assert nn.Dropout().eval()(x) is x
    assert np.array_equal(before, minigrad.random.default_generator.get_state())


def test_all_of_an_integer_tensor_can_be_dropped():
    check(lambda m, x: (f(m).dropout(x, 1.0), f(m).dropout(x, 0.0)), np.array([1, 2]))
    check(lambda m, x: f(m).dropout(x, 1.0), [float("inf"), 1.0], order=1, differences=False)


def test_the_gradient_of_dropout_goes_where_the_values_went():
    for dropout in (F.dropout, F.dropout2d):
        x = minigrad.ones(5, 10, 1, 2, requires_grad=True)
        y = dropout(x, 0.4)
        y.sum().backward()
        assert x.grad.tolist() == y.tolist()


@pytest.mark.parametrize("dropout, shape", [(F.dropout, (64,)), (F.dropout2d, (8, 8, 1, 1))])
def test_dropout_in_place(dropout, shape):
    x = minigrad.ones(*shape, requires_grad=True)
    y = x * 1
    version = y._version
    assert dropout(y, 0.5, inplace=True) is y and y._version == version + 1
    y.sum().backward()
    assert x.grad.tolist() == y.tolist() and set(y.flatten().tolist()) == {0, 2}
    with pytest.raises(RuntimeError, match="leaf"):
        dropout(x, 0.5, inplace=True)
