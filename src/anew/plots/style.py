"""The style of figures: colours, grid, fonts. Everything is set on the figure itself, nothing globally.

Nothing here or in `saving` touches pyplot, a backend or (but for the moment in which a PDF is written) `rcParams`, so a
user's own settings stay as they are.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..errors import MissingDependency

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.legend import Legend

__all__ = [
    "DASHES",
    "GRID",
    "INK",
    "MUTED",
    "PAGE_INCHES",
    "PALETTE",
    "Type",
    "dress",
    "legend",
    "legend_places",
    "literal",
    "new_axes",
    "new_grid",
    "note",
    "shortened",
]

# Okabe and Ito's colours, told apart with every kind of colour blindness, without their yellow
# (too light for a line on white); the order puts the strongest contrasts first.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#4D4D4D")
DASHES: tuple[Any, ...] = ("-", (0, (5, 1.5)), (0, (1.2, 1.2)), (0, (6, 1.5, 1.2, 1.5)))
INK = "#222222"
MUTED = "#6B6B6B"
GRID = "#E4E4E4"
PAGE_INCHES = 6.9  # across a page of IEEE, ICML and CVPR
_PAPER_POINTS = 7.0


@dataclass(frozen=True)
class Type:
    """How large type and how thick lines are: smaller in a figure that is as narrow as a page."""

    small: bool

    @classmethod
    def of(cls, size: tuple[float, float] | None) -> Type:
        """Those of a figure at that size in inches; at its own if None."""
        return cls(size is not None and size[0] <= PAGE_INCHES)

    @property
    def legend(self) -> float:
        """The size of a legend's type outside the axes."""
        return _PAPER_POINTS if self.small else 8.5

    def points(self, points: float) -> float:
        """The size of type that has `points` in a figure at its own size."""
        return min(points, max(_PAPER_POINTS, round(points * 0.7, 2))) if self.small else points

    def stroke(self, width: float) -> float:
        """The width of a line that has `width` in a figure at its own size."""
        return round(width * 0.7, 3) if self.small else width


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

    class ShownFigure(Figure):
        """A figure that a notebook shows by itself; without pyplot, nothing else would show it."""

        fits_paper = True

        def _repr_html_(self) -> str:
            from base64 import b64encode
            from io import BytesIO

            drawn = BytesIO()
            self.savefig(drawn, format="png")
            width = round(self.get_figwidth() * 100)
            picture = b64encode(drawn.getvalue()).decode()
            return f'<img src="data:image/png;base64,{picture}" width="{width}" style="max-width:100%">'

    figure = ShownFigure(figsize=size, dpi=150, layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def new_grid(
    rows: int, columns: int, size: tuple[float, float] | None = None
) -> tuple[Figure, list[Axes]]:
    """A fresh figure with a grid of axes, drawn by Agg; the axes in reading order.

    Args:
        size: Of the figure in inches; one that fits the grid if None.
    """
    width = {1: 8.0, 2: 10.5}.get(columns, 13.0)
    figure = _fresh(size or (width, 0.5 + 3.2 * rows + (0.8 if rows == 1 else 0)))
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
        ax.grid(True, axis=grid, color=GRID, linewidth=0.8)  # type: ignore[arg-type]
    ax.set_axisbelow(True)


def legend(
    ax: Axes, handles: Sequence[Any], labels: Sequence[str], *, outside: bool, points: float = 8.5
) -> None:
    """A legend: outside the axes of a figure of ours, where it hides nothing; else in the emptiest corner.

    Args:
        points: The size of its type.
    """
    shown = [literal(shortened(label, 48)) for label in labels]
    common: dict[str, Any] = {"fontsize": points, "labelcolor": INK, "handlelength": 2.0}
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
    order, columns, below = legend_places(shown, figure.get_figwidth(), points)
    handles, shown = [handles[i] for i in order], [shown[i] for i in order]
    box = figure.legend(
        handles,
        _named(shown),
        loc="outside lower left" if below else "outside right upper",
        ncols=columns,
        columnspacing=1.6,
        frameon=False,
        **common,
    )
    _label(box, shown)


def legend_places(
    labels: Sequence[str], width: float, points: float
) -> tuple[list[int], int, bool]:
    """Where the entries of a legend outside the axes stand: their order, the columns, and whether below the chart.

    Args:
        width: The figure's, in inches.
        points: The size of its type.
    """
    room = int(width * 123 / points)  # characters of this size across the figure
    columns = min(len(labels), max(1, room // (max(len(label) for label in labels) + 6)))
    rows = math.ceil(len(labels) / columns)
    if rows > 3:
        return [*range(len(labels))], 1, False
    columns = math.ceil(len(labels) / rows)
    # Columns are filled from above; the order should read along the rows.
    order = [i for start in range(columns) for i in range(start, len(labels), columns)]
    return order, columns, True


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
