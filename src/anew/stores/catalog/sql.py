"""The catalog on SQLAlchemy Core; what is special about SQLite is in `sqlite.py`."""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec
from sqlalchemy import (
    Connection,
    Engine,
    Table,
    bindparam,
    delete,
    func,
    insert,
    inspect,
    or_,
    select,
    update,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import CreateTable, DropTable

from . import schema as s
from .protocol import Entry, Known
from .summary import MetricSummary

__all__ = ["SqlCatalog"]

_OWN_TABLES = (
    s.documents,
    s.progress,
    s.live,
    s.params,
    s.metrics,
    s.tags,
    s.files,
    s.values,
    s.problems,
)
_SLICE = 500  # values in one IN (…)


class SqlCatalog:
    """A `Catalog` on a SQLAlchemy engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._names: dict[tuple[str, str], int] = {}

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """See `Catalog.reading`."""
        with self._engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """See `Catalog.writing`."""
        try:
            writing = self._engine.execution_options(anew_write=True)
            with writing.begin() as connection:
                yield connection
        except BaseException:
            self._names.clear()  # some may have been rolled back
            raise

    def usable(self) -> bool:
        """See `Catalog.usable`."""
        try:
            return self._meta("schema") == str(s.SCHEMA_VERSION)
        except DBAPIError as error:
            if self.is_damage(error):
                return False
            raise

    def complete(self) -> bool:
        """See `Catalog.complete`."""
        return self._meta("complete") == "1"

    def _meta(self, key: str) -> str | None:
        with self.reading() as connection:
            if not inspect(connection).has_table("meta"):
                return None
            return connection.execute(
                select(s.meta.c.value).where(s.meta.c.key == key)
            ).scalar_one_or_none()

    def create(self) -> None:
        """See `Catalog.create`."""
        self._names.clear()
        with self.writing() as connection:
            there = set(inspect(connection).get_table_names())
            for table in reversed(s.metadata.sorted_tables):
                if table.name in there:
                    connection.execute(DropTable(table))
            for table in s.metadata.sorted_tables:
                connection.execute(CreateTable(table))
            connection.execute(insert(s.meta), [{"key": "schema", "value": str(s.SCHEMA_VERSION)}])

    def finish(self) -> None:
        """See `Catalog.finish`."""
        with self.writing() as connection:
            for index in s.SECONDARY:
                index.create(connection, checkfirst=True)
            connection.execute(delete(s.meta).where(s.meta.c.key == "complete"))
            connection.execute(insert(s.meta), [{"key": "complete", "value": "1"}])
        self.analyze()

    def analyze(self) -> None:
        """Let the engine count, so that it chooses well among its indexes."""
        with self.writing() as connection:
            connection.exec_driver_sql("ANALYZE")

    def known(
        self, connection: Connection, *, ids: Collection[str] = (), prefixes: Collection[str] = ()
    ) -> list[Known]:
        """See `Catalog.known`."""
        e = s.experiments.c
        query = (
            select(
                e.key,
                e.experiment_id,
                e.prefix,
                e.status,
                s.documents.c.state,
                s.progress.c.cursor,
                s.progress.c.metrics,
            )
            .join(s.documents, s.documents.c.experiment_key == e.key)
            .join(s.progress, s.progress.c.experiment_key == e.key)
        )
        found: dict[int, Known] = {}
        for column, wanted in ((e.experiment_id, list(ids)), (e.prefix, list(prefixes))):
            for at in range(0, len(wanted), _SLICE):
                for row in connection.execute(query.where(column.in_(wanted[at : at + _SLICE]))):
                    found[row.key] = Known(*row)
        return list(found.values())

    def drop(self, connection: Connection, keys: Iterable[int]) -> None:
        """See `Catalog.drop`."""
        keys = list(keys)
        for table in (*_OWN_TABLES, s.experiments):
            self._delete_of(connection, table, keys)

    def _delete_of(self, connection: Connection, table: Table, keys: list[int]) -> None:
        """Delete the rows of experiments, by way of their primary keys."""
        if not keys:
            return
        column = table.c.key if table is s.experiments else table.c.experiment_key
        statement = delete(table).where(column == bindparam("of"))
        if "name_key" in table.c:
            kinds = {
                s.params: ("param", "config"),
                s.metrics: ("metric",),
                s.tags: ("tag", "bindr"),
            }
            # Not IN (…): its expanding parameter cannot be part of an executemany.
            of_kind = or_(*(s.names.c.kind == kind for kind in kinds[table]))
            mine = select(s.names.c.key).where(of_kind)
            statement = statement.where(table.c.name_key.in_(mine))
        connection.execute(statement, [{"of": key} for key in keys])

    def save(self, connection: Connection, entries: Sequence[Entry]) -> None:
        """See `Catalog.save`."""
        self._intern(connection, entries)
        known = [e for e in entries if e.key is not None]
        self._clear(connection, known)
        self._save_rows(connection, entries)
        rows: dict[Table, list[dict[str, Any]]] = {table: [] for table in _OWN_TABLES}
        for entry in entries:
            self._collect(entry, rows)
        for table, new in rows.items():
            if new:
                connection.execute(insert(table), new)

    def _clear(self, connection: Connection, entries: list[Entry]) -> None:
        """Delete what the entries replace."""
        whole = [e.key for e in entries if e.whole and e.key is not None]
        for table in _OWN_TABLES:
            self._delete_of(connection, table, whole)
        rest = [e for e in entries if not e.whole]
        for table, changed in (
            (s.documents, [e for e in rest if e.state is not None]),
            (s.progress, [e for e in rest if e.tallies is not None]),
            (s.live, rest),
            (s.params, [e for e in rest if e.params is not None]),
            (s.tags, [e for e in rest if e.tags is not None]),
            (s.files, [e for e in rest if e.events_replaced]),
            (s.values, [e for e in rest if e.events_replaced]),
        ):
            self._delete_of(connection, table, [e.key for e in changed if e.key is not None])
        moved = [{"of": e.key, "cursor": e.cursor} for e in rest if e.tallies is None]
        if moved:
            p = s.progress
            connection.execute(
                update(p)
                .where(p.c.experiment_key == bindparam("of"))
                .values(cursor=bindparam("cursor")),
                moved,
            )
        for table, doomed in (
            (s.metrics, [(self._names["metric", n], e.key) for e in rest for n in e.metrics]),
            (s.problems, [(p.path, e.key, p.line) for e in rest for p in e.problems]),
        ):
            if doomed:
                first = table.c.name_key if table is s.metrics else table.c.path
                statement = delete(table).where(
                    first == bindparam("a"), table.c.experiment_key == bindparam("b")
                )
                if table is s.problems:
                    statement = statement.where(table.c.line == bindparam("c"))
                connection.execute(statement, [dict(zip("abc", d, strict=False)) for d in doomed])

    def _save_rows(self, connection: Connection, entries: Sequence[Entry]) -> None:
        fresh = [e for e in entries if e.key is None]
        old = [e for e in entries if e.key is not None]
        if old:
            columns: dict[str, Any] = {name: bindparam(f"n_{name}") for name in old[0].row}
            connection.execute(
                update(s.experiments).where(s.experiments.c.key == bindparam("of")).values(columns),
                [{"of": e.key, **{f"n_{k}": v for k, v in e.row.items()}} for e in old],
            )
        if fresh:
            top = connection.execute(select(func.max(s.experiments.c.key))).scalar() or 0
            for key, entry in enumerate(fresh, top + 1):
                entry.key = key
            connection.execute(insert(s.experiments), [{"key": e.key, **e.row} for e in fresh])

    def _intern(self, connection: Connection, entries: Sequence[Entry]) -> None:
        """Give every name a key."""
        wanted = {
            (kind, name)
            for entry in entries
            for kind, names in (
                ("param", entry.params or ()),
                ("config", entry.config or ()),
                ("metric", entry.metrics),
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
                connection.execute(insert(s.names), [{"kind": kind, "name": n} for n in unknown])
                self._look_up(connection, kind, unknown)

    def _look_up(self, connection: Connection, kind: str, names: list[str]) -> None:
        for at in range(0, len(names), _SLICE):
            query = select(s.names.c.name, s.names.c.key).where(
                s.names.c.kind == kind, s.names.c.name.in_(names[at : at + _SLICE])
            )
            self._names.update({(kind, name): key for name, key in connection.execute(query)})

    def _collect(self, entry: Entry, rows: dict[Table, list[dict[str, Any]]]) -> None:
        """The rows of one entry, table by table."""
        key = entry.key
        if entry.state is not None:
            rows[s.documents].append({"experiment_key": key, "state": entry.state})
        if entry.tallies is not None:
            rows[s.progress].append(
                {"experiment_key": key, "cursor": entry.cursor, "metrics": entry.tallies}
            )
        if entry.live:
            rows[s.live].append({"experiment_key": key})
        for kind, values in (("param", entry.params), ("config", entry.config)):
            for name, value in (values or {}).items():
                row = _param(value)
                row["name_key"], row["experiment_key"] = self._names[kind, name], key
                rows[s.params].append(row)
        for name, summary in entry.metrics.items():
            row = _metric(summary)
            row["name_key"], row["experiment_key"] = self._names["metric", name], key
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
                    "file_id": file.file_id,
                    "prefix": file.prefix,
                    "name": file.name,
                    "path": file.path,
                    "size": file.size,
                    "hash": file.hash,
                    "step": file.step,
                    "time": file.t,
                    "metadata": json.dumps(file.metadata) if file.metadata else None,
                }
            )
        for position, value in enumerate(entry.values, entry.values_before):
            rows[s.values].append(
                {
                    "experiment_key": key,
                    "position": position,
                    "name": value.name,
                    "kind": value.kind,
                    "step": value.step,
                    "time": value.t,
                    "record": msgspec.msgpack.encode(value),
                }
            )
        rows[s.problems] += [
            {"experiment_key": key, "path": p.path, "line": p.line, "reason": p.reason}
            for p in {(p.path, p.line): p for p in entry.problems}.values()
        ]

    def is_damage(self, error: BaseException) -> bool:
        """See `Catalog.is_damage`: a server's tables do not break in ways we could heal."""
        return False

    def close(self) -> None:
        """See `Catalog.close`."""
        self._engine.dispose()


def _param(value: Any) -> dict[str, Any]:
    """A parameter's `number`, `text` and `type`."""
    if isinstance(value, bool):
        return {"number": float(value), "text": None, "type": "bool"}
    if isinstance(value, int):
        try:
            return {"number": float(value), "text": None, "type": "int"}
        except OverflowError:
            return {"number": math.inf if value > 0 else -math.inf, "text": None, "type": "int"}
    if isinstance(value, float):
        return {"number": _number(value), "text": None, "type": "float"}
    if value is None:
        return {"number": None, "text": None, "type": "null"}
    if isinstance(value, str):
        return {
            "number": None,
            "text": value[: s.MAX_TEXT],
            "type": "str" if len(value) <= s.MAX_TEXT else "long",
        }
    text = json.dumps(value, ensure_ascii=False)
    return {
        "number": None,
        "text": text[: s.MAX_TEXT],
        "type": "list" if isinstance(value, list) else "dict",
    }


def _metric(summary: MetricSummary) -> dict[str, Any]:
    return {
        "count": summary.count,
        "first": _number(summary.first),
        "last": _number(summary.last),
        "last_step": summary.last_step,
        "last_time": summary.last_time,
        "min": summary.min,
        "min_step": summary.min_step,
        "max": summary.max,
        "max_step": summary.max_step,
        "mean": summary.mean,
        "std": _number(summary.std),
        "nonfinite": summary.nonfinite,
    }


def _number(value: float | None) -> float | None:
    return None if value is None or value != value else value
