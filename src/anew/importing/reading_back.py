"""An imported experiment as its files have it now: the account that the source's is held against."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Any, BinaryIO

import msgspec
from blake3 import blake3

from ..journal.follow import Chunk, Piece, Stream, follow_pieces
from ..journal.layout import ExperimentLayout, logged_path
from ..record.decode import decode_events, decode_logs, decode_points
from ..record.encode import encode_line
from ..record.events import FileLogged, FilesFreed, PointLine, ValueLogged
from ..record.fold import ExperimentState
from ..record.plain import flatten
from ..stores.series.columns import Block
from ..stores.series.parquet import PartFile
from .account import Account
from .folders import place_below
from .foreign import open_plain, resolved
from .source import Points

__all__ = ["NUMBERS", "hash_of_value", "hashed", "read_back", "rows_here"]

_BLOCK = 1 << 20

NUMBERS = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}
_ALL = frozenset({Stream.EVENTS, Stream.POINTS, Stream.LOGS, Stream.CONSOLE})


def read_back(
    layout: ExperimentLayout,
    letters: str,
    *,
    ordered: bool,
    tell: Callable[[int], object] = lambda points: None,
) -> Account:
    """What the writers of an import have recorded in an experiment.

    Args:
        letters: Those that the names of its writers end with.
        tell: Called with how many points were read, for each part of them.

    Raises:
        OSError: Something cannot be read.
        CorruptData: A sealed part is damaged.
    """
    account = Account(ordered=ordered)
    state = ExperimentState()
    files: dict[tuple[str, str, int | None], FileLogged] = {}
    freed: set[str] = set()  # by whoever wanted their bytes back
    values: list[tuple[str, str | None]] = []
    for piece in follow_pieces(layout.folder, {}, _ALL):
        if not piece.writer.endswith(f"-main-{letters}"):
            if isinstance(piece, Chunk) and piece.stream is Stream.EVENTS:
                events = (event for _, event in decode_events(piece.data)[0])
                freed.update(*(one.file_ids for one in events if isinstance(one, FilesFreed)))
            continue
        if not isinstance(piece, Chunk) or piece.stream is Stream.POINTS:
            _count_points(account, layout, piece, tell)
        elif piece.stream is Stream.LOGS:
            for _, line in decode_logs(piece.data)[0]:
                account.thing("messages", [line.t, line.level, line.message, line.fields])
        elif piece.stream is Stream.CONSOLE:
            for text in piece.data.split(b"\n")[:-1]:
                account.thing("lines", text.decode("utf-8", "replace"))
        else:
            for _, event in decode_events(piece.data)[0]:
                state.apply(piece.writer, event)
                if isinstance(event, FileLogged):
                    files[event.prefix, event.name, event.step] = event
                elif isinstance(event, ValueLogged):
                    name = value_name(event.name, event.kind, event.step)
                    values.append(
                        (name, event.hash and hash_of_value(layout, event.path, event.data))
                    )
    account.things("params", flatten(state.params).items())
    account.things("tags", state.tags.items())
    held = ((file_name(*key), _held(layout, one, freed)) for key, one in files.items())
    account.things("files", held)
    account.things("values", values)
    account.facts(_facts_of(state))
    return account


def _facts_of(state: ExperimentState) -> dict[str, Any]:
    """See `Arriving.facts`."""
    if not state.writers:
        return {}
    first, last = state.writers[min(state.writers)], state.writers[max(state.writers)]
    captured = {f"captured {what}": data for what, data in state.captured.items()}
    return {
        **captured, "name": state.name, "description": state.description, "notes": state.notes, "status": last.status.value,
        "reason": last.reason, "parent": [state.parent, state.relation], "kept": state.captured.get("imported", {}).get("kept"),
        "user": first.opened.user, "host": first.opened.host, "started": first.opened.t, "ended": last.ended_at,
        "config": state.config,
    }  # fmt: skip


def file_name(prefix: str, name: str, step: int | None) -> str:
    """What a file goes by in accounts."""
    return encode_line({"": [prefix, name, step]}).decode()


def value_name(name: str, kind: str, step: int | None) -> str:
    """What a value goes by in accounts."""
    return encode_line({"": [name, kind, step]}).decode()


def hash_of_value(layout: ExperimentLayout, path: str | None, data: Any) -> str:
    """The BLAKE3 of a value as it lies in its folder, or in the record; "" if it does not."""
    if path is not None:
        return _hash_of(place_below(layout.path("values"), path.removeprefix("values/")))[1]
    read = msgspec.json.decode(
        encode_line({"": data})
    )  # what cannot be written as it is reads otherwise
    return blake3(encode_line(read)).hexdigest()


def hashed(reading: BinaryIO) -> tuple[int, str]:
    """How many bytes there are, and their BLAKE3."""
    digest, size = blake3(), 0
    while data := reading.read(_BLOCK):
        digest.update(data)
        size += len(data)
    return size, digest.hexdigest()


def _hash_of(path: str | None) -> tuple[int, str]:
    try:
        if path is None:
            return -1, ""
        with open_plain(resolved(path)) as file:
            return hashed(file)
    except OSError:
        return -1, ""


def _held(layout: ExperimentLayout, one: FileLogged, freed: Collection[str]) -> list[Any]:
    if one.file_id in freed:
        return [one.size, one.hash]  # what was brought, and given up on purpose
    return list(_hash_of(logged_path(layout.folder, one.path)))


def _count_points(
    account: Account, layout: ExperimentLayout, piece: Piece, tell: Callable[[int], object]
) -> None:
    if isinstance(piece, Chunk):
        lines = [line for _, line in decode_points(piece.data)[0]]
        for line in lines:
            if line.x is not None:
                for name in line.m:
                    account.beside(name, line.s, line.t, line.x)
        if all(len(line.m) == 1 for line in lines):  # as of sources with a point in each record
            _count_columns(account, lines)
            tell(len(lines))
            return
        for line in lines:
            account.row(line.s, line.t, _numbers_of(line))
            tell(len(line.m))
        return
    with PartFile(layout.path(*piece.path.split("/"))) as part:
        for number, name in enumerate(part.info.names):
            block = part.read([number], metadata=True)
            account.column(name, block.step, block.given, block.time, block.value)
            if block.metadata is not None:
                _count_beside(account, name, block)
            tell(len(block))


def _count_beside(account: Account, name: str, block: Block) -> None:
    assert block.metadata is not None
    for at, text in enumerate(block.metadata.tolist()):
        if text is not None:
            step = int(block.step[at]) if block.given is None or block.given[at] else None
            account.beside(name, step, float(block.time[at]), msgspec.json.decode(text))


def _count_columns(account: Account, lines: list[PointLine]) -> None:
    pairs = [pair for line in lines for pair in line.m.items()]
    values = [NUMBERS[value] if isinstance(value, str) else value for _, value in pairs]
    names = [name for name, _ in pairs]
    account.points(Points(names, [line.s for line in lines], [line.t for line in lines], values))


def rows_here(
    layout: ExperimentLayout, letters: str
) -> Iterator[tuple[str, int | None, float, float]]:
    """All points of the writers of an import: name, step, time, value."""
    for piece in follow_pieces(layout.folder, {}, frozenset({Stream.POINTS})):
        if not piece.writer.endswith(f"-main-{letters}"):
            continue
        if isinstance(piece, Chunk):
            for _, line in decode_points(piece.data)[0]:
                yield from _points_of(line)
            continue
        with PartFile(layout.path(*piece.path.split("/"))) as part:
            for number, name in enumerate(part.info.names):
                block = part.read([number])
                given = [True] * len(block.step) if block.given is None else block.given.tolist()
                for step, is_given, time, value in zip(
                    block.step.tolist(),
                    given,
                    block.time.tolist(),
                    block.value.tolist(),
                    strict=True,
                ):
                    yield name, step if is_given else None, time, value


def _points_of(line: PointLine) -> Iterator[tuple[str, int | None, float, float]]:
    for name, value in _numbers_of(line).items():
        yield name, line.s, line.t, value


def _numbers_of(line: PointLine) -> dict[str, float]:
    return {
        name: NUMBERS[value] if isinstance(value, str) else value for name, value in line.m.items()
    }
