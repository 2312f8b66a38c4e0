"""teach.equivariance: what shifts along, what does not, and which cells are judged apart."""

import numpy as np
import pytest

import minigrad
from minigrad import nn, teach
from minigrad.nn import functional as F


@pytest.fixture
def x():
    minigrad.manual_seed(0)
    return minigrad.rand(1, 1, 6, 8)


def by_hand(layer, x, shift, steps):
    """|f(shift x) - shift f(x)| with loops over positions, zeros for what comes in."""
    def move(a, shift):
        out = np.zeros_like(a)
        for i, j in np.ndindex(a.shape[2:]):
            k, m = i - shift[0], j - shift[1]
            if 0 <= k < a.shape[2] and 0 <= m < a.shape[3]:
                out[:, :, i, j] = a[:, :, k, m]
        return out

    f = lambda a: layer(minigrad.tensor(a)).detach().numpy()  # noqa: E731
    return np.abs(f(move(x.numpy(), shift)) - move(f(x.numpy()), steps))


TEXT = """\
Conv2d, shift (0, 1), input 1x1x6x8 -> output 1x1x6x8
jump 1: the output is shifted by (0, 1) cells
  interior      30 cells   max |f(shift x) - shift f(x)| = 0
  border        18 cells   max |f(shift x) - shift f(x)| = {}
equivariant, but for the border (padding, and what was shifted in)"""


def test_a_convolution_is_equivariant_but_for_its_border(x):
    conv = nn.Conv2d(1, 1, 3, padding=1)
    measured = teach.equivariance(conv, x, shift=(0, 1))
    np.testing.assert_array_equal(measured.difference, by_hand(conv, x, (0, 1), (0, 1)))
    # Column 0 was shifted in (and its window leaves the image), 1 sees it, 7 sees the padding.
    assert measured.border.all(axis=0).tolist() == [True, True, False, False, False, False, False, True]
    assert measured.holds and measured.error == 0 and measured.border_error > 0.01
    assert str(measured) == TEXT.format(f"{measured.border_error:.4g}")


@pytest.mark.parametrize("shift", [(1, 2), (-2, 0), (0, -3), (-1, 1), (0, 0)])
@pytest.mark.parametrize("options", [{}, dict(padding=2), dict(dilation=2, padding=1)])
def test_the_interior_of_a_convolution_agrees_for_every_shift(x, shift, options):
    conv = nn.Conv2d(1, 2, 3, **options)
    measured = teach.equivariance(conv, x, shift)
    np.testing.assert_array_equal(measured.difference, by_hand(conv, x, shift, shift))
    assert measured.error is None or measured.error <= measured.tolerance
    if shift == (0, 0):
        assert not measured.border.any() and measured.difference.max() == 0


def test_linear_fails(x):
    linear = nn.Linear(48, 48)
    measured = teach.equivariance(linear, x, shift=(0, 1))
    assert not measured.holds and measured.error > 0.1
    assert "not equivariant, differs by up to" in str(measured)
    assert "every output cell sees the whole input, with weights of its own" in str(measured)
    flat = lambda a: linear(a.flatten(1)).reshape(a.shape)  # noqa: E731
    np.testing.assert_allclose(measured.difference, by_hand(flat, x, (0, 1), (0, 1)), atol=1e-6)
    rows = nn.Linear(8, 8)  # of each row: shifted rows are rows
    assert teach.equivariance(rows, x, shift=(1, 0)).holds
    assert not teach.equivariance(rows, x, shift=(0, 1)).holds


@pytest.mark.parametrize("layer, why", [
    (nn.AdaptiveAvgPool2d(1), "sees the whole input, so that what was shifted in and out counts"),
    (nn.Linear(8, 8), "sees its whole row, with weights of its own"),
    (nn.Linear(8, 3), "sees its whole row, with weights of its own"),  # not aliasing
    (nn.Softmax(-1), "sees its whole row, so that what was shifted in and out counts"),
    (nn.Softmax(2), ""),
])  # fmt: skip
def test_what_every_cell_sees_is_said_only_where_it_is_true(x, layer, why):
    said = teach.equivariance(layer, x, shift=(0, 1)).verdict()
    assert said.endswith(f": every output cell {why}") if why else "every output cell" not in said


