"""The tables of offsets that turn every convolution into one loop.

    y[d, target[p]] = sum over k of  image[base[p] + tap[k]] * w[d, pick[k]]

p runs over output positions and k over the taps (channel, row, column) of the kernel. A position
has an offset in the image, a tap has one too, and because offsets are linear in the coordinates
their sum is the offset of the number at which the two meet:

    an image 6 wide, kernel 2 x 2
      o o . . . .
      o o . . . .     base[p] = 0, 1, 6, 7      of the output positions (0,0) (0,1) (1,0) (1,1)
      . . . . . .     tap[k]  = 0, 1, 6, 7      of the taps             (0,0) (0,1) (1,0) (1,1)

Stride lives in base and in the order of columns, dilation and channels in tap, padding in a zero
border around the image, and the number of dimensions nowhere. The input gradient has the same form:
positions of x that meet the same taps (a phase of the stride) share a loop over the gradient. Tables
are cached by geometry.
"""

import itertools
import math
import sys
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from .loops import Prepared

# In the time of one multiply-add of vectors; by measurement.
CALLING = 20  # a block, for each of its vectors
LOADING = 3  # a vector of the image, however few channels it is multiplied for (dx of 6x6 s4 d3 2->415)
FETCHING, PACKING = 4, 2  # one vector of packed weights; packing one weight
LOOPING = 18_000  # a loop
PLANE, TAPPING = 300, 1.1  # a plane by itself; one of its vectors at a tap
BORDERED, STRIDED = 0.5, 2.5  # copying one number into a bordered image, by neighbours or one by one
LAYING_OUT = {"images": 2, "channels": 3}  # one number, side by side with those of others
PUTTING_BACK, ONE_BY_ONE = 0.75, 5  # one number, by vectors or alone
COPYING, ADDING_UP = 20, 10  # one vector of g, and one of sums of an image, where both factors are vectors
COLLECTING = 10  # one vector of sums of an image, by channels
SCATTERING = 2  # one number of a result whose neighbours are of other loops
ADDED, MULTIPLYING, STACKING = 6, 80_000, 450  # a number of a column to its place, or back; a product; one of a stack
ARRANGING = 1.5  # a number of its result, or of a gradient
STACKED = 9_000  # multiply-adds of a product of a stack, at most: for more, NumPy may take threads
IN_CACHE = 250_000  # numbers of images that stay in the cache of one thread until they are read
LAID_OUT, SPOTS = 4_000_000, 32_000  # numbers of images side by side, and of a table of windows, at most

MOST_PHASES = 8  # of a position: the sums of a block of positions stay in the first cache


class Loop(NamedTuple):
    """The tables of one loop."""

    base: np.ndarray  # [P] offset in the bordered image
    target: np.ndarray  # [P] offset in the output plane
    tap: np.ndarray  # [K] offset in the bordered image of one group
    pick: np.ndarray  # [K] offset in the weights of one channel d
    cut: np.ndarray  # [F + 1] the taps [cut, next cut) of each of F phases: target[p], target[p] + 1, ...
    first: np.ndarray  # [F * P] the taps [first, last) that see more of the image than its border
    last: np.ndarray
    pitch: int  # from the weights of one channel d to those of the next
    lanes: int  # numbers in a vector
    vectors: np.ndarray  # [V] where vectors of neighbours begin that cover all positions, if they can
    step: int  # from the target of one of these neighbours to the next
    by_channels: bool = False  # whether a vector of sums holds channels, not positions
    prepared: Prepared = None  # the same for compiled code


