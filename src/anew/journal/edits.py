"""Changes to an experiment from outside: tags, notes, a reader's verdict on a vanished process.

They are events like any other, in a segment per host, so they survive every rebuild of an index.
"""

from __future__ import annotations

import os
import time

from ..record.encode import encode_line
from .layout import ExperimentLayout, RootLayout
from .liveness import host_name
from .openings import _file_name, announce

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["append_event", "edit_writer"]


def edit_writer() -> str:
    """The writer name under which this host's edits stand."""
    return f"edit-{_file_name(host_name())}"


def append_event(
    root: RootLayout,
    layout: ExperimentLayout,
    experiment_id: str,
    kind: str,
    /,
    *,
    t: float | None = None,
    **fields: Any,
) -> None:
    """Append one event to the experiment's edits and announce the change.

    Args:
        kind: The event's tag, such as "tags" or "closed".
        t: Its time; now if not given.

    Raises:
        FileNotFoundError: The experiment's folder is gone.
        OSError: It cannot be written.
    """
    line = encode_line({"k": kind, "t": time.time() if t is None else t, **fields})
    fd = os.open(layout.events(edit_writer()), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    try:
        os.write(fd, line)
    finally:
        os.close(fd)
    announce(root, "changed", experiment_id, root.prefix_of(layout.folder))
