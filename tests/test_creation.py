"""Tensors from data, constants, ranges and random numbers; memory shared with NumPy; Size."""

import array
import copy
import inspect
import pickle
import types
from decimal import Decimal

import numpy as np
import pytest
import torch
from helpers import assert_same, check_error, outputs_of

import minigrad
from minigrad.ops import create

NAN, INF = float("nan"), float("inf")
DTYPES = ("float32", "float64", "int64", "int32", "uint8", "bool")

# What a function of the library makes; compared in values, shape, dtype and requires_grad.
MADE = {
    "tensor": [
        lambda m: m.tensor(1),
        lambda m: m.tensor(1.5),
        lambda m: m.tensor(True),
        lambda m: m.tensor([]),
        lambda m: m.tensor([[], []]),
        lambda m: m.tensor([[1, 2], [3, 4]]),
        lambda m: m.tensor(((1.0, 2.0), [3, 4])),
        lambda m: m.tensor([True, 2]),
        lambda m: m.tensor([True, 2.5]),
        lambda m: m.tensor([[True, False], [1, 0]]),
        lambda m: m.tensor([NAN, INF, -INF, -0.0, 1e300]),
        lambda m: m.tensor(range(3)),
        lambda m: m.tensor([range(2), (2, 3)]),
        lambda m: m.tensor([2**40 + 1, -(2**63), 2**63 - 1]),
        lambda m: m.tensor(2**70, dtype=m.float32),
        lambda m: m.tensor([1, 0, 2.5], dtype=m.bool),
        lambda m: m.tensor([1.5, -2.5], dtype=m.int32),
        lambda m: m.tensor([-1, 255], dtype=m.uint8),
        lambda m: m.tensor([1, 2], dtype=float),
        lambda m: m.tensor([1, 2], dtype=bool),
        lambda m: m.tensor([1.0], requires_grad=True),
        lambda m: m.tensor([1.0], device="cpu"),
        lambda m: m.tensor(np.float64(1.5)),
        lambda m: m.tensor(np.int32(1)),
        lambda m: m.tensor(np.bool_(True)),
        lambda m: m.tensor([np.float64(1.5), 2]),
        lambda m: m.tensor([1.5, np.float64(2)]),
        lambda m: m.tensor([np.int64(1), 2.5]),
        lambda m: m.tensor([np.int32(1)]),
        lambda m: m.tensor([np.array([1.0, 2.0]), np.array([3.0, 4.0])]),
        lambda m: m.tensor(np.arange(6.0).reshape(2, 3).T),
        lambda m: m.tensor(np.ones(5)[::2]),
        lambda m: m.tensor(np.zeros((0, 2))),
        lambda m: m.tensor(np.array([1, 2], np.int16), dtype=m.float32),
        lambda m: m.tensor(np.array([300, -1]), dtype=m.uint8),
        lambda m: m.tensor([m.tensor(1.0), m.tensor(2.0)]),
        lambda m: m.tensor([m.tensor(1), 2.5]),
        lambda m: m.tensor([m.tensor([1.0])]),
        lambda m: m.tensor([[m.tensor(1.0, dtype=m.float64)], [2]]),
        lambda m: m.tensor(m.tensor([1, 2])),
        lambda m: m.Tensor(2, 0),
        lambda m: m.Tensor([1, 2]),
        lambda m: m.Tensor(),
    ],
    "zeros": [
        lambda m: m.zeros(2, 3),
        lambda m: m.zeros((2, 3)),
        lambda m: m.zeros([2]),
        lambda m: m.zeros(()),
        lambda m: m.zeros(2, 0, 3),
        lambda m: m.zeros(np.int64(3)),
        lambda m: m.zeros(m.tensor(3)),
        lambda m: m.zeros(m.Size([2, 1])),
        lambda m: m.zeros(2, dtype=m.bool),
        lambda m: m.zeros(2, dtype=int),
        lambda m: m.zeros(2, requires_grad=True),
        lambda m: m.zeros(size=(2, 0), device="cpu"),
    ],
    "ones": [
        lambda m: m.ones(2, 3),
        lambda m: m.ones((), dtype=m.uint8),
    ],
    "empty": [lambda m: m.empty(2, 0), lambda m: m.empty((0,), dtype=m.int32)],
    "full": [
        lambda m: m.full((2,), 1),
        lambda m: m.full((2, 1), 1.5),
        lambda m: m.full([2], True),
        lambda m: m.full((), 2.5, dtype=m.int64),
        lambda m: m.full((2,), -1, dtype=m.uint8),
        lambda m: m.full((2,), NAN),
        lambda m: m.full((2,), m.tensor(3)),
        lambda m: m.full((2,), np.float64(2)),
        lambda m: m.full((2,), 2, dtype=m.bool),
        lambda m: m.full(size=(2,), fill_value=3.0),
    ],
    "arange": [
        lambda m: m.arange(5),
        lambda m: m.arange(5.0),
        lambda m: m.arange(1, 5, 2),
        lambda m: m.arange(5, 0, -2),
        lambda m: m.arange(0, 1, 0.1),
        lambda m: m.arange(1, 2, 0.3),
        lambda m: m.arange(0),
        lambda m: m.arange(1, 1),
        lambda m: m.arange(end=3),
        lambda m: m.arange(start=1, end=4),
        lambda m: m.arange(True),
        lambda m: m.arange(m.tensor(3)),
        lambda m: m.arange(2.5, dtype=m.int64),
        lambda m: m.arange(0.5, 3, dtype=m.int32),
        lambda m: m.arange(0, 300, dtype=m.uint8),
        lambda m: m.arange(2.5, -4, -1, dtype=m.int32),
        lambda m: m.arange(2.5, -4, -1.5, dtype=m.int64),
        lambda m: m.arange(3, dtype=m.float64),
        lambda m: m.arange(1e15, 1e15 + 4, dtype=m.float64),
        lambda m: m.arange(3.0, requires_grad=True),
    ],
    "linspace": [
        lambda m: m.linspace(0, 1, 5),
        lambda m: m.linspace(1, -2.5, 4, dtype=m.float64),
        lambda m: m.linspace(0, 1, 1),
        lambda m: m.linspace(0, 1, steps=0),
        lambda m: m.linspace(0, 5, 7, dtype=m.int64),
        lambda m: m.linspace(-3, 3, 4, dtype=m.int32),
        lambda m: m.linspace(m.tensor(0), m.tensor(1.0), 3),
        *[lambda m, n=n: m.linspace(-7, 12, n, dtype=m.int64) for n in range(1, 9)],
        *[lambda m, n=n: m.linspace(0.3, -1.7, n) for n in (2, 7, 30)],
        lambda m: m.linspace(2.7, 9.9, 4, dtype=m.int32),
    ],
    "eye": [
        lambda m: m.eye(2),
        lambda m: m.eye(2, 3),
        lambda m: m.eye(3, 2, dtype=m.int64),
        lambda m: m.eye(0),
    ],
    "zeros_like": [
        lambda m: m.zeros_like(m.ones(2, dtype=m.float64)),
        lambda m: m.zeros_like(m.ones(2, 3).t(), requires_grad=True),
    ],
    "ones_like": [lambda m: m.ones_like(m.zeros(2, 0), dtype=m.int32)],
    "empty_like": [lambda m: m.empty_like(m.zeros(2, 0, dtype=m.bool))],
    "full_like": [
        lambda m: m.full_like(m.ones(2, dtype=m.int64), 2.7),
        lambda m: m.full_like(m.ones(2), True),
        lambda m: m.full_like(input=m.ones(2, 1), fill_value=1.5, dtype=m.float64, requires_grad=True),
    ],
    "rand": [
        lambda m: m.rand(2, 3),
        lambda m: m.rand((2, 3), dtype=m.float64),
        lambda m: m.rand(2, generator=m.Generator().manual_seed(5)),
        lambda m: m.rand(size=(2,), generator=m.Generator(device="cpu")),
        lambda m: m.rand(size=(2, 3)),
    ],
    "randn": [lambda m: m.randn(4, 5), lambda m: m.randn((), requires_grad=True)],
    "rand_like": [lambda m: m.rand_like(m.ones(2, dtype=m.int64), dtype=m.float32)],
    "randn_like": [lambda m: m.randn_like(m.ones(3, dtype=m.float64))],
    "randint": [
        lambda m: m.randint(10, (2, 3)),
        lambda m: m.randint(-5, 5, (4,), dtype=m.int32),
        lambda m: m.randint(low=0, high=2, size=(3,), dtype=m.float32),
        lambda m: m.randint(7, size=(3,)),
        lambda m: m.randint(high=7, size=[2, 2]),
    ],
    "normal": [
        lambda m: m.normal(0, 1, (2, 3)),
        lambda m: m.normal(mean=1.5, std=0.1, size=(4, 5), dtype=m.float64, requires_grad=True),
        lambda m: m.normal(-2, 3.0, [20], generator=m.Generator().manual_seed(5)),
        lambda m: m.normal(mean=m.arange(1.0, 20.0), std=m.arange(19, 0, -1.0)),
        lambda m: m.normal(m.ones(3, dtype=m.float64), m.tensor([[1.0], [2.0]])),
        lambda m: m.normal(0.5, m.ones(2, 0)),
        lambda m: m.normal(m.zeros(4), generator=m.Generator().manual_seed(5)),
    ],
    "randperm": [lambda m: m.randperm(9), lambda m: m.randperm(0), lambda m: m.randperm(3, dtype=m.int32)],
    "as_tensor": [
        lambda m: m.as_tensor([1, 2.5]),
        lambda m: m.as_tensor(np.arange(3.0), dtype=m.float32, device="cpu"),
        lambda m: m.as_tensor(np.arange(3, dtype=np.int16), dtype=m.int64),
        lambda m: m.as_tensor(m.arange(2), dtype=m.float64),
        lambda m: m.as_tensor(np.float64(2)),
    ],
    "from_dlpack": [
        lambda m: m.from_dlpack(np.array(1.5)),
        lambda m: m.from_dlpack(torch.arange(6.0).reshape(2, 3).t(), device="cpu"),
        lambda m: m.from_dlpack(np.array([[True], [False]]), copy=True),
    ],
    "from_numpy": [
        lambda m: m.from_numpy(np.arange(3)),
        lambda m: m.from_numpy(np.array(1.5)),
        lambda m: m.from_numpy(np.zeros((0, 3), np.float32)),
        lambda m: m.from_numpy(np.asfortranarray(np.arange(6.0).reshape(2, 3))),
        lambda m: m.from_numpy(np.arange(8)[1::3]),
        lambda m: m.from_numpy(np.broadcast_to(np.float32(1), (2, 3))),
    ],
}
# In place, on a tensor that is there.
DRAWS = [
    lambda m: m.empty(5, dtype=m.int64).random_(7),
    lambda m: m.empty(2, 3).random_(-3, 4, generator=m.Generator().manual_seed(5)),
    lambda m: m.empty(4, 2, dtype=m.uint8).random_(2, to=200),
    lambda m: m.empty(3, dtype=m.int64).random_(2**40),
    lambda m: m.empty(3).random_(to=5),
]
CASES = [pytest.param(make, id=f"{name}-{i}") for name, makers in MADE.items() for i, make in enumerate(makers)]
CASES += [pytest.param(make, id=f"random_-{i}") for i, make in enumerate(DRAWS)]