def test_the_default_shift_is_along_the_last_axis():
    for layer, size, shift in ((nn.Conv1d(1, 1, 3, padding=1), (1, 1, 8), (1,)), (nn.Conv1d(2, 1, 3), (2, 8), (1,)),
                               (nn.Conv2d(1, 1, 3), (1, 5, 8), (0, 1)),
                               (nn.Conv3d(1, 1, 2), (1, 1, 4, 5, 6), (0, 0, 1)),
                               (nn.Conv3d(1, 1, 2), (1, 4, 5, 6), (0, 0, 1)), (F.relu, (1, 4, 4), (0, 1)),
                               (lambda x: F.conv1d(x, minigrad.ones(1, 1, 3)), (1, 1, 8), (1,))):
        measured = teach.equivariance(layer, minigrad.rand(*size))
        assert measured.shift == shift and measured.holds
    assert teach.equivariance(nn.Conv2d(1, 1, 3), minigrad.rand(1, 1, 8, 8), 2).shift == (0, 2)


def test_one_cell_is_one_cell(x):
    said = str(teach.equivariance(nn.AdaptiveAvgPool2d(1), x))
    assert "  interior       1 cell    max" in said and "at 1 of 1 cell:" in said


def test_the_ladder_says_what_it_should():
    minigrad.manual_seed(0)
    for layer in teach.ladder(channels=1, size=(8, 8), delta=1).layers(seed=1):
        for name, p in layer.named_parameters():
            p.data = p.data * (not name.endswith("bias"))  # what is shifted into the output is 0
        x = minigrad.zeros(1, 1, 8, 8)
        x[..., 3:5, 3:5] = minigrad.rand(2, 2)  # nothing is shifted out, so that nothing is lost
        np.testing.assert_allclose(teach.equivariance(layer, x, (1, 2)).difference, 0, atol=1e-5)
    dense = teach.ladder(channels=1, size=(8, 8), delta=1).layers().dense
    dense[1].weight.data = minigrad.randn(64, 64)
    assert not teach.equivariance(dense, x, (1, 2)).holds


def test_pooling_is_equivariant_for_multiples_of_its_stride(x):
    pool = nn.MaxPool2d(2)
    even = teach.equivariance(pool, x, shift=(0, 2))
    assert even.jump == (2, 2) and even.steps == (0, 1) and even.holds and even.error == 0
    odd = teach.equivariance(pool, x, shift=(0, 1))
    assert not odd.holds and odd.steps == (0, 0)
    np.testing.assert_array_equal(odd.difference, by_hand(pool, x, (0, 1), (0, 0)))
    assert str(odd).splitlines()[-1] == (
        "not equivariant: shift (0, 1) is no multiple of the jump 2, so that other cells are sampled (aliasing); "
        "a shift by (0, 2) differs by 0")


    three = teach.equivariance(pool, x, shift=(-3, 3))
    assert three.steps == (-1, 1) and three.next.shift == (-4, 4) and three.next.holds


def test_strides_add_up(x):
    net = nn.Sequential(nn.Conv2d(1, 2, 3, stride=2, padding=1), nn.ReLU(), nn.AvgPool2d((2, 1)))
    measured = teach.equivariance(net, minigrad.rand(2, 1, 24, 22), shift=(4, -2))
    assert measured.jump == (4, 2) and measured.steps == (1, -1) and measured.holds
    assert measured.border.shape == measured.difference.shape[2:]
    up = teach.equivariance(nn.ConvTranspose2d(1, 1, 2, stride=2), x, shift=(0, 1))
    assert up.steps == (0, 2) and up.holds


