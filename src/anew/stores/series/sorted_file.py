"""Points of many series in one Parquet file, sorted by series and then as written.

Columns: texts that say what a series is, for people and other programs; `series`, its number; `step`,
`time`, `time_rest`, `value`, and where they are kept `row` and `metadata`. The texts cost next to nothing,
as they repeat. Readers ask for series by number, and the engine reads only the row groups they lie in.

Times are stored as timestamps of whole microseconds, which other programs show as such and which encode
to a byte or two. Where that is not the exact time as logged, `time_rest` holds the difference, so that
the sum is exact.

Parquet pages written by DuckDB carry no checksums. The file's own metadata says instead how many points
each series has and the checksums of its columns (`Layout`), and every read is held against them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple
from zlib import crc32

import msgspec
import numpy as np
import numpy.typing as npt

from ...errors import CorruptData
from .columns import Bools, Floats, Ints
from .engine import Engine, EngineError, file_pattern, quoted

__all__ = ["Layout", "Points", "SortedFile", "corrupt", "write_sorted"]

# Twice as many would be decoded for one of many series, half as many make a file of one series slower to read.
ROW_GROUP = 64 << 10
_KEY = "anew"
_MAX_RANGES = 64  # of series that are asked for apart; beyond, everything between them is read
_PARALLEL = 1_000_000  # points from which on columns are looked at side by side
_MAX_SECONDS = 9e12  # beyond, microseconds leave 64 bits


_REMEMBERED = 256  # descriptions
_descriptions: dict[tuple[str, int, int, int], bytes] = {}
Checks = tuple[int, int, int, int, int]


class Layout(msgspec.Struct, frozen=True, kw_only=True):
    """Where the series of a file lie, and the checksums of their points.

    `offsets` are the row at which each series begins, and the end. `checks` has per series the CRC-32 of its
    steps, times, values, rows and metadata: of the numbers of 64 bits in little-endian order as readers get
    them (a missing step as 0, followed by a byte per point that says which are there; a time in seconds; 0
    for a column that is not kept) and of the JSON list of the metadata. `present` says which columns are
    there (`row`) or hold something (`time_rest`, `metadata`), and whether there are `gaps`: points without
    a step.
    """

    offsets: list[int] = msgspec.field(default_factory=lambda: [0])
    checks: list[Checks] = []
    present: list[str] = []


class Points(NamedTuple):
    """Points as arrays of one length; `given` None: all have a step; the last two None: not kept or asked."""

    step: Ints
    given: Bools | None
    time: Floats
    value: Floats
    row: Ints | None = None
    metadata: npt.NDArray[np.object_] | None = None

    def select(self, which: Any) -> Points:
        """The points where `which` (a mask, slice or order) says so."""
        return Points(
            self.step[which],
            None if self.given is None else self.given[which],
            self.time[which],
            self.value[which],
            None if self.row is None else self.row[which],
            None if self.metadata is None else self.metadata[which],
        )


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
        offsets=offsets.tolist(), checks=_checks(points, offsets[:-1], counts), present=present
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
    micros = np.rint(np.where(far, 0.0, time) * 1e6).astype(np.int64)
    rest = np.where(far, time, time - micros / 1e6)
    return micros, rest if rest.any() else None, far if far.any() else None


def _checks(points: Points, starts: Ints, counts: Ints) -> list[Checks]:
    """See `Layout.checks`."""
    ends = list(zip(starts.tolist(), (starts + counts).tolist(), strict=True))
    columns: list[tuple[Any, Bools | None]] = [(points.step, points.given)]
    columns += [(column, None) for column in (points.time, points.value, points.row)]
    if len(points.value) > _PARALLEL:
        with ThreadPoolExecutor() as pool:  # a checksum of a large array holds no lock of Python's
            sums = list(pool.map(lambda column: _crcs(column[0], column[1], ends), columns))
    else:
        sums = [_crcs(column, given, ends) for column, given in columns]
    texts = points.metadata
    said = [0] * len(ends) if texts is None else [_crc_of(texts[a:b]) for a, b in ends]
    return list(zip(*sums, said, strict=True))


def _crcs(column: Any, given: Any, ends: list[tuple[int, int]]) -> list[int]:
    """The checksum of a column for each series; 0 when there is no column."""
    if column is None:
        return [0] * len(ends)
    if given is None:
        return [crc32(column[a:b]) for a, b in ends]
    return [
        crc32(column[a:b]) if given[a:b].all() else crc32(given[a:b], crc32(column[a:b]))
        for a, b in ends
    ]


def _crc_of(texts: npt.NDArray[np.object_]) -> int:
    return crc32(msgspec.json.encode(texts.tolist())) if any(t is not None for t in texts) else 0


class SortedFile:
    """A file of `write_sorted`, open for reading.

    Raises:
        CorruptData: It is no Parquet file, or not one of ours; its end may be missing.
        FileNotFoundError: It is gone.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._pattern = file_pattern(path)
        self._engine = Engine()
        try:
            self.description = self._described()
        except BaseException:
            self.close()
            raise
        self._layout = Layout()
        self._offsets = np.zeros(1, np.int64)

    def close(self) -> None:
        """Release the connection to the engine."""
        self._engine.__exit__(None, None, None)

    def _described(self) -> bytes | None:
        """What the file says of itself; remembered, as a file that is whole is never changed."""
        stat = os.stat(self.path)
        key = (self.path, stat.st_ino, stat.st_size, stat.st_mtime_ns)
        known = _descriptions.get(key)
        if known is None:
            query = f"SELECT value FROM parquet_kv_metadata(?) WHERE key = {quoted(_KEY)}::BLOB"
            found = self._ask(query)["value"]
            if not len(found):
                return None
            known = bytes(found[0])
            while len(_descriptions) >= _REMEMBERED:
                _descriptions.pop(next(iter(_descriptions)), None)
            _descriptions[key] = known
        return known

    def lay_out(self, layout: Layout) -> None:
        """Say where the series lie, as the description has it.

        Raises:
            CorruptData: It cannot be.
        """
        self._offsets = np.array(layout.offsets, np.int64)
        if len(self._offsets) != len(layout.checks) + 1 or np.any(np.diff(self._offsets) < 0):
            raise corrupt(self.path, "it does not record where its points are")
        self._layout = layout

    @property
    def counts(self) -> Ints:
        """How many points each series has."""
        return np.diff(self._offsets)

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
        present = self._layout.present
        numbers = np.asarray(series, np.int64)
        counts = self.counts[numbers]
        ranges = _ranges(numbers[counts > 0])
        if not ranges:
            nothing = np.zeros(0)
            return Points(nothing.astype(np.int64), None, nothing, nothing)
        whole = len(ranges) == 1 and counts.sum() == self._offsets[-1]
        wanted = ["coalesce(step, 0) AS step", "value"] if "gaps" in present else ["step", "value"]
        if "gaps" in present:
            wanted.append("step IS NOT NULL AS given")
        if times and "time_rest" in present:
            wanted.append("coalesce(epoch_us(time) / 1e6, 0) + coalesce(time_rest, 0) AS seconds")
        elif times:
            wanted.append("coalesce(epoch_us(time) / 1e6, 0) AS seconds")
        if rows and "row" in present:
            wanted.append('"row"')
        if metadata and "metadata" in present:
            wanted.append("metadata")
        apart = len(ranges) > _MAX_RANGES
        if apart:
            ranges = [(ranges[0][0], ranges[-1][1])]
        where = "" if whole else " WHERE " + " OR ".join(_condition(*each) for each in ranges)
        source = "read_parquet(?, hive_partitioning = false)"
        found = self._ask(f"SELECT {', '.join(wanted)} FROM {source}{where}")
        expected = int(sum(self._offsets[end + 1] - self._offsets[at] for at, end in ranges))
        if len(found["value"]) != expected:
            raise corrupt(self.path, f"it has {len(found['value'])} points instead of {expected}")
        if apart:
            found = self._picked(found, numbers, ranges[0])
        points = Points(
            found["step"],
            found.get("given"),
            found["seconds"] if times else np.zeros(len(found["value"])),
            found["value"],
            found.get("row"),
            _texts(found.get("metadata")),
        )
        self._verify(points, numbers, counts, times)
        return points

    def _picked(
        self, found: dict[str, Any], numbers: Ints, within: tuple[int, int]
    ) -> dict[str, Any]:
        """Of the points of all series `within`, those of `numbers`."""
        among = np.zeros(within[1] - within[0] + 1, np.bool_)
        among[numbers[(numbers >= within[0]) & (numbers <= within[1])] - within[0]] = True
        mask = among.repeat(self.counts[within[0] : within[1] + 1])
        return {name: column[mask] for name, column in found.items()}

    def _verify(self, points: Points, numbers: Ints, counts: Ints, times: bool) -> None:
        """Hold what was read against the checksums; what was not read has none."""
        starts = np.concatenate([[0], np.cumsum(counts)])[:-1]
        step, _, time, value, row, metadata = points
        columns = (step, time if times else None, value, row, metadata)
        wanted = np.array([column is not None for column in columns])
        plain = not any(isinstance(column, np.ma.MaskedArray) for column in columns)
        if plain and len(points.value) == counts.sum():
            found = np.array(_checks(points, starts, counts), np.int64).reshape(-1, 5)
            belong = np.array(self._layout.checks, np.int64).reshape(-1, 5)[numbers]
            if np.array_equal(found[:, wanted], belong[:, wanted]):
                return
        raise corrupt(self.path, "its points differ from those that were written")

    def _ask(self, query: str) -> dict[str, Any]:
        try:
            return self._engine.columns(query, [self._pattern])
        except EngineError as error:
            if not os.path.exists(self.path):
                raise FileNotFoundError(self.path) from error
            raise corrupt(self.path, error) from error


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


def _texts(column: Any) -> npt.NDArray[np.object_] | None:
    """A column of texts with None where there is none."""
    if column is None:
        return None
    texts = np.array(np.ma.getdata(column), np.object_)
    texts[np.ma.getmaskarray(column)] = None
    return texts


def corrupt(path: str, reason: object) -> CorruptData:
    """What to raise for a file that is not what it should be."""
    return CorruptData(
        f"{path} cannot be read: {reason}. The points it held are not shown. "
        "Restore the file from a copy if there is one, or delete it to continue without them.",
        path=path,
    )
