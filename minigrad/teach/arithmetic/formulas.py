"""The arithmetic of one output cell, of everything but convolutions (conv_sums.py).

Each function takes a Call and a position in its output. Which elements an average takes in is asked of the operator
itself: the derivative of one output by the input is not 0 for the elements of its window; there it is 1 / their number.
"""

import math

import numpy as np

from ...autograd.gradients import grad
from ...engine import Value
from ...ops.common import normal_dim, per_dimension
from ..drawing import BLUE, GREEN, ORANGE
from ..geometry import taps, where
from ..notation import factor, indexed, number
from .convs import short
from .sums import Arithmetic, Panel, elided, sign, signs, sum_of_products, written


def planes(title, array, cells, colour):
    """A Panel of the last two dimensions of an array, at the first of the cells."""
    first = tuple(cells[0]) if cells else (0,) * array.ndim
    lead = first[:-2]
    name = title if math.prod(array.shape[:-2]) == 1 else indexed(title, [*lead, ":", ":"])
    return Panel(name, array[lead], [c[len(lead):] for c in cells if tuple(c[:len(lead)]) == lead], colour)


# ---- linear and matmul


def linear(call, at):
    x, w, b = (None if t is None else t._array for t in (call.arguments[k] for k in ("input", "weight", "bias")))
    rows = at[:-1] if w.ndim == 2 else at
    weight = at[-1:] if w.ndim == 2 else ()
    terms = [[(indexed("X", (*rows, k)), x[(*rows, k)]), (indexed("W", (*weight, k)), w[(*weight, k)])]
             for k in range(x.shape[-1])]
    if b is not None:
        place = weight if b.size > 1 else (0,) * b.ndim
        terms.append([(indexed("b", place) if place else "b", b[place])])
    value = call.value[at]
    panels = [[planes("X", x, [(*rows, k) for k in range(x.shape[-1])], ORANGE),
               planes("W", w, [(*weight, k) for k in range(x.shape[-1])], BLUE),
               planes("Y", call.value, [at], GREEN)]]
    return Arithmetic(head("Y", at), sum_of_products(terms, value), value,
                      ["A linear layer: row of X times row of W (Y = X Wᵀ + b)."], panels)


def head(name, at):
    return indexed(name, at) if at else name


def _factors(x, w, at):
    """For each k the positions in x and w that matmul multiplies for the output `at`."""
    batch = list(at[:len(at) - (x.ndim > 1) - (w.ndim > 1)])
    ends = list(at[len(batch):])
    row, column = (ends[:1] if x.ndim > 1 else []), (ends[-1:] if w.ndim > 1 else [])

    def stack(a):  # a batch of 1 is taken again and again
        own = a.shape[:-2]
        return [0 if n == 1 else i for i, n in zip(batch[len(batch) - len(own):], own)]

    return [((*stack(x), *row, k), (*stack(w), k, *column)) for k in range(x.shape[-1])]


def matmul(call, at):
    x, w = call.arguments["input"]._array, call.arguments["other"]._array
    places = _factors(x, w, at)
    terms = [[(indexed("A", a), x[a]), (indexed("B", b), w[b])] for a, b in places]
    value = call.value[at]
    panels = [[planes("A", x, [a for a, _ in places], ORANGE), planes("B", w, [b for _, b in places], BLUE),
               planes("Y", call.value, [at], GREEN)]]
    return Arithmetic(head("Y", at), sum_of_products(terms, value), value, ["Row of A times column of B."], panels)


# ---- pooling


def shares_of(call, at):
    """How much each input element counts in one output: the derivative, in double precision."""
    x = call.arguments["input"].detach().double().requires_grad_()
    y = call.run(**{**call.arguments, "input": x})
    (found,) = grad(y[at], x)
    return found._array


