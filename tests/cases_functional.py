"""One or two cases of each function of nn.functional: test_functional.py has the others."""

from helpers import F, on

OPERATORS = {
    "linear": on(lambda m, x, w, b: F(m).linear(x, w, b), [(2, 3), (2, 3), (2,)], [(2, 2, 0), (2, 0), (2,)]),
}
