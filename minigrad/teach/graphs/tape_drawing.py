"""The picture of a tape: boxes in layers, from the leaves at the top to the result at the bottom."""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from .. import drawing
from ..notation import number

WIDTH, HEIGHT, GAP, RISE = 2.3, 1.05, 0.35, 0.62  # of a box, and between boxes and layers, in inches
LEGEND = """In each box left the value (none where the tape did not keep it), right the gradient, each with
its own scale: red is positive, blue negative, white 0. On each arrow the gradient that backward sends
up along it, dx for the input x."""
USES = 3  # of a leaf; of more, it is drawn again beside each
MOST = 26  # operators; of more, the middle becomes one box


@dataclass(eq=False)
class Place:
    """Where something is drawn: a box, or (box None) a point that a long arrow passes."""

    box: Any
    layer: int
    x: float = 0.0
    below: list = field(default_factory=list)

    @property
    def width(self):
        return WIDTH if self.box is not None else 0.2


@dataclass(eq=False)
class Middle:
    """The operators that are not drawn one by one."""

    name: str
    shape: tuple = ()
    node: Any = True


def draw(figure, boxes, arrows, note):
    boxes, arrows = repeated(*shortened(boxes, arrows))
    places, paths = layout(boxes, arrows)
    left = min(p.x - p.width / 2 for p in places)
    right = max(p.x + p.width / 2 for p in places)
    layers = 1 + max(p.layer for p in places)
    width, height = max(right - left + 2 * GAP, 6.6), layers * (HEIGHT + RISE) + 0.8
    figure.set_layout_engine("none")
    figure.suppressComposite = True  # each image by itself: as one, they would be as large as the figure
    figure.set_size_inches(width, height)
    axes = figure.add_axes((0, 0, 1, 1))
    middle = (left + right) / 2
    axes.set(xlim=(middle - width / 2, middle + width / 2), ylim=(-HEIGHT / 2 - 0.3, height - HEIGHT / 2 - 0.3))
    axes.axis("off")
    top = height - HEIGHT / 2 - 0.4
    axes.text(middle, top, LEGEND, ha="center", va="top", fontsize=8, color=drawing.INK)
    if note:
        axes.text(middle, top - 0.44, note, ha="center", va="top", fontsize=7, color=drawing.RED)
    for place in places:
        if place.box is not None:
            draw_box(axes, place)
    for arrow, path in paths:
        siblings = sorted((p for a, p in paths if a.target is arrow.target), key=lambda p: p[-2].x)
        draw_arrow(axes, arrow, path, [p is path for p in siblings].index(True), len(siblings))
    axes.set(xlim=(middle - width / 2, middle + width / 2), ylim=(-HEIGHT / 2 - 0.3, height - HEIGHT / 2 - 0.3))


