"""Pooling in depth: every argument against PyTorch, in 1 to 3 dimensions.

The shapes are small; that the kernels are right for large ones is held in test_kernels.
"""

import pickle

import numpy as np
import pytest
import torch
from helpers import INF, NAN, check, distinct, random
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad
from minigrad import nn
from minigrad.nn import functional as F


def f(m):
    return m.nn.functional


MAX_POOLS = [
    dict(kernel_size=2), dict(kernel_size=(3, 2)), dict(kernel_size=[2], stride=[]),
    dict(kernel_size=2, stride=1), dict(kernel_size=3, stride=(2, 1), padding=1),
    dict(kernel_size=(3, 2), padding=(1, 0)), dict(kernel_size=2, stride=1, dilation=(2, 3)),
    dict(kernel_size=3, stride=2, padding=1, dilation=2), dict(kernel_size=2, stride=5),
    dict(kernel_size=1, stride=1), dict(kernel_size=(4, 1), stride=3, padding=(2, 0)),
    dict(kernel_size=2, stride=np.int64(1)), dict(kernel_size=2, stride=(np.int64(1), 2)),
]  # fmt: skip
SIZES = [(2, 3, 7, 6), (2, 8, 7), (0, 2, 7, 7), (1, 1, 9, 5)]


@pytest.mark.parametrize("ceil_mode", [False, True])
@pytest.mark.parametrize("arguments", MAX_POOLS, ids=str)
def test_max_pool2d(arguments, ceil_mode):
    for shape in SIZES:
        check(
            lambda m, x: f(m).max_pool2d(x, **arguments, ceil_mode=ceil_mode, return_indices=True),
            distinct(*shape), differences=False,
        )  # fmt: skip


@pytest.mark.parametrize("count_include_pad", [True, False])
@pytest.mark.parametrize("ceil_mode", [False, True])
@pytest.mark.parametrize("arguments", [a for a in MAX_POOLS if "dilation" not in a], ids=str)
def test_avg_pool2d(arguments, ceil_mode, count_include_pad):
    for shape in SIZES:
        check(
            lambda m, x: f(m).avg_pool2d(x, **arguments, ceil_mode=ceil_mode, count_include_pad=count_include_pad),
            shape, differences=False,
        )  # fmt: skip


@pytest.mark.parametrize("divisor", [1, 3, -2])
def test_avg_pool2d_with_another_divisor(divisor):
    check(
        lambda m, x: f(m).avg_pool2d(x, 3, 2, 1, True, False, divisor_override=divisor),
        (1, 2, 4, 4), differences=False,
    )  # fmt: skip


@pytest.mark.parametrize("kind", ["max", "avg"])
@pytest.mark.parametrize("d", [1, 2, 3])
@given(data=st.data())
@settings(max_examples=20)
def test_windows_of_drawn_arguments(kind, d, data):
    def each(least, most):
        one = st.integers(least, most)
        return data.draw(st.one_of(one, st.tuples(*[one] * d)))

    options = {"kernel_size": each(2, 3), "stride": each(1, 3), "padding": each(0, 1)}
    options["ceil_mode"] = data.draw(st.booleans())
    if kind == "avg":
        options["count_include_pad"] = data.draw(st.booleans())
    size = [data.draw(st.integers(3, 6)) for _ in range(d)]
    lead = data.draw(st.sampled_from([(2, 1), (1, 2), (2,), (0, 1)]))
    check(lambda m, x: getattr(f(m), f"{kind}_pool{d}d")(x, **options), distinct(*lead, *size),
          order=1, differences=False)  # fmt: skip


@pytest.mark.parametrize("d", [1, 2, 3])
def test_adaptive_pools_of_every_size(d):
    """1 to 5 windows on 1 to 4 elements: fewer, as many, and more."""
    for n in range(1, 5):
        for o in range(1, 6):
            out = (o, *(max(6 - o, 1), None)[: d - 1])
            check(lambda m, x: getattr(f(m), f"adaptive_avg_pool{d}d")(x, out),  # noqa: B023
                  distinct(2, 2, n, *(5, 2)[: d - 1]), order=2 if o == 3 else 1, differences=False)  # fmt: skip


def test_adaptive_pools_without_elements():
    for shape, out in (((0, 2, 3), 2), ((2, 3), 0)):
        mine, theirs = (f(m).adaptive_avg_pool1d(m.zeros(*shape), out) for m in (minigrad, torch))
        assert tuple(mine.shape) == tuple(theirs.shape)


