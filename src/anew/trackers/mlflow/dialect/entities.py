"""What MLflow's calls take and give: runs, experiments, metrics, parameters, tags, files."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, ClassVar, TypeVar

from .exceptions import MlflowException

__all__ = [
    "Dataset",
    "DatasetInput",
    "Experiment",
    "ExperimentTag",
    "FileInfo",
    "InputTag",
    "LifecycleStage",
    "LoggedModel",
    "LoggedModelStatus",
    "Metric",
    "PagedList",
    "Param",
    "Run",
    "RunData",
    "RunInfo",
    "RunInputs",
    "RunStatus",
    "RunTag",
    "SourceType",
    "ViewType",
]

T = TypeVar("T")


class LifecycleStage:
    """Whether a run or an experiment was deleted."""

    ACTIVE = "active"
    DELETED = "deleted"


class LoggedModelStatus(str, Enum):
    """How far a logged model is: its files are still to come, are there, or did not arrive."""

    UNSPECIFIED = "UNSPECIFIED"
    PENDING = "PENDING"
    READY = "READY"
    FAILED = "FAILED"

    @staticmethod
    def is_finalized(status: LoggedModelStatus) -> bool:
        """Whether nothing is to come any more."""
        return status in (LoggedModelStatus.READY, LoggedModelStatus.FAILED)


class SourceType:
    """What started a run."""

    NOTEBOOK, JOB, PROJECT, LOCAL, UNKNOWN = range(1, 6)


class RunStatus:
    """Where a run is in its life, as numbers."""

    RUNNING = 1
    SCHEDULED = 2
    FINISHED = 3
    FAILED = 4
    KILLED = 5
    _NAMES: ClassVar[dict[int, str]] = {
        1: "RUNNING", 2: "SCHEDULED", 3: "FINISHED", 4: "FAILED", 5: "KILLED",
    }  # fmt: skip

    @classmethod
    def to_string(cls, status: int) -> str:
        """The name of a status."""
        return cls._NAMES[status]

    @classmethod
    def from_string(cls, status_str: str) -> int:
        """The status of a name."""
        for number, name in cls._NAMES.items():
            if name == status_str:
                return number
        raise MlflowException.invalid_parameter_value(
            f"There is no run status {status_str!r}; there are {', '.join(cls._NAMES.values())}."
        )

    @classmethod
    def is_terminated(cls, status: int) -> bool:
        """Whether a run with this status has ended."""
        return status in (cls.FINISHED, cls.FAILED, cls.KILLED)

    @classmethod
    def all_status(cls) -> list[int]:
        """All statuses."""
        return list(cls._NAMES)


class ViewType:
    """Which runs or experiments are meant: those that were deleted, the others, or all."""

    ACTIVE_ONLY, DELETED_ONLY, ALL = 1, 2, 3

    @classmethod
    def from_string(cls, view_str: str) -> int:
        """The view of a name."""
        return {"active_only": 1, "deleted_only": 2, "all": 3}[view_str]


class _Entity:
    """Goes into a dictionary, as MLflow's entities do."""

    def __iter__(self) -> Any:
        for one in dataclasses.fields(self):  # type: ignore[arg-type]
            yield one.name, getattr(self, one.name)


@dataclass(frozen=True)
class Metric(_Entity):
    """One point of a metric; `timestamp` is in milliseconds."""

    key: str
    value: float
    timestamp: int
    step: int = 0
    model_id: str | None = None
    dataset_name: str | None = None
    dataset_digest: str | None = None
    run_id: str | None = None


@dataclass(frozen=True)
class Param(_Entity):
    """A parameter; its value is a text when it is read."""

    key: str
    value: Any


@dataclass(frozen=True)
class RunTag(_Entity):
    """A tag of a run."""

    key: str
    value: str


@dataclass(frozen=True)
class ExperimentTag(_Entity):
    """A tag of an experiment."""

    key: str
    value: str


@dataclass(frozen=True)
class InputTag(_Entity):
    """A tag of a data set that a run reads."""

    key: str
    value: str


@dataclass(frozen=True)
class FileInfo(_Entity):
    """An artifact: its path among the artifacts, its size in bytes (None for a folder)."""

    path: str
    is_dir: bool
    file_size: int | None

    def to_dictionary(self) -> dict[str, Any]:
        """As a dictionary."""
        return dict(self)