def max_pool(call, at):
    x, dims = call.arguments["input"]._array, int(call.name[-2])
    size = x.shape[-dims:]
    kernel, stride, padding, dilation = pooling_window(call, dims)
    lead, cell = at[:-dims], at[-dims:]
    extra = [(o - 1) * s + d * (k - 1) + 1 - n - 2 * p for o, s, d, k, n, p in zip(
        call.value.shape[-dims:], stride, dilation, kernel, size, padding)]
    seen = taps(size, kernel, stride, [(p, p) for p in padding], dilation, extra=[max(e, 0) for e in extra])
    seen = [int(i) for i in seen[cell].ravel()]
    inside = [where(i, size) for i in seen if i >= 0]
    values = [x[(*lead, *i)] for i in inside]
    value = call.value[at]
    winner = next(i for i, v in zip(inside, values) if v == value or math.isnan(v))
    names = [plane_name(x, dims, (*lead, *i)) for i in inside]
    steps = [("=", f"max({elided(names, ', ')})"), (signs(values), f"max({elided(map(number, values), ', ')})"),
             ("=", number(value))]
    ties = sum(bool(v == value) for v in values)
    notes = [f"The winner is {plane_name(x, dims, (*lead, *winner))}"
             + (f", the first of {ties} equals" if ties > 1 else "") + ": it alone gets the gradient of this cell."]
    if len(inside) < len(seen):
        notes.append(f"{len(seen) - len(inside)} of the {len(seen)} cells of the window lie outside: they count as -∞.")
    shown = planes("X", x, [(*lead, *i) for i in inside], ORANGE)
    row, column = ((0, 0, *winner))[-2:]
    shown.marked[row - shown.start[0], column - shown.start[1]] = GREEN
    return Arithmetic(indexed("Y", at), steps, value, notes, [[shown, planes("Y", call.value, [at], GREEN)]],
                      "The winner's frame is green.")


def pooling_window(call, dims):
    """Kernel, stride, padding and dilation of a pooling, each with a number for each dimension."""
    given = call.arguments
    names = ("kernel_size", "stride", "padding", "dilation")
    values = [given.get(name, 1) for name in names]
    if values[1] is None or values[1] == ():
        values[1] = values[0]
    return [per_dimension(v, dims, name, call.name, least=0) for v, name in zip(values, names)]


def plane_name(x, dims, index, name="X"):
    """Short, as for convolutions: without batch and channel if there is one of each."""
    return short(name, (1,) * (dims + 2 - x.ndim) + x.shape, (0,) * (dims + 2 - x.ndim) + tuple(index))


def avg_pool(call, at):
    x, dims = call.arguments["input"]._array, int(call.name[-2])
    shares = shares_of(call, at)
    places = [tuple(map(int, p)) for p in np.argwhere(shares)]
    value = call.value[at]
    if not places:
        return Arithmetic(indexed("Y", at), [("=", number(value))], value, ["The window lies in the padding."],
                          [[planes("Y", call.value, [at], GREEN)]])
    divisor = 1 / shares[places[0]]
    values = [x[p] for p in places]
    symbols, numbers = elided(plane_name(x, dims, p) for p in places), elided(map(factor, values))
    if len(places) > 1:
        symbols, numbers = f"({symbols})", f"({numbers})"
    on_paper = sum(map(written, values)) / written(divisor)
    steps = [("=", f"{symbols} / {number(divisor)}"), (signs(values), f"{numbers} / {number(divisor)}"),
             (sign(on_paper, written(value)), number(value))]
    notes = []
    if call.arguments.get("divisor_override") is not None:
        notes.append(f"divisor_override says what the sum is divided by; the window holds {len(places)} elements.")
    elif round(divisor) > len(places):
        notes.append(f"{round(divisor) - len(places)} of the {round(divisor)} cells of the window are zeros of the "
                     "padding: they count.")
    if "adaptive" in call.name:
        spans = [f"{a}..{b}" if a < b else f"{a}" for a, b in zip(places[0][-dims:], places[-1][-dims:])]
        notes.append(f"Adaptive: this window takes in X[{', '.join(spans)}]; windows may differ in size and overlap.")
    return Arithmetic(indexed("Y", at), steps, value, notes,
                      [[planes("X", x, places, ORANGE), planes("Y", call.value, [at], GREEN)]])


# ---- softmax and cross-entropy


def along(call, at, x):
    """The positions that share one softmax with this one."""
    dim = call.arguments["dim"]
    dim = normal_dim((0 if x.ndim in (0, 1, 3) else 1) if dim is None else dim, x.ndim)
    return [(*at[:dim], k, *at[dim + 1:]) for k in range(x.shape[dim])]


