"""x[...] for reading and for writing: NumPy's indexing by PyTorch's rules, with gradients."""

import warnings

import numpy as np
import pytest
import torch
from helpers import assert_same, check, check_error, raised, random
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad

SHAPE = (2, 3, 2)
INDICES = {
    "integer": 1,
    "negative integer": -1,
    "integers": (0, 2, -1),
    "slice": slice(1, None),
    "slices": (slice(None, 1), slice(-2, None), slice(None, None, 2)),
    "slice beyond the end": slice(1, 99),
    "empty slice": (slice(2, 1), slice(-9, -5)),
    "None": None,
    "Nones": (None, 0, None, slice(None), None),
    "ellipsis": ...,
    "ellipsis between": (0, ..., 1),
    "ellipsis at the end": (slice(1), ...),
    "ellipsis for nothing": (0, 1, 1, ...),
    "nothing": (),
    "list": [1, 0],
    "empty list": [],
    "range": range(2),
    "list in the middle": (slice(None), [2, 0]),
    "lists": ([0, 1, 1], [2, 0, 1]),
    "lists that broadcast": ([[0], [1]], [0, 2]),
    "lists around a slice": ([0, 1], slice(None), [1, 0]),
    "list beside an integer": (0, slice(None), [1, 0]),
    "integer beside a list": ([1, 0], slice(None), -1),
    "all kinds": (None, [1, 0], ..., slice(0, 2), None),
    "negative list": [-1, -2],
    "array": np.array([[0, 1]]),
    "repeated": [1, 0, 1],
    "repeated inside": (slice(None), np.array([[0, 2], [2, 1]])),
    "int32 array": np.array([1, 0], np.int32),
    "bool list": [True, False],
    "mask": np.array([False, True]),
    "mask in the middle": (slice(None), np.array([True, False, True])),
    "mask of two dimensions": np.array([[True, False, True], [False, False, True]]),
    "mask of nothing": np.zeros(SHAPE, bool),
    "mask beside an integer": (1, np.array([True, False, True]), 1),
    "mask beside a list": (np.array([True, True]), [0, 2]),
    "True": True,
    "False": False,
    "True inside": (0, True, slice(1)),
    "list of lists": [[0, 1, 1], [2, 0, 1]],
    "list of one list": [[1, 0]],
    "list of a list of lists": [[[1, 0]]],
    "list in a tuple": ([[0, 1]],),
    "list of an integer and a list": [0, [1, 2]],
    "list of a tuple and a range": [(0, 1), range(1, 3)],
    "list of a slice": [slice(None), 1],
    "list of None": [None, 0],
    "list of ...": [..., 1],
    "list of arrays": [np.array([0, 1]), np.array([1, 2])],
    "list of a number in an array": [np.array(1), 0],
    "list of a mask": [np.array([[True, False, True], [False, False, True]])],
    "repeated, a list of more than 31 lists": [[1, 0]] * 32,
}


def tensors_of(m, index):
    """The index with tensors of the library in the place of arrays."""
    if isinstance(index, (tuple, list)):
        return type(index)(tensors_of(m, i) for i in index)
    return m.tensor(index) if isinstance(index, np.ndarray) else index


@pytest.mark.parametrize("name", INDICES)
def test_reading(name):
    check(lambda m, x: x[tensors_of(m, INDICES[name])], SHAPE)


@pytest.mark.parametrize("name", INDICES)
def test_writing(name):
    """A value of the shape of the place, one that broadcasts to it, and a number."""
    with warnings.catch_warnings(action="ignore"):  # PyTorch's of lists of lists
        place = tuple(torch.zeros(SHAPE)[tensors_of(torch, INDICES[name])].shape)

    def write(m, x, value):
        y = x * 2
        y[tensors_of(m, INDICES[name])] = value * value
        return y

    if "repeated" not in name:  # of several writes to one place, PyTorch leaves open which one wins
        check(write, SHAPE, place)
    check(write, SHAPE, (), order=1, differences=False)
    check(lambda m, x: write(m, x, 3), SHAPE, order=1, differences=False)
    check(lambda m, x: write(m, x, 3), np.arange(12).reshape(SHAPE))


