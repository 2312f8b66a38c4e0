"""What each cell of a tensor sees of the input, read off the tape.

A `Field` says for every cell of a value from which input position to which it sees, along each of the input's
axes. The input's own cells see themselves; every operator makes the field of its output from those of its inputs:
an element-wise one takes the union, a convolution the union over its window (`geometry.taps`), a linear layer
sees all. So functional calls, branches and dilation are followed like everything else. Operators without a rule
here count as seeing everything that their inputs see.

Beside these exact, clipped intervals stands, where cells lie on a regular grid, the line that they follow:
cell i sees the positions start + i jump to start + i jump + size - 1, of which some may lie in the padding.

    size' = size + (k - 1) d jump        jump' = s jump        start' = start - p jump

Source: Dumoulin and Visin, "A guide to convolution arithmetic for deep learning", arXiv:1603.07285; Araujo, Norris
and Sim, "Computing Receptive Fields of Convolutional Neural Networks", Distill (2019), doi:10.23915/distill.00021.
"""

from typing import NamedTuple

import numpy as np

from ...engine import AccumulateGrad, Operator
from ...ops import arrange, common, conv, elementwise, fold, index, loss, matmul, norm, pad, pool, reduce, shape, unary
from .. import geometry

NOTHING = np.iinfo(np.int64).max // 2  # the lowest position that a cell of the padding sees


class Line(NamedTuple):
    """Cell i sees start + i jump to start + i jump + size - 1."""

    start: int
    size: int
    jump: int

    def window(self, kernel, stride, before, dilation):
        """The line of windows over cells of this one."""
        return Line(self.start - before * self.jump, self.size + (kernel - 1) * dilation * self.jump,
                    self.jump * stride)

    def at(self, i):
        """The first and the last position that cell i sees, those in the padding included."""
        first = self.start + i * self.jump
        return first, first + self.size - 1


class Field(NamedTuple):
    """low, high: for each axis of the input an array that broadcasts to the shape of the value, the first and the
    last position that each cell sees; lines: for each axis a Line, or None where the last dimensions of the value
    are no regular grid."""

    low: tuple
    high: tuple
    lines: tuple

    def each(self, function, lines):
        """Apply `function(array, nothing)` to all arrays."""
        return Field(tuple([function(a, NOTHING) for a in self.low]), tuple([function(a, -1) for a in self.high]),
                     tuple(lines))

    def mix(self, dims):
        """Every cell sees what any cell along `dims` sees."""
        ndim, grid = self.low[0].ndim, len(self.low)
        dims = tuple([d % ndim for d in dims])
        lines = (None,) * grid if any(d >= ndim - grid for d in dims) else self.lines
        return Field(tuple([a.min(dims, keepdims=True) for a in self.low]),
                     tuple([a.max(dims, keepdims=True) for a in self.high]), lines)


