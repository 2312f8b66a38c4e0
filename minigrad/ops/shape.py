"""The same numbers in another shape. Views share memory, as NumPy's do; the others copy."""

import math

import numpy as np

from ..engine import Operator, Value
from .common import check_size, normal_dim, promote, size_argument, tensor_argument
from .elementwise import clone


class Reshape(Operator):
    """z = x in another shape; a view where the strides allow it;  dx = g in x's shape."""

    is_view = True

    def forward(self, x, *, shape):
        self.shape = x.shape
        return x.reshape(shape)

    def backward(self, g):
        return reshape(g, self.shape)

    def name(self):
        return "ViewBackward0"


class Permute(Operator):
    """z = x with its dimensions in another order;  dx = g in the old order."""

    is_view = True

    def forward(self, x, *, dims):
        self.dims = dims
        return x.transpose(dims)

    def backward(self, g):
        return Permute.apply(g, dims=tuple(int(d) for d in np.argsort(self.dims)))


class Expand(Operator):
    """z = x repeated to a larger shape, without a copy;  dx = g summed back."""

    is_view = True

    def forward(self, x, *, shape):
        return np.broadcast_to(x, shape)

    def backward(self, g):
        return g  # the engine sums it down to x's shape: here is where broadcasting is undone


class SumTo(Operator):
    """z = x summed down to a shape that broadcasts to x's;  dx = g, repeated."""

    def forward(self, x, *, shape):
        self.shape = x.shape
        extra = x.ndim - len(shape)
        ones = tuple(extra + d for d, n in enumerate(shape) if n == 1 and x.shape[extra + d] != 1)
        return np.add.reduce(x, axis=tuple(range(extra)) + ones, keepdims=True).reshape(shape)

    def backward(self, g):
        return expand(g, self.shape)


class Cat(Operator):
    """z = the inputs one after the other along `dim`; each gets its piece of g."""

    def forward(self, *arrays, dim):
        self.dim = dim
        self.ends = np.cumsum([a.shape[dim] for a in arrays]).tolist()
        return np.concatenate(arrays, axis=dim)

    def backward(self, g):
        front = (slice(None),) * self.dim
        starts = [0, *self.ends[:-1]]
        return tuple(g[front + (slice(a, b),)] if needed else None
                     for a, b, needed in zip(starts, self.ends, self.needs_input_grad))


class Flip(Operator):
    """z = x backwards along `dims`;  dx = g backwards along them."""

    def forward(self, x, *, dims):
        self.dims = dims
        return np.flip(x, dims).copy()

    def backward(self, g):
        return Flip.apply(g, dims=self.dims)


class Pad(Operator):
    """z = x with a border of one value (cropped where the border is negative);  dx = g inside."""

    def forward(self, x, *, borders, value):
        self.borders = borders
        z = np.full([n + a + b for n, (a, b) in zip(x.shape, borders)], value, x.dtype)
        inside = tuple(slice(max(a, 0), n + a + min(b, 0)) for n, (a, b) in zip(x.shape, borders))
        kept = tuple(slice(max(-a, 0), n + min(b, 0)) for n, (a, b) in zip(x.shape, borders))
        z[inside] = x[kept]
        return z

    def backward(self, g):
        return Pad.apply(g, borders=tuple((-a, -b) for a, b in self.borders), value=0)

    def name(self):
        return "ConstantPadNdBackward0"


# ---- the functions


def reshape(input, shape):
    """`input` in another shape of as many elements; one size may be -1. A view where possible.

    RuntimeError if the number of elements differs.
    """
    tensor_argument(input, "input", "reshape")
    return Reshape.apply(input, shape=_fill_in(shape, input))


def view(input, shape):
    """Like `reshape`, but RuntimeError where the memory layout would force a copy."""
    shape = _fill_in(shape, input)
    out = Reshape.apply(input, shape=shape)
    if out._view is None and out.numel():
        raise RuntimeError("view size is not compatible with input tensor's size and stride (at least "
                           "one dimension spans across two contiguous subspaces). Use .reshape(...) "
                           "instead.")
    return out