def shortened(boxes, arrows):
    """The same graph, or one whose middle operators are one box."""
    operators = [box for box in boxes if box.node is not None]
    if len(operators) <= MOST:
        return boxes, arrows
    hidden = set(operators[MOST // 2:-(MOST // 2)])
    middle = Middle(f"… {len(hidden)} more operators …")
    instead = {box: middle if box in hidden else box for box in boxes}
    kept = [a for a in arrows if not (a.target in hidden and (a.source.node is None or a.source in hidden))]
    moved = [type(a)(instead[a.source], instead[a.target], a.letter, a.gradient) for a in kept]
    used = {a.source for a in moved} | {a.target for a in moved}
    order = [instead[box] for box in boxes]
    return [box for i, box in enumerate(order) if box in used and box not in order[:i]], moved


def repeated(boxes, arrows):
    """The same graph, in which a leaf of many uses stands again beside each of them: no bundles of long lines."""
    boxes, arrows = list(boxes), list(arrows)
    for box in [box for box in boxes if box.node is None]:
        uses = [i for i, arrow in enumerate(arrows) if arrow.source is box]
        if len(uses) > USES:
            for i in uses[1:]:
                copy = replace(box, name=f"{box.name} (again)")
                arrows[i] = replace(arrows[i], source=copy)
                boxes.insert(boxes.index(arrows[i].target), copy)
    return boxes, arrows


def layout(boxes, arrows):
    """A Place for each box, every arrow going down, and for each arrow the places that it passes."""
    layer = {}
    for box in reversed(boxes):  # what uses a box stands after it
        layer[box] = 1 + max((layer[a.target] for a in arrows if a.source is box), default=-1)
    place = {box: Place(box, layer[box]) for box in boxes}
    places, paths = list(place.values()), []
    for arrow in arrows:
        path = [place[arrow.target]]
        for n in range(layer[arrow.target] + 1, layer[arrow.source]):
            path.append(Place(None, n, below=[path[-1]]))
            places.append(path[-1])
        place[arrow.source].below.append(path[-1])
        paths.append((arrow, [place[arrow.source], *path[:0:-1], place[arrow.target]]))
    for n in range(1 + max(layer.values())):
        row = [p for p in places if p.layer == n]
        wanted = {p: sum(q.x for q in p.below) / len(p.below) if p.below else 0.0 for p in row}
        leaves = {p for p in row if p.box is not None and p.box.node is None}
        row.sort(key=lambda p: (wanted[p], p in leaves))
        for before, p in zip([None, *row], row):
            p.x = wanted[p] if before is None else max(
                wanted[p], before.x + (before.width + p.width) / 2 + GAP)  # fmt: skip
        straight = [p for p in row if p not in leaves] or row  # chains of operators stand below each other
        shift = sum(wanted[p] - p.x for p in straight) / len(straight)
        for p in row:
            p.x += shift
    return places, paths


def level(place):
    return place.layer * (HEIGHT + RISE)


def draw_box(axes, place):
    from matplotlib.patches import FancyBboxPatch

    box, x, y = place.box, place.x, level(place)
    colour = {"leaf": drawing.ORANGE, "constant": drawing.FAINT}.get(getattr(box, "kind", ""), drawing.BLUE)
    axes.add_patch(FancyBboxPatch((x - WIDTH / 2, y - HEIGHT / 2), WIDTH, HEIGHT, linewidth=1.5, edgecolor=colour,
                                  facecolor=drawing.PAPER, boxstyle="round,pad=0,rounding_size=0.1", zorder=2))
    if isinstance(box, Middle):
        axes.text(x, y, box.name, ha="center", va="center", fontsize=9, zorder=4)
        return
    name = box.title() if box.node is not None else box.name
    name = name if len(name) <= 30 else name[:14] + "…" + name[-15:]
    kind = "" if box.node is not None else f"  {box.kind}"
    axes.text(x, y + HEIGHT / 2 - 0.06, name, ha="center", va="top", fontsize=8, weight="bold", zorder=4)
    axes.text(x, y + HEIGHT / 2 - 0.21, f"{list(box.shape)}{kind}", ha="center", va="top", fontsize=7, zorder=4,
              color="#555555")  # fmt: skip
    for side, value in ((-1, box.value), (1, box.gradient)):
        if value is not None:
            heat(axes, value._array, x + side * 0.57, y - 0.17, 1.06, 0.6)


def heat(axes, values, x, y, width, height):
    """A small heat map around (x, y), with its numbers if they are few."""
    from matplotlib.patches import Rectangle

    matrix = np.atleast_2d(values[(0,) * max(values.ndim - 2, 0)])[:32, :32]
    rows, columns = matrix.shape
    side = min(width / columns, height / rows)
    w, h = (columns * side, max(rows * side, 0.16)) if max(rows, columns) > 4 else (width, min(height, 0.26 * rows))
    limit = np.abs(matrix[np.isfinite(matrix)]).max(initial=0) or 1
    left, top = x - w / 2, y + h / 2
    if matrix.size < values.size or rows > 3 or columns > 3:
        axes.imshow(matrix, cmap=drawing.DIVERGING, vmin=-limit, vmax=limit, aspect="auto", zorder=3,
                    extent=(left, left + w, top - h, top))  # fmt: skip
    else:  # an image for so few cells would cost more than all the rest
        for i, j in np.ndindex(rows, columns):
            corner = left + j * w / columns, top - (i + 1) * h / rows
            cell(axes, matrix[i, j], limit, corner, w / columns, h / rows, columns)
    axes.add_patch(Rectangle((left, top - h), w, h, fill=False, edgecolor=drawing.FAINT, linewidth=0.6, zorder=4))


def cell(axes, value, limit, corner, width, height, columns):
    """A number on its colour."""
    from matplotlib import colormaps
    from matplotlib.patches import Rectangle

    colour = colormaps[drawing.DIVERGING]((value / limit + 1) / 2)
    axes.add_patch(Rectangle(corner, width, height, facecolor=colour, linewidth=0, zorder=3))
    axes.text(corner[0] + width / 2, corner[1] + height / 2, number(value, 3), ha="center", va="center", zorder=5,
              fontsize=8 if columns == 1 else 6.5 if columns == 2 else 5.2,
              color=drawing.PAPER if abs(value) > 0.6 * limit else drawing.INK)  # fmt: skip


def draw_arrow(axes, arrow, path, number, count):
    """From the source down to the target, to a point of its upper edge that belongs to this input alone."""
    port = path[-1].x + WIDTH * ((number + 0.5) / count - 0.5) * 0.9
    points = [(path[0].x, level(path[0]) - HEIGHT / 2)]
    for place in path[1:-1]:
        points += [(place.x, level(place) + HEIGHT / 2), (place.x, level(place) - HEIGHT / 2)]
    top = level(path[-1]) + HEIGHT / 2
    axes.plot(*zip(*points, (port, top + 0.2)), color="#777777", linewidth=1, zorder=1)
    axes.annotate("", (port, top), (port, top + 0.21), arrowprops={"arrowstyle": "-|>", "color": "#777777"}, zorder=1)
    if count <= 4:
        axes.text(port, top + 0.2, arrow.label(), ha="center", va="center", fontsize=6.5 if count < 3 else 5.5,
                  color=drawing.INK, zorder=6, bbox={"facecolor": drawing.PAPER, "edgecolor": "none", "pad": 0.6})
