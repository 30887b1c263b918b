"""`python -m benchmarks [name …] [--quick] [--all]`: measure, print one table, write `RESULTS.md`."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import tempfile
import time
import traceback
from pathlib import Path

from .harness import Bench, Row, table
from .results import Group, save

GROUPS = (
    "log_call",
    "throughput",
    "exit_and_memory",
    "open_close",
    "bytes_per_point",
    "series_read",
    "many_experiments",
    "first_look",
    "catalog",
    "group_catalog",
    "lineage",
    "server",
    "uploads",
    "accepting",
    "mlflow_server",
    "group",
    "page",
    "imports",
    "light",
    "first_point",
    "capture",
    "verdict",
    "saving_files",
    "forwarding",
    "importing",
    "syncing",
    "peers",
)


def main() -> int:
    """Run the groups asked for; the exit code is 1 when one could not be measured."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=f"of {', '.join(GROUPS)}")
    parser.add_argument(
        "--quick", action="store_true", help="only prove that it runs; keep nothing"
    )
    parser.add_argument(
        "--all", action="store_true", help="also what takes minutes: large sets in the browser"
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
    # What the experiments of the measurements say on the terminal is not part of the table.
    os.environ.setdefault("ANEW_QUIET", "1")
    # Nor does measuring keep the commit that is measured: that is the user's to decide.
    os.environ.setdefault("ANEW_KEEP_COMMITS", "off")
    # Modules are compiled once and kept, as everywhere but on machines that are told not to.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    rows: list[Row] = []
    failed = False
    with tempfile.TemporaryDirectory(prefix="anew-bench-", dir=arguments.scratch) as scratch:
        bench = Bench(Path(scratch), arguments.quick, arguments.all)
        for name in arguments.names or GROUPS:
            print(f"{time.strftime('%H:%M:%S')}  {name} …", file=sys.stderr, flush=True)
            group = measure(name, bench)
            failed |= group.failed
            rows += group.rows
            if not arguments.quick:
                save(group)
    print(table(rows))
    return int(failed)


def measure(name: str, bench: Bench) -> Group:
    """The rows of one group; a group that breaks off keeps its rows so far and one with the error."""
    group = Group(name, load=os.getloadavg()[0])
    started = time.perf_counter()
    try:
        for row in importlib.import_module(f"benchmarks.{name}").run(bench):
            group.rows.append(row)
    except Exception as error:  # noqa: BLE001  (one broken group must not cost the others)
        traceback.print_exc()
        group.failed = True
        group.rows.append(
            Row(f"{name}: not measured", " ".join(repr(error).split())[:100], reached=False)
        )
    group.seconds = time.perf_counter() - started
    return group


if __name__ == "__main__":
    sys.exit(main())
