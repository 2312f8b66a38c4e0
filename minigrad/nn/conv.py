"""The convolution layers: one base class, in which the number of dimensions is an attribute."""

from ..ops import fold
from ..ops.common import int_argument, per_dimension
from ..ops.conv import conv, padding_pairs
from ..ops.pad import BORDERS, pad
from .simple import REQUIRED, Simple, Weighted


class ConvNd(Weighted, dims=0, transposed=False):
    """The convolution of `dims` dimensions as a layer. Its input and output: (N, C, *size) or (C, *size).

    weight (out_channels, in_channels / groups, *kernel_size) and bias (out_channels), uniform within
    1 / sqrt(in_channels / groups kernel elements). kernel_size, stride, padding and dilation: an int
    or one for each dimension; padding also 'same' or 'valid'. padding_mode: what the padding consists
    of, 'zeros', 'reflect', 'replicate' or 'circular' (as in `functional.pad`).
    ValueError for channels that groups does not divide, or a wrong padding or padding_mode.
    """

    def __init__(self, in_channels, out_channels, kernel_size, stride=1, padding=0, dilation=1, groups=1,
                 bias=True, padding_mode="zeros", device=None, dtype=None):
        super().__init__()
        dims, layer, modes = self.dims, type(self).__name__, ("zeros",) if self.transposed else ("zeros", *BORDERS)
        if int_argument(groups, "groups", layer) <= 0:
            raise ValueError(f"groups must be a positive integer, but got groups={groups}")
        for name, channels in (("in_channels", in_channels), ("out_channels", out_channels)):
            if int_argument(channels, name, layer) % groups:
                raise ValueError(f"{name} must be divisible by groups: {name}={channels}, groups={groups}")
        if padding_mode not in modes:
            raise ValueError(f"{layer}: padding_mode must be one of {modes}, but got padding_mode={padding_mode!r}")
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        for name, value in {"kernel_size": kernel_size, "stride": stride, "dilation": dilation}.items():
            setattr(self, name, per_dimension(value, dims, name, layer, least=1))
        if self.transposed or not isinstance(padding, str):
            padding = per_dimension(padding, dims, "padding", layer, least=0)
        elif padding != "valid" and (padding != "same" or self.stride != (1,) * dims):
            raise ValueError(f"padding should be 'valid', or with stride 1 'same': {padding=}, stride={self.stride}")
        self.padding, self.output_padding, self.padding_mode = padding, (0,) * dims, padding_mode
        first, second = (in_channels, out_channels) if self.transposed else (out_channels, in_channels)
        weight = first, second // groups, *self.kernel_size
        self.make_parameters(weight, (out_channels,) if bias else None, device, dtype)

    def forward(self, input):
        padding = self.padding
        if self.padding_mode != "zeros":
            pairs, padding = padding_pairs(padding, self.kernel_size, self.stride, self.dilation), 0
            input = pad(input, [n for pair in pairs[::-1] for n in pair], self.padding_mode)
        return conv(input, self.weight, self.bias, self.stride, padding, self.dilation, self.groups, self.dims)

    def extra_repr(self):
        text = f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"
        zeros, ones = (0,) * self.dims, (1,) * self.dims
        usual = {"padding": zeros, "dilation": ones, "output_padding": zeros, "groups": 1, "bias": True,
                 "padding_mode": "zeros"}
        own = {**vars(self), "bias": self.bias is not None}
        return text + "".join(f", {name}={own[name]}" for name in usual if own[name] != usual[name])


class Conv1d(ConvNd, dims=1):
    """`functional.conv1d` as a layer; ConvNd says more.

    >>> from minigrad import nn
    >>> nn.Conv1d(16, 33, 3, stride=2)
    Conv1d(16, 33, kernel_size=(3,), stride=(2,))
    """


class Conv2d(ConvNd, dims=2):
    """`functional.conv2d` as a layer; ConvNd says more.

    >>> from minigrad import nn
    >>> nn.Conv2d(3, 6, (3, 5), padding='same', padding_mode='reflect')
    Conv2d(3, 6, kernel_size=(3, 5), stride=(1, 1), padding=same, padding_mode=reflect)
    """


