"""The sums of a convolution: of one output cell, and of one cell of each of its gradients.

y[n,d,o] = b[d] + the sum of x[n,c,i] w[d,c,k] over all (i, k) that meet at o. So x[n,c,i] has a part in y[n,d,o] for
each (o, k) that it meets, and its gradient is the sum of w[d,c,k] g[n,d,o] over these; that of w[d,c,k] is the sum of
x[n,c,i] g[n,d,o] over its (i, o).
"""

import numpy as np

from ..drawing import BLUE, GREEN, ORANGE
from ..geometry import taps, where
from ..notation import indexed
from .convs import Convolution
from .sums import Arithmetic, Panel, elided, sum_of_products

ROWS = 3  # of a picture; 2 if the kernel has more than LARGE elements
LARGE = 64


def output_cell(call, at):
    """y at this position: the window times the kernel, summed over the channels."""
    conv = Convolution(call)
    n, d, o = conv.split(at, conv.out)
    meeting = conv.behind_output(o)
    terms = []
    for c in conv.channels_of(d):
        plane = conv.x[n, c].ravel()
        for i, k in meeting:
            index = conv.weight(d, c, k)
            x = ("0", 0.0) if i < 0 else (conv.x_name(n, c, i), plane[i])
            terms.append([x, (conv.w_name(index), conv.w[index])])
    if conv.b is not None:
        terms.append([(indexed("b", (d,)), conv.b[d])])
    value = call.value[at]
    return Arithmetic(indexed("Y", at), sum_of_products(terms, value), value, _output_notes(conv, n, d, o, meeting),
                      *_output_picture(conv, n, d, o, meeting))


def _output_notes(conv, n, d, o, meeting):
    channels = len(conv.channels_of(d))
    each = f" of each of the {channels} channels" if channels > 1 else ""
    if conv.transposed:
        yield ("A transposed convolution: each input paints the kernel, times itself, into the output; the sum is over "
               "those whose kernel covers this cell.")
        return
    if conv.flipped:
        yield "The kernel is flipped: its last element meets the first cell of the window."
    inside = taps(conv.size, conv.kernel, conv.stride, conv.padding, conv.dilation)
    inside = inside[(*where(o, conv.out), *[slice(None, None, -1 if conv.flipped else 1)] * conv.dims)].ravel()
    outside = int((inside < 0).sum())
    if not outside:
        return
    share = f"Padding: {outside} of the {len(inside)} cells of the window{each}"
    if conv.mode == "zeros":
        yield f"{share}; they are 0."
    else:
        repeated = dict.fromkeys(conv.x_name(n, conv.channels_of(d)[0], i)
                                 for (i, _), real in zip(meeting, inside) if real < 0)
        yield f"{share}; they repeat elements of X ({conv.mode}): {elided(repeated, ', ')}."


# ---- gradients


def input_gradient(call, at, g, value):
    """dL/dx at this position: the weights that it met, each times the g of the output that they made."""
    conv = Convolution(call)
    g = g.reshape(conv.y.shape)
    n, c, i = conv.split(at, conv.size)
    meeting = conv.ahead_of_input(i)
    terms = []
    for d in conv.depths_of(c):
        plane = g[n, d].ravel()
        for o, k in meeting:
            index = conv.weight(d, c, k)
            terms.append([(conv.w_name(index), conv.w[index]), (conv.y_name(n, d, o), plane[o])])
    return Arithmetic(f"dL/d{conv.x_name(n, c, i)}", sum_of_products(terms, value), value,
                      _input_notes(conv, len(meeting)), *_input_picture(conv, n, c, i, g, meeting))


def _input_notes(conv, count):
    if count == 0:
        yield "No window sees this element: it has no part in the output."
    elif conv.transposed:
        yield "The gradient of a transposed convolution is a convolution of g: what an input painted comes back to it."
    elif count == 1:
        yield "One window only sees this element."
    elif conv.flipped:
        yield ("The forward pass flipped the kernel; here it stands the right way round: the gradient of a true "
               "convolution is a cross-correlation.")
    elif conv.mode != "zeros":
        yield ("Each copy of the element in the padding adds products of its own. Around each copy the kernel stands "
               "flipped.")
    else:
        whole = all(s == d == 1 for s, d in zip(conv.stride, conv.dilation))
        full = " ('full': g with zeros around it)" if whole else ""
        yield ("The kernel stands here flipped: g runs forward while K runs backward. The gradient to X is the true "
               f"convolution of g with K{full}.")


