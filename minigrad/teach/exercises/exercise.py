"""Exercises that know the usual mistakes: what is wrong with an attempt, in words.

An exercise holds its right answer and, for each misconception, an implementation that has it. All of them,
and the attempt, run on the same cases. Where the attempt gives what a mistake gives, on every case, the verdict
is the sentence of that mistake; otherwise it is the smallest case in which the attempt is wrong.
"""

import copy
import dis
import inspect
import linecache
import traceback
from pathlib import Path

import numpy as np

from ... import nn
from ...engine import Value
from .verdict import Verdict

PACKAGE = Path(__file__).parents[2]


class Exercise:
    """A question with its right answer, the cases to try an attempt on, and the mistakes that people make.

        question    what to do, in a sentence or two, with the name and the arguments of the function to write
        answer      the right one. An attempt must be of the same kind: a function, a Module, a class, or a plain
                    value (a number, a tuple, a tensor)
        cases       the arguments to try it with: a list of tuples, enough of them to tell all mistakes apart
        mistakes    {sentence that names the misconception: an attempt that has it}
        observe     what is compared: observe(attempt, *case). Without it, attempt(*case) if the attempt can be
                    called, else the attempt itself. It may be called with a case of no arguments
        what        what `observe` returns, in words, for the verdict: "shape of the output"
        hint        a sentence for a wrong attempt that is none of the known mistakes

    Each sentence reads on after "not yet. ". Numbers are equal up to `tolerance`, relative and absolute.

    >>> double = Exercise("Write double(x), which is 2 x.", lambda x: 2 * x, cases=[(3,), (-1,)],
    ...                   mistakes={"You squared x.": lambda x: x * x, "You added 2.": lambda x: x + 2})
    >>> print(double.check("double", lambda x: x**2))
    double: not yet. You squared x.
        x = 3
    yours: 9
    right: 6
    """

    def __init__(self, question, answer, cases=(), mistakes=(), observe=None, what="result", hint="", tolerance=1e-4):
        self.question, self.answer, self.cases = question, answer, list(cases) or [()]
        self.mistakes, self.what, self.hint, self.tolerance = dict(mistakes), what, hint, tolerance
        self.observe = observe or (lambda attempt, *case: attempt(*case) if callable(attempt) else attempt)
        self.secret = observe is None and not callable(answer)  # the right value would give the answer away

    def check(self, name, attempt):
        """The Verdict on an attempt."""
        if attempt is None or attempt is Ellipsis:
            return self._undone(name)
        misfit = unlike(self.answer, attempt)
        if misfit:
            return Verdict(name, "not yet", f"This one asks for {misfit}")
        mine = self.outcomes(attempt)
        if all(o.undone for o in mine):
            return self._undone(name, self._forgotten(attempt, mine))
        right = self.outcomes(self.answer)
        wrong = [i for i in range(len(mine)) if not self._same(mine[i], right[i])]
        if not wrong:
            return self._accept(name, mine, right)
        first = min(wrong, key=lambda i: length(self.cases[i]))
        named = [sentence for sentence, mistake in self.mistakes.items() if self._agree(mine, self.outcomes(mistake))]
        sentence = named[0] if named else self._describe(mine[first], right[first])
        return Verdict(name, "not yet", sentence, self._case(first), mine[first], right[first],
                       misconception=named[0] if named else None, what=self.what, secret=self.secret)

    def outcomes(self, attempt):
        """What an attempt gives on each case."""
        return [Outcome(self.observe, attempt, case) for case in self.cases]

    def _same(self, a, b):
        if a.error is not None or b.error is not None:
            return type(a.error) is type(b.error)
        return same(a.plain, b.plain, self.tolerance)

    def _agree(self, some, others):
        """Whether two lists of outcomes are the same, and not merely the same errors."""
        return all(map(self._same, some, others)) and any(a.error is None for a in some)

    def _undone(self, name, hint=""):
        return Verdict(name, "not done yet", self.question + hint)

    def _forgotten(self, attempt, mine):
        """What a function that returns None has forgotten; nothing about a stub."""
        if any(o.error is not None for o in mine):
            return ""
        changed = [self._names(len(case))[o.changed[0]] for case, o in zip(self.cases, mine) if o.changed]
        if changed:
            return (f" (Your function changes its argument {changed[0]} and returns None: leave {changed[0]} as it "
                    "was, and hand the result over with `return`.)")
        return " (Your function returns None: is there a `return`?)" if begun(attempt) else ""

    def _accept(self, name, mine, right):
        """Right numbers; only the dtype, or the arguments, can still be wrong."""
        for i, (a, b) in enumerate(zip(mine, right)):
            if a.changed and not b.changed:
                argument = self._names(len(self.cases[i]))[a.changed[0]]
                sentence = (f"The numbers are right, but your function changes its argument {argument} in place: "
                            f"whoever called it finds another {argument} afterwards. Work on {argument}.clone().")
                return Verdict(name, "not yet", sentence, self._case(i), a, b, what=self.what)
            tensors = callable(self.answer) and isinstance(a.value, Value) and isinstance(b.value, Value)
            if tensors and a.value.dtype != b.value.dtype:
                sentence = f"The numbers are right, but their dtype is {a.value.dtype}; it should be {b.value.dtype}."
                return Verdict(name, "not yet", sentence, self._case(i), a, b, what=self.what)
        count = len(self.cases)
        cases = "both" if count == 2 else f"all {count}"
        return Verdict(name, "right", f"It gives the right {self.what} in {cases} cases." if count > 1 else "")

    def _describe(self, mine, right):
        """What differs, where no misconception is known."""
        hint = f" {self.hint}" if self.hint else ""
        if mine.error is not None:
            return mine.told + hint
        if mine.value is None:
            return f"It returned None here: is there a `return` on every way through it?{hint}"
        if self.secret:
            alike = isinstance(mine.plain, np.ndarray) and mine.plain.shape == right.plain.shape
            return ("That is not it." if alike else "The right one has another shape than yours.") + hint
        return difference(mine.plain, right.plain, self.tolerance, self.what) + hint

    def _names(self, count):
        target = self.answer.forward if isinstance(self.answer, nn.Module) else self.answer
        names = list(inspect.signature(target).parameters) if callable(target) else []
        return names if len(names) == count else [f"argument {i + 1}" for i in range(count)]

    def _case(self, i):
        return dict(zip(self._names(len(self.cases[i])), self.cases[i]))


