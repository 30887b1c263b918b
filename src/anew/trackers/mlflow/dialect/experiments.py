"""MLflow's experiments: projects here, each with a document in the root's journal."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from typing import Any

from anew.errors import InvalidName

from ..translate.facts import DEFAULT, milliseconds
from ..translate.groups import Group, id_of
from ..write import Groups, project_of
from . import places
from .entities import Experiment, LifecycleStage, ViewType
from .exceptions import MlflowException, missing

__all__ = [
    "active_id",
    "all_experiments",
    "create_experiment",
    "delete_experiment",
    "delete_experiment_tag",
    "get_experiment",
    "get_experiment_by_name",
    "id_of",
    "name_of",
    "of_folder",
    "project_of",
    "restore_experiment",
    "set_experiment",
    "set_tags",
]

_active: str | None = None
# Names by id of what this process made or chose: also where nothing is written.
_known: dict[str, str] = {"0": DEFAULT}
_groups: dict[str, Groups] = {}


def _kept() -> Groups:
    root = places.root()
    if root not in _groups:
        _groups[root] = Groups(root)
    return _groups[root]


def _shown(group: Group) -> Experiment:
    where = group.artifact_location or os.path.join(
        places.root(), *project_of(group.name).split("/")
    )
    stage = LifecycleStage.DELETED if group.deleted else LifecycleStage.ACTIVE
    made, changed = milliseconds(group.created), milliseconds(group.changed)
    return Experiment(group.id, group.shown, where, stage, dict(group.tags), made, changed)


def _new(
    name: str, artifact_location: str | None = None, tags: Mapping[str, Any] | None = None
) -> Group:
    now = time.time()
    plain = {str(key): str(value) for key, value in (tags or {}).items()}
    return Group(name, plain, False, artifact_location, now, now)


def _writes() -> bool:
    return os.environ.get("ANEW_MODE") != "disabled"


def create_experiment(
    name: str, artifact_location: str | None = None, tags: Mapping[str, Any] | None = None
) -> str:
    """Make an experiment; returns its id.

    Raises:
        MlflowException: There is one of that name, or an experiment cannot be called that.
    """
    if not isinstance(name, str) or not name.strip():
        raise MlflowException.invalid_parameter_value(f"Invalid experiment name: {name!r}.")
    there = get_experiment_by_name(name) is not None
    try:
        if there or (_writes() and not _kept().add(_new(name, artifact_location, tags))):
            raise MlflowException(
                f"Experiment(name={name}) already exists.", "RESOURCE_ALREADY_EXISTS"
            )
    except InvalidName as error:
        raise MlflowException.invalid_parameter_value(str(error)) from error
    _known[id_of(name)] = name
    return id_of(name)


def get_experiment(experiment_id: str) -> Experiment:
    """The experiment with that id.

    Raises:
        MlflowException: There is none.
    """
    found = _by_id(str(experiment_id))
    if found is None:
        raise missing(f"No Experiment with id={experiment_id} exists")
    return _shown(found)


def _by_id(experiment_id: str) -> Group | None:
    if not experiment_id.removeprefix("-").isdecimal():
        raise MlflowException.invalid_parameter_value(
            f"Invalid experiment ID {experiment_id!r}. Experiment ID must be a valid integer."
        )
    known = _known.get(experiment_id)
    if known is not None:
        return _by_name(known)
    return next((group for group in _kept().all() if id_of(group.name) == experiment_id), None)


def _by_name(name: str) -> Group | None:
    return _kept().find(name) or (_new(name) if name == DEFAULT else None)


def get_experiment_by_name(name: str) -> Experiment | None:
    """The experiment of that name, or None."""
    found = _by_name(str(name))
    return None if found is None else _shown(found)


def all_experiments(view_type: int = ViewType.ACTIVE_ONLY) -> list[Experiment]:
    """The experiments of the store, newest first."""
    stages = {
        ViewType.ACTIVE_ONLY: (LifecycleStage.ACTIVE,),
        ViewType.DELETED_ONLY: (LifecycleStage.DELETED,),
    }.get(view_type, (LifecycleStage.ACTIVE, LifecycleStage.DELETED))
    groups = {DEFAULT: _new(DEFAULT)} | {group.name: group for group in _kept().all()}
    # Default is always there, and the oldest.
    order = sorted(groups.values(), key=lambda one: (one.name != DEFAULT, one.created))
    found = [_shown(group) for group in reversed(order)]
    return [one for one in found if one.lifecycle_stage in stages]


def _change(experiment_id: str, change: Callable[[Group], Group]) -> None:
    found = _by_id(str(experiment_id))
    if found is None:
        raise missing(f"No Experiment with id={experiment_id} exists")
    if _writes():
        _kept().change(found, change)


def delete_experiment(experiment_id: str) -> None:
    """Hide an experiment; its runs stay where they are."""
    _change(experiment_id, lambda group: _with(group, deleted=True))


def restore_experiment(experiment_id: str) -> None:
    """Show an experiment again that was deleted."""
    _change(experiment_id, lambda group: _with(group, deleted=False))


def set_tags(experiment_id: str, tags: Mapping[str, Any]) -> None:
    """Set tags of an experiment."""
    new = {str(key): str(value) for key, value in tags.items()}
    _change(experiment_id, lambda group: _with(group, tags=group.tags | new))


def delete_experiment_tag(key: str, experiment_id: str | None = None) -> None:
    """Remove a tag of an experiment, the active one unless another is meant."""

    def without(group: Group) -> Group:
        return _with(group, tags={name: value for name, value in group.tags.items() if name != key})

    _change(experiment_id or active_id(), without)


def _with(
    group: Group, *, deleted: bool | None = None, tags: dict[str, str] | None = None
) -> Group:
    return group._replace(
        tags=group.tags if tags is None else tags,
        deleted=group.deleted if deleted is None else deleted,
    )


def set_experiment(
    experiment_name: str | None = None, experiment_id: str | None = None, **options: Any
) -> Experiment:
    """Choose the experiment of the runs that follow; one of a name that there is not yet is made.

    Raises:
        MlflowException: Not exactly one of the two is given, there is none of that id, or it was deleted.
    """
    global _active
    unknown = set(options) - {"trace_location"}
    if unknown:
        raise TypeError(f"set_experiment has no argument {sorted(unknown)[0]!r}.")
    if (experiment_name is None) == (experiment_id is None):
        raise MlflowException.invalid_parameter_value(
            "Must specify exactly one of: `experiment_id` or `experiment_name`."
        )
    found = get_experiment(experiment_id) if experiment_id is not None else _chosen(experiment_name)
    if found.lifecycle_stage != LifecycleStage.ACTIVE:
        raise MlflowException.invalid_parameter_value(
            f"Cannot set a deleted experiment {found.name!r} as the active experiment. Restore it, or choose another "
            "name."
        )
    _active = found.experiment_id
    _known[found.experiment_id] = found.name
    os.environ["MLFLOW_EXPERIMENT_ID"] = (
        found.experiment_id
    )  # for the programs that this one starts
    return found


def _chosen(name: str | None) -> Experiment:
    """The experiment of a name, made if it is not there; another process may be making it right now."""
    found = get_experiment_by_name(str(name))
    if found is None:
        try:
            create_experiment(str(name))
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        found = get_experiment_by_name(str(name))
    return found or _shown(_new(str(name)))


def of_folder(folder: str) -> str:
    """The id of the experiment whose runs lie in a folder."""
    names = [*_known.values(), *(group.name for group in _kept().all())]
    return id_of(next((name for name in names if project_of(name) == folder), folder))


def name_of(experiment_id: str) -> str:
    """The name of an experiment."""
    return _known.get(experiment_id) or get_experiment(experiment_id).name


def active_id() -> str:
    """The id of the experiment of the next run: what was chosen, or what the environment says, or Default."""
    if _active is not None:
        return _active
    name, given = (os.environ.get(f"MLFLOW_EXPERIMENT_{what}") for what in ("NAME", "ID"))
    if given:
        return get_experiment(given).experiment_id
    return _chosen(name).experiment_id if name else "0"
