"""Warnings for mistakes that raise no error: `with teach.watch():` turns them on, and nothing pays for them outside.

    two passes in one gradient       .grad was not cleared before backward(): zero_grad()
    softmax before cross_entropy     cross_entropy takes raw scores: the softmax is taken twice
    (N, 1) against (N,)              broadcasting makes (N, N) differences of N predictions and N targets
    an output that cannot train      argmax, a comparison, detach(), item() end the history

The first three are read off the tape when backward() is called, the last when a module returns its output.
"""

import ast
import inspect
import sys
import textwrap
import warnings
import zlib
from pathlib import Path

import numpy as np

from ..autograd.steps import Names, operator_name, variables
from ..engine import Operator, Value, is_grad_enabled
from ..nn import Module
from ..ops import elementwise
from ..tensor import Tensor

ENDS = ("argmax", "argmin", "detach", "item", "numpy", "tolist", "no_grad", "inference_mode", "data", "round", "sign")
REDUCED = {"Mean", "Sum"}
ELEMENTWISE = {"Add", "Sub", "Neg", "Mul", "Pow", "Abs", "SmoothL1Loss", "Div", "Where", "Sqrt", "Exp", "Clone",
               "ToCopy"}  # fmt: skip
SAME_NUMBERS = {"View", "ToCopy", "Clone", "Permute"}


class TeachingWarning(UserWarning):
    """What `watch` warns with."""


class watch:  # noqa: N801, a function to its users
    """`with teach.watch():` turns teaching warnings on inside the block; `w = teach.watch()` until `w.stop()`.

    Blocks may stand inside each other. Each warning is a `TeachingWarning`, at the line of the user's that called.

        >>> import warnings
        >>> import minigrad
        >>> from minigrad import teach
        >>> w = minigrad.tensor(3.0, requires_grad=True)
        >>> with warnings.catch_warnings(record=True) as caught, teach.watch():
        ...     warnings.simplefilter("always")
        ...     for _ in range(2):  # no zero_grad between
        ...         (w * w).backward()
        >>> print(caught[0].message)
        w.grad holds more than one backward pass: the new gradient was added to the one of before. Call \
optimizer.zero_grad() or net.zero_grad(), or set .grad = None, before each backward(). (To add up several batches \
on purpose is fine.)
    """

    on = []  # those that watch now

    def __init__(self, *unexpected):
        if unexpected:
            raise TypeError("watch() takes no arguments, it watches every model: write `with teach.watch():` around "
                            "the training, or w = teach.watch() before it and w.stop() after it")
        self.used = {}  # id of a leaf -> (the leaf, its numbers as they were at its last backward())
        if not watch.on:
            ORIGINAL.update(backward=Tensor.backward, __call__=Module.__call__)
            Tensor.backward, Module.__call__, elementwise.Sub.forward = backward, call, difference
        watch.on.append(self)

    def stop(self):
        """Turn it off again."""
        if self in watch.on:
            watch.on.remove(self)
            if not watch.on:
                Tensor.backward, Module.__call__ = ORIGINAL["backward"], ORIGINAL["__call__"]
                del elementwise.Sub.forward  # of its own: the inherited one is back
                REPORTED.clear()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.stop()


ORIGINAL, REPORTED = {}, []


def backward(self, *args, **kwargs):
    nodes = tape(self)
    for message in dict.fromkeys([*softmax_twice(nodes), *column_against_row(self, nodes), *two_passes(nodes)]):
        warn(message)
    return ORIGINAL["backward"](self, *args, **kwargs)


def difference(self, x, y, **params):
    """A subtraction that remembers the shapes of its inputs: the tape does not."""
    self.shapes = np.shape(x), np.shape(y)
    return super(elementwise.Sub, self).forward(x, y, **params)


def call(self, *inputs, **kwargs):
    before = len(REPORTED)
    output = ORIGINAL["__call__"](self, *inputs, **kwargs)
    if len(REPORTED) == before and (message := cannot_train(self, inputs, output)):  # not again for those around it
        REPORTED.append(type(self))
        warn(message)
    return output


def warn(message):
    """At the line outside of minigrad that led here."""
    package, level, frame = str(Path(__file__).parents[1]), 1, sys._getframe()
    while frame.f_back is not None and frame.f_code.co_filename.startswith(package):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, TeachingWarning, stacklevel=level)


def tape(tensor):
    """Every operator behind `tensor`, the newest first, with the shape of its output."""
    found, waiting = {}, [(tensor.grad_fn, tuple(tensor.shape))]
    while waiting:
        node, shape = waiting.pop()
        if node is not None and node not in found:
            found[node] = shape
            waiting.extend((e.target, e.shape) for e in node._edges if e is not None and isinstance(e.target, Operator))
    return dict(sorted(found.items(), key=lambda pair: -pair[0].sequence))


def maker(node, kinds):
    """The operator that made the first input of `node`; those of `kinds` are passed over."""
    while True:
        edge = node._edges[0] if node._edges else None
        node = edge.target if edge is not None and isinstance(edge.target, Operator) else None
        if node is None or type(node).__name__ not in kinds:
            return node


# ---- the mistakes


