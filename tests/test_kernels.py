"""The compiled kernels against their formulas, PyTorch, and each other."""

import itertools
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minigrad import kernels
from minigrad.kernels import loops, tables
from minigrad.teach import loops as reference

REALS = [np.float32, np.float64]
property_test = settings(max_examples=50)


def available(level):
    try:
        kernels.set_simd_level(level)
    except ValueError:
        return False
    return True


BEST = kernels.simd_level()
LEVELS = [level for level in ("baseline", "avx2", "avx512") if available(level)]
kernels.set_simd_level(BEST)


@pytest.fixture(autouse=True)
def settings_restored():
    threads = kernels.get_num_threads()
    yield
    kernels.set_num_threads(threads)
    kernels.set_simd_level(BEST)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


# Oracles, from the formula: output o sees x[o * stride - padding + k * dilation] through tap k.


def sights(x, w_shape, stride, padding, dilation):
    """For each tap, as an index: the padded x, and the index of what the tap sees of it."""
    kernel = w_shape[2:]
    padded = np.pad(x, [(0, 0), (0, 0), *padding])
    reach = [d * (k - 1) + 1 for k, d in zip(kernel, dilation)]
    for tap in itertools.product(*map(range, kernel)):
        first = [t * d for t, d in zip(tap, dilation)]
        end = [f + s - r + 1 for f, s, r in zip(first, padded.shape[2:], reach)]
        index = (..., *(slice(f, e, s) for f, e, s in zip(first, end, stride)))
        yield (..., *tap), padded, index


def split(x, groups, axis):
    return np.split(x, groups, axis)


def oracle_forward(x, w, bias, stride, padding, dilation, groups):
    y = 0
    for tap, padded, index in sights(x, w.shape, stride, padding, dilation):
        pairs = zip(split(padded[index], groups, 1), split(w[tap], groups, 0))
        y = y + np.concatenate([np.einsum("nc...,dc->nd...", *pair) for pair in pairs], 1)
    return y if bias is None else y + bias.reshape(-1, *[1] * (y.ndim - 2))


def oracle_input_grad(g, w, x_shape, stride, padding, dilation, groups):
    zeros = np.zeros(x_shape, g.dtype)
    for tap, padded, index in sights(zeros, w.shape, stride, padding, dilation):
        pairs = zip(split(g, groups, 1), split(w[tap], groups, 0))
        padded[index] += np.concatenate([np.einsum("nd...,dc->nc...", *pair) for pair in pairs], 1)
    return padded[(..., *(slice(b, b + s) for (b, _), s in zip(padding, x_shape[2:])))]


def oracle_weight_grad(x, g, w_shape, stride, padding, dilation, groups):
    dw = np.zeros(w_shape, x.dtype)
    axes = [0, *range(2, x.ndim)]
    for tap, padded, index in sights(x, w_shape, stride, padding, dilation):
        pairs = zip(split(g, groups, 1), split(padded[index], groups, 1))
        dw[tap] = np.concatenate([np.tensordot(*pair, (axes, axes)) for pair in pairs], 0)
    return dw


def oracle_max_pool(x, kernel, stride, padding, dilation, output_size):
    """PyTorch's rule, written as its loop: a larger number or a NaN replaces what was found."""
    y = np.full((*x.shape[:2], *output_size), -np.inf, x.dtype)
    indices = np.full(y.shape, -1)
    for o in itertools.product(*map(range, y.shape)):
        for tap in itertools.product(*map(range, kernel)):
            at = [i * s - p + t * d for i, s, p, t, d in zip(o[2:], stride, padding, tap, dilation)]
            if all(0 <= a < size for a, size in zip(at, x.shape[2:])):
                value = x[(*o[:2], *at)]
                if indices[o] == -1 or value > y[o] or np.isnan(value):
                    y[o], indices[o] = value, np.ravel_multi_index(at, x.shape[2:])
    return y, indices


@st.composite
def geometries(draw):
    """x_shape, w_shape and (stride, padding, dilation, groups) of a convolution."""
    rank = draw(st.integers(1, 3))

    def ints(low, high):
        return tuple(draw(st.lists(st.integers(low, high), min_size=rank, max_size=rank)))

    kernel, stride, dilation = ints(1, 4 if rank < 3 else 3), ints(1, 4), ints(1, 3)
    padding = tuple(zip(ints(0, 5), ints(0, 5)))
    spare = ints(0, 12 if rank < 3 else 4)
    size = tuple(
        max(1, (k - 1) * d + 1 - before - after) + s
        for k, d, (before, after), s in zip(kernel, dilation, padding, spare)
    )
    groups = draw(st.sampled_from([1, 1, 2, 3]))
    channels = draw(st.integers(1, 5))
    depth = draw(st.sampled_from([1, 2, 5, 8, 17, 20, 35]))
    images = draw(st.sampled_from([1, 2, 3, 4, 8, 17]))  # fewer and more than a vector holds
    x_shape = (images, groups * channels, *size)
    w_shape = (groups * depth, channels, *kernel)
    return x_shape, w_shape, (stride, padding, dilation, groups)


def operands(geometry, dtype=np.float64, seed=0):
    """Random x, w, bias and g of a geometry."""
    x_shape, w_shape, arguments = geometry
    rng = np.random.default_rng(seed)
    x, w, bias = (rng.standard_normal(s).astype(dtype) for s in (x_shape, w_shape, w_shape[:1]))
    shape = oracle_forward(x, w, None, *arguments).shape
    return x, w, bias, rng.standard_normal(shape).astype(dtype)


def all_three(x, w, bias, g, arguments):
    return (
        kernels.conv_forward(x, w, bias, *arguments),
        kernels.conv_input_grad(g, w, x.shape, *arguments),
        kernels.conv_weight_grad(x, g, w.shape, *arguments),
    )


def all_oracles(x, w, bias, g, arguments):
    return (
        oracle_forward(x, w, bias, *arguments),
        oracle_input_grad(g, w, x.shape, *arguments),
        oracle_weight_grad(x, g, w.shape, *arguments),
    )


def assert_close(actual, expected, dtype):
    """Equal up to rounding, relative to the largest number: a sum may cancel."""
    assert actual.dtype == dtype and actual.shape == expected.shape
    scale = np.abs(expected).max(initial=1e-30)
    np.testing.assert_allclose(
        actual / scale, expected / scale, rtol=0, atol=500 * np.finfo(dtype).eps
    )


def check_on_threads(geometry, dtype):
    """The formula's values, with the same bits on one thread and on three."""
    arrays, results = operands(geometry, dtype), []
    for threads in (1, 3):
        kernels.set_num_threads(threads)
        results.append(all_three(*arrays, geometry[2]))
    exact = all_oracles(*(a.astype(np.float64) for a in arrays), geometry[2])
    for first, second, expected in zip(*results, exact):
        assert_close(first, expected, dtype)
        np.testing.assert_array_equal(first, second)


