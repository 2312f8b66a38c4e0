"""Settings of every test: the same examples in every run, and no window for a picture."""

import os

from hypothesis import settings

os.environ.setdefault("MPLBACKEND", "Agg")
settings.register_profile("minigrad", derandomize=True, deadline=None)
settings.load_profile("minigrad")