def test_a_global_average_is_a_mean():
    x = random(2, 3, 5, 4)
    check(lambda m, x: f(m).adaptive_avg_pool2d(x, (1, 1)), x)
    y = F.adaptive_avg_pool2d(minigrad.tensor(x, requires_grad=True), 1)
    assert "Mean" in y.grad_fn.name()
    np.testing.assert_allclose(y.detach().numpy()[..., 0, 0], x.mean((2, 3)))


@pytest.mark.parametrize("values", [[2.0, 2.0, 1.0], [NAN, 1.0, INF], [-INF, -INF, -INF], [-INF, NAN, 1]])
def test_max_pools_of_ties_nan_and_infinities(values):
    """Which element wins decides who gets the gradient, so the indices must be PyTorch's."""
    for seed in range(4):
        x = np.random.default_rng(seed).choice(values, (2, 1, 6, 6))
        for arguments in (dict(kernel_size=2), dict(kernel_size=3, stride=1, padding=1)):
            check(
                lambda m, x: f(m).max_pool2d(x, **arguments, return_indices=True),  # noqa: B023
                x, order=1, differences=False,
            )  # fmt: skip
        check(lambda m, x: f(m).avg_pool2d(x, 3, 1, 1), x, order=1, differences=False)
        check(lambda m, x: f(m).adaptive_avg_pool2d(x, (4, 5)), x, order=1, differences=False)


def test_the_first_of_equal_elements_gets_the_whole_gradient():
    x = minigrad.zeros(1, 1, 2, 2, requires_grad=True)
    F.max_pool2d(x, 2).sum().backward()
    assert x.grad.flatten().tolist() == [1, 0, 0, 0]


def test_a_pool_gathers_what_overlapping_windows_send():
    x = minigrad.tensor([[[0.0, 1.0, 0.0], [0.0, 5.0, 0.0], [0.0, 0.0, 0.0]]], requires_grad=True)
    y, indices = F.max_pool2d(x, 2, stride=1, return_indices=True)
    assert indices.dtype is minigrad.int64 and set(indices.flatten().tolist()) == {4}
    y.sum().backward()
    assert x.grad[0, 1, 1].item() == 4 == x.grad.sum().item()


def test_a_window_beside_the_input_gives_its_gradient_to_nobody():
    """Dilation can place all of a window in the padding. PyTorch's 2-D and 3-D pools then give the gradient to an
    element of another window."""
    x = minigrad.ones(1, 1, 3, 1, requires_grad=True)
    y = F.max_pool2d(x, 2, (3, 2), 1, 2)
    y.sum().backward()
    assert y.flatten().tolist() == [-INF] and x.grad.flatten().tolist() == [0, 0, 0]


def test_integers_that_a_float_cannot_hold_are_refused():
    x = minigrad.full((1, 2, 2), 2**53 + 1)
    for pool in (F.max_pool2d, F.avg_pool2d):
        with pytest.raises(NotImplementedError, match=r"input.*2\*\*53"):
            pool(x, 2)


# ---- the layers

LAYERS = [
    "MaxPool{d}d(2)", "MaxPool{d}d(3, 2, 1, 1, True, True)", "MaxPool{d}d(kernel_size=2, stride=1, dilation=2)",
    "MaxPool{d}d({pair}, 1)", "AvgPool{d}d(2)", "AvgPool{d}d(3, 2, 1, True, False)",
    "AvgPool{d}d({pair}, stride={pair})", "AdaptiveAvgPool{d}d(3)", "AdaptiveAvgPool{d}d({pair})",
]  # fmt: skip
LAYERS = [code.format(d=d, pair=(2,) * d) for code in LAYERS for d in (1, 2, 3)]
LAYERS += ["AvgPool2d(2, divisor_override=3)", "AdaptiveAvgPool2d((None, 2))"]


@pytest.mark.parametrize("code", LAYERS)
def test_layers_are_pytorchs(code):
    def layer(m, x):
        return eval(code, vars(m.nn).copy())(x)

    d = int(code[code.index("Pool") + 4])
    check(layer, distinct(2, 2, *(5, 4, 3)[:d]), order=1, differences=False)
    assert repr(eval(code, vars(nn).copy())) == repr(eval(code, vars(torch.nn).copy()))
    made = eval(code, vars(nn).copy())
    assert repr(pickle.loads(pickle.dumps(made))) == repr(made) and not made.state_dict()


def test_a_layer_wants_its_arguments():
    for layer in (nn.MaxPool2d, nn.AvgPool1d, nn.AdaptiveAvgPool2d):
        with pytest.raises(TypeError, match="kernel_size|output_size"):
            layer()
    with pytest.raises(TypeError):
        nn.AvgPool1d(2, divisor_override=3)
