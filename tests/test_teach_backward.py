"""Backward step by step does what backward does, and says so; the graph of it has every value and gradient."""

import itertools
import random
import re

import numpy as np
import pytest

import minigrad
from minigrad import nn, teach
from minigrad.autograd import rules, steps
from minigrad.engine import Operator
from minigrad.nn import functional as F


def leaf(*data, **options):
    return minigrad.tensor(*data, requires_grad=True, **options)


def both_ways(make, gradient=None, leaves=None):
    """The gradients that backward_steps leaves, and those that backward leaves, of a graph made twice the same."""
    found = []
    for way in ("backward_steps", "backward"):
        root, tensors = make()
        result = getattr(root, way)(gradient)
        if way == "backward_steps":
            for _ in result:
                pass
        found.append([t.grad for t in tensors])
    return found


def check_same(make, gradient=None):
    ours, theirs = both_ways(make, gradient)
    assert len(ours) == len(theirs) > 0
    for a, b in zip(ours, theirs):
        assert (a is None) == (b is None)
        if a is not None:
            assert a.dtype == b.dtype and a.shape == b.shape
            np.testing.assert_array_equal(a.numpy(), b.numpy())


# ---- the same numbers


def lenet():
    minigrad.manual_seed(0)
    net = nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.Sigmoid(), nn.AvgPool2d(2),
        nn.Flatten(), nn.Linear(400, 99), nn.BatchNorm1d(99), nn.Tanh(), nn.Dropout(), nn.Linear(99, 10))  # fmt: skip
    loss = F.cross_entropy(net(minigrad.randn(3, 1, 28, 28)), minigrad.tensor([1, 5, 9]))
    return loss, list(net.parameters())


def test_lenet_has_the_same_gradients_bit_for_bit():
    check_same(lenet)


UNARY = [minigrad.exp, minigrad.tanh, minigrad.sin, minigrad.relu, lambda x: x[..., :1], lambda x: -x,
         lambda x: x * x, lambda x: x.clone(), lambda x: F.softmax(x, -1)]  # fmt: skip
BINARY = [
    lambda x, y: x + y,
    lambda x, y: x * y,
    lambda x, y: x - 2 * y,
    minigrad.maximum,
    lambda x, y: x / (1 + y * y),
]
SHAPES = [(), (3,), (2, 3), (2, 1), (1, 3)]


def random_graph(seed):
    """A graph of random operators, with broadcasting and shared results."""
    choose = random.Random(seed)
    minigrad.manual_seed(seed)
    dtypes = [minigrad.float32, minigrad.float64]
    leaves = [minigrad.rand(choose.choice(SHAPES), dtype=choose.choice(dtypes)).requires_grad_() for _ in range(4)]
    made = list(leaves)
    for _ in range(choose.randint(3, 15)):
        if choose.random() < 0.4:
            x = choose.choice([t for t in made if t.ndim])
            made.append(choose.choice(UNARY)(x))
        else:
            made.append(choose.choice(BINARY)(choose.choice(made), choose.choice(made)))
    return sum(t.sum() for t in made[4:]), leaves


@pytest.mark.parametrize("seed", range(40))
def test_random_graphs_have_the_same_gradients(seed):
    check_same(lambda: random_graph(seed))


class Two(minigrad.autograd.Function):
    """z, z' = 2 x, 3 x."""

    @staticmethod
    def forward(ctx, x):
        return x * 2, x * 3

    @staticmethod
    def backward(ctx, g, h):
        return 2 * g + 3 * h


class Lazy(Two):
    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.set_materialize_grads(False)

    @staticmethod
    def forward(x):
        return x * 2, x * 3

    @staticmethod
    def backward(ctx, g, h):
        assert h is None
        return 2 * g


def with_hooks():
    x = leaf([1.0, 2.0])
    x.register_hook(lambda g: 10 * g)
    y = x * 3
    y.register_hook(lambda g: g + 1)
    y.retain_grad()
    z = y.exp()
    z.retain_grad()
    return (z + y).sum(), [x, y, z]


def in_place():
    x = leaf([[1.0, 2.0], [3.0, 4.0]])
    y = minigrad.zeros(2, 2)
    y[0] = x[1] * 2
    y[:, 1].mul_(x[0])
    return y.sum(), [x]


