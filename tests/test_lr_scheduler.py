"""optim.lr_scheduler against PyTorch, to the last digit: every schedule, option and misuse; save and resume."""

import copy
import itertools
import pickle
import re
import warnings

import numpy as np
import pytest
import torch
from helpers import check_error

import minigrad
from minigrad import nn, optim
from minigrad.optim import lr_scheduler

LIBRARIES = [minigrad, torch]

# Name, arguments: each is stepped for 24 epochs on an optimiser of two groups.
SCHEDULES = [
    ("StepLR", {"step_size": 3}),
    ("StepLR", {"step_size": 1, "gamma": 0.7}),
    ("StepLR", {"step_size": 100, "gamma": 2.0}),
    ("MultiStepLR", {"milestones": [2, 5, 5, 11]}),
    ("MultiStepLR", {"milestones": (0, 3), "gamma": 0.3}),
    ("MultiStepLR", {"milestones": []}),
    ("MultiStepLR", {"milestones": [2.0, 3.5, 40]}),
    ("CosineAnnealingLR", {"T_max": 24}),
    ("CosineAnnealingLR", {"T_max": 7, "eta_min": 0.01}),
    ("CosineAnnealingLR", {"T_max": 1}),
    ("CosineAnnealingLR", {"T_max": 5, "eta_min": 2.0}),
    ("OneCycleLR", {"max_lr": 0.5, "total_steps": 24}),
    ("OneCycleLR", {"max_lr": 0.5, "epochs": 4, "steps_per_epoch": 6}),
    ("OneCycleLR", {"max_lr": [0.5, 2], "total_steps": 30, "max_momentum": [0.9, 0.8], "base_momentum": (0.5, 0.6)}),
    ("OneCycleLR", {"max_lr": 1.0, "total_steps": 23, "pct_start": 1.0}),
    ("OneCycleLR", {"max_lr": 1.0, "total_steps": 23, "pct_start": 0.0}),
    *(("OneCycleLR", {"max_lr": 1.0, "total_steps": 24, "pct_start": rise, "anneal_strategy": way, "three_phase": three,
                      "cycle_momentum": cycle, "div_factor": 10, "final_div_factor": 100.0})
      for rise, way, three, cycle in itertools.product((0.25, 0.45), ("cos", "linear"), (False, True), (False, True))),
]  # fmt: skip
OPTIMIZERS = {"SGD": {"momentum": 0.9}, "Adam": {"betas": (0.8, 0.99)}}


def make(m, kind="SGD", lr=0.1, **options):
    """An optimiser of two groups, whose steps do nothing."""
    groups = [{"params": [m.zeros(1)]}, {"params": [m.zeros(2)], "lr": 0.3}]
    return getattr(m.optim, kind)(groups, lr=lr, **(options or OPTIMIZERS[kind]))


def schedule(m, name, optimizer, arguments):
    return getattr(m.optim.lr_scheduler, name)(optimizer, **arguments)


def go(optimizer, *schedulers, epochs=24, change=None):
    """The options of all groups after each epoch."""
    seen = []
    for epoch in range(epochs):
        optimizer.step()
        for scheduler in schedulers:
            scheduler.step()
        if change == epoch:
            optimizer.param_groups[0]["lr"] = 0.77
        rates = [rate for scheduler in schedulers for rate in scheduler.get_last_lr()]
        seen.append([[g["lr"], g.get("momentum"), g.get("betas")] for g in optimizer.param_groups] + rates)
    return seen


def label(x):
    """The same for a function in every process."""
    return re.sub(" at 0x[0-9a-f]+", "", str(x))


@pytest.mark.parametrize("kind", OPTIMIZERS)
@pytest.mark.parametrize("change", [None, 0, 9])
@pytest.mark.parametrize("name, arguments", SCHEDULES, ids=label)
def test_schedules_are_pytorchs_to_the_last_digit(name, arguments, kind, change):
    found = []
    for m in LIBRARIES:
        optimizer = make(m, kind)
        scheduler = schedule(m, name, optimizer, arguments)
        start = [copy.copy(g) for g in optimizer.param_groups]
        assert all(g.pop("params") for g in start) and scheduler.last_epoch == 0
        found.append([start, scheduler.get_last_lr(), *go(optimizer, scheduler, epochs=22, change=change),
                      scheduler.last_epoch, scheduler.base_lrs])  # fmt: skip
    assert found[0] == found[1]


@pytest.mark.parametrize("names", list(itertools.combinations(range(0, 13, 3), 2)))
def test_two_schedules_of_one_optimiser_are_pytorchs(names):
    found = []
    for m in LIBRARIES:
        optimizer = make(m)
        found.append(go(optimizer, *(schedule(m, SCHEDULES[i][0], optimizer, SCHEDULES[i][1]) for i in names)))
    assert found[0] == found[1]


