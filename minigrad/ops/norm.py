"""Batch and layer normalisation: (x - mean) / sqrt(var + eps), over different dimensions."""

import math

import numpy as np

from .. import kernels
from ..engine import is_grad_enabled, wrap
from .common import bool_argument, float_argument, plain, same_dtype, size_argument
from .reduce import mean, var
from .shape import reshape
from .table import define, named
from .unary import sqrt


def _side_by_side(x, shape):
    """x as [N, C, P]; but [N, C, 1] as [1, C, N], so that there, too, the numbers of a channel are side by side."""
    return np.ascontiguousarray(x.reshape(shape) if shape[2] > 1 else x.reshape(1, *shape[:2]).swapaxes(1, 2))


def _as_before(z, shape, x_shape):
    return z.reshape(x_shape) if shape[2] > 1 else z.swapaxes(1, 2).reshape(x_shape)


def _normal(x, dims, shape, eps, moments):
    z, *moments[:] = kernels.normalise(_side_by_side(x, shape), eps)
    return _as_before(z, shape, x.shape)


def _rule(g, x, dims, shape, eps, moments):
    """dx = (g - mean g - c mean(g c) / s^2) / s,  c = x - mean x."""
    if is_grad_enabled():  # somebody wants the second derivative: c and s depend on x
        c, s = x - mean(x, dims, keepdim=True), sqrt(var(x, dims, False, keepdim=True) + eps)
        return (g - mean(g, dims, keepdim=True) - c * (mean(g * c, dims, keepdim=True) / (s * s))) / s
    average, variance = moments
    dx = kernels.normalise_grad(*[_side_by_side(y._array, shape) for y in (g, x)], average, variance + eps)
    return wrap(_as_before(dx, shape, x.shape))


# z = (x - mean x) / s,  s = sqrt(var x + eps) over dims: the first and the last of the shape [N, C, P] of x
Normalise = define("Normalise", _normal, _rule)


def normalise(x, dims, shape, eps):
    """x with mean 0 and variance 1 over `dims`; and what its mean and variance were, as float64 arrays [C]."""
    moments = []
    return Normalise.apply(x, dims=dims, shape=shape, eps=eps, moments=moments), *moments


def batch_norm(input, running_mean, running_var, weight=None, bias=None, training=False, momentum=0.1, eps=1e-5):
    """(input - mean) / sqrt(var + eps) weight + bias, for each channel.

    input (N, C, *), floating point; all others (C) of its dtype, or None. In training, mean and (biased) variance
    are those of the batch, and the running ones move towards them, running += momentum (new - running), the variance
    there unbiased; otherwise they are the running ones. ValueError for one value per channel in training, or an
    eps that is not positive; RuntimeError for wrong shapes and dtypes. Source: Ioffe and Szegedy, arXiv:1502.03167.

        >>> import minigrad
        >>> x = minigrad.tensor([[1.0], [3.0]])
        >>> minigrad.nn.functional.batch_norm(x, None, None, training=True, eps=1e-9).tolist()
        [[-1.0], [1.0]]
    """
    function, statistics = "batch_norm", {"running_mean": running_mean, "running_var": running_var}
    channels = input.shape[1] if float_argument(input, "input", function).ndim > 1 else 0
    count = input.numel() // max(channels, 1)
    bool_argument(training, "training", function)
    if training and count == 1 and channels:
        raise ValueError(f"Expected more than 1 value per channel when training, got input size {input.shape}")
    if eps < 0 or training and eps == 0:
        raise ValueError(f"{function}(): eps must be positive (0 only outside of training), but got {eps}")
    _check(function, input, statistics, (channels,), momentum=momentum, eps=eps)
    _check(function, input, {"weight": weight, "bias": bias}, channels)
    if input.ndim < 2:
        raise IndexError(f"{function}(): expected an input (N, C, *), but its shape is {list(input.shape)}")
    for name, running in statistics.items():
        if running is not None and running.requires_grad:
            raise RuntimeError(f"{function}() is not differentiable with respect to argument '{name}'")
        if running is None and not training:
            raise RuntimeError(f"{function}(): {name} must be defined in evaluation mode")
    if (running_mean is None) != (running_var is None):
        raise ValueError("running_mean and running_var must either both be None or neither be None")
    shape = (1, channels, *[1] * (input.ndim - 2))
    if not training:
        factor = reshape(1 / sqrt(running_var + eps), shape)
        factor = factor if weight is None else factor * reshape(weight, shape)
        return _affine((input - reshape(running_mean, shape)) * factor, None, bias, shape, "NativeBatchNorm")
    seen = len(input), channels, math.prod(input.shape[2:])
    z, average, variance = normalise(input, (0, *range(2, input.ndim)), seen, eps)
    if running_mean is not None and count and channels:
        for running, new in ((running_mean, average), (running_var, variance * count / (count - 1))):
            running.mul_(1 - momentum).add_(wrap(new.reshape(running.shape)), alpha=momentum)
    return _affine(z, weight, bias, shape, "NativeBatchNorm")


def layer_norm(input, normalized_shape, weight=None, bias=None, eps=1e-5):
    """(input - mean) / sqrt(var + eps) weight + bias, over the last dimensions.

    input (*, *normalized_shape), floating point; weight and bias of the shape normalized_shape, or None. The variance
    is the biased one. RuntimeError for shapes that do not go together. Source: Ba et al., arXiv:1607.06450.

        >>> import minigrad
        >>> minigrad.layer_norm(minigrad.tensor([[1.0, 3.0], [0.0, 8.0]]), (2,), eps=1e-9).tolist()
        [[-1.0, 1.0], [-1.0, 1.0]]
    """
    function = "layer_norm"
    shape = size_argument(normalized_shape, function, "normalized_shape")
    first = float_argument(input, "input", function).ndim - len(shape)
    if not shape or first < 0 or tuple(input.shape[first:]) != shape:
        raise RuntimeError(f"Given normalized_shape={list(shape)}, expected input with shape {['*', *shape]}, but got "
                           f"input of size {list(input.shape)}")
    _check(function, input, {"weight": weight, "bias": bias}, shape, eps=eps)
    seen = 1, math.prod(input.shape[:first]), math.prod(shape)
    z, *_ = normalise(input, tuple(range(first, input.ndim)), seen, eps)
    return _affine(z, weight, bias, shape, "NativeLayerNorm")


def _affine(z, weight, bias, shape, name):
    z = z if weight is None else z * reshape(weight, shape)
    return named(z if bias is None else z + reshape(bias, shape), name)


def _check(function, input, others, shape, **numbers):
    """RuntimeError unless the other tensors have this shape (an int: so many elements) and input's dtype; TypeError
    for numbers that are none."""
    for name, number in numbers.items():
        if not isinstance(plain(number), (int, float)):
            raise TypeError(f"{function}(): argument '{name}' must be float, not {type(number).__name__}")
    for name, x in others.items():
        if x is not None:
            same_dtype(input, x, name, function)
            if shape != (x.numel() if isinstance(shape, int) else x.shape):
                raise RuntimeError(f"{function}(): {name} should contain {shape} elements for an input of shape "
                                   f"{list(input.shape)}, but it has the shape {list(x.shape)}")
