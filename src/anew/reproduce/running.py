"""Running a program as an experiment: what it prints is kept, and its exit status is the experiment's."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any

from ..errors import ReproduceError
from ..journal.edits import append_event
from ..monitor.folding import LineFolder
from ..provenance.command import is_python
from ..provenance.outside import Outside
from ..record.secrets import LineMask
from ..tracking.experiment import Experiment
from .leftovers import Leftovers
from .packages import Python, ask_python

__all__ = [
    "INTERRUPTED",
    "Ended",
    "end",
    "find_program",
    "forwarded",
    "give_up",
    "inner_environment",
    "outside",
    "run_program",
]

INTERRUPTED = "interrupted"
"""Why a program ended that somebody stopped, if no more is known."""

_TAIL_LINES = 50
_GRACE = (
    2.0,
    10.0,
    15.0,
)  # seconds after which an interrupted program is interrupted again, ended, killed


@dataclass(frozen=True)
class Ended:
    """How a program ended: its exit code (128 and the signal's number for one that a signal ended) and last words.

    `told` says that we were told to end it, by a signal to us.
    """

    code: int
    tail: str
    interrupted: bool = False
    timed_out: bool = False
    told: bool = False

    @property
    def reason(self) -> str:
        """In words."""
        if self.timed_out:
            return "ended by the time limit"
        if self.code > 128:
            try:
                return f"ended by {signal.Signals(self.code - 128).name}"
            except ValueError:
                pass
        return f"exit code {self.code}"


def find_program(command: Sequence[str], cwd: str, environ: Mapping[str, str]) -> str:
    """The program of a command line, as a path.

    Raises:
        ReproduceError: There is none, or the script it should run is not there.
    """
    program = command[0]
    found = shutil.which(
        os.path.join(cwd, program) if os.sep in program else program, path=environ.get("PATH")
    )
    if found is None:
        raise ReproduceError(
            f"The program {program!r} was not found. Check that it is installed and on the PATH.",
            why="no program",
        )
    if is_python(program):
        script = script_of(command)
        if script is not None and not os.path.exists(os.path.join(cwd, script)):
            raise ReproduceError(
                f"The script {script!r} does not exist in {cwd}.", why="no program"
            )
    return found


def script_of(command: Sequence[str]) -> str | None:
    """The script that a Python command line runs; None for `-c`, `-m` and standard input."""
    words = iter(command[1:])
    for word in words:
        if word in ("-c", "-m", "-"):
            return None
        if word in ("-X", "-W", "--check-hash-based-pycs"):
            next(words, None)
        elif not word.startswith("-"):
            return word
        elif len(word) > 1 and word[1] != "-" and word.endswith(("c", "m")) and word[1] not in "XW":
            return None
    return None


def outside(
    command: Sequence[str],
    cwd: str,
    environ: Mapping[str, str],
    python: Python | None = None,
    **more: Any,
) -> Outside:
    """What the capture is told of a program that is not this one."""
    if python is None and is_python(command[0]):
        python = ask_python(command[0], dict(environ))
    script = script_of(command) if is_python(command[0]) else None
    path = os.path.join(cwd, script) if script else None
    if (path is None and os.sep in command[0]) or (
        path is None and os.path.exists(os.path.join(cwd, command[-1]))
    ):
        candidate = os.path.join(cwd, command[0] if os.sep in command[0] else command[-1])
        path = candidate if os.path.isfile(candidate) else None
    paths = python.paths if python is not None else list(sys.path)
    if path is not None:
        paths = [os.path.dirname(os.path.abspath(path)), *paths]
    return Outside(
        list(command), cwd, python=python.facts if python is not None else None, paths=paths, environ=dict(environ),
        script=os.path.abspath(path) if path else None, **more,
    )  # fmt: skip


def forwarded(experiment: Experiment) -> list[dict[str, Any]]:
    """Where an experiment that is recorded from outside is forwarded to: the program need not do so as well."""
    return [address.shown() for address in experiment.life.forward_to]


def give_up(claim: str) -> None:
    """Remove the file by which one training has claimed an experiment that is recorded from outside."""
    with contextlib.suppress(OSError):
        os.unlink(claim)
    with contextlib.suppress(OSError):
        os.rmdir(os.path.dirname(claim))


def inner_environment(environ: Mapping[str, str], join: str) -> dict[str, str]:
    """The variables of a program that is recorded from outside: an experiment it opens joins the one outside."""
    inner = dict(environ)
    inner.pop("ANEW_PREFIX", None)
    return inner | {
        "ANEW_JOIN": join,
        "ANEW_CONSOLE": "off",  # kept from outside already
        "ANEW_SYSTEM_METRICS": "0",
        "PYTHONUNBUFFERED": "1",
    }


def run_program(
    experiment: Experiment,
    command: Sequence[str],
    *,
    cwd: str,
    environ: Mapping[str, str],
    show: bool,
    own_session: bool = False,
    meanwhile: Callable[[], object] | None = None,
    timeout: float | None = None,
) -> Ended:
    """Run a program, keeping what it prints in the experiment's console, until it ends.

    An interrupt (Ctrl-C, or a signal to end us) is passed on to the program, which gets some seconds to end by itself.

    Args:
        show: Also print what it prints.
        own_session: Run it apart from the terminal, so that an interrupt reaches it through us alone.
        meanwhile: Called now and then while it runs.
        timeout: Seconds after which it is interrupted, then ended.

    Raises:
        ReproduceError: It cannot be started.
    """
    recording = experiment.life.recording
    assert recording is not None
    keeper = _Keeper(recording.writer.console_path())
    with _Signals() as signals, Leftovers() as leftovers:
        try:
            process = subprocess.Popen(
                list(command), cwd=cwd, env=dict(environ), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                stdin=subprocess.DEVNULL if own_session else None, start_new_session=own_session,
            )  # fmt: skip
        except OSError as error:
            keeper.close()
            raise ReproduceError(
                f"{command[0]} could not be started: {error}.", why="no program"
            ) from None
        sampling = _sample(experiment, process.pid)
        readers = [
            threading.Thread(target=_pass_on, args=(stream, keeper, index, target), daemon=True)
            for index, (stream, target) in enumerate(
                (
                    (process.stdout, sys.stdout if show else None),
                    (process.stderr, sys.stderr if show else None),
                )
            )
        ]
        for reader in readers:
            reader.start()
        interrupted, timed_out = _wait(process, signals, meanwhile, own_session, timeout)
        if own_session:
            leftovers.end(process.pid, environ.get("ANEW_JOIN"))
        for reader in readers:  # a daemon it left behind may hold the pipes open
            reader.join(5.0)
        sampling.cancel(1.0)
        keeper.close()
    code = process.returncode if process.returncode >= 0 else 128 - process.returncode
    told = interrupted
    interrupted = not timed_out and (interrupted or code == 128 + signal.SIGINT)
    return Ended(code, keeper.tail(), interrupted, timed_out, told)


def end(experiment: Experiment, ended: Ended, interrupted: str = INTERRUPTED) -> None:
    """End an experiment as its program ended; for the reason `interrupted` if it was."""
    good = ended.code == 0 and not ended.timed_out
    status = "cancelled" if ended.interrupted else "completed" if good else "failed"
    _end_inside(experiment, status, interrupted if ended.interrupted else ended.reason)
    if status == "cancelled":
        experiment.run.cancel(interrupted)
    elif status == "completed":
        experiment.run.complete()
    else:
        # An experiment inside has written where it failed, which is more than the exit code says.
        recording = experiment.life.recording
        told = recording is not None and os.path.exists(recording.layout.failed)
        experiment.run.end("failed", ended.reason, None if told else ended.tail or ended.reason)


def _end_inside(experiment: Experiment, status: str, reason: str) -> None:
    """Write the end of experiments inside that had no time to: a signal ended their process."""
    recording = experiment.life.recording
    assert recording is not None
    if len(recording.layout.writers()) < 2:
        return
    recording.read_state()
    for gone in recording.gone:
        append_event(
            recording.root, recording.layout, experiment.id, "closed", status=status, reason=reason, by="reader",
            writer=gone.writer,
        )  # fmt: skip


def _sample(experiment: Experiment, pid: int) -> Any:
    from ..monitor.system import SystemSampler
    from ..monitor.ticker import process_ticker

    sampler = SystemSampler(experiment.folder, pid=pid)
    recording = experiment.life.recording
    every = load_interval()

    def sample() -> None:
        if recording is not None and every:
            recording.write_system(sampler.sample())

    return process_ticker().add(
        sample, every or 3600.0, min(1.0, every or 3600.0), name="system metrics"
    )


def load_interval() -> float:
    """Seconds between samples of the system's metrics."""
    from ..settings import load_settings

    return load_settings().system_metrics


class _Signals:
    """Turns the signals that would end us into a flag, for the time that a program runs."""

    def __init__(self) -> None:
        self.came = 0
        self._before: dict[int, Any] = {}

    def __enter__(self) -> _Signals:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                self._before[number] = signal.signal(number, self._note)
        return self

    def _note(self, number: int, frame: object) -> None:
        self.came = self.came or number

    def __exit__(self, *_: object) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)


