"""Softmax and the losses in depth: every argument against PyTorch, what they refuse, and the losses as modules."""

import functools
import warnings

import numpy as np
import pytest
import torch
from helpers import INF, NAN, F, check, check_error, derivatives, positive, random

import minigrad

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
        return getattr(F(m), name)(x, target, weight, **options)

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
        return F(m).cross_entropy(x, p, w if weighted else None, reduction=reduction, label_smoothing=smoothing)

    for shape in ((4, 3), (3,), (2, 3, 2, 2), (0, 3)):
        check(loss, random(*shape), positive(*shape), WEIGHT, order=1, differences=False)
    check(loss, random(2, 3), positive(2, 3), WEIGHT)


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("smoothing", [0.0, 0.3])
def test_ignoring_every_label(smoothing, reduction):
    """The mean is 0 / 0, and no gradient is wrong."""
    check(
        lambda m, x, t: F(m).cross_entropy(x, t, ignore_index=-1, label_smoothing=smoothing, reduction=reduction),
        LOGITS, np.full(4, -1), order=1, differences=False,
    )  # fmt: skip
    assert np.isnan(F(minigrad).cross_entropy(minigrad.zeros(2, 3), minigrad.tensor([-100, -100])).item())


def test_an_ignored_infinity_does_not_spread():
    x = np.array([[0.0, -INF, 1.0], [1.0, 2.0, 3.0]])
    check(lambda m, x, t: F(m).nll_loss(x, t, ignore_index=1), x, np.array([1, 2]), order=1, differences=False)
    check(lambda m, x, t: F(m).nll_loss(x, t, m.tensor([1.0, 0.0, 1.0]).to(x.dtype)), x, np.array([1, 2]),
          order=1, differences=False)  # fmt: skip


def test_cross_entropy_of_large_logits_neither_overflows_nor_vanishes():
    x = np.array([[1e4, 0.0, -1e4], [-1e4, -1e4 + 1, -1e4]])
    check(lambda m, x, t: F(m).cross_entropy(x, t), x, np.array([2, 1]), order=1, differences=False)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_cross_entropy_does_not_need_its_input_again(reduction):
    numbers, labels, gradients = random(4, 3, seed=1), np.array([0, 2, 1, 1]), []
    for m in (minigrad, torch):
        x = m.tensor(numbers, requires_grad=True)
        y = x * 2
        loss = F(m).cross_entropy(y, m.tensor(labels), reduction=reduction)
        y.add_(1)
        loss.sum().backward()
        gradients.append(x.grad.numpy())
    np.testing.assert_allclose(*gradients, rtol=1e-12, atol=1e-15)


def test_the_curvature_of_cross_entropy_is_that_of_the_labels_it_had():
    x, labels = minigrad.tensor(random(4, 3), requires_grad=True), minigrad.tensor([0, 2, 1, 1])
    slopes = []
    for new in (0, 2):
        loss = F(minigrad).cross_entropy(x, labels)
        labels.fill_(new)
        slopes += minigrad.autograd.grad(loss, x, create_graph=True, retain_graph=True)
        slopes += minigrad.autograd.grad(loss, x)
    for with_graph, without in zip(slopes[::2], slopes[1::2], strict=True):
        np.testing.assert_allclose(with_graph.detach().numpy(), without.numpy(), atol=1e-15)


@pytest.mark.parametrize("m", [minigrad, torch])
def test_cross_entropy_goes_back_once(m):
    x = m.ones(2, 3, requires_grad=True)
    loss = F(m).cross_entropy(x, m.tensor([0, 2]))
    loss.backward(retain_graph=True)
    loss.backward()
    with pytest.raises(RuntimeError, match="second time"):
        loss.backward()


@pytest.mark.parametrize("target", ["float32", "float64", "int64"])
def test_mse_loss_promotes(target):
    def loss(m, x):
        return F(m).mse_loss(x, m.ones(2, 3, dtype=getattr(m, target)))

    check(loss, (2, 3), order=1, differences=False)


