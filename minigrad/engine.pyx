# cython: binding=False
"""The tape: values, the operators that made them, and what they keep for their gradients.

Every result remembers the operator that made it, and every operator remembers where its inputs
came from. A gradient walks these edges backward (walk.pyx):

        x ──┐                          edges point from an operator to the makers of its inputs;
            ├── Mul ── y ── Sum ── L   a leaf (x, w) is its own end of the line
        w ──┘

This file knows no operator and no rule: those live in `minigrad/ops`, in Python. The attributes of
its types stand in engine.pxd.
"""
import weakref
from contextvars import ContextVar

import numpy as np

cimport numpy as cnp
from cpython.object cimport PyObject, PyTypeObject

from minigrad.memory cimport reuse_for, set_handler

cdef extern from *:
    """
    /* One gradient mode per thread, on for each new thread, as in PyTorch. */
    #if defined(_MSC_VER)
    #define THREAD_LOCAL static __declspec(thread)
    #else
    #define THREAD_LOCAL static _Thread_local
    #endif
    THREAD_LOCAL int minigrad_grad_mode = 1;
    THREAD_LOCAL int minigrad_silent = 0;
    """
    int minigrad_grad_mode
    int minigrad_silent

# NumPy warns of 1/0 and of overflow, PyTorch does not. np.errstate around every operator would cost
# more than a small operator does, so the context variable behind it is set directly. A NumPy that has
# it no more will warn.
try:
    from numpy._core.umath import _extobj_contextvar, _make_extobj
    _silent = _make_extobj(all="ignore")
except ImportError:
    _extobj_contextvar = _silent = ContextVar("absent")

cdef extern from "Python.h":
    object PyContextVar_Set(object var, object value)
    int PyContextVar_Reset(object var, object token) except -1
    PyObject **PySequence_Fast_ITEMS(object sequence)
    object PyObject_VectorcallMethod(object name, PyObject **arguments, size_t count, PyObject *keywords)


cdef silence():
    """Switch NumPy's floating-point warnings off for this thread; returns what `restore` takes."""
    global minigrad_silent
    if minigrad_silent:
        return None
    minigrad_silent = 1
    return PyContextVar_Set(_extobj_contextvar, _silent)


cdef restore(token):
    global minigrad_silent
    if token is not None:
        minigrad_silent = 0
        PyContextVar_Reset(_extobj_contextvar, token)


cdef object ndarray = np.ndarray
cdef object asarray = np.asarray
cdef type _tensor_type = None
cdef tuple NOTHING = ()
cdef long long _sequence = 0


def is_grad_enabled():
    """Whether operators of this thread are recorded."""
    return minigrad_grad_mode != 0


def set_grad_mode(bint enabled):
    """Switch recording on or off for this thread; returns what it was."""
    global minigrad_grad_mode
    cdef bint before = minigrad_grad_mode != 0
    minigrad_grad_mode = enabled
    return before


def register_tensor_type(cls):
    """Name the subclass of Value that `Operator.apply` wraps its results in."""
    global _tensor_type
    if not issubclass(cls, Value):
        raise TypeError(f"{cls} is no subclass of Value")
    _tensor_type = cls


cpdef Value wrap(array):
    """A tensor without a history around `array` (no copy)."""
    if type(array) is not ndarray:
        array = asarray(array)  # NumPy hands out scalars where a 0-d array is meant
    # As Value.__new__ would, but without asking Python for it.
    cdef Value value = (<PyTypeObject *> Value).tp_new(_tensor_type, <PyObject *> NOTHING, NULL)
    value._array = array
    return value


cpdef bint of_one_dtype(x, y):
    """Whether x and y are both tensors, and of one dtype."""
    if not isinstance(x, Value) or not isinstance(y, Value):
        return False
    cdef cnp.ndarray a = (<Value> x)._array, b = (<Value> y)._array
    return a is not None and b is not None and a.descr is b.descr


