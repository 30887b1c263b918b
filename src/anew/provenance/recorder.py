"""The capture of one opening: fast facts immediately, the rest in the background, waited for at the end.

Nothing here ever fails the run: what cannot be captured is named in the record.
"""

from __future__ import annotations

import _thread
import os
import sys
import time
import weakref

from ..record.plain import to_plain
from ..record.secrets import mask_secrets, mask_text
from .code import CodePlace, uncommitted
from .command import absolute, command_facts
from .known import Known, process
from .repository import GitFailed
from .shared import digest, place
from .variables import variable_facts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Protocol

    from ..journal.layout import ExperimentLayout, RootLayout
    from ..settings import Settings
    from .outside import Outside

    class Recording(Protocol):
        """What is used of a recording (`tracking.recording`, which stands above this room)."""

        root: RootLayout
        layout: ExperimentLayout
        settings: Settings
        captured: dict[str, dict[str, Any]]
        pid: int
        rank: Any
        say: Any

        @property
        def continued(self) -> bool: ...

        def captures(self, what: str, data: dict[str, Any], *, clean: bool = False) -> None: ...

        def capture_path(self, name: str) -> str: ...


__all__ = ["Capturer"]

BACKGROUND_AFTER = 0.2  # seconds; the first points come first
FRESH = 5.0  # seconds for which the state of the code is taken to be what it was
END_WAIT = 30.0
_NAMED = 5  # modules that a warning names
PATCHES = ("git.patch", "pushed.patch")


