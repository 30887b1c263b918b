"""Points of many series in one Parquet file, sorted by series and then as written.

Columns: texts that say what a series is, for people and other programs; `series`, its number; `step`,
`time`, `time_rest`, `value`, and where they are kept `row` and `metadata`. The texts cost next to nothing,
as they repeat. Readers ask for series by number, and the engine reads only the row groups they lie in.

Times are stored as timestamps of whole microseconds, which other programs show as such and which encode
to a byte or two. Where that is not the exact time as logged, `time_rest` holds the difference, so that
the sum is exact.

The file's own metadata says how many points each series has and the checksums of its columns (`layout`), and
every read is held against them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from ...errors import CorruptData
from .columns import Bools, Floats, Ints, Points
from .engine import Engine, EngineError, file_pattern, joined, quoted
from .layout import Laid, Layout, checks_of, checks_of_one

__all__ = ["Fill", "SortedFile", "corrupt", "read_together", "write_sorted"]

# Twice as many would be decoded for one of many series, half as many make a file of one series slower to read.
ROW_GROUP = 64 << 10
_KEY = "anew"
_MAX_RANGES = 64  # of series that are asked for apart; beyond, everything between them is read
_MAX_SECONDS = 9e12  # beyond, microseconds leave 64 bits


_REMEMBERED = 256  # descriptions
_descriptions: dict[tuple[str, int, int, int], bytes] = {}


def write_sorted(
    path: str,
    labels: Mapping[str, Sequence[str]],
    counts: Ints,
    points: Points,
    describe: Callable[[Layout], str],
) -> None:
    """Write points that are sorted by series, and force them to the disk.

    Args:
        labels: Columns of text: for each series what it says there.
        counts: How many points each series has.
        describe: Called with the layout; what it gives is kept as the file's description.

    Raises:
        OSError: It cannot be written.
    """
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    micros, rest, far = _split_times(points.time)
    table: dict[str, Any] = {
        "series": np.repeat(np.arange(len(counts), dtype=np.int32), counts),
        "step": points.step,
        "micros": micros,
        "value": points.value,
    }
    step, time, time_rest, value = "step", "make_timestamptz(micros)", "NULL::DOUBLE", "value"
    row, metadata = "", ", NULL::VARCHAR AS metadata" if points.row is not None else ""
    present: list[str] = []
    if points.given is not None and not points.given.all():
        table["given"], step = points.given, "CASE WHEN given THEN step END"
        present.append("gaps")
    if rest is not None:
        table["rest"], time_rest = rest, "CASE WHEN rest != 0 THEN rest END"
        present.append("time_rest")
    if far is not None:
        table["far"], time = far, f"CASE WHEN NOT far THEN {time} END"
    nan = np.isnan(points.value)
    if nan.any():
        table["nan"], value = nan, "CASE WHEN nan THEN 'NaN'::DOUBLE ELSE value END"
    if points.row is not None:
        table["row"], row = points.row, ', "row"'
        present.append("row")
    if points.metadata is not None:
        table["metadata"], metadata = points.metadata, ", metadata"
        present.append("metadata")
    layout = Layout(
        offsets=offsets.tolist(), checks=checks_of(points, offsets[:-1], counts), present=present
    )
    texts = "".join(f"list_extract(?, series + 1) AS {name}, " for name in labels)
    query = (
        f"COPY (SELECT {texts}series, {step} AS step, {time} AS time, {time_rest} AS time_rest, "
        f"{value} AS value{row}{metadata} FROM points) TO {quoted(path)} (FORMAT parquet, "
        # Version 2 has the encodings for sorted integers and for floats; a dictionary would take their place.
        "PARQUET_VERSION v2, DICTIONARY_SIZE_LIMIT 1, COMPRESSION zstd, ROW_GROUP_SIZE "
        f"{ROW_GROUP}, "
        f"USE_TMP_FILE false, KV_METADATA {{{_KEY}: {quoted(describe(layout))}}})"
    )
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
    with Engine() as engine:
        engine.write(query, table, [list(each) for each in labels.values()])
    with open(path, "rb+") as file:
        os.fsync(file.fileno())


def _split_times(time: Floats) -> tuple[Ints, Floats | None, Bools | None]:
    """Microseconds, what they leave, and where they cannot say it at all (None: nothing, nowhere)."""
    far = ~(np.abs(time) < _MAX_SECONDS)
    rest = np.where(far, 0.0, time)
    rest *= 1e6  # in place: a part has millions of times
    micros = np.rint(rest, out=rest).astype(np.int64)
    np.divide(micros, 1e6, out=rest)
    np.subtract(time, rest, out=rest)
    rest[far] = time[far]
    return micros, rest if rest.any() else None, far if far.any() else None


Fill = Callable[[Sequence[tuple[int, int]], Collection[str]], None]
"""Sees to it that some rows (from one up to before another) of some columns are there before they are read."""


class SortedFile:
    """A file of `write_sorted`, open for reading.

    Args:
        fill: Called before points are read, for a file of which not all bytes are there.

    Raises:
        CorruptData: It is no Parquet file, or not one of ours; its end may be missing.
        FileNotFoundError: It is gone.
    """

    def __init__(self, path: str, fill: Fill | None = None) -> None:
        self.path = path
        self._fill = fill
        self.pattern = file_pattern(path)
        self._engine: Engine | None = None
        try:
            self.description = self._described()
        except BaseException:
            self.close()
            raise
        self.laid = Laid(np.zeros(1, np.int64), np.zeros((0, 5), np.int64), frozenset())
        """Where the series lie; whoever opens the file says it, as it is in the description."""

    def close(self) -> None:
        """Release the connection to the engine, if there is one."""
        if self._engine is not None:
            self._engine.close()
            self._engine = None

    def _described(self) -> bytes | None:
        """What the file says of itself; remembered, as a file that is whole is never changed."""
        stat = os.stat(self.path)
        key = (self.path, stat.st_ino, stat.st_size, stat.st_mtime_ns)
        known = _descriptions.get(key)
        if known is None:
            query = f"SELECT value FROM parquet_kv_metadata(?) WHERE key = {quoted(_KEY)}::BLOB"
            found = joined(self._ask(query))["value"]
            if not len(found):
                return None
            known = bytes(found[0])
            while len(_descriptions) >= _REMEMBERED:
                _descriptions.pop(next(iter(_descriptions)), None)
            _descriptions[key] = known
        return known

    @property
    def counts(self) -> Ints:
        """How many points each series has."""
        return self.laid.counts

    def read(
        self,
        series: Sequence[int],
        *,
        times: bool = True,
        rows: bool = False,
        metadata: bool = False,
    ) -> Points:
        """The points of some series (numbers ascending), one series after the other.

        Args:
            times: Whether to read the times, which are 0 otherwise.

        Raises:
            CorruptData: The bytes are not what they should be.
            FileNotFoundError: It is gone.
        """
        numbers = np.asarray(series, np.int64)
        counts = self.counts[numbers]
        ranges = _ranges(numbers[counts > 0])
        if not ranges:
            nothing = np.zeros(0)
            return Points(nothing.astype(np.int64), None, nothing, nothing)
        apart = len(ranges) > _MAX_RANGES
        if apart:
            ranges = [(ranges[0][0], ranges[-1][1])]
        wanted = _wanted(self.laid.present, times=times, rows=rows, metadata=metadata)
        self._see_to(ranges, wanted)
        found = joined(self._ask(f"{_select(wanted)}{self._where(ranges)}"))
        offsets = self.laid.offsets
        expected = int(sum(offsets[end + 1] - offsets[at] for at, end in ranges))
        if len(found["value"]) != expected:
            raise corrupt(self.path, f"it has {len(found['value'])} points instead of {expected}")
        if apart:
            found = self._picked(found, numbers, ranges[0])
        points = _points(found)
        self.verify(points, numbers, times)
        return points

    def pieces(self, number: int, *, times: bool = True, rows: bool = False) -> list[Points]:
        """The points of one series as they come out of the file, one piece after the other, without a copy.

        Args:
            times: Whether to read the times, which are 0 otherwise.

        Raises:
            CorruptData: The bytes are not what they should be.
            FileNotFoundError: It is gone.
        """
        if "gaps" in self.laid.present:
            return [self.read([number], times=times, rows=rows)]
        wanted = _wanted(self.laid.present, times=times, rows=rows, metadata=False)
        self._see_to([(number, number)], wanted)
        query = _select(wanted) + self._where([(number, number)])
        pieces = [_points(each) for each in self._ask(query)]
        found, belong = checks_of_one(pieces, times=times), self.laid.checks[number].tolist()
        read = [True, times, True, rows, False]
        if any(one != other for one, other, was in zip(found, belong, read, strict=True) if was):
            raise corrupt(self.path, "its points differ from those that were written")
        return pieces

    def _see_to(self, ranges: list[tuple[int, int]], wanted: Sequence[str]) -> None:
        """Let what is about to be read be brought here, where that is needed."""
        if self._fill is not None:
            offsets = self.laid.offsets
            rows = [(int(offsets[at]), int(offsets[end + 1])) for at, end in ranges]
            self._fill(rows, {"series", *(name for one in wanted for name in _COLUMNS_OF[one])})

    def _where(self, ranges: list[tuple[int, int]]) -> str:
        """The condition for the series of some ranges; none where that is all there is."""
        offsets = self.laid.offsets
        if len(ranges) == 1 and offsets[ranges[0][1] + 1] - offsets[ranges[0][0]] == offsets[-1]:
            return ""
        return " WHERE " + " OR ".join(_condition(*each) for each in ranges)

    def _picked(
        self, found: dict[str, Any], numbers: Ints, within: tuple[int, int]
    ) -> dict[str, Any]:
        """Of the points of all series `within`, those of `numbers`."""
        among = np.zeros(within[1] - within[0] + 1, np.bool_)
        among[numbers[(numbers >= within[0]) & (numbers <= within[1])] - within[0]] = True
        mask = among.repeat(self.counts[within[0] : within[1] + 1])
        return {name: column[mask] for name, column in found.items()}

    def verify(self, points: Points, numbers: Ints, times: bool) -> None:
        """Hold what was read against the checksums; what was not read has none.

        Raises:
            CorruptData: The bytes are not what they should be.
        """
        counts = self.counts[numbers]
        starts = np.concatenate([[0], np.cumsum(counts)])[:-1]
        step, _, time, value, row, metadata = points
        columns = (step, time if times else None, value, row, metadata)
        wanted = np.array([column is not None for column in columns])
        if len(points.value) == counts.sum():
            found = np.array(checks_of(points, starts, counts), np.int64).reshape(-1, 5)
            if np.array_equal(found[:, wanted], self.laid.checks[numbers][:, wanted]):
                return
        raise corrupt(self.path, "its points differ from those that were written")

    def _ask(self, query: str) -> list[dict[str, Any]]:
        if self._engine is None:
            self._engine = Engine()
        try:
            return self._engine.batches(query, [self.pattern])
        except EngineError as error:
            if not os.path.exists(self.path):
                raise FileNotFoundError(self.path) from error
            raise corrupt(self.path, error) from error


def read_together(
    files: Sequence[SortedFile], series: Sequence[int], *, rows: bool = False
) -> list[Points] | None:
    """The points of some series (numbers ascending) of several files, in one question.

    A question costs as much as reading ten thousand points. None where the files have to be read one by one: they do
    not hold the same columns, or something is wrong with one of them.
    """
    if any(file.laid.present != files[0].laid.present for file in files):
        return None
    numbers = np.asarray(series, np.int64)
    ranges = _ranges(numbers)
    if len(ranges) > _MAX_RANGES:
        return None
    wanted = _wanted(files[0].laid.present, times=True, rows=rows, metadata=False)
    where = " OR ".join(_condition(*each) for each in ranges)
    try:
        with Engine() as engine:
            found = engine.columns(f"{_select(wanted)} WHERE {where}", [[f.pattern for f in files]])
    except EngineError:
        return None
    points = _points(found)
    ends = np.cumsum([0, *(int(file.counts[numbers].sum()) for file in files)]).tolist()
    if ends[-1] != len(points.value):
        return None
    pieces = [points.select(slice(a, b)) for a, b in pairwise(ends)]
    try:
        for file, piece in zip(files, pieces, strict=True):
            file.verify(piece, numbers, True)
    except CorruptData:
        return None
    return pieces


_STEP, _STEP_OR_0, _GIVEN = "step", "coalesce(step, 0) AS step", "step IS NOT NULL AS given"
_SECONDS = "coalesce(epoch_us(time) / 1e6, 0) AS seconds"
_EXACT_SECONDS = "coalesce(epoch_us(time) / 1e6, 0) + coalesce(time_rest, 0) AS seconds"
_ROW = '"row"'
_COLUMNS_OF = {
    _STEP: ("step",), _STEP_OR_0: ("step",), _GIVEN: ("step",), _SECONDS: ("time",), _ROW: ("row",),
    _EXACT_SECONDS: ("time", "time_rest"), "value": ("value",), "metadata": ("metadata",),
}  # fmt: skip
"""The columns of the file that each selection reads."""


def _wanted(present: Collection[str], *, times: bool, rows: bool, metadata: bool) -> list[str]:
    """What to select."""
    wanted = [_STEP_OR_0, "value", _GIVEN] if "gaps" in present else [_STEP, "value"]
    if times:
        wanted.append(_EXACT_SECONDS if "time_rest" in present else _SECONDS)
    if rows and "row" in present:
        wanted.append(_ROW)
    if metadata and "metadata" in present:
        wanted.append("metadata")
    return wanted


def _select(wanted: Sequence[str]) -> str:
    return f"SELECT {', '.join(wanted)} FROM read_parquet(?, hive_partitioning = false)"


def _points(found: Mapping[str, Any]) -> Points:
    """Columns as points; times that were not read are 0."""
    time = found.get("seconds")
    return Points(
        found["step"],
        found.get("given"),
        np.zeros(len(found["value"])) if time is None else time,
        found["value"],
        found.get("row"),
        found.get("metadata"),
    )


def _ranges(numbers: Ints) -> list[tuple[int, int]]:
    """Ascending numbers as first and last of those that follow each other."""
    if not len(numbers):
        return []
    cuts = np.flatnonzero(np.diff(numbers) != 1)
    firsts = numbers[np.concatenate([[0], cuts + 1])]
    lasts = numbers[np.concatenate([cuts, [len(numbers) - 1]])]
    return list(zip(firsts.tolist(), lasts.tolist(), strict=True))


def _condition(first: int, last: int) -> str:
    return f"series = {first}" if first == last else f"series BETWEEN {first} AND {last}"


def corrupt(path: str, reason: object) -> CorruptData:
    """What to raise for a file that is not what it should be."""
    return CorruptData(
        f"{path} cannot be read: {reason}. The points it held are not shown. "
        "Restore the file from a copy if there is one, or delete it to continue without them.",
        path=path,
    )
