"""DataLoader: the samples of a dataset, shuffled, a batch at a time."""

from collections.abc import Mapping, Sequence

import numpy as np

from .. import dtypes, random
from ..ops.create import from_numpy, tensor
from ..ops.shape import stack
from ..tensor import Tensor
from .dataset import Subset, TensorDataset


class DataLoader:
    """Iterates over `dataset` in batches of `batch_size`; each `for` loop is one epoch.

    shuffle: a new random order each epoch, PyTorch's for the same seed.
    drop_last: leave out the last batch if it is smaller than the others.
    generator: where the order is drawn; None is the global one, that `manual_seed` sets.
    collate_fn: makes a batch of a list of samples; None is `default_collate`.

    Raises ValueError for a batch size below 1 and for shuffling an empty dataset.
    """

    def __init__(
        self, dataset, batch_size=1, shuffle=False, *, drop_last=False, generator=None,
        collate_fn=None,
    ):  # fmt: skip
        if not isinstance(batch_size, int) or isinstance(batch_size, bool) or batch_size <= 0:
            raise ValueError(
                f"batch_size should be a positive integer value, but got batch_size={batch_size}"
            )
        if not isinstance(drop_last, bool):
            raise ValueError(f"drop_last should be a boolean value, but got drop_last={drop_last}")
        if shuffle and len(dataset) == 0:
            raise ValueError("cannot shuffle an empty dataset: got num_samples=0")
        self.dataset = dataset
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.drop_last = drop_last
        self.generator = generator
        self.collate_fn = collate_fn

    def __len__(self):
        whole, rest = divmod(len(self.dataset), self.batch_size)
        return whole + (rest > 0 and not self.drop_last)

    def __iter__(self):
        # Here and below the draws are PyTorch's, so that with the same seed the order of every
        # epoch, and all that is random after it, is the same too. This one seeds its workers.
        generator = self.generator or random.default_generator
        generator.random_int64()
        return self._epoch(generator)

    def _epoch(self, generator):
        n = len(self.dataset)
        order = np.arange(n)
        if self.shuffle:
            if self.generator is None:
                generator = random.Generator().manual_seed(generator.random_int64())
            order = generator.permutation(n)
        for start in range(0, len(self) * self.batch_size, self.batch_size):
            yield self._batch(order[start : start + self.batch_size])
        if self.shuffle and self.generator is not None:
            generator.permutation(n)  # PyTorch's sampler looks whether more than n are wanted

    def _batch(self, indices):
        if self.collate_fn is None and _takes_index_arrays(self.dataset):
            return list(self.dataset[indices])
        collate = self.collate_fn or default_collate
        return collate([self.dataset[i] for i in indices.tolist()])


def _takes_index_arrays(dataset):
    """Whether `dataset[indices]` gathers a whole batch at once, as tensors do."""
    # A subclass with its own __getitem__ (say, to distort images) must be asked for each sample.
    while type(dataset).__getitem__ is Subset.__getitem__:
        dataset = dataset.dataset
    return type(dataset).__getitem__ is TensorDataset.__getitem__


def default_collate(batch):
    """One batch of a list of samples: tensors, arrays and numbers stacked on a new first axis.

    Dicts, lists and (named) tuples are gone into; strings stay a list. Python floats make float64,
    ints int64. TypeError for other types, RuntimeError for samples of unequal length.
    """
    first = batch[0]
    if isinstance(first, Tensor):
        return stack(batch, 0)
    if isinstance(first, (np.ndarray, np.generic)):
        return from_numpy(np.stack(batch))
    if isinstance(first, float):
        return tensor(batch, dtype=dtypes.float64)
    if isinstance(first, int):
        return tensor(batch)
    if isinstance(first, (str, bytes)):
        return batch
    if isinstance(first, Mapping):
        return {key: default_collate([sample[key] for sample in batch]) for key in first}
    if isinstance(first, Sequence):
        if any(len(sample) != len(first) for sample in batch):
            raise RuntimeError("each element in list of batch should be of equal size")
        columns = [default_collate(column) for column in zip(*batch)]
        return type(first)(*columns) if hasattr(first, "_fields") else columns
    raise TypeError(
        "default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; "
        f"found {type(first)}"
    )
