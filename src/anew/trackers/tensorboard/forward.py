"""Event files for TensorBoard.

An experiment has a folder of its own with two files. One grows: points, values and messages, in the order in which they
were recorded. The other says what the experiment is (parameters, tags, notes, status) and is replaced whenever that
changes; its name comes first, because TensorBoard reads the files of a folder in the order of their names and
follows only the last.

Nothing arrives twice: the file that grows is cut back to the size it had when it was last settled, so what was written
after that and is offered again is written for the first time.
"""

from __future__ import annotations

import io
import os
import struct
from collections.abc import Iterable, Sequence
from typing import Any

from ...address import local_folder
from ...errors import CorruptData
from ...forwarders.account import Account
from ...forwarders.target import Item, Mirror, Refusal
from ...forwarding.address import TensorBoard
from ...record.events import Captured, FileLogged, LogLine, PointLine, ValueLogged
from ...record.plain import flatten
from ...record.status import Status
from .translate.summaries import (
    NotShown,
    encoded,
    is_curve,
    log_text,
    markdown_table,
    scalar,
    session,
    text,
    value_of,
)

__all__ = ["TensorBoardTarget"]

_MESSAGES = "anew/logs"
_OURS = {_MESSAGES: "text", "anew/experiment": "text", "anew/params": "text"}
_NO_FILES = "TensorBoard cannot hold files; they stay in the experiment's folder."
_TOO_LARGE = "TensorBoard stores values as float32, which cannot hold values beyond 3.4e38."
_TAKEN = (
    "TensorBoard keeps one type of data under each name, and this name already has another type."
)


