"""Memory that is used again: what comes out of it, and that nothing in use is ever in it."""

import numpy as np
import pytest

import minigrad
from minigrad import memory

LARGE = 300_000  # float32 numbers: more than a megabyte


@pytest.fixture(autouse=True)
def nothing_waits():
    memory.empty_cache()
    yield
    memory.empty_cache()


def address(array):
    return array.__array_interface__["data"][0]


def test_what_is_dropped_is_used_again():
    first = memory.empty((LARGE,), np.dtype(np.float32))
    where = address(first)
    assert where % 64 == 0 and memory.cached_bytes() == 0
    del first
    assert 4 * LARGE <= memory.cached_bytes() <= 4.6 * LARGE  # at most an eighth more
    again = memory.empty((LARGE - 5,), np.dtype(np.float32))
    assert address(again) == where and memory.cached_bytes() == 0


def test_small_arrays_are_left_to_numpy():
    small = memory.empty((100,), np.dtype(np.float32))
    del small
    assert memory.cached_bytes() == 0


def test_arrays_in_use_never_share_memory():
    numbers = np.random.default_rng(0)
    kept = {}
    for step in range(300):
        size = int(numbers.integers(1, 200_000))
        array = memory.empty((size,), np.dtype(np.float64))
        array.fill(step)
        kept[step] = array
        if len(kept) > 20:
            del kept[int(numbers.choice(list(kept)))]
    for step, array in kept.items():
        assert (array == step).all()


def test_zeros_are_zeros_in_used_memory():
    x = minigrad.full((LARGE,), 7.0)
    for _ in range(3):
        y = x * 2  # leaves its memory behind
        del y
        g = minigrad.full((LARGE,), 1.0, requires_grad=True)
        (g[: LARGE // 2] * x[: LARGE // 2]).sum().backward()
        grad = g.grad.numpy()
        assert (grad[: LARGE // 2] == 7).all() and (grad[LARGE // 2 :] == 0).all()


def test_an_array_can_grow_and_shrink():
    array = memory.empty((LARGE,), np.dtype(np.float32))
    array[:] = np.arange(LARGE)
    array.resize(2 * LARGE, refcheck=False)
    assert (array[:LARGE] == np.arange(LARGE)).all()
    array.resize(10, refcheck=False)
    assert array.tolist() == list(range(10))


def test_training_does_not_grow():
    weight = minigrad.randn(500, 500, requires_grad=True)
    x = minigrad.randn(64, 500)
    seen = []
    for _ in range(6):
        weight.grad = None
        (x @ weight).relu().sum().backward()
        seen.append(memory.cached_bytes())
    assert seen[-1] == seen[2]


def test_more_than_there_is_raises_memory_error():
    with pytest.raises(MemoryError):
        memory.empty((2**44,), np.dtype(np.float32))
