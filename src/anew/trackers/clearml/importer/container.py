"""Where the files of an offline session lie: in a folder, or in the zip file that ClearML makes of it. A zip file is read as it is, and never unpacked."""

from __future__ import annotations

import json
import os
import zipfile
import zlib
from functools import partial
from typing import Any, BinaryIO, Protocol, cast

from ....errors import CorruptData
from ....importing.folders import plain_file, read_at_most
from ....importing.foreign import is_plain_folder, most_unpacked, names_in, open_plain, walk
from ....record.plain import parse_json

__all__ = ["Container", "Folder", "Zip", "damaged_at", "sessions_at"]

TASK = "task.json"
TEXTS = frozenset({TASK, "metrics.jsonl", "log.jsonl"})
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError)
_MOST_TASK = 64 << 20
_MOST_LOOKED_AT = 5_000


class Container(Protocol):
    """The files of a session, by their paths with slashes."""

    path: str

    def names(self) -> list[str]:
        """All of them, sorted."""
        ...

    def size(self, name: str) -> int | None:
        """The bytes of one; None if it is not there, no plain file, or unpacks to far more than it may."""
        ...

    def open(self, name: str) -> BinaryIO:
        """Open one.

        Raises:
            CorruptData: It is damaged, or unpacks to far more than it may.
            OSError: It cannot be read.
        """
        ...

    def changed_at(self) -> float:
        """When the newest of them was changed, in seconds since the epoch."""
        ...

    def close(self) -> None:
        """Let go of it."""
        ...


class Folder:
    """A session's folder."""

    def __init__(self, path: str) -> None:
        self.path = path

    def names(self) -> list[str]:
        """See `Container.names`."""
        found = []
        for at, folders, names in walk(self.path):
            folders.sort()
            inside = os.path.relpath(at, self.path).replace(os.sep, "/")
            found += [name if inside == "." else f"{inside}/{name}" for name in names]
        return sorted(found)

    def size(self, name: str) -> int | None:
        """See `Container.size`."""
        path = plain_file(self.path, name)
        return None if path is None else os.path.getsize(path)

    def open(self, name: str) -> BinaryIO:
        """See `Container.open`."""
        path = plain_file(self.path, name)
        if path is None:
            raise CorruptData(f"There is no plain file {name} in {self.path}.", path=self.path)
        return open_plain(path)

    def changed_at(self) -> float:
        """See `Container.changed_at`."""
        paths = [os.path.join(self.path, name) for name in (TASK, "metrics.jsonl", "log.jsonl")]
        return max(os.path.getmtime(path) for path in paths if os.path.exists(path))

    def close(self) -> None:
        """Nothing is held."""


