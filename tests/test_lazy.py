"""Lazy layers: what they are before the first input, and that it makes them PyTorch's ordinary layers."""

import copy
import pickle

import numpy as np
import pytest
import torch
from helpers import assert_same, check_error

import minigrad
from minigrad import nn

BOTH = pytest.mark.parametrize("m", [minigrad, torch], ids=["minigrad", "torch"])
LAYERS = [
    ("LazyLinear(3)", (2, 5)), ("LazyLinear(3, bias=False)", (5,)), ("LazyLinear(out_features=2)", (2, 3, 4)),
    ("LazyConv1d(4, 3, stride=2, bias=False)", (2, 3, 7)),
    ("LazyConv2d(4, kernel_size=(1, 2), groups=2)", (2, 4, 5, 5)),
    ("LazyConv2d(4, 3, padding=1)", (3, 5, 5)), ("LazyConv3d(2, 2)", (1, 2, 3, 3, 3)),
    ("LazyConvTranspose1d(2, 3)", (1, 3, 4)), ("LazyConvTranspose2d(4, 2, 2, groups=2)", (1, 4, 3, 3)),
    ("LazyConvTranspose3d(1, 2)", (1, 2, 2, 2, 2)), ("LazyBatchNorm1d()", (4, 3)),
    ("LazyBatchNorm2d(eps=0.1)", (2, 3, 2, 2)),
    ("LazyBatchNorm2d(track_running_stats=False)", (2, 3, 2, 2)), ("LazyBatchNorm3d(affine=False)", (2, 3, 2, 2, 2)),
]  # fmt: skip


def layer(code, m):
    return eval(code, vars(m.nn).copy())


def network(m):
    n = m.nn
    return n.Sequential(n.LazyConv2d(4, 3), n.LazyBatchNorm2d(), n.ReLU(), n.Flatten(), n.LazyLinear(3))


@pytest.mark.parametrize("code, shape", LAYERS, ids=[code for code, _ in LAYERS])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_first_input_makes_pytorchs_layer(code, shape, dtype):
    found = []
    for m in (minigrad, torch):
        made = layer(code, m).to(getattr(m, dtype))
        before = repr(made), [type(p).__name__ for p in made.parameters()]
        m.manual_seed(3)
        y = made(m.randn(shape, dtype=getattr(m, dtype)))
        assert not any(isinstance(p, m.nn.UninitializedParameter) for p in made.parameters())
        found.append((before, repr(made), list(made.state_dict()), [y, *made.state_dict().values()]))
    assert found[0][:3] == found[1][:3]
    for mine, theirs in zip(found[0][3], found[1][3], strict=True):
        assert_same(mine, theirs)


@BOTH
def test_what_a_lazy_layer_is_before_its_first_input(m):
    net = network(m)
    assert isinstance(net[0], m.nn.Conv2d) and net[0].in_channels == 0 and net[0].cls_to_become is m.nn.Conv2d
    weight = net[0].weight
    assert isinstance(weight, m.nn.UninitializedParameter) and isinstance(weight, m.nn.Parameter)
    assert isinstance(net[1].running_mean, m.nn.UninitializedBuffer) and not net[1].running_mean.requires_grad
    assert repr(weight) == "<UninitializedParameter>" and weight.requires_grad and weight.is_leaf
    assert weight.grad is None and net.double()[0].weight.dtype is m.float64
    assert net.state_dict()["0.weight"] is weight
    before = [id(p) for p in net.parameters()]
    net(m.ones(2, 1, 5, 5, dtype=m.float64))
    assert [id(p) for p in net.parameters()] == before and type(weight) is m.nn.Parameter
    assert weight.dtype is m.float64 and net[4].in_features == 36 and type(net[0]) is m.nn.Conv2d


@pytest.mark.parametrize(
    "code, exception, words",
    [
        ("net[0].weight.shape", RuntimeError, ["shape", "uninitialized"]),
        *((code, ValueError, ["UninitializedParameter", "first batch"]) for code in (
            "net[0].weight + 1", "net[0].weight.numel()", "m.exp(net[0].weight)", "net[0].weight.sum()",
            "m.nn.init.normal_(net[0].weight)", "net[0].forward(m.ones(1, 1, 5, 5))")),
        ("net(m.ones(5, 5))", RuntimeError, ["Expected 3D", "4D", "LazyConv2d", [5, 5]]),
        ("m.nn.LazyConv1d(1, 1)(m.ones(2, 1, 5, 5))", RuntimeError, ["2D", "3D", [2, 1, 5, 5]]),
        ("m.nn.LazyConv2d(4, 1, groups=2)(m.ones(1, 3, 2, 2))", ValueError, ["in_channels", "groups"]),
        ("m.nn.LazyLinear()", TypeError, ["out_features"]),
        ("m.nn.LazyConv2d(3)", TypeError, ["kernel_size"]),
        ("m.nn.LazyLinear(3, in_features=2)", TypeError, ["in_features"]),
        ("net.load_state_dict({})", RuntimeError, ["Missing", "0.weight"]),
        ("m.nn.Linear(2, 3).load_state_dict(m.nn.LazyLinear(3).state_dict())", RuntimeError,
         ["shape", "uninitialized"]),
    ],
)  # fmt: skip
def test_what_lazy_layers_refuse(code, exception, words):
    check_error(lambda m: eval(code, {"m": m, "net": network(m)}), exception, *words)