class Capturer:
    """Captures for one recording: `start` in the program's thread, `finish` at its end."""

    def __init__(
        self,
        recording: Recording,
        names: dict[str, Any],
        joined: bool,
        outside: Outside | None = None,
    ) -> None:
        self._outside = outside
        self._recording = weakref.ref(recording)
        self._on = recording.settings.capture == "on"
        self._names = names
        self._joined = joined
        self._lock = _thread.allocate_lock()
        self._started = False
        self._done = False
        self._looks = False
        self._handle: Any = None
        self._place = CodePlace(None, None)

    # -- in the program's thread ------------------------------------------------------------------

    def start(self) -> None:
        """Record at once what costs microseconds; the rest too if this process knows it already."""
        recording = self._recording()
        assert recording is not None
        self._started = True
        if not (self._joined and "command" in recording.captured):
            if self._outside is not None:
                facts = self._outside.command()
            else:
                facts = command_facts(world_size=recording.rank.world_size)
                facts |= self._names
            recording.captures("command", facts)
        self._place = self._find_code()
        repository = self._place.repository
        self._place.head = repository.head() if repository else None
        commit, branch = self._place.head or (None, None)
        if not self._on:
            self._first(recording, commit, branch)
            return
        known = process()
        if self._outside is None:
            from .ran import ImportTimes, Looking
            from .seeds import seed_facts

            recording.captures("seeds", seed_facts(), clean=True)
            if known.times is None:
                known.times, known.looking = ImportTimes(), Looking()
            known.times.look()
            known.looking.begin()
            self._looks = True
        if (
            self._outside is None
            and self._fresh(known)
            and known.environment
            and known.hardware is not None
        ):
            self.work()
            return
        self._place.head = None  # what is captured later is what is there later
        self._first(recording, commit, branch)
        from ..monitor.ticker import process_ticker

        me = weakref.ref(self)

        def later() -> None:
            capturer = me()
            if capturer is not None:
                capturer.work()

        self._handle = process_ticker().add(later, None, BACKGROUND_AFTER, name="the capture")

    def _first(self, recording: Recording, commit: str | None, branch: str | None) -> None:
        """Record the commit at once, and whose recipe it is, should the process be killed before the rest is known."""
        if commit and self._place.repository is not None:
            facts = {"commit": commit, "branch": branch, "root": self._place.root}
            recording.captures("git", facts)
        self._mark(recording)

    def _find_code(self) -> CodePlace:
        """Where the code is: with the entry script, unless that is installed; else in the working directory."""
        outside, recording = self._outside, self._recording()
        if outside is not None:
            return CodePlace(absolute(outside.script), outside.cwd)
        command = recording.captured.get("command", {}) if recording is not None else {}
        own = command.get("worker") or command.get("entry_link")
        worker = command.get("entry") if own else None
        entry = worker or getattr(sys.modules.get("__main__"), "__file__", None)
        try:
            cwd = os.getcwd()
        except OSError:
            cwd = None
        return CodePlace(absolute(entry), cwd)

    def _fresh(self, known: Known) -> bool:
        return (
            known.code is not None
            and time.monotonic() - known.code_at < FRESH
            and known.code_key == self._place.key()
        )

    # -- in the background, or at the end ----------------------------------------------------------

    def work(self) -> None:
        """Capture what is slow, once; a second call waits for the first."""
        with self._lock:
            recording = self._recording()
            if self._done or recording is None or recording.pid != os.getpid():
                return
            known = process()
            with known.lock:
                for step in (self._hardware, self._environment, self._code):
                    try:
                        step(recording, known)
                    except Exception as error:  # noqa: BLE001  (a capture never fails the run)
                        self._failed(recording, step.__name__.strip("_"), error)
            self._done = True
        self._mark(recording)
        self._script(recording)

    def _mark(self, recording: Recording) -> None:
        """Record what tells this recipe from one that somebody else made up (see `mark`)."""
        from .mark import recipe_mark

        try:
            mark = recipe_mark(recording.captured)
        except Exception as error:  # noqa: BLE001
            self._failed(recording, "mark", error)
            return
        if mark:
            recording.captures("mark", {"recipe": mark}, clean=True)

    def _failed(self, recording: Recording, what: str, error: Exception) -> None:
        reason = mask_text(
            str(error) if isinstance(error, GitFailed) else f"{type(error).__name__}: {error}"
        )
        problems = dict(recording.captured.get("problems", {}))
        if what == "code" and reason not in process().warned and not recording.settings.quiet:
            process().warned.add(reason)
            recording.say(f"warning: the state of the code is unknown: {reason}")
        recording.captures("problems", {**problems, what: reason})

    def _hardware(self, recording: Recording, known: Known) -> None:
        if known.hardware is None:
            from .machine import hardware

            known.hardware = mask_secrets(to_plain(hardware()))
        recording.captures("hardware", known.hardware, clean=True)
        import json

        text = json.dumps(known.hardware, indent=2).encode() + b"\n"
        self._file("environment/hardware.json", text)
        environ = dict(self._outside.environ if self._outside is not None else os.environ)
        wanted = recording.settings.capture_variables
        if known.variables is None or known.variables[:2] != (environ, wanted):
            more = [name.strip() for name in wanted.split(",") if name.strip()]
            known.variables = (
                environ,
                wanted,
                variable_facts(environ, more, own=self._outside is None),
            )
        for what, facts in known.variables[2].items():
            if facts or what == "variables":
                recording.captures(what, facts, clean=True)

    def _environment(self, recording: Recording, known: Known) -> None:
        from .environment import (
            conda_text,
            find_packages,
            frameworks,
            interpreter,
            paths_within,
            requirements_text,
        )

        root = self._place.repository.root if self._place.repository else None
        paths, outside = sys.path, self._outside
        if outside is not None:
            paths = outside.paths
        key = (root, "torch" in sys.modules, tuple((p, _mtime(p)) for p in paths))
        if known.environment is None or known.packages_key != key:
            facts = (
                dict(outside.python) if outside is not None and outside.python else interpreter()
            )
            packages = find_packages(paths)
            facts["packages"] = len(packages)
            facts["frameworks"] = frameworks(packages)
            facts["paths"] = paths_within(root, paths, packages)
            text = mask_text(requirements_text(packages, facts["python"], root)).encode()
            facts["requirements"] = digest(text)
            conda = conda_text(facts["prefix"])
            plain = mask_secrets(to_plain(facts))
            known.environment = (plain, text, mask_text(conda).encode() if conda else None)
            known.packages_key = key
        facts, text, conda_packages = known.environment
        recording.captures("environment", facts, clean=True)
        self._file("environment/requirements.txt", text)
        if conda_packages:
            self._file("environment/conda_env.txt", conda_packages)

    def _code(self, recording: Recording, known: Known) -> None:
        from .notebook import notebook_source

        if self._outside is not None and self._outside.code is not None:
            facts, patches = self._outside.code
            recording.captures("git", facts)
            for name, patch in patches.items():
                self._file(f"environment/{name}", patch)
            return
        if not self._fresh(known):
            known.code = self._place.read([recording.root.root])
            known.code_at, known.code_key = time.monotonic(), self._place.key()
        assert known.code is not None
        facts, patches = known.code
        if facts:
            recording.captures("git", facts, clean=True)
            self._keep(recording, facts.get("commit"))
        for name in PATCHES:
            if name in patches:
                self._file(f"environment/{name}", patches[name])
            else:
                self._no_file(f"environment/{name}")
        if facts.get("patch") and facts.get("dirty") and facts["patch"] not in known.warned:
            known.warned.add(facts["patch"])
            warning = uncommitted(facts)
            if warning is not None and not recording.settings.quiet:
                recording.say(warning)
        found = notebook_source()
        if found is not None:
            recording.captures("notebook", found[0])
            self._file("environment/notebook.py", found[1])

    def _keep(self, recording: Recording, commit: str | None) -> None:
        """Keep the commit where it is; a repository that may not be written to has to be kept by whoever may."""
        from .git import keep_commit

        if (
            commit
            and self._place.repository is not None
            and recording.settings.keep_commits == "on"
        ):
            try:
                keep_commit(self._place.repository, commit)
            except GitFailed:
                pass

    def _script(self, recording: Recording) -> None:
        from .script import script_text

        captured = recording.captured
        try:
            facts = [
                captured.get(what, {}) for what in ("git", "command", "environment", "variables")
            ]
            # The name that the program gave it is the one thing that differs among the runs of a sweep.
            facts[1] = {k: v for k, v in facts[1].items() if k not in self._names}
            inputs = "inputs" in captured
            known, key = process(), (*facts, inputs)
            if known.script is None or known.script[0] != key:
                text = script_text(*facts, patch=facts[0].get("patch"), inputs=inputs)
                known.script = key, text.encode("utf-8", "surrogateescape")
            self._file("reproduce.sh", known.script[1], executable=True)
        except Exception as error:  # noqa: BLE001
            self._failed(recording, "script", error)

    def _file(self, name: str, data: bytes, *, executable: bool = False) -> None:
        recording = self._recording()
        if recording is not None:
            target = recording.capture_path(name)
            try:
                place(recording.root, target, data, executable=executable)
            except OSError as error:
                self._failed(recording, name, error)

    def _no_file(self, name: str) -> None:
        recording = self._recording()
        if recording is not None and recording.continued:
            try:
                os.unlink(recording.capture_path(name))
            except OSError:
                pass

    def finish(self) -> None:
        """Wait for the background's work, or do it now; then what can only be known at the end."""
        if not self._started:
            return
        if not self._on:
            recording = self._recording()
            if recording is not None:
                self._mark(recording)
            return
        if self._handle is not None and not self._handle.cancel(END_WAIT):
            recording = self._recording()
            if recording is not None:
                self._failed(
                    recording, "capture", TimeoutError(f"not finished after {END_WAIT:.0f} seconds")
                )
            return
        if not self._done:
            self.work()
        self._at_the_end()
        if self._looks and process().looking is not None:
            self._looks = False
            process().looking.end()

    def settle(self) -> None:
        """Record the given code once more: the program inside has captured the copy that it ran from."""
        recording = self._recording()
        if recording is not None:
            recording.captured.pop("git", None)
            self._code(recording, process())
            self._mark(recording)
            self._script(recording)

    def _ran(self, recording: Recording) -> None:
        """Record what modules and files the program has used."""
        from .ran import ImportTimes, what_ran

        root = self._place.root
        times = process().times or ImportTimes()
        facts = what_ran(root, recording.root.root, times)
        names = "\n".join([*facts["modules"], *facts["read"]])
        recording.captures("ran", facts, clean=mask_text(names) == names)
        if facts.get("changed") and not recording.settings.quiet:
            shown = ", ".join(facts["changed"][:_NAMED])
            recording.say(
                f"warning: changed after it was imported: {shown}; the code that was saved is not the code that ran"
            )

    def _at_the_end(self) -> None:
        recording = self._recording()
        if recording is None or not self._done:
            return
        try:
            if recording.captured.get("command", {}).get("notebook"):
                from .notebook import notebook_source

                found = notebook_source()
                if found is not None:
                    recording.captures("notebook", found[0])
                    self._file("environment/notebook.py", found[1])
                    self._mark(recording)
            if "inputs" in recording.captured:
                self._script(recording)
            if self._outside is None:
                self._ran(recording)
        except Exception as error:  # noqa: BLE001
            self._failed(recording, "end", error)


def _mtime(path: str) -> int:
    try:
        return os.stat(path or ".").st_mtime_ns
    except OSError:
        return 0