def _wait(
    process: subprocess.Popen[bytes],
    signals: _Signals,
    meanwhile: Callable[[], object] | None,
    own_session: bool,
    timeout: float | None,
) -> tuple[bool, bool]:
    """Wait for the end; whether it was interrupted, and whether its time was up."""
    told_at, told = 0.0, 0
    began = looked = time.monotonic()
    timed_out = False
    while True:
        try:
            process.wait(0.1)
            return bool(signals.came) and not timed_out, timed_out
        except subprocess.TimeoutExpired:
            pass
        now = time.monotonic()
        if timeout is not None and now - began > timeout and not signals.came:
            timed_out, signals.came = True, signal.SIGINT
        if signals.came and not told_at:
            told_at = now
            # On a terminal Ctrl-C has reached the program already; told twice it would not end cleanly.
            if own_session or signals.came != signal.SIGINT:
                _tell(process, signals.came, own_session)
        elif told_at:
            for number, (after, how) in enumerate(
                zip(_GRACE, (signal.SIGINT, signal.SIGTERM, signal.SIGKILL), strict=True), 1
            ):
                if now - told_at > after and told < number:
                    told = number
                    _tell(process, how, own_session)
        if meanwhile is not None and now - looked > 0.3:
            looked = now
            meanwhile()


def _tell(process: subprocess.Popen[bytes], number: int, group: bool) -> None:
    try:
        if group:
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)
    except ProcessLookupError:
        pass


