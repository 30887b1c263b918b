"""push and pull of branches and tags between two repositories."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from anew.errors import NotFound, WeightsError
from anew.weights.lease import Lease
from anew.weights.transfer import Progress, Sent, send

if TYPE_CHECKING:
    from anew.weights.repository import Repository

__all__ = ["pull_into", "push_from"]


def push_from(
    here: Repository,
    there: Repository,
    branches: Iterable[str] | None,
    tags: bool,
    force: bool,
    progress: Progress | None,
) -> Sent:
    """See `Repository.push`."""
    names = _names(here, branches)
    with Lease(there._place) as lease:
        wanted = {name: here.branches()[name] for name in names}
        objects, nbytes = send(
            here._history,
            there._history,
            there._place,
            wanted.values(),
            progress=progress,
            lease=lease,
        )
        for name, commit in wanted.items():
            _fast_forward(there, name, commit, force=force)
        sent_tags, more = _send_tags(here, there, lease, force=force) if tags else ({}, (0, 0))
    there._tidy()
    return Sent(wanted, sent_tags, objects + more[0], nbytes + more[1])


def pull_into(
    here: Repository,
    there: Repository,
    branches: Iterable[str] | None,
    tags: bool,
    strategy: str | None,
    verify: bool,
    progress: Progress | None,
) -> Sent:
    """See `Repository.pull`."""
    theirs = there.branches()
    names = list(branches) if branches is not None else [here.branch_name or ""]
    missing = [name for name in names if name not in theirs]
    if missing:
        raise NotFound(
            f"{there.url} has no branch {missing[0]!r}; it has {', '.join(theirs) or 'none yet'}.",
            name=missing[0],
            nearest=list(theirs),
        )
    wanted = {name: theirs[name] for name in names}
    with Lease(here._place) as lease:
        objects, nbytes = send(
            there._history,
            here._history,
            here._place,
            wanted.values(),
            verify=verify,
            progress=progress,
            lease=lease,
        )
        for name, commit in wanted.items():
            _bring_up_to_date(here, name, commit, strategy)
        sent_tags, more = _send_tags(there, here, lease, force=False) if tags else ({}, (0, 0))
    here._tidy()
    return Sent(wanted, sent_tags, objects + more[0], nbytes + more[1])


def _names(here: Repository, branches: Iterable[str] | None) -> list[str]:
    known = here.branches()
    names = list(branches) if branches is not None else [here.branch_name or ""]
    for name in names:
        if name not in known:
            raise NotFound(
                f"There is no branch {name!r} to push; there is {', '.join(known) or 'none yet'}.",
                name=name,
                nearest=list(known),
            )
    return names


def _fast_forward(there: Repository, name: str, commit: str, *, force: bool) -> None:
    while True:
        seen = there._heads.read(name)
        if seen.commit == commit:
            return
        behind = seen.commit is None or seen.commit in there._history.ancestors(commit)
        if not behind and not force:
            raise WeightsError(
                f"The branch {name!r} at {there.url} has commits that this repository has not. "
                "Pull first, or force to overwrite it."
            )
        if there._heads.move(seen, commit, reason="push"):
            return


def _bring_up_to_date(here: Repository, name: str, commit: str, strategy: str | None) -> None:
    from anew.weights.combine import merge

    before = here._branch
    here._branch = name
    try:
        merge(here, commit, strategy, f"Merge the pulled {name}")
    finally:
        here._branch = before


def _send_tags(
    source: Repository, target: Repository, lease: Lease, *, force: bool
) -> tuple[dict[str, str], tuple[int, int]]:
    """Send tags that the target has not, when their commits are there or can be sent."""
    present = target.tags()
    wanted = {
        n: c
        for n, c in source.tags().items()
        if present.get(n) != c and (force or n not in present)
    }
    if not wanted:
        return {}, (0, 0)
    moved = send(source._history, target._history, target._place, wanted.values(), lease=lease)
    for name, commit in wanted.items():
        ref = source._tags.read(name)
        target._tags.move(target._tags.read(name), commit, reason="push", message=ref.message)
    return wanted, moved
