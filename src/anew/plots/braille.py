"""Curves in a terminal, drawn with braille characters: two dots wide and four high in every cell.

Every stretch of a curve that falls into one column of dots is drawn from its smallest to its largest value,
so no spike is lost. A curve is broken where it is not finite. A named curve carries its letter where it is apart from
the others, so that they can be told apart without colour.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

__all__ = ["Curve", "Painted", "braille_chart"]

_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
_APART = 2  # rows between a letter and the next curve, where more is no better


@dataclass(frozen=True)
class Curve:
    """Points of one curve, x ascending; `joined` False draws dots only.

    Attributes:
        letter: What names the curve, drawn on it.
        color: The number of its colour; None draws it behind the others, as a background.
    """

    x: Sequence[float]
    y: Sequence[float]
    joined: bool = True
    letter: str = ""
    color: int | None = 0


Painted = list[tuple[str, int | None]]
"""A row of the picture: pieces of text, each with the number of its colour."""


def braille_chart(
    curves: Sequence[Curve],
    *,
    width: int = 80,
    height: int = 16,
    log_x: bool = False,
    log_y: bool = False,
    x_text: Callable[[float], str] | None = None,
    x_name: str = "",
) -> list[Painted]:
    """The rows of a chart `width` characters wide and `height` high, axes included.

    Empty when there is no finite point (or, on a logarithmic axis, no positive one).

    Args:
        x_text: How a place on the x axis is written.
        x_name: What the x axis is, written below its middle.
    """
    points = [_scaled(curve, log_x, log_y) for curve in curves]
    finite = [(x, y) for one in points for x, y in one if not math.isnan(y)]
    if not finite:
        return []
    low, high = min(y for _, y in finite), max(y for _, y in finite)
    left, right = min(x for x, _ in finite), max(x for x, _ in finite)
    rows = max(3, height - 2)
    ticks = _ticks(low, high, rows, log_y)
    margin = max(len(text) for text in ticks.values()) + 2
    canvas = _Canvas(max(8, width - margin - 1), rows)
    canvas.fit(left, right, low, high)
    # The named curves last: a cell has the colour of the curve drawn there last.
    order = sorted(range(len(curves)), key=lambda number: curves[number].color is not None)
    for number in order:
        canvas.draw(points[number], number, curves[number])
    canvas.name(curves)
    picture: list[Painted] = []
    for row in range(rows):
        label = ticks.get(row, "")
        mark = "┤" if row in ticks else "│"
        picture.append([(f"{label:>{margin - 2}} {mark}", None), *canvas.row(row)])
    text = x_text or (lambda x: f"{x:g}")
    ends = [text(10**at if log_x else at) for at in (left, right)]
    return picture + _foot(canvas.columns, margin, ends, x_name, left != right)


def _scaled(curve: Curve, log_x: bool, log_y: bool) -> list[tuple[float, float]]:
    across = math.log10 if log_x else float
    up = math.log10 if log_y else float
    return [
        (across(x), up(y) if math.isfinite(y) and (y > 0 or not log_y) else math.nan)
        for x, y in zip(curve.x, curve.y, strict=True)
        if math.isfinite(x) and (x > 0 or not log_x)
    ]


def _foot(columns: int, margin: int, ends: Sequence[str], name: str, both: bool) -> list[Painted]:
    start, end = ends
    room = columns + 1 - len(start) - len(end)
    named = name if both and name and len(name) + 2 <= room else ""
    between = named.center(room) if room > 0 else " "
    ruler: Painted = [(f"{' ' * (margin - 1)}└{'─' * columns}", None)]
    written = f"{start}{between}{end}" if both else f"{start}  {name}".rstrip()
    return [ruler, [(f"{' ' * (margin - 1)}{written}", None)]]


def _ticks(low: float, high: float, rows: int, log_y: bool) -> dict[int, str]:
    """Row → label: top, bottom and some between."""
    count = min(5, max(2, rows // 4 + 1))
    digits = 3
    while True:
        out: dict[int, str] = {}
        for index in range(count if high > low else 1):
            part = index / (count - 1)
            value = high * (1 - part) + low * part if high > low else low
            row = round(part * (rows - 1)) if high > low else rows // 2
            out[row] = f"{10**value if log_y else value:.{digits}g}"
        if len(set(out.values())) == len(out) or digits >= 9:
            return out
        digits += 1


class _Canvas:
    """Cells of eight dots each; a cell has the colour of the curve drawn there last."""

    def __init__(self, columns: int, rows: int) -> None:
        self.columns, self.rows = columns, rows
        self._cells: dict[tuple[int, int], int] = {}
        self._owner: dict[tuple[int, int], int | None] = {}
        self._letters: dict[tuple[int, int], str] = {}
        # Column → the rows of a curve, by the curve's number.
        self._paths: dict[int, dict[int, set[int]]] = {}
        self._path: dict[int, set[int]] = {}
        self._color: int | None = 0
        self._left = self._low = 0.0
        self._wide = self._tall = 1.0

    def fit(self, left: float, right: float, low: float, high: float) -> None:
        """Set what the corners stand for."""
        self._left, self._wide = left, (right - left) or 1.0
        self._low, self._tall = low, (high / 2 - low / 2) or 0.0

    def across(self, x: float) -> int:
        return round((x - self._left) / self._wide * (self.columns * 2 - 1))

    def down(self, y: float) -> int:
        if not self._tall:
            return self.rows * 2
        return round((1 - (y / 2 - self._low / 2) / self._tall) * (self.rows * 4 - 1))

    def draw(self, points: Sequence[tuple[float, float]], number: int, curve: Curve) -> None:
        """Draw a curve, `number` among all."""
        self._path = self._paths.setdefault(number, {})
        self._color = curve.color
        before: tuple[int, int] | None = None
        for x, y in points:
            if math.isnan(y):
                before = None
                continue
            here = (self.across(x), self.down(y))
            if before is None or not curve.joined:
                self._dot(*here)
            else:
                self._segment(before, here)
            before = here

    def name(self, curves: Sequence[Curve]) -> None:
        """Put each curve's letter on it, where no other named curve is near; of such places the last."""
        named = [number for number, curve in enumerate(curves) if curve.letter]
        for number in named:
            others = [self._paths.get(other, {}) for other in named if other != number]
            places = [
                (self._room(row, column, others), column, row)
                for column, rows in self._paths.get(number, {}).items()
                for row in (sorted(rows)[len(rows) // 2],)
                if (row, column) not in self._letters
            ]
            if places:
                _, column, row = max(places)
                self._letters[row, column] = curves[number].letter
                self._owner[row, column] = curves[number].color

    def _room(self, row: int, column: int, others: Sequence[dict[int, set[int]]]) -> int:
        """How many rows are free around a place, as far as that matters."""
        if any(abs(r - row) < 2 and abs(c - column) < 3 for r, c in self._letters):
            return -1
        near = (
            r for path in others for c in (column - 1, column, column + 1) for r in path.get(c, ())
        )
        return min(_APART, min((abs(r - row) for r in near), default=_APART))

    def _segment(self, a: tuple[int, int], b: tuple[int, int]) -> None:
        steps = max(abs(b[0] - a[0]), abs(b[1] - a[1]), 1)
        for step in range(steps + 1):
            self._dot(
                a[0] + round((b[0] - a[0]) * step / steps),
                a[1] + round((b[1] - a[1]) * step / steps),
            )

    def _dot(self, across: int, down: int) -> None:
        cell = (down // 4, across // 2)
        self._cells[cell] = self._cells.get(cell, 0) | _DOTS[down % 4][across % 2]
        self._owner[cell] = self._color
        self._path.setdefault(across // 2, set()).add(down // 4)

    def row(self, row: int) -> Painted:
        """One row of cells, neighbours of one colour joined."""
        pieces: Painted = []
        for column in range(self.columns):
            dots = self._cells.get((row, column))
            text = self._letters.get((row, column)) or (chr(0x2800 + dots) if dots else " ")
            owner = self._owner.get((row, column)) if dots else None
            if pieces and pieces[-1][1] == owner:
                pieces[-1] = (pieces[-1][0] + text, owner)
            else:
                pieces.append((text, owner))
        return pieces
