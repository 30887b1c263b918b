"""What the catalog keeps of an experiment as it was last read."""

from __future__ import annotations

from collections.abc import Mapping

from ..journal.sealing import place_name
from ..record.fold import ExperimentState
from ..record.packed import Unpacker

__all__ = ["UNREAD", "UNSETTLED", "awaited_by", "decode_state"]

UNREAD = "unread/"
"""Marks of the catalog that begin so name a prefix that could not be read, and say why."""

UNSETTLED = "unsettled/"
"""Marks that begin so name the id of an experiment that has ended and is not yet where questions over many find it."""

_states = Unpacker(ExperimentState)


def awaited_by(state: ExperimentState, sinks: Mapping[str, float]) -> dict[str, float]:
    """The sinks that sealing waits for, and since when: those of the root, and those the experiment is forwarded to."""
    opened = max((w.opened.t for w in state.writers.values()), default=0.0)
    awaited = {name: max(since, opened) for name, since in sinks.items()}
    asked = state.captured.get("forwarding", {}).get("to", [])
    for address in asked if isinstance(asked, list) else []:
        if isinstance(address, dict):
            awaited[place_name(address)] = opened
    return awaited


def decode_state(blob: bytes) -> ExperimentState:
    """The state of `documents.state`."""
    return _states.decode(blob)
