"""explain and explain_grad: texts word by word, sums against PyTorch, what the pictures hold, every error."""

import itertools
import math

import numpy as np
import pytest
import torch
from matplotlib.colors import to_hex

import minigrad
from minigrad import nn, teach
from minigrad.nn import functional as F
from minigrad.teach import drawing

X = minigrad.arange(9.0).reshape(1, 1, 3, 3)  # of seed 001
K = minigrad.arange(4.0).reshape(1, 1, 2, 2)

SEED = {
    (0, 0): "Y[0,0,0,0] = X[0,0]·K[0,0] + X[0,1]·K[0,1] + X[1,0]·K[1,0] + X[1,1]·K[1,1] = 0·0 + 1·1 + 3·2 + 4·3 = 19",
    (0, 1): "Y[0,0,0,1] = X[0,1]·K[0,0] + X[0,2]·K[0,1] + X[1,1]·K[1,0] + X[1,2]·K[1,1] = 1·0 + 2·1 + 4·2 + 5·3 = 25",
    (1, 0): "Y[0,0,1,0] = X[1,0]·K[0,0] + X[1,1]·K[0,1] + X[2,0]·K[1,0] + X[2,1]·K[1,1] = 3·0 + 4·1 + 6·2 + 7·3 = 37",
    (1, 1): "Y[0,0,1,1] = X[1,1]·K[0,0] + X[1,2]·K[0,1] + X[2,1]·K[1,0] + X[2,2]·K[1,1] = 4·0 + 5·1 + 7·2 + 8·3 = 43",
}


def of(*numbers, grad=True):
    return minigrad.tensor(numbers, requires_grad=grad)


def number_line(e):
    """What the last line of numbers adds up to, as Python reads it."""
    text = e.steps[-2][1] if len(e.steps) > 2 else e.steps[-1][1]
    assert "more" not in text
    return eval(text.replace("·", "*").replace("²", "**2").replace("max(", "max(-math.inf, "))


# ---- the texts


@pytest.mark.parametrize("at", SEED)
def test_the_four_sums_of_the_seed(at):
    at4 = (0, 0, *at)
    assert str(teach.explain(F.conv2d, X, K, at=at4)) == SEED[at]
    assert str(teach.explain(F.conv2d(X, K.clone().requires_grad_()), at=at4)) == SEED[at]
    assert str(teach.explain(F.conv2d(X.clone().requires_grad_(), K), at=at4)) == SEED[at]
    assert str(teach.explain(F.conv2d, X.long(), K.long(), at=at4)) == SEED[at]
    assert str(teach.explain(lambda x: F.conv2d(x, K), X, at=at4)) == SEED[at]
    assert str(teach.explain(F.conv2d, X.double(), K.double(), at=at4)) == SEED[at]
    with minigrad.no_grad():
        assert str(teach.explain(F.conv2d, X, K, at=at4)) == SEED[at]


def test_without_a_batch_and_from_the_end():
    text = str(teach.explain(F.conv2d, X[0], K, at=(0, -1, -1)))
    assert text == SEED[1, 1].replace("Y[0,0,1,1]", "Y[0,1,1]")
    assert str(teach.explain(F.conv2d(X[0], K.clone().requires_grad_()), at=(0, 1, 1))) == text


def test_padding_of_the_seed():
    padded = np.array([[0, 3, 8, 4], [9, 19, 25, 10], [21, 37, 43, 16], [6, 7, 8, 0]])
    for at in np.ndindex(4, 4):
        assert teach.explain(F.conv2d, X, K, padding=1, at=(0, 0, *at)).value == padded[at]
    assert str(teach.explain(F.conv2d, X, K, padding=1, at=(0, 0, 0, 1))) == (
        "Y[0,0,0,1] = 0·K[0,0] + 0·K[0,1] + X[0,0]·K[1,0] + X[0,1]·K[1,1] = 0·0 + 0·1 + 0·2 + 1·3 = 3\n"
        "Padding: 2 of the 4 cells of the window; they are 0.")
    strided = [[0, 8], [6, 8]]
    for i, j in np.ndindex(2, 2):
        assert teach.explain(F.conv2d, X, K, padding=1, stride=(3, 2), at=(0, 0, i, j)).value == strided[i][j]


def test_padding_modes_show_what_is_repeated():
    layer = nn.Conv1d(1, 1, 3, padding=1, padding_mode="circular", bias=False)
    layer.weight.data[:] = minigrad.tensor([1.0, 10.0, 100.0])
    assert str(teach.explain(layer, minigrad.tensor([[5.0, 6.0, 7.0]]), at=(0, 0))) == (
        "Y[0,0] = X[2]·K[0] + X[0]·K[1] + X[1]·K[2] = 7·1 + 5·10 + 6·100 = 657\n"
        "Padding: 1 of the 3 cells of the window; they repeat elements of X (circular): X[2].")


def test_channels_batch_bias_and_groups():
    x = minigrad.arange(16.0).reshape(2, 2, 2, 2)
    w, b = minigrad.arange(4.0).reshape(2, 2, 1, 1), minigrad.tensor([0.5, -0.5])
    assert str(teach.explain(F.conv2d, x, w, b, at=(1, 1, 0, 1))) == (
        "Y[1,1,0,1] = X[1,0,0,1]·K[1,0,0,0] + X[1,1,0,1]·K[1,1,0,0] + b[1] = 9·2 + 13·3 + (-0.5) = 56.5")
    w = minigrad.tensor([5.0, 7.0]).reshape(2, 1, 1, 1)
    assert str(teach.explain(F.conv2d, x[:1], w, groups=2, at=(0, 1, 1, 0))) == (
        "Y[0,1,1,0] = X[1,1,0]·K[1,0,0,0] = 6·7 = 42")


def test_convolve_and_conv_transpose():
    assert teach.explain(F.convolve2d, X, K, at=(0, 0, 0, 0)).equation == (
        "Y[0,0,0,0] = X[1,1]·K[0,0] + X[1,0]·K[0,1] + X[0,1]·K[1,0] + X[0,0]·K[1,1] = 4·0 + 3·1 + 1·2 + 0·3 = 5")
    e = teach.explain(F.conv_transpose2d, X, K, at=(0, 0, 1, 1))
    assert e.equation == (
        "Y[0,0,1,1] = X[0,0]·K[1,1] + X[0,1]·K[1,0] + X[1,0]·K[0,1] + X[1,1]·K[0,0] = 0·3 + 1·2 + 3·1 + 4·0 = 5")
    assert "transposed convolution" in e.text()


def test_dilation_and_three_dimensions():
    assert str(teach.explain(F.conv1d, minigrad.arange(7.0).reshape(1, 7), minigrad.ones(1, 1, 3), dilation=2, stride=2,
                             at=(0, 1))) == "Y[0,1] = X[2]·K[0] + X[4]·K[1] + X[6]·K[2] = 2·1 + 4·1 + 6·1 = 12"
    x, k = minigrad.arange(8.0).reshape(1, 1, 2, 2, 2), minigrad.ones(1, 1, 2, 1, 1)
    assert str(teach.explain(F.conv3d, x, k, at=(0, 0, 0, 1, 0))) == (
        "Y[0,0,0,1,0] = X[0,1,0]·K[0,0,0] + X[1,1,0]·K[1,0,0] = 2·1 + 6·1 = 8")


