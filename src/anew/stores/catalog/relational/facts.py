"""What the catalog has of single experiments, as facts and as what taking in more of them needs."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from typing import Any, TypeVar

import msgspec

from ....query.question import FactsQuestion, Part
from ....record.facts import ExperimentFacts, FileFact, ProblemFact, ValueFact
from ....record.fold import ExperimentState
from ....record.packed import Unpacker
from ....record.status import Status
from ..protocol import Known, Outstanding
from . import schema as s
from .changes import revision
from .engine import Connection
from .metrics import summaries, tallies
from .sql import Table

__all__ = ["Following", "facts_of", "known"]

_SLICE = 500  # values in one IN (…)
_COLUMNS = tuple(
    name for name in s.experiments.columns if name not in ("key", "experiment_id", "status", "area")
)
_states = Unpacker(ExperimentState)
_values = Unpacker(ValueFact)
T = TypeVar("T")

_KNOWN = (
    "SELECT e.key, e.experiment_id, e.prefix, e.status, d.state, p.cursor FROM experiments e "
    "JOIN documents d ON d.experiment_key = e.key JOIN progress p ON p.experiment_key = e.key"
)


def facts_of(connection: Connection, question: FactsQuestion) -> list[ExperimentFacts]:
    """See `Catalog.facts`."""
    ids = list(dict.fromkeys(question.ids))
    found: dict[str, ExperimentFacts] = {}
    for page in _slices(ids):
        query = _query(question.parts, connection.dialect.texts)
        rows = connection.execute(query, (connection.dialect.listed(page),)).fetchall()
        keys = [row[0] for row in rows]
        files = _files(connection, keys) if "files" in question.parts else {}
        values = _values_of(connection, keys) if "values" in question.parts else {}
        problems = _problems(connection, keys) if "problems" in question.parts else {}
        metrics = summaries(connection, keys) if "metrics" in question.parts else {}
        for row in rows:
            key, (experiment_id, status), rest = row[0], row[1:3], row[3 : 3 + len(_COLUMNS)]
            found[experiment_id] = ExperimentFacts(
                id=experiment_id,
                status=Status(status),
                **_told(rest),
                read_at=question.now,
                state=_states.decode(row[-1]) if "state" in question.parts else None,
                metrics=metrics.get(key),
                files=tuple(files.get(key, ())) if "files" in question.parts else None,
                values=tuple(values.get(key, ())) if "values" in question.parts else None,
                problems=tuple(problems.get(key, ())) if "problems" in question.parts else None,
            )
    return [found[one] for one in question.ids if one in found]


def _query(parts: frozenset[Part], ids: str) -> str:
    """The facts that are always listed, and the state if that is asked for."""
    wanted = ", ".join(f'e."{name}"' for name in _COLUMNS)
    state = ", d.state" if "state" in parts else ""
    joined = " JOIN documents d ON d.experiment_key = e.key" if state else ""
    return (
        f"SELECT e.key, e.experiment_id, e.status, {wanted}{state} FROM experiments e{joined} "
        f"WHERE e.experiment_id IN ({ids})"
    )


def _told(row: Sequence[Any]) -> dict[str, Any]:
    """The columns of a row by name; truth is kept as 0 and 1."""
    found = dict(zip(_COLUMNS, row, strict=True))
    if found["git_dirty"] is not None:
        found["git_dirty"] = bool(found["git_dirty"])
    return found


def _rows(
    connection: Connection, table: Table, keys: Sequence[int], columns: str, order: str
) -> Iterator[Any]:
    dialect = connection.dialect
    query = (
        f'SELECT experiment_key, {columns} FROM "{table.name}" '
        f"WHERE experiment_key IN ({dialect.keys}) ORDER BY experiment_key, {order}"
    )
    return iter(connection.execute(query, (dialect.listed(keys),)) if keys else ())


def _files(connection: Connection, keys: Sequence[int]) -> dict[int, list[FileFact]]:
    found = defaultdict(list)
    columns = "metadata, file_id, prefix, name, path, size, hash, step, time, folder, checkpoint"
    for key, metadata, *told in _rows(connection, s.files, keys, columns, "position"):
        id_, prefix, name, path, size, hash_, step, time, folder, checkpoint = told
        more = json.loads(metadata) if metadata else {}
        scores = None if checkpoint is None else json.loads(checkpoint)
        fact = FileFact(id_, prefix, name, path, size, hash_, step, time, more, folder, scores)
        found[key].append(fact)
    return found


def _values_of(connection: Connection, keys: Sequence[int]) -> dict[int, list[ValueFact]]:
    found = defaultdict(list)
    for key, record in _rows(connection, s.values, keys, "record", "position"):
        found[key].append(_values.decode(record))
    return found


def _problems(connection: Connection, keys: Sequence[int]) -> dict[int, list[ProblemFact]]:
    found = defaultdict(list)
    for key, *told in _rows(connection, s.problems, keys, "path, line, reason", "path, line"):
        found[key].append(ProblemFact(*told))
    return found


def known(
    connection: Connection,
    ids: Collection[str],
    prefixes: Collection[str],
    with_tallies: bool,
) -> list[Known]:
    """See `Catalog.known`."""
    found: dict[int, Known] = {}
    for column, wanted in (("experiment_id", ids), ("prefix", prefixes)):
        if wanted:
            query = f"{_KNOWN} WHERE e.{column} IN ({connection.dialect.texts})"
            for row in connection.execute(query, (connection.dialect.listed(list(wanted)),)):
                found[row[0]] = Known(*row)
    if not with_tallies:
        return list(found.values())
    of = tallies(connection, list(found))
    return [msgspec.structs.replace(one, tallies=of[key]) for key, one in found.items()]


class Following:
    """What is followed, remembered for as long as no experiment is saved: a server may have ten thousand that run. Any thread may use it."""

    def __init__(self) -> None:
        self._last: tuple[tuple[str, str], Sequence[str]] | None = None

    def outstanding(self, connection: Connection) -> Outstanding:
        """See `Catalog.outstanding`."""
        meta = "SELECT substr(key, ?), value FROM meta WHERE substr(key, 1, ?) = ?"
        own = (len(s.MARK) + 1, len(s.MARK), s.MARK)
        marks = {row[0]: row[1] for row in connection.execute(meta, own)}
        at = revision(connection)
        last = self._last
        if last is not None and last[0] == at:
            return Outstanding(marks, last[1])
        found = connection.execute(
            "SELECT prefix FROM experiments WHERE key IN (SELECT experiment_key FROM live) ORDER BY key"
        )
        followed = [row[0] for row in found]
        self._last = None if at is None else (at, followed)
        return Outstanding(marks, followed)


def _slices(wanted: Sequence[T]) -> Iterator[Sequence[T]]:
    for at in range(0, len(wanted), _SLICE):
        yield wanted[at : at + _SLICE]
