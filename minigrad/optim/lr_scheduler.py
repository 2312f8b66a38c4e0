"""Schedules: they change the learning rates of an optimiser from epoch to epoch, or from batch to batch.

    for epoch in range(10):
        train(model, optimizer)   # any number of optimizer.step()
        scheduler.step()          # after them

Like PyTorch's, most compute the next rate from the present one. So a rate that was changed by hand goes on from there,
two schedules of one optimiser multiply, and the numbers agree to the last digit.
"""

import math
import warnings
from collections import Counter

from ..tensor import Tensor
from .optimizer import Optimizer


class LRScheduler:
    """What all schedules share. A subclass writes `get_lr()`: the rates of all groups at `self.last_epoch`.

    last_epoch: -1 starts the schedule, and sets "initial_lr" in each parameter group; another number resumes one.
    TypeError if `optimizer` is none; KeyError if a resumed one has no "initial_lr".

    >>> from minigrad import nn, optim
    >>> class Warmup(optim.lr_scheduler.LRScheduler):
    ...     def get_lr(self):
    ...         return [lr * min(1, (self.last_epoch + 1) / 4) for lr in self.base_lrs]
    >>> Warmup(optim.SGD(nn.Linear(1, 1).parameters(), lr=1.0)).get_last_lr()
    [0.25]
    """

    def __init__(self, optimizer, last_epoch=-1):
        self.optimizer = _checked(optimizer)
        if last_epoch == -1:
            for group, lr in zip(optimizer.param_groups, self._lrs()):
                group.setdefault("initial_lr", lr)
        self.base_lrs = [group["initial_lr"] for group in optimizer.param_groups]
        self.last_epoch, self._step_count, self._is_initial = last_epoch, 0, True
        optimizer._opt_called = bool(optimizer._opt_called)
        self.step()
        self._is_initial = False

    def step(self):
        """Go on to the next epoch. UserWarning if the optimiser has made no step yet."""
        # A step that was overridden does not say whether it was called.
        known = getattr(self.optimizer.step, "__func__", None) is Optimizer.step
        if self._step_count == 1 and known and not self.optimizer._opt_called:
            warnings.warn("Detected call of `lr_scheduler.step()` before `optimizer.step()`: the first value of the "
                          "learning rate schedule is skipped.", stacklevel=2)
        self._step_count += 1
        self.last_epoch += 1
        for group, lr in zip(self.optimizer.param_groups, self.get_lr(), strict=True):
            group["lr"] = group["lr"].fill_(float(lr)) if isinstance(group["lr"], Tensor) else lr
        self._last_lr = self._lrs()

    def get_lr(self):
        """The rates at `self.last_epoch`, for `step` only: ask `get_last_lr` for those in use."""
        raise NotImplementedError(f"{type(self).__name__} has no get_lr")

    def get_last_lr(self):
        """The learning rates that the last `step` set, one for each parameter group."""
        return self._last_lr

    def state_dict(self):
        """All but the optimiser, whose state (with the present rates) is to be saved beside it."""
        return {name: value for name, value in self.__dict__.items() if name != "optimizer"}

    def load_state_dict(self, state_dict):
        """Go on where `state_dict` was taken; the rates come with the optimiser's state."""
        self.__dict__.update(state_dict)

    def _lrs(self):
        return [group["lr"] * 1 for group in self.optimizer.param_groups]  # of a tensor a copy


class StepLR(LRScheduler):
    """lr = gamma lr after every `step_size` epochs.

    >>> from minigrad import nn, optim
    >>> optimizer = optim.SGD(nn.Linear(1, 1).parameters(), lr=1.0)
    >>> scheduler = optim.lr_scheduler.StepLR(optimizer, step_size=2, gamma=0.5)
    >>> for epoch in range(4): optimizer.step(); scheduler.step(); print(*scheduler.get_last_lr())
    1.0
    0.5
    0.5
    0.25
    """

    def __init__(self, optimizer, step_size, gamma=0.1, last_epoch=-1):
        self.step_size, self.gamma = step_size, gamma
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        factor = 1 if self.last_epoch == 0 or self.last_epoch % self.step_size else self.gamma
        return [lr * factor for lr in self._lrs()]


class MultiStepLR(LRScheduler):
    """lr = gamma lr at each of the epochs `milestones` (twice where one is named twice).

    >>> from minigrad import nn, optim
    >>> optimizer = optim.SGD(nn.Linear(1, 1).parameters(), lr=1.0)
    >>> scheduler = optim.lr_scheduler.MultiStepLR(optimizer, milestones=[1, 3], gamma=0.5)
    >>> for epoch in range(3): optimizer.step(); scheduler.step(); print(*scheduler.get_last_lr())
    0.5
    0.5
    0.25
    """

    def __init__(self, optimizer, milestones, gamma=0.1, last_epoch=-1):
        self.milestones, self.gamma = Counter(milestones), gamma
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        return [lr * self.gamma ** self.milestones.get(self.last_epoch, 0) for lr in self._lrs()]