CLASSES = minigrad.tensor([1.0, 3.0])  # their weights
SHARE = "For each example, minus the logarithm of the share that softmax gives to its class"
TEXTS = [
    (lambda: teach.explain(F.max_pool2d, X, 2, at=(0, 0, 0, 0)),
     "Y[0,0,0,0] = max(X[0,0], X[0,1], X[1,0], X[1,1]) = max(0, 1, 3, 4) = 4\n"
     "The winner is X[1,1]: it alone gets the gradient of this cell."),
    (lambda: teach.explain(F.max_pool1d, of([1.0, 3.0, 3.0]), 2, stride=1, padding=1, at=(0, 3)),
     "Y[0,3] = max(X[2]) = max(3) = 3\nThe winner is X[2]: it alone gets the gradient of this cell.\n"
     "1 of the 2 cells of the window lie outside: they count as -∞."),
    (lambda: teach.explain(F.max_pool1d, of([1.0, 3.0, 3.0]), 3, at=(0, 0)),
     "Y[0,0] = max(X[0], X[1], X[2]) = max(1, 3, 3) = 3\n"
     "The winner is X[1], the first of 2 equals: it alone gets the gradient of this cell."),
    (lambda: teach.explain(F.avg_pool2d, X, 2, at=(0, 0, 0, 0)),
     "Y[0,0,0,0] = (X[0,0] + X[0,1] + X[1,0] + X[1,1]) / 4 = (0 + 1 + 3 + 4) / 4 = 2"),
    (lambda: teach.explain(F.avg_pool2d, X, 2, padding=1, at=(0, 0, 1, 1)),
     "Y[0,0,1,1] = (X[1,1] + X[1,2] + X[2,1] + X[2,2]) / 4 = (4 + 5 + 7 + 8) / 4 = 6"),
    (lambda: teach.explain(F.avg_pool1d, of([2.0, 4.0]), 2, padding=1, at=(0, 0)),
     "Y[0,0] = X[0] / 2 = 2 / 2 = 1\n1 of the 2 cells of the window are zeros of the padding: they count."),
    (lambda: teach.explain(F.avg_pool1d, of([2.0, 4.0]), 2, padding=1, count_include_pad=False, at=(0, 0)),
     "Y[0,0] = X[0] / 1 = 2 / 1 = 2"),
    (lambda: teach.explain(F.adaptive_avg_pool1d, of([1.0, 2.0, 6.0]), 2, at=(0, 1)),
     "Y[0,1] = (X[1] + X[2]) / 2 = (2 + 6) / 2 = 4\n"
     "Adaptive: this window takes in X[1..2]; windows may differ in size and overlap."),
    (lambda: teach.explain(F.linear, of([1.0, 2.0]), of([3.0, 4.0], [5.0, 6.0]), of(0.5, -0.5), at=(0, 1)),
     "Y[0,1] = X[0,0]·W[1,0] + X[0,1]·W[1,1] + b[1] = 1·5 + 2·6 + (-0.5) = 16.5\n"
     "A linear layer: row of X times row of W (Y = X Wᵀ + b)."),
    (lambda: teach.explain(of([1.0, 2.0], [3.0, 4.0]) @ of(1.0, -1.0), at=(1,)),
     "Y[1] = A[1,0]·B[0] + A[1,1]·B[1] = 3·1 + 4·(-1) = -1\nRow of A times column of B."),
    (lambda: teach.explain(of([0.0, 1.0, 2.0]).softmax(1), at=(0, 1)),
     "Y[0,1] = e^X[0,1] / (e^X[0,0] + e^X[0,1] + e^X[0,2]) = e^1 / (e^0 + e^1 + e^2) ≈ 2.718 / (1 + 2.718 + 7.389) "
     "≈ 0.2447"),
    (lambda: teach.explain(of([0.0, 1.0, 2.0]).log_softmax(1), at=(0, 1)),
     "Y[0,1] = X[0,1] - log(e^X[0,0] + e^X[0,1] + e^X[0,2]) = 1 - log(e^0 + e^1 + e^2) ≈ 1 - log(11.11) ≈ -1.408"),
    (lambda: teach.explain(of(0.0, 1000.0).softmax(0), at=(1,)),
     "Y[1] = e^X[1] / (e^X[0] + e^X[1]) = e^0 / (e^(-1000) + e^0) = 1 / (0 + 1) = 1\n"
     "The largest, 1000, was subtracted first: it does not change the result, and e^x alone would overflow."),
    (lambda: teach.explain(F.cross_entropy, of([0.0, 0.0], [0.0, 0.0]), minigrad.tensor([0, 1])),
     "L = (-log softmax(X[0])[0] - log softmax(X[1])[1]) / 2 = (-log 0.5 - log 0.5) / 2 ≈ (0.6931 + 0.6931) / 2 = "
     "0.6931\n"
     "For each example, minus the logarithm of the share that softmax gives to its class; the loss is their mean."),
    (lambda: teach.explain(F.cross_entropy(of([0.0, 0.0], [0.0, 0.0]), minigrad.tensor([0, 1]), reduction="sum")),
     "L = -log softmax(X[0])[0] - log softmax(X[1])[1] = -log 0.5 - log 0.5 ≈ 0.6931 + 0.6931 ≈ 1.386\n"
     "For each example, minus the logarithm of the share that softmax gives to its class; the loss is their sum."),
    (lambda: teach.explain(nn.CrossEntropyLoss(reduction="none"), of([0.0, 0.0]), minigrad.tensor([1]), at=(0,)),
     "L[0] = -log softmax(X[0])[1] = -log 0.5 ≈ 0.6931\n"
     "For each example, minus the logarithm of the share that softmax gives to its class."),
    (lambda: teach.explain(F.cross_entropy, of(1000.0, 0.0), minigrad.tensor(1)),
     "L = -log softmax(X)[1] = -log e^(-1000) = 1000\n"
     "For each example, minus the logarithm of the share that softmax gives to its class; the loss is their mean."),
    (lambda: teach.explain(F.cross_entropy, of([0.0, 0.0], [0.0, 0.0]), minigrad.tensor([0, 1]), weight=CLASSES),
     "L = (-w[0]·log softmax(X[0])[0] - w[1]·log softmax(X[1])[1]) / (w[0] + w[1])\n"
     "  = (-1·log 0.5 - 3·log 0.5) / (1 + 3)\n  ≈ (1·0.6931 + 3·0.6931) / 4\n  = 0.6931\n"
     f"{SHARE}, times the weight of the class; the loss is their weighted mean."),
    (lambda: teach.explain(nn.CrossEntropyLoss(CLASSES), of(0.0, 0.0), minigrad.tensor(1)),
     f"L = -w[1]·log softmax(X)[1] / w[1] = -3·log 0.5 / 3 ≈ 3·0.6931 / 3 = 0.6931\n{SHARE}, times the weight of the "
     "class; the loss is their weighted mean."),
    (lambda: teach.explain(F.cross_entropy, of([1.0, 2.0], [3.0, 4.0]), minigrad.tensor([-100, -100])),
     f"L = 0 / 0 = nan\n{SHARE}; the loss is their mean.\n2 of the 2 targets are ignore_index: they do not count.\n"
     "No example is left: their mean is 0 / 0, which is no number (nan)."),
    (lambda: teach.explain(F.cross_entropy, of([1.0, 2.0]), minigrad.tensor([-100]), reduction="none", at=(0,)),
     f"L[0] = 0\n{SHARE}.\nThe target of this example is ignore_index: it does not count."),
    (lambda: teach.explain(of(-1.0, 2.0).relu(), at=(0,)), "Y[0] = max(0, X[0]) = max(0, -1) = 0"),
    (lambda: teach.explain(nn.ReLU(inplace=True), of(-1.0, 2.0), at=(1,)), "Y[1] = max(0, X[1]) = max(0, 2) = 2"),
    (lambda: teach.explain(of(0.0, -1.0).sigmoid(), at=(1,)), "Y[1] = 1 / (1 + e^-X[1]) = 1 / (1 + e^-(-1)) ≈ 0.2689"),
    (lambda: teach.explain(of(0.0, -1.0).tanh(), at=(0,)), "Y[0] = tanh(X[0]) = tanh(0) = 0"),
    (lambda: teach.explain(of(1.0, 2.0) * of([3.0], [-4.0]), at=(1, 0)), "Y[1,0] = A[0]·B[1,0] = 1·(-4) = -4"),
    (lambda: teach.explain(of(1.0, 2.0) - of(3.0), at=(1,)), "Y[1] = A[1] - B[0] = 2 - 3 = -1"),
    (lambda: teach.explain(minigrad.div, of(1.0), 4, at=(0,)), "Y[0] = A[0] / 4 = 1 / 4 = 0.25"),
    (lambda: teach.explain(of(1.0, 2.0) + of(3.0), at=(1,)), "Y[1] = A[1] + B[0] = 2 + 3 = 5"),
]