cdef class Version:
    pass


cdef class View:
    pass


def replay(tuple chain, tensor):
    """The view that `chain` describes, of another tensor."""
    for operator, params in chain:
        tensor = operator.apply(tensor, **params)
    return tensor


cdef class Value:
    """An array with a history: the base class of Tensor."""

    def __cinit__(self):
        self._version_counter = Version.__new__(Version)

    cdef Operator node(self):
        # A write through another view, or to the base, outdates the history of this view.
        if self._view is not None and self._view.version != self._version_counter.count:
            self._refresh()
        return self._node

    def _refresh(self):
        """Derive the history of a view anew from its base, after an in-place write."""
        cdef View view = self._view
        cdef Value again
        view.version = self._version_counter.count
        if view.untracked or not view.base.requires_grad:
            return
        before = set_grad_mode(True)
        try:
            again = replay(view.chain, view.base)
        finally:
            set_grad_mode(before)
        self._set_history(again)

    def _set_history(self, Value other not None):
        """Take over the maker of `other`: the end of every in-place write."""
        self._node, self._output_nr = other.node(), other._output_nr
        self._leaf_requires_grad = other._leaf_requires_grad
        if self.retains_grad and self._node is not None:
            self._node._retain(self)

    @property
    def requires_grad(self):
        return self._leaf_requires_grad or self.node() is not None

    @requires_grad.setter
    def requires_grad(self, value):
        if type(value) is not bool:
            raise RuntimeError("requires_grad must be a bool")
        if value and self._array.dtype.kind != "f":
            raise RuntimeError("only Tensors of floating point and complex dtype can require gradients, but this one "
                               f"is {self._array.dtype}")
        if self.node() is None:
            self._leaf_requires_grad = value
        elif not value:
            raise RuntimeError("you can only change requires_grad flags of leaf variables. If you want to use a "
                               "computed variable in a subgraph that doesn't require differentiation use var_no_grad "
                               "= var.detach().")

    @property
    def is_leaf(self):
        return self.node() is None

    @property
    def grad_fn(self):
        return self.node()

    @property
    def _version(self):
        return self._version_counter.count

    def _output_hooks(self):
        """The dict of hooks that see the gradient of this tensor, in the order they were set."""
        cdef Operator node = self.node()
        if node is not None:
            node._hooks = node._hooks or {}
            return node._hooks.setdefault(self._output_nr, {})
        if self._hooks is None:
            self._hooks = {}
        return self._hooks


cdef class Edge:
    pass


cdef Edge edge_to(Value value):
    cdef Operator node = value.node()
    cdef Edge edge
    if node is None and not value._leaf_requires_grad:
        return None
    edge = Edge.__new__(Edge)
    edge.target = value if node is None else node
    edge.output_nr, edge.shape, edge.dtype = value._output_nr, value._array.shape, (<cnp.ndarray> value._array).descr
    return edge


