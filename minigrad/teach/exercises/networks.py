"""The exercises of chapters 7 to 12: receptive fields, backward, networks, operators."""

import math

import numpy as np

from ... import tensor, zeros
from ...nn import functional as F
from .exercise import Exercise

EXERCISES = {}

# ---- 7: dilation and receptive fields


def dilate(k, d):
    """The kernel k (h, w) with d - 1 zeros between neighbours."""
    h, w = k.shape
    wide = zeros(d * (h - 1) + 1, d * (w - 1) + 1)
    wide[::d, ::d] = k
    return wide


def dilate_with_border(k, d):
    wide = zeros(d * k.shape[0], d * k.shape[1])
    wide[::d, ::d] = k
    return wide


def dilate_columns(k, d):
    wide = zeros(k.shape[0], d * (k.shape[1] - 1) + 1)
    wide[:, ::d] = k
    return wide


def receptive_size(layers):
    """For layers [(kernel, stride, dilation), ...], from the input on."""
    size = jump = 1
    for k, s, d in layers:
        size += d * (k - 1) * jump
        jump *= s
    return size


def receptive_size_late(layers):
    size = jump = 1
    for k, s, d in layers:
        jump *= s
        size += d * (k - 1) * jump
    return size


EXERCISES |= {
    "reach": Exercise(
        "Write reach(k, d): how many cells lie from the first to the last that k kernel elements with dilation d meet, "
        "both counted.",
        lambda k, d: d * (k - 1) + 1,
        cases=[(3, 1), (3, 2), (2, 4), (5, 3), (1, 7)],
        mistakes={
            "You multiplied k by d. Dilation multiplies the k - 1 steps between the elements.":
                lambda k, d: d * k,
            "You left the dilation out.": lambda k, d: k,
            "You widened the kernel once, by d - 1. Each of the k - 1 gaps grows by d - 1.": lambda k, d: k + d - 1,
            "You counted the steps from the first element to the last. There is one cell more than there are steps.":
                lambda k, d: d * (k - 1),
        }),
    "dilate": Exercise(
        "Write dilate(k, d): the kernel k, a tensor (h, w), with zeros put between its rows and columns, so that "
        "neighbours come to lie d cells apart.",
        dilate,
        cases=[(tensor([[1.0, 2.0], [3.0, 4.0]]), d) for d in (2, 1, 3)] + [(tensor([[1.0, -1.0, 5.0]]), 2)],
        mistakes={
            "You put zeros behind the last row and column too. They belong between the elements only.":
                dilate_with_border,
            "You put d zeros between two neighbours. Cells that lie d apart have d - 1 between them.":
                lambda k, d: dilate(k, d + 1),
            "You spread the columns and forgot the rows.": dilate_columns,
        }),
    "receptive_size": Exercise(
        "Write receptive_size(layers): how many cells of the input, along one axis, one output of a stack of layers "
        "sees. layers is a list of (kernel, stride, dilation), from the input on.",
        receptive_size,
        cases=[([(3, 1, 1), (3, 1, 1)],), ([(5, 1, 1), (2, 2, 1), (5, 1, 1), (2, 2, 1)],), ([(3, 1, 1), (3, 1, 2)],),
               ([(3, 2, 1), (3, 2, 3), (3, 1, 1)],), ([],)],
        mistakes={
            "You forgot the jump: behind a stride of 2, neighbours lie two cells of the input apart, and each step of "
            "the next kernel counts twice.":
                lambda layers: 1 + sum(d * (k - 1) for k, s, d in layers),
            "You multiplied the jump by a layer's stride before you used it. The stride of a layer spreads its "
            "outputs, so it counts for the layers after it.":
                receptive_size_late,
            "You left the dilation out.": lambda layers: receptive_size([(k, s, 1) for k, s, d in layers]),
            "You let dilation multiply k. It multiplies k - 1, the steps between the elements.":
                lambda layers: receptive_size([(d * k, s, 1) for k, s, d in layers]),
            "You started from 0. Without any layer an output is a cell of the input and sees that one: start from 1.":
                lambda layers: receptive_size(layers) - 1,
            "You went through the layers from the output on. The jump is the product of the strides before a layer.":
                lambda layers: receptive_size(layers[::-1]),
        }),
}

# ---- 8: how backward works


