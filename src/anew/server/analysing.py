"""The routes that reckon with the results of many experiments."""

from __future__ import annotations

from ..analysis.analyst import Analyst
from ..analysis.grouping import GroupComparison
from ..analysis.here import AnalystHere
from ..analysis.histograms import Histograms
from ..analysis.importance import Importance
from ..analysis.machine import MachineUse
from ..analysis.tables import TableDifference, TablePage
from ..analysis.values import Values
from ..commands.programs import Program
from ..commands.programs import program as program_of
from ..store import Store
from .routes import Call

__all__ = ["compare", "histograms", "importance", "machine", "program", "table", "table_difference", "values"]  # fmt: skip


def values(call: Call) -> Values:
    """Fields as arrays."""
    return _analyst(call).values(call.question)


def compare(call: Call) -> GroupComparison:
    """Two groups, compared."""
    return _analyst(call).compare(call.question)


def importance(call: Call) -> tuple[Importance, ...]:
    """Which settings matter."""
    return _analyst(call).importance(call.question)


def histograms(call: Call) -> Histograms:
    """Histograms over steps."""
    return _analyst(call).histograms(call.question)


def table(call: Call) -> TablePage:
    """Some rows of a logged table."""
    return _analyst(call).table(call.question)


def table_difference(call: Call) -> TableDifference:
    """What differs between two logged tables."""
    return _analyst(call).table_difference(call.question)


def machine(call: Call) -> tuple[MachineUse, ...]:
    """What machines did."""
    return _analyst(call).machine(call.question)


def program(call: Call) -> Program:
    """A picture of the page as a program."""
    return program_of(call.question)


def _analyst(call: Call) -> Analyst:
    backend = call.place.backend(call.caller)  # first, as it knows what they may see
    return call.place.analyst or AnalystHere(backend, Store(backend).get)
