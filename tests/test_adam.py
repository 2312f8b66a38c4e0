"""optim: Adam and AdamW against PyTorch, over hundreds of steps, with every option; their state, and misuse."""

import copy
import itertools
import pickle

import numpy as np
import pytest
import torch
from helpers import check_error

import minigrad
from minigrad import optim

OPTIONS = [
    {"lr": 0.02, "betas": betas, "weight_decay": decay, "amsgrad": amsgrad, "maximize": maximize}
    for betas, decay, amsgrad, maximize in itertools.product(
        ((0.9, 0.999), (0.0, 0.5)), (0, 0.1), (False, True), (False, True))
]  # fmt: skip
KINDS = ["Adam", "AdamW"]


def make(m, kind, dtype="float64", **options):
    """A small network with the same weights in both libraries, and its optimiser."""
    numbers = np.random.default_rng(0)
    model = m.nn.Sequential(m.nn.Linear(3, 5), m.nn.Tanh(), m.nn.Linear(5, 2))
    weights = {name: m.from_numpy(numbers.standard_normal(p.shape)) for name, p in model.state_dict().items()}
    model = model.to(getattr(m, dtype))
    model.load_state_dict(weights)
    return model, getattr(m.optim, kind)(model.parameters(), **options)


def train(m, model, optimizer, steps):
    """The weights after some steps, each with a batch of its own; every third leaves the first bias out."""
    dtype = model[0].weight.dtype
    for step in steps:
        x = m.from_numpy(np.random.default_rng(step).standard_normal((4, 3))).to(dtype)
        optimizer.zero_grad()
        ((model(x) - x[:, :2].sin()) ** 2).mean().backward()
        if step % 3 == 1:
            model[0].bias.grad = None
        optimizer.step()
    return [p.detach().numpy().copy() for p in model.parameters()]


def assert_close(mine, theirs, dtype="float64", strict=True):
    for p, q in zip(mine, theirs, strict=strict):
        assert p.dtype == q.dtype == dtype and np.isfinite(q).all()
        np.testing.assert_allclose(p, q, rtol=1e-10 if dtype == "float64" else 1e-4, atol=1e-12 if dtype == "float64"
                                   else 2e-5)  # fmt: skip


# ---- the update


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("options", OPTIONS, ids=lambda o: "-".join(map(str, o.values())))
def test_steps_are_pytorchs(kind, options, dtype):
    steps = 10 if options["maximize"] else 40
    assert_close(*(train(m, *make(m, kind, dtype, **options), range(steps)) for m in (minigrad, torch)), dtype)


@pytest.mark.parametrize("kind", KINDS)
def test_hundreds_of_steps_with_the_defaults(kind):
    mine, theirs = (train(m, *make(m, kind), range(300)) for m in (minigrad, torch))
    assert_close(mine, theirs)


def test_adam_by_hand():
    """lr 0.1, betas 0.5 and 0.75, eps 0, from p = 1 with gradients 1 and 2.

    step 1: m = 1/2, v = 1/4, corrected by 1/2 and 1/4: p -= 0.1     step 2: m = 5/4, v = 19/16, by 3/4 and 7/16
    """
    p = minigrad.ones(1, dtype=minigrad.float64, requires_grad=True)
    optimizer = optim.Adam([p], 0.1, (0.5, 0.75), 0.0)
    p.grad = minigrad.ones(1, dtype=minigrad.float64)
    optimizer.step()
    assert p.item() == pytest.approx(0.9, abs=1e-15)
    p.grad += 1
    optimizer.step()
    assert p.item() == pytest.approx(0.9 - 0.1 * (5 / 4 / (3 / 4)) / (19 / 16 / (7 / 16)) ** 0.5, abs=1e-15)


def test_a_step_changes_the_numbers_and_nothing_else():
    p = minigrad.ones(2, requires_grad=True)
    array, version = p.detach().numpy(), p._version
    g = p.grad = minigrad.tensor([1.0, -2.0])
    optimizer = optim.Adam([p], lr=0.5, weight_decay=0.1, maximize=True)
    assert optimizer.step() is None
    assert p.detach().numpy() is array and p._version > version
    assert p.is_leaf and p.requires_grad and p.grad is g and g.tolist() == [1, -2]


