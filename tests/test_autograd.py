"""Operators of users' own, and the check of gradients."""

import gc
import importlib
import weakref
from unittest import mock

import numpy as np
import pytest
import torch
from helpers import assert_same, check_error

import minigrad
from minigrad import nn
from minigrad.autograd import Function, GradcheckError, grad, gradcheck, gradgradcheck


def make_functions(lib):
    """The same operators written for either library: only the import differs."""

    class Cube(lib.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x**3

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return 3 * x**2 * g

    class Exp(lib.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            y = x.exp()
            ctx.save_for_backward(y)
            return y

        @staticmethod
        def backward(ctx, g):
            (y,) = ctx.saved_tensors
            return g * y

    class Scale(lib.autograd.Function):
        @staticmethod
        def forward(x, factor):
            return x * factor

        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.factor = inputs[1]

        @staticmethod
        def backward(ctx, g):
            return g * ctx.factor, None

    class SumAndDifference(lib.autograd.Function):
        @staticmethod
        def forward(ctx, x, y):
            return x + y, x - y

        @staticmethod
        def backward(ctx, a, b):
            return a + b, a - b

    return Cube, Exp, Scale, SumAndDifference


def x64():
    return minigrad.tensor([0.5, -1.0, 2.0], dtype=minigrad.float64, requires_grad=True)


def test_functions_of_users_agree_with_torch():
    results = []
    for lib in (minigrad, torch):
        cube, exp, scale, both = make_functions(lib)
        x = lib.tensor([0.5, -1.0, 2.0], dtype=lib.float64, requires_grad=True)
        y = both.apply(exp.apply(x), scale.apply(cube.apply(x), 2.0))[1]  # one output is left unused
        (first,) = lib.autograd.grad(y.sum(), x, create_graph=True)
        (second,) = lib.autograd.grad((first * first).sum(), x)
        results.append([t.detach().numpy() for t in (y, first, second)])
    for mine, theirs in zip(*results):
        np.testing.assert_allclose(mine, theirs, rtol=1e-12)


def test_functions_of_users_are_checked_to_second_order():
    for function in make_functions(minigrad)[:2]:
        assert gradcheck(function.apply, x64())
        assert gradgradcheck(function.apply, x64())


def test_the_name_and_the_needs_of_a_function():
    cube, _, scale, both = make_functions(minigrad)
    y = cube.apply(x64())
    assert "CubeBackward" in repr(y) and y.grad_fn.needs_input_grad == (True,)
    assert not cube.apply(minigrad.ones(2)).requires_grad
    with minigrad.no_grad():
        assert not cube.apply(x64()).requires_grad
    assert scale.apply(x64(), 2.0).grad_fn.needs_input_grad == (True, False)


def test_a_saved_output_makes_no_cycle():
    _, exp, *_ = make_functions(minigrad)
    gc.collect()
    gc.disable()
    try:
        y = exp.apply(x64())
        node = weakref.ref(y.grad_fn)
        del y
        assert node() is None
    finally:
        gc.enable()


def test_saved_tensors_are_watched():
    cube, exp, *_ = make_functions(minigrad)
    for function, change_output in ((cube, False), (exp, True)):
        x = x64() * 1
        y = function.apply(x)
        (y if change_output else x).add_(1)
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            y.sum().backward()


def test_what_a_function_saved_is_let_go_after_backward():
    for lib in (minigrad, torch):
        cube, exp, *_ = make_functions(lib)
        for function in (cube, exp):
            y = function.apply(lib.ones(2, requires_grad=True)).sum()
            y.backward(retain_graph=True)
            y.backward()
            with pytest.raises(RuntimeError, match="backward through the graph a second time"):
                y.backward()


@pytest.mark.parametrize("keeping", [
    lambda m, x: m.nn.functional.max_pool2d(x, 2), lambda m, x: x[m.tensor([1, 0])], lambda m, x: x[x > 0],
    lambda m, x: x.max(2).values, lambda m, x: x.sort().values, lambda m, x: x.gather(0, m.tensor([[[0, 1]]])),
], ids=["max_pool2d", "lines", "mask", "max", "sort", "gather"])  # fmt: skip
def test_indices_that_an_operator_keeps_are_let_go_after_backward_too(keeping):
    for lib in (minigrad, torch):
        x = lib.arange(32.0).reshape(2, 4, 4).requires_grad_()
        y = keeping(lib, x).sum()
        y.backward(retain_graph=True)
        y.backward()
        with pytest.raises(RuntimeError, match="backward through the graph a second time"):
            y.backward()
        y = x[0, 1:].sum()  # what keeps nothing goes again
        y.backward()
        y.backward()


def test_a_function_without_a_rule_and_with_too_few_gradients():
    class NoRule(Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

    class TooFew(NoRule):
        @staticmethod
        def forward(ctx, x, y):
            return x * y

        @staticmethod
        def backward(ctx, g):
            return g

    with pytest.raises(NotImplementedError, match="backward"):
        NoRule.apply(x64()).sum().backward()
    with pytest.raises(RuntimeError, match=r"TooFewBackward.*expected 2, got 1"):
        TooFew.apply(x64(), x64()).sum().backward()


def test_non_differentiable_outputs():
    class Split(Function):
        @staticmethod
        def forward(ctx, x):
            order = x.argmax()
            floor = x // 1
            ctx.mark_non_differentiable(floor)
            return x * 2, order, floor

        @staticmethod
        def backward(ctx, g, _order, _floor):
            return g * 2

    x = x64()
    y, order, floor = Split.apply(x)
    assert y.requires_grad and not order.requires_grad and not floor.requires_grad
    y.sum().backward()
    assert x.grad.tolist() == [2, 2, 2]


def own(m, forward, backward):
    return type("Own", (m.autograd.Function,), {"forward": forward, "backward": backward}).apply


@pytest.mark.parametrize("backward", [
    lambda ctx, g, *none: (g * 2, None), lambda ctx, g, *none: (g * 2, None, None),
], ids=["one", "two"])  # fmt: skip
def test_a_function_may_return_more_nones_and_what_is_no_tensor(backward):
    for m in (minigrad, torch):
        x = m.ones(3, requires_grad=True)
        number, y, text, ints = own(m, lambda ctx, x: (5, x * 2, "text", x.long()), lambda ctx, h, g, *none: backward(
            ctx, g + (h is not None or none[0] is not None)))(x)
        assert (number, text, ints.requires_grad) == (5, "text", False)
        y.sum().backward()
        assert x.grad.tolist() == [2, 2, 2]
        assert own(m, lambda ctx, x: 5, backward)(x) == 5
        y = own(m, lambda ctx, x, factor=1: x * factor, backward)(x, factor=2)
        list(y.sum().backward_steps()) if m is minigrad else y.sum().backward()
        assert x.grad.tolist() == [4, 4, 4]


def test_a_gradient_of_a_wrong_shape_names_its_function_and_its_input():
    def wrong(m, walk):
        z = own(m, lambda ctx, x, y: x * y, lambda ctx, g: (g, m.ones(2)))(m.ones(3), m.ones(3, requires_grad=True))
        list(getattr(z.sum(), walk if m is minigrad else "backward")())

    for walk in ("backward", "backward_steps"):
        check_error(lambda m, walk=walk: wrong(m, walk), RuntimeError,
                    "Function OwnBackward returned an invalid gradient at index 1", "[2]", "[3]")


def test_once_differentiable():
    def gradient(m, weight):
        once = importlib.import_module(f"{m.__name__}.autograd.function").once_differentiable
        x = m.tensor([1.0, 2.0], requires_grad=True)
        backward = once(lambda ctx, g: (g * m.tensor(ctx.numbers.numpy() ** 2), None))
        return m.autograd.grad(own(m, lambda ctx, x: setattr(ctx, "numbers", x.detach()) or x**3 / 3, backward)(x), x,
                               weight, create_graph=True)[0]

    for m in (minigrad, torch):
        first = gradient(m, m.ones(2))
        assert first.tolist() == [1, 4] and not first.requires_grad
    check_error(lambda m: gradient(m, m.ones(2, requires_grad=True)).sum().backward(), RuntimeError,
                "differentiate twice", "once_differentiable")


# ---- gradients as users get and set them


@pytest.mark.parametrize("create_graph", [False, True])
def test_gradients_may_be_written_into(create_graph):
    for m in (minigrad, torch):
        x = m.ones(2, requires_grad=True)
        y = x * 1
        for root, by in ((x.mean(), x), (y, y)) + ((x.sum(), x), (y.sum(), y)) * (m is minigrad):
            (g,) = m.autograd.grad(root, by, m.ones_like(root), retain_graph=True, create_graph=create_graph)
            before = g.tolist()
            assert g.mul_(2).tolist() == [2 * n for n in before]


def test_the_arguments_of_grad_stand_in_the_order_of_pytorch():
    for m in (minigrad, torch):
        x, y = m.ones(2, requires_grad=True), m.ones(2, requires_grad=True)
        assert m.autograd.grad(x.sum(), [x, y], None, None, False, True, True)[1] is None
        assert m.autograd.grad(x.sum(), [x, y], only_inputs=True, allow_unused=True)[1] is None


@pytest.mark.parametrize("hook", [lambda g: g.double(), lambda g: g[None]], ids=["dtype", "shape"])
def test_a_hook_may_not_change_the_form_of_a_gradient(hook):
    for at in (0, 1):
        for walk in ("backward", "backward_steps"):
            def run(m, at=at, walk=walk):
                x = m.ones(2, requires_grad=True)
                y = x * 2
                (x, y)[at].register_hook(hook)
                list(getattr(y.sum(), walk if m is minigrad else "backward")() or ())

            check_error(run, RuntimeError, "hook has changed the")


@pytest.mark.parametrize("m", [minigrad, torch])
@pytest.mark.parametrize("function", ["x - 1", "-x", "x.flip(0)", "x.floor()", "x.clone()", "x.cumsum(0)"])
def test_what_keeps_nothing_can_be_walked_twice(m, function):
    x = m.ones(2, requires_grad=True)
    y = eval(function, {"x": x})
    y.sum().backward()
    y.sum().backward()
    with pytest.raises(RuntimeError, match="second time"):
        y = eval(function, {"x": x}) * x
        y.sum().backward()
        y.sum().backward()


@pytest.mark.parametrize("m", [minigrad, torch])
def test_a_leaf_that_is_frozen_in_between_gets_no_gradient(m):
    x = m.ones(2, requires_grad=True)
    y = (x * 3).sum()
    x.requires_grad_(False)
    y.backward()
    assert x.grad is None


def test_leaves_take_over_the_gradients_that_nobody_else_holds():
    layers = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    loss = layers(minigrad.ones(1, 3)).sum()
    with mock.patch.object(minigrad.Tensor, "clone", side_effect=AssertionError("copied")):
        loss.backward()
    assert all(p.grad.shape == p.shape for p in layers.parameters())


@pytest.mark.parametrize("m", [minigrad, torch])
def test_backward_to_a_result_makes_it_retain_its_gradient(m):
    x = m.ones(2, requires_grad=True)
    h = x * 2
    h.sum().backward(inputs=[h, x], retain_graph=True)
    assert h.grad.tolist() == [1, 1] and x.grad.tolist() == [2, 2]
    h.sum().backward()
    assert h.grad.tolist() == [2, 2] and h.retains_grad and x.grad.tolist() == [4, 4]


@pytest.mark.parametrize("m", [minigrad, torch])
def test_gradients_of_zero_that_are_made_up_can_be_differentiated(m):
    x, y = m.ones(2, requires_grad=True), m.ones(2, requires_grad=True)
    g, = m.autograd.grad((x * 2).sum(), [y], create_graph=True, materialize_grads=True)
    assert m.autograd.grad(g.sum(), y, allow_unused=True) == (None,)


@pytest.mark.parametrize("m", [minigrad, torch])
def test_flatten_of_what_is_flat_is_the_tensor_itself(m):
    x = m.ones(2, 3)
    assert x.flatten(1) is x and x.flatten(0, 0) is x and m.ones(()).flatten().shape == (1,)


def test_data_and_grad_can_be_set_and_deleted():
    for m in (minigrad, torch):
        x = m.ones(2, requires_grad=True)
        x.data = m.ones(3).double()
        x.sum().backward()
        del x.grad
        assert x.grad is None and x.shape == (3,) and x.dtype == m.float64
    check_error(lambda m: setattr(m.ones(2, requires_grad=True), "data", m.tensor([1])), RuntimeError, "data", "int64")
    check_error(lambda m: setattr(m.ones(2, requires_grad=True) * 1, "data", m.tensor([1])), RuntimeError, "data")


def test_the_class_makes_tensors_of_sizes_of_data_and_of_tensors():
    for make in (lambda m: m.Tensor(m.Size([2, 3])), lambda m: m.Tensor(m.Size([])), lambda m: m.Tensor(np.int64(2))):
        assert make(minigrad).shape == make(torch).shape
    for m in (minigrad, torch):
        x = m.tensor([1, 2])
        m.Tensor(x)[0] = 7
        assert x.tolist() == [7, 2] and m.Tensor(x).dtype == m.int64
        assert m.Tensor(m.ones(2, requires_grad=True)).grad_fn is not None
    assert_same(minigrad.Tensor(range(2)), torch.Tensor(range(2)))
    for arguments in ((2.5,), (None,), (True,), (2, 2.5), ([2], [3]), (np.float32(2),)):
        check_error(lambda m, arguments=arguments: m.Tensor(*arguments), TypeError, "must be int")


@pytest.mark.parametrize("mode", ["no_grad", "enable_grad", "inference_mode", "set_grad_enabled"])
def test_the_mode_of_a_generator_holds_while_it_works(mode):
    def program(m):
        @(getattr(m, mode)(False) if mode == "set_grad_enabled" else getattr(m, mode)())
        def generator(n):
            for _ in range(n):
                seen.append((yield m.is_grad_enabled()))
            return "end"

        def outer():
            seen.append((yield from generator(1)))

        seen = []
        steps = generator(2)
        return [next(steps), m.is_grad_enabled(), steps.send("sent"), *steps, *outer(), m.is_grad_enabled(), *seen]

    assert program(minigrad) == program(torch)


# ---- gradcheck


def wrong(factor, order):
    """x^3 whose derivative of that order is off by a factor."""

    class Wrong(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x**3

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            slope = 3 * x**2
            if order == 2:  # the value is right, but a part of its history is cut off
                slope = slope.detach() + factor * (slope - slope.detach())
            return g * (slope * factor if order == 1 else slope)

    return Wrong.apply


def test_gradcheck_refuses_a_wrong_gradient():
    with pytest.raises(GradcheckError, match="Jacobian mismatch for output 0 with respect to input 0"):
        gradcheck(wrong(2, order=1), x64())
    assert not gradcheck(wrong(1.01, order=1), x64(), raise_exception=False)
    assert gradcheck(wrong(2, order=2), x64())
    with pytest.raises(GradcheckError):
        gradgradcheck(wrong(2, order=2), x64())


def test_gradcheck_of_several_inputs_and_outputs():
    def function(x, y, k):
        return (x * y).sum(), x.exp() * k, (x > 0)

    y = minigrad.tensor([[1.0], [2.0]], dtype=minigrad.float64, requires_grad=True)
    assert gradcheck(function, (x64(), y, 3.0))
    assert gradgradcheck(function, (x64(), y, 3.0))


def test_gradcheck_refuses_what_it_cannot_check():
    with pytest.raises(ValueError, match="requires_grad"):
        gradcheck(lambda x: x, minigrad.ones(2))
    with pytest.raises(ValueError, match="float64"):
        gradcheck(lambda x: x, minigrad.ones(2, requires_grad=True))


def test_gradcheck_leaves_its_inputs_alone():
    x = x64()
    before = x.tolist()
    gradcheck(lambda x: x * x, x)
    assert x.tolist() == before and x.grad is None
    assert grad((x * x).sum(), x)[0].tolist() == [1.0, -2.0, 4.0]


@pytest.mark.parametrize("m", [minigrad, torch], ids=["minigrad", "torch"])
def test_inference_mode(m):
    x = m.ones(2, requires_grad=True)
    with m.inference_mode():
        assert not (x * 2).requires_grad
        with m.inference_mode(False):
            pass
    assert (x * 2).requires_grad
    with m.inference_mode(mode=False):
        assert (x * 2).requires_grad
    assert not m.inference_mode(lambda: x * 2)().requires_grad
    assert not m.inference_mode()(lambda: x * 2)().requires_grad
