"""Gradients kept within bounds, between `backward` and `step`."""

import types
import warnings

import numpy as np

from ..autograd import no_grad
from ..engine import wrap
from ..tensor import Tensor


@no_grad()
@np.errstate(all="ignore")  # like PyTorch, no warning of what overflows
def clip_grad_norm_(parameters, max_norm, norm_type=2.0, error_if_nonfinite=False, foreach=None):
    """Scale all gradients by min(1, max_norm / (norm + 1e-6)), in place; return the norm, a 0-d tensor.

    The norm is that of all gradients as one vector: (sum |g|^p)^(1/p) with p = norm_type, or their largest for
    p = inf. parameters: a tensor or an iterable of them; those without a gradient do not count.
    RuntimeError for a norm that is infinite or NaN, if error_if_nonfinite. foreach changes nothing.
    Source: Pascanu et al., "On the difficulty of training recurrent neural networks", arXiv:1211.5063.

        >>> import minigrad
        >>> w = minigrad.zeros(2, requires_grad=True)
        >>> (w * minigrad.tensor([3.0, 4.0])).sum().backward()
        >>> minigrad.nn.utils.clip_grad_norm_(w, 1.0), w.grad
        (tensor(5.), tensor([0.6000, 0.8000]))
    """
    if isinstance(parameters, types.GeneratorType) and not (parameters := list(parameters)):
        # The parameters() that an optimiser has seen before.
        warnings.warn("`parameters` is an empty generator, no gradient clipping will occur.", stacklevel=4)
    gradients, p = _gradients(parameters), float(norm_type)
    norms = [np.linalg.norm(g._array.ravel(), p) for g in gradients]
    total = np.linalg.norm(np.array(norms), p) if norms else np.float32(0)
    if error_if_nonfinite and not np.isfinite(total):
        raise RuntimeError(f"The total norm of order {p} for gradients from `parameters` is non-finite: {total}")
    scale = np.minimum(float(max_norm) / (total + total.dtype.type(1e-6)), 1)
    for g in gradients:
        g.mul_(wrap(scale))
    return wrap(total)


@no_grad()
def clip_grad_value_(parameters, clip_value, foreach=None):
    """Every element of every gradient at least -clip_value and at most clip_value, in place.

        >>> import minigrad
        >>> w = minigrad.zeros(2, requires_grad=True)
        >>> (w * minigrad.tensor([3.0, 0.5])).sum().backward()
        >>> minigrad.nn.utils.clip_grad_value_(w, 1.0)
        >>> w.grad
        tensor([1.0000, 0.5000])
    """
    for g in _gradients(parameters):
        g.clamp_(-float(clip_value), float(clip_value))


def _gradients(parameters):
    parameters = [parameters] if isinstance(parameters, Tensor) else parameters
    return [p.grad for p in parameters if p.grad is not None]
