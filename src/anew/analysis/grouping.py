"""Two groups of experiments by one result, and which settings explain one: of all experiments that meet a filter."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from ..errors import InvalidValue
from ..query.arrays import Floats
from ..reading.backend import Backend
from .comparing import Comparison, compare, compare_pairs
from .importance import Importance, importance
from .questions import CompareQuestion, ImportanceQuestion
from .values import FieldValues, values_of

__all__ = ["GroupComparison", "compare_groups", "explain"]


class GroupComparison(msgspec.Struct, frozen=True, kw_only=True):
    """Two groups of experiments by one result, and what was left out of it.

    Attributes:
        result: The comparison; None where a group has no result at all.
        missing: How many experiments of each group have no finite result, and are not counted.
        both: How many are in both groups, and count in both.
        alone: Where results are paired, how many of each group have no partner, or share the value with others of their group.
    """

    result: Comparison | None
    missing: tuple[int, int]
    both: int
    alone: tuple[int, int] = (0, 0)


def compare_groups(backend: Backend, asked: CompareQuestion) -> GroupComparison:
    """Two groups of experiments by one result; see `Analysis.compare`."""
    if not 0.5 <= asked.confidence < 1:
        raise InvalidValue("The confidence is at least 0.5 and below 1.", key="confidence")
    sides, keys, ids = [], [], []
    for group in (asked.a, asked.b):
        whole = " and ".join(f"({one})" for one in (asked.filter, group) if one.strip())
        found = values_of(
            backend, [asked.result, *asked.pair], whole, ids=1 << 31, reproductions=asked.reproductions
        )  # fmt: skip
        _numbers(found.columns[0].labels, asked.result)
        sides.append(found.columns[0].values)
        keys.append(_keys(found.columns[1:]))
        ids.append(set(found.ids))
    there = [np.isfinite(one) for one in sides]
    missing = (int((~there[0]).sum()), int((~there[1]).sum()))
    both = len(ids[0] & ids[1])
    if asked.pair:
        return _paired(sides, keys, missing, both, asked.confidence)
    first, second = (one[ok] for one, ok in zip(sides, there, strict=True))
    made = compare(first, second, asked.confidence) if len(first) and len(second) else None
    return GroupComparison(result=made, missing=missing, both=both)


def explain(backend: Backend, asked: ImportanceQuestion) -> tuple[Importance, ...]:
    """How much settings explain of a result; see `Analysis.importance`."""
    fields = [asked.result, *asked.settings]
    found = values_of(backend, fields, asked.filter, reproductions=asked.reproductions)
    _numbers(found.columns[0].labels, asked.result)
    by_name = {one.field: one.values for one in found.columns[1:]}
    return tuple(importance(found.columns[0].values, by_name))


def _numbers(labels: tuple[str, ...] | None, field: str) -> None:
    if labels:
        raise InvalidValue(f"{field} has texts, and no numbers to reckon with.", key="result")


def _keys(columns: Sequence[FieldValues]) -> list[tuple[object, ...] | None]:
    """What pairs experiments: the same in both groups, though each numbers its texts by itself. None where a value is missing."""
    told = []
    for one in columns:
        values, labels = one.values.tolist(), one.labels
        told.append([value if labels is None or value != value else labels[int(value)] for value in values])  # fmt: skip
    return [None if any(one != one for one in key) else key for key in zip(*told, strict=True)]


def _paired(
    sides: Sequence[Floats],
    keys: Sequence[Sequence[object]],
    missing: tuple[int, int],
    both: int,
    confidence: float,
) -> GroupComparison:
    """Compare those that have exactly one partner."""
    groups: list[dict[object, float]] = []
    for values, named in zip(sides, keys, strict=True):
        counts: dict[object, int] = {}
        mine: dict[object, float] = {}
        for key, value in zip(named, values.tolist(), strict=True):
            if key is not None and np.isfinite(value):
                counts[key] = counts.get(key, 0) + 1
                mine[key] = value
        groups.append({key: value for key, value in mine.items() if counts[key] == 1})
    shared = [key for key in groups[0] if key in groups[1]]
    counted = [int(np.isfinite(one).sum()) for one in sides]
    alone = (counted[0] - len(shared), counted[1] - len(shared))
    if not shared:
        return GroupComparison(result=None, missing=missing, both=both, alone=alone)
    first, second = ([group[key] for key in shared] for group in groups)
    return GroupComparison(
        result=compare_pairs(first, second, confidence), missing=missing, both=both, alone=alone
    )
