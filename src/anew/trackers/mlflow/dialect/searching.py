"""Finding runs and experiments."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal

from . import experiments
from .entities import Experiment, PagedList, Run, ViewType
from .exceptions import MlflowException
from .filters import matcher, sorted_by
from .narrowing import narrower
from .runs import run_of, stages_of, views_of

if TYPE_CHECKING:
    import pandas

__all__ = ["find_runs", "search_experiments", "search_runs"]

_RUN = ("run_id", "run_name", "status", "artifact_uri", "user_id", "start_time", "end_time")
_EXPERIMENT = ("name", "experiment_id", "creation_time", "last_update_time")


def _of_run(run: Run, entity: str, name: str) -> list[Any]:
    if entity == "attribute":
        value = getattr(run.info, name)
        return [] if value is None else [value]
    if entity == "dataset":
        inputs = run.inputs.dataset_inputs
        if name == "context":
            return [t.value for i in inputs for t in i.tags if t.key == "mlflow.data.context"]
        return [getattr(one.dataset, name) for one in inputs]
    held: Any = {"metric": run.data.metrics, "param": run.data.params, "tag": run.data.tags}[entity]
    return [held[name]] if name in held else []


def _of_experiment(experiment: Experiment, entity: str, name: str) -> list[Any]:
    if entity == "tag":
        return [experiment.tags[name]] if name in experiment.tags else []
    value = getattr(experiment, name, None)
    return [] if value is None or entity != "attribute" else [value]


def find_runs(
    experiment_ids: Iterable[str] | None,
    filter_string: str | None = "",
    run_view_type: int = ViewType.ACTIVE_ONLY,
    max_results: int | None = None,
    order_by: Iterable[str] | None = None,
) -> list[Run]:
    """The runs of some experiments for which a filter is true, newest first if no order is given.

    Raises:
        MlflowException: The filter or the order cannot be read.
    """
    ask = matcher(filter_string, _RUN, _of_run)
    sorted_by([], order_by, _RUN, _of_run)  # a mistake in it is told also where nothing is found
    if not stages_of(run_view_type):
        return []
    chosen = None if experiment_ids is None else [str(one) for one in experiment_ids]
    views = views_of(chosen, narrower(ask.conditions))
    matching = (run for run in map(run_of, views) if ask(run))
    if not order_by:  # they come newest first: no more are read than are wanted
        return list(itertools.islice(matching, max_results))
    found = sorted_by(list(matching), order_by, _RUN, _of_run)
    return found if max_results is None else found[:max_results]


def search_runs(
    experiment_ids: list[str] | None = None,
    filter_string: str = "",
    run_view_type: int = ViewType.ACTIVE_ONLY,
    max_results: int | None = 100_000,
    order_by: list[str] | None = None,
    output_format: Literal["pandas", "list"] = "pandas",
    search_all_experiments: bool = False,
    experiment_names: list[str] | None = None,
) -> pandas.DataFrame | list[Run]:
    """The runs for which a filter is true: `search_runs(filter_string="metrics.acc > 0.9 and params.lr = '0.1'")`.

    Args:
        experiment_ids: Where to look; in the active experiment if neither these nor names are given.
        order_by: Such as `["metrics.acc DESC"]`; the newest first if not given.
        output_format: "pandas" for a frame with the columns `run_id`, `experiment_id`, `status`, `artifact_uri`,
            `start_time`, `end_time`, `metrics.<name>`, `params.<name>` and `tags.<name>`; "list" for `Run`s.
        search_all_experiments: Look in all experiments.

    Raises:
        MlflowException: The filter or the order cannot be read, or both ids and names are given.
    """
    if experiment_ids and experiment_names:
        raise MlflowException.invalid_parameter_value(
            "Only experiment_ids or experiment_names can be used, but not both"
        )
    if output_format not in ("pandas", "list"):
        raise ValueError(
            f"Unsupported output format: {output_format}. Supported string values are 'pandas' or 'list'"
        )
    if experiment_names:
        ids: list[str] | None = [
            one.experiment_id
            for name in experiment_names
            if (one := experiments.get_experiment_by_name(name)) is not None
        ]
    elif experiment_ids:
        ids = list(experiment_ids)
    else:
        ids = None if search_all_experiments else [experiments.active_id()]
    runs = find_runs(ids, filter_string, run_view_type, max_results, order_by)
    return runs if output_format == "list" else frame(runs)


def frame(runs: list[Run]) -> pandas.DataFrame:
    """Runs as a frame, a row for each; what a run did not log is NaN or None."""
    import pandas

    facts = ("run_id", "experiment_id", "status", "artifact_uri")
    data: dict[str, Any] = {name: [getattr(run.info, name) for run in runs] for name in facts}
    for name in ("start_time", "end_time"):
        times = [getattr(run.info, name) for run in runs]
        data[name] = pandas.to_datetime(times, unit="ms", utc=True)
    for kind, absent in (("metrics", float("nan")), ("params", None), ("tags", None)):
        held = [getattr(run.data, kind) for run in runs]
        for key in dict.fromkeys(key for one in held for key in one):
            data[f"{kind}.{key}"] = [one.get(key, absent) for one in held]
    return pandas.DataFrame(data)


def search_experiments(
    view_type: int = ViewType.ACTIVE_ONLY,
    max_results: int | None = None,
    filter_string: str | None = None,
    order_by: list[str] | None = None,
) -> list[Experiment]:
    """The experiments for which a filter is true, newest first: `search_experiments(filter_string="name LIKE 'a%'")`."""
    ask = matcher(filter_string, _EXPERIMENT, _of_experiment)
    found = [one for one in experiments.all_experiments(view_type) if ask(one)]
    found = sorted_by(found, order_by, _EXPERIMENT, _of_experiment)
    return PagedList(found if max_results is None else found[:max_results])