def accumulated():
    x = leaf([1.0, 2.0])
    (x * 5).sum().backward()
    return (x * x).sum(), [x]


def overflows():
    x = leaf([1e38, 3e38])
    (x * 3).sum().backward()
    return ((x * 2) * 1e10).sum(), [x]


@pytest.mark.parametrize("make", [
    with_hooks, in_place, accumulated, overflows,
    lambda: (lambda x: (sum(Two.apply(x)).sum(), [x]))(leaf([1.0, 2.0])),
    lambda: (lambda x: (Two.apply(x)[1].sum(), [x]))(leaf([1.0, 2.0])),
    lambda: (lambda x: (Lazy.apply(x)[0].sum(), [x]))(leaf([1.0, 2.0])),
    lambda: (lambda x: (x, [x]))(leaf(3.0)),
    lambda: (lambda x: (x * 2 + x, [x]))(leaf(3.0)),
], ids=itertools.count())  # fmt: skip
def test_the_corners_have_the_same_gradients(make):
    check_same(make)


def test_a_gradient_for_a_root_of_several_numbers():
    check_same(lambda: (lambda x: (x.exp(), [x]))(leaf([1.0, 2.0])), minigrad.tensor([1.0, -2.0]))


# ---- the state


def test_stopping_in_the_middle_changes_nothing():
    loss, parameters = lenet()
    walk = loss.backward_steps()
    for _ in range(5):
        next(walk)
    walk.close()
    assert minigrad.is_grad_enabled() and all(p.grad is None for p in parameters)
    loss.backward()
    again, others = lenet()
    again.backward()
    assert all((p.grad == q.grad).all() for p, q in zip(parameters, others))


def test_between_steps_gradients_are_on_and_retained_ones_wait():
    x = leaf(2.0)
    y = x * x
    y.retain_grad()
    for step in (y * 3).backward_steps():
        assert minigrad.is_grad_enabled()
        if step.name != "AccumulateGrad":
            assert x.grad is None and y.grad is None
    assert x.grad == 12 and y.grad == 3


def test_the_graph_is_let_go_of_at_the_end_or_kept():
    x = leaf(2.0)
    y = x * x
    for _ in y.backward_steps(retain_graph=True):
        pass
    for _ in y.backward_steps():
        pass
    assert x.grad == 8
    with pytest.raises(RuntimeError, match="backward through the graph a second time"):
        list(y.backward_steps())


def test_steps_keep_their_numbers():
    x = leaf([1.0, 2.0])
    first = list((x * 3).sum().backward_steps())
    (x * 5).sum().backward()
    assert first[-1].after.tolist() == [3.0, 3.0] and x.grad.tolist() == [8.0, 8.0]


@pytest.mark.parametrize("make, error, text", [
    (lambda: minigrad.ones(1).backward_steps(), RuntimeError, "does not require grad and does not have a grad_fn"),
    (lambda: leaf([1.0, 2.0]).backward_steps(), RuntimeError, "grad can be implicitly created only for scalar outputs"),
    (lambda: leaf([1.0, 2.0]).backward_steps(minigrad.ones(3)), RuntimeError, "Mismatch in shape"),
    (lambda: leaf([1.0]).backward_steps(1.0), TypeError, "gradients can be either Tensors or None"),
    (lambda: teach.backward_steps(3.0), TypeError, r"backward_steps\(\): argument 'loss' must be Tensor, not float"),
    (lambda: teach.graph("loss"), TypeError, r"graph\(\): argument 'loss' must be Tensor, not str"),
    (lambda: teach.graph(minigrad.ones(1)), RuntimeError, r"graph\(\): argument 'loss' has no history"),
    (lambda: teach.graph(leaf([1.0, 2.0]) * 2, gradient=minigrad.ones(3)), RuntimeError, r"must have the shape \[2\]"),
], ids=itertools.count())  # fmt: skip
def test_errors(make, error, text):
    with pytest.raises(error, match=text):
        make()


