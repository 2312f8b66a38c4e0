"""`python -m minigrad.run FILE [arguments]`: run PyTorch code on minigrad, unchanged.

In FILE, `torch`, `torch.nn`, `torch.utils.data` and their kind mean minigrad, and `d2l.torch` means
`minigrad.teach.d2l`. FILE is one of

- a Python script;
- a notebook (.ipynb), or a script in cells that begin with `# %%`;
- the text of a notebook, in which each cell begins with a line `In [1]:` and its output, or prose,
  follows after an empty line.

The cells run in order, and the value of a last line that is an expression is printed, as in a notebook.
Lines for the notebook itself (`%matplotlib inline`, `!ls`) are left out. What the file uses by name and
minigrad has not is listed first, and is an AttributeError or ImportError where the file comes to it.
`--check` before FILE only lists, and exits with 1 if there is anything on the list.
"""

import ast
import importlib
import json
import linecache
import re
import sys
import traceback
import types
from pathlib import Path

# What stands for each module of PyTorch; "" for a place that only holds others.
MODULES = {f"torch{place}": f"minigrad{place}" for place in (
    "", ".autograd", ".autograd.function", ".backends", ".cuda", ".nn", ".nn.functional", ".nn.init", ".nn.parameter",
    ".nn.utils", ".optim", ".optim.lr_scheduler", ".optim.optimizer", ".utils",
    ".utils.data")} | {"d2l": "", "d2l.torch": "minigrad.teach.d2l"}  # fmt: skip
OTHERS = {"torchvision", "torchaudio"}  # they are made for PyTorch: with minigrad in its place they would fail oddly

MARK = re.compile(r"^In ?\[[\d ]*\]:[ \t]*(.*)$|^# ?%%.*()$", re.MULTILINE)
OUTPUT = ("tensor(", "torch.Size(", "Parameter containing:", "[tensor(", "(tensor(")


# ---- names


class Alias(types.ModuleType):
    """A module under PyTorch's name. It has what minigrad's module has, and says what it has not."""

    __path__ = ()  # so that Python asks Finder for the modules inside

    def __init__(self, name, target):
        super().__init__(name, f"minigrad under the name of {name}")
        self.__dict__["_target"] = importlib.import_module(target) if target else None

    def __getattr__(self, name):
        if name == "__all__":  # of `from torch.nn import *`
            return [public for public in dir(self._target) if not public.startswith("_")]
        try:
            return getattr(self._target, name)
        except AttributeError:
            raise AttributeError(f"minigrad has no {self.__name__}.{name}", name=name, obj=self) from None


class Finder:
    """The last word on modules of PyTorch that have no alias."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        if name.partition(".")[0] in {"torch", "d2l"} | OTHERS:
            raise ImportError(f"minigrad has no {name}")


def aliases():
    """The modules under PyTorch's names, to be put into sys.modules."""
    made = {name: Alias(name, target) for name, target in MODULES.items()}
    for name, module in made.items():
        above, _, last = name.rpartition(".")
        if above:
            setattr(made[above], last, module)
    made["torch.backends.cudnn"] = made["torch.backends"].cudnn  # settings, which `import` takes for a module
    return made


def missing_names(tree, known):
    """{name: line} of what the code uses of the modules `known` and they do not have."""
    bound, used = {}, []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for item in node.names:
                used.append((item.name, node.lineno))
                first = item.name.partition(".")[0]
                bound[item.asname or first] = item.name if item.asname else first
        elif isinstance(node, ast.ImportFrom) and not node.level:
            for item in node.names:
                used.append((f"{node.module}.{item.name}".removesuffix(".*"), node.lineno))
                bound[item.asname or item.name] = f"{node.module}.{item.name}"
    for node in ast.walk(tree):
        chain, line = [], getattr(node, "lineno", 0)
        while isinstance(node, ast.Attribute):
            chain.insert(0, node.attr)
            node = node.value
        if chain and isinstance(node, ast.Name) and node.id in bound:
            used.append((".".join([bound[node.id], *chain]), line))
    missing = {}
    for name, line in sorted(used, key=lambda item: item[::-1]):
        lost = _first_missing(name, known)
        if lost:
            missing.setdefault(lost, line)
    return missing


