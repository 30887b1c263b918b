"""What an experiment has there and here: counted, and compared byte by byte, or point by point where one side is sealed."""

from __future__ import annotations

import os
from collections import Counter
from typing import NamedTuple

import numpy as np
from blake3 import blake3

from ..blobs.linked import hash_file
from ..errors import AnewError
from ..importing.account import Account, Kind, Sum
from ..journal.follow import Chunk, Stream, follow_pieces
from ..record.decode import Broken, decode_events, decode_logs, decode_points
from ..record.events import FileLogged, ValueLogged
from ..record.fold import ExperimentState
from ..record.plain import flatten
from ..stores.series.parquet import PartFile
from ..stores.series.points import decode_block
from ..sync.files import Found
from ..sync.listing import Listed
from ..sync.local import Local

__all__ = ["Counted", "counts_of", "differing_file", "differing_segment"]

_ALL = frozenset({Stream.EVENTS, Stream.POINTS, Stream.LOGS, Stream.CONSOLE})
_BLOCK = 1 << 20
_KINDS = {"journal": "events", "metrics": "points", "logs": "messages"}


class Counted(NamedTuple):
    """How much there is of each kind of thing, whether weights were saved, and what is wrong with files that are damaged, by their paths."""

    things: dict[str, int]
    has_weights: bool
    damaged: dict[str, str]


def counts_of(local: Local) -> Counted:
    """How much there is of an experiment; what is damaged is not counted.

    Raises:
        OSError: It cannot be read.
    """
    counts: Counter[str] = Counter()
    state = ExperimentState()
    files: set[tuple[str, str, int | None]] = set()
    damaged: dict[str, str] = {}
    unread: Counter[str] = Counter()
    for piece in follow_pieces(local.storage, {}, _ALL):
        broken: list[Broken] = []
        if not isinstance(piece, Chunk):
            with local.storage.local(piece.path) as path:
                try:
                    counts["points"] += _rows_of(path)
                except AnewError as error:
                    damaged[piece.path] = (
                        f"It is damaged, and none of its points can be read: {error}"
                    )
        elif piece.stream is Stream.POINTS:
            points, broken = decode_points(piece.data, piece.lines + 1)
            counts["points"] += sum(len(line.m) for _, line in points)
        elif piece.stream is Stream.LOGS:
            messages, broken = decode_logs(piece.data, piece.lines + 1)
            counts["messages"] += len(messages)
        elif piece.stream is Stream.CONSOLE:
            counts["lines"] += piece.data.count(b"\n")
        else:
            events, broken = decode_events(piece.data, piece.lines + 1)
            for _, event in events:
                state.apply(piece.writer, event)
                if isinstance(event, FileLogged):
                    files.add((event.prefix, event.name, event.step))
                elif isinstance(event, ValueLogged):
                    counts["values"] += 1
        if broken and isinstance(piece, Chunk):
            unread[piece.path] += len(broken)
            first = f"Line {broken[0].line:,} is damaged: {broken[0].reason}"
            damaged.setdefault(piece.path, first)
    for path, count in unread.items():
        damaged[path] += f". {count:,} of its lines cannot be read; they come as they are."
    counts["files"], counts["tags"] = len(files), len(state.tags)
    counts["params"] = len(flatten(state.params))
    found = {kind: count for kind, count in counts.items() if count}
    return Counted(found, "weights" in state.captured, damaged)


def _rows_of(path: str) -> int:
    with PartFile(path) as part:
        return sum(len(part.read([number])) for number in range(len(part.info.names)))


def differing_segment(local: Local, one: Listed, folder: str) -> Kind | None:
    """What of a segment is not in the folder here; None if all of it is. More may be here than there."""
    there = os.path.join(local.folder, *one.path.split("/"))
    here = os.path.join(folder, *one.name.split("/"))
    if not one.size:
        return None  # nothing was written to it yet
    kind = _KINDS[one.path.partition("/")[0]]
    name = one.name.rpartition("/")[2]
    if not one.sealed and os.path.isfile(here):
        first, second = _beginning(there, one.size), _beginning(here, one.size)
        return None if first == second else Kind(kind, name, first, second)
    sealed = f"{here[:-6]}.parquet"
    place = sealed if one.path.startswith("metrics/") and os.path.exists(sealed) else here
    lines = _lines_of(there)
    points, others = _points(there, lines), _points(place, lines)
    return None if points == others else Kind(kind, name, points, others)


def differing_file(file: Found, folder: str) -> Kind | None:
    """A file that is another here, or is not here; None if it is the same, or was written anew since it was found.

    An experiment that runs writes on: what it wrote meanwhile is brought, and compared, by the next import.
    """
    here = os.path.join(folder, *file.path.split("/"))
    try:
        there = Sum(file.size, hash_file(file.full))
    except FileNotFoundError:
        return None
    try:
        found = Sum(os.lstat(here).st_size, hash_file(here))
    except OSError:
        found = Sum()
    if there == found or not file.is_unchanged():
        return None
    return Kind("files", file.path, there, found)


def _beginning(path: str, size: int) -> Sum:
    digest, left = blake3(), size
    with open(path, "rb") as file:
        while left > 0 and (data := file.read(min(_BLOCK, left))):
            digest.update(data)
            left -= len(data)
    return Sum(size - left, digest.hexdigest())


def _lines_of(path: str) -> int:
    if path.endswith(".parquet"):
        with PartFile(path) as part:
            return part.info.lines
    with open(path, "rb") as file:
        return sum(data.count(b"\n") for data in iter(lambda: file.read(_BLOCK), b""))


def _points(path: str, lines: int) -> Sum:
    """The points of the first lines of a part, as one sum."""
    account = Account()
    if path.endswith(".parquet") and os.path.exists(path):
        with PartFile(path) as part:
            block = part.read(range(len(part.info.names)))
    elif os.path.exists(path):
        with open(path, "rb") as file:
            data = file.read()
        block = decode_block(data[: data.rfind(b"\n") + 1], 1)[0]
    else:
        return Sum()
    block = block.select(block.row <= lines)
    for number, name in enumerate(block.names):
        of_one = block.select(block.series == number)
        order = np.argsort(of_one.row, kind="stable")
        given = None if of_one.given is None else of_one.given[order]
        account.column(name, of_one.step[order], given, of_one.time[order], of_one.value[order])
    digest = blake3()
    for (kind, name), found in sorted(account.sums().items()):
        if found.count:
            digest.update(repr((kind, name, found.count, found.digest)).encode())
    return Sum(len(block), digest.hexdigest())
