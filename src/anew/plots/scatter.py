"""A parameter against a result: one dot per experiment.

A numeric parameter gets a logarithmic axis when it is positive and spans more than a factor of 50, as
learning rates do. One that is text gets a place per value, and its dots are spread sideways a little (the
same way every time) so that none hides another. An experiment without a finite result is an × at the top.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from ..errors import InvalidValue, NotFound
from .fields import field_values, metric_result
from .group import selected
from .labels import shown
from .saving import save_figure
from .style import MUTED, PALETTE, dress, literal, new_axes, note, shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ..reading.views import ExperimentView
    from ..store import Ref, Store

__all__ = ["Axis", "axis_of", "plot_scatter"]

Mode = Literal["best", "last", "min", "max"]
MODES: tuple[Mode, ...] = ("best", "last", "min", "max")
_LOG_FROM = 50.0


@dataclass(frozen=True)
class Axis:
    """How a parameter's values lie on an axis.

    Attributes:
        kind: "linear", "log" or "text".
        places: Where each experiment lies, None where it has no value; categories at 0, 1, 2 …
        categories: The texts of those places.
    """

    kind: Literal["linear", "log", "text"]
    places: list[float | None]
    categories: list[str]


def axis_of(values: Sequence[Any]) -> Axis:
    """The axis that suits a parameter's values."""
    present = [value for value in values if value is not None]
    numeric = all(
        isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        for value in present
    )
    if present and numeric:
        low, high = min(present), max(present)
        kind: Literal["linear", "log"] = "log" if low > 0 and high / low >= _LOG_FROM else "linear"
        return Axis(kind, [None if value is None else float(value) for value in values], [])
    texts = sorted({shown(value) for value in present}, key=_natural)
    where = {text: float(index) for index, text in enumerate(texts)}
    return Axis("text", [None if v is None else where[shown(v)] for v in values], texts)


def _natural(text: str) -> tuple[int, float, str]:
    try:
        return (0, float(text), text)
    except ValueError:
        return (1, 0.0, text)


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
    title: str | None = None,
) -> Figure:
    """Draw a parameter (or any field) against the result of a metric, one dot per experiment.

    Args:
        experiments: A filter, the experiments themselves, or None for all.
        param: The field on x, such as "lr" or "params.lr".
        mode: The result on y: "best" (by the metric's name), "last", "min" or "max".
        save: A .png, .svg or .pdf file to write as well.

    Raises:
        NotFound: There is no experiment, or none has both the parameter and the metric.
        InvalidValue: `mode` or `save` has a value it cannot have.
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
    figure, axes = new_axes(ax, size=(7.0, 4.5))
    across = _draw(axes, axis, dots, log_y)
    result = metric if mode == "last" else f"{mode} {metric}"
    dress(axes, title=title or f"{result} by {param}", x=param, y=result, grid="both")
    _ring_the_best(axes, across, dots, metric, mode)
    hidden = len(views) - len(dots)
    note(axes, f"{hidden} without {param}" if hidden else "")
    if save is not None:
        save_figure(figure, save)
    return figure


def _draw(
    ax: Axes, axis: Axis, dots: list[tuple[ExperimentView, float, float | None]], log_y: bool
) -> list[float]:
    """Draw the dots; where each lies along x."""
    seen: dict[float, int] = {}
    across: list[float] = []
    for _, at, _ in dots:
        number = seen[at] = seen.get(at, -1) + 1
        # The golden ratio's multiples fill an interval evenly, however many there are.
        offset = ((number * 0.618034 + 0.5) % 1 - 0.5) * 0.36 if axis.kind == "text" else 0.0
        across.append(at + (offset if number else 0.0))
    good = [i for i, (_, _, y) in enumerate(dots) if y is not None and math.isfinite(y)]
    bad = [i for i in range(len(dots)) if i not in set(good)]
    size = 44 if len(dots) <= 100 else 22 if len(dots) <= 1000 else 8
    ax.scatter(
        [across[i] for i in good],
        [y for i in good if (y := dots[i][2]) is not None],
        s=size,
        color=PALETTE[0],
        alpha=0.75 if len(dots) <= 200 else 0.4,
        edgecolors="white",
        linewidths=0.6,
        zorder=3,
    )
    if bad:
        ax.plot(
            [across[i] for i in bad], [0.985] * len(bad), "x", color=PALETTE[1], markersize=6,
            transform=ax.get_xaxis_transform(), clip_on=False, zorder=4,
        )  # fmt: skip
    if log_y:
        ax.set_yscale("log", nonpositive="mask")
    if axis.kind == "log":
        ax.set_xscale("log")
    elif axis.kind == "text":
        names = [literal(shortened(text, 18)) for text in axis.categories]
        turned = sum(map(len, names)) > 70
        ax.set_xticks(
            range(len(names)),
            names,
            rotation=30 if turned else 0,
            ha="right" if turned else "center",
        )
        ax.set_xlim(-0.6, len(names) - 0.4)
        ax.tick_params(axis="x", colors=MUTED)
    return across


def _ring_the_best(
    ax: Axes,
    across: Sequence[float],
    dots: Sequence[tuple[ExperimentView, float, float | None]],
    metric: str,
    mode: Mode,
) -> None:
    finite = [(y, i) for i, (_, _, y) in enumerate(dots) if y is not None and math.isfinite(y)]
    from ..record.direction import known_direction

    if len(finite) < 2 or (mode not in ("min", "max") and known_direction(metric) is None):
        return  # without a direction nobody is the best
    y, index = min(finite) if smaller_is_better(metric, mode) else max(finite)
    ax.plot(
        [across[index]], [y], "o", markersize=11, markerfacecolor="none", markeredgecolor=PALETTE[1],
        markeredgewidth=1.6, zorder=5,
    )  # fmt: skip
    ax.annotate(
        literal(shortened(dots[index][0].name, 28)), (across[index], y), xytext=(9, 7),
        textcoords="offset points", fontsize=8.5, color=PALETTE[1], zorder=6,
    )  # fmt: skip


def check_mode(mode: str) -> None:
    """Raise an error unless the mode is one of the four."""
    if mode not in MODES:
        raise InvalidValue(f"result must be one of {', '.join(MODES)}, not {mode!r}.", key="mode")


def smaller_is_better(metric: str, mode: Mode) -> bool:
    """Whether a smaller result is the better one, by the mode or else by the metric's name."""
    from ..record.direction import direction

    return mode == "min" or (mode != "max" and direction(metric) == "min")
