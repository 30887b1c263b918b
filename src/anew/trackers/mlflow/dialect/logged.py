"""Logged models: models that MLflow keeps as things of their own, beside runs and the registry.

What is said of one is a document of the root's journal, as the server keeps it too. A model that is active is the one that the metrics which
follow in this thread are of.
"""

from __future__ import annotations

import os
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal

from ..translate.facts import milliseconds, point_time
from ..translate.filters import FilterMistake, in_order, parse_filter, parse_order
from ..translate.models import LoggedModel as Kept
from ..write import LoggedModels
from . import experiments, fluent, places
from .entities import LoggedModel, LoggedModelStatus, Metric, PagedList
from .exceptions import MlflowException, missing

if TYPE_CHECKING:
    import pandas

__all__ = [
    "ActiveModel",
    "clear_active_model",
    "create_external_model",
    "delete_logged_model",
    "delete_logged_model_tag",
    "finalize_logged_model",
    "get_active_model_id",
    "get_logged_model",
    "initialize_logged_model",
    "last_logged_model",
    "log_model_params",
    "measured",
    "search_logged_models",
    "set_active_model",
    "set_logged_model_tags",
]

_STATUS = {
    "LOGGED_MODEL_STATUS_UNSPECIFIED": LoggedModelStatus.UNSPECIFIED,
    "LOGGED_MODEL_PENDING": LoggedModelStatus.PENDING,
    "LOGGED_MODEL_READY": LoggedModelStatus.READY,
    "LOGGED_MODEL_UPLOAD_FAILED": LoggedModelStatus.FAILED,
}
_THERE = {status: name for name, status in _STATUS.items()}
_FIELDS = (
    "model_id", "name", "model_type", "status", "source_run_id", "creation_time", "creation_timestamp", "last_updated_timestamp",
)  # fmt: skip
_NOT_IN_NAMES = "/:.%\"'"
_PLACE = "anew.model.address"
_EXTERNAL = "mlflow.model.isExternal"
_VARIABLES = ("MLFLOW_ACTIVE_MODEL_ID", "_MLFLOW_ACTIVE_MODEL_ID")
_kept: dict[str, LoggedModels] = {}
_local = (
    threading.local()
)  # `active`: ids of models, the last one is meant; `last`: the id of the one made last


def _models() -> LoggedModels:
    root = places.root()
    if root not in _kept:
        _kept[root] = LoggedModels(root)
    return _kept[root]


def _shown(model: Kept) -> LoggedModel:
    group = experiments.id_of(model.experiment)
    where = os.path.join(places.root(), *experiments.project_of(model.experiment).split("/"))
    return LoggedModel(
        group, model.id, model.name, os.path.join(where, "models", model.id), milliseconds(model.created),
        milliseconds(model.changed), model.type or None, model.run or None,
        _STATUS.get(model.status, LoggedModelStatus.UNSPECIFIED), None, dict(model.tags), dict(model.params),
        _metrics(model) or None,
    )  # fmt: skip


def _metrics(model: Kept) -> list[Metric]:
    """The last points that runs logged for it."""
    store = places.store()
    last: dict[tuple[str, Any, Any], Metric] = {}
    for run in dict.fromkeys([model.run, *model.runs]):
        if store is None or not run or run not in store:
            continue
        view = store.get(run)
        for key, metric in view.metrics.items():
            for row in metric.rows():
                beside = row["metadata"] or {}
                if beside.get("model_id") != model.id:
                    continue
                data, digest = beside.get("dataset"), beside.get("dataset_digest")
                when = point_time(row["time"], beside)
                last[key, data, digest] = Metric(
                    key, row["value"], when, row["step"], model.id, data, digest, view.id
                )
    return list(last.values())


def _find(model_id: str) -> Kept:
    found = _models().find(str(model_id))
    if found is None or found.deleted:
        raise missing(f"Logged model with ID '{model_id}' not found.")
    return found


def _change(model_id: str, change: Callable[[Kept], Kept]) -> LoggedModel:
    return _shown(_models().keep(change(_find(model_id))))


def _texts(given: Mapping[str, Any] | None) -> dict[str, str]:
    return {str(key): str(value) for key, value in (given or {}).items()}


def made(
    name: str | None,
    source_run_id: str | None,
    tags: Mapping[str, Any] | None,
    params: Mapping[str, Any] | None,
    model_type: str | None,
    experiment_id: str | None,
    status: LoggedModelStatus,
) -> LoggedModel:
    """Make one.

    Raises:
        MlflowException: The name cannot be one.
    """
    model_id = f"m-{secrets.token_hex(16)}"
    label = name or f"model-{model_id[2:10]}"
    if any(sign in label for sign in _NOT_IN_NAMES):
        raise MlflowException.invalid_parameter_value(
            f"Invalid model name ({label!r}): it has none of / : . % \" '"
        )
    run = fluent.active_run()
    if source_run_id is None and run is not None:
        source_run_id = run.info.run_id
    if experiment_id is None:
        source = None if source_run_id is None else fluent.get_run(source_run_id)
        experiment_id = source.info.experiment_id if source else experiments.active_id()
    now = time.time()
    new = Kept(
        model_id, label, experiments.name_of(str(experiment_id)), source_run_id or "", source_run_id or "", model_type or "",
        _THERE[status], _texts(params), _texts(tags), created=now, changed=now,
    )  # fmt: skip
    return _shown(_models().keep(new))


