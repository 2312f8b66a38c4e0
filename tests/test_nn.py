"""The layers and containers: what they refuse, how they print, PyTorch's initial weights."""

from collections import OrderedDict

import numpy as np
import pytest
import torch
from helpers import check, check_error, distinct
from models import lenet, mlp, tree

import minigrad
from minigrad import nn

BOTH = pytest.mark.parametrize("m", [minigrad, torch], ids=["minigrad", "torch"])


MODELS = pytest.mark.parametrize("make", [lenet, mlp, tree], ids=lambda make: make.__name__)


def names(pairs):
    return [name for name, _ in pairs]


# ---- what they refuse


@pytest.mark.parametrize(
    "code, exception, words",
    [
        ("setattr(n.Linear(1, 1), 'weight', m.zeros(1, 1))", TypeError, ["Tensor", "weight", "Parameter"]),
        ("setattr(n.Linear(1, 1), 'weight', 3)", TypeError, ["int", "weight", "Parameter"]),
        ("setattr(n.Linear(1, 1, bias=False), 'bias', m.zeros(1))", TypeError, ["bias"]),
        ("setattr(n.Sequential(n.ReLU()), '0', 3)", TypeError, ["int", "module '0'"]),
        ("n.Parameter(m.tensor([1, 2]))", RuntimeError, ["int64"]),
        ("n.Module(3)", TypeError, []),
        ("n.Linear(1)", TypeError, ["out_features"]),
        *((f"n.Linear({a!r}, 1)", TypeError, []) for a in (1.0, "1", None)),
        *((f"n.Linear({a}, 2)", RuntimeError, [a]) for a in (-1, 2**62)),
        ("n.Linear(3, 2)(m.zeros(2, 4))", RuntimeError, ["2x4", "3x2", [2, 4]]),
        ("n.Linear(3, 2)(m.zeros(2, 3).double())", RuntimeError, ["float64", "float32"]),
        ("n.Linear(3, 2)([1.0, 2.0, 3.0])", TypeError, ["input", "list"]),
        ("n.Linear(3, 2)()", TypeError, ["input"]),
        ("n.Linear(2, 2, dtype=m.int64)", RuntimeError, ["int64"]),
        *((f"n.Conv2d({a!r}, 1, 2)", TypeError, []) for a in (1.0, "1", None)),
        *((f"n.Conv2d(1, 1, {a!r})", TypeError, ["kernel_size"]) for a in (2.0, "2", None)),
        ("n.Conv2d(1, 1)", TypeError, ["kernel_size"]),
        ("n.Conv2d(1, 1, -1)", RuntimeError, [-1]),
        ("n.Conv2d(2**62, 1, 2)", RuntimeError, [2**62]),
        ("n.Conv2d(1, 1, 2, padding='full')", ValueError, ["full", "same"]),
        ("n.Conv2d(1, 1, 2, padding='same', stride=2)", ValueError, ["same", "stride"]),
        *((f"n.Conv2d(1, 1, 2, groups={g})", ValueError, ["groups", g]) for g in (0, -1)),
        ("n.Conv2d(1, 1, 2, groups=1.0)", TypeError, ["groups"]),
        ("n.Conv2d(3, 2, 2, groups=2)", ValueError, ["in_channels", 3, "groups", 2]),
        ("n.Conv2d(2, 3, 2, groups=2)", ValueError, ["out_channels", 3, "groups", 2]),
        *((f"n.Dropout({p})", ValueError, [p]) for p in (-0.1, 1.1)),
        ("n.Flatten(1, 0)(m.zeros(2, 3))", RuntimeError, ["start_dim"]),
        ("n.LogSoftmax(dim=3)(m.zeros(2, 3))", IndexError, [3]),
        ("n.CrossEntropyLoss(weight=[1.0])", TypeError, ["weight", "list"]),
        ("n.Sequential(1)", TypeError, ["int", "Module"]),
        ("n.Sequential(n.ReLU)", TypeError, ["Module"]),
        *((f"n.Sequential(n.ReLU())[{i}]", IndexError, []) for i in (1, -2)),
        ("n.Sequential(n.ReLU())['0']", TypeError, []),
        ("n.Sequential(n.ReLU()).append(3)", TypeError, ["int"]),
        ("n.Sequential(n.ReLU()).elu", AttributeError, ["Sequential", "elu"]),
        ("n.ModuleList([1])", TypeError, ["int"]),
        ("n.ModuleList(n.ReLU())", TypeError, ["ReLU"]),
        ("n.ModuleList([n.ReLU()])[1]", IndexError, []),
        ("n.ModuleList([n.ReLU()])(m.zeros(1))", NotImplementedError, ["ModuleList", "forward"]),
        ("n.Linear(1, 1).to(m.int64)", TypeError, ["int64", "floating"]),
        ("n.Flatten(1, 2, 3)", TypeError, ["arguments"]),
        ("n.Unflatten(1)", TypeError, ["unflattened_size"]),
        ("n.ELU(slope=1)", TypeError, ["slope"]),
    ],
)  # fmt: skip
def test_both_libraries_refuse_layers(code, exception, words):
    check_error(lambda m: eval(code, {"m": m, "n": m.nn}), exception, *words)