def test_wrong_rules_of_users_have_the_errors_of_backward():
    class Wrong(Two):
        returned = None

        @staticmethod
        def backward(ctx, g, h):
            return Wrong.returned

    for Wrong.returned, error, text in (((None, 3.0), RuntimeError, "incorrect number of gradients"),
                                        ((3.0,), TypeError, "expected a Tensor or None")):  # fmt: skip
        for way in (lambda z: list(z.backward_steps()), lambda z: z.backward()):
            with pytest.raises(error, match=text):
                way(Wrong.apply(leaf(1.0))[0])


# ---- the words


def test_the_text_of_every_step():
    x, w, b = leaf([1.0, -2.0]), leaf(3.0), leaf(0.5)
    y = w * x
    loss = (y + b + y * y).sum()
    w.grad = minigrad.tensor(1.0)
    assert (
        "\n".join(map(str, loss.backward_steps()))
        == """\
1. Sum: z = the sum of x;  dx = g, repeated
   loss [] from x [2]
   g = 1
   dx = [1, 1] -> Add
2. Add: z = x + y;  dx = g,  dy = g
   z [2] from x [2], y [2]
   g = [1, 1]
   dx = [1, 1] -> Add
   dy = [1, 1] -> Mul
3. Mul: z = x · y;  dx = g · y,  dy = g · x
   z [2] from x [2], y [2]
   g = [1, 1]
   dx = [3, -6] -> Mul (y)
   dy = [3, -6] -> Mul (y)  (added to what waits there: [3, -6] + [3, -6] = [6, -12])
4. Add: z = x + y;  dx = g,  dy = g
   z [2] from x [2], y []
   g = [1, 1]
   dx = [1, 1] -> Mul (y)  (added to what waits there: [6, -12] + [1, 1] = [7, -11])
   dy = 2 -> b  (it was [2]: summed over what was broadcast)
5. Mul: z = x · y;  dx = g · y,  dy = g · x
   y [2] from x [], y [2]
   g = [7, -11]
   dx = 29 -> w  (it was [2]: summed over what was broadcast)
   dy = [21, -33] -> x
6. AccumulateGrad: b.grad = 2
7. AccumulateGrad: w.grad: 1 + 29 = 30
8. AccumulateGrad: x.grad = [21, -33]"""
    )


def test_parameters_are_called_by_the_modules_of_the_caller():
    net = nn.Linear(2, 1)
    text = "\n".join(map(str, net(minigrad.ones(1, 2)).sum().backward_steps()))
    assert "dw = [[1, 1]] -> net.weight" in text and "net.bias.grad = [1]" in text
    given = "\n".join(map(str, net(minigrad.ones(1, 2)).sum().backward_steps(names={"W": net.weight})))
    assert "dw = [[1, 1]] -> W" in given and "a leaf [1].grad: [1] + [1] = [2]" in given


def test_a_convolution_shows_the_numbers_of_the_seed():
    x = minigrad.arange(9.0).reshape(3, 3).requires_grad_()
    k = minigrad.arange(4.0).reshape(2, 2).requires_grad_()
    step = list(F.conv2d(x[None, None], k[None, None]).sum().backward_steps())[1]
    assert str(step) == """\
2. Convolution: z = x * w + b;  dx = g * flipped w, padded,  dw = x * g, over the batch,  db = the sum of g over each \
channel
   z [1, 1, 2, 2] from x [1, 1, 3, 3], w [1, 1, 2, 2]
   g = [[[[1, 1], [1, 1]]]]
   dx = [[[[0, 1, 1], [2, 6, 4], [2, 5, 3]]]] -> Unsqueeze
   dw = [[[[8, 12], [20, 24]]]] -> Unsqueeze"""


WHOLE = [
    (lambda x: F.mse_loss(x, minigrad.zeros(2, 3)), {"Mean (the last step of MseLoss)": "z = the sum of x / n"}),
    (lambda x: F.avg_pool2d(x[None], 2).sum(), {"Div (the last step of AvgPool2D)": "z = x / y"}),
    (lambda x: x.max(dim=1)[0].sum(), {"Index (a step of Max)": "z = x[index]"}),
    (lambda x: x.amin(), {"Amin": "z = the smallest of x"}),
    (lambda x: F.nll_loss(x.log_softmax(1), minigrad.tensor([0, 1])),
     {"Div (the last step of NllLoss)": "z = x / y", "Index (a step of NllLoss)": "z = x[index]"}),
    (lambda x: F.cross_entropy(x, minigrad.tensor([0, 1]), reduction="sum"),
     {"CrossEntropy": "z = log of the sum of e^x - x[label], its sum;  dx = g · (softmax x - one-hot label)"}),
]  # fmt: skip


