"""Tensors beside NumPy, DLPack, copy and pickle, and Python's own protocols: as PyTorch, or better on purpose."""

import copy
import math
import operator
import pickle
import warnings

import numpy as np
import pytest
import torch
from helpers import check_error, raised

import minigrad
from minigrad import nn

BOTH = pytest.mark.parametrize("m", [minigrad, torch], ids=["minigrad", "torch"])
COPIES = pytest.mark.parametrize("clone", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))],
                                 ids=["deepcopy", "pickle"])


# ---- arithmetic with arrays

ARITHMETIC = [operator.add, operator.sub, operator.mul, operator.truediv, operator.floordiv, operator.mod,
              operator.pow, operator.matmul]
COMPARISONS = [operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne]


@pytest.mark.parametrize("function", ARITHMETIC, ids=lambda f: f.__name__)
@pytest.mark.parametrize("place", ["left", "right"])
def test_an_array_beside_a_tensor_keeps_the_graph(function, place):
    """PyTorch refuses, or drops the graph; here an array is a tensor without a history."""
    array = np.array([[1.5, 2.0], [0.5, 3.0]])
    numbers = [[2.0, 1.5], [3.5, 0.5]]

    def result(other):
        x = minigrad.tensor(numbers, dtype=minigrad.float64, requires_grad=True)
        y = function(other, x) if place == "left" else function(x, other)
        assert type(y) is minigrad.Tensor
        if function is operator.floordiv:
            return [y.tolist()]
        y.sum().backward()
        return [y.tolist(), x.grad.tolist()]

    assert result(array) == result(minigrad.from_numpy(array))
    assert result(np.asfortranarray(array)) == result(minigrad.from_numpy(array))


@pytest.mark.parametrize("function", COMPARISONS, ids=lambda f: f.__name__)
def test_comparisons_with_an_array(function):
    array, x = np.array([1.0, 2.0, 3.0]), minigrad.tensor([2.0, 2.0, 2.0])
    for y, expected in ((function(array, x), function(array, 2.0)), (function(x, array), function(2.0, array))):
        assert type(y) is minigrad.Tensor and y.tolist() == expected.tolist()


def test_logic_with_an_array():
    array, x = np.array([1, 2, 3]), minigrad.tensor([3, 3, 5])
    for function in (operator.and_, operator.or_, operator.xor):
        expected = function(array, x.numpy()).tolist()
        assert function(array, x).tolist() == function(x, array).tolist() == expected


@pytest.mark.parametrize("number", [np.float64(2.5), np.float32(2.5), np.int64(2), np.bool_(True), np.uint8(3)],
                         ids=repr)
@pytest.mark.parametrize("function", ARITHMETIC[:4] + COMPARISONS, ids=lambda f: f.__name__)
def test_numpys_scalars_are_numbers(number, function):
    if type(number) is np.bool_ and function is operator.sub:
        return  # PyTorch refuses `-` with a bool
    for mine, theirs in (
        (function(x, number), function(y, number)) if place else (function(number, x), function(number, y))
        for place in (0, 1) for x, y in [(minigrad.tensor([1.0, 2.5]), torch.tensor([1.0, 2.5]))]
    ):
        assert mine.tolist() == theirs.tolist() and str(mine.dtype) == str(theirs.dtype)


def test_augmented_assignment():
    array, x = np.ones(2), minigrad.ones(2, requires_grad=True)
    total = array
    total += x  # the array cannot hold a history: the name means a tensor afterwards
    assert type(total) is minigrad.Tensor and total.requires_grad and array.tolist() == [1, 1]
    y = minigrad.ones(2)
    same = y
    y += array
    y *= np.float64(2)
    assert y is same and y.tolist() == [4, 4] and y.dtype is minigrad.float32
    number = minigrad.tensor(3)
    number -= 1
    number **= 2
    number //= 3
    number |= 4
    number &= 6
    number ^= 1
    assert number.item() == 5


UFUNCS = {
    "exp": np.exp, "sqrt": np.sqrt, "add": lambda x: np.add(x, np.ones(2)), "maximum": lambda x: np.maximum(x, 1),
    "reduce": np.add.reduce, "matmul": lambda x: np.matmul(x, x),
}  # fmt: skip


