"""Whether operators are recorded: a mode of the thread, as a `with` block or as a decorator."""

import functools

from ..engine import is_grad_enabled, set_grad_mode

__all__ = ["enable_grad", "is_grad_enabled", "no_grad", "set_grad_enabled"]


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

        return wrapped


class no_grad(GradMode):  # noqa: N801, a function to its users
    """`with no_grad():` or `@no_grad()`: nothing is recorded; results do not require grad."""

    def __new__(cls, function=None):
        mode = super().__new__(cls)
        if function is None:
            return mode
        mode.__init__()  # @no_grad without brackets
        return mode(function)

    def __init__(self):
        super().__init__(False)


class enable_grad(GradMode):  # noqa: N801
    """`with enable_grad():` or `@enable_grad()`: recording, also inside `no_grad`."""

    def __init__(self):
        super().__init__(True)


class set_grad_enabled(GradMode):  # noqa: N801
    """set_grad_enabled(mode): at once, and until the end of the block if it is used with `with`."""

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
