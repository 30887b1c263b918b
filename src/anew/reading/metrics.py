"""The metrics of one experiment: a summary each, and the way to its points."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from ..errors import NotFound
from ..query.suggest import nearest, one_of
from ..record.facts import MetricSummary
from .source import Source

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas
    import polars
    import pyarrow

    from .history import Order, Series
    from .rows import MetricRows

__all__ = ["MetricView", "Metrics"]

_FIELDS = frozenset(MetricSummary.__struct_fields__)


class MetricView:
    """One metric of one experiment: its summary as attributes, its points as frames.

    Attributes:
        count: How many points were logged.
        first: The first value written; `last` the last one, `last_step` its step, `last_time` its time.
        min: The smallest value but NaN, None if there is no other; `min_step` where it first was; likewise `max`.
        mean: Of the finite values; `std` (with n - 1) too. None where there are too few.
        nonfinite: How many are NaN or infinite.
        summary: All of these as the record's own struct.
    """

    __slots__ = ("_id", "_prefix", "_source", "name", "summary")

    name: str
    summary: MetricSummary
    count: int
    first: float
    last: float
    last_step: int
    last_time: float
    min: float | None
    min_step: int | None
    max: float | None
    max_step: int | None
    mean: float | None
    std: float | None
    nonfinite: int

    def __init__(
        self, source: Source, experiment_id: str, prefix: str, name: str, summary: MetricSummary
    ) -> None:
        self._source = source
        self._id = experiment_id
        self._prefix = prefix
        self.name = name
        self.summary = summary

    def __getattr__(self, name: str) -> Any:
        # The summary's own fields, not copies of them.
        if name in _FIELDS:
            return getattr(self.summary, name)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *_FIELDS]

    def __repr__(self) -> str:
        return f"MetricView({self.name!r}, count={self.count}, last={self.last!r})"

    def __len__(self) -> int:
        return self.count

    @property
    def better(self) -> Literal["min", "max"] | None:
        """Whether its small or its large values are better, by its goal or else its name; None where neither says it."""
        return self._source.goals.known(self.name, (self._prefix,))

    def best(self, mode: Literal["min", "max"] | None = None) -> float | None:
        """The smallest or largest value; which is better goes by its goal, or else its name, unless given."""
        return self.max if (mode or self.better) == "max" else self.min

    def best_step(self, mode: Literal["min", "max"] | None = None) -> int | None:
        """The step of `best`."""
        return self.max_step if (mode or self.better) == "max" else self.min_step

    def read(
        self,
        points: int | None = None,
        *,
        start: int | None = None,
        stop: int | None = None,
        metadata: bool = False,
        order: Order = "step",
    ) -> Series:
        """Its points (`.steps`, `.times`, `.values`).

        Args:
            points: At most about this many, first, last and extremes of each stretch kept; all if None.
            start: The first step wanted.
            stop: The step before which to end.
            metadata: Also what was logged beside each point.
            order: "step", or "written" for the order in which the points were logged.
        """
        from ..query.points import PointsQuestion
        from .history import Series

        question = PointsQuestion(
            ids=(self._id,),
            metrics=(self.name,),
            start=start,
            stop=stop,
            points=points,
            order=order,
            metadata=metadata,
        )
        found = self._source.series(question)
        return Series.of(found[0]) if found else Series.empty(self._id, self.name)

    def to_numpy(
        self, points: int | None = None
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
        """Steps and values."""
        series = self.read(points)
        return series.steps, series.values

    def to_pandas(self, points: int | None = None) -> pandas.DataFrame:
        """Columns step, time, value."""
        return self.read(points).to_pandas()

    def to_polars(self, points: int | None = None) -> polars.DataFrame:
        """Columns step, time, value."""
        return self.read(points).to_polars()

    def to_arrow(self, points: int | None = None) -> pyarrow.Table:
        """Columns step, time, value."""
        return self.read(points).to_arrow()

    def rows(self, start: int = 0, limit: int | None = None) -> list[dict[str, Any]]:
        """Points in the order they were logged, as `{"index", "step", "time", "value", "metadata"}`.

        Args:
            start: The position of the first.
            limit: At most this many.
        """
        series = self.read(metadata=True, order="written")
        stop = len(series) if limit is None else min(len(series), start + max(0, limit))
        metadata = series.metadata or [None] * len(series)
        return [
            {
                "index": at,
                "step": int(series.steps[at]),
                "time": float(series.times[at]),
                "value": float(series.values[at]),
                "metadata": metadata[at],
            }
            for at in range(max(0, start), stop)
        ]

    def percentiles(self, of: Sequence[float] = (5, 25, 50, 75, 95)) -> dict[float, float]:
        """Percentiles of the finite values (linear between points); NaN where there is none."""
        import numpy as np

        values = self.read().values
        values = values[np.isfinite(values)]
        if not len(values):
            return dict.fromkeys(of, math.nan)
        return dict(zip(of, map(float, np.percentile(values, of)), strict=True))


class Metrics(Mapping[str, MetricView]):
    """Metrics by name, sorted; an unknown name raises NotFound with the nearest ones."""

    __slots__ = ("_id", "_prefix", "_source", "_summaries")

    def __init__(
        self,
        source: Source,
        experiment_id: str,
        prefix: str,
        summaries: Mapping[str, MetricSummary],
    ) -> None:
        self._source = source
        self._id = experiment_id
        self._prefix = prefix
        self._summaries = {name: summaries[name] for name in sorted(summaries)}

    def __getitem__(self, name: str) -> MetricView:
        summary = self._summaries.get(name)
        if summary is None:
            near = nearest(str(name), self._summaries)
            hint = f" Did you mean {one_of(map(repr, near))}?" if near else ""
            if not self._summaries:
                hint = " It logged no metric."
            raise NotFound(
                f"The experiment {self._id} has no metric {name!r}.{hint}",
                name=str(name),
                nearest=near,
            )
        return MetricView(self._source, self._id, self._prefix, name, summary)

    def __contains__(self, name: object) -> bool:
        return name in self._summaries

    def rows(self, group: str = "") -> MetricRows:
        """What each call logged, a row per call: `{"index", "step", "time", "values", "metadata"}`.

        Args:
            group: Only the metrics directly under `group/`, as `exp.metrics(group).log` writes them; the names
                in `values` are then without it. Without a group, all metrics but `system/…`.
        """
        from ..query.points import PointsQuestion
        from .rows import MetricRows

        if group:
            strip = len(group) + 1
            names = [n for n in self if n.startswith(f"{group}/") and "/" not in n[strip:]]
        else:
            strip = 0
            names = [n for n in self if not n.startswith("system/")]
        question = PointsQuestion(
            ids=(self._id,), metrics=tuple(names), order="written", rows=True, metadata=True
        )
        return MetricRows(self._source.series(question), strip)

    def get(self, name: str, default: Any = None) -> Any:
        """The metric, or `default`."""
        return self[name] if name in self._summaries else default

    def __iter__(self) -> Iterator[str]:
        return iter(self._summaries)

    def __len__(self) -> int:
        return len(self._summaries)

    def __repr__(self) -> str:
        return f"Metrics({list(self._summaries)})"
