"""Histories in wide form: a row per place on an axis, a column per metric."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import NotFound
from .joining import JoinedRows, join
from .series import Series

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow as pa

__all__ = ["Wide"]


class Wide:
    """Metrics side by side: the columns experiment_id, name, the axis (step, time or a metric; then step too), and one per metric.

    A metric has no value (null) where it was not logged at that place; NaN is a value.

    Args:
        series: One per experiment and metric.
        names: What the experiments are called, by id.
        on: "step", "time" or a metric.

    Raises:
        NotFound: `on` is none of the metrics.
    """

    def __init__(self, series: Sequence[Series], names: Mapping[str, str], on: str) -> None:
        self.on = on
        self.metrics = [one for one in dict.fromkeys(s.metric for s in series) if one != on]
        if on not in ("step", "time") and all(one.metric != on for one in series):
            raise NotFound(
                f"The history has no metric {on!r} to join by. Ask for it too, or join by 'step' or 'time'.",
                name=on,
                nearest=self.metrics[:8],
            )
        by_id: dict[str, list[Series]] = {}
        for one in series:
            by_id.setdefault(one.experiment_id, []).append(one)
        self._names = names
        self._rows = {
            id_: join(mine, on)
            for id_, mine in by_id.items()
            if on in ("step", "time") or any(one.metric == on for one in mine)
        }

    def __len__(self) -> int:
        return sum(len(rows.x) for rows in self._rows.values())

    def __repr__(self) -> str:
        return f"Wide({len(self)} rows on {self.on!r}, {len(self.metrics)} metrics)"

    def each(self) -> Iterator[tuple[str, str, JoinedRows]]:
        """The rows of each experiment, with its id and name."""
        for id_, rows in self._rows.items():
            yield id_, self._names.get(id_, ""), rows

    def to_arrow(self) -> pa.Table:
        """One table of all experiments, one after the other."""
        from .frames import moments, pa

        rows = list(self._rows.items())
        counts = [len(one.x) for _, one in rows]
        ids = [id_ for id_, _ in rows]
        columns: dict[str, Any] = {
            "experiment_id": pa.array(np.repeat(np.array(ids, object), counts), pa.string()),
            "name": pa.array(
                np.repeat(np.array([self._names.get(one, "") for one in ids], object), counts),
                pa.string(),
            ),
        }
        kind = np.int64 if self.on == "step" else np.float64
        across = np.concatenate([np.zeros(0, kind), *(one.x for _, one in rows)])
        columns[self.on] = moments(across) if self.on == "time" else pa.array(across)
        if self.on not in ("step", "time"):
            steps = [one.steps for _, one in rows if one.steps is not None]
            columns["step"] = pa.array(np.concatenate([np.zeros(0, np.int64), *steps]))
        for metric in self.metrics:
            parts = [one.column(metric) for _, one in rows]
            values = np.concatenate([np.zeros(0), *(value for value, _ in parts)])
            there = np.concatenate([np.zeros(0, bool), *(there for _, there in parts)])
            columns[metric] = pa.array(values, pa.float64(), mask=~there)
        return pa.table(columns)

    def to_pandas(self) -> pandas.DataFrame:
        """As `to_arrow`, for pandas, where a missing value is NaN."""
        from .frames import to_pandas

        return to_pandas(self.to_arrow())

    def to_polars(self) -> polars.DataFrame:
        """As `to_arrow`, for Polars."""
        from .frames import to_polars

        return to_polars(self.to_arrow())
