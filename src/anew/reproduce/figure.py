"""Both curves of each metric in one picture, the first difference marked."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np

from ..plots.saving import save_figure
from ..plots.style import MUTED, PALETTE, dress, legend, new_grid, note
from .series import curves_of
from .verdict import MetricVerdict, Verdict

if TYPE_CHECKING:
    from ..reading.views import ExperimentView
    from ..store import Store
    from .judgement import Judgement
    from .verdict import Curve

__all__ = ["draw"]

_MOST = 12
_POINTS = 4000


def draw(
    store: Store,
    a: ExperimentView,
    b: ExperimentView,
    judgement: Judgement,
    path: str,
    *,
    other: Store | None = None,
) -> str | None:
    """Draw the metrics that were compared, the worst first, into an image file; its path, or None without metrics.

    Args:
        store: The store that `a` is in.
        other: The store that `b` is in, if that is another one.
    """
    shown = [m for m in judgement.metrics if m.points_a or m.points_b][:_MOST]
    if not shown:
        return None
    names = [m.metric for m in shown]
    curves_a, curves_b = curves_of(store, a, names), curves_of(other or store, b, names)
    columns = 1 if len(shown) < 2 else 2
    figure, axes = new_grid(-(-len(shown) // columns), columns)
    for ax in axes[len(shown) :]:
        ax.set_visible(False)
    handles: list[object] = []
    for ax, metric in zip(axes, shown, strict=False):
        pair = (curves_a.get(metric.metric), curves_b.get(metric.metric))
        drawn = []
        for curve, color, style, width in (
            (pair[0], PALETTE[0], "-", 2.4),
            (pair[1], PALETTE[1], (0, (4, 2)), 1.4),
        ):
            x, y = _thinned(curve)
            drawn += ax.plot(x, y, color=color, linestyle=style, linewidth=width)
        handles = handles or list(drawn)
        dress(ax, title=metric.metric, x="step", y="")
        note(ax, _remark(metric))
        if metric.verdict is Verdict.DIVERGED and metric.step is not None:
            ax.axvline(metric.step, color=MUTED, linewidth=1.0, linestyle=":")
    names = [
        f"{side}: {prefix}"
        for side, prefix in zip(judgement.sides, (a.prefix, b.prefix), strict=True)
    ]
    legend(axes[0], handles, names, outside=True)
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    save_figure(figure, path)
    return path


def _remark(metric: MetricVerdict) -> str:
    if metric.verdict is Verdict.DIVERGED and metric.step is not None:
        return f"{metric.verdict} from step {metric.step}"
    return str(metric.verdict)


def _thinned(curve: Curve | None) -> tuple[np.ndarray, np.ndarray]:
    """At most some thousand points, the smallest and largest of each stretch among them."""
    if curve is None:
        return np.empty(0), np.empty(0)
    if len(curve) <= _POINTS:
        return curve.steps, curve.values
    width = -(-len(curve) // (_POINTS // 2))
    padded = np.full(-(-len(curve) // width) * width, np.nan)
    padded[: len(curve)] = curve.values
    parts = padded.reshape(-1, width)
    missing = np.isnan(parts)
    starts = np.flatnonzero(~missing.all(axis=1)) * width
    some = parts[starts // width]
    lowest = np.where(missing[starts // width], np.inf, some).argmin(axis=1)
    highest = np.where(missing[starts // width], -np.inf, some).argmax(axis=1)
    order = np.unique(np.concatenate([starts + lowest, starts + highest]))
    return curve.steps[order], curve.values[order]
