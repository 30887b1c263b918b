"""Databases that other programs keep are read as they are, whatever lies beside them."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from anew import Store
from anew.errors import AnewError
from anew.importing.sqlite import Database
from tests.trackers.awkward.stores import HERE as AWKWARD
from tests.trackers.environments import unpacked
from tests.trackers.holding import bring, contents, points

DIES_WITHIN_ITS_COMMIT = """
import os, signal, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("PRAGMA journal_mode = " + sys.argv[2])
connection.execute("PRAGMA cache_size = 1")
connection.execute("BEGIN IMMEDIATE")
connection.execute("UPDATE metrics SET value = -1")
connection.execute("CREATE TABLE half AS SELECT m.* FROM metrics m, params p, tags t")
if sys.argv[2] == "WAL":
    connection.execute("COMMIT")
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("UPDATE metrics SET value = -2")
    connection.execute("CREATE TABLE other AS SELECT m.* FROM metrics m, params p, tags t")
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return unpacked(AWKWARD / "mlflow.zip", tmp_path).folder / "mlflow.db"


def die(path: Path, mode: str) -> None:
    done = subprocess.run([sys.executable, "-c", DIES_WITHIN_ITS_COMMIT, str(path), mode])
    assert done.returncode == -signal.SIGKILL


def losses(root: Path) -> list[tuple[int | None, str, float]]:
    with Store(root) as store:
        (view,) = [one for one in store.list() if one.name == "steps"]
        return points(store, view.prefix, "loss")


def test_what_a_killed_program_had_not_committed_is_not_read(store, tmp_path):
    whole = losses_of(store, tmp_path / "whole")
    before = store.read_bytes()
    die(store, "DELETE")
    journal = Path(f"{store}-journal")
    assert journal.stat().st_size > 512
    assert store.read_bytes() != before  # pages of the commit are in it
    # Without its journal, the database has what was never committed, or cannot be read.
    alone = tmp_path / "alone.db"
    shutil.copy(store, alone)
    try:
        without = losses_of(alone, tmp_path / "alone")
    except (AnewError, AssertionError):
        without = []
    assert without != whole
    there = contents(store.parent)
    assert losses_of(store, tmp_path / "root") == whole
    assert contents(store.parent) == there


def losses_of(store: Path, root: Path) -> list[tuple[int | None, str, float]]:
    assert bring(store, root).is_whole
    return losses(root)


def test_what_a_killed_program_had_committed_to_its_log_is_read(store, tmp_path):
    die(store, "WAL")
    assert Path(f"{store}-wal").stat().st_size > 0
    there = contents(store.parent)
    assert {value for _, value, _ in losses_of(store, tmp_path / "root")} == {"-1.0"}
    assert contents(store.parent) == there


def test_a_journal_without_its_database_or_cut_short_changes_nothing(store, tmp_path):
    whole = losses_of(store, tmp_path / "whole")
    Path(f"{store}-journal").write_bytes(b"\0" * 600)  # as it is left with journal_mode = PERSIST
    assert losses_of(store, tmp_path / "root") == whole
    assert Database(str(store)).tables()
