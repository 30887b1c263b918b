"""The series of a root folder: sealed parts, parts derived from live segments, and the lines after them.

A live segment is only ever appended to, so a stretch of it that ends with a line can be turned into a
Parquet file once and for all: `.anew/series/<experiment id>/<part>.<start>-<end>.parquet` stands for
those bytes of it. Sealing turns a whole finished part into `metrics/<part>.parquet` and removes its lines.
"""

from __future__ import annotations

import base64
import errno
import hashlib
import os
import re
import shutil
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from typing import NamedTuple

import numpy as np

from ...blobs.folder import FolderBlobs
from ...errors import CorruptData, UnknownFormat
from ...journal.layout import ExperimentLayout, RootLayout, part_name, split_part
from ..deadline import check_time
from .columns import (
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
from .many import SETTLED, Fresh, TakenIn, found_in, put_together
from .packs import TOLERATED, Found, Packs
from .parquet import PartFile, PartInfo, stretches_together, write_part
from .points import decode_block
from .protocol import ExperimentFolder, Reached, Sealed, Source
from .runs import Wanted, after, broken_line, columns_since, runs_of
from .stamps import FolderState

__all__ = ["DERIVE_BYTES", "SEAL_BYTES", "FolderSeries"]

SEAL_BYTES = 256 << 10
"""Below this a sealed file saves less than the file and its footer cost."""
DERIVE_BYTES = 1 << 20
"""What a look at a live segment decodes again at most: about 10 ms."""
MANY = 8
"""Experiments in a question from which on packs are read and made."""
SPILL_BYTES = 32 << 20
DECODED_BYTES = 16 << 20
"""Of lines that nobody has decoded yet, as many as are decoded at once for a file derived from them."""
NEWS_BYTES = 8 << 20
"""Of lines that a follower has not seen, as many as are decoded; of more, files derived from them are quicker to read."""
_MOST_BYTES = (
    2 << 30
)  # of lines read at once; a writer begins another part at a small piece of this
_RANGE = re.compile(r"(\d+)-(\d+)\.parquet")
MAX_BROKEN = 1000
MAX_TAIL = 64 << 10


class _Derived(NamedTuple):
    """A file made of a stretch of a live part."""

    start: int
    end: int
    path: str


class _Decoded(NamedTuple):
    """Consecutive lines of one part: their points, what is broken, and where they end."""

    block: Block
    broken: list[tuple[int, str]]
    end: int
    lines: int


class FolderSeries:
    """A `SeriesStore` over the folders of a root.

    Args:
        derived: Where to keep what is derived from live segments; `.anew/series` if not given. Nothing
            is kept where that cannot be written.
        packs: The packs; beside what is derived if not given.
    """

    def __init__(
        self, root: RootLayout, derived: str | None = None, packs: Packs | None = None
    ) -> None:
        self._derived_root = derived or root.series
        self._root = root
        folder = os.path.join(os.path.dirname(self._derived_root), "packs")
        self._packs = packs or Packs(FolderBlobs(folder, durable=False), f"{folder}.lock")
        self._pending: dict[str, dict[PartName, list[tuple[Source, Block]]]] = {}
        self._taken = TakenIn()

    # -- writing: under the index's lock ----------------------------------------------------------

    def take(self, place: ExperimentFolder, source: Source, block: Block) -> None:
        """See `SeriesStore.take`."""
        waiting = self._pending.setdefault(place.experiment_id, {})
        blocks = waiting.setdefault((source.writer, source.part), [])
        if blocks and blocks[-1][0].end != source.start:
            blocks.clear()
        blocks.append((source, block))
        kept = sum(s.end - s.start for pieces in waiting.values() for s, _ in pieces)
        if kept >= SPILL_BYTES:  # a long first look must not hold all it has decoded
            for part in list(waiting):
                self._derive(place, part)
            waiting.clear()

    def flush(
        self,
        place: ExperimentFolder,
        finished: Collection[str] = (),
        *,
        small: bool = False,
        may_seal: Callable[[str, int], bool] = lambda text, size: True,
    ) -> Sealed:
        """See `SeriesStore.flush`."""
        total = Sealed(0, 0, 0)
        parts = _parts(place, [])
        last = dict(sorted(parts))
        for part, path in parts.items():
            writer, number = part
            if path.endswith(".parquet"):
                if not self._interrupted(place, part, path):
                    continue
                path = ExperimentLayout(place.folder).points(*part)
            try:
                stat = os.stat(path)
            except FileNotFoundError:
                continue
            rotated = number < last[writer] and time.time() - stat.st_mtime > SETTLED
            worth = stat.st_size >= (1 if small else SEAL_BYTES)
            text = f"metrics/{part_name(*part)}.jsonl"
            if (writer in finished or rotated) and worth and may_seal(text, stat.st_size):
                sealed = self._seal(place, part, path)
                total = Sealed(*(a + b for a, b in zip(total, sealed, strict=True)))
            elif stat.st_size >= DERIVE_BYTES and (worth or writer not in finished):
                while self._derive(place, part):
                    continue
        waiting = self._pending.pop(place.experiment_id, {})
        if waiting and place.share is None and all(writer in finished for writer, _ in parts):
            self._taken.keep(place.experiment_id, waiting)
        return total

    def settle(self, places: Sequence[ExperimentFolder]) -> list[str]:
        """See `SeriesStore.settle`."""
        by_project: dict[str, list[ExperimentFolder]] = {}
        for one in places:
            by_project.setdefault(self._project_of(one), []).append(one)
        unsettled: list[str] = []
        for project, mine in by_project.items():
            states = [FolderState(one.folder) for one in mine]
            asked = [(one.experiment_id, s) for one, s in zip(mine, states, strict=True)]
            _, answered = self._packs.find(project, asked, (), times=False)
            fresh = Fresh(self.read, self._packs, project, keep=True, idle=SETTLED)
            missing = [n for n in range(len(mine)) if n not in answered]
            for number in answered:
                self._taken.forget(mine[number].experiment_id)
            unsettled += fresh.settle([(mine[n], states[n]) for n in missing], self._taken)
        return unsettled

    def drop(self, experiment_id: str) -> int:
        """See `SeriesStore.drop`."""
        folder = self._derived_folder(experiment_id)
        freed = _bytes_in(folder)
        shutil.rmtree(folder, ignore_errors=True)
        self._packs.drop(experiment_id)
        self._pending.pop(experiment_id, None)
        self._taken.forget(experiment_id)
        return freed

    def derived(self) -> dict[str, int]:
        """See `SeriesStore.derived`."""
        try:
            ids = os.listdir(self._derived_root)
        except (FileNotFoundError, NotADirectoryError):
            ids = []
        sizes = self._packs.shares()
        for one in ids:
            sizes[one] = sizes.get(one, 0) + _bytes_in(os.path.join(self._derived_root, one))
        return dict(sorted(sizes.items()))

    def close(self) -> None:
        """See `SeriesStore.close`: there are none."""

    def tidy(self) -> int:
        """See `SeriesStore.tidy`."""
        return self._packs.tidy()

    def _derive(self, place: ExperimentFolder, part: PartName, least: int = 0) -> bool:
        """Turn what a live part has beyond its derived files into another one, if it is enough; whether it was.

        Of very much, a beginning is turned into one.
        """
        path = ExperimentLayout(place.folder).points(*part)
        derived = self._derived(place, part, path)
        start = derived[-1].end if derived else 0
        try:
            if os.path.getsize(path) - start < max(least, DERIVE_BYTES):
                return False
            news, first_line = self._news(place, part, path, derived, most=DECODED_BYTES)
            if news is None or news.end - start < DERIVE_BYTES:
                return False
            if len(news.broken) > MAX_BROKEN:
                return False
            os.makedirs(self._derived_folder(place.experiment_id), exist_ok=True)
            info = PartInfo(
                experiment_id=place.experiment_id,
                writer=part[0],
                part=part[1],
                first_line=first_line,
                lines=news.lines,
                start=start,
                end=news.end,
                mark=_mark(path, news.end),
                broken=news.broken,
            )
            name = f"{part_name(*part)}.{start}-{news.end}.parquet"
            write_part(
                os.path.join(self._derived_folder(place.experiment_id), name), news.block, info
            )
        except OSError as error:
            # It is only a saving for the next look: a full or read-only disk is not this look's trouble.
            if error.errno not in TOLERATED:
                raise
            return False
        return True

    def _news(
        self,
        place: ExperimentFolder,
        part: PartName,
        path: str,
        derived: list[_Derived],
        most: int = -1,
    ) -> tuple[_Decoded | None, int]:
        """What lies beyond the derived files, and the number of its first line.

        Args:
            most: About how many bytes to decode; all if it is negative.
        """
        start, line = 0, 1
        if derived:
            with PartFile(derived[-1].path) as file:
                start, line = file.info.end, file.info.first_line + file.info.lines
        waiting = self._pending.get(place.experiment_id, {}).pop(part, [])
        if waiting and waiting[0][0].start == start and waiting[0][0].line == line:
            sources = [source for source, _ in waiting]
            broken = [b for source in sources for b in source.broken]
            block = merge_blocks([b for _, b in waiting])
            lines = sum(source.lines for source in sources)
            return _Decoded(block, broken, sources[-1].end, lines), line
        return _decode(path, start, line, most), line

    def _seal(self, place: ExperimentFolder, part: PartName, path: str) -> Sealed:
        """Replace a finished part's lines by columns; a part that would lose something stays as it is."""
        while self._derive(
            place, part, least=DECODED_BYTES
        ):  # its text and its points together are too much
            continue
        derived = self._derived(place, part, path)
        blocks: list[Block] = []
        try:
            for item in derived:
                with PartFile(item.path) as file:
                    if file.info.broken:
                        return Sealed(0, 0, 0)
                    blocks.append(file.read(range(len(file.info.names)), metadata=True))
        except CorruptData:
            derived, blocks = [], []
        news, line = self._news(place, part, path, derived)
        lines, end = line - 1, derived[-1].end if derived else 0
        if news is not None:
            if news.broken:
                return Sealed(0, 0, 0)
            blocks.append(news.block)
            lines, end = lines + news.lines, news.end
            del news  # with a part of many points, each copy of them counts
        tail = _read(path, end)
        if b"\n" in tail:  # lines that nobody has offered yet: what stands for them comes later
            return Sealed(0, 0, 0)
        if len(tail.strip(b"\0")) > MAX_TAIL:
            return Sealed(0, 0, 0)
        target = ExperimentLayout(place.folder).sealed(*part)
        info = PartInfo(
            experiment_id=place.experiment_id,
            writer=part[0],
            part=part[1],
            first_line=1,
            lines=lines,
            start=0,
            end=end,
            mark=_mark(path, end),
            tail=base64.b64encode(tail).decode() if tail.strip(b"\0") else None,
            length=end + len(tail),
            blake3=_blake3(path, end + len(tail)),
        )
        after = write_part(target, _merged(blocks), info)
        _sync_folder(os.path.dirname(target))
        before = os.path.getsize(path)
        if before != end + len(tail):  # somebody wrote after all
            os.remove(target)
            return Sealed(0, 0, 0)
        os.remove(path)
        self._forget(place, part)
        return Sealed(1, before, after)

    def _interrupted(self, place: ExperimentFolder, part: PartName, sealed: str) -> bool:
        """Whether a part has lines beside its sealed file which are to be believed, not the file.

        Lines that the sealed file stands for were left behind by a crash and are removed.
        """
        path = ExperimentLayout(place.folder).points(*part)
        try:
            size = os.path.getsize(path)
        except FileNotFoundError:
            return False
        try:
            with PartFile(sealed) as file:
                info = file.info
        except (CorruptData, UnknownFormat):
            return True
        if info.mark != _mark(path, info.end) or b"\n" in _read(path, info.end, size):
            return True
        os.remove(path)
        self._forget(place, part)
        return False

    def _forget(self, place: ExperimentFolder, part: PartName) -> None:
        for item in self._files(place, part):
            os.remove(item.path)
        try:
            os.rmdir(self._derived_folder(place.experiment_id))
        except OSError:  # other parts are kept there, or it was never made
            return

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

    def read_many(
        self, experiments: Sequence[ExperimentFolder], names: Sequence[str], *, times: bool = True
    ) -> ManyColumns:
        """See `SeriesStore.read_many`."""
        wanted = list(dict.fromkeys(names))
        by_project: dict[str, list[int]] = {}
        for number, one in enumerate(experiments):
            by_project.setdefault(self._project_of(one), []).append(number)
        states = [FolderState(one.folder) for one in experiments]
        found: list[Found] = []
        problems: list[CorruptData] = []
        for project, numbers in by_project.items():
            if len(numbers) < MANY or not wanted:
                missing = numbers
            else:
                asked = [(experiments[n].experiment_id, states[n]) for n in numbers]
                packed, answered = self._packs.find(project, asked, wanted, times=times)
                place = np.array(numbers, np.int32)
                found += [
                    Found(place[e], metric, counts, points) for e, metric, counts, points in packed
                ]
                missing = [n for at, n in enumerate(numbers) if at not in answered]
            keep = len(missing) >= MANY and bool(wanted)
            fresh = Fresh(self.read, self._packs, project, keep=keep)
            for number in missing:
                check_time()
                columns = fresh.read(experiments[number], states[number], wanted)
                found.append(found_in(number, columns, wanted))
                problems += columns.problems
            fresh.write()
        return put_together(found, wanted, problems, times=times)

    def _project_of(self, place: ExperimentFolder) -> str:
        """The project that an experiment belongs to: the first two segments above the last of its prefix."""
        return "/".join(self._root.prefix_of(place.folder).split("/")[:-1][:2])

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

    def _runs(
        self,
        place: ExperimentFolder,
        wanted: Wanted,
        problems: list[CorruptData],
        reached: dict[PartName, Reached] | None = None,
    ) -> tuple[list[Outline], list[PartName]]:
        reached = {} if reached is None else reached
        for attempt in range(5):
            problems.clear()
            reached.clear()
            parts = _parts(place, problems)
            try:
                together = _together(list(parts.values()), wanted)
                runs: list[Outline] = []
                for index, (part, path) in enumerate(parts.items()):
                    check_time()
                    if index in together:
                        runs += map(Outline.whole, together[index])
                    else:
                        runs += self._part(place, part, path, index, wanted, problems, reached)
                return runs, list(parts)
            except FileNotFoundError:  # a part was sealed between listing and reading it
                if attempt == 4:
                    raise
        raise AssertionError

    def _part(
        self,
        place: ExperimentFolder,
        part: PartName,
        path: str,
        index: int,
        wanted: Wanted,
        problems: list[CorruptData],
        reached: dict[PartName, Reached],
    ) -> Iterator[Outline]:
        seen = (wanted.since or {}).get(part, Reached(0, 0))
        if path.endswith(".parquet"):
            try:
                with PartFile(path) as file:
                    if not seen.line or seen.line < file.info.lines:
                        yield from after(runs_of(file, index, wanted), seen.line)
                    reached[part] = Reached(file.info.lines, file.info.end)
                return
            except (CorruptData, UnknownFormat) as error:
                lines = ExperimentLayout(place.folder).points(*part)
                if not os.path.exists(lines):
                    problems.append(
                        error
                        if isinstance(error, CorruptData)
                        else CorruptData(str(error), path=path)
                    )
                    return
                path = lines
        offset, line = 0, 1
        if _goes_on(path, seen.end):
            offset, line = seen.end, seen.line + 1
        for item in self._derived(place, part, path) if not offset else ():
            try:
                with PartFile(item.path) as file:
                    runs = after(runs_of(file, index, wanted), seen.line)
                    offset, line = file.info.end, file.info.first_line + file.info.lines
                    problems += [broken_line(path, n, reason) for n, reason in file.info.broken]
            except (CorruptData, UnknownFormat):
                break  # derived: the lines themselves say the same
            yield from runs
        try:
            news = _decode(path, offset, line)
        except FileNotFoundError:
            raise
        except OSError as error:
            problems.append(_unread(path, error))
            return
        if news is not None:
            problems += [broken_line(path, n, reason) for n, reason in news.broken]
            names, rows, metadata = wanted[:3]
            whole = stretches_of(news.block, index, names, rows=rows, metadata=metadata)
            yield from after(map(Outline.whole, whole), seen.line)
            offset, line = news.end, line + news.lines
        reached[part] = Reached(line - 1, offset)

    def _derived_folder(self, experiment_id: str) -> str:
        return os.path.join(self._derived_root, experiment_id)

    def _derived(self, place: ExperimentFolder, part: PartName, path: str) -> list[_Derived]:
        """The files derived from a part that follow each other from its start and still fit it."""
        found: dict[int, _Derived] = {}
        for item in self._files(place, part):
            if item.start not in found or found[item.start].end < item.end:
                found[item.start] = item
        chain: list[_Derived] = []
        while (end := chain[-1].end if chain else 0) in found:
            chain.append(found[end])
        while chain and not _fits(chain[-1], path):
            chain.pop()
        return chain

    def _files(self, place: ExperimentFolder, part: PartName) -> list[_Derived]:
        stem = part_name(*part) + "."
        folder = self._derived_folder(place.experiment_id)
        try:
            names = os.listdir(folder)
        except (FileNotFoundError, NotADirectoryError):
            return []
        matches = [
            (_RANGE.fullmatch(name, len(stem)), name) for name in names if name.startswith(stem)
        ]
        return [
            _Derived(int(m[1]), int(m[2]), os.path.join(folder, name)) for m, name in matches if m
        ]


def _goes_on(path: str, end: int) -> bool:
    """Whether the lines of a file can be read on from where they were read to, and that is the quickest."""
    try:
        return 0 < end <= os.path.getsize(path) <= end + NEWS_BYTES and (
            _read(path, end - 1, 1) == b"\n"
        )
    except FileNotFoundError:  # it was sealed meanwhile
        raise
    except OSError:
        return False


def _together(paths: Sequence[str], wanted: Wanted) -> dict[int, list[Stretch]]:
    """What sealed parts hold of some series, for those that can be read in one question; by their number."""
    sealed = {at: path for at, path in enumerate(paths) if path.endswith(".parquet")}
    for_some = wanted.outlines or wanted.within is not None
    alone = wanted.metadata or for_some or wanted.since is not None
    if wanted.names is None or alone or len(sealed) < 2:
        return {}
    with ExitStack() as open_files:
        files: dict[int, PartFile] = {}
        for at, path in sealed.items():
            with suppress(CorruptData, UnknownFormat):  # said when it is read by itself
                files[at] = open_files.enter_context(PartFile(path))
        return stretches_together(files, wanted.names, wanted.rows)


def _parts(place: ExperimentFolder, problems: list[CorruptData]) -> dict[PartName, str]:
    """The parts of an experiment in as-written order, each with its file (the sealed one if there is).

    What is no regular file, such as a link or a pipe, is a problem and no part.
    """
    metrics = ExperimentLayout(place.folder).path("metrics")
    found: dict[PartName, str] = {}
    try:
        if os.path.islink(metrics):
            raise OSError(errno.ELOOP, "it is a symbolic link, and links are not followed", metrics)
        with os.scandir(metrics) as entries:
            files = sorted((e.name, e.is_file(follow_symlinks=False)) for e in entries)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        problems.append(_unread(metrics, error))
        return {}
    for name, is_file in files:  # .jsonl before .parquet
        stem, suffix = os.path.splitext(name)
        path = os.path.join(metrics, name)
        if suffix in (".jsonl", ".parquet") and not is_file:
            problems.append(
                CorruptData(f"{path} is not a regular file and was skipped.", path=path)
            )
        elif suffix in (".jsonl", ".parquet"):
            part = split_part(stem)
            if place.share is None or place.share.has(part[0]):
                found[part] = path
    return dict(sorted(found.items()))


def _unread(path: str, error: OSError) -> CorruptData:
    return CorruptData(f"{path} cannot be read and was skipped: {error.strerror}.", path=path)


def _merged(blocks: list[Block]) -> Block:
    """The blocks as one; they are let go of, so that the points are not held twice."""
    whole = merge_blocks(blocks)
    blocks.clear()
    return whole


def _decode(path: str, start: int, line: int, most: int = -1) -> _Decoded | None:
    """The whole lines of a file from a byte on; None when there are none.

    Args:
        most: Bytes to read, unless a line is longer; all if it is negative.
    """
    if os.path.getsize(path) - start > _MOST_BYTES:
        raise OSError(errno.EFBIG, "it is far too large for a part", path)
    data = _read(path, start, most)
    end = data.rfind(b"\n") + 1
    if not end and most >= 0:
        return _decode(path, start, line)
    data = data[:end]
    if not data:
        return None
    block, broken = decode_block(data, line)
    return _Decoded(
        block, [(b.line, b.reason) for b in broken], start + len(data), data.count(b"\n")
    )


def _read(path: str, start: int, size: int = -1) -> bytes:
    with open(path, "rb") as file:
        file.seek(start)
        return file.read(size)


def _blake3(path: str, length: int) -> str:
    """The hash of the first `length` bytes of a file."""
    import blake3

    hasher = blake3.blake3()
    with open(path, "rb") as file:
        while length and (data := file.read(min(length, 1 << 20))):
            hasher.update(data)
            length -= len(data)
    return hasher.hexdigest()


def _mark(path: str, end: int) -> str:
    begin = max(0, end - 256)
    return hashlib.blake2b(_read(path, begin, end - begin), digest_size=8).hexdigest()


def _fits(item: _Derived, path: str) -> bool:
    """Whether a derived file was made from the segment that is there now."""
    try:
        if os.path.getsize(path) < item.end:
            return False
        with PartFile(item.path) as file:
            return file.info.mark == _mark(path, item.end)
    except (CorruptData, UnknownFormat, FileNotFoundError):
        return False


def _bytes_in(folder: str) -> int:
    try:
        with os.scandir(folder) as entries:
            return sum(e.stat(follow_symlinks=False).st_blocks * 512 for e in entries)
    except (FileNotFoundError, NotADirectoryError):
        return 0


def _sync_folder(folder: str) -> None:
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
