"""The chapters run, make their pictures, and end with three exercises; jupytext makes notebooks of them."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from minigrad.teach.exercises import TABLE

pytest.importorskip("matplotlib")
pytest.importorskip("mlxtend")

ROOT = Path(__file__).parents[1]
CHAPTERS = sorted((ROOT / "examples" / "chapters").glob("*.py"))
each_chapter = pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
SAYS = {  # what a chapter must have computed
    "07": ["9 weights in 25 cells, output 3 x 3, the same as with the zeros written down: True",
           "[(1, 1), (3, 3), (5, 5)]", "= 8·1 + 10·2 + 12·3 + 22·4 + 24·5 + 26·6 + 36·7 + 38·8 + 40·9",
           "size 8, jump 2", "the box: ((2, 9), (6, 13))", "not 0 in rows 2 to 9, columns 6 to 13",
           "[1, 3, 5, 7, 9] with 40", "[1, 3, 7, 15, 31] with 40", "19,881"],
    "08": ["weight.grad = -16", "of 2.999: -16.000", "added to what waits there: 12 + 3 = 15", "x.grad = 15",
           "dL/dX[1,1] = K[1,1]·g[0,0] + K[1,0]·g[0,1] + K[0,1]·g[1,0] + K[0,0]·g[1,1]", "backward says: 10.0 and 37.0",
           "tensor([ 0.,  0., 30., 40.])", "net.bias.grad hold more than one backward pass"],
    "09": ["266,050", "1,647,000", "flatten -> [1, 320]", "500 = 20·5·5", "0 of 1000 answers", "argmax"],
    "10": ["[0.0625, 0.4444, 0.2500]", "gradcheck: True gradgradcheck: True", "the same numbers: True",
           "Jacobian mismatch"],
    "11": ["measured slopes agree: True", "loops:  ", "    minigrad: RuntimeError: shape '[4, -1]'"],
    "12": ["8,000,000 multiply-adds", "whole table: True", "[ 8  9 14 15] = 8 + [0 1 6 7]", "30 registers, 1.75"],
}


def run(folder, *command):
    """Run Python in `folder`; it must say nothing on its error stream, where warnings go."""
    environment = os.environ | {"MPLBACKEND": "agg", "PYTHONIOENCODING": "utf-8", "OMP_NUM_THREADS": "1"}
    process = subprocess.run([sys.executable, *map(str, command)], cwd=folder, env=environment, timeout=60,
                             capture_output=True, text=True, encoding="utf-8")
    assert process.returncode == 0 and process.stderr == "", process.stderr
    return process.stdout


def exercises(path):
    return re.findall(r'^teach\.check\("(\w+)"', path.read_text(encoding="utf-8"), re.MULTILINE)


def notebook_cells(text):
    """[(whether it is prose, source)] of a script in percent format."""
    head, *cells = re.split(r"^# %%(.*)\n", text, flags=re.MULTILINE)
    assert head == ""
    return [(mark.strip() == "[markdown]", source) for mark, source in zip(cells[::2], cells[1::2])]


def test_chapters_are_numbered_from_one_on():
    assert [path.name[:3] for path in CHAPTERS] == [f"{i:02}_" for i in range(1, len(CHAPTERS) + 1)]


@each_chapter
def test_a_chapter_runs_and_makes_its_pictures(path, tmp_path):
    output = run(tmp_path, path)
    assert output.count(": not done yet.") == 3
    assert not [words for words in SAYS.get(path.name[:2], ()) if words not in output]
    assert "Traceback" not in output and "nan" not in output.split()
    made = sorted((tmp_path / "runs" / "chapters").iterdir())
    assert made and all(file.name.startswith(path.name[:2]) for file in made)
    named = re.findall(r"\d\d_\w+\.(?:png|gif|svg|html)", path.read_text(encoding="utf-8"))
    assert set(named) <= {file.name for file in made}
    for file in made:
        assert file.stat().st_size > 1000, file
        if file.suffix in (".png", ".gif"):
            from PIL import Image

            with Image.open(file) as image:
                assert np.asarray(image.convert("L")).std() > 5, f"{file} is an empty page"
                assert file.suffix == ".png" or image.n_frames > 1


def test_the_chapter_on_pytorch_goes_on_without_it(tmp_path):
    chapter = CHAPTERS[10]
    output = run(tmp_path, "-c", "import runpy, sys; sys.modules['torch'] = None; runpy.run_path(sys.argv[1])", chapter)
    assert output.startswith("PyTorch is not installed.") and output.count("minigrad: RuntimeError: ") == 3
    assert not [words for words in SAYS["11"] if words not in output] and output.count(": not done yet.") == 3
    first, second = re.search(r"minigrad (\S+), a second run (\S+)\n", output).groups()
    assert first == second and not list((tmp_path / "runs" / "chapters").iterdir())  # nothing differs: no picture


@each_chapter
def test_a_chapter_is_short_prose_with_cells(path):
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) < 150
    cells = notebook_cells(text)
    assert cells[0][0] and cells[0][1].startswith(f"# # {int(path.name[:2])}. ")
    assert sum(prose for prose, _ in cells) >= 5 and sum(not prose for prose, _ in cells) >= 5
    for prose, source in cells:
        assert source.strip(), "an empty cell"
        if prose:
            assert all(line.startswith("#") for line in source.strip().splitlines()), source
            assert "!" not in source.replace("!=", ""), source
        else:
            compile(source, path.name, "exec")
    assert cells[-1][0] and (path is CHAPTERS[-1] or "Next: " in cells[-1][1])


def test_each_chapter_ends_with_three_exercises_of_its_own():
    found = {path.stem: exercises(path) for path in CHAPTERS}
    assert all(len(names) == 3 for names in found.values()), found
    assert [name for names in found.values() for name in names] == list(TABLE)


@each_chapter
def test_the_notebook_of_a_chapter_is_valid(path):
    jupytext = pytest.importorskip("jupytext")
    nbformat = pytest.importorskip("nbformat")
    notebook = jupytext.read(path)
    nbformat.validate(nbformat.from_dict(notebook))
    cells = notebook_cells(path.read_text(encoding="utf-8"))
    assert [cell["cell_type"] == "markdown" for cell in notebook.cells] == [prose for prose, _ in cells]


def test_the_documented_command_makes_notebooks(tmp_path):
    pytest.importorskip("jupytext")
    copy = tmp_path / CHAPTERS[0].name
    copy.write_bytes(CHAPTERS[0].read_bytes())
    run(tmp_path, "-m", "jupytext", "--quiet", "--to", "ipynb", copy)
    assert '"cell_type": "markdown"' in copy.with_suffix(".ipynb").read_text(encoding="utf-8")


def test_a_chapter_and_its_notebook_run_on_pytorchs_names(tmp_path):
    """python -m minigrad.run takes both forms."""
    jupytext = pytest.importorskip("jupytext")
    path = CHAPTERS[0]
    script = run(tmp_path, "-m", "minigrad.run", path)
    notebook = tmp_path / "chapter.ipynb"
    jupytext.write(jupytext.read(path), notebook)
    assert run(tmp_path, "-m", "minigrad.run", notebook) == script
    assert script.count("not done yet.") == 3
