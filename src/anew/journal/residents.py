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
_REMEMBERED = 10_000


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
        found = self._tenants(prefix)
        if len(found) == 1 or is_experiment(self._root.experiment(prefix).folder):
            return self._shown(prefix, found).get(prefix, Lies(prefix))
        numbered = _NUMBERED.fullmatch(prefix)
        return (self._shown(numbered[1]) if numbered else {}).get(prefix, Lies(prefix))

    def shown(self, prefix: str) -> list[str]:
        """The prefixes at which the experiments are shown that lie in the folder of the one at a prefix."""
        return [prefix, *(p for p in self._shown(self.lies(prefix).folder) if p != prefix)]

    def _shown(self, folder: str, tenants: list[Tenant] | None = None) -> dict[str, Lies]:
        """Where each of several experiments in a folder is shown; empty where there are no several."""
        found = self._tenants(folder) if tenants is None else tenants
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
        path = self._root.experiment(folder).folder
        try:
            status = os.stat(os.path.join(path, "journal"))
            changed, inode = status.st_mtime_ns, status.st_ino
            known = self._seen.get(folder)
            if known is not None and known[:2] == (changed, inode):
                return known[2]
            found = tenants(FolderStorage(path), folder)
        except Exception:  # noqa: BLE001  (whoever reads it meets the same, and is told)
            return []
        if abs(time.time() - changed / 1e9) > _SETTLED:
            if len(self._seen) >= _REMEMBERED:
                self._seen.clear()
            self._seen[folder] = (changed, inode, found)
        return found
