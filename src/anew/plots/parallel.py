"""Parallel coordinates: an axis per parameter, a line per experiment, coloured by the result.

Each axis has its own scale (see `scatter.axis_of`). An experiment that lacks a parameter passes that axis
below its foot, at "none". The best results are drawn last and lie on top.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import InvalidValue, NotFound
from ..query.fields import Param, Target
from ..reading.fields import settings_of
from .fields import field_values, metric_result
from .group import selected
from .labels import differing, short_keys
from .saving import save_figure
from .scatter import Axis, Mode, axis_of, check_mode, smaller_is_better
from .style import INK, MUTED, literal, new_axes, note, shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ..store import Ref, Store

__all__ = ["plot_parallel", "unit_places"]

_NONE_AT = -0.09
_MOST_AXES = 12


def plot_parallel(
    store: Store,
    experiments: str | Iterable[Ref] | None,
    params: Sequence[str] | None,
    metric: str,
    *,
    mode: Mode = "best",
    save: str | os.PathLike[str] | None = None,
    ax: Axes | None = None,
    title: str | None = None,
) -> Figure:
    """Draw experiments as lines through their parameters to a result.

    Args:
        experiments: A filter, the experiments themselves, or None for all.
        params: The fields to give an axis, in order; by default the parameters and configuration keys that differ.
        mode: The result: "best" (by the metric's name), "last", "min" or "max".
        save: A .png, .svg or .pdf file to write as well.

    Raises:
        NotFound: There is no experiment with a finite result, or nothing differs.
        InvalidValue: `mode` or `save` has a value it cannot have, or there are over 12 parameters.
    """
    check_mode(mode)
    everyone = selected(store, experiments)
    views = [
        one for one in everyone
        if (value := metric_result(one, metric, mode)) is not None and math.isfinite(value)
    ]  # fmt: skip
    if not views:
        raise NotFound(f"No experiment has a finite value of {metric!r}.", name=metric)
    if params is None:
        keys = differing([settings_of(one) for one in views])[:_MOST_AXES]
        if not keys:
            raise NotFound(
                "No parameter or configuration key differs between these experiments: name those to draw."
            )
        fields: list[str | Target] = [Param("either", key) for key in keys]
        titles = keys
    else:
        fields = list(params)
        titles = list(params)
    if not 0 < len(fields) <= _MOST_AXES:
        raise InvalidValue(f"Give 1 to {_MOST_AXES} parameters, not {len(fields)}.", key="params")
    axes_of = [axis_of(field_values(views, field)) for field in fields]
    results = [metric_result(one, metric, mode) for one in views]
    axes_of.append(axis_of(results))
    figure, ax_ = new_axes(ax, size=(max(6.5, 1.9 * len(axes_of) + 1.5), 4.6))
    ends = [float(value) for value in results if value is not None]
    down = smaller_is_better(metric, mode)
    _draw(ax_, axes_of, ends, down)
    result = metric if mode == "last" else f"{mode} {metric}"
    names = [*short_keys(titles), result]
    _rulers(ax_, axes_of, names)
    ax_.set_title(
        literal(title or f"{result} of {len(views)} experiments"), loc="left", fontsize=12, color=INK,
        fontweight="bold", pad=28,
    )  # fmt: skip
    _colorbar(ax_, ends, result, down)
    left_out = len(everyone) - len(views)
    note(ax_, f"{left_out} without a finite {metric}" if left_out else "")
    if save is not None:
        save_figure(figure, save)
    return figure


def unit_places(axis: Axis) -> tuple[list[float], list[tuple[float, str]]]:
    """Every experiment's height on an axis from 0 to 1 ("none" below 0), and the ticks there."""
    if axis.kind == "text":
        last = max(1, len(axis.categories) - 1)
        spread = 1.0 if len(axis.categories) > 1 else 0.0
        ticks = [
            (index / last if spread else 0.5, name) for index, name in enumerate(axis.categories)
        ]
        heights = [_NONE_AT if at is None else (at / last if spread else 0.5) for at in axis.places]
        return heights, ticks
    scale: Any = math.log10 if axis.kind == "log" else float
    numbers = sorted({at for at in axis.places if at is not None})
    low, high = scale(numbers[0]), scale(numbers[-1])
    span = high - low

    def height(value: float) -> float:
        return (scale(value) - low) / span if span else 0.5

    marks = numbers if len(numbers) <= 6 else _marks(numbers[0], numbers[-1], axis.kind)
    ticks = [(height(mark), f"{mark:.4g}") for mark in marks]
    return [_NONE_AT if at is None else height(at) for at in axis.places], ticks


def _marks(low: float, high: float, kind: str) -> list[float]:
    from matplotlib.ticker import LogLocator, MaxNLocator

    locator = LogLocator(numticks=6) if kind == "log" else MaxNLocator(nbins=5)
    scale: Any = math.log10 if kind == "log" else float
    near = 0.07 * (scale(high) - scale(low))
    inside = [
        float(mark)
        for mark in locator.tick_values(low, high)
        if low < mark < high and min(scale(mark) - scale(low), scale(high) - scale(mark)) > near
    ]
    return [low, *inside, high]


def _draw(ax: Axes, axes_of: Sequence[Axis], ends: Sequence[float], down: bool) -> None:
    from matplotlib import colormaps
    from matplotlib.collections import LineCollection

    heights = np.array([unit_places(axis)[0] for axis in axes_of]).T
    rank = np.argsort(np.argsort(np.array(ends)))
    goodness = 1 - rank / max(1, len(ends) - 1) if down else rank / max(1, len(ends) - 1)
    order = np.argsort(goodness)
    low, high = min(ends), max(ends)
    shade = [(end - low) / (high - low) if high > low else 0.5 for end in ends]
    scheme = colormaps["viridis_r" if down else "viridis"]
    smooth = [_curve(heights[index]) for index in order]
    ax.add_collection(
        LineCollection(
            smooth,
            colors=[scheme(0.95 * shade[index]) for index in order],
            linewidths=[0.8 + 1.4 * float(goodness[index]) ** 3 for index in order],
            alpha=0.85 if len(ends) <= 60 else 0.5,
        )
    )


def _curve(heights: Any) -> Any:
    """A line through the axes that leaves each of them level, so that it can be followed across."""
    t = np.linspace(0, 1, 24)
    ease = t * t * (3 - 2 * t)
    pieces = [
        np.column_stack((index + t, a + (b - a) * ease))
        for index, (a, b) in enumerate(pairwise(heights))
    ]
    return np.vstack(pieces) if pieces else np.array([[0.0, heights[0]], [0.0, heights[0]]])


def _rulers(ax: Axes, axes_of: Sequence[Axis], names: Sequence[str]) -> None:
    for index, (axis, name) in enumerate(zip(axes_of, names, strict=True)):
        heights, ticks = unit_places(axis)
        ax.plot([index, index], [0, 1], color="#9A9A9A", linewidth=1, zorder=3)
        last = index == len(axes_of) - 1
        for at, text in ticks:
            ax.annotate(
                literal(shortened(text, 16)), (index, at), xytext=(6 if last else -6, 0),
                textcoords="offset points", ha="left" if last else "right", va="center", fontsize=8,
                color=INK, zorder=4,
                bbox={"boxstyle": "round,pad=0.1", "fc": "white", "ec": "none", "alpha": 0.75},
            )  # fmt: skip
        if min(heights) < 0:
            ax.annotate(
                "none", (index, _NONE_AT), xytext=(-6, 0), textcoords="offset points", ha="right",
                va="center", fontsize=8, color=MUTED, fontstyle="italic",
            )  # fmt: skip
        ax.annotate(
            literal(shortened(name, 22)), (index, 1), xytext=(0, 10), textcoords="offset points", ha="center",
            va="bottom", fontsize=9.5, color=INK, fontweight="bold" if last else "normal",
        )  # fmt: skip
    ax.set_xlim(-0.45, len(axes_of) - 1 + 0.35)
    ax.set_ylim(-0.14, 1.02)
    ax.set_axis_off()


def _colorbar(ax: Axes, ends: Sequence[float], name: str, down: bool) -> None:
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    figure = ax.get_figure(root=True)
    assert figure is not None
    norm = Normalize(min(ends), max(ends) if max(ends) > min(ends) else min(ends) + 1)
    bar = figure.colorbar(
        ScalarMappable(norm, "viridis_r" if down else "viridis"), ax=ax, pad=0.03, aspect=30,
        shrink=0.85,
    )  # fmt: skip
    bar.ax.tick_params(labelsize=8, colors=MUTED, length=2)
    bar.outline.set_visible(False)
