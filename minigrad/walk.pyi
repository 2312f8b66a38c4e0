from collections.abc import Sequence
from typing import Any

from .engine import Value

def call_hooks(hooks: dict, gradient: Any) -> Any: ...
def summed(gradient: Any, shape: tuple, maker: Any, number: int) -> Any: ...
def run_backward(
    roots: Sequence[Value],
    gradients: Sequence[Value],
    retain_graph: bool,
    create_graph: bool,
    inputs: Sequence[Value] | None = None,
) -> list[Any] | None: ...
