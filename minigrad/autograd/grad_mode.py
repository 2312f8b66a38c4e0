"""Whether operators are recorded: a mode of the thread, as a `with` block or as a decorator."""

import functools
import inspect

from ..engine import is_grad_enabled, set_grad_mode

__all__ = ["enable_grad", "inference_mode", "is_grad_enabled", "no_grad", "set_grad_enabled"]


class GradMode:
    """Sets the mode of this thread inside a `with` block, or inside the calls of a function."""

    def __init__(self, mode):
        self.mode = bool(mode)
        self.before = []  # a stack, so that one object may be entered inside itself

    def __enter__(self):
        self.before.append(set_grad_mode(self.mode))
        return self

    def __exit__(self, *exception):
        set_grad_mode(self.before.pop())

    def __call__(self, function):
        @functools.wraps(function)
        def wrapped(*args, **kwargs):
            with GradMode(self.mode):
                return function(*args, **kwargs)

        @functools.wraps(function)
        def generator(*args, **kwargs):  # the mode holds while it works, and not while it waits
            steps, sent = function(*args, **kwargs), None
            while True:
                with GradMode(self.mode):
                    try:
                        made = steps.send(sent)
                    except StopIteration as end:
                        return end.value
                sent = yield made

        return generator if inspect.isgeneratorfunction(function) else wrapped


class no_grad(GradMode):  # noqa: N801, a function to its users
    """`with no_grad():` or `@no_grad()`: nothing is recorded; results do not require grad.

    >>> import minigrad
    >>> x = minigrad.ones(2, requires_grad=True)
    >>> with minigrad.no_grad():
    ...     print((x * 2).requires_grad)
    False
    """

    def __new__(cls, function=None):
        mode = super().__new__(cls)
        if function is None:
            return mode
        mode.__init__()  # @no_grad without brackets
        return mode(function)

    def __init__(self):
        super().__init__(False)


class enable_grad(GradMode):  # noqa: N801
    """`with enable_grad():` or `@enable_grad()`: recording, also inside `no_grad`.

    >>> import minigrad
    >>> x = minigrad.ones(2, requires_grad=True)
    >>> with minigrad.no_grad(), minigrad.enable_grad():
    ...     print((x * 2).requires_grad)
    True
    """

    def __init__(self):
        super().__init__(True)


class set_grad_enabled(GradMode):  # noqa: N801
    """set_grad_enabled(mode): at once, and until the end of the block if it is used with `with`.

    >>> import minigrad
    >>> with minigrad.set_grad_enabled(False):
    ...     print(minigrad.is_grad_enabled())
    False
    """

    def __init__(self, mode):
        super().__init__(mode)
        self.at_first = set_grad_mode(self.mode)

    def __enter__(self):
        self.before.append(self.at_first)
        set_grad_mode(self.mode)
        return self

    def __call__(self, function):
        set_grad_mode(self.at_first)  # as a decorator it sets nothing outside of the calls
        return super().__call__(function)


def inference_mode(mode=True):
    """`no_grad` under PyTorch's newer name; with mode=False nothing changes. Results are ordinary tensors.

    >>> import minigrad
    >>> x = minigrad.ones(2, requires_grad=True)
    >>> with minigrad.inference_mode():
    ...     print((x * 2).requires_grad)
    False
    """
    if callable(mode):
        return GradMode(False)(mode)
    return GradMode(not mode and is_grad_enabled())
