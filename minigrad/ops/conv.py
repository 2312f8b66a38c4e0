"""Convolution (cross-correlation, as everywhere in deep learning) of any number of dimensions.

<g, conv(x, w)> is linear in each of x, w and g, so three operators are closed under
differentiation: every derivative of any order of each is again one of them.

    operator                       gradient of the 1st input      gradient of the 2nd input
    Conv(x, w)                     ConvInputGrad(g, w)            ConvWeightGrad(x, g)
    ConvInputGrad(g, w)            Conv(gg, w)                    ConvWeightGrad(gg, g)
    ConvWeightGrad(x, g)           ConvInputGrad(g, gg)           Conv(x, gg)

(gg is the gradient that arrives at an operator's own output.) Several inputs can share one output
size when the stride does not divide evenly, so x's and w's shapes are kept with the geometry.
Source: Dumoulin and Visin, "A guide to convolution arithmetic for deep learning", arXiv:1603.07285.
"""

from functools import lru_cache
from typing import NamedTuple

from .. import kernels
from ..engine import Operator
from .common import check_size, int_argument, per_dimension, same_dtype
from .shape import unsqueeze


class Geometry(NamedTuple):
    """All of a convolution but its numbers."""

    x_shape: tuple
    w_shape: tuple
    stride: tuple
    padding: tuple  # a (before, after) pair for each dimension
    dilation: tuple
    groups: int

    @property
    def steps(self):
        """What the kernels take after the arrays."""
        return self.stride, self.padding, self.dilation, self.groups


class Conv(Operator):
    """y[n,d,o] = b[d] + sum over c,k of x[n, c, o stride + k dilation - padding] w[d,c,k]."""

    uses = ((1,), (0,))

    def forward(self, x, w, b, *, geometry):
        self.geometry = geometry
        return kernels.conv_forward(x, w, b, *geometry.steps)

    def backward(self, g):
        x, w, _ = self.inputs
        needs_x, needs_w, needs_b = self.needs_input_grad
        others = (0, *range(2, g.ndim))
        return (ConvInputGrad.apply(g, w, geometry=self.geometry) if needs_x else None,
                ConvWeightGrad.apply(x, g, geometry=self.geometry) if needs_w else None,
                g.sum(others) if needs_b else None)

    def name(self):
        return "ConvolutionBackward0"


class ConvInputGrad(Operator):
    """What each input element did to <g, conv(x, w)>: a transposed convolution of g with w."""

    uses = ((1,), (0,))

    def forward(self, g, w, *, geometry):
        self.geometry = geometry
        return kernels.conv_input_grad(g, w, geometry.x_shape, *geometry.steps)

    def backward(self, gg):
        g, w = self.inputs
        needs_g, needs_w = self.needs_input_grad
        return (Conv.apply(gg, w, None, geometry=self.geometry) if needs_g else None,
                ConvWeightGrad.apply(gg, g, geometry=self.geometry) if needs_w else None)


class ConvWeightGrad(Operator):
    """What each weight did to <g, conv(x, w)>: a convolution of x with g, over the batch."""

    uses = ((1,), (0,))

    def forward(self, x, g, *, geometry):
        self.geometry = geometry
        return kernels.conv_weight_grad(x, g, geometry.w_shape, *geometry.steps)

    def backward(self, gg):
        x, g = self.inputs
        needs_x, needs_g = self.needs_input_grad
        return (ConvInputGrad.apply(g, gg, geometry=self.geometry) if needs_x else None,
                Conv.apply(x, gg, None, geometry=self.geometry) if needs_g else None)