@pytest.mark.parametrize(
    "code, exception, words",
    [
        # PyTorch makes these layers, and raises when they are called, if at all.
        *((f"n.Conv2d(1, 1, 2, {name}={n})", RuntimeError, [name, n])
          for name in ("stride", "dilation") for n in (0, -1, (1, 1, 1))),
        ("n.Conv2d(1, 1, 2, padding=-1)", RuntimeError, ["padding", -1]),
        ("n.Conv2d(1, 1, 2, stride=1.5)", TypeError, ["stride", 1.5]),
        ("n.Conv2d(1, 1, (2, 2, 2))", RuntimeError, ["kernel_size"]),
        ("n.Conv2d(1, 1, 0)", RuntimeError, ["kernel_size", 0]),
        ("n.CrossEntropyLoss(reduction='avg')", ValueError, ["avg"]),
        ("n.MSELoss(reduction='avg')", ValueError, ["avg"]),
        # PyTorch registers the module where nobody can see it, behind the attribute of the class.
        ("setattr(n.ReLU(), 'forward', n.ReLU())", KeyError, ["forward"]),
        # PyTorch's AttributeError speaks of a method that a list does not have.
        ("n.Parameter([1.0])", TypeError, ["data", "list"]),
        # What is not there says so.
        ("n.Linear(1, 1).to('cuda')", RuntimeError, ["cuda"]),
    ],
)  # fmt: skip
def test_refused_where_pytorch_is_silent_or_unclear(code, exception, words):
    with pytest.raises(exception) as caught:
        eval(code, {"n": nn})
    assert all(str(word) in str(caught.value) for word in words), caught.value


# ---- what they compute: what their functions compute

LAYERS = [
    *((code, (2, 4, 5, 6)) for code in (
        "Conv2d(4, 6, (3, 2), 2, (1, 0), groups=2)", "Conv2d(4, 2, 2, padding='same', dilation=2, bias=False)",
        "MaxPool2d(2)", "MaxPool2d((3, 2), (2, 1), (1, 0), 2, True, True)", "AvgPool2d(2)",
        "AvgPool2d((3, 2), (2, 1), (1, 0), True, False)", "AvgPool2d(2, divisor_override=3)",
        "Flatten()", "Flatten(0, 2)", "Softmax(dim=1)", "LogSoftmax(-2)", "Unflatten(1, (2, -1))", "Identity(3, a=4)")),
    *((code, (3, 4)) for code in (
        "Linear(4, 3)", "Linear(4, 2, bias=False)", "ReLU()", "Sigmoid()", "Tanh()", "Dropout(0.0)", "Dropout(1.0)",
        "ReLU6()", "LeakyReLU(0.2)", "ELU(2.0)", "GELU()", "GELU('tanh')", "SiLU()", "Softplus(2.0, 0.1)",
        "LogSigmoid()")),
]  # fmt: skip


