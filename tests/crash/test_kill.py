"""Real processes, really killed: what a log call acknowledged is there afterwards."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from anew import Experiment, Status
from anew.journal.follow import Stream, follow
from anew.record.decode import decode_points

from ..tracking.reading import events, points, segment, state

WRITER = """
import os, sys
from anew import Experiment
exp = Experiment(sys.argv[2], root=sys.argv[1], system_metrics=0, quiet=True)
exp.run.start()
acknowledged = os.open(sys.argv[3], os.O_WRONLY | os.O_CREAT)
i = 0
while True:
    if i % 3 == 0:
        exp.log_metrics({"loss": i / 7, "acc": float("nan") if i % 30 == 0 else i / 9}, step=i)
    else:
        exp.log_metric("loss", i / 7, step=i)
    os.pwrite(acknowledged, b"%012d" % i, 0)
    i += 1
"""


def run_and_kill(root: Path, prefix: str, ledger: Path, seconds: float) -> int:
    """Log until killed; the number of the last call that had returned."""
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(root), prefix, str(ledger)],
        env={**os.environ, "ANEW_HEARTBEAT": "0.2"},
    )
    deadline = time.monotonic() + 300
    while not ledger.exists() or ledger.stat().st_size < 12:
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.005)
    time.sleep(seconds)
    process.send_signal(signal.SIGKILL)
    process.wait()
    time.sleep(0.25)  # with a missed heartbeat its end is certain
    return int(ledger.read_bytes())


@pytest.mark.parametrize("round_", range(6))
def test_killed_at_a_random_moment_nothing_acknowledged_is_lost(
    root: Path, tmp_path: Path, round_: int
) -> None:
    # The first rounds die before the change to the fast encoder, the others after it.
    last = run_and_kill(root, "a/b", tmp_path / "ledger", random.uniform(0, 0.15 * round_))
    folder = root / "a" / "b"
    found: dict[str, list[int]] = {"loss": [], "acc": []}
    for _, step, name, value in points(folder):
        assert step is not None
        assert value == (step / 7 if name == "loss" else step / 9) or value != value
        found[name].append(step)
    for name, every in (("loss", 1), ("acc", 3)):
        steps = found[name]
        assert steps == list(range(0, len(steps) * every, every))
        assert steps[-1] >= last - every + 1

    # Nothing ended it, and everything is ready to go on.
    assert state(folder).outcome()[0] is Status.RUNNING
    with Experiment("a/b", root=root, console="off", system_metrics=0, resume="auto") as exp:
        exp.log_metric("loss", 1.0, step=-1)
    assert state(folder).outcome()[0] is Status.COMPLETED
    assert len(points(folder)) == len(found["loss"]) + len(found["acc"]) + 1


def test_a_line_torn_by_the_system_waits_and_the_next_writer_is_not_harmed(root: Path) -> None:
    with Experiment("a/b", root=root, console="off", system_metrics=0) as exp:
        exp.log_metric("x", 1.0, step=0)
    path = segment(exp.folder)
    with open(path, "ab") as file:
        file.write(b'{"s":1,"t":17')
    with Experiment("a/b", root=root, console="off", system_metrics=0, resume="allow") as exp:
        exp.log_metric("x", 2.0, step=1)
    assert [v for *_, v in points(exp.folder)] == [1.0, 2.0]


def test_a_broken_line_in_the_middle_is_reported_and_not_the_end(root: Path) -> None:
    with Experiment("a/b", root=root, console="off", system_metrics=0) as exp:
        for i in range(3):
            exp.log_metric("x", float(i), step=i)
    path = segment(exp.folder)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + b"\0\0\0\0\n" + b'{"s": "no"}\n' + lines[1] + lines[2])
    [chunk] = follow(exp.folder, {}, frozenset({Stream.POINTS}))
    good, broken = decode_points(chunk.data)
    assert [(n, line.s) for n, line in good] == [(1, 0), (4, 1), (5, 2)]
    assert [b.line for b in broken] == [2, 3]


MANY = """
import sys
from anew import Experiment
root, prefix, mine, count = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
with Experiment(prefix, root=root, system_metrics=0, console="off", quiet=True, resume="allow") as exp:
    for i in range(count):
        exp.log_metric(mine, float(i), step=i)
    exp.params.set({mine: count})
