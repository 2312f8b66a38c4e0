"""The walk back: gradients from the results to the leaves, along the edges of the tape.

An operator is always newer than the operators that it got its inputs from, so "take the newest
operator that has a gradient waiting" is a topological order: no search, no recursion, and a chain
of a million operators needs no stack. (The usual alternative, a depth-first sort, needs one.)

        waiting       take the newest     its rule        send along its edges
        {Sum: g}   ->     Sum        ->   backward(g)  ->   {Mul: g'}  ->  ...  ->  leaf.grad += g

What is asked of a tensor here: `a + b`, `t.sum_to_size(shape)`, `t.astype(dtype)`, `t.clone()`.
"""
from heapq import heappop, heappush
from operator import attrgetter

import numpy as np

cimport numpy as cnp
from cpython.ref cimport PyObject

from minigrad.engine cimport Edge, Operator, Value, edge_to, restore, silence, wrap

from minigrad.engine import RELEASED, is_grad_enabled, set_grad_mode

cdef extern from *:
    """
    static Py_ssize_t minigrad_refcount(PyObject *o) { return Py_REFCNT(o); }
    """
    Py_ssize_t minigrad_refcount(PyObject *o)


def run_backward(roots, gradients, bint retain_graph, bint create_graph, inputs=None):
    """Carry `gradients`, one for each of the tensors `roots`, back through the graph.

    Without `inputs`, every leaf that is reached adds what arrives to its `.grad`. With them, only
    what leads to them is run, and their gradients are returned in a list (None where no path
    leads to one).
    """
    cdef Walk walk = Walk.__new__(Walk)
    walk.pending, walk.heap, walk.leaves = {}, [], {}
    if inputs is not None:
        walk.aim(roots, inputs)
    before = set_grad_mode(create_graph)
    token = silence()
    try:
        for root, gradient in zip(roots, gradients):
            walk.send(edge_to(root), gradient)
        while walk.heap:
            walk.step(heappop(walk.heap)[1], retain_graph)
        if inputs is None:
            while walk.leaves:
                walk.deliver()
            return None
        return [walk.found(x) for x in inputs]
    finally:
        restore(token)
        set_grad_mode(before)


cdef class Walk:
    """One run through the graph: the gradients that wait, and where they wait."""
    cdef dict pending     # operator -> [gradient of each of its outputs, or None]
    cdef list heap        # (-sequence, operator): the newest first
    cdef dict leaves      # id(leaf) -> (leaf, gradient)
    cdef dict captured    # with `inputs`: (id(operator), output number) -> gradient
    cdef set needed       # with `inputs`: ids of what leads to them, they themselves included

    cdef aim(self, roots, inputs):
        """Find the operators from which a path leads to one of `inputs`."""
        cdef Edge edge
        cdef Operator node
        self.captured, self.needed = {}, set()
        for x in inputs:
            edge = edge_to(x)
            if isinstance(edge.target, Operator):
                self.captured[id(edge.target), edge.output_nr] = None
            else:
                self.needed.add(id(edge.target))
        for node in sorted(reachable(roots), key=attrgetter("sequence")):  # the oldest first
            for edge in node._edges:
                if edge is not None and self.wants(edge):
                    self.needed.add(id(node))
                    break

    cdef bint wants(self, Edge edge):
        return (self.needed is None or id(edge.target) in self.needed
                or (id(edge.target), edge.output_nr) in self.captured)

    cdef send(self, Edge edge, Value gradient, Operator maker=None, Py_ssize_t number=0):
        """Add `gradient` to what waits at the other end of `edge`."""
        if not self.wants(edge):
            return
        if not has_shape(gradient._array, edge.shape):
            gradient = summed(gradient, edge.shape, maker, number)
        if (<cnp.ndarray> gradient._array).descr is not edge.dtype:
            gradient = gradient.astype(edge.dtype)
        if not isinstance(edge.target, Operator):
            key = id(edge.target)
            if key in self.leaves:
                gradient = self.leaves[key][1] + gradient
            self.leaves[key] = (edge.target, gradient)
            return
        cdef list waiting = self.pending.get(edge.target)
        if waiting is None:
            forms = (<Operator>edge.target)._output_forms
            waiting = self.pending[edge.target] = [None] * (1 if forms is None else len(forms))
            heappush(self.heap, (-(<Operator>edge.target).sequence, edge.target))
        there = waiting[edge.output_nr]
        waiting[edge.output_nr] = gradient if there is None else there + gradient

    cdef step(self, Operator node, bint retain_graph):
        """Run the rule of `node` on the gradients of its outputs and send on what it returns."""
        cdef list grads = self.pending.pop(node)
        cdef Edge edge
        node_hooks(node, grads)
        if self.captured is not None:
            for number, gradient in enumerate(grads):
                if (id(node), number) in self.captured:
                    self.captured[id(node), number] = gradient
            if id(node) not in self.needed:
                return
        if node._output_forms is not None and node.materialize:
            grads = [wrap(np.zeros(*form)) if g is None and form is not None else g
                     for g, form in zip(grads, node._output_forms)]
        results = self.rule(node, grads)
        grads = None  # so that a gradient handed straight on can be adopted by its leaf
        if len(results) != len(node._edges):
            raise RuntimeError(f"function {node.name()} returned an incorrect number of gradients "
                               f"(expected {len(node._edges)}, got {len(results)})")
        for number, edge in enumerate(node._edges):
            gradient = results[number]
            if edge is not None and gradient is not None:
                if not isinstance(gradient, Value):
                    raise TypeError(f"function {node.name()} returned a {type(gradient).__name__} as gradient "
                                    f"{number}: expected a Tensor or None")
                self.send(edge, gradient, node, number)
        if not retain_graph:
            node.release()

    cdef tuple rule(self, Operator node, list grads):
        if node._released:
            raise RuntimeError(RELEASED)
        if self.needed is None:
            results = node.backward(*grads)
        else:  # tell the rule which gradients this run can do without
            wanted = node.needs_input_grad
            node.needs_input_grad = tuple([e is not None and self.wants(e) for e in node._edges])
            try:
                results = node.backward(*grads)
            finally:
                node.needs_input_grad = wanted
        return results if type(results) is tuple else (results,)

    cdef deliver(self):
        """Add the next leaf's gradient to its `.grad`."""
        cdef Value leaf, gradient
        leaf, gradient = self.leaves.pop(next(iter(self.leaves)))
        if not leaf._leaf_requires_grad:  # any more
            return
        if leaf._hooks is not None:
            gradient = call_hooks(leaf._hooks, gradient)
        accumulate(leaf, gradient)

    cdef found(self, Value tensor):
        cdef Edge edge = edge_to(tensor)
        if isinstance(edge.target, Operator):
            gradient = self.captured[id(edge.target), edge.output_nr]
        else:
            gradient = self.leaves.get(id(tensor), (None, None))[1]
            if gradient is not None and tensor._hooks is not None:
                gradient = call_hooks(tensor._hooks, gradient)
        if gradient is None or (<Value>gradient)._array.flags.writeable:
            return gradient
        return gradient.clone()  # it was expanded: users may write into what they get


