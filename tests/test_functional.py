"""nn.functional in depth: every argument against PyTorch, and what each refuses.

The shapes are small; that the kernels are right for large ones is held in test_kernels.
"""

import warnings

import numpy as np
import pytest
import torch
from helpers import check, check_error, distinct, positive, random
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad
from minigrad.nn import functional as F

NAN, INF = float("nan"), float("inf")


def f(m):
    return m.nn.functional


def call(code, m):
    return eval(code, {"m": m, "F": f(m), "z": m.zeros, "o": lambda *c: m.tensor(c), "f64": m.float64})


# ---- convolution

SPACINGS = [
    (1, 0, 1), (2, 1, 1), ((2, 1), (0, 2), 1), (1, (1, 2), 2), (3, 2, (1, 2)), ((1, 3), 1, (2, 1)),
    (1, "same", 1), (1, "same", 2), ((1, 1), "same", (1, 3)), (2, "valid", 1), ([2, 2], [1], [1, 1]),
]  # fmt: skip
KERNELS = [(1, 1), (3, 3), (2, 2), (2, 3), (4, 1)]  # 'same' with an even kernel pads unevenly


@pytest.mark.filterwarnings("ignore:Using padding='same':UserWarning")  # PyTorch copies, and says so
@pytest.mark.parametrize("kernel", KERNELS, ids=str)
@pytest.mark.parametrize("stride, padding, dilation", SPACINGS, ids=str)
def test_conv2d_for_every_spacing(stride, padding, dilation, kernel):
    def conv(m, x, w, b):
        return f(m).conv2d(x, w, b, stride, padding, dilation)

    check(conv, (2, 2, 8, 9), (3, 2, *kernel), (3,), differences=False)


