"""Datasets: anything with `dataset[index]` and `len(dataset)` is one; a list is."""

import itertools
import math

import numpy as np

from .. import random


class Dataset:
    """Base class of datasets: a subclass writes `__getitem__`, and `__len__` for a `DataLoader`."""

    __class_getitem__ = classmethod(lambda cls, sample: cls)  # Dataset[int] says what the samples are

    def __getitem__(self, index):
        raise NotImplementedError("Subclasses of Dataset should implement __getitem__.")


class TensorDataset(Dataset):
    """Samples that lie in tensors along their first axis.

    `dataset[i]` is a tuple with `tensor[i]` of each tensor; an array of indices gives a batch.
    Raises AssertionError if the tensors differ in their first size.

    >>> from minigrad import arange
    >>> from minigrad.data import TensorDataset
    >>> TensorDataset(arange(3), arange(6).view(3, 2))[1]
    (tensor(1), tensor([2, 3]))
    """

    def __init__(self, *tensors):
        sizes = [tensor.shape[0] for tensor in tensors]
        if len(set(sizes)) > 1:
            raise AssertionError(f"Size mismatch between tensors: they hold {sizes} samples")
        self.tensors = tensors

    def __getitem__(self, index):
        return tuple(tensor[index] for tensor in self.tensors)

    def __len__(self):
        return self.tensors[0].shape[0]


class Subset(Dataset):
    """The samples `dataset[i]` for each i of `indices`, in that order.

    >>> from minigrad.data import Subset
    >>> Subset("abcdef", [4, 0])[1]
    'a'
    """

    def __init__(self, dataset, indices):
        self.dataset, self.indices = dataset, indices

    def __getitem__(self, index):
        if isinstance(index, (list, np.ndarray)):
            return self.dataset[np.array([self.indices[i] for i in index], dtype=np.int64)]
        return self.dataset[self.indices[index]]

    def __len__(self):
        return len(self.indices)


def random_split(dataset, lengths, generator=None):
    """Deal `dataset` out at random into one `Subset` per length, without overlap.

    Lengths are counts that sum to `len(dataset)`, or fractions that sum to 1 (what rounding down
    leaves over goes, one each, to the first subsets). ValueError otherwise. The order is PyTorch's
    for the same seed; `generator=None` draws from the global one.

    >>> from minigrad.data import random_split
    >>> [len(part) for part in random_split(range(10), [0.75, 0.25])]
    [8, 2]
    """
    if math.isclose(sum(lengths), 1) and sum(lengths) <= 1:
        for i, fraction in enumerate(lengths):
            if not 0 <= fraction <= 1:
                raise ValueError(f"Fraction at index {i} is not between 0 and 1")
        lengths = [math.floor(len(dataset) * fraction) for fraction in lengths]
        for i in range(len(dataset) - sum(lengths)):
            lengths[i % len(lengths)] += 1
    if sum(lengths) != len(dataset):
        raise ValueError(f"the lengths {list(lengths)} do not sum to that of the dataset, which is {len(dataset)}")
    order = (generator or random.default_generator).permutation(len(dataset)).tolist()
    return [Subset(dataset, order[end - n : end]) for end, n in zip(itertools.accumulate(lengths), lengths)]
