"""Looking into a pack of weights that a client has sent: nothing of it is believed before it was decoded."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import BinaryIO

import numpy as np
import zstandard

from ...errors import CorruptData, NotFound, UnknownFormat
from ...weights.codec import Bytes, decode
from ...weights.objects import Objects, unframe
from ...weights.pack import BLOCK, COMMIT, MAGIC, TREE, Record, check_of, parse_index
from ...weights.records import digest

__all__ = ["wrong_in"]

MOST_OBJECT = 64 << 20
"""Bytes of one object; blocks have four million, and larger trees have hundreds of thousands of tensors."""
_TAIL = 64 << 10
_DEEPEST = 16
MOST_RAW = 2 << 30
"""Bytes of all objects of a pack."""
_MOST_HELD = 64 << 20


def wrong_in(
    path: str, size: int, objects: Objects, may_use: Callable[[bytes], bool]
) -> str | None:
    """Why a pack cannot be taken; None if it can: each object has the hash that it goes by, and can be read here.

    Args:
        objects: What the repository has: what the pack only says the difference to may lie there.
        may_use: Whether its sender has an object of the repository.

    Raises:
        OSError: It cannot be read.
    """
    with open(path, "rb") as file:
        if file.read(len(MAGIC)) != MAGIC:
            return "it is no pack"
        try:
            records = sorted(_index(file, size), key=lambda one: one.offset)
        except (CorruptData, UnknownFormat) as error:
            return str(error)
        if sum(one.raw for one in records) > MOST_RAW:
            return "its objects are too large together"
        look = _Look(file, size, objects, may_use)
        for record in records:
            try:
                fits = look.is_right(record)
            except (CorruptData, NotFound, ValueError, zstandard.ZstdError):
                fits = False
            if not fits:
                return f"the object {record.key.hex()[:12]} is not what its hash says, or lacks what it builds on"
    return None


def _index(file: BinaryIO, size: int) -> list[Record]:
    length = _TAIL
    while True:
        file.seek(max(0, size - length))
        parsed = parse_index("that was sent", file.read(length), size)
        if not isinstance(parsed, int):
            return parsed
        if not length < parsed <= size:
            raise CorruptData("The index of the pack is longer than the pack.")
        length = parsed


class _Look:
    """Decodes objects one after the other, and holds those that the next ones are likely to build on."""

    def __init__(
        self, file: BinaryIO, size: int, objects: Objects, may_use: Callable[[bytes], bool]
    ) -> None:
        self._file = file
        self._size = size
        self._objects = objects
        self._may_use = may_use
        self._right: dict[bytes, Record] = {}
        self._held: OrderedDict[bytes, Bytes] = OrderedDict()
        self._bytes = 0

    def is_right(self, record: Record) -> bool:
        """Whether an object is what its key says. What it builds on comes before it in the pack, or lies in the repository."""
        if record.key in self._right or max(record.raw, record.stored) > MOST_OBJECT:
            return False
        if record.offset + record.stored > self._size:
            return False
        if record.is_delta == (record.depth == 0):
            return False
        if record.kind == BLOCK:
            fits = digest(self._decoded(record)) == record.key
        elif record.kind in (TREE, COMMIT) and not record.is_delta:
            fits = digest(_plain(self._payload(record))) == record.key
        else:
            fits = False
        self._right[record.key] = record
        return fits

    def _payload(self, record: Record) -> bytes:
        self._file.seek(record.offset)
        payload = self._file.read(record.stored)
        if check_of(payload) != record.check:
            raise CorruptData("The pack was changed on its way.")
        return payload

    def _decoded(self, record: Record) -> Bytes:
        """The bytes of a block.

        Raises:
            CorruptData: It cannot be decoded.
            NotFound: What it builds on is not there.
        """
        held = self._held.get(record.key)
        if held is not None:
            return held
        if record.is_delta:
            base = self._base(record)
            if len(base) != record.raw:
                raise CorruptData("A block builds on one of another length.")
            out = base.copy()
        else:
            out = np.empty(record.raw, np.uint8)
        decode(self._payload(record), out)
        self._held[record.key] = out
        self._bytes += len(out)
        while self._bytes > _MOST_HELD:
            self._bytes -= len(self._held.popitem(last=False)[1])
        return out

    def _base(self, record: Record) -> Bytes:
        """What a block builds on: it lies less deep than the block itself, so that no chain is a circle."""
        before = self._right.get(record.base)
        if before is not None:
            if not before.depth < record.depth <= _DEEPEST:
                raise CorruptData("A chain of differences is too long.")
            return self._decoded(before)
        found = self._objects.find(record.base) if self._may_use(record.base) else None
        if found is None:
            raise NotFound("What a block builds on is missing.", name=record.base.hex())
        if not found[1].depth < record.depth <= _DEEPEST or found[1].raw != record.raw:
            raise CorruptData("A chain of differences is too long.")
        out = np.empty(record.raw, np.uint8)
        self._objects.read_block(record.base, out, "A pack that was sent")
        return out


def _plain(payload: bytes) -> bytes:
    """A tree or commit as it is.

    Raises:
        CorruptData: It claims to be too large.
    """
    if payload[:1] == b"\1" and not 0 <= zstandard.frame_content_size(payload[1:]) <= MOST_OBJECT:
        raise CorruptData("A stored object claims an impossible size.")
    return unframe(payload)
