"""Folders that ml-dash records to without a server: `<owner>/<project>/…/<name>/` with `experiment.json` in each."""

from __future__ import annotations

import heapq
import json
import math
import os
import re
import time
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ....errors import InvalidValue
from ....importing.folders import files_below, links_below, opening, plain_file, read_at_most
from ....importing.foreign import open_plain, open_text, walk
from ....importing.source import (
    Finding,
    Message,
    Outcome,
    Row,
    Run,
    SourceFile,
    SourceValue,
)
from ....importing.unplaced import document, say_kept
from ....record.plain import nest
from ..translate import LEVELS, entry_row, group_of, metric_row, time_of

__all__ = ["Folders", "is_within_reach"]

_ABOUT, _HIDDEN = "experiment.json", ".dash"
_OWN = frozenset({"metrics", "logs", "files", "tracks"})
_WRITTEN = re.compile(
    r"experiment\.json|parameters\.json|files/.*|logs/logs\.jsonl|logs/metadata\.json|(metrics|tracks)/.+/(data\.jsonl|metadata\.json)|(.*/)?\..*"
)
_PLACED = frozenset({"name", "prefix", "description", "tags", "created_at"})
_KEPT = frozenset({"project", "bindrs", "metadata", "write_protected", "updated_at"})
_PARAMETERS = frozenset({"version", "data", "createdAt", "updatedAt"})
_COUNTED = frozenset({
    "metricId", "trackId", "name", "columns", "totalDataPoints", "totalEntries", "nextIndex", "firstTimestamp", "lastTimestamp", "createdAt", "updatedAt",
})  # fmt: skip
_OF_METRICS = frozenset({"topic", "description", "tags", "metadata"})
_OF_PLACE = frozenset({"id", "experimentId", "path", "filename", "sizeBytes", "checksum", "uploadedAt", "updatedAt", "deletedAt"})  # fmt: skip
_OF_FILES = frozenset({"description", "tags", "metadata", "contentType", "bindrs"})
_MOST_LOOKED = 2_000
_MOST_TEXT, _MOST_LINE = 64 << 20, 16 << 20
_ALIVE_SECONDS = 600.0


def _below(path: str) -> Iterator[str]:
    """The folders of experiments in a folder and below it, by name; one folder in between for each that is looked at, or none."""
    hidden = os.path.join(path, _HIDDEN)
    for at, folders, names in walk(hidden if os.path.isdir(hidden) else path):
        # A copy by git or in a zip file may lack the folders that were empty.
        inside = _ABOUT in names and (any(name in _OWN for name in folders) or _is_experiment(at))
        folders[:] = sorted(
            n for n in folders if not n.startswith(".") and not (inside and n in _OWN)
        )
        yield at if inside else ""


def is_within_reach(path: str) -> bool:
    """Whether experiments of ml-dash's lie in a folder, or among the first folders below it."""
    if not os.path.isdir(path):
        return False
    for looked, folder in enumerate(_below(path)):
        if folder and _is_experiment(folder):
            return True
        if looked > _MOST_LOOKED:
            return False
    return False


def _is_experiment(folder: str) -> bool:
    try:
        with open_text(os.path.join(folder, _ABOUT)) as file:
            head = file.read(1 << 16)
    except OSError:
        return False
    return '"prefix"' in head and '"write_protected"' in head


class _Line(NamedTuple):
    """A row of a metric or track, in the order in which all of an experiment's are merged: by time, its own as they stand."""

    at: float
    name: str
    number: int
    row: Row


