"""Random numbers: after ``manual_seed(0)`` the very numbers that PyTorch draws on a CPU.

PyTorch's generator is the Mersenne Twister (``ATen/core/MT19937RNGEngine.h``). NumPy has the same
one, so what is left to do is to make numbers of its 32-bit words by PyTorch's recipes
(``ATen/core/DistributionsHelper.h``, ``ATen/native/cpu/DistributionTemplates.h``). With PyTorch
2.13 on an x86-64 CPU with AVX2 these agree bit for bit: uniform, integers, permutation, bernoulli,
and normal for 16 float32 elements or more. On other CPUs PyTorch rounds a product and a sum one
after the other where AVX2 fuses them, so that its own numbers differ there in the last places.

normal for float64, or for fewer than 16 elements, is computed in float64 with NumPy's log, sin and
cos, where PyTorch has the C library's. They may round the last bit differently: the numbers agree
to 2e-15 times the standard deviation, and as float32 they are nearly always the same bits again.
"""

import math
import operator
import os

import numpy as np

from . import devices, dtypes
from .engine import wrap

# CPUGeneratorImplState of ATen/CPUGeneratorImpl.cpp, so that states go to PyTorch and back.
_STATE = np.dtype(
    [("seed", "u8"), ("left", "i4"), ("seeded", "i4"), ("next", "u8"), ("key", "u8", 624)]
    + [("unused_1", "f8"), ("normal", "f8"), ("unused_2", "f8"), ("has_normal", "i4")]
    + [("unused_3", "V12")]
)


