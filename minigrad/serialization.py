"""Saving and loading: tensors in a safetensors file, everything else as JSON in its header.

A safetensors file is a header (names, dtypes, shapes, free text) and the elements. Unlike a pickle
it cannot run code when it is read, and every framework reads it. A nested dict is flattened: the
tensor in `{"model": {"conv1.weight": w}}` is named `model.conv1.weight` there, and one text in the
header, `minigrad`, tells how to put the dict together again.
"""

import contextlib
import json
import os
import threading

import numpy as np

from .nn.parameter import Parameter
from .ops.common import check_device
from .ops.create import from_numpy
from .tensor import Tensor

_NUMPY_DTYPES = {"F32": "<f4", "F64": "<f8", "I64": "<i8", "I32": "<i4", "U8": "u1", "BOOL": "?"}


def save(obj, f):
    """Write a dict of tensors (or a list, or a tensor) to `f`, so that `load(f)` gives back an equal one.

    f: a path, or a binary file that is open for writing (`io.BytesIO()` is one). At a path the file appears
    complete or not at all: if saving fails, an older one stays as it was.
    Values may also be None, bools, ints, floats, strings, and dicts, lists and tuples of all these:
    a whole training checkpoint. An OrderedDict comes back as a dict, a Size as a tuple, a NumPy number as
    Python's, and tensors that share memory as tensors each with its own. A plain `state_dict` keeps its keys as
    the names in the file.

    Raises TypeError that names the key of a value (or key) of another type, OSError if the file cannot be written.

    >>> import minigrad, os, tempfile
    >>> path = os.path.join(tempfile.mkdtemp(), "numbers.safetensors")
    >>> minigrad.save({"x": minigrad.arange(3), "epoch": 7}, path)
    >>> minigrad.load(path)
    {'x': tensor([0, 1, 2]), 'epoch': 7}
    """
    from safetensors.numpy import save as to_bytes  # here, because few programs need it

    arrays = {}
    tree = _encode(obj, "", arrays)
    content = to_bytes(arrays, {"minigrad": json.dumps(tree)})
    if hasattr(f, "write"):
        f.write(content)
    else:
        write_whole(f, content)


def load(f, map_location=None, *, weights_only=True):
    """What `save` wrote to `f`, a path or an open binary file, or the tensors of any safetensors file by name.

    map_location: the CPU, a function (which changes nothing) or a dict with another place for "cpu", which can only
    be the CPU. weights_only: code is never loaded, whatever it says.

    The tensors own their memory, require grad if they did, and nothing is allocated for elements that the
    file does not hold. Raises ValueError that names a file which is not what it should be.

    >>> import minigrad, os, tempfile
    >>> path = os.path.join(tempfile.mkdtemp(), "x.safetensors")
    >>> minigrad.save({"weight": minigrad.ones(2)}, path)
    >>> minigrad.load(path)["weight"]
    tensor([1., 1.])
    """
    from safetensors import SafetensorError, deserialize

    if not callable(map_location):
        check_device(map_location.get("cpu") if isinstance(map_location, dict) else map_location)
    with contextlib.nullcontext(f) if hasattr(f, "read") else open(f, "rb") as file:
        content = file.read()
    try:
        views = deserialize(content)
    except SafetensorError as error:
        raise ValueError(f"{f} is not a whole safetensors file: {error}") from error
    tensors = {}
    for name, view in views:
        if view["dtype"] not in _NUMPY_DTYPES:
            raise ValueError(f"{f}: tensor '{name}' has the unsupported type {view['dtype']}")
        elements = np.frombuffer(view["data"], _NUMPY_DTYPES[view["dtype"]])
        tensors[name] = from_numpy(elements.reshape(view["shape"]))

    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    tree = header.get("__metadata__", {}).get("minigrad")
    if tree is None:
        return tensors
    try:
        return _decode(json.loads(tree), tensors)
    except (AttributeError, KeyError, RuntimeError, TypeError, ValueError) as error:
        raise ValueError(f"{f} has a damaged header: {error!r}") from error


def _encode(value, name, arrays):
    """`value` as JSON, in which {"tensor": name} stands for an array put into `arrays`."""
    if isinstance(value, Tensor):
        name = name or "tensor"
        while name in arrays or name == "__metadata__":  # which the format keeps to itself
            name += "_"
        # safetensors 0.8.0 stores the elements of other layouts in a wrong order, silently.
        arrays[name] = np.asarray(value.detach().numpy(), order="C")
        node = {"requires_grad": {"tensor": name}} if value.requires_grad else {"tensor": name}
        return {"parameter": node} if isinstance(value, Parameter) else node
    value = value.item() if isinstance(value, np.generic) else value
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    prefix = f"{name}." if name else ""
    if isinstance(value, dict):
        for key in value:
            if type(key) not in (str, int, float):  # an optimiser's state is numbered
                raise TypeError(f"'{name}' has a key of type {type(key).__name__}, not str, int or float")
        return {"dict": [[k, _encode(v, f"{prefix}{k}", arrays)] for k, v in value.items()]}
    if isinstance(value, (list, tuple)):
        items = [_encode(v, f"{prefix}{i}", arrays) for i, v in enumerate(value)]
        return items if isinstance(value, list) else {"tuple": items}
    hint = ": save its state_dict() instead" if hasattr(value, "state_dict") else ""
    raise TypeError(f"cannot save '{name or 'obj'}' of type {type(value).__name__}{hint}")


def _decode(node, tensors):
    if isinstance(node, list):
        return [_decode(item, tensors) for item in node]
    if not isinstance(node, dict):
        return node
    [(kind, content)] = node.items()
    if kind == "tensor":
        return tensors[content]
    if kind == "requires_grad":
        return _decode(content, tensors).requires_grad_()
    if kind == "parameter":
        data = _decode(content, tensors)
        return Parameter(data, data.requires_grad)
    if kind == "tuple":
        return tuple(_decode(content, tensors))
    if kind == "dict":
        return {key: _decode(item, tensors) for key, item in content}
    raise ValueError(f"unknown kind of value '{kind}'")


def write_whole(path, content):
    """Write a whole file or none: under another name first, then renamed in one step."""
    path = os.path.realpath(path)  # a link stays a link
    # Only this thread uses the name; what is left after a kill is overwritten or easy to see.
    temporary = f"{path}.{os.getpid()}-{threading.get_ident()}.tmp"
    try:
        with open(temporary, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())  # else a power cut could leave the new name without content
        os.replace(temporary, path)
    except BaseException as error:  # also Ctrl-C
        if os.path.exists(temporary):
            os.remove(temporary)
        if isinstance(error, OSError):  # of the name that the user knows
            raise OSError(error.errno, error.strerror, path) from None
        raise
