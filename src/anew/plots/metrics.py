"""Many metrics of one experiment, a panel for each group of metrics that belong together.

`train/loss` and `val/loss` share a panel, because the last part of their names is the same: those are the
curves one wants to see against each other.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ..errors import NotFound
from ..query.smoothing import smoothed
from .chart import Chart, keep_charts
from .draw import draw_chart
from .lines import Attempts, Line, XAxis, chosen, nth, read_lines
from .metric import chart_of
from .saving import save_figure
from .style import INK, literal, new_grid

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ..reading.views import ExperimentView
    from ..store import Ref, Store

__all__ = ["panels", "plot_metrics"]


def plot_metrics(
    store: Store,
    ref: Ref,
    metrics: str | Sequence[str] | None = None,
    *,
    save: str | os.PathLike[str] | None = None,
    x: XAxis = "step",
    smooth: float = 0.0,
    log_y: bool = False,
    points: int = 2000,
    title: str | None = None,
    attempts: Attempts | None = None,
) -> Figure:
    """Draw many metrics of one experiment in a grid of panels.

    Args:
        metrics: Names in the order wanted; all but `system/…` if not given.
        save: A .png, .svg or .pdf file to write as well, or a .py file: the program that draws the figure.
        x, smooth, log_y, points, attempts: As in `plot_metric`.

    Raises:
        NotFound: The experiment is unknown, or has none of the metrics.
        InvalidValue: `save`, `x` or `smooth` has a value it cannot have.
    """
    (experiment,) = chosen(store, ref)
    names = _names(experiment, metrics)
    lines = read_lines(store, [experiment], names, x=x, points=points, attempts=attempts)
    smooth_lines = None
    if smooth:
        whole = read_lines(store, [experiment], names, x=x, points=None, attempts=attempts)
        smooth_lines = [
            Line(one.experiment_id, one.metric, one.x, smoothed(one.y, smooth)) for one in whole
        ]
    groups = panels([line.metric for line in lines])
    columns = 1 if len(groups) == 1 else 2 if len(groups) <= 4 else 3
    figure, axes = new_grid(math.ceil(len(groups) / columns), columns)
    charts: list[Chart] = []
    for number, (heading, members) in enumerate(groups.items()):
        chosen_lines = [lines[index] for index in members]
        chart = chart_of(
            chosen_lines,
            [line.metric + nth(line) for line in chosen_lines],
            x=x,
            title=heading,
            y_name="",
            log_y=log_y,
            smooth_lines=None if smooth_lines is None else [smooth_lines[i] for i in members],
        )
        below = number + columns < len(groups)  # a chart, whose axis is named
        charts.append(replace(chart, x_name="") if below else chart)
    for ax, chart in zip(axes, charts, strict=False):
        draw_chart(ax, chart, outside=False)
    for ax in axes[len(charts) :]:
        ax.set_visible(False)
    keep_charts(figure, charts)
    figure.suptitle(
        literal(title or experiment.name),
        x=0.01,
        ha="left",
        fontsize=13,
        fontweight="bold",
        color=INK,
    )
    if save is not None:
        save_figure(figure, save)
    return figure


def _names(experiment: ExperimentView, metrics: str | Sequence[str] | None) -> list[str]:
    if metrics is None:
        names = [name for name in experiment.metrics if not name.startswith("system/")]
        names = names or list(experiment.metrics)
    else:
        names = [metrics] if isinstance(metrics, str) else list(dict.fromkeys(metrics))
    if not names:
        raise NotFound(f"The experiment {experiment.prefix} has logged no metric to plot.")
    return names


def panels(names: Sequence[str]) -> dict[str, list[int]]:
    """Which metrics share a panel: heading → positions in `names`.

    Names with the same last part do; one alone is headed by its whole name.
    """
    together: dict[str, list[int]] = {}
    for index, name in enumerate(names):
        _, _, last = name.rpartition("/")
        stem = last
        for start in ("train_", "val_", "valid_", "validation_", "test_", "eval_"):
            stem = stem.removeprefix(start)
        together.setdefault(stem or name, []).append(index)
    return {
        (names[indices[0]] if len(indices) == 1 else stem): indices
        for stem, indices in together.items()
    }
