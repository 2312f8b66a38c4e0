"""Lazy layers: they learn how many inputs they have from the first input they see."""

import inspect

from . import conv, norm
from .layers import Linear
from .module import Module
from .parameter import Uninitialized, UninitializedBuffer, UninitializedParameter


class Lazy(Module):
    """A layer without its first argument, the number of inputs, here called `counts`.

    Until the first call its parameters are `UninitializedParameter`s; then they get PyTorch's initial numbers, stay
    the same objects (an optimiser may hold them already), and the layer becomes one of the ordinary class.

        >>> from minigrad import nn, zeros
        >>> net = nn.Sequential(nn.LazyLinear(3), nn.ReLU())
        >>> net[0].weight
        <UninitializedParameter>
        >>> net(zeros(2, 5)).shape, net[0]
        (torch.Size([2, 3]), Linear(in_features=5, out_features=3, bias=True))
    """

    def __init_subclass__(cls, counts=None):
        super().__init_subclass__()
        if counts is not None:
            cls._counts, cls.cls_to_become = counts, cls.__bases__[1]
            arguments = list(inspect.signature(cls.cls_to_become).parameters.values())[1:]
            cls.__signature__ = inspect.Signature(arguments)

    def __init__(self, *args, **kwargs):
        self.__dict__["_given"] = self.__signature__.bind(*args, **kwargs).arguments
        super().__init__(0, **self._given)
        for registry, kind in ((self._parameters, UninitializedParameter), (self._buffers, UninitializedBuffer)):
            for name, tensor in registry.items():
                if tensor is not None and tensor.ndim:
                    registry[name] = kind(dtype=tensor.dtype)

    def reset_parameters(self):
        """There are none yet."""

    def has_uninitialized_params(self):
        return any(isinstance(x, Uninitialized) for x in (*self._parameters.values(), *self._buffers.values()))

    def initialize_parameters(self, input, output_size=None):
        """Count the channels or features of `input`, and make the parameters for them."""
        dims = len(getattr(self, "kernel_size", ()))
        if dims and input.ndim not in (dims + 1, dims + 2):
            layer, shape = type(self).__name__, list(input.shape)
            raise RuntimeError(f"{layer}: Expected {dims + 1}D or (batched) {dims + 2}D input, but got size {shape}")
        count = input.shape[1 if self._counts == "num_features" else -1 - dims]
        own = {**self._parameters, **self._buffers}
        if waiting := {name: x for name, x in own.items() if isinstance(x, Uninitialized)}:
            dtype = next(iter(waiting.values())).dtype
            made = self.cls_to_become(count, **{**self._given, "dtype": dtype})
            for name, tensor in waiting.items():
                tensor.materialize(())
                tensor.data = getattr(made, name).data
        setattr(self, self._counts, count)

    def __call__(self, *inputs, **kwargs):
        self.initialize_parameters(*inputs, **kwargs)
        self.__class__ = self.cls_to_become
        del self._given
        return self(*inputs, **kwargs)


class LazyLinear(Lazy, Linear, counts="in_features"):
    """`Linear(in_features, ...)` without in_features: LazyLinear(out_features, bias=True).

        >>> from minigrad import nn, zeros
        >>> layer = nn.LazyLinear(3)
        >>> layer(zeros(2, 5)).shape
        torch.Size([2, 3])
        >>> layer
        Linear(in_features=5, out_features=3, bias=True)
    """


class LazyConv1d(Lazy, conv.Conv1d, counts="in_channels"):
    """`Conv1d` without in_channels.

        >>> from minigrad import nn, zeros
        >>> layer = nn.LazyConv1d(4, 3)
        >>> layer(zeros(1, 2, 7)).shape
        torch.Size([1, 4, 5])
        >>> layer
        Conv1d(2, 4, kernel_size=(3,), stride=(1,))
    """


