"""`store.analysis`: comparing groups of results, and which settings matter."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal

import msgspec
import numpy as np

from ..errors import InvalidValue
from ..query.arrays import Floats
from ..reading.backend import Backend
from .comparing import Comparison, compare, compare_pairs
from .importance import Importance, importance
from .values import FieldValues, Values, values_of

if TYPE_CHECKING:
    from ..reading.views import ExperimentView
    from .histograms import Histograms
    from .machine import MachineUse
    from .tables import Kind, TableDifference, TablePage

__all__ = ["Analysis", "GroupComparison"]


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


class Analysis:
    """What the results of the experiments of a store say.

    Args:
        find: The experiment that a reference means.
    """

    def __init__(self, backend: Backend, find: Callable[[Any], ExperimentView]) -> None:
        self._backend = backend
        self._find = find

    def values(
        self, fields: Sequence[str], filter: str = "", *, sort: Sequence[str] = ("-created_at",)
    ) -> Values:
        """Fields of all experiments that meet a filter, as arrays: what is drawn as points and lines.

        Raises:
            QueryError: The filter or a field cannot be read.
            InvalidValue: It would be too many values.
        """
        return values_of(self._backend, fields, filter, sort, ids=1 << 31, reproductions=False)

    def compare(
        self,
        result: str,
        a: str,
        b: str,
        *,
        filter: str = "",
        pair: str | Sequence[str] = (),
        confidence: float = 0.95,
        reproductions: bool = False,
    ) -> GroupComparison:
        """Compare the results of two groups of experiments: how far apart they are, how sure that is, and what so many can tell.

        Args:
            result: The field that is compared, such as `metrics.val/acc.max`.
            a, b: The groups, as filters: `params.lr == 0.1`.
            filter: What all of them meet besides.
            pair: A field whose equal values pair one experiment of each group, such as `params.seed`, or several that all have to be equal.
            confidence: Of the interval.
            reproductions: Also what `anew reproduce` recorded.

        Raises:
            QueryError: A filter or a field cannot be read.
            InvalidValue: The field has texts.
        """
        if not 0.5 <= confidence < 1:
            raise InvalidValue("The confidence is at least 0.5 and below 1.", key="confidence")
        pairs = [pair] if isinstance(pair, str) else list(pair)
        sides, keys, ids = [], [], []
        for group in (a, b):
            whole = " and ".join(f"({one})" for one in (filter, group) if one.strip())
            fields = [result, *pairs]
            found = values_of(
                self._backend, fields, whole, ids=1 << 31, reproductions=reproductions
            )
            _numbers(found.columns[0].labels, result)
            sides.append(found.columns[0].values)
            keys.append(_keys(found.columns[1:]))
            ids.append(set(found.ids))
        there = [np.isfinite(one) for one in sides]
        missing = (int((~there[0]).sum()), int((~there[1]).sum()))
        both = len(ids[0] & ids[1])
        if pairs:
            return _paired(sides, keys, missing, both, confidence)
        first, second = (one[ok] for one, ok in zip(sides, there, strict=True))
        made = compare(first, second, confidence) if len(first) and len(second) else None
        return GroupComparison(result=made, missing=missing, both=both)

    def importance(
        self,
        result: str,
        settings: Sequence[str],
        *,
        filter: str = "",
        reproductions: bool = False,
    ) -> list[Importance]:
        """How much each setting alone explains of a result, the most telling first.

        Args:
            result: The field that is explained, such as `metrics.val/acc.max`.
            settings: Fields such as `params.lr`. Those that do not vary, or differ in every experiment as texts, are left out.
            filter: Of which experiments.
            reproductions: Also what `anew reproduce` recorded.

        Raises:
            QueryError: The filter or a field cannot be read.
            InvalidValue: The result has texts.
        """
        found = values_of(self._backend, [result, *settings], filter, reproductions=reproductions)
        _numbers(found.columns[0].labels, result)
        by_name = {one.field: one.values for one in found.columns[1:]}
        return importance(found.columns[0].values, by_name)

    def histograms(
        self,
        experiments: Any | Sequence[Any],
        name: str,
        *,
        start: int | None = None,
        stop: int | None = None,
        columns: int = 400,
        bins: int = 128,
    ) -> Histograms:
        """The histograms that experiments logged under a name, step after step, on one grid of bins. Every one of them counts.

        Args:
            experiments: One, or several to stand side by side.
            start, stop: The first and the last step wanted.
            columns: At most so many; where there are more steps, those that are neighbours share one.
            bins: So many, unless all were recorded with the same ones: then these.

        Raises:
            NotFound: None of them has logged such a histogram.
        """
        from .histograms import histograms_of

        several = isinstance(experiments, Sequence) and not isinstance(experiments, str)
        views = [self._find(one) for one in (experiments if several else [experiments])]
        return histograms_of(views, name, start=start, stop=stop, columns=columns, bins=bins)

    def table(
        self,
        experiment: Any,
        name: str,
        *,
        step: int | None = None,
        place: int | None = None,
        filter: str = "",
        sort: Sequence[str] = (),
        start: int = 0,
        limit: int = 100,
    ) -> TablePage:
        """Some rows of a table that was logged, filtered and sorted where it lies.

        Args:
            step: The last one by this step; the newest if None. `place` counts them from 0 instead.
            filter: Which rows, in the filter language, with the table's columns as fields: `` loss > 2 and label == 'cat' ``.
            sort: Columns, with `-` before those that descend. What is missing or NaN comes last.
            start, limit: Which of these rows, at most 1000.

        Raises:
            NotFound: There is no such table.
            QueryError: The filter or a column cannot be read.
        """
        from .tables import page_of

        view = self._find(experiment)
        return page_of(view, name, step=step, place=place, filter=filter, sort=sort, start=start, limit=limit)  # fmt: skip

    def table_difference(
        self,
        experiment: Any,
        name: str,
        other: Any = None,
        *,
        step: int | None = None,
        other_step: int | None = None,
        other_name: str | None = None,
        key: Sequence[str] = (),
        kinds: Sequence[Kind] = ("added", "removed", "changed"),
        start: int = 0,
        limit: int = 100,
    ) -> TableDifference:
        """What differs between two tables: of two steps, or of two experiments. Rows that were added, removed and changed.

        Args:
            other: The other experiment; the same one if None.
            step, other_step: Of each, the last one by this step; the newest if None.
            other_name: The other table's name, if it is another.
            key: Columns by which rows go together; of rows with the same key, the first goes with the first. Without one, by their places.
            kinds: Which rows are given: "added", "removed", "changed", "same".
            start, limit: Which of these rows, at most 1000.

        Raises:
            NotFound: There is no such table.
            QueryError: A table has no such column.
        """
        from .tables import difference_of, table_at

        view = self._find(experiment)
        second = view if other is None else self._find(other)
        pair = table_at(view, name, step), table_at(second, other_name or name, other_step)
        return difference_of(*pair, key=key, kinds=kinds, start=start, limit=limit)

    def machine(
        self,
        experiment: Any,
        metric: str | None = None,
        start: float | None = None,
        stop: float | None = None,
        *,
        x: Literal["step", "relative", "time"] = "step",
        below: float = 5.0,
    ) -> MachineUse:
        """What the machine of an experiment did: how long each device was idle, and what stands out in a stretch of a curve.

        Args:
            metric: The metric that the stretch is of.
            start, stop: Where the stretch begins and ends; the same twice for a point of the metric. None for the whole experiment.
            x: What these are: steps, seconds since the experiment began, or seconds since the epoch.
            below: A device that is less busy than this, in percent, is idle.

        Raises:
            NotFound: There is no such metric, or no point of it there.
        """
        from .machine import machine_of

        return machine_of(self._find(experiment), metric, start, stop, x=x, below=below)


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
