"""Packs of weights that have arrived at a group's servers, as files of this machine."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator

from .truth import Truth

__all__ = ["GroupSent"]


class GroupSent:
    """The `server.intake.weights.Sent` of a group. Any thread may use it.

    Args:
        truth: Where contents arrive.
    """

    def __init__(self, truth: Truth) -> None:
        self._truth = truth

    @contextlib.contextmanager
    def taken(
        self, sender: str, content: str, size: int, data: bytes | None
    ) -> Iterator[str | None]:
        """See `Sent.taken`. It is a copy: the content stays until what nothing refers to is given back."""
        contents = self._truth.contents
        with self._truth.database.transaction() as connection:
            there = contents.has(connection, content, size, sender)
        if not there:
            yield None
            return
        path = os.path.join(self._truth.blobs.scratch(), f"{os.urandom(8).hex()}.pack")
        try:
            with contents.local(content, size) as source:
                shutil.copyfile(source, path)
            yield path
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
