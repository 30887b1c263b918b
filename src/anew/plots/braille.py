"""Curves in a terminal, drawn with braille characters: two dots wide and four high in every cell.

Every stretch of a curve that falls into one column of dots is drawn from its smallest to its largest value,
so no spike is lost. A curve is broken where it is not finite. Each is named by a letter at its end, so that
they can be told apart without colour.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

__all__ = ["Curve", "Painted", "braille_chart"]

_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True)
class Curve:
    """Points of one curve, x ascending; `joined` False draws dots only."""

    x: Sequence[float]
    y: Sequence[float]
    joined: bool = True


Painted = list[tuple[str, int | None]]
"""A row of the picture: pieces of text, each with the number of the curve whose colour it has."""


def braille_chart(
    curves: Sequence[Curve],
    *,
    width: int = 80,
    height: int = 16,
    log_y: bool = False,
    x_text: Callable[[float], str] | None = None,
    letters: bool = True,
) -> list[Painted]:
    """The rows of a chart `width` characters wide and `height` high, axes included.

    Empty when there is no finite point (or, with `log_y`, no positive one).
    """
    scale = math.log10 if log_y else float
    points = [
        [
            (x, scale(y) if math.isfinite(y) and (y > 0 or not log_y) else math.nan)
            for x, y in zip(curve.x, curve.y, strict=True)
            if math.isfinite(x)
        ]
        for curve in curves
    ]
    finite = [(x, y) for one in points for x, y in one if not math.isnan(y)]
    if not finite:
        return []
    low, high = min(y for _, y in finite), max(y for _, y in finite)
    left, right = min(x for x, _ in finite), max(x for x, _ in finite)
    rows = max(3, height - 2)
    ticks = _ticks(low, high, rows, log_y)
    margin = max(len(text) for text in ticks.values()) + 2
    canvas = _Canvas(max(8, width - margin - (3 if letters else 1)), rows)
    canvas.fit(left, right, low, high)
    for number, (curve, one) in enumerate(zip(curves, points, strict=True)):
        canvas.draw(one, number, joined=curve.joined)
    ends = _ends(canvas, points) if letters else {}
    picture: list[Painted] = []
    for row in range(rows):
        label = ticks.get(row, "")
        mark = "┤" if row in ticks else "│"
        line: Painted = [(f"{label:>{margin - 2}} {mark}", None), *canvas.row(row)]
        if row in ends:
            line += [(" ", None), (_LETTERS[ends[row] % 26], ends[row])]
        picture.append(line)
    return picture + _foot(canvas.columns, margin, left, right, x_text or (lambda x: f"{x:g}"))


def _foot(
    columns: int, margin: int, left: float, right: float, text: Callable[[float], str]
) -> list[Painted]:
    start, end = text(left), text(right)
    gap = columns + 1 - len(start) - len(end)
    between = " " * max(1, gap)
    ruler: Painted = [(f"{' ' * (margin - 1)}└{'─' * columns}", None)]
    return [ruler, [(f"{' ' * (margin - 1)}{start}{between if left != right else ''}"
                     f"{end if left != right else ''}", None)]]  # fmt: skip


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


def _ends(canvas: _Canvas, points: Sequence[Sequence[tuple[float, float]]]) -> dict[int, int]:
    """Row → the curve that ends there; a taken row moves the later curve to the nearest free one."""
    out: dict[int, int] = {}
    for number, one in enumerate(points):
        last = next((y for _, y in reversed(one) if not math.isnan(y)), None)
        if last is None or len(out) >= canvas.rows:
            continue
        want = canvas.down(last) // 4
        free = min(
            (row for row in range(canvas.rows) if row not in out), key=lambda r: abs(r - want)
        )
        out[free] = number
    return out


class _Canvas:
    """Cells of eight dots each; a cell has the colour of the curve drawn there last."""

    def __init__(self, columns: int, rows: int) -> None:
        self.columns, self.rows = columns, rows
        self._cells: dict[tuple[int, int], int] = {}
        self._owner: dict[tuple[int, int], int] = {}
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

    def draw(self, points: Sequence[tuple[float, float]], number: int, *, joined: bool) -> None:
        before: tuple[int, int] | None = None
        for x, y in points:
            if math.isnan(y):
                before = None
                continue
            here = (self.across(x), self.down(y))
            if before is None or not joined:
                self._dot(*here, number)
            else:
                self._segment(before, here, number)
            before = here

    def _segment(self, a: tuple[int, int], b: tuple[int, int], number: int) -> None:
        steps = max(abs(b[0] - a[0]), abs(b[1] - a[1]), 1)
        for step in range(steps + 1):
            self._dot(
                a[0] + round((b[0] - a[0]) * step / steps),
                a[1] + round((b[1] - a[1]) * step / steps),
                number,
            )

    def _dot(self, across: int, down: int, number: int) -> None:
        cell = (down // 4, across // 2)
        self._cells[cell] = self._cells.get(cell, 0) | _DOTS[down % 4][across % 2]
        self._owner[cell] = number

    def row(self, row: int) -> Painted:
        """One row of cells, neighbours of one colour joined."""
        pieces: Painted = []
        for column in range(self.columns):
            dots = self._cells.get((row, column))
            text = chr(0x2800 + dots) if dots else " "
            owner = self._owner.get((row, column)) if dots else None
            if pieces and pieces[-1][1] == owner:
                pieces[-1] = (pieces[-1][0] + text, owner)
            else:
                pieces.append((text, owner))
        return pieces
