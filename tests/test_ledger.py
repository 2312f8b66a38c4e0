"""The shape ledger: an error about sizes prints the chain of shapes from the input on, and what would fit."""

import itertools
import re

import pytest
from models import lenet

import minigrad
from minigrad import nn
from minigrad.autograd import ledger
from minigrad.nn import functional as F


def message(run, *args):
    with pytest.raises(RuntimeError) as error:
        run(*args)
    return str(error.value)


class LeNet5(type(lenet(minigrad))):
    """The network of the seed, flattened in the way that keeps the batch."""

    def maps(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2, 2)
        return F.max_pool2d(F.relu(self.conv2(x)), 2, 2)

    def forward(self, x):
        return self.fc2(F.relu(self.fc1(self.maps(x).flatten(1))))


CHAIN = """the chain: input [1, 1, 28, 28] -> conv 5x5 -> [1, 20, 24, 24] -> relu -> max_pool 2x2 -> [1, 20, 12, 12]
    -> conv 5x5 -> [1, 20, 8, 8] -> relu -> max_pool 2x2 -> [1, 20, 4, 4] -> flatten -> [1, 320]
"""


def test_lenet_of_the_seed_with_28_by_28():
    assert message(LeNet5(), minigrad.zeros(1, 1, 28, 28)) == (
        "mat1 and mat2 shapes cannot be multiplied (1x320 and 500x500): the input of shape [1, 320] has 320 features, "
        "the weight expects 500\n" + CHAIN + "what would fit: Linear(320, 500), or an input of 32x32 (to 35x35), "
        "from which the flattened size is\n    500 = 20·5·5")  # fmt: skip


def test_both_of_its_fixes_work():
    assert LeNet5()(minigrad.zeros(1, 1, 32, 32)).shape == (1, 10)
    net = LeNet5()
    net.fc1 = nn.Linear(320, 500)
    assert net(minigrad.zeros(1, 1, 28, 28)).shape == (1, 10)


def test_a_view_that_fails():
    maps = LeNet5().maps(minigrad.zeros(1, 1, 28, 28))
    text = message(lambda: maps.view(-1, 20 * 5 * 5))
    assert text.startswith("shape '[-1, 500]' is invalid for input of size 320 (its shape is [1, 20, 4, 4]); ")
    assert text.endswith("\n" + CHAIN + "what would fit: view(-1, 320) and Linear(320, ...) behind it, or an input of "
                         "32x32 (to 35x35), from which the\n    flattened size is 500 = 20·5·5")  # fmt: skip


@pytest.mark.parametrize("shape", [(3, 500), (-1, -1), (7,), (2, -1, 3)], ids=str)
def test_other_views_keep_their_error(shape):
    maps = LeNet5().maps(minigrad.zeros(1, 1, 28, 28))
    assert "\n" not in message(lambda: maps.view(*shape))


PASSED = """LeNet5 got [1, 1, 28, 28]; its fc1 (Linear) got [1, 320]
what would fit: Linear(320, 500)"""


def test_without_a_tape_the_modules_tell_where_the_input_went():
    net = LeNet5()
    with minigrad.no_grad():
        text = message(net, minigrad.zeros(1, 1, 28, 28))
    assert text.split("\n", 1)[1] == (
        PASSED + "\nTo see the chain of shapes from the input on, run it once outside of no_grad."
    )
    assert message(net.requires_grad_(False), minigrad.zeros(1, 1, 28, 28)).split("\n", 1)[1] == PASSED


@pytest.mark.parametrize("off", [minigrad.no_grad, minigrad.inference_mode])
def test_without_a_tape_a_sequential_has_its_chain_all_the_same(off):
    net = nn.Sequential(nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Dropout()).train(), nn.ReLU().eval(),
                        nn.Flatten(), nn.Linear(10, 3))  # fmt: skip
    before = {name: x.clone() for name, x in net.state_dict().items()}
    with pytest.raises(RuntimeError) as error, off():
        net(minigrad.zeros(1, 1, 8, 8))
    assert str(error.value).split("\n", 1)[1] == (
        "the chain: input [1, 1, 8, 8] -> conv 3x3 -> [1, 2, 6, 6] -> batch_norm -> relu -> flatten -> [1, 72]\n"
        "what would fit: Linear(72, 3); no input of equal sides up to 1024 leads to 10")  # fmt: skip
    assert [m.training for m in net.modules()] == [True, True, True, True, True, False, True, True]
    after = net.state_dict()
    assert after.pop("0.1.num_batches_tracked") == 1, "of the run that failed, and of no other"
    assert all((before[name] == x).all() or name.startswith("0.1.running") for name, x in after.items())


