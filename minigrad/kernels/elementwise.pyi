from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Real = TypeVar("Real", np.float32, np.float64)

def erf(x: NDArray[Real]) -> NDArray[Real]: ...
def relu(x: NDArray[Real]) -> NDArray[Real]: ...
def relu_grad(g: NDArray[Real], y: NDArray[Real]) -> NDArray[Real]: ...
def sgd_step(
    p: NDArray[Real], g: NDArray[Real], v: NDArray[Real] | None, lr: float, momentum: float,
    dampening: float, weight_decay: float, nesterov: bool, maximize: bool,
) -> None: ...
