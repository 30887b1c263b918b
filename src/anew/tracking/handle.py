"""What an experiment is pickled as: a handle that joins it, in this process or in another one."""

from __future__ import annotations

from ..errors import NotRunning
from ..journal.layout import RootLayout
from ..record.status import Status
from .identity import Place
from .ranks import Joined
from .recording import Recording

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ..settings import Settings

__all__ = ["Handle"]

_FIELDS = ("root", "prefix", "name", "experiment_id", "opening", "status")


class Handle:
    """Which experiment it is, where, and what was known of it when it was pickled.

    A process that was given one (a worker that was spawned, an actor, a program that loads a checkpoint) writes as a child:
    with a writer of its own, whose end says nothing about the experiment. Nothing is written before something is logged.
    """

    __slots__ = _FIELDS

    root: str
    prefix: str
    name: str
    experiment_id: str
    opening: str
    status: Status

    def __init__(
        self, root: str, prefix: str, name: str, experiment_id: str, opening: str, status: Status
    ) -> None:
        self.root = root
        self.prefix = prefix
        self.name = name
        self.experiment_id = experiment_id
        self.opening = opening
        self.status = status

    def __reduce__(self) -> tuple[type[Handle], tuple[object, ...]]:
        return Handle, tuple(getattr(self, name) for name in _FIELDS)

    @property
    def folder(self) -> str:
        """The experiment's folder."""
        return RootLayout(self.root).experiment(self.prefix).folder

    def join(self, settings: Settings, say: Callable[[str], None]) -> Recording:
        """Begin to write to the experiment.

        Raises:
            NotRunning: It has ended, or is not there any more.
            WriteFailed: Its folder cannot be written here.
        """
        root = RootLayout(self.root)
        place = Place(root, self.prefix, self.name, self.experiment_id, self.opening, joins=True)
        return Recording(root, place, Joined(), settings, say, self._check)

    def _check(self, recording: Recording) -> None:
        state = recording.state
        there = state is not None and state.experiment_id in ("", self.experiment_id)
        if state is None or not there:
            raise NotRunning(
                f"Another experiment than the one that was handed here is at {self.folder}."
            )
        status, _ = state.outcome()
        if status not in (Status.RUNNING, Status.PENDING):
            self.status = status
            raise NotRunning(
                f"The experiment {self.prefix} that was handed to this process has ended: it is {status}. Open it with "
                f"resume={self.experiment_id!r} to continue it."
            )
