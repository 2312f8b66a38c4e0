"""What the tables of operators cannot show: names, docstrings, and the error function far and wide."""

import math

import numpy as np
import pytest
import torch

import minigrad
from minigrad import kernels
from minigrad.ops.table import define

NAMES = """
    neg abs sign exp exp2 expm1 log log2 log10 log1p sqrt rsqrt reciprocal square sin cos tan tanh sigmoid relu erf
    floor ceil round trunc""".split()
ACTIVATIONS = "leaky_relu elu gelu silu softplus relu6 logsigmoid relu".split()


@pytest.mark.parametrize("name", NAMES)
def test_the_maker_of_a_result_has_the_name_of_pytorch(name):
    mine, theirs = (getattr(lib, name)(lib.ones(2, requires_grad=True)) for lib in (minigrad, torch))
    assert mine.grad_fn.name() == theirs.grad_fn.name()


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_the_maker_of_an_activation_has_the_name_of_pytorch(name):
    mine, theirs = (
        getattr(lib.nn.functional, name)(lib.ones(2, requires_grad=True)) for lib in (minigrad, torch)
    )  # fmt: skip
    assert mine.grad_fn.name() == theirs.grad_fn.name()


@pytest.mark.parametrize("name", NAMES)
def test_a_row_of_the_table_is_a_function_with_a_docstring(name):
    function = getattr(minigrad, name)
    assert function.__name__ == name
    assert function.__doc__.split()[0] and f"minigrad.{name}(" in function.__doc__


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_erf_is_that_of_the_c_library_on_any_number_of_threads(dtype):
    x = np.linspace(-7, 7, 100_001).astype(dtype)
    expected = np.array([math.erf(t) for t in x]).astype(dtype)
    threads = kernels.get_num_threads()
    try:
        for kernels_threads in (1, 2):
            kernels.set_num_threads(kernels_threads)
            np.testing.assert_allclose(kernels.erf(x), expected, rtol=3 * np.finfo(dtype).eps, atol=0)
            np.testing.assert_array_equal(kernels.erf(x[::-3]), kernels.erf(x)[::-3])
    finally:
        kernels.set_num_threads(threads)
    with pytest.raises(TypeError, match="int64"):
        kernels.erf(np.arange(3))


def test_a_row_keeps_only_what_its_rules_name():
    class_of = {
        "g": define("G", np.add, lambda g: g, lambda g: g),
        "x": define("X", np.add, lambda g, y: g, lambda g, x: g),
        "z": define("Z", np.add, lambda g, z: g, lambda g: g),
    }
    assert class_of["g"].uses == ((), ()) and not class_of["g"].uses_output
    assert class_of["x"].uses == ((1,), (0,)) and not class_of["x"].uses_output
    assert class_of["z"].uses == ((), ()) and class_of["z"].uses_output
    x = minigrad.ones(2, requires_grad=True)
    y = x * 1
    z = class_of["g"].apply(y, 1.0)
    y.add_(1)  # nobody kept it
    z.sum().backward()
    assert x.grad.tolist() == [1.0, 1.0]
    y = x * 1
    z = minigrad.log(y)
    y.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation.*LogBackward0 saved it"):
        z.sum().backward()


def test_bitwise_writes_in_place_reach_the_other_names_of_a_tensor():
    mask = minigrad.tensor([True, True, False])
    same = mask
    mask &= minigrad.tensor([True, False, True])
    assert same.tolist() == [True, False, False]
    mask |= minigrad.tensor([False, False, True])
    mask ^= True
    assert same.tolist() == [False, True, False]


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_second_derivatives_of_activations_far_out_and_at_kinks(name):
    # The branch that is not taken must not spoil the one that is: 0 times an infinite e^x would be NaN.
    found = []
    for lib in (minigrad, torch):
        x = lib.tensor([0.0, 1000.0, -1000.0, 100.0, -100.0], requires_grad=True)
        (g,) = lib.autograd.grad(getattr(lib.nn.functional, name)(x).sum(), x, create_graph=True)
        (gg,) = lib.autograd.grad((g * g).sum() + (x * 0).sum(), x)
        found.append(g.tolist() + gg.tolist())
    assert found[0] == pytest.approx(found[1], abs=1e-6)
