"""MLflow's experiments: projects here, each with a small document in the store's `.mlflow/` folder."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Mapping
from typing import Any

from ...places import safe_path, safe_segment
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
    "project_of",
    "restore_experiment",
    "set_experiment",
    "set_tags",
]

_DEFAULT = "Default"
_active: str | None = None
# Names by id of what this process made or chose: also where nothing is written.
_known: dict[str, str] = {"0": _DEFAULT}


def id_of(name: str) -> str:
    """The id of an experiment: the same for a name wherever it is made, so that programs that start at once agree."""
    if name == _DEFAULT:
        return "0"
    digest = int.from_bytes(hashlib.sha256(name.encode("utf-8", "replace")).digest()[:8], "big")
    return str(10**17 + digest % (9 * 10**17))


def project_of(name: str) -> str:
    """The project that an experiment's runs lie in; slashes in its name are folders."""
    return name if safe_path(name) == name else safe_segment(name, first=True)


def _file(experiment_id: str) -> str:
    if not experiment_id.isdigit():
        raise MlflowException.invalid_parameter_value(
            f"Invalid experiment ID {experiment_id!r}. Experiment ID must be a valid integer."
        )
    return os.path.join(places.root(), ".mlflow", "experiments", f"{experiment_id}.json")


def _read(experiment_id: str) -> Experiment | None:
    try:
        with open(_file(experiment_id), encoding="utf-8") as file:
            known = json.load(file)
        return Experiment(**{key: known[key] for key in Experiment.__dataclass_fields__})
    except FileNotFoundError:
        return _new(_DEFAULT, None, {}) if experiment_id == "0" else None
    except (ValueError, KeyError, TypeError) as error:
        raise MlflowException(f"{_file(experiment_id)} is damaged: {error}") from error


def _write(experiment: Experiment) -> None:
    if os.environ.get("ANEW_MODE") == "disabled":
        return
    path = _file(experiment.experiment_id)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    temporary = f"{path}.{os.getpid()}.{time.monotonic_ns()}.part"
    with open(temporary, "x", encoding="utf-8") as file:
        json.dump(dict(experiment), file, indent=2, ensure_ascii=False)
    os.replace(temporary, path)


def _new(name: str, artifact_location: str | None, tags: Mapping[str, Any]) -> Experiment:
    now = int(time.time() * 1000)
    where = artifact_location or os.path.join(places.root(), *project_of(name).split("/"))
    plain = {str(key): str(value) for key, value in tags.items()}
    return Experiment(id_of(name), name, where, LifecycleStage.ACTIVE, plain, now, now)


def create_experiment(
    name: str, artifact_location: str | None = None, tags: Mapping[str, Any] | None = None
) -> str:
    """Make an experiment; returns its id.

    Raises:
        MlflowException: There is one of that name, or the name is no name.
    """
    if not isinstance(name, str) or not name.strip():
        raise MlflowException.invalid_parameter_value(f"Invalid experiment name: {name!r}.")
    if get_experiment_by_name(name) is not None:
        raise MlflowException(f"Experiment(name={name}) already exists.", "RESOURCE_ALREADY_EXISTS")
    experiment = _new(name, artifact_location, tags or {})
    _write(experiment)
    _known[experiment.experiment_id] = name
    return experiment.experiment_id


def get_experiment(experiment_id: str) -> Experiment:
    """The experiment with that id.

    Raises:
        MlflowException: There is none.
    """
    found = _read(str(experiment_id))
    if found is None:
        raise missing(f"No Experiment with id={experiment_id} exists")
    return found


def get_experiment_by_name(name: str) -> Experiment | None:
    """The experiment of that name, or None."""
    found = _read(id_of(str(name)))
    return found if found is not None and found.name == name else None


def all_experiments(view_type: int = ViewType.ACTIVE_ONLY) -> list[Experiment]:
    """The experiments of the store, newest first."""
    folder = os.path.dirname(_file("0"))
    ids = {"0"}
    if os.path.isdir(folder):
        ids |= {name[:-5] for name in os.listdir(folder) if name.endswith(".json")}
    stages = {
        ViewType.ACTIVE_ONLY: (LifecycleStage.ACTIVE,),
        ViewType.DELETED_ONLY: (LifecycleStage.DELETED,),
    }.get(view_type, (LifecycleStage.ACTIVE, LifecycleStage.DELETED))
    found = [one for one in map(_read, sorted(ids)) if one and one.lifecycle_stage in stages]
    # Default is always there, and the oldest.
    return sorted(
        found, key=lambda one: (one.experiment_id != "0", one.creation_time or 0), reverse=True
    )


def _change(experiment_id: str, **changes: Any) -> None:
    found = get_experiment(experiment_id)
    for name, value in changes.items():
        setattr(found, name, value)
    found.last_update_time = int(time.time() * 1000)
    _write(found)


def delete_experiment(experiment_id: str) -> None:
    """Hide an experiment; its runs stay where they are."""
    _change(experiment_id, lifecycle_stage=LifecycleStage.DELETED)


def restore_experiment(experiment_id: str) -> None:
    """Show an experiment again that was deleted."""
    _change(experiment_id, lifecycle_stage=LifecycleStage.ACTIVE)


def set_tags(experiment_id: str, tags: Mapping[str, Any]) -> None:
    """Set tags of an experiment."""
    known = get_experiment(experiment_id).tags
    _change(experiment_id, tags=known | {str(key): str(value) for key, value in tags.items()})


def delete_experiment_tag(key: str, experiment_id: str | None = None) -> None:
    """Remove a tag of an experiment, the active one unless another is meant."""
    chosen = experiment_id or active_id()
    known = get_experiment(chosen).tags
    _change(chosen, tags={name: value for name, value in known.items() if name != key})


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
    if experiment_id is not None:
        found = get_experiment(experiment_id)
    else:
        assert experiment_name is not None
        known = get_experiment_by_name(experiment_name)
        found = (
            known or _read(create_experiment(experiment_name)) or _new(experiment_name, None, {})
        )
    if found.lifecycle_stage != LifecycleStage.ACTIVE:
        raise MlflowException.invalid_parameter_value(
            f"Cannot set a deleted experiment {found.name!r} as the active experiment. Restore it, or choose another "
            "name."
        )
    _active = found.experiment_id
    _known[found.experiment_id] = found.name
    return found


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
    if name:
        found = get_experiment_by_name(name)
        return found.experiment_id if found else create_experiment(name)
    return "0"
