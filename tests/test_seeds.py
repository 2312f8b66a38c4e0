"""The three documents that minigrad starts from: their cells run and print what they print there, and
every formula, number and table in them is true of minigrad. tests/seeds/ has the documents as they are.
"""

import inspect
import itertools
import re
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import minigrad
from minigrad import nn, run
from minigrad.nn import functional as F

DENSE, UNDERSTANDING, SLIDES = (
    Path(__file__).parent / "seeds" / f"{name}.txt"
    for name in ("from_dense_to_convolution", "understanding_convolutions", "slides")
)
BOTH = pytest.mark.parametrize("m", [minigrad, torch], ids=["minigrad", "torch"])


@pytest.fixture
def notebook(monkeypatch, capsys):
    """A function that runs the cells of a document: {number: what it printed}, and the names it left."""

    def run_all(document, m=minigrad, seed=0):
        m.manual_seed(seed)
        names, printed = {"__name__": "__main__"}, {}
        numbers = re.findall(r"^In \[(\d+)\]:", document.read_text(), re.M)
        with monkeypatch.context() as patch:
            for name, module in run.aliases().items():
                if m is minigrad or name.startswith("d2l"):
                    patch.setitem(sys.modules, name, module)
            for number, (source, file, before) in zip(numbers, run.cells(document)[0], strict=True):
                run.run_cell(source, file, before, names, echo=True)
                printed[int(number)] = capsys.readouterr().out
        return printed, names

    return run_all


def lines(text):
    return [line.rstrip() for line in text.splitlines() if line.strip()]


def output_in(document):
    """What the document shows after the code of each cell: {number: lines}."""
    text = document.read_text()
    marks = list(re.finditer(r"^In \[(\d+)\]:\n", text, re.M)) + [re.compile(r"\Z").search(text)]
    return {int(mark[1]): lines(text[mark.end() + len(code):end.start()])
            for mark, end, (code, *_) in zip(marks, marks[1:], run.cells(document)[0])}


def without_random_numbers(text):
    """The same lines with # for a loss, a learned weight, and the digit that an untrained network guesses."""
    return [re.sub(r"\d+\.\d{3,4}\b|(?<=tensor\(\[)\d(?=\]\))", "#", line) for line in text]


# ---- the cells


@pytest.mark.parametrize("document, deterministic", [(DENSE, [1, 2, 3, 4, 5, 6]), (UNDERSTANDING, [10, 11, 12])])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_every_cell_prints_what_it_prints_there(notebook, document, deterministic, seed):
    printed, expected = notebook(document, seed=seed)[0], output_in(document)
    assert printed.keys() == expected.keys() and len(printed) >= 8
    for number, text in printed.items():
        mine, theirs = lines(text), expected[number][:len(lines(text))]
        if number not in deterministic:
            mine, theirs = without_random_numbers(mine), without_random_numbers(theirs)
        assert mine == theirs, f"In [{number}]"


def test_the_cells_that_print_are_those_that_print_there(notebook):
    assert [n for n, text in notebook(DENSE)[0].items() if text] == [2, 4, 5, 6, 7, 8]
    assert [n for n, text in notebook(UNDERSTANDING)[0].items() if text] == [11, 28, 29, 76]


@pytest.mark.parametrize("document, training, weights", [(DENSE, 7, 8), (UNDERSTANDING, 28, 29)])
def test_training_converges_as_printed_and_as_in_pytorch(notebook, document, training, weights):
    """`In [7]`, `In [8]`, and `In [28]`, `In [29]`: the loss falls, the kernel becomes (1, -1)."""
    def numbers(text):
        return [float(x) for x in re.findall(r"-?\d+\.\d+", text)]

    mine, theirs = (notebook(document, m)[0] for m in (minigrad, torch))
    there = output_in(document)
    for found in (mine[training], "\n".join(there[training][:10])):
        losses = [float(x) for x in re.findall(r"loss (\S+)", found)]
        assert losses == sorted(losses, reverse=True) and losses[-1] < 0.06
    np.testing.assert_allclose(numbers(mine[training]), numbers(theirs[training]), atol=1.1e-3)
    np.testing.assert_allclose(numbers(mine[weights]), numbers(theirs[weights]), atol=1.1e-4)
    np.testing.assert_allclose(numbers(mine[weights]), [1, -1], atol=0.05)
    np.testing.assert_allclose(numbers(there[weights][0]), [1, -1], atol=0.05)


