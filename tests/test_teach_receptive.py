"""teach.receptive_field: boxes against gradients with positive weights, sizes against numbers worked out by hand."""

import numpy as np
import pytest
from models import lenet

import minigrad
from minigrad import nn, teach
from minigrad.nn import functional as F


def positive(net):
    """`net` in double precision with positive weights: no dependence cancels, so that dy/dx != 0 where y sees x."""
    for p in net.double().parameters():
        p.data = minigrad.rand(*p.shape, dtype=minigrad.float64) + 0.1
    return net


def sees(function, x, at, dims):
    """((first, last), ...) of the non-zero dy/dx: an oracle that knows nothing of windows."""
    x = x.detach().requires_grad_()
    y = function(x)
    y[(..., *at)].sum().backward()
    found = np.nonzero(x.grad.numpy())[-dims:]
    return None if not len(found[0]) else tuple((int(f.min()), int(f.max())) for f in found)


class Branches(nn.Module):
    """A residual sum, an inception of two kernels side by side, and a stride."""

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Conv2d(1, 2, 3, padding=1), nn.Conv2d(1, 1, 5, padding=2)
        self.c = nn.Conv2d(3, 2, 3, stride=2)

    def forward(self, x):
        wide = minigrad.cat([self.a(x), self.b(x)], 1)
        return F.relu(self.c(wide + x))


class SideBySide(nn.Module):
    """Two results, one above the other."""

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Conv2d(1, 1, 3, padding=1), nn.Conv2d(1, 1, 2)

    def forward(self, x):
        return minigrad.cat([self.a(x)[..., 1:], self.b(x)], 2)


class Cropping(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 1, 3, padding=1)

    def forward(self, x):
        return F.pad(self.conv(F.pad(x, (1, -2, 0, 3)))[:, :, 1:-1, ::2], (1, 1))


def conv_pool(dims):
    conv, pool = (getattr(nn, f"{name}{dims}d") for name in ("Conv", "AvgPool"))
    return nn.Sequential(conv(1, 2, 2, padding=1), pool(2), conv(2, 1, 2, dilation=2, padding=1))


NETS = {
    "stride": (nn.Sequential(nn.Conv2d(1, 2, 3, stride=2), nn.ReLU(), nn.Conv2d(2, 2, 3, padding=1)), (10, 12)),
    "dilation, groups": (nn.Sequential(nn.Conv2d(1, 2, 3, dilation=2, padding=1), nn.AvgPool2d(2, padding=1),
                                       nn.Conv2d(2, 2, (3, 2), padding=(1, 0), groups=2)), (10, 12)),
    "dilation beyond the edge": (nn.Sequential(nn.Conv2d(1, 1, 3, dilation=3, padding=1), nn.Sigmoid()), (8, 9)),
    "a hole in the padding": (nn.Sequential(nn.Conv2d(1, 1, 1, padding=2), nn.Conv2d(1, 1, 2)), (4, 4)),
    "1-D reflect, transposed": (nn.Sequential(nn.Conv1d(1, 2, 3, padding=2, padding_mode="reflect"), nn.AvgPool1d(2),
                                              nn.ConvTranspose1d(2, 2, 3, padding=1)), (20,)),
    "1-D": (conv_pool(1), (13,)),
    "3-D": (conv_pool(3), (4, 5, 6)),
    "upsampling": (nn.ConvTranspose2d(1, 2, 3, stride=2, padding=1, output_padding=1), (5, 4)),
    "circular, adaptive": (nn.Sequential(nn.Conv2d(1, 2, 3, padding_mode="circular", padding=1),
                                         nn.AdaptiveAvgPool2d((2, 3))), (6, 7)),
    "ceil_mode": (nn.Sequential(nn.Conv2d(1, 1, 2), nn.AvgPool2d(3, 2, 1, ceil_mode=True)), (6, 8)),
    "branches": (Branches(), (8, 9)),
    "crops": (Cropping(), (8, 8)),
    "side by side": (SideBySide(), (5, 5)),
}  # fmt: skip


@pytest.mark.parametrize("name", NETS)
def test_boxes_are_where_the_gradient_is_not_zero(name):
    net, size = NETS[name]
    net, x = positive(net), minigrad.ones(1, 1, *size, dtype=minigrad.float64)
    grid = net(x).shape[2:]
    for at in np.ndindex(*grid):
        field = teach.receptive_field(net, (1, 1, *size), at=at)
        assert field.box == sees(net, x, at, len(size)), at
        if field.unclipped is not None and field.box is not None:
            inside = tuple((max(a, 0), min(z, n - 1)) for (a, z), n in zip(field.unclipped, size))
            assert all(a <= b and z >= y for (a, z), (b, y) in zip(inside, field.box))


