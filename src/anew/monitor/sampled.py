"""What a process and its children have open or mapped at a moment: what native code reads is seen only so."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["child_processes", "mapped", "open_for_reading"]

_WRITES = os.O_WRONLY | os.O_RDWR
_FOLDER = getattr(os, "O_DIRECTORY", 0)
_NO_FILES = ("/dev/", "/proc/", "/memfd:", "/SYSV")
"""What processes share memory by, and no data that was read."""
_MOST_DESCRIPTORS, _MOST_CHILDREN, _MOST_THREADS = 256, 32, 64


def open_for_reading(pid: int | str = "self") -> Iterator[str]:
    """The files that a process has open for reading alone."""
    try:
        numbers = os.listdir(f"/proc/{pid}/fd")[:_MOST_DESCRIPTORS]
    except OSError:
        return
    for number in numbers:
        try:
            path = os.readlink(f"/proc/{pid}/fd/{number}")
            if path[:1] != "/" or path.startswith(("/dev/", "/proc/")):
                continue
            with open(f"/proc/{pid}/fdinfo/{number}", encoding="ascii") as info:
                flags = next(int(line[6:], 8) for line in info if line.startswith("flags:"))
        except (OSError, ValueError, StopIteration):
            continue
        if not flags & (_WRITES | _FOLDER):
            yield path


def mapped(pid: int | str = "self") -> Iterator[str]:
    """The files that a process has mapped into its memory, but for code."""
    found: dict[str, None] = {}
    try:
        with open(f"/proc/{pid}/maps", encoding="utf-8", errors="surrogateescape") as maps:
            for line in maps:
                at = line.find("/")
                if at < 0 or "x" in line[: line.find(" ") + 5]:
                    continue
                path = line[at:-1]
                if path.startswith(_NO_FILES) or path.endswith((".so", " (deleted)")):
                    continue
                if ".so." not in path:
                    found[path] = None
    except OSError:
        return
    yield from found


def child_processes() -> list[int]:
    """The processes that this one started and that run, and those that they started."""
    found: list[int] = []
    todo: list[int | str] = ["self"]
    while todo and len(found) < _MOST_CHILDREN:
        pid = todo.pop(0)
        try:
            threads = os.listdir(f"/proc/{pid}/task")[:_MOST_THREADS]
        except OSError:
            continue
        for thread in threads:
            try:
                with open(f"/proc/{pid}/task/{thread}/children", encoding="ascii") as file:
                    children = [int(one) for one in file.read().split()]
            except (OSError, ValueError):
                continue
            found += children
            todo += children
    return found[:_MOST_CHILDREN]
