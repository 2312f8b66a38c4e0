"""teach.animate: each picture shows the right window, the sum of the right cell, and the output up to it."""

import io

import numpy as np
import pytest

import minigrad
from minigrad import nn, teach
from minigrad.nn import functional as F
from minigrad.teach import drawing
from minigrad.teach.notation import number

pytest.importorskip("matplotlib")
Image = pytest.importorskip("PIL.Image")
from matplotlib.colors import to_hex  # noqa: E402, after it is known to be there

X, K = minigrad.arange(9.0).reshape(1, 1, 3, 3), minigrad.arange(4.0).reshape(1, 1, 2, 2)
ORANGE, GREEN = "#e69f00", "#009e73"


def test_the_first_example_as_text():
    assert str(teach.animate(F.conv2d, X, K)).split("\n") == [
        "conv2d: 4 windows",
        "Y[0,0,0,0] = X[0,0]·K[0,0] + X[0,1]·K[0,1] + X[1,0]·K[1,0] + X[1,1]·K[1,1] = 0·0 + 1·1 + 3·2 + 4·3 = 19",
        "Y[0,0,0,1] = X[0,1]·K[0,0] + X[0,2]·K[0,1] + X[1,1]·K[1,0] + X[1,2]·K[1,1] = 1·0 + 2·1 + 4·2 + 5·3 = 25",
        "Y[0,0,1,0] = X[1,0]·K[0,0] + X[1,1]·K[0,1] + X[2,0]·K[1,0] + X[2,1]·K[1,1] = 3·0 + 4·1 + 6·2 + 7·3 = 37",
        "Y[0,0,1,1] = X[1,1]·K[0,0] + X[1,2]·K[0,1] + X[2,1]·K[1,0] + X[2,2]·K[1,1] = 4·0 + 5·1 + 7·2 + 8·3 = 43",
    ]


def random(*shape, seed=0):
    return minigrad.from_numpy(np.random.default_rng(seed).standard_normal(shape).round(2))


def frames(axes, colour):
    """(row, column, height, width) of the frames of one colour, in cells."""
    return [(p.get_y() + 0.5, p.get_x() + 0.5, p.get_height(), p.get_width()) for p in axes.patches
            if to_hex(p.get_edgecolor()) == colour and not p.get_fill()]  # fmt: skip


def layer(made, weight):
    made.weight.data = weight
    return made


# a film; for its plane: input in its padding, kernel (None for pooling), stride, dilation, and what a window gives
def cases():
    x, k = random(1, 1, 5, 6), random(1, 1, 3, 2)
    zeros = np.pad(x[0, 0].numpy(), ((2, 2), (1, 1)))
    total = lambda window, kernel: (window * kernel).sum()  # noqa: E731
    film = teach.animate(F.conv2d, x, k, stride=(2, 1), padding=(2, 1), dilation=(1, 2))
    yield "conv2d", film, zeros, k[0, 0], (2, 1), (1, 2), total
    reflect = layer(nn.Conv2d(1, 1, (3, 2), padding=(2, 1), padding_mode="reflect", bias=False), k)
    mirrored = np.pad(x[0, 0].numpy(), ((2, 2), (1, 1)), mode="reflect")
    yield "reflect", teach.animate(reflect, x), mirrored, k[0, 0], (1, 1), (1, 1), total
    flipped = k[0, 0].flip(0, 1)
    yield "convolve2d", teach.animate(F.convolve2d, x, k), x[0, 0].numpy(), flipped, (1, 1), (1, 1), total
    line, weight = random(1, 1, 9), random(1, 1, 3)
    longer = np.pad(line[0].numpy(), ((0, 0), (1, 1)))
    yield "conv1d", teach.animate(F.conv1d, line, weight, padding=1), longer, weight[0], (1, 1), (1, 1), total
    groups, w = random(2, 4, 4, 4), random(4, 1, 2, 2)
    film = teach.animate(F.conv2d, groups, w, groups=4, image=1, channel=2)
    yield "groups", film, groups[1, 2].numpy(), w[2, 0], (1, 1), (1, 1), total
    most = lambda window, _: window.max()  # noqa: E731
    below = np.pad(x[0, 0].numpy(), ((0, 1), (0, 0)), constant_values=-np.inf)
    yield "max_pool2d", teach.animate(F.max_pool2d, x, 2, ceil_mode=True), below, None, (2, 2), (1, 1), most
    mean = lambda window, _: window.mean()  # noqa: E731
    yield "avg_pool1d", teach.animate(nn.AvgPool1d(3, stride=2), line), line[0].numpy(), None, (1, 2), (1, 1), mean


@pytest.mark.parametrize("case", list(cases()), ids=lambda case: case[0])
def test_the_window_makes_the_cell_that_is_framed(case):
    _, film, padded, kernel, stride, dilation, make = case
    kernel = None if kernel is None else np.atleast_2d(kernel.numpy())
    figure = drawing.new_figure()
    _, show = film._stage(figure)
    over, *_, made = figure.axes
    for n, (row, column) in enumerate(film.places):
        show(n)
        top, left, high, wide = map(int, frames(over, ORANGE)[0])
        assert (top, left) == (row * stride[0], column * stride[1])
        window = padded[top : top + high : dilation[0], left : left + wide : dilation[1]]
        assert window.shape == (kernel.shape if kernel is not None else film.scene.kernel)
        np.testing.assert_allclose(film.scene.y[row, column], make(window, kernel), rtol=1e-5)
        assert frames(made, GREEN) == [(row, column, 1, 1)]
        written = [t.get_text() for t in made.texts if t.get_visible()]
        assert written == [number(v, 3) for v in film.scene.y.ravel()[: n + 1]]
        told = " ".join(t.get_text().replace("\n", " ") for t in figure.texts)
        assert film.told[n].equation.split()[-1] in told and "orange frame: the window" in told
        numbers = [t.get_text() for t in over.texts]
        assert numbers == [number(v, 3) if np.isfinite(v) else "-∞" for v in padded.ravel()]


