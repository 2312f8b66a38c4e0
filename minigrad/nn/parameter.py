"""Parameter: a tensor that a module learns. And what stands in for one whose shape is not known yet."""

from ..ops import create
from ..ops.common import tensor_argument
from ..tensor import Tensor, rebuild


class Parameter(Tensor):
    """A tensor that a module learns: it requires grad, and registers itself with its module.

        >>> from minigrad import nn, tensor
        >>> nn.Parameter(tensor([1.0, 2.0]))
        Parameter containing:
        tensor([1., 2.], requires_grad=True)
    """

    def __new__(cls, data=None, requires_grad=True):
        data = Tensor() if data is None else tensor_argument(data, "data", "Parameter")
        return rebuild(cls, data._array, requires_grad)

    def __deepcopy__(self, memo):  # of the numbers alone: as in PyTorch, the copy has no gradient yet
        out = memo[id(self)] = rebuild(type(self), self._array.copy("K"), self.requires_grad)
        return out

    def __repr__(self):
        return "Parameter containing:\n" + super().__repr__()


def zero_gradients(parameters, set_to_none):
    """What `zero_grad` of modules and of optimisers does."""
    for p in parameters:
        if set_to_none or p._grad is None:
            p._grad = None
        else:
            p.grad = (p.grad.detach() if p.grad.requires_grad else p.grad).zero_()


FIRST = "call the lazy module with a first batch of inputs, which tells the sizes of its parameters"


class Uninitialized:
    """What a lazy layer's parameters and buffers are until `materialize`: a dtype, but no numbers.

    All that needs the numbers asks for `_array`, which is a ValueError here.
    """

    __deepcopy__ = None  # but by __reduce__

    def __new__(cls, requires_grad=True, device=None, dtype=None):
        empty = create.empty(0, device=device, dtype=dtype)
        out = rebuild(cls.cls_to_become, empty._array, requires_grad and issubclass(cls, Parameter))
        out.__class__, out.data = cls, empty
        return out

    def materialize(self, shape, device=None, dtype=None):
        """Become an ordinary tensor of this shape, its numbers still to be written."""
        made = create.empty(shape, device=device, dtype=dtype or self.dtype)
        del self.data
        self.__class__ = self.cls_to_become
        self.data = made

    @property
    def _array(self):
        raise ValueError(f"Attempted to use an {type(self).__name__}: {FIRST}")

    @property
    def shape(self):
        raise RuntimeError(f"Can't access the shape of an uninitialized parameter or buffer: {FIRST}")

    dtype = property(lambda self: self.data.dtype)

    def detach(self):
        return self

    def __reduce__(self):
        return type(self), (self.requires_grad, None, self.dtype)

    def __repr__(self):
        return f"<{type(self).__name__}>"


class UninitializedParameter(Uninitialized, Parameter):
    """A parameter of a lazy layer that has seen no input.

        >>> from minigrad import nn
        >>> weight = nn.UninitializedParameter()
        >>> weight
        <UninitializedParameter>
        >>> weight.materialize((2, 3))
        >>> weight.shape
        torch.Size([2, 3])
    """

    cls_to_become, data = Parameter, None


class UninitializedBuffer(Uninitialized, Tensor):
    """A buffer of a lazy layer that has seen no input.

        >>> from minigrad import nn
        >>> mean = nn.UninitializedBuffer()
        >>> mean
        <UninitializedBuffer>
        >>> mean.materialize((2,))
        >>> mean.shape
        torch.Size([2])
    """

    cls_to_become, data = Tensor, None
