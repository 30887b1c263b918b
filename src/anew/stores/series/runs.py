"""What a reader wants of the parts of an experiment, and what comes of each part, whatever form it has."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from ...errors import CorruptData
from .columns import Columns, Outline, PartName, Points, Stretch, after_lines, assemble
from .parquet import PartFile
from .protocol import Reached

__all__ = ["Wanted", "after", "broken_line", "columns_since", "runs_of"]


class Wanted(NamedTuple):
    """What a reader asked for."""

    names: Sequence[str] | None
    rows: bool = False
    metadata: bool = False
    outlines: bool = False
    since: Mapping[PartName, Reached] | None = None
    within: tuple[int, int] | None = None
    times: bool = True


Look = Callable[
    [Wanted, list[CorruptData], dict[PartName, Reached]], tuple[list[Outline], list[PartName]]
]
"""Gives what is wanted and the parts there are; notes what is wrong, and how far each part was read."""


def columns_since(
    look: Look,
    names: Sequence[str] | None,
    since: Mapping[PartName, Reached],
    *,
    start: int | None,
    stop: int | None,
    metadata: bool,
) -> tuple[Columns, dict[PartName, Reached]]:
    """The answer of `SeriesStore.read_since`."""
    problems: list[CorruptData] = []
    reached: dict[PartName, Reached] = {}
    runs, parts = look(Wanted(names, True, metadata, since=since), problems, reached)
    unplaced = any(run.points.given is not None and not run.points.given.all() for run in runs)
    if since and unplaced:  # their steps are positions, which all that came before decides
        runs, parts = look(Wanted(names, True, metadata, since={}), problems, reached)
    stretches = (run.points for run in runs)
    columns = assemble(
        stretches, parts, names, rows=True, start=start, stop=stop, problems=problems
    )
    columns = after_lines(columns, {part: one.line for part, one in since.items()})
    far = {part: max(one, since.get(part, one)) for part, one in reached.items()}
    return columns, {**since, **far}


def runs_of(file: PartFile, index: int, wanted: Wanted) -> list[Outline]:
    """What is wanted of a file."""
    if wanted.names is not None and (wanted.outlines or wanted.within is not None):
        without = None if wanted.outlines else wanted.within
        return file.outlines(index, wanted.names, without, times=wanted.times)
    return [*map(Outline.whole, file.stretches(index, *wanted[:3], times=wanted.times))]


def after(runs: Iterable[Outline], line: int) -> list[Outline]:
    """What comes after so many lines of a part; all of it after none."""
    if not line:
        return [*runs]
    found = []
    for run in runs:
        points = run.points
        assert points.row is not None
        new = points.row > line
        if new.any():
            kept = Points(*points[2:]).select(new)
            found.append(Outline.whole(Stretch(points.name, points.part, *kept)))
    return found


def broken_line(path: str, line: int, reason: str) -> CorruptData:
    """What to say of a line that gave no points."""
    return CorruptData(
        f"Line {line} of {path} is not a record and was skipped: {reason}.",
        path=path,
        line=line,
    )