cdef class Operator:
    """One operator: the base class of everything in `minigrad/ops`. An instance is one use of it,
    a node of the graph, and what users see as `grad_fn`.

    A subclass writes two methods. `forward(self, *inputs, **params)` sees NumPy arrays and returns
    one (or a tuple of them); the positional arguments are the inputs, keywords are parameters.
    `backward(self, *grads)` sees one gradient tensor for each output, and returns one for each
    input (None for those that need none), written with tensor operators: that is what makes it
    differentiable in turn. It may return a gradient of the broadcast shape: the engine sums it
    down to the shape of the input and casts it to its dtype.

    Class attributes:
        uses: for each input, the numbers of the inputs that its gradient needs. Only those are
            kept, if that gradient is wanted, and `self.inputs` gives them back in `backward`.
        uses_output: keep the output too, for `self.output`.
        keeps: it keeps arrays of its own (indices), so that its rule works only once, too.
        is_view: `forward` may return a view of its first input.
    """
    uses = ()
    uses_output = False
    keeps = False
    is_view = False
    materialize = True  # zeros, not None, for the gradient of an output that had no part in the result

    @classmethod
    def apply(cls, *inputs, **params):
        """Run `forward` on the arrays of `inputs`, and record it if a gradient may be asked for."""
        cdef Operator node = (<PyTypeObject *> cls).tp_new(cls, <PyObject *> NOTHING, NULL)
        cdef list arguments = [node]
        cdef bint record = False
        for x in inputs:
            arguments.append((<Value>x)._array if isinstance(x, Value) else x)
        if minigrad_grad_mode:
            for x in inputs:
                if isinstance(x, Value) and ((<Value>x)._leaf_requires_grad or (<Value>x).node() is not None):
                    record = True
                    break
        if record:
            connect(node, inputs)
        else:
            node.needs_input_grad = (False,) * len(inputs)
        token = silence()
        before = reuse_for(arguments)
        try:
            result = forward(arguments, params)
        except MemoryError as error:
            raise RuntimeError(f"{node.name()}: not enough memory: {error}") from None
        finally:
            set_handler(before)
            restore(token)
        if type(result) is tuple:
            return tuple([output_of(node, r, i, record, len(result)) for i, r in enumerate(result)])
        out = output_of(node, result, 0, record, 1)
        if cls.is_view:
            note_view(out, inputs[0], cls, params)
        return out

    def forward(self, *inputs, **params):
        raise NotImplementedError(f"{type(self).__name__} has no forward")

    def backward(self, *grads):
        raise NotImplementedError(f"{type(self).__name__} is not differentiable: it has no backward")

    # ---- what `backward` reads

    @property
    def inputs(self):
        """The inputs as they were given; None in the place of one that was not kept."""
        if self._released:
            raise RuntimeError(RELEASED)
        if self._saved is None:
            raise RuntimeError(f"{self.name()} kept no inputs: name them in its `uses`")
        return tuple([None if s is None else (<Saved>s).unpack(self) for s in self._saved])

    @property
    def output(self):
        """The (first) output, with this operator as its history."""
        if self._released:
            raise RuntimeError(RELEASED)
        array, counter, version = self._saved_output
        cdef Value out = wrap(array)
        out._version_counter, out._node = counter, self
        if out._version_counter.count != version:
            raise modified(array, self, 0, out._version_counter.count, version, self)
        return out

    def release(self):
        """Let go of what was kept; asking for it again is an error."""
        if self.keeps or self._kept or self._saved_output is not None:
            self._saved = self._saved_output = None
            self._released = True

    # ---- what users see

    def name(self):
        """The name that printing shows."""
        return f"{type(self).__name__}Backward0"

    @property
    def next_functions(self):
        """((operator, output number), ...) of the inputs, as in PyTorch."""
        cdef Edge edge
        cdef list found = []
        for edge in self._edges or ():
            if edge is None:
                found.append((None, 0))
            elif isinstance(edge.target, Operator):
                found.append((edge.target, edge.output_nr))
            else:
                found.append((AccumulateGrad(edge.target), 0))
        return tuple(found)

    def __repr__(self):
        return f"<{self.name().removeprefix('torch::autograd::')} object at {id(self):#x}>"

    def _retain(self, Value tensor not None):
        tensor.retains_grad = True
        self._retained = (self._retained or {}) | {tensor._output_nr: weakref.ref(tensor)}


cdef forward(list arguments, dict params):
    """node.forward(*arrays, **params), where `arguments` is [node, *arrays]."""
    cdef Py_ssize_t count = len(arguments)
    cdef tuple names = tuple(params) if params else None
    if names is not None:
        arguments.extend(params.values())
    return PyObject_VectorcallMethod("forward", PySequence_Fast_ITEMS(arguments), count,
                                     NULL if names is None else <PyObject *> names)


