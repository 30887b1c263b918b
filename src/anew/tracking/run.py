"""`exp.run`: begins and ends an experiment, by hand or in a `with` block."""

from __future__ import annotations

from .ending import describe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Generic, TypeVar

    from ..record.status import Status
    from .life import Life

    E = TypeVar("E")
else:  # importing `typing` would cost every program that only logs more than the rest of this room

    class Generic:
        __slots__ = ()

        def __class_getitem__(cls, _: object) -> type:
            return cls

    E = None

__all__ = ["Run"]


class Run(Generic[E]):
    """Starts and ends its experiment; in a `with` statement it gives the experiment.

    Args:
        life: The experiment's life.
        start: Begins recording; gives the experiment.
        finish: Takes status, reason and error text, and ends it.
    """

    __slots__ = ("_finish", "_life", "_start")

    def __init__(
        self,
        life: Life,
        start: Callable[[], E],
        finish: Callable[[str, str | None, str | None], None],
    ) -> None:
        self._life = life
        self._start = start
        self._finish = finish

    def __reduce__(self) -> tuple[object, ...]:
        return getattr, (self._life.experiment, "run")

    def start(self) -> E:
        """Begin recording.

        Raises:
            AlreadyRunning: It has started and not ended.
            ConfigFrozen: It continues an experiment that has another configuration.
            WriteFailed: The folder cannot be written at all.
        """
        return self._start()

    def complete(self) -> None:
        """End it as completed.

        Raises:
            NotRunning: It has not started, or has ended.
        """
        self.end("completed")

    def fail(self, error: str | BaseException | None = None) -> None:
        """End it as failed, with the reason or the exception.

        Raises:
            NotRunning: It has not started, or has ended.
        """
        if isinstance(error, BaseException):
            self.end("failed", *describe(error))
        else:
            self.end("failed", error, error)

    def cancel(self, reason: str | None = None) -> None:
        """End it as cancelled.

        Raises:
            NotRunning: It has not started, or has ended.
        """
        self.end("cancelled", reason)

    def end(self, status: str, reason: str | None = None, error: str | None = None) -> None:
        """End it with a status: completed, failed or cancelled.

        Args:
            reason: Why, in a line.
            error: The text of an exception, kept in `FAILED.txt`.

        Raises:
            NotRunning: It has not started, or has ended.
        """
        self._finish(status, reason, error)

    @property
    def status(self) -> Status:
        """Where the experiment is in its life."""
        return self._life.status

    def __enter__(self) -> E:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._life.recording is None and not self._life.disabled:
            return  # ended by hand inside the block
        if error is None or (isinstance(error, SystemExit) and error.code in (None, 0)):
            self.complete()
        elif isinstance(error, (KeyboardInterrupt, GeneratorExit)):
            self.cancel("interrupted" if isinstance(error, KeyboardInterrupt) else None)
        else:
            self.fail(error)

    def __repr__(self) -> str:
        return f"<Run of {self._life.prefix} {self._life.status}>"
