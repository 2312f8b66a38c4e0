"""optim: SGD against PyTorch, step for step, with every option; groups, state, closures, misuse."""

import copy
import itertools
import pickle

import numpy as np
import pytest
import torch
from helpers import check_error

import minigrad
from minigrad import nn, optim

OPTIONS = [
    {"lr": 0.1, "momentum": momentum, "dampening": dampening, "weight_decay": decay, "nesterov": nesterov,
     "maximize": maximize}
    for momentum, dampening, decay, nesterov, maximize in itertools.product(
        (0, 0.9), (0, 0.3), (0, 0.01), (False, True), (False, True))
    if not nesterov or (momentum and not dampening)
]  # fmt: skip
SHAPES = [(3, 2), (4,), ()]


def parameters(m, dtype, seed=0):
    numbers = np.random.default_rng(seed)
    made = [m.from_numpy(np.asarray(numbers.standard_normal(shape)).astype(dtype)) for shape in SHAPES]
    return [p.requires_grad_() for p in made]


def loss(m, params, step=0):
    """Something gentle whose gradients change from step to step; the last parameter joins late."""
    w, b, c = params
    wanted = (w - step).cos().sum() + (b + step).sin().sum() * w.cos().mean()
    return wanted + c.cos() if step > 2 else wanted


def train(m, optimizer, params, steps):
    for step in steps:
        optimizer.zero_grad()
        loss(m, params, step).backward()
        optimizer.step()
    assert all(m.isnan(p).sum() == 0 for p in params)  # a comparison of NaN would say nothing
    return [p.detach().numpy().copy() for p in params]


def assert_close(mine, theirs, dtype="float64"):
    for p, q in zip(mine, theirs, strict=True):
        np.testing.assert_allclose(p, q, rtol=1e-12 if dtype == "float64" else 2e-5, atol=1e-6 * (dtype == "float32"))


# ---- the update


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("options", OPTIONS, ids=lambda o: "-".join(map(str, o.values())))
def test_sgd_is_pytorchs(options, dtype):
    found = []
    for m in (minigrad, torch):
        params = parameters(m, dtype)
        optimizer = m.optim.SGD(params, **options)
        found.append(train(m, optimizer, params, range(10)))
    assert found[0][0].dtype == dtype
    assert_close(*found, dtype)


@pytest.mark.parametrize("nesterov", [False, True])
def test_sgd_by_hand(nesterov):
    """lr 0.1, momentum 0.5, weight decay 0.2, from p = 1 with gradients 1 and 2.

    step 1: g = 1 + 0.2 = 1.2, v = 1.2           step 2: g = 2 + 0.2 p, v = 0.6 + g
    """
    p = minigrad.ones(1, dtype=minigrad.float64, requires_grad=True)
    optimizer = optim.SGD([p], 0.1, 0.5, weight_decay=0.2, nesterov=nesterov)
    p.grad = minigrad.ones(1, dtype=minigrad.float64)
    optimizer.step()
    first = 1 - 0.1 * (1.2 + 0.5 * 1.2 if nesterov else 1.2)
    assert p.item() == pytest.approx(first, abs=1e-15)
    p.grad += 1
    optimizer.step()
    g = 2 + 0.2 * first
    v = 0.5 * 1.2 + g
    assert p.item() == pytest.approx(first - 0.1 * (g + 0.5 * v if nesterov else v), abs=1e-15)


def test_a_step_changes_the_numbers_and_nothing_else():
    p = minigrad.ones(2, requires_grad=True)
    array, version = p.detach().numpy(), p._version
    g = p.grad = minigrad.tensor([1.0, 2.0])
    optimizer = optim.SGD([p], lr=0.5, momentum=0.9)
    assert optimizer.step() is None
    assert p.detach().numpy() is array and p._version > version  # in place, and seen by the tape
    assert p.is_leaf and p.requires_grad and p.tolist() == [0.5, 0]
    assert p.grad is g and g.tolist() == [1, 2]
    optimizer.state[p]["momentum_buffer"].zero_()
    assert g.tolist() == [1, 2]  # the buffer is a copy


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_momentum_that_has_died_away_is_0(dtype):
    """PyTorch's stays at the smallest of numbers for ever, and each step takes ten times as long or more."""
    tiny = np.finfo(dtype).tiny
    p = minigrad.ones(2, dtype=getattr(minigrad, dtype), requires_grad=True)
    optimizer = optim.SGD([p], lr=1.0, momentum=0.5)
    for gradient in ([4 * tiny, -4 * tiny], [0, 0], [0, 0], [0, 0]):
        p.grad = minigrad.tensor(gradient, dtype=p.dtype)
        optimizer.step()
        seen = optimizer.state[p]["momentum_buffer"].tolist()
        assert all(abs(v) >= tiny or v == 0 for v in seen)
    assert seen == [0, 0] and p.tolist() == [1, 1]


