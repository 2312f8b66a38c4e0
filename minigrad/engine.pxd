"""The types of the tape, for the two files that share them: engine.pyx and walk.pyx."""


cdef class Version:
    """Counts the in-place writes to one memory; a tensor shares it with its views."""
    cdef public long long count


cdef class View:
    """How a view came from its base: the operators, with their parameters, in order."""
    cdef readonly Value base
    cdef readonly tuple chain      # ((operator class, parameters), ...)
    cdef public long long version  # the base's version when the view's history was written down
    cdef readonly bint untracked   # made under no_grad


cdef class Value:
    cdef public object _array
    cdef public object _grad
    cdef public bint _leaf_requires_grad
    cdef Operator _node            # what made it; ask node() for the operator of today
    cdef public Py_ssize_t _output_nr
    cdef public Version _version_counter
    cdef public View _view
    cdef public dict _hooks        # of a leaf; those of a result live with its operator
    cdef readonly bint retains_grad
    cdef object __weakref__

    cdef Operator node(self)


cdef class Edge:
    """Where the gradient of one input goes, and the form that it must have there."""
    cdef readonly object target    # an Operator, or a leaf Value
    cdef readonly Py_ssize_t output_nr
    cdef readonly tuple shape
    cdef readonly object dtype


cdef class Operator:
    cdef readonly long long sequence  # the time of its making
    cdef public tuple needs_input_grad
    cdef readonly list _edges      # one for each input; None where no gradient is wanted
    cdef list _saved               # one for each input; None where it was not kept
    cdef bint _kept                # whether there is one that a gradient needs
    cdef tuple _saved_output       # (array, version counter, version)
    cdef readonly bint _released
    cdef readonly list _output_forms  # of an operator with several outputs: [(shape, dtype) or None]
    cdef readonly dict _hooks      # output number -> {key: hook}
    cdef readonly dict _retained   # output number -> weakref to the tensor that keeps its gradient


cpdef Value wrap(array)
cdef Edge edge_to(Value value)
cdef silence()
cdef restore(token)
