"""What each window of a convolution or a pooling sees, as a table of positions.

Everything that this folder says about convolution is read off one table: taps[o, k] is the position in the
input that kernel element k meets at output position o (of 1 to 3 dimensions each). The arithmetic of an output
cell reads a row of it; a gradient cell looks up where a position occurs; the matrix of a convolution is the
table with weights in the place of numbers.

      input 0 1 2 3    kernel of 2, stride 2, padding 1    taps   -1 0     -1: a zero of the padding
                                                                   1 2
                                                                   3 -1
"""

import math

import numpy as np

MODES = {"zeros": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}  # torch's: NumPy's


def taps(size, kernel, stride, padding, dilation, mode="zeros", extra=None):
    """For each output position and kernel element, the flat position in the input, or -1 in padding zeros.

    size, kernel, stride, dilation: a tuple of ints each, one for each dimension; padding: a pair (before, after)
    for each; mode: what the padding consists of, in torch's words. extra: rows of -1 behind the padding (windows
    that hang over the edge in ceil_mode). Returns int64 (*out, *kernel).
    """
    plane = padded(size, padding, mode, extra)
    reach = [d * (k - 1) + 1 for k, d in zip(kernel, dilation)]
    windows = np.lib.stride_tricks.sliding_window_view(plane, reach)
    steps = [slice(None, None, s) for s in (*stride, *dilation)]
    return windows[tuple(steps)]


def padded(size, padding, mode="zeros", extra=None):
    """The flat positions of the input with its padding around: -1 where that is zeros, else the one repeated there."""
    plane = np.arange(math.prod(size)).reshape(size)
    plane = np.pad(plane, padding, mode=MODES[mode], **({"constant_values": -1} if mode == "zeros" else {}))
    return plane if extra is None else np.pad(plane, [(0, n) for n in extra], constant_values=-1)


def where(flat, size):
    """The position (row, column, ...) of a flat one."""
    return tuple(int(i) for i in np.unravel_index(flat, size))
