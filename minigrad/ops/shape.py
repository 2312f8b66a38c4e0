"""The same numbers in another shape: views, which share memory wherever NumPy can; arrange.py copies."""

# ruff: noqa: I001, several names to a line

import itertools
import math
import warnings

import numpy as np

from ..engine import Operator, Value
from .common import (
    add_up, int_argument, normal_dim, normal_dims, numpy_names, size_argument, tensor_argument, wrong_size,
)  # fmt: skip
from .elementwise import Clone


class View(Operator):
    """z = x in another shape; a view where the strides allow it;  dx = g in x's shape."""

    is_view = True

    def forward(self, x, *, shape, named="ViewBackward0"):
        self.shape, self.named = x.shape, named
        return x.reshape(shape)

    def backward(self, g):
        return View.apply(g, shape=self.shape)

    def name(self):
        return self.named


class Permute(Operator):
    """z = x with its dimensions in another order;  dx = g in the old order."""

    is_view = True

    def forward(self, x, *, dims, named="PermuteBackward0"):
        self.dims, self.named = dims, named
        return x.transpose(dims)

    def backward(self, g):
        return Permute.apply(g, dims=tuple(sorted(range(len(self.dims)), key=self.dims.__getitem__)))

    def name(self):
        return self.named


class Expand(Operator):
    """z = x repeated to a larger shape, without a copy;  dx = g summed back."""

    is_view = True

    def forward(self, x, *, shape):
        return x.reshape(shape) if x.size == math.prod(shape) else np.broadcast_to(x, shape)  # which is read-only

    def backward(self, g):
        return g  # the engine sums it down to x's shape: here is where broadcasting is undone


class SumTo(Operator):
    """z = x summed down to a shape that broadcasts to x's;  dx = g, repeated."""

    def forward(self, x, *, shape):
        self.shape = x.shape
        extra = x.ndim - len(shape)
        ones = () if x.shape[extra:] == shape else tuple([
            extra + d for d, n in enumerate(shape) if n == 1 and x.shape[extra + d] != 1])
        z = add_up(x, tuple(range(extra)) + ones, not extra)
        return z if z.shape == shape else z.reshape(shape)

    def backward(self, g):
        return expand(g, self.shape)


# ---- the same numbers, the same order


def reshape(input, shape):
    """`input` in another shape of as many elements; one size may be -1. A view where possible.

    RuntimeError if the number of elements differs.

        >>> import minigrad
        >>> minigrad.reshape(minigrad.arange(4), (2, -1))
        tensor([[0, 1],
                [2, 3]])
    """
    tensor_argument(input, "input", "reshape")
    return View.apply(input, shape=_fill_in(size_argument(shape, "reshape", "shape"), input._array.shape, input))


def view(input, size):
    """Like `reshape`, but RuntimeError where the memory layout would force a copy."""
    out = reshape(input, size_argument(size, "view"))
    if out._view is None and out.numel():
        raise RuntimeError("view size is not compatible with input tensor's size and stride: use .reshape(...) instead")
    return out


