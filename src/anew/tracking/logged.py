"""The result of `exp.files(prefix).save`."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["LoggedFile"]


class LoggedFile:
    """One file of an experiment: its id, prefix, name, path on disk, size in bytes and BLAKE3 hash.

    Attributes:
        folder: The name of the folder that it was saved with, if a whole folder was.
        checkpoint: Of a checkpoint (a file saved with `keep_last` or `keep_best`) the values that metrics had.
    """

    __slots__ = (
        "checkpoint",
        "file_id",
        "folder",
        "hash",
        "metadata",
        "name",
        "path",
        "prefix",
        "size",
        "step",
    )

    def __init__(
        self,
        file_id: str,
        prefix: str,
        name: str,
        path: str,
        size: int,
        hash: str,
        step: int | None,
        metadata: dict[str, Any],
        folder: str | None = None,
        checkpoint: dict[str, float] | None = None,
    ) -> None:
        self.file_id = file_id
        self.prefix = prefix
        self.name = name
        self.path = path
        self.size = size
        self.hash = hash
        self.step = step
        self.metadata = metadata
        self.folder = folder
        self.checkpoint = checkpoint

    def __bool__(self) -> bool:
        """False when the file was not kept: the disk failed (it is counted as lost), or nothing is recorded."""
        return bool(self.file_id)

    def __fspath__(self) -> str:
        return self.path

    def __repr__(self) -> str:
        return f"LoggedFile({self.prefix + '/' if self.prefix else ''}{self.name}, {self.size} bytes, {self.hash[:12]})"
