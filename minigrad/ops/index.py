"""`x[...]`, NumPy's indexing, for reading and for writing, and its kind: gather, scatter, diag.

All of them, and their gradients, are made of three operators:

    GetItem(x)         z = x[index]                    dx = zeros with g added at index
    AddItem(v)         z = zeros; z[index] += v        dv = g[index]
    SetItem(x, v)      z = x with z[index] = v         dx = g with zeros at index,  dv = g[index]
"""

import numpy as np

from ..engine import Operator, Value, wrap
from .common import element, int_argument, normal_dim, numpy_names, same_dtype, tensor_argument
from .inplace import commit, prepare
from .shape import reshape
from .table import define


class GetItem(Operator):
    """z = x[index]: a view for integers, slices, None and ..., a copy for index arrays."""

    is_view = True

    def forward(self, x, *, index, named=None):
        self.index, self.shape, self.named, self.keeps = index, x.shape, named, is_advanced(index)
        return np.asarray(x[index], order="C") if self.keeps else x[index]

    def backward(self, g):
        return AddItem.apply(g, index=self.index, shape=self.shape)

    def name(self):
        if is_advanced(self.index):
            return f"{self.named or 'Index'}Backward0"
        # PyTorch takes one step for each item and shows the last.
        kinds = [type(i) for i in self.index if i is not ... and i != slice(None)] or [slice]
        return {int: "SelectBackward0", slice: "SliceBackward0"}.get(kinds[-1], "UnsqueezeBackward0")


def added(x, index, shape):
    """Zeros, with x added at index (an index that occurs twice adds twice)."""
    z = np.zeros(shape, x.dtype)
    if any(isinstance(i, np.ndarray) and i.dtype != bool for i in index):
        np.add.at(z, index, x)
    else:
        z[index] = x
    return z


def written(x, value, index, in_place=False):
    """x with value written at index; in place, into x's own memory, where the user wrote it."""
    z = x if in_place else x.copy()
    if z.size or z.flags.writeable:  # nothing can be written to the empty part of an expanded tensor
        z[index] = value
    return z


AddItem = define("AddItem", added, lambda g, index, shape: GetItem.apply(g, index=index))
SetItem = define("SetItem", written, lambda g, index, **_: SetItem.apply(g, 0.0, index=index),
                 lambda g, index, **_: GetItem.apply(g, index=index), name=lambda self: "CopySlices")


def is_advanced(index):
    """Whether NumPy copies for this (normal) index."""
    return any(isinstance(i, (np.ndarray, bool)) for i in index)


# What makes a list of indices a tuple of them.
NO_NUMBER = (Value, np.ndarray, list, tuple, range, str, slice, type(...))


def normal_index(index, shape):
    """A tuple that NumPy understands, with an item for each dimension, and `...` at its end so that
    reading always gives a view.

    TypeError, IndexError or ValueError, as PyTorch's, for what cannot index a tensor of `shape`.
    """
    if isinstance(index, list) and len(index) < 32 and any(i is None or isinstance(i, NO_NUMBER) for i in index):
        index = tuple(index)  # NumPy's rule of old, and PyTorch's: x[[[0, 1], [1, 2]]] is x[[0, 1], [1, 2]]
    items = [_normal_item(i) for i in (index if isinstance(index, tuple) else (index,))]
    used, dots = sum(map(_dimensions, items)), [at for at, i in enumerate(items) if i is ...]
    if used > len(shape):
        raise IndexError(f"too many indices for tensor of dimension {len(shape)} (shape {list(shape)}): got {used}")
    if len(dots) > 1:
        raise IndexError("an index can only have a single ellipsis ('...')")
    at = dots[0] if dots else len(items)
    items[at:at + 1] = [slice(None)] * (len(shape) - used)
    d = 0
    for i in items:
        if type(i) is int and not -shape[d] <= i < shape[d]:
            raise IndexError(f"index {i} is out of bounds for dimension {d} with size {shape[d]}")
        if isinstance(i, np.ndarray) and i.dtype == bool and i.shape != shape[d:d + i.ndim]:
            raise IndexError(f"The shape of the mask {list(i.shape)} at index {d} does not match the shape of the "
                             f"indexed tensor {list(shape)}")
        d += _dimensions(i)
    return (*items, ...)


def _dimensions(i):
    """How many dimensions an item of an index stands for."""
    if isinstance(i, np.ndarray) and i.dtype == bool:
        return i.ndim
    return int(i is not None and i is not ... and not isinstance(i, bool))


