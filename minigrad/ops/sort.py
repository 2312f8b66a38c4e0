"""What depends on the order of the elements along a dimension: the largest ones, the smallest ones, all of them sorted.

NaN is larger than every number, as in PyTorch. The gradient goes to the elements that were chosen.
"""

from collections import namedtuple
from types import SimpleNamespace

import numpy as np

from ..engine import Value, wrap
from .common import bool_argument, int_argument, normal_dim, numpy_names, tensor_argument
from .elementwise import maximum, minimum
from .index import take
from .reduce import check_elements, extremum
from .shape import reshape
from .table import named


class Pair(namedtuple("Pair", ("values", "indices"))):
    """Elements and where they stood, as PyTorch returns and prints them."""

    def __repr__(self):
        return f"torch.return_types.{type(self).__name__}(\nvalues={self.values!r},\nindices={self.indices!r})"


# Under names by which pickle finds them.
RETURN_TYPES = SimpleNamespace(**{name: type(name, (Pair,), {"__qualname__": f"RETURN_TYPES.{name}"})
                                  for name in ("max", "min", "sort", "topk")})


def _chosen(name, input, dim, choose):
    """What `choose(array, dim)` finds: int64 indices along `dim`, for each line one or more; and the elements there."""
    at = normal_dim(dim, input.ndim)
    x = input if input.ndim else reshape(input, (1,))
    indices = np.asarray(choose(x._array, at))
    # A copy: the gradient needs the indices as they are now.
    found = take(x, indices, at, name.capitalize()), wrap(indices.copy())
    found = found if input.ndim else [named(reshape(y, ()), name.capitalize()) for y in found]
    return getattr(RETURN_TYPES, name)(*found)


def _order(x, at, descending):
    """The indices that sort x along a dimension; equal elements keep their order."""
    if not descending:
        return np.argsort(x, at, kind="stable")
    return x.shape[at] - 1 - np.flip(np.argsort(np.flip(x, at), at, kind="stable"), at)


def max(input, dim=None, keepdim=False, *, other=None):  # noqa: A001
    """max(x): the largest element. max(x, dim): (values, indices) along it. max(x, y): `maximum`.

    NaN is the largest. Of equal elements, max(x) shares its gradient among all of them, max(x, dim)
    gives it to the first. RuntimeError or IndexError for an empty reduction.

    >>> import minigrad
    >>> minigrad.tensor([[1, 5], [7, 3]]).max(dim=1).indices
    tensor([1, 0])
    """
    return _extreme("max", maximum, np.argmax, input, dim if other is None else other, keepdim)


def min(input, dim=None, keepdim=False, *, other=None):  # noqa: A001
    """min(x): the smallest element. min(x, dim): (values, indices) along it. min(x, y): `minimum`.

    >>> import minigrad
    >>> minigrad.tensor([[1, 5], [7, 3]]).min(dim=1).values
    tensor([1, 3])
    """
    return _extreme("min", minimum, np.argmin, input, dim if other is None else other, keepdim)


def _extreme(name, of_two, choose, input, dim, keepdim):
    if isinstance(dim, Value) and not keepdim:
        return of_two(input, dim)
    tensor_argument(input, "input", name)
    if dim is None and not bool_argument(keepdim, "keepdim", name):
        return extremum(input, None, False, name)
    check_elements(input, normal_dim(dim, input.ndim), name)
    return _chosen(name, input, dim, lambda x, at: choose(x, at, keepdims=bool_argument(keepdim, "keepdim", name)))


def argmax(input, dim=None, keepdim=False):
    """The int64 index of the (first) largest element: of the flat tensor, or along `dim`.

    >>> import minigrad
    >>> minigrad.tensor([[1, 5], [7, 3]]).argmax(), minigrad.tensor([[1, 5], [7, 3]]).argmax(dim=1)
    (tensor(2), tensor([1, 0]))
    """
    return _arg(np.argmax, input, dim, keepdim)


def argmin(input, dim=None, keepdim=False):
    """The int64 index of the (first) smallest element: of the flat tensor, or along `dim`.

    >>> import minigrad
    >>> minigrad.tensor([[1, 5], [7, 3]]).argmin()
    tensor(0)
    """
    return _arg(np.argmin, input, dim, keepdim)


def _arg(function, input, dim, keepdim):
    name = function.__name__
    x = tensor_argument(input, "input", name)._array
    if x.dtype == bool:
        raise RuntimeError(f"{name}(): does not support bool input")
    dim = dim if dim is None else normal_dim(dim, x.ndim)
    check_elements(input, dim, name)
    return wrap(function(x, axis=dim if x.ndim else None, keepdims=bool_argument(keepdim, "keepdim", name)))


def sort(input, dim=-1, descending=False, *, stable=False):
    """(values, indices) of the elements along `dim`, the smallest first, or the largest if `descending`.

    Equal elements keep their order, whether `stable` asks for it or not.

    >>> import minigrad
    >>> values, indices = minigrad.sort(minigrad.tensor([3.0, 1.0, 2.0]), descending=True)
    >>> values, indices
    (tensor([3., 2., 1.]), tensor([0, 2, 1]))
    """
    tensor_argument(input, "input", "sort")
    bool_argument(descending, "descending", "sort")
    bool_argument(stable or False, "stable", "sort")
    return _chosen("sort", input, dim, lambda x, at: _order(x, at, descending))


def argsort(input, dim=-1, descending=False, *, stable=False):
    """The indices of `sort`.

    >>> import minigrad
    >>> minigrad.argsort(minigrad.tensor([3.0, 1.0, 2.0]))
    tensor([1, 2, 0])
    """
    return sort(input, dim, descending, stable=stable).indices


def topk(input, k, dim=-1, largest=True, sorted=True):
    """(values, indices) of the `k` largest or smallest elements along `dim`, in order in any case.

    Of equal elements the first are taken (in PyTorch, any). RuntimeError if there are fewer than k, or
    for bools.

    >>> import minigrad
    >>> minigrad.topk(minigrad.tensor([3.0, 1.0, 2.0]), 2).values
    tensor([3., 2.])
    """
    tensor_argument(input, "input", "topk")
    k, size = int_argument(k, "k", "topk"), (input.shape or (1,))[normal_dim(dim, input.ndim)]
    if not 0 <= k <= size:
        raise RuntimeError(f"topk(): selected index k out of range: k={k}, but the input has shape {list(input.shape)}")
    if input._array.dtype == bool:
        raise RuntimeError("topk() does not support bool dtypes on CPU")
    bool_argument(largest, "largest", "topk")
    bool_argument(sorted, "sorted", "topk")
    if input.ndim == 0:
        k = 1
    return _chosen("topk", input, dim, lambda x, at: np.take(_order(x, at, largest), np.arange(k), at))


for _function in (max, min, argmax, argmin, sort, argsort, topk):
    globals()[_function.__name__] = numpy_names(_function)
