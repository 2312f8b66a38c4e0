"""Compiled kernels: arrays in, arrays out; they know neither tensors nor graphs.

    conv_forward, conv_input_grad, conv_weight_grad    convolution, closed under differentiation
    matmul                                             the matrix product, by the same loop
    max_pool, scatter_plane, gather_plane              max pooling, and its moves along indices
    erf, relu, relu_grad, sgd_step, where              in one pass through memory
    channel_sums, normalise, normalise_grad            sums over channels, and what is made of them
    below_max, class_losses                            of softmax, and of the cross-entropy
    set_num_threads, get_num_threads, has_openmp       threads; they never change a bit of a result
    simd_level, set_simd_level                         the instruction set of the kernels

The environment variable MINIGRAD_SIMD (baseline, avx2, avx512) chooses the instruction set.
"""

import os

from .channels import channel_sums, normalise, normalise_grad
from .conv import conv_forward, conv_input_grad, conv_weight_grad
from .elementwise import erf, relu, relu_grad, sgd_step, where
from .loops import set_simd_level, simd_level
from .matmul import matmul
from .pool import gather_plane, max_pool, scatter_plane
from .softmax import below_max, class_losses
from .threads import get_num_threads, has_openmp, set_num_threads

if "MINIGRAD_SIMD" in os.environ:
    try:
        set_simd_level(os.environ["MINIGRAD_SIMD"])
    except ValueError as error:
        raise ValueError(f"the environment variable MINIGRAD_SIMD is baseline, avx2 or avx512: {error}") from None