def in_steps(index):
    """A (normal) index as indices to be applied one after the other: mostly one.

    Integers beside arrays come first, as in PyTorch. NumPy would broadcast them together, so that
    x[0, :, [1, 2]] had the array's dimension in front.
    """
    if not is_advanced(index) or not any(type(i) is int for i in index):
        return [index]
    first, then = [], []
    for i in index:
        first += [i] if type(i) is int else [slice(None)] * _dimensions(i)
        then += [] if type(i) is int else [i]
    return [(*first, ...), tuple(then)]


def _normal_item(i):
    if i is None or i is Ellipsis or isinstance(i, bool):
        return i
    if isinstance(i, slice):
        parts = [p if p is None else _whole_number(p) for p in (i.start, i.stop, i.step)]
        if parts[2] is not None and parts[2] <= 0:
            raise ValueError("step must be greater than zero (flip() reverses)")
        return slice(*parts)
    if isinstance(i, (list, tuple, range)):
        i = np.array([x._array if isinstance(x, Value) else x for x in i] or np.empty(0, np.int64))
    elif isinstance(i, (Value, np.ndarray)):
        i = np.array(getattr(i, "_array", i))  # a copy: the gradient needs the index as it is now
    if isinstance(i, np.ndarray):
        if i.dtype.kind not in "iub":
            raise IndexError(f"tensors used as indices must be long, int, byte or bool tensors, not {i.dtype}")
        if i.dtype == np.uint8:
            i = i.astype(bool)  # PyTorch's masks before it had bool
        return int(i) if i.ndim == 0 and i.dtype != bool else i
    return _whole_number(i, TypeError if isinstance(i, str) else IndexError)


def _whole_number(i, error=TypeError):
    try:
        return i.__index__()
    except (AttributeError, TypeError):
        raise error("only integers, slices (`:`), ellipsis (`...`), None and long, int or bool "
                    f"Tensors are valid indices (got {type(i).__name__})") from None


def getitem(input, index):
    """input[index], by NumPy's rules; a negative step is a ValueError, as in PyTorch."""
    for step in in_steps(normal_index(index, input._array.shape)):
        input = GetItem.apply(input, index=step)
    return input


def setitem(input, index, value):
    """input[index] = value, in place: a number, or a Tensor that broadcasts to the place, but for leading ones.

    RuntimeError for other shapes; and for another dtype, where arrays index: all other places cast, as does a mask a
    single number.
    """
    *before, index = in_steps(normal_index(index, input._array.shape))
    for step in before:
        input = GetItem.apply(input, index=step)
    dtype = input._array.dtype
    if isinstance(value, Value):
        place = np.broadcast_to(np.False_, input._array.shape)[index].shape
        arrays = [i.dtype for i in index if isinstance(i, np.ndarray)]
        if arrays and value._array.dtype != dtype and (value.numel() != 1 or arrays != [bool]):
            raise RuntimeError("Index put requires the source and destination dtypes match, got "
                               f"{dtype} for the destination and {value._array.dtype} for the source.")
        extra = max(value.ndim - len(place), 0)
        lead, shape = value.shape[:extra], value.shape[extra:]
        if any(n != 1 for n in lead) or any(n not in (1, m) for n, m in zip(shape[::-1], place[::-1])):
            raise RuntimeError(f"shape mismatch: value tensor of shape {list(value.shape)} cannot be broadcast to "
                               f"indexing result of shape {list(place)}")
        value = shaped(value, shape)
    value = element(value, dtype)
    commit(input, SetItem.apply(prepare(input), value, index=index, in_place=True))


def shaped(x, shape):
    return x if x.shape == shape else reshape(x, shape)


def row(x):
    """A 0-d tensor as a row of one element."""
    return shaped(x, x.shape or (1,))


# ---- by tensors of indices


def along(indices, dim, ndim):
    """The NumPy index of the elements at `indices` along `dim`, in step along the other dimensions; indices
    has as many dimensions as what it is for, or `dim` is missing."""
    grids = [*np.ogrid[tuple(slice(n) for n in indices.shape)]]
    grids[dim:dim + 1 + indices.ndim - ndim] = [indices]
    return tuple(grids)


def take(x, indices, dim, named):
    """The elements of `x` at an array of `indices` along `dim`; `named` is the name of the operator."""
    return GetItem.apply(x, index=along(indices, dim, x.ndim), named=named)


