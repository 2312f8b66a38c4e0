"""Writing into a tensor that autograd follows.

An in-place operator computes like any other; then its result takes the place of what was there:
in memory, and in the history. The old history does not vanish, it is what the new one starts from:

    Y = zeros(2)            Y
    Y[0] = a                Y' = SetItem(Y,  a; index 0)
    Y[1] = b                Y" = SetItem(Y', b; index 1)      the tensor Y now has the history Y"

If the tensor is a view, its base changes too: the base's new history is `CopySlices`, "the base
with this region replaced", and every view of that base derives its own history from it anew when
it is next asked for (Value._refresh in the engine). Each write counts up the version that views
and base share, so that a saved tensor that changed is found out.
"""

import numpy as np

from ..dtypes import KIND
from ..engine import Operator, Version, is_grad_enabled, replay, wrap
from .common import cast


class CopySlices(Operator):
    """z = base with `region` in the place of one of its views. Without `axes` it is written already; else they say in
    which order z lies in memory, the slowest first, for only there is that view a view."""

    def forward(self, base, region, *, chain, axes=None):
        self.chain = chain  # and not the View: its base would hold this operator, and it the base
        self.axes = axes or sorted(range(base.ndim), key=lambda d: -abs(base.strides[d]))
        if axes is None:
            return base
        z = base.transpose(axes).copy().transpose(np.argsort(axes))
        replay(chain, wrap(z))._array[...] = region
        return z

    def backward(self, g):
        needs_base, needs_region = self.needs_input_grad
        return (CopySlices.apply(g, 0.0, chain=self.chain, axes=self.axes) if needs_base else None,
                replay(self.chain, g) if needs_region else None)

    def name(self):
        return "CopySlices"


def prepare(target):
    """Check that `target` may be written; returns a tensor that stands for it as it was before.

    RuntimeError for a leaf that requires grad, for a view of one, for an expanded tensor (one
    memory, many elements) and for read-only memory.
    """
    array = target._array
    if not array.flags.writeable and array.size:
        raise RuntimeError("unsupported operation: the memory of this tensor is read-only, or more than one element of "
                           "the written-to tensor refers to a single memory location. Please clone() it first.")
    if is_grad_enabled():
        view, followed = target._view, target.requires_grad
        if followed and target.is_leaf:
            raise RuntimeError("a leaf Variable that requires grad is being used in an in-place operation.")
        if view is not None and view.untracked:
            raise RuntimeError("A view was created in no_grad mode and is being modified inplace with grad mode "
                               "enabled. Make the view outside of no_grad, or clone() it.")
        if view is not None and (followed or view.base.requires_grad) and view.base.is_leaf:
            raise RuntimeError("a view of a leaf Variable that requires grad is being used in an in-place operation.")
    before = wrap(array)
    before._version_counter = target._version_counter
    before._set_history(target)
    return before


def commit(target, result):
    """Give `target` the numbers and the history of `result`, which was computed from `prepare`."""
    if result._array is not target._array and target._array.size:
        target._array[...] = result._array
    target._version_counter.count += 1
    if not is_grad_enabled() or not (result.requires_grad or target.requires_grad):
        return
    if target._view is None:
        target._set_history(result)
        return
    base = target._view.base
    before = wrap(base._array)
    before._set_history(base)
    base._set_history(CopySlices.apply(before, result, chain=target._view.chain))


def in_place(function, name):
    """The in-place form of `function`: x.add_(y) from add(x, y).

    RuntimeError if the result has another shape, or a dtype that does not go into x's.
    """

    def method(input, *args, **kwargs):
        before = prepare(input)
        args = [before if x is input else x for x in args]
        result = function(before, *args, **kwargs)
        if result.shape != input.shape:
            raise RuntimeError(f"output with shape {list(input.shape)} doesn't match the broadcast shape "
                               f"{list(result.shape)}")
        if KIND[result._array.dtype.kind] > KIND[input._array.dtype.kind]:
            raise RuntimeError(f"result type {result.dtype.text} can't be cast to the desired output type "
                               f"{input.dtype.text}")
        if result.requires_grad:
            # Its gradient may need the values from before: it gets them, in a memory of their own.
            before._array, before._version_counter = before._array.copy(), Version()
            before._version_counter.count = input._version_counter.count
        commit(input, cast(result, input._array.dtype))
        return input

    method.__name__ = method.__qualname__ = name
    method.__doc__ = f"`{function.__name__}`, written into the tensor itself; returns it."
    return method
