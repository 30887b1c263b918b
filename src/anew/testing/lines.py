"""Writing segments line by line, for the suites."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from typing import Any

from ..journal.layout import ExperimentLayout
from ..record.encode import number_or_name
from ..stores.series.points import decode_block
from ..stores.series.protocol import ExperimentFolder, SeriesStore, Source

__all__ = ["PointFeed", "event_line", "point_line"]


def point_line(
    values: Mapping[str, float], step: int | None = None, t: float = 1.0, x: Any = None
) -> bytes:
    """One line of a points segment."""
    line: dict[str, Any] = {} if step is None else {"s": step}
    line |= {"t": t, "m": {name: number_or_name(float(v)) for name, v in values.items()}}
    if x is not None:
        line["x"] = x
    return json.dumps(line).encode() + b"\n"


def event_line(kind: str, t: float, **fields: Any) -> bytes:
    """One line of an event segment."""
    return json.dumps({"k": kind, "t": t, **fields}).encode() + b"\n"


class PointFeed:
    """Appends to the segments of one experiment and offers a store what was appended, as an index does."""

    def __init__(self, store: SeriesStore, place: ExperimentFolder) -> None:
        self.store = store
        self.place = place
        self._read: dict[tuple[str, int], tuple[int, int]] = {}
        os.makedirs(ExperimentLayout(place.folder).path("metrics"), exist_ok=True)

    def write(self, lines: Iterable[bytes], writer: str = "0001-main", part: int = 1) -> None:
        """Append lines without offering them."""
        with open(ExperimentLayout(self.place.folder).points(writer, part), "ab") as file:
            file.writelines(lines)

    def offer(self, *, again: bool = False) -> None:
        """Offer the store all whole lines that it was not offered yet; with `again`, all there are."""
        metrics = ExperimentLayout(self.place.folder)
        for (writer, part), path in sorted(self._segments(metrics).items()):
            offset, lines = (0, 0) if again else self._read.get((writer, part), (0, 0))
            with open(path, "rb") as file:
                file.seek(offset)
                data = file.read()
            data = data[: data.rfind(b"\n") + 1]
            if data:
                block, broken = decode_block(data, lines + 1)
                end, count = offset + len(data), data.count(b"\n")
                reasons = tuple((b.line, b.reason) for b in broken)
                source = Source(writer, part, offset, end, lines + 1, count, reasons)
                self.store.take(self.place, source, block)
                self._read[writer, part] = (end, lines + count)

    def log(self, lines: Iterable[bytes], writer: str = "0001-main", part: int = 1) -> None:
        """Append lines, offer them, and have them made durable where that pays."""
        self.write(lines, writer, part)
        self.offer()
        self.store.flush(self.place)

    def _segments(self, layout: ExperimentLayout) -> dict[tuple[str, int], str]:
        from ..journal.layout import split_part

        folder = layout.path("metrics")
        return {
            split_part(name[:-6]): os.path.join(folder, name)
            for name in os.listdir(folder)
            if name.endswith(".jsonl")
        }
