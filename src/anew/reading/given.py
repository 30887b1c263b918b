"""Conditions given as arguments (`status=`, `tags=` …) as the tree of a filter."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from ..errors import QueryError
from ..query.literals import Span
from ..query.suggest import nearest
from ..query.syntax import (
    And,
    Compare,
    Contains,
    Expression,
    Field,
    In,
    IsMissing,
    Not,
    Or,
    Part,
    Value,
)
from ..record.status import Status

__all__ = [
    "Statuses",
    "TagsGiven",
    "asks_for_relations",
    "has_metric",
    "has_status",
    "has_tags",
    "is_reproduction",
    "is_text",
    "since",
]

Statuses = str | Status | Iterable[str | Status] | None
TagsGiven = str | Iterable[str] | Mapping[str, str | None] | None


def _field(*names: str) -> Field:
    parts = tuple(Part(name, at > 0, 0) for at, name in enumerate(names))
    return Field(parts, ".".join(names), 0, may_be_unknown=True)


def _text(text: str) -> Value:
    return Value("text", text, repr(text), 0)


def is_text(
    field: Literal["name", "project", "user", "parent"], value: str | None
) -> list[Expression]:
    """The field is this text."""
    return [] if value is None else [Compare(_field(field), "==", _text(value), 0)]


def has_status(status: Statuses) -> list[Expression]:
    """The status is one of these.

    Raises:
        QueryError: There is no such status.
    """
    if status is None:
        return []
    given = [status] if isinstance(status, str) else list(status)
    words = [str(one).lower() for one in given]
    known = [one.value for one in Status]
    for word in words:
        if word not in known:
            near = nearest(word, known, 1)
            raise QueryError(
                f"There is no status {word!r}; there are {', '.join(known)}.",
                suggestion=repr(near[0]) if near else None,
            )
    if not words:
        return [_never()]
    return [In(_field("status"), tuple(_text(word) for word in words), False, 0)]


def has_tags(tags: TagsGiven) -> list[Expression]:
    """All these tags are there, with these values where values are given.

    A tag that nobody has gives no experiments, not an error: an argument is data, where a filter is written.
    """
    if tags is None:
        return []
    if isinstance(tags, str):
        tags = [tags]
    wanted: Sequence[tuple[str, str | None]] = (
        list(tags.items()) if isinstance(tags, Mapping) else [(tag, None) for tag in tags]
    )
    found: list[Expression] = []
    for tag, value in wanted:
        if value is None:
            found.append(Contains(_field("tags"), _text(tag), False, 0))
        else:
            found.append(Compare(_field("tags", tag), "==", _text(str(value)), 0))
    return found


def has_metric(name: str, stat: str) -> list[Expression]:
    """A summary value of the metric is a number."""
    everything = Value("number", float("-inf"), "-inf", 0)
    field = Field((Part("metrics", False, 0), Part(name, True, 0), Part(stat, False, 0)), name, 0)
    return [Compare(field, ">=", everything, 0)]


def since(field: Literal["created_at", "ended_at", "updated_at"], at: float) -> Expression:
    """A time of the experiment is this one or later."""
    return Compare(_field(field), ">=", Value("time", Span(at, None), "", 0), 0)


_REPRODUCTION = Compare(_field("relation"), "==", _text("reproduces"), 0)


def is_reproduction(really: bool) -> list[Expression]:
    """It is what reproducing another experiment recorded; or it is not."""
    return [_REPRODUCTION if really else Not(_REPRODUCTION)]


def asks_for_relations(expression: Expression | None) -> bool:
    """Whether a filter says something about how experiments come from others."""
    match expression:
        case And(items) | Or(items):
            return any(map(asks_for_relations, items))
        case Not(item):
            return asks_for_relations(item)
        case Compare(left, _, right, _):
            return any(isinstance(side, Field) and _is_relation(side) for side in (left, right))
        case None:
            return False
        case _:
            return _is_relation(expression.field)


def _is_relation(field: Field) -> bool:
    return field.text in ("relation", "parent")


def _never() -> Expression:
    return IsMissing(_field("id"), False, 0)
