"""The records of an event file: TFRecord, each with its length and two checksums (CRC-32C, masked)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from struct import unpack_from
from typing import Any

import numpy as np

from ....importing.foreign import open_plain

__all__ = ["Damaged", "records"]

_CHUNK = 4 << 20
_SIDE_BY_SIDE = 512
_LONGEST = 1 << 16
_MASK = 0xA282EAD8


class Damaged(Exception):
    """A record is not what was written; `offset` is where it begins."""

    def __init__(self, offset: int) -> None:
        super().__init__(f"It is damaged at byte {offset:,}")
        self.offset = offset


def records(path: str, *, check: bool = True, until: int | None = None) -> Iterator[bytes]:
    """The records of a file. One that is being written is left for the next time.

    Args:
        check: Whether to compare the checksums; of records beyond 64 KiB only that of their length.
        until: The byte to end at, where one is damaged.

    Raises:
        Damaged: A checksum does not fit; the records before it were given.
        OSError: The file cannot be read.
    """
    with open_plain(path) as file:
        data, begins = b"", 0
        while more := file.read(_CHUNK):
            data += more
            places, at = [], 0
            while at + 12 <= len(data):
                (length,) = unpack_from("<Q", data, at)
                if at + 16 + length > len(data) or (until is not None and begins + at >= until):
                    break
                places.append((at, length))
                at += 16 + length
            bad = _first_bad(data, places) if check else len(places)
            for start, length in places[:bad]:
                yield data[start + 12 : start + 12 + length]
            if bad < len(places):
                raise Damaged(begins + places[bad][0])
            if until is not None and begins + at >= until:
                return
            if at + 12 <= len(data):
                if not _fits(np.frombuffer(data, np.uint8), np.array([at]), 8)[0]:
                    raise Damaged(begins + at)
                (length,) = unpack_from("<Q", data, at)
                if begins + at + 16 + length > os.fstat(file.fileno()).st_size:
                    return  # the rest of it is not written yet
            data = data[at:]
            begins += at


def _first_bad(data: bytes, places: list[tuple[int, int]]) -> int:
    """The first of some records with a checksum that does not fit; their number if all do.

    Records of one length are checked together, side by side, unless they are long.
    """
    if not places:
        return 0
    whole = np.frombuffer(data, np.uint8)
    starts = np.array([at for at, _ in places], np.int64)
    lengths = np.array([length for _, length in places], np.int64)
    good = _fits(whole, starts, 8)
    for length in np.unique(lengths).tolist():
        (numbers,) = np.nonzero(lengths == length)
        if length <= _SIDE_BY_SIDE:
            good[numbers] &= _fits(whole, starts[numbers] + 12, length)
        elif length <= _LONGEST:
            for number in numbers.tolist():
                good[number] &= _fits_alone(data, places[number][0] + 12, length)
    wrong = np.flatnonzero(~good)
    return int(wrong[0]) if len(wrong) else len(places)


def _fits(whole: Any, starts: Any, length: int) -> Any:
    """Whether the checksum behind each stretch of bytes is that of the stretch."""
    crc = np.full(len(starts), 0xFFFFFFFF, np.uint32)
    for at in range(length):
        crc = _TABLE[(crc ^ whole[starts + at]) & 0xFF] ^ (crc >> 8)
    crc = ~crc
    masked = ((crc >> 15) | (crc << 17)) + np.uint32(_MASK)
    given = sum(whole[starts + length + byte].astype(np.uint32) << (8 * byte) for byte in range(4))
    return masked == given


def _fits_alone(data: bytes, start: int, length: int) -> bool:
    crc = 0xFFFFFFFF
    for byte in data[start : start + length]:
        crc = _NUMBERS[(crc ^ byte) & 0xFF] ^ crc >> 8
    crc ^= 0xFFFFFFFF
    masked = ((crc >> 15 | crc << 17) + _MASK) & 0xFFFFFFFF
    return bool(masked == unpack_from("<I", data, start + length)[0])


def _table() -> Any:
    values = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        values.append(byte)
    return np.array(values, np.uint32)


_TABLE = _table()
_NUMBERS = _TABLE.tolist()
