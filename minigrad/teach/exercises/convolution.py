"""The exercises of chapters 1 to 6. Each answer is minigrad's own operator, or a line of arithmetic."""

import math

import minigrad

from ...nn import functional as F
from .exercise import Exercise

tensor = minigrad.tensor


def count(*shape, start=0.0):
    """The numbers start, start + 1, ... in a tensor of this shape."""
    return minigrad.arange(start, start + math.prod(shape)).reshape(shape)


def corr2d(X, K, padding=0, stride=1):
    """The cross-correlation of one matrix with another."""
    return F.conv2d(X[None, None], K[None, None], padding=padding, stride=stride)[0, 0]


def corr1d(x, k):
    return F.conv1d(x[None, None], k[None, None])[0, 0]


def flip(K):
    return K.flip(tuple(range(K.dim())))


FLIPPED = "Your output equals the true convolution: you flipped the kernel."

# ---- 1: cross-correlation by hand

SQUARE = count(3, 3), count(2, 2)  # the matrices of the first cells
OBLONG = count(4, 5) ** 2 % 11, tensor([[2.0, 0.0, -1.0], [1.0, 3.0, 1.0]])


def too_large(X, K):
    h, w = K.shape
    return F.pad(corr2d(X, K), (0, w - 1, 0, h - 1))


CHAPTER_1 = {
    "one_cell": Exercise(
        "X holds the rows 1 2 3, 4 5 6 and 7 8 9, K the rows 1 2 and 3 4. Which number is Y[1, 0] of Y = corr2d(X, K)?",
        67,
        mistakes={
            "That is the cell of the flipped kernel: lay K on the window as it is.": 53,
            "That is Y[0, 1]: the row comes first, then the column.": 47,
            "That is Y[0, 0]: indices count from 0, so row 1 is the second row.": 37,
            "That is the sum of the window: multiply by the kernel first.": 24,
            "That is the cell of K transposed: K's rows lie on the window's rows.": 65,
            "That is the mean of the four products: add them up, and do not divide.": 67 / 4,
        },
        hint="Write the window's four numbers next to the kernel's four, multiply pair by pair, add up.",
    ),
    "valid_shape": Exercise(
        "Write valid_shape(X_shape, K_shape): the shape (rows, columns) of corr2d(X, K), without computing it.",
        lambda X_shape, K_shape: (X_shape[0] - K_shape[0] + 1, X_shape[1] - K_shape[1] + 1),
        cases=[((3, 3), (2, 2)), ((6, 8), (1, 2)), ((5, 9), (5, 3))],
        mistakes={
            "You left out the + 1: a kernel as large as the image still fits once.":
                lambda X, K: (X[0] - K[0], X[1] - K[1]),
            "h and w are swapped: rows come first in a shape.": lambda X, K: (X[1] - K[1] + 1, X[0] - K[0] + 1),
            "You paired the rows of X with the columns of K.": lambda X, K: (X[0] - K[1] + 1, X[1] - K[0] + 1),
            "That is the shape of X: the window must lie inside of X, so the output is smaller.": lambda X, K: X,
        },
    ),
    "corr2d": Exercise(
        "Write corr2d(X, K): the cross-correlation of a matrix X with a smaller matrix K.",
        lambda X, K: corr2d(X, K),
        cases=[SQUARE, OBLONG, (count(2, 3), count(2, 3))],
        mistakes={
            FLIPPED: lambda X, K: corr2d(X, flip(K)),
            "You left out the + 1 in the output's size: the last row and the last column are missing.":
                lambda X, K: corr2d(X, K)[:-1, :-1],
            "h and w are swapped: K.shape is (rows, columns), and you took the columns for rows.":
                lambda X, K: corr2d(X, K.t()),
            "Your output is as large as X: only windows that lie inside of X count.": too_large,
            "You took the mean of the products: a convolution adds them up.":
                lambda X, K: corr2d(X, K) / K.numel(),
            "You added up the window without the kernel: multiply first.":
                lambda X, K: corr2d(X, minigrad.ones_like(K)),
            "You used the matrix product @: the window and K are multiplied element by element, with *.":
                lambda X, K: minigrad.stack([(X[i : i + K.shape[0], j : j + K.shape[1]] @ K).sum()
                                             for i in range(X.shape[0] - K.shape[0] + 1)
                                             for j in range(X.shape[1] - K.shape[1] + 1)]).reshape(2, 2),
        },
    ),
}

