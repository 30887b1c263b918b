"""Ray Tune: `RunConfig(callbacks=[AnewCallback("alice/digits/search", metric="acc", mode="max")])`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Literal

from anew import Experiment, Status

from .opening import Opening
from .requiring import require
from .trials import numbers_in, trial_of

_tune: Any = require("ray.tune", '"ray[tune]"')
_result: Any = require("ray.tune.result", '"ray[tune]"')

__all__ = ["AnewCallback"]

# What Ray puts into every result, other than the times.
_OWN = {*_result.AUTO_RESULT_KEYS, "done", "experiment_tag", "should_checkpoint", "trial_id"}
_OWN -= {"time_this_iter_s", "time_total_s"}


class AnewCallback(Opening, _tune.Callback):  # type: ignore[misc]  # Ray's module is found by `require`
    """Records a search as an experiment and each trial as a child, from the process that Tune runs in.

    A trial has its configuration as parameters and every number it reports as a metric (nested ones by their path,
    `val/loss`), at Ray's `training_iteration`. One that a scheduler or a criterion stopped is completed, as for Tune.

    Args:
        experiment: The search's experiment, or the name or prefix of one to open. Without either it is the one that
            runs in this process, or a new one.
        metric: What the search is for: the search's experiment keeps it of every trial, and the best configuration.
        mode: Whether its smallest ("min") or its largest value ("max") is best.
        trial_options: What the trials' experiments are opened with, such as `{"tags": ["sweep"]}`.
        options: What else `Experiment` takes, for the search's.
    """

    def __init__(
        self,
        experiment: Experiment | str | None = None,
        *,
        metric: str | None = None,
        mode: Literal["min", "max"] = "min",
        trial_options: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> None:
        super().__init__(experiment, options)
        if mode not in ("min", "max"):
            raise ValueError(f'mode must be "min" or "max", not {mode!r}.')
        self._metric, self._mode = metric, mode
        self._trial_options = dict(trial_options or {})
        self._trials: dict[str, Experiment] = {}
        # The ids of trials that the search began before it was restored.
        self._known: dict[str, str] = {}
        self._best: float | None = None

    def setup(self, *, total_num_samples: int | None = None, **_: Any) -> None:
        """Open the search's experiment."""
        self._open().params.set({} if total_num_samples is None else {"samples": total_num_samples})

    def on_trial_start(self, *, trial: Any, **_: Any) -> None:
        """Open a trial's experiment; one that was paused, or is tried again, goes on."""
        child = self._trials.get(trial.trial_id)
        if child is None or child.status.ended:
            child = self._child(trial.trial_id)
            self._trials[trial.trial_id] = child
        child.params.set(trial.config)

    def on_trial_result(self, *, trial: Any, result: dict[str, Any], **_: Any) -> None:
        """Log what a trial reported."""
        own = {key: value for key, value in result.items() if key not in _OWN}
        exp = self._trials[trial.trial_id]
        exp.log_metrics(dict(numbers_in(own)), step=result["training_iteration"])

    def on_trial_recover(self, *, trial: Any, **_: Any) -> None:
        """Note that a trial failed and is tried again."""
        self._trials[trial.trial_id].log(f"Tried again: {_error(trial)}", level="warning")

    def on_trial_complete(self, *, trials: list[Any], trial: Any, **_: Any) -> None:
        """End a trial's experiment, and keep what it came to in the search's."""
        child = self._trials.get(trial.trial_id)
        if child is not None and not child.status.ended:
            child.run.complete()
        value = dict(numbers_in(trial.last_result or {})).get(self._metric or "")
        if value is None or value != value:
            return
        exp = self._open()
        exp.log_metric(str(self._metric), value, step=trials.index(trial))
        sign = 1 if self._mode == "min" else -1
        if self._best is None or sign * value < sign * self._best:
            self._best = value
            best = {"trial": trial.trial_id, "value": value, "config": trial.config}
            exp.params.set({"best": best})
            exp.log_metric("best_value", value, step=trials.index(trial))

    def on_trial_error(self, *, trial: Any, **_: Any) -> None:
        """Fail a trial's experiment with what went wrong; all of it is kept as a file."""
        child = self._trials.get(trial.trial_id) or self._child(trial.trial_id)
        if trial.error_file and os.path.isfile(trial.error_file):
            with open(trial.error_file, encoding="utf-8", errors="replace") as file:
                name = os.path.basename(trial.error_file)
                child.files("errors").save_text(file.read(), name, masked=True)
        child.run.fail(_error(trial))

    def on_experiment_end(self, **_: Any) -> None:
        """End the search's experiment, and trials that it left behind."""
        for child in self._trials.values():
            if child.status is Status.RUNNING:
                child.run.cancel("the search ended before it did")
        self._trained()

    def get_state(self) -> dict[str, Any]:
        """Where the experiments are, for a search that is restored."""
        exp = self.experiment
        trials = self._known | {name: child.id for name, child in self._trials.items()}
        return {
            "where": {"resume": exp.id, "root": exp.root},
            "trials": trials,
            "best": self._best,
        }

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on with the experiments of the search that is restored."""
        if self._given is None and self._held is None:
            self._options = {**self._options, "name": None, **state["where"]}
        self._known, self._best = state["trials"], state["best"]

    def __getstate__(self) -> dict[str, Any]:
        return super().__getstate__() | {"_trials": {}}

    def _child(self, trial_id: str) -> Experiment:
        name, options = f"trial-{trial_id}", self._trial_options
        if trial_id in self._known:
            where = {"resume": self._known[trial_id], "project": None}
            return trial_of(self._open(), None, **{**options, **where}).run.start()
        return trial_of(self._open(), name, **options).run.start()


def _error(trial: Any) -> str:
    """The last line of what a trial failed with."""
    lines: list[str] = []
    if trial.error_file and os.path.isfile(trial.error_file):
        with open(trial.error_file, encoding="utf-8", errors="replace") as file:
            lines = [line.strip() for line in file if line.strip()]
    return lines[-1] if lines else "the trial failed"