def test_parameters_without_a_gradient_stay():
    p, q = minigrad.ones(1, requires_grad=True), minigrad.ones(1)
    optimizer = optim.SGD([p, q], lr=1.0, momentum=0.9, weight_decay=0.1)
    optimizer.step()
    assert p.item() == q.item() == 1 and not optimizer.state_dict()["state"]
    p.grad = minigrad.zeros(1)
    optimizer.step()
    assert p.item() == pytest.approx(0.9) and q.item() == 1


def test_a_weight_changed_by_a_step_is_found_out_in_backward():
    p = minigrad.ones(1, requires_grad=True)
    y = p * p
    p.grad = minigrad.ones(1)
    optim.SGD([p], lr=1.0).step()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.backward()


@pytest.mark.parametrize("layout", ["transposed", "every second"])
def test_parameters_of_any_layout(layout):
    base = minigrad.zeros(3, 4)
    p = (base.t() if layout == "transposed" else base[:, ::2]).detach().requires_grad_()
    p.grad = minigrad.ones_like(p)
    optimizer = optim.SGD([p], lr=1.0, momentum=0.5)
    optimizer.step()
    optimizer.step()
    assert base.sum().item() == -2.5 * p.numel()


@pytest.mark.parametrize("number", [minigrad.tensor, np.float64, np.float32, np.array], ids=lambda f: f.__name__)
def test_options_may_be_any_kind_of_number(number):
    p = minigrad.ones(2, requires_grad=True)
    optimizer = optim.SGD([p], number(0.25), number(0.5), number(0.5), number(1.0))
    for _ in range(2):
        p.grad = minigrad.ones(2)
        optimizer.step()
    assert p.tolist() == [0.0625] * 2 and p.dtype is minigrad.float32  # v = 2, then 1 + (1 + 0.5) / 2


def test_divergence_is_silent():
    p = minigrad.tensor([3e38, 1.0], requires_grad=True)
    optimizer = optim.SGD([p], lr=10.0, momentum=0.9)
    for _ in range(3):
        p.grad = -p.detach()
        optimizer.step()
    assert not np.isfinite(p.tolist()[0]) and p.tolist()[1] > 1


def test_zero_grad():
    p = minigrad.ones(2, requires_grad=True)
    optimizer = optim.SGD([p])
    optimizer.zero_grad(set_to_none=False)
    assert p.grad is None
    (p * 3).sum().backward()
    held = p.grad
    optimizer.zero_grad(set_to_none=False)
    assert p.grad.tolist() == [0, 0] == held.tolist()
    optimizer.zero_grad()
    assert p.grad is None


@pytest.mark.parametrize("m", [minigrad, torch], ids=["minigrad", "torch"])
def test_zero_grad_writes_into_the_gradient_and_leaves_its_graph(m):
    layer = m.nn.Linear(2, 1)
    for zeros in (m.optim.SGD(layer.parameters()).zero_grad, layer.zero_grad):
        layer(m.ones(1, 2)).sum().backward()
        held = layer.weight.grad
        zeros(set_to_none=False)
        assert layer.weight.grad is held and held.tolist() == [[0, 0]]
        with_graph, = m.autograd.grad((layer.weight**2).sum(), layer.weight, create_graph=True)
        layer.weight.grad = with_graph
        zeros(set_to_none=False)
        assert not layer.weight.grad.requires_grad and layer.weight.grad.tolist() == [[0, 0]]
        zeros()


def test_a_closure_is_called_with_gradients_on_and_its_loss_returned():
    p = minigrad.ones(1, requires_grad=True)
    optimizer = optim.SGD([p], lr=0.25)

    def closure():
        optimizer.zero_grad()
        found = (p * p).sum()
        found.backward()
        return found

    with minigrad.no_grad():
        found = optimizer.step(closure)
        assert not minigrad.is_grad_enabled()
    assert found.item() == 1 and p.item() == 0.5


# ---- groups


@pytest.mark.parametrize("m", [minigrad, torch], ids=["minigrad", "torch"])
def test_groups_and_their_defaults(m):
    w, b, c = parameters(m, "float64")
    optimizer = m.optim.SGD([{"params": w}, {"params": [b], "lr": 0.5, "name": "biases"}], lr=0.1, momentum=0.9)
    optimizer.add_param_group({"params": c, "nesterov": True})
    groups = optimizer.param_groups
    assert [group["lr"] for group in groups] == [0.1, 0.5, 0.1]
    assert [group["nesterov"] for group in groups] == [False, False, True]
    assert groups[1]["name"] == "biases" and groups[0]["params"][0] is w and groups[2]["params"][0] is c


