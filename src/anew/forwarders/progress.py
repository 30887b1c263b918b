"""How far an experiment has come to each place it is forwarded to: `forwarded/<place>.json` in its folder."""

from __future__ import annotations

import hashlib
import json
import os
import re
import time
from typing import Any

import msgspec

from ..errors import CorruptData, UnknownFormat
from ..journal.follow import Cursor, Position
from .address import Address

__all__ = ["Pending", "Progress", "key_of", "path_of", "read_all", "read_progress", "save"]

VERSION = 1
MOST_REASONS = 50


class Pending(msgspec.Struct, frozen=True):
    """The piece that was offered and may or may not have arrived: of `path`, up to `end`."""

    path: str
    end: Position


class Progress(msgspec.Struct, kw_only=True):
    """What has arrived at one place.

    `to` is the address without passwords; `cursor` and `lines` tell what arrived for good, `memo` is the target's own;
    `records` and `points` count what it took, `refused` what it had no place for, by reason. `told` is the status
    that the run there was last given. `error` is why nothing went on since `error_at`.
    """

    version: int = VERSION
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
    updated_at: float = 0.0

    def refuse(self, reason: str) -> None:
        """Count a record that the target has no place for."""
        if reason not in self.refused and len(self.refused) >= MOST_REASONS:
            reason = "for other reasons"
        self.refused[reason] = self.refused.get(reason, 0) + 1


_decoder = msgspec.json.Decoder(Progress)


def key_of(address: Address) -> str:
    """What the place is called in file names: its kind, and a mark where more is given."""
    shown = address.shown()
    if len(shown) == 1:
        return address.kind
    mark = hashlib.sha256(json.dumps(shown, sort_keys=True).encode()).hexdigest()[:8]
    return f"{address.kind}-{mark}"


def path_of(folder: str, key: str) -> str:
    """Where the progress to a place is kept."""
    return os.path.join(folder, "forwarded", f"{key}.json")


def read_progress(folder: str, key: str) -> Progress | None:
    """The progress to one place; None if nothing was ever sent there.

    Raises:
        CorruptData: The file is not what it should be.
        UnknownFormat: A newer version wrote it.
    """
    path = path_of(folder, key)
    try:
        with open(path, "rb") as file:
            found = _decoder.decode(file.read())
    except FileNotFoundError:
        return None
    except msgspec.MsgspecError as error:
        raise CorruptData(
            f"{path} does not say how far forwarding has come: {error}. anew forward --afresh sends everything again.",
            path=path,
        ) from error
    if found.version > VERSION:
        raise UnknownFormat(f"{path} was written by a newer version; upgrade Anew.")
    return found


def read_all(folder: str) -> dict[str, Progress]:
    """The progress to every place the experiment was forwarded to, by the place's key."""
    try:
        names = sorted(os.listdir(os.path.join(folder, "forwarded")))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    found = {}
    for name in names:
        if re.fullmatch(r"[a-z]+(-[0-9a-f]{8})?\.json", name):
            progress = read_progress(folder, name[:-5])
            if progress is not None:
                found[name[:-5]] = progress
    return found


def save(folder: str, key: str, progress: Progress) -> None:
    """Write the progress, whole or not at all."""
    progress.updated_at = time.time()
    path = path_of(folder, key)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    temporary = f"{path}.{os.getpid()}.tmp"
    with open(temporary, "wb") as file:
        file.write(msgspec.json.encode(progress))
    os.replace(temporary, path)