@dataclass
class Experiment(_Entity):
    """An experiment of MLflow: runs that belong together; a project here. Times are in milliseconds."""

    experiment_id: str
    name: str
    artifact_location: str
    lifecycle_stage: str = LifecycleStage.ACTIVE
    tags: dict[str, str] = field(default_factory=dict)
    creation_time: int | None = None
    last_update_time: int | None = None


@dataclass(frozen=True)
class Dataset(_Entity):
    """What is known of a data set."""

    name: str
    digest: str
    source_type: str
    source: str
    schema: str | None = None
    profile: str | None = None

    def to_dictionary(self) -> dict[str, Any]:
        """As a dictionary."""
        return dict(self)


@dataclass(frozen=True)
class DatasetInput(_Entity):
    """A data set that a run reads, and what for."""

    dataset: Dataset
    tags: list[InputTag] = field(default_factory=list)

    def to_dictionary(self) -> dict[str, Any]:
        """As a dictionary."""
        tags = {tag.key: tag.value for tag in self.tags}
        return {"dataset": self.dataset.to_dictionary(), "tags": tags}


@dataclass
class LoggedModel(_Entity):
    """A model that is kept as a thing of its own; times are in milliseconds."""

    experiment_id: str
    model_id: str
    name: str
    artifact_location: str
    creation_timestamp: int
    last_updated_timestamp: int
    model_type: str | None = None
    source_run_id: str | None = None
    status: LoggedModelStatus = LoggedModelStatus.READY
    status_message: str | None = None
    tags: dict[str, str] = field(default_factory=dict)
    params: dict[str, str] = field(default_factory=dict)
    metrics: list[Metric] | None = None

    @property
    def model_uri(self) -> str:
        """Its address, `models:/<id>`."""
        return f"models:/{self.model_id}"

    def to_dictionary(self) -> dict[str, Any]:
        """As a dictionary."""
        return dict(self)


@dataclass(frozen=True)
class RunInputs(_Entity):
    """All that a run reads."""

    dataset_inputs: list[DatasetInput] = field(default_factory=list)

    def to_dictionary(self) -> dict[str, Any]:
        """As a dictionary."""
        return {
            "model_inputs": [],
            "dataset_inputs": [one.to_dictionary() for one in self.dataset_inputs],
        }


@dataclass(frozen=True)
class RunInfo(_Entity):
    """The facts of a run; times are in milliseconds since the epoch."""

    run_id: str
    experiment_id: str
    user_id: str
    status: str
    start_time: int | None
    end_time: int | None
    lifecycle_stage: str
    artifact_uri: str | None = None
    run_name: str | None = None

    @property
    def run_uuid(self) -> str:
        """The id, by its older name."""
        return self.run_id


@dataclass(frozen=True)
class RunData(_Entity):
    """What a run logged: the last value of each metric, its parameters as texts, its tags."""

    metrics: dict[str, float] = field(default_factory=dict)
    params: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)

    def to_dictionary(self) -> dict[str, Any]:
        """As a dictionary."""
        return dict(self)


class Run:
    """A run: `info`, `data` and `inputs`."""

    def __init__(self, info: RunInfo, data: RunData, inputs: RunInputs | None = None) -> None:
        self._info, self._data, self._inputs = info, data, inputs or RunInputs()

    @property
    def info(self) -> RunInfo:
        """Its facts."""
        return self._info

    @property
    def data(self) -> RunData:
        """What it logged."""
        return self._data

    @property
    def inputs(self) -> RunInputs:
        """What it reads."""
        return self._inputs

    def to_dictionary(self) -> dict[str, Any]:
        """As nested dictionaries."""
        return {
            "info": dict(self.info),
            "data": self.data.to_dictionary(),
            "inputs": self.inputs.to_dictionary(),
            "outputs": {"model_outputs": []},
        }

    def __repr__(self) -> str:
        return f"<Run: data={self.data!r}, info={self.info!r}, inputs={self.inputs!r}>"


class PagedList(list[T]):
    """A page of results; `token` asks for the next one, None at the end."""

    def __init__(self, items: Iterable[T] = (), token: str | None = None) -> None:
        super().__init__(items)
        self.token = token

    def to_list(self) -> list[T]:
        """As a plain list."""
        return list(self)
