"""The style of figures: colours, grid, fonts, saving. Everything is set on the figure itself, nothing globally.

Nothing here touches pyplot, a backend or `rcParams`, so a user's own settings stay as they are.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InvalidValue, MissingDependency

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.legend import Legend

__all__ = [
    "DASHES",
    "FORMATS",
    "INK",
    "MUTED",
    "PALETTE",
    "dress",
    "legend",
    "literal",
    "new_axes",
    "new_grid",
    "note",
    "save_figure",
]

# Okabe and Ito's colours, told apart with every kind of colour blindness, without their yellow
# (too light for a line on white); the order puts the strongest contrasts first.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#4D4D4D")
DASHES: tuple[Any, ...] = ("-", (0, (5, 1.5)), (0, (1.2, 1.2)), (0, (6, 1.5, 1.2, 1.5)))
INK = "#222222"
MUTED = "#6B6B6B"
_GRID = "#E4E4E4"
FORMATS = ("png", "svg", "pdf")


def new_axes(ax: Axes | None, *, size: tuple[float, float] = (8.0, 4.5)) -> tuple[Figure, Axes]:
    """The axes to draw in and their figure: those given, or fresh ones drawn by Agg."""
    if ax is not None:
        figure = ax.get_figure(root=True)
        assert figure is not None, "the axes were removed from their figure"
        return figure, ax
    figure = _fresh(size)
    return figure, figure.add_subplot()


def _fresh(size: tuple[float, float]) -> Figure:
    """A figure of that size in inches, drawn by Agg.

    Raises:
        MissingDependency: matplotlib is not installed.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ModuleNotFoundError as error:
        raise MissingDependency.of("A figure", "matplotlib", "plot") from error

    figure = Figure(figsize=size, dpi=150, layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def new_grid(rows: int, columns: int) -> tuple[Figure, list[Axes]]:
    """A fresh figure with a grid of axes, drawn by Agg; the axes in reading order."""
    width = {1: 8.0, 2: 10.5}.get(columns, 13.0)
    figure = _fresh((width, 0.5 + 3.2 * rows + (0.8 if rows == 1 else 0)))
    grid = figure.subplots(rows, columns, squeeze=False)
    return figure, [ax for row in grid for ax in row]


def dress(ax: Axes, *, title: str, x: str, y: str, grid: str = "y") -> None:
    """Title, axis names and a quiet frame."""
    ax.set_title(literal(title), loc="left", fontsize=12, color=INK, fontweight="bold", pad=10)
    ax.set_xlabel(literal(x), color=MUTED, fontsize=9.5)
    ax.set_ylabel(literal(y), color=MUTED, fontsize=9.5)
    ax.set_facecolor("white")
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        ax.spines[side].set_color("#BBBBBB")
    ax.tick_params(which="both", colors=MUTED, labelsize=8.5, length=3)
    ax.tick_params(which="minor", length=1.5)
    if grid:
        ax.grid(True, axis=grid, color=_GRID, linewidth=0.8)  # type: ignore[arg-type]
    ax.set_axisbelow(True)


def legend(ax: Axes, handles: Sequence[Any], labels: Sequence[str], *, outside: bool) -> None:
    """A legend: outside the axes of a figure of ours, where it hides nothing; else in the emptiest corner."""
    shown = [literal(shortened(label, 48)) for label in labels]
    common: dict[str, Any] = {"fontsize": 8.5, "labelcolor": INK, "handlelength": 2.0}
    if not outside:
        box = ax.legend(
            handles,
            _named(shown),
            loc="best",
            frameon=True,
            framealpha=0.85,
            edgecolor="none",
            **common,
        )
        _label(box, shown)
        return
    figure = ax.get_figure(root=True)
    assert figure is not None, "the axes were removed from their figure"
    room = int(figure.get_figwidth() * 14.5)  # characters of this size across the figure
    columns = min(len(shown), max(1, room // (max(len(label) for label in shown) + 6)))
    rows = math.ceil(len(shown) / columns)
    below = rows <= 3
    if below:
        columns = math.ceil(len(shown) / rows)
        # Columns are filled from above; the order should read along the rows.
        order = [i for start in range(columns) for i in range(start, len(shown), columns)]
        handles, shown = [handles[i] for i in order], [shown[i] for i in order]
    box = figure.legend(
        handles,
        _named(shown),
        loc="outside lower left" if below else "outside right upper",
        ncols=columns if below else 1,
        columnspacing=1.6,
        frameon=False,
        **common,
    )
    _label(box, shown)


def _named(labels: Sequence[str]) -> list[str]:
    # matplotlib leaves out what begins with an underscore, and what has no name.
    return [f".{label}" for label in labels]


def _label(box: Legend, labels: Sequence[str]) -> None:
    for text, label in zip(box.get_texts(), labels, strict=True):
        text.set_text(label)


def note(ax: Axes, text: str) -> None:
    """A remark in small type at the top right about what the chart does not show."""
    if text:
        ax.annotate(
            literal(text),
            (1.0, 1.0),
            xytext=(0, 4),
            xycoords="axes fraction",
            textcoords="offset points",
            ha="right",
            va="bottom",
            fontsize=8,
            color=MUTED,
        )


def shortened(text: str, most: int) -> str:
    """The text with its middle left out when it is longer than `most` characters."""
    if len(text) <= most:
        return text
    keep = most - 1
    return f"{text[: keep - keep // 2]}…{text[len(text) - keep // 2 :]}"


def literal(text: str) -> str:
    """A text that matplotlib shows as it is: a dollar sign would start a formula. Every name that is drawn goes through here."""
    return text.replace("$", r"\$")


def save_figure(
    figure: Figure,
    path: str | os.PathLike[str],
    *,
    size: tuple[float, float] | None = None,
) -> Path:
    """Write the figure to a PNG, SVG or PDF file, by the ending of its name.

    Args:
        size: Width and height in inches; by default the figure's own.

    Raises:
        InvalidValue: The name ends in something else.
    """
    target = Path(path)
    ending = target.suffix.lower().lstrip(".")
    if ending not in FORMATS:
        raise InvalidValue(
            f"Figures are saved as .png, .svg or .pdf, but {target.name!r} ends in "
            f"{target.suffix or 'nothing'!r}: choose one of the three.",
            key="save",
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    if size is not None:
        figure.set_size_inches(size)
    figure.savefig(target, format=ending)
    return target
