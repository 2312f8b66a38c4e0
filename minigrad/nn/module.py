"""Module: an object that knows its parameters, its buffers and the modules inside it.

Assigning a Parameter or a Module to an attribute registers it, in one of three dicts; all that a
Module does besides is to walk these dicts: `named_parameters`, `state_dict`, `train`, `apply` ...
"""

import itertools
from collections import OrderedDict, namedtuple
from collections.abc import Mapping

from ..autograd import no_grad
from ..dtypes import float32, float64
from ..ops.common import tensor_argument
from ..tensor import Handle, Tensor, rebuild

REGISTRIES = ("_parameters", "_buffers", "_modules")


class IncompatibleKeys(namedtuple("IncompatibleKeys", ("missing_keys", "unexpected_keys"))):
    """What `load_state_dict(strict=False)` left out."""

    __slots__ = ()

    def __repr__(self):
        return super().__repr__() if any(self) else "<All keys matched successfully>"


class Parameter(Tensor):
    """A tensor that a module learns: it requires grad, and registers itself with its module."""

    def __new__(cls, data=None, requires_grad=True):
        data = Tensor() if data is None else tensor_argument(data, "data", "Parameter")
        return rebuild(cls, data._array, requires_grad)

    def __repr__(self):
        return "Parameter containing:\n" + super().__repr__()


