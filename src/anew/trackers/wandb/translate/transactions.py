"""The transaction logs (`run-<id>.wandb`) that W&B keeps of a run, read back.

W&B has no reader of them for others since it left its Python back end: the file is a log of LevelDB's format (blocks
of 32 KiB; each piece with a checksum, a length, and whether it is a record's first, middle, last or only one) after a
header of seven bytes, and each record is a protocol buffer.
"""

from __future__ import annotations

import glob
import os
import struct
import zlib
from collections.abc import Iterator
from typing import Any

from ....record.names import natural

__all__ = ["TransactionLog", "logs_of"]

_HEADER = 7
_BLOCK = 32 * 1024
_BUFFER = 1 << 18
_MOST_BYTES = 256 << 20
"""The most that one record may have; W&B's own have less than a tenth."""
_PIECE = struct.Struct("<IHB")
_WHOLE, _LAST = 1, 4


class TransactionLog:
    """One log, read as far as it was written; what is written later can be read later.

    Args:
        path: The file. It need not be there yet.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._offset = _HEADER

    def records(self) -> Iterator[Any]:
        """The records since the last call (`wandb_internal_pb2.Record`); see `messages`."""
        from wandb.proto import wandb_internal_pb2

        for message in self.messages():
            record = wandb_internal_pb2.Record()
            record.ParseFromString(message)
            yield record

    @property
    def is_at_end(self) -> bool:
        """Whether everything that is there has been given; False where the rest does not check out."""
        return self._offset == os.path.getsize(self.path)

    def messages(self) -> Iterator[bytes]:
        """The records since the last call as bytes; the end of one cut short is waited for.

        What does not check out is the end of what can be used.
        """
        parts: list[bytes] = []
        size = 0
        done = at = self._offset
        with open(self.path, "rb", buffering=_BUFFER) as file:
            file.seek(at)
            while True:
                if (room := _BLOCK - at % _BLOCK) < _PIECE.size:
                    file.seek(room, os.SEEK_CUR)
                    at += room
                head = file.read(_PIECE.size)
                if len(head) < _PIECE.size:
                    break
                checksum, length, kind = _PIECE.unpack(head)
                body = file.read(length)
                if len(body) < length or zlib.crc32(body, zlib.crc32(bytes([kind]))) != checksum:
                    break
                at += _PIECE.size + length
                parts.append(body)
                size += length
                if size > _MOST_BYTES:
                    break
                if kind in (_WHOLE, _LAST):
                    message = b"".join(parts)
                    parts, size = [], 0
                    done = self._offset = at
                    yield message
        self._offset = done


def logs_of(folder: str, run_id: str) -> list[str]:
    """The logs of all the times that a run was opened offline below `folder`, oldest first."""
    pattern = os.path.join(glob.escape(folder), f"offline-run-*-{run_id}*", f"run-{run_id}.wandb")
    return sorted(glob.glob(pattern), key=_age)


def _age(path: str) -> tuple[str, int]:
    """`offline-run-20261121_161319-abc123-2` is the third that was opened in that second."""
    opened, _, rest = os.path.basename(os.path.dirname(path))[len("offline-run-") :].partition("-")
    tail = rest.rpartition("-")[2]
    return opened, (natural(tail) or 0) if "-" in rest else 0
