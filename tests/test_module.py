"""nn.Module: what it registers, hooks, state_dicts, copies; each as in PyTorch."""

import copy
import pickle
import sys

import numpy as np
import pytest
import torch
from helpers import check_error
from models import lenet, mlp, tree

import minigrad
from minigrad import nn

BOTH = pytest.mark.parametrize("m", [minigrad, torch], ids=["minigrad", "torch"])


MODELS = pytest.mark.parametrize("make", [lenet, mlp, tree], ids=lambda make: make.__name__)


def names(pairs):
    return [name for name, _ in pairs]


def to_torch(state):
    return {name: torch.tensor(x.numpy()) for name, x in state.items()}


def from_torch(state):
    return {name: minigrad.from_numpy(x.numpy()) for name, x in state.items()}


# ---- what is registered, in which order


@MODELS
def test_names_and_their_order_are_pytorchs(make):
    mine, theirs = make(minigrad), make(torch)
    for walk in ("named_parameters", "named_modules", "named_buffers", "named_children"):
        assert names(getattr(mine, walk)()) == names(getattr(theirs, walk)()), walk
    for walk in ("named_parameters", "named_buffers"):
        for options in ({"recurse": False}, {"prefix": "net"}):
            assert names(getattr(mine, walk)(**options)) == names(getattr(theirs, walk)(**options))
    for walk in ("parameters", "buffers", "modules", "children"):
        assert len(list(getattr(mine, walk)())) == len(list(getattr(theirs, walk)())), walk
    assert list(mine.state_dict()) == list(theirs.state_dict())
    assert list(mine.state_dict(prefix="net.")) == list(theirs.state_dict(prefix="net."))
    for mine_tensor, their_tensor in zip(mine.state_dict().values(), theirs.state_dict().values()):
        assert mine_tensor.shape == tuple(their_tensor.shape)
        assert str(mine_tensor.dtype) == str(their_tensor.dtype)


def test_what_is_shared_is_walked_once_but_saved_under_each_name():
    model = tree(minigrad)
    parameters = list(model.parameters())
    assert len({id(p) for p in parameters}) == len(parameters)
    assert "tied" in names(model.named_parameters())  # the first name it has in the walk
    state = model.state_dict()
    assert state["tied"].numpy() is state["blocks.1.linear.weight"].numpy()
    assert state["again.scale"].numpy() is state["blocks.0.scale"].numpy()


@BOTH
def test_replacing_keeps_the_place_in_the_order(m):
    model = m.nn.Sequential(m.nn.Linear(1, 2), m.nn.ReLU(), m.nn.Linear(2, 3))
    model[0].weight = m.nn.Parameter(m.zeros(5, 1))
    setattr(model, "0", model[0])
    assert names(model.named_parameters()) == ["0.weight", "0.bias", "2.weight", "2.bias"]
    assert next(model.parameters()).shape == (5, 1)


@BOTH
def test_an_attribute_is_registered_in_one_place_at_a_time(m):
    model = m.nn.Module()
    model.thing = 3
    for value, place in [
        (m.nn.ReLU(), "children"), (m.nn.Tanh(), "children"), (m.nn.Parameter(m.ones(1)), "parameters")
    ]:  # fmt: skip
        model.thing = value
        assert model.thing is value and "thing" not in vars(model)
        found = {walk: len(list(getattr(model, walk)())) for walk in ("parameters", "buffers", "children")}
        assert found == {"parameters": 0, "buffers": 0, "children": 0, place: 1}
    model.thing = None
    assert model.thing is None and not list(model.parameters()) and not model.state_dict()
    model.thing = m.nn.Parameter(m.zeros(1))
    assert list(model.state_dict()) == ["thing"]


@BOTH
def test_the_walk_and_its_options(m):
    model = tree(m)
    for walk in ("named_parameters", "named_modules", "named_buffers"):
        once, all_of_them = (names(getattr(model, walk)(remove_duplicate=flag)) for flag in (True, False))
        theirs = names(getattr(tree(torch), walk)(remove_duplicate=False))
        assert all_of_them == theirs and set(once) <= set(all_of_them), walk
    assert names(model.named_modules({model.body}, "net"))[0] == "net"
    assert "net.body" not in names(model.named_modules({model.body}, "net"))
    assert model.get_submodule("blocks.1.linear") is model.blocks[1].linear and model.get_submodule("") is model
    model.register_module("more", m.nn.ReLU())
    assert names(model.named_children())[-1] == "more"