@pytest.mark.parametrize("made, text", TEXTS, ids=range(len(TEXTS)))
def test_text(made, text):
    assert str(made()) == text


FLIPPED = ("The kernel stands here flipped: g runs forward while K runs backward. The gradient to X is the true "
           "convolution of g with K")
SCORES = of([0.0] * 4, [0.0] * 4)
GRADIENTS = [
    (lambda: teach.explain_grad(F.conv2d, X, K, at=(0, 0, 1, 1)),
     "dL/dX[1,1] = K[1,1]·g[0,0] + K[1,0]·g[0,1] + K[0,1]·g[1,0] + K[0,0]·g[1,1] = 3·1 + 2·1 + 1·1 + 0·1 = 6\n"
     f"{FLIPPED} ('full': g with zeros around it)."),
    (lambda: teach.explain_grad(F.conv2d(X.clone().requires_grad_(), K), at=(0, 0, 0, 1),
                                grad=minigrad.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])),
     f"dL/dX[0,1] = K[0,1]·g[0,0] + K[0,0]·g[0,1] = 1·1 + 0·2 = 1\n{FLIPPED} ('full': g with zeros around it)."),
    (lambda: teach.explain_grad(F.conv2d, X, K, stride=2, at=(0, 0, 0, 0)),
     "dL/dX[0,0] = K[0,0]·g[0,0] = 0·1 = 0\nOne window only sees this element."),
    (lambda: teach.explain_grad(F.conv2d, X, K, stride=2, at=(0, 0, 2, 2)),
     "dL/dX[2,2] = 0\nNo window sees this element: it has no part in the output."),
    (lambda: teach.explain_grad(F.conv1d, of([1.0, 2.0, 3.0]), of([[5.0, 7.0]]), at=(0, 0, 1), of="weight"),
     "dL/dK[1] = X[1]·g[0] + X[2]·g[1] = 2·1 + 3·1 = 5\n"
     "Each output uses this weight once, so the sum is over all of them: X, seen through g."),
    (lambda: teach.explain_grad(F.conv1d, of([1.0, 2.0]), of([[5.0, 7.0]]), padding=1, at=(0, 0, 1), of="weight"),
     "dL/dK[1] = X[0]·g[0] + X[1]·g[1] = 1·1 + 2·1 = 3\n"
     "Each output uses this weight once, so the sum is over all of them: X, seen through g.\n"
     "Left out: 1 places where the weight meets a zero of the padding."),
    (lambda: teach.explain_grad(F.conv1d, of([1.0, 2.0, 3.0]), of([[5.0, 7.0]]), of(1.0), at=(0,), of="bias"),
     "dL/db[0] = g[0] + g[1] = 1 + 1 = 2\n"
     "The bias is added to every output of its channel: its gradient is the sum of theirs."),
    (lambda: teach.explain_grad(F.convolve1d, of([1.0, 2.0, 3.0]), of([[5.0, 7.0]]), at=(0, 1)),
     "dL/dX[1] = K[0]·g[0] + K[1]·g[1] = 5·1 + 7·1 = 12\nThe forward pass flipped the kernel; here it stands the right "
     "way round: the gradient of a true convolution is a cross-correlation."),
    (lambda: teach.explain_grad(F.conv_transpose1d, of([1.0, 2.0, 3.0]), of([[5.0, 7.0]]), at=(0, 1)),
     "dL/dX[1] = K[0]·g[1] + K[1]·g[2] = 5·1 + 7·1 = 12\n"
     "The gradient of a transposed convolution is a convolution of g: what an input painted comes back to it."),
    (lambda: teach.explain_grad(F.max_pool1d, of([1.0, 3.0, 2.0]), 2, 1, at=(0, 1)),
     "dL/dX[1] = g[0] + g[1] = 1 + 1 = 2\nIt is the largest of 2 windows and gets all their gradients."),
    (lambda: teach.explain_grad(F.max_pool1d, of([1.0, 3.0, 2.0]), 2, 1, at=(0, 0)),
     "dL/dX[0] = 0\nIt is the largest of no window: it gets no gradient."),
    (lambda: teach.explain_grad(F.max_pool1d, of([1.0, 3.0]), 2, at=(0, 1), grad=of([-5.0])),
     "dL/dX[1] = g[0] = -5\nIt is the largest of one window and gets its gradient, the others nothing."),
    (lambda: teach.explain_grad(F.avg_pool1d(of([1.0, 3.0, 2.0]), 2, 1), at=(0, 1), grad=of([3.0, -1.0])),
     "dL/dX[1] = g[0]/2 + g[1]/2 = 3/2 + (-1)/2 = 1\n"
     "Each window hands its gradient out in equal parts; this element lies in 2 of them."),
    (lambda: teach.explain_grad(F.linear, of([1.0, 2.0]), of([3.0, 4.0], [5.0, 6.0]), at=(0, 1)),
     "dL/dX[0,1] = W[0,1]·g[0,0] + W[1,1]·g[0,1] = 4·1 + 6·1 = 10\nA row of g times a column of W: dL/dX = g W."),
    (lambda: teach.explain_grad(F.linear, of([1.0, 2.0], [7.0, 8.0]), of([3.0, 4.0]), at=(0, 1), of="weight"),
     "dL/dW[0,1] = X[0,1]·g[0,0] + X[1,1]·g[1,0] = 2·1 + 8·1 = 10\nEach example adds its part: dL/dW = gᵀ X."),
    (lambda: teach.explain_grad(F.cross_entropy, SCORES, minigrad.tensor([2, 0]), at=(0, 2)),
     "dL/dX[0,2] = (p[0,2] - 1)·g / 2 = (0.25 - 1)·1 / 2 = -0.375\n"
     "The share that softmax gives, minus 1 for the right class; divided by 2, the examples of the mean."),
    (lambda: teach.explain_grad(F.cross_entropy(SCORES, minigrad.tensor([2, 0]), reduction="sum"), at=(0, 3),
                                grad=minigrad.tensor(-4.0)),
     "dL/dX[0,3] = p[0,3]·g = 0.25·(-4) = -1\n"
     "The share that softmax gives; 1 is subtracted only for the right class, 2."),
    (lambda: teach.explain_grad(F.cross_entropy, SCORES, minigrad.tensor([2, 0]), at=(0, 2),
                                weight=minigrad.tensor([1.0, 1.0, 3.0, 1.0])),
     "dL/dX[0,2] = w[2]·(p[0,2] - 1)·g / 4 = 3·(0.25 - 1)·1 / 4 = -0.5625\n"
     "The share that softmax gives, minus 1 for the right class; divided by 4, the weights of all examples."),
    (lambda: teach.explain_grad(F.cross_entropy, SCORES, minigrad.tensor([2, -100]), at=(1, 2)),
     "dL/dX[1,2] = 0\nThe target of this example is ignore_index: it has no part in the loss."),
    (lambda: teach.explain_grad(F.softmax, of([0.0, 0.0]), 1, at=(0, 1), grad=of([2.0, 6.0])),
     "dL/dX[0,1] = Y[0,1]·(g[0,1] - (g[0,0]·Y[0,0] + g[0,1]·Y[0,1])) = 0.5·(6 - (2·0.5 + 6·0.5)) = 1\n"
     "What one share gains the others lose: what counts is g less the mean of all g, weighed with the shares."),
    (lambda: teach.explain_grad(F.log_softmax, of([0.0, 0.0]), 1, at=(0, 1), grad=of([2.0, 6.0])),
     "dL/dX[0,1] = g[0,1] - p[0,1]·(g[0,0] + g[0,1]) = 6 - 0.5·(2 + 6) = 2\np = e^Y is the share that softmax gives."),
    (lambda: teach.explain_grad(of(-1.0, 2.0).relu(), at=(0,)),
     "dL/dX[0] = 0\nX[0] is not above 0: relu holds g back."),
    (lambda: teach.explain_grad(F.relu, of(-1.0, 2.0), at=(1,), grad=of(1.0, -5.0)),
     "dL/dX[1] = g[1] = -5\nX[1] is above 0: relu passes g on."),
    (lambda: teach.explain_grad(of(0.0).sigmoid(), at=(0,), grad=of(-2.0)),
     "dL/dX[0] = g[0]·Y[0]·(1 - Y[0]) = (-2)·0.5·(1 - 0.5) = -0.5\n"
     "The slope of sigmoid is Y·(1 - Y): at most 1/4, where X is 0, and almost none far from it."),
    (lambda: teach.explain_grad(of(-1.0).tanh(), at=(0,)),
     "dL/dX[0] = g[0]·(1 - Y[0]²) ≈ 1·(1 - (-0.7616)²) ≈ 0.42\n"
     "The slope of tanh is 1 - Y²: at most 1, where X is 0, and almost none far from it."),
    (lambda: teach.explain_grad(of([1.0, 2.0]) @ of([3.0], [4.0]), at=(1, 0), of="weight"),
     "dL/dB[1,0] = A[0,1]·g[0,0] = 2·1 = 2\nA column of A times one of g: dL/dB = Aᵀ g."),
]


