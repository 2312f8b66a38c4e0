"""The tables of offsets that turn every convolution into one loop.

    y[d, target[p]] = sum over k of  image[base[p] + tap[k]] * w[d, pick[k]]

p runs over output positions and k over the taps (channel, row, column) of the kernel. A position
has an offset in the image, a tap has one too, and because offsets are linear in the coordinates
their sum is the offset of the number at which the two meet:

    an image 6 wide, stride 2, kernel 2 x 2
      o . o . . .
      . . . . . .     base[p] = 0, 2, 12, 14      of the output positions (0,0) (0,1) (1,0) (1,1)
      o . o . . .     tap[k]  = 0, 1, 6, 7        of the taps             (0,0) (0,1) (1,0) (1,1)
      . . . . . .

Stride lives in base, dilation and channels in tap, padding in a zero border around the image, and
the number of dimensions nowhere. The input gradient has the same form: positions of x that meet the
same taps (a phase of the stride) share a loop over the gradient. Tables are cached by geometry.
"""

import itertools
import math
import sys
from functools import lru_cache
from typing import NamedTuple

import numpy as np


class Loop(NamedTuple):
    """The tables of one loop."""

    base: np.ndarray  # [P] offset in the bordered image
    target: np.ndarray  # [P] offset in the output plane
    tap: np.ndarray  # [K] offset in the bordered image of one group
    pick: np.ndarray  # [K] offset in the weights of one channel d
    pitch: int  # from the weights of one channel d to those of the next
    last_tap: int  # the largest offset in tap
    lanes: int  # numbers in a vector
    vectors: np.ndarray  # [V + 1] cuts the positions into neighbours in the image, `lanes` at most


class Geometry(NamedTuple):
    """What a convolution does to one image."""

    output: tuple[int, ...]  # spatial shape of the result
    bordered: tuple[int, ...]  # of the image with a border of zeros
    rows: np.ndarray  # where in it each row of the image begins
    loops: tuple[Loop, ...]


class Phase(NamedTuple):
    """Positions of x, on one axis, that meet the same taps of the kernel."""

    positions: np.ndarray  # start, start + stride, ...
    taps: np.ndarray
    shifts: np.ndarray  # positions[t] receives gradient t + shifts[i] by way of taps[i]


@lru_cache(maxsize=64)
def forward(x_shape, w_shape, stride, padding, dilation, groups, lanes):
    """Geometry of y = conv(x, w) for x_shape (C, *S) and w_shape (D, C/groups, *K)."""
    check(x_shape, w_shape, stride, padding, dilation, groups)
    size, kernel, channels = x_shape[1:], w_shape[2:], w_shape[1]
    output = output_size(size, kernel, stride, padding, dilation)
    padded, stride, dilation = limits(size, stride, padding, dilation)
    channel, *pitch = pitches(padded)
    base = grid(np.arange(o) * s * p for o, s, p in zip(output, stride, pitch))
    taps = [np.arange(k) * d * p for k, d, p in zip(kernel, dilation, pitch)]
    tap = grid([np.arange(channels) * channel, *taps])
    target, pick = np.arange(base.size), np.arange(tap.size)
    loop = make_loop(base, target, tap, pick, tap.size, lanes)
    return Geometry(output, padded, row_starts(size, padding, pitch), (loop,))


