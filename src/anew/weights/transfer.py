"""push and pull: the objects one repository lacks, as they are stored, then the refs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from anew.blobs.protocol import Blobs
from anew.errors import CorruptData, NotFound, WeightsError
from anew.weights.history import History
from anew.weights.lease import Lease, condemned
from anew.weights.pack import PackWriter, Record, check_of
from anew.weights.reach import reach

__all__ = ["Progress", "Sent", "send"]

# A cut transfer starts again at the pack it was in, so packs are sent in pieces of this size.
_PIECE = 32 * 1024 * 1024

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Sent:
    """What a transfer moved: refs by name, and how many objects and bytes they needed."""

    branches: dict[str, str]
    tags: dict[str, str]
    objects: int
    nbytes: int


def send(
    source: History,
    target: History,
    commits: Iterable[str],
    *,
    verify: bool = False,
    progress: Progress | None = None,
    lease: Lease,
) -> tuple[int, int]:
    """Copy everything that commits lead to and the target lacks; moving refs is up to the caller.

    The caller holds `lease` on the target until its refs are moved. What was sent before a cut is
    found there the next time and not sent again. With `verify`, objects that the target has are
    checked too and sent again when damaged.

    In the end the target is asked for everything the commits lead to, so refs never move to what it cannot read.

    Returns:
        The number of objects and of bytes sent.

    Raises:
        CorruptData: an object of the source is damaged, or the target cannot read what was sent.
        NotFound: an object of the source is missing.
        WeightsError: what a commit needs cannot be found out.
    """
    blobs = target.blobs
    source.objects.refresh()
    avoid = condemned(blobs)
    target.objects.refresh()
    present = set() if verify else _whole_commits(target)
    commits = list(commits)
    found = reach(source, commits, without=present)
    if found.unreadable or found.missing:
        key = next(iter([*found.unreadable, *found.missing]))
        raise WeightsError(
            f"Nothing more was sent: {key.hex()[:12]} of {len(found.unreadable) + len(found.missing)} "
            "objects is damaged or missing in the source. `anew weights fsck` lists what is lost."
        )
    wanted = [key for key in found.in_order() if not _has(target, blobs, key, avoid, verify)]
    located = [source.objects.find(key) for key in wanted]
    sizes = [item[1].stored if item else 0 for item in located]
    total, sent = sum(sizes), 0
    keys = iter(zip(wanted, sizes, strict=True))
    while piece := _next_piece(keys):
        _send_pack(source, blobs, piece, lease)
        sent += sum(len_ for _, len_ in piece)
        if progress:
            progress(sent, total)
    lease.check()
    target.objects.refresh()
    _check_arrival(target, commits, present)
    return len(wanted), total


def _whole_commits(target: History) -> set[str]:
    """The commits that the target has with all they need: those that a ref of it leads to.

    In a damaged repository nothing is taken for granted, so that what it lost is sent again.
    """
    refs = [*target.heads.all().values(), *target.tags.all().values()]
    try:
        return {c.commit_hash for c in target.walk(r.commit for r in refs if r.commit)}
    except (CorruptData, NotFound):
        return set()


def _check_arrival(target: History, commits: Iterable[str], present: set[str]) -> None:
    """Make sure that the target finds everything that commits lead to.

    Raises:
        CorruptData: it does not.
    """
    found = reach(target, commits, without=present)
    if found.missing or found.unreadable:
        key = next(iter([*found.unreadable, *found.missing]))
        raise CorruptData(
            f"{target.blobs.url} cannot read what was sent to it: {key.hex()[:12]} of "
            f"{len(found.unreadable) + len(found.missing)} objects is damaged or missing there. No branch or tag was "
            "moved. `anew weights fsck` of that repository lists what is damaged.",
            path=target.blobs.url,
        )


def _send_pack(source: History, blobs: Blobs, piece: list[tuple[bytes, int]], lease: Lease) -> None:
    """Write the objects of one piece into a pack and upload it; a failure leaves nothing behind."""
    name = lease.next_pack()
    writer = PackWriter(Path(blobs.scratch(), name))
    try:
        for record, payload in _payloads(source, piece):
            writer.add(
                record.key,
                payload,
                raw=record.raw,
                kind=record.kind,
                base=record.base,
                depth=record.depth,
            )
            lease.renew()
        writer.finish()
        blobs.upload(f"packs/{name}", writer.path)
    except BaseException:
        writer.abandon()
        raise


def _next_piece(keys: Iterable[tuple[bytes, int]]) -> list[tuple[bytes, int]]:
    piece: list[tuple[bytes, int]] = []
    size = 0
    for key, length in keys:
        piece.append((key, length))
        size += length
        if size >= _PIECE:
            break
    return piece


def _payloads(source: History, piece: list[tuple[bytes, int]]) -> Iterable[tuple[Record, bytes]]:
    def fetch(item: tuple[bytes, int]) -> tuple[Record, bytes]:
        pack, record, payload = source.objects.payload(item[0], "A transfer")
        if check_of(payload) != record.check:
            raise CorruptData(
                f"The object {record.key.hex()[:12]} in packs/{pack}.pack is damaged and was not sent. "
                "`anew weights fsck` lists all that is damaged.",
                path=f"packs/{pack}.pack",
            )
        return record, payload

    with ThreadPoolExecutor(4, thread_name_prefix="anew-weights") as pool:
        items = iter(piece)
        while group := list(islice(items, 8)):
            yield from pool.map(fetch, group)


def _has(target: History, blobs: Blobs, key: bytes, avoid: set[str], verify: bool) -> bool:
    found = target.objects.find(key, avoid=avoid)
    if found is None or not verify:
        return found is not None
    pack, record = found
    try:
        payload = blobs.read(f"packs/{pack}.pack", record.offset, record.stored)
    except FileNotFoundError:
        return False
    if check_of(payload) == record.check:
        return True
    target.objects.bad.add((pack, key))
    return False
