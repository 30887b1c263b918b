"""Names there are, and the values that a field has."""

from __future__ import annotations

from ....query.question import Name, NamesQuestion, Question
from .answers import keys_of
from .engine import Connection
from .groups import counted_values
from .names import TABLES, CatalogNames, names_of

__all__ = ["named"]


def named(connection: Connection, question: NamesQuestion) -> list[Name]:
    """See `Catalog.names`."""
    if question.kind == "value":
        found = _values(connection, question)
    elif question.kind == "setting" or question.among is not None:
        found = _among(connection, question)
    else:
        found = _names(connection, question)
    if question.contains:
        part = question.contains.casefold()
        found = [one for one in found if part in one.name.casefold()]
    return found[: question.limit]


def _names(connection: Connection, question: NamesQuestion) -> list[Name]:
    if not question.counts:
        return [Name(name) for name in names_of(connection, question.kind)]
    table = TABLES[question.kind].name
    query = (
        f"SELECT name, (SELECT count(*) FROM {table} WHERE name_key = names.key) FROM names "
        "WHERE kind = ? ORDER BY name"
    )
    return [
        Name(name, count) for name, count in connection.execute(query, (question.kind,)) if count
    ]


def _among(connection: Connection, question: NamesQuestion) -> list[Name]:
    from .among import metrics_among, settings_among  # which load numpy; completion does without

    keys = keys_of(connection, question.among or Question(now=question.now))
    if question.kind == "setting":
        return settings_among(connection, keys)
    if question.kind != "metric":
        raise ValueError(f"Names of the kind {question.kind!r} are told of all experiments only.")
    return metrics_among(connection, keys)


def _values(connection: Connection, question: NamesQuestion) -> list[Name]:
    if question.field is None:
        raise ValueError("Give the field whose values are wanted.")
    limit = None if question.contains else question.limit
    names = CatalogNames(connection)
    found = counted_values(connection, question.field, names, question.now, limit)
    return [Name(str(value), count, value) for value, count in found]
