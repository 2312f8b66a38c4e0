# %% [markdown]
# # 8. How backward works, step by step
#
# In chapter 4 `loss.backward()` gave one number for each weight: how fast the loss grows with it. Now we watch it.

# %%
import warnings
from pathlib import Path

import minigrad as torch
from minigrad import nn, teach
from minigrad.nn import functional as F

PICTURES = Path("runs/chapters")
PICTURES.mkdir(parents=True, exist_ok=True)
_ = torch.manual_seed(0)  # random numbers, but the same in each run

# %% [markdown]
# ## A chain
#
# One pixel, one weight, and one number that the output should be. Each single computation, such as a product or a
# difference, is an **operator**. While minigrad computes, it writes down which operator made what: the **graph**.
# A tensor that we make with `requires_grad=True` is a **leaf** of it. There the walk back ends, and its `.grad` keeps
# the gradient.

# %%
pixel, wanted = torch.tensor(2.0), torch.tensor(10.0)
weight = torch.tensor(3.0, requires_grad=True)
output = weight * pixel
error = output - wanted
loss = error**2
print(f"output {output.item()}, error {error.item()}, loss {loss.item()}")

# %% [markdown]
# Now back. At each step there is one question: if this number grows by a little, how much does the loss grow, as a
# multiple of that little? This is the gradient of the number.
#
# - The loss is the square of the error. Its slope at -4 is 2 times -4: the loss grows -8 times as much as the error.
# - The error grows exactly as much as the output, so for the output it is -8 as well.
# - The output is the weight times 2, so it grows 2 times as much as the weight, and the loss -8 times 2 = -16 times.
#
# Slopes in a row are multiplied. That is the **chain rule**.
#
# `backward_steps` does what `backward` does, and stops at every operator. Each step calls the operator's inputs x and y
# and its output z, whatever they are called here. `g` is the gradient that arrives, `dx` and `dy` are what it sends on
# to x and y, where it is wanted. `[]` is the shape of a single number. `AccumulateGrad` ends the walk, at a leaf.

# %%
for step in loss.backward_steps():
    print(step)
print(f"measured, with a weight of 3.001 and of 2.999: {((3.001 * 2 - 10) ** 2 - (2.999 * 2 - 10) ** 2) / 0.002:.3f}")

# %% [markdown]
# ## Two ways to the loss
#
# Here `a` is used twice. If it grows, the loss grows by way of `b` and by way of `c`. Both count, and are **added**.
# So the gradient of `a` has to wait until both have arrived. The walk makes sure of it: it takes the newest operator
# first, and whatever uses a number is newer than the number. In `08_graph.png` the arrows show how the values were
# computed, from top to bottom; the gradients go the other way.

# %%
x = torch.tensor(5.0, requires_grad=True)
a = x + 1
b = a * 3
c = a**2
loss = b + c
graph = teach.graph(loss)
print(graph)
for step in loss.backward_steps():
    print(step)

# %%
graph.save(PICTURES / "08_graph.png")
graph

# %% [markdown]
# ## Back through a convolution
#
# Pixel (1, 1) of the 3 x 3 picture is in all four windows, each time under another number of the kernel. So its
# gradient is a sum of four products. Look at the order of the kernel's numbers: the kernel comes turned round.
# `Y` is no loss but a table, so we have to say how fast a loss L would grow with each of its numbers: that is `g`.

# %%
X = torch.arange(9.0).reshape(1, 1, 3, 3).requires_grad_()
K = torch.arange(4.0).reshape(1, 1, 2, 2).requires_grad_()
g = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
Y = F.conv2d(X, K)
cell = teach.explain_grad(Y, at=(0, 0, 1, 1), of="input", grad=g)
print(cell)
print(teach.explain_grad(Y, at=(0, 0, 0, 1), of="weight", grad=g))
Y.backward(g)
print("backward says:", X.grad[0, 0, 1, 1].item(), "and", K.grad[0, 0, 0, 1].item())

# %%
cell.save(PICTURES / "08_gradient_cell.png")
cell

# %% [markdown]
# ## A gate
#
# `relu` replaces negative numbers by 0 and leaves the others as they are. Where it put a 0, the output does not move
# with the input: the slope is 0, and nothing comes back. Where the number was positive, the gradient passes. At exactly
# 0 there is a corner and no slope; minigrad and PyTorch take 0.

# %%
z = torch.tensor([-2.0, 0.0, 3.0, 5.0], requires_grad=True)
F.relu(z).backward(torch.tensor([10.0, 20.0, 30.0, 40.0]))
print(z.grad)

# %% [markdown]
# ## Gradients pile up
#
# `backward` also adds to a `.grad` that is there from before. That is useful if a batch comes in parts, and wrong if
# you forgot to clear it. It raises no error, but inside `with teach.watch()` this and other mistakes give a warning.

# %%
net = nn.Linear(2, 1)
with teach.watch(), warnings.catch_warnings(record=True) as caught:  # caught, to print it below
    warnings.simplefilter("always")
    for _ in range(2):
        net(torch.ones(1, 2)).sum().backward()
        print(net.weight.grad)
print(caught[0].message)

# %% [markdown]
# ## Exercises
#
# 1. Write the way back through relu: `x` went in, `g` is the gradient that arrives.
# 2. Write the gradient of `y` for the loss `((y - t) ** 2).mean()`.
# 3. `y = x[index]` picks numbers, some of them twice. Write the way back. The gradient of x has n numbers.

# %%
def my_relu_backward(x, g): ...

teach.check("relu_backward", my_relu_backward)

def my_mse_backward(y, t): ...

teach.check("mse_backward", my_mse_backward)

def my_pick_backward(index, g, n): ...

teach.check("pick_backward", my_pick_backward)

# %% [markdown]
# Next: a whole network, and real digits.
