from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Real = TypeVar("Real", np.float32, np.float64)

def channel_sums(x: NDArray[Real]) -> NDArray[Real]: ...
def normalise(x: NDArray[Real], eps: float) -> tuple[NDArray[Real], NDArray[np.float64], NDArray[np.float64]]: ...
def normalise_grad(
    g: NDArray[Real], x: NDArray[Real], mean: NDArray[np.float64], variance: NDArray[np.float64],
) -> NDArray[Real]: ...