@pytest.mark.parametrize("made, text", GRADIENTS, ids=range(len(GRADIENTS)))
def test_gradient_text(made, text):
    assert str(made()) == text


def test_rounded_numbers_are_marked():
    e = teach.explain(minigrad.mul, of(1 / 3), of(3.0), at=(0,))
    assert str(e) == "Y[0] = A[0]·B[0] ≈ 0.3333·3 ≈ 1" and e.value == pytest.approx(1)
    assert str(teach.explain(minigrad.add, of(0.1), of(0.2), at=(0,))) == "Y[0] = A[0] + B[0] = 0.1 + 0.2 = 0.3"
    assert str(teach.explain(minigrad.mul, of(111.0), of(111.0), at=(0,))).endswith("= 111·111 = 12321")
    assert str(teach.explain(minigrad.mul, of(12345.5), of(1000.0), at=(0,))).endswith("≈ 1.235e+04·1000 = 1.235e+07")


def test_integers_of_seven_digits_are_exact():
    x = of([123456.0], [-9999999.0], [10000000.0])
    ends = [teach.explain(F.linear, x, of([1.0]), at=(i, 0)).equation.split(" = ")[-1] for i in range(3)]
    assert ends == ["123456", "-9999999", "1e+07"]
    figure = teach.explain(F.linear, of([123456.0, 12345.5]), of([1.0, 0.0]), at=(0, 0)).figure()
    assert seen(figure.axes[0])[0] == [["123456", "12346"]]


def test_long_sums_are_elided_and_broken():
    e = teach.explain(nn.Conv2d(20, 3, 5), minigrad.randn(2, 20, 7, 7), at=(1, 2, 0, 0))
    lines = str(e).split("\n")
    assert len(lines) == 3 and all(len(line) < 250 for line in lines)
    assert lines[0].startswith("Y[1,2,0,0] = X[1,0,0,0]·K[2,0,0,0] + X[1,0,0,1]·K[2,0,0,1] + ")
    assert lines[0].endswith("+ … 495 more … + X[1,19,4,4]·K[2,19,4,4] + b[2]")
    assert lines[0].count("·") + lines[0].count("b[") + 495 == 20 * 5 * 5 + 1
    assert lines[1].startswith(" " * 10 + " ≈ ") and lines[2] == f"{'':10} ≈ {e.value:.4g}"


def test_infinite_and_missing_numbers():
    x = of([math.inf, 1.0], [math.nan, 2.0])
    assert math.isnan(teach.explain(F.linear, x, of([1.0, -math.inf]), at=(0, 0)).value)
    assert math.isnan(teach.explain(F.max_pool1d, x, 2, at=(1, 0)).value)
    assert teach.explain(of(-math.inf, 0.0, 0.0).softmax(0), at=(1,)).value == 0.5
    assert str(teach.explain(minigrad.div, of(1.0), of(0.0), at=(0,))) == "Y[0] = A[0] / B[0] = 1 / 0 = inf"


# ---- against PyTorch, and every sum as it is written adds up


def whole(*shape, seed=0):
    return np.random.default_rng([seed, *shape]).integers(-4, 5, shape).astype("f8")


GEOMETRY = [dict(), dict(stride=2, padding=1), dict(dilation=2, padding=(2,)), dict(groups=2, padding=1)]


