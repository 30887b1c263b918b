"""What the points of a metric add up to, kept up to date one block of new points at a time.

A `Tally` sums up what one writer wrote of one metric; points only ever come in as-written order, so
"first" and "last" are those of the writer. The metric's summary combines the tallies in the order of the
writers: a step that was not given is a position, and shifts by what earlier writers wrote.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import msgspec

from ...record.facts import MetricSummary

__all__ = [
    "Tallies",
    "Tally",
    "after",
    "combine",
    "decode_tallies",
    "summaries",
]


class Tally(msgspec.Struct, array_like=True):
    """One writer's points of one metric.

    `min` and `max` are NaN until there is a number. Mean and `m2` (the sum of squared distances from the
    mean) are of the finite values. The `_given` flags tell a given step from a position.
    """

    count: int = 0
    nonfinite: int = 0
    first: float = math.nan
    last: float = math.nan
    last_time: float = 0.0
    last_step: int = 0
    last_given: bool = True
    min: float = math.nan
    min_step: int = 0
    min_given: bool = True
    max: float = math.nan
    max_step: int = 0
    max_given: bool = True
    mean: float = 0.0
    m2: float = 0.0


Tallies = dict[str, dict[str, Tally]]
"""By metric and by writer."""


_tallies = msgspec.msgpack.Decoder(Tallies)


def decode_tallies(blob: bytes) -> Tallies:
    """The tallies of `progress.metrics`."""
    return _tallies.decode(blob)


def summaries(blob: bytes) -> dict[str, MetricSummary]:
    """The summaries of all metrics of an experiment, from its `progress.metrics`."""
    return {name: combine(writers) for name, writers in _tallies.decode(blob).items()}


def after(old: Tally, new: Tally) -> Tally:
    """The tally of `old` and of `new`, which the same writer wrote after it."""
    new.first = old.first
    _extend(old, new)
    return new


def _extend(old: Tally, new: Tally) -> None:
    """Make `new` the tally of both; `old` came before. `first` is left to the caller."""
    if not new.last_given:
        new.last_step += old.count
    if not new.min_given:
        new.min_step += old.count
    if not new.max_given:
        new.max_step += old.count
    if not old.min > new.min and not math.isnan(old.min):
        new.min, new.min_step, new.min_given = old.min, old.min_step, old.min_given
    if not old.max < new.max and not math.isnan(old.max):
        new.max, new.max_step, new.max_given = old.max, old.max_step, old.max_given
    # Chan, Golub & LeVeque (1979): combining means and squared distances of two samples.
    a, b = old.count - old.nonfinite, new.count - new.nonfinite
    if a and b:
        delta = new.mean - old.mean
        new.m2 += old.m2 + delta * delta * a * b / (a + b)
        new.mean = old.mean + delta * b / (a + b)
    elif a:
        new.mean, new.m2 = old.mean, old.m2
    new.count += old.count
    new.nonfinite += old.nonfinite


def combine(writers: Mapping[str, Tally]) -> MetricSummary:
    """The summary of a metric from the tallies of its writers."""
    total: Tally | None = None
    for writer in sorted(writers):
        tally = msgspec.structs.replace(writers[writer])
        total = tally if total is None else after(total, tally)
    assert total is not None
    finite = total.count - total.nonfinite
    has = not math.isnan(total.min)
    return MetricSummary(
        count=total.count,
        first=total.first,
        last=total.last,
        last_step=total.last_step,
        last_time=total.last_time,
        min=total.min if has else None,
        min_step=total.min_step if has else None,
        max=total.max if has else None,
        max_step=total.max_step if has else None,
        mean=total.mean if finite else None,
        std=math.sqrt(total.m2 / (finite - 1)) if finite > 1 else None,
        nonfinite=total.nonfinite,
    )