def two_passes(nodes):
    """Leaves whose gradient holds a pass already."""
    edges = [edge for node in nodes for edge in node._edges if edge is not None]
    leaves = {id(edge.target): edge.target for edge in edges if not isinstance(edge.target, Operator)}
    used = watch.on[0].used if watch.on else {}
    held = [leaf for leaf in leaves.values() if leaf.grad is not None and leaf.grad._array.any()]
    if held:
        names = Names(variables())
        called = [names.of(leaf, 0) for leaf in held]
        called = ["a leaf's" if name.startswith("a leaf") else name for name in called]
        text = ", ".join(f"{name}.grad" for name in called[:3]).replace("'s.grad", "'s .grad")
        text += f" and {len(held) - 3} more" * (len(held) > 3)
        changed = any(id(leaf) in used and used[id(leaf)][1] != checksum(leaf) for leaf in held)
        why = ("The parameters have changed since the earlier pass: its gradient is out of date." if changed else
               "(To add up several batches on purpose is fine.)")  # fmt: skip
        yield (f"{text} hold{'s' * (len(held) == 1)} more than one backward pass: the new gradient was added to the "
               "one of before. Call optimizer.zero_grad() or net.zero_grad(), or set .grad = None, before each "
               f"backward(). {why}")
    used.update({key: (leaf, checksum(leaf)) for key, leaf in leaves.items()})


def checksum(leaf):
    return zlib.crc32(leaf._array.tobytes())


def softmax_twice(nodes):
    """Probabilities where a loss takes raw scores."""
    for node in nodes:
        kind = type(node).__name__
        before = maker(node, SAME_NUMBERS | {"Neg"} if kind == "LogSigmoid" else SAME_NUMBERS)
        first = operator_name(before) if before is not None else ""
        if kind in ("CrossEntropy", "LogSoftmax") and first in ("Softmax", "Sigmoid"):
            yield (f"{first.lower()} before cross_entropy (or log_softmax): cross_entropy takes raw scores and "
                   "computes the softmax itself. Of probabilities, which lie between 0 and 1, its gradients are small "
                   f"and the loss cannot come near 0. Leave the {first.lower()} out of the model, and take it where "
                   "you want to see probabilities.")
        elif kind == "CrossEntropy" and first == "LogSoftmax":
            yield ("log_softmax before cross_entropy, which computes it itself: the result is right, the work is done "
                   "twice. Leave it out, or take nll_loss.")
        elif kind == "LogSigmoid" and first == "Sigmoid":
            yield ("sigmoid before binary_cross_entropy_with_logits, which takes raw scores and computes the sigmoid "
                   "itself. Leave it out, or take binary_cross_entropy.")


def column_against_row(root, nodes):
    """A loss over the differences of all predictions to all targets: what is summed to one number, and what such
    numbers are added to and scaled by."""
    waiting, seen = [(root.grad_fn, False)], set()
    while waiting:
        node, reduced = waiting.pop()
        kind = type(node).__name__
        if (node, reduced) in seen or not isinstance(node, Operator):
            continue
        seen.add((node, reduced))
        shapes = getattr(node, "shapes", ()) if kind == "Sub" else ()
        n = nodes[node][0] if nodes[node] else 0
        if reduced and n > 1 and set(shapes) == {(n, 1), (n,)}:
            yield (f"the loss compares each of {n} predictions with each of {n} targets: a tensor of shape {shapes[0]} "
                   f"against one of shape {shapes[1]} broadcasts to ({n}, {n}), and the loss is over {n * n} "
                   "differences. Give both one shape: target.reshape(prediction.shape), or prediction.squeeze(1).")
        elif kind in ELEMENTWISE or kind in REDUCED and nodes[node] == ():
            waiting.extend((edge.target, reduced or kind in REDUCED) for edge in node._edges if edge is not None)


def cannot_train(module, inputs, output):
    """Why no gradient can reach the parameters behind `output`; None if one can, or need not."""
    outputs = list(tensors(output))
    if not outputs or not module.training or not is_grad_enabled() or any(x.requires_grad for x in outputs):
        return None
    if not any(x.requires_grad for x in (*tensors(inputs), *module.parameters())):
        return None
    found = reasons(type(module))
    because = f": its forward uses {found}" if found else ""
    return (f"the output of {type(module).__name__} cannot train{because}. No gradient leads through argmax, "
            "comparisons, detach(), item(), numpy() or no_grad: the parameters behind them would stay as they are. "
            "Return the scores, and take the argmax outside, where accuracy is counted.")


def tensors(found):
    """The tensors in an output, or in a tuple, a list or a dict of them."""
    if isinstance(found, Value):
        yield found
    elif isinstance(found, tuple | list):
        for x in found:
            yield from tensors(x)
    elif isinstance(found, dict):
        yield from tensors(list(found.values()))


def reasons(cls):
    """What in the source of a module's forward ends a history, in words; "" if nothing is seen."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(cls.forward)))
    except (OSError, TypeError, SyntaxError):
        return ""
    names = [getattr(node, "attr", getattr(node, "id", None)) for node in ast.walk(tree)]
    found = [name for name in ENDS if name in names]
    if not found and any(isinstance(node, ast.Compare) for node in ast.walk(tree)):
        found = ["a comparison"]
    return " and ".join(found)
