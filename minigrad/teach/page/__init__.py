"""The page to play with, put together into one file of HTML that needs nothing else."""

from pathlib import Path

PARTS = ("page.css", "page_numbers.js", "page_grid.js", "page_show.js", "page.js")


def page():
    """The HTML of the page as one text: no other file, no network, no server.

    >>> from minigrad.teach.page import page
    >>> "http" in page()
    False
    """
    folder = Path(__file__).parent
    text = (folder / "page.html").read_text(encoding="utf-8")
    for name in PARTS:
        text = text.replace(f"/* {name} */", (folder / name).read_text(encoding="utf-8"))
    return text
