"""The exercises of chapters 7 to 12: their answers against other ways to the same numbers, and students' attempts."""

import math
import re

import numpy as np
import pytest

import minigrad
from minigrad import nn, optim, teach
from minigrad.nn import functional as F
from minigrad.teach import geometry
from minigrad.teach.exercises import networks

ANSWERS = {name: exercise.answer for name, exercise in networks.EXERCISES.items()}
rng = np.random.default_rng(0)


def tensor(*shape):
    return minigrad.tensor(rng.standard_normal(shape))


def follow(function, *inputs, g=None):
    """The gradients that autograd finds."""
    inputs = [x.clone().requires_grad_() for x in inputs]
    y = function(*inputs)
    y.backward(g)
    return [x.grad for x in inputs]


# ---- the answers


@pytest.mark.parametrize("k, d", [(1, 1), (3, 1), (3, 2), (2, 5)])
def test_reach_and_dilate_are_those_of_conv2d(k, d):
    n = ANSWERS["reach"](k, d)
    assert F.conv2d(minigrad.zeros(1, 1, n, n), minigrad.zeros(1, 1, k, k), dilation=d).shape[2:] == (1, 1)
    x, kernel = tensor(1, 1, 12, 12), tensor(k, k)
    wide = ANSWERS["dilate"](kernel, d)
    assert wide.shape == (n, n)
    expected = F.conv2d(x, kernel.reshape(1, 1, k, k), dilation=d)
    assert minigrad.allclose(F.conv2d(x, wide.double().reshape(1, 1, n, n)), expected)


@pytest.mark.parametrize("layers", [[(3, 1, 1), (2, 2, 1), (5, 1, 1), (2, 2, 1)], [(3, 2, 2), (3, 3, 1), (2, 1, 4)]])
def test_receptive_size_is_what_the_gradient_reaches(layers):
    stack = nn.Sequential(*[nn.Conv1d(1, 1, k, stride=s, dilation=d, bias=False) for k, s, d in layers])
    x = minigrad.zeros(1, 1, 200, requires_grad=True)
    for weight in stack.parameters():
        nn.init.ones_(weight)
    stack(x)[0, 0, 0].backward()
    (reached,) = x.grad[0, 0].nonzero(as_tuple=True)
    assert ANSWERS["receptive_size"](layers) == reached.max().item() + 1


def test_gradients_are_those_of_autograd():
    x, g, t = tensor(3, 4), tensor(3, 4), tensor(3, 4)
    assert minigrad.allclose(ANSWERS["relu_backward"](x, g), follow(F.relu, x, g=g)[0])
    assert minigrad.allclose(ANSWERS["mse_backward"](x, t), follow(lambda x: F.mse_loss(x, t), x)[0])
    assert minigrad.allclose(ANSWERS["tanh_backward"](x.tanh(), g), follow(minigrad.tanh, x, g=g)[0])
    index, long = [3, 0, 3, 3], tensor(5)
    expected = follow(lambda x: x[minigrad.tensor(index)], long, g=g[0])[0]
    assert minigrad.allclose(ANSWERS["pick_backward"](index, g[0], 5).double(), expected)
    for shape in [(4,), (3, 1), (1, 4), (1, 1), ()]:
        expected = follow(lambda x: x.expand(3, 4), tensor(*shape), g=g)[0]
        assert minigrad.allclose(ANSWERS["unbroadcast"](g, shape), expected)
    measured = ANSWERS["numeric_gradient"](lambda x: (x * x).sum(), minigrad.tensor([1.0, -2.0]), 0.5)
    assert measured.tolist() == [2.0, -4.0]


def test_counts_are_those_of_the_layers():
    for n in (28, 32, 33, 35, 64):
        x = minigrad.zeros(1, 1, n, n)
        for conv in (nn.Conv2d(1, 20, 5), nn.Conv2d(20, 20, 5)):
            x = F.max_pool2d(conv(x), 2)
        assert ANSWERS["flat_features"](n) == x.numel()
    for x_shape, w_shape in [((2, 3, 6, 5), (4, 3, 2, 3)), ((1, 1, 4, 4), (1, 1, 4, 4))]:
        ones = F.conv2d(minigrad.ones(*x_shape), minigrad.ones(*w_shape))  # each output counts its products
        assert ANSWERS["multiply_adds"](x_shape, w_shape) == ones.sum().item()