# ---- 2: from a dense layer to a convolution


def conv_matrix(n, k):
    return minigrad.stack([F.pad(k, (i, n - len(k) - i)) for i in range(n - len(k) + 1)])


def local_layer(X, V, u, spread=1):
    return corr2d(X, V, padding=V.shape[0] // 2) + u * spread


def local_wrapped(X, V, u):
    """X[i + a, j + b] without a look at its sign: above the first row lies the last."""
    D, (h, w) = V.shape[0] // 2, X.shape
    return corr2d(F.pad(X[minigrad.arange(-D, h)][:, minigrad.arange(-D, w)], (0, D, 0, D)), V) + u


def from_the_middle(V):
    """The rows and columns of V in the order in which the indices -D to D find them."""
    D = V.shape[0] // 2
    return V.roll((D, D), (0, 1))


CHAPTER_2 = {
    "dense_weights": Exercise(
        "Write dense_weights(channels, height, width): how many weights, biases not counted, a dense layer has from an "
        "image of this size to as many outputs.",
        lambda channels, height, width: (channels * height * width) ** 2,
        cases=[(1, 2, 3), (3, 4, 4), (3, 200, 200)],
        mistakes={
            "That is the number of inputs: each of the outputs has that many weights.": lambda c, h, w: c * h * w,
            "You left out the channels: a colour image has three numbers per pixel.": lambda c, h, w: (h * w) ** 2,
            "You squared the pixels alone: the channels count among inputs and among outputs.":
                lambda c, h, w: c * (h * w) ** 2,
            "You counted the biases too.": lambda c, h, w: (c * h * w) ** 2 + c * h * w,
            "You added inputs and outputs: every output looks at every input, so multiply.":
                lambda c, h, w: 2 * c * h * w,
        },
    ),
    "conv_matrix": Exercise(
        "Write conv_matrix(n, k): the matrix M of which M @ x is the 1-D cross-correlation of x, of n numbers, with k.",
        conv_matrix,
        cases=[(3, tensor([1.0, 2.0])), (5, tensor([1.0, -2.0, 4.0])), (4, tensor([3.0]))],
        mistakes={
            "Your matrix is that of the true convolution: you flipped the kernel.":
                lambda n, k: conv_matrix(n, flip(k)),
            "Your matrix is the transpose: it needs a row for each output and a column for each input.":
                lambda n, k: conv_matrix(n, k).t(),
            "The kernel does not move: each row holds it one place further to the right than the row above.":
                lambda n, k: F.pad(k, (0, n - len(k))).expand(n - len(k) + 1, n),
            "Your matrix wraps around: the last rows hold a kernel that has left x and comes back in at the front.":
                lambda n, k: minigrad.stack([F.pad(k, (0, n - len(k))).roll(i, 0) for i in range(n)]),
            "One row is missing: n - k + 1 windows fit.": lambda n, k: conv_matrix(n, k)[:-1],
        },
    ),
    "local_layer": Exercise(
        "Write local_layer(X, V, u): H[i, j] = u + the sum over a, b from -D to D of V[a, b] X[i + a, j + b]. V has "
        "2 D + 1 rows and columns (V[a, b] stands in its row a + D and column b + D), X is 0 outside of its edges, "
        "and H has X's shape.",
        lambda X, V, u: local_layer(X, V, u),
        cases=[(count(3, 3), count(3, 3, start=1.0), 0.5), (OBLONG[0], OBLONG[0][:3, :3], -1.0),
               (count(6, 7), count(5, 5) % 4, 2.0)],
        mistakes={
            FLIPPED: lambda X, V, u: local_layer(X, flip(V), u),
            "You left out u.": lambda X, V, u: local_layer(X, V, 0),
            "You added u once per element of V: it stands outside of the sum.":
                lambda X, V, u: local_layer(X, V, u, V.numel()),
            "a and b run from 0 in your sum: the window must be centred on (i, j).":
                lambda X, V, u: corr2d(F.pad(X, (0, V.shape[1] - 1, 0, V.shape[0] - 1)), V) + u,
            "The edges are missing: H has the shape of X, and X counts as 0 outside.":
                lambda X, V, u: corr2d(X, V) + u,
            "h and w are swapped: V[a, b] belongs to X[i + a, j + b].": lambda X, V, u: local_layer(X, V.t(), u),
            "A negative index reads from the other end: X[i + a, j + b] must be 0 there.": local_wrapped,
            "V[a, b] stands at [a + D, b + D] of V: a negative index reads from the other end.":
                lambda X, V, u: local_layer(X, from_the_middle(V), u),
            "In X and in V a negative index reads from the other end: X[i + a, j + b] must be 0 there, and V[a, b] "
            "stands at [a + D, b + D].": lambda X, V, u: local_wrapped(X, from_the_middle(V), u),
        },
        hint="Look at a corner: which i + a and j + b lie outside of X, and what counts there?",
    ),
}

# ---- 3: edges and differences

RAMP = tensor([0.0, 0, 0, 1, 2, 3, 4, 4, 4, 4])

CHAPTER_3 = {
    "horizontal_edges": Exercise(
        "Give the kernel K, a matrix of two rows and one column, with which corr2d(X, K) is 1 where the image goes "
        "from 1 down to 0 in the row below, -1 where it goes from 0 to 1, and 0 elsewhere.",
        tensor([[1.0], [-1.0]]),
        mistakes={
            "That kernel lies on its side and finds vertical edges: it needs two rows and one column.":
                tensor([[1.0, -1.0]]),
            "Its sign is turned: the upper pixel must count positive.": tensor([[-1.0], [1.0]]),
            "That adds the two pixels up: a difference has one positive and one negative number.":
                tensor([[1.0], [1.0]]),
            "That is a list of numbers, not yet a matrix of two rows: write one pair of brackets for each row.":
                tensor([1.0, -1.0]),
        },
        hint="Think of two pixels, one above the other, of which one is subtracted from the other.",
    ),
    "difference": Exercise(
        "Write difference(x): y[i] = x[i + 1] - x[i] for all neighbours in x, which is what the kernel (-1, 1) gives.",
        lambda x: x[1:] - x[:-1],
        cases=[(tensor([1.0, 4.0]),), (RAMP,), (tensor([2.0, -1.0, 5.0, 5.5]),)],
        mistakes={
            "Its sign is turned: the later number comes first. This is what the flipped kernel (1, -1) gives.":
                lambda x: x[:-1] - x[1:],
            "Your result is as long as x: n numbers have n - 1 pairs of neighbours.":
                lambda x: F.pad(x[1:] - x[:-1], (0, 1)),
            "You took absolute values: the sign tells up from down.": lambda x: (x[1:] - x[:-1]).abs(),
            "You added the neighbours: that is what the kernel (1, 1) gives.": lambda x: x[1:] + x[:-1],
            "You left out neighbours: pairs overlap, each number belongs to two.": lambda x: (x[1:] - x[:-1])[::2],
            "You subtracted numbers that are two places apart.": lambda x: x[2:] - x[:-2],
        },
    ),
    "second_difference": Exercise(
        "Give the three numbers of the 1-D kernel that does in one go what the kernel (-1, 1) does when used twice.",
        tensor([1.0, -2.0, 1.0]),
        mistakes={
            "That is the difference over two places: try it on 0, 1, 2, 3, where the second difference is 0.":
                tensor([-1.0, 0.0, 1.0]),
            "Its sign is turned.": tensor([-1.0, 2.0, -1.0]),
            "That is the kernel (-1, 1) once, with a zero: it must act twice.": tensor([0.0, -1.0, 1.0]),
            "That is (-1, 1) once: two uses of a kernel of 2 see three numbers.": tensor([-1.0, 1.0]),
            "Those are the squares of the numbers: using a kernel twice is not squaring it.": tensor([1.0, 1.0]),
        },
        hint="Write (c - b) - (b - a) and read off what stands before a, b and c.",
    ),
}

# ---- 4: learning a kernel


def learn_kernel(X, Y, steps, lr, clear=True, scale=1.0, start=0.0):
    K = minigrad.full((1, 2), start, requires_grad=True)
    for _ in range(steps):
        ((corr2d(X, K) - Y) ** 2).sum().backward()
        with minigrad.no_grad():
            K -= scale * lr * K.grad
        if clear:
            K.grad = None
    return K.detach()


IMAGE = minigrad.ones(6, 8)
IMAGE[:, 2:6] = 0
EDGES = corr2d(IMAGE, tensor([[1.0, -1.0]]))
SOME, OTHER = tensor([[3.0, -1.0], [0.5, 2.0]]), tensor([[1.0, 1.0], [0.0, 4.0]])

CHAPTER_4 = {
    "squared_error": Exercise(
        "Write squared_error(Y_hat, Y): the squares of all differences, added up to one number.",
        lambda Y_hat, Y: ((Y_hat - Y) ** 2).sum(),
        cases=[(SOME[:1], OTHER[:1]), (SOME, OTHER)],
        mistakes={
            "You did not square: positive and negative errors cancel.": lambda Y_hat, Y: (Y_hat - Y).sum(),
            "You squared the sum: square each difference first, then add up.": lambda Y_hat, Y: (Y_hat - Y).sum() ** 2,
            "You took absolute values in place of squares.": lambda Y_hat, Y: (Y_hat - Y).abs().sum(),
            "You took the mean: here the squares are added up.": lambda Y_hat, Y: ((Y_hat - Y) ** 2).mean(),
            "You did not add up: a loss is one number.": lambda Y_hat, Y: (Y_hat - Y) ** 2,
            "You squared Y_hat and Y, not their difference.": lambda Y_hat, Y: (Y_hat**2 - Y**2).sum(),
        },
    ),
    "sgd_step": Exercise(
        "Write sgd_step(weight, grad, lr): the weight after one step down the gradient, with learning rate lr.",
        lambda weight, grad, lr: weight - lr * grad,
        cases=[(tensor([1.0, -1.0]), tensor([2.0, 0.5]), 0.1), (SOME, OTHER, 0.5)],
        mistakes={
            "You climb: the gradient points to where the loss grows, so subtract it.": lambda w, g, lr: w + lr * g,
            "You left out the learning rate.": lambda w, g, lr: w - g,
            "That is the change alone: subtract it from the weight.": lambda w, g, lr: lr * g,
            "You divided by the learning rate: multiply by it.": lambda w, g, lr: w - g / lr,
            "You shrink the weight itself: the learning rate belongs to the gradient.": lambda w, g, lr: w - lr * w,
        },
    ),
    "learn_kernel": Exercise(
        "Write learn_kernel(X, Y, steps, lr): start with the kernel zeros((1, 2)), take so many steps down the "
        "gradient of the summed squared error between corr2d(X, K) and Y, and return the kernel.",
        lambda X, Y, steps, lr: learn_kernel(X, Y, steps, lr),
        cases=[(IMAGE, EDGES, 1, 0.03), (IMAGE, EDGES, 5, 0.03),
               (OBLONG[0], corr2d(OBLONG[0], tensor([[0.5, 2.0]])), 3, 1e-4)],
        mistakes={
            "You never clear the gradient: from the second step on it holds the gradients of all steps before.":
                lambda X, Y, steps, lr: learn_kernel(X, Y, steps, lr, clear=False),
            "You climb: subtract the gradient.": lambda X, Y, steps, lr: learn_kernel(X, Y, steps, lr, scale=-1.0),
            "You took the mean of the squares, not their sum: the steps become too small.":
                lambda X, Y, steps, lr: learn_kernel(X, Y, steps, lr, scale=1 / Y.numel()),
            "Your kernel starts at ones; the question says zeros.":
                lambda X, Y, steps, lr: learn_kernel(X, Y, steps, lr, start=1.0),
            "You took one step too few.": lambda X, Y, steps, lr: learn_kernel(X, Y, steps - 1, lr),
            "You took one step too many.": lambda X, Y, steps, lr: learn_kernel(X, Y, steps + 1, lr),
        },
    ),
}

# ---- 5: padding and stride


def half(padding):
    """What a padding of so much in total, and not per side, puts before and after."""
    return [(p // 2, p - p // 2) for p in padding]


def padded(X, rows, columns):
    return F.pad(X, (*columns, *rows))


def strided(X, K, padding, stride):
    return corr2d(X, K, tuple(padding), tuple(stride))


def hanging(X, K, padding, stride):
    """One window more where the last one would hang over the edge."""
    (p, q), sizes = padding, zip(X.shape, K.shape, padding, stride)
    more = [-(n + 2 * p - k) % s for n, k, p, s in sizes]
    return corr2d(padded(X, (p, p + more[0]), (q, q + more[1])), K, stride=tuple(stride))


CHAPTER_5 = {
    "output_size": Exercise(
        "Write output_size(n, k, p, s): how many windows of size k fit on n numbers with p zeros per side, stride s.",
        lambda n, k, p, s: (n + 2 * p - k) // s + 1,
        cases=[(6, 3, 0, 2), (3, 2, 1, 1), (28, 5, 2, 1), (8, 3, 1, 3), (7, 7, 0, 4)],
        mistakes={
            "You rounded up: a window that hangs over the edge is dropped, so floor, not ceil.":
                lambda n, k, p, s: -(-(n + 2 * p - k) // s) + 1,
            "You added p once: p counts one side, and there are two. Your p is the total of both sides.":
                lambda n, k, p, s: (n + p - k) // s + 1,
            "You left out the + 1: the first window needs no step.": lambda n, k, p, s: (n + 2 * p - k) // s,
            "You did not round down: count whole windows, with //.": lambda n, k, p, s: (n + 2 * p - k) / s + 1,
            "You left out the padding.": lambda n, k, p, s: (n - k) // s + 1,
            "You left out the stride.": lambda n, k, p, s: n + 2 * p - k + 1,
            "You added the 1 before dividing by s.": lambda n, k, p, s: (n + 2 * p - k + 1) // s,
        },
    ),
    "same_padding": Exercise(
        "Write same_padding(k): the padding of nn.Conv2d with which a kernel of odd size k keeps the image's size.",
        lambda k: (k - 1) // 2,
        cases=[(1,), (3,), (5,), (11,)],
        mistakes={
            "That is the total of both sides, the p_h of the textbook: the padding of nn.Conv2d counts one side.":
                lambda k: k - 1,
            "That is the size of the kernel: the image would grow.": lambda k: k,
            "That is one too many on each side.": lambda k: (k + 1) // 2,
            "That is one too few from k = 3 on.": lambda k: max((k - 3) // 2, 0),
        },
    ),
    "corr2d_strided": Exercise(
        "Write corr2d_strided(X, K, padding, stride): cross-correlation with padding = (p_h, p_w) zeros on each side "
        "and stride = (s_h, s_w).",
        strided,
        cases=[(*SQUARE, (1, 1), (3, 2)), (*OBLONG, (2, 1), (1, 2)), (count(6, 7) % 5, count(2, 2), (0, 1), (2, 3)),
               (count(5, 5) % 7, OBLONG[1], (1, 3), (2, 1))],
        mistakes={
            FLIPPED: lambda X, K, p, s: strided(X, flip(K), p, s),
            "Your padding counts the total of both sides: here it is meant per side.":
                lambda X, K, p, s: corr2d(padded(X, *half(p)), K, stride=tuple(s)),
            "You padded the top and the left only.":
                lambda X, K, p, s: corr2d(padded(X, (p[0], 0), (p[1], 0)), K, stride=tuple(s)),
            "You used ceil for floor: a window that hangs over the edge is dropped.": hanging,
            "h and w are swapped in the stride: the first number is for the rows.":
                lambda X, K, p, s: strided(X, K, p, s[::-1]),
            "h and w are swapped in the padding: the first number is for the rows.":
                lambda X, K, p, s: strided(X, K, p[::-1], s),
            "h and w are swapped in padding and stride: the first number of each is for the rows.":
                lambda X, K, p, s: strided(X, K, p[::-1], s[::-1]),
            "You left out the stride.": lambda X, K, p, s: strided(X, K, p, (1, 1)),
            "You left out the padding.": lambda X, K, p, s: strided(X, K, (0, 0), s),
            "You repeated the edge of X: the padding consists of zeros.":
                lambda X, K, p, s: corr2d(F.pad(X[None, None], (p[1], p[1], p[0], p[0]), "replicate")[0, 0], K, 0, s),
        },
    ),
}

# ---- 6: channels, groups, 1-D and 3-D


def multi_in(X, K):
    return F.conv2d(X[None], K[None])[0, 0]


def multi_in_out(X, K):
    return F.conv2d(X[None], K)[0]


def each_channel(X, K):
    return minigrad.stack([corr2d(x, k) for x, k in zip(X, K)])


def parameters(out_channels, in_channels, kernel_size, groups):
    return out_channels * (in_channels // groups) * math.prod(kernel_size) + out_channels


TWO = minigrad.stack([count(3, 3), count(3, 3, start=1.0)]), minigrad.stack([count(2, 2), count(2, 2, start=1.0)])
THREE = count(3, 4, 5) ** 2 % 13, count(3, 2, 3) ** 2 % 5 - 1

CHAPTER_6 = {
    "corr2d_multi_in": Exercise(
        "Write corr2d_multi_in(X, K): X [C, H, W] and K [C, h, w] have C channels, and the output is one matrix.",
        multi_in,
        cases=[TWO, THREE],
        mistakes={
            "The sum over the channels is missing: you return a matrix for each channel.": each_channel,
            "You took the mean over the channels: add them up.": lambda X, K: multi_in(X, K) / len(X),
            "You used the first channel alone.": lambda X, K: corr2d(X[0], K[0]),
            "You used the last channel alone: each one overwrites the sum of those before.":
                lambda X, K: corr2d(X[-1], K[-1]),
            "Each channel has a kernel of its own: you used the first one for all.":
                lambda X, K: sum(corr2d(x, K[0]) for x in X),
            "You added the channels of X first, and the kernels: multiply in each channel, then add.":
                lambda X, K: corr2d(X.sum(0), K.sum(0)),
            FLIPPED: lambda X, K: multi_in(X, K.flip((1, 2))),
            "You flipped the order of the channels too: channel c of K belongs to channel c of X.":
                lambda X, K: multi_in(X, K.flip((0,))),
        },
    ),
    "corr2d_multi_in_out": Exercise(
        "Write corr2d_multi_in_out(X, K): X [C, H, W], K [D, C, h, w], and an output of D channels, [D, *, *].",
        multi_in_out,
        cases=[(TWO[0], count(2, 2, 2, 2)),
               (THREE[0], minigrad.stack([THREE[1], THREE[1] ** 2, -THREE[1], THREE[1] + 1]))],
        mistakes={
            "The sum over the input channels is missing.":
                lambda X, K: minigrad.stack([each_channel(X, k) for k in K]),
            "You added up the output channels too: each kernel K[d] makes a channel of its own.":
                lambda X, K: multi_in_out(X, K).sum(0),
            "The output channels stand last: they come first, before rows and columns.":
                lambda X, K: multi_in_out(X, K).permute(1, 2, 0),
            "You swapped the first two axes of K: its first axis counts outputs, its second inputs.":
                lambda X, K: multi_in_out(X, K.transpose(0, 1)),
            "You used K[0] for every output channel.":
                lambda X, K: multi_in_out(X, K[:1]).repeat(len(K), 1, 1),
            FLIPPED: lambda X, K: multi_in_out(X, K.flip((2, 3))),
        },
    ),
    "grouped_parameters": Exercise(
        "Write grouped_parameters(out_channels, in_channels, kernel_size, groups): how many numbers such an nn.Conv2d "
        "learns, weights and biases. kernel_size is (h, w).",
        parameters,
        cases=[(5, 3, (2, 3), 1), (20, 20, (5, 5), 1), (6, 4, (3, 3), 2), (8, 8, (1, 3), 8)],
        mistakes={
            "You left out the biases: there is one for each output channel.":
                lambda d, c, k, g: d * c // g * k[0] * k[1],
            "You left out the groups: a kernel sees in_channels / groups channels.":
                lambda d, c, k, g: d * c * k[0] * k[1] + d,
            "You divided the output channels by the groups too: the groups together make all of them.":
                lambda d, c, k, g: d // g * (c // g) * k[0] * k[1] + d,
            "You counted one bias for each input channel: they belong to the outputs.":
                lambda d, c, k, g: d * c // g * k[0] * k[1] + c,
            "You counted a bias for each kernel: an output channel has one, however many inputs it adds up.":
                lambda d, c, k, g: d * c // g * (k[0] * k[1] + 1),
            "You left out the input channels: each kernel is as deep as its input.":
                lambda d, c, k, g: d * k[0] * k[1] + d,
            "You took the kernel for a square of its height.": lambda d, c, k, g: d * c // g * k[0] ** 2 + d,
        },
    ),
}

EXERCISES = CHAPTER_1 | CHAPTER_2 | CHAPTER_3 | CHAPTER_4 | CHAPTER_5 | CHAPTER_6
