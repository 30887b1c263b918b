"""The mean of groups of experiments, with a band for their spread.

`band.py` says how experiments with different steps are brought together.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from ..errors import InvalidValue, NotFound
from .band import Band, BandKind, band_of
from .chart import Chart, Curve, keep_charts
from .draw import axis_unit, draw_chart
from .fields import field_values
from .labels import short_keys, shown
from .lines import Line, XAxis, chosen, read_lines
from .saving import save_figure
from .style import DASHES, PALETTE, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ..reading.views import ExperimentView
    from ..store import Ref, Store

__all__ = ["BANDS", "group_bands", "plot_group"]

BANDS: dict[BandKind, str] = {
    "std": "± 1 standard deviation",
    "range": "smallest to largest",
    "ci": "95 % confidence interval of the mean",
}
_MOST_GROUPS = 24


def plot_group(
    store: Store,
    experiments: str | Iterable[Ref] | None,
    metric: str,
    by: str | Sequence[str] = (),
    *,
    band: BandKind = "std",
    save: str | os.PathLike[str] | None = None,
    ax: Axes | None = None,
    x: XAxis = "step",
    log_y: bool = False,
    points: int = 1000,
    title: str | None = None,
) -> Figure:
    """Draw the mean of a metric over groups of experiments, each with a band.

    Args:
        experiments: A filter, the experiments themselves, or None for all that logged the metric.
        by: The fields that make the groups, such as "params.lr"; none puts all into one.
        band: "std", "range" (smallest to largest) or "ci" (95 % confidence interval of the mean).
        save: A .png, .svg or .pdf file to write as well, or a .py file: the program that draws the figure.
        x: "step" or "relative" (seconds since each experiment's start).
        points: The most positions along x; more steps than that are put into bins.

    Raises:
        NotFound: There is no experiment, or none logged the metric.
        InvalidValue: An argument has a value it cannot have, or there would be more than 24 groups.
    """
    _check(band, x)
    fields = [by] if isinstance(by, str) else list(by)
    views = selected(store, experiments)
    groups = group_bands(store, views, metric, fields, band=band, x=x, points=points)
    figure, axes = new_axes(ax)
    divisor, x_name = axis_unit([Line("", metric, one.x, one.mean) for one in groups.values()], x)
    curves = tuple(
        Curve(
            x=one.x / divisor,
            y=one.mean,
            low=one.low,
            high=one.high,
            color=PALETTE[number % len(PALETTE)],
            width=1.8,
            dash=DASHES[number // len(PALETTE) % len(DASHES)],
            name=f"{name} (n = {one.runs})" if name else f"mean of {one.runs}",
            marks=False,
        )
        for number, (name, one) in enumerate(groups.items())
    )
    remark = f"mean, {BANDS[band]}"
    chart = Chart(title or metric, x, x_name, metric, log_y, curves, remark)
    draw_chart(axes, chart, outside=ax is None)
    if ax is None:
        keep_charts(figure, [chart])
    if save is not None:
        save_figure(figure, save)
    return figure


def _check(band: str, x: XAxis) -> None:
    if band not in BANDS:
        raise InvalidValue(f"band must be one of {', '.join(BANDS)}, not {band!r}.", key="band")
    if x not in ("step", "relative"):
        raise InvalidValue(
            "Experiments that ran at different times have no common time of day to average over, and no common values of a metric. "
            "Use x='step' or x='relative'.",
            key="x",
        )


def selected(store: Store, experiments: str | Iterable[Ref] | None) -> list[ExperimentView]:
    """The experiments of a filter (a string), or those given; all for None."""
    if experiments is None or isinstance(experiments, str):
        found = list(store.list(experiments))
        if not found:
            what = (
                "The store is empty" if experiments is None else f"Nothing matches {experiments!r}"
            )
            raise NotFound(f"{what}: there is no experiment to plot.")
        return found
    return chosen(store, experiments)


def group_bands(
    store: Store,
    experiments: Sequence[ExperimentView],
    metric: str,
    by: Sequence[str],
    *,
    band: BandKind = "std",
    x: XAxis = "step",
    points: int = 1000,
) -> dict[str, Band]:
    """Mean and band per group, keyed by "lr=0.1 …" (one "" without `by`), in the order of their values."""
    members: dict[tuple[Any, ...], list[ExperimentView]] = {}
    values = [field_values(experiments, field) for field in by]
    for row, one in enumerate(experiments):
        members.setdefault(tuple(column[row] for column in values), []).append(one)
    if len(members) > _MOST_GROUPS:
        raise InvalidValue(
            f"Grouping by {', '.join(by)} makes {len(members)} groups; at most {_MOST_GROUPS} "
            "can be told apart in a chart. Group by a field with fewer values.",
            key="by",
        )
    lines = {line.experiment_id: line for line in _lines(store, experiments, metric, x)}
    out: dict[str, Band] = {}
    for key in sorted(members, key=_sortable):
        runs = [(lines[one.id].x, lines[one.id].y) for one in members[key] if one.id in lines]
        if runs:
            name = ", ".join(
                f"{short}={'none' if value is None else shown(value)}"
                for short, value in zip(short_keys(by), key, strict=True)
            )
            out[name] = band_of(runs, kind=band, points=points)
    return out


def _lines(
    store: Store, experiments: Sequence[ExperimentView], metric: str, x: XAxis
) -> list[Line]:
    # All points: a mean over what downsampling keeps would be a mean of extremes.
    return read_lines(store, experiments, [metric], x=x, points=None)


def _sortable(key: tuple[Any, ...]) -> tuple[tuple[int, float, str], ...]:
    return tuple(
        (0, float(value), "")
        if isinstance(value, int | float)
        else (1, 0.0, str(value))
        if value is not None
        else (2, 0.0, "")
        for value in key
    )