def weight_gradient(call, at, g, value):
    """dL/dw at this position: the inputs that it met, each times the g of the output that they made."""
    conv = Convolution(call)
    g = g.reshape(conv.y.shape)
    d, c = conv.ends(at)
    k = int(np.ravel_multi_index(at[2:], conv.kernel))
    meeting = conv.around_weight(k)
    terms = []
    for n in range(len(conv.x)):
        x, gradient = conv.x[n, c].ravel(), g[n, d].ravel()
        terms += [[(conv.x_name(n, c, i), x[i]), (conv.y_name(n, d, o), gradient[o])] for i, o in meeting]
    notes = ["Each output uses this weight once, so the sum is over all of them: X, seen through g."]
    missing = int(np.prod(conv.size if conv.transposed else conv.out)) - len(meeting)
    if missing:
        notes.append(f"Left out: {missing} places where the weight meets "
                     f"{'what is cropped' if conv.transposed else 'a zero of the padding'}.")
    panels, left = _weight_picture(conv, d, c, k, at, g, meeting)
    return Arithmetic(f"dL/d{conv.w_name(at)}", sum_of_products(terms, value), value, notes, panels, left)


def bias_gradient(call, at, g, value):
    """dL/db at this position: all g of its channel."""
    conv = Convolution(call)
    g = g.reshape(conv.y.shape)
    (d,) = at
    terms = [[(conv.y_name(n, d, o), v)] for n in range(len(g)) for o, v in enumerate(g[n, d].ravel())]
    panels = [[_plane("g" + _channel(d, g), g[0, d], list(np.ndindex(conv.out)), BLUE, (0,) * (conv.dims - 2))]]
    return Arithmetic(indexed("dL/db", at), sum_of_products(terms, value), value,
                      ["The bias is added to every output of its channel: its gradient is the sum of theirs."],
                      panels)


# ---- pictures: a row for each channel and, in 3 dimensions, for each slice of the depth


def _plane(title, values, positions, colour, lead, ghost=None, start=None):
    """A Panel of the last two dimensions; lead: the index before them; positions: of the cells to frame."""
    cells = [p[len(lead):] for p in positions if tuple(p[:len(lead)]) == tuple(lead)]
    name = title + "".join(f", depth {i}" for i in lead)
    return Panel(name, values[tuple(lead)], cells, colour, ghost, start or (0,) * min(2, values.ndim))


def _rows(conv, channels, leads, what):
    """The rows that are drawn, (channel, lead), and a sentence about those that are not."""
    rows = [(c, lead) for c in channels for lead in leads]
    most = ROWS if np.prod(conv.kernel[-2:]) <= LARGE else 2
    return rows[:most], f"The picture shows {most} of {len(rows)} {what}." if len(rows) > most else ""


def _output_picture(conv, n, d, o, meeting):
    if conv.transposed:
        return _painted_picture(conv, n, d, o, meeting)
    cell = where(o, conv.out)
    before = max(conv.dims - 2, 0)
    leads = [(a,) for a in range(conv.kernel[0])] if before else [()]
    rows, left = _rows(conv, conv.channels_of(d), leads, "channels" if not before else "slices of the channels")
    panels = []
    for row, (c, lead) in enumerate(rows):
        first, second = conv.weight(d, c, 0)[:2]
        depth = tuple(cell[a] * conv.stride[a] + lead[a] * conv.dilation[a] for a in range(before))
        x, ghost = conv.padded_plane(n, c, depth)
        window = np.indices(conv.kernel[before:]).reshape(conv.dims - before, -1).T
        cells = [tuple(int(p * s + k * step) for p, s, k, step in zip(cell[before:], conv.stride[before:], ks,
                                                                      conv.dilation[before:])) for ks in window]
        start = tuple(-a for a, _ in conv.padding[before:])
        shown = [z - conv.padding[a][0] for a, z in enumerate(depth)]
        title = "X" + _channel(c, conv.x) + "".join(f", depth {z}" for z in shown)
        seen = tuple(conv.kernel[0] - 1 - a for a in lead) if conv.flipped else lead
        name = "K" + (f", channel {second}" if conv.w.shape[1] > 1 else "")
        panels.append([Panel(title, x, cells, ORANGE, ghost, start),
                       _plane(name, conv.w[first, second], [], BLUE, seen)])
        if row == 0:
            panels[-1].append(_plane("Y" + _channel(d, conv.y), conv.y[n, d], [cell], GREEN, cell[:before]))
    return panels, left


