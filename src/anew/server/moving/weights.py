"""A repository of weights on its way from one place to another, object by object."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable

from ...blobs.linked import hash_file
from ...blobs.protocol import Blobs
from .sums import Sums

__all__ = ["move_weights"]

_PASSING = ("index", "leases", "condemned")
"""What is derived, and what is there while somebody works."""
_MOVABLE = ("HEAD",)


def move_weights(
    there: Blobs,
    here: Blobs,
    sums: tuple[Sums, Sums],
    differs: Callable[[str, str], object],
    told: Callable[[int], object],
) -> None:
    """Copy what is there and not here, references last, and add both up.

    Args:
        sums: Of there and here.
        differs: Called with the key of an object that is another one here, or cannot be read, and why.
        told: Called with the bytes that were copied.

    Raises:
        OSError: The objects cannot be listed.
    """
    known = {key: blob.size for blob in here.list() if _travels(key := blob.key)}
    wanted = sorted(
        (blob.key for blob in there.list() if _travels(blob.key)),
        key=lambda key: (key.startswith("refs/") or key in _MOVABLE, key),
    )
    for key in wanted:
        try:
            with there.local(key) as path:
                size, digest = os.stat(path).st_size, hash_file(path)
                sums[0].add("weights", key, size, digest)
                if key not in known or (key in _MOVABLE and here.read(key) != there.read(key)):
                    _copy(key, path, here)
                    told(size)
            with here.local(key) as copy:
                found = os.stat(copy).st_size, hash_file(copy)
        except OSError as error:
            differs(key, str(error))
            continue
        sums[1].add("weights", key, *found)
        if found != (size, digest):
            differs(key, "it has other bytes")
    for key in known.keys() - set(wanted):
        differs(key, "it is only here")


def _copy(key: str, path: str, here: Blobs) -> None:
    if key in _MOVABLE:
        with open(path, "rb") as file:
            here.replace(key, file.read())
        return
    draft = os.path.join(here.scratch(), f"{os.urandom(8).hex()}.move")
    try:
        shutil.copyfile(path, draft)
        with contextlib.suppress(FileExistsError):  # it is compared next
            here.upload(key, draft)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(draft)


def _travels(key: str) -> bool:
    return key.partition("/")[0] not in _PASSING