@pytest.mark.parametrize("name", UFUNCS)
def test_ufuncs_give_tensors_but_never_drop_a_history(name):
    function = UFUNCS[name]
    with warnings.catch_warnings(action="ignore"):  # PyTorch's __array_wrap__ is of an older NumPy
        theirs = function(torch.tensor([0.25, 4.0]))
    mine = function(minigrad.tensor([0.25, 4.0]))
    assert type(mine) is minigrad.Tensor and str(mine.dtype) == str(theirs.dtype)
    np.testing.assert_allclose(mine.numpy(), theirs.numpy())
    check_error(lambda m: function(m.ones(2, requires_grad=True)), RuntimeError, "requires grad", "detach")


def test_a_ufunc_of_bools():
    assert np.isnan(minigrad.tensor([1.0, math.nan])).tolist() == [False, True]


# ---- arrays from tensors

TO_ARRAYS = {
    "asarray": np.asarray, "array": np.array, "as type": lambda x: np.asarray(x, dtype=np.float64),
    "list": lambda x: np.array([x, x]), "stack": lambda x: np.stack([x, x]), "method": lambda x: x.numpy(),
    "isfinite": np.isfinite,
}


@pytest.mark.parametrize("name", TO_ARRAYS)
def test_a_history_is_not_dropped_silently(name):
    function = TO_ARRAYS[name]
    check_error(lambda m: function(m.ones(2, requires_grad=True)), RuntimeError, "requires grad", "detach")
    check_error(lambda m: function(m.ones(2, requires_grad=True) * 2), RuntimeError, "requires grad", "detach")
    with minigrad.no_grad():
        function(minigrad.ones(2, requires_grad=True) * 2)
        function(minigrad.ones(2, requires_grad=True))


def test_arrays_share_memory_unless_asked_not_to():
    x = minigrad.arange(3.0)
    for array in (np.asarray(x), x.numpy(), x.numpy(force=True), np.asarray(x, dtype=np.float32, copy=False)):
        assert np.shares_memory(array, x.numpy()) and array.dtype == np.float32
    for array in (np.array(x), np.asarray(x, copy=True), np.asarray(x, dtype="f8")):
        assert not np.shares_memory(array, x.numpy()) and array.tolist() == [0, 1, 2]
    with pytest.raises(ValueError, match="copy"):
        np.asarray(x, dtype="f8", copy=False)
    np.asarray(x)[1] = 7
    assert x.tolist() == [0, 7, 2]
    assert minigrad.ones(1, requires_grad=True).numpy(force=True).tolist() == [1]
    assert np.arange(5)[minigrad.tensor([1, 3])].tolist() == [1, 3]
    assert np.arange(2)[minigrad.tensor([True, False])].tolist() == [0]
    assert np.float64(minigrad.tensor(2.5)) == 2.5


# ---- DLPack


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "int32", "uint8", "bool"])
@pytest.mark.parametrize("shape", [(), (0,), (2, 3)])
def test_dlpack_both_ways(dtype, shape):
    x = minigrad.ones(shape, dtype=getattr(minigrad, dtype))
    for there in (torch.from_dlpack(x), np.from_dlpack(x)):
        back = minigrad.from_dlpack(there)
        assert tuple(there.shape) == back.shape == shape and back.dtype is x.dtype and back.is_leaf
        if x.numel():
            there[...] = 0
            assert not back.any() and not x.any()
            x.fill_(1)
    assert x.__dlpack_device__() == tuple(map(int, torch.ones(1).__dlpack_device__()))


def test_dlpack_of_a_view_is_a_view():
    x = minigrad.zeros(4, 6)
    torch.from_dlpack(x[1:, ::2].t()).fill_(1)
    assert x.sum() == 9 and x[1:, ::2].sum() == 9
    y = torch.zeros(4, 6)
    view = minigrad.from_dlpack(y.t()[1:3])
    view.fill_(1)
    assert view.stride() == (1, 6) and y.sum() == 8
    assert not np.shares_memory(minigrad.from_dlpack(x, copy=True).numpy(), x.numpy())


