"""Histories of metrics: one table of points, or a series at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow

__all__ = ["History", "Series"]


@dataclass(frozen=True, eq=False)
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
    steps: npt.NDArray[np.int64]
    times: npt.NDArray[np.float64]
    values: npt.NDArray[np.float64]
    total: int
    metadata: list[dict[str, Any] | None] | None = None

    def __len__(self) -> int:
        return len(self.steps)


class History:
    """Points of one or many metrics of one or many experiments.

    Iterating gives a `Series` per experiment and metric; the frames are one long table with the columns
    experiment_id, metric, step, time, value (and metadata, if asked for).
    """

    def __iter__(self) -> Iterator[Series]: ...

    def __len__(self) -> int:
        """How many points."""
        ...

    @property
    def series(self) -> list[Series]:
        """Each metric of each experiment, in the order asked for."""
        ...

    def get(self, experiment_id: str, metric: str) -> Series | None:
        """One of the series; None if it is not there."""
        ...

    def to_pandas(self) -> pandas.DataFrame: ...

    def to_polars(self) -> polars.DataFrame: ...

    def to_arrow(self) -> pyarrow.Table: ...