@pytest.mark.parametrize("options", GEOMETRY, ids=map(str, GEOMETRY))
@pytest.mark.parametrize("dims", [1, 2, 3])
@pytest.mark.parametrize("name", ["conv", "convolve", "conv_transpose"])
def test_convolutions_agree_with_pytorch(name, dims, options):
    transposed = name == "conv_transpose"
    shape = (2, 4) if options.get("groups") == 2 else (4, 4)
    w = whole(*(shape[::-1] if transposed else shape), *[3, 2, 2][:dims])
    w = w if shape == (4, 4) or not transposed else whole(4, 1, *[3, 2, 2][:dims])
    w = whole(2, 2, *[3, 2, 2][:dims]) if shape == (2, 4) and not transposed else w
    x, b = whole(2, 4, *[5, 4, 4][:dims]), whole(w.shape[1] * options.get("groups", 1) if transposed else len(w))
    arrays = {"input": x, "weight": w, "bias": b}
    theirs = {key: torch.tensor(a, requires_grad=True) for key, a in arrays.items()}
    ours = [minigrad.tensor(a, requires_grad=True) for a in arrays.values()]
    flipped = theirs["weight"].flip(tuple(range(2, w.ndim))) if name == "convolve" else theirs["weight"]
    function = getattr(torch.nn.functional, f"{name.replace('convolve', 'conv')}{dims}d")
    y = function(theirs["input"], flipped, theirs["bias"], **options)
    g = whole(*y.shape)
    y.backward(torch.tensor(g))
    function = getattr(F, f"{name}{dims}d")
    rng = np.random.default_rng(0)
    for _ in range(4):
        at = tuple(map(int, rng.integers(y.shape)))
        e = teach.explain(function, *ours, at=at, **options)
        assert e.value == y[at].item()
        assert str(teach.explain(function(*ours, **options), at=at)) == str(e)
        for argument, tensor in theirs.items():
            at = tuple(map(int, rng.integers(tensor.shape)))
            e = teach.explain_grad(function, *ours, at=at, of=argument, grad=minigrad.tensor(g), **options)
            assert e.value == tensor.grad[at].item()
            if "more" not in str(e):
                assert number_line(e) == e.value
    e.figure()


@pytest.mark.parametrize("mode", ["zeros", "reflect", "replicate", "circular"])
@pytest.mark.parametrize("dims", [1, 2, 3])
def test_padding_modes_agree_with_pytorch(mode, dims):
    theirs = getattr(torch.nn, f"Conv{dims}d")(1, 1, 3, padding=2, padding_mode=mode, dtype=torch.float64)
    ours = getattr(nn, f"Conv{dims}d")(1, 1, 3, padding=2, padding_mode=mode, dtype=minigrad.float64)
    with torch.no_grad():
        theirs.weight.copy_(torch.tensor(whole(*theirs.weight.shape)))
        theirs.bias.copy_(torch.tensor([2.0]))
    ours.load_state_dict({key: minigrad.tensor(value.numpy()) for key, value in theirs.state_dict().items()})
    x = torch.tensor(whole(1, 1, *[4] * dims), requires_grad=True)
    y = theirs(x)
    y.sum().backward()
    for at in [(0,) * (dims + 2), (0, 0, *[-1] * dims), (0, 0, *[2] * dims)]:
        e = teach.explain(ours, minigrad.tensor(x.detach().numpy()), at=at)
        assert e.value == y[at].item()
        if "more" not in str(e):
            assert number_line(e) == e.value
        at = (0, 0, *[i % 4 for i in at[2:]])
        assert teach.explain_grad(ours, minigrad.tensor(x.detach().numpy()), at=at).value == x.grad[at].item()
        place = (0, 0, *[i % 3 for i in at[2:]])
        e = teach.explain_grad(ours, minigrad.tensor(x.detach().numpy()), at=place, of="weight")
        assert e.value == theirs.weight.grad[place].item()


POOLS = [
    ("max_pool", dict(kernel_size=2, stride=1)), ("max_pool", dict(kernel_size=3, stride=2, padding=1, ceil_mode=True)),
    ("max_pool", dict(kernel_size=2, dilation=2, stride=2, ceil_mode=True)),
    ("avg_pool", dict(kernel_size=2)), ("avg_pool", dict(kernel_size=3, stride=2, padding=1, ceil_mode=True)),
    ("avg_pool", dict(kernel_size=3, stride=2, padding=1, count_include_pad=False)),
    ("avg_pool", dict(kernel_size=2, divisor_override=3)),
    ("adaptive_avg_pool", dict(output_size=2)), ("adaptive_avg_pool", dict(output_size=1)),
]  # fmt: skip


@pytest.mark.parametrize("name, options", POOLS, ids=map(str, POOLS))
@pytest.mark.parametrize("dims, batch", [(1, 2), (2, 2), (3, 1), (2, 0)])
def test_pooling_agrees_with_pytorch(name, options, dims, batch):
    if dims == 1:
        options = {key: value for key, value in options.items() if key != "divisor_override"}
    x = np.random.default_rng(dims).permutation(max(batch, 1) * 2 * 5**dims) - 20.0
    x = x.reshape((batch, 2, *[5] * dims) if batch else (2, *[5] * dims))
    theirs, ours = torch.tensor(x, requires_grad=True), minigrad.tensor(x, requires_grad=True)
    y = getattr(torch.nn.functional, f"{name}{dims}d")(theirs, **options)
    g = whole(*y.shape)
    y.backward(torch.tensor(g))
    function, rng = getattr(F, f"{name}{dims}d"), np.random.default_rng(0)
    for _ in range(4):
        at = tuple(map(int, rng.integers(y.shape)))
        e = teach.explain(function, ours, at=at, **options)
        assert e.value == pytest.approx(y[at].item(), 1e-12)
        assert str(teach.explain(function(ours, **options), at=at)) == str(e)
        at = tuple(map(int, rng.integers(x.shape)))
        e = teach.explain_grad(function, ours, at=at, grad=minigrad.tensor(g), **options)
        assert e.value == pytest.approx(theirs.grad[at].item(), 1e-12)
        if "more" not in str(e):
            assert number_line(e) == pytest.approx(e.value, abs=1e-3)


SHAPES = [((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 2)), ((2, 3), (3, 4)), ((5, 2, 3), (3, 4)), ((1, 2, 3), (5, 3, 4)),
          ((2, 1, 2, 3), (4, 3, 2)), ((5, 2, 3), (3,)), ((3,), (5, 3, 2))]


@pytest.mark.parametrize("left, right", SHAPES)
def test_matmul_agrees_with_pytorch(left, right):
    a, b = (torch.tensor(whole(*shape, seed=1), requires_grad=True) for shape in (left, right))
    x, z = (minigrad.tensor(t.detach().numpy(), requires_grad=True) for t in (a, b))
    y = a @ b
    g = whole(*y.shape, seed=2)
    y.backward(torch.tensor(g))
    for at in itertools.islice(np.ndindex(*y.shape), 0, None, 3):
        e = teach.explain(x @ z, at=at)
        assert number_line(e) == e.value == y[at].item()
    for argument, tensor in (("input", a), ("weight", b)):
        for at in itertools.islice(np.ndindex(*tensor.shape), 0, None, 5):
            e = teach.explain_grad(x @ z, at=at, of=argument, grad=minigrad.tensor(g))
            assert e.value == tensor.grad[at].item()
            assert "more" in str(e) or number_line(e) == e.value


