"""du: how much memory versions would take, and how much they take here."""

from __future__ import annotations

from dataclasses import dataclass

from anew.weights.history import History

__all__ = ["CommitUsage", "Usage", "usage"]


@dataclass(frozen=True, slots=True)
class CommitUsage:
    """One commit: the bytes of its tensors in memory, and the bytes it added here."""

    commit_hash: str
    message: str
    logical: int
    stored: int


@dataclass(frozen=True, slots=True)
class Usage:
    """All commits, oldest first. `unreachable` are stored bytes that no ref leads to."""

    commits: tuple[CommitUsage, ...]
    logical: int
    stored: int
    unreachable: int
    on_disk: int
    packs: int

    @property
    def ratio(self) -> float:
        """Bytes of weights for each stored byte."""
        return self.logical / self.stored if self.stored else 0.0


def usage(history: History) -> Usage:
    """The sizes of every commit that a branch or tag leads to."""
    objects = history.objects
    objects.refresh()
    refs = [*history.heads.all().values(), *history.tags.all().values()]
    commits = sorted(
        history.walk([ref.commit for ref in refs if ref.commit]), key=lambda commit: commit.time
    )
    counted: set[bytes] = set()
    rows = []
    for commit in commits:
        pending = [bytes.fromhex(commit.commit_hash), commit.tree]
        if commit.tree not in counted:
            pending += [key for entry in history.tree(commit).tensors for key in entry.block_keys()]
        stored = 0
        while pending:
            key = pending.pop()
            if key in counted:
                continue
            counted.add(key)
            found = objects.find(key)
            if found is not None:
                stored += found[1].stored
                if found[1].is_delta:
                    pending.append(found[1].base)
        rows.append(CommitUsage(commit.commit_hash, commit.message, commit.nbytes, stored))
    everything = sum(record.stored for _, record in objects.records())
    blobs = history.blobs
    entries = [*blobs.list("packs"), *blobs.list("index"), *blobs.list("refs")]
    total = sum(row.stored for row in rows)
    return Usage(
        tuple(rows),
        sum(row.logical for row in rows),
        total,
        max(0, everything - total),
        sum(entry.size for entry in entries),
        len(objects.packs()),
    )