def test_groups_are_updated_as_pytorch_does():
    found = []
    for m in (minigrad, torch):
        w, b, c = params = parameters(m, "float64")
        optimizer = m.optim.SGD([{"params": [w], "lr": 0.2}, {"params": (b,), "momentum": 0.5}], 0.1, 0.9)
        train(m, optimizer, params, range(4))
        optimizer.add_param_group({"params": [c], "weight_decay": 0.1, "maximize": True})
        for group in optimizer.param_groups:  # as a schedule does
            group["initial_lr"] = group["lr"]
            group["lr"] *= 0.5
        found.append(train(m, optimizer, params, range(4, 10)))
    assert_close(*found)


def test_parameters_may_come_with_names():
    dicts = []
    for m in (minigrad, torch):
        model = m.nn.Sequential(m.nn.Linear(2, 2), m.nn.Linear(2, 1))
        optimizer = m.optim.SGD(model[0].named_parameters(), lr=0.1)
        optimizer.add_param_group({"params": [("last", model[1].weight)]})
        dicts.append(optimizer.state_dict())
        assert optimizer.param_groups[0]["params"][1] is model[0].bias
        assert "param_names: ['weight', 'bias']" in repr(optimizer)
        other = m.optim.SGD([("w", m.zeros(2))])
        other.load_state_dict(m.optim.SGD([m.zeros(2)]).state_dict())
        assert other.param_groups[0]["param_names"] == ["w"]
    assert dicts[0] == dicts[1]


def test_a_parameter_twice_in_one_group_is_a_warning_and_two_updates():
    """As with tied weights: [*first.parameters(), *second.parameters()]."""
    for m in (minigrad, torch):
        p = m.ones(1, requires_grad=True)
        with pytest.warns(UserWarning, match="duplicate parameters"):
            optimizer = m.optim.SGD([p, p], lr=0.25)
        p.sum().backward()
        optimizer.step()
        assert p.item() == 0.5
        with pytest.raises(ValueError, match="more than one parameter group"):
            optimizer.add_param_group({"params": p})


def test_a_generator_of_parameters_will_do():
    model = nn.Linear(2, 3)
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    assert [id(p) for p in optimizer.param_groups[0]["params"]] == [id(p) for p in model.parameters()]


# ---- state


def halfway(m, options, dtype="float64"):
    """Five steps: the optimiser and its parameters."""
    params = parameters(m, dtype)
    optimizer = m.optim.SGD(params, **options)
    train(m, optimizer, params, range(5))
    return optimizer, params


MOMENTUM = {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.01}


@pytest.mark.parametrize("options", [MOMENTUM, {"lr": 0.1}], ids=["momentum", "plain"])
def test_a_saved_state_goes_on_as_if_nothing_had_happened(options, tmp_path):
    optimizer, params = halfway(minigrad, options)
    minigrad.save({"model": dict(enumerate(params)), "optimizer": optimizer.state_dict()}, tmp_path / "run")
    expected = train(minigrad, optimizer, params, range(5, 10))

    checkpoint = minigrad.load(tmp_path / "run")
    others = [checkpoint["model"][i].requires_grad_() for i in range(3)]
    resumed = optim.SGD(others, lr=77.0)
    resumed.load_state_dict(checkpoint["optimizer"])
    assert resumed.param_groups[0]["lr"] == 0.1
    for p, q in zip(train(minigrad, resumed, others, range(5, 10)), expected):
        assert np.array_equal(p, q)


@pytest.mark.parametrize("source, goal", [(torch, minigrad), (minigrad, torch)], ids=["to minigrad", "to torch"])
def test_a_state_goes_to_pytorch_and_back(source, goal):
    optimizer, params = halfway(source, MOMENTUM)
    state = copy.deepcopy(optimizer.state_dict())
    for entry in state["state"].values():
        entry["momentum_buffer"] = goal.from_numpy(entry["momentum_buffer"].numpy())
    others = [goal.from_numpy(p.detach().numpy().copy()).requires_grad_() for p in params]
    resumed = goal.optim.SGD(others, lr=5.0)
    resumed.load_state_dict(state)
    assert_close(train(goal, resumed, others, range(5, 10)), train(source, optimizer, params, range(5, 10)))


