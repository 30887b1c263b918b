"""Pushing beside the programs of a machine, from the first opening until nothing is left to push."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from ..journal.drive import Backoff
from ..journal.follow import read_events
from ..journal.layout import RootLayout
from ..journal.liveness import runs
from ..journal.stopping import Stopping
from ..journal.vanished import gone_writers, write_down
from ..record.fold import fold
from ..syncing.outbox import Behind, Outbox, Registered, State
from .outcome import Left, Outcome, Pass

__all__ = ["Beside"]

POLL_SECONDS = 0.4
LOOK_SECONDS = 0.05
# Seconds that what earlier programs left is pushed at a time: then those that record have their turn again.
TURN_SECONDS = 5.0
LONGEST_WAIT = 30.0
REFUSED_WAIT = 60.0
# Seconds that a server which does not answer is tried after the last program has ended.
PATIENCE = 600.0
_MOST_LISTED = 1000
_GONE_EVERY = 2.0


class _Entry:
    """An experiment of the outbox: when it was last registered, and which processes of this machine have it open."""

    __slots__ = ("live", "prefix", "t")

    def __init__(self, prefix: str, t: float) -> None:
        self.prefix = prefix
        self.t = t
        self.live: set[tuple[int, int]] = set()


class Beside:
    """The work of the process beside the programs; it holds the outbox's lock all the while.

    Args:
        outbox: What to push, and where the state is written.
        push: Makes one pass.
        free: Frees local copies that have stayed long enough; called now and then.
        patience: Seconds that a server which does not answer is tried after the last program has ended.

    Attributes:
        offset: Up to where the outbox was read; `seen` how long it was then: a line that nobody finishes may be left.
        stopped: Whether it was told to stop.
    """

    def __init__(
        self,
        outbox: Outbox,
        push: Pass,
        free: Callable[[], object] = lambda: None,
        *,
        patience: float = PATIENCE,
    ) -> None:
        self._outbox = outbox
        self._push = push
        self._free = free
        self._patience = patience
        self._entries: dict[str, _Entry] = {}
        self._undone: set[str] = set()
        self._contact: float | None = None
        self._backoff = Backoff(LONGEST_WAIT)
        self._stopping = Stopping()
        self._looked_for_gone = 0.0
        self.offset = 0
        self.seen = 0
        self.stopped = False

    def run(self) -> None:
        """Push until nothing is left, or the server has not answered for too long after the last program's end."""
        self._take_backlog()
        well = time.monotonic()
        while True:
            self._take_in()
            mark = self.offset
            self._look_for_gone()
            live = {one for one in self._undone if self._entries[one].live}
            outcome = self._pass(live)
            if outcome.reached:
                self._contact = time.time()
            self._settle(outcome)
            self._write(outcome, mark)
            self._stop_programs(outcome)
            if outcome.error:
                pause = self._backoff.failed() if outcome.waits else REFUSED_WAIT
                if not live and (not outcome.waits or time.monotonic() - well > self._patience):
                    break
            else:
                self._backoff.worked()
                well = time.monotonic()
                pause = POLL_SECONDS
                if self._all_is_there(outcome) and self._outbox.size() <= self.seen:
                    break
            if live:
                well = time.monotonic()
            if self.stopped or not os.path.isdir(self._outbox.folder):
                break  # the root was removed: there is nothing left to push
            self._pause(pause)
        if not self.stopped and os.path.isdir(self._outbox.folder):
            self._free()

    def stop(self) -> None:
        """End soon; what is left is pushed later."""
        self.stopped = True

    def _pass(self, live: set[str]) -> Outcome:
        """One pass: what is being recorded first, then the rest for a while, so that neither waits long for the other."""
        newest = sorted(self._undone, key=lambda one: (-self._entries[one].t, one))
        experiments = {one: self._entries[one].prefix for one in newest}
        now = {one: prefix for one, prefix in experiments.items() if one in live}
        rest = {one: prefix for one, prefix in experiments.items() if one not in live}
        if not rest:
            return self._push(now, now, lambda: self.stopped)
        first = self._push(now, now, lambda: self.stopped) if now else Outcome()
        if first.error:
            return first
        until = time.monotonic() + TURN_SECONDS
        then = self._push(rest, {}, lambda: self.stopped or time.monotonic() > until)
        return Outcome(
            reached=then.reached,
            error=then.error,
            waits=then.waits,
            left={**first.left, **then.left},
            deleted=first.deleted | then.deleted,
            filed={**first.filed, **then.filed},
            stops=first.stops,
            pushed=first.pushed + then.pushed,
        )

    # -- what there is to push ----------------------------------------------------------------------

    def _take_backlog(self) -> None:
        """What earlier programs of this machine left, also before it was restarted."""
        done = self._outbox.done()
        for one in self._outbox.of_this_machine():
            entry = self._entries.setdefault(one.experiment_id, _Entry(one.prefix, one.t))
            entry.t = max(entry.t, one.t)
        self._undone = {
            one for one, entry in self._entries.items() if one not in done or done[one].t < entry.t
        }

    def _take_in(self) -> None:
        self.seen = self._outbox.size()
        found, self.offset = self._outbox.registered(self.offset)
        for one in found:
            self._note(one)
        if found:
            done = self._outbox.done()
            for one in found:
                known = done.get(one.experiment_id)
                if known is None or known.t < one.t:
                    self._undone.add(one.experiment_id)

    def _note(self, one: Registered) -> None:
        entry = self._entries.setdefault(one.experiment_id, _Entry(one.prefix, one.t))
        entry.prefix, entry.t = one.prefix, max(entry.t, one.t)
        who = one.pid, one.started
        if one.kind == "opened":
            if runs(*who) is not False:
                entry.live.add(who)
        else:
            entry.live.discard(who)

    def _look_for_gone(self) -> None:
        """Write down the ends of programs that vanished: nobody on the server can see that they did."""
        if time.monotonic() - self._looked_for_gone < _GONE_EVERY:
            return
        self._looked_for_gone = time.monotonic()
        root = RootLayout(self._outbox.root.root)
        for experiment_id, entry in self._entries.items():
            gone = {who for who in entry.live if runs(*who) is False}
            if not gone:
                continue
            layout = root.experiment(entry.prefix)
            try:
                found = gone_writers(layout.folder, fold(read_events(layout.folder)))
                write_down(root, layout, experiment_id, found)
            except OSError:
                continue  # the next look tries again
            if all(one.certain for one in found):
                entry.live -= gone

    # -- what came of it ------------------------------------------------------------------------------

    def _settle(self, outcome: Outcome) -> None:
        """Note what the server has all of now."""
        if outcome.error:
            return
        for one in sorted(self._undone):
            gone = one in outcome.deleted
            if (one not in outcome.left or gone) and not self._entries[one].live:
                try:
                    if gone:
                        self._outbox.note_deleted(one)
                    else:
                        self._outbox.note_done(one, outcome.filed.get(one, ""))
                except OSError:
                    return  # the disk is full: looked at again
                self._undone.discard(one)

    def _all_is_there(self, outcome: Outcome) -> bool:
        """Whether nothing more can come of this process: what stays behind is refused by the server."""
        return all(
            one in outcome.left and outcome.left[one].why and not self._entries[one].live
            for one in self._undone
        )

    def _write(self, outcome: Outcome, mark: int) -> None:
        left = dict(outcome.left)
        if outcome.error:
            left = {one: left.get(one, Left(0)) for one in self._undone}
        newest = sorted(
            left, key=lambda one: -self._entries[one].t if one in self._entries else 0.0
        )
        behind = {one: Behind(left[one].bytes, left[one].why) for one in newest[:_MOST_LISTED]}
        state = State(
            t=time.time(),
            pid=os.getpid(),
            through=mark,
            contact=self._contact,
            error=outcome.error,
            waits=outcome.waits,
            behind=behind,
            count=len(left),
        )
        try:
            self._outbox.save(state)
        except OSError:
            pass  # it is only told; the next pass writes it again

    def _stop_programs(self, outcome: Outcome) -> None:
        for experiment_id, asked in outcome.stops.items():
            entry = self._entries.get(experiment_id)
            if entry is not None:
                self._stopping.ask(entry.live, asked.t)
        self._stopping.go_on()

    def _pause(self, seconds: float) -> None:
        """Wait, but not when a program opens or ends something."""
        until = time.monotonic() + seconds
        while not self.stopped and self._outbox.size() == self.seen:
            left = until - time.monotonic()
            if left <= 0:
                return
            time.sleep(min(LOOK_SECONDS, left))
