# %% [markdown]
# # 4. Learning a kernel
#
# In chapter 3 we chose the kernel. Now we forget it, keep the input and the output, and let the computer find it again.

# %%
from pathlib import Path

import matplotlib.pyplot as plt

import minigrad as torch
from minigrad import nn, teach
from minigrad.nn import functional as F

PICTURES = Path("runs/chapters")
PICTURES.mkdir(parents=True, exist_ok=True)
_ = torch.manual_seed(0)  # random numbers, but the same in each run

# %% [markdown]
# ## The examples
#
# `X` is the picture with the black bar, `Y` its edges. They have four axes: (example, colour, rows, columns).

# %%
X = torch.ones((1, 1, 6, 8))
X[..., 2:6] = 0
Y = F.conv2d(X, torch.tensor([[[[1.0, -1.0]]]]))
print(X.shape, Y.shape)

# %% [markdown]
# ## How wrong is a kernel?
#
# A layer starts with a random kernel, so its output `Y_hat` is wrong. The **loss** is one number that says how wrong:
# take all differences between `Y_hat` and `Y`, square them (so that none is negative), and add up.

# %%
conv2d = nn.Conv2d(in_channels=1, out_channels=1, kernel_size=(1, 2), bias=False)
print("kernel:", conv2d.weight.data.reshape(2))
loss = ((conv2d(X) - Y) ** 2).sum()
print(f"loss: {loss:.3f}")

# %% [markdown]
# ## Which way is better?
#
# The **gradient** has one number for each weight: how fast the loss grows if this weight grows. If it is positive, make
# the weight smaller; if it is negative, make it larger. We can measure it, by changing a weight a little to both sides
# (`weight.data` is its bare numbers). Or `backward` computes it for all weights at once and puts it into `weight.grad`.

# %%
def loss_of(weight):
    return ((F.conv2d(X, weight) - Y) ** 2).sum().item()


little = torch.tensor([[[[0.01, 0.0]]]])
w = conv2d.weight.data
print(f"measured:  {(loss_of(w + little) - loss_of(w - little)) / 0.02:.3f}")
loss.backward()
print(f"backward:  {conv2d.weight.grad[0, 0, 0, 0]:.3f}")

# %% [markdown]
# Where does it come from? The kernel's first number was multiplied by many pixels. Each of them, times `g`, which is
# how fast the loss grows with the output that the pixel helped to make, is one part of a sum. Chapter 8 says more.

# %%
Y_hat = conv2d(X)
grad = (2 * (Y_hat - Y)).detach()  # g: the derivative of a square; detach() makes bare numbers of it
print(teach.explain_grad(Y_hat, at=(0, 0, 0, 0), of="weight", grad=grad))

# %% [markdown]
# ## Ten steps
#
# Take a small step down: subtract the gradient, times a small number, the **learning rate**. Then look again.
# `zero_grad` clears the old gradient first, because `backward` adds to what is there. An **epoch** is one pass over all
# examples; here there is only one, so each step is an epoch.

# %%
lr = 3e-2  # Learning rate


def learn(steps, report):
    """A new random kernel, so many steps down; returns the losses, and the kernels on the way."""
    conv2d = nn.Conv2d(in_channels=1, out_channels=1, kernel_size=(1, 2), bias=False)
    losses, kernels = [], [conv2d.weight.data.reshape(2).tolist()]
    for i in range(steps):
        Y_hat = conv2d(X)
        l = (Y_hat - Y) ** 2
        conv2d.zero_grad()
        l.sum().backward()
        # Update the kernel
        conv2d.weight.data[:] -= lr * conv2d.weight.grad
        losses.append(l.sum().item())
        kernels.append(conv2d.weight.data.reshape(2).tolist())
        if (i + 1) % report == 0:
            print(f"epoch {i + 1}, loss {l.sum():.3f}")
    print(conv2d.weight.data.reshape((1, 2)))
    return losses, kernels


runs = [learn(10, report=1)]

# %% [markdown]
# The kernel comes near (1, -1), which it has never seen. Now from another random kernel, and with twenty steps.

# %%
runs.append(learn(20, report=5))
off = max(abs(a - b) for a, b in zip(runs[1][1][-1], (1, -1)))
print(f"after 20 steps no weight is off by more than {off:.4f}")

# %% [markdown]
# Both arrive. That is no luck: here the loss is a bowl with one lowest point, and the steps are small enough.
# With `lr = 0.04` they are too large, and soon the loss grows: try it. `04_learning.png` shows both runs.

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained")
for (losses, kernels), name, style in zip(runs, ("10 steps", "20 steps"), ("o-", "s--")):
    left.plot(range(1, len(losses) + 1), losses, style, markersize=4, label=name)
    right.plot(*zip(*kernels), style, markersize=4, label=name)
left.set(xlabel="step", ylabel="loss (logarithmic)", yscale="log", title="how wrong the kernel is",
         xticks=range(0, 21, 5))
right.plot(1, -1, "k*", markersize=12)
right.annotate("the kernel that made Y", (1, -1), xytext=(0, -18), textcoords="offset points", ha="center")
right.set(xlabel="first number of the kernel", ylabel="second number", title="the path of the kernel",
          xlim=(-0.8, 1.6), ylim=(-1.4, 0.4))
left.legend()
figure.savefig(PICTURES / "04_learning.png")

# %% [markdown]
# ## Exercises
#
# 1. Write the loss.
# 2. Write one step: the new weight, from the old weight, its gradient and the learning rate.
# 3. Put it together: learn a kernel of 1 x 2, starting from zeros. `X` and `Y` are tables here, with two axes: reshape
#    them to four for `F.conv2d`. A tensor made by `torch.zeros((1, 2), requires_grad=True)` gets a gradient.

# %%
def my_squared_error(Y_hat, Y): ...

teach.check("squared_error", my_squared_error)

def my_step(weight, grad, lr): ...

teach.check("sgd_step", my_step)

def my_learn_kernel(X, Y, steps, lr): ...

teach.check("learn_kernel", my_learn_kernel)

# %% [markdown]
# Next: how large the output is, and how to choose it.
