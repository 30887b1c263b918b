"""The series of a group: its experiments' segments wherever they lie, and Parquet files among blobs.

What is derived from a segment is the same as in a folder: a stretch of a part that ends with a line becomes a Parquet file,
once and for all, under `<experiment id>/<part>.<start>-<end>.<file>.parquet`, and experiments that are done changing become
packs. Nothing needs a lock between machines: a file stands for the bytes that its name says, so that two writers who make
it say the same, and every reader takes a chain of files that follow each other, and decodes the lines after it.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from ...blobs.cached import CachedBlobs
from ...errors import CorruptData, InvalidName, UnknownFormat
from ...journal.layout import part_name, split_part
from ...journal.storage import Storage
from ..deadline import check_time
from .columns import (
    Block,
    Columns,
    ManyColumns,
    Outline,
    PartName,
    assemble,
    merge_blocks,
    stretches_of,
)
from .listed import Files, Part, goes_on, listed_parts, side_by_side, unread, whole_lines
from .many import Fresh, found_in, put_together
from .pack_file import PackFile
from .packs import Found, Packs
from .parquet import PartFile, PartInfo, write_part
from .pending import Pending
from .points import decode_block
from .protocol import ExperimentFolder, Reached, Sealed, Source
from .ranged import open_ranged
from .runs import Wanted, after, broken_line, columns_since, runs_of
from .stamps import ListedState

__all__ = ["DERIVE_BYTES", "ObjectSeries"]

DERIVE_BYTES = 1 << 20
"""Of lines, what a reader decodes again at most before a file is derived from them."""
FINISHED_BYTES = 256 << 10
"""Of a part that nobody writes to any more, from which on all of it is derived."""
LARGE_BYTES = 8 << 20
"""Of lines that a derived file stands for, from which on it is not merged any more."""
MERGED = 8
"""How many small derived files that follow each other become one."""
MANY = 8
"""Experiments in a question from which on packs are read and made."""
MAX_BROKEN = 1000
_LOOKS = 4
_RANGE = re.compile(r"(\d+)-(\d+)\.(\d+)\.parquet")


class _Derived(NamedTuple):
    """A file made of a stretch of a part, and its key."""

    start: int
    end: int
    key: str


class ObjectSeries:
    """A `SeriesStore` over blobs and over segments that lie anywhere. Any number of processes may fill one.

    Args:
        parts: Where files derived from single experiments are kept; nothing else is there.
        packs: The same for packs.
        files: Where the segments are.
        lock: A file of this machine that those who write packs lock.
    """

    def __init__(self, parts: CachedBlobs, packs: CachedBlobs, files: Files, *, lock: str) -> None:
        self._blobs = parts
        self._files = files
        self._packs = Packs(packs, lock, lambda key: open_ranged(packs, key, PackFile))
        self._pending = Pending()
        self._derived_to: dict[tuple[str, PartName, int], Reached] = {}

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
        """See `SeriesStore.flush`. Segments stay as they are: nothing is sealed."""
        (storage,) = self._files([place])
        waiting = self._pending.pop(place.experiment_id)
        chains: dict[PartName, list[_Derived]] | None = None
        for part, one in listed_parts(place, storage, []).items():
            done = part[0] in finished
            least = 1 if done and small else FINISHED_BYTES if done else DERIVE_BYTES
            known = self._derived_to.get((place.experiment_id, part, one.blob.file))
            left = one.blob.size - (known.end if known else 0)
            if one.is_sealed or one.blob.size < least or left < (1 if done else DERIVE_BYTES):
                continue
            try:
                if chains is None:
                    chains = self._chains(place, storage)
                chain = chains.get(part, [])
                blocks = waiting.get(part, [])
                while self._derive(
                    place, storage, part, one, chain, blocks, 1 if done else DERIVE_BYTES
                ):
                    blocks = []
                self._merge(place, part, one, chain, done)
            except (OSError, CorruptData, UnknownFormat, InvalidName):
                continue  # only a saving for who reads; the lines are there
        return Sealed(0, 0, 0)

    def _derive(
        self, place: ExperimentFolder, storage: Storage, part: PartName, one: Part, chain: list[_Derived],
        waiting: Sequence[tuple[Source, Block]], least: int,
    ) -> bool:  # fmt: skip
        """Turn what a part has beyond its derived files into another one, if it is enough; whether it was.

        Args:
            chain: The files there are, which follow each other; the new one is added.
            waiting: What was decoded already.
        """
        start = chain[-1].end if chain else 0
        if one.blob.size - start < least:
            return False
        line = self._line_after(place, part, one, chain)
        blocks: list[Block] = []
        broken: list[tuple[int, str]] = []
        if waiting and waiting[0][0].start == start and waiting[0][0].line == line:
            end, lines = waiting[-1][0].end, sum(source.lines for source, _ in waiting)
            broken = [b for source, _ in waiting for b in source.broken]
            blocks = [block for _, block in waiting]
        else:
            data = next(whole_lines(storage, one.path, start, one.blob.size), b"")
            block, bad = decode_block(data, line)
            end, lines = start + len(data), data.count(b"\n")
            blocks, broken = [block], [(b.line, b.reason) for b in bad]
        if end - start < least or len(broken) > MAX_BROKEN:
            return False
        info = PartInfo(
            experiment_id=place.experiment_id, writer=part[0], part=part[1], first_line=line, lines=lines,
            start=start, end=end, broken=broken,
        )  # fmt: skip
        chain.append(self._put(place, part, one, merge_blocks(blocks), info))
        return True

    def _line_after(
        self, place: ExperimentFolder, part: PartName, one: Part, chain: Sequence[_Derived]
    ) -> int:
        """The number of the first line after a chain."""
        if not chain:
            return 1
        known = self._derived_to.get((place.experiment_id, part, one.blob.file))
        if known is not None and known.end == chain[-1].end:
            return known.line + 1
        with self._open(chain[-1].key) as file:
            return file.info.first_line + file.info.lines

    def _put(
        self, place: ExperimentFolder, part: PartName, one: Part, block: Block, info: PartInfo
    ) -> _Derived:
        key = f"{place.experiment_id}/{part_name(*part)}.{info.start}-{info.end}.{one.blob.file}.parquet"
        path = os.path.join(self._blobs.scratch(), f"{os.urandom(8).hex()}.parquet")
        try:
            write_part(path, block, info)
            with contextlib.suppress(
                FileExistsError
            ):  # another writer was here first, and says the same
                self._blobs.upload(key, path)
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.remove(path)
        reached = Reached(info.first_line + info.lines - 1, info.end)
        self._derived_to[place.experiment_id, part, one.blob.file] = reached
        return _Derived(info.start, info.end, key)

    def _merge(
        self, place: ExperimentFolder, part: PartName, one: Part, chain: list[_Derived], done: bool
    ) -> None:
        """Make one file of small ones at the end of a chain, once there are several."""
        mine: list[_Derived] = []
        for item in reversed(chain):
            if item.end - item.start >= LARGE_BYTES:
                break
            mine.insert(0, item)
        if len(mine) < (2 if done else MERGED):
            return
        blocks: list[Block] = []
        infos: list[PartInfo] = []
        for item in mine:
            with self._open(item.key) as file:
                blocks.append(file.read(range(len(file.info.names)), metadata=True))
                infos.append(file.info)
        info = PartInfo(
            experiment_id=place.experiment_id, writer=part[0], part=part[1], first_line=infos[0].first_line,
            lines=sum(one.lines for one in infos), start=mine[0].start, end=mine[-1].end,
            broken=[b for one in infos for b in one.broken],
        )  # fmt: skip
        if len(info.broken) <= MAX_BROKEN:
            self._put(place, part, one, merge_blocks(blocks), info)
            for item in mine:
                self._blobs.delete(item.key)

    def drop(self, experiment_id: str) -> int:
        """See `SeriesStore.drop`."""
        self._pending.pop(experiment_id)
        for key in [key for key in self._derived_to if key[0] == experiment_id]:
            del self._derived_to[key]
        blobs = self._blobs.list(experiment_id)
        side_by_side(self._blobs.delete, [blob.key for blob in blobs])
        self._packs.drop(experiment_id)
        return sum(blob.size for blob in blobs)

    def derived(self) -> dict[str, int]:
        """See `SeriesStore.derived`."""
        sizes = self._packs.shares()
        for blob in self._blobs.list():
            one = blob.key.partition("/")[0]
            sizes[one] = sizes.get(one, 0) + blob.size
        return dict(sorted(sizes.items()))

    def close(self) -> None:
        """See `SeriesStore.close`: there are none."""

    def settle(self, places: Sequence[ExperimentFolder]) -> list[str]:
        """See `SeriesStore.settle`: who asks makes the copies."""
        return []

    def tidy(self) -> int:
        """See `SeriesStore.tidy`."""
        return self._packs.tidy()

    # -- reading: anybody, any time ---------------------------------------------------------------

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
        problems: list[CorruptData] = []
        runs, parts = self._runs(place, Wanted(names, rows, metadata), problems)
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
            return self._runs(place, wanted, problems, reached)

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
        wanted = Wanted(names, outlines=not whole, within=within, times=times)
        return self._runs(place, wanted, [])[0]

    def read_many(
        self, experiments: Sequence[ExperimentFolder], names: Sequence[str], *, times: bool = True
    ) -> ManyColumns:
        """See `SeriesStore.read_many`."""
        wanted = list(dict.fromkeys(names))
        storages = self._files(experiments) if experiments and wanted else ()
        states = [_listed(storage) for storage in storages]
        by_project: dict[str, list[int]] = {}
        for number, one in enumerate(experiments if wanted else ()):
            by_project.setdefault(_project_of(one), []).append(number)
        found: list[Found] = []
        problems: list[CorruptData] = []
        for project, numbers in by_project.items():
            missing = numbers
            if len(numbers) >= MANY:
                asked = [(experiments[n].experiment_id, states[n]) for n in numbers]
                packed, answered = self._packs.find(project, asked, wanted, times=times)
                place = np.array(numbers, np.int32)
                found += [
                    Found(place[e], metric, counts, points) for e, metric, counts, points in packed
                ]
                missing = [n for at, n in enumerate(numbers) if at not in answered]
            fresh = Fresh(
                self._reader(experiments, storages), self._packs, project, keep=len(missing) >= MANY
            )

            def read(number: int, fresh: Fresh = fresh) -> Columns:
                check_time()
                return fresh.read(experiments[number], states[number], wanted)

            for number, columns in zip(missing, side_by_side(read, missing), strict=True):
                found.append(found_in(number, columns, wanted))
                problems += columns.problems
            fresh.write()
        return put_together(found, wanted, problems, times=times)

    def _reader(
        self, experiments: Sequence[ExperimentFolder], storages: Sequence[Storage]
    ) -> Callable[[ExperimentFolder, Sequence[str] | None], Columns]:
        """Reads experiments whose files were listed already."""
        listed = dict(zip(experiments, storages, strict=True))

        def read(place: ExperimentFolder, names: Sequence[str] | None) -> Columns:
            problems: list[CorruptData] = []
            runs, parts = self._runs(place, Wanted(names), problems, storage=listed[place])
            return assemble((run.points for run in runs), parts, names, problems=problems)

        return read

    def _runs(
        self,
        place: ExperimentFolder,
        wanted: Wanted,
        problems: list[CorruptData],
        reached: dict[PartName, Reached] | None = None,
        storage: Storage | None = None,
    ) -> tuple[list[Outline], list[PartName]]:
        reached = {} if reached is None else reached
        for attempt in range(_LOOKS):
            problems.clear()
            reached.clear()
            if storage is None or attempt:
                (storage,) = self._files([place])
            parts = listed_parts(place, storage, problems)
            long = any(not p.is_sealed and p.blob.size >= FINISHED_BYTES for p in parts.values())
            last = attempt == _LOOKS - 1
            try:
                chains = self._chains(place, storage) if long else {}
            except OSError:
                chains = {}  # the lines say the same
            try:
                runs: list[Outline] = []
                for index, (part, one) in enumerate(parts.items()):
                    check_time()
                    chain = [] if last else chains.get(part, [])
                    runs += self._part(
                        place, storage, part, one, chain, index, wanted, problems, reached
                    )
                return runs, list(parts)
            except (
                FileNotFoundError
            ) as error:  # a part was sealed, or files were merged, since they were listed
                if last:
                    problems.append(unread(place, str(error.filename), error))
        return [], []

    def _part(
        self, place: ExperimentFolder, storage: Storage, part: PartName, one: Part, chain: Sequence[_Derived],
        index: int, wanted: Wanted, problems: list[CorruptData], reached: dict[PartName, Reached],
    ) -> Iterator[Outline]:  # fmt: skip
        seen = (wanted.since or {}).get(part, Reached(0, 0))
        if one.is_sealed:
            yield from self._sealed(place, storage, part, one, index, wanted, problems, reached)
            return
        offset, line = 0, 1
        try:
            if goes_on(storage, one, seen.end):
                offset, line, chain = seen.end, seen.line + 1, ()
            for item in chain:
                check_time()
                try:
                    with self._open(item.key) as file:
                        runs = after(runs_of(file, index, wanted), seen.line)
                        broken, end = file.info.broken, file.info.end
                        next_line = file.info.first_line + file.info.lines
                except (CorruptData, UnknownFormat):
                    with contextlib.suppress(OSError):
                        self._blobs.delete(
                            item.key
                        )  # the lines say the same, and it is made again of them
                    break
                except FileNotFoundError:
                    raise
                except OSError:
                    break
                problems += [broken_line(f"{place.folder}/{one.path}", n, why) for n, why in broken]
                offset, line = end, next_line
                yield from runs
            names, rows, metadata = wanted[:3]
            for data in whole_lines(storage, one.path, offset, one.blob.size):
                block, bad = decode_block(data, line)
                problems += [
                    broken_line(f"{place.folder}/{one.path}", b.line, b.reason) for b in bad
                ]
                whole = stretches_of(block, index, names, rows=rows, metadata=metadata)
                yield from after(map(Outline.whole, whole), seen.line)
                offset, line = offset + len(data), line + data.count(b"\n")
        except FileNotFoundError:
            raise
        except OSError as error:
            problems.append(unread(place, one.path, error))
        reached[part] = Reached(line - 1, offset)

    def _sealed(
        self, place: ExperimentFolder, storage: Storage, part: PartName, one: Part, index: int,
        wanted: Wanted, problems: list[CorruptData], reached: dict[PartName, Reached],
    ) -> Iterator[Outline]:  # fmt: skip
        seen = (wanted.since or {}).get(part, Reached(0, 0))
        try:
            with storage.local(one.path) as path, PartFile(path) as file:
                if not seen.line or seen.line < file.info.lines:
                    yield from after(runs_of(file, index, wanted), seen.line)
                reached[part] = Reached(file.info.lines, file.info.end)
        except FileNotFoundError:
            raise
        except (CorruptData, UnknownFormat) as error:
            said = f"{place.folder}/{one.path} is damaged and was skipped: {error}"
            problems.append(CorruptData(said, path=f"{place.folder}/{one.path}"))
        except OSError as error:
            problems.append(unread(place, one.path, error))

    @contextlib.contextmanager
    def _open(self, key: str) -> Iterator[PartFile]:
        with open_ranged(self._blobs, key, PartFile) as file:
            yield file

    def _chains(self, place: ExperimentFolder, storage: Storage) -> dict[PartName, list[_Derived]]:
        """By part the derived files that follow each other from its start and are of the file that is there now."""
        files = {part: one.blob.file for part, one in listed_parts(place, storage, []).items()}
        found: dict[PartName, dict[int, _Derived]] = {}
        for key in self._blobs.keys(place.experiment_id):
            stem, _, rest = key.partition("/")[2].rpartition("-")
            stem, _, first = stem.rpartition(".")
            match = _RANGE.fullmatch(f"{first}-{rest}")
            part = split_part(stem)
            if match is None or files.get(part) != int(match[3]):
                continue
            item = _Derived(int(match[1]), int(match[2]), key)
            mine = found.setdefault(part, {})
            if item.start not in mine or mine[item.start].end < item.end:
                mine[item.start] = item
        chains: dict[PartName, list[_Derived]] = {}
        for part, mine in found.items():
            chain: list[_Derived] = []
            while (end := chain[-1].end if chain else 0) in mine:
                chain.append(mine[end])
            chains[part] = chain
        return chains


def _listed(storage: Storage) -> ListedState:
    try:
        return ListedState(storage.list("metrics"))
    except OSError:
        return ListedState([])


def _project_of(place: ExperimentFolder) -> str:
    """The project that an experiment belongs to: the first two segments above the last of its prefix."""
    return "/".join(place.folder.strip("/").split("/")[:-1][:2])
