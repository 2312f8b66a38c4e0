"""Teaching warnings: each mistake is named, its near misses are not, and nothing stays behind."""

import itertools
import warnings

import pytest

import minigrad
from minigrad import nn, optim, teach
from minigrad.nn import Module
from minigrad.nn import functional as F
from minigrad.ops import elementwise
from minigrad.teach import TeachingWarning
from minigrad.tensor import Tensor

X, LABELS = minigrad.arange(20.0).reshape(5, 4) / 20, minigrad.tensor([0, 1, 2, 0, 1])


@pytest.fixture
def net():
    minigrad.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 3))


def watched(run):
    """The texts of the warnings while `run` runs."""
    with warnings.catch_warnings(record=True) as caught, teach.watch():
        warnings.simplefilter("always")
        run()
    assert {w.category for w in caught} <= {TeachingWarning}
    assert all(w.filename == __file__ for w in caught), "at the line of the user"
    return [str(w.message) for w in caught]


def test_a_forgotten_zero_grad_is_named_with_what_it_did(net):
    optimizer = optim.SGD(net.parameters(), lr=0.1)

    def run():
        for _ in range(2):
            F.cross_entropy(net(X), LABELS).backward()
            optimizer.step()

    assert watched(run) == [
        "net.0.weight.grad, net.0.bias.grad hold more than one backward pass: the new gradient was added to the one of "
        "before. Call optimizer.zero_grad() or net.zero_grad(), or set .grad = None, before each backward(). The "
        "parameters have changed since the earlier pass: its gradient is out of date."
    ]


def test_adding_up_without_a_step_is_said_to_be_fine():
    w = minigrad.tensor(3.0, requires_grad=True)

    def run():
        (w * w).backward()
        (w * 2).backward()

    (text,) = watched(run)
    assert text.startswith("w.grad holds more than one") and text.endswith(
        "(To add up several batches on purpose is fine.)"
    )
    assert w.grad == 8, "it only looks"


@pytest.mark.parametrize(
    "clear",
    [
        lambda optimizer, net: optimizer.zero_grad(),
        lambda optimizer, net: net.zero_grad(),
        lambda optimizer, net: optimizer.zero_grad(set_to_none=False),
        lambda optimizer, net: [setattr(p, "grad", None) for p in net.parameters()],
        lambda optimizer, net: [p.grad is None or p.grad.zero_() for p in net.parameters()],
    ],
    ids=itertools.count(),
)
def test_every_way_to_clear_gradients_is_known(net, clear):
    optimizer = optim.SGD(net.parameters(), lr=0.1)

    def run():
        for _ in range(3):
            clear(optimizer, net)
            F.cross_entropy(net(X), LABELS).backward()
            optimizer.step()

    assert watched(run) == []


def test_many_leaves_are_not_all_listed():
    deep = nn.Sequential(*[nn.Linear(2, 2) for _ in range(4)])

    def run():
        for _ in range(2):
            deep(minigrad.ones(1, 2)).sum().backward()

    (text,) = watched(run)
    assert "deep.3.weight.grad, deep.3.bias.grad, deep.2.weight.grad and 5 more hold" in text


@pytest.mark.parametrize(
    "loss, start",
    [
        (lambda z: F.cross_entropy(z.softmax(1), LABELS), "softmax before cross_entropy"),
        (
            lambda z: F.cross_entropy(nn.Softmax(dim=1)(z), LABELS, weight=minigrad.ones(3)),
            "softmax before cross_entropy",
        ),
        (
            lambda z: F.cross_entropy(z.softmax(1).reshape(5, 3), LABELS, label_smoothing=0.1),
            "softmax before cross_entropy",
        ),
        (lambda z: F.cross_entropy(z.sigmoid(), LABELS), "sigmoid before cross_entropy"),
        (
            lambda z: F.cross_entropy(z.log_softmax(1), LABELS),
            "log_softmax before cross_entropy, which computes it itself: the",
        ),
        (
            lambda z: F.binary_cross_entropy_with_logits(z.sigmoid(), z.detach() * 0),
            "sigmoid before binary_cross_entropy_with",
        ),
    ],
    ids=itertools.count(),
)
def test_probabilities_where_scores_are_wanted(net, loss, start):
    (text,) = watched(lambda: loss(net(X)).backward())
    assert text.startswith(start)


@pytest.mark.parametrize(
    "loss",
    [
        lambda z: F.cross_entropy(z, LABELS),
        lambda z: F.cross_entropy(z, LABELS, label_smoothing=0.1),
        lambda z: F.nll_loss(z.log_softmax(1), LABELS),
        lambda z: F.nll_loss(z.softmax(1).log(), LABELS),
        lambda z: F.cross_entropy(z, z.detach().softmax(1)),
        lambda z: F.cross_entropy(2 * z.softmax(1) @ minigrad.eye(3), LABELS),
        lambda z: F.binary_cross_entropy(z.sigmoid(), z.detach() * 0),
        lambda z: F.binary_cross_entropy_with_logits(z, z.detach()),
    ],
    ids=itertools.count(),
)
def test_right_losses_pass(net, loss):
    assert watched(lambda: loss(net(X)).backward()) == []


COLUMN, ROW = minigrad.ones(5, 1), minigrad.ones(5)


