"""The packs of a root: copies of the points of many small experiments, for questions over many of them.

Opening a file for each of a thousand experiments takes seconds; a pack has one metric of all of them in
one place. Whoever asks makes them: what a question had to read from the experiments' own files is written
as a pack for the next one. Packs of a size are merged once there are several, so there are few. They are
derived: a pack that is missing, damaged or out of date is passed over, and the experiments' own files are
read.

`<hash of the project>/<number>.parquet` among the blobs of `.anew/packs`; where two packs have an experiment, the
one with the higher number counts. A new pack gets its name when it is whole, and only then those it replaces go.
`dropped/<id>` notes an experiment that is no more.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ...blobs.protocol import Blobs
from ...errors import CorruptData, UnknownFormat
from ...journal.lock import locked
from ...record.names import natural
from .columns import Ints, Points
from .pack_file import Packed, PackFile, Piece, write_pack
from .stamps import PointsState

__all__ = ["TOLERATED", "Found", "Packs"]

MAX_POINTS = 2_000_000
"""Of a pack: it is rewritten as a whole."""
MERGED = 8
"""How many packs of about one size become one."""
_SMALLEST = 16_384
_DROPPED = "dropped"
TOLERATED = frozenset({errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOSPC, errno.EDQUOT})
"""What is derived is only a saving for later: that it cannot be kept is not this reader's trouble."""
_LOOKS = 3
"""How often packs are listed for a question while others are merging them."""
_UNREADABLE = (CorruptData, UnknownFormat, FileNotFoundError)


Opened = Callable[[str], AbstractContextManager[PackFile]]


class Found(NamedTuple):
    """Series read from one pack: whose (as numbered in the question), which metric, how many points."""

    experiment: npt.NDArray[np.int32]
    metric: npt.NDArray[np.int32]
    counts: Ints
    points: Points