class Generator:
    """A stream of random numbers, of which every method takes the next ones.

    A new generator has PyTorch's fixed default seed. ``shape`` is a tuple of ints; a negative one
    raises RuntimeError. A dtype that the numbers do not come in raises NotImplementedError.

    >>> import minigrad
    >>> g = minigrad.Generator().manual_seed(0)
    >>> minigrad.rand(2, generator=g)
    tensor([0.4963, 0.7682])
    """

    device = devices.CPU

    def __init__(self, device="cpu"):
        if devices.device(device) != devices.CPU:
            raise RuntimeError(f"minigrad runs on the CPU: there is no generator for device {str(device)!r}")
        self._engine = np.random.MT19937(0)
        self.manual_seed(67280421310721)

    def manual_seed(self, seed):
        """Start the stream of ``seed``, an int in [-2**63, 2**64); return the generator.

        A negative seed stands for ``2**64 + seed``. Only the low 32 bits make a difference.

        Raises:
            RuntimeError: seed is no int. ValueError: it is out of range.
        """
        if isinstance(seed, bool) or not isinstance(seed, int):
            raise RuntimeError(f"manual_seed expects seed to be an int, but got {seed!r}")
        if not -(2**63) <= seed < 2**64:
            raise ValueError(f"manual_seed expects seed in [-2**63, 2**64), but got {seed}")
        self._seed = seed % 2**64
        self._next_normal = None
        # RandomState still seeds as the inventors' init_genrand; MT19937 itself no longer does.
        np.random.RandomState(self._engine).seed(self._seed % 2**32)
        return self

    def initial_seed(self):
        """Return the seed that the stream was started with, an int in [0, 2**64)."""
        return self._seed

    def seed(self):
        """Start the stream of a seed that nobody can foretell, and return that seed (53 bits)."""
        return self.manual_seed(int.from_bytes(os.urandom(8), "little") >> 11).initial_seed()

    def get_state(self):
        """Return where the stream stands, a uint8 tensor of 5056 bytes, PyTorch's layout."""
        engine = self._engine.state["state"]
        state = np.zeros(1, _STATE)
        state["seed"], state["seeded"], state["key"] = self._seed, 1, engine["key"]
        state["next"], state["left"] = engine["pos"], 625 - engine["pos"]
        if self._next_normal is not None:
            state["normal"], state["has_normal"] = self._next_normal, 1
        return wrap(state.view(np.uint8))

    def set_state(self, state):
        """Go on from where ``get_state`` was called, here or in PyTorch.

        Raises:
            TypeError: state is not uint8. RuntimeError: it does not hold a generator's state.
        """
        state = np.array(state)
        if state.dtype != np.uint8:
            raise TypeError(f"set_state expects state to be uint8, but got {state.dtype}")
        if state.shape != (_STATE.itemsize,):
            raise RuntimeError(
                f"set_state expects state of shape ({_STATE.itemsize},), but got {state.shape}"
            )
        state = state.view(_STATE)[0]
        if not (state["seeded"] and 1 <= state["left"] <= 624 and state["next"] <= 624):
            raise RuntimeError("set_state expects state to hold a valid Mersenne Twister")
        self._seed = int(state["seed"])
        self._next_normal = float(state["normal"]) if state["has_normal"] else None
        # With one word `left` a new block is due, whatever `next` says: 0 right after seeding.
        position = 624 if state["left"] == 1 else int(state["next"])
        engine = {"key": state["key"].astype(np.uint32), "pos": position}
        self._engine.state = {"bit_generator": "MT19937", "state": engine}

    def uniform(self, shape, dtype=np.float32, low=0.0, high=1.0):
        """Return floats spread evenly over [low, high): ``torch.rand``, ``Tensor.uniform_``.

        Raises:
            RuntimeError: low > high, or they or their distance are beyond the dtype's range.
        """
        dtype = _float_dtype("uniform", dtype)
        limit = float(np.finfo(dtype).max)
        if not all(abs(bound) <= limit for bound in (low, high, high - low)):
            raise RuntimeError(f"low={low} to high={high} is beyond the range of {dtype}")
        if low > high:
            raise RuntimeError(f"uniform_ expects to return a [from, to) range, but found from={low} > to={high}")
        x = self._fractions(_numel(shape), dtype).reshape(shape)
        if (low, high) == (0, 1):
            return x
        low, high = dtype.type(low), dtype.type(high)
        x = (_fma if dtype == np.float32 else _fma_float64)(x, high - low, low)
        return np.where(x == high, low, x)  # rounding can reach the bound that is left out

    def normal(self, shape, dtype=np.float32, mean=0.0, std=1.0, one_by_one=False):
        """Return normally distributed floats: ``torch.randn``, ``Tensor.normal_``.

        Two uniform numbers u and v make two independent normal ones (Box and Muller, 1958):
        ``sqrt(-2 log(1 - u)) cos(2 pi v)`` and ``sqrt(-2 log(1 - u)) sin(2 pi v)``.
        ``one_by_one``: as PyTorch fills a tensor that is not contiguous, in float64.

        Raises:
            RuntimeError: std is negative or NaN.
        """
        dtype = _float_dtype("normal", dtype)
        if not std >= 0:
            raise RuntimeError(f"normal expects std >= 0.0, but found std {std}")
        n = _numel(shape)
        if n < 16 or one_by_one:
            return (self._few_normals(n) * std + mean).astype(dtype).reshape(shape)
        x = self._fractions(n, dtype)
        whole = n - n % 16
        for start in range(0, whole, 2**16):  # in pieces that stay in the cache
            piece = x[start : min(start + 2**16, whole)]
            piece[:] = _normal_blocks(piece, mean, std)
        if n % 16:  # PyTorch draws the last 16 again, rather than a shorter block
            x[n - 16 :] = _normal_blocks(self._fractions(16, dtype), mean, std)
        return x.reshape(shape)

    def integers(self, low, high, shape, dtype=np.int64):
        """Return integers in [low, high): ``torch.randint``.

        Raises:
            RuntimeError: low >= high, or the dtype cannot hold them. ValueError: int64 cannot.
        """
        low, high, dtype = operator.index(low), operator.index(high), np.dtype(dtype)
        if not (-(2**63) <= low < 2**63 and -(2**63) <= high < 2**63):
            raise ValueError(f"low={low} and high={high} must fit in int64")
        if low >= high:
            raise RuntimeError(f"random_ expects 'from' to be less than 'to', but got from={low} >= to={high}")
        if dtype.kind != "f":
            least, most = 0, 1
            if dtype.kind != "b":
                least, most = np.iinfo(dtype).min, np.iinfo(dtype).max
            if low < least or high - 1 > most:
                raise RuntimeError(f"low={low} to high - 1={high - 1} is out of bounds for {dtype}")
        n, span = _numel(shape), high - low
        # 32 bits modulo a wide range would favour some numbers noticeably, hence two words.
        words = self._words64(n) if span >= 2**28 else self._engine.random_raw(n)
        # Unsigned sums wrap around, so that a negative low, too, can be added modulo 2**64.
        shifted = words % np.uint64(span) + np.uint64(low % 2**64)
        return shifted.view(np.int64).astype(dtype).reshape(shape)

    def permutation(self, n):
        """Return 0 to n-1 in random order, int64: ``torch.randperm`` (Fisher and Yates, 1938).

        Raises:
            RuntimeError: n is negative.
        """
        order = list(range(_numel((n,))))
        here = np.arange(max(n - 1, 0))
        there = here + self._engine.random_raw(len(here)).astype(np.int64) % (n - here)
        for i, j in enumerate(there.tolist()):
            order[i], order[j] = order[j], order[i]
        return np.array(order, np.int64)

    def bernoulli(self, p, shape):
        """Return bools, each True with probability p: ``Tensor.bernoulli_``.

        PyTorch's dropout keeps an element where ``bernoulli_(1 - p)`` is 1.

        Raises:
            RuntimeError: p is not in [0, 1].
        """
        if not 0 <= p <= 1:
            raise RuntimeError(f"bernoulli expects p to be in [0, 1], but got p={p}")
        return (self._fractions(_numel(shape), np.dtype(np.float64)) < p).reshape(shape)

    def random_int64(self):
        """Return an int in [0, 2**63): ``torch.empty((), dtype=torch.int64).random_().item()``.

        An epoch of PyTorch's ``DataLoader(shuffle=True)`` takes one of these for its workers. Then
        it takes, if it was given a generator, the permutation, and at the end of the epoch another
        that it does not use; if not, one more of these (all from the default generator), as the
        seed of a new Generator that makes the permutation.
        """
        return int(self._words64(1)[0]) % 2**63

    def _words64(self, n):
        words = self._engine.random_raw(2 * n)
        return words[0::2] << np.uint64(32) | words[1::2]

    def _fractions(self, n, dtype):
        """Return n floats in [0, 1), multiples of 2**-24 in float32 and of 2**-53 in float64."""
        bits = np.finfo(dtype).nmant + 1
        words = self._engine.random_raw(n) if dtype == np.float32 else self._words64(n)
        return (words & np.uint64(2**bits - 1)).astype(dtype) * dtype.type(0.5**bits)

    def _few_normals(self, n):
        """Return n float64 normals, made two by two; an odd one is kept for the next call."""
        kept = [] if self._next_normal is None else [self._next_normal]
        pairs = (n - len(kept) + 1) // 2
        v, u = self._fractions(2 * pairs, np.dtype(np.float64)).reshape(pairs, 2).T
        radius, angle = np.sqrt(-2 * np.log1p(-u)), 2 * np.pi * v
        made = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
        x = np.append(kept, made)
        self._next_normal = float(x[n]) if len(x) > n else None
        return x[:n]


