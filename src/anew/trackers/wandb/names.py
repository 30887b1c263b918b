"""Names that W&B and Anew must agree on."""

from __future__ import annotations

from datetime import UTC, datetime

__all__ = [
    "FACTS",
    "LOST_SIGNS",
    "OWN_CONFIG",
    "OWN_ID",
    "OWN_SUMMARY",
    "STATES",
    "STEP",
    "SWEEP",
    "column",
    "column_name",
    "iso_time",
]

FACTS = "wandb"  # the key, in a value's metadata, of what W&B says of it besides

STATES = {
    "pending": "pending", "running": "running", "finished": "completed", "failed": "failed", "crashed": "failed",
    "killed": "cancelled",
}  # fmt: skip
"""The states of a run, each with the status that it is here."""

LOST_SIGNS = ("vanished without ending it", "was restarted while it ran", "no sign of life from")
"""What the reason of a failure says when nobody ended the run: W&B calls it crashed, and not failed."""

# Tags with a value, which W&B does not show as tags: what the index has to know of a run.
OWN_CONFIG = "wandb.config"  # its config is not just the parameters
OWN_SUMMARY = "wandb.summary"  # its summary is not just the last value of each metric
OWN_ID = "wandb.id"  # its id, where that is not the experiment's
SWEEP = "wandb.sweep"  # it is a sweep, and no run


STEP = "step"
"""The column of the history in which the forwarder writes our steps: W&B's own only ever grow."""
_TAKEN = (STEP, "_step", "_timestamp", "_runtime", "_wandb")
_MOVED = "metrics/"


def column(name: str) -> str:
    """What a metric or value is called in the history, where W&B and the forwarder have names of their own."""
    return f"{_MOVED}{name}" if name in _TAKEN else name


def column_name(column: str) -> str:
    """The name that `column` made a column of."""
    name = column.removeprefix(_MOVED)
    return name if name in _TAKEN else column


def iso_time(seconds: float) -> str:
    """A time as W&B writes it: in UTC, to the second."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
