# %% [markdown]
# # 6. Channels, groups, 1-D and 3-D
#
# A colour picture has three numbers in each pixel. This chapter shows how a convolution takes them in, and then goes
# from pictures to lists and films.

# %%
from pathlib import Path

import minigrad as torch
from minigrad import nn, teach
from minigrad.nn import functional as F

PICTURES = Path("runs/chapters")
PICTURES.mkdir(parents=True, exist_ok=True)
_ = torch.manual_seed(0)  # random numbers, but the same in each run

# %% [markdown]
# ## Many channels in
#
# A **channel** is one table of a stack: the red one, the green one, the blue one. An input of C channels has the shape
# C x H x W (height, width), and its kernel C x h x w. Each channel meets its own table of the kernel, and the results
# are **added up**. So the window does not slide along the channels: it covers all of them.

# %%
X = torch.stack([torch.arange(9.0).reshape(3, 3), torch.arange(1.0, 10.0).reshape(3, 3)])
K = torch.stack([torch.arange(4.0).reshape(2, 2), torch.arange(1.0, 5.0).reshape(2, 2)])
print("X", X.shape, "K", K.shape)
parts = [F.conv2d(x.reshape(1, 1, 3, 3), k.reshape(1, 1, 2, 2)).reshape(2, 2) for x, k in zip(X, K)]
print("channel 0:", parts[0], "channel 1:", parts[1], "their sum:", parts[0] + parts[1], sep="\n")
Y = F.conv2d(X.reshape(1, 2, 3, 3), K.reshape(1, 2, 2, 2))
print("the same with F.conv2d:", torch.equal(Y.reshape(2, 2), parts[0] + parts[1]))

# %% [markdown]
# One cell, written out. `K` has a fourth axis in front, which is explained next: which output channel it makes.

# %%
cell = teach.explain(F.conv2d, X.reshape(1, 2, 3, 3), K.reshape(1, 2, 2, 2), at=(0, 0, 0, 0))
print(cell)
cell.save(PICTURES / "06_channels.png")
cell

# %% [markdown]
# ## Many channels out
#
# One kernel looks for one thing. A layer has D kernels and makes D output channels, one from each.
# So the kernels have four axes: D x C x h x w. And since many pictures at once are faster than one by one, N of them
# come together, a **batch**: N x C x H x W. The output is N x D x (H - h + 1) x (W - w + 1).

# %%
input = torch.randn(128, 3, 20, 20)
weight = torch.randn(5, 3, 5, 5)
bias = torch.randn(5)
output = F.conv2d(input, weight, bias)
print(output.size())
print("one table of one kernel, weight[0, 0]:")
print(weight[0, 0])

# %% [markdown]
# The layer `nn.Conv2d` keeps kernels and biases for you. They start out random.

# %%
f = nn.Conv2d(in_channels=3, out_channels=5, kernel_size=(2, 3))
for n, p in f.named_parameters():
    print(n, p.size())
print(f(torch.randn(128, 3, 28, 28)).size())

# %% [markdown]
# ## A kernel of 1 x 1
#
# It sees a single pixel, but all its channels. It is one small dense layer, which every pixel goes through by itself.
# Below, `permute` puts the channels last, and `@` multiplies the three numbers of each pixel by a matrix.

# %%
pixelwise = nn.Conv2d(3, 5, kernel_size=1)
picture = torch.randn(1, 3, 4, 4)
dense = picture.permute(0, 2, 3, 1) @ pixelwise.weight.reshape(5, 3).t() + pixelwise.bias
print("the same as a matrix:", torch.allclose(pixelwise(picture), dense.permute(0, 3, 1, 2), atol=1e-6))

# %% [markdown]
# ## Groups
#
# With `groups=2` the channels are cut into two halves, and each half has kernels of its own. Each kernel sees
# half as many channels, so there are half as many weights. With as many groups as channels, no channel meets another.
# That is a **depthwise** convolution.
#
# `06_groups.png` shows matrices of layers with 4 channels in and out and a kernel of 1 x 1: a row for each channel out,
# a column for each channel in. The zeros are what groups leave out.

# %%
print("groups  shape of the weight  numbers to learn")
for groups in (1, 2, 8):
    layer = nn.Conv2d(8, 8, kernel_size=3, groups=groups)
    print(f"{groups:6}  {str(list(layer.weight.shape)):19}  {sum(p.numel() for p in layer.parameters())}")
matrices = [teach.matrix(nn.Conv2d(4, 4, kernel_size=1, groups=g, bias=False), size=(4, 1, 1)) for g in (1, 2, 4)]
groups = teach.show(**{f"groups={g}": torch.from_numpy(m.array) for g, m in zip((1, 2, 4), matrices)})
groups.save(PICTURES / "06_groups.png")
groups

# %% [markdown]
# ## One axis, three axes
#
# Nothing here needs exactly two axes. A sound is a list, (N, C, length), and takes `F.conv1d`.
# A film has time, height and width, (N, C, T, H, W), and takes `F.conv3d`: then the kernel slides through time, too.
# We begin with the list of chapter 3. Then a kernel of two pictures compares each picture of a film with the next one:
# -1 is where the dot was, 1 is where it went. `06_motion.png` shows all pictures.

# %%
x = torch.tensor([0.0, 0, 0, 1, 2, 3, 4, 4, 4, 4]).reshape(1, 1, 10)
print(F.conv1d(x, torch.tensor([[[-1.0, 1.0]]])).reshape(9))
film = torch.zeros(1, 1, 4, 5, 5)
for t in range(4):
    film[0, 0, t, 2, t] = 1  # a dot that moves to the right
later_minus_earlier = torch.tensor([-1.0, 1.0]).reshape(1, 1, 2, 1, 1)
motion = F.conv3d(film, later_minus_earlier)
print(film.shape, "->", motion.shape)
print(motion[0, 0, 0])

# %%
frames = teach.show(film=film[0, 0], motion=motion[0, 0])
frames.save(PICTURES / "06_motion.png")
frames

# %% [markdown]
# ## Exercises
#
# 1. Write the convolution of many channels into one: X is C x H x W, K is C x h x w.
# 2. Write the one of many channels into many: K is D x C x h x w.
# 3. How many numbers does an `nn.Conv2d` learn, groups and biases included?

# %%
def my_multi_in(X, K): ...

teach.check("corr2d_multi_in", my_multi_in)

def my_multi_in_out(X, K): ...

teach.check("corr2d_multi_in_out", my_multi_in_out)

def my_parameters(out_channels, in_channels, kernel_size, groups): ...

teach.check("grouped_parameters", my_parameters)

# %% [markdown]
# Next: how far a network sees, and how to make it see further.
