"""Fields of many experiments as arrays: what is drawn as points, compared and explained."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np

from ..errors import InvalidValue
from ..query.arrays import Floats
from ..query.question import Column, Wanted, ask, parse_field
from ..reading.backend import Backend
from ..reading.given import asks_for_relations, is_reproduction

__all__ = ["MOST_VALUES", "FieldValues", "Values", "values_of"]

MOST_VALUES = 10_000_000
"""Values that one answer may hold."""
_MOST_LABELS = 10_000
_TRUTHS = {True: "true", False: "false"}


class FieldValues(msgspec.Struct, frozen=True, kw_only=True):
    """One field of many experiments.

    Attributes:
        field: As it was asked for.
        values: A number for each experiment; NaN where there is none. Of texts, their place in `labels`.
        labels: The texts, sorted; None where the field has numbers.
        missing: How many experiments have no value. NaN and the infinities are values that were recorded.
        nonfinite: How many have NaN or an infinity.
    """

    field: str
    values: Floats
    labels: tuple[str, ...] | None
    missing: int
    nonfinite: int


class Values(msgspec.Struct, frozen=True, kw_only=True):
    """Fields of experiments in the order that was asked for, and their ids where these were."""

    count: int
    columns: tuple[FieldValues, ...]
    ids: tuple[str, ...] = ()


def values_of(
    backend: Backend,
    fields: Sequence[str],
    filter: str = "",
    sort: Sequence[str] = ("-created_at",),
    *,
    ids: int = 0,
    place: int | None = None,
    reproductions: bool = True,
) -> Values:
    """Fields of all experiments that meet a filter.

    Args:
        ids, place, reproductions: See `ValuesQuestion`.

    Raises:
        QueryError: The filter or a field cannot be read.
        InvalidValue: It would be too many values.
    """
    wanted = tuple(Wanted(parse_field(one)) for one in fields)
    now = time.time()
    question = ask(filter or None, sort=sort, columns=wanted, now=now)
    if not (reproductions or asks_for_relations(question.filter)):
        question = ask(
            filter or None, given=is_reproduction(False), sort=sort, columns=wanted, now=now
        )
    question = msgspec.structs.replace(question, most_ids=ids)
    if place is not None:
        question = msgspec.structs.replace(question, most_ids=1, limit=1, offset=place)
    found = backend.select(question)
    count = (found.total or 0) if place is None else len(found.ids)
    if count * len(fields) > MOST_VALUES:
        raise InvalidValue(
            f"{count} experiments with {len(fields)} fields are more than {MOST_VALUES} values: narrow the filter down.",
            key="fields",
        )
    columns = tuple(
        _column(name, column) for name, column in zip(fields, found.columns, strict=True)
    )
    return Values(count=count, columns=columns, ids=tuple(found.ids))


def _column(field: str, column: Column) -> FieldValues:
    given = column.values
    kinds = set(map(type, given))
    missing = list(given).count(None) if type(None) in kinds else 0
    if column.kind in ("number", "integer") or kinds <= {int, float, type(None)}:
        numbers = _numbers(given)
        nonfinite = int((~np.isfinite(numbers)).sum()) - missing
        return FieldValues(
            field=field, values=numbers, labels=None, missing=missing, nonfinite=nonfinite
        )
    texts: Sequence[str | None] = given
    if kinds <= {bool, type(None)}:
        texts = list(map(_TRUTHS.get, given))
    elif not kinds <= {str, type(None)}:
        texts = [None if one is None else _text(one) for one in given]
    labels = sorted({one for one in set(texts) if one is not None})
    if len(labels) > _MOST_LABELS:
        raise InvalidValue(f"{field} has more than {_MOST_LABELS} different texts.", key="fields")
    places: dict[Any, float] = {text: float(place) for place, text in enumerate(labels)}
    numbers = np.array(list(map({**places, None: math.nan}.__getitem__, texts)), dtype=np.float64)
    return FieldValues(
        field=field, values=numbers, labels=tuple(labels), missing=missing, nonfinite=0
    )


def _numbers(given: Sequence[Any]) -> Floats:
    """Numbers as an array, NaN where there is none."""
    try:
        return np.array(given, dtype=np.float64)
    except OverflowError:
        return np.array(
            [math.nan if value is None else _number(value) for value in given], dtype=np.float64
        )


def _number(value: Any) -> float:
    try:
        return float(value)
    except OverflowError:  # an integer beyond every float
        return math.inf if value > 0 else -math.inf


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return _TRUTHS[value] if isinstance(value, bool) else msgspec.json.encode(value).decode()
