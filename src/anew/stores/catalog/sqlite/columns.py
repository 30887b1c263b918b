"""The columns of an answer, a value per experiment.

A hundred thousand experiments of thirty values each are three million values: rows are read as plain tuples,
and of the documents only what a column needs is decoded.
"""

from __future__ import annotations

import gc
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal

import msgspec

from ....query.fields import SECTIONS, Fact, Metric, Param, Tag, Target, resolve
from ....query.question import Column, Question
from ....query.syntax import Field
from ....record.packed import Unpacker
from ....record.plain import flatten, from_plain
from . import schema
from .keys import Keys, among
from .metrics import metric_section, metric_values
from .names import CatalogNames
from .operands import EXPERIMENTS, KEY, column_of
from .sql import Query, sql

__all__ = ["columns_of", "is_section", "kind_of"]

_CHUNK = 5000
Kind = Literal["text", "integer", "number", "bool", "any"]
_INTEGERS = frozenset({"count", "step", "nonfinite"})
_KINDS: dict[str, Kind] = {
    "text": "text", "status": "text", "number": "integer", "time": "number", "duration": "number",
    "bool": "bool",
}  # fmt: skip


class _Document(msgspec.Struct):
    """The part of an ExperimentState that columns are made of."""

    params: dict[str, Any] = {}
    config: dict[str, Any] | None = None
    tags: dict[str, str | None] = {}
    bindrs: list[str] = []


_documents = Unpacker(_Document)


def is_section(field: Field) -> bool:
    """Whether a field is a whole section, such as `params`."""
    part = field.parts[0]
    return len(field.parts) == 1 and not part.quoted and part.text in SECTIONS


def kind_of(target: Target) -> Kind:
    """What a column of a target holds."""
    if isinstance(target, Fact):
        return _KINDS[target.kind]
    if isinstance(target, Metric):
        return "integer" if target.stat in _INTEGERS else "number"
    return "text" if isinstance(target, Tag) else "any"


def columns_of(
    connection: sqlite3.Connection, names: CatalogNames, question: Question, keys: Keys
) -> tuple[Column, ...]:
    """The columns that a question asks for, of these experiments in this order.

    Raises:
        QueryError: A field is unknown.
    """
    if not question.columns:
        return ()
    with _uncollected():
        return _Table(names, question).read(connection, keys)


class _Table:
    """The columns of one answer while they are read."""

    def __init__(self, names: CatalogNames, question: Question) -> None:
        self._fields = [wanted.field for wanted in question.columns]
        self._targets: list[Target | None] = [
            None if is_section(field) else _target(field, names) for field in self._fields
        ]
        sections = {field.parts[0].text for field in self._fields if is_section(field)}
        self._facts = [
            column_of(target, question.now) for target in self._targets if isinstance(target, Fact)
        ]
        self._names = names
        self._needs_documents = bool(sections - {"metrics"}) or any(
            isinstance(target, (Param, Tag)) for target in self._targets
        )
        self._needs_rows = self._needs_documents or bool(self._facts)
        self._values: list[list[Any]] = [[] for _ in self._fields]
        self._spread = {
            at: _Spread() for at, field in enumerate(self._fields)
            if is_section(field) and field.parts[0].text in ("params", "config")
        }  # fmt: skip

    def read(self, connection: sqlite3.Connection, keys: Sequence[int]) -> tuple[Column, ...]:
        if self._needs_rows:
            count = 0
            for begin in range(0, len(keys), _CHUNK):
                page = list(keys[begin : begin + _CHUNK])
                asked = self._query(page).sql()
                by_key = {row[0]: row for row in connection.execute(asked.text, asked.values)}
                self._take([by_key[key] for key in page], count)
                count += len(page)
        made = (
            column for at in range(len(self._fields)) for column in self._made(connection, at, keys)
        )
        return tuple(made)

    def _query(self, keys: Keys) -> Query:
        """The rows of these experiments."""
        wanted, read, conditions = [KEY, *self._facts], [EXPERIMENTS], [among(keys)]
        if self._needs_documents:
            d = schema.documents.rows()
            wanted.append(d["state"])
            read.append(d)
            conditions.append(sql("{} = {}", d["experiment_key"], KEY))
        return Query(tuple(wanted), tuple(read), tuple(conditions))

    def _take(self, rows: Sequence[Any], first: int) -> None:
        """Add the rows of a page, which begins with the row `first` of the answer."""
        if not rows:
            return
        _, *columns = zip(*rows, strict=True)
        documents = columns.pop() if self._needs_documents else ()
        decoded = [_documents.decode(blob) for blob in documents]
        facts = iter(columns)
        for at, (field, target) in enumerate(zip(self._fields, self._targets, strict=True)):
            values = self._values[at]
            match target:
                case Fact(_, "bool"):
                    values.extend(None if one is None else bool(one) for one in next(facts))
                case Fact():
                    values.extend(next(facts))
                case Metric():
                    continue  # read column by column
                case Param(kind, name):
                    values.extend(_param(one, kind, name) for one in decoded)
                case Tag(name):
                    values.extend(one.tags.get(name) for one in decoded)
                case _:
                    self._section(at, field.parts[0].text, decoded, first)

    def _section(self, at: int, section: str, decoded: Sequence[_Document], first: int) -> None:
        if section == "tags":
            self._values[at].extend(one.tags for one in decoded)
        elif section == "bindrs":
            self._values[at].extend(one.bindrs for one in decoded)
        elif section != "metrics":
            spread = self._spread[at]
            for row, one in enumerate(decoded, first):
                spread.put(row, *_flat(one.params if section == "params" else one.config or {}))
            spread.turn(first, first + len(decoded))

    def _made(
        self, connection: sqlite3.Connection, at: int, keys: Sequence[int]
    ) -> Iterator[Column]:
        field, target = self._fields[at], self._targets[at]
        if at in self._spread:
            for name, filled in self._spread[at].filled(len(keys)):
                yield Column(f"{field.parts[0].text}.{name}", "any", filled)
        elif target is None and field.parts[0].text == "metrics":
            for name, lasts in metric_section(connection, keys):
                yield Column(f"metrics.{name}", "number", lasts)
        elif isinstance(target, Metric):
            key = self._names.key("metric", target.name)
            yield Column(
                field.text, kind_of(target), metric_values(connection, key, target.stat, keys)
            )
        else:
            yield Column(field.text, "any" if target is None else kind_of(target), self._values[at])


