"""`python -m benchmarks.weights [group …] [--quick]`: measure, print, write `RESULTS.md`."""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

import psutil

from . import checkpoints, history, memory, restoring, storing
from .rounds import Row

GROUPS = {
    "unchanged": storing.unchanged,
    "two": storing.two_of_twenty,
    "all": storing.all_changed,
    "beside": storing.beside,
    "restore": restoring.restore,
    "checkpoints": checkpoints.checkpoints,
    "memory": memory.memory,
    "history": history.history,
}
PACKAGES = ("reenact", "numpy", "zstandard", "blake3", "blosc2", "safetensors", "torch")
RESULTS = Path(__file__).with_name("RESULTS.md")


def main() -> int:
    """Run the groups; the exit code is 1 when a target was missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.weights", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="group", help=f"of {', '.join(GROUPS)}")
    parser.add_argument(
        "--quick", action="store_true", help="only prove that it runs; keep nothing"
    )
    parser.add_argument(
        "--scratch", type=Path, help="where to write meanwhile (default: temporary)"
    )
    arguments = parser.parse_args()
    unknown = set(arguments.names) - set(GROUPS)
    if unknown:
        parser.error(
            f"no group is called {', '.join(sorted(unknown))}; there are {', '.join(GROUPS)}"
        )
    rows: list[Row] = []
    for name in arguments.names or GROUPS:
        print(f"{time.strftime('%H:%M:%S')}  {name} …", file=sys.stderr, flush=True)
        with tempfile.TemporaryDirectory(prefix="weights-", dir=arguments.scratch) as scratch:
            made = GROUPS[name](Path(scratch), arguments.quick)
        rows += made
        print(_table(made), flush=True)
    if not arguments.quick and not arguments.names:
        RESULTS.write_text(_page(rows))
    missed = [row.what for row in rows if row.reached is False]
    return 1 if missed and not arguments.quick else 0


def _table(rows: list[Row]) -> str:
    marks = {True: "yes", False: "**no**", None: ""}
    lines = ["| what | ours | beside | target | met |", "|---|---|---|---|---|"]
    lines += [
        f"| {row.what} | {row.ours} | {row.beside} | {row.target} | {marks[row.reached]} |"
        for row in rows
    ]
    return "\n".join(lines)


def _page(rows: list[Row]) -> str:
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    memory_gb = psutil.virtual_memory().total / 1e9
    return "\n".join(
        [
            "# Weights: measurements",
            "",
            f"`python -m benchmarks.weights`, {time.strftime('%Y-%m-%d')}. {os.cpu_count()} cores, "
            f"{memory_gb:.0f} GB of memory, {platform.system()}, Python {platform.python_version()}; "
            f"{versions}, {checkpoints.CORAL.replace('==', ' ')}.",
            "",
            "Ours and what stands beside it are measured in the same run, in rounds that alternate; the figures",
            "are medians over the rounds and ratios are medians of each round's ratio. Other programs were using",
            "the same cores during the run, so absolute times are upper bounds.",
            "",
            _table(rows),
            "",
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
