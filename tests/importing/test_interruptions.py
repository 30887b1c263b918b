"""A real `anew import` that is killed, runs beside another, follows a live tracker, or loses its server: nothing is lost and nothing is there twice."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

from anew import Store
from anew.importing.importer import bring_in
from anew.trackers.importers import open_source

writers = pytest.importorskip("torch.utils.tensorboard")

pytestmark = pytest.mark.slow

RUNS, STEPS = 12, 400
WATCH = "import anew.cli.importing as i; i._EVERY = 0.1; from anew.cli.main import main; main()"
LIVE = """
import os, sys, time
from torch.utils.tensorboard import SummaryWriter

with SummaryWriter(sys.argv[1] + "/live", flush_secs=1) as out:
    for step in range(300):
        out.add_scalar("loss", 1 / (step + 1), step)
        out.add_scalar("acc", step / 300, step)
        if step % 20 == 0:
            out.add_text("note", f"at {step}", step)
        if step in (99, 199):
            out.flush()
            while not os.path.exists(f"{sys.argv[2]}{step}"):
                time.sleep(0.02)
"""


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs that a real tracker wrote, with points and values."""
    folder = tmp_path_factory.mktemp("runs")
    for run in range(RUNS):
        with writers.SummaryWriter(str(folder / f"run{run}")) as out:
            for step in range(STEPS):
                out.add_scalar("loss", run + 1 / (step + 1), step, walltime=1.7e9 + step)
                out.add_scalar("acc", step / STEPS, step, walltime=1.7e9 + step)
            for step in range(5):
                out.add_text("note", f"run {run} at {step}", step, walltime=1.7e9 + step)
    for path in folder.rglob("*"):
        os.utime(path, (1.75e9, 1.75e9))
    return folder


def import_(source: Path, root: Path, *more: str, program: tuple[str, ...] = ("-m", "anew")) -> subprocess.Popen[bytes]:  # fmt: skip
    around = {**os.environ, "ANEW_ROOT": str(root), "ANEW_KEEP_COMMITS": "off"}
    command = [sys.executable, *program, "import", str(source), *more]
    return subprocess.Popen(command, env=around, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def held(root: Path | str) -> dict[str, Any]:
    """All that a root has: each run's points as they were written, and its values."""
    with Store(str(root)) as store:
        return {
            view.prefix: (
                str(view.status),
                {name: _columns(view.metrics[name]) for name in sorted(view.metrics)},
                sorted((one.name, one.step, str(one.data)) for one in view.values()),
            )
            for view in store.list()
        }


def _columns(metric: Any) -> list[list[float]]:
    read = metric.read(order="written")
    return [read.steps.tolist(), read.times.tolist(), read.values.tolist()]


def until(condition: Callable[[], bool], seconds: float = 300.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.fixture(scope="module")
def whole(source: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What an import that nobody disturbs leaves."""
    root = tmp_path_factory.mktemp("whole")
    assert bring_in(open_source(str(source)), str(root)).is_whole
    found = held(root)
    assert len(found) == RUNS
    return found


def _bytes(folder: Path) -> int:
    """How much lies below a folder by now."""
    found = 0
    for path in folder.rglob("*"):
        with contextlib.suppress(FileNotFoundError):
            found += path.stat().st_size
    return found


def _end_when(running: subprocess.Popen[bytes], condition: Callable[[], bool]) -> bool:
    """Kill a program once something is so; False if it ended before."""
    until(lambda: running.poll() is not None or condition())
    alive = running.poll() is None
    running.kill()
    running.communicate()
    return alive


def test_an_import_that_is_killed_again_and_again_ends_as_one_that_is_not(source, whole, tmp_path):
    random = Random(7)
    root = tmp_path / "root"
    assert bring_in(open_source(str(source)), str(tmp_path / "once")).is_whole
    size = _bytes(tmp_path / "once")
    kills = [
        _end_when(import_(source, root), lambda wanted=wanted: _bytes(root) >= wanted)  # type: ignore[misc]
        for wanted in sorted(random.randrange(size) for _ in range(12))
    ]
    assert any(kills)
    last = import_(source, root, "--json")
    told, _ = last.communicate(timeout=300)
    assert last.returncode == 0, told.decode()
    assert held(root) == whole


def test_two_imports_at_once_leave_everything_once(source, whole, tmp_path):
    root = tmp_path / "root"
    both = [import_(source, root) for _ in range(2)]
    for running in both:
        running.communicate(timeout=300)
    codes = [running.returncode for running in both]
    assert 0 in codes  # the other waited, or was told that one is under way
    assert held(root) == whole


def test_a_source_that_a_tracker_writes_is_followed_to_its_end(tmp_path):
    logs, root = tmp_path / "logs", tmp_path / "root"
    tracker = subprocess.Popen([sys.executable, "-c", LIVE, str(logs), str(tmp_path / "after")])
    try:
        until(lambda: any(logs.rglob("*tfevents*")))
        watching = import_(logs, root, "--watch", program=("-c", WATCH))
        try:

            def count() -> int:
                try:
                    with Store(str(root)) as store:
                        return sum(view.metrics["loss"].count for view in store.list())
                except (OSError, KeyError, LookupError):
                    return 0

            for step in (99, 199):  # it comes bit by bit
                until(lambda step=step: count() == step + 1)  # type: ignore[misc]
                (tmp_path / f"after{step}").touch()
            until(lambda: count() == 300)
            assert tracker.wait(300) == 0
            until(lambda: dict(held(root))["live"][1]["acc"][0] == list(range(300)))
        finally:
            watching.send_signal(signal.SIGINT)
            told, _ = watching.communicate(timeout=300)
        assert watching.returncode in (0, 130), told.decode()
    finally:
        tracker.kill()
        tracker.wait()
    assert bring_in(open_source(str(logs)), str(tmp_path / "other")).is_whole
    ours, once = held(root)["live"], held(tmp_path / "other")["live"]
    assert ours[1:] == once[1:]


def _server(root: Path, port: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "anew", "server", str(root), "--port", str(port), "--quiet"]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert running.stdout is not None
    assert running.stdout.readline()
    return running


def test_a_server_that_dies_while_it_is_pushed_to_has_everything_once_it_is_back(source, whole, tmp_path):  # fmt: skip
    there, root = tmp_path / "there", tmp_path / "root"
    there.mkdir()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    for number in range(3):  # killed when so many of the runs are there
        server = _server(there, port)
        importing = import_(source, root, "--to", url)
        _end_when(server, lambda n=number, one=importing: one.poll() is not None or len(list(there.glob("run*"))) > n)  # type: ignore[misc]  # fmt: skip
        importing.communicate(timeout=300)
    server = _server(there, port)
    try:
        last = import_(source, root, "--to", url)
        told, _ = last.communicate(timeout=300)
        assert last.returncode == 0, told.decode()
        assert held(url) == whole == held(root)
    finally:
        server.kill()
        server.communicate()
