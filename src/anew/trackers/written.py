"""Writing what clients send into journals: a writer of the server's own in each experiment.

A client gives no sign of life but its requests, so its writer is taken to have vanished after ten minutes without one, and to
live on with the next: nothing but the journal's own times is needed for that, also across a restart of the server.
"""

from __future__ import annotations

import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any, Generic, Literal, TypeVar

from ..errors import Conflict, NotFound
from ..journal.edits import append_event
from ..journal.follow import read_events
from ..journal.layout import ExperimentLayout, RootLayout
from ..journal.root import announce, append_block, author_name, make_root
from ..journal.vanished import gone_writers, settle
from ..journal.writer import FORMAT_VERSION, ROTATE_BYTES, Writer
from ..record.encode import encode_line
from ..record.fold import ExperimentState, fold
from ..record.ids import new_id
from ..record.secrets import mask_event
from ..record.status import Status
from ..tracking.documents import claim_identity, iso_time, read_identity, write_json
from ..tracking.identity import named

__all__ = ["Experiments", "Written"]

_HEARTBEAT = 100.0
"""Seconds; six of them without a request, and the client is taken to be gone."""
_MOST_OPEN = 4096
_SERVER = "anew-server "
W = TypeVar("W", bound="Written")


class Experiments(Generic[W]):
    """The experiments that clients write to. Any thread may use them.

    Args:
        root: The folder that is served.
        make: Makes what writes to one.
        heartbeat: Seconds; six of them without a request, and a client is taken to be gone.
    """

    def __init__(
        self, root: RootLayout, make: Callable[..., W], heartbeat: float = _HEARTBEAT
    ) -> None:
        self._root = root
        self._make = make
        self._heartbeat = heartbeat
        self._open: OrderedDict[str, W] = OrderedDict()
        self._lock = threading.Lock()

    def begin(self, prefix: str, *, user: str, host: str) -> tuple[W, bool]:
        """The experiment of a prefix, opened for a client, and whether it is new.

        One that is there is continued, as in ml-dash: the newest of that prefix, however it ended.

        Raises:
            InvalidName: There can be no experiment of that prefix.
            OSError: It cannot be written.
        """
        with self._lock:
            place = named(self._root, prefix, project=None, is_prefix=True)
            known = place.known()
            if known and known[0].id:
                found = self._known(known[0].id, known[0].prefix)
                is_new = False
            else:
                made = place.place(known, new_id(), new_id())
                found = self._keep(
                    self._written(
                        made.prefix,
                        _made(self._root, made.prefix, made.name, made.experiment_id),
                    )
                )
                is_new = True
        found.start(user, host)
        return found, is_new

    def create(
        self, name: str, project: str, *, user: str, host: str, began: float | None = None
    ) -> W:
        """A new experiment of a name in a project, opened for a client.

        Args:
            began: When it began, as its client says.

        Raises:
            InvalidName: There can be no experiment of that name there.
            OSError: It cannot be written.
        """
        made = named(self._root, name, project=project).place([], new_id(), new_id())
        _made(self._root, made.prefix, made.name, made.experiment_id)
        found = self._written(made.prefix, made.experiment_id, made.name)
        with self._lock:
            self._keep(found)
        found.first(user, host, began)
        return found

    def known(self, experiment_id: str, prefix: str) -> W:
        """One that is there, by what is known of it."""
        with self._lock:
            return self._known(experiment_id, prefix)

    def held(self, experiment_id: str) -> W | None:
        """One that a client has open, if it still lies where it did."""
        with self._lock:
            found = self._open.get(experiment_id)
            if found is not None and not found.is_there:
                del self._open[experiment_id]
                return None
            return found

    def _known(self, experiment_id: str, prefix: str) -> W:
        found = self._open.get(experiment_id)
        if found is None or found.prefix != prefix:
            return self._keep(self._written(prefix, experiment_id))
        self._open.move_to_end(experiment_id)
        return found

    def _written(self, prefix: str, experiment_id: str, name: str = "") -> W:
        return self._make(self._root, prefix, experiment_id, self._heartbeat, name)

    def _keep(self, one: W) -> W:
        self._open[one.id] = one
        while len(self._open) > _MOST_OPEN:
            self._open.popitem(last=False)
        return one


