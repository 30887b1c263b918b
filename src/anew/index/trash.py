"""Deleting experiments, with the way back until the trash is emptied.

A deleted experiment lies in `.anew/trash/<id>/`: its files in `content/`, and `deleted.json` saying what
it was. That document also says while files are being moved, so that a move that was cut short is finished
by whoever looks next.
"""

from __future__ import annotations

import errno
import os
import shutil
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import msgspec

from ..errors import InvalidName, NotFound, StillRunning
from ..journal.layout import RootLayout, is_experiment
from ..journal.root import announce
from ..record.names import check_prefix
from ..record.status import Status
from .footprint import Weighing, own_entries
from .index import Index

__all__ = ["Freed", "Trash", "Trashed"]

SHARED_GRACE = 3600.0  # a capture is stored before it is linked


@dataclass(frozen=True)
class Freed:
    """How many things went, and how many bytes of disk that gives back (at once, or from the trash)."""

    count: int
    bytes: int


class Trashed(msgspec.Struct, frozen=True, kw_only=True):
    """An experiment in the trash; `bytes` is the disk space that emptying it gives back."""

    experiment_id: str
    prefix: str
    name: str
    deleted_at: float
    bytes: int
    doing: str | None = None
    """ "delete" or "restore" while its files are being moved."""


