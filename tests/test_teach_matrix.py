"""Convolution as its matrix: by hand, against convolution and its gradients, names, printing, pictures, errors."""

import numpy as np
import pytest
import torch

import minigrad
from minigrad import nn, teach
from minigrad.nn import functional as F

X = minigrad.arange(9.0).reshape(1, 1, 3, 3)  # of seed 001
K = minigrad.arange(4.0).reshape(1, 1, 2, 2)


def whole(*shape, seed=0):
    return np.random.default_rng([seed, *shape]).integers(-4, 5, shape).astype("f8")


def test_the_matrix_of_the_seed():
    M = teach.matrix(F.conv2d, X, K)
    assert M.array.tolist() == [
        [0, 1, 0, 2, 3, 0, 0, 0, 0],
        [0, 0, 1, 0, 2, 3, 0, 0, 0],
        [0, 0, 0, 0, 1, 0, 2, 3, 0],
        [0, 0, 0, 0, 0, 1, 0, 2, 3],
    ]
    assert M.names.tolist() == [
        ["k00", "k01", ".", "k10", "k11", ".", ".", ".", "."],
        [".", "k00", "k01", ".", "k10", "k11", ".", ".", "."],
        [".", ".", ".", "k00", "k01", ".", "k10", "k11", "."],
        [".", ".", ".", ".", "k00", "k01", ".", "k10", "k11"],
    ]
    assert (M @ X.flatten()).tolist() == [19, 25, 37, 43] and (M @ X).tolist() == [[[[19, 25], [37, 43]]]]
    assert (M.T @ np.ones(4)).tolist() == [0, 1, 1, 2, 6, 4, 2, 5, 3]
    assert M.shape == (4, 9) and M.T.shape == (9, 4) and M.T.names.tolist() == M.names.T.tolist()
    assert M.T.T.array.tolist() == M.array.tolist()
    assert str(M) == """\
4 x 9: of 36 numbers 16 are weights, 4 different ones
k00 k01   . | k10 k11   . |   .   .   .
  . k00 k01 |   . k10 k11 |   .   .   .
---------------------------------------
  .   .   . | k00 k01   . | k10 k11   .
  .   .   . |   . k00 k01 |   . k10 k11"""
    assert str(M.T) == """\
9 x 4: of 36 numbers 16 are weights, 4 different ones
k00   . |   .   .
k01 k00 |   .   .
  . k01 |   .   .
-----------------
k10   . | k00   .
k11 k10 | k01 k00
  . k11 |   . k01
-----------------
  .   . | k10   .
  .   . | k11 k10
  .   . |   . k11"""


def test_the_docstring_shows_that_matrix():
    from minigrad.teach.arithmetic.matrix import __doc__ as text  # the module

    assert "k00 k01  .  | k10 k11  .  |  .   .   ." in text and "36 numbers, 16 of them weights" in text


def test_one_dimension_is_toeplitz_and_two_are_doubly_block_toeplitz():
    array = teach.matrix(nn.Conv1d(1, 1, 3, padding=1), size=(1, 7)).array
    assert all(len(set(np.diagonal(array, d))) == 1 for d in range(-6, 7))
    array = teach.matrix(nn.Conv2d(1, 1, 3, padding=1), size=(1, 5, 5)).array.reshape(5, 5, 5, 5).swapaxes(1, 2)
    for d in range(-4, 5):
        blocks = [array[i, i + d] for i in range(5) if 0 <= i + d < 5]
        assert all((b == blocks[0]).all() for b in blocks)
        assert all(len(set(np.diagonal(blocks[0], e))) == 1 for e in range(-4, 5))


def test_strides_dilation_flipped_and_transposed():
    names = teach.matrix(F.conv1d, minigrad.ones(1, 5), minigrad.ones(1, 1, 2), stride=2, dilation=2).names
    assert names.tolist() == [["k0", ".", "k1", ".", "."], [".", ".", "k0", ".", "k1"]]
    names = teach.matrix(F.convolve1d, minigrad.ones(1, 3), minigrad.ones(1, 1, 2)).names
    assert names.tolist() == [["k1", "k0", "."], [".", "k1", "k0"]]
    names = teach.matrix(F.conv_transpose1d, minigrad.ones(1, 2), minigrad.ones(1, 1, 2)).names
    assert names.tolist() == [["k0", "."], ["k1", "k0"], [".", "k1"]]


def test_channels_and_groups():
    layer = nn.Conv1d(2, 2, 1, groups=2)
    assert teach.matrix(layer, size=(2, 1)).names.tolist() == [["k000", "."], [".", "k100"]]
    layer = nn.Conv1d(2, 2, 1)
    assert teach.matrix(layer, size=(2, 1)).names.tolist() == [["k000", "k010"], ["k100", "k110"]]
    assert teach.matrix(nn.Conv1d(1, 1, 11), size=(1, 11)).names[0, -2:].tolist() == ["k9", "k10"]
    assert teach.matrix(nn.Conv1d(11, 1, 1), size=(11, 1)).names[0, -1] == "k0,10,0"