def pick_backward(index, g, n):
    """The gradient of x, n numbers, when y = x[index] received g."""
    dx = zeros(n)
    for i, gi in zip(index, g):
        dx[i] += gi
    return dx


def pick_backward_overwritten(index, g, n):
    dx = zeros(n)
    for i, gi in zip(index, g):
        dx[i] = gi
    return dx


def pick_backward_mean(index, g, n):
    counts = [max(1, list(index).count(i)) for i in range(n)]
    return pick_backward(index, g, n) / tensor(counts)


X, G = tensor([-2.0, 0.0, 3.0, -1.0, 4.0]), tensor([5.0, 6.0, -7.0, -8.0, 9.0])

EXERCISES |= {
    "relu_backward": Exercise(
        "Write relu_backward(x, g): the gradient of x, where y = max(x, 0) received the gradient g. At 0 it is 0.",
        lambda x, g: g * (x > 0),
        cases=[(X, G), (tensor([[1.0, -1.0]]), tensor([[2.0, 2.0]]))],
        mistakes={
            "You kept the gradient on the wrong side. ReLU passes numbers above 0, and so their gradients pass too.":
                lambda x, g: g * (x < 0),
            "You looked at the sign of g. What passes is decided by x, the number that went in.":
                lambda x, g: g * (g > 0),
            "You returned the slope of ReLU. The chain rule multiplies it by g, the gradient that arrives.":
                lambda x, g: (x > 0).float(),
            "You let the gradient pass at x = 0. minigrad and PyTorch both take 0 there.": lambda x, g: g * (x >= 0),
        }),
    "mse_backward": Exercise(
        "Write mse_backward(y, t): the gradient of y, where the loss is ((y - t) ** 2).mean().",
        lambda y, t: 2 * (y - t) / y.numel(),
        cases=[(tensor([1.0, 2.0, 4.0]), tensor([0.0, 5.0, 4.0])), (tensor([[3.0, 1.0], [0.0, 2.0]]), zeros(2, 2))],
        mistakes={
            "You forgot the 2: the slope of a square z ** 2 is 2 z.": lambda y, t: (y - t) / y.numel(),
            "This is the gradient of the sum. The loss is the mean, which divides by the count of the numbers.":
                lambda y, t: 2 * (y - t),
            "The sign is turned round. Where y is too large the loss grows with y, and its gradient is positive.":
                lambda y, t: 2 * (t - y) / y.numel(),
            "You divided by the length of the first dimension. mean() divides by the count of all numbers.":
                lambda y, t: 2 * (y - t) / len(y),
        }),
    "pick_backward": Exercise(
        "Write pick_backward(index, g, n): the gradient of x, a tensor of n numbers, where y = x[index] received the "
        "gradient g. index is a list of ints, in which one may come twice.",
        pick_backward,
        cases=[([2, 0], tensor([5.0, 7.0]), 3), ([1, 1, 3], tensor([2.0, 4.0, 8.0]), 4),
               ([0, 2, 0], tensor([1.0, -3.0, -6.0]), 3)],
        mistakes={
            "You overwrote the gradient. A number that is used twice receives two gradients, and they are added.":
                pick_backward_overwritten,
            "You took the mean of the gradients. They are added: each use moves the loss by itself.":
                pick_backward_mean,
            "You returned g as it came. The gradient of x has the shape of x, with 0 where a number was not used.":
                lambda index, g, n: g,
        }),
}

# ---- 9: LeNet-5

SCORES = tensor([[2.0, 1.0, -1.0], [0.0, 0.5, 3.0], [-1.0, 0.0, 1.0], [4.0, 0.0, 0.0]])
LABELS = tensor([0, 2, 1, 2])

