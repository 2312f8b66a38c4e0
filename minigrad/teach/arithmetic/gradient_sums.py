"""The arithmetic of one gradient cell of everything but convolutions: g times what the element did in each output."""

import math

import numpy as np

from ...engine import Value
from ...nn import functional
from ...ops import loss
from ..drawing import BLUE, ORANGE
from ..notation import factor, indexed, number
from .calls import CONSTANTS
from .formulas import along, classes, head, plane_name, planes
from .sums import Arithmetic, elided, sign, signs, sum_of_products, written


def linear_gradient(call, at, of, g, value):
    x, w = call.arguments["input"]._array, call.arguments["weight"]._array
    several = w.ndim == 2  # outputs; else the weight is a vector
    rows = list(np.ndindex(x.shape[:-1]))
    if of == "input":
        *row, k = at
        outputs = [(*row, j) for j in range(len(w))] if several else [tuple(row)]
        places = [(("W", w, (o[-1], k) if several else (k,)), ("g", g, o)) for o in outputs]
        note = "A row of g times a column of W: dL/dX = g W."
    elif of == "weight":
        k, j = at[-1], at[:-1]
        places = [(("X", x, (*r, k)), ("g", g, (*r, *j))) for r in rows]
        note = "Each example adds its part: dL/dW = gᵀ X."
    else:
        places = [(("g", g, (*r, *at) if several else r),) for r in rows]
        note = "The bias is added in every example: its gradient is the sum over them."
    return _products({"input": "X", "weight": "W", "bias": "b"}[of], at, places, value, note)


def matmul_gradient(call, at, of, g, value):
    x, w = call.arguments["input"]._array, call.arguments["other"]._array
    a_first = of == "input"
    own, partner, name = (x, w, "B") if a_first else (w, x, "A")
    batch = np.broadcast_shapes(x.shape[:-2], w.shape[:-2])
    k = at[-1] if a_first or w.ndim == 1 else at[-2]
    i = at[-2:-1] if a_first else at[len(at) - 1:] if w.ndim > 1 else ()  # its row in A, or its column in B
    free = (range(partner.shape[-1]) if a_first else range(partner.shape[-2])) if partner.ndim > 1 else [None]
    places = []
    for stack in np.ndindex(batch):
        if _stacked(stack, own) != tuple(at[:-2]):
            continue
        for j in free:
            j = () if j is None else (j,)
            meets = (*_stacked(stack, partner), *((k, *j) if a_first else (*j, k)))
            places.append(((name, partner, meets), ("g", g, (*stack, *((*i, *j) if a_first else (*j, *i))))))
    note = "A row of g times a row of B: dL/dA = g Bᵀ." if a_first else "A column of A times one of g: dL/dB = Aᵀ g."
    return _products("A" if a_first else "B", at, places, value, note)


def _stacked(stack, a):
    """Which matrix of a stack it is; a stack of one is taken again and again."""
    own = a.shape[:-2]
    return tuple(0 if n == 1 else s for s, n in zip(stack[len(stack) - len(own):], own))


def _products(name, at, places, value, note):
    terms = [[(indexed(n, p) if p else n, array[p]) for n, array, p in factors] for factors in places]
    columns = list(zip(*places))
    panels = [planes(column[0][0], column[0][1], [p for _, _, p in column], colour)
              for column, colour in zip(columns, (ORANGE, BLUE) if len(columns) > 1 else (BLUE,))]
    return Arithmetic(f"dL/d{head(name, at)}", sum_of_products(terms, value), value, [note], [panels])


