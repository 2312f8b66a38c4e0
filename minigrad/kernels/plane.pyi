import numpy as np

Pair = tuple[int, int]

def correlate(
    x: np.ndarray, w: np.ndarray, bias: np.ndarray, y: np.ndarray,
    before: Pair, stride: Pair, dilation: Pair, apart: Pair,
) -> None: ...
def weight_grad(
    x: np.ndarray, g: np.ndarray, kernel: Pair, before: Pair, stride: Pair, dilation: Pair, apart: Pair
) -> np.ndarray: ...
