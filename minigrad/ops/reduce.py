"""Reductions over some or all dimensions, and running sums along one.

A sum and a broadcast are each other's gradient: `Sum` here, `Expand` in `shape.py`.
"""

import math

import numpy as np

from .. import dtypes
from ..engine import Operator, wrap
from .arrange import cat, flip
from .common import add_up, bool_argument, cast, floating, normal_dim, normal_dims, numpy_names, tensor_argument
from .elementwise import Keep, clone, where
from .shape import expand, index_at, listed, reshape, split, squeeze
from .table import define, documented, named


class Reduction(Operator):
    """What the operators over `dim` (an int, a tuple, None for all) share; `options` become attributes."""

    def forward(self, x, *, dim, keepdim, **options):
        if options:
            vars(self).update(options)
        self.shape, self.keepdim, self.number = x.shape, keepdim, int(dim is not None)
        if keepdim is not False:
            bool_argument(keepdim, "keepdim", type(self).__name__.lower())
        self.dims = normal_dims(dim, x.ndim)
        return np.asarray(self.reduce(x, self.dims, keepdim), order="C")  # whatever the order of x

    @property
    def count(self):
        """How many elements go into one."""
        return math.prod([self.shape[d] for d in self.dims])

    def kept(self, g):
        """`g` with the reduced dimensions back as ones, so that it broadcasts against the input."""
        if self.keepdim:
            return g
        return reshape(g, tuple(1 if d in self.dims else n for d, n in enumerate(self.shape)))


class Sum(Reduction):
    """z = sum of x over dims;  dx = g, repeated along dims."""

    def reduce(self, x, dims, keepdim):
        return add_up(x, dims, keepdim)

    def backward(self, g):
        return expand(self.kept(g), self.shape)

    def name(self):
        return f"{type(self).__name__}Backward{self.number}"


class Mean(Sum):
    """z = sum of x over dims / n;  dx = g / n, repeated along dims."""

    def reduce(self, x, dims, keepdim):
        return add_up(x, dims, keepdim) / x.dtype.type(self.count)

    def backward(self, g):
        return super().backward(g / (self.count or 1))


class Var(Reduction):
    """z = sum of (x - mean)^2 over dims / (n - correction);  dx = 2 g (x - mean) / (n - correction)."""

    uses = ((0,),)

    def reduce(self, x, dims, keepdim):
        centred = x - add_up(x, dims, True) / x.dtype.type(self.count)
        squares = add_up(centred * centred, dims, keepdim)
        return squares / x.dtype.type(np.maximum(self.count - self.correction, 0))

    def backward(self, g):
        x, freedom = self.inputs[0], self.count - self.correction
        middle = mean(x, self.dims, keepdim=True)
        if freedom <= 0 and (self.number == 0 or x.ndim == 0):
            return self.kept(g) * where(x == middle, math.nan, math.inf)
        return self.kept(g) * (2 / freedom if freedom else math.inf) * (x - middle)


class Extremum(Reduction):
    """z = max (min) of x over dims;  g is shared evenly among the elements that reach it.

    kind: "max" or "min" of all elements, where a NaN is the result and those that are NaN share g; so too "norm max" or
    "norm min", where an infinite g is NaN at the others; "amax" or "amin" over some, where NaN gives NaN to all.
    """

    uses = ((0,),)
    uses_output = True

    def reduce(self, x, dims, keepdim):
        return (np.max if "max" in self.kind else np.min)(x, axis=dims, keepdims=keepdim)

    def backward(self, g):
        x = self.inputs[0]
        reached = x == self.kept(self.output)
        reached = reached if "a" == self.kind[0] else reached | (x != x)
        share = self.kept(g) / sum(reached, self.dims, keepdim=True)
        return where(reached, share, 0.0) if self.kind in ("max", "min") else share * reached

    def name(self):
        return f"{self.kind.capitalize()}Backward{4 - len(self.kind)}"