def test_padding_that_repeats_adds_weights_up():
    layer = nn.Conv1d(1, 1, 3, padding=1, padding_mode="replicate", bias=False)
    layer.weight.data[:] = minigrad.tensor([1.0, 10.0, 100.0])
    M = teach.matrix(layer, size=(1, 3))
    assert M.names.tolist() == [["k0+k1", "k2", "."], ["k0", "k1", "k2"], [".", "k0", "k1+k2"]]
    assert M.array.tolist() == [[11, 100, 0], [1, 10, 100], [0, 1, 110]]


@pytest.mark.parametrize("mode", ["zeros", "reflect", "replicate", "circular"])
@pytest.mark.parametrize("dims", [1, 2, 3])
def test_padding_modes_agree_with_the_layer(mode, dims):
    layer = getattr(nn, f"Conv{dims}d")(2, 2, 3, padding=2, padding_mode=mode, dtype=minigrad.float64)
    M = teach.matrix(layer, size=(2, *[4] * dims))
    x = minigrad.tensor(whole(3, 2, *[4] * dims), requires_grad=True)
    y = layer(x)
    g = minigrad.tensor(whole(*y.shape, seed=1))
    y.backward(g)
    bias = layer.bias.detach().numpy().reshape(-1, *[1] * dims)
    np.testing.assert_allclose(M @ x, y.detach().numpy() - bias, atol=1e-12)
    np.testing.assert_allclose(M.T @ g, x.grad.numpy(), atol=1e-12)


OPTIONS = [dict(), dict(stride=2, padding=1), dict(dilation=2, padding=2), dict(groups=2, padding=1, stride=2)]


