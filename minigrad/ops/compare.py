"""Comparisons, logic and bits: element by element, without a gradient."""

import numpy as np

from ..engine import wrap
from .common import broadcast, promote, same_dtype, tensor_argument
from .table import documented


def computed(name, ufunc, *operands):
    """ufunc of tensors and numbers: a new tensor. NotImplementedError for the bits of floats."""
    try:
        return wrap(broadcast(ufunc, *[getattr(x, "_array", x) for x in operands]))
    except TypeError:
        raise NotImplementedError(f"{name}(): not implemented for '{operands[0].dtype.text}'") from None


def of_two(name, ufunc, formula, example, tensors=False):
    """The function (input, other) of one row of the table; with `tensors`, `other` may be no number."""

    def function(input, other):
        """{formula}, element by element, broadcast: a new Tensor.

        `other` is a Tensor or, except for logical_..., a number. RuntimeError for shapes that do not go together.

        >>> import minigrad
        >>> minigrad.{name}(minigrad.tensor([1, 2, 3]), minigrad.tensor([2, 2, 0]))
        tensor([{example}])
        """
        tensor_argument(input, "input", name)
        return computed(name, ufunc, *promote(input, tensor_argument(other, "other", name) if tensors else other))

    return documented(function, name, formula=formula, example=example)


def of_one(name, ufunc, formula, example, numbers="float('nan'), float('inf'), 1.0"):
    """The function (input) of one row of the table."""

    def function(input):
        """{formula}, for a tensor of any shape and dtype.

        >>> import minigrad
        >>> minigrad.{name}(minigrad.tensor([{numbers}]))
        tensor([{example}])
        """
        return computed(name, ufunc, tensor_argument(input, "input", name))

    return documented(function, name, formula=formula, example=example, numbers=numbers)


eq = of_two("eq", np.equal, "input == other", "False,  True, False")
ne = of_two("ne", np.not_equal, "input != other", " True, False,  True")
lt = of_two("lt", np.less, "input < other", " True, False, False")
le = of_two("le", np.less_equal, "input <= other", " True,  True, False")
gt = of_two("gt", np.greater, "input > other", "False, False,  True")
ge = of_two("ge", np.greater_equal, "input >= other", "False,  True,  True")
bitwise_and = of_two("bitwise_and", np.bitwise_and, "input & other, bit by bit", "0, 2, 0")
bitwise_or = of_two("bitwise_or", np.bitwise_or, "input | other, bit by bit", "3, 2, 3")
bitwise_xor = of_two("bitwise_xor", np.bitwise_xor, "input ^ other, bit by bit", "3, 0, 3")
logical_and = of_two("logical_and", np.logical_and, "Whether both are not 0", " True,  True, False", tensors=True)
logical_or = of_two("logical_or", np.logical_or, "Whether one of them is not 0", "True, True, True", tensors=True)
logical_xor = of_two("logical_xor", np.logical_xor, "Whether just one is not 0", "False, False,  True", tensors=True)

bitwise_not = of_one("bitwise_not", np.invert, "~input, bit by bit", "-1, -2, -3", "0, 1, 2")
logical_not = of_one("logical_not", np.logical_not, "Whether each element is 0", " True, False, False", "0, 1, 2")
isnan = of_one("isnan", np.isnan, "Whether each element is NaN", " True, False, False")
isinf = of_one("isinf", np.isinf, "Whether each element is infinite", "False,  True, False")
isfinite = of_one("isfinite", np.isfinite, "Whether each element is a finite number", "False, False,  True")


def isclose(input, other, rtol=1e-05, atol=1e-08, equal_nan=False):
    """|input - other| <= atol + rtol |other|, broadcast; equal infinities are close, and with equal_nan
    NaN and NaN. RuntimeError for different dtypes and for a negative rtol or atol.

    >>> import minigrad
    >>> minigrad.isclose(minigrad.tensor([1.0, 1.001]), minigrad.tensor(1.0))
    tensor([ True, False])
    """
    same_dtype(input, other, "other", "isclose")
    if not (rtol >= 0 and atol >= 0):
        raise RuntimeError(f"rtol and atol must be greater than or equal to zero, but got {rtol} and {atol}")
    return computed("isclose", lambda x, y: np.isclose(x, y, rtol, atol, equal_nan), input, other)


def allclose(input, other, rtol=1e-05, atol=1e-08, equal_nan=False):
    """Whether all elements are `isclose`: a Python bool.

    >>> import minigrad
    >>> minigrad.allclose(minigrad.tensor([0.1]) + 0.2, minigrad.tensor([0.3]))
    True
    """
    return bool(isclose(input, other, rtol, atol, equal_nan)._array.all())


def equal(input, other):
    """Whether both have the same shape and the same elements, of any dtypes: a Python bool.

    >>> import minigrad
    >>> minigrad.equal(minigrad.tensor([1, 2]), minigrad.tensor([1.0, 2.0]))
    True
    """
    x, y = tensor_argument(input, "input", "equal"), tensor_argument(other, "other", "equal")
    return np.array_equal(x._array, y._array)
