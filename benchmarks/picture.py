"""The picture of a run: convolutions as GFLOP/s under the machine's limit, everything else as ratios."""

from report import NAMES, count, number

COLORS = {"minigrad": "#d1495b", "default": "#30638e", "channels_last": "#8fb8de", "compile": "#edae49"}
INCHES = 0.42  # for each row


def draw(run, path):
    """A column for each number of threads. The sweep has too many rows for a picture."""
    import matplotlib

    matplotlib.use("Agg")  # needs no screen
    from matplotlib import pyplot

    rows = [row for row in run["rows"] if row["suite"] != "sweep"]
    parts = [(speeds, [row for row in rows if row["flops"]]), (ratios, [row for row in rows if not row["flops"]])]
    parts = [(panel, rows) for panel, rows in parts if rows]
    if not parts:
        return
    threads = list(dict.fromkeys(row["threads"] for row in rows))
    heights = [1.5 + INCHES * len({row["name"] for row in rows}) for _, rows in parts]
    figure, grid = pyplot.subplots(
        len(parts), len(threads), squeeze=False, sharey="row", layout="constrained",
        figsize=(5 + 4.5 * len(threads), 0.5 + sum(heights)), height_ratios=heights,
    )
    for (panel, rows), line in zip(parts, grid):
        places = {name: y for y, name in enumerate(dict.fromkeys(row["name"] for row in rows))}  # in all columns
        for n, axes in zip(threads, line):
            panel(axes, [row for row in rows if row["threads"] == n], run, places)
            axes.set_title(count(n, "thread"))
            axes.spines[["top", "right"]].set_visible(False)
            axes.legend(fontsize="small")
    machine = run["machine"]
    figure.suptitle(f"minigrad {machine['minigrad']}, PyTorch {machine['torch']}; {machine['cpu']}; {machine['date']}")
    figure.savefig(path, dpi=100)
    pyplot.close(figure)


def speeds(axes, rows, run, places):
    def gflops(row, variant):
        return number(row, variant) and row["flops"] / number(row, variant) / 1e6

    bars(axes, rows, gflops, COLORS, places)
    limits = [run["machine"]["limit"][row["dtype"]] * row["threads"] for row in rows]
    at = [places[row["name"]] for row in rows]
    axes.vlines(limits, [y - 0.5 for y in at], [y + 0.5 for y in at], "black", label="limit of the machine")
    axes.set_xlabel("GFLOP/s: longer is faster")


def ratios(axes, rows, run, places):
    def ratio(row, variant):
        mine, theirs = number(row, "minigrad"), number(row, variant)
        return theirs / mine if mine and theirs else None

    bars(axes, rows, ratio, list(COLORS)[1:], places, start=1)
    axes.axvline(1, color=COLORS["minigrad"], label="minigrad")
    axes.set_xscale("log")
    ticks = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20)
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks], minor=False)
    axes.set_xticks([], minor=True)
    axes.set_xlabel("PyTorch / minigrad: to the right, minigrad is better")


def bars(axes, rows, value, variants, places, start=0):
    """A group of bars for each row, at the place of its name, 0 at the top; missing figures leave a gap."""
    variants = [variant for variant in variants if any(value(row, variant) for row in rows)]
    height = 0.8 / max(1, len(variants))
    for i, variant in enumerate(variants):
        at = [places[row["name"]] + height * (i - (len(variants) - 1) / 2) for row in rows]
        lengths = [(value(row, variant) or start) - start for row in rows]
        axes.barh(at, lengths, height, start, color=COLORS[variant], label=NAMES.get(variant, variant))
    axes.set_yticks(range(len(places)), places)
    axes.set_ylim(len(places) - 0.5, -0.5)
