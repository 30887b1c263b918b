"""A folder as one side of a move."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import stat
from collections.abc import Collection, Iterator, Mapping, Sequence

from ...blobs.folder import FolderBlobs
from ...blobs.linked import LinkedFiles
from ...blobs.protocol import Blobs
from ...errors import InvalidName
from ...index.moving import move_files
from ...journal.documents import RootJournal
from ...journal.identify import identify
from ...journal.layout import RootLayout, is_experiment
from ...journal.residents import FolderJournals
from ...journal.root import append_block, follow_root, make_private, unreadable_files
from ...journal.storage import FolderStorage
from ...record.root import DeletedEvent, Hint, decode_root
from ...stores.series.protocol import ExperimentFolder
from ...sync.files import files_in
from ...sync.local import Local, find
from ..intake.contents import place
from ..intake.names import is_id, is_segment, prepare
from ..intake.segments import append_at, read_at
from .sides import Held, Item

__all__ = ["FolderSide", "unfinished_move"]

_MARK = "move.json"
_MOVED = "moved.jsonl"
"""Where the events of the other side go, in the folder of the store's own journal."""
_BESIDE = "conflicts/"
_SHARED = ("files/", "environment/", "openings/")
_FOLDERS = ("journal", "metrics", "logs")


def unfinished_move(root: str) -> str | None:
    """From where a store was being moved into a folder when that was cut short; None if it was not."""
    try:
        with open(os.path.join(RootLayout(root).private, _MARK), "rb") as file:
            said = json.loads(file.read(1 << 16))["from"]
    except FileNotFoundError:
        return None
    except (OSError, ValueError, LookupError, TypeError):
        return "another place"
    return str(said)


