"""One process's writer on one experiment: its segments, its heartbeat, its end."""

from __future__ import annotations

import os
import time

from ..record.encode import encode_line
from ..record.secrets import mask_event
from .layout import ExperimentLayout, number_of, writer_name
from .liveness import boot_id, host_name, machine_mark, pid_space, process_started
from .segment import Segment

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

__all__ = ["ROTATE_BYTES", "Writer"]

LEAD = "-main-"
ROTATE_BYTES = 32 << 20
"""Where the next part begins. Whoever takes in or seals a part holds all of it, several times its bytes, so parts bound the memory of readers and servers."""
FORMAT_VERSION = 1


class Writer:
    """Claims a name in the experiment's journal and appends to files that carry it.

    Args:
        layout: The experiment's folder.
        label: What the writer is called: "main", "rank3", "child-4242".
        opened: The fields of the `opened` event that the caller knows (see `record.events.Opened`). Who writes for a
            program that runs elsewhere gives its `host` too, and all that goes with it.
        on_trouble: Called with the error each time writing starts to fail.
        began: When the program opened it, seconds since the epoch; now if not given.

    Raises:
        OSError: The folder cannot be written.
    """

    def __init__(
        self,
        layout: ExperimentLayout,
        label: str,
        opened: dict[str, Any],
        on_trouble: Callable[[OSError], None],
        began: float | None = None,
    ) -> None:
        self.layout = layout
        self._on_trouble = on_trouble
        earlier = layout.writers()
        self.name, self.events = self._claim(label, earlier)
        self._points: Segment | None = None
        self._logs: Segment | None = None
        self._part = 1
        self._lost_in_ended = 0
        self._unlinked: list[tuple[str, str]] = []
        self.opened_at = time.time() if began is None else began
        after = layout.sizes(self._seen(earlier, opened.get("role")))
        begun = {**({} if "host" in opened else _here()), "after": after, **opened}
        self.event("opened", t=self.opened_at, version=FORMAT_VERSION, **begun)

    @staticmethod
    def _seen(earlier: list[str], role: str | None) -> list[str]:
        """The earlier writers to be named as seen.

        A lead names all. A rank or a child names the leads, which have named what came before them: a thousand
        ranks that named each other would ask the disk for a million sizes.
        """
        return earlier if role == "lead" else [w for w in earlier if LEAD in w]

    def _claim(self, label: str, earlier: list[str]) -> tuple[str, Segment]:
        """Take a name that is free: creating the file exclusively is what makes it ours."""
        number = max(map(number_of, earlier), default=0) + 1
        while True:
            name = writer_name(number, label)
            try:
                path = self.layout.events(name)
                return name, Segment(path, exclusive=True, on_trouble=self._on_trouble)
            except FileExistsError:
                continue

    @property
    def segments(self) -> list[Segment]:
        """The segments opened so far."""
        return [s for s in (self.events, self._points, self._logs) if s is not None]

    @property
    def points(self) -> Segment:
        """The segment for points, created by the first use."""
        if self._points is None:
            path = self.layout.points(self.name, self._part)
            self._points = Segment(path, on_trouble=self._on_trouble)
        return self._points

    @property
    def logs(self) -> Segment:
        """The segment for log lines, created by the first use."""
        if self._logs is None:
            self._logs = Segment(self.layout.logs(self.name), on_trouble=self._on_trouble)
            self._lead_to(self._logs.path, "logs.jsonl")
        return self._logs

    def console_path(self) -> str:
        """The file for what the program prints; `train.log` leads to it."""
        path = self.layout.console(self.name)
        self._lead_to(path, "train.log")
        return path

    def _lead_to(self, path: str, name: str) -> None:
        """Have the name that people look for lead to a file of this writer, if it is a lead."""
        if LEAD in self.name and not _lead_to(path, name):
            self._unlinked.append((path, name))

    def event(self, kind: str, /, t: float | None = None, **fields: Any) -> None:
        """Append one event; secrets in it are masked."""
        self.masked_event(kind, t, **mask_event(kind, fields))

    def masked_event(self, kind: str, /, t: float | None = None, **fields: Any) -> None:
        """Append one event whose secrets are masked already."""
        at = time.time() if t is None else t
        self.events.append(encode_line({"k": kind, "t": at, **fields}))

    def beat(self) -> None:
        """One sign of life: touch the event segment, retry what waits, notice a deleted folder, rotate."""
        for segment in self.segments:
            if segment.trouble is not None:
                segment.recover()
            elif segment.is_gone():
                segment.abandon(_deleted(segment.path))
        if self.events.trouble is None:
            try:
                os.utime(self.events.fd)
            except OSError:
                pass  # a missed beat is not a lost record
        points = self._points
        if points is not None and points.trouble is None and points.size() > ROTATE_BYTES:
            self._part += 1
            try:
                points.rotate(self.layout.points(self.name, self._part))
            except OSError:
                self._part -= 1  # the next beat tries again; the part only grows longer

    def sync(self) -> None:
        """Force what was written to the disk, against a crash of the system or the power."""
        for segment in self.segments:
            if segment.trouble is None:
                try:
                    os.fsync(segment.fd)
                except OSError:
                    continue  # a write that fails is reported by the write

    @property
    def lost(self) -> int:
        """Records given up so far."""
        return self._lost_in_ended + sum(segment.lost for segment in self.segments)

    @property
    def trouble(self) -> OSError | None:
        """The error that keeps records from being written now, if any."""
        return next((s.trouble for s in self.segments if s.trouble is not None), None)

    def close(
        self,
        status: str,
        reason: str | None,
        error: str | None,
        *,
        by: str = "writer",
        lost_beside: int = 0,
    ) -> int:
        """Write the end and stop writing; returns how many records were lost in all.

        Args:
            lost_beside: What was lost of files, values and console output.
        """
        for segment in self.segments:
            if segment.trouble is None and segment.is_gone():
                segment.abandon(_deleted(segment.path))
            if segment is not self.events:
                segment.close()
        for path, name in self._unlinked:
            _copy(path, name)
        wrote = self._wrote()
        own = self.lost
        lost = own + lost_beside
        if lost:
            why = self.trouble or (
                "the folder could not be written" if own else "files or values could not be saved"
            )
            self.event("lost", count=lost, reason=str(why))
        closed: dict[str, Any] = {"reason": reason, "error": error}
        closed["by"] = by if by != "writer" else None
        if wrote:
            closed["wrote"] = wrote
        self.event("closed", status=status, **{k: v for k, v in closed.items() if v is not None})
        self.events.close()
        self._lost_in_ended = own
        self._let_go()
        return lost

    def _wrote(self) -> dict[str, int]:
        """The bytes of each file that was written beside the events, so that one that lost its end is found."""
        paths = [self.layout.points(self.name, part) for part in range(1, self._part)]
        paths += [s.path for s in self.segments if s is not self.events and s.trouble is None]
        found = {}
        for path in paths:
            folder, name = os.path.split(path)
            try:
                found[f"{os.path.basename(folder)}/{name}"] = os.stat(path).st_size
            except OSError:
                continue  # a part that was sealed says itself how long it was
        return found

    def forget(self) -> None:
        """After a fork, in the child: write nothing more to the parent's files."""
        for segment in self.segments:
            segment.forget()
        self._let_go()

    def _let_go(self) -> None:
        # The descriptors go with the last reference to a segment; a thread in the midst of a call has its own.
        self.events = self._points = self._logs = Segment.ended(self.events.path)


def _here() -> dict[str, Any]:
    """What tells this process from all others."""
    pid = os.getpid()
    return {
        "host": host_name(), "machine": machine_mark(), "boot": boot_id(), "pid": pid,
        "pid_started": process_started(pid), "pid_space": pid_space(),
    }  # fmt: skip


def _lead_to(path: str, name: str) -> bool:
    """Put a link called `name` beside a file, which need not be there yet; whether the file system takes links."""
    folder, target = os.path.split(path)
    temporary = os.path.join(folder, f"{name}.{target}.tmp")
    try:
        os.makedirs(folder, exist_ok=True)
        os.symlink(target, temporary)
        os.replace(temporary, os.path.join(folder, name))
    except (OSError, NotImplementedError):
        return False
    return True


def _copy(path: str, name: str) -> None:
    """What stands in for such a link where there are none: a copy, made when nothing more is written."""
    import shutil

    target = os.path.join(os.path.dirname(path), name)
    try:
        shutil.copyfile(path, f"{target}.tmp")
        os.replace(f"{target}.tmp", target)
    except OSError:
        pass  # nothing was written, or cannot be: the writer's own file is what counts


def _deleted(path: str) -> OSError:
    return FileNotFoundError(2, "the file was deleted while it was being written", path)
