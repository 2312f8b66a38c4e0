import numpy as np

from .tables import Loop

def weight_grad(image: np.ndarray, g: np.ndarray, tables: Loop, depth: int) -> np.ndarray: ...