cdef bint has_shape(cnp.ndarray array, tuple shape):
    cdef Py_ssize_t i
    for i in range(array.ndim):
        if array.ndim != len(shape) or array.shape[i] != <Py_ssize_t> shape[i]:
            return False
    return array.ndim == len(shape)


def summed(Value gradient, tuple shape, maker, number):
    """A gradient summed down to the shape of the input that it belongs to, the one of this `number` of `maker`."""
    try:
        return gradient.sum_to_size(shape)
    except RuntimeError:
        raise RuntimeError(f"Function {maker.name()} returned an invalid gradient at index {number} - got "
                           f"{list(gradient._array.shape)} but expected shape compatible with {list(shape)}") from None


cdef set reachable(roots):
    """Every operator behind `roots`."""
    cdef set found = set()
    cdef list waiting = [edge_to(root) for root in roots]
    cdef Edge edge
    while waiting:
        edge = waiting.pop()
        if edge is not None and isinstance(edge.target, Operator) and edge.target not in found:
            found.add(edge.target)
            waiting.extend((<Operator>edge.target)._edges)
    return found


cdef node_hooks(Operator node, list grads):
    """Show the complete gradients of `node`'s outputs to their hooks, then to `retain_grad`."""
    if node._hooks is not None:
        for number, hooks in node._hooks.items():
            if grads[number] is not None:
                grads[number] = call_hooks(hooks, grads[number])
    if node._retained is not None:
        for number, reference in node._retained.items():
            tensor = reference()
            if tensor is not None and grads[number] is not None and tensor.grad_fn is node:
                accumulate(tensor, grads[number])


cpdef Value call_hooks(dict hooks, Value gradient):
    """`gradient`, or what the hooks, each in its turn, put in its place."""
    for hook in list(hooks.values()):
        replaced = hook(gradient)
        if replaced is None:
            continue
        if not isinstance(replaced, Value):
            raise TypeError(f"hook returned a {type(replaced).__name__}: expected a Tensor or None")
        old, new = gradient._array, (<Value>replaced)._array
        for what, before, now in (("size", list(old.shape), list(new.shape)), ("type", old.dtype, new.dtype)):
            if now != before:
                raise RuntimeError(f"hook has changed the {what} of value: {before} to {now}")
        gradient = replaced
    return gradient


cdef accumulate(Value tensor, Value gradient):
    """tensor.grad += gradient, never sharing memory with anything that somebody else holds."""
    cdef Value grad = tensor._grad
    if grad is None:
        if is_ours(gradient):
            tensor._grad = gradient
        else:
            tensor._grad = gradient.clone() if in_order(gradient) or not in_order(tensor) else gradient.contiguous()
    elif is_grad_enabled():
        tensor._grad = grad + gradient
    else:
        np.add(grad._array, gradient._array, out=grad._array)
        grad._version_counter.count += 1


cdef bint in_order(Value tensor):
    return cnp.PyArray_CHKFLAGS(tensor._array, cnp.NPY_ARRAY_C_CONTIGUOUS)


cdef bint is_ours(Value gradient):
    """Whether nobody but the walk holds `gradient` or its memory: then a leaf may adopt it."""
    if minigrad_refcount(<PyObject*>gradient) != 1 or minigrad_refcount(<PyObject*>gradient._array) != 1:
        return False
    cdef cnp.ndarray array = gradient._array, owner = array
    cdef PyObject *base = cnp.PyArray_BASE(array)
    if base is not NULL and minigrad_refcount(base) == 1 and isinstance(<object>base, cnp.ndarray):
        owner = <object>base  # the same numbers in another shape
    return (cnp.PyArray_CHKFLAGS(owner, cnp.NPY_ARRAY_OWNDATA) and cnp.PyArray_CHKFLAGS(array, cnp.NPY_ARRAY_CARRAY)
            and cnp.PyArray_NBYTES(owner) == cnp.PyArray_NBYTES(array))
