"""The series of a group in ClickHouse: the points of its segments as rows, and the lines after them from the segments.

Nothing here is truth. A row says what a line says, and is named by it: the same line written twice, by two servers or once more after an
interruption, is one point. Readers take the rows of the stretches that are there, and decode the lines that come after; without
ClickHouse they decode all of them, which takes longer and says the same.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from ....clickhouse import ClickHouse, ClickHouseError
from ....errors import CorruptData, InvalidName, TookTooLong, UnknownFormat
from ....journal.storage import Storage
from ...deadline import check_time
from ..columns import (
    Block,
    Columns,
    ManyColumns,
    Outline,
    PartName,
    Stretch,
    assemble,
    merge_blocks,
    stretches_of,
)
from ..listed import Files, Part, goes_on, listed_parts, unread, whole_lines
from ..parquet import PartFile
from ..pending import Pending
from ..points import decode_block
from ..protocol import ExperimentFolder, Health, Reached, Sealed, Source
from ..runs import Wanted, after, broken_line, columns_since
from .table import MOST_ROWS, Filling, Range, Series, Table, chosen

__all__ = ["ClickHouseSeries"]

FILLED_BYTES = 64 << 10
"""Of lines of a part that is being written, from which on they become rows: ClickHouse wants few and large inserts."""
LINES_BYTES = 4 << 20
"""Of lines that become rows at once."""
MAX_BROKEN = 1000
MOST_LINES = (1 << 32) - 1
"""Of a part, as many as their column can number; a part of a hundred gigabytes is read from its lines."""
_QUIET_SECONDS = 2.0
"""How long ClickHouse is left alone after it could not be reached."""
_SLOW_SECONDS = 30.0
"""How long it is left alone after it did not answer in time: each try takes as long as that."""
_TIMED_OUT = 159


Fillings = Mapping[str, Sequence[tuple[PartName, Filling]]]
"""What is there of experiments."""


class _Filled(NamedTuple):
    """How far the rows of a part go: so many bytes and lines."""

    end: int
    line: int
    broken: tuple[tuple[int, str], ...] = ()


class _Answer(NamedTuple):
    """What is wanted of one experiment."""

    runs: list[Outline]
    parts: list[PartName]


class ClickHouseSeries:
    """A `SeriesStore` over ClickHouse and over segments that lie anywhere. Any number of processes may fill one.

    Args:
        engine: The server.
        files: Where the segments are.
        told: Called with the reason when ClickHouse cannot be used any more, and with "" when it can again.
    """

    def __init__(
        self, engine: ClickHouse, files: Files, told: Callable[[str], object] = lambda reason: None
    ) -> None:
        self._table = Table(engine)
        self._files = files
        self._pending = Pending()
        self._quiet_until = 0.0
        self._guard = threading.Lock()
        self._told = told
        self._failing = ""
        self._failures = 0
        self._looked_at = -1.0

    # -- writing ----------------------------------------------------------------------------------

    def take(self, place: ExperimentFolder, source: Source, block: Block) -> None:
        """See `SeriesStore.take`."""
        if self._pending.add(place, source, block):
            self.flush(place)

    def flush(
        self,
        place: ExperimentFolder,
        finished: Collection[str] = (),
        *,
        small: bool = False,
        may_seal: Callable[[str, int], bool] = lambda text, size: True,
    ) -> Sealed:
        """See `SeriesStore.flush`. Segments stay as they are; what ClickHouse does not take now is read from them."""
        waiting = self._pending.pop(place.experiment_id)
        (storage,) = self._files([place])
        self._fill(place, storage, waiting, finished)
        return Sealed(0, 0, 0)

    def _fill(
        self,
        place: ExperimentFolder,
        storage: Storage,
        waiting: Mapping[PartName, Sequence[tuple[Source, Block]]],
        finished: Collection[str],
    ) -> None:
        """Make rows of the lines that have none, where there are enough of them."""
        parts = {
            part: one
            for part, one in listed_parts(place, storage, []).items()
            if one.is_sealed or one.blob.size >= (1 if part[0] in finished else FILLED_BYTES)
        }
        if not parts or not self._is_there():
            return
        try:
            filled = self._filled([place.experiment_id])
            for part, one in parts.items():
                least = 1 if part[0] in finished else FILLED_BYTES
                known = _of(filled, place, part, one)
                # What cannot be read now is no trouble of ClickHouse, and whoever reads it is told.
                with contextlib.suppress(
                    CorruptData, UnknownFormat, InvalidName, FileNotFoundError
                ):
                    if not one.is_sealed:
                        if one.blob.size - (known.end if known else 0) >= least:
                            mine = waiting.get(part, ())
                            self._fill_lines(place, storage, part, one, known, mine)
                    elif known is None:
                        self._fill_sealed(place, storage, part, one, filled)
        except ClickHouseError as error:
            self._failed(error)
        except OSError:
            return  # only a saving for who reads

    def _fill_lines(
        self, place: ExperimentFolder, storage: Storage, part: PartName, one: Part, known: _Filled | None,
        waiting: Sequence[tuple[Source, Block]],
    ) -> None:  # fmt: skip
        end, line, _ = known or _Filled(0, 0)
        if waiting and waiting[0][0].start == end and waiting[0][0].line == line + 1:
            for some in _together(waiting):
                start, end = end, some[-1][0].end
                line += sum(source.lines for source, _ in some)
                broken = tuple(b for source, _ in some for b in source.broken)
                block = merge_blocks([block for _, block in some])
                self._insert(place, part, Filling(0, start, end, line, broken=broken), block)
        with ThreadPoolExecutor(
            1
        ) as writer:  # which waits for the engine while the next lines are decoded
            under_way: Future[None] | None = None
            for data in whole_lines(storage, one.path, end, one.blob.size, LINES_BYTES):
                block, bad = decode_block(data, line + 1)
                start, end, line = end, end + len(data), line + data.count(b"\n")
                filling = Filling(
                    0, start, end, line, broken=tuple((b.line, b.reason) for b in bad)
                )
                if under_way is not None:
                    under_way.result()
                under_way = writer.submit(self._insert, place, part, filling, block)
            if under_way is not None:
                under_way.result()

    def _fill_sealed(
        self, place: ExperimentFolder, storage: Storage, part: PartName, one: Part, filled: Fillings
    ) -> None:
        """Make rows of a file of columns; where those of its lines are there, only say so."""
        with storage.local(one.path) as path, PartFile(path) as file:
            info, size = file.info, one.blob.size
            lines = _chained(filled.get(place.experiment_id, ()), part)
            there = lines is not None and (lines.end, lines.line) == (info.end, info.lines)
            block = file.read([] if there else range(len(info.names)), metadata=True)
            pieces = -(-len(block) // MOST_ROWS) or 1
            starts = [info.lines * at // pieces for at in range(pieces + 1)]
            for start, end in pairwise(starts):
                last = end == info.lines
                broken = tuple(b for b in info.broken if start < b[0] <= end)
                filling = Filling(size, start, end, end, info.end if last else 0, broken)
                inside = (block.row > start) & (block.row <= end)
                self._insert(place, part, filling, block.select(inside) if pieces > 1 else block)

    def _insert(
        self, place: ExperimentFolder, part: PartName, filling: Filling, block: Block
    ) -> None:
        if len(filling.broken) > MAX_BROKEN or filling.line > MOST_LINES:
            raise CorruptData(
                f"{part} of {place.experiment_id} has more lines than rows are made of"
            )
        self._table.insert(place.experiment_id, part, filling, block)

    def drop(self, experiment_id: str) -> int:
        """See `SeriesStore.drop`."""
        self._pending.pop(experiment_id)
        per_row = self._bytes_of_a_row()
        return round(per_row * self._table.forget(experiment_id))

    def settle(self, places: Sequence[ExperimentFolder]) -> list[str]:
        """See `SeriesStore.settle`: there are no copies."""
        return []

    def tidy(self) -> int:
        """See `SeriesStore.tidy`."""
        return self._table.compact()

    def derived(self) -> dict[str, int]:
        """See `SeriesStore.derived`. ClickHouse does not say what a row takes: it is their mean."""
        per_row = self._bytes_of_a_row()
        return {one: round(per_row * rows) for one, rows in sorted(self._table.rows().items())}

    def _bytes_of_a_row(self) -> float:
        return self._table.bytes() / max(1, sum(self._table.rows().values()))

    # -- reading ----------------------------------------------------------------------------------

    def read(
        self,
        place: ExperimentFolder,
        names: Sequence[str] | None = None,
        *,
        start: int | None = None,
        stop: int | None = None,
        rows: bool = False,
        metadata: bool = False,
    ) -> Columns:
        """See `SeriesStore.read`."""
        wanted = Wanted(names, rows, metadata)
        problems: list[CorruptData] = []
        runs, parts = self._one(place, wanted, problems, within=Range(start, stop))
        if (start is not None or stop is not None) and _unplaced(runs):
            problems.clear()  # steps are positions, which all points decide
            runs, parts = self._one(place, wanted, problems)
        stretches = (run.points for run in runs)
        return assemble(
            stretches, parts, names, rows=rows, start=start, stop=stop, problems=problems
        )

    def read_since(
        self,
        place: ExperimentFolder,
        names: Sequence[str] | None,
        since: Mapping[PartName, Reached],
        *,
        start: int | None = None,
        stop: int | None = None,
        metadata: bool = False,
    ) -> tuple[Columns, dict[PartName, Reached]]:
        """See `SeriesStore.read_since`."""

        def look(
            wanted: Wanted, problems: list[CorruptData], reached: dict[PartName, Reached]
        ) -> tuple[list[Outline], list[PartName]]:
            lines = {part: one.line for part, one in (wanted.since or {}).items()}
            return self._one(place, wanted, problems, reached, Range(after=lines))

        return columns_since(look, names, since, start=start, stop=stop, metadata=metadata)

    def outlines(
        self,
        place: ExperimentFolder,
        names: Sequence[str],
        *,
        whole: bool = False,
        within: tuple[int, int] | None = None,
        times: bool = True,
    ) -> list[Outline]:
        """See `SeriesStore.outlines`."""
        return self._one(place, Wanted(names), [])[0]

    def read_many(
        self, experiments: Sequence[ExperimentFolder], names: Sequence[str], *, times: bool = True
    ) -> ManyColumns:
        """See `SeriesStore.read_many`."""
        wanted = list(dict.fromkeys(names))
        at = {name: number for number, name in enumerate(wanted)}
        problems: list[CorruptData] = []
        found: list[tuple[int, int, Stretch]] = []
        answers = self._look(experiments if wanted else (), Wanted(wanted), problems, times=times)
        for number, (runs, _) in enumerate(answers):
            by_name: dict[str, list[Stretch]] = {}
            for run in runs:
                by_name.setdefault(run.points.name, []).append(run.points)
            found += [(number, at[n], _whole(some)) for n, some in by_name.items() if _has(some)]
        found.sort(key=lambda one: one[:2])
        starts = np.zeros(len(found) + 1, np.int64)
        np.cumsum([len(one.value) for _, _, one in found], out=starts[1:])
        return ManyColumns(
            tuple(wanted),
            np.array([number for number, _, _ in found], np.int32),
            np.array([metric for _, metric, _ in found], np.int32),
            starts,
            np.concatenate([np.zeros(0, np.int64), *(one.step for _, _, one in found)]),
            np.concatenate([np.zeros(0), *(one.time for _, _, one in found)]) if times else None,
            np.concatenate([np.zeros(0), *(one.value for _, _, one in found)]),
            tuple(problems),
        )

    def _one(
        self,
        place: ExperimentFolder,
        wanted: Wanted,
        problems: list[CorruptData],
        reached: dict[PartName, Reached] | None = None,
        within: Range = Range(),  # noqa: B008  (a frozen tuple)
    ) -> tuple[list[Outline], list[PartName]]:
        (answer,) = self._look([place], wanted, problems, reached, within)
        return answer

    def _look(
        self,
        places: Sequence[ExperimentFolder],
        wanted: Wanted,
        problems: list[CorruptData],
        reached: dict[PartName, Reached] | None = None,
        within: Range = Range(),  # noqa: B008  (a frozen tuple)
        *,
        times: bool = True,
    ) -> Iterator[_Answer]:
        """What is wanted of some experiments, one after the other.

        Args:
            reached: Notes how far each part was read; for one experiment alone.
            times: Whether the times of points are wanted.
        """
        storages = self._files(places) if places else ()
        listed = [
            listed_parts(place, storage, problems)
            for place, storage in zip(places, storages, strict=True)
        ]
        ids = [place.experiment_id for place, parts in zip(places, listed, strict=True) if parts]
        filled, rows = self._rows(ids, wanted, within, times)
        reached = {} if reached is None else reached
        for place, storage, parts in zip(places, storages, listed, strict=True):
            check_time()
            runs: list[Outline] = []
            behind: set[str] = set()
            for index, (part, one) in enumerate(parts.items()):
                known = _of(filled, place, part, one)
                mine = rows.get((place.experiment_id, part), ()) if known else ()
                try:
                    runs += self._part(place, storage, part, one, index, wanted, known, mine, problems, reached)  # fmt: skip
                except (OSError, CorruptData, UnknownFormat) as error:
                    if isinstance(error, TookTooLong):
                        raise
                    problems.append(_damaged(place, one, error))
                start = known.end if known else 0
                if (one.is_sealed and known is None) or one.blob.size - start >= 2 * FILLED_BYTES:
                    behind.add(part[0])
            yield _Answer(runs, list(parts))
            if behind:  # ClickHouse was away when they came: whoever needs them sees to it
                self._fill(place, storage, {}, behind)

    def _rows(
        self, ids: Sequence[str], wanted: Wanted, within: Range, times: bool
    ) -> tuple[Fillings, Mapping[tuple[str, PartName], Sequence[Series]]]:
        """What ClickHouse has of some experiments; nothing while it is away."""
        if not ids or not self._is_there():
            return {}, {}
        rows: dict[tuple[str, PartName], list[Series]] = {}
        try:
            filled = self._filled(ids)
            for one in self._table.series(
                list(filled), wanted.names, within, times=times, metadata=wanted.metadata
            ):
                rows.setdefault((one.experiment, one.part), []).append(one)
        except ClickHouseError as error:
            self._failed(error)
            return {}, {}
        return filled, rows

    def _part(
        self, place: ExperimentFolder, storage: Storage, part: PartName, one: Part, index: int, wanted: Wanted,
        known: _Filled | None, rows: Sequence[Series], problems: list[CorruptData], reached: dict[PartName, Reached],
    ) -> Iterator[Outline]:  # fmt: skip
        """A part: first its rows, and then the lines that have none."""
        seen = (wanted.since or {}).get(part, Reached(0, 0))
        if known is not None:
            path = f"{place.folder}/{one.path}"
            problems += [broken_line(path, number, why) for number, why in known.broken]
            runs = [Outline.whole(_stretch(s, index, known.line, wanted)) for s in rows]
            yield from after(runs, seen.line)
        end, line, _ = known or _Filled(0, 0)
        if one.is_sealed:
            if known is None:
                with storage.local(one.path) as path, PartFile(path) as file:
                    stretches = file.stretches(index, *wanted[:3])
                    yield from after(map(Outline.whole, stretches), seen.line)
                    end, line = file.info.end, file.info.lines
            reached[part] = Reached(line, end)
            return
        if seen.end > end and goes_on(storage, one, seen.end):
            end, line = seen.end, seen.line
        names, with_rows, metadata = wanted[:3]
        for data in whole_lines(storage, one.path, end, one.blob.size):
            block, bad = decode_block(data, line + 1)
            problems += [broken_line(f"{place.folder}/{one.path}", b.line, b.reason) for b in bad]
            lines = stretches_of(block, index, names, rows=with_rows, metadata=metadata)
            yield from after(map(Outline.whole, lines), seen.line)
            end, line = end + len(data), line + data.count(b"\n")
        reached[part] = Reached(line, end)

    # -- ClickHouse -------------------------------------------------------------------------------

    def _filled(self, ids: Sequence[str]) -> Fillings:
        """What has rows.

        Raises:
            ClickHouseError: The server cannot be asked.
        """
        found = self._table.fillings(ids)
        self._worked()
        return found

    def _is_there(self) -> bool:
        """Whether it is worth asking ClickHouse."""
        return time.monotonic() >= self._quiet_until

    def _failed(self, error: OSError) -> None:
        with self._guard:
            news = not self._failing
            self._failing, self._failures = str(error), self._failures + 1
            slow = isinstance(error, ClickHouseError) and error.code == _TIMED_OUT
            quiet = _SLOW_SECONDS if slow else _QUIET_SECONDS
            self._quiet_until = time.monotonic() + quiet
        if news:
            self._told(str(error))

    def _worked(self) -> None:
        with self._guard:
            news, self._failing = bool(self._failing), ""
        if news:
            self._told("")

    def check(self) -> None:
        """See that ClickHouse can be used.

        Raises:
            ClickHouseError: It cannot; `code` says why, where it answers.
        """
        self._table.engine.ping()

    def health(self) -> Health:
        """Whether ClickHouse can be used now. It is asked at most once a second."""
        with self._guard:
            fresh = time.monotonic() < self._looked_at + 1.0
            self._looked_at = self._looked_at if fresh else time.monotonic()
        if not fresh and self._is_there():
            try:
                self._table.engine.ping()
            except OSError as error:
                self._failed(error)
            else:
                self._worked()
        return Health(self._failing, self._failures)

    def close(self) -> None:
        """See `SeriesStore.close`."""
        self._table.engine.close()


def _of(filled: Fillings, place: ExperimentFolder, part: PartName, one: Part) -> _Filled | None:
    """How far the rows of a part go; None if there are none, or not all of a file of columns."""
    rows = filled.get(place.experiment_id, ())
    return _chained(rows, part, one.blob.size if one.is_sealed else 0)


def _chained(
    rows: Sequence[tuple[PartName, Filling]], part: PartName, sealed: int = 0
) -> _Filled | None:
    """How far the stretches of a part go that follow each other from its beginning. They may overlap."""
    mine = [row for its, row in rows if its == part and row.sealed == sealed]
    end, line, size = 0, 0, 0
    broken: dict[int, str] = {}
    for row in sorted(mine, key=lambda one: (one.start, one.end)):
        if row.start > end:
            break
        broken |= dict(row.broken)
        if row.end > end:
            end, line = row.end, row.line
        size = max(size, row.bytes)
    if sealed:
        end = size  # that of the lines, which the last stretch knows
    return _Filled(end, line, tuple(sorted(broken.items()))) if end else None


def _together(
    waiting: Sequence[tuple[Source, Block]],
) -> Iterator[list[tuple[Source, Block]]]:
    """What waits, in pieces that are written at once."""
    some: list[tuple[Source, Block]] = []
    for one in waiting:
        if some and sum(len(block) for _, block in some) + len(one[1]) > MOST_ROWS:
            yield some
            some = []
        some.append(one)
    if some:
        yield some


def _stretch(series: Series, index: int, line: int, wanted: Wanted) -> Stretch:
    """The points of a series up to a line: those after it may be on their way still."""
    if len(series.row) and series.row[-1] > line:
        series = chosen(series, series.row <= line)
    needed = wanted.rows or bool(wanted.since)
    return Stretch(
        series.metric, index, series.step, series.given, series.time, series.value,
        series.row if needed else None, series.metadata,
    )  # fmt: skip


def _has(stretches: Sequence[Stretch]) -> bool:
    return any(len(one.value) for one in stretches)


def _whole(stretches: Sequence[Stretch]) -> Stretch:
    """The stretches of a series as one; points without a step have their positions."""
    if len(stretches) == 1 and stretches[0].given is None:
        return stretches[0]
    columns = assemble(stretches, (), None)
    return Stretch(stretches[0].name, 0, columns.step, None, columns.time, columns.value)


def _unplaced(runs: Sequence[Outline]) -> bool:
    return any(run.points.given is not None and not np.all(run.points.given) for run in runs)


def _damaged(place: ExperimentFolder, one: Part, error: Exception) -> CorruptData:
    if isinstance(error, OSError):
        return unread(place, one.path, error)
    path = f"{place.folder}/{one.path}"
    return CorruptData(f"{path} is damaged and was skipped: {error}", path=path)
