"""The log of a run: LevelDB's format, in blocks of 32 KiB after a header of seven bytes, each piece with a checksum and a length."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

from ....importing.foreign import open_plain

__all__ = ["HEADER", "Log"]

HEADER = struct.pack("<4sHB", b":SWL", 0xE1D6, 2)
"""How a log begins: what it is, and the version of its format."""
_BLOCK = 32 * 1024
_PIECE = struct.Struct("<IHB")
_WHOLE, _FIRST, _LAST = 1, 2, 4


class Log:
    """One log, read a block at a time, as far as it checks out.

    Attributes:
        is_whole: Whether everything that is there was given; False where the end does not check out. Of a log that was read.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self.is_whole = True

    def records(self) -> Iterator[bytes]:
        """Its records as bytes.

        Raises:
            OSError: It cannot be read.
        """
        parts: list[bytes] = []
        skip = len(HEADER)
        with open_plain(self._path) as file:
            while block := file.read(_BLOCK):
                at = skip
                skip = 0
                while at + _PIECE.size <= len(block):
                    checksum, length, kind = _PIECE.unpack_from(block, at)
                    body = block[at + _PIECE.size : at + _PIECE.size + length]
                    if (
                        len(body) < length
                        or zlib.crc32(body, zlib.crc32(bytes([kind]))) != checksum
                    ):
                        self.is_whole = False
                        return
                    at += _PIECE.size + length
                    if kind in (_WHOLE, _FIRST):
                        parts = []
                    parts.append(body)
                    if kind in (_WHOLE, _LAST):
                        yield b"".join(parts)
                        parts = []
                if len(block) < _BLOCK:
                    self.is_whole = at == len(block) and not parts
