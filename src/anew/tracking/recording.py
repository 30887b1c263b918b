"""One opening of an experiment by this process: from the claimed folder to the written end.

`Experiment` is what the user holds and says; a `Recording` is what is being done about it. It is also what
lives on in the registry, so that an exit, a fork or a heartbeat finds everything that is open.
"""

from __future__ import annotations

import atexit
import os
import sys
import threading
import time
import weakref

from ..errors import WriteFailed
from ..journal.layout import ExperimentLayout, RootLayout
from ..journal.liveness import runs
from ..journal.root import announce, make_root
from ..journal.writer import FORMAT_VERSION, LEAD, Writer
from ..record.plain import merge, to_plain
from ..record.secrets import mask_secrets, mask_text
from .background import Background, load_encoder_soon
from .documents import claim_identity, iso_time, read_identity, replace_document, write_json
from .ending import Program, describe
from .forks import fork_id, is_copy
from .leaving import unwatch_exit, watch_exit
from .ranks import Joined

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ..journal.vanished import Gone
    from ..record.events import Opened
    from ..record.fold import ExperimentState
    from ..settings import Settings
    from .identity import Place
    from .ranks import Rank

__all__ = ["AT_EXIT", "LIFE", "LIVE", "Recording", "Taken"]

LIVE: dict[int, Recording] = {}
# Called when an experiment of this process has begun, and when one ends and is no longer in LIVE; must not raise.
LIFE: list[Callable[[], None]] = []
# Called at the end of the program, once everything that it left open has been ended; must not raise.
AT_EXIT: list[Callable[[], None]] = []
DOCUMENT_EVERY = 1.0
ALONE_AFTER = 1.0  # seconds without a rank 0
_UNREAD = object()


class Taken(Exception):
    """Another process has made an experiment where a new one was to be made."""


