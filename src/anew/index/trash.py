"""Deleting experiments, with the way back until the trash is emptied.

That an experiment was deleted is an event of the root's journal: from then on it is not shown. Its files lie in
`.anew/trash/<id>/content/` until they are restored or removed. Nothing that lies in a folder decides what is moved or
where to: only the commands here move files, of the experiments they were given, and a move that was cut short is undone
by restoring.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from ..blobs.drafts import leftovers, remove_leftover
from ..blobs.linked import LinkedFiles
from ..errors import InvalidName, InvalidValue, NotFound, StillRunning
from ..journal.identify import identify
from ..journal.layout import RootLayout, is_experiment, is_orphaned, is_text
from ..journal.reserve import has_room, keep_reserve, use_reserve
from ..journal.root import make_private
from ..record.ids import new_id
from ..record.names import ROOT_RESERVED, check_prefix, folder_name
from ..record.root import DeletedEvent, Purged
from ..record.status import Status
from ..stores.series.protocol import ExperimentFolder
from .footprint import Inode, Weighing, stored_files
from .index import Index
from .moving import check_inside, move, move_files

__all__ = ["Freed", "Trash", "Trashed"]

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
SHARED_GRACE = 3600.0  # a capture is stored before it is linked


@dataclass(frozen=True)
class Freed:
    """How many things went, and how many bytes of disk that gives back (at once, or from the trash)."""

    count: int
    bytes: int


@dataclass(frozen=True)
class Trashed:
    """An experiment in the trash; `bytes` is the disk space that emptying it gives back.

    `complete` is false while some of its files are still where they were: its deletion was cut short.
    """

    experiment_id: str
    prefix: str
    name: str
    deleted_at: float
    bytes: int
    complete: bool = True


class Trash:
    """The trash of an index's root."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self._root: RootLayout = index.root
        self._contents: dict[Inode, str] | None = None

    def items(self) -> list[Trashed]:
        """What is in the trash, newest first."""
        found = []
        for experiment_id, event in self._deleted().items():
            folders = self._folders_of(experiment_id)
            in_place = self._is_at(experiment_id, event.prefix)
            if not folders and not in_place:
                continue  # deleted elsewhere, and never here
            weighing = Weighing(self._stored)
            weighing.add(folders)
            item = Trashed(
                experiment_id, event.prefix, event.name, event.t, weighing.freed, not in_place
            )
            found.append(item)
        return sorted(found, key=lambda item: (-item.deleted_at, item.experiment_id))

    def _deleted(self) -> dict[str, DeletedEvent]:
        """The events of what was deleted and neither restored nor purged, by id; those that name no place left out."""
        found = {}
        for experiment_id, event in self._index.journal.state().deleted().items():
            if isinstance(event, DeletedEvent) and _ID.fullmatch(experiment_id):
                try:
                    check_prefix(event.prefix)
                except InvalidName:
                    continue
                found[experiment_id] = event
        return found

    def _folders_of(self, experiment_id: str) -> list[str]:
        """Where the files of a deleted experiment lie; several, when it was deleted and copied back in."""
        own = re.compile(re.escape(experiment_id) + r"(\.\d+)?")
        return [f for f in _folders(self._root.trash) if own.fullmatch(os.path.basename(f))]

    def _is_at(self, experiment_id: str, prefix: str) -> bool:
        try:
            return identify(self._index.journals.of(prefix)) == experiment_id
        except OSError:
            return False

    @contextmanager
    def _in_reserve(self) -> Iterator[None]:
        """Use the room that is kept for freeing room while the disk is full, and keep some again when there is."""
        if not has_room(self._root):
            use_reserve(self._root)
        try:
            yield
        finally:
            if self._index.stores.writable or has_room(self._root):
                keep_reserve(self._root)

    def _say(self, kind: str, experiment_id: str, prefix: str, name: str | None = None) -> None:
        journal = self._index.journal
        fields = {"experiment_id": experiment_id, "prefix": prefix}
        if name is not None:
            fields["name"] = name
        after = [event.id for event in journal.state().heads("experiment", experiment_id)]
        journal.append(kind, fields, after=after)

    # -- in and out -------------------------------------------------------------------------------

    def delete(
        self, ids: Sequence[str], *, permanently: bool = False, force: bool = False
    ) -> Freed:
        """Move experiments to the trash, or away for good; all of them or, on an error before, none.

        Only an experiment's own files go: experiments in folders below it stay.

        Raises:
            NotFound: One of them is not known.
            StillRunning: One is being written, and `force` was not given.
            InvalidValue: One lies outside of the root, behind a link.
            OSError: The files cannot be moved.
        """
        with self._index.exclusive(), self._in_reserve():
            rows = self._index.look_at(ids)
            for experiment_id in ids:
                if experiment_id not in rows:
                    raise NotFound(f"There is no experiment {experiment_id!r}.", name=experiment_id)
                row = rows[experiment_id]
                if row.status == Status.RUNNING and not force:
                    raise StillRunning(
                        f"{row.prefix} is still running. Wait until it has ended, or stop it "
                        "first. If you force the deletion, everything its process logs from now "
                        "on is lost."
                    )
                check_inside(self._root, self._index.place(experiment_id, row.prefix), row.prefix)
            total = Freed(0, 0)
            for experiment_id in dict.fromkeys(ids):
                row = rows[experiment_id]
                self._say("deleted", row.experiment_id, row.prefix, row.name)
                source = self._index.place(experiment_id, row.prefix)
                folder = self._free_folder(row.experiment_id)
                weighing = Weighing(self._stored)
                content = os.path.join(folder, "content")
                move_files(self._root, source, content)
                weighing.add([content])
                freed = weighing.freed
                if permanently:
                    self._say("purged", row.experiment_id, row.prefix)
                    freed = self._remove(folder)
                total = Freed(total.count + 1, total.bytes + freed)
            self._index.take_in()
        return total

    def free_copies(self, ids: Sequence[str]) -> Freed:
        """Remove the files of experiments that a server has all of; what is running or not known is left alone.

        Nothing is said of it in the root's journal: the experiment is not deleted, it is only elsewhere.

        Raises:
            OSError: The files cannot be removed.
        """
        with self._index.exclusive(), self._in_reserve():
            total = Freed(0, 0)
            for experiment_id, row in self._index.look_at(ids).items():
                if row.status == Status.RUNNING:
                    continue
                source = self._index.place(experiment_id, row.prefix)
                try:
                    check_inside(self._root, source, row.prefix)
                except InvalidValue:
                    continue
                folder = self._free_folder(experiment_id)
                move_files(self._root, source, os.path.join(folder, "content"))
                total = Freed(total.count + 1, total.bytes + self._remove(folder))
                self._index.touch([row.prefix])
            self._index.take_in()
        return total

    def discard(self, prefix: str, *, permanently: bool = False) -> tuple[str, Freed] | None:
        """Move what lies at a prefix and cannot be shown to the trash, under an id of its own; None if nothing does.

        That is a folder whose journal names no experiment, cannot be read, or is missing, or a copy that is hidden by the
        experiment whose id it has. From the trash it is restored under a name that can be shown.
        """
        segments = prefix.split("/")
        if any(not s or s.startswith(".") for s in segments) or segments[0] in ROOT_RESERVED:
            return None
        folder = self._root.experiment(prefix).folder
        with self._index.exclusive(), self._in_reserve():
            known = is_text(prefix) and self._index.stores.catalog.known(prefixes=[prefix])
            if known or not self._lies_in_root(folder):
                return None
            if not (is_experiment(folder) or is_orphaned(folder)):
                return None
            # Its own id, if it has one, may be that of another: this one is nobody else's.
            experiment_id, shown = new_id(), "/".join(folder_name(s) for s in segments)
            self._say("deleted", experiment_id, shown, folder_name(segments[-1]))
            target = self._free_folder(experiment_id)
            weighing = Weighing(self._stored)
            content = os.path.join(target, "content")
            move_files(self._root, ExperimentFolder(experiment_id, folder), content)
            weighing.add([content])
            freed = weighing.freed
            if permanently:
                self._say("purged", experiment_id, shown)
                freed = self._remove(target)
        return experiment_id, Freed(1, freed)

    def _lies_in_root(self, folder: str) -> bool:
        """Whether a folder is one, and none on the way to it is a link."""
        at = self._root.root
        for part in os.path.relpath(folder, at).split(os.sep):
            at = os.path.join(at, part)
            try:
                if not stat.S_ISDIR(os.lstat(at).st_mode):
                    return False
            except OSError:
                return False
        return True

    def restore(self, experiment_id: str, prefix: str | None = None) -> str:
        """Take an experiment back out; returns its prefix.

        One that was deleted and whose folder is in its place (it was copied back in, or its deletion was cut short) is
        shown again.

        Args:
            prefix: Where to put it, if not where it was.

        Raises:
            NotFound: It is not in the trash.
            InvalidName: Another experiment is at its prefix.
        """
        with self._index.exclusive():
            known = self._index.journal.state().deleted()
            event = known.get(experiment_id)
            at = prefix if prefix is not None else event.prefix if event else ""
            try:
                at = check_prefix(at)
            except (InvalidName, InvalidValue):
                if prefix is not None or (event is not None and event.prefix):
                    raise
            folders = self._folders_of(experiment_id)
            in_place = event is not None and bool(at) and self._is_at(experiment_id, at)
            if event is None or not at or not (folders or in_place):
                raise NotFound(
                    f"There is no experiment {experiment_id!r} in the trash.",
                    name=experiment_id,
                    nearest=sorted(self._deleted()),
                )
            target = self._root.experiment(at).folder
            if is_experiment(target) and not in_place:
                raise InvalidName(
                    f"The prefix {at!r} is now used by another experiment. Restore to another "
                    "prefix.",
                    name=at,
                )
            if folders:
                self._move_out(folders[-1], target)
            self._say("restored", experiment_id, at)
            self._index.take_in()
        return at

    def _free_folder(self, experiment_id: str) -> str:
        """A new folder in the trash for an experiment's files."""
        folder = os.path.join(self._root.trash, experiment_id)
        number = 1
        while os.path.lexists(folder):
            number += 1
            folder = os.path.join(self._root.trash, f"{experiment_id}.{number}")
        make_private(self._root, folder)
        return folder

    def _move_out(self, folder: str, target: str) -> None:
        content = os.path.join(folder, "content")
        if os.path.isdir(content) and not os.path.islink(content):
            if not os.path.exists(target):
                os.makedirs(os.path.dirname(target), exist_ok=True)
                move(content, target)
            else:
                for name in sorted(os.listdir(content), key=lambda name: name == "journal"):
                    move(os.path.join(content, name), os.path.join(target, name))
        shutil.rmtree(folder)

    def unknown(self) -> list[str]:
        """Folders of the trash that hold something of which nothing says that it was deleted."""
        known = self._index.journal.state().deleted()
        return [
            folder
            for folder in _folders(self._root.trash)
            if os.path.basename(folder).partition(".")[0] not in known
            and os.path.lexists(os.path.join(folder, "content"))
        ]

    # -- giving back ------------------------------------------------------------------------------

    def purge(
        self,
        ids: Collection[str] | None = None,
        *,
        older_than: float = 0.0,
        dry_run: bool = False,
    ) -> Freed:
        """Remove experiments in the trash for good.

        Args:
            ids: Which; all if None.
            older_than: Only those deleted at least this many seconds ago.
            dry_run: Only say what would go.
        """
        with self._index.exclusive():
            expired = self._expired(ids, older_than)
            folders = [folder for of_one in expired.values() for folder in of_one]
            if dry_run:
                weighing = Weighing(self._stored)
                weighing.add(folders)
                return Freed(len(folders), weighing.freed)
            return Freed(len(folders), self._purge(expired))

    def gc(
        self, *, older_than: float = 0.0, dry_run: bool = False, grace: float = SHARED_GRACE
    ) -> Freed:
        """Purge, then remove what nothing refers to: shared captures, what killed saves left, and series of no experiment.

        Args:
            older_than: Only what was deleted at least this many seconds ago.
            dry_run: Only say what would go.
            grace: Seconds for which a shared capture is kept although nothing links to it yet.
        """
        with self._index.exclusive():
            expired = self._expired(None, older_than)
            left = [folder for folder in _folders(self._root.trash) if self._is_left(folder)]
            doomed = [folder for of_one in expired.values() for folder in of_one] + left
            weighing = Weighing(self._stored)
            weighing.add(doomed)
            drafts = self.drafts()
            weighing.add(drafts)
            shared = self._unreferenced(weighing, grace)
            weighing.add(shared)
            known = self._index.ids()
            series = self._index.stores.series
            orphans = {i: size for i, size in series.derived().items() if i not in known}
            freed = weighing.freed + sum(orphans.values())
            if not dry_run:
                with self._in_reserve():
                    self._purge(expired)
                    for folder in left:
                        self._remove(folder)
                    for path in drafts:
                        remove_leftover(path)
                    for path in shared:
                        if os.path.exists(
                            path
                        ):  # the last file that had it may have taken it along
                            os.remove(path)
                    for experiment_id in orphans:
                        series.drop(experiment_id)
                    series.tidy()
        return Freed(len(doomed) + len(drafts) + len(shared) + len(orphans), freed)

    def _expired(self, ids: Collection[str] | None, older_than: float) -> dict[str, list[str]]:
        """The folders of the trash that may go, by id; those of a deletion that was cut short may not."""
        before = time.time() - older_than
        return {
            item.experiment_id: self._folders_of(item.experiment_id)
            for item in self.items()
            if item.complete
            and item.deleted_at <= before
            and (ids is None or item.experiment_id in ids)
        }

    def _purge(self, expired: dict[str, list[str]]) -> int:
        known = self._deleted()
        freed = 0
        for experiment_id, folders in expired.items():
            self._say("purged", experiment_id, known[experiment_id].prefix)
            freed += sum(self._remove(folder) for folder in folders)
        return freed

    def _is_left(self, folder: str) -> bool:
        """Whether a folder of the trash holds nothing, or only what was purged already."""
        experiment_id = os.path.basename(folder).partition(".")[0]
        purged = self._index.journal.state().deleted().get(experiment_id)
        return isinstance(purged, Purged) or not os.path.lexists(os.path.join(folder, "content"))

    def _unreferenced(self, going: Weighing, grace: float) -> list[str]:
        """The shared captures, and contents of files, whose other names are all among what goes.

        A file is linked to its content before that is stored, so contents need no grace.
        """
        found = []
        for inode, path in stored_files(self._root.shared):
            try:
                stat = os.lstat(path)
            except FileNotFoundError:  # released meanwhile
                continue
            others = stat.st_nlink - 1 - going.links.get(inode, 0)
            of_files = path.startswith(os.path.join(self._root.contents, ""))
            if others <= 0 and (of_files or time.time() - stat.st_ctime >= grace):
                found.append(path)
        return found

    def drafts(self) -> list[str]:
        """What processes that were killed while they saved a file left of it."""
        return list(leftovers(LinkedFiles(self._root.contents).drafts))

    def _remove(self, folder: str) -> int:
        """Remove a folder of the trash; the bytes that gives back."""
        weighing = Weighing(self._stored)
        weighing.add([folder])
        freed = weighing.freed
        shutil.rmtree(folder)
        for inode in weighing.shared():
            self._drop(inode)
        return freed

    def _stored(self) -> dict[Inode, str]:
        """The captures and contents that files share, as they were when this was first asked."""
        if self._contents is None:
            self._contents = dict(stored_files(self._root.shared))
        return self._contents

    def _drop(self, inode: Inode) -> None:
        """Remove a stored content of files that no file has any more; captures are kept for a while."""
        path = self._stored().get(inode, "")
        if not path.startswith(os.path.join(self._root.contents, "")):
            return
        try:
            stat = os.lstat(path)
            if (stat.st_dev, stat.st_ino) == inode and stat.st_nlink == 1:
                os.remove(path)
        except FileNotFoundError:
            return


def _folders(folder: str) -> list[str]:
    try:
        return sorted(e.path for e in os.scandir(folder) if e.is_dir(follow_symlinks=False))
    except FileNotFoundError:
        return []