def _target(field: Field, names: CatalogNames) -> Target:
    return resolve(field, names, field.text)


def _param(one: _Document, kind: str, name: str) -> Any:
    for own, nested in (("param", one.params), ("config", one.config or {})):
        if kind not in (own, "either"):
            continue
        value = nested.get(name, _ABSENT)
        if isinstance(value, dict) or value is _ABSENT:
            value = flatten(nested).get(name, _ABSENT)
        if value is not _ABSENT:
            return from_plain(value)
    return None


_ABSENT: Any = object()


def _flat(params: dict[str, Any], prefix: str = "") -> tuple[tuple[str, ...], tuple[Any, ...]]:
    """Dotted names and values."""
    names: list[str] = []
    values: list[Any] = []
    for key, value in params.items():
        if type(value) is dict and value:
            value = from_plain(value) if "$float" in value else value
            if type(value) is dict:
                more = _flat(value, f"{prefix}{key}.")
                names += more[0]
                values += more[1]
                continue
        names.append(prefix + key)
        values.append(value)
    return tuple(names), tuple(values)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without the cycle collector: millions of short-lived tuples would set it off again and again, for a
    third of the time and nothing, since no cycle is made here."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


class _Spread:
    """Columns of which not every row has a value.

    Most experiments of a store have the same names: the rows of a page are kept by the names they have, and
    turned into columns all at once.
    """

    def __init__(self) -> None:
        self._columns: dict[str, list[Any]] = {}
        self._page: dict[tuple[str, ...], tuple[list[int], list[tuple[Any, ...]]]] = {}

    def put(self, row: int, names: tuple[str, ...], values: tuple[Any, ...]) -> None:
        """One row's values under their names."""
        rows, kept = self._page.setdefault(names, ([], []))
        rows.append(row)
        kept.append(values)

    def turn(self, first: int, stop: int) -> None:
        """Turn the page, which began with the row `first` and ends before `stop`."""
        for names, (rows, kept) in self._page.items():
            whole = len(rows) == stop - first
            for name, values in zip(names, zip(*kept, strict=True), strict=True):
                mine = self._columns.setdefault(name, [])
                end = first if whole else stop
                mine.extend([None] * (end - len(mine)))
                if whole:
                    mine.extend(values)
                    continue
                for row, value in zip(rows, values, strict=True):
                    mine[row] = value
        self._page.clear()

    def filled(self, rows: int) -> list[tuple[str, list[Any]]]:
        """The columns by name, each as long as there are rows."""
        for values in self._columns.values():
            values.extend([None] * (rows - len(values)))
        return sorted(self._columns.items())
