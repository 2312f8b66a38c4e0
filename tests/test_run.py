"""`python -m minigrad.run`: scripts, notebooks and texts of notebooks on minigrad, under PyTorch's names."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from minigrad import run

SEEDS = Path(__file__).parent / "seeds"


def python(*arguments, **options):
    return subprocess.run([sys.executable, "-m", "minigrad.run", *map(str, arguments)], capture_output=True,
                          text=True, timeout=60, **options)


def written(path, text):
    path.write_text(text, encoding="utf-8")
    return path


SCRIPT = """\
import sys
import torch
import torch.nn as nn, torch.nn.functional as F
import torch.utils.data
from torch.utils.data import DataLoader, TensorDataset
from torch.optim import SGD
from torch.autograd import grad
from torch.autograd.function import once_differentiable
from d2l import torch as d2l
import beside

print(__name__, __file__, sys.argv[1:], beside.value)
x = torch.tensor([1.0, 2.0], requires_grad=True)
print(grad((x ** 2).sum(), x), torch.cuda.is_available(), torch.device("cpu"))
assert torch.nn is nn and torch.nn.functional is F and torch.utils.data.DataLoader is DataLoader
assert isinstance(nn.Linear(1, 1), torch.nn.Module) and d2l.cpu() == torch.device("cpu")
from torch.nn import *
assert not hasattr(torch, "compile") and Linear is nn.Linear
x
sys.exit(3)
"""


def test_a_script(tmp_path):
    written(tmp_path / "beside.py", "import torch\nvalue = torch.arange(3).sum().item()\n")
    path = written(tmp_path / "script.py", SCRIPT)
    done = python(path, "a", "--check")
    assert done.stderr == "" and done.returncode == 3
    assert done.stdout.splitlines() == [
        f"__main__ {path} ['a', '--check'] 3", "(tensor([2., 4.]),) False cpu"]  # a script does not echo


CELLS = [
    ["%matplotlib inline\n", "!echo no\n", "import torch\n", "for i in range(2):\n", "    %time\n", "    x = i\n"],
    ["%%bash\n", "exit 1"],
    ["y = torch.ones(2)\n", "y; y + 1"],
    ["y;"],
    ["z = torch.zeros(\n", "    1)\n", "None"],
    ["def f():\n", "    return 1 / 0\n", "f()"],
]


def test_a_notebook(tmp_path):
    cells = [{"cell_type": "markdown", "source": ["# not code"]}]
    cells += [{"cell_type": "code", "source": source, "outputs": []} for source in CELLS]
    path = written(tmp_path / "n.ipynb", json.dumps({"cells": cells, "nbformat": 4}))
    done = python(path)
    assert done.stdout == "tensor([2., 2.])\n" and done.returncode == 1
    trace = done.stderr.splitlines()
    assert trace[0].startswith("Traceback") and trace[-1] == "ZeroDivisionError: division by zero"
    assert trace[1] == f'  File "{path}[6]", line 3, in <module>' and trace[2].strip() == "f()"
    assert f'  File "{path}[6]", line 2, in f' in trace and "run.py" not in done.stderr


def test_cells_in_a_script(tmp_path):
    path = written(tmp_path / "cells.py", "import torch\n# %% one\nx = torch.ones(1)\nx\n\n#%%\n%pwd\nx + 1\n\n"
                                          "# %% [markdown]\n# # prose\n# %%\nx @ 1\n")
    done = python(path)
    assert done.stdout == "tensor([1.])\ntensor([2.])\n" and done.returncode == 1
    assert f'File "{path}", line 13' in done.stderr and "TypeError" in done.stderr


@pytest.mark.parametrize("name, first, last", [
    ("from_dense_to_convolution", "tensor([[19., 25.],", "tensor([["),
    ("understanding_convolutions", "tensor([[19., 25.],", "tensor(["),
])
def test_the_text_of_a_notebook(name, first, last):
    done = python(SEEDS / f"{name}.txt")
    lines = done.stdout.splitlines()
    assert (done.returncode, done.stderr) == (0, "")
    assert lines[0] == first and lines[-1].startswith(last)


@pytest.mark.parametrize("text, code", [
    ("x = 1\n\ny = 2\n", "x = 1\n\ny = 2\n"),
    ("x\n\ntensor([1.])\n", "x"),
    ("x\n\n\n5 apples\n", "x"),
    ("f('''\n\na''')\n\nx.shape\n\ntorch.Size([1])", "f('''\n\na''')\n\nx.shape"),
    ("def f():\n    a\n\n    b\n\nSome prose, here.\n", "def f():\n    a\n\n    b"),
    ("x =\n\nprose here", "x ="),
    ("", ""),
])
def test_where_the_code_of_a_cell_ends(text, code):
    assert run.code_of(text) == code


MISSING = """\
import torch, os.path
from torch import nn, nothing
from torch.nn import LSTM as Memory, Linear
import torchvision.transforms as T
from d2l import torch as d2l, jax
if os.path.exists(''):
    torch.fft.rfft(torch.ones(1)); nn.Transformer(); nn.Linear(1, 1).anything; torch.fft.fft; d2l.BERT
    torch.Tensor.add, torch.Tensor.cholesky
