"""`exp.run`: the life of an experiment, to be begun and ended by hand or by a `with` block."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType

    from ..record.status import Status
    from .experiment import Experiment

__all__ = ["Run"]


class Run:
    """Starts and ends its experiment; in a `with` statement it gives the experiment."""

    __slots__ = ("_experiment",)

    def __init__(self, experiment: Experiment) -> None:
        self._experiment = experiment

    def start(self) -> Experiment:
        """Begin recording.

        Raises:
            AlreadyRunning: It has started and not ended.
            ConfigFrozen: It continues an experiment that has another configuration.
            WriteFailed: The folder cannot be written at all.
        """
        self._experiment._start()
        return self._experiment

    def complete(self) -> None:
        """End it as completed.

        Raises:
            NotRunning: It has not started, or has ended.
        """
        self._experiment._finish("completed", None, None)

    def fail(self, error: str | BaseException | None = None) -> None:
        """End it as failed, with the reason or the exception.

        Raises:
            NotRunning: It has not started, or has ended.
        """
        if isinstance(error, BaseException):
            from .summary import traceback_text

            reason = f"{type(error).__name__}: {error}"
            self._experiment._finish("failed", reason, traceback_text(error))
        else:
            self._experiment._finish("failed", error, error)

    def cancel(self, reason: str | None = None) -> None:
        """End it as cancelled.

        Raises:
            NotRunning: It has not started, or has ended.
        """
        self._experiment._finish("cancelled", reason, None)

    @property
    def status(self) -> Status:
        """Where the experiment is in its life."""
        return self._experiment.status

    def __enter__(self) -> Experiment:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        experiment = self._experiment
        if experiment._recording is None and not experiment._disabled:
            return  # ended by hand inside the block
        if error is None or (isinstance(error, SystemExit) and error.code in (None, 0)):
            self.complete()
        elif isinstance(error, (KeyboardInterrupt, GeneratorExit)):
            self.cancel("interrupted" if isinstance(error, KeyboardInterrupt) else None)
        else:
            self.fail(error)

    def __repr__(self) -> str:
        return f"Run({self._experiment!r})"