@numpy_names
def gather(input, dim, index):
    """z[i, j] = input[index[i, j], j] for dim=0, input[i, index[i, j]] for dim=1, and so on.

    index: an integer tensor with as many dimensions as input, none but `dim` larger; z has its shape.
    RuntimeError for another shape, or an index that is negative or out of bounds.

    >>> import minigrad
    >>> minigrad.gather(minigrad.tensor([[1, 2], [3, 4]]), 1, minigrad.tensor([[0], [1]]))
    tensor([[1],
            [4]])
    """
    lines, _ = _lines("gather", input, dim, index)
    return shaped(GetItem.apply(row(input), index=lines, named="Gather"), index.shape)


@numpy_names
def scatter(input, dim, index, src=None, *, value=None, reduce=None):
    """A copy of input with z[index[i, j], j] = src[i, j] for dim=0, and so on: `gather` the other way.

    index: as in `gather`, not larger than src either. src: a tensor of input's dtype, or a number (also
    under the name `value`). Of several elements for one place the last is taken. RuntimeError as in `gather`.

    >>> import minigrad
    >>> minigrad.zeros(2, 3).scatter(1, minigrad.tensor([[0], [2]]), 1.0)
    tensor([[1., 0., 0.],
            [0., 0., 1.]])
    """
    if reduce is not None:
        raise NotImplementedError("scatter(): argument 'reduce' is not implemented")
    lines, src = _lines("scatter", input, dim, index, value if src is None else src)
    return shaped(SetItem.apply(row(input), src, index=lines), input.shape)


def _lines(function, input, dim, index, src=0):
    """The NumPy index of `gather` and `scatter` after their checks, and what goes there."""
    at = normal_dim(dim, tensor_argument(input, "input", function).ndim)
    if tensor_argument(index, "index", function)._array.dtype not in (np.int64, np.int32):
        raise RuntimeError(f"{function}(): Expected dtype int32/int64 for index, but got {index.dtype}")
    i = np.array(index._array, ndmin=1)  # a copy: the gradient needs it as it is now
    shapes = [row(x).shape for x in (input, src) if isinstance(x, Value)]
    i = i if i.size else i.reshape((0,) * len(shapes[0]))
    for k, shape in enumerate(shapes):
        if i.ndim != len(shape) or any(n > m for d, (n, m) in enumerate(zip(i.shape, shape)) if k or d != at):
            raise RuntimeError(f"{function}(): Expected index {list(index.shape)} to be no larger than self apart from "
                               f"dimension {at}, nor than src, in as many dimensions: {[list(s) for s in shapes]}")
    wrong = i[(i < 0) | (i >= shapes[0][at])]
    if wrong.size:
        raise RuntimeError(f"index {wrong[0]} is out of bounds for dimension {at} with size {shapes[0][at]}")
    if isinstance(src, Value):
        same_dtype(input, src, "src", function)
        src = getitem(row(src), tuple(map(slice, i.shape)))
    return along(i, at, i.ndim), element(src, input._array.dtype)


def diag(input, diagonal=0):
    """A copy of the diagonal of a matrix, or a matrix with a vector on its diagonal. RuntimeError for other ranks.

    >>> import minigrad
    >>> minigrad.diag(minigrad.arange(2), 1)
    tensor([[0, 0, 0],
            [0, 0, 1],
            [0, 0, 0]])
    """
    offset = int_argument(diagonal, "diagonal", "diag")
    if tensor_argument(input, "input", "diag").ndim not in (1, 2):
        raise RuntimeError(f"diag(): Supports 1D or 2D tensors. Got {input.ndim}D")
    shape = input.shape if input.ndim == 2 else (input.numel() + abs(offset),) * 2
    index = np.nonzero(np.eye(*shape, offset))
    return GetItem.apply(input, index=index) if input.ndim == 2 else AddItem.apply(input, index=index, shape=shape)


def nonzero(input, *, as_tuple=False):
    """The int64 indices of all elements that are not 0: one in each row, or as_tuple, a vector for each
    dimension, as `x[...]` takes them.

    >>> import minigrad
    >>> minigrad.nonzero(minigrad.tensor([[0, 5], [7, 0]]))
    tensor([[0, 1],
            [1, 0]])
    """
    x = tensor_argument(input, "input", "nonzero")._array
    return tuple(map(wrap, np.nonzero(np.atleast_1d(x)))) if as_tuple else wrap(np.argwhere(x))