def same_layer(code):
    """layer(m): the layer in each library, with the same weights in the dtype of x."""
    minigrad.manual_seed(0)
    state = eval(code, vars(nn).copy()).state_dict()

    def layer(m, x):
        made = eval(code, vars(m.nn).copy()).to(x.dtype)
        made.load_state_dict({name: m.from_numpy(w.numpy()) for name, w in state.items()})
        return made(x)

    return layer


@pytest.mark.parametrize("code, shape", LAYERS, ids=[code for code, _ in LAYERS])
def test_layers_are_pytorchs(code, shape):
    check(same_layer(code), distinct(*shape) / 50, differences=False)


# ---- containers


@BOTH
def test_sequential(m):
    n = m.nn
    a, b, c, d = n.ReLU(), n.Sigmoid(), n.Tanh(), n.Flatten()
    model = n.Sequential(a, b)
    assert len(model) == 2 and list(model) == [a, b] and model[-1] is b and model.append(c) is model
    assert model[1:][0] is b and names(model[1:].named_children()) == ["1", "2"]
    assert type(model[:1]) is n.Sequential and len(model[5:]) == 0
    model[1] = d
    model[-1] = a
    assert list(model) == [a, d, a] and names(model.named_children()) == ["0", "1"]  # a once
    assert model.insert(1, c) is model
    assert list(model) == [a, c, d, a]
    del model[0]
    assert list(model) == [c, d, a] and names(model.named_children()) == ["0", "1", "2"]
    model.extend([b])
    assert model[3] is b


@BOTH
def test_sequential_with_names(m):
    model = m.nn.Sequential(OrderedDict(first=m.nn.Linear(1, 1), act=m.nn.ReLU()))
    assert model.first is model[0] and list(model.state_dict()) == ["first.weight", "first.bias"]
    model[0] = m.nn.Flatten()
    assert isinstance(model.first, m.nn.Flatten)
    with pytest.raises(KeyError, match=r"\."):
        m.nn.Sequential(OrderedDict([("a.b", m.nn.ReLU())]))


@BOTH
def test_module_list(m):
    n = m.nn
    a, b, c = n.ReLU(), n.Sigmoid(), n.Tanh()
    modules = n.ModuleList(x for x in (a, b))
    assert len(modules) == 2 and a in modules and c not in modules and modules.append(c) is modules
    assert list(modules[1:]) == [b, c] and names(modules[1:].named_children()) == ["0", "1"]
    modules[-1] = a
    modules.insert(0, c)
    assert list(modules) == [c, a, b, a] == list(reversed(list(reversed(modules)))) and modules[-1] is a
    del modules[1]
    assert list(modules) == [c, b, a] and modules.extend([c]) is modules and len(modules) == 4
    with pytest.raises(IndexError):
        modules[4] = a
    modules += [a, b]
    assert len(modules) == 6


@BOTH
def test_insert_keeps_names(m):
    n = m.nn
    model = n.Sequential(OrderedDict(a=n.Linear(1, 1), b=n.Tanh()))
    model.insert(2, n.GELU())
    assert names(model.named_children()) == ["a", "b", "2"] and list(model.state_dict()) == ["a.weight", "a.bias"]
    model.insert(2, n.ReLU())
    assert names(model.named_children()) == ["a", "b", "2", "3"] and isinstance(model[3], n.GELU)
    with pytest.raises(KeyError):
        model.insert(0, n.ReLU())
    with pytest.raises(IndexError, match="5"):
        n.Sequential(n.ReLU()).insert(5, n.Tanh())


@BOTH
def test_containers_of_nothing_and_of_a_dict(m):
    assert len(m.nn.ModuleList(None)) == len(m.nn.ModuleList()) == 0
    with pytest.raises(TypeError, match="dict"):
        m.nn.Sequential({"a": m.nn.ReLU()})


