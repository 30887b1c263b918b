"""Pushing on request: what `anew sync` does."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass

from ..journal.layout import RootLayout
from ..journal.liveness import runs
from ..journal.lock import locked
from ..syncing.launch import ensure
from ..syncing.outbox import Outbox
from .freeing import free_copies
from .outcome import DELETED, Left, Outcome
from .passing import pass_to
from .standing import Pending

__all__ = ["Synced", "sync", "sync_root"]

_LOOK_EVERY = 0.05
_LOCK_WAIT = 0.5

Progress = Callable[[int, int], None]
"""Called with how many experiments the server has all of, and of how many."""


@dataclass(frozen=True)
class Synced:
    """What pushing to one server came to.

    Attributes:
        to: The server.
        count: How many experiments it was about, without those that were deleted there.
        pushed: How many bytes went.
        error: Why nothing could be pushed; "".
        pending: What the server still does not have all of.
        deleted: What turned out to have been deleted there since this was last asked.
    """

    to: str
    count: int
    pushed: int
    error: str
    pending: tuple[Pending, ...]
    deleted: tuple[Pending, ...] = ()


def sync(
    outbox: Outbox,
    ids: Collection[str] | None = None,
    *,
    progress: Progress | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> Synced:
    """Push what was recorded for a server, or some experiments of that.

    Where a process beside a program pushes already, it is told to, and waited for.

    Raises:
        OSError: The root cannot be read or written.
    """
    found = sorted(outbox.everything(), key=lambda one: one.t)
    prefixes = {one.experiment_id: one.prefix for one in found}
    wanted = {one: prefixes.get(one, "") for one in (prefixes if ids is None else ids)}
    with locked(outbox.lock, _LOCK_WAIT) as ours:
        if ours:
            return _ourselves(outbox, wanted, progress, stop)
    return _through(outbox, wanted, progress, stop)


def _ourselves(
    outbox: Outbox, wanted: dict[str, str], progress: Progress | None, stop: Callable[[], bool]
) -> Synced:
    _, before = outbox.registered(outbox.size())
    news: frozenset[str] = frozenset()
    with pass_to(outbox) as push:
        outcome = push(wanted, {}, stop, _counting(progress, len(wanted)))
        if not outcome.error:
            free_copies(outbox, lambda experiments: push(experiments, {}, stop))
    if not outcome.error:
        live = _live(outbox)
        news = _note_deleted(outbox, outcome)
        done = outbox.done()
        newest = {
            one.experiment_id: one.t for one in sorted(outbox.everything(), key=lambda o: o.t)
        }
        for one in wanted:
            known = done.get(one)
            is_news = one in newest and (known is None or known.t < newest[one] or known.deleted)
            if is_news and one not in outcome.left and one not in live:
                outbox.note_done(one, outcome.filed.get(one, ""))
    if outbox.size() != before or _live(outbox):
        ensure(outbox)  # a program took us for the process that goes on pushing
    return synced(outbox.server, wanted, outcome, news)


def _through(
    outbox: Outbox, wanted: dict[str, str], progress: Progress | None, stop: Callable[[], bool]
) -> Synced:
    """Have the process beside the programs push, and wait for it."""
    mark = 0
    known = _deleted(outbox)
    for one, prefix in wanted.items():
        mark = outbox.register("asked", one, prefix)
    while not stop():
        state = outbox.state()
        if state is not None and state.through >= mark:
            behind = {one: Left(f.bytes, f.why) for one, f in state.behind.items() if one in wanted}
            gone = _deleted(outbox)
            if progress is not None:
                progress(len(wanted) - len(behind), len(wanted))
            if state.error or not behind or all(f.why for f in behind.values()):
                outcome = Outcome(error=state.error, waits=state.waits, left=behind, deleted=gone)
                return synced(outbox.server, wanted, outcome, gone - known)
        with locked(outbox.lock, 0.0) as ours:
            nobody_pushes = ours
        if nobody_pushes:
            return sync(outbox, wanted, progress=progress, stop=stop)
        time.sleep(_LOOK_EVERY)
    return synced(outbox.server, wanted, Outcome(error="it was interrupted"))


def _live(outbox: Outbox) -> set[str]:
    """The experiments that processes of this machine have open."""
    found: dict[str, set[tuple[int, int]]] = {}
    for one in outbox.registered()[0]:
        who = found.setdefault(one.experiment_id, set())
        if one.kind == "opened":
            who.add((one.pid, one.started))
        elif one.kind == "ended":
            who.discard((one.pid, one.started))
    return {id for id, who in found.items() if any(runs(*one) for one in who)}


def _deleted(outbox: Outbox) -> frozenset[str]:
    """What the server is known to have deleted."""
    return frozenset(id for id, one in outbox.done().items() if one.deleted)


def _note_deleted(outbox: Outbox, outcome: Outcome) -> frozenset[str]:
    """Note what was deleted on the server; what of that was not known."""
    news = outcome.deleted - _deleted(outbox)
    for one in sorted(news):
        outbox.note_deleted(one)
    return news


def synced(
    to: str, wanted: dict[str, str], outcome: Outcome, news: frozenset[str] = frozenset()
) -> Synced:
    """What a pass came to, for those who asked for it.

    Args:
        news: What of it was not known to have been deleted on the server.
    """
    left = {one: found for one, found in outcome.left.items() if one not in outcome.deleted}
    gone = outcome.deleted & wanted.keys()
    if outcome.error:
        left = {one: left.get(one, Left(0)) for one in wanted.keys() - gone}
    found = [Pending(id, wanted.get(id, ""), one.bytes, one.why) for id, one in left.items()]
    told = [Pending(id, wanted.get(id, ""), 0, DELETED) for id in sorted(news & gone)]
    count = len(wanted) - len(gone)
    return Synced(to, count, outcome.pushed, outcome.error, tuple(found), tuple(told))


def sync_root(
    root: RootLayout,
    server: str,
    ids: dict[str, str],
    *,
    progress: Progress | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> Synced:
    """Push experiments to a server that they were not recorded for; their local copies stay whatever comes.

    Args:
        ids: Their ids and prefixes.
    """
    outbox = Outbox(root, server)
    with pass_to(outbox) as push:
        outcome = push(ids, {}, stop, _counting(progress, len(ids)))
        return synced(server, ids, outcome, _note_deleted(outbox, outcome))


def _counting(progress: Progress | None, count: int) -> Callable[[int], object]:
    return lambda done: progress(done, count) if progress is not None else None
