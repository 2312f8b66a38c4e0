"""The tables of a run, in Markdown, from what vs_torch.json holds."""

import math

NAMES = {"default": "PyTorch", "channels_last": "channels_last", "compile": "torch.compile"}
WORST = 20  # rows of the sweep that are shown


def tables(run):
    parts = [head(run)]
    for suite, threads in dict.fromkeys((row["suite"], row["threads"]) for row in run["rows"]):
        rows = [row for row in run["rows"] if (row["suite"], row["threads"]) == (suite, threads)]
        parts += [f"### {suite}, {count(threads, 'thread')}", *body(rows, run)]
    return "\n\n".join([*parts, *failures(run["rows"]), losses(run["rows"])])


def head(run):
    machine, limit = run["machine"], run["machine"]["limit"]
    return (
        f"{machine['date']}, {machine['cpu']}, {machine['cores']} cores, {machine['simd']}; minigrad "
        f"{machine['minigrad']}, PyTorch {machine['torch']}, NumPy {machine['numpy']}, Python {machine['python']}.\n"
        f"Limit of one core: {limit['float32']:.0f} GFLOP/s in float32, {limit['float64']:.0f} in float64 (two for "
        "each multiply-add); that of n threads is n times as much.\n"
        f"Milliseconds, medians of {count(run['rounds'], 'process', 'es')}. Ratios are PyTorch's figure / minigrad's: "
        "above 1, minigrad is better; best is the fastest of PyTorch's columns.\n"
        "GFLOP/s and \"of limit\" are minigrad's, \"best's\" is the share of the limit that PyTorch's best reaches.\n"
        "They count the direct way's operations: Winograd's, for 3x3 with stride 1, are less than half as many.\n"
        "Forward is under no_grad; (w, b) marks a first layer, whose input needs no gradient."
    )


def count(n, noun, plural="s"):
    return f"{n} {noun}{plural if n != 1 else ''}"


def body(rows, run):
    """One table, its geometric means, and, of the sweep, only the worst rows."""
    if rows[0]["suite"] != "sweep":
        return [table(rows, run), *means(rows)]
    worst = sorted((row for row in rows if ratio(row)), key=ratio)
    if not worst:
        return ["Nothing was measured."]
    under = [f"{sum(ratio(row) < bound for row in worst)} are under {bound}" for bound in (0.5, 1)]
    title = f"The worst {len(worst[:WORST])} of {len(worst)} cases; {' and '.join(under)}."
    return [title, table(worst[:WORST], run), *means(rows)]


def ratio(row, to="default"):
    """PyTorch's figure / minigrad's, or None if one of them is missing."""
    mine, theirs = number(row, "minigrad"), best(row) if to == "best" else number(row, to)
    return theirs / mine if mine and theirs else None


def number(row, variant):
    figure = row["figures"].get(variant)
    return figure if not isinstance(figure, str) else None


def best(row):
    return min((number(row, variant) for variant in NAMES if number(row, variant)), default=None)


def share(row, figure, run):
    """The part of the machine's limit that is reached in so many milliseconds."""
    return figure and row["flops"] / figure / 1e6 / (run["machine"]["limit"][row["dtype"]] * row["threads"])


def table(rows, run):
    """A row for each row: times, then ratios; of convolutions also what they are of the machine's limit."""
    variants = list(dict.fromkeys(variant for row in rows for variant in row["figures"]))
    title = ["", *(NAMES.get(variant, variant) for variant in variants), "ratio", "to best"]
    has_flops = any(row["flops"] for row in rows)
    if has_flops:
        title += ["GFLOP/s", "of limit", "best's"]
    before = {row["name"]: row for row in run["rows"] if row["threads"] == 1}
    has_speedup = rows[0]["threads"] > 1 and rows[0]["unit"] == "ms" and rows[0]["name"] in before
    if has_speedup:
        title.append("1 thread / this")
    lines = [title]
    for row in rows:
        mine = number(row, "minigrad")
        line = [row["name"] + (" (MiB)" if row["unit"] == "MiB" else "")]
        line += [written(row["figures"].get(variant)) for variant in variants]
        line += [fixed(ratio(row)), fixed(ratio(row, "best"))]
        if has_flops:
            line += [fixed(mine and row["flops"] / mine / 1e6, ".1f")]
            line += [fixed(share(row, figure, run), ".0%") for figure in (mine, best(row))]
        if has_speedup:
            alone = number(before[row["name"]], "minigrad")
            line.append(fixed(mine and alone and alone / mine))
        lines.append(line)
    return markdown(lines)


def written(figure):
    """Three digits, or that there is no figure."""
    if figure is None or isinstance(figure, str):
        return "-" if figure is None else "failed"
    return f"{figure:.{max(0, 2 - math.floor(math.log10(figure)))}f}" if figure else "0"


def fixed(value, form=".2f"):
    return "-" if value is None else format(value, form)


def markdown(lines):
    widths = [max(map(len, column)) for column in zip(*lines)]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    return "\n".join(
        "| " + " | ".join([line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])]) + " |"
        for line in [lines[0], rule, *lines[1:]]
    )


def means(rows):
    """The geometric mean of each group's ratios; none of memory, whose rows have little in common."""
    lines = [["geometric mean", "ratio", "to best"]]
    for group in dict.fromkeys(row["group"] for row in rows if row["unit"] == "ms"):
        members = [row for row in rows if row["group"] == group]
        ratios = [[ratio(row, to) for row in members if ratio(row, to)] for to in ("default", "best")]
        lines.append([group, *(fixed(math.exp(sum(map(math.log, r)) / len(r)) if r else None) for r in ratios)])
    return [markdown(lines)] if len(lines) > 1 else []


def failures(rows):
    """What could not be measured, with the reason."""
    lines = [
        f"- {row['suite']}, {row['name']}, {count(row['threads'], 'thread')}: {NAMES.get(variant, variant)}: {figure}"
        for row in rows
        for variant, figure in row["figures"].items()
        if isinstance(figure, str)
    ]
    return ["\n".join(["Not measured:", *lines])] if lines else []


def losses(rows):
    """The rows in which some way to use PyTorch is better; of the sweep, its table says it."""
    lost = [row for row in rows if row["suite"] != "sweep" and ratio(row, "best") and ratio(row, "best") < 1]
    lines = [
        f"- {ratio(row, 'best'):.2f}  {row['suite']}, {row['name']}, {count(row['threads'], 'thread')}"
        for row in sorted(lost, key=lambda row: ratio(row, "best"))
    ]
    return "\n".join(["minigrad loses in (ratio to best):", *lines]) if lines else "minigrad loses in no row."
