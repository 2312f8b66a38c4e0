"""Where a wrong size came from: the shapes from the input on, read off the tape, and what would mend them.

    the chain: input [1, 1, 28, 28] -> conv 5x5 -> [1, 20, 24, 24] -> relu -> max_pool 2x2 -> ...

It is written only when an error is on its way already; a run that does not fail does not come here. `ops` raises
these errors with `common.wrong_size`, which asks `story`.
"""

import math
import re
from dataclasses import dataclass, replace
from typing import Any

from ..engine import Operator, is_grad_enabled
from ..ops import arrange, common, conv, pad, pool, reduce, shape
from . import frames

# Not worth a word, if the shape stays.
QUIET = {"Add", "Sub", "Mul", "Div", "Neg", "Clone", "Keep", "ToCopy", "Normalise"}
SPOKEN = {"Addmm": "linear", "NativeBatchNorm": "batch_norm", "NativeLayerNorm": "layer_norm"}
LARGEST = 1024  # the largest image that is tried


@dataclass
class Link:
    """One operator of the chain."""

    name: str  # as one calls it in code: max_pool 2x2; "" if it is not worth a word
    shape: tuple  # of its result
    after: Any  # the shape of its result for an input of any shape (None: too small); or None, if that is not known
    source: Any  # the operator that made its input, or None
    before: tuple  # the shape of its input


def chain(x):
    """The links from the input that `x` was computed from to x."""
    links, node, out = [], x.grad_fn, tuple(x.shape)
    while node is not None:
        links.append(read(node, out))
        node, out = links[-1].source, links[-1].before
    return links[::-1]


def read(node, out):
    """The link of `node`, whose result has the shape `out`."""
    name = node.name().partition("Backward")[0]
    if type(node) is conv.Conv:
        return convolution(node, out)
    if type(node) is pool.MaxPool:
        return max_pool(node, out)
    if name.startswith("AvgPool"):
        return avg_pool(node, out)
    if name.startswith("AdaptiveAvgPool") and type(node) is arrange.Cat:
        return adaptive_pool(node, out)
    source, before = origin(node, out)
    if type(node) is shape.View:
        return Link(*view(before, out), source, before)
    said = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", SPOKEN.get(name, name)).lower()
    if before == out:
        return Link("" if name in QUIET else said, out, lambda size: size, source, before)
    if isinstance(node, reduce.Reduction):
        return Link(said, out, lambda size: tuple(1 if d in node.dims else n for d, n in enumerate(size)
                                                  if node.keepdim or d not in node.dims), source, before)  # fmt: skip
    after = (lambda size: (*size[:-1], out[-1]) if size[-1] == before[-1] else None) if said == "linear" else None
    return Link(said, out, after, source, before)


def origin(node, out):
    """Who made the data that came into `node`, and their shape: the first input, or, where the inputs broadcast,
    the one of the output's shape. An input that is not followed is where the chain begins."""
    edges = [edge for edge in node._edges if edge is not None]
    if edges[0] is not node._edges[0] or edges[0].shape != out and not isinstance(edges[0].target, Operator):
        edges = [edge for edge in edges if edge.shape == out and isinstance(edge.target, Operator)]
    if edges:
        return edges[0].target if isinstance(edges[0].target, Operator) else None, edges[0].shape
    if type(node) is conv.Conv:
        return None, tuple(node.params["x_shape"])
    return None, tuple(node.inputs[0].shape) if node.uses and node.inputs[0] is not None else out


