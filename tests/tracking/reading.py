"""Reading an experiment's folder back with nothing but the journal's own means."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from anew.journal.follow import Stream, follow, read_events
from anew.record.decode import decode_events, decode_logs, decode_points
from anew.record.events import Event, LogLine
from anew.record.fold import ExperimentState, fold


def plain_name(writer: str) -> str:
    """A writer's number and label, without the random letters after them."""
    return re.sub(r"^(\d{4}-.*)-[a-z0-9]{4}$", r"\1", writer)


def segment(folder: str | Path, kind: str = "metrics", writer: str = "0001-main") -> Path:
    """The one file of that kind of the writer with this number and label."""
    [found] = Path(folder, kind).glob(f"{writer}-????.*")
    return found


def points(folder: str | Path) -> list[tuple[str, int | None, str, float]]:
    """Every point as `(writer, step, metric, value)`, as written; fails on a broken line."""
    found = []
    for chunk in follow(str(folder), {}, frozenset({Stream.POINTS})):
        lines, broken = decode_points(chunk.data, chunk.lines + 1)
        assert not broken, broken
        for _, line in lines:
            writer = plain_name(chunk.writer)
            found += [(writer, line.s, name, float(value)) for name, value in line.m.items()]
    return [point for point in found if not point[2].startswith("system/")]


def events(folder: str | Path) -> list[tuple[str, Event]]:
    """Every event as `(writer, event)`; fails on a broken line."""
    found = []
    for chunk in follow(str(folder), {}, frozenset({Stream.EVENTS})):
        decoded, broken = decode_events(chunk.data)
        assert not broken, broken
        found += [(plain_name(chunk.writer), event) for _, event in decoded]
    return found


def state(folder: str | Path) -> ExperimentState:
    """The fold of all events."""
    return fold(read_events(str(folder)))


def logs(folder: str | Path) -> list[LogLine]:
    """Every message."""
    return [
        line
        for chunk in follow(str(folder), {}, frozenset({Stream.LOGS}))
        for _, line in decode_logs(chunk.data)[0]
    ]


def metadata(folder: str | Path) -> dict[str, Any]:
    """The document for people."""
    import json

    found: dict[str, Any] = json.loads((Path(folder) / "metadata.json").read_text())
    return found