@pytest.mark.parametrize("document", [DENSE, UNDERSTANDING])
def test_the_layer_of_loops_learns_the_kernel(notebook, document):
    """`class Conv2D(nn.Module)`, In [3] and In [12], with corr2d's assignments into a tensor."""
    names = notebook(document)[1]
    image = minigrad.ones((6, 8))
    image[:, 2:6] = 0
    edges = names["corr2d"](image, minigrad.tensor([[1.0, -1.0]]))
    layer = names["Conv2D"]((1, 2))
    assert {name: p.shape for name, p in layer.named_parameters()} == {"weight": (1, 2), "bias": (1,)}
    optimizer = minigrad.optim.SGD(layer.parameters(), lr=0.01)
    losses = []
    for _ in range(100):
        loss = ((layer(image) - edges) ** 2).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses == sorted(losses, reverse=True) and losses[-1] < 0.01
    np.testing.assert_allclose(layer.weight.detach().numpy(), [[1, -1]], atol=0.05)
    twin = nn.Conv2d(1, 1, (1, 2))  # one kernel instead of loops: the same numbers
    twin.load_state_dict({"weight": layer.weight.detach()[None, None], "bias": layer.bias.detach()})
    np.testing.assert_allclose(twin(image[None]).detach().numpy()[0], layer(image).detach().numpy(), atol=1e-6)


def test_the_network_of_cell_73(notebook):
    """In [73] to In [76]: one digit's name for each image, and the parameters' shapes."""
    lenet = notebook(UNDERSTANDING)[1]["lenet"]
    answer = lenet(minigrad.randn(3, 1, 32, 32))
    assert answer.shape == (3,) and answer.dtype is minigrad.int64
    assert [list(p.shape) for p in lenet.parameters()] == [
        [20, 1, 5, 5], [20], [20, 20, 5, 5], [20], [500, 500], [500], [10, 500], [10]]


# ---- from fully connected layers to convolutions (the first document's formulas)


def inside(*places):
    return all(0 <= p < 5 for p in places)


def offsets(reach):
    return list(itertools.product(range(-reach, reach + 1), repeat=2))


def sum_over_offsets(x, weight_at, reach):
    """H[i, j] = sum over (a, b) of weight_at(i, j, a, b) X[i+a, j+b], what lies outside X being 0."""
    return minigrad.stack([
        sum(weight_at(i, j, a, b) * x[i + a, j + b] for a, b in offsets(reach) if inside(i + a, j + b))
        for i in range(5) for j in range(5)
    ]).reshape(5, 5)


@pytest.fixture
def image():
    minigrad.manual_seed(0)
    return minigrad.randn(5, 5, dtype=minigrad.float64)


def assert_close(x, y):
    np.testing.assert_allclose(x.detach().numpy(), y.detach().numpy(), rtol=1e-6, atol=1e-5)


def test_a_dense_layer_is_a_sum_over_offsets(image):
    """H = U + sum over k, l of W[i,j,k,l] X[k,l]  =  U + sum over a, b of V[i,j,a,b] X[i+a,j+b]."""
    layer = nn.Linear(25, 25, dtype=minigrad.float64)
    W, U = layer.weight.reshape(5, 5, 5, 5), layer.bias.reshape(5, 5)
    H = layer(image.reshape(25)).reshape(5, 5)
    assert_close(H, U + (W * image).sum(dim=(2, 3)))
    assert_close(H, U + sum_over_offsets(image, lambda i, j, a, b: W[i, j, i + a, j + b], reach=4))