@BOTH
def test_state_dicts_of_live_parameters_and_into_a_given_dict(m):
    model = m.nn.Linear(2, 1)
    given = {"first": 1}
    assert model.state_dict(destination=given, prefix="net.") is given
    assert list(given) == ["first", "net.weight", "net.bias"]
    assert model.state_dict(keep_vars=True)["weight"] is model.weight and not given["net.weight"].requires_grad


@BOTH
def test_moving_to_the_one_device_there_is(m):
    model = m.nn.Sequential(m.nn.Linear(2, 1), m.nn.ReLU())
    before = [id(p) for p in model.parameters()]
    assert model.cpu() is model.to("cpu") is model.to(m.device("cpu")) is model
    assert model.to(device="cpu", dtype=m.float64)[0].weight.dtype is m.float64
    assert model.to(m.ones(1))[0].weight.dtype is m.float32
    assert [id(p) for p in model.parameters()] == before


@BOTH
def test_keyword_arguments_of_forward(m):
    class Scaled(m.nn.Module):
        def forward(self, x, *, scale=1.0):
            return x * scale

    assert Scaled()(m.ones(2), scale=3.0).tolist() == Scaled()(x=m.ones(2), scale=3.0).tolist() == [3, 3]
    assert m.nn.Linear(2, 2)(input=m.ones(1, 2)).shape == (1, 2)


@BOTH
def test_a_module_does_not_take_the_place_of_a_parameter(m):
    layer = m.nn.Linear(2, 2)
    with pytest.raises(TypeError, match="cannot assign .*'weight'"):
        layer.weight = m.nn.ReLU()
    assert len(list(layer.parameters())) == 2


@BOTH
def test_a_hook_lasts_as_long_as_its_with(m):
    layer, seen = m.nn.ReLU(), []
    with layer.register_forward_hook(lambda *_: seen.append(1)):
        layer(m.zeros(1))
    layer(m.zeros(1))
    assert seen == [1]


@BOTH
def test_a_copy_has_no_gradients_yet(m):
    layer = m.nn.Linear(2, 1)
    layer(m.ones(1, 2)).sum().backward()
    twin = copy.deepcopy(layer)
    assert twin.weight.grad is None and layer.weight.grad is not None and twin.weight.requires_grad
    leaf = m.ones(2, requires_grad=True)
    (leaf * 2).sum().backward()
    assert copy.deepcopy(leaf).grad.tolist() == [2, 2]


@BOTH
def test_deleting(m):
    model = m.nn.Linear(2, 3)
    model.note, model.child = "plain", m.nn.ReLU()
    model.register_buffer("buffer", m.zeros(1), persistent=False)
    for name in ("note", "weight", "child", "buffer"):
        delattr(model, name)
        assert not hasattr(model, name)
        with pytest.raises(AttributeError, match=name):
            delattr(model, name)
    assert names(model.named_parameters()) == ["bias"] == list(model.state_dict())
    model.buffer = m.nn.Parameter(m.zeros(1))  # no longer the name of what is not saved
    assert list(model.state_dict()) == ["bias", "buffer"]


@BOTH
def test_buffers(m):
    model = m.nn.Module()
    model.register_buffer("mean", m.zeros(2))
    model.register_buffer("cache", m.zeros(2), persistent=False)
    model.register_buffer("later", None)
    assert names(model.named_buffers()) == ["mean", "cache"] and list(model.state_dict()) == ["mean"]
    model.later = model.mean + 1
    assert list(model.state_dict()) == ["mean", "later"] and not list(model.parameters())
    with pytest.raises(TypeError, match="'int'.*'later'"):
        model.later = 3
    model.register_buffer("cache", m.ones(2))
    assert list(model.state_dict()) == ["mean", "cache", "later"]


@BOTH
def test_plain_tensors_are_attributes_and_nothing_more(m):
    model = m.nn.Module()
    model.x = m.zeros(2)
    model.layers = [m.nn.ReLU()]
    assert not model.state_dict() and not list(model.children()) and "x" in vars(model)


