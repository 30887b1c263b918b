"""One pass of pushing to a server: what is new, and that it is being recorded."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator, Mapping

from ..credentials import token_for
from ..errors import AnewError
from ..journal.layout import ExperimentLayout, is_experiment
from ..journal.liveness import boot_id, host_name, pid_space, runs
from ..record.plain import parse_json
from ..sync.push import Pushed, Pusher, open_pusher
from ..sync.wire import Lease
from ..syncing.outbox import Outbox
from .outcome import DELETED, Asked, Left, Outcome, Pass

__all__ = ["LEASE_SECONDS", "Passing", "pass_to"]

LEASE_SECONDS = 5.0
"""Seconds after which the server is told again that an experiment is being recorded."""
_MOST_LINE = 1 << 24
_REMEMBERED = 8


class Passing:
    """Passes to one server, with what is worth keeping between them: connections, and when nothing was new."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._pusher: Pusher | None = None
        self._leased_at = -LEASE_SECONDS
        self._leased: frozenset[str] = frozenset()
        self._seen: dict[frozenset[str], tuple[object, float]] = {}

    def __call__(
        self,
        experiments: Mapping[str, str],
        live: Mapping[str, str],
        stop: Callable[[], bool],
        told: Callable[[int], object] = lambda count: None,
    ) -> Outcome:
        """See `Pass`."""
        try:
            if not experiments:
                return Outcome()
            ids, seen = frozenset(experiments), self._signature(experiments)
            before, at = self._seen.pop(ids, (None, 0.0))
            if seen == before and time.monotonic() - at < LEASE_SECONDS:
                self._seen[ids] = before, at
                return Outcome()
            pusher = self._open()
            pushed = self._push(pusher, experiments, stop, told)
            stops = self._lease(pusher, live)
        except AnewError as error:  # before OSError: a refusal is one, too
            self.close()  # the next pass may have another token
            # An error without a class of its own is one within the server, which may be mended or started again.
            return Outcome(error=str(error), waits=type(error) is AnewError)
        except OSError as error:
            return Outcome(reached=False, error=str(error), waits=True)
        outcome = _outcome(pushed, experiments, stops)
        if not outcome.left:
            if len(self._seen) > _REMEMBERED:
                self._seen.clear()
            self._seen[ids] = seen, time.monotonic()
        return outcome

    def _open(self) -> Pusher:
        if self._pusher is None:
            server = self._outbox.server
            self._pusher = open_pusher(self._outbox.root.root, server, token=token_for(server))
        return self._pusher

    def _push(
        self,
        pusher: Pusher,
        experiments: Mapping[str, str],
        stop: Callable[[], bool],
        told: Callable[[int], object],
    ) -> Pushed:
        root = self._outbox.root
        there = {p: None for p in experiments.values() if is_experiment(root.experiment(p).folder)}
        moved = len(there) < len(set(experiments.values()))
        return pusher.run(
            ids=experiments.keys(),
            prefixes=None if moved else list(there),
            stop=stop,
            progress=lambda progress: told(progress.experiments),
        )

    def _lease(self, pusher: Pusher, live: Mapping[str, str]) -> dict[str, Asked]:
        now, ids = time.monotonic(), frozenset(live)
        if not live or (ids <= self._leased and now - self._leased_at < LEASE_SECONDS):
            return {}
        leases = []
        for one, prefix in live.items():
            writers = _alive(self._outbox.root.experiment(prefix))
            if writers:
                leases.append(Lease(id=one, writers=writers))
        if not leases:
            return {}
        renewed = pusher.server.lease(leases)
        self._leased_at, self._leased = now, ids
        return {
            lease.id: Asked(answer.stop.by, answer.stop.at)
            for lease, answer in zip(leases, renewed, strict=True)
            if answer.stop is not None
        }

    def _signature(self, experiments: Mapping[str, str]) -> object:
        """What changes when something is new here: the sizes and times of the experiments' segments."""
        found = []
        for prefix in experiments.values():
            folder = self._outbox.root.experiment(prefix).folder
            for inside in ("journal", "metrics", "logs"):
                with contextlib.suppress(OSError), os.scandir(os.path.join(folder, inside)) as entries:  # fmt: skip
                    for entry in entries:
                        found.append((entry.path, entry.stat().st_size))
        return sorted(found)

    def close(self) -> None:
        """Close the connections."""
        if self._pusher is not None:
            self._pusher.close()
            self._pusher = None


def _outcome(pushed: Pushed, experiments: Mapping[str, str], stops: dict[str, Asked]) -> Outcome:
    prefixes = {prefix: one for one, prefix in experiments.items()}
    left: dict[str, Left] = {}
    for one, why in pushed.behind.items():
        left[prefixes.get(one, one)] = Left(0, "" if one in experiments else why)
    for one, why in pushed.refused.items():
        left[one] = Left(0, why)
    for one, names in pushed.conflicts.items():
        shown = ", ".join(names[:3]) + (" …" if len(names) > 3 else "")
        left[one] = Left(0, f"the server has other bytes of {shown}; it keeps these beside them")
    for one in pushed.deleted:
        left[one] = Left(0, DELETED)
    return Outcome(
        left=left,
        deleted=frozenset(pushed.deleted),
        filed=pushed.filed,
        stops=stops,
        pushed=pushed.bytes + pushed.file_bytes,
    )


def _alive(layout: ExperimentLayout) -> tuple[str, ...]:
    """The writers of an experiment whose processes run on this machine."""
    here = host_name(), boot_id(), pid_space()
    found = []
    for writer in layout.writers():
        try:
            with open(layout.events(writer), "rb") as file:
                line = parse_json(file.readline(_MOST_LINE))
            if (line.get("host"), line.get("boot"), line.get("pid_space")) != here:
                continue
            if runs(int(line["pid"]), int(line.get("pid_started") or 0)):
                found.append(writer)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            continue
    return tuple(found)


@contextlib.contextmanager
def pass_to(outbox: Outbox) -> Iterator[Pass]:
    """Passes to the server of an outbox."""
    passing = Passing(outbox)
    try:
        yield passing
    finally:
        passing.close()