def test_losses_and_accuracy_by_hand():
    scores, labels = np.array([[2.0, 1.0, -1.0], [0.0, 0.0, 0.0]]), np.array([1, 2])
    expected = (math.log(math.e**2 + math.e + 1 / math.e) - 1 + math.log(3)) / 2
    given = minigrad.tensor(scores), minigrad.tensor(labels)
    assert ANSWERS["cross_entropy"](*given).item() == pytest.approx(expected)
    assert ANSWERS["accuracy"](*given) == 0
    assert ANSWERS["accuracy"](given[0], minigrad.tensor([0, 2])) == 0.5


def test_close_is_numpys_and_the_step_is_sgds():
    for _ in range(50):
        a = rng.standard_normal(3)
        b = a + rng.choice([1e-3, 1e-2]) * rng.standard_normal(3)
        given = minigrad.tensor(a), minigrad.tensor(b)
        assert ANSWERS["close"](*given, 0.01, 0.002) == np.allclose(a, b, 0.01, 0.002)
    weight = nn.Parameter(tensor(3))
    optimizer, w, v = optim.SGD([weight], lr=0.1, momentum=0.9), weight.detach().clone(), 0
    for _ in range(3):
        weight.grad = tensor(3)
        optimizer.step()
        w, v = ANSWERS["momentum_step"](w, v, weight.grad, 0.1, 0.9)
        assert minigrad.allclose(w, weight.detach())


@pytest.mark.parametrize("layer", [nn.Linear(50, 200), nn.Conv2d(3, 40, 5), nn.Conv2d(4, 40, (2, 3), groups=2)])
def test_initial_weights_fill_their_bound(layer):
    largest, bound = layer.weight.abs().max().item(), ANSWERS["initial_bound"](tuple(layer.weight.shape))
    assert 0.98 * bound < largest <= bound


@pytest.mark.parametrize("size, kernel", [((3, 4), (2, 2)), ((5, 5), (1, 3)), ((4, 2), (4, 2))])
def test_columns_and_tables_are_those_of_geometry(size, kernel):
    expected = geometry.taps(size, kernel, (1, 1), ((0, 0), (0, 0)), (1, 1)).reshape(-1, math.prod(kernel))
    x = rng.standard_normal(size)
    np.testing.assert_array_equal(ANSWERS["im2col"](x, *kernel), x.ravel()[expected])
    np.testing.assert_array_equal(np.add.outer(*ANSWERS["tables"](size, kernel)), expected)


# ---- attempts as students write them


def my_dilate(k, d):
    wide = minigrad.zeros((k.shape[0] - 1) * d + 1, (k.shape[1] - 1) * d + 1)
    for i in range(k.shape[0]):
        for j in range(k.shape[1]):
            wide[i * d, j * d] = k[i, j]
    return wide


def my_cross_entropy(scores, labels):
    scores = scores - scores.max(1, keepdim=True).values
    log = scores - scores.exp().sum(1, keepdim=True).log()
    return -sum(log[i, label] for i, label in enumerate(labels.tolist())) / len(labels)


def my_pick(index, g, n, add=True):
    dx = [0.0] * n
    for i, gi in zip(index, g.tolist()):
        dx[i] = dx[i] + gi if add else gi
    return minigrad.tensor(dx)


def my_im2col(x, h, w, turned=False):
    rows = [x[i:i + h, j:j + w].ravel() for i in range(x.shape[0] - h + 1) for j in range(x.shape[1] - w + 1)]
    return np.array(rows).T if turned else np.array(rows)


def my_numeric(f, x, eps, back=True):
    gradient = minigrad.zeros(len(x))
    for i in range(len(x)):
        step = minigrad.zeros(len(x))
        step[i] = eps
        gradient[i] = (f(x + step) - f(x - step)) / (2 * eps) if back else (f(x + step) - f(x)) / eps
    return gradient


def my_receptive_size(layers, size):
    jump = 1
    for k, s, d in layers:
        size, jump = size + d * (k - 1) * jump, jump * s
    return size


