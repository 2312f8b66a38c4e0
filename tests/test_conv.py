"""Convolutions in depth: every argument, in 1 to 3 dimensions, against PyTorch; padding; fold; the layers.

The shapes are small; that the kernels are right for large ones is held in test_kernels.
"""

import numpy as np
import pytest
import torch
from cases_conv import convolve
from helpers import F as f
from helpers import check, check_error, random
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad
from minigrad import nn
from minigrad.nn import functional as F

DIMS = pytest.mark.parametrize("dims", [1, 2, 3])
MODES = pytest.mark.parametrize("mode", ["reflect", "replicate", "circular"])


def conv(dims, *args, **kwargs):
    return lambda m, *tensors: getattr(f(m), f"conv{dims}d")(*tensors, *args, **kwargs)


# ---- convolution

SPACINGS = [
    (1, 0, 1), (2, 1, 1), ((2, 1), (0, 2), 1), (1, (1, 2), 2), (3, 2, (1, 2)), ((1, 3), 1, (2, 1)),
    (1, "same", 1), (1, "same", 2), ((1, 1), "same", (1, 3)), (2, "valid", 1), ([2, 2], [1], [1, 1]),
]  # fmt: skip
KERNELS = [(1, 1), (2, 3), (4, 3)]  # 'same' with an even kernel pads unevenly
UNEVEN = pytest.mark.filterwarnings("ignore:Using padding='same':UserWarning")  # PyTorch copies, and says so


@UNEVEN
@pytest.mark.parametrize("kernel", KERNELS, ids=str)
@pytest.mark.parametrize("stride, padding, dilation", SPACINGS, ids=str)
def test_conv2d_for_every_spacing(stride, padding, dilation, kernel):
    def conv(m, x, w, b):
        return f(m).conv2d(x, w, b, stride, padding, dilation)

    check(conv, (2, 2, 8, 9), (3, 2, *kernel), (3,), differences=False)