class Zip:
    """A session's zip file.

    Raises:
        CorruptData: It is none.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._file = open_plain(path)
        try:
            self._archive = zipfile.ZipFile(self._file)
        except _BROKEN as error:
            self._file.close()
            raise CorruptData(f"{path} is no zip file: {error}.", path=path) from error
        self._members = {one.filename: one for one in self._archive.infolist() if not one.is_dir()}
        self._refused = self._too_large()

    def _too_large(self) -> frozenset[str]:
        """The members that unpack to far more than they may, or all but the texts where all of them together do."""
        every = self._members.values()
        found = {m.filename for m in every if m.file_size > most_unpacked(m.compress_size)}
        rest = sum(one.file_size for one in every if one.filename not in found)
        if rest > most_unpacked(os.path.getsize(self.path)):
            found |= self._members.keys() - TEXTS
        return frozenset(found)

    def names(self) -> list[str]:
        """See `Container.names`."""
        return sorted(self._members)

    def size(self, name: str) -> int | None:
        """See `Container.size`."""
        member = self._members.get(name)
        return None if member is None or name in self._refused else member.file_size

    def open(self, name: str) -> BinaryIO:
        """See `Container.open`."""
        member = self._members.get(name)
        if member is None:
            raise CorruptData(f"There is no {name} in {self.path}.", path=self.path)
        if name in self._refused:
            raise CorruptData(
                f"{name} in {self.path} unpacks to far more than its size allows for.",
                path=self.path,
            )
        try:
            return cast("BinaryIO", _Member(self._archive.open(member), f"{self.path}: {name}"))
        except _BROKEN as error:
            raise CorruptData(
                f"{name} in {self.path} is damaged: {error}.", path=self.path
            ) from error

    def changed_at(self) -> float:
        """See `Container.changed_at`."""
        return os.path.getmtime(self.path)

    def close(self) -> None:
        """Close it."""
        self._archive.close()
        self._file.close()


class _Member:
    """A member's bytes; what is wrong with them is said as damage."""

    def __init__(self, file: Any, where: str) -> None:
        self._file = file
        self._where = where

    def __enter__(self) -> _Member:
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()

    def read(self, count: int = -1) -> bytes:
        return self._told(partial(self._file.read, count))

    def readline(self, count: int = -1) -> bytes:
        return self._told(partial(self._file.readline, count))

    def close(self) -> None:
        self._file.close()

    def _told(self, read: Any) -> bytes:
        try:
            found: bytes = read()
        except _BROKEN as error:
            raise CorruptData(f"{self._where} is damaged: {error}.", path=self._where) from error
        return found


def damaged_at(path: str) -> list[str]:
    """What looks like sessions at a path, but for a description that can be read."""
    base = os.path.abspath(path)
    names = names_in(base)[:_MOST_LOOKED_AT]
    found = []
    for full in [base, *(os.path.join(base, name) for name in names)]:
        if is_plain_folder(full):
            files = set(names_in(full))
            looks = TASK in files and bool(files & {"metrics.jsonl", "log.jsonl"})
            damaged = looks and not _is_session(full)
        else:
            damaged = full.endswith(".zip") and not _is_zip(full)
        if damaged:
            found.append(full)
    return found


def sessions_at(path: str) -> list[str]:
    """The folders and zip files of sessions: a path itself, or what lies in a folder, in the order of their names."""
    if _is_session(path):
        return [path]
    try:
        names = names_in(path)[:_MOST_LOOKED_AT]
    except OSError:
        return []
    return [full for name in names if _is_session(full := os.path.join(path, name))]


def _is_session(path: str) -> bool:
    """Whether a task of ClearML's is described there."""
    try:
        if is_plain_folder(path):
            if not os.path.lexists(os.path.join(path, TASK)):
                return False
            return is_task(task_of(Folder(path)))
        if not _is_zip(path):
            return False
        archive = Zip(path)
    except (OSError, CorruptData):
        return False
    try:
        return archive.size(TASK) is not None and is_task(task_of(archive))
    except (OSError, CorruptData):
        return False
    finally:
        archive.close()


def _is_zip(path: str) -> bool:
    try:
        with open_plain(path) as file:
            return zipfile.is_zipfile(file)
    except OSError:
        return False


def is_task(task: Any) -> bool:
    """Whether something is the description of a task."""
    return isinstance(task, dict) and isinstance(task.get("id"), str) and (
        "offline_folder" in task or "hyperparams" in task or "project_name" in task
    )  # fmt: skip


def task_of(container: Container) -> dict[str, Any]:
    """The description of a session's task.

    Raises:
        CorruptData: It cannot be read.
        OSError: It cannot be read.
    """
    with container.open(TASK) as file:
        data = read_at_most(file, _MOST_TASK)
    try:
        found = parse_json(data)
    except (ValueError, json.JSONDecodeError) as error:
        raise CorruptData(
            f"{TASK} in {container.path} is damaged: {error}.", path=container.path
        ) from error
    if not is_task(found):
        raise CorruptData(f"{TASK} in {container.path} describes no task.", path=container.path)
    return cast("dict[str, Any]", found)
