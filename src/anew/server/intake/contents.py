"""ArrivedAnswer of files: pieces that arrive, and the names that they get once they were verified."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Iterator

from blake3 import blake3

from ...blobs.linked import LinkedFiles, hash_file
from ...journal.layout import RootLayout
from ...journal.root import make_private
from ...sync.wire import Accepted, Arrived, PieceRequest
from .segments import append_at, unpacked

__all__ = ["Arrivals", "is_hash", "place"]

_DIGITS = frozenset("0123456789abcdef")
_WHOLE = ".whole"
_KEPT = 7 * 86400.0
"""Seconds that a content which is not complete is kept after its last piece."""
_MOST_GIVEN = 200_000


def is_hash(text: str) -> bool:
    """Whether a text is a BLAKE3 in hexadecimal."""
    return len(text) == 64 and _DIGITS.issuperset(text)


class Arrivals:
    """ArrivedAnswer that have arrived, in part or whole, and have no name yet. Any thread may use it.

    Each sender has files of their own: what one of them sends can spoil nothing of another's. Who has sent a content
    may name it again without sending it; to others its hash alone gives nothing.
    """

    def __init__(self, root: RootLayout) -> None:
        self._root = root
        self.stored = LinkedFiles(root.contents, lambda folder: make_private(root, folder))
        self._given: set[tuple[str, str]] = set()
        self._guard = threading.Lock()

    def gave(self, sender: str, content: str) -> bool:
        """Whether somebody has sent a content since the server started."""
        return (sender, content) in self._given

    def note(self, sender: str, content: str) -> None:
        """Remember that somebody has sent a content."""
        with self._guard:
            if len(self._given) >= _MOST_GIVEN:
                self._given.clear()
            self._given.add((sender, content))

    def progress(self, sender: str, content: str) -> Arrived:
        """How much has arrived."""
        if not is_hash(content):
            return Arrived()
        path = self._path(sender, content)
        for at, whole in ((path + _WHOLE, True), (path, False)):
            with contextlib.suppress(OSError):
                return Arrived(size=os.lstat(at).st_size, whole=whole)
        return Arrived()

    def receive(self, sender: str, request: PieceRequest) -> Accepted:
        """Take a piece; the last one completes the content, which is then verified.

        Raises:
            OSError: It cannot be written.
        """
        if not is_hash(request.hash):
            return Accepted(status="refused", reason="the hash is no BLAKE3 in hexadecimal")
        if not 0 <= request.offset <= request.total < 1 << 50:
            return Accepted(status="refused", reason="the piece lies outside of the content")
        data = unpacked(request.data, request.coding, request.check)
        if data is None or request.offset + len(data) > request.total:
            return Accepted(status="damaged")
        make_private(self._root, self._root.uploads)
        path = self._path(sender, request.hash)
        if os.path.lexists(path + _WHOLE):
            return Accepted(status="ok", size=request.total)
        outcome = append_at(path, request.offset, data)
        if outcome.status in ("diverged", "gone") or outcome.size > request.total:
            with contextlib.suppress(
                FileNotFoundError
            ):  # the file changed on its way: from the start
                os.unlink(path)
            return Accepted(status="gap", size=0)
        if outcome.status == "gap" or outcome.size < request.total:
            return Accepted(status="gap" if outcome.status == "gap" else "ok", size=outcome.size)
        if hash_file(path) != request.hash:
            os.unlink(path)
            return Accepted(status="damaged", size=0)
        os.replace(path, path + _WHOLE)
        return Accepted(status="ok", size=request.total)

    @contextlib.contextmanager
    def taken(
        self, sender: str, content: str, size: int, data: bytes | None
    ) -> Iterator[str | None]:
        """A path under which a content lies that has arrived or is given; None if it has not, or is not what it should be.

        Whoever uses it may move the file away; what was given and stays is removed.
        """
        if data is None:
            path = self._path(sender, content) + _WHOLE
            yield path if os.path.isfile(path) and os.lstat(path).st_size == size else None
            return
        if len(data) != size or blake3(data).hexdigest() != content:
            yield None
            return
        make_private(self._root, self._root.uploads)
        path = os.path.join(self._root.uploads, f"{os.urandom(8).hex()}.part")
        try:
            with open(path, "xb") as file:
                file.write(data)
            yield path
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)

    def unfinished(self) -> tuple[int, int]:
        """How many contents have arrived in part, and how many bytes of them."""
        found = []
        with contextlib.suppress(OSError), os.scandir(self._root.uploads) as entries:
            for entry in entries:
                with contextlib.suppress(OSError):
                    if not entry.name.endswith(_WHOLE):
                        found.append(entry.stat(follow_symlinks=False).st_size)
        return len(found), sum(found)

    def tidy(self, now: float | None = None) -> None:
        """Remove what was left unfinished long ago."""
        now = time.time() if now is None else now
        with contextlib.suppress(OSError), os.scandir(self._root.uploads) as entries:
            for entry in entries:
                if now - entry.stat(follow_symlinks=False).st_mtime > _KEPT:
                    with contextlib.suppress(OSError):
                        os.unlink(entry.path)

    def _path(self, sender: str, content: str) -> str:
        mark = blake3(sender.encode(errors="surrogatepass")).hexdigest()[:8]
        return os.path.join(self._root.uploads, f"{content}-{mark}")


def place(
    stored: LinkedFiles, source: str, target: str, content: str, *, mode: int, shared: bool
) -> None:
    """Move a verified file to a name, which has it whole or not at all.

    Args:
        shared: Whether its bytes are stored once for all files of this content.
    """
    os.chmod(source, mode)
    if shared:
        stored.put(source, target, content)
    else:
        os.replace(source, target)
