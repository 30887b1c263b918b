"""Changes to an experiment from outside: tags, notes, the end of a vanished process found by a reader.

They are events like any other, so they survive every rebuild of an index. Each author has a segment of its own in each
copy of an experiment's folder, so copies that were edited apart can be put together again.
"""

from __future__ import annotations

import os
import time

from ..record.encode import encode_line
from ..record.secrets import mask_event
from .author import identity
from .layout import ExperimentLayout, RootLayout
from .root import announce, append_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["append_event", "edit_writer"]


def edit_writer(layout: ExperimentLayout, experiment_id: str) -> str:
    """The writer name under which edits of an experiment from here stand in this folder: `edit-<id>-<host>-<hash>`.

    Raises:
        FileNotFoundError: The experiment's folder is gone.
    """
    folder = os.stat(layout.path("journal"))  # another copy of the folder is another file
    return f"edit-{experiment_id}-{identity().name(f'{folder.st_dev}.{folder.st_ino}')}"


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
    """Append one event to the experiment's edits and announce the change; secrets in it are masked.

    Args:
        kind: The event's tag, such as "tags" or "closed".
        t: Its time; now if not given.

    Raises:
        FileNotFoundError: The experiment's folder is gone.
        OSError: It cannot be written.
    """
    writer = edit_writer(layout, experiment_id)
    seen = layout.sizes(w for w in layout.writers() if w != writer)
    at = time.time() if t is None else t
    line = encode_line({"k": kind, "t": at, "after": seen, **mask_event(kind, fields)})
    append_line(layout.events(writer), line)
    announce(root, "changed", experiment_id, root.prefix_of(layout.folder))
