"""A backup of a served folder, made while it is served, and a folder made from one.

A backup is a folder of the same layout as the store, so it can be looked at as one. Journals only grow, so a copy of what is there is
a state that once was: of each experiment the journal is copied first and its files after it, which were there before the
journal said so. What is derived is left out and made again.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
import time
from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple

from ..errors import InvalidValue, NotFound
from ..journal.layout import OWN_FOLDERS, RootLayout, is_experiment
from ..record.ids import new_id
from .identity.copies import copy_accounts

__all__ = ["Copied", "back_up", "restore"]

MARK = "backup.json"
"""Says that a folder is a backup, and that it is complete."""
FORMAT = 1
_BLOCK = 4 << 20
_SAME = 64 << 10
_TRIES = 5
_JOURNALS = ("journal", "logs", "metrics")
_DERIVED = frozenset({"series", "packs", "uploads", "index.lock", "server", "root"})


class Copied(NamedTuple):
    """What was copied.

    Attributes:
        experiments: How many there are in the copy.
        bytes: How much was written; a later backup to the same folder writes only what is new.
        accounts: Whether it has accounts.
    """

    experiments: int
    bytes: int
    accounts: bool


def back_up(root: str, target: str, progress: Callable[[int, int], None] | None = None) -> Copied:
    """Copy a store and its accounts into a folder; into one with an earlier backup, only what is new.

    The folder then has what the store has: what was deleted in the store is gone from it too.

    Args:
        progress: Called with the number of experiments copied so far, and of all.

    Raises:
        NotFound: There is no such store.
        InvalidValue: The folder lies in the store or around it, or holds something else.
        OSError: Something cannot be read or written. The backup is then not complete, and says so.
    """
    if not os.path.isdir(root):
        raise NotFound(f"There is no folder {root}.", name=root)
    source, made = os.path.realpath(root), os.path.realpath(target)
    if os.path.commonpath([source, made]) in (source, made):
        raise InvalidValue(
            f"A backup of {root} cannot lie in it or around it: {target}.", key="target"
        )
    if os.path.isdir(target) and os.listdir(target) and _mark_of(target) is None:
        raise InvalidValue(
            f"{target} is not empty and is no backup. Choose another folder.", key="target"
        )
    os.makedirs(target, mode=0o700, exist_ok=True)
    _set_mark(target, {"format": FORMAT, "complete": False})
    done = _copy_store(root, target, progress)
    os.sync()
    told = {
        "format": FORMAT,
        "complete": True,
        "finished_at": time.time(),
        "experiments": done.experiments,
    }
    _set_mark(target, told)
    return done


def restore(backup: str, root: str, progress: Callable[[int, int], None] | None = None) -> Copied:
    """Make a store from a backup, accounts included; it appears whole. Nobody is logged in, and clients send again what is missing.

    Raises:
        NotFound: There is no backup.
        InvalidValue: It is not complete, a newer version made it, or there is something at `root`.
        OSError: Something cannot be read or written; there is nothing at `root` then.
    """
    mark = _mark_of(backup)
    if mark is None:
        raise NotFound(f"There is no backup in {backup}.", name=backup)
    if mark.get("format") != FORMAT:
        raise InvalidValue(f"A newer version of Anew made the backup in {backup}.", key="backup")
    if not mark.get("complete"):
        raise InvalidValue(
            f"The backup in {backup} was not finished. Make it again, or use another one.",
            key="backup",
        )
    if os.path.lexists(root) and (not os.path.isdir(root) or os.listdir(root)):
        raise InvalidValue(
            f"{root} is not empty. A backup is restored to a folder that is not there.", key="root"
        )
    root = os.path.abspath(root)
    os.makedirs(os.path.dirname(root), exist_ok=True)
    draft = f"{root}.{new_id()}.restoring"
    try:
        os.mkdir(draft, 0o777)
        done = _copy_store(backup, draft, progress)
        os.sync()
        if os.path.isdir(root):
            os.rmdir(root)
        os.rename(draft, root)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    return done


def _copy_store(source: str, target: str, progress: Callable[[int, int], None] | None) -> Copied:
    copy = _Copy()
    layout, made = RootLayout(source), RootLayout(target)
    prefixes: dict[str, None] = {}
    for _ in range(2):  # what began or moved meanwhile comes with the second look
        found = [prefix for prefix in layout.walk() if prefix not in prefixes]
        for number, prefix in enumerate(found):
            if progress is not None:
                progress(len(prefixes) + number, len(prefixes) + len(found))
            copy.experiment(layout.experiment(prefix).folder, made.experiment(prefix).folder)
        prefixes |= dict.fromkeys(found)
    for prefix in set(made.walk()) - set(layout.walk()):
        shutil.rmtree(made.experiment(prefix).folder)
    if os.path.isdir(layout.weights):
        copy.folder(layout.weights, made.weights, first=("refs",))
    for name in os.listdir(layout.private) if os.path.isdir(layout.private) else ():
        if name not in _DERIVED:
            copy.any(os.path.join(layout.private, name), os.path.join(made.private, name))
    copy.any(os.path.join(source, ".gitignore"), os.path.join(target, ".gitignore"))
    copy.any(layout.journal, made.journal)
    accounts = copy_accounts(source, target)
    return Copied(sum(1 for _ in made.walk()), copy.bytes, accounts)


class _Copy:
    """Copies files and folders, and keeps as one file what is one file in several places."""

    def __init__(self) -> None:
        self.bytes = 0
        self._known: dict[tuple[int, int], str] = {}

    def any(self, source: str, target: str) -> None:
        """Copy a file or a folder, if it is there."""
        if os.path.islink(source):
            self._link(source, target)
        elif os.path.isdir(source):
            self.folder(source, target)
        elif os.path.isfile(source):
            os.makedirs(os.path.dirname(target), exist_ok=True)
            self._file(source, target)

    def experiment(self, source: str, target: str) -> None:
        """Copy an experiment's folder, its journal before all else. Experiments that lie in it come by themselves."""
        others = {
            one.name
            for one in os.scandir(source)
            if one.is_dir() and one.name not in OWN_FOLDERS and _holds_experiments(one.path)
        }
        self.folder(source, target, first=_JOURNALS, without=others)

    def folder(
        self,
        source: str,
        target: str,
        *,
        first: tuple[str, ...] = (),
        without: Collection[str] = (),
    ) -> None:
        """Copy a folder, some of what is in it before all else; what is not there any more is removed from the copy."""
        os.makedirs(target, exist_ok=True)
        for _ in range(_TRIES):
            names = [one for one in self._ordered(source, first) if one not in without]
            if all(
                self._entry(os.path.join(source, one), os.path.join(target, one)) for one in names
            ):
                break  # else something was sealed or moved meanwhile
        for name in set(os.listdir(target)) - set(names) - set(without):
            path = os.path.join(target, name)
            if os.path.isdir(path) and not os.path.islink(path):
                shutil.rmtree(path)
            else:
                os.unlink(path)
        shutil.copystat(source, target)

    @staticmethod
    def _ordered(source: str, first: tuple[str, ...]) -> list[str]:
        names = os.listdir(source)
        return [one for one in first if one in names] + [one for one in names if one not in first]

    def _entry(self, source: str, target: str) -> bool:
        """Copy what lies in a folder; whether it was still there."""
        try:
            if os.path.islink(source):
                self._link(source, target)
            elif os.path.isdir(source):
                self.folder(source, target)
            elif stat.S_ISREG(os.lstat(source).st_mode) and not source.endswith((".part", ".tmp")):
                self._file(source, target)
        except FileNotFoundError:
            return False
        return True

    @staticmethod
    def _link(source: str, target: str) -> None:
        """A link to a file beside it is a name of that file; any other is somebody's own and is not followed."""
        to = os.readlink(source)
        if os.sep in to:
            return
        if os.path.lexists(target):
            if os.path.islink(target) and os.readlink(target) == to:
                return
            os.unlink(target)
        os.symlink(to, target)

    def _file(self, source: str, target: str) -> None:
        fd = os.open(source, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
        with open(fd, "rb") as reading:
            about = os.fstat(fd)
            key = (about.st_dev, about.st_ino)
            there = self._known.get(key) if about.st_nlink > 1 else None
            if there is not None:
                _share(there, target)
                return
            have = os.lstat(target) if os.path.lexists(target) else None
            same = have is not None and stat.S_ISREG(have.st_mode)
            if (
                same
                and have is not None
                and (have.st_size, have.st_mtime_ns) == (about.st_size, about.st_mtime_ns)
            ):
                self._known[key] = target
                return
            size = about.st_size
            if source.endswith(".jsonl"):
                size = _whole_lines(fd, size)
            grows = (
                source.endswith((".jsonl", ".log")) and have is not None and have.st_size <= size
            )
            if same and grows and have is not None and _begins_alike(fd, target, have.st_size):
                with open(target, "ab") as writing:
                    self._copy(reading.fileno(), writing.fileno(), have.st_size, size)
            else:
                draft = f"{target}.{new_id()}.tmp"
                try:
                    with open(draft, "xb") as writing:
                        self._copy(reading.fileno(), writing.fileno(), 0, size)
                    os.chmod(draft, stat.S_IMODE(about.st_mode))
                    os.replace(draft, target)
                finally:
                    if os.path.exists(draft):
                        os.unlink(draft)
            os.utime(target, ns=(about.st_atime_ns, about.st_mtime_ns))
            self._known[key] = target

    def _copy(self, reading: int, writing: int, start: int, end: int) -> None:
        at = start
        while at < end and (data := os.pread(reading, min(_BLOCK, end - at), at)):
            view = memoryview(data)
            while view:
                view = view[os.write(writing, view) :]
            at += len(data)
            self.bytes += len(data)


def _holds_experiments(folder: str) -> bool:
    return any(is_experiment(above) for above, _, _ in os.walk(folder))


def _share(there: str, target: str) -> None:
    """Have a path be another name of a copied file."""
    if os.path.lexists(target):
        if os.path.samestat(os.lstat(there), os.lstat(target)):
            return
        os.unlink(target)
    try:
        os.link(there, target)
    except OSError:  # no hard links there
        shutil.copy2(there, target)


def _whole_lines(fd: int, size: int) -> int:
    """The bytes of a file of lines up to the end of its last whole line."""
    end = size
    while end > 0:
        begin = max(0, end - _SAME)
        at = os.pread(fd, end - begin, begin).rfind(b"\n")
        if at >= 0:
            return begin + at + 1
        end = begin
    return 0


def _begins_alike(fd: int, target: str, size: int) -> bool:
    """Whether a file that grows still has, at its end, what was copied of it."""
    begin = max(0, size - _SAME)
    with open(target, "rb") as copied:
        copied.seek(begin)
        return copied.read() == os.pread(fd, size - begin, begin)


def _mark_of(folder: str) -> dict[str, object] | None:
    try:
        with open(os.path.join(folder, MARK), "rb") as file:
            found = json.loads(file.read(1 << 20))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _set_mark(folder: str, mark: Mapping[str, object]) -> None:
    draft = os.path.join(folder, f"{MARK}.{new_id()}.tmp")
    with open(draft, "w") as file:
        json.dump(mark, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(draft, os.path.join(folder, MARK))
