"""teach.check: the right answers pass, every known mistake is named, and no attempt makes it fail."""

import itertools
import re
import signal
import sys

import numpy as np
import pytest

import minigrad
from minigrad import nn, teach
from minigrad.teach.exercises import TABLE, convolution, networks
from minigrad.teach.exercises.exercise import Exercise

MISTAKES = [(name, sentence) for name, exercise in TABLE.items() for sentence in exercise.mistakes]


@pytest.mark.parametrize("name", TABLE)
def test_the_right_answer_passes(name, capsys):
    verdict = teach.check(name, TABLE[name].answer)
    assert verdict and verdict.status == "right" and verdict.misconception is None
    assert capsys.readouterr().out.startswith(f"{name}: right.")


@pytest.mark.parametrize("name, sentence", MISTAKES, ids=lambda x: x[:40])
def test_a_mistake_is_named_by_its_sentence_alone(name, sentence, capsys):
    verdict = teach.check(name, TABLE[name].mistakes[sentence])
    assert not verdict and verdict.misconception == sentence
    assert capsys.readouterr().out.startswith(f"{name}: not yet. {sentence}")


@pytest.mark.parametrize("name", TABLE)
def test_no_two_mistakes_give_the_same_on_all_cases(name):
    exercise = TABLE[name]
    outcomes = {sentence: exercise.outcomes(mistake) for sentence, mistake in exercise.mistakes.items()}
    for one, other in itertools.combinations(outcomes, 2):
        assert not exercise._agree(outcomes[one], outcomes[other]), (one, other)


@pytest.mark.parametrize("name", TABLE)
def test_questions_say_what_to_write(name):
    exercise = TABLE[name]
    if callable(exercise.answer):
        assert name in exercise.question
    assert len(exercise.mistakes) >= 3
    assert all(text.endswith((".", "?", ".)")) for text in [exercise.question, *exercise.mistakes])


def test_no_name_is_used_twice():
    assert len(TABLE) == len(convolution.EXERCISES) + len(networks.EXERCISES)


# ---- attempts as students write them


def by_hand(X, K, flip=False, swap=False):
    X, K = X.numpy(), K.numpy()
    if flip:
        K = K[::-1, ::-1]
    h, w = K.shape
    Y = np.zeros((X.shape[0] - h + 1, X.shape[1] - w + 1), np.float32)
    for i in range(Y.shape[0]):
        for j in range(Y.shape[1]):
            for a in range(h):
                for b in range(w):
                    Y[i, j] += X[i + a, j + b] * K[a, b]
    return Y


def test_corr2d_by_hand_is_right_as_array_list_or_tensor():
    for result in (by_hand, lambda X, K: by_hand(X, K).tolist(), lambda X, K: minigrad.tensor(by_hand(X, K))):
        assert teach.check("corr2d", result)
    assert teach.check("corr2d", lambda X, K: [[(X[i:i + len(K), j:j + K.shape[1]] * K).sum()
                                                for j in range(X.shape[1] - K.shape[1] + 1)]
                                               for i in range(len(X) - len(K) + 1)])


