"""DataLoader: the samples of a dataset, shuffled, a batch at a time."""

import itertools
from collections.abc import Mapping, Sequence

import numpy as np

from .. import dtypes, random
from ..ops.arrange import stack
from ..ops.create import from_numpy, tensor
from ..tensor import Tensor
from .dataset import Subset, TensorDataset


class DataLoader:
    """Iterates over `dataset` in batches of `batch_size`; each `for` loop is one epoch.

    shuffle: a new random order each epoch, PyTorch's for the same seed.
    sampler: an iterable of indices that says which samples come, and in which order.
    batch_sampler: an iterable of lists of indices, one for each batch.
    collate_fn: makes a batch of a list of samples; None is `default_collate`.
    num_workers, worker_init_fn, prefetch_factor, persistent_workers, pin_memory, pin_memory_device: they change
    nothing, this thread makes the batches.
    drop_last: leave out the last batch if it is smaller than the others.
    generator: where the order is drawn; None is the global one, that `manual_seed` sets.

    ValueError for a batch size below 1, for shuffling an empty dataset and for a sampler beside what it replaces.
    NotImplementedError for batch_size=None, and for a timeout or multiprocessing_context.

    >>> from minigrad.data import DataLoader
    >>> for batch in DataLoader([1, 2, 3], batch_size=2): print(batch)
    tensor([1, 2])
    tensor([3])
    """

    def __init__(self, dataset, batch_size=1, shuffle=False, sampler=None, batch_sampler=None, num_workers=0,
                 collate_fn=None, pin_memory=False, drop_last=False, timeout=0, worker_init_fn=None,
                 multiprocessing_context=None, generator=None, *, prefetch_factor=None, persistent_workers=False,
                 pin_memory_device=""):
        if num_workers < 0:
            raise ValueError(f"num_workers option should be non-negative; got num_workers={num_workers}")
        if batch_size is None or timeout or multiprocessing_context:
            raise NotImplementedError("batch_size=None, timeout and multiprocessing_context are not there")
        if sampler is not None and shuffle:
            raise ValueError("sampler option is mutually exclusive with shuffle")
        if batch_sampler is not None and (batch_size != 1 or shuffle or sampler is not None or drop_last):
            raise ValueError("batch_sampler option is mutually exclusive with batch_size, shuffle, sampler, drop_last")
        if not isinstance(batch_size, int) or isinstance(batch_size, bool) or batch_size <= 0:
            raise ValueError(f"batch_size should be a positive integer value, but got batch_size={batch_size}")
        if not isinstance(drop_last, bool):
            raise ValueError(f"drop_last should be a boolean value, but got drop_last={drop_last}")
        if shuffle and len(dataset) == 0:
            raise ValueError("cannot shuffle an empty dataset: got num_samples=0")
        self.dataset, self.sampler, self.batch_sampler = dataset, sampler, batch_sampler
        self.batch_size, self.shuffle, self.drop_last = batch_size, shuffle, drop_last
        self.collate_fn, self.generator = collate_fn or default_collate, generator

    def __len__(self):
        if self.batch_sampler is not None:
            return len(self.batch_sampler)
        whole, rest = divmod(len(self.dataset if self.sampler is None else self.sampler), self.batch_size)
        return whole + (rest > 0 and not self.drop_last)

    def __iter__(self):
        batches = iter(self._indices() if self.batch_sampler is None else self.batch_sampler)
        # Here and below the draws are PyTorch's, so that with the same seed the order of every
        # epoch, and all that is random after it, is the same too. This one seeds its workers.
        (self.generator or random.default_generator).random_int64()
        return map(self._batch, batches)

    def _indices(self):
        order = iter(self._order() if self.sampler is None else self.sampler)
        while batch := list(itertools.islice(order, self.batch_size)):
            if len(batch) == self.batch_size or not self.drop_last:
                yield batch

    def _order(self):
        n, generator = len(self.dataset), self.generator
        if self.shuffle:
            source = generator or random.Generator().manual_seed(random.default_generator.random_int64())
            yield from source.permutation(n).tolist()
            source.permutation(n)  # PyTorch's sampler looks whether more than n are wanted
        else:
            yield from range(n)

    def _batch(self, indices):
        if self.collate_fn is default_collate and _takes_index_arrays(self.dataset):
            return list(self.dataset[np.asarray(indices)])
        if hasattr(self.dataset, "__getitems__"):
            return self.collate_fn(self.dataset.__getitems__(indices))
        return self.collate_fn([self.dataset[i] for i in indices])


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

    >>> from minigrad.data import default_collate
    >>> default_collate([(1, "one"), (2, "two")])
    [tensor([1, 2]), ('one', 'two')]
    """
    first = batch[0]
    if isinstance(first, Tensor):
        return stack(batch, 0)
    if isinstance(first, (np.ndarray, np.generic)):
        return stack([from_numpy(np.asarray(sample)) for sample in batch], 0)
    if isinstance(first, (float, int)):
        return tensor(batch, dtype=dtypes.float64 if isinstance(first, float) else None)
    if isinstance(first, (str, bytes)):
        return batch
    if isinstance(first, Mapping):
        return {key: default_collate([sample[key] for sample in batch]) for key in first}
    if isinstance(first, Sequence):
        if any(len(sample) != len(first) for sample in batch):
            raise RuntimeError("each element in list of batch should be of equal size")
        columns = [default_collate(column) for column in zip(*batch)]
        return type(first)(*columns) if hasattr(first, "_fields") else columns
    raise TypeError("default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; "
                    f"found {type(first)}")
