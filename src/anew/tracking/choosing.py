"""Which experiment an opening is: a new one, or one that is there.

Running a program again makes a new experiment. One that is there is opened only by the processes of its own launch,
by what this program or the one that started it has open, or because that was asked for: by `resume`, or by a launcher
that starts the same job again.
"""

from __future__ import annotations

import time

from ..errors import NotFound
from ..journal.liveness import boot_id, host_name, pid_space
from ..record.ids import ID_LENGTH, id_from_bytes, new_id
from .identity import Known, Named, Place, find_by_id
from .launches import ancestors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ..journal.layout import RootLayout
    from ..record.fold import ExperimentState
    from .launches import Launch
    from .recording import Recording

__all__ = ["Wish", "choose"]

WAIT_SECONDS = 60.0
LOOK_EVERY = 0.5
_NEWEST = 8  # of one prefix, for which a program that started this one may still be there


class Wish:
    """What is asked for.

    Attributes:
        resume: "never", "auto", "allow", "must", or an id.
        launch: The launch of this process.
        ordinal: How many openings of that name this process made before.
        label: What a writer of this process is called.
    """

    __slots__ = ("label", "launch", "ordinal", "resume")

    def __init__(self, resume: str, launch: Launch, ordinal: int, label: str) -> None:
        self.resume = resume
        self.launch = launch
        self.ordinal = ordinal
        self.label = label

    @property
    def job(self) -> str:
        """The job as writers name it: the same opening of the same program in it."""
        return f"{self.launch.job}#{self.ordinal}" if self.launch.job else ""


def choose(
    root: RootLayout,
    named: Named | None,
    wish: Wish,
    open_here: Iterable[Recording],
    say: Callable[[str], None],
) -> Place:
    """The place of an opening. A new one may be taken by another process meanwhile: then choose again.

    Args:
        named: What it is called; None where `resume` is an id.
        open_here: What this process has open.
        say: Tells the user what they wait for.

    Raises:
        NotFound: `resume` asks for an experiment that is not there.
    """
    if named is None:
        return _by_id(root, wish, open_here, say)
    known = named.known() if named.prefix or wish.launch.token or wish.resume != "never" else []
    here = {recording.prefix: recording for recording in open_here}
    for one in known:
        if one.prefix in here and (named.prefix or wish.resume != "never"):
            return _beside(root, here[one.prefix])
    found = _of_this_launch(root, named, known, wish)
    if found is not None and not found.is_new:
        return found
    if (again := _of_this_job(root, known, wish)) is not None:
        return again
    if wish.resume == "must" and not known:
        raise NotFound(
            f"resume='must', but there is no experiment {named.prefix or named.name!r} in {root.root}. Use resume='allow' to begin one.",
            name=named.prefix or named.name,
        )
    for one in known[:_NEWEST]:
        if (outer := _around(root, one)) is not None:
            return outer
    if known and wish.resume != "never":
        continued = _continued(root, known[0], wish, found, say)
        if continued is not None:
            return continued
    return found or named.place(known, new_id(), new_id())


def _beside(root: RootLayout, recording: Recording) -> Place:
    """What this process has open already gets a second handle."""
    return Place(
        root,
        recording.prefix,
        recording.name,
        recording.experiment_id,
        recording.opening,
        joins=True,
    )


def _of_this_launch(root: RootLayout, named: Named, known: list[Known], wish: Wish) -> Place | None:
    """The experiment that the processes of one launch share; None for a process without a launch.

    Where its processes are called differently, one of the same name that has been in that opening means that the same
    was started again, under a token that does not tell the two starts apart: then a further one is meant.
    """
    token = wish.launch.token
    if not token:
        return None
    ids = {one.id: one for one in known}
    again = 0
    while True:
        text = f"{token}\0{named.key}\0{wish.ordinal}\0{again}"
        experiment_id = _shared_id(text)
        opening = _shared_id(f"{text}\0{wish.launch.restarts}")
        there = ids.get(experiment_id)
        if there is None:
            return named.place(known, experiment_id, opening)
        mine = (line for _, line in there.opened(wish.label) if line.get("opening") == opening)
        if not wish.launch.distinct or next(mine, None) is None:
            return _place_of(root, there, opening, all_over=wish.launch.restarts > 0)
        again += 1


