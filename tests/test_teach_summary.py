"""A model layer by layer: the seed's LeNet5 by hand numbers, and that looking at a model leaves it alone."""

import itertools
import random as python_random

import numpy as np
import pytest
from models import lenet

import minigrad
from minigrad import nn, random, teach
from minigrad.nn import functional as F


class LeNet5(type(lenet(minigrad))):
    """As in the seed: it prints, and ends in argmax."""

    def forward(self, x):
        print("Input shape:", x.shape)
        x = super().forward(x)
        print("Output shape:", x.shape)
        return minigrad.argmax(nn.Softmax(dim=1)(x), dim=1)


LENET = """\
LeNet5, for an input of [1, 1, 32, 32]

layer  kind          output           parameters  multiply-adds    bytes   sees  jump
       input         [1, 1, 32, 32]            -              -    4,096    1x1   1x1
conv1  Conv2d        [1, 20, 28, 28]         520        392,000   62,720    5x5   1x1
       relu          [1, 20, 28, 28]           -              -   62,720    5x5   1x1
       max_pool 2x2  [1, 20, 14, 14]           -              -   15,680    6x6   2x2
conv2  Conv2d        [1, 20, 10, 10]      10,020      1,000,000    8,000  14x14   2x2
       relu          [1, 20, 10, 10]           -              -    8,000  14x14   2x2
       max_pool 2x2  [1, 20, 5, 5]             -              -    2,000  16x16   4x4
       flatten       [1, 500]                  -              -        -      -     -
fc1    Linear        [1, 500]            250,500        250,000    2,000    all
       relu          [1, 500]                  -              -    2,000    all
fc2    Linear        [1, 10]               5,010          5,000       40    all
       Softmax       [1, 10]                   -              -       40    all
total                                    266,050      1,647,000  167,296

multiply-adds: of convolutions and matrix products. bytes: of the outputs; a view shares those of its input.
sees: the receptive field, the input positions that one output depends on; jump: from those of one to the next.
The output, [1] int64, has no history: through it nothing can train. Return what comes before argmax, a comparison or \
detach()."""


def test_the_lenet_of_the_seed(capsys):
    assert teach.summary(LeNet5(), (1, 1, 32, 32)).text() == LENET
    assert capsys.readouterr().out == "", "the table replaces the prints"


def test_its_numbers_by_hand():
    summary = teach.summary(LeNet5(), (1, 32, 32))  # a batch of 1 is added
    by_name = {row.name: row for row in summary.rows if row.name}
    assert by_name["conv1"].multiply_adds == 28 * 28 * 20 * (5 * 5 * 1)
    assert by_name["conv2"].multiply_adds == 10 * 10 * 20 * (5 * 5 * 20)
    assert by_name["fc1"].multiply_adds == 500 * 500 and by_name["fc2"].multiply_adds == 500 * 10
    parameters = {"conv1": 520, "conv2": 10_020, "fc1": 250_500, "fc2": 5_010}
    assert {name: row.parameters for name, row in by_name.items()} == parameters
    assert summary.parameters == summary.trainable == sum(parameters.values())
    assert by_name["conv1"].bytes == 20 * 28 * 28 * 4


def test_a_batch_multiplies_work_and_memory_but_not_parameters():
    one, many = teach.summary(LeNet5(), (1, 1, 32, 32)), teach.summary(LeNet5(), (7, 1, 32, 32))
    assert (many.multiply_adds, many.bytes, many.parameters) == (7 * one.multiply_adds, 7 * one.bytes, one.parameters)


LAYERS = [
    (nn.Conv2d(4, 6, (3, 1), stride=2, padding=1, groups=2), (4, 9, 9), 6 * 5 * 6 * (2 * 3), (6, 5, 6)),
    (nn.Conv1d(3, 4, 3, dilation=2), (3, 20), 4 * 16 * 9, (4, 16)),
    (nn.Conv3d(1, 2, 2), (1, 4, 4, 4), 2 * 27 * 8, (2, 3, 3, 3)),
    (nn.ConvTranspose2d(3, 5, 2, stride=2), (3, 4, 4), 3 * 16 * (5 * 4), (5, 8, 8)),
    (nn.AvgPool2d(2), (3, 4, 4), 0, (3, 2, 2)),
    (nn.AdaptiveAvgPool2d((2, 2)), (3, 5, 5), 0, (3, 2, 2)),
    (nn.BatchNorm2d(3), (1, 3, 4, 4), 0, (3, 4, 4)),
    (nn.Linear(7, 3, bias=False), (7,), 21, (3,)),
    (nn.Linear(7, 3), (2, 5, 7), 2 * 5 * 21, (5, 3)),
]


@pytest.mark.parametrize("layer, size, work, shape", LAYERS, ids=itertools.count())
def test_the_work_of_a_layer(layer, size, work, shape):
    summary = teach.summary(layer, size)
    row = summary.rows[-1]
    assert (row.multiply_adds, row.shape[1:], row.kind) == (work, shape, type(layer).__name__)
    assert row.parameters == sum(p.numel() for p in layer.parameters())
    assert len(summary.rows) == 2


