"""What all explanations are: text in a terminal, a picture in a notebook, a file on disk."""

import html
import io
from pathlib import Path

from ..serialization import write_whole
from . import drawing


class Explanation:
    """A result to look at. Subclasses say it in words, `text()`, and draw it, `draw()`.

    print(e) shows the text; a notebook shows picture and text; `e.save("name.svg")` writes a file, whose
    ending decides what it holds: .svg and .png the picture, .html both, .txt the text. `e.figure()` is the
    picture as a matplotlib Figure, to go on with. Without matplotlib there is the text alone.
    """

    def text(self):
        raise NotImplementedError(f"{type(self).__name__} has no text")

    def draw(self, figure):
        """Draw on an empty matplotlib Figure, and give it its size."""
        raise NotImplementedError(f"{type(self).__name__} has no picture")

    def figure(self):
        """The picture as a matplotlib Figure. ImportError if matplotlib is not installed."""
        figure = drawing.new_figure()
        self.draw(figure)
        return figure

    def __repr__(self):
        return self.text()

    def to_html(self):
        """The picture, as SVG, and the text."""
        try:
            picture = self._image("svg").decode()
            picture = picture[picture.index("<svg"):]  # without the head of an XML file
        except ImportError:
            picture = ""
        return f"<div>{picture}<pre>{html.escape(self.text())}</pre></div>"

    _repr_html_ = to_html

    def _image(self, kind):
        buffer = io.BytesIO()
        without_date = {"metadata": {"Date": None}} if kind == "svg" else {}  # the same picture is the same file
        self.figure().savefig(buffer, format=kind, dpi=150, bbox_inches="tight", **without_date)
        return buffer.getvalue()

    def save(self, path):
        """Write to `path`, whole or not at all: .svg, .png, .html or .txt. ValueError for another ending."""
        given, path = path, Path(path)
        kind = path.suffix.lower()
        if kind in (".svg", ".png"):
            content = self._image(kind[1:])
        elif kind == ".html":
            content = f"<!DOCTYPE html><meta charset=utf-8><title>{path.stem}</title>\n{self.to_html()}\n".encode()
        elif kind == ".txt":
            content = f"{self.text()}\n".encode()
        else:
            raise ValueError(f"save(): argument 'path' must end in .svg, .png, .html or .txt, but got {str(given)!r}")
        try:
            write_whole(path, content)
        except OSError as error:  # which names the temporary file
            raise type(error)(error.errno, error.strerror, str(given)) from None