@pytest.mark.parametrize("rows, weight, bias", [((2,), (4, 3), 4), ((), (4, 3), 4), ((2, 5), (4, 3), None),
                                                ((2,), (3,), None)])
def test_linear_agrees_with_pytorch(rows, weight, bias):
    arrays = {"input": whole(*rows, 3), "weight": whole(*weight)} | ({"bias": whole(bias)} if bias else {})
    theirs = {key: torch.tensor(a, requires_grad=True) for key, a in arrays.items()}
    ours = {key: minigrad.tensor(a, requires_grad=True) for key, a in arrays.items()}
    y = torch.nn.functional.linear(**theirs)
    g = whole(*y.shape, seed=2)
    y.backward(torch.tensor(g))
    for at in itertools.islice(np.ndindex(*y.shape), 0, None, 3):
        e = teach.explain(F.linear, **ours, at=at)
        assert number_line(e) == e.value == y[at].item()
        if len(weight) == 2:
            assert str(teach.explain(F.linear(**ours), at=at)) == str(e)
    for argument, tensor in theirs.items():
        for at in itertools.islice(np.ndindex(*tensor.shape), 0, None, 3):
            e = teach.explain_grad(F.linear, **ours, at=at, of=argument, grad=minigrad.tensor(g))
            assert number_line(e) == e.value == tensor.grad[at].item()


def test_losses_agree_with_pytorch():
    x, labels = whole(3, 4, 2) / 2, np.array([[0, 3], [1, 2], [-100, 1]])
    for reduction in ("mean", "sum", "none"):
        y = torch.nn.functional.cross_entropy(torch.tensor(x), torch.tensor(labels), reduction=reduction)
        at = (1, 1) if y.ndim else ()
        e = teach.explain(F.cross_entropy, minigrad.tensor(x), minigrad.tensor(labels), reduction=reduction, at=at)
        assert e.value == pytest.approx(y[at].item())
        assert ("1 of the 6 targets are ignore_index" in str(e)) == (reduction != "none")


LOSSES = [dict(), dict(reduction="sum"), dict(reduction="none"), dict(ignore_index=1)]


@pytest.mark.parametrize("options", LOSSES, ids=map(str, LOSSES))
@pytest.mark.parametrize("weight", [None, [0.5, 2.0, 3.0, 0.25]])
@pytest.mark.parametrize("shape", [(4,), (3, 4), (2, 4, 3)])
def test_losses_and_their_gradients_agree_with_pytorch(shape, weight, options):
    x, labels = whole(*shape) / 2, np.random.default_rng(0).integers(0, 4, shape[:1] + shape[2:] if shape[1:] else ())
    labels[(0,) * labels.ndim] = 2  # one at least that counts
    w = torch.tensor(weight, dtype=torch.float64) if weight else None
    theirs = torch.tensor(x, requires_grad=True)
    y = torch.nn.functional.cross_entropy(theirs, torch.tensor(labels), weight=w, **options)
    g = whole(*y.shape) - 0.5
    y.backward(torch.tensor(g))
    given = dict(options, weight=minigrad.tensor(w.numpy()) if weight else None)
    ours, labels = minigrad.tensor(x), minigrad.tensor(labels)
    for at in np.ndindex(y.shape):
        e = teach.explain(F.cross_entropy, ours, labels, at=at, **given)
        assert e.value == pytest.approx(y[at].item())
    for at in np.ndindex(shape):
        e = teach.explain_grad(F.cross_entropy, ours, labels, at=at, grad=minigrad.tensor(g), **given)
        assert e.value == pytest.approx(theirs.grad[at].item(), abs=1e-12)
        assert number_line(e) == pytest.approx(e.value, rel=2e-3)


@pytest.mark.parametrize("name, options", [("softmax", (0,)), ("softmax", (1,)), ("log_softmax", (2,)), ("relu", ()),
                                           ("sigmoid", ()), ("tanh", ())])
def test_gradients_of_activations_agree_with_pytorch(name, options):
    theirs = torch.tensor(whole(2, 3, 4), requires_grad=True)
    ours, g = minigrad.tensor(theirs.detach().numpy(), requires_grad=True), whole(2, 3, 4, seed=1)
    getattr(theirs, name)(*options).backward(torch.tensor(g))
    for at in np.ndindex(2, 3, 4):
        e = teach.explain_grad(getattr(ours, name)(*options), at=at, grad=minigrad.tensor(g))
        assert e.value == pytest.approx(theirs.grad[at].item(), abs=1e-12)
        assert number_line(e) == pytest.approx(e.value, rel=1e-2, abs=2e-3)


# ---- results of layers, one after the other


def test_what_a_network_made():
    minigrad.manual_seed(0)
    image, conv, fc = minigrad.randn(1, 1, 6, 6), nn.Conv2d(1, 2, 3, padding=1), nn.Linear(18, 3)
    hidden = conv(image)
    active = hidden.relu()
    pooled = F.avg_pool2d(active, 2)
    largest = F.max_pool2d(active, 3, 2, 1)
    scores = fc(pooled.flatten(1))
    loss = F.cross_entropy(scores, minigrad.tensor([2]))
    for y, at in (
        (hidden, (0, 1, 2, 3)), (active, (0, 1, 2, 3)), (pooled, (0, 1, 2, 2)), (largest, (0, 1, 2, 0)),
        (scores, (0, 2)), (scores.softmax(1), (0, 1)), (loss, ()), (hidden * hidden, (0, 0, 0, 0)),
    ):  # fmt: skip
        assert teach.explain(y, at=at).value == pytest.approx(y[at].item(), rel=1e-6)
    text = str(teach.explain(conv, image, at=(0, 1, 2, 3)))
    assert text == str(teach.explain(hidden, at=(0, 1, 2, 3)))
    assert str(teach.explain(fc, pooled.flatten(1), at=(0, 2))) == str(teach.explain(scores, at=(0, 2)))
    assert image.grad is None and conv.weight.grad is None  # nothing of the user's was touched
    loss.backward()
    with pytest.raises(RuntimeError, match=r"ConvolutionBackward0 no longer has its inputs: backward\(\) freed them, "
                                           r"or .* Call explain\(F.conv2d, x, k, at=..., padding=1\) instead"):
        teach.explain(hidden, at=(0, 0, 0, 0))
    with pytest.raises(RuntimeError, match=r"Call explain\(F.cross_entropy, x, target, at=...\) instead"):
        teach.explain(loss)


def test_layers():
    x = X[0]
    for layer, at in (
        (nn.ConvTranspose2d(1, 2, 2, stride=2, output_padding=1), (1, 3, 3)), (nn.MaxPool2d(2), (0, 0, 0)),
        (nn.AvgPool2d(2, 1), (0, 1, 1)), (nn.AdaptiveAvgPool2d(2), (0, 1, 0)), (nn.Softmax(1), (0, 1, 2)),
        (nn.Sigmoid(), (0, 0, 1)), (nn.Tanh(), (0, 0, 1)), (nn.LogSoftmax(2), (0, 0, 1)),
        (nn.Conv2d(1, 1, 3, padding="same"), (0, 0, 0)), (nn.Conv2d(1, 1, 2, padding="same"), (0, 2, 2)),
    ):  # fmt: skip
        assert teach.explain(layer, x, at=at).value == layer(x)[at].item()


