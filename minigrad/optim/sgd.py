"""Stochastic gradient descent."""

import numpy as np

from ..engine import wrap
from ..kernels import sgd_step
from .optimizer import Optimizer


class SGD(Optimizer):
    """Stochastic gradient descent with momentum, as PyTorch updates:

        g = gradient (negated if maximize) + weight_decay p
        v = momentum v + (1 - dampening) g         (v = g in the first step)
        g = g + momentum v  if nesterov  else  v   (if there is a momentum)
        p = p - lr g

    But a v that is too small for a normal number of its dtype (1.2e-38, 2.2e-308) is 0: where a gradient has become 0,
    v would shrink to such numbers and stay there, and they make a step ten times as long.
    ValueError for a negative lr, momentum or weight_decay, and for nesterov without a momentum or with a dampening;
    foreach and fused change nothing; NotImplementedError for differentiable. Source: Sutskever et al., "On the
    importance of initialization and momentum in deep learning", ICML 2013, in PyTorch's form.

    >>> from minigrad import optim, tensor
    >>> p = tensor([1.0, 2.0], requires_grad=True)
    >>> (p * p).sum().backward()
    >>> optim.SGD([p], lr=0.25).step()
    >>> p
    tensor([0.5000, 1.0000], requires_grad=True)
    """

    def __init__(self, params, lr=1e-3, momentum=0, dampening=0, weight_decay=0, nesterov=False, *, maximize=False,
                 foreach=None, differentiable=False, fused=None):
        super().__init__(params, dict(
            lr=lr, momentum=momentum, dampening=dampening, weight_decay=weight_decay, nesterov=nesterov,
            maximize=maximize, foreach=foreach, differentiable=differentiable, fused=fused))  # fmt: skip

    def check(self, lr, momentum, dampening, weight_decay, nesterov, maximize):
        for name, value in (("learning rate", lr), ("momentum value", momentum), ("weight_decay value", weight_decay)):
            if value < 0.0:
                raise ValueError(f"Invalid {name}: {value}")
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")

    def update(self, parameter, gradient, state, lr, momentum, dampening, weight_decay, nesterov, maximize):
        # On the arrays, in one pass: the same lines on tensors would make an array for each operator.
        p, v = parameter._array, state.get("momentum_buffer")
        if momentum and v is None:
            v = state["momentum_buffer"] = wrap(np.zeros(p.shape, p.dtype))
            dampening = 0
        sgd_step(p, gradient._array, v._array if momentum else None, lr, momentum, dampening, weight_decay,
                 nesterov, maximize)
        parameter._version_counter.count += 1  # a graph that saved the parameter finds out