class Trash:
    """The trash of an index's root."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self._root: RootLayout = index.root

    def items(self) -> list[Trashed]:
        """What is in the trash, newest first."""
        return sorted(self._items().values(), key=lambda item: -item.deleted_at)

    def _items(self) -> dict[str, Trashed]:
        """By folder: that has the experiment's id, with a number when it was deleted before."""
        found = {}
        try:
            names = sorted(os.listdir(self._root.trash))
        except FileNotFoundError:
            return {}
        for name in names:
            folder = os.path.join(self._root.trash, name)
            try:
                with open(os.path.join(folder, "deleted.json"), "rb") as file:
                    found[folder] = msgspec.json.decode(file.read(), type=Trashed)
            except (FileNotFoundError, NotADirectoryError, msgspec.DecodeError):
                continue  # half made, or half emptied: `gc` takes it
        return found

    # -- in and out -------------------------------------------------------------------------------

    def delete(
        self, ids: Sequence[str], *, permanently: bool = False, force: bool = False
    ) -> Freed:
        """Move experiments to the trash, or away for good; all of them or, on an error before, none.

        Only an experiment's own files go: experiments in folders below it stay.

        Raises:
            NotFound: One of them is not known.
            StillRunning: One is being written, and `force` was not given.
            OSError: The files cannot be moved.
        """
        with self._index.exclusive():
            self._recover()
            rows = self._index.look_at(ids)
            for experiment_id in ids:
                if experiment_id not in rows:
                    raise NotFound(f"There is no experiment {experiment_id!r}.", name=experiment_id)
                row = rows[experiment_id]
                if row.status == Status.RUNNING and not force:
                    raise StillRunning(
                        f"{row.prefix} is being written. Let it end or stop it first; forcing the "
                        "deletion makes its writer lose what it logs from then on."
                    )
            total = Freed(0, 0)
            for experiment_id in dict.fromkeys(ids):
                row = rows[experiment_id]
                folder = self._make(row.experiment_id, row.prefix, row.name)
                item = self._move_in(folder)
                announce(self._root, "deleted", row.experiment_id, row.prefix)
                freed = item.bytes
                if permanently:
                    freed = self._remove(folder)
                total = Freed(total.count + 1, total.bytes + freed)
            self._index.touch([row.prefix for row in rows.values()])
        return total

    def restore(self, experiment_id: str, prefix: str | None = None) -> str:
        """Take an experiment back out; returns its prefix.

        Args:
            prefix: Where to put it, if not where it was.

        Raises:
            NotFound: It is not in the trash.
            InvalidName: Another experiment is at its prefix.
        """
        with self._index.exclusive():
            self._recover()
            items = {item.experiment_id: folder for folder, item in self._items().items()}
            if experiment_id not in items:
                raise NotFound(
                    f"There is no experiment {experiment_id!r} in the trash.",
                    name=experiment_id,
                    nearest=sorted(items),
                )
            folder = items[experiment_id]
            item = self._read(folder)
            if prefix is not None:
                item = msgspec.structs.replace(item, prefix=prefix)
            check_prefix(item.prefix)
            if is_experiment(self._root.experiment(item.prefix).folder):
                raise InvalidName(
                    f"Another experiment is at {item.prefix!r} by now; restore it to another prefix.",
                    name=item.prefix,
                )
            self._write(folder, msgspec.structs.replace(item, doing="restore"))
            self._move_out(folder)
            announce(self._root, "restored", item.experiment_id, item.prefix)
            self._index.touch([item.prefix])
        return item.prefix

    def _make(self, experiment_id: str, prefix: str, name: str) -> str:
        """A folder in the trash for an experiment whose files are about to be moved."""
        folder = os.path.join(self._root.trash, experiment_id)
        number = 1
        while os.path.exists(folder):
            number += 1
            folder = os.path.join(self._root.trash, f"{experiment_id}.{number}")
        weighing = Weighing()
        weighing.add(own_entries(self._root.experiment(prefix).folder)[0])
        os.makedirs(folder)
        item = Trashed(
            experiment_id=experiment_id,
            prefix=prefix,
            name=name,
            deleted_at=time.time(),
            bytes=weighing.freed,
            doing="delete",
        )
        self._write(folder, item)
        return folder

    def _move_in(self, folder: str) -> Trashed:
        item = self._read(folder)
        source = self._root.experiment(item.prefix).folder
        content = os.path.join(folder, "content")
        if os.path.isdir(source):
            entries, everything = own_entries(source)
            if everything and not os.path.exists(content):
                _move(source, content)
            else:
                os.makedirs(content, exist_ok=True)
                # Without its journal the folder is no experiment any more: that goes first.
                for path in sorted(entries, key=lambda p: os.path.basename(p) != "journal"):
                    _move(path, os.path.join(content, os.path.basename(path)))
        _prune(source, self._root.root)
        done = msgspec.structs.replace(item, doing=None)
        self._write(folder, done)
        return done

    def _move_out(self, folder: str) -> None:
        item = self._read(folder)
        target = self._root.experiment(item.prefix).folder
        content = os.path.join(folder, "content")
        if not os.path.exists(target):
            os.makedirs(os.path.dirname(target), exist_ok=True)
            _move(content, target)
        elif os.path.isdir(content):
            names = sorted(os.listdir(content), key=lambda name: name == "journal")
            for name in names:
                _move(os.path.join(content, name), os.path.join(target, name))
        shutil.rmtree(folder)

    def _recover(self) -> None:
        """Finish the moves that were cut short."""
        for folder, item in self._items().items():
            if item.doing == "delete":
                self._move_in(folder)
                announce(self._root, "deleted", item.experiment_id, item.prefix)
                self._index.touch([item.prefix])
            elif item.doing == "restore":
                self._move_out(folder)
                announce(self._root, "restored", item.experiment_id, item.prefix)
                self._index.touch([item.prefix])

    def _read(self, folder: str) -> Trashed:
        with open(os.path.join(folder, "deleted.json"), "rb") as file:
            return msgspec.json.decode(file.read(), type=Trashed)

    def _write(self, folder: str, item: Trashed) -> None:
        path = os.path.join(folder, "deleted.json")
        with open(path + ".tmp", "wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(item), indent=2))
        os.replace(path + ".tmp", path)

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
            folders = self._expired(ids, older_than)
            if dry_run:
                weighing = Weighing()
                weighing.add(folders)
                return Freed(len(folders), weighing.freed)
            return Freed(len(folders), sum(self._remove(folder) for folder in folders))

    def gc(
        self, *, older_than: float = 0.0, dry_run: bool = False, grace: float = SHARED_GRACE
    ) -> Freed:
        """Purge, then remove what nothing refers to: shared captures, and series of no experiment.

        Args:
            older_than: Only what was deleted at least this many seconds ago.
            dry_run: Only say what would go.
            grace: Seconds for which a shared capture is kept although nothing links to it yet.
        """
        with self._index.exclusive():
            if not dry_run:
                self._recover()
            expired = self._expired(None, older_than)
            half_made = [
                folder
                for folder in _folders(self._root.trash)
                if not os.path.exists(os.path.join(folder, "deleted.json"))
            ]
            doomed = expired + half_made
            weighing = Weighing()
            weighing.add(doomed)
            shared = self._unreferenced(weighing, grace)
            weighing.add(shared)
            known = self._index.ids()
            series = self._index.stores.series
            orphans = {i: size for i, size in series.derived().items() if i not in known}
            freed = weighing.freed + sum(orphans.values())
            if not dry_run:
                for folder in doomed:
                    self._remove(folder)
                for path in shared:
                    os.remove(path)
                for experiment_id in orphans:
                    series.drop(experiment_id)
                series.tidy()
        return Freed(len(doomed) + len(shared) + len(orphans), freed)

    def _expired(self, ids: Collection[str] | None, older_than: float) -> list[str]:
        before = time.time() - older_than
        return [
            folder
            for folder, item in self._items().items()
            if item.deleted_at <= before and (ids is None or item.experiment_id in ids)
        ]

    def _unreferenced(self, going: Weighing, grace: float) -> list[str]:
        """The shared captures whose other names are all among what goes."""
        found = []
        for folder, _, files in os.walk(self._root.shared):
            for name in files:
                path = os.path.join(folder, name)
                stat = os.lstat(path)
                others = stat.st_nlink - 1 - going.links.get((stat.st_dev, stat.st_ino), 0)
                if others <= 0 and time.time() - stat.st_ctime >= grace:
                    found.append(path)
        return found

    def _remove(self, folder: str) -> int:
        """Remove a folder of the trash: its files before the document that says what they were."""
        weighing = Weighing()
        weighing.add([folder])
        freed = weighing.freed
        shutil.rmtree(os.path.join(folder, "content"), ignore_errors=True)
        shutil.rmtree(folder)
        return freed


def _move(source: str, target: str) -> None:
    """Move a file or folder; what an earlier attempt left at the target is filled up."""
    try:
        if os.path.isdir(target) and os.path.isdir(source):
            for name in os.listdir(source):
                _move(os.path.join(source, name), os.path.join(target, name))
            os.rmdir(source)
        else:
            os.rename(source, target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        shutil.move(source, target)


def _prune(folder: str, root: str) -> None:
    """Remove a folder and those above it as long as they are empty, up to the root."""
    while folder != root and folder.startswith(root + os.sep):
        try:
            os.rmdir(folder)
        except FileNotFoundError:
            pass
        except OSError:
            return
        folder = os.path.dirname(folder)


def _folders(folder: str) -> list[str]:
    try:
        return sorted(e.path for e in os.scandir(folder) if e.is_dir(follow_symlinks=False))
    except FileNotFoundError:
        return []
