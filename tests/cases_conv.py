"""Convolutions, padding, fold and unfold: a few cases of each. test_conv.py has the others."""

import numpy as np
import torch
from helpers import INF, INFINITE, INTEGERS, NAN, NAN_ROWS, F, on


def convolve(m, x, w, *args, **kwargs):
    """True convolution, which PyTorch has not: there it is the convolution with the flipped kernel."""
    name = f"{w.ndim - 2}d"
    if m is torch:
        return getattr(F(m), f"conv{name}")(x, w.flip(tuple(range(2, w.ndim))), *args, **kwargs)
    return getattr(F(m), f"convolve{name}")(x, w, *args, **kwargs)


OPERATORS = {
    "conv1d": [
        *on(lambda m, x, w, b: m.conv1d(x, w, b, 2, 1, 2, 2), [(1, 4, 5), (2, 2, 2), (2,)]),
        *on(lambda m, x, w: F(m).conv1d(x, w, padding="same"), [(2, 4), (1, 2, 2)]),
    ],
    "conv2d": on(lambda m, x, w, b: m.conv2d(x, w, b, 2, 1), [(2, 2, 4, 3), (1, 2, 2, 2), (1,)]),
    "conv3d": [
        *on(lambda m, x, w, b: m.conv3d(x, w, b, (1, 2, 1), (0, 1, 0)), [(1, 1, 2, 3, 2), (2, 1, 2, 2, 1), (2,)]),
        *on(lambda m, x, w: F(m).conv3d(x, w, groups=2), [(2, 2, 1, 2), (2, 1, 1, 1, 2)]),
    ],
    "conv_transpose1d": [
        *on(lambda m, x, w, b: m.conv_transpose1d(x, w, b, 2, 1, 1, 2, 2), [(1, 4, 3), (4, 1, 2), (2,)]),
        *on(lambda m, x, w: F(m).conv_transpose1d(x, w, stride=2, output_padding=2, dilation=3), [(1, 3), (1, 2, 2)]),
    ],
    "conv_transpose2d": on(lambda m, x, w, b: m.conv_transpose2d(x, w, b, (2, 1), output_padding=(1, 0)),
                           [(1, 2, 2, 2), (2, 1, 2, 1), (1,)]),
    "conv_transpose3d": on(lambda m, x, w: m.conv_transpose3d(x, w, None, (1, 1, 2), (0, 1, 0)),
                           [(1, 1, 1, 3, 2), (1, 1, 2, 1, 2)]),
    "convolve1d": on(lambda m, x, w, b: convolve(m, x, w, b, 2, padding=1), [(1, 2, 4), (1, 2, 3), (1,)]),
    "convolve2d": on(lambda m, x, w: convolve(m, x, w), [(1, 1, 3, 3), (2, 1, 2, 2)], [(1, 2, 3), (1, 1, 2, 2)]),
    "convolve3d": on(lambda m, x, w: convolve(m, x, w, dilation=(1, 1, 2)), [(1, 1, 2, 1, 3), (1, 1, 2, 1, 2)]),
    "pad": [
        *on(lambda m, x: F(m).pad(x, (1, 2)), [(3,)], [(2, 3)], [(0,)], [INTEGERS]),
        *on(lambda m, x: F(m).pad(x, (1, 0, 0, 2), value=1.5), [(2, 3)], [(2, 1, 2)], [INTEGERS]),
        *on(lambda m, x: F(m).pad(x, (-1, 1, 1, -1)), [(2, 3)]),
        *on(lambda m, x: F(m).pad(x, [-1, -1], "constant", 3), [(2, 3)]),
        *on(lambda m, x: F(m).pad(x, ()), [()], [(2,)]),
        *(case for mode in ("reflect", "replicate", "circular") for case in [
            *on(lambda m, x, mode=mode: F(m).pad(x, (1, 2), mode), [(1, 3)], [INTEGERS]),
            *on(lambda m, x, mode=mode: F(m).pad(x, (1, 0, -1, 1), mode, None), [(1, 3, 2)]),
            *on(lambda m, x, mode=mode: F(m).pad(x, (1, 0, 1, 1, 0, 1), mode=mode), [(1, 2, 2, 2)]),
        ]),
    ],
    "unfold": on(lambda m, x: F(m).unfold(x, (2, 1), (1, 2), (1, 0), (2, 1)), [(1, 2, 3, 2)], [(1, 2, 2)]),
    "fold": on(lambda m, x: F(m).fold(x, (2, 3), 2), [(1, 4, 2)], [(8, 2)]),
}  # fmt: skip

EDGES = {
    "pad": [
        (lambda m, x, mode=mode: F(m).pad(x, (1, 1), mode), x)
        for mode in ("constant", "reflect", "replicate", "circular") for x in (NAN_ROWS, INFINITE)
    ],
    "fold": on(lambda m, x: F(m).fold(x, (1, 3), (1, 2), stride=1), [[[INF, 1.0], [-INF, NAN]]]),
    "unfold": on(lambda m, x: F(m).unfold(x[None], 2, padding=1), [INFINITE], [NAN_ROWS]),
    "bool windows": on(lambda m, x: F(m).fold(F(m).unfold(x > 0, 2), 3, 2), [(1, 1, 3, 3)]),
    "convolutions of integers": on(
        lambda m, x, w: (m.conv1d(x, w), m.conv1d(x.int(), w.int(), m.tensor([1, 2]).int()), m.conv_transpose1d(x, w),
                         m.conv2d(x[:, None].to(m.uint8), w[:, :1, None].to(m.uint8))),
        [np.arange(-4, 8).reshape(1, 2, 6), np.arange(8).reshape(2, 2, 2)],
    ),
}  # fmt: skip