class Outcome:
    """What one attempt gave on one case: a value or an error, and which arguments it changed."""

    def __init__(self, observe, attempt, case):
        arguments = [fresh(x) for x in case]
        self.value = self.error = self.plain = self.told = None
        try:
            self.value = observe(attempt, *arguments)
            self.plain = plain(self.value)
        except (Exception, SystemExit) as error:  # a student's code may raise anything, and call exit()
            self.error, self.told = error, told(error)
        self.undone = raised_by_attempt(self.error) if self.error is not None else self.value is None
        self.changed = [i for i, (now, before) in enumerate(zip(arguments, case))
                        if isinstance(before, Value) and not same(plain(now), plain(before), 0)]


def begun(attempt):
    """Whether a function is more than a stub: whether it reads or writes a name."""
    code = getattr(attempt, "__code__", None)
    names = {i.opname for i in dis.get_instructions(code)} - {"LOAD_CONST"} if code is not None else ()
    return any(name.startswith(("LOAD_", "STORE_")) for name in names)


def unlike(answer, attempt):
    """What kind of attempt the answer asks for, and what came instead; None if they are alike."""
    kinds = {"a class": inspect.isclass, "a Module": lambda x: isinstance(x, nn.Module), "a function": callable}
    wanted, got = (next((kind for kind, fits in kinds.items() if fits(x)), "a value") for x in (answer, attempt))
    if wanted == got or (wanted, got) == ("a function", "a Module"):
        return None
    given = f"but got {got}: {type(attempt).__name__}." if got == "a value" else f"but got {got}."
    cures = {("a function", "a value"): " Hand over the function itself, without calling it.",
             ("a Module", "a class"): " Make one of your class first: add ( )."}
    return f"{wanted}, {given}{cures.get((wanted, got), '')}"


