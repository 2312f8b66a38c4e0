"""Which modules an error came through, read off the Python frames: what is known where no tape is.

    LeNet5 got [1, 1, 28, 28]; its fc1 (Linear) got [1, 320]
"""

import os
import sys
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..engine import Value, wrap
from .grad_mode import enable_grad, inference_mode

NN = os.path.join(os.path.dirname(os.path.dirname(__file__)), "nn", "")
LARGEST = 2**22  # elements of an input that is run through layers again
running = []  # while `again` runs


@dataclass
class Call:
    module: Any
    input: Value

    @property
    def shape(self):
        return tuple(self.input.shape)


def calls():
    """The calls of modules that have not returned, the outermost first."""
    found, frame = [], sys._getframe(1)
    while frame is not None:
        if frame.f_code.co_name == "__call__" and frame.f_code.co_filename == NN + "module.py":
            inputs = [x for x in frame.f_locals["inputs"] if isinstance(x, Value)]
            if inputs:
                found.append(Call(frame.f_locals["self"], inputs[0]))
        frame = frame.f_back
    return found[::-1]


def told(calls):
    """What each call got; of a Sequential also the layers before the one that failed."""
    parts = [f"{type(calls[0].module).__name__} got {list(calls[0].shape)}"]
    for outer, inner in zip(calls, calls[1:]):
        names = {id(module): name for name, module in outer.module.named_modules()}
        before = [f"{names[id(m)]} ({type(m).__name__})" for m in layers_before(outer.module, inner.module)]
        before = before[:4] + ["…"] + before[-4:] if len(before) > 9 else before
        through = f"behind {', '.join(before)} " if before else ""
        parts.append(f"{through}its {names.get(id(inner.module), 'module')} ({type(inner.module).__name__}) got "
                     f"{list(inner.shape)}")
    return "; ".join(parts)


def layers_before(outer, inner):
    """The layers of a Sequential that come before one of them; [] of another module."""
    layers = list(outer) if is_sequential(outer) else []
    return layers[:next((i for i, layer in enumerate(layers) if layer is inner), 0)]


def again(calls):
    """What reached the last call, on a tape: zeros through the layers before it; None unless all of them are
    minigrad's own, as is the last, in Sequentials, and nobody listens to them."""
    layers = []
    for outer, inner in zip(calls, calls[1:]):
        if not is_sequential(outer.module):
            return None
        layers += layers_before(outer.module, inner.module)
    modules = [m for layer in layers for m in layer.modules()]
    if not layers or not is_own(calls[-1].module) or not all(map(harmless, modules)):
        return None
    if calls[0].input.numel() > LARGEST:
        return None
    modes, x = [m.training for m in modules], calls[0].input
    running.append(True)
    try:
        with inference_mode(False), enable_grad():
            x = wrap(np.zeros(x.shape, x._array.dtype))
            if x.is_floating_point():
                x.requires_grad_()
            for m in modules:
                m.__dict__["training"] = False
            for layer in layers:
                x = layer(x)
            return x
    finally:
        running.pop()
        for m, mode in zip(modules, modes):
            m.__dict__["training"] = mode


def harmless(module):
    return is_own(module) and not module._forward_hooks and not module._forward_pre_hooks


def is_sequential(module):
    return is_own(module) and type(module).__name__ == "Sequential"


def is_own(module):
    return type(module).__module__.startswith(__name__.partition(".")[0] + ".nn.")
