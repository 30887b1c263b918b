"""What is known of one experiment, as coral tells it."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from typing import Any, Literal

from anew import Status as ExperimentStatus

__all__ = [
    "Experiment",
    "ExperimentMetric",
    "Mode",
    "moment",
    "read_later",
    "shown",
    "weights_of",
    "with_reason",
]

Mode = Literal["min", "max"]
_TIMES = ("created_at", "started_at", "ended_at")


def _time(given: Any) -> Any:
    return datetime.fromisoformat(given) if isinstance(given, str) else given


@dataclass
class ExperimentMetric:
    """One value of a metric; also a number where one is expected."""

    name: str
    value: float
    step: int | None = None
    timestamp: datetime = field(default_factory=lambda: datetime.now().astimezone())
    metadata: dict[str, Any] = field(default_factory=dict)

    def __float__(self) -> float:
        return self.value

    def __format__(self, spec: str) -> str:
        return format(self.value, spec) if spec else str(self)

    def to_dict(self) -> dict[str, Any]:
        """As plain data, the time as a text."""
        return {**asdict(self), "timestamp": self.timestamp.isoformat()}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> ExperimentMetric:
        """The inverse of `to_dict`."""
        return cls(
            **{**data, "timestamp": _time(data.get("timestamp")) or datetime.now().astimezone()}
        )


@dataclass
class Experiment:
    """What is known of one experiment. Its metrics are read when they are looked at."""

    experiment_id: str
    name: str
    description: str | None = None
    status: ExperimentStatus = ExperimentStatus.PENDING
    created_at: datetime = field(default_factory=lambda: datetime.now().astimezone())
    started_at: datetime | None = None
    ended_at: datetime | None = None
    metrics: list[ExperimentMetric] = field(default_factory=list, repr=False)
    params: dict[str, Any] = field(default_factory=dict)
    tags: list[str] = field(default_factory=list)
    commit_hash: str | None = None
    branch: str | None = None
    parent_experiment: str | None = None
    notes: str | None = None

    def __getattr__(self, name: str) -> Any:
        # One that comes from a store has no list of metrics but the way to it; while it runs, it is read again.
        if name != "metrics" or "_read" not in self.__dict__:
            raise AttributeError(f"An Experiment has no attribute {name!r}.")
        found = _metrics(self.__dict__["_read"]())
        if self.status.ended:
            self.metrics = found
        return found

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain data: times and the status as texts, each metric as a mapping."""
        return {
            **{one.name: getattr(self, one.name) for one in fields(self)},
            "status": str(self.status),
            "metrics": [metric.to_dict() for metric in self.metrics],
            "params": copy.deepcopy(self.params),
            "tags": [*self.tags],
            **{
                name: None if (at := getattr(self, name)) is None else at.isoformat()
                for name in _TIMES
            },
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Experiment:
        """The inverse of `to_dict`; what `data` leaves out has its default."""
        given = dict(data)
        if "status" in given:
            given["status"] = ExperimentStatus(given["status"])
        if "metrics" in given:
            given["metrics"] = [ExperimentMetric.from_dict(one) for one in given["metrics"]]
        times = {name: _time(given[name]) for name in _TIMES if name in given}
        return cls(**{**given, **times})

    def get_metric_history(self, name: str) -> list[ExperimentMetric]:
        """All values of a metric as they were logged; none if it was not."""
        return [metric for metric in self.metrics if metric.name == name]

    def get_latest_metric(self, name: str) -> ExperimentMetric | None:
        """The value of a metric that was logged last."""
        history = self.get_metric_history(name)
        return history[-1] if history else None

    def get_best_metric(self, name: str, mode: Mode | None = None) -> ExperimentMetric | None:
        """The smallest or largest value of a metric, the first of equal ones; NaN is never best.

        Args:
            mode: "min" or "max"; by the metric's name if not given (one made by hand: "min").
        """
        if mode not in (None, "min", "max"):
            raise ValueError(f"mode must be 'min' or 'max', not {mode!r}.")
        history = [m for m in self.get_metric_history(name) if m.value == m.value]
        if not history:
            return None
        if mode is None and "_read" in self.__dict__:
            summary = self.__dict__["_read"]().metrics[name]
            mode = "max" if summary.best() == summary.max else "min"
        return (max if mode == "max" else min)(history, key=lambda metric: metric.value)

    @property
    def duration(self) -> float | None:
        """Seconds from the start to the end, or until now."""
        if self.started_at is None:
            return None
        end = self.ended_at or datetime.now(self.started_at.tzinfo)
        return (end - self.started_at).total_seconds()

    @property
    def metric_names(self) -> list[str]:
        """The names of its metrics, sorted."""
        return sorted({metric.name for metric in self.metrics})


def with_reason(notes: str | None, reason: str | None) -> str | None:
    """The notes with the reason of a failure, where coral keeps it; what is recorded as notes stays as it is."""
    if not reason or reason in (notes or ""):
        return notes
    return f"{notes}\n{reason}" if notes else reason


def weights_of(view: Any) -> dict[str, Any]:
    """The branch and commit of weights that an experiment noted."""
    found: dict[str, Any] = view.captured.get("weights") or {}
    return found


def _metrics(view: Any) -> list[ExperimentMetric]:
    return [
        ExperimentMetric(name, value, row["step"], moment(row["time"]), row["metadata"] or {})
        for row in view.metrics.rows()
        for name, value in row["values"].items()
    ]


def moment(seconds: float) -> datetime:
    """A time of the record, with the local offset."""
    return datetime.fromtimestamp(seconds).astimezone()


def read_later(experiment: Experiment, read: Callable[[], Any]) -> None:
    """Take away an experiment's list of metrics: they are read from the view that `read` gives, when they are looked at."""
    del experiment.metrics
    experiment.__dict__["_read"] = read


def shown(view: Any, read: Callable[[], Any]) -> Experiment:
    """The experiment that a view of the store shows; `read` gives the view again, as it is by then."""
    weights = weights_of(view)
    experiment = Experiment(
        experiment_id=view.id,
        name=view.name,
        description=view.description,
        status=view.status,
        created_at=moment(view.created_at),
        started_at=None if view.started_at is None else moment(view.started_at),
        ended_at=None if view.ended_at is None else moment(view.ended_at),
        params=view.params.to_dict(),
        tags=[*view.tags],
        commit_hash=weights.get("commit"),
        branch=weights.get("branch"),
        parent_experiment=view.parent,
        notes=with_reason(view.notes, view.reason if str(view.status) == "failed" else None),
    )
    read_later(experiment, read)
    return experiment
