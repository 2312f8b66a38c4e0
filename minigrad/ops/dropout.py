"""Dropout of elements, and of whole channels."""

import warnings

import numpy as np

from .. import random
from ..engine import wrap
from .common import tensor_argument
from .table import documented


def dropout(input, p=0.5, training=True, inplace=False):
    """Each element 0 with probability p, the others divided by 1 - p; with training=False, input.

    Any shape; with `inplace` written into the input itself. ValueError for p outside [0, 1], RuntimeError for
    integers. Source: Srivastava et al., "Dropout", JMLR 15 (2014).

        >>> import minigrad
        >>> generator = minigrad.manual_seed(0)
        >>> minigrad.dropout(minigrad.ones(5), 0.5)
        tensor([0., 0., 2., 0., 0.])
    """
    tensor_argument(input, "input", "dropout")
    return _drop(input, p, training, inplace, input._array.shape, "dropout")


def _drop(input, p, training, inplace, shape, function):
    """input times noise of this shape."""
    if not 0.0 <= p <= 1.0:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
    if not training or p == 0 or input.numel() == 0:
        return input
    if p < 1 and not input.is_floating_point():
        raise RuntimeError(f"{function}(): expected a floating-point input, but got {input.dtype}")
    dtype = input._array.dtype
    scale = random.default_generator.bernoulli(1 - p, shape) / dtype.type(1 - p) if p < 1 else np.zeros((), dtype)
    return input.mul_(wrap(scale)) if inplace else input * wrap(scale)


def channels(dims):
    """The dropout of whole channels with `dims` spatial dimensions."""

    def function(input, p=0.5, training=True, inplace=False):
        """Each channel 0 with probability p, the others divided by 1 - p; with training=False, input.

        input {shape}; with `inplace` written into the input itself. ValueError for p outside [0, 1],
        RuntimeError for integers. Source: Tompson et al., arXiv:1411.4280.

            >>> import minigrad
            >>> minigrad.nn.functional.{name}(minigrad.ones({ones}), 1.0).flatten()
            tensor([0., 0.])
        """
        ndim = tensor_argument(input, "input", name).ndim
        if ndim < 2 or dims == 1 and ndim > 3:
            raise RuntimeError(f"{name}(): Expected {dims + 1}D or {dims + 2}D input, but got {list(input.shape)}")
        front = 1 if dims != 2 and ndim != dims + 2 else 2
        if ndim not in (dims + 1, dims + 2) or dims == 2 and ndim == 3:
            warnings.warn(f"{name}: of the input {list(input.shape)} the first {front} dimensions are taken as "
                          "those of the channels, as in PyTorch", stacklevel=2)
        return _drop(input, p, training, inplace, (*input.shape[:front], *[1] * (ndim - front)), name)

    name = f"dropout{dims}d"
    shapes = "(N, C, L) or (C, L)", "(N, C, H, W), or (N, C, L) with a warning", "(N, C, D, H, W) or (C, D, H, W)"
    return documented(function, name, shape=shapes[dims - 1], ones=", ".join("21111"[:dims + 2]))


dropout1d, dropout2d, dropout3d = map(channels, (1, 2, 3))