# ---- errors


def changed():
    w = K.clone().requires_grad_()
    y = F.conv2d(X, w)
    w.data[:] = 7
    return y


CALL = r"Call explain\(F.conv2d, x, k, at=..., padding=1\) instead"
LIST = r"What can: conv1d/2d/3d, .*softmax, .*, \+ - \* /, and their layers. Of a model, explain one layer"
ERRORS = [
    (lambda: teach.explain(X, at=(0, 0, 0, 0)), RuntimeError, rf"shape \[1, 1, 3, 3\] has no history.*{CALL}"),
    (lambda: teach.explain(changed(), at=(0, 0, 0, 0)), RuntimeError, rf"not what conv2d makes of its inputs.*{CALL}"),
    (lambda: teach.explain(F.conv2d(X, K.clone().requires_grad_(), of(1.0, grad=False)), at=(0, 0, 0, 0)), RuntimeError,
     r"the bias was not kept"),
    (lambda: teach.explain(F.softmax(F.max_pool2d(X.clone().requires_grad_(), 1), 3), at=(0,) * 4), RuntimeError,
     r"did not keep its inputs, because its gradient does not need them. Call explain\(F.softmax, x, .*at=...\)"),
    (lambda: teach.explain(of(1.0) + 2, at=(0,)), RuntimeError, r"Call explain\(minigrad.add, a, b, at=...\) instead"),
    (lambda: teach.explain(X.clone().requires_grad_().exp(), at=(0, 0, 0, 0)), NotImplementedError,
     rf"explain\(\): the result of ExpBackward0 cannot be explained. {LIST}"),
    (lambda: teach.explain(nn.BatchNorm2d(1), X, at=(0, 0, 0, 0)), NotImplementedError, rf"BatchNorm2d can.*{LIST}"),
    (lambda: teach.explain(nn.Sequential(nn.ReLU()), X, at=(0, 0, 0, 0)), NotImplementedError, rf"Sequential.*{LIST}"),
    (lambda: teach.explain(F.conv2d(X, K.clone().requires_grad_()).flatten(), at=(0,)), NotImplementedError,
     r"reshaped afterwards, from \[1, 1, 2, 2\] to \[4\], cannot"),
    (lambda: teach.explain(3, at=()), TypeError, "must be the result of an operator, a layer or a function, not int"),
    (lambda: teach.explain(lambda x: 3, X, at=()), TypeError, "the function must return a Tensor, not int"),
    (lambda: teach.explain(F.relu, X), IndexError, r"at=\(\) has 0 numbers, but the tensor has shape \[1, 1, 3, 3\]"),
    (lambda: teach.explain(F.relu, X, at=(0, 0, 3, 0)), IndexError, "index 3 is out of range for dimension 2"),
    (lambda: teach.explain(F.relu, X, at=0), TypeError, "argument 'at' must be a tuple of ints"),
    (lambda: teach.explain(F.relu(X.clone().requires_grad_()), X, at=(0, 0, 0, 0)), TypeError, "takes only keywords"),
    (lambda: teach.explain(F.conv2d, X, at=(0, 0, 0, 0)), TypeError,
     r"explain\(\): conv2d\(\): missing a required argument: 'weight'"),
    (lambda: teach.explain(F.conv2d, X, K, pading=1, at=(0, 0, 0, 0)), TypeError, "unexpected keyword .* 'pading'"),
    (lambda: teach.explain(F.cross_entropy, of([1.0]), minigrad.tensor([0]), label_smoothing=0.5), NotImplementedError,
     "cross_entropy with label_smoothing cannot be explained"),
    (lambda: teach.explain(F.cross_entropy, of([1.0]), of([1.0], grad=False)), NotImplementedError, "probabilities"),
    (lambda: teach.explain(minigrad.add, of(1.0), of(1.0), alpha=2, at=(0,)), NotImplementedError, "add with alpha"),
    (lambda: teach.explain_grad(F.conv2d, X, K, at=(0, 0, 0, 0), of="K"), ValueError,
     "argument 'of' must be 'input', 'weight' or 'bias', but got 'K'"),
    (lambda: teach.explain_grad(F.conv2d, X, K, at=(0,), of="bias"), ValueError, "this call of conv2d has no bias"),
    (lambda: teach.explain_grad(F.cross_entropy, of([1.0]), minigrad.tensor([0]), weight=of(1.0, grad=False),
                                of="weight", at=(0,)), ValueError, "of cross_entropy has no weight with a grad"),
    (lambda: teach.explain_grad(F.cross_entropy, of([1.0]), minigrad.tensor([0]), label_smoothing=0.5, at=(0, 0)),
     NotImplementedError, r"explain_grad\(\): cross_entropy with label_smoothing cannot be explained"),
    (lambda: teach.explain(F.nll_loss, of([1.0]), minigrad.tensor([0]), weight=of(1.0, grad=False)),
     NotImplementedError, r"explain\(\): nll_loss cannot be explained"),
    (lambda: teach.explain(F.nll_loss(of([1.0]), minigrad.tensor([0]))), NotImplementedError,
     "the result of NllLossBackward0 cannot be explained"),
    (lambda: teach.explain(F.cross_entropy(of([1.0], [1.0]), minigrad.tensor([0, -100]))), RuntimeError,
     r"NllLossBackward0 did not keep its inputs.* Call explain\(F.cross_entropy, x, target, at=...\) instead"),
    (lambda: teach.explain_grad(minigrad.add, X, 1, at=(0, 0, 0, 0)), NotImplementedError,
     "the gradient of add cannot be explained. What can: linear, matmul, max_pool, "),
    (lambda: teach.explain_grad(F.conv2d, X, K, at=(0, 0, 0, 0), grad=X), RuntimeError,
     r"'grad' must have the shape of the output, \[1, 1, 2, 2\], but it has \[1, 1, 3, 3\]"),
    (lambda: teach.explain_grad(F.conv2d, X, K, at=(0, 0, 0, 0), grad=1), TypeError, "'grad' must be Tensor, not int"),
    (lambda: teach.explain_grad(F.conv2d, X, K, at=(0, 0, 0, 3)), IndexError, "index 3 is out of range"),
]


@pytest.mark.parametrize("call, kind, message", ERRORS, ids=range(len(ERRORS)))
def test_error(call, kind, message):
    with pytest.raises(kind, match=message):
        call()


# ---- pictures


def seen(axes):
    """The numbers written into a grid, row by row, and {position: colour} of its frames."""
    cells = [(t.get_position(), t.get_text()) for t in axes.texts]
    frames = {(round(p.get_y() + 0.5) + i, round(p.get_x() + 0.5) + j): to_hex(p.get_edgecolor()).upper()
              for p in axes.patches if p.get_linewidth() > 2
              for i in range(round(p.get_height())) for j in range(round(p.get_width()))}
    width = max(x for (x, _), _ in cells) + 1
    texts = [t for _, t in sorted(cells, key=lambda c: c[0][::-1])]
    return [texts[i:i + width] for i in range(0, len(texts), width)], frames