def _fill_in(shape, before, x=None):
    """`shape` with a number in the place of -1, for as many elements as `before` has, the shape of `x`."""
    if shape == before:
        return shape
    size, known = math.prod(before), math.prod([n for n in shape if n != -1])
    one_open = shape.count(-1) == 1 and known
    filled = tuple(size // known if n == -1 else n for n in shape) if one_open else shape
    if min(filled, default=0) < 0 or math.prod(filled) != size:
        raise wrong_size(f"shape '{list(shape)}' is invalid for input of size {size} (its shape is {list(before)}); "
                         "-1 is ambiguous, unless there is only one and the others leave one number for it", x,
                         -1 in shape[:1] and math.prod(shape[1:]), "view(-1, {0}) and Linear({0}, ...) behind it", True)
    return filled


def flatten(input, start_dim=0, end_dim=-1):
    """Dimensions start_dim to end_dim (both included) made one. A 0-d tensor becomes 1-d.

        >>> import minigrad
        >>> minigrad.zeros(2, 3, 4).flatten(1).shape
        torch.Size([2, 12])
    """
    shape = tensor_argument(input, "input", "flatten")._array.shape or (1,)
    start, end = normal_dim(start_dim, len(shape)), normal_dim(end_dim, len(shape))
    if start > end:
        raise RuntimeError("flatten() has invalid args: start_dim cannot come after end_dim")
    if start == end and input.ndim:
        return input
    return View.apply(input, shape=(*shape[:start], math.prod(shape[start:end + 1]), *shape[end + 1:]))


def ravel(input):
    """All elements in one dimension: a view if `input` is contiguous.

        >>> import minigrad
        >>> minigrad.eye(2).ravel()
        tensor([1., 0., 0., 1.])
    """
    return reshape(contiguous(tensor_argument(input, "input", "ravel")), (input.numel(),))


def unflatten(input, dim, sizes):
    """Dimension `dim` split into several of `sizes`, one of which may be -1: a view.

        >>> import minigrad
        >>> minigrad.zeros(2, 6).unflatten(1, (-1, 3)).shape
        torch.Size([2, 2, 3])
    """
    at = normal_dim(dim, tensor_argument(input, "input", "unflatten").ndim)
    sizes = size_argument(sizes, "unflatten", "sizes")
    if not sizes or not input.ndim:
        raise RuntimeError(f"unflatten: neither sizes nor input's shape may be empty: {sizes}, {list(input.shape)}")
    return reshape(input, input.shape[:at] + _fill_in(sizes, input.shape[at:at + 1]) + input.shape[at + 1:])


@numpy_names
def squeeze(input, dim=None):
    """Without the dimensions of size 1, or without those of `dim` that have it: a view.

        >>> import minigrad
        >>> minigrad.zeros(1, 2, 1).squeeze(0).shape
        torch.Size([2, 1])
    """
    ndim = tensor_argument(input, "input", "squeeze").ndim
    dims = normal_dims(dim, ndim) if listed(dim) else ()
    return View.apply(input, shape=tuple(n for d, n in enumerate(input.shape) if n != 1 or d not in dims),
                      named=f"SqueezeBackward{0 if dim is None else 2 if isinstance(dim, (tuple, list)) else 1}")


@numpy_names
def unsqueeze(input, dim):
    """With a new dimension of size 1 at `dim`: a view.

        >>> import minigrad
        >>> minigrad.zeros(3).unsqueeze(0).shape
        torch.Size([1, 3])
    """
    at = normal_dim(dim, tensor_argument(input, "input", "unsqueeze").ndim + 1)
    return View.apply(input, shape=input.shape[:at] + (1,) + input.shape[at:], named="UnsqueezeBackward0")


def contiguous(input):
    """`input` itself if its memory is in C order, else a copy that is."""
    return input if input._array.flags.c_contiguous else Clone.apply(input, order="C")


# ---- the dimensions in another order


def permute(input, dims):
    """The dimensions in the order `dims`: a view. RuntimeError unless each is named once.

        >>> import minigrad
        >>> minigrad.zeros(2, 3, 4).permute(2, 0, 1).shape
        torch.Size([4, 2, 3])
    """
    ndim = tensor_argument(input, "input", "permute").ndim
    order = size_argument(dims, "permute", "dims")
    if len(order) == ndim:
        order = tuple(normal_dim(d, ndim) for d in order)
    if sorted(order) != list(range(ndim)):
        raise RuntimeError(f"permute(): input.dim() = {ndim} is not equal to len(dims) = {len(order)}, or there are "
                           f"duplicate dims: {list(order)}")
    return Permute.apply(input, dims=order)


def transpose(input, dim0, dim1):
    """Two dimensions swapped: a view.

        >>> import minigrad
        >>> minigrad.zeros(2, 3, 4).transpose(0, -1).shape
        torch.Size([4, 3, 2])
    """
    tensor_argument(input, "input", "transpose")
    order = list(range(max(input.ndim, 1)))
    a, b = normal_dim(dim0, input.ndim), normal_dim(dim1, input.ndim)
    order[a], order[b] = order[b], order[a]
    return Permute.apply(input, dims=tuple(order[:input.ndim]), named="TransposeBackward0")


def t(input):
    """A matrix transposed: a view. RuntimeError for more than two dimensions.

        >>> import minigrad
        >>> minigrad.tensor([[1, 2], [3, 4]]).t()
        tensor([[1, 3],
                [2, 4]])
    """
    if tensor_argument(input, "input", "t").ndim > 2:
        raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but self is {input.ndim}D")
    return Permute.apply(input, dims=(1, 0)[2 - input.ndim:], named="TBackward0")


def reverse(input):
    """`x.T`, all dimensions in reverse order: a view. PyTorch warns, as here, of anything but matrices and vectors."""
    if input.ndim not in (1, 2):
        warnings.warn("The use of `x.T` on tensors of dimension other than 2 to reverse their shape is deprecated: "
                      "say x.permute(...) or x.mT", stacklevel=3)
    return Permute.apply(input, dims=tuple(range(input.ndim))[::-1])


# ---- broadcasting


def expand(input, size):
    """Dimensions of size 1 repeated to `size`, without a copy; -1 keeps a size. RuntimeError if another one differs.

        >>> import minigrad
        >>> minigrad.broadcast_to(minigrad.arange(3), (2, 3))
        tensor([[0, 1, 2],
                [0, 1, 2]])
    """
    shape, old = size_argument(size, "expand"), tensor_argument(input, "input", "expand").shape
    extra = len(shape) - len(old)
    wanted = tuple(old[d - extra] if n == -1 and d >= extra else n for d, n in enumerate(shape))
    if extra < 0 or min(wanted, default=0) < 0 or any(n not in (1, m) for n, m in zip(old, wanted[extra:])):
        raise RuntimeError(f"The expanded size of the tensor {list(shape)} must match the existing size {list(old)} at "
                           "every dimension that is not 1")
    return Expand.apply(input, shape=wanted)


broadcast_to = expand  # under NumPy's name


def listed(x):
    return x if isinstance(x, (tuple, list)) else (x,)


def tensor_list(tensors, function):
    if isinstance(tensors, Value) or not hasattr(tensors, "__iter__"):
        raise TypeError(f"{function}(): argument 'tensors' must be tuple of Tensors, not {type(tensors).__name__}")
    tensors = [tensor_argument(x, f"element {i} of tensors", function) for i, x in enumerate(tensors)]
    if not tensors:
        raise (ValueError if function == "cat" else RuntimeError)(f"{function}() expects a non-empty list of Tensors")
    return tensors


def sum_to_size(input, size):
    """The sum over the dimensions that broadcasting `size` to input's shape would repeat; of integers, int64."""
    shape, old = size_argument(size, "sum_to_size"), input._array.shape
    extra = len(old) - len(shape)
    if extra < 0 or shape != old[extra:] and any(n not in (1, m) for n, m in zip(shape, old[extra:])):
        raise RuntimeError(f"size {list(shape)} is not expandable to size {list(old)}")
    return input if shape == old else SumTo.apply(input if input.is_floating_point() else input.long(), shape=shape)


# ---- pieces: views


def index_at(dim, item):
    """The index that takes `item` in dimension `dim` and all of the others."""
    return (slice(None),) * dim + (item,)


def dim_and_size(input, dim, function, error=RuntimeError):
    """`dim` counted from the front, and its size; `error` for a 0-d tensor."""
    tensor_argument(input, "tensor" if function == "split" else "input", function)
    if input.ndim == 0:
        raise error(f"{function}() expects at least a 1-dimensional tensor, but this one is 0-dim")
    at = normal_dim(dim, input.ndim)
    return at, input.shape[at]


def split(tensor, split_size_or_sections, dim=0):
    """Pieces along `dim`: of one size (the last may be smaller), or of the sizes in a list: a tuple of views.

    RuntimeError for negative sizes, or a list whose sum is not the size of the dimension.

        >>> import minigrad
        >>> minigrad.arange(5).split(2)
        (tensor([0, 1]), tensor([2, 3]), tensor([4]))
    """
    at, n = dim_and_size(tensor, dim, "split")
    if isinstance(split_size_or_sections, (tuple, list)):
        sizes = size_argument(split_size_or_sections, "split", "split_size_or_sections")
    else:
        size = int_argument(split_size_or_sections, "split_size_or_sections", "split")
        sizes = [min(size, n - start) for start in range(0, max(n, 1), size)] if size > 0 else [size]
    if sum(sizes) != n or min(sizes, default=0) < 0:
        raise RuntimeError(f"split expects split_size or split_sizes to be non-negative and to sum exactly to {n} "
                           f"(input tensor's size at dimension {at}), but got {split_size_or_sections}")
    return tuple(tensor[index_at(at, slice(end - size, end))] for size, end in zip(sizes, itertools.accumulate(sizes)))


@numpy_names
def chunk(input, chunks, dim=0):
    """At most `chunks` pieces of equal size along `dim` (the last may be smaller): a tuple of views.

        >>> import minigrad
        >>> minigrad.arange(5).chunk(2)
        (tensor([0, 1, 2]), tensor([3, 4]))
    """
    _, n = dim_and_size(input, dim, "chunk")
    if int_argument(chunks, "chunks", "chunk") <= 0:
        raise RuntimeError(f"chunk expects `chunks` to be greater than 0, got: {chunks}")
    return split(input, -(-n // chunks) or [0] * chunks, dim)
