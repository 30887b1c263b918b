"""What MLflow's client asks, by the names of its protocol. Times are milliseconds since the epoch."""

from __future__ import annotations

import msgspec

__all__ = [
    "ArtifactRequest",
    "ArtifactsRequest",
    "BatchRequest",
    "BulkHistoryRequest",
    "CreateExperimentRequest",
    "CreateModelRequest",
    "CreateRunRequest",
    "DatasetGiven",
    "DatasetInputGiven",
    "DatasetNamed",
    "DeleteExperimentTagRequest",
    "DeleteTagRequest",
    "ExperimentNameRequest",
    "ExperimentRequest",
    "ExperimentTagRequest",
    "HistoryRequest",
    "InputsRequest",
    "MetricGiven",
    "MetricRequest",
    "ModelArtifactsRequest",
    "ModelInputGiven",
    "ModelOrder",
    "ModelOutputGiven",
    "ModelParamsRequest",
    "ModelRequest",
    "ModelStatusRequest",
    "ModelTagRequest",
    "ModelTagsRequest",
    "OutputsRequest",
    "Pair",
    "ParamRequest",
    "PartGiven",
    "PartRequest",
    "RestRequest",
    "RunRequest",
    "SearchExperimentsRequest",
    "SearchModelsRequest",
    "SearchRunsRequest",
    "TagRequest",
    "UpdateExperimentRequest",
    "UpdateRunRequest",
    "UploadCompleted",
    "UploadEnded",
    "UploadRequest",
]


class Pair(msgspec.Struct, frozen=True):
    """A tag or a parameter."""

    key: str
    value: str = ""


class CreateExperimentRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A new experiment. Where artifacts are to lie is not for a client to say."""

    name: str
    artifact_location: str | None = None
    tags: tuple[Pair, ...] = ()


class ExperimentRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One experiment."""

    experiment_id: str


class ExperimentNameRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One experiment by its name."""

    experiment_name: str


class UpdateExperimentRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Another name for an experiment."""

    experiment_id: str
    new_name: str | None = None


class ExperimentTagRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A tag of an experiment."""

    experiment_id: str
    key: str
    value: str = ""


class DeleteExperimentTagRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A tag of an experiment to remove."""

    experiment_id: str
    key: str


class SearchExperimentsRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Which experiments, in which order."""

    max_results: int
    page_token: str | None = None
    filter: str | None = None
    order_by: tuple[str, ...] | None = None
    view_type: str | int | None = None


class CreateRunRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A new run."""

    experiment_id: str
    user_id: str | None = None
    run_name: str | None = None
    start_time: int | None = None
    tags: tuple[Pair, ...] = ()


class RunRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One run."""

    run_id: str | None = None
    run_uuid: str | None = None


class UpdateRunRequest(msgspec.Struct, frozen=True, kw_only=True):
    """How a run ended, or another name for it."""

    run_id: str | None = None
    run_uuid: str | None = None
    status: str | int | None = None
    end_time: int | None = None
    run_name: str | None = None


class MetricGiven(msgspec.Struct, frozen=True, kw_only=True):
    """A point."""

    key: str
    value: float
    timestamp: int
    step: int = 0
    model_id: str | None = None
    dataset_name: str | None = None
    dataset_digest: str | None = None


class MetricRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One point of a run."""

    run_id: str | None = None
    run_uuid: str | None = None
    key: str
    value: float
    timestamp: int
    step: int = 0
    model_id: str | None = None
    dataset_name: str | None = None
    dataset_digest: str | None = None


class ParamRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One parameter of a run."""

    run_id: str | None = None
    run_uuid: str | None = None
    key: str
    value: str = ""


class TagRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One tag of a run."""

    run_id: str | None = None
    run_uuid: str | None = None
    key: str
    value: str = ""


class DeleteTagRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A tag of a run to remove."""

    run_id: str
    key: str


class BatchRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Points, parameters and tags of a run."""

    run_id: str
    metrics: tuple[MetricGiven, ...] = ()
    params: tuple[Pair, ...] = ()
    tags: tuple[Pair, ...] = ()