@pytest.mark.parametrize("net", [
    nn.Sequential(nn.MaxPool2d(3, 2, padding=1), nn.MaxPool2d(2, 1, dilation=2)),
    nn.MaxPool2d(3, 2, ceil_mode=True),
])  # fmt: skip
def test_max_pooling_sees_its_window(net):
    """NaN spreads to all that see it."""
    for at in np.ndindex(*net(minigrad.zeros(1, 1, 8, 9)).shape[2:]):
        seen = []
        for place in np.ndindex(8, 9):
            x = minigrad.zeros(1, 1, 8, 9)
            x[(0, 0, *place)] = float("nan")
            if np.isnan(net(x)[(0, 0, *at)].item()):
                seen.append(place)
        box = tuple((min(v), max(v)) for v in zip(*seen))
        assert teach.receptive_field(net, (1, 1, 8, 9), at=at).box == box


# ---- numbers known from elsewhere


def test_sizes_worked_out_by_hand():
    two = nn.Sequential(nn.Conv2d(1, 1, 3), nn.Conv2d(1, 1, 3))
    assert teach.receptive_field(two, (1, 1, 9, 9)).size == (5, 5)
    dilated = nn.Sequential(*[nn.Conv1d(1, 1, 3, dilation=d, padding=d) for d in (1, 2, 4)])
    field = teach.receptive_field(dilated, (1, 1, 40), at=(20,))
    assert (field.size, field.jump, field.start, field.box) == ((15,), (1,), (-7,), ((13, 27),))


def test_vgg16():
    """212, 32 and a padding of 90: the table of Araujo, Norris and Sim, Distill 2019."""
    layers, channels = [], 3
    for count in (2, 2, 3, 3, 3):
        for _ in range(count):
            layers += [nn.Conv2d(channels, 2, 3, padding=1), nn.ReLU()]
            channels = 2
        layers.append(nn.MaxPool2d(2))
    field = teach.receptive_field(nn.Sequential(*layers), (1, 3, 224, 224))
    assert (field.size, field.jump, field.start) == ((212, 212), (32, 32), (-90, -90))
    assert field.box == ((6, 217), (6, 217)) and field.at == (3, 3)


class LeNet5(type(lenet(minigrad))):
    """Seed 001's: it ends in argmax."""

    def forward(self, x):
        return minigrad.argmax(nn.Softmax(dim=1)(super().forward(x)), dim=1)


LENET = """\
receptive field of fc2: the whole input, rows 0 to 31, columns 0 to 31

layer  operator   output  size  jump  start
       input      32x32      1     1      0
conv1  Conv2d     28x28      5     1      0
       MaxPool2D  14x14      6     2      0
conv2  Conv2d     10x10     14     2      0
       MaxPool2D  5x5       16     4      0
fc1    Linear     -         32     -      -

size' = size + (k - 1) d jump    jump' = s jump    start' = start - p jump
a unit i sees start + i jump to start + i jump + size - 1 (negative: padding)
Dumoulin and Visin, arXiv:1603.07285; Araujo, Norris and Sim, Distill 2019, doi:10.23915/distill.00021"""


def test_lenet_with_its_functional_calls_and_its_argmax():
    assert str(teach.receptive_field(LeNet5(), (1, 1, 32, 32))) == LENET
    field = teach.receptive_field(LeNet5(), (1, 1, 32, 32), layer="conv2", at=(4, 4))
    assert (field.size, field.jump, field.start, field.box) == ((14, 14), (2, 2), (0, 0), ((8, 21), (8, 21)))
    assert [row.name for row in field.layers] == ["input", "conv1", "MaxPool2D", "conv2"]
    assert str(field).startswith("receptive field of conv2, unit (4, 4): rows 8 to 21, columns 8 to 21\n")


def test_what_sees_everything():
    for net in (nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(32, 3)),
                nn.Sequential(nn.Conv2d(1, 2, 3), nn.AdaptiveAvgPool2d(1))):
        assert teach.receptive_field(net, (1, 1, 6, 6)).box == ((0, 5), (0, 5))
    field = teach.receptive_field(lambda x: F.relu(F.avg_pool2d(x, 2)).mean((2, 3)), (1, 1, 6, 6))
    assert field.box == ((0, 5), (0, 5))


