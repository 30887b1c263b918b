"""Giving back the bytes of logged files, while the record keeps that they were logged."""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ..blobs.linked import LinkedFiles, remove_empty
from ..errors import NotFound, StillRunning
from ..journal.edits import append_event
from ..journal.layout import ExperimentLayout, logged_path
from ..query.question import FactsQuestion, Part
from ..record.facts import ExperimentFacts, FileFact
from ..record.status import Status
from .footprint import Weighing, stored_files
from .index import Index
from .moving import check_inside
from .trash import Freed

__all__ = ["free_files"]


class _Doomed(NamedTuple):
    file: FileFact
    path: str
    said: bool


def free_files(
    index: Index,
    wanted: Mapping[str, Sequence[str]],
    *,
    why: str = "",
    dry_run: bool = False,
) -> Freed:
    """Free files, given by their ids for each experiment's id; how many, and the bytes of disk that gives back.

    The record says so before the first byte goes; what an earlier call said and could not remove goes too. A content that
    other files share stays until the last of them is freed.

    Raises:
        NotFound: An experiment is not known.
        StillRunning: One is being written: its own process frees its checkpoints.
        InvalidValue: One lies outside of the root, behind a link.
        OSError: A file cannot be removed.
    """
    with index.exclusive():
        rows = index.look_at(list(wanted))
        places: dict[str, ExperimentLayout] = {}
        for experiment_id in wanted:
            row = rows.get(experiment_id)
            if row is None:
                raise NotFound(f"There is no experiment {experiment_id!r}.", name=experiment_id)
            if row.status == Status.RUNNING:
                raise StillRunning(
                    f"{row.prefix} is still running. Free its files when it has ended, or save them with keep_last or "
                    "keep_best: then its own process does."
                )
            place = index.place(experiment_id, row.prefix)
            check_inside(index.root, place, row.prefix)
            places[experiment_id] = ExperimentLayout(place.folder)
        parts = frozenset[Part]({"files", "state"})
        facts = index.stores.catalog.facts(
            FactsQuestion(ids=tuple(wanted), parts=parts, now=time.time())
        )
        doomed = {one.id: list(_there(places[one.id], one, set(wanted[one.id]))) for one in facts}
        if dry_run:
            return _weighed(index, doomed)
        contents = LinkedFiles(index.root.contents)
        count = freed = 0
        for experiment_id, files in doomed.items():
            if not files:
                continue
            layout = places[experiment_id]
            ids = [one.file.id for one in files if not one.said]
            said: dict[str, Any] = {"why": why} if why else {}
            if ids:
                append_event(index.root, layout, experiment_id, "freed", file_ids=ids, **said)
            folders = set()
            for one in files:
                freed += contents.release(one.path, one.file.hash)
                folders.add(os.path.dirname(one.path))
            _tidy(folders, layout.path("files"))
            count += len(files)
        index.take_in()
    return Freed(count, freed)


def _there(
    layout: ExperimentLayout, facts: ExperimentFacts, wanted: Collection[str]
) -> Iterator[_Doomed]:
    """The files that go and lie where the record says; never one that a file that stays is said to lie at as well."""
    freed = {} if facts.state is None else facts.state.freed
    gone = [f for f in facts.files or () if f.id in wanted or f.id in freed]
    kept = {f.path for f in facts.files or () if f.id not in wanted and f.id not in freed}
    for file in {f.path: f for f in gone if f.path not in kept}.values():
        path = logged_path(layout.folder, file.path)
        if path is not None and os.path.isfile(path):
            yield _Doomed(file, path, file.id in freed)


def _tidy(folders: Collection[str], top: str) -> None:
    """Remove folders that are empty now, and those around them that then are."""
    around = set()
    for folder in folders:
        try:
            os.rmdir(folder)
        except OSError:
            continue
        around.add(os.path.dirname(folder))
    for folder in around:
        remove_empty(folder, top)


def _weighed(index: Index, doomed: Mapping[str, Sequence[_Doomed]]) -> Freed:
    weighing = Weighing(lambda: {inode for inode, _ in stored_files(index.root.contents)})
    paths = [one.path for files in doomed.values() for one in files]
    weighing.add(paths)
    return Freed(len(paths), weighing.freed)
