"""A file of records, whatever its delimiter, encoding and compression: each record with its line and its place in the file."""

from __future__ import annotations

import bz2
import codecs
import csv
import gzip
import json
import lzma
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from typing import IO, Any, NamedTuple, cast

from ....errors import InvalidValue
from ....importing.foreign import is_plain, most_unpacked, open_plain
from .cells import number_in

__all__ = ["SUFFIXES", "Record", "TableFile", "is_table"]

SUFFIXES = (".csv", ".tsv", ".tab", ".jsonl", ".ndjson")
_PACKED = (".gz", ".bz2", ".xz", ".zst")
_DELIMITERS = ",;\t|"
_SAMPLE = 64 << 10
_MOST_LINE = 16 << 20
_SETTLED = 30.0
"""Seconds after which a last line without an end is taken to be whole."""


class Record(NamedTuple):
    """A record: the number of its first line, where it begins and ends in the file, and its cells by column."""

    line: int
    start: int
    end: int
    cells: Sequence[Any]


Tell = Callable[[int, str, bool], object]
"""Told the line, what is wrong there, and whether something is missing because of it."""


def is_table(path: str) -> bool:
    """Whether a plain file has the name of a table."""
    return has_name_of_table(path) and is_plain(path)


def has_name_of_table(name: str) -> bool:
    """Whether a name is that of a table."""
    name = name.lower()
    for packed in _PACKED:
        name = name.removesuffix(packed)
    return name.endswith(SUFFIXES)