@BOTH
def test_an_optimizer_may_be_made_before(m):
    net = network(m)
    optimizer = m.optim.SGD(net.parameters(), lr=0.5)
    optimizer.zero_grad()
    optimizer.step()
    net(m.ones(2, 1, 5, 5)).sum().backward()
    before = net[4].bias.tolist()
    optimizer.step()
    np.testing.assert_allclose(net[4].bias.tolist(), np.array(before) - 1, rtol=1e-6)


@BOTH
def test_initialising_after_a_dry_run(m):
    def init(module):
        if type(module) is m.nn.Linear or type(module) is m.nn.Conv2d:
            m.nn.init.constant_(module.weight, 0.25)

    net = network(m)
    net(m.ones(2, 1, 5, 5))
    net.apply(init)
    assert set(net[0].weight.flatten().tolist()) == {0.25} == set(net[4].weight.flatten().tolist())


@BOTH
def test_loading_gives_a_lazy_layer_its_sizes(m):
    ready, lazy = m.nn.Linear(4, 3), m.nn.LazyLinear(3)
    assert repr(lazy.load_state_dict(ready.state_dict())) == "<All keys matched successfully>"
    assert lazy.weight.tolist() == ready.weight.tolist()
    x = m.ones(2, 4)
    assert lazy(x).tolist() == ready(x).tolist() and type(lazy) is m.nn.Linear
    lazy = m.nn.LazyLinear(3)
    assert repr(lazy.load_state_dict(m.nn.LazyLinear(3).state_dict())) == "<All keys matched successfully>"
    assert lazy.has_uninitialized_params() and lazy(x).shape == (2, 3)


@BOTH
def test_a_lazy_transposed_convolution_takes_an_output_size(m):
    for args, kwargs in (([[12, 12]], {}), ([], {"output_size": (12, 12)})):
        layer = m.nn.LazyConvTranspose2d(4, 3, stride=2)
        assert layer(m.ones(1, 2, 5, 5), *args, **kwargs).shape == (1, 4, 12, 12) and layer.in_channels == 2


@BOTH
def test_what_has_uninitialized_params(m):
    for code, answer in (("Linear(3)", True), ("BatchNorm1d(affine=False)", True),
                         ("BatchNorm1d(affine=False, track_running_stats=False)", False)):
        assert layer("Lazy" + code, m).has_uninitialized_params() is answer


@pytest.mark.parametrize("clone", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))], ids=["copy", "pickle"])
def test_copies_of_lazy_layers_are_lazy_and_independent(clone):
    net = nn.Sequential(nn.LazyLinear(3), nn.LazyLinear(2, dtype=minigrad.float64).requires_grad_(False))
    net.append(net[0])
    twin = clone(net)
    assert repr(twin) == repr(net) and twin[2] is twin[0] is not net[0]
    assert twin[0].weight is not net[0].weight and repr(twin[0].weight) == "<UninitializedParameter>"
    assert twin[1].weight.dtype is minigrad.float64 and not twin[1].weight.requires_grad
    net[0](minigrad.ones(1, 4))
    assert clone(twin[0])(minigrad.ones(1, 7)).shape == (1, 3)


@BOTH
def test_hooks_stay_and_see_the_ordinary_layer(m):
    seen, lazy = [], m.nn.LazyLinear(2)
    lazy.register_forward_hook(lambda module, inputs, output: seen.append(type(module).__name__))
    lazy(m.ones(1, 3))
    lazy(m.ones(1, 3))
    assert seen == ["Linear", "Linear"]


def test_materialize():
    p = nn.UninitializedParameter(dtype=minigrad.float64)
    p.materialize((2, 3))
    assert type(p) is nn.Parameter and p.shape == (2, 3) and p.dtype is minigrad.float64 and p.requires_grad
    b = nn.UninitializedBuffer()
    b.materialize((2,))
    assert type(b) is minigrad.Tensor and b.shape == (2,) and not b.requires_grad
