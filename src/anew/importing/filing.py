"""Keeping the files of a run: each content once, each file whole or not at all."""

from __future__ import annotations

import os
from typing import Any, BinaryIO

from blake3 import blake3

from ..blobs.linked import LinkedFiles
from ..errors import InvalidName
from ..journal.layout import RootLayout
from ..journal.root import make_private
from ..record.ids import new_id
from ..record.names import check_file_name, stored_path
from ..record.plain import to_plain
from ..trackers.places import safe_path
from .arriving import Arriving
from .folders import plain_file
from .reading_back import hashed
from .source import SourceFile

__all__ = ["FilesOfRuns"]

_BLOCK = 1 << 20
_MODE = 0o444


class FilesOfRuns:
    """Keeps files of runs in a root.

    Args:
        root: The root.
    """

    def __init__(self, root: RootLayout) -> None:
        self._contents = LinkedFiles(root.contents, lambda folder: make_private(root, folder))

    def keep(
        self, arriving: Arriving, file: SourceFile, at: float
    ) -> tuple[tuple[str, str, int | None], int, str]:
        """Keep a file, unless it is here as it is; the prefix, name and step it has here, its bytes and its hash.

        A name that no file may have, such as one that leads elsewhere, becomes one that it may.

        Args:
            at: The time of it where the source has none.

        Raises:
            OSError: The source's bytes cannot be read, or the disk is full.
        """
        prefix = safe_path(file.prefix) if file.prefix else ""
        try:
            name = check_file_name(file.name)
        except InvalidName:
            name = safe_path(file.name)
        key = (prefix, name, file.step)
        known = arriving.known_file(*key)
        if known is not None:
            path = file.is_same and plain_file(arriving.layout.folder, known.path)
            if path and file.is_same is not None and file.is_same(path):
                return key, known.size, known.hash
            with file.open() as reading:
                size, digest = hashed(reading)
            if (size, digest) == (known.size, known.hash):
                return key, size, digest
        file_id = new_id()
        folder = prefix and stored_path(prefix)
        relative = "/".join(part for part in ("files", folder, file_id, stored_path(name)) if part)
        target = arriving.layout.path(*relative.split("/"))
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with file.open() as reading, self._contents.draft(target) as (writing, draft):
            size, digest = _copied(reading, writing)
            os.chmod(draft, _MODE)
            self._contents.put(draft, target, digest)
        event: dict[str, Any] = {
            "file_id": file_id, "prefix": prefix, "name": name, "path": relative, "size": size, "hash": digest, "step": file.step,
            "metadata": to_plain(file.metadata) or None,
        }  # fmt: skip
        arriving.keep_file(event, at if file.time is None else file.time)
        return key, size, digest


def _copied(reading: BinaryIO, writing: Any) -> tuple[int, str]:
    digest, size = blake3(), 0
    while data := reading.read(_BLOCK):
        digest.update(data)
        size += len(data)
        left = memoryview(data)
        while left:
            left = left[writing.write(left) :]
    return size, digest.hexdigest()
