"""Max and average pooling, over windows of a given size or over as many windows as are wanted.

Max pooling remembers which element of each window won. With these indices fixed, the gradient
scatters g to the winners, and the gradient of that gathers from them: each undoes the other.

    MaxPool(x)      y = the winners                  dx = Scatter(g)
    Scatter(g)      zeros with g added at indices    dg = Gather(gg)
    Gather(x)       x at indices                     dx = Scatter(g)

Average pooling is a convolution with a kernel of ones, divided by how many elements a window holds.
The windows of adaptive pooling differ in size: they are gathered.
"""

import inspect
from functools import lru_cache

import numpy as np

from .. import dtypes, kernels
from ..engine import Operator, wrap
from .common import cast, check_size, int_argument, per_dimension, tensor_argument
from .conv import conv
from .pad import pad
from .reduce import mean
from .reduce import sum as sum_over
from .shape import reshape, unsqueeze
from .table import documented


class MaxPool(Operator):
    """y = the largest element of each window (the first of equals; NaN is the largest)."""

    def forward(self, x, *, kernel, stride, padding, dilation, out):
        self.plane = x.shape[2:]
        y, self.indices = kernels.max_pool(x, kernel, stride, padding, dilation, out)
        return y, self.indices

    def backward(self, g, _):
        return Scatter.apply(g, indices=self.indices, plane=self.plane)

    def name(self):
        return f"MaxPool{len(self.plane)}DWithIndicesBackward0"


class Scatter(Operator):
    """y = zeros, with x added at flat indices into each plane."""

    def forward(self, x, *, indices, plane):
        self.indices = indices
        return kernels.scatter_plane(x, indices, plane)

    def backward(self, g):
        return Gather.apply(g, indices=self.indices)


class Gather(Operator):
    """y = x at flat indices into each plane, 0 at the index -1."""

    def forward(self, x, *, indices):
        self.indices, self.plane = indices, x.shape[2:]
        return kernels.gather_plane(x, indices)

    def backward(self, g):
        return Scatter.apply(g, indices=self.indices, plane=self.plane)


def max_pool(function, dims, input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False,
             return_indices=False):
    """The largest element of each window: y[n, c, o] = max over k of x[n, c, o stride + k dilation - padding].

    input {shape}, or without N; each size an int or {dims} of them; stride is kernel_size unless given; padding
    counts as minus infinity, at most half a window. ceil_mode lets the last window hang over the edge. Of equal
    elements the first one wins and gets the gradient; NaN is larger than any. With return_indices also the winners'
    int64 positions in their flattened plane. RuntimeError for sizes that do not go together, NotImplementedError for
    bools.

        >>> import minigrad
        >>> x = minigrad.arange(8.0).reshape({x})
        >>> minigrad.{name}(x, 2).flatten()
        {max}
    """
    x = _doubles(input, function) if input._array.dtype.kind in "iu" and (dims > 1 or return_indices) else input
    values, indices = MaxPool.apply(x, **_window(function, dims, x, kernel_size, stride, padding, dilation, ceil_mode))
    values = cast(values, input._array.dtype)
    return (values, indices.long()) if return_indices else values


def avg_pool(function, dims, input, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True,
             divisor_override=None):
    """The mean of each window: y[n, c, o] = sum over k of x[n, c, o stride + k - padding] / count.

    input {shape}, or without N; each size an int or {dims} of them; stride is kernel_size unless given. The zeros of
    the padding count as elements unless count_include_pad is False; divisor_override (not of avg_pool1d) divides by
    another number. RuntimeError for sizes that do not go together, NotImplementedError for integers but int64.

        >>> import minigrad
        >>> x = minigrad.arange(8.0).reshape({x})
        >>> minigrad.nn.functional.{name}(x, 2).flatten()
        {avg}
    """
    dtype = input._array.dtype
    if dtype == np.int64:
        input = _doubles(input, function)
    if dims == 1 and divisor_override is not None:
        raise TypeError("avg_pool1d() got an unexpected keyword argument 'divisor_override'")
    _check_bool(count_include_pad, "count_include_pad", function)
    window = _window(function, dims, input, kernel_size, stride, padding, 1, ceil_mode)
    kernel, stride, padding, _, out = window.values()
    if dims == 3 and any(k > n for k, n in zip(kernel, input.shape[2:])):  # PyTorch's rule, of this function only
        raise RuntimeError(f"{function}(): input {list(input.shape)} is smaller than kernel_size={kernel}")
    sums = _window_sums(input, kernel, stride, padding, out)
    if divisor_override is not None:
        if int_argument(divisor_override, "divisor_override", function) == 0:
            raise RuntimeError(f"{function}(): divisor must be not zero: divisor_override=0")
        return cast(sums / divisor_override, dtype)
    # Windows that hang over the far edge (ceil_mode) count only what lies inside the padding.
    counts = np.ones(())
    for n, o, k, s, p in zip(input.shape[2:], out, kernel, stride, padding):
        starts = np.arange(o) * s - p
        ends = np.minimum(starts + k, n + p)
        if not count_include_pad:
            starts, ends = np.maximum(starts, 0), np.minimum(ends, n)
        counts = np.multiply.outer(counts, ends - starts)
    return cast(sums / wrap(counts.astype(sums._array.dtype)), dtype)


