"""What layers have in common: Simple for those without parameters, Weighted for those with a weight and a bias."""

import inspect

from ..ops import create
from . import init
from .module import Module
from .parameter import Parameter

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
            parameters = [inspect.Parameter(name, kind, default=default) for name, default in arguments.items()]
            cls.__signature__ = inspect.Signature(parameters)

    def __init__(self, *args, **kwargs):
        super().__init__()
        given = self.__signature__.bind(*args, **kwargs)
        given.apply_defaults()
        self.__dict__.update(given.arguments)

    def _arguments(self):
        return {name: getattr(self, name) for name in self._names}

    def forward(self, input):
        return self._function(input, **self._arguments())

    def extra_repr(self):
        shown = self._shown or [name for name, value in self._arguments().items() if name != "inplace" or value]
        return ", ".join(f"{name}={getattr(self, name)!r}" for name in shown)


class Weighted(Module):
    """A layer with a weight and a bias. Keywords of a class statement become attributes of the class:

        class Conv2d(ConvNd, dims=2):

    Between the brackets stands `shown`, its attributes filled in.
    """

    def __init_subclass__(cls, **attributes):
        super().__init_subclass__()
        for name, value in attributes.items():
            setattr(cls, name, value)

    def make_parameters(self, weight, bias, device, dtype):
        """Make a weight and a bias of these shapes, None for neither, and give them their initial numbers."""
        for name, shape in (("weight", weight), ("bias", bias)):
            made = None if shape is None else Parameter(create.empty(shape, device=device, dtype=dtype))
            self.register_parameter(name, made)
        self.reset_parameters()

    def reset_parameters(self):
        init.default_(self.weight, self.bias)

    def extra_repr(self):
        return self.shown.format_map({**vars(self), "bias": self.bias is not None})