def softmax(call, at):
    x, at = np.atleast_1d(call.arguments["input"]._array), at or (0,)
    places = along(call, at, x)
    values, own, value = [float(x[p]) for p in places], float(x[at]), float(np.atleast_1d(call.value)[at])
    top, notes = max(values), []
    names = [indexed("X", p) for p in places]
    if max(map(abs, values)) > 50:
        notes.append(f"The largest, {number(top)}, was subtracted first: it does not change the result, and e^x alone "
                     "would overflow.")
        values, own = [v - top for v in values], own - top
    terms = [math.exp(v) for v in values]
    symbols, powers, shares = (elided(t) for t in ([f"e^{n}" for n in names], [f"e^{factor(v)}" for v in values],
                                                   map(number, terms)))
    total, rounded = sum(terms), signs(values)
    panels = [[planes("X", x, [at, *places], ORANGE), planes("Y", call.value, [at], GREEN)]]
    if call.name == "softmax":
        on_paper = written(math.exp(own)) / sum(map(written, terms))
        steps = [("=", f"e^{indexed('X', at)} / ({symbols})"), (rounded, f"e^{factor(own)} / ({powers})"),
                 (signs(terms), f"{number(math.exp(own))} / ({shares})")]
    else:
        on_paper = written(own) - math.log(written(total))
        steps = [("=", f"{indexed('X', at)} - log({symbols})"), (rounded, f"{number(own)} - log({powers})"),
                 (signs([total]), f"{number(own)} - log({number(total)})")]
    steps.append((sign(on_paper, written(value)), number(value)))
    return Arithmetic(indexed("Y", at), steps, value, notes, panels)


def cross_entropy(call, at):
    (x, labels, dim), reduction = classes(call, "explain"), call.arguments.get("reduction", "mean")
    weight, mean = call.arguments.get("weight"), reduction == "mean"
    places = [at] if reduction == "none" else list(np.ndindex(labels.shape))
    places = [p for p in places if labels[p] != call.arguments.get("ignore_index", -100)]
    value, symbols, shares, losses, exact = float(call.value[at]), [], [], [], []
    weights = [1.0 if weight is None else float(weight._array[labels[p]]) for p in places]
    for p, w in zip(places, weights):
        scores = x[(*p[:dim], slice(None), *p[dim:])].astype(float)
        scores = scores - scores.max()
        log_share = float(scores[labels[p]] - np.log(np.exp(scores).sum()))
        row = indexed("X", [*p[:dim], ":", *p[dim:]]) if x.ndim > 2 else head("X", p)
        tiny = log_share < -20  # its exponential would be written as 0
        name, times = ("", "") if weight is None else (f"w[{int(labels[p])}]·", f"{factor(w)}·")
        symbols.append(f"-{name}log softmax({row})[{int(labels[p])}]")
        shares.append(f"-{times}log {f'e^({number(log_share)})' if tiny else number(math.exp(log_share))}")
        exact.append(log_share if tiny else math.exp(log_share))
        losses.append((f"{times}{number(-log_share)}", -log_share))
    texts = [elided(parts).replace(" + -", " - ") for parts in (symbols, shares, [text for text, _ in losses])]
    divisors, divisor = _divisors(labels, places, weights, weight) if mean else ([""] * 3, 1)
    texts = [(f"({text})" if len(places) > 1 else text) + by if by else text for text, by in zip(texts, divisors)]
    losses = [loss for _, loss in losses]
    on_paper = sum(w * written(loss) for w, loss in zip(map(written, weights), losses)) / (divisor or math.nan)
    steps = list(zip(("=", signs(exact + weights), signs(losses + weights)), texts))
    steps.append((sign(on_paper, written(value)), number(value)))
    if len(places) == 1 and weight is None:  # a loss alone is the result
        steps[2:] = [(signs(losses), number(value))]
    if not places:
        steps = [("=", "0 / 0")] * mean + [("=", number(value))]
    targets = [(*p[:dim], int(labels[p]), *p[dim:]) for p in places]
    return Arithmetic(head("L", at), steps, value, _loss_notes(labels, len(places), reduction, weight),
                      [[planes("X", x, targets, ORANGE)]])


