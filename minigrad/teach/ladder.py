"""From a dense layer to a convolution, in two steps: what each costs, and layers that show it."""

import math
from typing import NamedTuple

import numpy as np

from .. import from_numpy, nn, no_grad, randn, random, zeros_like
from ..ops.common import per_dimension
from . import drawing
from .explanation import Explanation
from .notation import table, times

FLOAT32 = 4  # bytes
LARGEST = 2**28  # bytes that layers() is ready to make
HERE, THERE, OFFSETS = "ijm", "kln", "abc"  # the letters of positions, one for each dimension


class Step(NamedTuple):
    """A rung: what it is called, how many weights it has and the bytes they take, its formula, and how one counts."""

    name: str
    weights: int
    bytes: int
    formula: str
    counted: str
    biases: int


class Layers(NamedTuple):
    """Three modules, (N, channels, *size) -> (N, hidden_channels, *size)."""

    dense: nn.Sequential
    invariant: nn.Module
    local: nn.Module


class Ladder(Explanation):
    """What `ladder` found: `steps`, a list of Step(name, weights, bytes, formula, counted, biases)."""

    def __init__(self, channels, hidden_channels, size, delta):
        self.channels, self.hidden_channels, self.size, self.delta = channels, hidden_channels, size, delta
        self.steps = [self._dense(), *self._shared()]

    def _dense(self):
        i, k = (",".join(letters[:len(self.size)]) for letters in (HERE, THERE))
        c, d, n = self.channels, self.hidden_channels, math.prod(self.size)
        formula = f"H[{i}] = U[{i}] + Σ_{{{k}}} W[{i},{k}] X[{k}]"
        counted = f"({times((d, *self.size))}) x ({times((c, *self.size))})"
        return _step("dense", (d * n) * (c * n), d * n, formula, counted)

    def _shared(self):
        """The two rungs with one V for all positions: all offsets, and the near ones."""
        dims, d, c = len(self.size), self.hidden_channels, self.channels
        i, a = (",".join(letters[:dims]) for letters in (HERE, OFFSETS))
        moved = ",".join(f"{p}+{q}" for p, q in zip(HERE[:dims], OFFSETS))
        formula = f"H[{i}] = u + Σ_{{{a}}} V[{a}] X[{moved}]"
        if len(set(self.delta)) == 1:
            near = ",".join(f"|{q}|" for q in OFFSETS[:dims]) + f" <= {self.delta[0]}"
        else:
            near = ", ".join(f"|{q}| <= {n}" for q, n in zip(OFFSETS, self.delta))
        for name, which, widths in (("translation invariant", "all offsets", [2 * n - 1 for n in self.size]),
                                    ("local = convolution", near, [2 * n + 1 for n in self.delta])):
            yield _step(name, c * d * math.prod(widths), d, f"{formula}, {which}", f"{times((d, c))} x {times(widths)}")

    def text(self):
        rows = [("", "weights", "float32", "counted as")]
        rows += [(s.name, f"{s.weights:,}", in_bytes(s.bytes), s.counted) for s in self.steps]
        formulae = [(s.name, s.formula) for s in self.steps]
        first, second, third = [s.weights for s in self.steps]
        letters = "" if self.channels == self.hidden_channels == 1 else (
            "\n(for one channel of X and one of H; each pair of channels has weights of its own)")
        return (f"from a dense layer to a convolution: {self.shapes()}\n\n{table(formulae)}{letters}\n\n"
                f"{table(rows, right=(1, 2))}\n\n"
                f"The same weights at every position: {fewer(first / second)}. Only near ones: "
                f"{fewer(second / third, 'again ')}.")

    def draw(self, figure):
        figure.set_size_inches(8, 3)
        axes = figure.subplots()
        colours = (drawing.RED, drawing.ORANGE, drawing.BLUE)
        for y, (step, colour) in enumerate(zip(self.steps, colours)):
            axes.barh(y, step.weights - 0.5, left=0.5, color=colour, height=0.6)
            weights = "1 weight" if step.weights == 1 else f"{step.weights:,} weights"
            axes.annotate(f"{weights}\n{in_bytes(step.bytes)}", (step.weights, y), (5, 0), textcoords="offset points",
                          va="center", fontsize=9)
        axes.set_xscale("log")
        axes.set_xlim(0.5, max(s.weights for s in self.steps) * 10 ** (0.4 * math.log10(self.steps[0].weights + 10)))
        axes.set_yticks(range(3), [s.name for s in self.steps])
        axes.invert_yaxis()
        axes.set_xlabel("weights (logarithmic)")
        axes.spines[["top", "right"]].set_visible(False)
        axes.set_title(self.shapes(), fontsize=10)

    def shapes(self):
        return f"X {times((self.channels, *self.size))} -> H {times((self.hidden_channels, *self.size))}"

    def layers(self, seed=0, far=False):
        """The three rungs as layers that compute the same: `Layers(dense, invariant, local)`.

        One V for all of them, random from `seed`: `invariant` is a convolution with V, as large as all offsets
        are (2 n - 1 on each axis); `dense` is a Linear whose weights are W[i,j,k,l] = V[k-i,l-j]; `local` has the
        middle of V, the offsets up to delta. Outside of it V is 0, so that all three give the same output; with
        far=True it is not: dense and invariant still agree, and local leaves something out.
        X is (N, channels, *size), 0 outside of the image. RuntimeError if the dense layer would not fit into memory.

        >>> import minigrad
        >>> from minigrad import teach
        >>> dense, invariant, local = teach.ladder(channels=1, size=(6, 6), delta=1).layers()
        >>> x = minigrad.rand(2, 1, 6, 6)
        >>> minigrad.allclose(dense(x), invariant(x), atol=1e-6), minigrad.allclose(dense(x), local(x), atol=1e-6)
        (True, True)
        """
        needed = self.steps[0].bytes
        if needed > LARGEST:
            raise RuntimeError(
                f"layers(): the dense layer of this ladder has {self.steps[0].weights:,} weights: {in_bytes(needed)} "
                f"in float32, and layers() makes at most {in_bytes(LARGEST)}. Take a small image, say "
                f"ladder(channels=1, size={(8,) * len(self.size)}, delta=1).layers()")
        before = random.default_generator.get_state()
        try:
            layers = self._empty()
        finally:
            random.default_generator.set_state(before)  # new layers drew their first weights
        self._fill(layers, random.Generator().manual_seed(seed), far)
        return layers

    def _empty(self):
        """The three layers, with weights that do not matter."""
        c, d, n = self.channels, self.hidden_channels, math.prod(self.size)
        Conv = (nn.Conv1d, nn.Conv2d, nn.Conv3d)[len(self.size) - 1]
        reach = [m - 1 for m in self.size]
        return Layers(nn.Sequential(nn.Flatten(), nn.Linear(c * n, d * n), nn.Unflatten(1, (d, *self.size))),
                      Conv(c, d, [2 * m + 1 for m in reach], padding=reach),
                      Conv(c, d, [2 * m + 1 for m in self.delta], padding=self.delta))

    def _fill(self, layers, generator, far):
        """One u for all positions, one V for all three; it is 0 beyond delta unless `far`."""
        near = tuple([slice(m - 1 - d, m + d) for m, d in zip(self.size, self.delta)])
        scale = math.prod(layers.local.kernel_size) * self.channels
        u = randn(self.hidden_channels, generator=generator)
        drawn = randn(*layers.invariant.weight.shape, generator=generator) / scale**0.5
        V = drawn if far else zeros_like(drawn)
        V[(..., *near)] = drawn[(..., *near)]
        linear = layers.dense[1]
        with no_grad():
            for layer in (layers.invariant, layers.local):
                layer.bias.copy_(u)
            layers.invariant.weight.copy_(V)
            layers.local.weight.copy_(V[(..., *near)])
            linear.weight.copy_(dense_weights(V, self.size))
            linear.bias.copy_(u.reshape(-1, 1).expand(-1, math.prod(self.size)).reshape(-1))