class Module:
    """The base class of layers and models: write `__init__` and `forward`, call the object."""

    training = True

    def __init__(self):
        own = self.__dict__
        own["_parameters"], own["_buffers"], own["_modules"] = {}, {}, {}
        own["_not_saved"] = set()  # names of buffers
        own["_forward_hooks"], own["_forward_pre_hooks"] = {}, {}

    def forward(self, *inputs):
        raise NotImplementedError(f'Module [{type(self).__name__}] is missing the required "forward" '
                                  "function")

    def __call__(self, *inputs, **kwargs):
        for hook in list(self._forward_pre_hooks.values()):
            replaced = hook(self, inputs)
            if replaced is not None:
                inputs = replaced if isinstance(replaced, tuple) else (replaced,)
        output = self.forward(*inputs, **kwargs)
        for hook in list(self._forward_hooks.values()):
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
        own = self.__dict__
        if isinstance(value, (Parameter, Module)):
            kind = "parameter" if isinstance(value, Parameter) else "module"
            if "_modules" not in own:
                raise AttributeError(f"cannot assign {kind}s before Module.__init__() call")
            registry = own[f"_{kind}s"]
            self._forget(name, but=registry)  # what it replaces there keeps its place
            self._check_name(kind, name, registry)
            registry[name] = value
            return
        for registry in REGISTRIES:
            if name in own.get(registry, ()):
                self._replace(registry, name, value)
                return
        object.__setattr__(self, name, value)

    def _replace(self, registry, name, value):
        allowed = {"_parameters": Parameter, "_buffers": Tensor, "_modules": Module}[registry]
        if value is not None and not isinstance(value, allowed):
            raise TypeError(f"cannot assign '{type(value).__name__}' as {registry.strip('_')[:-1]} "
                            f"'{name}' ({allowed.__name__} or None expected)")
        self.__dict__[registry][name] = value

    def __getattr__(self, name):  # only asked where the object itself has no such attribute
        own = self.__dict__
        for registry in REGISTRIES:
            if name in own.get(registry, ()):
                return own[registry][name]
        hint = "" if "_modules" in own else ": super().__init__() must be called first"
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'{hint}",
                             name=name, obj=self)

    def __delattr__(self, name):
        if any(name in self.__dict__.get(registry, ()) for registry in REGISTRIES):
            self._forget(name)
        else:
            object.__delattr__(self, name)

    def _forget(self, name, but=None):
        """Remove `name` wherever it is registered or set, except in `but`."""
        own = self.__dict__
        own["_not_saved"].discard(name)
        for place in (own, own["_parameters"], own["_buffers"], own["_modules"]):
            if place is not but:
                place.pop(name, None)

    def __dir__(self):
        names = [name for registry in REGISTRIES for name in self.__dict__.get(registry, ())]
        return [*super().__dir__(), *filter(str.isidentifier, names)]

    def register_buffer(self, name, tensor, persistent=True):
        """Add a tensor that is part of the state but not learned; not saved if not persistent."""
        self._check_name("buffer", name, self._buffers)
        if tensor is not None and not isinstance(tensor, Tensor):
            raise TypeError(f"cannot assign '{type(tensor).__name__}' object to buffer '{name}' "
                            "(Tensor or None required)")
        self._buffers[name] = tensor
        (self._not_saved.discard if persistent else self._not_saved.add)(name)

    def register_parameter(self, name, param):
        """Add a Parameter, or None as a place for one."""
        self._check_name("parameter", name, self._parameters)
        if param is not None and not isinstance(param, Parameter):
            raise TypeError(f"cannot assign '{type(param).__name__}' object to parameter '{name}' "
                            "(Parameter or None required)")
        self._parameters[name] = param

    def add_module(self, name, module):
        """Add a Module under a name that need not be an identifier."""
        if module is not None and not isinstance(module, Module):
            raise TypeError(f"{type(module).__name__} is not a Module subclass")
        self._check_name("module", name, self._modules)
        self._modules[name] = module

    def _check_name(self, kind, name, registry):
        if not isinstance(name, str):
            raise TypeError(f"{kind} name should be a string. Got {type(name).__name__}")
        if not name or "." in name:
            raise KeyError(f"{kind} name can't be empty or contain '.', got: {name!r}")
        if hasattr(self, name) and name not in registry:
            raise KeyError(f"attribute '{name}' already exists")

    # ---- the walk

    def named_modules(self, prefix=""):
        """(name, module) for this module ('') and every one inside it, each once."""
        return iter(self._walk(prefix, set()))

    def _walk(self, prefix, seen):
        if id(self) in seen:
            return
        seen.add(id(self))
        yield prefix, self
        for name, module in self.named_children():
            yield from module._walk(f"{prefix}.{name}" if prefix else name, seen)

    def modules(self):
        return (module for _, module in self.named_modules())

    def named_children(self):
        """(name, module) for the modules directly inside this one, each once."""
        seen = set()
        for name, module in self._modules.items():
            if module is not None and id(module) not in seen:
                seen.add(id(module))
                yield name, module

    def children(self):
        return (module for _, module in self.named_children())

    def _named(self, registry, prefix, recurse):
        seen = set()
        for place, module in self.named_modules(prefix) if recurse else [(prefix, self)]:
            for name, tensor in getattr(module, registry).items():
                if tensor is not None and id(tensor) not in seen:
                    seen.add(id(tensor))
                    yield (f"{place}.{name}" if place else name), tensor

    def named_parameters(self, prefix="", recurse=True):
        """(name, Parameter) pairs, such as ('conv1.weight', ...), each parameter once."""
        return self._named("_parameters", prefix, recurse)

    def parameters(self, recurse=True):
        return (p for _, p in self.named_parameters(recurse=recurse))

    def named_buffers(self, prefix="", recurse=True):
        return self._named("_buffers", prefix, recurse)

    def buffers(self, recurse=True):
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
        for module in self.modules():
            module.training = mode
        return self

    def eval(self):
        return self.train(False)

    def zero_grad(self, set_to_none=True):
        """Forget the gradients of all parameters (or set them to 0)."""
        for p in self.parameters():
            if set_to_none or p.grad is None:
                p.grad = None
            else:
                p.grad = p.grad.detach().zero_()

    def requires_grad_(self, requires_grad=True):
        for p in self.parameters():
            p.requires_grad_(requires_grad)
        return self

    def to(self, *args, **kwargs):
        """All floating-point parameters and buffers in another dtype: to(float64)."""
        for tensor in filter(Tensor.is_floating_point, [*self.parameters(), *self.buffers()]):
            converted = tensor.detach().to(*args, **kwargs)
            if not converted.is_floating_point():
                raise TypeError("nn.Module.to only accepts floating point dtypes, but got desired "
                                f"dtype={converted.dtype}")
            tensor.data, grad = converted, tensor.grad
            tensor.grad = None if grad is None else grad.to(*args, **kwargs)
        return self

    def float(self):
        return self.to(float32)

    def double(self):
        return self.to(float64)

    # ---- state

    def state_dict(self, *, prefix=""):
        """An ordered dict of all parameters and saved buffers, detached, by name. It shares memory."""
        state = OrderedDict()
        for name, tensor in {**self._parameters, **self._buffers}.items():
            if tensor is not None and name not in self._not_saved:
                state[prefix + name] = tensor.detach()
        for name, module in self._modules.items():
            if module is not None:
                state.update(module.state_dict(prefix=f"{prefix}{name}."))
        return state

    def load_state_dict(self, state_dict, strict=True):
        """Copy the tensors of `state_dict` into the parameters and buffers of the same names.

        RuntimeError listing every name that is missing or unexpected (if strict), every shape that
        differs and all that is no tensor; then nothing is copied. Returns the names that are
        missing and unexpected.
        """
        if not isinstance(state_dict, Mapping):
            raise TypeError(f"Expected state_dict to be dict-like, got {type(state_dict)}.")
        own = self.state_dict()
        missing = [name for name in own if name not in state_dict]
        unexpected = [name for name in state_dict if name not in own]
        given = {name: state_dict[name] for name in own if name in state_dict}
        errors = []
        for kind, names in (("Missing", missing), ("Unexpected", unexpected)):
            if strict and names:
                listed = ", ".join(f'"{name}"' for name in names)
                errors.append(f"{kind} key(s) in state_dict: {listed}. ")
        for name, new in given.items():
            if not isinstance(new, Tensor):
                errors.append(f'"{name}" must be a Tensor, but is {type(new)}. ')
            elif new.shape != own[name].shape:
                errors.append(f"size mismatch for {name}: copying a param with shape {new.shape} from "
                              f"checkpoint, the shape in current model is {own[name].shape}.")
        if errors:
            raise RuntimeError(f"Error(s) in loading state_dict for {type(self).__name__}:\n\t"
                               + "\n\t".join(errors))
        with no_grad():
            for name, new in given.items():
                own[name].copy_(new)
        return IncompatibleKeys(missing, unexpected)

    # ---- printing

    def extra_repr(self):
        """What a layer shows of its arguments between the brackets."""
        return ""

    def _children_reprs(self):
        return [f"({name}): {module!r}" for name, module in self._modules.items()]

    def __repr__(self):
        name, extra = type(self).__name__, self.extra_repr()
        children = [text.replace("\n", "\n  ") for text in self._children_reprs()]
        if "\n" not in extra and not children:
            return f"{name}({extra})"
        lines = (extra.split("\n") if extra else []) + children
        return f"{name}(\n  " + "\n  ".join(lines) + "\n)"


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
        modules = list(self)
        modules.insert(index, module)
        self.append(module)  # refuses what is no module
        self._renumber(modules)

    def __getitem__(self, index):
        return list(self)[index]

    def __setitem__(self, index, module):
        self.add_module(list(self._modules)[index], module)

    def __delitem__(self, index):
        modules = list(self)
        del modules[index]
        self._renumber(modules)

    def _renumber(self, modules):
        self._modules.clear()
        self.extend(modules)

    def __len__(self):
        return len(self._modules)

    def __iter__(self):
        return iter(self._modules.values())


class Sequential(Container):
    """Modules one after the other: Sequential(a, b)(x) is b(a(x)). Also of an OrderedDict of them."""

    def __init__(self, *modules):
        super().__init__()
        if len(modules) == 1 and isinstance(modules[0], dict):
            for name, module in modules[0].items():
                self.add_module(name, module)
        else:
            self.extend(modules)

    def forward(self, input):
        for module in self:
            input = module(input)
        return input

    def __getitem__(self, index):
        if isinstance(index, slice):
            return type(self)(OrderedDict(list(self._modules.items())[index]))
        return super().__getitem__(index)


class ModuleList(Container):
    """A list of modules that registers them: index it, iterate over it, append to it."""

    def __init__(self, modules=()):
        super().__init__()
        self.extend(modules)

    def __getitem__(self, index):
        found = super().__getitem__(index)
        return type(self)(found) if isinstance(index, slice) else found

    def _children_reprs(self):
        """As in PyTorch, a run of modules that look the same is shown once."""
        texts, start = [], 0
        for text, run in itertools.groupby(map(repr, self)):
            n = len(list(run))
            texts.append(f"({start}): {text}" if n == 1 else f"({start}-{start + n - 1}): {n} x {text}")
            start += n
        return texts
