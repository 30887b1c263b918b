"""What MLflow's client is answered, by the names of its protocol. Times are milliseconds since the epoch."""

from __future__ import annotations

import math

import msgspec

from .requests import DatasetInputGiven, Pair

__all__ = [
    "CreatedExperiment",
    "Done",
    "DownloadLink",
    "ExperimentAnswer",
    "ExperimentFound",
    "ExperimentsFound",
    "FileAnswer",
    "FilesAnswer",
    "HistoryAnswer",
    "MetricAnswer",
    "ModelAnswer",
    "ModelData",
    "ModelFound",
    "ModelInfo",
    "ModelMade",
    "ModelRead",
    "ModelsFound",
    "RunAnswer",
    "RunData",
    "RunFound",
    "RunInfo",
    "RunInputs",
    "RunOutputs",
    "RunUpdated",
    "RunsFound",
    "ServerInfo",
    "UploadBegun",
    "UploadPart",
    "number",
]


def number(value: float) -> float | str:
    """A value as JSON of Protocol Buffers has it: what JSON has no number for is a text."""
    if math.isfinite(value):
        return value
    return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"


class Done(msgspec.Struct, frozen=True):
    """Nothing but that it was done."""


class CreatedExperiment(msgspec.Struct, frozen=True):
    """The id of a new experiment."""

    experiment_id: str


class ExperimentAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """An experiment."""

    experiment_id: str
    name: str
    artifact_location: str
    lifecycle_stage: str
    last_update_time: int
    creation_time: int
    tags: tuple[Pair, ...] = ()


class ExperimentFound(msgspec.Struct, frozen=True):
    """One experiment."""

    experiment: ExperimentAnswer


class ExperimentsFound(msgspec.Struct, frozen=True, omit_defaults=True):
    """A page of experiments."""

    experiments: tuple[ExperimentAnswer, ...] = ()
    next_page_token: str | None = None


class RunInfo(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The facts of a run."""

    run_id: str
    run_uuid: str
    run_name: str
    experiment_id: str
    user_id: str
    status: str
    start_time: int
    end_time: int | None = None
    artifact_uri: str
    lifecycle_stage: str


class MetricAnswer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A point."""

    key: str
    value: float | str
    timestamp: int
    step: int | None = None
    run_id: str | None = None
    model_id: str | None = None
    dataset_name: str | None = None
    dataset_digest: str | None = None


class RunData(msgspec.Struct, frozen=True):
    """The last points, the parameters and the tags of a run."""

    metrics: tuple[MetricAnswer, ...] = ()
    params: tuple[Pair, ...] = ()
    tags: tuple[Pair, ...] = ()


class ModelRead(msgspec.Struct, frozen=True):
    """A logged model that a run reads."""

    model_id: str


class ModelMade(msgspec.Struct, frozen=True):
    """A logged model that a run made."""

    model_id: str
    step: int = 0


class RunInputs(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a run reads."""

    dataset_inputs: tuple[DatasetInputGiven, ...] = ()
    model_inputs: tuple[ModelRead, ...] = ()


class RunOutputs(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a run made."""

    model_outputs: tuple[ModelMade, ...] = ()


class RunAnswer(msgspec.Struct, frozen=True):
    """A run."""

    info: RunInfo
    data: RunData = RunData()
    inputs: RunInputs = RunInputs()
    outputs: RunOutputs = RunOutputs()


class RunFound(msgspec.Struct, frozen=True):
    """One run."""

    run: RunAnswer


class RunUpdated(msgspec.Struct, frozen=True):
    """The facts of a run after a change."""

    run_info: RunInfo


class RunsFound(msgspec.Struct, frozen=True, omit_defaults=True):
    """A page of runs."""

    runs: tuple[RunAnswer, ...] = ()
    next_page_token: str | None = None


class HistoryAnswer(msgspec.Struct, frozen=True, omit_defaults=True):
    """Points."""

    metrics: tuple[MetricAnswer, ...] = ()
    next_page_token: str | None = None


class FileAnswer(msgspec.Struct, frozen=True, omit_defaults=True):
    """A file or a folder."""

    path: str
    is_dir: bool | None = None
    file_size: int | None = None


class FilesAnswer(msgspec.Struct, frozen=True, omit_defaults=True):
    """What lies in a folder."""

    root_uri: str | None = None
    files: tuple[FileAnswer, ...] = ()
    next_page_token: str | None = None


class ServerInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What the server can do, of what not every server of MLflow's can."""

    store_type: str = "AnewStore"
    workspaces_enabled: bool = False
    trace_archival_enabled: bool = False
    multipart_uploads_enabled: bool = True
    multipart_downloads_enabled: bool = False
    presigned_upload_run_id_supported: bool = False
    presigned_upload_model_id_supported: bool = False


class ModelInfo(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The facts of a logged model."""

    model_id: str
    experiment_id: str
    name: str
    creation_timestamp_ms: int
    last_updated_timestamp_ms: int
    artifact_uri: str
    status: str
    model_type: str = ""
    source_run_id: str = ""
    tags: tuple[Pair, ...] = ()


class ModelData(msgspec.Struct, frozen=True, omit_defaults=True):
    """The parameters and metrics of a logged model."""

    params: tuple[Pair, ...] = ()
    metrics: tuple[MetricAnswer, ...] = ()


class ModelAnswer(msgspec.Struct, frozen=True):
    """A logged model."""

    info: ModelInfo
    data: ModelData = ModelData()


class ModelFound(msgspec.Struct, frozen=True):
    """One logged model."""

    model: ModelAnswer


class ModelsFound(msgspec.Struct, frozen=True, omit_defaults=True):
    """A page of logged models."""

    models: tuple[ModelAnswer, ...] = ()
    next_page_token: str | None = None


class DownloadLink(msgspec.Struct, frozen=True):
    """From where a file can be fetched in ranges, with which headers, and its bytes."""

    url: str
    headers: dict[str, str]
    file_size: int


class UploadPart(msgspec.Struct, frozen=True):
    """Where a part of a file is sent to."""

    url: str
    part_number: int
    headers: dict[str, str] = {}


class UploadBegun(msgspec.Struct, frozen=True):
    """A file that is to arrive in parts."""

    upload_id: str
    credentials: tuple[UploadPart, ...]