@pytest.mark.parametrize("name, arguments", SCHEDULES[:12], ids=label)
def test_a_schedule_that_starts_at_a_later_epoch(name, arguments):
    found = []
    for m in LIBRARIES:
        optimizer = make(m)
        for group in optimizer.param_groups:
            group.update({key: 0.2 for key in ("initial_lr", "max_lr")}, min_lr=0.01)
            group.update(max_momentum=0.9, base_momentum=0.6)
        scheduler = schedule(m, name, optimizer, {**arguments, "last_epoch": 4})
        found.append([scheduler.last_epoch, scheduler.get_last_lr(), go(optimizer, scheduler, epochs=8)])
    assert found[0] == found[1]


@pytest.mark.parametrize("name, arguments", SCHEDULES[:12], ids=label)
def test_learning_rates_that_are_tensors(name, arguments):
    found = []
    for m in LIBRARIES:
        optimizer = make(m, lr=m.tensor(0.1))
        scheduler = schedule(m, name, optimizer, arguments)
        found.append([float(lr) for row in go(optimizer, scheduler) for lr in row[2:]])
    np.testing.assert_allclose(*found, rtol=1e-6)


@pytest.mark.parametrize("m", LIBRARIES, ids=["minigrad", "torch"])
def test_a_rate_that_is_a_tensor_may_be_written_to(m):
    optimizer = make(m, lr=m.tensor(0.25))
    scheduler = m.optim.lr_scheduler.CosineAnnealingLR(optimizer, 5)
    optimizer.param_groups[0]["lr"].fill_(0.5)
    assert scheduler.base_lrs == scheduler.get_last_lr() == [0.25, 0.3]


@pytest.mark.parametrize("m", LIBRARIES, ids=["minigrad", "torch"])
def test_a_schedule_of_your_own(m):
    class Warmup(m.optim.lr_scheduler.LRScheduler):
        def get_lr(self):
            return [lr * min(1, (self.last_epoch + 1) / 4) for lr in self.base_lrs]

    optimizer = make(m)
    rates = [row[-2] for row in go(optimizer, Warmup(optimizer), epochs=4)]
    assert rates == [0.05, pytest.approx(0.075), 0.1, 0.1]


# ---- by hand


def test_rates_by_hand():
    optimizer = optim.SGD([minigrad.zeros(1)], lr=1.0, momentum=0.9)
    scheduler = lr_scheduler.OneCycleLR(optimizer, 4.0, total_steps=9, pct_start=0.5, anneal_strategy="linear",
                                        div_factor=4, final_div_factor=2)  # fmt: skip
    expected = np.interp(range(9), [0, 3.5, 8], [1, 4, 0.5]).tolist()
    assert expected == pytest.approx([1.0] + [row[-1] for row in go(optimizer, scheduler, epochs=8)])
    for t, rate in enumerate([1, 0.75, 0.25, 0, 0.25, 0.75, 1, 0.75]):  # half a wave takes three epochs
        optimizer = optim.SGD([minigrad.zeros(1)], lr=1.0)
        scheduler = lr_scheduler.CosineAnnealingLR(optimizer, 3)
        go(optimizer, scheduler, epochs=t)
        assert scheduler.get_last_lr() == pytest.approx([rate], abs=1e-12)


# ---- the order of the steps


def count_warnings(m, code):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        optimizer = make(m)
        eval(code, {"m": m, "o": optimizer, "one": lambda m, o: m.optim.lr_scheduler.StepLR(o, 2)})
    assert all(issubclass(w.category, UserWarning) and "lr_scheduler.step()" in str(w.message) for w in caught)
    return len(caught)


@pytest.mark.parametrize(
    "code, expected",
    [
        ("one(m, o).step()", 1),
        ("[s.step() for s in [one(m, o)] * 3]", 1),
        ("[s.step() for s in (one(m, o), one(m, o))]", 2),
        ("[o.step(), one(m, o).step()]", 1),  # a step before there was a schedule
        ("[s := one(m, o), o.step(), s.step(), s.step()]", 0),
        ("[one(m, o), o.step(), one(m, o).step()]", 0),
    ],
)
def test_a_warning_if_the_schedule_goes_first(code, expected):
    assert [count_warnings(m, code) for m in LIBRARIES] == [expected, expected]


