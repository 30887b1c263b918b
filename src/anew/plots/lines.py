"""Curves as arrays, read from a store: what every line chart here draws."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from ..errors import NotFound

if TYPE_CHECKING:
    from ..reading.views import ExperimentView
    from ..store import Ref, Store

__all__ = ["Attempts", "Line", "XAxis", "chosen", "nth", "read_lines", "scaled_time"]

Floats = NDArray[np.float64]
XAxis = str
"""What goes across: one of `X_AXES`, or the name of a metric."""
X_AXES = ("step", "time", "relative")
Attempts = Literal["joined", "each"]


@dataclass(frozen=True)
class Line:
    """One series: its points in the order of x, gaps as they were logged (NaN, ±inf)."""

    experiment_id: str
    metric: str
    x: Floats
    y: Floats
    attempt: int | None = None


def nth(line: Line) -> str:
    """What to add to the name of a curve that is one attempt of several."""
    return "" if line.attempt is None else f" (attempt {line.attempt + 1})"


def chosen(store: Store, refs: Ref | Iterable[Ref]) -> list[ExperimentView]:
    """The experiments meant: a reference or several, experiments, or a filter's result; each once.

    Raises:
        NotFound: A reference names nothing, or there are none.
    """
    from ..reading.views import ExperimentView

    several: Iterable[Ref] = (
        [refs] if isinstance(refs, str) or not isinstance(refs, Iterable) else refs
    )
    found: dict[str, ExperimentView] = {}
    for ref in several:
        view = ref if isinstance(ref, ExperimentView) else store.get(ref)
        found.setdefault(view.id, view)
    if not found:
        raise NotFound("There is no experiment to plot: the selection is empty.")
    return list(found.values())


def read_lines(
    store: Store,
    experiments: Sequence[ExperimentView],
    metrics: Sequence[str],
    *,
    x: XAxis = "step",
    points: int | None = 2000,
    attempts: Attempts | None = None,
) -> list[Line]:
    """The series of every experiment and metric that exists, experiments in their order.

    Args:
        x: "step"; "time" in seconds since the epoch; "relative" in seconds since the experiment began; or a metric: the value that it
            has at the same step.
        points: The most points per series, extremes kept; None for all.
        attempts: As of `Store.history`.

    Raises:
        NotFound: No experiment has any of the metrics, or the metric that is x.
    """
    if x not in X_AXES:
        return _against(store, experiments, metrics, x, points, attempts)
    have = [one for one in experiments if any(name in one.metrics for name in metrics)]
    if not have:
        raise _no_metric(experiments, metrics)
    history = store.history(
        [one.id for one in have], list(metrics), points=points, attempts=attempts
    )
    lines: list[Line] = []
    for one in have:
        for metric in metrics:
            for series in history:
                if (series.experiment_id, series.metric) != (one.id, metric) or not len(series):
                    continue
                across = series.steps.astype(np.float64) if x == "step" else series.times
                if x == "relative":
                    across = across - _began(one, across)
                # Stable: points of one step stay in the order they were written.
                order = np.argsort(across, kind="stable")
                lines.append(
                    Line(one.id, metric, across[order], series.values[order], series.attempt)
                )
    if not lines:
        raise _no_metric(experiments, metrics)
    return lines


def _against(
    store: Store,
    experiments: Sequence[ExperimentView],
    metrics: Sequence[str],
    x: str,
    points: int | None,
    attempts: Attempts | None,
) -> list[Line]:
    """Metrics against another one: at each of its steps, in the order of its values."""
    from ..query.downsample import kept
    from ..reading.joining import join

    having = [one for one in experiments if x in one.metrics]
    if not having:
        raise _no_metric(experiments, [x])
    have = [one for one in having if any(name in one.metrics for name in metrics)]
    if not have:
        raise _no_metric(experiments, metrics)
    history = store.history([one.id for one in have], [x, *metrics], attempts=attempts)
    lines: list[Line] = []
    for one in have:
        mine = [series for series in history if series.experiment_id == one.id]
        for attempt in dict.fromkeys(series.attempt for series in mine):
            together = [series for series in mine if series.attempt == attempt]
            if all(series.metric != x for series in together):
                continue
            rows = join(together, x)
            for metric in metrics:
                values, there = rows.values.get(metric, (rows.x, np.ones(len(rows.x), bool)))
                across, up = rows.x[there].astype(np.float64), values[there]
                keep = None if points is None else kept(up, points)
                if keep is not None:
                    across, up = across[keep], up[keep]
                if len(up):
                    lines.append(Line(one.id, metric, across, up, attempt))
    if not lines:
        raise _no_metric(experiments, metrics)
    return lines


def _began(one: ExperimentView, times: Floats) -> float:
    first = float(np.nanmin(times))
    return min(first, float(one.started_at)) if one.started_at is not None else first


def _no_metric(experiments: Sequence[ExperimentView], metrics: Sequence[str]) -> NotFound:
    import difflib

    known = sorted({name for one in experiments for name in one.metrics})
    nearest = list(
        dict.fromkeys(
            near for name in metrics for near in difflib.get_close_matches(name, known, n=3)
        )
    )
    wanted = ", ".join(repr(name) for name in metrics)
    which = "the experiment" if len(experiments) == 1 else f"the {len(experiments)} experiments"
    if nearest:
        hint = f"Did you mean {' or '.join(map(repr, nearest))}?"
    elif known:
        hint = f"There is {_listed(known)}."
    else:
        hint = "No metric was logged."
    return NotFound(
        f"No metric {wanted} in {which}. {hint}",
        name=metrics[0] if metrics else None,
        nearest=nearest,
    )


def _listed(names: Sequence[str], most: int = 12) -> str:
    shown = ", ".join(names[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown


def scaled_time(lines: Iterable[Line]) -> tuple[float, str]:
    """The divisor and name of the unit that suits relative times: seconds, minutes, hours or days."""
    longest = max((float(np.nanmax(line.x)) for line in lines if len(line.x)), default=0.0)
    for seconds, unit in ((86400.0, "days"), (3600.0, "hours"), (60.0, "minutes")):
        if longest >= 2 * seconds:
            return seconds, unit
    return 1.0, "seconds"