class Recording:
    """The open segments, the documents and the background work of one opening.

    Args:
        root: The store's root.
        place: Where the experiment lies.
        rank: Which of several processes this is.
        settings: How to record.
        say: Prints a line for the user, where that is wanted.
        check: Called with this before anything is written to an experiment that is there; what it raises refuses
            the opening, which then leaves no trace.
        job: The job that a launcher may start again.

    Raises:
        Taken: Another process was quicker to make a new experiment here.
        WriteFailed: The folder cannot be made or written at all.
        UnknownFormat: The folder was written by a newer version.
    """

    def __init__(
        self,
        root: RootLayout,
        place: Place,
        rank: Rank,
        settings: Settings,
        say: Callable[[str], None],
        check: Callable[[Recording], None] = lambda recording: None,
        job: str = "",
    ) -> None:
        self.root = root
        self.layout: ExperimentLayout = place.layout
        self.rank = rank
        self.settings = settings
        self.say = say
        self.prefix = place.prefix
        self.name = place.name
        self.opening = place.opening
        self.opened_as = ""
        self.job = job
        self.joins = place.joins
        self.pid = os.getpid()
        self.opened_at = time.time()
        self.lost_elsewhere = 0
        self.about: dict[str, Any] = {
            "description": None, "notes": None, "tags": {}, "bindrs": [], "parent": None, "relation": None,
        }  # fmt: skip
        self.params: dict[str, Any] = {}
        self.config: dict[str, Any] | None = None
        self.captured: dict[str, dict[str, Any]] = {}
        self._recipe: dict[str, dict[str, Any]] = {}
        self._own_config = False
        self.config_is_a_ranks = False
        self._steps_told = self.joins
        self._last_step: Any = _UNREAD
        # The last step of an experiment whose points are on a server alone.
        self.step_elsewhere: int | None = None
        self._all_over = False
        self.capturer: Any = None
        self.inputs: Any = None
        self.forwardings: list[Any] = []
        self.forwarded_outside: list[dict[str, Any]] = []
        # After how many log calls this process is ended, and with which signal: a re-run of what was ended then.
        self.until: tuple[int, int] | None = None
        # What the exit calls to end this: the experiment's own way, which also tells the user.
        self.ender: Callable[[str, str | None, str | None], Any] | None = None
        # Called in a forked child, before the descriptors that the fast log functions know are given up.
        self.forget_names: Callable[[], object] = lambda: None
        # A rank that made the experiment may be the only process in it (`srun` starts several programs so): what it does
        # then in place of a lead.
        self.leads = rank.is_lead
        self.when_alone: Callable[[], object] | None = None
        self.ended_by = "writer"
        self._earlier: list[Writer] = []
        self._background = Background()
        self._watch: Any = None
        self._documents_due: set[str] = set()
        self._warned = False
        self._closing = False
        self._taking = (
            threading.RLock()
        )  # held while this takes the place of a process that is gone
        self.gone: list[Gone] = []
        self.fork_of = ""
        self._open(place, check)
        self._opener, self._opened_with = self.pid, self.writer.name
        LIVE[id(self)] = self
        self.program = Program()
        _watch_process()

    def _open(self, place: Place, check: Callable[[Recording], None]) -> None:
        """Claim or read what is there, and begin to write."""
        made = False
        try:
            self.experiment_id = self._claim(place)
            made = place.is_new
            self.state = None if made else self.read_state()
            if not (made or place.joins) and is_copy(self.root, self.prefix, self.experiment_id):
                self.fork_of = self.experiment_id
                self.experiment_id = fork_id(self.layout, self.fork_of)
                self.name = self.prefix.rpartition("/")[2]
            check(self)
            self._all_over = place.all_over
            self.writer = self._open_writer(self.rank.label)
            self._bury()
            if self.fork_of:
                self._begin_fork()
        except OSError as error:
            if made:
                self._unclaim()
            raise WriteFailed(
                f"The experiment's folder {self.layout.folder} cannot be written: {error}. Choose another root with "
                "root= or ANEW_ROOT, or mode='disabled' to run without recording.",
                path=self.layout.folder,
            ) from error

    def _claim(self, place: Place) -> str:
        """Make the folder, if the experiment is new, and settle the id.

        Raises:
            Taken: Another experiment is there by now.
        """
        if place.is_new:
            make_root(self.root)
            os.makedirs(self.layout.folder, exist_ok=True)
            known = claim_identity(
                self.layout.metadata,
                {
                    "format": FORMAT_VERSION,
                    "experiment_id": place.experiment_id,
                    "prefix": self.prefix,
                    "name": self.name,
                    "status": "running",
                    "created_at": iso_time(self.opened_at),
                },
            )
            if known is not None:
                raise Taken
            return place.experiment_id
        known = read_identity(self.layout.metadata) or {}
        if int(known.get("format", FORMAT_VERSION)) > FORMAT_VERSION:
            from ..errors import UnknownFormat

            raise UnknownFormat(
                f"{self.layout.folder} was written in format {known['format']}; this version of Anew writes "
                f"format {FORMAT_VERSION}. Upgrade Anew, or choose another prefix."
            )
        return place.experiment_id

    def _unclaim(self) -> None:
        """Take back a claim that nothing followed."""
        try:
            os.unlink(self.layout.metadata)
            os.rmdir(self.layout.folder)
        except OSError:
            pass  # what is there is somebody else's, or cannot be removed

    @property
    def continued(self) -> bool:
        """Whether the experiment was there before this opening."""
        return self.state is not None

    @property
    def last_step(self) -> int | None:
        """The largest step that earlier openings recorded."""
        if self._last_step is _UNREAD:
            from .summary import largest_step

            state = self.state
            known = [] if state is None else list(state.writers)
            # A rank that is late is no continuation: what the others of its launch record goes on side by side.
            earlier = [
                w for w in known if state is not None and state.opening_of(w) != self.opening
            ]
            steps = [largest_step(self.layout, name) for name in earlier]
            steps.append(self.step_elsewhere)
            self._last_step = max((s for s in steps if s is not None), default=None)
        found: int | None = self._last_step
        return found

    @property
    def resumed(self) -> bool:
        """Whether earlier openings recorded something."""
        if self.state is None:
            return False
        return any(one.id != self.opening for one in self.state.openings())

    def read_state(self) -> ExperimentState:
        """What the journal says of the experiment so far."""
        from ..journal.follow import read_events
        from ..journal.vanished import gone_writers, settle
        from ..record.fold import RECIPE, fold

        state = fold(read_events(self.layout.folder))
        here = any(one.experiment_id == self.experiment_id for one in LIVE.values())
        self.gone = gone_writers(self.layout.folder, state, replaced=not here)
        settle(state, self.gone)
        for key in self.about:
            self.about[key] = getattr(state, key)
        self.about["tags"], self.about["bindrs"] = dict(state.tags), list(state.bindrs)
        merge(self.params, state.params)
        own = state.own.get(self.opening)
        self.config = (own and own.config) or state.config
        by = state.writers.get(state.config_of)
        self.config_is_a_ranks = (
            by is not None
            and by.opened.role == "rank"
            and self.rank.is_lead
            and state.opening_of(state.config_of) == self.opening
        )
        self.captured, self._recipe = dict(state.captured), {}
        if state.recipe_of not in ("", self.opening):
            # What is captured now is this opening's; the experiment keeps the recipe of its first.
            self._recipe = {
                what: self.captured.pop(what) for what in RECIPE & state.captured.keys()
            }
            self.captured |= own.captured if own else {}
        if state.name:
            self.name = state.name
        return state

    def _open_writer(self, label: str, role: str | None = None) -> Writer:
        role = self.role = role or self.rank.role
        opened: dict[str, Any] = {
            "experiment_id": self.experiment_id,
            "name": self.name,
            "role": role,
            "user": self.settings.user,
            "heartbeat": self.settings.heartbeat,
            "prefix": self.prefix,
            "opening": self.opening,
        }
        if self.fork_of:
            opened["fork_of"] = self.fork_of
        if self.job:
            opened["job"] = self.job
        if role != "child" and (over := self._over(self._all_over)):
            opened["over"] = over
        if self.rank.rank is not None:
            opened.update(rank=self.rank.rank, world_size=self.rank.world_size)
        writer = Writer(self.layout, label, opened, self._on_trouble)
        self.announce("opened")
        return writer

    def _begin_fork(self) -> None:
        """Have the copied folder be the experiment's own, and say what it goes on from."""
        write_json(
            self.layout.metadata,
            {
                "format": FORMAT_VERSION,
                "experiment_id": self.experiment_id,
                "prefix": self.prefix,
                "name": self.name,
                "status": "running",
                "created_at": iso_time(self.opened_at),
            },
        )
        if self.rank.is_lead:
            self.writer.event("linked", parent=self.fork_of, relation="forked")
            self.about["parent"], self.about["relation"] = self.fork_of, "forked"
            if not self.settings.quiet:
                self.say(
                    f"{self.prefix} is a copy of the experiment {self.fork_of}; it continues as a fork with the id {self.experiment_id}"
                )

    def _over(self, all_over: bool) -> list[str]:
        """The writers without an end that are taken to have ended."""
        state = self.state
        if state is None:
            return []
        gone = {found.writer for found in self.gone}
        return [
            name
            for name, w in state.writers.items()
            if state.opening_of(name) != self.opening
            and (name in gone or (all_over and w.ended_at is None))
        ]

    def beside(self) -> list[Opened]:
        """How the writers of other openings began that still record into the experiment, as far as can be seen."""
        state = self.state
        if state is None or self.fork_of:
            return []
        over = self._over(self._all_over)
        return [
            w.opened
            for name, w in state.writers.items()
            if w.ended_at is None
            and w.opened.role not in ("edit", "child")
            and state.opening_of(name) != self.opening
            and name not in over
        ]

    def _bury(self) -> None:
        """Write down the ends of earlier writers whose processes are gone, so that this one supersedes them."""
        for gone in self.gone:
            if gone.certain:
                self.writer.event(
                    "closed",
                    t=gone.since,
                    status="failed",
                    reason=gone.reason,
                    by="reader",
                    writer=gone.writer,
                )

    # -- writing ----------------------------------------------------------------------------------

    def event(self, kind: str, /, **fields: Any) -> None:
        """Append an event; when strict, raise if it could not be written."""
        self.writer.event(kind, **fields)
        self.check_strict()

    def check_strict(self) -> None:
        """Raise WriteFailed when the settings ask for it and records cannot be written."""
        trouble = self.writer.trouble
        if self.settings.strict and trouble is not None:
            raise WriteFailed(
                f"Records of {self.prefix} cannot be written: {trouble}.",
                path=self.layout.folder,
                lost=self.lost,
            ) from trouble

    @property
    def lost(self) -> int:
        """Records and files given up so far."""
        return self.writer.lost + self.lost_elsewhere

    def announce(self, kind: str) -> None:
        """Leave a line for readers; without it they find the experiment by walking."""
        try:
            announce(self.root, kind, self.experiment_id, self.prefix)
        except OSError as error:
            self._on_trouble(error)

    def _on_trouble(self, error: OSError) -> None:
        if not self._warned:
            self._warned = True
            self.say(
                f"cannot write to {self.layout.folder}: {error}. The program continues; lost records are counted and reported at the end."
            )

    def lose(self, reason: str) -> None:
        """Count a record as lost, and print why."""
        self.lost_elsewhere += 1
        self.say(reason)
        if self.settings.strict:
            raise WriteFailed(reason, path=self.layout.folder, lost=self.lost)

    def capture_with(self, names: dict[str, Any], joined: bool, outside: Any) -> None:
        """Have code, packages, hardware and seeds captured, if this process is the one to do it.

        Args:
            names: What the program called the experiment, and how often and how many it had opened before.
        """
        if self.rank.is_lead or not self.continued:
            from ..provenance.recorder import Capturer

            self.capturer = Capturer(self, names, joined, outside)

    def captures(self, what: str, data: dict[str, Any], *, clean: bool = False) -> None:
        """Record a fact about the run, unless it is already recorded unchanged; secrets in it are masked.

        `clean` says that it is plain data without secrets already.
        """
        plain = data if clean else mask_secrets(to_plain(data))
        if self.captured.get(what) != plain:
            self.writer.masked_event("captured", what=what, data=plain)
            self.captured[what] = plain
            self._documents_due.add("metadata")

    def set_config(self, config: dict[str, Any]) -> None:
        """Record the configuration: the experiment's, or that of this opening, where it has one that differs."""
        self.event("config", config=config)
        self._own_config = self.config is not None and not self.config_is_a_ranks
        self.config_is_a_ranks = False
        self.config = config
        self.document_due("config")

    def capture_path(self, name: str) -> str:
        """Where a file of this opening's recipe lies; the first one's lie in the experiment's folder itself."""
        own = ("openings", self.writer.name) if self._recipe else ()
        return self.layout.path(*own, *name.split("/"))

    def change(self, **fields: Any) -> None:
        """Note changed facts for metadata.json, which is rewritten soon."""
        self.about.update(fields)
        self.document_due("metadata")

    def document_due(self, name: str) -> None:
        """Have a document rewritten in the background, within a second or with the end."""
        self._documents_due.add(name)

    def tell_of_steps(self) -> None:
        """Tell the user, once, if a continued experiment goes through steps that it has recorded already."""
        if self._steps_told or not (self.resumed and self.rank.is_lead) or self.settings.quiet:
            return
        from .summary import first_step

        first, last = first_step(self.layout.points(self.writer.name)), self.last_step
        if first is None:
            return
        self._steps_told = True
        if last is not None and first <= last:
            self.say(
                f"warning: {self.prefix} has the steps up to {last} already, and this opening begins at step {first} again. "
                "Every point is kept; exp.last_step says where to go on."
            )

    def write_due(self) -> None:
        """Rewrite the documents that are due."""
        self.tell_of_steps()
        if self._documents_due:
            self.write_documents()

    def write_documents(self, status: str = "running", **more: Any) -> None:
        """Rewrite the documents that are due. They are derived: a failure is no loss."""
        due, self._documents_due = self._documents_due, set()
        try:
            if "params" in due:
                from ..record.plain import from_plain

                write_json(self.layout.params, _named_floats(from_plain(self.params)))
            if "config" in due and self.config is not None:
                from .config import config_yaml

                path = self.layout.config
                if self._own_config:
                    path = self.layout.path("openings", self.writer.name, "config.yaml")
                    os.makedirs(os.path.dirname(path), exist_ok=True)
                replace_document(path, config_yaml(self.config).encode())
            if "metadata" in due:
                write_json(self.layout.metadata, self._metadata(status, more))
        except OSError as error:
            self._documents_due |= due
            self._on_trouble(error)

    def _metadata(self, status: str, more: dict[str, Any]) -> dict[str, Any]:
        started = self.state.started_at if self.state else None
        created = self.state.created_at if self.state else None
        identity = {
            "format": FORMAT_VERSION,
            "experiment_id": self.experiment_id,
            "prefix": self.prefix,
            "status": status,
        }
        facts = self.captured
        if self._recipe:
            from ..record.fold import RECIPE

            facts = {k: v for k, v in facts.items() if k not in RECIPE} | self._recipe
        return {
            **identity,
            "name": self.name,
            "created_at": iso_time(created or self.opened_at),
            "started_at": iso_time(started or self.opened_at),
            **more,
            "user": self.settings.user,
            **self.about,
            **{what: data for what, data in facts.items() if what != "metadata"},
            # The program's own keys; who it is, is not the program's to say.
            **{k: v for k, v in self.captured.get("metadata", {}).items() if k not in identity},
        }

    # -- background -------------------------------------------------------------------------------

    def start_background(self) -> None:
        """Begin the heartbeat, system metrics and console capture."""
        load_encoder_soon()
        self._keep_up()
        if self.rank.local_rank in (None, 0):
            self._sample()
        if self.when_alone is not None:
            self._background.repeat(
                self._weakly(Recording.look_for_lead), ALONE_AFTER, name="looking for rank 0"
            )
        if self.settings.console == "on":
            self._background.keep_console(self.writer.console_path(), self._console_trouble)
        for changed in tuple(LIFE):
            changed()

    def _weakly(self, work: Callable[[Recording], None]) -> Callable[[], None]:
        me = weakref.ref(self)

        def call() -> None:
            recording = me()
            if recording is not None:
                work(recording)

        return call

    def _keep_up(self) -> None:
        """Begin what goes on for as long as this records: documents, signs of life, forcing to the disk."""
        settings, background = self.settings, self._background
        background.repeat(self._weakly(Recording.write_due), DOCUMENT_EVERY, first_after=0.2)
        if settings.heartbeat:
            background.repeat(self._weakly(Recording.beat), settings.heartbeat)
        if settings.fsync:
            background.repeat(self._weakly(Recording.sync), settings.fsync)

    def _sample(self) -> None:
        """Begin to take samples of the system's metrics."""
        seconds = self.settings.system_metrics
        if not seconds:
            return
        me = weakref.ref(self)

        def keep(sample: dict[str, float]) -> None:
            recording = me()
            if recording is not None:
                recording.write_system(sample)

        on_note = None if self.settings.quiet else self.say
        self._background.sample(self.layout.folder, seconds, keep, on_note)

    def look_for_lead(self) -> None:
        """Take the place of rank 0 if no such process has come, and leave it to one that comes later."""
        lead = any(LEAD in name for name in self.layout.writers())
        if self.when_alone is not None and not lead:
            self._lead()
        elif lead and self.leads and self.rank.local_rank:
            self._background.stop_sampling()  # the lead takes those of this machine

    def _lead(self) -> None:
        alone, self.when_alone = self.when_alone, None
        self.leads = True
        if alone is not None:
            alone()
        self._sample()

    def _finish_capture(self) -> None:
        if self.when_alone is not None:
            if any(LEAD in name for name in self.layout.writers()):
                return
            self._lead()
        self.capturer.finish()

    def _console_trouble(self, lines: int, reason: str) -> None:
        self.lost_elsewhere += lines
        self._on_trouble(OSError(f"console output is not saved: {reason}"))

    def beat(self) -> None:
        """One heartbeat."""
        self.writer.beat()

    def sync(self) -> None:
        """Force records to the disk."""
        self.writer.sync()

    def write_system(self, sample: dict[str, float]) -> None:
        """Keep one sample of the system's metrics."""
        if sample:
            from ..record.encode import encode_line, number_or_name

            record = {"t": time.time(), "m": {k: number_or_name(v) for k, v in sample.items()}}
            self.writer.points.append(encode_line(record))

    # -- end --------------------------------------------------------------------------------------

    def withdraw(self, reason: str) -> None:
        """End an opening that was refused, as if it had not been."""
        self._closing = True
        self._leave()
        self._attempt("the background work", self._stop_background)
        self.writer.close("failed", mask_text(reason), None, by="refused")
        self.announce("ended")

    def close(self, status: str, reason: str | None = None, error: str | None = None) -> int:
        """Write the end, secrets in its reason masked; returns how many records were lost.

        Nothing that belongs to it (waiting for captures, describing the failure, the documents) can keep the end itself
        from being written.
        """
        if self._closing:  # by a signal handler, in the midst of it
            return self.lost
        with self._taking:  # who takes it over meanwhile has a writer, which is what is ended
            self._closing = True
        reason, error = reason and mask_text(reason), error and mask_text(error)
        self._leave()
        # A child ends its own part only, also one that never wrote anything.
        forked = os.getpid() != self.pid or self.role == "child"
        try:
            self._attempt("the background work", self._stop_background)
            if not forked:
                if self.inputs is not None:
                    self._attempt("hashing the inputs", self.inputs.finish)
                if self.capturer is not None:
                    self._attempt("the capture", self._finish_capture)
                self._attempt("looking at the steps", self.tell_of_steps)
                if error:
                    self._attempt("FAILED.txt", lambda: self._write_failed(reason, error))
        finally:
            beside = 0 if forked else self.lost_elsewhere
            lost = self.writer.close(status, reason, error, by=self.ended_by, lost_beside=beside)
            for earlier in self._earlier:
                lost += earlier.close("completed", None, None)
        if not forked:
            self._attempt("metadata.json", lambda: self._write_end(status, reason, lost))
            self.announce("ended")
        return lost

    def _leave(self) -> None:
        LIVE.pop(id(self), None)
        if not LIVE:
            unwatch_exit()

    def _attempt(self, what: str, step: Callable[[], object]) -> None:
        try:
            step()
        except Exception as error:  # noqa: BLE001  (the end goes on, whatever it is)
            self.say(f"at the end of {self.prefix}, {what} failed: {describe(error)[0]}")

    def _stop_background(self) -> None:
        for changed in tuple(LIFE):
            changed()
        self._background.stop()

    def _write_end(self, status: str, reason: str | None, lost: int) -> None:
        ended_at: float | None = time.time()
        lost_in_all = lost
        if len(self.layout.writers()) > 1:
            state = self.read_state()
            outcome, reason = state.outcome()
            status, ended_at, lost_in_all = outcome.value, state.ended_at, max(lost, state.lost)
        self._documents_due.add("metadata")
        facts: dict[str, Any] = {"ended_at": iso_time(ended_at), "reason": reason}
        if lost_in_all:
            facts["lost"] = lost_in_all
        self.write_documents(status, **facts)
        if status == "completed" and self.continued and os.path.exists(self.layout.failed):
            # It failed before and came through now; the journal remembers both.
            os.unlink(self.layout.failed)

    def _write_failed(self, reason: str | None, error: str) -> None:
        from .summary import last_step

        step = last_step(self.layout.points(self.writer.name))
        where = f"Failed at step {step}\n" if step is not None else "Failed before any step\n"
        try:
            replace_document(
                self.layout.failed,
                f"{where}{iso_time(time.time())}\n{reason or ''}\n\n{error}".encode(
                    "utf-8", "backslashreplace"
                ),
            )
        except OSError as trouble:
            self._on_trouble(trouble)

    # -- fork -------------------------------------------------------------------------------------

    def after_fork(self) -> None:
        """In the child: stop using the parent's files. The child's own segment is opened when it is first used."""
        self._taking = threading.RLock()  # a thread that is not here may have held it
        self.forget_names()
        self.writer.forget()
        self._background.forget()

    def reopen_in_child(self) -> None:
        """Give this forked process its own writer."""
        if self.is_orphan():
            self.take_over()
            return
        self.pid = os.getpid()
        self._background.leave_console()
        self.writer = self._open_writer(f"child-{self.pid}", role="child")
        if self._may_take_over():
            self._watch = self._background.repeat(
                self._weakly(Recording.look_for_opener), ALONE_AFTER, name="looking for the parent"
            )

    def _may_take_over(self) -> bool:
        """Whether this process may take the place of the one that opened this.

        Workers of `multiprocessing` take nobody's place, and neither does a process that was handed the experiment.
        """
        workers = sys.modules.get("multiprocessing.process")
        joined = isinstance(self.rank, Joined) or (workers and workers.parent_process() is not None)
        return not joined and self._opener != os.getpid()

    def is_orphan(self) -> bool:
        """Whether the process that opened this is gone and left it to this one, as one that makes itself a daemon does.

        It may have vanished, or have come to its end without ending the experiment itself, while this process records.
        """
        if not self._may_take_over() or runs(self._opener, 0) is not False:
            return False
        self.state = self.read_state()
        if any(found.writer == self._opened_with for found in self.gone):
            return True
        opener = self.state.writers.get(self._opened_with)
        return opener is not None and opener.by == "exit" and opener.status == "completed"

    def look_for_opener(self) -> None:
        """Take the place of the process that opened this, once that is gone and has left it to this one."""
        if runs(self._opener, 0) is False:
            self._watch.cancel()
            with self._taking:
                if not self._closing and self.is_orphan():
                    self.take_over()

    def is_ended_here(self) -> bool:
        """Whether the exit of this process ends something of it; what was left to this process is its own first."""
        with self._taking:
            if os.getpid() != self.pid:
                if not self.is_orphan() or not self.gone:
                    return False  # this process never recorded anything, and its parent has ended the experiment
                self.take_over()
            elif self.role == "child" and self.is_orphan():
                self.take_over()
            return True

    def take_over(self) -> None:
        """Go on in place of the process that is gone: as an opening of its own, whose end counts."""
        from ..record.ids import new_id

        if self.role == "child" and self.pid == os.getpid():
            self._earlier.append(self.writer)  # another thread may be writing to it
        self.pid = self._opener = os.getpid()
        self.opening, self.capturer = new_id(), None
        self._background.leave_console()
        self._steps_told = True
        self.program = Program()
        self.writer = self._open_writer(self.rank.label)
        self._opened_with = self.writer.name
        self.forget_names()
        self._bury()
        self._keep_up()


