"""Random numbers: equal to PyTorch's, and to literals that PyTorch 2.13 printed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad
from minigrad import random
from minigrad.random import Generator

try:
    import torch
except ImportError:
    torch = None

needs_torch = pytest.mark.skipif(torch is None, reason="compares with PyTorch")
SEEDS = [0, 1, 42, 2**32 - 1, 2**32, 2**64 - 1, -1, -(2**63)]
SIZES = [0, 1, 2, 15, 16, 17, 31, 32, 100, 1000, 2**16 + 17]


def same_bits(got, want):
    """Assert equality; where PyTorch does not use AVX2 its floats differ in the last places."""
    want = want.numpy()
    assert got.dtype == want.dtype and got.shape == want.shape
    if want.dtype.kind == "f" and torch.backends.cpu.get_cpu_capability()[:3] != "AVX":
        np.testing.assert_allclose(got, want, rtol=1e-6, atol=2e-5)
    else:
        np.testing.assert_array_equal(got, want)


def same_normals(got, want, std=1.0):
    """Assert equality, but for the last bits of log and cos where a C library computes them."""
    if got.dtype == np.float32 and got.size >= 16:
        return same_bits(got, want)
    want = want.numpy()
    assert got.dtype == want.dtype and got.shape == want.shape
    rtol = 1.2e-7 if got.dtype == np.float32 else 2e-16
    np.testing.assert_allclose(got, want, rtol=rtol, atol=2e-15 * std)


def pair(seed):
    return Generator().manual_seed(seed), torch.Generator().manual_seed(seed)


# ---- literals, which need no PyTorch ----


def test_known_uniform_numbers():
    g = Generator().manual_seed(0)
    expected = np.float32([0.4962566, 0.7682218, 0.08847743])
    assert g.uniform((3,)).tolist() == expected.tolist()
    g.manual_seed(0)
    assert g.uniform((2,), np.float64).tolist() == [0.9700530018065531, 0.707819864399788]
    drawn = g.manual_seed(0).uniform((3,), low=-0.1, high=0.1)
    assert drawn.tolist() == np.float32([-0.000748682, 0.05364436, -0.082304515]).tolist()
    assert g.manual_seed(42).uniform((1,)).round(4) == np.float32(0.8823)
    assert g.manual_seed(-1).uniform((1,)) == np.float32(0.9937994)


def test_known_normal_numbers():
    g = Generator().manual_seed(0)
    np.testing.assert_allclose(g.normal((3,)), [1.5409961, -0.2934289, -2.1787894], rtol=1e-7)
    np.testing.assert_allclose(g.normal((2,)), [0.56843126, -1.0845224], rtol=1e-7)
    many = g.manual_seed(0).normal((20,))
    assert many[:3].tolist() == np.float32([-1.1258398, -1.1523602, -0.25057858]).tolist()
    assert many[-3:].tolist() == np.float32([1.2590092, 2.0049806, 0.053736903]).tolist()
    many = g.manual_seed(0).normal((20,), np.float64)
    np.testing.assert_allclose(many[-2:], [0.15429517864658948, -0.7498915228391941], rtol=1e-14)


def test_known_integers():
    g = Generator().manual_seed(0)
    assert g.integers(0, 10, (8,)).tolist() == [4, 9, 3, 0, 3, 9, 7, 3]
    wide = g.manual_seed(0).integers(-(2**40), 2**40, (2,))
    assert wide.tolist() == [-358231004625, -593374360384]
    assert g.manual_seed(0).permutation(10).tolist() == [4, 1, 7, 5, 3, 9, 0, 8, 6, 2]
    assert np.flatnonzero(g.manual_seed(0).bernoulli(0.3, (10,))).tolist() == [6, 9]
    assert g.manual_seed(0).random_int64() == 900450186894289455


def test_known_default_seed():
    assert Generator().initial_seed() == 67280421310721
    expected = np.float32([0.26729524, 0.8725283, 0.33528882])
    assert Generator().uniform((3,)).tolist() == expected.tolist()


def test_module_functions_share_one_generator():
    assert random.manual_seed(0) is random.default_generator
    assert random.initial_seed() == 0
    first = random.default_generator.uniform((2,))
    Generator().manual_seed(7).uniform((5,))  # another generator is another stream
    random.manual_seed("0")  # whatever int() takes, as in PyTorch
    np.testing.assert_array_equal(random.default_generator.uniform((2,)), first)
    fresh = random.seed()
    assert random.initial_seed() == fresh and 0 <= fresh < 2**53
    assert random.seed() != fresh


# ---- each kind of number against PyTorch ----


@needs_torch
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("seed", SEEDS)
def test_uniform(seed, dtype):
    g, t = pair(seed)
    torch_dtype = getattr(torch, dtype)
    for n in SIZES:
        same_bits(g.uniform((n,), dtype), torch.rand(n, dtype=torch_dtype, generator=t))
        for low, high in [(-0.0816, 0.0816), (0, 0.3), (1000, 1000.5), (2, 2)]:
            want = torch.empty(n, dtype=torch_dtype).uniform_(low, high, generator=t)
            same_bits(g.uniform((n,), dtype, low, high), want)


@needs_torch
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("seed", SEEDS)
def test_normal(seed, dtype):
    g, t = pair(seed)
    torch_dtype = getattr(torch, dtype)
    for n in SIZES:
        same_normals(g.normal((n,), dtype), torch.randn(n, dtype=torch_dtype, generator=t))
        want = torch.empty(n, dtype=torch_dtype).normal_(2, 5, generator=t)
        same_normals(g.normal((n,), dtype, mean=2, std=5), want, std=5)


@needs_torch
@pytest.mark.parametrize("dtype", ["int64", "int32", "uint8", "bool", "float32", "float64"])
def test_integers(dtype):
    g, t = pair(3)
    bounds = {"uint8": [(0, 256), (7, 8)], "bool": [(0, 2)]}.get(dtype, [(0, 10), (-5, 5)])
    if dtype == "int32":
        bounds += [(-(2**31), 2**31 - 1), (0, 2**28 - 1), (0, 2**28)]
    if dtype == "int64":
        bounds += [(-(2**63), 2**63 - 1), (2**62, 2**63 - 1), (0, 2**28 - 1), (0, 2**28)]
    for n in SIZES:
        for low, high in bounds:
            want = torch.randint(low, high, (n,), dtype=getattr(torch, dtype), generator=t)
            same_bits(g.integers(low, high, (n,), dtype), want)


@needs_torch
@pytest.mark.parametrize("seed", SEEDS)
def test_permutation(seed):
    g, t = pair(seed)
    for n in SIZES:
        same_bits(g.permutation(n), torch.randperm(n, generator=t))


@needs_torch
def test_bernoulli_is_what_dropout_uses():
    for seed, p in [(0, 0.0), (1, 0.3), (2, 0.5), (3, 1.0)]:
        g, t = pair(seed)
        want = torch.empty(7, 50, dtype=torch.bool).bernoulli_(p, generator=t)
        same_bits(g.bernoulli(p, (7, 50)), want)
    torch.manual_seed(5)
    kept = torch.nn.functional.dropout(torch.ones(40, 50), 0.4) != 0
    same_bits(Generator().manual_seed(5).bernoulli(1 - 0.4, (40, 50)), kept)


@pytest.mark.parametrize("shape", [(), (0,), (3, 0), (2, 3, 4)])
def test_shapes(shape):
    g = Generator()
    drawn = [g.uniform(shape), g.uniform(shape, low=1, high=2), g.normal(shape)]
    drawn += [g.integers(0, 5, shape), g.bernoulli(0.5, shape)]
    for array in drawn:
        assert isinstance(array, np.ndarray) and array.shape == shape


# ---- one stream ----

CALLS = st.lists(
    st.tuples(
        st.sampled_from(["uniform", "normal", "integers", "permutation", "bernoulli", "int64"]),
        st.sampled_from(["float32", "float64"]),
        st.integers(0, 50),
    ),
    max_size=12,
)


@needs_torch
@settings(max_examples=60)
@given(seed=st.integers(-(2**63), 2**64 - 1), calls=CALLS)
def test_mixed_calls_stay_in_step(seed, calls):
    g, t = pair(seed)
    for kind, dtype, n in calls:
        like = torch.empty(n, dtype=getattr(torch, dtype))
        if kind == "uniform":
            same_bits(g.uniform((n,), dtype), like.uniform_(generator=t))
        elif kind == "normal":
            same_normals(g.normal((n,), dtype), like.normal_(generator=t))
        elif kind == "integers":
            same_bits(g.integers(-9, n, (n,)), torch.randint(-9, n, (n,), generator=t))
        elif kind == "permutation":
            same_bits(g.permutation(n), torch.randperm(n, generator=t))
        elif kind == "bernoulli":
            want = like.bernoulli_(0.7, generator=t).bool()
            same_bits(g.bernoulli(0.7, (n,)), want)
        else:
            want = torch.empty((), dtype=torch.int64).random_(generator=t).item()
            assert g.random_int64() == want


@needs_torch
def test_order_of_a_shuffled_data_loader():
    from torch.utils.data import DataLoader

    torch.manual_seed(3)
    g = Generator().manual_seed(3)
    loader = DataLoader(range(50), batch_size=7, shuffle=True)
    for _ in range(3):
        g.random_int64()
        order = Generator().manual_seed(g.random_int64()).permutation(50)
        assert torch.cat(list(loader)).tolist() == order.tolist()

    g, t = pair(3)
    loader = DataLoader(range(50), batch_size=7, shuffle=True, generator=t)
    for _ in range(3):
        g.random_int64()
        assert torch.cat(list(loader)).tolist() == g.permutation(50).tolist()
        g.permutation(50)


# ---- state ----


def draw_some(g):
    return [g.normal((5,)), g.uniform((700,)), g.permutation(9), g.normal((20,))]


def test_state_restores_the_stream_and_the_kept_normal():
    g = Generator().manual_seed(11)
    for drawn in [0, 1, 3, 1000]:  # an odd number of normals leaves one for later
        g.normal((drawn,))
        g.normal((1,))
        state = g.get_state()
        first = draw_some(g)
        other = Generator()
        other.set_state(state)
        assert other.initial_seed() == 11
        for again, expected in zip(draw_some(other), first, strict=True):
            np.testing.assert_array_equal(again, expected)


def test_seeding_forgets_the_kept_normal():
    g = Generator().manual_seed(0)
    first = g.normal((3,))
    np.testing.assert_array_equal(g.manual_seed(0).normal((3,)), first)


def test_state_is_a_copy():
    g = Generator().manual_seed(0)
    state = g.get_state()
    before = state.clone()
    g.uniform((1000,))
    np.testing.assert_array_equal(state, before)


def test_the_global_stream_can_be_saved_and_set():
    state = minigrad.get_rng_state()
    first = minigrad.randn(5)
    minigrad.set_rng_state(state)
    assert minigrad.equal(minigrad.randn(5), first) and state.dtype == minigrad.uint8
    minigrad.default_generator.set_state(state)
    assert minigrad.equal(minigrad.randn(5), first)


@needs_torch
def test_state_goes_to_pytorch_and_back():
    for drawn in [0, 1, 623, 624, 625]:
        g, t = pair(5)
        g.uniform((drawn,))
        g.normal((1,))
        t.set_state(torch.from_numpy(g.get_state().numpy()))
        same_normals(g.normal((3,)), torch.randn(3, generator=t))
        same_bits(g.uniform((1300,)), torch.rand(1300, generator=t))
        torch.randn(2, generator=t)
        g.set_state(t.get_state().numpy())
        same_normals(g.normal((3,)), torch.randn(3, generator=t))
        assert g.initial_seed() == t.initial_seed() == 5
    g.set_state(torch.Generator().manual_seed(6).get_state().numpy())
    same_bits(g.uniform((700,)), torch.rand(700, generator=torch.Generator().manual_seed(6)))


# ---- bad input ----

BAD_CALLS = {
    "seed too large": (ValueError, lambda g: g.manual_seed(2**64)),
    "seed too small": (ValueError, lambda g: g.manual_seed(-(2**63) - 1)),
    "seed a float": (RuntimeError, lambda g: g.manual_seed(1.0)),
    "seed a bool": (RuntimeError, lambda g: g.manual_seed(True)),
    "seed a str": (RuntimeError, lambda g: g.manual_seed("1")),
}
BAD_DRAWS = {
    "uniform dtype": (
        NotImplementedError,
        lambda g: g.uniform((3,), np.int64),
        lambda: torch.rand(3, dtype=torch.int64),
    ),
    "normal dtype": (
        NotImplementedError,
        lambda g: g.normal((3,), np.int64),
        lambda: torch.randn(3, dtype=torch.int64),
    ),
    "uniform reversed": (
        RuntimeError,
        lambda g: g.uniform((3,), low=2, high=1),
        lambda: torch.empty(3).uniform_(2, 1),
    ),
    "uniform too wide": (
        RuntimeError,
        lambda g: g.uniform((3,), low=-3e38, high=3e38),
        lambda: torch.empty(3).uniform_(-3e38, 3e38),
    ),
    "uniform NaN": (
        RuntimeError,
        lambda g: g.uniform((3,), low=0.0, high=float("nan")),
        lambda: torch.empty(3).uniform_(0, float("nan")),
    ),
    "negative std": (
        RuntimeError,
        lambda g: g.normal((3,), std=-1),
        lambda: torch.empty(3).normal_(0, -1),
    ),
    "std NaN": (
        RuntimeError,
        lambda g: g.normal((3,), std=float("nan")),
        lambda: torch.empty(3).normal_(0, float("nan")),
    ),
    "empty range": (
        RuntimeError,
        lambda g: g.integers(5, 5, (3,)),
        lambda: torch.randint(5, 5, (3,)),
    ),
    "beyond uint8": (
        RuntimeError,
        lambda g: g.integers(0, 257, (3,), np.uint8),
        lambda: torch.randint(0, 257, (3,), dtype=torch.uint8),
    ),
    "below uint8": (
        RuntimeError,
        lambda g: g.integers(-1, 9, (3,), np.uint8),
        lambda: torch.randint(-1, 9, (3,), dtype=torch.uint8),
    ),
    "beyond bool": (
        RuntimeError,
        lambda g: g.integers(0, 3, (3,), bool),
        lambda: torch.randint(0, 3, (3,), dtype=torch.bool),
    ),
    "beyond int64": (
        ValueError,
        lambda g: g.integers(0, 2**63, (3,)),
        lambda: torch.randint(0, 2**63, (3,)),
    ),
    "bound a float": (
        TypeError,
        lambda g: g.integers(0, 1.5, (3,)),
        lambda: torch.randint(0, 1.5, (3,)),
    ),
    "negative n": (RuntimeError, lambda g: g.permutation(-1), lambda: torch.randperm(-1)),
    "float n": (TypeError, lambda g: g.permutation(2.5), lambda: torch.randperm(2.5)),
    "negative length": (RuntimeError, lambda g: g.uniform((2, -3)), lambda: torch.rand(2, -3)),
    "p above 1": (
        RuntimeError,
        lambda g: g.bernoulli(1.5, (3,)),
        lambda: torch.empty(3).bernoulli_(1.5),
    ),
    "p NaN": (
        RuntimeError,
        lambda g: g.bernoulli(float("nan"), (3,)),
        lambda: torch.empty(3).bernoulli_(float("nan")),
    ),
}


@pytest.mark.parametrize("name", BAD_CALLS)
def test_bad_seed(name):
    error, call = BAD_CALLS[name]
    g = Generator()
    with pytest.raises(error, match="seed"):
        call(g)
    assert g.initial_seed() == 67280421310721
    if torch is not None:
        with pytest.raises(error):
            call(torch.Generator())


@pytest.mark.parametrize("name", BAD_DRAWS)
def test_bad_draw_raises_pytorchs_error_and_draws_nothing(name):
    error, ours, theirs = BAD_DRAWS[name]
    g = Generator()
    with pytest.raises(error):
        ours(g)
    np.testing.assert_array_equal(g.get_state(), Generator().get_state())
    if torch is not None:
        with pytest.raises(error):
            theirs()


def test_bad_state():
    g = Generator().manual_seed(1)
    good = g.get_state()
    with pytest.raises(TypeError, match="uint8"):
        g.set_state(good.astype(np.int64))
    with pytest.raises(RuntimeError, match=r"\(5056,\).*\(10,\)"):
        g.set_state(good[:10])
    with pytest.raises(RuntimeError, match="Twister"):
        g.set_state(np.zeros_like(good))
    np.testing.assert_array_equal(g.get_state(), good)
