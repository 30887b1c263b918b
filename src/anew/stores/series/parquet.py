"""One Parquet file for the points of one part of a segment. `docs/internals/index.md` specifies it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from types import TracebackType
from typing import Any, NamedTuple

import msgspec
import numpy as np

from ...errors import CorruptData, UnknownFormat
from .columns import Block, Ints, Outline, Points, Stretch, grouped
from .layout import Laid, Layout, laid_out
from .outlines import pack_outline, unpack_outline
from .sorted_file import Fill, SortedFile, corrupt, read_together, write_sorted

__all__ = ["PartFile", "PartInfo", "stretches_together", "write_part"]

VERSION = 1
_COMPARED = 250_000
"""Points that are read back at once after a file was written, unless a single series has more."""
MAX_TOGETHER = 100_000
"""Points of a file from which on a question of its own costs little beside reading them."""


class PartInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What a part's file says of itself, as JSON under the key "anew" of its metadata.

    `first_line` and `lines` tell which lines of the segment it stands for, `start` and `end` their bytes;
    `names` are its series and `layout` where they lie; `mark` is the hash of the bytes before `end`, which
    tells whether a segment still is the one this was made from; `broken` are lines passed over, with the
    reason; `tail` is an unfinished last line (base64), which a sealed segment would otherwise lose.
    `length` and `blake3` are those of the whole text that a sealed file replaced. `last_step` is the largest step in it,
    for programs that continue and read no Parquet. `outlines` are those of long series, by their number.
    """

    version: int = VERSION
    experiment_id: str
    writer: str
    part: int
    first_line: int
    lines: int
    start: int
    end: int
    names: list[str] = []
    layout: Layout = Layout()
    outlines: dict[int, str] = {}
    mark: str = ""
    broken: list[tuple[int, str]] = []
    tail: str | None = None
    length: int | None = None
    blake3: str | None = None
    last_step: int | None = None


def write_part(path: str, block: Block, info: PartInfo) -> int:
    """Write a file of points, whole or not at all, and read it back before it gets its name.

    Returns:
        Its size in bytes.

    Raises:
        CorruptData: What was read back is not what was written.
        OSError: It cannot be written.
    """
    block, starts = grouped(block)
    names = list(block.names)
    steps = block.step if block.given is None else block.step[block.given]
    last_step = int(steps.max()) if len(steps) else None

    points = Points(block.step, block.given, block.time, block.value, block.row, block.metadata)
    each = (points.select(slice(a, b)) for a, b in pairwise(starts.tolist()))
    outlines = {number: text for number, one in enumerate(each) if (text := pack_outline(one))}
    info = msgspec.structs.replace(info, names=names, outlines=outlines, last_step=last_step)

    def describe(layout: Layout) -> str:
        return msgspec.json.encode(msgspec.structs.replace(info, layout=layout)).decode()

    temporary = f"{path}.{os.urandom(4).hex()}.tmp"
    try:
        write_sorted(temporary, {"name": names}, np.diff(starts), points, describe)
        with PartFile(temporary) as written:
            _verify(block, starts, written, path)
        os.replace(temporary, path)
    finally:
        if os.path.exists(temporary):
            os.remove(temporary)
    return os.path.getsize(path)


def _verify(block: Block, starts: Ints, written: PartFile, path: str) -> None:
    """Compare a file with what it was written from, some series at a time: all of it would be there twice otherwise."""
    same = written.info.names == list(block.names)
    same = same and np.array_equal(written.file.counts, np.diff(starts))
    first = 0
    while same and first < len(block.names):
        until = int(np.searchsorted(starts, starts[first] + _COMPARED, "right")) - 1
        last = max(first + 1, until)
        at = int(starts[first])
        for back in written.pieces(first, last):
            of = slice(at, at + len(back.value))
            same = same and (
                back.row is not None
                and np.array_equal(back.row, block.row[of])
                and np.array_equal(back.value.view(np.int64), block.value[of].view(np.int64))
                and np.array_equal(back.time, block.time[of])
                and np.array_equal(back.step, block.step[of])
                and _same_optional(back.given, block.given, of)
                and _same_optional(back.metadata, block.metadata, of)
            )
            at = of.stop
        same = same and at == starts[last]
        first = last
    if not same:
        raise CorruptData(
            f"{path} could not be read back as it was written. The segment it was made from is "
            "kept.",
            path=path,
        )


def _same_optional(back: Any, column: Any, of: slice) -> bool:
    """Whether a column that not all files have is as it was; in a stretch without gaps, none may come back."""
    if back is None or column is None:
        return back is None and (column is None or _is_plain(column[of]))
    return np.array_equal(back, column[of])


def _is_plain(column: Any) -> bool:
    """Whether a column says nothing here: every step was given, and there is no metadata."""
    return bool(column.all()) if column.dtype == np.bool_ else not any(column != None)  # noqa: E711  (each element)


class _Contents(NamedTuple):
    """The description of a part's file, with what readers look up in it."""

    info: PartInfo
    number_of: dict[str, int]
    laid: Laid


@lru_cache(maxsize=64)
def _contents(description: bytes) -> _Contents:
    """What a description says; the same bytes are decoded once.

    Raises:
        ValueError: It contradicts itself.
    """
    info = msgspec.json.decode(description, type=PartInfo)
    laid = laid_out(info.layout)
    if len(info.names) != len(laid.checks):
        raise ValueError("it does not record where its points are")
    return _Contents(info, {name: number for number, name in enumerate(info.names)}, laid)