def conv(input, weight, bias, stride, padding, dilation, groups, dims):
    """The convolution of `dims` spatial dimensions behind conv2d; it checks every argument.

    input (N, C, *size) or (C, *size), weight (D, C / groups, *kernel), bias (D) or None ->
    (N, D, *out), with out = floor((size + padding - dilation (kernel - 1) - 1) / stride) + 1.
    """
    function = f"conv{dims}d"
    same_dtype(input, weight, "weight", function)
    if bias is not None:
        same_dtype(input, bias, "bias", function)
    if input._array.dtype.kind != "f":
        raise RuntimeError(f"{function}(): expected floating-point tensors, but got "
                           f"{input.dtype.name}")
    if input.ndim == dims + 1:
        batch = unsqueeze(input, 0)
        return conv(batch, weight, bias, stride, padding, dilation, groups, dims).squeeze(0)
    if len(input.shape) != dims + 2:
        raise RuntimeError(f"Expected {dims + 1}D (unbatched) or {dims + 2}D (batched) input to "
                           f"{function}, but got input of size: {list(input.shape)}")
    if len(weight.shape) != dims + 2:
        raise RuntimeError(f"{function}(): weight must have {dims + 2} dimensions, (out_channels, "
                           "in_channels / groups, *kernel_size), but got weight of size "
                           f"{list(weight.shape)}")
    stride = per_dimension(stride, dims, "stride", function, least=1)
    dilation = per_dimension(dilation, dims, "dilation", function, least=1)
    if not isinstance(padding, str):
        padding = per_dimension(padding, dims, "padding", function, least=0)
    groups = int_argument(groups, "groups", function)
    geometry = _geometry(function, tuple(input.shape), tuple(weight.shape), input._array.itemsize,
                         stride, padding, dilation, groups, dims)
    if bias is not None and bias.shape != weight.shape[:1]:
        raise RuntimeError(f"Given weight of size {list(weight.shape)}, expected bias to be "
                           f"1-dimensional with {weight.shape[0]} elements, but got bias of size "
                           f"{list(bias.shape)} instead")
    return Conv.apply(input, weight, bias, geometry=geometry)


@lru_cache(maxsize=256)
def _geometry(function, x_shape, w_shape, itemsize, stride, padding, dilation, groups, dims):
    """The Geometry, once its sizes were seen to go together; ints are ints by now."""
    _check_channels(function, x_shape, w_shape, groups)
    kernel = w_shape[2:]
    padding = _padding_pairs(padding, kernel, stride, dilation, dims, function)
    padded = [n + a + b for n, (a, b) in zip(x_shape[2:], padding)]
    reach = [d * (k - 1) + 1 for k, d in zip(kernel, dilation)]
    if any(r > n for r, n in zip(reach, padded)):
        raise RuntimeError(f"Calculated padded input size per channel: {padded}. Kernel size: "
                           f"{reach} ({list(kernel)} with dilation {list(dilation)}). Kernel size "
                           f"can't be greater than actual input size (input {list(x_shape)})")
    out = [(n - r) // s + 1 for n, r, s in zip(padded, reach, stride)]
    for shape in ([*x_shape[:2], *padded], [x_shape[0], w_shape[0], *out]):
        check_size(shape, itemsize, function)
    return Geometry(x_shape, w_shape, stride, padding, dilation, groups)


def _check_channels(function, x_shape, w_shape, groups):
    if groups <= 0:
        raise RuntimeError(f"non-positive groups is not supported: groups={groups}")
    if 0 in w_shape:
        raise RuntimeError(f"{function}(): weight of size {list(w_shape)} has a dimension without "
                           "elements")
    if w_shape[0] % groups:
        raise RuntimeError(f"Given groups={groups}, expected weight to be divisible by {groups} at "
                           f"dimension 0, but got weight of size {list(w_shape)} instead")
    if x_shape[1] != w_shape[1] * groups:
        raise RuntimeError(f"Given groups={groups}, weight of size {list(w_shape)}, expected input"
                           f"{list(x_shape)} to have {w_shape[1] * groups} channels, but got "
                           f"{x_shape[1]} channels instead")


def _padding_pairs(padding, kernel, stride, dilation, dims, function):
    """`padding` as (before, after) pairs. 'same' puts the odd one after, as PyTorch does."""
    if isinstance(padding, str):
        if padding not in ("same", "valid"):
            raise RuntimeError(f"Invalid padding string: '{padding}': it must be 'same' or 'valid'")
        if padding == "valid":
            return ((0, 0),) * dims
        if any(s != 1 for s in stride):
            raise RuntimeError("padding='same' is not supported for strided convolutions: "
                               f"stride={list(stride)}")
        totals = [d * (k - 1) for k, d in zip(kernel, dilation)]
        return tuple((total // 2, total - total // 2) for total in totals)
    return tuple((p, p) for p in padding)
