"""Matrix products: of two matrices by minigrad's kernel, of stacks and of integers by NumPy."""

import math

import numpy as np

from .. import kernels
from ..engine import Operator
from .common import same_dtype
from .shape import transpose, unsqueeze


class MatMul(Operator):
    """z = x y for (stacks of) matrices;  dx = g y^T,  dy = x^T g."""

    uses = ((1,), (0,))

    def forward(self, x, y):
        return product(x, y)

    def backward(self, g):
        x, y = self.inputs
        needs_x, needs_y = self.needs_input_grad
        return (MatMul.apply(g, transpose(y, -1, -2)) if needs_x else None,
                MatMul.apply(transpose(x, -1, -2), g) if needs_y else None)

    def name(self):
        return "MmBackward0"


class Linear(Operator):
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
        return (MatMul.apply(g, w) if needs_x else None,
                MatMul.apply(g.t(), x) if needs_w else None,
                g.sum(0) if needs_b else None)

    def name(self):
        return "AddmmBackward0"


def product(x, y):
    """x y: of two matrices of floats by the kernel, whose threads are those of the convolutions."""
    return kernels.matmul(x, y) if x.ndim == y.ndim == 2 and x.dtype.kind == "f" else np.matmul(x, y)


def matmul(input, other):
    """The matrix product of the last two dimensions, the others broadcast; a 1-d tensor is a row on
    the left and a column on the right, and its dimension is dropped from the result.

    RuntimeError if the inner sizes, or the dtypes, differ.
    """
    same_dtype(input, other, "other", "matmul")
    _not_bool(input, "matmul")
    if input.ndim == 0 or other.ndim == 0:
        raise RuntimeError("both arguments to matmul need to be at least 1D, but they are "
                           f"{input.ndim}D and {other.ndim}D")
    if input.shape[-1] != other.shape[max(other.ndim - 2, 0)]:
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied "
                           f"({_shape(input)} and {_shape(other)})")
    x = unsqueeze(input, 0) if input.ndim == 1 else input
    y = unsqueeze(other, 1) if other.ndim == 1 else other
    try:
        np.broadcast_shapes(x.shape[:-2], y.shape[:-2])
    except ValueError:
        raise RuntimeError(f"matmul: the shapes {list(input.shape)} and {list(other.shape)} do not "
                           "broadcast in their leading dimensions") from None
    z = MatMul.apply(x, y)
    if other.ndim == 1:
        z = z.squeeze(-1)
    return z.squeeze(-1 if other.ndim == 1 else -2) if input.ndim == 1 else z


def linear(input, weight, bias=None):
    """input @ weight.T + bias.  input (..., in), weight (out, in), bias (out) -> (..., out).
    A weight (in) stands for one output, whose dimension is left out.

    RuntimeError if the sizes or dtypes do not match.
    """
    same_dtype(input, weight, "weight", "linear")
    if bias is not None:
        same_dtype(input, bias, "bias", "linear")
    _not_bool(input, "linear")
    if weight.ndim == 1:
        return linear(input, unsqueeze(weight, 0), bias).squeeze(-1)
    if weight.ndim != 2 or (bias is not None and bias.shape not in ((), (1,), weight.shape[:1])):
        raise RuntimeError(f"linear(): weight must be (out, in) and bias (out), but they are "
                           f"{list(weight.shape)} and {None if bias is None else list(bias.shape)}")
    rows = math.prod(input.shape[:-1])
    if input.ndim == 0 or input.shape[-1] != weight.shape[1]:
        features = input.shape[-1] if input.ndim else 1
        raise RuntimeError(f"mat1 and mat2 shapes cannot be multiplied ({rows}x{features} and "
                           f"{weight.shape[1]}x{weight.shape[0]}): the input of shape "
                           f"{list(input.shape)} has {features} features, the weight expects "
                           f"{weight.shape[1]}")
    if input.ndim == 2:
        return Linear.apply(input, weight, bias)
    flat = Linear.apply(input.reshape(rows, weight.shape[1]), weight, bias)
    return flat.reshape(*input.shape[:-1], weight.shape[0])



def _not_bool(x, function):
    if x._array.dtype == np.bool_:
        raise NotImplementedError(f"{function}(): not implemented for 'Bool'")


def _shape(x):
    return "x".join(str(n) for n in x.shape)