def _divisors(labels, places, weights, weight):
    """What a mean is divided by: how it is written in each of the three steps, and its number."""
    if weight is None:
        return [f" / {len(places)}" if len(places) > 1 else ""] * 3, len(places)
    sums = elided(f"w[{int(labels[p])}]" for p in places), elided(map(factor, weights))
    total = sum(weights)
    return [*(f" / ({text})" if len(places) > 1 else f" / {text}" for text in sums), f" / {factor(total)}"], total


def _loss_notes(labels, count, reduction, weight):
    mean = "their mean" if weight is None else "their weighted mean"
    what = {"mean": f"; the loss is {mean}", "sum": "; the loss is their sum", "none": ""}[reduction]
    times = "" if weight is None else ", times the weight of the class"
    yield f"For each example, minus the logarithm of the share that softmax gives to its class{times}{what}."
    ignored = labels.size - count
    if reduction == "none":
        if not count:
            yield "The target of this example is ignore_index: it does not count."
    elif ignored:
        yield f"{ignored} of the {labels.size} targets are ignore_index: they do not count."
        if not count:
            yield "No example is left" + (": their mean is 0 / 0, which is no number (nan)." if reduction == "mean"
                                          else ": their sum is 0.")


def classes(call, caller):
    """(scores, labels, the dimension of the classes); NotImplementedError for what the sum would have to show
    besides."""
    if call.arguments.get("label_smoothing", 0.0) != 0.0:
        raise NotImplementedError(f"{caller}(): cross_entropy with label_smoothing cannot be explained: leave it out")
    x, labels = call.arguments["input"]._array, call.arguments["target"]._array
    if labels.dtype.kind == "f":
        raise NotImplementedError(f"{caller}(): cross_entropy with probabilities as targets cannot be explained: give "
                                  "the numbers of the classes")
    return x, labels.reshape(x.shape[:1] + x.shape[2:] if x.ndim > 1 else ()), min(x.ndim, 2) - 1


# ---- element by element


def _one(call, at, wrap, on_paper, write=number):
    x, value = call.arguments["input"]._array, float(call.value[at])
    v = float(x[at])
    steps = [("=", wrap.format(head("X", at))), (signs([v]), wrap.format(write(v))),
             (sign(on_paper(written(v)), written(value)), number(value))]
    return Arithmetic(head("Y", at), steps, value, (),
                      [[planes("X", x, [at], ORANGE), planes("Y", call.value, [at], GREEN)]])


def relu(call, at):
    return _one(call, at, "max(0, {})", lambda v: max(0.0, v))


def sigmoid(call, at):
    return _one(call, at, "1 / (1 + e^-{})", lambda v: 1 / (1 + math.exp(-v)) if v > -700 else 0.0, factor)


def tanh(call, at):
    return _one(call, at, "tanh({})", math.tanh)


SIGNS = {"add": "+", "sub": "-", "mul": "·", "div": "/"}


def binary(call, at):
    operands, names, values, panels = [call.arguments[k] for k in ("input", "other")], [], [], []
    if call.arguments.get("alpha", 1) != 1 or call.arguments.get("rounding_mode"):
        raise NotImplementedError(f"explain(): {call.name} with alpha or rounding_mode cannot be explained")
    for name, operand, colour in zip("AB", operands, (ORANGE, BLUE)):
        if not isinstance(operand, Value):
            names.append(factor(operand))
            values.append(float(operand))
            continue
        array = operand._array  # one of size 1 is broadcast: taken again and again
        place = tuple(0 if n == 1 else i for i, n in zip(at[len(at) - array.ndim:], array.shape))
        names.append(head(name, place))
        values.append(float(array[place]))
        panels.append(planes(name, array, [place], colour))
    a, b = map(written, values)
    value = float(call.value[at])
    on_paper = {"add": a + b, "sub": a - b, "mul": a * b, "div": a / b if b else math.nan}[call.name]
    mark = f"{SIGNS[call.name]}" if call.name == "mul" else f" {SIGNS[call.name]} "
    steps = [("=", mark.join(names)), (signs(values), mark.join(map(factor, values))),
             (sign(on_paper, written(value)) if b or call.name != "div" else "=", number(value))]
    return Arithmetic(head("Y", at), steps, value, (), [[*panels, planes("Y", call.value, [at], GREEN)]])
