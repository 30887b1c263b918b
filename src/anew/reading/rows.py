"""Points as they were logged together: a row per call."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, overload

import numpy as np

from ..stores.series.columns import Columns

__all__ = ["MetricRows"]


class MetricRows(Sequence[dict[str, Any]]):
    """Log calls in the order they were written; what one call gave stands in one row.

    A row is `{"index", "step", "time", "values", "metadata"}`. It is made when it is looked at, so a page of a
    long series costs no more than the page. `step` is None in a row that was logged without one.
    """

    __slots__ = ("_columns", "_names", "_order", "_starts")

    def __init__(self, columns: Columns, strip: int) -> None:
        assert columns.row is not None
        assert columns.part is not None
        self._columns = columns
        self._names = [name[strip:] for name in columns.names]
        written = sorted(range(len(columns.parts)), key=columns.parts.__getitem__)
        rank = np.empty(len(columns.parts), np.int64)
        rank[written] = np.arange(len(columns.parts))
        part = rank[columns.part] if len(columns.part) else columns.part
        self._order = np.lexsort((columns.row, part))
        part, row = part[self._order], columns.row[self._order]
        new = np.ones(len(row), np.bool_)
        new[1:] = (part[1:] != part[:-1]) | (row[1:] != row[:-1])
        self._starts = np.append(np.flatnonzero(new), len(row))

    def __len__(self) -> int:
        return len(self._starts) - 1

    @overload
    def __getitem__(self, index: int) -> dict[str, Any]: ...
    @overload
    def __getitem__(self, index: slice) -> list[dict[str, Any]]: ...
    def __getitem__(self, index: int | slice) -> Any:
        at = range(len(self))[index]
        return self._row(at) if isinstance(at, int) else [self._row(one) for one in at]

    def _row(self, index: int) -> dict[str, Any]:
        columns = self._columns
        points = self._order[self._starts[index] : self._starts[index + 1]]
        series = np.searchsorted(columns.starts, points, side="right") - 1
        first = int(points[0])
        given = columns.given is None or bool(columns.given[first])
        said = None if columns.metadata is None else columns.metadata[first]
        return {
            "index": index,
            "step": int(columns.step[first]) if given else None,
            "time": float(columns.time[first]),
            "values": {
                self._names[name]: float(columns.value[point])
                for name, point in zip(series, points, strict=True)
            },
            "metadata": None if said is None else json.loads(said),
        }

    def __repr__(self) -> str:
        return f"MetricRows({len(self)} rows of {self._names})"
