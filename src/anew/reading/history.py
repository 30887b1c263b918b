"""Histories of metrics: one table of points, or a series at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from .series import Series, json_column

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow as pa

    from .wide import Wide

__all__ = ["History", "Order", "Series"]

Order = Literal["step", "written"]


class History(Sequence[Series]):
    """Points of one or many metrics of one or many experiments.

    A sequence with a `Series` per experiment and metric, in the order asked for; the frames are one long
    table with the columns experiment_id, name, metric, step, time (a timestamp in UTC), value (and attempt, where each attempt has
    a series, and metadata as JSON, if asked for). `wide` puts the metrics side by side.

    Args:
        names: What the experiments are called, by id.
    """

    __slots__ = ("_names", "_series")

    def __init__(self, series: Sequence[Series], names: Mapping[str, str] | None = None) -> None:
        self._series = tuple(series)
        self._names = dict(names or {})

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

    def wide(self, on: str = "step") -> Wide:
        """The metrics of each experiment side by side, a column each.

        Args:
            on: "step" or "time", for a row at each step or time that any metric has; or one of the metrics: a row at each of its steps,
                in the order of its values. Of several values at one place the last written counts.

        Raises:
            NotFound: `on` is none of the metrics that were asked for.
        """
        from .wide import Wide

        return Wide(self._series, self._names, on)

    def to_arrow(self) -> pa.Table:
        """One long table; the text columns are dictionary-encoded."""
        from .frames import moments, pa

        counts = [len(one) for one in self._series]
        columns: dict[str, Any] = {}
        for name in ("experiment_id", "name", "metric"):
            words = [
                self._names.get(one.experiment_id, "") if name == "name" else getattr(one, name)
                for one in self._series
            ]
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
            whole = np.concatenate(arrays) if arrays else np.zeros(0, kind)
            columns[name] = moments(whole) if name == "time" else pa.array(whole)
        if any(one.attempt is not None for one in self._series):
            columns["attempt"] = pa.array(
                np.repeat(np.array([one.attempt or 0 for one in self._series], np.int64), counts)
            )
        if any(one.metadata is not None for one in self._series):
            columns["metadata"] = json_column(
                [m for one in self._series for m in one.metadata or [None] * len(one)]
            )
        return pa.table(columns)

    def to_pandas(self) -> pandas.DataFrame:
        """As `to_arrow`, for pandas; the texts are plain strings there."""
        from .frames import pa, to_pandas

        table = self.to_arrow()
        for number, name in enumerate(("experiment_id", "name", "metric")):
            table = table.set_column(number, name, table[name].cast(pa.string()))
        return to_pandas(table)

    def to_polars(self) -> polars.DataFrame:
        """As `to_arrow`, for Polars."""
        from .frames import to_polars

        return to_polars(self.to_arrow())
