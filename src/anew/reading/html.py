"""Answers as HTML, for notebooks: sober tables in the notebook's own colours, so they suit dark and light themes.

All text comes from records, which may come from anybody: every one is escaped.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from .metrics import MetricView
    from .nested import Nested

__all__ = ["Shown", "comparison_html", "experiment_html", "experiments_html", "store_html"]

MOST_ROWS = 50
MOST_COLUMNS = 8
MOST_METRICS = 30
_SHAPES = {"running": "●", "completed": "✓", "failed": "✕", "cancelled": "–", "pending": "○"}
_LINE = "border-bottom:1px solid rgba(128,128,128,.3)"
_WIDTH = "max-width:28em;overflow-wrap:break-word"
"""One name of three hundred letters leaves the other columns in sight."""
_CELL = f"text-align:left;padding:2px 12px 2px 0;background:none;{_WIDTH};{_LINE}"
_NUMBER = f"text-align:right;padding:2px 12px 2px 0;background:none;{_WIDTH};{_LINE}"


class Shown(Protocol):
    """What is shown of an experiment."""

    @property
    def id(self) -> str: ...
    @property
    def prefix(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def status(self) -> object: ...
    @property
    def reason(self) -> str | None: ...
    @property
    def created_at(self) -> float: ...
    @property
    def duration(self) -> float | None: ...
    @property
    def tags(self) -> Mapping[str, str | None]: ...
    @property
    def params(self) -> Nested: ...
    @property
    def config(self) -> Nested | None: ...
    @property
    def metrics(self) -> Mapping[str, MetricView]: ...


def experiments_html(views: Iterable[Shown], total: int) -> str:
    """A row for each experiment: name, status, what differs, results, when.

    Args:
        views: As many as are shown.
        total: How many there are.
    """
    shown = list(views)
    if not shown:
        return _box("No experiments.")
    known = [_settings(view) for view in shown]
    keys = list(dict.fromkeys(key for one in known for key in one))
    differing = [key for key in keys if len({repr(one.get(key)) for one in known}) > 1]
    metrics = _headline(shown)
    heads = ["experiment", "status", *differing[:MOST_COLUMNS], *metrics, "created", "id"]
    rows = [
        [
            f'<span title="{_text(view.prefix)}">{_text(view.name)}</span>',
            _status(str(view.status)),
            *(_value(one.get(key)) for key in differing[:MOST_COLUMNS]),
            *(_number(view.metrics[m].last) if m in view.metrics else "" for m in metrics),
            _moment(view.created_at),
            f"<code>{_text(view.id)}</code>",
        ]
        for view, one in zip(shown, known, strict=True)
    ]
    numeric = {
        2 + at for at, key in enumerate(differing[:MOST_COLUMNS]) if _are_numbers(known, key)
    }
    numeric |= set(range(len(heads) - 2 - len(metrics), len(heads) - 2))
    remarks = []
    if total > len(shown):
        remarks.append(f"the first {len(shown)} of {total:,} experiments")
    if len(differing) > MOST_COLUMNS:
        remarks.append(f"{len(differing) - MOST_COLUMNS} more parameters differ")
    return _box(_table(heads, rows, numeric), *remarks)


def store_html(where: str, views: Iterable[Shown], total: int) -> str:
    """Where a store is, and the newest of its experiments."""
    count = f"{total:,} experiment{'' if total == 1 else 's'}"
    return _box(f"<b>{_text(where)}</b> {count}") + experiments_html(views, total)


def experiment_html(view: Shown) -> str:
    """Everything that one looks for first: status, results, parameters and configuration, tags."""
    head = f"<b>{_text(view.prefix)}</b> {_status(str(view.status))} <code>{_text(view.id)}</code>"
    facts = [_moment(view.created_at), _duration(view.duration)]
    facts += [f"{k}: {v}" if v is not None else k for k, v in view.tags.items()]
    if view.reason:
        facts.append(view.reason)
    parts = [head, f"<small>{_text(' · '.join(filter(None, facts)))}</small>"]
    names = [name for name in view.metrics if not name.startswith("system/")]
    if names:
        rows = [_metric_row(view.metrics[name]) for name in names[:MOST_METRICS]]
        heads = ["metric", "last", "min", "max", "points"]
        parts.append(_table(heads, rows, {1, 2, 3, 4}))
    settings = _settings(view)
    if settings:
        rows = [[_text(key), _value(value)] for key, value in settings.items()]
        parts.append(_table(["setting", "value"], rows, set()))
    more = len(names) - MOST_METRICS
    return _box(*parts, *([f"<small>and {more} more metrics</small>"] if more > 0 else []))


def comparison_html(
    experiments: Sequence[Mapping[str, Any]],
    metrics: Mapping[str, Mapping[str, Mapping[str, Any]]],
    modes: Mapping[str, str],
    *differing: Mapping[str, Mapping[str, Any]],
) -> str:
    """A column for each experiment: the best value of each metric, then what differs. See `Comparison`."""
    ids = [one["id"] for one in experiments]
    heads = ["", *(one["name"] for one in experiments)]
    rows = [["status", *(_status(str(one["status"])) for one in experiments)]]
    for name, by_id in metrics.items():
        mode = modes.get(name, "")  # without a direction none of them is the best
        values = [by_id[one]["best"] if one in by_id else None for one in ids]
        numbers = [value for value in values if value is not None and math.isfinite(value)]
        best = (max if mode == "max" else min)(numbers) if mode and len(numbers) > 1 else None
        cells = [
            f"<b>{_number(v)}</b>" if v is not None and v == best else _number(v) for v in values
        ]
        rows.append([f"{_text(mode or 'min')} {_text(name)}", *cells])
    for kind in differing:
        for key, of in kind.items():
            rows.append([_text(key), *(_value(of.get(one)) for one in ids)])
    return _box(_table(heads, rows, set(range(1, len(heads)))))


# -- parts -------------------------------------------------------------------------------------------


def _headline(views: Sequence[Shown]) -> list[str]:
    counts = Counter(n for view in views for n in view.metrics if not n.startswith("system/"))
    names = sorted(counts, key=lambda name: (-counts[name], not _is_held_out(name)))
    return names[:3]


def _is_held_out(name: str) -> bool:
    return any(word in name.lower() for word in ("val", "test", "eval"))


def _settings(view: Shown) -> dict[str, Any]:
    """Configuration and parameters by dotted key; a parameter wins, as what was said last."""
    config = {} if view.config is None else view.config.flat()
    return {**config, **view.params.flat()}


def _are_numbers(known: Sequence[Mapping[str, Any]], key: str) -> bool:
    values = [one[key] for one in known if one.get(key) is not None]
    return all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)


def _metric_row(metric: MetricView) -> list[str]:
    low, high = _number(metric.min), _number(metric.max)
    if metric.better == "max":
        high = f"<b>{high}</b>"
    return [_text(metric.name), _number(metric.last), low, high, f"{metric.count:,}"]


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]], numeric: set[int]) -> str:
    """A table; the heads are escaped here, the cells are HTML already."""
    first = "".join(
        f'<th style="{_NUMBER if at in numeric else _CELL}">{_text(head)}</th>'
        for at, head in enumerate(heads)
    )
    body = "".join(
        "<tr style='background:none'>"
        + "".join(
            f'<td style="{_NUMBER if at in numeric else _CELL}">{cell}</td>'
            for at, cell in enumerate(row)
        )
        + "</tr>"
        for row in rows
    )
    style = "border-collapse:collapse;font-variant-numeric:tabular-nums;margin:4px 0"
    return f'<table style="{style}"><thead><tr>{first}</tr></thead><tbody>{body}</tbody></table>'


def _box(*parts: str) -> str:
    inner = "".join(f"<div>{part}</div>" for part in parts)
    return f'<div style="overflow-x:auto;line-height:1.5">{inner}</div>'


def _text(text: str) -> str:
    return escape(text[:300] + "…" if len(text) > 300 else text)


def _status(status: str) -> str:
    return f"{_SHAPES.get(status, '')} {_text(status)}"


def _value(value: Any) -> str:
    if value is None:
        return '<span style="opacity:.5">–</span>'
    return _text(f"{value:.6g}" if isinstance(value, float) else str(value))


def _number(value: float | None) -> str:
    return "" if value is None else escape(f"{value:.4g}")


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return ""
    minutes, rest = divmod(seconds, 60)
    return f"{int(minutes)} min {rest:.0f} s" if minutes else f"{rest:.1f} s"


def _moment(then: float) -> str:
    try:
        return time.strftime("%Y-%m-%d %H:%M", time.localtime(then))
    except (ValueError, OverflowError, OSError):
        return f"{then:.6g}"
