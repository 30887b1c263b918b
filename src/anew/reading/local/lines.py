"""Messages and console output out of an experiment's files, from either end, in bounded memory.

A cursor is a position in each writer's file. Files are read in blocks from where the cursor stands, so the last
lines of a long log cost no more than those of a short one.
"""

from __future__ import annotations

import base64
import errno
import heapq
import itertools
import json
import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

import msgspec
import numpy as np

from ...errors import InvalidValue, QueryError
from ...journal.layout import is_text
from ...journal.storage import Storage
from ...query.lines import LEVELS, Lines, LinesQuestion
from ...query.regex import check_pattern, matcher
from ...record.events import LogLine

__all__ = ["read_lines"]

_BLOCK = 64 << 10
_LONGEST = 4 << 20  # bytes of one line that are kept; the rest of a longer one is passed over
_SCANNED = 48 << 20  # bytes that one answer looks at, about; what is left is for the next
_GIVEN = 16 << 20  # bytes of text in one answer, about
_NO_FILE = frozenset({errno.ENOENT, errno.ELOOP, errno.EINVAL, errno.ENXIO, errno.EACCES})
_CONTEXT = 1000  # lines around one that meets the conditions, at most

_positions = msgspec.msgpack.Decoder(dict[str, int])
_message = msgspec.json.Decoder(LogLine)
_CONSOLE_LEVEL = "console"


class _Piece(NamedTuple):
    """One line without its newline, and the bytes of the file that it takes with it."""

    start: int
    end: int
    data: bytes


class _Found(NamedTuple):
    """One line as it is answered, of the file with that number."""

    file: int
    piece: _Piece
    line: LogLine


class _Given(NamedTuple):
    """One line of an answer.

    `matched` is False for a line that is only there for its neighbour; `before` are the positions at which it was read.
    """

    found: _Found
    matched: bool
    before: dict[str, int]


