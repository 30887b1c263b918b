"""A report as a PDF, laid out by ReportLab; its fonts are those that come with matplotlib, and what they lack is set as `glyphs` says."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Sequence
from html import escape
from typing import Any

from ..errors import InvalidValue, MissingDependency
from .breaks import kept
from .glyphs import PLAIN, Glyphs
from .parts import Part, Text
from .typesetting import Setter

__all__ = ["check", "register", "render"]

_FONTS = (("Report", "", "DejaVuSans.ttf"), ("Report", "-Bold", "DejaVuSans-Bold.ttf"), ("Report", "-Italic", "DejaVuSans-Oblique.ttf"),
          ("Report", "-BoldItalic", "DejaVuSans-BoldOblique.ttf"), ("ReportMono", "", "DejaVuSansMono.ttf"))  # fmt: skip
_MARGIN = 51.0  # points: 18 mm
_PADDING = 6.0
"""Points that ReportLab leaves free inside of what it sets a page in."""
_MUTED = "#5f6670"


def check() -> None:
    """Say what is missing, before anything is asked for.

    Raises:
        MissingDependency: ReportLab or matplotlib is not installed.
    """
    for package in ("reportlab", "matplotlib"):
        try:
            __import__(package)
        except ModuleNotFoundError as error:
            raise MissingDependency.of("A PDF", package, "pdf") from error


def render(
    parts: Sequence[Part], title: str, about: str, address: Callable[[str], str | None]
) -> bytes:
    """The file.

    Args:
        about: Who wrote it, and when; at the foot of each page.
        address: Where a link to an experiment leads; None for nowhere.

    Raises:
        InvalidValue: It cannot be set on pages.
    """
    from reportlab.lib.pagesizes import A4
    from reportlab.platypus import SimpleDocTemplate
    from reportlab.platypus.doctemplate import LayoutError

    register()
    written = (one.content for part in parts if isinstance(part, Text) for one in part.tokens)
    glyphs = Glyphs(" ".join((title, *written)))
    width = A4[0] - 2 * _MARGIN
    setter = Setter(address, width, glyphs)
    flow = [one for part in parts for one in setter.part(part)]
    foot_left = setter.foot(about[:110])
    flow += [setter.text(escape(one), setter.small) for one in glyphs.said()]

    def foot(canvas: Any, document: Any) -> None:
        canvas.saveState()
        canvas.setFont("Report", 7.5)
        canvas.setFillColor(_MUTED)
        foot_left.wrapOn(canvas, A4[0] - 3 * _MARGIN, 20)
        foot_left.drawOn(canvas, _MARGIN, 26)
        canvas.drawRightString(A4[0] - _MARGIN, 28, str(document.page))
        canvas.restoreState()

    found = io.BytesIO()
    document = SimpleDocTemplate(
        found, pagesize=A4, **dict.fromkeys(("leftMargin", "rightMargin", "topMargin", "bottomMargin"), _MARGIN - _PADDING),
        title=title, creator="Anew", invariant=1,
    )  # fmt: skip
    try:
        document.build(kept(flow, width) or [setter.text(" ")], onFirstPage=foot, onLaterPages=foot)
    except LayoutError as error:
        raise InvalidValue(
            f"This report cannot be set on the pages of a PDF: {error}", key="to"
        ) from error
    return found.getvalue()


def register() -> None:
    """Make the fonts of reports known to ReportLab, once."""
    import matplotlib
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFont

    if "Report" in pdfmetrics.getRegisteredFontNames():
        return
    folder = os.path.join(matplotlib.get_data_path(), "fonts", "ttf")
    for family, style, file in _FONTS:
        pdfmetrics.registerFont(TTFont(family + style, os.path.join(folder, file)))
    # ReportLab looks bold type up in the family that a font was told to be of last.
    pdfmetrics.registerFontFamily(PLAIN, "Report", "Report", "Report", "Report")
    pdfmetrics.registerFontFamily("Report", "Report", "Report-Bold", "Report-Italic", "Report-BoldItalic")  # fmt: skip
    pdfmetrics.registerFontFamily("ReportMono", "ReportMono", "ReportMono", "ReportMono", "ReportMono")  # fmt: skip