def test_frozen_parameters_are_counted_and_named():
    net = LeNet5()
    net.conv1.requires_grad_(False)
    summary = teach.summary(net, (1, 32, 32))
    assert (summary.parameters, summary.trainable, summary.multiply_adds) == (266_050, 265_530, 1_647_000)
    assert "520 of the parameters do not require grad." in summary.text()


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(4, 4, 3, padding=1), nn.BatchNorm2d(4)
        self.scale = nn.Parameter(minigrad.ones(1))

    def forward(self, x):
        return F.relu(self.norm(self.conv(x)) + x) * self.scale


def test_branches_shared_and_unused_layers():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.block, self.unused = nn.Conv2d(1, 4, 3), Block(), nn.Linear(2, 2)
            self.head = nn.Linear(4, 4)

        def forward(self, x):
            x = F.avg_pool2d(self.block(self.first(x)), 2).mean((2, 3))
            return self.head(F.relu(self.head(x)))

    summary = teach.summary(Net(), (1, 10, 10))
    assert [(row.name, row.kind, row.parameters) for row in summary.rows] == [
        ("", "input", 0), ("first", "Conv2d", 40), ("block.conv", "Conv2d", 148), ("block.norm", "BatchNorm2d", 8),
        ("", "add", 0), ("", "relu", 0), ("", "avg_pool 2x2", 0), ("", "mean", 0), ("head", "Linear", 20),
        ("", "relu", 0), ("head", "Linear", 0), ("block", "Block (its own)", 1),
        ("unused", "Linear (did not run)", 6)]  # fmt: skip
    assert summary.parameters == sum(row.parameters for row in summary.rows)
    assert summary.multiply_adds == 64 * 4 * 9 + 64 * 4 * 36 + 16 + 16


# ---- nothing changes


def state(net):
    buffers = [b._array.copy() for b in net.buffers()]
    return [m.training for m in net.modules()], buffers, [p._array.copy() for p in net.parameters()]


def test_the_model_is_as_before():
    minigrad.manual_seed(3)
    net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Dropout(), Block())
    net[1].eval()
    before, stream, python = state(net), random.default_generator.get_state(), python_random.getstate()
    numpys = np.random.get_state()[1].copy()
    hooks = [dict(m._forward_hooks) for m in net.modules()]
    call = nn.Module.__call__
    teach.summary(net, (1, 1, 8, 8))
    after = state(net)
    assert before[0] == after[0]
    for old, new in zip(before[1] + before[2], after[1] + after[2]):
        np.testing.assert_array_equal(old, new)
    assert (random.default_generator.get_state() == stream).all() and python_random.getstate() == python
    assert (np.random.get_state()[1] == numpys).all()
    assert all(p.grad is None for p in net.parameters())
    assert [dict(m._forward_hooks) for m in net.modules()] == hooks and nn.Module.__call__ is call


