from collections.abc import Sequence
from typing import Any

from .engine import Value

def run_backward(
    roots: Sequence[Value],
    gradients: Sequence[Value],
    retain_graph: bool,
    create_graph: bool,
    inputs: Sequence[Value] | None = None,
) -> list[Any] | None: ...
