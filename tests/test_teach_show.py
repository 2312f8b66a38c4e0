"""teach.show: matrices side by side."""

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


def test_a_tensor_with_a_history_and_a_file(tmp_path):
    x = minigrad.ones(2, 2, requires_grad=True) * 2
    teach.show(x=x).save(tmp_path / "x.png")
    assert (tmp_path / "x.png").stat().st_size > 1000


def test_errors():
    with pytest.raises(TypeError, match=r"show\(\): argument 'X' must be Tensor, not list"):
        teach.show(X=[1.0])
    for bad in (minigrad.tensor(1.0), minigrad.zeros(0, 2)):
        with pytest.raises(ValueError, match=r"show\(\): argument 'b' must have at least one axis and one element"):
            teach.show(b=bad)
