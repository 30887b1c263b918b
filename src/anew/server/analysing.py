"""The routes that reckon with the results of many experiments."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from ..analysis.face import Analysis
from ..analysis.histograms import Histograms
from ..analysis.machine import MachineUse
from ..analysis.tables import Kind, TableDifference, TablePage, difference_of, page_of, table_at
from ..analysis.values import values_of
from ..commands.programs import Program
from ..commands.programs import program as program_of
from ..errors import NotFound
from ..store import Store
from .routes import Call

__all__ = ["CompareRequest", "HistogramsRequest", "ImportanceRequest", "MachineRequest", "TableDifferenceRequest", "TableRef", "TableRequest", "ValuesRequest", "compare", "histograms", "importance", "machine", "program", "table", "table_difference", "values"]  # fmt: skip

_MOST_IDS = 20_000
_MOST_MACHINES = 50


class ValuesRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Fields of all experiments that meet a filter, as arrays; ids too while there are not too many.

    Attributes:
        sort: Without a field, what was taken in first comes first: then new experiments come after all others.
        place: Only the experiment at this place of the order, from 0: what a point of a plot is.
    """

    fields: tuple[str, ...]
    filter: str = ""
    sort: tuple[str, ...] = ("-created_at",)
    place: int | None = None


class CompareRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Two groups of experiments by one result.

    Attributes:
        result: The field that is compared.
        a, b: The groups, as filters.
        filter: What all of them meet besides.
        pair: Fields whose equal values pair one experiment of each group.
    """

    result: str
    a: str
    b: str
    filter: str = ""
    pair: tuple[str, ...] = ()
    confidence: float = 0.95


class ImportanceRequest(msgspec.Struct, frozen=True, kw_only=True):
    """How much settings explain of a result, of the experiments that meet a filter."""

    result: str
    settings: tuple[str, ...]
    filter: str = ""


class HistogramsRequest(msgspec.Struct, frozen=True, kw_only=True):
    """The histograms of a name of some experiments, step after step; see `Analysis.histograms`."""

    ids: tuple[str, ...]
    name: str
    start: int | None = None
    stop: int | None = None
    columns: int = 400
    bins: int = 128


class TableRef(msgspec.Struct, frozen=True, kw_only=True):
    """A logged table: the last of its name by a step, or the one at a place; else the newest."""

    id: str
    name: str
    step: int | None = None
    place: int | None = None


class TableRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Some rows of a table; see `Analysis.table`."""

    table: TableRef
    filter: str = ""
    sort: tuple[str, ...] = ()
    start: int = 0
    limit: int = 100


class TableDifferenceRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What differs between two tables; see `Analysis.table_difference`."""

    a: TableRef
    b: TableRef
    key: tuple[str, ...] = ()
    kinds: tuple[Kind, ...] = ("added", "removed", "changed")
    start: int = 0
    limit: int = 100


class MachineRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What the machines of some experiments did; see `Analysis.machine`."""

    ids: tuple[str, ...]
    metric: str | None = None
    start: float | None = None
    stop: float | None = None
    x: Literal["step", "relative", "time"] = "step"
    below: float = 5.0


def values(call: Call) -> Any:
    """Fields as arrays."""
    asked = call.question
    backend = call.place.backend(call.caller)
    return values_of(backend, asked.fields, asked.filter, asked.sort, ids=_MOST_IDS, place=asked.place)  # fmt: skip


def compare(call: Call) -> Any:
    """Two groups, compared."""
    asked = call.question
    return _analysis(call).compare(
        asked.result, asked.a, asked.b, filter=asked.filter, pair=asked.pair, confidence=asked.confidence,
        reproductions=True,  # what is left out stands in the filter
    )  # fmt: skip


def importance(call: Call) -> Any:
    """Which settings matter."""
    asked = call.question
    found = _analysis(call).importance(
        asked.result, asked.settings, filter=asked.filter, reproductions=True
    )
    return tuple(found)


def histograms(call: Call) -> Histograms:
    """Histograms over steps."""
    asked = call.question
    return _analysis(call).histograms(
        asked.ids, asked.name, start=asked.start, stop=asked.stop, columns=asked.columns, bins=asked.bins
    )  # fmt: skip


def table(call: Call) -> TablePage:
    """Some rows of a logged table."""
    asked, of = call.question, call.question.table
    view = _store(call).get(of.id)
    return page_of(
        view, of.name, step=of.step, place=of.place, filter=asked.filter, sort=asked.sort,
        start=asked.start, limit=asked.limit,
    )  # fmt: skip


def table_difference(call: Call) -> TableDifference:
    """What differs between two logged tables."""
    asked, store = call.question, _store(call)
    a, b = (table_at(store.get(one.id), one.name, one.step, one.place) for one in (asked.a, asked.b))  # fmt: skip
    return difference_of(a, b, key=asked.key, kinds=asked.kinds, start=asked.start, limit=asked.limit)  # fmt: skip


def machine(call: Call) -> tuple[MachineUse, ...]:
    """What machines did; an experiment without the metric that is meant is left out."""
    asked, store = call.question, _store(call)
    views = [store.get(one) for one in asked.ids[:_MOST_MACHINES]]
    if asked.metric is not None:
        views = [one for one in views if asked.metric in one.metrics]
    found = []
    for view in views:
        try:
            found.append(store.analysis.machine(view, asked.metric, asked.start, asked.stop, x=asked.x, below=asked.below))  # fmt: skip
        except NotFound:  # no point of it there
            continue
    return tuple(found)


def program(call: Call) -> Program:
    """A picture of the page as a program."""
    return program_of(call.question)


def _store(call: Call) -> Store:
    return Store(call.place.backend(call.caller))


def _analysis(call: Call) -> Analysis:
    return _store(call).analysis
