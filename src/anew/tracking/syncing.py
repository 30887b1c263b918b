"""Having what this process records pushed to a server, and waiting for that at the end of the program."""

from __future__ import annotations

import os
import sys
import time

from ..errors import NotFound
from ..journal.layout import RootLayout
from ..monitor.ticker import process_ticker
from ..syncing.outbox import Outbox
from .identity import find_by_id
from .recording import AT_EXIT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ..monitor.ticker import Handle
    from ..syncing.outbox import State
    from .choosing import Wish
    from .identity import Named
    from .recording import Recording

__all__ = ["Syncing", "begin_syncing", "end_syncing", "fetch_to_continue", "fetch_weights"]

WAIT = 10.0
WAIT_WHERE_LOST = 300.0
FETCH_WAIT = 60.0
# Before this, waiting for what is left needs no explanation.
_SOON = 1.0
_LOOK_EVERY = 0.02
_STARTS = 5  # of the process that pushes in one wait: one that cannot run is not started for ever
_FIRST_LOOK = 2.0
_LOOKS_EVERY = 10.0
_QUIET_AFTER = (
    3.0  # seconds without a word of the process that pushes, after which it is looked for again
)


class Syncing:
    """What this process has to be pushed from one root to one server.

    Attributes:
        mark: How many bytes the outbox had when the last thing was registered.
        ids: The experiments that this process opened, each with its prefix.
    """

    def __init__(self, outbox: Outbox, recording: Recording) -> None:
        self.outbox = outbox
        self.pid = os.getpid()
        self.mark = 0
        self.ids: dict[str, str] = {}
        settings = recording.settings
        self.is_on = settings.sync == "on"
        self.wait_seconds = settings.sync_wait
        self.speaks = False
        self.quiet = settings.quiet
        self.say: Callable[[str], None] = recording.say
        self.began = time.time()
        self._told = False
        self._failed = ""
        self._watch: Handle | None = None

    def register(self, kind: str, recording: Recording) -> None:
        """Have an experiment taken in by the process that pushes."""
        try:
            self.mark = self.outbox.register(
                kind,
                recording.experiment_id,
                recording.prefix,
                recording.settings.keep_seconds,
            )
        except OSError as error:
            self._fail(error)

    def begin(self) -> None:
        """Start the process that pushes soon, in the background, and tell the user if the server does not answer."""
        if not self.is_on:
            return
        process_ticker().add(self.ensure, None, 0.05, name="starting the process that pushes")
        if self._watch is None and not self.quiet:
            self._watch = process_ticker().add(
                self.look, _LOOKS_EVERY, first_after=_FIRST_LOOK, name="looking at what was pushed"
            )

    def ensure(self) -> None:
        """Start the process that pushes, unless there is one."""
        from ..syncing.launch import ensure

        try:
            ensure(self.outbox)
        except OSError as error:
            self._fail(error)

    def _fail(self, error: OSError) -> None:
        if not self._failed:
            self._failed = str(error)
            self.tell(
                f"nothing is pushed to {self.outbox.server} in the background: {error}. "
                "The records are kept on this machine."
            )

    def look(self) -> None:
        """Tell the user, once, if nothing can be pushed; stop looking once the server has answered."""
        state = self.outbox.state()
        if state is None or state.t < self.began:
            return
        if state.error:
            if not self._told:
                self._told = True
                self.tell(
                    f"nothing is pushed to {self.outbox.server} yet: {state.error} The records are kept in "
                    f"{self.outbox.root.root}, and the program goes on"
                )
        elif state.contact is None or state.contact < self.began:
            return
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None

    def tell(self, line: str) -> None:
        """Print a line, if this is the process that speaks."""
        if self.speaks and not self.quiet:
            self.say(line)

    # -- the end ----------------------------------------------------------------------------------

    def finish(self) -> None:
        """Wait for what is still being pushed, at most as long as the settings say, and tell what is left."""
        if os.getpid() != self.pid or not self.ids:
            return
        if self._watch is not None:
            self._watch.cancel()
        from ..syncing.disk import why_lost

        lost = why_lost(self.outbox.root.root, os.environ)
        if not (self.speaks or lost):
            return  # another process of the launch waits
        state: State | None = None
        left_early = False
        if self.is_on and not self._failed:
            self.ensure()
            seconds = self.wait_seconds
            if isinstance(seconds, str):  # "auto"
                seconds = WAIT_WHERE_LOST if lost else WAIT
            try:
                state = self._wait(seconds, lost)
            except KeyboardInterrupt:
                left_early = True
                state = self.outbox.state()
        for line in self._lines(state, lost, left_early):
            if self.speaks and (lost or not self.quiet):
                self.say(line)

    def _wait(self, seconds: float, lost: str) -> State | None:
        began = time.monotonic()
        told = False
        heard, changed, starts = began, -1.0, 0
        while True:
            state = self.outbox.state()
            now = time.monotonic()
            if state is not None and state.t != changed:
                heard, changed = now, state.t
            if state is not None and state.through >= self.mark:
                if not self._behind(state):
                    return state
                # Where the disk stays, what waits for the server can be pushed any time later.
                if state.error and not (state.waits and lost):
                    return state
            if now - began >= seconds:
                return state
            if now - heard > _QUIET_AFTER and starts < _STARTS:
                heard, starts = now, starts + 1
                self.ensure()
            if not told and now - began > _SOON:
                told = True
                why = f"; this disk is lost when the program ends: {lost}" if lost else ""
                self.tell(
                    f"pushing what is left to {self.outbox.server}, for up to {seconds:g} s{why} (Ctrl-C leaves at once) …"
                )
            time.sleep(min(_LOOK_EVERY, max(0.0, seconds - (now - began))))

    def _behind(self, state: State) -> dict[str, int]:
        """The bytes that are still to be pushed of this process's experiments."""
        return {one: found.bytes for one, found in state.behind.items() if one in self.ids}

    def _lines(self, state: State | None, lost: str, left_early: bool) -> list[str]:
        server, root = self.outbox.server, self.outbox.root.root
        known = state is not None and state.through >= self.mark
        behind = self._behind(state) if state is not None else {}
        if known and not behind:
            what = f"{len(self.ids)} experiments " if len(self.ids) > 1 else ""
            return [f"{what}pushed to {server}"]
        # Of what the pushing process has not looked at since the end, how much is left is not known.
        left = list(behind) if known else list(self.ids)
        what = self.ids[left[0]] if len(left) == 1 else f"{len(left)} experiments"
        size = sum(behind.values()) if known else 0
        why = self._why(state)
        lines = [
            f"{what} {'is' if len(left) == 1 else 'are'} not all on {server} yet"
            f"{f' ({_size(size)} left)' if size else ''}{f': {why}' if why else ''}"
        ]
        if lost:
            lines.append(
                f"WARNING: {root} is lost with this job or container: {lost}. Copy it to a disk that stays, or push it before that"
            )
        goes_on = self.is_on and not lost and (state is None or not state.error or state.waits)
        again = "pushing goes on in the background; " if goes_on and not left_early else ""
        lines.append(f"{again}push it with: anew sync {_quoted(root)}")
        return lines

    def _why(self, state: State | None) -> str:
        if not self.is_on:
            return "sync is off"
        if state is None:
            return ""
        reasons = [
            found.why for one, found in state.behind.items() if one in self.ids and found.why
        ]
        return (state.error or next(iter(reasons), "")).rstrip(".")