@BOTH
def test_a_module_that_passes_on_the_attributes_of_another(m):
    class Wrapper(m.nn.Module):
        def __init__(self, inner):
            super().__init__()
            self.inner = inner

        def __getattr__(self, name):
            try:
                return super().__getattr__(name)
            except AttributeError:
                return getattr(self.inner, name)

    wrapper = Wrapper(m.nn.Linear(2, 3))
    wrapper.in_features_too = m.nn.ReLU()
    assert wrapper.in_features == 2 and names(wrapper.named_children()) == ["inner", "in_features_too"]


def test_a_refused_insert_leaves_the_list_as_it_was():
    modules = nn.ModuleList([nn.ReLU(), nn.Tanh()])
    before = list(modules)
    for index, module in ((0, 3), ("0", nn.ReLU())):
        with pytest.raises(TypeError):
            modules.insert(index, module)
        assert list(modules) == before


# ---- printing


@MODELS
def test_repr_is_pytorchs(make):
    assert repr(make(minigrad)) == repr(make(torch))


@pytest.mark.parametrize(
    "code",
    [
        "Conv2d(1, 2, 3)", "Conv2d(4, 6, (3, 5), (2, 1), (1, 2), 2, 2, False)", "Conv2d(1, 2, 3, padding='same')",
        "Conv2d(1, 2, 3, padding=0, dilation=(1, 2))", "Conv2d(1, 2, 3, padding='valid')", "Linear(3, 4)",
        "Linear(3, 4, bias=False)", "MaxPool2d(2)", "MaxPool2d((2, 3), 1, (0, 1), 2, True, True)",
        "AvgPool2d(2)", "AvgPool2d((2, 3), 1, (0, 1), True, False, 3)", "ReLU()", "ReLU(inplace=True)", "Sigmoid()",
        "LeakyReLU(0.2)", "LeakyReLU(0.2, True)", "ELU()", "ELU(2)", "GELU()", "GELU('tanh')", "SiLU(inplace=True)",
        "Softplus()", "Softplus(2, threshold=3.0)", "ReLU6()", "ReLU6(True)",
        "LogSigmoid()", "Unflatten(1, (2, 3))", "Identity(3)", "SmoothL1Loss(beta=2.0)", "BCEWithLogitsLoss()",
        "Tanh()", "Softmax()", "Softmax(dim=1)", "LogSoftmax(-1)", "Flatten()", "Flatten(0, 2)", "Dropout()",
        "Dropout(0.25, True)", "CrossEntropyLoss()", "NLLLoss()", "MSELoss(reduction='sum')", "Module()",
        "Sequential()", "ModuleList()", "Sequential(Sequential(ReLU(), Sequential()), ModuleList())",
        "ModuleList([ReLU(), ReLU(), Linear(1, 2), Linear(1, 2), Linear(2, 1), ReLU()])",
        "ModuleList([Sequential(ReLU()), Sequential(ReLU())])", "Sequential(ReLU(), ReLU())",
    ],
)  # fmt: skip
def test_repr_of_layers_is_pytorchs(code):
    assert repr(eval(code, vars(nn).copy())) == repr(eval(code, vars(torch.nn).copy()))


@BOTH
def test_extra_repr_of_several_lines(m):
    class Wordy(m.nn.Module):
        def __init__(self, *children):
            super().__init__()
            for i, child in enumerate(children):
                self.add_module(f"part{i}", child)

        def extra_repr(self):
            return "one\ntwo"

    assert repr(Wordy()) == "Wordy(\n  one\n  two\n)"
    assert repr(Wordy(m.nn.ReLU())) == "Wordy(\n  one\n  two\n  (part0): ReLU()\n)"


# ---- initial weights


