"""Room on the disk that is kept for freeing room.

That an experiment was deleted is an event, and on a full disk not even a line can be written. So a root keeps some
kilobytes that nothing uses, and gives them up to whoever deletes.
"""

from __future__ import annotations

import errno
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .layout import RootLayout

__all__ = ["NO_ROOM", "has_room", "keep_reserve", "use_reserve"]

NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})
RESERVE_BYTES = 64 << 10
_ROOM_BYTES = 1 << 20


def has_room(root: RootLayout) -> bool:
    """Whether the disk has a megabyte left; what a quota leaves is not known before it is used up."""
    try:
        found = os.statvfs(root.root)
    except (OSError, AttributeError):  # Windows has no such call
        return True
    return found.f_bavail * found.f_frsize >= _ROOM_BYTES


def keep_reserve(root: RootLayout) -> None:
    """Have the reserve, if there is room for it."""
    path = _path(root)
    try:
        if os.path.lexists(path) or not has_room(root) or not os.path.isdir(root.private):
            return
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        try:
            # Not zeros: some file systems keep no block for them.
            os.write(fd, os.urandom(RESERVE_BYTES))
        finally:
            os.close(fd)
    except OSError:
        return  # without it, deleting on a full disk may have to wait until there is room


def use_reserve(root: RootLayout) -> bool:
    """Give up the reserve; whether there was one."""
    try:
        os.remove(_path(root))
    except OSError:
        return False
    return True


def _path(root: RootLayout) -> str:
    return os.path.join(root.private, "reserve")