def _of_this_job(root: RootLayout, known: list[Known], wish: Wish) -> Place | None:
    if not (wish.job and wish.launch.restarts):
        return None
    for one in known:
        if any(line.get("job") == wish.job for _, line in one.opened()):
            return _place_of(root, one, new_id(), all_over=True)
    return None


def _around(root: RootLayout, known: Known) -> Place | None:
    """The experiment that a program which started this one has open."""
    above: dict[int, int] | None = None
    for writer, line in known.opened():
        if (line.get("host"), line.get("boot"), line.get("pid_space")) != (
            host_name(),
            boot_id(),
            pid_space(),
        ):
            continue
        above = ancestors() if above is None else above
        pid = line.get("pid")
        started = above.get(pid, 0) if isinstance(pid, int) else 0
        if started and started == line.get("pid_started") and not known.has_ended(writer):
            found = _place_of(root, known, str(line.get("opening") or writer))
            found.joins = True
            return found
    return None


def _by_id(
    root: RootLayout, wish: Wish, open_here: Iterable[Recording], say: Callable[[str], None]
) -> Place:
    for recording in open_here:
        if recording.experiment_id == wish.resume:
            return _beside(root, recording)
    found = find_by_id(root, wish.resume)
    if found is None:
        raise NotFound(
            f"resume={wish.resume!r}, but no experiment in {root.root} has that id.",
            name=wish.resume,
        )
    if (outer := _around(root, found)) is not None:
        return outer
    _wait(found, wish, say)
    return _place_of(root, found, _opening_of(found, wish))


def _continued(
    root: RootLayout, known: Known, wish: Wish, shared: Place | None, say: Callable[[str], None]
) -> Place | None:
    """The last one, where `resume` says that it is to be continued; None for a new one."""
    opening = shared.opening if shared is not None else new_id()
    if shared is not None and any(line.get("opening") == opening for _, line in known.opened()):
        return _place_of(root, known, opening)  # another rank has continued it
    if wish.resume != "allow":
        _wait(known, wish, say)
    if wish.resume == "auto" and not _was_interrupted(known):
        return None
    return _place_of(root, known, opening)


def _opening_of(known: Known, wish: Wish) -> str:
    if not wish.launch.token:
        return new_id()
    launch = wish.launch
    return _shared_id(f"{launch.token}\0{known.id}\0{wish.ordinal}\0{launch.restarts}")


def _wait(known: Known, wish: Wish, say: Callable[[str], None]) -> None:
    """Wait until an experiment that may still be running elsewhere has ended, or for so long that it must have."""
    deadline = time.monotonic() + WAIT_SECONDS
    told = False
    while time.monotonic() < deadline:
        state, certain = _look(known)
        if state.ended_at is not None or certain or not state.writers:
            return
        if wish.launch.job and known.lead().get("job") == wish.job:
            return
        if not told:
            told = True
            say(
                f"{known.prefix} may still be running on another machine; waiting up to {WAIT_SECONDS:.0f} s for its end …"
            )
        time.sleep(LOOK_EVERY)


def _look(known: Known) -> tuple[ExperimentState, bool]:
    """What is there, and whether a process that has it open runs for certain."""
    from ..journal.follow import read_events
    from ..journal.vanished import gone_writers, settle
    from ..record.fold import fold

    state = fold(read_events(known.layout.folder))
    # What this process has open was found before, without a look at the files.
    settle(state, gone_writers(known.layout.folder, state, replaced=True))
    here = (host_name(), boot_id(), pid_space())
    certain = any(
        w.ended_at is None and (w.opened.host, w.opened.boot, w.opened.pid_space) == here
        for w in state.deciding()
    )
    return state, certain


def _was_interrupted(known: Known) -> bool:
    from ..record.status import Status

    state, _ = _look(known)
    status, _ = state.outcome()
    if status is Status.FAILED:
        return any(w.by == "reader" for w in state.deciding() if w.status is Status.FAILED)
    return status is Status.CANCELLED


def _place_of(root: RootLayout, known: Known, opening: str, *, all_over: bool = False) -> Place:
    name = known.prefix.rsplit("/", 1)[-1]
    return Place(root, known.prefix, name, known.id, opening, all_over=all_over)


def _shared_id(text: str) -> str:
    """An id that every process of a launch derives alike."""
    import hashlib

    return id_from_bytes(hashlib.sha256(text.encode("utf-8", "replace")).digest()[:ID_LENGTH])
