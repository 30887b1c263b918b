"""Event files for TensorBoard.

An experiment has a folder of its own with two files. One grows: points, values and messages, in the order in which they
were recorded. The other says what the experiment is (parameters, tags, notes, status) and is replaced whenever that
changes; its name comes first, because TensorBoard reads the files of a folder in the order of their names and
follows only the last.

Nothing arrives twice: the file that grows is cut back to the size it had when it was last settled, so what was written
after that and is offered again is written for the first time.
"""

from __future__ import annotations

import copy
import os
import struct
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from ..errors import CorruptData
from ..record.events import FileLogged, LogLine, PointLine, ValueLogged
from ..record.fold import ExperimentState
from ..record.plain import flatten
from ..record.status import Status
from .address import TensorBoard
from .target import Item, Mirror, Refusal
from .tensorboard_summaries import (
    NotShown,
    encoded,
    log_text,
    markdown_table,
    scalar,
    session,
    text,
    value_of,
)

__all__ = ["TensorBoardTarget"]

_MESSAGES = "reenact/logs"
_OURS = {_MESSAGES: "text", "reenact/experiment": "text", "reenact/params": "text"}
_NO_FILES = "TensorBoard has no place for files; they stay in the experiment's folder."
_TOO_LARGE = "TensorBoard keeps values as float32, which has no room for one beyond 3.4e38."
_TAKEN = "TensorBoard keeps one kind of data under a name, and this name has another kind already."


