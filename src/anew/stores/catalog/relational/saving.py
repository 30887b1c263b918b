"""How what is known of experiments becomes rows."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from ....query.contents import MOST_HASH, MOST_NAME
from ....query.integers import REST_OF_NONE, split
from ....query.scope import project_of
from ....record.facts import ExperimentFacts, ProblemFact
from ....record.packed import pack
from ..protocol import Batch, Entry
from . import schema as s
from .changes import note_changes
from .engine import Connection
from .metrics import HIDDEN, METRIC, metric_row
from .settings import packed_settings
from .sql import Table

__all__ = ["Saving"]

_OWN_TABLES = (
    s.documents,
    s.settings,
    s.progress,
    s.live,
    s.params,
    s.metrics,
    s.tags,
    s.files,
    s.values,
    s.contents,
    s.problems,
)
_COLUMNS = tuple(name for name in s.experiments.columns if name != "key")


class Saving:
    """Saves batches. It remembers the keys of names between them; `forget` makes it look again."""

    def __init__(self) -> None:
        self._names: dict[tuple[str, str], int] = {}

    def forget(self) -> None:
        """Trust no key of a name seen so far: the catalog was replaced, or a transaction came to nothing."""
        self._names.clear()

    def save(self, connection: Connection, batch: Batch) -> None:
        """Save a batch inside the connection's transaction."""
        gone = self._drop(connection, batch.doomed)
        now = {one.facts.id: project_of(one.facts.prefix, one.facts.user) for one in batch.entries}
        known = _areas(connection, [one.key for one in batch.entries if one.key is not None])
        gone += [(id_, area) for id_, area in known if now.get(id_) != area]
        self._enter(connection, batch.entries)
        note_changes(connection, [entry.facts.id for entry in batch.entries], gone)
        _mark(connection, batch)
        for experiment_id, problems in batch.examined.items():
            _examined(connection, experiment_id, problems)

    def _drop(self, connection: Connection, doomed: Collection[int]) -> list[tuple[str, str]]:
        """Forget experiments; returns their ids and areas."""
        keys = list(doomed)
        ids = _areas(connection, keys)
        for table in (*_OWN_TABLES, s.experiments):
            connection.delete(table, keys)
        return ids

    def _enter(self, connection: Connection, entries: Sequence[Entry]) -> None:
        if not entries:
            return
        self._intern(connection, entries)
        known = [e for e in entries if e.key is not None]
        self._clear(connection, known)
        keys = _save_rows(connection, entries)
        rows: dict[Table, list[dict[str, Any]]] = {table: [] for table in _OWN_TABLES}
        for key, entry in zip(keys, entries, strict=True):
            self._collect(key, entry, rows)
        for table, new in rows.items():
            connection.insert(table, new)

    def _clear(self, connection: Connection, entries: list[Entry]) -> None:
        """Delete what the entries replace."""
        whole = [e.key for e in entries if e.whole and e.key is not None]
        for table in _OWN_TABLES:
            connection.delete(table, whole)
        rest = [e for e in entries if not e.whole]
        for table, changed in (
            (s.documents, [e for e in rest if e.state is not None]),
            (s.progress, rest),
            (s.live, rest),
            (s.params, [e for e in rest if e.params is not None]),
            (s.settings, [e for e in rest if e.params is not None]),
            (s.tags, [e for e in rest if e.tags is not None]),
            (s.files, [e for e in rest if e.events_replaced]),
            (s.values, [e for e in rest if e.events_replaced]),
        ):
            connection.delete(table, [e.key for e in changed if e.key is not None])
        for statement, doomed in (
            (
                "DELETE FROM metrics WHERE name_key = ? AND experiment_key = ?",
                [
                    (self._names[kind, n], e.key)
                    for e in rest
                    for n in e.metrics
                    for kind in (METRIC, HIDDEN)
                    if (kind, n) in self._names
                ],
            ),
            (
                "DELETE FROM contents WHERE experiment_key = ? AND role = ?",
                [(e.key, "input") for e in rest if e.inputs is not None]
                + [(e.key, "file") for e in rest if e.events_replaced],
            ),
            (
                "DELETE FROM problems WHERE experiment_key = ? AND path = ? AND line = ?",
                [(e.key, p.path, p.line) for e in rest for p in e.problems],
            ),
        ):
            connection.executemany(statement, doomed)

    def _intern(self, connection: Connection, entries: Sequence[Entry]) -> None:
        """Give every name a key."""
        wanted = {
            (kind, name)
            for entry in entries
            for kind, names in (
                ("param", entry.params or ()),
                ("config", entry.config or ()),
                (METRIC, entry.metrics),
                (HIDDEN, [name for name in entry.metrics if name in entry.hidden]),
                ("tag", entry.tags or ()),
                ("bindr", entry.bindrs or ()),
            )
            for name in names
        }
        missing = sorted(wanted.difference(self._names))
        for kind in sorted({kind for kind, _ in missing}):
            of_kind = [name for k, name in missing if k == kind]
            self._look_up(connection, kind, of_kind)
            unknown = [name for name in of_kind if (kind, name) not in self._names]
            if unknown:
                top = connection.execute("SELECT max(key) FROM names").fetchone()[0] or 0
                keys = dict(zip(unknown, range(top + 1, top + 1 + len(unknown)), strict=True))
                rows = [{"key": key, "kind": kind, "name": name} for name, key in keys.items()]
                connection.insert(s.names, rows)
                self._names.update({(kind, name): key for name, key in keys.items()})

    def _look_up(self, connection: Connection, kind: str, names: list[str]) -> None:
        dialect = connection.dialect
        query = f"SELECT name, key FROM names WHERE kind = ? AND name IN ({dialect.texts})"
        found = connection.execute(query, (kind, dialect.listed(names)))
        self._names.update({(kind, name): key for name, key in found})

    def _collect(self, key: int, entry: Entry, rows: dict[Table, list[dict[str, Any]]]) -> None:
        """The rows of one entry, table by table."""
        if entry.state is not None:
            rows[s.documents].append({"experiment_key": key, "state": entry.state})
        if entry.params is not None:
            packed = packed_settings(entry, self._names)
            rows[s.settings].append({"experiment_key": key, "packed": packed})
        rows[s.progress].append({"experiment_key": key, "cursor": entry.cursor})
        if entry.live:
            rows[s.live].append({"experiment_key": key})
        for kind, values in (("param", entry.params), ("config", entry.config)):
            for name, value in (values or {}).items():
                row = _param(value)
                row["name_key"], row["experiment_key"] = self._names[kind, name], key
                rows[s.params].append(row)
        for name, writers in entry.metrics.items():
            row = metric_row(writers)
            kind = HIDDEN if name in entry.hidden else METRIC
            row["name_key"], row["experiment_key"] = self._names[kind, name], key
            rows[s.metrics].append(row)
        labels = [("tag", n, v) for n, v in (entry.tags or {}).items()]
        labels += [("bindr", n, None) for n in entry.bindrs or ()]
        rows[s.tags] += [
            {"name_key": self._names[kind, n], "experiment_key": key, "value": v}
            for kind, n, v in labels
        ]
        for position, file in enumerate(entry.files, entry.files_before):
            rows[s.files].append(
                {
                    "experiment_key": key,
                    "position": position,
                    "file_id": file.id,
                    "prefix": file.prefix,
                    "name": file.name,
                    "path": file.path,
                    "size": _bounded(file.size),
                    "hash": file.hash,
                    "step": _bounded(file.step),
                    "time": file.time,
                    "metadata": json.dumps(file.metadata) if file.metadata else None,
                    "folder": file.folder,
                    "checkpoint": None if file.checkpoint is None else json.dumps(file.checkpoint),
                }
            )
            path = "/".join(filter(None, (file.prefix.strip("/"), file.name)))
            rows[s.contents].append(_content(key, "file", position, path, file.hash))
        read = [(one.name, hash) for one in entry.inputs or () for hash in one.hashes]
        for position, called in enumerate(read):
            rows[s.contents].append(_content(key, "input", position, *called))
        for position, value in enumerate(entry.values, entry.values_before):
            rows[s.values].append(
                {
                    "experiment_key": key,
                    "position": position,
                    "name": value.name,
                    "kind": value.kind,
                    "step": _bounded(value.step),
                    "time": value.time,
                    "record": pack(value),
                }
            )
        rows[s.problems] += _problem_rows(key, entry.problems)