def test_a_repeated_write_gives_the_last_value():
    """NumPy's rule. All of the written values get the gradient of the place, as in PyTorch."""
    value = minigrad.tensor([1.0, 2.0, 3.0], requires_grad=True)
    y = minigrad.zeros(2)
    y[[0, 1, 0]] = value
    y.backward(minigrad.tensor([10.0, 20.0]))
    assert y.tolist() == [3.0, 2.0]
    assert value.grad.tolist() == [10.0, 20.0, 10.0]


@st.composite
def indexed(draw):
    """A shape and an index for it, of every kind that there is."""
    shape = tuple(draw(st.lists(st.integers(0, 3), min_size=0, max_size=3)))
    items, d, lists = [], 0, draw(st.lists(st.integers(1, 2), max_size=2))
    while d < len(shape):
        n = shape[d]
        kind = draw(st.sampled_from(["integer", "slice", "None", "...", "mask", "list", "stop"]))
        if kind == "stop":
            break
        if kind == "None":
            items.append(None)
            continue
        if kind == "..." and ... not in [i for i in items if not isinstance(i, np.ndarray)]:
            items.append(...)
            d += draw(st.integers(0, len(shape) - d))
            continue
        if kind == "integer" and n:
            items.append(draw(st.integers(-n, n - 1)))
        elif kind == "mask":
            items.append(np.array(draw(st.lists(st.booleans(), min_size=n, max_size=n)), bool))
        elif kind == "list" and n:
            size = draw(st.sampled_from([lists, lists[1:], [1] * len(lists)]))
            numbers = draw(st.lists(st.integers(-n, n - 1), min_size=4, max_size=4))
            items.append(np.array(numbers)[: int(np.prod(size))].reshape(size))
        else:
            ends = st.none() | st.integers(-4, 4)
            items.append(slice(draw(ends), draw(ends), draw(st.sampled_from([None, 1, 2, 3]))))
        d += 1
    return shape, tuple(items)


@given(indexed())
@settings(max_examples=250)
def test_any_index_reads_and_writes_as_in_pytorch(case):
    shape, index = case

    def program(m, x):
        """Both at once: what is read, and a tensor that is written at the place."""
        place = tensors_of(m, index)
        y = x * 2
        y[place] = (x[place] * 3)[..., :1] if x[place].ndim else 5
        return x[place], y

    theirs = raised(lambda m: program(m, m.ones(shape)), torch)
    if theirs is None:
        check(program, shape, order=1, differences=False)
    else:
        assert type(raised(lambda m: program(m, m.ones(shape)), minigrad)) is type(theirs)


@given(indexed(), st.lists(st.integers(0, 3), max_size=4))
@settings(max_examples=150)
def test_a_value_that_does_not_fit_is_refused_as_in_pytorch(case, value_shape):
    shape, index = case

    def program(m):
        y = m.zeros(shape)
        y[tensors_of(m, index)] = m.ones(value_shape)
        return y

    theirs, mine = raised(program, torch), raised(program, minigrad)
    assert type(mine) is type(theirs), (mine, theirs)
    if mine is None:
        assert_same(program(minigrad), program(torch))


