"""`anew import --watch` of a store that its tracker goes on writing, of each kind whose stores grow: nothing is lost, and nothing is there twice.

The stores are those that the trackers made themselves. What a tracker appends to is cut short, in the middle of a record too, and grows to its end while it is watched, with a
watcher that is killed on the way.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from anew import Store
from anew.importing.importer import bring_in
from anew.trackers.importers import KINDS, open_source

from .awkward.stores import STORES, recorded
from .test_killed_imports import held

pytestmark = pytest.mark.slow

SHARES = (0.4, 0.9, 1.0)
WATCH = "import anew.cli.importing as i; i._EVERY = 0.2; from anew.cli.main import main; main()"
LONG_AGO = 1_750_000_000
PATIENCE = 300.0


class Growing(NamedTuple):
    """How a tracker's store grows.

    Attributes:
        files: Patterns of the files that it appends bytes to.
        lines: The lines at the beginning of such a file that are written as one, before anything tells of the run.
        lists: The files that it writes anew with longer lists in them.
        tables: A database, and its tables that rows are added to.
    """

    files: tuple[str, ...] = ()
    lines: int = 0
    lists: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()


GROWING = {
    "clearml": Growing(files=("*/metrics.jsonl",)),
    "dvclive": Growing(files=("*/dvclive/plots/metrics/**/*.tsv",), lines=2),
    "ml-dash": Growing(files=("**/data.jsonl",)),
    "mlflow": Growing(tables=("mlflow.db", "metrics")),
    "mlflow-files": Growing(files=("mlruns/*/*/metrics/**/*",)),
    "sacred": Growing(lists=("runs/*/metrics.json",)),
    "swanlab": Growing(files=("**/*.swanlab",)),
    "table": Growing(files=("*.csv", "*.jsonl")),
    "tensorboard": Growing(files=("**/*tfevents*",)),
    "tensorboardx": Growing(files=("**/*tfevents*",)),
    "trackio": Growing(tables=("visionlab.db", "metrics")),
    "wandb": Growing(files=("**/*.wandb",)),
}
ELSEWHERE = {
    "aim": "its repositories cannot be cut: a run that Aim writes meanwhile is followed below",
    "anew": "what a running experiment writes is synced, in tests/syncer",
    "neptune": "the exporter writes Parquet files, each whole",
}


UNDATED = {"dvclive": "params"}
"""Where no time is kept, points are given that of the run's beginning, as the first import found it: the time of a file, which the tests change."""


def _tables(folder: Path) -> None:
    folder.mkdir(parents=True)
    rows = [(at, 1 / (at + 1), at % 7) for at in range(200)]
    (folder / "a.csv").write_text(
        "".join(["step,time,loss,acc\n", *(f"{s},{1.7e9 + s},{x},{y}\n" for s, x, y in rows)])
    )
    (folder / "b.jsonl").write_text(
        "".join(
            json.dumps({"step": s, "time": 1.7e9 + s, "loss": x, "acc": y}) + "\n"
            for s, x, y in rows
        )
    )


class Live:
    """A store that is written, up to a share of what it will have in the end."""

    def __init__(self, name: str, folder: Path) -> None:
        self._how = GROWING[name]
        self._whole, self.folder = folder / "whole" / "store", folder / "live" / "store"
        if name == "table":
            _tables(self._whole)
        else:
            made = recorded(name, folder / "recorded").folder
            shutil.copytree(made, self._whole)
        self.kind = "table" if name == "table" else STORES[name].kind or STORES[name].tracker
        self._source = "." if name == "table" else STORES[name].source
        shutil.copytree(self._whole, self.folder, copy_function=shutil.copyfile)  # as written now
        for path in self._matching(self._how.files):
            os.truncate(path, 0)
        self.writer = self._database() if self._how.tables else None

    @property
    def source(self) -> Path:
        return self.folder / self._source

    @property
    def whole(self) -> Path:
        return self._whole / self._source

    def _matching(self, patterns: tuple[str, ...]) -> Iterator[Path]:
        for pattern in patterns:
            yield from (path for path in sorted(self.folder.glob(pattern)) if path.is_file())

    def _database(self) -> sqlite3.Connection:
        """The connection of the tracker that writes, which stays open; the rows are taken back that it is to write."""
        file, table = self._how.tables
        with closing(sqlite3.connect(self._whole / file)) as whole:
            whole.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        writer = sqlite3.connect(self.folder / file, isolation_level=None)
        writer.execute("ATTACH ? AS whole", (str(self._whole / file),))
        writer.execute(f"DELETE FROM {table}")
        return writer

    def grow(self, share: float) -> None:
        """Write up to a share of everything."""
        whole = {path: (self._whole / path.relative_to(self.folder)).read_bytes() for path in self._matching(self._how.files)}  # fmt: skip
        left = round(sum(map(len, whole.values())) * share)
        for (
            path,
            data,
        ) in whole.items():  # one after the other: a run that was resumed goes on in another file
            first = sum(map(len, data.splitlines(keepends=True)[: self._how.lines]))
            end, left = min(len(data), max(first, left)), max(0, left - len(data))
            with path.open("ab") as file:
                file.write(data[file.tell() : end])
        for path in self._matching(self._how.lists):
            text = (self._whole / path.relative_to(self.folder)).read_text()
            try:
                path.write_text(json.dumps(_cut(json.loads(text), share)))
            except ValueError:  # the one that was half written
                path.write_text(text)
        if self.writer is not None:
            _, table = self._how.tables
            (last,) = self.writer.execute(f"SELECT max(rowid) * ? FROM whole.{table}", (share,)).fetchone()  # fmt: skip
            columns = ", ".join(f'"{row[1]}"' for row in self.writer.execute(f"PRAGMA table_info({table})"))  # fmt: skip
            self.writer.execute(
                f"INSERT INTO {table} (rowid, {columns}) SELECT rowid, {columns} FROM whole.{table} "
                f"WHERE rowid <= ? AND rowid NOT IN (SELECT rowid FROM {table}) ORDER BY rowid",
                (round(last),),
            )

    def rest(self) -> None:
        """Leave everything, whole and live, as if it had been written long ago."""
        if self.writer is not None:
            self.writer.close()
        for path in (*self._whole.rglob("*"), *self.folder.rglob("*")):
            os.utime(path, (LONG_AGO, LONG_AGO), follow_symlinks=False)


