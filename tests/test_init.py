"""nn.init: PyTorch's numbers after the same seed, and its errors."""

import itertools

import numpy as np
import pytest
import torch
from helpers import check_error, raised

import minigrad

BOTH = pytest.mark.parametrize("m", [minigrad, torch], ids=["minigrad", "torch"])
SHAPES = [(20, 30), (3, 4), (4, 3, 2, 5), (6, 5, 3), (1, 1)]
CALLS = [
    "xavier_uniform_(t)", "xavier_uniform_(t, gain=2.0)", "xavier_normal_(t)", "xavier_normal_(t, 0.5)",
    "kaiming_uniform_(t)", "kaiming_uniform_(t, a=0.3, mode='fan_out')", "kaiming_uniform_(t, 1, 'fan_in', 'sigmoid')",
    "kaiming_normal_(t)", "kaiming_normal_(t, nonlinearity='relu')", "kaiming_normal_(t, 0, 'FAN_OUT', 'tanh')",
    "normal_(t)", "normal_(t, mean=1.0, std=0.01)", "uniform_(t)", "uniform_(t, -1.0, 1.0)", "uniform_(t, a=-1, b=3)",
    "constant_(t, 3)", "constant_(t, val=0.5)", "zeros_(t)", "ones_(t)",
]  # fmt: skip


def call(code, t, m, **more):
    return eval(f"init.{code}", {"init": m.nn.init, "m": m, "t": t, **more})


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("code", CALLS)
def test_a_seed_gives_pytorchs_numbers(code, dtype):
    for shape in SHAPES:
        found = []
        for m in (minigrad, torch):
            m.manual_seed(7)
            t = m.full(shape, 9.0, dtype=getattr(m, dtype))
            assert call(code, t, m) is t
            found.append(t.numpy())
            found.append(m.rand(1).numpy())  # and the streams go on from the same place
        np.testing.assert_allclose(found[0], found[2], rtol=1e-6 if dtype == "float32" else 2e-14, atol=1e-14)
        assert found[0].dtype == found[2].dtype and found[1] == found[3]


@pytest.mark.parametrize("nonlinearity", ["relu", "leaky_relu", "tanh", "sigmoid", "selu", "linear", "conv2d", "conv1d",
                                          "conv3d", "conv_transpose2d"])  # fmt: skip
def test_gains(nonlinearity):
    for arguments in ((), (0.2,), (1,)):
        mine, theirs = (m.nn.init.calculate_gain(nonlinearity, *arguments) for m in (minigrad, torch))
        assert mine == theirs


@BOTH
def test_a_generator_of_its_own(m):
    generator = m.Generator()
    for name in ("uniform_", "normal_", "xavier_uniform_", "xavier_normal_", "kaiming_uniform_", "kaiming_normal_"):
        drawn = []
        for seed in (1, 1, 2):
            generator.manual_seed(seed)
            drawn.append(getattr(m.nn.init, name)(m.zeros(3, 3), generator=generator).tolist())
        assert drawn[0] == drawn[1] != drawn[2], name


@BOTH
def test_fans(m):
    fans = m.nn.init._calculate_fan_in_and_fan_out
    assert fans(m.zeros(3, 5)) == (5, 3) and fans(m.zeros(3, 5, 2, 4)) == (40, 24) and fans(m.zeros(0, 2)) == (2, 0)


@BOTH
def test_a_parameter_is_filled_without_history(m):
    p = m.nn.Parameter(m.zeros(2, 2))
    for name in ("ones_", "normal_", "xavier_uniform_", "kaiming_normal_"):
        assert getattr(m.nn.init, name)(p) is p and p.requires_grad and p.is_leaf
    m.nn.init.constant_(p[0], 5.0)  # through a view
    assert p[0].tolist() == [5, 5]


@BOTH
def test_nothing_to_fill(m):
    for name in ("kaiming_uniform_", "kaiming_normal_"):
        with pytest.warns(UserWarning, match="zero-element") as caught:
            getattr(m.nn.init, name)(m.zeros(0, 3))
        assert caught[0].filename == __file__


