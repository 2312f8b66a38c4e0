"""The matrix product, by the loop of the convolutions.

    z[m, n] = sum over k of  a[m, k] * b[k, n]

is `y[target[p], d] = sum over k of image[base[p] + tap[k]] * w[pick[k], d]` with the rows of one
matrix for positions and the columns of the other for channels: a linear layer is a convolution
whose kernel is as large as its image. Offsets are strides, so that a transposed matrix needs no copy.

Why not NumPy's BLAS, which is faster on large matrices? Its threads and the kernels' would wait for
each other on the same cores (up to thirty times the time of one thread was measured for the layers of
LeNet-5), and its results depend on how many there are.
"""

import numpy as np

from .conv import same_type
from .correlate import correlate
from .loops import lanes
from .tables import make_loop


def matmul(a, b):
    """z [M, N] = a [M, K] b [K, N], all float32 or all float64, of any strides."""
    same_type(a, b)
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[0]:
        raise ValueError(f"expected matrices [M, K] and [K, N], got {a.shape} and {b.shape}")
    z = np.zeros((a.shape[0], b.shape[1]), a.dtype)
    if 1 in a.shape or 1 in b.shape:
        np.einsum("mk,kn->mn", a, b, out=z)  # a vector's product waits for memory, not for arithmetic
    elif a.size and b.size:
        if a.shape[0] < b.shape[1]:  # the factor of fewer columns is packed, the larger one streams
            multiply(b.T, a.T, z, row_pitch=1, column_pitch=z.shape[1])
        else:
            multiply(a, b, z, row_pitch=z.shape[1], column_pitch=1)
    return z


def multiply(a, b, z, row_pitch, column_pitch):
    """z[m * row_pitch + n * column_pitch] = the product of a and b at (m, n)."""
    (rows, terms), columns = a.shape, b.shape[1]
    a, a_row, a_column = flat(a)
    b, b_row, b_column = flat(b)
    loop = make_loop(
        base=np.arange(rows) * a_row, target=np.arange(rows) * row_pitch,
        tap=np.arange(terms) * a_column, pick=np.arange(terms) * b_row,
        pitch=b_column, lanes=lanes(z),
    )
    bias = np.zeros((1, columns), z.dtype)
    correlate(a[None, None], b[None], bias, z.reshape(1, 1, -1), loop, column_pitch)


def flat(matrix):
    """The memory of a matrix as one row, and its strides in elements."""
    if not (matrix.flags.c_contiguous or matrix.flags.f_contiguous):
        matrix = np.ascontiguousarray(matrix)
    row, column = (stride // matrix.itemsize for stride in matrix.strides)
    return matrix.ravel(order="K"), row, column