def _channel(c, of):
    return f", channel {c}" if of.shape[1] > 1 else ""


def _picture(conv, channels, first, second, left, right, last, what="channels"):
    """A row of left(channel, lead) and right(channel, lead) for each channel, and for each pair of slices in which the
    `first` and `second` positions lie; `last` stands at the end of the first row."""
    before = max(conv.dims - 2, 0)
    leads = sorted({(a[:before], b[:before]) for a, b in zip(first, second)}) or [((0,) * before,) * 2]
    rows, left_out = _rows(conv, channels, leads, f"slices of the {what}" if before else what)
    panels = [[left(c, a), right(c, b)] for c, (a, b) in rows]
    panels[0].append(last)
    return panels, left_out


def _painted_picture(conv, n, d, o, meeting):
    """Of a transposed convolution: the inputs that paint this cell, each with the weight that it does it with."""
    cell = where(o, conv.out)
    inputs, elements = [where(i, conv.size) for i, _ in meeting], [where(k, conv.kernel) for _, k in meeting]
    return _picture(
        conv, conv.channels_of(d), inputs, elements,
        lambda c, lead: _plane("X" + _channel(c, conv.x), conv.x[n, c], inputs, ORANGE, lead),
        lambda c, lead: _plane("K" + _channel(c, conv.x), conv.w[conv.weight(d, c, 0)[:2]], elements, BLUE, lead),
        _plane("Y" + _channel(d, conv.y), conv.y[n, d], [cell], GREEN, cell[:-2]))


def _input_picture(conv, n, c, i, g, meeting):
    """The kernel, turned so that it lies on g as it is multiplied, g, and the input."""
    cell, turned = where(i, conv.size), not conv.flipped and not conv.transposed
    outputs, elements = [where(o, conv.out) for o, _ in meeting], [where(k, conv.kernel) for _, k in meeting]
    if turned:
        elements = [tuple(size - 1 - k for k, size in zip(element, conv.kernel)) for element in elements]
    name = "K flipped" if turned else "K"

    def kernel(d, lead):
        w = conv.w[conv.weight(d, c, 0)[:2]]
        return _plane(name + _channel(d, conv.y), np.flip(w) if turned else w, elements, BLUE, lead)

    return _picture(conv, conv.depths_of(c), elements, outputs, kernel,
                    lambda d, lead: _plane("g" + _channel(d, conv.y), g[n, d], outputs, BLUE, lead),
                    _plane("X" + _channel(c, conv.x), conv.x[n, c], [cell], ORANGE, cell[:-2]))


def _weight_picture(conv, d, c, k, at, g, meeting):
    """The inputs that the weight meets, g, and the kernel."""
    element = where(k, conv.kernel)
    inputs, outputs = [where(i, conv.size) for i, _ in meeting], [where(o, conv.out) for _, o in meeting]
    return _picture(conv, range(len(conv.x)), inputs, outputs,
                    lambda n, lead: _plane("X" + _channel(c, conv.x), conv.x[n, c], inputs, ORANGE, lead),
                    lambda n, lead: _plane("g" + _channel(d, conv.y), g[n, d], outputs, BLUE, lead),
                    _plane("K", conv.w[at[:2]], [element], GREEN, element[:-2]), "images")
