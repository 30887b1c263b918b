"""`store.analysis`: comparing groups of results, which settings matter, and what was logged over steps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import index
from typing import TYPE_CHECKING, Any, Literal, overload

from msgspec.structs import replace

from ..errors import InvalidValue
from ..record.plain import from_plain
from .analyst import Analyst
from .questions import (
    CompareQuestion,
    HistogramsQuestion,
    ImportanceQuestion,
    Kind,
    MachineQuestion,
    TableDifferenceQuestion,
    TableQuestion,
    TableRef,
    ValuesQuestion,
    check_kinds,
)

if TYPE_CHECKING:
    from .grouping import GroupComparison
    from .histograms import Histograms
    from .importance import Importance
    from .machine import MachineUse
    from .tables import TableDifference, TablePage
    from .values import Values

__all__ = ["Analysis"]


class Analysis:
    """What the results of the experiments of a store say. It is reckoned where the store is: from a server come answers, and no files.

    Args:
        text_of: What names an experiment that somebody gave, for who answers.
    """

    def __init__(self, analyst: Analyst, text_of: Callable[[Any], str]) -> None:
        self._analyst = analyst
        self._text_of = text_of

    def values(
        self, fields: Sequence[str], filter: str = "", *, sort: Sequence[str] = ("-created_at",)
    ) -> Values:
        """Fields of all experiments that meet a filter, as arrays: what is drawn as points and lines.

        Raises:
            QueryError: The filter or a field cannot be read.
            InvalidValue: It would be too many values.
        """
        asked = ValuesQuestion(
            fields=_texts(fields), filter=filter, sort=_texts(sort), ids=1 << 31, reproductions=False
        )  # fmt: skip
        return self._analyst.values(asked)

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
        asked = CompareQuestion(
            result=result, a=a, b=b, filter=filter, pair=_texts(pair),
            confidence=float(confidence), reproductions=reproductions,
        )  # fmt: skip
        return self._analyst.compare(asked)

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
        asked = ImportanceQuestion(
            result=result, settings=_texts(settings), filter=filter, reproductions=reproductions
        )
        return list(self._analyst.importance(asked))

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
        several = isinstance(experiments, Sequence) and not isinstance(experiments, str)
        ids = tuple(self._text_of(one) for one in (experiments if several else [experiments]))
        asked = HistogramsQuestion(
            ids=ids, name=name, start=_whole(start), stop=_whole(stop), columns=index(columns), bins=index(bins)
        )  # fmt: skip
        return self._analyst.histograms(asked)

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
        asked = TableQuestion(
            table=self._table(experiment, name, step, place),
            filter=filter, sort=_texts(sort), start=index(start), limit=index(limit),
        )  # fmt: skip
        page = self._analyst.table(asked)
        return replace(page, rows=tuple(map(_cells, page.rows)))

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
        check_kinds(_texts(kinds))
        second = experiment if other is None else other
        asked = TableDifferenceQuestion(
            a=self._table(experiment, name, step), b=self._table(second, other_name or name, other_step),
            key=_texts(key), kinds=tuple(kinds), start=index(start), limit=index(limit),
        )  # fmt: skip
        found = self._analyst.table_difference(asked)
        rows = (replace(one, a=_cells(one.a), b=_cells(one.b)) for one in found.rows)
        return replace(found, rows=tuple(rows))

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
        if x not in ("step", "relative", "time"):
            raise InvalidValue(f"The axis is step, relative or time, not {x!r}.", key="x")
        asked = MachineQuestion(
            ids=(self._text_of(experiment),), metric=metric, x=x, below=float(below), strict=True,
            start=None if start is None else float(start), stop=None if stop is None else float(stop),
        )  # fmt: skip
        return self._analyst.machine(asked)[0]

    def _table(
        self, experiment: Any, name: str, step: int | None, place: int | None = None
    ) -> TableRef:
        return TableRef(
            id=self._text_of(experiment), name=name, step=_whole(step), place=_whole(place)
        )


@overload
def _cells(row: tuple[Any, ...]) -> tuple[Any, ...]: ...
@overload
def _cells(row: tuple[Any, ...] | None) -> tuple[Any, ...] | None: ...
def _cells(row: tuple[Any, ...] | None) -> tuple[Any, ...] | None:
    """The values of a row with NaN and the infinities as numbers, which JSON has no words for."""
    return None if row is None else tuple(map(from_plain, row))


def _texts(given: str | Sequence[str]) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given)


def _whole(given: int | None) -> int | None:
    """An integer as Python has it: NumPy's own cannot be sent."""
    return None if given is None else index(given)
