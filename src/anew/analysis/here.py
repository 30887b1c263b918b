"""`AnalystHere`: reckons in this process, with what a backend answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ..errors import InvalidValue, NotFound
from ..reading.backend import Backend
from ..reading.views import ExperimentView
from .grouping import GroupComparison, compare_groups, explain
from .importance import Importance
from .questions import (
    CompareQuestion,
    HistogramsQuestion,
    ImportanceQuestion,
    MachineQuestion,
    TableDifferenceQuestion,
    TableQuestion,
    ValuesQuestion,
)
from .values import Values, values_of

if TYPE_CHECKING:  # each with a reader of its own, which the others do without
    from .histograms import Histograms
    from .machine import MachineUse
    from .tables import TableDifference, TablePage

__all__ = ["AnalystHere"]

_MOST_MACHINES = 50


class AnalystHere:
    """An `Analyst` over any backend.

    Args:
        find: The experiment that a text means.
    """

    def __init__(self, backend: Backend, find: Callable[[str], ExperimentView]) -> None:
        self._backend = backend
        self._find = find

    def values(self, question: ValuesQuestion) -> Values:
        """See `Analyst.values`."""
        return values_of(
            self._backend, question.fields, question.filter, question.sort,
            ids=question.ids, place=question.place, reproductions=question.reproductions,
        )  # fmt: skip

    def compare(self, question: CompareQuestion) -> GroupComparison:
        """See `Analyst.compare`."""
        return compare_groups(self._backend, question)

    def importance(self, question: ImportanceQuestion) -> tuple[Importance, ...]:
        """See `Analyst.importance`."""
        return explain(self._backend, question)

    def histograms(self, question: HistogramsQuestion) -> Histograms:
        """See `Analyst.histograms`."""
        from .histograms import histograms_of

        return histograms_of(
            [self._find(one) for one in question.ids], question.name, start=question.start,
            stop=question.stop, columns=question.columns, bins=question.bins,
        )  # fmt: skip

    def table(self, question: TableQuestion) -> TablePage:
        """See `Analyst.table`."""
        from .tables import page_of

        return page_of(self._find(question.table.id), question)

    def table_difference(self, question: TableDifferenceQuestion) -> TableDifference:
        """See `Analyst.table_difference`."""
        from .tables import difference_of

        first = self._find(question.a.id)
        second = first if question.b.id == question.a.id else self._find(question.b.id)
        return difference_of(first, second, question)

    def machine(self, question: MachineQuestion) -> tuple[MachineUse, ...]:
        """See `Analyst.machine`."""
        from .machine import machine_of

        if len(question.ids) > _MOST_MACHINES:
            raise InvalidValue(
                f"What machines did is told of up to {_MOST_MACHINES} experiments at once: choose fewer.",
                key="ids",
            )
        views = [self._find(one) for one in question.ids]
        if question.metric is not None and not question.strict:
            views = [one for one in views if question.metric in one.metrics]
        found = []
        for view in views:
            try:
                found.append(
                    machine_of(view, question.metric, question.start, question.stop, x=question.x, below=question.below)
                )  # fmt: skip
            except NotFound:  # no point of it there
                if question.strict:
                    raise
        return tuple(found)
