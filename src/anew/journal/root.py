"""The root's own journal: what belongs to no experiment, and hints about which experiments changed.

Every author (see `author`) appends to a file of its own in `.anew/root/`, one line an event, so there is no lock and
nothing to clean up, and any number of readers may follow with positions of their own. Some lines are *hints*: they say
which experiments to look at, and a walk over the folders finds the same. All other lines are truth, like an
experiment's own events. `docs/internals/format.md` lists both.
"""

from __future__ import annotations

import errno
import os
import stat as modes
import time

from ..record.encode import encode_line
from ..record.ids import new_id
from ..record.names import natural
from ..record.secrets import mask_event
from .author import identity, login_name
from .layout import is_text
from .permissions import set_mode
from .reserve import NO_ROOM, use_reserve

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any

    from .author import Identity
    from .layout import RootLayout

__all__ = [
    "HINTS",
    "RootChunk",
    "RootPosition",
    "announce",
    "announce_all",
    "append",
    "append_block",
    "append_line",
    "author_name",
    "claim_number",
    "event_line",
    "follow_root",
    "journal_files",
    "make_private",
    "make_root",
    "name_root",
    "unreadable_files",
]

HINTS = ("opened", "ended", "changed")
FREEING = ("deleted", "purged", "restored")
_GITIGNORE = """\
# Anew wrote this when it made the store, so that experiments are not committed with the program.
# To commit them, edit or remove this file; it is not written again.
*
"""
_MARK_BYTES = 256
_MOST_BYTES = 1 << 30  # of one author's file; a line has about two hundred


def announce(root: RootLayout, kind: str, experiment_id: str, prefix: str) -> None:
    """Leave a hint for readers; without it they find the change later.

    Args:
        kind: One of `HINTS`.

    Raises:
        OSError: The root cannot be written.
    """
    announce_all(root, kind, [(experiment_id, prefix)])


def announce_all(root: RootLayout, kind: str, experiments: Iterable[tuple[str, str]]) -> None:
    """Leave a hint about each of some experiments, in one go.

    Args:
        kind: One of `HINTS`.
        experiments: Their ids and prefixes.

    Raises:
        OSError: The root cannot be written.
    """
    now = time.time()
    lines = b"".join(
        encode_line({"k": kind, "t": now, "experiment_id": experiment_id, "prefix": prefix})
        for experiment_id, prefix in experiments
    )
    if lines:
        _write(root, lines, durable=False, who=None)


def append(
    root: RootLayout,
    kind: str,
    fields: Mapping[str, Any],
    *,
    scope: str = "root",
    after: Iterable[str] = (),
    user: str = "",
    t: float | None = None,
    durable: bool = False,
    who: Identity | None = None,
) -> str:
    """Append one event that is truth; returns its id. Secrets in it are masked.

    Args:
        kind: Its tag, such as "document".
        fields: What it says besides, as plain JSON.
        after: The ids of the events that it takes the place of.
        user: Who says it; the login name if not given.
        t: Its time; now if not given.
        durable: Wait until the disk has it.

    Raises:
        OSError: It cannot be written.
        TypeError, ValueError: It is no plain JSON.
    """
    event_id, data = event_line(kind, fields, scope=scope, after=after, user=user, t=t, who=who)
    try:
        _write(root, data, durable=durable, who=who)
    except OSError as error:
        # What frees room may use the room that is kept for it.
        if error.errno not in NO_ROOM or kind not in FREEING or not use_reserve(root):
            raise
        _write(root, data, durable=durable, who=who)
    return event_id


def event_line(
    kind: str,
    fields: Mapping[str, Any],
    *,
    scope: str = "root",
    after: Iterable[str] = (),
    user: str = "",
    t: float | None = None,
    who: Identity | None = None,
) -> tuple[str, bytes]:
    """The id and the line of an event as `append` writes it.

    Raises:
        TypeError, ValueError: It is no plain JSON.
    """
    event_id = new_id()
    line: dict[str, Any] = {"k": kind, "t": time.time() if t is None else t, "id": event_id}
    line["user"], line["host"] = user or login_name(), (who or identity()).host
    if scope != "root":
        line["scope"] = scope
    seen = list(after)
    if seen:
        line["after"] = seen
    return event_id, encode_line({**line, **mask_event(kind, dict(fields))})


def _write(root: RootLayout, line: bytes, *, durable: bool, who: Identity | None) -> None:
    is_new = not os.path.isdir(root.journal)
    path = os.path.join(root.journal, author_name(root, who) + ".jsonl")
    if is_new:  # whoever begins a root's journal gives the root its id
        line = _naming(who) + line
    append_line(path, line, durable=durable)


