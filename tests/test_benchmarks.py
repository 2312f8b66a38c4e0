"""The benchmark command: what it measures, and what it makes of the figures. No times are tested."""

import json
import math
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
if not BENCHMARKS.exists():
    pytest.skip("the tests run against an installed package", allow_module_level=True)
sys.path.append(str(BENCHMARKS))

import measure  # noqa: E402
import picture  # noqa: E402
import report  # noqa: E402
import vs_torch  # noqa: E402
from suites import SUITES  # noqa: E402


def all_rows():
    return {row.name: row for suite in SUITES.values() for row in suite()}


def test_row_names_are_unique_and_the_sweep_is_the_same_in_every_process():
    assert len(all_rows()) == sum(len(suite()) for suite in SUITES.values())
    assert [row.name for row in SUITES["sweep"]()] == [row.name for row in SUITES["sweep"]()]


@pytest.mark.parametrize("name, flops", [
    # An output number of conv1 is a sum over 5 x 5; its input needs no gradient, so two products.
    ("LeNet conv1, batch 64, forward+backward (w, b)", 2 * 2 * (64 * 20 * 28 * 28) * (5 * 5)),
    ("LeNet conv2, batch 1, forward", 2 * (20 * 10 * 10) * (20 * 5 * 5)),
    # Stride 2 and padding 3 make 112 of 224; each of 64 / 4 channels in a group; a depthwise sum is 3 x 3.
    ("7x7 s2 p3 3->64 at 224, batch 8, forward", 2 * (8 * 64 * 112 * 112) * (3 * 7 * 7)),
    ("3x3 g4 p1 64->64 at 28, batch 8, forward", 2 * (8 * 64 * 28 * 28) * (16 * 3 * 3)),
    ("3x3 g64 p1 64->64 at 56, batch 8, forward+backward", 3 * 2 * (8 * 64 * 56 * 56) * (3 * 3)),
])  # fmt: skip
def test_flops_are_those_counted_by_hand(name, flops):
    assert all_rows()[name].flops == flops


SMALL = (
    "LeNet conv1, batch 1, forward",
    "LeNet conv1, batch 1, forward+backward (w, b)",
    "LeNet conv2, batch 1 float64, forward+backward",
    "max_pool2d 2x2 on 64x20x10x10, forward",
    "max_pool2d 2x2 on 64x20x10x10, forward+backward",
    "LeNet-5 training step, batch 1",
    "LeNet-5 training step, batch 64 float64",
    "LeNet-5 inference, batch 1",
    "y = y * c + c 20 times on 4x4, backward",
    "MLP 784-100-10, training step, batch 1",
)


@pytest.mark.parametrize("variant", ["minigrad", "default", "channels_last"])
def test_rows_of_every_kind_run_in_both_libraries(variant, monkeypatch):
    library = measure.Library(variant, threads=1)
    small = [row for name, row in all_rows().items() if name in SMALL and variant in row.variants]
    assert len(small) >= len(SMALL) - 2
    monkeypatch.setattr(measure, "timed", lambda run: 1.0)  # after the warm-up call, which is a real one
    assert measure.measure(small, library, budget=0) == dict.fromkeys((row.name for row in small), 1.0)


def test_forward_backward_leaves_gradients_of_one_call():
    import minigrad

    x = minigrad.tensor([1.0, 2.0])
    run = measure.forward_backward(lambda: x * x, [x], minigrad.tensor([1.0, 10.0]))
    run(), run()
    assert x.grad.tolist() == [2.0, 40.0]


def test_a_row_that_fails_is_not_hidden():
    def setup(library):
        raise RuntimeError("no such thing\nmore")

    row = measure.Row("group", "name", setup)
    assert measure.measure([row], None, budget=0) == {"name": "RuntimeError: no such thing"}


def row(suite, name, figures, threads=1, unit="ms", flops=None):
    return {"suite": suite, "threads": threads, "group": f"{suite} group", "name": name, "unit": unit,
            "flops": flops, "dtype": "float32", "figures": figures}  # fmt: skip


