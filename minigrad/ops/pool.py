"""Max and average pooling, over windows of a given size or over as many windows as are wanted.

Max pooling remembers which element of each window won. With these indices fixed, the gradient
scatters g to the winners, and the gradient of that gathers from them: each undoes the other.

    MaxPool(x)      y = the winners                  dx = Scatter(g)
    Scatter(g)      zeros with g added at indices    dg = Gather(gg)
    Gather(x)       x at indices                     dx = Scatter(g)

Average pooling is a convolution with a kernel of ones, divided by how many elements a window holds.
The windows of adaptive pooling differ in size: they are taken one by one, along one dimension after the other.
"""

import inspect
import math
from functools import lru_cache

import numpy as np

from .. import dtypes, kernels
from ..engine import Operator, wrap
from .arrange import cat
from .common import bool_argument, cast, check_size, float_argument, int_argument, per_dimension, tensor_argument
from .conv import conv
from .elementwise import Keep, flat
from .pad import pad
from .reduce import mean
from .shape import index_at, reshape, squeeze, unsqueeze
from .table import define, documented, named


class MaxPool(Operator):
    """y = the largest element of each window (the first of equals; NaN is the largest)."""

    uses = ((0,),)
    keeps = True

    def forward(self, x, *, kernel, stride, padding, dilation, out):
        self.plane, self.window = x.shape[2:], (kernel, stride, padding, dilation, out)
        y, self.indices = kernels.max_pool(x, kernel, stride, padding, dilation, out)
        return y, self.indices

    def backward(self, g, _):
        return flat(Scatter.apply(g, indices=self.indices, plane=self.plane), *self.inputs)

    def name(self):
        return f"MaxPool{len(self.plane)}DWithIndicesBackward0"


# y = zeros, with x added at flat indices into each plane; and x at them, 0 at the index -1
Scatter = define("MaxPoolScatter", lambda x, indices, plane: kernels.scatter_plane(x, indices, plane),
                 lambda g, **places: Gather.apply(g, **places))
Gather = define("MaxPoolGather", lambda x, indices, plane: kernels.gather_plane(x, indices),
                lambda g, **places: Scatter.apply(g, **places))


def max_pool(function, dims, input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False,
             return_indices=False):
    """The largest element of each window: y[n, c, o] = max over k of x[n, c, o stride + k dilation - padding].

    input (N, C, *size) with {dims} sizes, or without N; the others an int or {dims} of them; stride is kernel_size
    unless given; padding counts as minus infinity, at most half a window. ceil_mode lets the last window hang over
    the edge. Of equal elements the first one wins and gets the gradient; NaN is larger than any. With return_indices
    also the winners' int64 positions in their flattened plane. RuntimeError for sizes that do not go together,
    NotImplementedError for bools.

        >>> import minigrad
        >>> x = minigrad.arange(4.0).reshape({ones}4)
        >>> minigrad.{name}(x, ({size})).flatten()
        tensor([1., 3.])
    """
    x = _doubles(input, function) if input._array.dtype.kind in "iu" and (dims > 1 or return_indices) else input
    values, indices = MaxPool.apply(x, **_window(function, dims, x, kernel_size, stride, padding, dilation, ceil_mode))
    values = cast(values, input._array.dtype)
    return (values, indices.long()) if return_indices else values


