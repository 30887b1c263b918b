"""fsck: every object of a repository read and verified, and what damage means for the tensors."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np

from anew.blobs.protocol import Blobs
from anew.errors import AnewError, CorruptData, NotFound
from anew.weights.history import History
from anew.weights.objects import Objects, unframe
from anew.weights.pack import BLOCK, COMMIT, TREE, Record, check_of
from anew.weights.records import digest

__all__ = ["Health", "Problem", "verify"]

_KINDS = {BLOCK: "block", TREE: "tree", COMMIT: "commit"}


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: what it is, where, and why."""

    what: str
    where: str
    why: str


@dataclass(slots=True)
class Health:
    """What a verification found.

    `lost` are the tensors that cannot be restored, as commit hash → names; every other tensor of
    every commit that is not in `lost_commits` was found readable, bit for bit.
    """

    objects: int = 0
    nbytes: int = 0
    problems: list[Problem] = field(default_factory=list)
    lost: dict[str, list[str]] = field(default_factory=dict)
    lost_commits: dict[str, str] = field(default_factory=dict)
    commits: int = 0
    tensors: int = 0

    @property
    def ok(self) -> bool:
        """Whether everything is as it should be."""
        return not self.problems and not self.lost and not self.lost_commits


def verify(history: History, *, progress: Callable[[int, int], None] | None = None) -> Health:
    """Read every object, check every hash, and follow every ref."""
    objects = history.objects
    objects.refresh()
    health = Health()
    for pack, why in objects.damaged.items():
        where = pack if "/" in pack else f"packs/{pack}.pack"
        health.problems.append(Problem("index", where, why))
    records = list(objects.records())
    bad: set[bytes] = set()
    good: set[bytes] = set()
    with ThreadPoolExecutor(2, thread_name_prefix="anew-weights") as pool:
        for done, (pack, record, why) in enumerate(
            pool.map(lambda item: (*item, _check(history.blobs, objects, *item)), records), 1
        ):
            health.objects += 1
            health.nbytes += record.stored
            if why is None:
                good.add(record.key)
            else:
                bad.add(record.key)
                what = f"{_KINDS.get(record.kind, 'object')} {record.key.hex()[:16]}"
                health.problems.append(Problem(what, f"packs/{pack}.pack", why))
            if progress:
                progress(done, len(records))
    _follow_refs(history, health, good)
    return health


def _check(blobs: Blobs, objects: Objects, pack: str, record: Record) -> str | None:
    """What is wrong with this copy of an object; None if nothing is."""
    try:
        payload = blobs.read(f"packs/{pack}.pack", record.offset, record.stored)
        if check_of(payload) != record.check:
            return "its stored bytes are damaged"
        if record.kind != BLOCK:
            return (
                None if digest(unframe(payload)) == record.key else "its bytes do not match its key"
            )
        if not record.is_delta:
            out = np.empty(record.raw, np.uint8)
            from anew.weights.codec import decode

            decode(payload, out)
            return None if digest(out) == record.key else "its bytes do not match its key"
        objects.read_block(record.key, np.empty(record.raw, np.uint8), "It")
    except (CorruptData, NotFound) as error:
        return str(error)
    except FileNotFoundError:
        return "its pack disappeared while it was read"
    return None


def _follow_refs(history: History, health: Health, good: set[bytes]) -> None:
    starts: dict[str, str] = {}
    for kind, store in (("branch", history.heads), ("tag", history.tags)):
        try:
            refs = store.all()
        except CorruptData as error:
            health.problems.append(Problem(kind, error.path or "refs", str(error)))
            continue
        starts |= {f"{kind} {name}": ref.commit for name, ref in refs.items() if ref.commit}
    seen: set[str] = set()
    pending = list(starts.items())
    while pending:
        origin, commit_hash = pending.pop()
        if commit_hash in seen:
            continue
        seen.add(commit_hash)
        health.commits += 1
        try:
            commit = history.commit(commit_hash)
            pending += [(origin, parent) for parent in commit.parents]
            tree = history.tree(commit)
        except AnewError as error:
            health.lost_commits[commit_hash] = f"{error} ({origin} leads to it)"
            continue
        roots = {entry.name: entry for entry in tree.tensors}
        names = []
        for entry in tree.tensors:
            stored = entry if entry.view is None else roots.get(entry.view.root)
            health.tensors += not entry.hidden
            if stored is None or not all(key in good for key in stored.block_keys()):
                names.append(entry.name)
        if names:
            health.lost[commit_hash] = names
