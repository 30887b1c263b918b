"""A pack: the objects one commit or one push added, in one immutable file.

    magic | header · payload | header · payload | … | index | footer

Every object has its index record twice: in the index at the end, which is what readers load, and
in a header before its payload, so that a pack whose index is damaged can still be read object by
object. A pack appears under its name only when it is complete, so there is no half of one.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from anew.errors import CorruptData, UnknownFormat
from anew.weights.records import KEY_BYTES, digest

__all__ = [
    "BLOCK",
    "COMMIT",
    "MAGIC",
    "NO_BASE",
    "TREE",
    "PackWriter",
    "Record",
    "check_of",
    "parse_index",
    "scan",
]

BLOCK, TREE, COMMIT = 1, 2, 3
NO_BASE = bytes(KEY_BYTES)

MAGIC = b"RNWPACK1"
_FOOTER = struct.Struct("<8sQQ32s")
_OBJECT_MAGIC = b"RNWO"
_CHECK_BYTES = 4
FOOTER_BYTES = _FOOTER.size

# key, base, check of the payload, offset, stored, raw, kind, depth, (two spare bytes), pack number
RECORD = struct.Struct("<32s32s16sQQQBB2xI")
_HEADER_BYTES = len(_OBJECT_MAGIC) + RECORD.size + _CHECK_BYTES


class Record(NamedTuple):
    """Where an object lies in its pack, and what it needs to be read."""

    key: bytes
    base: bytes
    check: bytes
    offset: int
    stored: int
    raw: int
    kind: int
    depth: int
    pack: int = 0

    @property
    def is_delta(self) -> bool:
        """Whether reading it needs the object `base`."""
        return self.base != NO_BASE


def check_of(payload: bytes | memoryview) -> bytes:
    """The checksum of stored bytes, which shows damage without decoding them."""
    return digest(payload)[:16]


class PackWriter:
    """Writes one pack to a file of this machine; `finish` makes it complete.

    Not thread-safe. Keys added twice are kept once.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.records: dict[bytes, Record] = {}
        # Unbuffered: a fork of this process would write what a buffer holds a second time.
        self._file = path.open("xb", buffering=0)
        self._position = 0
        self._write(MAGIC)

    @property
    def size(self) -> int:
        """Bytes written so far."""
        return self._position

    def add(
        self,
        key: bytes,
        payload: bytes,
        *,
        raw: int,
        kind: int,
        base: bytes = NO_BASE,
        depth: int = 0,
    ) -> None:
        """Append an object unless this pack has it."""
        if key in self.records:
            return
        offset = self._position + _HEADER_BYTES
        record = Record(key, base, check_of(payload), offset, len(payload), raw, kind, depth)
        packed = _OBJECT_MAGIC + RECORD.pack(*record)
        self._write(packed + digest(packed)[:_CHECK_BYTES], payload)
        self.records[key] = record

    def finish(self) -> None:
        """Write the index and the footer; uploading makes the file durable."""
        index = b"".join(RECORD.pack(*record) for record in self.records.values())
        footer = _FOOTER.pack(MAGIC, self._position, len(self.records), digest(index))
        self._write(index, footer)
        self._file.close()

    def _write(self, *parts: bytes) -> None:
        views = [memoryview(part) for part in parts if part]
        while views:
            done = os.writev(self._file.fileno(), views)
            self._position += done
            while views and done >= len(views[0]):
                done -= len(views.pop(0))
            if views and done:
                views[0] = views[0][done:]

    def abandon(self) -> None:
        """Close and remove the file; nothing of it was visible."""
        self._file.close()
        self.path.unlink(missing_ok=True)


def parse_index(name: str, tail: bytes, size: int) -> list[Record] | int:
    """The records of a pack from its last bytes, or how many last bytes are needed.

    Raises:
        CorruptData: the footer or the index is damaged.
    """
    if len(tail) < _FOOTER.size:
        raise CorruptData(f"The pack {name} is too short to be a pack.", path=name)
    magic, start, count, expected = _FOOTER.unpack_from(tail, len(tail) - _FOOTER.size)
    if magic != MAGIC:
        if magic[:7] == MAGIC[:7]:
            raise UnknownFormat(f"The pack {name} was written by a newer version of Anew.")
        raise CorruptData(f"The pack {name} has a damaged footer.", path=name)
    length = count * RECORD.size
    if start + length + _FOOTER.size != size:
        raise CorruptData(f"The pack {name} has a damaged footer.", path=name)
    if length + _FOOTER.size > len(tail):
        return int(length + _FOOTER.size)
    index = tail[len(tail) - _FOOTER.size - length : len(tail) - _FOOTER.size]
    if digest(index) != expected:
        raise CorruptData(f"The pack {name} has a damaged index.", path=name)
    return [Record(*fields) for fields in RECORD.iter_unpack(index)]


def scan(data: bytes | memoryview) -> Iterator[Record]:
    """The records of a pack read from the headers, for one whose index is damaged."""
    view = bytes(data)
    position = len(MAGIC)
    while (position := view.find(_OBJECT_MAGIC, position)) >= 0:
        header = view[position : position + _HEADER_BYTES]
        body, check = header[:-_CHECK_BYTES], header[-_CHECK_BYTES:]
        if len(header) == _HEADER_BYTES and digest(body)[:_CHECK_BYTES] == check:
            record = Record(*RECORD.unpack_from(body, len(_OBJECT_MAGIC)))
            if record.offset == position + _HEADER_BYTES:
                yield record
                # Only a header that proved itself may tell where the next one is.
                position = record.offset + record.stored
                continue
        position += 1