# Some that a framework meets: LeNet's layers, 'same' with an even kernel, depthwise, patches, one
# dimension with more terms than one piece of a sum, a kernel as large as its image.
KNOWN = [
    ((2, 1, 32, 32), (20, 1, 5, 5), ((1, 1), ((0, 0), (0, 0)), (1, 1), 1)),
    ((3, 20, 14, 14), (20, 20, 5, 5), ((1, 1), ((0, 0), (0, 0)), (1, 1), 1)),
    ((2, 3, 9, 10), (4, 3, 4, 2), ((1, 1), ((1, 2), (0, 1)), (1, 1), 1)),
    ((2, 6, 9, 9), (6, 1, 3, 3), ((1, 1), ((1, 1), (1, 1)), (1, 1), 6)),
    ((1, 3, 24, 24), (33, 3, 8, 8), ((8, 8), ((0, 0), (0, 0)), (1, 1), 1)),
    ((2, 40, 700), (70, 40, 9), ((2,), ((4, 4),), (1,), 1)),
    ((5, 7, 4, 4), (50, 7, 4, 4), ((3, 3), ((0, 0), (0, 0)), (1, 1), 1)),
    ((19, 20, 14, 14), (20, 20, 5, 5), ((1, 1), ((0, 0), (0, 0)), (1, 1), 1)),  # images side by side
    ((2, 40, 9, 21), (13, 40, 3, 3), ((1, 1), ((1, 1), (1, 1)), (1, 1), 1)),  # vectors that overlap
    ((3, 3, 17, 40), (9, 3, 5, 7), ((3, 2), ((2, 2), (3, 3)), (1, 1), 1)),  # columns by their phase
    ((2, 6, 5, 4), (6, 3, 3, 3), ((1, 1), ((4, 4), (4, 4)), (1, 1), 2)),  # windows of border alone
    ((3, 40, 9, 9), (70, 40, 3, 3), ((2, 2), ((1, 1), (1, 1)), (1, 1), 1)),  # channels side by side
    ((5, 37, 7, 7), (37, 1, 3, 3), ((2, 2), ((1, 1), (1, 1)), (1, 1), 37)),  # depthwise, with a stride
    ((2, 8, 9, 8), (12, 8, 1, 2), ((3, 2), ((0, 0), (0, 0)), (1, 1), 1)),  # rows that no window sees
    ((16, 32, 3, 3), (32, 32, 3, 3), ((1, 1), ((0, 0), (0, 0)), (1, 1), 1)),  # squares of one result, or windows
    ((4, 48, 13, 11), (32, 48, 3, 3), ((1, 1), ((1, 1), (1, 1)), (1, 1), 1)),  # Winograd's squares
    ((2, 64, 12, 18), (96, 32, 3, 3), ((1, 1), ((0, 3), (2, 1)), (2, 3), 2)),  # of neighbours 2 and 3 apart
]


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("dtype", REALS)
@pytest.mark.parametrize("geometry", KNOWN)
def test_convolution_is_its_formula(geometry, dtype, level):
    kernels.set_simd_level(level)
    arrays = operands(geometry, dtype)
    exact = all_oracles(*(a.astype(np.float64) for a in arrays), geometry[2])
    for actual, expected in zip(all_three(*arrays, geometry[2]), exact):
        assert_close(actual, expected, dtype)


@pytest.mark.parametrize("level", LEVELS)
@property_test
@given(geometry=geometries(), dtype=st.sampled_from(REALS))
def test_convolution_is_its_formula_everywhere(level, geometry, dtype):
    kernels.set_simd_level(level)
    arrays = operands(geometry, dtype)
    exact = all_oracles(*(a.astype(np.float64) for a in arrays), geometry[2])
    for actual, expected in zip(all_three(*arrays, geometry[2]), exact):
        assert_close(actual, expected, dtype)


@pytest.mark.parametrize("innermost", ["columns", "images", "channels", "windows", "planes"])
@property_test
@given(geometry=geometries(), depthwise=st.booleans(), stacked=st.sampled_from([0, tables.STACKED]))
def test_convolution_is_its_formula_in_every_layout(innermost, geometry, depthwise, stacked):
    """The fastest layout is chosen by the shape; here each of them computes every shape that it can."""
    if depthwise:  # each channel is a group
        (n, c, *size), (_, _, *kernel), (*strides, _) = geometry
        geometry = (n, 5 * c, *size), (5 * c, 1, *kernel), (*strides, 5 * c)
    arrays = operands(geometry)

    def choose(*arguments):
        found = tables.ways(*arguments)
        way = next((way for way in found if way.innermost == innermost), found[0])
        return way._replace(turned=arguments[0] is tables.input_grad)

    few = mock.patch.multiple(kernels.windows, IN_CACHE=100, STACKED=stacked)
    with mock.patch.object(tables, "plan", choose), few:
        results = all_three(*arrays, geometry[2])
    for actual, expected in zip(results, all_oracles(*arrays, geometry[2])):
        assert_close(actual, expected, np.float64)


@property_test
@given(geometry=geometries())
def test_the_part_of_x_that_is_seen(geometry):
    """The convolution of what kernels look at, with the taps that see something, looks at the same numbers."""
    (_, _, *size), (_, _, *kernel), (*arguments, _) = geometry
    where, seeing, count, left, *steps = tables.seen(size, kernel, *arguments)
    parts = [np.arange(n)[part] for n, part in zip(size, where[1:] or [slice(None)] * len(size))]
    taps = [np.arange(k)[part] for k, part in zip(kernel, seeing[1:] or [slice(None)] * len(kernel))]
    outputs = tables.output_size(size, kernel, *arguments)
    assert tables.output_size(count, left, *steps) == outputs
    assert [len(part) for part in parts] == [*count] and [len(part) for part in taps] == [*left]

    def looked_at(n, k, stride, padding, dilation, o):
        at = np.add.outer(np.arange(o) * stride, np.arange(k) * dilation - padding[0])
        return np.where((at >= 0) & (at < n), at, -1)

    for part, tap, n, m, k, h, o, *axes in zip(parts, taps, size, count, kernel, left, outputs, *arguments, *steps):
        before, after = looked_at(n, k, *axes[:3], o), looked_at(m, h, *axes[3:], o)
        np.testing.assert_array_equal(before[:, tap], np.append(part, -1)[after])
        assert (np.delete(before, tap, 1) == -1).all()


@st.composite
def winograd_geometries(draw, lanes):
    """Kernels of 3 x 3 with stride 1, for whole vectors of channels."""
    dilation = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    padding = tuple((draw(st.integers(0, 2 * d + 1)), draw(st.integers(0, 2 * d))) for d in dilation)
    least = [max(1, 2 * d + 1 - sum(p)) for d, p in zip(dilation, padding)]
    size = [n + draw(st.integers(0, 11)) for n in least]
    groups, images = draw(st.sampled_from([1, 1, 2])), draw(st.integers(1, 3))
    channels, depth = draw(st.integers(1, 3)) * lanes, draw(st.integers(1, 5)) * lanes
    return ((images, groups * channels, *size), (groups * depth, channels, 3, 3),
            ((1, 1), padding, dilation, groups))