def test_a_functional_model_a_batch_and_no_batch():
    weight = minigrad.ones(1, 2, 3, 5)
    field = teach.receptive_field(lambda x: F.conv2d(x, weight, stride=(1, 2), padding=(1, 0)), (4, 2, 8, 9), at=(0, 1))
    assert (field.size, field.jump, field.start) == ((3, 5), (1, 2), (-1, 0))
    assert field.box == ((0, 1), (2, 6)) and field.unclipped == ((-1, 1), (2, 6))
    assert teach.receptive_field(nn.Conv2d(2, 1, 3), (2, 8, 9)).size == (3, 3)


def test_padding_alone_is_nothing():
    field = teach.receptive_field(nn.Conv2d(1, 1, 2, padding=3), (1, 1, 4, 4), at=(0, 0))
    assert field.box is None and "sees nothing" not in str(field) and "nothing but padding" in str(field)
    field.figure()


def test_modes_parameters_and_random_numbers_are_left_as_they_were():
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Dropout(0.5))
    net[2].eval()
    mean = net[1].running_mean.tolist()
    minigrad.manual_seed(1)
    want = minigrad.rand(1).item()
    minigrad.manual_seed(1)
    assert teach.receptive_field(net, (1, 1, 8, 8), effective=True).size == (3, 3)
    assert minigrad.rand(1).item() == want
    assert [m.training for m in net] == [True, True, False] and net[1].running_mean.tolist() == mean
    assert all(p.grad is None for p in net.parameters()) and not net[0]._forward_hooks


def test_the_effective_field_lies_in_the_box_and_is_the_gradient():
    conv = nn.Conv2d(1, 1, 3, padding=1)
    field = teach.receptive_field(nn.Sequential(conv), (1, 1, 6, 7), at=(2, 3), effective=True)
    want = np.zeros((6, 7))
    want[1:4, 2:5] = np.abs(conv.weight.detach().numpy()[0, 0])  # of one linear layer |dy/dx| is |w|
    np.testing.assert_allclose(field.effective, want, rtol=1e-6)
    assert "of the 9 positions in the box hold 90 % of the mean |dy/dx|" in str(field)
    stack = nn.Sequential(*[m for _ in range(4) for m in (nn.Conv2d(1, 1, 3, bias=False), nn.ReLU())])
    for p in stack.parameters():
        p.data = minigrad.ones(*p.shape)
    field = teach.receptive_field(stack, (1, 1, 15, 15), effective=True)
    (top, bottom), (left, right) = field.box
    outside = field.effective.copy()
    outside[top:bottom + 1, left:right + 1] = 0
    assert not outside.any()
    middle, corner = field.effective[7, 7], field.effective[top, left]
    assert middle > 0.9 * field.effective.max() and middle > 20 * corner > 0  # Luo et al.: the middle counts


@pytest.mark.parametrize("call, error, words", [
    (lambda net: teach.receptive_field(net, 32), TypeError, "'input_size' must be a tuple of ints, the shape of"),
    (lambda net: teach.receptive_field(net, (1, 1, 0, 8)), ValueError, "input_size=(1, 1, 0, 8) must be (N, C, *size)"),
    (lambda net: teach.receptive_field(net, (1, 1, 8, 8), layer="conv9"), ValueError,
     "'layer' is 'conv9', but the modules that the model ran are ['0', '1', '2', '3']"),
    (lambda net: teach.receptive_field(net, (1, 1, 8, 8), layer="0", at=(9, 0)), IndexError, "at=(9, 0) lies outside"),
    (lambda net: teach.receptive_field(net, (1, 1, 8, 8), at=(0, 0)), ValueError, "has no positions left"),
    (lambda net: teach.receptive_field(3, (1, 1, 8, 8)), TypeError, "'model' must be a Module or a function, not int"),
    (lambda net: teach.receptive_field(lambda x: x.shape, (1, 1, 8, 8)), TypeError, "must return a Tensor, but it"),
    (lambda net: teach.receptive_field(lambda x: x.argmax(1), (1, 1, 8, 8)), ValueError, "operators that have a"),
])  # fmt: skip
def test_errors_teach(call, error, words):
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(72, 3))
    with pytest.raises(error) as raised:
        call(net)
    assert words in str(raised.value)


