"""Finding what reached a root without being announced: copied, moved, synced, unzipped, removed or replaced.

A look does a bounded amount of work. It compares the change times of the folders that hold experiments, lists those that
changed, and takes up those children that came or changed since; and it compares a few of the known experiments with
what was taken in of them, others at each look. What a look misses is found when somebody names it, and by the doctor.
"""

from __future__ import annotations

import os
import stat
import time
from collections import deque
from collections.abc import Iterable

import msgspec

from ..journal.follow import Cursor, Stream, follow_pieces
from ..journal.layout import OWN_FOLDERS, RootLayout, is_experiment, is_text
from ..journal.storage import Storage

__all__ = ["Folders", "is_current", "look_around"]

ENTRIES = 2000
EXPERIMENTS = 10
MAX_FOLDERS = 2000
LARGE_EVERY = 60.0
_SLACK_NS = 2_000_000_000  # file systems keep times as coarse as this
STREAMS = frozenset({Stream.EVENTS, Stream.POINTS})
_cursors = msgspec.msgpack.Decoder(Cursor)


class Seen(msgspec.Struct, array_like=True):
    """A folder when it was last listed: its change time and inode, when that was, and how many entries it had."""

    changed_ns: int = 0
    inode: int = 0
    listed_at: float = 0.0
    entries: int = 0


class Folders(msgspec.Struct):
    """The folders of a root that hold experiments, by their path below it, and where the next look goes on.

    `since_ns` stands for the change time of a folder that was not listed yet.
    """

    since_ns: int = 0
    at: int = 0
    seen: dict[str, Seen] = {}

    @classmethod
    def from_text(cls, text: str | None) -> Folders:
        """The inverse of `to_text`; of any other text, a root of which nothing is known."""
        try:
            return msgspec.json.decode(text or "", type=cls)
        except msgspec.MsgspecError:
            return cls(seen={"": Seen()})

    def to_text(self) -> str:
        """As a text to be kept."""
        return msgspec.json.encode(self).decode()

    @classmethod
    def holding(cls, prefixes: Iterable[str], since_ns: int) -> Folders:
        """The folders that hold the experiments with these prefixes."""
        folders = cls(since_ns=since_ns, seen={"": Seen()})
        folders.add(prefixes)
        return folders

    def add(self, prefixes: Iterable[str]) -> None:
        """Take up the folders that hold the experiments with these prefixes."""
        for prefix in prefixes:
            parent = prefix.rpartition("/")[0]
            while parent and parent not in self.seen and len(self.seen) < MAX_FOLDERS:
                self.seen[parent] = Seen()
                parent = parent.rpartition("/")[0]

    def add_nested(self, root: RootLayout, prefixes: Iterable[str]) -> None:
        """Take up those of these experiments whose folders hold others, or may."""
        for prefix in prefixes:
            if prefix not in self.seen and len(self.seen) < MAX_FOLDERS:
                try:
                    if _holds_folders(root.experiment(prefix).folder):
                        self.seen[prefix] = Seen()
                except OSError:
                    continue


def look_around(root: RootLayout, folders: Folders, *, entries: int = ENTRIES) -> list[str]:
    """The prefixes of experiments that came into a folder, or changed there, since it was last listed.

    Args:
        folders: Brought up to date in place.
        entries: About how many folders and entries to look at; the next look goes on behind them.
    """
    names = list(folders.seen)
    start = folders.at % len(names) if names else 0
    waiting = deque(names[start:] + names[:start])
    known, done = len(names), 0
    found: list[str] = []
    while waiting and entries > 0:
        name = waiting.popleft()
        done += 1
        entries -= 1
        listed = _list_folder(root, folders, name)
        if listed is not None:
            experiments, inside, count = listed
            entries -= count + 10 * len(experiments)  # those are opened
            found += experiments
            for each in inside:
                if each not in folders.seen and len(folders.seen) < MAX_FOLDERS:
                    folders.seen[each] = Seen()
                    waiting.append(each)
    folders.at = (start + done) % known if done < known else 0
    return found


def _list_folder(
    root: RootLayout, folders: Folders, name: str
) -> tuple[list[str], list[str], int] | None:
    """The experiments that are new in a folder, the folders in it, and how many entries there are.

    None when it did not change, is not there any more, or is large and was listed a moment ago.
    """
    path = os.path.join(root.root, *name.split("/")) if name else root.root
    seen = folders.seen[name]
    try:
        status = os.stat(
            path
        )  # it was a folder of the root, or a link out of it, when it was listed
        if not stat.S_ISDIR(status.st_mode):
            raise FileNotFoundError
        stamp = (status.st_ctime_ns, status.st_ino)
        if stamp == (seen.changed_ns, seen.inode):
            return None
        now = time.time()
        if seen.entries > ENTRIES and 0 <= now - seen.listed_at < LARGE_EVERY:
            return None
        since = (seen.changed_ns or folders.since_ns) - _SLACK_NS
        same = seen.inode in (0, status.st_ino)
        in_experiment = bool(name) and is_experiment(path)
        experiments, inside, count = [], [], 0
        with os.scandir(path) as children:
            for child in children:
                count += 1
                if not root.may_hold(child, path, in_experiment):
                    continue
                if not is_text(child.name):
                    continue  # the doctor names it
                if same and _changed_ns(child) < since:
                    continue
                prefix = f"{name}/{child.name}" if name else child.name
                if is_experiment(child.path):
                    experiments.append(prefix)
                    if _holds_folders(child.path):
                        inside.append(prefix)
                else:
                    inside.append(prefix)
    except FileNotFoundError:
        del folders.seen[name]
        return None
    except OSError:  # not ours to read; the doctor names it
        return None
    news = bool(experiments) or any(each not in folders.seen for each in inside)
    if name or news or not seen.inode or not same or count > ENTRIES:
        folders.seen[name] = Seen(*stamp, now, count)
    # else: whoever opens the catalog changes the root itself; noting that would be a write for every look
    return experiments, inside, count


def _changed_ns(child: os.DirEntry[str]) -> int:
    """When a folder, or a link to one, was changed last."""
    return max(child.stat(follow_symlinks=False).st_ctime_ns, child.stat().st_ctime_ns)


def _holds_folders(experiment: str) -> bool:
    with os.scandir(experiment) as children:
        return any(
            child.is_dir(follow_symlinks=False)
            and child.name not in OWN_FOLDERS
            and not child.name.startswith(".")
            for child in children
        )


def is_current(storage: Storage, cursor: bytes) -> bool:
    """Whether everything among an experiment's files was taken in, and nothing else counts for it.

    One that cannot be compared is not: whoever takes it in then notes what is wrong with it.
    """
    try:
        return storage.list("journal") != [] and not any(
            True for _ in follow_pieces(storage, _cursors.decode(cursor), STREAMS, chunk_bytes=4096)
        )
    except Exception:  # noqa: BLE001  (the bulkhead: whatever is wrong with one, the others are shown)
        return False