def _first_missing(name, known):
    root, *rest = name.split(".")
    found = known.get(root)
    if found is None:
        return root if root in OTHERS else None
    for i, part in enumerate(rest, 1):
        if not hasattr(found, part):
            return ".".join([root, *rest[:i]])
        found = getattr(found, part)
        if not isinstance(found, (types.ModuleType, type)):
            return None


# ---- cells


def cells(path):
    """[(source, name of its file, lines before it there)], and whether they are a notebook's."""
    text = Path(path).read_text(encoding="utf-8")
    if Path(path).suffix == ".ipynb":
        try:
            sources = ["".join(cell["source"]) for cell in json.loads(text)["cells"] if cell["cell_type"] == "code"]
        except (KeyError, TypeError):
            raise ValueError(f"{path} is not a notebook: it has no list of cells with a type and a source") from None
        found = [(source, f"{path}[{i}]", 0) for i, source in enumerate(sources, 1)]
        for source, name, _ in found:  # for tracebacks, which show the line
            linecache.cache[name] = len(source), None, source.splitlines(keepends=True), name
        return [(_without_magics(source), name, before) for source, name, before in found], True
    marks = list(MARK.finditer(text))
    if not marks:
        return [(text, path, 0)], False
    found = []
    if marks[0][0].startswith("#"):
        found.append((text[:marks[0].start()], path, 0))
    for mark, end in zip(marks, [m.start() for m in marks[1:]] + [len(text)]):
        start = mark.start(1) if mark[1] else mark.end()
        source = _without_magics(text[start:end])
        source = source if mark[0].startswith("#") else code_of(source)
        found.append((source, path, text.count("\n", 0, start)))
    return found, True


def code_of(text):
    """The code at the beginning of a cell's text; its output, or prose, follows after an empty line."""
    parts, code = re.split(r"(\n[ \t]*\n)", text), ""
    for i in range(0, len(parts), 2):
        if code and parts[i].startswith(OUTPUT):
            break
        longer = "".join(parts[:i + 1])
        if _parses(longer) or not code:
            code = longer
    return code


def _parses(source):
    try:
        ast.parse(source)
    except SyntaxError:
        return False
    return True


def _without_magics(source):
    if re.match(r"\s*%%(?!time)", source):
        return ""  # a cell in another language
    return source if _parses(source) else re.sub(r"^([ \t]*)[%!].*$", r"\1pass", source, flags=re.MULTILINE)


def run_cell(source, name, before, names, echo):
    """Run one cell in the dict `names`; with `echo`, print the value of a last expression."""
    tree = ast.parse("\n" * before + source, name)
    last = tree.body.pop() if echo and tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, name, "exec"), names)
    if last is not None:
        value = eval(compile(ast.Expression(last.value), name, "eval"), names)
        if value is not None and not source.rstrip().endswith(";"):
            print(repr(value))


# ---- the command


def main(arguments):
    """Run the command; returns its exit code."""
    check = arguments[:1] == ["--check"]
    arguments = arguments[check:]
    if not arguments or arguments[0] in ("-h", "--help"):
        print(__doc__)
        return 0 if arguments else 2
    path = arguments[0]
    if path.startswith("-"):
        print(f"there is no option {path}: write python -m minigrad.run [--check] FILE [arguments]", file=sys.stderr)
        return 2
    try:
        parts, echo = cells(path)
        trees = [ast.parse("\n" * before + source, name) for source, name, before in parts]
    except (OSError, SyntaxError, ValueError) as error:
        print(*traceback.format_exception_only(error), sep="", end="", file=sys.stderr)
        return 1
    known = aliases()
    missing = missing_names(ast.Module([node for tree in trees for node in tree.body], []), known)
    if missing:
        listed = ", ".join(f"{name} (line {line})" for name, line in missing.items())
        print(f"{path} uses names that minigrad does not have: {listed}", file=sys.stderr, flush=True)
    if check:
        return 1 if missing else 0
    sys.modules.update(known)
    sys.meta_path.insert(0, Finder)
    sys.argv, sys.path[0] = arguments, str(Path(path).resolve().parent)
    module = sys.modules["__main__"] = types.ModuleType("__main__")
    module.__file__ = path
    try:
        for source, name, before in parts:
            run_cell(source, name, before, vars(module), echo)
    except Exception as error:
        report = traceback.TracebackException.from_exception(error)
        report.stack[:] = [frame for frame in report.stack if frame.filename != __file__]  # the user's code alone
        print(*report.format(), sep="", end="", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
