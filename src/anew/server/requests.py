"""What the routes for people, scripts and pages are asked: fields and filters as text.

`Backend` is asked with trees of expressions; here stands what they are made from.
"""

from __future__ import annotations

import time
from typing import Any, Literal

import msgspec

from ..alerts.rules import Alert
from ..query.buckets import Column
from ..query.density import DensityQuestion
from ..query.panel import PanelQuestion
from ..query.question import Question, Wanted, ask, parse_field
from ..query.telling import MOST_METRICS
from ..reading.own import Mark

__all__ = [
    "AlertsAnswer",
    "AlertsRequest",
    "ArchiveRequest",
    "CommentsRequest",
    "ContentRequest",
    "EventsRequest",
    "ExperimentRequest",
    "FiredFact",
    "LinesRequest",
    "ListRequest",
    "Mine",
    "NamesRequest",
    "NewsRequest",
    "PanelRequest",
    "ProjectsUsage",
    "SeriesRequest",
    "StopRequest",
    "Stopped",
    "TellingRequest",
    "UsageRequest",
    "VersionAnswer",
    "ViewsRequest",
]


class ListRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Which experiments, in which order, and what of them.

    Attributes:
        ids: Only these; it has no meaning together with `group`.
        filter: An expression of the filter language.
        sort: Fields to sort by; a `-` before one sorts downwards. The newest come first if none is given.
        columns: Fields to tell of each.
        of: Which value stands for the experiments of a group, one for each of `columns`; the mean if there is none.
        group: Fields whose equal values make one row.
        limit: At most this many rows.
        offset: How many rows to leave out before the first.
        total: Whether to count all of them.
    """

    ids: tuple[str, ...] | None = None
    filter: str | None = None
    sort: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    of: tuple[Literal["sum", "min", "max", "mean", "std"], ...] = ()
    group: tuple[str, ...] = ()
    limit: int = 100
    offset: int = 0
    total: bool = False

    def asked(self) -> Question:
        """The question in the form that a backend is asked in."""
        asked = ask(
            self.filter or None,
            sort=self.sort or (() if self.group else ("-created_at",)),
            columns=self._wanted(),
            group=self.group,
            limit=self.limit,
            offset=self.offset,
            total=self.total,
            now=time.time(),
        )
        return asked if self.ids is None else msgspec.structs.replace(asked, ids=self.ids)

    def _wanted(self) -> tuple[str | Wanted, ...]:
        if not self.group:
            return self.columns
        return tuple(
            Wanted(parse_field(one), self.of[at] if at < len(self.of) else "mean")
            for at, one in enumerate(self.columns)
        )


class TellingRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Which fields tell most about the experiments that meet a filter.

    Attributes:
        metrics: At most so many metrics.
    """

    filter: str | None = None
    metrics: int = MOST_METRICS

    def asked(self) -> Question:
        """The question in the form that a backend is asked in."""
        return ask(self.filter or None, now=time.time())


class ExperimentRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One experiment, by its id, the start of its id, or a name that only one has.

    Attributes:
        parts: What to tell beside the facts that are listed.
    """

    ref: str
    parts: tuple[Literal["state", "metrics", "files", "values", "problems"], ...] = (
        "state",
        "metrics",
    )


class SeriesRequest(msgspec.Struct, frozen=True, kw_only=True):
    """The points of one metric of one experiment.

    Attributes:
        metric: Its name; it may have slashes.
        start: The first step wanted; `stop` the step to stop before.
        points: At most about how many points to give; all of them if it is not given.
        cursor: From an earlier answer: gives what was written since. The empty text begins.
    """

    ref: str
    metric: str
    start: int | None = None
    stop: int | None = None
    points: int | None = None
    cursor: str | None = None


class LinesRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Messages or console output of one experiment; see `LinesQuestion`."""

    ref: str
    stream: Literal["messages", "console"] = "messages"
    writers: tuple[str, ...] = ()
    level: str | None = None
    contains: str | None = None
    pattern: str | None = None
    cursor: str | None = None
    time: float | None = None
    backward: bool = False
    unfinished: bool = False
    limit: int = 1000
    context: int = 0
    places: bool = False


class ContentRequest(msgspec.Struct, frozen=True, kw_only=True):
    """The bytes of something that an experiment keeps.

    Attributes:
        kind: "file" is a logged file, "value" a logged value that has a file, "capture" something captured of the run.
        name: Its path, as the facts give it, or the name of the capture.
    """

    ref: str
    kind: Literal["file", "value", "capture"]
    name: str


class NamesRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Names that begin to be typed, or the values of a field; see `NamesQuestion`."""

    kind: Literal["param", "config", "metric", "tag", "bindr", "value"]
    field: str | None = None
    contains: str = ""
    counts: bool = False
    limit: int = 1000


class ViewsRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Saved views: all of them, or those that concern a project."""

    project: str | None = None


class CommentsRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Comments, the oldest first; all if nothing narrows it down.

    Attributes:
        experiment: About an experiment and its points: an id, the start of one, a prefix or a name.
        report: About a report, and `project` is what it is for.
        mentioning: Only those with `@` and this name in them.
        limit: Of these the newest.
        ids: In place of all that: those with these ids that are there.
    """

    ids: tuple[str, ...] = ()
    experiment: str | None = None
    report: str | None = None
    project: str | None = None
    mentioning: str | None = None
    limit: int = 1000


class Mine(msgspec.Struct, frozen=True, kw_only=True):
    """What belongs to who asks, and what is pinned.

    Attributes:
        user: Who that is, as what they write names its author; "" for nobody, who can keep nothing.
        preferences: By name.
        looked: When they said last that they had seen everything.
        stars, pins: Experiments, those that were marked last first.
    """

    user: str
    preferences: dict[str, Any]
    looked: float | None
    stars: tuple[Mark, ...]
    pins: tuple[Mark, ...]


class NewsRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What has changed since a time; since who asks has looked if there is none."""

    since: float | None = None
    limit: int = 200


class AlertsRequest(msgspec.Struct, frozen=True, kw_only=True):
    """The alerts, and of what they found the newest."""

    limit: int = 100


class PanelRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Metrics of many experiments on one grid; see `PanelQuestion`.

    Attributes:
        ids: The experiments; those that meet `filter` if there are none.
        filter: An expression of the filter language; `sort` and `limit` go with it.
        group: Fields whose equal values make a group.
    """

    ids: tuple[str, ...] | None = None
    filter: str | None = None
    sort: tuple[str, ...] = ("-created_at",)
    limit: int | None = None
    metrics: tuple[str, ...]
    x: Literal["step", "time", "relative", "metric"] = "step"
    x_metric: str | None = None
    origin: str | None = None
    spacing: Literal["linear", "log"] = "linear"
    start: float | None = None
    stop: float | None = None
    buckets: int = 500
    points: int = 0
    columns: tuple[Column, ...] = ("low", "high", "last", "mean", "count", "nonfinite")
    smooth: float = 0.0
    attempts: bool = False
    group: tuple[str, ...] = ()
    quantiles: tuple[float, ...] = (0.0, 0.25, 0.5, 0.75, 1.0)
    robust: tuple[float, float] | None = None
    density: DensityQuestion | None = None

    def asked(self) -> PanelQuestion:
        """The question in the form that a backend is asked in."""
        select = None
        if self.ids is None:
            select = ask(self.filter or None, sort=self.sort, limit=self.limit, now=time.time())
        return PanelQuestion(
            ids=self.ids,
            select=select,
            metrics=self.metrics,
            x=self.x,
            x_metric=self.x_metric,
            origin=self.origin,
            spacing=self.spacing,
            start=self.start,
            stop=self.stop,
            buckets=self.buckets,
            points=self.points,
            columns=self.columns,
            smooth=self.smooth,
            attempts=self.attempts,
            group=tuple(parse_field(one) for one in self.group),
            quantiles=self.quantiles,
            robust=self.robust,
            density=self.density,
        )


class EventsRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Changes as they happen.

    Attributes:
        since: The cursor to begin after; a `Last-Event-ID` header wins. From now on if neither is there.
    """

    since: str | None = None


class FiredFact(msgspec.Struct, frozen=True, kw_only=True):
    """That an alert found an experiment: which one and why, when, and how telling people went; `error` says why it did not go well."""

    alert: str
    when: str
    experiment: str
    prefix: str
    why: str
    time: float
    told: str
    error: str = ""


class AlertsAnswer(msgspec.Struct, frozen=True):
    """The alerts, what they found last, and how much they found in all."""

    alerts: tuple[Alert, ...]
    fired: tuple[FiredFact, ...]
    total: int


class VersionAnswer(msgspec.Struct, frozen=True):
    """The cursor of the newest change of an experiment: it is the same for as long as none changes."""

    version: str


class UsageRequest(msgspec.Struct, frozen=True):
    """How many bytes some experiments take on the server's disk; the whole store if there are no ids."""

    ids: tuple[str, ...] | None = None


class StopRequest(msgspec.Struct, frozen=True):
    """Experiments whose programs are to stop, and why."""

    ids: tuple[str, ...]
    why: str | None = None


class Stopped(msgspec.Struct, frozen=True):
    """To how many programs of the server's machine that was said; others hear of it with their next sign of life."""

    told: int


class ProjectsUsage(msgspec.Struct, frozen=True):
    """Bytes on the server's disk of what the caller may see, by project and by the user who recorded it."""

    projects: dict[str, int]
    users: dict[str, int]


class ArchiveRequest(msgspec.Struct, frozen=True):
    """Some experiments as a zip file; `whole` adds documents, versions and aliases."""

    ids: tuple[str, ...]
    whole: bool = False
