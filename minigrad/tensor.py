"""The tensor: an array with a history. Each method is one line into `ops`."""

import copy as copying
import functools

import numpy as np

from . import devices, dtypes, printing
from .autograd import gradients, steps
from .engine import Value, is_grad_enabled, register_tensor_type, replay, wrap
from .ops import arrange, common, compare, create, elementwise, fill, index, matmul, reduce, sort, unary
from .ops import loss as losses
from .ops import shape as shapes
from .ops.inplace import in_place
from .size import Size


class Tensor(Value):
    """A multi-dimensional array that autograd can follow.

    Make one with `tensor(data)`, `zeros`, `rand`, `from_numpy` and their kind. Tensor(2, 3) and Tensor(x.shape) give
    an uninitialised float32 tensor of that size, Tensor([1, 2]) a float32 copy of the data, Tensor(x) a view of x, as
    in PyTorch. TypeError for what is no size and no data.

        >>> import minigrad
        >>> x = minigrad.arange(3.0, requires_grad=True)
        >>> (x * x).sum().backward()
        >>> x.grad
        tensor([0., 2., 4.])
    """

    __array_priority__ = 1000  # so that ndarray * tensor asks the tensor, and keeps its history
    device, is_cuda = devices.CPU, False

    def __new__(cls, *data):
        if len(data) != 1 or isinstance(data[0], Size) or not hasattr(data[0], "__len__"):
            made = create.empty(*data or (0,))
        elif isinstance(data[0], Value):
            return data[0][...]
        else:
            made = create.tensor(data[0], dtype=dtypes.float32)
        return rebuild(cls, made._array, False)

    # ---- what it is

    shape = property(lambda self: tuple.__new__(Size, self._array.shape))  # it needs no check
    ndim = property(lambda self: self._array.ndim)
    dtype = property(lambda self: dtypes.of(self._array))
    T = property(lambda self: shapes.reverse(self))

    @property
    def data(self):
        """The same memory without the history; changes to it are not seen by autograd."""
        return wrap(self._array)

    @data.setter
    def data(self, new):
        common.tensor_argument(new, "new", "data")
        if self.requires_grad and not new.is_floating_point():
            raise RuntimeError("data set to a tensor that requires gradients must be floating point, "
                               f"but it is {new.dtype}")
        self._array = new._array

    def size(self, dim=None):
        return self.shape if dim is None else self._array.shape[common.normal_dim(dim, self.ndim)]

    def dim(self):
        return self._array.ndim

    def numel(self):
        return self._array.size

    def element_size(self):
        return self._array.itemsize

    def data_ptr(self):
        return self._array.ctypes.data

    def stride(self, dim=None):
        strides = tuple(s // self._array.itemsize for s in self._array.strides)
        return strides if dim is None else strides[common.normal_dim(dim, self.ndim)]

    def is_contiguous(self):
        return self._array.flags.c_contiguous

    def is_floating_point(self):
        return self._array.dtype.kind == "f"

    # ---- autograd

    def requires_grad_(self, requires_grad=True):
        """Follow this leaf from now on, or no longer. TypeError for anything but True and False, RuntimeError for
        integers, and for results that are followed already."""
        if not isinstance(requires_grad, bool):
            raise TypeError(f"requires_grad_(): 'requires_grad' must be bool, not {type(requires_grad).__name__}")
        self.requires_grad = requires_grad
        return self

    @property
    def grad(self):
        """The gradient that `backward` left here: None, or a tensor of this shape and dtype."""
        return self._grad

    @grad.setter
    def grad(self, value):
        if value is not None:
            common.tensor_argument(value, "value", "grad")
            given, own = (value.shape, value.dtype), (self.shape, self.dtype)
            if given != own:
                raise RuntimeError(f"assigned grad has data of a different size or type: {given}, not {own}")
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

    def backward_steps(self, gradient=None, retain_graph=False, names=None):
        """`backward` one operator at a time, for reading along: yields a `Step` for each (autograd/steps.py)."""
        return steps.backward_steps(self, gradient, retain_graph, names)

    def detach(self):
        """The same memory without the history. A write to either is seen in the other."""
        out = wrap(self._array)
        out._version_counter = self._version_counter
        return out

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
        if self.requires_grad and is_grad_enabled() and not force:
            raise RuntimeError("Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.")
        return self._array

    def __array__(self, dtype=None, copy=None):
        return np.array(self.numpy(), dtype=dtype, copy=copy)

    def __array_wrap__(self, array, context=None, return_scalar=False):
        return create.from_numpy(np.asarray(array))  # so that np.exp(tensor) is a tensor

    def __dlpack__(self, **options):
        """A capsule around this tensor's memory, for other libraries' `from_dlpack`: Python's array API."""
        if self.requires_grad:
            raise BufferError("Can't export tensors that require gradient, use tensor.detach()")
        return self._array.__dlpack__(**options)

    def __dlpack_device__(self):
        return self._array.__dlpack_device__()

    def item(self):
        """The Python number in a tensor of one element."""
        if self._array.size != 1:
            raise RuntimeError(f"a Tensor with {self.numel()} elements cannot be converted to Scalar: {self.shape}")
        return self._array.item()

    def tolist(self):
        return self._array.tolist()

    def to(self, *args, dtype=None, device=None, non_blocking=False, copy=False):
        """This tensor in another dtype: to(dtype), to(device, dtype) or to(other), the device being the CPU.

        Itself if nothing changes, unless `copy`. RuntimeError for any other device.
        """
        for x in (*args, device):
            if isinstance(x, (Tensor, dtypes.dtype, type)):
                dtype = getattr(x, "dtype", x)
            elif not isinstance(x, bool):
                common.check_device(x)
        copy = copy or [x for x in args if isinstance(x, bool)][1:] == [True]  # the first one is non_blocking
        out = self if dtype is None else common.cast(self, dtypes.to_numpy(dtype))
        return elementwise.clone(self) if copy and out is self else out

    def cpu(self):
        return self

    def cuda(self, device=None, non_blocking=False):
        """RuntimeError: minigrad runs on the CPU."""
        common.check_device("cuda")

    def type(self, dtype=None, non_blocking=False):
        """This tensor in another dtype; without one, the name of its type: 'torch.FloatTensor'."""
        return f"torch.{self.dtype.text}Tensor" if dtype is None else self.to(dtype=dtype)

    astype = common.cast  # to a NumPy dtype: what the engine calls

    def type_as(self, other):
        return self.to(other.dtype)

    # ---- printing, and Python's protocols

    def __repr__(self):
        made_by = self.grad_fn.name() if self.grad_fn is not None else None
        return printing.format_tensor(self._array, grad_fn_name=made_by, requires_grad=self.requires_grad)

    def __format__(self, spec):
        return format(self.item(), spec) if self.ndim == 0 else object.__format__(self, spec)

    def __len__(self):
        if self.ndim == 0:
            raise TypeError("len() of a 0-d tensor, or iteration over a 0-d tensor")
        return self._array.shape[0]

    def __iter__(self):
        return (self[i] for i in range(len(self)))

    def __reversed__(self):
        return arrange.flip(self, (0,)) if self.ndim else self

    def __bool__(self):
        if self._array.size != 1:
            kind = "no values" if self._array.size == 0 else "more than one value"
            raise RuntimeError(f"Boolean value of Tensor with {kind} is ambiguous (its shape is {list(self.shape)})")
        return bool(self._array.item())

    def __float__(self):
        return float(self._array.item())  # a ValueError of NumPy for more than one number, as in PyTorch

    def __int__(self):
        return int(self._array.item())

    def __index__(self):
        if self._array.dtype.kind == "f" or self._array.size != 1:
            raise TypeError("only integer tensors of a single element can be converted to an index")
        return int(self.item())

    def __contains__(self, x):
        if not common.is_operand(x):
            raise RuntimeError(f"Tensor.__contains__ only supports Tensor or scalar, but you passed in a {type(x)}.")
        return bool(compare.eq(self, x)._array.any())

    def __deepcopy__(self, memo):
        if not self.is_leaf:
            raise RuntimeError("Only Tensors created explicitly by the user (graph leaves) support the deepcopy "
                               "protocol at the moment: detach() it first")
        view = self._view
        if view is not None and type(self) is Tensor and not view.base.requires_grad:
            array = replay(view.chain, copying.deepcopy(view.base, memo))._array  # they share memory in the copy too
        else:
            array = self._array.copy("K")
        out = memo[id(self)] = rebuild(type(self), array, self.requires_grad)
        out._grad = copying.deepcopy(self._grad, memo)
        out.__dict__.update(copying.deepcopy(self.__dict__, memo))
        return out

    def __reduce__(self):
        return rebuild, (type(self), self._array, self.requires_grad), self.__dict__ or None

    def __setstate__(self, state):
        self.__dict__.update(state)

    # ---- operators

    __getitem__ = index.getitem
    __setitem__ = index.setitem

    def __matmul__(self, other):
        return matmul.matmul(self, common.operand(other))

    def __rmatmul__(self, other):
        return matmul.matmul(common.operand(other), self)

    def __pos__(self):
        if self._array.dtype == np.bool_:
            raise RuntimeError("The `+` operator, on a bool tensor is not supported.")
        return self

    def __invert__(self):
        if self._array.dtype.kind == "f":
            raise TypeError("~ (operator.invert) is only implemented on integer and Boolean-type tensors")
        return compare.bitwise_not(self)

    def where(self, condition, other):
        return elementwise.where(condition, self, other)

    def split(self, split_size, dim=0):
        return shapes.split(self, split_size, dim)

    def view_as(self, other):
        return shapes.view(self, other.shape)

    def expand_as(self, other):
        return shapes.expand(self, other.shape)


class Handle:
    """What `register_hook` and its kind return: `remove()`, or the end of a `with`, takes the hook away again."""

    def __init__(self, hooks, hook):
        self.hooks, self.key = hooks, object()
        hooks[self.key] = hook

    def remove(self):
        self.hooks.pop(self.key, None)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.remove()


def rebuild(cls, array, requires_grad):
    """A tensor of class `cls` around `array`: how copies and pickles are made."""
    out = Value.__new__(cls)
    out._array = array
    out.requires_grad = requires_grad
    return out


def is_tensor(obj):
    """Whether `obj` is a Tensor.

        >>> import minigrad
        >>> minigrad.is_tensor(minigrad.ones(2)), minigrad.is_tensor([1, 1])
        (True, False)
    """
    return isinstance(obj, Tensor)


def numel(input):
    """The number of elements of `input`.

        >>> import minigrad
        >>> minigrad.numel(minigrad.ones(2, 3))
        6
    """
    return common.tensor_argument(input, "input", "numel").numel()


register_tensor_type(Tensor)

# ---- functions that are methods too: each is explained where it stands

METHODS = {
    arrange: "flip repeat roll tril triu",
    compare: """allclose bitwise_and bitwise_not bitwise_or bitwise_xor eq equal ge gt isclose isfinite isinf isnan le
        logical_and logical_not logical_or logical_xor lt ne""",
    elementwise: """add clamp clamp_max clamp_min clone div floor_divide masked_fill maximum minimum mul pow
        remainder square sub""",
    fill: "copy_ fill_ normal_ random_ uniform_ zero_",
    index: "diag gather nonzero scatter",
    losses: "log_softmax softmax",
    matmul: "bmm dot matmul mm mv outer",
    reduce: "all amax amin any count_nonzero cumsum logsumexp mean norm prod std sum var",
    sort: "argmax argmin argsort max min sort topk",
    unary: """abs ceil cos erf exp exp2 expm1 floor log log10 log1p log2 neg reciprocal relu round rsqrt sigmoid sign
        sin sqrt tan tanh trunc""",
    shapes: """broadcast_to chunk contiguous expand flatten permute ravel reshape squeeze sum_to_size t transpose
        unflatten unsqueeze view""",
}
ALIASES = {"clip": "clamp", "divide": "div", "multiply": "mul", "nelement": "numel", "subtract": "sub"}
IN_PLACE = """abs add ceil clamp clamp_max clamp_min cos div exp expm1 floor floor_divide log log10 log1p log2
    masked_fill mul neg pow reciprocal relu remainder round rsqrt scatter sigmoid sign sin sqrt sub tan tanh trunc"""

# For each of these Python has three: __add__, __radd__ (y + x, where y is no tensor) and __iadd__ (x += y).
PYTHON = {"add": "add", "and": "bitwise_and", "mul": "mul", "or": "bitwise_or", "xor": "bitwise_xor",
          "floordiv": "floor_divide", "mod": "remainder", "pow": "pow", "sub": "sub", "truediv": "div"}
COMMUTES = {"add", "and", "mul", "or", "xor"}
# The sizes of these come one by one, or in a sequence: x.view(2, 3), x.view((2, 3)), x.view(size=(2, 3)).
SIZED = "broadcast_to expand flip permute repeat reshape sum_to_size view"


def sized(function):
    def method(self, *sizes, **named):
        return function(self, sizes, **named) if sizes else function(self, **named)

    method.__doc__ = function.__doc__
    return method


def reflected(function, commutes):
    def method(self, other):
        if not common.is_operand(other):
            return NotImplemented
        return function(self, other) if commutes else function(other, self)

    return method


for module, names in METHODS.items():
    for name in names.split():
        setattr(Tensor, name, getattr(module, name))
for name, same in ALIASES.items():
    setattr(Tensor, name, getattr(Tensor, same))
for name in IN_PLACE.split():
    setattr(Tensor, f"{name}_", in_place(getattr(Tensor, name), f"{name}_"))
for name in "abs ge gt le lt neg".split():
    setattr(Tensor, f"__{name}__", getattr(Tensor, name))
for name in ("eq", "ne"):
    setattr(Tensor, f"__{name}__", reflected(getattr(Tensor, name), True))
for name, same in PYTHON.items():
    function = getattr(Tensor, same)
    setattr(Tensor, f"__{name}__", function)
    setattr(Tensor, f"__r{name}__", reflected(function, name in COMMUTES))
    setattr(Tensor, f"__i{name}__", in_place(function, f"{same}_"))
for name in SIZED.split():
    setattr(Tensor, name, sized(getattr(Tensor, name)))
for name in "float double long int bool".split():
    setattr(Tensor, name, functools.partialmethod(Tensor.to, getattr(dtypes, name)))