def avg_pool(function, dims, input, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True,
             divisor_override=None):
    """The mean of each window: y[n, c, o] = sum over k of x[n, c, o stride + k - padding] / count.

    input (N, C, *size) with {dims} sizes, or without N; the others an int or {dims} of them; stride is kernel_size
    unless given. The zeros of the padding count as elements unless count_include_pad is False; divisor_override (not
    of avg_pool1d) divides by another number. RuntimeError for sizes that do not go together, NotImplementedError for
    integers but int64.

        >>> import minigrad
        >>> x = minigrad.arange(4.0).reshape({ones}4)
        >>> minigrad.nn.functional.{name}(x, ({size})).flatten()
        tensor([0.5000, 2.5000])
    """
    x = _doubles(input, function) if input._array.dtype == np.int64 else input
    if dims == 1 and divisor_override is not None:
        raise TypeError("avg_pool1d() got an unexpected keyword argument 'divisor_override'")
    bool_argument(count_include_pad, "count_include_pad", function)
    window = _window(function, dims, x, kernel_size, stride, padding, 1, ceil_mode)
    kernel, stride, padding, _, out = window.values()
    n, c, *size = input.shape
    if dims == 3 and any(k > m for k, m in zip(kernel, size)):  # PyTorch's rule, of this function only
        raise RuntimeError(f"{function}(): input {list(input.shape)} is smaller than kernel_size={kernel}")
    if divisor_override is not None and int_argument(divisor_override, "divisor_override", function) == 0:
        raise RuntimeError(f"{function}(): divisor must be not zero: divisor_override=0")
    border, counts = [], []
    for m, k, s, p, o in zip(size, kernel, stride, padding, out):
        start, counted = np.arange(o) * s - p, p if count_include_pad else 0
        # Windows that hang over the far edge (ceil_mode) count only what lies inside the padding.
        counts.append(np.minimum(start + k, m + counted) - np.maximum(start, -counted))
        border = [p, max((o - 1) * s + k - m - p, 0), *border]
    ones = wrap(np.ones((1, 1, *kernel), x._array.dtype))
    x = reshape(Keep.apply(x), (n * c, 1, *size))  # every channel an image of its own, convolved with ones
    sums = conv(pad(x, border) if any(border) else x, ones, None, stride, 0, 1, 1, dims)
    count = wrap(np.asarray(math.prod(np.ix_(*counts)), sums._array.dtype))
    means = reshape(sums, (n, c, *out)) / (count if divisor_override is None else divisor_override)
    return named(cast(means, input._array.dtype), f"AvgPool{dims}D")


