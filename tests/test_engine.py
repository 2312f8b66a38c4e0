"""The tape: backward and grad, graphs of any depth, hooks, versions, threads."""

import gc
import threading
import weakref
from itertools import count

import numpy as np
import pytest
import torch

import minigrad
from minigrad import autograd
from minigrad.engine import Operator, register_tensor_type, wrap


def leaf(*shape, seed=0):
    array = np.random.default_rng(seed).standard_normal(shape)
    return minigrad.tensor(array, requires_grad=True), torch.tensor(array, requires_grad=True)


def same(mine, theirs):
    np.testing.assert_allclose(mine.detach().numpy(), theirs.detach().numpy(), rtol=1e-12, atol=1e-12)


# ---- backward and grad


def test_backward_accumulates_in_leaves_and_only_there():
    x = minigrad.tensor([1.0, 2.0], requires_grad=True)
    y = x * 3
    z = (y * y).sum()
    z.backward()
    assert x.grad.tolist() == [18.0, 36.0] and y.grad is None and z.grad is None
    (x * 1).sum().backward()
    assert x.grad.tolist() == [19.0, 37.0]


def test_accumulation_keeps_the_gradient_tensor():
    x = minigrad.tensor([1.0], requires_grad=True)
    (x * 2).sum().backward()
    first = x.grad
    (x * 2).sum().backward()
    assert x.grad is first and first.tolist() == [4.0]


def test_a_leaf_used_twice_and_a_diamond():
    (x, tx), (y, ty) = leaf(3), leaf(3, seed=1)
    for lib, a, b in ((minigrad, x, y), (torch, tx, ty)):
        c = a * b + a
        (c * c + lib.sin(c) * a).sum().backward()
    same(x.grad, tx.grad)
    same(y.grad, ty.grad)


def test_gradients_of_leaves_never_share_memory():
    a, b = (minigrad.ones(3, requires_grad=True) for _ in range(2))
    (a + b).backward(seed := minigrad.ones(3))
    a.grad.mul_(5)
    assert b.grad.tolist() == [1, 1, 1] and seed.tolist() == [1, 1, 1]
    c = minigrad.ones(3, requires_grad=True)
    c.backward(seed)
    c.grad.mul_(5)
    assert seed.tolist() == [1, 1, 1]


def test_backward_of_no_number_needs_a_gradient():
    x = minigrad.ones(2, requires_grad=True)
    with pytest.raises(RuntimeError, match=r"only for scalar outputs.*\[2\]"):
        (x * 2).backward()
    with pytest.raises(RuntimeError, match="Mismatch in shape"):
        (x * 2).backward(minigrad.ones(3))
    with pytest.raises(RuntimeError, match="does not require grad"):
        minigrad.ones(1).backward()
    with pytest.raises(RuntimeError, match="argmax"):
        (x * 2).argmax().backward()


def test_a_second_backward_needs_retain_graph():
    x = minigrad.ones(2, requires_grad=True)
    y = (x * x).sum()
    y.backward(retain_graph=True)
    y.backward()
    assert x.grad.tolist() == [4, 4]
    with pytest.raises(RuntimeError, match="backward through the graph a second time"):
        y.backward()
    z = (x + x).sum()  # keeps nothing, so it can run again, as in PyTorch
    z.backward()
    z.backward()


def test_grad_returns_and_touches_no_leaf():
    (x, tx), (y, ty) = leaf(2, 3), leaf(3, seed=1)
    mine = autograd.grad((x * y).sum(), [x, y])
    theirs = torch.autograd.grad((tx * ty).sum(), [tx, ty])
    for a, b in zip(mine, theirs):
        same(a, b)
    assert x.grad is None and y.grad is None


def test_grad_by_an_intermediate_result():
    (x, tx) = leaf(3)
    y, ty = x * x, tx * tx
    mine = autograd.grad((y * y * x).sum(), [y, x])
    theirs = torch.autograd.grad((ty * ty * tx).sum(), [ty, tx])
    for a, b in zip(mine, theirs):
        same(a, b)


