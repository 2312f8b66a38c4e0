"""teach.show: matrices side by side."""

import numpy as np
import pytest

import minigrad
from minigrad import teach


def texts(axes):
    return [text.get_text() for text in axes.texts]


def test_each_tensor_with_its_name_its_shape_and_its_numbers():
    shown = teach.show(X=minigrad.tensor([[0.0, -1.5]]), k=minigrad.tensor([2]))
    assert shown.text() == "X, shape [1, 2]\ntensor([[ 0.0000, -1.5000]])\nk, shape [1]\ntensor([2])"
    assert [axes.get_title() for axes in shown.figure().axes] == ["X", "k"]
    assert [texts(axes) for axes in shown.figure().axes] == [["0", "-1.5"], ["2"]]


def test_channels_become_panels_and_axes_of_size_one_do_not():
    figure = teach.show(image=minigrad.zeros(1, 3, 2, 2), y=minigrad.zeros(1, 1, 2, 2)).figure()
    assert [axes.get_title() for axes in figure.axes] == ["image[0, 0]", "image[0, 1]", "image[0, 2]", "y"]


def test_a_row_that_is_not_full_has_no_empty_frame():
    axes = teach.show(x=minigrad.zeros(7, 2, 2)).figure().axes
    assert len(axes) == 8 and not axes[7].axison and axes[6].axison


def test_many_panels_are_cut_and_the_picture_says_so():
    figure = teach.show(x=minigrad.zeros(40, 2, 2)).figure()
    assert len(figure.axes) == 12 and figure.get_supxlabel() == "the first 12 of 40 matrices"


def test_large_matrices_have_a_colour_bar_in_place_of_numbers():
    for shape in ((30, 20), (40,)):
        figure = teach.show(x=minigrad.randn(*shape)).figure()
        assert texts(figure.axes[0]) == [] and len(figure.axes) == 2


def test_a_colour_bar_goes_from_the_smallest_to_the_largest_value_and_zero():
    image = np.linspace(0, 1, 400).reshape(20, 20)
    for x, limits in ((image, (0, 1)), (image - 2, (-2, 0)), (image - 0.5, (-0.5, 0.5)), (image * np.nan, (-1, 1))):
        axes, bar = teach.show(x=x).figure().axes
        assert bar.get_xlim() == limits and axes.images[0].norm.vmin == -axes.images[0].norm.vmax
    assert teach.show(x=np.arange(40.0)).figure().axes[1].get_ylim() == (0, 39)


def test_a_tensor_with_a_history_and_a_file(tmp_path):
    x = minigrad.ones(2, 2, requires_grad=True) * 2
    teach.show(x=x).save(tmp_path / "x.png")
    assert (tmp_path / "x.png").stat().st_size > 1000


def test_lists_and_arrays_of_numbers_are_shown_too():
    shown = teach.show(X=[[0, 1], [2, 3]], y=(0.5, 1), z=np.eye(2))
    assert shown.text().startswith("X, shape [2, 2]\ntensor([[0, 1],\n        [2, 3]])\ny, shape [2]\n")
    assert [texts(axes) for axes in shown.figure().axes] == [["0", "1", "2", "3"], ["0.5", "1"], ["1", "0", "0", "1"]]


def test_lists_of_several_lengths_have_their_own_frames_and_the_axis_a_name_below_the_last():
    axes = teach.show(x=[1, 2, 3, 4], y=[1, 2]).figure().axes
    assert [(a.patches[0].get_xy(), a.patches[0].get_width()) for a in axes] == [((-0.5, -0.5), 4), ((-0.5, -0.5), 2)]
    assert [a.get_xlim() for a in axes] == [(-0.5, 3.5)] * 2 and [a.get_xlabel() for a in axes] == ["", "column"]
    for a in axes:
        assert not any(tick.gridline.get_visible() for tick in a.yaxis.get_minor_ticks())


def test_numbers_stay_inside_of_their_cells():
    panels = {f"m{n}": 5 * np.random.default_rng(n).standard_normal((n, n)) for n in (2, 5, 10, 15)}
    figure = teach.show(**panels, k=[[0.01, 0], [0, 0]]).figure()
    figure.savefig("/dev/null", format="png")  # lays everything out
    for axes in figure.axes[:5]:  # the sixth is empty
        cell = axes.get_window_extent().width / (axes.get_xlim()[1] + 0.5)
        assert axes.texts and all(t.get_window_extent().width < cell for t in axes.texts), axes.get_title()
    assert all(len(text.partition(".")[2]) <= 1 for text in texts(figure.axes[2]))  # fewer decimals
    assert texts(figure.axes[4]) == ["0.01", "0", "0", "0"]


def test_numbers_too_small_to_read_give_way_to_a_colour_bar():
    figure = teach.show(x=minigrad.ones(4, 16, 16) / 777).figure()
    assert not figure.axes[0].texts and len(figure.axes) == 8


def test_errors():
    for bad in ([[1.0], [2.0, 3.0]], "word", None, {1}):
        with pytest.raises(TypeError, match=r"argument 'X' must be Tensor, an array, or a list .*X=\[\[1, 2\], "):
            teach.show(X=bad)
    with pytest.raises(TypeError, match=r"needs a name, which becomes its title: write show\(X=X\)"):
        teach.show(minigrad.ones(2, 2))
    for bad in (minigrad.tensor(1.0), minigrad.zeros(0, 2)):
        with pytest.raises(ValueError, match=r"show\(\): argument 'b' must have at least one axis and one element"):
            teach.show(b=bad)