def _named_floats(value: Any) -> Any:
    """Plain data for a JSON document for people: non-finite floats by their names."""
    if isinstance(value, float) and not -float("inf") < value < float("inf"):
        return str(value)
    if isinstance(value, dict):
        return {k: _named_floats(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_named_floats(v) for v in value]
    return value


_watching = False


def _watch_process() -> None:
    """Have forks find what is open, once per process tree, and the code of an exit be known."""
    global _watching
    watch_exit()
    if not _watching:
        _watching = True
        os.register_at_fork(after_in_child=_after_fork)


def _after_fork() -> None:
    for recording in list(LIVE.values()):
        recording.after_fork()


def _at_exit() -> None:
    """End what the program left open, with the status its own end suggests."""
    for recording in reversed(list(LIVE.values())):
        try:
            if not recording.is_ended_here():
                continue
            recording.ended_by = "exit"
            end = recording.program.ended()
            (recording.ender or recording.close)(end.status, end.reason, end.error)
        except Exception as error:  # noqa: BLE001  (the others are ended all the same)
            recording.say(f"{recording.prefix} could not be ended: {describe(error)[0]}")
    for last in AT_EXIT:
        last()


# When this is imported, and not with the first experiment: what a program registers later is called before this, and may log.
atexit.register(_at_exit)
