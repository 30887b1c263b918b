"""Charts on the pages of a PDF: a drawing with the texts that it lacks, and what its colours mean below it."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from ..plots.style import shortened

if TYPE_CHECKING:
    from .glyphs import Glyphs
    from .parts import Chart, Key

__all__ = ["chart_on_page", "keys_on_page"]

_HIGHEST = 640.0
"""Points of a drawing: it stands on one page."""
_SIZE, _LEADING = 8.0, 12.0
_SWATCH, _GAP = 22.0, 16.0
_NAME = 60
_INK, _MUTED = "#1a1c1e", "#5f6670"


def chart_on_page(
    chart: Chart, width: float, glyphs: Glyphs, address: Callable[[str], str | None]
) -> list[Any]:
    """What stands on the page for a chart that has an image.

    Args:
        width: Of the page, in points.
    """
    found: list[Any] = [_drawing(chart, width, glyphs)]
    if chart.keys:
        found.append(keys_on_page(chart.keys, width, glyphs, address, chart.more))
    return found


def _drawing(chart: Chart, width: float, glyphs: Glyphs) -> Any:
    from reportlab.lib.utils import ImageReader
    from reportlab.platypus import Flowable

    assert chart.image is not None
    image = ImageReader(io.BytesIO(chart.image))
    across, down = image.getSize()
    high = min(width * down / across, _HIGHEST)
    wide = high * across / down
    texts = [(one, glyphs.runs(one.text)) for one in chart.lent]

    class Drawing(Flowable):  # type: ignore[misc]  # ReportLab has no types
        def wrap(self, *_: float) -> tuple[float, float]:
            return wide, high

        def draw(self) -> None:
            canvas = self.canv
            canvas.drawImage(image, 0, 0, wide, high)
            for one, runs in texts:
                font, size = "Report-Bold" if one.bold else "Report", one.size * wide
                canvas.saveState()
                canvas.translate(one.x * wide, one.y * high)
                canvas.rotate(one.turned)
                back = {"start": 0.0, "middle": 0.5, "end": 1.0}[one.anchor] * _width(runs, font, size)  # fmt: skip
                _write(
                    canvas, runs, -back, -0.35 * size if one.turned else 0, font, size, one.colour
                )
                canvas.restoreState()

    return Drawing()


def keys_on_page(
    keys: Sequence[Key],
    width: float,
    glyphs: Glyphs,
    address: Callable[[str], str | None] = lambda _: None,
    more: int = 0,
) -> Any:
    """What stands on the page for the meaning of colours: a piece of line and a name for each.

    Args:
        more: How many have no place there.
    """
    from reportlab.lib.colors import HexColor
    from reportlab.platypus import Flowable

    names = [glyphs.runs(shortened(one.name, _NAME)) for one in keys]
    if more:
        names.append([(f"and {more:,} more", "")])
    places: list[tuple[float, int]] = []
    x, line = 0.0, 0
    for name in names:
        wide = _SWATCH + _width(name, "Report", _SIZE)
        if x and x + wide > width:
            x, line = 0.0, line + 1
        places.append((x, line))
        x += wide + _GAP
    high = (line + 1) * _LEADING + 6

    class Keys(Flowable):  # type: ignore[misc]  # ReportLab has no types
        def wrap(self, *_: float) -> tuple[float, float]:
            return width, high

        def draw(self) -> None:
            canvas = self.canv
            for key, name, (x, line) in zip(keys, names, places, strict=False):
                y = high - (line + 1) * _LEADING + 3
                canvas.saveState()
                canvas.setStrokeColor(HexColor(key.colour.shade))
                canvas.setLineWidth(1.5)
                canvas.setDash([0.75 * one for one in key.colour.dash])
                canvas.line(x, y + 2.6, x + _SWATCH - 6, y + 2.6)
                canvas.restoreState()
                _write(canvas, name, x + _SWATCH, y, "Report", _SIZE, _INK)
                href = address(key.id) if key.id else None
                if href:
                    end = x + _SWATCH + _width(name, "Report", _SIZE)
                    canvas.linkURL(href, (x + _SWATCH, y - 2, end, y + _SIZE), relative=1)
            if more:
                x, line = places[-1]
                _write(
                    canvas, names[-1], x, high - (line + 1) * _LEADING + 3, "Report", _SIZE, _MUTED
                )

    return Keys()


def _width(runs: Sequence[tuple[str, str]], font: str, size: float) -> float:
    from reportlab.pdfbase.pdfmetrics import stringWidth

    return sum(float(stringWidth(text, name or font, size)) for text, name in runs)


def _write(
    canvas: Any, runs: Sequence[tuple[str, str]], x: float, y: float, font: str, size: float, ink: str
) -> None:  # fmt: skip
    from reportlab.lib.colors import HexColor

    canvas.setFillColor(HexColor(ink))
    for text, name in runs:
        own = "Report" if name == "ReportPlain" else name or font
        canvas.setFont(own, size)
        canvas.drawString(x, y, text)
        x += _width([(text, own)], font, size)
