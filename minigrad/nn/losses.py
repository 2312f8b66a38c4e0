"""The losses as modules: each holds the arguments of its function."""

from ..ops.loss import check_reduction
from . import functional as F
from .simple import Simple


class Loss(Simple):
    """A loss as a module: it takes input and target. A weight is a buffer, saved with the model."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.reduction = check_reduction(self.reduction, self.size_average, self.reduce)
        self.size_average = self.reduce = None
        for name in self._names:
            if name.endswith("weight"):
                self.register_buffer(name, self.__dict__.pop(name))

    def forward(self, input, target):
        return self._function(input, target, **self._arguments())

    def extra_repr(self):
        return ""


OLD = {"size_average": None, "reduce": None, "reduction": "mean"}
CLASSES = {"weight": None, "size_average": None, "ignore_index": -100, "reduce": None, "reduction": "mean"}


class L1Loss(Loss, function=F.l1_loss, **OLD):
    """`functional.l1_loss` as a module.

        >>> from minigrad import nn, tensor
        >>> nn.L1Loss()(tensor([1.0, 2.0]), tensor([0.0, 4.0]))
        tensor(1.5000)
    """


class MSELoss(Loss, function=F.mse_loss, **OLD):
    """`functional.mse_loss` as a module.

        >>> from minigrad import nn, tensor
        >>> nn.MSELoss()(tensor([1.0, 2.0]), tensor([0.0, 4.0]))
        tensor(2.5000)
    """


class SmoothL1Loss(Loss, function=F.smooth_l1_loss, **OLD, beta=1.0):
    """`functional.smooth_l1_loss` as a module.

        >>> from minigrad import nn, tensor
        >>> nn.SmoothL1Loss()(tensor([1.0, 2.0]), tensor([0.0, 4.0]))
        tensor(1.)
    """


class BCELoss(Loss, function=F.binary_cross_entropy, weight=None, **OLD):
    """`functional.binary_cross_entropy` as a module: it takes probabilities.

        >>> from minigrad import nn, tensor
        >>> nn.BCELoss()(tensor([0.5, 0.9]), tensor([1.0, 1.0]))
        tensor(0.3993)
    """


class BCEWithLogitsLoss(Loss, function=F.binary_cross_entropy_with_logits, weight=None, **OLD, pos_weight=None):
    """`functional.binary_cross_entropy_with_logits` as a module: it takes raw scores.

        >>> from minigrad import nn, tensor
        >>> nn.BCEWithLogitsLoss()(tensor([0.0, 2.0]), tensor([1.0, 1.0]))
        tensor(0.4100)
    """


class NLLLoss(Loss, function=F.nll_loss, **CLASSES):
    """`functional.nll_loss` as a module: it takes log-probabilities.

        >>> from minigrad import nn, tensor
        >>> nn.NLLLoss()(tensor([[-0.1, -2.4]]), tensor([1]))
        tensor(2.4000)
    """


class CrossEntropyLoss(Loss, function=F.cross_entropy, **CLASSES, label_smoothing=0.0):
    """`functional.cross_entropy` as a module: it takes raw scores, not probabilities.

        >>> from minigrad import nn, tensor
        >>> nn.CrossEntropyLoss()(tensor([[0.0, 0.0]]), tensor([1]))
        tensor(0.6931)
    """