def test_grad_runs_only_what_leads_to_the_inputs():
    class Loud(autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 1

        @staticmethod
        def backward(ctx, g):
            raise AssertionError("this rule is not needed")

    x, y = minigrad.ones(2, requires_grad=True), minigrad.ones(2, requires_grad=True)
    (g,) = autograd.grad((Loud.apply(x) * y).sum(), y)
    assert g.tolist() == [1, 1]


def test_grad_of_what_has_no_part():
    x, y = minigrad.ones(2, requires_grad=True), minigrad.ones(2, requires_grad=True)
    with pytest.raises(RuntimeError, match="not have been used in the graph"):
        autograd.grad((x * 2).sum(), [x, y])
    found = autograd.grad((x * 2).sum(), [x, y], allow_unused=True)
    assert found[1] is None
    found = autograd.grad((x * 2).sum(), [x, y], materialize_grads=True)
    assert found[1].tolist() == [0, 0]
    with pytest.raises(RuntimeError, match="does not require grad"):
        autograd.grad(x.sum(), minigrad.ones(2))


def test_grad_by_itself_and_backward_with_inputs():
    x, y = minigrad.ones(2, requires_grad=True), minigrad.ones(2, requires_grad=True)
    (g,) = autograd.grad(x, x, minigrad.tensor([2.0, 3.0]))
    assert g.tolist() == [2, 3]
    (x * y).sum().backward(inputs=[x])
    assert x.grad.tolist() == [1, 1] and y.grad is None


def test_third_derivative():
    x = minigrad.tensor(2.0, dtype=minigrad.float64, requires_grad=True)
    g = x**4
    for expected in (32.0, 48.0, 48.0):
        (g,) = autograd.grad(g, x, create_graph=True)
        assert g.item() == pytest.approx(expected)


def test_backward_with_create_graph_leaves_a_gradient_with_a_history():
    x = minigrad.tensor(3.0, requires_grad=True)
    (x**3).backward(create_graph=True)
    assert x.grad.item() == 27 and x.grad.grad_fn is not None
    x.grad.backward()
    assert x.grad.item() == 27 + 18


def test_broadcasting_and_mixed_dtypes_are_undone():
    x = minigrad.ones(3, 1, requires_grad=True)
    y = minigrad.ones(2, 1, 4, dtype=minigrad.float64, requires_grad=True)
    (x * y).sum().backward()
    assert x.grad.shape == (3, 1) and x.grad.dtype is minigrad.float32 and x.grad.tolist() == [[8]] * 3
    assert y.grad.shape == (2, 1, 4) and y.grad.dtype is minigrad.float64


# ---- depth, memory


def chain(length, step=lambda y: y * 1.0):
    x = minigrad.tensor(1.0, requires_grad=True)
    y = x
    for _ in range(length):
        y = step(y)
    return x, y


def test_a_chain_of_a_million_operators():
    gc.collect()
    gc.disable()
    try:
        x, y = chain(1_000_000, lambda y: -y)
        y.backward()
        assert x.grad.item() == 1
        node = weakref.ref(y)
        del y
        assert node() is None
    finally:
        gc.enable()


def test_a_deep_graph_in_a_thread_with_a_small_stack():
    done = []

    def work():
        x, y = chain(100_000)
        y.backward()
        del y
        chain(100_000)  # freed without ever being run
        done.append(x.grad.item())

    threading.stack_size(512 * 1024)
    try:
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    finally:
        threading.stack_size(0)
    assert done == [1]


def test_a_diamond_of_sixty_levels_is_walked_once():
    x = minigrad.tensor(1.0, dtype=minigrad.float64, requires_grad=True)
    y = x
    for _ in range(60):
        y = y + y
    y.backward()
    assert x.grad.item() == 2.0**60


@pytest.mark.parametrize("build", [
    lambda x: (x * x).exp().sigmoid().sum(),
    lambda x: (x[0] * x[:, None, 0]).softmax(0).sum(),
    lambda x: minigrad.nn.functional.conv2d(x[None, None], x[None, None, :2, :2]).relu().sum(),
], ids=count())
def test_graphs_are_freed_without_the_cycle_collector(build):
    gc.collect()
    gc.disable()
    try:
        x = minigrad.ones(3, 3, requires_grad=True)
        y = build(x)
        node = weakref.ref(y.grad_fn)
        y.backward(retain_graph=True)
        assert node() is not None
        del y
        assert node() is None
    finally:
        gc.enable()


def test_in_place_writes_leave_no_cycle():
    gc.collect()
    gc.disable()
    try:
        x = minigrad.ones(3, requires_grad=True)
        y = minigrad.zeros(3, 3)
        y[0] = x
        y[1].mul_(x)
        y.exp_()
        y[2] += x
        node, loss = weakref.ref(y.grad_fn), y.sum()
        loss.backward()
        del loss, y
        assert node() is None
    finally:
        gc.enable()


# ---- what a tensor says of itself


def test_leaves_and_results():
    x = minigrad.ones(2, requires_grad=True)
    y = x * 2
    assert x.is_leaf and x.grad_fn is None and not y.is_leaf and y.requires_grad
    assert repr(y.grad_fn).startswith("<MulBackward0 object at 0x")
    ((accumulate, number), (nothing, _)) = y.grad_fn.next_functions
    assert accumulate.variable is x and number == 0 and nothing is None
    with pytest.raises(RuntimeError, match="leaf variables"):
        y.requires_grad = False
    with pytest.raises(RuntimeError, match="floating point"):
        minigrad.tensor([1]).requires_grad = True


def test_detach_data_and_clone():
    x = minigrad.ones(2, requires_grad=True)
    y = x * 2
    d = y.detach()
    assert not d.requires_grad and d.is_leaf
    d.zero_()
    assert y.tolist() == [0, 0]
    x.data.fill_(5)
    assert x.tolist() == [5, 5] and x._version == 0
    c = x.clone()
    c.sum().backward()
    assert x.grad.tolist() == [1, 1]


@pytest.mark.parametrize("shape", [(2, 3), (6,)], ids=["itself", "in another shape"])
def test_a_leaf_does_not_share_the_gradient_that_a_rule_keeps(shape):
    kept = np.ones(shape, np.float32)

    class Keeper(Operator):
        def forward(self, x):
            return x * 1

        def backward(self, g):
            return wrap(kept.reshape(2, 3))

    x = minigrad.zeros(2, 3, requires_grad=True)
    Keeper.apply(x).sum().backward()
    x.grad.zero_()
    assert kept.sum() == 6


def test_retain_grad_and_its_end():
    x = minigrad.ones(2, requires_grad=True)
    y = x * 3
    y.retain_grad()
    (y * y).sum().backward()
    assert y.grad.tolist() == [6, 6]
    with pytest.raises(RuntimeError, match="requires_grad=False"):
        minigrad.ones(1).retain_grad()


# ---- hooks


def test_hooks_see_and_replace_the_gradient():
    x = minigrad.ones(2, requires_grad=True)
    y = x * 3
    seen = []
    y.register_hook(lambda g: seen.append(g.tolist()))
    handle = y.register_hook(lambda g: g * 10)
    x.register_hook(lambda g: g + 1)
    (y * 2).sum().backward(retain_graph=True)
    assert seen == [[2, 2]] and x.grad.tolist() == [61, 61]
    handle.remove()
    x.grad = None
    y.sum().backward()
    assert x.grad.tolist() == [4, 4]


def test_the_hook_of_a_leaf_runs_once_on_the_whole_gradient():
    x = minigrad.ones(1, requires_grad=True)
    seen = []
    x.register_hook(lambda g: seen.append(g.item()))
    (x * 2 + x * 3).sum().backward()
    assert seen == [5]


def test_errors_of_hooks_and_rules_arrive_unchanged():
    class Own(Exception):
        pass

    def hook(g):
        raise Own

    x = minigrad.ones(2, requires_grad=True)
    y = (x * 2)
    y.register_hook(hook)
    with pytest.raises(Own):
        y.sum().backward()
    assert autograd.is_grad_enabled()
    (x * 2).sum().backward()
    assert x.grad.tolist() == [2, 2]
    z = x * 1
    z.register_hook(lambda g: "no tensor")
    with pytest.raises(TypeError, match="hook returned a str"):
        z.sum().backward()


# ---- versions


@pytest.mark.parametrize("change", [
    lambda y: y.add_(1), lambda y: y.mul_(2), lambda y: y.zero_(), lambda y: y.fill_(3), lambda y: y.exp_(),
    lambda y: y.copy_(minigrad.ones(3)), lambda y: y.__setitem__(0, 1.0), lambda y: y[1:].add_(1),
    lambda y: y.view(3, 1).add_(1), lambda y: y.detach().add_(1), lambda y: y.uniform_(),
    lambda y: y.T.add_(1), lambda y: y.__iadd__(1), lambda y: y[None].__setitem__((0, 0), 2.0),
], ids=count())
def test_a_saved_tensor_that_changed_is_an_error(change):
    x = minigrad.ones(3, requires_grad=True)
    y = x * 2
    z = (y * y).sum()
    change(y)
    with pytest.raises(RuntimeError, match=r"modified by an inplace operation.*\[3\].*MulBackward0"):
        z.backward()


def test_an_index_a_condition_or_a_label_may_not_change_a_gradient_behind_its_back():
    def leaf_and(*others):
        return (minigrad.arange(4.0).reshape(2, 2).requires_grad_(), *others)

    x, index = leaf_and(minigrad.tensor([0, 0]))
    y = x[index]
    index.add_(1)
    y.sum().backward()
    assert x.grad.tolist() == [[2, 2], [0, 0]]

    x, mask = leaf_and(minigrad.tensor([[True, False], [False, True]]))
    y = minigrad.where(mask, x, 0.0)
    y.sum().backward(retain_graph=True)
    mask.fill_(True)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()

    (x,) = leaf_and()
    values, indices = x.max(1)
    indices.zero_()
    values.sum().backward()
    assert x.grad.tolist() == [[0, 1], [0, 1]]

    x, labels = leaf_and(minigrad.tensor([1, 0]))
    loss = minigrad.nn.functional.nll_loss(x, labels, reduction="sum")
    labels.zero_()
    loss.backward()
    assert x.grad.tolist() == [[0, -1], [-1, 0]]


@pytest.mark.parametrize("operation", ["exp", "sigmoid", "tanh", "relu", "sqrt"])
def test_a_saved_output_that_changed_is_an_error(operation):
    x = minigrad.ones(3, requires_grad=True)
    y = getattr(x, operation)()
    y.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


@pytest.mark.parametrize("change", [
    lambda y, z: z.add_(1), lambda y, z: y.clone().zero_(), lambda y, z: y.data.mul_(1),
    lambda y, z: y.detach().clone().zero_(), lambda y, z: y + 1, lambda y, z: (y * 2).zero_(),
], ids=count())
def test_harmless_changes_are_none(change):
    x = minigrad.ones(3, requires_grad=True)
    y = x * 2
    z = y * y
    change(y, z)
    z.sum().backward()
    assert x.grad.tolist() == [8, 8, 8]


def test_a_constant_factor_may_change_where_it_is_not_needed():
    x = minigrad.ones(3, requires_grad=True)
    c = minigrad.ones(3)
    y = x + c
    z = c * 2
    c.add_(1)
    (y * z).sum().backward()
    assert x.grad.tolist() == [2, 2, 2]


# ---- modes


def test_grad_modes():
    x = minigrad.ones(1, requires_grad=True)
    with minigrad.no_grad():
        assert not (x * 2).requires_grad
        with minigrad.enable_grad():
            assert (x * 2).requires_grad
        with minigrad.set_grad_enabled(True):
            assert minigrad.is_grad_enabled()
        assert not minigrad.is_grad_enabled()
    minigrad.set_grad_enabled(False)
    assert not minigrad.is_grad_enabled()
    minigrad.set_grad_enabled(True)
    assert minigrad.is_grad_enabled()


@pytest.mark.parametrize("make", [
    lambda: minigrad.no_grad(), lambda: minigrad.no_grad, lambda: minigrad.set_grad_enabled(False),
], ids=count())
def test_grad_modes_as_decorators(make):
    @make()
    def recursive(n):
        """Counts."""
        return [minigrad.is_grad_enabled()] + (recursive(n - 1) if n else [])

    assert recursive(2) == [False] * 3 and minigrad.is_grad_enabled()
    assert recursive.__name__ == "recursive" and recursive.__doc__ == "Counts."


def test_the_mode_comes_back_after_an_exception():
    with pytest.raises(KeyError), minigrad.no_grad():
        raise KeyError
    assert minigrad.is_grad_enabled()


def test_the_mode_belongs_to_its_thread():
    seen = []
    with minigrad.no_grad():
        thread = threading.Thread(target=lambda: seen.append(minigrad.is_grad_enabled()))
        thread.start()
        thread.join()
    assert seen == [True]


def test_threads_add_up_in_one_gradient():
    x = minigrad.zeros(1, dtype=minigrad.float64, requires_grad=True)

    def work():
        for _ in range(100):
            (x * 2).sum().backward()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert x.grad.item() == 1600


def test_floating_point_warnings_stay_the_users():
    x = minigrad.tensor([0.0], requires_grad=True)
    (1 / x).log().sum().backward()
    with pytest.warns(RuntimeWarning):
        np.float64(1) / np.float64(0)


# ---- what a student may write


@pytest.mark.parametrize("uses, error", [(((0), (1)), TypeError), (((2,), (0,)), IndexError), ([[1], [0]], None)])
def test_an_operator_whose_uses_make_no_sense_is_an_error(uses, error):
    class Times(Operator):
        def forward(self, x, y):
            return x * y

        def backward(self, g):
            x, y = self.inputs
            return g * y, g * x

    Times.uses = uses
    x, y = (minigrad.tensor([n], requires_grad=True) for n in (2.0, 3.0))
    if error is None:
        Times.apply(x, y).sum().backward()
        assert (x.grad.item(), y.grad.item()) == (3.0, 2.0)
    else:
        with pytest.raises(error):
            Times.apply(x, y)


@pytest.mark.parametrize("cls", [int, object, np.ndarray])
def test_only_a_value_can_be_the_tensor_type(cls):
    with pytest.raises(TypeError, match="no subclass of Value"):
        register_tensor_type(cls)
