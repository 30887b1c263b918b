"""Answers to questions about several experiments, frozen."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, overload

from ..errors import NotFound
from .views import ExperimentView

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow as pa

    from .reader import Reader

__all__ = [
    "Best",
    "Comparison",
    "Deleted",
    "Difference",
    "Experiments",
    "Finding",
    "Refreshed",
    "Summary",
    "Trashed",
    "Usage",
]

_PAGE = 500
_PAGES_HELD = 4


class Experiments(Sequence[ExperimentView]):
    """Experiments in the order asked for: a frozen sequence of views.

    Which ones and in which order is settled; what is known of them is read a page at a time, the first page
    of a limited answer at once. One that was deleted meanwhile raises NotFound when it is reached.
    """

    __slots__ = ("_given", "_keys", "_pages", "_reader", "_total")

    def __init__(
        self,
        reader: Reader,
        keys: Sequence[int],
        total: int | Callable[[], int],
        given: Mapping[int, Any] | None = None,
    ) -> None:
        self._reader = reader
        self._keys = tuple(keys)
        self._total = total
        self._given = dict(given or {})
        self._pages: dict[int, dict[int, Any]] = {}

    @property
    def total(self) -> int:
        """How many met the filter, also those that the limit left out; counted when first asked for."""
        if not isinstance(self._total, int):
            self._total = self._total()
        return self._total

    @property
    def ids(self) -> list[str]:
        """Their ids, in order."""
        return [view.id for view in self]

    @overload
    def __getitem__(self, index: int) -> ExperimentView: ...
    @overload
    def __getitem__(self, index: slice) -> Experiments: ...
    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            keys = self._keys[index]
            return Experiments(self._reader, keys, len(keys), self._given)
        return self._view(range(len(self._keys))[index])

    def __len__(self) -> int:
        return len(self._keys)

    def __iter__(self) -> Iterator[ExperimentView]:
        return (self._view(at) for at in range(len(self._keys)))

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Experiments):
            return (
                self._keys == other._keys and self._reader.layout.root == other._reader.layout.root
            )
        return NotImplemented

    def __hash__(self) -> int:
        return hash(self._keys)

    def __repr__(self) -> str:
        shown = ", ".join(view.id for view in self[:5]) + (", …" if len(self) > 5 else "")
        return f"<Experiments {len(self)}: {shown}>"

    def _view(self, at: int) -> ExperimentView:
        key = self._keys[at]
        row = self._given.get(key) or self._page(at // _PAGE).get(key)
        if row is None:
            raise NotFound(
                f"Experiment {at} of this answer was deleted since it was asked for; ask again."
            )
        return ExperimentView(self._reader, row)

    def _page(self, number: int) -> dict[int, Any]:
        page = self._pages.get(number)
        if page is None:
            page = self._reader.page(self._keys[number * _PAGE : (number + 1) * _PAGE])
            while len(self._pages) >= _PAGES_HELD:
                del self._pages[next(iter(self._pages))]
            self._pages[number] = page
        return page

    def to_arrow(self) -> pa.Table:
        """A row per experiment: its facts, then `tags`, `params.<name>`, `metrics.<name>` (last values)."""
        from .table import experiments_table

        return self._reader.ask(lambda c: experiments_table(c, self._keys), fresh=False)

    def to_pandas(self) -> pandas.DataFrame:
        """As `to_arrow`, for pandas."""
        from .frames import to_pandas

        return to_pandas(self.to_arrow())

    def to_polars(self) -> polars.DataFrame:
        """As `to_arrow`, for Polars."""
        from .frames import to_polars

        return to_polars(self.to_arrow())


@dataclass(frozen=True)
class Comparison:
    """Experiments side by side.

    Attributes:
        experiments: Per experiment `{"id", "name", "prefix", "status", "duration", "created_at"}`.
        metrics: Per metric and id `{"best", "best_step", "latest", "first", "count"}`; an experiment
            that did not log the metric has no entry.
        params: Per dotted parameter name that is not the same in all, per id its value or None.
        config: The same for the keys of the configurations.
        modes: Per metric "min" or "max": what "best" was taken to mean.
    """

    experiments: list[dict[str, Any]]
    metrics: dict[str, dict[str, dict[str, Any]]]
    params: dict[str, dict[str, Any]]
    config: dict[str, dict[str, Any]]
    modes: dict[str, Literal["min", "max"]]

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
        from .frames import column, pa

        ids = [one["id"] for one in self.experiments]
        columns: dict[str, pa.Array] = {
            label: column([one[key] for one in self.experiments])
            for label, key in (
                ("experiment_id", "id"), ("name", "name"), ("status", "status"),
                ("created_at", "created_at"),
            )
        }  # fmt: skip
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


@dataclass(frozen=True)
class Best:
    """One experiment and the best value of a metric it ever logged, at that step."""

    experiment: ExperimentView
    metric: str
    value: float
    step: int
    mode: Literal["min", "max"]


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


@dataclass(frozen=True)
class Finding:
    """Something on disk that is not as it should be.

    Attributes:
        kind: "broken line", "corrupt file", "unreadable", "no identity", "copy", "not indexed", "gone",
            "trash" or "leftover".
        reason: What is wrong, in a sentence.
        path: The file or folder.
        line: The line in it, from 1.
        repaired: Whether it was mended; only what is derived ever is.
    """

    kind: str
    reason: str
    path: str
    experiment_id: str | None = None
    prefix: str | None = None
    line: int | None = None
    repaired: bool = False


@dataclass(frozen=True)
class Deleted:
    """What a deletion did: how many experiments, of how many bytes.

    `freed` says whether the bytes are back already, or come with `gc`.
    """

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
