"""Softmax, the losses, and what goes with them.

Where nothing else is said, a loss takes reduction="mean" (a number), "sum" (a number) or "none" (the loss of each
element), and raises TypeError for what is no Tensor, ValueError for an unknown reduction.
"""

import warnings

import numpy as np

# ruff: noqa: I001, several names to a line
from .. import kernels
from ..engine import Operator, is_grad_enabled, wrap
from .common import (cast, check_size, float_argument, int_argument, normal_dim, numpy_names, plain, promote,
                     same_dtype, tensor_argument, wrong_size)
from .elementwise import Keep, clamp, where
from .index import take
from .shape import reshape, unsqueeze
from .table import define, named
from .unary import abs, exp, log, logsigmoid, sign


def exp_shares(x, dim):
    z = np.exp(kernels.below_max(x, dim))  # of x alone it would overflow
    z /= np.add.reduce(z, axis=dim, keepdims=True)
    return z


def log_exp_shares(x, dim):
    z = kernels.below_max(x, dim)
    z -= np.log(np.add.reduce(np.exp(z), axis=dim, keepdims=True))
    return z


def lifted(x):
    """x, at least 1e-12 (which PyTorch rounds to a float32), with the gradient of x: that of a clamp would be 0."""
    return x + wrap(np.maximum(np.float32(1e-12) - x._array, 0))


Softmax = define("Softmax", exp_shares, lambda g, z, dim: z * (g - (g * z).sum(dim, keepdim=True)))
LogSoftmax = define("LogSoftmax", log_exp_shares, lambda g, z, dim: g - exp(z) * g.sum(dim, keepdim=True))
SmoothL1 = define("SmoothL1Loss",
                  lambda x, beta: kernels.where(np.abs(x) < beta, 0.5 * x * x / beta, np.abs(x) - 0.5 * beta),
                  lambda g, x, beta: g * where(abs(x) == beta, sign(x), clamp(x, -beta, beta) / beta))
BinaryCrossEntropy = define("BinaryCrossEntropy",
                            lambda x, y: (y - 1) * np.maximum(np.log1p(-x), -100) - y * np.maximum(np.log(x), -100),
                            lambda g, x, y: g * (x - y) / lifted(x * (1 - x)),
                            lambda g, x: g * (log(1 - x) - log(x)))


class CrossEntropy(Operator):
    """z = log sum e^x - x[label] over the classes, or their mean or sum;  dx = g (softmax x - one-hot label).

    One operator for what log_softmax and nll_loss do together: a third fewer to run for a small network.
    """

    uses = ((0,),)

    def forward(self, x, *, labels, dim, reduction):
        losses, self.slope = kernels.class_losses(x, labels, dim)
        self.labels, self.dim = labels.copy(), dim  # they may change before there are derivatives of derivatives
        self.each, self.scale = reduction == "none", 1 / losses.size if reduction == "mean" else 1.0
        return losses if self.each else np.add.reduce(losses, axis=None) * x.dtype.type(self.scale)

    def backward(self, g):
        g = unsqueeze(g, self.dim) if self.each else g * self.scale
        if is_grad_enabled():  # for derivatives of derivatives
            (x,) = self.inputs
            ones = np.zeros(x.shape, x._array.dtype)
            np.put_along_axis(ones, np.expand_dims(self.labels, self.dim), 1, self.dim)
            return (Softmax.apply(x, dim=self.dim) - wrap(ones)) * g
        return wrap(self.slope) * g

    def release(self):
        super().release()
        self.slope = None

    def name(self):
        return "NllLossBackward0"


@numpy_names
def softmax(input, dim=None, dtype=None):
    """e^x / sum e^x along `dim`, in `dtype` if that is given. Any shape; IndexError for a wrong dim,
    NotImplementedError for integers.

        >>> from minigrad import tensor
        >>> tensor([0.0, 0.0, 1000.0]).softmax(0)
        tensor([0., 0., 1.])
    """
    return _along(Softmax, input, dim, dtype, "softmax")


