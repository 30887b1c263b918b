"""What a server reckons with the experiments that it has: `analysis.analyst.Analyst`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .calls import Calls

if TYPE_CHECKING:  # answers have arrays, which who asks nothing of them does without
    from ...analysis.grouping import GroupComparison
    from ...analysis.histograms import Histograms
    from ...analysis.importance import Importance
    from ...analysis.machine import MachineUse
    from ...analysis.questions import (
        CompareQuestion,
        HistogramsQuestion,
        ImportanceQuestion,
        MachineQuestion,
        TableDifferenceQuestion,
        TableQuestion,
        ValuesQuestion,
    )
    from ...analysis.tables import TableDifference, TablePage
    from ...analysis.values import Values

__all__ = ["RemoteAnalyst"]


class RemoteAnalyst:
    """The `Analyst` of a server: each question is one request, and nothing but the answer is sent."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def values(self, question: ValuesQuestion) -> Values:
        """See `Analyst.values`."""
        from ...analysis.values import Values

        found: Values = self._asked("values", question, Values)
        return found

    def compare(self, question: CompareQuestion) -> GroupComparison:
        """See `Analyst.compare`."""
        from ...analysis.grouping import GroupComparison

        found: GroupComparison = self._asked("compare", question, GroupComparison)
        return found

    def importance(self, question: ImportanceQuestion) -> tuple[Importance, ...]:
        """See `Analyst.importance`."""
        from ...analysis.importance import Importance

        found: tuple[Importance, ...]
        found = self._asked("importance", question, tuple[Importance, ...])
        return found

    def histograms(self, question: HistogramsQuestion) -> Histograms:
        """See `Analyst.histograms`."""
        from ...analysis.histograms import Histograms

        found: Histograms = self._asked("histograms", question, Histograms)
        return found

    def table(self, question: TableQuestion) -> TablePage:
        """See `Analyst.table`."""
        from ...analysis.tables import TablePage

        found: TablePage = self._asked("table", question, TablePage)
        return found

    def table_difference(self, question: TableDifferenceQuestion) -> TableDifference:
        """See `Analyst.table_difference`."""
        from ...analysis.tables import TableDifference

        found: TableDifference = self._asked("table-difference", question, TableDifference)
        return found

    def machine(self, question: MachineQuestion) -> tuple[MachineUse, ...]:
        """See `Analyst.machine`."""
        from ...analysis.machine import MachineUse

        found: tuple[MachineUse, ...]
        found = self._asked("machine", question, tuple[MachineUse, ...])
        return found

    def _asked(self, name: str, question: Any, kind: Any) -> Any:
        return self._calls.call("POST", f"/analysis/{name}", question, kind)