def test_channels_and_slices_that_are_not_shown_are_said():
    x, k, b = random(1, 2, 4, 4, 4), random(3, 2, 3, 2, 2), random(3)
    film = teach.animate(F.conv3d, x, k, b, padding=1, channel=1, depth=2)
    texts = " ".join(" ".join(t.get_text() for t in film.figure().texts).split())
    assert "Shown of X: channel 0, the first of 2 and slice 1 of the 3 of the window; the sum goes over all." in texts
    assert "The bias b is added to each sum." in texts and "hatched: padding" in texts
    titles = [axes.get_title() for axes in film.figure().axes]
    assert titles == ["X, channel 0, depth 2", "K, channel 0, slice 1", "Y, channel 1, depth 2"]
    assert film.told[0].head == "Y[0,1,2,0,0]"
    pooled = teach.animate(F.max_pool3d, random(1, 3, 4, 4, 4), 2, channel=-1, depth=1)
    assert [axes.get_title() for axes in pooled.figure().axes] == ["X, channel 2, depth 3", "Y, channel 2, depth 1"]
    assert "the window goes over all" in " ".join(" ".join(t.get_text() for t in pooled.figure().texts).split())


def test_of_many_windows_some_are_left_out_and_the_title_says_which():
    film = teach.animate(F.conv2d, random(1, 1, 28, 28), random(1, 1, 5, 5))
    assert (len(film.places), film.left_out) == (64, 512)
    assert film.title == "conv2d: 576 windows, without windows 49 to 560"
    assert film.places[47:49] == [(1, 23), (23, 8)]
    lines = str(film).split("\n")
    assert len(str(film)) < 5000 and "… 566 more …" in lines
    assert film.figure().axes[0].texts[:] == []  # too many for numbers


def test_a_film_is_saved_as_gif_and_as_html(tmp_path):
    film = teach.animate(F.max_pool2d, X, 2, stride=1, path=tmp_path / "x.gif")
    with Image.open(tmp_path / "x.gif") as gif:
        assert (gif.format, gif.n_frames, gif.info["loop"], gif.info["duration"]) == ("GIF", 4, 0, 700)
        wide, high = gif.size
        colours = np.asarray(gif.convert("RGB")).reshape(-1, 3)
    for colour in (ORANGE, GREEN):  # the frames keep their colours
        rgb = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
        assert (np.abs(colours.astype(int) - rgb).max(axis=1) <= 4).sum() > 100
    film.save(tmp_path / "x.html")
    text = (tmp_path / "x.html").read_text(encoding="utf-8")
    assert text.count("<img ") == 4 and text.count(" hidden src") == 3 and "http" not in text
    assert 'alt="Y[0,0,1,1] = max(X[1,1], X[1,2], X[2,1], X[2,2]) = max(4, 5, 7, 8) = 8"' in text
    assert film._repr_html_() in text
    film.save(tmp_path / "x.png")
    with Image.open(io.BytesIO((tmp_path / "x.png").read_bytes())) as picture:
        assert picture.format == "PNG" and picture.width > wide > 400 and picture.height > high > 200


def test_pictures_differ_only_where_something_moves():
    pictures = [np.asarray(p.convert("RGB")).astype(int) for p in teach.animate(F.conv2d, X, K).pictures()]
    assert len(pictures) == 4 and len({p.shape for p in pictures}) == 1
    for before, after in zip(pictures, pictures[1:]):
        changed = np.abs(before - after).max(axis=2) > 32
        assert 0.002 < changed.mean() < 0.2


@pytest.mark.parametrize("error, words, call", [
    (NotImplementedError, "relu has no window that slides", lambda: teach.animate(F.relu, X)),
    (NotImplementedError, "conv_transpose2d has no window", lambda: teach.animate(F.conv_transpose2d, X, K)),
    (NotImplementedError, "adaptive_avg_pool2d has no window", lambda: teach.animate(F.adaptive_avg_pool2d, X, 1)),
    (TypeError, "argument 1 must be", lambda: teach.animate(3)),
    (TypeError, "argument 'channel' must be int, not str", lambda: teach.animate(F.conv2d, X, K, channel="red")),
    (IndexError, r"image=1 is out of range: the output has shape \[1, 1, 2, 2\], so there are 1",
     lambda: teach.animate(F.conv2d, X, K, image=1)),
    (ValueError, "must end in .gif, .html, .png, .svg or .txt, but got 'x.mp4'",
     lambda: teach.animate(F.conv2d, X, K, path="x.mp4")),
    (RuntimeError, "Calculated output size", lambda: teach.animate(F.conv2d, X, minigrad.ones(1, 1, 4, 4))),
], ids=lambda x: x if isinstance(x, str) else "")  # fmt: skip
def test_errors_say_what_to_do(error, words, call):
    with pytest.raises(error, match=words):
        call()
