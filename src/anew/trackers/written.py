"""Writing what clients send into journals: a writer of the server's own in each experiment.

A client gives no sign of life but its requests, so its writer is taken to have vanished after ten minutes without one, and to
live on with the next: nothing but the journal's own times is needed for that, also across a restart of the server.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Generic, Literal, TypeVar

from ..errors import Conflict
from ..journal.follow import read_events
from ..journal.layout import part_name
from ..journal.vanished import gone_writers, settle
from ..journal.writer import ROTATE_BYTES
from ..record.encode import encode_line
from ..record.fold import ExperimentState, fold
from ..record.ids import new_id
from ..record.secrets import mask_event
from ..record.status import Status
from .records import Home, Records

__all__ = ["Experiments", "Written"]

_HEARTBEAT = 100.0
"""Seconds; six of them without a request, and the client is taken to be gone."""
_MOST_OPEN = 4096
_SERVER = "anew-server "
W = TypeVar("W", bound="Written")


class Experiments(Generic[W]):
    """The experiments that clients write to. Any thread may use them.

    Args:
        records: Where they are kept.
        make: Makes what writes to one.
        heartbeat: Seconds; six of them without a request, and a client is taken to be gone.
    """

    def __init__(
        self, records: Records, make: Callable[..., W], heartbeat: float = _HEARTBEAT
    ) -> None:
        self._records = records
        self._make = make
        self._heartbeat = heartbeat
        self._open: OrderedDict[str, W] = OrderedDict()
        self._lock = threading.Lock()

    def begin(
        self, prefix: str, *, user: str, host: str, may_make: Callable[[], None]
    ) -> tuple[W, bool]:
        """The experiment of a prefix, opened for a client, and whether it is new.

        One that is there is continued, as in ml-dash: the newest of that prefix, however it ended.

        Args:
            may_make: Called before a new one is made; raises if there may be none.

        Raises:
            InvalidName: There can be no experiment of that prefix.
            OSError: It cannot be written.
        """
        with self._lock:
            home, is_new = self._records.begin(prefix, may_make)
            found = self._keep(self._written(home)) if is_new else self._known(home)
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
        found = self._written(self._records.create(name, project))
        with self._lock:
            self._keep(found)
        found.first(user, host, began)
        return found

    def known(self, experiment_id: str, prefix: str) -> W:
        """One that is there, by what is known of it."""
        with self._lock:
            return self._known(self._records.home(experiment_id, prefix))

    def held(self, experiment_id: str) -> W | None:
        """One that a client has open, if it still lies where it did."""
        with self._lock:
            found = self._open.get(experiment_id)
        if found is not None and not found.home.is_there():
            with self._lock:
                if self._open.get(experiment_id) is found:
                    del self._open[experiment_id]
            return None
        return found

    def _known(self, home: Home) -> W:
        found = self._open.get(home.id)
        if found is None or found.prefix != home.prefix:
            return self._keep(self._written(home))
        self._open.move_to_end(home.id)
        return found

    def _written(self, home: Home) -> W:
        return self._make(home, _SERVER + self._records.mark, self._heartbeat)

    def _keep(self, one: W) -> W:
        self._open[one.id] = one
        while len(self._open) > _MOST_OPEN:
            self._open.popitem(last=False)
        return one


class Written:
    """One experiment that clients write to.

    Args:
        home: Where it is kept.
        mark: What tells the writers of this server from those of a server on a copy.
        heartbeat: Seconds; six of them without a request, and its client is taken to be gone.

    Attributes:
        id, prefix, home: Which.
        lock: Held while something is written.
        others: How often another server was found to have written to it: what was remembered before that is old.
    """

    def __init__(self, home: Home, mark: str, heartbeat: float = _HEARTBEAT) -> None:
        self.home = home
        self.id = home.id
        self.prefix = home.prefix
        self.lock = threading.RLock()
        self.others = 0
        self._mark = mark
        self._heartbeat = heartbeat
        self._writer = ""
        self._late = False  # the writer keeps what comes after the end, and decides nothing
        self._part = 1

    @contextmanager
    def alone(self) -> Iterator[None]:
        """While nobody else writes to it for clients.

        Raises:
            NotFound: It was deleted.
            OSError: It cannot be reached.
        """
        with self.lock, self.home.held() as changed:
            if changed:
                self.others += 1
                self._writer = ""
            yield

    # -- life --------------------------------------------------------------------------------------

    def first(self, user: str, host: str, began: float | None) -> None:
        """Open it for the first time; `began` is when its client says that was."""
        with self.alone():
            self._claim("main", "lead", new_id(), user, host, (), began)

    def start(self, user: str, host: str) -> None:
        """Open it for a client, or go on with the opening that is under way."""
        with self.alone():
            state = self.state()
            gone = gone_writers(self.home.storage(), state)
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
        with self.alone():
            state = self.state()
            writer = (
                self._mine(state)
                or self._adopted(state)
                or next(
                    (n for n, w in reversed(state.writers.items()) if self._is_mine(w.opened)), ""
                )
            )
            state = self.state()
            if not writer:
                raise Conflict(
                    f"{self.prefix} was not opened through a server, so no client ends it here."
                )
            if state.writers[writer].status is Status(status):
                return
            fields = {"status": status, "reason": reason, "wrote": self._wrote(writer)}
            self._append(writer, "closed", fields, at)
            self._writer = ""
            self.home.ended(status)

    def touch(self) -> None:
        """A request is a sign of life."""
        if self._writer and not self._late:
            self.home.touch(self._writer)

    def state(self) -> ExperimentState:
        """What its journal adds up to now.

        Raises:
            NotFound: It was deleted.
            OSError: It cannot be read.
        """
        return fold(read_events(self.home.storage()))

    def _is_mine(self, opened: Any) -> bool:
        return bool(opened.role == "lead" and opened.job == self._mark)

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

    def _continue(self, writer: str) -> None:
        self._writer, self._late, self._part = writer, False, 1
        while self.home.size(_points(writer, self._part + 1)):
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
            "experiment_id": self.id, "name": self.home.name, "role": role, "user": user,
            "heartbeat": self._heartbeat if role == "lead" else 0.0, "prefix": self.prefix, "opening": opening, "job": self._mark,
            # The process is elsewhere, and nothing of it can be seen from here.
            "host": host, "machine": "", "boot": "", "pid": 0, "pid_started": 0, "pid_space": "",
        }  # fmt: skip
        if over:
            opened["over"] = list(over)
        self._writer = self.home.open(label, opened, began)
        self._late, self._part = role != "lead", 1

    def _ready(self) -> str:
        """The writer to write with; what comes after the end has one that decides nothing."""
        if not self._writer:
            state = self.state()
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
        with self.alone():
            if not self._writer:
                mine = self._mine(self.state())
                if not mine:
                    self.home.edit(kind, fields)
                    return
                self._continue(mine)
            self._append(self._writer, kind, fields)

    def points(self, lines: bytes) -> None:
        """Append lines with points.

        Raises:
            NotFound: It was deleted.
            OSError: It cannot be written.
        """
        with self.alone():
            writer = self._ready()
            if self.home.size(_points(writer, self._part)) > ROTATE_BYTES:
                self._part += 1
            self._write(_points(writer, self._part), lines)

    def logs(self, lines: bytes) -> None:
        """Append lines with messages.

        Raises:
            NotFound: It was deleted.
            OSError: It cannot be written.
        """
        with self.alone():
            self._write(f"logs/logs-{self._ready()}.jsonl", lines)

    def _write(self, segment: str, lines: bytes) -> None:
        self.home.append(segment, lines, late=self._late)
        self.touch()

    def _append(
        self, writer: str, kind: str, fields: dict[str, Any], t: float | None = None
    ) -> None:
        given = {name: value for name, value in fields.items() if value is not None}
        at = time.time() if t is None else t
        line = encode_line({"k": kind, "t": at, **mask_event(kind, given)})
        self.home.append(f"journal/{writer}.jsonl", line)

    def _wrote(self, writer: str) -> dict[str, int]:
        segments = [_points(writer, part) for part in range(1, self._part + 1)]
        sizes = {one: self.home.size(one) for one in (*segments, f"logs/logs-{writer}.jsonl")}
        return {segment: size for segment, size in sizes.items() if size}


def _points(writer: str, part: int) -> str:
    return f"metrics/{part_name(writer, part)}.jsonl"
