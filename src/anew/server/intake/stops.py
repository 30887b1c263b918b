"""Who asked an experiment to stop: read from the edits that say so."""

from __future__ import annotations

from collections.abc import Collection

from ...journal.storage import Storage
from ...record.decode import decode_events
from ...record.events import Captured
from ...sync.listing import is_edit
from ...sync.wire import Stop

__all__ = ["Stops"]

_MOST_EDITS = 16 << 20
_REMEMBERED = 10_000


class Stops:
    """The wishes that experiments stop.

    A wish is a fact captured under the name "stop". It concerns the writers that its author had seen (`after`), so a later
    opening of the same experiment goes on, whatever the clocks say.
    """

    def __init__(self) -> None:
        self._read: dict[tuple[str, str], tuple[int, list[Captured]]] = {}

    def of(self, storage: Storage, experiment_id: str, writers: Collection[str]) -> Stop | None:
        """The newest wish that concerns some of these writers."""
        found: Captured | None = None
        for blob in storage.list("journal"):
            path = f"journal/{blob.name}"
            if not is_edit(path):
                continue
            key = (experiment_id, blob.name)
            known = self._read.get(key)
            if known is None or known[0] != blob.size:
                events, _ = decode_events(storage.read(path, 0, _MOST_EDITS))
                wishes = [e for _, e in events if isinstance(e, Captured) and e.what == "stop"]
                if len(self._read) > _REMEMBERED:
                    self._read.clear()
                known = self._read[key] = (blob.size, wishes)
            for wish in known[1]:
                concerns = not set(writers).isdisjoint(wish.after or {})
                if concerns and (found is None or wish.t >= found.t):
                    found = wish
        if found is None:
            return None
        by, why = found.data.get("by", ""), found.data.get("why", "")
        return Stop(by=str(by)[:200], at=found.t, why=str(why)[:1000])
