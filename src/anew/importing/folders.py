"""Files of a source's folder: by the names that its records give, and by walking it. Nothing leads out of the folder, and no link is followed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import partial
from typing import IO, AnyStr, BinaryIO

from .foreign import is_plain, is_plain_folder, names_in, open_plain, walk
from .source import Finding, SourceFile

__all__ = [
    "files_below",
    "links_below",
    "links_in",
    "opening",
    "place_below",
    "plain_file",
    "read_at_most",
]

_BLOCK = 1 << 18


def plain_file(folder: str, name: str) -> str | None:
    """The path of a plain file below a folder, by its relative name; None for anything else: a record may come from anybody."""
    path = place_below(folder, name)
    return path if path is not None and os.path.isfile(path) else None


def place_below(folder: str, name: str) -> str | None:
    """The path of a file or folder below a folder, by its relative name; None for anything else."""
    if not name or "\0" in name:
        return None
    try:
        base = os.path.realpath(folder)
        path = os.path.realpath(os.path.join(base, name))
        found = path.startswith(os.path.join(base, "")) and os.path.exists(path)
    except (OSError, ValueError):  # such as a name that is too long for any file
        return None
    return path if found else None


def files_below(
    folder: str,
    prefix: str,
    run: str,
    findings: list[Finding],
    *,
    but: Callable[[str], object] = lambda inside: False,
) -> Iterator[SourceFile]:
    """The files below a folder, in the order of their names; links and what is no plain file are left out and said.

    Args:
        prefix: What they are filed under here.
        run: The key of the run that they belong to.
        but: Whether to leave out the file of a path below the folder, because something else says what it says.
    """
    if os.path.lexists(folder) and not is_plain_folder(folder):
        findings.append(_link(folder, run))
    for at, folders, names in walk(folder, lambda error: findings.append(_unreadable(error, run))):
        for name in sorted(folders):
            if os.path.islink(os.path.join(at, name)):
                findings.append(_link(os.path.join(at, name), run))
        folders.sort()
        for name in sorted(names):
            path = os.path.join(at, name)
            inside = os.path.relpath(path, folder).replace(os.sep, "/")
            if but(inside):
                continue
            if not is_plain(path):
                findings.append(_link(path, run))
                continue
            yield SourceFile(prefix, inside, opening(path), time=os.path.getmtime(path))


def links_in(folder: str) -> Iterator[Finding]:
    """What to say of links in place of folders that lie right in a folder; they are not followed."""
    for name in names_in(folder):
        path = os.path.join(folder, name)
        if os.path.islink(path) and os.path.isdir(path):
            yield _link(path, "")


def links_below(
    folder: str,
    wanted: Callable[[str], object],
    *,
    folders: Callable[[str], object] = lambda name: True,
) -> Iterator[Finding]:
    """What to say of links in place of files and folders that would be read; they are not followed.

    Args:
        wanted, folders: Whether a file or a folder of this name would be.
    """
    for at, below, names in walk(folder):
        below.sort()
        for name in sorted([*below, *names]):
            path = os.path.join(at, name)
            if os.path.islink(path) and (folders if os.path.isdir(path) else wanted)(name):
                yield _link(path, "")


def read_at_most(file: IO[AnyStr], most: int) -> AnyStr:
    """The beginning of a file, piece by piece: a file that is asked for much takes the memory for it, however short it is."""
    found, parts, left = file.read(0), [], most
    while left > 0 and (data := file.read(min(left, _BLOCK))):
        parts.append(data)
        left -= len(data)
    return found.join(parts)


def opening(path: str) -> Callable[[], BinaryIO]:
    """What opens a file's bytes."""
    return partial(open_plain, path)


def _link(path: str, run: str) -> Finding:
    return Finding(path, "It is a link or no plain file, and is left out.", True, run)


def _unreadable(error: OSError, run: str) -> Finding:
    return Finding(str(error.filename), f"It cannot be read: {error.strerror}.", True, run)
