"""DVCLive's histories of metrics: a table of tab-separated values for each, below `plots/metrics`."""

from __future__ import annotations

import csv
import heapq
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from ....importing.foreign import is_plain, open_text, walk
from ....importing.source import Finding

__all__ = ["History", "Line", "histories", "lines_of", "merged"]

_ENDINGS = {".tsv": "\t", ".csv": ","}


class History(NamedTuple):
    """The file of a metric, by the metric's name."""

    name: str
    path: str


class Line(NamedTuple):
    """A value of a metric, in the order in which those of all metrics are merged: by step, a metric's own as they stand.

    Attributes:
        time: Seconds since the epoch; None if it was logged without.
        text: The value as it is written.
        more: What stands in columns that DVCLive does not write.
    """

    at: int
    name: str
    number: int
    step: int | None
    time: float | None
    text: str
    more: Mapping[str, str] = {}


def histories(folder: str) -> list[History]:
    """The files of metrics in a folder of DVCLive's; a name with slashes lies in folders."""
    base = os.path.join(folder, "plots", "metrics")
    found = []
    for at, folders, names in walk(base):
        folders.sort()
        for name in names:
            path = os.path.join(at, name)
            stem, ending = os.path.splitext(name)
            if ending in _ENDINGS and is_plain(path):
                inside = os.path.relpath(os.path.join(at, stem), base).replace(os.sep, "/")
                found.append(History(inside, path))
    return sorted(found)


def lines_of(history: History, run: str, findings: list[Finding]) -> Iterator[Line]:
    """The lines of a file. One whose end is missing is being written, or was when its program was killed: it may lack digits."""
    newest = -(1 << 63)
    try:
        with open_text(history.path, newline="") as file:
            ended = _Ended(file)
            rows = csv.reader(ended, delimiter=_ENDINGS[os.path.splitext(history.path)[1]])
            columns: list[str] = next(rows, [])
            if "step" not in columns:
                what = "Its first line does not say what its columns are."
                findings.append(Finding(history.path, what, bool(columns or ended.rest), run))
                return
            for number, row in enumerate(rows, 2):
                found = _line(columns, row)
                if found is None:
                    what = f"Line {number} is no value of a metric: {' '.join(row)!r:.80}."
                    findings.append(Finding(history.path, what, True, run))
                    continue
                step, time, text, more = found
                newest = newest if step is None else max(newest, step)
                yield Line(newest, history.name, number, step, time, text, more)
            if ended.rest:
                what = f"Its end was not written: {ended.rest!r:.80}."
                findings.append(Finding(history.path, what, False, run))
    except (OSError, csv.Error) as error:
        findings.append(Finding(history.path, f"It cannot be read: {error!s:.200}", True, run))


class _Ended:
    """The lines of a file that end; what follows the last of them is kept in `rest`."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self.rest = ""

    def __iter__(self) -> Iterator[str]:
        for line in self._lines:
            if line.endswith(("\n", "\r")):
                yield line
            else:
                self.rest = line


def _line(
    columns: Sequence[str], row: Sequence[str]
) -> tuple[int | None, float | None, str, Mapping[str, str]] | None:
    """Step, time and value of a row, and what else it has: the value is in the column that is neither of the two."""
    if len(row) != len(columns) or not columns:
        return None
    step: int | None = None
    time: float | None = None
    text = ""
    more: dict[str, str] = {}
    for at, (column, cell) in enumerate(zip(columns, row, strict=True)):
        try:
            if at == len(columns) - 1:
                text = cell
            elif column == "step":
                step = int(cell)
                if not -(1 << 63) <= step < 1 << 63:
                    return None
            elif column == "timestamp":
                time = int(cell) / 1000
            elif cell:
                more[column] = cell
        except (ValueError, OverflowError):
            return None
    return step, time, text, more


def merged(streams: Sequence[Iterator[Line]]) -> Iterator[Line]:
    """The lines of all metrics."""
    return heapq.merge(*streams, key=lambda line: line[:3])
