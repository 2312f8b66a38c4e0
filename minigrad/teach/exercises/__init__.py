"""The exercises of the chapters, and `check`, which judges an attempt.

Each is an Exercise (exercise.py) in the table of one file:

    convolution    chapters 1 to 6
    networks       chapters 7 to 12
"""

import difflib
import textwrap

from .. import drawing
from ..explanation import Explanation
from . import convolution, networks

TABLE = convolution.EXERCISES | networks.EXERCISES


def check(name, attempt):
    """Judge an attempt at the exercise `name`: prints what is right or wrong with it, and returns the Verdict.

    attempt: what the exercise asks for, a function, a Module or a value. It never raises what the attempt raises.
    The Verdict is true if the attempt is right. TypeError for a name that is no string, ValueError for one that no
    exercise has.

    >>> from minigrad import teach
    >>> verdict = teach.check("output_size", lambda n, k, p, s: -(-(n + 2 * p - k) // s) + 1)
    output_size: not yet. You rounded up: a window that hangs over the edge is dropped, so floor, not ceil.
        n = 6
        k = 3
        p = 0
        s = 2
    yours: 3
    right: 2
    >>> bool(verdict)
    False
    """
    if not isinstance(name, str):
        raise TypeError(f"check(): argument 'name' must be str, not {type(name).__name__}: the name of the exercise "
                        "comes first, then what you wrote: teach.check('corr2d', corr2d)")
    if name not in TABLE:
        near = difflib.get_close_matches(name, TABLE, n=5, cutoff=0.4)
        guess = f"did you mean {' or '.join(map(repr, near))}? " if near else ""
        raise ValueError(f"check(): there is no exercise {name!r}; {guess}teach.exercises() lists all of them")
    verdict = TABLE[name].check(name, attempt)
    print(verdict)
    return verdict


def exercises():
    """All exercises with their questions, in the order of the chapters.

    >>> "corr2d" in exercises().names
    True
    """
    return Exercises()


class Exercises(Explanation):
    """The names and questions of all exercises: `names`, and a text."""

    @property
    def names(self):
        return list(TABLE)

    def text(self):
        questions = (textwrap.fill(e.question, 100, initial_indent="    ", subsequent_indent="    ")
                     for e in TABLE.values())
        return "\n".join(f"{name}\n{question}" for name, question in zip(TABLE, questions))

    def draw(self, figure):
        drawing.words(figure, self.text())
