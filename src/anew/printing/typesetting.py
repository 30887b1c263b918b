"""The parts of a report as what ReportLab sets on pages."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from html import escape
from typing import Any

from .columns import PADDING, SIZE, columns_of
from .drawings import chart_on_page, keys_on_page
from .gallery import rows_of
from .glyphs import Glyphs
from .parts import Chart, Figure, Gallery, Part, Problem, Table, Text, Verdict

__all__ = ["Setter"]

_INK, _MUTED, _LINE, _RAISED, _LINK, _WARNING = "#1a1c1e", "#5f6670", "#d9dde2", "#f4f5f7", "#0b5cad", "#8a5a00"  # fmt: skip
_MONO = "ReportMono"
_HEADINGS = {"h1": 19.0, "h2": 14.5, "h3": 12.0, "h4": 10.5, "h5": 10.0, "h6": 10.0}
_DEEPEST = 6
"""Lists and quotations that lie deeper are set as deep as this."""
_CELL = 400
"""Characters of a cell."""
_CODE_LINE = 92
_FEW_LINES = 30
"""Code with no more lines than this stands on one page."""


class Setter:
    """Makes what ReportLab sets on pages of the parts of a report."""

    def __init__(self, address: Callable[[str], str | None], width: float, glyphs: Glyphs) -> None:
        from reportlab.lib.styles import ParagraphStyle

        self._address = address
        self._width = width
        self._glyphs = glyphs
        self._body = ParagraphStyle(
            "body", fontName="Report", fontSize=9.5, leading=14, textColor=_INK, spaceAfter=6, splitLongWords=1, uriWasteReduce=0.5
        )  # fmt: skip
        self.small = self._like("small", fontSize=8, leading=11, textColor=_MUTED, spaceAfter=4)
        self._cell = self._like("cell", fontSize=SIZE, leading=10, spaceAfter=0)
        self._whose = self._like("whose", fontSize=7, leading=9, textColor=_MUTED, spaceAfter=0)
        self._number = self._like("number", fontSize=SIZE, leading=10, spaceAfter=0, alignment=2)
        self._code = self._like("code", fontName="ReportMono", fontSize=7.5, leading=10, backColor=_RAISED, borderPadding=4, leftIndent=4, rightIndent=4, spaceBefore=6, spaceAfter=12)  # fmt: skip
        self._heads = {
            tag: self._like(tag, fontName="Report-Bold", fontSize=size, leading=1.3 * size, spaceBefore=0.9 * size, spaceAfter=0.4 * size)
            for tag, size in _HEADINGS.items()
        }  # fmt: skip

    def _like(self, name: str, **more: Any) -> Any:
        from reportlab.lib.styles import ParagraphStyle

        return ParagraphStyle(name, parent=self._body, **more)

    def part(self, part: Part) -> Iterator[Any]:
        """What stands on the pages for a part; lists of what stands together."""
        match part:
            case Text():
                yield from self._blocks(list(part.tokens), 0)
            case Figure():
                yield from self._figure(part)
            case Table():
                head = any(part.heads)
                rows = [part.heads, *part.rows] if head else list(part.rows)
                yield from self._table(rows, part.numeric, head=head, lead=part.lead)
                yield from self._below(part.caption, part.said)
            case Gallery():
                yield from self._gallery(part)
            case Verdict():
                yield from self._verdict(part)
            case Problem():
                yield self.text(escape(part.text), self._like("problem", textColor=_WARNING))

    def text(self, markup: str, style: Any = None) -> Any:
        """A paragraph of ReportLab's markup."""
        from reportlab.platypus import Paragraph

        return Paragraph(self._glyphs.fitted(markup), style or self._body)

    def foot(self, text: str) -> Any:
        """What stands at the foot of each page."""
        return self.text(escape(text), self._like("foot", fontSize=7.5, leading=9, textColor=_MUTED, spaceAfter=0))  # fmt: skip

    # -- what blocks show ---------------------------------------------------------------------------

    def _figure(self, part: Figure) -> Iterator[Any]:
        for chart in part.charts[:-1]:
            yield self._chart(chart)
        # What is said of the charts stands on the page of the last one.
        last = self._chart(part.charts[-1]) if part.charts else []
        yield [*last, *self._below(part.caption, part.said)]

    def _chart(self, chart: Chart) -> list[Any]:
        if chart.image is None:
            return [self.text(escape(chart.words))]
        return chart_on_page(chart, self._width, self._glyphs, self._address)

    def _below(self, caption: str, said: Sequence[str]) -> Iterator[Any]:
        from reportlab.platypus import Spacer

        for one in (caption, *said):
            if one:
                yield self.text(escape(one), self.small)
        yield Spacer(0, 8)

    def _gallery(self, part: Gallery) -> Iterator[Any]:
        for name, cells in part.sections:
            yield self.text(
                f"<b>{escape(name)}</b>", self._like("name", spaceBefore=4, spaceAfter=3)
            )
            yield from rows_of(
                cells,
                self._width,
                lambda text: self.text(text, self._cell),
                lambda text: self.text(text, self._whose),
            )
        if part.keys:
            yield keys_on_page(part.keys, self._width, self._glyphs)
        yield from self._below(part.caption, part.said)

    def _verdict(self, part: Verdict) -> Iterator[Any]:
        yield self.text(f"<b>{escape(part.verdict)}</b> {escape(part.reason)}")
        yield self.text(escape(f"{part.first} and {part.second}"), self.small)
        if part.metrics:
            yield from self._table(part.metrics, frozenset(), head=False)
        for one in part.causes:
            yield self.text(f"• {escape(one)}", self._like("cause", leftIndent=12, spaceAfter=2))
        yield from self._below(part.caption, ())

    def _table(
        self,
        rows: Sequence[Sequence[str]],
        numeric: frozenset[int],
        *,
        head: bool = True,
        markup: bool = False,
        lead: int = 1,
    ) -> Iterator[Any]:
        """A table of texts, or of ReportLab's markup; several, below each other, where its columns do not fit on a page."""
        from reportlab.platypus import Table as Set

        def cell(text: str, at: int, bold: bool) -> Any:
            shown = text if markup else escape(text[:_CELL] + ("…" if len(text) > _CELL else ""))
            return self.text(f"<b>{shown}</b>" if bold else shown, self._number if at in numeric else self._cell)  # fmt: skip

        lines = [("LINEBELOW", (0, 0), (-1, -1), 0.5, _LINE), ("VALIGN", (0, 0), (-1, -1), "TOP")]
        tight = [(f"{side}PADDING", (0, 0), (-1, -1), size) for side, size in (("LEFT", 0), ("RIGHT", PADDING), ("TOP", 2), ("BOTTOM", 3))]  # fmt: skip
        for some in columns_of(rows, numeric, self._width, markup=markup, lead=lead):
            made = Set(
                [
                    [cell(row[at] if at < len(row) else "", at, head and number == 0) for at, _ in some]
                    for number, row in enumerate(rows)
                ],
                colWidths=[wide for _, wide in some],
                repeatRows=int(head),
                splitInRow=1,
                hAlign="LEFT",
                spaceBefore=4,
                spaceAfter=10,
            )  # fmt: skip
            made.setStyle([*lines, *tight])
            yield made

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
                code = self._code_of(one.content)
                yield [code] if one.content.count("\n") <= _FEW_LINES else code
            elif one.type == "hr":
                yield from self._rule()
            elif one.type in ("bullet_list_open", "ordered_list_open"):
                yield from self._list(one, inside, depth)
            elif one.type == "blockquote_open":
                yield from self._blocks(inside, depth + 1)
            elif one.type == "table_open":
                yield from self._markdown_table(inside)
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

    def _markdown_table(self, tokens: list[Any]) -> Iterator[Any]:
        rows: list[list[str]] = []
        right = set()
        for at, one in enumerate(tokens):
            if one.type == "tr_open":
                rows.append([])
            elif one.type in ("th_open", "td_open"):
                if "right" in str(one.attrs.get("style", "")):
                    right.add(len(rows[-1]))
                rows[-1].append(self._inline(tokens[at + 1]))
        yield from self._table(rows, frozenset(right), markup=True)

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
