"""Softmax, the losses, and what goes with them."""

import warnings

import numpy as np

from .. import random
from ..engine import Operator, wrap
from .common import check_size, int_argument, normal_dim, same_dtype, tensor_argument
from .elementwise import exp, where
from .reduce import TakeAlong
from .shape import reshape, unsqueeze


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


class CrossEntropy(Operator):
    """z = log sum e^x - x[label] over the classes, or their mean or sum;  dx = g (softmax x - one-hot label).

    One operator for what log_softmax and nll_loss do together: a third fewer to run for a small network.
    """

    uses = ((0,),)

    def forward(self, x, *, labels, dim, reduction):
        classes = np.arange(x.shape[dim]).reshape(-1, *[1] * (x.ndim - 1 - dim))
        self.hot, self.dim = classes == np.expand_dims(labels, dim), dim
        z = x - np.maximum.reduce(x, axis=dim, keepdims=True)
        losses = np.log(np.add.reduce(np.exp(z), axis=dim)) - np.add.reduce(z, axis=dim, where=self.hot)
        self.each = reduction == "none"
        self.scale = 1 / losses.size if reduction == "mean" else 1.0
        return losses if self.each else np.add.reduce(losses, axis=None) * x.dtype.type(self.scale)

    def backward(self, g):
        (x,) = self.inputs
        g = unsqueeze(g, self.dim) if self.each else g * self.scale
        return (Softmax.apply(x, dim=self.dim) - wrap(self.hot.astype(x._array.dtype))) * g

    def name(self):
        return "NllLossBackward0"


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
        x = x.to(dtype=dtype)
    if dim is None:
        warnings.warn(f"Implicit dimension choice for {function} has been deprecated. Change the call to "
                      "include dim=X as an argument.", stacklevel=3)
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
    labels = _labels(input, target, weight, ignore_index, "nll_loss")
    return _reduce(*_likelihoods(input, labels, weight, labels != ignore_index), reduction)


def cross_entropy(input, target, weight=None, size_average=None, ignore_index=-100, reduce=None,
                  reduction="mean", label_smoothing=0.0):
    """nll_loss(log_softmax(input, 1), target): the loss for classes, from raw scores (logits).

    Shapes, `weight`, `ignore_index`, `reduction` and errors as in `nll_loss`. A floating-point target
    of input's shape holds probabilities: the loss is -sum target log_softmax(input).
    label_smoothing mixes the target with the uniform distribution over the C classes.
    """
    check_reduction(reduction, size_average, reduce)
    function, s = "cross_entropy", label_smoothing
    tensor_argument(input, "input", function)
    tensor_argument(target, "target", function)
    if not 0.0 <= s <= 1.0:
        raise RuntimeError(f"{function}(): label_smoothing must be between 0.0 and 1.0. Got: {s}")
    if not (input.ndim and target.shape == input.shape and target._array.dtype.kind == "f"):
        labels = _labels(input, target, weight, ignore_index, function)
        counts = labels != ignore_index
        if weight is None and not s and input.numel() and counts.all():
            return CrossEntropy.apply(input, labels=labels, dim=_class_dim(input), reduction=reduction)
        log_p = log_softmax(input, _class_dim(input))
        losses, total = _likelihoods(log_p, labels, weight, counts)
        if s:
            uniform = where(wrap(counts), _expected(log_p, 1 / _classes(input), weight), 0.0)
            losses = (1 - s) * losses + s * uniform
        return _reduce(losses, total, reduction)
    if int_argument(ignore_index, "ignore_index", function) >= 0:
        raise RuntimeError(f"{function}(): ignore_index is not supported for floating point target, "
                           f"but it is {ignore_index}")
    _check_weight(input, weight, function)
    if s:
        target = (1 - s) * target + s / _classes(input)
    losses = _expected(log_softmax(input, _class_dim(input)), target, weight)
    return _reduce(losses, losses.numel(), reduction)


def _likelihoods(log_p, labels, weight, counts):
    """-log_p[n, labels[n]], weighed, 0 where it does not count; and the denominator of their mean."""
    at = _class_dim(log_p)
    safe = np.where(counts, labels, 0).astype(np.int64)
    losses = -reshape(TakeAlong.apply(log_p, indices=np.expand_dims(safe, at), dim=at), labels.shape)
    if weight is None and counts.all():
        return losses, labels.size
    factors = counts.astype(log_p._array.dtype)
    if weight is not None:
        factors = factors * weight._array[safe]
    # A choice, because a product with 0 would keep what is infinite.
    return where(wrap(counts), losses * wrap(factors), 0.0), factors.sum()


def _expected(log_p, q, weight):
    """-sum of q log_p over the classes, weighed."""
    at = _class_dim(log_p)
    if weight is not None:
        q = q * weight.reshape(*[-1 if d == at else 1 for d in range(log_p.ndim)])
    return -(log_p * q).sum(at)


def _reduce(losses, total, reduction):
    if reduction == "mean":
        return losses.sum() / float(total)
    return losses.sum() if reduction == "sum" else losses


def _class_dim(input):
    return 0 if input.ndim == 1 else 1


def _classes(input):
    return input.shape[_class_dim(input)]