@pytest.mark.parametrize("dtype", REALS)
@pytest.mark.parametrize("level", LEVELS)
def test_winograds_squares_are_its_formula(monkeypatch, level, dtype):
    """Whether they pay or not, with the same bits at every number of threads."""
    kernels.set_simd_level(level)
    lanes = loops.lanes(np.zeros(1, dtype))

    def choose(*arguments):
        found = tables.ways(*arguments)
        best = next((way for way in found if way.squares), found[0])
        seen.append(bool(best.squares))
        return best._replace(instead=next(way for way in found if not way.squares))

    @property_test
    @given(geometry=winograd_geometries(lanes))
    def check(geometry):
        check_on_threads(geometry, dtype)

    seen = []
    monkeypatch.setattr(kernels.conv, "SQUARED", dtype)  # float64 too, though it goes the direct way by itself
    everything = dict.fromkeys(tables.SQUARES, 1)
    with mock.patch.multiple(tables, plan=choose, CHANNELS=1, SMALLEST=1, SQUARES=everything):
        check()
    assert sum(seen) > 0.8 * len(seen)  # all but input gradients with more than 2 rows of padding


@st.composite
def depthwise_geometries(draw):
    """Two dimensions, and each channel a group by itself."""
    (n, c, *size), (_, _, *kernel), (*steps, _) = draw(geometries().filter(lambda g: len(g[0]) == 4))
    channels = c + 1
    wider = draw(st.sampled_from([0, 0, 30]))  # rows of some vectors
    return (n, channels, size[0], size[1] + wider), (channels, 1, *kernel), (*steps, channels)


@pytest.mark.parametrize("dtype", REALS)
@pytest.mark.parametrize("level", LEVELS)
def test_depthwise_convolution_is_its_formula(level, dtype):
    """Plane by plane, with the same bits at every number of threads."""
    kernels.set_simd_level(level)

    @property_test
    @given(geometry=depthwise_geometries())
    def check(geometry):
        x_shape, w_shape, (stride, padding, dilation, groups) = geometry
        lanes = loops.lanes(np.zeros(1, dtype))
        planes = tables.depthwise(tables.forward, x_shape, w_shape, stride, padding, dilation, groups, lanes)
        seen.append(planes != ())
        check_on_threads(geometry, dtype)

    seen = []
    check()
    assert sum(seen) > 0.5 * len(seen)  # not those with less than 4 columns of results


@pytest.mark.parametrize("dtype", REALS)
@pytest.mark.parametrize("shape", [(2, 3, 50), (1, 1, 1), (4, 7, 5000), (0, 3, 4), (3, 2, 0), (9, 20, 784)])
def test_channel_sums(shape, dtype):
    x = np.random.default_rng(0).random(shape, dtype)
    for threads in (1, 3):
        kernels.set_num_threads(threads)
        sums = kernels.channel_sums(x)
        np.testing.assert_allclose(sums, x.sum((0, 2), dtype=np.float64), rtol=8 * np.finfo(dtype).eps)
        assert sums.dtype == dtype


@property_test
@given(geometry=geometries())
def test_convolution_is_trilinear(geometry):
    """<g, conv(x, w)> = <dx, x> = <dw, w>, whatever the geometry."""
    x, w, bias, g = operands(geometry)
    y, dx, dw = all_three(x, w, 0 * bias, g, geometry[2])
    scale = np.sqrt((g**2).sum() * (y**2).sum())
    assert (dx * x).sum() == pytest.approx((g * y).sum(), abs=1e-13 * scale)
    assert (dw * w).sum() == pytest.approx((g * y).sum(), abs=1e-13 * scale)


@pytest.mark.parametrize("dtype", REALS)
@pytest.mark.parametrize("geometry", KNOWN)
def test_convolution_is_pytorchs(geometry, dtype):
    torch = pytest.importorskip("torch")
    x, w, bias, g = operands(geometry, dtype)
    stride, padding, dilation, groups = geometry[2]
    conv = {3: torch.conv1d, 4: torch.conv2d}[x.ndim]
    tx, tw, tb = (torch.tensor(a, requires_grad=True) for a in (x, w, bias))
    border = [n for pair in reversed(padding) for n in pair]
    ty = conv(torch.nn.functional.pad(tx, border), tw, tb, stride, 0, dilation, groups)
    ty.backward(torch.tensor(g))
    results = all_three(x, w, bias, g, geometry[2])
    for actual, expected in zip(results, (ty.detach(), tx.grad, tw.grad)):
        assert_close(actual, expected.numpy(), dtype)


