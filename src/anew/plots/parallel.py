"""Parallel coordinates: an axis per parameter, a line per experiment, coloured by the result.

Each axis has its own scale (see `places.axis_of`). An experiment that lacks a parameter passes that axis
below its foot, at "none". The best results are drawn last and lie on top.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..errors import InvalidValue, NotFound
from ..query.fields import Param, Target
from ..reading.fields import settings_of
from .chart import Ruler, Strands, keep_charts
from .fields import field_values, metric_result
from .group import selected
from .labels import differing, short_keys
from .pictures import draw_strands
from .places import axis_of
from .saving import save_figure
from .scatter import Mode, check_mode, smaller_is_better
from .style import new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ..store import Ref, Store

__all__ = ["plot_parallel", "strands_size"]

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
        save: A .png, .svg or .pdf file to write as well, or a .py file: the program that draws the figure.

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
    result = metric if mode == "last" else f"{mode} {metric}"
    left_out = len(everyone) - len(views)
    picture = Strands(
        title=title or f"{result} of {len(views)} experiments",
        rulers=tuple(
            Ruler(name, axis.kind, tuple(axis.categories))
            for name, axis in zip([*short_keys(titles), result], axes_of, strict=True)
        ),
        values=tuple(
            np.array([math.nan if at is None else at for at in axis.places]) for axis in axes_of
        ),
        down=smaller_is_better(metric, mode),
        remark=f"{left_out} without a finite {metric}" if left_out else "",
    )
    figure, axes = new_axes(ax, size=strands_size(len(axes_of)))
    draw_strands(axes, picture)
    if ax is None:
        keep_charts(figure, [picture])
    if save is not None:
        save_figure(figure, save)
    return figure


def strands_size(axes: int) -> tuple[float, float]:
    """Width and height in inches of a figure with so many axes beside each other."""
    return max(6.5, 1.9 * axes + 1.5), 4.6
