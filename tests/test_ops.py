"""Every operator against PyTorch and against finite differences, in both precisions.

The tables stand in cases_*.py: OPERATORS has an entry for each public function, EDGES the inputs
where a formula is not smooth or not finite. A case is a function of the library and its inputs, as
in `helpers.check`.
"""

import importlib
import inspect
import pickle
import re
import types
from itertools import count
from pathlib import Path

import cases_shape
import numpy as np
import pytest
import torch
from helpers import (
    INF,
    arrays,
    assert_same,
    check,
    check_differences,
    derivatives,
    leaves,
    listed,
    outputs_of,
)

import minigrad
import minigrad.ops
from minigrad.engine import Operator


def collect(table):
    """One dict of the tables of this name in all files of cases."""
    found = {}
    for path in sorted(Path(__file__).parent.glob("cases_*.py")):
        part = getattr(importlib.import_module(path.stem), table, {})
        assert not found.keys() & part.keys(), f"{found.keys() & part.keys()} of {path.name} stand elsewhere too"
        found |= part
    return found


OPERATORS, EDGES = collect("OPERATORS"), collect("EDGES")


def cases(table):
    return [
        pytest.param(function, inputs, id=f"{name}-{i}")
        for name, entry in table.items()
        for i, (function, *inputs) in enumerate(entry)
    ]


@pytest.mark.parametrize("function, inputs", cases(OPERATORS))
def test_operator(function, inputs):
    check(function, *inputs)


@pytest.mark.parametrize("function, inputs", cases(EDGES))
def test_edge(function, inputs):
    check(function, *inputs, order=1, differences=False)


def test_where_operators_differ_from_pytorch_on_purpose():
    # A number % a tensor has a gradient, a variance over dim=() the right one.
    check_differences(lambda x: 3.2 % x, (2, 3))
    check_differences(lambda x: x.var(()), (2, 3))


def test_a_remainder_of_0_has_the_sign_of_what_is_divided():
    numbers = [-0.0, 0.0, -4.0, 4.0, -2.0, 3.0, np.inf, np.nan]
    for divisor in (2.0, -2.0, -1.5, np.inf, 0.0):
        for dtype in ("float32", "float64"):
            mine, theirs = (lib.tensor(numbers, dtype=getattr(lib, dtype)) % divisor for lib in (minigrad, torch))
            np.testing.assert_array_equal(mine.numpy(), theirs.numpy())
            nan = np.isnan(theirs.numpy())
            np.testing.assert_array_equal(np.signbit(mine.numpy())[~nan], np.signbit(theirs.numpy())[~nan])


@pytest.mark.parametrize("function", [
    lambda m, x: x**2, lambda m, x: x**x, lambda m, x: 2**x, lambda m, x: x.clamp(0, 1), lambda m, x: x.clamp(min=x),
    lambda m, x: x.masked_fill(x > 0, 1), lambda m, x: x.masked_fill(x > 0, m.tensor(1.0)), lambda m, x: x.norm(INF),
    lambda m, x: x.max(), lambda m, x: x.std(),
], ids=count())  # fmt: skip
def test_results_print_under_the_names_of_pytorch(function):
    mine, theirs = (function(m, m.ones(2, requires_grad=True)).grad_fn.name() for m in (minigrad, torch))
    assert mine == theirs


def test_pairs_go_through_pickle():
    x = minigrad.tensor([3.0, 1.0])
    for pair in (x.max(0), x.min(0), x.sort(), x.topk(1)):
        again = pickle.loads(pickle.dumps(pair))
        assert type(again) is type(pair) and repr(again) == repr(pair)


@pytest.mark.parametrize("name", cases_shape.OPERATORS)
def test_what_is_a_view_of_its_input_and_what_is_a_copy(name):
    for function, *inputs in cases_shape.OPERATORS[name]:
        given = arrays(inputs, np.float64)
        shared = [
            [np.shares_memory(y.numpy(force=True), given[0]) for y in outputs_of(function, lib, leaves(lib, given))]
            for lib in (minigrad, torch)
        ]
        assert shared[0] == shared[1]


# ---- the table is complete

