# %% [markdown]
# # 2. From a dense layer to a convolution
#
# The oldest kind of layer connects everything with everything. This chapter takes such a layer and asks two things
# of it that pictures suggest. What is left is a convolution.

# %%
from pathlib import Path

import minigrad as torch
from minigrad import nn, teach
from minigrad.nn import functional as F

PICTURES = Path("runs/chapters")
PICTURES.mkdir(parents=True, exist_ok=True)
_ = torch.manual_seed(0)  # random numbers, but the same in each run

# %% [markdown]
# ## A dense layer
#
# In a **dense** (or fully connected) layer each output number is a sum over all inputs, each multiplied by a number
# of its own, its **weight**. Take a picture `X` of 4 x 5 pixels and an output `H` of the same size.
# The weight from pixel (k, l) to output (i, j) is `W[i, j, k, l]`: four axes. `U` is one bias for each output.
#
#     H[i, j] = U[i, j] + the sum over all k, l of W[i, j, k, l] X[k, l]
#
# `einsum` writes such sums down: letters that are missing after the arrow are summed over.

# %%
X = torch.randn(4, 5)
W, U = torch.randn(4, 5, 4, 5), torch.randn(4, 5)
H = U + torch.einsum("ijkl,kl->ij", W, X)
by_hand = U[1, 2] + sum(W[1, 2, k, l] * X[k, l] for k in range(4) for l in range(5))
print(f"H[1, 2] = {H[1, 2].item():.4f}, by hand {by_hand.item():.4f}; {W.numel()} weights for {X.numel()} pixels")

# %% [markdown]
# ## The price
#
# A small photo has 200 x 200 pixels, and three numbers (red, green, blue) in each. How many weights is that?
# A number in float32 takes 4 bytes. `teach.ladder` prints a table of three steps: first the dense layer, then two that
# the next sections explain. (A Σ is a sum over the letters below it. The 399 offsets go from -199 to 199.)

# %%
ladder = teach.ladder(channels=3, size=(200, 200), delta=2)
print(f"{3 * 200 * 200} inputs, {(3 * 200 * 200) ** 2} weights, {4 * (3 * 200 * 200) ** 2 / 1e9} GB")
print(ladder)
ladder.save(PICTURES / "02_ladder.png")
ladder

# %% [markdown]
# ## Look from where you stand
#
# Nothing changes if we count the pixels from the output's own place: a = k - i rows down, b = l - j columns
# to the right. `V[i, j, a, b]` is the same number as `W[i, j, i + a, j + b]`.
#
#     H[i, j] = U[i, j] + the sum over all a, b of V[i, j, a, b] X[i + a, j + b]
#
# ## First wish: the place must not matter
#
# A cat is a cat wherever it sits. If the picture moves by one pixel, the output should move by one pixel and stay the
# same otherwise. This is called **translation invariance** (or, more strictly, equivariance). Does a dense layer do it?
# Let us measure: f(shift x) is the output of the shifted picture, shift f(x) is the shifted output. (`Sequential` runs
# layers one after the other: lay the picture out as a list, the dense layer, make a picture of the list again.)
# Cells at the border, where pixels come in from outside of the picture, are listed apart. (`jump` is for chapter 7.)

# %%
dense = nn.Sequential(nn.Flatten(), nn.Linear(20, 20), nn.Unflatten(1, (1, 4, 5)))
print(teach.equivariance(dense, X.reshape(1, 1, 4, 5), shift=(0, 1)))

# %% [markdown]
# It does not. The wish comes true if `V` and `U` do not depend on (i, j): every output uses the same weights.
#
#     H[i, j] = u + the sum over all a, b of V[a, b] X[i + a, j + b]
#
# ## Second wish: look nearby
#
# To know what is at (i, j), we need not look far away. Let a and b run from -D to D only. This is **locality**.
#
#     H[i, j] = u + the sum over a, b from -D to D of V[a, b] X[i + a, j + b]
#
# That is the sum of chapter 1, with a window around (i, j) and a bias u. Pixels outside of the picture count as 0.
# So: dense + same weights everywhere + nearby only = convolution. Here it is by loops, and by `F.conv2d`.

# %%
D, u = 1, 0.5
V = torch.randn(2 * D + 1, 2 * D + 1)
H = torch.full((4, 5), u)
for i in range(4):
    for j in range(5):
        for a in range(-D, D + 1):
            for b in range(-D, D + 1):
                if 0 <= i + a < 4 and 0 <= j + b < 5:
                    H[i, j] += V[a + D, b + D] * X[i + a, j + b]
by_conv2d = F.conv2d(X.reshape(1, 1, 4, 5), V.reshape(1, 1, 3, 3), torch.tensor([u]), padding=D)
print("loops and F.conv2d agree:", torch.allclose(H, by_conv2d.reshape(4, 5), atol=1e-5))
dense, invariant, local = teach.ladder(channels=1, size=(4, 5), delta=1).layers()  # the three steps, with one V for all
x = X.reshape(1, 1, 4, 5)
print("the three steps agree:", all(torch.allclose(dense(x), step(x), atol=1e-5) for step in (invariant, local)))

# %% [markdown]
# The same measurement with a convolution: inside, nothing differs. `02_equivariance.png` shows it number by number.

# %%
conv = nn.Conv2d(1, 1, kernel_size=3, padding=1)
meter = teach.equivariance(conv, X.reshape(1, 1, 4, 5), shift=(0, 1))
print(meter)
meter.save(PICTURES / "02_equivariance.png")
meter

# %% [markdown]
# ## A convolution is a dense layer in disguise
#
# It is still a sum over inputs, so it is still a matrix of weights. But most of them are zero, and the rest are the
# same few numbers again and again. Here is the matrix for the 3 x 3 picture and the 2 x 2 kernel of chapter 1.
# Each row makes one output, each column belongs to one pixel, `k01` is `K[0, 1]`, and a dot is a zero.

# %%
x = torch.arange(9.0).reshape(1, 1, 3, 3)
k = torch.arange(4.0).reshape(1, 1, 2, 2)
M = teach.matrix(F.conv2d, x, k)
print(M)
print("matrix times picture:", M.array @ x.numpy().ravel(), "convolution:", F.conv2d(x, k).numpy().ravel())

# %%
M.save(PICTURES / "02_matrix.png")
M

# %% [markdown]
# ## Exercises
#
# 1. How many weights does a dense layer have, from an image to as many outputs as the image has numbers?
# 2. Write the matrix of a 1-D convolution: `M @ x` slides the list `k` along the list `x` of n numbers.
# 3. Write the last formula for `H` as a function. Pixels outside of the picture are 0. (In Python `X[-1]` is no error.)

# %%
def my_dense_weights(channels, height, width): ...

teach.check("dense_weights", my_dense_weights)

def my_conv_matrix(n, k): ...

teach.check("conv_matrix", my_conv_matrix)

def my_local_layer(X, V, u): ...

teach.check("local_layer", my_local_layer)

# %% [markdown]
# Next: what a kernel of two numbers can see.