def test_an_optimiser_with_a_step_of_its_own_is_trusted():
    class Lazy(optim.SGD):
        def step(self, closure=None):
            pass

    optimizer = Lazy([minigrad.zeros(1)])
    scheduler = lr_scheduler.StepLR(optimizer, 2)
    optimizer.step()
    scheduler.step()


# ---- state


@pytest.mark.parametrize("name, arguments", SCHEDULES, ids=label)
@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_a_saved_schedule_goes_on_as_if_nothing_had_happened(name, arguments, kind, tmp_path):
    optimizer = make(minigrad, kind)
    scheduler = schedule(minigrad, name, optimizer, arguments)
    go(optimizer, scheduler, epochs=9)
    minigrad.save({"optimizer": optimizer.state_dict(), "scheduler": scheduler.state_dict()}, tmp_path / "run")
    expected = go(optimizer, scheduler, epochs=13)

    checkpoint = minigrad.load(tmp_path / "run")
    resumed = make(minigrad, kind, lr=7.0)
    again = schedule(minigrad, name, resumed, arguments)
    resumed.load_state_dict(checkpoint["optimizer"])
    again.load_state_dict(checkpoint["scheduler"])
    assert go(resumed, again, epochs=13) == expected


@pytest.mark.parametrize("name, arguments", SCHEDULES, ids=label)
@pytest.mark.parametrize("source, goal", [(torch, minigrad), (minigrad, torch)], ids=["to minigrad", "to torch"])
def test_a_state_goes_to_pytorch_and_back(source, goal, name, arguments):
    optimizer = make(source)
    scheduler = schedule(source, name, optimizer, arguments)
    go(optimizer, scheduler, epochs=9)
    resumed = make(goal, lr=7.0)
    again = schedule(goal, name, resumed, arguments)
    resumed.load_state_dict(optimizer.state_dict())
    again.load_state_dict(dict(scheduler.state_dict()))
    assert go(resumed, again, epochs=13) == go(optimizer, scheduler, epochs=13)


def test_state_dicts_hold_what_pytorchs_hold():
    for name, arguments in SCHEDULES:
        mine, theirs = (schedule(m, name, make(m), arguments).state_dict() for m in LIBRARIES)
        theirs = {key: value for key, value in theirs.items() if key not in (
            "_get_lr_called_within_step", "_schedule_phases")}  # fmt: skip
        assert {key: mine[key] for key in theirs} == theirs


@pytest.mark.parametrize("clone", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))], ids=["copy", "pickle"])
def test_a_copy_goes_on_by_itself(clone):
    optimizer = make(minigrad)
    scheduler = lr_scheduler.CosineAnnealingLR(optimizer, 9)
    go(optimizer, scheduler, epochs=3)
    twin, again = clone((optimizer, scheduler))
    assert again.optimizer is twin is not optimizer
    assert go(twin, again) == go(optimizer, scheduler)


def training(m, steps, checkpoint=None):
    """A network, AdamW and a cycle: the weights after some steps, and a checkpoint."""
    m.manual_seed(0)
    model = m.nn.Sequential(m.nn.Linear(3, 4), m.nn.Tanh(), m.nn.Linear(4, 1))
    optimizer = m.optim.AdamW(model.parameters(), lr=0.1, amsgrad=True)
    scheduler = m.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=20)
    if checkpoint:
        for part, state in zip((model, optimizer, scheduler), checkpoint.values()):
            part.load_state_dict(state)
    for step in steps:
        x = m.from_numpy(np.random.default_rng(step).standard_normal((6, 3)).astype(np.float32))
        optimizer.zero_grad()
        ((model(x) - x[:, :1] * x[:, 1:2]) ** 2).mean().backward()
        optimizer.step()
        scheduler.step()
    weights = [x.detach().numpy().copy() for x in model.state_dict().values()]
    parts = {"model": model, "optimizer": optimizer, "scheduler": scheduler}
    return weights, {name: part.state_dict() for name, part in parts.items()}


def test_model_optimiser_and_schedule_resume_to_the_bit(tmp_path):
    expected, _ = training(minigrad, range(20))
    _, checkpoint = training(minigrad, range(9))
    minigrad.save(checkpoint, tmp_path / "run.safetensors")
    found, _ = training(minigrad, range(9, 20), minigrad.load(tmp_path / "run.safetensors"))
    for a, b in zip(found, expected, strict=True):
        assert a.dtype == b.dtype and np.array_equal(a, b)
    for a, b in zip(found, training(torch, range(20))[0], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4)


# ---- misuse


