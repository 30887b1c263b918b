"""Answers that are asked for again: the panels of a view that several people have open, or one who comes back to it."""

from __future__ import annotations

import threading
from collections import OrderedDict

import msgspec

from ..query.panel import Panel

__all__ = ["KeptPanels"]

MOST_BYTES = 64 << 20


class KeptPanels:
    """The panels that were asked for last, up to so many bytes. Any thread may use it.

    A key holds all that an answer depends on: the question, who asks, and the cursor of the newest change.

    Args:
        most: How many bytes of numbers are kept.
    """

    def __init__(self, most: int = MOST_BYTES) -> None:
        self._most = most
        self._bytes = 0
        self._kept: OrderedDict[object, tuple[Panel, int]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: object) -> Panel | None:
        """The panel of a key, if it is still kept."""
        with self._lock:
            found = self._kept.get(key)
            if found is None:
                return None
            self._kept.move_to_end(key)
            return found[0]

    def put(self, key: object, panel: Panel) -> None:
        """Keep a panel; those that were not asked for the longest give way. One that lacks something is not kept: it may be read the next time."""
        size = _bytes_of(panel)
        if panel.left_out or size > self._most // 2:
            return
        with self._lock:
            before = self._kept.pop(key, None)
            self._bytes += size - (before[1] if before else 0)
            self._kept[key] = panel, size
            while self._bytes > self._most:
                self._bytes -= self._kept.popitem(last=False)[1][1]


def _bytes_of(panel: Panel) -> int:
    """About how much memory a panel takes: its arrays, and a little for each series."""
    structs = (panel.buckets, panel.totals, panel.exact, panel.group_buckets, panel.density)
    found = 0 if panel.group_places is None else panel.group_places.nbytes
    for one in structs:
        if one is not None:
            found += sum(getattr(value, "nbytes", 0) for value in msgspec.structs.astuple(one))
    return found + 200 * len(panel.series)
