import os
import subprocess
import sys

import pytest
from threadpoolctl import threadpool_info

import minigrad
from minigrad import kernels


@pytest.fixture
def threads():
    before = minigrad.get_num_threads()
    yield
    minigrad.set_num_threads(before)


def blas_threads():
    return {lib["num_threads"] for lib in threadpool_info() if "numpy" in lib["filepath"]}


def test_set_num_threads_limits_kernels_and_blas(threads):
    minigrad.set_num_threads(1)
    assert minigrad.get_num_threads() == 1
    assert blas_threads() == {1}
    minigrad.set_num_threads(2)
    assert minigrad.get_num_threads() == (2 if kernels.has_openmp() else 1)
    assert blas_threads() == {2}


@pytest.mark.parametrize("n", [0, -1, 2.0, True, None, "2"])
def test_set_num_threads_refuses_what_pytorch_refuses(n, threads):
    torch = pytest.importorskip("torch")
    with pytest.raises(RuntimeError) as theirs:
        torch.set_num_threads(n)
    with pytest.raises(Exception) as ours:
        minigrad.set_num_threads(n)
    assert ours.type is theirs.type
    assert str(ours.value).startswith(str(theirs.value))


def test_show_config_tells_the_versions(capsys):
    minigrad.show_config()
    lines = dict(line.split(":", 1) for line in capsys.readouterr().out.splitlines())
    assert lines["minigrad"].strip() == minigrad.__version__
    assert lines["threads"].split()[0] == str(minigrad.get_num_threads())
    assert {"Python", "NumPy", "Cython", "compiler", "OpenMP", "SIMD", "BLAS"} <= lines.keys()


def test_an_unknown_instruction_set_names_the_variable_and_the_choices():
    command = [sys.executable, "-c", "import minigrad"]
    done = subprocess.run(command, env=os.environ | {"MINIGRAD_SIMD": "foo"}, capture_output=True, text=True)
    assert done.returncode == 1
    last_line = done.stderr.splitlines()[-1]
    assert last_line.startswith("ValueError: ")
    for word in ("MINIGRAD_SIMD", "'foo'", "baseline", "avx2", "avx512"):
        assert word in last_line
