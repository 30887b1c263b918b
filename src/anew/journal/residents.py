"""The journals of a root folder: which experiment is shown at which prefix, and where its files lie.

Usually an experiment has a folder to itself, and its prefix is the path of the folder. Where folders were copied or synced
onto each other, the records of several experiments lie in one: they are told apart by what their writers said when they
began, and the later ones are shown at the folder's prefix with `~2`, `~3` … behind it.
"""

from __future__ import annotations

import os
import re
import time

from .identify import Tenant, tenants
from .layout import RootLayout, is_experiment
from .storage import FolderStorage, Lies, Share, SharedStorage, Storage

__all__ = ["FolderJournals"]

_NUMBERED = re.compile(r"(.*[^/])~[1-9][0-9]{0,5}")
_SETTLED = 2.0  # seconds after which the time of a folder tells the next change to it
_REMEMBERED = 200_000


class FolderJournals:
    """The `Journals` of a root folder. Any number of threads may use them."""

    def __init__(self, root: RootLayout) -> None:
        self._root = root
        self._seen: dict[str, tuple[int, int, list[Tenant]]] = {}

    def of(self, prefix: str) -> Storage:
        """See `Journals.of`."""
        folder, share = self.lies(prefix)
        whole = FolderStorage(self._root.experiment(folder).folder)
        return whole if share is None else SharedStorage(whole, share)

    def lies(self, prefix: str) -> Lies:
        """See `Journals.lies`."""
        return self._resident(prefix)[0]

    def shown(self, prefix: str) -> list[str]:
        """The prefixes at which the experiments are shown that lie in the folder of the one at a prefix."""
        return [prefix, *(p for p in self._resident(prefix)[1] if p != prefix)]

    def _resident(self, prefix: str) -> tuple[Lies, dict[str, Lies]]:
        """Where the experiment that is shown at a prefix lies, and where all are shown that lie there, if they are several."""
        shown = self._shown(prefix)
        numbered = None if shown else _NUMBERED.fullmatch(prefix)
        if numbered and not is_experiment(self._root.experiment(prefix).folder):
            others = self._shown(numbered[1])
            shown = others if prefix in others else {}
        return shown.get(prefix, Lies(prefix)), shown

    def _shown(self, folder: str) -> dict[str, Lies]:
        """Where each of several experiments in a folder is shown; empty where there are no several."""
        found = self._tenants(folder)
        if len(found) < 2:
            return {}
        others = frozenset().union(*(tenant.writers for tenant in found[1:]))
        shown = {folder: Lies(folder, Share(others, all_but=True))}
        number = 2
        for tenant in found[1:]:
            while is_experiment(self._root.experiment(f"{folder}~{number}").folder):
                number += 1
            shown[f"{folder}~{number}"] = Lies(folder, Share(tenant.writers))
            number += 1
        return shown

    def _tenants(self, folder: str) -> list[Tenant]:
        """The experiments in a folder; not told where there cannot be several."""
        path = self._root.experiment(folder).folder
        journal = os.path.join(path, "journal")
        try:
            status = os.stat(journal)
            changed, inode = status.st_mtime_ns, status.st_ino
            known = self._seen.get(folder)
            if known is not None and known[:2] == (changed, inode):
                return known[2]
            one = _has_one_writer(journal)
            found = [] if one else tenants(FolderStorage(path), folder)
        except Exception:  # noqa: BLE001  (whoever reads it meets the same, and is told)
            return []
        if abs(time.time() - changed / 1e9) > _SETTLED:
            if len(self._seen) >= _REMEMBERED:
                self._seen.clear()
            self._seen[folder] = (changed, inode, found)
        return found


def _has_one_writer(journal: str) -> bool:
    """Whether one file at most has events: most folders are like that, and none of them needs to be opened."""
    with os.scandir(journal) as entries:
        return sum(entry.name.endswith(".jsonl") for entry in entries) < 2