def dense_weights(V, size):
    """The matrix of a dense layer that does what V does: W[i,j,k,l] = V[k-i,l-j] for each pair of channels.

    V (D, C, 2 H - 1, 2 W - 1), its middle is the offset 0; size (H, W), 1 to 3 dimensions. Returns (D H W, C H W).
    """
    dims, (depth, channels) = len(size), V.shape[:2]
    offsets = []
    for axis, n in enumerate(size):
        here, there = np.ogrid[:n, :n]
        shape = [1] * (2 * dims)
        shape[axis] = shape[dims + axis] = n
        offsets.append((there - here + n - 1).reshape(shape))
    W = V.numpy()[(slice(None), slice(None), *offsets)]  # (D, C, i, j, k, l)
    W = np.moveaxis(W, 1, 1 + dims)  # (D, i, j, C, k, l)
    return from_numpy(W.reshape(depth * math.prod(size), channels * math.prod(size)))


def _step(name, weights, biases, formula, counted):
    return Step(name, weights, weights * FLOAT32, formula, counted, biases)


def fewer(ratio, again=""):
    """How many times fewer weights: 1.8, 6,368; none fewer where there is nothing to save."""
    return "as many" if ratio == 1 else f"{again}{ratio:,.{0 if ratio >= 10 else 1}f} times fewer".replace(".0 ", " ")


