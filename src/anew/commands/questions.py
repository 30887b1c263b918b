"""What the commands are asked: the options that choose what is answered, by the names that they have on the command line."""

from __future__ import annotations

from typing import Literal

import msgspec

__all__ = ["Best", "Compare", "Files", "Goal", "History", "List", "Logs", "ModelsList", "ModelsShow", "Show", "Trash", "ViewsList"]  # fmt: skip


class List(msgspec.Struct, frozen=True, kw_only=True):
    """As `anew list`.

    Attributes:
        tag: Tags that all must be there, `name` or `name=value`.
        group_by: Fields; then a row for each of their values.
        columns: With `group_by`: the results.
        limit: At most this many; 0 for all.
    """

    filter: str | None = None
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


class Best(msgspec.Struct, frozen=True, kw_only=True):
    """As `anew best`; the status "any" stands for all of them."""

    metric: str | None = None
    mode: Literal["min", "max"] | None = None
    filter: str | None = None
    status: tuple[str, ...] = ("completed",)
    limit: int = 5
    reproductions: bool = False


class Show(msgspec.Struct, frozen=True, kw_only=True):
    """As `anew show`: an id, the start of one, a prefix or a name."""

    experiment: str


class Compare(msgspec.Struct, frozen=True, kw_only=True):
    """As `anew compare`."""

    experiments: tuple[str, ...] = ()
    filter: str | None = None
    metric: tuple[str, ...] = ()
    mode: Literal["min", "max"] | None = None
    reproductions: bool = False


class History(msgspec.Struct, frozen=True, kw_only=True):
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


class Logs(msgspec.Struct, frozen=True, kw_only=True):
    """As `anew logs` of messages.

    Attributes:
        tail: Only this many of the last lines.
    """

    experiments: tuple[str, ...] = ()
    filter: str | None = None
    level: str | None = None
    grep: str | None = None
    tail: int | None = None


class Files(msgspec.Struct, frozen=True, kw_only=True):
    """As `anew files`."""

    experiment: str
    patterns: tuple[str, ...] = ()
    freed: bool = False


class Goal(msgspec.Struct, frozen=True):
    """As `anew goal` without a metric."""


class Trash(msgspec.Struct, frozen=True):
    """As `anew restore --list`."""


class ViewsList(msgspec.Struct, frozen=True, kw_only=True):
    """As `anew views list`."""

    project: str | None = None


class ModelsList(msgspec.Struct, frozen=True, kw_only=True):
    """As `anew models list`."""

    deleted: bool = False


class ModelsShow(msgspec.Struct, frozen=True, kw_only=True):
    """As `anew models show`."""

    model: str
