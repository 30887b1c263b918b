"""What is asked about the results of many experiments: the questions of an `Analyst`. Experiments are named by their ids, or by any text that means one."""

from __future__ import annotations

from typing import Literal

import msgspec

from ..errors import InvalidValue

__all__ = ["CompareQuestion", "HistogramsQuestion", "ImportanceQuestion", "Kind", "MachineQuestion", "TableDifferenceQuestion", "TableQuestion", "TableRef", "ValuesQuestion", "check_kinds"]  # fmt: skip

Kind = Literal["added", "removed", "changed", "same"]
_KINDS = ("added", "removed", "changed", "same")


class ValuesQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """Fields of all experiments that meet a filter, as arrays.

    Attributes:
        sort: Without a field, what was taken in first comes first: then new experiments come after all others.
        ids: Up to so many experiments, their ids are told too.
        place: Only the experiment at this place of the order, from 0: what a point of a plot is.
        reproductions: Also what `anew reproduce` recorded; else only where the filter asks for relations.
    """

    fields: tuple[str, ...]
    filter: str = ""
    sort: tuple[str, ...] = ("-created_at",)
    ids: int = 20_000
    place: int | None = None
    reproductions: bool = True


class CompareQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """Two groups of experiments by one result.

    Attributes:
        result: The field that is compared.
        a, b: The groups, as filters.
        filter: What all of them meet besides.
        pair: Fields whose equal values pair one experiment of each group.
        reproductions: As of `ValuesQuestion`.
    """

    result: str
    a: str
    b: str
    filter: str = ""
    pair: tuple[str, ...] = ()
    confidence: float = 0.95
    reproductions: bool = True


class ImportanceQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """How much settings explain of a result, of the experiments that meet a filter.

    Attributes:
        reproductions: As of `ValuesQuestion`.
    """

    result: str
    settings: tuple[str, ...]
    filter: str = ""
    reproductions: bool = True


class HistogramsQuestion(msgspec.Struct, frozen=True, kw_only=True):
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


class TableQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """Some rows of a table; see `Analysis.table`."""

    table: TableRef
    filter: str = ""
    sort: tuple[str, ...] = ()
    start: int = 0
    limit: int = 100


class TableDifferenceQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """What differs between two tables; see `Analysis.table_difference`."""

    a: TableRef
    b: TableRef
    key: tuple[str, ...] = ()
    kinds: tuple[Kind, ...] = ("added", "removed", "changed")
    start: int = 0
    limit: int = 100


class MachineQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """What the machines of some experiments did, of up to 50; see `Analysis.machine`.

    Attributes:
        strict: Whether it is an error that an experiment has no such metric, or no point of it in the stretch; it is left out otherwise.
    """

    ids: tuple[str, ...]
    metric: str | None = None
    start: float | None = None
    stop: float | None = None
    x: Literal["step", "relative", "time"] = "step"
    below: float = 5.0
    strict: bool = False


def check_kinds(kinds: tuple[str, ...]) -> None:
    """Check which rows of a difference are wanted.

    Raises:
        InvalidValue: There are no rows of one of these kinds.
    """
    unknown = [one for one in kinds if one not in _KINDS]
    if unknown:
        raise InvalidValue(f"Rows are {', '.join(_KINDS)}, not {unknown[0]!r}.", key="kinds")