@pytest.mark.parametrize("reach", [4, 1])
def test_dense_with_translation_invariance_and_locality_is_a_convolution(image, reach):
    """V and U that do not depend on (i, j), and are 0 beyond the reach Delta: a kernel of side 2 Delta + 1."""
    side = 2 * reach + 1
    V, u = minigrad.randn(side, side, dtype=minigrad.float64), 0.25
    W = minigrad.zeros(5, 5, 5, 5, dtype=minigrad.float64)
    for i, j in itertools.product(range(5), repeat=2):
        for a, b in offsets(reach):
            if inside(i + a, j + b):
                W[i, j, i + a, j + b] = V[a + reach, b + reach]
    dense = u + (W.reshape(25, 25) @ image.reshape(25)).reshape(5, 5)
    assert_close(dense, u + sum_over_offsets(image, lambda i, j, a, b: V[a + reach, b + reach], reach))
    bias = minigrad.tensor([u], dtype=minigrad.float64)
    assert_close(dense, F.conv2d(image[None], V[None, None], bias, padding=reach)[0])


def test_translation_invariance():
    """A shift in the input X leads to a shift in the hidden representation H."""
    patch, kernel = minigrad.randn(1, 3, 3), minigrad.randn(1, 1, 3, 3)
    here, there = minigrad.zeros(1, 9, 9), minigrad.zeros(1, 9, 9)
    here[:, 1:4, 1:4], there[:, 3:6, 4:7] = patch, patch
    H, shifted = (F.conv2d(x, kernel, padding=1)[0] for x in (here, there))
    assert_close(shifted[2:8, 3:9], H[0:6, 0:6])
    assert H.abs().sum() > 0


def test_locality():
    """H[i, j] looks no further than Delta away from (i, j)."""
    x = minigrad.randn(1, 9, 9, requires_grad=True)
    F.conv2d(x, minigrad.ones(1, 1, 5, 5), padding=2)[0, 4, 4].backward()
    expected = np.zeros((9, 9))
    expected[2:7, 2:7] = 1
    assert np.array_equal(x.grad[0].numpy(), expected)


@pytest.mark.parametrize("h, w", [(1, 2), (2, 2), (3, 2)])
def test_cross_correlation_and_convolution(image, notebook, h, w):
    """y[i,j] = sum over a, b of w[a,b] x[i+a,j+b], and with w[-a,-b]: the kernel turned round."""
    K = minigrad.randn(h, w, dtype=minigrad.float64)
    y = minigrad.stack([(image[i:i + h, j:j + w] * K).sum() for i in range(6 - h) for j in range(6 - w)])
    y = y.reshape(6 - h, 6 - w)
    assert_close(y, F.conv2d(image[None], K[None, None])[0])
    np.testing.assert_allclose(notebook(DENSE)[1]["corr2d"](image, K).numpy(), y.numpy(), rtol=1e-5)
    turned = F.conv2d(image[None], K.flip(0, 1)[None, None])
    assert_close(F.convolve2d(image[None], K[None, None]), turned)
    full = np.array([np.convolve(image[0].numpy(), K[0].numpy(), "valid")])  # NumPy's is the true one
    assert_close(F.convolve2d(image[None, :1], K[None, None, :1])[0], minigrad.tensor(full))


def test_transposed_input_hides_vertical_edges(notebook):
    """In [6] of the first document: K sees no edge in X.t()."""
    printed, names = notebook(DENSE)
    assert printed[6].count("0.") == 8 * 5
    assert not names["corr2d"](minigrad.ones(8, 6), names["K"]).any()


# ---- understanding convolutions (the second document's formulas, numbers and matrices)

X = [[0.0, 1, 2], [3, 4, 5], [6, 7, 8]]
K = [[0.0, 1], [2, 3]]