def root_rule(g, z, p):
    """d/dx x^(1/p) = z^(1-p) / p, but 0 where z is 0."""
    if p == 2:
        return g / (2 * where(z == 0, math.inf, z))
    return where(z == 0, 0.0, g * z ** (1 - p) / p) if p > 1 else g * z ** (1 - p) / p


def running(x, dim):
    """x[0] + ... + x[i] along dim; floats are added up in double precision."""
    return np.cumsum(x, dim, dtype=np.float64 if x.dtype.kind == "f" else x.dtype).astype(x.dtype, "C", copy=False)


def log_total(x, dims):
    """log of the sum of e^x over dims, with the largest x in front of the logarithm."""
    top = np.max(x, axis=dims, keepdims=True, initial=-np.inf)
    top = np.where(np.isfinite(top), top, 0)
    return np.add(np.log(add_up(np.exp(x - top), dims, True)), top, order="C")


Logsumexp = define("Logsumexp", log_total, lambda g, x, z, dims: g * (x - z).exp())
Cumsum = define("Cumsum", running, lambda g, dim: flip(Cumsum.apply(flip(g, (dim,)), dim=dim), (dim,)))
# x, a sum of |elements|^p, to the power 1/p; and a variance, to the power 1/2
LinalgVectorNorm = define("LinalgVectorNorm", lambda x, p: np.sqrt(x) if p == 2 else x ** (1 / p), root_rule)
Std = define("Std", np.sqrt, lambda g, z: where(z == 0, 0.0, g / (2 * z)))


# ---- the functions


def sum(input, dim=None, keepdim=False, *, dtype=None):  # noqa: A001
    """The sum over `dim` (an int, a tuple, or None for all); integers and bools give int64.

    >>> import minigrad
    >>> minigrad.sum(minigrad.ones(2, 3), dim=1)
    tensor([3., 3.])
    """
    x = _numbers(input, "sum", dtype)
    return Sum.apply(x, dim=dim, keepdim=keepdim)


def mean(input, dim=None, keepdim=False, *, dtype=None):
    """The mean over `dim`. RuntimeError for integers, as in PyTorch: say which float you want.

    >>> import minigrad
    >>> minigrad.tensor([[1.0, 2.0], [3.0, 6.0]]).mean(1, keepdim=True)
    tensor([[1.5000],
            [4.5000]])
    """
    tensor_argument(input, "input", "mean")
    x = input if dtype is None else input.to(dtype=dtype)
    if x._array.dtype.kind != "f":
        raise RuntimeError(f"mean(): the input must be floating point, or dtype be given, but the input is {x.dtype}")
    return Mean.apply(x, dim=dim, keepdim=keepdim)


def var(input, dim=None, unbiased=True, keepdim=False, *, correction=None):
    """sum (x - mean)^2 / (n - correction) over `dim`; correction is 1, or 0 if not unbiased.

    `var(x, False)` means unbiased=False, as in PyTorch.

    >>> import minigrad
    >>> minigrad.tensor([1.0, 2.0, 3.0]).var()
    tensor(1.)
    """
    if isinstance(dim, bool):
        dim, unbiased = None, dim
    bool_argument(unbiased, "unbiased", "var")
    tensor_argument(input, "input", "var")
    if input._array.dtype.kind != "f":
        raise RuntimeError("std and var only support floating point and complex dtypes")
    return Var.apply(input, dim=dim, keepdim=keepdim, correction=int(unbiased) if correction is None else correction)


def std(input, dim=None, unbiased=True, keepdim=False, *, correction=None):
    """The square root of `var`, with the same arguments.

    >>> import minigrad
    >>> minigrad.tensor([[1.0, 5.0], [2.0, 2.0]]).std(dim=1, correction=0)
    tensor([2., 0.])
    """
    return Std.apply(var(input, dim, unbiased, keepdim, correction=correction))