class Written:
    """One experiment that clients write to.

    Attributes:
        id, prefix, layout: Which.
        lock: Held while something is written.
    """

    def __init__(
        self,
        root: RootLayout,
        prefix: str,
        experiment_id: str,
        heartbeat: float = _HEARTBEAT,
        name: str = "",
    ) -> None:
        self._root = root
        self._heartbeat = heartbeat
        self._name = name or prefix.rpartition("/")[2]
        self.id = experiment_id
        self.prefix = prefix
        self.layout: ExperimentLayout = root.experiment(prefix)
        self.lock = threading.RLock()
        self._writer = ""
        self._late = False  # the writer keeps what comes after the end, and decides nothing
        self._part = 1

    @property
    def is_there(self) -> bool:
        """Whether its folder is where it was."""
        return os.path.isdir(self.layout.path("journal"))

    # -- life --------------------------------------------------------------------------------------

    def first(self, user: str, host: str, began: float | None) -> None:
        """Open it for the first time; `began` is when its client says that was."""
        with self.lock:
            self._claim("main", "lead", new_id(), user, host, (), began)

    def start(self, user: str, host: str) -> None:
        """Open it for a client, or go on with the opening that is under way."""
        with self.lock:
            state = self._state()
            gone = gone_writers(self.layout.folder, state)
            silent = {one.writer for one in gone}
            mine = self._mine(state)
            if mine and mine not in silent:
                self._continue(mine)
                self.touch()
                return
            settle(state, gone)
            over = dict.fromkeys([*silent, *self._left(state)])
            self._claim("main", "lead", new_id(), user, host, [*over])

    def end(
        self,
        status: Literal["completed", "failed", "cancelled"],
        reason: str | None,
        at: float | None = None,
    ) -> None:
        """Record how it ended. The last word counts; the same one again changes nothing.

        Args:
            at: When, if its client said.

        Raises:
            Conflict: No client ever opened it through a server.
        """
        with self.lock:
            state = self._state()
            writer = (
                self._mine(state)
                or self._adopted(state)
                or next(
                    (n for n, w in reversed(state.writers.items()) if self._is_mine(w.opened)), ""
                )
            )
            state = self._state()
            if not writer:
                raise Conflict(
                    f"{self.prefix} was not opened through a server, so no client ends it here."
                )
            if state.writers[writer].status is Status(status):
                return
            fields = {"status": status, "reason": reason, "wrote": self._wrote(writer)}
            self._append(self.layout.events(writer), "closed", fields, at)
            self._writer = ""
            known = read_identity(self.layout.metadata) or {}
            write_json(
                self.layout.metadata, {**known, "status": status, "ended_at": iso_time(time.time())}
            )
            announce(self._root, "ended", self.id, self.prefix)

    def touch(self) -> None:
        """A request is a sign of life."""
        if self._writer and not self._late:
            try:
                os.utime(self.layout.events(self._writer))
            except OSError:
                pass  # whatever comes next says what is wrong

    def _state(self) -> ExperimentState:
        if not self.is_there:
            raise NotFound(f"The experiment {self.id} is not there any more.", name=self.id)
        return fold(read_events(self.layout.folder))

    def _is_mine(self, opened: Any) -> bool:
        return bool(opened.role == "lead" and opened.job == self._mark())

    def _mine(self, state: ExperimentState) -> str:
        """The writer of this server that has not ended, if there is one."""
        for name, writer in reversed(state.writers.items()):
            if self._is_mine(writer.opened):
                return name if writer.ended_at is None else ""
        return ""

    def _left(self, state: ExperimentState) -> list[str]:
        """The writers without an end of a server that had this folder elsewhere: it was copied, or restored from a backup."""
        return [
            name
            for name, one in state.writers.items()
            if one.ended_at is None
            and one.opened.role == "lead"
            and one.opened.job.startswith(_SERVER)
            and not self._is_mine(one.opened)
        ]

    def _adopted(self, state: ExperimentState) -> str:
        """A writer that goes on for one that was left, if there is one: the client still runs, and knows nothing of it."""
        left = self._left(state)
        if not left:
            return ""
        last = state.writers[left[-1]].opened
        self._claim("main", "lead", new_id(), last.user, last.host, left)
        return self._writer

    def _mark(self) -> str:
        """What tells the writers of this server from those of a server on a copy of the folder."""
        return _SERVER + author_name(self._root)

    def _continue(self, writer: str) -> None:
        self._writer, self._late, self._part = writer, False, 1
        while os.path.exists(self.layout.points(writer, self._part + 1)):
            self._part += 1

    def _claim(
        self,
        label: str,
        role: str,
        opening: str,
        user: str,
        host: str,
        over: Sequence[str],
        began: float | None = None,
    ) -> None:
        opened: dict[str, Any] = {
            "experiment_id": self.id, "name": self._name, "role": role, "user": user,
            "heartbeat": self._heartbeat if role == "lead" else 0.0, "prefix": self.prefix, "opening": opening, "job": self._mark(),
            # The process is elsewhere, and nothing of it can be seen from here.
            "host": host, "machine": "", "boot": "", "pid": 0, "pid_started": 0, "pid_space": "",
        }  # fmt: skip
        if over:
            opened["over"] = list(over)
        writer = Writer(self.layout, label, opened, _raised, began)
        writer.forget()  # nothing is kept open between requests: there may be thousands of experiments
        self._writer, self._late, self._part = writer.name, role != "lead", 1
        announce(self._root, "opened", self.id, self.prefix)

    def _ready(self) -> str:
        """The writer to write with; what comes after the end has one that decides nothing."""
        if not self._writer:
            state = self._state()
            mine = self._mine(state)
            if mine:
                self._continue(mine)
            elif not self._adopted(state):
                newest = next(reversed(state.openings()), None)
                opening = newest.id if newest else new_id()
                self._claim("late", "child", opening, "", "", ())
        return self._writer

    # -- what is written ---------------------------------------------------------------------------

    def event(self, kind: str, /, **fields: Any) -> None:
        """Append an event.

        Raises:
            NotFound: It was deleted.
            OSError: It cannot be written.
        """
        with self.lock:
            if not self._writer and not (mine := self._mine(self._state())):
                append_event(self._root, self.layout, self.id, kind, **fields)
                return
            if not self._writer:
                self._continue(mine)
            self._append(self.layout.events(self._writer), kind, fields)

    def points(self, lines: bytes) -> None:
        """Append lines with points.

        Raises:
            NotFound: It was deleted.
            OSError: It cannot be written.
        """
        with self.lock:
            writer = self._ready()
            path = self.layout.points(writer, self._part)
            if _size(path) > ROTATE_BYTES:
                self._part += 1
                path = self.layout.points(writer, self._part)
            self._write(path, lines)

    def logs(self, lines: bytes) -> None:
        """Append lines with messages.

        Raises:
            NotFound: It was deleted.
            OSError: It cannot be written.
        """
        with self.lock:
            self._write(self.layout.logs(self._ready()), lines)

    def _write(self, path: str, lines: bytes) -> None:
        if not self.is_there:
            raise NotFound(f"The experiment {self.id} is not there any more.", name=self.id)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        append_block(path, lines)
        if self._late:
            announce(self._root, "changed", self.id, self.prefix)
        self.touch()

    def _append(self, path: str, kind: str, fields: dict[str, Any], t: float | None = None) -> None:
        given = {name: value for name, value in fields.items() if value is not None}
        if not self.is_there:
            raise NotFound(f"The experiment {self.id} is not there any more.", name=self.id)
        append_block(
            path,
            encode_line(
                {"k": kind, "t": time.time() if t is None else t, **mask_event(kind, given)}
            ),
        )

    def _wrote(self, writer: str) -> dict[str, int]:
        paths = [self.layout.points(writer, part) for part in range(1, self._part + 1)]
        found = {}
        for path in (*paths, self.layout.logs(writer)):
            folder, name = os.path.split(path)
            if os.path.exists(path):
                found[f"{os.path.basename(folder)}/{name}"] = _size(path)
        return found


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


def _size(path: str) -> int:
    try:
        return os.path.getsize(path)
    except OSError:
        return 0
