from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Real = TypeVar("Real", np.float32, np.float64)
Ints = tuple[int, ...]

def max_pool(
    x: NDArray[Real], kernel: Ints, stride: Ints, padding: Ints, dilation: Ints, output_size: Ints
) -> tuple[NDArray[Real], NDArray[np.int32]]: ...
def scatter_plane(
    g: NDArray[Real], indices: NDArray[np.int32], spatial_shape: Ints
) -> NDArray[Real]: ...
def gather_plane(x: NDArray[Real], indices: NDArray[np.int32]) -> NDArray[Real]: ...
