"""MLflow's store in an SQLite database."""

from __future__ import annotations

import math
import os
import sqlite3
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from ....errors import CorruptData, InvalidValue
from ....importing.source import Finding, Message, Points, Run, SourceFile, SourceValue
from .artifacts import artifact_folder, files_in
from .runs import Stored, as_run

__all__ = ["Database", "is_database"]

KIND = "mlflow"
_ROWS = 4_000
_TABLES = frozenset({"experiments", "runs", "metrics", "params", "tags"})


def is_database(path: str) -> bool:
    """Whether a file is a database with MLflow's tables."""
    try:
        with open(path, "rb") as file:
            if file.read(16) != b"SQLite format 3\0":
                return False
        connection = _connect(path)
        try:
            found = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            return {name for (name,) in found} >= _TABLES
        finally:
            connection.close()
    except (OSError, sqlite3.Error):
        return False


def _connect(path: str) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{quote(os.path.abspath(path))}?mode=ro", uri=True)


class Database:
    """A database, opened for reading alone.

    Raises:
        InvalidValue: It is no database of MLflow's.
    """

    kind = KIND

    def __init__(self, path: str) -> None:
        if not is_database(path):
            raise InvalidValue(f"{path} is no SQLite database of MLflow's.", key="source")
        self.where = os.path.abspath(path)
        self._connection = _connect(path)
        self._findings: list[Finding] = []
        self._known: dict[str, frozenset[str]] = {}

    def runs(self) -> Iterator[Run]:
        """See `Source.runs`: parents begin before their children."""
        experiments = self._experiments()
        columns = self._columns("runs")
        wanted = (
            "run_uuid",
            "name",
            "experiment_id",
            "status",
            "user_id",
            "start_time",
            "end_time",
            "artifact_uri",
            "lifecycle_stage",
        )
        chosen = ", ".join(name if name in columns else "NULL" for name in wanted)
        for row in self._ask(f"SELECT {chosen} FROM runs ORDER BY start_time, rowid"):
            run_id, name, experiment_id, status, user, start, end, uri, stage = row
            if stage == "deleted":
                self._findings.append(
                    Finding(
                        f"run {run_id}",
                        "It was deleted in MLflow, and is left out.",
                        False,
                        str(run_id),
                    )
                )
                continue
            experiment, kept = experiments.get(experiment_id, (str(experiment_id), {}))
            yield as_run(
                Stored(
                    str(run_id), str(name or ""), str(experiment_id), experiment, str(status or ""), str(user or ""), _whole(start), _whole(end),
                    self._last(run_id) if end is None else None, str(uri or ""), self._texts("params", run_id), self._texts("tags", run_id),
                    {**kept, **self._datasets(run_id)},
                )
            )  # fmt: skip

    def rows(self, run: Run) -> Iterator[Points]:
        """See `Source.rows`: in the order in which they were stored."""
        query = "SELECT key, step, timestamp, value, is_nan FROM metrics WHERE run_uuid = ? ORDER BY rowid"
        cursor = self._cursor(query, run.key)
        while rows := self._fetch(cursor):
            names, steps, stamps, values, nans = zip(*rows, strict=True)
            try:
                if any(nans):
                    values = tuple(
                        math.nan if nan else value for value, nan in zip(values, nans, strict=True)
                    )
                yield Points(
                    names, steps, [stamp / 1000 for stamp in stamps], list(map(float, values))
                )
            except (TypeError, ValueError):
                yield from self._one_by_one(rows, run)

    def _one_by_one(self, rows: list[tuple[Any, ...]], run: Run) -> Iterator[Points]:
        for name, step, stamp, value, nan in rows:
            try:
                number = math.nan if nan else float(value)
                yield Points((str(name),), (int(step),), (stamp / 1000,), (number,))
            except (TypeError, ValueError):
                what = f"The metric {name!r} at step {step!r} has no number: {value!r:.80}."
                self._findings.append(Finding("table metrics", what, True, run.key))

    def messages(self, run: Run) -> Iterator[Message]:
        """MLflow has none."""
        return iter(())

    def printed(self, run: Run) -> Iterator[str]:
        """MLflow has nothing printed."""
        return iter(())

    def values(self, run: Run) -> Iterator[SourceValue]:
        """What is no number is an artifact at MLflow, and comes as a file."""
        return iter(())

    def files(self, run: Run) -> Iterator[SourceFile]:
        """See `Source.files`."""
        uri = str(run.kept.get("artifact_uri", ""))
        experiment = str(run.captured["mlflow"]["experiment_id"])
        folder = artifact_folder(uri, run.key, experiment, os.path.dirname(self.where))
        if folder is not None:
            yield from files_in(folder, run.key, self._findings)
        elif uri and "://" in uri and not uri.startswith("file:"):
            what = "Artifacts that do not lie on this machine are not brought along; their address is kept."
            self._findings.append(Finding(uri, what, True, run.key))

    def findings(self) -> tuple[Finding, ...]:
        """See `Source.findings`."""
        return tuple(dict.fromkeys(self._findings))

    def close(self) -> None:
        """Close the database."""
        self._connection.close()

    # -- tables ------------------------------------------------------------------------------------

    def _cursor(self, query: str, *values: Any) -> sqlite3.Cursor:
        try:
            return self._connection.execute(query, values)
        except sqlite3.Error as error:
            raise CorruptData(f"{self.where} cannot be read: {error}.", path=self.where) from error

    def _fetch(self, cursor: sqlite3.Cursor) -> list[tuple[Any, ...]]:
        try:
            return cursor.fetchmany(_ROWS)
        except sqlite3.Error as error:
            raise CorruptData(f"{self.where} cannot be read: {error}.", path=self.where) from error

    def _ask(self, query: str, *values: Any) -> Iterator[tuple[Any, ...]]:
        cursor = self._cursor(query, *values)
        while rows := self._fetch(cursor):
            yield from rows

    def _columns(self, table: str) -> frozenset[str]:
        """The columns of a table, asked once; none where a version of MLflow has no such table."""
        if table not in self._known:
            self._known[table] = frozenset(
                row[1] for row in self._ask(f"PRAGMA table_info({table})")
            )
        return self._known[table]

    def _experiments(self) -> dict[Any, tuple[str, dict[str, Any]]]:
        found = {}
        for id_, name in self._ask("SELECT experiment_id, name FROM experiments"):
            tags: Mapping[str, str] = {}
            if self._columns("experiment_tags"):
                tags = dict(
                    self._ask("SELECT key, value FROM experiment_tags WHERE experiment_id = ?", id_)
                )
            found[id_] = (str(name), {"experiment_tags": dict(tags)} if tags else {})
        return found

    def _texts(self, table: str, run_id: Any) -> dict[str, str]:
        rows = self._ask(f"SELECT key, value FROM {table} WHERE run_uuid = ? ORDER BY key", run_id)
        return {str(key): str(value) for key, value in rows}

    def _last(self, run_id: Any) -> int | None:
        """The time of the newest value of a run that has no end."""
        rows = self._ask("SELECT max(timestamp) FROM latest_metrics WHERE run_uuid = ?", run_id)
        return next((_whole(stamp) for (stamp,) in rows), None)

    def _datasets(self, run_id: Any) -> dict[str, Any]:
        if not self._columns("inputs"):
            return {}
        rows = self._ask(
            "SELECT d.name, d.digest, d.dataset_source_type, d.dataset_source, d.dataset_schema, d.dataset_profile FROM inputs i "
            "JOIN datasets d ON d.dataset_uuid = i.source_id WHERE i.destination_id = ? ORDER BY d.name, d.digest",
            run_id,
        )
        names = ("name", "digest", "source_type", "source", "schema", "profile")
        found = [dict(zip(names, row, strict=True)) for row in rows]
        return {"datasets": found} if found else {}


def _whole(value: Any) -> int | None:
    return value if type(value) is int else None
