"""How wide the columns of a table on a page are, and which columns stand beside each other where not all of them fit."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import unescape

__all__ = ["PADDING", "SIZE", "columns_of"]

SIZE = 7.5
PADDING = 12.0
"""Points between two columns."""
_LONGEST = 110.0
"""A word that is longer than so many points is broken."""
_SHORT = 84.0
"""A column that is no wider than this has no second lines."""
_WIDEST = 260.0
_MARKED = 1.2
_TAG = re.compile(r"<[^>]*>")


def columns_of(
    rows: Sequence[Sequence[str]],
    numeric: frozenset[int],
    width: float,
    *,
    markup: bool,
    lead: int = 1,
) -> list[list[tuple[int, float]]]:
    """The columns of each of the tables that stand below each other, with their widths.

    Args:
        rows: The first is the head.
        width: Of the page, in points.
        lead: So many columns, the first ones, stand in all of them.
    """
    count = max(map(len, rows))
    natural, least = [], []
    for at in range(count):
        texts = [_plain(row[at]) if markup else row[at] for row in rows if at < len(row)]
        whole = max((width_of(line) for one in texts for line in one.split("\n")), default=0.0)
        words = max((width_of(word) for one in texts for word in one.split()), default=0.0)
        if markup:
            whole *= _MARKED  # code and bold type are wider
        natural.append(whole + PADDING)
        short = at in numeric or whole <= _SHORT
        least.append((min(whole, _WIDEST) if short else min(words, _LONGEST)) + PADDING)
    return [
        [(at, wide) for at, wide in zip(some, _fitted(some, natural, least, width), strict=True)]
        for some in _beside(least, width, lead)
    ]


def _beside(least: Sequence[float], width: float, lead: int) -> list[list[int]]:
    """Which columns fit beside each other and beside the first ones, in parts that are about as wide."""
    fewest = len(_filled(least, width, lead))
    narrower = (_filled(least, width * share / 20, lead) for share in range(8, 20))
    return next((one for one in narrower if len(one) == fewest), None) or _filled(
        least, width, lead
    )


def _filled(least: Sequence[float], width: float, lead: int) -> list[list[int]]:
    first = list(range(min(lead, len(least))))
    found = [list(first)]
    left = room = width - sum(least[at] for at in first)
    for at in range(len(first), len(least)):
        if least[at] > left and len(found[-1]) > len(first):
            found.append(list(first))
            left = room
        found[-1].append(at)
        left -= least[at]
    return found


def _fitted(
    some: Sequence[int], natural: Sequence[float], least: Sequence[float], width: float
) -> list[float]:
    """As wide as they want to be, where there is room; else what is left is dealt out by how much each lacks."""
    wanted, needed = sum(natural[at] for at in some), sum(least[at] for at in some)
    if wanted <= width:
        return [natural[at] for at in some]
    if needed >= width:
        return [least[at] * width / needed for at in some]
    lacking = [max(0.0, min(natural[at], _WIDEST) - least[at]) for at in some]
    share = (width - needed) / max(sum(lacking), 1e-9)
    return [least[at] + one * share for at, one in zip(some, lacking, strict=True)]


def width_of(text: str) -> float:
    """About how many points a text takes in a table."""
    from reportlab.pdfbase.pdfmetrics import stringWidth

    wide = sum(
        ord(one) > 0x2E7F for one in text
    )  # East Asian characters are as wide as they are high
    rest = "".join(one for one in text if ord(one) <= 0x2E7F) if wide else text
    return float(stringWidth(rest, "Report-Bold", SIZE)) + SIZE * wide


def _plain(markup: str) -> str:
    return unescape(_TAG.sub("", markup.replace("<br/>", "\n")))