def _fill_in(shape, input):
    shape = size_argument((shape,), "reshape")
    if shape == input._array.shape:
        return shape
    size, known = input._array.size, math.prod(n for n in shape if n != -1)
    if any(n < -1 for n in shape):
        raise RuntimeError(f"invalid shape dimension {min(shape)} in shape {list(shape)}")
    if shape.count(-1) > 1:
        raise RuntimeError("only one dimension can be inferred")
    if -1 in shape and known == 0 and size == 0:
        raise RuntimeError(f"cannot reshape tensor of 0 elements into shape {list(shape)} because the "
                           "unspecified dimension size -1 can be any value and is ambiguous")
    if known != size and (-1 not in shape or known == 0 or size % known):
        raise RuntimeError(f"shape '{list(shape)}' is invalid for input of size {size} "
                           f"(its shape is {list(input.shape)})")
    return tuple(size // known if n == -1 else n for n in shape)


def flatten(input, start_dim=0, end_dim=-1):
    """Dimensions start_dim to end_dim (both included) made one. A 0-d tensor becomes 1-d."""
    tensor_argument(input, "input", "flatten")
    shape = tuple(input.shape) or (1,)
    start, end = normal_dim(start_dim, len(shape)), normal_dim(end_dim, len(shape))
    if start > end:
        raise RuntimeError("flatten() has invalid args: start_dim cannot come after end_dim")
    return reshape(input, shape[:start] + (math.prod(shape[start:end + 1]),) + shape[end + 1:])


def permute(input, dims):
    """The dimensions in the order `dims`: a view. RuntimeError unless each is named once."""
    tensor_argument(input, "input", "permute")
    order = tuple(normal_dim(d, input.ndim) for d in dims)
    if len(order) != input.ndim:
        raise RuntimeError("permute(sparse_coo): number of dimensions in the tensor input does not "
                           f"match the length of the desired ordering of dimensions i.e. input.dim() "
                           f"= {input.ndim} is not equal to len(dims) = {len(order)}")
    if len(set(order)) != len(order):
        raise RuntimeError(f"permute(): duplicate dims are not allowed: {list(dims)}")
    return Permute.apply(input, dims=order)


def transpose(input, dim0, dim1):
    """Two dimensions swapped: a view."""
    tensor_argument(input, "input", "transpose")
    order = list(range(max(input.ndim, 1)))
    a, b = normal_dim(dim0, input.ndim), normal_dim(dim1, input.ndim)
    order[a], order[b] = order[b], order[a]
    return Permute.apply(input, dims=tuple(order[:input.ndim]))


def t(input):
    """A matrix transposed: a view. RuntimeError for more than two dimensions."""
    if tensor_argument(input, "input", "t").ndim > 2:
        raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but self is {input.ndim}D")
    return transpose(input, 0, 1) if input.ndim == 2 else input


def squeeze(input, dim=None):
    """Without the dimensions of size 1, or without those of `dim` that have it: a view."""
    tensor_argument(input, "input", "squeeze")
    dims = range(input.ndim) if dim is None else (
        tuple(normal_dim(d, input.ndim) for d in (dim if isinstance(dim, (tuple, list)) else (dim,))))
    return reshape(input, tuple(n for d, n in enumerate(input.shape) if n != 1 or d not in dims))


def unsqueeze(input, dim):
    """With a new dimension of size 1 at `dim`: a view."""
    tensor_argument(input, "input", "unsqueeze")
    at = normal_dim(dim, input.ndim + 1)
    return reshape(input, input.shape[:at] + (1,) + input.shape[at:])


def expand(input, shape):
    """Dimensions of size 1 repeated to `shape`, without a copy; -1 keeps a size. RuntimeError if
    another size than 1 differs."""
    tensor_argument(input, "input", "expand")
    shape = size_argument((shape,), "expand")
    extra = len(shape) - input.ndim
    wanted = tuple(input.shape[d - extra] if n == -1 and d >= extra else n for d, n in enumerate(shape))
    if extra < 0 or any(n not in (1, m) for n, m in zip(input.shape, wanted[max(extra, 0):])) or (
            min(wanted, default=0) < 0):
        raise RuntimeError(f"The expanded size of the tensor {list(shape)} must match the existing size "
                           f"{list(input.shape)} at every dimension that is not 1")
    return Expand.apply(input, shape=wanted)


def broadcast_to(input, shape):
    """`expand` under NumPy's name."""
    return expand(input, shape)


def sum_to_size(input, shape):
    """The sum over the dimensions that broadcasting `shape` to input's shape would repeat."""
    shape = size_argument((shape,), "sum_to_size")
    if shape == input._array.shape:
        return input
    if input.numel() == math.prod(shape):
        return reshape(input, shape)
    extra = input.ndim - len(shape)
    if extra < 0 or any(n not in (1, m) for n, m in zip(shape, input.shape[extra:])):
        raise RuntimeError(f"size {list(shape)} is not expandable to size {list(input.shape)}")
    return SumTo.apply(input, shape=shape)


def cat(tensors, dim=0):
    """The tensors one after the other along `dim`; all other sizes must agree (RuntimeError)."""
    tensors = _sequence(tensors, "cat")
    # Torch's oldest rule: an empty 1-d tensor goes with anything.
    tensors = [x for x in tensors if x.shape != (0,)] or tensors[:1]
    first = tensors[0]
    if first.ndim == 0:
        raise RuntimeError("zero-dimensional tensor (at position 0) cannot be concatenated")
    at = normal_dim(dim, first.ndim)
    for i, x in enumerate(tensors):
        if x.ndim != first.ndim or any(
                n != m for d, (n, m) in enumerate(zip(x.shape, first.shape)) if d != at):
            raise RuntimeError(f"Sizes of tensors must match except in dimension {at}. Tensor number "
                               f"0 has shape {list(first.shape)}, number {i} has {list(x.shape)}")
    return Cat.apply(*_same_dtype(tensors), dim=at)


def stack(tensors, dim=0):
    """Tensors of one shape side by side along a new dimension (RuntimeError if shapes differ)."""
    tensors = _sequence(tensors, "stack")
    at = normal_dim(dim, tensors[0].ndim + 1)
    for i, x in enumerate(tensors):
        if x.shape != tensors[0].shape:
            raise RuntimeError(f"stack expects each tensor to be equal size, but got "
                               f"{list(tensors[0].shape)} at entry 0 and {list(x.shape)} at entry {i}")
    return Cat.apply(*_same_dtype([unsqueeze(x, at) for x in tensors]), dim=at)


def _sequence(tensors, function):
    if isinstance(tensors, Value) or not hasattr(tensors, "__iter__"):
        raise TypeError(f"{function}(): argument 'tensors' must be tuple of Tensors, "
                        f"not {type(tensors).__name__}")
    tensors = list(tensors)
    if not tensors:
        kind = ValueError if function == "cat" else RuntimeError
        raise kind(f"{function}() expects a non-empty list of Tensors")
    for i, x in enumerate(tensors):
        if not isinstance(x, Value):
            raise TypeError(f"{function}(): expected Tensor as element {i} in argument 'tensors', "
                            f"but got {type(x).__name__}")
    return tensors


def _same_dtype(tensors):
    widest = tensors[0]
    for x in tensors[1:]:
        widest, _ = promote(widest, x)
    return [promote(x, widest)[0] for x in tensors]


def flip(input, dims):
    """The order of the elements reversed along each of `dims`: a copy."""
    tensor_argument(input, "input", "flip")
    dims = tuple(normal_dim(d, input.ndim) for d in (dims if isinstance(dims, (tuple, list)) else (dims,)))
    if len(set(dims)) != len(dims):
        raise RuntimeError(f"dim {dims[-1]} appears multiple times in the list of dims")
    return Flip.apply(input, dims=dims if input.ndim else ())


def pad(input, pad, mode="constant", value=None):
    """A border of `value` (0 unless given) around the last dimensions.

    pad: (left, right, top, bottom, ...), the last dimension first; negative numbers crop.
    RuntimeError for an odd or too long `pad`, or a crop that leaves less than nothing.
    """
    tensor_argument(input, "input", "pad")
    sizes = size_argument((pad,), "pad")
    if mode != "constant":
        raise NotImplementedError(f"pad(): argument 'mode' must be 'constant', but got '{mode}'")
    if len(sizes) % 2 or len(sizes) > 2 * input.ndim:
        raise RuntimeError(f"Padding length must be even and at most twice the number of dimensions of "
                           f"the input, but got pad={list(sizes)} for an input of shape "
                           f"{list(input.shape)}")
    pairs = tuple(zip(sizes[::2], sizes[1::2]))[::-1]
    borders = ((0, 0),) * (input.ndim - len(pairs)) + pairs
    result = [n + a + b for n, (a, b) in zip(input.shape, borders)]
    if min(result, default=0) < 0 or any(-a > n or -b > n for n, (a, b) in zip(input.shape, borders)):
        raise RuntimeError(f"The input of shape {list(input.shape)} with pad={list(sizes)} would get the "
                           f"shape {result}: negative output size")
    check_size(result, input._array.itemsize, "pad")
    return Pad.apply(input, borders=borders, value=0 if value is None else value)



def contiguous(input):
    """`input` itself if its memory is in C order, else a copy that is."""
    return input if input._array.flags.c_contiguous else clone(input)
