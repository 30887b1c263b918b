"""What the client of ml-dash is answered, under the names that it reads."""

from __future__ import annotations

from typing import Any

import msgspec

__all__ = [
    "AppendedAnswer",
    "DeletedAnswer",
    "ExchangeAnswer",
    "ExperimentAnswer",
    "FileAnswer",
    "FileSearchAnswer",
    "FoundFile",
    "LogAnswer",
    "LogsAnswer",
    "LogsAppendedAnswer",
    "MetricAnswer",
    "MetricsAnswer",
    "NodeAnswer",
    "NodesAnswer",
    "ParametersAnswer",
    "PhysicalFile",
    "ProjectAnswer",
    "ProjectDeletedAnswer",
    "RowsAnswer",
    "TrackAnswer",
    "TrackAppendedAnswer",
    "TrackDataAnswer",
    "TracksAnswer",
]


class _Answer(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Fields are named as in JavaScript."""


class ExchangeAnswer(msgspec.Struct, frozen=True):
    """A token to keep."""

    ml_dash_token: str


class ProjectAnswer(_Answer, frozen=True, kw_only=True):
    """A project."""

    id: str
    slug: str
    name: str


class ExperimentAnswer(_Answer, frozen=True, kw_only=True):
    """An experiment."""

    id: str
    name: str
    status: str
    project_id: str
    prefix: str


class PhysicalFile(_Answer, frozen=True, kw_only=True):
    """The bytes of a file; `checksum` is their SHA-256, where the client that sent them gave it."""

    id: str
    filename: str
    content_type: str | None
    size_bytes: int
    checksum: str | None
    s3_url: str | None = None


class NodeAnswer(_Answer, frozen=True, kw_only=True):
    """A node of the tree: a project, a folder, an experiment or a file."""

    id: str
    type: str
    name: str
    parent_id: str | None = None
    project_id: str | None = None
    experiment_id: str | None = None
    description: str | None = None
    tags: list[str] = []
    metadata: dict[str, Any] | None = None
    status: str | None = None
    p_path: str | None = None
    created_at: str | None = None
    updated_at: str | None = None
    deleted_at: str | None = None


class FileAnswer(NodeAnswer, frozen=True, kw_only=True):
    """A file."""

    physical_file: PhysicalFile


class NodesAnswer(_Answer, frozen=True, kw_only=True, omit_defaults=True):
    """What was made, or was there already."""

    node: NodeAnswer
    project: ProjectAnswer | None = None
    experiment: ExperimentAnswer | None = None
    physical_file: PhysicalFile | None = None


class DeletedAnswer(_Answer, frozen=True, kw_only=True):
    """What was deleted."""

    id: str
    deleted_at: str


class ProjectDeletedAnswer(_Answer, frozen=True, kw_only=True):
    """How many experiments went to the trash with their project."""

    project_id: str
    deleted: int
    experiments: int
    message: str


class ParametersAnswer(_Answer, frozen=True, kw_only=True):
    """Parameters by dotted names; `version` counts how often they were set."""

    id: str
    experiment_id: str
    data: dict[str, Any]
    version: int
    created_at: str
    updated_at: str


class LogsAppendedAnswer(_Answer, frozen=True, kw_only=True):
    """The numbers of the messages that were sent."""

    created: int
    start_sequence: int
    end_sequence: int
    experiment_id: str


class LogAnswer(_Answer, frozen=True, kw_only=True):
    """A message."""

    id: str
    sequence_number: int
    timestamp: str
    level: str
    message: str
    metadata: dict[str, Any] | None


class LogsAnswer(_Answer, frozen=True, kw_only=True):
    """A page of messages."""

    logs: list[LogAnswer]
    total: int
    has_more: bool


class AppendedAnswer(_Answer, frozen=True, kw_only=True):
    """The numbers of the rows that were sent."""

    metric_id: str
    start_index: int
    end_index: int
    index: int
    count: int
    buffered_data_points: int = 0
    chunk_size: int = 10_000


class MetricAnswer(_Answer, frozen=True, kw_only=True):
    """What is known of a metric."""

    metric_id: str
    name: str
    description: str | None
    tags: list[str]
    metadata: dict[str, Any] | None
    total_data_points: int
    buffered_data_points: int = 0
    chunked_data_points: int = 0
    total_chunks: int = 0
    chunk_size: int = 10_000
    first_data_at: str | None = None
    last_data_at: str | None = None
    created_at: str
    updated_at: str


class MetricsAnswer(_Answer, frozen=True, kw_only=True):
    """The metrics of an experiment."""

    metrics: list[MetricAnswer]


class RowsAnswer(_Answer, frozen=True, kw_only=True):
    """A page of the rows of a metric; see the client's `metric_rows`."""

    format: str = "ml-dash.metric-rows.v1"
    visibility: str = "committed"
    order: str = "storage"
    metric_id: str
    blocks: list[dict[str, Any]]
    returned: int
    has_more: bool
    next_cursor: str | None


class TrackAnswer(_Answer, frozen=True, kw_only=True):
    """What is known of a track."""

    id: str
    topic: str
    description: str | None
    tags: list[str]
    metadata: dict[str, Any] | None


class TracksAnswer(_Answer, frozen=True, kw_only=True):
    """The tracks of an experiment."""

    tracks: list[TrackAnswer]


class TrackAppendedAnswer(_Answer, frozen=True, kw_only=True):
    """How many entries were sent."""

    topic: str
    count: int
    appended: int


class TrackDataAnswer(_Answer, frozen=True, kw_only=True):
    """The entries of a track by their timestamps; those of one timestamp are one entry."""

    topic: str
    entries: list[dict[str, Any]]
    count: int


class FoundFile(_Answer, frozen=True, kw_only=True):
    """A file that fits a pattern."""

    id: str
    name: str
    path: str
    experiment_id: str
    size_bytes: int
    created_at: str


class FileSearchAnswer(_Answer, frozen=True, kw_only=True):
    """Files that fit a pattern, the newest first."""

    files: list[FoundFile]
    total: int
    has_more: bool