def _labels(input, target, weight, ignore_index, function):
    """The checked class numbers as an ndarray."""
    tensor_argument(input, "input", function)
    labels = tensor_argument(target, "target", function)._array
    int_argument(ignore_index, "ignore_index", function)
    if input.ndim == 0:
        raise ValueError(f"{function}(): input must have at least one dimension, but it is 0-d")
    if input._array.dtype.kind != "f":
        raise NotImplementedError(f"{function}(): not implemented for '{input.dtype.text}'")
    if input.ndim == 1 and labels.shape == (1,):
        labels = labels.reshape(())
    expected = input.shape[:1] + input.shape[2:] if input.ndim > 1 else ()
    if labels.shape[:1] != expected[:1]:
        raise ValueError(f"{function}(): expected input batch_size to match target batch_size, but "
                         f"got input {list(input.shape)} and target {list(labels.shape)}")
    if labels.shape != expected:
        raise RuntimeError(f"{function}(): for an input of shape {list(input.shape)} the target must "
                           f"have shape {list(expected)}, but it has {list(labels.shape)}")
    if labels.dtype not in (np.int64, np.uint8):
        raise RuntimeError(f"{function}(): expected scalar type Long for argument 'target' but found "
                           f"{target.dtype.text}")
    _check_weight(input, weight, function)
    wrong = ((labels < 0) | (labels >= _classes(input))) & (labels != ignore_index)
    if wrong.any():
        raise IndexError(f"{function}(): Target {labels[wrong].flat[0]} is out of bounds: there are "
                         f"{_classes(input)} classes (input {list(input.shape)})")
    return labels


def _check_weight(input, weight, function):
    """RuntimeError unless there is a weight for each class, or none at all."""
    if weight is None:
        return
    same_dtype(input, weight, "weight", function)
    if weight.shape != (_classes(input),):
        raise RuntimeError(f"{function}(): weight tensor should be defined either for all "
                           f"{_classes(input)} classes or no classes but got weight tensor of "
                           f"shape: {list(weight.shape)}")


def mse_loss(input, target, size_average=None, reduce=None, reduction="mean"):
    """(input - target)^2, broadcast. A UserWarning where the two shapes differ: with (N, 1) against
    (N) it is rarely what was meant. reduction: "none", "mean" or "sum". At least one of the two
    must be floating point (NotImplementedError)."""
    check_reduction(reduction, size_average, reduce)
    tensor_argument(input, "input", "mse_loss")
    tensor_argument(target, "target", "mse_loss")
    if input.shape != target.shape:
        warnings.warn(f"Using a target size ({target.shape}) that is different to the input size "
                      f"({input.shape}). This will likely lead to incorrect results due to broadcasting. "
                      "Please ensure they have the same size.", stacklevel=2)
    difference = input - target
    if difference._array.dtype.kind != "f":
        raise NotImplementedError(f"mse_loss(): not implemented for '{difference.dtype.text}'")
    squares = difference * difference
    return {"mean": squares.mean, "sum": squares.sum, "none": lambda: squares}[reduction]()


def check_reduction(reduction, size_average=None, reduce=None):
    """ValueError for an unknown reduction; PyTorch's two older arguments are gone."""
    if size_average is not None or reduce is not None:
        raise NotImplementedError("arguments 'size_average' and 'reduce' are not implemented: use "
                                  "reduction='mean', 'sum' or 'none'")
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"{reduction} is not a valid value for reduction: it must be 'none', 'mean' "
                         "or 'sum'")


# ---- and what goes with them


def one_hot(tensor, num_classes=-1):
    """A new last dimension, 1 at the class number and 0 elsewhere: (*) int64 -> (*, num_classes) int64.

    num_classes=-1 takes the largest number there is, plus one. RuntimeError for negative or too
    large class numbers.
    """
    labels = tensor_argument(tensor, "tensor", "one_hot")._array
    if labels.dtype != np.int64:
        raise RuntimeError("one_hot is only applicable to index tensor of type LongTensor, not "
                           f"{tensor.dtype}")
    int_argument(num_classes, "num_classes", "one_hot")
    if labels.size == 0 and num_classes <= 0:
        raise RuntimeError("Can not infer total number of classes from empty tensor.")
    if labels.size and labels.min() < 0:
        raise RuntimeError(f"Class values must be non-negative, but the smallest is {labels.min()}")
    classes = int(labels.max()) + 1 if num_classes == -1 else num_classes
    if classes < 1:
        raise RuntimeError(f"num_classes should be positive, but got num_classes={num_classes}")
    if labels.size and labels.max() >= classes:
        raise RuntimeError("Class values must be smaller than num_classes: "
                           f"{labels.max()} and {classes}")
    check_size((*labels.shape, classes), 8, "one_hot")
    return wrap((labels[..., None] == np.arange(classes)).astype(np.int64))


def dropout(input, p=0.5, training=True, inplace=False):
    """Each element 0 with probability p, the others divided by 1 - p; with training=False, input.

    Source: Srivastava et al., "Dropout", JMLR 15 (2014). ValueError for p outside [0, 1],
    RuntimeError for integers.
    """
    tensor_argument(input, "input", "dropout")
    if not 0.0 <= p <= 1.0:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
    if not training or p == 0:
        return input
    if not input.is_floating_point():
        raise RuntimeError(f"dropout(): expected a floating-point input, but got {input.dtype}")
    if p == 1:
        scale = 0.0
    else:
        keep = random.default_generator.bernoulli(1 - p, input._array.shape)
        scale = wrap(keep / input._array.dtype.type(1 - p))
    return input.mul_(scale) if inplace else input * scale