@pytest.mark.parametrize("make", CASES)
def test_creation(make):
    minigrad.manual_seed(3)
    torch.manual_seed(3)
    (mine,), (theirs,) = (outputs_of(make, lib, []) for lib in (minigrad, torch))
    assert_same(mine, theirs)
    assert mine.requires_grad == theirs.requires_grad
    assert mine.is_leaf


def test_every_function_that_creates_has_an_entry():
    public = {
        name
        for name, function in vars(create).items()
        if isinstance(function, types.FunctionType)
        and function.__module__ == create.__name__
        and name in vars(minigrad)
    }
    assert public == MADE.keys()


@pytest.mark.parametrize("name", DTYPES)
def test_every_dtype_goes_everywhere(name):
    for lib in (minigrad, torch):
        x = lib.tensor([[0, 1], [2, 3]], dtype=getattr(lib, name))
        assert str(x.dtype) == f"torch.{name}" and x.numpy().dtype == name
        assert lib.from_numpy(x.numpy()).dtype is x.dtype
        assert x.element_size() == x.numpy().itemsize
        assert pickle.loads(pickle.dumps(x.dtype)) == x.dtype
        assert x.dtype.is_floating_point == name.startswith("float")


ERRORS = {
    "ragged": (lambda m: m.tensor([[1, 2], [3]]), ValueError, ["equal lengths", "[[1, 2], [3]]"]),
    "deeper than before": (lambda m: m.tensor([[1], []]), ValueError, ["equal lengths"]),
    "text": (lambda m: m.tensor("a"), TypeError, ["str"]),
    "None": (lambda m: m.tensor([1, None]), RuntimeError, ["NoneType", "data"]),
    "dict": (lambda m: m.tensor({}), RuntimeError, ["dict"]),
    "iterator": (lambda m: m.tensor(i for i in range(2)), RuntimeError, ["generator"]),
    "Decimal": (lambda m: m.tensor(Decimal(1)), RuntimeError, ["Decimal"]),
    "too large": (lambda m: m.tensor([1, 2**63]), ValueError, ["int64", "9223372036854775808"]),
    "far too large": (lambda m: m.tensor(2**70), ValueError, ["int64"]),
    "300 as uint8": (lambda m: m.tensor([300], dtype=m.uint8), RuntimeError, ["uint8", "300"]),
    "NaN as int64": (lambda m: m.tensor(NAN, dtype=m.int64), RuntimeError, ["int64", "nan"]),
    "inf as int32": (lambda m: m.tensor([INF], dtype=m.int32), RuntimeError, ["int32", "inf"]),
    "2**40 as int32": (lambda m: m.tensor([2**40], dtype=m.int32), RuntimeError, ["int32"]),
    "tensors of two": (lambda m: m.tensor([m.ones(2)]), ValueError, ["one element", "[2]"]),
    "strings in an array": (lambda m: m.tensor(np.array(["a"])), TypeError, ["U1"]),
    "dtype text": (lambda m: m.tensor([1], dtype="float32"), TypeError, ["dtype", "str"]),
    "dtype of NumPy": (lambda m: m.zeros(1, dtype=np.float32), TypeError, ["dtype"]),
    "integer with gradient": (lambda m: m.tensor([1], requires_grad=True), RuntimeError, ["float"]),
    "gradient by a number": (lambda m: m.tensor([1.0], requires_grad=1), TypeError, ["requires_grad", "bool", "int"]),
    "zeros with gradient by a number": (lambda m: m.zeros(2, requires_grad=1), TypeError, ["requires_grad", "int"]),
    "device": (lambda m: m.tensor(1, device="mars"), RuntimeError, ["mars", "CPU"]),
    "device of zeros": (lambda m: m.zeros(1, device="mars"), RuntimeError, ["mars"]),

    "no size": (lambda m: m.zeros(), TypeError, ["zeros", "size"]),
    "negative size": (lambda m: m.zeros(2, -1), RuntimeError, ["-1", "[2, -1]"]),
    "float size": (lambda m: m.ones(2.0), TypeError, ["ones", "size", "float"]),
    "text size": (lambda m: m.empty("2"), TypeError, ["empty", "size", "str"]),
    "two sizes": (lambda m: m.zeros(2, size=(2,)), TypeError, ["zeros", "size"]),
    "int as size": (lambda m: m.zeros(size=2), TypeError, ["zeros", "size", "int"]),
    "None size": (lambda m: m.rand(None), TypeError, ["rand", "size", "NoneType"]),
    "bool size": (lambda m: m.zeros(True), TypeError, ["size", "bool"]),
    "huge size": (lambda m: m.zeros(2**62, 4), RuntimeError, ["overflow", "4611686018427387904"]),
    "huge bytes": (lambda m: m.empty(2**61), RuntimeError, ["overflow"]),
    "huge eye": (lambda m: m.eye(2**40), RuntimeError, ["eye", "overflow"]),
    "more than the memory": (lambda m: m.ones(2**43, 4), RuntimeError, ["140737488355328 bytes", "4]"]),
    "range of more than the memory": (lambda m: m.arange(2**45), RuntimeError, ["arange", "memory"]),
    "huge linspace": (lambda m: m.linspace(0, 1, 2**62), RuntimeError, ["linspace", "overflow"]),
    "full of an int size": (lambda m: m.full(2, 1), TypeError, ["full", "size", "int"]),
    "full of text": (lambda m: m.full((2,), "a"), TypeError, ["str"]),
    "full of None": (lambda m: m.full((2,), None), TypeError, ["NoneType"]),
    "full of 300": (lambda m: m.full((2,), 300, dtype=m.uint8), RuntimeError, ["uint8", "300"]),
    "full of NaN": (lambda m: m.full((2,), NAN, dtype=m.int32), RuntimeError, ["int32", "nan"]),
    "full of 1e300": (lambda m: m.full((2,), 1e300), RuntimeError, ["float32", "1e+300"]),
    "full of 2**63": (lambda m: m.full((2,), 2**63), RuntimeError, ["int64"]),
    "like a list": (lambda m: m.zeros_like([1]), TypeError, ["zeros_like", "input", "list"]),
    "rand like integers": (
        lambda m: m.rand_like(m.tensor([1])), NotImplementedError, ["rand", "Long"]
    ),
    "rand of integers": (lambda m: m.rand(2, dtype=m.int32), NotImplementedError, ["rand", "Int"]),
    "randn of bools": (lambda m: m.randn(2, dtype=m.bool), NotImplementedError, ["randn", "Bool"]),
    "generator": (lambda m: m.rand(2, generator=3), TypeError, ["generator", "int"]),
    "arange step 0": (lambda m: m.arange(0, 5, 0), RuntimeError, ["step"]),
    "arange away": (lambda m: m.arange(5, 1), RuntimeError, ["5", "1"]),
    "arange to NaN": (lambda m: m.arange(NAN), RuntimeError, ["nan"]),
    "arange to infinity": (lambda m: m.arange(INF), RuntimeError, ["inf"]),
    "arange of text": (lambda m: m.arange("a"), TypeError, ["str"]),
    "arange of nothing": (lambda m: m.arange(), TypeError, []),
    "arange of an end and a step": (lambda m: m.arange(1, step=2), TypeError, ["step=2", "start"]),
    "arange of an end and a step by name": (lambda m: m.arange(end=3, step=2), TypeError, ["step=2", "start"]),
    "arange of bools": (lambda m: m.arange(2, dtype=m.bool), NotImplementedError, ["Bool"]),
    "linspace of bools": (lambda m: m.linspace(0, 1, 2, dtype=m.bool), NotImplementedError, ["linspace", "Bool"]),
    "randperm of bools": (lambda m: m.randperm(2, dtype=m.bool), NotImplementedError, ["randperm", "Bool"]),
    "linspace backwards": (lambda m: m.linspace(0, 1, -1), RuntimeError, ["steps", "-1"]),
    "linspace of half steps": (lambda m: m.linspace(0, 1, 2.5), TypeError, ["steps", "float"]),
    "linspace of text": (lambda m: m.linspace("a", 1, 3), TypeError, ["str"]),
    "negative eye": (lambda m: m.eye(-1), RuntimeError, ["-1"]),
    "eye of floats": (lambda m: m.eye(2.0), TypeError, ["eye", "float"]),
    "randint of nothing": (lambda m: m.randint(5, 5, (2,)), RuntimeError, ["5"]),
    "randint of floats": (lambda m: m.randint(1.5, (2,)), TypeError, ["1.5"]),
    "randint without size": (lambda m: m.randint(5), TypeError, []),
    "randint of an int size": (lambda m: m.randint(5, 2), TypeError, ["size", "int"]),
    "randperm": (lambda m: m.randperm(-1), RuntimeError, ["-1"]),
    "randperm beyond": (lambda m: m.randperm(257, dtype=m.uint8), RuntimeError, ["uint8", "overflow"]),
    "randperm of a float": (lambda m: m.randperm(2.0), TypeError, ["n", "float"]),
    "unknown argument": (lambda m: m.ones(2, shape=(2,)), TypeError, ["ones", "shape"]),
    "zeros like integers with gradient": (
        lambda m: m.zeros_like(m.tensor([1]), requires_grad=True), RuntimeError, ["float"]
    ),
    "full_like of nothing": (lambda m: m.full_like(m.ones(2)), TypeError, ["fill_value"]),
    "normal without size": (lambda m: m.normal(0.0, 1.0), TypeError, ["size"]),
    "normal of an int size": (lambda m: m.normal(0.0, 1.0, 2), TypeError, ["size", "int"]),
    "normal, negative": (lambda m: m.normal(0, -1, (2,)), RuntimeError, ["std", "-1"]),
    "normal of tensors and a size": (lambda m: m.normal(m.ones(2), 1.0, (2,)), TypeError, ["size"]),
    "normal of tensors and a dtype": (lambda m: m.normal(m.ones(2), 1.0, dtype=m.float64), TypeError, ["dtype"]),
    "normal of tensors, a leaf": (lambda m: m.normal(m.ones(2), requires_grad=True), TypeError, ["requires_grad"]),
    "random_ of floats": (lambda m: m.empty(2).random_(2.5), TypeError, []),
    "normal of integers": (lambda m: m.normal(m.tensor([1]), 1.0), NotImplementedError, []),
    "normal of shapes": (lambda m: m.normal(m.ones(2), m.ones(3)), RuntimeError, ["(2)", "(3)"]),
    "normal, one negative": (lambda m: m.normal(0.0, m.tensor([1.0, -1.0])), RuntimeError, ["std"]),
    "random_ of nothing": (lambda m: m.empty(2).random_(3, 3), RuntimeError, ["3"]),
    "random_ beyond": (lambda m: m.empty(2, dtype=m.uint8).random_(300), RuntimeError, ["out of bounds"]),
    "normal of text": (lambda m: m.normal("a", 1.0, (2,)), TypeError, ["str"]),
    "as_tensor, backwards": (lambda m: m.as_tensor(np.ones(4)[::-1]), ValueError, ["negative"]),
    "as_tensor of text": (lambda m: m.as_tensor("a"), TypeError, ["str"]),
    "generator of a device": (lambda m: m.Generator(device="cuda"), RuntimeError, ["cuda"]),

    "from_numpy of a list": (lambda m: m.from_numpy([1]), TypeError, ["ndarray", "list"]),
    "from_numpy of text": (lambda m: m.from_numpy(np.array(["a"])), TypeError, ["U1"]),
    "negative strides": (lambda m: m.from_numpy(np.ones(4)[::-1]), ValueError, ["negative", "-8"]),
    "big-endian": (lambda m: m.from_numpy(np.ones(4, ">f4")), ValueError, ["byte order", ">f4"]),
    "odd strides": (
        lambda m: m.from_numpy(np.zeros(3, [("a", "f4"), ("b", "u1")])["a"]), ValueError, ["5", "copy"]
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ERRORS)
def test_error(name):
    function, exception, words = ERRORS[name]
    check_error(function, exception, *words)


def test_where_creation_differs_from_pytorch_on_purpose():
    # Six dtypes: an array of another one is refused, not changed behind the user's back.
    for dtype in ("int8", "int16", "uint32", "float16", "complex64"):
        with pytest.raises(TypeError, match=dtype):
            minigrad.tensor(np.ones(2, dtype))
        with pytest.raises(TypeError, match=dtype):
            minigrad.from_numpy(np.ones(2, dtype))
    with pytest.raises(TypeError, match="complex"):
        minigrad.tensor(1j)
    for bounds in ((), (1, None)):
        with pytest.raises(NotImplementedError, match="'to'"):
            minigrad.empty(2).random_(*bounds)
    # Nor is there a gradient of a draw, where PyTorch gives zeros.
    assert not minigrad.normal(minigrad.ones(2, requires_grad=True), 1.0).requires_grad
    # A copy is always possible, where PyTorch asks for a .copy() first, and always in C order.
    assert minigrad.tensor(np.array([1, 2], ">i4")).tolist() == [1, 2]
    assert minigrad.tensor(np.arange(3)[::-1]).tolist() == [2, 1, 0]
    assert minigrad.tensor(np.asfortranarray(np.ones((2, 3)))).stride() == (3, 1)
    # Nobody may write through a tensor into memory that NumPy protects.
    protected = np.ones(3)
    protected.flags.writeable = False
    with pytest.raises(RuntimeError, match="read-only"):
        minigrad.from_numpy(protected).add_(1)
    # The compiled kernels want elements at multiples of their size.
    with pytest.raises(ValueError, match="copy"):
        minigrad.from_numpy(np.zeros(9, np.uint8)[1:].view(np.float32))


@pytest.mark.parametrize("lib", [minigrad, torch])
def test_as_tensor_shares_what_it_can(lib):
    numbers = np.arange(3.0)
    lib.as_tensor(numbers)[0] = 5.0
    lib.as_tensor(numbers, dtype=lib.float64)[1] = 6.0
    lib.as_tensor(numbers, dtype=lib.float32)[2] = 7.0
    assert numbers.tolist() == [5.0, 6.0, 2.0]
    x = lib.ones(2, requires_grad=True)
    assert lib.as_tensor(x) is x and lib.as_tensor(x, dtype=lib.float32) is x
    lib.as_tensor(x, dtype=lib.float64).sum().backward()
    assert x.grad.tolist() == [1.0, 1.0]


@pytest.mark.parametrize("lib", [minigrad, torch])
def test_tensor_copies_and_from_numpy_shares(lib):
    numbers = np.arange(6.0).reshape(2, 3)
    copied, shared = lib.tensor(numbers), lib.from_numpy(numbers)
    numbers[0, 0] = 7
    assert copied[0, 0] == 0 and shared[0, 0] == 7
    shared[1, 2] = 8
    shared.mul_(2)
    assert numbers[1, 2] == 16 and shared.numpy()[1, 2] == 16
    transposed = lib.from_numpy(numbers.T)
    transposed[0, 1] = -1
    assert numbers[1, 0] == -1 and not transposed.is_contiguous()
    assert np.shares_memory(transposed.numpy(), numbers)
    assert not np.shares_memory(lib.tensor(shared.tolist()).numpy(), numbers)


def test_arrays_in_any_layout_give_the_same_results():
    numbers = np.random.default_rng(0).standard_normal((3, 1, 4, 4))
    swapped = numbers.astype(numbers.dtype.newbyteorder())
    layouts = [
        np.asfortranarray(numbers), numbers[::-1][::-1], swapped, numbers[:, :, ::-1][:, :, ::-1],
        np.repeat(numbers, 2, axis=3)[..., ::2], numbers.transpose(3, 2, 1, 0).copy().T,
    ]  # fmt: skip
    protected = numbers.copy()
    protected.flags.writeable = False
    weight = minigrad.ones(2, 1, 2, 2, dtype=minigrad.float64)

    def results(x):
        pooled = minigrad.max_pool2d(minigrad.conv2d(x, weight), 2)
        return [(x * 2 + x).sum(1), pooled, x.reshape(-1), x.softmax(-1), x[1:, ..., [0, 2]]]

    expected = results(minigrad.tensor(numbers))
    for layout in [*layouts, protected]:
        for x in (minigrad.tensor(layout), minigrad.from_numpy(layout.astype(numbers.dtype, copy=False))):
            for mine, other in zip(results(x), expected):
                np.testing.assert_array_equal(mine.numpy(), other.numpy())


def test_arrays_and_tensors_in_one_expression():
    """An ndarray beside a tensor is taken as one, on either side, and the history is kept."""
    x = minigrad.ones(3, requires_grad=True)
    numbers = np.arange(3.0)
    for y in (x * numbers, numbers * x, numbers + x, x / (numbers + 1), numbers - x, numbers**x):
        assert type(y) is minigrad.Tensor and y.requires_grad and y.dtype is minigrad.float64
    assert (numbers < x).tolist() == [True, False, False]
    assert type(np.float32(2) * x) is minigrad.Tensor
    assert (np.float64(2) * x).dtype is minigrad.float32  # a number, as in PyTorch
    assert np.asarray(x.detach()).tolist() == [1.0, 1.0, 1.0]
    assert np.sqrt(x.detach().numpy() * 4).tolist() == [2.0, 2.0, 2.0]
    with pytest.raises(RuntimeError, match="requires grad"):
        np.asarray(x)


SIZES = [
    lambda m: m.Size([2, 3]),
    lambda m: m.Size(),
    lambda m: m.Size((2, 3))[1:],
    lambda m: m.Size([2, 3])[-1],
    lambda m: m.Size([2, 3]) + (1,),
    lambda m: (1,) + m.Size([2, 3]),
    lambda m: m.Size([2]) * 2,
    lambda m: 2 * m.Size([2]),
    lambda m: m.Size([2, 3]).numel(),
    lambda m: m.Size().numel(),
    lambda m: m.Size([2, 3]) == (2, 3),
    lambda m: hash(m.Size([2])) == hash((2,)),
    lambda m: m.Size([2, 3]).count(2),
    lambda m: copy.copy(m.Size([2])),
    lambda m: pickle.loads(pickle.dumps(m.Size([2, 3]))),
    lambda m: f"{m.Size([2, 3])}",
    lambda m: m.ones(2, 3).shape,
    lambda m: m.ones(2, 3).size(),
    lambda m: m.ones(2, 3).size(-1),
    lambda m: m.ones(2, 3, 4).shape[:2].numel(),
    lambda m: m.tensor(1.0).shape,
    lambda m: m.ones(2, 3, 4).stride(),
    lambda m: m.ones(2, 3, 4).stride(1),
    lambda m: m.Size([2, 3, 4])[::-2],
    lambda m: m.Size([m.tensor(2), np.int64(3)]),
    lambda m: m.Size(i for i in range(2)),
    lambda m: [*m.Size([2, 3])],
    lambda m: m.Size([2]) == [2],
    lambda m: copy.deepcopy(m.Size([2])),
    lambda m: m.Size([3, 2]).index(2),
    lambda m: (m.ones(2, 3).numel(), m.ones(2, 3).dim(), m.ones(2, 3).ndim, len(m.ones(2, 3))),
]


@pytest.mark.parametrize("function", SIZES, ids=range(len(SIZES)))
def test_size(function):
    mine, theirs = function(minigrad), function(torch)
    assert repr(mine) == repr(theirs)
    assert type(mine).__name__ == type(theirs).__name__


def test_size_errors():
    check_error(lambda m: m.ones(2, 3).size(2), IndexError, "[-2, 1]", "2")
    check_error(lambda m: m.Size([2]) + [1], TypeError)
    check_error(lambda m: [1] + m.Size([2]), TypeError)
    check_error(lambda m: m.Size([2]) + (1.5,), TypeError, "float")
    check_error(lambda m: ("a",) + m.Size([2]), TypeError, "str")
    check_error(lambda m: m.Size([2, None]), TypeError, "NoneType")
    check_error(lambda m: m.Size([2.5]), TypeError, "float")
    check_error(lambda m: m.Size(3), TypeError)
    check_error(lambda m: len(m.tensor(1.0)), TypeError, "0-d")


def test_signatures_are_those_of_pytorch():
    """Names and order of the arguments, where they are not keyword-only."""
    for name in MADE:
        parameters = inspect.signature(getattr(minigrad, name)).parameters.values()
        ours = [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
        assert all(argument in getattr(torch, name).__doc__ for argument in ours), name


def test_other_sequences():
    assert_same(minigrad.tensor(np.asarray(array.array("d", [1, 2]))), torch.tensor([1.0, 2.0]).double())


@pytest.mark.parametrize("start, end, step", [
    (-8, 8, 0.1), (0, 1, 0.1), (3.7, -2.5, -0.01), (1 / 3, 40, 0.3), (0, 1000, 0.25), (-5, -5.5, -1 / 3)])
def test_ranges_of_floats_are_pytorchs_bits(start, end, step):
    """Where a range should pass 0, it shows in full how products and sums are rounded."""
    for dtype, ulps in ("float32", 0), ("float64", 1):
        for name, args in ("arange", (start, end, step)), ("linspace", (start, end, 77)), ("linspace", (end, start, 3)):
            mine, theirs = (getattr(m, name)(*args, dtype=getattr(m, dtype)).numpy() for m in (minigrad, torch))
            np.testing.assert_array_max_ulp(mine, theirs, ulps, dtype)


def test_copies_keep_the_order_of_memory():
    for make in (lambda m: m.ones(2, 3).t(), lambda m: m.ones(2, 3, 4).permute(1, 2, 0),
                 lambda m: m.ones(4, 6)[::2, ::3].t(), lambda m: m.ones(3).expand(2, 3)):
        for copy_of in (lambda m, x: x.clone(), lambda m, x: m.zeros_like(x), lambda m, x: m.full_like(x, 2.0),
                        lambda m, x: x.contiguous()):
            mine, theirs = (copy_of(m, make(m)) for m in (minigrad, torch))
            assert mine.stride() == theirs.stride() and mine.shape == theirs.shape
    mine, theirs = (m.ones(2, 3).t()[:, None].clone() for m in (minigrad, torch))  # NumPy's step of a new axis is 0
    assert mine.stride()[::2] == theirs.stride()[::2]
    assert minigrad.rand_like(minigrad.ones(2, 3).t(), requires_grad=True).is_leaf


RANDOM = {
    "uniform_": lambda m, x: x.uniform_(), "normal_": lambda m, x: x.normal_(1, 2),
    "random_": lambda m, x: x.random_(9), "rand_like": lambda m, x: m.rand_like(x),
    "dropout": lambda m, x: m.dropout(x, 0.3, True), "dropout2d": lambda m, x: m.nn.functional.dropout2d(x, 0.3),
    "xavier": lambda m, x: m.nn.init.xavier_uniform_(x[0]), "kaiming": lambda m, x: m.nn.init.kaiming_normal_(x[0]),
}  # fmt: skip


@pytest.mark.parametrize("view", [lambda x: x.permute(2, 0, 3, 1), lambda x: x[:, ::2], lambda x: x[..., 0, None]],
                         ids=["permuted", "every second", "apart"])
@pytest.mark.parametrize("name", RANDOM)
def test_random_numbers_come_in_the_order_of_memory(name, view):
    mine, theirs = [], []
    for m, found in (minigrad, mine), (torch, theirs):
        m.manual_seed(0)
        x = RANDOM[name](m, view(m.ones(3, 4, 5, 6)))
        found.extend([x, m.randn(3)])  # and the next ones are the same, too
    for x, y in zip(mine, theirs):
        np.testing.assert_allclose(x.numpy(), y.numpy(), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", ["zeros", "ones", "empty", "rand", "randn"])
def test_an_unknown_option_is_named_with_its_function(name):
    check_error(lambda m: getattr(m, name)(2, order="F"), TypeError, f"{name}()", "order")
