"""Looking for what is broken: in the records themselves, and between the folders and the catalog."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

from ..journal.identify import identify
from ..journal.layout import ExperimentLayout
from ..journal.root import unreadable_files
from ..query.question import FactsQuestion, Part, ask
from ..record.facts import ProblemFact
from ..stores.catalog.protocol import Batch
from .finding import Finding
from .index import Index, Progress
from .records import Hashes, examine_records, said
from .trash import Trash

__all__ = ["Finding", "examine"]


def examine(
    index: Index, *, repair: bool = False, progress: Progress | None = None
) -> list[Finding]:
    """Look at every folder and read every file of records.

    Args:
        repair: Mend what is derived: the catalog, and what was derived from segments.
    """
    findings: list[Finding] = []
    with index.exclusive():
        rows = index.stores.catalog.select(ask(columns=["prefix"], now=time.time()))
        known = dict(zip(rows.columns[0].values, rows.ids, strict=True))
        closed: dict[str, OSError] = {}
        folders = sorted(index.root.walk(closed)) if os.path.isdir(index.root.root) else []
        walked = sorted({p for prefix in folders for p in index.journals.shown(prefix)})
        findings += [
            Finding(
                "unreadable",
                _shown(prefix),
                f"It cannot be read: {error.strerror}.",
                _shown(index.root.experiment(prefix).folder),
            )
            for prefix, error in closed.items()
        ]
        behind = set(index.behind(known))
        findings += _compare(index, known, walked, repair)
        nameless = {found.prefix for found in findings if found.kind == "no identity"}
        late = []
        hashes: Hashes = {}
        for done, prefix in enumerate(walked, 1):
            found = list(
                examine_records(
                    ExperimentLayout(index.folder_of(prefix)),
                    index.journals.of(prefix),
                    prefix,
                    hashes,
                )
            )
            if prefix in nameless:  # which was said
                found = [one for one in found if one.kind != "no identity"]
            if repair:
                _note(index, prefix, found)
            findings += found
            if prefix in behind and not found:
                folder = index.folder_of(prefix)
                message = "Its folder holds other records than were taken in."
                findings.append(Finding("not indexed", prefix, message, folder, repaired=repair))
                late.append(prefix)
            if progress is not None:
                progress(done, len(walked))
        if repair:
            index.touch(late)
        findings += _trash(index)
        findings += _journal(index)
        findings += _leftovers(index, repair)
        findings += _conflicts(index, known)
    return findings


def _shown(path: str) -> str:
    """A path as text; what is none is escaped."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _compare(
    index: Index, known: dict[str, str], walked: list[str], repair: bool
) -> Iterator[Finding]:
    """What the catalog and the folders do not agree on."""
    strangers = []
    where = {experiment_id: prefix for prefix, experiment_id in known.items()}
    seen = set(walked)
    deleted = index.journal.state().deleted()
    for prefix in sorted(known.keys() - seen):
        yield Finding(
            "gone",
            prefix,
            "It is in the catalog, but its folder no longer exists.",
            repaired=repair,
        )
        strangers.append(prefix)
    for prefix in walked:
        folder = index.folder_of(prefix)
        try:
            experiment_id = identify(index.journals.of(prefix))
        except Exception as error:  # noqa: BLE001  (the bulkhead: whatever is wrong with one is a finding)
            yield Finding("unreadable", prefix, f"It cannot be read: {said(error)}.", folder)
            continue
        shown = index.journals.shown(prefix)
        if prefix == index.journals.lies(prefix).folder and len(shown) > 1:
            message = (
                f"It holds the records of {len(shown)} experiments: folders were copied onto each other. They are "
                f"shown as {', '.join(shown)}. What they logged besides records (files, values) lies together."
            )
            yield Finding("mixed", prefix, message, folder)
        if experiment_id is None:
            message = "It has a journal, but the journal does not contain the experiment's id."
            yield Finding("no identity", prefix, message, folder)
        elif known.get(prefix) == experiment_id:
            continue
        elif (gone := deleted.get(experiment_id)) is not None:
            if gone.prefix != prefix:
                message = (
                    f"It has the id {experiment_id} of an experiment that was deleted, so it is not shown. "
                    f"Continue it, which makes it an experiment of its own, or delete the folder."
                )
                yield Finding("copy", prefix, message, folder)
        elif (first := where.get(experiment_id, prefix)) != prefix and first in seen:
            message = (
                f"It has the id {experiment_id} of {first}. This copy is not shown. Delete one "
                "of the "
                "two folders."
            )
            yield Finding("copy", prefix, message, folder)
        else:
            message = "Its folder exists, but the catalog does not contain it."
            yield Finding("not indexed", prefix, message, folder, repaired=repair)
            strangers.append(prefix)
            where[experiment_id] = prefix
    if repair and strangers:
        index.touch(strangers)


