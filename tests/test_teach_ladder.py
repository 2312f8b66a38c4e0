"""teach.ladder: the slides' numbers, and three layers that agree where they must."""

import numpy as np
import pytest
import torch

import minigrad
from minigrad import nn, teach

TEXT = """\
from a dense layer to a convolution: X 3x200x200 -> H 3x200x200

dense                  H[i,j] = U[i,j] + Σ_{k,l} W[i,j,k,l] X[k,l]
translation invariant  H[i,j] = u + Σ_{a,b} V[a,b] X[i+a,j+b], all offsets
local = convolution    H[i,j] = u + Σ_{a,b} V[a,b] X[i+a,j+b], |a|,|b| <= 2
(for one channel of X and one of H; each pair of channels has weights of its own)

                              weights    float32  counted as
dense                  14,400,000,000    57.6 GB  (3x200x200) x (3x200x200)
translation invariant       1,432,809    5.73 MB  3x3 x 399x399
local = convolution               225  900 bytes  3x3 x 5x5

The same weights at every position: 10,050 times fewer. Only near ones: again 6,368 times fewer."""


def test_the_slides_numbers():
    dense, invariant, local = teach.ladder().steps
    assert dense.weights == 14_400_000_000 == 120_000**2 and dense.bytes == 57_600_000_000
    assert invariant.weights == 9 * 399 * 399 and local.weights == 9 * 25 and local.bytes == 900
    assert str(teach.ladder(channels=3, size=(200, 200), delta=2)) == TEXT


def test_weights_are_those_of_real_layers():
    ladder = teach.ladder(channels=2, size=(5, 6), delta=(1, 2), hidden_channels=3)
    layers = ladder.layers()
    for step, layer in zip(ladder.steps, layers):
        parameters = dict(layer.named_parameters())
        weights = sum(p.numel() for name, p in parameters.items() if name.endswith("weight"))
        assert step.weights == weights and step.bytes == 4 * weights
    assert [step.biases for step in ladder.steps] == [90, 3, 3]
    assert isinstance(layers.dense[1], nn.Linear) and isinstance(layers.invariant, nn.Conv2d)
    assert layers.invariant.kernel_size == (9, 11) and layers.local.kernel_size == (3, 5)


CASES = [
    dict(channels=1, size=(6, 6), delta=1),
    dict(channels=2, size=(5, 4), delta=(1, 3), hidden_channels=3),
    dict(channels=2, size=(7,), delta=2),
    dict(channels=1, size=(3, 4, 3), delta=1, hidden_channels=2),
    dict(channels=1, size=(1, 1), delta=0),
]


@pytest.mark.parametrize("far", [False, True])
@pytest.mark.parametrize("case", CASES)
def test_the_layers_agree_where_they_must(case, far):
    dense, invariant, local = teach.ladder(**case).layers(seed=3, far=far)
    x = minigrad.randn(2, case["channels"], *case["size"])
    one, two, three = (layer(x).detach().numpy() for layer in (dense, invariant, local))
    assert one.shape == (2, case.get("hidden_channels", case["channels"]), *case["size"])
    np.testing.assert_allclose(one, two, rtol=1e-5, atol=1e-5)
    if far and max(case["size"]) - 1 > 1:
        assert np.abs(two - three).max() > 0.1  # what lies beyond delta counts, and local leaves it out
    else:
        np.testing.assert_allclose(two, three, rtol=1e-5, atol=1e-5)


def test_the_dense_weights_are_v_at_the_offset():
    """W[i,j,k,l] = V[k-i,l-j], by the formula of the slides and by PyTorch's convolution."""
    (h, w), layers = (3, 4), teach.ladder(channels=1, size=(3, 4), delta=1).layers(seed=1, far=True)
    V, W = layers.invariant.weight.detach().numpy()[0, 0], layers.dense[1].weight.detach().numpy()
    W = W.reshape(h, w, h, w)
    for i, j, k, m in np.ndindex(h, w, h, w):
        assert W[i, j, k, m] == V[k - i + h - 1, m - j + w - 1]
    x = np.random.default_rng(0).standard_normal((1, 1, h, w)).astype(np.float32)
    y = torch.nn.functional.conv2d(torch.tensor(x), torch.tensor(V)[None, None], padding=(h - 1, w - 1))
    u = layers.invariant.bias.detach().numpy()
    np.testing.assert_allclose(layers.dense(minigrad.tensor(x)).detach().numpy(), y.numpy() + u, rtol=1e-5, atol=1e-5)