def test_dlpack_refuses():
    check_error(lambda m: np.from_dlpack(m.ones(2, requires_grad=True)), BufferError, "require gradient", "detach")
    check_error(lambda m: torch.from_dlpack(m.ones(2, requires_grad=True) * 2), BufferError, "detach")
    check_error(lambda m: m.from_dlpack(3), RuntimeError, "ext_tensor", "int")
    with pytest.raises(TypeError, match="complex64"):
        minigrad.from_dlpack(np.ones(2, np.complex64))
    with pytest.raises(ValueError, match="negative"):
        minigrad.from_dlpack(np.ones(3)[::-1])
    with pytest.raises(RuntimeError, match="CPU"):
        minigrad.from_dlpack(np.ones(3), device="cuda")
    fixed = np.ones(3)
    fixed.flags.writeable = False
    with pytest.raises(RuntimeError, match="read-only"):
        minigrad.from_dlpack(fixed).add_(1)


# ---- copies


@COPIES
@BOTH
def test_copies_are_tensors_of_their_own(m, clone):
    for x in (m.arange(6.0).reshape(2, 3), m.tensor([True, False]), m.ones(()), m.zeros(0, 3), m.ones(2, 1).t(),
              m.arange(6).reshape(2, 3).t(), m.arange(6.0)[::2], m.ones(2, dtype=m.float64, requires_grad=True),
              m.nn.Parameter(m.ones(2)), m.nn.Parameter(m.ones(2), requires_grad=False)):
        y = clone(x)
        assert type(y) is type(x) and y.dtype == x.dtype and y.shape == x.shape and y.tolist() == x.tolist()
        assert y.requires_grad == x.requires_grad and y.is_leaf
        assert not np.shares_memory(x.detach().numpy(), y.detach().numpy())


@BOTH
def test_what_a_copy_takes_along(m):
    x = m.ones(2, requires_grad=True)
    (x * 3).sum().backward()
    x.note = [1]
    deep, stored, shallow = copy.deepcopy(x), pickle.loads(pickle.dumps(x)), copy.copy(x)
    assert deep.grad.tolist() == [3, 3] and deep.grad is not x.grad and stored.grad is None
    assert deep.note == stored.note == shallow.note == [1] and deep.note is not x.note
    assert np.shares_memory(shallow.detach().numpy(), x.detach().numpy()) and shallow is not x
    deep.grad.zero_()
    assert x.grad.tolist() == [3, 3]
    assert copy.deepcopy(x.detach().reshape(2, 1).t()).stride() == x.detach().reshape(2, 1).t().stride()


@BOTH
def test_a_deepcopy_keeps_what_is_one_memory_together(m):
    x = m.arange(6.0).reshape(2, 3)
    twin, row, again = copy.deepcopy([x, x[1], x])
    twin.zero_()
    assert row.tolist() == [0, 0, 0] and again is twin and x[1].tolist() == [3, 4, 5]
    column = copy.deepcopy(x[:, 1])  # on its own
    column.fill_(9)
    assert x.tolist() == [[0, 1, 2], [3, 4, 5]] and column.tolist() == [9, 9]


def test_only_leaves_are_copied_deeply():
    check_error(lambda m: copy.deepcopy(m.ones(2, requires_grad=True) * 2), RuntimeError, "graph leaves", "detach")
    x = minigrad.ones(2, requires_grad=True)
    assert copy.deepcopy((x * 2).detach()).tolist() == [2, 2]
    assert copy.deepcopy(x[:1].detach()).tolist() == [1]


@COPIES
@BOTH
def test_models_with_shared_parts(m, clone):
    model = m.nn.Sequential(m.nn.Linear(3, 3), m.nn.ReLU(), m.nn.Linear(3, 3))
    model[2].weight = model[0].weight
    model.register_buffer("table", m.arange(4.0))
    twin = clone(model)
    assert twin[2].weight is twin[0].weight is not model[0].weight
    assert twin.table.tolist() == [0, 1, 2, 3] and [*twin.state_dict()] == [*model.state_dict()]
    assert twin(m.ones(1, 3)).tolist() == model(m.ones(1, 3)).tolist()


# ---- Python's protocols


