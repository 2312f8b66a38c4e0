"""The sizes of a convolution or a pooling, solved for whichever is unknown, in the words of PyTorch and of d2l."""

from typing import NamedTuple

import numpy as np

from . import drawing
from .explanation import Explanation

LEAST = {"n": 1, "k": 1, "p": 0, "s": 1, "d": 1, "out": 1}
DEFAULTS = {"p": 0, "s": 1, "d": 1}
LARGEST = 10**6
AXES = {1: ("size",), 2: ("height", "width"), 3: ("depth", "height", "width")}
CELLS = {"size": "cell", "width": "column", "height": "row", "depth": "plane"}
D2L = {"size": "p_h", "width": "p_w", "height": "p_h", "depth": "p_d"}


class Rule(NamedTuple):
    """Which formula holds: that of a convolution, of its transpose, or of a pooling with ceil_mode."""

    transposed: bool
    ceil_mode: bool
    total: bool  # p is the total of both sides, as in d2l, and not each side, as in PyTorch

    def both(self, p):
        return p if self.total else 2 * p

    def out(self, n, k, p, s, d):
        """The output size, of arrays too; below 1 there is none."""
        both, reach = self.both(p), d * (k - 1) + 1
        if self.transposed:
            return (n - 1) * s - both + reach
        room = n + both - reach  # how far the window can move
        if not self.ceil_mode:
            return room // s + 1
        up = -(-room // s) + 1  # the last window must start inside of the input or of the padding before it
        return np.where((up - 1) * s >= n + both - both // 2, up - 1, up)

    def formula(self, n="n", k="k", p="p", s="s", d="d", out="out"):
        """The formula, with numbers in the place of letters."""
        if self.total and not self.transposed and not self.ceil_mode:  # as d2l has it
            reach = k if d == 1 else f"({d}{'·' * (d != 'd')}({k} - 1) + 1)"
            return f"{out} = floor(({n} - {reach} + {p} + {s}) / {s})"
        both = f"{p}" if self.total else f"2{p}" if p == "p" else f"2·{p}"
        kernel = f"d({k} - 1)" if d == "d" else f"{d}·({k} - 1)"
        if self.transposed:
            return f"{out} = ({n} - 1)·{s} - {both} + {kernel} + 1"
        rounding = "ceil" if self.ceil_mode else "floor"
        return f"{out} = {rounding}(({n} + {both} - {kernel} - 1) / {s}) + 1"


class Axis:
    """One dimension: `given` numbers, the `unknown`, and `found`, all of its values that fit (a range)."""

    def __init__(self, name, rule, given, unknown):
        self.name, self.rule, self.given, self.unknown = name, rule, given, unknown
        self.tried, self.outs = self._try()
        wanted = self.outs if unknown == "out" else np.full_like(self.outs, given["out"])
        fits = self.tried[(self.outs == wanted) & (self.outs >= 1)]
        if unknown == "out":
            fits = self.outs[self.outs >= 1]
        # A stride for one window, a dilation of one element: any larger one does, too.
        self.open = len(fits) > 1 and unknown in ("s", "d") and fits[-1] == self.tried[-1]
        self.found = range(int(fits[0]), (LARGEST if self.open else int(fits[-1])) + 1) if len(fits) else range(0)

    def _try(self):
        """Values of the unknown among which all solutions and their neighbours are, and the output size of each."""
        have = self.given | ({} if self.unknown in (None, "out") else {self.unknown: 0})
        n, k, p, s, d = (have[name] for name in "nkpsd")
        both, reach, out, rule = self.rule.both(p), d * (k - 1) + 1, have.get("out"), self.rule
        if self.unknown in (None, "out"):
            values = np.array([0])
        elif self.unknown == "n":
            exact = (out + both - reach) // s + 1 if rule.transposed else (out - 1) * s + reach - both
            values = np.arange(max(1, exact - s - 1), max(exact, 1) + 2 * s + 2)
        elif self.unknown == "p":
            exact = (n - 1) * s + reach - out if rule.transposed else (out - 1) * s + reach - n
            exact = exact if rule.total else exact // 2
            values = np.arange(max(0, exact - s - 1), max(exact, 0) + 2 * s + 2)
        else:
            values = np.arange(1, n + both + out + 2)
        if self.unknown in tuple("nkpsd"):
            have = have | {self.unknown: values}
        outs = rule.out(*(have[name] for name in "nkpsd"))
        return values, np.broadcast_to(outs, values.shape)

    @property
    def value(self):
        """The value of the unknown: the one that leaves nothing over if there is one, else the smallest."""
        if not self.found:
            return None
        first, last = self.found[0], self.found[-1]
        return last if self._left_over(first) and not self._left_over(last) else first

    @property
    def values(self):
        """All six, of the unknown `value`."""
        return self.given if self.unknown is None else self.given | {self.unknown: self.value}

    def _left_over(self, value):
        """How many cells at the end no window reaches; negative: how far the last window hangs over."""
        v = self.given | ({} if self.unknown is None else {self.unknown: value})
        if self.rule.transposed:
            return 0
        return v["n"] + self.rule.both(v["p"]) - (v["out"] - 1) * v["s"] - v["d"] * (v["k"] - 1) - 1

    @property
    def sides(self):
        """The padding (before, after): of an odd total, d2l puts the larger half before, PyTorch's 'same' after."""
        both = self.rule.both(self.values["p"] or 0)
        return both - both // 2, both // 2

    # ---- in words

    def lines(self):
        rule, given, letters = self.rule, self.given, "nkpsd"
        known = ", ".join(f"{name}={given[name]}" for name in (*letters, "out") if name in given)
        yield known + (": does it fit?" if self.unknown is None else f": {self.unknown} is unknown")
        yield rule.formula(d=1 if rule.total and given.get("d") == 1 else "d")
        if self.unknown is None:
            yield from self._checked()
        elif not self.found:
            yield from self._nothing()
        else:
            yield from self._solved()

    def _numbers(self, values):
        """The formula with numbers, worked out to the end."""
        out = int(self.rule.out(*(values[name] for name in "nkpsd")))
        line = self.rule.formula(**(values | {"out": out}))
        if self.rule.transposed:
            return line
        room = values["n"] + self.rule.both(values["p"]) - values["d"] * (values["k"] - 1) - 1
        if self.rule.total and not self.rule.ceil_mode:
            return line + f" = floor({room + values['s']} / {values['s']})"
        return line + f" = {'ceil' if self.rule.ceil_mode else 'floor'}({room} / {values['s']}) + 1"

    def _checked(self):
        out = int(self.rule.out(*(self.given[name] for name in "nkpsd")))
        yield self._numbers(self.given)
        if out == self.given["out"]:
            yield "it fits"
            yield from self._loose_ends()
        else:
            yield f"it does not fit: out={self.given['out']} was given"

    def _solved(self):
        yield self._numbers(self.values)
        yield f"{self.unknown} = {self.choice()}"
        yield from self._dialects()
        yield from self._loose_ends()

    def choice(self):
        """The values that fit, in words."""
        found = self.found
        if self.open:
            return f"{found[0]} or any larger number"
        if len(found) > 4:
            return f"{found[0]} to {found[-1]} ({len(found)} values)"
        return " or ".join(filter(None, [", ".join(map(str, found[:-1])), str(found[-1])]))

    def _dialects(self):
        p, name = self.values["p"], D2L[self.name]
        both = self.rule.both(p)
        if not both:
            return
        if both % 2 == 0:
            yield f"padding={both // 2} (torch, each side) = {name}={both} (d2l, total)"
        else:
            yield self._odd(both)

    def _odd(self, total):
        more, less = total - total // 2, total // 2
        return (f"{D2L[self.name]}={total} (d2l, total) is odd: d2l's text puts {more} before and {less} after; "
                f"torch's padding='same' (stride 1) puts {less} before and {more} after; F.pad can do either")

    def _loose_ends(self):
        v, cell = self.values, CELLS[self.name]
        left, reach = self._left_over(self.value), v["d"] * (v["k"] - 1) + 1

        def count(m):
            return f"{m} {cell}" + "s" * (m != 1)

        if left > 0:
            lost = max(left - self.sides[1], 0)
            if not lost:
                verb = "is" if left == 1 else "are"
                yield f"stride {v['s']} leaves out {count(left)} at the end, which {verb} padding"
            else:
                of = f", {count(lost)} of the input, the rest padding" if lost < left else ""
                yield f"stride {v['s']} drops {count(left)} at the end{of}"
        if left < 0:
            yield f"ceil_mode: the last window hangs over the end by {count(-left)}"
        if v["s"] > reach and v["out"] > 1 and not self.rule.transposed:
            yield (f"stride {v['s']} is larger than the window of {reach}: no window sees the {count(v['s'] - reach)} "
                   "between one and the next")

    def _nothing(self):
        if self.unknown == "out":
            v = self.given
            reach, padded = v["d"] * (v["k"] - 1) + 1, v["n"] + self.rule.both(v["p"])
            yield f"no output: the window reaches over {reach}, but the padded input has only {padded}"
            return
        out, pairs = self.given["out"], [(int(o), int(v)) for o, v in zip(self.outs, self.tried) if o >= 1]
        below = max((pair for pair in pairs if pair[0] < out), default=None)
        above = min((pair for pair in pairs if pair[0] > out), default=None)
        near = [f"{self.unknown}={v} gives out={o}" for o, v in filter(None, (below, above))]
        yield f"no {self.unknown} gives out={out}: " + (" and ".join(near) or "every one leaves less than nothing")
        if self.unknown == "p" and not self.rule.total and not self.rule.transposed:
            total = Axis(self.name, self.rule._replace(total=True), self.given, "p")
            if total.found:
                yield self._odd(total.value)
        most = max(self.given.get("s", 1), self.given.get("d", 1)) - 1
        if self.rule.transposed and below is not None and out - below[0] <= most:
            yield f"{self.unknown}={below[1]} with output_padding={out - below[0]} gives out={out}"


class Solution(Explanation):
    """What `solve` found. values: {"n": 28, ...}, tuples for several dimensions, None where nothing fits;
    unknown: the name that was solved for (None: all were given); solutions: the range of all its values that fit,
    or a tuple of ranges; axes: the Axis of each dimension."""

    def __init__(self, axes):
        self.axes, self.unknown = axes, axes[0].unknown
        found = [axis.found for axis in axes]
        values = [axis.values for axis in axes]
        self.solutions = found[0] if len(axes) == 1 else tuple(found)
        self.values = values[0] if len(axes) == 1 else {name: tuple([v[name] for v in values]) for name in values[0]}

    def text(self):
        if len(self.axes) == 1:
            return "\n".join(self.axes[0].lines())
        return "\n".join(line for axis in self.axes for line in (f"{axis.name}:", *(f"  {x}" for x in axis.lines())))

    # ---- the picture

    def draw(self, figure):
        figure.set_size_inches(9, 3.2 * len(self.axes) + 0.3)
        for axis, axes in zip(self.axes, figure.subplots(len(self.axes), 1, squeeze=False)[:, 0]):
            if None in axis.values.values() or axis.rule.out(*(axis.values[x] for x in "nkpsd")) < 1:
                axes.set_axis_off()
                name = "" if axis.name == "size" else f"{axis.name}: "
                axes.text(0.5, 0.5, name + "\n".join([*axis.lines()][2:]), ha="center", va="center", wrap=True)
            else:
                _draw_axis(axes, axis)


def _draw_axis(axes, axis):
    """Windows above the padded input; of a transposed convolution above its output."""
    v, rule = axis.values, axis.rule
    out = int(rule.out(*(v[name] for name in "nkpsd")))
    size, windows = (out, v["n"]) if rule.transposed else (v["n"], out)
    before, after = axis.sides
    kind = "output" if rule.transposed else "input"
    reach = v["d"] * (v["k"] - 1) + 1
    end = (windows - 1) * v["s"] + reach - before  # where the last window ends
    left = max(size + after - end, 0)
    parts = [(-before, before, "#eeeeee", "///", "cropped" if rule.transposed else "padding"),
             (0, size, drawing.SKY, None, kind), (size, after, "#eeeeee", "///", None),
             (size + after - left, left, "none", "xxx", "dropped")]
    for start, width, colour, hatch, name in parts:
        if width:
            edge = drawing.INK if hatch == "xxx" else "#888888"
            axes.barh(0, width, left=start - 0.5, height=0.8, color=colour, edgecolor=edge, hatch=hatch, linewidth=0.5,
                      label=name)
    if size + before + after <= 64:
        for x in range(-before, size + after + 1):
            axes.plot([x - 0.5, x - 0.5], [-0.4, 0.4], color="#888888", linewidth=0.5)
    rows = [*range(windows)] if windows <= 9 else [*range(6), None, windows - 2, windows - 1]
    for y, i in enumerate(rows, 1):
        if i is None:
            axes.text((end - before) / 2, y, f"… {windows - 8} more windows …", ha="center", va="center", fontsize=8)
            continue
        start = i * v["s"] - before
        names = (None, None) if i else ("window", "kernel element")
        axes.barh(y, reach, left=start - 0.5, height=0.5, color="none", edgecolor=drawing.BLUE, label=names[0])
        taps = start + v["d"] * np.arange(min(v["k"], 200))
        axes.plot(taps, [y] * len(taps), "o", color=drawing.BLUE, markersize=3 if size <= 64 else 1, label=names[1])
    axes.invert_yaxis()
    axes.set_xlim(-before - 1, max(size + after, end))
    axes.set_yticks(range(len(rows) + 1), [kind, *("" if i is None else str(i) for i in rows)], fontsize=8)
    axes.set_ylabel("window of input cell" if rule.transposed else "window of output cell", fontsize=8)
    axes.set_xlabel(f"position in the {kind}", fontsize=8)
    axes.locator_params(axis="x", integer=True)
    letters = ", ".join(f"{name}={v[name]}" for name in (*"nkpsd", "out"))
    axes.set_title(("" if axis.name == "size" else f"{axis.name}: ") + letters, fontsize=9)
    axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False, fontsize=8)


def solve(n=None, k=None, p=None, s=None, d=None, out=None, padding_terms="torch", *, transposed=False,
          ceil_mode=False):
    """The sizes of a convolution or pooling, solved for the one that is missing, with the formula written out.

        out = floor((n + 2p - d(k - 1) - 1) / s) + 1          transposed: out = (n - 1)s - 2p + d(k - 1) + 1

    n: input size, k: kernel size, p: padding, s: stride, d: dilation, out: output size; ints, or tuples with one
    for each of up to 3 dimensions. padding_terms: "torch", where p is the padding of each side, or "d2l", where
    it is the total of both. transposed: of conv_transpose; ceil_mode: of a pooling that rounds up.
    Give at least two of n, k and out. If one of them is missing, it is the unknown, and what else is missing
    takes its default, p=0, s=1, d=1; else the unknown is the first of p, s, d that is missing. All six are checked.
    ValueError and TypeError for what cannot be. Sources: Dumoulin and Visin, arXiv:1603.07285; Zhang, Lipton, Li and
    Smola, "Dive into Deep Learning", section "Padding and Stride".

    >>> from minigrad import teach
    >>> teach.solve(n=28, k=5, out=28)
    n=28, k=5, s=1, d=1, out=28: p is unknown
    out = floor((n + 2p - d(k - 1) - 1) / s) + 1
    28 = floor((28 + 2·2 - 1·(5 - 1) - 1) / 1) + 1 = floor(27 / 1) + 1
    p = 2
    padding=2 (torch, each side) = p_h=4 (d2l, total)
    >>> teach.solve(n=(224, 112), k=7, p=3, s=2).values["out"]
    (112, 56)
    """
    if padding_terms not in ("torch", "d2l"):
        raise ValueError("solve(): argument 'padding_terms' must be 'torch' (padding of each side) or 'd2l' (the total "
                         f"of both sides), but got {padding_terms!r}")
    if transposed and ceil_mode:
        raise ValueError("solve(): ceil_mode is of pooling: a transposed convolution has nothing to round")
    given = {name: _checked(name, value) for name, value in dict(n=n, k=k, p=p, s=s, d=d, out=out).items()
             if value is not None}
    unknown = _unknown(given)
    given = {name: (default,) for name, default in DEFAULTS.items() if name != unknown} | given
    lengths = {name: len(value) for name, value in given.items() if len(value) > 1}
    if len({*lengths.values()}) > 1:
        raise ValueError("solve(): tuples must have as many numbers as there are dimensions, the same for all, but got "
                         + ", ".join(f"{name}={given[name]}" for name in lengths))
    dims = max(lengths.values(), default=1)
    rule = Rule(bool(transposed), bool(ceil_mode), padding_terms == "d2l")
    return Solution([
        Axis(name, rule, {x: given[x][i % len(given[x])] for x in (*"nkpsd", "out") if x in given}, unknown)
        for i, name in enumerate(AXES[dims])])


def _unknown(given):
    sizes = [name for name in ("n", "k", "out") if name not in given]
    if len(sizes) > 1:
        raise ValueError("solve(): give at least two of n (input size), k (kernel size) and out (output size): "
                         f"{' and '.join(sizes)} are missing, and one equation has one unknown")
    return (sizes + [name for name in DEFAULTS if name not in given] + [None])[0]


def _checked(name, value):
    """A tuple of 1 to 3 ints, none too small or absurdly large."""
    values = tuple(value) if isinstance(value, tuple | list) else (value,)
    if not values or any(not hasattr(v, "__index__") or isinstance(v, bool) for v in values):
        hint = ": padding='same' is what solve(n=..., k=..., out=...) with out equal to n finds" * (value == "same")
        raise TypeError(f"solve(): argument '{name}' must be an int or a tuple of ints, not {value!r}{hint}")
    if len(values) > 3:
        raise ValueError(f"solve(): argument '{name}' must have 1 to 3 numbers, one for each dimension, not {value}")
    if min(values) < LEAST[name] or max(values) > LARGEST:
        raise ValueError(f"solve(): argument '{name}' must be from {LEAST[name]} to {LARGEST:,}, but got {value}")
    return tuple([v.__index__() for v in values])