"""


@pytest.mark.parametrize(
    "shared",
    [
        pytest.param(True, id="one experiment"),
        pytest.param(False, id="an experiment each", marks=pytest.mark.slow),
    ],
)
def test_eight_processes_at_once_lose_nothing(root: Path, shared: bool) -> None:
    count = 3000
    started = [
        subprocess.Popen(
            [
                sys.executable,
                "-c",
                MANY,
                str(root),
                "a/one" if shared else f"a/p{n}",
                f"m{n}",
                str(count),
            ]
        )
        for n in range(8)
    ]
    assert [process.wait() for process in started] == [0] * 8
    folders = [root / "a" / "one"] if shared else [root / "a" / f"p{n}" for n in range(8)]
    found = [p for folder in folders for p in points(folder)]
    for n in range(8):
        assert [s for _, s, name, _ in found if name == f"m{n}"] == list(range(count))
    assert len({state(f).experiment_id for f in folders}) == len(folders)
    for folder in folders:
        got = state(folder)
        assert got.outcome() == (Status.COMPLETED, None)
        assert len(got.params) == (8 if shared else 1)


FULL = """
import resource, sys
from anew import Experiment
with Experiment("a/b", root=sys.argv[1], system_metrics=0, quiet=True, strict=sys.argv[2] == "strict") as exp:
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, resource.RLIM_INFINITY))
    for i in range(60_000):
        exp.log_metric("loss", i / 7, step=i)
    exp.files("models").save(b"x" * 1_000_000, "big")
    print("trained to the end")
"""


def test_a_full_disk_does_not_stop_the_training_and_the_loss_is_told(root: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(root), "no"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "trained to the end" in done.stdout
    assert "cannot write" in done.stderr
    kept = len(points_until_broken(root / "a" / "b"))
    told = int(done.stderr.split("LOST: ")[1].split()[0])
    assert (
        kept + told == 60_000 + 1
    )  # every point is either in the file or counted; and the big file
    got = state(root / "a" / "b")
    assert got.lost == told  # the journal counts the file as the process does
    assert got.outcome()[0] is Status.COMPLETED


def test_a_full_disk_stops_a_strict_training(root: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(root), "strict"], capture_output=True, text=True
    )
    assert done.returncode != 0
    assert "WriteFailed" in done.stderr
    assert "trained to the end" not in done.stdout


def points_until_broken(folder: Path) -> list[int | None]:
    [chunk] = follow(str(folder), {}, frozenset({Stream.POINTS}))
    return [line.s for _, line in decode_points(chunk.data)[0]]


def test_the_exit_does_not_wait_for_a_writer_in_trouble(root: Path) -> None:
    code = FULL.replace('print("trained to the end")', "import time; print(time.time())")
    done = subprocess.run(
        [sys.executable, "-c", code, str(root), "no"], capture_output=True, text=True
    )
    assert time.time() - float(done.stdout) < 5


READ_ONLY = """
import os, sys
from anew import Experiment
with Experiment("a/b", root=sys.argv[1], system_metrics=0, quiet=True, console="off") as exp:
    for path, folders, files in os.walk(exp.folder, topdown=False):
        os.chmod(path, 0o555)
    try:
        open(os.path.join(exp.folder, "probe"), "w")
        sys.exit("the folder can still be written: this proves nothing")
    except PermissionError:
        pass
    for i in range(100):
        exp.log_metric("x", float(i))
    exp.params.set(a=1)
    for path, folders, files in os.walk(exp.folder):
        os.chmod(path, 0o755)
print("trained to the end")
"""


def test_a_folder_made_read_only_does_not_stop_the_training(root: Path) -> None:
    # Root may write everywhere unless it gives that power away.
    unprivileged = ["setpriv", "--bounding-set=-dac_override", "--inh-caps=-dac_override"]
    command = [
        *(unprivileged if os.geteuid() == 0 else []),
        sys.executable,
        "-c",
        READ_ONLY,
        str(root),
    ]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.stdout == "trained to the end\n", done.stderr
    assert (
        len(points(root / "a" / "b")) == 100
    )  # kept in memory until the folder could be written again
    assert events(root / "a" / "b")
