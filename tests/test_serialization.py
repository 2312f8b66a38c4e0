"""save and load: what comes back, what other libraries read, and what a failure leaves behind."""

import io
import json
import os
import pickle
import signal
import stat
import subprocess
import sys
import time

import numpy as np
import pytest
import safetensors
import safetensors.torch
import torch

import minigrad
from minigrad import nn

rng = np.random.default_rng(0)


def assert_equal(a, b):
    """The same values in the same types of containers, in the same order."""
    assert type(a) is type(b)
    if isinstance(a, dict):
        assert list(a) == list(b)
        for key in a:
            assert_equal(a[key], b[key])
    elif isinstance(a, (list, tuple)):
        assert len(a) == len(b)
        for x, y in zip(a, b):
            assert_equal(x, y)
    elif isinstance(a, minigrad.Tensor):
        np.testing.assert_array_equal(a.numpy(), b.numpy(), strict=True)
    else:
        assert a == b or a != a and b != b


# ---- what comes back


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "int32", "uint8", "bool"])
@pytest.mark.parametrize("shape", [(), (0,), (3, 0, 2), (7,), (2, 3, 4)])
def test_every_dtype_and_shape_comes_back(tmp_path, dtype, shape):
    state = {"x": minigrad.from_numpy(np.array(rng.integers(0, 2, shape) * 100, dtype))}
    minigrad.save(state, tmp_path / "x.safetensors")
    assert_equal(minigrad.load(tmp_path / "x.safetensors"), state)


def test_the_layout_in_memory_does_not_matter(tmp_path):
    array = rng.random((4, 6)).astype(np.float32)
    layouts = {"T": array.T, "step": array[:, ::2], "column": array[:, 1]}
    layouts["Fortran"] = np.asfortranarray(array)
    minigrad.save({k: minigrad.from_numpy(v) for k, v in layouts.items()}, tmp_path / "x")
    for name, tensor in minigrad.load(tmp_path / "x").items():
        np.testing.assert_array_equal(tensor.numpy(), layouts[name], strict=True)


def test_a_checkpoint_comes_back(tmp_path):
    state = {
        "model": {"conv1.weight": minigrad.ones(2, 3), "conv1.bias": minigrad.zeros(2)},
        "optimizer": {
            "state": {0: {"momentum_buffer": minigrad.ones(2, 3)}, 1: {"momentum_buffer": None}},
            "param_groups": [{"lr": 0.1, "betas": (0.9, 0.999), "foreach": None, "params": [0, 1]}],
        },
        "epoch": 3,
        "name": 'LeNet-5 "\u00e4" \U0001f600 {"tensor": "x"}',
        "history": [{"loss": 1 / 3}, {"loss": float("inf")}, {"loss": float("nan")}, {}],
        "tensors": [minigrad.tensor([1, 2]), (minigrad.tensor(3.0),)],
        "tensor": {"tensor": "dict", "dict": []},
        "big": 2**80,
        "milestones": {30: 1, 42.5: 2, float("inf"): 0},
        "": "",
    }
    minigrad.save(state, tmp_path / "checkpoint.safetensors")
    assert_equal(minigrad.load(tmp_path / "checkpoint.safetensors"), state)


BOTH = pytest.mark.parametrize("m", [minigrad, torch], ids=["minigrad", "torch"])


@BOTH
def test_order_of_keys_and_gradients(m, tmp_path):
    weight = m.ones(2, requires_grad=True)
    frozen = m.nn.Parameter(m.zeros(1), requires_grad=False)
    state = {"z": weight, "a": weight * 2, "m": m.nn.Parameter(m.zeros(1)), "frozen": frozen, "b": m.ones(1)}
    m.save(state, str(tmp_path / "x"))
    loaded = m.load(str(tmp_path / "x"))
    assert list(loaded) == ["z", "a", "m", "frozen", "b"]
    kinds = [m.Tensor, m.Tensor, m.nn.Parameter, m.nn.Parameter, m.Tensor]
    assert [type(t) for t in loaded.values()] == kinds and all(t.is_leaf for t in loaded.values())
    assert [t.requires_grad for t in loaded.values()] == [True, True, True, False, False]


