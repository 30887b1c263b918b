"""Sending the files of experiments that are no segments: logged files, values, captures, documents, sealed parts."""

from __future__ import annotations

import contextlib
import os
import stat
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from blake3 import blake3

from ..blobs.linked import hash_file
from ..journal.belongings import files_of
from .local import Local
from .server import Receiver
from .wire import Kept, Named

__all__ = ["FileSender", "Found", "files_in"]

_FOLDERS = ("files", "values", "environment", "openings")
_DOCUMENTS = ("config.yaml", "params.json", "FAILED.txt", "reproduce.sh", "metadata.json")
_INLINE = 64 << 10
"""Bytes up to which a content goes along with its name."""
_MOST_INLINE = 4 << 20
_PIECE = 4 << 20
_MOST_NAMES = 1_000
_TRIES = 5
_REMEMBERED = 200_000


class Found(NamedTuple):
    """A file here: its path in the experiment's folder and on this machine, bytes, and what changes with it."""

    path: str
    full: str
    size: int
    mark: tuple[int, int, int]
    executable: bool

    def is_unchanged(self) -> bool:
        """Whether it is still what was found."""
        return next(_found(self.path, self.full), None) == self


def files_in(local: Local) -> Iterator[Found]:
    """The files of an experiment that are no segments; links are passed over."""
    if local.share is not None:
        for full in files_of(local.folder, local.share):
            path = os.path.relpath(full, local.folder).replace(os.sep, "/")
            if path.partition("/")[0] in _FOLDERS:
                yield from _found(path, full)
        return
    for top in _FOLDERS:
        begin = os.path.join(local.folder, top)
        if os.path.islink(begin):
            continue
        for at, _, names in os.walk(begin):
            for name in names:
                full = os.path.join(at, name)
                yield from _found(os.path.relpath(full, local.folder).replace(os.sep, "/"), full)
    for name in _DOCUMENTS:
        yield from _found(name, os.path.join(local.folder, name))


def _found(path: str, full: str) -> Iterator[Found]:
    with contextlib.suppress(OSError):
        about = os.lstat(full)
        if stat.S_ISREG(about.st_mode) and not path.endswith(".part"):
            mark = (about.st_ino, about.st_size, about.st_mtime_ns)
            yield Found(path, full, about.st_size, mark, bool(about.st_mode & 0o100))


