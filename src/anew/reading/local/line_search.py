"""Searching a log of gigabytes: what cannot meet the conditions is passed over as bytes, and never becomes lines.

A pattern over the raw bytes says in which lines a match may be. It may name lines that do not match, and never misses one that
does; what it names is then decoded and held against the conditions like any other line.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import islice, takewhile
from typing import NamedTuple

from ...query.lines import LEVELS, LinesQuestion
from ...query.regex import plain_part
from ...record.events import LogLine
from .line_file import LineFile, Piece

__all__ = ["Passed", "Read", "Search", "SparseLines", "search_of"]

STRETCH = 1 << 20
_DENSE = 400
"""Lines of a stretch that may match, from which on all of its lines are looked at."""
_EFFORT = 8
"""How many times faster a byte is passed over than worked on as a line, at least."""
_ESCAPED = frozenset('"\\/\x7f')
"""Characters beside control characters that JSON may write in other ways than as they are."""
_UNSURE = re.compile(r"\\[AzQC]|\(\?[a-zA-Z]*-")
"""Of a pattern, what means something else in the middle of a text than for a line alone."""

Search = Callable[[bytes], "list[int] | None"]
"""From whole lines to where those begin that may match, ascending; None for any of them."""


class Read(NamedTuple):
    """A line, and the bytes of its file that it takes."""

    piece: Piece
    line: LogLine


class Passed(NamedTuple):
    """No line that can match was between the one before and here; whoever stops goes on at this position."""

    at: int


def search_of(question: LinesQuestion, *, console: bool) -> Search | None:
    """What finds lines that may meet the conditions; None where that cannot be told from their bytes."""
    if question.contains:
        text = _longest_run(question.contains, console)
        if text:
            return _finder(_spelled(text, console, either=True), text_only=False)
    if question.pattern:
        text = _longest_run(plain_part(question.pattern), console)
        if text:
            return _finder(_spelled(text, console, either=False), text_only=False)
        if console and not _UNSURE.search(question.pattern):
            return _finder(f"(?m:{question.pattern})".encode(), text_only=True)
    if question.level is not None and not console:
        return _finder(_of_level(question.level), text_only=False)
    return None


def _longest_run(text: str, console: bool) -> str:
    """The longest piece of a text of which all ways are known in which it may be written."""
    plain = (
        char
        if char.isascii() and char.isprintable() and (console or char not in _ESCAPED)
        else "\0"
        for char in text
    )
    return max("".join(plain).split("\0"), key=len)


def _spelled(text: str, console: bool, *, either: bool) -> bytes:
    """A pattern of bytes for a text: in JSON each character may stand there by its number.

    Args:
        either: Upper and lower case alike, as `str.lower` has it: two letters beyond ASCII become ones of it.
    """
    found = []
    for char in text:
        ways = {char.lower(), char.upper()} if either else {char}
        spelled = [re.escape(one).encode() for one in sorted(ways)]
        if not console:
            spelled += [b"\\\\u00(?i:%02x)" % ord(one) for one in sorted(ways)]
        for letter, beyond in (("k", "\u212a"), ("i", "\u0130")):
            if either and char.lower() == letter:
                spelled.append(beyond.encode())
                spelled += [] if console else [b"\\\\u(?i:%04x)" % ord(beyond)]
        found.append(b"(?:" + b"|".join(spelled) + b")")
    return b"".join(found)


def _of_level(level: str) -> bytes:
    """A pattern for messages of a level or above; those that write the name of it by numbers are all taken."""
    least = LEVELS.get(level.lower())
    if least is None:
        names = [level] if _longest_run(level, False) == level else [""]
    elif least <= LEVELS["info"]:
        names = [""]  # levels that nobody knows count as this one
    else:
        names = [name for name, grave in LEVELS.items() if grave >= least]
    said = "|".join(map(re.escape, names))
    return f'(?i:"level"\\s*:\\s*"(?:{said}))|\\\\u00'.encode()


def _finder(pattern: bytes, *, text_only: bool) -> Search:
    """What finds the lines in which a pattern of bytes is.

    Args:
        text_only: The pattern is one of characters: it finds nothing in bytes that are none.
    """
    import re2

    options = re2.Options()
    options.never_capture = True
    options.log_errors = False
    options.never_nl = True
    if not text_only:
        options.encoding = re2.Options.Encoding.LATIN1
    search = re2.compile(pattern, options).search

    def found(data: bytes) -> list[int] | None:
        if text_only and not _is_text(data):
            return None
        begins: list[int] = []
        at = 0
        while at < len(data) and (match := search(data, at)) is not None:
            if match.start() >= len(data):
                break  # after the last line is none
            begins.append(data.rfind(b"\n", 0, match.start()) + 1)
            if len(begins) > _DENSE:
                return None
            at = data.find(b"\n", match.start()) + 1 or len(data)
        return begins

    return found


def _is_text(data: bytes) -> bool:
    if data.isascii():
        return True
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


class SparseLines:
    """The lines of a file that may match, in one direction, each with its neighbours; and how far all was passed over.

    Args:
        position: Where to begin: where a line begins or ends.
        search: What finds the lines.
        decoded: The line of some bytes; None for what is none, and is nobody's neighbour.
        around: How many neighbours a line has on each side.
    """

    def __init__(
        self,
        file: LineFile,
        position: int,
        search: Search,
        decoded: Callable[[bytes], LogLine | None],
        *,
        backward: bool,
        around: int,
    ) -> None:
        self._file = file
        self._at = self._given = position  # how far the file was searched, and its lines given
        self._search = search
        self._decoded = decoded
        self._backward = backward
        self._around = around

    def __iter__(self) -> Iterator[Read | Passed]:
        while (stretch := self._stretch()) is not None:
            low, high, data = stretch
            begins = None if data is None else self._search(data)
            if data is None or begins is None:
                yield from self._every(low, high)
            else:
                for begin in reversed(begins) if self._backward else begins:
                    edge = data.index(b"\n", begin) + 1 if self._backward else begin
                    yield from self._near(low + edge)
            self._at = low if self._backward else high
            yield Passed(self._resumed())

    def _stretch(self) -> tuple[int, int, bytes | None] | None:
        """The next whole lines, after where they begin and end; without their bytes if it is one long line."""
        if self._backward:
            low, high = max(0, self._at - STRETCH), self._at
        else:
            low, high = self._at, min(self._at + STRETCH, self._file.size)
        if low >= high:
            return None
        data = self._file.bytes(low, high, effort=(high - low) // _EFFORT)
        cut = data.find(b"\n") + 1 if self._backward and low else 0
        end = data.rfind(b"\n") + 1
        if cut < end:
            return low + cut, low + end, data[cut:end]
        alone = next(self._pieces(self._at, self._backward), None)
        return None if alone is None else (alone.start, alone.end, None)

    def _pieces(self, edge: int, backward: bool) -> Iterator[Piece]:
        return self._file.backward(edge) if backward else self._file.forward(edge)

    def _ahead(self, edge: int) -> Iterator[Read]:
        return self._lines(self._pieces(edge, self._backward))

    def _behind(self, edge: int) -> Iterator[Read]:
        """The lines on the other side that were not given yet, the nearest first."""
        new = takewhile(self._is_new, self._pieces(edge, not self._backward))
        return self._lines(new)

    def _lines(self, pieces: Iterable[Piece]) -> Iterator[Read]:
        for piece in pieces:
            line = self._decoded(piece.data)
            if line is not None:
                yield Read(piece, line)

    def _is_new(self, piece: Piece) -> bool:
        """Whether a line has not been given yet."""
        return piece.end <= self._given if self._backward else piece.start >= self._given

    def _give(self, one: Read) -> Read:
        self._given = one.piece.start if self._backward else one.piece.end
        return one

    def _near(self, edge: int) -> Iterator[Read]:
        """The line that begins here (or ends, backward) with its neighbours, without those that were given."""
        before = [*islice(self._behind(edge), self._around)]
        yield from map(self._give, reversed(before))
        for one in islice(self._ahead(edge), 1 + self._around):
            if self._is_new(one.piece):
                yield self._give(one)

    def _every(self, low: int, high: int) -> Iterator[Read]:
        """All lines from one place to another, with the neighbours of the first and the last."""
        yield from self._near(high if self._backward else low)
        further = 0
        for one in self._ahead(self._given):
            if one.piece.end <= low if self._backward else one.piece.start >= high:
                further += 1
                if further > self._around:
                    break
            yield self._give(one)

    def _resumed(self) -> int:
        """Where to go on so that the neighbours of a line that comes next are there, unless they are very long."""
        further = min(self._at, self._given) if self._backward else max(self._at, self._given)
        if further != self._at:
            return further  # neighbours were given beyond what was searched
        position = self._at
        for one in islice(self._behind(self._at), self._around):
            if abs(self._at - one.piece.start) > STRETCH:
                break
            position = one.piece.end if self._backward else one.piece.start
        return position