def strided(X, K, padding, stride, side=1, up=False, swap=False):
    """Loops over positions that are counted one by one: nothing of minigrad's convolution."""
    X, K = X.numpy(), K.numpy()
    (h, w), pads, steps = K.shape, [p * side for p in padding], stride[::-1] if swap else stride
    before = pads if side == 1 else [p // 2 for p in padding]
    after = pads if side == 1 else [p - b for p, b in zip(padding, before)]
    reach = [n + b + a - k for n, b, a, k in zip(X.shape, before, after, (h, w))]
    size = [(-(-r // s) if up else r // s) + 1 for r, s in zip(reach, steps)]
    Z = np.zeros([b + n + a + 99 for n, b, a in zip(X.shape, before, after)], np.float32)
    Z[before[0]:before[0] + X.shape[0], before[1]:before[1] + X.shape[1]] = X
    return [[float((Z[i * steps[0]:i * steps[0] + h, j * steps[1]:j * steps[1] + w] * K).sum())
             for j in range(size[1])] for i in range(size[0])]


STUDENTS = [
    ("corr2d", lambda X, K: by_hand(X, K, flip=True), "you flipped the kernel"),
    ("corr2d_strided", lambda *a: strided(*a, side=0.5), "counts the total of both sides"),
    ("corr2d_strided", lambda *a: strided(*a, up=True), "ceil for floor"),
    ("corr2d_strided", lambda *a: strided(*a, swap=True), "h and w are swapped in the stride"),
    ("output_size", lambda n, k, p, s: int(np.ceil((n + 2 * p - k) / s)) + 1, "floor, not ceil"),
    ("output_size", lambda n, k, p, s: (n - k + p + s) // s, "the total of both sides"),  # the formula of the text
    ("valid_shape", lambda X, K: [X[1] - K[1] + 1, X[0] - K[0] + 1], "h and w are swapped"),
    ("same_padding", lambda k: k - 1, "total of both sides"),
    ("corr2d_multi_in", lambda X, K: [by_hand(x, k) for x, k in zip(X, K)], "sum over the channels is missing"),
    ("conv_matrix", lambda n, k: np.array([[k[j - i].item() if 0 <= j - i < len(k) else 0 for j in range(n)]
                                           for i in range(n - len(k) + 1)]).T, "transpose"),
]


@pytest.mark.parametrize("name, attempt, words", STUDENTS, ids=map(str, range(len(STUDENTS))))
def test_misconceptions_in_code_that_is_not_ours(name, attempt, words):
    verdict = teach.check(name, attempt)
    assert not verdict and words in verdict.misconception


def around(X, V, u):
    D, (h, w) = len(V) // 2, X.shape
    return [[u + sum(float(V[a + D, b + D] * X[i + a, j + b]) for a in range(-D, D + 1) for b in range(-D, D + 1)
                     if 0 <= i + a < h and 0 <= j + b < w) for j in range(w)] for i in range(h)]


def around_unguarded(X, V, u, x_ends=True, v_moved=True):
    """The same with negative indices, which Python takes from the other end."""
    D, (h, w) = len(V) // 2, X.shape
    H, far = X.numpy() * 0 + u, -D if x_ends else 0
    for i, j, a, b in itertools.product(range(h), range(w), range(-D, D + 1), range(-D, D + 1)):
        if far <= i + a < h and far <= j + b < w:
            H[i, j] += float(V[a + D * v_moved, b + D * v_moved] * X[i + a, j + b])
    return H


@pytest.mark.parametrize("options, words", [
    (dict(), "A negative index reads from the other end: X[i + a, j + b] must be 0 there."),
    (dict(x_ends=False, v_moved=False), "V[a, b] stands at [a + D, b + D]"),
    (dict(v_moved=False), "In X and in V a negative index"),
])
def test_negative_indices_in_the_local_layer(options, words):
    assert words in teach.check("local_layer", lambda X, V, u: around_unguarded(X, V, u, **options)).misconception
    assert teach.check("local_layer", lambda X, V, u: around_unguarded(X, V, u, x_ends=False))


def learned(X, Y, steps, lr):
    """By NumPy alone: the gradient of the sum of (k0 X[:, :-1] + k1 X[:, 1:] - Y) ** 2."""
    X, Y, k = X.numpy(), Y.numpy(), np.zeros(2)
    for _ in range(steps):
        e = 2 * (k[0] * X[:, :-1] + k[1] * X[:, 1:] - Y)
        k = k - lr * np.array([(e * X[:, :-1]).sum(), (e * X[:, 1:]).sum()])
    return [k]


def torch_parameters(d, c, size, groups):
    torch = pytest.importorskip("torch")
    return sum(p.numel() for p in torch.nn.Conv2d(c, d, size, groups=groups).parameters())


# Right answers by other means than those of the exercises.
SOLUTIONS = {
    "one_cell": 4 * 1 + 5 * 2 + 7 * 3 + 8 * 4,
    "valid_shape": lambda X, K: by_hand(minigrad.zeros(X), minigrad.zeros(K)).shape,
    "corr2d": by_hand,
    "dense_weights": lambda c, h, w: sum(c * h * w for _ in range(c * h * w)),
    "conv_matrix": lambda n, k: np.stack([np.correlate(np.eye(n)[i], k, "valid") for i in range(n)], 1),
    "local_layer": around,
    "horizontal_edges": np.array([[1], [-1]]),
    "difference": lambda x: np.diff(x.numpy()),
    "second_difference": np.convolve([-1, 1], [-1, 1]),
    "squared_error": lambda Y_hat, Y: sum((a - b) ** 2 for a, b in zip(Y_hat.reshape(-1), Y.reshape(-1))),
    "sgd_step": lambda w, g, lr: w.numpy() - np.float32(lr) * g.numpy(),
    "learn_kernel": learned,
    "output_size": lambda n, k, p, s: len(range(0, n + 2 * p - k + 1, s)),
    "same_padding": lambda k: next(p for p in range(k) if 100 + 2 * p - k + 1 == 100),
    "corr2d_strided": strided,
    "corr2d_multi_in": lambda X, K: sum(by_hand(x, k) for x, k in zip(X, K)),
    "corr2d_multi_in_out": lambda X, K: np.stack([sum(by_hand(x, k) for x, k in zip(X, kernel)) for kernel in K]),
    "grouped_parameters": torch_parameters,
}


@pytest.mark.parametrize("name", convolution.EXERCISES)
def test_right_answers_in_code_that_is_not_ours(name):
    assert teach.check(name, SOLUTIONS[name])


# ---- what else can be wrong


def wrong(attempt, name="corr2d"):
    verdict = teach.check(name, attempt)
    assert not verdict and verdict.misconception is None
    return verdict.text()


def test_the_text_shows_the_smallest_case_that_differs_with_both_results():
    text = wrong(lambda X, K: minigrad.tensor(by_hand(X, K)) + 1)
    assert text == """corr2d: not yet. The number differs.
    X = tensor([[0., 1., 2.],
                [3., 4., 5.]])
    K = tensor([[0., 1., 2.],
                [3., 4., 5.]])
yours: tensor([[56.]])
right: tensor([[55.]])"""


def test_only_the_cases_that_differ_are_candidates_for_the_smallest():
    def one_cell_off(X, K):
        Y = by_hand(X, K)
        if Y.shape == (2, 2):
            Y[1, 0] += 1
        return Y

    text = wrong(one_cell_off)
    assert "1 of 4 cells differ, the first of them at [1, 0]." in text and "[6., 7., 8.]" in text


def test_an_exception_is_shown_with_its_line_and_its_case(capsys):
    def attempt(X, K):
        return minigrad.zeros(2, 2)[5]  # outside

    text = wrong(attempt)
    assert re.search(r"It raised IndexError: .*, in line \d+: return minigrad.zeros\(2, 2\)\[5\]", text)
    assert "    X = tensor([[0., 1., 2.]," in text and "yours:" not in text and "right: tensor([[55.]])" in text


def test_an_error_in_the_call_itself_has_no_line():
    assert "It raised TypeError: " in wrong(lambda X: X)


def stub(X, K): ...


@pytest.mark.parametrize("stub", [None, ..., stub], ids=["None", "...", "stub"])
def test_not_done_yet(stub, capsys):
    verdict = teach.check("corr2d", stub)
    assert not verdict and verdict.status == "not done yet" and verdict.misconception is None
    assert capsys.readouterr().out.startswith("corr2d: not done yet. Write corr2d(X, K)")


def test_a_forgotten_return():
    def attempt(X, K):
        Y = by_hand(X, K)  # noqa: F841, that it is not returned is the point

    verdict = teach.check("corr2d", attempt)
    assert verdict.status == "not done yet" and "is there a `return`?" in verdict.text()
    assert "`return`" not in teach.check("corr2d", stub).text()


def test_a_stub_that_raises_is_not_done_yet():
    def stub(X, K):
        raise NotImplementedError

    assert teach.check("corr2d", stub).status == "not done yet"


def test_an_operator_that_is_not_implemented_is_no_stub():
    verdict = teach.check("squared_error", lambda Y_hat, Y: ((Y_hat - Y) ^ 2).sum())
    assert verdict.status == "not yet" and "NotImplementedError: bitwise_xor()" in verdict.text()
    assert "\nIn Python ^ is exclusive or; a power is **.\n" in verdict.text()
    verdict = teach.check("output_size", lambda n, k, p, s: (n / s) ^ 1)
    assert "It raised TypeError" in verdict.text() and "a power is **." in verdict.text()
    text = wrong(lambda X, K: X + "1")
    assert "It raised TypeError" in text and "exclusive or" not in text


def test_functions_that_only_change_their_arguments_are_told_to_return():
    def in_place(weight, grad, lr):
        weight -= lr * grad

    def of_numbers(n, k, p, s):
        n -= k

    text = teach.check("sgd_step", in_place).text()
    assert "changes its argument weight and returns None: leave weight as it was" in text and "`return`" in text
    assert "is there a `return`?" in teach.check("output_size", of_numbers).text()

    def raising(X, K):
        raise NotImplementedError

    assert "`return`" not in teach.check("corr2d", raising).text()


def test_a_value_may_be_of_integers():
    for kernel in ([[1], [-1]], minigrad.tensor([[1], [-1]]), np.array([[1], [-1]])):
        assert teach.check("horizontal_edges", kernel)
    assert "The upper pixel" not in wrong([[2], [-1]], "horizontal_edges")


def test_an_attempt_that_returns_none_in_one_case_only():
    assert "It returned None here" in wrong(lambda X, K: by_hand(X, K) if X.shape == (3, 3) else None)


def test_shape_dtype_nan_and_type():
    assert "Your result has shape [4]; the right one has shape [2, 2]." in wrong(
        lambda X, K: by_hand(X, K).ravel() if len(X) == 3 else by_hand(X, K))
    assert "their dtype is torch.float64; it should be torch.float32." in wrong(
        lambda X, K: minigrad.tensor(by_hand(X, K)).double())
    assert "Your result holds nan" in wrong(lambda X, K: by_hand(X, K) * np.nan)
    assert "a value of type dict" in wrong(lambda X, K: {})
    assert "is not made of the same parts" in wrong(lambda X, K: [[1], [2, 3]])
    assert "asks for a function, but got a value: Tensor. Hand over the function itself" in wrong(minigrad.ones(2))
    assert "asks for a function, but got a class." in wrong(nn.Conv2d)
    assert "asks for a value, but got a function." in wrong(len, "one_cell")


def test_a_function_that_changes_its_input():
    def attempt(X, K):
        Y = by_hand(X, K)
        X[0] = 0
        return Y

    text = wrong(attempt)
    assert "The numbers are right, but your function changes its argument X in place" in text
    assert teach.check("corr2d", by_hand)  # the cases themselves are as they were


def test_the_answer_of_a_question_for_a_value_stays_hidden():
    assert wrong(5, "one_cell") == ("one_cell: not yet. That is not it. Write the window's four numbers next to the "
                                    "kernel's four, multiply pair by pair, add up.\nyours: 5")
    assert "[1, -2, 1]" not in wrong([2, 2, 2], "second_difference")
    assert "another shape" in wrong([1, 2], "one_cell")
    assert teach.check("second_difference", (1, -2, 1)) and teach.check("one_cell", minigrad.tensor(67))


def test_the_same_errors_alone_do_not_make_a_mistake_known():
    exercise = Exercise("Write one(x).", lambda x: 1, cases=[(1,)], mistakes={"Never.": lambda x: [][x]})
    verdict = exercise.check("one", lambda x: "word"[x + 9])
    assert verdict.misconception is None and "IndexError: string index out of range" in verdict.text()


def test_wording():
    pair = Exercise("Write pair(x).", lambda x: ([x, x], x.sum()), cases=[(minigrad.ones(2),), (minigrad.ones(3),)])
    text = pair.check("pair", lambda x: ([x], x.sum())).text()
    assert "In part 0 of it: your result has shape [1, 2]; the right one has shape [2, 2]." in text
    assert pair.check("pair", lambda x: ([x, x], x.sum())).sentence == "It gives the right result in both cases."
    text = pair.check("pair", lambda x: [np.float64(0.002), (np.float32(0.1), np.int64(3))]).text()
    assert "yours: [0.002, (0.1, 3)]\n" in text
    assert "in all 5 cases" in teach.check("output_size", TABLE["output_size"].answer).text()


def test_parts_classes_and_modules():
    pair = Exercise("Write pair(x).", lambda x: (x, x.sum()), cases=[(minigrad.ones(3),)])
    assert pair.check("pair", lambda x: [x.tolist(), 3])
    assert "In part 1 of it: the number differs." in pair.check("pair", lambda x: (x, 4)).text()
    layer = Exercise("Make a layer.", nn.Conv2d(1, 6, 5, padding=2), cases=[(minigrad.ones(1, 1, 28, 28),)],
                     observe=lambda layer, x: tuple(layer(x).shape), what="shape of the output",
                     mistakes={"No padding.": nn.Conv2d(1, 6, 5)})
    assert layer.check("layer", nn.Conv2d(1, 6, 3, padding=1))
    assert layer.check("layer", nn.Conv2d(1, 6, 5)).misconception == "No padding."
    verdict = layer.check("layer", nn.Conv2d(1, 7, 3, padding=1))
    assert "yours: (1, 7, 28, 28)\nright: (1, 6, 28, 28)" in verdict.text()
    assert "a Tensor of shape [1, 1, 28, 28]" in verdict.text()  # too long to print
    assert "Make one of your class first" in layer.check("layer", nn.Conv2d).text()


@pytest.mark.parametrize("name, near", [("cor2d", "did you mean 'corr2d'"), ("output size", "'output_size'")])
def test_an_unknown_name_is_answered_with_near_ones(name, near):
    with pytest.raises(ValueError, match="there is no exercise") as error:
        teach.check(name, None)
    assert near in str(error.value) and "teach.exercises()" in str(error.value)


@pytest.mark.parametrize("name", [by_hand, None, [1]])
def test_the_name_comes_first(name):
    with pytest.raises(TypeError, match=f"'name' must be str, not {type(name).__name__}: the name .* comes first"):
        teach.check(name, "corr2d")


@pytest.mark.parametrize("status", [None, 3, "bye"])
def test_an_attempt_that_leaves_python_gets_a_verdict(status):
    text = teach.check("corr2d", lambda X, K: sys.exit(status)).text()
    assert text.startswith("corr2d: not yet. It raised SystemExit") and ":," not in text
    with pytest.raises(KeyboardInterrupt):  # of the user, who means it
        teach.check("corr2d", lambda X, K: signal.raise_signal(signal.SIGINT))


def test_exercises_lists_all_questions(tmp_path):
    text = str(teach.exercises())
    assert all(name in text for name in TABLE) and teach.exercises().names == list(TABLE)
    teach.exercises().save(tmp_path / "exercises.html")


# ---- pictures


def test_a_verdict_is_short_in_a_prompt_and_draws_both_results():
    verdict = teach.check("corr2d", lambda X, K: by_hand(X, K, flip=True))
    assert repr(verdict) == "<corr2d: not yet>" and str(verdict) == verdict.text()
    figure = verdict.figure()
    titles = [axes.get_title() for axes in figure.axes]
    assert titles == ["your result, wrong cells framed", "the right result"]
    assert [axes.texts[0].get_text() for axes in figure.axes] == ["20", "55"]
    assert "you flipped the kernel" in figure.get_suptitle()
    shown = verdict._repr_html_()
    assert "<svg" in shown and "<pre>" not in shown  # the text has been printed
    assert "<pre>" in verdict.to_html()
    assert teach.check("corr2d", by_hand)._repr_html_() is None and teach.check("one_cell", 5)._repr_html_() is None


@pytest.mark.parametrize("attempt", [None, by_hand, max, lambda X, K: by_hand(X, K) * np.nan],
                         ids=["nothing", "right", "raises", "nan"])
def test_every_verdict_can_be_saved(attempt, tmp_path):
    verdict = teach.check("corr2d", attempt)
    for kind in ("svg", "png", "html", "txt"):
        verdict.save(tmp_path / f"verdict.{kind}")


@pytest.mark.parametrize("result", ["x", 10**30, 1j, [None], [], b"x", range(3), {1}, np.array(["a"])], ids=str)
@pytest.mark.parametrize("name", ["one_cell", "second_difference", "corr2d", "output_size"])
def test_no_result_makes_it_fail(name, result):
    attempt = (lambda *arguments: result) if callable(TABLE[name].answer) else result
    verdict = teach.check(name, attempt)
    assert not verdict and verdict.misconception is None and verdict.text()
