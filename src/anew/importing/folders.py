"""Files of a source's folder: by the names that its records give, and by walking it. Nothing leads out of the folder, and no link is followed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import partial
from typing import IO, AnyStr, BinaryIO

from .source import Finding, SourceFile

__all__ = ["files_below", "links_below", "opening", "place_below", "plain_file", "read_at_most"]

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
    but: Callable[[str], bool] = lambda inside: False,
) -> Iterator[SourceFile]:
    """The files below a folder, in the order of their names; links and what is no plain file are left out and said.

    Args:
        prefix: What they are filed under here.
        run: The key of the run that they belong to.
        but: Whether to leave out the file of a path below the folder, because something else says what it says.
    """
    for at, folders, names in os.walk(
        folder, onerror=lambda error: findings.append(_unreadable(error, run))
    ):
        for name in sorted(folders):
            if os.path.islink(os.path.join(at, name)):
                findings.append(_link(os.path.join(at, name), run))
        folders.sort()
        for name in sorted(names):
            path = os.path.join(at, name)
            inside = os.path.relpath(path, folder).replace(os.sep, "/")
            if but(inside):
                continue
            if os.path.islink(path) or not os.path.isfile(path):
                findings.append(_link(path, run))
                continue
            yield SourceFile(prefix, inside, opening(path), time=os.path.getmtime(path))


def links_below(folder: str, wanted: Callable[[str], object]) -> Iterator[Finding]:
    """What to say of links in place of files that would be read; they are not followed.

    Args:
        wanted: Whether a file of this name would be.
    """
    for at, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = os.path.join(at, name)
            if os.path.islink(path) and wanted(name):
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
    return partial(_open, path)


def _open(path: str) -> BinaryIO:
    return open(path, "rb")


def _link(path: str, run: str) -> Finding:
    return Finding(path, "It is a link or no plain file, and is left out.", True, run)


def _unreadable(error: OSError, run: str) -> Finding:
    return Finding(str(error.filename), f"It cannot be read: {error.strerror}.", True, run)