def correlated(x, k, **options):
    return F.conv2d(minigrad.tensor([x]), minigrad.tensor([[k]]), **options)[0]


def test_the_four_sums():
    sums = [0*0 + 1*1 + 3*2 + 4*3, 1*0 + 2*1 + 4*2 + 5*3, 3*0 + 4*1 + 6*2 + 7*3, 4*0 + 5*1 + 7*2 + 8*3]
    assert correlated(X, K).reshape(4).tolist() == sums == [19, 25, 37, 43]


@pytest.mark.parametrize("n_h, n_w, k_h, k_w", [(3, 3, 2, 2), (6, 8, 1, 2), (5, 4, 5, 4), (7, 6, 3, 1)])
def test_the_output_size_is_n_minus_k_plus_1(n_h, n_w, k_h, k_w):
    y = F.conv2d(minigrad.zeros(1, 1, n_h, n_w), minigrad.zeros(1, 1, k_h, k_w))
    assert y.shape == (1, 1, n_h - k_h + 1, n_w - k_w + 1)


def test_ten_layers_of_5x5_cut_240_to_200():
    x = minigrad.zeros(1, 1, 240, 240)
    with minigrad.no_grad():
        for n in range(1, 11):
            x = F.conv2d(x, minigrad.zeros(1, 1, 5, 5))
            assert x.shape[2] == 240 - 4 * n
    assert x.shape == (1, 1, 200, 200)
    lost = 1 - 200**2 / 240**2
    assert "30\\%" in UNDERSTANDING.read_text() and round(lost, 4) == 0.3056  # 30 % is 30.56 % cut short


def test_the_padded_matrix():
    padded = F.pad(minigrad.tensor(X), (1, 1, 1, 1))
    assert padded.tolist() == [
        [0, 0, 0, 0, 0], [0, 0, 1, 2, 0], [0, 3, 4, 5, 0], [0, 6, 7, 8, 0], [0, 0, 0, 0, 0]]
    expected = [[0, 3, 8, 4], [9, 19, 25, 10], [21, 37, 43, 16], [6, 7, 8, 0]]
    assert correlated(X, K, padding=1).tolist() == correlated(padded.tolist(), K).tolist() == expected


