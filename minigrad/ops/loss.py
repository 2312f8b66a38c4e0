"""Softmax, the losses, and what goes with them."""

import warnings

import numpy as np

from .. import random
from ..engine import Operator, wrap
from .common import floating, normal_dim, tensor_argument
from .elementwise import exp, where
from .reduce import TakeAlong
from .shape import reshape


class Softmax(Operator):
    """z = e^x / sum e^x along dim;  dx = z (g - sum g z)."""

    uses_output = True

    def forward(self, x, *, dim):
        self.dim = dim
        z = np.exp(x - np.max(x, axis=dim, keepdims=True, initial=-np.inf))  # e^x alone would overflow
        z /= np.add.reduce(z, axis=dim, keepdims=True)
        return z

    def backward(self, g):
        gz = g * self.output
        return gz - self.output * gz.sum(self.dim, keepdim=True)


class LogSoftmax(Operator):
    """z = x - log sum e^x along dim;  dx = g - e^z sum g."""

    uses_output = True

    def forward(self, x, *, dim):
        self.dim = dim
        z = x - np.max(x, axis=dim, keepdims=True, initial=-np.inf)
        z -= np.log(np.add.reduce(np.exp(z), axis=dim, keepdims=True))
        return z

    def backward(self, g):
        return g - exp(self.output) * g.sum(self.dim, keepdim=True)


def softmax(input, dim=None, dtype=None):
    """e^x / sum e^x along `dim`. Any shape; IndexError for a wrong dim, RuntimeError for integers."""
    x, at = _distribution(input, dim, dtype, "softmax")
    return Softmax.apply(reshape(x, (1,)), dim=0).reshape(()) if x.ndim == 0 else Softmax.apply(x, dim=at)


def log_softmax(input, dim=None, dtype=None):
    """log softmax(input), without the underflow of taking the logarithm of a softmax."""
    x, at = _distribution(input, dim, dtype, "log_softmax")
    return (LogSoftmax.apply(reshape(x, (1,)), dim=0).reshape(()) if x.ndim == 0
            else LogSoftmax.apply(x, dim=at))


def _distribution(input, dim, dtype, function):
    x = tensor_argument(input, "input", function)
    if dtype is not None:
        x = x.to(dtype)
    if dim is None:
        warnings.warn(f"Implicit dimension choice for {function} has been deprecated. Change the call to "
                      "include dim=X as an argument.", stacklevel=4)
        dim = 0 if x.ndim in (0, 1, 3) else 1
    if x._array.dtype.kind != "f":
        raise NotImplementedError(f'"{function}" not implemented for \'{x.dtype.text}\'')
    return x, normal_dim(dim, x.ndim)


# ---- losses


def nll_loss(input, target, weight=None, size_average=None, ignore_index=-100, reduce=None,
             reduction="mean"):
    """-input[n, target[n]], the negative log-likelihood of log-probabilities.

    input (C), (N, C) or (N, C, *size) floating point; target (), (N) or (N, *size) of class numbers
    (int64, or uint8); weight (C) or None: a factor for each class, and in the mean its denominator.
    Targets equal to ignore_index count for nothing. reduction: "none", "mean" or "sum".
    IndexError for a target outside [0, C), ValueError for batch sizes that differ, RuntimeError for
    other wrong shapes and dtypes.
    """
    check_reduction(reduction, size_average, reduce)
    tensor_argument(input, "input", "nll_loss")
    labels = _labels(input, target, ignore_index, "nll_loss")
    at = 0 if input.ndim == 1 else 1
    counts = labels != ignore_index
    safe = np.expand_dims(np.where(counts, labels, 0).astype(np.int64), at)
    picked = TakeAlong.apply(input, indices=safe, dim=at)
    losses = -reshape(picked, labels.shape)
    if weight is None:
        factors = counts.astype(input._array.dtype)
    else:
        if weight.shape != (input.shape[at],):
            raise RuntimeError(f"weight tensor should be defined either for all {input.shape[at]} classes or "
                               f"no classes but got weight tensor of shape: {list(weight.shape)}")
        factors = np.where(counts, weight._array[np.squeeze(safe, at)], 0).astype(input._array.dtype)
    if weight is not None or not counts.all():
        losses = where(wrap(factors != 0), losses * wrap(factors), 0.0)
    if reduction == "mean":
        return losses.sum() / float(factors.sum())
    return losses.sum() if reduction == "sum" else losses