class TableFile:
    """One table, open for reading.

    Args:
        delimiter: Between the cells; "" for the one that it looks like.
        encoding: Of the text; "" for UTF-8, or what its first bytes say.
        decimal: Before the decimals of a number; "" for a comma where cells are apart by semicolons and have commas in numbers.
        tell: Told what cannot be read.

    Attributes:
        names: Of the columns.

    Raises:
        InvalidValue: It has no columns, or unpacks to far more than its size allows for.
        OSError: It cannot be read.
    """

    def __init__(self, path: str, delimiter: str, encoding: str, decimal: str, tell: Tell) -> None:
        self.path = path
        self._tell = tell
        self._file = self._opened(encoding)
        try:
            self._size = self._whole()
            name = path.lower()
            self.is_json = any(end in name for end in (".jsonl", ".ndjson"))
            self._begin = 3 if self._at(0, 3) == b"\xef\xbb\xbf" else 0
            self._first_line = 1
            self._numbers: dict[str, int] = {}
            self.delimiter = "" if self.is_json else delimiter or self._sniffed()
            self.names: list[str] = self._names_json() if self.is_json else self._names_csv()
            self.decimal = decimal or self._decimal()
        except BaseException:
            self._file.close()
            raise
        if not self.names:
            self._file.close()
            raise InvalidValue(f"{path} has no columns.", key="source")

    def close(self) -> None:
        """Close it."""
        self._file.close()

    def beginning(self) -> bytes:
        """The first two lines, by which it is told from others of its name."""
        self._file.seek(self._begin)
        return self._file.readline(_MOST_LINE) + self._file.readline(_MOST_LINE)

    def records(self, start: int = -1, end: int = -1, line: int = 0) -> Iterator[Record]:
        """The records between two places; all of them if not given.

        Args:
            line: The number of the line at `start`.
        """
        if start < 0:
            start, line = self._begin, self._first_line
        end = self._size if end < 0 else end
        return self._of_json(start, end, line) if self.is_json else self._of_csv(start, end, line)

    # -- the bytes ---------------------------------------------------------------------------------

    def _opened(self, encoding: str) -> IO[bytes]:
        file: IO[bytes] = open_plain(self.path)
        try:
            head = file.read(6)
            file.seek(0)
            unpacked = _unpacking(file, head)
            if unpacked is not None:
                packed, most = file, most_unpacked(os.path.getsize(self.path))
                with packed, unpacked:
                    file = self._plain(unpacked, most)
                head = file.read(6)
                file.seek(0)
            if not encoding and head.startswith((b"\xff\xfe", b"\xfe\xff")):
                encoding = "utf-16"
            if encoding and encoding.lower().replace("-", "") not in ("utf8", "ascii"):
                with file as coded:
                    file = _in_utf8(coded, encoding)
        except BaseException:
            file.close()
            raise
        return file

    def _plain(self, unpacked: IO[bytes], most: int) -> IO[bytes]:
        target = tempfile.TemporaryFile()  # noqa: SIM115  (it stays open)
        written = 0
        try:
            while data := unpacked.read(1 << 20):
                written += len(data)
                if written > most:
                    raise InvalidValue(
                        f"{self.path} unpacks to more than {most:,} bytes, far more than a table of its size holds.",
                        key="source",
                    )
                target.write(data)
        except (EOFError, OSError, lzma.LZMAError, ValueError) as error:
            if isinstance(error, InvalidValue):
                target.close()
                raise
            self._tell(0, f"Its end is damaged; what lies before comes: {error!s:.200}", True)
        target.seek(0)
        return target

    def _at(self, start: int, length: int) -> bytes:
        self._file.seek(start)
        return self._file.read(length)

    def _whole(self) -> int:
        """Bytes up to where it can be read: a last line without an end may be one that is being written."""
        size = self._file.seek(0, os.SEEK_END)
        if (
            not size
            or self._at(size - 1, 1) == b"\n"
            or time.time() - os.path.getmtime(self.path) > _SETTLED
        ):
            return size
        at = size
        while at > 0:
            step = min(_SAMPLE, at)
            found = self._at(at - step, step).rfind(b"\n")
            if found >= 0:
                last = self._at(at - step + found + 1, min(size, _MOST_LINE))
                return size if last.rstrip().endswith(b"}") else at - step + found + 1
            at -= step
        return size

    # -- texts with delimiters ---------------------------------------------------------------------

    def _sniffed(self) -> str:
        """The delimiter that splits the first lines into the most columns, the same number each."""
        if self.path.lower().split(".")[-1] in ("tsv", "tab") or ".tsv" in self.path.lower():
            return "\t"
        text = self._at(self._begin, _SAMPLE).decode("utf-8", "replace")
        lines = [one for one in text.splitlines()[:50] if one and not one.startswith("#")]
        if len(lines) > 1 and len(text) >= _SAMPLE // 2:
            lines.pop()
        best, most = ",", 1
        for delimiter in _DELIMITERS:
            try:
                widths = [len(cells) for cells in csv.reader(lines, delimiter=delimiter)]
            except csv.Error:
                continue
            if (
                widths
                and widths[0] > most
                and sum(w == widths[0] for w in widths) * 2 > len(widths)
            ):
                best, most = delimiter, widths[0]
        return best

    def _names_csv(self) -> list[str]:
        for record in self._of_csv(self._begin, self._size, 1, header=True):
            names = [str(cell).strip() for cell in record.cells]
            if not any(names) or (names[0].startswith("#") and len(names) == 1):
                continue
            if all(number_in(name) is not None for name in names):
                self._tell(
                    record.line,
                    "There is no line with the names of the columns: they are called column 1, column 2 …",
                    False,
                )
                self._begin, self._first_line = record.start, record.line
                return [f"column {number}" for number in range(1, len(names) + 1)]
            self._begin, self._first_line = record.end, record.line + 1
            return self._distinct(names, record.line)
        return []

    def _distinct(self, names: list[str], line: int) -> list[str]:
        seen: dict[str, int] = {}
        found = []
        for number, name in enumerate(names, 1):
            name = name or f"column {number}"
            seen[name] = seen.get(name, 0) + 1
            if seen[name] > 1:
                self._tell(
                    line,
                    f"Another column is called {name!r}: this one comes as {name}.{seen[name]}.",
                    False,
                )
                name = f"{name}.{seen[name]}"
            found.append(name)
        return found

    def _decimal(self) -> str:
        if self.delimiter != ";":
            return "."
        some = (record.cells for record, _ in zip(self.records(), range(200), strict=False))
        return (
            ","
            if any(
                number_in(c) is None and number_in(c, ",") is not None
                for cells in some
                for c in cells
            )
            else "."
        )

    def _lines(self, start: int, end: int) -> Iterator[tuple[int, bytes]]:
        """Lines and where they end. Of one that is far too long, the rest is passed over."""
        self._file.seek(start)
        at = start
        while at < end:
            self._file.seek(at)  # others read it meanwhile
            line = self._file.readline(min(_MOST_LINE, end - at))
            if not line:
                return
            at += len(line)
            if len(line) == _MOST_LINE and not line.endswith(b"\n"):
                while rest := self._file.readline(_MOST_LINE):
                    at += len(rest)
                    if rest.endswith(b"\n"):
                        break
                line = b"\n"
            yield at, line

    def _of_csv(self, start: int, end: int, line: int, *, header: bool = False) -> Iterator[Record]:
        at, number = start, line
        width = 0 if header else len(self.names)

        def texts() -> Iterator[str]:
            nonlocal at, number
            for end_of_line, data in lines:
                at = end_of_line
                number += 1
                text = data.decode("utf-8", "surrogateescape")
                if not text.isascii() and any("\udc80" <= char <= "\udcff" for char in text):
                    self._tell(
                        number - 1,
                        "There are bytes that are no UTF-8. Say the encoding with --map encoding=…",
                        True,
                    )
                    text = data.decode("utf-8", "replace")
                yield text

        lines = self._lines(start, end)
        reader = csv.reader(texts(), delimiter=self.delimiter)
        while True:
            begin, first = at, number
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                self._tell(first, f"It cannot be read: {error}.", True)
                reader = csv.reader(texts(), delimiter=self.delimiter)
                continue
            if not cells or (len(cells) == 1 and not cells[0].strip()):
                continue
            if width and len(cells) > width:
                if any(cell.strip() for cell in cells[width:]):
                    self._tell(
                        first,
                        f"There are {len(cells)} cells for {width} columns; the line is left out.",
                        True,
                    )
                    continue
                cells = cells[:width]
            if width and len(cells) < width:
                self._tell(
                    first,
                    f"There are {len(cells)} cells for {width} columns; the others are taken to be empty.",
                    False,
                )
                cells += [""] * (width - len(cells))
            yield Record(first, begin, at, cells)

    # -- lines of JSON -----------------------------------------------------------------------------

    def _names_json(self) -> list[str]:
        for _, _, _, found in self._objects(self._begin, self._size, 1, told=False):
            for name in found:
                self._numbers.setdefault(name, len(self._numbers))
        return list(self._numbers)

    def _of_json(self, start: int, end: int, line: int) -> Iterator[Record]:
        width = len(self._numbers)
        for number, begin, at, found in self._objects(start, end, line, told=True):
            cells: list[Any] = [None] * width
            for name, value in found.items():
                if name in self._numbers:
                    cells[self._numbers[name]] = value
            yield Record(number, begin, at, cells)

    def _objects(
        self, start: int, end: int, line: int, *, told: bool
    ) -> Iterator[tuple[int, int, int, dict[str, Any]]]:
        begin = start
        for number, (at, data) in enumerate(self._lines(start, end), line):
            if data.strip():
                try:
                    found = json.loads(data.decode("utf-8-sig"))
                except (ValueError, RecursionError) as error:
                    found = None
                    if told:
                        self._tell(number, f"It is no JSON: {error!s:.200}", True)
                else:
                    if not isinstance(found, dict) and told:
                        self._tell(number, "It is no object with names.", True)
                if isinstance(found, dict):
                    yield number, begin, at, _flat(found)
            begin = at


