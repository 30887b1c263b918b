"""The facts about an experiment that readers see, as frozen structs; the same structs are used everywhere.

A line of the journal (`record.events`) becomes a fact here, and a fact becomes a cell of a table. There is no
other shape between the two: the catalog stores these, a backend hands these over, and views show their fields.

Times are seconds since the epoch, sizes are bytes. Parameters, configuration and metadata are plain values as
`record.plain` defines them. The write side does not import this module.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from .events import FileLogged, ValueLogged
from .fold import ExperimentState
from .status import Status

__all__ = [
    "ExperimentFacts",
    "FileFact",
    "MetricSummary",
    "ProblemFact",
    "ValueFact",
]


class MetricSummary(msgspec.Struct, frozen=True, gc=False):
    """A metric in numbers.

    Attributes:
        count: How many points were logged.
        first: The first value written; `last` the last one, `last_step` its step, `last_time` its time.
        min: The smallest value other than NaN, None if there is none; `min_step` where it first was. `max` likewise.
        mean: Of the finite values, None if there is none.
        std: Of the finite values (with n - 1), None for fewer than two.
        nonfinite: How many values are NaN or infinite.
    """

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

    def best(self, mode: Literal["min", "max"]) -> float | None:
        """The smallest or the largest value."""
        return self.max if mode == "max" else self.min

    def best_step(self, mode: Literal["min", "max"]) -> int | None:
        """The step of `best`."""
        return self.max_step if mode == "max" else self.min_step


class FileFact(msgspec.Struct, frozen=True):
    """One logged file; `path` is relative to the experiment's folder, `hash` is the BLAKE3 of its content.

    `folder` is the folder that it was saved with, `checkpoint` the values of metrics when it was saved as a checkpoint.
    """

    id: str
    prefix: str
    name: str
    path: str
    size: int
    hash: str
    step: int | None
    time: float
    metadata: dict[str, Any] = {}
    folder: str | None = None
    checkpoint: dict[str, float] | None = None

    @classmethod
    def of(cls, event: FileLogged) -> FileFact:
        """The fact that an event states."""
        return cls(
            event.file_id,
            event.prefix,
            event.name,
            event.path,
            event.size,
            event.hash,
            event.step,
            event.t,
            event.metadata,
            event.folder,
            event.checkpoint,
        )


class ValueFact(msgspec.Struct, frozen=True):
    """One logged value that is not a number: small ones are in `data`, larger ones in the file `path`, which is
    relative to the experiment's folder."""

    name: str
    kind: str
    step: int | None
    time: float
    path: str | None = None
    data: Any = None
    metadata: dict[str, Any] = {}

    @classmethod
    def of(cls, event: ValueLogged) -> ValueFact:
        """The fact that an event states."""
        return cls(
            event.name, event.kind, event.step, event.t, event.path, event.data, event.metadata
        )


class ProblemFact(msgspec.Struct, frozen=True):
    """A broken line (from 1; 0 for a whole file) of a file in the experiment's folder, and what is wrong."""

    path: str
    line: int
    reason: str


class ExperimentFacts(msgspec.Struct, frozen=True, kw_only=True):
    """One experiment: the facts that are always listed, and the parts that were asked for.

    `status`, `reason` and `ended_at` are what to show: a writer that is gone without a word counts as failed.

    Attributes:
        created_at: When it was first opened.
        ended_at: When it ended; None while it runs.
        paused: Seconds between start and end in which no opening of it ran.
        updated_at: When it last wrote anything.
        parent: The id of the experiment it comes from; `relation` says how.
        lost: Records that could not be written.
        read_at: When these facts were read: what a running experiment's duration counts to.
        state: The fold of its events: parameters, configuration, tags, captures, writers; None if not asked for.
        metrics: Summaries by metric name; None if not asked for.
        files: Logged files in the order logged; None if not asked for. `values` and `problems` likewise.
    """

    id: str
    prefix: str
    name: str
    status: Status
    created_at: float
    updated_at: float
    owner: str | None = None
    project: str | None = None
    reason: str | None = None
    started_at: float | None = None
    ended_at: float | None = None
    paused: float = 0.0
    user: str | None = None
    host: str | None = None
    git_commit: str | None = None
    git_branch: str | None = None
    git_dirty: bool | None = None
    parent: str | None = None
    relation: str | None = None
    description: str | None = None
    notes: str | None = None
    metric_count: int = 0
    point_count: int = 0
    file_count: int = 0
    file_bytes: int = 0
    value_count: int = 0
    lost: int = 0
    read_at: float = 0.0
    state: ExperimentState | None = None
    metrics: dict[str, MetricSummary] | None = None
    files: tuple[FileFact, ...] | None = None
    values: tuple[ValueFact, ...] | None = None
    problems: tuple[ProblemFact, ...] | None = None

    @property
    def duration(self) -> float | None:
        """Seconds that it ran until its end, or until `read_at` while it runs; None if it never started."""
        if self.started_at is None:
            return None
        ended = self.read_at if self.ended_at is None else self.ended_at
        return max(0.0, ended - self.started_at - self.paused)