@pytest.fixture
def run():
    versions = dict.fromkeys(("minigrad", "torch", "numpy", "python", "simd", "date"), "1.2.3")
    machine = {"cpu": "A Processor", "cores": 2, "limit": {"float32": 100.0, "float64": 50.0}, **versions}
    rows = [
        row("conv", "a", {"minigrad": 2.0, "default": 8.0, "channels_last": 1.0}, flops=1e8),
        row("conv", "b", {"minigrad": 1.0, "default": 1.0, "channels_last": 4.0}, flops=1e7),
        row("conv", "a", {"minigrad": 1.0, "default": 8.0, "channels_last": 4.0}, threads=2, flops=1e8),
        row("lenet", "c", {"minigrad": 1.5, "default": 3.0, "compile": "RuntimeError: no compiler"}),
        row("memory", "d", {"minigrad": 10.0, "default": 5.0}, unit="MiB"),
        *(row("sweep", f"e{i}", {"minigrad": 100.0, "default": 40.0 + i}, flops=1e6) for i in range(100)),
    ]
    return {"machine": machine, "rounds": 3, "budget": 0.2, "rows": rows}


def cells(text, first):
    """The cells of the first table line that begins so."""
    line = next(line for line in text.splitlines() if line.startswith(f"| {first} "))
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_tables_hold_times_ratios_shares_and_means(run):
    text = report.tables(run)
    # 1e8 in 2 ms is 50 GFLOP/s, half of the limit; the best of PyTorch does it in 1 ms.
    assert cells(text, "a") == ["a", "2.00", "8.00", "1.00", "4.00", "0.50", "50.0", "50%", "100%"]
    two_threads = text[text.index("### conv, 2 threads"):]
    assert cells(two_threads, "a")[-6:] == ["8.00", "4.00", "100.0", "50%", "12%", "2.00"]
    assert cells(text, "conv group") == ["conv group", "2.00", f"{math.sqrt(0.5):.2f}"]
    assert cells(text, "c") == ["c", "1.50", "3.00", "failed", "2.00", "2.00"]
    assert "torch.compile: RuntimeError: no compiler" in text
    assert "memory group" not in text


def test_of_the_sweep_the_worst_rows_are_shown(run):
    text = report.tables(run)
    assert "The worst 20 of 100 cases; 10 are under 0.5 and 60 are under 1." in text
    assert [line.split()[1] for line in text.splitlines() if line.startswith("| e")] == [f"e{i}" for i in range(20)]


def test_the_end_says_where_minigrad_loses(run):
    end = report.tables(run).split("minigrad loses in")[1].splitlines()[1:]
    assert end == ["- 0.50  conv, a, 1 thread", "- 0.50  memory, d, 1 thread"]


def test_a_run_without_figures_has_tables_too(run):
    for number, line in enumerate(run["rows"]):
        line["figures"] = dict.fromkeys(line["figures"], "RuntimeError") if number % 2 else {}
    assert "minigrad loses in no row" in report.tables(run)


def test_the_command_prints_the_tables_of_an_earlier_run(run, tmp_path, capsys):
    path = tmp_path / "vs_torch.json"
    path.write_text(json.dumps(run))
    vs_torch.main(["--table", str(path)])
    assert capsys.readouterr().out == report.tables(run) + "\n"


def test_figures_are_medians_over_the_rounds_unless_one_failed():
    found = {"minigrad": [3.0, 1.0, 2.0], "default": [1.0, "RuntimeError", 1.0]}
    assert vs_torch.summary(found) == {"minigrad": 2.0, "default": "RuntimeError"}


def test_rows_are_measured_in_processes_of_their_own():
    name = "y = y * c + c 20 times on 4x4, backward"
    figures = vs_torch.figures("overhead", [name], "minigrad", threads=1, budget=0.001)
    assert list(figures) == [name] and figures[name] > 0
    assert "code 1" in vs_torch.figures("overhead", [name], "no_variant", 0, 0.001)[name]


def test_without_pytorch_the_command_says_what_to_install(monkeypatch):
    monkeypatch.setattr(vs_torch.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SystemExit, match="pip install torch"):
        vs_torch.main([])


def test_the_picture_is_drawn(run, tmp_path):
    pytest.importorskip("matplotlib")
    run["rows"] = [line for line in run["rows"] if line["threads"] == 1]
    picture.draw(run, tmp_path / "picture.png")
    assert (tmp_path / "picture.png").stat().st_size > 10_000


def test_a_bar_stands_at_its_name_though_others_are_missing():
    """The epoch is measured with one number of threads alone."""
    axes = pytest.importorskip("matplotlib.figure").Figure().subplots()
    rows = [{"name": "first"}, {"name": "third"}]
    picture.bars(axes, rows, lambda row, variant: 2.0, ["default"], {"first": 0, "second": 1, "third": 2})
    assert [round(bar.get_y() + bar.get_height() / 2, 9) for bar in axes.patches] == [0, 2]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["first", "second", "third"]
