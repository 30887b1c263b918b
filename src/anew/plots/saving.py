"""Writing a figure to a file, at the size that a paper gives it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import InvalidValue
from .code import program_of
from .style import PAGE_INCHES, Type, legend

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["COLUMN_INCHES", "FORMATS", "save_figure"]

FORMATS = ("png", "svg", "pdf", "py")
COLUMN_INCHES = 3.4  # of such a page with two columns
_ONE_CHART = 8.0


def save_figure(
    figure: Figure,
    path: str | os.PathLike[str],
    *,
    size: tuple[float, float] | None = None,
) -> Path:
    """Write the figure to a PNG, SVG or PDF file, or as the program that draws it (.py), by the ending of the name.

    A PDF is for a paper. Its fonts are embedded as TrueType, which publishers ask for (type 42, not 3), and a figure of
    ours gets the width of a column (one chart) or of a page (several), with type that is legible at that size.

    Args:
        size: Width and height in inches; by default the figure's own, or the paper's.

    Raises:
        InvalidValue: The name ends in something else, or the figure has no program.
    """
    target = Path(path)
    ending = target.suffix.lower().lstrip(".")
    if ending not in FORMATS:
        raise InvalidValue(
            f"Figures are saved as .png, .svg, .pdf or .py, but {target.name!r} ends in "
            f"{target.suffix or 'nothing'!r}: choose one of the four.",
            key="save",
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    if ending == "py":
        target.write_text(program_of(figure, target.name, size=size), encoding="utf-8")
        return target
    pdf = ending == "pdf"
    if size is None and pdf and getattr(figure, "fits_paper", False):
        size = _paper_size(figure)
    from matplotlib import rc_context

    with rc_context({"pdf.fonttype": 42} if pdf else {}), _resized(figure, size):
        figure.savefig(target, format=ending)
    return target


def _charts(figure: Figure) -> list[Axes]:
    return [ax for ax in figure.axes if ax.get_visible() and ax.get_label() != "<colorbar>"]


def _paper_size(figure: Figure) -> tuple[float, float]:
    """The size at which a figure of ours stands in a column of a paper, or across its page."""
    before = figure.get_figwidth(), figure.get_figheight()
    column = len(_charts(figure)) == 1 and before[0] <= _ONE_CHART
    width = COLUMN_INCHES if column else PAGE_INCHES
    height = before[1] * width / before[0]
    return width, max(height, 0.62 * width) if column else height


@contextmanager
def _resized(figure: Figure, size: tuple[float, float] | None) -> Iterator[None]:
    """A figure at another size, with type and lines for a page where it is as narrow; afterwards it is as it was."""
    if size is None:
        yield
        return
    from matplotlib.lines import Line2D
    from matplotlib.text import Text

    before: tuple[float, float] = (figure.get_figwidth(), figure.get_figheight())
    restore: list[Callable[[], object]] = [lambda: figure.set_size_inches(before)]
    figure.set_size_inches(size)
    charts = _charts(figure)
    type_ = Type.of(size)
    for artist in figure.findobj(Text) if type_.small else ():
        points = float(artist.get_fontsize())
        restore.append(partial(artist.set_fontsize, points))
        artist.set_fontsize(type_.points(points))
    for line in figure.findobj(Line2D) if type_.small else ():
        stroke = float(line.get_linewidth())
        restore.append(partial(line.set_linewidth, stroke))
        line.set_linewidth(type_.stroke(stroke))
    for old in list(figure.legends):
        # Its columns were counted for a wider figure.
        names = [text.get_text().replace(r"\$", "$") for text in old.get_texts()]
        old.set_visible(False)
        old.set_in_layout(False)
        legend(charts[0], old.legend_handles, names, outside=True, points=type_.legend)
        restore += [
            partial(old.set_visible, True),
            partial(old.set_in_layout, True),
            figure.legends[-1].remove,
        ]
    try:
        yield
    finally:
        for undo in restore:
            undo()
