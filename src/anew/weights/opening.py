"""Finding the place a path or URL means, and making or checking the repository that is there."""

from __future__ import annotations

import json
import os
import secrets
from typing import Any

from anew.address import parse_address
from anew.errors import CorruptData, InvalidSetting, NotFound, UnknownFormat, WeightsError
from anew.weights.place import LocalPlace, Place

__all__ = ["BLOCK_SIZE", "FORMAT", "open_place", "read_format", "write_format"]

FORMAT = "format.json"
_KIND = "anew-weights"
_VERSION = 1
# Tensors are stored in blocks of this many bytes: large enough that an object's own cost vanishes,
# small enough that a few of them per thread are little memory and a row range reads little else.
BLOCK_SIZE = 4 * 1024 * 1024


def open_place(
    where: str | os.PathLike[str], *, durable: bool, options: dict[str, Any] | None = None
) -> Place:
    """The place that an address names.

    Raises:
        InvalidSetting: It is the address of a server, or none at all.
    """
    address = parse_address(where)
    if address.kind == "folder":
        return LocalPlace(address.location, durable=durable)
    if address.kind == "server":
        raise InvalidSetting(
            f"The address {address.location!r} is a server, and this version of Anew keeps no weights on one. Give a "
            "folder, or a bucket such as s3://lab/weights."
        )
    from anew.weights.bucket import BucketPlace

    return BucketPlace(address.location, durable=durable, options=options)


def read_format(place: Place) -> int:
    """The block size of the repository at a place.

    Raises:
        NotFound: there is no repository.
        UnknownFormat: a newer version of Anew made it.
        CorruptData: the file that says what it is cannot be read.
    """
    try:
        data = place.read(FORMAT)
    except (FileNotFoundError, NotADirectoryError):
        raise NotFound(
            f"There is no repository of weights at {place.url}. Make one with "
            "Repository(path, init=True) or `anew weights init`.",
            name=place.url,
        ) from None
    try:
        body = json.loads(data)
        kind, version, block = body["format"], int(body["version"]), int(body.get("block_size", 0))
    except (ValueError, KeyError, TypeError) as error:
        raise CorruptData(
            f"{FORMAT} at {place.url} cannot be read: {error!r}.", path=FORMAT
        ) from error
    if kind != _KIND:
        raise WeightsError(f"{place.url} holds {kind!r}, not a repository of weights.")
    if version > _VERSION:
        raise UnknownFormat(
            f"The repository at {place.url} has format {version}; this version of Anew reads up to "
            f"{_VERSION}. Upgrade Anew."
        )
    if not 0 < block <= 1 << 30 or block % 64:
        raise CorruptData(f"{FORMAT} at {place.url} gives an impossible block size.", path=FORMAT)
    return block


def write_format(place: Place, block_size: int) -> None:
    """Make a repository at a place, unless there is one.

    Raises:
        WeightsError: something else is there.
    """
    body = {
        "format": _KIND,
        "version": _VERSION,
        "block_size": block_size,
        "id": secrets.token_hex(8),
    }
    foreign = place.exists() and not _is_ours(place)
    if foreign:
        raise WeightsError(
            f"{place.url} is not empty and is no repository of weights. Choose a new or empty folder."
        )
    place.create(FORMAT, json.dumps(body, indent=1).encode())


def _is_ours(place: Place) -> bool:
    """Whether what is there is a repository, or one that somebody is making at this moment."""
    return (
        bool(place.list("tmp"))
        or any(place.list(folder) for folder in ("packs", "refs"))
        or _has(place)
    )


def _has(place: Place) -> bool:
    try:
        place.read(FORMAT)
    except FileNotFoundError:
        return False
    return True