@lru_cache(maxsize=64)
def input_grad(x_shape, w_shape, stride, padding, dilation, groups, lanes):
    """Geometry of dx, a loop over the bordered gradient g for each phase of the stride.

    Output o meets x[s] at tap k where s + padding = o * stride + k * dilation. So, on each axis,
    dx[s] = sum over k of  g[(s + padding - k * dilation) / stride] * w[k],  for the k that divide.
    """
    g_size = forward(x_shape, w_shape, stride, padding, dilation, groups, lanes).output
    size, kernel, channels = x_shape[1:], w_shape[2:], np.arange(w_shape[0] // groups)
    _, stride, dilation = limits(size, stride, padding, dilation)
    starts = [before for before, _ in padding]
    axes = [phases(*axis) for axis in zip(size, kernel, stride, starts, dilation)]
    border = tuple(overhang(axis, length) for axis, length in zip(axes, g_size))
    bordered = tuple(before + length + after for length, (before, after) in zip(g_size, border))
    g_channel, *g_pitch = pitches(bordered)
    w_channel, *w_pitch = pitches(kernel)
    x_pitch = pitches(size)[1:]

    loops = []
    for phase in itertools.product(*axes):
        base = grid(np.arange(a.positions.size) * p for a, p in zip(phase, g_pitch))
        target = grid(a.positions * p for a, p in zip(phase, x_pitch))
        taps = [(a.shifts + before) * p for a, (before, _), p in zip(phase, border, g_pitch)]
        picks = [a.taps * p for a, p in zip(phase, w_pitch)]
        tap = grid([channels * g_channel, *taps])
        pick = grid([channels * w_shape[1] * w_channel, *picks])
        loops.append(make_loop(base, target, tap, pick, w_channel, lanes))
    return Geometry(size, bordered, row_starts(g_size, border, g_pitch), tuple(loops))


def check(x_shape, w_shape, stride, padding, dilation, groups):
    """Raise ValueError for a geometry that would lead the loops outside of their arrays."""
    rank = len(x_shape) - 1
    same_rank = rank == len(w_shape) - 2 == len(stride) == len(padding) == len(dilation)
    if not (1 <= rank <= 3 and same_rank):
        raise ValueError("expected 1 to 3 spatial dimensions, the same number in all arguments")
    if groups < 1 or w_shape[0] % groups or x_shape[0] != w_shape[1] * groups:
        raise ValueError(f"x {x_shape} and w {w_shape} do not fit {groups} groups")
    if min(*stride, *dilation, *w_shape[2:]) < 1 or min(itertools.chain(*padding)) < 0:
        raise ValueError("stride, dilation and kernel must be positive, padding not negative")
    if min(output_size(x_shape[1:], w_shape[2:], stride, padding, dilation)) < 1:
        raise ValueError(f"the kernel of w {w_shape} is larger than the padded x {x_shape}")


def make_loop(base, target, tap, pick, pitch, lanes):
    """A Loop, with its positions cut for vectors of so many lanes."""
    runs = np.flatnonzero(np.diff(base, prepend=-2) != 1)
    pieces = [np.arange(a, b, lanes) for a, b in itertools.pairwise([*runs, base.size])]
    vectors = np.concatenate([*pieces, [base.size]])
    return Loop(base, target, tap, pick, pitch, int(tap.max(initial=0)), lanes, vectors)


def row_starts(size, border, pitch):
    """Where in a bordered plane each row of an image begins."""
    axes = [(np.arange(s) + before) * p for s, (before, _), p in zip(size, border, pitch)]
    return grid(axes[:-1]) + border[-1][0]


def output_size(size, kernel, stride, padding, dilation):
    """Spatial shape of the output: floor((padded - reach) / stride) + 1 on each axis."""
    return tuple(
        (s + before + after - d * (k - 1) - 1) // t + 1
        for s, k, t, (before, after), d in zip(size, kernel, stride, padding, dilation)
    )


def phases(size, kernel, stride, before, dilation):
    """The phases of one axis of x that any tap reaches, at most one for each tap."""
    reach = np.arange(kernel) * dilation - before
    found = []
    for start in np.unique(reach % stride):
        if start < size:
            taps = np.flatnonzero(reach % stride == start)
            positions = np.arange(start, size, stride)
            found.append(Phase(positions, taps, (start - reach[taps]) // stride))
    return found


def overhang(axis, size):
    """Zeros needed (before, after) a gradient of that size so that every shift stays inside."""
    first = min((phase.shifts.min() for phase in axis), default=0)
    last = max((phase.shifts.max() + phase.positions.size for phase in axis), default=0)
    return max(0, -int(first)), max(0, int(last) - size)


def limits(size, stride, padding, dilation):
    """The padded shape, and stride and dilation no longer than it: more makes no difference."""
    padded = tuple(s + before + after for s, (before, after) in zip(size, padding))
    stride = tuple(max(1, min(s, p)) for s, p in zip(stride, padded))
    dilation = tuple(max(1, min(d, p)) for d, p in zip(dilation, padded))
    return padded, stride, dilation


def pitches(size):
    """Elements from one channel to the next, and to the next position on each axis."""
    steps = [math.prod(size[axis:]) for axis in range(len(size) + 1)]
    if steps[0] > sys.maxsize // 8:
        raise RuntimeError(f"a padded image of shape {tuple(size)} is too large to address")
    return steps


def grid(axes):
    """All sums of one offset from each axis, the last axis fastest: [product of sizes]."""
    total = np.zeros(1, np.intp)
    for axis in axes:
        total = np.add.outer(total, axis).ravel()
    return total


@lru_cache(maxsize=64)
def windows(size, kernel, stride, padding, dilation, output_size):
    """The windows of pooling: for each of 3 axes (start [O], count [O], step).

    start is the offset in the plane of a window's first position inside of x, count the number of
    its positions inside, step the offset from one to the next.
    """
    arguments = (size, kernel, stride, padding, dilation, output_size)
    if not 1 <= len(size) <= 3 or len(set(map(len, arguments))) > 1:
        raise ValueError("expected 1 to 3 spatial dimensions, the same number in all arguments")
    if min(*kernel, *stride, *dilation, *output_size) < 1 or min(padding) < 0:
        raise ValueError("all sizes of a window must be positive, padding not negative")
    trivial = [(np.zeros(1, np.intp), np.ones(1, np.intp), 0)] * (3 - len(size))
    return (*trivial, *map(window_axis, *arguments, pitches(size)[1:]))


def window_axis(size, kernel, stride, padding, dilation, outputs, pitch):
    origin = np.arange(outputs) * stride - padding
    first = np.maximum(0, -(origin // dilation))  # first tap with origin + tap * dilation >= 0
    end = np.minimum(kernel, -((origin - size) // dilation))  # first tap beyond the end
    return (origin + first * dilation) * pitch, np.maximum(0, end - first), dilation * pitch
