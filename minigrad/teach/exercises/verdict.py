"""What is said of an attempt at an exercise, in words and as a picture of both results."""

import textwrap

import numpy as np

from .. import drawing
from ..explanation import Explanation


class Verdict(Explanation):
    """What `check` says of an attempt. True if it is right; `misconception` is the sentence of a known mistake.

    status: "right", "not yet" or "not done yet". print(verdict) shows the text, a notebook the two results.
    """

    def __init__(self, name, status, sentence, case=None, mine=None, right=None, misconception=None, what="result",
                 secret=False):
        self.name, self.status, self.sentence, self.misconception = name, status, sentence, misconception
        self.case, self.mine, self.right, self.what, self.secret = case, mine, right, what, secret

    def __bool__(self):
        return self.status == "right"

    def __str__(self):
        return self.text()

    def __repr__(self):  # short: `check` has printed the text
        return f"<{self.name}: {self.status}>"

    def text(self):
        lines = [f"{self.name}: {self.status}. {self.sentence}".rstrip()]
        if self.mine is not None:
            lines += [textwrap.indent(labelled(f"{name} = ", value), "    ") for name, value in self.case.items()]
            lines += [labelled(f"{whose}: ", value) for whose, value in self._results()]
        return "\n".join(lines)

    def _results(self):
        """Whose result, and the result."""
        mine = [("yours", self.mine.value)] if self.mine.value is not None else []
        right = [("right", self.right.value)] if not self.secret else []
        return mine + right

    def draw(self, figure):
        """Both results beside each other, cells that differ framed; only the text where there are no matrices."""
        grids = self._matrices()
        if not grids:
            return drawing.words(figure, self.text())
        limit = max(np.abs(g[np.isfinite(g)]).max(initial=0) for g in grids) or 1
        figure.set_size_inches(8, 1.4 + 0.45 * max(len(g) for g in grids))
        figure.suptitle(textwrap.fill(f"{self.name}: {self.sentence}", 90), fontsize=10)
        wrong = {}
        if grids[0].shape == grids[1].shape:
            wrong = dict.fromkeys(map(tuple, np.argwhere(~np.isclose(*grids, rtol=1e-4, atol=1e-4))), drawing.RED)
        titles = f"your {self.what}" + (", wrong cells framed" if wrong else ""), f"the right {self.what}"
        for axes, values, title, marked in zip(figure.subplots(1, 2), grids, titles, (wrong, None)):
            drawing.grid(axes, values, title, limit=limit, marked=marked)

    def _matrices(self):
        """Both results, if they can be drawn and there is something to see; else None."""
        found = [] if self.mine is None or self.secret else [matrix_of(r.plain) for r in (self.mine, self.right)]
        return found if all(matrix is not None for matrix in found) else None

    def _repr_html_(self):
        """The two results alone, without the text, which `check` has printed. A notebook shows None as the repr."""
        picture = super().to_html().partition("<pre>")[0] if self._matrices() else ""
        return f"{picture}</div>" if "<svg" in picture else None


def labelled(label, value):
    """A value behind its label, further lines below the first; a shape in place of what is too long to read."""
    with np.printoptions(legacy="1.25"):  # 0.002, where NumPy 2 writes np.float64(0.002)
        text = repr(value)
    if text.count("\n") >= 20 or len(text) > 1500:
        shape = getattr(value, "shape", None)
        text = f"a {type(value).__name__}" + ("" if shape is None else f" of shape {list(shape)}")
    return label + text.replace("\n", "\n" + " " * len(label))


def matrix_of(values):
    """A plain result as a matrix that can be drawn, or None."""
    if not isinstance(values, np.ndarray) or values.dtype.kind not in "biuf" or not values.ndim:
        return None
    matrix = values.reshape(-1, values.shape[-1]) if values.size else None
    return matrix if matrix is not None and max(matrix.shape) <= 16 else None