def test_v_is_zero_beyond_delta():
    layers = teach.ladder(channels=1, size=(5, 5), delta=1).layers()
    V = layers.invariant.weight.detach().numpy()[0, 0]
    outside = np.ones_like(V, bool)
    outside[3:6, 3:6] = False
    assert not V[outside].any() and V[~outside].all()
    np.testing.assert_array_equal(V[3:6, 3:6], layers.local.weight.detach().numpy()[0, 0])


def test_layers_come_from_their_seed_and_leave_the_users_stream_alone():
    ladder = teach.ladder(channels=1, size=(4, 4), delta=1)
    minigrad.manual_seed(5)
    before = minigrad.rand(1).item()
    minigrad.manual_seed(5)
    a, b, c = (ladder.layers(seed=s).local.weight.tolist() for s in (0, 0, 1))
    assert a == b != c
    assert minigrad.rand(1).item() == before


def test_one_and_three_dimensions_in_the_text():
    assert "H[i] = U[i] + Σ_{k} W[i,k] X[k]" in str(teach.ladder(1, (8,), 1))
    text = str(teach.ladder(1, (5, 6, 7), (1, 2, 0)))
    assert "V[a,b,c] X[i+a,j+b,m+c], |a| <= 1, |b| <= 2, |c| <= 0" in text and "channel of X" not in text


@pytest.mark.parametrize("call, error, words", [
    (lambda: teach.ladder().layers(), RuntimeError,
     "14,400,000,000 weights: 57.6 GB in float32, and layers() makes at most 268 MB. Take a small image, say "
     "ladder(channels=1, size=(8, 8), delta=1).layers()"),
    (lambda: teach.ladder(size=200), TypeError, "'size' must be a tuple of 1 to 3 ints, (height, width) for"),
    (lambda: teach.ladder(size=(2, 2, 2, 2)), TypeError, "1 to 3 ints"),
    (lambda: teach.ladder(channels=1.5), TypeError, "argument 'channels' must be int, not 1.5"),
    (lambda: teach.ladder(hidden_channels=0), ValueError, "'hidden_channels' must be positive, but got 0"),
    (lambda: teach.ladder(size=(3, 3), delta=3), ValueError, "delta=(3, 3) must be less than size=(3, 3)"),
    (lambda: teach.ladder(delta=-1), RuntimeError, "negative delta"),
])  # fmt: skip
def test_errors_teach(call, error, words):
    with pytest.raises(error) as raised:
        call()
    assert words in str(raised.value)


def test_the_picture_is_a_logarithmic_bar_chart_with_numbers(tmp_path):
    ladder = teach.ladder()
    (axes,) = ladder.figure().axes
    assert axes.get_xscale() == "log" and "weights" in axes.get_xlabel()
    assert [t.get_text() for t in axes.texts] == [
        "14,400,000,000 weights\n57.6 GB", "1,432,809 weights\n5.73 MB", "225 weights\n900 bytes"]
    assert [t.get_text() for t in axes.get_yticklabels()] == [step.name for step in ladder.steps]
    assert [round(b.get_x() + b.get_width()) for b in axes.patches] == [step.weights for step in ladder.steps]
    ladder.save(tmp_path / "l.html")
    assert "57.6 GB" in (tmp_path / "l.html").read_text()


def test_ratios_of_small_ladders_and_one_weight():
    little = teach.ladder(1, (2, 2), delta=1)
    assert str(little).endswith("The same weights at every position: 1.8 times fewer. Only near ones: as many.")
    assert any(t.get_text().startswith("1 weight\n") for t in teach.ladder(1, (2,), 0).figure().axes[0].texts)
