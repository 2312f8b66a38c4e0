"""The shape of a tensor."""

import math
import operator


class Size(tuple):
    """A tuple of ints that prints as PyTorch's does, because textbooks print it: `torch.Size([2, 3])`.

        >>> import minigrad
        >>> minigrad.zeros(2, 3).shape.numel()
        6
    """

    __slots__ = ()

    def __new__(cls, sizes=()):
        return tuple.__new__(cls, map(operator.index, sizes))  # TypeError for what is no int

    def numel(self):
        """The number of elements of a tensor of this size."""
        return math.prod(self)

    def __repr__(self):
        return f"torch.Size({list(self)})"

    def __getitem__(self, index):
        item = tuple.__getitem__(self, index)
        return tuple.__new__(Size, item) if isinstance(index, slice) else item

    def __add__(self, other):
        return Size(tuple.__add__(self, other))

    def __radd__(self, other):
        return Size(tuple.__add__(other, self))

    def __mul__(self, times):
        return Size(tuple.__mul__(self, times))

    __rmul__ = __mul__
