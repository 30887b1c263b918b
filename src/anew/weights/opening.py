"""Opening the blobs that an address names, and making or checking the repository that is there."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from typing import Any

from anew.address import parse_address
from anew.blobs.opening import open_blobs
from anew.blobs.protocol import Blobs
from anew.errors import CorruptData, NotFound, UnknownFormat, WeightsError
from anew.record.plain import parse_json

__all__ = ["BLOCK_SIZE", "FORMAT", "KIND", "VERSION", "open_weights", "read_format", "write_format"]

FORMAT = "format.json"
KIND = "anew-weights"
VERSION = 1
# Tensors are stored in blocks of this many bytes: large enough that an object's own cost vanishes,
# small enough that a few of them per thread are little memory and a row range reads little else.
BLOCK_SIZE = 4 * 1024 * 1024


def open_weights(
    where: str | os.PathLike[str], *, durable: bool, options: Mapping[str, Any] | None = None
) -> Blobs:
    """The blobs that an address names.

    Raises:
        InvalidSetting: It is no address, or that of a server: `Store(address).weights` reads those of one.
    """
    # Packs are never changed, and what belongs together lies side by side in them.
    return open_blobs(parse_address(where), durable=durable, options=options, unchanging="packs")


def read_format(blobs: Blobs) -> int:
    """The block size of a repository.

    Raises:
        NotFound: there is no repository.
        UnknownFormat: a newer version of Anew made it.
        CorruptData: the file that says what it is cannot be read.
    """
    try:
        data = blobs.read(FORMAT)
    except (FileNotFoundError, NotADirectoryError):
        raise NotFound(
            f"There is no repository of weights at {blobs.url}. Create one with "
            "Repository(path, init=True) or `anew weights init`.",
            name=blobs.url,
        ) from None
    try:
        body = parse_json(data)
        kind, version, block = body["format"], int(body["version"]), int(body.get("block_size", 0))
    except (ValueError, KeyError, TypeError) as error:
        raise CorruptData(
            f"{FORMAT} at {blobs.url} cannot be read: {error!r}.", path=FORMAT
        ) from error
    if kind != KIND:
        raise WeightsError(f"{blobs.url} holds {kind!r}, not a repository of weights.")
    if version > VERSION:
        raise UnknownFormat(
            f"The repository at {blobs.url} has format {version}; this version of Anew reads up to "
            f"{VERSION}. Upgrade Anew."
        )
    if not 0 < block <= 1 << 30 or block % 64:
        raise CorruptData(f"{FORMAT} at {blobs.url} gives an impossible block size.", path=FORMAT)
    return block


def write_format(blobs: Blobs, block_size: int) -> None:
    """Make a repository, unless there is one.

    Raises:
        WeightsError: something else is there.
    """
    body = {
        "format": KIND,
        "version": VERSION,
        "block_size": block_size,
        "id": secrets.token_hex(8),
    }
    foreign = not blobs.is_empty() and not _is_ours(blobs)
    if foreign:
        raise WeightsError(
            f"{blobs.url} is not empty and is not a repository of weights. Choose a new or empty folder."
        )
    blobs.create(FORMAT, json.dumps(body, indent=1).encode())


def _is_ours(blobs: Blobs) -> bool:
    """Whether what is there is a repository, or one that somebody is making at this moment."""
    return any(blobs.keys(folder) for folder in ("packs", "refs")) or _has(blobs)


def _has(blobs: Blobs) -> bool:
    try:
        blobs.read(FORMAT)
    except FileNotFoundError:
        return False
    return True