def _labels(input, target, ignore_index, function):
    """The checked class numbers as an ndarray."""
    labels = tensor_argument(target, "target", function)._array
    if input.ndim == 0:
        raise ValueError(f"{function}(): input must have at least one dimension, but it is 0-d")
    if labels.dtype not in (np.int64, np.uint8):
        raise RuntimeError(f"expected scalar type Long but found {target.dtype.text} for argument 'target' "
                           f"of {function}()")
    expected = input.shape[:0] if input.ndim == 1 else input.shape[:1] + input.shape[2:]
    if input.ndim > 1 and labels.ndim and labels.shape[0] != input.shape[0]:
        raise ValueError(f"Expected input batch_size ({input.shape[0]}) to match target batch_size "
                         f"({labels.shape[0]}): input {list(input.shape)}, target {list(labels.shape)}")
    if labels.shape != expected:
        raise RuntimeError(f"{function}(): for an input of shape {list(input.shape)} the target must have "
                           f"shape {list(expected)}, but it has {list(labels.shape)}")
    classes = input.shape[0 if input.ndim == 1 else 1]
    wrong = ((labels < 0) | (labels >= classes)) & (labels != ignore_index)
    if wrong.any():
        raise IndexError(f"Target {labels[wrong].flat[0]} is out of bounds: there are {classes} classes "
                         f"(input {list(input.shape)})")
    return labels


def cross_entropy(input, target, weight=None, size_average=None, ignore_index=-100, reduce=None,
                  reduction="mean", label_smoothing=0.0):
    """nll_loss(log_softmax(input, 1), target): the loss for classes, from raw scores (logits).

    Shapes, `weight`, `ignore_index`, `reduction` and errors as in `nll_loss`. A floating-point target
    of input's shape holds probabilities: the loss is -sum target log_softmax(input).
    label_smoothing mixes the target with the uniform distribution over the C classes.
    """
    check_reduction(reduction, size_average, reduce)
    tensor_argument(input, "input", "cross_entropy")
    tensor_argument(target, "target", "cross_entropy")
    if not 0.0 <= label_smoothing <= 1.0:
        raise RuntimeError(f"label_smoothing must be between 0.0 and 1.0. Got: {label_smoothing}")
    if input.ndim == 0:
        raise ValueError("cross_entropy(): input must have at least one dimension, but it is 0-d")
    at = 0 if input.ndim == 1 else 1
    log_p = log_softmax(input, at)
    if target.shape == input.shape and target._array.dtype.kind == "f":
        return _soft_cross_entropy(log_p, target, weight, reduction, label_smoothing, at)
    loss = nll_loss(log_p, target, weight, ignore_index=ignore_index, reduction=reduction)
    if label_smoothing == 0.0:
        return loss
    classes = input.shape[at]
    uniform = _smoothing_loss(log_p, target._array, weight, ignore_index, reduction, at)
    return (1 - label_smoothing) * loss + (label_smoothing / classes) * uniform


def _soft_cross_entropy(log_p, target, weight, reduction, label_smoothing, at):
    classes = log_p.shape[at]
    if label_smoothing:
        target = target * (1 - label_smoothing) + label_smoothing / classes
    losses = -(log_p * target if weight is None else log_p * target * _per_class(weight, log_p, at)).sum(at)
    if reduction == "mean":
        return losses.sum() / float(max(losses.numel(), 1))
    return losses.sum() if reduction == "sum" else losses


