"""Changes to an experiment from outside: tags, notes, a reader's verdict on a vanished process.

They are events like any other, in a segment per author, so they survive every rebuild of an index.
"""

from __future__ import annotations

import time

from ..record.encode import encode_line
from .layout import ExperimentLayout, RootLayout
from .root import announce, append_line, author_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["append_event", "edit_writer"]


def edit_writer(root: RootLayout) -> str:
    """The writer name under which this process's edits stand: `edit-<host>-<hash>`.

    Raises:
        OSError: The root cannot be written.
    """
    return f"edit-{author_name(root)}"


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
    append_line(layout.events(edit_writer(root)), line)
    announce(root, "changed", experiment_id, root.prefix_of(layout.folder))