def test_state_dicts_look_alike():
    mine, theirs = (halfway(m, MOMENTUM)[0].state_dict() for m in (minigrad, torch))
    assert list(mine) == list(theirs) and mine["state"].keys() == theirs["state"].keys()
    for number, state in mine["state"].items():
        np.testing.assert_allclose(state["momentum_buffer"].numpy(), theirs["state"][number]["momentum_buffer"])
    assert mine["param_groups"] == theirs["param_groups"]
    assert halfway(minigrad, {})[0].state_dict()["state"] == {} == halfway(torch, {})[0].state_dict()["state"]


def test_a_loaded_state_is_a_copy_in_the_parameters_dtype():
    optimizer, _ = halfway(minigrad, MOMENTUM)
    state = optimizer.state_dict()
    params = parameters(minigrad, "float32")
    resumed = optim.SGD(params, lr=1.0)
    resumed.load_state_dict(state)
    buffer = resumed.state[params[0]]["momentum_buffer"]
    assert buffer.dtype is minigrad.float32
    before = state["state"][0]["momentum_buffer"].tolist()
    buffer.zero_()
    assert state["state"][0]["momentum_buffer"].tolist() == before
    resumed.load_state_dict({**state, "state": {}})  # also takes a state away
    assert not resumed.state


@pytest.mark.parametrize("clone", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))], ids=["copy", "pickle"])
def test_a_copy_of_model_and_optimiser_goes_on_by_itself(clone):
    optimizer, params = halfway(minigrad, MOMENTUM)
    twin, others = clone((optimizer, params))
    assert twin.param_groups[0]["params"][0] is others[0] is not params[0]
    assert twin.state_dict()["state"].keys() == {0, 1, 2}
    before = [p.detach().numpy().copy() for p in params]
    found = train(minigrad, twin, others, range(5, 10))
    for p, q in zip(params, before):
        assert np.array_equal(p.detach().numpy(), q)
    for p, q in zip(train(minigrad, optimizer, params, range(5, 10)), found):
        assert np.array_equal(p, q)


def test_a_copy_of_the_optimiser_alone_has_parameters_of_its_own():
    optimizer, params = halfway(minigrad, MOMENTUM)
    twin = copy.deepcopy(optimizer)
    assert twin.state_dict()["state"].keys() == optimizer.state_dict()["state"].keys()
    before = [p.tolist() for p in params]
    twin.step()
    assert [p.tolist() for p in params] == before


def test_new_parameters_never_meet_the_state_of_old_ones():
    """Were the state kept by id(), a new tensor at a freed address would inherit it."""
    optimizer = optim.SGD([minigrad.ones(1, requires_grad=True)], lr=1.0, momentum=0.9)
    for _ in range(50):
        p = minigrad.zeros(1, requires_grad=True)
        optimizer.param_groups[0]["params"] = [p]
        p.grad = minigrad.ones(1)
        optimizer.step()
        assert p.item() == -1 == -optimizer.state[p]["momentum_buffer"].item()


# ---- misuse


@pytest.mark.parametrize(
    "code, exception, words",
    [
        ("[]", ValueError, ["empty"]),
        ("p", TypeError, ["iterable", "Tensor"]),
        *((f"{params}", TypeError, []) for params in ("None", "3", "m.nn.Linear(1, 1)")),
        *((f"{params}", TypeError, [kind]) for params, kind in
          (("[3]", "int"), ("['a']", "str"), ("[p, {'params': q}]", "dict"), ("{'params': [p]}", "str"))),
        *((f"[p], lr={lr}", ValueError, ["learning rate", lr]) for lr in (-1, -1e-9)),
        *((f"[p], lr={lr!r}", TypeError, []) for lr in ("a", None)),
        ("[p], momentum=-1", ValueError, ["momentum", -1]),
        ("[p], weight_decay=-1", ValueError, ["weight_decay", -1]),
        ("[p], nesterov=True", ValueError, ["Nesterov", "momentum"]),
        ("[p], nesterov=True, momentum=0.9, dampening=0.1", ValueError, ["Nesterov", "dampening"]),
        ("[p], momentun=0.9", TypeError, ["momentun"]),
        ("[p], 0.1, 0, 0, 0, False, True", TypeError, []),
        ("[m.ones(1).requires_grad_() * 2]", ValueError, ["leaf"]),
        ("[{'params': p}, {'params': [q, p]}]", ValueError, ["more than one"]),
        ("[{'parms': p}]", KeyError, ["params"]),
        ("[{'params': {p}}]", TypeError, ["set", "list"]),
        ("[{'params': 3}]", TypeError, []),
        ("[{'params': p}, q]", TypeError, ["dict"]),
        ("[('p', p), q]", ValueError, ["names"]),
        ("[{'params': [('p', p)]}, {'params': q}]", ValueError, ["names"]),
        ("[('p', 3)]", TypeError, ["int"]),
        ("[], lr=-1", ValueError, ["learning rate"]),
        ("p, lr=-1", ValueError, ["learning rate"]),
        ("[p], lr=m.ones(2)", ValueError, ["lr", "1-element"]),
    ],
)  # fmt: skip
def test_both_libraries_refuse(code, exception, words):
    def make(m):
        p, q = m.zeros(1, requires_grad=True), m.zeros(1, requires_grad=True)
        return eval(f"m.optim.SGD({code})", {"m": m, "p": p, "q": q})

    check_error(make, exception, *words)


