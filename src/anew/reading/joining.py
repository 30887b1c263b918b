"""Series put together: one curve out of the attempts of a resumed run, and metrics side by side on one axis. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..query.arrays import Bools, Floats, Ints
from .series import Series

__all__ = ["JoinedRows", "attempts_of", "continued", "join", "last_of_each"]


def attempts_of(series: Series, starts: Sequence[float]) -> list[Series]:
    """A series cut into those of the attempts that logged it, in their order; each knows which `attempt` it is, from 0.

    Args:
        starts: When each attempt began. A point belongs to the last one that had begun when it was logged.
    """
    which = _attempts(series, starts)
    return [_of(series, which == number, attempt=int(number)) for number in np.unique(which)]


def continued(series: Series, starts: Sequence[float]) -> Series:
    """The one curve of a run that was resumed: from the step on at which a later attempt goes on, that one counts.

    What an earlier attempt had logged at those steps was done again, or thrown away with the state that it led to.
    """
    which = _attempts(series, starts)
    keep = np.ones(len(series), bool)
    for number in np.unique(which)[1:]:
        first = series.steps[which == number].min()
        keep &= (which >= number) | (series.steps < first)
    return series if keep.all() else _of(series, keep)


def _attempts(series: Series, starts: Sequence[float]) -> Ints:
    began = np.sort(np.asarray(starts, np.float64))
    return np.maximum(np.searchsorted(began, series.times, side="right") - 1, 0)


def _of(series: Series, keep: Bools, *, attempt: int | None = None) -> Series:
    said = series.metadata
    return replace(
        series,
        steps=series.steps[keep],
        times=series.times[keep],
        values=series.values[keep],
        total=int(keep.sum()),
        metadata=None if said is None else [said[at] for at in np.flatnonzero(keep)],
        attempt=attempt,
    )


class JoinedRows:
    """Metrics of one experiment side by side: a row for each place on the common axis.

    Attributes:
        x: The places: int64 steps, float64 times, or the values of a metric.
        steps: The steps of the rows; None where rows are joined by time.
        values: By metric, a value per row and whether there is one.
    """

    def __init__(self, x: Any, steps: Ints | None, values: dict[str, tuple[Floats, Bools]]) -> None:
        self.x, self.steps, self.values = x, steps, values

    def column(self, metric: str) -> tuple[Floats, Bools]:
        """The values of a metric and whether there is one, a row each; none at all of one that was not logged."""
        found = self.values.get(metric)
        return found or (np.zeros(len(self.x)), np.zeros(len(self.x), bool))

    def columns(self, metrics: Sequence[str]) -> list[tuple[str, tuple[Floats, Bools]]]:
        """Some metrics with their columns."""
        return [(metric, self.column(metric)) for metric in metrics]


def join(series: Sequence[Series], on: str) -> JoinedRows:
    """Metrics of one experiment side by side.

    Args:
        series: One for each metric, in the order of their steps.
        on: "step" or "time", for a row at each step or time that any of them has; or one of the metrics: a row at each of its
            steps, in the order of its values.
    """
    by_time = on == "time"
    keys: Any  # steps or times
    x: Any
    keyed = {one.metric: last_of_each(one.times if by_time else one.steps, one.values) for one in series}  # fmt: skip
    if on not in ("step", "time"):
        keys, across = keyed[on]
        order = np.argsort(across, kind="stable")
        keys, x = keys[order], across[order]
    else:
        every = [keys for keys, _ in keyed.values()]
        keys = np.unique(np.concatenate(every)) if every else np.zeros(0, np.int64)
        x = keys
    values = {name: _placed(keys, *one) for name, one in keyed.items() if name != on}
    return JoinedRows(x, None if by_time else keys, values)


def last_of_each(keys: Any, values: Floats) -> tuple[Any, Floats]:
    """The keys, each once and rising, and the last value written at each."""
    order = np.argsort(keys, kind="stable")
    keys, values = keys[order], values[order]
    last = np.append(keys[1:] != keys[:-1], True)[: len(keys)]
    return keys[last], values[last]


def _placed(wanted: Any, keys: Any, values: Floats) -> tuple[Floats, Bools]:
    if not len(keys):
        return np.full(len(wanted), np.nan), np.zeros(len(wanted), bool)
    at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    there = keys[at] == wanted
    return np.where(there, values[at], np.nan), there
