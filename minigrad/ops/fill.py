"""New numbers in the memory of a tensor: constants, copies, random draws. All of them are in place."""

from .. import random
from ..engine import Value, wrap
from .common import in_memory_order, tensor_argument
from .create import randint
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
    """The elements of `src`, broadcast and cast; its gradient goes to `src`."""
    setitem(input, ..., expand(tensor_argument(src, "src", "copy_"), input.shape))
    return input


def normal_(input, mean=0, std=1, *, generator=None):
    """Random numbers with this mean and standard deviation. RuntimeError for a negative std."""
    if std < 0:
        raise RuntimeError(f"normal expects std >= 0.0, but found std {std}")
    return _draw_floats(input, "normal", generator, mean, std, not input._array.flags.c_contiguous)


def uniform_(input, from_=0, to=1, *, generator=None):
    """Random numbers from [from_, to). RuntimeError if from_ > to."""
    if from_ > to:
        raise RuntimeError(f"uniform_ expects to return a [from, to) range, but found from={from_} > to={to}")
    return _draw_floats(input, "uniform", generator, from_, to)


def random_(input, *bounds, to=None, generator=None):
    """Random integers: random_(to) draws from [0, to), random_(from, to) from [from, to).

    RuntimeError for an empty range and for one that the dtype does not hold; without `to` NotImplementedError.
    """
    bounds = bounds if to is None else (*bounds, to)
    if not bounds or any(bound is None for bound in bounds):
        raise NotImplementedError("random_() without its argument 'to' is not implemented")
    return _draw(input, lambda shape: randint(*bounds, size=shape, generator=generator, dtype=input.dtype)._array)


def _draw_floats(input, kind, generator, *parameters):
    if input._array.dtype.kind != "f":
        raise NotImplementedError(f"\"{kind}_\" not implemented for '{input.dtype.text}'")
    source = generator or random.default_generator
    return _draw(input, lambda shape: getattr(source, kind)(shape, input._array.dtype, *parameters))


def _draw(input, draw):
    setitem(input, ..., wrap(in_memory_order(input._array, draw)))
    return input
