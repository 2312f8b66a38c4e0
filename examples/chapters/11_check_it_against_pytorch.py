# %% [markdown]
# # 11. Check it against PyTorch
#
# minigrad says that it has PyTorch's names, numbers and errors. Do not believe it: compare. This chapter runs the same
# lines on both; here `torch` is PyTorch itself, and minigrad goes by its own name. If PyTorch is not installed, the
# chapter says so, and compares with what needs no PyTorch: the textbook's loops, measured slopes, a second run.

# %%
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import minigrad
from minigrad import autograd, teach
from minigrad.nn import functional as F
from minigrad.teach import loops

PICTURES = Path("runs/chapters")
PICTURES.mkdir(parents=True, exist_ok=True)
try:
    import torch
except ImportError:
    torch = None
    print("PyTorch is not installed. What would come from it is left out.")

# %% [markdown]
# ## The outputs
#
# The same input, kernel and bias go into both, in float64. Stride, padding, dilation and groups are all in use.

# %%
rng = np.random.default_rng(0)
X, K, B = (rng.standard_normal(shape) for shape in ((2, 4, 9, 9), (6, 2, 3, 3), (6,)))
options = dict(stride=(2, 1), padding=(1, 2), dilation=(1, 2), groups=2)

x, k, b = (minigrad.tensor(numbers, requires_grad=True) for numbers in (X, K, B))
y = F.conv2d(x, k, b, **options)
print("shape of the output:", list(y.shape))
print("largest difference to the loops: ", abs(y.detach().numpy() - loops.conv2d(X, K, B, **options)).max())
if torch:
    tx, tk, tb = (torch.tensor(numbers, requires_grad=True) for numbers in (X, K, B))
    ty = torch.nn.functional.conv2d(tx, tk, tb, **options)
    print("largest difference to PyTorch:   ", abs(y.detach().numpy() - ty.detach().numpy()).max())

# %% [markdown]
# The numbers may differ in the last digit (e-15 is 10 to the power of -15). Each library adds up the same products, but
# in its own order, and each addition rounds. So we compare with a **tolerance**: far above rounding, far below any
# mistake that we look for.

# %%
print("0.1 + 0.2 + 0.3 is", (0.1 + 0.2) + 0.3, "or", 0.1 + (0.2 + 0.3))

# %% [markdown]
# ## The gradients
#
# Two witnesses again: slopes that are measured, as in chapter 10 (here for k), and PyTorch's own gradients.

# %%
print("measured slopes agree:", autograd.gradcheck(lambda k: F.conv2d(x, k, b, **options), k))
y.square().sum().backward()
if torch:
    ty.square().sum().backward()
    for name, mine, theirs in (("x", x, tx), ("k", k, tk), ("b", b, tb)):
        print(f"gradient of {name}, largest difference to PyTorch:", abs(mine.grad.numpy() - theirs.grad.numpy()).max())

# %% [markdown]
# ## The errors
#
# A library is used wrongly every day, so the errors count too. minigrad's often go on where PyTorch's end.

# %%
def too_few_channels(library):
    library.nn.Conv2d(3, 8, 5)(library.zeros(1, 1, 32, 32))

def wrong_features(library):
    library.nn.Linear(500, 10)(library.zeros(1, 320))

def strange_shape(library):
    library.zeros(2, 3).view(4, -1)

for mistake in (too_few_channels, wrong_features, strange_shape):
    print(mistake.__name__)
    for library in filter(None, (torch, minigrad)):
        try:
            mistake(library)
        except Exception as error:
            print(f"    {library.__name__}: {type(error).__name__}: {error}")

# %% [markdown]
# ## The training
#
# From one seed both draw the same random numbers, so they start from the same weights: the losses of step 1 show it.
# Then rounding drives them apart, in float32 more than in float64. `11_losses.png` shows how far in 60 steps;
# there is no dot where the two losses are the same to the last digit. (Without PyTorch all are, so no picture is made.)

# %%
def train(library, dtype):
    nn, dtype = library.nn, getattr(library, dtype)
    library.set_num_threads(1)  # more threads do not pay for so little work
    library.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(36, 10)).to(dtype)
    images, labels = library.randn(32, 1, 8, 8).to(dtype), library.arange(32) % 10
    optimizer, losses = library.optim.SGD(model.parameters(), lr=0.05, momentum=0.9), []
    for _ in range(60):
        loss = nn.functional.cross_entropy(model(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return np.array(losses)

other, name = (torch, "torch") if torch else (minigrad, "a second run")
figure, axes = plt.subplots(figsize=(7, 3.6), layout="constrained")
for dtype, mark in (("float32", "o"), ("float64", "s")):
    ours, theirs = train(minigrad, dtype), train(other, dtype)
    for step in (0, 19, 59):
        print(f"{dtype}, step {step + 1:2}: minigrad {ours[step]:.12f}, {name} {theirs[step]:.12f}")
    difference = abs(ours - theirs) / theirs
    same = f"{dtype}: the same to the last digit in {(difference == 0).sum()} of 60 steps"
    axes.plot(range(1, 61), np.where(difference == 0, np.nan, difference), mark, markersize=4, label=same)
if torch:  # of two runs of minigrad there is nothing to draw
    axes.set(yscale="log", xlim=(0, 61), ylim=(1e-17, 1e-2), xlabel="training step", ylabel="relative difference",
             title="minigrad and torch: how far the losses are apart")
    axes.legend(frameon=False)
    figure.savefig(PICTURES / "11_losses.png", dpi=150)

# %% [markdown]
# ## Exercises
#
# 1. Write the comparison with a tolerance, as PyTorch's `allclose` makes it: |a - b| <= atol + rtol |b|, everywhere.
# 2. Write one step of SGD with momentum: v, the velocity, becomes momentum v + g. Then w becomes w - lr v.
# 3. Both draw the first weights from -bound to bound. Write the bound (see the question), from the weight's shape.

# %%
def my_close(a, b, rtol, atol): ...

teach.check("close", my_close)

def my_momentum_step(w, v, g, lr, momentum): ...

teach.check("momentum_step", my_momentum_step)

def my_initial_bound(shape): ...

teach.check("initial_bound", my_initial_bound)

# %% [markdown]
# Next: where the speed comes from.
