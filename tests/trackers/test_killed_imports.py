"""An import of any kind that is killed again and again ends as one that is not: nothing is lost, and nothing is there twice."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import pytest

from anew import Store
from anew.importing.importer import bring_in
from anew.trackers.importers import KINDS, open_source

from .awkward.stores import STORES, recorded
from .test_damaged_sources import MAKERS

KILLS = 8
CALLS = ("write", "replace", "rename", "link", "ftruncate", "makedirs", "mkdir", "unlink")
"""What an import changes a disk with, besides the streams of files and the derived catalog."""


class Source(NamedTuple):
    path: Path
    kind: str


def _of_the_tracker(name: str) -> Callable[[Path], Source]:
    def made(folder: Path) -> Source:
        store = STORES[name]
        return Source(recorded(name, folder).folder / store.source, store.kind or store.tracker)

    return made


def _of_the_maker(kind: str) -> Callable[[Path], Source]:
    return lambda folder: Source(MAKERS[kind](folder).source, kind)


RECORDED = {name: store for name, store in STORES.items() if store.is_recorded}
SOURCES = {name: _of_the_tracker(name) for name in RECORDED} | {
    kind: _of_the_maker(kind)
    for kind in KINDS
    if kind not in {store.kind or store.tracker for store in RECORDED.values()}
}
QUICK = ("mlflow",)
EACH = [
    name if name in QUICK else pytest.param(name, marks=pytest.mark.slow)
    for name in sorted(SOURCES)
]


def held(root: Path) -> dict[str, Any]:
    """All that a root has."""
    with Store(str(root)) as store:
        return {
            view.prefix: (
                str(view.status), dict(view.params), dict(view.tags), view.notes, view.description,
                {name: _columns(view.metrics[name]) for name in sorted(view.metrics)},
                sorted((one.name, one.kind, one.step, str(one.data)) for one in view.values()),
                sorted((one.prefix, one.name, one.hash) for one in view.files),
                [(one.time, one.level, one.message) for one in view.logs()],
                view.console(),
            )
            for view in store.list()
        }  # fmt: skip


def _columns(metric: Any) -> list[Any]:
    read = metric.read(order="written")
    return [read.steps.tolist(), read.times.tolist(), list(map(repr, read.values.tolist()))]


def _bring(source: Source, root: Path) -> Any:
    opened = open_source(str(source.path), source.kind)
    try:
        return bring_in(opened, str(root))
    finally:
        opened.close()


def killed_at(source: Source, root: Path, call: int) -> int:
    """Import in a process of its own that is killed before it changes the disk for so many times; how often it did (0 if it was killed)."""
    reading, writing = os.pipe()
    child = os.fork()
    if child:
        os.close(writing)
        with os.fdopen(reading) as told:
            said = told.read()
        _, status = os.waitpid(child, 0)
        assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, said
        return int(said) if said else 0
    done = 0
    lock = threading.Lock()

    def counted(function: Callable[..., Any]) -> Callable[..., Any]:
        def counting(*given: Any, **named: Any) -> Any:
            nonlocal done
            with lock:
                if done == call:
                    os.kill(os.getpid(), signal.SIGKILL)
                done += 1
            return function(*given, **named)

        return counting

    code = 1
    try:
        write = os.write
        for name in CALLS:
            setattr(os, name, counted(getattr(os, name)))
        _bring(source, root)
        write(writing, str(done).encode())
        code = 0
    finally:
        os._exit(code)


def _age(folder: Path) -> None:
    for path in folder.rglob("*"):
        os.utime(path, (1_750_000_000, 1_750_000_000), follow_symlinks=False)


@pytest.mark.parametrize("name", EACH)
def test_an_import_that_is_killed_again_and_again_ends_as_one_that_is_not(name, tmp_path):
    (tmp_path / "source").mkdir()
    source = SOURCES[name](tmp_path / "source")
    _age(tmp_path / "source")
    total = killed_at(source, tmp_path / "counted", -1)
    assert total > KILLS
    whole = held(tmp_path / "counted")
    assert whole
    random, root, killed = Random(name), tmp_path / "root", 0
    for _ in range(KILLS):
        killed += killed_at(source, root, random.randrange(total)) == 0
    assert killed
    _bring(source, root)
    assert held(root) == whole
    assert {run.state for run in _bring(source, root).runs} == {"same"}


def test_each_kind_is_killed():
    assert set(KINDS) <= {store.kind or store.tracker for store in STORES.values()} | set(SOURCES)
