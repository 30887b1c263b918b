"""The answers of the commands that change something, each a function of a store and a question."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from ..errors import InvalidValue
from ..reading.changing import Change, deleting, restoring, told
from . import changes as asked
from .answers import those_of
from .documents import (
    alert_document,
    deleted_document,
    fact_document,
    goal_document,
    model_document,
    of_model_document,
    report_document,
    restored_document,
    stopped_document,
    view_document,
)
from .people import comment_document, commented, mark, preferences_document, preferred, seen
from .planning import KINDS, Kind, changed_document, named_tags, taking_back

if TYPE_CHECKING:
    from ..models.views import ModelVersion
    from ..reading.goals import Goal
    from ..store import Store

__all__ = [
    "ACTIONS",
    "OWN_ACTIONS",
    "edit_model",
    "model_deleted",
    "model_restored",
    "registered",
    "said_of",
]


def _changed(kind: Kind, store: Store, question: asked.WhichChange) -> dict[str, Any]:
    plan = kind.plan(store, question)
    if plan.changes is not None:
        if not question.dry_run:
            store.change(plan.found)
        if plan.several or question.dry_run:
            return changed_document(plan.found, question.dry_run)
    return kind.document(store.get(plan.one().id))


def _delete(store: Store, question: asked.DeleteChange) -> dict[str, Any]:
    views = those_of(store, question.experiments, question.filter)
    if question.dry_run:
        return changed_document([deleting(view) for view in views], True)
    return deleted_document(store.delete(views))


def _restore(store: Store, question: asked.RestoreChange) -> dict[str, Any]:
    if bool(question.experiments) == bool(question.filter):
        raise InvalidValue("Name experiments, or give a filter: one of them.", key="experiments")
    found = store.in_trash(question.experiments, question.filter)
    changes = [restoring(one) for one in found]
    if question.dry_run:
        return changed_document(changes, True)
    store.change(changes)
    return restored_document([store.get(one.id) for one in found])


def _undo(store: Store, question: asked.UndoChange) -> dict[str, Any]:
    try:
        made = [
            msgspec.convert(msgspec.to_builtins(told(one.id, one.prefix, one.what)), Change)
            for one in question.changed
        ]
    except msgspec.ValidationError as error:
        raise InvalidValue(f"That is no change of an experiment: {error}.", key="changed") from None
    changes = taking_back(store, made)
    if not question.dry_run:
        store.change(changes)
    return changed_document(changes, question.dry_run, question.command)


def _stop(store: Store, question: asked.StopChange) -> dict[str, Any]:
    ids = [view.id for view in those_of(store, question.experiments, None)]
    return stopped_document(ids, store.stop(ids, question.why), ids)


def said_of(store: Store, question: asked.GoalChange) -> list[Goal]:
    """Say something of a metric, or take it back; what is said of it then.

    Raises:
        InvalidValue: It is to be said and to be taken back.
        NotFound: Nothing was said that could be taken back.
    """
    if question.clear and (question.better or question.main):
        raise InvalidValue("What was said is taken back as a whole.", key="clear")
    if question.clear:
        store.clear_goal(question.metric, project=question.project)
        return []
    if question.better or question.main:
        return [
            store.set_goal(
                question.metric, question.better, main=question.main, project=question.project
            )
        ]
    return [one for one in store.goals() if one.metric == question.metric]


def _default_view(store: Store, question: asked.ViewsDefaultChange) -> dict[str, Any]:
    found = store.saved_views.set_default(question.name, question.project, mine=question.mine)
    return {"view": None if found is None else view_document(found)}


def _save_view(store: Store, question: asked.ViewsSaveChange) -> dict[str, Any]:
    if (question.file is None) == (question.filter is None):
        raise InvalidValue("Give a file or a filter: one of them.", key="file")
    shows = {"filter": question.filter} if question.file is None else question.file
    return {
        "view": view_document(
            store.saved_views.save(question.name, shows, question.project, mine=question.mine)
        )
    }


def _add_alert(store: Store, question: asked.AlertAddChange) -> dict[str, Any]:
    made = store.alerts.add(
        question.name, when=question.when, filter=question.filter, to=question.to, project=question.project
    )  # fmt: skip
    return {"alert": alert_document(made)}


def registered(store: Store, question: asked.ModelsRegisterChange) -> ModelVersion:
    """Make a version of a model, with its aliases."""
    made = store.models.register(
        question.model, question.target, why=question.why, description=question.description, tags=_texts(question.tag)
    )  # fmt: skip
    for alias in question.alias:
        made.promote(alias, why=question.why)
    return store.models.get(question.model)[made.number]


def _promote(store: Store, question: asked.ModelsPromoteChange) -> dict[str, Any]:
    one = store.models.version(question.version)
    one.promote(question.alias, why=question.why, require=question.require)
    return fact_document(store.models.get(question.version)[one.number].fact)


def _demote(store: Store, question: asked.ModelsDemoteChange) -> dict[str, Any]:
    store.models.get(question.model).demote(question.alias, why=question.why)
    return model_document(store.models.get(question.model).fact)


def edit_model(store: Store, question: asked.ModelsEditChange) -> Any:
    """Set the description and tags of a model or a version; it as it is then."""
    found: Any = store.models[question.name]
    if question.description is not None:
        found = found.describe(question.description or None)
    if question.tag or question.remove:
        found = found.tag(_texts(question.tag), question.remove)
    return found


def model_deleted(store: Store, question: asked.ModelsDeleteChange) -> dict[str, Any]:
    """Delete a model, or withdraw a version; it as it was."""
    from ..models.views import ModelVersion

    found = store.models[question.name]
    shown = of_model_document(found)
    if isinstance(found, ModelVersion):
        found.withdraw(question.why)
    else:
        found.delete()
    return shown


def model_restored(store: Store, question: asked.ModelsRestoreChange) -> Any:
    """Bring back a model, or a version of it; it as it is then."""
    from ..models.names import parse_ref

    name = question.name
    number = parse_ref(name).number if "~" not in name else None
    if number is not None:
        return store.models.get(name).restore(number)
    return store.models.restore(name, to=question.to)


def _texts(tags: tuple[str, ...]) -> dict[str, str]:
    return {name: value or "" for name, value in named_tags(tags).items()}


Action = tuple[type[Any], Callable[[Any, Any], dict[str, Any]], str]

ACTIONS: Mapping[str, Action] = {
    **{name: (kind.question, partial(_changed, kind), kind.summary) for name, kind in KINDS.items()},
    "delete": (asked.DeleteChange, _delete, "Put experiments in the trash."),
    "restore": (asked.RestoreChange, _restore, "Take experiments out of the trash."),
    "undo": (asked.UndoChange, _undo, "Take changes of experiments back."),
    "stop": (asked.StopChange, _stop, "Ask the programs that record experiments to stop."),
    "goal": (
        asked.GoalChange,
        lambda store, question: {"goals": [goal_document(one) for one in said_of(store, question)]},
        "Say which values of a metric are better, and which metric is the main one.",
    ),
    "views/save": (
        asked.ViewsSaveChange,
        _save_view,
        "Save a view.",
    ),
    "views/remove": (
        asked.ViewsRemoveChange,
        lambda store, question: {"view": view_document(store.saved_views.remove(question.name, question.project, mine=question.mine))},
        "Remove a saved view.",
    ),
    "views/default": (asked.ViewsDefaultChange, _default_view, "Have the page open on a saved view."),
    "reports/save": (
        asked.ReportsSaveChange,
        lambda store, question: {"report": report_document(store.reports.save(question.name, question.file, question.project))},
        "Save a report.",
    ),
    "reports/remove": (
        asked.ReportsRemoveChange,
        lambda store, question: {"report": report_document(store.reports.remove(question.name, question.project))},
        "Remove a report.",
    ),
    "alert/add": (asked.AlertAddChange, _add_alert, "Add an alert, or replace the one of that name."),
    "alert/remove": (
        asked.AlertRemoveChange,
        lambda store, question: {"removed": alert_document(store.alerts.remove(question.name, project=question.project))},
        "Remove an alert.",
    ),
    "comment/add": (
        asked.CommentAddChange,
        lambda store, question: {"comment": comment_document(commented(store, question))},
        "Write a comment.",
    ),
    "comment/edit": (
        asked.CommentEditChange,
        lambda store, question: {"comment": comment_document(store.comments.edit(question.comment, question.text))},
        "Change the text of a comment of one's own.",
    ),
    "comment/remove": (
        asked.CommentChange,
        lambda store, question: {"removed": comment_document(store.comments.remove(question.comment))},
        "Remove a comment.",
    ),
    "comment/resolve": (
        asked.CommentChange,
        lambda store, question: {"comment": comment_document(store.comments.resolve(question.comment))},
        "Say that a comment is settled.",
    ),
    "comment/reopen": (
        asked.CommentChange,
        lambda store, question: {"comment": comment_document(store.comments.reopen(question.comment))},
        "Say that a comment is not settled.",
    ),
    "star": (asked.MarkChange, lambda store, question: mark(store, "stars", question), "Star experiments for oneself."),
    "pin": (asked.MarkChange, lambda store, question: mark(store, "pins", question), "Pin experiments for everybody."),
    "preferences/set": (asked.PreferencesSetChange, preferred, "Set preferences of who asks."),
    "preferences/clear": (
        asked.PreferencesClearChange,
        lambda store, question: preferences_document(store.preferences.clear(question.name)),
        "Take preferences back.",
    ),
    "news/seen": (asked.NewsSeenChange, seen, "Say that everything has been seen."),
    "models/register": (
        asked.ModelsRegisterChange,
        lambda store, question: fact_document(registered(store, question).fact),
        "Make the next version of a model.",
    ),
    "models/promote": (asked.ModelsPromoteChange, _promote, "Have an alias mean a version."),
    "models/demote": (asked.ModelsDemoteChange, _demote, "Take an alias away from a model."),
    "models/edit": (
        asked.ModelsEditChange,
        lambda store, question: of_model_document(edit_model(store, question)),
        "Set the description and tags of a model or a version.",
    ),
    "models/rename": (
        asked.ModelsRenameChange,
        lambda store, question: model_document(store.models.get(question.model).rename(question.name).fact),
        "Give a model another name.",
    ),
    "models/delete": (asked.ModelsDeleteChange, model_deleted, "Delete a model, or withdraw a version."),
    "models/restore": (
        asked.ModelsRestoreChange,
        lambda store, question: of_model_document(model_restored(store, question)),
        "Bring back a deleted model, or a version that was withdrawn.",
    ),
}  # fmt: skip
"""By the path below `/api/v1/commands/`: what is asked, what is done and answered, and what it is."""

OWN_ACTIONS = frozenset({"star", "preferences/set", "preferences/clear", "news/seen"})
"""Those that change what belongs to who asks alone."""
