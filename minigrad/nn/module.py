"""Module: an object that knows its parameters, its buffers and the modules inside it.

Assigning a Parameter or a Module to an attribute registers it, in one of three dicts; all that a
Module does besides is to walk these dicts: `named_parameters`, `state_dict`, `train`, `apply` ...
"""

import itertools
from collections import OrderedDict, namedtuple
from collections.abc import Mapping

from ..autograd import no_grad
from ..dtypes import float32, float64
from ..ops.common import check_device
from ..tensor import Handle, Tensor
from .parameter import Parameter, Uninitialized, zero_gradients


class _IncompatibleKeys(namedtuple("_IncompatibleKeys", ("missing_keys", "unexpected_keys"))):
    """What `load_state_dict(strict=False)` left out."""

    def __repr__(self):
        return super().__repr__() if any(self) else "<All keys matched successfully>"


class Module:
    """The base class of layers and models: write `__init__` and `forward`, call the object.

        >>> from minigrad import nn, ones
        >>> class Twice(nn.Module):
        ...     def __init__(self):
        ...         super().__init__()
        ...         self.layer = nn.Linear(3, 3)
        ...
        ...     def forward(self, x):
        ...         return self.layer(self.layer(x))
        >>> model = Twice()
        >>> model(ones(2, 3)).shape, [name for name, _ in model.named_parameters()]
        (torch.Size([2, 3]), ['layer.weight', 'layer.bias'])
        >>> model
        Twice(
          (layer): Linear(in_features=3, out_features=3, bias=True)
        )
    """

    training = True

    def __init__(self):
        self.__dict__.update(_parameters={}, _buffers={}, _modules={}, _not_saved=set(),  # names of buffers
                             _forward_hooks={}, _forward_pre_hooks={})

    def forward(self, *inputs):
        raise NotImplementedError(f'Module [{type(self).__name__}] is missing the required "forward" function')

    def __call__(self, *inputs, **kwargs):
        for hook in self._forward_pre_hooks and list(self._forward_pre_hooks.values()):
            replaced = hook(self, inputs)
            if replaced is not None:
                inputs = replaced if isinstance(replaced, tuple) else (replaced,)
        output = self.forward(*inputs, **kwargs)
        for hook in self._forward_hooks and list(self._forward_hooks.values()):
            replaced = hook(self, inputs, output)
            output = output if replaced is None else replaced
        return output

    def register_forward_hook(self, hook):
        """Call hook(module, inputs, output) after each forward; what it returns replaces the output."""
        return Handle(self._forward_hooks, hook)

    def register_forward_pre_hook(self, hook):
        """Call hook(module, inputs) before each forward; what it returns replaces the inputs."""
        return Handle(self._forward_pre_hooks, hook)

    # ---- registration

    def __setattr__(self, name, value):
        registry = "_parameters" if isinstance(value, Parameter) else "_modules" if isinstance(value, Module) else None
        if registry is None or registry == "_modules" and name in self.__dict__.get("_parameters", ()):
            registry = self._registry(name)
        elif registry not in self.__dict__:
            raise AttributeError(f"cannot assign {registry[1:]} before Module.__init__() call")
        else:
            self._forget(name, but=registry)  # what it replaces there keeps its place
        if registry is None:
            object.__setattr__(self, name, value)
        else:
            self._register(registry, name, value)

    def __getattr__(self, name):  # only asked where the object itself has no such attribute
        own = self.__dict__
        for registry in REGISTRIES:
            if name in own.get(registry, ()):
                return own[registry][name]
        hint = "" if "_modules" in own else ": super().__init__() must be called first"
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'{hint}", name=name, obj=self)

    def __delattr__(self, name):
        if self._registry(name):
            self._forget(name)
        else:
            object.__delattr__(self, name)

    def _registry(self, name):
        """The registry that holds `name`, or None."""
        return next((registry for registry in REGISTRIES if name in self.__dict__.get(registry, ())), None)

    def _forget(self, name, but=None):
        """Remove `name` wherever it is registered or set, except in the registry `but`."""
        self._not_saved.discard(name)
        for place in (self.__dict__, *(self.__dict__[registry] for registry in REGISTRIES if registry != but)):
            place.pop(name, None)

    def __dir__(self):
        names = [name for registry in REGISTRIES for name in self.__dict__.get(registry, ())]
        return [*super().__dir__(), *filter(str.isidentifier, names)]

    def register_buffer(self, name, tensor, persistent=True):
        """Add a tensor that is part of the state but not learned; not saved if not persistent."""
        self._register("_buffers", name, tensor)
        (self._not_saved.discard if persistent else self._not_saved.add)(name)

    def register_parameter(self, name, param):
        """Add a Parameter, or None as a place for one."""
        self._register("_parameters", name, param)

    def add_module(self, name, module):
        """Add a Module under a name that need not be an identifier."""
        self._register("_modules", name, module)

    register_module = add_module

    def _register(self, registry, name, value):
        kind, allowed = registry.strip("_")[:-1], REGISTRIES[registry]
        if not isinstance(name, str):
            raise TypeError(f"{kind} name should be a string. Got {type(name).__name__}")
        if value is not None and not isinstance(value, allowed):
            raise TypeError(f"cannot assign '{type(value).__name__}' to {kind} '{name}' ({allowed.__name__} or None)")
        if not name or "." in name:
            raise KeyError(f"{kind} name can't be empty or contain '.', got: {name!r}")
        taken = hasattr(type(self), name) or name in vars(self) or self._registry(name)  # not what __getattr__ makes up
        if taken and taken != registry:
            raise KeyError(f"attribute '{name}' already exists")
        getattr(self, registry)[name] = value

    def get_submodule(self, target):
        """The module of a dotted name: get_submodule("net.0"). AttributeError where there is none."""
        found = dict(self.named_modules(remove_duplicate=False)).get(target)
        if found is None:
            raise AttributeError(f"{type(self).__name__} has no nn.Module under the name {target!r}")
        return found

    # ---- the walk

    def named_modules(self, memo=None, prefix="", remove_duplicate=True):
        """(name, module) for this module ('') and every one inside it, each once."""
        memo = set() if memo is None else memo
        if self not in memo:
            memo.update([self] if remove_duplicate else [])
            yield prefix, self
            for name, module in self._modules.items():
                if module is not None:
                    yield from module.named_modules(memo, f"{prefix}.{name}" if prefix else name, remove_duplicate)

    def modules(self):
        """This module and every one inside it, each once."""
        return (module for _, module in self.named_modules())

    def named_children(self):
        """(name, module) for the modules directly inside this one, each once."""
        return unique(self._modules.items())

    def children(self):
        """The modules directly inside this one, each once."""
        return (module for _, module in self.named_children())

    def _named(self, registry, prefix, recurse, remove_duplicate):
        places = self.named_modules(None, prefix, remove_duplicate) if recurse else [(prefix, self)]
        found = ((f"{place}.{name}" if place else name, tensor)
                 for place, module in places for name, tensor in getattr(module, registry).items())
        return unique(found, remove_duplicate)

    def named_parameters(self, prefix="", recurse=True, remove_duplicate=True):
        """(name, Parameter) pairs, such as ('conv1.weight', ...), each parameter once."""
        return self._named("_parameters", prefix, recurse, remove_duplicate)

    def parameters(self, recurse=True):
        """The parameters of this module and of all inside it, each once: what an optimiser gets."""
        return (p for _, p in self.named_parameters(recurse=recurse))

    def named_buffers(self, prefix="", recurse=True, remove_duplicate=True):
        """(name, Tensor) pairs of the buffers, such as ('bn.running_mean', ...), each once."""
        return self._named("_buffers", prefix, recurse, remove_duplicate)

    def buffers(self, recurse=True):
        """The buffers of this module and of all inside it, each once: state that is not learned."""
        return (b for _, b in self.named_buffers(recurse=recurse))

    def apply(self, fn):
        """Call fn(module) for every module inside, the innermost first, and for this one."""
        for module in self.children():
            module.apply(fn)
        fn(self)
        return self

    # ---- modes and gradients

    def train(self, mode=True):
        """Training mode (or evaluation mode) for this module and all inside it."""
        if not isinstance(mode, bool):
            raise ValueError("training mode is expected to be boolean")
        self.training = mode
        for module in self.children():
            if module is not self:
                module.train(mode)
        return self

    def eval(self):
        """Evaluation mode: dropout lets all pass, batch norm takes its running statistics. Back with train()."""
        return self.train(False)

    def zero_grad(self, set_to_none=True):
        """Forget the gradients of all parameters (or set them to 0, in place)."""
        zero_gradients(self.parameters(), set_to_none)

    def requires_grad_(self, requires_grad=True):
        for p in self.parameters():
            p.requires_grad_(requires_grad)
        return self

    def to(self, *args, **kwargs):
        """All floating-point parameters and buffers in another dtype, to(float64), or on the one device there is."""
        for tensor in filter(lambda tensor: tensor.data.is_floating_point(), [*self.parameters(), *self.buffers()]):
            converted = tensor.data.to(*args, **kwargs)
            if not converted.is_floating_point():
                raise TypeError(f"nn.Module.to only accepts floating point dtypes, but got {converted.dtype}")
            tensor.data, grad = converted, tensor.grad
            tensor.grad = None if grad is None else grad.to(*args, **kwargs)
        return self

    def cpu(self):
        return self

    def cuda(self, device=None):
        """RuntimeError: minigrad runs on the CPU."""
        check_device("cuda")

    def float(self):
        return self.to(float32)

    def double(self):
        return self.to(float64)

    # ---- state

    def _saved(self):
        """The parameters and saved buffers of this module alone."""
        return {name: tensor for name, tensor in {**self._parameters, **self._buffers}.items()
                if tensor is not None and name not in self._not_saved}

    def state_dict(self, *, destination=None, prefix="", keep_vars=False):
        """An ordered dict of all parameters and saved buffers, detached, by name. It shares memory."""
        if destination is None:
            destination = OrderedDict()
            destination._metadata = {}  # where PyTorch has the versions of the modules
        for name, tensor in self._saved().items():
            destination[prefix + name] = tensor if keep_vars else tensor.detach()
        for name, module in self._modules.items():
            if module is not None:
                module.state_dict(destination=destination, prefix=f"{prefix}{name}.", keep_vars=keep_vars)
        return destination

    @no_grad()
    def load_state_dict(self, state_dict, strict=True):
        """Copy the tensors of `state_dict` into the parameters and buffers of the same names.

        RuntimeError listing every name that is missing or unexpected (if strict), every shape that
        differs and all that is no tensor; all others are copied even then. Returns the names that
        are missing and unexpected.
        """
        if not isinstance(state_dict, Mapping):
            raise TypeError(f"Expected state_dict to be dict-like, got {type(state_dict)}.")
        own = {f"{place}.{name}" if place else name: tensor for place, module in self.named_modules(None, "", False)
               for name, tensor in module._saved().items()}
        # PyTorch's oldest files, which have no versions either, do not count the batches.
        optional = () if hasattr(state_dict, "_metadata") else ("num_batches_tracked",)
        keys = _IncompatibleKeys([name for name in own if name not in state_dict and not name.endswith(optional)],
                                 [name for name in state_dict if name not in own])
        errors = [f"{kind} key(s) in state_dict: " + ", ".join(f'"{name}"' for name in names) + ". "
                  for kind, names in zip(("Missing", "Unexpected"), keys) if strict and names]
        for name in filter(state_dict.__contains__, own):
            tensor, new = own[name], state_dict[name]
            if not isinstance(new, Tensor):
                errors.append(f'"{name}" must be a Tensor, but is {type(new)}. ')
                continue
            if isinstance(tensor, Uninitialized):
                if isinstance(new, Uninitialized):
                    continue
                tensor.materialize(new.shape)
            if new.shape == tensor.shape:
                tensor.copy_(new)
            else:
                errors.append(f"size mismatch for {name}: copying a param with shape {new.shape} from checkpoint, the "
                              f"shape in current model is {tensor.shape}.")
        if errors:
            raise RuntimeError(f"Error(s) in loading state_dict for {type(self).__name__}:\n\t" + "\n\t".join(errors))
        return keys

    # ---- printing

    def extra_repr(self):
        """What a layer shows of its arguments between the brackets."""
        return ""

    def _children_reprs(self):
        return [f"({name}): {module!r}" for name, module in self._modules.items()]

    def __repr__(self):
        extra = self.extra_repr()
        lines = extra.splitlines() + [text.replace("\n", "\n  ") for text in self._children_reprs()]
        inside = extra if lines in ([], [extra]) else "\n  ".join(["", *lines]) + "\n"
        return f"{type(self).__name__}({inside})"