def name_root(root: RootLayout) -> None:
    """Give a root an id that has none, because its journal came out of an export.

    Raises:
        OSError: It cannot be written.
    """
    append_line(os.path.join(root.journal, author_name(root) + ".jsonl"), _naming(None))


def _naming(who: Identity | None) -> bytes:
    """The event that gives a root its id."""
    author = {"user": login_name(), "host": (who or identity()).host}
    return encode_line(
        {"k": "root", "t": time.time(), "id": new_id(), **author, "root_id": new_id()}
    )


def author_name(root: RootLayout, who: Identity | None = None) -> str:
    """The stem of the files that this process may append to below a root.

    It depends on the root's own folder too: a root that was copied goes on in files of its own, so that the two
    can be put together again.

    Raises:
        OSError: The root cannot be written.
    """
    make_private(root, root.journal)
    stat = os.stat(root.journal)
    return (who or identity()).name(f"{stat.st_dev}.{stat.st_ino}")


def append_line(path: str, line: bytes, *, durable: bool = False) -> None:
    """Append a line to a file that other processes may append to at the same moment.

    Raises:
        OSError: It could not be written whole.
    """
    # For reading too: an end that was cut short when the power failed must not swallow this line.
    fd = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o666)
    try:
        size = os.fstat(fd).st_size
        if size and os.pread(fd, 1, size - 1) != b"\n":
            line = b"\n" + line
        if os.write(fd, line) != len(line):
            raise OSError(errno.ENOSPC, "only part of a line could be written", path)
        if durable:
            os.fsync(fd)
    finally:
        os.close(fd)


def append_block(path: str, lines: bytes, *, durable: bool = False) -> None:
    """Append whole lines to a file of this process's own, together or not at all.

    Raises:
        OSError: They could not be written whole; what was written of them is taken back.
    """
    fd = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o666)
    try:
        size = os.fstat(fd).st_size
        if size and os.pread(fd, 1, size - 1) != b"\n":
            lines = b"\n" + lines
        try:
            left = memoryview(lines)
            while left:
                left = left[os.write(fd, left) :]
        except OSError:
            os.ftruncate(fd, size)
            raise
        if durable:
            os.fsync(fd)
    finally:
        os.close(fd)


def make_root(root: RootLayout) -> None:
    """Make the root's folder, with a `.gitignore` in it: what is recorded does not belong into the program's repository.

    A folder that holds anything else keeps to itself what git ignores in it: it may be a whole project. So does a store
    whose `.gitignore` was removed.

    Raises:
        OSError: It cannot be made.
    """
    os.makedirs(root.root, exist_ok=True)
    path = os.path.join(root.root, ".gitignore")
    if os.path.lexists(path):
        return
    try:
        with os.scandir(root.root) as entries:
            # Whoever else opens this store just now makes its .gitignore before anything else, too.
            if any(entry.name != ".anew" for entry in entries):
                return
        with open(path, "x", encoding="utf-8") as file:
            file.write(_GITIGNORE)
    except OSError:
        pass  # recording does not depend on it


def make_private(root: RootLayout, folder: str) -> None:
    """Make a folder in `.anew/`; where a group may write to the root, it may write there too.

    Raises:
        OSError: It cannot be made.
    """
    for own in (root.private, folder):
        if os.path.islink(own):
            raise OSError(errno.ELOOP, "it is a symbolic link, and links are not followed", own)
    if os.path.isdir(folder):
        return
    make_root(root)
    shared = os.stat(root.root).st_mode & 0o2070
    at = root.root
    for part in os.path.relpath(folder, root.root).split(os.sep):
        at = os.path.join(at, part)
        try:
            os.mkdir(at)
        except FileExistsError:
            continue
        if shared & 0o020:
            set_mode(at, modes.S_IMODE(os.stat(at).st_mode) | shared)


def claim_number(root: RootLayout, what: str, at_least: int) -> int:
    """Claim a unique number for `what`, at least this one and higher than all claimed before.

    Raises:
        OSError: The root cannot be written.
    """
    import hashlib

    key = hashlib.blake2b(what.encode("utf-8", "replace"), digest_size=12).hexdigest()
    folder = os.path.join(root.journal, "claims", key)
    make_private(root, folder)
    claimed = [natural(name) or 0 for name in os.listdir(folder)]
    number = max([at_least, *(n + 1 for n in claimed)])
    while True:
        try:
            path = os.path.join(folder, str(number))
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
            return number
        except FileExistsError:
            number += 1


# -- reading ----------------------------------------------------------------------------------------


