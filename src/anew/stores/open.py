"""From an address to stores: the only place that names backends."""

from __future__ import annotations

import errno
import hashlib
import os
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..address import Address, local_folder
from ..errors import CorruptData
from ..journal.layout import RootLayout
from ..journal.reserve import NO_ROOM, has_room, keep_reserve
from .catalog.protocol import Catalog
from .catalog.sqlite import SqliteCatalog
from .series.protocol import SeriesStore

if TYPE_CHECKING:
    from .series.listed import Files

__all__ = [
    "CACHE_BYTES",
    "DEFAULT_CACHE",
    "Stores",
    "open_object_series",
    "open_stores",
    "stores_in_memory",
]

DEFAULT_CACHE = "~/.cache/anew"
CACHE_BYTES = 4 << 30
"""Bytes that a copy of what is read of a group's series may take on this machine."""
_NOT_WRITABLE = frozenset({errno.EROFS, errno.EACCES, errno.EPERM}) | NO_ROOM


class Stores:
    """The stores of one root.

    Args:
        derived: The folder for what is worked out from the points; the root's own if not given.

    Attributes:
        writable: False for a root that only others may change; its catalog is then kept elsewhere.
        lock: The file that those who fill the stores lock, "" when nobody else can reach them.
    """

    def __init__(
        self,
        root: RootLayout,
        catalog: Catalog,
        *,
        derived: str | None = None,
        writable: bool = False,
        lock: str = "",
    ) -> None:
        self.root = root
        self.catalog = catalog
        self.writable = writable
        self.lock = lock
        self._derived = derived
        self._series: SeriesStore | None = None
        self._guard = threading.Lock()

    @property
    def series(self) -> SeriesStore:
        """Where the points are; opened when first asked for, since a list of experiments needs none."""
        with self._guard:  # it holds back what it took, so there must not be two
            if self._series is None:
                from .series.folder import FolderSeries

                self._series = FolderSeries(self.root, self._derived)
            return self._series

    def close(self) -> None:
        """Release what the stores hold."""
        self.catalog.close()


def open_stores(
    url: str | os.PathLike[str], *, cache: str | None = DEFAULT_CACHE, elsewhere: bool = False
) -> Stores:
    """Open the stores of a root folder. One that is not there is empty, and looking does not make it.

    Args:
        cache: Where to keep the catalog of a root that cannot be written, or has no room; None keeps it in memory.
        elsewhere: Keep it there even if the root seems to have room.

    Raises:
        CorruptData: One of the store's own folders is a symbolic link.
    """
    root = RootLayout(local_folder(url))
    if not os.path.isdir(root.root):
        return Stores(root, SqliteCatalog(None))
    for path in root.links():
        raise CorruptData(
            f"{path} is a symbolic link to {os.readlink(path)}. The store's own folders must not be links, because "
            "files would be written and removed outside of it. Remove the link; what belongs in its place is made "
            "again.",
            path=path,
        )
    if not elsewhere and _is_writable(root):
        keep_reserve(root)
        return Stores(root, SqliteCatalog(root.catalog), writable=True, lock=root.lock)
    if cache is not None:
        key = hashlib.blake2b(os.fsencode(root.root), digest_size=8).hexdigest()
        mine = os.path.join(
            local_folder(cache, what="cache", setting=None), f"{os.path.basename(root.root)}-{key}"
        )
        try:
            os.makedirs(mine, exist_ok=True)
            if os.access(mine, os.W_OK) and has_room(RootLayout(mine)):
                # Who deletes on a full disk must not meet who still works in the root.
                own = os.access(root.lock, os.W_OK)
                return Stores(
                    root,
                    SqliteCatalog(os.path.join(mine, "experiments.db")),
                    derived=os.path.join(mine, "series"),
                    lock=root.lock if own else os.path.join(mine, "index.lock"),
                )
        except OSError:
            pass  # no cache to be had either: memory will do
    return Stores(root, SqliteCatalog(None))


def open_object_series(
    address: Address,
    files: Files,
    *,
    cache: str,
    most: int = CACHE_BYTES,
    options: Mapping[str, Any] | None = None,
) -> SeriesStore:
    """Open the series of a group, below `series/` of a bucket or a folder.

    Args:
        files: Gives the files of experiments as they are now.
        cache: A folder of this machine for what is read; several processes may name the same.
        most: The bytes that the cache may take.
        options: What a bucket's service needs besides the address, and how long it is waited for; `PATIENCE` if not given.

    Raises:
        InvalidSetting: It is the address of a server.
        MissingDependency: It is a bucket, and obstore is not installed.
    """
    from ..blobs.bucket import PATIENCE
    from ..blobs.cached import CachedBlobs
    from ..blobs.opening import open_blobs
    from .series.objects import ObjectSeries

    folder = local_folder(cache, what="cache", setting=None)
    os.makedirs(folder, mode=0o700, exist_ok=True)

    def cached(name: str) -> CachedBlobs:
        place = Address(address.kind, f"{address.location.rstrip('/')}/series/{name}")
        blobs = open_blobs(place, durable=False, options=PATIENCE if options is None else options)
        return CachedBlobs(blobs, folder, most // 2)

    return ObjectSeries(
        cached("parts"), cached("packs"), files, lock=os.path.join(folder, "packs.lock")
    )


def stores_in_memory(url: str | os.PathLike[str]) -> Stores:
    """Stores that leave no trace on disk: for a root that is not there yet, and must not be made by looking."""
    root = RootLayout(local_folder(url))
    return Stores(root, SqliteCatalog(None))


def _is_writable(root: RootLayout) -> bool:
    """Whether the catalog can be kept in the root."""
    if not has_room(root):
        return False
    try:
        os.makedirs(root.private, exist_ok=True)
        fd = os.open(root.lock, os.O_RDWR | os.O_CREAT, 0o666)
        os.close(fd)
    except OSError as error:
        if error.errno in _NOT_WRITABLE:
            return False
        raise
    return os.access(root.root, os.W_OK) and (
        not os.path.exists(root.catalog) or os.access(root.catalog, os.W_OK)
    )