@BOTH
def test_any_name_comes_back(m, tmp_path):
    state = {"__metadata__": m.ones(1), "a.b": m.zeros(1), "a": {"b": m.ones(2), "b_": m.ones(3)}, "a.b_": m.ones(4)}
    m.save(state, tmp_path / "x")
    assert repr(m.load(tmp_path / "x")) == repr(state)


@BOTH
def test_open_files(m, tmp_path):
    buffer = io.BytesIO()
    m.save({"x": m.arange(3)}, buffer)
    buffer.seek(0)
    assert m.load(buffer)["x"].tolist() == [0, 1, 2]
    with open(tmp_path / "x", "wb") as file:
        m.save({"x": m.arange(3)}, file)
    with open(tmp_path / "x", "rb") as file:
        assert m.load(file)["x"].tolist() == [0, 1, 2]
        assert not file.closed
    with pytest.raises(TypeError):
        m.save({}, io.StringIO())


@BOTH
def test_map_location(m):
    buffer = io.BytesIO()
    m.save(m.ones(1), buffer)
    places = (None, "cpu", m.device("cpu"), {"cuda:0": "cpu"}, {"cuda:1": "cuda:0"}, lambda storage, place: storage)
    for place in places:
        buffer.seek(0)
        assert m.load(buffer, place).item() == 1
    for place in ("cuda", {"cpu": "cuda:0"}):
        buffer.seek(0)
        with pytest.raises(RuntimeError, match="CPU"):
            m.load(buffer, map_location=place)


def test_numbers_of_numpys_come_back_as_pythons(tmp_path):
    minigrad.save([np.int64(2), np.float32(0.5), np.float64(0.1), np.bool_(True)], tmp_path / "x")
    assert repr(minigrad.load(tmp_path / "x")) == "[2, 0.5, 0.1, True]"


def test_an_empty_dict(tmp_path):
    minigrad.save({}, tmp_path / "x")
    assert minigrad.load(tmp_path / "x") == {}


def test_loaded_tensors_own_their_memory(tmp_path):
    path = tmp_path / "x"
    minigrad.save({"x": minigrad.arange(100000), "y": minigrad.zeros(3)}, path)
    loaded = minigrad.load(path)
    with open(path, "r+b") as file:
        file.write(b"\xff" * 4096)
        file.truncate(4096)
    path.unlink()
    assert loaded["x"].tolist() == list(range(100000))
    loaded["x"][:] = 7  # and it can be written
    assert loaded["y"].tolist() == [0, 0, 0]


# ---- other libraries


def test_pytorch_reads_a_state_dict_and_minigrad_reads_pytorchs(tmp_path):
    model = nn.Sequential(nn.Conv2d(1, 3, 5), nn.Linear(4, 2))
    minigrad.save(model.state_dict(), tmp_path / "ours")
    theirs = safetensors.torch.load_file(tmp_path / "ours")
    assert sorted(theirs) == ["0.bias", "0.weight", "1.bias", "1.weight"]
    for name, tensor in theirs.items():
        np.testing.assert_array_equal(tensor.numpy(), model.state_dict()[name].numpy(), strict=True)

    torch_model = torch.nn.Sequential(torch.nn.Conv2d(1, 3, 5), torch.nn.Linear(4, 2))
    safetensors.torch.save_file(torch_model.state_dict(), tmp_path / "theirs")
    model.load_state_dict(minigrad.load(tmp_path / "theirs"))
    for name, tensor in torch_model.state_dict().items():
        np.testing.assert_array_equal(model.state_dict()[name].numpy(), tensor.numpy(), strict=True)


