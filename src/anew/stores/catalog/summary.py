"""What the points of a metric add up to, kept up to date one block of new points at a time.

A `Tally` sums up what one writer wrote of one metric; points only ever come in as-written order, so
"first" and "last" are those of the writer. The metric's summary combines the tallies in the order of the
writers: a step that was not given is a position, and shifts by what earlier writers wrote.

A catalog keeps the summary, and beside it what the tallies hold more (`rest_of`), from which they come back.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import msgspec

from ...record.facts import MetricSummary

__all__ = ["Tallies", "Tally", "after", "combine", "rest_of", "tallies_of"]


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


class _Alone(msgspec.Struct, array_like=True, tag="one"):
    """What the tally of a metric's only writer holds beside its summary."""

    writer: str
    last_given: bool
    min_given: bool
    max_given: bool
    m2: float


class _Several(msgspec.Struct, array_like=True, tag="several"):
    """The tallies of several writers, whose summary is another thing than each of them."""

    writers: dict[str, Tally]


_rests: msgspec.msgpack.Decoder[_Alone | _Several] = msgspec.msgpack.Decoder(_Alone | _Several)


def rest_of(writers: Mapping[str, Tally]) -> bytes:
    """What the tallies of a metric hold beside its summary."""
    if len(writers) > 1:
        return msgspec.msgpack.encode(_Several(dict(writers)))
    ((name, t),) = writers.items()
    return msgspec.msgpack.encode(_Alone(name, t.last_given, t.min_given, t.max_given, t.m2))


def tallies_of(summary: MetricSummary, rest: bytes) -> dict[str, Tally]:
    """The tallies of a metric by writer, from its summary and `rest_of`.

    Raises:
        msgspec.MsgspecError: The bytes are not what they should be.
    """
    more = _rests.decode(rest)
    if isinstance(more, _Several):
        return more.writers
    return {
        more.writer: Tally(
            count=summary.count,
            nonfinite=summary.nonfinite,
            first=summary.first,
            last=summary.last,
            last_time=summary.last_time,
            last_step=summary.last_step,
            last_given=more.last_given,
            min=math.nan if summary.min is None else summary.min,
            min_step=summary.min_step or 0,
            min_given=more.min_given,
            max=math.nan if summary.max is None else summary.max,
            max_step=summary.max_step or 0,
            max_given=more.max_given,
            mean=0.0 if summary.mean is None else summary.mean,
            m2=more.m2,
        )
    }


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
    first, *others = sorted(writers)
    total = writers[first]
    for writer in others:
        total = after(total, msgspec.structs.replace(writers[writer]))
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
