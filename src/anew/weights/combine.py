"""Merging one version into a branch of a repository."""

from __future__ import annotations

from anew.errors import NotFound, WeightsError
from anew.weights.bundle import Weights
from anew.weights.committing import commit_staged
from anew.weights.history import History
from anew.weights.merging import plan_merge
from anew.weights.records import Commit
from anew.weights.snapshot import Snapshot
from anew.weights.stage import Stager

__all__ = ["merge"]

_TRIES = 20


def merge(
    history: History,
    branch: str,
    theirs: Commit,
    *,
    strategy: str | None,
    message: str,
    author: str | None,
) -> Commit:
    """Merge a commit into a branch: fast-forward, or three-way per tensor; see `Repository.merge`.

    It starts over when the branch moves meanwhile.

    Raises:
        MergeConflict: Both sides changed a tensor and there is no strategy.
        WeightsError: Others moved the branch at every try.
    """
    for _ in range(_TRIES):
        done = _attempt(history, branch, theirs, strategy, message, author)
        if done is not None:
            return done
    raise WeightsError(f"The branch {branch!r} is being moved by other processes. Try again.")


def _attempt(
    history: History,
    branch: str,
    theirs: Commit,
    strategy: str | None,
    message: str,
    author: str | None,
) -> Commit | None:
    """One try; None when the branch was moved by somebody else."""
    seen = history.heads.read(branch)
    if seen.commit is None or seen.commit in history.ancestors(theirs.commit_hash):
        if seen.commit == theirs.commit_hash:
            return theirs
        moved = history.heads.move(seen, theirs.commit_hash, reason="fast-forward")
        return theirs if moved else None
    ours = history.commit(seen.commit)
    if theirs.commit_hash in history.ancestors(seen.commit):
        return ours
    base = history.common_ancestor(seen.commit, theirs.commit_hash)
    sides = [_open(history, commit) for commit in (base, ours, theirs)]
    if sides[1] is None or sides[2] is None:
        raise NotFound("A side of the merge is missing.")
    plan = plan_merge(sides[0], sides[1], sides[2], strategy)
    stager = Stager(history.blobs, history.objects, history.block_size)
    try:
        stager.structure = plan.structure
        stager.framework = sides[1].framework
        stager.add(Weights(plan.averaged), history.tensors_before(ours))
        stager.keep(plan.entries)
        order = [*sides[1].tree.tensors, *sides[2].tree.tensors]
        stager.entries = {
            entry.name: stager.entries[entry.name]
            for entry in order
            if entry.name in stager.entries
        }
        return commit_staged(
            history,
            stager,
            branch,
            message=message,
            author=author,
            metadata={"strategy": strategy, "conflicts": plan.conflicts} if plan.conflicts else {},
            merged=(theirs.commit_hash,),
            expect=seen,
        )
    finally:
        stager.close()


def _open(history: History, commit: Commit | None) -> Snapshot | None:
    return None if commit is None else Snapshot(history.objects, commit, history.tree(commit))
