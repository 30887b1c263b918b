"""How far an experiment has come to each place it is forwarded to.

It is an event of the experiment, "forwarded", and stands in files of its own that no sink follows:
`forwarded/<place>.<mark>.jsonl`. The newest event has all of it. The file is begun anew, with that event, when it has grown.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import time
from typing import Any

import msgspec

from ..errors import CorruptData, UnknownFormat
from ..journal.follow import Cursor, Position
from ..journal.liveness import host_name
from ..journal.sealing import place_name
from ..journal.storage import FolderStorage
from .address import Destination

__all__ = [
    "Pending",
    "Progress",
    "discard",
    "key_of",
    "lock_of",
    "read_all",
    "read_progress",
    "save",
]

VERSION = 1
MOST_REASONS = 50
MOST_BYTES = 1 << 20  # of a file, before it is begun again with its newest event
_MOST = 64 << 20  # of its end, in which the newest event stands


class Pending(msgspec.Struct, frozen=True):
    """The piece that was offered and may or may not have arrived: of `path`, up to `end`."""

    path: str
    end: Position


class Progress(msgspec.Struct, kw_only=True, tag_field="k", tag="forwarded"):
    """What has arrived at one place, as of `t`.

    `to` is the address without passwords; `cursor` and `lines` tell what arrived for good, `memo` is the target's own;
    `records` and `points` count what it took, `refused` what it had no place for, by reason. `told` is the status
    that the run there was last given. `error` is why nothing went on since `error_at`. `round` counts how often all
    was sent from the start again.
    """

    t: float = 0.0
    version: int = VERSION
    round: int = 0
    to: dict[str, Any] = {}
    prefix: str = ""
    cwd: str = ""
    url: str | None = None
    cursor: Cursor = {}
    lines: int = 0
    pending: Pending | None = None
    memo: dict[str, Any] = {}
    records: int = 0
    points: int = 0
    refused: dict[str, int] = {}
    broken: int = 0
    told: str | None = None
    error: str | None = None
    error_at: float | None = None

    def refuse(self, reason: str) -> None:
        """Count a record that the target has no place for."""
        if reason not in self.refused and len(self.refused) >= MOST_REASONS:
            reason = "for other reasons"
        self.refused[reason] = self.refused.get(reason, 0) + 1


_decoder = msgspec.json.Decoder(Progress)


def key_of(address: Destination) -> str:
    """What the place is called in file names: its kind, and a mark where more is given."""
    return place_name(address.shown())


def lock_of(folder: str, key: str) -> str:
    """The file that one process at a time locks to send to a place."""
    return os.path.join(folder, "forwarded", f"{key}.lock")


def read_progress(folder: str, key: str) -> Progress | None:
    """The progress to one place; None if nothing was ever sent there.

    Where copies of an experiment were put together that were sent on apart, what came furthest counts.

    Raises:
        CorruptData: The file is not what it should be.
        UnknownFormat: A newer version wrote it.
    """
    pattern = re.compile(re.escape(key) + r"\.[0-9a-f]{8}\.jsonl")
    found = [_read(folder, name) for name in _names(folder) if pattern.fullmatch(name)]
    known = [progress for progress in found if progress is not None]
    return max(known, key=lambda p: (p.round, p.lines, p.t), default=None)


def _names(folder: str) -> list[str]:
    try:
        return [blob.name for blob in FolderStorage(folder).list("forwarded")]
    except OSError:  # no folder that can be read
        return []


def _read(folder: str, name: str) -> Progress | None:
    """The newest event of a file; a last line without its newline was cut short when it was written."""
    path = os.path.join(folder, "forwarded", name)
    storage = FolderStorage(folder)
    try:
        size = next((b.size for b in storage.list("forwarded") if b.name == name), 0)
        lines = storage.read(f"forwarded/{name}", max(0, size - _MOST), _MOST).split(b"\n")[:-1]
    except OSError as error:
        raise CorruptData(
            f"{path} cannot be read, so it is not known what was already sent: {error}.", path=path
        ) from error
    if not lines:
        return None
    try:
        found = _decoder.decode(lines[-1])
    except (msgspec.MsgspecError, RecursionError) as error:
        raise CorruptData(
            f"{path} cannot be read, so it is not known what was already sent: {error}. Send everything again with: anew forward --afresh",
            path=path,
        ) from error
    if found.version > VERSION:
        raise UnknownFormat(f"{path} was written by a newer version; upgrade Anew.")
    return found


def read_all(folder: str) -> dict[str, Progress]:
    """The progress to every place the experiment was forwarded to, by the place's key."""
    names = [
        re.fullmatch(r"([a-z]+(?:-[0-9a-f]{8})?)\.[0-9a-f]{8}\.jsonl", n) for n in _names(folder)
    ]
    found = {key: read_progress(folder, key) for key in sorted({name[1] for name in names if name})}
    return {key: progress for key, progress in found.items() if progress is not None}


def save(folder: str, key: str, progress: Progress) -> None:
    """Add the event that says how far it has come. Only the process that holds the place's lock may.

    Raises:
        OSError: It cannot be written.
    """
    progress.t = time.time()
    line = msgspec.json.encode(progress) + b"\n"
    path = _path(folder, key)
    try:
        fd = os.open(path, os.O_RDWR | os.O_APPEND)
    except FileNotFoundError:
        _begin(path, line)
        return
    try:
        size = os.fstat(fd).st_size
        if size + len(line) > MOST_BYTES:
            _begin(path, line)
            return
        if size and os.pread(fd, 1, size - 1) != b"\n":  # cut short when a process was killed
            line = b"\n" + line
        if os.write(fd, line) != len(line):
            raise OSError(errno.ENOSPC, "only part of a line could be written", path)
    finally:
        os.close(fd)


def discard(folder: str, key: str) -> None:
    """Remove what is kept of a place and cannot be read."""
    for name in _names(folder):
        if name.startswith(f"{key}.") and name.endswith(".jsonl"):
            os.remove(os.path.join(folder, "forwarded", name))


def _path(folder: str, key: str) -> str:
    """The file that this machine and user appends to in this copy of the folder."""
    os.makedirs(os.path.join(folder, "forwarded"), exist_ok=True)
    stat = os.stat(os.path.join(folder, "forwarded"))
    user = os.getuid() if hasattr(os, "getuid") else 0
    here = repr((host_name(), user, stat.st_dev, stat.st_ino)).encode()
    mark = hashlib.blake2b(here, digest_size=4).hexdigest()
    return os.path.join(folder, "forwarded", f"{key}.{mark}.jsonl")


def _begin(path: str, line: bytes) -> None:
    temporary = f"{path}.{os.getpid()}.tmp"
    with open(temporary, "wb") as file:
        file.write(line)
    os.replace(temporary, path)
