"""The same numbers in another arrangement: copies. What needs none stands in shape.py."""

import numpy as np

from .. import dtypes
from ..engine import Operator, wrap
from .common import cast, check_size, int_argument, normal_dim, normal_dims, numpy_names, size_argument, tensor_argument
from .elementwise import clone, where
from .shape import contiguous, dim_and_size, expand, index_at, listed, reshape, tensor_list, unsqueeze
from .table import define, named


class Cat(Operator):
    """z = the inputs one after the other along `dim`; each gets its piece of g."""

    def forward(self, *arrays, dim):
        self.dim = dim
        self.ends = np.cumsum([a.shape[dim] for a in arrays]).tolist()
        shape = arrays[0].shape[:dim] + (self.ends[-1],) + arrays[0].shape[dim + 1:]
        return np.concatenate(arrays, axis=dim, out=np.empty(shape, arrays[0].dtype))  # in C order

    def backward(self, g):
        starts = [0, *self.ends[:-1]]
        return tuple(g[index_at(self.dim, slice(a, b))] if needed else None
                     for a, b, needed in zip(starts, self.ends, self.needs_input_grad))


Flip = define("Flip", lambda x, dims: np.flip(x, dims).copy(), lambda g, dims: flip(g, dims))
Roll = define("Roll", lambda x, shifts, dims: np.roll(x, shifts, dims or None),
              lambda g, shifts, dims: roll(g, [-n for n in shifts], dims))


# ---- the functions


def tril(input, diagonal=0):
    """(Stacks of) matrices with zeros above the given diagonal. RuntimeError for less than two dimensions.

        >>> import minigrad
        >>> minigrad.tril(minigrad.ones(2, 2))
        tensor([[1., 0.],
                [1., 1.]])
    """
    return _triangle(input, diagonal, "tril", np.less_equal)


def triu(input, diagonal=0):
    """(Stacks of) matrices with zeros below the given diagonal. RuntimeError for less than two dimensions.

        >>> import minigrad
        >>> minigrad.triu(minigrad.ones(2, 2), 1)
        tensor([[0., 1.],
                [0., 0.]])
    """
    return _triangle(input, diagonal, "triu", np.greater_equal)


def _triangle(input, diagonal, function, compare):
    if tensor_argument(input, "input", function).ndim < 2:
        raise RuntimeError(f"{function}: input tensor must have at least 2 dimensions, not {input.ndim}")
    rows, columns = np.ogrid[:input.shape[-2], :input.shape[-1]]
    kept = wrap(compare(columns - rows, int_argument(diagonal, "diagonal", function)))
    return named(where(kept, contiguous(input), False), function.capitalize())


@numpy_names
def cat(tensors, dim=0):
    """The tensors one after the other along `dim`; all other sizes must agree (RuntimeError).

        >>> import minigrad
        >>> minigrad.cat([minigrad.arange(2), minigrad.arange(3)])
        tensor([0, 1, 0, 1, 2])
    """
    tensors = tensor_list(tensors, "cat")
    dtype = dtypes.result_type(*(x._array for x in tensors))
    # Torch's oldest rule: an empty 1-d tensor goes with anything.
    like = next((x for x in tensors if x._array.shape != (0,)), tensors[0])
    if like.ndim == 0:
        raise RuntimeError("zero-dimensional tensor (at position 0) cannot be concatenated")
    at = normal_dim(dim, like.ndim)
    empty = (*like.shape[:at], 0, *like.shape[at + 1:])
    tensors = [reshape(x, empty) if x._array.shape == (0,) else x for x in tensors]
    if len({(x.ndim, x.shape[:at], x.shape[at + 1:]) for x in tensors}) > 1:
        raise RuntimeError(f"Sizes of tensors must match except in dimension {at}: the shapes are "
                           f"{[list(x.shape) for x in tensors]}")
    return Cat.apply(*(cast(x, dtype) for x in tensors), dim=at)


@numpy_names
def stack(tensors, dim=0):
    """Tensors of one shape side by side along a new dimension (RuntimeError if shapes differ).

        >>> import minigrad
        >>> minigrad.stack([minigrad.arange(2), minigrad.arange(2)])
        tensor([[0, 1],
                [0, 1]])
    """
    tensors = tensor_list(tensors, "stack")
    at = normal_dim(dim, tensors[0].ndim + 1)
    if len({x.shape for x in tensors}) > 1:
        raise RuntimeError(f"stack expects each tensor to be equal size, but the shapes are "
                           f"{[list(x.shape) for x in tensors]}")
    return named(cat([unsqueeze(x, at) for x in tensors], at), "Stack")


def flip(input, dims):
    """The order of the elements reversed along each of `dims`: a copy.

        >>> import minigrad
        >>> minigrad.flip(minigrad.arange(3), (0,))
        tensor([2, 1, 0])
    """
    ndim, dims = tensor_argument(input, "input", "flip").ndim, size_argument(dims, "flip", "dims")
    return Flip.apply(input, dims=normal_dims(dims, ndim) if dims else ())


def roll(input, shifts, dims=None):
    """The elements moved by `shifts` along `dims`, the last ones to the front: z[i] = x[i - shift].

    Without dims, of the flattened input. RuntimeError if the numbers of shifts and dims differ.

        >>> import minigrad
        >>> minigrad.roll(minigrad.arange(5), 2)
        tensor([3, 4, 0, 1, 2])
    """
    tensor_argument(input, "input", "roll")
    shifts, dims = (size_argument(listed(() if x is None else x), "roll", "shifts and dims") for x in (shifts, dims))
    if not shifts or len(shifts) != len(dims or shifts[:1]):
        raise RuntimeError(f"roll: `shifts` required, one for each of dims: shifts {shifts}, dims {dims}")
    return Roll.apply(input, shifts=shifts, dims=tuple(dim_and_size(input, d, "roll", IndexError)[0] for d in dims))


def repeat(input, repeats):
    """repeats[d] copies of `input` after each other along dimension d, new dimensions in front: a copy.

    RuntimeError for fewer repeats than dimensions, or negative ones.

        >>> import minigrad
        >>> minigrad.tensor([1, 2]).repeat(2, 2)
        tensor([[1, 2, 1, 2],
                [1, 2, 1, 2]])
    """
    tensor_argument(input, "input", "repeat")
    repeats = size_argument(repeats, "repeat", "repeats")
    shape = (1,) * (len(repeats) - input.ndim) + input.shape
    result = [r * n for r, n in zip(repeats, shape)]
    if len(repeats) < len(shape) or min(result, default=0) < 0:
        raise RuntimeError(f"repeat(): repeats {list(repeats)} must not be negative, nor fewer than the dimensions of "
                           f"the shape {list(input.shape)}")
    check_size(result, input._array.itemsize, "repeat")
    apart = reshape(input, [m for n in shape for m in (1, n)])
    return named(reshape(clone(expand(apart, [m for pair in zip(repeats, shape) for m in pair])), result), "Repeat")