def test_a_module_inside_itself_is_walked_once():
    model = nn.Sequential(nn.Linear(1, 1))
    model.me = model
    assert len(list(model.parameters())) == 2 and len(list(model.modules())) == 2
    assert not model.eval()[0].training


@pytest.mark.parametrize(
    "code",
    [
        "setattr(model, 'w', m.nn.Parameter(m.zeros(1)))", "setattr(model, 'layer', m.nn.ReLU())",
        "model.register_buffer('b', m.zeros(1))", "model(m.zeros(1))", "next(model.parameters())",
    ],
)  # fmt: skip
def test_forgetting_super_init_is_named(code):
    for m in (minigrad, torch):
        model = m.nn.Module.__new__(type("Forgetful", (m.nn.Module,), {}))
        model.plain = 1  # does no harm, in PyTorch too
        with pytest.raises(AttributeError) as caught:
            eval(code, {"m": m, "model": model})
        assert m is torch or "__init__" in str(caught.value)


def test_a_typo_is_an_attribute_error_with_a_suggestion(capsys):
    model = lenet(minigrad)
    with pytest.raises(AttributeError, match="'LeNet5' object has no attribute 'conv3'") as caught:
        model.conv3  # noqa: B018
    sys.__excepthook__(type(caught.value), caught.value, None)  # what a user sees
    assert "Did you mean: 'conv" in capsys.readouterr().err
    assert {"conv1", "fc2", "training", "forward"} <= set(dir(model))
    assert not {"0", "1"} & set(dir(mlp(minigrad)))


@pytest.mark.parametrize(
    "code, exception, words",
    [
        *((f"register_{kind}({name!r}, {value})", exception, [name])
          for kind, value in [("buffer", "m.zeros(1)"), ("parameter", "m.nn.Parameter(m.zeros(1))")]
          for name, exception in [("a.b", KeyError), ("", KeyError), ("forward", KeyError)]),
        *((f"add_module({name!r}, m.nn.ReLU())", KeyError, [name]) for name in ("a.b", "", "forward")),
        *((f"register_{kind}(3, None)", TypeError, ["string", "int"]) for kind in ("buffer", "parameter")),
        ("add_module(3, m.nn.ReLU())", TypeError, ["string", "int"]),
        ("register_buffer('a', 3)", TypeError, ["int", "'a'"]),
        ("register_parameter('a', m.zeros(1))", TypeError, ["Tensor", "'a'", "Parameter"]),
        ("add_module('a', 3)", TypeError, ["int", "Module"]),
        ("__setattr__('forward', m.nn.Parameter(m.zeros(1)))", KeyError, ["forward"]),
        ("train(1)", ValueError, ["bool"]),
        ("train(None)", ValueError, ["bool"]),
        ("forward(1)", NotImplementedError, ["Module", "forward"]),
        ("__call__(1)", NotImplementedError, ["Module", "forward"]),
        ("apply(3)", TypeError, []),
        ("get_submodule('a.b')", AttributeError, ["a"]),
        ("get_submodule('training')", AttributeError, ["training", "Module"]),
        ("half_way()", AttributeError, ["half_way"]),
        ("load_state_dict([])", TypeError, ["dict", "list"]),
    ],
)  # fmt: skip
def test_both_libraries_refuse(code, exception, words):
    check_error(lambda m: eval(f"m.nn.Module().{code}", {"m": m}), exception, *words)


# ---- modes, gradients, hooks


def test_train_and_eval_reach_every_module():
    model = nn.Sequential(nn.Dropout(1.0), nn.Sequential(nn.Dropout(1.0)))
    x = minigrad.ones(4)
    assert model.training and model(x).tolist() == [0] * 4
    assert model.eval() is model and not any(module.training for module in model.modules())
    assert model(x).tolist() == [1] * 4
    assert model.train() is model and all(module.training for module in model.modules())


@BOTH
def test_a_module_may_say_itself_what_training_means(m):
    class Frozen(m.nn.Module):
        def __init__(self):
            super().__init__()
            self.norm = m.nn.BatchNorm2d(2)

        def train(self, mode=True):
            super().train(mode)
            self.norm.eval()
            return self

    net = m.nn.Sequential(Frozen()).train()
    assert net[0].training and not net[0].norm.training