def test_the_picture_shows_the_box_in_the_input_and_the_growth_over_the_layers():
    net = nn.Sequential(*[nn.Conv2d(1, 1, 3, dilation=d, padding=d) for d in (1, 2, 4)])
    figure = teach.receptive_field(net, (1, 1, 16, 20), at=(0, 3)).figure()
    left, right = figure.axes
    frames = {tuple(p.get_bbox().bounds) for p in left.patches}
    assert (-0.5, -0.5, 11, 8) in frames and (-4.5, -7.5, 15, 15) in frames and (-0.5, -0.5, 20, 16) in frames
    assert {t.get_text() for t in left.get_legend().get_texts()} == {
        "the input", "what the unit sees", "with padding (dashed)"}
    assert (left.get_xlabel(), left.get_ylabel()) == ("column", "row")
    assert [t.get_text() for t in right.texts] == ["1", "3", "7", "15"]
    assert [t.get_text() for t in right.get_yticklabels()] == ["input", "0 Conv2d", "1 Conv2d", "2 Conv2d"]


@pytest.mark.parametrize("dims", [1, 3])
def test_the_effective_picture_in_other_dimensions(dims):
    field = teach.receptive_field(conv_pool(dims), (1, 1, *(9, 10, 11)[:dims]), effective=True)
    figure = field.figure()
    assert figure.axes[0].images[0].get_array().max() == 1
    assert "mean |dy/dx|, largest = 1" in [axes.get_ylabel() for axes in figure.axes]


def test_work_in_place_under_no_grad_and_models_that_do_nothing():
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(inplace=True), nn.Conv2d(2, 2, 3), nn.ReLU(inplace=True))
    with minigrad.no_grad():
        field = teach.receptive_field(net, (1, 1, 8, 8), at=(0, 0))
    assert [(row.name, row.size) for row in field.layers] == [("input", (1, 1)), ("0", (3, 3)), ("2", (5, 5))]
    assert field.box == ((0, 4), (0, 4))
    assert teach.receptive_field(net, (1, 1, 8, 8), layer="0").size == (3, 3)
    assert teach.receptive_field(nn.Identity(), (1, 1, 4, 4), at=(1, 2)).box == ((1, 1), (2, 2))
    assert teach.receptive_field(nn.Conv1d(1, 1, 3), (1, 1, 9), at=-1).box == ((6, 8),)


def test_what_a_maximum_chooses_depends_on_all():
    field = teach.receptive_field(lambda x: F.max_pool2d(x, 2).max(2).values, (1, 1, 6, 6))
    assert field.box == ((0, 5), (0, 5))


def test_residual_blocks_with_batch_normalisation_and_lazy_layers():
    from minigrad.teach.d2l import Residual

    field = teach.receptive_field(nn.Sequential(Residual(4), Residual(8, True, 2)), (2, 4, 16, 16), at=(3, 3))
    assert (field.size, field.jump, field.start) == ((11, 11), (2, 2), (-5, -5))
    assert [f"{row.name} {row.kind} {row.size[0]}" for row in field.layers] == [
        "input input 1", "0.conv1 Conv2d 3", "0.conv2 Conv2d 5", "1.conv1 Conv2d 7", "1.conv2 Conv2d 11",
        "1.conv3 Conv2d 5", "1 Residual 11"]


def test_a_small_window_in_a_large_input_is_shown_from_near():
    left = teach.receptive_field(nn.Conv2d(1, 1, 3), (1, 1, 200, 300), at=(100, 0)).figure().axes[0]
    assert left.get_title().splitlines() == [
        "Conv2d, unit (100, 0)", "rows 100 to 102, columns 0 to 2", "(a part of the input of 200x300)"]
    assert left.get_xlim() == (-1, 10) and left.get_ylim() == (110, 92)


def test_a_module_of_functional_calls_shows_them_all():
    class Functional(nn.Module):
        def forward(self, x):
            x = F.conv2d(x, minigrad.ones(1, 1, 3, 3))
            return F.avg_pool2d(F.max_pool2d(x, 2), 2)

    field = teach.receptive_field(Functional(), (1, 1, 14, 14))
    assert [(row.kind, row.size[0]) for row in field.layers] == [
        ("input", 1), ("Convolution", 3), ("MaxPool2D", 4), ("Functional", 6)]


def test_an_input_size_without_a_batch_gets_one():
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(2 * 4 * 4, 3))
    with_batch, without = (teach.receptive_field(net, size, layer="0", at=(1, 2)) for size in ((1, 1, 6, 6), (1, 6, 6)))
    assert with_batch.box == without.box == ((1, 3), (2, 4))


