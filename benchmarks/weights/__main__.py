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
PACKAGES = ("anew", "numpy", "zstandard", "blake3", "blosc2", "safetensors", "torch")
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
    missed = False
    for name in arguments.names or GROUPS:
        print(f"{time.strftime('%H:%M:%S')}  {name} …", file=sys.stderr, flush=True)
        with tempfile.TemporaryDirectory(prefix="weights-", dir=arguments.scratch) as scratch:
            rows = GROUPS[name](Path(scratch), arguments.quick)
        print(_table(rows), flush=True)
        missed |= any(row.reached is False for row in rows)
        if not arguments.quick:
            _keep(name, _table(rows))
    return 1 if missed and not arguments.quick else 0


def _keep(name: str, table: str) -> None:
    """Put a group's table into the page, in place of the one from its last run."""
    sections = {}
    if RESULTS.exists():
        for part in RESULTS.read_text().split("\n## ")[1:]:
            title, _, body = part.partition("\n")
            sections[title] = body.strip()
    sections[name] = (
        f"{(GROUPS[name].__doc__ or '').splitlines()[0]} Measured {time.strftime('%Y-%m-%d')}.\n\n{table}"
    )
    body = "\n\n".join(f"## {group}\n\n{sections[group]}" for group in GROUPS if group in sections)
    RESULTS.write_text(f"{_head()}\n{body}\n")


def _table(rows: list[Row]) -> str:
    marks = {True: "yes", False: "**no**", None: ""}
    lines = ["| what | ours | beside | target | met |", "|---|---|---|---|---|"]
    lines += [
        f"| {row.what} | {row.ours} | {row.beside} | {row.target} | {marks[row.reached]} |"
        for row in rows
    ]
    return "\n".join(lines)


def _head() -> str:
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    memory_gb = psutil.virtual_memory().total / 1e9
    return f"""# Weights: measurements

`python -m benchmarks.weights`. {os.cpu_count()} cores, {memory_gb:.0f} GB of memory, {platform.system()},
Python {platform.python_version()}; {versions},
{checkpoints.CORAL.replace("==", " ")}.

A group's figures are of one run, in which ours and what stands beside it are measured in rounds that alternate; they are
medians over the rounds, and ratios are medians of each round's ratio. Other programs kept the same cores busy (more
threads ready to run than cores, most of the time), so absolute times are upper bounds and the ratios are what counts.
"""


if __name__ == "__main__":
    sys.exit(main())