@numpy_names
def log_softmax(input, dim=None, dtype=None):
    """log softmax(input), without the underflow of taking the logarithm of a softmax. Arguments as there.

        >>> from minigrad import tensor
        >>> tensor([0.0, 0.0, 1000.0]).log_softmax(0)
        tensor([-1000., -1000.,     0.])
    """
    return _along(LogSoftmax, input, dim, dtype, "log_softmax")


def _along(operator, input, dim, dtype, function):
    x = tensor_argument(input, "input", function).to(dtype=dtype)
    if dim is None:
        warnings.warn(f"Implicit dimension choice for {function} has been deprecated. Change the call to include "
                      "dim=X as an argument.", stacklevel=4)
        dim = 0 if x.ndim in (0, 1, 3) else 1
    return operator.apply(x, dim=normal_dim(dim, float_argument(x, "input", function).ndim))


# ---- losses of classes


def nll_loss(input, target, weight=None, size_average=None, ignore_index=-100, reduce=None, reduction="mean"):
    """-input[n, target[n]], the negative log-likelihood of log-probabilities.

    input (C), (N, C) or (N, C, *size) floating point; target (), (N) or (N, *size) of class numbers
    (int64, the first two also uint8); weight (C) or None: a factor for each class, and in the mean its denominator.
    Targets equal to ignore_index count for nothing.
    IndexError for a target outside [0, C), ValueError for batch sizes that differ, RuntimeError for
    other wrong shapes and dtypes.

        >>> from minigrad import nn, tensor
        >>> nn.functional.nll_loss(tensor([[-0.1, -2.4], [-1.6, -0.2]]), tensor([0, 1]))
        tensor(0.1500)
    """
    reduction = check_reduction(reduction, size_average, reduce)
    labels, _ = _labels(input, target, weight, ignore_index, "nll_loss")
    return _likelihood(input, labels, labels != ignore_index, weight, reduction)


def cross_entropy(input, target, weight=None, size_average=None, ignore_index=-100, reduce=None, reduction="mean",
                  label_smoothing=0.0):
    """nll_loss(log_softmax(input, 1), target): the loss for classes, from raw scores (logits).

    Shapes, `weight`, `ignore_index`, `reduction` and errors as in `nll_loss`. A floating-point target
    of input's shape holds probabilities: the loss is -sum target log_softmax(input).
    label_smoothing mixes the target with the uniform distribution over the C classes.
    Source: Szegedy et al., "Rethinking the Inception Architecture", arXiv:1512.00567 (label smoothing).

        >>> from minigrad import nn, tensor
        >>> nn.functional.cross_entropy(tensor([[0.0, 0.0], [0.0, 100.0]]), tensor([0, 1]), reduction="none")
        tensor([0.6931, 0.0000])
    """
    reduction = check_reduction(reduction, size_average, reduce)
    function, smoothing = "cross_entropy", label_smoothing
    y, x = tensor_argument(target, "target", function)._array, tensor_argument(input, "input", function)._array
    soft = y.shape == x.shape
    if soft and y.dtype.kind != "f":
        raise RuntimeError(f"{function}(): Expected floating point type for target with class probabilities (it has "
                           f"the shape of the input, {list(x.shape)}), got {target.dtype.text}")
    dim = normal_dim(0 if x.ndim == 1 else 1, x.ndim)
    if not 0.0 <= smoothing <= 1.0:
        raise RuntimeError(f"{function}(): label_smoothing must be between 0.0 and 1.0. Got: {smoothing}")
    if not soft:
        labels, all_count = _labels(input, target, weight, ignore_index, function)
        if weight is None and not smoothing and x.size and all_count:
            return CrossEntropy.apply(input, labels=labels, dim=dim, reduction=reduction)
        return _likelihood(log_softmax(input, dim), labels, labels != ignore_index, weight, reduction, smoothing)
    if int_argument(ignore_index, "ignore_index", function) >= 0:
        raise RuntimeError(f"{function}(): ignore_index={ignore_index} is not supported for floating point target")
    _check_weight(input, weight, function)
    classes = max(input.shape[dim], 1)
    if smoothing:
        target = (1 - smoothing) * target + smoothing / classes
    return _reduce(_expected(log_softmax(input, dim), target, weight), reduction, None, input.numel() / classes)


