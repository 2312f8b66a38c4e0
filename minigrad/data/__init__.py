"""Datasets, and a loader that deals them out in shuffled batches: PyTorch's `torch.utils.data`."""

from .dataset import Dataset, Subset, TensorDataset, random_split
from .loader import DataLoader, default_collate
from .mnist import MNIST, digits
