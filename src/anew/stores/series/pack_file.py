"""One pack: points of many experiments of a project, sorted by metric, experiment and as written."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from ...errors import UnknownFormat
from .columns import Columns, Ints, Points
from .layout import Laid, Layout, laid_out
from .sorted_file import Fill, SortedFile, corrupt, write_sorted

__all__ = [
    "Contents",
    "PackFile",
    "PackInfo",
    "Packed",
    "Piece",
    "Stamp",
    "pieces_of",
    "write_pack",
]

VERSION = 1


class Stamp(msgspec.Struct, frozen=True, array_like=True):
    """What an experiment's points looked like when they were copied: name, size and time of change of each file, and in
    a folder the time at which that was changed. Files are only appended to, replaced or removed."""

    changed: int
    files: list[tuple[str, int, int]]

    @property
    def newest(self) -> float:
        """When anything was changed last, in seconds since the epoch."""
        return max([self.changed, *(changed for _, _, changed in self.files)]) / 1e9


class Packed(msgspec.Struct, frozen=True, array_like=True):
    """An experiment whose points are in a pack, all of them, and what they were copied from."""

    experiment_id: str
    stamp: Stamp


class PackInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What a pack says of itself, as JSON under the key "anew" of its metadata.

    `series` has per series the number of its name and of its experiment, ascending.
    """

    version: int = VERSION
    experiments: list[Packed] = []
    names: list[str] = []
    series: list[tuple[int, int]] = []
    layout: Layout = Layout()


class Piece(NamedTuple):
    """One metric of one experiment, whole: every point has its step."""

    name: str
    experiment_id: str
    points: Points


def pieces_of(columns: Columns, experiment_id: str) -> list[Piece]:
    """The series of an experiment as pieces."""
    ends = columns.starts.tolist()
    return [
        Piece(
            name,
            experiment_id,
            Points(columns.step[a:b], None, columns.time[a:b], columns.value[a:b]),
        )
        for name, a, b in zip(columns.names, ends, ends[1:], strict=False)
    ]


def write_pack(path: str, experiments: Sequence[Packed], pieces: Sequence[Piece]) -> None:
    """Write a pack, whole or not at all.

    Args:
        experiments: Those whose points these are, also those without any.

    Raises:
        OSError: It cannot be written.
        CorruptData: It does not read back as what was written.
    """
    order = {one.experiment_id: number for number, one in enumerate(experiments)}
    pieces = sorted(pieces, key=lambda piece: (piece.name, order[piece.experiment_id]))
    names = list(dict.fromkeys(piece.name for piece in pieces))
    at = {name: number for number, name in enumerate(names)}
    info = PackInfo(
        experiments=list(experiments),
        names=names,
        series=[(at[piece.name], order[piece.experiment_id]) for piece in pieces],
    )

    def describe(layout: Layout) -> str:
        return msgspec.json.encode(msgspec.structs.replace(info, layout=layout)).decode()

    points = _joined([piece.points for piece in pieces])
    labels = {
        "name": [piece.name for piece in pieces],
        "experiment_id": [piece.experiment_id for piece in pieces],
    }
    counts = np.array([len(piece.points.value) for piece in pieces], np.int64)
    temporary = f"{path}.tmp"
    try:
        write_sorted(temporary, labels, counts, points, describe)
        with PackFile(temporary) as written:
            written.read(np.arange(len(pieces)))  # which is held against the checksums
        os.replace(temporary, path)
    finally:
        if os.path.exists(temporary):
            os.remove(temporary)


def _joined(pieces: Sequence[Points]) -> Points:
    """Points one after the other; every one has its step."""
    if not pieces:
        nothing = np.zeros(0)
        return Points(nothing.astype(np.int64), None, nothing, nothing)
    return Points(
        np.concatenate([piece.step for piece in pieces]),
        None,
        np.concatenate([piece.time for piece in pieces]),
        np.concatenate([piece.value for piece in pieces]),
    )


class Contents(NamedTuple):
    """The description of a pack; per series the numbers of its name and its experiment as arrays."""

    info: PackInfo
    name: npt.NDArray[np.int32]
    experiment: npt.NDArray[np.int32]
    laid: Laid


@lru_cache(maxsize=64)
def _contents(description: bytes) -> Contents:
    """What a description says; the same bytes are decoded once.

    Raises:
        ValueError: It contradicts itself.
    """
    info = msgspec.json.decode(description, type=PackInfo)
    numbers = np.array(info.series, np.int32).reshape(-1, 2)
    limits = (len(info.names), len(info.experiments))
    laid = laid_out(info.layout)
    if len(numbers) != len(laid.checks) or np.any((numbers < 0) | (numbers >= limits)):
        raise ValueError("it does not record where its points are")
    return Contents(info, numbers[:, 0], numbers[:, 1], laid)


class PackFile:
    """An open pack.

    Args:
        fill: See `SortedFile`.

    Raises:
        CorruptData: It is no pack, or damaged.
        UnknownFormat: It was written by a newer version.
        FileNotFoundError: It is gone.
    """

    def __init__(self, path: str, fill: Fill | None = None) -> None:
        self.path = path
        self._file = SortedFile(path, fill)
        try:
            if self._file.description is None:
                raise corrupt(path, "it does not record which points it contains")
            try:
                self.contents = _contents(self._file.description)
            except (msgspec.DecodeError, UnicodeDecodeError, ValueError) as error:
                raise corrupt(path, error) from error
            if self.contents.info.version > VERSION:
                raise UnknownFormat(
                    f"{path} has format version {self.contents.info.version}. Upgrade Anew."
                )
            self._file.laid = self.contents.laid
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> PackFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Release the connection to the engine."""
        self._file.close()

    @property
    def counts(self) -> Ints:
        """How many points each series has."""
        return self._file.counts

    def read(self, series: Ints, *, times: bool = True) -> Points:
        """The points of some series (numbers ascending), one after the other.

        Raises:
            CorruptData: The bytes are not what they should be.
            FileNotFoundError: It is gone.
        """
        return self._file.read(series.tolist(), times=times)