class Packs:
    """Keeps packs among blobs.

    Any number of processes may read; who writes holds a lock, and who does not get it does without.

    Args:
        blobs: Where they are kept.
        lock: The file that those who write on this machine lock. Those on other machines that write beside them do no
            harm: a number is given once, and of two packs with one experiment the newer one counts.
        opened: Opens a pack; without it, by its path on this machine (`Blobs.local`).
    """

    def __init__(self, blobs: Blobs, lock: str, opened: Opened | None = None) -> None:
        self._blobs = blobs
        self._lock = lock
        self._opened = opened

    def find(
        self,
        project: str,
        wanted: Sequence[tuple[str, PointsState]],
        names: Sequence[str],
        *,
        times: bool,
    ) -> tuple[list[Found], set[int]]:
        """The series of experiments of a project that packs have.

        Args:
            wanted: Id of each experiment, and what its points look like now.

        Returns:
            What was found, and the numbers of the experiments that packs answer for, which may be in `found`
            with some of the metrics or with none.
        """
        by_id: dict[str, list[int]] = {}
        for number, (experiment_id, _) in enumerate(wanted):
            by_id.setdefault(experiment_id, []).append(number)
        found: list[Found] = []
        answered: set[int] = set()
        looked: set[str] = set()
        for _ in range(_LOOKS):
            gone = False
            for key in reversed(self._packs_of(_folder_of(project))):
                if not by_id:
                    break
                if key in looked:
                    continue
                looked.add(key)
                try:
                    with self._open(key) as pack:
                        mine = _valid(pack, by_id, wanted)
                        if mine:
                            found += list(_read(pack, mine, names, times))  # all of it or nothing
                except FileNotFoundError:
                    gone = True  # another process has merged it: what took its place is looked for
                    continue
                except (*_UNREADABLE, OSError):
                    continue
                for numbers in mine.values():
                    answered.update(numbers)
                    del by_id[wanted[numbers[0]][0]]
            if not gone or not by_id:
                break
        return found, answered

    def add(self, project: str, experiments: Sequence[tuple[Packed, Sequence[Piece]]]) -> None:
        """Write experiments as a pack, and merge packs where there are many; unless somebody else is at it."""
        folder = _folder_of(project)
        with self._tolerant(), locked(self._lock, 0) as mine:
            if mine:
                packed = [one for one, _ in experiments]
                self._write(folder, packed, [p for _, pieces in experiments for p in pieces])
                self._tidy(folder, self._dropped())

    def drop(self, experiment_id: str) -> None:
        """Note that an experiment is no more; `tidy` takes its points out of the packs."""
        with self._tolerant():
            if not self._blobs.is_empty():
                self._blobs.create(f"{_DROPPED}/{experiment_id}", b"")

    def tidy(self) -> int:
        """Rewrite the packs that hold points of dropped experiments; the bytes given back."""
        before = sum(self._sizes().values())
        with self._tolerant(), locked(self._lock, 10) as mine:
            if mine:
                dropped = self._dropped()
                for folder in sorted({key.partition("/")[0] for key in self._sizes()}):
                    self._tidy(folder, dropped)
                for experiment_id in dropped:
                    self._blobs.delete(f"{_DROPPED}/{experiment_id}")
        return before - sum(self._sizes().values())

    def shares(self) -> dict[str, int]:
        """Per experiment in the packs that was not dropped, about how many of their bytes it takes."""
        dropped = self._dropped()
        shares: dict[str, int] = {}
        for key, size in self._sizes().items():
            try:
                with self._open(key) as pack:
                    info, owners = pack.contents.info, pack.contents.experiment
                    points = np.bincount(owners, pack.counts, len(info.experiments))
            except _UNREADABLE:
                continue
            for one, share in zip(info.experiments, points / max(points.sum(), 1), strict=True):
                if one.experiment_id not in dropped:
                    shares[one.experiment_id] = shares.get(one.experiment_id, 0) + int(share * size)
        return shares

    # -- blobs ------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _open(self, key: str) -> Iterator[PackFile]:
        if self._opened is not None:
            with self._opened(key) as pack:
                yield pack
            return
        with self._blobs.local(key) as path, PackFile(path) as pack:
            yield pack

    def _packs_of(self, folder: str) -> list[str]:
        """The keys of the packs of a project, oldest first; none where they cannot be listed."""
        try:
            return sorted((key for key in self._blobs.keys(folder) if _number(key)), key=_number)
        except OSError:
            return []

    def _sizes(self) -> dict[str, int]:
        return {blob.key: blob.size for blob in self._blobs.list() if _number(blob.key)}

    def _dropped(self) -> set[str]:
        return {key.rpartition("/")[2] for key in self._blobs.keys(_DROPPED)}

    @contextlib.contextmanager
    def _tolerant(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            # A bucket that does not answer has no number for that; it is asked again with the next question.
            if error.errno is not None and error.errno not in TOLERATED:
                raise

    # -- under the lock ---------------------------------------------------------------------------

    def _write(self, folder: str, experiments: Sequence[Packed], pieces: Sequence[Piece]) -> None:
        """Write a pack, as the newest of a project."""
        last = self._packs_of(folder)
        number = _number(last[-1]) + 1 if last else 1
        finished = os.path.join(self._blobs.scratch(), f"{os.urandom(8).hex()}.parquet")
        try:
            write_pack(finished, experiments, pieces)
            while os.path.exists(finished):
                with contextlib.suppress(FileExistsError):  # by another machine, a moment ago
                    self._blobs.upload(f"{folder}/{number:08}.parquet", finished)
                number += 1
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.remove(finished)

    def _tidy(self, folder: str, dropped: set[str]) -> None:
        """Remove packs that answer for nothing, and merge or rewrite those that are worth it."""
        self._clear_scratch()
        alive = self._alive(folder, dropped)
        for key, (left, _, _) in alive.items():
            if not left:
                self._blobs.delete(key)
        kept = {key: state for key, state in alive.items() if state[0]}
        for keys in _to_merge(kept):
            self._merge(folder, {key: kept[key][0] for key in keys})

    def _clear_scratch(self) -> None:
        """Remove what writers left behind that were killed: whoever holds the lock is the only one."""
        scratch = self._blobs.scratch()
        for name in os.listdir(scratch):
            if name.endswith((".parquet", ".parquet.tmp")):
                os.remove(os.path.join(scratch, name))

    def _alive(self, folder: str, dropped: set[str]) -> dict[str, _State]:
        """Per pack the experiments it answers for, their points, and whether it holds many that it does not."""
        seen = set(dropped)
        alive: dict[str, _State] = {}
        for key in reversed(self._packs_of(folder)):
            try:
                with self._open(key) as pack:
                    experiments = pack.contents.info.experiments
                    points = np.bincount(pack.contents.experiment, pack.counts, len(experiments))
            except _UNREADABLE:
                alive[key] = ([], 0, False)
                continue
            left = [n for n, one in enumerate(experiments) if one.experiment_id not in seen]
            seen.update(one.experiment_id for one in experiments)
            lost = any(one.experiment_id in dropped for one in experiments)
            wasteful = points[left].sum() < points.sum() / 2
            alive[key] = (left, int(points[left].sum()), bool(lost or wasteful))
        return alive

    def _merge(self, folder: str, packs: dict[str, list[int]]) -> None:
        """Write what packs answer for (numbers of their experiments) as one, and remove them."""
        experiments: list[Packed] = []
        pieces: list[Piece] = []
        for key, left in packs.items():
            try:
                with self._open(key) as pack:
                    contents, counts = pack.contents, pack.counts
                    series = np.flatnonzero(np.isin(contents.experiment, left))
                    points = pack.read(series)
            except _UNREADABLE:
                continue
            info = contents.info
            experiments += [info.experiments[number] for number in left]
            ends = np.concatenate([[0], np.cumsum(counts[series])]).tolist()
            for one, a, b in zip(series.tolist(), ends, ends[1:], strict=False):
                name = info.names[contents.name[one]]
                owner = info.experiments[contents.experiment[one]].experiment_id
                pieces.append(Piece(name, owner, points.select(slice(a, b))))
        self._write(folder, experiments, pieces)
        for key in packs:
            self._blobs.delete(key)


def _folder_of(project: str) -> str:
    return hashlib.blake2b(project.encode("utf-8", "surrogateescape"), digest_size=8).hexdigest()


def _number(key: str) -> int:
    """The number of a pack; 0 for the key of something else."""
    stem, suffix = os.path.splitext(key.rpartition("/")[2])
    return (natural(stem) or 0) if suffix == ".parquet" else 0


def _valid(
    pack: PackFile, by_id: dict[str, list[int]], wanted: Sequence[tuple[str, PointsState]]
) -> dict[int, list[int]]:
    """The experiments of a pack that were asked for and have not changed since: their numbers in the question."""
    return {
        place: by_id[one.experiment_id]
        for place, one in enumerate(pack.contents.info.experiments)
        if one.experiment_id in by_id and wanted[by_id[one.experiment_id][0]][1].fits(one.stamp)
    }


def _read(
    pack: PackFile, mine: dict[int, list[int]], names: Sequence[str], times: bool
) -> Iterator[Found]:
    contents = pack.contents
    metric_of = np.full(len(contents.info.names), -1, np.int32)
    numbers = {name: number for number, name in enumerate(names)}
    for place, name in enumerate(contents.info.names):
        metric_of[place] = numbers.get(name, -1)
    rounds = max(len(asked) for asked in mine.values())
    for turn in range(rounds):  # more than one where an experiment was asked for more than once
        asked_as = np.full(len(contents.info.experiments), -1, np.int32)
        for place, asked in mine.items():
            if turn < len(asked):
                asked_as[place] = asked[turn]
        metric, experiment = metric_of[contents.name], asked_as[contents.experiment]
        series = np.flatnonzero((metric >= 0) & (experiment >= 0))
        if len(series):
            points = pack.read(series, times=times)
            yield Found(experiment[series], metric[series], pack.counts[series], points)


_State = tuple[list[int], int, bool]


def _to_merge(packs: dict[str, _State]) -> Iterable[list[str]]:
    """Which packs become one: those of a size once there are enough, and each that holds much it should not."""
    by_size: dict[int, list[str]] = {}
    for key, (_, points, _) in packs.items():
        if points < MAX_POINTS / 2:
            by_size.setdefault((points // _SMALLEST).bit_length() // 3, []).append(key)
    merged: set[str] = set()
    for keys in by_size.values():
        chosen: list[str] = []
        for key in keys:
            if sum(packs[p][1] for p in chosen) + packs[key][1] <= MAX_POINTS:
                chosen.append(key)
        if len(keys) >= MERGED and len(chosen) > 1:
            merged.update(chosen)
            yield chosen
    for key, (_, _, rewrite) in packs.items():
        if rewrite and key not in merged:
            yield [key]