class _Keeper:
    """Keeps what a program prints as lines, progress bars folded, and remembers the last ones."""

    def __init__(self, path: str) -> None:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        self._file = open(path, "ab", buffering=0)  # noqa: SIM115  (closed by close)
        self._folders = (LineFolder(), LineFolder())
        self._mask = LineMask()
        self._lock = threading.Lock()
        self._last: list[str] = []

    def feed(self, index: int, text: str) -> None:
        self._keep(lambda: self._folders[index].feed(text))

    def _keep(self, lines_of: Callable[[], str]) -> None:
        with self._lock:
            lines = self._mask(lines_of())
            if lines and not self._file.closed:
                self._last = (self._last + lines.splitlines())[-_TAIL_LINES:]
                try:
                    self._file.write(lines.encode("utf-8", "backslashreplace"))
                except OSError:
                    pass

    def tail(self) -> str:
        return "\n".join(self._last)

    def close(self) -> None:
        for folder in self._folders:
            self._keep(folder.flush)
        with self._lock:
            self._file.close()


def _pass_on(stream: IO[bytes], keeper: _Keeper, index: int, target: Any) -> None:
    import codecs

    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    raw = getattr(target, "buffer", None)
    while data := os.read(stream.fileno(), 65536):
        if raw is not None:
            raw.write(data)
            raw.flush()
        text = decoder.decode(data)
        if raw is None and target is not None:
            target.write(text)
        keeper.feed(index, text)
    stream.close()
