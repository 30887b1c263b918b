"""Files whose content is stored once: named by its hash in a folder of blobs, hard-linked to wherever it is kept.

The links are the references, and the file system counts them. A process that releases a content while another one
begins to share it takes nothing from it: whoever has a link has the bytes.
"""

from __future__ import annotations

import contextlib
import os
import stat

from ..errors import InvalidName
from .folder import FolderBlobs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["LinkedFiles", "hash_file", "remove_empty"]

_BLOCK = 1 << 20
_DIGITS = frozenset("0123456789abcdef")


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

    def share(self, path: str, digest: str) -> bool:
        """Have a finished, read-only file share its bytes with all others of this content; whether it does.

        The file is there and whole at every moment. A stored content is read before it is relied on: one that a power
        cut emptied, or that somebody changed, is replaced and spreads to no other file.

        Args:
            digest: The BLAKE3 of its content, in hexadecimal.
        """
        twin = f"{path}.{os.urandom(6).hex()}.part"
        try:
            key = self._key(digest, os.lstat(path))
            if self._make is not None:
                self._make(os.path.join(self._blobs.root, digest[:2]))
            os.link(path, twin)
            try:
                self._blobs.upload(key, twin)
            except FileExistsError:
                with self._blobs.local(key) as stored:
                    self._adopt(stored, path, twin, digest)
            return True
        except (OSError, InvalidName):
            return False
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(twin)

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
            self._blobs.local(self._key(digest, about)) as stored,
        ):
            now = os.lstat(stored)
            if os.path.samestat(now, about) and now.st_nlink == 1:
                os.unlink(stored)
                return freed
        return 0

    def _adopt(self, stored: str, path: str, twin: str, digest: str) -> None:
        """Give a file the stored bytes; where those are damaged, or have as many links as there can be, store its own."""
        if os.path.getsize(stored) == os.path.getsize(path) and hash_file(stored) == digest:
            linked = f"{twin}.link"
            try:
                os.link(stored, linked)
            except OSError:
                pass
            else:
                try:
                    os.replace(linked, path)
                finally:
                    # A rename onto a link of the same file does nothing and leaves the name.
                    with contextlib.suppress(FileNotFoundError):
                        os.unlink(linked)
                return
        os.replace(twin, stored)

    def _key(self, digest: str, about: os.stat_result) -> str:
        """Where a content is stored; hashes come from records, so they are looked at first."""
        if len(digest) != 64 or not _DIGITS.issuperset(digest):
            raise InvalidName(f"{digest!r} is not a BLAKE3 hash in hexadecimal.", name=digest)
        return f"{digest[:2]}/{digest[2:]}-{stat.S_IMODE(about.st_mode):04o}"


def hash_file(path: str) -> str:
    """The BLAKE3 of a regular file, in hexadecimal; a link is not followed.

    Raises:
        OSError: It cannot be read, or is no regular file.
    """
    from blake3 import blake3

    digest = blake3()
    fd = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise FileNotFoundError(2, "Something else with this name exists", path)
        buffer = memoryview(bytearray(_BLOCK))
        while count := os.readv(fd, [buffer]):
            digest.update(buffer[:count])
    finally:
        os.close(fd)
    return digest.hexdigest()


def remove_empty(folder: str, above: str) -> None:
    """Remove a folder and those around it as long as they are empty, up to the one `above`, which stays."""
    while folder.startswith(above + os.sep):
        try:
            os.rmdir(folder)
        except OSError:
            return
        folder = os.path.dirname(folder)
