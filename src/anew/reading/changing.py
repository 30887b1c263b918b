"""Changes of experiments as data: what each changes, how it is written down, and how it is taken back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

import msgspec

from ..errors import Conflict
from ..query.edits import AppendQuestion
from ..record.edits import (
    DeleteEdit,
    Edit,
    FieldEdit,
    MetricsEdit,
    MoveEdit,
    ParamsEdit,
    RestoreEdit,
    TagsEdit,
)
from ..record.fold import ExperimentState
from ..record.names import check_label, check_prefix
from ..record.plain import flatten, nest, to_plain
from ..record.secrets import mask_secrets
from .source import Source
from .upkeep import Trashed
from .views import ExperimentView

__all__ = [
    "Change",
    "apply",
    "correcting",
    "deleting",
    "describing",
    "hiding",
    "moving",
    "noting",
    "renaming",
    "restoring",
    "tagging",
    "undo",
]

_AT_ONCE = 500
"""So many edits go in one question to a server."""


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """A change of one experiment.

    Attributes:
        id, prefix: Of which.
        what: What changes, such as "notes", "tags.best" or "params.lr": what it was and what it becomes, each a list of one plain value, or
            an empty one where there is nothing.
        edit: What is written down.
        back: What takes it back.
    """

    id: str
    prefix: str
    what: dict[str, tuple[list[Any], list[Any]]]
    edit: Edit
    back: Edit


def tagging(
    view: ExperimentView, add: Mapping[str, str | None], remove: Iterable[str]
) -> Change | None:
    """Tags added and removed; None where all is so already.

    Raises:
        InvalidName: A tag is empty, too long or cannot be shown.
    """
    now = view.tags
    new = {check_label(tag, "tag"): value for tag, value in add.items()}
    new = {tag: value for tag, value in new.items() if tag not in now or now[tag] != value}
    gone = [tag for tag in remove if tag in now]
    changed = [*new, *gone]
    there = {tag: now[tag] for tag in changed if tag in now}
    return _change(
        view,
        {f"tags.{tag}": (_of(now, tag), _of(new, tag)) for tag in changed},
        TagsEdit(id=view.id, add=new, remove=tuple(gone)),
        TagsEdit(id=view.id, add=there, remove=tuple(tag for tag in new if tag not in now)),
    )


def noting(view: ExperimentView, text: str | None) -> Change | None:
    """Other notes; None where they are so already."""
    return _text(view, "notes", view.notes, text)


def describing(view: ExperimentView, text: str | None) -> Change | None:
    """Another description; None where it is so already."""
    return _text(view, "description", view.description, text)


def renaming(view: ExperimentView, name: str) -> Change | None:
    """Another name, which is a label: the prefix stays; None where it is so already.

    Raises:
        InvalidName: It is empty, too long or cannot be shown.
    """
    return _text(view, "name", view.name, check_label(name, "name"))


def correcting(
    view: ExperimentView,
    params: Mapping[str, Any],
    remove: Sequence[str] = (),
    why: str | None = None,
) -> Change | None:
    """Parameters corrected, and some taken away; None where all is so already."""
    state = view.facts.state or ExperimentState()
    now = flatten(state.params)
    new = flatten(mask_secrets(nest(to_plain(dict(params)))))
    new = {name: value for name, value in new.items() if _of(now, name) != [value] or _kind(now, name) is not type(value)}  # fmt: skip
    gone = [name for name in remove if name in now]
    changed = [*new, *gone]
    there = {name: now[name] for name in changed if name in now}
    return _change(
        view,
        {f"params.{name}": (_of(now, name), _of(new, name)) for name in changed},
        ParamsEdit(id=view.id, params=nest(new), remove=tuple(gone), why=to_plain(why)),
        ParamsEdit(
            id=view.id,
            params=nest(there),
            remove=tuple(name for name in new if name not in now),
            why="taken back",
        ),
    )


def hiding(
    view: ExperimentView, metrics: Sequence[str], why: str | None = None, *, show: bool = False
) -> Change | None:
    """Metrics hidden, or shown again with `show`; None where all is so already, or none fits.

    Args:
        metrics: Names, or patterns such as `debug/*`.
    """
    now = view.hidden
    names = [
        name
        for name in (now if show else view.metrics)
        if any(name == one or fnmatchcase(name, one) for one in metrics)
    ]
    hide, gone = ((), tuple(names)) if show else (tuple(names), ())
    why = to_plain(why)
    return _change(
        view,
        {f"hidden.{name}": ([now[name].why], []) if show else ([], [why]) for name in names},
        MetricsEdit(id=view.id, hide=hide, show=gone, why=why),
        MetricsEdit(
            id=view.id, hide=gone, show=hide, why=next((now[name].why for name in gone), None)
        ),
    )


def moving(view: ExperimentView, prefix: str) -> Change | None:
    """Another prefix; None where it lies there already.

    Raises:
        InvalidName: It cannot be a prefix.
    """
    target = check_prefix(prefix)
    return _change(
        view,
        {"prefix": ([view.prefix], [target])} if target != view.prefix else {},
        MoveEdit(id=view.id, prefix=target),
        MoveEdit(id=view.id, prefix=view.prefix),
    )


def deleting(view: ExperimentView) -> Change:
    """Into the trash."""
    return Change(
        id=view.id,
        prefix=view.prefix,
        what={"deleted": ([], [True])},
        edit=DeleteEdit(id=view.id),
        back=RestoreEdit(id=view.id),
    )


def restoring(one: Trashed) -> Change:
    """Out of the trash, to where it was."""
    return Change(
        id=one.id,
        prefix=one.prefix,
        what={"deleted": ([True], [])},
        edit=RestoreEdit(id=one.id),
        back=DeleteEdit(id=one.id),
    )


def apply(
    source: Source,
    changes: Sequence[Change],
    told: Callable[[int, int], object] = lambda done, total: None,
) -> None:
    """Write changes down.

    Args:
        told: Takes how many have been written of how many.
    """
    for start in range(0, len(changes), _AT_ONCE):
        part = changes[start : start + _AT_ONCE]
        source.backend.append(AppendQuestion(tuple(one.edit for one in part)))
        told(start + len(part), len(changes))


def undo(changes: Sequence[Change], views: Mapping[str, ExperimentView]) -> list[Change]:
    """What takes changes back, in the opposite order.

    Args:
        views: The experiments as they are now, by id.

    Raises:
        Conflict: Something was changed again since, or is gone: then nothing is to be taken back.
    """
    for one in changes:
        view = views.get(one.id)
        now = {"deleted": True} if view is None else _now(view)
        for what, (_, after) in one.what.items():
            if (view is None and what != "deleted") or _of(now, what) != after:
                raise Conflict(
                    f"{one.prefix}: {what} was changed again since, so the change is not taken back."
                )
    return [
        Change(
            id=one.id,
            prefix=one.prefix,
            what={what: (after, before) for what, (before, after) in one.what.items()},
            edit=one.back,
            back=one.edit,
        )
        for one in reversed(changes)
    ]


def _text(view: ExperimentView, field: Any, now: str | None, new: str | None) -> Change | None:
    new = to_plain(new)
    there = [] if now is None else [now]
    becomes = [] if new is None else [new]
    return _change(
        view,
        {field: (there, becomes)} if there != becomes else {},
        FieldEdit(id=view.id, field=field, value=new),
        FieldEdit(id=view.id, field=field, value=now),
    )


def _change(
    view: ExperimentView, what: dict[str, tuple[list[Any], list[Any]]], edit: Edit, back: Edit
) -> Change | None:
    if not what:
        return None
    return Change(id=view.id, prefix=view.prefix, what=what, edit=edit, back=back)


def _now(view: ExperimentView) -> dict[str, Any]:
    """All that changes can be about, as it is now."""
    state = view.facts.state or ExperimentState()
    texts = {"name": view.name, "description": view.description, "notes": view.notes}
    return {
        "prefix": view.prefix,
        **{name: text for name, text in texts.items() if text is not None},
        **{f"tags.{tag}": value for tag, value in view.tags.items()},
        **{f"hidden.{name}": one.why for name, one in view.hidden.items()},
        **{f"params.{name}": value for name, value in flatten(state.params).items()},
    }


def _of(values: Mapping[str, Any], name: str) -> list[Any]:
    return [values[name]] if name in values else []


def _kind(values: Mapping[str, Any], name: str) -> type:
    return type(values.get(name))
