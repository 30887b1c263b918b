"""Finding runs and experiments."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Literal

from anew.errors import QueryError

from ..translate.facts import DEFAULT
from ..translate.filters import (
    Condition,
    FilterMistake,
    Order,
    in_order,
    parse_filter,
    parse_order,
)
from . import experiments, places
from .entities import Experiment, PagedList, Run, ViewType
from .exceptions import MlflowException
from .runs import experiment_of, run_of, stages_of

if TYPE_CHECKING:
    import pandas

    from anew import Store

    from ..translate.question import Asked

__all__ = ["find_runs", "of_run", "search_experiments", "search_runs"]

_RUN = ("run_id", "run_name", "status", "artifact_uri", "user_id", "start_time", "end_time")
_EXPERIMENT = ("name", "experiment_id", "creation_time", "last_update_time")


def of_run(run: Run, entity: str, name: str) -> list[Any]:
    """The values of a field of a run; none if it has none."""
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

    The store answers the filter and the order, as far as they can be said in its language; what cannot be said is asked of
    the runs that are left (`translate.question`).

    Raises:
        MlflowException: The filter or the order cannot be read.
    """
    with _read():
        conditions = parse_filter(filter_string, _RUN)
        order = parse_order(order_by, _RUN)
    store = places.store()
    if store is None or not stages_of(run_view_type):
        return []
    from ..translate import question

    ids = None if experiment_ids is None else [str(one) for one in experiment_ids]
    scope = _scope(ids)
    said = {condition: question.asked(condition) for condition in map(_hashable, conditions)}
    whole = question.all_of([scope, *said.values()])
    left = [condition for condition in said if not said[condition].exact]

    def found(views: Iterable[Any]) -> Iterator[Run]:
        for view in views:
            if scope.exact or ids is None or experiment_of(view) in ids:
                run = run_of(view)
                if all(one.holds(of_run(run, one.entity, one.name)) for one in left):
                    yield run

    limit = max_results if whole.exact else None
    if not order:
        return list(itertools.islice(found(_asked(store, whole.expression, limit)), max_results))
    if len(order) == 1 and order[0].entity == "metric":
        parts = _by_metric(store, whole, order[0], limit)
        return list(itertools.islice(found(itertools.chain.from_iterable(parts)), max_results))
    everything = in_order(found(_asked(store, whole.expression, None)), order, of_run)
    return everything if max_results is None else everything[:max_results]


def _hashable(condition: Condition) -> Condition:
    entity, name, sign, value = condition
    return Condition(entity, name, sign, tuple(value) if isinstance(value, list) else value)


def _scope(experiment_ids: list[str] | None) -> Asked:
    """What a store is asked for the runs of some experiments; of all if None."""
    from ..translate import question

    if experiment_ids is None:
        return question.Asked(None, True)
    inside = []
    for experiment_id in dict.fromkeys(experiment_ids):
        with contextlib.suppress(MlflowException):  # MLflow finds no runs where there is none
            name = experiments.name_of(experiment_id)
            inside.append(question.inside(experiments.project_of(name), lone=name == DEFAULT))
    return question.any_of(inside)


def _asked(store: Store, expression: Any, limit: int | None) -> Iterable[Any]:
    if expression is None:
        return store.list(limit=limit, reproductions=True)
    return store.search(expression, limit=limit, reproductions=True)


def _by_metric(
    store: Store, whole: Asked, order: Order, limit: int | None
) -> Iterator[Iterable[Any]]:
    """The runs with a number in the metric, in its order; then those with NaN; then those without it."""
    from ..translate import question

    numbers, nan, missing = question.by_metric(order.name)
    sort = ("-" if order.descending else "") + question.metric_path(order.name)
    first = question.all_of([whole, question.Asked(numbers, True)]).expression
    assert first is not None
    try:
        yield store.search(first, sort=[sort, "-created_at"], limit=limit, reproductions=True)
    except QueryError:
        pass  # no run has the metric
    for rest in (nan, missing):
        yield _asked(store, question.all_of([whole, question.Asked(rest, True)]).expression, limit)


@contextlib.contextmanager
def _read() -> Iterator[None]:
    try:
        yield
    except FilterMistake as error:
        raise MlflowException.invalid_parameter_value(str(error)) from error


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
    with _read():
        conditions = parse_filter(filter_string, _EXPERIMENT)
        order = parse_order(order_by, _EXPERIMENT)
    met = (
        one
        for one in experiments.all_experiments(view_type)
        if all(c.holds(_of_experiment(one, c.entity, c.name)) for c in conditions)
    )
    found = in_order(met, order, _of_experiment)
    return PagedList(found if max_results is None else found[:max_results])
