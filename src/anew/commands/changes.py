"""What the commands that change something are asked: the options by the names that they have on the command line."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

__all__ = ["AlertAddChange", "AlertRemoveChange", "CommentAddChange", "CommentChange", "CommentEditChange", "DeleteChange", "DescribeChange", "EditChange", "GoalChange", "HideChange", "MarkChange", "ModelsDeleteChange", "ModelsDemoteChange", "ModelsEditChange", "ModelsPromoteChange", "ModelsRegisterChange", "ModelsRenameChange", "ModelsRestoreChange", "MoveChange", "NewsSeenChange", "NoteChange", "PreferencesClearChange", "PreferencesSetChange", "RenameChange", "ReportsRemoveChange", "ReportsSaveChange", "RestoreChange", "StopChange", "TagChange", "Told", "UndoChange", "ViewsDefaultChange", "ViewsRemoveChange", "ViewsSaveChange", "WhichChange"]  # fmt: skip


class WhichChange(msgspec.Struct, frozen=True, kw_only=True):
    """Of which experiments.

    Attributes:
        experiment: One of them: an id, the start of one, a prefix or a name.
        filter: In its place: all that match this filter.
        dry_run: Only tell what would change.
    """

    experiment: str | None = None
    filter: str | None = None
    dry_run: bool = False


class TagChange(WhichChange, frozen=True, kw_only=True):
    """As `anew tag`: tags, `name` or `name=value`, to add and to remove."""

    tags: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()


class EditChange(WhichChange, frozen=True, kw_only=True):
    """As `anew edit`.

    Attributes:
        param: Parameters by dotted name and the values that they are to have; `remove` are taken away.
    """

    param: dict[str, Any] = {}
    remove: tuple[str, ...] = ()
    why: str | None = None


class NoteChange(WhichChange, frozen=True, kw_only=True):
    """As `anew note`."""

    text: str | None = None
    append: bool = False
    clear: bool = False


class DescribeChange(WhichChange, frozen=True, kw_only=True):
    """As `anew describe`."""

    text: str | None = None
    clear: bool = False


class RenameChange(WhichChange, frozen=True, kw_only=True):
    """As `anew rename`."""

    name: str


class HideChange(WhichChange, frozen=True, kw_only=True):
    """As `anew hide`.

    Attributes:
        metrics: Names or patterns.
        show: Show them again.
    """

    metrics: tuple[str, ...] = ()
    show: bool = False
    why: str | None = None


class MoveChange(WhichChange, frozen=True, kw_only=True):
    """As `anew move`.

    Attributes:
        experiment: An experiment, or a prefix that all below it leave.
    """

    prefix: str


class DeleteChange(msgspec.Struct, frozen=True, kw_only=True):
    """As `anew delete`, into the trash."""

    experiments: tuple[str, ...] = ()
    filter: str | None = None
    dry_run: bool = False


class RestoreChange(msgspec.Struct, frozen=True, kw_only=True):
    """As `anew restore`."""

    experiments: tuple[str, ...] = ()
    filter: str | None = None
    dry_run: bool = False


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What changed of an experiment, as `changed` of an answer tells it.

    Attributes:
        what: By what it is, such as "notes" or "params.lr": what it was and what it became, each a list of one value, or an empty one.
    """

    id: str
    prefix: str
    what: dict[str, tuple[list[Any], list[Any]]]


class UndoChange(msgspec.Struct, frozen=True, kw_only=True):
    """As `anew undo`, of a change that the caller names: a server does not remember who changed what last.

    Attributes:
        changed: What is to be taken back, as the answer to the change told it, or to its dry run.
        command: The command that changed it; the answer says it again.
    """

    changed: tuple[Told, ...]
    command: str = ""
    dry_run: bool = False


class StopChange(msgspec.Struct, frozen=True, kw_only=True):
    """As `anew stop --no-wait`."""

    experiments: tuple[str, ...]
    why: str | None = None


class GoalChange(msgspec.Struct, frozen=True, kw_only=True):
    """As `anew goal METRIC`."""

    metric: str
    better: Literal["min", "max"] | None = None
    main: bool = False
    project: str | None = None
    clear: bool = False


