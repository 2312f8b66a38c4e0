"""Layers, losses, and the modules that hold their parameters."""

# ruff: noqa: I001, several names to a line
from . import functional, init, parameter, utils
from .conv import Conv1d, Conv2d, Conv3d, ConvTranspose1d, ConvTranspose2d, ConvTranspose3d, Fold, Unfold
from .layers import (ELU, Flatten, GELU, Identity, LeakyReLU, Linear, LogSigmoid, LogSoftmax, ReLU, ReLU6, Sigmoid,
                     SiLU, Softmax, Softplus, Tanh, Unflatten)
from .lazy import (LazyBatchNorm1d, LazyBatchNorm2d, LazyBatchNorm3d, LazyConv1d, LazyConv2d, LazyConv3d,
                   LazyConvTranspose1d, LazyConvTranspose2d, LazyConvTranspose3d, LazyLinear)
from .losses import BCELoss, BCEWithLogitsLoss, CrossEntropyLoss, L1Loss, MSELoss, NLLLoss, SmoothL1Loss
from .module import Module, ModuleList, Sequential
from .norm import BatchNorm1d, BatchNorm2d, BatchNorm3d, Dropout, Dropout2d, LayerNorm
from .parameter import Parameter, UninitializedBuffer, UninitializedParameter
from .pool import (AdaptiveAvgPool1d, AdaptiveAvgPool2d, AdaptiveAvgPool3d, AvgPool1d, AvgPool2d, AvgPool3d, MaxPool1d,
                   MaxPool2d, MaxPool3d)
