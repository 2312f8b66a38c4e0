"""The window of a convolution or a pooling on its way over the input, as a film.

One plane of the input is shown, the one of the kernel that lies on it, and the output as it grows; below them the
arithmetic of `explain`, over all channels. It is a GIF, or HTML with a button and a slider (pictures, no video).
"""

import base64
import html
import io
import textwrap
from pathlib import Path

import numpy as np

from ...serialization import write_whole
from .. import drawing
from ..arithmetic.calls import find
from ..arithmetic.explain import OUTPUT
from ..explanation import Explanation
from .scene import Scene

KINDS = ("conv", "convolve", "max_pool", "avg_pool")
MEANING = "orange frame: the window; green frame: the cell it makes; red: positive, blue: negative, white: 0"


def animate(target, *args, path=None, image=0, channel=0, depth=0, **kwargs):
    """A film of the window of a convolution or pooling, of 1 to 3 dimensions.

    target: a function (`F.conv2d`) or a layer, with its arguments behind it; or a result that autograd follows.
    image, channel: which of the batch and which output channel is made; depth: in 3 dimensions, which slice of the
    output. Of several input channels and slices of the kernel one is shown, and the title says which. path: where to
    save the film at once, "x.gif" or "x.html". Returns an `Animation`.

    NotImplementedError for what has no window, TypeError and IndexError for a wrong choice.

    >>> import minigrad
    >>> from minigrad import teach
    >>> from minigrad.nn import functional as F
    >>> x, k = minigrad.arange(9.0).reshape(1, 1, 3, 3), minigrad.arange(4.0).reshape(1, 1, 2, 2)
    >>> teach.animate(F.conv2d, x, k, stride=2, padding=1)
    conv2d: 4 windows
    Y[0,0,0,0] = 0·K[0,0] + 0·K[0,1] + 0·K[1,0] + X[0,0]·K[1,1] = 0·0 + 0·1 + 0·2 + 0·3 = 0
    Y[0,0,0,1] = 0·K[0,0] + 0·K[0,1] + X[0,1]·K[1,0] + X[0,2]·K[1,1] = 0·0 + 0·1 + 1·2 + 2·3 = 8
    Y[0,0,1,0] = 0·K[0,0] + X[1,0]·K[0,1] + 0·K[1,0] + X[2,0]·K[1,1] = 0·0 + 3·1 + 0·2 + 6·3 = 21
    Y[0,0,1,1] = X[1,1]·K[0,0] + X[1,2]·K[0,1] + X[2,1]·K[1,0] + X[2,2]·K[1,1] = 4·0 + 5·1 + 7·2 + 8·3 = 43
    """
    call = find(target, args, kwargs, "animate")
    if call.kind not in KINDS:
        raise NotImplementedError(f"animate(): {call.name} has no window that slides. What can be animated: conv and "
                                  "convolve, max_pool and avg_pool of 1 to 3 dimensions, and their layers")
    film = Animation(call, _lead(call, image, channel, depth))
    if path is not None:
        film.save(path)
    return film


def _lead(call, image, channel, depth):
    """The chosen indices before the last plane of the output, checked."""
    dims = int(call.name[-2])
    shape = call.value.shape
    chosen = [("image", image)] * (len(shape) == dims + 2) + [("channel", channel)] + [("depth", depth)] * (dims == 3)
    for (name, i), n in zip(chosen, shape):
        if not isinstance(i, int) or isinstance(i, bool):
            raise TypeError(f"animate(): argument '{name}' must be int, not {type(i).__name__}")
        if not -n <= i < n:
            raise IndexError(f"animate(): {name}={i} is out of range: the output has shape {list(shape)}, "
                             f"so there are {n}")
    return tuple(i % n for (_, i), n in zip(chosen, shape))