def test_numbers():
    one = {"int": int, "float": float, "bool": bool, "complex": complex, "index": operator.index, "str": str,
           "format": lambda x: f"{x:.3f}" if x.is_floating_point() else f"{x:>5}", "sqrt": math.sqrt,
           "item": lambda x: x.item(), "list": lambda x: x.tolist(), "repeat": lambda x: [0] * x, "hex": hex,
           "abs": abs, "round": round, "len": len, "iter": list, "pos": lambda x: (+x).tolist(),
           "neg": lambda x: (-x).tolist(),
           "invert": lambda x: (~x).tolist(), "in": lambda x: 2 in x, "not": operator.not_, "plain": lambda x: f"{x}"}
    for name, function in one.items():
        for value in (2, 2.5, True, [3], [[0.0]], [1, 2], [], [[1.5, 2.0]], math.nan, math.inf):
            mine, theirs = (raised(lambda m, f=function, v=value: f(m.tensor(v)), m) for m in (minigrad, torch))
            assert type(mine) is type(theirs), (name, value, mine, theirs)
            if theirs is None:
                mine, theirs = (function(m.tensor(value)) for m in (minigrad, torch))
                assert str(mine) == str(theirs), (name, value)


@BOTH
def test_iteration_follows_the_graph(m):
    x = m.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    first, second = x
    (first * 2 + second * second).sum().backward()
    assert x.grad.tolist() == [[2, 2], [6, 8]]
    y = m.zeros(2, 2)
    for row in y:  # each is a view
        row += 1
    assert y.tolist() == [[1, 1], [1, 1]] and [r.tolist() for r in reversed(m.arange(3))] == [2, 1, 0]
    assert max(m.tensor([1, 3, 2])) == 3 and sum(m.tensor([1, 3, 2])) == 6
    assert [(a.item(), b.item()) for a, b in zip(m.arange(2), m.ones(2))] == [(0, 1), (1, 1)]


def test_containers():
    check_error(lambda m: "a" in m.ones(2), RuntimeError, "__contains__", "str")
    check_error(lambda m: None in m.ones(2), RuntimeError, "__contains__", "NoneType")
    check_error(lambda m: m.ones(3) in m.ones(2), RuntimeError, "3", "2")
    check_error(lambda m: list(m.tensor(1)), TypeError, "0-d")
    for m in (minigrad, torch):
        assert m.tensor(1.0) in m.ones(2) and 2 not in m.ones(2)
        assert len({m.ones(2), m.ones(2)}) == 2


@BOTH
def test_what_a_tensor_says_of_itself(m):
    x = m.zeros(2, 3, dtype=m.float64)
    assert x.shape == x.size() == (2, 3) and x.size(1) == x.size(dim=-1) == x.shape[-1] == 3
    assert (x.ndim, x.dim(), x.numel(), x.nelement(), m.numel(x)) == (2, 2, 6, 6, 6)
    assert (1, 1) + x.shape == (1, 1, 2, 3) and x.shape + (1,) == (2, 3, 1) and x.shape[:1] == (2,)
    assert x.element_size() == 8 and x.t().stride() == (1, 3) and not x.t().is_contiguous()
    assert x[1:].data_ptr() - x.data_ptr() == 24 and x.T.shape == (3, 2)
    assert m.is_tensor(x) and not m.is_tensor(x.numpy()) and x.is_floating_point()
    assert x.type() == "torch.DoubleTensor" and m.tensor([1]).type() == "torch.LongTensor"
    assert x.type(m.int32).dtype is x.int().dtype is m.int32 and x.type_as(m.tensor([1])).dtype is m.int64


def test_methods_that_take_sizes():
    calls = [
        lambda x: x.view(3, 2), lambda x: x.view((6,)), lambda x: x.view(size=(6,)), lambda x: x.reshape(-1),
        lambda x: x.reshape(shape=(3, 2)), lambda x: x.permute(1, 0), lambda x: x.permute(dims=(1, 0)),
        lambda x: x.expand(2, 2, 3), lambda x: x.expand(size=(2, 2, 3)), lambda x: x.flip(0, 1),
        lambda x: x.flip(dims=[1]), lambda x: x.broadcast_to(size=(1, 2, 3)), lambda x: x.sum_to_size(1, 3),
        lambda x: x.flip(()), lambda x: x.view(), lambda x: x.reshape(), lambda x: x.permute(), lambda x: x.flip(),
        lambda x: x.view(size=6), lambda x: x.view(shape=(6,)), lambda x: x.view(6, size=(6,)), lambda x: x.view("a"),
        lambda x: x.reshape(6.0), lambda x: x.expand(), lambda x: x.flip(dims=0), lambda x: x.view(4),
        lambda x: x.permute(0), lambda x: x.expand(3, 3),
    ]  # fmt: skip
    for i, call in enumerate(calls):
        mine, theirs = (raised(lambda m, call=call: call(m.arange(6.0).reshape(2, 3)), m) for m in (minigrad, torch))
        assert type(mine) is type(theirs), (i, mine, theirs)
        if theirs is None:
            mine, theirs = (call(m.arange(6.0).reshape(2, 3)) for m in (minigrad, torch))
            assert mine.tolist() == theirs.tolist() and mine.shape == theirs.shape, i
    with pytest.raises(TypeError, match="view"):
        minigrad.ones(2).view(minigrad.int32)
    assert nn.Flatten()(minigrad.ones(2, 3, 4)).shape == (2, 12)


