# %% [markdown]
# # 1. Cross-correlation by hand
#
# A convolution slides a small table of numbers over a large one. At every place it multiplies and adds.
# That is all, and this chapter does it slowly. Its pictures go to the folder `runs/chapters`.
#
# We call minigrad `torch`, since it has PyTorch's names. `F` holds functions, `nn` holds layers, and `teach` explains.

# %%
from pathlib import Path

import minigrad as torch
from minigrad import nn, teach
from minigrad.nn import functional as F

PICTURES = Path("runs/chapters")
PICTURES.mkdir(parents=True, exist_ok=True)

# %% [markdown]
# ## Two tables of numbers
#
# A **tensor** is a block of numbers. It can have one axis (a list), two (a table of rows and columns) or more.
# Its **shape** says how long each axis is; for a table, how many rows there are, then how many columns.
#
# `X` is the input: a tiny picture, each number being how bright a pixel is. `K` is the **kernel**, which slides.

# %%
X = torch.tensor([[0.0, 1.0, 2.0], [3.0, 4.0, 5.0], [6.0, 7.0, 8.0]])
K = torch.tensor([[0.0, 1.0], [2.0, 3.0]])
print(X)
print(f"X has the shape {list(X.shape)}, K has the shape {list(K.shape)}")

# %% [markdown]
# ## One window
#
# Lay `K` on the upper left corner of `X`. It covers two rows and two columns, the **window**.
# `X[0:2, 0:2]` cuts it out: rows 0 and 1, columns 0 and 1. Counting starts at 0, and the end is left out.
# Multiply each number of the window by the number of `K` that lies on it. Add up.

# %%
products = X[0:2, 0:2] * K
print(f"the products\n{products}\nand their sum {products.sum().item()}")

# %% [markdown]
# ## All windows
#
# Now slide: from left to right, then one row down and again from left to right. Each window gives one number.
# The numbers together are the output `Y`. This is called **cross-correlation**:
#
#     Y[i, j] = the sum over all a, b of K[a, b] X[i + a, j + b]
#
# The output is smaller than `X`, because the window must lie inside it: h rows fit on n rows in n - h + 1 places.

# %%
def corr2d(X, K):
    """Compute 2D cross-correlation."""
    h, w = K.shape
    Y = torch.zeros((X.shape[0] - h + 1, X.shape[1] - w + 1))
    for i in range(Y.shape[0]):
        for j in range(Y.shape[1]):
            Y[i, j] = (X[i:i + h, j:j + w] * K).sum()
    return Y


Y = corr2d(X, K)
print(Y)
for name, n, k, out in zip(("rows", "columns"), X.shape, K.shape, Y.shape):
    print(f"{name}: {n} - {k} + 1 = {n - k + 1}, and Y has {out}")

# %% [markdown]
# ## The sums, written out
#
# minigrad has this operation built in, as `F.conv2d`. It wants two more axes in front of rows and columns:
# which picture of many it is, and which colour. We have one of each, so we reshape to (1, 1, 3, 3). The kernel also
# takes two more, which chapter 6 explains. `teach.explain` writes down how the number at the place `at` came about.

# %%
X4, K4 = X.reshape(1, 1, 3, 3), K.reshape(1, 1, 2, 2)
print("the same numbers as our loops:", torch.equal(F.conv2d(X4, K4).reshape(2, 2), Y))
for at in ((0, 0, 0, 0), (0, 0, 0, 1), (0, 0, 1, 0), (0, 0, 1, 1)):
    print(teach.explain(F.conv2d, X4, K4, at=at))

# %% [markdown]
# `01_one_cell.png` is the last sum as a picture: the window has an orange frame, the number it gives a green one.
# In `01_sliding.gif` the window slides; open the file in a browser. In a notebook, the lone `cell` shows the picture.

# %%
teach.animate(F.conv2d, X4, K4).save(PICTURES / "01_sliding.gif")
cell = teach.explain(F.conv2d, X4, K4, at=(0, 0, 1, 1))
cell.save(PICTURES / "01_one_cell.png")
cell

# %% [markdown]
# ## Two names that are mixed up
#
# In mathematics a **convolution** first turns the kernel round: the last row comes first, and so does the last column.
# Deep learning leaves this out and says convolution all the same. What can be learned does not change, since a turned
# kernel is a kernel too, but the numbers do. minigrad has the true convolution as `F.convolve2d`.

# %%
turned = K.flip((0, 1))
true = F.convolve2d(X4, K4).reshape(2, 2)
print(f"{true}\nthe same as corr2d with the turned kernel:", torch.equal(true, corr2d(X, turned)))
_ = teach.check("corr2d", lambda X, K: corr2d(X, K.flip((0, 1))))  # the judge of the exercises below knows this mistake

# %% [markdown]
# ## A layer
#
# A **layer** is a function with numbers of its own, its **parameters**, which can be learned.
# A convolutional layer has a kernel, which starts out random, and a **bias**, one number that is added everywhere.
# `__init__` makes the parameters, `forward` says what a call of the layer computes.

# %%
class Conv2D(nn.Module):
    def __init__(self, kernel_size):
        super().__init__()
        self.weight = nn.Parameter(torch.rand(kernel_size))
        self.bias = nn.Parameter(torch.zeros(1))

    def forward(self, x):
        return corr2d(x, self.weight) + self.bias


layer = Conv2D((2, 2))
print("parameters:", [name for name, _ in layer.named_parameters()], "shape of the output:", list(layer(X).shape))

# %% [markdown]
# ## Exercises
#
# Answer in place of `None` and `...`, and run the file again. The check says what is wrong, and often why.
#
# 1. X holds the rows 1 2 3, 4 5 6, 7 8 9. K holds 1 2, 3 4. What is `Y[1, 0]`? Compute it on paper.
# 2. Write the shape of `corr2d(X, K)`, from the two shapes alone.
# 3. Write `corr2d` yourself, without looking at the one above.

# %%
my_number = None
teach.check("one_cell", my_number)

def my_shape(X_shape, K_shape): ...

teach.check("valid_shape", my_shape)

def my_corr2d(X, K): ...

teach.check("corr2d", my_corr2d)

# %% [markdown]
# Next: why anybody would do this, instead of connecting everything with everything.