@pytest.mark.parametrize("shape", [(), (0,), (1,), (2, 0, 3)])
def test_parameters_of_any_shape(shape):
    p = minigrad.ones(shape).requires_grad_()
    p.grad = minigrad.ones(shape)
    optim.AdamW([p], lr=0.25, weight_decay=0.0).step()
    np.testing.assert_allclose(p.detach().numpy(), np.full(shape, 0.75), rtol=1e-6)


@pytest.mark.parametrize("layout", ["transposed", "every second"])
def test_parameters_of_any_layout(layout):
    base = minigrad.zeros(3, 4)
    p = (base.t() if layout == "transposed" else base[:, ::2]).detach().requires_grad_()
    p.grad = minigrad.ones_like(p)
    optim.Adam([p], lr=1.0).step()
    assert base.sum().item() == pytest.approx(-p.numel())


@pytest.mark.parametrize("values", [[np.inf, 1.0], [np.nan, -np.inf], [0.0, 1e30], [1e-30, 0.0]], ids=str)
@pytest.mark.parametrize("betas", [(0.9, 0.999), (0.0, 0.0), (0.5, 0.5)], ids=str)
@pytest.mark.parametrize("amsgrad", [False, True])
def test_infinite_and_nan_gradients(values, betas, amsgrad):
    found = []
    for m in (minigrad, torch):
        p = m.ones(2, requires_grad=True)
        optimizer = m.optim.Adam([p], 0.1, betas, amsgrad=amsgrad)
        for g in (values, [1.0, 1.0]):
            p.grad = m.tensor(g)
            optimizer.step()
            found.append(m.stack([p.detach(), optimizer.state[p]["exp_avg"], optimizer.state[p]["exp_avg_sq"]]).numpy())
    np.testing.assert_allclose(found[:2], found[2:], rtol=1e-5)