@pytest.mark.parametrize(
    "loss",
    [
        lambda p: ((p - ROW) ** 2).mean(),
        lambda p: (ROW - p).abs().sum(),
        lambda p: ((p.squeeze(1) - COLUMN) ** 2).mean(),
        lambda p: ((p - ROW) ** 2).sum() / 5,
        lambda p: ((p - ROW) ** 2).mean() * 0.5,
        lambda p: 0.1 * (p**2).mean() + ((p - ROW) ** 2).mean(),
        lambda p: (((p - ROW) ** 2) / 2 + 1e-6).sqrt().mean() - 1,
    ],
    ids=itertools.count(),
)
def test_a_column_against_a_row(loss):
    layer = nn.Linear(4, 1)
    (text,) = watched(lambda: loss(layer(X)).backward())
    assert "each of 5 predictions with each of 5 targets" in text and "broadcasts to (5, 5)" in text
    assert "the loss is over 25 differences" in text
    assert "shape (5, 1)" in text and "shape (5,)" in text


def test_mse_loss_of_a_column_and_a_row_has_both_warnings():
    layer = nn.Linear(4, 1)
    with warnings.catch_warnings(record=True) as caught, teach.watch():
        warnings.simplefilter("always")
        F.mse_loss(layer(X), ROW).backward()
    assert [w.category for w in caught] == [UserWarning, TeachingWarning]


@pytest.mark.parametrize(
    "loss",
    [
        lambda p: ((p - COLUMN) ** 2).mean(),
        lambda p: ((p.squeeze(1) - ROW) ** 2).mean(),
        lambda p: ((p - p.squeeze(1).unsqueeze(0)) ** 2).mean(),
        lambda p: ((p - ROW.unsqueeze(0)) ** 2).mean(),
        lambda p: ((p - ROW) ** 2).sum(1).max(),
        lambda p: ((p @ ROW.unsqueeze(0) - minigrad.eye(5)) ** 2).mean(),
        lambda p: ((p[:1] - ROW[:1]) ** 2).mean(),
        lambda p: (p - ROW).softmax(1).sum(),
    ],
    ids=itertools.count(),
)
def test_other_differences_pass(loss):
    layer = nn.Linear(4, 1)
    assert watched(lambda: loss(layer(X)).backward()) == []


class Ends(Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 3)


class Argmax(Ends):
    def forward(self, x):
        return minigrad.argmax(self.layer(x), dim=1)


class Detach(Ends):
    def forward(self, x):
        return self.layer(x).detach()


class NoGrad(Ends):
    def forward(self, x):
        with minigrad.no_grad():
            return self.layer(x)


class Compares(Ends):
    def forward(self, x):
        return self.layer(x) > 0


@pytest.mark.parametrize(
    "cls, word",
    [(Argmax, "argmax"), (Detach, "detach"), (NoGrad, "no_grad"), (Compares, "a comparison")],
    ids=itertools.count(),
)
def test_an_output_that_cannot_train(cls, word):
    (text,) = watched(lambda: nn.Sequential(nn.ReLU(), cls())(X))
    assert text == (
        f"the output of {cls.__name__} cannot train: its forward uses {word}. No gradient leads through argmax, "
        "comparisons, detach(), item(), numpy() or no_grad: the parameters behind them would stay as they are. "
        "Return the scores, and take the argmax outside, where accuracy is counted."
    )


def test_a_module_without_source_is_warned_of_all_the_same():
    space = {}
    exec(
        "import minigrad\nclass Net(minigrad.nn.Linear):\n def forward(self, x): return super().forward(x).argmax(1)",
        space,
    )
    net = space["Net"](4, 3)
    (text,) = watched(lambda: net(X))
    assert text.startswith("the output of Net cannot train. No gradient")


class Both(Ends):
    def forward(self, x):
        scores = self.layer(x)
        return scores, scores.argmax(1)


@pytest.mark.parametrize(
    "run",
    [
        lambda: nn.Linear(4, 3)(X),
        lambda: Both()(X),
        lambda: Argmax().eval()(X),
        lambda: Argmax().requires_grad_(False)(X),
        lambda: minigrad.no_grad()(Argmax())(X),
        lambda: nn.Sequential(nn.Linear(4, 3), nn.Dropout())(X),
        lambda: nn.ReLU()(X),
    ],
    ids=itertools.count(),
)
def test_outputs_that_can_train_or_need_not_pass(run):
    assert watched(run) == []


def test_on_and_off():
    backward, call = Tensor.backward, Module.__call__
    w = minigrad.tensor(1.0, requires_grad=True)
    w.grad = minigrad.tensor(1.0)
    with teach.watch():
        with teach.watch():
            assert Tensor.backward is not backward
        assert Tensor.backward is not backward and Module.__call__ is not call
        with pytest.warns(TeachingWarning):
            (w * 1).backward()
    assert Tensor.backward is backward and Module.__call__ is call
    (w * 1).backward()  # an error, if it still warned

    assert "forward" not in vars(elementwise.Sub)

    switch = teach.watch()
    assert Tensor.backward is not backward
    switch.stop()
    switch.stop()
    assert Tensor.backward is backward

    with pytest.raises(RuntimeError, match="does not require grad"), teach.watch():
        minigrad.ones(1).backward()
    assert Tensor.backward is backward and Module.__call__ is call


def test_what_watch_is_given_is_answered_with_how_to_write_it():
    backward = Tensor.backward
    with pytest.raises(TypeError, match=r"watch\(\) takes no arguments.*`with teach.watch\(\):`.*w.stop\(\)"):
        teach.watch(nn.Linear(1, 1))
    assert Tensor.backward is backward  # nothing is on


def test_the_error_of_backward_names_what_ends_a_history():
    with pytest.raises(RuntimeError) as error:
        Argmax()(X).float().sum().backward()
    text = str(error.value)
    assert text.startswith("element 0 of tensors does not require grad and does not have a grad_fn")
    for word in ("argmax", "comparison", "detach()", "item()", "numpy()", "no_grad"):
        assert word in text
