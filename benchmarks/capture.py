"""What capturing code, packages, hardware and seeds adds to a start, beside the same experiment without it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from .harness import Bench, Row, duration, in_child, medians, paired_seconds

FILES, CHANGED, UNTRACKED = 2000, 20, 20
START_LIMIT = 0.050  # seconds that may be added to a start
KEPT_LIMIT = 20_000  # bytes an experiment may take beside what it shares
# Opens one experiment and prints the seconds that took, then those until it has ended.
PROGRAM = """
import sys, time
from anew import Experiment
exp = Experiment("bench/capture/one", root=sys.argv[1], system_metrics=0)
start = time.perf_counter()
exp.run.start()
opened = time.perf_counter()
time.sleep(float(sys.argv[2]))
exp.log_metric("loss", 0.5)
closing = time.perf_counter()
exp.run.complete()
ended = time.perf_counter()
sys.__stdout__.write(f"\\n{opened - start} {ended - closing}")
"""


def run(bench: Bench) -> Iterator[Row]:
    """Seconds in the program's thread at the start and at the end, first in a process and later; bytes kept."""
    with bench.folder("capture") as folder:
        project = _project(folder / "project", bench.size(FILES, 50))
        what = f"dirty tree of {bench.size(FILES, 50)} files"
        for title, pause in (("start", 1.0), ("end, at once", 0.0), ("end, after a second", 1.0)):
            at = 0 if title == "start" else 1
            taken = []
            for number in range(bench.size(15, 2)):
                pair = [
                    _once(project, folder / f"{title[:3]}{pause}{number}{how}", how, pause)[at]
                    for how in (("on", "off") if number % 2 else ("off", "on"))
                ]
                taken.append(tuple(pair) if number % 2 else tuple(reversed(pair)))
            ours, beside, _ = medians(taken[1:])
            added = ours - beside
            target = f"≤ {duration(START_LIMIT)} more" if title == "start" else ""
            yield Row(
                f"first of a process, {what}: {title}", duration(ours), f"{duration(beside)} (capture off)",
                f"{duration(max(0.0, added))} more", target, added <= START_LIMIT if target else None,
            )  # fmt: skip
        on, off, ratio, kept = in_child(_later, str(project), str(folder), bench.size(200, 5))
        yield Row(
            "later ones of a process: open → close",
            duration(on),
            f"{duration(off)} (capture off)",
            f"{ratio:.1f}×",
        )
        yield Row(
            "bytes an experiment keeps beside what it shares", f"{kept:,} B", "", "", f"≤ {KEPT_LIMIT:,} B", kept <= KEPT_LIMIT
        )  # fmt: skip


def _project(path: Path, files: int) -> Path:
    """A repository with changes in it."""
    path.mkdir()
    for number in range(files):
        file = path / f"package{number % 20}" / f"module{number}.py"
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"VALUE = {number}\n" * 50)
    (path / "train.py").write_text(PROGRAM)
    for arguments in (
        ["init", "--quiet"],
        ["add", "--all"],
        ["-c", "user.name=B", "-c", "user.email=b@example.org", "commit", "--quiet", "-m", "all"],
    ):
        subprocess.run(["git", *arguments], cwd=path, check=True)
    for number in range(min(CHANGED, files)):
        (path / f"package{number % 20}" / f"module{number}.py").write_text("VALUE = -1\n" * 50)
    for number in range(UNTRACKED):
        (path / f"new{number}.py").write_text("NEW = 1\n" * 50)
    return path


def _once(project: Path, root: Path, capture: str, pause: float) -> tuple[float, float]:
    environ = os.environ | {"ANEW_CAPTURE": capture}
    command = [sys.executable, "train.py", str(root), str(pause)]
    out = subprocess.run(
        command, cwd=project, env=environ, check=True, capture_output=True, text=True
    )
    start, end = out.stdout.rstrip().rpartition("\n")[2].split()
    return float(start), float(end)


def _later(project: str, folder: str, rounds: int) -> tuple[float, float, float, int]:
    from anew import Experiment

    os.chdir(project)
    count = 0

    def one(capture: str) -> None:
        nonlocal count
        count += 1
        os.environ["ANEW_CAPTURE"] = capture
        with Experiment(
            f"bench/{capture}/{count}", root=f"{folder}/later", system_metrics=0
        ) as exp:
            exp.log_metric("loss", 0.5)

    one("on")
    time.sleep(0.5)
    on, off, ratio = paired_seconds(lambda: one("on"), lambda: one("off"), rounds=rounds, warm=3)
    own = 0
    for path in max(
        Path(folder, "later/bench/on").iterdir(), key=lambda p: p.stat().st_mtime
    ).rglob("*"):
        if path.is_file() and path.stat().st_nlink == 1:
            own += path.stat().st_size
    return on, off, ratio, own
