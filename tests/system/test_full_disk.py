"""A disk that is full: the program goes on, what is lost is counted, and what was kept can be read."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from anew import Experiment, Status, Store
from anew.cli.main import cli
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


COMMANDS = (
    ("list",), ("list", "status == 'completed'"), ("show", "a/p/e1"), ("logs", "a/p/e1"), ("du",), ("doctor",),
    ("compare", "a/p/e1", "a/p/e2"), ("best", "loss"), ("gc", "--dry-run"), ("rebuild",), ("list",),
)  # fmt: skip


def command(root: Path, *arguments: str) -> str:
    result = CliRunner().invoke(cli, ["--root", str(root), *arguments])
    assert result.exit_code == 0, (arguments, result.output, result.stderr)
    return result.stdout


@pytest.fixture
def recorded(small_disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A root with three experiments, on a disk that others can fill or make read-only."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    root = small_disk / "store"
    for number in range(3):
        with Experiment(f"a/p/e{number}", root=root, quiet=True, system_metrics=0) as exp:
            for step in range(3000):
                exp.log_metric("loss", step, step=step)
    command(root, "list")
    return root


def test_on_a_full_disk_every_command_works_that_needs_no_room(recorded: Path, small_disk: Path):
    with Experiment("a/p/late", root=recorded, quiet=True, system_metrics=0) as exp:
        exp.log_metric("loss", 1.0)
        fill(small_disk)
    for arguments in COMMANDS:
        command(recorded, *arguments)
    with Store(recorded) as store:
        assert {view.name for view in store.list()} == {"e0", "e1", "e2", "late"}
        assert store["a/p/e1"].metrics["loss"].count == 3000


@pytest.mark.parametrize("how", [("delete", "-y", "--permanently"), ("delete", "-y")])
def test_on_a_full_disk_room_is_made_by_deleting(recorded: Path, small_disk: Path, how: tuple):
    fill(small_disk)
    before = os.statvfs(small_disk).f_bavail
    command(recorded, *how, "a/p/e0")
    command(recorded, *how, "a/p/e1")
    command(recorded, "gc", "-y")
    assert os.statvfs(small_disk).f_bavail > before
    with Store(recorded) as store:
        assert [view.name for view in store.list()] == ["e2"]
        assert store.trash() == []
    (small_disk / "ballast").unlink()
    with Store(recorded) as store:
        assert [view.name for view in store.list()] == ["e2"]


def test_a_disk_that_fills_while_a_store_is_open(recorded: Path, small_disk: Path):
    with Store(recorded) as store:
        assert len(store.list()) == 3
        with Experiment("a/p/late", root=recorded, quiet=True, system_metrics=0) as exp:
            exp.log_metric("loss", 1.0)
            fill(small_disk)
        assert len(store.list()) == 4
        store.delete("a/p/e0", permanently=True)
        assert len(store.list()) == 3


def test_on_a_read_only_disk_every_command_works_that_changes_nothing(
    recorded: Path, small_disk: Path
):
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    for arguments in COMMANDS:
        command(recorded, *arguments)
    result = CliRunner().invoke(cli, ["--root", str(recorded), "delete", "-y", "a/p/e0"])
    assert result.exit_code == 1
    with Store(recorded) as store:
        assert len(store.list()) == 3
