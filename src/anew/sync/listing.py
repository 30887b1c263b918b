"""The segments of an experiment, as both sides of an upload list them, and the digest by which they compare."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from blake3 import blake3

from ..journal.storage import Storage

__all__ = ["Listed", "digest_of", "is_edit", "list_segments"]

_FOLDERS = (
    ("journal", ("",), (".jsonl",)),
    ("metrics", ("",), (".jsonl", ".parquet")),
    ("logs", ("logs-", "train-"), (".jsonl", ".log")),
)


class Listed(NamedTuple):
    """A segment: its path in the experiment's folder (of a sealed part that of the Parquet file), bytes and time of change."""

    path: str
    size: int
    changed_at: float

    @property
    def sealed(self) -> bool:
        """Whether it was turned into columns."""
        return self.path.endswith(".parquet")

    @property
    def name(self) -> str:
        """The path of its text."""
        return f"{self.path[:-8]}.jsonl" if self.sealed else self.path


def list_segments(storage: Storage) -> list[Listed]:
    """All segments, by name: events, points, messages and console.

    Raises:
        OSError: The folder cannot be read.
    """
    found: dict[str, Listed] = {}
    for folder, stems, suffixes in _FOLDERS:
        for blob in storage.list(folder):  # ".jsonl" before ".parquet", which counts where both are
            if blob.name.endswith(suffixes) and blob.name.startswith(stems):
                one = Listed(f"{folder}/{blob.name}", blob.size, blob.changed_at)
                found[one.name] = one
    return list(found.values())


def digest_of(segments: Iterable[Listed]) -> str:
    """What stands for the names and sizes of segments."""
    text = "\n".join(sorted(f"{one.path}\0{one.size}" for one in segments))
    return blake3(text.encode(errors="surrogateescape")).hexdigest()[:32]


def is_edit(name: str) -> bool:
    """Whether a segment holds changes that were made from outside of the program."""
    return name.startswith("journal/edit-")
