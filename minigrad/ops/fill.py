"""New numbers in the memory of a tensor: constants, copies, random draws. All of them are in place."""

import numpy as np

from ..engine import Value, wrap
from .common import in_memory_order, plain, tensor_argument
from .create import randint, source
from .index import setitem
from .shape import expand


def fill_(input, value):
    """Every element becomes `value`, a number or a tensor of one."""
    if isinstance(value, Value) and value.ndim:
        raise RuntimeError(f"fill_ only supports a 0-dimensional value tensor, not one of {list(value.shape)}")
    setitem(input, ..., value)
    return input


def zero_(input):
    """Every element becomes 0."""
    return fill_(input, 0)


def copy_(input, src, non_blocking=False):
    """The elements of `src`, broadcast and cast, or a number; the gradient goes to `src`."""
    if not isinstance(src, (int, float, np.generic)):
        src = expand(tensor_argument(src, "src", "copy_"), input.shape)
    setitem(input, ..., src)
    return input


def normal_(input, mean=0, std=1, *, generator=None):
    """Random numbers with this mean and standard deviation. RuntimeError for a negative std."""
    one_by_one, mean, std = not input._array.flags.c_contiguous, plain(mean), plain(std)
    return _draw(input, lambda shape: source(generator).normal(shape, input._array.dtype, mean, std, one_by_one))


def uniform_(input, from_=0, to=1, *, generator=None):
    """Random numbers from [from_, to). RuntimeError if from_ > to."""
    return _draw(input, lambda shape: source(generator).uniform(shape, input._array.dtype, from_, to))


def random_(input, *bounds, to=None, generator=None):
    """Random integers: random_(to) draws from [0, to), random_(from, to) from [from, to).

    RuntimeError for an empty range and for one that the dtype does not hold; without `to` NotImplementedError.
    """
    bounds = bounds if to is None else (*bounds, to)
    if not bounds or any(bound is None for bound in bounds):
        raise NotImplementedError("random_() without its argument 'to' is not implemented")
    return _draw(input, lambda shape: randint(*bounds, size=shape, generator=generator, dtype=input.dtype)._array)


def _draw(input, draw):
    setitem(input, ..., wrap(in_memory_order(input._array, draw)))
    return input
