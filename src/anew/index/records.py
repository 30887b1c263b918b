"""Reading everything that one experiment recorded, and naming what is wrong with it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence

from ..blobs.linked import hash_file
from ..journal.follow import Stream, follow, read_events
from ..journal.layout import ExperimentLayout, logged_path
from ..journal.storage import Storage
from ..record.captures import HASHED, recorded_hash, unchanged
from ..record.decode import decode_events
from ..record.events import (
    FORMAT_VERSION,
    Closed,
    Event,
    FileLogged,
    FilesFreed,
    Opened,
)
from ..record.fold import fold
from ..stores.series.parquet import PartFile
from ..stores.series.points import decode_block
from .finding import Finding
from .footprint import Inode
from .visit import STREAMS

__all__ = ["Hashes", "examine_records", "said"]

Hashes = dict[Inode, str]

MAX_FINDINGS = 100  # of one piece of a file: a file of garbage is damaged once, not a million times
_MOST_CAPTURED = 1 << 30


def examine_records(
    layout: ExperimentLayout, storage: Storage, prefix: str, hashes: Hashes | None = None
) -> Iterator[Finding]:
    """Broken lines, files that cannot be read, that lost their end, or that are not what was recorded.

    Args:
        hashes: What the contents of logged files were found to be: one that many share is read once.
    """
    hashes = {} if hashes is None else hashes
    ends: dict[str, int] = {}
    events: list[Event] = []
    try:
        for chunk in follow(storage, {}, STREAMS):
            if chunk.stream == Stream.EVENTS:
                numbered, broken = decode_events(chunk.data, chunk.lines + 1)
                events += [event for _, event in numbered]
                if any(isinstance(e, Opened) and e.version > FORMAT_VERSION for _, e in numbered):
                    path = layout.path(*chunk.path.split("/"))
                    message = "It was written in a newer format. Upgrade Anew to read all of it."
                    yield Finding("newer format", prefix, message, path)
            else:
                broken = decode_block(chunk.data, chunk.lines + 1)[1]
            ends[chunk.path] = chunk.end.offset
            path = layout.path(*chunk.path.split("/"))
            for b in broken[:MAX_FINDINGS]:
                yield Finding("broken line", prefix, f"{b.reason}: {b.text[:60]!r}", path, b.line)
        if not any(isinstance(event, Opened) for event in events):
            message = "Its journal does not say who wrote it, and when: the beginning is lost."
            yield Finding("no identity", prefix, message, layout.path("journal"))
        yield from _parts(layout, storage, prefix, ends)
        yield from _cut_short(layout, storage, prefix, events, ends)
        yield from _captures(layout, storage, prefix)
        yield from _files(layout, prefix, events, hashes)
        yield from _unreadable(layout, storage, prefix)
    except Exception as error:  # noqa: BLE001  (the bulkhead: whatever is wrong with one is a finding)
        where = error.filename if isinstance(error, OSError) else None
        yield Finding("unreadable", prefix, f"It cannot be read: {said(error)}.", where)


def said(error: Exception) -> str:
    """What an error says, with its class where that is not of the system's own."""
    return str(error) if isinstance(error, OSError) else f"{type(error).__name__}: {error}"


def _unreadable(layout: ExperimentLayout, storage: Storage, prefix: str) -> Iterator[Finding]:
    """Files beside the records that cannot be opened."""
    for folder in ("journal", "metrics", "logs", "forwarded"):
        for blob in storage.list(folder):
            leads = folder == "logs" and not blob.name.startswith(("logs-", "train-"))
            if not leads and blob.name.endswith((".jsonl", ".log")):
                try:
                    storage.read(f"{folder}/{blob.name}", 0, 1)
                except FileNotFoundError:
                    continue
                except OSError as error:
                    yield Finding("unreadable", prefix, said(error), layout.path(folder, blob.name))


