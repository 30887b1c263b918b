"""What an experiment of the store is as a run: its config, summary, state and rows."""

from __future__ import annotations

import json

from ..names import FACTS, LOST_SIGNS, STATES
from .summaries import Definitions, summarised

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

__all__ = ["config_of", "last_step", "rows_of", "state_of", "summary_of", "told_value"]

SYSTEM = "system/"
_CLOCK = 0.002  # times of points are rounded to milliseconds: nearer than this, the step decides


def state_of(view: Any) -> str:
    """running, finished, failed, killed, or crashed where the process was gone without a word."""
    status = str(view.status)
    if status == "failed":
        return "crashed" if any(text in (view.reason or "") for text in LOST_SIGNS) else "failed"
    return next(state for state, known in STATES.items() if known == status)


def config_of(view: Any) -> dict[str, Any]:
    """The config: parameters, over a frozen configuration if there was one."""
    exact = view.captured.get("wandb_config")
    if exact is not None:
        return dict(exact)
    config = {} if view.config is None else dict(view.config.to_dict())
    _put_over(config, view.params.to_dict())
    return config


def _put_over(config: dict[str, Any], params: dict[str, Any]) -> None:
    """Parameters over a configuration, one by one, also those inside of mappings."""
    for name, value in params.items():
        inner = config.get(name)
        if isinstance(value, dict) and isinstance(inner, dict):
            config[name] = dict(inner)
            _put_over(config[name], value)
        else:
            config[name] = value


def _kinds(view: Any) -> dict[str, type]:
    said = view.captured.get("wandb_keys", {})
    return {name: kind for kind in (int, bool) for name in said.get(kind.__name__, ())}


def as_logged(value: float | None, kind: type | None) -> Any:
    """A number as it was logged: a metric is a float64."""
    if value is None or kind is None or value != value or value in (float("inf"), -float("inf")):
        return value
    return kind(value)


def summary_of(view: Any) -> dict[str, Any]:
    """The summary: the last of everything, what `define_metric` said, and what the program set."""
    kinds = _kinds(view)
    captured = view.captured
    nested = set(captured.get("wandb_keys", {}).get("nested", ()))
    definitions = Definitions.from_dict(captured.get("wandb_metrics", {}))
    spoiled = set(captured.get("wandb_nan", {}).get("metrics", ()))
    found: dict[str, Any] = {}
    last_time, step = None, None
    before: dict[str, tuple[float, int]] = {}
    for value, told in _told_values(view):
        if not value.name.startswith(("gradients/", "parameters/")):
            _put(found, value.name, told, nested)
            before[value.name] = (value.time, -1 if value.step is None else value.step)
            if last_time is None or value.time >= last_time:
                last_time, step = value.time, value.step
    for name, metric in view.metrics.items():
        if name.startswith(SYSTEM):
            continue
        values = {op: getattr(metric, op) for op in ("first", "last", "min", "max", "mean")}
        kind = kinds.get(name)
        values |= {op: as_logged(values[op], kind) for op in ("first", "last", "min", "max")}
        if name in spoiled:
            values |= dict.fromkeys(("min", "max", "mean"), float("nan"))
        said = summarised(definitions.find(name), values)
        # What was a text at first and a number later (or the other way round) is what it was last.
        time, at = before.get(name, (0.0, -1))
        later = metric.last_time - time
        if said is not None and (later > _CLOCK or (later > -_CLOCK and metric.last_step >= at)):
            _put(found, name, said, nested)
        if last_time is None or metric.last_time >= last_time:
            last_time, step = metric.last_time, metric.last_step
        elif metric.last_time > last_time - _CLOCK:
            step = max(step or 0, metric.last_step)
    if last_time is not None:
        runtime = max(0.0, last_time - (view.started_at or view.created_at))
        found |= {"_step": step, "_timestamp": last_time, "_runtime": runtime}
    given = captured.get("wandb_summary", {})
    for name in given.get("deleted", ()):
        found.pop(name, None)
    found |= given.get("set", {})
    return found


def _put(into: dict[str, Any], name: str, value: Any, nested: set[str]) -> None:
    parts = name.split(".") if name.split(".")[0] in nested else [name]
    for part in parts[:-1]:
        inner = into.get(part)
        if not isinstance(inner, dict):
            inner = into[part] = {}
        into = inner
    into[parts[-1]] = value


