"""What a program read: the files that it opened, as the interpreter's audit events tell (PEP 578).

A hook cannot be taken away again, so it does next to nothing: one comparison for most events, one entry of a dictionary
for a file that is opened for reading. What native code opens by itself (HDF5, LMDB, Parquet readers) raises no event; it is
looked for now and then (see `sampled`). Worker processes tell the program what they opened (see `workers`).
"""

from __future__ import annotations

import os
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

__all__ = ["Reads", "forget", "on_new", "opened", "reads", "watch"]

_MOST = 4096
"""Files that are remembered one by one; of more, the folders with most of them are."""
_MOST_FOLDERS = 512
_WRITES = os.O_WRONLY | os.O_RDWR
_FOLDER = getattr(os, "O_DIRECTORY", 0)
_DATABASES = 64
_CODE = (".py", ".pyc")


class Reads:
    """What has been opened so far.

    Attributes:
        files: By path, when code was opened first (`time.time_ns`), and 0 for everything else.
        folders: Folders whose files are too many to be remembered, with the number of files seen until they were.
        written: What was opened for writing before it was read: the program's own.
        databases: SQLite's, with the time at which each was written to last when it was opened.
        began: When the first of this was seen; a module that was there already had been imported before.
    """

    __slots__ = ("began", "databases", "files", "folders", "written")

    def __init__(self) -> None:
        self.databases: dict[str, int] = {}
        self.files: dict[str, int] = {}
        self.folders: dict[str, int] = {}
        self.written: dict[str, None] = {}
        self.began = time.time_ns()

    def add(self, path: str, at: int = 0) -> bool:
        """Remember a file that was read; whether it is new."""
        if path in self.files or path in self.written:
            return False
        if self.folders and path.rpartition(os.sep)[0] in self.folders:
            return False
        self.files[path] = at
        if len(self.files) > _MOST:
            self._fold()
        return True

    def copy(self) -> Reads:
        """What it is now, with the databases that are as they were when they were opened first: others are no data."""
        found = Reads()
        found.files, found.folders, found.written = (
            self.files.copy(),
            self.folders.copy(),
            self.written.copy(),
        )
        found.began = self.began
        for path, before in self.databases.items():
            try:
                if os.stat(path).st_mtime_ns == before:
                    found.add(path)
            except OSError:
                continue
        return found

    def _fold(self) -> None:
        """Have the folders with most files stand for them, so that half as many are left; code stays."""
        counts: dict[str, int] = {}
        for path, at in self.files.items():
            if not at:
                folder = path.rpartition(os.sep)[0]
                counts[folder] = counts.get(folder, 0) + 1
        kept = len(self.files)
        for folder in sorted(counts, key=lambda one: -counts[one]):
            if kept <= _MOST // 2:
                break
            self.folders[folder] = counts[folder]
            kept -= counts[folder]
        self.files = {
            path: at
            for path, at in self.files.items()
            if at or path.rpartition(os.sep)[0] not in self.folders
        }
        while len(self.folders) > _MOST_FOLDERS:
            above: dict[str, int] = {}
            for folder, count in self.folders.items():
                parent = folder.rpartition(os.sep)[0] or os.sep
                above[parent] = above.get(parent, 0) + count
            if len(above) == len(self.folders):
                above = dict(list(above.items())[:_MOST_FOLDERS])
            self.folders = above


_reads: Reads | None = None
# Told each path that is new, in a worker process.
_on_new: Callable[[str], object] | None = None


def watch() -> None:
    """Begin to remember which files this process opens; once in a process."""
    global _reads
    if _reads is None:
        _reads = Reads()
        sys.addaudithook(_hook)
        os.register_at_fork(after_in_child=_after_fork_in_child)


def _after_fork_in_child() -> None:
    global _reads
    _reads = Reads()


def on_new(tell: Callable[[str], object] | None) -> None:
    """Have each file that is read from now on be told, the first time."""
    global _on_new
    _on_new = tell


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if event != "open":
        if event == "sqlite3.connect":
            _database(arguments)
        return
    try:
        path = arguments[0]
        if type(path) is int or path is None or _reads is None:
            return
        name = os.fsdecode(path)
        if name[:1] != "/":
            name = os.path.join(os.getcwd(), name)
        flags = arguments[2]
        if type(flags) is int and flags & _WRITES:
            if name not in _reads.files and len(_reads.written) < _MOST:
                _reads.written[name] = None
        elif not (type(flags) is int and flags & _FOLDER):
            opened(name)
    except Exception:  # noqa: BLE001  (what a hook raises, the program would get)
        return


def _database(arguments: tuple[Any, ...]) -> None:
    """A database that is opened by SQLite, which opens its file by itself."""
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


def opened(name: str) -> None:
    """Take a file as read by this process."""
    if _reads is None or name in _reads.files:
        return
    if _reads.add(name, time.time_ns() if name.endswith(_CODE) else 0) and _on_new is not None:
        _on_new(name)


def reads() -> Reads:
    """What has been opened so far, as it goes on."""
    return _reads if _reads is not None else Reads()


def forget(paths: Iterable[str]) -> None:
    """Remember some files no longer: they are none of the program's data, and need not be looked at again."""
    if _reads is not None:
        for path in paths:
            _reads.files.pop(path, None)