@pytest.mark.parametrize("make, expected", WHOLE, ids=itertools.count())
def test_a_step_has_the_name_of_its_rule_and_of_what_it_is_a_step_of(make, expected):
    loss = make(minigrad.rand(2, 3).requires_grad_())
    found = {step.name: step.rule for step in loss.backward_steps()}
    for name, rule in expected.items():
        assert found[name].startswith(rule)


def test_a_graph_names_them_in_short():
    x = leaf([1.0, 2.0])
    text = teach.graph(F.mse_loss(x, minigrad.zeros(2))).text()
    assert "Mean of MseLoss [] of x = Mul" in text
    assert "-> Mul" in str(next(F.mse_loss(x, minigrad.zeros(2)).backward_steps()))
    assert "-> Mean of MseLoss" in str(next((2 * F.mse_loss(x, minigrad.zeros(2))).backward_steps()))


def test_large_tensors_are_shown_by_their_range():
    x = minigrad.arange(100.0, requires_grad=True)
    last = list((x * x).sum().backward_steps())[-1]
    assert str(last) == "3. AccumulateGrad: x.grad = [100] of 0 to 198"


def operators(cls=Operator):
    for kind in cls.__subclasses__():
        if kind.__module__.startswith("minigrad.") and kind.__name__ not in ("Row", "Reduction", "Context"):
            yield kind
        yield from operators(kind)


def test_every_operator_has_its_rule_in_the_table():
    found = set(operators())
    assert len(found) > 70
    assert not sorted(k.__name__ for k in found if k not in rules.RULES and k.__name__ not in rules.RULES)
    names = {k.__name__ for k in found} | found
    assert not [key for key in rules.RULES if key not in names], "and none is left over"
    for text in rules.RULES.values():
        assert len(text) < 130 and (text.startswith("z = ") or text.startswith("a leaf"))


def test_the_rules_that_are_formulas_are_true():
    """Those of one number, as the table writes them, against the gradients that minigrad computes."""
    names = {name: getattr(np, name) for name in ("sin", "cos", "tan", "tanh", "log", "sign", "e")}
    names |= {"sigmoid": lambda x: 1 / (1 + np.exp(-x)), "π": np.pi}
    checked = 0
    for name in ("Neg Abs Exp Exp2 Expm1 Log Log2 Log10 Log1P Sqrt Rsqrt Reciprocal Sin Cos Tan Tanh Sigmoid Erf Sign "
                 "Floor Ceil Trunc LogSigmoid").split():  # fmt: skip
        x = leaf([0.3, 0.7, 1.4], dtype=minigrad.float64)
        function = getattr(minigrad, name.lower(), None) or getattr(F, name.lower())
        z = function(x)
        formula = rules.RULES[name].split("dx = ")[1].partition(":")[0]
        for old, new in (("²", "**2"), ("³", "**3"), ("√π", "(π**0.5)"), ("^", "**"), ("·", "*")):
            formula = formula.replace(old, new)
        formula = re.sub(r"\b(sin|cos|log|sign|tanh) (\w+)", r"\1(\2)", formula).replace("(-x**2)", "(-(x**2))")
        z.backward(minigrad.full((3,), 2.0, dtype=minigrad.float64))
        expected = eval(formula, names | {"g": np.full(3, 2.0), "x": x.detach().numpy(), "z": z.detach().numpy()})
        np.testing.assert_allclose(x.grad.numpy(), np.broadcast_to(expected, 3), rtol=1e-12, err_msg=name)
        checked += 1
    assert checked == 23


def test_a_users_operator_says_its_docstring():
    assert rules.rule_of(sum(Two.apply(leaf(1.0))).grad_fn.next_functions[1][0]) == "z, z' = 2 x, 3 x"
    assert rules.letters("z = x + y;  dx = g,  dy = g", 2) == ["x", "y"]
    assert rules.letters("each gets its piece", 3) == ["1", "2", "3"]


# ---- the pictures