cpdef connect(Operator node, tuple inputs):
    """Give `node` the next number in the order of time, draw its edges, keep what `uses` names."""
    global _sequence
    _sequence += 1
    node.sequence = _sequence
    node._edges = [edge_to(x) if isinstance(x, Value) else None for x in inputs]
    node.needs_input_grad = tuple([edge is not None for edge in node._edges])
    cdef Py_ssize_t number
    uses = node.uses
    if uses:
        node._saved = [None if isinstance(x, Value) else saved(x) for x in inputs]
        for number in range(min(len(uses), len(inputs))):
            if node._edges[number] is not None:
                for i in uses[number]:
                    node._saved[i], node._kept = saved(inputs[i]), True


cpdef Value output_of(Operator node, array, Py_ssize_t number, bint record, Py_ssize_t count, bint followed=True):
    """Wrap one of `count` results of `node`; with `record`, and if it is floating point, as part of the graph."""
    cdef Value out = wrap(array)
    if not record:
        return out
    cdef bint differentiable = followed and cnp.PyArray_ISFLOAT(out._array)
    if count > 1:
        form = (out._array.shape, out._array.dtype) if differentiable else None
        node._output_forms = (node._output_forms or []) + [form]
    if differentiable:
        out._node, out._output_nr = node, number
        if node.uses_output and number == 0:
            node._saved_output = (out._array, out._version_counter, 0)
    return out


cdef class AccumulateGrad(Operator):
    """The end of the line in `next_functions`: adds what arrives to `variable.grad`."""
    cdef readonly Value variable

    def __init__(self, Value variable not None):
        self.variable = variable

    def name(self):
        return "torch::autograd::AccumulateGrad"


cdef note_view(Value out, Value source, operator, dict params):
    """Tie a view to its base, if `out` does share the memory of `source`."""
    base = out._array.base
    if base is None or (base is not source._array and base is not source._array.base):
        return
    out._version_counter = source._version_counter
    cdef View before = source._view
    cdef View view = View.__new__(View)
    out._view = view
    view.base = source if before is None else before.base
    view.chain = (() if before is None else before.chain) + ((operator, params),)
    view.version = out._version_counter.count
    view.untracked = (not minigrad_grad_mode and source.requires_grad) or (before is not None and before.untracked)


# ---- saved tensors

RELEASED = (
    "Trying to backward through the graph a second time (or directly access saved tensors after they have already been "
    "freed). Saved intermediate values of the graph are freed when you call .backward() or autograd.grad(). Specify "
    "retain_graph=True if you need to backward through the graph a second time or if you need to access saved tensors "
    "after calling backward.")


cdef class Saved:
    """An input of an operator and the version that it had then."""
    cdef object value
    cdef long long version

    cdef unpack(self, Operator owner):
        cdef Value value
        if isinstance(self.value, Value):
            value = self.value
            if value._version_counter.count != self.version:
                raise modified(value._array, value._node, value._output_nr, value._version_counter.count,
                               self.version, owner)
        return self.value


cdef Saved saved(value):
    cdef Saved kept = Saved.__new__(Saved)
    kept.value = value
    if isinstance(value, Value):
        kept.version = (<Value>value)._version_counter.count
    return kept


def saved_tensor(Value value not None):
    """A function that gives `value` back, or PyTorch's error once it was changed in place."""
    cdef Saved kept = saved(value)
    return lambda owner: kept.unpack(owner)


cdef modified(array, Operator maker, output_nr, now, expected, Operator owner):
    kind = {"float32": "Float", "float64": "Double"}.get(array.dtype.name, array.dtype.name)
    made = "" if maker is None else f", which is output {output_nr} of {maker.name()},"
    return RuntimeError(
        "one of the variables needed for gradient computation has been modified by an inplace operation: "
        f"[torch.{kind}Tensor {list(array.shape)}]{made} is at version {now}; expected version {expected} instead. "
        f"{owner.name()} saved it: its gradient needs the value from before the change. Hint: use the operation that "
        "returns a new tensor, or clone() first.")
