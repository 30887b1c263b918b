"""Which parts of an experiment's points may be sealed: those that every sink has passed.

A sink reads lines, and counts in bytes of them how far it has come. Sealing takes the lines away, so it waits for the sinks that
are still on their way, but not for ever: one that could not be reached for seven days reads the sealed part instead.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from .drive import passed
from .follow import Cursor
from .storage import Storage

__all__ = ["UNREACHABLE_SECONDS", "may_seal", "place_name"]

UNREACHABLE_SECONDS = 7 * 86400.0
_MOST_BYTES = 64 << 20


class _Arrived(msgspec.Struct, tag_field="k", tag="forwarded"):
    """What an event says of how far a sink has come; see `docs/internals/format.md`."""

    t: float
    cursor: Cursor = {}
    round: int = 0
    lines: int = 0
    error_at: float | None = None


_decoder = msgspec.json.Decoder(_Arrived)


def place_name(address: Mapping[str, Any]) -> str:
    """What a place that an experiment is sent to is called in file names: its kind, and a mark where more is given.

    Args:
        address: As plain JSON, without passwords; "to" is its kind.
    """
    kind = str(address.get("to", ""))
    if len(address) == 1:
        return kind
    mark = hashlib.sha256(json.dumps(dict(address), sort_keys=True).encode()).hexdigest()[:8]
    return f"{kind}-{mark}"


def may_seal(
    storage: Storage, expected: Callable[[], Mapping[str, float]], now: float
) -> Callable[[str, int], bool]:
    """Says, of a part's lines and their bytes, whether every sink has taken them all.

    Args:
        storage: The experiment's files.
        expected: Tells the sinks that the experiment is to be sent to, and since when they are awaited.
        now: The time.
    """
    waited_for: list[Cursor] | None = None

    def may(text: str, size: int) -> bool:
        nonlocal waited_for
        if waited_for is None:
            waited_for = _on_their_way(storage, expected(), now)
        return passed(waited_for, text, size)

    return may


def _on_their_way(storage: Storage, expected: Mapping[str, float], now: float) -> list[Cursor]:
    """The cursors of the sinks that are to be waited for."""
    found: dict[str, _Arrived] = {}
    for blob in storage.list("forwarded"):
        name, _, suffix = blob.name.partition(".")
        if suffix.endswith(".jsonl"):
            lines = storage.read(f"forwarded/{blob.name}", 0, _MOST_BYTES).split(b"\n")[:-1]
            try:
                arrived = _decoder.decode(lines[-1] if lines else b"")
            except msgspec.MsgspecError:
                continue  # the forwarder itself says so
            known = found.get(name)
            if known is None or (known.round, known.lines) < (arrived.round, arrived.lines):
                found[name] = arrived
    cursors: list[Cursor] = [
        {}
        for name, since in expected.items()
        if name not in found and now - since <= UNREACHABLE_SECONDS
    ]
    return cursors + [
        arrived.cursor
        for arrived in found.values()
        if now - (arrived.error_at or arrived.t) <= UNREACHABLE_SECONDS
    ]