@pytest.mark.parametrize("groups", [1, 2, 4])
@pytest.mark.parametrize("multiplier", [1, 3])
@pytest.mark.parametrize("bias", [True, False])
def test_conv2d_in_groups(groups, multiplier, bias):
    inputs = [(2, 4, 5, 5), (groups * multiplier, 4 // groups, 2, 3)]
    check(
        lambda m, x, w, b=None: f(m).conv2d(x, w, b, 2, 1, groups=groups),
        *inputs, *[(groups * multiplier,)] * bias, differences=False,
    )  # fmt: skip


@pytest.mark.parametrize("stride", [(True, 1), [[1], [1]], {1: 1}, 1.0])
def test_conv2d_names_a_wrong_argument_also_when_a_right_one_came_before(stride):
    x, w = minigrad.ones(1, 1, 5, 5), minigrad.ones(1, 1, 3, 3)
    F.conv2d(x, w, stride=(1, 1))
    with pytest.raises(TypeError, match="'stride'"):
        F.conv2d(x, w, stride=stride)


@DIMS
def test_with_and_without_a_batch(dims):
    for batch in ((), (1,), (0,)):
        x, w = (*batch, 2, *(4, 5, 3)[:dims]), (2, 2, *(2, 3, 1)[:dims])
        for name in ("conv", "conv_transpose"):
            check(lambda m, x, w: getattr(f(m), f"{name}{dims}d")(x, w, stride=2, padding=1), x, w,  # noqa: B023
                  differences=False)  # fmt: skip


def test_what_the_division_of_sizes_loses_gets_no_gradient():
    """(6 - 3) // 2 leaves the last row and column unseen: they exist, and their gradient is 0."""
    check(lambda m, x, w: f(m).conv2d(x, w, stride=2), (1, 1, 6, 6), (1, 1, 3, 3), differences=False)
    x = minigrad.ones(1, 1, 6, 6, requires_grad=True)
    F.conv2d(x, minigrad.ones(1, 1, 3, 3), stride=2).sum().backward()
    assert x.grad[0, 0, 5].tolist() == [0] * 6 == x.grad[0, 0, :, 5].tolist()


@DIMS
@given(data=st.data())
@settings(max_examples=15)
def test_drawn_arguments(dims, data):
    """Any spacing, groups and kernel, of a convolution or (with an output_padding) a transposed one."""

    def draw(least, most):
        return data.draw(st.tuples(*[st.integers(least, most)] * dims))

    kernel, stride, padding, dilation = draw(1, 3), draw(1, 3), draw(0, 2), draw(1, 3)
    groups, c, d = (data.draw(st.integers(1, 2)) for _ in range(3))
    if data.draw(st.booleans()):
        name, weight = f"conv_transpose{dims}d", (groups * c, d, *kernel)
        more = tuple(data.draw(st.integers(0, max(s, l) - 1)) for s, l in zip(stride, dilation))
        least = [1 + max(0, -(-(2 * p - l * (k - 1)) // s)) for k, s, p, l in zip(kernel, stride, padding, dilation)]
    else:
        name, weight, more = f"conv{dims}d", (groups * d, c, *kernel), None
        least = [max(1, l * (k - 1) + 1 - 2 * p) for k, p, l in zip(kernel, padding, dilation)]
    size = [data.draw(st.integers(n, n + 3)) for n in least]
    options = dict(stride=stride, padding=padding, dilation=dilation, groups=groups)
    options |= {} if more is None else {"output_padding": more}
    check(lambda m, x, w, b: getattr(f(m), name)(x, w, b, **options),
          (data.draw(st.integers(1, 2)), groups * c, *size), weight, (groups * d,), order=1, differences=False)


@UNEVEN
@DIMS
def test_same_keeps_the_size(dims):
    for k in range(1, 6):
        for l in (1, 2):
            x = (1, 1, *(6, 2, 3)[:dims])
            check(conv(dims, padding="same", dilation=l), x, (1, 1, *(k, 2, 3)[:dims]), differences=False)


def test_layouts_of_the_arguments_make_no_difference():
    x, w = random(2, 3, 6, 5), random(4, 3, 3, 2, seed=1)
    expected = F.conv2d(minigrad.tensor(x), minigrad.tensor(w)).numpy()
    frozen = x.copy()
    frozen.flags.writeable = False
    for like_x in (np.asfortranarray(x), x[::-1][::-1], np.repeat(x, 2, axis=3)[..., ::2]):
        assert np.array_equal(F.conv2d(minigrad.tensor(like_x), minigrad.tensor(w)).numpy(), expected)
    swapped = minigrad.tensor(x.transpose(3, 2, 1, 0).copy()).permute(3, 2, 1, 0)
    assert np.array_equal(F.conv2d(swapped, minigrad.tensor(w)).numpy(), expected)
    flipped = minigrad.from_numpy(w[::-1].copy()).flip(0)
    assert np.array_equal(F.conv2d(minigrad.tensor(frozen), flipped).numpy(), expected)


def test_one_tensor_may_be_image_and_kernel():
    check(lambda m, x: f(m).conv2d(x, x, padding=1), (2, 2, 2, 2))


@DIMS
@pytest.mark.parametrize("stride, padding, dilation, groups", [(1, 0, 1, 1), (2, 1, 1, 2), (3, 2, 2, 1)])
def test_the_identity_of_the_three_operators(dims, stride, padding, dilation, groups):
    """<g, conv(x, w)> = <conv_transpose(g, w), x> = <w, dw>, with no finite difference."""
    options = dict(stride=stride, padding=padding, dilation=dilation, groups=groups)
    x = minigrad.tensor(random(2, 4, *(7, 5, 6)[:dims]), requires_grad=True)
    w = minigrad.tensor(random(6, 4 // groups, *(2, 3, 1)[:dims]), requires_grad=True)
    y = getattr(F, f"conv{dims}d")(x, w, **options)
    g = minigrad.tensor(random(*y.shape, seed=1))
    dx, dw = minigrad.autograd.grad(y, (x, w), g)
    lost = [(n + 2 * padding - dilation * (k - 1) - 1) % stride for n, k in zip(x.shape[2:], w.shape[2:])]
    back = getattr(F, f"conv_transpose{dims}d")(g, w, **options, output_padding=lost)
    np.testing.assert_allclose(back.numpy(force=True), dx.numpy(), rtol=1e-12, atol=1e-12)
    value = (g * y).sum().item()
    assert np.isclose(value, (dx * x).sum().item()) and np.isclose(value, (dw * w).sum().item())


@pytest.mark.parametrize("dims, stride, dilation, output_padding", [
    (1, 1, 3, 2), (1, 2, 5, 4), (2, 2, 1, 1), (2, (1, 3), (2, 1), (1, 2)), (2, 1, 3, (2, 1)), (3, (1, 2, 1), 2, 1),
])  # fmt: skip
def test_output_padding_below_the_stride_or_the_dilation(dims, stride, dilation, output_padding):
    for padding in (0, 2):
        check(
            lambda m, x, w, b: getattr(f(m), f"conv_transpose{dims}d")(
                x, w, b, stride, padding, output_padding, dilation=dilation),  # noqa: B023
            (1, 2, *(4, 3, 2)[:dims]), (2, 1, *(3, 2, 4)[:dims]), (1,), differences=False,
        )  # fmt: skip


def test_true_convolution_is_numpys():
    x, w = random(9), random(4, seed=1)
    y = F.convolve1d(minigrad.tensor(x)[None], minigrad.tensor(w)[None, None])[0].numpy()
    np.testing.assert_allclose(y, np.convolve(x, w, "valid"), rtol=1e-12)
    for dims in (1, 2, 3):
        x, w, b = (2, 4, *(5, 4, 3)[:dims]), (2, 2, *(2, 3, 1)[:dims]), (2,)
        check(lambda m, x, w, b: convolve(m, x, w, b, 2, 1, 2, 2), x, w, b, differences=False)


def test_integers_are_convolved_exactly_or_not_at_all():
    x, w = minigrad.tensor([[[2**25 + 1, 3, -1]]]), minigrad.tensor([[[1, 2**25 - 1]]])
    assert F.conv1d(x, w).tolist() == [[[2**25 + 1 + 3 * (2**25 - 1), 3 - (2**25 - 1)]]]
    with pytest.raises(NotImplementedError, match="large"):
        F.conv1d(x * 2**10, w * 2**10)
    rng = np.random.default_rng(0)
    x, w = rng.integers(400_000, 900_000, (2, 64, 10, 10)), rng.integers(400_000, 900_000, (16, 64, 3, 3))
    windows = np.lib.stride_tricks.sliding_window_view(x, (3, 3), (2, 3))
    expected = np.einsum("nchwij,dcij->ndhw", windows, w)
    np.testing.assert_array_equal(F.conv2d(minigrad.from_numpy(x), minigrad.from_numpy(w)).numpy(), expected)


# ---- padding

PADS = [
    ((1, 3, 5), (2, 1)), ((2, 4), (3, 0)), ((3, 5), (-1, 2)), ((1, 2, 6), (2, -3)), ((2, 3), (0, 0)),
    ((2, 4), (-1, -1)), ((1, 2, 3, 4), (1, 2, 0, 1)), ((2, 3, 4), (-1, 1, 2, 0)), ((0, 1, 2, 3), (1, 1, 1, 1)),
    ((1, 2, 2, 3, 2), (1, 0, 2, 2, 0, 1)), ((1, 3, 2, 2), (1, 1, 0, 1, -1, 2)),
]  # fmt: skip


@MODES
@pytest.mark.parametrize("shape, sizes", PADS, ids=str)
def test_padding_modes(mode, shape, sizes):
    check(lambda m, x: f(m).pad(x, sizes, mode), shape, differences=False)


@MODES
def test_padding_without_an_effect_is_a_copy(mode):
    x = minigrad.ones(1, 2, 3)
    y = F.pad(x, (0, 0), mode)
    y.add_(1)
    assert x.sum() == 6 and y.sum() == 12


def test_a_constant_border_has_the_dtype_of_the_input():
    for value in (0, 1, 2.7, True, -3):
        check(lambda m, x: (f(m).pad(x, (1, 0), value=value), f(m).pad(x > 2, (1, 0), value=value)),  # noqa: B023
              np.arange(4), differences=False)  # fmt: skip


# ---- fold and unfold

WINDOWS = [
    dict(kernel_size=2), dict(kernel_size=(3, 2), dilation=(1, 2)), dict(kernel_size=2, padding=1, stride=2),
    dict(kernel_size=(1, 3), dilation=2, padding=(0, 2), stride=(3, 1)), dict(kernel_size=1), dict(kernel_size=[2, 4]),
]  # fmt: skip


@pytest.mark.parametrize("options", WINDOWS, ids=str)
@pytest.mark.parametrize("batch", [(), (0,), (2,)], ids=str)
def test_unfold_and_fold_undo_each_other(options, batch):
    shape = (*batch, 2, 4, 5)
    check(lambda m, x: f(m).unfold(x, **options), shape, differences=False)
    columns = F.unfold(minigrad.zeros(shape), **options).shape
    check(lambda m, x: f(m).fold(x, (4, 5), **options), tuple(columns), differences=False)


def test_a_convolution_is_a_product_with_the_unfolded_image():
    x, w = minigrad.tensor(random(2, 3, 5, 6)), minigrad.tensor(random(4, 3, 2, 3))
    product = w.view(4, -1) @ F.unfold(x, (2, 3))
    np.testing.assert_allclose(product.view(2, 4, 4, 4).numpy(), F.conv2d(x, w).numpy(), rtol=1e-12, atol=1e-12)


# ---- the layers

LAYERS = [
    "Conv1d(4, 6, 3, 2, 1, groups=2)", "Conv1d(4, 2, 2, padding='same', padding_mode='circular')",
    "Conv2d(4, 6, (3, 2), 2, (1, 0), groups=2)", "Conv2d(4, 2, 2, padding='same', dilation=2, bias=False)",
    "Conv2d(4, 2, 3, 2, (1, 2), padding_mode='reflect')", "Conv2d(4, 4, 3, padding='valid', padding_mode='replicate')",
    "Conv2d(4, 1, (2, 3), padding='same', padding_mode='reflect')", "Conv3d(4, 2, (1, 2, 3), (1, 2, 1), 1)",
    "Conv3d(4, 2, 2, padding=1, padding_mode='replicate')", "ConvTranspose1d(4, 6, 3, 2, 1, 1, 2)",
    "ConvTranspose2d(4, 2, (2, 3), (1, 2), output_padding=(0, 1), bias=False)", "ConvTranspose2d(4, 2, 2, dilation=2)",
    "ConvTranspose3d(4, 2, (1, 2, 2), 2, padding=(0, 1, 0))",
]  # fmt: skip


@UNEVEN
@pytest.mark.parametrize("code", LAYERS)
def test_layers_are_pytorchs(code):
    """The same initial numbers after the same seed, the same text, the same outputs with and without a batch."""
    made = []
    for m in (minigrad, torch):
        m.manual_seed(0)
        made.append(eval(code, vars(m.nn).copy()))
    mine, theirs = made
    assert str(mine) == str(theirs)
    for x, y in zip(mine.parameters(), theirs.parameters()):
        np.testing.assert_array_equal(x.numpy(force=True), y.numpy(force=True))
    size = (4, 5, 4, 6)[: int(code.split("d(")[0][-1]) + 1]
    for shape in (size, (2, *size)):
        check(lambda m, x: (mine if m is minigrad else theirs).to(x.dtype)(x), shape, order=1, differences=False)


@DIMS
def test_transposed_layers_take_an_output_size(dims):
    name = f"ConvTranspose{dims}d"
    for m in (minigrad, torch):
        layer, x = getattr(m.nn, name)(2, 3, 3, stride=2, padding=1), m.zeros(1, 2, *[3] * dims)
        for size in ((5, 6, 5)[:dims], [6, 5, 6][:dims], (1, 3, *(5, 5, 6)[:dims])):
            assert layer(x, output_size=size).shape[2:] == tuple(size[-dims:])
        assert layer(x[0], [6] * dims).shape == (3, *[6] * dims)


# ---- what they refuse


def z(*shape):
    return f"z({shape})"


def refused(dims, transposed):
    """(code, exception, words): what one function refuses."""
    name = f"conv_transpose{dims}d" if transposed else f"conv{dims}d"
    four, two, ones = (4,) * dims, (2,) * dims, (1,) * dims
    x, w = z(1, 1, *four), z(1, 1, *two)
    sizes = ["stride", "padding", "dilation"] + ["output_padding"] * transposed
    rows = [
        *((f"{x}, {w}, {arg}={n}", RuntimeError, arg, n)
          for arg in ("stride", "dilation") for n in (0, -1, (0, *ones[1:]), (1, *ones), ())),
        *((f"{x}, {w}, {arg}={n}", RuntimeError, arg, n)
          for arg in sizes if "padding" in arg for n in (-1, (-1, *ones[1:]), (1, *ones))),
        *((f"{x}, {w}, {arg}={n!r}", TypeError, arg) for arg in [*sizes, "groups"] for n in (1.0, None, (1.0, 1))),
        *((f"{x}, {w}, {arg}='1'", TypeError, arg) for arg in sizes if arg != "padding"),
        (f"{x}, {w}, groups=(1,)", TypeError, "groups"),
        *((f"{x}, {w}, groups={n}", RuntimeError, "groups", n) for n in (0, -1, 2)),
        (f"{z(*four[1:])}, {w}", RuntimeError, list(four[1:]), f"{dims + 1}D"),
        (f"{z(1, 1, 1, *four)}, {w}", RuntimeError, [1, 1, 1, *four], f"{dims + 2}D"),
        *((f"{x}, {z(*shape)}", RuntimeError, list(shape), "weight") for shape in (two, (1, *two), (1, 1, 1, *two))),
        (f"{x}, {w}, z(2)", RuntimeError, "bias", [1, 1, *two]),
        (f"{x}, {w}, z(1, 1)", RuntimeError, "bias", [1, 1]),
        (f"{x}.double(), {w}", RuntimeError, "float64", "float32", "weight"),
        (f"{x}, {w}.double()", RuntimeError, "float64", "float32", "weight"),
        (f"{x}.long(), {w}", RuntimeError, "int64", "float32"),
        (f"{x}.bool(), {w}.bool()", NotImplementedError, "Bool"),
        (f"[[1.0]], {w}", TypeError, "input", "list"),
        (f"{x}, None", TypeError, "weight", "NoneType"),
        (f"{x}, {w}, 1.0", TypeError, "bias", "float"),
        (f"{x}, {w}, color=1", TypeError, "color"),
        (x, TypeError, "weight"),
        (f"{x}, {z(1, 1, 0, *two[1:])}", RuntimeError, [1, 1, 0, *two[1:]]),
        (f"{z(1, 1, 0, *four[1:])}, {w}, padding=1", RuntimeError, [1, 1, 0, *four[1:]]),
    ]
    if transposed:
        rows += [
            (f"{x}, {z(2, 1, *two)}", RuntimeError, [2, 1, *two], [1, 1, *four], "2 channels"),
            (f"{z(1, 3, *four)}, {z(3, 1, *two)}, groups=2", RuntimeError, "groups=2", [3, 1, *two]),
            (f"{x}, {w}, output_padding=1", RuntimeError, "output_padding=(1,", "stride"),
            (f"{x}, {w}, stride=2, output_padding=2", RuntimeError, "output_padding=(2,", "stride=(2,"),
            (f"{x}, {w}, padding=3", RuntimeError, [-1] * dims, [1, 1, *four]),
            (f"{x}, {w}, padding='same'", TypeError, "padding", "str"),
            (f"{x}.int(), {w}.int()", NotImplementedError, "Int"),
        ]
    else:
        rows += [
            (f"{x}, {z(1, 2, *two)}", RuntimeError, [1, 2, *two], [1, 1, *four], "2 channels"),
            (f"{z(1, *four)}, {z(1, 2, *two)}", RuntimeError, [1, 2, *two], [1, 1, *four], "channels"),
            (f"{z(1, 2, *four)}, {z(3, 1, *two)}, groups=2", RuntimeError, "groups=2", [3, 1, *two]),
            (f"{z(1, 3, *four)}, {z(2, 1, *two)}, groups=2", RuntimeError, [2, 1, *two], [1, 3, *four]),
            (f"{x}, {w}, padding='SAME'", RuntimeError, "SAME"),
            (f"{x}, {w}, padding='same', stride=2", RuntimeError, "same", "stride"),
            (f"{x}, {w}, dilation=4", RuntimeError, list(four), [5] * dims),
            (f"{x}, {z(1, 1, 7, *ones[1:])}, padding=1", RuntimeError, [6] * dims, [7, *ones[1:]]),
            (f"{x}, {w}, padding=2**62", RuntimeError, "padding", 2**62),
            (f"{x}, {w}, dilation=2**31", RuntimeError, "dilation"),
        ]
    return [(f"F.{name}({code})", *expected) for code, *expected in rows]


REFUSED = [row for dims in (1, 2, 3) for transposed in (False, True) for row in refused(dims, transposed)]
X = "z(1, 1, 3, 4)"
REFUSED += [
    *((f"F.pad(z{shape}, {n}, {mode!r})", NotImplementedError, list(shape), mode, n)
      for mode in ("reflect", "replicate", "circular")
      for shape, n in (((4,), [1, 1]), ((2, 4), [1, 1, 1, 1]), ((1, 1, 2, 4), [1, 1]), ((2, 2), []))),
    *((f"F.pad(z{shape}, {n}, {mode!r})", RuntimeError, list(shape), n, mode)
      for mode in ("reflect", "replicate", "circular")
      for shape, n in (((2, 4), [1]), ((4,), [1, 1, 1, 1]), ((2, 4), [-3, -3]), ((1, 1, 0), [1, 1]))),
    *((f"F.pad(z(1, 4), (1, 1), {mode!r}, 1)", RuntimeError, "value") for mode in ("reflect", "circular")),
    *((f"F.pad(z(1, 4), {n}, 'reflect')", RuntimeError, "less than", [1, 4]) for n in ((4, 0), (0, 5))),
    *((f"F.pad(z(1, 4), {n}, 'circular')", RuntimeError, "more than once", [1, 4]) for n in ((5, 0), (0, 5), (4, -1))),
    *((f"F.pad(z{shape}, (1, 1), 'replicate')", RuntimeError, list(shape)) for shape in ((1, 0, 4), (0, 4), (2, 0))),
    *((f"F.pad(z(1, 4).bool(), (1, 1), '{mode}')", NotImplementedError, "Bool") for mode in ("reflect", "replicate")),
    ("F.pad(z(4), (-5, 6))", RuntimeError, [-5, 6], [4]),
    ("F.pad(z(4), 1)", TypeError, "pad", "int"),
    ("F.pad(z(4), (1.0, 1))", TypeError, "pad", "float"),
    ("F.pad(z(4), (1, 1), None)", TypeError, "mode"),
    ("F.pad(z(4), (1, 1), 'mirror')", NotImplementedError, "mirror", "reflect"),
    ("F.pad(z(4), (1, 1), value='0')", TypeError, "str"),
    ("F.pad(z(4).long(), (1, 1), value=float('inf'))", RuntimeError, "inf"),
    *((f"F.unfold({X}, {n})", RuntimeError, "kernel_size", n) for n in (0, -1, (2, 0), (2,), (2, 2, 2), ())),
    *((f"F.unfold({X}, {n!r})", TypeError, "kernel_size") for n in (2.0, None, True, "22")),
    *((f"F.unfold({X}, 2, {name}={n})", RuntimeError, name, n)
      for name in ("dilation", "stride") for n in (0, -1, (1,), (1, 1, 1))),
    (f"F.unfold({X}, 2, padding=-1)", RuntimeError, "padding", -1),
    *((f"F.unfold({X}, {n})", RuntimeError, [1, 1, 3, 4]) for n in (4, (3, 5))),
    *((f"F.unfold(z{shape}, 2)", RuntimeError, list(shape)) for shape in ((1, 0, 3, 4), (0, 3, 4), (1, 1, 1, 3, 4))),
    *((f"F.unfold(z{shape}, 2)", IndexError, list(shape)) for shape in ((3, 4), (4,))),
    (f"F.unfold({X}.long(), 2)", NotImplementedError, "int64"),
    ("F.unfold([1.0], 2)", TypeError, "input", "list"),
    *((f"F.fold(z{shape}, (3, 4), 2)", RuntimeError, list(shape))
      for shape in ((1, 3, 6), (1, 4, 5), (1, 0, 6), (6,), (1, 1, 4, 6))),
    *((f"F.fold(z(1, 4, 6), {n}, 2)", RuntimeError, "output_size", n) for n in ((3,), (3, 4, 1), (-3, 4))),
    *((f"F.fold(z(1, 4, 6), {n}, 2)", RuntimeError, [1, 4, 6]) for n in (3, (0, 4), (1, 4))),
    *((f"F.fold(z(1, 4, 6), {n}, 2)", TypeError, "output_size") for n in (None, 3.0)),
    ("F.fold(z(1, 4, 6).int(), (3, 4), 2)", NotImplementedError, "int32"),
    *((f"n.{layer}(1, 1, 2, padding_mode='mirror')", ValueError, "padding_mode", "mirror")
      for layer in ("Conv1d", "Conv3d")),
    ("n.ConvTranspose2d(1, 1, 2, padding_mode='reflect')", ValueError, "ConvTranspose2d", "reflect"),
    ("n.Conv1d(1, 1, 2, padding='full')", ValueError, "full", "same"),
    ("n.Conv3d(1, 1, 2, 2, 'same')", ValueError, "same", "stride"),
    *((f"n.{layer}({code}, 2, groups=2)", ValueError, word, "groups=2")
      for layer in ("Conv1d", "ConvTranspose1d")
      for code, word in (("3, 2", "in_channels=3"), ("2, 3", "out_channels=3"))),
    *((f"n.ConvTranspose1d(1, 1, 3, 2)(z(1, 1, 4), output_size={size})", ValueError, size)
      for size in ([8], [11], [1, 9], [9, 9])),
    ("n.Conv2d(1, 1, 3, padding=4, padding_mode='reflect')(z(1, 1, 4, 4))", RuntimeError, [1, 1, 4, 4], "reflect"),
]  # fmt: skip


@pytest.mark.parametrize("code, exception, words", [(c, e, w) for c, e, *w in REFUSED], ids=[c for c, *_ in REFUSED])
def test_both_libraries_refuse(code, exception, words):
    check_error(lambda m: eval(code, {"F": f(m), "n": m.nn, "z": m.zeros}), exception, *words)


def test_refused_where_pytorch_reads_foreign_memory_or_forgets_to_look():
    with pytest.raises(RuntimeError, match="more than once"):
        F.pad(minigrad.zeros(1, 4), (-4, 3), "circular")
    with pytest.raises(RuntimeError, match="output padding"):  # PyTorch takes any for an empty batch
        F.conv_transpose1d(minigrad.zeros(0, 1, 4), minigrad.zeros(1, 1, 2), output_padding=1)
    with pytest.raises(RuntimeError, match="only the batch may be empty"):  # PyTorch returns no channels
        F.conv2d(minigrad.zeros(1, 0, 4, 4), minigrad.zeros(3, 0, 2, 2))
    with pytest.raises(RuntimeError, match="bias"):
        F.conv_transpose1d(minigrad.zeros(1, 1, 4), minigrad.zeros(1, 1, 2), minigrad.zeros(1).double())
    for layer in (nn.Conv1d, nn.ConvTranspose3d):
        with pytest.raises(RuntimeError, match=r"stride=0"):
            layer(1, 1, 2, stride=0)
