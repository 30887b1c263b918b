"""Writing what clients of ml-dash send: rows and messages that are held already are not written again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec

from ....journal.layout import split_part
from ....journal.storage import Blob, Storage
from ....record.encode import encode_line
from ....record.events import LogLine, PointLine
from ...written import Written
from ..translate import Row
from .recent import Recent, key_hash

__all__ = ["DashWritten"]

_TAIL = 4 << 20
_LOGS = "\0logs"


class DashWritten(Written):
    """One experiment that clients of ml-dash write to.

    Attributes:
        said: What this process knows to be recorded of metrics and tracks.
    """

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.said: set[tuple[str, str, bytes]] = set()
        self._recent: dict[str, Recent] = {}
        self._before: dict[str, list[int]] | None = None
        self._known = self.others

    def rows(self, group: str, rows: Sequence[Row], counted: Callable[[], int]) -> tuple[int, int]:
        """Append rows of a metric or a track, unless they are held already; the number of the first, and how many are new.

        Args:
            counted: How many rows there were before this server wrote any.
        """
        with self.alone():
            self._forget_old()
            hashes = [_row_hash(row) for row in rows]
            recent = self._recent_of(group, counted)
            timed = all(row.time is not None or row.track for row in rows)
            held = recent.held_at(hashes, timed=timed)
            if held is not None:
                self.touch()
                return held, 0
            now = time.time()
            self.points(b"".join(encode_line(row.line(group, now)) for row in rows))
            return recent.add(hashes), len(rows)

    def messages(
        self,
        entries: Sequence[tuple[float | None, str, str, dict[str, Any]]],
        counted: Callable[[], int],
    ) -> tuple[int, int]:
        """Append messages (time, level, text, fields), unless they are held already; see `rows`."""
        with self.alone():
            self._forget_old()
            hashes = [key_hash(_log_key(*entry)) for entry in entries]
            recent = self._recent_of(_LOGS, counted)
            timed = all(entry[0] is not None for entry in entries)
            held = recent.held_at(hashes, timed=timed)
            if held is not None:
                self.touch()
                return held, 0
            now = time.time()
            lines = [
                {"t": now if t is None else t, "level": level, "message": text}
                | ({"fields": fields} if fields else {})
                for t, level, text, fields in entries
            ]
            self.logs(b"".join(map(encode_line, lines)))
            return recent.add(hashes), len(entries)

    # -- what is held already ----------------------------------------------------------------------

    def _recent_of(self, stream: str, counted: Callable[[], int]) -> Recent:
        found = self._recent.get(stream)
        if found is None:
            before = self._read_before().get(stream, [])
            found = self._recent[stream] = Recent(counted(), before)
        return found

    def _forget_old(self) -> None:
        """Forget what another server has written to meanwhile."""
        if self._known != self.others:
            self._known = self.others
            self._recent, self._before = {}, None
            self.said.clear()

    def _read_before(self) -> dict[str, list[int]]:
        """Hashes of the last rows in the journal, by stream: a server that was killed may have written without an answer."""
        if self._before is None:
            self._before = {}
            storage = self.home.storage()
            parts: dict[str, tuple[int, Blob]] = {}
            for blob in storage.list("metrics"):
                stem, _, kind = blob.name.rpartition(".")
                writer, part = split_part(stem)
                if kind == "jsonl" and part >= parts.get(writer, (0, blob))[0]:
                    parts[writer] = part, blob
            for writer, (_, blob) in sorted(parts.items()):
                if _is_ours(writer):
                    for point in _lines(storage, f"metrics/{blob.name}", blob, PointLine):
                        group = next(iter(point.m), "").rpartition("/")[0]
                        self._before.setdefault(group, []).append(_point_hash(point, group))
            for blob in storage.list("logs"):
                if blob.name.startswith("logs-") and _is_ours(blob.name):
                    for line in _lines(storage, f"logs/{blob.name}", blob, LogLine):
                        key = _log_key(line.t, line.level, line.message, line.fields)
                        self._before.setdefault(_LOGS, []).append(key_hash(key))
        return self._before


def _is_ours(writer: str) -> bool:
    return "-main-" in writer or "-late-" in writer


def _row_hash(row: Row) -> int:
    rest = encode_line(row.rest) if row.rest else b""
    return key_hash((row.time, row.step, tuple(row.numbers.items()), rest))


def _point_hash(point: PointLine, group: str) -> int:
    start = len(group) + 1 if group else 0
    beside = point.x or {}
    rest = beside.get("track", beside.get("row")) or {}
    numbers = {name[start:]: float(value) for name, value in point.m.items()}
    at = numbers.get("timestamp", 0.0) if "track" in beside else point.t
    time_ = point.t if "track" not in beside or at == point.t else None
    return key_hash((time_, point.s, tuple(numbers.items()), encode_line(rest) if rest else b""))


def _log_key(t: float | None, level: str, text: str, fields: dict[str, Any]) -> tuple[Any, ...]:
    return t, level, text, encode_line(fields) if fields else b""


def _lines(storage: Storage, path: str, blob: Blob, kind: type[Any]) -> Iterable[Any]:
    """The records at the end of a file of lines; what cannot be read is passed over."""
    start = max(0, blob.size - _TAIL)
    try:
        lines = storage.read(path, start, _TAIL).split(b"\n")
    except OSError:
        return
    decoder = msgspec.json.Decoder(kind)
    for line in lines[1 if start else 0 :]:
        try:
            yield decoder.decode(line)
        except msgspec.DecodeError:
            continue
