"""The initial values that PyTorch gives its layers. Each function fills a tensor and returns it."""

import math
import warnings

from ..autograd import no_grad


def fan_in(tensor):
    """The number of inputs of one output: (out, in, *kernel) -> in times the kernel's size."""
    if tensor.ndim < 2:
        raise ValueError("Fan in and fan out can not be computed for tensor with fewer than 2 dimensions "
                         f"(shape {list(tensor.shape)})")
    return math.prod(tensor.shape[1:])


@no_grad()
def uniform_(tensor, a=0.0, b=1.0, generator=None):
    """Uniform on [a, b)."""
    return tensor.uniform_(a, b, generator=generator)


@no_grad()
def normal_(tensor, mean=0.0, std=1.0, generator=None):
    """Normal with this mean and standard deviation."""
    return tensor.normal_(mean, std, generator=generator)


@no_grad()
def constant_(tensor, val):
    """Every element `val`."""
    return tensor.fill_(val)


def zeros_(tensor):
    """Every element 0."""
    return constant_(tensor, 0.0)


def ones_(tensor):
    """Every element 1."""
    return constant_(tensor, 1.0)


def kaiming_uniform_(tensor, a=0.0, generator=None):
    """Uniform on [-bound, bound), bound = sqrt(6 / ((1 + a^2) fan_in)): it keeps the variance of the
    signal through layers with leaky ReLUs of slope `a`.

    Source: He et al., "Delving Deep into Rectifiers", arXiv:1502.01852.
    """
    if 0 in tensor.shape:
        warnings.warn("Initializing zero-element tensors is a no-op: the shape is "
                      f"{list(tensor.shape)}", stacklevel=2)
        return tensor
    bound = math.sqrt(2.0 / (1 + a**2)) * math.sqrt(3.0) / math.sqrt(fan_in(tensor))
    return uniform_(tensor, -bound, bound, generator)


def default_(weight, bias):
    """PyTorch's weight and bias of Linear and Conv: uniform on [-1 / sqrt(fan_in), 1 / sqrt(fan_in))."""
    kaiming_uniform_(weight, a=math.sqrt(5))
    if bias is not None:
        bound = 1 / math.sqrt(fan_in(weight)) if fan_in(weight) else 0
        uniform_(bias, -bound, bound)
