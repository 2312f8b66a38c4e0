"""The layers: each holds its arguments and parameters, and calls one function."""

from ..ops import shape
from ..ops.common import int_argument
from . import functional as F
from .module import Module
from .simple import REQUIRED, Simple, Weighted


class Linear(Weighted, shown="in_features={in_features}, out_features={out_features}, bias={bias}"):
    """y = x W^T + b: (..., in_features) -> (..., out_features).

    weight (out_features, in_features) and bias (out_features), uniform within 1 / sqrt(in_features).

        >>> from minigrad import nn, zeros
        >>> nn.Linear(3, 4)(zeros(2, 3)).shape
        torch.Size([2, 4])
    """

    def __init__(self, in_features, out_features, bias=True, device=None, dtype=None):
        super().__init__()
        self.in_features = int_argument(in_features, "in_features", "Linear")
        self.out_features = int_argument(out_features, "out_features", "Linear")
        self.make_parameters((out_features, in_features), (out_features,) if bias else None, device, dtype)

    def forward(self, input):
        return F.linear(input, self.weight, self.bias)


class Identity(Module):
    """Its input. Takes any arguments, and ignores them.

        >>> from minigrad import nn, tensor
        >>> nn.Identity()(tensor([-2.0, 1.0]))
        tensor([-2.,  1.])
    """

    def __init__(self, *args, **kwargs):
        super().__init__()

    def forward(self, input):
        return input


class ReLU(Simple, function=F.relu, inplace=False):
    """max(x, 0).

        >>> from minigrad import nn, tensor
        >>> nn.ReLU()(tensor([-2.0, 1.0]))
        tensor([0., 1.])
    """


class ReLU6(Simple, function=F.relu6, inplace=False):
    """min(max(x, 0), 6).

        >>> from minigrad import nn, tensor
        >>> nn.ReLU6()(tensor([-2.0, 9.0]))
        tensor([0., 6.])
    """


class LeakyReLU(Simple, function=F.leaky_relu, negative_slope=0.01, inplace=False):
    """x where it is positive, else negative_slope x.

        >>> from minigrad import nn, tensor
        >>> nn.LeakyReLU(0.1)(tensor([-2.0, 1.0]))
        tensor([-0.2000,  1.0000])
    """


class ELU(Simple, function=F.elu, alpha=1.0, inplace=False):
    """x where it is positive, else alpha (e^x - 1).

        >>> from minigrad import nn, tensor
        >>> nn.ELU()(tensor([-2.0, 1.0]))
        tensor([-0.8647,  1.0000])
    """


class GELU(Simple, function=F.gelu, approximate="none"):
    """x times the probability that a normal number is below x.

        >>> from minigrad import nn, tensor
        >>> nn.GELU()(tensor([-2.0, 1.0]))
        tensor([-0.0455,  0.8413])
    """


class SiLU(Simple, function=F.silu, inplace=False):
    """x sigmoid(x), also called swish.

        >>> from minigrad import nn, tensor
        >>> nn.SiLU()(tensor([-2.0, 1.0]))
        tensor([-0.2384,  0.7311])
    """


class Softplus(Simple, function=F.softplus, beta=1.0, threshold=20.0):
    """log(1 + e^(beta x)) / beta, and x where beta x is above the threshold.

        >>> from minigrad import nn, tensor
        >>> nn.Softplus()(tensor([-2.0, 1.0]))
        tensor([0.1269, 1.3133])
    """


class Sigmoid(Simple, function=F.sigmoid):
    """1 / (1 + e^-x).

        >>> from minigrad import nn, tensor
        >>> nn.Sigmoid()(tensor([-2.0, 1.0]))
        tensor([0.1192, 0.7311])
    """


class LogSigmoid(Simple, function=F.logsigmoid):
    """log(1 / (1 + e^-x)).

        >>> from minigrad import nn, tensor
        >>> nn.LogSigmoid()(tensor([-2.0, 1.0]))
        tensor([-2.1269, -0.3133])
    """


class Tanh(Simple, function=F.tanh):
    """tanh x.

        >>> from minigrad import nn, tensor
        >>> nn.Tanh()(tensor([-2.0, 1.0]))
        tensor([-0.9640,  0.7616])
    """


class Softmax(Simple, function=F.softmax, dim=None):
    """e^x / sum e^x along `dim`.

        >>> from minigrad import nn, tensor
        >>> nn.Softmax(dim=0)(tensor([-2.0, 1.0]))
        tensor([0.0474, 0.9526])
    """


class LogSoftmax(Simple, function=F.log_softmax, dim=None):
    """x - log sum e^x along `dim`.

        >>> from minigrad import nn, tensor
        >>> nn.LogSoftmax(dim=0)(tensor([-2.0, 1.0]))
        tensor([-3.0486, -0.0486])
    """


class Flatten(Simple, function=shape.flatten, start_dim=1, end_dim=-1):
    """Dimensions start_dim to end_dim made one: by default all but the batch.

        >>> from minigrad import nn, zeros
        >>> nn.Flatten()(zeros(2, 3, 4)).shape
        torch.Size([2, 12])
    """


class Unflatten(Simple, function=shape.unflatten, dim=REQUIRED, unflattened_size=REQUIRED):
    """Dimension `dim` split into several, of sizes unflattened_size.

        >>> from minigrad import nn, zeros
        >>> nn.Unflatten(1, (3, -1))(zeros(2, 12)).shape
        torch.Size([2, 3, 4])
    """

    def forward(self, input):
        return self._function(input, self.dim, self.unflattened_size)
