"""The root's own journal: which experiments were opened, ended, changed, deleted or restored.

A reader finds what changed by following this, without visiting every folder. Each host appends to a file
of its own, one line per happening, so there is no lock and nothing to clean up, and any number of indexes
may follow with cursors of their own. It is a hint, not the truth: a walk over the folders finds the same.
"""

from __future__ import annotations

import json
import os

from ..record.encode import encode_line
from .liveness import host_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .layout import RootLayout

__all__ = ["KINDS", "Opening", "announce", "follow_openings"]

KINDS = ("opened", "ended", "changed", "deleted", "restored")


class Opening:
    """One line of the root's journal: what happened (`kind`) to which experiment, when."""

    __slots__ = ("experiment_id", "kind", "prefix", "t")

    def __init__(self, t: float, kind: str, experiment_id: str, prefix: str) -> None:
        self.t = t
        self.kind = kind
        self.experiment_id = experiment_id
        self.prefix = prefix

    def __repr__(self) -> str:
        return f"Opening({self.t}, {self.kind!r}, {self.experiment_id!r}, {self.prefix!r})"


def _file_name(host: str) -> str:
    return "".join(c if c.isalnum() or c in "-_." else "-" for c in host).lstrip(".") or "host"


def announce(root: RootLayout, kind: str, experiment_id: str, prefix: str) -> None:
    """Append one line for this host.

    Raises:
        OSError: The root cannot be written.
    """
    import time

    line = encode_line({"t": time.time(), "k": kind, "id": experiment_id, "prefix": prefix})
    path = os.path.join(root.openings, _file_name(host_name()) + ".jsonl")
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
    try:
        fd = os.open(path, flags, 0o666)
    except FileNotFoundError:
        os.makedirs(root.openings, exist_ok=True)
        fd = os.open(path, flags, 0o666)
    try:
        os.write(fd, line)
    finally:
        os.close(fd)


def follow_openings(
    root: RootLayout, cursor: Mapping[str, int]
) -> Iterator[tuple[str, list[Opening], int]]:
    """What was announced since the cursor: `(host file, openings, its new offset)` per file.

    A last line without its newline waits; a line that cannot be read is passed over (it is only a hint).
    """
    try:
        names = sorted(name for name in os.listdir(root.openings) if name.endswith(".jsonl"))
    except FileNotFoundError:
        return
    for name in names:
        offset = cursor.get(name, 0)
        try:
            with open(os.path.join(root.openings, name), "rb") as file:
                size = os.fstat(file.fileno()).st_size
                if size < offset:  # replaced by a shorter one
                    offset = 0
                if size == offset:
                    continue
                file.seek(offset)
                data = file.read(size - offset)
        except FileNotFoundError:
            continue
        end = data.rfind(b"\n") + 1
        if end:
            yield name, list(_parse(data[:end])), offset + end


def _parse(data: bytes) -> Iterator[Opening]:
    for line in data.splitlines():
        try:
            record = json.loads(line)
            yield Opening(record["t"], record["k"], record["id"], record["prefix"])
        except (ValueError, KeyError, TypeError):
            continue