def _note(index: Index, prefix: str, found: list[Finding]) -> None:
    """Make the catalog's problems of an experiment those that were found."""
    catalog = index.stores.catalog
    folder = index.folder_of(prefix)
    known = catalog.known(prefixes=[prefix])
    if not known:
        return
    experiment_id, parts = known[0].experiment_id, frozenset[Part]({"problems"})
    facts = catalog.facts(FactsQuestion(ids=[experiment_id], parts=parts, now=time.time()))
    noted = (facts[0].problems or ()) if facts else ()
    rows = {
        (os.path.relpath(f.path, folder).replace(os.sep, "/"), f.line or 0): f.message
        for f in found
        if f.path
    }
    if {(row.path, row.line) for row in noted} == set(rows):
        return
    now = tuple(ProblemFact(path, line, reason) for (path, line), reason in rows.items())
    catalog.save(Batch(examined={experiment_id: now}))


def _trash(index: Index) -> Iterator[Finding]:
    """What is deleted and not in the trash, or in the trash and not deleted."""
    trash = Trash(index)
    for item in trash.items():
        if not item.complete:
            message = (
                "It was deleted, so it is not shown, but its files are still in place. `anew "
                "restore "
                f"{item.experiment_id}` shows it again; delete it again to move the files to the "
                "trash."
            )
            folder = index.root.experiment(item.prefix).folder
            yield Finding("trash", item.prefix, message, folder)
    for folder in trash.unknown():
        message = (
            "There is no record of what this item in the trash is. Move it to where it belongs, "
            "or remove it."
        )
        yield Finding("trash", "", message, folder)


def _journal(index: Index) -> Iterator[Finding]:
    """Broken lines and unreadable files of the root's own journal."""
    for name, error in unreadable_files(index.root).items():
        path = _shown(os.path.join(index.root.journal, name))
        yield Finding("unreadable", "", f"It cannot be read: {error.strerror}.", path)
    for name, broken in index.journal.broken().items():
        path = os.path.join(index.root.journal, name)
        for b in broken:
            yield Finding("broken line", "", f"{b.reason}: {b.text[:60]!r}", path, b.line)


def _conflicts(index: Index, known: dict[str, str]) -> Iterator[Finding]:
    """What clients sent for places that held other bytes."""
    where = {experiment_id: prefix for prefix, experiment_id in known.items()}
    folder = index.root.conflicts
    try:
        with os.scandir(folder) as entries:
            found = sorted((e.name, e.path) for e in entries if e.is_dir(follow_symlinks=False))
    except OSError:
        return
    for name, path in found:
        count = len(os.listdir(path))
        message = (
            f"A client sent bytes for places that held others, {count} times. Nothing was overwritten: what was sent lies "
            "here. Compare it, then remove the folder."
        )
        yield Finding("conflict", where.get(name, ""), message, _shown(path))


def _leftovers(index: Index, repair: bool) -> Iterator[Finding]:
    """What killed saves left, and what was derived for experiments that are no more."""
    for path in Trash(index).drafts():
        message = (
            "A process was killed while it saved this file. `anew gc` removes what is left of it."
        )
        yield Finding("leftover", "", message, _shown(path))
    known = set(index.ids())
    series = index.stores.series
    for experiment_id, size in series.derived().items():
        if experiment_id not in known:
            if repair:
                series.drop(experiment_id)
            message = (
                f"{size} bytes of derived data belong to the experiment {experiment_id}, which "
                "no longer exists."
            )
            yield Finding("leftover", "", message, repaired=repair)