def test_mse_loss_warns_of_broadcasting():
    with pytest.warns(UserWarning, match=r"target size \(torch.Size\(\[2\]\)\).*input size.*\[2, 1\]") as caught:
        loss = F(minigrad).mse_loss(minigrad.ones(2, 1), minigrad.zeros(2))
    assert loss.item() == 1 and caught[0].filename == __file__
    with pytest.warns(UserWarning), pytest.raises(RuntimeError, match=r"3.*4"):
        F(minigrad).mse_loss(minigrad.ones(2, 3), minigrad.zeros(4))


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
@pytest.mark.parametrize("shape", [(4,), (2, 3), (2, 3, 2), (2, 1, 2, 2)], ids=str)
def test_the_implicit_dim_of_softmax_warns(name, shape):
    x = random(*shape)
    with warnings.catch_warnings(action="ignore"):
        expected = getattr(torch.nn.functional, name)(torch.tensor(x))
    with pytest.warns(UserWarning, match="Implicit dimension choice") as caught:
        found = getattr(F(minigrad), name)(minigrad.tensor(x))
    np.testing.assert_allclose(found.numpy(), expected.numpy(), rtol=1e-12)
    assert caught[0].filename == __file__


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_softmax_over_each_dim(name):
    for dim in range(-3, 3):
        check(lambda m, x: getattr(F(m), name)(x, dim), (2, 3, 2), differences=False)  # noqa: B023
    check(lambda m, x: getattr(F(m), name)(x, 1), [[NAN, 0.0], [INF, 0.0], [-INF, 0.0], [-INF, -INF]],
          order=1, differences=False)  # fmt: skip


@pytest.mark.parametrize("labels", [3, [0, 2], [[1, 0], [2, 2]], []], ids=str)
@pytest.mark.parametrize("num_classes", [-1, 4])
def test_one_hot(labels, num_classes):
    if labels == [] and num_classes == -1:
        check_error(lambda m: F(m).one_hot(m.tensor([]).long()), RuntimeError, "num_classes")
    else:
        check(lambda m, x: F(m).one_hot(x, num_classes), np.array(labels, np.int64))


@pytest.mark.parametrize("name", ["l1_loss", "mse_loss", "smooth_l1_loss"])
def test_losses_of_numbers_broadcast_with_a_warning(name):
    def loss(m, x, y):
        with pytest.warns(UserWarning, match="target size"):
            return getattr(F(m), name)(x, y)

    check(loss, (2, 1), (3,), differences=False)


@pytest.mark.parametrize("name", ["l1_loss", "mse_loss"])
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_the_mean_of_weighed_errors_is_over_the_weights(name, reduction):
    def loss(m, x, y, w):
        return getattr(F(m), name)(x, y, weight=w, reduction=reduction)

    for shape in ((2, 3), (), (0,)):
        check(loss, shape, shape, positive(*shape), differences=False)


@pytest.mark.parametrize("kinds", [("int64", "float32"), ("float32", "int64"), ("float64", "float32")], ids=str)
@pytest.mark.parametrize("name", ["l1_loss", "mse_loss", "smooth_l1_loss"])
def test_losses_of_numbers_promote(name, kinds):
    check(lambda m: getattr(F(m), name)(*(m.arange(3).to(getattr(m, kind)) for kind in kinds)))


@pytest.mark.parametrize("kinds", [("float32", "float64"), ("float64", "float32"), ("float32", "int64")], ids=str)
@pytest.mark.parametrize("name", ["l1_loss", "mse_loss", "smooth_l1_loss"])
def test_a_target_without_dimensions_promotes_like_any_other(name, kinds):
    def loss(m):
        x, y = (m.ones(shape, dtype=getattr(m, kind)) for shape, kind in zip(((2,), ()), kinds))
        with warnings.catch_warnings(action="ignore"):
            return getattr(F(m), name)(x, y), getattr(F(m), name)(y, x, reduction="none")

    check(loss)


def test_l1_loss_of_integers_stays_integer():
    x = np.array([1, 5]), np.array([3, 2])
    check(lambda m, x, y: (F(m).l1_loss(x, y, reduction="none"), F(m).l1_loss(x, y, reduction="sum")), *x)


