# %% [markdown]
# # 5. Padding and stride
#
# The output of a convolution is smaller than its input. Sometimes that is too small, sometimes not small enough.
# Two numbers control it.

# %%
from pathlib import Path

import minigrad as torch
from minigrad import nn, teach
from minigrad.nn import functional as F

PICTURES = Path("runs/chapters")
PICTURES.mkdir(parents=True, exist_ok=True)

# %% [markdown]
# ## Pictures shrink
#
# Ten layers with kernels of 5 x 5 on a picture of 240 x 240: each takes away 5 - 1 = 4 rows and columns.

# %%
n = 240
for _ in range(10):
    n = n - 5 + 1
print(f"240 -> {n}; lost: {1 - n**2 / 240**2:.1%} of the pixels")

# %% [markdown]
# A pixel in the corner is in one window only, so the border counts for less from the start. Here is how many windows
# of 3 x 3 see each pixel of a 6 x 6 picture. (All weights are 1, so each window that sees a pixel adds 1 to its
# gradient, that of the sum of all outputs.)

# %%
x = torch.ones(1, 1, 6, 6, requires_grad=True)
F.conv2d(x, torch.ones(1, 1, 3, 3)).sum().backward()
print(x.grad.reshape(6, 6))

# %% [markdown]
# ## Padding
#
# **Padding** puts zeros around the picture, so that the window can reach over the edge.
# `padding=1` is one row at the top, one at the bottom, one column on the left and one on the right.

# %%
X = torch.tensor([[0.0, 1.0, 2.0], [3.0, 4.0, 5.0], [6.0, 7.0, 8.0]]).reshape(1, 1, 3, 3)
K = torch.tensor([[0.0, 1.0], [2.0, 3.0]]).reshape(1, 1, 2, 2)
padded = F.pad(X, (1, 1, 1, 1))  # left, right, top, bottom
print(padded.reshape(5, 5))
Y = F.conv2d(X, K, padding=1)
print(Y.reshape(4, 4))
print("the same:", torch.equal(Y, F.conv2d(padded, K)))

# %% [markdown]
# One cell of the top row, written out. In `05_padding.png` the padding is hatched.

# %%
top = teach.explain(F.conv2d, X, K, padding=1, at=(0, 0, 0, 1))
print(top)
top.save(PICTURES / "05_padding.png")
top

# %% [markdown]
# ## How large is the output?
#
# Be careful with the letter p. For the textbook *Dive into Deep Learning* (d2l) it counts all rows that are added, top
# and bottom together. PyTorch and minigrad count one side. With n rows, a kernel of k rows and p rows **on each side**:
#
#     n + 2 p - k + 1
#
# So the size stays the same if 2 p = k - 1. That needs an odd k, which is one reason why 3, 5 and 7 are so common.
# `teach.solve` knows the formula and finds whichever number is missing. (It has two more letters: s is the stride,
# which comes next, and d is for chapter 7. Both are 1 here, and change nothing.)

# %%
print(teach.solve(n=28, k=5, out=28))
print("nn.Conv2d agrees:", nn.Conv2d(1, 1, kernel_size=5, padding=2)(torch.zeros(1, 1, 28, 28)).shape)

# %% [markdown]
# Zeros are not the only choice. One can repeat the pixels of the edge instead. Here each layer takes the mean of its
# window, on a white picture: zeros make a dark border, repeated pixels do not.

# %%
zeros = nn.Conv2d(1, 1, 3, padding=1, bias=False)
edge = nn.Conv2d(1, 1, 3, padding=1, bias=False, padding_mode="replicate")
for layer in (zeros, edge):
    _ = nn.init.constant_(layer.weight, 1 / 9)
white = torch.ones(1, 1, 4, 4)
borders = teach.show(**{"with zeros": zeros(white), "with the edge repeated": edge(white)})
print(borders)
borders.save(PICTURES / "05_borders.png")
borders

# %% [markdown]
# ## Stride
#
# The **stride** is how far the window moves each time. Stride 2 skips every other place, so the output has about half
# as many rows and columns. The two strides may differ. Here: 3 down, 2 to the right, on the padded picture from above.

# %%
Y2 = F.conv2d(X, K, padding=1, stride=(3, 2))
print(Y2.reshape(2, 2))
print("every third row and every second column of before:", torch.equal(Y2, Y[:, :, ::3, ::2]))
film = teach.animate(F.conv2d, X, K, padding=1, stride=(3, 2))
film.save(PICTURES / "05_stride.gif")

# %% [markdown]
# In the film `05_stride.gif` the window makes these steps. It starts in the corner and goes on in steps of s for as
# long as it fits. A window that would hang over the edge is left out, so the number of steps is rounded **down**:
#
#     (n + 2 p - k) // s + 1        in Python, // divides and rounds down
#
# With p for both sides together, the textbook writes floor((n - k + p + s) / s). It is the same.

# %%
print(" n  k  p  s  ours  textbook  F.conv2d")
for n, k, p, s in [(3, 2, 1, 3), (3, 2, 1, 2), (28, 5, 0, 1), (28, 5, 2, 2), (7, 3, 0, 3)]:
    real = F.conv1d(torch.zeros(1, 1, n), torch.zeros(1, 1, k), padding=p, stride=s).shape[2]
    print(f"{n:2} {k:2} {p:2} {s:2} {(n + 2 * p - k) // s + 1:5} {(n - k + 2 * p + s) // s:9} {real:9}")
print(teach.solve(n=28, k=5, p=2, s=2))

# %% [markdown]
# ## Exercises
#
# 1. Write the formula for the output's size, with padding p on each side.
# 2. Which padding of `nn.Conv2d` keeps the size, for an odd kernel size k?
# 3. Write `corr2d` with padding and stride, each a pair (for rows, for columns).

# %%
def my_output_size(n, k, p, s): ...

teach.check("output_size", my_output_size)

def my_same_padding(k): ...

teach.check("same_padding", my_same_padding)

def my_corr2d_strided(X, K, padding, stride): ...

teach.check("corr2d_strided", my_corr2d_strided)

# %% [markdown]
# Next: pictures with colours, sound and films.
