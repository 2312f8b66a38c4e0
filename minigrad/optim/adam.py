"""Adam and AdamW: steps whose length is about lr for every weight, however large its gradients are."""

import numpy as np

from ..engine import wrap
from ..tensor import Tensor
from .optimizer import Optimizer


class Adam(Optimizer):
    """Adam: the mean m of the gradients, divided by the root of the mean v of their squares.

        g = gradient (negated if maximize) + weight_decay p
        m = beta1 m + (1 - beta1) g            t = 1, 2, ... counts the steps; m and v start at 0, which
        v = beta2 v + (1 - beta2) g^2          1 - beta^t makes up for
        p = p - lr / (1 - beta1^t)  m / (sqrt(v / (1 - beta2^t)) + eps)

    amsgrad: in the last line the largest v so far. decoupled_weight_decay: AdamW's weight decay.
    ValueError for a negative lr, eps or weight_decay and for betas that are not floats in [0, 1);
    foreach, capturable and fused change nothing; NotImplementedError for differentiable.
    Sources: Kingma and Ba, "Adam: a method for stochastic optimization", ICLR 2015; amsgrad: Reddi, Kale and Kumar,
    "On the convergence of Adam and beyond", ICLR 2018. The order of operations is PyTorch's.

    >>> from minigrad import optim, tensor
    >>> p = tensor([1.0, -200.0], requires_grad=True)
    >>> (p * p).sum().backward()
    >>> optim.Adam([p], lr=0.5).step()
    >>> p
    tensor([   0.5000, -199.5000], requires_grad=True)
    """

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0, amsgrad=False, *, foreach=None,
                 maximize=False, capturable=False, differentiable=False, fused=None, decoupled_weight_decay=False):
        super().__init__(params, dict(
            lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, amsgrad=amsgrad, maximize=maximize, foreach=foreach,
            capturable=capturable, differentiable=differentiable, fused=fused,
            decoupled_weight_decay=decoupled_weight_decay))  # fmt: skip

    def check(self, lr, betas, eps, weight_decay, amsgrad, maximize, decoupled_weight_decay):
        for name, value in (("learning rate", lr), ("epsilon value", eps), *(
                (f"beta parameter at index {i}", betas[i]) for i in (0, 1)), ("weight_decay value", weight_decay)):
            if not 0.0 <= value or name.startswith("beta") and value >= 1.0:
                raise ValueError(f"Invalid {name}: {value}")
        if not any(all(isinstance(beta, kind) for beta in betas[:2]) for kind in (float, Tensor)):
            raise ValueError(f"betas must be either both floats or both Tensors, but got betas={betas}")

    @np.errstate(all="ignore")  # like PyTorch, no warning where training diverges
    def update(self, parameter, gradient, state, lr, betas, eps, weight_decay, amsgrad, maximize,
               decoupled_weight_decay):
        p, g = parameter._array, gradient._array
        if not state:
            names = ["exp_avg", "exp_avg_sq"] + ["max_exp_avg_sq"] * amsgrad
            state.update({"step": wrap(np.zeros((), np.float32))}, **{name: wrap(np.zeros_like(p)) for name in names})
        state["step"] += 1
        m, v = state["exp_avg"]._array, state["exp_avg_sq"]._array
        t, beta1, beta2, eps, weight_decay = map(float, (state["step"], *betas, eps, weight_decay))

        if maximize:
            g = -g
        if weight_decay and decoupled_weight_decay:
            p *= float(1 - lr * weight_decay)
        elif weight_decay:
            g = g + weight_decay * p
        # Two forms of the weighted mean, each exact where the other one rounds: beta1 = 0 is m = g.
        if beta1 > 0.5:
            m += (1 - beta1) * (g - m)
        else:
            np.subtract(g, beta1 * (g - m), out=m)
        v *= beta2
        v += (1 - beta2) * g * g
        if amsgrad:
            v = np.maximum(state["max_exp_avg_sq"]._array, v, out=state["max_exp_avg_sq"]._array)
        root = np.sqrt(v) / (1 - beta2**t) ** 0.5 + eps
        p -= float(lr / (1 - beta1**t)) * m / root  # an lr that is a Tensor is divided in its own precision
        parameter._version_counter.count += 1  # a graph that saved the parameter finds out


class AdamW(Adam):
    """Adam whose weight decay does not pass through the means: p = (1 - lr weight_decay) p, then Adam's step without.

    Options and errors are Adam's. Source: Loshchilov and Hutter, "Decoupled weight decay regularization", ICLR 2019.

    >>> from minigrad import nn, optim
    >>> optim.AdamW(nn.Linear(2, 3).parameters(), lr=0.01).param_groups[0]["weight_decay"]
    0.01
    """

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2, amsgrad=False, **options):
        super().__init__(params, lr, betas, eps, weight_decay, amsgrad, decoupled_weight_decay=True, **options)

    def load_state_dict(self, state_dict):
        """Take over copies of options and state, those of an Adam too, which then goes on as AdamW."""
        super().load_state_dict(state_dict)
        for group in self.param_groups:
            group["decoupled_weight_decay"] = True