def _likelihood(log_p, labels, counts, weight, reduction, smoothing=0.0):
    """-log_p[n, labels[n]], weighed, where it `counts`; smoothed with the mean over the classes."""
    dim = min(log_p.ndim, 2) - 1
    safe = np.where(counts, labels, 0).astype(np.int64)
    factors = counts.astype(log_p._array.dtype) * (1 if weight is None else weight._array[safe])
    losses = -take(Keep.apply(log_p), safe, dim, "NllLoss") * wrap(factors)
    if smoothing:
        losses = (1 - smoothing) * losses + smoothing * _expected(log_p, 1 / max(log_p.shape[dim], 1), weight)
    losses = where(wrap(counts), losses, 0.0)  # a choice, because a product with 0 would keep what is infinite
    return _reduce(losses, reduction, None if smoothing else "NllLoss", float(factors.sum()) or np.nan)


def _expected(log_p, q, weight):
    """-sum of q log_p over the classes, weighed."""
    dim = min(log_p.ndim, 2) - 1
    losses = log_p * q
    if weight is not None:
        losses = losses * reshape(weight, (-1, *[1] * (log_p.ndim - 1 - dim)))
    return -losses.sum(dim)


def _labels(input, target, weight, ignore_index, function):
    """The checked class numbers as an ndarray, and whether it is certain that ignore_index is not among them."""
    size = float_argument(input, "input", function)._array.shape
    labels = tensor_argument(target, "target", function)._array
    int_argument(ignore_index, "ignore_index", function)
    if len(size) == 1 and labels.shape == (1,):
        labels = labels.reshape(())
    expected = size[:1] + size[2:] if len(size) > 1 else ()
    if not size or labels.shape != expected:
        error = RuntimeError if size and labels.shape[:1] == expected[:1] else ValueError  # PyTorch's classes
        raise wrong_size(f"{function}(): for an input of shape {list(size)}, its batch_size first, the target "
                         f"must have the shape {list(expected)}, but it has {list(labels.shape)}", input,
                         labels.shape[:1], error=error)
    if labels.dtype != np.int64 and (labels.dtype != np.uint8 or labels.ndim > 1):
        raise RuntimeError(f"{function}(): expected scalar type Long for argument 'target', not {target.dtype.text}")
    if weight is not None:
        same_dtype(input, weight, "weight", function)
        _check_weight(input, _constant(weight, "weight", function), function)
    classes = size[min(len(size), 2) - 1]
    labels = labels.astype(np.int64, copy=False)
    wrong = labels.view(np.uint64) >= classes  # a negative number is a large one
    if not np.count_nonzero(wrong):
        return labels, not 0 <= ignore_index < classes
    if (wrong := wrong & (labels != ignore_index)).any():
        raise IndexError(f"{function}(): Target {labels[wrong].flat[0]} is out of bounds: there are "
                         f"{classes} classes (input {list(input.shape)})")
    return labels, False


def _check_weight(input, weight, function):
    """RuntimeError unless there is a weight for each class, or none at all."""
    if weight is not None:
        if tensor_argument(weight, "weight", function).shape != input.shape[min(input.ndim, 2) - 1:][:1]:
            raise RuntimeError(f"{function}(): weight must have one element for each class of the input "
                               f"{list(input.shape)}, but it has the shape {list(weight.shape)}")


# ---- losses of two classes


def binary_cross_entropy(input, target, weight=None, size_average=None, reduce=None, reduction="mean"):
    """-target log(input) - (1 - target) log(1 - input), for probabilities. No logarithm counts below -100.

    input and target of one shape (ValueError) and dtype, float32 or float64, both within [0, 1]; weight None or of
    a shape that broadcasts to theirs: a factor for each element. RuntimeError for what is wrong with these.

        >>> from minigrad import nn, tensor
        >>> nn.functional.binary_cross_entropy(tensor([0.5, 0.0]), tensor([1.0, 1.0]), reduction="none")
        tensor([  0.6931, 100.0000])
    """
    function = "binary_cross_entropy"
    same_dtype(input, target, "target", function)
    reduction = _check_binary(input, target, function, reduction, size_average, reduce)
    for name, x in (("input", input._array), ("target", target._array)):
        if not ((x >= 0) & (x <= 1)).all():
            raise RuntimeError(f"{function}(): all elements of {name} should be between 0 and 1")
    losses = _weigh(BinaryCrossEntropy.apply(input, target), weight, "weight", function)
    return _reduce(losses, reduction, "BinaryCrossEntropy")


