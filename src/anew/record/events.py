"""The records of a journal as frozen structs, as readers see them.

Three kinds of lines exist. A *point line* holds the metrics of one log call, a *log line* one
message, an *event* anything else that happened to an experiment. `docs/internals/format.md` is the
specification; field names here are the keys on disk. Times are seconds since the epoch.

The writing side does not import this module (it costs more to import than a process takes to start):
it writes the same keys through `record.encode`, and tests decode every line it writes strictly.
"""

from __future__ import annotations

from typing import Any

import msgspec

from .status import Status

__all__ = [
    "EVENT_TYPES",
    "BindrsChanged",
    "Captured",
    "Closed",
    "ConfigSet",
    "Event",
    "FieldSet",
    "FileLogged",
    "FilesFreed",
    "Linked",
    "LogLine",
    "MetricsHidden",
    "Opened",
    "ParamsSet",
    "PointLine",
    "RecordsLost",
    "TagsChanged",
    "ValueLogged",
]

FORMAT_VERSION = 1


class PointLine(msgspec.Struct, frozen=True, gc=False):
    """The metrics of one log call.

    `m` maps metric names to float64 values; a value that JSON has no number for is one of the
    strings "NaN", "Infinity", "-Infinity". `s` is the step, absent when none was given: its step
    then is its position among the points of that metric. `x` is the call's metadata.
    """

    t: float
    m: dict[str, float | str]
    s: int | None = None
    x: dict[str, Any] | None = None


class LogLine(msgspec.Struct, frozen=True):
    """One message of `Experiment.log`."""

    t: float
    level: str
    message: str
    fields: dict[str, Any] = {}


class _Event(msgspec.Struct, frozen=True, tag_field="k", kw_only=True):
    """What all events have: `after` maps the writers this one had seen to the bytes of their events it had seen."""

    t: float
    after: dict[str, int] | None = None


class Opened(_Event, frozen=True, tag="opened", kw_only=True):
    """A writer started; always the first event of its segment.

    `role` is "lead" (decides the experiment's status), "rank" (one of several ranks: its failure is
    the experiment's), "child" (a forked process: its end says nothing) or "edit" (a later change
    from outside). `machine` is a mark of the machine, as names are not unique; `boot`, `pid`, `pid_started` and
    `pid_space` identify the process on it. `prefix` is where the experiment was filed then. `fork_of` is the id of the
    experiment whose copy this one goes on from: the records of its writers that lie beside it, and that it had seen, are
    its own.

    `opening` is the same for all processes that opened the experiment together: the ranks of one launch, and the
    processes that a program started. `over` names earlier writers without an end that this one takes to have ended;
    `job` names the job that a launcher may start again.
    """

    version: int
    experiment_id: str
    name: str
    role: str = "lead"
    rank: int | None = None
    world_size: int | None = None
    host: str = ""
    machine: str = ""
    boot: str = ""
    pid: int = 0
    pid_started: int = 0
    pid_space: str = ""
    user: str = ""
    heartbeat: float = 10.0
    opening: str = ""
    over: list[str] = []
    job: str = ""
    prefix: str = ""
    fork_of: str = ""


class Closed(_Event, frozen=True, tag="closed", kw_only=True):
    """A writer ended.

    `by` is "writer", "exit" when its program left it open and has ended, "reader" when its process was found gone, or "refused" when the experiment could not be
    continued: then nothing was recorded, and this writer counts for nothing.

    `wrote` maps the files that the writer wrote beside its events to their bytes.
    """

    status: Status
    reason: str | None = None
    error: str | None = None
    by: str = "writer"
    writer: str | None = None
    wrote: dict[str, int] = {}


class FieldSet(_Event, frozen=True, tag="field", kw_only=True):
    """`name`, `description` or `notes` was set."""

    field: str
    value: str | None


class TagsChanged(_Event, frozen=True, tag="tags", kw_only=True):
    """Tags were set (a plain tag has the value None) or removed."""

    add: dict[str, str | None] = {}
    remove: list[str] = []


class BindrsChanged(_Event, frozen=True, tag="bindrs", kw_only=True):
    """Bindrs (labels of a resource or a team) were added or removed."""

    add: list[str] = []
    remove: list[str] = []


class ParamsSet(_Event, frozen=True, tag="params", kw_only=True):
    """Parameters were set: a nested mapping, merged into what was there; then those of the dotted keys in `remove` are taken away.

    `by` is the user who corrected them afterwards, and `why` what they said of it.
    """

    params: dict[str, Any]
    remove: list[str] = []
    by: str = ""
    why: str | None = None


class MetricsHidden(_Event, frozen=True, tag="metrics", kw_only=True):
    """Metrics that readers do not show any more, and (`show`) that they do again. Their points stay where they are.

    `by` is the user who said so, and `why` what they said of it.
    """

    hide: list[str] = []
    show: list[str] = []
    by: str = ""
    why: str | None = None


class ConfigSet(_Event, frozen=True, tag="config", kw_only=True):
    """The frozen configuration, fully resolved; a later one is that of an opening which differs."""

    config: dict[str, Any]


class Linked(_Event, frozen=True, tag="linked", kw_only=True):
    """The experiment comes from another: `relation` is child, resumed, forked or reproduces."""

    parent: str
    relation: str = "child"


class FileLogged(_Event, frozen=True, tag="file", kw_only=True):
    """A file was copied to `path` (relative to the experiment's folder); `size` in bytes.

    `folder` is the name of the folder that it was saved with, if a whole folder was. A *checkpoint* is a file that is
    freed when newer or better ones are saved; `checkpoint` then maps metrics to their values when it was saved.
    """

    file_id: str
    prefix: str
    name: str
    path: str
    size: int
    hash: str
    step: int | None = None
    metadata: dict[str, Any] = {}
    folder: str | None = None
    checkpoint: dict[str, float] | None = None


class FilesFreed(_Event, frozen=True, tag="freed", kw_only=True):
    """The bytes of logged files were given back; that they were logged stays. `why` says by what rule."""

    file_ids: list[str]
    why: str | None = None


class ValueLogged(_Event, frozen=True, tag="value", kw_only=True):
    """A value that is not a number: an image, a table, a histogram …

    Small values are in `data`; larger ones in the file `path`, relative to the folder. `hash` is the BLAKE3 of an imported one: of
    the file's bytes, or of `data` as a line of JSON.
    """

    name: str
    kind: str
    step: int | None = None
    path: str | None = None
    data: Any = None
    metadata: dict[str, Any] = {}
    hash: str | None = None


class Captured(_Event, frozen=True, tag="captured", kw_only=True):
    """A fact about the run that was captured automatically: git, hardware, command, seeds …"""

    what: str
    data: dict[str, Any]


class RecordsLost(_Event, frozen=True, tag="lost", kw_only=True):
    """Records that could not be written: how many, and why."""

    count: int
    reason: str


Event = (
    Opened
    | Closed
    | FieldSet
    | TagsChanged
    | BindrsChanged
    | ParamsSet
    | MetricsHidden
    | ConfigSet
    | Linked
    | FileLogged
    | FilesFreed
    | ValueLogged
    | Captured
    | RecordsLost
)

EVENT_TYPES: tuple[type[_Event], ...] = (
    Opened,
    Closed,
    FieldSet,
    TagsChanged,
    BindrsChanged,
    ParamsSet,
    MetricsHidden,
    ConfigSet,
    Linked,
    FileLogged,
    FilesFreed,
    ValueLogged,
    Captured,
    RecordsLost,
)
