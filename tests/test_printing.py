"""The text of a tensor: equal to PyTorch's, and to literals that PyTorch 2.13 printed."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from minigrad.printing import format_tensor, set_printoptions

try:
    import torch
except ImportError:
    torch = None

needs_torch = pytest.mark.skipif(torch is None, reason="compares with PyTorch")
DTYPES = ["float32", "float64", "int64", "int32", "uint8", "bool"]


def set_both(**options):
    set_printoptions(**options)
    if torch is not None:
        torch.set_printoptions(**options)


@pytest.fixture(autouse=True)
def default_options():
    set_both(profile="default")
    yield
    set_both(profile="default")


def assert_like_torch(array, **options):
    set_both(profile="default")
    set_both(**options)
    array = np.asarray(array)
    assert format_tensor(array) == repr(torch.tensor(array))


# ---- literals, which need no PyTorch ----

FLOAT = np.float32
KNOWN = [
    (FLOAT([[19, 25], [37, 43]]), "tensor([[19., 25.],\n        [37., 43.]])"),
    (FLOAT([[0.5, -1.25], [3, 4]]), "tensor([[ 0.5000, -1.2500],\n        [ 3.0000,  4.0000]])"),
    (np.array(3), "tensor(3)"),
    (FLOAT(2.5), "tensor(2.5000)"),
    (FLOAT(-0.0), "tensor(-0.)"),
    (FLOAT([-0.0, 1]), "tensor([-0., 1.])"),
    (FLOAT([]), "tensor([])"),
    (FLOAT([]).reshape(0, 3), "tensor([], size=(0, 3))"),
    (np.zeros(0, np.int64), "tensor([], dtype=torch.int64)"),
    (np.zeros((2, 0), bool), "tensor([], size=(2, 0), dtype=torch.bool)"),
    (FLOAT([np.nan, np.inf, -np.inf]), "tensor([nan, inf, -inf])"),
    (FLOAT([np.nan, 1, -np.inf]), "tensor([nan, 1., -inf])"),
    (FLOAT([np.nan, 0.5, -np.inf]), "tensor([   nan, 0.5000,   -inf])"),
    (FLOAT([1e-5, 1]), "tensor([1.0000e-05, 1.0000e+00])"),
    (FLOAT([0.001, 2]), "tensor([1.0000e-03, 2.0000e+00])"),
    (FLOAT([1.5, 1500]), "tensor([   1.5000, 1500.0000])"),
    (FLOAT([1e9]), "tensor([1.0000e+09])"),
    (FLOAT([1e8]), "tensor([100000000.])"),
    (np.float64([1.5]), "tensor([1.5000], dtype=torch.float64)"),
    (np.array([-1, 10, 100]), "tensor([ -1,  10, 100])"),
    (np.uint8([1, 255]), "tensor([  1, 255], dtype=torch.uint8)"),
    (np.int32([[7]]), "tensor([[7]], dtype=torch.int32)"),
    (np.array([True, False]), "tensor([ True, False])"),
    (np.ones((2, 1, 1), FLOAT), "tensor([[[1.]],\n\n        [[1.]]])"),
    (np.arange(1001), "tensor([   0,    1,    2,  ...,  998,  999, 1000])"),
    (
        np.arange(30, dtype=FLOAT),
        "tensor([ 0.,  1.,  2.,  3.,  4.,  5.,  6.,  7.,  8.,  9., 10., 11., 12., 13.,\n"
        "        14., 15., 16., 17., 18., 19., 20., 21., 22., 23., 24., 25., 26., 27.,\n"
        "        28., 29.])",
    ),
    (
        np.arange(1200).reshape(40, 30),
        "tensor([[   0,    1,    2,  ...,   27,   28,   29],\n"
        "        [  30,   31,   32,  ...,   57,   58,   59],\n"
        "        [  60,   61,   62,  ...,   87,   88,   89],\n"
        "        ...,\n"
        "        [1110, 1111, 1112,  ..., 1137, 1138, 1139],\n"
        "        [1140, 1141, 1142,  ..., 1167, 1168, 1169],\n"
        "        [1170, 1171, 1172,  ..., 1197, 1198, 1199]])",
    ),
]


@pytest.mark.parametrize(("array", "text"), KNOWN)
def test_known_text(array, text):
    assert format_tensor(array) == text
    if torch is not None:
        assert repr(torch.tensor(array)) == text


def test_autograd_suffixes():
    x = FLOAT([1, 2])
    assert format_tensor(x, requires_grad=True) == "tensor([1., 2.], requires_grad=True)"
    made = format_tensor(x, requires_grad=True, grad_fn_name="MulBackward0")
    assert made == "tensor([1., 2.], grad_fn=<MulBackward0>)"
    both = format_tensor(np.float64(1), requires_grad=True)
    assert both == "tensor(1., dtype=torch.float64, requires_grad=True)"


def test_prefix_sets_the_indent():
    text = format_tensor(FLOAT([[1], [2]]), prefix="Parameter(")
    assert text == "Parameter([[1.],\n           [2.]])"


def test_layout_in_memory_does_not_matter():
    a = np.arange(6, dtype=FLOAT).reshape(2, 3)
    for view in (a.T, a[::-1], a[:, ::2], a.astype(">f4")):
        plain = np.ascontiguousarray(view, FLOAT)
        assert format_tensor(view) == format_tensor(plain)


# ---- against PyTorch ----


@needs_torch
@pytest.mark.parametrize("linewidth", [20, 46, 80])
@pytest.mark.parametrize("digits", [1, 2, 3, 4])
def test_suffixes_wrap_where_pytorch_wraps(digits, linewidth):
    """The last line takes every length up to the one that leaves no room for a suffix."""
    set_both(linewidth=linewidth)
    for n in range(1, 30):
        array = np.full(n, 10.0 ** (digits - 1))
        leaf = torch.tensor(array, requires_grad=True)
        assert format_tensor(array, requires_grad=True) == repr(leaf)
        made = format_tensor(array, requires_grad=True, grad_fn_name="MulBackward0")
        assert made == repr(leaf * 1)


@st.composite
def any_array(draw):
    dtype = np.dtype(draw(st.sampled_from(DTYPES)))
    shape = draw(arrays.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=9))
    if dtype.kind != "f":
        return draw(arrays.arrays(dtype, shape))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    array = rng.standard_normal(shape) * 10.0 ** draw(st.integers(-6, 10))
    if draw(st.booleans()):
        array = array * 10.0 ** rng.uniform(-4, 4, shape)
    if draw(st.booleans()):
        array = np.round(array)
    if draw(st.booleans()):
        special = rng.choice([np.nan, np.inf, -np.inf, 0.0, -0.0], shape)
        array = np.where(rng.random(shape) < 0.2, special, array)
    return np.asarray(array).astype(dtype)


@needs_torch
@settings(max_examples=300)
@given(array=any_array())
def test_any_array(array):
    assert_like_torch(array)


@needs_torch
@settings(max_examples=300)
@given(
    array=any_array(),
    precision=st.integers(0, 8),
    threshold=st.sampled_from([0, 5, 40, 1000, math.inf]),
    edgeitems=st.integers(0, 4),
    linewidth=st.integers(1, 120),
    sci_mode=st.sampled_from([None, True, False]),
)
def test_any_options(array, **options):
    assert_like_torch(array, **options)


@needs_torch
@settings(max_examples=200)
@given(array=arrays.arrays(st.sampled_from([np.float32, np.float64]), st.integers(1, 4)))
def test_any_floats(array):
    """Every bit pattern: denormals, the largest numbers, NaN with payloads."""
    assert_like_torch(array)


@needs_torch
@pytest.mark.parametrize(
    "shape", [(1000,), (1001,), (7, 200), (2, 600), (600, 2), (20, 3, 5, 7), (1, 1, 1200)]
)
def test_summaries(shape):
    array = np.random.default_rng(0).standard_normal(shape)
    assert_like_torch(array)
    # What is left out has no say in the width and the notation.
    array.flat[array.size // 2] = 1e9
    assert_like_torch(array)


# ---- options ----


def test_options():
    a = FLOAT([[1.23456, 2]])
    set_printoptions(precision=2)
    assert format_tensor(a) == "tensor([[1.23, 2.00]])"
    set_printoptions(sci_mode=True)
    assert format_tensor(a) == "tensor([[1.23e+00, 2.00e+00]])"
    set_printoptions(threshold=1)  # and sci_mode, not given, is None again
    assert format_tensor(a) == "tensor([[1.23, 2.00]])"
    set_printoptions(edgeitems=1)
    assert format_tensor(np.arange(9)) == "tensor([0,  ..., 8])"
    set_printoptions(profile="default")
    assert format_tensor(a) == "tensor([[1.2346, 2.0000]])"


@needs_torch
@pytest.mark.parametrize("profile", ["default", "short", "full"])
@pytest.mark.parametrize("more", [{}, {"precision": 3}, {"edgeitems": 1, "threshold": 4}])
def test_profiles(profile, more):
    set_both(precision=1, threshold=3, edgeitems=5, linewidth=30, sci_mode=True)
    set_both(profile=profile, **more)
    for array in (np.linspace(0, 1, 1100), np.linspace(-1, 1, 30).reshape(10, 3)):
        assert format_tensor(array) == repr(torch.tensor(array))


def test_bad_profile():
    with pytest.raises(ValueError, match="profile.*'fancy'"):
        set_printoptions(profile="fancy")
