"""Answers to questions about several experiments, frozen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, overload

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow

    from .views import ExperimentView

__all__ = [
    "Best",
    "Comparison",
    "Deleted",
    "Difference",
    "Experiments",
    "Refreshed",
    "Summary",
    "Trashed",
    "Usage",
]


class Experiments(Sequence["ExperimentView"]):
    """Experiments in the order asked for; a frozen sequence of views.

    `total` counts all that met the filter, also those that the limit left out.
    """

    total: int

    @property
    def ids(self) -> list[str]:
        """Their ids, in order."""
        ...

    @overload
    def __getitem__(self, index: int) -> ExperimentView: ...
    @overload
    def __getitem__(self, index: slice) -> Experiments: ...
    def __getitem__(self, index: int | slice) -> Any: ...

    def __len__(self) -> int: ...

    def to_pandas(self) -> pandas.DataFrame:
        """A row per experiment: its facts, then `params.<name>`, then `metrics.<name>` (last values)."""
        ...

    def to_polars(self) -> polars.DataFrame:
        """As `to_pandas`, for Polars."""
        ...

    def to_arrow(self) -> pyarrow.Table:
        """As `to_pandas`, for Arrow."""
        ...


@dataclass(frozen=True)
class Comparison:
    """Experiments side by side.

    Attributes:
        experiments: Per experiment `{"id", "name", "prefix", "status", "duration", "created_at"}`.
        metrics: Per metric and id `{"best", "best_step", "latest", "first", "count"}`; an experiment
            that did not log the metric has no entry.
        params: Per dotted parameter name that is not the same in all, per id its value or None.
        modes: Per metric "min" or "max": what "best" was taken to mean.
    """

    experiments: list[dict[str, Any]]
    metrics: dict[str, dict[str, dict[str, Any]]]
    params: dict[str, dict[str, Any]]
    modes: dict[str, str]

    def to_dict(self) -> dict[str, Any]:
        """`{"experiments": …, "metrics": …, "params": …}` of plain values."""
        ...

    def to_pandas(self, value: Literal["latest", "best"] = "latest") -> pandas.DataFrame:
        """A row per experiment: id, name, status, created_at, a column per metric, a column per parameter
        that differs."""
        ...


@dataclass(frozen=True)
class Best:
    """One experiment and the best value of a metric it ever logged."""

    experiment: ExperimentView
    metric: str
    value: float
    step: int
    mode: str


@dataclass(frozen=True)
class Summary:
    """What a store holds. `bytes` are those of logged files, `by_status` has every status."""

    total: int
    by_status: dict[str, int]
    names: int
    projects: int
    branches: list[str]
    metrics_logged: int
    metric_names: int
    points: int
    files: int
    bytes: int


@dataclass(frozen=True)
class Difference:
    """How one metric differs between two experiments.

    Attributes:
        kind: "value" (the values differ at `step`), "step" (the series go on at different steps),
            "length" (one ends before the other), "missing" (only one logged the metric).
        step: The first step at which they differ; None when one lacks the metric.
        row: The position in the series of that point.
        a: Its value in the first experiment, None where it has none; `b` in the second.
        count_a: How many points the first has; `count_b` the second.
    """

    metric: str
    kind: Literal["value", "step", "length", "missing"]
    step: int | None
    row: int | None
    a: float | None
    b: float | None
    count_a: int
    count_b: int


@dataclass(frozen=True)
class Deleted:
    """What a deletion did: how many experiments, of how many bytes; `freed` says whether those are
    back already or come with `gc`."""

    count: int
    bytes: int
    freed: bool
    ids: tuple[str, ...] = ()


@dataclass(frozen=True)
class Trashed:
    """An experiment in the trash."""

    id: str
    prefix: str
    name: str
    deleted_at: float
    bytes: int


@dataclass(frozen=True)
class Refreshed:
    """What bringing the index up to date took in, and how long it took in seconds."""

    experiments: int
    points: int
    seconds: float
    broken: int = 0


@dataclass(frozen=True)
class Usage:
    """Bytes on disk: `total`, `by_kind` (points, logs, files, …), `by_experiment` (id → bytes)."""

    total: int
    by_kind: Mapping[str, int]
    by_experiment: Mapping[str, int]

    def __iter__(self) -> Iterator[str]:
        return iter(self.by_experiment)
