"""One or two cases of each function of nn.functional: test_functional.py has the others."""

import numpy as np
from helpers import INFINITE, INTEGERS, NAN_ROWS, SHAPES, F, distinct, on, positive

LOGITS, CLASSES = (3, 4), np.array([0, 3, 2])
WEIGHT = [0.5, 2.0, 1.0, 0.0]

OPERATORS = {
    "softmax": [
        *on(lambda m, x: (m.softmax(x, 0), x.softmax(-1)), *SHAPES[1:]),
        *on(lambda m, x: m.softmax(x, 1, dtype=m.float64), [INTEGERS], [(2, 3)]),
    ],
    "log_softmax": [
        *on(lambda m, x: (m.log_softmax(x, 0), x.log_softmax(-1)), *SHAPES[1:]),
        *on(lambda m, x: m.log_softmax(x, 1, dtype=m.float64), [INTEGERS]),
    ],
    "nll_loss": on(
        lambda m, x, t: F(m).nll_loss(x, t, m.tensor(WEIGHT).to(x), ignore_index=2), [LOGITS, CLASSES]
    ),
    "cross_entropy": [
        *on(lambda m, x, t: F(m).cross_entropy(x, t), [LOGITS, CLASSES], [(4,), np.array(1)],
            [(2, 3, 2), np.array([[0, 2], [1, 1]])]),
        *on(lambda m, x, t: (F(m).cross_entropy(x, t, reduction="none"), F(m).cross_entropy(x, t, reduction="sum")),
            [LOGITS, CLASSES], [(4,), np.array(1)], [(2, 3, 2), np.array([[0, 2], [1, 1]])]),
        *on(lambda m, x, t: F(m).cross_entropy(x, t, label_smoothing=0.2), [LOGITS, CLASSES]),
        *on(lambda m, x, t: F(m).cross_entropy(x, t, reduction="none"), [(3, 2), positive(3, 2)]),
    ],
    "mse_loss": on(lambda m, x, y: F(m).mse_loss(x, y), [(2, 3), (2, 3)], [(), ()]),
    "one_hot": on(lambda m, x: (F(m).one_hot(x), F(m).one_hot(x, 5)), [CLASSES], [np.array(2)]),
    "dropout": on(lambda m, x: m.manual_seed(0) and F(m).dropout(x, 0.3), [(20,)]),
    "linear": on(lambda m, x, w, b: F(m).linear(x, w, b), [(2, 3), (2, 3), (2,)], [(2, 2, 0), (2, 0), (2,)]),
    "conv2d": on(lambda m, x, w, b: m.conv2d(x, w, b, 2, 1), [(2, 2, 4, 3), (1, 2, 2, 2), (1,)]),
    "max_pool2d": on(lambda m, x: F(m).max_pool2d(x, 2, 1, 1, return_indices=True), [distinct(1, 2, 3, 2)]),
    "avg_pool2d": on(lambda m, x: F(m).avg_pool2d(x, 2, 2, 1, True, False), [(1, 1, 4, 3)]),
}

EDGES = {
    "softmax": [
        *on(lambda m, x: (x.softmax(1), x.log_softmax(1)), [INFINITE], [NAN_ROWS]),
        *on(lambda m, x: (x.softmax(0), x.log_softmax(0)), [[1000.0, 0.0, -1000.0]]),
    ],
}  # fmt: skip
