"""The columns of an answer, a value per experiment.

A hundred thousand experiments of thirty values each are three million values: rows are read as plain tuples,
and of the documents only what a column needs is decoded.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from operator import itemgetter
from typing import Any, Literal

from ....query.fields import SECTIONS, Fact, Labels, Metric, Param, Tag, Target, resolve
from ....query.question import Column, Question
from ....query.syntax import Field
from ....query.tokens import mistake
from . import schema
from .documents import Document, decoded, value_of
from .engine import Connection
from .keys import FEW, Keys, among, are_most
from .metrics import metric_section, metric_values
from .names import CatalogNames
from .operands import EXPERIMENTS, INTEGERS, KEY, column_of
from .params import setting_values
from .spread import Spread
from .sql import Query, sql

__all__ = ["columns_of", "is_section", "kind_of"]

_CHUNK = 500
_AS_FAST = 15
"""Parameters or tags that are read by their names while a document is decoded."""
Kind = Literal["text", "integer", "number", "bool", "any"]
_KINDS: dict[str, Kind] = {
    "text": "text", "status": "text", "number": "integer", "time": "number", "duration": "number",
    "bool": "bool",
}  # fmt: skip


def is_section(field: Field) -> bool:
    """Whether a field is a whole section, such as `params`."""
    part = field.parts[0]
    return len(field.parts) == 1 and not part.quoted and part.text in SECTIONS


def kind_of(target: Target) -> Kind:
    """What a column of a target holds."""
    if isinstance(target, Fact):
        return _KINDS[target.kind]
    if isinstance(target, Metric):
        return "integer" if target.stat in INTEGERS else "number"
    return "text" if isinstance(target, Tag) else "any"


def columns_of(
    connection: Connection, names: CatalogNames, question: Question, keys: Keys
) -> tuple[Column, ...]:
    """The columns that a question asks for, of these experiments in this order.

    Raises:
        QueryError: A field is unknown.
    """
    if not question.columns:
        return ()
    with _uncollected():
        ascending = sorted(keys)
        columns = _Table(names, question).read(connection, ascending)
        return columns if keys == ascending else _ordered(columns, ascending, keys)


def _ordered(columns: Sequence[Column], ascending: Keys, keys: Keys) -> tuple[Column, ...]:
    """Columns of experiments in ascending order, in another one."""
    at = {key: place for place, key in enumerate(ascending)}
    place = itemgetter(*map(at.__getitem__, keys))
    return tuple(Column(one.name, one.kind, list(place(one.values))) for one in columns)


class _Table:
    """The columns of one answer while they are read, of experiments in ascending order of their keys."""

    def __init__(self, names: CatalogNames, question: Question) -> None:
        self._fields = [wanted.field for wanted in question.columns]
        self._targets: list[Target | None] = [
            None if is_section(field) else _target(field, names) for field in self._fields
        ]
        for field, target in zip(self._fields, self._targets, strict=True):
            if isinstance(target, Labels):
                raise mistake(
                    f"{field.text!r} can be asked about in a filter, and is no column.",
                    field.text,
                    0,
                    f"'name' in {field.text}",
                )
        sections = {field.parts[0].text for field in self._fields if is_section(field)}
        self._facts = [
            column_of(target, question.now) for target in self._targets if isinstance(target, Fact)
        ]
        self._names = names
        self._settings = {
            at: target for at, target in enumerate(self._targets) if isinstance(target, (Param, Tag))
        }  # fmt: skip
        self._by_name: dict[int, Param | Tag] = {}
        self._has_sections = bool(sections - {"metrics"})
        self._needs_documents = self._has_sections or bool(self._settings)
        self._values: list[list[Any]] = [[] for _ in self._fields]
        self._spread = {
            at: Spread() for at, field in enumerate(self._fields)
            if is_section(field) and field.parts[0].text in ("params", "config")
        }  # fmt: skip

    def read(self, connection: Connection, keys: Sequence[int]) -> tuple[Column, ...]:
        if not self._has_sections and _by_names(keys, len(self._settings)):
            self._by_name, self._needs_documents = self._settings, False
        if self._facts and not self._needs_documents and are_most(keys):
            self._take(self._range(connection, keys), 0)
        elif self._needs_documents or self._facts:
            count = 0
            for begin in range(0, len(keys), _CHUNK):
                page = list(keys[begin : begin + _CHUNK])
                asked = self._query(connection, page).sql()
                by_key = {row[0]: row for row in connection.execute(asked.text, asked.values)}
                self._take([by_key[key] for key in page], count)
                count += len(page)
        made = (
            column for at in range(len(self._fields)) for column in self._made(connection, at, keys)
        )
        return tuple(made)

    def _range(self, connection: Connection, keys: Sequence[int]) -> list[Any]:
        """The rows of these experiments, out of all between the first and the last."""
        between = sql("{} BETWEEN {} AND {}", KEY, keys[0], keys[-1])
        asked = Query((KEY, *self._facts), (EXPERIMENTS,), (between,), (KEY,)).sql()
        rows = connection.execute(asked.text, asked.values).fetchall()
        if len(rows) > len(keys):
            wanted = set(keys)
            rows = [row for row in rows if row[0] in wanted]
        return rows

    def _query(self, connection: Connection, keys: Keys) -> Query:
        """The rows of these experiments."""
        wanted, read, conditions = [KEY, *self._facts], [EXPERIMENTS], [among(connection, keys)]
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
        packed = columns.pop() if self._needs_documents else ()
        told = [decoded(blob) for blob in packed]
        facts = iter(columns)
        for at, (field, target) in enumerate(zip(self._fields, self._targets, strict=True)):
            values = self._values[at]
            if at in self._by_name:
                continue
            match target:
                case Fact(_, "bool"):
                    values.extend(None if one is None else bool(one) for one in next(facts))
                case Fact():
                    values.extend(next(facts))
                case Metric():
                    continue  # read column by column
                case Param(kind, name):
                    values.extend(value_of(one, kind, name) for one in told)
                case Tag(name):
                    values.extend(one.tags.get(name) for one in told)
                case _:
                    self._section(at, field.parts[0].text, told, first)

    def _section(self, at: int, section: str, told: Sequence[Document], first: int) -> None:
        if section == "tags":
            self._values[at].extend(one.tags for one in told)
        elif section == "bindrs":
            self._values[at].extend(one.bindrs for one in told)
        elif section != "metrics":
            wanted = [one.params if section == "params" else one.config or {} for one in told]
            self._spread[at].add(first, wanted)

    def _made(self, connection: Connection, at: int, keys: Sequence[int]) -> Iterator[Column]:
        field, target = self._fields[at], self._targets[at]
        if at in self._spread:
            for name, filled in self._spread[at].filled(len(keys)):
                yield Column(f"{field.parts[0].text}.{name}", "any", filled)
        elif target is None and field.parts[0].text == "metrics":
            for name, lasts in metric_section(connection, keys):
                yield Column(f"metrics.{name}", "number", lasts)
        elif at in self._by_name:
            values = setting_values(connection, self._names, self._by_name[at], keys)
            yield Column(field.text, kind_of(self._by_name[at]), values)
        elif isinstance(target, Metric):
            key = self._names.key("metric", target.name)
            yield Column(
                field.text, kind_of(target), metric_values(connection, key, target.stat, keys)
            )
        else:
            yield Column(field.text, "any" if target is None else kind_of(target), self._values[at])


def _by_names(keys: Sequence[int], settings: int) -> bool:
    """Whether so many settings of experiments are read faster by their names, of all in the range, than out of their documents."""
    if not settings or len(keys) <= FEW:
        return False
    return settings * (keys[-1] - keys[0]) < _AS_FAST * len(keys)


def _target(field: Field, names: CatalogNames) -> Target:
    return resolve(field, names, field.text)


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
