import numpy as np

from .tables import Loop

def correlate(image: np.ndarray, packed: np.ndarray, bias: np.ndarray, y: np.ndarray, tables: Loop) -> None: ...
