"""Answers to questions about several experiments, frozen."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from .views import ExperimentView

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow as pa


__all__ = [
    "Best",
    "Comparison",
    "Difference",
    "Ranking",
    "Summary",
]

_PAGE = 500
_PAGES_HELD = 4


@dataclass(frozen=True)
class Comparison:
    """Experiments side by side.

    Attributes:
        experiments: Per experiment `{"id", "name", "prefix", "status", "duration", "created_at"}`.
        metrics: Per metric and id `{"best", "best_step", "latest", "first", "count"}`; an experiment
            that did not log the metric has no entry.
        params: Per dotted parameter name that is not the same in all, per id its value or None. Where one experiment
            has it as a configuration key, that is its value.
        config: The same for the keys of the configurations that no experiment has as a parameter.
        modes: Per metric "min" or "max": what "best" was taken to mean.
        undirected: The metrics of which neither the call nor the name says whether smaller or larger is better; "best" is
            their smallest value, and none of the experiments is the best by it.
    """

    experiments: list[dict[str, Any]]
    metrics: dict[str, dict[str, dict[str, Any]]]
    params: dict[str, dict[str, Any]]
    config: dict[str, dict[str, Any]]
    modes: dict[str, Literal["min", "max"]]
    undirected: frozenset[str] = frozenset()

    def to_dict(self) -> dict[str, Any]:
        """`{"experiments": …, "metrics": …, "params": …, "config": …}` of plain values."""
        return {
            "experiments": self.experiments,
            "metrics": self.metrics,
            "params": self.params,
            "config": self.config,
        }

    def to_arrow(self, value: Literal["latest", "best"] = "latest") -> pa.Table:
        """A row per experiment: id, name, status, created_at, a column per metric, and a column
        `params.<name>` or `config.<name>` per parameter or configuration key that differs."""
        from .frames import column, moments, pa

        ids = [one["id"] for one in self.experiments]
        columns: dict[str, pa.Array] = {
            label: column([one[key] for one in self.experiments])
            for label, key in (
                ("experiment_id", "id"), ("name", "name"), ("status", "status"),
            )
        }  # fmt: skip
        columns["created_at"] = moments([one["created_at"] for one in self.experiments])
        for name, by_id in self.metrics.items():
            values = [by_id[one][value] if one in by_id else None for one in ids]
            columns[name] = pa.array(values, pa.float64())
        for kind, differing in (("params", self.params), ("config", self.config)):
            for name, by_id_ in differing.items():
                columns[f"{kind}.{name}"] = column([by_id_[one] for one in ids])
        return pa.table(columns)

    def to_pandas(self, value: Literal["latest", "best"] = "latest") -> pandas.DataFrame:
        """As `to_arrow`, for pandas."""
        from .frames import to_pandas

        return to_pandas(self.to_arrow(value))

    def to_polars(self, value: Literal["latest", "best"] = "latest") -> polars.DataFrame:
        """As `to_arrow`, for Polars."""
        from .frames import to_polars

        return to_polars(self.to_arrow(value))

    def _repr_html_(self) -> str:
        from .html import comparison_html

        directed = {name: of for name, of in self.modes.items() if name not in self.undirected}
        return comparison_html(self.experiments, self.metrics, directed, self.params, self.config)


@dataclass(frozen=True)
class Best:
    """One experiment and the best value of a metric it ever logged, at that step."""

    experiment: ExperimentView
    metric: str
    value: float
    step: int
    mode: Literal["min", "max"]


class Ranking(list[Best]):
    """The best experiments in order; `left_out` is how many reproductions were not considered."""

    def __init__(self, found: Iterable[Best], left_out: Callable[[], int]) -> None:
        super().__init__(found)
        self._left_out = left_out

    @cached_property
    def left_out(self) -> int:
        """How many reproductions met the conditions too and were left out."""
        return self._left_out()


@dataclass(frozen=True)
class Summary:
    """What a store holds.

    `by_status` has every status, `metrics_logged` counts points of all metrics, `metric_names` different
    names, `bytes` those of logged files, `owners` those of prefixes.
    """

    total: int
    by_status: dict[str, int]
    names: int
    projects: list[str]
    owners: list[str]
    branches: list[str]
    metric_names: int
    points: int
    files: int
    bytes: int

    @property
    def metrics_logged(self) -> int:
        """Points of all metrics."""
        return self.points


@dataclass(frozen=True)
class Difference:
    """How one metric differs between two experiments.

    Attributes:
        kind: "value" (the values differ at `step`), "step" (they go on at different steps),
            "length" (one ends before the other), "missing" (only one logged the metric).
        step: The first step at which they differ; None when one lacks the metric.
        row: The position in the series of that point.
        a: Its value in the first experiment, None where it has no such point; `b` in the second.
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