def _content(key: int, role: str, position: int, name: str, hash: str) -> dict[str, Any]:
    return {
        "experiment_key": key,
        "role": role,
        "position": position,
        "name": name[:MOST_NAME],
        "hash": hash[:MOST_HASH],
    }


def _areas(connection: Connection, keys: Sequence[int]) -> list[tuple[str, str]]:
    """The ids of experiments and the areas that they are in."""
    if not keys:
        return []
    dialect = connection.dialect
    query = f"SELECT experiment_id, area FROM experiments WHERE key IN ({dialect.keys})"
    return connection.execute(query, (dialect.listed(keys),)).fetchall()


def _save_rows(connection: Connection, entries: Sequence[Entry]) -> list[int]:
    """Insert or update the row of each entry's experiment; returns their keys."""
    known = [(entry.key, entry) for entry in entries if entry.key is not None]
    if known:
        given = ", ".join(f'"{name}" = ?' for name in _COLUMNS)
        rows = [(_row(entry.facts), key) for key, entry in known]
        connection.executemany(
            f"UPDATE experiments SET {given} WHERE key = ?",
            [(*(row[name] for name in _COLUMNS), key) for row, key in rows],
        )
    top = 0
    if len(known) < len(entries):
        top = connection.execute("SELECT max(key) FROM experiments").fetchone()[0] or 0
    keys, fresh = [], []
    for entry in entries:
        if entry.key is None:
            top += 1
            fresh.append({"key": top, **_row(entry.facts)})
        keys.append(top if entry.key is None else entry.key)
    connection.insert(s.experiments, fresh)
    return keys