@BOTH
def test_apply_goes_to_the_innermost_first(m):
    seen = []
    model = tree(m)
    assert model.apply(lambda module: seen.append(type(module).__name__)) is model
    block = ["Linear", "Block"]
    assert seen == [*block, *block, "ModuleList", "Conv2d", "ReLU", *block, "Sequential", *block, "Tree"]


def test_zero_grad_and_requires_grad():
    model = nn.Linear(2, 1)
    model(minigrad.ones(1, 2)).sum().backward()
    model.zero_grad(set_to_none=False)
    assert [p.grad.flatten().tolist() for p in model.parameters()] == [[0, 0], [0]]
    model.zero_grad()
    assert [p.grad for p in model.parameters()] == [None, None]
    assert model.requires_grad_(False) is model
    assert not any(p.requires_grad for p in model.parameters())
    assert not model(minigrad.ones(1, 2)).requires_grad
    assert all(p.requires_grad for p in model.requires_grad_().parameters())


@BOTH
def test_hooks_see_and_replace(m):
    layer, seen = m.nn.Linear(2, 1), []
    handles = [
        layer.register_forward_pre_hook(lambda module, inputs: seen.append((module is layer, len(inputs)))),
        layer.register_forward_pre_hook(lambda module, inputs: inputs[0] * 2),
        layer.register_forward_pre_hook(lambda module, inputs: (inputs[0] + 1,)),
        layer.register_forward_hook(lambda module, inputs, output: seen.append(inputs[0].tolist())),
        layer.register_forward_hook(lambda module, inputs, output: output * 0 + 7),
        layer.register_forward_hook(lambda module, inputs, output: seen.append(output.item())),
    ]
    assert layer(m.ones(1, 2)).item() == 7
    assert seen == [(True, 1), [[3.0, 3.0]], 7.0]
    for handle in handles:
        handle.remove()
        handle.remove()  # twice does no harm
    seen.clear()
    assert layer(m.ones(1, 2)).item() != 7 and not seen


def test_hooks_belong_to_the_copy_they_were_set_on():
    layer, seen = nn.ReLU(), []
    handle = layer.register_forward_hook(lambda *_: seen.append(1))
    twin = copy.deepcopy(layer)
    handle.remove()
    layer(minigrad.ones(1))
    assert not seen
    twin(minigrad.ones(1))
    assert seen == [1]


def test_to_another_dtype_keeps_the_parameters_themselves():
    model = tree(minigrad)
    model.register_buffer("steps", minigrad.tensor([1, 2]))
    before = list(model.parameters())
    for p in before:
        p.grad = minigrad.ones_like(p)
    optimizer = minigrad.optim.SGD(model.parameters(), lr=1.0)
    expected = [p.tolist() for p in before]
    assert model.to(minigrad.float64) is model
    after = list(model.parameters())
    assert [id(p) for p in after] == [id(p) for p in before]
    assert {p.dtype for p in after} == {p.grad.dtype for p in after} == {minigrad.float64}
    assert all(p.requires_grad and p.is_leaf for p in after)
    assert model.blocks[0].count.dtype is minigrad.float64 and model.steps.dtype is minigrad.int64
    assert model.tied is model.blocks[1].linear.weight
    optimizer.step()
    np.testing.assert_allclose([p.sum().item() for p in after], [np.sum(e) - np.size(e) for e in expected])
    assert {p.dtype for p in model.float().parameters()} == {minigrad.float32}
    assert {p.dtype for p in model.double().parameters()} == {minigrad.float64}
    assert model.to("cpu") is model
    y = model.body[0](minigrad.ones(1, 1, 4, 4, dtype=minigrad.float64))
    y.sum().backward()


# ---- state