class RootPosition:
    """How far one file was read, and what tells that it is still the same file.

    Attributes:
        offset, lines: Bytes and whole lines that were read.
        stamp: Size, modification time and inode of the file when it was last looked at.
        mark: A checksum of its first bytes and of those before `offset`.
    """

    __slots__ = ("lines", "mark", "offset", "stamp")

    def __init__(
        self,
        offset: int = 0,
        lines: int = 0,
        stamp: tuple[int, int, int] = (0, 0, 0),
        mark: int = 0,
    ) -> None:
        self.offset = offset
        self.lines = lines
        self.stamp = stamp
        self.mark = mark

    def to_text(self) -> str:
        """As a text to be kept."""
        return " ".join(map(str, (self.offset, self.lines, *self.stamp, self.mark)))

    @classmethod
    def from_text(cls, text: str) -> RootPosition:
        """The inverse of `to_text`; the beginning for any other text."""
        try:
            offset, lines, size, time_ns, inode, mark = map(int, text.split())
        except ValueError:
            return cls()
        return cls(offset, lines, (size, time_ns, inode), mark)


class RootChunk:
    """What is new in one file: whole lines, the number of lines before them, and the position after them.

    `replaced` says that the file is another than the one read before, so that `data` is all of it.
    """

    __slots__ = ("data", "end", "lines", "name", "replaced")

    def __init__(
        self, name: str, data: bytes, lines: int, end: RootPosition, replaced: bool
    ) -> None:
        self.name = name
        self.data = data
        self.lines = lines
        self.end = end
        self.replaced = replaced


def follow_root(root: RootLayout, positions: Mapping[str, RootPosition]) -> Iterator[RootChunk]:
    """What was appended to the root's journal since these positions, a chunk a file; by the file's name.

    A last line without its newline is a write in progress and waits. A file that is not the one read before, of
    whatever size, is read from its start. What is no plain file, or is not ours to read, is passed over: one author's
    file never hides the others' (`unreadable_files` names it).
    """
    for name in journal_files(root):
        path = os.path.join(root.journal, name)
        before = positions.get(name) or RootPosition()
        try:
            stat = os.lstat(path)
            stamp = (stat.st_size, stat.st_mtime_ns, stat.st_ino)
            if stamp == before.stamp or not _is_readable(stat):
                continue
            fd = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
        except OSError:
            continue
        try:
            chunk = _chunk(fd, name, before, stamp)
        except OSError:
            continue
        finally:
            os.close(fd)
        if chunk.data or chunk.replaced:
            yield chunk


def _is_readable(stat: os.stat_result) -> bool:
    return modes.S_ISREG(stat.st_mode) and stat.st_size <= _MOST_BYTES


def unreadable_files(root: RootLayout) -> dict[str, OSError]:
    """The files of the root's journal that cannot be read, and why."""
    found = {}
    for name in _all_files(root):
        path = os.path.join(root.journal, name)
        try:
            if not is_text(name):
                raise OSError(errno.EILSEQ, "its name is not valid UTF-8", path)
            if not _is_readable(os.lstat(path)):
                raise OSError(errno.EINVAL, "it is not a regular file, or far too large", path)
            os.close(os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0)))
        except OSError as error:
            found[name] = error
    return found


def journal_files(root: RootLayout) -> list[str]:
    """The names of the files of the root's journal; a name that is no text is not among them."""
    return [name for name in _all_files(root) if is_text(name)]


def _all_files(root: RootLayout) -> list[str]:
    try:
        return sorted(name for name in os.listdir(root.journal) if name.endswith(".jsonl"))
    except (FileNotFoundError, NotADirectoryError):
        return []


def _chunk(fd: int, name: str, before: RootPosition, stamp: tuple[int, int, int]) -> RootChunk:
    offset, lines = before.offset, before.lines
    replaced = offset > 0 and (stamp[0] < offset or _mark(fd, offset) != before.mark)
    if replaced:
        offset = lines = 0
    data = b""
    while more := os.pread(fd, max(1 << 16, stamp[0] - offset - len(data)), offset + len(data)):
        data += more
    data = data[: data.rfind(b"\n") + 1]
    end = offset + len(data)
    position = RootPosition(end, lines + data.count(b"\n"), stamp, _mark(fd, end))
    return RootChunk(name, data, lines, position, replaced)


def _mark(fd: int, offset: int) -> int:
    from binascii import crc32

    first = os.pread(fd, min(_MARK_BYTES, offset), 0)
    last = os.pread(fd, min(_MARK_BYTES, offset), max(0, offset - _MARK_BYTES))
    return crc32(last, crc32(first))
