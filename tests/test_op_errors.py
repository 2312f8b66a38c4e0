"""Bad input of every public operator: PyTorch's exception class, and a message that helps."""

import inspect

import numpy as np
import pytest
from helpers import check_error
from test_ops import PUBLIC, collect

import minigrad


def F(m):
    return m.nn.functional


def one(m, *shape, dtype="float32"):
    return m.ones(*shape, dtype=getattr(m, dtype))


BROADCAST = ["size of tensor a (3)", "size of tensor b (4)", "non-singleton dimension 1", "[2, 3]"]
INNER = ["2x3", "4x2"]

# what is wrong: (call, exception, what the message says)
ERRORS = collect("ERRORS") | {
    "an array of objects": (lambda m: m.tensor(np.array([None, 1.0], object), dtype=m.float32), TypeError, ["object"]),
    "an array of texts": (lambda m: m.as_tensor(np.array(["1"]), dtype=m.float32), TypeError, ["U1"]),
    "a border of pairs": (lambda m: m.nn.functional.pad(one(m, 2, 3), ((1, 1),)), TypeError, ["pad", "(1, 1)"]),
    "gradients to nothing": (lambda m: m.autograd.grad(m.ones((), requires_grad=True) * 1, []), RuntimeError,
        ["inputs"]),
    "gradients that may and may not be missing": (lambda m: m.autograd.grad(*[m.ones((), requires_grad=True)] * 2,
        materialize_grads=True, allow_unused=False), ValueError, ["allow_unused", "materialize_grads"]),
    **{
        f"shapes of {name}": (
            lambda m, name=name: getattr(m, name)(one(m, 2, 3), one(m, 4)),
            RuntimeError, BROADCAST,
        )
        for name in ("add", "sub", "mul", "div", "pow", "remainder", "floor_divide", "maximum",
                     "minimum", "eq", "ne", "lt", "le", "gt", "ge", "logical_and", "logical_or",
                     "clamp")
    },
    **{
        f"a string for {name}": (
            lambda m, name=name: getattr(m, name)(one(m, 2), "two"), TypeError, ["str"]
        )
        for name in ("add", "sub", "mul", "div", "pow", "remainder", "floor_divide", "maximum", "eq",
                     "lt", "logical_or", "matmul", "clamp")
    },
    "shapes of +": (lambda m: one(m, 2, 3) + one(m, 4), RuntimeError, BROADCAST),
    "shapes of +=": (lambda m: one(m, 2, 3).add_(one(m, 4)), RuntimeError, BROADCAST),
    "shapes of &": (lambda m: (one(m, 2, 3) > 0) & (one(m, 4) > 0), RuntimeError, BROADCAST),
    "first dimension": (
        lambda m: one(m, 2, 5, 3) * one(m, 4, 1, 3), RuntimeError, ["a (2)", "b (4)", "dimension 0"]
    ),
    "empty against two": (
        lambda m: one(m, 0) - one(m, 2), RuntimeError, ["a (0)", "b (2)", "dimension 0"]
    ),
    "empty on the right": (lambda m: one(m, 2) - one(m, 0), RuntimeError, ["a (2)", "b (0)"]),
    "shapes of where": (
        lambda m: m.where(one(m, 2) > 0, one(m, 3), 1.0), RuntimeError, ["a (2)", "b (3)", "[2]"]
    ),
    "too large": (
        lambda m: m.ones(1).expand(2**40, 1) + m.ones(1).expand(1, 2**40), RuntimeError,
        ["1099511627776"],
    ),
    "None": (lambda m: one(m, 2) + None, TypeError, ["NoneType"]),
    "a list": (lambda m: [1.0, 2.0] * one(m, 2), TypeError, ["index"]),
    "a list compared": (lambda m: one(m, 2) < [1.0], TypeError, ["list"]),
    "a complex number": (lambda m: m.maximum(one(m, 2), 1j), TypeError, ["complex"]),
    "condition": (lambda m: m.where([True], 1.0, 2.0), TypeError, ["condition", "list"]),
    "condition of floats": (
        lambda m: m.where(one(m, 2), 1.0, 2.0), RuntimeError, ["condition", "float32"]
    ),
    "where of None": (lambda m: m.where(one(m, 2) > 0, None, 2.0), TypeError, ["NoneType"]),
    "bool minus": (lambda m: (one(m, 2) > 0) - (one(m, 2) > 0), RuntimeError, ["bool"]),
    "bool negative": (lambda m: -(one(m, 2) > 0), RuntimeError, ["bool"]),
    "bool abs": (lambda m: abs(one(m, 2) > 0), NotImplementedError, ["abs", "Bool"]),
    "bool relu": (lambda m: (one(m, 2) > 0).relu(), RuntimeError, ["relu", "Bool"]),
    "bool clamp": (lambda m: (one(m, 2) > 0).clamp(min=True), NotImplementedError, ["Bool"]),
    "float invert": (lambda m: ~one(m, 2), TypeError, ["invert"]),
    "float and": (lambda m: one(m, 2) & one(m, 2), NotImplementedError, ["and", "Float"]),
    "clamp to nothing": (lambda m: one(m, 2).clamp(), RuntimeError, ["min", "max"]),
    "clamp number and tensor": (lambda m: one(m, 2).clamp(0, one(m, 2)), TypeError, ["min", "int"]),
    "rounding": (
        lambda m: m.div(one(m, 2), 2, rounding_mode="up"), RuntimeError, ["rounding_mode", "up"]
    ),

    "matmul sizes": (lambda m: one(m, 2, 3) @ one(m, 4, 2), RuntimeError, INNER),
    "matmul vector": (lambda m: one(m, 2, 3) @ one(m, 4), RuntimeError, ["2x3", "4"]),
    "matmul batches": (
        lambda m: one(m, 2, 1, 3) @ one(m, 3, 3, 1), RuntimeError, ["[2, 1, 3]", "[3, 3, 1]"]
    ),
    "matmul empty batches": (lambda m: m.ones(2, 0, 3) @ m.ones(3, 3, 1), RuntimeError, ["(2)", "(3)"]),
    "matmul 0-d": (lambda m: m.tensor(1.0) @ one(m, 2), RuntimeError, ["matmul", "0D"]),
    "matmul dtypes": (
        lambda m: one(m, 2, 2) @ one(m, 2, 2, dtype="float64"), RuntimeError, ["float64", "float32"]
    ),
    "matmul number": (lambda m: one(m, 2) @ 2.0, TypeError, ["float"]),

    "sum over a float": (lambda m: one(m, 2).sum(0.5), TypeError, ["dim", "float"]),
    "sum twice": (lambda m: one(m, 2, 3).sum((0, 0)), RuntimeError, ["dim 0", "multiple times"]),
    "sum twice, from the end": (lambda m: one(m, 2, 3).sum((1, -1)), RuntimeError, ["dim 1"]),
    "sum of 0-d over 1": (lambda m: m.tensor(1.0).sum(1), IndexError, ["[-1, 0]", "1"]),
    "sum of a dtype": (lambda m: one(m, 2).sum(dtype="float64"), TypeError, ["dtype", "str"]),
    "mean of integers": (lambda m: one(m, 2, dtype="int64").mean(), RuntimeError, ["int64"]),
    "var of integers": (lambda m: one(m, 2, dtype="int64").var(), RuntimeError, ["floating"]),
    "std of integers": (lambda m: one(m, 2, dtype="int64").std(), RuntimeError, ["floating"]),
    "prod over two": (lambda m: one(m, 2, 2).prod((0, 1)), TypeError, ["dim", "tuple"]),
    "max over two": (lambda m: one(m, 2, 2).max((0, 1)), TypeError, ["dim", "tuple"]),
    "argmax over two": (lambda m: one(m, 2, 2).argmax((0, 1)), TypeError, ["dim", "tuple"]),
    "max of nothing": (lambda m: one(m, 0).max(), RuntimeError, ["max", "dim"]),
    "min of nothing": (lambda m: one(m, 0).min(), RuntimeError, ["min", "dim"]),
    "max along nothing": (lambda m: one(m, 2, 0).max(1), IndexError, ["max", "[2, 0]"]),
    "amax of nothing": (lambda m: one(m, 0).amax(), RuntimeError, ["amax"]),
    "amax along nothing": (lambda m: one(m, 2, 0).amax(1), IndexError, ["amax", "[2, 0]"]),
    "amin along nothing": (lambda m: one(m, 2, 0).amin((0, 1)), IndexError, ["amin", "[2, 0]"]),
    "argmax of nothing": (lambda m: one(m, 0).argmax(), IndexError, ["argmax", "dim"]),
    "argmin along nothing": (lambda m: one(m, 2, 0).argmin(1), IndexError, ["argmin", "[2, 0]"]),
    **{
        f"dim 2 of {name}": (
            lambda m, name=name: getattr(m, name)(one(m, 2, 3), dim=2), IndexError, ["[-2, 1]", "2"]
        )
        for name in ("sum", "mean", "var", "std", "prod", "max", "min", "amax", "amin", "argmax",
                     "argmin", "softmax", "log_softmax", "squeeze")
    },

    "reshape": (lambda m: one(m, 2, 3).reshape(4, 2), RuntimeError, ["[4, 2]", "6", "[2, 3]"]),
    "reshape -1 twice": (lambda m: one(m, 2, 3).reshape(-1, -1), RuntimeError, ["only one"]),
    "reshape -2": (lambda m: one(m, 2, 3).reshape(-2, 3), RuntimeError, ["-2"]),
    "reshape -1 of nothing": (lambda m: one(m, 0).reshape(-1, 0), RuntimeError, ["ambiguous"]),
    "reshape -1": (lambda m: one(m, 2, 3).reshape(-1, 4), RuntimeError, ["[-1, 4]", "6"]),
    "reshape to a float": (lambda m: one(m, 2).reshape(2.0), TypeError, ["reshape", "float"]),
    "reshape to text": (lambda m: m.reshape(one(m, 2), "2"), TypeError, ["reshape", "str"]),
    "view of a transpose": (lambda m: one(m, 2, 3).t().view(6), RuntimeError, ["reshape"]),
    "view of an expansion": (lambda m: one(m, 2, 1).expand(2, 3).view(6), RuntimeError, ["view"]),
    "view": (lambda m: one(m, 2, 3).view(4), RuntimeError, ["[4]", "6"]),
    "flatten": (lambda m: one(m, 2, 3).flatten(1, 0), RuntimeError, ["start_dim", "end_dim"]),
    "flatten far": (lambda m: one(m, 2, 3).flatten(0, 2), IndexError, ["2"]),
    "t": (lambda m: one(m, 2, 3, 4).t(), RuntimeError, ["3D"]),
    "transpose": (lambda m: one(m, 2, 3).transpose(0, 2), IndexError, ["[-2, 1]"]),
    "transpose text": (lambda m: one(m, 2, 3).transpose(0, "1"), TypeError, ["dim", "str"]),
    "permute few": (lambda m: one(m, 2, 3).permute(0), RuntimeError, ["2", "1"]),
    "permute twice": (lambda m: one(m, 2, 3).permute(0, 0), RuntimeError, ["duplicate"]),
    "permute far": (lambda m: one(m, 2, 3).permute(0, 2), IndexError, ["2"]),
    "unsqueeze": (lambda m: one(m, 2).unsqueeze(3), IndexError, ["[-2, 1]", "3"]),
    "expand": (lambda m: one(m, 2, 3).expand(2, 4), RuntimeError, ["[2, 4]", "[2, 3]"]),
    "expand fewer": (lambda m: one(m, 2, 3).expand(3), RuntimeError, ["[3]", "[2, 3]"]),
    "expand -1 in front": (lambda m: one(m, 3).expand(-1, 3), RuntimeError, ["[-1, 3]"]),
    "expand -2": (lambda m: one(m, 1).expand(-2), RuntimeError, ["-2"]),
    "broadcast_to": (lambda m: m.broadcast_to(one(m, 2), (3,)), RuntimeError, ["[3]", "[2]"]),
    "einsum of nothing": (lambda m: m.einsum("ij"), ValueError, ["einsum", "operands", "ij"]),
    "sum_to_size": (lambda m: one(m, 2, 3).sum_to_size(2), RuntimeError, ["[2]", "[2, 3]"]),
    "cat of nothing": (lambda m: m.cat([]), ValueError, ["cat", "non-empty"]),
    "cat of a tensor": (lambda m: m.cat(one(m, 2, 2)), TypeError, ["cat", "tensors"]),
    "cat of numbers": (lambda m: m.cat([one(m, 2), 1.0]), TypeError, ["cat", "element 1", "float"]),
    "cat sizes": (lambda m: m.cat([one(m, 2, 3), one(m, 2, 4)]), RuntimeError, ["[2, 3]", "[2, 4]"]),
    "cat ranks": (lambda m: m.cat([one(m, 2, 3), one(m, 2)]), RuntimeError, ["[2, 3]", "[2]"]),
    "cat 0-d": (lambda m: m.cat([m.tensor(1.0)]), RuntimeError, ["zero-dimensional"]),
    "cat dim": (lambda m: m.cat([one(m, 2)], 1), IndexError, ["[-1, 0]", "1"]),
    "stack sizes": (lambda m: m.stack([one(m, 2), one(m, 3)]), RuntimeError, ["[2]", "[3]"]),
    "stack of nothing": (lambda m: m.stack([]), RuntimeError, ["stack", "non-empty"]),
    "stack dim": (lambda m: m.stack([one(m, 2)], 2), IndexError, ["[-2, 1]", "2"]),
    "flip twice": (lambda m: one(m, 2, 2).flip(0, 0), RuntimeError, ["dim 0", "multiple times"]),
    "flip far": (lambda m: one(m, 2, 2).flip(2), IndexError, ["2"]),
    "pad odd": (lambda m: F(m).pad(one(m, 2), (1,)), RuntimeError, ["[1]", "[2]"]),
    "pad too many": (lambda m: F(m).pad(one(m, 2), (1, 1, 1, 1)), RuntimeError, ["[1, 1, 1, 1]"]),
    "pad away": (lambda m: F(m).pad(one(m, 2), (-1, -2)), RuntimeError, ["[-1, -2]", "[2]"]),
    "pad mode": (lambda m: F(m).pad(one(m, 2), (1, 1), "mirror"), NotImplementedError, ["mirror"]),
    "pad without end": (lambda m: F(m).pad(one(m, 2), (2**62, 0)), RuntimeError, ["pad"]),
    "to a place": (lambda m: one(m, 2).to("mars"), RuntimeError, ["mars"]),
}  # fmt: skip


@pytest.mark.parametrize("name", ERRORS)
def test_error(name):
    check_error(*ERRORS[name][:2], *ERRORS[name][2])


@pytest.mark.parametrize("name", sorted(PUBLIC.keys() - {"einsum"}))  # its first argument is a text
@pytest.mark.parametrize("wrong", [None, "text", (1.0,)], ids=repr)
def test_what_is_no_tensor(name, wrong):
    """The first argument of every function. PyTorch has other classes here, by accident, in those
    functions of it that are written in Python."""
    function = PUBLIC[name]
    parameters = list(inspect.signature(function).parameters.values())
    required = sum(p.default is p.empty for p in parameters)
    arguments = [wrong] + [minigrad.ones(1, 1, 1, 1)] * (required - 1)
    with pytest.raises(TypeError, match="NoneType|str|tuple|float"):
        function(*arguments)


def test_floor_divide_has_no_gradient():
    y = minigrad.ones(2, requires_grad=True) // 2
    with pytest.raises(RuntimeError, match="FloorDivide is not differentiable"):
        y.sum().backward()