def own(size, dims, turned=False):
    """The field of the input itself: every cell of the last `dims` dimensions sees itself. turned: positions count
    from the middle of the input, round its end."""
    axes = range(len(size) - dims, len(size))
    places = tuple([np.roll(np.arange(size[d]), size[d] // 2 if turned else 0)
                    .reshape([-1 if e == d else 1 for e in range(len(size))]) for d in axes])
    return Field(places, places, (Line(0, 1, 1),) * dims)


def union(fields, ndim):
    """What any of the fields sees, cell by cell, with broadcasting."""
    def level(a):
        return a.reshape((1,) * (ndim - a.ndim) + a.shape)

    low = tuple([_fold(np.minimum, map(level, arrays)) for arrays in zip(*(f.low for f in fields))])
    high = tuple([_fold(np.maximum, map(level, arrays)) for arrays in zip(*(f.high for f in fields))])
    return Field(low, high, tuple([_join(lines) for lines in zip(*(f.lines for f in fields))]))


def _fold(function, arrays):
    first, *rest = arrays
    for a in rest:
        first = function(first, a)
    return first


def _join(lines):
    """One line that covers all of `lines`, if they keep step."""
    if None in lines or len({line.jump for line in lines}) > 1:
        return None
    start, end = min(line.start for line in lines), max(line.start + line.size for line in lines)
    return Line(start, end - start, lines[0].jump)


# ---- the tape


def grid_dims(nodes):
    """In how many dimensions the windows of these operators slide; None if there is no window."""
    found = [len(n.params["steps"][0]) for n in nodes if isinstance(n, conv.Conv | conv.ConvInputGrad)]
    found += [len(n.plane) for n in nodes if isinstance(n, pool.MaxPool)]
    return max(found, default=None)


def behind(values):
    """All operators behind these tensors, the oldest first."""
    found, waiting = set(), [y.grad_fn for y in values]
    while waiting:
        node = waiting.pop()
        if node is not None and node not in found and not isinstance(node, AccumulateGrad):
            found.add(node)
            waiting += [below for below, _ in node.next_functions]
    return sorted(found, key=lambda node: node.sequence)


def wraps(node):
    """Whether an operator puts the last cell before the first: circular padding, roll."""
    return isinstance(node, arrange.Roll) or isinstance(node, index.GetItem) and any(
        isinstance(i, np.ndarray) and i.ndim == 1 and i.dtype.kind == "i" and (i[:-1] - i[1:] == i.max()).any()
        and i.max() > 1 for i in node.index if np.size(i))


def follow(x, values, dims, turned=False):
    """{operator: the Field of its output} for all operators behind the tensors `values` that see x."""
    fields, start, nodes = {}, own(tuple(x.shape), dims, turned), behind(values)
    shapes = {edge.target: edge.shape for node in nodes for edge in node._edges or () if edge is not None}
    shapes |= {y.grad_fn: tuple(y.shape) for y in values}
    for node in nodes:
        inputs, given = [], []
        for edge in node._edges or ():
            inputs.append(None if edge is None else start if edge.target is x else fields.get(edge.target))
            given.append(None if edge is None else edge.shape)
        if any(inputs):
            fields[node] = _rule(node)(node, inputs, given, shapes.get(node))
    return fields


def _rule(node):
    for kind in type(node).__mro__:
        if kind in RULES:
            return RULES[kind]
    params = getattr(node, "params", None)
    if params == {}:
        return _pointwise  # a formula without parameters
    return _mixed if params and ("dim" in params or "dims" in params) else _all


# ---- the rules: (node, fields of its inputs, their shapes, the shape of its output if it is known) -> Field


def _all(node, inputs, shapes, out):
    """No rule: every cell sees whatever the inputs see."""
    seen = [f.mix(range(f.low[0].ndim)) for f in inputs if f is not None]
    ndim = len(out) if out is not None else max(len(s) for s in shapes if s is not None)
    fields = [f.each(lambda a, _: a.reshape((1,) * ndim), (None,) * len(f.low)) for f in seen]
    return union(fields, ndim)


def _pointwise(node, inputs, shapes, out):
    return union([f for f in inputs if f is not None], max(len(s) for s in (*shapes, out) if s is not None))


def _mixed(node, inputs, shapes, out):
    dims = node.params.get("dim", node.params.get("dims"))
    return inputs[0].mix((dims,) if isinstance(dims, int) else dims)


def _reduced(node, inputs, shapes, out):
    field = inputs[0].mix(node.dims)
    return field if node.keepdim else field.each(lambda a, _: a.squeeze(node.dims), field.lines)


def _product(node, inputs, shapes, out):
    """Matrices: each cell sees a row of the left one and a column of the right one."""
    left, right = inputs
    return _off_grid([left and left.mix((-1,)), right and right.mix((-2,))], shapes)


def _linear(node, inputs, shapes, out):
    """x w^T + b: each cell sees a row of x, a row of w and an element of b."""
    x, w, b = inputs
    return _off_grid([x and x.mix((-1,)), w and w.mix((-1,)).each(lambda a, _: a.T, w.lines), b], shapes)


def _off_grid(fields, shapes):
    field = union([f for f in fields if f is not None], max(len(s) for s in shapes if s is not None))
    return field._replace(lines=(None,) * len(field.lines))


def _windows(field, size, tables, groups=None, out_channels=1, lines=()):
    """Windows over the last dimensions: `tables[d][o, k]` is where element k of window o looks, -1 for nowhere."""
    def look(a, nothing):
        choose = np.min if nothing == NOTHING else np.max
        if groups is not None and a.shape[1] > 1:
            a = choose(a.reshape(a.shape[0], groups, -1, *a.shape[2:]), axis=2)
            a = a.repeat(out_channels // groups, axis=1)
        for d, (n, table) in enumerate(zip(size, tables), a.ndim - len(size)):
            if a.shape[d] == n:  # else it is the same all along this dimension
                seen = np.take(a, table, axis=d)
                there = (table >= 0).reshape(table.shape + (1,) * (a.ndim - d - 1))
                a = choose(np.where(there, seen, nothing), axis=d + 1)
        return a

    return field.each(look, lines)


def _tables(size, kernel, stride, pairs, dilation, extra=None):
    extra = extra or (0,) * len(size)
    return [geometry.taps((n,), (k,), (s,), (p,), (d,), extra=(e,))
            for n, k, s, p, d, e in zip(size, kernel, stride, pairs, dilation, extra)]


def _convolution(node, inputs, shapes, out):
    field, *others = inputs
    if field is None or any(others):  # a kernel that is made from the input
        return _all(node, inputs, shapes, out)
    stride, pairs, dilation, groups = node.params["steps"]
    size, (depth, _, *kernel) = node.params["x_shape"][2:], node.params["w_shape"]
    lines = [line and line.window(k, s, before, d)
             for line, k, s, (before, _), d in zip(field.lines, kernel, stride, pairs, dilation)]
    return _windows(field, size, _tables(size, kernel, stride, pairs, dilation), groups, depth, lines)


def _transposed(node, inputs, shapes, out):
    """The windows of the convolution that it undoes, from the other end: who looks at this position?"""
    if inputs[0] is None or inputs[1] is not None:
        return _all(node, inputs, shapes, out)
    stride, pairs, dilation, groups = node.params["steps"]
    size, (_, channels, *kernel) = node.params["x_shape"][2:], node.params["w_shape"]
    tables = []
    for n, table in zip(size, _tables(size, kernel, stride, pairs, dilation)):
        seen_by = np.full((n, table.shape[1]), -1)
        for k, column in enumerate(table.T):
            inside = column >= 0
            seen_by[column[inside], k] = np.flatnonzero(inside)
        tables.append(seen_by)
    lines = [line and line.window(k, 1, (k - 1) * d - before, d) if s == 1 else None
             for line, k, s, (before, _), d in zip(inputs[0].lines, kernel, stride, pairs, dilation)]
    return _windows(inputs[0], shapes[0][2:], tables, groups, channels * groups, lines)


def _pooling(node, inputs, shapes, out):
    kernel, stride, padding, dilation, count = node.window
    axes = list(zip(node.plane, kernel, stride, padding, dilation, count))
    beyond = [max((o - 1) * s + d * (k - 1) + 1 - n - 2 * p, 0) for n, k, s, p, d, o in axes]  # ceil_mode
    tables = _tables(node.plane, kernel, stride, [(p, p) for p in padding], dilation, beyond)
    lines = [line and line.window(k, s, p, d) for line, (_, k, s, p, d, _) in zip(inputs[0].lines, axes)]
    return _windows(inputs[0], node.plane, tables, lines=lines)


def _padded(node, inputs, shapes, out):
    """A border of constants, which see nothing; negative borders crop."""
    size, borders = shapes[0], node.params["borders"]
    tables = [np.pad(np.arange(n), (max(a, 0), max(b, 0)), constant_values=-1)[max(-a, 0):n + a + b + max(-a, 0)]
              for n, (a, b) in zip(size, borders)]
    grid = borders[len(size) - len(inputs[0].lines):]
    lines = [line and line.window(1, 1, before, 1) for line, (before, _) in zip(inputs[0].lines, grid)]
    return _windows(inputs[0], size, [table[:, None] for table in tables], lines=lines)


def _reshaped(node, inputs, shapes, out):
    field, before, grid = inputs[0], shapes[0], len(inputs[0].lines)
    if out is None or len(out) < grid or out[-grid:] != before[-grid:]:
        return field.each(lambda a, _: np.broadcast_to(a, before).reshape(out or (-1,)), (None,) * grid)
    lead = (1,) * (len(out) - grid)

    def move(a, _):
        alike = a.size == np.prod(a.shape[a.ndim - grid:], dtype=int)  # the same in all channels
        return a.reshape(lead + a.shape[-grid:]) if alike else np.broadcast_to(a, before).reshape(out)

    return field.each(move, field.lines)


def _permuted(node, inputs, shapes, out):
    grid, dims = len(inputs[0].lines), node.dims
    stays = tuple(dims[-grid:]) == tuple(range(len(dims) - grid, len(dims)))
    return inputs[0].each(lambda a, _: a.transpose(dims), inputs[0].lines if stays else (None,) * grid)


def _indexed(node, inputs, shapes, out):
    """x[...]: the cells that are chosen see what they saw; which ones max or gather choose depends on the numbers."""
    if node.named:
        return _all(node, inputs, shapes, out)
    field, before, grid = inputs[0], shapes[0], len(inputs[0].lines)
    items = [i for i in node.index if i is not ...]
    if ... not in [i for i in node.index if not isinstance(i, np.ndarray)]:
        items += [slice(None)] * (len(before) - len(items))  # the dimensions that are not named
    lines = (None,) * grid
    if len(items) == len(before) and not any(i is None for i in items):
        last = [(n, i) for n, i in zip(before, items)][-grid:]
        lines = [line and not isinstance(i, int) and _picked(line, np.arange(n)[i], n)
                 for line, (n, i) in zip(field.lines, last)]
        lines = [line or None for line in lines] if all(lines) else (None,) * grid
    return field.each(lambda a, _: np.broadcast_to(a, before)[node.index], lines)


def _picked(line, places, n):
    """The line of the cells at `places` of n on this line; a border of repeated cells does not count."""
    if places.ndim != 1 or not len(places):
        return None
    for border in range(len(places) - n + 1):
        if np.array_equal(places[border:border + n], np.arange(n)):
            return line.window(1, 1, border, 1)
    steps = set(np.diff(places).tolist()) or {1}
    if len(steps) > 1:
        return None
    return Line(line.start + int(places[0]) * line.jump, line.size, line.jump * steps.pop())


def _moved(node, inputs, shapes, out):
    """Flip, roll and unfold: the same operator, on what the cells see."""
    field, move = inputs[0], type(node).compute
    return field.each(lambda a, _: move(np.broadcast_to(a, shapes[0]), **node.params), (None,) * len(field.lines))


def _concatenated(node, inputs, shapes, out):
    dim, ndim = node.dim, max(len(s) for s in shapes if s is not None)
    sizes = np.diff([0, *node.ends])
    known = [(f, n) for f, n in zip(inputs, sizes) if f is not None and n]
    grid = len(known[0][0].lines)

    def join(arrays, nothing):
        arrays = [np.full((1,) * ndim, nothing) if a is None else a for a in arrays]
        others = list(np.broadcast_shapes(*[a.shape[:dim] + (1,) + a.shape[dim + 1:] for a in arrays]))
        parts = [np.broadcast_to(a, [*others[:dim], n, *others[dim + 1:]]) for a, n in zip(arrays, sizes)]
        return np.concatenate(parts, axis=dim)

    low = tuple([join([f and f.low[a] for f in inputs], NOTHING) for a in range(grid)])
    high = tuple([join([f and f.high[a] for f in inputs], -1) for a in range(grid)])
    across = dim < ndim - grid and len(known) == len(inputs)
    lines = [_join(lines) for lines in zip(*(f.lines for f, _ in known))] if across else (None,) * grid
    return Field(low, high, tuple(lines))


POINTWISE = [operator for module in (elementwise, unary) for operator in vars(module).values()
             if isinstance(operator, type) and issubclass(operator, Operator) and operator is not Operator]
RULES = {
    **dict.fromkeys([*POINTWISE, common.Cast], _pointwise),
    conv.Conv: _convolution, conv.ConvInputGrad: _transposed, pool.MaxPool: _pooling, pad.Pad: _padded,
    shape.View: _reshaped, shape.Expand: _pointwise, shape.Permute: _permuted, index.GetItem: _indexed,
    arrange.Cat: _concatenated, arrange.Flip: _moved, arrange.Roll: _moved, fold.Im2Col: _moved,
    reduce.Reduction: _reduced,
    reduce.Std: _pointwise, reduce.LinalgVectorNorm: _pointwise, norm.Normalise: _mixed, loss.Softmax: _mixed,
    matmul.Mm: _product, matmul.Addmm: _linear,
}  # fmt: skip