@pytest.mark.parametrize("groups", [1, 2, 4])
@pytest.mark.parametrize("multiplier", [1, 3])
@pytest.mark.parametrize("bias", [True, False])
def test_conv2d_in_groups(groups, multiplier, bias):
    inputs = [(2, 4, 5, 5), (groups * multiplier, 4 // groups, 2, 3)]
    check(
        lambda m, x, w, b=None: f(m).conv2d(x, w, b, 2, 1, groups=groups),
        *inputs, *[(groups * multiplier,)] * bias, differences=False,
    )  # fmt: skip


@pytest.mark.parametrize("stride", [(True, 1), [[1], [1]], {1: 1}, 1.0])
def test_conv2d_names_a_wrong_argument_also_when_a_right_one_came_before(stride):
    x, w = minigrad.ones(1, 1, 5, 5), minigrad.ones(1, 1, 3, 3)
    F.conv2d(x, w, stride=(1, 1))
    with pytest.raises(TypeError, match="'stride'"):
        F.conv2d(x, w, stride=stride)


@pytest.mark.parametrize("shape", [(2, 5, 4), (1, 2, 5, 4), (0, 2, 5, 4)], ids=str)
def test_conv2d_with_and_without_a_batch(shape):
    check(lambda m, x, w: f(m).conv2d(x, w, stride=2, padding=1), shape, (3, 2, 3, 2), differences=False)


@pytest.mark.parametrize(
    "stride, padding, dilation, groups",
    [(1, 0, 1, 1), (2, 1, 1, 1), ((1, 2), (1, 0), (2, 1), 2), (1, "same", 1, 1)],
    ids=str,
)
def test_conv2d_against_finite_differences(stride, padding, dilation, groups):
    def conv(m, x, w, b):
        return f(m).conv2d(x, w, b, stride, padding, dilation, groups)

    check(conv, (1, 2, 3, 4), (2, 2 // groups, 2, 2), (2,))


def test_what_the_division_of_sizes_loses_gets_no_gradient():
    """(6 - 3) // 2 leaves the last row and column unseen: they exist, and their gradient is 0."""
    check(lambda m, x, w: f(m).conv2d(x, w, stride=2), (1, 1, 6, 6), (1, 1, 3, 3), differences=False)
    x = minigrad.ones(1, 1, 6, 6, requires_grad=True)
    F.conv2d(x, minigrad.ones(1, 1, 3, 3), stride=2).sum().backward()
    assert x.grad[0, 0, 5].tolist() == [0] * 6 == x.grad[0, 0, :, 5].tolist()


@given(data=st.data())
@settings(max_examples=40)
def test_conv2d_for_drawn_arguments(data):
    def pair(least, most):
        return data.draw(st.tuples(*[st.integers(least, most)] * 2))

    kernel, stride, padding, dilation = pair(1, 4), pair(1, 4), pair(0, 3), pair(1, 3)
    groups, per_group, outputs = (data.draw(st.integers(1, 3)) for _ in range(3))
    reach = [(k - 1) * d + 1 - 2 * p for k, d, p in zip(kernel, dilation, padding)]
    size = [data.draw(st.integers(max(n, 1), max(n, 1) + 6)) for n in reach]
    check(
        lambda m, x, w, b: f(m).conv2d(x, w, b, stride, padding, dilation, groups),
        (data.draw(st.integers(1, 2)), groups * per_group, *size),
        (groups * outputs, per_group, *kernel), (groups * outputs,),
        order=1, differences=False,
    )  # fmt: skip


def test_layouts_of_the_arguments_make_no_difference():
    x, w = random(2, 3, 6, 5), random(4, 3, 3, 2, seed=1)
    expected = F.conv2d(minigrad.tensor(x), minigrad.tensor(w)).numpy()
    frozen = x.copy()
    frozen.flags.writeable = False
    for like_x in (np.asfortranarray(x), x[::-1][::-1], np.repeat(x, 2, axis=3)[..., ::2]):
        assert np.array_equal(F.conv2d(minigrad.tensor(like_x), minigrad.tensor(w)).numpy(), expected)
    swapped = minigrad.tensor(x.transpose(3, 2, 1, 0).copy()).permute(3, 2, 1, 0)
    assert np.array_equal(F.conv2d(swapped, minigrad.tensor(w)).numpy(), expected)
    flipped = minigrad.from_numpy(w[::-1].copy()).flip(0)
    assert np.array_equal(F.conv2d(minigrad.tensor(frozen), flipped).numpy(), expected)


def test_one_tensor_may_be_image_and_kernel():
    check(lambda m, x: f(m).conv2d(x, x, padding=1), (2, 2, 2, 2))


# ---- pooling

MAX_POOLS = [
    dict(kernel_size=2), dict(kernel_size=(3, 2)), dict(kernel_size=[2], stride=[]),
    dict(kernel_size=2, stride=1), dict(kernel_size=3, stride=(2, 1), padding=1),
    dict(kernel_size=(3, 2), padding=(1, 0)), dict(kernel_size=2, stride=1, dilation=(2, 3)),
    dict(kernel_size=3, stride=2, padding=1, dilation=2), dict(kernel_size=2, stride=5),
    dict(kernel_size=1, stride=1), dict(kernel_size=(4, 1), stride=3, padding=(2, 0)),
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


def test_pooling_against_finite_differences():
    check(lambda m, x: f(m).max_pool2d(x, 3, 2, 1, ceil_mode=True), distinct(1, 2, 3, 4))
    check(lambda m, x: f(m).avg_pool2d(x, 3, 2, 1, ceil_mode=True, count_include_pad=False), (1, 1, 3, 4))


@pytest.mark.parametrize("values", [[2.0, 2.0, 1.0], [NAN, 1.0, INF], [-INF, -INF, -INF], [-INF, NAN, 1]])
def test_max_pool2d_of_ties_nan_and_infinities(values):
    """Which element wins decides who gets the gradient, so the indices must be PyTorch's."""
    for seed in range(4):
        x = np.random.default_rng(seed).choice(values, (2, 1, 6, 6))
        for arguments in (dict(kernel_size=2), dict(kernel_size=3, stride=1, padding=1)):
            check(
                lambda m, x: f(m).max_pool2d(x, **arguments, return_indices=True),  # noqa: B023
                x, order=1, differences=False,
            )  # fmt: skip


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


# ---- losses

LOGITS, LABELS = random(4, 3), np.array([0, 2, 1, 2])
PIXELS = np.random.default_rng(0).integers(0, 3, (2, 2, 3))
WEIGHT = np.array([0.5, 2.0, 0.0])
REDUCTIONS = ["mean", "sum", "none"]


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("ignore_index", [-100, 2, 1])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", ["nll_loss", "cross_entropy", "smoothed"])
def test_losses_for_class_numbers(name, weighted, ignore_index, reduction):
    options = {"ignore_index": ignore_index, "reduction": reduction}
    if name == "smoothed":
        name, options = "cross_entropy", {**options, "label_smoothing": 0.2}

    def loss(m, x, target):
        weight = m.tensor(WEIGHT).to(x.dtype) if weighted else None
        return getattr(f(m), name)(x, target, weight, **options)

    check(loss, LOGITS, LABELS, differences=False)
    check(lambda m, x, t: loss(m, x.contiguous(), t), random(2, 3, 2, 3), PIXELS, differences=False)
    check(loss, random(3), np.array(1), differences=False)
    check(loss, random(0, 3), np.zeros(0, int), differences=False)  # the mean of nothing is NaN


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("smoothing", [0.0, 0.1, 1.0])
def test_cross_entropy_for_probabilities(smoothing, weighted, reduction):
    """The target and the weight are differentiable too."""

    def loss(m, x, p, w):
        return f(m).cross_entropy(x, p, w if weighted else None, reduction=reduction, label_smoothing=smoothing)

    for shape in ((4, 3), (3,), (2, 3, 2, 2), (0, 3)):
        check(loss, random(*shape), positive(*shape), WEIGHT, order=1, differences=False)
    check(loss, random(2, 3), positive(2, 3), WEIGHT)


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("smoothing", [0.0, 0.3])
def test_ignoring_every_label(smoothing, reduction):
    """The mean is 0 / 0, and no gradient is wrong."""
    check(
        lambda m, x, t: f(m).cross_entropy(x, t, ignore_index=-1, label_smoothing=smoothing, reduction=reduction),
        LOGITS, np.full(4, -1), order=1, differences=False,
    )  # fmt: skip
    assert np.isnan(F.cross_entropy(minigrad.zeros(2, 3), minigrad.tensor([-100, -100])).item())


def test_an_ignored_infinity_does_not_spread():
    x = np.array([[0.0, -INF, 1.0], [1.0, 2.0, 3.0]])
    check(lambda m, x, t: f(m).nll_loss(x, t, ignore_index=1), x, np.array([1, 2]), order=1, differences=False)
    check(lambda m, x, t: f(m).nll_loss(x, t, m.tensor([1.0, 0.0, 1.0]).to(x.dtype)), x, np.array([1, 2]),
          order=1, differences=False)  # fmt: skip


def test_cross_entropy_of_large_logits_neither_overflows_nor_vanishes():
    x = np.array([[1e4, 0.0, -1e4], [-1e4, -1e4 + 1, -1e4]])
    check(lambda m, x, t: f(m).cross_entropy(x, t), x, np.array([2, 1]), order=1, differences=False)


@pytest.mark.parametrize("target", ["float32", "float64", "int64"])
def test_mse_loss_promotes(target):
    def loss(m, x):
        return f(m).mse_loss(x, m.ones(2, 3, dtype=getattr(m, target)))

    check(loss, (2, 3), order=1, differences=False)


def test_mse_loss_warns_of_broadcasting():
    with pytest.warns(UserWarning, match=r"target size \(torch.Size\(\[2\]\)\).*input size.*\[2, 1\]") as caught:
        loss = F.mse_loss(minigrad.ones(2, 1), minigrad.zeros(2))
    assert loss.item() == 1 and caught[0].filename == __file__
    with pytest.warns(UserWarning), pytest.raises(RuntimeError, match=r"3.*4"):
        F.mse_loss(minigrad.ones(2, 3), minigrad.zeros(4))


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
@pytest.mark.parametrize("shape", [(4,), (2, 3), (2, 3, 2), (2, 1, 2, 2)], ids=str)
def test_the_implicit_dim_of_softmax_warns(name, shape):
    x = random(*shape)
    with warnings.catch_warnings(action="ignore"):
        expected = getattr(torch.nn.functional, name)(torch.tensor(x))
    with pytest.warns(UserWarning, match="Implicit dimension choice") as caught:
        found = getattr(F, name)(minigrad.tensor(x))
    np.testing.assert_allclose(found.numpy(), expected.numpy(), rtol=1e-12)
    assert caught[0].filename == __file__


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_softmax_over_each_dim(name):
    for dim in range(-3, 3):
        check(lambda m, x: getattr(f(m), name)(x, dim), (2, 3, 2), differences=False)  # noqa: B023
    check(lambda m, x: getattr(f(m), name)(x, 1), [[NAN, 0.0], [INF, 0.0], [-INF, 0.0], [-INF, -INF]],
          order=1, differences=False)  # fmt: skip


# ---- dropout, one_hot, linear, relu


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_dropout_draws_pytorchs_numbers(p):
    check(  # which PyTorch draws in the order of memory, hence contiguous()
        lambda m, x: m.manual_seed(3) and f(m).dropout(x.contiguous(), p), (5, 40), differences=False
    )


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
    x = minigrad.ones(3)
    minigrad.manual_seed(0)
    before = minigrad.random.default_generator.get_state()
    assert F.dropout(x, 0.5, training=False) is x is F.dropout(x, 0.0) is F.dropout(x, p=1, training=False)
    assert F.dropout(x, 1.0).tolist() == [0, 0, 0]
    assert np.array_equal(before, minigrad.random.default_generator.get_state())


def test_the_gradient_of_dropout_goes_where_the_values_went():
    x = minigrad.ones(50, requires_grad=True)
    y = F.dropout(x, 0.4)
    y.sum().backward()
    assert x.grad.tolist() == y.tolist()


def test_dropout_and_relu_in_place():
    x = minigrad.tensor([-1.0, 2.0])
    assert F.relu(x, inplace=True) is x and x.tolist() == [0, 2]
    x = minigrad.ones(64, requires_grad=True)
    y = x * 1
    version = y._version
    assert F.dropout(y, 0.5, inplace=True) is y and y._version == version + 1
    y.sum().backward()
    assert x.grad.tolist() == y.tolist() and set(y.tolist()) == {0, 2}
    with pytest.raises(RuntimeError, match="leaf"):
        F.dropout(x, 0.5, inplace=True)


@pytest.mark.parametrize("labels", [3, [0, 2], [[1, 0], [2, 2]], []], ids=str)
@pytest.mark.parametrize("num_classes", [-1, 4])
def test_one_hot(labels, num_classes):
    if labels == [] and num_classes == -1:
        check_error(lambda m: f(m).one_hot(m.tensor([]).long()), RuntimeError, "empty")
    else:
        check(lambda m, x: f(m).one_hot(x, num_classes), np.array(labels, np.int64))


def test_linear_takes_any_number_of_leading_dimensions():
    for shape in ((3,), (2, 3), (2, 1, 3), (2, 2, 1, 3), (0, 3), (2, 0, 3)):
        check(lambda m, x, w, b: f(m).linear(x, w, b), shape, (4, 3), (4,), differences=False)
    for shape in ((0,), (2, 0), (2, 2, 0)):
        check(lambda m, x, w: f(m).linear(x, w), shape, (4, 0), differences=False)
    check(lambda m, x, w: f(m).linear(x, w), (2, 3), (3,))  # a weight (in) makes one output
    check(lambda m, x, w, b: f(m).linear(x, w, b), (2, 3), (2, 3), ())


# ---- what they refuse

X, W = "z(1, 1, 4, 4)", "z(1, 1, 2, 2)"
CONVOLUTIONS = [
    *((f"{X}, {W}, {name}={n}", RuntimeError, name, n)
      for name in ("stride", "dilation") for n in (0, -1, (1, 0), (1, 1, 1), ())),
    *((f"{X}, {W}, padding={n}", RuntimeError, "padding", n) for n in (-1, (0, -1), (1, 1, 1))),
    *((f"{X}, {W}, {name}={n!r}", TypeError, name)
      for name in ("stride", "padding", "dilation", "groups") for n in (1.0, None, True, (1.0, 1))),
    (f"{X}, {W}, stride='1'", TypeError, "stride"),
    (f"{X}, {W}, groups=(1,)", TypeError, "groups"),
    (f"{X}, {W}, padding='SAME'", RuntimeError, "SAME"),
    (f"{X}, {W}, padding='same', stride=2", RuntimeError, "same", "stride"),
    (f"{X}, {W}, padding=2**62", RuntimeError, "padding", 2**62),
    (f"{X}, z(1, 1, 1, 1), padding=(2**30, 2**30)", RuntimeError, 2**31 + 4),
    (f"{X}, {W}, dilation=4", RuntimeError, [4, 4], [5, 5]),
    (f"{X}, {W}, dilation=2**31", RuntimeError, "dilation"),
    (f"{X}, {W}, dilation=2**62", RuntimeError, "dilation"),
    (f"{X}, z(1, 1, 5, 2)", RuntimeError, [4, 4], [5, 2]),
    (f"{X}, z(1, 1, 2, 7), padding=(0, 1)", RuntimeError, [4, 6], [2, 7]),
    ("z(1, 1, 0, 4), z(1, 1, 1, 2)", RuntimeError, [0, 4], [1, 2]),
    *((f"{X}, {W}, groups={n}", RuntimeError, "groups", n) for n in (0, -1, 2, 2**62)),
    ("z(1, 2, 4, 4), z(3, 1, 2, 2), groups=2", RuntimeError, "groups=2", [3, 1, 2, 2]),
    ("z(1, 3, 4, 4), z(2, 1, 2, 2), groups=2", RuntimeError, "groups=2", [2, 1, 2, 2], [1, 3, 4, 4]),
    (f"{X}, z(1, 2, 2, 2)", RuntimeError, [1, 2, 2, 2], [1, 1, 4, 4], "channels"),
    ("z(1, 4, 4), z(1, 2, 2, 2)", RuntimeError, [1, 2, 2, 2], [1, 1, 4, 4], "channels"),
    *((f"z{shape}, {W}", RuntimeError, list(shape), "3D") for shape in ((4, 4), (1, 1, 1, 4, 4))),
    (f"z(()), {W}", RuntimeError, [], "3D"),
    *((f"{X}, z{shape}", RuntimeError, list(shape), "weight") for shape in ((2, 2), (1, 2, 2), (1, 1, 1, 2, 2))),
    *((f"{X}, {W}, z({shape})", RuntimeError, "bias", [1, 1, 2, 2]) for shape in ("2", "1, 1", "()")),
    (f"z(1, 1, 4, 4, dtype=f64), {W}", RuntimeError, "float64", "float32", "weight"),
    (f"{X}, z(1, 1, 2, 2, dtype=f64)", RuntimeError, "float64", "float32", "weight"),
    (f"{X}, {W}, z(1, dtype=f64)", RuntimeError, "float64", "float32", "bias"),
    (f"{X}.long(), {W}", RuntimeError, "int64", "float32"),
    (f"[[1.0]], {W}", TypeError, "input", "list"),
    (f"{X}, None", TypeError, "weight", "NoneType"),
    (f"{X}, {W}, 1.0", TypeError, "bias", "float"),
    (f"{X}, {W}, color=1", TypeError, "color"),
    (X, TypeError, "weight"),
    (f"{X}, z(0, 1, 2, 2)", RuntimeError, [0, 1, 2, 2]),
    (f"{X}, z(1, 1, 0, 2)", RuntimeError, [1, 1, 0, 2]),
]  # fmt: skip
POOLS = [
    *((f"{X}, {n}", RuntimeError, "kernel_size", n) for n in (0, -1, (2, 0), (2, 2, 2), ())),
    *((f"{X}, {n!r}", TypeError, "kernel_size") for n in (2.0, None, True)),
    *((f"{X}, 2, stride={n}", RuntimeError, "stride", n) for n in (0, -1, (1, 1, 1))),
    *((f"{X}, 2, {name}={n}", TypeError, name) for name in ("stride", "padding") for n in (1.5, True)),
    *((f"{X}, 2, padding={n}", RuntimeError, "padding", n) for n in (-1, (1, 1, 1))),
    (f"{X}, 2, padding=2", RuntimeError, "pad", "kernel_size"),
    (f"{X}, 3, padding=2", RuntimeError, "pad", "kernel_size"),
    (f"{X}, 2, padding=2**62", RuntimeError, "padding"),
    (f"{X}, 5", RuntimeError, [1, 1, 4, 4], "kernel_size", [1, 1, 0, 0]),
    (f"{X}, 2**31", RuntimeError, "kernel_size"),
    (f"{X}, 2**62", RuntimeError, "kernel_size"),
    (f"{X}, 2, ceil_mode='no'", TypeError, "ceil_mode", "str"),
    *((f"z{shape}, 2", RuntimeError, list(shape)) for shape in ((1, 1, 1, 4, 4), (1, 0, 4, 4), (1, 1, 0, 4))),
    (f"{X}.bool(), 2", NotImplementedError, "Bool"),
    ("[1.0], 2", TypeError, "input", "list"),
    (X, TypeError, "kernel_size"),
]  # fmt: skip
MAX_ONLY = [
    *((f"{X}, 2, dilation={n}", RuntimeError, "dilation", n) for n in (0, -1, (1, 1, 1), 2**31, 2**62)),
    (f"{X}, 2, dilation=4", RuntimeError, [1, 1, 4, 4], "kernel_size"),
    ("z(1, 1, 8, 8), 3, padding=2, dilation=2", RuntimeError, "pad"),
    (f"{X}, 2, 2, 0, True", TypeError, "dilation"),  # one argument too few before ceil_mode
    ("z(4, 4), 2", RuntimeError, [4, 4]),
]  # fmt: skip
AVG_ONLY = [
    (f"{X}, 2, divisor_override=0", RuntimeError, "divisor"),
    *((f"{X}, 2, divisor_override={n!r}", TypeError, "divisor_override") for n in (1.5, "2", True)),
]  # fmt: skip

V = "z(2, 3)"  # two items, three classes
CLASS_LOSSES = [
    *((f"{V}, o(0, {n})", IndexError, n, "3 classes") for n in (3, -1, -101)),
    (f"{V}, o(0, 1, 2)", ValueError, [2, 3], [3]),
    (f"{V}, m.tensor(1)", ValueError, [2, 3], []),
    (f"{V}, o(0, 1)[:, None]", RuntimeError, [2, 3], [2, 1]),
    ("z(3), o(1, 2)", ValueError, [3], [2]),
    ("z(3), m.tensor(3)", IndexError, 3),
    ("z(2, 3, 4), z(2, 3).long()", RuntimeError, [2, 3, 4], [2, 4], [2, 3]),
    ("z(2, 3, 4, 4), z(2, 4).long()", RuntimeError, [2, 4, 4], [2, 4]),
    ("z(2, 3, 4, 4), z(1, 4, 4).long()", ValueError, [2, 3, 4, 4], [1, 4, 4]),
    ("z(2, 0), z(2).long()", IndexError, "0 classes"),
    *((f"{V}, o(0, 1).{kind}()", RuntimeError, "target", "Long") for kind in ("int", "bool", "float")),
    (f"{V}.long(), o(0, 1)", NotImplementedError, "Long"),
    (f"{V}, [0, 1]", TypeError, "target", "list"),
    ("[0.0], o(0, 1)", TypeError, "input", "list"),
    (f"{V}, o(0, 1), z(2)", RuntimeError, "weight", 3, [2]),
    (f"{V}, o(0, 1), z(3, 1)", RuntimeError, "weight", [3, 1]),
    (f"{V}, o(0, 1), [1, 1, 1]", TypeError, "weight", "list"),
    (f"{V}, o(0, 1), z(3, dtype=f64)", RuntimeError, "weight", "float32", "float64"),
    (f"{V}, o(0, 1), reduction='avg'", ValueError, "avg", "mean"),
    *((f"{V}, o(0, 1), ignore_index={n}", TypeError, "ignore_index") for n in (1.5, None)),
]  # fmt: skip
SOFT = [
    (f"{V}, z(3, 3)", ValueError, [2, 3], [3, 3]),
    (f"{V}, z(2, 4)", RuntimeError, [2, 3], [2, 4]),
    (f"{V}, z(2, 3).long()", RuntimeError, [2, 3]),
    (f"{V}, {V}, z(2)", RuntimeError, "weight", 3, [2]),
    (f"{V}, {V}, [1, 1, 1]", TypeError, "weight", "list"),
    (f"{V}, {V}, ignore_index=1", RuntimeError, "ignore_index", 1),
    (f"{V}, o(0, 1), label_smoothing=1.5", RuntimeError, "label_smoothing", 1.5),
    (f"{V}, o(0, 1), label_smoothing='a'", TypeError),
]  # fmt: skip
OTHERS = {
    "mse_loss": [
        (f"{V}.long(), {V}.long()", NotImplementedError, "Long"),
        (f"{V}, {V}, reduction='avg'", ValueError, "avg"),
    ],
    "softmax": [
        *((f"{V}, {n}", IndexError, n, "[-2, 1]") for n in (2, -3)),
        *((f"{V}, {n}", TypeError, "dim") for n in (1.0, (0, 1))),
        (f"{V}.long(), 1", NotImplementedError, "Long"),
        ("z(()), 1", IndexError, 1),
    ],
    "log_softmax": [(f"{V}, 2", IndexError, 2), (f"{V}.int(), 1", NotImplementedError, "Int")],
    "dropout": [
        *((f"z(2), {p}", ValueError, p) for p in (-0.1, 1.1)),
        *((f"z(2), {p!r}", TypeError) for p in ("a", None)),
        ("z(2).long(), 0.5", RuntimeError, "int64"),
        ("[1.0], 0.5", TypeError, "input", "list"),
    ],
    "one_hot": [
        ("o(0, 3), 3", RuntimeError, 3),
        ("o(0, -1)", RuntimeError, -1),
        *((f"o(0, 1), {n}", RuntimeError, "num_classes") for n in (0, -2)),
        ("o(0, 1), 2.0", TypeError, "num_classes"),
        ("o(0), 2**62", RuntimeError, 2**62),
        ("o(2**62)", RuntimeError, 2**62 + 1),
        ("z(2)", RuntimeError, "float32"),
        ("o(0, 1).int()", RuntimeError, "int32"),
    ],
    "linear": [
        ("z(2, 3), z(4, 2)", RuntimeError, "2x3", "2x4"),
        ("z(5, 2, 3), z(4, 2)", RuntimeError, "10x3", "2x4", [5, 2, 3]),
        ("z(2), z(4, 3)", RuntimeError, [2], 3),
        ("z(()), z(4, 3)", RuntimeError, [], 3),
        ("z(2, 3), z(2)", RuntimeError, [2, 3], 2),
        ("z(2, 3), z(4, 3), z(3)", RuntimeError, "bias", [4, 3], [3]),
        ("z(2, 3), z(1, 4, 3)", RuntimeError, "weight", [1, 4, 3]),
        ("z(2, 3), z(4, 3, dtype=f64)", RuntimeError, "weight", "float32", "float64"),
        ("z(2, 3, dtype=f64), z(4, 3)", RuntimeError, "weight", "float32", "float64"),
        ("z(2, 3), z(4, 3), z(4, dtype=f64)", RuntimeError, "bias", "float32", "float64"),
        ("z(2, 3).bool(), z(4, 3).bool()", NotImplementedError, "Bool"),
        ("[1.0], z(4, 3)", TypeError, "input", "list"),
        ("z(2, 3), None", TypeError, "weight", "NoneType"),
        ("z(2, 3), z(4, 3), 1.0", TypeError, "bias", "float"),
    ],
}
REFUSED = {
    "conv2d": CONVOLUTIONS, "max_pool2d": POOLS + MAX_ONLY, "avg_pool2d": POOLS + AVG_ONLY,
    "nll_loss": CLASS_LOSSES, "cross_entropy": CLASS_LOSSES + SOFT, **OTHERS,
}  # fmt: skip
REFUSED = [(f"F.{name}({code})", *expected) for name, cases in REFUSED.items() for code, *expected in cases]


@pytest.mark.parametrize("code, exception, words", [(c, e, w) for c, e, *w in REFUSED],
                         ids=[c for c, *_ in REFUSED])  # fmt: skip
def test_both_libraries_refuse(code, exception, words):
    check_error(lambda m: call(code, m), exception, *words)
