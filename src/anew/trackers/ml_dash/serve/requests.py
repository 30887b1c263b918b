"""What the client of ml-dash 0.11 asks: fields of the path, the query and the body together.

The names of the fields on the wire are the client's.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

__all__ = [
    "AppendRequest",
    "ExperimentRequest",
    "FileSearchRequest",
    "GraphRequest",
    "LogsAppendRequest",
    "LogsRequest",
    "NodePatchRequest",
    "NodeRequest",
    "NodesRequest",
    "ParametersRequest",
    "ProjectRequest",
    "RowsRequest",
    "TrackAppendRequest",
    "TrackBatchRequest",
    "TrackDataRequest",
    "TrackRequest",
    "TracksRequest",
]


class _Asked(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Fields are named as in JavaScript, and unknown ones are passed over."""


class GraphRequest(_Asked, frozen=True, kw_only=True):
    """A query of GraphQL."""

    query: str
    variables: dict[str, Any] | None = None


class ProjectRequest(_Asked, frozen=True, kw_only=True):
    """One project."""

    project: str


class NodesRequest(_Asked, frozen=True, kw_only=True):
    """Make a project, a folder or an experiment, or go on with the one that is there. A file comes as a form."""

    namespace: str
    type: Literal["PROJECT", "FOLDER", "EXPERIMENT", "FILE"] = "FILE"
    name: str = ""
    slug: str | None = None
    project_id: str | None = None
    project_slug: str | None = None
    parent_id: str | None = None
    experiment_id: str | None = None
    description: str | None = None
    tags: list[str] | None = None
    bindrs: list[str] | None = None
    metadata: dict[str, Any] | None = None
    write_protected: bool = False


class NodeRequest(_Asked, frozen=True, kw_only=True):
    """One node: an experiment or a file."""

    node: str


class NodePatchRequest(_Asked, frozen=True, kw_only=True):
    """Change the status of an experiment, or what is said of it or of a file."""

    node: str
    status: Literal["RUNNING", "COMPLETED", "FAILED", "CANCELLED"] | None = None
    description: str | None = None
    tags: list[str] | None = None
    metadata: dict[str, Any] | None = None


class ExperimentRequest(_Asked, frozen=True, kw_only=True):
    """One experiment."""

    experiment: str


class ParametersRequest(_Asked, frozen=True, kw_only=True):
    """Parameters by dotted names, to be merged into what there is."""

    experiment: str
    data: dict[str, Any]


class LogEntry(_Asked, frozen=True, kw_only=True):
    """One message."""

    message: str
    level: str = "info"
    timestamp: str | None = None
    metadata: dict[str, Any] | None = None


class LogsAppendRequest(_Asked, frozen=True, kw_only=True):
    """Messages to keep."""

    experiment: str
    logs: list[LogEntry]


class LogsRequest(_Asked, frozen=True, kw_only=True):
    """Messages to read."""

    experiment: str
    limit: int = 100
    offset: int = 0
    order_by: str = "timestamp"
    order: Literal["asc", "desc"] = "asc"
    level: str | None = None
    start_time: str | None = None
    end_time: str | None = None
    search: str | None = None


class RowsRequest(_Asked, frozen=True, kw_only=True):
    """A page of the rows of a metric, or its statistics."""

    experiment: str
    metric: str
    limit: int = 1000
    cursor: str | None = None


class AppendRequest(_Asked, frozen=True, kw_only=True):
    """Rows of a metric to keep: one as `data`, or several as `data_points`."""

    experiment: str
    metric: str
    data: dict[str, Any] | None = None
    data_points: list[dict[str, Any]] | None = None
    description: str | None = None
    tags: list[str] | None = None
    metadata: dict[str, Any] | None = None


class TracksRequest(_Asked, frozen=True, kw_only=True):
    """The tracks of an experiment whose topics fit a glob pattern."""

    experiment: str
    topic: str | None = None


class TrackRequest(_Asked, frozen=True, kw_only=True):
    """Declare a track."""

    experiment: str
    topic: str
    description: str | None = None
    tags: list[str] | None = None
    metadata: dict[str, Any] | None = None


class TrackAppendRequest(_Asked, frozen=True, kw_only=True):
    """An entry of a track."""

    experiment: str
    topic: str
    timestamp: float
    data: dict[str, Any]


class TrackBatchRequest(_Asked, frozen=True, kw_only=True):
    """Entries of a track, each with its timestamp."""

    experiment: str
    topic: str
    entries: list[dict[str, Any]]


class TrackDataRequest(_Asked, frozen=True, kw_only=True):
    """The entries of a track between two timestamps."""

    experiment: str
    topic: str
    format: str = "json"
    columns: str | None = None
    start: float | None = msgspec.field(default=None, name="start_timestamp")
    end: float | None = msgspec.field(default=None, name="end_timestamp")


class FileSearchRequest(_Asked, frozen=True, kw_only=True):
    """Files whose names or paths fit a glob pattern."""

    pattern: str
    experiment_id: str | None = None
    limit: int = 10
    offset: int = 0