"""


def test_missing_names_are_listed(tmp_path):
    path = written(tmp_path / "missing.py", MISSING)
    names = ["torch.nothing (line 2)", "torch.nn.LSTM (line 3)", "torchvision (line 4)", "d2l.jax (line 5)",
             "d2l.torch.BERT (line 7)", "torch.fft (line 7)", "torch.nn.Transformer (line 7)",
             "torch.Tensor.cholesky (line 8)"]
    listed = f"{path} uses names that minigrad does not have: {', '.join(names)}\n"
    done = python("--check", path)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", listed)
    done = python(path)
    assert done.returncode == 1 and done.stderr.startswith(listed)
    assert f'File "{path}", line 2' in done.stderr
    assert done.stderr.splitlines()[-1] == "ImportError: minigrad has no torch.nothing"
    assert python("--check", written(tmp_path / "good.py", "import torch\ntorch.ones(1)")).returncode == 0


ERRORS = {
    "torch.fft.rfft(torch.ones(1))": "AttributeError: minigrad has no torch.fft",
    "getattr(torch.nn, 'LSTM')": "AttributeError: minigrad has no torch.nn.LSTM",
    "torch.ones(1).cholesky()": "AttributeError: 'Tensor' object has no attribute 'cholesky'",
    "import torch.fft": "ImportError: minigrad has no torch.fft",
    "from torch.nn import LSTM": "ImportError: minigrad has no torch.nn.LSTM",
    "from torch.utils.tensorboard import SummaryWriter": "ImportError: minigrad has no torch.utils.tensorboard",
    "from torchvision import transforms": "ImportError: minigrad has no torchvision",
    "torch.ones(1, device='cuda')": "RuntimeError: minigrad runs on the CPU: there is no device 'cuda'",
}


def test_a_missing_name_says_so_where_it_is_used(tmp_path):
    source = "import torch\nfor line in open(__file__ + '.lines'):\n    try:\n        exec(line)\n" \
             "    except Exception as error:\n        print(f'{type(error).__name__}: {error}')\nimport torch.fft"
    path = written(tmp_path / "x.py", source)
    written(tmp_path / "x.py.lines", "\n".join(ERRORS))
    done = python(path)
    assert done.stdout.splitlines() == list(ERRORS.values())
    assert done.returncode == 1 and done.stderr.splitlines()[-1] == "ImportError: minigrad has no torch.fft"
    assert f'File "{path}", line 7' in done.stderr and "run.py" not in done.stderr


def test_bad_files(tmp_path):
    assert "No such file" in python(tmp_path / "none.py").stderr
    done = python(written(tmp_path / "bad.py", "x = 1\nif\n"))
    assert done.returncode == 1 and "line 2" in done.stderr and done.stderr.splitlines()[-1].startswith("SyntaxError")
    assert python().returncode == 2 and python("--help").returncode == 0
    done = python("--chek", tmp_path / "bad.py")
    assert done.returncode == 2 and "there is no option --chek" in done.stderr and "--check" in done.stderr


@pytest.mark.parametrize("text", ["{}", "[]", "null", '{"cells": 3}', '{"cells": [3]}', '{"cells": [{"source": ""}]}',
                                  '{"cells": [{"cell_type": "code", "source": null}]}'])
def test_a_damaged_notebook(text, tmp_path, capsys):
    path = written(tmp_path / "n.ipynb", text)
    assert run.main([str(path)]) == 1
    message = "is not a notebook: it has no list of cells with a type and a source"
    assert capsys.readouterr().err == f"ValueError: {path} {message}\n"


def test_every_alias_is_there():
    assert run.aliases().keys() == run.MODULES.keys() | {"torch.backends.cudnn"}


BOILERPLATE = """\
import torch
import torch.backends.cudnn as cudnn
from torch.optim.optimizer import Optimizer

device = torch.device("cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu")
torch.cuda.manual_seed(0)
torch.cuda.manual_seed_all(0)
torch.cuda.empty_cache()
print(device, torch.cuda.device_count(), torch.cuda.memory_allocated(), torch.cuda.max_memory_allocated())
print(cudnn.enabled, cudnn.benchmark, cudnn.deterministic, cudnn.is_available(), torch.backends.mps.is_built())
cudnn.deterministic, cudnn.benchmark, torch.backends.cudnn.enabled = True, True, False
torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
assert torch.backends.cudnn is cudnn and cudnn.deterministic and not cudnn.enabled
assert issubclass(torch.optim.SGD, Optimizer)
"""


def test_what_scripts_set_before_they_begin(tmp_path):
    path = written(tmp_path / "boilerplate.py", BOILERPLATE)
    done = python(path)
    theirs = subprocess.run([sys.executable, path], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == (theirs.stdout, theirs.stderr)
    assert done.stdout == "cpu 0 0 0\nTrue False False False False\n"
