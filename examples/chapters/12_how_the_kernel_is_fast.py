# %% [markdown]
# # 12. How the kernel is fast
#
# Most programs that compute a convolution do the same multiplications and additions. Yet some take a thousand times as
# long. This chapter goes from the definition to the compiled loop of minigrad, which is called a kernel, too, in five
# steps, and measures each on your machine. The work is that of chapter 9's second convolution, for eight images.

# %%
import time
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import minigrad as torch
from minigrad import teach
from minigrad.nn import functional as F
from minigrad.teach import geometry, loops

PICTURES = Path("runs/chapters")
PICTURES.mkdir(parents=True, exist_ok=True)
torch.set_num_threads(1)  # for step 5; all others use one core too, except perhaps NumPy's matrix product

rng = np.random.default_rng(0)
x = rng.standard_normal((8, 20, 14, 14)).astype(np.float32)
weight = rng.standard_normal((20, 20, 5, 5)).astype(np.float32)
(N, C, H, W), (D, _, h, w) = x.shape, weight.shape
OH, OW = H - h + 1, W - w + 1  # the size of the output
work = N * D * OH * OW * C * h * w
print(f"{N * D * OH * OW:,} results, each a sum of {C * h * w} products: {work:,} multiply-adds")

# %% [markdown]
# ## Step 1: the definition
#
# One product at a time. For each of them, Python goes through lists of lists and makes new numbers.

# %%
def definition(x, weight):
    x, weight, y = x.tolist(), weight.tolist(), np.zeros((N, D, OH, OW), np.float32)
    for n, d, i, j in np.ndindex(y.shape):
        y[n, d, i, j] = sum(x[n][c][i + a][j + b] * weight[d][c][a][b]
                            for c in range(C) for a in range(h) for b in range(w))
    return y

# %% [markdown]
# ## Step 2: the textbook's loops
#
# `teach.loops.conv2d` takes a whole window at once, as `corr2d` of chapter 1 does. NumPy does the inner loops.
#
# ## Step 3: columns and one matrix product
#
# Write each window as a row of a matrix. Then all sums together are one matrix product, for which there are fast
# libraries. This is called **im2col**. Its price is memory: a pixel is copied once for each window that sees it.

# %%
def im2col(x, weight):
    windows = np.lib.stride_tricks.sliding_window_view(x, (h, w), axis=(2, 3))  # N, C, OH, OW, h, w
    columns = windows.transpose(0, 2, 3, 1, 4, 5).reshape(N * OH * OW, C * h * w)
    return (columns @ weight.reshape(D, -1).T).reshape(N, OH, OW, D).transpose(0, 3, 1, 2)

print(f"the images take {x.nbytes:,} bytes, their columns {N * OH * OW * C * h * w * x.itemsize:,}")

# %% [markdown]
# ## Step 4: two short tables in place of the matrix
#
# Number the cells of an image row by row. `geometry.taps` is a table: which cell does output p meet with element k of
# the kernel? Its rows are alike: each is the first one plus a number. So two short tables say it all, `base[p]`, the
# cell where the window of p begins, and `tap[k]`, how much further on element k lies. `12_tables.png` shows both.

# %%
taps = geometry.taps((4, 6), (2, 2), (1, 1), ((0, 0), (0, 0)), (1, 1))  # 4 x 6 cells, a kernel of 2 x 2
base, tap = taps[:, :, 0, 0], taps[0, 0]
print("base[p] + tap[k] gives the whole table:", np.array_equal(np.add.outer(base, tap), taps))
print("the window of output (1, 2) meets the cells", (base[1, 2] + tap).ravel(), "=", base[1, 2], "+", tap.ravel())
picture = teach.show(cells=torch.arange(24).reshape(4, 6), base=torch.tensor(base), tap=torch.tensor(tap))
picture.save(PICTURES / "12_tables.png")
picture

# %% [markdown]
# With channels, `tap` also goes from one channel to the next. Now every convolution is one formula, without the matrix:
# `y[p, d] = the sum over k of x[base[p] + tap[k]] * weight[k, d]`. Stride and dilation are in the tables alone, and
# padding is a frame of zeros that is put around x first.

# %%
base = np.add.outer(W * np.arange(OH), np.arange(OW)).ravel()
tap = np.add.outer(H * W * np.arange(C), np.add.outer(W * np.arange(h), np.arange(w))).ravel()

def tables(x, weight):
    image, weight, y = x.reshape(N, -1), weight.reshape(D, -1).T, np.zeros((N, OH * OW, D), np.float32)
    for k in range(C * h * w):
        y += image[:, base + tap[k], None] * weight[k]
    return y.transpose(0, 2, 1).reshape(N, D, OH, OW)

# %% [markdown]
# ## Step 5: blocks that stay in registers
#
# In NumPy, step 4 saves memory, not time: it reads and writes all of y for each k. minigrad's compiled loop works on
# **vectors**, a few numbers that the processor multiplies at once, in **registers**, its few cells outside of memory.
# A block is R channels of V vectors of neighbouring outputs. Its R V sums stay in registers while k runs, and are
# written once. For each k it loads R weights and V vectors for R V multiply-adds, so large blocks are better. But they
# need (R + 1) V registers. On PCs there are 16 (AVX2) or 32 (AVX-512). See `minigrad/kernels/block.h`.

# %%
for R, V in ((1, 1), (2, 2), (6, 2), (14, 2)):
    print(f"{R:2} x {V}: {(R + 1) * V:2} registers, {R * V / (R + V):.2f} multiply-adds for each load")

steps = {"1 definition": (definition, 1), "2 loops": (loops.conv2d, 2), "3 im2col": (im2col, 20),
         "4 tables": (tables, 3), "5 F.conv2d": (lambda *both: F.conv2d(*map(torch.from_numpy, both)).numpy(), 20)}
right, milliseconds = loops.conv2d(x.astype(float), weight.astype(float)), {}
for name, (function, runs) in steps.items():
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        y = function(x, weight)
        times.append(1000 * (time.perf_counter() - start))
    ms = milliseconds[name] = min(times)  # other programs can only make a run longer
    print(f"{name:<13}{ms:9.2f} ms{work / ms / 1000:9,.0f} million multiply-adds / s, error {abs(y - right).max():.0e}")
print(f"from the first to the last: {milliseconds['1 definition'] / milliseconds['5 F.conv2d']:,.0f} times as fast")

figure, axes = plt.subplots(figsize=(7, 3), layout="constrained")
bars = axes.barh(list(milliseconds), list(milliseconds.values()))
axes.bar_label(bars, [f" {ms:,.1f} ms" for ms in milliseconds.values()])
axes.set(xscale="log", xlabel="milliseconds (logarithmic)", xlim=(0.01, 1e5), ylabel="step",
         title="One convolution, computed in five ways")
axes.invert_yaxis()
figure.savefig(PICTURES / "12_times.png", dpi=150)

# %% [markdown]
# ## Exercises
#
# 1. Write im2col for one channel: a row for each window, and in it the numbers of the window, row by row.
# 2. Write the two tables for an image of `size` (H, W) and a `kernel` (h, w), as lists of numbers.
# 3. Count the multiply-adds of `F.conv2d`, from the shapes of x and weight.

# %%
def my_im2col(x, h, w): ...

teach.check("im2col", my_im2col)

def my_tables(size, kernel): ...

teach.check("tables", my_tables)

def my_multiply_adds(x_shape, w_shape): ...

teach.check("multiply_adds", my_multiply_adds)

# %% [markdown]
# This is the last chapter. `minigrad/kernels/` and `minigrad/ops/conv.py` are the next thing to read.
