"""A log call of ours beside other trackers', and what each loses when it is killed.

Every peer runs in an environment and a process of its own, through the same script. The processes of one
round follow each other, and the figures are medians over the rounds. A peer that cannot be installed or
does not run is listed with the error.
"""

from __future__ import annotations

import json
import os
import random
import signal
import statistics
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .environments import NotInstalled, environment, peers, python_of
from .harness import Bench, Row, duration, times

SCRIPT = str(Path(__file__).with_name("peer_writers.py"))
OURS = "anew"
RUN_LIMIT_S = 120
SETTLE_S = 2.0  # a helper process of the killed one may still be writing
SHOWN = {
    "tensorboardx": "TensorBoard (tensorboardX)",
    "summarywriter": "TensorBoard (torch)",
    "mlflow": "MLflow (SQLite)",
    "aim": "Aim",
    "dvclive": "DVCLive",
    "wandb": "W&B offline",
    "trackio": "trackio",
    "swanlab": "SwanLab",
}


@dataclass
class Measured:
    """What the rounds said of one tracker: µs a call by number of scalars, points lost by each kill."""

    median_us: dict[int, list[float]] = field(default_factory=lambda: {1: [], 10: []})
    lost: list[int] = field(default_factory=list)
    error: str = ""

    def us(self, scalars: int) -> float:
        """The median over the rounds."""
        return statistics.median(self.median_us[scalars])


def run(bench: Bench) -> Iterator[Row]:
    """Rows for each peer, then the one the target is about."""
    names = [OURS, *peers()]
    if bench.quick:
        names = [OURS]
    measured = {name: Measured() for name in names}
    for _ in range(bench.size(3, 1)):
        for name in names:
            _attempt(measured[name], _time, bench, name)
    for _ in range(bench.size(3, 1)):
        for name in names:
            _attempt(measured[name], _kill, bench, name)
    ours = measured.pop(OURS)
    if ours.error:
        raise RuntimeError(ours.error)
    for name, peer in measured.items():
        yield from _rows(name, peer, ours)
    yield _lost_row(ours)
    yield from _best(measured, ours)


def _attempt(measured: Measured, what: Any, bench: Bench, name: str) -> None:
    if measured.error:
        return
    try:
        what(measured, bench, name)
    except NotInstalled as error:
        measured.error = f"not installed: {error}"
    except (RuntimeError, subprocess.TimeoutExpired, OSError) as error:
        measured.error = f"does not run: {str(error)[-160:]}"


def _command(what: str, name: str, folder: Path, *rest: object) -> list[str]:
    python = sys.executable if name == OURS else python_of(name)
    return [python, SCRIPT, what, name, str(folder), *map(str, rest)]


def _result(command: list[str], folder: Path) -> Any:
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=RUN_LIMIT_S,
        check=False,
    )
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no reason given"]
        raise RuntimeError(lines[-1])
    return json.loads(done.stdout.rstrip("\n").rpartition("\n")[2])


def _time(measured: Measured, bench: Bench, name: str) -> None:
    with bench.folder(name) as folder:
        calls, seconds = bench.size(20_000, 100), 2.0
        result = _result(_command("time", name, folder, calls, seconds), folder)
        for scalars, taken in measured.median_us.items():
            taken.append(result[str(scalars)]["median_us"])


def _kill(measured: Measured, bench: Bench, name: str) -> None:
    """Kill a writer at a random moment and count, through its own reader, what is missing."""
    with bench.folder(name) as folder:
        acknowledged = folder.parent / f"{folder.name}.acknowledged"
        command = _command("pace", name, folder, acknowledged, RUN_LIMIT_S)
        with (folder / "said.txt").open("w") as said:
            writer = subprocess.Popen(
                command,
                cwd=folder,
                env=environment(),
                stdout=said,
                stderr=said,
                start_new_session=True,
            )
        try:
            _wait_for(acknowledged, bench.size(200, 50), writer)
            time.sleep(random.uniform(0.0, bench.size(15, 1) / 10))
        finally:
            writer.send_signal(signal.SIGKILL)
            writer.wait()
        time.sleep(SETTLE_S if name != OURS else 0)
        _end_group(writer.pid)
        written = _acknowledged(acknowledged)
        acknowledged.unlink()
        found = _result(_command("count", name, folder), folder)
        measured.lost.append(max(0, written - found))


def _end_group(leader: int) -> None:
    """End what the killed writer had started (it was made the leader of a group of its own)."""
    try:
        os.killpg(leader, signal.SIGKILL)
    except ProcessLookupError:
        pass


def _acknowledged(path: Path) -> int:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return 0
    return int(struct.unpack("<q", data)[0]) if len(data) == 8 else 0


def _wait_for(path: Path, count: int, writer: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + RUN_LIMIT_S
    while _acknowledged(path) < count:
        if writer.poll() is not None or time.monotonic() > end:
            raise RuntimeError(f"the writer stopped after {_acknowledged(path)} calls")
        time.sleep(0.01)


def _rows(name: str, peer: Measured, ours: Measured) -> Iterator[Row]:
    shown = SHOWN.get(name, name)
    if peer.error:
        yield Row(f"log call, {shown}", "", peer.error)
        return
    lost = max(peer.lost)
    for scalars in (1, 10):
        yield Row(
            f"log call, {scalars} scalar{'s' * (scalars > 1)}, {shown}",
            duration(ours.us(scalars) / 1e6),
            f"{duration(peer.us(scalars) / 1e6)}, loses {f'up to {lost}' if lost else 'nothing'}",
            times(peer.us(scalars) / ours.us(scalars)) + " faster",
        )


def _lost_row(ours: Measured) -> Row:
    lost = max(ours.lost)
    return Row("points lost on kill -9", str(lost), "", "", "0", lost == 0)


def _best(measured: dict[str, Measured], ours: Measured) -> Iterator[Row]:
    """The fastest of those that lose nothing, for each size of call."""
    safe = {name: peer for name, peer in measured.items() if not peer.error and not any(peer.lost)}
    if not safe:
        return
    for scalars in (1, 10):
        name, best = min(safe.items(), key=lambda item: item[1].us(scalars))
        ratio = best.us(scalars) / ours.us(scalars)
        yield Row(
            f"log call, {scalars} scalar{'s' * (scalars > 1)}, best that loses nothing",
            duration(ours.us(scalars) / 1e6),
            f"{duration(best.us(scalars) / 1e6)} ({SHOWN.get(name, name)})",
            times(ratio) + " faster",
            "≥ 10× faster",
            ratio >= 10,
        )
