"""The routes that reckon with the results of many experiments."""

from __future__ import annotations

from typing import Any

import msgspec

from ..analysis.face import Analysis
from ..analysis.values import values_of
from .routes import Call

__all__ = ["CompareRequest", "ImportanceRequest", "ValuesRequest", "compare", "importance", "values"]  # fmt: skip

_MOST_IDS = 20_000


class ValuesRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Fields of all experiments that meet a filter, as arrays; ids too while there are not too many."""

    fields: tuple[str, ...]
    filter: str = ""
    sort: tuple[str, ...] = ("-created_at",)


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


def values(call: Call) -> Any:
    """Fields as arrays."""
    asked = call.question
    backend = call.place.backend(call.caller)
    return values_of(backend, asked.fields, asked.filter, asked.sort, ids=_MOST_IDS)


def compare(call: Call) -> Any:
    """Two groups, compared."""
    asked = call.question
    return Analysis(call.place.backend(call.caller)).compare(
        asked.result, asked.a, asked.b, filter=asked.filter, pair=asked.pair, confidence=asked.confidence,
        reproductions=True,  # what is left out stands in the filter
    )  # fmt: skip


def importance(call: Call) -> Any:
    """Which settings matter."""
    asked = call.question
    found = Analysis(call.place.backend(call.caller)).importance(
        asked.result, asked.settings, filter=asked.filter, reproductions=True
    )
    return tuple(found)
