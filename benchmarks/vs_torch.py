"""Time minigrad beside PyTorch, and say where minigrad loses.

    python benchmarks/vs_torch.py                                 all suites but epoch: half an hour or more
    python benchmarks/vs_torch.py --suite conv pool --threads 1   some of them
    python benchmarks/vs_torch.py --only conv2 --rounds 1         rows with conv2 in their name
    python benchmarks/vs_torch.py --table runs/benchmarks/vs_torch.json

PyTorch runs as it comes ("default": contiguous, eager), with channels_last, and, for LeNet-5, with
torch.compile. Every round of every variant is a process of its own (measure.py), and the variants
take turns, so that none warms the machine for another. A figure is the median over the rounds; a
ratio is PyTorch's figure / minigrad's: above 1, minigrad is better. Nothing else should run meanwhile.
The tables are printed; vs_torch.json and vs_torch.png are in the output folder afterwards.
"""

import argparse
import contextlib
import datetime
import importlib.metadata
import importlib.util
import json
import os
import platform
import statistics
import subprocess
import sys
from pathlib import Path

import picture
import report
from measure import Library, machine_limit, measure
from suites import SUITES


def main(arguments=None):
    options = parse(arguments)
    if options.table:
        print(report.tables(json.loads(options.table.read_text())))
    elif options.measure:
        variant, *names = options.measure
        rows = [row for row in SUITES[options.suite[0]]() if row.name in names]
        print(json.dumps(measure(rows, Library(variant, options.threads[0]), options.budget)))
    elif options.machine:
        print(json.dumps(machine_limit()))
    elif importlib.util.find_spec("torch") is None:
        sys.exit("PyTorch is not installed: this command needs it, `python -m pip install torch==2.13.0`.")
    else:
        compare(options)


def parse(arguments):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = [suite for suite in SUITES if suite != "epoch"]
    parser.add_argument("--suite", nargs="+", choices=SUITES, default=default, metavar="NAME",
                        help=f"of {', '.join(SUITES)}")
    parser.add_argument("--threads", type=numbers, default=[1, 2], metavar="N,N", help="default: 1,2")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="processes for each figure (3)")
    parser.add_argument("--budget", type=float, default=0.2, metavar="S", help="seconds for each row (0.2)")
    parser.add_argument("--only", default="", metavar="TEXT", help="rows with this in their name")
    parser.add_argument("--output", type=Path, default=Path("runs/benchmarks"), metavar="DIR")
    parser.add_argument("--table", type=Path, metavar="FILE", help="print the tables of an earlier run")
    parser.add_argument("--measure", nargs="+", help=argparse.SUPPRESS)  # in a process of its own
    parser.add_argument("--machine", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


def numbers(text):
    return [int(number) for number in text.split(",")]


def compare(options):
    run = {"machine": machine(), "rounds": options.rounds, "budget": options.budget, "rows": []}
    options.output.mkdir(parents=True, exist_ok=True)
    for suite in options.suite:
        for threads in options.threads:
            rows = [row for row in SUITES[suite]() if options.only in row.name]
            run["rows"] += measured(suite, rows, threads, options)
            (options.output / "vs_torch.json").write_text(json.dumps(run, indent=1))
    print(report.tables(run))
    picture.draw(run, options.output / "vs_torch.png")


def machine():
    """What was measured on what: the head of every table."""
    return {
        "cpu": cpu_name(),
        "cores": os.cpu_count(),
        "date": datetime.date.today().isoformat(),
        "python": platform.python_version(),
        "torch": importlib.metadata.version("torch"),
        **in_own_process(threads=1, arguments=["--machine"]),
    }


def cpu_name():
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def measured(suite, rows, threads, options):
    """The rows with the figure of each variant: the medians over the rounds."""
    found = {row.name: {variant: [] for variant in row.variants} for row in rows}
    for i in range(options.rounds):
        for variant in dict.fromkeys(variant for row in rows for variant in row.variants):
            names = [row.name for row in rows if variant in row.variants]
            # A peak of memory can be seen once in the life of a process.
            for batch in [[name] for name in names] if suite == "memory" else [names]:
                title = f"{suite}, {report.count(threads, 'thread')}, round {i + 1} of {options.rounds}: {variant}"
                print(title, *batch[:1] if suite == "memory" else (), sep=", ", file=sys.stderr)
                for name, figure in figures(suite, batch, variant, threads, options.budget).items():
                    found[name][variant].append(figure)
    return [
        {"suite": suite, "threads": threads, **row.description(), "figures": summary(found[row.name])}
        for row in rows
    ]


def figures(suite, names, variant, threads, budget):
    """{name: figure, or text that says what failed}."""
    arguments = ["--suite", suite, "--threads", str(threads), "--budget", str(budget)]
    try:
        return in_own_process(threads, [*arguments, "--measure", variant, *names])
    except subprocess.CalledProcessError as error:
        last_line = (error.stderr.strip().splitlines() or [""])[-1]
        return dict.fromkeys(names, f"the process ended with code {error.returncode}: {last_line}")


def in_own_process(threads, arguments):
    """What this file prints when it is called with these arguments."""
    limits = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    environment = {**os.environ, **dict.fromkeys(limits, str(threads)), "TORCHINDUCTOR_COMPILE_THREADS": "1"}
    command = [sys.executable, __file__, *arguments]
    process = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    return json.loads(process.stdout.splitlines()[-1])


def summary(found):
    """The median of each variant's figures, or what failed."""
    return {
        variant: next((figure for figure in figures if isinstance(figure, str)), None) or statistics.median(figures)
        for variant, figures in found.items()
    }


if __name__ == "__main__":
    main()
