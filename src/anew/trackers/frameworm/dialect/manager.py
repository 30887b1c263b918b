"""`ExperimentManager`: experiments found, compared and deleted, as frames."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from numbers import Real
from typing import TYPE_CHECKING, Any

import anew
from anew.errors import InvalidValue, NotFound

from . import frames

if TYPE_CHECKING:
    import pandas

__all__ = ["ExperimentManager"]

_OPERATORS = ("==", "!=", "<", "<=", ">", ">=")
_STATISTICS = ("last", "min", "max")


class ExperimentManager:
    """Finds, compares and deletes the experiments of a store; gives pandas frames.

    Wherever an id is asked for, an unambiguous start of one, a prefix, or a name that only one has will do.

    Args:
        root_dir: The store's root folder; where Anew keeps experiments anyway if not given.

    Raises:
        NotFound: There is no such folder.
    """

    def __init__(self, root_dir: str | os.PathLike[str] | None = None) -> None:
        self.store = anew.Store(root_dir)

    def list_experiments(
        self,
        status: str | None = None,
        tags: Iterable[str] | None = None,
        limit: int | None = None,
    ) -> pandas.DataFrame:
        """Experiments with the status and all the tags, newest first; a row each.

        The columns are `id`, `experiment_id`, `name`, `description`, `created_at`, `updated_at`, `status`, `git_hash`,
        `git_dirty`, `path` and `tags` (a JSON list); the first two are the same.
        """
        return frames.frame(
            self.store.list(status=status, tags=tags, limit=limit, reproductions=True)
        )

    def get_experiment(self, experiment_id: str) -> dict[str, Any]:
        """One experiment: the columns of `list_experiments`, `config` by dotted key, and `metrics_summary`.

        Raises:
            NotFound: There is no such experiment.
        """
        view = self.store.get(experiment_id)
        return {
            **frames.row(view),
            "config": {} if view.config is None else view.config.flat(),
            "metrics_summary": {
                name: {
                    "metric_name": name,
                    "count": metric.count,
                    "min_value": metric.min,
                    "max_value": metric.max,
                    "avg_value": metric.mean,
                }
                for name, metric in view.metrics.items()
                if not name.startswith("system/")
            },
        }

    def compare_experiments(
        self, experiment_ids: Sequence[str], metrics: Sequence[str] | None = None
    ) -> pandas.DataFrame:
        """A row per experiment in the order asked for: `experiment_id`, `name`, `status`, `created_at`, metrics.

        Args:
            metrics: A column each, with the last value; all that any of them logged if not given.

        Raises:
            NotFound: Some are unknown (the message names them), or none logged one of the metrics.
        """
        unknown = [one for one in experiment_ids if one not in self.store]
        if unknown:
            raise NotFound(
                f"There is no experiment {', '.join(map(repr, unknown))}. List the experiments with list_experiments().",
                name=unknown[0],
            )
        found = self.store.compare(experiment_ids, metrics)
        pd = frames.pandas_module()
        rows = [
            {
                "experiment_id": one["id"],
                "name": one["name"],
                "status": one["status"],
                "created_at": pd.Timestamp(one["created_at"], unit="s", tz="UTC"),
                **{
                    m: of[one["id"]]["latest"] for m, of in found.metrics.items() if one["id"] in of
                },
            }
            for one in found.experiments
        ]
        columns = ["experiment_id", "name", "status", "created_at", *found.metrics]
        frame: pandas.DataFrame = pd.DataFrame(rows, columns=columns)
        return frame

    def search_experiments(
        self,
        config_filter: Mapping[str, Any] | None = None,
        metric_filter: Mapping[str, Sequence[Any]] | None = None,
    ) -> pandas.DataFrame:
        """Experiments that meet every condition, newest first; columns as `list_experiments`.

        Args:
            config_filter: Dotted keys of the configuration and what they must equal.
            metric_filter: Metrics and `(operator, value)` for their last value, or `(operator, value, "min")` and
                `(…, "max")` for the smallest and largest. Operators are == != < <= > >=.

        Raises:
            InvalidValue: A condition cannot be read.
            QueryError: A key or metric that no experiment has.
        """
        conditions, later = [], {}
        for key, value in (config_filter or {}).items():
            if isinstance(value, (str, bool, int, float)):
                conditions.append(f"config[{_quoted(key)}] == {_literal(value)}")
            else:  # compared as they are
                later[key] = value
        conditions += [_metric_condition(n, c) for n, c in (metric_filter or {}).items()]
        if not len(self.store):
            return frames.frame([])
        views = self.store.search(" and ".join(conditions), reproductions=True)
        return frames.frame(
            [
                view
                for view in views
                if all(
                    view.config is not None and key in view.config and view.config[key] == value
                    for key, value in later.items()
                )
            ]
        )

    def get_metric_history(self, experiment_id: str, metric_name: str) -> pandas.DataFrame:
        """A row per point by step: `epoch`, `step`, `metric_value`, `metric_type`, `timestamp`; none if never logged.

        Raises:
            NotFound: There is no such experiment.
        """
        columns = ["epoch", "step", "metric_value", "metric_type", "timestamp"]
        points = frames.points(self.store.get(experiment_id), metric_name)
        frame: pandas.DataFrame = frames.pandas_module().DataFrame(points, columns=columns)
        return frame.sort_values("step", kind="stable", ignore_index=True)

    def delete_experiment(self, experiment_id: str) -> None:
        """Put an experiment in the trash, from where `anew restore` takes it back.

        Raises:
            NotFound: There is no such experiment.
            StillRunning: It is being written.
        """
        self.store.delete(experiment_id)

    def print_summary(self) -> None:
        """Print how many experiments there are, by status, and the newest five."""
        summary = self.store.summary()
        print(f"{summary.total} experiments")
        for status, count in summary.by_status.items():
            if count:
                print(f"  {status}: {count}")
        if summary.total:
            print(frames.table(self.list_experiments(limit=5)))


def _metric_condition(name: str, condition: Sequence[Any]) -> str:
    parts = [] if isinstance(condition, str) else list(condition)
    if len(parts) not in (2, 3):
        raise InvalidValue(
            f"The condition on {name!r} must be (operator, value) or (operator, value, 'min'), not {condition!r}.",
            key=name,
        )
    operator, value, statistic = (*parts, "last")[:3]
    if operator not in _OPERATORS:
        raise InvalidValue(
            f"The operator must be one of {', '.join(_OPERATORS)}, not {operator!r}.", key=name
        )
    if statistic not in _STATISTICS:
        raise InvalidValue(
            f"The statistic of a condition must be one of {', '.join(_STATISTICS)}, not {statistic!r}.",
            key=name,
        )
    if isinstance(value, bool) or not isinstance(value, Real):
        raise InvalidValue(f"A metric must be compared with a number, not {value!r}.", key=name)
    return f"metrics[{_quoted(name)}].{statistic} {operator} {float(value)!r}"


def _quoted(text: str) -> str:
    for plain, escaped in (("\\", "\\\\"), ("'", "\\'"), ("\n", "\\n"), ("\t", "\\t")):
        text = text.replace(plain, escaped)
    return f"'{text}'"


def _literal(value: str | bool | float) -> str:
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, bool):
        return str(value).lower()
    # numpy's float64 is a float too, and says so of itself.
    return repr(float(value) if isinstance(value, float) else value)