def test_picture_of_an_output_cell():
    figure = teach.explain(F.conv2d, X, K, at=(0, 0, 1, 1)).figure()
    x, k, y = figure.axes
    assert [a.get_title() for a in figure.axes] == ["X", "K", "Y"]
    assert (x.get_xlabel(), x.get_ylabel()) == ("column", "row")
    assert seen(x) == ([["0", "1", "2"], ["3", "4", "5"], ["6", "7", "8"]],
                       dict.fromkeys([(1, 1), (1, 2), (2, 1), (2, 2)], drawing.ORANGE))
    assert seen(k) == ([["0", "1"], ["2", "3"]], {})
    assert seen(y) == ([["19", "25"], ["37", "43"]], {(1, 1): drawing.GREEN})
    caption = figure.texts[0].get_text()
    assert "X[2,2]·K[1,1]\n    = 4·0 + 5·1 + 7·2 + 8·3\n    = 43\n" in caption and "Red: positive" in caption


def test_picture_with_padding_counts_from_minus_one():
    figure = teach.explain(F.conv2d, X, K, padding=1, at=(0, 0, 0, 0)).figure()
    x = figure.axes[0]
    numbers, frames = seen(x)
    assert numbers[1] == ["0", "0", "1", "2", "0"] and set(frames) == {(0, 0), (0, 1), (1, 0), (1, 1)}
    assert [t.get_text() for t in x.get_xticklabels()] == ["-1", "0", "1", "2", "3"]
    assert sum(p.get_hatch() is not None for p in x.patches) == 16
    assert "hatched: padding" in figure.texts[0].get_text()


def test_picture_of_a_large_input_shows_the_part_around_the_window():
    x = minigrad.arange(2500.0).reshape(1, 1, 50, 50) * -1
    figure = teach.explain(F.conv2d, x, minigrad.ones(1, 1, 3, 3), at=(0, 0, 30, 40)).figure()
    axes = figure.axes[0]
    numbers, frames = seen(axes)
    rows, columns = ([int(t.get_text()) for t in a.get_ticklabels()] for a in (axes.yaxis, axes.xaxis))
    assert axes.get_title() == "X, a part" and len(rows) == len(columns) == 6
    assert {(rows[i], columns[j]) for i, j in frames} == set(itertools.product((30, 31, 32), (40, 41, 42)))
    assert numbers[0][0] == str(-(50 * rows[0] + columns[0]))
    low, high = figure.get_size_inches()
    assert low < 20 and high < 12


def test_picture_of_many_channels_says_how_many_are_left_out():
    e = teach.explain(nn.Conv2d(7, 2, 3), minigrad.randn(1, 7, 5, 5), at=(0, 1, 0, 0))
    figure = e.figure()
    assert [a.get_title() for a in figure.axes] == [
        "X, channel 0", "K, channel 0", "Y, channel 1", "X, channel 1", "K, channel 1", "X, channel 2", "K, channel 2"]
    assert "The picture shows 3 of 7 channels." in figure.texts[0].get_text() and "picture" not in str(e)


def test_picture_of_a_gradient_shows_the_kernel_flipped():
    figure = teach.explain_grad(F.conv2d, X, K, at=(0, 0, 0, 1)).figure()
    kernel, g, x = figure.axes
    assert [a.get_title() for a in figure.axes] == ["K flipped", "g", "X"]
    assert seen(kernel)[0] == [["3", "2"], ["1", "0"]] and set(seen(kernel)[1]) == {(1, 0), (1, 1)}
    assert set(seen(g)[1]) == {(0, 0), (0, 1)} and seen(x)[1] == {(0, 1): drawing.ORANGE}


def test_picture_of_max_pooling_marks_the_winner():
    figure = teach.explain(F.max_pool2d, X, 2, at=(0, 0, 0, 0)).figure()
    assert seen(figure.axes[0])[1] == {(0, 0): drawing.ORANGE, (0, 1): drawing.ORANGE, (1, 0): drawing.ORANGE,
                                       (1, 1): drawing.GREEN}
    assert "The winner's frame is green." in figure.texts[0].get_text()


@pytest.mark.parametrize("made", [row[0] for row in TEXTS + GRADIENTS], ids=range(len(TEXTS + GRADIENTS)))
def test_nothing_overlaps_in_the_picture(made):
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    figure = made().figure()
    FigureCanvasAgg(figure)
    boxes = [a.get_tightbbox() for a in figure.axes] + [figure.texts[0].get_window_extent()]
    for a, b in itertools.combinations(boxes, 2):
        assert not a.overlaps(b)
    for box in boxes:
        assert box.x0 >= 0 and box.y0 >= 0 and box.x1 <= figure.bbox.x1 and box.y1 <= figure.bbox.y1


def test_files_and_notebooks(tmp_path):
    e = teach.explain(F.conv2d, X, K, at=(0, 0, 1, 1))
    for ending in ("svg", "png", "html", "txt"):
        e.save(tmp_path / f"cell.{ending}")
    assert (tmp_path / "cell.txt").read_text() == SEED[1, 1] + "\n"
    assert SEED[1, 1] in e._repr_html_() and "<svg" in e._repr_html_()


def test_what_is_infinite_is_written_into_its_cell():
    axes = teach.explain(F.relu, of([math.inf, -math.inf, math.nan, 1.0]), at=(0, 3)).figure().axes[0]
    assert seen(axes)[0] == [["inf", "-inf", "nan", "1"]]
    assert [to_hex(t.get_color()) for t in axes.texts] == [drawing.INK] * 3 + [drawing.PAPER]  # on white


@pytest.mark.parametrize("layer, shape", [(nn.Conv2d(3, 8, 11), (3, 40, 40)), (nn.Conv2d(64, 4, 3), (64, 32, 32))])
def test_pictures_of_large_windows_stay_small(layer, shape):
    figure = teach.explain(layer, minigrad.randn(1, *shape), at=(0, 1, 2, 3)).figure()
    assert sum(len(a.texts) for a in figure.axes) <= 180
    rows = 2 if layer.kernel_size[0] == 11 else 3
    assert f"The picture shows {rows} of {shape[0]} channels" in figure.texts[0].get_text()
    assert sum(len(a.patches) for a in figure.axes) == rows + 1  # one frame around each window and around the output
    assert figure.axes[0].get_title() == "X, channel 0, a part" + " of the frame" * (rows == 2)
    width, _ = figure.get_size_inches()
    assert width < 17 and figure.texts[0].get_fontsize() > 11


def test_linear_of_four_dimensions_without_a_bias():
    x = minigrad.randn(2, 3, 4, 5, requires_grad=True)
    for rows in (x, x.relu()):
        for w in (minigrad.randn(6, 5), minigrad.randn(6, 5, requires_grad=True)):
            y = F.linear(rows, w)
            assert teach.explain(y, at=(1, 2, 3, 4)).value == pytest.approx(y[1, 2, 3, 4].item())
