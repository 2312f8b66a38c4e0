"""What all optimisers share: parameter groups, `zero_grad`, and a state that can be saved."""

import copy
import warnings
from collections import defaultdict

from ..autograd import enable_grad, no_grad
from ..nn.parameter import zero_gradients
from ..tensor import Tensor

# PyTorch's choices between ways to compute one and the same step. Here there is one way, which no graph records.
VARIANTS = ("foreach", "capturable", "differentiable", "fused")


class Optimizer:
    """Holds parameters in groups, each with its own options, and a state for each parameter.

    params: an iterable of tensors, of pairs (name, tensor), or of dicts {"params": [...], option: value, ...}.
    A subclass writes `update(parameter, gradient, state, **options)`, and `check(**options)`, which
    raises ValueError for options that make no sense. `state[parameter]` is a dict for it to fill.
    TypeError or ValueError for no parameters, for what is no leaf tensor, for one in two groups; twice in one group
    is a warning, and two updates in each step.

    >>> from minigrad import nn, optim
    >>> class SignDescent(optim.Optimizer):
    ...     def update(self, parameter, gradient, state, lr):
    ...         parameter -= lr * gradient.sign()
    >>> model = nn.Linear(1, 1)
    >>> optimizer = SignDescent(model.parameters(), {"lr": 0.1})
    """

    _opt_called = None  # whether `step` was called since the optimiser got its first scheduler

    def __init__(self, params, defaults):
        self.defaults, self._names = defaults, [name for name in defaults if name not in VARIANTS]
        self._check(defaults)
        if isinstance(params, Tensor):
            raise TypeError("params argument should be an iterable of Tensors or dicts, not a Tensor")
        self.param_groups, self.state = [], defaultdict(dict)
        groups = _ordered(params)
        if not groups:
            raise ValueError("optimizer got an empty parameter list")
        for group in groups if isinstance(groups[0], dict) else [{"params": groups}]:
            self.add_param_group(group)

    def add_param_group(self, param_group):
        """Add {"params": tensors, option: value, ...}; options not given have their defaults."""
        if not isinstance(param_group, dict):
            raise TypeError(f"param_group must be a dict, but got {type(param_group).__name__}")
        group = param_group | {name: x for name, x in self.defaults.items() if name not in param_group}
        self._check(group)
        params = [group["params"]] if isinstance(group["params"], Tensor) else _ordered(group["params"])
        named = [isinstance(p, tuple) for p in params]
        if len({*named, *("param_names" in other for other in self.param_groups)}) > 1:
            raise ValueError("all optimizer params should be with/without names. Some param names are missing")
        if any(named):
            names, params = map(list, zip(*params))
            group = {"param_names": names, **group}
        known = {*self._all()}
        for p in params:
            if not isinstance(p, Tensor):
                raise TypeError(f"optimizer can only optimize Tensors, but one of the params is {type(p).__name__}")
            if not p.is_leaf:
                raise ValueError("can't optimize a non-leaf Tensor")
            if p in known:
                raise ValueError("some parameters appear in more than one parameter group")
        if len(set(params)) < len(params):
            warnings.warn("optimizer contains a parameter group with duplicate parameters", stacklevel=3)
        self.param_groups.append({**group, "params": params})

    def zero_grad(self, set_to_none=True):
        """Forget the gradients of all parameters (or set them to 0, in place)."""
        for group in self.param_groups:
            zero_gradients(group["params"], set_to_none)

    @no_grad()
    def step(self, closure=None):
        """Update every parameter that has a gradient. closure: computes the loss anew; it is returned."""
        if self._opt_called is not None:
            self._opt_called = True
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        for group in self.param_groups:
            options = self._options(group)
            for p in group["params"]:
                gradient = p.grad
                if gradient is not None:
                    self.update(p, gradient, self.state[p], **options)
        return loss

    def update(self, parameter, gradient, state, **options):
        raise NotImplementedError(f"{type(self).__name__} has no update")

    def check(self, **options):
        pass

    def _check(self, group):
        if group.get("differentiable"):
            raise NotImplementedError(f"{type(self).__name__}: differentiable=True is not supported")
        if group.get("fused") and group.get("foreach"):
            raise RuntimeError("`fused` and `foreach` cannot be `True` together.")
        lr = group.get("lr")
        if isinstance(lr, Tensor) and lr.numel() != 1:
            raise ValueError(f"Tensor lr must be 1-element, but its shape is {list(lr.shape)}")
        self.check(**self._options(group))

    def _options(self, group):
        """Those of a group that `update` knows; users and schedulers may add others."""
        return {name: group[name] for name in self._names}

    def state_dict(self):
        """{"state": {number: {...}}, "param_groups": [...]}, the parameters being numbered in order."""
        number = {p: i for i, p in enumerate(self._all())}
        groups = [{name: x for name, x in group.items() if name != "params"}
                  | {"params": [number[p] for p in group["params"]]} for group in self.param_groups]
        return {"state": {number[p]: dict(state) for p, state in self.state.items() if state}, "param_groups": groups}

    def load_state_dict(self, state_dict):
        """Take over copies of options and state. ValueError if the groups have other numbers of parameters."""
        groups = copy.deepcopy(state_dict["param_groups"])
        mine, theirs = ([len(g["params"]) for g in some] for some in (self.param_groups, groups))
        if mine != theirs:
            raise ValueError(f"loaded state dict has groups of {theirs} parameters, the optimizer has groups of {mine}")
        params = dict(zip((number for group in groups for number in group["params"]), self._all()))
        if unknown := sorted(state_dict["state"].keys() - params):
            raise ValueError(f"loaded state dict has state for parameters {unknown} that are in no group")
        for group, loaded in zip(self.param_groups, groups):
            group.update({**loaded, "params": group["params"]})
        self.state = defaultdict(dict)
        for number, state in state_dict["state"].items():
            for name, x in state.items():
                if isinstance(x, Tensor):  # a count of steps stays what it is
                    x = x.detach().to(x.dtype if name == "step" else params[number].dtype, copy=True)
                self.state[params[number]][name] = x

    def _all(self):
        return (p for group in self.param_groups for p in group["params"])

    def __repr__(self):
        text = type(self).__name__ + " ("
        for i, group in enumerate(self.param_groups):
            text += f"\nParameter Group {i}\n"
            text += "".join(f"    {name}: {group[name]}\n" for name in sorted(group) if name != "params")
        return text + ")"


def _ordered(params):
    if isinstance(params, (set, frozenset)):
        raise TypeError("the order of a set changes between runs: please use a list of parameters instead")
    return list(params)
