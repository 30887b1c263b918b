"""Sending the weights of experiments: objects that the server lacks, in packs, then the branch that leads to them."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ..blobs.folder import FolderBlobs
from ..blobs.linked import hash_file
from ..errors import AnewError
from ..journal.layout import RootLayout
from .server import Receiver
from .wire import Kept

if TYPE_CHECKING:
    from ..weights.history import History
    from ..weights.pack import Record

__all__ = ["Came", "WeightsSender"]

_BRANCHES = "experiments/"
_PACK, _RAW = 32 << 20, 512 << 20
"""Bytes of objects in one pack, as they are stored and as they are: a transfer that is cut goes on within it."""
_ASKED = 2_000
SendContent = Callable[[str, str, int], Kept | None]
Located = tuple[bytes, "Record"]


class Came(NamedTuple):
    """What came of the weights of an experiment: nothing more, if they have arrived.

    `conflict` is whether others are there that these do not follow; `refused` and `behind` say why they are not there.
    """

    id: str
    conflict: bool = False
    refused: str = ""
    behind: str = ""


class WeightsSender:
    """Sends the branches of experiments to one server. For one thread at a time.

    Args:
        root: The root whose repository of weights is sent.
    """

    def __init__(self, root: RootLayout, server: Receiver) -> None:
        self._root = root
        self._server = server
        self._history: History | None = None
        self._here: dict[str, str] = {}
        self._arrived: dict[str, str] = {}

    def begin(self, ids: Collection[str] | None = None) -> None:
        """Look which versions there are now, of some experiments or of all.

        Only branches are read: what opening the repository costs is paid when something is sent.

        Raises:
            AnewError: A branch cannot be read.
        """
        self._here = {}
        if not os.path.isdir(self._root.weights):
            return
        from ..weights.refs import HEADS, RefStore

        heads = RefStore(FolderBlobs(self._root.weights, durable=False), HEADS)
        if ids is None:
            found = heads.commits()
        else:
            names = [f"{_BRANCHES}{one}" for one in ids]
            found = {name: at for name in names if (at := heads.read(name).commit) is not None}
        self._here = {
            name[len(_BRANCHES) :]: commit
            for name, commit in found.items()
            if name.startswith(_BRANCHES)
        }

    def forget(self) -> None:
        """Ask the server again what it has."""
        self._arrived.clear()

    def has(self, experiment_id: str) -> bool:
        """Whether an experiment has weights here."""
        return experiment_id in self._here

    def send(
        self, ids: Collection[str], content: SendContent, stop: Callable[[], bool]
    ) -> Iterator[Came]:
        """Send the weights of some experiments that have not arrived.

        Args:
            content: Sends a file, given its path, its BLAKE3 and its bytes; None once it has arrived, or what is wrong.
            stop: Asked between packs.

        Raises:
            OSError: The server cannot be reached, or cannot write.
        """
        for experiment_id in self._new(ids):
            try:
                kept = self._send(experiment_id, content, stop)
            except AnewError as error:
                if isinstance(error, OSError):
                    raise
                yield Came(experiment_id, behind=f"its weights have not arrived: {error}")
                continue
            if kept is None or kept.status in ("missing", "unknown"):
                yield Came(experiment_id, behind="its weights have not arrived")
            elif kept.status in ("ok", "diverged"):
                yield Came(experiment_id, conflict=kept.status == "diverged")
            else:
                yield Came(experiment_id, refused=f"weights: {kept.reason}")

    def _new(self, ids: Collection[str]) -> list[str]:
        """Those of some experiments that have weights which may not have arrived."""
        wanted = [
            one for one in ids if one in self._here and self._arrived.get(one) != self._here[one]
        ]
        found = []
        for start in range(0, len(wanted), _ASKED):
            some = wanted[start : start + _ASKED]
            for one, there in zip(some, self._server.branches(some), strict=True):
                if there.status == "ok" and self._here[one] in there.commits:
                    self._arrived[one] = self._here[one]
                else:
                    found.append(one)
        return found

    def _send(
        self, experiment_id: str, content: SendContent, stop: Callable[[], bool]
    ) -> Kept | None:
        """Send the weights of an experiment; None if it is to stop.

        Raises:
            AnewError: What is here is damaged.
        """
        history, commit = self._opened(), self._here[experiment_id]
        history.objects.refresh()
        for records in self._packs(history, experiment_id, commit):
            kept = None if stop() else self._send_pack(history, experiment_id, records, content)
            if kept is not None or stop():
                return kept
        kept = self._server.move_branch(experiment_id, commit)
        if kept.status in ("ok", "diverged"):
            self._arrived[experiment_id] = commit
        return kept

    def _opened(self) -> History:
        if self._history is None:
            from ..weights.repository import Repository

            self._history = Repository(self._root.weights).history
        return self._history

    def _packs(self, history: History, experiment_id: str, commit: str) -> Iterator[list[Located]]:
        """What the server lacks, a pack at a time; what an object builds on comes before it."""
        from ..weights.reach import reach

        found = reach(history, [commit])
        if found.missing or found.unreadable:
            raise AnewError(
                "some of its weights are damaged here; `anew weights fsck` lists what is lost"
            )
        keys = found.in_order()
        some: list[Located] = []
        stored = raw = 0
        for start in range(0, len(keys), _ASKED):
            for key in self._server.lacking(experiment_id, keys[start : start + _ASKED]):
                located = history.objects.find(key)
                if located is None:
                    continue
                some.append((key, located[1]))
                stored += located[1].stored
                raw += located[1].raw
                if stored >= _PACK or raw >= _RAW:
                    yield some
                    some, stored, raw = [], 0, 0
        if some:
            yield some

    def _send_pack(
        self, history: History, experiment_id: str, records: Sequence[Located], content: SendContent
    ) -> Kept | None:
        """Send some objects; None once the server has them. The same objects make the same pack, so a cut one goes on."""
        kept: Kept | None = None
        for plain in (False, True):  # what they build on may be stored in another way there
            with tempfile.TemporaryDirectory(prefix="anew-weights-") as folder:
                path = os.path.join(folder, "pack")
                _write_pack(history, path, records, plain=plain)
                size, digest = os.stat(path).st_size, hash_file(path)
                kept = content(path, digest, size)
            if kept is None:
                kept = self._server.take_pack(experiment_id, digest, size)
            if kept.status != "damaged":
                break
        return None if kept is None or kept.status == "ok" else kept


def _write_pack(history: History, path: str, records: Sequence[Located], *, plain: bool) -> None:
    """Write a pack with some objects, as they are stored here; `plain` makes no block a difference to another."""
    import numpy as np

    from ..weights.codec import RAW
    from ..weights.pack import NO_BASE, PackWriter

    writer = PackWriter(Path(path))
    try:
        for key, found in records:
            if plain and found.is_delta:
                block = np.empty(found.raw, np.uint8)
                history.objects.read_block(key, block, "A transfer")
                payload = bytes((RAW, 1)) + block.tobytes()
                base, depth, record = NO_BASE, 0, found
            else:
                _, record, payload = history.objects.payload(key, "A transfer")
                base, depth = record.base, record.depth
            writer.add(key, payload, raw=record.raw, kind=record.kind, base=base, depth=depth)
        writer.finish()
    except BaseException:
        writer.abandon()
        raise