def test_a_nested_dict_is_flattened_to_dotted_names(tmp_path):
    minigrad.save({"model": {"conv1.weight": minigrad.ones(2)}, "epoch": 3}, tmp_path / "x")
    assert list(safetensors.torch.load_file(tmp_path / "x")) == ["model.conv1.weight"]


# ---- what cannot be saved


@pytest.mark.parametrize(
    "state, message",
    [
        ({"a": {"b": object()}}, "'a.b' of type object"),
        ({"a": [1, {2, 3}]}, "'a.1' of type set"),
        ({"a": np.zeros(2)}, "'a' of type ndarray"),
        (nn.Linear(1, 1), r"'obj' of type Linear: save its state_dict\(\)"),
        ({"a": {b"x": 2}}, "'a' has a key of type bytes"),
        ({"a": {True: 2}}, "'a' has a key of type bool"),
        ({None: 2}, "key of type NoneType"),
        ({1, 2}, "'obj' of type set"),
    ],
)
def test_other_values_raise_type_error_naming_the_key(tmp_path, state, message):
    with pytest.raises(TypeError, match=message):
        minigrad.save(state, tmp_path / "x")
    assert os.listdir(tmp_path) == []


# ---- a failed save


def test_permissions_are_those_of_any_new_file(tmp_path):
    umask = os.umask(0o027)
    try:
        minigrad.save({"x": minigrad.ones(2)}, tmp_path / "x")
    finally:
        os.umask(umask)
    assert stat.S_IMODE((tmp_path / "x").stat().st_mode) == 0o640