def texts(figure):
    return [t.get_text() for t in figure.findobj(match=lambda a: hasattr(a, "get_text")) if t.get_text()]


def test_the_picture_of_a_step():
    x = leaf([1.0, -2.0])
    drawn = list(teach.backward_steps((x * x * 3).sum()))
    plain = list((x * x * 3).sum().backward_steps())
    assert [s.text() for s in drawn[:-1]] == [str(s) for s in plain[:-1]]
    assert x.grad.tolist() == [12.0, -24.0]
    shown = texts(drawn[2].figure())
    assert "3. Mul: z = x · y;  dx = g · y,  dy = g · x" in shown
    assert {"g, of z\n[2]", "dx → x\n[2]", "dy → x (its share)\n[2]", "3", "-6"} <= set(shown)
    assert drawn[-1].rule == "a leaf: its gradient is added to .grad"
    assert {"what arrived\n[2]", "x.grad\n[2]", "6", "-12"} <= set(texts(drawn[-1].figure()))


def test_large_tensors_are_cropped_and_say_so():
    layer = nn.Conv2d(1, 2, 5)
    drawn = list(teach.backward_steps(layer(minigrad.rand(1, 1, 60, 60)).exp().sum()))
    shown = texts(drawn[1].figure())
    assert any("[1, 2, 56, 56], [0, 0] of it, the first 32 x 32" in t for t in shown)
    assert all(max(f.get_size_inches()) < 20 for f in (s.figure() for s in drawn))


@pytest.fixture
def small():
    x, w = minigrad.tensor([1.0, -2.0]), leaf([3.0, 0.5])
    y = w * x
    loss = (y**2).mean()
    return teach.graph(loss, names={"x": x, "w": w, "y": y, "loss": loss}), w


def test_the_text_of_a_graph(small):
    graph, w = small
    assert (
        graph.text()
        == """\
leaves
  w [2]   value [3, 0.5]   gradient [3, 2]
  x [2], constant   value [1, -2]
operators
  y = Mul [2] of x = w, y = x   value [3, -1]   gradient [3, -1]
  Pow (y = 2) [2] of x = y   value [9, 1]   gradient [0.5, 0.5]
  loss = Mean [] of x = Pow   value 5   gradient 1"""
    )
    assert w.grad is None


def test_dot_and_mermaid(small):
    graph, _ = small
    assert (
        graph.dot()
        == """\
digraph {
  node [fontname=Helvetica]; edge [fontname=Helvetica, fontsize=10];
  n0 [label="w\\n[2]", shape=ellipse];
  n1 [label="x\\n[2]", shape=ellipse];
  n2 [label="y = Mul\\n[2]", shape=box];
  n3 [label="Pow (y = 2)\\n[2]", shape=box];
  n4 [label="loss = Mean\\n[]", shape=box];
  n0 -> n2 [label="dx [2]"];
  n1 -> n2 [label="y"];
  n2 -> n3 [label="dx [2]"];
  n3 -> n4 [label="dx [2]"];
}"""
    )
    assert (
        graph.mermaid()
        == """\
graph TD
  n0(["w<br>[2]"])
  n1(["x<br>[2]"])
  n2["y = Mul<br>[2]"]
  n3["Pow (y = 2)<br>[2]"]
  n4["loss = Mean<br>[]"]
  n0 -->|"dx [2]"| n2
  n1 -->|"y"| n2
  n2 -->|"dx [2]"| n3
  n3 -->|"dx [2]"| n4"""
    )


def boxes(figure):
    from matplotlib.patches import FancyBboxPatch

    return [p.get_window_extent() for p in figure.findobj(FancyBboxPatch)]


def overlapping(extents):
    return [(a, b) for a, b in itertools.combinations(extents, 2) if a.overlaps(b)]


def test_the_picture_of_a_graph(small):
    figure = small[0].figure()
    shown = texts(figure)
    assert {"w", "x", "y = Mul", "Pow (y = 2)", "loss = Mean", "[2]  leaf", "[2]  constant", "dx [2]"} <= set(shown)
    assert {"3", "0.5", "-1", "9", "5"} <= set(shown)
    assert len(boxes(figure)) == 5 and not overlapping(boxes(figure))