@pytest.mark.parametrize("number", ["int", "np.float64", "np.float32", "m.tensor", "m.tensor 1-d", "m.float64"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_learning_rate_may_be_any_kind_of_number(number, dtype):
    kinds = {"int": lambda m: 1, "np.float64": lambda m: np.float64(0.1), "np.float32": lambda m: np.float32(0.1),
             "m.tensor": lambda m: m.tensor(0.1), "m.tensor 1-d": lambda m: m.tensor([0.1]),
             "m.float64": lambda m: m.tensor(0.1, dtype=m.float64)}  # fmt: skip
    mine, theirs = (train(m, *make(m, "AdamW", dtype, lr=kinds[number](m)), range(9)) for m in (minigrad, torch))
    assert_close(mine, theirs, dtype)


def test_betas_may_be_tensors():
    mine, theirs = (train(m, *make(m, "Adam", "float32", betas=(m.tensor(0.5), m.tensor(0.75))), range(9))
                    for m in (minigrad, torch))  # fmt: skip
    assert_close(mine, theirs, "float32")


def test_groups_are_updated_as_pytorch_does():
    found = []
    for m in (minigrad, torch):
        model, _ = make(m, "Adam")
        groups = [{"params": model[0].parameters(), "lr": 0.1, "betas": (0.5, 0.9)},
                  {"params": model[2].weight, "weight_decay": 0.1, "amsgrad": True}]  # fmt: skip
        optimizer = m.optim.AdamW(groups, lr=0.01)
        train(m, model, optimizer, range(4))
        optimizer.add_param_group({"params": [model[2].bias], "eps": 0.1, "maximize": True})
        found.append(train(m, model, optimizer, range(4, 20)))
    assert_close(*found)


# ---- state


def convert(state_dict, m):
    """A state with tensors of the library m."""
    state = copy.deepcopy(state_dict)
    for entry in state["state"].values():
        entry.update({name: m.from_numpy(np.array(x.numpy())) for name, x in entry.items()})
    return state


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("amsgrad", [False, True])
def test_state_dicts_look_alike(kind, amsgrad):
    dicts = []
    for m in (minigrad, torch):
        model, optimizer = make(m, kind, amsgrad=amsgrad, betas=(0.8, 0.99))
        assert optimizer.state_dict()["state"] == {}
        train(m, model, optimizer, range(5))
        dicts.append(optimizer.state_dict())
    mine, theirs = dicts
    assert list(mine) == list(theirs) and mine["param_groups"] == theirs["param_groups"]
    assert mine["state"].keys() == theirs["state"].keys()
    for number, state in mine["state"].items():
        assert list(state) == list(theirs["state"][number])
        for name, x in state.items():
            y = theirs["state"][number][name]
            assert x.shape == tuple(y.shape) and str(x.dtype) == str(y.dtype)
            np.testing.assert_allclose(x.numpy(), y.numpy(), rtol=1e-12)
    assert mine["state"][0]["step"].item() == 5 and mine["state"][1]["step"].item() == 3


@pytest.mark.parametrize("source, goal", [(torch, minigrad), (minigrad, torch)], ids=["to minigrad", "to torch"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_state_goes_to_pytorch_and_back(source, goal, kind):
    options = {"lr": 0.1, "amsgrad": True, "weight_decay": 0.1}
    model, optimizer = make(source, kind, **options)
    weights = train(source, model, optimizer, range(30))
    state = convert(optimizer.state_dict(), goal)
    other, resumed = make(goal, kind, lr=5.0)
    other.load_state_dict({name: goal.from_numpy(w) for name, w in zip(other.state_dict(), weights)})
    resumed.load_state_dict(state)
    assert_close(train(goal, other, resumed, range(30, 60)), train(source, model, optimizer, range(30, 60)))


@pytest.mark.parametrize("number", [float, int])
def test_a_state_whose_count_of_steps_is_a_plain_number(number):
    """As old checkpoints have it."""
    model, optimizer = make(minigrad, "Adam")
    train(minigrad, model, optimizer, range(3))
    state = copy.deepcopy(optimizer.state_dict())
    for entry in state["state"].values():
        entry["step"] = number(entry["step"])
    other, resumed = copy.deepcopy((model, optimizer))
    resumed.load_state_dict(state)
    assert_close(train(minigrad, other, resumed, range(3, 9)), train(minigrad, model, optimizer, range(3, 9)))


def test_the_count_of_steps_keeps_its_dtype_and_the_rest_takes_the_parameters():
    model, optimizer = make(minigrad, "Adam")
    train(minigrad, model, optimizer, range(3))
    _, other = make(minigrad, "Adam", "float32")
    other.load_state_dict(optimizer.state_dict())
    dtypes = {name: x.dtype.name for name, x in other.state_dict()["state"][0].items()}
    assert dtypes == {"step": "float32", "exp_avg": "float32", "exp_avg_sq": "float32"}
    _, wide = make(minigrad, "Adam")
    wide.load_state_dict(other.state_dict())
    assert wide.state_dict()["state"][0]["step"].dtype is minigrad.float32
    before = optimizer.state_dict()["state"][0]["step"]
    wide.state_dict()["state"][0]["step"].zero_()
    assert before.item() == 3
    state = minigrad.optim.Adam([minigrad.zeros(1)], lr=minigrad.tensor(0.5)).state_dict()
    resumed = minigrad.optim.Adam([minigrad.zeros(1)])
    resumed.load_state_dict(state)
    resumed.param_groups[0]["lr"].zero_()
    assert state["param_groups"][0]["lr"].item() == 0.5


def test_a_state_of_adam_goes_on_as_adamw():
    found = []
    for m in (minigrad, torch):
        model, optimizer = make(m, "Adam", weight_decay=0.5)
        train(m, model, optimizer, range(3))
        resumed = m.optim.AdamW(model.parameters())
        resumed.load_state_dict(optimizer.state_dict())
        assert resumed.param_groups[0]["decoupled_weight_decay"] and not optimizer.param_groups[0][
            "decoupled_weight_decay"]  # fmt: skip
        found.append(train(m, model, resumed, range(3, 9)))
    assert_close(*found)


@pytest.mark.parametrize("clone", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))], ids=["copy", "pickle"])
def test_a_copy_of_model_and_optimiser_goes_on_by_itself(clone):
    model, optimizer = make(minigrad, "AdamW", amsgrad=True)
    train(minigrad, model, optimizer, range(5))
    twin = clone((model, optimizer))
    before = [p.detach().numpy().copy() for p in model.parameters()]
    found = train(minigrad, *twin, range(5, 10))
    for p, q in zip(model.parameters(), before):
        assert np.array_equal(p.detach().numpy(), q)
    for p, q in zip(train(minigrad, model, optimizer, range(5, 10)), found):
        assert np.array_equal(p, q)


# ---- what it looks like, and misuse


@pytest.mark.parametrize("kind", ["SGD", *KINDS])
def test_repr_is_pytorchs(kind):
    mine, theirs = (repr(getattr(m.optim, kind)(m.nn.Linear(2, 2).parameters())) for m in (minigrad, torch))
    assert mine == theirs


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "code, exception, words",
    [
        ("[]", ValueError, ["empty"]),
        ("p", TypeError, ["iterable", "Tensor"]),
        *((f"[p], lr={lr}", ValueError, ["learning rate", word]) for lr, word in ((-1, -1), ("float('nan')", "nan"))),
        ("p, lr=-1", ValueError, ["learning rate", -1]),
        ("[{'params': p, 'lr': 1}], lr=-1", ValueError, ["learning rate", -1]),
        ("[p], lr='a'", TypeError, []),
        ("[p], lr=m.ones(2)", ValueError, ["lr", "1-element"]),
        ("[p], eps=-1e-8", ValueError, ["epsilon", "-1e-08"]),
        *((f"[p], betas=({beta}, 0.9)", ValueError, ["beta", "index 0", beta]) for beta in (-0.5, 1.0, 1.5)),
        *((f"[p], betas=(0.9, {beta})", ValueError, ["beta", "index 1", beta]) for beta in (-0.5, 1.0)),
        *((f"[p], betas={betas}", ValueError, ["betas", "floats"]) for betas in ((0, 0.9), (0.9, 0))),
        ("[p], betas=(0.5, m.tensor(0.5))", ValueError, ["betas", "both"]),
        ("[p], betas=0.9", TypeError, []),
        ("[p], betas=(0.9,)", IndexError, []),
        ("[p], weight_decay=-1", ValueError, ["weight_decay", -1]),
        ("[p], weigth_decay=1", TypeError, ["weigth_decay"]),
        ("[p], 0.1, (0.9, 0.99), 1e-8, 0.0, False, True", TypeError, []),
    ],
)  # fmt: skip
def test_both_libraries_refuse(kind, code, exception, words):
    def construct(m):
        return eval(f"m.optim.{kind}({code})", {"m": m, "p": m.zeros(1, requires_grad=True)})

    check_error(construct, exception, *words)


@pytest.mark.parametrize("kind", ["SGD", *KINDS])
def test_there_is_one_way_to_make_a_step(kind):
    for options in ({"foreach": True}, {"fused": True}, {"foreach": False, "fused": False, "differentiable": False}):
        found = []
        for m in (minigrad, torch):
            p = m.tensor([1.0, 2.0], requires_grad=True)
            optimizer = getattr(m.optim, kind)([p], lr=0.5, **options)
            p.grad = m.ones(2)
            optimizer.step()
            group = optimizer.state_dict()["param_groups"][0]
            found.append([p.tolist(), {name: group[name] for name in ("foreach", "fused", "differentiable")}])
        assert found[0] == found[1]
    check_error(lambda m: getattr(m.optim, kind)([m.zeros(1)], fused=True, foreach=True), RuntimeError, "foreach")
    with pytest.raises(NotImplementedError, match=f"{kind}.*differentiable=True"):
        getattr(optim, kind)([{"params": minigrad.zeros(1), "differentiable": True}])
    if kind != "SGD":
        getattr(optim, kind)([minigrad.zeros(1)], capturable=True)
