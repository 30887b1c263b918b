"""How a repository that a server keeps looks to `Repository`.

Branches and tags are shown as the blobs that a reader expects; the objects themselves come one by one, whole and plain.
Nothing can be written: weights arrive on a server with the experiments that committed them.
"""

from __future__ import annotations

import builtins
import json
import os
import threading
from collections import OrderedDict
from collections.abc import Iterator
from typing import NoReturn

import numpy as np

from anew.blobs.blob import Blob, Data
from anew.blobs.keys import check_folder, check_key
from anew.errors import CorruptData, InvalidSetting, NotFound
from anew.weights.codec import RAW, Bytes
from anew.weights.elsewhere import Elsewhere, Given
from anew.weights.names import to_folder
from anew.weights.objects import Objects, frame
from anew.weights.opening import FORMAT, KIND, VERSION
from anew.weights.pack import BLOCK, COMMIT, NO_BASE, TREE, Record, check_of
from anew.weights.records import digest
from anew.weights.refs import HEADS, TAGS

__all__ = ["FetchedObjects", "ShownBlobs"]

_HELD = 256
_FIRST = f"{1:012d}"


class ShownBlobs:
    """The small blobs of a repository elsewhere; see `anew.blobs.protocol.Blobs`. There are no packs, and nothing can be written."""

    def __init__(self, source: Elsewhere) -> None:
        self._source = source
        self.url = source.where
        self.durable = False
        self._last: dict[str, bytes] = {}

    def read(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        """See `Blobs.read`."""
        check_key(key)
        found = self._last.get(key)  # as it was listed: who reads branches lists them first
        if found is None:
            found = self._blobs().get(key)
        if found is None:
            raise FileNotFoundError(2, "There is no such blob", key)
        return found[start:] if length is None else found[start : start + length]

    def tail(self, key: str, length: int) -> tuple[bytes, int]:
        """See `Blobs.tail`."""
        data = self.read(key)
        return data[max(0, len(data) - length) :], len(data)

    def size(self, key: str) -> int:
        """See `Blobs.size`."""
        return len(self.read(key))

    def local(self, key: str) -> NoReturn:
        """See `Blobs.local`."""
        self._refuse()

    def list(self, folder: str = "") -> builtins.list[Blob]:
        """See `Blobs.list`."""
        check_folder(folder)
        begin = f"{folder}/" if folder else ""
        return [
            Blob(key, len(data), 0.0)
            for key, data in self._blobs().items()
            if key.startswith(begin)
        ]

    def keys(self, folder: str = "") -> builtins.list[str]:
        """See `Blobs.keys`."""
        return [blob.key for blob in self.list(folder)]

    def is_empty(self) -> bool:
        """See `Blobs.is_empty`."""
        return not self._blobs()

    def create(self, key: str, data: Data) -> bool:
        """See `Blobs.create`."""
        self._refuse()

    def replace(self, key: str, data: Data, *, lasting: bool = True) -> None:
        """See `Blobs.replace`."""
        self._refuse()

    def upload(self, key: str, source: str | os.PathLike[str]) -> None:
        """See `Blobs.upload`."""
        self._refuse()

    def delete(self, key: str) -> None:
        """See `Blobs.delete`."""
        self._refuse()

    def scratch(self) -> str:
        """See `Blobs.scratch`."""
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise _refused(self.url)

    def _blobs(self) -> dict[str, bytes]:
        try:
            shown = self._source.shown()
        except NotFound:
            return {}
        about = {"format": KIND, "version": VERSION, "block_size": shown.block_size}
        blobs = {FORMAT: json.dumps(about).encode()}
        if shown.head:
            blobs["HEAD"] = json.dumps({"branch": shown.head}).encode()
        for folder, refs in ((HEADS, shown.branches), (TAGS, shown.tags)):
            for name, commit in refs.items():
                body = {"commit": commit, "time": 0.0, "reason": "shown"}
                blobs[f"{folder}/{to_folder(name)}/{_FIRST}"] = json.dumps(body).encode()
        self._last = blobs
        return blobs


class FetchedObjects(Objects):
    """The objects of a repository elsewhere, each fetched when it is read, and verified."""

    def __init__(self, source: Elsewhere, block_size: int) -> None:
        super().__init__(ShownBlobs(source))
        self._source = source
        self._block_size = block_size
        self._held: OrderedDict[bytes, Given] = OrderedDict()
        self._guard = threading.Lock()

    def refresh(self) -> None:
        """Nothing is kept that could be old."""

    def tidy(self, *, force: bool = False) -> None:
        """Nothing is kept that could be tidied."""

    def find(
        self, key: bytes, *, avoid: set[str] | frozenset[str] = frozenset()
    ) -> tuple[str, Record] | None:
        """See `Objects.find`: whether it is there shows when it is read, so its size is that of a whole block."""
        size = self._block_size
        return "", Record(key, NO_BASE, b"", 0, size, size, BLOCK, 0)

    def packs(self) -> set[str]:
        """See `Objects.packs`: whoever looks after a repository needs its packs."""
        raise _refused(self._source.where)

    def records(self) -> Iterator[tuple[str, Record]]:
        """See `Objects.records` and `packs`."""
        raise _refused(self._source.where)

    def keys_starting(self, prefix: str) -> list[bytes]:
        """See `Objects.keys_starting`."""
        return [bytes.fromhex(one) for one in self._source.starting(prefix)]

    def read_small(self, key: bytes, what: str) -> bytes:
        """See `Objects.read_small`."""
        return self._given(key, what).data

    def read_block(self, key: bytes, out: Bytes, what: str) -> None:
        """See `Objects.read_block`."""
        given = self._given(key, what, hold=False)
        if len(given.data) != len(out):
            raise CorruptData(
                f"{what} cannot be restored: {self._source.where} gave another length."
            )
        out[:] = np.frombuffer(given.data, np.uint8)

    def payload(self, key: bytes, what: str) -> tuple[str, Record, bytes]:
        """See `Objects.payload`: as a block that is stored as it is."""
        given = self._given(key, what, hold=False)
        if given.kind == BLOCK:
            stored = bytes((RAW, 1)) + given.data
        else:
            stored = frame(given.data)
        record = Record(
            key, NO_BASE, check_of(stored), 0, len(stored), len(given.data), given.kind, 0
        )
        return "", record, stored

    def _given(self, key: bytes, what: str, *, hold: bool = True) -> Given:
        with self._guard:
            found = self._held.get(key)
        if found is None:
            try:
                found = self._source.objects([key])[0]
            except NotFound:
                raise NotFound(
                    f"{what} needs the object {key.hex()[:12]}, which {self._source.where} does not have, or does not show you.",
                    name=key.hex(),
                ) from None
            if hold and found.kind in (TREE, COMMIT):
                self._keep(key, found)
        if digest(found.data) != key:
            raise CorruptData(
                f"{what}: what {self._source.where} gave for {key.hex()[:12]} is damaged."
            )
        return found

    def _keep(self, key: bytes, given: Given) -> None:
        with self._guard:
            self._held[key] = given
            while len(self._held) > _HELD:
                self._held.popitem(last=False)


def _refused(where: str) -> InvalidSetting:
    return InvalidSetting(
        f"The weights at {where} can only be read from here. What an experiment commits arrives there by itself, or with "
        "`anew sync`; to set branches and tags, to check or to free something, use `anew weights` on the machine of the server.",
        setting="root",
    )
