"""The experiments of a root that can be sent."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import NamedTuple

from ..journal.identify import identify
from ..journal.layout import RootLayout
from ..journal.residents import FolderJournals
from ..journal.storage import FolderStorage, Share, Storage
from .memory import Place

__all__ = ["Local", "find"]

_SETTLED = 2.0


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
    places: dict[str, Place],
    *,
    prefixes: Iterable[str] | None = None,
    ids: Collection[str] | None = None,
    failed: Callable[[str, OSError], object] = lambda prefix, error: None,
) -> Iterator[Local]:
    """The experiments of a root, or some of them; one that cannot be read is told to `failed`.

    Args:
        places: Which experiment lies where, as far as is known; brought up to date.
        prefixes: Where to look; everywhere if not given.
    """
    if not os.path.isdir(root.root):
        return
    seen = set()
    for place in root.walk() if prefixes is None else prefixes:
        for local in _at(root, journals, places, place, failed):
            if (ids is None or local.id in ids) and local.id not in seen:
                seen.add(local.id)
                yield local


def _at(
    root: RootLayout,
    journals: FolderJournals,
    places: dict[str, Place],
    place: str,
    failed: Callable[[str, OSError], object],
) -> Iterator[Local]:
    """The experiments in one folder."""
    path = root.experiment(place).folder
    try:
        about = os.stat(os.path.join(path, "journal"))
    except OSError:
        about = None
    known = places.get(place)
    if (
        about is not None
        and known is not None
        and (about.st_mtime_ns, about.st_ino) == (known.changed_ns, known.inode)
    ):
        yield Local(known.id, place, path, FolderStorage(path), None)
        return
    places.pop(place, None)
    found = []
    for prefix in journals.shown(place):
        try:
            folder, share = journals.lies(prefix)
            storage = journals.of(prefix)
            experiment_id = identify(storage)
        except OSError as error:
            failed(prefix, error)
            continue
        if experiment_id is not None:
            at = root.experiment(folder).folder
            found.append(Local(experiment_id, prefix, at, storage, share))
    alone = len(found) == 1 and found[0].share is None and found[0].folder == path
    # A change within the grain of the file system's clock would not show.
    if alone and about is not None and abs(time.time() - about.st_mtime) > _SETTLED:
        places[place] = Place(about.st_mtime_ns, about.st_ino, found[0].id)
    yield from found
