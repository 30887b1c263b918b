"""What a run is told to keep: metrics, parameters, tags, artifacts, tables, data sets."""

from __future__ import annotations

import contextlib
import numbers
import os
import posixpath
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

import anew
from anew import Status
from anew.errors import AnewError

from ...around import opened_by_a_dialect
from ...places import safe_path
from ..translate import facts as translated
from . import places
from .exceptions import MlflowException
from .runs import dataset_record, view_of

__all__ = [
    "OPEN",
    "Done",
    "check_batch",
    "delete_tag",
    "forget",
    "log_inputs",
    "log_metrics",
    "log_params",
    "save",
    "save_folder",
    "set_tags",
    "tag",
    "writing",
]

OPEN: dict[str, anew.Experiment] = {}
"""The runs that this process writes, by their ids."""

_logged: dict[str, dict[str, str]] = {}
_inputs: dict[str, list[dict[str, Any]]] = {}


def forget(run_id: str) -> None:
    """A run has ended: nothing of it is held on to."""
    for known in (OPEN, _logged, _inputs):
        known.pop(run_id, None)


class Done:
    """What an asynchronous call of MLflow gives: here it is done when it returns."""

    def wait(self) -> None:
        """Nothing is left to wait for."""


@contextlib.contextmanager
def writing(run_id: str) -> Iterator[anew.Experiment]:
    """The handle of a run by its id.

    A run that has ended is continued and then ends as it had; one that another process began stays open here.

    Raises:
        MlflowException: There is no such run.
    """
    native = OPEN.get(run_id)
    if native is not None and native.status is Status.RUNNING:
        yield native
        return
    view = view_of(run_id)
    prefix, resume = again(view)
    native = anew.Experiment(prefix=prefix, resume=resume, root=places.root())
    opened_by_a_dialect(native)
    native.run.start()
    remember_inputs(view)
    if not view.status.ended:
        OPEN[run_id] = native
        yield native
        return
    try:
        yield native
    finally:
        if view.status is Status.FAILED:
            native.run.fail(view.reason)
        elif view.status is Status.CANCELLED:
            native.run.cancel(view.reason)
        else:
            native.run.complete()


def again(view: Any) -> tuple[str | None, str]:
    """The prefix and `resume` that open an experiment again: what MLflow began has its id in its prefix."""
    if view.prefix.endswith(f"-{view.id}"):
        return view.prefix, "allow"
    return None, view.id


def remember_inputs(view: Any) -> None:
    """What an earlier opening of a run said that it reads."""
    facts = view.captured.get("mlflow inputs") or {}
    _inputs[view.id] = list(facts.get("datasets", []))


@contextlib.contextmanager
def told() -> Iterator[None]:
    """A name or a value that cannot be kept raises what programs for MLflow expect."""
    try:
        yield
    except MlflowException:
        raise
    except (AnewError, OverflowError) as error:
        raise MlflowException.invalid_parameter_value(str(error)) from error


def log_metrics(
    native: anew.Experiment,
    metrics: Mapping[str, Any],
    step: Any = None,
    timestamp: int | None = None,
    **facts: Any,
) -> None:
    """Log points exactly as they are; a time of their own (in milliseconds) is kept beside them."""
    beside = {name: value for name, value in facts.items() if value is not None}
    beside |= translated.time_metadata(timestamp)
    with told():
        native.log_metrics(dict(metrics), 0 if step is None else int(step), metadata=beside or None)


def log_params(native: anew.Experiment, params: Mapping[str, Any]) -> None:
    """Set parameters, each once.

    Raises:
        MlflowException: One was set before, to another value; then none is set.
    """
    known = _logged.setdefault(native.id, {}) if native.folder else {}
    if not known:
        known.update(translated.param_texts(native.params.get()))
    new = translated.by_name(params)
    for key, value in new.items():
        before = known.get(key, str(value))
        if before not in (str(value), "***"):
            raise MlflowException.invalid_parameter_value(
                "Changing param values is not allowed. Param with "
                f"key='{key}' was already logged with value='{before}' for run ID='{native.id}'. "
                f"Attempted logging new value '{value}'. Use a separate run (nested=True) for another value."
            )
    taken = {*known, *new}
    kept = {translated.param_name(key, taken): value for key, value in new.items()}
    with told():
        native.params.set(kept)
    known.update({key: str(value) for key, value in new.items()})


def set_tags(native: anew.Experiment, tags: Mapping[str, Any]) -> None:
    """Set tags; those that mean a run's name or description set these."""
    given = translated.meaning(tags)
    with told():
        if given.description is not None:
            native.set_description(given.description)
        if given.tags:
            native.add_tags(given.tags)
        if given.name is not None and native.folder:
            rename(native.id, given.name)