ERRORS = [
    *((f"{name}(m.zeros(3))", ValueError, ["2 dimensions", [3]])
      for name in ("xavier_uniform_", "xavier_normal_", "kaiming_uniform_", "kaiming_normal_")),
    ("xavier_normal_(m.zeros(()))", ValueError, ["2 dimensions", []]),
    ("kaiming_normal_(m.zeros(2, 2), mode='fan')", ValueError, ["fan", "fan_in"]),
    ("kaiming_normal_(m.zeros(2, 2), nonlinearity='swish')", ValueError, ["swish"]),
    ("kaiming_normal_(m.zeros(2, 2), a='x')", ValueError, ["negative_slope", "x"]),
    ("calculate_gain('gelu')", ValueError, ["gelu"]), ("calculate_gain('leaky_relu', True)", ValueError, ["True"]),
    ("uniform_(m.zeros(2), 2.0, 1.0)", RuntimeError, [2.0, 1.0]),
    ("normal_(m.zeros(2), 0.0, -1.0)", RuntimeError, [-1.0]),
    ("normal_(m.zeros(2).long())", NotImplementedError, ["Long"]),
    ("xavier_uniform_(m.zeros(0, 0))", ZeroDivisionError, []),
]  # fmt: skip


@pytest.mark.parametrize("code, exception, words", ERRORS, ids=[code for code, *_ in ERRORS])
def test_both_libraries_refuse(code, exception, words):
    check_error(lambda m: call(code, None, m), exception, *words)


# ---- and what keeps gradients within bounds: nn.utils


def with_gradients(m, last=0.25):
    """Two parameters with gradients, one without."""
    a, b, c = m.ones(3, 2), m.ones(4, dtype=m.float64), m.ones(1)
    a.grad = m.tensor([[3.0, -4.0], [0.5, 2.0], [-1.0, last]])
    b.grad = m.tensor([1.0, -2.0, 0.0, 5.0], dtype=m.float64)
    return [a, b, c]


@pytest.mark.parametrize("norm_type", [2.0, 1, 3.5, 0.5, float("inf"), -float("inf"), 0.0, -2.0, "inf"], ids=repr)
@pytest.mark.parametrize("max_norm", [1.0, 1000, 0])
def test_clip_grad_norm(norm_type, max_norm):
    for last in (0.25, 3e30, float("nan"), float("inf")):
        found = []
        for m in (minigrad, torch):
            parameters = with_gradients(m, last)
            before = [p.grad for p in parameters]
            norm = m.nn.utils.clip_grad_norm_(iter(parameters), max_norm, norm_type)
            assert all(p.grad is grad for p, grad in zip(parameters, before))
            found.append([norm.item(), str(norm.dtype), *[p.grad.numpy() for p in parameters[:2]]])
        assert found[0][1] == found[1][1]
        for mine, theirs in zip(found[0][2:] + found[0][:1], found[1][2:] + found[1][:1]):
            np.testing.assert_allclose(mine, theirs, rtol=2e-6)


@BOTH
def test_clipping_with_parameters_that_were_used_up_warns(m):
    parameters = m.nn.Linear(1, 1).parameters()
    m.optim.SGD(parameters, lr=0.1)
    with pytest.warns(UserWarning, match="empty generator"):
        m.nn.utils.clip_grad_norm_(parameters, 1.0)


@BOTH
def test_a_tensor_as_standard_deviation(m):
    for fill in (lambda x, s: m.nn.init.normal_(x, 0, s), lambda x, s: x.normal_(m.tensor(0.0), s),
                 lambda x, s: m.nn.init.xavier_normal_(x, s)):  # fmt: skip
        drawn = []
        for s in (0.5, m.tensor(0.5)):
            m.manual_seed(0)
            drawn.append(fill(m.zeros(3, 4), s).numpy())
        np.testing.assert_allclose(*drawn, rtol=1e-6)


@BOTH
def test_clipping_one_tensor_or_none(m):
    a, _, c = with_gradients(m)
    grad = a.grad
    assert m.nn.utils.clip_grad_norm_(a, 1.0).item() == pytest.approx(5.5, abs=0.1) and a.grad is grad
    assert grad.norm().item() == pytest.approx(1.0) and m.nn.utils.clip_grad_value_(a, 0.25) is None
    assert grad.max().item() == 0.25 == -grad.min().item()
    assert m.nn.utils.clip_grad_norm_(c, 1.0).item() == 0 == m.nn.utils.clip_grad_norm_([], 1.0).item()


def test_a_norm_that_is_not_finite():
    for extreme, strict in itertools.product((float("nan"), float("inf")), (True, False)):
        errors = [
            raised(lambda m: m.nn.utils.clip_grad_norm_(  # noqa: B023
                with_gradients(m, extreme), 1.0, error_if_nonfinite=strict), lib)  # noqa: B023
            for lib in (minigrad, torch)
        ]  # fmt: skip
        assert type(errors[0]) is type(errors[1]) is (RuntimeError if strict else type(None))
