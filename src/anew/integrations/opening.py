"""The experiment of a logger or callback that lives longer than one training."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

from anew import Experiment, Status

from .requiring import experiment_for

__all__ = ["Opening"]

# What is so for an opening of an experiment, not for the experiment.
_HOW = {"root", "mode", "strict", "quiet", "console", "system_metrics"}


class Opening:
    """Finds or opens an experiment at its first use, and ends it after each training if it was opened here.

    What comes after such an end continues the experiment. In a `with` block it ends with the block:

        with AnewCallback("alice/digits/net") as callback:
            model.fit(x, y, callbacks=[callback])

    Args:
        experiment: The experiment to log in, or the name or prefix of one to open. Without either it is the one that
            runs in this process, or a new one.
        options: What else `Experiment` takes, for one to open.
    """

    def __init__(self, experiment: Experiment | str | None, options: dict[str, Any]) -> None:
        if isinstance(experiment, str):
            experiment, options = None, {"name": experiment, **options}
        if experiment is not None and options:
            experiment_for(experiment, **options)  # says what is wrong with that
        self._given, self._options = experiment, options
        self._suggested: dict[str, Any] = {}
        self._held: Experiment | None = None
        self._owned = self._inside = False

    @property
    def experiment(self) -> Experiment:
        """The experiment that is logged in; found or opened if it is not yet."""
        return self._open() if self._held is None else self._held

    def _open(self) -> Experiment:
        """The experiment to write to now: one that was ended here is continued."""
        held = self._held
        if held is not None and held.status is Status.RUNNING:
            return held
        if held is None or not self._owned:
            held, self._owned = experiment_for(
                self._given, suggested=self._suggested, **self._options
            )
        elif not held.folder:  # nothing is recorded
            held.run.start()
        else:
            # What is continued was announced when it began.
            how = {"quiet": True} | {k: v for k, v in self._options.items() if k in _HOW}
            held = Experiment(resume=held.id, **{**how, "root": held.root}).run.start()
        self._held = held
        return held

    def finish(self, error: BaseException | str | None = None) -> None:
        """End the experiment if it was opened here and runs.

        Args:
            error: What it failed with, if it did; a KeyboardInterrupt cancels it.
        """
        held = self._held
        if held is None or not self._owned or held.status is not Status.RUNNING:
            return
        if error is None:
            held.run.complete()
        elif isinstance(error, KeyboardInterrupt):
            held.run.cancel("interrupted")
        else:
            held.run.fail(error)

    def _trained(self) -> None:
        """A training or an evaluation came to its end."""
        if not self._inside:
            self.finish()

    def __enter__(self) -> Self:
        if self._held is not None:
            self._open()
        self.experiment  # noqa: B018  (opens it; on the rank that records, where there are several)
        self._inside = True
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._inside = False
        if self._held is not None and self._owned:
            self._held.__exit__(kind, error, traceback)

    def __getstate__(self) -> dict[str, Any]:
        # For a process that is spawned: an experiment that runs is opened there as well, by its prefix.
        state = {**self.__dict__, "_held": None, "_owned": False, "_inside": False}
        if self._held is not None and self._held.folder:
            how = {k: v for k, v in self._options.items() if k in _HOW}
            where = {"prefix": self._held.prefix, "root": self._held.root}
            state |= {"_given": None, "_options": {**how, **where}}
        return state
