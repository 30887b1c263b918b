"""The status of an experiment in this process, and its recording; shared by `Experiment` and its handles."""

from __future__ import annotations

import os
import sys

from ..address import local_folder
from ..errors import NotRunning
from ..record.status import Status
from .recording import LIVE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ..settings import Settings
    from .curve import Curve
    from .handle import Handle
    from .logged import LoggedFile
    from .ranks import Rank
    from .recording import Recording

__all__ = ["Life"]


class Life:
    """The state of one experiment in this process.

    Attributes:
        settings: How it is recorded.
        rank: Which of several processes this is.
        given: The prefix or name it is opened under.
        disabled: Whether every call does nothing.
        status: Where it is in its life, as far as this process knows.
        recording: What records it now; None before the start and after the end.
        last: What recorded it last, also after the end.
        files: The files that this opening has saved, and not freed.
        curves: The metrics that decide which checkpoint is the best.
        forward_to: Other trackers that it is sent to.
        outside: What runs, where another program is recorded (see `reproduce.running`).
        replaces: An experiment that ends when this one starts, once nothing can refuse the start.
        on_reopened: Called when a forked process has been given a writer of its own.
        handle: The experiment that this process was handed, if it was begun by another one.
        on_joined: Called with the recording when this process begins to write to what it was handed.
        experiment: The `Experiment` that this is the life of.
    """

    __slots__ = (
        "curves",
        "disabled",
        "experiment",
        "files",
        "forward_to",
        "given",
        "handle",
        "last",
        "on_joined",
        "on_reopened",
        "outside",
        "rank",
        "recording",
        "replaces",
        "settings",
        "status",
    )

    def __init__(self, settings: Settings, rank: Rank, given: str) -> None:
        self.settings = settings
        self.rank = rank
        self.given = given
        self.disabled = settings.mode == "disabled"
        self.status = Status.PENDING
        self.recording: Recording | None = None
        self.last: Recording | None = None
        self.files: list[LoggedFile] = []
        self.curves: dict[str, Curve] = {}
        self.forward_to: list[Any] = []
        self.outside: Any = None
        self.replaces: Any = None
        self.on_reopened: Callable[[], object] = lambda: None
        self.handle: Handle | None = None
        self.on_joined: Callable[[Recording], object] = lambda recording: None
        self.experiment: Any = None

    def __reduce__(self) -> tuple[Any, ...]:
        return getattr, (self.experiment, "life")

    @property
    def is_live(self) -> bool:
        """Whether it has started and not ended."""
        if self.status is not Status.RUNNING:
            return False
        if self.recording is None and self.handle is not None:
            return True
        return self.disabled or id(self.recording) in LIVE

    @property
    def prefix(self) -> str:
        """Its path under the root; before the start, what was given."""
        known = self.last or self.handle
        return known.prefix if known else self.given

    @property
    def root(self) -> str:
        """The root folder of the store it is in, or will be in."""
        if self.last is None and self.handle is not None:
            return self.handle.root
        return self.last.root.root if self.last else local_folder(self.settings.root)

    @property
    def folder(self) -> str:
        """Its folder; "" until it has started."""
        if self.last is None and self.handle is not None:
            return self.handle.folder
        return self.last.layout.folder if self.last else ""

    def to_be_joined(self) -> Handle | None:
        """What another process is given to join it; None before the start."""
        last = self.last
        if last is None:
            return self.handle
        from .handle import Handle

        return Handle(
            last.root.root, last.prefix, last.name, last.experiment_id, last.opening, self.status
        )

    def require(self, call: str) -> Recording:
        """The current recording; a forked process first gets its own writer.

        Args:
            call: The call that needs it, for the error.

        Raises:
            NotRunning: It has not started, or has ended.
        """
        recording = self.recording
        if recording is None and self.handle is not None and self.status is Status.RUNNING:
            recording = self._join(self.handle)
        if recording is None:
            if self.status is Status.PENDING:
                raise NotRunning(
                    f"{call} was called before the experiment started. Use the experiment in a with statement, or call run.start() first."
                )
            raise NotRunning(
                f"{call} was called after the experiment ended: {self.prefix} is {self.status}. Open it with resume={self.last and self.last.experiment_id!r} to continue it."
            )
        if os.getpid() != recording.pid:
            recording.reopen_in_child()
            self.on_reopened()
        return recording

    def _join(self, handle: Handle) -> Recording:
        try:
            recording = self.recording = self.last = handle.join(self.settings, self.say)
        except NotRunning:
            self.status = handle.status
            raise
        self.on_joined(recording)
        return recording

    def say(self, line: str) -> None:
        """Print a line for the user."""
        # The stream the interpreter started with: not what the program made of sys.stderr, and never captured.
        stream = sys.__stderr__ or sys.stderr
        if stream is not None:
            try:
                stream.write(f"anew: {line}\n")
                stream.flush()
            except (OSError, ValueError):
                pass