def _size(count: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000 or unit == "GB":
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    raise AssertionError("unreachable: the last unit returns")


def _quoted(text: str) -> str:
    import shlex

    return shlex.quote(text)


_all: dict[tuple[str, str], Syncing] = {}


def begin_syncing(recording: Recording, server: str) -> None:
    """Have an experiment that was opened pushed to a server, from its first record on."""
    key = recording.root.root, server
    found = _all.get(key)
    if found is None or found.pid != os.getpid():
        outbox = Outbox(RootLayout(recording.root.root), server)
        found = _all[key] = Syncing(outbox, recording)
    if _finish_all not in AT_EXIT:
        AT_EXIT.append(_finish_all)
    if recording.continued:
        recording.step_elsewhere = found.outbox.fetched_step(recording.experiment_id)
    leads = recording.leads and not recording.joins
    found.speaks = found.speaks or leads
    found.ids[recording.experiment_id] = recording.prefix
    found.register("opened", recording)
    if leads:
        recording.captures("sync", {"to": server}, clean=True)
    # Of the ranks of a machine, one starts the process; that they all may is for those that are alone.
    if recording.rank.local_rank in (None, 0):
        found.begin()


def fetch_to_continue(
    root: RootLayout, server: str, called: Named | None, wish: Wish, say: Callable[[str], None]
) -> None:
    """Fetch what is needed to continue an experiment that does not lie here, and wait for the server a while.

    Raises:
        NotFound: It must be continued, and the server cannot be asked.
    """
    again = bool(wish.job and wish.launch.restarts)
    if wish.resume == "never" and not again:
        return
    if called is None:
        ref = wish.resume
        if find_by_id(root, ref) is not None:
            return
    elif called.prefix and not called.known():
        ref = called.prefix
    else:
        return
    from ..syncing.fetch import fetch

    must = called is None or wish.resume == "must"
    say(f"looking for {ref} on {server}, to continue it …")
    found = fetch(Outbox(root, server), ref, interrupted=wish.resume == "auto", patience=FETCH_WAIT)
    if not found.error:
        return
    if must:
        raise NotFound(
            f"resume={wish.resume!r}, but {ref} is not in {root.root}, and {server} cannot be asked for it: {found.error}",
            name=ref,
        )
    say(
        f"warning: {server} cannot be asked whether {ref} is to be continued: {found.error} A new experiment begins"
    )


def fetch_weights(
    root: RootLayout, server: str, experiment_id: str, say: Callable[[str], None]
) -> None:
    """Fetch the weights of an experiment that was recorded elsewhere, where the server has any; what fails is said."""
    from ..syncing.fetch import fetch_weights as fetch

    say(f"looking for the weights of {experiment_id} on {server} …")
    error = fetch(Outbox(root, server), experiment_id, patience=FETCH_WAIT)
    if error:
        say(
            f"warning: the weights cannot be fetched: {error} What is committed now begins a line of its own"
        )


def end_syncing(recording: Recording, server: str) -> None:
    """Say that this process has ended an experiment; the rest is pushed without it."""
    found = _all.get((recording.root.root, server))
    if found is not None and found.pid == os.getpid():
        found.register("ended", recording)


def _finish_all() -> None:
    for found in list(_all.values()):
        try:
            found.finish()
        except KeyboardInterrupt:
            return
        except Exception as error:  # noqa: BLE001  (the exit goes on)
            print(f"anew: {type(error).__name__}: {error}", file=sys.__stderr__)
