"""A parameter against a result: one dot per experiment.

The parameter's axis is as `places.axis_of` has it. The dots of a text are spread sideways a little (the
same way every time) so that none hides another. An experiment without a finite result is an × at the top.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np

from ..errors import InvalidValue, NotFound
from .chart import Dots, Ruler, keep_charts
from .fields import field_values, metric_result
from .front import Better, check_front, front_of
from .group import selected
from .pictures import draw_dots
from .places import axis_of
from .saving import save_figure
from .style import PALETTE, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ..reading.views import ExperimentView
    from ..store import Ref, Store

__all__ = ["plot_scatter"]

Mode = Literal["best", "last", "min", "max"]
MODES: tuple[Mode, ...] = ("best", "last", "min", "max")


def plot_scatter(
    store: Store,
    experiments: str | Iterable[Ref] | None,
    param: str,
    metric: str,
    mode: Mode = "best",
    *,
    save: str | os.PathLike[str] | None = None,
    ax: Axes | None = None,
    log_y: bool = False,
    front: Better | None = None,
    title: str | None = None,
) -> Figure:
    """Draw a parameter (or any field) against the result of a metric, one dot per experiment.

    Args:
        experiments: A filter, the experiments themselves, or None for all.
        param: The field on x, such as "lr" or "params.lr".
        mode: The result on y: "best" (by the metric's name), "last", "min" or "max".
        save: A .png, .svg or .pdf file to write as well, or a .py file: the program that draws the figure.
        front: Which ends of the axes are the better ones, the one across first, such as "low-high": the experiments that no other one
            beats are drawn with stairs between them. With "created_at" across that is the best so far.

    Raises:
        NotFound: There is no experiment, or none has both the parameter and the metric.
        InvalidValue: `mode`, `front` or `save` has a value it cannot have.
    """
    check_mode(mode)
    views = [one for one in selected(store, experiments) if metric in one.metrics]
    if not views:
        raise NotFound(f"No experiment has a metric {metric!r}.", name=metric)
    axis = axis_of(field_values(views, param))
    dots = [
        (one, at, metric_result(one, metric, mode))
        for one, at in zip(views, axis.places, strict=True)
        if at is not None
    ]
    if not dots:
        raise NotFound(f"No experiment has both {param!r} and a metric {metric!r}.", name=param)
    result = metric if mode == "last" else f"{mode} {metric}"
    hidden = len(views) - len(dots)
    best = _the_best(dots, metric, mode)
    ys = np.array([math.nan if y is None or (log_y and y <= 0) else y for _, _, y in dots])
    if front is not None:
        check_front(front, axis.kind)
    picture = Dots(
        title=title or f"{result} by {param}",
        x=Ruler(param, axis.kind, tuple(axis.categories)),
        y=Ruler(result, "log" if log_y else "linear"),
        xs=np.array([at for _, at, _ in dots]),
        ys=ys,
        colors=(PALETTE[0],),
        remark=f"{hidden} without {param}" if hidden else "",
        ringed=None if best is None else best[0],
        ring_name="" if best is None else best[1],
        front=() if front is None else front_of([at for _, at, _ in dots], ys, front),
        rising=front is None or front.startswith("low"),
    )
    figure, axes = new_axes(ax, size=(7.0, 4.5))
    draw_dots(axes, picture)
    if ax is None:
        keep_charts(figure, [picture])
    if save is not None:
        save_figure(figure, save)
    return figure


def _the_best(
    dots: Sequence[tuple[ExperimentView, float, float | None]], metric: str, mode: Mode
) -> tuple[int, str] | None:
    """The number and the name of the best of them; without a direction nobody is."""
    from ..record.direction import known_direction

    finite = [(y, i) for i, (_, _, y) in enumerate(dots) if y is not None and math.isfinite(y)]
    if len(finite) < 2 or (mode not in ("min", "max") and known_direction(metric) is None):
        return None
    _, index = min(finite) if smaller_is_better(metric, mode) else max(finite)
    return index, dots[index][0].name


def check_mode(mode: str) -> None:
    """Raise an error unless the mode is one of the four."""
    if mode not in MODES:
        raise InvalidValue(f"result must be one of {', '.join(MODES)}, not {mode!r}.", key="mode")


def smaller_is_better(metric: str, mode: Mode) -> bool:
    """Whether a smaller result is the better one, by the mode or else by the metric's name."""
    from ..record.direction import direction

    return mode == "min" or (mode != "max" and direction(metric) == "min")
