"""One helper that compares an operator with PyTorch and with finite differences, and one for errors.

A test is one line: `check(lambda m, x, y: m.exp(x) * y, (2, 3), (3,))`. The function is called with
m = minigrad and with m = torch, and with tensors made of the same arrays.
"""

import warnings

import numpy as np
import torch

import minigrad
from minigrad.autograd import gradcheck, gradgradcheck


def random(*shape, seed=0):
    """Normal numbers, always the same for the same shape and seed."""
    return np.asarray(np.random.default_rng([seed, *shape]).standard_normal(shape))


def positive(*shape, seed=0):
    return np.abs(random(*shape, seed=seed)) + 0.5


def distinct(*shape, seed=0):
    """Numbers so far apart that the steps of finite differences leave their order alone."""
    count = int(np.prod(shape))
    order = np.random.default_rng([seed, count]).permutation(count)
    return order.reshape(shape) / 4 - count / 10


def strided(array):
    """The same numbers in another layout: dimensions reversed, every second element of a buffer."""
    buffer = np.zeros([2 * n for n in array.shape[::-1]], array.dtype)
    place = buffer[(..., *[slice(None, None, 2)] * array.ndim)].T
    place[...] = array
    return place


def arrays(inputs, dtype):
    """The inputs of a case as ndarrays: a shape becomes random numbers, floats become `dtype`."""
    made = [random(*x, seed=i) if type(x) is tuple else np.array(x) for i, x in enumerate(inputs)]
    return [x.astype(dtype) if x.dtype.kind == "f" else x for x in made]


def leaves(lib, given):
    """Tensors on the memory of ndarrays; the floating-point ones require grad."""
    return [lib.from_numpy(x).requires_grad_(x.dtype.kind == "f") for x in given]


def listed(result):
    """What is in nested tuples and lists, in one list."""
    if isinstance(result, tuple | list):
        return [x for item in result for x in listed(item)]
    return [result]


def outputs_of(function, lib, inputs):
    """The results of function(lib, *inputs) in a list; PyTorch may warn, minigrad must not."""
    with warnings.catch_warnings(action="ignore" if lib is torch else "error"):
        return listed(function(lib, *inputs))


def derivatives(function, lib, given, order):
    """The outputs, their gradients, the gradients of those, ..., each weighed by random numbers.

    The weights of one order are inputs of the next, because a second derivative goes to both. A gradient may be None:
    optimisers leave out what has none, and a decay makes that a difference to 0.
    """
    wanted = leaves(lib, given)
    found = [outputs_of(function, lib, wanted)]
    wanted = [x for x in wanted if x.requires_grad]
    for seed in range(order):
        roots = [x for x in found[-1] if isinstance(x, lib.Tensor) and x.requires_grad]
        if not roots:
            break
        weights = [random(*x.shape, seed=seed).astype(str(x.dtype)[6:]) for x in roots]
        weights = leaves(lib, weights)
        gradients = lib.autograd.grad(roots, wanted, weights, create_graph=True, allow_unused=True)
        found.append(gradients)
        wanted = wanted + weights
    return found


def assert_same(mine, theirs, what="value"):
    """Same dtype and shape, values as near as torch.testing wants them; NaN is equal to NaN."""
    if isinstance(theirs, torch.Tensor):
        assert type(mine) is minigrad.Tensor, what
        mine, theirs = torch.tensor(np.array(mine.detach())), theirs.detach()
    assert type(mine) is type(theirs), what
    torch.testing.assert_close(mine, theirs, equal_nan=True, msg=lambda text: f"{what}: {text}")


def check(function, *inputs, order=2, differences=True):
    """Compare function(minigrad, *tensors) with function(torch, *tensors), and with differences.

    inputs: shapes, to be filled with random numbers, or arrays; what is floating point is tried in
    float32 and in float64, and differentiated `order` times; in float64 also in a layout that is
    not contiguous, and by finite `differences` (which kinks, NaN and infinities do not bear).
    """
    single, double = arrays(inputs, np.float32), arrays(inputs, np.float64)
    apart = [strided(x) for x in double]
    for given, depth in ((single, 1), (apart, 1), (double, order)):
        depth = min(depth, order)
        mine, theirs = (derivatives(function, lib, given, depth) for lib in (minigrad, torch))
        assert len(mine) == len(theirs), "differentiable in one library only"
        for what, ours, others in zip(("value", "gradient", "second gradient"), mine, theirs):
            assert len(ours) == len(others), what
            for i, (x, y) in enumerate(zip(ours, others)):
                if y is None:
                    assert x is None or not x.detach().numpy().any(), what
                elif x is not None or not isinstance(y, torch.Tensor) or y.numel():  # of nothing, None is as good
                    assert_same(x, y, f"{what} {i} of {given[0].dtype if given else None}")
    if differences and len(mine) > 1:
        check_differences(lambda *x: function(minigrad, *x), *inputs, order=order)


def check_differences(function, *inputs, order=2):
    """Compare the derivatives of function(*tensors) with finite differences, in float64."""
    given = leaves(minigrad, arrays(inputs, np.float64))
    assert gradcheck(lambda *x: listed(function(*x)), given)
    assert order < 2 or gradgradcheck(lambda *x: listed(function(*x)), given)


def raised(function, lib):
    """The exception that function(lib) raises, or None."""
    with warnings.catch_warnings(action="ignore"):
        try:
            function(lib)
        except Exception as error:  # whatever it is: the caller compares it
            return error
    return None


def check_error(function, exception, *words):
    """Both libraries raise exactly `exception`, and minigrad's message contains all `words`."""
    theirs, mine = raised(function, torch), raised(function, minigrad)
    assert type(theirs) is exception, f"PyTorch: {theirs!r}"
    assert type(mine) is exception, f"minigrad: {mine!r}"
    for word in words:
        assert str(word) in str(mine), f"no {word!r} in: {mine}"


# ---- what the tables of cases (cases_*.py) are written with

SHAPES = [[()], [(0,)], [(1,)], [(2, 3)], [(2, 1, 2)]]
PAIRS = [
    [(), ()], [(), (3,)], [(2, 3), ()], [(2, 3), (2, 3)], [(2, 3), (3,)], [(2, 1), (1, 3)],
    [(1,), (2, 1, 2)], [(0, 3), (1, 3)], [(1,), (0,)], [(2, 3, 1), (2,)],
]  # fmt: skip
POSITIVE = [[positive(*shape)] for (shape,) in SHAPES]
INTEGERS = np.array([[7, -3, 0], [2, 5, -6]])
MASK = np.array([[True, False, True], [False, False, True]])
NAN, INF = float("nan"), float("inf")


SPECIAL = [0.0, -0.0, 1.0, -1.0, 2.5, INF, -INF, NAN, 1e30, -1e-30]
TIED = [[3.0, 1.0, 3.0], [1.0, 3.0, 3.0]]
NAN_ROWS = [[NAN, 1.0, 2.0], [5.0, NAN, NAN], [1.0, 1.0, 0.0]]
ZEROS = [[0.0, 2.0, 3.0], [0.0, 0.0, 4.0], [5.0, 6.0, 7.0]]
INFINITE = [[INF, 1.0, 2.0], [-INF, 0.0, 1.0], [-INF, -INF, -INF], [INF, INF, 0.0]]


def on(function, *inputs):
    """The cases of one function, one for each list of inputs."""
    return [(function, *case) for case in inputs]


def F(m):
    return m.nn.functional


def pairs(x):
    """Every element of x with every other."""
    return [np.repeat(x, len(x)), np.tile(x, len(x))]
