"""How writers and the garbage collection keep out of each other's way without a lock.

A writer leaves a lease before it looks at what the repository has, and takes it away after its ref
is moved. The collection first condemns the packs it wants to delete, and only then looks for
leases. So either it sees the lease and deletes nothing this time, or the writer started later, sees
the condemned packs and does not build on them. A lease counts while its process lives on this
machine, or, from elsewhere, while it is younger than the grace period.
"""

from __future__ import annotations

import itertools
import json
import os
import secrets
import socket
import time
from pathlib import Path
from types import TracebackType

from anew.blobs.protocol import Blobs
from anew.errors import WeightsError
from anew.record.plain import parse_json

__all__ = ["GRACE", "Lease", "active_leases", "condemn", "condemned", "pardon"]

LEASES = "leases"
CONDEMNED = "condemned"

# Seconds that a silent writer is waited for, and that objects no ref leads to are kept.
GRACE = 3600.0
_RENEW_AFTER = 60.0


class Lease:
    """A writer's sign that it is at work."""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs
        self.name = f"{time.time_ns():x}-{secrets.token_hex(6)}"
        self._path = f"{LEASES}/{self.name}"
        self._packs = itertools.count(1)
        self._renewed = 0.0
        self.renew()

    def renew(self) -> None:
        """Say again that the writer lives; cheap to call often."""
        now = time.time()
        if now - self._renewed > _RENEW_AFTER:
            body = json.dumps({**_process(), "time": now}).encode()
            # Not lasting: a crash of the machine ends the writer as well.
            self._blobs.replace(self._path, body, lasting=False)
            self._renewed = now

    def next_pack(self) -> str:
        """A file name for a new pack that no other pack has, in this repository or any other."""
        return f"{self.name}-{next(self._packs):04d}.pack"

    def check(self) -> None:
        """Make sure that no collection took this writer for dead.

        Raises:
            WeightsError: one did, so what was stored may be gone already.
        """
        if self._path not in self._blobs.keys(LEASES):
            raise WeightsError(
                "This writer was inactive for so long that a garbage collection removed its staged tensors. Nothing was committed. Stage and commit again."
            )

    def release(self) -> None:
        """The work is done or given up."""
        self._blobs.delete(self._path)

    def __enter__(self) -> Lease:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()


def active_leases(blobs: Blobs, grace: float) -> list[str]:
    """The names of leases whose writers may still be at work; leases of the dead are removed."""
    active = []
    for blob in blobs.list(LEASES):
        try:
            body = parse_json(blobs.read(blob.key))
        except FileNotFoundError:
            continue
        except ValueError:
            body = {}
        alive = _alive(body)
        if alive is None:
            alive = time.time() - blob.modified < grace
        if alive:
            active.append(blob.key.rsplit("/", 1)[-1])
        else:
            blobs.delete(blob.key)
    return active


def condemned(blobs: Blobs) -> set[str]:
    """Packs that a garbage collection is about to delete: nothing new may build on them."""
    return {path.rsplit("/", 1)[-1] for path in blobs.keys(CONDEMNED)}


def condemn(blobs: Blobs, pack: str) -> None:
    """Announce that a pack is about to be deleted."""
    blobs.replace(f"{CONDEMNED}/{pack}", b"")


def pardon(blobs: Blobs, pack: str) -> None:
    """Take the announcement back, or clear it after the deletion."""
    blobs.delete(f"{CONDEMNED}/{pack}")


def _process() -> dict[str, object]:
    return {"host": socket.gethostname(), "pid": os.getpid(), "space": _process_space()}


def _process_space() -> str:
    """Within what a process id means one process: this boot and this container."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}:{os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return ""


def _alive(body: dict[str, object]) -> bool | None:
    """Whether the lease's process lives; None when this machine cannot know."""
    space = _process_space()
    pid = body.get("pid")
    if not space or body.get("space") != space or not isinstance(pid, int):
        return None
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
