"""One metric of one experiment as arrays."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ..query.arrays import Floats, Ints
from ..query.downsample import kept
from ..query.points import SeriesPoints

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow as pa

__all__ = ["Series", "json_column"]


@dataclass(frozen=True, eq=False, slots=True)
class Series:
    """One metric of one experiment, in the order of its steps (as written among equal steps).

    Attributes:
        steps: int64; a point logged without a step has its position in the series.
        times: float64, seconds since the epoch.
        values: float64.
        total: How many points there are in the range asked for; more than `len` when downsampled.
        metadata: Per point, if asked for.
        attempt: Which attempt of a resumed run it is of, from 0, where each has a series of its own.
    """

    experiment_id: str
    metric: str
    steps: Ints
    times: Floats
    values: Floats
    total: int
    metadata: list[dict[str, Any] | None] | None = None
    attempt: int | None = None

    @classmethod
    def of(cls, points: SeriesPoints) -> Series:
        """The series that an answer gives."""
        said = points.metadata
        return cls(
            points.id,
            points.metric,
            points.steps,
            points.times,
            points.values,
            points.total,
            None if said is None else [None if one is None else json.loads(one) for one in said],
        )

    @classmethod
    def empty(cls, experiment_id: str, metric: str) -> Series:
        """A series without points."""
        none = np.zeros(0, np.float64)
        return cls(experiment_id, metric, np.zeros(0, np.int64), none, none, 0)

    def thinned(self, points: int | None) -> Series:
        """At most about so many of its points: first, last and the extremes of each stretch; itself for None."""
        keep = None if points is None else kept(self.values, points)
        if keep is None:
            return self
        said = self.metadata
        return replace(
            self,
            steps=self.steps[keep],
            times=self.times[keep],
            values=self.values[keep],
            metadata=None if said is None else [said[at] for at in keep],
        )

    def __len__(self) -> int:
        return len(self.steps)

    def __repr__(self) -> str:
        shown = f"{len(self)} of {self.total}" if len(self) < self.total else str(self.total)
        return f"Series({self.experiment_id!r}, {self.metric!r}, {shown} points)"

    def to_arrow(self) -> pa.Table:
        """Columns step, time (a timestamp in UTC), value (and metadata as JSON, if it was asked for)."""
        from .frames import moments, pa

        columns = {
            "step": pa.array(self.steps),
            "time": moments(self.times),
            "value": pa.array(self.values),
        }
        if self.metadata is not None:
            columns["metadata"] = json_column(self.metadata)
        return pa.table(columns)

    def to_pandas(self) -> pandas.DataFrame:
        """As `to_arrow`, for pandas."""
        from .frames import to_pandas

        return to_pandas(self.to_arrow())

    def to_polars(self) -> polars.DataFrame:
        """As `to_arrow`, for Polars."""
        from .frames import to_polars

        return to_polars(self.to_arrow())


def json_column(metadata: Sequence[dict[str, Any] | None]) -> pa.Array:
    """What was logged beside points, as JSON."""
    from .frames import pa

    texts = [None if one is None else json.dumps(one, ensure_ascii=False) for one in metadata]
    return pa.array(texts, pa.string())
