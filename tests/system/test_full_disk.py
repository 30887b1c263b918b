"""A disk that is full: the program goes on, what is lost is counted, and what was kept can be read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from anew import Experiment, Status, Store
from anew.errors import WriteFailed

pytestmark = pytest.mark.privileged


def fill(disk: Path) -> Path:
    """Leave no byte free; returns what takes the space."""
    ballast = disk / "ballast"
    with open(ballast, "wb", buffering=0) as file:
        try:
            while True:
                file.write(b"\0" * 4096)
        except OSError:
            return ballast


def test_a_full_disk_stops_no_program_and_every_lost_record_is_counted(small_disk: Path):
    with Experiment("a/b/full", root=small_disk / "store", quiet=True, system_metrics=0) as exp:
        for step in range(1000):
            exp.log_metric("loss", 1.0, step=step)
        ballast = fill(small_disk)
        for step in range(1000, 60_000):
            exp.log_metric("loss", 1.0, step=step)
        assert exp.lost > 0
        ballast.unlink()
    view = Store(small_disk / "store")["a/b/full"]
    assert view.status is Status.COMPLETED
    assert view.metrics["loss"].count + exp.lost == 60_000


def test_when_strict_a_full_disk_is_raised(small_disk: Path):
    with pytest.raises(WriteFailed) as raised:  # noqa: SIM117  (what raises is inside)
        with Experiment(
            "a/b/strict", root=small_disk / "store", quiet=True, strict=True, system_metrics=0
        ) as exp:
            fill(small_disk)
            for step in range(60_000):
                exp.log_metric("loss", 1.0, step=step)
    assert raised.value.path.startswith(os.fspath(small_disk))
