"""What the commands that change experiments are about to change, as `Change`s, and what they answer then."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import InvalidValue, NotFound
from ..reading import changing
from . import changes as asked
from .answers import those_of

if TYPE_CHECKING:
    from ..reading.changing import Change
    from ..reading.views import ExperimentView
    from ..store import Store

__all__ = ["KINDS", "Kind", "Plan", "changed_document", "named_tags", "taking_back"]


class Plan(NamedTuple):
    """The experiments that a command is about, and what changes of each.

    Attributes:
        changes: None of those where all is so already; nothing at all if no change was asked for.
        several: Whether it is told of as of many, also where it is one.
    """

    views: list[ExperimentView]
    changes: list[Change | None] | None
    several: bool

    @property
    def found(self) -> list[Change]:
        """What there is to be written down."""
        return [one for one in self.changes or () if one is not None]

    def one(self) -> ExperimentView:
        """The only experiment.

        Raises:
            InvalidValue: There are several.
        """
        if len(self.views) != 1:
            raise InvalidValue("Say what changes.")
        return self.views[0]


class Kind(NamedTuple):
    """A command that changes experiments.

    Attributes:
        document: What it answers of one experiment, as it is then.
    """

    question: type[Any]
    plan: Callable[[Store, Any], Plan]
    document: Callable[[ExperimentView], dict[str, Any]]
    summary: str


def named_tags(texts: Sequence[str]) -> dict[str, str | None]:
    """Tags as they are written: `name` or `name=value`."""
    return {
        name: value if equals else None
        for name, equals, value in (one.partition("=") for one in texts)
    }


def taking_back(store: Store, changes: Sequence[Change]) -> list[Change]:
    """What takes changes back.

    Raises:
        Conflict: Something was changed again since.
    """
    views = {}
    for one in {change.id for change in changes}:
        with contextlib.suppress(NotFound):  # it was deleted, perhaps by what is taken back
            view = store.get(one)
            if (
                view.id == one
            ):  # and not a prefix or a name, which another experiment may have by now
                views[one] = view
    return changing.undo(changes, views)


def changed_document(
    changes: Sequence[Change], dry_run: bool, command: str | None = None
) -> dict[str, Any]:
    """What changed, or would; `command` is the one that was taken back."""
    return {
        "dry_run": dry_run,
        **({} if command is None else {"command": command}),
        "changed": [
            {"id": one.id, "prefix": one.prefix, "what": {k: list(v) for k, v in one.what.items()}}
            for one in changes
        ],
    }


def _chosen(store: Store, question: asked.WhichChange) -> tuple[list[ExperimentView], bool]:
    if question.filter:
        if question.experiment is not None:
            raise InvalidValue("Name an experiment, or give a filter: one of them.", key="filter")
        return those_of(store, (), question.filter), True
    if question.experiment is None:
        raise InvalidValue("Name an experiment, or give a filter.", key="experiment")
    return [store.get(question.experiment)], False


def _plan(
    store: Store,
    question: asked.WhichChange,
    change: Callable[[ExperimentView], Change | None] | None,
) -> Plan:
    views, several = _chosen(store, question)
    return Plan(views, None if change is None else [change(view) for view in views], several)


def _tag(store: Store, question: asked.TagChange) -> Plan:
    views, several = _chosen(store, question)
    remove = question.remove
    missing = [one for one in remove if not any(one in view.tags for view in views)]
    if missing:
        which = views[0].id if len(views) == 1 else "None of the experiments"
        there = ", ".join(map(repr, views[0].tags)) or "none"
        raise InvalidValue(
            f"{which} has {'no' if len(views) == 1 else 'a'} tag {', '.join(map(repr, missing))}"
            + (f"; it has {there}." if len(views) == 1 else "."),
            key="remove",
        )
    if not question.tags and not remove:
        return Plan(views, None, several)
    added = named_tags(question.tags)
    return Plan(views, [changing.tagging(view, added, remove) for view in views], several)


def _edit(store: Store, question: asked.EditChange) -> Plan:
    if not question.param and not question.remove:
        if question.why is not None:
            raise InvalidValue("A reason goes with a parameter that changes.", key="why")
        return _plan(store, question, None)
    return _plan(
        store, question, lambda view: changing.correcting(view, question.param, question.remove, question.why)
    )  # fmt: skip


def _note(store: Store, question: asked.NoteChange) -> Plan:
    text = question.text
    if text and question.clear:
        raise InvalidValue("Give a text, or clear the notes: one of them.", key="clear")
    if question.append and not text:
        raise InvalidValue("A text is needed to append it.", key="append")

    def becomes(view: ExperimentView) -> str | None:
        if question.clear or not text:
            return None
        return f"{view.notes}\n{text}" if question.append and view.notes else text

    if text is None and not question.clear:
        return _plan(store, question, None)
    return _plan(store, question, lambda view: changing.noting(view, becomes(view)))


def _describe(store: Store, question: asked.DescribeChange) -> Plan:
    if question.text and question.clear:
        raise InvalidValue("Give a text, or clear the description: one of them.", key="clear")
    if question.text is None and not question.clear:
        return _plan(store, question, None)
    return _plan(store, question, lambda view: changing.describing(view, question.text or None))


def _rename(store: Store, question: asked.RenameChange) -> Plan:
    return _plan(store, question, lambda view: changing.renaming(view, question.name))


def _hide(store: Store, question: asked.HideChange) -> Plan:
    metrics = question.metrics
    if not metrics:
        return _plan(store, question, None)
    found = _plan(
        store, question, lambda view: changing.hiding(view, metrics, question.why, show=question.show)
    )  # fmt: skip
    if not found.found:
        raise NotFound(
            f"No metric like {', '.join(map(repr, metrics))} is {'hidden' if question.show else 'shown'} there."
        )
    return found


def _move(store: Store, question: asked.MoveChange) -> Plan:
    target = question.prefix.strip("/")
    if question.filter:
        views, several = _chosen(store, question)
        places = [f"{target}/{view.prefix.rsplit('/', 1)[-1]}" for view in views]
    elif question.experiment is None:
        raise InvalidValue("Name an experiment, or give a filter.", key="experiment")
    else:
        views, places, several = _from_place(store, question.experiment, target)
    if len(set(places)) < len(places):
        twice = next(one for one in places if places.count(one) > 1)
        raise InvalidValue(f"Several of them would be at {twice}: move them one by one.")
    moved = [changing.moving(view, place) for view, place in zip(views, places, strict=True)]
    return Plan(views, moved, several)


def _from_place(
    store: Store, place: str, target: str
) -> tuple[list[ExperimentView], list[str], bool]:
    """The experiment named, or else all that lie below a prefix, and where they go."""
    try:
        return [store.get(place)], [target], False
    except NotFound:
        above = place.strip("/") + "/"
        text = above.replace("\\", "\\\\").replace("'", "\\'")
        views = [
            view
            for view in store.list(f"'{text}' in prefix", reproductions=True)
            if view.prefix.startswith(above)
        ]
        if not views:
            raise
        return views, [f"{target}/{view.prefix[len(above) :]}" for view in views], True


KINDS: Mapping[str, Kind] = {
    "tag": Kind(
        asked.TagChange, _tag, lambda view: {"id": view.id, "tags": dict(view.tags)},
        "Add and remove tags of experiments.",
    ),
    "edit": Kind(
        asked.EditChange, _edit,
        lambda view: {
            "id": view.id, "params": view.params.to_dict(),
            "corrected": {name: one.to_dict() for name, one in view.corrected.items()},
        },
        "Correct parameters of experiments.",
    ),
    "note": Kind(
        asked.NoteChange, _note, lambda view: {"id": view.id, "notes": view.notes},
        "Set the notes of experiments.",
    ),
    "describe": Kind(
        asked.DescribeChange, _describe, lambda view: {"id": view.id, "description": view.description},
        "Set the description of experiments.",
    ),
    "rename": Kind(
        asked.RenameChange, _rename, lambda view: {"id": view.id, "name": view.name},
        "Change the name of experiments.",
    ),
    "hide": Kind(
        asked.HideChange, _hide,
        lambda view: {"id": view.id, "hidden": {name: one.to_dict() for name, one in view.hidden.items()}},
        "Hide metrics of experiments, or show them again.",
    ),
    "move": Kind(
        asked.MoveChange, _move, lambda view: {"id": view.id, "prefix": view.prefix},
        "File experiments under another prefix.",
    ),
}  # fmt: skip
"""The commands that change experiments one by one, by name."""