class TensorBoardTarget:
    """See `Target`. `memo` holds the size of the file that grows, and what is counted and folded of the records."""

    def __init__(self, address: TensorBoard, mirror: Mirror, memo: dict[str, Any]) -> None:
        self._mirror = mirror
        self._folder = _folder(address, mirror)
        if memo and not os.path.isabs(address.log_dir or "/"):
            self._folder = str(memo["folder"])  # wherever this process was started
        stamp = f"events.out.tfevents.{int(mirror.created_at)}.anew.{mirror.experiment_id}"
        self._about = os.path.join(self._folder, f"{stamp}.0-about")
        self._path = os.path.join(self._folder, f"{stamp}.1-records")
        self._size = int(memo.get("bytes", 0))
        self._account = Account(memo)
        # What is under each name: TensorBoard has one kind of data for a name.
        self._kinds: dict[str, str] = dict(memo.get("kinds", _OURS))
        self._positions: dict[str, int] = dict(memo.get("positions", {}))  # of messages and values
        self._facts: dict[str, str] = dict(memo.get("facts", {}))
        ended = memo.get("ended")
        self._ended = None if ended is None else (Status(ended[0]), ended[1], float(ended[2]))
        os.makedirs(self._folder, exist_ok=True)
        self._changed = not memo
        if not memo:
            self._write_about()  # before TensorBoard sees the other file, so that it comes first
            open(self._path, "ab").close()
        self._file = self._opened()
        self._file.truncate(self._size)
        if not self._size:
            self._append(encoded([], 0, mirror.created_at))

    def _opened(self) -> io.FileIO:
        try:
            file = io.FileIO(self._path, "r+")
            there = os.fstat(file.fileno()).st_size
            if there >= self._size:
                return file
            file.close()
            found = f"has {there}"
        except FileNotFoundError:
            found = "is gone"
        raise CorruptData(
            f"{self._path} had {self._size} bytes when it was last written, and now {found}. Write everything again with: anew forward {self._mirror.experiment_id} --to tensorboard --afresh",
            path=self._path,
        )

    @property
    def url(self) -> str | None:
        """The folder of the event files."""
        return self._folder

    def send(self, items: Sequence[Item], again: bool) -> list[Refusal]:
        """See `Target.send`."""
        before = (
            self._account.memo(),
            dict(self._kinds),
            dict(self._positions),
            dict(self._facts),
            self._ended,
        )
        refusals: list[Refusal] = []
        written = bytearray()
        try:
            for item in items:
                if self._account.is_new(item, refusals):
                    written += self._taken(item, refusals)
            self._append(written)
        except BaseException:
            self._account = Account(before[0])
            self._kinds, self._positions, self._facts, self._ended = before[1:]
            raise
        return refusals

    def settle(self) -> dict[str, Any]:
        """See `Target.settle`."""
        os.fsync(self._file.fileno())
        if self._changed:
            self._write_about()
        return self._account.memo() | {
            "folder": self._folder,
            "bytes": self._size,
            "kinds": dict(self._kinds),
            "positions": dict(self._positions),
            "facts": dict(self._facts),
            "ended": self._ended and [self._ended[0].value, *self._ended[1:]],
        }

    def end(self, status: Status, reason: str | None, ended_at: float) -> None:
        """See `Target.end`."""
        self._ended = (status, reason, ended_at)
        self._write_about()

    def close(self) -> None:
        """See `Target.close`."""
        self._file.close()

    def _append(self, data: bytes | bytearray) -> None:
        """Add whole records, or none."""
        self._file.seek(self._size)
        try:
            done = 0
            while done < len(data):
                done += self._file.write(memoryview(data)[done:])
        except OSError:
            self._file.truncate(self._size)
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
                message = text(_MESSAGES, log_text(record))
                return encoded([message], self._position(_MESSAGES), record.t)
            if isinstance(record, ValueLogged):
                return self._value(record)
            if isinstance(record, FileLogged):
                raise NotShown(_NO_FILES)
            if isinstance(record, Captured):
                self._facts |= _facts_of(record)
            self._changed = True
        except _PartlyShown as error:
            self._account.refuse(item, str(error), refusals)
            return error.shown
        except NotShown as error:
            self._account.refuse(item, str(error), refusals)
        return b""

    def _points(self, record: PointLine) -> bytes:
        by_step: dict[int, list[Any]] = {}
        reason = None
        for name, step in self._account.steps(record).items():
            value = float(record.m[name])
            if not _fits(value):
                reason = _TOO_LARGE
            elif self._kinds.setdefault(name, "scalar") != "scalar":
                reason = _TAKEN
            else:
                by_step.setdefault(step, []).append(scalar(name, value))
        shown = b"".join(encoded(values, step, record.t) for step, values in by_step.items())
        if reason is not None:
            raise _PartlyShown(reason, shown)
        return shown

    def _value(self, record: ValueLogged) -> bytes:
        tag = record.name
        kind = {"table": "text", "video": "image", "figure": "image"}.get(record.kind, record.kind)
        if is_curve(record):
            kind = "curve"
        if tag in _OURS or self._kinds.get(tag, kind) != kind:
            raise NotShown(_TAKEN)
        made = value_of(tag, record, self._mirror.folder)
        self._kinds[tag] = kind
        made = [v for v in made if v.tag == tag or self._kinds.setdefault(v.tag, "text") == "text"]
        position = self._position(tag)
        return encoded(made, position if record.step is None else record.step, record.t)

    def _position(self, name: str) -> int:
        position = self._positions.get(name, 0)
        self._positions[name] = position + 1
        return position

    def _write_about(self) -> None:
        """Replace the file that says what the experiment is."""
        state, mirror = self._account.state, self._mirror
        params = flatten(state.params) | flatten(state.config or {}, "config.")
        values = session(
            params,
            mirror.experiment_id,
            mirror.created_at,
            None if self._ended is None else (self._ended[0], self._ended[2]),
        )
        about = markdown_table(("experiment", mirror.prefix), self._described())
        for heading, content in (("Description", state.description), ("Notes", state.notes)):
            if content:
                about += f"\n\n## {heading}\n\n{content}"
        values.append(text("anew/experiment", about))
        if params:
            values.append(text("anew/params", markdown_table(("name", "value"), params.items())))
        data = encoded([], 0, mirror.created_at) + encoded(values, 0, mirror.created_at)
        temporary = f"{os.path.join(self._folder, '.about')}.{os.getpid()}.tmp"
        with open(temporary, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, self._about)
        self._changed = False

    def _described(self) -> Iterable[tuple[str, str]]:
        state = self._account.state
        yield "id", self._mirror.experiment_id
        yield "name", state.name or self._mirror.name
        status, reason = (Status.RUNNING, None) if self._ended is None else self._ended[:2]
        yield "status", f"{status}: {reason}" if reason else str(status)
        tags = (tag if value is None else f"{tag}={value}" for tag, value in state.tags.items())
        for name, fact in (
            ("tags", ", ".join(tags)),
            ("bindrs", ", ".join(state.bindrs)),
            ("parent", state.parent and f"{state.parent} ({state.relation})"),
            ("user", self._mirror.user),
            *self._facts.items(),
            ("lost records", f"{state.lost}: {state.lost_reason}" if state.lost else None),
        ):
            if fact:
                yield name, fact


class _PartlyShown(NotShown):
    """Some metrics of a line have no place; `shown` is the rest."""

    def __init__(self, reason: str, shown: bytes) -> None:
        super().__init__(reason)
        self.shown = shown


def _folder(address: TensorBoard, mirror: Mirror) -> str:
    if address.log_dir is None:
        return os.path.join(mirror.folder, "forwarded", "tensorboard")
    folder = local_folder(address.log_dir, what="log_dir", setting="forward_to")
    return os.path.join(folder, *mirror.prefix.split("/"))


def _facts_of(record: Captured) -> dict[str, str]:
    """What is worth a line of what was captured; all of it is in the experiment's folder."""
    data = record.data
    if record.what == "command" and isinstance(data.get("argv"), list):
        return {"command": " ".join(map(str, data["argv"]))}
    if record.what == "git":
        return {name: str(data[name]) for name in ("commit", "branch", "remote") if data.get(name)}
    return {}


def _fits(value: float) -> bool:
    try:
        struct.pack("<f", value)
    except OverflowError:
        return False
    return True