class DatasetGiven(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A data set, as its program describes it."""

    name: str
    digest: str
    source_type: str
    source: str
    schema: str | None = None
    profile: str | None = None


class DatasetInputGiven(msgspec.Struct, frozen=True, kw_only=True):
    """A data set that a run reads."""

    dataset: DatasetGiven
    tags: tuple[Pair, ...] = ()


class ModelInputGiven(msgspec.Struct, frozen=True, kw_only=True):
    """A logged model that a run reads."""

    model_id: str


class InputsRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What a run reads."""

    run_id: str
    datasets: tuple[DatasetInputGiven, ...] = ()
    models: tuple[ModelInputGiven, ...] = ()


class ModelOutputGiven(msgspec.Struct, frozen=True, kw_only=True):
    """A logged model that a run made."""

    model_id: str
    step: int = 0


class OutputsRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What a run made."""

    run_id: str
    models: tuple[ModelOutputGiven, ...] = ()


class SearchRunsRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Which runs, in which order."""

    experiment_ids: tuple[str, ...]
    filter: str | None = None
    run_view_type: str | int | None = None
    max_results: int = 1000
    order_by: tuple[str, ...] | None = None
    page_token: str | None = None


class HistoryRequest(msgspec.Struct, frozen=True, kw_only=True):
    """The points of a metric of a run."""

    run_id: str | None = None
    run_uuid: str | None = None
    metric_key: str
    max_results: int | None = None
    page_token: str | None = None


class BulkHistoryRequest(msgspec.Struct, frozen=True, kw_only=True):
    """The points of a metric of several runs; at about `max_results` steps of each, if they have more."""

    run_ids: tuple[str, ...]
    metric_key: str
    start_step: int | None = None
    end_step: int | None = None
    max_results: int = 2500


class ArtifactsRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What lies in a folder of a run's artifacts, or in one of the store of artifacts."""

    run_id: str | None = None
    run_uuid: str | None = None
    path: str | None = None
    page_token: str | None = None


class ArtifactRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A file in the store of artifacts."""

    path: str


class RestRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Any other path."""

    rest: str


class CreateModelRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A new logged model."""

    experiment_id: str
    name: str | None = None
    model_type: str | None = None
    source_run_id: str | None = None
    params: tuple[Pair, ...] = ()
    tags: tuple[Pair, ...] = ()


class ModelRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One logged model."""

    model_id: str


class ModelStatusRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the files of a logged model have all arrived."""

    model_id: str
    status: str | int


class ModelParamsRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Parameters of a logged model."""

    model_id: str
    params: tuple[Pair, ...] = ()


class ModelTagsRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Tags of a logged model."""

    model_id: str
    tags: tuple[Pair, ...] = ()


class ModelTagRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A tag of a logged model to remove."""

    model_id: str
    tag_key: str


class ModelOrder(msgspec.Struct, frozen=True, kw_only=True):
    """A field to order logged models by."""

    field_name: str
    ascending: bool = True


class DatasetNamed(msgspec.Struct, frozen=True, kw_only=True):
    """A data set; any digest of it, if none is given."""

    dataset_name: str
    dataset_digest: str | None = None


class SearchModelsRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Which logged models, in which order."""

    experiment_ids: tuple[str, ...]
    filter: str | None = None
    max_results: int = 50
    order_by: tuple[ModelOrder, ...] = ()
    datasets: tuple[DatasetNamed, ...] = ()
    page_token: str | None = None


class ModelArtifactsRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What lies in a folder of a logged model's files."""

    model_id: str
    artifact_directory_path: str | None = None
    page_token: str | None = None


class UploadRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A file that is to arrive in parts: `folder` is where, `path` has its name."""

    folder: str
    path: str
    num_parts: int = 1


class PartRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One part of a file."""

    upload_id: str
    number: int


class PartGiven(msgspec.Struct, frozen=True, kw_only=True):
    """A part that has arrived, by the tag that its sender was given."""

    part_number: int
    etag: str = ""
    url: str | None = None


class UploadCompleted(msgspec.Struct, frozen=True, kw_only=True):
    """A file all parts of which have arrived."""

    folder: str
    path: str
    upload_id: str
    parts: tuple[PartGiven, ...] = ()


class UploadEnded(msgspec.Struct, frozen=True, kw_only=True):
    """A file that does not arrive after all."""

    folder: str
    path: str
    upload_id: str
