"""`python -m minigrad.teach`: write the page to play with, one HTML file, and open it in the browser."""

import argparse
import sys
import webbrowser
from pathlib import Path

from ..serialization import write_whole
from .page import page


def main(arguments=None):
    parser = argparse.ArgumentParser(
        prog="python -m minigrad.teach",
        description="Write a page on which a convolution can be watched and changed: one HTML file that needs neither "
        "network nor server. Then open it in the browser.",
    )
    parser.add_argument("--output", metavar="FILE", default="convolution.html",
                        help="the file to write (default: %(default)s in the current folder)")
    parser.add_argument("--no-browser", action="store_true", help="only write the file")
    options = parser.parse_args(arguments)
    path = Path(options.output).expanduser()
    if path.is_dir():
        parser.error(f"{path} is a folder: give the name of a file in it, such as --output {path / 'convolution.html'}")
    try:
        write_whole(path, page().encode())
    except OSError as error:
        parser.error(f"cannot write {path}: {error.strerror}. Give another place with --output FILE")
    print(f"wrote {path.resolve()}")
    if not options.no_browser and not webbrowser.open(path.resolve().as_uri()):
        print("no browser could be opened: open the file yourself")


if __name__ == "__main__":
    sys.exit(main())