@pytest.mark.parametrize("beta", [0.0, 0.3, 1.0])
def test_the_curvature_of_smooth_l1_loss_at_its_corners_and_at_nan(beta):
    x = [0.0, 0.25, 0.3, -0.3, 1.0, -1.0, 2.0, INF, -INF, NAN]
    check(lambda m, x: F(m).smooth_l1_loss(x, m.zeros(10, dtype=x.dtype), beta=beta, reduction="none"),
          x, differences=False)


def test_the_curvature_of_binary_cross_entropy_at_0_and_1():
    def loss(m, x, y):
        return F(m).binary_cross_entropy(x, y, reduction="none")

    check(loss, [0.0, 0.0, 0.25, 0.5, 1.0, 1.0, 1e-6], [1.0, 0.5, 0.5, 0.0, 0.0, 0.25, 0.0], differences=False)
    x, y = np.array([0.0, 1.0]), np.array([1.0, 0.0])
    mine, theirs = derivatives(loss, minigrad, [x, y], 1)[1][0], derivatives(loss, torch, [x, y], 1)[1][0]
    np.testing.assert_allclose(mine.detach().numpy(), theirs.detach().numpy(), rtol=1e-12)


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_a_smoothed_loss_of_classes_without_weight(reduction):
    def loss(m, x, t):
        weight = m.tensor([0.0, 1.0]).to(x.dtype)
        return F(m).cross_entropy(x, t, weight, label_smoothing=0.1, reduction=reduction)

    check(loss, [[1.0, 2.0], [0.0, 1.0]], np.array([0, 0]), order=1, differences=False)


@pytest.mark.parametrize("kinds", [("float32", "float64"), ("float64", "float32"), ("float32", "int64")], ids=str)
def test_probabilities_and_a_weight_promote(kinds):
    def loss(m, x, p):
        return F(m).cross_entropy(x.to(getattr(m, kinds[0])), p.to(getattr(m, kinds[0])),
                                  m.tensor([1, 2, 3]).to(getattr(m, kinds[1])))

    check(loss, (2, 3), positive(2, 3), order=1, differences=False)


@pytest.mark.parametrize("kinds", [("float32", "float64"), ("float64", "float32")], ids=str)
def test_logits_give_the_dtype_of_the_target(kinds):
    def loss(m):
        x, y = (m.tensor([0.2, 0.7]).to(getattr(m, kind)) for kind in kinds)
        return F(m).binary_cross_entropy_with_logits(x, y, y * 2, reduction="none", pos_weight=x)

    check(loss)


def test_logits_are_exact_where_the_sigmoid_is_not():
    """In float32 the sigmoid of 20 is 1, of -20 nearly 0; neither loss nor gradient may vanish."""
    x = minigrad.tensor([20.0, -20.0, 20.0, -20.0], requires_grad=True)
    loss = F(minigrad).binary_cross_entropy_with_logits(x, minigrad.tensor([1.0, 0.0, 0.0, 1.0]), reduction="none")
    loss.sum().backward()
    tiny = np.exp(-20)
    np.testing.assert_allclose(loss.detach().numpy(), [tiny, tiny, 20, 20], rtol=1e-6)
    np.testing.assert_allclose(x.grad.numpy(), [-tiny, tiny, 1, -1], rtol=1e-6)


@pytest.mark.parametrize("code", [
    "F.mse_loss(x, y)", "F.mse_loss(x, y, reduction='sum')", "F.l1_loss(x, y)", "F.smooth_l1_loss(x, y)",
    "F.binary_cross_entropy(x, y)", "F.binary_cross_entropy_with_logits(x, y)", "F.cross_entropy(x, t)",
    "F.nll_loss(x, t)", "F.cross_entropy(x, t, reduction='none')", "F.mse_loss(x, y, reduction='none')",
])  # fmt: skip
def test_losses_print_as_pytorchs(code):
    def text(m):
        x = m.tensor([[0.125, 0.75], [0.5, 0.25]], requires_grad=True)
        return repr(eval(code, {"F": F(m), "x": x, "y": m.tensor([[0.0, 1.0], [0.25, 0.5]]), "t": m.tensor([0, 1])}))

    assert text(minigrad) == text(torch)


# ---- what they refuse


