"""How the results of each value of a setting spread: as boxes or as bars, and in numbers. The page makes the same groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from ..plots.style import INK, dress, literal, new_axes, shortened
from .colours import STRONG
from .figure import WIDE, charted
from .parts import Figure, Part, Table
from .points import is_log, shown_at
from .words import plural, short, title_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..analysis.values import FieldValues, Values
    from ..plots.lines import Floats
    from ..reports.plots import Plot

__all__ = ["Box", "boxes", "boxes_of"]

_MOST = 24
"""Settings with more values than this are divided in parts of equal size."""
_PARTS = 8
_DOTS = 1000


@dataclass(frozen=True)
class Box:
    """The results of one value of a setting, from the smallest on, and how many have none that the axis can show."""

    label: str
    values: Floats
    without: int

    @property
    def mean(self) -> float | None:
        """Their mean; None of none."""
        return float(self.values.mean()) if len(self.values) else None

    @property
    def sd(self) -> float | None:
        """Their standard deviation, with n - 1; None of a single one."""
        return float(self.values.std(ddof=1)) if len(self.values) > 1 else None


def boxes_of(result: FieldValues, setting: FieldValues, logs: Sequence[str]) -> list[Box]:
    """A box for each value of a setting, in their order; what has none comes last."""
    labels, group = _groups(setting)
    shown = shown_at(result, logs)
    found = []
    for at, label in enumerate([*labels, "none"]):
        mine = shown[group == at]
        there = np.sort(mine[np.isfinite(mine)])
        if len(mine):
            found.append(Box(label, there, len(mine) - len(there)))
    return found


def _groups(setting: FieldValues) -> tuple[list[str], np.ndarray]:
    """What each group is called, and the number of each experiment's; those without a value are in one more."""
    values = setting.values
    distinct = np.unique(values[~np.isnan(values)])
    if len(distinct) <= _MOST:
        labels = [setting.labels[int(one)] if setting.labels else f"{one:.6g}" for one in distinct]
        return labels, np.where(np.isnan(values), len(distinct), np.searchsorted(distinct, values))
    finite = values[np.isfinite(values)]
    edges = np.unique(np.quantile(finite, np.linspace(0, 1, _PARTS + 1)))
    parts = max(1, len(edges) - 1)
    if setting.labels:
        labels = [f"{shortened(setting.labels[int(np.ceil(edges[at]))], 10)} …" for at in range(parts)]  # fmt: skip
    else:
        last = len(edges) - 1
        labels = [f"{short(edges[at])}–{short(edges[min(at + 1, last)])}" for at in range(parts)]
    group = np.searchsorted(edges[1:-1], values, side="right")
    return labels, np.where(np.isfinite(values), group, parts)


def boxes(values: Values, plot: Plot, form: Literal["svg", "png"]) -> list[Part]:
    """The drawing and its numbers."""
    result, setting = values.columns
    every = boxes_of(result, setting, plot.logs)
    kind = "Bars" if plot.which == "bars" else "Boxes"
    names = title_of(result.field), title_of(setting.field)
    title = f"{kind} of {names[0]} by {names[1]}"
    figure, axes = new_axes(None, size=(WIDE, 3.6))
    log = is_log(result, plot.logs)
    if log:
        axes.set_yscale("log")
    (_bars if plot.which == "bars" else _boxes)(axes, every)
    dress(axes, title=f"{names[0]} by {names[1]}", x=names[1], y=names[0])
    room = max(6, 90 // max(1, len(every)))
    axes.set_xticks(
        range(len(every)),
        [literal(f"{shortened(one.label, room)}\nn {len(one.values)}") for one in every],
    )
    axes.set_xlim(-0.6, len(every) - 0.4)
    meant = "bar: mean, line: ± one standard deviation" if plot.which == "bars" else "box: quartiles and median, whiskers: all, ▲ mean"  # fmt: skip
    without = sum(one.without for one in every)
    said = [plural(values.count, "experiment"), "every result counted", meant]
    if without:
        said.insert(2, f"{without:,} without a result that the axis can show")
    return [
        Figure((charted(figure, form, title),)),
        _numbers(every, names[1], (" · ".join(said),)),
    ]


def _boxes(axes: Axes, every: Sequence[Box]) -> None:
    few = sum(len(one.values) for one in every) <= _DOTS
    for at, one in enumerate(every):
        if not len(one.values):
            continue
        low, first, middle, third, high = np.quantile(one.values, (0, 0.25, 0.5, 0.75, 1))
        draw = axes.plot
        axes.fill_between([at - 0.3, at + 0.3], first, third, color=STRONG, alpha=0.22, lw=0)
        draw([at - 0.3, at + 0.3], [middle, middle], color=STRONG, lw=2)
        draw([at, at], [third, high], color=STRONG, lw=1)
        draw([at, at], [low, first], color=STRONG, lw=1)
        if few:
            aside = (np.arange(len(one.values)) * 0.618 % 1 * 2 - 1) * 0.24
            draw(at + aside, one.values, ".", color="#8A8A8A", ms=4)
        draw([at], [float(one.values.mean())], "^", color=STRONG, ms=7)


def _bars(axes: Axes, every: Sequence[Box]) -> None:
    for at, one in enumerate(every):
        if one.mean is None:
            continue
        axes.bar([at], [one.mean], width=0.6, color=STRONG, alpha=0.6)
        if one.sd is not None:
            ends = [one.mean - one.sd, one.mean + one.sd]
            axes.plot([at, at], ends, color=INK, lw=1)


def _numbers(every: Sequence[Box], setting: str, said: tuple[str, ...]) -> Table:
    heads = (setting, "n", "mean", "sd", "min", "quartile", "median", "quartile", "max")
    rows = []
    for one in every:
        parts = np.quantile(one.values, (0, 0.25, 0.5, 0.75, 1)).tolist() if len(one.values) else []
        quarters = [short(part) for part in parts] or ["–"] * 5
        rows.append((one.label, str(len(one.values)), short(one.mean), short(one.sd), *quarters))
    return Table(heads, tuple(rows), frozenset(range(1, len(heads))), said=said)