default_generator = Generator()
default_generator.seed()


def manual_seed(seed):
    """Start the default generator's stream of ``int(seed)``; return that generator.

    >>> import minigrad
    >>> _ = minigrad.manual_seed(0)
    >>> minigrad.rand(2)
    tensor([0.4963, 0.7682])
    """
    return default_generator.manual_seed(int(seed))


def seed():
    """Give the default generator a seed that nobody can foretell, and return it.

    >>> import minigrad
    >>> isinstance(minigrad.seed(), int)
    True
    """
    return default_generator.seed()


def get_rng_state():
    """Return where the default generator's stream stands, a uint8 tensor.

    >>> import minigrad
    >>> state = minigrad.get_rng_state()
    >>> first = minigrad.rand(3)
    >>> minigrad.set_rng_state(state)
    >>> minigrad.equal(minigrad.rand(3), first)
    True
    """
    return default_generator.get_state()


def set_rng_state(new_state):
    """Let the default generator go on from a state of ``get_rng_state``, here or in PyTorch.

    Raises:
        TypeError: new_state is not uint8. RuntimeError: it does not hold a generator's state.

    >>> import minigrad
    >>> minigrad.set_rng_state(minigrad.Generator().manual_seed(0).get_state())
    >>> minigrad.rand(2)
    tensor([0.4963, 0.7682])
    """
    default_generator.set_state(new_state)


def initial_seed():
    """Return the seed that the default generator's stream was started with.

    >>> import minigrad
    >>> _ = minigrad.manual_seed(7)
    >>> minigrad.initial_seed()
    7
    """
    return default_generator.initial_seed()


