"""`backward` and `grad`: the checks before the engine walks back."""

import numpy as np

from ..engine import Value, wrap
from ..ops.create import zeros_like
from ..walk import run_backward


def backward(tensors, grad_tensors=None, retain_graph=None, create_graph=False, inputs=None):
    """Add the derivative of the sum of `tensors`, each weighed by its grad_tensor, to the `.grad` of
    every leaf behind them (or of `inputs` alone).

    RuntimeError if a tensor has no history, or is not a single number and has no grad_tensor.
    """
    roots = _tensors(tensors, "tensors")
    gradients = root_gradients(roots, grad_tensors)
    keep = create_graph if retain_graph is None else retain_graph
    if inputs is None:
        run_backward(roots, gradients, keep, create_graph)
        return
    inputs = _tensors(inputs, "inputs")
    if not inputs:
        raise RuntimeError("'inputs' argument to backward() cannot be empty.")
    _check_followed(inputs)
    for x in inputs:
        x.retain_grad()  # results keep their gradients when the walk passes them
    for x, g in zip(inputs, run_backward(roots, gradients, keep, create_graph, inputs)):
        if g is not None and x.is_leaf:
            x.grad = g.clone() if x.grad is None else x.grad + g


def grad(outputs, inputs, grad_outputs=None, retain_graph=None, create_graph=False, only_inputs=True,
         allow_unused=None, is_grads_batched=False, materialize_grads=False):
    """The derivatives of the sum of `outputs`, each weighed by its grad_output, by each of `inputs`:
    a tuple of tensors. No `.grad` is touched.

    create_graph: record the derivatives, so that they can be differentiated in turn.
    allow_unused: None in the place of an input that the outputs do not depend on, instead of
    RuntimeError; materialize_grads: zeros there. only_inputs changes nothing, in PyTorch either.
    """
    if is_grads_batched:
        raise NotImplementedError("grad(): argument 'is_grads_batched' is not implemented")
    roots, inputs = _tensors(outputs, "outputs"), _tensors(inputs, "inputs")
    if not inputs:
        raise RuntimeError("grad(): argument 'inputs' cannot be empty")
    if materialize_grads and allow_unused is False:
        raise ValueError("grad(): expected allow_unused to be True or not passed when materialize_grads=True")
    gradients = root_gradients(roots, grad_outputs)
    _check_followed(inputs)
    keep = create_graph if retain_graph is None else retain_graph
    found = run_backward(roots, gradients, keep, create_graph, inputs)
    if materialize_grads:
        return tuple(zeros_like(x, requires_grad=create_graph) if g is None else g for x, g in zip(inputs, found))
    if None in [g if g is None else True for g in found] and not allow_unused:
        raise RuntimeError("One of the differentiated Tensors appears to not have been used in the graph. Set "
                           "allow_unused=True if this is the desired behavior.")
    return tuple(found)


def _tensors(given, argument):
    tensors = (given,) if isinstance(given, Value) else tuple(given)
    for x in tensors:
        if not isinstance(x, Value):
            raise TypeError(f"argument '{argument}' must be Tensors, but found {type(x).__name__}")
    return tensors


def _check_followed(inputs):
    for x in inputs:
        if not x.requires_grad:
            raise RuntimeError("One of the differentiated Tensors does not require grad")


def root_gradients(roots, given):
    """What the derivative of each root is; 1 for a single number, if nothing is given."""
    if given is None:
        given = (None,) * len(roots)
    given = (given,) if isinstance(given, Value) else tuple(given)
    if len(given) != len(roots):
        raise RuntimeError(f"got {len(roots)} tensors and {len(given)} gradients")
    gradients = []
    for i, (root, g) in enumerate(zip(roots, given)):
        if not root.requires_grad:
            raise RuntimeError(f"element {i} of tensors does not require grad and does not have a grad_fn: either "
                               "nothing behind it has requires_grad=True, or its history ends on the way. What ends a "
                               "history: argmax and comparisons (they have no derivative), detach(), item(), numpy() "
                               "and tensor(...) of a result, and no_grad")
        if g is None:
            if root.numel() != 1:
                raise RuntimeError("grad can be implicitly created only for scalar outputs, but this one has "
                                   f"shape {list(root.shape)}: give `gradient`, or reduce it with sum() or mean()")
            g = wrap(np.ones(root._array.shape, root._array.dtype))
        elif not isinstance(g, Value):
            raise TypeError(f"gradients can be either Tensors or None, but got {type(g).__name__}")
        elif g.shape != root.shape:
            raise RuntimeError(f"Mismatch in shape: grad_output[{i}] has a shape of {g.shape} and output[{i}] has a "
                               f"shape of {root.shape}.")
        gradients.append(g)
    return gradients
