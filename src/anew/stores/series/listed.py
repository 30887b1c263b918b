"""The parts of an experiment's points, as the files that a storage lists, and their lines."""

from __future__ import annotations

import contextvars
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, TypeVar

from ...errors import CorruptData
from ...journal.layout import split_part
from ...journal.storage import Blob, Storage
from .columns import PartName
from .protocol import ExperimentFolder

__all__ = [
    "Files",
    "Part",
    "goes_on",
    "listed_parts",
    "side_by_side",
    "unread",
    "whole_lines",
]

DECODED_BYTES = 16 << 20
"""Of lines, as many as are decoded at once."""
NEWS_BYTES = 8 << 20
"""Of lines that a follower has not seen, as many as are decoded."""
_AT_ONCE = 8
"""Experiments that are read side by side: most of the time is spent waiting for the bucket."""
_LONGEST_LINE = 256 << 20

T = TypeVar("T")
R = TypeVar("R")
Files = Callable[[Sequence[ExperimentFolder]], Sequence[Storage]]
"""Gives the files of experiments as they are now."""


class Part(NamedTuple):
    """A part of an experiment: the path of its file among the experiment's, and what is known of that."""

    path: str
    blob: Blob

    @property
    def is_sealed(self) -> bool:
        return self.path.endswith(".parquet")


def listed_parts(
    place: ExperimentFolder, storage: Storage, problems: list[CorruptData]
) -> dict[PartName, Part]:
    """The parts of an experiment in as-written order, each with its file (the sealed one if there is)."""
    try:
        blobs = storage.list("metrics")
    except OSError as error:
        problems.append(unread(place, "metrics", error))
        return {}
    found: dict[PartName, Part] = {}
    for blob in blobs:  # .jsonl before .parquet
        stem, _, suffix = blob.name.rpartition(".")
        if suffix in ("jsonl", "parquet"):
            found[split_part(stem)] = Part(f"metrics/{blob.name}", blob)
    return dict(sorted(found.items()))


def unread(place: ExperimentFolder, path: str, error: OSError) -> CorruptData:
    full = f"{place.folder}/{path}"
    return CorruptData(
        f"{full} cannot be read and was skipped: {error.strerror or error}.", path=full
    )


def whole_lines(
    storage: Storage, path: str, start: int, size: int, at_once: int = DECODED_BYTES
) -> Iterator[bytes]:
    """The whole lines of a file from a byte on, some megabytes at a time."""
    want = at_once
    while start < size:
        data = storage.read(path, start, min(want, size - start))
        end = data.rfind(b"\n") + 1
        if end:
            yield data[:end]
            start, want = start + end, at_once
        elif len(data) < want or want >= _LONGEST_LINE:
            return
        else:
            want *= 4


def goes_on(storage: Storage, one: Part, end: int) -> bool:
    """Whether the lines of a file can be read on from where they were read to, and that is the quickest."""
    return (
        0 < end <= one.blob.size <= end + NEWS_BYTES and storage.read(one.path, end - 1, 1) == b"\n"
    )


def side_by_side(work: Callable[[T], R], items: Sequence[T]) -> list[R]:
    """Do something for each, several at once where it is worth a thread."""
    if len(items) < 2:
        return [work(item) for item in items]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        contexts = [contextvars.copy_context() for _ in items]
        return list(
            pool.map(lambda both: both[0].run(work, both[1]), zip(contexts, items, strict=True))
        )
