from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Real = TypeVar("Real", np.float32, np.float64)

def below_max(x: NDArray[Real], dim: int) -> NDArray[Real]: ...
def class_losses(x: NDArray[Real], labels: NDArray[np.int64], dim: int) -> tuple[NDArray[Real], NDArray[Real]]: ...