def halves(p):
    """d2l's halves of a total padding: the larger one first."""
    return -(-p // 2), p // 2


def padded(x, p_h, p_w):
    """x with p_h rows and p_w columns of zeros in all, "roughly half" on each side."""
    return F.pad(x, (*halves(p_w), *halves(p_h)))


@pytest.mark.parametrize("k_h, k_w, p_h, p_w", [(2, 2, 2, 2), (3, 5, 2, 4), (2, 3, 1, 0), (4, 1, 3, 1)])
def test_the_output_size_with_total_padding(k_h, k_w, p_h, p_w):
    x, w = minigrad.randn(1, 1, 6, 7), minigrad.randn(1, 1, k_h, k_w)
    y = F.conv2d(padded(x, p_h, p_w), w)
    assert y.shape == (1, 1, 6 - k_h + p_h + 1, 7 - k_w + p_w + 1)
    if p_h % 2 == p_w % 2 == 0:  # PyTorch's padding is the half of the total one
        assert_close(y, F.conv2d(x, w, padding=(p_h // 2, p_w // 2)))


@pytest.mark.parametrize("k_h, k_w", [(1, 1), (3, 3), (5, 3), (2, 2), (4, 3)])
def test_padding_of_k_minus_1_keeps_the_size(k_h, k_w):
    """p_h = k_h - 1 and p_w = k_w - 1. Where one is odd, d2l's larger half is in front, PyTorch's behind."""
    x, w = minigrad.randn(1, 1, 6, 7), minigrad.randn(1, 1, k_h, k_w)
    ours, same = F.conv2d(padded(x, k_h - 1, k_w - 1), w), F.conv2d(x, w, padding="same")
    assert ours.shape == same.shape == x.shape
    if k_h % 2 == k_w % 2 == 1:
        assert_close(ours, same)
    else:
        behind = [n for k in (k_w, k_h) for n in halves(k - 1)[::-1]]
        assert_close(same, F.conv2d(F.pad(x, behind), w))
        assert not np.allclose(ours.numpy(), same.numpy())


@pytest.mark.parametrize("n, k, p, s", [(3, 2, 2, 3), (3, 2, 2, 2), (8, 3, 2, 2), (7, 3, 0, 3), (9, 5, 4, 1)])
def test_the_output_size_with_stride(n, k, p, s):
    y = F.conv2d(minigrad.zeros(1, 1, n, n), minigrad.zeros(1, 1, k, k), padding=p // 2, stride=s)
    assert y.shape == (1, 1, (n - k + p + s) // s, (n - k + p + s) // s)


def test_the_matrix_with_stride_3_and_2():
    assert correlated(X, K, padding=1, stride=(3, 2)).tolist() == [[0, 8], [6, 8]]


def test_padding_keeps_the_size_through_many_layers():
    x = minigrad.zeros(1, 1, 24, 24)
    for _ in range(10):
        x = F.conv2d(x, minigrad.zeros(1, 1, 5, 5), padding=2)
    assert x.shape == (1, 1, 24, 24)


# ---- the slides

# The scan lost underscores, brackets and line breaks: left what stands there, right what was meant.
CODE = [
    ("input = torch.empty(128, 3, 20, 20).normal( )weight = torch.empty(5, 3, 5, 5).normal()"
     "bias = torch.empty(5).normal()output = F.conv2d(input, weight, bias)\noutput.size()\n",
     "input = torch.empty(128, 3, 20, 20).normal_()\nweight = torch.empty(5, 3, 5, 5).normal_()\n"
     "bias = torch.empty(5).normal_()\noutput = F.conv2d(input, weight, bias)\noutput.size()",
     "torch.Size([128, 5, 16, 16])\n"),
    ("weight[0,0]", "weight[0,0]", None),
    ("f = nn.Conv2d(in channels = 3, out channels = 5,kernel_size = (2, 3)for n, p in f.named_parameters():\n"
     "...print(n, p.size())\n",
     "f = nn.Conv2d(in_channels = 3, out_channels = 5,\n              kernel_size = (2, 3))\n"
     "for n, p in f.named_parameters():\n    print(n, p.size())",
     "weight torch.Size([5, 3, 2, 3])\nbias torch.Size([5])\n"),
    ("input = torch.empty(128, 3, 28, 28) .normal()output = f(input)output.size()\n",
     "input = torch.empty(128, 3, 28, 28).normal_()\noutput = f(input)\noutput.size()",
     "torch.Size([128, 5, 27, 26])\n"),
]


def run_slides(m, capsys):
    m.manual_seed(0)
    names, printed = {"torch": m, "nn": m.nn, "F": m.nn.functional}, []
    for damaged, repaired, _ in CODE:
        assert damaged in SLIDES.read_text()
        run.run_cell(repaired, "slides", 0, names, echo=True)
        printed.append(capsys.readouterr().out)
    return printed, names


@BOTH
def test_the_code_on_the_slides(m, capsys):
    printed, names = run_slides(m, capsys)
    for text, (_, _, expected) in zip(printed, CODE):
        if expected:
            assert text == expected
            assert all(line in SLIDES.read_text() for line in expected.splitlines())
    assert without_random_numbers(lines(printed[1]))[0].startswith("tensor([[") and len(lines(printed[1])) == 5
    assert names["weight"][0, 0].shape == (5, 5) and abs(names["input"].std().item() - 1) < 0.01


def test_the_slides_print_pytorchs_numbers(capsys):
    (mine, ours), (theirs, others) = (run_slides(m, capsys) for m in (minigrad, torch))
    assert mine == theirs
    np.testing.assert_allclose(ours["output"].detach().numpy(), others["output"].detach().numpy(), atol=1e-5)


def test_the_mlp_is_too_large():
    """ "Say, we want to process a 200x200 RGB image": 120K neurons, 1.44e10 weights, 58 GB."""
    neurons = 200 * 200 * 3
    weights = neurons**2
    assert neurons == 120e3 and weights == 1.44e10
    size = weights * minigrad.empty(1).element_size()
    assert size == 57.6e9 and "58GB" in SLIDES.read_text() and round(size / 1e9) == 58
    shared = sum(p.numel() for p in nn.Conv2d(3, 3, 5, padding="same").parameters())
    assert shared == 3 * 3 * 5 * 5 + 3  # the same size out, at every location the same 228 numbers


def one_dimension(x, k):
    return F.conv1d(minigrad.tensor([x]), minigrad.tensor([[k]]))[0]


def test_the_size_in_one_dimension():
    """(x * k)_i = sum over j of x_(i-1+j) k_j = (x_i ... x_(i+w-1)) . k, of size W - w + 1."""
    x, k = minigrad.randn(11).tolist(), minigrad.randn(4).tolist()
    y = one_dimension(x, k).tolist()
    assert len(y) == 11 - 4 + 1
    W, w = len(x), len(k)
    windows = [sum(x[i - 1 + j - 1] * k[j - 1] for j in range(1, w + 1)) for i in range(1, W - w + 2)]
    np.testing.assert_allclose(y, windows, rtol=1e-5)


@pytest.mark.parametrize("x, k, y", [
    ((0.0, 0, 0, 1, 2, 3, 4, 4, 4, 4), (-1.0, 1), (0, 0, 1, 1, 1, 1, 0, 0, 0)),
    ((0.0, 0, 1, 1, 0, 0.1, 0.2, 1, 1, 1, 0), (1.0, 1), (0, 1, 2, 1, 0.1, 0.3, 1.2, 2, 2, 1)),
])
def test_the_examples_in_one_dimension(x, k, y):
    """ "It can perform differential operation and look for interesting patterns in the input". """
    in_text = "({}) \\otimes ({}) = ({})".format(*(", ".join(f"{n:g}" for n in v) for v in (x, k, y)))
    assert in_text in SLIDES.read_text()
    np.testing.assert_allclose(one_dimension(list(x), list(k)).numpy(), y, rtol=1e-6)
    np.testing.assert_allclose(correlated([list(x)], [list(k)]).numpy(), [y], rtol=1e-6)


def test_more_dimensions():
    """C x H x W with C x h x w gives (H - h + 1) x (W - w + 1): not convolved along the channels."""
    x, k = minigrad.randn(3, 7, 6), minigrad.randn(3, 2, 3)
    y = F.conv2d(x, k[None])[0]
    assert y.shape == (7 - 2 + 1, 6 - 3 + 1)
    assert_close(y, sum(F.conv2d(x[c:c + 1], k[None, c:c + 1])[0] for c in range(3)) + 0.0)


def test_an_affine_function_of_every_block():
    """One affine function takes each C x h x w block to D x 1 x 1."""
    conv = nn.Conv2d(3, 5, (2, 3))
    affine = nn.Linear(3 * 2 * 3, 5)
    affine.load_state_dict({"weight": conv.weight.detach().reshape(5, -1), "bias": conv.bias.detach()})
    x = minigrad.randn(3, 4, 5)
    y = conv(x)
    for i, j in itertools.product(range(3), range(3)):
        np.testing.assert_allclose(y[:, i, j].tolist(), affine(x[:, i:i + 2, j:j + 3].reshape(-1)).tolist(), atol=1e-5)


@pytest.mark.parametrize("dims", [1, 2, 3])
def test_the_structure_is_preserved(dims):
    """A 1D signal gives a 1D signal, a 2D signal a 2D signal; with frames in a video, 3D convolution."""
    conv = getattr(nn, f"Conv{dims}d")(2, 4, 3)
    y = conv(minigrad.zeros(1, 2, *[6] * dims))
    assert y.shape == (1, 4, *[4] * dims) and y.ndim == dims + 2


def test_the_signatures_on_the_slides():
    """F.conv2d(input, weight, ...): N x C x H x W and D x C x h x w give N x D x (H-h+1) x (W-w+1)."""
    text = SLIDES.read_text()
    assert f"F.conv2d{inspect.signature(F.conv2d)}" in text
    layer = list(inspect.signature(nn.Conv2d).parameters.values())[:8]
    assert f"torch.nn.Conv2d({', '.join(map(str, layer))})" in text
    x, w, b = minigrad.randn(2, 3, 8, 7), minigrad.randn(4, 3, 3, 2, requires_grad=True), minigrad.zeros(4)
    y = F.conv2d(x, w, b)
    assert y.shape == (2, 4, 8 - 3 + 1, 7 - 2 + 1)
    y.sum().backward()  # "autograd compliant"
    assert w.grad.shape == w.shape
    assert nn.Conv2d(3, 5, 4).weight.shape == nn.Conv2d(3, 5, (4, 4)).weight.shape == (5, 3, 4, 4)
    assert nn.Conv2d(3, 5, 4).weight.std() > 0  # "initializes the kernel parameters and biases as random"


def test_padding_on_the_slides():
    """Zeros around the input, or "signal values at the edges"."""
    x, conv = minigrad.randn(1, 1, 5, 6), nn.Conv2d(1, 1, 3, padding=1, padding_mode="replicate")
    assert conv(x).shape == x.shape
    assert_close(conv(x), F.conv2d(F.pad(x, (1, 1, 1, 1), mode="replicate"), conv.weight, conv.bias))
    zeros = nn.Conv2d(1, 1, 3, padding=1)
    assert_close(zeros(x), F.conv2d(F.pad(x, (1, 1, 1, 1)), zeros.weight, zeros.bias))


@pytest.mark.parametrize("stride", [(2, 2), (1, 3), (3, 1)])
def test_stride_on_the_slides(stride):
    """The step of the kernel: a stride keeps every s-th output of the dense result; the default is 1."""
    x, w = minigrad.randn(1, 2, 8, 9), minigrad.randn(3, 2, 3, 2)
    dense = F.conv2d(x, w, stride=1)
    assert_close(F.conv2d(x, w), dense)
    assert_close(F.conv2d(x, w, stride=stride), dense[:, :, ::stride[0], ::stride[1]])


@pytest.mark.parametrize("dilation", [(2, 2), (1, 3), 2])
def test_dilation_on_the_slides(dilation):
    """Zeros between the values of the kernel: a larger, sparse one of as many weights."""
    d_h, d_w = dilation if isinstance(dilation, tuple) else (dilation, dilation)
    x, w = minigrad.randn(1, 2, 9, 9), minigrad.randn(3, 2, 3, 2)
    expanded = minigrad.zeros(3, 2, 2 * d_h + 1, d_w + 1)
    expanded[:, :, ::d_h, ::d_w] = w
    y = F.conv2d(x, w, dilation=dilation)
    np.testing.assert_allclose(y.numpy(), F.conv2d(x, expanded).numpy(), atol=1e-5)
    assert y.shape[2:] == (9 - 2 * d_h, 9 - d_w)
    assert nn.Conv2d(2, 3, (3, 2), dilation=dilation).weight.shape == w.shape
    seen = x.clone().requires_grad_()  # the receptive field grows
    F.conv2d(seen, minigrad.ones(1, 2, 3, 2), dilation=dilation)[0, 0, 0, 0].backward()
    rows, columns = np.nonzero(seen.grad[0, 0].numpy())
    assert (rows.max(), columns.max()) == (2 * d_h, d_w)