def test_circular_shifts_and_circular_padding(x):
    circular, zeros = nn.Conv2d(1, 1, 3, padding=1, padding_mode="circular"), nn.Conv2d(1, 1, 3, padding=1)
    measured = teach.equivariance(circular, x, (1, 2), circular=True)
    assert measured.holds and measured.difference.max() <= measured.tolerance
    assert str(measured).endswith("equivariant: a shift of the input is a shift of the output")
    measured = teach.equivariance(zeros, x, (0, 1), circular=True)
    assert measured.holds and measured.border_error > 0.01
    assert "circular shift, but not a circular padding" in str(measured)
    valid = teach.equivariance(nn.Conv2d(1, 1, 3), x, (0, 2), circular=True)
    assert valid.holds and valid.border.all(axis=0).tolist() == [True, True, False, False, False, False]


def test_scores_are_invariant_or_not(x):
    conv = nn.Conv2d(1, 3, 3, padding=1, padding_mode="circular")
    pooled = nn.Sequential(conv, nn.AdaptiveAvgPool2d(1), nn.Flatten())
    measured = teach.equivariance(pooled, x, (1, 2), circular=True)
    assert measured.holds and str(measured).endswith("invariant: the output does not change, up to rounding")
    scores = nn.Sequential(nn.Flatten(), nn.Linear(48, 10))
    measured = teach.equivariance(scores, x, (0, 1))
    assert not measured.holds and "not invariant: the output has no positions" in str(measured)


def test_one_and_three_dimensions_no_batch_float64_functions_and_modes():
    assert teach.equivariance(nn.Conv1d(2, 1, 3), minigrad.rand(2, 12), 2).holds
    measured = teach.equivariance(nn.Conv3d(1, 1, 2), minigrad.rand(1, 1, 5, 6, 7), (1, 0, 2))
    assert measured.holds and measured.border.shape == (4, 5, 6)
    assert teach.equivariance(F.relu, minigrad.rand(1, 4, 4, dtype=minigrad.float64), (1, 0)).error == 0
    net = nn.Sequential(nn.Conv2d(1, 1, 3), nn.BatchNorm2d(1), nn.Dropout(0.5))
    assert teach.equivariance(net, minigrad.rand(2, 1, 8, 8)).holds and net.training and net[1].training


def test_a_kernel_larger_than_half_the_image_has_no_interior():
    measured = teach.equivariance(nn.Conv2d(1, 1, 7, padding=3), minigrad.rand(1, 1, 6, 6), (1, 1))
    assert measured.error is None and not measured.holds
    assert "no cell is inside: every window leaves the image or sees what was shifted in" in str(measured)


@pytest.mark.parametrize("shape, shift, error, words", [
    ((1, 1, 4, 4), "right", TypeError, "'shift' must be an int or a tuple of 1 to 3 ints"),
    ((1, 1, 4, 4), (1, 0.5), TypeError, "not (1, 0.5)"),
    ((4, 4), (0, 1), ValueError, "x must be (N, C, *size) or (C, *size) with 2 sizes, but it has shape [4, 4]"),
    ((1, 1, 4, 4), (0, 4), ValueError, "moves everything out of an image of size [4, 4]: take less than its size"),
])  # fmt: skip
def test_errors_teach(shape, shift, error, words):
    with pytest.raises(error) as raised:
        teach.equivariance(F.relu, minigrad.rand(*shape), shift)
    assert words in str(raised.value)


@pytest.mark.parametrize("layer, x, shift, error, words", [
    (nn.Conv1d(1, 1, 3), minigrad.ones(1, 1, 8), (0, 1), ValueError,
     "shift=(0, 1) is for 2-D, but the windows of the layer are 1-D (x has shape [1, 1, 8]): write shift=(1,)"),
    (F.relu, minigrad.ones(1, 1, 8, 8), (1,), ValueError, "but it has shape [1, 1, 8, 8]: write shift=(0, 1)"),
    (F.relu, minigrad.ones(0, 1, 8, 8), 1, ValueError, "of finite numbers, one or more, but it has shape [0, 1, 8, 8]"),
    (F.relu, minigrad.full((1, 1, 4, 4), float("nan")), 1, ValueError, "must be of finite numbers, one or more, but"),
    (minigrad.log, minigrad.ones(1, 1, 4, 4), 1, ValueError, "log of shift x holds nan or inf, which cannot be"),
    (3, minigrad.ones(1, 1, 4, 4), 1, TypeError, "argument 'layer' must be a Module or a function, not int"),
    (minigrad.ones(1), F.relu, 1, TypeError, "not Tensor: the order is equivariance(layer, x)"),
], ids=range(7))  # fmt: skip
def test_what_cannot_be_measured(layer, x, shift, error, words):
    with pytest.raises(error) as raised:
        teach.equivariance(layer, x, shift)
    assert words in str(raised.value)


