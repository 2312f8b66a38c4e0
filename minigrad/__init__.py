"""minigrad: a deep-learning framework small enough to read in an evening and fast enough to use.

    >>> import minigrad
    >>> x = minigrad.tensor([1.0, 2.0, 3.0], requires_grad=True)
    >>> (x ** 2).sum().backward()
    >>> x.grad
    tensor([2., 4., 6.])
"""

# First, because it explains what to do if the compiled modules are missing.
from .config import __version__, get_num_threads, set_num_threads, show_config

# isort: split
from math import inf, nan, pi

from . import autograd, backends, cuda, data, nn, optim, utils
from .autograd import enable_grad, inference_mode, is_grad_enabled, no_grad, set_grad_enabled
from .devices import device
from .dtypes import bool, double, dtype, float, float32, float64, int, int32, int64, long, uint8
from .nn.functional import (
    adaptive_avg_pool1d,
    avg_pool1d,
    dropout,
    layer_norm,
    max_pool1d,
    max_pool2d,
    max_pool3d,
)
from .ops.arrange import cat, flip, roll, stack, tril, triu
from .ops.compare import (
    allclose,
    bitwise_and,
    bitwise_not,
    bitwise_or,
    bitwise_xor,
    eq,
    equal,
    ge,
    gt,
    isclose,
    isfinite,
    isinf,
    isnan,
    le,
    logical_and,
    logical_not,
    logical_or,
    logical_xor,
    lt,
    ne,
)
from .ops.conv import conv1d, conv2d, conv3d, conv_transpose1d, conv_transpose2d, conv_transpose3d
from .ops.create import (
    arange,
    as_tensor,
    empty,
    empty_like,
    eye,
    from_dlpack,
    from_numpy,
    full,
    full_like,
    linspace,
    normal,
    ones,
    ones_like,
    rand,
    rand_like,
    randint,
    randn,
    randn_like,
    randperm,
    tensor,
    zeros,
    zeros_like,
)
from .ops.einsum import einsum
from .ops.elementwise import (
    add,
    clamp,
    clamp_max,
    clamp_min,
    clone,
    div,
    floor_divide,
    masked_fill,
    maximum,
    minimum,
    mul,
    pow,
    remainder,
    square,
    sub,
    where,
)
from .ops.index import diag, gather, nonzero, scatter
from .ops.loss import log_softmax, softmax
from .ops.matmul import bmm, dot, matmul, mm, mv, outer
from .ops.reduce import (
    all,
    amax,
    amin,
    any,
    count_nonzero,
    cumsum,
    logsumexp,
    mean,
    norm,
    prod,
    std,
    sum,
    var,
)
from .ops.shape import (
    broadcast_to,
    chunk,
    flatten,
    permute,
    ravel,
    reshape,
    split,
    squeeze,
    t,
    transpose,
    unflatten,
    unsqueeze,
)
from .ops.sort import argmax, argmin, argsort, max, min, sort, topk
from .ops.unary import (
    abs,
    ceil,
    cos,
    erf,
    exp,
    exp2,
    expm1,
    floor,
    log,
    log1p,
    log2,
    log10,
    neg,
    reciprocal,
    relu,
    round,
    rsqrt,
    sigmoid,
    sign,
    sin,
    sqrt,
    tan,
    tanh,
    trunc,
)
from .printing import set_printoptions
from .random import Generator, default_generator, get_rng_state, initial_seed, manual_seed, seed, set_rng_state
from .serialization import load, save
from .size import Size
from .tensor import Tensor, is_tensor, numel

# Other names of the same.
absolute, clip, concat, divide, multiply, subtract = abs, clamp, cat, div, mul, sub
