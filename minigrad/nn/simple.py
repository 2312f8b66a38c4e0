"""Simple: the layers that have no parameters and only hand their arguments to a function."""

import inspect

from .module import Module

REQUIRED = inspect.Parameter.empty


class Simple(Module):
    """A layer that stores its arguments, calls a function with them, and prints them. All of it is

        class ELU(Simple, function=F.elu, alpha=1.0, inplace=False):

    `ELU(2.0)` then has the attributes alpha and inplace, `ELU(2.0)(x)` is `F.elu(x, alpha=2.0, inplace=False)`,
    and it prints as `ELU(alpha=2.0)`. An argument without a default is REQUIRED. `shown` names what is printed;
    unless it is given, that is every argument, `inplace` only where it is True.
    """

    def __init_subclass__(cls, function=None, shown=None, **arguments):
        super().__init_subclass__()
        if function is not None:
            cls._function, cls._names, cls._shown = staticmethod(function), tuple(arguments), shown
            kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
            cls.__signature__ = inspect.Signature([inspect.Parameter(name, kind, default=default)
                                                   for name, default in arguments.items()])

    def __init__(self, *args, **kwargs):
        super().__init__()
        given = self.__signature__.bind(*args, **kwargs)
        given.apply_defaults()
        for name, value in given.arguments.items():
            setattr(self, name, value)

    def _arguments(self):
        own = self.__dict__
        return {name: own[name] for name in self._names}

    def forward(self, input):
        return self._function(input, **self._arguments())

    def extra_repr(self):
        shown = self._shown
        if shown is None:
            shown = [name for name, value in self._arguments().items() if name != "inplace" or value]
        return ", ".join(f"{name}={getattr(self, name)!r}" for name in shown)