class Geometry(NamedTuple):
    """What a convolution does to one image."""

    y_size: tuple[int, ...]  # spatial shape of y; of images side by side, with one dimension more
    bordered: tuple[int, ...]  # of the image with a border of zeros
    rows: np.ndarray  # where in it each row of the image begins, or all rows if there is no border between them
    columns: np.ndarray  # where each number of a row comes in it
    loops: tuple[Loop, ...]
    cost: float = 0.0  # about how many multiply-adds of vectors it takes
    innermost: str = "columns"  # what lies side by side in memory: or "images", "channels"; "windows", "planes"
    as_it_is: bool = False  # the bordered image is the image itself
    gaps: bool = False  # no loop comes to some of the results: no output looks there
    squares: tuple[int, int] = ()  # the dilation, where Winograd's squares take the place of positions
    alone: tuple = ()  # before, stride, dilation and apart of plane.pyx, which takes the place of loops
    turned: bool = False  # by squares, planes and windows: the kernels are turned around, as for the input gradient
    instead: "Geometry" = None  # the fastest without squares and planes
    spots: np.ndarray = None  # [taps, positions] for windows.py, which takes the place of loops
    y_shape: tuple = ()  # [N, D, *O] of y
    where: tuple = ()  # an index of what the kernel sees of x, if not all of it
    seeing: tuple = ()  # an index of its taps that see x, if not all do: the rest of this is for these parts alone


class Phase(NamedTuple):
    """Positions of x, on one axis, that meet the same taps of the kernel."""

    positions: np.ndarray  # start, start + stride, ...
    taps: np.ndarray
    shifts: np.ndarray  # positions[t] receives gradient t + shifts[i] by way of taps[i]


@lru_cache(maxsize=256)
def plan(kind, x_shape, w_shape, stride, padding, dilation, groups, lanes):
    """The fastest geometry of a kind (forward, input_grad, weight_grad) for x_shape (N, C, *S)."""
    check(x_shape[1:], w_shape, stride, padding, dilation, groups)
    where, taps, size, kernel, *steps = seen(x_shape[2:], w_shape[2:], stride, padding, dilation)
    x_shape, w_shape = (*x_shape[:2], *size), (*w_shape[:2], *kernel)
    found = sorted(ways(kind, x_shape, w_shape, *steps, groups, lanes), key=lambda way: way.cost)
    instead = next(way for way in found if not way.squares and not way.alone)
    return found[0]._replace(instead=instead, where=where, seeing=taps)


@lru_cache(maxsize=16)
def without_border(*arguments):
    """A geometry of the input gradient that multiplies no weight with a border, where a zero times inf would be NaN."""
    _, w_shape, stride, padding, dilation, _, _ = arguments
    geometry = plan(input_grad, *arguments)
    _, _, *axes = seen(arguments[0][2:], w_shape[2:], stride, padding, dilation)
    return geometry._replace(spots=spots(*axes), alone=(), squares=())


