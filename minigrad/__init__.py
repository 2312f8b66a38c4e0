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
from . import autograd, data, nn, optim
from .autograd import enable_grad, is_grad_enabled, no_grad, set_grad_enabled
from .dtypes import bool, double, dtype, float, float32, float64, int, int32, int64, long, uint8
from .nn.functional import conv2d, dropout, max_pool2d
from .ops.create import (
    arange,
    empty,
    empty_like,
    eye,
    from_numpy,
    full,
    full_like,
    linspace,
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
from .ops.elementwise import (
    abs,
    add,
    clamp,
    clone,
    cos,
    div,
    eq,
    exp,
    floor_divide,
    ge,
    gt,
    isnan,
    le,
    log,
    logical_and,
    logical_not,
    logical_or,
    lt,
    maximum,
    minimum,
    mul,
    ne,
    neg,
    pow,
    relu,
    remainder,
    sigmoid,
    sign,
    sin,
    sqrt,
    square,
    sub,
    tanh,
    where,
)
from .ops.loss import log_softmax, softmax
from .ops.matmul import matmul
from .ops.reduce import amax, amin, argmax, argmin, max, mean, min, prod, std, sum, var
from .ops.shape import (
    broadcast_to,
    cat,
    flatten,
    flip,
    permute,
    reshape,
    squeeze,
    stack,
    t,
    transpose,
    unsqueeze,
)
from .printing import set_printoptions
from .random import Generator, initial_seed, manual_seed, seed
from .serialization import load, save
from .size import Size
from .tensor import Tensor