def test_layers_of_the_user_do_not_run_again():
    class Mine(nn.Module):
        runs = 0

        def forward(self, x):
            Mine.runs += 1
            return x * 2

    net = nn.Sequential(nn.Conv2d(1, 2, 3), Mine(), nn.Flatten(), nn.Linear(10, 3))
    with minigrad.no_grad():
        text = message(net, minigrad.zeros(1, 1, 8, 8))
    assert Mine.runs == 1
    assert " ".join(text.split()).endswith(
        "Sequential got [1, 1, 8, 8]; behind 0 (Conv2d), 1 (Mine), 2 (Flatten) its 3 (Linear) got [1, 72] what would "
        "fit: Linear(72, 3) To see the chain of shapes from the input on, run it once outside of no_grad.")  # fmt: skip
    listened = nn.Sequential(nn.ReLU(), nn.Linear(10, 3))
    Mine.runs = 0
    with minigrad.no_grad():
        listened[0].register_forward_hook(lambda *args: setattr(Mine, "runs", Mine.runs + 1))
        assert "behind 0 (ReLU) its 1 (Linear) got [1, 72]" in message(listened, minigrad.zeros(1, 72))
    assert Mine.runs == 1


def test_a_view_without_a_tape():
    class Net(LeNet5):
        def forward(self, x):
            return self.fc2(F.relu(self.fc1(self.maps(x).view(-1, 500))))

    with minigrad.no_grad():
        assert message(Net(), minigrad.zeros(1, 1, 28, 28)).splitlines()[1:3] == [
            "Net got [1, 1, 28, 28]", "what would fit: view(-1, 320) and Linear(320, ...) behind it"]  # fmt: skip
        text = message(nn.Sequential(nn.ReLU(), Net()), minigrad.zeros(1, 1, 28, 28))
        assert "\nSequential got [1, 1, 28, 28]; behind 0 (ReLU) its 1 (Net) got [1, 1, 28, 28]\n" in text
        assert "\n" not in message(lambda: F.linear(minigrad.zeros(2, 3), minigrad.zeros(5, 4))).partition("\nTo ")[0]


def test_a_chain_behind_flatten_begins_at_the_input():
    net = nn.Sequential(nn.Flatten(), nn.Linear(784, 10), nn.ReLU(), nn.Linear(20, 3))
    assert message(net, minigrad.zeros(1, 1, 28, 28)).splitlines()[1:] == [
        "the chain: input [1, 1, 28, 28] -> flatten -> [1, 784] -> linear -> [1, 10] -> relu",
        "what would fit: Linear(10, 3)",
    ]
    assert "input [1, 1, 28, 28] -> flatten -> [1, 784]" in message(
        nn.Sequential(nn.Flatten(), nn.Linear(5, 3)), minigrad.zeros(1, 1, 28, 28)
    )


def test_maps_that_nobody_flattened():
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Linear(10, 2))
    assert message(net, minigrad.zeros(1, 1, 8, 8)).split("\n", 1)[1] == (
        "the chain: input [1, 1, 8, 8] -> conv 3x3 -> [1, 2, 6, 6]\n"
        "what would fit: flatten(1) or nn.Flatten() before it, which gives 72 = 2·6·6 features, and Linear(72, 2); "
        "or,\n"
        "    for the last dimension alone, Linear(6, 2)"
    )
    assert "input.unsqueeze(0), which makes a batch of one, and flatten(1)" in message(net, minigrad.zeros(1, 8, 8))
    fixed = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(72, 2))
    assert fixed(minigrad.zeros(1, 8, 8).unsqueeze(0)).shape == (1, 2)


@pytest.mark.parametrize("followed", [False, True])
def test_one_example_keeps_its_shapes(followed):
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(72, 3))
    text = message(net, minigrad.zeros(1, 8, 8, requires_grad=followed))
    assert "the chain: input [1, 8, 8] -> conv 3x3 -> [2, 6, 6] -> flatten -> [2, 36]\n" in text


def test_an_image_that_was_not_flattened():
    text = message(nn.Linear(784, 10), minigrad.zeros(2, 1, 28, 28))
    assert text.splitlines()[1:] == ["what would fit: x.flatten(1), whose rows have 784 = 1·28·28 numbers"]


def d2l():
    return nn.Sequential(
        nn.LazyConv2d(6, kernel_size=5, padding=2), nn.Sigmoid(), nn.AvgPool2d(kernel_size=2, stride=2),
        nn.LazyConv2d(16, kernel_size=5), nn.Sigmoid(), nn.AvgPool2d(kernel_size=2, stride=2),
        nn.Flatten(), nn.LazyLinear(120), nn.Sigmoid(), nn.LazyLinear(10))  # fmt: skip


