"""The experiments of a root that can be sent."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import NamedTuple

from ..journal.identify import identify
from ..journal.layout import RootLayout
from ..journal.residents import FolderJournals
from ..journal.storage import Share, Storage

__all__ = ["Local", "find"]


class Local(NamedTuple):
    """An experiment here: where it is shown, the folder that it lies in (a path), and what it has of that folder."""

    id: str
    prefix: str
    folder: str
    storage: Storage
    share: Share | None


def find(
    root: RootLayout,
    journals: FolderJournals,
    *,
    prefixes: Iterable[str] | None = None,
    ids: Collection[str] | None = None,
    failed: Callable[[str, OSError], object] = lambda prefix, error: None,
) -> Iterator[Local]:
    """The experiments of a root, or some of them; one that cannot be read is told to `failed`.

    Args:
        prefixes: Where to look; everywhere if not given.
    """
    if not os.path.isdir(root.root):
        return
    seen = set()
    for place in root.walk() if prefixes is None else prefixes:
        for prefix in journals.shown(place):
            try:
                folder, share = journals.lies(prefix)
                storage = journals.of(prefix)
                experiment_id = identify(storage)
            except OSError as error:
                failed(prefix, error)
                continue
            if experiment_id is None or (ids is not None and experiment_id not in ids):
                continue
            if experiment_id not in seen:
                seen.add(experiment_id)
                path = root.experiment(folder).folder
                yield Local(experiment_id, prefix, path, storage, share)
