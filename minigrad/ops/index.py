"""`x[...]`, NumPy's indexing, for reading and for writing; both are differentiable.

Reading, writing and the two gradients are made of three operators:

    GetItem(x)         z = x[index]                    dx = zeros with g added at index
    AddItem(v)         z = zeros; z[index] += v        dv = g[index]
    SetItem(x, v)      z = x with z[index] = v         dx = g with zeros at index,  dv = g[index]
"""

import numpy as np

from ..engine import Operator, Value
from .common import cast, number_as
from .inplace import commit, prepare


class GetItem(Operator):
    """z = x[index]: a view for integers, slices, None and ..., a copy for index arrays."""

    is_view = True

    def forward(self, x, *, index):
        self.index, self.shape = index, x.shape
        return x[index]

    def backward(self, g):
        return AddItem.apply(g, index=self.index, shape=self.shape)

    def name(self):
        return "IndexBackward0" if is_advanced(self.index) else "SliceBackward0"


class AddItem(Operator):
    """z = zeros, with x added at index (an index that occurs twice adds twice)."""

    def forward(self, x, *, index, shape):
        self.index = index
        z = np.zeros(shape, x.dtype)
        if is_advanced(index):
            np.add.at(z, index, x)
        else:
            z[index] = x
        return z

    def backward(self, g):
        return GetItem.apply(g, index=self.index)


class SetItem(Operator):
    """z = x with value written at index; in place, into x's own memory, where the user wrote it."""

    def forward(self, x, value, *, index, in_place=False):
        self.index = index
        z = x if in_place else x.copy()
        z[index] = value
        return z

    def backward(self, g):
        needs_x, needs_value = self.needs_input_grad
        return (SetItem.apply(g, 0.0, index=self.index) if needs_x else None,
                GetItem.apply(g, index=self.index) if needs_value else None)

    def name(self):
        return "CopySlices"


def is_advanced(index):
    """Whether NumPy copies for this (normal) index."""
    return any(isinstance(i, (np.ndarray, bool)) for i in index)


def normal_index(index, shape):
    """A tuple that NumPy understands, with `...` at its end so that reading always gives a view.

    TypeError, IndexError or ValueError, as PyTorch's, for what cannot index a tensor of `shape`.
    """
    index = index if isinstance(index, tuple) else (index,)
    out = tuple(_normal_item(i) for i in index)
    used = sum(i.ndim if isinstance(i, np.ndarray) and i.dtype == bool else
               i is not None and i is not Ellipsis and not isinstance(i, bool) for i in out)
    if used > len(shape):
        raise IndexError(f"too many indices for tensor of dimension {len(shape)} (shape {list(shape)}): "
                         f"got {used}")
    ellipses = sum(i is Ellipsis for i in out)
    if ellipses > 1:
        raise IndexError("an index can only have a single ellipsis ('...')")
    if not ellipses:
        out += (Ellipsis,)
    if not is_advanced(out):
        _check_bounds(out, shape)
    return out


def is_mixed(index):
    """Whether a (normal) index has integers beside arrays. NumPy broadcasts them together, so that
    x[0, :, [1, 2]] has the array's dimension in front; PyTorch takes the integers first."""
    return is_advanced(index) and any(type(i) is int for i in index)


def split(index):
    """The part without arrays of a mixed index, and the part with arrays for what that gives."""
    first, then = [], []
    for i in index:
        if isinstance(i, (np.ndarray, bool)):
            first += [slice(None)] * (np.ndim(i) if np.asarray(i).dtype == bool else 1)
            then.append(i)
        else:
            first.append(i)
            if type(i) is not int:
                then.append(... if i is ... else slice(None))
    return tuple(first), tuple(then)


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
            raise IndexError("tensors used as indices must be long, int, byte or bool tensors, "
                             f"not {i.dtype}")
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


def _check_bounds(index, shape):
    after = 0
    for i in reversed(index):
        if i is Ellipsis:
            break
        after += i is not None
    d = 0
    for i in index:
        if i is Ellipsis:
            d = len(shape) - after
        elif i is not None:
            if isinstance(i, int) and not -shape[d] <= i < shape[d]:
                raise IndexError(f"index {i} is out of bounds for dimension {d} with size {shape[d]}")
            d += 1


def getitem(input, index):
    """input[index], by NumPy's rules; a negative step is a ValueError, as in PyTorch."""
    index = normal_index(index, input._array.shape)
    if is_mixed(index):
        first, index = split(index)
        input = getitem(input, first)
    return GetItem.apply(input, index=index)


def setitem(input, index, value):
    """input[index] = value, in place: a number, or a Tensor that broadcasts to the place."""
    index = normal_index(index, input._array.shape)
    if is_mixed(index):
        first, index = split(index)
        return setitem(getitem(input, first), index, value)
    if not isinstance(value, (Value, int, float, np.generic)):
        raise TypeError(f"can't assign a {type(value).__name__} to a Tensor: assign a number or a Tensor")
    place = np.broadcast_to(np.False_, input._array.shape)[index].shape
    if isinstance(value, Value):
        check_fits(value, place)
        value = cast(value, input._array.dtype)
    else:
        value = number_as(value, input._array.dtype)
    before = prepare(input)
    commit(input, SetItem.apply(before, value, index=index, in_place=True))


def check_fits(value, place):
    """RuntimeError unless `value` broadcasts to the shape `place`."""
    shape = value._array.shape
    while len(shape) > len(place) and shape[0] == 1:
        shape = shape[1:]
    if len(shape) > len(place) or any(
            n not in (1, m) for n, m in zip(shape[::-1], place[::-1])):
        raise RuntimeError(f"shape mismatch: value tensor of shape {list(value.shape)} cannot be "
                           f"broadcast to indexing result of shape {list(place)}")
