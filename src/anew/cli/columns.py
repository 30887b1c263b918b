"""Experiments as the columns of a table: which ones tell most, and their cells."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from ..plots.labels import differing, short_keys
from ..plots.sparklines import sparkline
from ..reading.fields import field_of, kind_of, settings_of, value_of
from ..reading.headline import headline_metrics
from .output import Output
from .table import Column, name_cutter, width_of
from .words import ago, duration, number, one_line, shortened, value

if TYPE_CHECKING:
    from ..reading.views import ExperimentView
    from ..store import Store

__all__ = [
    "STATUS_STYLES",
    "experiment_columns",
    "short_ids",
    "sparklines",
    "telling_params",
]

STATUS_STYLES = {
    "running": "cyan",
    "completed": "green",
    "failed": "red",
    "cancelled": "yellow",
    "pending": "dim",
}
_MOST_PARAMS = 6
SPARK_WIDTH = 12
# An id's first characters: a billion of them, and a command says so when they name two.
SHORT_ID = 6
MOST_TEXT = 60
# So many experiments decide on the columns for all of them.
_SAMPLE = 500
MOST_SPARKLINES = 100


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
    results: Sequence[Column] = (),
    among: Sequence[ExperimentView] = (),
    sparks: bool = True,
    now: float | None = None,
) -> list[Column]:
    """The table of experiments: what differs first, then results, then when they ran.

    On a terminal, columns that are the same in all rows say so (`Column.folds`), and the parameters that
    are the same everywhere are among them: they end in the line above the table.

    Args:
        wanted: Fields to show instead of the chosen ones, such as "params.lr" or "metrics.val_loss.min".
        metrics: The metrics to show when `wanted` does not say.
        results: Columns to show before those metrics.
        among: The experiments whose differences decide about the parameters shown; by default `views`.
        sparks: Whether metrics have a sparkline beside their last value.
    """
    now = time.time() if now is None else now
    columns = [_id(views)]
    if wanted:
        return columns + [_field(store, views, field, now) for field in wanted]
    sample = (among or views)[:_SAMPLE]
    columns += [
        _name(views),
        _status(views),
        *_settings(views, sample, fold=out.terminal),
        *results,
    ]
    names = headline_metrics(sample) if metrics is None else list(metrics)
    lines = sparklines(store, views, names, out) if sparks else {}
    for rank, name in enumerate(names):
        # After its best value, the last one of a metric says little.
        columns += _metric(views, name, lines, 9 if results else 3 + 2 * rank, 10 + rank)
    columns += [
        Column("CREATED", [ago(v.created_at, now) for v in views], True, 8, styles="dim"),
        Column("TOOK", [duration(v.duration) for v in views], True, 13, styles="dim"),
    ]
    if any(view.tags for view in views):
        columns.append(
            Column("TAGS", [_tags(v) for v in views], False, 14, 8, "magenta", folds="tags ")
        )
    return columns


def _settings(
    views: Sequence[ExperimentView], sample: Sequence[ExperimentView], *, fold: bool
) -> list[Column]:
    """Columns of the parameters and configuration keys that differ in the sample, and, to fold, of those that do not."""
    params = [settings_of(view) for view in views]
    sampled = params if sample is views else [settings_of(view) for view in sample]
    telling = telling_params(sampled)
    shown = telling[:_MOST_PARAMS]
    if not shown and len(views) == 1:
        shown = list(params[0])[:_MOST_PARAMS]
    constant = [key for key in params[0] if key not in telling] if fold and len(views) > 1 else []
    short = dict(zip(every := [*shown, *constant], short_keys(every), strict=True))
    columns = []
    for rank, key in enumerate(shown):
        if not any(key in one for one in params):
            continue  # only others of the sample have it
        cells = [shortened(value(one[key]), MOST_TEXT) if key in one else "" for one in params]
        numeric = all(not isinstance(one.get(key), str) for one in params)
        columns.append(Column(one_line(short[key]), cells, numeric, 2 + 2 * rank, 6))
    for key in constant:
        texts = {value(one[key]) if key in one else None for one in params}
        if len(texts) == 1:
            cell = one_line(shortened(str(texts.pop()), 24))
            columns.append(
                Column(short[key], [cell] * len(views), folds=f"{one_line(short[key])}=")
            )
    return columns


# What is different in every run by design, or says where something lies, comes after what was chosen.
_DULL = re.compile(
    r"(^|[._])(seed|random_state|path|dir|file|folder|root|url|output|workers|num_workers|device)$",
    re.IGNORECASE,
)


def telling_params(params: Sequence[Mapping[str, Any]]) -> list[str]:
    """The keys that have different values, those that tell most first.

    One that some experiments merely lack says that they are of another kind, which the name says better. Seeds
    and paths come last, and before them what has one value in nearly all; the others as they were given.
    """

    def rank(key: str) -> tuple[bool, bool, bool]:
        texts = Counter(repr(one[key]) for one in params if key in one)
        count = sum(texts.values())
        return (
            bool(_DULL.search(key)),
            texts.most_common(1)[0][1] > 0.9 * count and count > 5,
            count < len(params) / 2,
        )

    keys = differing(params)
    split = [key for key in keys if len({repr(one[key]) for one in params if key in one}) > 1]
    return sorted(split, key=rank)


def short_ids(ids: Sequence[str]) -> list[str]:
    """As many characters as tell these ids apart: enough to name them to every command."""
    longest = max(map(len, ids), default=0)
    different = len(set(ids))
    for length in range(SHORT_ID, longest):
        if len({one[:length] for one in ids}) == different:
            return [one[:length] for one in ids]
    return list(ids)


def _id(views: Sequence[ExperimentView]) -> Column:
    """Ids, whole where there is room; else their first characters, which name them to every command."""
    ids = [view.id for view in views]
    least = max(map(len, short_ids(ids)), default=SHORT_ID)
    return Column("ID", ids, least=least, styles="bold", shorten=lambda text, width: text[:width])


def _name(views: Sequence[ExperimentView]) -> Column:
    # A bare name's prefix is the name and the id, which stands beside it already.
    names = [
        one_line(view.name if view.prefix.endswith(f"{view.name}-{view.id}") else view.prefix)
        for view in views
    ]
    # The names themselves are worth more than curves and times; their folders are not.
    own = max((width_of(name.rpartition("/")[2]) for name in names), default=0)
    least = max(18, min(own + 2, 32))
    return Column("NAME", names, least=least, shorten=name_cutter(names))


def _status(views: Sequence[ExperimentView]) -> Column:
    statuses = [str(view.status) for view in views]
    styles = [STATUS_STYLES.get(one, "") for one in statuses]
    return Column("STATUS", statuses, styles=styles, folds="")


def _tags(view: ExperimentView) -> str:
    return one_line(
        " ".join(key if text is None else f"{key}={text}" for key, text in view.tags.items())
    )


def _metric(
    views: Sequence[ExperimentView],
    name: str,
    lines: dict[tuple[str, str], str],
    weight: int,
    spark_weight: int,
) -> list[Column]:
    last = [number(view.metrics[name].last) if name in view.metrics else "" for view in views]
    styles = ["bold red" if text in ("NaN", "inf", "-inf") else "" for text in last]
    columns = [Column(one_line(name), last, True, weight, styles=styles)]
    if lines:
        cells = [lines.get((view.id, name), "") for view in views]
        columns.append(Column("", cells, False, spark_weight, styles="blue"))
    return columns


def _field(store: Store, views: Sequence[ExperimentView], field: str, now: float) -> Column:
    # A misspelt field is an error, not an empty column.
    target = field_of(views, field, among=store.backend)
    title = field.removeprefix("params.").removeprefix("config.").removeprefix("metrics.")
    kind = kind_of(target)
    if kind == "status":
        return replace(_status(views), folds=None)
    if kind == "tags":
        return Column(field, [_tags(view) for view in views], least=8, styles="magenta")
    values = [value_of(view, target) for view in views]
    if kind == "time":
        cells = [ago(one, now) for one in values]
    elif kind == "duration":
        cells = [duration(one) for one in values]
    elif kind == "metric":
        cells = [number(one) for one in values]
    else:
        cells = ["" if one is None else shortened(value(one), MOST_TEXT) for one in values]
    right = all(one is None or isinstance(one, int | float) for one in values)
    return Column(title, cells, right, least=6)


def parse_fields(texts: tuple[str, ...]) -> list[str]:
    """The fields of all `--columns` options."""
    if not texts:
        return []
    fields = [part.strip() for text in texts for part in text.split(",") if part.strip()]
    if not fields:
        raise click.UsageError("--columns takes fields joined by commas, such as status,params.lr.")
    return fields
