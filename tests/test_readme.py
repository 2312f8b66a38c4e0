"""The README is true: its code runs and prints what it says, its map is the house."""

import doctest
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"

pytestmark = pytest.mark.skipif(not README.exists(), reason="the tests run against an installed package")


def test_the_code_runs_and_prints_what_the_readme_shows():
    failed, attempted = doctest.testfile(str(README), module_relative=False)
    assert attempted > 10 and failed == 0


def test_every_place_on_the_map_exists():
    text = README.read_text()
    house = text[text.index("## The house"):text.index("## How to add")]
    names = [name for row in re.findall(r"^\| (`.*?`) \|", house, re.M) for name in re.findall(r"`(.*?)`", row)]
    assert len(names) > 12
    for name in names:
        assert (ROOT / name).exists() or (ROOT / "minigrad" / name).exists(), name


def test_pictures_and_commands_are_there():
    text = README.read_text()
    for picture in re.findall(r"!\[.*?\]\((.*?)\)", text):
        assert (ROOT / picture).exists(), picture
    for script in re.findall(r"python ((?:examples|benchmarks)/\w+\.py)", text):
        assert (ROOT / script).exists(), script