class Animation(Explanation):
    """A film. `.save("x.gif")` or `.save("x.html")`; .png, .svg and .txt hold its end. `places`: the cells of the
    output, one for each picture; `left_out` counts those in between that have none."""

    MOST = 64  # pictures
    SECONDS = 0.7  # of each

    def __init__(self, call, lead):
        self.call, self.scene = call, Scene(call, lead)
        self.cells = [*np.ndindex(self.scene.y.shape)]
        places = self.cells
        if len(places) > self.MOST:
            places = places[: self.MOST * 3 // 4] + places[-self.MOST // 4:]
        self.places, self.left_out = places, len(self.cells) - len(places)
        self.told = [OUTPUT[call.kind](call, self.scene.index(p)) for p in places]

    @property
    def title(self):
        title = f"{self.call.name}: {len(self.cells)} window{'s' * (len(self.cells) > 1)}"
        if self.left_out:
            first = self.MOST * 3 // 4 + 1
            title += f", without windows {first} to {first + self.left_out - 1}"
        return title

    def text(self):
        lines = [told.equation for told in self.told]
        if len(lines) > 12:
            lines = [*lines[:8], f"… {len(self.cells) - 10} more …", *lines[-2:]]
        return "\n".join([self.title, *lines])

    def draw(self, figure):
        self._stage(figure)[1](len(self.places) - 1)

    def _stage(self, figure):
        """Draw the first picture. Returns the artists that change and the function that changes them to picture n."""
        figure.set_layout_engine("none")
        wide, high = self.scene.inches()
        wide = max(wide, 7.5)
        sums = [_wrapped(told, int(wide * 13)) for told in self.told]
        meaning = MEANING + "; hatched: padding" * bool(self.scene.ghost.any())
        below = [line for text in (self.scene.caption, meaning) for line in textwrap.wrap(text, int(wide * 15))]
        lines = max(map(len, sums))
        height = high + 0.2 * (lines + len(below)) + 0.15
        figure.set_size_inches(wide, height)
        figure.suptitle(self.title, fontsize=11, y=1 - 0.12 / height, va="top")
        figure.text(0.5, 0.1 / height, "\n".join(below), ha="center", va="bottom", fontsize=8, color="#555555")
        words = figure.text(0.5, 1 - high / height, "", ha="center", va="top", fontsize=9)
        moving, move = self.scene.draw(figure)

        def show(n):
            move(self.places[n])
            words.set_text("\n".join(sums[n]))

        show(0)
        return [*moving, words], show

    def pictures(self):
        """The film as a list of PIL images."""
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from PIL import Image

        figure = drawing.new_figure()
        moving, show = self._stage(figure)
        canvas, found = FigureCanvasAgg(figure), []
        figure.set_dpi(100)
        for artist in moving:
            artist.set_animated(True)
        canvas.draw()  # what stands still, once
        still = canvas.copy_from_bbox(figure.bbox)
        for n in range(len(self.places)):
            show(n)
            canvas.restore_region(still)
            for artist in moving:
                figure.draw_artist(artist)
            found.append(Image.fromarray(np.array(canvas.buffer_rgba())).convert("RGB"))
        palette = _palette(found[-1])
        return [picture.quantize(palette=palette, dither=Image.Dither.NONE) for picture in found]

    def to_gif(self):
        first, *others = self.pictures()
        milliseconds = [int(1000 * self.SECONDS)] * len(others) + [2500]  # time to look at the end
        return _encoded(first, "GIF", save_all=True, append_images=others, duration=milliseconds, loop=0)

    def to_html(self):
        """The pictures with a button and a slider; without matplotlib the text alone."""
        text = f"<pre>{html.escape(self.text())}</pre>"
        try:
            pictures = self.pictures()
        except ImportError:
            return text
        images = []
        for n, (picture, told) in enumerate(zip(pictures, self.told)):
            data = base64.b64encode(_encoded(picture, "PNG", optimize=True)).decode()
            images.append(f'<img alt="{html.escape(told.equation)}" style="max-width:100%"{" hidden" * (n > 0)} '
                          f'src="data:image/png;base64,{data}">\n')
        film = PLAYER.format(images="".join(images), last=len(pictures) - 1, milliseconds=int(1000 * self.SECONDS))
        return f"{film}<details><summary>all sums</summary>{text}</details>"

    _repr_html_ = to_html

    def save(self, path):
        """Write to `path`, whole or not at all: .gif and .html the film; .png, .svg and .txt its end. ValueError for
        another ending."""
        ending = Path(path).suffix.lower()
        if ending not in (".gif", ".html", ".png", ".svg", ".txt"):
            raise ValueError("save(): argument 'path' must end in .gif, .html, .png, .svg or .txt, but got "
                             f"{str(path)!r}")
        if ending == ".gif":
            write_whole(path, self.to_gif())
        else:
            super().save(path)


# The frames are all there, one of them shown. Handlers stand in the tags: a notebook runs them, too.
PLAYER = """<div class="minigrad-film">
{images}<p><button onclick="
  const film = this.closest('div'), slider = film.querySelector('input');
  if (film.timer) {{ clearInterval(film.timer); film.timer = null; this.textContent = 'Play'; return; }}
  this.textContent = 'Pause';
  if (slider.value === slider.max) slider.value = -1;
  film.timer = setInterval(() => {{
    slider.value = +slider.value + 1; slider.oninput();
    if (slider.value === slider.max) this.onclick();
  }}, {milliseconds})">Play</button>
<input type="range" min="0" max="{last}" value="0" aria-label="picture" style="width:60%" oninput="
  this.closest('div').querySelectorAll('img').forEach((image, n) => image.hidden = n !== +this.value)"></p>
</div>
"""


def _wrapped(told, width):
    """The lines of a sum: first the names, then the numbers."""
    (sign, names), *others = told.steps
    lines = [f"{told.head} {sign} {names}", " ".join(f"{sign} {text}" for sign, text in others)]
    return [part for line in lines if line for part in textwrap.wrap(line, width)]


def _palette(picture):
    """256 colours for all pictures. The frames have few pixels: a stripe of their colours makes them count."""
    from PIL import Image

    colours = (drawing.ORANGE, drawing.GREEN, drawing.INK, drawing.PAPER)
    width, height = picture.size
    larger = Image.new("RGB", (width, height + 40 * len(colours)))
    larger.paste(picture)
    for n, colour in enumerate(colours):
        larger.paste(colour, (0, height + 40 * n, width, height + 40 * (n + 1)))
    return larger.quantize(256)


def _encoded(picture, kind, **options):
    buffer = io.BytesIO()
    picture.save(buffer, format=kind, **options)
    return buffer.getvalue()
