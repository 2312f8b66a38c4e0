"""The pooling layers: each stores its arguments and calls its function."""

from . import functional as F
from .simple import REQUIRED, Simple


class Pool(Simple):
    """A layer of windows, whose stride is their size unless it is given."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if self.stride is None:
            self.stride = self.kernel_size


MAX = dict(kernel_size=REQUIRED, stride=None, padding=0, dilation=1, return_indices=False, ceil_mode=False,
           shown=("kernel_size", "stride", "padding", "dilation", "ceil_mode"))  # fmt: skip
AVG = dict(kernel_size=REQUIRED, stride=None, padding=0, ceil_mode=False, count_include_pad=True,
           shown=("kernel_size", "stride", "padding"))  # fmt: skip


class MaxPool1d(Pool, function=F.max_pool1d, **MAX):
    """`functional.max_pool1d` as a layer.

        >>> from minigrad import nn, ones
        >>> nn.MaxPool1d(2)(ones(1, 3, 8)).shape
        torch.Size([1, 3, 4])
    """


class MaxPool2d(Pool, function=F.max_pool2d, **MAX):
    """`functional.max_pool2d` as a layer.

        >>> from minigrad import nn, ones
        >>> nn.MaxPool2d(2)(ones(1, 3, 8, 8)).shape
        torch.Size([1, 3, 4, 4])
    """


class MaxPool3d(Pool, function=F.max_pool3d, **MAX):
    """`functional.max_pool3d` as a layer.

        >>> from minigrad import nn, ones
        >>> nn.MaxPool3d(2)(ones(1, 3, 8, 8, 8)).shape
        torch.Size([1, 3, 4, 4, 4])
    """


class AvgPool1d(Pool, function=F.avg_pool1d, **AVG):
    """`functional.avg_pool1d` as a layer; its sizes are kept, and shown, as tuples.

        >>> from minigrad import nn, ones
        >>> nn.AvgPool1d(2)(ones(1, 3, 8)).shape
        torch.Size([1, 3, 4])
    """

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        for name in self._shown:
            value = getattr(self, name)
            setattr(self, name, tuple(value) if isinstance(value, (tuple, list)) else (value,))


class AvgPool2d(Pool, function=F.avg_pool2d, **AVG, divisor_override=None):
    """`functional.avg_pool2d` as a layer.

        >>> from minigrad import nn, ones
        >>> nn.AvgPool2d(2)(ones(1, 3, 8, 8)).shape
        torch.Size([1, 3, 4, 4])
    """


class AvgPool3d(Pool, function=F.avg_pool3d, **AVG, divisor_override=None):
    """`functional.avg_pool3d` as a layer.

        >>> from minigrad import nn, ones
        >>> nn.AvgPool3d(2)(ones(1, 3, 8, 8, 8)).shape
        torch.Size([1, 3, 4, 4, 4])
    """


class AdaptiveAvgPool1d(Simple, function=F.adaptive_avg_pool1d, output_size=REQUIRED):
    """`functional.adaptive_avg_pool1d` as a layer.

        >>> from minigrad import nn, ones
        >>> nn.AdaptiveAvgPool1d(2)(ones(1, 3, 8)).shape
        torch.Size([1, 3, 2])
    """


class AdaptiveAvgPool2d(Simple, function=F.adaptive_avg_pool2d, output_size=REQUIRED):
    """`functional.adaptive_avg_pool2d` as a layer.

        >>> from minigrad import nn, ones
        >>> nn.AdaptiveAvgPool2d(2)(ones(1, 3, 8, 8)).shape
        torch.Size([1, 3, 2, 2])
    """


class AdaptiveAvgPool3d(Simple, function=F.adaptive_avg_pool3d, output_size=REQUIRED):
    """`functional.adaptive_avg_pool3d` as a layer.

        >>> from minigrad import nn, ones
        >>> nn.AdaptiveAvgPool3d(2)(ones(1, 3, 8, 8, 8)).shape
        torch.Size([1, 3, 2, 2, 2])
    """