def binary_cross_entropy_with_logits(input, target, weight=None, size_average=None, reduce=None, reduction="mean",
                                     pos_weight=None):
    """binary_cross_entropy(sigmoid(input), target), also where the sigmoid is 0 or 1.

    input and target of one shape (ValueError), floating point; weight and pos_weight None or of a shape that
    broadcasts to theirs: a factor for each element, and one for the part of the positive class only.
    RuntimeError for what is wrong with these.

        >>> from minigrad import nn, tensor
        >>> nn.functional.binary_cross_entropy_with_logits(tensor([0.0, -1e4]), tensor([1.0, 1.0]), reduction="none")
        tensor([6.9315e-01, 1.0000e+04])
    """
    function = "binary_cross_entropy_with_logits"
    reduction = _check_binary(input, target, function, reduction, size_average, reduce)
    if target._array.dtype.kind != "f":
        raise RuntimeError(f"{function}(): expected a floating-point target, but got {target.dtype}")
    positive = _weigh(target, pos_weight, "pos_weight", function)
    losses = cast((target - 1) * logsigmoid(-input) - positive * logsigmoid(input), target._array.dtype)
    return _reduce(_weigh(losses, weight, "weight", function), reduction, "BinaryCrossEntropyWithLogits")


def _check_binary(input, target, function, *reduction):
    if tensor_argument(target, "target", function).shape != tensor_argument(input, "input", function).shape:
        raise ValueError(f"{function}(): target size ({target.shape}) must be the same as input size ({input.shape})")
    float_argument(input, "input", function)
    return check_reduction(*reduction)


def _weigh(x, weight, name, function):
    """x * weight, of x's shape and dtype."""
    if weight is None:
        return x
    weighed = x * _constant(weight, name, function)
    if weighed.shape != x.shape:
        raise RuntimeError(f"{function}(): {name} of shape {list(weight.shape)} does not broadcast to {list(x.shape)}")
    return cast(weighed, x._array.dtype)


def _constant(weight, name, function):
    if tensor_argument(weight, name, function).requires_grad and is_grad_enabled():
        raise RuntimeError(f"{function}() is not differentiable with respect to argument '{name}': detach() it")
    return weight


# ---- losses of numbers


def l1_loss(input, target, size_average=None, reduce=None, reduction="mean", weight=None):
    """|input - target|, broadcast. A UserWarning where the two shapes differ: with (N, 1) against (N) it is rarely
    what was meant. weight (of input's shape, ValueError): factors, and in the mean their sum is the denominator.

        >>> from minigrad import nn, tensor
        >>> nn.functional.l1_loss(tensor([1.0, 2.0]), tensor([0.0, 4.0]))
        tensor(1.5000)
    """
    differences, reduction = _differences("l1_loss", input, target, weight, reduction, size_average, reduce)
    return _reduce(abs(differences), reduction, weight=weight)


def mse_loss(input, target, size_average=None, reduce=None, reduction="mean", weight=None):
    """(input - target)^2. Arguments as in `l1_loss`; NotImplementedError if both are integers.

        >>> from minigrad import nn, tensor
        >>> nn.functional.mse_loss(tensor([1.0, 2.0]), tensor([0.0, 4.0]))
        tensor(2.5000)
    """
    differences, reduction = _differences("mse_loss", input, target, weight, reduction, size_average, reduce)
    return _reduce(differences * differences, reduction, "MseLoss", weight=weight)


