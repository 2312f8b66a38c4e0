"""The house: which module may import which, what `import minigrad` costs, and what is shipped."""

import ast
import fnmatch
import graphlib
import io
import re
import shutil
import subprocess
import sys
import tokenize
from pathlib import Path

import pytest

import minigrad

PACKAGE = Path(minigrad.__file__).parent
ROOT = Path(__file__).parents[1]

# A module imports only from its own row and the rows above it.
HOUSE = [
    {"build_info", "engine", "kernels", "memory", "walk"},
    {"backends", "config", "cuda", "devices", "dtypes", "printing", "random", "size"},
    {"ops"},
    {"autograd"},
    {"tensor"},
    {"data", "nn", "optim", "serialization", "utils"},
    {""},  # the face of the package
    {"teach"},
    {"run"},
]
EXTRAS = {"matplotlib", "mlxtend", "pooch", "tqdm"}

in_source_folder = pytest.mark.skipif(
    not (ROOT / "setup.py").exists(), reason="the tests run against an installed package"
)


def module_name(path):
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {
    module_name(path): path for suffix in ("py", "pyx") for path in PACKAGE.rglob(f"*.{suffix}")
}


def parse(path):
    """The syntax tree of a Python file; of a Cython file, that of its import statements."""
    source = path.read_text()
    if path.suffix == ".pyx":
        statement = r"^[ \t]*((?:from[ \t]+\S+[ \t]+)?c?import[ \t]+(?:\([^)]*\)|[^\n#]+))"
        source = "\n".join(re.findall(statement, source, re.MULTILINE)).replace("cimport", "import")
    return ast.parse(source)


def statements(node, inside_functions):
    """The nodes under `node`, those in the bodies of functions only if asked for."""
    for child in ast.iter_child_nodes(node):
        if inside_functions or not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            yield child
            yield from statements(child, inside_functions)


def imports(name, path, inside_functions=True):
    """The full names of all modules that one module imports, late imports included."""
    package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
    for node in statements(parse(path), inside_functions):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join(above + ([node.module] if node.module else []))
            for alias in node.names:
                submodule = f"{base}.{alias.name}"
                yield submodule if submodule in MODULES else base


def run_python(*arguments, **options):
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, timeout=60, **options
    )


def row(name):
    """The row of a module in the house."""
    room = name.partition(".")[2].partition(".")[0]
    rows = [i for i, rooms in enumerate(HOUSE) if room in rooms]
    assert rows, f"{name} has no place in the house: give it one in HOUSE"
    return rows[0]


@pytest.mark.parametrize("name", sorted(MODULES.keys() - {"minigrad", "minigrad.__main__"}))
def test_imports_go_from_right_to_left(name):
    targets = {target for target in imports(name, MODULES[name]) if target.startswith("minigrad")}
    wrong = sorted(target for target in targets if row(target) > row(name))
    assert not wrong, f"{name} imports {wrong}"


def test_imports_make_no_cycle():
    graph = {name: set(imports(name, path)) & MODULES.keys() for name, path in MODULES.items()}
    graphlib.TopologicalSorter(graph).prepare()  # CycleError shows the cycle


def test_the_package_never_imports_torch_and_extras_only_inside_functions():
    for name, path in MODULES.items():
        everywhere = {target.partition(".")[0] for target in imports(name, path)}
        at_import = {
            target.partition(".")[0] for target in imports(name, path, inside_functions=False)
        }
        assert "torch" not in everywhere, name
        assert not at_import & EXTRAS, name


def test_import_minigrad_imports_little():
    count = "old = set(sys.modules); import minigrad; print(*set(sys.modules) - old)"
    process = run_python("-c", f"import numpy, sys; {count}")
    assert process.returncode == 0, process.stderr
    new = set(process.stdout.split())
    slow = new & (EXTRAS | {"torch", "safetensors", "threadpoolctl", "importlib.metadata"})
    assert not slow
    others = sorted(name for name in new if not name.startswith("minigrad"))
    assert len(others) < 60, others


def test_no_file_is_too_long_to_read():
    lines = {
        str(path.relative_to(PACKAGE)): len(path.read_text().splitlines())
        for suffix in ("py", "pyx", "pxd", "pyi", "h", "html", "css", "js")
        for path in PACKAGE.rglob(f"*.{suffix}")
    }
    assert not {name: n for name, n in lines.items() if n > 600}


CORE = {"engine", "walk", "memory", "kernels", "ops", "tensor", "nn", "optim", "data"}


def lines_of_code(path):
    """How many lines hold code: no blank ones, no comments, no docstrings."""
    text = path.read_text()
    if path.suffix == ".h":
        return len([line for line in re.sub(r"/\*.*?\*/|//[^\n]*", "", text, flags=re.S).splitlines() if line.strip()])
    found, statement = set(), []
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.NEWLINE:
            if [t.type for t in statement] != [tokenize.STRING]:
                found.update(n for t in statement for n in range(t.start[0], t.end[0] + 1))
            statement = []
        elif token.type not in (tokenize.COMMENT, tokenize.NL, tokenize.INDENT, tokenize.DEDENT):
            statement.append(token)
    return len(found)


@in_source_folder
def test_the_readme_states_how_large_the_core_is():
    files = [path for suffix in ("py", "pyx", "pxd", "h") for path in PACKAGE.rglob(f"*.{suffix}")
             if path.relative_to(PACKAGE).parts[0].partition(".")[0] in CORE]  # fmt: skip
    stated = re.search(r"The core .* is about ([\d,]+) lines of code", (ROOT / "README.md").read_text())[1]
    assert int(stated.replace(",", "")) == round(sum(map(lines_of_code, files)), -2)


def test_each_compiled_module_has_its_signatures_beside_it():
    assert (PACKAGE / "py.typed").exists()
    pyx = sorted(PACKAGE.rglob("*.pyx"))
    assert pyx, "the Cython sources are shipped, so that every file can be opened"
    assert not [path for path in pyx if not path.with_suffix(".pyi").exists()]


def test_an_unbuilt_package_says_how_to_build_it(tmp_path):
    compiled = shutil.ignore_patterns("*.so", "*.pyd", "__pycache__")
    shutil.copytree(PACKAGE, tmp_path / "minigrad", ignore=compiled)
    process = run_python("-c", "import minigrad", cwd=tmp_path)
    assert process.returncode == 1
    last_line = process.stderr.splitlines()[-1]
    assert last_line.startswith("ImportError: ") and "pip install" in last_line, process.stderr


@in_source_folder
def test_folders_of_scripts_are_not_packages():
    for folder in ("tests", "examples", "benchmarks"):
        assert not (ROOT / folder / "__init__.py").exists()


@in_source_folder
def test_the_sdist_holds_every_kind_of_file_in_the_package():
    lines = re.findall(r"recursive-include (minigrad\S*) (.*)", (ROOT / "MANIFEST.in").read_text())
    shipped = {path for folder, patterns in [*lines, ("minigrad", "*.py")] for pattern in patterns.split()
               for path in (ROOT / folder).rglob(pattern)}  # fmt: skip
    made = ["*.so", "*.pyd", "*.pyc", "*.c"]
    annotations = {path.with_suffix(".html") for path in PACKAGE.rglob("*.pyx")}  # of `cython -a`
    for path in (ROOT / "minigrad").rglob("*"):
        if path.is_file() and path not in annotations and not any(fnmatch.fnmatch(path.name, p) for p in made):
            assert path in shipped, path