def call(code, m):
    return eval(code, {"m": m, "F": F(m), "z": m.zeros, "o": lambda *c: m.tensor(c), "f64": m.float64})


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
    ("z(2, 3, 4), z(2, 4).to(m.uint8)", RuntimeError, "target", "Long", "Byte"),
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
    *((f"z{s}, z{s}.{k}()", RuntimeError, "target", list(s), k.title()) for s in ((2, 3), (4,), (1,), (2, 3, 4))
      for k in ("long", "bool")),
    (f"{V}, {V}, z(2).long()", RuntimeError, "weight", 3, [2]),
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
}
REFUSED = {"nll_loss": CLASS_LOSSES, "cross_entropy": CLASS_LOSSES + SOFT, **OTHERS}
REFUSED = [(f"F.{name}({code})", *expected) for name, cases in REFUSED.items() for code, *expected in cases]


@pytest.mark.parametrize("code, exception, words", [(c, e, w) for c, e, *w in REFUSED],
                         ids=[c for c, *_ in REFUSED])  # fmt: skip
def test_both_libraries_refuse(code, exception, words):
    check_error(lambda m: call(code, m), exception, *words)


# ---- the losses as modules

MODULES = [
    *(("CrossEntropyLoss", options) for options in (
        {}, {"label_smoothing": 0.1, "ignore_index": 2}, {"weight": [0.5, 1.0, 2.0]})),
    *(("NLLLoss", options) for options in ({"ignore_index": 0}, {"weight": [0.5, 1.0, 2.0]})),
    ("MSELoss", {}), ("L1Loss", {}), ("SmoothL1Loss", {"beta": 0.5}), ("BCELoss", {}),
    ("BCELoss", {"weight": [0.5, 1.0, 2.0]}), ("BCEWithLogitsLoss", {}),
    ("BCEWithLogitsLoss", {"weight": [0.5, 1.0, 2.0], "pos_weight": [1.0, 2.0, 3.0]}),
]  # fmt: skip


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("name, options", MODULES, ids=str)
def test_losses_are_pytorchs(name, options, reduction):
    weights = [k for k in options if k.endswith("weight")]

    def loss(m, x):
        given = {k: m.tensor(v) if k in weights else v for k, v in options.items()}
        module = getattr(m.nn, name)(**given, reduction=reduction).to(x.dtype)
        assert list(module.state_dict()) == weights and repr(module) == f"{name}()"
        classes = name in ("CrossEntropyLoss", "NLLLoss")
        return module(x, m.tensor([0, 2, 1, 2]) if classes else m.full((4, 3), 0.25, dtype=x.dtype))

    check(loss, 1 / (1 + np.exp(-random(4, 3))), differences=False)


@pytest.mark.parametrize("options", [
    {"size_average": False}, {"size_average": True}, {"reduce": False}, {"reduce": True},
    {"size_average": False, "reduce": True}, {"size_average": True, "reduce": False, "reduction": "sum"}])
def test_pytorchs_older_reductions(options):
    for name in ("mse_loss", "smooth_l1_loss", "binary_cross_entropy", "nll_loss", "cross_entropy"):
        target = LABELS if name in ("nll_loss", "cross_entropy") else np.full((4, 3), 0.25)
        with pytest.warns(UserWarning, match="please use reduction="):
            mine = getattr(F(minigrad), name)(minigrad.tensor(abs(LOGITS) % 1), minigrad.tensor(target), **options)
        with pytest.warns(UserWarning, match="please use reduction="):
            theirs = getattr(F(torch), name)(torch.tensor(abs(LOGITS) % 1), torch.tensor(target), **options)
        np.testing.assert_allclose(mine.numpy(), theirs.numpy(), rtol=1e-12)
    with pytest.warns(UserWarning, match="please use reduction="):
        assert minigrad.nn.MSELoss(**options).reduction == torch.nn.MSELoss(**options).reduction


def test_losses_of_bools_are_those_of_numbers():
    for name in ("mse_loss", "smooth_l1_loss"):
        loss = functools.partial(lambda name, m, x, y: getattr(F(m), name)(x, y), name)
        check(loss, [0.2, 0.7], np.array([True, False]), order=0)  # PyTorch subtracts bools in its gradient
