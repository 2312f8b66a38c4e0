"""The arithmetic of one gradient cell of linear, matmul and pooling: g times what the element did in each output."""


import numpy as np

from ...engine import Value
from ...nn import functional
from ..drawing import BLUE, ORANGE
from ..notation import factor, indexed, number
from .formulas import plane_name, planes
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
    head = f"dL/d{indexed(name, at) if at else name}"
    return Arithmetic(head, sum_of_products(terms, value), value, [note], [panels])


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


def needs(call, of):
    """The argument of the call that `of` means: its name, None if there is none."""
    second = "other" if "other" in call.arguments else "weight"
    name = {"input": "input", "weight": second, "bias": "bias"}[of]
    return name if isinstance(call.arguments.get(name), Value) else None


