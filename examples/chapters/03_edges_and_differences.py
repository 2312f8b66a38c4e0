# %% [markdown]
# # 3. Edges and differences
#
# What is a kernel good for? One with two numbers already finds edges.

# %%
from pathlib import Path

import minigrad as torch
from minigrad import teach
from minigrad.data import digits
from minigrad.nn import functional as F
from minigrad.teach.loops import corr2d as loops

PICTURES = Path("runs/chapters")
PICTURES.mkdir(parents=True, exist_ok=True)


def corr2d(X, K):
    """The loops of chapter 1, which come with minigrad."""
    return torch.from_numpy(loops(X.numpy(), K.numpy()))


# %% [markdown]
# ## Differences in a list
#
# Take a list of numbers, and the kernel (-1, 1). At each place it gives the right neighbour minus the left one, their
# **difference**: 0 where nothing changes, positive where the numbers grow, negative where they fall.
# `F.conv1d` is the built-in for lists. It wants (example, channel, length).

# %%
def corr1d(x, k):
    return F.conv1d(x.reshape(1, 1, -1), k.reshape(1, 1, -1)).reshape(-1)


x = torch.tensor([0.0, 0, 0, 1, 2, 3, 4, 4, 4, 4])
change = corr1d(x, torch.tensor([-1.0, 1.0]))
print(change)
print(teach.explain(F.conv1d, x.reshape(1, 1, -1), torch.tensor([[[-1.0, 1.0]]]), at=(0, 0, 3)))

# %% [markdown]
# The kernel (1, 1) adds two neighbours. Half of that is their mean, so the jumps of the list become smaller steps.
# `03_lists.png` shows both lists, and what the two kernels made of them.

# %%
x2 = torch.tensor([0, 0, 1, 1, 0, 0.1, 0.2, 1, 1, 1, 0])
print(corr1d(x2, torch.tensor([1.0, 1.0])))

# %%
lines = teach.show(x=x, change=change, x2=x2, **{"sum of two": corr1d(x2, torch.tensor([1.0, 1.0]))})
lines.save(PICTURES / "03_lists.png")
lines

# %% [markdown]
# ## An edge in a picture
#
# Here is a picture of six rows and eight columns. 1 is white, 0 is black: a black bar between two white ones.

# %%
X = torch.ones((6, 8))
X[:, 2:6] = 0
print(X)

# %% [markdown]
# The kernel `[[1, -1]]` has one row and two columns. It compares each pixel with its right neighbour.

# %%
K = torch.tensor([[1.0, -1.0]])
Y = corr2d(X, K)
print(Y)

# %% [markdown]
# 1 is the edge from white to black, -1 the edge from black to white. All the rest is 0.
# The output says nothing about how bright a pixel is. It says where something changes.
#
# `03_edges.png` shows the three tables. In all such pictures red is positive, blue is negative and white is 0,
# so the white pixels of `X`, which are 1, come out red there.

# %%
edges = teach.show(X=X, K=K, Y=Y)
edges.save(PICTURES / "03_edges.png")
edges

# %% [markdown]
# ## What this kernel cannot see
#
# `X.t()` is X **transposed**: rows become columns, so the bar lies on its side.
# Now its edges run from left to right, and no pixel differs from its right neighbour.

# %%
print(corr2d(X.t(), K))
print("any edges found:", bool((corr2d(X.t(), K) != 0).any()))

# %% [markdown]
# A kernel looks for one thing. To find other things, use other kernels.
#
# ## A real picture
#
# A handwritten digit of 28 x 28 pixels, from 0 (paper) to 1 (ink). Two kernels of 3 x 3 compare what is right with what
# is left, and what is below with what is above. They also add up three rows or columns, the middle one twice, so that
# a single odd pixel counts for less. They are called Sobel's kernels. The `strength` of an edge puts both together,
# as the length of an arrow that goes so far to the right and so far down: the root of the sum of the squares.

# %%
images, labels = digits(train=False).tensors
digit, label = images[302, 0], labels[302].item()
right_minus_left = torch.tensor([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]])
below_minus_above = right_minus_left.t()
vertical, horizontal = corr2d(digit, right_minus_left), corr2d(digit, below_minus_above)
print(f"a {label} of shape {list(digit.shape)}; its edges have the shape {list(vertical.shape)}")
strength = (vertical**2 + horizontal**2).sqrt()
row, column = divmod(strength.argmax().item(), strength.shape[1])
print(f"the strongest edge is at row {row}, column {column}, of strength {strength[row, column].item():.2f}")

# %% [markdown]
# In the second picture of `03_digit.png`, red is where ink begins as one goes to the right, and blue is where it ends.
# In the third, the same from top to bottom.

# %%
found = {"vertical edges": vertical, "horizontal edges": horizontal, "strength": strength}
picture = teach.show(digit=digit, **found)
picture.save(PICTURES / "03_digit.png")
picture

# %% [markdown]
# ## Exercises
#
# 1. Give the kernel that finds the edges in `X.t()`.
# 2. Write the difference of neighbours without a convolution.
# 3. Use (-1, 1) on the result of (-1, 1). Which one kernel of three numbers does both at once?

# %%
my_kernel = None
teach.check("horizontal_edges", my_kernel)

def my_difference(x): ...

teach.check("difference", my_difference)

my_three_numbers = None
teach.check("second_difference", my_three_numbers)

# %% [markdown]
# Next: nobody has to invent kernels. They can be learned.
