"""push and pull of branches and tags between two repositories."""

from __future__ import annotations

from collections.abc import Iterable

from anew.errors import NotFound, WeightsError
from anew.weights.combine import merge
from anew.weights.history import History
from anew.weights.lease import Lease
from anew.weights.transfer import Progress, Sent, send

__all__ = ["pull_into", "push_from"]


def push_from(
    here: History,
    there: History,
    branches: Iterable[str],
    *,
    tags: bool,
    force: bool,
    progress: Progress | None,
) -> Sent:
    """Send branches and what they need; see `Repository.push`."""
    known = here.heads.commits()
    names = list(branches)
    for name in names:
        if name not in known:
            raise NotFound(
                f"There is no branch {name!r} to push; there is {', '.join(known) or 'none yet'}.",
                name=name,
                nearest=list(known),
            )
    wanted = {name: known[name] for name in names}
    with Lease(there.blobs) as lease:
        objects, nbytes = send(here, there, wanted.values(), progress=progress, lease=lease)
        for name, commit in wanted.items():
            _fast_forward(there, name, commit, force=force)
        sent_tags, more = _send_tags(here, there, lease, force=force) if tags else ({}, (0, 0))
    there.tidy()
    return Sent(wanted, sent_tags, objects + more[0], nbytes + more[1])


def pull_into(
    here: History,
    there: History,
    branches: Iterable[str],
    *,
    tags: bool,
    strategy: str | None,
    verify: bool,
    author: str | None,
    progress: Progress | None,
) -> Sent:
    """Fetch branches and merge them into those here; see `Repository.pull`."""
    theirs = there.heads.commits()
    names = list(branches)
    missing = [name for name in names if name not in theirs]
    if missing:
        raise NotFound(
            f"{there.blobs.url} has no branch {missing[0]!r}; it has {', '.join(theirs) or 'none yet'}.",
            name=missing[0],
            nearest=list(theirs),
        )
    wanted = {name: theirs[name] for name in names}
    with Lease(here.blobs) as lease:
        objects, nbytes = send(
            there, here, wanted.values(), verify=verify, progress=progress, lease=lease
        )
        for name, commit in wanted.items():
            merge(
                here,
                name,
                here.commit(commit),
                strategy=strategy,
                message=f"Merge the pulled {name}",
                author=author,
            )
        sent_tags, more = _send_tags(there, here, lease, force=False) if tags else ({}, (0, 0))
    here.tidy()
    return Sent(wanted, sent_tags, objects + more[0], nbytes + more[1])


def _fast_forward(there: History, name: str, commit: str, *, force: bool) -> None:
    while True:
        seen = there.heads.read(name)
        if seen.commit == commit:
            return
        behind = seen.commit is None or seen.commit in there.ancestors(commit)
        if not behind and not force:
            raise WeightsError(
                f"The branch {name!r} at {there.blobs.url} has commits that this repository has not. "
                "Pull first, or force to overwrite it."
            )
        if there.heads.move(seen, commit, reason="push"):
            return


def _send_tags(
    source: History, target: History, lease: Lease, *, force: bool
) -> tuple[dict[str, str], tuple[int, int]]:
    """Send tags that the target has not, when their commits are there or can be sent."""
    present = target.tags.commits()
    wanted = {
        name: commit
        for name, commit in source.tags.commits().items()
        if present.get(name) != commit and (force or name not in present)
    }
    if not wanted:
        return {}, (0, 0)
    moved = send(source, target, wanted.values(), lease=lease)
    for name, commit in wanted.items():
        ref = source.tags.read(name)
        target.tags.move(target.tags.read(name), commit, reason="push", message=ref.message)
    return wanted, moved