class Folders:
    """The experiments of one folder.

    Raises:
        InvalidValue: There are none.
    """

    kind = "ml-dash"

    def __init__(self, path: str) -> None:
        self.where = os.path.abspath(path)
        self._findings: list[Finding] = []
        self._folders: dict[str, str] = {}
        if not is_within_reach(self.where):
            raise InvalidValue(f"There are no experiments of ml-dash's in {path}.", key="source")

    def runs(self) -> Iterator[Run]:
        """See `Source.runs`: by their prefixes."""
        self._findings, self._folders = [*links_below(self.where, _ABOUT.__eq__)], {}
        for folder in _below(self.where):
            if not folder:
                continue
            about = self._json(os.path.join(folder, _ABOUT), "")
            if about is None:
                continue
            run = self._run(folder, about)
            if run.key in self._folders:
                what = f"It is a copy of {self._folders[run.key]}, and is left out."
                self._findings.append(Finding(folder, what, True, run.key))
                continue
            self._folders[run.key] = folder
            yield run

    def _run(self, folder: str, about: dict[str, Any]) -> Run:
        prefix = str(about.get("prefix") or os.path.relpath(folder, self.where)).strip("/")
        created = str(about.get("created_at") or "")
        key = f"{prefix}#{created}"
        changed = max(os.path.getmtime(path) for path in self._written(folder))
        running = time.time() - changed < _ALIVE_SECONDS
        status: Outcome = "running" if running else "completed"
        started = time_of(created) or changed
        *place, name = [part for part in prefix.split("/") if part] or [os.path.basename(folder)]
        path = os.path.join(folder, "parameters.json")
        said = (self._json(path, key) or {}) if os.path.lexists(path) else {}
        params = said.get("data")
        tags = about.get("tags")
        known = {name: value for name, value in about.items() if value is not False}
        kept = document(known, _PLACED, _KEPT, os.path.join(folder, _ABOUT), key, self._findings)
        more = document(said, _PARAMETERS, (), path, key, self._findings)
        if more:
            kept["parameters.json"] = more
        for kind in ("metrics", "tracks"):
            if described := self._described(folder, kind, key):
                kept[kind] = described
        return Run(
            key=key, place=tuple(place), name=name, started=started, ended=None if running else max(started, changed),
            status=status, alive=changed, user=place[0] if place else "", description=str(about.get("description") or "") or None,
            tags={str(tag): None for tag in tags} if isinstance(tags, list) else {},
            params=nest(params) if isinstance(params, dict) else {}, kept=kept,
        )  # fmt: skip

    @staticmethod
    def _written(folder: str) -> Iterator[str]:
        yield os.path.join(folder, _ABOUT)
        for kind in ("metrics", "tracks", "logs"):
            for at, _, names in walk(os.path.join(folder, kind)):
                yield from (os.path.join(at, name) for name in names if name.endswith(".jsonl"))

    def _described(self, folder: str, kind: str, run: str) -> dict[str, Any]:
        """What is known of metrics or tracks beside their rows."""
        found = {}
        for name, path in self._streams(folder, kind):
            about = os.path.join(os.path.dirname(path), "metadata.json")
            said = (self._json(about, run) or {}) if os.path.lexists(about) else {}
            facts = document(said, _COUNTED, _OF_METRICS, about, run, self._findings)
            if facts:
                found[name] = facts
        return found

    # -- what it logged ----------------------------------------------------------------------------

    def rows(self, run: Run) -> Iterator[Row]:
        """See `Source.rows`: the rows of metrics and tracks, merged by time."""
        folder = self._folders[run.key]
        streams = [
            self._lines(run, kind, name, path)
            for kind in ("metrics", "tracks")
            for name, path in self._streams(folder, kind)
        ]
        for line in heapq.merge(*streams):
            yield line.row

    @staticmethod
    def _streams(folder: str, kind: str) -> list[tuple[str, str]]:
        """The names and files of metrics or tracks."""
        base = os.path.join(folder, kind)
        found = []
        for at, folders, names in walk(base):
            folders.sort()
            if "data.jsonl" in names and at != base:
                name = os.path.relpath(at, base).replace(os.sep, "/")
                found.append((name, os.path.join(at, "data.jsonl")))
        return found

    def _lines(self, run: Run, kind: str, name: str, path: str) -> Iterator[_Line]:
        about = os.path.join(os.path.dirname(path), "metadata.json")
        said = (self._json(about, run.key) or {}) if os.path.lexists(about) else {}
        shown = str(said.get("topic") or name) if kind == "tracks" else group_of(name)
        newest = -math.inf
        for number, found in self._objects(path, run.key):
            data = found.get("data") if kind == "metrics" else found
            if not isinstance(data, dict):
                self._findings.append(Finding(f"{path}:{number}", "It is no row.", True, run.key))
                continue
            began = time_of(str(said.get("createdAt") or "")) or run.started
            created = time_of(str(found.get("createdAt") or "")) or began
            row = _metric(data, shown, created) if kind == "metrics" else _track(data, shown, began)
            newest = max(newest, row.time)
            yield _Line(newest, f"{kind}/{name}", number, row)

    def _objects(self, path: str, run: str) -> Iterator[tuple[int, dict[str, Any]]]:
        """The objects in the lines of a file, with their numbers; a last line without an end is waited for."""
        try:
            with open_plain(path) as file:
                number = 0
                while line := file.readline(_MOST_LINE):
                    number += 1
                    if not line.strip():
                        continue
                    try:
                        found = json.loads(line.decode())
                        if not isinstance(found, dict):
                            raise ValueError("it is no object")
                    except (ValueError, RecursionError) as error:
                        if line.endswith(b"\n"):
                            self._findings.append(
                                Finding(
                                    f"{path}:{number}",
                                    f"It cannot be read: {error!s:.200}",
                                    True,
                                    run,
                                )
                            )
                        continue
                    yield number, found
        except OSError as error:
            self._findings.append(Finding(path, f"It cannot be read: {error.strerror}.", True, run))

    def messages(self, run: Run) -> Iterator[Message]:
        """See `Source.messages`."""
        path = os.path.join(self._folders[run.key], "logs", "logs.jsonl")
        if not os.path.lexists(path):
            return
        for _, found in self._objects(path, run.key):
            level = str(found.get("level") or "info").lower()
            fields = found.get("metadata")
            yield Message(
                time_of(str(found.get("timestamp") or "")) or run.started, LEVELS.get(level, level), str(found.get("message", "")),
                fields if isinstance(fields, dict) else {},
            )  # fmt: skip

    def printed(self, run: Run) -> Iterator[str]:
        """Ml-dash has nothing printed."""
        return iter(())

    def values(self, run: Run) -> Iterator[SourceValue]:
        """What is no number is a file at ml-dash, and comes as one."""
        return iter(())

    def files(self, run: Run) -> Iterator[SourceFile]:
        """See `Source.files`: those that were not deleted."""
        base = os.path.join(self._folders[run.key], "files")
        index = os.path.join(base, ".files_metadata.json")
        said = (self._json(index, run.key) or {}) if os.path.lexists(index) else {}
        listed = said.get("files")
        for one in listed if isinstance(listed, list) else ():
            if not isinstance(one, dict):
                continue
            folder, name, file_id = (
                str(one.get(key) or "").strip("/") for key in ("path", "filename", "id")
            )
            where = f"{folder}/{name}".strip("/")
            if one.get("deletedAt"):
                self._findings.append(
                    Finding(
                        f"{index}: {where:.200}", "It was deleted, and is left out.", False, run.key
                    )
                )
                continue
            told = name and file_id
            path = plain_file(base, os.path.join(folder, file_id, name)) if told else None
            if path is None:
                what = "This file is not there, or lies elsewhere."
                self._findings.append(Finding(f"{index}: {where:.200}", what, True, run.key))
                continue
            facts = document(
                one, _OF_PLACE, _OF_FILES, f"{index}: {where:.200}", run.key, self._findings
            )
            at = time_of(str(one.get("uploadedAt") or ""))
            yield SourceFile(folder, name, opening(path), time=at, metadata=facts)
        yield from self._unplaced(run.key)

    def _unplaced(self, run: str) -> Iterator[SourceFile]:
        """What lies in the folder and is nothing that ml-dash has written so far; experiments below it are their own."""
        folder = self._folders[run]
        inside = tuple(
            os.path.relpath(other, folder).replace(os.sep, "/") + "/"
            for other in self._folders.values()
            if other.startswith(os.path.join(folder, ""))
        )

        def told(name: str) -> bool:
            return bool(_WRITTEN.fullmatch(name)) or name.startswith(inside)

        for file in files_below(folder, "ml-dash", run, self._findings, but=told):
            say_kept([file.name], folder, run, self._findings)
            yield file

    def findings(self) -> tuple[Finding, ...]:
        """See `Source.findings`."""
        return tuple(dict.fromkeys(self._findings))

    def close(self) -> None:
        """Nothing is held."""

    def _json(self, path: str, run: str) -> dict[str, Any] | None:
        try:
            with open_plain(path) as file:
                found = json.loads(read_at_most(file, _MOST_TEXT).decode("utf-8", "replace"))
        except (OSError, ValueError, RecursionError) as error:
            self._findings.append(Finding(path, f"It cannot be read: {error!s:.200}", True, run))
            return None
        if not isinstance(found, dict):
            self._findings.append(Finding(path, "It is no object.", True, run))
            return None
        return found


def _metric(data: Mapping[str, Any], group: str, created: float) -> Row:
    """A row of a metric, as ml-dash's own client sends it; NaN and infinities are numbers too."""
    special = {
        n: v
        for n, v in data.items()
        if isinstance(v, float) and not math.isfinite(v) and n not in ("_ts", "step")
    }
    row = metric_row({name: value for name, value in data.items() if name not in special})
    numbers = row.numbers if not special or set(row.numbers) != {"_ts"} else {}
    line = row._replace(numbers={**numbers, **special}).line(group, created)
    return Row(row.step, line["t"], line["m"], line.get("x"))


def _track(data: Mapping[str, Any], topic: str, began: float) -> Row:
    line = entry_row(data, began).line(topic, began)
    return Row(None, line["t"], line["m"], line.get("x"))
