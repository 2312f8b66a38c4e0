"""The matrix product of the kernels: any strides, both dtypes, the same bits at every number of threads."""

import numpy as np
import pytest
from test_kernels import LEVELS

from minigrad import kernels

SIZES = [(1, 1, 1), (1, 500, 30), (64, 20, 1), (7, 1, 9), (3, 7, 5), (65, 33, 129), (1, 500, 500), (500, 500, 1),
         (1, 130, 67), (130, 300, 40), (40, 300, 130)]


def matrix(rows, columns, layout, dtype, seed):
    numbers = np.random.default_rng(seed)
    if layout == "transposed":
        return numbers.standard_normal((columns, rows)).astype(dtype).T
    if layout == "strided":
        return numbers.standard_normal((2 * rows, 3 * columns)).astype(dtype)[::2, ::-3]
    return numbers.standard_normal((rows, columns)).astype(dtype)


@pytest.fixture(params=LEVELS)
def level(request):
    best = kernels.simd_level()
    kernels.set_simd_level(request.param)
    yield request.param
    kernels.set_simd_level(best)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("layouts", ["plain transposed", "transposed plain", "strided strided", "plain plain"])
def test_it_is_the_matrix_product(layouts, dtype, level):
    for m, k, n in SIZES:
        a, b = (matrix(*shape, layout, dtype, i)
                for i, (shape, layout) in enumerate(zip([(m, k), (k, n)], layouts.split())))
        exact = np.einsum("mk,kn->mn", a.astype(np.longdouble), b.astype(np.longdouble))
        z = kernels.matmul(a, b)
        assert z.dtype == dtype and z.flags.c_contiguous
        np.testing.assert_allclose(z, exact, atol=k**0.5 * 20 * np.finfo(dtype).eps)


def test_strides_that_are_no_whole_numbers_of_elements():
    records = np.zeros((3, 4), [("number", np.float32), ("label", np.int16)])
    records["number"] = np.arange(12).reshape(3, 4)
    a, b = records["number"], np.arange(20, dtype=np.float32).reshape(4, 5)
    assert a.strides == (24, 6)
    for x, y in [(a, b), (b.T, a.T), (a[:1], b), (b[:, :1].T, a.T)]:
        assert (kernels.matmul(x, y) == x.copy() @ y.copy()).all()


def test_nothing_times_nothing():
    assert kernels.matmul(np.ones((2, 0)), np.ones((0, 3))).tolist() == [[0] * 3] * 2
    assert kernels.matmul(np.ones((0, 2)), np.ones((2, 3))).shape == (0, 3)
    assert kernels.matmul(np.ones((3, 2)), np.ones((2, 0))).shape == (3, 0)


def test_infinity_and_nan_stay_in_their_rows():
    a, b = np.ones((5, 40), np.float32), np.ones((40, 6), np.float32)
    a[1, 3], a[2, 4] = np.inf, np.nan
    z = kernels.matmul(a, b)
    assert np.isinf(z[1]).all() and np.isnan(z[2]).all() and (z[[0, 3, 4]] == 40).all()


def test_the_same_bits_at_every_number_of_threads():
    a, b = matrix(64, 500, "plain", np.float32, 0), matrix(500, 500, "plain", np.float32, 1)
    threads, seen = kernels.get_num_threads(), set()
    try:
        for n in (1, 2, 3):
            kernels.set_num_threads(n)
            seen.add(kernels.matmul(a, b).tobytes())
    finally:
        kernels.set_num_threads(threads)
    assert len(seen) == 1


def test_read_only_matrices_are_read_and_wrong_ones_refused():
    a = np.ones((3, 4))
    a.flags.writeable = False
    assert kernels.matmul(a, a.T).tolist() == [[4] * 3] * 3
    with pytest.raises(ValueError, match=r"\(3, 4\) and \(3, 4\)"):
        kernels.matmul(a, a)
    with pytest.raises(TypeError):
        kernels.matmul(a, a.T.astype(np.float32))
