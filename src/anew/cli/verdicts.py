"""A judgement as lines and tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .face import Face
from .output import Column
from .words import one_line

if TYPE_CHECKING:
    from ..reproduce.judgement import Judgement

__all__ = ["STYLES", "show_judgement"]

STYLES = {
    "IDENTICAL": "green", "WITHIN TOLERANCE": "green", "UNCHANGED": "green", "NOT COMPARABLE": "yellow",
    "CHANGED": "yellow", "DIVERGED": "red",
}  # fmt: skip


def show_judgement(face: Face, judgement: Judgement, *, differences: bool = True) -> None:
    """Print a verdict, its metrics, and what differs."""
    from ..reproduce.words import difference_lines, metric_rows, verdict_line

    face.out.line(verdict_line(judgement), f"bold {STYLES[judgement.verdict.value]}")
    rows = metric_rows(judgement)
    if rows:
        face.out.line()
        face.out.table(
            [
                Column("METRIC", [one_line(m.metric) for m, *_ in rows], least=12),
                Column("VERDICT", [m.verdict.value for m, *_ in rows], styles=[STYLES[m.verdict.value] for m, *_ in rows]),
                Column(judgement.sides[0].removeprefix("the ").upper(), [row[1] for row in rows], right=True, weight=2),
                Column(judgement.sides[1].removeprefix("the ").upper(), [row[2] for row in rows], right=True, weight=2),
                Column("", [one_line(row[3]) for row in rows], least=20, weight=1),
            ]
        )  # fmt: skip
    if judgement.apart:
        shown = ", ".join(
            f"{one_line(m.metric)} {'same' if m.verdict.value == 'IDENTICAL' else m.verdict.value.lower()}"
            for m in judgement.apart
        )
        face.out.say(f"times and speeds, which do not count: {shown} (-m PATTERN lets them count)")
    quiet = {
        name: why for name, why in judgement.left_out.items() if not name.startswith("system/")
    }
    if quiet:
        shown = ", ".join(f"{name} ({why})" for name, why in quiet.items())
        face.out.say(f"left out: {shown}")
    for note in judgement.notes:
        face.out.line(f"note: {note}")
    lines = difference_lines(judgement) if differences else []
    if lines:
        face.out.line()
    for line in lines:
        face.out.line(line)