def _parts(
    layout: ExperimentLayout, storage: Storage, prefix: str, ends: dict[str, int]
) -> Iterator[Finding]:
    """Sealed parts that cannot be read; of the others, `ends` gets the bytes of the lines that they stand for."""
    for blob in storage.list("metrics"):
        if not blob.name.endswith(".parquet"):
            continue
        try:
            with storage.local(f"metrics/{blob.name}") as at, PartFile(at) as file:
                file.read(range(len(file.info.names)), metadata=True)
                text = f"metrics/{blob.name[:-8]}.jsonl"
                ends[text] = max(ends.get(text, 0), file.info.end)
        except FileNotFoundError:
            continue
        except Exception as error:  # noqa: BLE001  (the bulkhead)
            kind = "unreadable" if isinstance(error, OSError) else "corrupt file"
            yield Finding(kind, prefix, said(error), layout.path("metrics", blob.name))


def _cut_short(
    layout: ExperimentLayout,
    storage: Storage,
    prefix: str,
    events: Sequence[Event],
    ends: Mapping[str, int],
) -> Iterator[Finding]:
    """Files that are shorter than their writers said when they ended."""
    wrote: dict[str, int] = {}
    for event in events:
        if isinstance(event, Closed):
            wrote |= event.wrote
    there = {f"logs/{blob.name}": blob.size for blob in storage.list("logs")} | dict(ends)
    for name, size in sorted(wrote.items()):
        if there.get(name, 0) < size:
            message = (
                f"Its end is missing: its writer wrote {size} bytes, and whole lines of "
                f"{there.get(name, 0)} bytes are there."
            )
            yield Finding("cut short", prefix, message, layout.path(*name.split("/")))


def _captures(layout: ExperimentLayout, storage: Storage, prefix: str) -> Iterator[Finding]:
    """Captured files that are not what was recorded: those of the recipe, and what later openings captured of theirs."""
    state = fold(read_events(storage))
    recipes = [("environment", state.captured)]
    recipes += [
        (f"openings/{opening.writers[0]}/environment", opening.captured)
        for opening in state.openings()
        if opening.captured is not None
    ]
    for folder, captured in recipes:
        for name in HASHED:
            if recorded_hash(captured, name) is None:
                continue
            try:
                data = storage.read(f"{folder}/{name}", 0, _MOST_CAPTURED)
            except FileNotFoundError:
                data = b""
            if not unchanged(captured, name, data):
                message = (
                    "It is not what was recorded: it was changed, or lost its content."
                    if data
                    else "It was recorded, and is missing or empty."
                )
                path = layout.path(*folder.split("/"), name)
                yield Finding("corrupt file", prefix, message, path)


def _files(
    layout: ExperimentLayout, prefix: str, events: Sequence[Event], hashes: Hashes
) -> Iterator[Finding]:
    """Logged files that are gone, or are not what was logged."""
    freed = {
        file_id for event in events if isinstance(event, FilesFreed) for file_id in event.file_ids
    }
    for file in (event for event in events if isinstance(event, FileLogged)):
        if file.file_id in freed:
            continue
        path = logged_path(layout.folder, file.path)
        if path is None:
            message = "The journal names this file, which does not lie among the experiment's own."
            yield Finding("corrupt file", prefix, message, layout.path(*file.path.split("/")))
            continue
        try:
            about = os.lstat(path)
            inode = (about.st_dev, about.st_ino)
            found = hashes[inode] if inode in hashes else hash_file(path)
        except FileNotFoundError:
            yield Finding("missing file", prefix, "It was logged, and is gone.", path)
            continue
        except OSError as error:
            yield Finding("unreadable", prefix, said(error), path)
            continue
        hashes[inode] = found
        if found != file.hash.removeprefix("blake3:"):
            message = (
                "It is not what was logged: it was changed, or lost its content. Other files of the same content "
                "share its bytes."
            )
            yield Finding("corrupt file", prefix, message, path)