@pytest.mark.parametrize("options", OPTIONS, ids=map(str, OPTIONS))
@pytest.mark.parametrize("dims", [1, 2, 3])
@pytest.mark.parametrize("name", ["conv", "convolve", "conv_transpose"])
def test_it_does_what_pytorch_does(name, dims, options):
    x, w = whole(2, 2, *[5, 4, 4][:dims]), whole(2, 2 // options.get("groups", 1), *[3, 2, 2][:dims])
    tx, tw = torch.tensor(x, requires_grad=True), torch.tensor(w)
    flipped = tw.flip(tuple(range(2, w.ndim))) if name == "convolve" else tw
    y = getattr(torch.nn.functional, f"{name.replace('convolve', 'conv')}{dims}d")(tx, flipped, **options)
    g = whole(*y.shape, seed=1)
    y.backward(torch.tensor(g))
    M = teach.matrix(getattr(F, f"{name}{dims}d"), minigrad.tensor(x), minigrad.tensor(w), **options)
    assert M.array.dtype == np.float64
    np.testing.assert_array_equal(M @ minigrad.tensor(x, requires_grad=True), y.detach().numpy())
    np.testing.assert_array_equal(M @ x[0].ravel(), y[0].detach().numpy().ravel())
    np.testing.assert_array_equal(M @ x.reshape(2, -1).T, y.detach().numpy().reshape(2, -1).T)
    np.testing.assert_array_equal(M.T @ g, tx.grad.numpy())
    np.testing.assert_array_equal(M.T @ g[1].ravel(), tx.grad[1].numpy().ravel())
    values = {f"k{''.join(map(str, i))}": v for i, v in np.ndenumerate(w)}
    assert all(v == values.get(n, 0) for n, v in zip(M.names.ravel(), M.array.ravel()))


def test_of_a_result_and_of_integers():
    w = K.clone().requires_grad_()
    assert (teach.matrix(F.conv2d(X, w)).array == teach.matrix(F.conv2d, X, K).array).all()
    assert (teach.matrix(F.conv2d, X.long(), K.long()) @ X.flatten()).tolist() == [19, 25, 37, 43]
    layer = nn.Conv2d(1, 1, 2)
    layer.weight.data[:] = K
    for M in (teach.matrix(F.conv2d, X[0], K), teach.matrix(layer, X), teach.matrix(layer, size=[1, 3, 3])):
        assert (M.array == teach.matrix(F.conv2d, X, K).array).all()


def test_a_large_one_shows_its_corners():
    text = str(teach.matrix(nn.Conv2d(3, 6, 3, padding=1), size=(3, 12, 12)))
    lines = text.split("\n")
    assert lines[0] == "864 x 432: of 373,248 numbers 20,808 are weights, 162 different ones"
    assert len(lines) == 18 and lines[13].strip() == "…" and all(len(line) <= 120 for line in lines)
    assert lines[1].startswith("k0011 k0012 ") and lines[-1].endswith("k5210 k5211") and " … " in lines[1]


def picture(M):
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    figure = M.figure()
    FigureCanvasAgg(figure)
    (axes,) = figure.axes
    legend = axes.get_legend()
    boxes = [axes.get_tightbbox(), legend.get_window_extent()]
    for box in boxes:
        assert box.x0 >= 0 and box.y0 >= 0 and box.x1 <= figure.bbox.x1 and box.y1 <= figure.bbox.y1
    grid = axes.get_window_extent()
    assert not grid.overlaps(legend.get_window_extent())
    return axes, {t.get_text(): h.get_facecolor() for t, h in zip(legend.get_texts(), legend.legend_handles)}


def test_picture():
    M = teach.matrix(F.conv2d, X, K)
    axes, legend = picture(M)
    assert list(legend) == ["k00 = 0", "k01 = 1", "k10 = 2", "k11 = 3", "no weight: 0"]
    assert len(set(legend.values())) == 5
    cells = {(t.get_position()[1], t.get_position()[0]): t.get_text() for t in axes.texts}
    assert cells == {at: name for at, name in np.ndenumerate(M.names) if name != "."}
    pixels = axes.images[0].get_array()
    for at, name in cells.items():  # the colour in the legend is the colour in the matrix
        assert legend[next(text for text in legend if text.startswith(name))][:3] == pytest.approx(pixels[at])
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("element of X", "element of Y")
    assert axes.get_title("left") == "M: 4 x 9: of 36 numbers 16 are weights, 4 different ones"
    thick = [line.get_ydata()[0] for line in axes.lines if line.get_xdata()[0] != line.get_xdata()[1]]
    assert 1.5 in thick  # between the two rows of the output
    axes, _ = picture(M.T)
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("element of Y", "element of X")


def test_pictures_of_many_weights_and_of_large_matrices():
    axes, legend = picture(teach.matrix(nn.Conv2d(1, 1, 3, padding=1), size=(1, 6, 6)))
    assert len(legend) == len(set(legend.values())) == 10 and len(axes.texts) == 256
    axes, legend = picture(teach.matrix(nn.Conv2d(3, 4, 5), size=(3, 12, 12)))
    assert "the first 40 rows and 40 columns" in axes.get_title("left") and not axes.texts and len(legend) == 20
    axes, legend = picture(teach.matrix(nn.Conv2d(2, 8, 5, padding=2), size=(2, 5, 5)))
    assert len(legend) == 25 and list(legend)[-2] == f"… {100 - 23} more"
    picture(teach.matrix(nn.Conv1d(1, 1, 1), size=(1, 1)))
    picture(teach.matrix(nn.Conv3d(1, 1, 2), size=(1, 3, 3, 3)))
    picture(teach.matrix(nn.Conv1d(1, 1, 3, padding=2, padding_mode="circular"), size=(1, 3)))


ERRORS = [
    (lambda: teach.matrix(nn.Conv2d(1, 1, 2)), TypeError, r"must be given, size=\(C, H, W\), but got size=None"),
    (lambda: teach.matrix(nn.Conv1d(1, 1, 2), size=(4,)), TypeError, r"size=\(C, L\), but got size=\(4,\)"),
    (lambda: teach.matrix(nn.Conv3d(1, 1, 2), size=4), TypeError, r"size=\(C, D, H, W\), but got size=4"),
    (lambda: teach.matrix(nn.Conv2d(1, 1, 2), size=(1, 1.5, 3)), TypeError, "must be int"),
    (lambda: teach.matrix(nn.Conv2d(1, 1, 2), X, size=(1, 3, 3)), TypeError, "'size' goes with a layer alone"),
    (lambda: teach.matrix(nn.Conv2d(1, 1, 2), size=(2, 3, 3)), RuntimeError, "expected input to have 1 channels"),
    (lambda: teach.matrix(F.relu, X), NotImplementedError, "relu is not a convolution: conv1d/2d/3d, "),
    (lambda: teach.matrix(nn.ReLU(), X), NotImplementedError, "relu is not a convolution: conv1d/2d/3d, "),
    (lambda: teach.matrix(nn.Linear(3, 2), size=(3,)), NotImplementedError,
     "Linear is not a convolution: .*; the matrix of a linear layer is its weight"),
    (lambda: teach.matrix(X), RuntimeError, r"Call matrix\(F.conv2d, x, k, padding=1\) instead"),
    (lambda: teach.matrix(nn.Flatten(), X), NotImplementedError, r"matrix\(\): Flatten cannot"),
    (lambda: teach.matrix(nn.Conv2d(3, 64, 3), size=(3, 64, 64)), ValueError,
     "246,016 x 12,288 = 3,023,044,608 numbers, for a kernel of 1,728 weights: take a smaller input"),
    (lambda: teach.matrix(F.conv2d, X, K) @ minigrad.ones(4), ValueError,
     r"a matrix of 4 x 9 @ \[4\]: what it multiplies must be flat, \[9\], or have the shape \[1, 3, 3\], alone"),
]  # fmt: skip


@pytest.mark.parametrize("call, kind, message", ERRORS, ids=range(len(ERRORS)))
def test_error(call, kind, message):
    with pytest.raises(kind, match=message):
        call()


def test_files(tmp_path):
    M = teach.matrix(F.conv2d, X, K)
    for ending in ("svg", "png", "html", "txt"):
        M.save(tmp_path / f"matrix.{ending}")
    assert (tmp_path / "matrix.txt").read_text() == f"{M}\n"
