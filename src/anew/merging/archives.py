"""Unpacking a zip or tar file: plain files alone, inside one folder, and no more than an honest archive holds."""

from __future__ import annotations

import os
import re
import shutil
import tarfile
import time
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO, NamedTuple

from ..errors import InvalidValue
from ..importing.foreign import most_unpacked
from ..importing.source import Finding

__all__ = ["holds_experiments", "is_archive", "unpack"]

_JOURNAL = re.compile(r"(?:.*/)?journal/[^/]+\.jsonl")
_OWN_LINK = re.compile(r"(?:.*/)?logs/(?:logs\.jsonl|train\.log)")
"""What Anew links to the files of the newest writer, for people."""
_LINK = "it is a link, or no plain file"
_LOOKED_AT = 20_000
_BLOCK = 1 << 20
_MEMBER = 4096
"""Bytes that a file takes, however short it is."""
_BROKEN = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    EOFError,
    ValueError,
    NotImplementedError,
)


class _Member(NamedTuple):
    """One member: its name, what is wrong with it if anything is, its time, and the name of that which it is a hard link to."""

    name: str
    wrong: str
    changed_at: float
    link: str
    raw: zipfile.ZipInfo | tarfile.TarInfo


def is_archive(path: str) -> bool:
    """Whether it is a zip or tar file, compressed or not."""
    if not os.path.isfile(path):
        return False
    try:
        return zipfile.is_zipfile(path) or tarfile.is_tarfile(path)
    except (OSError, *_BROKEN):
        return False


def holds_experiments(path: str) -> bool:
    """Whether there are experiments among the first members of an archive."""
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                return any(_JOURNAL.fullmatch(_clean(name)) for name in archive.namelist())
        with tarfile.open(path) as tar:
            for number, member in enumerate(tar):
                if _JOURNAL.fullmatch(_clean(member.name)):
                    return True
                if number > _LOOKED_AT:
                    break
    except (OSError, *_BROKEN):
        return False
    return False


def unpack(path: str, folder: str, findings: list[Finding]) -> None:
    """Unpack an archive into an empty folder. What is no plain file, or leads elsewhere, is left out and becomes a finding.

    An archive that ends too early is unpacked as far as it goes.

    Raises:
        InvalidValue: It is no archive, or unpacks to far more than its size allows for.
        OSError: The disk is full, or the archive cannot be read.
    """
    budget = _Budget(path)
    seen: set[str] = set()
    try:
        for member, opened in _members(path):
            name = _clean(member.name)
            wrong = member.wrong or _wrong_name(name)
            if not wrong and name in seen:
                wrong = "there is another of this name before it"
            if member.wrong == _LINK and _OWN_LINK.fullmatch(name):
                continue
            if not wrong:
                seen.add(name)
                wrong = _place(folder, name, member, opened, budget)
            if wrong:
                findings.append(
                    Finding(f"{path}: {member.name!r:.300}", f"It is left out: {wrong}.", True)
                )
    except InvalidValue:
        raise
    except _BROKEN as error:
        findings.append(
            Finding(path, f"It is damaged; what lies before comes: {error!s:.200}", True)
        )


class _Budget:
    """How much an archive may unpack to."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._most = most_unpacked(os.path.getsize(path))
        self._spent = 0

    def spend(self, count: int) -> None:
        """Count bytes before they are written.

        Raises:
            InvalidValue: These are too many.
        """
        self._spent += count
        if self._spent > self._most:
            raise InvalidValue(
                f"{self._path} unpacks to more than {self._most:,} bytes, far more than an archive of its size holds. "
                "If you trust it, unpack it yourself, and import the folder.",
                key="source",
            )


def _place(
    folder: str, name: str, member: _Member, opened: IO[bytes] | None, budget: _Budget
) -> str:
    """Write one member; what is wrong with it, if anything is. Of lines that are cut short, what is there stays."""
    target = os.path.join(folder, *name.split("/"))
    budget.spend(_MEMBER)
    try:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        if member.link:
            wrong = _copied(folder, _clean(member.link), target, budget)
        else:
            wrong = _written(opened, target, budget)
    except (NotADirectoryError, FileExistsError, IsADirectoryError):
        return "a file lies where a folder should be, or the other way round"
    if os.path.exists(target):
        os.utime(target, (member.changed_at, member.changed_at))
    return wrong


def _written(opened: IO[bytes] | None, target: str, budget: _Budget) -> str:
    try:
        with open(target, "xb") as file:
            while opened is not None and (data := opened.read(_BLOCK)):
                budget.spend(len(data))
                file.write(data)
    except InvalidValue:
        raise
    except _BROKEN as error:
        if not target.endswith((".jsonl", ".log")):
            os.unlink(target)
        return f"it is damaged ({error!s:.200})"
    return ""


def _copied(folder: str, name: str, target: str, budget: _Budget) -> str:
    """A hard link within a tar file: the same file as one that came before."""
    source = os.path.join(folder, *name.split("/"))
    if _wrong_name(name) or not os.path.isfile(source):
        return "it is a link to what is not in the archive"
    try:
        os.link(source, target)
    except FileExistsError:
        raise
    except OSError:
        budget.spend(os.path.getsize(source))
        shutil.copyfile(source, target)
    return ""


def _members(path: str) -> Iterator[tuple[_Member, IO[bytes] | None]]:
    if zipfile.is_zipfile(path):
        yield from _of_zip(path)
    else:
        yield from _of_tar(path)


def _of_zip(path: str) -> Iterator[tuple[_Member, IO[bytes] | None]]:
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            if info.is_dir():
                continue
            mode = info.external_attr >> 16
            wrong = ""
            if mode and (mode & 0o170000) not in (0, 0o100000):
                wrong = _LINK
            elif info.flag_bits & 1:
                wrong = "it is encrypted"
            member = _Member(info.filename, wrong, _zip_time(info), "", info)
            if wrong:
                yield member, None
                continue
            with archive.open(info) as opened:
                yield member, opened


def _of_tar(path: str) -> Iterator[tuple[_Member, IO[bytes] | None]]:
    with tarfile.open(path) as archive:
        for info in archive:
            if info.isdir():
                continue
            changed = min(max(float(info.mtime), 0.0), time.time())
            if info.islnk():
                yield _Member(info.name, "", changed, info.linkname, info), None
            elif not info.isreg():
                yield _Member(info.name, _LINK, changed, "", info), None
            else:
                opened = archive.extractfile(info)
                yield _Member(info.name, "", changed, "", info), opened


def _zip_time(info: zipfile.ZipInfo) -> float:
    try:
        return min(time.mktime((*info.date_time, 0, 0, -1)), time.time())
    except (ValueError, OverflowError):
        return time.time()


def _clean(name: str) -> str:
    return name.removeprefix("./")


def _wrong_name(name: str) -> str:
    parts = name.split("/")
    if not name or any(part in ("", ".", "..") for part in parts) or "\\" in name or "\0" in name:
        return "its name leads elsewhere"
    if (
        max(len(part.encode("utf-8", "surrogateescape")) for part in parts) > 255
        or len(name) > 2000
    ):
        return "its name is too long"
    return ""
