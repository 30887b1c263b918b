"""Edits that readers may make: of experiments, documents, versions and aliases.

An edit becomes an event of a journal. Its time, its id and its author are added by whoever writes it down.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

__all__ = [
    "AliasEdit",
    "CaptureEdit",
    "ClaimEdit",
    "DeleteEdit",
    "DocumentEdit",
    "Edit",
    "Edited",
    "FieldEdit",
    "MetricsEdit",
    "MoveEdit",
    "ParamsEdit",
    "RestoreEdit",
    "SinkEdit",
    "TagsEdit",
    "VersionEdit",
]


class TagsEdit(msgspec.Struct, frozen=True, kw_only=True, tag="tags"):
    """Add tags (a plain tag has the value None) to an experiment, and remove some."""

    id: str
    add: dict[str, str | None] = {}
    remove: tuple[str, ...] = ()


class FieldEdit(msgspec.Struct, frozen=True, kw_only=True, tag="field"):
    """Set a text of an experiment; None removes it. A name cannot be removed."""

    id: str
    field: Literal["name", "description", "notes"]
    value: str | None


class ParamsEdit(msgspec.Struct, frozen=True, kw_only=True, tag="params"):
    """Correct parameters of an experiment: a nested mapping of plain values, merged into what there is; `remove` names dotted keys that
    are taken away."""

    id: str
    params: dict[str, Any]
    remove: tuple[str, ...] = ()
    why: str | None = None


class MetricsEdit(msgspec.Struct, frozen=True, kw_only=True, tag="metrics"):
    """Hide metrics of an experiment from all readers, and show hidden ones again. The record keeps their points."""

    id: str
    hide: tuple[str, ...] = ()
    show: tuple[str, ...] = ()
    why: str | None = None


class CaptureEdit(msgspec.Struct, frozen=True, kw_only=True, tag="captured"):
    """Record a fact about an experiment afterwards, as plain values."""

    id: str
    what: str
    data: dict[str, Any]


class DeleteEdit(msgspec.Struct, frozen=True, kw_only=True, tag="deleted"):
    """Put an experiment in the trash. All experiments of one question go together, or none does."""

    id: str


class RestoreEdit(msgspec.Struct, frozen=True, kw_only=True, tag="restored"):
    """Take an experiment out of the trash, to where it was or to another prefix."""

    id: str
    prefix: str | None = None


class MoveEdit(msgspec.Struct, frozen=True, kw_only=True, tag="move"):
    """File an experiment under another prefix."""

    id: str
    prefix: str


class SinkEdit(msgspec.Struct, frozen=True, kw_only=True, tag="sink"):
    """Register a sink that sealing has to wait for, or (`registered` is false) end the waiting."""

    name: str
    address: str = ""
    registered: bool = True


class DocumentEdit(msgspec.Struct, frozen=True, kw_only=True, tag="document"):
    """Write a document: a view, a report, a goal, a group of experiments. Without a body it is removed.

    `after` holds the ids of the events that its author saw: what somebody else wrote meanwhile then stays beside it.
    It takes the place of whatever there is if None.
    """

    kind: str
    name: str
    body: dict[str, Any] | None
    scope: str = "root"
    after: tuple[str, ...] | None = None


class ClaimEdit(msgspec.Struct, frozen=True, kw_only=True, tag="claim"):
    """Claim a unique number, `first` or higher, for a new version of a model or an artifact."""

    kind: str
    name: str
    first: int = 1
    scope: str = "root"


class VersionEdit(msgspec.Struct, frozen=True, kw_only=True, tag="version"):
    """Set what a version of a model or an artifact points to; without a target, withdraw the version."""

    kind: str
    name: str
    number: int
    target: str | None
    digest: str | None = None
    body: dict[str, Any] = {}
    why: str | None = None
    scope: str = "root"


class AliasEdit(msgspec.Struct, frozen=True, kw_only=True, tag="alias"):
    """Point an alias of a model or an artifact to a version; without a number, remove the alias. `body` is what that rests on."""

    kind: str
    name: str
    alias: str
    number: int | None
    why: str | None = None
    scope: str = "root"
    body: dict[str, Any] = {}


Edit = (
    TagsEdit
    | FieldEdit
    | ParamsEdit
    | MetricsEdit
    | CaptureEdit
    | DeleteEdit
    | RestoreEdit
    | MoveEdit
    | SinkEdit
    | DocumentEdit
    | ClaimEdit
    | VersionEdit
    | AliasEdit
)


class Edited(msgspec.Struct, frozen=True):
    """What one edit did.

    Attributes:
        id: The experiment that it changed.
        number: The version that it claimed or wrote.
        bytes: What a deleted experiment takes on disk.
    """

    id: str | None = None
    number: int | None = None
    bytes: int = 0