def test_a_leaf_of_many_uses_is_drawn_beside_each_and_numbers_are_no_images():
    from matplotlib.image import AxesImage

    y, w = leaf(2.0), leaf(1.5)
    for i in range(8):
        y = y * w if i % 2 else y + w
    graph = teach.graph(y, names={"w": w, "y": y})
    figure = graph.figure()
    shown = texts(figure)
    assert shown.count("w") == 1 and shown.count("w (again)") == 7
    assert len(boxes(figure)) == 8 + 8 + 1 and not overlapping(boxes(figure))
    assert len(graph.boxes) == 8 + 2 and "again" not in graph.text(), "the graph itself has it once"
    assert not figure.findobj(AxesImage), "an image costs more than all the rest"
    large = teach.graph((minigrad.rand(9, 9).requires_grad_() * 2).sum()).figure()
    assert large.findobj(AxesImage) and large.suppressComposite, "not one image as large as the figure"


def test_values_that_the_tape_did_not_keep_are_computed_again():
    minigrad.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(8, 3))
    image = minigrad.rand(1, 1, 6, 6)
    outputs, x = [], image
    for layer in net:
        x = layer(x)
        outputs.append(x.detach())
    graph = teach.graph(F.cross_entropy(net(image), minigrad.tensor([1])), model=net)
    values = [box.value for box in graph.boxes if box.node is not None]
    assert graph.complete
    for found, expected in zip(values, outputs, strict=False):
        np.testing.assert_array_equal(found.numpy(), expected.numpy())
    assert [box.name for box in graph.boxes if box.kind == "leaf"] == ["0.weight", "0.bias", "4.weight", "4.bias"]
    gradients = {box.name: box.gradient for box in graph.boxes if box.kind == "leaf"}
    F.cross_entropy(net(image), minigrad.tensor([1])).backward()
    for name, p in net.named_parameters():
        np.testing.assert_array_equal(p.grad.numpy(), gradients[name].numpy())


def test_after_backward_it_says_what_is_missing():
    x = leaf([1.0, 2.0])
    loss = (x.exp() * x).sum()
    loss.backward()
    text = teach.graph(loss).text()
    assert text.endswith("Draw the graph before, or call backward(retain_graph=True).")
    assert "x [2]   value [1, 2]   gradient [5.437, 22.17]" in text


def test_a_root_of_several_numbers_has_values_only_unless_a_gradient_is_given():
    x = leaf([1.0, 2.0])
    assert "gradient" not in teach.graph(x * 2).text()
    assert "x [2]   value [1, 2]   gradient [2, 4]" in teach.graph(x * 2, gradient=minigrad.tensor([1.0, 2.0])).text()


def test_hooks_are_not_called_by_a_picture():
    x = leaf(2.0)
    x.register_hook(lambda g: pytest.fail("called"))
    y = x * x
    y.register_hook(lambda g: pytest.fail("called"))
    assert "gradient 4" in teach.graph(y).text()


def test_large_graphs_show_their_ends():
    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.norm = nn.Conv2d(2, 2, 3, padding=1), nn.BatchNorm2d(2)

        def forward(self, x):
            return F.relu(self.norm(self.conv(x)) + x)

    net = nn.Sequential(nn.Conv2d(1, 2, 3), *[Block() for _ in range(10)])
    graph = teach.graph(net(minigrad.rand(1, 1, 6, 6)).sum())
    figure = graph.figure()
    count = sum(box.node is not None for box in graph.boxes)
    assert count > 60
    assert f"… {count - 26} more operators …" in texts(figure) and not overlapping(boxes(figure))
    assert "…" in graph.text() and len(graph.text().splitlines()) < 120
    assert max(figure.get_size_inches()) < 60
    assert graph.dot().count("shape=box") == count


def test_it_saves(tmp_path, small):
    for kind in ("svg", "png", "html", "txt"):
        small[0].save(tmp_path / f"graph.{kind}")
        assert (tmp_path / f"graph.{kind}").stat().st_size > 100


def test_names_come_from_the_frame_that_calls():
    a = leaf(1.0)
    assert [s.label for s in (a * 2).backward_steps()] == ["z", "a"]
    assert steps.Names({"a": a, "_a": a}).of(a, 0) == "a"
