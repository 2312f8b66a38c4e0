"""Reductions over some or all dimensions.

A sum and a broadcast are each other's gradient: `Sum` here, `Expand` in `shape.py`.
"""

import math
from collections import namedtuple

import numpy as np

from ..engine import Operator, Value, wrap
from .common import cast, normal_dim, normal_dims, tensor_argument
from .elementwise import Sqrt, maximum, minimum, where
from .shape import cat, expand, reshape

# What max and min along a dimension return, and print, in PyTorch.
return_types_max = namedtuple("max", ("values", "indices"))
return_types_min = namedtuple("min", ("values", "indices"))


class Sum(Operator):
    """z = sum of x over dims;  dx = g, repeated along dims."""

    def forward(self, x, *, dims, keepdim):
        self.shape, self.dims, self.keepdim = x.shape, dims, keepdim
        return np.add.reduce(x, axis=dims, keepdims=keepdim, dtype=x.dtype)

    def backward(self, g):
        return expand(kept(g, self), self.shape)


class Mean(Operator):
    """z = sum of x over dims / n;  dx = g / n, repeated along dims."""

    def forward(self, x, *, dims, keepdim):
        self.shape, self.dims, self.keepdim = x.shape, dims, keepdim
        self.count = math.prod([x.shape[d] for d in dims])
        total = np.add.reduce(x, axis=dims, keepdims=keepdim)
        return total / x.dtype.type(self.count)

    def backward(self, g):
        return expand(kept(g / (self.count or 1), self), self.shape)


class Extremum(Operator):
    """z = max (min) of x over dims;  g is shared evenly among the elements that reach it."""

    uses = ((0,),)
    uses_output = True

    def forward(self, x, *, dims, keepdim, largest):
        self.dims, self.keepdim = dims, keepdim
        return (np.max if largest else np.min)(x, axis=dims, keepdims=keepdim)

    def backward(self, g):
        x = self.inputs[0]
        reached = (x == kept(self.output, self)) | (x != x)  # where there is a NaN, it is the result
        shares = sum(reached, dim=self.dims, keepdim=True)
        return where(reached, kept(g, self) / shares, 0.0)

    def name(self):
        return "AmaxBackward0"


class TakeAlong(Operator):
    """z = x at one index of `dim` for each line along it;  g goes back to that element."""

    def forward(self, x, *, indices, dim):
        self.indices, self.dim, self.shape = indices, dim, x.shape
        return np.take_along_axis(x, indices, dim)

    def backward(self, g):
        return PutAlong.apply(g, indices=self.indices, dim=self.dim, shape=self.shape)

    def name(self):
        return "MaxBackward0"


class PutAlong(Operator):
    """z = zeros with x put at one index of `dim` for each line along it; undoes `TakeAlong`."""

    def forward(self, x, *, indices, dim, shape):
        self.indices, self.dim = indices, dim
        z = np.zeros(shape, x.dtype)
        np.put_along_axis(z, indices, x, dim)
        return z

    def backward(self, g):
        return TakeAlong.apply(g, indices=self.indices, dim=self.dim)


class Std(Sqrt):
    """The square root of a variance; 0 where that is 0, instead of an infinite gradient."""

    def backward(self, g):
        z = self.output
        return where(z == 0, 0.0, g / (2 * z))


def kept(g, operator):
    """`g` with the reduced dimensions back as ones, so that it broadcasts against the input."""
    if operator.keepdim:
        return g
    shape = list(g.shape)
    for d in sorted(operator.dims):
        shape.insert(d, 1)
    return reshape(g, tuple(shape))


# ---- the functions


def sum(input, dim=None, keepdim=False, *, dtype=None):  # noqa: A001
    """The sum over `dim` (an int, a tuple, or None for all); integers and bools give int64."""
    x = _numbers(input, "sum", dtype)
    return Sum.apply(x, dims=normal_dims(dim, x.ndim), keepdim=keepdim)


def mean(input, dim=None, keepdim=False, *, dtype=None):
    """The mean over `dim`. RuntimeError for integers, as in PyTorch: say which float you want."""
    tensor_argument(input, "input", "mean")
    x = input if dtype is None else input.to(dtype=dtype)
    if x._array.dtype.kind != "f":
        raise RuntimeError("mean(): could not infer output dtype. Input dtype must be either a "
                           f"floating point or complex dtype. Got: {x.dtype}")
    return Mean.apply(x, dims=normal_dims(dim, x.ndim), keepdim=keepdim)


def var(input, dim=None, unbiased=True, keepdim=False, *, correction=None):
    """sum (x - mean)^2 / (n - correction) over `dim`; correction is 1, or 0 if not unbiased.

    `var(x, False)` means unbiased=False, as in PyTorch.
    """
    if isinstance(dim, bool):
        dim, unbiased = None, dim
    tensor_argument(input, "input", "var")
    if input._array.dtype.kind != "f":
        raise RuntimeError("std and var only support floating point and complex dtypes")
    correction = int(unbiased) if correction is None else correction
    dims = normal_dims(dim, input.ndim)
    centred = input - mean(input, dims, keepdim=True)
    n = math.prod([input.shape[d] for d in dims])
    squares = sum(centred * centred, dims, keepdim)
    return squares / float(np.maximum(n - correction, 0))