REGISTRIES = {"_parameters": Parameter, "_buffers": Tensor, "_modules": Module}


def unique(pairs, remove_duplicate=True):
    """Those pairs (name, object) that have an object, each object once."""
    seen = set()
    for name, found in pairs:
        if found is not None and not (remove_duplicate and found in seen):
            seen.add(found)
            yield name, found


class Container(Module):
    """Modules by number: what Sequential and ModuleList have in common."""

    def append(self, module):
        self.add_module(str(len(self)), module)
        return self

    def extend(self, modules):
        for module in modules:
            self.append(module)
        return self

    def insert(self, index, module):
        names, modules = list(self._modules), list(self)
        at = index + len(names) if index < 0 else index
        if not 0 <= at <= len(names):
            raise IndexError(f"Index out of range: {index}")
        if names[at:] != [str(number) for number in range(at, len(names))]:
            raise KeyError(f"insert({index}): the modules {names[at:]} have names, not numbers that could move up")
        modules.insert(at, module)
        self.append(module)  # refuses what is no module
        self._modules.update(zip([*names, str(len(names))], modules))
        return self

    __iadd__ = extend

    def __getitem__(self, index):
        found = list(self)[index]
        return type(self)(found) if isinstance(index, slice) else found

    def __setitem__(self, index, module):
        self.add_module(list(self._modules)[index], module)

    def __delitem__(self, index):
        modules = list(self)
        del modules[index]
        self._renumber(modules)

    def _renumber(self, modules):
        self._modules.clear()
        return self.extend(modules)

    def __len__(self):
        return len(self._modules)

    def __iter__(self):
        return iter(self._modules.values())


