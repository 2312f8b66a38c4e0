"""The six element types, and PyTorch's rules for mixing them.

NumPy's rules differ: int32 + float32 is float64 there. Here, as in PyTorch, only the kind matters
(bool < integer < floating point): the higher kind wins, and among operands of the winning kind
those with dimensions come before 0-d tensors, and those before Python numbers.
Source: PyTorch's documentation, "Tensor Attributes", section torch.dtype.
"""

import builtins

import numpy as np


class dtype:  # noqa: N801, the name users write
    """An element type. Prints as PyTorch's does: `torch.float32`.

    >>> import minigrad
    >>> minigrad.float32, minigrad.float64.is_floating_point
    (torch.float32, True)
    """

    def __init__(self, name, text):
        self.name = name
        self.numpy = np.dtype(name)
        self.text = text  # how error messages call it
        self.is_floating_point = self.numpy.kind == "f"
        self.itemsize = self.numpy.itemsize

    def __repr__(self):
        return f"torch.{self.name}"

    def __reduce__(self):
        return self.name


float32 = dtype("float32", "Float")
float64 = dtype("float64", "Double")
int64 = dtype("int64", "Long")
int32 = dtype("int32", "Int")
uint8 = dtype("uint8", "Byte")
bool = dtype("bool", "Bool")  # noqa: A001, PyTorch's name

# PyTorch's other names for them.
float, double, long, int = float32, float64, int64, int32  # noqa: A001

ALL = (float32, float64, int64, int32, uint8, bool)
OF = {d.numpy: d for d in ALL}

KIND = {"b": 0, "u": 1, "i": 1, "f": 2}
OF_PYTHON = {builtins.bool: bool.numpy, builtins.int: int64.numpy, builtins.float: float32.numpy}
_NUMBER_KIND = {number: kind for kind, number in enumerate(OF_PYTHON)}
_PYTHON_NUMBER = tuple(OF_PYTHON.values())


def of(array):
    """The dtype of an ndarray; TypeError if it is none of the six."""
    try:
        return OF[array.dtype]
    except KeyError:
        names = ", ".join(d.name for d in ALL)
        raise TypeError(f"can't convert an array of type {array.dtype}: the types are {names}") from None


def to_numpy(dtype_, argument="dtype"):
    """The NumPy dtype behind `dtype_`, one of the six or Python's bool, int or float; TypeError
    naming `argument` for anything else."""
    if isinstance(dtype_, dtype):
        return dtype_.numpy
    if dtype_ in (builtins.bool, builtins.int, builtins.float):
        return np.dtype(dtype_)  # float is float64, for PyTorch too
    raise TypeError(f"argument '{argument}' must be minigrad.dtype, not {type(dtype_).__name__} ({dtype_!r})")


def result_type(*operands):
    """The NumPy dtype of an operation on ndarrays and Python numbers, by PyTorch's rules."""
    best_kind, best_rank, best = -1, -1, None
    for x in operands:
        if isinstance(x, np.ndarray):
            kind, rank, type_ = KIND[x.dtype.kind], 2 if x.ndim else 1, x.dtype
        else:
            kind = number_kind(x)
            rank, type_ = 0, _PYTHON_NUMBER[kind]
        if kind > best_kind or (kind == best_kind and rank > best_rank):
            best_kind, best_rank, best = kind, rank, type_
        elif kind == best_kind and rank == best_rank and rank:
            best = np.promote_types(best, type_)
    return best


def number_kind(number):
    """0, 1 or 2 for a Python (or NumPy) bool, int or float; TypeError for anything else."""
    kind = _NUMBER_KIND.get(type(number))
    if kind is None and isinstance(number, np.generic):
        kind = KIND.get(number.dtype.kind)
    if kind is None:
        raise TypeError(f"expected a Tensor or a number, not {type(number).__name__}")
    return kind
