"""Which fields tell most about some experiments: what a table of them shows first."""

from __future__ import annotations

from typing import Literal

import msgspec

__all__ = ["MOST_METRICS", "FieldFact", "Telling"]

MOST_METRICS = 200
"""Metrics that are told unless more are asked for."""


class FieldFact(msgspec.Struct, frozen=True, kw_only=True):
    """A parameter, a configuration key, a tag or a metric of some experiments.

    Attributes:
        field: As it is written in a filter.
        name: Its name without the section.
        experiments: How many of them have a value; see `Telling.whole` for metrics.
        values: How many different values they have; 0 for a metric, which is not looked into.
        only: The value, if all that have one have the same.
        better: Of a metric, which values are better, if its name says so.
    """

    field: str
    section: Literal["params", "config", "tags", "metrics"]
    name: str
    experiments: int
    values: int = 0
    only: str | int | float | bool | None = None
    better: Literal["min", "max"] | None = None


class Telling(msgspec.Struct, frozen=True, kw_only=True):
    """The answer.

    Attributes:
        experiments: How many experiments there are.
        fields: Parameters, configuration keys and tags with those that tell most first, then the metrics likewise, up to `MOST_METRICS` of
            these: a program that logs something of each layer has ten thousand.
        headline: The metric that says most about them; None if there is none.
        metrics: How many metrics they have.
        whole: Whether the metrics, and how many experiments have each, are those of the whole store, since looking at each of these
            experiments would take long.
    """

    experiments: int
    fields: tuple[FieldFact, ...]
    headline: str | None = None
    metrics: int = 0
    whole: bool = False