def fresh(x):
    """A copy that an attempt may do anything to."""
    return x.detach().clone().requires_grad_(x.requires_grad) if isinstance(x, Value) else copy.deepcopy(x)


class Unreadable(TypeError):
    """A result that cannot be compared with numbers."""


def plain(result):
    """A result as one NumPy array, or a list of them where the parts have several shapes.

    Tensors, arrays, numbers, words, and tuples and lists of them; Unreadable for anything else.
    """
    if isinstance(result, Value):
        return result.detach().numpy()
    if isinstance(result, list | tuple):
        parts = [plain(part) for part in result]
        alike = all(isinstance(p, np.ndarray) for p in parts) and len({p.shape for p in parts}) <= 1
        return np.array(parts) if alike else parts
    if result is not None and not isinstance(result, np.ndarray | np.generic | bool | int | float | str):
        kind = type(result).__name__
        raise Unreadable(f"It gives a value of type {kind}; a tensor, a number or a tuple is expected.")
    return np.asarray(result)


def length(x):
    """How many numbers there are to read in the arguments of a case."""
    return sum(map(length, x)) if isinstance(x, list | tuple) else int(np.prod(getattr(x, "shape", ())))


def same(a, b, tolerance):
    """Whether two plain results are equal, NaN being equal to NaN."""
    if isinstance(a, list) or isinstance(b, list):
        return type(a) is type(b) and len(a) == len(b) and all(same(x, y, tolerance) for x, y in zip(a, b))
    if a.shape != b.shape:
        return False
    if a.dtype.kind in "biuf" and b.dtype.kind in "biuf":
        return np.allclose(a, b, rtol=tolerance, atol=tolerance, equal_nan=True)
    return bool(np.all(a == b))


def difference(mine, right, tolerance, what="result"):
    """What differs between two plain results, in a sentence."""
    if isinstance(mine, list) and isinstance(right, list) and len(mine) == len(right):
        first = next(i for i, (a, b) in enumerate(zip(mine, right)) if not same(a, b, tolerance))
        sentence = difference(mine[first], right[first], tolerance, what)
        return f"In part {first} of it: {sentence[0].lower()}{sentence[1:]}"
    if isinstance(mine, list) or isinstance(right, list):
        return f"Your {what} is not made of the same parts as the right one."
    if mine.shape != right.shape:
        return f"Your {what} has shape {list(mine.shape)}; the right one has shape {list(right.shape)}."
    if mine.dtype.kind not in "iuf":
        return "That is not it."
    if np.isnan(mine).any() and not np.isnan(right).any():
        return f"Your {what} holds nan, which is what 0/0, inf - inf or an uninitialised tensor leave behind."
    wrong = ~np.isclose(mine, right, rtol=tolerance, atol=tolerance, equal_nan=True)
    first = [int(i) for i in np.argwhere(wrong)[0]]
    if wrong.size == 1:
        return "The number differs."
    return f"{wrong.sum()} of {wrong.size} cells differ, the first of them at {first}."


def outside(frame):
    """Whether a frame of a traceback is the attempt's, and not the package's."""
    return not Path(frame.filename).is_relative_to(PACKAGE)


def raised_by_attempt(error):
    """Whether it is the attempt that says "not implemented", and not an operator that it calls."""
    return isinstance(error, NotImplementedError) and outside(traceback.extract_tb(error.__traceback__)[-1])


def told(error):
    """An exception in words, with the line of the attempt that raised it."""
    if isinstance(error, Unreadable):
        return str(error)
    frames = [f for f in traceback.extract_tb(error.__traceback__) if outside(f)]
    text = f"It raised {type(error).__name__}: {error}".rstrip(".: \n")
    line, where = "", ""
    if frames:
        line = frames[-1].line or linecache.getline(frames[-1].filename, frames[-1].lineno).strip()
        where = f", in line {frames[-1].lineno}"
    power = any(words in str(error) for words in ("bitwise_xor", "for ^"))
    hint = "\nIn Python ^ is exclusive or; a power is **." if power else ""
    return f"{text}{where}{f': {line}' if line else '.'}{hint}"