class ViewsSaveChange(msgspec.Struct, frozen=True, kw_only=True):
    """As `anew views save`; the file is a text of YAML, and `filter` stands in its place."""

    name: str
    file: str | None = None
    filter: str | None = None
    project: str | None = None
    mine: bool = False


class ViewsRemoveChange(msgspec.Struct, frozen=True, kw_only=True):
    """As `anew views remove`."""

    name: str
    project: str | None = None
    mine: bool = False


class ReportsSaveChange(msgspec.Struct, frozen=True, kw_only=True):
    """As `anew reports save`; the file is a text of Markdown."""

    name: str
    file: str
    project: str | None = None


class ReportsRemoveChange(msgspec.Struct, frozen=True, kw_only=True):
    """As `anew reports remove`."""

    name: str
    project: str | None = None


class ViewsDefaultChange(msgspec.Struct, frozen=True, kw_only=True):
    """As `anew views default`; without a name, none."""

    name: str | None = None
    project: str | None = None
    mine: bool = False


class AlertAddChange(msgspec.Struct, frozen=True, kw_only=True):
    """As `anew alert add`."""

    name: str
    when: str
    filter: str = ""
    to: tuple[str, ...] = ()
    project: str | None = None


class AlertRemoveChange(msgspec.Struct, frozen=True, kw_only=True):
    """As `anew alert remove`."""

    name: str
    project: str | None = None


class CommentAddChange(msgspec.Struct, frozen=True, kw_only=True):
    """As `anew comment add`: about an experiment, a point of it, a report, or in answer to another comment."""

    text: str
    experiment: str | None = None
    metric: str | None = None
    step: int | float | None = None
    report: str | None = None
    project: str | None = None
    part: str | None = None
    reply_to: str | None = None


class CommentEditChange(msgspec.Struct, frozen=True, kw_only=True):
    """As `anew comment edit`."""

    comment: str
    text: str


class CommentChange(msgspec.Struct, frozen=True, kw_only=True):
    """As `anew comment remove`, `resolve` and `reopen`."""

    comment: str


class MarkChange(msgspec.Struct, frozen=True, kw_only=True):
    """As `anew star` and `anew pin`."""

    experiments: tuple[str, ...]
    remove: bool = False


class PreferencesSetChange(msgspec.Struct, frozen=True, kw_only=True):
    """As `anew preferences set`, of several at once; null takes one back."""

    preferences: dict[str, Any]


class PreferencesClearChange(msgspec.Struct, frozen=True, kw_only=True):
    """As `anew preferences clear`: of one, or of all."""

    name: str | None = None


class NewsSeenChange(msgspec.Struct, frozen=True, kw_only=True):
    """As `anew news seen`.

    Attributes:
        until: The time until which everything was seen; now if None.
    """

    until: float | None = None


class ModelsRegisterChange(msgspec.Struct, frozen=True, kw_only=True):
    """As `anew models register`.

    Attributes:
        tag: Tags of the version, `name=value`.
        alias: Aliases that are to mean it.
    """

    model: str
    target: str
    why: str | None = None
    description: str | None = None
    tag: tuple[str, ...] = ()
    alias: tuple[str, ...] = ()


class ModelsPromoteChange(msgspec.Struct, frozen=True, kw_only=True):
    """As `anew models promote`."""

    version: str
    alias: str
    why: str | None = None
    require: str | None = None


class ModelsDemoteChange(msgspec.Struct, frozen=True, kw_only=True):
    """As `anew models demote`."""

    model: str
    alias: str
    why: str | None = None


class ModelsEditChange(msgspec.Struct, frozen=True, kw_only=True):
    """As `anew models edit`: of a model, or of a version (`name:3`)."""

    name: str
    description: str | None = None
    tag: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()


class ModelsRenameChange(msgspec.Struct, frozen=True, kw_only=True):
    """As `anew models rename`."""

    model: str
    name: str


class ModelsDeleteChange(msgspec.Struct, frozen=True, kw_only=True):
    """As `anew models delete`: a model, or a version (`name:3`)."""

    name: str
    why: str | None = None


class ModelsRestoreChange(msgspec.Struct, frozen=True, kw_only=True):
    """As `anew models restore`.

    Attributes:
        to: As `--name`: what to call a model whose name another one has by now.
    """

    name: str
    to: str | None = None
