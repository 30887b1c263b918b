"""What a program read: the files that it opened, as the interpreter's audit events tell (PEP 578).

A hook cannot be taken away again, so it does next to nothing: one comparison for most events, one entry of a dictionary
for a file that is opened for reading. What native code opens by itself (HDF5, LMDB, Parquet readers) raises no event; of
that only what is open or mapped at the end is seen.
"""

from __future__ import annotations

import os
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["Reads", "forget", "read_so_far", "watch"]

_MOST = 4096
"""Files that are remembered one by one; of more, only the folders are."""
_DATABASES = 64
_MAPS_SECONDS = 5.0
_WRITES = os.O_WRONLY | os.O_RDWR
_FOLDER = getattr(os, "O_DIRECTORY", 0)


class Reads:
    """What has been opened so far: `files` by path, `folders` of those too many to remember, and what was `written`.

    Of `databases`, the time at which each was written to last when it was opened.
    """

    __slots__ = ("databases", "files", "folders", "written")

    def __init__(self) -> None:
        self.databases: dict[str, int] = {}
        self.files: dict[str, None] = {}
        self.folders: dict[str, None] = {}
        self.written: dict[str, None] = {}


_reads: Reads | None = None


def watch() -> None:
    """Begin to remember which files this process opens; once in a process."""
    global _reads
    if _reads is None:
        _reads = Reads()
        sys.addaudithook(_hook)


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if event != "open":
        if event == "sqlite3.connect":
            _database(arguments)
        return
    try:
        path, _, flags = arguments
        if type(path) is int or path is None or _reads is None:
            return
        name = os.fsdecode(path)
        if name[:1] != "/":
            name = os.path.join(os.getcwd(), name)
        if type(flags) is int and flags & _WRITES:
            if name not in _reads.files and len(_reads.written) < _MOST:
                _reads.written[name] = None
        elif not (type(flags) is int and flags & _FOLDER) and name not in _reads.written:
            _reads.files[name] = None
            if len(_reads.files) > _MOST:
                _fold(_reads)
    except Exception:  # noqa: BLE001  (what a hook raises, the program would get)
        return


def _database(arguments: tuple[Any, ...]) -> None:
    """A database that is opened by SQLite, which opens its file by itself; one that the program writes to is no data."""
    try:
        path = os.fsdecode(arguments[0])
        if path.startswith("file:"):
            path = path[5:].partition("?")[0]
        name = path if path[:1] == "/" else os.path.join(os.getcwd(), path)
        if _reads is None or name in _reads.written or name in _reads.databases:
            return
        if len(_reads.databases) < _DATABASES:
            _reads.databases[name] = os.stat(name).st_mtime_ns
    except Exception:  # noqa: BLE001  (as above; most often there is no such file)
        return


def _read_databases(reads: Reads) -> list[str]:
    """The databases that are as they were when they were opened first."""
    found = []
    for path, before in reads.databases.items():
        try:
            if os.stat(path).st_mtime_ns == before:
                found.append(path)
        except OSError:
            pass
    return found


def _fold(reads: Reads) -> None:
    files, reads.files = reads.files, {}
    for path in list(files):
        reads.folders[os.path.dirname(path)] = None


def read_so_far() -> Reads:
    """What has been opened, and what is open or mapped now."""
    now = Reads()
    if _reads is not None:
        now.files, now.folders, now.written = (
            dict(part) for part in (_reads.files, _reads.folders, _reads.written)
        )
        now.files |= dict.fromkeys(_read_databases(_reads))
    for path in (*_open_now(), *_mapped_now()):
        if path not in now.written:
            now.files[path] = None
    return now


def forget(paths: list[str]) -> None:
    """Remember some files no longer: they are none of the program's data, and need not be looked at again."""
    if _reads is not None:
        for path in paths:
            _reads.files.pop(path, None)


def _open_now() -> list[str]:
    found = []
    try:
        for number in os.listdir("/proc/self/fd"):
            try:
                path = os.readlink(f"/proc/self/fd/{number}")
                with open(f"/proc/self/fdinfo/{number}", encoding="ascii") as info:
                    flags = next(int(line[6:], 8) for line in info if line.startswith("flags:"))
            except (OSError, ValueError, StopIteration):
                continue
            if path[:1] == "/" and not flags & (_WRITES | _FOLDER):
                found.append(path)
    except OSError:
        pass
    return found


class _Maps:
    """What was mapped when it was looked at last; a process that ends many experiments does not look for each."""

    def __init__(self) -> None:
        self.at = -_MAPS_SECONDS
        self.paths: list[str] = []


_maps = _Maps()


def _mapped_now() -> list[str]:
    now = time.monotonic()
    if now - _maps.at < _MAPS_SECONDS:
        return _maps.paths
    _maps.at = now
    found: dict[str, None] = {}
    try:
        with open("/proc/self/maps", encoding="utf-8", errors="surrogateescape") as maps:
            for line in maps:
                words = line.rstrip("\n").split(None, 5)
                if len(words) == 6 and words[5][:1] == "/" and "x" not in words[1]:
                    found[words[5]] = None
    except OSError:
        pass
    _maps.paths = list(found)
    return _maps.paths