# ---- devices


@BOTH
def test_device(m):
    cpu = m.device("cpu")
    assert repr(cpu) == "device(type='cpu')" and str(cpu) == "cpu" and (cpu.type, cpu.index) == ("cpu", None)
    for same in (m.device(cpu), m.device(type="cpu"), pickle.loads(pickle.dumps(cpu)), copy.deepcopy(cpu)):
        assert same == cpu and hash(same) == hash(cpu)
    first = m.device("cpu:0")
    assert first == m.device("cpu", 0) == m.device(type="cpu", index=0) != cpu
    assert repr(first) == "device(type='cpu', index=0)" and str(first) == "cpu:0" and cpu != "cpu"
    assert str(m.device("cuda", 1)) == "cuda:1" and m.device("mps").type == "mps"
    assert not m.cuda.is_available() and m.cuda.device_count() == 0
    m.cuda.manual_seed(0)
    m.cuda.manual_seed_all(0)


@BOTH
def test_everything_is_on_the_cpu(m):
    x = m.ones(2, device=m.device("cpu"))
    assert x.device == m.device("cpu") and x.device.type == "cpu" and not x.is_cuda
    for same in (x.cpu(), x.to("cpu"), x.to(m.device("cpu")), x.to(device="cpu"), x.to(x), x.to(m.float32),
                 x.to("cpu", m.float32), x.to("cpu", non_blocking=True), x.to(dtype=m.float32), x.to(None)):
        assert same is x
    for other in (x.to(x, copy=True), x.to(m.float32, False, True), x.to("cpu", m.float32, False, True)):
        assert other is not x and other.tolist() == [1, 1]
    assert x.to("cpu", m.float64).dtype is x.to(float).dtype is x.to(device="cpu", dtype=m.float64).dtype is m.float64
    assert m.zeros(1, device="cpu:0").tolist() == [0] and m.nn.Linear(1, 1, device="cpu").weight.device.type == "cpu"
    model = m.nn.Linear(1, 1)
    assert model.to("cpu") is model.to(m.device("cpu")) is model.cpu() is model


USES = [
    lambda m, d: m.ones(1, device=d), lambda m, d: m.tensor([1], device=d), lambda m, d: m.ones(1).to(d),
    lambda m, d: m.ones(1).to(device=d), lambda m, d: m.nn.Linear(1, 1).to(d),
    lambda m, d: m.nn.Conv2d(1, 1, 1, device=d), lambda m, d: m.randn(2, device=d), lambda m, d: m.arange(2, device=d),
    lambda m, d: m.ones_like(m.ones(1), device=d), lambda m, d: m.ones(1).cuda(), lambda m, d: m.nn.Linear(1, 1).cuda(),
]


@pytest.mark.parametrize("use", USES, ids=range(len(USES)))
@pytest.mark.parametrize("device", ["cuda", "cuda:1", "mps", minigrad.device("cuda", 0)], ids=str)
def test_any_other_device_is_an_error(use, device):
    with pytest.raises(RuntimeError, match="minigrad runs on the CPU"):
        use(minigrad, device)


def test_devices_that_do_not_exist():
    for name in ("mars", "", "CPU", "cuda:x", "cuda:-1", "cpu:", 0, 7):
        check_error(lambda m, name=name: m.device(name), RuntimeError)
        check_error(lambda m, name=name: m.ones(1, device=name), RuntimeError)
    for name in (3.5, [], None):
        check_error(lambda m, name=name: m.device(name), TypeError)
    check_error(lambda m: m.ones(1, device=3.5), TypeError, "device")