EXERCISES |= {
    "accuracy": Exercise(
        "Write accuracy(scores, labels): scores is a tensor (N, classes), labels (N,) holds the right classes. Return "
        "the share of the rows whose largest score stands at the right class.",
        lambda scores, labels: (scores.argmax(1) == labels).float().mean().item(),
        cases=[(SCORES, LABELS), (SCORES[:3], LABELS[:3]), (SCORES[:3], tensor([1, 0, 0]))],
        mistakes={
            "You counted the right ones. The share is that count, divided by the number of rows.":
                lambda scores, labels: (scores.argmax(1) == labels).sum().item(),
            "You looked for the largest score of each column. A row belongs to an image: argmax(1).":
                lambda scores, labels: (scores.argmax(0) == labels).float().mean().item(),
            "You compared the largest scores with the labels. Compare where they stand: argmax, not max.":
                lambda scores, labels: (scores.max(1).values == labels).float().mean().item(),
            "This is the share of the wrong ones.":
                lambda scores, labels: (scores.argmax(1) != labels).float().mean().item(),
            "You gave it in percent. A share lies between 0 and 1: do not multiply by 100.":
                lambda scores, labels: 100 * (scores.argmax(1) == labels).float().mean().item(),
        }),
    "flat_features": Exercise(
        "Write flat_features(n): how many numbers for each image reach fc1 of LeNet-5, when images are n x n. (Twice: "
        "a convolution of 5 x 5 into 20 channels, then pooling of 2 x 2 with stride 2.)",
        lambda n: 20 * (((n - 4) // 2 - 4) // 2) ** 2,
        cases=[(32,), (28,), (33,), (35,), (64,)],
        mistakes={
            "You counted one channel. All 20 are laid out in one row.": lambda n: (((n - 4) // 2 - 4) // 2) ** 2,
            "You counted one axis. A channel has rows and columns.": lambda n: 20 * (((n - 4) // 2 - 4) // 2),
            "You rounded up when pooling. A window that hangs over the edge is left out.":
                lambda n: 20 * (-(-(-(-(n - 4) // 2) - 4) // 2)) ** 2,
            "A convolution of 5 x 5 without padding takes 4 from each axis, not 5.":
                lambda n: 20 * (((n - 5) // 2 - 5) // 2) ** 2,
        }),
    "cross_entropy": Exercise(
        "Write cross_entropy(scores, labels): scores is a tensor (N, classes) of any numbers, labels (N,) holds the "
        "right classes. Return the mean over the N rows of -log(softmax(row)[label]). Scores may be as large as 1000.",
        lambda scores, labels: F.cross_entropy(scores, labels),
        cases=[(SCORES, LABELS), (SCORES[:1], LABELS[:1]), (tensor([[1000.0, 0.0], [1000.0, 998.0]]), tensor([0, 1])),
               (tensor([[1000.0, 0.0]]), tensor([1]))],
        mistakes={
            "You applied softmax twice: softmax, and then log_softmax or F.cross_entropy, which contains it.":
                lambda scores, labels: F.cross_entropy(F.softmax(scores, 1), labels),
            "You added the rows up. The loss is their mean, so that it does not grow with the batch.":
                lambda scores, labels: F.cross_entropy(scores, labels, reduction="sum"),
            "The minus is missing. The logarithm of a probability is negative; the loss is positive.":
                lambda scores, labels: -F.cross_entropy(scores, labels),
            "exp(1000) is too large for a float, and inf / inf is nan. Subtract the largest score of each row first, "
            "which changes no probability.":
                lambda scores, labels: F.nll_loss((scores.exp() / scores.exp().sum(1, keepdim=True)).log(), labels),
            "The probability is rounded to 0, and its log is -inf: use s - max - log(sum(exp(s - max))).":
                lambda scores, labels: F.nll_loss(F.softmax(scores, 1).log(), labels),
            "log(sum(exp(s))) is inf, as exp(1000) is too large for a float: write max + log(sum(exp(s - max))).":
                lambda scores, labels: F.nll_loss(scores - scores.exp().sum(1, keepdim=True).log(), labels),
        }),
}

# ---- 10: operators of your own


def numeric_gradient(f, x, eps):
    """Central differences of f, a function of one tensor that gives a number."""
    gradient = zeros(len(x))
    for i in range(len(x)):
        above, below = x.clone(), x.clone()
        above[i] += eps
        below[i] -= eps
        gradient[i] = (f(above) - f(below)) / (2 * eps)
    return gradient


def one_sided(f, x, eps):
    gradient = zeros(len(x))
    for i in range(len(x)):
        above = x.clone()
        above[i] += eps
        gradient[i] = (f(above) - f(x)) / eps
    return gradient


def all_at_once(f, x, eps):
    return zeros(len(x)) + (f(x + eps) - f(x - eps)) / (2 * eps)


def unbroadcast(g, shape):
    """Add up g over the dimensions along which `shape` was repeated."""
    g = g.sum(tuple(range(g.ndim - len(shape)))) if g.ndim > len(shape) else g
    repeated = tuple(i for i, n in enumerate(shape) if n == 1 and g.shape[i] > 1)
    return g.sum(repeated, keepdim=True) if repeated else g


def unbroadcast_mean(g, shape):
    return unbroadcast(g, shape) * (math.prod(shape) / g.numel())


def unbroadcast_first(g, shape):
    g = g[(0,) * (g.ndim - len(shape))]
    return g[tuple(slice(0, n) for n in shape)]


def unbroadcast_new_only(g, shape):
    return g.sum(tuple(range(g.ndim - len(shape)))) if g.ndim > len(shape) else g


FUNCTIONS = {"(x**3).sum()": lambda x: (x**3).sum(), "x[0] * x[1] ** 3": lambda x: x[0] * x[1] ** 3}
GRID = tensor([[1.0, 2.0, 3.0], [4.0, 5.0, -6.0]])

EXERCISES |= {
    "tanh_backward": Exercise(
        "Write tanh_backward(y, g): the gradient of x, where y = tanh(x) received the gradient g. Use y, which is "
        "kept from forward.",
        lambda y, g: g * (1 - y * y),
        cases=[(tensor([0.0, 0.5, -0.9]), tensor([1.0, 2.0, -3.0])), (tensor([0.8]), tensor([10.0]))],
        mistakes={
            "You took tanh once more. y is tanh(x) already.": lambda y, g: g * (1 - y.tanh() ** 2),
            "You returned the slope. The chain rule multiplies it by g, the gradient that arrives.":
                lambda y, g: 1 - y * y,
            "You forgot the square: the slope of tanh is 1 - y ** 2.": lambda y, g: g * (1 - y),
            "This is the slope of the sigmoid, y (1 - y).": lambda y, g: g * y * (1 - y),
        }),
    "numeric_gradient": Exercise(
        "Write numeric_gradient(f, x, eps): the gradient of f at x, a tensor of n numbers, by central differences, "
        "(f(x + eps) - f(x - eps)) / (2 eps) for one number of x at a time. f takes such a tensor and gives a number.",
        numeric_gradient,
        cases=[("(x**3).sum()", tensor([1.0, 2.0, -1.0]), 0.5), ("x[0] * x[1] ** 3", tensor([3.0, -1.0, 2.0]), 0.25)],
        observe=lambda attempt, f, x, eps: attempt(FUNCTIONS[f], x, eps),
        mistakes={
            "You looked to one side only, (f(x + eps) - f(x)) / eps. From both sides, the largest error cancels.":
                one_sided,
            "You divided by eps. x + eps and x - eps lie 2 eps apart.":
                lambda f, x, eps: 2 * numeric_gradient(f, x, eps),
            "You moved all numbers of x at once, which gives the sum of the gradient. Move one at a time.": all_at_once,
            "The sign is turned round: it is f(x + eps) - f(x - eps).": lambda f, x, eps: -numeric_gradient(f, x, eps),
        }),
    "unbroadcast": Exercise(
        "Write unbroadcast(g, shape): x of that shape was repeated by broadcasting until it had the shape of g. Return "
        "the gradient of x, where the repeated tensor received the gradient g.",
        unbroadcast,
        cases=[*((GRID, shape) for shape in [(3,), (2, 1), (1, 3), (2, 3), ()]), (GRID.reshape(1, 2, 3), (2, 1))],
        mistakes={
            "You took the mean. Each copy of a number moves the loss, so that their gradients are added.":
                unbroadcast_mean,
            "You took one of the copies. All of them came from the same number, so that all gradients are added.":
                unbroadcast_first,
            "You added up the new dimensions in front, and forgot those of size 1, which are repeated too.":
                unbroadcast_new_only,
        }),
}

# ---- 11: check it against PyTorch


def close(a, b, rtol, atol):
    """PyTorch's allclose: |a - b| <= atol + rtol |b| for all numbers."""
    return bool(((a - b).abs() <= atol + rtol * b.abs()).all())


def momentum_step(w, v, g, lr, momentum):
    """One step of optim.SGD: the new weight and the new velocity."""
    v = momentum * v + g
    return w - lr * v, v


W, V, GRAD = tensor([1.0, -2.0]), tensor([0.5, 0.0]), tensor([2.0, 4.0])
NEAR = tensor([100.0, -1.0, 0.0])

EXERCISES |= {
    "close": Exercise(
        "Write close(a, b, rtol, atol): True if |a - b| <= atol + rtol |b| for all numbers of the tensors a and b, "
        "otherwise False.",
        close,
        cases=[(NEAR + tensor(change), NEAR, 0.01, 0.001) for change in (
            [0.0, 0.0, 0.0], [0.9, 0.0, 0.0], [-0.9, -0.005, 0.0005], [1.1, 0.0, 0.0], [0.0, 0.0, 0.01],
            [-5.0, -5.0, -5.0], [0.0, -0.0105, 0.0], [2.0, 2.0, 2.0])],
        mistakes={
            "You forgot the absolute value of a - b: a number that is far too small passes.":
                lambda a, b, rtol, atol: bool((a - b <= atol + rtol * b.abs()).all()),
            "You forgot the absolute value of b: where b is negative, the tolerance is.":
                lambda a, b, rtol, atol: bool(((a - b).abs() <= atol + rtol * b).all()),
            "You left the absolute tolerance out: next to 0, nothing is close but 0 itself.":
                lambda a, b, rtol, atol: close(a, b, rtol, 0),
            "You asked whether any number is close. All of them must be.":
                lambda a, b, rtol, atol: bool(((a - b).abs() <= atol + rtol * b.abs()).any()),
        }),
    "momentum_step": Exercise(
        "Write momentum_step(w, v, g, lr, momentum): one step of optim.SGD with momentum, for a weight w, its velocity "
        "v and its gradient g. Return the pair (new w, new v).",
        momentum_step,
        cases=[(W, V, GRAD, 0.1, 0.9), (W, 0 * V, GRAD, 0.5, 0.5), (W, V, 0 * GRAD, 0.1, 0.9)],
        mistakes={
            "You put the learning rate into the velocity. In PyTorch it multiplies the velocity when w moves, which "
            "differs as soon as the rate changes.":
                lambda w, v, g, lr, momentum: (w - (momentum * v + lr * g), momentum * v + lr * g),
            "You weighed the gradient by 1 - momentum, as an average does. PyTorch adds the whole gradient.":
                lambda w, v, g, lr, momentum: momentum_step(w, v, (1 - momentum) * g, lr, momentum),
            "You moved w by the old velocity. The velocity changes first.":
                lambda w, v, g, lr, momentum: (w - lr * v, momentum * v + g),
            "You went uphill. The loss falls against the gradient: w - lr v.":
                lambda w, v, g, lr, momentum: (w + lr * (momentum * v + g), momentum * v + g),
            "You returned (new v, new w). The weight comes first.":
                lambda w, v, g, lr, momentum: momentum_step(w, v, g, lr, momentum)[::-1],
        }),
    "initial_bound": Exercise(
        "Write initial_bound(shape): the first weights of a layer lie between -b and b, where b is 1 over the root of "
        "how many inputs one output has. Return b, for the shape of a weight: (outputs, inputs) of a Linear, "
        "(D, C, h, w) of a Conv2d.",
        lambda shape: 1 / math.sqrt(math.prod(shape[1:])),
        cases=[((500, 500),), ((10, 500),), ((20, 1, 5, 5),), ((20, 20, 5, 3),)],
        mistakes={
            "You counted the input channels alone. An output of a convolution has C h w inputs.":
                lambda shape: 1 / math.sqrt(shape[1]),
            "You counted the outputs. What is asked for is how many numbers are added up for one of them.":
                lambda shape: 1 / math.sqrt(shape[0]),
            "You forgot the root.": lambda shape: 1 / math.prod(shape[1:]),
            "You counted all weights of the layer.": lambda shape: 1 / math.sqrt(math.prod(shape)),
        }),
}

# ---- 12: how the kernel is fast


def im2col(x, h, w):
    """A row for each window of x (H, W), a column for each element of the kernel."""
    return np.lib.stride_tricks.sliding_window_view(x, (h, w)).reshape(-1, h * w)


def tables(size, kernel):
    """(base, tap) of an image and a kernel, both (rows, columns)."""
    (H, W), (h, w) = size, kernel
    return counted(H - h + 1, W - w + 1, W), counted(h, w, W)


def counted(rows, columns, width):
    """Where the cells of a block lie in an image of that width."""
    return [i * width + j for i in range(rows) for j in range(columns)]


def output_counts(x_shape, w_shape):
    """Numbers in the output, and products for each of them."""
    (N, _, H, W), (D, C, h, w) = x_shape, w_shape
    return N * D * (H - h + 1) * (W - w + 1), C * h * w


IMAGE = np.arange(12.0).reshape(3, 4)

EXERCISES |= {
    "im2col": Exercise(
        "Write im2col(x, h, w): x is a NumPy array (H, W). Return a matrix with a row for each window of h x w, in the "
        "order in which windows slide, and in each row the numbers of the window, row by row.",
        im2col,
        cases=[(IMAGE, 2, 2), (IMAGE, 2, 3), (IMAGE, 1, 1), (IMAGE, 3, 2)],
        mistakes={
            "Rows and columns are swapped: yours has a column for each window.": lambda x, h, w: im2col(x, h, w).T,
            "The numbers of a window come column by column. Its rows come one after the other.":
                lambda x, h, w: im2col(x, h, w).reshape(-1, h, w).swapaxes(1, 2).reshape(-1, h * w),
            "Your windows slide down first. They slide along a row, then go on to the next.":
                lambda x, h, w: np.lib.stride_tricks.sliding_window_view(x, (h, w)).swapaxes(0, 1).reshape(-1, h * w),
            "Your windows lie side by side. They overlap: each begins one cell after the one before.":
                lambda x, h, w: np.lib.stride_tricks.sliding_window_view(x, (h, w))[::h, ::w].reshape(-1, h * w),
        }),
    "tables": Exercise(
        "Write tables(size, kernel): size (H, W) and kernel (h, w) are pairs. The cells of the image are numbered row "
        "by row. Return two lists, (base, tap): the number of the first cell of each window, and how much further each "
        "element of the kernel lies.",
        tables,
        cases=[((3, 4), (2, 2)), ((4, 6), (2, 3)), ((5, 3), (3, 1))],
        mistakes={
            "You counted tap in rows of the kernel. One row down in the kernel is W cells further on.":
                lambda size, kernel: (tables(size, kernel)[0], counted(*kernel, kernel[1])),
            "You counted base in rows of the output. One row down, a window begins W cells later.":
                lambda size, kernel: (
                    counted(size[0] - kernel[0] + 1, size[1] - kernel[1] + 1, size[1] - kernel[1] + 1),
                    tables(size, kernel)[1]),
            "Rows and columns are swapped: a step to the right is 1 cell, a step down is W cells.":
                lambda size, kernel: (
                    [j * size[1] + i for i in range(size[0] - kernel[0] + 1) for j in range(size[1] - kernel[1] + 1)],
                    [b * size[1] + a for a in range(kernel[0]) for b in range(kernel[1])]),
        }),
    "multiply_adds": Exercise(
        "Write multiply_adds(x_shape, w_shape): how many products F.conv2d(x, w) adds up, without padding and with "
        "stride 1, for the shapes (N, C, H, W) and (D, C, h, w).",
        lambda x_shape, w_shape: math.prod(output_counts(x_shape, w_shape)),
        cases=[((1, 1, 3, 3), (1, 1, 2, 2)), ((8, 20, 14, 14), (20, 20, 5, 5)), ((2, 3, 6, 5), (4, 3, 2, 3))],
        mistakes={
            "You counted a window at every cell of the input. There are (H - h + 1) (W - w + 1) of them.":
                lambda x_shape, w_shape: math.prod(w_shape) * x_shape[0] * x_shape[2] * x_shape[3],
            "You forgot the batch: each of the N images takes the same work.":
                lambda x_shape, w_shape: math.prod(output_counts(x_shape, w_shape)) // x_shape[0],
            "You forgot that a sum runs over the input channels too.":
                lambda x_shape, w_shape: math.prod(output_counts(x_shape, w_shape)) // x_shape[1],
            "You counted the numbers of the output. Each is a sum of C h w products.":
                lambda x_shape, w_shape: output_counts(x_shape, w_shape)[0],
            "A multiply-add counts once: it is one multiplication and one addition.":
                lambda x_shape, w_shape: 2 * math.prod(output_counts(x_shape, w_shape)),
        }),
}
