"""The tensor: an array with a history. Each method is one line into `ops`."""

import numpy as np

from . import dtypes, printing, random
from .autograd import gradients
from .engine import Value, register_tensor_type, wrap
from .ops import common, create, elementwise, index, matmul, reduce
from .ops import loss as losses
from .ops import shape as shapes
from .ops.inplace import in_place
from .size import Size


class Tensor(Value):
    """A multi-dimensional array that autograd can follow.

    Make one with `tensor(data)`, `zeros`, `rand`, `from_numpy` and their kind. Tensor(2, 3) gives an
    uninitialised float32 tensor of that size, Tensor([1, 2]) a float32 copy of the data, as in PyTorch.
    """

    __array_priority__ = 1000  # so that ndarray * tensor asks the tensor, and keeps its history

    def __new__(cls, *data):
        if data and all(isinstance(n, int) for n in data):
            source = create.empty(*data)
        else:
            source = create.tensor(data[0] if data else [], dtype=dtypes.float32)
        return rebuild(cls, source._array, False)

    # ---- what it is

    @property
    def shape(self):
        return Size(self._array.shape)

    @property
    def ndim(self):
        return self._array.ndim

    @property
    def dtype(self):
        return dtypes.of(self._array)

    @property
    def data(self):
        """The same memory without the history; changes to it are not seen by autograd."""
        return wrap(self._array)

    @data.setter
    def data(self, new):
        common.tensor_argument(new, "new", "data")
        self._array = new._array

    @property
    def T(self):
        return shapes.permute(self, range(self.ndim)[::-1])

    def size(self, dim=None):
        return self.shape if dim is None else self._array.shape[common.normal_dim(dim, self.ndim)]

    def dim(self):
        return self._array.ndim

    def numel(self):
        return self._array.size

    def element_size(self):
        return self._array.itemsize

    def stride(self, dim=None):
        strides = tuple(s // self._array.itemsize for s in self._array.strides)
        return strides if dim is None else strides[common.normal_dim(dim, self.ndim)]

    def is_contiguous(self):
        return self._array.flags.c_contiguous

    def is_floating_point(self):
        return self._array.dtype.kind == "f"

    # ---- autograd

    def requires_grad_(self, requires_grad=True):
        self.requires_grad = requires_grad
        return self

    @property
    def grad(self):
        """The gradient that `backward` left here: None, or a tensor of this shape and dtype."""
        return self._grad

    @grad.setter
    def grad(self, value):
        if value is not None:
            if not isinstance(value, Tensor):
                raise TypeError(f"assigned grad expected to be a Tensor or None but got {type(value).__name__}")
            if value.shape != self.shape:
                raise RuntimeError(f"assigned grad has data of a different size: {list(value.shape)} for a "
                                   f"tensor of shape {list(self.shape)}")
            if value._array.dtype != self._array.dtype:
                raise RuntimeError(f"assigned grad has data of a different type: {value.dtype}, not {self.dtype}")
        self._grad = value

    @grad.deleter
    def grad(self):
        self._grad = None

    def backward(self, gradient=None, retain_graph=None, create_graph=False, inputs=None):
        """Add the derivative of this tensor by each leaf to that leaf's `.grad`.

        gradient: what this tensor's own derivative is (for anything but a single number it must be
        given). retain_graph: keep what the rules need, for a second run (default: create_graph).
        create_graph: record the rules too, for derivatives of derivatives. inputs: only these.
        """
        gradients.backward(self, gradient, retain_graph, create_graph, inputs)

    def detach(self):
        """The same memory without the history. A write to either is seen in the other."""
        out = wrap(self._array)
        out._version_counter = self._version_counter
        return out

    def detach_(self):
        if self._view is not None:
            raise RuntimeError("Can't detach views in-place. Use detach() instead.")
        self._set_history(self.detach())
        return self

    def retain_grad(self):
        """Keep the gradient of this result in its `.grad`, as leaves do."""
        if not self.requires_grad:
            raise RuntimeError("can't retain_grad on Tensor that has requires_grad=False")
        if self.grad_fn is not None:
            self.grad_fn._retain(self)

    def register_hook(self, hook):
        """Call hook(gradient) with this tensor's gradient once it is complete; what it returns, if not
        None, takes its place. Returns a handle with `remove()`."""
        if not self.requires_grad:
            raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
        return Handle(self._output_hooks(), hook)

    # ---- in and out

    def numpy(self, *, force=False):
        """The ndarray that shares this tensor's memory. RuntimeError where that would lose a history."""
        if self.requires_grad and not force:
            raise RuntimeError("Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() "
                               "instead.")
        return self._array

    def __array__(self, dtype=None, copy=None):
        return np.array(self.numpy(), dtype=dtype, copy=copy)

    def item(self):
        """The Python number in a tensor of one element."""
        if self._array.size != 1:
            raise RuntimeError(f"a Tensor with {self._array.size} elements cannot be converted to Scalar "
                               f"(its shape is {list(self.shape)})")
        return self._array.item()

    def tolist(self):
        return self._array.tolist()

    def to(self, *args, dtype=None, device=None, copy=False):
        """This tensor in another dtype: to(dtype) or to(other). Itself if nothing changes."""
        for x in args:
            if isinstance(x, Tensor):
                dtype = x.dtype
            elif isinstance(x, dtypes.dtype):
                dtype = x
            else:
                device = x
        common.check_device(device)
        out = self if dtype is None else common.cast(self, dtypes.to_numpy(dtype))
        return elementwise.clone(self) if copy and out is self else out

    def astype(self, dtype):
        """This tensor in a NumPy dtype: what the engine calls."""
        return common.cast(self, dtype)

    def type_as(self, other):
        return self.to(other.dtype)

    def float(self):
        return self.to(dtypes.float32)

    def double(self):
        return self.to(dtypes.float64)

    def long(self):
        return self.to(dtypes.int64)

    def int(self):
        return self.to(dtypes.int32)

    def bool(self):
        return self.to(dtypes.bool)

    # ---- printing, and Python's protocols

    def __repr__(self):
        return self._text("tensor(")

    def _text(self, prefix):
        made_by = self.grad_fn.name() if self.grad_fn is not None else None
        return printing.format_tensor(self._array, prefix=prefix, grad_fn_name=made_by,
                                      requires_grad=self.requires_grad and made_by is None)

    def __format__(self, spec):
        return format(self.item(), spec) if self.ndim == 0 else object.__format__(self, spec)

    def __len__(self):
        if self.ndim == 0:
            raise TypeError("len() of a 0-d tensor")
        return self._array.shape[0]

    def __iter__(self):
        if self.ndim == 0:
            raise TypeError("iteration over a 0-d tensor")
        return (self[i] for i in range(len(self)))

    def __bool__(self):
        if self._array.size != 1:
            kind = "no values" if self._array.size == 0 else "more than one value"
            raise RuntimeError(f"Boolean value of Tensor with {kind} is ambiguous (its shape is {list(self.shape)})")
        return bool(self._array.item())

    def __float__(self):
        return float(self.item())

    def __int__(self):
        return int(self.item())

    def __index__(self):
        if self._array.dtype.kind == "f" or self._array.size != 1:
            raise TypeError("only integer tensors of a single element can be converted to an index")
        return int(self.item())

    def __contains__(self, x):
        return bool((self == x)._array.any())

    def __deepcopy__(self, memo):
        if not self.is_leaf:
            raise RuntimeError("Only Tensors created explicitly by the user (graph leaves) support the deepcopy "
                               "protocol at the moment: detach() it first")
        out = memo[id(self)] = rebuild(type(self), self._array.copy(), self.requires_grad)
        if self._grad is not None:
            out._grad = rebuild(Tensor, self._grad._array.copy(), False)
        return out

    def __reduce__(self):
        return rebuild, (type(self), self._array, self.requires_grad)

    # ---- operators

    __add__ = __radd__ = elementwise.add
    __sub__ = elementwise.sub
    __mul__ = __rmul__ = elementwise.mul
    __truediv__ = elementwise.div
    __floordiv__ = elementwise.floor_divide
    __mod__ = elementwise.remainder
    __pow__ = elementwise.pow
    __matmul__ = matmul.matmul
    __neg__ = elementwise.neg
    __abs__ = elementwise.abs
    __and__ = __rand__ = elementwise.bitwise_and
    __or__ = __ror__ = elementwise.bitwise_or
    __xor__ = __rxor__ = elementwise.bitwise_xor
    __lt__ = elementwise.lt
    __le__ = elementwise.le
    __gt__ = elementwise.gt
    __ge__ = elementwise.ge
    __hash__ = object.__hash__
    __getitem__ = index.getitem
    __setitem__ = index.setitem

    def __eq__(self, other):
        return elementwise.eq(self, other) if common.is_operand(other) else NotImplemented

    def __ne__(self, other):
        return elementwise.ne(self, other) if common.is_operand(other) else NotImplemented

    def __rsub__(self, other):
        return elementwise.sub(other, self)

    def __rtruediv__(self, other):
        return elementwise.div(other, self)

    def __rfloordiv__(self, other):
        return elementwise.floor_divide(other, self)

    def __rmod__(self, other):
        return elementwise.remainder(other, self)

    def __rpow__(self, other):
        return elementwise.pow(other, self)

    def __rmatmul__(self, other):
        return matmul.matmul(other, self)

    def __invert__(self):
        if self._array.dtype == np.bool_:
            return elementwise.logical_not(self)
        if self._array.dtype.kind == "f":
            raise TypeError("~ (operator.invert) is only implemented on integer and Boolean-type tensors")
        return wrap(np.invert(self._array))

    def where(self, condition, other):
        return elementwise.where(condition, self, other)

    # These take their sizes as several arguments or as one sequence.

    def reshape(self, *shape):
        return shapes.reshape(self, common.size_argument(shape, "reshape"))

    def view(self, *shape):
        if len(shape) == 1 and isinstance(shape[0], dtypes.dtype):
            raise NotImplementedError("view(dtype) is not implemented: to(dtype) converts the numbers")
        return shapes.view(self, common.size_argument(shape, "view"))

    def view_as(self, other):
        return shapes.view(self, other.shape)

    def permute(self, *dims):
        return shapes.permute(self, common.size_argument(dims, "permute"))

    def expand(self, *sizes):
        return shapes.expand(self, common.size_argument(sizes, "expand"))

    def expand_as(self, other):
        return shapes.expand(self, other.shape)

    def broadcast_to(self, *sizes):
        return shapes.expand(self, common.size_argument(sizes, "broadcast_to"))

    def sum_to_size(self, *sizes):
        return shapes.sum_to_size(self, common.size_argument(sizes, "sum_to_size"))

    def flip(self, *dims):
        return shapes.flip(self, common.size_argument(dims, "flip"))

    # ---- in place

    __iadd__ = in_place(elementwise.add, "add_")
    __isub__ = in_place(elementwise.sub, "sub_")
    __imul__ = in_place(elementwise.mul, "mul_")
    __itruediv__ = in_place(elementwise.div, "div_")
    __ipow__ = in_place(elementwise.pow, "pow_")
    __ifloordiv__ = in_place(elementwise.floor_divide, "floor_divide_")
    __imod__ = in_place(elementwise.remainder, "remainder_")

    def fill_(self, value):
        """Every element becomes `value`, a number or a tensor of one."""
        if isinstance(value, Tensor) and value.ndim:
            raise RuntimeError("fill_ only supports 0-dimension value tensor but got tensor with "
                               f"{value.ndim} dimensions.")
        index.setitem(self, ..., value)
        return self

    def zero_(self):
        """Every element becomes 0."""
        index.setitem(self, ..., 0)
        return self

    def copy_(self, src):
        """The elements of `src`, broadcast and cast; its gradient goes to `src`."""
        common.tensor_argument(src, "src", "copy_")
        index.setitem(self, ..., src)
        return self

    def normal_(self, mean=0, std=1, *, generator=None):
        """Random numbers with this mean and standard deviation. RuntimeError for a negative std."""
        if std < 0:
            raise RuntimeError(f"normal expects std >= 0.0, but found std {std}")
        return self._draw("normal", generator, mean, std)

    def uniform_(self, from_=0, to=1, *, generator=None):
        """Random numbers from [from_, to). RuntimeError if from_ > to."""
        if from_ > to:
            raise RuntimeError(f"uniform_ expects to return a [from, to) range, but found from={from_} > to={to}")
        return self._draw("uniform", generator, from_, to)

    def _draw(self, kind, generator, a, b):
        if self._array.dtype.kind != "f":
            raise NotImplementedError(f"\"{kind}_\" not implemented for '{self.dtype.text}'")
        source = generator or random.default_generator
        index.setitem(self, ..., wrap(getattr(source, kind)(self._array.shape, self._array.dtype, a, b)))
        return self


class Handle:
    """What `register_hook` and its kind return: `remove()` takes the hook away again."""

    def __init__(self, hooks, hook):
        self.hooks, self.key = hooks, object()
        hooks[self.key] = hook

    def remove(self):
        self.hooks.pop(self.key, None)


def rebuild(cls, array, requires_grad):
    """A tensor of class `cls` around `array`: how copies and pickles are made."""
    out = Value.__new__(cls)
    out._array = array
    out.requires_grad = requires_grad
    return out


register_tensor_type(Tensor)

# ---- functions that are methods too: each is explained where it stands

METHODS = {
    elementwise: """abs add bitwise_and bitwise_or bitwise_xor clamp clone cos div eq exp floor_divide ge gt isnan
        le log logical_and logical_not logical_or lt maximum minimum mul ne neg pow relu remainder sigmoid sign sin
        sqrt square sub tanh""",
    index: "",
    losses: "log_softmax softmax",
    matmul: "matmul",
    reduce: "amax amin argmax argmin max mean min prod std sum var",
    shapes: "contiguous flatten squeeze t transpose unsqueeze",
}
ALIASES = {"clip": "clamp", "divide": "div", "true_divide": "div", "mm": "matmul", "multiply": "mul",
           "negative": "neg", "subtract": "sub"}
IN_PLACE = """abs add clamp cos div exp floor_divide log mul neg pow relu remainder sigmoid sin sqrt sub tanh"""

for module, names in METHODS.items():
    for name in names.split():
        setattr(Tensor, name, getattr(module, name))
for name, same in ALIASES.items():
    setattr(Tensor, name, getattr(Tensor, same))
for name in IN_PLACE.split():
    setattr(Tensor, f"{name}_", in_place(getattr(Tensor, name), f"{name}_"))