def initialize_logged_model(
    name: str | None = None,
    source_run_id: str | None = None,
    tags: Mapping[str, Any] | None = None,
    params: Mapping[str, Any] | None = None,
    model_type: str | None = None,
    experiment_id: str | None = None,
) -> LoggedModel:
    """Make a logged model whose files are still to come; of the active run, if there is one."""
    model = made(
        name, source_run_id, tags, params, model_type, experiment_id, LoggedModelStatus.PENDING
    )
    _local.last = model.model_id
    return model


def create_external_model(
    name: str | None = None,
    source_run_id: str | None = None,
    tags: Mapping[str, Any] | None = None,
    params: Mapping[str, Any] | None = None,
    model_type: str | None = None,
    experiment_id: str | None = None,
) -> LoggedModel:
    """Make a logged model whose files are kept elsewhere."""
    tags = {_EXTERNAL: "true", **(tags or {})}
    model = made(
        name, source_run_id, tags, params, model_type, experiment_id, LoggedModelStatus.READY
    )
    _local.last = model.model_id
    return model


def kept_at(address: str, name: str, run_id: str, model_type: str | None) -> str | None:
    """Note that a run kept the files of a model at an address in it; its id, or None where the run is in no experiment of MLflow's."""
    label = "".join("_" if sign in _NOT_IN_NAMES else sign for sign in name)
    ready = LoggedModelStatus.READY
    try:
        model = made(label, run_id, {_PLACE: address}, None, model_type, None, ready)
    except MlflowException:
        return None
    _local.last = model.model_id
    return model.model_id


def place_of(model_id: str) -> str | None:
    """The address of the files of a logged model; None where there is none of that id, or its files are elsewhere."""
    found = _models().find(model_id) if model_id.startswith("m-") else None
    return None if found is None or found.deleted else found.tags.get(_PLACE)


def finalize_logged_model(
    model_id: str, status: Literal["READY", "FAILED"] | LoggedModelStatus
) -> LoggedModel:
    """Say whether its files have arrived."""
    try:
        said = LoggedModelStatus(status)
    except ValueError:
        raise MlflowException.invalid_parameter_value(
            f"A logged model becomes READY or FAILED, not {status!r}."
        ) from None
    return _change(model_id, lambda one: one._replace(status=_THERE[said], changed=time.time()))


def get_logged_model(model_id: str) -> LoggedModel:
    """One logged model.

    Raises:
        MlflowException: There is none of that id.
    """
    return _shown(_find(model_id))


def last_logged_model() -> LoggedModel | None:
    """The one that this thread made last; None if it made none."""
    last = getattr(_local, "last", None)
    found = None if last is None else _models().find(last)
    return None if found is None or found.deleted else _shown(found)


def delete_logged_model(model_id: str) -> None:
    """Show it no more."""
    _models().keep(_find(model_id)._replace(deleted=True))


def set_logged_model_tags(model_id: str, tags: Mapping[str, Any]) -> None:
    """Set tags."""
    _change(model_id, lambda one: one._replace(tags=one.tags | _texts(tags)))


def delete_logged_model_tag(model_id: str, key: str) -> None:
    """Remove a tag.

    Raises:
        MlflowException: It has no such tag.
    """
    if key not in _find(model_id).tags:
        raise missing(f"No tag with key {key!r} of model with ID {model_id!r}.")
    _change(
        model_id,
        lambda one: one._replace(tags={k: v for k, v in one.tags.items() if k != key}),
    )


def log_model_params(params: Mapping[str, Any], model_id: str | None = None) -> None:
    """Add parameters to a logged model; to the active one if none is named.

    Raises:
        MlflowException: None is named, and none is active.
    """
    model_id = model_id or get_active_model_id()
    if model_id is None:
        raise MlflowException.invalid_parameter_value(
            "Name a model, or set one active with set_active_model."
        )
    _change(model_id, lambda one: one._replace(params=one.params | _texts(params)))


def measured(model_id: str, run_id: str) -> None:
    """Note that a run logs metrics of a model, where there is one of that id."""
    found = _models().find(model_id)
    if found is not None and not found.deleted and run_id not in (found.run, *found.runs):
        _models().keep(found._replace(runs=(*found.runs, run_id)))


