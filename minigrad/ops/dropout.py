"""Dropout of elements, and of whole channels."""

import functools
import warnings

import numpy as np

from .. import random
from ..engine import wrap
from .common import bool_argument, in_memory_order, plain, tensor_argument


def dropout(input, p=0.5, training=True, inplace=False):
    """Each element 0 with probability p, the others divided by 1 - p; with training=False, input.

    Any shape; with `inplace` written into the input itself. ValueError for p outside [0, 1], RuntimeError for
    integers. Source: Srivastava et al., "Dropout", JMLR 15 (2014).

        >>> import minigrad
        >>> generator = minigrad.manual_seed(0)
        >>> minigrad.dropout(minigrad.ones(5), 0.5)
        tensor([0., 0., 2., 0., 0.])
    """
    return _drop(tensor_argument(input, "input", "dropout"), p, training, inplace, input._array, "dropout")


def dropout2d(input, p=0.5, training=True, inplace=False):
    """Each channel 0 with probability p, the others divided by 1 - p; with training=False, input.

    input (N, C, H, W), or (N, C, *) with a warning; with `inplace` written into the input itself. ValueError for p
    outside [0, 1], RuntimeError for integers. Source: Tompson et al., arXiv:1411.4280.

        >>> import minigrad
        >>> minigrad.nn.functional.dropout2d(minigrad.ones(2, 1, 1, 1), 1.0).flatten()
        tensor([0., 0.])
    """
    ndim = tensor_argument(input, "input", "dropout2d").ndim
    if ndim < 2:
        raise RuntimeError(f"dropout2d(): Expected 3D or 4D input, but got {list(input.shape)}")
    if ndim != 4:
        warnings.warn(f"dropout2d: of the input {list(input.shape)} the first 2 dimensions are taken as those of the "
                      "channels, as in PyTorch", stacklevel=2)
    return _drop(input, p, training, inplace, np.empty((*input.shape[:2], *[1] * (ndim - 2))), "dropout2d")


def _drop(input, p, training, inplace, like, function):
    """input times noise in the shape of an array, drawn in the order of its memory."""
    p = plain(p)
    if not 0.0 <= p <= 1.0:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
    if not bool_argument(training, "training", function) or p == 0 or input.numel() == 0:
        return input
    if p < 1 and not input.is_floating_point():
        raise RuntimeError(f"{function}(): expected a floating-point input, but got {input.dtype}")
    dtype = input._array.dtype
    draw = functools.partial(random.default_generator.bernoulli, 1 - p)
    scale = in_memory_order(like, draw) / dtype.type(1 - p) if p < 1 else np.zeros((), dtype)
    return input.mul_(wrap(scale)) if inplace else input * wrap(scale)