@MODELS
def test_weights_go_across_in_both_directions(make):
    mine, theirs = make(minigrad), make(torch)
    result = mine.load_state_dict(from_torch(theirs.state_dict()))
    assert repr(result) == "<All keys matched successfully>" and result == ([], [])
    for name, x in theirs.state_dict().items():
        assert np.array_equal(mine.state_dict()[name].numpy(), x.numpy()), name
    for p in mine.parameters():
        minigrad.nn.init.normal_(p)
    theirs.load_state_dict(to_torch(mine.state_dict()))
    for name, x in theirs.state_dict().items():
        assert np.array_equal(mine.state_dict()[name].numpy(), x.numpy()), name
    assert [x.shape for x in mine.state_dict().values()] == [tuple(x.shape) for x in theirs.state_dict().values()]


@pytest.mark.parametrize("make, shape", [(lenet, (2, 1, 32, 32)), (mlp, (2, 28, 28))])
def test_the_same_weights_give_the_same_numbers(make, shape):
    mine, theirs = make(minigrad), make(torch)
    mine.load_state_dict(from_torch(theirs.state_dict()))
    x = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    found, expected = mine(minigrad.from_numpy(x)), theirs(torch.from_numpy(x))
    np.testing.assert_allclose(found.detach().numpy(), expected.detach().numpy(), atol=1e-6)
    (found**2).sum().backward()
    (expected**2).sum().backward()
    for p, q in zip(mine.parameters(), theirs.parameters()):
        np.testing.assert_allclose(p.grad.numpy(), q.grad.numpy(), rtol=1e-4, atol=1e-5)


def test_a_state_dict_shares_memory_and_loading_copies():
    a, b = nn.Linear(2, 2), nn.Linear(2, 2)
    state = a.state_dict()
    assert not any(x.requires_grad for x in state.values()) and type(state["weight"]) is minigrad.Tensor
    b.load_state_dict(state)
    with minigrad.no_grad():
        a.weight.zero_()
    assert state["weight"].sum().item() == 0 != b.weight.sum().item()
    assert isinstance(b.weight, nn.Parameter) and b.weight.requires_grad


def test_loading_casts():
    layer = nn.Linear(2, 1)
    layer.load_state_dict({"weight": minigrad.tensor([[1, 2]]), "bias": minigrad.zeros(1, dtype=minigrad.float64)})
    assert layer.weight.tolist() == [[1, 2]] and layer.weight.dtype is layer.bias.dtype is minigrad.float32


def test_a_saved_weight_that_is_loaded_anew_is_found_out():
    layer = nn.Linear(1, 1)
    x = minigrad.ones(1, 1, requires_grad=True)
    y = layer(x)
    layer.load_state_dict(nn.Linear(1, 1).state_dict())
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.backward()


@BOTH
def test_old_states_do_not_count_the_batches(m):
    model = m.nn.Sequential(m.nn.BatchNorm1d(2))
    model(m.ones(3, 2))
    state = model.state_dict()
    del state["0.num_batches_tracked"]
    with pytest.raises(RuntimeError, match="num_batches_tracked"):  # of today's
        model.load_state_dict(state)
    assert model.load_state_dict(dict(state)) == ([], []) and model[0].num_batches_tracked.item() == 1
    assert m.nn.Linear(2, 1).load_state_dict(dict(state), strict=False).missing_keys == ["weight", "bias"]


def test_load_state_dict_lists_all_that_is_wrong():
    model = mlp(minigrad)
    before = {name: x.clone() for name, x in model.state_dict().items()}
    state = {
        "1.weight": minigrad.zeros(64, 784), "1.bias": minigrad.zeros(65), "3.weight": minigrad.zeros(64, 10),
        "9.bias": minigrad.zeros(1), "extra": minigrad.zeros(1),
    }  # fmt: skip
    del state["1.bias"]
    with pytest.raises(RuntimeError) as caught:
        model.load_state_dict(state)
    for word in ("for Sequential", 'Missing key(s) in state_dict: "1.bias"', "size mismatch for 3.weight",
                 'Unexpected key(s) in state_dict: "9.bias", "extra"', "[64, 10]", "[10, 64]"):  # fmt: skip
        assert word in str(caught.value)
    with pytest.raises(RuntimeError, match="size mismatch for 3.weight"):
        model.load_state_dict(state, strict=False)  # sizes matter all the same
    for wrong in (1.0, np.zeros((10, 64)), None):
        with pytest.raises(RuntimeError, match='"3.weight" must be a Tensor'):
            model.load_state_dict({**before, "3.weight": wrong})
    for name, x in model.state_dict().items():
        assert np.array_equal(x.numpy(), before[name].numpy())
    del state["3.weight"]
    result = model.load_state_dict(state, strict=False)
    assert result.missing_keys == ["1.bias", "3.weight"] and result.unexpected_keys == ["9.bias", "extra"]
    assert "missing_keys=['1.bias'" in repr(result) and model[1].weight.sum().item() == 0


