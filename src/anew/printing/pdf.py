"""A report as a PDF, laid out by ReportLab; its fonts are those that come with matplotlib, and what they lack is set as `glyphs` says."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator, Sequence
from html import escape
from typing import Any

from ..errors import InvalidValue, MissingDependency
from .gallery import grid
from .glyphs import PLAIN, Glyphs
from .parts import Figure, Gallery, Part, Problem, Table, Text, Verdict

__all__ = ["check", "register", "render"]

_FONTS = (("Report", "", "DejaVuSans.ttf"), ("Report", "-Bold", "DejaVuSans-Bold.ttf"), ("Report", "-Italic", "DejaVuSans-Oblique.ttf"),
          ("Report", "-BoldItalic", "DejaVuSans-BoldOblique.ttf"), ("ReportMono", "", "DejaVuSansMono.ttf"))  # fmt: skip
_INK, _MUTED, _LINE, _RAISED, _LINK = "#1a1c1e", "#5f6670", "#d9dde2", "#f4f5f7", "#0b5cad"
_MONO = "ReportMono"
_MARGIN = 51.0  # points: 18 mm
_HEADINGS = {"h1": 19.0, "h2": 14.5, "h3": 12.0, "h4": 10.5, "h5": 10.0, "h6": 10.0}
_HIGHEST = 640.0
"""Points of a figure: it stands on one page."""
_DEEPEST = 6
"""Lists and quotations that lie deeper are set as deep as this."""
_CELL = 400
"""Characters of a cell."""
_CODE_LINE = 92


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
    setter = _Setter(address, A4[0] - 2 * _MARGIN, glyphs)
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
        found, pagesize=A4, leftMargin=_MARGIN, rightMargin=_MARGIN, topMargin=_MARGIN, bottomMargin=_MARGIN,
        title=title, creator="Anew", invariant=1,
    )  # fmt: skip
    try:
        document.build(flow or [setter.text(" ")], onFirstPage=foot, onLaterPages=foot)
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
    pdfmetrics.registerFontFamily("Report", "Report", "Report-Bold", "Report-Italic", "Report-BoldItalic")  # fmt: skip
    pdfmetrics.registerFontFamily(PLAIN, "Report", "Report", "Report", "Report")
    pdfmetrics.registerFontFamily("ReportMono", "ReportMono", "ReportMono", "ReportMono", "ReportMono")  # fmt: skip


class _Setter:
    """Makes what ReportLab sets on pages of the parts of a report."""

    def __init__(self, address: Callable[[str], str | None], width: float, glyphs: Glyphs) -> None:
        from reportlab.lib.styles import ParagraphStyle

        self._address = address
        self._width = width
        self._glyphs = glyphs
        self._body = ParagraphStyle(
            "body", fontName="Report", fontSize=9.5, leading=14, textColor=_INK, spaceAfter=6, splitLongWords=1
        )  # fmt: skip
        self.small = self._like("small", fontSize=8, leading=11, textColor=_MUTED, spaceAfter=4)
        self._cell = self._like("cell", fontSize=7.5, leading=10, spaceAfter=0)
        self._whose = self._like("whose", fontSize=7, leading=9, textColor=_MUTED, spaceAfter=0)
        self._number = self._like("number", fontSize=7.5, leading=10, spaceAfter=0, alignment=2)
        self._code = self._like("code", fontName="ReportMono", fontSize=7.5, leading=10, backColor=_RAISED, borderPadding=4, spaceBefore=4, spaceAfter=10)  # fmt: skip
        self._heads = {
            tag: self._like(tag, fontName="Report-Bold", fontSize=size, leading=1.3 * size, spaceBefore=0.9 * size, spaceAfter=0.4 * size, keepWithNext=1)
            for tag, size in _HEADINGS.items()
        }  # fmt: skip

    def _like(self, name: str, **more: Any) -> Any:
        from reportlab.lib.styles import ParagraphStyle

        return ParagraphStyle(name, parent=self._body, **more)

    def part(self, part: Part) -> Iterator[Any]:
        """What stands on the pages for a part."""
        match part:
            case Text():
                yield from self._blocks(list(part.tokens), 0)
            case Figure():
                yield from self._figure(part)
            case Table():
                yield self._table([part.heads, *part.rows], part.numeric, self._width)
                yield from self._below(part.caption, part.said)
            case Gallery():
                yield from self._gallery(part)
            case Verdict():
                yield from self._verdict(part)
            case Problem():
                yield self.text(escape(part.text), self.small)

    def text(self, markup: str, style: Any = None) -> Any:
        """A paragraph of ReportLab's markup."""
        from reportlab.platypus import Paragraph

        return Paragraph(self._glyphs.fitted(markup), style or self._body)

    def foot(self, text: str) -> Any:
        """What stands at the foot of each page."""
        return self.text(escape(text), self._like("foot", fontSize=7.5, leading=9, textColor=_MUTED, spaceAfter=0))  # fmt: skip

    # -- what blocks show ---------------------------------------------------------------------------

    def _figure(self, part: Figure) -> Iterator[Any]:
        from reportlab.lib.utils import ImageReader
        from reportlab.platypus import Image

        for words, image in part.charts:
            if image is None:
                yield self.text(escape(words))
                continue
            across, down = ImageReader(io.BytesIO(image)).getSize()
            high = min(self._width * down / across, _HIGHEST)
            yield Image(io.BytesIO(image), width=high * across / down, height=high)
        yield from self._below(part.caption, part.said)

    def _below(self, caption: str, said: Sequence[str]) -> Iterator[Any]:
        from reportlab.platypus import Spacer

        for one in (caption, *said):
            if one:
                yield self.text(escape(one), self.small)
        yield Spacer(0, 8)

    def _gallery(self, part: Gallery) -> Iterator[Any]:
        for name, cells in part.sections:
            yield self.text(
                f"<b>{escape(name)}</b>", self._like("name", keepWithNext=1, spaceAfter=2)
            )
            yield grid(
                cells,
                self._width,
                lambda text: self.text(text, self._cell),
                lambda text: self.text(text, self._whose),
            )
        yield from self._below(part.caption, part.said)

    def _verdict(self, part: Verdict) -> Iterator[Any]:
        yield self.text(f"<b>{escape(part.verdict)}</b> {escape(part.reason)}")
        yield self.text(escape(f"{part.first} and {part.second}"), self.small)
        if part.metrics:
            yield self._table(part.metrics, frozenset(), self._width, head=False)
        for one in part.causes:
            yield self.text(f"• {escape(one)}", self._like("cause", leftIndent=12, spaceAfter=2))
        yield from self._below(part.caption, ())

    def _table(
        self,
        rows: Sequence[Sequence[str]],
        numeric: frozenset[int],
        width: float,
        *,
        head: bool = True,
        markup: bool = False,
    ) -> Any:
        """A table of texts, or of ReportLab's markup; its columns are as wide as what stands in them asks for."""
        from reportlab.platypus import Table as Set

        def cell(text: str, at: int, bold: bool) -> Any:
            shown = text if markup else escape(text[:_CELL] + ("…" if len(text) > _CELL else ""))
            return self.text(f"<b>{shown}</b>" if bold else shown, self._number if at in numeric else self._cell)  # fmt: skip

        columns = max(map(len, rows))
        long = [max((len(row[at]) for row in rows if at < len(row)), default=1) for at in range(columns)]  # fmt: skip
        shares = [min(40, max(4, one)) for one in long]
        made = Set(
            [
                [cell(text, at, head and number == 0) for at, text in enumerate(row)]
                for number, row in enumerate(rows)
            ],
            colWidths=[width * one / sum(shares) for one in shares],
            repeatRows=int(head),
            splitInRow=1,
            hAlign="LEFT",
            spaceBefore=4,
            spaceAfter=8,
        )
        lines = [("LINEBELOW", (0, 0), (-1, -1), 0.5, _LINE), ("VALIGN", (0, 0), (-1, -1), "TOP")]
        tight = [(f"{side}PADDING", (0, 0), (-1, -1), size) for side, size in (("LEFT", 0), ("RIGHT", 6), ("TOP", 2), ("BOTTOM", 3))]  # fmt: skip
        made.setStyle([*lines, *tight])
        return made

    # -- Markdown -----------------------------------------------------------------------------------

    def _blocks(self, tokens: list[Any], depth: int, bullet: str = "") -> Iterator[Any]:
        """Paragraphs, lists and so on; `bullet` stands before the first paragraph."""
        at = 0
        while at < len(tokens):
            one = tokens[at]
            stop = _end(tokens, at)
            inside = tokens[at + 1 : stop]
            if one.type == "heading_open":
                yield self.text(self._inline(inside[0]), self._heads[one.tag])
            elif one.type == "paragraph_open":
                yield self._paragraph(self._inline(inside[0]), depth, bullet)
                bullet = ""
            elif one.type in ("fence", "code_block"):
                yield self._code_of(one.content)
            elif one.type == "hr":
                yield from self._rule()
            elif one.type in ("bullet_list_open", "ordered_list_open"):
                yield from self._list(one, inside, depth)
            elif one.type == "blockquote_open":
                yield from self._blocks(inside, depth + 1)
            elif one.type == "table_open":
                yield self._markdown_table(inside)
            at = stop + 1

    def _paragraph(self, markup: str, depth: int, bullet: str) -> Any:
        from reportlab.platypus import Paragraph

        indent = 14.0 * min(depth, _DEEPEST)
        style = self._like(
            "indented", leftIndent=indent, bulletIndent=max(0.0, indent - 12), bulletFontName="Report", bulletFontSize=8.5
        )  # fmt: skip
        return Paragraph(self._glyphs.fitted(markup), style, bulletText=bullet or None)

    def _list(self, opening: Any, tokens: list[Any], depth: int) -> Iterator[Any]:
        number = int(opening.attrs.get("start", 1))
        ordered = opening.type == "ordered_list_open"
        at = 0
        while at < len(tokens):
            stop = _end(tokens, at)
            yield from self._blocks(
                tokens[at + 1 : stop], depth + 1, f"{number}." if ordered else "•"
            )
            number += 1
            at = stop + 1

    def _code_of(self, text: str) -> Any:
        from reportlab.platypus import Preformatted, XPreformatted

        written = text.rstrip("\n").expandtabs(4) or " "
        if written.isascii():
            return Preformatted(written, self._code, maxLineLength=_CODE_LINE, newLineChars="")
        lines = [line[at : at + _CODE_LINE] for line in written.split("\n") for at in range(0, max(1, len(line)), _CODE_LINE)]  # fmt: skip
        return XPreformatted(self._glyphs.fitted(escape("\n".join(lines)), _MONO), self._code)

    def _rule(self) -> Iterator[Any]:
        from reportlab.platypus import HRFlowable

        yield HRFlowable(width="100%", thickness=0.5, color=_LINE, spaceBefore=8, spaceAfter=10)

    def _markdown_table(self, tokens: list[Any]) -> Any:
        rows: list[list[str]] = []
        for at, one in enumerate(tokens):
            if one.type == "tr_open":
                rows.append([])
            elif one.type in ("th_open", "td_open"):
                rows[-1].append(self._inline(tokens[at + 1]))
        return self._table(rows, frozenset(), self._width, markup=True)

    def _inline(self, token: Any) -> str:
        """ReportLab's markup of a line of Markdown: tags of ours alone, whatever the text says."""
        found: list[str] = []
        linked: list[bool] = []
        for one in token.children or ():
            match one.type:
                case "text":
                    found.append(escape(one.content))
                case "softbreak":
                    found.append(" ")
                case "hardbreak":
                    found.append("<br/>")
                case "code_inline":
                    inside = self._glyphs.fitted(escape(one.content), _MONO)
                    found.append(f'<font face="{_MONO}" size="8.5">{inside}</font>')
                case "image":
                    found.append(escape(one.content or str(one.attrs.get("src", ""))))
                case "link_open":
                    href = _target(str(one.attrs.get("href", "")), self._address)
                    linked.append(href is not None)
                    if href is not None:
                        found.append(f'<a href="{escape(href)}" color="{_LINK}">')
                case "link_close":
                    if linked and linked.pop():
                        found.append("</a>")
                case _:
                    found.append(_TAGS.get(one.type, ""))
        return "".join(found)


_TAGS = {
    "strong_open": "<b>", "strong_close": "</b>", "em_open": "<i>", "em_close": "</i>", "s_open": "<strike>", "s_close": "</strike>",
}  # fmt: skip


def _target(href: str, address: Callable[[str], str | None]) -> str | None:
    return address(href.removeprefix("anew:")) if href.startswith("anew:") else href


def _end(tokens: Sequence[Any], at: int) -> int:
    """Where what opens at a place closes: the place itself for what stands alone."""
    depth = 0
    for place in range(at, len(tokens)):
        depth += tokens[place].nesting
        if depth == 0:
            return place
    return len(tokens) - 1
