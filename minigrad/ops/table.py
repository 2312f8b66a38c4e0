"""Operators whose whole text is a formula and its derivatives: one row of a table instead of a class.

    Div = define("Div", np.true_divide, lambda g, y: g / y, lambda g, x, y: -g * ((x / y) / y))

After the name stands the forward function, which sees arrays; after it one rule for each input, which
sees tensors and is written with operators, so that it can be differentiated in turn. A rule takes g,
the gradient of the output, to that of its input. What else it names is kept for it, and nothing else:
an input by its name, the output as `z`. Keyword arguments of `apply` go to the forward function and to
every rule.
"""

import inspect

from ..engine import Operator


class Row(Operator):
    """What all rows have in common."""

    params = {}

    def forward(self, *inputs, **params):
        if params:
            self.params = params
        return self.compute(*inputs, **params)

    def backward(self, g):
        kept = (*self.inputs, self.output if self.uses_output else None)
        return tuple([rule(g, *map(kept.__getitem__, at), **self.params) if needed else None
                      for needed, rule, at in zip(self.needs_input_grad, self.rules, self.reads)])


def define(name, compute, /, *rules, inputs=("x", "y"), **attributes):
    """The Operator of one row, whose `inputs` have these names, with other attributes of its class (is_view ...)."""
    index = dict(zip(inputs, range(len(rules)))) | {"z": -1}
    reads = [[index[word] for word in inspect.signature(rule).parameters if word in index] for rule in rules]
    return type(name, (Row,), {
        "__module__": __name__, "compute": staticmethod(compute), "rules": rules, "reads": reads,
        "uses": tuple([tuple([i for i in at if i >= 0]) for at in reads]), "uses_output": any(-1 in at for at in reads),
        **attributes,
    })  # fmt: skip


def documented(function, name, **parts):
    """`function` under its name, with the parts put into its docstring."""
    function.__name__ = function.__qualname__ = name
    function.__doc__ = function.__doc__.format(name=name, **parts)
    return function


def named(x, name, number=0):
    """`x`, a result of several operators: no view of one before, whatever the last did, which prints under `name`,
    PyTorch's (if there is one) for all of them."""
    x._view = None
    if name is not None and x.grad_fn is not None:
        x.grad_fn.name = lambda: f"{name}Backward{number}"
    return x