ERRORS = {
    "out of bounds": (lambda m, x: x[2], IndexError, ["index 2", "dimension 0", "size 2"]),
    "out of bounds below": (lambda m, x: x[0, -4], IndexError, ["index -4", "dimension 1", "size 3"]),
    "behind an ellipsis": (lambda m, x: x[..., 2], IndexError, ["dimension 2", "size 2"]),
    "array out of bounds": (lambda m, x: x[[0, 5]], IndexError, ["5", "size 2"]),
    "array out of bounds, by a tensor": (lambda m, x: x[:, m.tensor([-4])], IndexError, ["-4", "3"]),
    "writing out of bounds": (lambda m, x: x.__setitem__(2, 1.0), IndexError, ["index 2", "size 2"]),
    "too many": (lambda m, x: x[0, 0, 0, 0], IndexError, ["too many", "3", "[2, 3, 2]", "4"]),
    "too many with a mask": (lambda m, x: x[m.ones(2, 3, 2) > 0, 0], IndexError, ["too many"]),
    "of a number": (lambda m, x: m.tensor(1.0)[0], IndexError, ["too many", "0"]),
    "slice of a number": (lambda m, x: m.tensor(1.0)[:], IndexError, ["too many"]),
    "mask": (lambda m, x: x[m.tensor([True, False, True])], IndexError, ["2", "3"]),
    "mask of numbers": (lambda m, x: x[:, [True]], IndexError, ["3", "1"]),
    "lists": (lambda m, x: x[[0, 1], [0, 1, 2]], IndexError, ["(2,)", "(3,)"]),
    "negative step": (lambda m, x: x[::-1], ValueError, ["step", "flip"]),
    "step 0": (lambda m, x: x[::0], ValueError, ["step"]),
    "float": (lambda m, x: x[1.0], IndexError, ["float"]),
    "float tensor": (lambda m, x: x[m.tensor([1.0])], IndexError, ["float32"]),
    "text": (lambda m, x: x["a"], TypeError, ["str"]),
    "list of a text": (lambda m, x: x[["a"]], TypeError, ["str"]),
    "list of too many": (lambda m, x: x[[[0], [0], [0], [0]]], IndexError, ["too many", "3", "4"]),
    "dict": (lambda m, x: x[{}], IndexError, ["dict"]),
    "slice of floats": (lambda m, x: x[0:1.5], TypeError, ["float"]),
    "writing a list": (lambda m, x: x.__setitem__(0, [1.0, 2.0]), TypeError, ["list"]),
    "writing text": (lambda m, x: x.__setitem__(0, "1"), TypeError, ["str"]),
    "writing None": (lambda m, x: x.__setitem__(0, None), TypeError, ["NoneType"]),
    "writing an array": (lambda m, x: x.__setitem__(0, np.ones(2)), TypeError, ["ndarray"]),
    "writing too much": (lambda m, x: x.__setitem__(0, m.ones(4)), RuntimeError, ["[4]", "[3, 2]"]),
    "writing too many": (
        lambda m, x: x.__setitem__([0], m.ones(2, 3, 2)), RuntimeError, ["[2, 3, 2]", "[1, 3, 2]"]
    ),
    "writing float64 by a list": (
        lambda m, x: x.__setitem__([1, 0], m.ones(3, 2).double()), RuntimeError, ["float32", "float64"]
    ),
    "writing an integer by a list": (
        lambda m, x: x.__setitem__((0, [1, 0]), m.tensor(1)), RuntimeError, ["float32", "int64"]
    ),
    "writing integers by a mask": (
        lambda m, x: x.__setitem__(x == 0, m.ones(12).int()), RuntimeError, ["float32", "int32"]
    ),
    "writing to a leaf": (
        lambda m, x: m.ones(2, requires_grad=True).__setitem__(0, 1.0), RuntimeError, ["leaf"]
    ),
    "300 as uint8": (
        lambda m, x: m.zeros(2, dtype=m.uint8).__setitem__(0, 300), RuntimeError, ["uint8", "300"]
    ),
    "NaN as int64": (
        lambda m, x: m.zeros(2, dtype=m.int64).fill_(float("nan")), RuntimeError, ["int64", "nan"]
    ),
    "1e300 as float32": (
        lambda m, x: x.__setitem__(0, 1e300), RuntimeError, ["float32", "1e+300"]
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ERRORS)
def test_error(name):
    function, exception, words = ERRORS[name]
    check_error(lambda m: function(m, m.zeros(SHAPE)), exception, *words)


def test_where_indexing_differs_from_pytorch_on_purpose():
    x = minigrad.zeros(SHAPE)
    with pytest.raises(IndexError, match="ellipsis"):
        x[..., 0, ...]  # PyTorch takes the second one as `:`
    with pytest.raises(IndexError, match="float64"):
        x[[1.0]]  # PyTorch takes it as [1]
    assert x[minigrad.tensor([1, 0], dtype=minigrad.uint8)].shape == (1, 3, 2)  # it warns here too


def test_a_view_shares_its_memory_and_an_indexed_copy_does_not():
    for lib in (minigrad, torch):
        x = lib.zeros(2, 3)
        row, rows, mask = x[0], x[[0]], x[x == 0]
        x[0, 0] = 7
        assert row[0] == 7 and rows[0, 0] == 0 and mask[0] == 0
        row[1] = 8
        assert x[0, 1] == 8


@pytest.mark.parametrize("lib", [minigrad, torch])
def test_the_loop_of_the_textbooks_trains_its_kernel(lib):
    """corr2d with `Y[i, j] = (X[i:i+h, j:j+w] * K).sum()` finds the kernel that made an edge map."""
    X = lib.ones(4, 5)
    X[:, 2:4] = 0
    K = lib.zeros(1, 2, requires_grad=True)
    wanted = X[:, :-1] - X[:, 1:]
    for _ in range(12):
        Y = lib.zeros(4, 4)
        for i in range(4):
            for j in range(4):
                Y[i, j] = (X[i : i + 1, j : j + 2] * K).sum()
        ((Y - wanted) ** 2).sum().backward()
        K.data -= 0.05 * K.grad
        K.grad = None
    assert abs(K[0, 0].item() - 1) < 0.1 and abs(K[0, 1].item() + 1) < 0.1


def test_a_gradient_needs_the_index_as_it_was():
    x = minigrad.ones(3, requires_grad=True)
    for index in (np.array([0, 1]), minigrad.tensor([0, 1])):
        y = x[index]
        index[:] = 2
        y.sum().backward()
        assert x.grad.tolist() == [1.0, 1.0, 0.0]
        x.grad = None


def test_random_reads_of_a_large_tensor():
    x, rows = random(50, 7), np.random.default_rng(0).integers(-50, 50, (11, 3))
    for m in (minigrad, torch):
        assert np.array_equal(m.from_numpy(x)[m.from_numpy(rows)].numpy(), x[rows])


def test_pairs_of_values_and_indices_print_as_in_pytorch():
    for function in (lambda x: x.max(1), lambda x: x.min(0), lambda x: x.sort(), lambda x: x.topk(2),
        lambda x: (x * 2).sort(0), lambda x: x[0].max(0), lambda x: x[0, 0].requires_grad_().sort()):
        mine, theirs = (function(m.tensor([[3.0, 1.0], [5.0, 7.0]])) for m in (minigrad, torch))
        assert repr(mine) == repr(theirs)
        values, indices = mine
        assert values is mine.values is mine[0] and indices is mine.indices


def test_histories_have_the_names_of_pytorch():
    def names(m):
        x, i = m.ones(2, 3, requires_grad=True), m.tensor([[0, 1, 0]])
        found = (x[0], x[:1], x[None], x[:, 1], x[0, 1:], x[[0]], x[x > 0], x.gather(0, i), x.max(1)[0], x.min(1)[0],
                 x.max(), x.amax(), x.amin(1), x.sort()[0], x.topk(1)[0], x.sum(), x.sum(0),
                 x.mean(), x.mean(1), x.cumsum(0), x.logsumexp(1), x.norm(), x.var(), x.std(1), x[x > 0],
                 x.prod(), x.prod(0), x.tril(), x.triu(), x.repeat(2, 2), m.stack([x, x]), m.cat([x, x]), x.view(6),
                 x.t(), x[0].t(), x.T, x.transpose(0, 1), x.permute(1, 0), x.unsqueeze(0), x.squeeze(),
                 x.squeeze(0), x.squeeze((0, 1)), x @ x.t(), x.mm(x.t()), x @ x[0], x.mv(x[0]), x[0] @ x[0],
                 x[0].dot(x[0]), m.bmm(x[None], x.t()[None]), m.nn.functional.linear(x, x),
                 m.nn.functional.linear(x, x, x[:, 0]))
        return [y.grad_fn.name() for y in found]

    assert names(minigrad) == names(torch)


def test_what_is_absent_says_so():
    x, i = minigrad.ones(3), minigrad.tensor([0])
    with pytest.raises(NotImplementedError, match="reduce"):
        x.scatter(0, i, 1.0, reduce="add")
    with pytest.raises(NotImplementedError, match="nuc"):
        minigrad.ones(2, 2).norm("nuc")
