"""From an address to blobs: the only place that chooses the implementation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..address import Address
from ..errors import InvalidSetting
from .protocol import Blobs

__all__ = ["open_blobs"]


def open_blobs(
    address: Address,
    *,
    durable: bool = True,
    options: Mapping[str, Any] | None = None,
    unchanging: str = "",
) -> Blobs:
    """The blobs of a folder, a bucket, or memory of this object's own.

    Args:
        address: Where they are.
        durable: Whether writing waits for the disk.
        options: What a bucket's service needs besides the address; see `BucketBlobs`.
        unchanging: A folder whose blobs are never replaced; see `BucketBlobs`.

    Raises:
        InvalidSetting: It is the address of a server.
        MissingDependency: It is a bucket, and obstore is not installed.
    """
    if address.kind == "folder":
        from .folder import FolderBlobs

        return FolderBlobs(address.location, durable=durable)
    if address.kind == "server":
        raise InvalidSetting(
            f"The address {address.location!r} is a server, which this version of Anew cannot keep files on. "
            "Give a folder, or a bucket such as s3://lab/weights."
        )
    from .bucket import BucketBlobs

    return BucketBlobs(address.location, durable=durable, options=options, unchanging=unchanging)
