"""Settings of every test: the same examples in every run, and no window for a picture."""

import os

import torch
from hypothesis import settings

os.environ.setdefault("MPLBACKEND", "Agg")
settings.register_profile("minigrad", derandomize=True, deadline=None)
settings.load_profile("minigrad")
torch.set_num_threads(1)  # its idle threads and minigrad's would take the cores from each other
