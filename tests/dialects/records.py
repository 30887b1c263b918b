"""What an experiment's folder records, without what differs between any two runs: times, ids and paths."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from anew.record.events import FileLogged

from ..tracking.reading import events, logs, points, state

_ABOUT = ("params", "config", "tags", "bindrs", "description", "notes", "relation")


def recorded(folder: str | Path) -> dict[str, Any]:
    """The points, facts, messages and files of an experiment, for comparison with those of another."""
    found = state(folder)
    return {
        **{name: getattr(found, name) for name in _ABOUT},
        "status": found.outcome()[0],
        "points": points(folder),
        "logs": [(line.level, line.message, line.fields) for line in logs(folder)],
        "files": [
            (event.prefix, event.name, event.size, event.hash, event.step, event.metadata)
            for _, event in events(folder)
            if isinstance(event, FileLogged)
        ],
    }