class _File:
    """One writer's file, as long as it was when it was listed."""

    def __init__(self, storage: Storage, path: str, writer: str, size: int) -> None:
        self._storage = storage
        self._path = path
        self.writer = writer
        self.size = size
        self.scanned = 0

    def bytes(self, start: int, stop: int) -> bytes:
        """The bytes of a range; fewer where the file has become shorter, none where something else has taken its place."""
        self.scanned += stop - start
        try:
            return self._storage.read(self._path, start, stop - start)
        except OSError as error:
            if error.errno in _NO_FILE:
                self.size = 0
                return b""
            raise

    def whole(self) -> int:
        """The end of the last line that is complete."""
        at = self.size
        while at > 0:
            begin = max(0, at - _BLOCK)
            newline = self.bytes(begin, at).rfind(b"\n")
            if newline >= 0:
                return begin + newline + 1
            at = begin
        return 0

    def aligned(self, position: int) -> int:
        """Where the first line begins at a position or after it; 0 where the file is not that long."""
        if not 0 < position <= self.size:
            return 0
        if self.bytes(position - 1, position) == b"\n":
            return position
        return next((piece.end for piece in self.forward(position)), self.whole())

    def forward(self, start: int) -> Iterator[_Piece]:
        """The complete lines from the position `start` on."""
        at = begin = start
        kept = b""
        while at < self.size:
            data = self.bytes(at, min(at + _BLOCK, self.size))
            if not data:
                return
            cut = 0
            while (newline := data.find(b"\n", cut)) >= 0:
                line = kept if len(kept) >= _LONGEST else kept + data[cut:newline]
                yield _Piece(begin, at + newline + 1, line)
                kept, cut, begin = b"", newline + 1, at + newline + 1
            if len(kept) < _LONGEST:
                kept += data[cut:]
            at += len(data)

    def backward(self, stop: int) -> Iterator[_Piece]:
        """The lines before the position `stop`, which is the end of one; the last of them first."""
        at = end = stop
        kept: deque[bytes] = (
            deque()
        )  # of the line that `end` ends, as far as its beginning is wanted
        size = 0
        while at > 0:
            begin = max(0, at - _BLOCK)
            data = self.bytes(begin, at)
            if len(data) < at - begin:
                return
            cut = len(data) - (at == stop)  # the newline of the last line ends no other
            while (newline := data.rfind(b"\n", 0, cut)) >= 0:
                line = b"".join((data[newline + 1 : cut], *kept))[:_LONGEST]
                yield _Piece(begin + newline + 1, end, line)
                kept.clear()
                size, cut, end = 0, newline, begin + newline + 1
            kept.appendleft(data[:cut])
            size += cut
            while size - len(kept[-1]) >= _LONGEST:
                size -= len(kept.pop())
            at = begin
        if end > 0:
            yield _Piece(0, end, b"".join(kept)[:_LONGEST])

    def since(self, time: float) -> int:
        """Where the first message of a time or later begins, in a file whose times rise."""
        low, high = 0, self.whole()
        while high - low > 2 * _BLOCK:
            middle = self.aligned((low + high) // 2)
            at = next(
                ((p, m) for p in self.forward(middle) if (m := _decoded(p.data)) is not None), None
            )
            if at is None or at[0].start >= high or at[1].t >= time:
                high = (low + high) // 2
            else:
                low = at[0].end
        for piece in self.forward(low):
            message = _decoded(piece.data)
            if message is not None and message.t >= time:
                return piece.start
        return self.whole()


def read_lines(storage: Storage, question: LinesQuestion) -> Lines:
    """The answer to a question about the experiment with these files.

    Raises:
        InvalidValue: The cursor is not from an answer.
        QueryError: The pattern is no regular expression.
    """
    console = question.stream == "console"
    files = _files(storage, console, question.writers)
    wanted = _wanted(question)
    begin = _begin(files, question)
    unfinished = None
    if console and question.unfinished and (question.cursor is None or not question.backward):
        unfinished = _unfinished(files)
        if unfinished is not None and not wanted(unfinished.line):
            unfinished = None
    room = question.limit - (question.backward and unfinished is not None)
    found = _merged(files, begin, question.backward, console)
    given, positions, more = _taken(files, found, wanted, dict(begin), room, question)
    if question.backward:
        given.reverse()
    if unfinished is not None and question.limit > 0 and (question.backward or not more):
        given.append(_Given(unfinished, True, begin if question.backward else positions))
    else:
        unfinished = None
    before, after = (positions, begin) if question.backward else (begin, positions)
    lines = [one.found for one in given]
    return Lines(
        np.array([one.line.t for one in lines], np.float64),
        tuple(one.line.level for one in lines),
        tuple(one.line.message for one in lines),
        tuple(
            json.dumps(one.line.fields, ensure_ascii=False) if one.line.fields else None
            for one in lines
        ),
        tuple(files[one.file].writer for one in lines),
        _cursor(before),
        _cursor(after),
        tuple(file.writer for file in files if file.size),
        more,
        unfinished is not None,
        tuple(one.matched for one in given) if question.context > 0 else (),
        tuple(
            _cursor({**one.before, files[one.found.file].writer: one.found.piece.start})
            for one in given
        )
        if question.places
        else (),
    )


def _files(storage: Storage, console: bool, writers: Sequence[str]) -> list[_File]:
    """The files of the writers that are asked for, those of the oldest first."""
    before, after = ("train-", ".log") if console else ("logs-", ".jsonl")
    found = []
    for blob in storage.list("logs"):
        if blob.name.startswith(before) and blob.name.endswith(after) and is_text(blob.name):
            writer = blob.name[len(before) : -len(after)]
            if not writers or writer in writers:
                found.append(_File(storage, f"logs/{blob.name}", writer, blob.size))
    return sorted(found, key=lambda file: file.writer)


def _taken(
    files: list[_File],
    found: Iterable[_Found],
    wanted: Callable[[LogLine], bool],
    positions: dict[str, int],
    room: int,
    question: LinesQuestion,
) -> tuple[list[_Given], dict[str, int], bool]:
    """As many of the lines as are wanted, how far the files were read for them, and whether more may follow."""
    lines: list[_Given] = []
    if room <= 0:
        return lines, positions, any(file.size for file in files)
    around = max(0, min(question.context, _CONTEXT))
    recent: deque[_Given] = deque(maxlen=around)  # lines that the next match would bring with it
    following = matches = given = 0
    before = sum(file.scanned for file in files)
    for number, one in enumerate(found, 1):
        piece = one.piece
        meets = wanted(one.line)
        if meets and matches >= room:  # while lines after the last match are given
            return lines, positions, True
        entry = _Given(one, meets, dict(positions) if around or question.places else {})
        positions[files[one.file].writer] = piece.start if question.backward else piece.end
        if meets:
            lines += (*recent, entry)
            given += sum(len(other.found.piece.data) for other in recent) + len(piece.data)
            recent.clear()
            matches, following = matches + 1, around
        elif following:
            lines.append(entry)
            given += len(piece.data)
            following -= 1
        elif around:
            recent.append(entry)
        full = (matches >= room and not following) or given >= _GIVEN
        if not full and not number % 256:
            full = sum(file.scanned for file in files) - before >= _SCANNED
        if full:
            return lines, _resumed(recent, positions), True
    return lines, _resumed(recent, positions), False


def _resumed(recent: deque[_Given], positions: dict[str, int]) -> dict[str, int]:
    """Where the next answer begins: with the lines that a match in it would bring along, unless reading them again takes long."""
    again = sum(len(one.found.piece.data) for one in recent)
    return recent[0].before if recent and again < _SCANNED // 4 else positions


def _merged(
    files: list[_File], begin: dict[str, int], backward: bool, console: bool
) -> Iterator[_Found]:
    """The lines of all files in order, from where each begins."""
    numbered = list(enumerate(files))
    each = [
        _each(number, file, begin[file.writer], backward, console)
        for number, file in (reversed(numbered) if backward and console else numbered)
    ]
    if console or len(each) == 1:
        return itertools.chain.from_iterable(each)
    # A clock that was set back must not reorder what one writer wrote: merging keeps each writer's order.
    return heapq.merge(*each, key=lambda one: one.line.t, reverse=backward)


def _each(
    number: int, file: _File, position: int, backward: bool, console: bool
) -> Iterator[_Found]:
    """The lines of one file; what is no message is passed over."""
    for piece in file.backward(position) if backward else file.forward(position):
        line = _printed(piece.data) if console else _decoded(piece.data)
        if line is not None:
            yield _Found(number, piece, line)


def _decoded(data: bytes) -> LogLine | None:
    try:
        return _message.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _printed(data: bytes) -> LogLine:
    return LogLine(math.nan, _CONSOLE_LEVEL, data.decode("utf-8", "replace"))


def _unfinished(files: list[_File]) -> _Found | None:
    """The last line of the last file that has any, where it has no end yet."""
    for number, file in reversed(list(enumerate(files))):
        if file.size:
            end = file.whole()
            data = file.bytes(end, min(file.size, end + _LONGEST))
            return _Found(number, _Piece(end, end, data), _printed(data)) if data else None
    return None


def _begin(files: list[_File], question: LinesQuestion) -> dict[str, int]:
    """Where each writer's file is to be read from."""
    if question.cursor is not None:
        given = _parsed(question.cursor)
        return {file.writer: file.aligned(given.get(file.writer, 0)) for file in files}
    if question.time is not None and question.stream == "messages":
        return {file.writer: file.since(question.time) for file in files}
    if question.backward:
        return {file.writer: file.whole() for file in files}
    return {file.writer: 0 for file in files}


def _cursor(positions: dict[str, int]) -> str:
    return base64.urlsafe_b64encode(msgspec.msgpack.encode(positions)).decode()


def _parsed(cursor: str) -> dict[str, int]:
    try:
        return _positions.decode(base64.urlsafe_b64decode(cursor.encode()))
    except (ValueError, msgspec.DecodeError):
        raise InvalidValue(
            "This cursor did not come from an earlier answer. Ask without a cursor first.",
            key="cursor",
        ) from None


def _wanted(question: LinesQuestion) -> Callable[[LogLine], bool]:
    """Whether a line is among those asked for."""
    level = question.level
    least = None if level is None else LEVELS.get(level.lower())
    needle = None if question.contains is None else question.contains.lower()
    search = None if question.pattern is None else _searcher(question.pattern)

    def wanted(line: LogLine) -> bool:
        if level is not None:
            if least is None:  # a level of the user's own
                if line.level.lower() != level.lower():
                    return False
            elif LEVELS.get(line.level.lower(), 20) < least:
                return False
        if needle is not None and needle not in line.message.lower():
            return False
        return search is None or search(line.message)

    return wanted


def _searcher(pattern: str) -> Callable[[str], bool]:
    problem = check_pattern(pattern)
    if problem is not None:
        reason, position = problem
        raise QueryError(f"The pattern cannot be used: {reason}.", text=pattern, position=position)
    return matcher(pattern)