def window(size, kernel, stride, padding, dilation, channels=None):
    """The shape behind a window of this geometry, padding in pairs; None where it does not fit."""
    reach = [d * (k - 1) + 1 for k, d in zip(kernel, dilation)]
    sides = [(n + a + b - r) // s + 1 for n, (a, b), r, s in zip(size[2:], padding, reach, stride)]
    return (size[0], size[1] if channels is None else channels, *sides) if min(sides) > 0 else None


def described(name, kernel, **options):
    """conv 3x3, stride 2: options as (numbers, what they usually are)."""
    more = [f"{word} {by(values)}" for word, (values, usual) in options.items() if tuple(values) != tuple(usual)]
    return ", ".join([f"{name} {by(kernel, False)}", *more])


def convolution(node, out):
    stride, padding, dilation, groups = node.params["steps"]
    kernel = node.params["w_shape"][2:]
    ones = [1] * len(kernel)
    sides = [a if a == b else f"{a}+{b}" for a, b in padding]
    name = described("conv", kernel, padding=(sides, [0] * len(kernel)), stride=(stride, ones),
                     dilation=(dilation, ones), groups=([groups], [1]))  # fmt: skip
    return Link(name, out, lambda size: window(size, kernel, stride, padding, dilation, out[1]), *origin(node, out))


def max_pool(node, out):
    kernel, stride, padding, dilation, _ = node.window
    pairs = [(p, p) for p in padding]
    source, before = origin(node, out)
    known = window(before, kernel, stride, pairs, dilation) == out  # with ceil_mode it is not
    name = described("max_pool", kernel, padding=(padding, [0] * len(kernel)), stride=(stride, kernel))
    after = (lambda size: window(size, kernel, stride, pairs, dilation)) if known else None
    return Link(name, out, after, source, before)


def avg_pool(node, out):
    """It is a convolution with ones, between two views."""
    borders = None
    while type(node) is not conv.Conv:
        node, _ = origin(node, out)
    kernel, stride = node.params["w_shape"][2:], node.params["steps"][0]
    node, _ = origin(node, out)
    if type(node) is pad.Pad:
        borders = node.params["borders"][2:]
        node, _ = origin(node, out)
    source, before = origin(node, out)
    pairs, ones = borders or [(0, 0)] * len(kernel), [1] * len(kernel)
    known = window(before, kernel, stride, pairs, ones) == out
    name = described("avg_pool", kernel, stride=(stride, kernel))
    return Link(name, out, (lambda size: window(size, kernel, stride, pairs, ones)) if known else None, source, before)


def adaptive_pool(node, out):
    """It takes the dimensions one after the other: cut into windows, and joined."""
    before = out
    for _ in range(2 * (len(out) - 2)):
        node, before = origin(node, before)
    return Link(f"adaptive_avg_pool to {by(out[2:], False)}", out, lambda size: (*size[:2], *out[2:]), node, before)


def view(before, out):
    """The name of a view, and how its shape follows from that of its input."""
    same = next((d for d, (m, n) in enumerate(zip(before, out)) if m != n), min(len(before), len(out)))
    last = len(out) - 1
    if before == out:
        return "", out, lambda size: size
    if len(before) > len(out) > 0 and out == (*before[:last], math.prod(before[last:])):
        return "flatten", out, lambda size: (*size[:last], math.prod(size[last:]))
    if out == before[:same] + before[same + 1:]:
        return "squeeze", out, lambda size: size[:same] + size[same + 1:]
    if before == out[:same] + out[same + 1:]:
        return "unsqueeze", out, lambda size: (*size[:same], 1, *size[same:])
    return "view", out, None


def by(numbers, short=True):
    """5x5; with `short` one number for equal ones."""
    numbers = [str(n) for n in numbers]
    return numbers[0] if short and len(set(numbers)) == 1 else "x".join(numbers)


# ---- the text


def story(x, wanted, mend="", joined=False):
    """What to say of a tensor `x` whose last size should have been `wanted`, "" if there is nothing to say.

    mend: what would take x as it is, with {} in the place of its last size. joined: it is the size of all
    dimensions but the first together that should have been so. Without `mend`, its first sizes, a tuple.
    """
    if not mend:
        return lost_batch(x, wanted)
    if joined and (wanted < 1 or x.ndim < 3):
        return ""
    flat = math.prod(x.shape[1:])
    if not joined and x.ndim > 2 and flat == wanted:
        return f"\nwhat would fit: x.flatten(1), whose rows have {factored(wanted, x.shape[1:])} numbers"
    calls = frames.calls()
    if x.grad_fn is None:
        again = frames.again(calls)
        if again is None or again.shape != x.shape:
            return without_chain(x, mend, flat if joined else x.shape[-1], calls)
        x = again
    links = chain(x)
    if joined:
        links.append(Link(*view(tuple(x.shape), (x.shape[0], flat)), x.grad_fn, tuple(x.shape)))
    text = unflattened(links, mend) or f"{mend.format(links[-1].shape[-1])}{other_input(links, wanted)}"
    line = told(links, calls[0].shape if calls else None)
    return f"\n{filled('the chain: ' + line, ' -> ')}\n{filled('what would fit: ' + text, ' ')}"


def without_chain(x, mend, size, calls):
    """What can be said without a tape: through which modules the input went."""
    worth = len(calls) > 1 or calls and calls[0].shape != tuple(x.shape)
    passed = f"\n{filled(frames.told(calls), '; ')}" if worth else ""
    fit = f"\nwhat would fit: {mend.format(size)}" if passed else ""
    hint = "" if is_grad_enabled() else (
        "\nTo see the chain of shapes from the input on, run it once outside of no_grad.")  # fmt: skip
    return passed + fit + hint


def windows_of(links):
    return [link for link in links if link.name.startswith(("conv", "max_pool", "avg_pool"))]


def unflattened(links, mend):
    """What fits behind the maps of a convolution or a pool that nobody flattened, "" if these are not at the end."""
    windows, shape = windows_of(links), links[-1].shape
    if not windows or "view" in mend or len(shape) < len(windows[-1].shape) - 1 or len(shape) < 3:
        return ""
    alone = len(shape) < len(windows[-1].shape)  # one example without a batch
    count = factored(math.prod(shape if alone else shape[1:]), shape if alone else shape[1:])
    first = "input.unsqueeze(0), which makes a batch of one, and " if alone else ""
    return (f"{first}flatten(1) or nn.Flatten() before it, which gives {count} features, and "
            f"{mend.format(count.partition(' ')[0])}; or, for the last dimension alone, {mend.format(shape[-1])}")


def lost_batch(x, batch):
    """Where the batch, whose size ought to be the tuple `batch`, became another one; "" if it did not."""
    links = chain(x) if x.grad_fn is not None else []
    for link in links:
        if link.before[:1] == batch != link.shape[:1]:
            return (f"\n{filled('the chain: ' + told(links), ' -> ')}\nthe batch was lost from {list(link.before)} to "
                    f"{list(link.shape)}: x.flatten(1) keeps it, where a view to (-1, features) takes what divides")
    return ""


def told(links, given=None):
    """input [1, 1, 28, 28] -> conv 5x5 -> [1, 20, 24, 24] -> relu -> ...; given: the shape of a model's input, which
    may have been flattened before the chain begins."""
    start = links[0].before
    links = without_batch_of_one(links)
    start = links[0].before if links else start
    parts = [f"input {list(start)}"]
    if given and given != start and math.prod(given) == math.prod(start) and (name := view(given, start)[0]):
        parts = [f"input {list(given)}", f"{name} -> {list(start)}"]
    for link in links:
        if link.shape != link.before:
            parts.append(f"{link.name or 'broadcast'} -> {list(link.shape)}")
        elif link.name:
            parts.append(link.name)
    if len(parts) > 30:
        parts[12:-16] = [f"… ({len(parts) - 28} more) …"]
    return " -> ".join(parts)


def without_batch_of_one(links):
    """The links as one sees them: a layer gives an input without a batch one, and takes it away behind it."""
    shown = []
    for link in links:
        if link.name == "squeeze" and shown and shown[-1].before[:1] == (1,) and link.shape == link.before[1:]:
            last = shown.pop()
            shown.append(replace(last, before=last.before[1:], shape=link.shape))
        elif link.name not in ("squeeze", "unsqueeze") and (link.name or link.shape != link.before):
            shown.append(link)
    return shown


def other_input(links, wanted):
    """What other input leads to the wanted size, in words; "" if sizes of inputs have nothing to do with it."""
    size, flat, windows = links[0].before, links[-1], windows_of(links)
    if not windows or flat.name != "flatten" or any(link.after is None for link in links):
        return ""
    if math.prod(flat.shape) == wanted and len(flat.shape) > 1:
        return (f"; or, if the input is one example without a batch, input.unsqueeze(0), from which the flattened size "
                f"is {factored(wanted, flat.before)}")
    dims, found = len(windows[0].shape) - 2, []
    for n in range(1, LARGEST + 1):
        shapes = [(*size[:len(size) - dims], *[n] * dims)]
        for link in links:
            shapes.append(shapes[-1] and link.after(shapes[-1]))
        if shapes[-1] and shapes[-1][-1] == wanted:
            found.append(n)
            product = factored(wanted, shapes[-2][len(shapes[-1]) - 1:])
        elif found:
            break
    if not found:
        return f"; no input of equal sides up to {LARGEST} leads to {wanted}"
    upto = f" (to {by([found[-1]] * dims, False)})" if len(found) > 1 else ""
    length = "length " if dims == 1 else ""
    return f", or an input of {length}{by([found[0]] * dims, False)}{upto}, from which the flattened size is {product}"


def factored(number, factors):
    """500 = 20·5·5"""
    return f"{number} = {'·'.join(map(str, factors))}" if len(factors) > 1 else f"{number}"


def filled(text, separator, width=110):
    """Lines of about this width, broken only at the separator."""
    lines = [""]
    for i, part in enumerate(text.replace(" = ", "\xa0=\xa0").split(separator)):
        part = part if i == 0 else separator + part
        if len(lines[-1]) + len(part) > width:
            lines.append(" " * 3)
        lines[-1] += part
    return "\n".join(lines).replace("\xa0", " ")


def safely(x, *wanted):
    """The story, or nothing: whatever a tape looks like, the error that is on its way comes through."""
    if frames.running:
        return ""
    try:
        return story(x, *wanted)
    except Exception:
        return ""


common.ledger = safely
