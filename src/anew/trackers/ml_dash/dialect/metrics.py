"""`exp.metrics`: rows of numbers, read back page by page, and summaries of what was buffered."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from anew.errors import InvalidValue

from ..translate import iso
from .recorded import Recorded
from .unsupported import no_attribute

__all__ = ["Metrics"]

_PERCENTILES = {"median": 50, "p50": 50, "p90": 90, "p95": 95, "p99": 99}


_AGGREGATES = ("mean", "std", "min", "max", "count", "sum", "first", "last", *_PERCENTILES)


class Metrics:
    """`exp.metrics(name)`, and `exp.metrics.buffer` for summaries of what was buffered.

    Attributes:
        known: The metrics that were asked for, by name.
    """

    def __init__(self, experiment: Recorded) -> None:
        self._experiment = experiment
        self.known: dict[str, Metric] = {}
        self.buffer = Buffers(self)

    def log(self, **values: Any) -> Metrics:
        """Log without a name: `exp.metrics.log(epoch=1, train={"loss": 0.5}, eval={"loss": 0.6})`.

        A mapping is a row of the metric of that name, with the numbers beside it in the row; numbers alone are a row
        of names without a prefix.
        """
        groups = {key: value for key, value in values.items() if isinstance(value, Mapping)}
        shared = {key: value for key, value in values.items() if key not in groups}
        for name, group in groups.items():
            self(name).log(**{**shared, **group})
        if shared and not groups:
            self("").log(**shared)
        return self

    def __call__(self, name: str) -> Metric:
        if name not in self.known:
            self.known[name] = Metric(self._experiment, name)
        return self.known[name]


class Metric:
    """Rows of numbers under a name; one call is one row."""

    def __init__(self, experiment: Recorded, name: str) -> None:
        self._experiment = experiment
        self._name = name
        self._group = experiment.native.metrics(name)
        self.buffered: dict[str, list[float]] = {}

    def __getattr__(self, name: str) -> Any:
        raise no_attribute("metrics(name)", name)

    def log(self, **values: Any) -> Metric:
        """Log one row: `exp.metrics("train").log(loss=0.5, epoch=1)`; `step=` is its step, if it is an integer."""
        step = values.get("step")
        if _is_integer(step):
            values = {key: value for key, value in values.items() if key != "step"}
            self._group.log(values, step=step)
        else:
            self._group.log(values)
        return self

    def buffer(self, **values: Any) -> Metric:
        """Hold values for `exp.metrics.buffer.log_summary`."""
        _hold(self.buffered, values)
        return self

    def read(self, start: int = 0, limit: int = 1000) -> dict[str, Any]:
        """Rows from `start` on, as `{data: [{index, data, createdAt}], startIndex, endIndex, total, hasMore}`.

        `endIndex` is that of the last row given; `total` counts all rows there are.

        Raises:
            NotRunning: The experiment was never started.
            ValueError: `start` or `limit` is negative.
        """
        if start < 0 or limit < 0:
            raise ValueError(f"start and limit must be 0 or more, not {start} and {limit}.")
        view = self._experiment.view("metrics.read")
        rows: Sequence[dict[str, Any]] = [] if view is None else view.metrics.rows(self._name)
        page = [
            {"index": row["index"], "data": _data(row), "createdAt": iso(row["time"])}
            for row in rows[start : start + limit]
        ]
        end = start + len(page)
        return {
            "data": page,
            "startIndex": start,
            "endIndex": end - 1,
            "total": len(rows),
            "hasMore": end < len(rows),
        }

    def stats(self) -> dict[str, dict[str, float]]:
        """Per field its mean, min, max, std, count, first, last, and the percentiles p50, p90, p95 and p99.

        Raises:
            NotRunning: The experiment was never started.
        """
        view = self._experiment.view("metrics.stats")
        if view is None:
            return {}
        found = {}
        above = f"{self._name}/" if self._name else ""
        start = len(above)
        for name, metric in view.metrics.items():
            if name.startswith(above) and "/" not in name[start:]:
                facts = ("mean", "min", "max", "std", "count", "first", "last")
                of = {fact: getattr(metric, fact) for fact in facts}
                percentiles = metric.percentiles((50, 90, 95, 99))
                found[name[start:]] = of | {f"p{at:.0f}": v for at, v in percentiles.items()}
        return found


class Buffers:
    """`exp.metrics.buffer`: what every metric holds back."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def log_summary(self, *aggregates: str, **fields: Any) -> None:
        """Log one row per metric that holds values, such as `{"loss.mean": …}`, and forget the values.

        Args:
            aggregates: mean (if none is named), std, min, max, count, sum, first, last, median, p50, p90, p95, p99.
            fields: What goes into each row as it is, such as `epoch=5`.

        Raises:
            ValueError: An aggregate is none of these.
        """
        unknown = [one for one in aggregates if one not in _AGGREGATES]
        if unknown:
            raise ValueError(
                f"There is no aggregate {unknown[0]!r}; there are {', '.join(_AGGREGATES)}."
            )
        for metric in self._metrics.known.values():
            if metric.buffered:
                metric.log(**(fields | _summary(metric.buffered, aggregates or ("mean",))))
                metric.buffered = {}

    def peek(self, prefix: str, *keys: str, limit: int = 5) -> dict[str, list[float]]:
        """The last values that a metric holds, of some keys or of all."""
        held = self._metrics(prefix).buffered
        return {k: v[-limit:] if limit else v for k, v in held.items() if k in keys or not keys}


def _is_integer(step: Any) -> bool:
    try:
        return not isinstance(step, bool) and int(step) == step
    except (TypeError, ValueError, OverflowError):
        return False


def _data(row: Mapping[str, Any]) -> dict[str, Any]:
    step = row["step"]
    return {**row["values"], **({} if step is None else {"step": step})}


def _hold(buffer: dict[str, list[float]], values: Mapping[str, Any]) -> None:
    for key, value in values.items():
        if value is None:
            continue
        try:
            number = float(value)
        except (TypeError, ValueError):
            raise InvalidValue(
                f"The value of {key!r} is {value!r}, which is not a number. A metric takes numbers only.",
                key=key,
            ) from None
        buffer.setdefault(key, []).append(number)


def _summary(values: Mapping[str, list[float]], aggregates: Iterable[str]) -> dict[str, float]:
    import numpy as np

    found = {}
    for key, given in values.items():
        kept = np.array([value for value in given if not math.isnan(value)])
        if not len(kept):
            continue
        for name in aggregates:
            if name in _PERCENTILES:
                number = float(np.percentile(kept, _PERCENTILES[name]))
            elif name == "std":
                number = float(np.std(kept, ddof=1)) if len(kept) > 1 else 0.0
            elif name == "count":
                number = len(kept)
            elif name in ("first", "last"):
                number = float(kept[0 if name == "first" else -1])
            else:
                number = float(getattr(np, name)(kept))
            found[f"{key}.{name}"] = number
    return found