class LazyConv2d(Lazy, conv.Conv2d, counts="in_channels"):
    """`Conv2d` without in_channels: LazyConv2d(out_channels, kernel_size, ...).

        >>> from minigrad import nn, zeros
        >>> layer = nn.LazyConv2d(4, kernel_size=3)
        >>> layer(zeros(1, 2, 7, 7)).shape
        torch.Size([1, 4, 5, 5])
        >>> layer
        Conv2d(2, 4, kernel_size=(3, 3), stride=(1, 1))
    """


class LazyConv3d(Lazy, conv.Conv3d, counts="in_channels"):
    """`Conv3d` without in_channels.

        >>> from minigrad import nn, zeros
        >>> layer = nn.LazyConv3d(4, 3)
        >>> layer(zeros(1, 2, 5, 5, 5)).shape
        torch.Size([1, 4, 3, 3, 3])
        >>> layer
        Conv3d(2, 4, kernel_size=(3, 3, 3), stride=(1, 1, 1))
    """


class LazyConvTranspose1d(Lazy, conv.ConvTranspose1d, counts="in_channels"):
    """`ConvTranspose1d` without in_channels.

        >>> from minigrad import nn, zeros
        >>> layer = nn.LazyConvTranspose1d(4, 3)
        >>> layer(zeros(1, 2, 7)).shape
        torch.Size([1, 4, 9])
        >>> layer
        ConvTranspose1d(2, 4, kernel_size=(3,), stride=(1,))
    """


class LazyConvTranspose2d(Lazy, conv.ConvTranspose2d, counts="in_channels"):
    """`ConvTranspose2d` without in_channels.

        >>> from minigrad import nn, zeros
        >>> layer = nn.LazyConvTranspose2d(4, 3)
        >>> layer(zeros(1, 2, 7, 7)).shape
        torch.Size([1, 4, 9, 9])
        >>> layer
        ConvTranspose2d(2, 4, kernel_size=(3, 3), stride=(1, 1))
    """


class LazyConvTranspose3d(Lazy, conv.ConvTranspose3d, counts="in_channels"):
    """`ConvTranspose3d` without in_channels.

        >>> from minigrad import nn, zeros
        >>> layer = nn.LazyConvTranspose3d(4, 3)
        >>> layer(zeros(1, 2, 5, 5, 5)).shape
        torch.Size([1, 4, 7, 7, 7])
        >>> layer
        ConvTranspose3d(2, 4, kernel_size=(3, 3, 3), stride=(1, 1, 1))
    """


class LazyBatchNorm1d(Lazy, norm.BatchNorm1d, counts="num_features"):
    """`BatchNorm1d` without num_features.

        >>> from minigrad import nn, zeros
        >>> layer = nn.LazyBatchNorm1d()
        >>> layer(zeros(2, 5)).shape
        torch.Size([2, 5])
        >>> layer
        BatchNorm1d(5, eps=1e-05, momentum=0.1, affine=True, bias=True, track_running_stats=True)
    """


class LazyBatchNorm2d(Lazy, norm.BatchNorm2d, counts="num_features"):
    """`BatchNorm2d` without num_features.

        >>> from minigrad import nn, zeros
        >>> layer = nn.LazyBatchNorm2d()
        >>> layer(zeros(2, 5, 3, 3)).shape
        torch.Size([2, 5, 3, 3])
        >>> layer
        BatchNorm2d(5, eps=1e-05, momentum=0.1, affine=True, bias=True, track_running_stats=True)
    """


class LazyBatchNorm3d(Lazy, norm.BatchNorm3d, counts="num_features"):
    """`BatchNorm3d` without num_features.

        >>> from minigrad import nn, zeros
        >>> layer = nn.LazyBatchNorm3d()
        >>> layer(zeros(2, 5, 3, 3, 3)).shape
        torch.Size([2, 5, 3, 3, 3])
        >>> layer
        BatchNorm3d(5, eps=1e-05, momentum=0.1, affine=True, bias=True, track_running_stats=True)
    """