def _cut(said: Any, share: float) -> Any:
    if isinstance(said, dict):
        return {name: _cut(one, share) for name, one in said.items()}
    return said[: round(len(said) * share)] if isinstance(said, list) else said


def points(root: Path) -> dict[str, Any]:
    """How many points of each metric of each experiment there are; of none, nothing is said."""
    if not root.exists():
        return {}
    with Store(str(root)) as store:
        return {
            view.prefix: {name: view.metrics[name].count for name in sorted(view.metrics)}
            for view in store.list()
        }


def all_of(live: Live, root: Path) -> dict[str, Any]:
    """All that a root has, but for times that nobody knows."""
    found = held(root) if root.exists() else {}
    undated = UNDATED.get(live.kind)
    if undated in found:
        metrics = {name: [steps, values] for name, (steps, _, values) in found[undated][5].items()}
        found[undated] = (*found[undated][:5], metrics, *found[undated][6:])
    return found


def brought(live: Live, source: Path, root: Path) -> bool:
    with closing(open_source(str(source), live.kind)) as opened:
        return bring_in(opened, str(root)).is_whole


@contextmanager
def watcher(source: Path, kind: str, root: Path) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-c", WATCH, "import", str(source), "--as", kind, "--watch"]  # fmt: skip
    around = {**os.environ, "ANEW_ROOT": str(root), "ANEW_KEEP_COMMITS": "off"}
    running = subprocess.Popen(command, env=around, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)  # fmt: skip
    try:
        yield running
    finally:
        running.kill()
        running.communicate()


def until(condition: Callable[[], bool], running: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert running.poll() is None, running.communicate()[0].decode()
        assert time.monotonic() < end
        time.sleep(0.1)


@pytest.mark.parametrize("name", GROWING)
def test_a_store_that_grows_is_followed_and_a_killed_watcher_goes_on(name, tmp_path):
    live, root = Live(name, tmp_path), tmp_path / "root"
    seen = []
    with watcher(live.source, live.kind, root) as running:
        for number, share in enumerate(SHARES[:-1]):
            live.grow(share)
            brought(live, live.source, tmp_path / f"until {number}")
            now = points(tmp_path / f"until {number}")
            until(lambda now=now: points(root) == now, running)
            seen.append(now)
        running.send_signal(signal.SIGKILL)
        running.wait()
    with watcher(live.source, live.kind, root) as running:
        live.grow(SHARES[-1])
        live.rest()
        is_whole = brought(live, live.whole, tmp_path / "expected")
        expected = all_of(live, tmp_path / "expected")
        assert points(tmp_path / "expected") != seen[0]  # it did grow
        until(lambda: all_of(live, root) == expected, running)
        running.send_signal(signal.SIGINT)
        told, _ = running.communicate(timeout=300)
        # 130: it was looking once more at what had not changed.
        assert running.returncode in (0 if is_whole else 1, 130), told.decode()
    assert all_of(live, root) == expected


OF_AIM = """
import os, sys, time
import aim

store, half, go = sys.argv[1:]
aim.Repo(store, init=True).close()
run = aim.Run(repo=store, system_tracking_interval=None, log_system_params=False, capture_terminal_logs=False)
run.name = "live"
for step in range(60):
    if step == 30:
        open(half, "w").close()
        while not os.path.exists(go):
            time.sleep(0.05)
    run.track(step / 3, name="loss", step=step)
run.close()
"""


def test_a_run_that_aim_writes_is_followed_and_a_killed_watcher_goes_on(tmp_path):
    pytest.importorskip("aim")
    root, store, half, go = (tmp_path / name for name in ("root", "store", "half", "go"))
    store.mkdir()
    around = {**os.environ, "HOME": str(tmp_path), "AIM_UI_TELEMETRY_ENABLED": "0"}
    writer = subprocess.Popen([sys.executable, "-c", OF_AIM, store, half, go], env=around)

    def here() -> list[int]:
        return [one for metrics in points(root).values() for one in metrics.values()]

    try:
        until(half.exists, writer)
        with watcher(store, "aim", root) as running:
            until(lambda: here() == [30], running)
        with watcher(store, "aim", root) as running:
            go.touch()
            until(lambda: here() == [60], running)
            assert writer.wait(timeout=300) == 0
            until(lambda: [one[0] for one in held(root).values()] == ["completed"], running)
    finally:
        writer.kill()
        writer.wait()


def test_each_kind_is_followed_or_says_why_not():
    kinds = {"table"} | {
        store.kind or store.tracker for name, store in STORES.items() if name in GROWING
    }
    assert kinds | set(ELSEWHERE) == set(KINDS)
    assert not kinds & set(ELSEWHERE)