class CosineAnnealingLR(LRScheduler):
    """Half a cosine wave from initial_lr down to `eta_min` in `T_max` epochs, then up again, and so on:

        lr(t) = eta_min + (initial_lr - eta_min) (1 + cos(pi t / T_max)) / 2

    computed as lr(t) = eta_min + (lr(t-1) - eta_min) (1 + cos(pi t / T_max)) / (1 + cos(pi (t-1) / T_max)).
    Source: Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts", ICLR 2017.

    >>> from minigrad import nn, optim
    >>> optimizer = optim.SGD(nn.Linear(1, 1).parameters(), lr=1.0)
    >>> scheduler = optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=3)
    >>> for epoch in range(3): optimizer.step(); scheduler.step(); print(f"{scheduler.get_last_lr()[0]:.2f}")
    0.75
    0.25
    0.00
    """

    def __init__(self, optimizer, T_max, eta_min=0.0, last_epoch=-1):
        self.T_max, self.eta_min = T_max, eta_min
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        t, T, least = self.last_epoch, self.T_max, self.eta_min
        if self._is_initial:
            return self._lrs()
        if (t - 1 - T) % (2 * T) == 0:  # in the valley, where the wave's last value is no base to go on from
            return [lr + (base - least) * (1 - math.cos(math.pi / T)) / 2
                    for lr, base in zip(self._lrs(), self.base_lrs)]
        ratio = (1 + math.cos(math.pi * t / T)) / (1 + math.cos(math.pi * (t - 1) / T))
        return [ratio * (lr - least) + least for lr in self._lrs()]


class OneCycleLR(LRScheduler):
    """One cycle, stepped after every batch: up from max_lr / div_factor to max_lr in the first `pct_start` of all
    steps, then down to max_lr / (div_factor final_div_factor); the momentum (Adam: beta1) goes the other way.

    total_steps, or epochs and steps_per_epoch: the length. anneal_strategy: in a "cos" wave or in a "linear" way.
    three_phase: down to where it started as fast as it went up, and only then on to the end.
    max_lr, max_momentum, base_momentum: a number, or a list of one for each parameter group.
    ValueError for lengths that are no positive ints, a list of another length, a pct_start that is no float in [0, 1],
    another strategy, an optimiser without momentum unless cycle_momentum=False, and for a step after the last one.
    Source: Smith and Topin, "Super-convergence: very fast training of neural networks", 2017.

    >>> from minigrad import nn, optim
    >>> optimizer = optim.SGD(nn.Linear(1, 1).parameters(), momentum=0.9)
    >>> cycle = {"total_steps": 5, "pct_start": 0.4, "anneal_strategy": "linear"}
    >>> scheduler = optim.lr_scheduler.OneCycleLR(optimizer, 1.0, **cycle)
    >>> for batch in range(4): optimizer.step(); scheduler.step(); print(f"{scheduler.get_last_lr()[0]:.2f}")
    1.00
    0.67
    0.33
    0.00
    """

    def __init__(self, optimizer, max_lr, total_steps=None, epochs=None, steps_per_epoch=None, pct_start=0.3,
                 anneal_strategy="cos", cycle_momentum=True, base_momentum=0.85, max_momentum=0.95, div_factor=25.0,
                 final_div_factor=1e4, three_phase=False, last_epoch=-1):
        groups = _checked(optimizer).param_groups
        parts = {"epochs": epochs, "steps_per_epoch": steps_per_epoch}
        lengths = parts if total_steps is None else {"total_steps": total_steps}
        for name, n in lengths.items():
            if not isinstance(n, int) or n <= 0:
                raise ValueError(f"Expected positive integer {name} (or total_steps alone), but got {n}")
        if not isinstance(pct_start, float) or not 0 <= pct_start <= 1:
            raise ValueError(f"Expected float between 0 and 1 pct_start, but got {pct_start}")
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}")
        self.cycle_momentum, self.use_beta1 = cycle_momentum, "betas" in optimizer.defaults
        if cycle_momentum and not self.use_beta1 and "momentum" not in optimizer.defaults:
            raise ValueError("optimizer must support momentum or beta1 with `cycle_momentum` option enabled")
        self.total_steps = math.prod(lengths.values())
        self._anneal_func_type = anneal_strategy
        # The last step of each phase, and where the rate is then.
        rise = pct_start * self.total_steps
        self._phases = [(rise - 1, "max_lr"), (self.total_steps - 1, "min_lr")]
        if three_phase:
            self._phases.insert(1, (2 * rise - 2, "initial_lr"))
        momentums = {"max_momentum": max_momentum, "base_momentum": base_momentum} if cycle_momentum else {}
        values = {name: _one_each(name, x, optimizer) for name, x in {"max_lr": max_lr, **momentums}.items()}
        if last_epoch == -1:
            for i, group in enumerate(groups):
                group.update((name, x[i]) for name, x in values.items())
                group["initial_lr"] = group["max_lr"] / div_factor
                group["min_lr"] = group["initial_lr"] / final_div_factor
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        t, begin, start = self.last_epoch, 0.0, "initial_lr"
        if t > self.total_steps:
            raise ValueError(f"Tried to step {t} times. The specified number of total steps is {self.total_steps}")
        for end, goal in self._phases:
            if t <= end or goal == "min_lr":
                break
            begin, start = end, goal
        part = (t - begin) / (end - begin)
        for group in self.optimizer.param_groups if self.cycle_momentum else ():
            momentum = self._anneal(group[MOMENTUM_AT[start]], group[MOMENTUM_AT[goal]], part)
            group.update({"betas": (momentum, *group["betas"][1:])} if self.use_beta1 else {"momentum": momentum})
        return [self._anneal(group[start], group[goal], part) for group in self.optimizer.param_groups]

    def _anneal(self, start, end, part):
        if self._anneal_func_type == "linear":
            return (end - start) * part + start
        return end + (start - end) / 2.0 * (math.cos(math.pi * part) + 1)


MOMENTUM_AT = {"initial_lr": "max_momentum", "max_lr": "base_momentum", "min_lr": "max_momentum"}


def _one_each(name, value, optimizer):
    """A list of one value for each parameter group, of such a list or of one value for all."""
    n = len(optimizer.param_groups)
    values = list(value) if isinstance(value, (list, tuple)) else [value] * n
    if len(values) != n:
        raise ValueError(f"{name} has {len(values)} values, but optimizer.param_groups has {n}")
    return values


def _checked(optimizer):
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"{type(optimizer).__name__} is not an Optimizer")
    return optimizer
