"""The seam between what Anew keeps and where the bytes are.

`Blobs` is what everything above relies on, and all that it may rely on: `FolderBlobs` and `BucketBlobs` keep these
promises, and `anew.testing.blobs` holds any other implementation to them.
"""

from __future__ import annotations

import builtins
import os
from contextlib import AbstractContextManager
from typing import Protocol

from .blob import Blob, Data

__all__ = ["Blobs"]


class Blobs(Protocol):
    """A flat set of byte strings under keys such as `packs/0001.pack`.

    *Keys* follow the rules of `anew.blobs.keys`; one that breaks a rule is refused with InvalidName, which gives the
    reason. A key is never a folder of other keys at the same time: do not use both `a` and `a/b`.

    *All or nothing.* A blob becomes visible whole. A reader sees the old bytes or the new ones, never a part of either.

    *Put if absent.* `create` is decided once: of any number of writers, in any number of processes and machines, one
    gets True. Every compare-and-swap is built from it. Writers that compete must write different bytes (a random
    token does), because a bucket that lost the answer to a put recognises its own bytes: two equal puts may both be
    told True.

    *Durability.* What `create`, `replace` or `upload` has returned for survives a crash of the machine, unless
    `durable` is False or the call said that it need not last. Every `read` and `list` that starts later sees it.

    *Absence.* A key that has no blob raises FileNotFoundError, also where a folder, a link or a device has that name:
    links are not followed, neither to read nor to write.

    *Errors.* Whatever else goes wrong is an OSError; a call that raised may be repeated. PermissionError says that
    access was refused, or that a folder on the way is a link that leads outside.

    *Threads.* Any number may use one object, and each process has its own.

    Attributes:
        url: Where the blobs are, as an address that can be shown.
        durable: Whether writing waits until the disk has the bytes.
    """

    url: str
    durable: bool

    def read(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        """`length` bytes from `start`, or all that follow; fewer, or none, where the blob ends before.

        Raises:
            InvalidValue: `start` or `length` is negative.
        """
        ...

    def tail(self, key: str, length: int) -> tuple[bytes, int]:
        """The last `length` bytes (all of them if there are fewer), and the size of the blob."""
        ...

    def size(self, key: str) -> int:
        """How many bytes a blob has."""
        ...

    def local(self, key: str) -> AbstractContextManager[str]:
        """A path on this machine under which a blob's bytes can be read while the `with` block runs.

        For libraries that open files themselves, such as DuckDB. A folder gives the file that is there, and does not copy
        it; a bucket gives a copy, which is removed afterwards. The path must not be written to, and a blob that is
        replaced meanwhile may be seen with its old bytes or its new ones.
        """
        ...

    def list(self, folder: str = "") -> builtins.list[Blob]:
        """Every blob below a folder, at any depth, in no order; without one, every blob there is."""
        ...

    def keys(self, folder: str = "") -> builtins.list[str]:
        """The keys that `list` gives; cheaper where sizes and times are not needed."""
        ...

    def create(self, key: str, data: Data) -> bool:
        """Put bytes under a key that is not taken; False, and no change, when it is."""
        ...

    def replace(self, key: str, data: Data, *, lasting: bool = True) -> None:
        """Put bytes under a key, whatever was there. A crash may undo what need not be `lasting`."""
        ...

    def upload(self, key: str, source: str | os.PathLike[str]) -> None:
        """Move a finished file from `scratch()` under a key that is not taken; `source` is gone afterwards.

        Raises:
            FileExistsError: The key is taken by other bytes. Nothing was changed, and `source` is still there.
        """
        ...

    def delete(self, key: str) -> None:
        """Remove a blob; nothing happens when there is none."""
        ...

    def scratch(self) -> str:
        """A folder of this machine for files that are to be uploaded; it is made if need be."""
        ...

    def is_empty(self) -> bool:
        """Whether nothing at all is there, of ours or of anybody, apart from scratch files."""
        ...
