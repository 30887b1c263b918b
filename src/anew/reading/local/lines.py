"""Messages and console output out of an experiment's files, from either end, in bounded memory.

A cursor is a position in each writer's file. Files are read in blocks from where the cursor stands, so the last
lines of a long log cost no more than those of a short one.
"""

from __future__ import annotations

import base64
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
from . import line_file
from .line_file import LONGEST, LineFile, Piece
from .line_search import Passed, Search, SparseLines, search_of

__all__ = ["read_lines"]

_SCANNED = 48 << 20  # bytes that one answer looks at, about; what is left is for the next
_GIVEN = 16 << 20  # bytes of text in one answer, about
_CONTEXT = 1000  # lines around one that meets the conditions, at most

_positions = msgspec.msgpack.Decoder(dict[str, int])
_message = msgspec.json.Decoder(LogLine)
_CONSOLE_LEVEL = "console"


class _Found(NamedTuple):
    """One line as it is answered, of the file with that number."""

    file: int
    piece: Piece
    line: LogLine


class _Passed(NamedTuple):
    """Nothing that could meet the conditions was left in the file with that number; whoever stops goes on from here."""

    file: int
    at: int


class _Given(NamedTuple):
    """One line of an answer.

    `matched` is False for a line that is only there for its neighbour; `before` are the positions at which it was read.
    """

    found: _Found
    matched: bool
    before: dict[str, int]


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
    found = _merged(files, begin, question)
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
        sum(file.size for file in files),
        _left(files, positions, question.backward) if more else 0,
    )


def _files(storage: Storage, console: bool, writers: Sequence[str]) -> list[LineFile]:
    """The files of the writers that are asked for, those of the oldest first."""
    before, after = ("train-", ".log") if console else ("logs-", ".jsonl")
    found = []
    for blob in storage.list("logs"):
        if blob.name.startswith(before) and blob.name.endswith(after) and is_text(blob.name):
            writer = blob.name[len(before) : -len(after)]
            if not writers or writer in writers:
                found.append(LineFile(storage, f"logs/{blob.name}", writer, blob.size))
    return sorted(found, key=lambda file: file.writer)


def _left(files: list[LineFile], positions: dict[str, int], backward: bool) -> int:
    """How many bytes are still to be looked at."""
    ends = [
        positions[file.writer] if backward else file.size - positions[file.writer] for file in files
    ]
    return sum(ends)


def _taken(
    files: list[LineFile],
    found: Iterable[_Found | _Passed],
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
    before, begin = sum(file.scanned for file in files), dict(positions)
    passed: _Passed | None = None
    for number, one in enumerate(found, 1):
        if isinstance(one, _Passed):
            passed = one
            positions[files[one.file].writer] = one.at
            if sum(file.scanned for file in files) - before >= _SCANNED:
                resumed = _resumed(recent, positions, passed)
                if resumed != begin:  # else the next answer would be the same
                    return lines, resumed, True
            continue
        piece, passed = one.piece, None
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
            return lines, _resumed(recent, positions, passed), True
    return lines, _resumed(recent, positions, passed), False


def _resumed(
    recent: deque[_Given], positions: dict[str, int], passed: _Passed | None
) -> dict[str, int]:
    """Where the next answer begins: with the lines that a match in it would bring along, unless reading them again takes long."""
    if passed is not None and recent:
        last = recent[-1].found
        if last.file != passed.file or passed.at not in (last.piece.start, last.piece.end):
            return positions  # lines were passed over since
    again = sum(len(one.found.piece.data) for one in recent)
    return recent[0].before if recent and again < _SCANNED // 4 else positions


def _merged(
    files: list[LineFile], begin: dict[str, int], question: LinesQuestion
) -> Iterator[_Found | _Passed]:
    """The lines of all files in order, from where each begins; of those files that stand alone, only what may be wanted."""
    console, backward = question.stream == "console", question.backward
    numbered = list(enumerate(files))
    if console and backward:
        numbered.reverse()
    if console or len(files) == 1:
        search = search_of(question, console=console)
        alone: list[Iterator[_Found | _Passed]] = []
        for number, file in numbered:
            if search is None:
                alone.append(_each(number, file, begin[file.writer], backward, console))
            else:
                alone.append(_sparse(number, file, begin[file.writer], search, question))
        return itertools.chain.from_iterable(alone)
    # A clock that was set back must not reorder what one writer wrote: merging keeps each writer's order.
    each = [_each(number, file, begin[file.writer], backward, console) for number, file in numbered]
    return heapq.merge(*each, key=lambda one: one.line.t, reverse=backward)


def _sparse(
    number: int, file: LineFile, position: int, search: Search, question: LinesQuestion
) -> Iterator[_Found | _Passed]:
    """The lines of one file that may be wanted, with those around them."""
    decoded = _printed if question.stream == "console" else _decoded
    around = max(0, min(question.context, _CONTEXT))
    lines = SparseLines(
        file, position, search, decoded, backward=question.backward, around=around
    )  # fmt: skip
    for one in lines:
        yield (
            _Passed(number, one.at)
            if isinstance(one, Passed)
            else _Found(number, one.piece, one.line)
        )


def _since(file: LineFile, time: float) -> int:
    """Where the first message of a time or later begins, in a file whose times rise."""
    low, high = 0, file.whole()
    while high - low > 2 * line_file.BLOCK:
        middle = file.aligned((low + high) // 2)
        at = next(
            ((p, m) for p in file.forward(middle) if (m := _decoded(p.data)) is not None), None
        )
        if at is None or at[0].start >= high or at[1].t >= time:
            high = (low + high) // 2
        else:
            low = at[0].end
    for piece in file.forward(low):
        message = _decoded(piece.data)
        if message is not None and message.t >= time:
            return piece.start
    return file.whole()


def _each(
    number: int, file: LineFile, position: int, backward: bool, console: bool
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


def _unfinished(files: list[LineFile]) -> _Found | None:
    """The last line of the last file that has any, where it has no end yet."""
    for number, file in reversed(list(enumerate(files))):
        if file.size:
            end = file.whole()
            data = file.bytes(end, min(file.size, end + LONGEST))
            return _Found(number, Piece(end, end, data), _printed(data)) if data else None
    return None


def _begin(files: list[LineFile], question: LinesQuestion) -> dict[str, int]:
    """Where each writer's file is to be read from."""
    if question.cursor is not None:
        given = _parsed(question.cursor)
        return {file.writer: file.aligned(given.get(file.writer, 0)) for file in files}
    if question.time is not None and question.stream == "messages":
        return {file.writer: _since(file, question.time) for file in files}
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
