"""Changes to an experiment from outside: tags, notes, a reader's verdict on a vanished process.

They are events like any other, so they survive every rebuild of an index. Each user of each machine has a segment
of its own in each copy of an experiment's folder, so copies that were edited apart can be put together again.
"""

from __future__ import annotations

import hashlib
import os
import time

from ..record.encode import encode_line
from .layout import ExperimentLayout, RootLayout
from .liveness import boot_id, host_name, pid_space
from .openings import _file_name, announce

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["append_event", "edit_writer"]


def edit_writer(layout: ExperimentLayout) -> str:
    """The writer name under which edits from here stand in this folder.

    Raises:
        FileNotFoundError: The experiment's folder is gone.
    """
    folder = os.stat(layout.path("journal"))  # another copy of the folder is another file
    user = os.getuid() if hasattr(os, "getuid") else 0
    here = (host_name(), boot_id(), pid_space(), user, folder.st_dev, folder.st_ino)
    mark = hashlib.blake2b(repr(here).encode(), digest_size=4).hexdigest()
    return f"edit-{_file_name(host_name())}-{mark}"


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
    writer = edit_writer(layout)
    seen = layout.sizes(w for w in layout.writers() if w != writer)
    at = time.time() if t is None else t
    line = encode_line({"k": kind, "t": at, "after": seen, **fields})
    fd = os.open(layout.events(writer), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    try:
        os.write(fd, line)
    finally:
        os.close(fd)
    announce(root, "changed", experiment_id, root.prefix_of(layout.folder))