@pytest.mark.parametrize(
    "code, exception, words",
    [
        # PyTorch checks the options of the constructor only.
        ("SGD([{'params': p, 'lr': -1}])", ValueError, ["learning rate", -1]),
        ("SGD([q]).add_param_group({'params': p, 'nesterov': True})", ValueError, ["Nesterov"]),
        # A set has an order by chance.
        ("SGD({p, q})", TypeError, ["set", "list"]),
        # PyTorch keeps a state that belongs to nobody.
        ("SGD([p]).load_state_dict({'state': {5: {}}, 'param_groups': [{'params': [0]}]})", ValueError, ["[5]"]),
    ],
)  # fmt: skip
def test_refused_where_pytorch_is_silent(code, exception, words):
    p, q = minigrad.zeros(1, requires_grad=True), minigrad.zeros(1, requires_grad=True)
    with pytest.raises(exception) as caught:
        eval(code, {"SGD": optim.SGD, "p": p, "q": q})
    assert all(str(word) in str(caught.value) for word in words)


@pytest.mark.parametrize(
    "code, exception, words",
    [
        ("add_param_group([q])", TypeError, ["dict"]),
        ("add_param_group({'params': [3]})", TypeError, ["int"]),
        ("add_param_group({'params': [p]})", ValueError, ["more than one"]),
        ("load_state_dict({})", KeyError, ["param_groups"]),
        ("load_state_dict({'state': {}, 'param_groups': []})", ValueError, ["groups"]),
        ("load_state_dict({'state': {}, 'param_groups': [{'params': [0, 1]}]})", ValueError, ["group"]),
        ("step(3)", TypeError, ["int"]),
    ],
)
def test_both_optimisers_refuse(code, exception, words):
    def use(m):
        p, q = m.zeros(1, requires_grad=True), m.zeros(1, requires_grad=True)
        eval(f"m.optim.SGD([p]).{code}", {"m": m, "p": p, "q": q})

    check_error(use, exception, *words)


def test_a_refused_group_or_state_changes_nothing():
    optimizer, params = halfway(minigrad, MOMENTUM)
    before = optimizer.state_dict()
    extra = minigrad.zeros(1, requires_grad=True)
    for group in ({"params": [extra, params[0]]}, {"params": extra, "lr": -1}, {"params": [extra, 3]}):
        with pytest.raises((TypeError, ValueError)):
            optimizer.add_param_group(group)
    state = {"state": {7: {}}, "param_groups": [{**before["param_groups"][0], "lr": 9.0}]}
    with pytest.raises(ValueError):
        optimizer.load_state_dict(state)
    after = optimizer.state_dict()
    assert after["param_groups"] == before["param_groups"] and after["state"].keys() == before["state"].keys()


def test_repr_shows_each_group():
    text = repr(optim.SGD([{"params": minigrad.zeros(1)}, {"params": minigrad.zeros(1), "lr": 0.5}], momentum=0.9))
    theirs = repr(torch.optim.SGD([{"params": torch.zeros(1)}, {"params": torch.zeros(1), "lr": 0.5}], momentum=0.9))
    assert text == theirs


def test_an_optimiser_of_your_own():
    class SignSGD(optim.Optimizer):
        def __init__(self, params, lr):
            super().__init__(params, {"lr": lr})

        def update(self, parameter, gradient, state, lr):
            state["steps"] = state.get("steps", 0) + 1
            parameter.sub_(lr * gradient.sign())

    p = minigrad.tensor([1.0, -1.0], requires_grad=True)
    optimizer = SignSGD([p], lr=0.25)
    for _ in range(2):
        optimizer.zero_grad()
        (p**2).sum().backward()
        optimizer.step()
    assert p.tolist() == [0.5, -0.5] and optimizer.state_dict()["state"] == {0: {"steps": 2}}
