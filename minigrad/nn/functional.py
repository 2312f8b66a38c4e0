"""The layers as functions, in PyTorch's names and order of arguments."""

# ruff: noqa: F401, I001, several names to a line
from ..ops.conv import (conv1d, conv2d, conv3d, conv_transpose1d, conv_transpose2d, conv_transpose3d, convolve1d,
                        convolve2d, convolve3d)
from ..ops.dropout import dropout, dropout2d
from ..ops.fold import fold, unfold
from ..ops.loss import (binary_cross_entropy, binary_cross_entropy_with_logits, cross_entropy, l1_loss, log_softmax,
                        mse_loss, nll_loss, one_hot, smooth_l1_loss, softmax)
from ..ops.matmul import linear
from ..ops.norm import batch_norm, layer_norm
from ..ops.pad import pad
from ..ops.pool import (adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d, avg_pool1d, avg_pool2d,
                        avg_pool3d, max_pool1d, max_pool2d, max_pool3d)
from ..ops.unary import elu, gelu, leaky_relu, logsigmoid, relu6, sigmoid, silu, softplus, tanh
from ..ops.unary import relu as _relu


def relu(input, inplace=False):
    """max(input, 0), any shape; with inplace, written into the input itself.

    >>> import minigrad
    >>> minigrad.nn.functional.relu(minigrad.tensor([0.25, -1.5]))
    tensor([0.2500, 0.0000])
    """
    return input.relu_() if inplace else _relu(input)


__all__ = sorted(name for name, value in globals().items() if callable(value) and name[0] != "_")