@pytest.mark.parametrize(
    "code, exception, words",
    [
        ("StepLR(3, 2)", TypeError, ["int", "Optimizer"]),
        ("OneCycleLR(None, 2, 3)", TypeError, ["NoneType", "Optimizer"]),
        ("StepLR(o)", TypeError, ["step_size"]),
        ("StepLR(o, 2, last_epoch=3)", KeyError, ["initial_lr"]),
        ("LRScheduler(o)", NotImplementedError, ["get_lr"]),
        ("MultiStepLR(o, 3)", TypeError, []),
        ("CosineAnnealingLR(o, 0).step()", ZeroDivisionError, []),
        ("OneCycleLR(o, 0.1)", ValueError, ["total_steps", "epochs"]),
        ("OneCycleLR(o, 0.1, epochs=3)", ValueError, ["steps_per_epoch"]),
        *((f"OneCycleLR(o, 0.1, {n})", ValueError, ["total_steps", n]) for n in (0, -1, 2.5)),
        *((f"OneCycleLR(o, 0.1, epochs={n}, steps_per_epoch=3)", ValueError, ["epochs", n]) for n in (0, 1.5)),
        ("OneCycleLR(o, 0.1, epochs=2, steps_per_epoch=-2)", ValueError, ["steps_per_epoch", -2]),
        ("OneCycleLR(o, 0.1, epochs=2, steps_per_epoch=2.5)", ValueError, ["steps_per_epoch", 2.5]),
        *((f"OneCycleLR(o, 0.1, 9, pct_start={x})", ValueError, ["pct_start", x]) for x in (-0.1, 1.5, 1)),
        ("OneCycleLR(o, 0.1, 9, anneal_strategy='cosine')", ValueError, ["anneal_strategy", "cosine"]),
        ("OneCycleLR(o, [0.1], 9)", ValueError, ["max_lr", 1, 2]),
        ("OneCycleLR(o, 0.1, 9, max_momentum=[0.1] * 3)", ValueError, ["max_momentum", 3, 2]),
        ("OneCycleLR(o, 0.1, 9, base_momentum=[0.1] * 3)", ValueError, ["base_momentum", 3, 2]),
        ("OneCycleLR(o, 0.1, 9, last_epoch=3)", KeyError, ["initial_lr"]),
        ("OneCycleLR(o, 0.1, 10, pct_start=0.1)", ZeroDivisionError, []),
        ("repeat(OneCycleLR(o, 0.1, 9).step, 9)", None, []),
        ("repeat(OneCycleLR(o, 0.1, 9).step, 10)", ValueError, ["10", "9"]),
        ("[StepLR(o, 2), o.add_param_group({'params': m.zeros(1)})][0].step()", None, []),
        ("[s := MultiStepLR(o, [2]), o.add_param_group({'params': m.zeros(1)}), s.step()]", None, []),
    ],
)  # fmt: skip
def test_both_libraries_refuse(code, exception, words):
    def repeat(step, times):
        for _ in range(times):
            step()

    def use(m):
        eval(code, {**vars(m.optim.lr_scheduler), "m": m, "o": make(m), "repeat": repeat})

    if exception:
        check_error(use, exception, *words)
    else:
        with warnings.catch_warnings(action="ignore"):
            use(minigrad), use(torch)


def test_a_cycle_of_momentum_needs_an_optimiser_with_one():
    class Plain(optim.Optimizer):
        def update(self, parameter, gradient, state, lr):
            pass

    optimizer = Plain([minigrad.zeros(1)], {"lr": 0.1})
    lr_scheduler.OneCycleLR(optimizer, 0.1, 9, cycle_momentum=False)
    with pytest.raises(ValueError, match="cycle_momentum"):
        lr_scheduler.OneCycleLR(optimizer, 0.1, 9)


def test_an_epoch_cannot_be_given():
    scheduler = lr_scheduler.StepLR(make(minigrad), 3)
    with pytest.raises(TypeError, match="epoch"):
        scheduler.step(epoch=0)
    assert scheduler.last_epoch == 0


@pytest.mark.parametrize("m", LIBRARIES)
def test_a_rate_that_is_a_tensor_stays_that_tensor(m):
    lr = m.tensor(0.5)
    optimizer = m.optim.SGD([m.zeros(1)], lr=lr)
    scheduler = m.optim.lr_scheduler.OneCycleLR(optimizer, 2.0, 4, cycle_momentum=False)
    assert optimizer.param_groups[0]["lr"] is lr and lr.item() == scheduler.get_last_lr()[0].item()


def test_the_names_are_where_pytorch_has_them():
    assert minigrad.optim.lr_scheduler.StepLR is lr_scheduler.StepLR
    assert issubclass(nn.Module, object) and issubclass(lr_scheduler.OneCycleLR, lr_scheduler.LRScheduler)
