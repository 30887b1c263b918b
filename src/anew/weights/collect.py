"""Garbage collection: packs without anything a ref leads to are deleted, half-empty ones rewritten.

The order of the steps is what keeps a commit made at the same moment whole; lease.py says why.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from anew.blobs.protocol import Blobs
from anew.errors import InvalidSetting, WeightsError
from anew.weights.history import History
from anew.weights.lease import GRACE, Lease, active_leases, condemn, condemned, pardon
from anew.weights.objects import Objects
from anew.weights.pack import PackWriter, Record, check_of
from anew.weights.reach import Reached, reach

__all__ = ["Collected", "collect"]

# A pack is rewritten when less than this part of it is alive, or, to keep their number small, when
# it is smaller than _SMALL and there are more than _MANY of those.
_ALIVE = 0.5
_SMALL = 1024 * 1024
_MANY = 64
_PACK_BYTES = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Collected:
    """What a collection did, or with dry_run would do. Sizes are in bytes.

    `waiting` are packs that would have been deleted but for writers at work (`writers`).
    """

    deleted: tuple[str, ...]
    rewritten: tuple[str, ...]
    waiting: tuple[str, ...]
    freed: int
    kept_objects: int
    writers: int
    dry_run: bool


def collect(
    history: History,
    *,
    dry_run: bool = False,
    grace: float = GRACE,
    progress: Callable[[str], None] | None = None,
) -> Collected:
    """Free what no branch or tag leads to and is older than `grace` seconds.

    Raises:
        WeightsError: a commit in use is damaged or missing, so what it needs is not known.
    """
    if grace < 0:
        raise InvalidSetting("The grace period cannot be negative.", setting="grace")
    if dry_run:
        history.objects.refresh()
        plan = _plan(history, grace)
        return plan.report(freed=plan.size_of(plan.dead), dry_run=True)
    with Lease(history.blobs) as lease:
        return _collect(history, grace, lease, progress or (lambda _: None))


def _collect(history: History, grace: float, lease: Lease, say: Callable[[str], None]) -> Collected:
    blobs, objects = history.blobs, history.objects
    objects.refresh()
    others = set(active_leases(blobs, max(grace, GRACE))) - {lease.name}
    _clear_scratch(blobs, others, time.time() - max(grace, 60.0))
    say("marking")
    plan = _plan(history, grace)
    if not others:
        # Nobody else collects or builds on them: condemned packs that turned out needed are free.
        for pack in condemned(blobs) - plan.victims:
            pardon(blobs, pack)
    say("rewriting")
    rewritten = _rewrite(blobs, objects, plan, lease)
    for pack in plan.victims:
        condemn(blobs, pack)
    others = set(active_leases(blobs, max(grace, GRACE))) - {lease.name}
    if others:
        return plan.report(writers=len(others))
    # A writer that finished between the marking and the condemning may have made them live again.
    objects.refresh()
    live = set(plan.live)
    if _starts(history) != plan.starts:
        live |= set(_mark(history, _starts(history)).in_order())
    say("deleting")
    gone = plan.victims - _only_in(objects, live, plan.victims)
    for pack in gone:
        lease.check()
        blobs.delete(f"packs/{pack}.pack")
    for pack in plan.victims:
        pardon(blobs, pack)
    for store in (history.heads, history.tags):
        for name in store.all():
            store.trim(name)
    objects.refresh()
    objects.tidy(force=True)
    return plan.report(gone=gone, freed=max(0, plan.size_of(gone) - rewritten))


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is alive, and which packs are to go: dead ones, and sparse ones after copying."""

    starts: dict[str, str]
    live: dict[bytes, None]
    dead: set[str]
    sparse: set[str]
    sizes: dict[str, int]

    @property
    def victims(self) -> set[str]:
        return self.dead | self.sparse

    def size_of(self, packs: set[str]) -> int:
        return sum(self.sizes[pack] for pack in packs)

    def report(
        self,
        *,
        gone: set[str] | None = None,
        freed: int = 0,
        writers: int = 0,
        dry_run: bool = False,
    ) -> Collected:
        done = self.victims if dry_run else (gone or set())
        return Collected(
            tuple(sorted(self.dead & done)),
            tuple(sorted(self.sparse & done)),
            tuple(sorted(self.victims - done)) if writers else (),
            freed,
            len(self.live),
            writers,
            dry_run,
        )


