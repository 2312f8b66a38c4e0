"""Initial values: each function fills a tensor, with PyTorch's numbers after the same seed, and returns it.

    >>> from minigrad import manual_seed, nn, zeros
    >>> _ = manual_seed(0)
    >>> nn.init.xavier_uniform_(zeros(2, 2))
    tensor([[-0.0092,  0.6570],
            [-1.0080, -0.9013]])
"""

import math
import warnings

from .. import autograd

GAINS = {f"conv{kind}{n}d": 1 for kind in ("", "_transpose") for n in (1, 2, 3)}
GAINS |= {"linear": 1, "sigmoid": 1, "tanh": 5 / 3, "relu": math.sqrt(2), "selu": 3 / 4}


@autograd.no_grad()
def uniform_(tensor, a=0.0, b=1.0, generator=None):
    """Uniform on [a, b).

        >>> from minigrad import manual_seed, nn, zeros
        >>> _ = manual_seed(0)
        >>> nn.init.uniform_(zeros(3), -1.0, 1.0)
        tensor([-0.0075,  0.5364, -0.8230])
    """
    return tensor.uniform_(a, b, generator=generator)


@autograd.no_grad()
def normal_(tensor, mean=0.0, std=1.0, generator=None):
    """Normal with this mean and standard deviation.

        >>> from minigrad import manual_seed, nn, zeros
        >>> _ = manual_seed(0)
        >>> nn.init.normal_(zeros(3), 0.0, 0.01)
        tensor([ 0.0154, -0.0029, -0.0218])
    """
    return tensor.normal_(mean, std, generator=generator)


@autograd.no_grad()
def constant_(tensor, val):
    """Every element `val`.

        >>> from minigrad import nn, zeros
        >>> nn.init.constant_(zeros(3), 0.5)
        tensor([0.5000, 0.5000, 0.5000])
    """
    return tensor.fill_(val)


def zeros_(tensor):
    """Every element 0.

        >>> from minigrad import nn, zeros
        >>> nn.init.zeros_(zeros(3))
        tensor([0., 0., 0.])
    """
    return constant_(tensor, 0.0)


def ones_(tensor):
    """Every element 1.

        >>> from minigrad import nn, zeros
        >>> nn.init.ones_(zeros(3))
        tensor([1., 1., 1.])
    """
    return constant_(tensor, 1.0)


def calculate_gain(nonlinearity, param=None):
    """What keeps the variance of a signal through a nonlinearity, a standard deviation's factor: 1 for "linear",
    "sigmoid" and the convolutions, 5/3 for "tanh", sqrt 2 for "relu", sqrt(2 / (1 + param^2)) for "leaky_relu" of
    slope `param` (0.01 unless given). ValueError for others.

        >>> from minigrad import nn
        >>> nn.init.calculate_gain("leaky_relu", 1.0)
        1.0
    """
    if nonlinearity == "leaky_relu":
        slope = 0.01 if param is None else param
        if not isinstance(slope, (int, float)) or isinstance(slope, bool):
            raise ValueError(f"negative_slope {param} not a valid number")
        return math.sqrt(2 / (1 + slope**2))
    if nonlinearity not in GAINS:
        raise ValueError(f"Unsupported nonlinearity {nonlinearity}")
    return GAINS[nonlinearity]


def _calculate_fan_in_and_fan_out(tensor):
    """The inputs of an output, the outputs of an input: of (out, in, *kernel), in and out times the kernel's size."""
    if tensor.ndim < 2:
        raise ValueError(f"fan in and fan out need 2 dimensions or more, but the shape is {list(tensor.shape)}")
    size = math.prod(tensor.shape[2:])
    return tensor.shape[1] * size, tensor.shape[0] * size


def xavier_uniform_(tensor, gain=1.0, generator=None):
    """Uniform with the standard deviation of `xavier_normal_`: within sqrt 3 times that.

        >>> from minigrad import manual_seed, nn, zeros
        >>> _ = manual_seed(0)
        >>> nn.init.xavier_uniform_(zeros(2, 3)).abs().max() <= (6 / 5) ** 0.5
        tensor(True)
    """
    bound = math.sqrt(3.0) * _xavier(tensor, gain)
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor, gain=1.0, generator=None):
    """Normal with standard deviation gain sqrt(2 / (fan_in + fan_out)), between what keeps the variance forward and
    backward. ValueError for fewer than 2 dimensions.

    Source: Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks" (2010).

        >>> from minigrad import manual_seed, nn, zeros
        >>> _ = manual_seed(0)
        >>> nn.init.xavier_normal_(zeros(400, 600)).std()
        tensor(0.0448)
    """
    return normal_(tensor, 0.0, _xavier(tensor, gain), generator)


def _xavier(tensor, gain):
    return gain * math.sqrt(2.0 / sum(_calculate_fan_in_and_fan_out(tensor)))


def kaiming_uniform_(tensor, a=0, mode="fan_in", nonlinearity="leaky_relu", generator=None):
    """Uniform with the standard deviation of `kaiming_normal_`: within sqrt 3 times that.

        >>> from minigrad import manual_seed, nn, zeros
        >>> _ = manual_seed(0)
        >>> nn.init.kaiming_uniform_(zeros(2, 3), nonlinearity="relu").abs().max() <= 2 ** 0.5
        tensor(True)
    """
    bound = math.sqrt(3.0) * _kaiming(tensor, a, mode, nonlinearity)
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(tensor, a=0, mode="fan_in", nonlinearity="leaky_relu", generator=None):
    """Normal with standard deviation gain / sqrt(fan): it keeps the variance of the signal through layers with ReLUs
    (leaky ones of slope `a`) going forward, mode="fan_in", or of the gradient going backward, mode="fan_out".

    ValueError for fewer than 2 dimensions, another mode, a nonlinearity that `calculate_gain` does not know.
    Source: He et al., "Delving Deep into Rectifiers", arXiv:1502.01852.

        >>> from minigrad import manual_seed, nn, zeros
        >>> _ = manual_seed(0)
        >>> nn.init.kaiming_normal_(zeros(400, 200), nonlinearity="relu").std()
        tensor(0.1000)
    """
    return normal_(tensor, 0.0, _kaiming(tensor, a, mode, nonlinearity), generator)


def _kaiming(tensor, a, mode, nonlinearity):
    """The standard deviation; 0, and a warning, for a tensor without elements."""
    if 0 in tensor.shape:
        warnings.warn(f"Initializing zero-element tensors is a no-op: the shape is {list(tensor.shape)}", stacklevel=3)
        return 0.0
    if mode.lower() not in ("fan_in", "fan_out"):
        raise ValueError(f"Mode {mode} not supported, please use one of ['fan_in', 'fan_out']")
    fan = _calculate_fan_in_and_fan_out(tensor)[mode.lower() == "fan_out"]
    return calculate_gain(nonlinearity, a) / math.sqrt(fan)


def default_(weight, bias):
    """PyTorch's weight and bias of Linear and Conv: uniform on [-1 / sqrt(fan_in), 1 / sqrt(fan_in)).

        >>> from minigrad import nn, zeros
        >>> bias = zeros(3)
        >>> nn.init.default_(zeros(3, 100), bias)
        >>> bias.abs().max() < 0.1
        tensor(True)
    """
    kaiming_uniform_(weight, a=math.sqrt(5))
    if bias is not None:
        fan_in, _ = _calculate_fan_in_and_fan_out(weight)
        bound = 1 / math.sqrt(fan_in) if fan_in else 0
        uniform_(bias, -bound, bound)
