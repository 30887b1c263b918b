"""trackio's folder: a database for each project, media and artifacts beside them."""

from __future__ import annotations

import heapq
import io
import json
import os
import re
import time
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, BinaryIO, NamedTuple

from ....errors import CorruptData, InvalidValue
from ....importing.folders import files_below, opening, plain_file
from ....importing.foreign import names_in, walk
from ....importing.logged import number_of, seconds_of, split
from ....importing.source import Finding, Message, Row, Run, SourceFile, SourceValue
from ....importing.sqlite import Database, has_tables
from ....importing.unplaced import kept_records, line_of
from ....record.plain import parse_json
from .media import files_named, made

__all__ = ["Projects", "databases_in"]

_TABLES = frozenset({"metrics", "configs", "system_metrics"})
_ROW = frozenset({"id", "run_id", "run_name", "timestamp", "step", "log_id", "space_id"})
_READ = {
    "metrics": _ROW | {"metrics"}, "system_metrics": _ROW | {"metrics"}, "configs": _ROW | {"config", "created_at"},
    "alerts": _ROW | {"title", "text", "level", "alert_id"},
    "traces": _ROW | {"key", "trace_index", "messages", "metadata", "search_text", "spans"},
    "run_artifact_links": _ROW | {"run_project", "artifact_version_id", "direction", "created_at"},
}  # fmt: skip
"""The columns that come as something else, or say nothing of a run."""
_SAYS_NOTHING = frozenset({"pending_uploads"})
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ALIVE_SECONDS = 600.0
_LEVELS = {"info": "info", "warn": "warning", "error": "error"}
_DIGEST = re.compile(r"[0-9a-f]{64}")
_REGISTRY = "registry-"


def databases_in(path: str) -> list[str]:
    """The databases of trackio's at a path: a file, or those in its folder."""
    if os.path.isfile(path):
        return [path] if has_tables(path, _TABLES) else []
    try:
        names = [name for name in names_in(path) if name.endswith(".db")]
    except OSError:
        return []
    paths = (os.path.join(path, name) for name in names if not name.startswith(_REGISTRY))
    return [path for path in paths if has_tables(path, _TABLES)]


class _Place(NamedTuple):
    """Where a run lies: its database, and the value of the column that tells it from others."""

    project: str
    id: str | None


class _Record(NamedTuple):
    """A row of a table, in the order in which those of two tables are merged: by time, a table's own as they stand."""

    at: float
    system: bool
    number: int
    step: int | None
    time: float
    values: Mapping[str, Any]