def _plan(history: History, grace: float) -> _Plan:
    starts = _starts(history)
    live = dict.fromkeys(_mark(history, starts).in_order())
    listed = history.blobs.list("packs")
    packs = {blob.key[6:-5]: blob for blob in listed if blob.key.endswith(".pack")}
    sizes = {name: blob.size for name, blob in packs.items()}
    before = time.time() - grace
    old = {name for name, blob in packs.items() if blob.modified <= before}
    objects = history.objects
    while True:
        dead, sparse = _sort(objects, live, old, sizes)
        # Every object that stays must stay readable, also one that no ref leads to: the next
        # commit may find it there and build on it. So what it is a delta of stays too.
        needed: dict[bytes, None] = {}
        for pack, record in objects.records():
            if (
                pack not in dead
                and pack not in sparse
                and record.is_delta
                and record.base not in live
            ):
                key = record.base
                while key not in live and key not in needed and (found := objects.find(key)):
                    needed[key] = None
                    key = found[1].base if found[1].is_delta else key
        if not needed:
            return _Plan(starts, live, dead, sparse, sizes)
        live = {**dict.fromkeys(reversed(needed)), **live}


def _starts(history: History) -> dict[str, str]:
    named = {f"heads/{n}": ref.commit for n, ref in history.heads.all().items()}
    named |= {f"tags/{n}": ref.commit for n, ref in history.tags.all().items()}
    return {name: commit for name, commit in named.items() if commit is not None}


def _mark(history: History, starts: dict[str, str]) -> Reached:
    live = reach(history, starts.values())
    if live.unreadable:
        key, why = next(iter(live.unreadable.items()))
        raise WeightsError(
            f"Nothing was deleted: {why} It is not known which objects {key.hex()[:12]} needs. Repair it by pulling it from another copy, or delete the refs that lead to it."
        )
    return live


def _sort(
    objects: Objects, live: dict[bytes, None], old: set[str], sizes: dict[str, int]
) -> tuple[set[str], set[str]]:
    """Packs with nothing alive, and packs worth rewriting."""
    alive: dict[str, int] = defaultdict(int)
    for pack, record in objects.records():
        if record.key in live:
            found = objects.find(record.key)
            # An object in two packs counts where it is read from.
            if found is not None and found[0] == pack:
                alive[pack] += record.stored
    known = (old & objects.packs()) - set(objects.damaged)
    dead = {pack for pack in known if pack not in alive}
    small = {pack for pack in known - dead if sizes[pack] < _SMALL}
    sparse = {pack for pack in known - dead - small if alive[pack] < _ALIVE * sizes[pack]}
    if len(small) > _MANY:
        sparse |= small
    return dead, sparse


def _rewrite(blobs: Blobs, objects: Objects, plan: _Plan, lease: Lease) -> int:
    """Copy what is alive in the sparse packs into new ones; gives how many bytes those take."""
    writer: PackWriter | None = None
    written = 0
    for key in plan.live:
        found = objects.find(key)
        if found is None or found[0] not in plan.sparse:
            continue
        _, record, payload = objects.payload(key, "A collection")
        if check_of(payload) != record.check:
            continue  # Damaged: its pack stays, being the only one that has it, for fsck to name.
        if writer is None:
            writer = PackWriter(Path(blobs.scratch(), lease.next_pack()))
        _copy(writer, record, payload)
        lease.renew()
        if writer.size > _PACK_BYTES:
            written += _publish(blobs, writer)
            writer = None
    if writer is not None:
        written += _publish(blobs, writer)
    return written


def _copy(writer: PackWriter, record: Record, payload: bytes) -> None:
    writer.add(
        record.key, payload, raw=record.raw, kind=record.kind, base=record.base, depth=record.depth
    )


def _publish(blobs: Blobs, writer: PackWriter) -> int:
    writer.finish()
    size = writer.path.stat().st_size
    blobs.upload(f"packs/{writer.path.name}", writer.path)
    return size


def _only_in(objects: Objects, live: set[bytes], victims: set[str]) -> set[str]:
    """Those of the packs that hold the only copy of an object in use."""
    needed = set()
    for key in live:
        if objects.find(key, avoid=victims) is None:
            found = objects.find(key)
            if found is not None:
                needed.add(found[0])
    return needed


def _clear_scratch(blobs: Blobs, writers: set[str], before: float) -> None:
    """Remove what writers that died left in the scratch folder."""
    for path in Path(blobs.scratch()).iterdir():
        if any(path.name.startswith(writer) for writer in writers):
            continue
        try:
            if path.stat().st_mtime <= before:
                path.unlink()
        except FileNotFoundError:
            continue
