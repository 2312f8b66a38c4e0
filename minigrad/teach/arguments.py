"""Checks of arguments, with errors that name the argument and show the shapes."""

from ..engine import Value


def array(x, argument, function):
    """The NumPy array of a tensor, with or without a history; TypeError for anything else."""
    if not isinstance(x, Value):
        raise TypeError(f"{function}(): argument '{argument}' must be Tensor, not {type(x).__name__}")
    return x._array


def position(at, shape, function, argument="at"):
    """`at` as a tuple of positive indices into `shape`. TypeError and IndexError name the argument and the shape."""
    shape = tuple(shape)
    if not isinstance(at, tuple | list) or not all(isinstance(i, int) and not isinstance(i, bool) for i in at):
        raise TypeError(f"{function}(): argument '{argument}' must be a tuple of ints, one for each dimension of "
                        f"{list(shape)}, but got {at!r}")
    if len(at) != len(shape):
        raise IndexError(f"{function}(): {argument}={tuple(at)} has {len(at)} numbers, but the tensor has shape "
                         f"{list(shape)}: give one for each of its {len(shape)} dimensions")
    for d, (i, n) in enumerate(zip(at, shape)):
        if not -n <= i < n:
            raise IndexError(f"{function}(): {argument}={tuple(at)} lies outside of the tensor of shape "
                             f"{list(shape)}: index {i} is out of range for dimension {d} of size {n}")
    return tuple(i % n for i, n in zip(at, shape))