def _smoothing_loss(log_p, labels, weight, ignore_index, reduction, at):
    """-sum of log_p over the classes, reduced like the loss that it is mixed with."""
    losses = -(log_p if weight is None else log_p * _per_class(weight, log_p, at)).sum(at)
    counts = labels != ignore_index
    losses = where(wrap(np.asarray(counts)), losses, 0.0)
    if reduction == "mean":
        safe = np.where(counts, labels, 0).astype(np.int64)
        total = counts.sum() if weight is None else (weight._array[safe] * counts).sum()
        return losses.sum() / float(total)
    return losses.sum() if reduction == "sum" else losses


def _per_class(weight, log_p, at):
    return weight.reshape(*[-1 if d == at else 1 for d in range(log_p.ndim)])


def mse_loss(input, target, size_average=None, reduce=None, reduction="mean"):
    """(input - target)^2, broadcast. A UserWarning where the two shapes differ: with (N, 1) against
    (N) it is rarely what was meant. reduction: "none", "mean" or "sum"."""
    check_reduction(reduction, size_average, reduce)
    tensor_argument(input, "input", "mse_loss")
    tensor_argument(target, "target", "mse_loss")
    if input.shape != target.shape:
        warnings.warn(f"Using a target size ({target.shape}) that is different to the input size "
                      f"({input.shape}). This will likely lead to incorrect results due to broadcasting. "
                      "Please ensure they have the same size.", stacklevel=3)
    difference = floating(input) - target
    squares = difference * difference
    return {"mean": squares.mean, "sum": squares.sum, "none": lambda: squares}[reduction]()


def check_reduction(reduction, size_average=None, reduce=None):
    """ValueError for an unknown reduction; PyTorch's two older arguments are gone."""
    if size_average is not None or reduce is not None:
        raise NotImplementedError("arguments 'size_average' and 'reduce' are not implemented: use reduction="
                                  "'mean', 'sum' or 'none'")
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"{reduction} is not a valid value for reduction: it must be 'none', 'mean' or 'sum'")


# ---- and what goes with them


def one_hot(tensor, num_classes=-1):
    """A new last dimension, 1 at the class number and 0 elsewhere: (*) int64 -> (*, num_classes) int64.

    num_classes=-1 takes the largest number there is, plus one. RuntimeError for negative or too
    large class numbers.
    """
    labels = tensor_argument(tensor, "tensor", "one_hot")._array
    if labels.dtype != np.int64:
        raise RuntimeError(f"one_hot is only applicable to index tensor of type LongTensor, not {tensor.dtype}")
    if labels.size == 0 and num_classes <= 0:
        raise RuntimeError("Can not infer total number of classes from empty tensor.")
    if labels.size and labels.min() < 0:
        raise RuntimeError(f"Class values must be non-negative, but the smallest is {labels.min()}")
    classes = int(labels.max()) + 1 if num_classes == -1 else num_classes
    if classes < 1:
        raise RuntimeError(f"num_classes should be positive, but got num_classes={num_classes}")
    if labels.size and labels.max() >= classes:
        raise RuntimeError(f"Class values must be smaller than num_classes: {labels.max()} and {classes}")
    return wrap((labels[..., None] == np.arange(classes)).astype(np.int64))


def dropout(input, p=0.5, training=True, inplace=False):
    """Each element 0 with probability p, the others divided by 1 - p; with training=False, input.

    Source: Srivastava et al., "Dropout", JMLR 15 (2014). ValueError for p outside [0, 1].
    """
    tensor_argument(input, "input", "dropout")
    if not 0.0 <= p <= 1.0:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
    if not training or p == 0:
        return input
    dtype = input._array.dtype
    keep = random.default_generator.bernoulli(1 - p, input._array.shape).astype(dtype)
    scale = wrap(keep / dtype.type(max(1 - p, np.finfo(dtype).tiny)))
    return input.mul_(scale) if inplace else input * scale
