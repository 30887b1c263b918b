"""Experiments as the columns of a table: which ones tell most, and their cells."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from ..plots.labels import differing, flat
from ..plots.sparklines import sparkline
from ..query.fields import Fact, Labels, Metric
from ..reading.fields import field_of, settings_of, value_of
from .output import Output
from .table import Column
from .words import ago, duration, number, one_line, shortened, value

if TYPE_CHECKING:
    from ..reading.views import ExperimentView
    from ..store import Store

__all__ = [
    "STATUS_STYLES",
    "experiment_columns",
    "experiment_json",
    "headline_metrics",
    "sparklines",
]

STATUS_STYLES = {
    "running": "cyan",
    "completed": "green",
    "failed": "red",
    "cancelled": "yellow",
    "pending": "dim",
}
_MOST_PARAMS = 4
_MOST_METRICS = 3
SPARK_WIDTH = 12
MOST_TEXT = 60
# So many experiments decide on the columns for all of them.
_SAMPLE = 500
MOST_SPARKLINES = 100


def experiment_json(view: ExperimentView) -> dict[str, Any]:
    """One experiment as `--json` shows it in a list."""
    return {
        "id": view.id,
        "prefix": view.prefix,
        "name": view.name,
        "status": str(view.status),
        "reason": view.reason,
        "created_at": view.created_at,
        "started_at": view.started_at,
        "ended_at": view.ended_at,
        "duration": view.duration,
        "user": view.user,
        "host": view.host,
        "tags": dict(view.tags),
        "params": flat(view.params),
        "config": None if view.config is None else flat(view.config),
        "metrics": {
            name: {
                "last": metric.last,
                "last_step": metric.last_step,
                "min": metric.min,
                "max": metric.max,
                "count": metric.count,
            }
            for name, metric in view.metrics.items()
        },
        "parent": view.parent,
        "path": str(view.path),
    }


def headline_metrics(views: Sequence[ExperimentView], most: int = _MOST_METRICS) -> list[str]:
    """The metrics that say most about the experiments together.

    Those that most of them logged; among equals, results on held-out data, then losses and accuracies,
    then those logged first. Metrics of the machine (`system/…`) never are.
    """
    counts: Counter[str] = Counter()
    order: dict[str, int] = {}
    for view in views:
        for name in view.metrics:
            if not name.startswith("system/"):
                counts[name] += 1
                order.setdefault(name, len(order))

    def telling(name: str) -> int:
        lower = name.lower()
        held_out = any(word in lower for word in ("val", "test", "eval", "dev"))
        result = any(word in lower for word in ("loss", "acc", "error", "f1", "auc", "reward"))
        dull = any(word in lower for word in ("epoch", "lr", "time", "step", "learning_rate"))
        return 4 * dull - 2 * result - held_out

    ranked = sorted(counts, key=lambda name: (-counts[name], telling(name), order[name]))
    return ranked[:most]


def sparklines(
    store: Store, views: Sequence[ExperimentView], metrics: Sequence[str], out: Output
) -> dict[tuple[str, str], str]:
    """Sparklines by experiment id and metric."""
    having = [view for view in views if any(name in view.metrics for name in metrics)]
    if not having or not metrics:
        return {}
    history = store.history([view.id for view in having], list(metrics), points=4 * SPARK_WIDTH)
    return {
        (series.experiment_id, series.metric): sparkline(
            series.values.tolist(), SPARK_WIDTH, ascii_only=out.ascii_only
        )
        for series in history
    }


def experiment_columns(
    store: Store,
    views: Sequence[ExperimentView],
    out: Output,
    *,
    wanted: Sequence[str] = (),
    metrics: Sequence[str] | None = None,
    sparks: bool = True,
    now: float | None = None,
) -> list[Column]:
    """The table of experiments.

    Args:
        wanted: Fields to show instead of the chosen ones, such as "params.lr" or "metrics.val_loss.min".
        metrics: The metrics to show when `wanted` does not say.
        sparks: Whether metrics have a sparkline beside their last value.
    """
    now = time.time() if now is None else now
    columns = [_id(views), _name(views)]
    if wanted:
        return columns[:1] + [_field(store, views, field, now) for field in wanted]
    columns += [
        _status(views),
        Column("CREATED", [ago(v.created_at, now) for v in views], True, 6, styles="dim"),
        Column("TOOK", [duration(v.duration) for v in views], True, 9, styles="dim"),
    ]
    sample = views[:_SAMPLE]
    names = headline_metrics(sample) if metrics is None else list(metrics)
    lines = sparklines(store, views, names, out) if sparks else {}
    for rank, name in enumerate(names):
        columns += _metric(views, name, lines, 3 + 4 * rank)
    telling = telling_params([settings_of(view) for view in sample])[:_MOST_PARAMS]
    params = [settings_of(view) for view in views] if telling else []
    for rank, key in enumerate(telling):
        cells = [shortened(value(one[key]), MOST_TEXT) if key in one else "" for one in params]
        numeric = all(not isinstance(one.get(key), str) for one in params)
        columns.append(Column(one_line(key), cells, numeric, 5 + 3 * rank, 6))
    if any(view.tags for view in views):
        columns.append(Column("TAGS", [_tags(view) for view in views], False, 10, 8, "magenta"))
    return columns


def telling_params(params: Sequence[Mapping[str, Any]]) -> list[str]:
    """The keys that have different values, those that most experiments have first.

    One that some experiments merely lack says that they are of another kind, which the name says better.
    """
    having = {key: sum(key in one for one in params) for key in differing(params)}
    split = [key for key in having if len({repr(one[key]) for one in params if key in one}) > 1]
    return sorted(split, key=lambda key: -having[key])


def _id(views: Sequence[ExperimentView]) -> Column:
    return Column("ID", [view.id for view in views], styles="bold")


def _name(views: Sequence[ExperimentView]) -> Column:
    # A bare name's prefix is the name and the id, which stands beside it already.
    names = [
        view.name if view.prefix.endswith(f"{view.name}-{view.id}") else view.prefix
        for view in views
    ]
    return Column("NAME", [one_line(name) for name in names], least=18, path=True)


def _status(views: Sequence[ExperimentView]) -> Column:
    statuses = [str(view.status) for view in views]
    return Column("STATUS", statuses, styles=[STATUS_STYLES.get(one, "") for one in statuses])


def _tags(view: ExperimentView) -> str:
    return one_line(
        " ".join(key if text is None else f"{key}={text}" for key, text in view.tags.items())
    )


def _metric(
    views: Sequence[ExperimentView], name: str, lines: dict[tuple[str, str], str], weight: int
) -> list[Column]:
    last = [number(view.metrics[name].last) if name in view.metrics else "" for view in views]
    styles = ["bold red" if text in ("NaN", "inf", "-inf") else "" for text in last]
    columns = [Column(one_line(name), last, True, weight, styles=styles)]
    if lines:
        cells = [lines.get((view.id, name), "") for view in views]
        columns.append(Column("", cells, False, weight + 1, styles="blue"))
    return columns


_TIMES = ("created_at", "started_at", "ended_at", "updated_at")


def _field(store: Store, views: Sequence[ExperimentView], field: str, now: float) -> Column:
    # A misspelt field is an error, not an empty column.
    target = field_of(views, field, among=store.backend)
    title = field.removeprefix("params.").removeprefix("config.").removeprefix("metrics.")
    if isinstance(target, Fact) and target.column == "status":
        return _status(views)
    if isinstance(target, Labels) and target.kind == "tag":
        return Column(field, [_tags(view) for view in views], least=8, styles="magenta")
    values = [value_of(view, target) for view in views]
    if isinstance(target, Fact) and target.column in _TIMES:
        cells = [ago(one, now) for one in values]
    elif isinstance(target, Fact) and target.kind == "duration":
        cells = [duration(one) for one in values]
    elif isinstance(target, Metric):
        cells = [number(one) for one in values]
    else:
        cells = ["" if one is None else shortened(value(one), MOST_TEXT) for one in values]
    right = all(one is None or isinstance(one, int | float) for one in values)
    return Column(title, cells, right, least=6)


def parse_fields(text: str | None) -> list[str]:
    """The fields of a `--columns` option."""
    if text is None:
        return []
    fields = [part.strip() for part in text.split(",") if part.strip()]
    if not fields:
        raise click.UsageError("--columns takes fields joined by commas, such as status,params.lr.")
    return fields
