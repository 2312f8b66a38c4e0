# %% [markdown]
# # 7. Dilation and receptive fields
#
# One output of a convolution sees a window of its input, one of the next layer a window of windows. How far does that
# reach? This chapter counts. It also shows **dilation**, with which a layer sees further without more weights.

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
# ## Zeros inside the kernel
#
# Dilation makes a kernel larger without adding weights. It puts rows and columns of zeros between its numbers.
# `dilation=1` is the default and puts none. With `dilation=2`, neighbours in the kernel meet every second cell.
# Between k numbers there are k - 1 steps, and each step is d cells long. So a kernel reaches over d (k - 1) + 1 cells.

# %%
X = torch.arange(49.0).reshape(1, 1, 7, 7)
K = torch.arange(1.0, 10.0).reshape(1, 1, 3, 3)
kernels = {}
for d in (1, 2, 3):
    reach = d * (3 - 1) + 1
    wide = kernels[f"dilation {d}"] = torch.zeros(1, 1, reach, reach)
    wide[..., ::d, ::d] = K
    Y = F.conv2d(X, K, dilation=d)
    print(f"dilation {d}: {K.numel()} weights in {wide.numel():2} cells, output {Y.shape[2]} x {Y.shape[3]},",
          "the same as with the zeros written down:", torch.equal(Y, F.conv2d(X, wide)))
picture = teach.show(**kernels)
picture.save(PICTURES / "07_dilated_kernels.png")
picture

# %% [markdown]
# The larger d is, the more of the cells are holes. In French, "with holes" is "à trous", so it is also called atrous
# convolution. minigrad never makes the zeros. It takes only the products that are left:

# %%
print(teach.explain(F.conv2d, X, K, at=(0, 0, 1, 1), dilation=2))

# %% [markdown]
# ## What a stack of layers sees
#
# The part of the input that one output depends on is its **receptive field**. Behind one 3 x 3 convolution it is 3 x 3.
# A second one sees 3 x 3 of those outputs, whose windows overlap: the field grows to 5 x 5, by 2 and not by 3.

# %%
two = teach.receptive_field(nn.Sequential(nn.Conv2d(1, 1, 3), nn.Conv2d(1, 1, 3)), (1, 1, 12, 12))
print([layer.size for layer in two.layers])  # of the input itself, then of each layer

# %% [markdown]
# Now **max pooling** comes between them. It cuts its input into blocks of 2 x 2 cells and keeps the largest number of
# each: a window of 2 that moves by 2. Behind it, neighbours stand two cells of the input apart. That distance is the
# **jump**. A step of the next kernel is one jump long, so it reaches twice as far. In the table, a unit is one output
# of a layer, and start is where the field of unit 0 begins. In the formulas p is padding; size' is that after a layer.

# %%
pooled = nn.Sequential(nn.Conv2d(1, 1, 3), nn.MaxPool2d(2), nn.Conv2d(1, 1, 3))
field = teach.receptive_field(pooled, (1, 1, 16, 16), at=(1, 3))
print(field)
field.save(PICTURES / "07_receptive_field.png")
field

# %% [markdown]
# The rule, layer by layer: the size grows by d (k - 1) jumps. Then the stride multiplies the jump for the next layers.

# %%
size = jump = 1
for k, stride, d in ((3, 1, 1), (2, 2, 1), (3, 1, 1)):
    size += d * (k - 1) * jump
    jump *= stride
    print(f"kernel {k}, stride {stride}: size {size}, jump {jump}")

# %% [markdown]
# The box can be checked without a formula: take the gradient of one output for all cells of the input. It is 0 where
# the output does not look. Max pooling lets one of four cells through, so we take 50 random inputs together.

# %%
x = torch.randn(50, 1, 16, 16, requires_grad=True)
pooled(x)[:, 0, 1, 3].sum().backward()
rows, columns = x.grad.abs().sum((0, 1)).nonzero(as_tuple=True)
print(f"not 0 in rows {rows.min()} to {rows.max()}, columns {columns.min()} to {columns.max()}; the box: {field.box}")

# %% [markdown]
# ## Doubling
#
# Four layers of 3 x 3. With dilation 1 each adds 2. With dilation 1, 2, 4, 8 each adds twice what the one before added.

# %%
sizes = {}
for name, dilations in (("dilation 1, 1, 1, 1", (1, 1, 1, 1)), ("dilation 1, 2, 4, 8", (1, 2, 4, 8))):
    stack = nn.Sequential(*[nn.Conv2d(1, 1, 3, dilation=d, padding=d) for d in dilations])
    sizes[name] = [layer.size[0] for layer in teach.receptive_field(stack, (1, 1, 40, 40)).layers]
    print(name, "sees", sizes[name], "with", sum(p.numel() for p in stack.parameters()), "parameters")

figure, axes = plt.subplots(figsize=(6, 3.4), layout="constrained")
for (name, seen), style in zip(sizes.items(), ("o-", "s--")):
    axes.plot(range(5), seen, style, label=name)
    axes.annotate(f"{seen[-1]}", (4, seen[-1]), xytext=(6, 0), textcoords="offset points", va="center")
axes.set(xlabel="number of 3 x 3 layers", ylabel="receptive field, cells along one axis", xticks=range(5),
         xlim=(-0.2, 4.5), title="What four layers see, with dilation and without")
axes.legend(frameon=False)
figure.savefig(PICTURES / "07_growth.png", dpi=150)

# %% [markdown]
# ## Not all cells count the same
#
# A cell in the middle of the field reaches the output by many ways through the layers, a corner by only one. Set all
# weights to 1: then the gradient of the output is the number of ways. `07_effective.png` shows it, the largest being 1.

# %%
deep = nn.Sequential(*[nn.Conv2d(1, 1, 3, padding=1, bias=False) for _ in range(6)])
for weight in deep.parameters():
    _ = nn.init.ones_(weight)
field = teach.receptive_field(deep, (1, 1, 25, 25), effective=True)
print(f"ways from the middle: {field.effective[12, 12]:,.0f}, from a corner of the field: {field.effective[6, 6]:.0f}")
field.save(PICTURES / "07_effective.png")
field

# %% [markdown]
# ## Exercises
#
# 1. Write how many cells a kernel of k numbers with dilation d reaches over.
# 2. Write the kernel `k` with its zeros, as a tensor. It should work for any number of rows and columns.
# 3. Write how many cells of the input a stack sees along one axis. `layers` is a list of (kernel, stride, dilation).

# %%
def my_reach(k, d): ...

teach.check("reach", my_reach)

def my_dilate(k, d): ...

teach.check("dilate", my_dilate)

def my_receptive_size(layers): ...

teach.check("receptive_size", my_receptive_size)

# %% [markdown]
# Next: how gradients find their way back.
