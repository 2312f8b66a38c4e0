"""The names of `minigrad.data`, under PyTorch's address: `from minigrad.utils.data import DataLoader`."""

from ..data import DataLoader, Dataset, Subset, TensorDataset, default_collate, random_split

__all__ = ["DataLoader", "Dataset", "Subset", "TensorDataset", "default_collate", "random_split"]