@BOTH
def test_what_fits_is_copied_even_if_something_else_is_wrong(m):
    model = m.nn.Linear(2, 2)
    with pytest.raises(RuntimeError, match="size mismatch for bias"):
        model.load_state_dict({"weight": m.ones(2, 2), "bias": m.ones(3)}, strict=False)
    assert model.weight.sum() == 4


@BOTH
def test_what_a_state_dict_of_ones_own_leaves_out_is_loaded_all_the_same(m):
    class Copying(m.nn.Linear):
        def state_dict(self, *args, **kwargs):
            return {name: x.clone() for name, x in super().state_dict(*args, **kwargs).items()} | {"epoch": 3}

        def load_state_dict(self, state, **kwargs):
            self.epoch = state.pop("epoch")
            return super().load_state_dict(state, **kwargs)

    model = Copying(2, 1)
    model.load_state_dict({"weight": m.full((1, 2), 9.0), "bias": m.zeros(1), "epoch": 4})
    assert model.weight.sum() == 18 and model.epoch == 4


@BOTH
def test_load_errors_in_pytorchs_words(m):
    with pytest.raises(RuntimeError) as caught:
        m.nn.Linear(2, 1).load_state_dict({"weight": m.zeros(2, 2), "extra": m.zeros(1)})
    lines = [line.strip() for line in str(caught.value).split("\n")]
    assert lines == [
        "Error(s) in loading state_dict for Linear:",
        'Missing key(s) in state_dict: "bias".',
        'Unexpected key(s) in state_dict: "extra".',
        "size mismatch for weight: copying a param with shape torch.Size([2, 2]) from checkpoint, "
        "the shape in current model is torch.Size([1, 2]).",
    ]


# ---- copies


class Picklable(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 2))
        self.layers[2].weight = self.layers[0].weight
        self.register_buffer("scratch", minigrad.zeros(1), persistent=False)

    def forward(self, x):
        return self.layers(x)


@pytest.mark.parametrize("clone", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))], ids=["copy", "pickle"])
def test_copies_are_whole_and_independent(clone):
    model = Picklable()
    twin = clone(model.eval())
    x = minigrad.ones(1, 2)
    assert twin(x).tolist() == model(x).tolist() and repr(twin) == repr(model) and not twin.training
    assert list(twin.state_dict()) == list(model.state_dict()) and len(list(twin.buffers())) == 1
    assert twin.layers[2].weight is twin.layers[0].weight is not model.layers[0].weight
    assert all(isinstance(p, nn.Parameter) and p.requires_grad for p in twin.parameters())
    with minigrad.no_grad():
        twin.layers[0].weight.zero_()
    assert model.layers[0].weight.abs().sum().item() > 0
    twin(x).sum().backward()
    assert all(p.grad is None for p in model.parameters())


@pytest.mark.parametrize("clone", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))], ids=["copy", "pickle"])
def test_a_parameter_stays_a_parameter(clone):
    frozen = nn.Parameter(minigrad.ones(2), requires_grad=False)
    p = clone(nn.Parameter(minigrad.arange(3.0)))
    assert type(p) is nn.Parameter and p.requires_grad and p.is_leaf and p.tolist() == [0, 1, 2]
    assert not clone(frozen).requires_grad


def test_parameter():
    data = minigrad.zeros(2)
    p = nn.Parameter(data)
    with minigrad.no_grad():
        p += 1
    assert data.tolist() == [1, 1] and isinstance(p, minigrad.Tensor) and p.is_leaf
    assert repr(p) == "Parameter containing:\n" + repr(p.detach())[:-1] + ", requires_grad=True)"
    assert nn.Parameter().shape == (0,)
    x = minigrad.ones(2, requires_grad=True)
    assert nn.Parameter(x * 2).is_leaf
    assert type(p * 2) is minigrad.Tensor
