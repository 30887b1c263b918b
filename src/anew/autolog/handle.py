"""`capture()`: which reports are recorded, in which experiment, and for how long."""

from __future__ import annotations

import threading

from ..errors import InvalidValue, NotRunning, WriteFailed
from ..tracking.experiment import Experiment
from ..tracking.recording import LIFE, LIVE
from ..tracking.running import running
from . import figures, lightning, messages, tensorboard
from .patches import Taken, inside

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any

    from .patches import Point

__all__ = ["Capture", "capture"]

_SOURCES = {
    "tensorboard": tensorboard.POINTS,
    "lightning": lightning.POINTS,
    "logging": messages.POINTS,
    "matplotlib": figures.POINTS,
}
_captures: list[Capture] = []
_taken: dict[str, Taken] = {}
_told: set[tuple[str, str, str]] = set()
_lock = threading.RLock()


def capture(
    *,
    tensorboard: bool = True,
    lightning: bool = True,
    logging: bool | int | str = True,
    matplotlib: bool = True,
    experiment: Experiment | None = None,
) -> Capture:
    """Record what the program already reports to other tools, without changing what they do.

    Taken over are the calls of TensorBoard's `SummaryWriter` (PyTorch's and tensorboardX's), what Lightning makes of
    `self.log`, the messages of Python's logging, and the figures of matplotlib when they are shown or saved.
    Libraries are not imported for that, and may be imported before or after.

        with Experiment("alice/vision/resnet50"):
            anew.capture()
            train()  # knows nothing of Anew

    Everything is put back by `stop`, at the end of a `with` block, and when the experiment ends. Called before
    any experiment, it is for all that run until then: libraries are changed only while one runs.

    Args:
        tensorboard: Whether to take over `SummaryWriter`.
        lightning: Whether to take over `self.log` of Lightning.
        logging: Whether to take over logging; or the lowest level to take, such as "warning" (else "info").
        matplotlib: Whether to take over figures.
        experiment: Where to record; else in the experiment that runs: of several, the one that the reporting thread
            opened last.

    Raises:
        InvalidValue: There is no such level, or the experiment is none.
    """
    if experiment is not None and not isinstance(experiment, Experiment):
        raise InvalidValue(
            f"capture(experiment=) takes an Experiment, not {type(experiment).__name__}.",
            key="experiment",
        )
    wanted = {
        "tensorboard": tensorboard,
        "lightning": lightning,
        "logging": logging is not False and logging is not None,
        "matplotlib": matplotlib,
    }
    return Capture(
        frozenset(source for source, on in wanted.items() if on),
        messages.level_of(logging),
        experiment,
    )


class Capture:
    """What `capture` has begun; it can be used as a context manager.

    Attributes:
        sources: What is recorded: some of "tensorboard", "lightning", "logging", "matplotlib".
        level: The lowest level of the messages taken, as a number of Python's logging.
    """

    def __init__(
        self, sources: frozenset[str], level: int, experiment: Experiment | None = None
    ) -> None:
        self.sources = sources
        self.level = level
        self._given = experiment
        # The experiment whose end is this one's end too, once it runs.
        self._ends_with = experiment or running()
        self._begun = False
        with _lock:
            if not _captures:
                _told.clear()
                LIFE.append(_arrange)
            _captures.append(self)
            _arrange()

    @property
    def active(self) -> bool:
        """Whether it has not been stopped, by hand or by the end of its experiment."""
        return self in _captures

    def stop(self) -> None:
        """Stop recording and restore the libraries; a second call does nothing."""
        with _lock:
            if self in _captures:
                _captures.remove(self)
                _arrange()
                if not _captures:
                    LIFE.remove(_arrange)

    def _target(self) -> Experiment | None:
        """The experiment that a report is for now."""
        found: Experiment | None = running() if self._given is None else None
        if found is not None:
            return found
        # A thread that opened none, and several run: the one that this was begun in.
        known = self._given or self._ends_with
        return known if known is not None and known.life.is_live else None

    def _may_record(self) -> bool:
        """Whether there is anything that reports could be for, whichever thread makes them."""
        return bool(LIVE) if self._given is None else self._given.life.is_live

    def _settle(self) -> bool:
        """Whether this goes on: False once the experiment that it belongs to has run and ended."""
        if self._ends_with is None:
            return True
        lives = self._ends_with.life.is_live
        self._begun = self._begun or lives
        return lives or not self._begun

    def __enter__(self) -> Capture:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        state = ", ".join(sorted(self.sources)) if self.active else "stopped"
        return f"<Capture {state}>"


def _arrange() -> None:
    """Take over what is wanted now, and put back what is not: called when a capture or an experiment comes or goes."""
    with _lock:
        ended = [one for one in _captures if not one._settle()]
        for one in ended:
            _captures.remove(one)
        if ended and not _captures:
            LIFE.remove(_arrange)
        wanted = {source for one in _captures if one._may_record() for source in one.sources}
        for source in [source for source in _taken if source not in wanted]:
            _taken.pop(source).undo()
        for source in wanted - set(_taken):
            _taken[source] = Taken(_SOURCES[source], _deliver)


def _deliver(point: Point, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Record a call for each experiment that a capture of its kind is for: once, however many captures there are."""
    inside.recording = True
    try:
        done: list[Experiment] = []
        for one in tuple(_captures):
            if point.source not in one.sources:
                continue
            if point.accepts is not None and not point.accepts(one, *args, **kwargs):
                continue
            experiment = one._target()
            if experiment is None or any(experiment is other for other in done):
                continue
            done.append(experiment)
            point.report(experiment, *args, **kwargs)
    except NotRunning:
        pass  # it ended while the call was on its way
    except WriteFailed:
        raise  # only an experiment that is strict raises it, which somebody asked for
    except Exception as error:  # noqa: BLE001  (the program's own call has done its work: it must not fail now)
        _tell(point, error)
    finally:
        inside.recording = False


def _tell(point: Point, error: Exception) -> None:
    """Say once what kind of report could not be recorded."""
    kind = (point.source, point.attribute, type(error).__name__)
    if kind in _told:
        return
    _told.add(kind)
    import logging

    logging.getLogger("anew").warning(
        "A call of %s (%s) could not be recorded. The call itself was not affected. Further "
        "failures of this kind are not reported. %s: %s",
        f"{point.owner}.{point.attribute}" if point.owner else point.attribute,
        point.source,
        type(error).__name__,
        error,
    )
