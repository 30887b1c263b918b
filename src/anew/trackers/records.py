"""Where the experiments are kept that clients of other trackers write to: in a folder, or wherever else a server keeps them."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any, Protocol

import blake3

from ..blobs.drafts import DRAFTS
from ..blobs.linked import LinkedFiles
from ..blobs.protocol import Blobs
from ..errors import NotFound
from ..journal.documents import RootJournal
from ..journal.edits import append_event
from ..journal.layout import ExperimentLayout, RootLayout
from ..journal.nudges import nudge
from ..journal.permissions import set_mode
from ..journal.root import announce, append_block, author_name, make_private, make_root
from ..journal.storage import FolderStorage, Storage
from ..journal.writer import FORMAT_VERSION, Writer
from ..record.ids import new_id
from ..tracking.documents import claim_identity, iso_time, read_identity, write_json
from ..tracking.identity import named

__all__ = ["Draft", "FolderRecords", "Home", "Records"]


class Draft(Protocol):
    """A file on its way into an experiment."""

    def write(self, data: bytes) -> None:
        """Take some bytes.

        Raises:
            OSError: They cannot be written.
        """
        ...

    def lay(self) -> tuple[int, str]:
        """Take it as whole; its bytes, and their BLAKE3 in hexadecimal. What takes long is done here, and not in `put`.

        Raises:
            OSError: It cannot be kept.
        """
        ...

    def put(self) -> None:
        """Give it its name, once it has been laid.

        Raises:
            OSError: It cannot be kept.
        """
        ...

    def close(self) -> None:
        """Let go of it; what got no name is removed."""
        ...


class Home(Protocol):
    """Where one experiment is kept. One thread at a time uses it.

    Attributes:
        id, prefix, name: Which.
    """

    id: str
    prefix: str
    name: str

    def is_there(self) -> bool:
        """Whether it is where it was."""
        ...

    def held(self) -> AbstractContextManager[bool]:
        """While no other server writes for clients. Gives whether somebody else has written since the last time; questions then tell of all of it.

        Raises:
            NotFound: It is not there any more.
            OSError: It cannot be reached.
        """
        ...

    def storage(self) -> Storage:
        """Its files, as they are now."""
        ...

    def open(self, label: str, opened: Mapping[str, Any], began: float | None) -> str:
        """Begin a writer, see `journal.writer.Writer`; its name.

        Raises:
            OSError: It cannot be written.
        """
        ...

    def size(self, segment: str) -> int:
        """The bytes of a segment; 0 where there is none."""
        ...

    def append(self, segment: str, lines: bytes, *, late: bool = False) -> None:
        """Append whole lines to a segment such as `journal/0001-main-….jsonl`, together or not at all.

        Args:
            late: After its end: readers do not look by themselves.

        Raises:
            NotFound: It is not there any more.
            OSError: They cannot be written.
        """
        ...

    def edit(self, kind: str, fields: Mapping[str, Any]) -> None:
        """Append an event to the edits that readers make; secrets in it are masked.

        Raises:
            NotFound: It is not there any more.
            OSError: It cannot be written.
        """
        ...

    def touch(self, writer: str) -> None:
        """Note that a writer is alive."""
        ...

    def ended(self, status: str) -> None:
        """Note, for people and for who looks for what has changed, how it ended."""
        ...

    def draft(self, path: str) -> Draft:
        """A file that is to lie at a path of it.

        Raises:
            OSError: It cannot be made.
        """
        ...


class Records(Protocol):
    """Where experiments are kept. Any thread may use it.

    Attributes:
        journal: The events of the root.
    """

    journal: RootJournal

    @property
    def blobs(self) -> Blobs | None:
        """Where several servers keep what is on its way to any of them; None where there is only one server."""
        ...

    @property
    def drafts(self) -> str:
        """A folder of this machine for what is on its way."""
        ...

    @property
    def mark(self) -> str:
        """What tells the writers of this place from those of a copy of it."""
        ...

    def alone(self, what: str) -> AbstractContextManager[object]:
        """While nobody else, on any server, does what goes by this name.

        Raises:
            OSError: The place cannot be reached.
        """
        ...

    def begin(self, prefix: str, may_make: Callable[[], None]) -> tuple[Home, bool]:
        """The newest experiment of a prefix, and whether it was made by that.

        Args:
            may_make: Called before one is made; what it raises leaves everything as it is.

        Raises:
            InvalidName: There can be no experiment of that prefix.
            OSError: It cannot be written.
        """
        ...

    def create(self, name: str, project: str) -> Home:
        """A new experiment of a name in a project.

        Raises:
            InvalidName: There can be no experiment of that name there.
            OSError: It cannot be written.
        """
        ...

    def home(self, experiment_id: str, prefix: str) -> Home:
        """One that is there, by what is known of it."""
        ...

    @property
    def links(self) -> bool:
        """Whether there are links to contents."""
        ...

    def link(self, digest: str, size: int) -> str | None:
        """An address from which these very bytes can be fetched for some minutes without this server; None where there is none.

        Raises:
            OSError: They are not there.
        """
        ...


# -- a folder --------------------------------------------------------------------------------------


class FolderRecords:
    """The `Records` of a folder that one server alone serves.

    Args:
        root: The folder.
    """

    def __init__(self, root: str) -> None:
        self.layout = RootLayout(root)
        self.journal = RootJournal(self.layout)
        self.blobs: Blobs | None = None
        self._locks: defaultdict[str, threading.RLock] = defaultdict(threading.RLock)

    @property
    def drafts(self) -> str:
        """See `Records.drafts`."""
        return os.path.join(self.layout.contents, DRAFTS)

    @property
    def mark(self) -> str:
        """See `Records.mark`."""
        return author_name(self.layout)

    def alone(self, what: str) -> AbstractContextManager[object]:
        """See `Records.alone`."""
        return self._locks[what]

    def begin(self, prefix: str, may_make: Callable[[], None]) -> tuple[Home, bool]:
        """See `Records.begin`."""
        place = named(self.layout, prefix, project=None, is_prefix=True)
        known = place.known()
        if known and known[0].id:
            return self.home(known[0].id, known[0].prefix), False
        may_make()
        made = place.place(known, new_id(), new_id())
        id_ = _made(self.layout, made.prefix, made.name, made.experiment_id)
        return self.home(id_, made.prefix), True

    def create(self, name: str, project: str) -> Home:
        """See `Records.create`."""
        made = named(self.layout, name, project=project).place([], new_id(), new_id())
        _made(self.layout, made.prefix, made.name, made.experiment_id)
        return _FolderHome(self.layout, made.experiment_id, made.prefix, made.name)

    def home(self, experiment_id: str, prefix: str) -> Home:
        """See `Records.home`."""
        return _FolderHome(self.layout, experiment_id, prefix, prefix.rpartition("/")[2])

    @property
    def links(self) -> bool:
        """See `Records.links`: whoever reaches the folder needs none."""
        return False

    def link(self, digest: str, size: int) -> str | None:
        """See `Records.link`."""
        return None


class _FolderHome:
    def __init__(self, root: RootLayout, experiment_id: str, prefix: str, name: str) -> None:
        self.id, self.prefix, self.name = experiment_id, prefix, name
        self._root = root
        self._layout: ExperimentLayout = root.experiment(prefix)

    def is_there(self) -> bool:
        return os.path.isdir(self._layout.path("journal"))

    def held(self) -> AbstractContextManager[bool]:
        return _ALONE

    def storage(self) -> Storage:
        if not self.is_there():
            raise _gone(self.id)
        return FolderStorage(self._layout.folder)

    def open(self, label: str, opened: Mapping[str, Any], began: float | None) -> str:
        writer = Writer(self._layout, label, dict(opened), _raised, began)
        writer.forget()  # nothing is kept open between requests: there may be thousands of experiments
        announce(self._root, "opened", self.id, self.prefix)
        return writer.name

    def size(self, segment: str) -> int:
        try:
            return os.path.getsize(self._layout.path(segment))
        except OSError:
            return 0

    def append(self, segment: str, lines: bytes, *, late: bool = False) -> None:
        path = self._layout.path(segment)
        try:
            append_block(path, lines)
        except FileNotFoundError:  # its folder: not yet there, or not any more
            if not self.is_there():
                raise _gone(self.id) from None
            os.makedirs(os.path.dirname(path), exist_ok=True)
            append_block(path, lines)
        self._told()
        if late:
            announce(self._root, "changed", self.id, self.prefix)

    def edit(self, kind: str, fields: Mapping[str, Any]) -> None:
        append_event(self._root, self._layout, self.id, kind, **fields)
        self._told()

    def touch(self, writer: str) -> None:
        with contextlib.suppress(OSError):  # whatever comes next says what is wrong
            os.utime(self._layout.events(writer))
        self._told()

    def _told(self) -> None:
        nudge(self._root.root, self.prefix)

    def ended(self, status: str) -> None:
        known = read_identity(self._layout.metadata) or {}
        write_json(
            self._layout.metadata, {**known, "status": status, "ended_at": iso_time(time.time())}
        )
        announce(self._root, "ended", self.id, self.prefix)

    def draft(self, path: str) -> Draft:
        return _FolderDraft(self._root, self._layout.path(*path.split("/")))


class _FolderDraft:
    def __init__(self, root: RootLayout, target: str) -> None:
        self._target = target
        os.makedirs(os.path.dirname(target), exist_ok=True)
        self._contents = LinkedFiles(root.contents, lambda folder: make_private(root, folder))
        self._open = contextlib.ExitStack()
        self._file, self._draft = self._open.enter_context(self._contents.draft(target))
        self._size, self._hash = 0, blake3.blake3()

    def write(self, data: bytes) -> None:
        self._size += len(data)
        self._hash.update(data)
        left = memoryview(data)
        while left:
            left = left[self._file.write(left) :]

    def lay(self) -> tuple[int, str]:
        return self._size, self._hash.hexdigest()

    def put(self) -> None:
        set_mode(self._draft, os.fstat(self._file.fileno()).st_mode & 0o777 & ~0o222)
        self._contents.put(self._draft, self._target, self._hash.hexdigest())

    def close(self) -> None:
        self._open.close()
        with contextlib.suppress(OSError):  # it holds the file, if that was put
            os.rmdir(os.path.dirname(self._target))


_ALONE = contextlib.nullcontext(False)


def _gone(experiment_id: str) -> NotFound:
    return NotFound(f"The experiment {experiment_id} is not there any more.", name=experiment_id)


def _made(root: RootLayout, prefix: str, name: str, experiment_id: str) -> str:
    """Make the folder of a new experiment; the id of the one that is there, if another process was quicker."""
    make_root(root)
    layout = root.experiment(prefix)
    os.makedirs(layout.folder, exist_ok=True)
    known = claim_identity(
        layout.metadata,
        {
            "format": FORMAT_VERSION, "experiment_id": experiment_id, "prefix": prefix, "name": name,
            "status": "running", "created_at": iso_time(time.time()),
        },
    )  # fmt: skip
    os.makedirs(layout.path("journal"), exist_ok=True)
    return experiment_id if known is None else str(known["experiment_id"])


def _raised(error: OSError) -> None:
    raise error