def _flat(found: dict[str, Any]) -> dict[str, Any]:
    """An object with those in it by dotted names, as far as they have any fields."""
    flat: dict[str, Any] = {}
    waiting: list[tuple[str, dict[str, Any]]] = [("", found)]
    while waiting:
        start, inside = waiting.pop()
        for name, value in inside.items():
            full = f"{start}.{name}" if start else str(name)
            if isinstance(value, dict) and value and "$float" not in value:
                waiting.append((full, value))
            else:
                flat[full] = value
    return flat


def _in_utf8(coded: IO[bytes], encoding: str) -> IO[bytes]:
    """The same text in UTF-8, in a temporary file."""
    target = tempfile.TemporaryFile()  # noqa: SIM115  (it stays open)
    try:
        decoder = codecs.getincrementaldecoder(encoding)("replace")
        while data := coded.read(1 << 20):
            target.write(decoder.decode(data).encode("utf-8", "replace"))
        target.write(decoder.decode(b"", final=True).encode("utf-8", "replace"))
    except LookupError as error:
        target.close()
        raise InvalidValue(f"There is no encoding {encoding!r}.", key="map") from error
    target.seek(0)
    return target


def _unpacking(file: IO[bytes], head: bytes) -> IO[bytes] | None:
    if head.startswith(b"\x1f\x8b"):
        return cast("IO[bytes]", gzip.GzipFile(fileobj=file))
    if head.startswith(b"BZh"):
        return bz2.BZ2File(file)
    if head.startswith(b"\xfd7zXZ\x00"):
        return lzma.LZMAFile(file)
    if head.startswith(b"\x28\xb5\x2f\xfd"):
        try:
            import zstandard
        except ImportError as error:
            raise InvalidValue("To read .zst files, install zstandard.", key="source") from error
        return zstandard.ZstdDecompressor(max_window_size=1 << 27).stream_reader(file)
    return None