def std(input, dim=None, unbiased=True, keepdim=False, *, correction=None):
    """The square root of `var`, with the same arguments."""
    return Std.apply(var(input, dim, unbiased, keepdim, correction=correction))


def prod(input, dim=None, keepdim=False, *, dtype=None):
    """The product of all elements, or along the int `dim`; integers and bools give int64.

    Multiplied in pairs, then pairs of pairs: no division anywhere, so that zeros need no special
    rule, and derivatives of any order come from `Mul` alone.
    """
    x = _numbers(input, "prod", dtype)
    if dim is None:
        x, at = reshape(x, (-1,)), 0
    else:
        at = normal_dim(dim, x.ndim)
        x = reshape(x, (1,)) if x.ndim == 0 else x
    front = (slice(None),) * at
    while x.shape[at] > 1:
        half = x.shape[at] // 2
        pairs = x[front + (slice(None, half),)] * x[front + (slice(half, 2 * half),)]
        if x.shape[at] % 2:
            last = x[front + (slice(-1, None),)]
            first = pairs[front + (slice(None, 1),)] * last
            pairs = cat([first, pairs[front + (slice(1, None),)]], at)
        x = pairs
    if x.shape[at] == 0:
        x = sum(x, at, keepdim=True) + 1  # the empty product
    return x if keepdim and dim is not None and input.ndim else x[front + (0,)]


def max(input, dim=None, keepdim=False):  # noqa: A001
    """max(x): the largest element. max(x, dim): (values, indices) along it. max(x, y): `maximum`.

    NaN is the largest. Of equal elements, max(x) shares its gradient among all of them, max(x, dim)
    gives it to the first. RuntimeError or IndexError for an empty reduction.
    """
    if isinstance(dim, Value):
        return maximum(input, dim)
    if dim is None:
        return _over_dims(input, None, False, True, "max")
    return _along_dim(input, dim, keepdim, True, "max")


def min(input, dim=None, keepdim=False):  # noqa: A001
    """min(x): the smallest element. min(x, dim): (values, indices) along it. min(x, y): `minimum`."""
    if isinstance(dim, Value):
        return minimum(input, dim)
    if dim is None:
        return _over_dims(input, None, False, False, "min")
    return _along_dim(input, dim, keepdim, False, "min")


def amax(input, dim=None, keepdim=False):
    """The largest element over `dim`, an int or a tuple; equal elements share the gradient."""
    return _over_dims(input, dim, keepdim, True, "amax")


def amin(input, dim=None, keepdim=False):
    """The smallest element over `dim`, an int or a tuple; equal elements share the gradient."""
    return _over_dims(input, dim, keepdim, False, "amin")


def argmax(input, dim=None, keepdim=False):
    """The int64 index of the (first) largest element: of the flat tensor, or along `dim`."""
    return _arg(np.argmax, input, dim, keepdim)


def argmin(input, dim=None, keepdim=False):
    """The int64 index of the (first) smallest element: of the flat tensor, or along `dim`."""
    return _arg(np.argmin, input, dim, keepdim)


def _over_dims(input, dim, keepdim, largest, name):
    tensor_argument(input, "input", name)
    if input.numel() == 0 and dim in (None, ()):
        raise RuntimeError(UNSPECIFIED.format(name))
    dims = normal_dims(dim, input.ndim)
    for d in dims:
        _check_elements(input, d, name)
    return Extremum.apply(input, dims=dims, keepdim=keepdim, largest=largest)


def _along_dim(input, dim, keepdim, largest, name):
    """(values, indices) of the first largest or smallest element of each line along `dim`."""
    tensor_argument(input, "input", name)
    at = normal_dim(dim, input.ndim)
    _check_elements(input, at, name)
    x = reshape(input, (1,)) if input.ndim == 0 else input
    indices = (np.argmax if largest else np.argmin)(x._array, axis=at, keepdims=True)
    values, indices = TakeAlong.apply(x, indices=indices, dim=at), wrap(indices.copy())
    if not keepdim or input.ndim == 0:
        shape = values.shape[:at] + values.shape[at + 1:]
        values, indices = reshape(values, shape), reshape(indices, shape)
    return (return_types_max if largest else return_types_min)(values, indices)


def _arg(function, input, dim, keepdim):
    name = function.__name__
    x = tensor_argument(input, "input", name)._array
    if dim is not None:
        dim = normal_dim(dim, x.ndim)
        _check_elements(input, dim, name)
    elif x.size == 0:
        raise IndexError(UNSPECIFIED.format(name))
    return wrap(function(x, axis=dim if x.ndim else None, keepdims=keepdim))


UNSPECIFIED = ("{}(): Expected reduction dim to be specified for input.numel() == 0. Specify the "
               "reduction dim with the 'dim' argument.")


def _check_elements(input, dim, name):
    """IndexError for a reduction that has no value, over a dimension without elements."""
    if input.ndim and input.shape[dim] == 0:
        raise IndexError(f"{name}(): Expected reduction dim {dim} to have non-zero size, but the "
                         f"input has shape {list(input.shape)}")


def _numbers(input, name, dtype):
    tensor_argument(input, "input", name)
    if dtype is not None:
        return input.to(dtype=dtype)
    return input if input._array.dtype.kind == "f" else cast(input, np.dtype(np.int64))
