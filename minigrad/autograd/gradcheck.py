"""Is a gradient right? Compare it with finite differences."""

import numpy as np

from ..engine import Value, wrap
from .gradients import grad


class GradcheckError(RuntimeError):
    """A gradient that differs from what finite differences say."""


def gradcheck(func, inputs, *, eps=1e-6, atol=1e-5, rtol=1e-3, raise_exception=True, nondet_tol=0.0):
    """Whether the gradients of `func` agree with central differences (f(x + eps) - f(x - eps)) / 2 eps,
    element by element: |analytic - numeric| <= atol + rtol |numeric|.

    func takes `inputs` (a Tensor or a tuple of them) and returns a Tensor or a tuple. The inputs with
    requires_grad are checked; they should be float64, as the tolerances are too tight for float32.
    nondet_tol: how much two runs of `backward` may differ. Returns True, or raises GradcheckError
    (returns False if not raise_exception). Memory that overlaps inside an input breaks the check.
    """
    inputs = (inputs,) if isinstance(inputs, Value) else tuple(inputs)
    checked = [x for x in inputs if isinstance(x, Value) and x.requires_grad]
    if not checked:
        raise ValueError("gradcheck expects at least one input tensor to require gradient, but none of the them "
                         "have requires_grad=True.")
    for x in checked:
        if x._array.dtype != np.float64:
            raise ValueError(f"gradcheck needs float64 inputs, but got {x.dtype}: eps={eps} is lost in its rounding")
    try:
        for i, out in enumerate(_outputs(func, inputs)):
            _check_output(func, inputs, checked, i, out, eps, atol, rtol, nondet_tol)
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def gradgradcheck(func, inputs, grad_outputs=None, *, eps=1e-6, atol=1e-5, rtol=1e-3, raise_exception=True,
                  nondet_tol=0.0, seed=0):
    """Whether the second derivatives of `func` agree: `gradcheck` of its gradient, weighed by
    `grad_outputs` (random numbers unless given), as a function of the inputs and of those weights."""
    inputs = (inputs,) if isinstance(inputs, Value) else tuple(inputs)
    if grad_outputs is None:
        numbers = np.random.default_rng(seed)
        grad_outputs = [wrap(numbers.standard_normal(out.shape)) for out in _outputs(func, inputs)]
        for g in grad_outputs:
            g.requires_grad = True
    weights = (grad_outputs,) if isinstance(grad_outputs, Value) else tuple(grad_outputs)

    def gradient(*both):
        ins, outs = both[:len(inputs)], both[len(inputs):]
        followed = [x for x in ins if isinstance(x, Value) and x.requires_grad]
        return tuple(g for g in grad(_outputs(func, ins), followed, outs, create_graph=True, allow_unused=True)
                     if g is not None and g.requires_grad)

    return gradcheck(gradient, inputs + weights, eps=eps, atol=atol, rtol=rtol,
                     raise_exception=raise_exception, nondet_tol=nondet_tol)


def _outputs(func, inputs):
    """The differentiable results of func, in a list."""
    out = func(*inputs)
    outs = [out] if isinstance(out, Value) else list(out)
    return [x for x in outs if isinstance(x, Value) and x._array.dtype.kind == "f" and x.requires_grad]


def _check_output(func, inputs, checked, i, out, eps, atol, rtol, nondet_tol):
    analytic, again = _jacobian(out, checked), _jacobian(out, checked)
    for j, x in enumerate(checked):
        if np.abs(analytic[j] - again[j]).max(initial=0) > nondet_tol:
            raise GradcheckError(f"Backward is not reentrant: two runs for output {i} with respect to input {j} "
                                 f"differ by more than nondet_tol={nondet_tol}")
        numeric = _differences(func, inputs, x, i, eps).reshape(analytic[j].shape)
        if not np.allclose(analytic[j], numeric, rtol, atol):
            raise GradcheckError(f"Jacobian mismatch for output {i} with respect to input {j},\n"
                                 f"numerical:{numeric}\nanalytical:{analytic[j]}\n")


def _jacobian(out, inputs):
    """d out / d input for each input by `grad`, one output element at a time: (input, output) matrices."""
    jacobians = [np.zeros((x.numel(), out.numel())) for x in inputs]
    for k in range(out.numel()):
        pick = np.zeros(out.numel())
        pick[k] = 1
        gradients = grad(out, inputs, wrap(pick.reshape(out.shape)), retain_graph=True, allow_unused=True)
        for jacobian, g in zip(jacobians, gradients):
            if g is not None:
                jacobian[:, k] = g._array.ravel()
    return jacobians


def _differences(func, inputs, x, i, eps):
    """The same matrix by central differences."""
    rows = []
    for at in np.ndindex(x._array.shape):
        value = x._array[at]
        x._array[at] = value + eps
        above = _outputs(func, inputs)[i]._array.copy()
        x._array[at] = value - eps
        below = _outputs(func, inputs)[i]._array.copy()
        x._array[at] = value
        rows.append(((above - below) / (2 * eps)).ravel())
    return np.array(rows)