class Projects:
    """The projects of one folder of trackio's, or one of them.

    Raises:
        InvalidValue: There are none.
    """

    kind = "trackio"

    def __init__(self, path: str) -> None:
        if not databases_in(path):
            raise InvalidValue(f"There is no database of trackio's at {path}.", key="source")
        self.where = os.path.abspath(path)
        self._folder = self.where if os.path.isdir(self.where) else os.path.dirname(self.where)
        self._media = os.path.join(self._folder, "media")
        self._findings: list[Finding] = []
        self._databases: dict[str, Database] = {}
        self._places: dict[str, _Place] = {}

    def runs(self) -> Iterator[Run]:
        """See `Source.runs`: project by project, in the order in which runs were begun; what belongs to a whole project comes last."""
        self.close()
        self._places = {}
        self._look_beside()
        for path in databases_in(self.where):
            project = os.path.splitext(os.path.basename(path))[0]
            try:
                self._databases[project] = database = Database(path)
                for id_, name, first, last in self._begun(database):
                    key = f"{project}/{id_}"
                    self._places[key] = _Place(project, id_)
                    yield self._run(database, key, name, first, last)
                key = f"{project}/"
                self._places[key] = _Place(project, None)
                whole = self._whole(database, key, os.path.getmtime(path))
                if whole is not None:
                    yield whole
                database.check()
            except (CorruptData, OSError) as error:
                self._findings.append(Finding(path, str(error), True))

    def _look_beside(self) -> None:
        """Say what of trackio's folder is not read here."""
        if not os.path.isdir(self.where):
            return
        names = set(names_in(self.where))
        for name in sorted(names):
            path = os.path.join(self.where, name)
            stem = name.removesuffix(".parquet")
            if name.startswith(_REGISTRY) and name.endswith(".db"):
                what = "A registry holds no runs, and is left out."
                self._findings.append(Finding(path, what, False))
            elif stem != name and f"{stem}_configs.parquet" in names and f"{stem}.db" not in names:
                what = "trackio has not made a database of it yet. Show the project with trackio once, and import again."
                self._findings.append(Finding(path, what, True))
        inbox = os.path.join(self.where, "inbox")
        waiting = sum(len(files) for _, _, files in walk(inbox))
        if waiting:
            what = f"{waiting} files wait for trackio to take them in. Show the project with trackio once, and import again."
            self._findings.append(Finding(inbox, what, True))

    # -- what a run is -----------------------------------------------------------------------------

    def _begun(self, database: Database) -> Iterator[tuple[str, str, float, float]]:
        """Each run's id, name, first and last time, by the first."""
        found: dict[str, list[Any]] = {}
        for table, at in (("configs", "created_at"), ("metrics", "timestamp"), ("system_metrics", "timestamp")):  # fmt: skip
            if not database.columns(table):
                continue
            key = self._key(database, table)
            asked = database.ask(
                f"SELECT {key}, max(run_name), min({at}), max({at}) FROM {table} GROUP BY {key}"
            )
            for id_, name, first, last in asked:
                times = [one for one in map(seconds_of, (first, last)) if one is not None]
                known = found.setdefault(str(id_), [str(name), *(times or [0.0])])
                known += times
        for id_, (name, *times) in sorted(found.items(), key=lambda one: (min(one[1][1:]), one[0])):
            yield id_, name, min(times), max(times)

    def _key(self, database: Database, table: str) -> str:
        """The column that tells runs apart: early versions had their names alone."""
        return "run_id" if "run_id" in database.columns(table) else "run_name"

    def _run(self, database: Database, key: str, name: str, first: float, last: float) -> Run:
        place = self._places[key]
        config = self._config(database, place, key)
        own = {name: config.pop(name) for name in list(config) if name.startswith("_")}
        user = own.pop("_Username", None)
        created = seconds_of(own.pop("_Created", None))
        started = min(first, created) if created is not None else first
        kept: dict[str, Any] = {"project": place.project}
        if group := own.pop("_Group", None):
            kept["group"] = group
        used = list(self._artifacts(database, place, "input"))
        if used:
            kept["inputs"] = [{"name": f"{one['name']}:v{one['version']}"} for one in used]
        kept |= {name: value for name, value in own.items() if value is not None}
        running = time.time() - last < _ALIVE_SECONDS
        return Run(
            key=key, place=(place.project,), name=name, started=started, ended=None if running else last,
            status="running" if running else "completed", alive=last, user=user if isinstance(user, str) else "", params=config, kept=kept,
        )  # fmt: skip

    def _config(self, database: Database, place: _Place, key: str) -> dict[str, Any]:
        column = self._key(database, "configs")
        for (data,) in database.ask(f"SELECT config FROM configs WHERE {column} = ?", place.id):
            found = self._mapping(data, f"{database.path}, table configs", key)
            return {
                name: number if isinstance(value, str) and (number := number_of(value)) is not None else value
                for name, value in found.items()
            }  # fmt: skip
        return {}

    def _whole(self, database: Database, key: str, at: float) -> Run | None:
        """What belongs to a project and to none of its runs; None if there is nothing."""
        project = self._places[key].project
        kept: dict[str, Any] = {"project": project}
        if database.columns("project_metadata"):
            about = dict(database.ask("SELECT key, value FROM project_metadata ORDER BY key"))
            kept |= {"metadata": about} if about else {}
        files = os.path.join(self._media, project, "files")
        unowned = next(iter(self._artifacts(database, self._places[key], "output")), None)
        if len(kept) == 1 and not os.path.isdir(files) and unowned is None:
            return None
        if os.path.isdir(files):
            at = os.path.getmtime(files)
        return Run(
            key=key, place=(project,), name="files of the project", started=at, ended=at, kept=kept
        )

    # -- what it logged ----------------------------------------------------------------------------

    def _records(self, run: Run, *, system: bool = True) -> Iterator[_Record]:
        """The rows of both tables, merged by time."""
        place = self._places[run.key]
        if place.id is None:
            return iter(())
        tables = ("metrics", "system_metrics") if system else ("metrics",)
        return heapq.merge(*(self._table(table, place, run) for table in tables))

    def _table(self, table: str, place: _Place, run: Run) -> Iterator[_Record]:
        database = self._databases[place.project]
        if not database.columns(table):
            return
        step = "step" if table == "metrics" else "NULL"
        newest = time_ = run.started
        asked = database.ask(
            f"SELECT id, {step}, timestamp, metrics FROM {table} WHERE {self._key(database, table)} = ? ORDER BY id",
            place.id,
        )
        for number, at, stamp, data in asked:
            where = f"{database.path}, table {table}, row {number}"
            said = seconds_of(stamp)
            if said is None:
                what = f"It has no time: {stamp!r:.80}. It is given that of the row before."
                self._findings.append(Finding(where, what, True, run.key))
            time_ = time_ if said is None else said
            newest = max(newest, time_)
            values = self._mapping(data, where, run.key)
            yield _Record(newest, table != "metrics", number, at if type(at) is int else None, time_, values)  # fmt: skip

    def _mapping(self, data: Any, where: str, run: str) -> dict[str, Any]:
        try:
            found = parse_json(data)
        except (ValueError, TypeError) as error:
            self._findings.append(Finding(where, f"It is no JSON: {error!s:.200}", True, run))
            return {}
        if not isinstance(found, dict):
            self._findings.append(Finding(where, "It holds no values by names.", True, run))
            return {}
        return found

    def rows(self, run: Run) -> Iterator[Row]:
        """See `Source.rows`: what was logged, and samples of the machine under `system/`, without steps."""
        for record in self._records(run):
            numbers, exact, _ = split(record.values)
            if numbers:
                if record.system:
                    numbers = {f"system/{name}": value for name, value in numbers.items()}
                yield Row(record.step, record.time, numbers, exact or None)

    def values(self, run: Run) -> Iterator[SourceValue]:
        """See `Source.values`."""
        for record in self._records(run, system=False):
            for name, value in split(record.values).others.items():
                found = made(value, self._media)
                if found is not None:
                    yield SourceValue(name, found[0], record.step, record.time, found[1])
                elif not any(plain_file(self._media, one) for one in files_named(value)):
                    kind = value.get("_type") if isinstance(value, Mapping) else type(value)
                    what = f"{kind!s:.80} at step {record.step}: there is no file of it in trackio's folder."
                    self._findings.append(Finding(f"metric {name}", what, True, run.key))

    def messages(self, run: Run) -> Iterator[Message]:
        """See `Source.messages`: its alerts."""
        place = self._places[run.key]
        database = self._databases[place.project]
        if place.id is None or not database.columns("alerts"):
            return
        column = self._key(database, "alerts")
        asked = database.ask(
            f"SELECT timestamp, title, text, level, step FROM alerts WHERE {column} = ? ORDER BY id",
            place.id,
        )
        for stamp, title, text, level, step in asked:
            at = seconds_of(stamp)
            fields = {} if step is None else {"step": step}
            yield Message(
                run.started if at is None else at, _LEVELS.get(str(level), "warning"),
                f"{title}: {text}" if text else str(title), fields,
            )  # fmt: skip

    def printed(self, run: Run) -> Iterator[str]:
        """trackio keeps nothing of what is printed."""
        return iter(())

    # -- files -------------------------------------------------------------------------------------

    def files(self, run: Run) -> Iterator[SourceFile]:
        """See `Source.files`: media that have no kind here, traces, and the artifacts that it made."""
        place = self._places[run.key]
        database = self._databases[place.project]
        if place.id is None:
            folder = os.path.join(self._media, place.project, "files")
            if os.path.isdir(folder):
                yield from files_below(folder, "files", run.key, self._findings)
        else:
            yield from self._media_files(run)
            yield from self._traces(database, place, run)
        for artifact in self._artifacts(database, place, "output"):
            yield from self._contents(artifact, place.project, run)
        if place.id is not None:
            rows = partial(self._unknown, database, place)
            yield from kept_records("trackio", database.path, run.key, self._findings, rows)

    def _unknown(self, database: Database, place: _Place) -> Iterator[tuple[str, bytes]]:
        """The rows of a run in tables that nobody knows, and in columns that were not there when this was written."""
        for table in sorted(filter(_NAME.fullmatch, database.tables() - _SAYS_NOTHING)):
            known = database.columns(table)
            new = sorted(filter(_NAME.fullmatch, known - _READ.get(table, frozenset())))
            if "run_id" not in known or not new:
                continue
            shown = ", ".join(f'"{name}"' for name in new)
            some = " OR ".join(f'"{name}" IS NOT NULL' for name in new)
            query = f"SELECT {shown} FROM {table} WHERE run_id = ? AND ({some})"
            for row in database.ask(query, place.id):
                yield f"table {table}.jsonl", line_of(dict(zip(new, row, strict=True)))

    def _media_files(self, run: Run) -> Iterator[SourceFile]:
        """Files of what was logged that is no value here by itself."""
        for record in self._records(run, system=False):
            for value in split(record.values).others.values():
                found = made(value, self._media)
                if found is not None and found[0] != "table":
                    continue
                for name in files_named(value):
                    yield from self._media_file(name, record.step, record.time)

    def _media_file(self, name: str, step: int | None, at: float) -> Iterator[SourceFile]:
        path = plain_file(self._media, name)
        if path is not None:
            yield SourceFile("media", os.path.basename(path), opening(path), step, at)

    def _traces(self, database: Database, place: _Place, run: Run) -> Iterator[SourceFile]:
        known = database.columns("traces")
        if not known:
            return
        wanted = [name for name in ("id", "timestamp", "step", "key", "trace_index", "messages", "metadata", "spans") if name in known]  # fmt: skip
        lines: list[str] = []
        named: list[str] = []
        last: float | None = None
        column = self._key(database, "traces")
        asked = database.ask(
            f"SELECT {', '.join(wanted)} FROM traces WHERE {column} = ? ORDER BY rowid", place.id
        )
        for row in asked:
            line = dict(zip(wanted, row, strict=True))
            for name in {"messages", "metadata", "spans"} & line.keys():
                try:
                    line[name] = parse_json(line[name])
                except (ValueError, TypeError):
                    line[name] = str(line[name])
                named += files_named(line[name])
            last = seconds_of(line.get("timestamp")) or last
            lines.append(json.dumps(line, ensure_ascii=False, sort_keys=True))
        if lines:
            text = "".join(f"{line}\n" for line in lines).encode("utf-8", "replace")
            yield SourceFile("trackio", "traces.jsonl", partial(_bytes, text), time=last)
        for name in named:
            yield from self._media_file(name, None, run.started if last is None else last)

    def _artifacts(
        self, database: Database, place: _Place, direction: str
    ) -> Iterator[dict[str, Any]]:
        """The versions of artifacts that a run made or used; those that no run made, for a project."""
        if not database.columns("artifact_versions"):
            return
        columns = (
            "name", "type", "description", "version", "manifest", "metadata", "producer_run_id", "created_at", "id",
        )  # fmt: skip
        about = "SELECT a.name, a.type, a.description, v.version, v.manifest, v.metadata, v.producer_run_id, v.created_at, v.id FROM artifact_versions v JOIN artifacts a ON a.id = v.artifact_id"
        if direction == "input":
            asked = database.ask(
                f"{about} JOIN run_artifact_links l ON l.artifact_version_id = v.id WHERE l.direction = 'input' AND l.run_id = ? ORDER BY v.id",
                place.id,
            )
        elif place.id is None:
            asked = database.ask(f"{about} WHERE v.producer_run_id IS NULL ORDER BY v.id")
        else:
            asked = database.ask(f"{about} WHERE v.producer_run_id = ? ORDER BY v.id", place.id)
        for row in asked:
            found = dict(zip(columns, row, strict=True))
            aliases = database.ask(
                "SELECT alias FROM artifact_aliases WHERE artifact_version_id = ? ORDER BY alias",
                found["id"],
            )
            found["aliases"] = [alias for (alias,) in aliases]
            yield found

    def _contents(self, artifact: dict[str, Any], project: str, run: Run) -> Iterator[SourceFile]:
        """The files of a version of an artifact, out of the project's store of contents."""
        where = f"artifact {artifact['name']}:v{artifact['version']}"
        try:
            entries = parse_json(artifact["manifest"])
            metadata = parse_json(artifact["metadata"]) if artifact["metadata"] else None
            pairs = [(str(one["path"]), one) for one in entries]
        except (ValueError, TypeError, KeyError) as error:
            what = f"Its list of files cannot be read: {error!s:.200}"
            self._findings.append(Finding(where, what, True, run.key))
            return
        about = {
            "artifact": artifact["name"], "type": artifact["type"], "version": artifact["version"], "aliases": artifact["aliases"],
            "description": artifact["description"], "metadata": metadata,
        }  # fmt: skip
        blobs = os.path.join(self._folder, "artifacts", project, "blobs", "sha256")
        for name, entry in pairs:
            digest = str(entry.get("digest"))
            path = None
            if _DIGEST.fullmatch(digest):
                path = plain_file(blobs, os.path.join(digest[:2], digest))
            if path is None or os.path.getsize(path) != entry.get("size"):
                what = f"The contents of {name} do not lie in trackio's folder" + (
                    f": it refers to {entry['ref']}." if entry.get("ref") else ", or not whole."
                )
                self._findings.append(Finding(where, what, True, run.key))
                continue
            yield SourceFile(
                f"artifacts/{artifact['name']}/v{artifact['version']}", name, opening(path),
                time=seconds_of(artifact["created_at"]), metadata=about,
            )  # fmt: skip

    def findings(self) -> tuple[Finding, ...]:
        """See `Source.findings`."""
        return tuple(dict.fromkeys(self._findings))

    def close(self) -> None:
        """Close the databases."""
        for database in self._databases.values():
            database.close()
        self._databases = {}


def _bytes(data: bytes) -> BinaryIO:
    return io.BytesIO(data)
