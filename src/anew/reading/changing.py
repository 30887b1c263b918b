"""Changes of experiments as data: what each changes, how it is written down, and how it is taken back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

import msgspec

from ..errors import Conflict, InvalidValue
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
    "told",
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
    changed = [*new, *(tag for tag in remove if tag in now)]
    return _change(view, {f"tags.{tag}": (_of(now, tag), _of(new, tag)) for tag in changed})


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
    changed = [*new, *(name for name in remove if name in now)]
    return _change(
        view, {f"params.{name}": (_of(now, name), _of(new, name)) for name in changed}, why
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
    why = to_plain(why)
    return _change(
        view,
        {f"hidden.{name}": ([now[name].why], []) if show else ([], [why]) for name in names},
        why,
    )


def moving(view: ExperimentView, prefix: str) -> Change | None:
    """Another prefix; None where it lies there already.

    Raises:
        InvalidName: It cannot be a prefix.
    """
    target = check_prefix(prefix)
    return _change(view, {"prefix": ([view.prefix], [target])} if target != view.prefix else {})


def deleting(view: ExperimentView) -> Change:
    """Into the trash."""
    return told(view.id, view.prefix, {"deleted": ([], [True])})


def restoring(one: Trashed) -> Change:
    """Out of the trash, to where it was."""
    return told(one.id, one.prefix, {"deleted": ([True], [])})


def told(
    id: str, prefix: str, what: Mapping[str, tuple[list[Any], list[Any]]], why: str | None = None
) -> Change:
    """A change by what is told of it.

    Raises:
        InvalidValue: No change is told of like that.
    """
    return Change(
        id=id,
        prefix=prefix,
        what=dict(what),
        edit=_becoming(id, {one: after for one, (_, after) in what.items()}, why),
        back=_becoming(id, {one: before for one, (before, _) in what.items()}, "taken back"),
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
    return _change(view, {field: (there, becomes)} if there != becomes else {})


def _change(
    view: ExperimentView,
    what: dict[str, tuple[list[Any], list[Any]]],
    why: str | None = None,
) -> Change | None:
    return told(view.id, view.prefix, what, why) if what else None


def _becoming(id: str, what: Mapping[str, list[Any]], why: str | None) -> Edit:
    """The edit that makes of an experiment what is said: an empty list is nothing."""
    (kind, *others) = {one.partition(".")[0] for one in what} or {""}
    names = [one.partition(".")[2] for one in what]
    wrong = not what or others or any(len(value) > 1 for value in what.values())
    if wrong or any((name != "") != (kind in ("tags", "params", "hidden")) for name in names):
        raise InvalidValue(
            f"{', '.join(what) or 'Nothing'}: that is no change of an experiment.", key="what"
        )
    some = {name: value[0] for name, value in zip(names, what.values(), strict=True) if value}
    gone = tuple(name for name in names if name not in some)
    given = next(iter(what.values()))
    match kind:
        case "tags":
            return TagsEdit(id=id, add=some, remove=gone)
        case "params":
            return ParamsEdit(id=id, params=nest(some), remove=gone, why=to_plain(why))
        case "hidden":
            why = next((one for one in some.values() if one is not None), None) if some else why
            return MetricsEdit(id=id, hide=tuple(some), show=gone, why=why)
        case "deleted":
            return DeleteEdit(id=id) if given else RestoreEdit(id=id)
        case "prefix" if given:
            return MoveEdit(id=id, prefix=check_prefix(given[0]))
        case "name" | "description" | "notes":
            return FieldEdit(id=id, field=kind, value=given[0] if given else None)
    raise InvalidValue(f"{', '.join(what)}: that is no change of an experiment.", key="what")


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