@pytest.mark.parametrize("seed", [0, 1, 12345])
@pytest.mark.parametrize("make", [lenet, mlp], ids=lambda make: make.__name__)
def test_a_seed_gives_pytorchs_initial_weights(make, seed):
    minigrad.manual_seed(seed)
    torch.manual_seed(seed)
    mine, theirs = make(minigrad), make(torch)
    for (name, p), q in zip(mine.named_parameters(), theirs.parameters()):
        assert np.array_equal(p.detach().numpy(), q.detach().numpy()), name
    assert minigrad.rand(1).item() == torch.rand(1).item()  # and both streams go on from the same place


@pytest.mark.parametrize(
    "code", ["Linear(3, 5)", "Conv2d(4, 6, (2, 3), groups=2)", "Conv2d(1, 1, 1, bias=False)", "Linear(1, 1)"]
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_initial_weights_of_layers(code, dtype):
    weights = []
    for m in (minigrad, torch):
        m.manual_seed(7)
        layer = eval(f"{code[:-1]}, dtype=dtype)", {**vars(m.nn), "dtype": getattr(m, dtype)})
        weights.append([p.detach().numpy() for p in layer.parameters()])
        first = layer.weight.detach().clone()
        layer.reset_parameters()
        assert not np.any((layer.weight == first).numpy())
    for p, q in zip(*weights, strict=True):
        assert p.dtype == q.dtype and np.array_equal(p, q)


def test_initial_weights_fill_their_range():
    layer = nn.Conv2d(8, 64, 5, groups=2)
    bound = 1 / np.sqrt(8 / 2 * 25)
    for p in (layer.weight, layer.bias):
        values = p.detach().numpy()
        assert 0.9 * bound < values.max() < bound and -bound <= values.min() < -0.9 * bound
    assert abs(layer.weight.detach().numpy().std() - bound / np.sqrt(3)) < 0.02 * bound


@BOTH
def test_layers_without_inputs_can_be_made(m):
    with pytest.warns(UserWarning, match="zero-element"):
        layer = m.nn.Linear(0, 2)
    assert layer.bias.tolist() == [0, 0] and layer(m.ones(3, 0)).shape == (3, 2)


@pytest.mark.parametrize("activation", ["ReLU", "LeakyReLU", "ReLU6"])
@pytest.mark.parametrize("pool", ["MaxPool1d", "AvgPool1d"])
def test_a_penalty_on_gradients_decays_every_weight(activation, pool):
    """The second gradient of a bias behind a kink is 0, not None: weight decay goes on."""
    after = []
    for m in (minigrad, torch):
        m.manual_seed(0)
        critic = m.nn.Sequential(
            m.nn.Conv1d(1, 4, 3), getattr(m.nn, activation)(), getattr(m.nn, pool)(2), m.nn.Flatten(),
            m.nn.Linear(12, 1))
        optimizer = m.optim.AdamW(critic.parameters(), lr=0.1, weight_decay=0.1)
        x = m.arange(16.0).reshape(2, 1, 8) / 8 - 1
        for _ in range(3):
            x = x.detach().requires_grad_()
            (gradient,) = m.autograd.grad(critic(x).sum(), x, create_graph=True)
            optimizer.zero_grad()
            ((gradient.norm(2, dim=2) - 1) ** 2).mean().backward()
            optimizer.step()
        after.append([p.detach().numpy() for p in critic.parameters()])
    for mine, theirs in zip(*after):
        np.testing.assert_allclose(mine, theirs, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("option", [np.float64(0.3), np.float32(0.5), np.int64(1), "0-d tensor"])
def test_options_from_numpy_do_not_change_the_dtype(option):
    def activations(m, x):
        value = m.tensor(0.5) if option == "0-d tensor" else option
        f = m.nn.functional
        return [f.leaky_relu(x, value), f.elu(x, value), f.softplus(x, value), m.nn.LeakyReLU(value)(x),
                f.smooth_l1_loss(x, x * 2, beta=value if option != "0-d tensor" else 0.5),
                f.pad(x, (1, 1), value=value if option != "0-d tensor" else 0.5)]

    check(activations, (2, 3), differences=False)
