from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Real = TypeVar("Real", np.float32, np.float64)
Ints = tuple[int, ...]
Pairs = tuple[tuple[int, int], ...]

def conv_forward(
    x: NDArray[Real], w: NDArray[Real], bias: NDArray[Real] | None, stride: Ints, padding: Pairs, dilation: Ints,
    groups: int
) -> NDArray[Real]: ...
def conv_input_grad(
    g: NDArray[Real], w: NDArray[Real], x_shape: Ints, stride: Ints, padding: Pairs, dilation: Ints, groups: int
) -> NDArray[Real]: ...
def conv_weight_grad(
    x: NDArray[Real], g: NDArray[Real], w_shape: Ints, stride: Ints, padding: Pairs, dilation: Ints, groups: int
) -> NDArray[Real]: ...
