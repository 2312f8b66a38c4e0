"""Time minigrad beside PyTorch: LeNet-5, one training step (SGD with momentum, cross-entropy).

    python benchmarks/vs_torch.py [--batch 1,16,64,256] [--threads 1,2] [--rounds 5]

Each figure comes from processes of its own, the two packages taking turns, so that neither warms
the machine for the other; the table shows the median over the rounds. Nothing else should run
meanwhile. A ratio above 1 means that minigrad is faster.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time


def step(lib, batch):
    """A function that makes one training step of the seed's LeNet-5."""
    nn, F = lib.nn, lib.nn.functional

    class LeNet5(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1 = nn.Conv2d(1, 20, 5)
            self.conv2 = nn.Conv2d(20, 20, 5)
            self.fc1 = nn.Linear(20 * 5 * 5, 500)
            self.fc2 = nn.Linear(500, 10)

        def forward(self, x):
            x = F.max_pool2d(F.relu(self.conv1(x)), 2, 2)
            x = F.max_pool2d(F.relu(self.conv2(x)), 2, 2)
            return self.fc2(F.relu(self.fc1(x.view(-1, 20 * 5 * 5))))

    lib.manual_seed(0)
    model = LeNet5()
    optimizer = lib.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    images, labels = lib.randn(batch, 1, 32, 32), lib.randint(0, 10, (batch,))

    def train():
        optimizer.zero_grad()
        loss = F.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()

    return train


def measure(package, batch, threads):
    """Milliseconds of one step: the median of many, after a warm-up."""
    lib = __import__(package)
    lib.set_num_threads(threads)
    train = step(lib, batch)
    times = []
    end = time.perf_counter() + 1.5
    while time.perf_counter() < end or len(times) < 8:
        start = time.perf_counter()
        train()
        times.append(1e3 * (time.perf_counter() - start))
    return statistics.median(times[len(times) // 4:])


def in_own_process(package, batch, threads):
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "OPENBLAS_NUM_THREADS": str(threads)}
    command = [sys.executable, __file__, "--measure", package, str(batch), str(threads)]
    return json.loads(subprocess.run(command, env=environment, check=True, capture_output=True).stdout)


def numbers(text):
    return [int(n) for n in text.split(",")]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--batch", type=numbers, default=[1, 16, 64, 256])
    parser.add_argument("--threads", type=numbers, default=[1, 2])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--measure", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        package, batch, threads = options.measure
        print(json.dumps(measure(package, int(batch), int(threads))))
        return
    print("LeNet-5 training step | batch | threads | minigrad ms | PyTorch ms | ratio")
    for threads in options.threads:
        for batch in options.batch:
            found = {"minigrad": [], "torch": []}
            for _ in range(options.rounds):
                for package, times in found.items():
                    times.append(in_own_process(package, batch, threads))
            mine, theirs = (statistics.median(times) for times in found.values())
            print(f"{batch:5} | {threads} | {mine:8.3f} | {theirs:8.3f} | {theirs / mine:5.2f}", flush=True)


if __name__ == "__main__":
    main()