class Sequential(Container):
    """Modules one after the other: Sequential(a, b)(x) is b(a(x)). Also of an OrderedDict of them.

        >>> from minigrad import nn, zeros
        >>> net = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))
        >>> net(zeros(5, 4)).shape, net[1]
        (torch.Size([5, 2]), ReLU())
    """

    def __init__(self, *modules):
        super().__init__()
        named = modules[0] if len(modules) == 1 and isinstance(modules[0], OrderedDict) else dict(enumerate(modules))
        for name, module in named.items():
            self.add_module(str(name), module)

    def forward(self, input):
        for module in self:
            input = module(input)
        return input

    def __getitem__(self, index):
        if isinstance(index, slice):
            return type(self)(OrderedDict(list(self._modules.items())[index]))
        return super().__getitem__(index)


class ModuleList(Container):
    """A list of modules that registers them: index it, iterate over it, append to it.

        >>> from minigrad import nn
        >>> layers = nn.ModuleList(nn.Linear(n, n) for n in (2, 2, 3))
        >>> layers
        ModuleList(
          (0-1): 2 x Linear(in_features=2, out_features=2, bias=True)
          (2): Linear(in_features=3, out_features=3, bias=True)
        )
        >>> len(list(layers.parameters()))
        6
    """

    def __init__(self, modules=()):
        super().__init__()
        self.extend(modules or ())

    def _children_reprs(self):
        """As in PyTorch, a run of modules that look the same is shown once."""
        runs = [list(run) for _, run in itertools.groupby(enumerate(map(repr, self)), key=lambda pair: pair[1])]
        return [f"({run[0][0]}): {run[0][1]}" if len(run) == 1 else
                f"({run[0][0]}-{run[-1][0]}): {len(run)} x {run[0][1]}" for run in runs]
