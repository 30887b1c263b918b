"""What the commands are asked: the options that choose what is answered, by the names that they have on the command line."""

from __future__ import annotations

from typing import Literal

import msgspec

__all__ = ["AlertListOptions", "AlertLogOptions", "BestOptions", "CommentListOptions", "CompareOptions", "DuOptions", "FilesOptions", "GoalOptions", "HistoryOptions", "LineageOptions", "ListOptions", "LogsOptions", "MarksOptions", "ModelsListOptions", "ModelsShowOptions", "NewsOptions", "OpenOptions", "PreferencesOptions", "ReportsListOptions", "ReportsShowOptions", "ShowOptions", "TrashOptions", "ViewsListOptions", "ViewsShowOptions", "WatchOptions"]  # fmt: skip


class ListOptions(msgspec.Struct, frozen=True, kw_only=True):
    """As `anew list`.

    Attributes:
        tag: Tags that all must be there, `name` or `name=value`.
        view: The name of a saved view, whose filter is meant as well.
        group_by: Fields; then a row for each of their values.
        columns: With `group_by`: the results.
        limit: At most this many; 0 for all.
    """

    filter: str | None = None
    view: str | None = None
    status: tuple[str, ...] = ()
    tag: tuple[str, ...] = ()
    name: str | None = None
    project: str | None = None
    user: str | None = None
    sort: tuple[str, ...] = ()
    group_by: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    limit: int = 20
    offset: int = 0
    reproductions: bool = False


class BestOptions(msgspec.Struct, frozen=True, kw_only=True):
    """As `anew best`; the status "any" stands for all of them."""

    metric: str | None = None
    mode: Literal["min", "max"] | None = None
    filter: str | None = None
    status: tuple[str, ...] = ("completed",)
    limit: int = 5
    reproductions: bool = False


class ShowOptions(msgspec.Struct, frozen=True, kw_only=True):
    """As `anew show`: an id, the start of one, a prefix or a name."""

    experiment: str


class CompareOptions(msgspec.Struct, frozen=True, kw_only=True):
    """As `anew compare`."""

    experiments: tuple[str, ...] = ()
    filter: str | None = None
    metric: tuple[str, ...] = ()
    mode: Literal["min", "max"] | None = None
    reproductions: bool = False


class HistoryOptions(msgspec.Struct, frozen=True, kw_only=True):
    """As `anew history`.

    Attributes:
        metric: Names or patterns; all but those of the machine if none is given.
        on: "step", "time", or one of the metrics.
        points: At most about how many points of each metric; 0 for all.
    """

    experiments: tuple[str, ...] = ()
    filter: str | None = None
    metric: tuple[str, ...] = ()
    on: str = "step"
    points: int = 0
    start: int | None = None
    stop: int | None = None
    attempts: Literal["joined"] | None = None


class LogsOptions(msgspec.Struct, frozen=True, kw_only=True):
    """As `anew logs` of messages.

    Attributes:
        tail: Only this many of the last lines.
    """

    experiments: tuple[str, ...] = ()
    filter: str | None = None
    level: str | None = None
    grep: str | None = None
    tail: int | None = None


class OpenOptions(msgspec.Struct, frozen=True, kw_only=True):
    """As `anew open`.

    Attributes:
        name: One value or file; without it, all are listed.
        step: The one of this step; the newest if None.
    """

    experiment: str
    name: str | None = None
    step: int | None = None


class LineageOptions(msgspec.Struct, frozen=True, kw_only=True):
    """As `anew lineage`; a file of the server's own disk is not meant.

    Attributes:
        what: A version of a model, an experiment, or the name or hash of a content.
    """

    what: str


class FilesOptions(msgspec.Struct, frozen=True, kw_only=True):
    """As `anew files`."""

    experiment: str
    patterns: tuple[str, ...] = ()
    freed: bool = False


class GoalOptions(msgspec.Struct, frozen=True):
    """As `anew goal` without a metric."""


class TrashOptions(msgspec.Struct, frozen=True, kw_only=True):
    """As `anew restore --list`."""

    filter: str | None = None


class WatchOptions(msgspec.Struct, frozen=True, kw_only=True):
    """As `anew watch --once`.

    Attributes:
        recent: What ended this long ago is there too.
    """

    filter: str | None = None
    recent: str = "10m"
    limit: int | None = None


class DuOptions(msgspec.Struct, frozen=True, kw_only=True):
    """As `anew du`; the whole store if nothing is named."""

    experiments: tuple[str, ...] = ()
    filter: str | None = None


class AlertListOptions(msgspec.Struct, frozen=True):
    """As `anew alert list`."""


class AlertLogOptions(msgspec.Struct, frozen=True, kw_only=True):
    """As `anew alert log`."""

    limit: int = 50


class CommentListOptions(msgspec.Struct, frozen=True, kw_only=True):
    """As `anew comment list`.

    Attributes:
        resolved: Only those that are settled, or only those that are not.
        since: Only those written or changed this long ago at most, such as "2d".
    """

    experiment: str | None = None
    report: str | None = None
    project: str | None = None
    metric: str | None = None
    mentioning: str | None = None
    resolved: bool | None = None
    since: str | None = None


class MarksOptions(msgspec.Struct, frozen=True):
    """As `anew star` and `anew pin` without an experiment."""


class PreferencesOptions(msgspec.Struct, frozen=True):
    """As `anew preferences`."""


class NewsOptions(msgspec.Struct, frozen=True, kw_only=True):
    """As `anew news`.

    Attributes:
        since: This long ago, such as "2d", or a date; when who asks has looked last if None.
    """

    since: str | None = None
    limit: int = 50


class ViewsListOptions(msgspec.Struct, frozen=True, kw_only=True):
    """As `anew views list`."""

    project: str | None = None


class ViewsShowOptions(msgspec.Struct, frozen=True, kw_only=True):
    """As `anew views show`."""

    name: str
    project: str | None = None
    mine: bool = False
    history: bool = False


class ReportsListOptions(msgspec.Struct, frozen=True, kw_only=True):
    """As `anew reports list`."""

    project: str | None = None


class ReportsShowOptions(msgspec.Struct, frozen=True, kw_only=True):
    """As `anew reports show`.

    Attributes:
        version: Which version, counted from 1; the newest if it is not given.
    """

    name: str
    project: str | None = None
    history: bool = False
    version: int | None = None


class ModelsListOptions(msgspec.Struct, frozen=True, kw_only=True):
    """As `anew models list`."""

    deleted: bool = False


class ModelsShowOptions(msgspec.Struct, frozen=True, kw_only=True):
    """As `anew models show`."""

    model: str