PUBLIC = {
    name: function
    for name, function in vars(minigrad).items()
    if isinstance(function, types.FunctionType)
    and function.__module__.startswith("minigrad.ops.")
    and function.__module__ != "minigrad.ops.create"  # see test_creation.py
    and function.__name__ == name  # not another name of one
} | {name: getattr(minigrad.nn.functional, name) for name in minigrad.nn.functional.__all__}


def test_every_public_function_has_an_entry():
    assert len(PUBLIC) > 60
    assert not PUBLIC.keys() - OPERATORS.keys()


def test_every_operator_class_is_in_a_case():
    """Walk the graphs of all results and of their gradients, and see which classes made them."""
    seen = set()
    for entry in (OPERATORS | EDGES).values():
        for function, *inputs in entry:
            found = derivatives(function, minigrad, arrays(inputs, np.float64), 2)
            waiting = [x.grad_fn for outputs in found for x in outputs if hasattr(x, "grad_fn")]
            while waiting:
                node = waiting.pop()
                if isinstance(node, Operator):
                    seen.add(type(node))
                    waiting += [maker for maker, _ in node.next_functions]
    classes = {
        cls
        for module in vars(minigrad.ops).values()
        if isinstance(module, types.ModuleType)
        for cls in vars(module).values()
        if isinstance(cls, type) and issubclass(cls, Operator)
    }
    written_in_place = {"SetItem", "CopySlices"}  # in the tests of indexing and in-place writes
    not_differentiable = {"FloorDivide"}
    unseen = {cls.__name__ for cls in classes - seen if not cls.__subclasses__()}  # not those that others are made from
    assert unseen - written_in_place == not_differentiable


class Methods:
    """Like the library, but m.f(x, ...) is x.f(...) where tensors have such a method."""

    def __getattr__(self, name):
        method = getattr(minigrad.Tensor, name, None)
        found = getattr(minigrad, name)
        return found if method is None or name in ("where", "nn") else method


@pytest.mark.parametrize("name", sorted(OPERATORS))
def test_methods_take_the_arguments_of_the_functions(name):
    for function, *inputs in OPERATORS[name]:
        given = arrays(inputs, np.float32)
        theirs = outputs_of(function, torch, leaves(torch, given))
        for mine, other in zip(listed(function(Methods(), *leaves(minigrad, given))), theirs):
            assert_same(mine, other)


def test_methods_have_the_names_of_pytorch():
    ours = {name for name in dir(minigrad.Tensor) if not name.startswith("_")}
    assert ours - set(dir(torch.Tensor)) == {
        "astype",  # which the engine calls
        "backward_steps",  # minigrad's own
    }


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_arguments_have_the_names_of_pytorch(name):
    ours = inspect.signature(PUBLIC[name]).parameters
    name = name.replace("convolve", "conv")  # which PyTorch has not
    functional = torch.nn.functional
    for theirs in (f"{name}_with_indices", name):
        theirs = getattr(functional, theirs, None) or getattr(torch, theirs, None)
        if isinstance(theirs, types.FunctionType) and name != "einsum":  # einsum(*args), documented as here
            known = [p for p in inspect.signature(theirs).parameters if p != "_stacklevel"]
            assert list(ours) == known[: len(ours)]
            return
    documented = f"{theirs.__doc__} {getattr(getattr(torch.Tensor, name, None), '__doc__', '')}"
    lines = re.findall(rf"{name}\((.*?)\)", documented)
    known = re.findall(r"\w+", " ".join(lines)) + ["input", "max", "min", "reduce", "size", "unbiased", "value"]
    assert ours.keys() <= set(known)


@pytest.mark.parametrize("lib", [minigrad, torch])
def test_long_sums_across_rows_lose_no_digits(lib):
    """Along its rows NumPy adds up in pairs, across them one by one: in float32 that is 1 % off for a million 0.1."""
    x = lib.full((1_000_000, 3), 0.1)
    bias = lib.zeros(3, requires_grad=True)
    (lib.zeros(1_000_000, 3) + bias).backward(x)
    for sums in (x.sum(0), x.t().sum(1), x.reshape(-1, 3, 1).sum((0, 2)), x.mean(0) * 1e6, bias.grad,
                 lib.einsum("ij->j", x), x.sum_to_size(1, 3)):  # fmt: skip
        np.testing.assert_allclose(sums.detach().numpy().ravel(), 1e5, rtol=1e-6)
    assert x.std(0).max() < 1e-7