def max_pool_gradient(call, at, of, g, value):
    x, dims = call.arguments["input"].detach(), int(call.name[-2])
    given = {**call.arguments, "input": x, "return_indices": True}
    winners = getattr(functional, call.name)(**given)[1]._array
    lead, place = at[:-dims], int(np.ravel_multi_index(at[-dims:], x.shape[-dims:]))
    won = [(*lead, *map(int, o)) for o in np.argwhere(winners[lead] == place)]
    terms = [[(plane_name(g, dims, o, "g"), g[o])] for o in won]
    notes = ["It is the largest of no window: it gets no gradient." if not won else
             "It is the largest of one window and gets its gradient, the others nothing." if len(won) == 1 else
             f"It is the largest of {len(won)} windows and gets all their gradients."]
    panels = [[planes("X", x._array, [at], ORANGE), _there("g", g, won, lead)]]
    return Arithmetic(f"dL/d{plane_name(x._array, dims, at)}", sum_of_products(terms, value), value, notes, panels)


def _there(title, g, cells, lead):
    return planes(title, g, cells or [(*lead, *(0,) * (g.ndim - len(lead)))], BLUE if cells else "none")


def avg_pool_gradient(call, at, of, g, value):
    """What it counts in each output is found by pooling an input that is 1 there and 0 elsewhere."""
    x, dims = call.arguments["input"].detach().double(), int(call.name[-2])
    one = x * 0
    one._array[at] = 1
    shares = call.run(**{**call.arguments, "input": one})._array
    outputs = [tuple(map(int, o)) for o in np.argwhere(shares)]
    names = [f"{plane_name(g, dims, o, 'g')}/{number(1 / shares[o])}" for o in outputs]
    values = [g[o] for o in outputs]
    numbers = [f"{factor(v)}/{number(1 / shares[o])}" for v, o in zip(values, outputs)]
    on_paper = sum(written(v) * shares[o] for v, o in zip(values, outputs))
    steps = [("=", number(value))] if not outputs else [
        ("=", elided(names)), (signs(values), elided(numbers)), (sign(on_paper, written(value)), number(value))]
    notes = [f"Each window hands its gradient out in equal parts; this element lies in {len(outputs)} of them."]
    panels = [[planes("X", x._array, [at], ORANGE), _there("g", g, outputs, at[:-dims])]]
    return Arithmetic(f"dL/d{plane_name(x._array, dims, at)}", steps, value, notes, panels)


# ---- softmax, cross-entropy, and element by element: the derivative as one writes it in symbols


def _formula(call, at, symbols, numbers, values, formula, value, note, panels):
    """symbols and numbers: the two lines; values: the numbers, formula: what to do with them."""
    on_paper = formula(*map(written, values))
    steps = [("=", symbols), (signs(values), numbers), (sign(on_paper, written(value)), number(value))]
    x = planes("X", np.atleast_1d(call.arguments["input"]._array), [at], ORANGE)
    return Arithmetic(f"dL/d{head('X', at)}", steps, value, [note], [[x, *panels]])


def softmax_gradient(call, at, of, g, value):
    at, g, y = at or (0,), np.atleast_1d(g), np.atleast_1d(call.value)
    places = along(call, at, g)
    others, shares, own = [float(g[p]) for p in places], [float(y[p]) for p in places], places.index(at)
    panels = [planes("Y", y, [at, *places], BLUE), planes("g", g, [at, *places], BLUE)]
    if call.name == "softmax":
        texts = ([f"{indexed('g', p)}·{indexed('Y', p)}" for p in places],
                 [f"{factor(v)}·{number(share)}" for v, share in zip(others, shares)])
        symbols, numbers = (f"{y}·({g} - ({elided(text)}))" for y, g, text in zip(
            (indexed("Y", at), number(shares[own])), (indexed("g", at), number(others[own])), texts))
        note = "What one share gains the others lose: what counts is g less the mean of all g, weighed with the shares."
        if len(set(others)) == 1:
            note += " Here all g are the same, and the shares always add up to 1: nothing is left but rounding."
        return _formula(call, at, symbols, numbers, [*shares, *others], lambda *v: v[own] * (
            v[len(places) + own] - sum(a * b for a, b in zip(v, v[len(places):]))), value, note, panels)
    share = math.exp(shares[own])
    symbols = f"{indexed('g', at)} - {indexed('p', at)}·({elided(indexed('g', p) for p in places)})"
    numbers = f"{number(others[own])} - {number(share)}·({elided(map(factor, others))})"
    return _formula(call, at, symbols, numbers, [share, *others], lambda p, *v: v[own] - p * sum(v), value,
                    "p = e^Y is the share that softmax gives.", panels)