def prod(input, dim=None, keepdim=False, *, dtype=None):
    """The product of all elements, or along the int `dim`; integers and bools give int64.

    Multiplied in pairs, then pairs of pairs: no division anywhere, so that zeros need no special
    rule, and derivatives of any order come from `Mul` alone.

    >>> import minigrad
    >>> minigrad.tensor([[1.0, 2.0], [3.0, 4.0]]).prod(0)
    tensor([3., 8.])
    """
    x, keepdim = _numbers(input, "prod", dtype), bool_argument(keepdim, "keepdim", "prod")
    at = 0 if dim is None and not keepdim else normal_dim(dim, x.ndim)
    x = clone(Keep.apply(reshape(x, (-1,)) if dim is None or x.ndim == 0 else x))
    while (size := x.shape[at]) > 1:
        first, second, odd = split(x, (size // 2, size // 2, size % 2), at)
        x = cat([first * second, odd], at)
    if size == 0:
        x = cast(sum(x, at, keepdim=True) + 1, x._array.dtype)  # the empty product
    return named(x if keepdim and input.ndim else x[index_at(at, 0)], "Prod",
                 int(dim is not None))


def cumsum(input, dim, *, dtype=None):
    """The sums of the elements up to each one along the int `dim`; integers and bools give int64.

    >>> import minigrad
    >>> minigrad.cumsum(minigrad.tensor([1, 2, 3]), dim=0)
    tensor([1, 3, 6])
    """
    x = _numbers(input, "cumsum", dtype)
    at = normal_dim(dim, x.ndim)
    return Cumsum.apply(x, dim=at) if x.ndim else clone(x)


def amax(input, dim=None, keepdim=False):
    """The largest element over `dim`, an int or a tuple; equal elements share the gradient.

    RuntimeError or IndexError for a reduction over nothing.

    >>> import minigrad
    >>> minigrad.amax(minigrad.eye(3), dim=(0, 1))
    tensor(1.)
    """
    return extremum(input, dim, keepdim, "amax")


def amin(input, dim=None, keepdim=False):
    """The smallest element over `dim`, an int or a tuple; equal elements share the gradient.

    RuntimeError or IndexError for a reduction over nothing.

    >>> import minigrad
    >>> minigrad.amin(minigrad.eye(3), dim=(0, 1))
    tensor(0.)
    """
    return extremum(input, dim, keepdim, "amin")


def extremum(input, dim, keepdim, kind):
    """`Extremum` over `dim`, after the checks that there is an element in each place."""
    check_elements(tensor_argument(input, "input", kind), dim, kind)
    return Extremum.apply(input, dim=dim, keepdim=bool_argument(keepdim, "keepdim", kind), kind=kind)


def logsumexp(input, dim, keepdim=False):
    """log of the sum of e^input over `dim`, an int or a tuple; large numbers do not overflow.

    Integers become float32. A line of -inf gives -inf, and a gradient of NaN, as in PyTorch.

    >>> import minigrad
    >>> minigrad.logsumexp(minigrad.zeros(2, 4), dim=1)
    tensor([1.3863, 1.3863])
    """
    x = floating(tensor_argument(input, "input", "logsumexp"))
    dims = normal_dims((None,) if dim is None else dim, x.ndim)
    z = Logsumexp.apply(x, dims=dims)
    return z if bool_argument(keepdim, "keepdim", "logsumexp") else named(squeeze(z, dims), "Logsumexp")


def norm(input, p="fro", dim=None, keepdim=False, out=None, dtype=None):
    """(sum of |x|^p over `dim`)^(1/p): the length of vectors, that of matrices with all elements in a row.

    p: a number ("fro" is 2; 0 counts what is not 0; inf and -inf are the largest and the smallest |x|).
    The gradient at 0 is 0. RuntimeError for integers, for a `dtype` that is narrower than the input's,
    and for a largest element of nothing.

    >>> import minigrad
    >>> minigrad.norm(minigrad.tensor([[3.0, 4.0], [5.0, 12.0]]), dim=1)
    tensor([ 5., 13.])
    """
    x = tensor_argument(input, "input", "norm")
    p = 2 if p in ("fro", None) else p
    if out is not None or p == "nuc":
        raise NotImplementedError(f"norm(): the arguments p='nuc' and out are not implemented (p={p!r})")
    if isinstance(p, (str, complex)):
        raise RuntimeError(f"norm(): argument 'p' must be a number or 'fro', but got {p!r}")
    to = x._array.dtype if dtype is None else dtypes.to_numpy(dtype)
    if x._array.dtype.kind + to.kind != "ff" or to.itemsize < x._array.itemsize:
        raise RuntimeError(f"norm(): expected a floating point input, not wider than dtype={dtype}, but got {x.dtype}")
    x = cast(x, to)
    if (p < 0 or p == math.inf) and 0 in [x.shape[d] for d in normal_dims(dim, x.ndim)]:
        raise RuntimeError(f"norm(): the {p} norm of nothing has no value: the input has shape {list(x.shape)}")
    if math.isinf(p):
        kind = "norm max" if p > 0 else "norm min"
        return named(Extremum.apply(abs(x), dim=dim, keepdim=keepdim, kind=kind), "LinalgVectorNorm")
    if p in (0, 1):
        return named(sum(abs(x) if p else (x != 0) + 0 * x.sign(), dim, keepdim), "LinalgVectorNorm")
    return LinalgVectorNorm.apply(sum(x * x if p == 2 else _power(abs(x), p), dim, keepdim), p=p)


def _power(x, p):
    """x^p, x >= 0, whose gradient at 0 is 0 for p < 1 too."""
    return x**p if p > 1 else where(x == 0, 0.0 if p > 0 else math.inf, where(x == 0, 1.0, x) ** p)


def _truth(function, example):
    """`all` or `any`: a reduction to bools, or to uint8 of uint8."""
    name = function.__name__

    def truth(input, dim=None, keepdim=False):
        """Whether {name} of the elements over `dim` (an int, a tuple, None for every one) are not 0.

        A bool tensor; uint8 of uint8. NaN is not 0.

        >>> import minigrad
        >>> minigrad.{name}(minigrad.tensor([[True, False], [False, False]]), dim=0)
        tensor([{example}, False])
        """
        x = tensor_argument(input, "input", name)._array
        dims, keepdim = normal_dims(dim, x.ndim) if listed(dim) else (), bool_argument(keepdim, "keepdim", name)
        found = function(x, axis=dims, keepdims=keepdim)
        return wrap(found.astype(x.dtype if x.dtype == np.uint8 else bool))

    return documented(truth, name, example=example)


all = _truth(np.all, "False")  # noqa: A001
any = _truth(np.any, " True")  # noqa: A001


def count_nonzero(input, dim=None):
    """How many elements over `dim` (an int, a tuple, None for all) are not 0: int64.

    >>> import minigrad
    >>> minigrad.count_nonzero(minigrad.eye(3))
    tensor(3)
    """
    return sum(tensor_argument(input, "input", "count_nonzero") != 0, dim)


def check_elements(input, dim, name):
    """RuntimeError or IndexError for a reduction that has no value: over nothing."""
    if input.numel() == 0 and (dim is None or not listed(dim)):
        raise (IndexError if "arg" in name else RuntimeError)(
            f"{name}(): Expected reduction dim to be specified for input.numel() == 0: name it in the argument 'dim'.")
    if input.ndim and 0 in [input.shape[d] for d in normal_dims(dim, input.ndim)]:
        raise IndexError(f"{name}(): Expected reduction dim {dim} to have non-zero size in {list(input.shape)}")


def _numbers(input, name, dtype):
    tensor_argument(input, "input", name)
    if dtype is not None:
        return input.to(dtype=dtype)
    return input if input._array.dtype.kind == "f" else cast(input, np.dtype(np.int64))


for _function in (sum, mean, var, std, prod, cumsum, amax, amin, logsumexp, norm, all, any, count_nonzero):
    globals()[_function.__name__] = numpy_names(_function)
