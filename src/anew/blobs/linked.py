"""Files whose content is stored once: named by its hash in a folder of blobs, hard-linked to wherever it is kept.

The links are the references, and the file system counts them. A process that releases a content while another one
begins to share it takes nothing from it: whoever has a link has the bytes.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat

from ..errors import InvalidName
from .drafts import DRAFTS, open_draft
from .folder import FolderBlobs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from io import FileIO
    from typing import Any

    Signature = tuple[int, int, int, int]

__all__ = ["LinkedFiles", "hash_file", "remove_empty"]

_BLOCK = 1 << 20
_DIGITS = frozenset("0123456789abcdef")
_LEAST_TRIED, _MOST_TRIED = 1 << 20, 1 << 30  # bytes; below, a copy costs no more than a hash
_SAMPLES, _SAMPLE = 8, 4096
_MOST_KNOWN = 4096

# What this process knows of contents, and nothing relies on: by root and for all experiments, which come and go.
_verified: dict[
    Signature, str
] = {}  # stored contents that were read or written here, with their hashes
_stored_here: dict[
    tuple[str, int, bytes], bool
] = {}  # root, size and sample of what was stored here
_tried: dict[tuple[str, int], bool] = {}  # root and size of what was hashed before it was copied


class LinkedFiles:
    """Contents of files, each stored once.

    What shares a content shares its permissions too, so each mode has a copy of its own. Shared files are read-only: what
    one program wrote into its file would show in all others. Where the file system has no hard links, or another user's
    file cannot be linked to, a file keeps its bytes for itself.

    Args:
        folder: Where the contents are.
        make: Makes a folder there; `os.makedirs` if not given.
    """

    def __init__(self, folder: str, make: Callable[[str], object] | None = None) -> None:
        self._blobs = FolderBlobs(folder, durable=False)
        self._make = make

    @contextlib.contextmanager
    def draft(self, target: str) -> Iterator[tuple[FileIO, str]]:
        """A file to write that `put` moves to `target`, and its path; it is removed if that does not happen.

        It lies among the contents, where one that a killed process left is found; beside its target if that is on another
        disk.

        Raises:
            OSError: It cannot be made.
        """
        above = os.path.dirname(target)
        folder = self.drafts
        try:
            self._make_folder(DRAFTS)
            if os.lstat(folder).st_dev != os.stat(above).st_dev:
                folder = above
        except OSError:
            folder = above
        with open_draft(folder) as opened:
            yield opened

    @property
    def drafts(self) -> str:
        """The folder of the files that are on their way."""
        return os.path.join(self._blobs.root, DRAFTS)

    def link(self, source: str, target: str, mode: int) -> tuple[int, str] | None:
        """Make a new file `target` that shares the stored content that a source has too; its size and hash.

        None, and no `target`, where that cannot be or is not worth a try: then the source has to be copied. It is read
        once, as for a copy, and what is linked has the bytes that were read.

        Args:
            mode: The permissions of the target.
        """
        try:
            fd = os.open(source, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
            try:
                before = os.fstat(fd)
                if not self._is_worth_hashing(fd, before.st_size):
                    return None
                digest = _hash(fd)
                if _signature(os.fstat(fd)) != _signature(before):  # a copy has more of what is new
                    return None
            finally:
                os.close(fd)
            if self._link_stored(self._key(digest, mode), digest, before.st_size, target):
                return before.st_size, digest
        except (OSError, InvalidName):
            pass
        return None

    def share(self, digest: str, size: int, target: str, mode: int) -> bool:
        """Make a new file `target` that shares a stored content; False where there is none, or it cannot be linked to.

        Args:
            digest: The BLAKE3 of the content, in hexadecimal.
            mode: The permissions of the target.
        """
        try:
            return self._link_stored(self._key(digest, mode), digest, size, target)
        except (OSError, InvalidName):
            return False

    def put(self, finished: str, target: str, digest: str) -> bool:
        """Move a finished, read-only draft to `target`, sharing its bytes with all files of this content; whether it does.

        The target appears whole. A stored content that a power cut emptied, or that somebody changed, is replaced and
        spreads to no other file.

        Args:
            digest: The BLAKE3 of its content, in hexadecimal.

        Raises:
            OSError: It cannot be moved.
        """
        twin = f"{finished}.twin"  # the same file as the draft, so it is locked as that is
        shares = False
        try:
            about = os.lstat(finished)
            key = self._key(digest, about.st_mode)
            self._make_folder(digest[:2])
            os.link(finished, twin)
            try:
                self._blobs.upload(key, twin)
            except FileExistsError:
                if self._link_stored(key, digest, about.st_size, target):
                    os.unlink(finished)
                    self._remember(target, digest)
                    return True
                with self._blobs.local(key) as stored:
                    os.replace(twin, stored)
            shares = True
        except (OSError, InvalidName):
            pass
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(twin)
        if not _move(finished, target):
            return False
        if shares:
            self._remember(target, digest)
        return shares

    def release(self, path: str, digest: str) -> int:
        """Remove a file, and its content with the last file that has it; the bytes of disk that this gives back.

        Raises:
            FileNotFoundError: There is no such file.
            OSError: It cannot be removed, or is a folder.
        """
        about = os.lstat(path)
        os.unlink(path)
        freed = about.st_blocks * 512
        if about.st_nlink == 1:
            return freed
        # Links to it that were made meanwhile, and the last of several releases, show only now.
        with (
            contextlib.suppress(OSError, InvalidName),
            self._blobs.local(self._key(digest, about.st_mode)) as stored,
        ):
            now = os.lstat(stored)
            if os.path.samestat(now, about) and now.st_nlink == 1:
                os.unlink(stored)
                return freed
        return 0

    def _link_stored(self, key: str, digest: str, size: int, target: str) -> bool:
        """Make `target` a link to a stored content; False where it is damaged, cannot be linked to, or is not there."""
        try:
            with self._blobs.local(key) as stored:
                sound = _sound(stored, digest, size)
                if sound is None:
                    return False
                os.link(stored, target)
        except OSError:
            return False
        if _signature(os.lstat(target)) == sound:
            return True
        os.unlink(target)  # the content was replaced between the look at it and the link
        return False

    def _is_worth_hashing(self, fd: int, size: int) -> bool:
        """Whether a file may well be stored already, so that it is hashed before it is copied.

        It is if a file that looks the same was stored by this process. What other processes stored is known by its hash
        alone, so one file of each size is tried: a checkpoint of every epoch, each with bytes of its own, costs one try.
        """
        if (self._blobs.root, size, _sample(fd, size)) in _stored_here:
            return True
        if not _LEAST_TRIED <= size <= _MOST_TRIED or (self._blobs.root, size) in _tried:
            return False
        _limit(_tried)
        _tried[self._blobs.root, size] = True
        return True

    def _remember(self, path: str, digest: str) -> None:
        """Keep in mind what was just stored; without it the next save of this content reads more."""
        with contextlib.suppress(OSError), open(path, "rb", buffering=0) as file:
            signature = _signature(os.fstat(file.fileno()))
            _limit(_verified)
            _verified[signature] = digest
            _limit(_stored_here)
            size = signature[2]
            _stored_here[self._blobs.root, size, _sample(file.fileno(), size)] = True

    def _make_folder(self, name: str) -> None:
        folder = os.path.join(self._blobs.root, name)
        if self._make is not None:
            self._make(folder)
        else:
            os.makedirs(folder, exist_ok=True)

    def _key(self, digest: str, mode: int) -> str:
        """Where a content is stored; hashes come from records, so they are looked at first."""
        if len(digest) != 64 or not _DIGITS.issuperset(digest):
            raise InvalidName(f"{digest!r} is not a BLAKE3 hash in hexadecimal.", name=digest)
        return f"{digest[:2]}/{digest[2:]}-{stat.S_IMODE(mode):04o}"


def hash_file(path: str) -> str:
    """The BLAKE3 of a regular file, in hexadecimal; a link is not followed.

    Raises:
        OSError: It cannot be read, or is no regular file.
    """
    fd = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise FileNotFoundError(2, "Something else with this name exists", path)
        return _hash(fd)
    finally:
        os.close(fd)


def _hash(fd: int) -> str:
    """The BLAKE3 of an open file, from its beginning."""
    from blake3 import blake3

    digest = blake3()
    os.lseek(fd, 0, os.SEEK_SET)
    buffer = memoryview(bytearray(_BLOCK))
    while count := os.readv(fd, [buffer]):
        digest.update(buffer[:count])
    return digest.hexdigest()


def _sample(fd: int, size: int) -> bytes:
    """A short hash of a few places of a file, which tells most different files apart."""
    from blake3 import blake3

    digest = blake3()
    last = max(0, size - _SAMPLE)
    for place in range(_SAMPLES):
        digest.update(os.pread(fd, _SAMPLE, last * place // (_SAMPLES - 1)))
    return digest.digest(16)


def _signature(about: os.stat_result) -> Signature:
    """What changes when somebody changes a file. Its links change `st_ctime`, so that is no part of it."""
    return about.st_dev, about.st_ino, about.st_size, about.st_mtime_ns


def _sound(stored: str, digest: str, size: int) -> Signature | None:
    """The signature of a stored content whose bytes are right, or None; it is read unless it is as it was when it was."""
    about = os.lstat(stored)
    signature = _signature(about)
    if about.st_size != size:
        return None
    if _verified.get(signature) != digest:
        if hash_file(stored) != digest or _signature(os.lstat(stored)) != signature:
            return None
        _limit(_verified)
        _verified[signature] = digest
    return signature


def _move(finished: str, target: str) -> bool:
    """Put a draft in place; whether it could be renamed. It is copied between mounts, which may well be of one disk."""
    try:
        os.replace(finished, target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
    else:
        return True
    with open(finished, "rb") as reading, open_draft(os.path.dirname(target)) as (_, near):
        with open(near, "wb") as writing:
            while block := reading.read(_BLOCK):
                writing.write(block)
        with contextlib.suppress(OSError):  # mounted buckets have no permissions
            os.chmod(near, stat.S_IMODE(os.lstat(finished).st_mode))
        os.replace(near, target)
    return False


def _limit(known: dict[Any, Any]) -> None:
    if len(known) >= _MOST_KNOWN:
        known.clear()


def remove_empty(folder: str, above: str) -> None:
    """Remove a folder and those around it as long as they are empty, up to the one `above`, which stays."""
    while folder.startswith(above + os.sep):
        try:
            os.rmdir(folder)
        except OSError:
            return
        folder = os.path.dirname(folder)
