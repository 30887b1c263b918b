"""The values of ml-dash as ours, and ours as its: rows of metrics, entries of tracks, levels, statuses and times.

A row of the metric `train` with the field `loss` is a point of the metric `train/loss`. What is not a number (a text,
a list) stands beside the points of its row, as the metadata of that log call.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from ...record.plain import from_plain, to_plain
from ...record.secrets import mask_secrets

__all__ = [
    "DELETED",
    "FILES",
    "LEVELS",
    "METADATA",
    "METRICS",
    "STATUSES",
    "TRACKS",
    "Row",
    "blocks_of",
    "entry_row",
    "group_of",
    "iso",
    "level_back",
    "metric_row",
    "row_back",
    "tags_of",
    "time_of",
]

LEVELS = {"warn": "warning", "fatal": "critical"}
"""Levels that ml-dash calls otherwise."""
_LEVELS_BACK = {ours: theirs for theirs, ours in LEVELS.items()}
STATUSES = {"COMPLETED": "completed", "FAILED": "failed", "CANCELLED": "cancelled"}
"""How an experiment can end, by the words of ml-dash."""

# What the journal has no event of its own for is captured under these names.
METADATA, METRICS, TRACKS = "ml_dash_metadata", "ml_dash_metrics", "ml_dash_tracks"
FILES, DELETED = "ml_dash_files", "ml_dash_deleted"

_UNNAMED = "None"  # what the client calls a metric that has no name
_ROW, _TRACK = "row", "track"
_EPOCH = 1e9  # timestamps before 2001 are those of a simulation or a recording


class Row(NamedTuple):
    """One row: a point for each number.

    Attributes:
        time: When it was logged, seconds since the epoch; None if the row does not say.
        step: Its step, if it has an integer one.
        numbers: By field.
        rest: Everything else, by field.
    """

    time: float | None
    step: int | None
    numbers: dict[str, float]
    rest: dict[str, Any]
    track: bool = False

    def line(self, group: str, now: float) -> dict[str, Any]:
        """The point line that holds it; see `record.events.PointLine`."""
        above = f"{group}/" if group else ""
        line: dict[str, Any] = {} if self.step is None else {"s": self.step}
        line["t"] = now if self.time is None else self.time
        line["m"] = {above + field: number for field, number in self.numbers.items()}
        if self.track or self.rest:
            line["x"] = {_TRACK if self.track else _ROW: self.rest}
        return line


def group_of(metric: str) -> str:
    """The group of metrics that a metric of ml-dash stands for; "" for one without a name."""
    return "" if metric == _UNNAMED else metric.strip("/")


def metric_row(data: Mapping[str, Any]) -> Row:
    """A data point of a metric, as the client sends it: `_ts` is its time, an integer `step` its step."""
    given = dict(data)
    at = given.pop("_ts", None)
    time = float(at) if _is_number(at) and 0 <= at < 1 << 40 else None
    step = given.get("step")
    if isinstance(step, float) and step.is_integer():
        step = int(step)
    if isinstance(step, int) and not isinstance(step, bool) and abs(step) < 1 << 63:
        del given["step"]
    else:
        step = None
    numbers, rest = _split(given)
    if not numbers:
        # A point needs a number: the time is one that each row has.
        numbers = {"_ts": 0.0 if time is None else time}
    return Row(time, step, numbers, rest)


def entry_row(entry: Mapping[str, Any], now: float) -> Row:
    """An entry of a track; nested fields have dotted names."""
    given: dict[str, Any] = {}
    _flatten(entry, "", given)
    at = given.get("timestamp")
    numbers, rest = _split(given)
    numbers.setdefault("timestamp", now)
    time = float(at) if at is not None and _is_number(at) else 0.0
    epoch = _EPOCH <= time <= now + 86400
    return Row(time if epoch else None, None, numbers, rest, track=True)


def row_back(row: Mapping[str, Any], *, track: bool) -> dict[str, Any] | None:
    """The fields of a row as `Metrics.rows` gives it; None if it is one of the other kind (a track, a metric)."""
    beside = row["metadata"] or {}
    if (_TRACK in beside) != track:
        return None
    fields: dict[str, Any] = dict(row["values"])
    rest = beside.get(_TRACK if track else _ROW, {} if track else beside)
    fields |= from_plain(rest) if isinstance(rest, dict) else {}
    if not track:
        if row["step"] is not None:
            fields["step"] = row["step"]
        fields["_ts"] = row["time"]
    return fields


def blocks_of(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Rows as the blocks of `ml-dash.metric-rows.v1`: rows in succession with the same columns make one."""
    blocks: list[dict[str, Any]] = []
    columns: list[dict[str, str]] | None = None
    for row in rows:
        cells = {name: _cell(value) for name, value in row.items()}
        here = [{"name": name, "type": kind} for name, (kind, _) in cells.items()]
        if here != columns:
            columns = here
            blocks.append({"columns": here, "rows": []})
        blocks[-1]["rows"].append([value for _, value in cells.values()])
    return blocks


def _cell(value: Any) -> tuple[str, Any]:
    if isinstance(value, bool):
        return "bool", value
    if isinstance(value, int):
        return ("int64", str(value)) if abs(value) < 1 << 63 else ("utf8", str(value))
    if isinstance(value, float):
        if value != value or math.isinf(value):
            return "float64", "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"
        return "float64", "-0" if value == 0 and math.copysign(1, value) < 0 else value
    if value is None or isinstance(value, str):
        return "utf8", value
    return "utf8", json.dumps(value, ensure_ascii=False)


def level_back(level: str) -> str:
    """A level as ml-dash calls it."""
    return _LEVELS_BACK.get(level, level)


def iso(time: float) -> str:
    """A time as ml-dash writes it."""
    return (
        datetime.fromtimestamp(time, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    )


def time_of(text: str | None) -> float | None:
    """Seconds since the epoch of an ISO 8601 text, in UTC unless it says otherwise; None if it is none."""
    try:
        found = datetime.fromisoformat((text or "").replace("Z", "+00:00"))
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def tags_of(tags: Mapping[str, str | None]) -> list[str]:
    """Our tags as a list: one with a value is `name=value`."""
    return [name if value is None else f"{name}={value}" for name, value in tags.items()]


def _is_number(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    try:
        return math.isfinite(float(value))
    except OverflowError:
        return False


def _split(given: Mapping[str, Any]) -> tuple[dict[str, float], dict[str, Any]]:
    numbers = {name: float(value) for name, value in given.items() if _is_number(value)}
    rest = {name: value for name, value in given.items() if name not in numbers}
    kept: dict[str, Any] = mask_secrets(to_plain(rest)) if rest else {}
    return numbers, kept


def _flatten(value: Mapping[str, Any], above: str, into: dict[str, Any]) -> None:
    stack: list[tuple[str, Any]] = [(above, value)]
    while stack:
        path, one = stack.pop()
        if isinstance(one, Mapping) and (one or not path):
            stack += [(f"{path}.{k}" if path else str(k), v) for k, v in reversed([*one.items()])]
        else:
            into[path] = one