@pytest.mark.parametrize("name, attempt", [
    ("dilate", my_dilate), ("cross_entropy", my_cross_entropy), ("pick_backward", my_pick), ("im2col", my_im2col),
    ("numeric_gradient", my_numeric), ("reach", lambda k, d: k + (k - 1) * (d - 1)),
    ("relu_backward", lambda x, g: minigrad.where(x > 0, g, minigrad.zeros_like(g))),
    ("tanh_backward", lambda y, g: (1 - y) * (1 + y) * g),
    ("mse_backward", lambda y, t: follow(lambda y: ((y - t) ** 2).mean(), y)[0]),
    ("accuracy", lambda scores, labels: sum(int(s.argmax() == t) for s, t in zip(scores, labels)) / len(labels)),
    ("close", lambda a, b, rtol, atol: all(abs(x - y) <= atol + rtol * abs(y) for x, y in zip(a.tolist(), b.tolist()))),
    ("initial_bound", lambda shape: np.prod(shape[1:]) ** -0.5),
    ("multiply_adds", lambda x, w: x[0] * (x[2] - w[2] + 1) * (x[3] - w[3] + 1) * w[0] * w[1] * w[2] * w[3]),
])  # fmt: skip
def test_a_students_right_attempt_passes(name, attempt, capsys):
    assert teach.check(name, attempt)


@pytest.mark.parametrize("name, attempt, words", [
    ("receptive_size", lambda layers: sum((k - 1) * d for k, s, d in layers) + 1, "forgot the jump"),
    ("pick_backward", lambda index, g, n: my_pick(index, g, n, add=False), "overwrote"),
    ("relu_backward", lambda x, g: minigrad.where(x < 0, g, minigrad.zeros_like(g)), "wrong side"),
    ("cross_entropy", lambda s, t: F.nll_loss(F.log_softmax(F.softmax(s, 1), 1), t), "softmax twice"),
    ("cross_entropy", lambda s, t: my_cross_entropy(s, t) * len(t), "added the rows up"),
    ("im2col", lambda x, h, w: my_im2col(x, h, w, turned=True), "Rows and columns are swapped"),
    ("numeric_gradient", lambda f, x, eps: my_numeric(f, x, eps, back=False), "one side only"),
    ("momentum_step", lambda w, v, g, lr, m: (w - (m * v + lr * g), m * v + lr * g), "learning rate into the velocity"),
    ("momentum_step", lambda w, v, g, lr, m: (m * v + g, w - lr * (m * v + g)), "The weight comes first"),
    ("receptive_size", lambda layers: my_receptive_size(layers, 0), "started from 0"),
    ("receptive_size", lambda layers: my_receptive_size(reversed(layers), 1), "from the output on"),
    ("accuracy", lambda s, t: 100 * sum(int(a.argmax() == b) for a, b in zip(s, t)) / len(t), "in percent"),
    ("cross_entropy", lambda s, t: -F.softmax(s, dim=1).log()[minigrad.arange(len(t)), t].mean(),
     "rounded to 0, and its log is -inf"),
    ("cross_entropy", lambda s, t: -sum(row[i] - row.exp().sum().log() for row, i in zip(s, t)) / len(t),
     r"write max \+ log"),
    ("multiply_adds", lambda x, w: 2 * x[0] * (x[2] - w[2] + 1) * (x[3] - w[3] + 1) * math.prod(w), "counts once"),
    ("unbroadcast", lambda g, shape: g.sum(0) if len(shape) < g.ndim else g, "It raised|parts|shape"),
])  # fmt: skip
def test_a_students_mistake_is_named(name, attempt, words, capsys):
    assert not teach.check(name, attempt)
    assert re.search(words, capsys.readouterr().out)


F32, F64, INT = minigrad.float32, minigrad.float64, minigrad.int64
DTYPES = [  # of the input, the weight and the bias of a layer, then what is to be converted, and to what
    (INT, F32, F32, "input", F32), (F64, F32, F32, "input", F32), (F32, F64, F64, "input", F64),
    (F32, INT, F32, "weight", F32), (F32, F32, F64, "bias", F32), (F32, F32, INT, "bias", F32),
]  # fmt: skip


@pytest.mark.parametrize("x, weight, bias, wrong, right", DTYPES, ids=str)
def test_the_error_of_two_dtypes_says_what_to_convert(x, weight, bias, wrong, right):
    image, kernel, offset = (minigrad.ones(1, 1, 2, 2, dtype=dtype) for dtype in (x, weight, bias))
    for layer in (lambda: F.conv2d(image, kernel, offset[0, 0, 0, :1]),
                  lambda: F.linear(image, kernel[0, 0], offset[0, 0, 0])):
        with pytest.raises(RuntimeError, match=rf"convert {wrong}, with \.to\({right}\)$"):
            layer()
    with pytest.raises(RuntimeError, match=r"convert input, with \.to\(torch\.float32\)$"):
        nn.BatchNorm1d(2)(minigrad.ones(3, 2, dtype=F64))