def _numel(shape):
    if any(length < 0 for length in shape):
        raise RuntimeError(f"shape must not have a negative dimension, but got {list(shape)}")
    return math.prod(shape)


def _float_dtype(name, dtype):
    dtype = np.dtype(dtype)
    if dtype not in (np.float32, np.float64):
        raise NotImplementedError(f"{name} is not implemented for '{dtypes.of(np.empty(0, dtype)).text}'")
    return dtype


def _normal_blocks(x, mean, std):
    """Box-Muller in blocks of 16: eight u and eight v become eight cosines and eight sines."""
    u, v = x.reshape(-1, 2, 8).swapaxes(0, 1)
    dtype = x.dtype.type
    angle = dtype(2 * np.pi) * v
    if dtype == np.float64:
        radius, sin, cos = np.sqrt(-2 * np.log(1 - u)), np.sin(angle), np.cos(angle)
        return (np.stack([radius * cos, radius * sin], axis=1) * std + mean).ravel()
    radius, (sin, cos) = np.sqrt(-2 * _log(1 - u)), _sin_cos(angle)
    return _fma(np.stack([radius * cos, radius * sin], axis=1), dtype(std), dtype(mean)).ravel()


# Float32 log, sin and cos, rounded step by step as in ATen's AVX2 code (avx_mathfun.h, after
# Moshier's Cephes library). Made of +, -, * and / alone, they are the same bits on every machine.


def _log(x):
    """Natural logarithm of float32 in (0, 1]."""
    fraction, exponent = np.frexp(x)
    below = fraction < np.float32(0.5**0.5)
    exponent = (exponent - below).astype(np.float32)
    x = np.where(below, 2 * fraction, fraction) - 1  # in [sqrt(1/2) - 1, sqrt(2) - 1)
    square = x * x
    y = x * _polynomial(
        x,
        *(7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1),
        *(-1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1),
    )
    # log 2 in two parts, the second of few bits, so that its product is exact.
    y = _fma(y, square, exponent * np.float32(-2.12194440e-4))
    return _fma(exponent, np.float32(0.693359375), x + _fma(square, np.float32(-0.5), y))


def _sin_cos(x):
    """Sine and cosine of float32 in [0, 2 pi]."""
    quadrant = ((x * np.float32(4 / np.pi)).astype(np.int32) + 1) // 2
    # pi/2 in three parts, for the same reason; what remains is in [-pi/4, pi/4].
    for part in (1.5703125, 4.837512969970703125e-4, 7.54978995489188216e-8):
        x = _fma(quadrant.astype(np.float32), np.float32(-part), x)
    square = x * x
    cos = _polynomial(square, 2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2)
    cos = _fma(cos * square, square, np.float32(-0.5) * square) + 1
    sin = _polynomial(square, -1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1)
    sin = _fma(sin * square, x, x)
    odd = quadrant % 2 == 1
    sin, cos = np.where(odd, cos, sin), np.where(odd, sin, cos)
    return np.where(quadrant & 2, -sin, sin), np.where((quadrant + 1) & 2, -cos, cos)


def _polynomial(x, *coefficients):
    y = np.float32(coefficients[0])
    for coefficient in coefficients[1:]:
        y = _fma(y, x, np.float32(coefficient))
    return y


def _fma(x, y, z):
    """Return x * y + z of float32, rounded once: float64 holds the product exactly."""
    return (np.multiply(x, y, dtype=np.float64) + z).astype(np.float32)


def _fma_float64(x, scale, offset):
    """Return x * scale + offset of float64, x in [0, 1), rounded once.

    Factors of half the bits have exact products, which give the error of the whole product
    (Dekker, 1971); the error of the sum is Knuth's; both are added at the end.
    """
    x_high = np.rint(x * 2.0**26) * 2.0**-26
    significand, exponent = math.frexp(scale)
    scale_high = math.ldexp(math.floor(significand * 2**26), exponent - 26)
    x_low, scale_low = x - x_high, scale - scale_high
    product = x * scale
    error = x_high * scale_high - product + x_high * scale_low + x_low * scale_high
    error += x_low * scale_low
    total = product + offset
    added = total - product
    error += (product - (total - added)) + (offset - added)
    return total + error