def seen(size, kernel, stride, padding, dilation):
    """What the kernel sees of x, and which of its taps ever see x: two indices, () for everything; and the size,
    kernel, stride, padding and dilation of these.

    On each axis tap k comes to o * stride + k * dilation - padding: in steps of gcd(stride, dilation). It never sees x
    if that is outside for all o: the outer taps of 3x3 with padding 1 on 1x1. Fewer such are not worth a copy of w.
    """
    outputs = output_size(size, kernel, stride, padding, dilation)
    arguments = list(zip(size, kernel, stride, padding, dilation, outputs))
    taps = [(max(0, -(((o - 1) * s - before) // d)), min(k, (n - 1 + before) // d + 1))
            for n, k, s, (before, _), d, o in arguments]
    if not 0 < 4 * math.prod(max(0, last - first) for first, last in taps) <= math.prod(kernel):
        taps = [(0, k) for k in kernel]
    axes = []
    for (n, k, s, (before, after), d, o), (first, last) in zip(arguments, taps):
        step = math.gcd(s if o > 1 else 0, d if last - first > 1 else 0) or 1
        low, high = first * d - before, (o - 1) * s + (last - 1) * d - before
        part = slice(low % step if low < 0 else low, min(n, high + 1), step)
        count = len(range(n)[part])
        if not count or step == 1 and (first, last) == (0, k):
            axes.append((slice(None), slice(None), n, k, s, (before, after), d))
            continue
        before = (part.start - low) // step
        border = before, (high - low) // step + 1 - before - count
        indices = (slice(None) if size == whole else index
                   for index, size, whole in ((part, count, n), (slice(first, last), last - first, k)))
        axes.append((*indices, count, last - first, s // step if o > 1 else 1, border, d // step or 1))
    *indices, size, kernel, stride, padding, dilation = zip(*axes)
    indices = ((..., *parts) if any(part != slice(None) for part in parts) else () for parts in indices)
    return *indices, size, kernel, stride, padding, dilation


def ways(kind, x_shape, w_shape, stride, padding, dilation, groups, lanes):
    """The geometries of a kind that differ in what lies innermost in memory, with the cost of all images.

    Columns, where every row of the result is as long as a vector. As many images as a vector holds, with
    zeros for the last ones if they do not come out even: a further dimension along which the kernel has
    length 1. Or the channels of a group, as in PyTorch's channels_last.
    """
    images, *x_shape = x_shape
    arguments = w_shape, stride, padding, dilation, groups, lanes
    weights = math.prod(w_shape)
    summed, depth = w_shape[1], w_shape[0] // groups
    if kind is input_grad:
        summed, depth = depth, summed
    apart = kind(tuple(x_shape), *arguments)
    x, y = math.prod(x_shape), w_shape[0] * math.prod(apart.y_size)
    read, written = {forward: (x, y), input_grad: (y, x), weight_grad: (x + y, 0)}[kind]
    columns = apart.y_size[-1] if kind is input_grad else x_shape[-1]
    copied = 0 if apart.as_it_is else STRIDED if kind is not input_grad and stride[-1] > 1 else BORDERED
    cost = images * (apart.cost + copied * (y if kind is input_grad else x))
    found = [apart._replace(cost=cost + LOOPING * len(apart.loops) + PACKING * weights)]

    def add(geometry, innermost, items):
        filled = -(-items // lanes) * lanes / max(items, 1) if innermost != "channels" else 1
        laying_out = LAYING_OUT[innermost] if innermost == "images" or summed > 3 else ONE_BY_ONE  # (7x7 3->64)
        back = PUTTING_BACK if items >= lanes else ONE_BY_ONE
        cost = images * filled * (laying_out * read + back * written) + geometry.cost
        cost += LOOPING * len(geometry.loops) + PACKING * weights
        rows = geometry.rows[::columns] if innermost == "images" else geometry.rows + geometry.columns[0]
        if rows[-1] - rows[0] == (rows.size - 1) * columns * geometry.bordered[-1]:  # no border between rows
            rows = rows[:1]
        rows = np.ascontiguousarray(rows)
        found.append(geometry._replace(innermost=innermost, cost=cost, rows=rows, as_it_is=False))

    if x * lanes <= LAID_OUT:
        longer = (*x_shape, lanes), (*w_shape, 1), (*stride, 1), (*padding, (0, 0)), (*dilation, 1)
        side_by_side = kind(*longer, groups, lanes)
        add(side_by_side._replace(cost=-(-images // lanes) * side_by_side.cost), "images", images)
    squares = winograd(kind, images, tuple(x_shape), *arguments)
    if squares:
        add(squares, "channels", depth)
    if kind is not weight_grad:
        together = kind(tuple(x_shape), *arguments, summed)
        add(together._replace(cost=images * together.cost), "channels", depth)
    size, kernel = x_shape[1:], w_shape[2:]
    outputs, taps = math.prod(apart.y_size), math.prod(kernel)
    if taps * outputs <= SPOTS:
        vectors = w_shape[1] * taps / lanes
        if kind is weight_grad:  # whose products have as many columns
            vectors = math.ceil(vectors)
        numbers = x_shape[0] * taps * outputs
        stacked = images * numbers // groups * w_shape[0] // groups <= STACKED
        products = MULTIPLYING + groups * STACKING if stacked else groups * MULTIPLYING
        cost = images * w_shape[0] * outputs * vectors
        if groups == outputs == 1 and taps == math.prod(size):  # all of an image, where it is
            cost += MULTIPLYING / 5
        else:
            cost += images * (ADDED * numbers + ARRANGING * y) + products
        at = spots(size, kernel, stride, padding, dilation)
        found.append(apart._replace(cost=cost, innermost="windows", spots=at))
    alone, cost = depthwise(kind, x_shape, *arguments)
    if alone:
        found.append(apart._replace(cost=images * cost, innermost="planes", alone=alone))
    y_shape = images, w_shape[0], *apart.y_size
    return [way._replace(y_shape=y_shape, turned=kind is input_grad) for way in found if way.cost < math.inf]


@lru_cache(maxsize=64)
def forward(x_shape, w_shape, stride, padding, dilation, groups, lanes, together=0):
    """Geometry of y = conv(x, w) for x_shape (C, *S) and w_shape (D, C/groups, *K).

    `together` channels of the image lie side by side; 0: its columns do.
    """
    geometry = correlation(x_shape, w_shape, stride, padding, dilation, groups, lanes, together)
    if len(stride) > 1 or together:
        rows = np.arange(w_shape[2]) * min(dilation[0], geometry.bordered[0])
        loop = by_rows(geometry.loops[0], w_shape[1], rows, geometry.bordered, padding[0][0], x_shape[1])
        geometry = geometry._replace(loops=(loop,))
    return settle(geometry, w_shape[0] // groups, groups)


@lru_cache(maxsize=64)
def weight_grad(x_shape, w_shape, stride, padding, dilation, groups, lanes):
    """Geometry of dw; its loop has vectors where sums by positions are faster than by channels."""
    return settle(correlation(x_shape, w_shape, stride, padding, dilation, groups, lanes),
                  w_shape[0] // groups, groups, by_channels)


def winograd(kind, images, x_shape, w_shape, stride, padding, dilation, groups, lanes):
    """Geometry of the squares of winograd.pyx, or None where they do not pay.

    Where they do, laying out the image is all that counts as their cost. The input gradient is the correlation
    of g with kernels that are turned around.
    """
    if w_shape[2:] != (3, 3) or stride != (1, 1):
        return None
    y_size = output_size(x_shape[1:], (3, 3), stride, padding, dilation)
    if kind is input_grad:
        padding = tuple((2 * d - before, 2 * d - after) for d, (before, after) in zip(dilation, padding))
        x_shape, w_shape = (w_shape[0], *y_size), (x_shape[0], w_shape[0] // groups, 3, 3)
    size = output_size(x_shape[1:], (3, 3), stride, padding, dilation)
    whole = [-(-n // (2 * d)) * 2 * d for n, d in zip(size, dilation)]  # rows and columns of whole squares
    depth, channels = w_shape[0] // groups, w_shape[1]
    if (channels % lanes or depth % lanes or channels < CHANNELS or images * math.prod(whole) < 4 * SQUARES[kind]
            or min(x_shape[1:]) < SMALLEST or whole[1] > WIDEST or min(itertools.chain(*padding)) < 0):
        return None
    wider = [(before, 2 * d + n - before - s) for n, s, d, (before, _) in zip(whole, x_shape[1:], dilation, padding)]
    geometry = forward(x_shape, w_shape, stride, tuple(wider), dilation, groups, lanes, channels)
    return geometry._replace(y_size=y_size, cost=0.0, squares=dilation)


def depthwise(kind, x_shape, w_shape, stride, padding, dilation, groups, lanes):
    """Geometry.alone of a depthwise convolution of two dimensions whose result has rows as long as a short vector, or
    (); and the cost of an image."""
    channels, *size = x_shape
    if len(stride) != 2 or not w_shape[0] == channels == groups > 1:
        return (), 0
    _, stride, dilation = limits(size, stride, padding, dilation)
    before, apart = tuple(before for before, _ in padding), (1, 1)
    seen, seeing = size, output_size(size, w_shape[2:], stride, padding, dilation)
    if kind is input_grad:
        before = tuple(d * (k - 1) - n for d, k, n in zip(dilation, w_shape[2:], before))
        seen, seeing, stride, apart = seeing, seen, apart, stride
    if seeing[1] < NARROW or min(before) < 0 and kind is input_grad:
        return (), 0
    width = min(lanes, 1 << seeing[1].bit_length() - 1)
    vectors, taps = seeing[0] * -(-seeing[1] // width), math.prod(w_shape[2:])
    if kind is weight_grad:  # nine at a time
        taps = 1.5 * math.prod(-(-k // 3) * 3 for k in w_shape[2:])
    copied = (BORDERED if stride[1] == apart[1] == 1 else STRIDED) * math.prod(seen)
    return (before, stride, dilation, apart), channels * (PLANE + copied + TAPPING * vectors * taps)


def spots(size, kernel, stride, padding, dilation):
    """Where in a plane of x each tap of the kernel meets each position of y: [taps, positions], negative outside."""
    axes, plane = len(size), math.prod(size)
    total = np.zeros([1] * 2 * axes, np.intp)
    outputs = output_size(size, kernel, stride, padding, dilation)
    for i, (n, k, s, (before, _), d, o) in enumerate(zip(size, kernel, stride, padding, dilation, outputs)):
        at = np.add.outer(np.arange(k) * d - before, np.arange(o) * s)
        at = np.where((at >= 0) & (at < n), at * math.prod(size[i + 1 :]), -plane)
        total = total + np.expand_dims(at, [j for j in range(2 * axes) if j % axes != i])
    return total.reshape(math.prod(kernel), -1)


def by_rows(loop, channels, rows, bordered, before, size):
    """Order the taps by their rows [K0], and note for each position which rows see the image.

    The image begins at row `before` of the bordered one, and has `size` rows.
    """
    if not loop.tap.size:
        return loop
    order = np.arange(loop.tap.size).reshape(channels, rows.size, -1)
    order = order.transpose((1, 2, 0) if loop.by_channels else (1, 0, 2)).ravel()
    row = np.add.outer(loop.base // math.prod(bordered[1:]), rows)
    sees = (row >= before) & (row < before + size)
    sees[~sees.any(axis=1)] = True
    each = loop.tap.size // rows.size
    first, last = sees.argmax(axis=1), rows.size - sees[:, ::-1].argmax(axis=1)
    return loop._replace(tap=loop.tap[order], pick=loop.pick[order], first=first * each, last=last * each)


def settle(geometry, depth, groups, other_way=None):
    """Count the cost, and keep the vectors of neighbours only where the other way, if there is one, costs more."""
    loops, cost = [], 0
    for loop in geometry.loops:
        if loop.by_channels:
            # Less than in place, where vectors lie across two lines of the cache; but one vector has a load for each.
            vectors = max(1.4, 0.8 * -(-depth // loop.lanes))
            cost += groups * vectors * (loop.base.size + FETCHING) * (loop.tap.size + CALLING)
            loops.append(loop._replace(prepared=Prepared()))
            continue
        least = depth if other_way else max(depth, LOADING)
        in_place = loop.vectors.size * (least * loop.tap.size + CALLING) or math.inf
        if loop.step > 1:
            in_place += SCATTERING * loop.base.size * depth
        other = math.inf
        if other_way:
            in_place += depth * (COPYING * loop.vectors.size + ADDING_UP * loop.tap.size)
            other = other_way(loop, depth)
        cost += groups * min(in_place, other)
        vectors = loop.vectors if in_place <= other else loop.vectors[:0]
        loops.append(loop._replace(vectors=vectors, prepared=Prepared()))
    places = np.add.outer(geometry.rows, geometry.columns).ravel()
    as_it_is = np.array_equal(places, np.arange(math.prod(geometry.bordered)))
    return geometry._replace(loops=tuple(loops), cost=cost, as_it_is=as_it_is)


def by_channels(loop, depth):
    """Half of the time goes into loads for all vectors, few sums wait for each other, and g must be transposed."""
    vectors = -(-depth // loop.lanes)
    sums = loop.tap.size * vectors
    return loop.base.size * (max(4, (sums + loop.tap.size) / 2) + 2 * depth) + COLLECTING * sums


def correlation(x_shape, w_shape, stride, padding, dilation, groups, lanes, together=0):
    """The tables of y = conv(x, w), and of its weight gradient."""
    size, kernel, channels = x_shape[1:], w_shape[2:], w_shape[1]
    output = output_size(size, kernel, stride, padding, dilation)
    padded, stride, dilation = limits(size, stride, padding, dilation)
    # Within a row lie first the columns 0, stride, 2 stride, ..., then 1, 1 + stride, ... and so on:
    # so neighbours in the output are neighbours in the image, whatever the stride.
    step = 1 if together else stride[-1]
    part = -(-padded[-1] // step)
    bordered, (channel, *pitch) = layout((*padded[:-1], step * part), together)
    column = np.add.outer(np.arange(part), np.arange(step) * part).ravel() * pitch[-1]
    first = [np.arange(o) * s * p for o, s, p in zip(output, stride, pitch)]
    base = grid([*first[:-1], column[np.arange(output[-1]) * stride[-1]]])
    taps = [np.arange(k) * d * p for k, d, p in zip(kernel, dilation, pitch)]
    tap = grid([np.arange(channels) * channel, *taps[:-1], column[np.arange(kernel[-1]) * dilation[-1]]])
    target, pick = np.arange(base.size), np.arange(tap.size)
    loop = make_loop(base, target, tap, pick, tap.size, lanes, together)
    columns = column[padding[-1][0] :][: size[-1]]
    return Geometry(output, bordered, row_starts(size, padding, pitch), columns, (loop,))


def layout(size, together):
    """The shape of a bordered image as it lies in memory, and its pitches."""
    steps = pitches(size)
    return ((*size, together), [1, *(step * together for step in steps[1:])]) if together else (size, steps)


@lru_cache(maxsize=64)
def input_grad(x_shape, w_shape, stride, padding, dilation, groups, lanes, together=0):
    """Geometry of dx, a loop over the bordered gradient g for each phase of the stride.

    Output o meets x[s] at tap k where s + padding = o * stride + k * dilation. So, on each axis,
    dx[s] = sum over k of  g[(s + padding - k * dilation) / stride] * w[k],  for the k that divide.
    """
    g_size = correlation(x_shape, w_shape, stride, padding, dilation, groups, lanes).y_size
    size, kernel, channels = x_shape[1:], w_shape[2:], np.arange(w_shape[0] // groups)
    _, stride, dilation = limits(size, stride, padding, dilation)
    axes = [phases(*axis) for axis in zip(size, kernel, stride, padding, dilation)]
    border = tuple(overhang(axis, length) for axis, length in zip(axes, g_size))
    padded = tuple(before + length + after for length, (before, after) in zip(g_size, border))
    bordered, (g_channel, *g_pitch) = layout(padded, together)
    (w_channel, *w_pitch), (_, *x_pitch) = pitches(kernel), pitches(size)

    loops = []
    for phase in itertools.product(*axes):
        base = grid(np.arange(a.positions.size) * p for a, p in zip(phase, g_pitch))
        target = grid(a.positions * p for a, p in zip(phase, x_pitch))
        taps = [(a.shifts + before) * p for a, (before, _), p in zip(phase, border, g_pitch)]
        tap = grid([channels * g_channel, *taps])
        pick = grid([channels * w_shape[1] * w_channel, *(a.taps * p for a, p in zip(phase, w_pitch))])
        loop = make_loop(base, target, tap, pick, w_channel, lanes, together)
        if len(stride) > 1 or together:
            before = border[0][0]
            loop = by_rows(loop, channels.size, phase[0].shifts + before, bordered, before, g_size[0])
        loops.append(loop)
    rows, columns = row_starts(g_size, border, g_pitch), (np.arange(g_size[-1]) + border[-1][0]) * g_pitch[-1]
    gaps = sum(loop.base.size for loop in loops) < math.prod(size)
    if together:
        loops = side_by_side(loops, len(axes[-1]))
    geometry = Geometry(g_size, bordered, rows, columns, tuple(loops), gaps=gaps)
    return settle(geometry, x_shape[0] // groups, groups)


def side_by_side(loops, phases):
    """One loop for the phases of the last axis, where their results lie next to each other (3x3 s2 128->128)."""
    beside = [np.array_equal(loop.target, loops[i - i % phases].target + i % phases) for i, loop in enumerate(loops)]
    if not 1 < phases <= MOST_PHASES or not all(beside):
        return loops
    merged = []
    for i in range(0, len(loops), phases):
        parts = loops[i : i + phases]
        cut = np.cumsum([0, *(loop.tap.size for loop in parts)])
        tap, pick = (np.concatenate([getattr(loop, name) for loop in parts]) for name in ("tap", "pick"))
        first, last = (np.concatenate([getattr(loop, name) + c for loop, c in zip(parts, cut)])
                       for name in ("first", "last"))
        merged.append(parts[0]._replace(tap=tap, pick=pick, cut=cut, first=first, last=last))
    return merged


# Winograd's way pays from so many channels on, and from so many squares, for else its weights take too long;
# and a row of squares should stay in the cache.
CHANNELS, SQUARES, WIDEST = 32, {forward: 32, input_grad: 64, weight_grad: 1}, 512
SMALLEST = 4  # rows and columns: where border is most of what squares see, only they have rounding errors from it

NARROW = 4  # float32 in a vector of the compiler's baseline: shorter rows have no use for plane.pyx


def check(x_shape, w_shape, stride, padding, dilation, groups):
    """Raise ValueError for a geometry that would lead the loops outside of their arrays."""
    if not 1 <= len(x_shape) - 1 == len(w_shape) - 2 == len(stride) == len(padding) == len(dilation):
        raise ValueError("expected at least 1 spatial dimension, the same number in all arguments")
    if groups < 1 or w_shape[0] % groups or x_shape[0] != w_shape[1] * groups:
        raise ValueError(f"x {x_shape} and w {w_shape} do not fit {groups} groups")
    if min(*stride, *dilation, *w_shape[2:]) < 1 or min(itertools.chain(*padding)) < 0:
        raise ValueError("stride, dilation and kernel must be positive, padding not negative")
    if min(output_size(x_shape[1:], w_shape[2:], stride, padding, dilation)) < 1:
        raise ValueError(f"the kernel of w {w_shape} is larger than the padded x {x_shape}")


def make_loop(base, target, tap, pick, pitch, lanes, together):
    """A Loop, with its positions cut into vectors of so many lanes.

    The last vector of a row overlaps the one before; where a row is shorter than a vector, there are none.
    """
    step = int(target[1] - target[0]) if target.size > 1 else 1
    apart = (np.diff(base, prepend=-2) != 1) | (np.diff(target, prepend=-2 * step) != step)
    rows = [*np.flatnonzero(apart), base.size]
    vectors = [np.minimum(np.arange(a, b, lanes), b - lanes) for a, b in itertools.pairwise(rows)]
    if min(np.diff(rows), default=0) < lanes:
        vectors = [rows[:0]]
    vectors = np.concatenate(vectors).astype(np.intp)
    first, last = np.zeros_like(base), np.full_like(base, tap.size)
    cut = np.array([0, tap.size])
    return Loop(base, target, tap, pick, cut, first, last, pitch, lanes, vectors, step, together > 0)


def row_starts(size, border, pitch):
    """Where in a bordered plane each row of an image begins."""
    return grid([(np.arange(s) + before) * p for s, (before, _), p in zip(size, border, pitch)][:-1])


def output_size(size, kernel, stride, padding, dilation):
    """Spatial shape of the output: floor((padded - reach) / stride) + 1 on each axis."""
    return tuple((s + before + after - d * (k - 1) - 1) // t + 1
                 for s, k, t, (before, after), d in zip(size, kernel, stride, padding, dilation))


def phases(size, kernel, stride, padding, dilation):
    """The phases of one axis of x that any tap reaches, at most one for each tap."""
    reach = np.arange(kernel) * dilation - padding[0]
    found = []
    for start in np.unique(reach % stride):
        if start < size:
            taps = np.flatnonzero(reach % stride == start)
            found.append(Phase(np.arange(start, size, stride), taps, (start - reach[taps]) // stride))
    return found


def overhang(axis, size):
    """Zeros needed (before, after) a gradient of that size so that every shift stays inside."""
    first = min((phase.shifts.min() for phase in axis), default=0)
    last = max((phase.shifts.max() + phase.positions.size for phase in axis), default=0)
    return max(0, -int(first)), max(0, int(last) - size)


def limits(size, stride, padding, dilation):
    """The padded shape, and stride and dilation no longer than it: more makes no difference."""
    padded = tuple(s + before + after for s, (before, after) in zip(size, padding))
    return padded, tuple(map(min, stride, padded)), tuple(map(min, dilation, padded))


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