def find_models(
    experiment_ids: list[str],
    filter_string: str | None = None,
    datasets: list[dict[str, str]] | None = None,
    max_results: int | None = None,
    order_by: list[dict[str, Any]] | None = None,
) -> list[LoggedModel]:
    """The logged models of some experiments for which a filter is true, the newest first.

    Raises:
        MlflowException: The filter or the order cannot be read.
    """
    clauses = [
        f"{name if '.' in (name := str(one['field_name'])) else f'attributes.{name}'} "
        f"{'ASC' if one.get('ascending', True) else 'DESC'}"
        for one in order_by or ()
    ]
    try:
        conditions = parse_filter(filter_string, _FIELDS)
        order = parse_order(clauses, _FIELDS)
    except FilterMistake as error:
        raise MlflowException.invalid_parameter_value(str(error)) from error
    wanted = {str(one) for one in experiment_ids}
    kept = [
        one
        for one in _models().all()
        if not one.deleted and experiments.id_of(one.experiment) in wanted
    ]
    kept.sort(key=lambda one: (one.created, one.id), reverse=True)
    asked = datasets or []

    def values(one: LoggedModel, entity: str, name: str) -> list[Any]:
        if entity == "metric":
            return [p.value for p in _of_data(one, asked) if p.key == name]
        if entity in ("param", "tag"):
            held = one.params if entity == "param" else one.tags
            return [held[name]] if name in held else []
        name = {"creation_time": "creation_timestamp"}.get(name, name)
        found = getattr(one, name, None)
        return [] if found is None else [getattr(found, "value", found)]

    met = [
        one
        for one in map(_shown, kept)
        if all(c.holds(values(one, c.entity, c.name)) for c in conditions)
        and (not asked or _of_data(one, asked))
    ]
    found = list(in_order(met, order, values))
    return found if max_results is None else found[:max_results]


def _of_data(model: LoggedModel, datasets: list[dict[str, str]]) -> list[Metric]:
    """The metrics of a model, of some data sets if any are named."""
    return [
        one
        for one in model.metrics or ()
        if not datasets
        or any(
            one.dataset_name == data["dataset_name"]
            and data.get("dataset_digest") in (None, "", one.dataset_digest)
            for data in datasets
        )
    ]


def search_logged_models(
    experiment_ids: list[str] | None = None,
    filter_string: str | None = None,
    datasets: list[dict[str, str]] | None = None,
    max_results: int | None = None,
    order_by: list[dict[str, Any]] | None = None,
    output_format: Literal["pandas", "list"] = "pandas",
) -> pandas.DataFrame | list[LoggedModel]:
    """The logged models for which a filter is true, of the active experiment if none is named.

    Raises:
        MlflowException: The filter, the order or the format cannot be read.
    """
    if output_format not in ("pandas", "list"):
        raise MlflowException.invalid_parameter_value(
            f"Unsupported output format: {output_format!r}: 'pandas' or 'list'."
        )
    ids = experiment_ids or [experiments.active_id()]
    found = find_models(ids, filter_string, datasets, max_results, order_by)
    if output_format == "list":
        return PagedList(found)
    import pandas

    return pandas.DataFrame([one.to_dictionary() for one in found])


class ActiveModel(LoggedModel):
    """A logged model that is active; in a `with` statement until the block ends."""

    def __enter__(self) -> ActiveModel:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if len(_active()) > 1:
            _active().pop()
        else:
            _active().clear()


def _active() -> list[str]:
    if not hasattr(_local, "active"):
        _local.active = []
    found: list[str] = _local.active
    return found


def set_active_model(*, name: str | None = None, model_id: str | None = None) -> ActiveModel:
    """Have the metrics that this thread logs from now on be of a model; one of a new name is made.

    Raises:
        MlflowException: Neither a name nor an id is given, they are of two models, or there is none of that id.
    """
    if name is None and model_id is None:
        raise MlflowException.invalid_parameter_value("Either name or model_id must be provided")
    if model_id is not None:
        model = get_logged_model(model_id)
        if name is not None and model.name != name:
            raise MlflowException.invalid_parameter_value(
                f"Logged model with model_id {model_id!r} has name {model.name!r}, which does not match the provided name {name!r}."
            )
    else:
        assert name is not None
        text = name.replace("'", "''")
        found = find_models([experiments.active_id()], f"name = '{text}'", max_results=1)
        model = found[0] if found else create_external_model(name=name)
    _active().append(model.model_id)
    return ActiveModel(**dict(model))


def get_active_model_id() -> str | None:
    """The id of the active model: what this thread set, or what the environment says."""
    if _active():
        return _active()[-1]
    return next(filter(None, map(os.environ.get, _VARIABLES)), None)


def clear_active_model() -> None:
    """Have no model be active."""
    _active().clear()
    for name in _VARIABLES:
        os.environ.pop(name, None)
