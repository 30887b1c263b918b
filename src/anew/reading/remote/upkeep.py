"""What of looking after a store can be done from another machine."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from typing import NoReturn

from ...errors import InvalidSetting
from ...query.question import ask
from ..backend import Backend
from ..upkeep import Deleted, Finding, Progress, Refreshed, Trashed, Usage
from .calls import Calls

__all__ = ["RemoteUpkeep"]


class RemoteUpkeep:
    """The `Upkeep` of a server: looking, and zip files. What frees or rewrites its disk is done on its own machine."""

    def __init__(self, calls: Calls, backend: Backend) -> None:
        self._calls = calls
        self._backend = backend

    def trash(self) -> Sequence[Trashed]:
        """See `Upkeep.trash`."""
        found: Sequence[Trashed] = self._calls.call("GET", "/trash", None, tuple[Trashed, ...])
        return found

    def du(self, ids: Sequence[str] | None = None) -> Usage:
        """See `Upkeep.du`: on the server's disk."""
        question = {"ids": None if ids is None else list(ids)}
        found: Usage = self._calls.call("POST", "/usage", question, Usage)
        return found

    def archive(self, ids: Sequence[str], target: str, *, whole: bool = False) -> None:
        """See `Upkeep.archive`: the server makes the file, and it is saved here."""
        if os.path.exists(target):
            raise FileExistsError(f"{target} already exists. Export to another file.")
        if os.path.dirname(target):
            os.makedirs(os.path.dirname(target), exist_ok=True)
        part = f"{target}.part"
        try:
            with open(part, "xb") as file:
                for piece in self._calls.download("/archive", {"ids": list(ids), "whole": whole}):
                    file.write(piece)
            os.replace(part, target)
        except BaseException:
            if os.path.exists(part):
                os.remove(part)
            raise

    def refresh(self, progress: Progress | None = None) -> Refreshed:
        """See `Upkeep.refresh`; the server does so before it answers any question."""
        begun = time.monotonic()
        self._backend.select(ask(limit=0, now=time.time()))
        return Refreshed(0, 0, time.monotonic() - begun)

    def purge(self, ids: Sequence[str]) -> Deleted:
        """See `Upkeep.purge`."""
        self._refuse("Deleting for good")

    def discard(self, prefix: str, *, permanently: bool = False) -> Deleted | None:
        """See `Upkeep.discard`; what cannot be shown cannot be named from here."""
        return None

    def gc(self, *, older_than: float = 0.0, dry_run: bool = False) -> int:
        """See `Upkeep.gc`."""
        self._refuse("Emptying the trash")

    def free(
        self, files: Mapping[str, Sequence[str]], *, why: str = "", dry_run: bool = False
    ) -> tuple[int, int]:
        """See `Upkeep.free`."""
        self._refuse("Freeing files")

    def stop(self, ids: Sequence[str], *, firmly: bool = False) -> int:
        """See `Upkeep.stop`; the programs run elsewhere, and hear of it from the process that pushes."""
        return 0

    def doctor(
        self, *, repair: bool = False, progress: Progress | None = None
    ) -> Sequence[Finding]:
        """See `Upkeep.doctor`."""
        self._refuse("Checking the files")

    def seal(self, ids: Sequence[str] | None = None) -> int:
        """See `Upkeep.seal`."""
        self._refuse("Converting points")

    def rebuild(self, progress: Progress | None = None) -> Refreshed:
        """See `Upkeep.rebuild`."""
        self._refuse("Rebuilding the index")

    def _refuse(self, what: str) -> NoReturn:
        raise InvalidSetting(
            f"{what} is done on the machine that has the store, not from here: the store is at {self._calls.where}. "
            "Run the command there, with the folder as --root.",
            setting="root",
        )
