"""The suites: what is measured. A row's `setup(library)` makes the data and returns the function to measure.

Code here uses only names that minigrad and PyTorch have in common; `Library` (measure.py) has the rest.
"""

import functools

from convolutions import Conv, conv, sweep
from measure import EAGER, Row, forward, forward_backward


def pool():
    def setup(library, backward, shape, window):
        x = library.randn(*shape)

        def function():
            return library.m.nn.functional.max_pool2d(x, *window)

        n, channels, h, w = shape
        g = library.randn(n, channels, h // 2, w // 2)
        return forward_backward(function, [x], g) if backward else forward(library, function)

    shapes = {
        "max_pool2d 2x2 on 64x20x28x28": ((64, 20, 28, 28), (2, 2)),
        "max_pool2d 2x2 on 64x20x10x10": ((64, 20, 10, 10), (2, 2)),
        "max_pool2d 3x3 s2 p1 on 8x64x112x112": ((8, 64, 112, 112), (3, 2, 1)),
    }
    return [
        Row("max pooling", f"{name}, {title}", functools.partial(setup, backward=b, shape=shape, window=window))
        for name, (shape, window) in shapes.items()
        for b, title in enumerate(("forward", "forward+backward"))
    ]


def lenet5(m):
    F = m.nn.functional

    class LeNet5(m.nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1 = m.nn.Conv2d(1, 20, 5)
            self.conv2 = m.nn.Conv2d(20, 20, 5)
            self.fc1 = m.nn.Linear(20 * 5 * 5, 500)
            self.fc2 = m.nn.Linear(500, 10)

        def forward(self, x):  # N x 1 x 32 x 32
            x = F.max_pool2d(F.relu(self.conv1(x)), 2, 2)
            x = F.max_pool2d(F.relu(self.conv2(x)), 2, 2)
            return self.fc2(F.relu(self.fc1(x.flatten(1))))  # view(-1, 500) fails in channels_last

    return LeNet5()


def mlp(m):
    return m.nn.Sequential(m.nn.Linear(784, 100), m.nn.ReLU(), m.nn.Linear(100, 10))


def inference(library, batch):
    model, x = library.prepare(lenet5(library.m)), library.randn(batch, 1, 32, 32)
    return forward(library, lambda: model(x))


def training(library, make_model, shape, dtype="float32", steps=1):
    """Training steps: SGD with momentum, cross-entropy."""
    step = training_step(library, library.prepare(make_model(library.m), dtype))
    x, labels = library.randn(*shape, dtype=dtype), library.m.randint(0, 10, shape[:1])

    def run():
        for _ in range(steps):
            step(x, labels)

    return run


def training_step(library, model):
    cross_entropy = library.m.nn.functional.cross_entropy
    optimizer = library.m.optim.SGD(model.parameters(), lr=1e-6, momentum=0.9)

    def step(x, labels):
        optimizer.zero_grad()
        cross_entropy(model(x), labels).backward()
        optimizer.step()

    return step


def lenet():
    variants, rows = (*EAGER, "compile"), []
    for batch in (1, 16, 64, 256):
        setup = functools.partial(training, make_model=lenet5, shape=(batch, 1, 32, 32))
        rows.append(Row("LeNet-5 training step", f"LeNet-5 training step, batch {batch}", setup, variants))
    for batch in (1, 16, 64, 256):
        setup = functools.partial(inference, batch=batch)
        rows.append(Row("LeNet-5 inference", f"LeNet-5 inference, batch {batch}", setup, variants))
    setup = functools.partial(training, make_model=lenet5, shape=(64, 1, 32, 32), dtype="float64")
    return [*rows, Row("LeNet-5 float64", "LeNet-5 training step, batch 64 float64", setup, variants, dtype="float64")]


def epoch():
    def setup(library, images=60_000, batch=64):
        """Each package's own DataLoader over the same number of images as MNIST has."""
        m = library.m
        step = training_step(library, library.prepare(lenet5(m)))
        dataset = library.data.TensorDataset(m.randn(images, 1, 32, 32), m.randint(0, 10, (images,)))
        loader = library.data.DataLoader(dataset, batch_size=batch, shuffle=True)

        def run():
            for x, labels in loader:
                step(library.lay_out(x), labels)

        return run

    return [Row("LeNet-5 epoch", "LeNet-5 epoch: 60,000 images, batch 64, loading", setup, once=True)]


def overhead():
    def chain(library):
        x, c = library.randn(4, 4), library.randn(4, 4)

        def function():
            y = x
            for _ in range(20):
                y = y * c + c
            return y

        return forward_backward(function, [x], library.randn(4, 4))

    step = functools.partial(training, make_model=mlp, shape=(1, 784))
    return [
        Row("overhead", "y = y * c + c 20 times on 4x4, backward", chain, ("minigrad", "default")),
        Row("overhead", "MLP 784-100-10, training step, batch 1", step, ("minigrad", "default")),
    ]


def memory():
    layer = functools.partial(Conv(8, 64, 64, 3, 56, padding=1).setup, backward=True)
    steps = functools.partial(training, make_model=lenet5, shape=(64, 1, 32, 32), steps=20)
    return [
        Row("memory", "memory after import, nothing else", None, unit="MiB"),
        Row("memory", "memory of 20 LeNet-5 training steps, batch 64", steps, unit="MiB"),
        Row("memory", "memory of 3x3 p1 64->64 at 56, batch 8", layer, unit="MiB"),
    ]


SUITES = {suite.__name__: suite for suite in (conv, pool, lenet, overhead, memory, sweep, epoch)}