@pytest.mark.parametrize(
    "images, size, channels, depth, kernel, groups",
    [(8, 32, 40, 6, 5, 1), (8, 32, 42, 10, 3, 1), (8, 32, 64, 64, 3, 1), (8, 32, 256, 32, 3, 1), (8, 32, 96, 96, 5, 96),
     (1, 16, 1, 3, 3, 1), (16, 32, 4, 64, 3, 4), (4, 14, 128, 64, 1, 1), (8, 14, 180, 64, 3, 1),
     (64, 2, 128, 32, 3, 1)],
)  # fmt: skip
@pytest.mark.parametrize("part", [0, 1, 2])
def test_float32_sums_are_as_exact_as_pytorchs(part, images, size, channels, depth, kernel, groups):
    torch = pytest.importorskip("torch")
    border = kernel // 2
    steps = (1, 1), ((border, border),) * 2, (1, 1), groups
    geometry = (images, channels, size, size), (depth, channels // groups, kernel, kernel), steps
    x, w, bias, g = (abs(a) for a in operands(geometry, np.float32))  # sums that only grow
    exact = all_oracles(*(a.astype(np.float64) for a in (x, w, bias, g)), geometry[2])[part]
    tx, tw = (torch.tensor(a, requires_grad=True) for a in (x, w))
    ty = torch.conv2d(tx, tw, torch.tensor(bias), padding=border, groups=groups)
    ty.backward(torch.tensor(g))
    theirs = (ty.detach(), tx.grad, tw.grad)[part].numpy()
    ours = all_three(x, w, bias, g, geometry[2])[part]
    assert abs(ours - exact).max() <= 2 * abs(theirs - exact).max()
    assert abs(ours - exact).std() <= 2 * abs(theirs - exact).std()


@property_test
@given(geometry=geometries(), dtype=st.sampled_from(REALS))
def test_bits_do_not_depend_on_the_number_of_threads(geometry, dtype):
    (n, *x_shape), w_shape, arguments = geometry
    geometry = (16 * n, *x_shape), w_shape, arguments  # enough work for several threads
    arrays = operands(geometry, dtype)
    results = []
    for threads in (1, 2, 3):
        kernels.set_num_threads(threads)
        results.append([a.tobytes() for a in all_three(*arrays, arguments)])
    assert results[0] == results[1] == results[2]


def mirrored(a):
    return np.ascontiguousarray(a[..., ::-1])[..., ::-1]


def spread(a):
    return np.repeat(a, 2, axis=-1)[..., ::2]


def read_only(a):
    a = a.copy()
    a.flags.writeable = False
    return a


@pytest.mark.parametrize("layout", [np.asfortranarray, mirrored, spread, read_only])
def test_any_layout_gives_the_same(layout):
    geometry = KNOWN[2]
    arrays = operands(geometry, np.float32)
    changed = [layout(a) for a in arrays]
    for actual, expected in zip(all_three(*changed, geometry[2]), all_three(*arrays, geometry[2])):
        np.testing.assert_array_equal(actual, expected)
    x = arrays[0]
    y, indices = kernels.max_pool(x, (2, 2), (2, 2), (0, 0), (1, 1), (4, 5))
    for actual, expected in zip(
        kernels.max_pool(layout(x), (2, 2), (2, 2), (0, 0), (1, 1), (4, 5)), (y, indices)
    ):
        np.testing.assert_array_equal(actual, expected)
    for actual, expected in [
        (kernels.gather_plane(layout(x), layout(indices)), y),
        (
            kernels.scatter_plane(layout(y), layout(indices), (9, 10)),
            kernels.scatter_plane(y, indices, (9, 10)),
        ),
    ]:
        np.testing.assert_array_equal(actual, expected)


@pytest.mark.parametrize("geometry, dtype", [(KNOWN[2], np.float64), (KNOWN[3], np.float32), (KNOWN[-2], np.float32)])
def test_nan_and_infinity_go_where_the_formula_sends_them(geometry, dtype):
    for value in (np.nan, np.inf, -np.inf):
        x, w, bias, g = operands(geometry, dtype)
        x[0, 1, 4, 5] = g[1, 2, 3, 3] = value
        results = all_three(x, w, bias, g, geometry[2])
        with np.errstate(invalid="ignore"):  # NumPy says so where infinities cancel
            oracles = all_oracles(x, w, bias, g, geometry[2])
        for actual, expected in zip(results, oracles):
            np.testing.assert_array_equal(np.isnan(actual), np.isnan(expected))
            np.testing.assert_array_equal(np.isinf(actual), np.isinf(expected))


@pytest.mark.parametrize("geometry", [
    ((2, 6, 8, 8), (6, 1, 3, 3), ((2, 2), ((0, 0), (0, 0)), (1, 1), 6)),  # depthwise, with a stride
    KNOWN[2], KNOWN[5], KNOWN[11], KNOWN[-2],
])  # fmt: skip
def test_an_infinite_weight_is_felt_by_the_input_gradient_only_where_it_looks(geometry):
    _, w, _, g = operands(geometry, np.float32)
    for value in (np.inf, np.nan):
        w[(0,) * w.ndim] = value
        dx = kernels.conv_input_grad(g, w, geometry[0], *geometry[2])
        with np.errstate(invalid="ignore"):
            expected = oracle_input_grad(g, w, geometry[0], *geometry[2])
        np.testing.assert_array_equal(np.isfinite(dx), np.isfinite(expected))
        assert np.isfinite(dx).any() and not np.isfinite(dx).all()


@pytest.mark.parametrize("kernel", [3, 5, 7])
def test_what_a_depthwise_weight_gradient_must_do_again_is_found_in_every_channel(kernel):
    """Its weights are computed nine at a time, so that there are more than are asked for."""
    geometry = (2, 16, 20, 20), (16, 1, kernel, kernel), ((1, 1), ((kernel // 2,) * 2,) * 2, (1, 1), 16)
    x, _, _, g = operands(geometry, np.float32)
    x[0, -1, 3, 6] = np.inf
    dw = kernels.conv_weight_grad(x, np.abs(g) + 1, geometry[1], *geometry[2])
    assert np.isfinite(dw[:-1]).all() and np.isposinf(dw[-1]).all()


def test_threads_of_python_may_read_the_same_tables_at_once():
    x, w = np.zeros((1, 480, 6, 6)), np.random.default_rng(0).standard_normal((1, 40 * 480 * 9))
    loop = tables.forward(x.shape[1:], (40, 480, 3, 3), (1, 1), ((1, 1), (1, 1)), (1, 1), 1, loops.lanes(x)).loops[0]
    expected = loops.pack_weights(w, loop._replace(prepared=loops.Prepared()), 40)
    with ThreadPoolExecutor(4) as threads:
        for _ in range(30):
            fresh = loop._replace(prepared=loops.Prepared())
            for packed in threads.map(lambda _, fresh=fresh: loops.pack_weights(w, fresh, 40), range(4)):
                np.testing.assert_array_equal(packed, expected)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("dtype", REALS)
def test_one_number_that_is_not_finite_is_found(level, dtype):
    kernels.set_simd_level(level)
    for size in range(70):
        x = np.full(size, np.finfo(dtype).max, dtype)
        assert loops.all_finite(x)
        for place, value in itertools.product(range(size), (np.nan, np.inf, -np.inf)):
            x[place] = value
            assert not loops.all_finite(x)
            x[place] = 0


@pytest.mark.parametrize("empty", ["images", "channels"])
def test_empty_arrays(empty):
    x_shape, w_shape, arguments = KNOWN[0]
    n, c = (0, 1) if empty == "images" else (2, 0)
    x, w = np.ones((n, c, *x_shape[2:])), np.ones((w_shape[0], c, *w_shape[2:]))
    bias = np.arange(w_shape[0], dtype=float)
    y, dx, dw = all_three(x, w, bias, np.ones((n, w_shape[0], 28, 28)), arguments)
    np.testing.assert_array_equal(y, np.broadcast_to(bias[:, None, None], (n, 20, 28, 28)))
    assert dx.shape == x.shape and dw.shape == w.shape and not dw.any()
    y, indices = kernels.max_pool(x[:0], (2, 2), (2, 2), (0, 0), (1, 1), (16, 16))
    assert y.shape == indices.shape == (0, c, 16, 16)
    assert kernels.gather_plane(x[:0], indices).shape == y.shape
    assert kernels.scatter_plane(y, indices, (32, 32)).shape == (0, c, 32, 32)


# Pooling.


@st.composite
def poolings(draw):
    rank = draw(st.integers(1, 3))

    def ints(low, high):
        return tuple(draw(st.lists(st.integers(low, high), min_size=rank, max_size=rank)))

    kernel, stride, dilation, padding = ints(1, 4), ints(1, 4), ints(1, 3), ints(0, 2)
    output = ints(1, 5 if rank < 3 else 3)
    missing = ints(0, 2)  # the last window may reach over the end, as in ceil_mode
    size = tuple(
        max(1, (o - 1) * s + (k - 1) * d + 1 - 2 * p - m)
        for o, s, k, d, p, m in zip(output, stride, kernel, dilation, padding, missing)
    )
    return (2, 3, *size), (kernel, stride, padding, dilation, output)


@pytest.mark.parametrize("level", LEVELS)
@property_test
@given(
    pooling=poolings(),
    dtype=st.sampled_from(REALS),
    values=st.sampled_from([[0, 1, 2], [-np.inf, 0, np.inf], [-np.inf], [np.nan, 0, 1, -np.inf]]),
    seed=st.integers(0, 99),
)
def test_max_pool_is_its_formula(level, pooling, dtype, values, seed):
    """With many ties, infinities and NaN."""
    kernels.set_simd_level(level)
    x = np.random.default_rng(seed).choice(values, pooling[0]).astype(dtype)
    y, indices = kernels.max_pool(x, *pooling[1])
    expected_y, expected_indices = oracle_max_pool(x, *pooling[1])
    assert y.dtype == dtype and indices.dtype == np.int32
    np.testing.assert_array_equal(y, expected_y)
    np.testing.assert_array_equal(indices, expected_indices)


VALUES = [None, [0, 1], [-np.inf], [0, -0.0, np.inf, -np.inf], [0, 1, np.nan], [-np.inf, np.nan]]


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("dtype", REALS)
@pytest.mark.parametrize("values", VALUES)
@pytest.mark.parametrize("arguments", [(2, 2, 0, 1), (3, 2, 1, 1), (3, 1, 1, 2), (2, 3, 0, 1)])
@pytest.mark.parametrize("shape", [(3, 4, 13, 10), (2, 2, 6, 35), (1, 3, 9, 68)])  # less and more than a vector
def test_max_pool_is_pytorchs(rng, shape, arguments, values, dtype, level):
    torch = pytest.importorskip("torch")
    kernels.set_simd_level(level)
    x = rng.standard_normal(shape) if values is None else rng.choice(values, shape)
    tx = torch.tensor(x.astype(dtype), requires_grad=True)
    ty, tindices = torch.nn.functional.max_pool2d(tx, *arguments, return_indices=True)
    y, indices = kernels.max_pool(x.astype(dtype), *((a, a) for a in arguments), ty.shape[2:])
    np.testing.assert_array_equal(y, ty.detach().numpy())
    np.testing.assert_array_equal(indices, tindices.numpy())
    g = rng.standard_normal(y.shape).astype(dtype)
    ty.backward(torch.tensor(g))
    dx = kernels.scatter_plane(g, indices, shape[2:])
    np.testing.assert_allclose(dx, tx.grad.numpy(), rtol=0, atol=20 * np.finfo(dtype).eps)


@property_test
@given(pooling=poolings(), dtype=st.sampled_from(REALS))
def test_scatter_and_gather_are_each_others_gradient(pooling, dtype):
    """<g, gather(x)> = <scatter(g), x>; whole numbers, so that it holds exactly."""
    rng = np.random.default_rng(0)
    x = rng.integers(-50, 50, pooling[0]).astype(dtype)
    y, indices = kernels.max_pool(x, *pooling[1])
    seen = indices != -1
    np.testing.assert_array_equal(kernels.gather_plane(x, indices)[seen], y[seen])
    g = rng.integers(-50, 50, y.shape).astype(dtype)
    dx = kernels.scatter_plane(g, indices, x.shape[2:])
    assert dx.dtype == dtype and dx.shape == x.shape
    assert (dx * x).sum() == (g * kernels.gather_plane(x, indices)).sum()


def test_a_window_outside_of_the_image_is_empty():
    x = np.ones((1, 1, 2), np.float32)
    y, indices = kernels.max_pool(x, (2,), (1,), (1,), (3,), (1,))  # sees x[-1] and x[2]
    assert y[0, 0, 0] == -np.inf and indices[0, 0, 0] == -1
    assert kernels.gather_plane(x, indices)[0, 0, 0] == 0
    assert not kernels.scatter_plane(x[..., :1], indices, (2,)).any()


def test_pooling_bits_do_not_depend_on_the_number_of_threads(rng):
    x = rng.standard_normal((8, 20, 28, 28))
    results = []
    for threads in (1, 2, 3):
        kernels.set_num_threads(threads)
        y, indices = kernels.max_pool(x, (3, 3), (1, 1), (1, 1), (1, 1), (28, 28))
        dx = kernels.scatter_plane(y, indices, (28, 28))
        results.append((y.tobytes(), indices.tobytes(), dx.tobytes()))
    assert results[0] == results[1] == results[2]


# The textbook's version.


def test_reference_is_pytorchs(rng):
    torch = pytest.importorskip("torch")
    x, w, b = (rng.standard_normal(s) for s in [(2, 4, 9, 8), (6, 2, 3, 2), (6,)])
    tx, tw, tb = map(torch.tensor, (x, w, b))
    np.testing.assert_allclose(
        reference.corr2d(x[0, 0], w[0, 0]), torch.conv2d(tx[:1, :1], tw[:1, :1])[0, 0], atol=1e-12
    )
    arguments = (2, 1), (1, 2), (1, 3), 2
    np.testing.assert_allclose(
        reference.conv2d(x, w, b, *arguments), torch.conv2d(tx, tw, tb, *arguments), atol=1e-12
    )
    arguments = (3, 2), (2, 1), (1, 0), (1, 2)
    expected = torch.nn.functional.max_pool2d(tx, *arguments)
    np.testing.assert_array_equal(reference.max_pool2d(x, *arguments), expected)


# Bad input: what would lead compiled code outside of its arrays is refused.

X, W, G = np.ones((2, 4, 9, 9)), np.ones((6, 2, 3, 3)), np.ones((2, 6, 7, 7))
PLAIN = ((1, 1), ((0, 0), (0, 0)), (1, 1), 2)
forward, input_grad, weight_grad = (
    kernels.conv_forward,
    kernels.conv_input_grad,
    kernels.conv_weight_grad,
)
pool, scatter, gather = kernels.max_pool, kernels.scatter_plane, kernels.gather_plane


@pytest.mark.parametrize(
    "arguments",
    [
        ((0, 1), ((0, 0), (0, 0)), (1, 1), 2),
        ((1, 1), ((0, -1), (0, 0)), (1, 1), 2),
        ((1, 1), ((0, 0), (0, 0)), (1, 0), 2),
        ((1, 1), ((0, 0), (0, 0)), (5, 1), 2),
        ((1, 1), ((0, 0), (0, 0)), (1, 1), 1),
        ((1, 1), ((0, 0), (0, 0)), (1, 1), 4),
        ((1, 1), ((0, 0), (0, 0)), (1, 1), 0),
        ((1,), ((0, 0),), (1,), 2),
        ((2, -2), ((0, 0), (0, 0)), (1, 1), 2),
        ((2, 2, 2), ((0, 0), (0, 0)), (1, 1), 2),
    ],
)
@pytest.mark.parametrize("w", [W, W[..., :1]])  # a kernel of size 1 skips what it strides over
def test_convolution_refuses_bad_arguments(w, arguments):
    for call in [
        lambda: forward(X, w, None, *arguments),
        lambda: input_grad(G, w, X.shape, *arguments),
        lambda: weight_grad(X, G, w.shape, *arguments),
    ]:
        with pytest.raises(ValueError):
            call()


MISFITS = {
    "x and w of two types": (TypeError, lambda: forward(X.astype("f4"), W, None, *PLAIN)),
    "whole numbers": (TypeError, lambda: forward(X.astype(int), W.astype(int), None, *PLAIN)),
    "big-endian": (TypeError, lambda: forward(X.astype(">f8"), W.astype(">f8"), None, *PLAIN)),
    "type of bias": (TypeError, lambda: forward(X, W, np.ones(6, "f4"), *PLAIN)),
    "size of bias": (ValueError, lambda: forward(X, W, np.ones(5), *PLAIN)),
    "rank of x": (ValueError, lambda: forward(X[0], W, None, *PLAIN)),
    "images of g": (ValueError, lambda: input_grad(G[:1], W, X.shape, *PLAIN)),
    "size of g": (ValueError, lambda: input_grad(G[..., :5], W, X.shape, *PLAIN)),
    "type of g": (TypeError, lambda: input_grad(G.astype("f4"), W, X.shape, *PLAIN)),
    "channels of g": (ValueError, lambda: weight_grad(X, G[:, :3], W.shape, *PLAIN)),
    "x and g of two types": (TypeError, lambda: weight_grad(X, G.astype("f4"), W.shape, *PLAIN)),
    "empty window": (ValueError, lambda: pool(X, (2, 0), (1, 1), (0, 0), (1, 1), (8, 8))),
    "negative padding": (ValueError, lambda: pool(X, (2, 2), (1, 1), (-1, 0), (1, 1), (8, 8))),
    "rank of window": (ValueError, lambda: pool(X, (2,), (1, 1), (0, 0), (1, 1), (8, 8))),
    "pooled type": (TypeError, lambda: pool(X.astype(int), (2, 2), *[(1, 1)] * 3, (8, 8))),
    "scatter above": (IndexError, lambda: scatter(X, np.full(X.shape, 4, "i4"), (2, 2))),
    "scatter below": (IndexError, lambda: scatter(X, np.full(X.shape, -2, "i4"), (2, 2))),
    "gather above": (IndexError, lambda: gather(X, np.full(X.shape, 81, "i4"))),
    "scatter shape": (ValueError, lambda: scatter(X, np.zeros((2, 4, 9, 8), "i4"), (9, 9))),
    "gather shape": (ValueError, lambda: gather(X, np.zeros((2, 3, 9, 9), "i4"))),
    "type of indices": (ValueError, lambda: gather(X, np.zeros(X.shape, np.int64))),
    "big-endian pooled": (TypeError, lambda: pool(X.astype(">f8"), (2, 2), *[(1, 1)] * 3, (8, 8))),
    "whole numbers scattered": (ValueError, lambda: scatter(X.astype(int), np.zeros(X.shape, "i4"), (9, 9))),
}


@pytest.mark.parametrize("name", MISFITS)
def test_kernels_refuse_what_does_not_fit(name):
    error, call = MISFITS[name]
    with pytest.raises(error):
        call()


def test_sizes_that_overflow_are_refused():
    huge = ((2**33, 2**33), (2**33, 2**33))
    for call in [
        lambda: forward(X, W, None, (2**34, 2**34), huge, (1, 1), 2),
        lambda: input_grad(G, W, X.shape, (2**34, 2**34), huge, (1, 1), 2),
    ]:
        with pytest.raises((RuntimeError, ValueError)):
            call()


@pytest.mark.parametrize("stride", [(100, 7), (2**62, 2**62)])
def test_a_stride_longer_than_the_image_takes_its_first_window(stride):
    arguments = stride, ((1, 0), (0, 0)), (1, 1), 2
    x, w, bias, g = operands(((2, 4, 6, 9), (6, 2, 3, 3), ((100, 7), *arguments[1:])))
    expected = all_oracles(x, w, bias, g, ((100, 7), *arguments[1:]))
    for actual, right in zip(all_three(x, w, bias, g, arguments), expected):
        assert_close(actual, right, np.float64)


# Threads, processes, instruction sets.


def test_number_of_threads():
    kernels.set_num_threads(3)
    assert kernels.get_num_threads() == (3 if kernels.has_openmp() else 1)
    for bad in (0, -1):
        with pytest.raises(RuntimeError, match="positive"):
            kernels.set_num_threads(bad)
    for bad in (1.0, "2", None, True):
        with pytest.raises(RuntimeError, match="int"):
            kernels.set_num_threads(bad)


def test_several_python_threads_at_once():
    arrays = operands(KNOWN[1])
    expected = [a.tobytes() for a in all_three(*arrays, KNOWN[1][2])]
    results = []

    def work():
        for _ in range(5):
            results.append([a.tobytes() for a in all_three(*arrays, KNOWN[1][2])])

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert results == [expected] * 20


def run_python(code, **environment):
    return subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **environment},
        capture_output=True, text=True, timeout=100,
    )


GUARD = """
import ctypes, mmap, numpy as np
from minigrad import kernels
keep = []
def at_the_end(array):
    # A copy whose last number is followed by a page that must not be touched.
    size = -(-array.nbytes // mmap.PAGESIZE) * mmap.PAGESIZE
    memory = mmap.mmap(-1, size + mmap.PAGESIZE)
    address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    none = ctypes.CDLL(None).mprotect(ctypes.c_void_p(address + size), mmap.PAGESIZE, 0)
    assert none == 0
    keep.append(memory)
    copy = np.frombuffer(memory, array.dtype, array.size, size - array.nbytes).reshape(array.shape)
    copy[:] = array
    return copy
for depth in (1, 5, 20, 40):
    for size in (5, 12, 17, 40):
        x, w = at_the_end(np.ones((2, 3, size, size))), at_the_end(np.ones((depth, 3, 3, 2)))
        arguments = (1, 1), ((0, 0), (0, 0)), (1, 2), 1
        g = at_the_end(kernels.conv_forward(x, w, np.ones(depth), *arguments))
        kernels.conv_input_grad(g, w, x.shape, *arguments)
        kernels.conv_weight_grad(x, g, w.shape, *arguments)
        kernels.max_pool(x, (3, 3), (2, 2), (1, 1), (1, 1), ((size + 1) // 2, (size + 1) // 2))
        b = at_the_end(np.ones((size, depth + 1)))
        kernels.matmul(x[0, 0], b)
        kernels.matmul(at_the_end(np.ones((1, size))), b)
        kernels.matmul(b, at_the_end(np.ones((depth + 1, 1))))
        kernels.matmul(b.T, at_the_end(np.ones((size, 1))))
print("whole")
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="protects pages by mprotect")
@pytest.mark.parametrize("level", LEVELS)
def test_nothing_is_read_beyond_the_end_of_an_array(level):
    result = run_python(GUARD, MINIGRAD_SIMD=level)
    assert result.stdout == "whole\n", f"exit code {result.returncode}: {result.stderr}"


FORK = """
import os, numpy as np
from minigrad import kernels
def work():
    x, w = np.ones((64, 20, 14, 14)), np.ones((20, 20, 5, 5))
    y = kernels.conv_forward(x, w, None, (1, 1), ((0, 0), (0, 0)), (1, 1), 1)
    pooled, _ = kernels.max_pool(y, (2, 2), (2, 2), (0, 0), (1, 1), (5, 5))
    return y.sum() + pooled.sum()
kernels.set_num_threads(2)
total = work()
child = os.fork()
if child == 0:
    kernels.set_num_threads(2)
    os._exit(0 if kernels.get_num_threads() == 1 and work() == total else 1)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_forked_child_works_on_one_thread():
    assert run_python(FORK).stdout == "0\n"


def test_environment_chooses_instruction_set_and_threads():
    code = "from minigrad import kernels as k; print(k.simd_level(), k.get_num_threads())"
    result = run_python(code, MINIGRAD_SIMD="baseline", OMP_NUM_THREADS="3")
    assert result.stdout == f"baseline {3 if kernels.has_openmp() else 1}\n"
    result = run_python(code, MINIGRAD_SIMD="mmx")
    assert result.returncode and "no instruction set 'mmx'" in result.stderr


# Element by element.


def sign_cases(dtype, shape):
    values = [np.nan, -np.nan, 0.0, -0.0, np.inf, -np.inf, 1.0, -1.0, np.finfo(dtype).smallest_subnormal]
    return np.random.default_rng(0).choice(np.array(values, dtype), shape)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("dtype", REALS)
@pytest.mark.parametrize("shape", [(), (0,), (1,), (7, 9), (3, 70_000)])
def test_relu_is_pytorchs_to_the_bit(shape, dtype, level):
    torch = pytest.importorskip("torch")
    kernels.set_simd_level(level)
    x, g = (sign_cases(dtype, (2, *shape)))
    tx = torch.tensor(x, requires_grad=True)
    ty = torch.relu(tx)
    ty.backward(torch.tensor(g))
    for threads in (1, 2, 3):
        kernels.set_num_threads(threads)
        y = kernels.relu(x)
        for actual, expected in ((y, ty.detach().numpy()), (kernels.relu_grad(g, y), tx.grad.numpy())):
            assert actual.shape == shape and actual.dtype == dtype
            np.testing.assert_array_equal(actual, expected)
            np.testing.assert_array_equal(np.signbit(actual)[actual == 0], np.signbit(expected)[actual == 0])


@pytest.mark.parametrize("layout", [np.asfortranarray, mirrored, spread, read_only])
def test_elementwise_kernels_take_any_layout(rng, layout):
    x, g = rng.standard_normal((2, 5, 6, 8))
    np.testing.assert_array_equal(kernels.relu(layout(x)), np.maximum(x, 0))
    np.testing.assert_array_equal(kernels.relu_grad(layout(g), layout(x)), np.where(x > 0, g, 0))


@pytest.mark.parametrize("nesterov", [False, True])
@pytest.mark.parametrize("dtype", REALS)
@pytest.mark.parametrize("level", LEVELS)
def test_a_step_is_its_formula(level, dtype, nesterov, rng):
    kernels.set_simd_level(level)
    for size in (0, 1, 3, 15, 16, 17, 33, 100_003):
        p, g, v = rng.standard_normal((3, size)).astype(dtype)
        d = 0.02 * p.astype("f8") - g
        new_v = 0.9 * v.astype("f8") + 0.7 * d
        new_p = p - 0.1 * (d + 0.9 * new_v if nesterov else new_v)
        seen = []
        for threads in (1, 3):
            kernels.set_num_threads(threads)
            here = [p.copy(), v.copy()]
            kernels.sgd_step(here[0], g, here[1], 0.1, 0.9, 0.3, 0.02, nesterov, True)
            seen.append(here)
            for actual, expected in zip(here, (new_p, new_v), strict=True):
                np.testing.assert_allclose(actual, expected, rtol=0, atol=10 * np.finfo(dtype).eps)
        np.testing.assert_array_equal(*(np.concatenate(each) for each in seen))


@pytest.mark.parametrize("dtype", REALS)
@pytest.mark.parametrize("level", LEVELS)
def test_an_average_that_is_no_normal_number_becomes_0(level, dtype):
    kernels.set_simd_level(level)
    tiny = np.finfo(dtype).tiny
    v = np.tile(np.array([1.05, -1.05, 2, -2, np.nan, np.inf], dtype), 9) * tiny
    kernels.sgd_step(np.zeros_like(v), np.zeros_like(v), v, 0.1, 0.9, 0, 0, False, False)
    expected = np.tile([0, 0, 1.8, -1.8, np.nan, np.inf], 9)
    np.testing.assert_allclose(v / tiny, expected, rtol=1e-6)


def test_a_step_on_overlapping_memory_reads_the_old_gradient():
    base = np.arange(200_001.0)
    expected = base[1:] - 0.5 * base[:-1]
    kernels.sgd_step(base[1:], base[:-1], None, 0.5, 0, 0, 0, False, False)
    np.testing.assert_array_equal(base[1:], expected)


def test_elementwise_kernels_refuse_what_does_not_fit():
    x = np.ones(3)
    step = (0.1, 0.9, 0, 0, False, False)
    for error, call in [
        (TypeError, lambda: kernels.relu(x.astype(int))),
        (TypeError, lambda: kernels.relu(x.astype(">f8"))),
        (TypeError, lambda: kernels.relu_grad(x.astype("f4"), x)),
        (ValueError, lambda: kernels.relu_grad(x[:2], x)),
        (ValueError, lambda: kernels.sgd_step(x, x[:2], x.copy(), *step)),
        (ValueError, lambda: kernels.sgd_step(x, x.copy(), x[:2], *step)),
        (TypeError, lambda: kernels.sgd_step(x, x.copy(), x.astype("f4"), *step)),
        (TypeError, lambda: kernels.sgd_step(x, x.astype(">f8"), x.copy(), *step)),
        (TypeError, lambda: kernels.sgd_step(x, x.copy(), x.astype(">f8"), *step)),
        (ValueError, lambda: kernels.sgd_step(read_only(x), x, x.copy(), *step)),
    ]:
        with pytest.raises(error):
            call()


@pytest.mark.parametrize("dtype", REALS)
@pytest.mark.parametrize("size", [0, 1, 5, 100_003])
def test_where_is_that_of_numpy(size, dtype, rng):
    x, y = rng.standard_normal((2, size)).astype(dtype)
    x[:1], y[1:2] = np.nan, -np.inf
    for condition in (x > y, x > 9, x < 9):
        for candidates in ((x, y), (x, 0.5), (-0.0, y), (dtype(1), y), (np.array(2, dtype), x)):
            for threads in (1, 3):
                kernels.set_num_threads(threads)
                actual, expected = kernels.where(condition, *candidates), np.where(condition, *candidates)
                assert actual.dtype == expected.dtype
                np.testing.assert_array_equal(actual, expected)
                np.testing.assert_array_equal(np.signbit(actual), np.signbit(expected))


@pytest.mark.parametrize("layout", [np.asfortranarray, mirrored, spread, read_only])
def test_where_takes_what_numpy_takes(rng, layout):
    x, y = rng.standard_normal((2, 4, 5, 6))
    for condition, *candidates in [
        (layout(x > y), layout(x), layout(y)), (layout(x > y), x, y[0]), (x[0] > 0, layout(x), y), (True, layout(x), 1),
        (layout(x > y).astype("u1"), x, y), (x > 0, 2, 3), (x > 0, layout(x), y.astype("f4")), (x > 0, x, np.arange(6)),
        (x > 0, layout(x).astype("i4"), 7), (x > 0, x > 1, layout(y) > 1), (x[0, 0, 0] > 0, x[0, 0, 0], 1.0),
    ]:  # fmt: skip
        actual, expected = kernels.where(condition, *candidates), np.where(condition, *candidates)
        assert actual.dtype == expected.dtype and actual.shape == expected.shape
        np.testing.assert_array_equal(actual, expected)


# N, C, P, as in batch and in layer normalisation; an odd rest of 16; several pieces of 1024; work for several threads
CHANNELS = [(2, 3, 50), (1, 1, 1), (7, 4, 1), (4, 3, 2500), (1, 5, 1024), (1, 600, 64), (9, 20, 784)]


@pytest.mark.parametrize("dtype", REALS)
@pytest.mark.parametrize("shape", CHANNELS, ids=str)
def test_normalisation_and_its_gradient_are_their_formulas(shape, dtype, rng):
    x, g = (3 * rng.standard_normal((2, *shape)) + 1).astype(dtype)
    mean, var = x.mean((0, 2), dtype="f8"), x.var((0, 2), dtype="f8")
    c, s = x - mean[:, None], np.sqrt(var + 0.01)[:, None]
    mean_g, mean_gc = g.mean((0, 2), dtype="f8"), (g * c).mean((0, 2))
    dx = (g - mean_g[:, None] - c * mean_gc[:, None] / s**2) / s
    seen = []
    for threads in (1, 3):
        kernels.set_num_threads(threads)
        seen.append((*kernels.normalise(x, 0.01), kernels.normalise_grad(g, x, mean, var + 0.01)))
    for one, three, exact in zip(*seen, (c / s, mean, var, dx), strict=True):
        np.testing.assert_array_equal(one, three)
        assert one.shape == exact.shape
        np.testing.assert_allclose(one, exact, rtol=0, atol=200 * np.finfo(dtype).eps)
    z, mean, var, dx = seen[0]
    assert z.dtype == dx.dtype == dtype and mean.dtype == var.dtype == np.float64


def test_normalisation_of_nothing_and_of_what_does_not_fit():
    for shape in ((0, 3, 4), (2, 0, 4), (2, 3, 0)):
        z, mean, variance = kernels.normalise(np.ones(shape), 0.1)
        assert z.shape == kernels.normalise_grad(z, z, mean, variance).shape == shape
        assert mean.tolist() == variance.tolist() == [0] * shape[1]
    x, ones = np.ones((2, 3, 4)), np.ones(3)
    for error, call in [
        (ValueError, lambda: kernels.normalise_grad(x[:1], x, ones, ones)),
        (ValueError, lambda: kernels.normalise_grad(x, x[:, :2].copy(), ones, ones)),
        (ValueError, lambda: kernels.normalise_grad(x[:, :, :3].copy(), x, ones, ones)),
        (ValueError, lambda: kernels.normalise_grad(x, x, ones[:2], ones)),
        (ValueError, lambda: kernels.normalise_grad(x, x, ones, ones[:2])),
        (TypeError, lambda: kernels.normalise(x.astype(int), 0.1)),
        (TypeError, lambda: kernels.normalise(x[0], 0.1)),
    ]:
        with pytest.raises(error):
            call()


# N, C, P: columns that lie in a row, with and without a rest of 16; blocks of 256 columns; work for several threads
SCORES = [(3, classes, 1) for classes in (1, 2, 15, 16, 17, 40)] + [
    (1, 1, 5), (2, 3, 7), (2, 3, 255), (1, 4, 256), (2, 2, 257), (3, 5, 600), (600, 120, 1), (5, 40, 700),
]  # fmt: skip


@pytest.mark.parametrize("dtype", REALS)
@pytest.mark.parametrize("shape", SCORES, ids=str)
def test_losses_and_their_slopes_are_their_formulas(shape, dtype, rng):
    n, c, p = shape
    x = (5 * rng.standard_normal(shape)).astype(dtype)
    labels = rng.integers(0, c, (n, p))
    below = x.astype("f8") - x.max(1, keepdims=True)
    shares = np.exp(below) / np.exp(below).sum(1, keepdims=True)
    hot = np.arange(c)[:, None] == labels[:, None]
    expected = -np.log(shares.swapaxes(1, 2)[hot.swapaxes(1, 2)]).reshape(n, p), shares - hot, below
    seen = []
    for threads in (1, 3):
        kernels.set_num_threads(threads)
        seen.append((*kernels.class_losses(x, labels, 1), kernels.below_max(x, 1)))
    for one, three, exact in zip(*seen, expected, strict=True):
        np.testing.assert_array_equal(one, three)
        assert one.dtype == dtype
        np.testing.assert_allclose(one, exact, rtol=0, atol=64 * np.finfo(dtype).eps)


@pytest.mark.parametrize("layout", [np.asfortranarray, mirrored, spread, read_only])
def test_the_classes_lie_along_any_dimension_of_any_layout(rng, layout):
    x = rng.standard_normal((4, 5, 6, 7))
    for dim in range(4):
        labels = rng.integers(0, x.shape[dim], x.shape[:dim] + x.shape[dim + 1 :])
        losses, slopes = kernels.class_losses(layout(x), layout(labels), dim)
        moved, flat = kernels.class_losses(np.moveaxis(x, dim, 0).reshape(x.shape[dim], -1), labels.reshape(-1), 0)
        np.testing.assert_allclose(losses.reshape(-1), moved, rtol=1e-14)
        np.testing.assert_allclose(np.moveaxis(slopes, dim, 0).reshape(flat.shape), flat, atol=1e-15)
        np.testing.assert_array_equal(kernels.below_max(layout(x), dim), x - x.max(dim, keepdims=True))


@pytest.mark.parametrize("columns", [1, 3])
@pytest.mark.parametrize("at", [0, 3, 16, 18])
def test_one_nan_or_infinity_makes_its_column_nan(at, columns):
    for number in (np.nan, np.inf):
        x = np.zeros((1, 19, columns))
        x[0, at, 0] = number
        losses, slopes = kernels.class_losses(x, np.full((1, columns), 5), 1)
        assert np.isnan(losses[0, 0]) and np.isnan(slopes[0, :, 0]).all()
        np.testing.assert_allclose(losses[0, 1:], np.log(19))
        assert np.isnan(kernels.below_max(x, 1)[0, at, 0])
    x[0, at, 0] = -np.inf
    losses, slopes = kernels.class_losses(x, np.full((1, columns), at), 1)
    assert losses[0, 0] == np.inf and slopes[0, at, 0] == -1


def test_losses_refuse_what_does_not_fit():
    x, labels = np.ones((2, 3)), np.array([0, 2])
    for error, call in [
        (TypeError, lambda: kernels.below_max(x.astype(int), 1)),
        (TypeError, lambda: kernels.class_losses(x.astype(">f8"), labels, 1)),
        (TypeError, lambda: kernels.class_losses(x, labels.astype("i4"), 1)),
        (TypeError, lambda: kernels.class_losses(x, labels.astype(">i8"), 1)),
        (ValueError, lambda: kernels.class_losses(x, labels, 0)),
        (ValueError, lambda: kernels.class_losses(x, labels, -1)),
        (ValueError, lambda: kernels.class_losses(x, labels[None], 1)),
        (ValueError, lambda: kernels.class_losses(x, labels, 2)),
        (ValueError, lambda: kernels.class_losses(x, x.astype(int), 2)),
        (IndexError, lambda: kernels.class_losses(x, labels + 1, 1)),
        (IndexError, lambda: kernels.class_losses(x, labels - 1, 1)),
    ]:
        with pytest.raises(error):
            call()
