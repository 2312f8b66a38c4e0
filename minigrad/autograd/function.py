"""Operators of users' own, in PyTorch's form: static methods, and a context between them."""

import functools

from ..engine import RELEASED, Operator, Value, connect, output_of, saved_tensor, set_grad_mode
from .grad_mode import no_grad


class Context(Operator):
    """What passes from `forward` to `backward`: set any attribute on it. The node of the graph."""

    function = None
    non_differentiable = ()
    to_save = kept = ()

    def save_for_backward(self, *tensors):
        """Keep inputs or outputs for `backward`, with a check that nobody changes them meanwhile."""
        self.to_save = tensors

    @property
    def saved_tensors(self):
        if self.kept is None:
            raise RuntimeError(RELEASED)
        return tuple(take(self) if callable(take) else take for take in self.kept)

    def release(self):
        """Let go of what was saved; a second backward that needs it is an error."""
        if self.to_save:
            self.kept = None

    def mark_non_differentiable(self, *tensors):
        """Name outputs that have no gradient."""
        self.non_differentiable = tensors

    def mark_dirty(self, *tensors):
        raise NotImplementedError("mark_dirty(): a Function that changes its input in place is not implemented; "
                                  "return a new tensor")

    def set_materialize_grads(self, value):
        """Whether missing gradients of outputs come as zeros (True) or as None."""
        self.materialize = value

    def backward(self, *grads):
        results, n = self.function.backward(self, *grads), len(self._edges)
        results = results if isinstance(results, tuple) else (results,)
        return results[:n] if all(g is None for g in results[n:]) else results

    def name(self):
        return f"{self.function.__name__}Backward"


class Function:
    """An operator of your own.

        class Cube(Function):
            @staticmethod
            def forward(ctx, x):
                ctx.save_for_backward(x)
                return x ** 3

            @staticmethod
            def backward(ctx, g):
                (x,) = ctx.saved_tensors
                return 3 * x ** 2 * g

        y = Cube.apply(x)

    `forward` sees tensors and is not recorded. `backward` gets one gradient for each output and
    returns one for each argument of `forward` (None for those that have none); written with tensor
    operators, it can be differentiated again. `forward(x)` with `setup_context(ctx, inputs, output)`
    is understood too. What `forward` returns beside tensors is handed on as it is.
    """

    @staticmethod
    def forward(*args, **kwargs):
        raise NotImplementedError("You must implement the forward function for custom autograd.Function.")

    @staticmethod
    def backward(ctx, *grads):
        raise NotImplementedError("You must implement either the backward or vjp method for your custom "
                                  "autograd.Function to use it with backward mode AD.")

    @classmethod
    def apply(cls, *args, **kwargs):
        ctx = Context.__new__(Context)
        ctx.function = cls
        before = set_grad_mode(False)
        try:
            ctx.needs_input_grad = tuple(isinstance(x, Value) and x.requires_grad for x in args)
            if hasattr(cls, "setup_context"):
                result = cls.forward(*args, **kwargs)
                cls.setup_context(ctx, args, result)
            else:
                result = cls.forward(ctx, *args, **kwargs)
        finally:
            set_grad_mode(before)
        outputs = result if isinstance(result, tuple) else (result,)
        if before and any(ctx.needs_input_grad):
            outputs = _record(ctx, args, outputs)
        return outputs if isinstance(result, tuple) else outputs[0]


def _record(ctx, args, outputs):
    """Draw the edges, and give each differentiable output its history in a tensor of its own."""
    connect(ctx, args)
    recorded = []
    for i, out in enumerate(outputs):
        followed = all(out is not x for x in ctx.non_differentiable)
        # What is no tensor has a place among the gradients, too: None.
        result = output_of(ctx, getattr(out, "_array", 0), i, True, len(outputs), followed)
        if isinstance(out, Value):
            result._version_counter = out._version_counter
        recorded.append(result if isinstance(out, Value) else out)
    ctx.kept = [_keep(ctx, x, outputs) for x in ctx.to_save]
    return tuple(recorded)


def _keep(ctx, x, outputs):
    """A function that gives a saved tensor back; an output is kept without its history, which would
    be a cycle, and gets it back then."""
    if not isinstance(x, Value):
        return x
    for i, out in enumerate(outputs):
        if x is out:
            unchanged = saved_tensor(x)
            return lambda owner: output_of(owner, unchanged(owner)._array, i, True, 1)
    return saved_tensor(x)


class Once(Operator):
    """z = x, a gradient that came of the others and has no derivative by them."""

    def forward(self, x, *grads):
        return x

    def backward(self, g):
        raise RuntimeError("trying to differentiate twice a function that was marked with @once_differentiable")


def once_differentiable(backward):
    """`@once_differentiable` over the `backward` of a Function which is not to be differentiated in turn, as it leaves
    the tensors (for NumPy, say): RuntimeError where that is tried, and not a wrong second derivative."""

    @functools.wraps(backward)
    def wrapped(ctx, *grads):
        with no_grad():
            results = backward(ctx, *grads)
        results = results if isinstance(results, tuple) else (results,)
        return tuple(Once.apply(g, *grads) if isinstance(g, Value) else g for g in results)

    return wrapped
