"""Convolutions: those of well-known networks, and a random sample of all others."""

import functools
import math
import random
from dataclasses import dataclass

from measure import EAGER, Row, forward, forward_backward


@dataclass(frozen=True)
class Conv:
    batch: int
    channels: int
    out: int
    kernel: int
    size: int
    stride: int = 1
    padding: int = 0
    dilation: int = 1
    groups: int = 1
    name: str = ""
    dtype: str = "float32"
    first: bool = False  # the first layer of a network: its input needs no gradient

    def output_size(self):
        return (self.size + 2 * self.padding - self.dilation * (self.kernel - 1) - 1) // self.stride + 1

    def flops(self, products=1):
        """Two for each multiply-add, those with the zeros of the padding included, as is usual.

        Forward is one product of this size; the gradients of weight and input are one more each.
        """
        outputs = self.batch * self.out * self.output_size() ** 2
        return 2 * outputs * self.channels // self.groups * self.kernel**2 * products

    def __str__(self):
        options = {"s": self.stride, "d": self.dilation, "g": self.groups}
        marks = "".join(f" {letter}{n}" for letter, n in options.items() if n > 1)
        marks += f" p{self.padding}" if self.padding else ""
        shape = f"{self.kernel}x{self.kernel}{marks} {self.channels}->{self.out} at {self.size}"
        return f"{self.name or shape}, batch {self.batch}" + (" float64" if self.dtype == "float64" else "")

    def setup(self, library, backward):
        conv2d = library.m.nn.functional.conv2d
        x = library.randn(self.batch, self.channels, self.size, self.size, dtype=self.dtype)
        w = library.randn(self.out, self.channels // self.groups, self.kernel, self.kernel, dtype=self.dtype)
        b = library.randn(self.out, dtype=self.dtype)

        def function():
            return conv2d(x, w, b, self.stride, self.padding, self.dilation, self.groups)

        if not backward:
            return forward(library, function)
        g = library.randn(self.batch, self.out, self.output_size(), self.output_size(), dtype=self.dtype)
        return forward_backward(function, [w, b] if self.first else [x, w, b], g)

    def rows(self, group, variants=EAGER):
        def row(title, products, backward):
            setup = functools.partial(self.setup, backward=backward)
            return Row(group, f"{self}, {title}", setup, variants, self.flops(products), self.dtype)

        title = "forward+backward (w, b)" if self.first else "forward+backward"
        return [row("forward", 1, False), row(title, 2 if self.first else 3, True)]


def lenet_convs(dtype):
    for batch in (1, 64):
        yield Conv(batch, 1, 20, 5, 32, name="LeNet conv1", dtype=dtype, first=True)
        yield Conv(batch, 20, 20, 5, 14, name="LeNet conv2", dtype=dtype)


def conv():
    groups = {
        "small convolutions": [*lenet_convs("float32"), Conv(128, 3, 5, 5, 20)],
        "large convolutions": [
            Conv(8, 3, 64, 7, 224, stride=2, padding=3, first=True),
            Conv(8, 64, 64, 3, 56, padding=1),
            Conv(8, 128, 128, 3, 56, stride=2, padding=1),
            Conv(8, 256, 256, 3, 14, padding=1),
            Conv(8, 256, 64, 1, 56),
            Conv(8, 64, 64, 3, 28, dilation=2, padding=2),
            Conv(8, 64, 64, 3, 56, groups=64, padding=1),
            Conv(8, 64, 64, 3, 28, groups=4, padding=1),
            Conv(64, 32, 32, 3, 32, padding=1),
        ],
        "float64 convolutions": lenet_convs("float64"),
    }
    return [row for group, convs in groups.items() for conv in convs for row in conv.rows(group)]


def sweep(cases=120, seed=0, most_flops=3e8, most_numbers=4e6):
    """A random sample of the shapes that nobody tuned for; sizes and channels evenly on a logarithmic scale."""
    draw = random.Random(seed)

    def logarithmic(low, high):
        return round(math.exp(draw.uniform(math.log(low), math.log(high))))

    convs = {}
    while len(convs) < cases:
        channels, out, groups = logarithmic(1, 512), logarithmic(1, 512), draw.choice((1, 1, 1, 2, 4, 8, 0))
        if groups == 0:  # depthwise
            groups = out = channels
        kernel, stride, dilation = draw.randint(1, 11), draw.randint(1, 4), draw.randint(1, 4)
        conv = Conv(logarithmic(1, 64), channels, out, kernel, logarithmic(1, 224), stride,
                    draw.randint(0, kernel // 2), dilation, groups)
        numbers = conv.batch * max(channels * conv.size**2, out * conv.output_size() ** 2)
        divides = channels % groups == out % groups == 0
        if divides and conv.output_size() > 0 and conv.flops() <= most_flops and numbers <= most_numbers:
            convs[str(conv)] = conv
    return [row for conv in convs.values() for row in conv.rows("sweep", ("minigrad", "default"))]