def test_buffers_that_the_forward_changes_are_put_back():
    class Counts(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("calls", minigrad.zeros(()))
            self.register_buffer("last", minigrad.zeros(2))

        def forward(self, x):
            self.calls += 1
            self.last = x.detach()[0]
            return x

    net = Counts()
    before = net.last
    teach.summary(net, (3, 2))
    assert net.calls == 0 and net.last is before and (before == 0).all()


def test_also_after_an_error_which_tells_the_chain():
    net, call = LeNet5(), nn.Module.__call__
    with pytest.raises(
        RuntimeError, match=r"shape '\[-1, 500\]' is invalid for input of size 320[^$]*the chain: input "
    ):
        teach.summary(net, (1, 1, 28, 28))
    assert nn.Module.__call__ is call and net.training


def test_lazy_layers_become_what_they_would_have_become():
    def net():
        minigrad.manual_seed(0)
        return nn.Sequential(nn.LazyConv2d(4, 3), nn.LazyBatchNorm2d(), nn.ReLU(), nn.Flatten(), nn.LazyLinear(3))

    looked, plain = net(), net()
    summary = teach.summary(looked, (1, 1, 6, 6))
    looked_again = state(looked)
    plain.eval()(minigrad.zeros(1, 1, 6, 6))
    for a, b in zip(looked_again[2], state(plain)[2]):
        np.testing.assert_array_equal(a, b)
    assert [row.kind for row in summary.rows] == ["input", "Conv2d", "BatchNorm2d", "ReLU", "Flatten", "Linear"]
    assert summary.parameters == 40 + 8 + 195


# ---- inputs


def test_tensors_and_several_inputs():
    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Linear(3, 4), nn.Linear(5, 4)

        def forward(self, x, y):
            return {"sum": self.a(x) + self.b(y), "first": self.a(x)}

    x = minigrad.ones(2, 3)
    summary = teach.summary(Two(), x, (2, 5))
    assert [(row.name, row.shape) for row in summary.rows][:4] == [
        ("", (2, 3)),
        ("", (2, 5)),
        ("a", (2, 4)),
        ("b", (2, 4)),
    ]
    assert not x.requires_grad and (x == 1).all()

    class Lookup(nn.Module):
        def __init__(self):
            super().__init__()
            self.table = nn.Parameter(minigrad.ones(10, 3))
            self.head = nn.Linear(3, 2)

        def forward(self, words):
            return self.head(self.table[words])

    summary = teach.summary(Lookup(), minigrad.tensor([1, 2, 3]))
    assert summary.rows[0].shape == (3,) and any(row.kind == "Linear" and row.shape == (3, 2) for row in summary.rows)
    assert summary.multiply_adds == 3 * 6


def test_double_precision_and_inplace():
    summary = teach.summary(nn.Sequential(nn.ReLU(inplace=True), nn.Linear(4, 2)).double(), (3, 4))
    assert [row.bytes for row in summary.rows] == [96, 96, 48]


@pytest.mark.parametrize("args, error, text", [
    ((lambda x: x, (1, 3)), TypeError, r"summary\(\): argument 'model' must be a Module, not function"),
    ((nn.Linear(3, 2), 3), TypeError, r"'input_size' must be a tuple of ints, the shape of the input, say \(1, 28"),
    ((nn.Linear(3, 2), (1, 3.0)), TypeError, r"or a Tensor, but got \(1, 3.0\)"),
    ((nn.Linear(3, 2), ()), ValueError, r"input_size=\(\) must have one positive number or more"),
    ((nn.Linear(3, 2), (0, 3)), ValueError, r"input_size=\(0, 3\) must have one positive"),
    ((nn.Linear(3, 2), (1, 4)), RuntimeError, "mat1 and mat2 shapes cannot be multiplied"),
], ids=itertools.count())  # fmt: skip
def test_errors(args, error, text):
    with pytest.raises(error, match=text):
        teach.summary(*args)


# ---- the picture and long models


def texts(figure):
    return [t.get_text() for t in figure.findobj(match=lambda a: hasattr(a, "get_text")) if t.get_text()]


def test_the_picture():
    figure = teach.summary(LeNet5(), (1, 1, 32, 32)).figure()
    shown = texts(figure)
    assert "LeNet5, for an input of [1, 1, 32, 32]" in shown
    assert {"parameters: 266,050", "multiply-adds: 1,647,000", "parameters", "multiply-adds"} <= set(shown)
    assert {"  250,500  (94.2%)", "  1,000,000  (60.7%)", "  520  (0.2%)"} <= set(shown)
    widths = [patch.get_width() for patch in figure.axes[0].patches]
    assert widths == [520, 10_020, 250_500, 5_010]


def test_long_models_show_their_ends():
    net = nn.Sequential(*[nn.Linear(2, 2) for _ in range(80)])
    summary = teach.summary(net, (1, 2))
    assert "… 21 more" in summary.text() and len(summary.text().splitlines()) < 75
    assert "(the 24 largest of 80 layers)" in " ".join(texts(summary.figure()))
    assert summary.parameters == 480 and len(summary.rows) == 81


def test_a_model_without_parameters(tmp_path):
    summary = teach.summary(nn.Sequential(nn.ReLU(), nn.MaxPool2d(2)), (1, 4, 4))
    assert summary.parameters == 0
    for kind in ("png", "html"):
        summary.save(tmp_path / f"summary.{kind}")


# ---- shared parameters


def test_a_shared_parameter_is_counted_once_and_named():
    net = nn.Sequential(nn.Linear(3, 3), nn.ReLU(), nn.Linear(3, 3))
    net[2].weight = net[0].weight
    summary = teach.summary(net, (1, 3))
    assert [row.parameters for row in summary.rows] == [0, 12, 0, 3] and summary.parameters == 15
    assert summary.text().endswith("\nA shared parameter is counted once, in its first row: 2.weight is 0.weight.")
    assert "shared parameter" not in teach.summary(nn.Sequential(nn.Linear(3, 3)), (1, 3)).text()


def test_files_that_cannot_be_written_are_named_as_given(tmp_path):
    summary = teach.summary(nn.Linear(3, 2), (1, 3))
    with pytest.raises(FileNotFoundError) as raised:
        summary.save(tmp_path / "none" / "x.txt")
    assert raised.value.filename == str(tmp_path / "none" / "x.txt") and ".tmp" not in str(raised.value)
    (tmp_path / "a.txt").mkdir()
    with pytest.raises(IsADirectoryError) as raised:
        summary.save(tmp_path / "a.txt")
    assert raised.value.filename == str(tmp_path / "a.txt") and ".tmp" not in str(raised.value)
    with pytest.raises(ValueError, match="must end in .svg, .png, .html or .txt, but got ''$"):
        summary.save("")


def test_a_lazy_layer_that_does_not_run_has_no_parameters_yet():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.LazyLinear(3), nn.LazyLinear(4)

        def forward(self, x):
            return self.a(x)

    assert teach.summary(Net(), (1, 2)).parameters == 9
