"""teach.solve: every answer is a real convolution's; what has no answer, has none."""

import itertools
import warnings

import pytest
import torch

from minigrad import teach, zeros
from minigrad.nn import functional as F


def real_size(n, k, p, s, d, transposed=False):
    """What minigrad's own convolution makes of it; None if it refuses."""
    try:
        if transposed:
            return F.conv_transpose1d(zeros(1, 1, n), zeros(1, 1, k), stride=s, padding=p, dilation=d).shape[-1]
        return F.conv1d(zeros(1, 1, n), zeros(1, 1, k), stride=s, padding=p, dilation=d).shape[-1]
    except RuntimeError:
        return None


RANGES = {"n": (1, 4, 5, 8), "k": (1, 2, 4), "p": range(3), "s": range(1, 4), "d": (1, 3)}
SIZES = list(itertools.product(*RANGES.values()))


@pytest.mark.parametrize("transposed", [False, True])
def test_the_output_size_is_that_of_the_real_operators(transposed):
    for n, k, p, s, d in SIZES:
        solution = teach.solve(n=n, k=k, p=p, s=s, d=d, transposed=transposed)
        assert solution.values["out"] == real_size(n, k, p, s, d, transposed), (n, k, p, s, d)


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("unknown", RANGES)
def test_every_unknown_is_found_by_brute_force_too(unknown, transposed):
    others = [name for name in RANGES if name != unknown]
    small = {"n": (5, 6), "k": (1, 3), "p": (0, 1), "s": (1, 2), "d": (1, 2)}
    wide = {"n": range(1, 25), "k": range(1, 14), "p": range(12), "s": range(1, 14), "d": range(1, 14)}
    for values in itertools.product(*(small[name] for name in others)):
        given = dict(zip(others, values))
        sizes = {v: real_size(**given, **{unknown: v}, transposed=transposed) for v in wide[unknown]}
        for out in (1, 3, 5, 8):
            # Exactly these names are given, so that there is one unknown however the defaults are.
            solution = teach.solve(**given, out=out, transposed=transposed)
            assert solution.unknown == unknown
            want = [v for v, size in sizes.items() if size == out]
            got = [v for v in solution.solutions if v in wide[unknown]]
            assert got == want, (given, out)
            assert (solution.values[unknown] is None) == (len(solution.solutions) == 0)


def test_ceil_mode_is_torchs_pooling():
    for n, k, p, s, d in itertools.product(range(1, 12), range(1, 5), range(3), range(1, 5), (1, 2)):
        if 2 * p > k:
            continue
        try:
            x = torch.zeros(1, 1, n)
            want = torch.nn.functional.max_pool1d(x, k, s, p, dilation=d, ceil_mode=True).shape[-1]
        except RuntimeError:
            want = None
        assert teach.solve(n=n, k=k, p=p, s=s, d=d, ceil_mode=True).values["out"] == want, (n, k, p, s, d)


