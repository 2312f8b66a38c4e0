"""The pictures of lenet5.py: NumPy arrays in, PNG files out."""

import numpy as np
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

SPLITS = {"train": ("training digits", "tab:blue"), "held-out": ("held-out digits", "tab:orange")}


def save_curves(history, path):
    """Loss and accuracy by epoch; `history` holds a dict of four numbers for each."""
    figure = Figure(figsize=(10, 4), layout="constrained")
    epochs = range(1, len(history) + 1)
    loss_axes, accuracy_axes = figure.subplots(1, 2)
    for axes, quantity, last in ((loss_axes, "loss", ".4f"), (accuracy_axes, "accuracy", ".2%")):
        for split, (name, colour) in SPLITS.items():
            values = [epoch[f"{split} {quantity}"] for epoch in history]
            label = f"{name}, in the end {values[-1]:{last}}"
            axes.plot(epochs, values, "o-", color=colour, markersize=4, label=label)
        axes.set(xlabel="epoch", ylabel=quantity, title=quantity.capitalize())
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(alpha=0.3, which="both")
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False)
    loss_axes.set(yscale="log", ylabel="cross-entropy (logarithmic)")
    loss_axes.yaxis.set_major_formatter("{x:g}")
    accuracy_axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    figure.savefig(path, dpi=150)


def save_filters(weight, path):
    """The kernels of the first convolution, `weight` (20, 1, 5, 5)."""
    figure = Figure(figsize=(8, 6.4), layout="constrained")
    figure.suptitle("What the first convolution looks for: its 20 filters of 5 x 5 weights")
    limit = np.abs(weight).max()  # the same colours everywhere, and white is zero
    grid = figure.subplots(4, 5)
    for i, axes in enumerate(grid.flat):
        image = axes.imshow(weight[i, 0], cmap="RdBu_r", vmin=-limit, vmax=limit)
        axes.set(title=f"filter {i}", xticks=[], yticks=[])
    figure.colorbar(image, ax=grid, label="weight (red answers to ink, blue to its absence)")
    figure.savefig(path, dpi=150)


def save_feature_maps(digit, maps, path):
    """One digit (28, 28) and its maps: `{name of the layer: (channels, height, width)}`."""
    figure = Figure(figsize=(14, 5), layout="constrained")
    left, *panels = figure.subfigures(1, 1 + len(maps), width_ratios=[2] + [5] * len(maps))
    axes = left.subplots()
    axes.imshow(digit, cmap="gray_r")
    axes.set(title="the digit", xticks=[], yticks=[])
    for panel, (name, channels) in zip(panels, maps.items()):
        panel.suptitle(f"{name}: {' x '.join(map(str, channels.shape))}")
        grid = panel.subplots(4, 5)
        for i, axes in enumerate(grid.flat):
            image = axes.imshow(channels[i], cmap="magma", vmin=0, vmax=channels.max())
            axes.set(xticks=[], yticks=[])
            axes.set_title(f"{i}", fontsize=8, pad=2)
        panel.colorbar(image, ax=grid, label="activation after ReLU", shrink=0.9)
    figure.savefig(path, dpi=150)


def save_confusion(labels, predictions, path):
    """How often each digit was read as which."""
    counts = np.zeros((10, 10), dtype=int)
    np.add.at(counts, (labels, predictions), 1)
    figure = Figure(figsize=(7, 6), layout="constrained")
    axes = figure.subplots()
    # Logarithmic colours, or the few mistakes would all look like none.
    shown = np.ma.masked_equal(counts, 0)
    image = axes.imshow(shown, cmap="Blues", norm=LogNorm(vmin=0.5, vmax=max(counts.max(), 1)))
    for true, predicted in np.argwhere(counts):
        count = counts[true, predicted]
        colour = "white" if image.norm(count) > 0.6 else "black"
        axes.text(predicted, true, count, ha="center", va="center", color=colour)
    right = np.trace(counts) / counts.sum()
    axes.set(
        title=f"{counts.sum():,} held-out digits, {right:.2%} of them read right",
        xlabel="predicted digit", ylabel="true digit", xticks=range(10), yticks=range(10),
    )  # fmt: skip
    figure.colorbar(image, label="digits (logarithmic)", ticks=10 ** np.arange(5), format="%d")
    figure.savefig(path, dpi=150)


def save_mistakes(images, labels, probabilities, path):
    """The digits that the network got wrong most surely: `images` (N, 28, 28)."""
    predictions = probabilities.argmax(axis=1)
    sureness = np.where(predictions != labels, probabilities.max(axis=1), 0)
    worst = np.argsort(-sureness, kind="stable")[: np.count_nonzero(sureness)][:20]
    figure = Figure(figsize=(9, 8), layout="constrained")
    figure.suptitle(f"The worst {len(worst)} of {np.count_nonzero(sureness)} mistakes")
    for axes in figure.subplots(4, 5).flat:
        axes.set_axis_off()
    for axes, i in zip(figure.axes, worst):
        axes.imshow(images[i], cmap="gray_r")
        true = f"true {labels[i]} ({probabilities[i, labels[i]]:.0%})"
        axes.set_title(f"read as {predictions[i]} ({sureness[i]:.0%})\n{true}", fontsize=9)
    figure.savefig(path, dpi=150)
