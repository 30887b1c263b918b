"""What is known of one experiment, as attributes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from ..record.status import Status

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow

    from .history import Series
    from .results import Deleted, Experiments

__all__ = ["ExperimentView", "FileView", "LogLine", "MetricView", "ValueView"]


class LogLine:
    """One message: `time`, `level`, `message`, `fields` (dict), `writer`."""

    time: float
    level: str
    message: str
    fields: dict[str, Any]
    writer: str


class MetricView:
    """One metric of one experiment: its summary as attributes, its points as frames.

    `last`, `first` are by the order of writing of the newest and oldest step; `min`, `max`, `mean` and
    `std` leave NaN out; `nonfinite` counts NaN and the infinities.
    """

    name: str
    count: int
    first: float
    last: float
    last_step: int
    min: float | None
    min_step: int | None
    max: float | None
    max_step: int | None
    mean: float | None
    std: float | None
    nonfinite: int

    def best(self, mode: Literal["min", "max"] | None = None) -> float | None:
        """The smallest or largest value; which is better goes by the name unless given."""
        ...

    def best_step(self, mode: Literal["min", "max"] | None = None) -> int | None:
        """The step of `best`."""
        ...

    def read(
        self, points: int | None = None, *, start: int | None = None, stop: int | None = None
    ) -> Series:
        """Its points (`.steps`, `.times`, `.values`), downsampled to about `points` if given."""
        ...

    def to_numpy(
        self, points: int | None = None
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
        """Steps and values."""
        ...

    def to_pandas(self, points: int | None = None) -> pandas.DataFrame:
        """Columns step, time, value."""
        ...

    def to_polars(self, points: int | None = None) -> polars.DataFrame: ...

    def to_arrow(self, points: int | None = None) -> pyarrow.Table: ...

    def rows(self, start: int = 0, limit: int | None = None) -> list[dict[str, Any]]:
        """Points by position, as `{"index", "step", "time", "value", "metadata"}`."""
        ...


class FileView:
    """One logged file."""

    id: str
    name: str
    prefix: str
    path: Path
    size: int
    hash: str
    step: int | None
    time: float
    metadata: dict[str, Any]

    def open(self) -> IO[bytes]: ...

    def read_bytes(self, *, check: bool = True) -> bytes:
        """The content.

        Raises:
            CorruptData: It does not have the hash it was logged with (unless `check` is False).
            NotFound: The file is gone.
        """
        ...

    def read_text(self, encoding: str = "utf-8") -> str: ...

    def save(self, to: str | Path) -> Path:
        """Copy it to a path or into a folder, checking its hash; returns where it is."""
        ...


class ValueView:
    """One logged value beyond numbers: `name`, `kind`, `step`, `time`, `metadata`, `path`, `data`."""

    name: str
    kind: str
    step: int | None
    time: float
    path: Path | None
    data: Any
    metadata: dict[str, Any]


class ExperimentView:
    """An experiment as it was when asked for."""

    id: str
    prefix: str
    name: str
    status: Status
    reason: str | None
    created_at: float
    started_at: float | None
    ended_at: float | None
    updated_at: float
    user: str | None
    host: str | None
    parent: str | None
    relation: str | None
    lost: int
    error: str | None
    duration: float | None
    description: str | None
    notes: str | None
    tags: dict[str, str | None]
    bindrs: list[str]
    params: Mapping[str, Any]
    config: Mapping[str, Any] | None
    git: Mapping[str, Any]
    captured: Mapping[str, Mapping[str, Any]]
    path: Path

    @property
    def metrics(self) -> Mapping[str, MetricView]:
        """Its metrics by name; an unknown name raises NotFound with the nearest ones."""
        ...

    def logs(
        self, level: str | None = None, contains: str | None = None, tail: int | None = None
    ) -> list[LogLine]:
        """Its messages in the order of their times.

        Args:
            level: Only this level and those above it.
            contains: Only messages with this text in them (upper and lower case alike).
            tail: Only the last so many (of those).
        """
        ...

    def console(self, tail: int | None = None) -> str:
        """What it printed; `tail` gives the last so many lines."""
        ...

    def follow(self, *, console: bool = False, interval: float = 0.5) -> Iterator[LogLine]:
        """Messages (or console lines, as level "console") as they are written, until it has ended."""
        ...

    @property
    def files(self) -> Sequence[FileView]: ...

    def values(self, name: str | None = None, kind: str | None = None) -> list[ValueView]: ...

    def children(self) -> Experiments: ...

    def delete(self, *, permanently: bool = False) -> Deleted: ...

    def to_dict(self) -> dict[str, Any]:
        """All facts as plain values, for JSON."""
        ...