class PartFile:
    """An open file of points.

    Args:
        fill: See `SortedFile`.

    Raises:
        CorruptData: It is no Parquet file, or not one of ours; its end may be missing.
        UnknownFormat: It was written by a newer version.
        FileNotFoundError: It is gone.
    """

    def __init__(self, path: str, fill: Fill | None = None) -> None:
        self.path = path
        self.file = SortedFile(path, fill)
        try:
            self.info, self._number_of, self.file.laid = self._described()
        except BaseException:
            self.file.close()
            raise

    def _described(self) -> _Contents:
        found = self.file.description
        if found is None:
            raise corrupt(self.path, "it does not record which points it contains")
        try:
            contents = _contents(found)
        except (ValueError, msgspec.DecodeError) as error:
            raise corrupt(self.path, error) from error
        if contents.info.version > VERSION:
            raise UnknownFormat(
                f"{self.path} has format version {contents.info.version}; this version of Anew reads "
                f"{VERSION}. Upgrade Anew to read it."
            )
        return contents

    def __enter__(self) -> PartFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Release the connection to the engine."""
        self.file.close()

    @property
    def points(self) -> int:
        """How many points it holds."""
        return self.info.layout.offsets[-1]

    def find(self, names: Sequence[str]) -> list[int]:
        """The numbers of those series that it has, ascending."""
        return sorted({self._number_of[name] for name in names if name in self._number_of})

    def read(self, series: Sequence[int], *, metadata: bool = False) -> Block:
        """The points of some series (numbers ascending), in as-written order each.

        Raises:
            CorruptData: The bytes are not what they should be.
        """
        points = self.file.read(series, rows=True, metadata=metadata)
        numbers = np.asarray(series, np.int32)
        return Block(
            names=self.info.names,
            series=np.repeat(numbers, self.file.counts[numbers]),
            step=points.step,
            given=points.given,
            time=points.time,
            value=points.value,
            row=points.step[:0] if points.row is None else points.row,
            metadata=points.metadata,
        )

    def pieces(self, first: int, last: int) -> Sequence[Points]:
        """The points of the series from one number up to before another, with their rows and metadata.

        Those of a single series come as they lie in the file, piece by piece.

        Raises:
            CorruptData: The bytes are not what they should be.
        """
        if last == first + 1 and "metadata" not in self.file.laid.present:
            return self.file.pieces(first, rows=True)
        return [self.file.read(range(first, last), rows=True, metadata=True)]

    def stretches(
        self,
        part: int,
        names: Sequence[str] | None,
        rows: bool,
        metadata: bool,
        *,
        times: bool = True,
    ) -> list[Stretch]:
        """The points of some or all series as views of what was read, series by series.

        Args:
            times: Whether to read the times, which are 0 otherwise.

        Raises:
            CorruptData: The bytes are not what they should be.
        """
        numbers = range(len(self.info.names)) if names is None else self.find(names)
        if len(numbers) == 1 and not metadata:
            name = self.info.names[numbers[0]]
            pieces = self.file.pieces(numbers[0], times=times, rows=rows)
            return [Stretch(name, part, *piece) for piece in pieces if len(piece.value)]
        points = self.file.read(numbers, times=times, rows=rows, metadata=metadata)
        return _stretches(self, part, numbers, points)

    def outlines(
        self,
        part: int,
        names: Sequence[str],
        without: tuple[int, int] | None = None,
        *,
        times: bool = True,
    ) -> list[Outline]:
        """Some series for who thins them out: the outlines of those that have one, the others whole.

        Args:
            without: A first and a last step: what has any of them is given whole too.
            times: Whether to read the times of those that are given whole, which are 0 otherwise.

        Raises:
            CorruptData: The bytes are not what they should be.
        """
        found: list[Outline] = []
        others: list[str] = []
        for number in self.find(names):
            name, text = self.info.names[number], self.info.outlines.get(number, "")
            outline = unpack_outline(text, name, part, int(self.file.counts[number]))
            if outline is None or (without is not None and _has_any(outline, *without)):
                others.append(name)
            else:
                found.append(outline)
        if others:
            whole = self.stretches(part, others, rows=False, metadata=False, times=times)
            found += map(Outline.whole, whole)
        return found


def _has_any(outline: Outline, first: int, last: int) -> bool:
    """Whether a series may have steps in a range; its steps ascend, as those of all that have an outline."""
    step = outline.points.step
    return bool(step[0] <= last and step[-1] >= first)


def stretches_together(
    files: Mapping[int, PartFile], names: Sequence[str], rows: bool
) -> dict[int, list[Stretch]]:
    """The points of some series of several small files, by the number of the file's part.

    Files that have to be read one by one are left out.
    """
    alike: dict[tuple[int, ...], list[int]] = {}
    for part, file in files.items():
        numbers = file.find(names)
        if numbers and file.file.counts[numbers].sum() <= MAX_TOGETHER:
            alike.setdefault(tuple(numbers), []).append(part)
    found: dict[int, list[Stretch]] = {}
    for series, parts in alike.items():
        mine = [files[part] for part in parts]
        read = read_together([one.file for one in mine], series, rows=rows) if mine[1:] else None
        for part, one, points in zip(parts, mine, read or (), strict=False):
            found[part] = _stretches(one, part, series, points)
    return found


def _stretches(file: PartFile, part: int, numbers: Sequence[int], points: Points) -> list[Stretch]:
    """The points of some series of a file as views of them."""
    found: list[Stretch] = []
    at = 0
    for number, count in zip(numbers, file.file.counts[list(numbers)].tolist(), strict=True):
        here = slice(at, at + count)
        at += count
        if count:
            found.append(Stretch(file.info.names[number], part, *points.select(here)))
    return found