def told_value(value: Any) -> Any:
    """What a row or the summary says of a value: a text, plain data, or where a medium is."""
    said = value.metadata.get(FACTS, {})
    if value.kind == "text" and said.get("_type") in (None, "json"):
        text = value.data if value.path is None else value.read_bytes().decode("utf-8", "replace")
        return json.loads(text) if said else text
    facts = {k: v for k, v in value.metadata.items() if k != FACTS}
    told = {"_type": said.get("_type", f"{value.kind}-file"), **facts, **said}
    told.pop("file", None)
    if value.path is not None and "path" not in said:
        told["path"] = f"values/{value.path.name}"
    elif value.kind == "histogram":
        told = {"_type": "histogram", "values": value.data["counts"], "bins": value.data["edges"]}
    return told


def _told_values(view: Any) -> Iterator[tuple[Any, Any]]:
    """Each value and what is said of it; of several media of a name at a step, what is said of them together."""
    before: dict[tuple[str, int | None], list[dict[str, Any]]] = {}
    for value in view.values():
        if "/masks/" in value.name or "row" in value.metadata.get(FACTS, {}):
            continue  # parts of a picture or of a table
        told = told_value(value)
        if isinstance(told, dict) and "path" in told:
            several = before.setdefault((value.name, value.step), [])
            several.append(told)
            if len(several) > 1:
                image = told["_type"] == "image-file"
                told = {
                    "_type": "images/separated" if image else told["_type"],
                    "count": len(several),
                    "filenames": [one["path"] for one in several],
                    "captions": [one.get("caption", "") for one in several],
                }
        yield value, told


def last_step(view: Any) -> int:
    """The largest step of anything logged; -1 for none."""
    steps = [value.step for value in view.values() if value.step is not None]
    for name, metric in view.metrics.items():
        if not name.startswith(SYSTEM):
            series = metric.read(points=2)
            steps += [int(series.steps[-1])] if len(series) else []
    return max(steps, default=-1)


def rows_of(
    view: Any,
    keys: Iterable[str] | None = None,
    *,
    samples: int | None = None,
    system: bool = False,
    min_step: int | None = None,
    max_step: int | None = None,
) -> list[dict[str, Any]]:
    """What was logged, a dict a step, in the order of steps; of several values of a name at a step the last one.

    Args:
        keys: Only these, and only rows that have all of them.
        samples: About how many rows at most: first, last and extremes of each stretch of each metric stay.
        system: The metrics of the machine instead.
        min_step: The first step wanted.
        max_step: The step before which to end.
    """
    wanted = (
        None if keys is None else [k for k in keys if k not in ("_step", "_timestamp", "_runtime")]
    )
    names = [
        n
        for n in view.metrics
        if n.startswith(SYSTEM) == system and (wanted is None or n in wanted)
    ]
    kinds = _kinds(view)
    began = view.started_at or view.created_at
    rows: dict[int, dict[str, Any]] = {}

    def row(step: int, time: float) -> dict[str, Any]:
        found = rows.setdefault(step, {"_step": step, "_runtime": 0.0, "_timestamp": time})
        if time >= found["_timestamp"]:
            found |= {"_timestamp": time, "_runtime": max(0.0, time - began)}
        return found

    few = None if samples is None else max(2, samples // max(1, len(names)))
    keep: set[int] = set()
    for name in names:
        series = view.metrics[name].read(start=min_step, stop=max_step)
        kind = kinds.get(name)
        for step, time, value in zip(series.steps, series.times, series.values, strict=True):
            row(int(step), float(time))[name] = as_logged(float(value), kind)
        if few is not None:
            thin = view.metrics[name].read(few, start=min_step, stop=max_step)
            keep.update(int(step) for step in thin.steps)
    for value, told in () if system else _told_values(view):
        step = value.step
        if (
            step is not None
            and (wanted is None or value.name in wanted)
            and (min_step is None or step >= min_step)
            and (max_step is None or step < max_step)
        ):
            row(step, value.time)[value.name] = told
            keep.add(step)
    found = [rows[step] for step in sorted(rows)]
    if wanted is not None:
        found = [one for one in found if all(key in one for key in wanted)]
    if samples is not None and len(found) > samples:
        found = [one for one in found if one["_step"] in keep]
    return found
