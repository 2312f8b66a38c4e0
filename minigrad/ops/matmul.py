"""Matrix products: of two matrices by minigrad's kernel, of stacks and of integers by NumPy."""

import math

import numpy as np

from .. import kernels
from ..engine import Operator
from .common import mismatch, same_dtype, tensor_argument, wrong_size
from .shape import Permute, reshape, unsqueeze
from .table import define, named


def product(x, y):
    """x y: of two matrices of floats by the kernel, whose threads are those of the convolutions."""
    return kernels.matmul(x, y) if x.ndim == y.ndim == 2 and x.dtype.kind == "f" else np.matmul(x, y)


def turned(x):
    """The matrices of `x` transposed."""
    last = x._array.ndim - 1
    return Permute.apply(x, dims=(*range(last - 1), last, last - 1))


# z = x y for (stacks of) matrices: dx = g y^T, dy = x^T g
Mm = define("Mm", product, lambda g, y: Mm.apply(g, turned(y)), lambda g, x: Mm.apply(turned(x), g))


class Addmm(Operator):
    """z = x w^T + b;  dx = g w,  dw = g^T x,  db = the sum of g's rows;  x (n, in), w (out, in)."""

    uses = ((1,), (0,))

    def forward(self, x, w, b):
        z = product(x, w.T)
        if b is not None:
            z += b
        return z

    def backward(self, g):
        x, w, _ = self.inputs
        needs_x, needs_w, needs_b = self.needs_input_grad
        return (Mm.apply(g, w) if needs_x else None,
                Mm.apply(turned(g), x) if needs_w else None,
                g if needs_b else None)  # the engine sums it


VECTORS = {(2, 1): "Mv", (1, 1): "Dot"}  # PyTorch's names of the products with vectors


def matmul(input, other):
    """The matrix product of the last two dimensions, the others broadcast; a 1-d tensor is a row on
    the left and a column on the right, and its dimension is dropped from the result.

    RuntimeError if the inner sizes, or the dtypes, differ.

        >>> import minigrad
        >>> minigrad.arange(4).reshape(2, 2) @ minigrad.tensor([1, 10])
        tensor([10, 32])
    """
    same_dtype(input, other, "other", "matmul")
    _not_bool(input, "matmul")
    if input.ndim == 0 or other.ndim == 0:
        raise RuntimeError(f"both arguments to matmul need to be at least 1D, not {input.ndim}D and {other.ndim}D")
    if input.shape[-1] != other.shape[max(other.ndim - 2, 0)]:
        raise wrong_size(f"mat1 and mat2 shapes cannot be multiplied ({_sizes(input)} and {_sizes(other)})", input,
                         other.shape[max(other.ndim - 2, 0)], "a second factor with {} rows")
    x = unsqueeze(input, 0) if input.ndim == 1 else input
    y = unsqueeze(other, 1) if other.ndim == 1 else other
    batches = x.shape[:-2], y.shape[:-2]
    try:
        batch = np.broadcast_shapes(*batches)
    except ValueError:
        error = mismatch(*[np.broadcast_to(0, batch) for batch in batches])
        raise RuntimeError(f"{error}, of {input.shape} @ {other.shape}") from None
    z, shape = Mm.apply(x, y), batch + input.shape[-2:-1] + (other.shape[-1:] if other.ndim > 1 else ())
    return z if z.shape == shape else named(reshape(z, shape), VECTORS.get((input.ndim, other.ndim)))


def mm(input, mat2):
    """The product of two matrices: (n, k) times (k, m). RuntimeError for other ranks.

        >>> import minigrad
        >>> minigrad.mm(minigrad.ones(2, 3), minigrad.ones(3, 2))
        tensor([[3., 3.],
                [3., 3.]])
    """
    return _of_ranks(input, mat2, "mm", "mat2", 2, 2)


def bmm(input, mat2):
    """The products of two stacks of matrices: (b, n, k) times (b, k, m). RuntimeError for other ranks.

        >>> import minigrad
        >>> minigrad.bmm(minigrad.ones(5, 2, 3), minigrad.ones(5, 3, 4)).shape
        torch.Size([5, 2, 4])
    """
    return named(_of_ranks(input, mat2, "bmm", "mat2", 3, 3), "Bmm")