def adaptive_avg_pool(function, dims, input, output_size):
    """The mean of each of `output_size` windows: window i of o covers the elements floor(i n / o) to
    ceil((i + 1) n / o) of n.

    input {shape}, or without N; output_size an int or {dims} of them{none}. RuntimeError for sizes that do not go
    together, NotImplementedError for integers.

        >>> import minigrad
        >>> x = minigrad.arange(8.0).reshape({x})
        >>> minigrad.nn.functional.{name}(x, 1).flatten()
        tensor([3.5000])
    """
    n, c, *size = input.shape
    out = _output_size(function, dims, input, output_size)
    if set(out) == {1}:
        return mean(input, tuple(range(2, input.ndim)), keepdim=True)
    _check(function, input, 2)
    places = _places(size, out)
    sums = sum_over(Gather.apply(input, indices=np.tile(places, (n, c, 1, 1))), 3)
    return reshape(sums / wrap((places >= 0).sum(1).astype(input._array.dtype)), (n, c, *out))


def adaptive_max_pool(function, dims, input, output_size, return_indices=False):
    """The largest element of each of `output_size` windows, which are those of `adaptive_avg_pool{dims}d`.

    input {shape}, or without N; output_size an int or {dims} of them{none}. With return_indices also the winners'
    int64 positions in their flattened plane. RuntimeError for sizes that do not go together, NotImplementedError for
    integers.

        >>> import minigrad
        >>> x = minigrad.arange(8.0).reshape({x})
        >>> minigrad.nn.functional.{name}(x, 1).flatten()
        tensor([7.])
    """
    n, c, *size = input.shape
    out = _output_size(function, dims, input, output_size)
    _check(function, input, 1)
    places = _places(size, out)
    indices = np.tile(places, (n, c, 1, 1))
    windows = np.where(places < 0, -np.inf, kernels.gather_plane(input._array, indices))
    nan = np.isnan(windows)  # the last one wins, of other elements the first
    best = np.where(nan.any(3), places.shape[1] - 1 - nan[..., ::-1].argmax(3), windows.argmax(3))
    indices = np.take_along_axis(indices, best[..., None], 3).reshape(n, c, *out)
    values = Gather.apply(input, indices=indices)
    return (values, wrap(indices).long()) if return_indices else values


def _doubles(input, function):
    """Integers as float64, in which every one that is not huge is itself."""
    if input.numel() and max(int(input._array.max()), -int(input._array.min())) > 2**53:
        raise NotImplementedError(f"{function}(): argument 'input' has integers beyond 2**53")
    return cast(input, dtypes.float64.numpy)


def _window_sums(input, kernel, stride, padding, out):
    """The sum of each window: every channel an image of its own, convolved with ones."""
    n, c, *size = input.shape
    axes = reversed(list(zip(size, kernel, stride, padding, out)))
    border = [amount for m, k, s, p, o in axes for amount in (p, max((o - 1) * s + k - m - p, 0))]
    x = reshape(input, (n * c, 1, *size))
    ones = wrap(np.ones((1, 1, *kernel), input._array.dtype))
    sums = conv(pad(x, border) if any(border) else x, ones, None, stride, 0, 1, 1, len(kernel))
    return reshape(sums, (n, c, *out))


def _window(function, dims, input, kernel_size, stride, padding, dilation, ceil_mode):
    """The checked parameters of a pooling operator, by name."""
    kernel = per_dimension(kernel_size, dims, "kernel_size", function, least=1)
    if stride is None or stride == () or stride == []:
        stride = kernel
    stride = per_dimension(stride, dims, "stride", function, least=1)
    padding = per_dimension(padding, dims, "padding", function, least=0)
    dilation = per_dimension(dilation, dims, "dilation", function, least=1)
    _check_bool(ceil_mode, "ceil_mode", function)
    window = _geometry(function, input._array.shape, kernel, stride, padding, dilation, ceil_mode)
    _check(function, input, 1)
    return window


@lru_cache(maxsize=256)
def _geometry(function, size, kernel, stride, padding, dilation, ceil_mode):
    """The parameters again, with `out`, once they were seen to go together; ints are ints by now."""
    if any(2 * p > k for p, k in zip(padding, kernel)):
        raise RuntimeError(f"{function}(): pad should be smaller than or equal to half of kernel size, but got "
                           f"padding={padding} and kernel_size={kernel}")
    out = tuple(_pooled(*axis, ceil_mode) for axis in zip(size[2:], kernel, stride, padding, dilation))
    if min(out) < 1:
        raise RuntimeError(f"{function}(): given input size {list(size)} and kernel_size={kernel}, "
                           f"the calculated output size {[*size[:2], *out]} is too small")
    check_size([*size[:2], *out], 8, function)
    return dict(kernel=kernel, stride=stride, padding=padding, dilation=dilation, out=out)