def test_d2l_counts_the_total():
    for n, k, total, s in itertools.product((3, 8), (1, 2, 3), (0, 2, 4), (1, 2, 3)):
        here = teach.solve(n=n, k=k, p=total, s=s, padding_terms="d2l").values["out"]
        assert here == real_size(n, k, total // 2, s, 1) == (n - k + total + s) // s


TEXT = """\
n=28, k=5, s=1, d=1, out=28: p is unknown
out = floor((n + 2p - d(k - 1) - 1) / s) + 1
28 = floor((28 + 2·2 - 1·(5 - 1) - 1) / 1) + 1 = floor(27 / 1) + 1
p = 2
padding=2 (torch, each side) = p_h=4 (d2l, total)"""


def test_the_text_of_same_padding():
    assert str(teach.solve(n=28, k=5, out=28)) == TEXT


def test_an_odd_total_names_both_habits():
    solution = teach.solve(n=28, k=4, out=28)
    assert solution.values["p"] is None
    assert solution.text().splitlines()[2:] == [
        "no p gives out=28: p=1 gives out=27 and p=2 gives out=29",
        "p_h=3 (d2l, total) is odd: d2l's text puts 2 before and 1 after; torch's padding='same' (stride 1) puts 1 "
        "before and 2 after; F.pad can do either"]
    assert teach.solve(n=28, k=4, out=28, padding_terms="d2l").values["p"] == 3
    assert teach.solve(n=28, k=4, out=28, padding_terms="d2l").axes[0].sides == (2, 1)
    # torch's habit, seen: a kernel that picks its first element shows how far the input moved
    pick = torch.tensor([1.0, 0, 0, 0]).reshape(1, 1, 4)
    with warnings.catch_warnings(action="ignore"):
        y = torch.nn.functional.conv1d(torch.arange(1.0, 9).reshape(1, 1, 8), pick, padding="same")
    assert y.flatten().tolist() == [0, 1, 2, 3, 4, 5, 6, 7]


def test_stride_drops_and_several_sizes_fit():
    assert "stride 2 drops 1 cell at the end" in str(teach.solve(n=29, k=2, s=2))
    assert "stride 2 drops 1 column at the end" in str(teach.solve(n=(28, 29), k=2, s=2))
    assert "stride 2 leaves out 1 cell at the end, which is padding" in str(teach.solve(n=28, k=3, p=1, s=2))
    both = str(teach.solve(n=(28, 29), k=3, p=2, s=4))
    assert "stride 4 leaves out 1 row at the end, which is padding" in both
    assert "stride 4 leaves out 2 columns at the end, which are padding" in both
    assert "drops" not in str(teach.solve(n=28, k=3, p=1, s=2))
    assert "drops 2 cells at the end, 1 cell of the input, the rest padding" in str(teach.solve(n=9, k=4, p=1, s=5))
    several = teach.solve(k=2, s=2, out=14)
    assert list(several.solutions) == [28, 29] and several.values["n"] == 28 and "n = 28 or 29" in str(several)
    assert "n = 40 to 49 (10 values)" in str(teach.solve(k=10, s=10, out=4))
    assert "d = 1 or any larger number" in str(teach.solve(n=8, k=1, p=0, s=1, out=8))
    assert "no window sees the 1 row between one and the next" in str(teach.solve(n=(9, 9), k=2, s=3))
    assert "ceil_mode: the last window hangs over the end by 1 cell" in str(teach.solve(n=6, k=3, s=2, ceil_mode=True))


def test_the_seeds_numbers():
    size = 240
    for _ in range(10):
        size = teach.solve(n=size, k=5).values["out"]
    assert size == 200
    assert teach.solve(n=3, k=2).values["out"] == 2
    assert teach.solve(n=3, k=2, p=2, padding_terms="d2l").values["out"] == 4
    strided = teach.solve(n=(3, 3), k=2, p=2, s=(3, 2), padding_terms="d2l")
    assert strided.values["out"] == (2, 2)
    assert "out = floor((n - k + p + s) / s)" in str(strided)
    assert "2 = floor((3 - 2 + 2 + 3) / 3) = floor(6 / 3)" in str(strided)
    for k in (1, 3, 5, 7):  # p_h = k_h - 1 keeps the size
        assert teach.solve(n=28, k=k, out=28, padding_terms="d2l").values["p"] == k - 1
    lenet = 32
    for k, s in ((5, 1), (2, 2), (5, 1), (2, 2)):
        lenet = teach.solve(n=lenet, k=k, s=s).values["out"]
    assert lenet == 5
    assert teach.solve(n=(28, 28), k=(2, 3)).values["out"] == (27, 26)  # seed 002
    assert teach.solve(n=20, k=5).values["out"] == 16


def test_all_six_are_checked():
    assert "it fits" in str(teach.solve(n=28, k=5, p=2, s=1, d=1, out=28))
    wrong = teach.solve(n=28, k=5, p=2, s=1, d=1, out=27)
    assert "28 = floor(" in str(wrong) and "it does not fit: out=27 was given" in str(wrong)


def test_transposed_knows_output_padding():
    text = str(teach.solve(n=14, k=3, s=2, out=28, transposed=True))
    assert "out = (n - 1)·s - 2p + d(k - 1) + 1" in text
    assert "p=1 with output_padding=1 gives out=28" in text
    y = F.conv_transpose1d(zeros(1, 1, 14), zeros(1, 1, 3), stride=2, padding=1, output_padding=1)
    assert y.shape[-1] == 28


def test_no_window_fits():
    solution = teach.solve(n=2, k=5)
    assert solution.values["out"] is None
    assert "no output: the window reaches over 5, but the padded input has only 2" in str(solution)
    solution.figure()


@pytest.mark.parametrize("arguments, error, words", [
    (dict(n=28), ValueError, "k and out are missing"),
    (dict(k=3), ValueError, "n and out are missing"),
    (dict(n=28, k=3, padding_terms="keras"), ValueError, "'padding_terms' must be 'torch'"),
    (dict(n=28, k=3, p="same"), TypeError, "argument 'p' must be an int or a tuple of ints, not 'same': padding="),
    (dict(n=28.0, k=3), TypeError, "argument 'n' must be an int or a tuple of ints, not 28.0"),
    (dict(n=28, k=0), ValueError, "argument 'k' must be from 1 to 1,000,000, but got 0"),
    (dict(n=(1, 2, 3, 4), k=1), ValueError, "'n' must have 1 to 3 numbers"),
    (dict(n=(8, 8), k=(1, 2, 3)), ValueError, "the same for all, but got n=(8, 8), k=(1, 2, 3)"),
    (dict(n=8, k=2, transposed=True, ceil_mode=True), ValueError, "ceil_mode is of pooling"),
])  # fmt: skip
def test_errors_teach(arguments, error, words):
    with pytest.raises(error) as raised:
        teach.solve(**arguments)
    assert words in str(raised.value)


def texts(figure):
    return [t.get_text() for axes in figure.axes for t in axes.texts] + [
        t.get_text() for axes in figure.axes for t in axes.get_legend().get_texts()]


def test_the_picture_shows_windows_padding_and_what_is_dropped(tmp_path):
    solution = teach.solve(n=(12, 28), k=3, p=(2, 0), s=2, d=(2, 1))
    figure = solution.figure()
    height, width = figure.axes
    assert height.get_title() == "height: n=12, k=3, p=2, s=2, d=2, out=6"
    assert [t.get_text() for t in height.get_yticklabels()] == ["input", *"012345"]
    assert {"padding", "input", "dropped", "window", "kernel element"} <= set(texts(figure))
    first_window = next(line for line in height.lines if line.get_marker() == "o")
    assert list(first_window.get_xdata()) == [-2, 0, 2]
    assert "… 5 more windows …" in [t.get_text() for t in width.texts]
    solution.save(tmp_path / "s.txt")
    assert "padding=2 (torch, each side) = p_h=4 (d2l, total)" in (tmp_path / "s.txt").read_text()
