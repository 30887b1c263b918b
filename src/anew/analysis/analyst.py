"""Who reckons with what many experiments recorded: the place where it lies, wherever that is.

An answer is some numbers, or a page of rows; what it is made from may be a table of a gigabyte. So a folder reckons in this process, and
a server is sent the question.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from .grouping import GroupComparison
    from .histograms import Histograms
    from .importance import Importance
    from .machine import MachineUse
    from .questions import (
        CompareQuestion,
        HistogramsQuestion,
        ImportanceQuestion,
        MachineQuestion,
        TableDifferenceQuestion,
        TableQuestion,
        ValuesQuestion,
    )
    from .tables import TableDifference, TablePage
    from .values import Values

__all__ = ["Analyst"]


class Analyst(Protocol):
    """Answers questions about the results of experiments, each from everything that was recorded.

    Any thread may ask. Questions and answers can be encoded (see `reading.wire`), and an answer is the same wherever it was made.

    Raises:
        QueryError: A filter or a field cannot be read, or names what there is not.
        NotFound: There is no such experiment, or none that who asks may see; or it logged nothing of that name.
        Ambiguous: A text means several experiments.
        InvalidValue: What is asked for cannot be, or is too much for one answer.
        CorruptData: A file is not what was recorded.
        OSError: The place cannot be reached.
    """

    def values(self, question: ValuesQuestion) -> Values:
        """Fields of experiments as arrays."""
        ...

    def compare(self, question: CompareQuestion) -> GroupComparison:
        """Two groups of experiments by one result."""
        ...

    def importance(self, question: ImportanceQuestion) -> tuple[Importance, ...]:
        """How much settings explain of a result, the most telling first."""
        ...

    def histograms(self, question: HistogramsQuestion) -> Histograms:
        """Histograms of one name step after step, on one grid of bins."""
        ...

    def table(self, question: TableQuestion) -> TablePage:
        """Some rows of a logged table."""
        ...

    def table_difference(self, question: TableDifferenceQuestion) -> TableDifference:
        """What differs between two logged tables."""
        ...

    def machine(self, question: MachineQuestion) -> tuple[MachineUse, ...]:
        """What machines did, in the order of the experiments."""
        ...