class FileSender:
    """Sends files: small ones along with their names, many in one request; large ones in pieces before.

    Attributes:
        stop: Asked between requests.
        told: Called with the bytes of contents that were sent.
    """

    def __init__(self, server: Receiver) -> None:
        self._server = server
        self.stop: Callable[[], bool] = lambda: False
        self.told: Callable[[int], object] = lambda sent: None
        self._hashes: dict[tuple[int, int, int], str] = {}
        self._sent: set[str] = set()
        self._done: set[tuple[str, str, tuple[int, int, int]]] = set()

    def is_done(self, local: Local, file: Found) -> bool:
        """Whether this very file of an experiment has arrived."""
        return (local.id, file.path, file.mark) in self._done

    def forget(self, experiment_id: str) -> None:
        """Send all files of an experiment again: the server may have lost some."""
        self._done = {one for one in self._done if one[0] != experiment_id}

    def short(self, file: Found) -> Named | None:
        """A short file with its content, or without it where the server has that; None if it is gone, or long."""
        return self._named(file) if file.size <= _INLINE else None

    def arrived(self, local: Local, files: Iterable[Found], names: Iterable[Named]) -> None:
        """Remember that these files of an experiment have arrived."""
        for file, named in zip(files, names, strict=True):
            self._sent.add(named.hash)
            self._note_done(local, file)

    def send(
        self, files: Sequence[tuple[Local, Found]]
    ) -> Iterator[tuple[Local, Found, Kept | None]]:
        """Send files, and tell what became of each; None for one that is gone or was not sent because it is to stop.

        Raises:
            OSError: The server cannot be reached, or cannot write.
        """
        waiting = deque(files)
        while waiting:
            if self.stop():
                yield from ((local, file, None) for local, file in waiting)
                return
            batch: list[tuple[Local, Found, Named]] = []
            inline = 0
            while waiting and len(batch) < _MOST_NAMES and inline < _MOST_INLINE:
                local, file = waiting.popleft()
                named = self._named(file)
                if named is None:
                    yield local, file, None
                    continue
                inline += len(named.data or b"")
                batch.append((local, file, named))
            for (local, file, named), kept in zip(batch, self._name(batch), strict=True):
                if kept.status == "missing":
                    large = self._large(local, file, named)
                    if large is not None and large.status == "ok":
                        self._note_done(local, file)
                    yield local, file, large
                    continue
                if kept.status == "ok":
                    self._sent.add(named.hash)
                    self.told(len(named.data or b""))
                    self._note_done(local, file)
                yield local, file, kept

    def content(self, full: str, content: str, size: int) -> Kept | None:
        """Send a content that gets no name: a path here, its BLAKE3 and its bytes; what is wrong, if anything is.

        One that was sent in part goes on from there. When it is to stop, it returns before all has arrived.
        """
        nameless = Found("", full, size, (0, 0, 0), False)
        return self._pieces(nameless, Named(path="", hash=content, size=size))

    def _name(self, batch: Sequence[tuple[Local, Found, Named]]) -> list[Kept]:
        """What becomes of names, in their order; those of one experiment go together."""
        by_id: dict[str, list[int]] = {}
        for number, (local, _, _) in enumerate(batch):
            by_id.setdefault(local.id, []).append(number)
        answers = self._server.name(
            list(by_id), [[batch[number][2] for number in numbers] for numbers in by_id.values()]
        )
        found: list[Kept] = [Kept(status="unknown")] * len(batch)
        for numbers, kept in zip(by_id.values(), answers, strict=True):
            for number, one in zip(numbers, kept, strict=True):
                found[number] = one
        return found

    def _named(self, file: Found) -> Named | None:
        """A file by its content; None if it is gone, or changes just now."""
        try:
            known = self._hashes.get(file.mark)
            is_document = file.path in _DOCUMENTS
            if (known is None or known not in self._sent or is_document) and file.size <= _INLINE:
                data = _read(file.full, _INLINE)
                content = blake3(data).hexdigest()
                self._note(file, content)
                if len(data) != file.size:
                    return None
                again = content in self._sent and not is_document
                return Named(
                    path=file.path, hash=content, size=file.size, executable=file.executable, data=None if again else data
                )  # fmt: skip
            if known is None:
                known = hash_file(file.full)
                self._note(file, known)
        except OSError:
            return None
        return Named(path=file.path, hash=known, size=file.size, executable=file.executable)

    def _note_done(self, local: Local, file: Found) -> None:
        if len(self._done) >= _REMEMBERED:
            self._done.clear()
        self._done.add((local.id, file.path, file.mark))

    def _note(self, file: Found, content: str) -> None:
        if len(self._hashes) >= _REMEMBERED:
            self._hashes.clear()
        self._hashes[file.mark] = content

    def _large(self, local: Local, file: Found, named: Named) -> Kept | None:
        """Send a content in pieces, then name it; one that was sent in part goes on from there."""
        if file.size <= _INLINE or file.path in _DOCUMENTS:
            try:
                data = _read(file.full, _PIECE)
            except OSError:
                return None
            if len(data) < _PIECE:
                whole = Named(
                    path=named.path, hash=named.hash, size=named.size, executable=named.executable, data=data
                )  # fmt: skip
                return self._name([(local, file, whole)])[0]
        kept = self._pieces(file, named)
        if kept is not None:
            return kept
        if self.stop():
            return None
        return self._name([(local, file, named)])[0]

    def _pieces(self, file: Found, named: Named) -> Kept | None:
        """Send the pieces that the server does not have; what is wrong with the content, if anything is."""
        there = self._server.arrived(named.hash)
        at, tries = there.size, 0
        if there.whole:
            return None
        while at < named.size and tries < _TRIES:
            if self.stop():
                return None
            try:
                with open(file.full, "rb") as opened:
                    opened.seek(at)
                    data = opened.read(_PIECE)
            except OSError:
                data = b""
            if not data:
                return Kept(status="damaged", reason="it changed while it was sent")
            answer = self._server.piece(named.hash, named.size, at, data)
            if answer.status == "ok":
                self.told(len(data))
                at = answer.size
            elif answer.status in ("gap", "damaged"):
                if answer.size < at:
                    self._hashes.pop(file.mark, None)
                tries += 1
                at = answer.size if answer.status == "gap" else 0
            else:
                return Kept(status="refused", reason=answer.reason)
        if at < named.size:
            return Kept(status="damaged", reason="it changed while it was sent")
        return None


def _read(full: str, most: int) -> bytes:
    fd = os.open(full, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    with open(fd, "rb") as file:
        return file.read(most + 1)
