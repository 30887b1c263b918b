"""Tables: what a column is, which columns fit into a line, and plain aligned text."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from .words import one_line

__all__ = ["Column", "cut", "fitted", "folded", "joined", "name_cutter", "plain_rows", "width_of"]

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
        shorten: How a cell is cut to a width, in place of the usual way.
        folds: Where the column is left out when all of its cells are the same: what stands before the
            one value in the line above the table. None keeps the column.
    """

    title: str
    cells: Sequence[str]
    right: bool = False
    weight: int = 0
    least: int | None = None
    styles: Sequence[str] | str = field(default="")
    path: bool = False
    shorten: Callable[[str, int], str] | None = None
    folds: str | None = None

    def style(self, row: int) -> str:
        """The colour of a row's cell."""
        return self.styles if isinstance(self.styles, str) else self.styles[row]

    def cell(self, row: int, width: int) -> str:
        """A row's text in at most `width` characters; row -1 is the title."""
        if row < 0:
            return cut(one_line(self.title), width, True)
        text = one_line(self.cells[row])
        if self.shorten is not None and width_of(text) > width:
            text = self.shorten(text, width)
        return cut(text, width, self.path)


def width_of(text: str) -> int:
    """How many characters of a terminal a text takes: Chinese and Japanese ones take two."""
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


def name_cutter(names: Sequence[str]) -> Callable[[str, int], str]:
    """How the names of one table are cut: in what they share with others, so that they stay apart.

    The folders in the middle go first, then the first ones, then the beginning that all names of one
    folder have in common, and only then the middle of the name itself.
    """
    ends: dict[str, list[str]] = {}
    for name in names:
        folder, _, end = name.rpartition("/")
        ends.setdefault(folder, []).append(end)
    common = {
        folder: ours[0][: _shared(ours)] if len(ours) > 1 else "" for folder, ours in ends.items()
    }

    def shorten(name: str, width: int) -> str:
        folder, _, end = name.rpartition("/")
        tries = [f"{folder.partition('/')[0]}/…/{end}", f"…/{end}"] if folder else []
        shared = common.get(folder, "")
        if len(shared) > 1:
            tries.append(f"…{end[len(shared) :]}")
        for one in (*tries, end):
            if width_of(one) <= width:
                return one
        if len(shared) > 1:
            end = f"…{end[len(shared) :]}"
        front = max(1, (width - 1) // 3)
        return f"{cut(end, front + 1, False)}{cut(end, width - front, True)[1:]}"

    return shorten


def folded(columns: Sequence[Column], width: int, dot: str = " · ") -> tuple[str, list[Column]]:
    """What all rows share, as one line of at most `width` characters, and the columns that differ.

    Of names, the folder that all are in goes into the line; of a column whose cells are all the same, its
    value. A table of one row is left as it is.
    """
    rows = max((len(column.cells) for column in columns), default=0)
    if rows < 2:
        return "", list(columns)
    parts: list[str] = []
    kept: list[Column] = []
    for column in columns:
        if column.shorten is not None:
            folder = _common_folder(column.cells)
            if folder:
                parts.insert(0, folder)
                cells = [cell[len(folder) :] for cell in column.cells]
                column = replace(column, cells=cells, shorten=name_cutter(cells))
        elif column.folds is not None and len(set(column.cells)) == 1:
            if column.cells[0]:
                parts.append(column.folds + column.cells[0])
            continue
        kept.append(column)
    return joined([one_line(part) for part in parts], width, dot), kept


def _common_folder(names: Sequence[str]) -> str:
    """The folder that all names are in, with its slash; "" where there is none."""
    folders = [name.split("/")[:-1] for name in names]
    shared = folders[0][: _shared(folders)]
    return "/".join(shared) + "/" if shared else ""


def _shared(sequences: Sequence[Sequence[str]]) -> int:
    """How many of their first parts all sequences have in common."""
    together = zip(*sequences, strict=False)  # as far as the shortest goes
    return next(
        (index for index, parts in enumerate(together) if len(set(parts)) > 1),
        min(map(len, sequences), default=0),
    )


def joined(parts: Sequence[str], width: int, dot: str) -> str:
    """As many of the parts as fit into a line, and how many more there are."""
    for count in range(len(parts), 0, -1):
        left = len(parts) - count
        line = dot.join([*parts[:count], *([f"+{left}"] if left else [])])
        if width_of(line) <= width:
            return line
    return cut(parts[0], width, False) if parts else ""


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