def test_the_sequential_of_d2l_after_its_first_batch():
    net = d2l()
    net(minigrad.zeros(2, 1, 28, 28))
    assert (
        message(net, minigrad.zeros(2, 1, 36, 36)).split("\n", 1)[1]
        == """\
the chain: input [2, 1, 36, 36] -> conv 5x5, padding 2 -> [2, 6, 36, 36] -> sigmoid -> avg_pool 2x2
    -> [2, 6, 18, 18] -> conv 5x5 -> [2, 16, 14, 14] -> sigmoid -> avg_pool 2x2 -> [2, 16, 7, 7] -> flatten
    -> [2, 784]
what would fit: Linear(784, 120), or an input of 28x28 (to 31x31), from which the flattened size is
    400 = 16·5·5"""
    )


def test_an_input_without_a_batch():
    net = d2l()
    net(minigrad.zeros(2, 1, 28, 28))
    lines = message(net, minigrad.zeros(1, 28, 28)).splitlines()
    assert lines[1].startswith("the chain: input [1, 28, 28] -> conv 5x5, padding 2 -> [6, 28, 28] -> sigmoid")
    assert " ".join(line.strip() for line in lines).endswith(
        "what would fit: Linear(25, 120); or, if the input is one example without a batch, input.unsqueeze(0), from "
        "which the flattened size is 400 = 16·5·5")  # fmt: skip


# Everything that changes a shape, with an input size that leads to the features that are wanted.
STACKS = [
    ([nn.Conv2d(3, 8, 3, stride=2, padding=1)], (28, 28), 8 * 10 * 10, "conv 3x3, padding 1, stride 2"),
    ([nn.Conv2d(3, 8, 3, dilation=2)], (28, 28), 8 * 10 * 10, "conv 3x3, dilation 2"),
    ([nn.Conv2d(4, 8, (3, 1), groups=2)], (9, 9), 8 * 3 * 5, "conv 3x1, groups 2"),
    ([nn.Conv2d(3, 8, 4, padding="same")], (9, 9), 8 * 49, "conv 4x4, padding 1+2"),
    ([nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU()], (9, 9), 8 * 25, "batch_norm -> relu"),
    ([nn.Conv2d(3, 8, 3), nn.MaxPool2d(3, 2, 1)], (9, 9), 8 * 36, "max_pool 3x3, padding 1, stride 2"),
    ([nn.Conv2d(3, 8, 3), nn.AvgPool2d(3, 2, 1)], (9, 9), 8 * 36, "avg_pool 3x3, stride 2"),
    ([nn.Conv2d(3, 8, 3), nn.Tanh(), nn.Dropout()], (9, 9), 8 * 36, "tanh"),
    ([nn.Conv1d(3, 8, 3), nn.MaxPool1d(2)], (28,), 8 * 9, "conv 3 -> [2, 8, 26] -> max_pool 2"),
    ([nn.Conv3d(1, 2, 2), nn.MaxPool3d(2)], (6, 6, 6), 2 * 27, "conv 2x2x2 -> [2, 2, 5, 5, 5] -> max_pool 2x2x2"),
]


@pytest.mark.parametrize("layers, size, wanted, part", STACKS, ids=itertools.count())
def test_the_input_it_names_fits(layers, size, wanted, part):
    net = nn.Sequential(*layers, nn.Flatten(), nn.Linear(wanted, 3))
    channels = layers[0].weight.shape[1] * layers[0].groups
    text = " ".join(line.strip() for line in message(net, minigrad.zeros(2, channels, *size)).splitlines())
    assert part in text
    found = re.search(
        r"Linear\((\d+), 3\), or an input of (?:length )?([^ ,]+)(?: \(to ([^ ,]+)\))?, from which the "
        r"flattened size is (?P<size>\d+) = (?P<product>\S+)$", text
    )
    assert eval(found["product"].replace("·", "*")) == int(found["size"]) == wanted
    assert (" length " in text) == (len(size) == 1)
    for side in (found[2], found[3] or found[2]):  # the smallest, and the largest
        assert net(minigrad.zeros(2, channels, *map(int, side.split("x")))).shape == (2, 3)
    larger = [int(n) + 1 for n in (found[3] or found[2]).split("x")]
    message(net, minigrad.zeros(2, channels, *larger))
    net[-1] = nn.Linear(int(found[1]), 3)
    assert net(minigrad.zeros(2, channels, *size)).shape == (2, 3)


def test_where_no_input_fits_it_says_so():
    net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.Flatten(), nn.Linear(100, 3))
    text = message(net, minigrad.zeros(2, 3, 9, 9))
    assert text.endswith("what would fit: Linear(392, 3); no input of equal sides up to 1024 leads to 100")
    pooled = nn.Sequential(nn.Conv2d(3, 8, 3), nn.AdaptiveAvgPool2d((2, 2)), nn.Flatten(), nn.Linear(100, 3))
    text = message(pooled, minigrad.zeros(2, 3, 9, 9)).replace("\n    ", " ")
    assert "adaptive_avg_pool to 2x2 -> [2, 8, 2, 2] -> flatten -> [2, 32]" in text