def _pooled(n, k, s, p, d, ceil_mode):
    """The number of windows along one dimension; with ceil_mode the last may hang over the edge,
    but must start inside the input or its left padding."""
    room = n + 2 * p - d * (k - 1) - 1
    out = (room + (s - 1 if ceil_mode else 0)) // s + 1
    if ceil_mode and (out - 1) * s >= n + p:
        out -= 1
    return out


def _check_bool(value, argument, function):
    if not isinstance(value, bool):
        raise TypeError(f"{function}(): argument '{argument}' must be bool, not {type(value).__name__}")


def _check(function, input, first):
    """RuntimeError if a dimension has no elements, from the `first` on; NotImplementedError unless floating point."""
    if 0 in input.shape[first:]:
        raise RuntimeError(f"{function}(): Expected a non-empty tensor, with optional 0 dim batch size, for input, but "
                           f"got: {list(input.shape)}")
    if input._array.dtype.kind != "f":
        raise NotImplementedError(f"{function}(): not implemented for '{input.dtype.text}'")


def _output_size(function, dims, input, output_size):
    """The checked `output_size`, in which None stands for the size of the input."""
    if dims > 1 and isinstance(output_size, (tuple, list)):
        if len(output_size) != dims:
            raise RuntimeError(f"{function}(): output_size must be {dims} values, but got {output_size}")
        output_size = [n if o is None else o for n, o in zip(input.shape[2:], output_size)]
    out = per_dimension(output_size, dims, "output_size", function, least=0)
    check_size([*input.shape[:2], *out], 8, function)
    return out


def _places(size, out):
    """The elements of each window, as [windows, elements] flat places in a plane; -1 fills short ones up."""
    places = np.zeros((1, 1), np.int64)
    for n, o in zip(size, out):
        i = np.arange(o)
        starts, ends = i * n // max(o, 1), -(-(i + 1) * n // max(o, 1))
        steps = starts[:, None] + np.arange((ends - starts).max(initial=1))
        steps = np.where(steps < ends[:, None], steps, -1)
        a, b = places[:, None, :, None], steps[None, :, None, :]
        places = np.where((a < 0) | (b < 0), -1, a * n + b).reshape(a.shape[0] * o, a.shape[2] * b.shape[3])
    return places.astype(np.int32)


# ---- the public functions


def family(generic):
    """The functions of 1, 2 and 3 dimensions made of `generic`, which take an input without a batch, too."""
    parameters = list(inspect.signature(generic).parameters.values())[2:]
    text, generic.__doc__ = generic.__doc__, None  # it has gaps: those of the three functions fill them

    def of(dims):
        def function(input, *args, **kwargs):
            ndim = tensor_argument(input, "input", name).ndim
            if ndim == dims + 2:
                return generic(name, dims, input, *args, **kwargs)
            if ndim != dims + 1:
                kind = IndexError if name == "avg_pool2d" and ndim < 3 else RuntimeError  # as in PyTorch
                raise kind(f"{name}(): Expected {dims + 1}D or {dims + 2}D (batch mode) tensor for input, but got: "
                           f"{list(input.shape)}")
            found = generic(name, dims, unsqueeze(input, 0), *args, **kwargs)
            return tuple(x.squeeze(0) for x in found) if isinstance(found, tuple) else found.squeeze(0)

        name = f"{generic.__name__}{dims}d"
        function.__signature__ = inspect.Signature([p for p in parameters if name != "avg_pool1d" or
                                                    p.name != "divisor_override"])
        function.__doc__ = text
        return documented(function, name, dims=dims, **DOCUMENTATION[dims])

    return map(of, (1, 2, 3))


NONE = ", None for the size of the input"
DOCUMENTATION = {
    1: dict(shape="(N, C, L)", x="1, 8", max="tensor([1., 3., 5., 7.])",
            avg="tensor([0.5000, 2.5000, 4.5000, 6.5000])", none=""),
    2: dict(shape="(N, C, H, W)", x="1, 2, 4", max="tensor([5., 7.])", avg="tensor([2.5000, 4.5000])", none=NONE),
    3: dict(shape="(N, C, D, H, W)", x="1, 2, 2, 2", max="tensor([7.])", avg="tensor([3.5000])", none=NONE),
}  # fmt: skip
max_pool1d, max_pool2d, max_pool3d = family(max_pool)
avg_pool1d, avg_pool2d, avg_pool3d = family(avg_pool)
adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d = family(adaptive_avg_pool)
adaptive_max_pool1d, adaptive_max_pool2d, adaptive_max_pool3d = family(adaptive_max_pool)