def tag(run_id: str, tags: Mapping[str, Any]) -> None:
    """Set tags of a run by its id; one that has ended is not opened again for it."""
    store = places.store()
    if run_id not in OPEN and store is not None and (view := view_of(run_id)).status.ended:
        given = translated.meaning(tags)
        with told():
            if given.description is not None:
                store.describe(view.id, given.description)
            if given.name is not None:
                store.rename(view.id, given.name)
            if given.tags:
                store.tag(view.id, given.tags)
        return
    with writing(run_id) as native:
        set_tags(native, tags)


def rename(run_id: str, name: str) -> None:
    """Give a run another name."""
    store = places.store()
    if store is not None:
        with told():
            store.rename(run_id, name)


def delete_tag(native: anew.Experiment, key: str) -> None:
    """Remove a tag.

    Raises:
        MlflowException: There is none of that name.
    """
    if key not in native.tags and native.folder:
        raise MlflowException(
            f"No tag with name: {key} in run with id {native.id}", "RESOURCE_DOES_NOT_EXIST"
        )
    native.remove_tags([key])


# -- artifacts -------------------------------------------------------------------------------------


def checked(path: str) -> str:
    """An artifact's path in its plain form.

    Raises:
        MlflowException: It is absolute, or leads upwards, or is empty.
    """
    given = str(path).replace("\\", "/")
    plain = PurePosixPath(posixpath.normpath(given) if given else "")
    if plain.is_absolute() or ".." in plain.parts or str(plain) == "." or "\0" in given:
        raise MlflowException.invalid_parameter_value(
            f"Invalid artifact path: {path!r}. It must be a relative path that stays below the run's artifacts."
        )
    return str(plain)


def save(native: anew.Experiment, path: str, data: Any) -> None:
    """Keep a file, bytes or a text under a path among the artifacts."""
    plain = checked(path)
    safe = safe_path(plain)
    prefix, _, name = safe.rpartition("/")
    metadata = None if safe == plain else translated.file_metadata(plain)
    source = data.encode("utf-8", "surrogateescape") if isinstance(data, _Text) else data
    with told():
        native.files(prefix).save(source, name, metadata=metadata)


class _Text(str):
    """A text that is kept as it is, where a plain one would be a path."""

    __slots__ = ()


def save_text(native: anew.Experiment, path: str, text: str) -> None:
    """Keep a text as a file."""
    save(native, path, _Text(text))


def save_folder(native: anew.Experiment, folder: str, artifact_path: str | None) -> None:
    """Keep all files of a folder under a path among the artifacts."""
    for parent, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            full = os.path.join(parent, name)
            if os.path.isfile(full):
                inside = os.path.relpath(full, folder).replace(os.sep, "/")
                save(native, f"{artifact_path}/{inside}" if artifact_path else inside, full)


def check_batch(metrics: Sequence[Any], params: Sequence[Any], tags: Sequence[Any]) -> None:
    """Refuse what cannot be logged, before any of it is.

    Raises:
        MlflowException: It says what.
    """
    for kind, entries in (("metrics", metrics), ("params", params), ("tags", tags)):
        for at, one in enumerate(entries):
            if one.key is None or one.key.startswith(("/", "../")) or "/../" in one.key:
                raise MlflowException.invalid_parameter_value(
                    f"Invalid value {one.key!r} for parameter '{kind}[{at}].name' supplied: a name is needed that is no path outside."
                )
    for at, one in enumerate(metrics):
        for what in ("value", "timestamp"):
            if not isinstance(getattr(one, what), numbers.Real):
                raise MlflowException.invalid_parameter_value(
                    f"Invalid value {getattr(one, what)!r} for parameter 'metrics[{at}].{what}' supplied: a number is needed."
                )
    values: dict[str, str] = {}
    for one in params:
        if values.setdefault(one.key, str(one.value)) != str(one.value):
            raise MlflowException.invalid_parameter_value(
                f"Duplicate parameter keys have been submitted: {one.key!r} has two values."
            )


def log_inputs(
    native: anew.Experiment, datasets: list[tuple[Any, str | None, Mapping[str, Any] | None]]
) -> None:
    """Keep which data a run reads; a source that is a file of this machine is hashed as an input too."""
    known = _inputs.setdefault(native.id, []) if native.folder else []
    for dataset, context, tags in datasets:
        plain = {str(key): str(value) for key, value in (tags or {}).items()}
        if context:
            plain["mlflow.data.context"] = context
        entity = dataset.to_entity() if hasattr(dataset, "to_entity") else dataset
        known.append(dataset_record(entity, plain))
        source = getattr(dataset, "path", None)
        if source and native.folder:
            native.inputs.add(source, entity.name)
    native.capture("mlflow inputs", {"datasets": known})