def mv(input, vec):
    """A matrix times a vector: (n, k) times (k). RuntimeError for other ranks.

        >>> import minigrad
        >>> minigrad.mv(minigrad.tensor([[1, 2], [3, 4]]), minigrad.tensor([1, 10]))
        tensor([21, 43])
    """
    return _of_ranks(input, vec, "mv", "vec", 2, 1)


def dot(input, tensor):
    """The inner product of two vectors of one length. RuntimeError for other ranks.

        >>> import minigrad
        >>> minigrad.dot(minigrad.tensor([2, 3]), minigrad.tensor([2, 1]))
        tensor(7)
    """
    return _of_ranks(input, tensor, "dot", "tensor", 1, 1)


def _of_ranks(x, y, function, argument, *ranks):
    same_dtype(x, y, argument, function)
    if (x.ndim, y.ndim) != ranks or x.shape[:-2] != y.shape[:-2]:
        raise RuntimeError(f"{function}(): expected tensors of {ranks[0]} and {ranks[1]} dimensions (and stacks of one "
                           f"size), but got the shapes {list(x.shape)} and {list(y.shape)}")
    return matmul(x, y)


def outer(input, vec2):
    """z[i, j] = x[i] y[j] for two vectors. RuntimeError for other ranks.

        >>> import minigrad
        >>> minigrad.outer(minigrad.tensor([1, 2]), minigrad.tensor([3, 4]))
        tensor([[3, 4],
                [6, 8]])
    """
    x, y = tensor_argument(input, "input", "outer"), tensor_argument(vec2, "vec2", "outer")
    if not x.ndim == y.ndim == 1:
        raise RuntimeError(f"outer: Expected 1-D arguments, but got the shapes {list(x.shape)} and {list(y.shape)}")
    return unsqueeze(x, 1) * y


def linear(input, weight, bias=None):
    """input @ weight.T + bias.  input (..., in), weight (out, in), bias (out) -> (..., out).
    A weight (in) stands for one output, whose dimension is left out; it takes no bias.

    RuntimeError if the sizes or dtypes do not match.

        >>> import minigrad
        >>> minigrad.nn.functional.linear(minigrad.ones(2, 3), minigrad.ones(1, 3), minigrad.ones(1))
        tensor([[4.],
                [4.]])
    """
    same_dtype(input, weight, "weight", "linear")
    if bias is not None:
        same_dtype(input, bias, "bias", "linear")
    _not_bool(input, "linear")
    size, w_size, b_size = input._array.shape, weight._array.shape, () if bias is None else bias._array.shape
    if len(w_size) == 1 and not b_size:
        return linear(input, unsqueeze(weight, 0), bias).squeeze(-1)
    if len(w_size) != 2 or b_size not in ((), (1,), w_size[:1]):
        raise RuntimeError(f"linear(): weight must be (out, in) and bias (out), but they are {list(w_size)} and "
                           f"{None if bias is None else list(b_size)}")
    if not size or size[-1] != w_size[1]:
        rows, features = math.prod(size[:-1]), (size or (1,))[-1]
        raise wrong_size(f"mat1 and mat2 shapes cannot be multiplied ({rows}x{features} and {w_size[1]}x{w_size[0]}): "
                         f"the input of shape {list(size)} has {features} features, the weight expects {w_size[1]}",
                         input, w_size[1], f"Linear({{}}, {w_size[0]})")
    if len(size) == 2:
        return Addmm.apply(input, weight, bias) if bias is not None else named(Addmm.apply(input, weight, None), "Mm")
    rows = reshape(input, (math.prod(size[:-1]), size[-1]))
    return reshape(Addmm.apply(rows, weight, bias), size[:-1] + w_size[:1])


def _not_bool(x, function):
    if x._array.dtype.kind == "b":
        raise NotImplementedError(f"{function}(): not implemented for 'Bool'")


def _sizes(x):
    return "x".join(map(str, x.shape))
