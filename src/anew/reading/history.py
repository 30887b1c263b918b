"""Histories of metrics: one table of points, or a series at a time."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from ..query.downsample import in_order, kept, step_order
from ..stores.series.columns import Columns, Stretch

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow as pa

__all__ = ["History", "Order", "Series", "series_of", "thinned"]

Order = Literal["step", "written"]
Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False, slots=True)
class Series:
    """One metric of one experiment, in the order of its steps (as written among equal steps).

    Attributes:
        steps: int64; a point logged without a step has its position in the series.
        times: float64, seconds since the epoch.
        values: float64.
        total: How many points there are in the range asked for; more than `len` when downsampled.
        metadata: Per point, if asked for.
    """

    experiment_id: str
    metric: str
    steps: Ints
    times: Floats
    values: Floats
    total: int
    metadata: list[dict[str, Any] | None] | None = None

    def __len__(self) -> int:
        return len(self.steps)

    def __repr__(self) -> str:
        shown = f"{len(self)} of {self.total}" if len(self) < self.total else str(self.total)
        return f"Series({self.experiment_id!r}, {self.metric!r}, {shown} points)"

    def to_arrow(self) -> pa.Table:
        """Columns step, time, value (and metadata as JSON, if it was asked for)."""
        from .frames import pa

        columns = {
            "step": pa.array(self.steps),
            "time": pa.array(self.times),
            "value": pa.array(self.values),
        }
        if self.metadata is not None:
            columns["metadata"] = _json_column(self.metadata)
        return pa.table(columns)

    def to_pandas(self) -> pandas.DataFrame:
        """As `to_arrow`, for pandas."""
        from .frames import to_pandas

        return to_pandas(self.to_arrow())

    def to_polars(self) -> polars.DataFrame:
        """As `to_arrow`, for Polars."""
        from .frames import to_polars

        return to_polars(self.to_arrow())


def series_of(
    columns: Columns,
    experiment_id: str,
    metric: str,
    *,
    points: int | None = None,
    order: Order = "step",
) -> Series:
    """One series out of what a series store read, ordered and downsampled."""
    rows = columns.of(metric)
    steps, times, values = columns.step[rows], columns.time[rows], columns.value[rows]
    metadata = None if columns.metadata is None else columns.metadata[rows]
    total = len(steps)
    sorting = step_order(steps) if order == "step" else None
    chosen: Any = sorting
    if points is not None:
        ordered = values if sorting is None else values[sorting]
        keep = kept(ordered, points)
        if keep is not None:
            chosen = keep if sorting is None else sorting[keep]
    if chosen is not None:
        steps, times, values = steps[chosen], times[chosen], values[chosen]
        metadata = None if metadata is None else metadata[chosen]
    said = None if metadata is None else [None if m is None else json.loads(m) for m in metadata]
    return Series(experiment_id, metric, steps, times, values, total, said)


def thinned(runs: Sequence[Stretch], experiment_id: str, metric: str, points: int) -> Series | None:
    """A series downsampled as it lies in the store, or None where it has to be put together first.

    The same points as `series_of` chooses, without a copy of all the others.
    """
    last = None
    for run in runs:
        if run.given is not None or not in_order(run.step):
            return None
        if last is not None and run.step[0] < last:
            return None
        last = run.step[-1]
    keep = kept([run.value for run in runs], points)
    if keep is None:
        return None
    ends = np.cumsum([len(run.value) for run in runs])
    cuts = np.searchsorted(keep, ends)
    steps, times, values = [], [], []
    for run, mine, end in zip(runs, np.split(keep, cuts), ends, strict=False):
        here = mine - (end - len(run.value))
        steps.append(run.step[here])
        times.append(run.time[here])
        values.append(run.value[here])
    return Series(
        experiment_id,
        metric,
        np.concatenate(steps),
        np.concatenate(times),
        np.concatenate(values),
        int(ends[-1]),
    )


class History(Sequence[Series]):
    """Points of one or many metrics of one or many experiments.

    A sequence with a `Series` per experiment and metric, in the order asked for; the frames are one long
    table with the columns experiment_id, metric, step, time, value (and metadata as JSON, if asked for).
    """

    __slots__ = ("_series",)

    def __init__(self, series: Sequence[Series]) -> None:
        self._series = tuple(series)

    def __getitem__(self, index: Any) -> Any:
        return self._series[index]

    def __iter__(self) -> Iterator[Series]:
        return iter(self._series)

    def __len__(self) -> int:
        return len(self._series)

    def __repr__(self) -> str:
        return f"History({len(self)} series, {self.points} points)"

    @property
    def series(self) -> list[Series]:
        """Each metric of each experiment, in the order asked for."""
        return list(self._series)

    @property
    def points(self) -> int:
        """How many points there are in all series."""
        return sum(len(one) for one in self._series)

    def get(self, experiment_id: str, metric: str) -> Series | None:
        """One of the series; None if it is not there."""
        for one in self._series:
            if one.experiment_id == experiment_id and one.metric == metric:
                return one
        return None

    def to_arrow(self) -> pa.Table:
        """One long table; the two text columns are dictionary-encoded."""
        from .frames import pa

        counts = [len(one) for one in self._series]
        columns: dict[str, Any] = {}
        for name in ("experiment_id", "metric"):
            words = [getattr(one, name) for one in self._series]
            known = list(dict.fromkeys(words))
            at = {word: number for number, word in enumerate(known)}
            codes = np.repeat(np.array([at[word] for word in words], np.int32), counts)
            columns[name] = pa.DictionaryArray.from_arrays(codes, pa.array(known, pa.string()))
        for name, field, kind in (
            ("step", "steps", np.int64),
            ("time", "times", np.float64),
            ("value", "values", np.float64),
        ):
            arrays = [getattr(one, field) for one in self._series]
            columns[name] = pa.array(np.concatenate(arrays) if arrays else np.zeros(0, kind))
        if any(one.metadata is not None for one in self._series):
            columns["metadata"] = _json_column(
                [m for one in self._series for m in one.metadata or [None] * len(one)]
            )
        return pa.table(columns)

    def to_pandas(self) -> pandas.DataFrame:
        """As `to_arrow`, for pandas; the texts are plain strings there."""
        from .frames import pa, to_pandas

        table = self.to_arrow()
        for number, name in enumerate(("experiment_id", "metric")):
            table = table.set_column(number, name, table[name].cast(pa.string()))
        return to_pandas(table)

    def to_polars(self) -> polars.DataFrame:
        """As `to_arrow`, for Polars."""
        from .frames import to_polars

        return to_polars(self.to_arrow())


def _json_column(metadata: Sequence[dict[str, Any] | None]) -> pa.Array:
    from .frames import pa

    texts = [None if one is None else json.dumps(one, ensure_ascii=False) for one in metadata]
    return pa.array(texts, pa.string())
