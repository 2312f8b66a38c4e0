import numpy as np

from .tables import Loop

def correlate(
    image: np.ndarray, w: np.ndarray, bias: np.ndarray, y: np.ndarray, loop: Loop, plane: int
) -> None: ...