def test_linear_layers_and_products():
    net = nn.Sequential(nn.Linear(784, 10), nn.ReLU(), nn.Linear(20, 3))
    assert message(net, minigrad.zeros(2, 784)).splitlines()[1:] == [
        "the chain: input [2, 784] -> linear -> [2, 10] -> relu", "what would fit: Linear(10, 3)"]  # fmt: skip
    w = minigrad.zeros(500, 10)
    text = message(lambda: LeNet5().maps(minigrad.zeros(1, 1, 28, 28)).flatten(1) @ w)
    assert text.startswith(
        "mat1 and mat2 shapes cannot be multiplied (1x320 and 500x10)\nthe chain: input [1, 1, 28, 28]"
    )
    assert "what would fit: a second factor with 320 rows, or an input of 32x32" in text
    assert message(lambda: minigrad.zeros(2, 3) @ w) == "mat1 and mat2 shapes cannot be multiplied (2x3 and 500x10)"


def test_a_view_that_takes_from_the_batch():
    net = LeNet5()
    logits = net.fc2(net.fc1(net.maps(minigrad.zeros(25, 1, 28, 28)).view(-1, 500)))
    with pytest.raises(ValueError) as error:
        F.cross_entropy(logits, minigrad.zeros(25, dtype=minigrad.int64))
    first, *lines = str(error.value).splitlines()
    assert first == (
        "cross_entropy(): for an input of shape [16, 10], its batch_size first, the target must have the shape [16], "
        "but it has [25]"
    )
    assert lines[-1] == (
        "the batch was lost from [25, 20, 4, 4] to [16, 500]: x.flatten(1) keeps it, where a view to (-1, features) "
        "takes what divides"
    )
    chain = " ".join(line.strip() for line in lines[:-1])
    assert chain.endswith("[25, 20, 4, 4] -> view -> [16, 500] -> linear -> linear -> [16, 10]")
    with pytest.raises(ValueError) as error:
        F.cross_entropy(net.fc2(minigrad.zeros(3, 500)), minigrad.zeros(4, dtype=minigrad.int64))
    assert "\n" not in str(error.value)


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(4, 4, 3, padding=1), nn.BatchNorm2d(4)

    def forward(self, x):
        return F.relu(self.norm(self.conv(x)) + x)


@pytest.mark.parametrize("training", [True, False])
def test_long_chains_show_their_ends(training):
    net = nn.Sequential(nn.Conv2d(1, 4, 3), *[Block() for _ in range(12)], nn.AdaptiveAvgPool2d(1), nn.Flatten(),
                        nn.Linear(3, 3)).train(training)  # fmt: skip
    text = message(net, minigrad.zeros(2, 1, 12, 12) + minigrad.arange(12.0))
    assert "the chain: input [2, 1, 12, 12] -> conv 3x3 -> [2, 4, 10, 10] -> conv 3x3, padding 1 -> batch_norm" in text
    assert "… (12 more) …" in text and "relu -> mean -> [2, 4, 1, 1] -> flatten -> [2, 4]" in text
    assert len(text) < 1200


def test_the_chain_as_data():
    links = ledger.chain(LeNet5().maps(minigrad.zeros(3, 1, 28, 28)))
    assert [(link.name, link.shape) for link in links] == [
        ("conv 5x5", (3, 20, 24, 24)), ("relu", (3, 20, 24, 24)), ("max_pool 2x2", (3, 20, 12, 12)),
        ("conv 5x5", (3, 20, 8, 8)), ("relu", (3, 20, 8, 8)), ("max_pool 2x2", (3, 20, 4, 4))]  # fmt: skip


class Odd(minigrad.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x[..., :3]

    @staticmethod
    def backward(ctx, g):
        return g


def test_whatever_the_tape_looks_like_the_error_comes_through(monkeypatch):
    x = minigrad.zeros(2, 3, 4, requires_grad=True)
    odd = [
        minigrad.cat([x, x], 1).permute(0, 2, 1), (x * 2)[:, [0, 1], 1:], Odd.apply(x), x.sum(1, keepdim=True) * x,
        minigrad.einsum("abc->cab", x), x.reshape(3, 2, 4).expand(3, 2, 4).cumsum(1), x.amax(1),
    ]  # fmt: skip
    for y in odd:
        assert message(F.linear, y, minigrad.zeros(5, 99)).startswith("mat1 and mat2 shapes cannot be multiplied (")
    monkeypatch.setattr(ledger, "chain", lambda x: 1 / 0)
    assert "\n" not in message(F.linear, x * 1, minigrad.zeros(5, 99))
