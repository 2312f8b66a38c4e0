"""The switches of other machinery that textbook code sets for reproducible runs: here they change nothing."""

from types import SimpleNamespace

cudnn = SimpleNamespace(enabled=False, benchmark=False, deterministic=True)
mps = SimpleNamespace(is_available=lambda: False)
