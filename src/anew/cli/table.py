"""Tables: what a column is, which columns fit into a line, and plain aligned text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from .words import one_line

__all__ = ["Column", "cut", "fitted", "plain_rows", "width_of"]

_MOST_TITLE = 24


@dataclass
class Column:
    """A column of a table.

    Attributes:
        cells: One text per row, each on one line.
        right: Whether the cells are aligned to the right.
        weight: Which columns stay when the terminal is narrow: those of weight 0 always do, the
            others give way in the order of falling weight.
        least: To how few characters the cells may be cut before columns give way; None cuts nothing.
        styles: A colour for each cell, or one for all.
        path: Whether the cells are paths, which are cut at the front: their ends tell them apart.
    """

    title: str
    cells: Sequence[str]
    right: bool = False
    weight: int = 0
    least: int | None = None
    styles: Sequence[str] | str = field(default="")
    path: bool = False

    def style(self, row: int) -> str:
        """The colour of a row's cell."""
        return self.styles if isinstance(self.styles, str) else self.styles[row]


def width_of(text: str) -> int:
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def cut(text: str, width: int, front: bool) -> str:
    """The text in at most `width` cells, an ellipsis where it was cut."""
    if width_of(text) <= width:
        return text
    while text and width_of(text) > width - 1:
        text = text[1:] if front else text[:-1]
    return f"…{text}" if front else f"{text}…"


def plain_rows(columns: Sequence[Column]) -> Iterator[str]:
    widths = [max(width_of(text) for text in (column.title, *column.cells)) for column in columns]
    for row in range(-1, max((len(column.cells) for column in columns), default=0)):
        parts = []
        for column, width in zip(columns, widths, strict=True):
            text = column.title if row < 0 else one_line(column.cells[row])
            space = " " * (width - width_of(text))
            parts.append(space + text if column.right else text + space)
        yield "  ".join(parts).rstrip()


def fitted(columns: Sequence[Column], width: int) -> tuple[list[Column], list[int], list[str]]:
    """Which columns fit into `width` characters, how wide each is, and the titles of those that do not.

    First the widest cells that may be cut are cut, then the columns of the highest weight give way.
    """
    shown = list(columns)
    dropped: list[str] = []
    while True:
        wanted = [
            max(min(width_of(c.title), _MOST_TITLE), *map(width_of, c.cells), 0) for c in shown
        ]
        # A column does not take more than half the line while others wait for room.
        widths = [
            wide if column.least is None else min(wide, max(column.least, width // 2))
            for column, wide in zip(shown, wanted, strict=True)
        ]
        over = sum(widths) + 2 * (len(widths) - 1) - width
        for index in sorted(range(len(shown)), key=lambda i: -widths[i]):
            least = shown[index].least
            if over > 0 and least is not None and widths[index] > least:
                title = min(len(shown[index].title), _MOST_TITLE)
                cut = min(over, widths[index] - max(least, title))
                widths[index] -= max(0, cut)
                over -= max(0, cut)
        candidates = [index for index, column in enumerate(shown) if column.weight > 0]
        if over <= 0 or not candidates:
            return shown, widths, dropped
        victim = max(candidates, key=lambda index: (shown[index].weight, index))
        dropped.insert(0, shown.pop(victim).title)