def smooth_l1_loss(input, target, size_average=None, reduce=None, reduction="mean", beta=1.0):
    """With d = input - target: d^2 / (2 beta) where |d| < beta, else |d| - beta / 2.

    Arguments as in `l1_loss`, which it is for beta=0; NotImplementedError if both are integers, RuntimeError for
    beta < 0. Source: Girshick, "Fast R-CNN", arXiv:1504.08083.

        >>> from minigrad import nn, tensor
        >>> nn.functional.smooth_l1_loss(tensor([0.5, 2.0]), tensor([0.0, 4.0]), reduction="none")
        tensor([0.1250, 1.5000])
    """
    beta = plain(beta)
    if not beta >= 0:
        raise RuntimeError(f"smooth_l1_loss does not support negative values for beta, but beta={beta}")
    differences, reduction = _differences("smooth_l1_loss", input, target, None, reduction, size_average, reduce)
    if not beta:
        return _reduce(abs(differences), reduction)
    return _reduce(SmoothL1.apply(differences, beta=beta), reduction, "SmoothL1Loss")


def _differences(function, input, target, weight, *reduction):
    """input - target, checked, and the reduction."""
    reduction = check_reduction(*reduction)
    tensor_argument(input, "input", function)
    tensor_argument(target, "target", function)
    if weight is not None and tensor_argument(weight, "weight", function).shape != input.shape:
        raise ValueError(f"{function}(): weight {list(weight.shape)} and input {list(input.shape)} must have one size")
    if input.shape != target.shape:
        warnings.warn(f"Using a target size ({target.shape}) that is different to the input size ({input.shape}). "
                      "This will likely lead to incorrect results due to broadcasting. Please ensure they have the "
                      "same size.", stacklevel=3)
        input, target = (x if x.ndim else unsqueeze(x, 0) for x in (input, target))  # no dtype counts less as 0-d
    if function != "l1_loss":
        if target._array.dtype.kind != "f":
            float_argument(input, "input", function)
        input, target = promote(input, target)  # bools, too
    return input - target, reduction


def _reduce(losses, reduction, name=None, total=None, weight=None):
    """The losses, their sum, or their mean: the sum divided by `total`, or by their number, or that of the weights.

    `name` is what PyTorch prints for the operator that this loss is there.
    """
    if weight is not None:
        losses, name, total = losses * weight, None, weight.sum()
    if reduction == "mean":
        losses = losses.mean() if total is None else losses.sum() / total
    elif reduction == "sum":
        losses = losses.sum()
    return named(losses, name)


def check_reduction(reduction, size_average=None, reduce=None):
    """The reduction, also by PyTorch's two older arguments, with a warning. ValueError for an unknown one."""
    if size_average is not None or reduce is not None:
        mean, each = size_average is None or size_average, reduce is not None and not reduce
        reduction = "none" if each else "mean" if mean else "sum"
        warnings.warn("size_average and reduce args will be deprecated, please use "
                      f"reduction='{reduction}' instead.", stacklevel=3)
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"{reduction} is not a valid value for reduction: it must be 'none', 'mean' or 'sum'")
    return reduction


# ---- and what goes with them


def one_hot(input, num_classes=-1):
    """A new last dimension, 1 at the class number and 0 elsewhere: (*) int64 -> (*, num_classes) int64.

    num_classes=-1 takes the largest number there is, plus one. RuntimeError for negative or too
    large class numbers.

        >>> from minigrad import nn, tensor
        >>> nn.functional.one_hot(tensor([0, 2]))
        tensor([[1, 0, 0],
                [0, 0, 1]])
    """
    labels = tensor_argument(input, "input", "one_hot")._array
    if labels.dtype != np.int64:
        raise RuntimeError(f"one_hot is only applicable to index tensor of type LongTensor, not {input.dtype}")
    classes = int_argument(num_classes, "num_classes", "one_hot")
    classes = int(labels.max(initial=-1)) + 1 if classes == -1 else classes
    if classes < 1 or ((labels < 0) | (labels >= classes)).any():
        raise RuntimeError(f"one_hot(): class values must be in [0, num_classes), but num_classes={num_classes} and "
                           f"they are in [{labels.min(initial=classes)}, {labels.max(initial=-1)}]")
    check_size((*labels.shape, classes), 8, "one_hot")
    return wrap((labels[..., None] == np.arange(classes)).astype(np.int64))