def test_x_must_be_a_tensor_of_floats():
    with pytest.raises(TypeError, match="argument 'x' must be Tensor, not list"):
        teach.equivariance(F.relu, [1.0])
    with pytest.raises(TypeError, match="must be floating point, not int64: use x.float"):
        teach.equivariance(F.relu, minigrad.ones(1, 1, 4, 4).long())


def words(axes):
    return [t.get_text() for t in axes.texts]


def test_the_picture_shows_both_sides_and_frames_the_border(x):
    measured = teach.equivariance(nn.Conv2d(1, 1, 3, padding=1), x, shift=(0, 1))
    axes = measured.figure().axes
    assert [a.get_title() for a in axes] == [
        "x", "shift x by (0, 1)", "", "f(shift x)", "shift f(x) by (0, 1)", "|difference|"]
    assert words(axes[1])[:2] == ["0", f"{x[0, 0, 0, 0].item():.3g}"]
    orange = {tuple(p.get_xy()) for p in axes[5].patches}
    assert orange == {(j - 0.5, i - 0.5) for i in range(6) for j in (0, 1, 7)}
    assert axes[2].get_legend().get_texts()[0].get_text() == "border cell (frame)"
    assert "equivariant, but for the border" in words(axes[2])[0]


def test_the_verdict_stands_first_in_the_picture_and_in_large_letters(x):
    result, measured = teach.equivariance(nn.MaxPool2d(2), x, shift=(0, 1)).figure().axes[2].texts
    assert result.get_text().startswith("not equivariant: shift (0, 1)") and result.get_fontsize() >= 12
    assert measured.get_text().startswith("MaxPool2d, shift (0, 1)") and measured.get_fontsize() >= 10
    assert "not equivariant" not in measured.get_text()


def test_the_picture_never_breaks_a_formula(x):
    _, measured = teach.equivariance(nn.Conv2d(1, 1, 3, padding=1), x, shift=(0, 1)).figure().axes[2].texts
    lines = measured.get_text().splitlines()
    assert len([line for line in lines if line.startswith("    max |f(shift x) - shift f(x)| = ")]) == 2
    assert max(map(len, lines)) <= 46


def test_a_large_picture_is_cropped_and_says_so():
    measured = teach.equivariance(nn.Conv2d(1, 1, 3, stride=2), minigrad.rand(1, 1, 60, 64), shift=(0, 1))
    axes = measured.figure().axes
    assert "(of 29x31 rows " in axes[5].get_title() and len(words(axes[5])) == 64


def test_the_picture_says_what_the_colours_mean_and_shows_the_worst_plane(x):
    minigrad.manual_seed(0)
    measured = teach.equivariance(nn.Conv3d(1, 1, 3, padding=1), minigrad.rand(1, 1, 5, 6, 7))
    figure = measured.figure()
    assert figure.get_supxlabel() == "red: positive, blue: negative, white: 0; darker: larger"
    plane = int(np.unravel_index(measured.difference.argmax(), measured.difference.shape)[2])
    assert figure.axes[5].get_title() == f"|difference|, plane {plane}"
    assert figure.axes[0].get_title() == f"x, plane {plane}"
    assert np.asarray(figure.axes[5].images[0].get_array()).max() == measured.difference.max() > 0
    scores = nn.Sequential(nn.Flatten(), nn.Linear(210, 3))
    assert teach.equivariance(scores, minigrad.rand(1, 1, 5, 6, 7)).figure().axes[0].get_title() == "x, plane 2"