def cross_entropy_gradient(call, at, of, g, value):
    x, labels, dim = classes(call, "explain_grad")
    example = (*at[:dim], *at[dim + 1:])
    counts, weight = labels != call.arguments.get("ignore_index", -100), call.arguments.get("weight")
    if not counts[example]:
        return Arithmetic(f"dL/d{indexed('X', at)}", [("=", number(value))], value,
                          ["The target of this example is ignore_index: it has no part in the loss."],
                          [[planes("X", x, [at], ORANGE)]])
    label, mean = int(labels[example]), call.arguments.get("reduction", "mean") == "mean"
    right, p = at[dim] == label, loss.softmax(call.arguments["input"].detach().double(), dim)._array
    arriving = float(g[example] if g.ndim else g)
    w, divisor, by, note = 1.0, 1.0, "", "The share that softmax gives" + (
        ", minus 1 for the right class" if right else f"; 1 is subtracted only for the right class, {label}")
    if weight is not None:
        w = float(weight._array[label])
    if mean:
        divisor = float(counts.sum() if weight is None else weight._array[labels[counts]].sum())
    if mean and divisor != 1:
        by = f" / {factor(divisor)}"
        note += f"; divided by {number(divisor)}, " + (
            "the examples of the mean" if weight is None else "the weights of all examples")
    minus = "({} - 1)" if right else "{}"
    names = [*([] if weight is None else [f"w[{label}]"]), minus.format(indexed("p", at)),
             head("g", example if g.ndim else ())]
    numbers = [*([] if weight is None else [factor(w)]), minus.format(number(p[at])), factor(arriving)]
    return _formula(call, at, "·".join(names) + by, "·".join(numbers) + by, [w, float(p[at]), arriving, divisor],
                    lambda w, p, g, n: w * (p - right) * g / (n or math.nan), value, f"{note}.",
                    [planes("p", p, [at], BLUE), *([planes("g", g, [example], BLUE)] if g.ndim else [])])


def relu_gradient(call, at, of, g, value):
    x = call.arguments["input"]._array
    passes = not x[at] <= 0
    name = head("X", at)
    note = f"{name} is above 0: relu passes g on." if passes else f"{name} is not above 0: relu holds g back."
    return Arithmetic(f"dL/d{name}", sum_of_products([[(head("g", at), g[at])]] if passes else [], value), value,
                      [note], [[planes("X", x, [at], ORANGE), planes("g", g, [at], BLUE)]])


def sigmoid_gradient(call, at, of, g, value):
    return _squashed(call, at, g, value, "{g}·{y}·(1 - {y})", lambda g, y: g * y * (1 - y),
                     "The slope of sigmoid is Y·(1 - Y): at most 1/4, where X is 0, and almost none far from it.")


def tanh_gradient(call, at, of, g, value):
    return _squashed(call, at, g, value, "{g}·(1 - {y}²)", lambda g, y: g * (1 - y * y),
                     "The slope of tanh is 1 - Y²: at most 1, where X is 0, and almost none far from it.")


def _squashed(call, at, g, value, form, formula, note):
    values = [float(g[at]), float(call.value[at])]
    return _formula(call, at, form.format(g=head("g", at), y=head("Y", at)), form.format(**dict(zip(
        "gy", map(factor, values)))), values, formula, value, note,
        [planes("Y", call.value, [at], BLUE), planes("g", g, [at], BLUE)])


def needs(call, of):
    """The argument of the call that `of` means: its name, None if there is none."""
    second = "other" if "other" in call.arguments else "weight"
    name = {"input": "input", "weight": second, "bias": "bias"}[of]
    fixed = name in CONSTANTS.get(call.name, ())
    return name if isinstance(call.arguments.get(name), Value) and not fixed else None
