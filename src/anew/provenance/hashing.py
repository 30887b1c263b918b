"""Hashes of input data: SHA-256, which every system can check, remembered by path, size, time and inode."""

from __future__ import annotations

import os
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeAlias

    from ..journal.layout import RootLayout

    InputFiles: TypeAlias = "list[tuple[str, str, os.stat_result]]"

__all__ = ["HashCache", "hash_input", "input_files", "signature"]

_BLOCK = 1 << 20
_SETTLED = 2.0  # seconds after which a file's time can be trusted to show the next change


class HashCache:
    """Hashes of files, remembered under the root by path, size, time of change and inode."""

    def __init__(self, root: RootLayout) -> None:
        self._path = os.path.join(root.private, "hashes.tsv")
        self._known: dict[str, tuple[str, str, str]] | None = None

    @classmethod
    def under(cls, folder: str) -> HashCache:
        """The cache of a root folder."""
        from ..journal.layout import RootLayout

        return cls(RootLayout(folder))

    def sha256(self, path: str, stat: os.stat_result | None = None) -> str:
        """The hash of a file.

        Raises:
            OSError: It cannot be read.
        """
        return self._hashes(path, stat, both=False)[0]

    def both(self, path: str, stat: os.stat_result | None = None) -> tuple[str, str]:
        """The SHA-256 of a file and its BLAKE3, which logged files go by.

        Raises:
            OSError: It cannot be read.
        """
        return self._hashes(path, stat, both=True)

    def _hashes(self, path: str, stat: os.stat_result | None, *, both: bool) -> tuple[str, str]:
        stat = stat or os.stat(path)
        now = signature(stat)
        key = path.replace("\t", " ").replace("\n", " ")
        known = self._read().get(key)
        if known is not None and known[0] == now and (known[2] or not both):
            return known[1:]
        found = _hashes(path, both=both)
        # A file changed a moment ago may change again without its time showing it.
        if time.time() - stat.st_mtime > _SETTLED and signature(os.stat(path)) == now:
            self._read()[key] = (now, *found)
            self._append("\t".join([key, now, *found]) + "\n")
        return found

    def _read(self) -> dict[str, tuple[str, str, str]]:
        if self._known is None:
            self._known = {}
            try:
                with open(self._path, encoding="utf-8", errors="surrogateescape") as file:
                    for line in file:
                        parts = line.rstrip("\n").split("\t")
                        if len(parts) == 4 and len(parts[2]) == 64:
                            self._known[parts[0]] = (parts[1], parts[2], parts[3])
            except OSError:
                pass
        return self._known

    def _append(self, line: str) -> None:
        try:
            os.makedirs(os.path.dirname(self._path), exist_ok=True)
            fd = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
            try:
                os.write(fd, line.encode("utf-8", "surrogateescape"))
            finally:
                os.close(fd)
        except OSError:  # the cache is a convenience
            pass


def signature(stat: os.stat_result) -> str:
    """What changes when a file does: size, times, inode and device."""
    return f"{stat.st_size}:{stat.st_mtime_ns}:{stat.st_ctime_ns}:{stat.st_ino}:{stat.st_dev}"


def hash_input(
    full: str, files: InputFiles, cache: HashCache
) -> tuple[dict[str, Any], dict[str, str]]:
    """What is recorded of an input (its path, size, number of files, SHA-256), and the SHA-256 of each file by path.

    Of a single file the BLAKE3 is recorded too: logged files go by that, so that what one experiment logged and another
    read is known to be the same. The hash of a folder is that of the list of its files as `sha256sum` prints it, paths relative to the folder.

    Raises:
        OSError: A file cannot be read.
    """
    import hashlib

    if os.path.isfile(full):
        ((_, path, stat),) = files
        sha256, blake3 = cache.both(path, stat)
        fact = {"path": full, "size": stat.st_size, "sha256": sha256, "blake3": blake3}
        return fact, {path: sha256}
    sums = [(relative, path, cache.sha256(path, stat)) for relative, path, stat in files]
    listing = "".join(f"{digest}  {relative}\n" for relative, _, digest in sums)
    fact = {
        "path": full,
        "size": sum(stat.st_size for _, _, stat in files),
        "files": len(files),
        "sha256": hashlib.sha256(listing.encode("utf-8", "surrogateescape")).hexdigest(),
    }
    return fact, {path: digest for _, path, digest in sums}


def _hashes(path: str, *, both: bool) -> tuple[str, str]:
    import hashlib

    sha256, other = hashlib.sha256(), None
    if both:
        from blake3 import blake3

        other = blake3()
    with open(path, "rb") as file:
        while block := file.read(_BLOCK):
            sha256.update(block)
            if other is not None:
                other.update(block)
    return sha256.hexdigest(), "" if other is None else other.hexdigest()


def input_files(full: str) -> InputFiles:
    """`(relative path, path, stat)` of a file, or of every file in a folder, in order."""
    if os.path.isfile(full):
        return [(os.path.basename(full), full, os.stat(full))]
    found = []
    for parent, folders, names in os.walk(full, followlinks=False):
        folders.sort()
        for name in sorted(names):
            path = os.path.join(parent, name)
            if os.path.isfile(path):
                relative = os.path.relpath(path, full).replace(os.sep, "/")
                found.append((relative, path, os.stat(path)))
    return found