class TensorBoardTarget:
    """See `Target`. `memo` holds the size of the file that grows, and what is counted and folded of its records."""

    def __init__(self, address: TensorBoard, mirror: Mirror, memo: dict[str, Any]) -> None:
        self._mirror = mirror
        self._folder = memo.get("folder") or _folder(address, mirror)
        stamp = f"events.out.tfevents.{int(mirror.created_at)}.reenact.{mirror.experiment_id}"
        self._about = os.path.join(self._folder, f"{stamp}.0-about")
        self._path = os.path.join(self._folder, f"{stamp}.1-records")
        self._next = int(memo.get("next", 0))
        self._size = int(memo.get("bytes", 0))
        self._counts: dict[str, int] = dict(memo.get("counts", {}))
        self._kinds: dict[str, str] = dict(memo.get("kinds", {}))
        self._state = msgspec.convert(memo.get("state", {}), ExperimentState)
        ended = memo.get("ended")
        self._ended = None if ended is None else (Status(ended[0]), ended[1], float(ended[2]))
        self._file: int | None = None
        self._open(new=not memo)
        self._changed = not memo
        if not memo:
            self._write_about()  # before TensorBoard looks for the first time, so that it comes first

    def _open(self, new: bool) -> None:
        os.makedirs(self._folder, exist_ok=True)
        try:
            self._file = os.open(self._path, os.O_RDWR | (os.O_CREAT if new else 0), 0o666)
            there = os.fstat(self._file).st_size
        except FileNotFoundError:
            there = -1
        if there < self._size or self._file is None:
            self.close()
            raise CorruptData(
                f"{self._path} had {self._size} bytes when it was last written to, and now "
                f"{'is gone' if there < 0 else f'has {there}'}. To write all of it again, delete this experiment's "
                f"progress to TensorBoard in {os.path.join(self._mirror.folder, 'forward')}.",
                path=self._path,
            )
        os.ftruncate(self._file, self._size)
        if not self._size:
            self._append(encoded([], 0, self._mirror.created_at))

    @property
    def url(self) -> str | None:
        """The folder of the event files."""
        return self._folder

    def send(self, items: Sequence[Item], again: bool) -> list[Refusal]:
        """See `Target.send`."""
        before = (self._next, dict(self._counts), dict(self._kinds), copy.copy(self._ended))
        state = None
        if any(not isinstance(item.record, (PointLine, LogLine)) for item in items):
            state = copy.deepcopy(self._state)
        refusals: list[Refusal] = []
        written = bytearray()
        try:
            for item in items:
                if item.number >= self._next:
                    written += self._taken(item, refusals)
                    self._next = item.number + 1
            self._append(written)
        except BaseException:
            self._next, self._counts, self._kinds, self._ended = before
            self._state = state or self._state
            raise
        return refusals

    def settle(self) -> dict[str, Any]:
        """See `Target.settle`."""
        assert self._file is not None
        os.fsync(self._file)
        if self._changed:
            self._write_about()
        return {
            "folder": self._folder,
            "bytes": self._size,
            "next": self._next,
            "counts": dict(self._counts),
            "kinds": dict(self._kinds),
            "state": msgspec.to_builtins(self._state),
            "ended": self._ended and [self._ended[0].value, *self._ended[1:]],
        }

    def end(self, status: Status, reason: str | None, ended_at: float) -> None:
        """See `Target.end`."""
        self._ended = (status, reason, ended_at)
        self._write_about()

    def close(self) -> None:
        """See `Target.close`."""
        file, self._file = self._file, None
        if file is not None:
            os.close(file)

    def _append(self, data: bytes | bytearray) -> None:
        """Add whole records, or none."""
        assert self._file is not None
        try:
            done = 0
            while done < len(data):
                done += os.pwrite(self._file, memoryview(data)[done:], self._size + done)
        except OSError:
            os.ftruncate(self._file, self._size)
            raise
        self._size += len(data)

    def _taken(self, item: Item, refusals: list[Refusal]) -> bytes:
        """A record as the file has it, empty if it goes into the other file or nowhere."""
        if self._ended is not None:
            self._ended, self._changed = None, True
        record = item.record
        try:
            if isinstance(record, PointLine):
                return self._points(record)
            if isinstance(record, LogLine):
                step = self._count(_MESSAGES)
                return encoded([text(_MESSAGES, log_text(record))], step, record.t)
            self._state.apply(item.writer, record)
            if isinstance(record, FileLogged):
                raise NotShown(_NO_FILES)
            if isinstance(record, ValueLogged):
                return self._value(record)
            self._changed = True
        except _PartlyShown as error:
            refusals.append(Refusal(item.number, str(error)))
            return error.shown
        except NotShown as error:
            refusals.append(Refusal(item.number, str(error)))
        return b""

    def _points(self, record: PointLine) -> bytes:
        by_step: dict[int, list[Any]] = {}
        reason = None
        for name, given in record.m.items():
            position = self._count(name)
            value = float(given)
            if not _fits(value):
                reason = _TOO_LARGE
            elif self._kinds.get(name, _OURS.get(name, "scalar")) != "scalar":
                reason = _TAKEN
            else:
                step = position if record.s is None else record.s
                by_step.setdefault(step, []).append(scalar(name, value))
        shown = b"".join(encoded(values, step, record.t) for step, values in by_step.items())
        if reason is not None:
            raise _PartlyShown(reason, shown)
        return shown

    def _value(self, record: ValueLogged) -> bytes:
        tag = record.name
        kind = {"table": "text", "video": "image", "figure": "image"}.get(record.kind, record.kind)
        if tag in _OURS or self._kinds.get(tag, kind) != kind:
            raise NotShown(_TAKEN)
        if tag in self._counts and tag not in self._kinds:
            raise NotShown(_TAKEN)  # a metric
        made = value_of(tag, record, self._mirror.folder)
        for value in made:  # the value itself, and its caption
            self._kinds[value.tag] = "text" if value.tag != tag else kind
        position = self._count(tag)
        return encoded(made, position if record.step is None else record.step, record.t)

    def _count(self, name: str) -> int:
        position = self._counts.get(name, 0)
        self._counts[name] = position + 1
        return position

    def _write_about(self) -> None:
        """Replace the file that says what the experiment is."""
        state, mirror = self._state, self._mirror
        params = flatten(state.params) | flatten(state.config or {}, "config.")
        values = session(
            params,
            mirror.experiment_id,
            mirror.created_at,
            None if self._ended is None else (self._ended[0], self._ended[2]),
        )
        about = markdown_table(("experiment", mirror.prefix), self._facts())
        for heading, content in (("Description", state.description), ("Notes", state.notes)):
            if content:
                about += f"\n\n## {heading}\n\n{content}"
        values.append(text("reenact/experiment", about))
        if params:
            values.append(text("reenact/params", markdown_table(("name", "value"), params.items())))
        data = encoded([], 0, mirror.created_at) + encoded(values, 0, mirror.created_at)
        temporary = f"{os.path.join(self._folder, '.about')}.{os.getpid()}.tmp"
        with open(temporary, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, self._about)
        self._changed = False

    def _facts(self) -> Iterable[tuple[str, str]]:
        state = self._state
        yield "id", self._mirror.experiment_id
        yield "name", state.name or self._mirror.name
        status, reason = (Status.RUNNING, None) if self._ended is None else self._ended[:2]
        yield "status", f"{status}: {reason}" if reason else str(status)
        tags = (tag if value is None else f"{tag}={value}" for tag, value in state.tags.items())
        git = state.captured.get("git", {})
        command = state.captured.get("command", {}).get("argv")
        for name, fact in (
            ("tags", ", ".join(tags)),
            ("bindrs", ", ".join(state.bindrs)),
            (state.relation or "parent", state.parent),
            ("user", self._mirror.user),
            ("commit", git.get("commit")),
            ("branch", git.get("branch")),
            ("command", " ".join(map(str, command)) if isinstance(command, list) else None),
            ("lost records", f"{state.lost}: {state.lost_reason}" if state.lost else None),
        ):
            if fact:
                yield name, str(fact)


class _PartlyShown(NotShown):
    """Some metrics of a line have no place; `shown` is the rest."""

    def __init__(self, reason: str, shown: bytes) -> None:
        super().__init__(reason)
        self.shown = shown


def _folder(address: TensorBoard, mirror: Mirror) -> str:
    if address.log_dir is None:
        return os.path.join(mirror.folder, "forward", "tensorboard")
    return os.path.join(
        os.path.abspath(os.path.expanduser(address.log_dir)), *mirror.prefix.split("/")
    )


def _fits(value: float) -> bool:
    try:
        struct.pack("<f", value)
    except OverflowError:
        return False
    return True