def test_a_link_stays_a_link(tmp_path):
    minigrad.save({"x": minigrad.ones(2)}, tmp_path / "x")
    (tmp_path / "link").symlink_to(tmp_path / "x")
    minigrad.save({"x": minigrad.zeros(2)}, tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert minigrad.load(tmp_path / "x")["x"].tolist() == [0, 0]


def test_a_missing_folder(tmp_path):
    with pytest.raises(FileNotFoundError) as caught:
        minigrad.save({"x": minigrad.ones(2)}, tmp_path / "no" / "x")
    assert caught.value.filename == str(tmp_path.resolve() / "no" / "x")  # not the file that was to be renamed


FULL_DISK = """
import resource, sys
import minigrad
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    minigrad.save({"x": minigrad.zeros(100_000)}, sys.argv[1])
except OSError as error:
    print(type(error).__name__)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs the limits of a Unix process")
def test_a_full_disk_leaves_the_old_file_whole_and_nothing_else(tmp_path):
    path = tmp_path / "x"
    minigrad.save({"x": minigrad.ones(3)}, path)
    command = [sys.executable, "-c", FULL_DISK, str(path)]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "OSError\n"
    assert minigrad.load(path)["x"].tolist() == [1, 1, 1]
    assert os.listdir(tmp_path) == ["x"]


SAVE_FOREVER = """
import sys
import minigrad
number = 0
while True:
    number += 1
    minigrad.save({"x": minigrad.full((1_000_000,), float(number)), "n": number}, sys.argv[1])
    if number == 1:
        print("saved", flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_a_killed_save_leaves_a_whole_file(tmp_path):
    path = tmp_path / "x"
    process = subprocess.Popen(
        [sys.executable, "-c", SAVE_FOREVER, str(path)], stdout=subprocess.PIPE
    )
    try:
        process.stdout.readline()
        end = time.monotonic() + 0.3
        while time.monotonic() < end:  # a reader beside the writer
            loaded = minigrad.load(path)
            assert (loaded["x"].numpy() == loaded["n"]).all()
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()
    loaded = minigrad.load(path)
    assert (loaded["x"].numpy() == loaded["n"]).all()


# ---- bad files


def safetensors_bytes(header, elements=b""):
    header = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(header).to_bytes(8, "little") + header + elements


def entry(dtype="F32", shape=(2,), offsets=(0, 8)):
    return {"x": {"dtype": dtype, "shape": shape, "data_offsets": offsets}}


class Evil:
    def __reduce__(self):
        return os._exit, (1,)


BAD_FILES = {
    "empty": b"",
    "short": b"\x08\0\0",
    "text": b"these are no tensors at all",
    "pickle": pickle.dumps(Evil()),
    "claim of a long header": (2**62).to_bytes(8, "little") + b"{}",
    "no JSON": safetensors_bytes(b"{x}"),
    "a list": safetensors_bytes([1]),
    "deep": safetensors_bytes(b"[" * 100_000),
    "claim of much": safetensors_bytes(entry(shape=[2**40], offsets=[0, 2**42]), bytes(8)),
    "overflowing shape": safetensors_bytes(entry(shape=[2**33, 2**33]), bytes(8)),
    "negative": safetensors_bytes(entry(shape=[-2]), bytes(8)),
    "shape and size differ": safetensors_bytes(entry(shape=[3]), bytes(8)),
    "unknown type": safetensors_bytes(entry(dtype="X7"), bytes(8)),
    "bfloat16": safetensors_bytes(entry(dtype="BF16", shape=[4]), bytes(8)),
    "one byte more": safetensors_bytes(entry(), bytes(9)),
    "one byte less": safetensors_bytes(entry(), bytes(7)),
}


@pytest.mark.parametrize("content", BAD_FILES.values(), ids=BAD_FILES.keys())
def test_a_bad_file_is_refused_by_name(tmp_path, content):
    path = tmp_path / "weights.safetensors"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="weights.safetensors"):
        minigrad.load(path)


@pytest.mark.parametrize(
    "tree",
    ["", "[", "[" * 100_000, '{"tensor": "y"}', '{"tensor": [1]}', '{"dict": 1}', '{"dict": [[1]]}',
     '{"dict": [[[], 1]]}', '{"x": 1}', "{}", '{"dict": [], "tuple": []}', '{"tuple": {"x": 1}}',
     '{"parameter": 1}', '{"requires_grad": [1]}', '{"requires_grad": {"tensor": "whole"}}'],
)  # fmt: skip
def test_a_damaged_tree_is_refused_by_name(tmp_path, tree):
    path = tmp_path / "weights.safetensors"
    header = entry() | {"whole": {**entry("I64", ())["x"], "data_offsets": (8, 16)}, "__metadata__": {"minigrad": tree}}
    path.write_bytes(safetensors_bytes(header, bytes(16)))
    with pytest.raises(ValueError, match="damaged header"):
        minigrad.load(path)


def test_every_flipped_byte_of_a_header_gives_an_error_or_a_dict(tmp_path):
    path = tmp_path / "x"
    minigrad.save({"model": {"w": minigrad.ones(2)}, "epoch": 3, "lr": [0.5]}, path)
    content = bytearray(path.read_bytes())
    outcomes = {"refused": 0, "read": 0}
    for i in range(len(content) - 8):
        for flip in (0x01, 0x20, 0x80):
            content[i] ^= flip
            path.write_bytes(content)
            try:
                assert isinstance(minigrad.load(path), dict)
                outcomes["read"] += 1
            except ValueError as error:
                assert str(path) in str(error)
                outcomes["refused"] += 1
            content[i] ^= flip
    assert outcomes["refused"] > outcomes["read"] > 0


def test_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        minigrad.load(tmp_path / "x")


def test_a_tensor_or_a_list_alone(tmp_path):
    x = minigrad.arange(3)
    for obj in (x, [x, (x + 1, 2)]):
        minigrad.save(obj, tmp_path / "x")
        assert repr(minigrad.load(tmp_path / "x", map_location="cpu", weights_only=True)) == repr(obj)
    with pytest.raises(RuntimeError, match="CPU"):
        minigrad.load(tmp_path / "x", map_location="cuda")