def _row(facts: ExperimentFacts) -> dict[str, Any]:
    row: dict[str, Any] = {
        "experiment_id": facts.id,
        "status": facts.status.value,
        "area": project_of(facts.prefix, facts.user),
    }
    for name in _COLUMNS:
        if name not in row:
            value = getattr(facts, name)
            row[name] = _bounded(int(value)) if isinstance(value, int) else value
    return row


def _bounded(value: int | None) -> int | None:
    """An integer as far as 64 bits go; a journal from elsewhere may give any size or step."""
    return None if value is None else max(-(2**63), min(value, 2**63 - 1))


def _mark(connection: Connection, batch: Batch) -> None:
    """Save the marks, which lie in `meta` beside the catalog's own notes."""
    if not batch.marks:
        return
    names = [(s.MARK + name,) for name in batch.marks]
    connection.executemany("DELETE FROM meta WHERE key = ?", names)
    rows = [{"key": s.MARK + n, "value": v} for n, v in batch.marks.items() if v is not None]
    connection.insert(s.meta, rows)


def _examined(connection: Connection, experiment_id: str, found: Sequence[ProblemFact]) -> None:
    """Make these the problems of an experiment, if it is there."""
    mine = "SELECT key FROM experiments WHERE experiment_id = ?"
    row = connection.execute(mine, (experiment_id,)).fetchone()
    if row is None:
        return
    connection.execute("DELETE FROM problems WHERE experiment_key = ?", row)
    connection.insert(s.problems, _problem_rows(row[0], found))


def _problem_rows(key: int, problems: Iterable[ProblemFact]) -> list[dict[str, Any]]:
    return [
        {"experiment_key": key, "path": p.path, "line": p.line, "reason": p.reason}
        for p in {(p.path, p.line): p for p in problems}.values()
    ]


def _param(value: Any) -> dict[str, Any]:
    """A parameter's `number`, `rest`, `text` and `type`."""
    if isinstance(value, bool):
        return {"number": float(value), "rest": REST_OF_NONE, "text": None, "type": "bool"}
    if isinstance(value, int):
        near, rest = split(value)
        return {"number": near, "rest": rest, "text": None, "type": "int"}
    if isinstance(value, float):
        return {"number": _number(value), "rest": REST_OF_NONE, "text": None, "type": "float"}
    if value is None:
        return {"number": None, "rest": REST_OF_NONE, "text": None, "type": "null"}
    if isinstance(value, str):
        return {
            "number": None,
            "rest": REST_OF_NONE,
            "text": value[: s.MAX_TEXT],
            "type": "str" if len(value) <= s.MAX_TEXT else "long",
        }
    text = json.dumps(value, ensure_ascii=False)
    return {
        "number": None,
        "rest": REST_OF_NONE,
        "text": text[: s.MAX_TEXT],
        "type": "list" if isinstance(value, list) else "dict",
    }


def _number(value: float | None) -> float | None:
    return None if value is None or value != value else value
