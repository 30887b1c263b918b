"""Branches and tags: names that move, compare-and-swap, without a lock.

A ref is a folder of numbered versions, `refs/heads/main/000000000007`; the highest number is what
it says now. Moving it creates the next number with put-if-absent, so of two processes that read
version 7 exactly one makes version 8; the other is told, reads again and decides again. The same
works on a file system and on every object store. The older versions are the ref's history.
"""

from __future__ import annotations

import json
import secrets
import time
from dataclasses import dataclass

from anew.blobs.protocol import Blobs
from anew.errors import CorruptData
from anew.record.names import natural
from anew.record.plain import parse_json
from anew.weights.names import to_folder, to_name

__all__ = ["HEADS", "TAGS", "Ref", "RefStore"]

HEADS = "refs/heads"
TAGS = "refs/tags"

# How many versions of a ref are kept, and for how long all are (seconds): a writer that was asleep
# since it read the ref must find its number taken, so a number may only go when that is over.
_KEPT = 256
_KEPT_FOR = 3600.0


@dataclass(frozen=True, slots=True)
class Ref:
    """What a ref says. Version 0: it never existed. `commit` None: it was deleted."""

    name: str
    version: int
    commit: str | None
    time: float = 0.0
    reason: str = ""
    message: str = ""


class RefStore:
    """The branches (`HEADS`) or tags (`TAGS`) of a repository."""

    def __init__(self, blobs: Blobs, folder: str) -> None:
        self._blobs = blobs
        self._folder = folder

    def read(self, name: str) -> Ref:
        """What the ref says now."""
        return self._latest(name, self._blobs.keys(f"{self._folder}/{to_folder(name)}"))

    def all(self) -> dict[str, Ref]:
        """Every ref that is set, by name, sorted."""
        by_name: dict[str, list[str]] = {}
        for path in self._blobs.keys(self._folder):
            by_name.setdefault(to_name(path.split("/")[-2]), []).append(path)
        refs = {name: self._latest(name, by_name[name]) for name in sorted(by_name)}
        return {name: ref for name, ref in refs.items() if ref.commit is not None}

    def commits(self) -> dict[str, str]:
        """The commit that every ref is at, by the ref's name."""
        return {name: str(ref.commit) for name, ref in self.all().items()}

    def move(self, seen: Ref, commit: str | None, *, reason: str, message: str = "") -> Ref | None:
        """Make the ref say `commit`, if it still is as `seen`; None if somebody else moved it."""
        new = Ref(seen.name, seen.version + 1, commit, time.time(), reason, message)
        body = {
            "commit": commit,
            "time": new.time,
            "reason": reason,
            "message": message,
            # Two writers never write the same bytes, so a bucket can tell whose put it was.
            "nonce": secrets.token_hex(8),
        }
        data = json.dumps(body).encode()
        if not self._blobs.create(self._path(seen.name, new.version), data):
            return None
        if new.version % (_KEPT // 4) == 0:
            self.trim(seen.name)
        return new

    def history(self, name: str) -> list[Ref]:
        """The versions of the ref that are kept, newest first."""
        paths = self._blobs.keys(f"{self._folder}/{to_folder(name)}")
        versions = sorted((_version(path) for path in paths), reverse=True)
        return [self._load(name, version) for version in versions]

    def trim(self, name: str, *, older_than: float = _KEPT_FOR) -> None:
        """Forget old versions; the newest is always kept, and no number is ever used again."""
        kept = sorted(self._blobs.list(f"{self._folder}/{to_folder(name)}"))
        before = time.time() - older_than
        for blob in kept[:-_KEPT]:
            if blob.modified < before:
                self._blobs.delete(blob.key)

    def _latest(self, name: str, paths: list[str]) -> Ref:
        # Numbers have one length, so the last name is the newest version.
        version = _version(max(paths, default=""))
        return self._load(name, version) if version else Ref(name, 0, None)

    def _load(self, name: str, version: int) -> Ref:
        path = self._path(name, version)
        data = self._blobs.read(path)
        try:
            body = parse_json(data)
            return Ref(
                name, version, body["commit"], body["time"], body["reason"], body.get("message", "")
            )
        except (ValueError, KeyError, TypeError) as error:
            raise CorruptData(
                f"{path} of {self._blobs.url} cannot be read, so it is not known where {name!r} points: {error!r}. Delete the file to return to the previous version, or set the ref again.",
                path=path,
            ) from error

    def _path(self, name: str, version: int) -> str:
        return f"{self._folder}/{to_folder(name)}/{version:012d}"


def _version(path: str) -> int:
    return natural(path.rsplit("/", 1)[-1], 12) or 0