def in_bytes(n):
    """A number of bytes in the largest unit that leaves at least 1: 57.6 GB is 57.6e9 bytes."""
    for unit in ("bytes", "kB", "MB", "GB", "TB", "PB"):
        if n < 1000 or unit == "PB":
            return f"{n:.3g} {unit}" if n < 1000 else f"{n:,.0f} {unit}"
        n /= 1000


def ladder(channels=3, size=(200, 200), delta=2, hidden_channels=None):
    """From a dense layer to a convolution in two steps, with the weights and bytes of each.

        dense                    H[i,j] = U[i,j] + sum over k,l of W[i,j,k,l] X[k,l]
        translation invariant    H[i,j] = u + sum over a,b of V[a,b] X[i+a,j+b]            the same V at all (i,j)
        local                    the same for |a|, |b| <= delta only: a convolution

    channels, hidden_channels (the same unless given): of the input X and the output H; size: of both, 1 to 3 ints;
    delta: an int, or one for each dimension, less than the size. Weights are counted without biases, at 4 bytes.
    `.layers()` makes all three for small sizes, with outputs that agree.
    Source: Zhang, Lipton, Li and Smola, "Dive into Deep Learning", section "From Fully Connected Layers to
    Convolutions".

    >>> from minigrad import teach
    >>> for step in teach.ladder(channels=3, size=(200, 200), delta=2).steps:
    ...     print(f"{step.name:22} {step.weights:>14,} weights, {step.bytes:>14,} bytes")
    dense                  14,400,000,000 weights, 57,600,000,000 bytes
    translation invariant       1,432,809 weights,      5,731,236 bytes
    local = convolution               225 weights,            900 bytes
    """
    channels, hidden = (_positive(name, n) for name, n in (
        ("channels", channels), ("hidden_channels", channels if hidden_channels is None else hidden_channels)))
    if not isinstance(size, tuple | list) or not 1 <= len(size) <= 3:
        raise TypeError("ladder(): argument 'size' must be a tuple of 1 to 3 ints, (height, width) for images, not "
                        f"{size!r}")
    size = tuple([_positive("size", n) for n in size])
    delta = per_dimension(delta, len(size), "delta", "ladder", least=0)
    if any(d > n - 1 for d, n in zip(delta, size)):
        raise ValueError(f"ladder(): delta={delta} must be less than size={size} on each axis: no two positions of the "
                         "image are farther apart")
    return Ladder(channels, hidden, size, delta)


def _positive(name, n):
    if not hasattr(n, "__index__") or isinstance(n, bool):
        raise TypeError(f"ladder(): argument '{name}' must be int, not {n!r}")
    if n < 1:
        raise ValueError(f"ladder(): argument '{name}' must be positive, but got {n}")
    return n.__index__()
