"""Drawing dots, and lines through axes beside each other. A program that draws such a figure has these functions as they stand here.

So they use nothing of Anew but the style's functions, which such a program has too.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from .style import INK, MUTED, dress, literal, note, shortened

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

__all__ = ["bar_beside", "dots", "stairs", "strands", "text_axis"]


def text_axis(axis: Any, categories: Sequence[str], across: bool) -> None:
    """A place for each text along an axis; long texts are turned where they lie across."""
    names = [literal(shortened(text, 18)) for text in categories]
    turned = across and sum(map(len, names)) > 70
    axis.set_ticks(
        range(len(names)),
        names,
        rotation=30 if turned else 0,
        ha="right" if turned or not across else "center",
    )
    (axis.axes.set_xlim if across else axis.axes.set_ylim)(-0.6, len(names) - 0.4)


def dots(
    ax: Axes,
    xs: Sequence[float],
    ys: Sequence[float],
    colors: Sequence[str],
    x: tuple[str, str, Sequence[str]],
    y: tuple[str, str, Sequence[str]],
    title: str,
    remark: str,
    ring: tuple[int, str, str] | None,
    front: Sequence[int],
    rising: bool,
) -> None:
    """A dot for each pair of values. One whose y is not finite is a cross at the top.

    Args:
        colors: One for all, or one for each; the crosses have a color of their own.
        x, y: The name of each axis, whether it is "linear", "log" or "text", and its texts.
        ring: The number of the dot with a ring around it, the ring's color, and what is written beside it.
        front: The numbers of the dots with stairs from each to the next, as far as the last dot across.
        rising: Whether the stairs go to the right.
    """
    cross = "#D55E00"
    seen: dict[float, int] = {}
    across: list[float] = []
    for at in xs:
        # Of texts, dots are spread sideways so that none hides another: multiples of the golden ratio fill an interval evenly.
        number = seen[at] = seen.get(at, -1) + 1
        aside = ((number * 0.618034 + 0.5) % 1 - 0.5) * 0.36 if number and x[1] == "text" else 0.0
        across.append(at + aside)
    good = [place for place, value in enumerate(ys) if math.isfinite(value)]
    bad = [place for place, value in enumerate(ys) if not math.isfinite(value)]
    ax.scatter(
        [across[place] for place in good],
        [ys[place] for place in good],
        s=44 if len(xs) <= 100 else 22 if len(xs) <= 1000 else 8,
        color=colors[0] if len(colors) == 1 else [colors[place] for place in good],
        alpha=0.75 if len(xs) <= 200 else 0.4,
        edgecolors="white",
        linewidths=0.6,
        zorder=3,
    )
    if bad:
        ax.plot(
            [across[place] for place in bad], [0.985] * len(bad), "x", color=cross, markersize=6,
            transform=ax.get_xaxis_transform(), clip_on=False, zorder=4,
        )  # fmt: skip
    if y[1] == "log":
        ax.set_yscale("log", nonpositive="mask")
    elif y[1] == "text":
        text_axis(ax.yaxis, y[2], False)
    if x[1] == "log":
        ax.set_xscale("log", nonpositive="mask")
    elif x[1] == "text":
        text_axis(ax.xaxis, x[2], True)
        ax.tick_params(axis="x", colors=MUTED)
    dress(ax, title=title, x=x[0], y=y[0], grid="both")
    if front:
        stairs(ax, [(xs[place], ys[place]) for place in front], max(xs) if rising else min(xs))
    if ring is not None:
        place, color, name = ring
        ax.plot(
            [across[place]], [ys[place]], "o", markersize=11, markerfacecolor="none", markeredgecolor=color,
            markeredgewidth=1.6, zorder=5,
        )  # fmt: skip
        ax.annotate(
            literal(shortened(name, 28)), (across[place], ys[place]), xytext=(9, 7),
            textcoords="offset points", fontsize=8.5, color=color, zorder=6,
        )  # fmt: skip
    note(ax, remark)


def stairs(ax: Axes, front: Sequence[tuple[float, float]], end: float) -> None:
    """Draw stairs from each place to the next, and on to an x."""
    corners = [front[0]]
    for x, y in front[1:]:
        corners += [(x, corners[-1][1]), (x, y)]
    corners.append((end, corners[-1][1]))
    ax.plot(*zip(*corners, strict=True), color=INK, linewidth=1.2, alpha=0.8, zorder=4)
    ax.plot(*zip(*front, strict=True), "o", color=INK, markersize=5, zorder=5)


def strands(
    ax: Axes,
    heights: Sequence[Sequence[float]],
    colors: Sequence[Any],
    widths: Sequence[float],
    rulers: Sequence[tuple[str, Sequence[tuple[float, str]], bool]],
    title: str,
    remark: str,
) -> None:
    """A line for each experiment through axes beside each other, each from 0 to 1; the first lines lie below the others.

    Args:
        heights: Of each line its height on each axis; below 0 where it has no value.
        rulers: Of each axis its name, its ticks as heights and texts, and whether a line has no value there.
    """
    from matplotlib.collections import LineCollection

    t = np.linspace(0, 1, 24)
    ease = t * t * (3 - 2 * t)  # level at each axis, so that a line can be followed across
    lines = [
        np.vstack(
            [
                np.column_stack((index + t, a + (b - a) * ease))
                for index, (a, b) in enumerate(pairwise(line))
            ]
        )
        for line in heights
    ]
    ax.add_collection(
        LineCollection(lines, colors=colors, linewidths=widths, alpha=0.85 if len(lines) <= 60 else 0.5)
    )  # fmt: skip
    last = len(rulers) - 1
    figure: Any = ax.get_figure(root=True)
    room = 72 * figure.get_figwidth() / (last + 1.2)  # points from one axis to the next
    # Names of narrow axes stand in two rows, so that each has the room of two axes.
    rows = 1 if room >= 100 else 2
    long, short = int(min(22, rows * room / 6.4)), int(min(16, room / 5.4))
    for index, (name, ticks, lacks) in enumerate(rulers):
        ax.plot([index, index], [0, 1], color="#9A9A9A", linewidth=1, zorder=3)
        side = 6 if index == last else -6
        beside = "left" if index == last else "right"
        for at, text in ticks:
            ax.annotate(
                literal(shortened(text, short)), (index, at), xytext=(side, 0), textcoords="offset points", ha=beside,
                va="center", fontsize=8, color=INK, zorder=4,
                bbox={"boxstyle": "round,pad=0.1", "fc": "white", "ec": "none", "alpha": 0.75},
            )  # fmt: skip
        if lacks:
            ax.annotate(
                "none", (index, -0.09), xytext=(-6, 0), textcoords="offset points", ha="right",
                va="center", fontsize=8, color=MUTED, fontstyle="italic",
            )  # fmt: skip
        ax.annotate(
            literal(shortened(name, long)), (index, 1), xytext=(0, 10 + 13 * (index % rows)), textcoords="offset points", ha="center",
            va="bottom", fontsize=9.5, color=INK, fontweight="bold" if index == last else "normal",
        )  # fmt: skip
    ax.set_xlim(-0.45, last + 0.35)
    ax.set_ylim(-0.14, 1.02)
    ax.set_axis_off()
    ax.set_title(
        literal(title), loc="left", fontsize=12, color=INK, fontweight="bold", pad=15 + 13 * rows
    )
    note(ax, remark)


def bar_beside(ax: Axes, low: float, high: float, scheme: str) -> None:
    """What the colors of lines say."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    figure: Any = ax.get_figure(root=True)
    shades = ScalarMappable(Normalize(low, high), scheme)
    bar = figure.colorbar(shades, ax=ax, pad=0.03, aspect=30, shrink=0.85)
    bar.ax.tick_params(labelsize=8, colors=MUTED, length=2)
    bar.outline.set_visible(False)