class Conv3d(ConvNd, dims=3):
    """`functional.conv3d` as a layer; ConvNd says more.

    >>> from minigrad import nn
    >>> nn.Conv3d(2, 4, 3, bias=False)
    Conv3d(2, 4, kernel_size=(3, 3, 3), stride=(1, 1, 1), bias=False)
    """


class ConvTransposeNd(ConvNd, transposed=True):
    """The transposed convolution of `dims` dimensions as a layer.

    weight (in_channels, out_channels / groups, *kernel_size) and bias (out_channels), uniform within
    1 / sqrt(out_channels / groups kernel elements). A stride above 1 leaves open which of several
    sizes the output has: `output_padding` chooses, or `output_size` in the call.
    ValueError for channels that groups does not divide, another padding_mode than 'zeros', or an
    output_size that the input cannot have.
    """

    def __init__(self, in_channels, out_channels, kernel_size, stride=1, padding=0, output_padding=0, groups=1,
                 bias=True, dilation=1, padding_mode="zeros", device=None, dtype=None):
        super().__init__(in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias,
                         padding_mode, device, dtype)
        self.output_padding = per_dimension(output_padding, self.dims, "output_padding", type(self).__name__, least=0)

    def forward(self, input, output_size=None):
        more = self.output_padding if output_size is None else self._missing(input, output_size)
        return conv(input, self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups, self.dims,
                    True, more)

    def _missing(self, input, output_size):
        """What output_size is above the least size that the output can have."""
        wanted = output_size[input.ndim - self.dims:] if len(output_size) == input.ndim else output_size
        if len(wanted) != self.dims:
            raise ValueError(f"output_size must have {self.dims} or {input.ndim} elements, but got {output_size}")
        axes = zip(input.shape[-self.dims:], self.stride, self.padding, self.dilation, self.kernel_size)
        least = [(n - 1) * s - 2 * p + d * (k - 1) + 1 for n, s, p, d, k in axes]
        most = [n + s - 1 for n, s in zip(least, self.stride)]
        if any(not a <= n <= b for n, a, b in zip(wanted, least, most)):
            raise ValueError(f"{output_size=}, but an input of {input.shape} can only give {least} to {most}")
        return [n - a for n, a in zip(wanted, least)]


class ConvTranspose1d(ConvTransposeNd, dims=1):
    """`functional.conv_transpose1d` as a layer; ConvTransposeNd says more.

    >>> from minigrad import nn
    >>> nn.ConvTranspose1d(4, 2, 3, stride=2, output_padding=1)
    ConvTranspose1d(4, 2, kernel_size=(3,), stride=(2,), output_padding=(1,))
    """


class ConvTranspose2d(ConvTransposeNd, dims=2):
    """`functional.conv_transpose2d` as a layer; ConvTransposeNd says more.

    >>> from minigrad import nn, zeros
    >>> nn.ConvTranspose2d(4, 2, 2, stride=2)(zeros(1, 4, 5, 5)).shape
    torch.Size([1, 2, 10, 10])
    """


class ConvTranspose3d(ConvTransposeNd, dims=3):
    """`functional.conv_transpose3d` as a layer; ConvTransposeNd says more.

    >>> from minigrad import nn
    >>> nn.ConvTranspose3d(4, 2, 2, groups=2)
    ConvTranspose3d(4, 2, kernel_size=(2, 2, 2), stride=(1, 1, 1), groups=2)
    """


class Unfold(Simple, function=fold.unfold, kernel_size=REQUIRED, dilation=1, padding=0, stride=1):
    """`functional.unfold` as a layer: every window a column.

    >>> from minigrad import nn, zeros
    >>> nn.Unfold(2)(zeros(1, 3, 4, 5)).shape
    torch.Size([1, 12, 12])
    """


class Fold(Simple, function=fold.fold, output_size=REQUIRED, kernel_size=REQUIRED, dilation=1, padding=0, stride=1):
    """`functional.fold` as a layer: columns back to their places, and added up.

    >>> from minigrad import nn, zeros
    >>> nn.Fold((4, 5), kernel_size=2)(zeros(1, 12, 12)).shape
    torch.Size([1, 3, 4, 5])
    """