def test_circular_padding_wraps_round():
    net = positive(nn.Conv2d(1, 1, 3, padding=1, padding_mode="circular"))
    field = teach.receptive_field(net, (1, 9, 9), at=(0, 4), effective=True)
    assert field.box == ((0, 8), (3, 5)) and field.wrapped == ((8, 1), None)
    assert field.sees() == "rows 8 and 0 to 1, columns 3 to 5 (wraps round)" and "of the 9 positions in" in str(field)
    assert (field.size, field.jump, field.start) == ((3, 3), (1, 1), (-1, -1))
    left = field.figure().axes[0]
    frames = {tuple(p.get_bbox().bounds) for p in left.patches}
    assert {(2.5, -0.5, 3, 2), (2.5, 7.5, 3, 1)} <= frames
    x = minigrad.ones(1, 1, 9, 9, dtype=minigrad.float64)
    for i, j in np.ndindex(9, 9):  # the gradient is where the parts are
        rows, columns = teach.receptive_field(net, (1, 9, 9), at=(i, j)).parts()
        x = x.detach().requires_grad_()
        net(x)[0, 0, i, j].backward()
        inside = [sorted(k for first, last in parts for k in range(first, last + 1)) for parts in (rows, columns)]
        assert [sorted(set(k.tolist())) for k in np.nonzero(x.grad.numpy()[0, 0])] == inside
    small = teach.receptive_field(net, (1, 3, 3), at=(0, 0))
    assert small.wrapped == (None, None) and small.sees().startswith("the whole input")


def test_reflected_padding_and_dilation_do_not_wrap():
    reflect = nn.Conv2d(1, 1, 5, padding=2, padding_mode="reflect")
    assert teach.receptive_field(reflect, (1, 5, 5), at=(0, 0)).wrapped == (None, None)
    assert teach.receptive_field(nn.Conv1d(1, 1, 3, dilation=4), (1, 9), at=0).wrapped == (None,)
    rolled = teach.receptive_field(lambda x: F.avg_pool1d(x.roll(1, 2), 3, 1), (1, 1, 9), at=(0,))
    assert rolled.wrapped == ((8, 1),)


def test_a_layer_by_its_number_and_the_errors_of_a_wrong_one():
    net = nn.Sequential(*[nn.Conv2d(1, 1, 3, padding=1) for _ in range(12)])
    assert str(teach.receptive_field(net, (1, 9, 9), layer=5)) == str(teach.receptive_field(net, (1, 9, 9), layer="5"))
    for layer, error, words in (
        (12, ValueError, "'layer' is 12, but the modules that the model ran are ['0', '1', '2', '3', '4', '5', …"),
        ("x", ValueError, "the modules that the model ran are ['0', '1', '2', '3', '4', '5', …, '11']"),
        (nn.Sequential(nn.ReLU()), ValueError, "'layer' is this Sequential, but the modules that the model ran"),
        ((0, 0), TypeError, "must be the name of a module (str) or the module, not tuple; a position is `at`"),
    ):
        with pytest.raises(error) as raised:
            teach.receptive_field(net, (1, 9, 9), layer=layer)
        assert words in str(raised.value) and len(str(raised.value)) < 200
    with pytest.raises(ValueError, match=r"did you mean 'conv[12]' or 'conv[12]'\?"):
        teach.receptive_field(LeNet5(), (1, 1, 32, 32), layer="conv3")
    with pytest.raises(TypeError, match=r"not tuple: the order is receptive_field\(model, input_size\)"):
        teach.receptive_field((1, 9, 9), net)
    with pytest.raises(TypeError, match="say \\(1, 3, 32, 32\\), not Sequential$"):
        teach.receptive_field(net, net)


def test_a_layer_of_a_model_that_returns_several():
    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(1, 1, 3)

        def forward(self, x):
            return x, self.conv(x)

    assert teach.receptive_field(Two(), (1, 6, 6), layer="conv").size == (3, 3)
    with pytest.raises(TypeError, match="but it returned tuple: name a `layer`; the modules that .* are .'conv'"):
        teach.receptive_field(Two(), (1, 6, 6))


def test_many_layers_are_elided_and_the_title_keeps_to_its_side():
    net = nn.Sequential(*[nn.Conv2d(1, 1, 3, padding=1) for _ in range(60)])
    field = teach.receptive_field(net, (1, 28, 28))
    assert "\n… 22 more\n" in str(field)
    left, right = field.figure().axes
    names = [t.get_text() for t in right.get_yticklabels()]
    assert len(names) == 25 and names[11:14] == ["10 Conv2d", "…", "48 Conv2d"]
    assert max(map(len, left.get_title().splitlines())) <= 46


def test_the_windows_of_unfold():
    class Unfolded(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(2, 2, 1)

        def forward(self, x):
            return F.unfold(self.conv(x), 3, stride=2).reshape(1, 18, 5, 5)

    assert teach.receptive_field(Unfolded(), (2, 11, 11), at=(1, 2)).box == ((2, 4), (4, 6))
