"""Merging one version into the branch of a repository."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anew.errors import NotFound, WeightsError
from anew.weights.bundle import Weights
from anew.weights.merging import plan_merge
from anew.weights.records import Commit
from anew.weights.snapshot import Snapshot
from anew.weights.stage import Stager

if TYPE_CHECKING:
    from anew.weights.repository import Repository

__all__ = ["merge"]

_TRIES = 20


def merge(repository: Repository, ref: str, strategy: str | None, message: str | None) -> Commit:
    """See `Repository.merge`; starts over when the branch moves meanwhile."""
    theirs = repository.show(ref)
    branch = repository.branch_name
    if branch is None:
        raise WeightsError(
            "You are at a commit and not on a branch; check out a branch to merge into."
        )
    for _ in range(_TRIES):
        done = _attempt(
            repository, branch, theirs, strategy, message or f"Merge {ref} into {branch}"
        )
        if done is not None:
            return done
    raise WeightsError(f"The branch {branch!r} is being moved all the time; try again.")


def _attempt(
    repository: Repository, branch: str, theirs: Commit, strategy: str | None, message: str
) -> Commit | None:
    history = repository._history
    seen = repository._heads.read(branch)
    if seen.commit is None or seen.commit in history.ancestors(theirs.commit_hash):
        if seen.commit == theirs.commit_hash:
            return theirs
        moved = repository._heads.move(seen, theirs.commit_hash, reason="fast-forward")
        return theirs if moved else None
    ours = history.commit(seen.commit)
    if theirs.commit_hash in history.ancestors(seen.commit):
        return ours
    base = history.common_ancestor(seen.commit, theirs.commit_hash)
    sides = [_open(repository, commit) for commit in (base, ours, theirs)]
    if sides[1] is None or sides[2] is None:
        raise NotFound("A side of the merge is not there.")
    plan = plan_merge(sides[0], sides[1], sides[2], strategy)
    stager = Stager(repository._place, repository._objects, repository._block_size)
    try:
        stager.structure = plan.structure
        stager.framework = ours_framework(sides[1])
        order = [*sides[1].tree.tensors, *sides[2].tree.tensors]
        stager.add(Weights(plan.averaged), repository._previous(ours))
        stager.keep(plan.entries)
        stager.entries = {
            entry.name: stager.entries[entry.name]
            for entry in order
            if entry.name in stager.entries
        }
        metadata = {"strategy": strategy, "conflicts": plan.conflicts} if plan.conflicts else {}
        try:
            return repository._commit(
                stager,
                (theirs.commit_hash,),
                expect=seen,
                message=message,
                author=repository._author or _author(),
                experiment=None,
                step=None,
                metadata=metadata,
            )
        except WeightsError:
            if repository._heads.read(branch) != seen:
                return None
            raise
    finally:
        stager.close()


def ours_framework(side: Snapshot) -> str:
    """The framework a merged version is of."""
    return side.framework


def _open(repository: Repository, commit: Commit | None) -> Snapshot | None:
    if commit is None:
        return None
    return Snapshot(repository._objects, commit, repository._history.tree(commit))


def _author() -> str:
    from anew.weights.repository import _whoami

    return _whoami()
