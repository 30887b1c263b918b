"""Files of gigabytes that hold nothing: questions about all experiments stay bounded in memory."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from damages import GOOD, Bad, append, make_root, sow

pytestmark = pytest.mark.slow

GIGABYTE = 1 << 30
ASK = """
import resource, sys
import pandas, pyarrow
from click.testing import CliRunner
from anew import Store
from anew.cli.main import cli
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 1536 * 2**20,) * 2)
root, *bad = sys.argv[1:]
about = ["show", "show --json", "logs -n 3", "logs --console -n 3", "files", "tag new", "note text"]
asked = ["list", "show a/p/good", *(f"{c.split()[0]} {b} {' '.join(c.split()[1:])}" for b in bad for c in about), "doctor", "rebuild", "gc"]
for command in asked:
    result = CliRunner().invoke(cli, ["--root", root, *command.split()])
    assert isinstance(result.exception, SystemExit | None), (command, result.exception)
with Store(root) as store:
    for prefix in bad:
        store.delete(prefix)
    print(*sorted(view.prefix for view in store.list()))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def hole(path: Path, size: int = 4 * GIGABYTE, end: bytes = b"") -> None:
    """Let a file go on with zeros."""
    path.parent.mkdir(exist_ok=True)
    append(path, b"")
    os.truncate(path, size)
    append(path, end)


HOLES: dict[str, Callable[[Bad], None]] = {
    "events": lambda bad: hole(bad.events),
    "events with an end": lambda bad: hole(bad.events, end=b"\n"),
    "points": lambda bad: hole(bad.points),
    "points that go on": lambda bad: hole(bad.points, end=b'\n{"t":9,"m":{"loss":1}}\n'),
    "messages": lambda bad: hole(next(bad.folder.glob("logs/logs-*")), end=b"\n"),
    "console": lambda bad: hole(bad.folder / f"logs/train-{bad.events.stem}.log", 3 * GIGABYTE),
    "console that goes on": lambda bad: hole(
        bad.folder / f"logs/train-{bad.events.stem}.log", 3 * GIGABYTE, b"\nlast\n"
    ),
    "document": lambda bad: hole(bad.folder / "metadata.json"),
    "sealed part": lambda bad: hole(bad.folder / f"metrics/{bad.events.stem}.parquet"),
    "journal of the root": lambda bad: hole(bad.root / ".anew/root/zz.jsonl", end=b"\n"),
}


@pytest.mark.parametrize("what", HOLES)
def test_a_hole_of_gigabytes_is_not_read_into_memory(tmp_path: Path, what: str) -> None:
    root = tmp_path / "root"
    make_root(root)
    bad = sow(root, 1)
    HOLES[what](bad)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", ASK, str(root), bad.prefix],
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert set(GOOD) <= set(done.stdout.split())
