"""Points as they were logged together: a row per call."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, overload

import numpy as np

from ..query.points import SeriesPoints

__all__ = ["MetricRows"]


class MetricRows(Sequence[dict[str, Any]]):
    """Log calls in the order they were written; what one call gave stands in one row.

    A row is `{"index", "step", "time", "values", "metadata"}`. It is made when it is looked at, so a page of a
    long series costs no more than the page. `step` is None in a row that was logged without one.

    Args:
        series: Series as written, with the numbers of their calls and with metadata.
        strip: How many characters come off the front of each metric's name.
    """

    __slots__ = ("_at", "_begins", "_names", "_of", "_series")

    def __init__(self, series: Sequence[SeriesPoints], strip: int = 0) -> None:
        self._series = tuple(series)
        self._names = [one.metric[strip:] for one in series]
        none = [np.zeros(0, np.int64)]
        calls = np.concatenate(none + [one.calls for one in series if one.calls is not None])
        counts = [len(one.steps) for one in series]
        of = np.repeat(np.arange(len(counts)), counts)
        at = np.concatenate(none + [np.arange(count) for count in counts])
        order = np.argsort(calls, kind="stable")  # within a call, series by series
        calls = calls[order]
        self._of, self._at = of[order], at[order]
        begins = np.flatnonzero(np.concatenate(([True], calls[1:] != calls[:-1])))
        self._begins = np.append(begins, len(calls)) if len(calls) else np.zeros(1, np.int64)

    def __len__(self) -> int:
        return len(self._begins) - 1

    @overload
    def __getitem__(self, index: int) -> dict[str, Any]: ...
    @overload
    def __getitem__(self, index: slice) -> list[dict[str, Any]]: ...
    def __getitem__(self, index: int | slice) -> Any:
        at = range(len(self))[index]
        return self._row(at) if isinstance(at, int) else [self._row(one) for one in at]

    def _row(self, index: int) -> dict[str, Any]:
        points = range(int(self._begins[index]), int(self._begins[index + 1]))
        places = [(int(self._of[point]), int(self._at[point])) for point in points]
        number, at = places[0]
        first = self._series[number]
        given = first.given is None or bool(first.given[at])
        said = None if first.metadata is None else first.metadata[at]
        return {
            "index": index,
            "step": int(first.steps[at]) if given else None,
            "time": float(first.times[at]),
            "values": {
                self._names[number]: float(self._series[number].values[at]) for number, at in places
            },
            "metadata": None if said is None else json.loads(said),
        }

    def __repr__(self) -> str:
        return f"MetricRows({len(self)} rows of {self._names})"