def adaptive_avg_pool(function, dims, input, output_size):
    """The mean of each of `output_size` windows: window i of o covers the elements floor(i n / o) to
    ceil((i + 1) n / o) of n.

    input (N, C, *size) with {dims} sizes, or without N; output_size an int or {dims} of them (in 2 or 3 dimensions
    None for the size of the input). RuntimeError for sizes that do not go together, NotImplementedError for integers.

        >>> import minigrad
        >>> x = minigrad.arange(4.0).reshape({ones}4)
        >>> minigrad.nn.functional.{name}(x, 1).flatten()
        tensor([1.5000])
    """
    if dims > 1 and isinstance(output_size, (tuple, list)):
        if len(output_size) != dims:
            raise RuntimeError(f"{function}(): output_size must be {dims} values, but got {output_size}")
        output_size = [n if o is None else o for n, o in zip(input.shape[2:], output_size)]
    out = per_dimension(output_size, dims, "output_size", function, least=0)
    check_size([*input.shape[:2], *out], 8, function)
    if set(out) == {1}:
        return mean(input, tuple(range(2, input.ndim)), keepdim=True)
    _check(function, input, 2)
    input = Keep.apply(input)
    for dim, o in enumerate(out, 2):
        n = input.shape[dim]
        windows = [input[index_at(dim, slice(i * n // o, -(-(i + 1) * n // o)))] for i in range(o)]
        means = [mean(window, dim, keepdim=True) for window in windows]
        input = cat([input[index_at(dim, slice(0))], *means], dim)  # of something, even if there is no window
    return named(input, f"AdaptiveAvgPool{dims}D")


def _doubles(input, function):
    """Integers as float64, in which every one that is not huge is itself."""
    if input.numel() and max(int(input._array.max()), -int(input._array.min())) > 2**53:
        raise NotImplementedError(f"{function}(): argument 'input' has integers beyond 2**53")
    return cast(input, dtypes.float64.numpy)


def _window(function, dims, input, kernel_size, stride, padding, dilation, ceil_mode):
    """The checked parameters of a pooling operator, by name."""
    kernel = per_dimension(kernel_size, dims, "kernel_size", function, least=1)
    if stride is None or isinstance(stride, (tuple, list)) and not stride:
        stride = kernel
    else:
        stride = per_dimension(stride, dims, "stride", function, least=1)
    padding = per_dimension(padding, dims, "padding", function, least=0)
    dilation = per_dimension(dilation, dims, "dilation", function, least=1)
    bool_argument(ceil_mode, "ceil_mode", function)
    window = _geometry(function, input._array.shape, kernel, stride, padding, dilation, ceil_mode)
    _check(function, input, 1)
    return window


@lru_cache(maxsize=256)
def _geometry(function, size, kernel, stride, padding, dilation, ceil_mode):
    """The parameters again, with `out`, once they were seen to go together; ints are ints by now."""
    if any(2 * p > k for p, k in zip(padding, kernel)):
        raise RuntimeError(f"{function}(): pad should be smaller than or equal to half of kernel size, but got "
                           f"padding={padding} and kernel_size={kernel}")
    out = []
    for n, k, s, p, d in zip(size[2:], kernel, stride, padding, dilation):
        o = (n + 2 * p - d * (k - 1) - 1 + (s - 1 if ceil_mode else 0)) // s + 1
        # With ceil_mode the last window may hang over the edge, but must start inside the input or its left padding.
        out.append(o - 1 if ceil_mode and (o - 1) * s >= n + p else o)
    if min(out) < 1:
        raise RuntimeError(f"{function}(): given input size {list(size)} and kernel_size={kernel}, "
                           f"the calculated output size {[*size[:2], *out]} is too small")
    check_size([*size[:2], *out], 8, function)
    return dict(kernel=kernel, stride=stride, padding=padding, dilation=dilation, out=tuple(out))


def _check(function, input, first):
    """RuntimeError if a dimension has no elements, from the `first` on; NotImplementedError unless floating point."""
    if 0 in input._array.shape[first:]:
        raise RuntimeError(f"{function}(): Expected a non-empty tensor, with optional 0 dim batch size, for input, but "
                           f"got: {list(input.shape)}")
    float_argument(input, "input", function)


# ---- the public functions


def family(generic):
    """The functions of 1, 2 and 3 dimensions made of `generic`, which take an input without a batch, too."""
    parameters = list(inspect.signature(generic).parameters.values())[2:]
    text, generic.__doc__ = generic.__doc__, None  # it has gaps: those of the three functions fill them

    def of(dims):
        def function(input, *args, **kwargs):
            ndim = tensor_argument(input, "input", name).ndim
            if ndim not in (dims + 1, dims + 2):
                kind = IndexError if name == "avg_pool2d" and ndim < 3 else RuntimeError  # as in PyTorch
                raise kind(f"{name}(): Expected {dims + 1}D or {dims + 2}D (batch mode) tensor for input, but got: "
                           f"{list(input.shape)}")
            found = generic(name, dims, input if ndim > dims + 1 else unsqueeze(input, 0), *args, **kwargs)
            if ndim == dims + 1:
                found = tuple(squeeze(x, 0) for x in found) if isinstance(found, tuple) else squeeze(found, 0)
            return found

        name = f"{generic.__name__}{dims}d"
        function.__signature__ = inspect.Signature(
            [p for p in parameters if (name, p.name) != ("avg_pool1d", "divisor_override")])
        function.__doc__ = text
        return documented(function, name, dims=dims, ones="1, " * dims, size="1, " * (dims - 1) + "2")

    return map(of, (1, 2, 3))


max_pool1d, max_pool2d, max_pool3d = family(max_pool)
avg_pool1d, avg_pool2d, avg_pool3d = family(avg_pool)
adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d = family(adaptive_avg_pool)