class FolderSide:
    """A folder as `Source` and `Target`; nothing in it is followed that leads out of it.

    Args:
        root: The folder, which need not be there yet.
    """

    def __init__(self, root: str) -> None:
        self.where = self.accounts = root
        self._layout = RootLayout(root)
        self._locals: dict[str, Local] = {}
        self._wrong: dict[str, str] = {}
        self._stored = LinkedFiles(
            self._layout.contents, lambda folder: make_private(self._layout, folder)
        )

    def has_accounts(self) -> bool:
        """See `Source.has_accounts`."""
        return os.path.exists(os.path.join(self._layout.server, "accounts.db"))

    # -- what is there ------------------------------------------------------------------------------------

    def root_id(self) -> str | None:
        """See `Source.root_id`."""
        return RootJournal(self._layout).state().root_id()

    def items(self) -> Mapping[str, Item]:
        """See `Source.items`."""
        layout, found = self._layout, dict[str, Item]()
        self._wrong = {path: str(e) for path, e in unreadable_files(layout).items()}
        gone = {
            one: event for one, event in RootJournal(layout).state().deleted().items() if is_id(one)
        }
        locals_ = dict[str, Local]()
        for local in find(layout, FolderJournals(layout), {}, failed=self._failed):
            locals_[local.id] = local
            if local.id not in gone:
                found[local.id] = Item(local.id, local.prefix)
        for one, event in gone.items():
            folder = self._in_trash(one)
            if folder is not None:
                locals_[one] = Local(one, event.prefix, folder, FolderStorage(folder), None)
            if one in locals_ and isinstance(event, DeletedEvent):
                found[one] = Item(one, event.prefix, "deleted", event.name, event.t)
            else:
                found[one] = Item(one, event.prefix, "purged")
        self._locals = locals_
        return found

    def unreadable(self) -> Mapping[str, str]:
        """See `Source.unreadable`."""
        return self._wrong

    def held(self, item: Item) -> Sequence[Held]:
        """See `Source.held`."""
        local = self._locals.get(item.id)
        found: list[Held] = []
        if local is not None:
            for folder in _FOLDERS:
                for blob in local.storage.list(folder):
                    path = f"{folder}/{blob.name}"
                    if is_segment(path):
                        found.append(Held(path, blob.size, blob.changed_at, segment=True))
                    elif path.startswith("metrics/") and path.endswith(".parquet"):
                        found.append(Held(path, blob.size, blob.changed_at))
            found += [
                Held(one.path, one.size, one.mark[2] / 1e9, executable=one.executable)
                for one in files_in(local)
            ]
        with contextlib.suppress(FileNotFoundError), os.scandir(self._beside(item)) as entries:
            for entry in entries:
                about = entry.stat(follow_symlinks=False)
                if stat.S_ISREG(about.st_mode) and not entry.name.endswith(".part"):
                    found.append(Held(f"{_BESIDE}{entry.name}", about.st_size, about.st_mtime))
        return found

    def read(self, item: Item, held: Held, start: int, length: int) -> bytes:
        """See `Source.read`."""
        return read_at(self._path(item, held.path), start, length)

    @contextlib.contextmanager
    def local(self, item: Item, held: Held) -> Iterator[str]:
        """See `Source.local`."""
        yield self._path(item, held.path)

    def lines(self) -> Mapping[str, bytes]:
        """See `Source.lines`. A line that cannot be decoded is no event, and stays."""
        found: dict[str, bytes] = {}
        for chunk in follow_root(self._layout, {}):
            good, broken = decode_root(chunk.data, chunk.lines + 1, hints=False)
            for one in good:
                if not isinstance(one.event, Hint):
                    found.setdefault(one.event.id, one.raw.rstrip(b"\n") + b"\n")
            path = os.path.join(self._layout.journal, chunk.name)
            for wrong in broken:
                self._wrong[f"{path}:{wrong.line}"] = wrong.reason
        return found

    def weights(self) -> Blobs:
        """See `Source.weights`."""
        return FolderBlobs(self._layout.weights)

    # -- taking ---------------------------------------------------------------------------------------------

    def begin(self, source: str) -> None:
        """See `Target.begin`."""
        make_private(self._layout, self._layout.journal)
        path = os.path.join(self._layout.private, _MARK)
        with open(f"{path}.tmp", "w", encoding="utf-8") as file:
            json.dump({"from": source}, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(f"{path}.tmp", path)

    def begun(self) -> str | None:
        """See `Target.begun`."""
        return unfinished_move(self._layout.root)

    def take(self, item: Item) -> None:
        """See `Target.take`."""
        if item.state == "purged":
            return
        if item.state == "deleted":
            folder = self._in_trash(item.id) or os.path.join(self._layout.trash, item.id, "content")
        else:
            folder = self._layout.experiment(item.prefix).folder
        there = self._locals.get(item.id)
        if there is not None and there.folder == folder:
            return
        if is_experiment(folder) and identify(FolderStorage(folder)) not in (None, item.id):
            raise InvalidName(f"another experiment is at {item.prefix!r}", name=item.prefix)
        if item.state == "deleted":
            make_private(self._layout, os.path.dirname(folder))
        elif self._has_links(folder):
            raise InvalidName("it would lie behind a link", name=item.prefix)
        if there is not None:  # it was moved, deleted or restored since it was taken
            move_files(self._layout, ExperimentFolder(item.id, there.folder), folder)
        os.makedirs(os.path.join(folder, "journal"), exist_ok=True)
        self._locals[item.id] = Local(item.id, item.prefix, folder, FolderStorage(folder), None)

    def append(self, item: Item, held: Held, at: int, data: bytes) -> None:
        """See `Target.append`."""
        path = prepare(self._locals[item.id].folder, held.path)
        status, size = append_at(path, at, data)
        if status != "ok" or size != at + len(data):
            raise OSError(f"{held.path} is being written there")

    def put(self, item: Item, held: Held, path: str, hash: str) -> None:
        """See `Target.put`."""
        beside = held.path.startswith(_BESIDE)
        if beside:
            target = self._path(item, held.path)
            os.makedirs(os.path.dirname(target), exist_ok=True)
        else:
            target = prepare(self._locals[item.id].folder, held.path)
        shared = held.path.startswith(_SHARED)
        mode = (
            (0o555 if held.executable else 0o444)
            if shared
            else (0o755 if held.executable else 0o644)
        )
        if shared:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(target)  # sharing makes a new name
            if self._stored.share(hash, held.size, target, mode):
                return
        with self._stored.draft(target) as (file, draft), open(path, "rb") as source:
            while block := source.read(1 << 20):
                _write(file, block)
            place(self._stored, draft, target, hash, mode=mode, shared=shared)

    def settle(self, item: Item, held: Sequence[Held]) -> None:
        """See `Target.settle`."""
        for one in held:
            if not one.path.startswith(_SHARED):  # the times of what is shared are those of nobody
                with contextlib.suppress(OSError):
                    times = (one.changed_at, one.changed_at)
                    os.utime(self._path(item, one.path), times, follow_symlinks=False)

    def remove(self, item: Item, paths: Collection[str]) -> None:
        """See `Target.remove`."""
        for path in paths:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self._path(item, path))

    def take_lines(self, lines: Mapping[str, bytes]) -> None:
        """See `Target.take_lines`."""
        make_private(self._layout, self._layout.journal)
        path = os.path.join(self._layout.journal, _MOVED)
        with contextlib.suppress(FileNotFoundError), open(path, "r+b") as file:
            data = file.read()
            file.truncate(data.rfind(b"\n") + 1)  # a line that was cut short comes again
        there = self.lines()
        new = [line for event, line in lines.items() if event not in there]
        if new:
            append_block(path, b"".join(new), durable=True)

    def finish(self) -> None:
        """See `Target.finish`."""
        os.sync()
        os.unlink(os.path.join(self._layout.private, _MARK))

    def close(self) -> None:
        """See `Source.close`."""

    # -- inside ---------------------------------------------------------------------------------------------

    def _failed(self, prefix: str, error: OSError) -> None:
        self._wrong[os.path.join(self._layout.root, prefix)] = error.strerror or str(error)

    def _beside(self, item: Item) -> str:
        return os.path.join(self._layout.conflicts, item.id)

    def _path(self, item: Item, path: str) -> str:
        if path.startswith(_BESIDE):
            return os.path.join(self._beside(item), path[len(_BESIDE) :])
        return os.path.join(self._locals[item.id].folder, *path.split("/"))

    def _in_trash(self, experiment: str) -> str | None:
        """Where the files of a deleted experiment lie; the newest, where it was deleted several times."""
        own = re.compile(re.escape(experiment) + r"(?:\.(\d+))?")
        found = []
        with contextlib.suppress(FileNotFoundError):
            for name in os.listdir(self._layout.trash):
                fits = own.fullmatch(name)
                folder = os.path.join(self._layout.trash, name, "content")
                if fits and os.path.isdir(folder) and not os.path.islink(folder):
                    found.append((int(fits[1] or 1), folder))
        return max(found)[1] if found else None

    def _has_links(self, folder: str) -> bool:
        at = self._layout.root
        for part in os.path.relpath(folder, at).split(os.sep):
            at = os.path.join(at, part)
            if os.path.islink(at):
                return True
        return False


def _write(file: io.FileIO, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[file.write(view) or 0 :]
