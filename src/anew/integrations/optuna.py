"""Optuna: a study as an experiment, its trials as children: `study.optimize(callback.track(objective), …)`."""

from __future__ import annotations

import functools
import inspect
import threading
from collections.abc import Callable, Mapping
from typing import Any

from anew import Experiment, Table

from .opening import Opening
from .optuna_trial import log_params, log_trial, log_values, reporting, value_names
from .requiring import require
from .trials import trial_of

_optuna: Any = require("optuna", "optuna")

__all__ = ["AnewCallback"]


class AnewCallback(Opening):
    """Records a study with its best trial, and each trial with its parameters, values and end.

        with AnewCallback("alice/digits/search") as callback:
            study.optimize(callback.track(objective), n_trials=50, callbacks=[callback])

    `track` records a trial while it runs, in an experiment that the objective may log in as well. Without it the
    callback records each trial when it has ended. A pruned trial is cancelled, with the reason; a failed one failed.

    Args:
        experiment: The study's experiment, or the name or prefix of one to open. Without either it is the one that
            runs in this process, or a new one.
        trial_options: What the trials' experiments are opened with, such as `{"tags": ["sweep"]}`.
        options: What else `Experiment` takes, for the study's.
    """

    def __init__(
        self,
        experiment: Experiment | str | None = None,
        *,
        trial_options: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> None:
        super().__init__(experiment, options)
        self._trial_options = dict(trial_options or {})
        self._lock = threading.RLock()  # trials may run in threads
        self._tracked: set[tuple[str, int]] = set()
        self._facts: dict[str, Any] = {}
        self._best: dict[str, Any] = {}
        self._study: Any = None

    def track(self, objective: Callable[..., Any]) -> Callable[[Any], Any]:
        """The objective, with each call recorded as an experiment.

        A parameter of the objective called `experiment` or `exp` receives it; `anew.log_metric` and the other
        integrations find it, unless `anew.start` began another. What the trial reports is kept as `intermediate`.
        """
        self._open()  # here, where the study is begun, not in one of its threads
        names = inspect.signature(objective).parameters
        takes = next((name for name in ("experiment", "exp") if name in names), None)

        @functools.wraps(objective)
        def tracked(trial: Any) -> Any:
            self._tracked.add((trial.study.study_name, trial.number))
            with self._trial(trial.number) as child:
                trial.report = reporting(trial, child)
                try:
                    values = objective(trial, **({takes: child} if takes else {}))
                except _optuna.TrialPruned as pruned:
                    log_params(child, trial)
                    child.run.cancel(f"pruned: {pruned}" if str(pruned) else "pruned")
                    raise
                except BaseException:
                    log_params(child, trial)
                    raise
                log_params(child, trial)
                if not child.status.ended:
                    log_values(child, trial.study, values)
                return values

        return tracked

    def __call__(self, study: Any, trial: Any) -> None:
        """Record a trial that has ended, and what the study has come to."""
        with self._lock:
            exp = self._open()
            self._log_study(exp, study)
            if (study.study_name, trial.number) not in self._tracked:
                with self._trial(trial.number) as child:
                    log_trial(child, study, trial)
            if trial.state.name == "COMPLETE":
                exp.log_metrics(
                    dict(zip(value_names(study), trial.values, strict=True)), step=trial.number
                )
            if len(study.directions) == 1:
                self._log_best(exp, study, trial.number)

    def finish(self, error: BaseException | str | None = None) -> None:
        """Record what the study came to, and end its experiment if it was opened here."""
        self._log_front()
        super().finish(error)

    def __exit__(self, kind: Any, error: Any, traceback: Any) -> None:
        self._log_front()
        super().__exit__(kind, error, traceback)

    def _trial(self, number: int) -> Experiment:
        with self._lock:
            study = self._open()
        return trial_of(study, f"trial-{number}", **self._trial_options)

    def _log_study(self, exp: Experiment, study: Any) -> None:
        """What the study is, when it is first seen and when it has changed."""
        self._study = study
        facts = {"study": study.study_name, "user_attrs": study.user_attrs}
        if study.study_name != self._facts.get("study"):
            self._best = {}
            parts = {name: type(getattr(study, name)).__name__ for name in ("sampler", "pruner")}
            exp.params.set({"directions": [d.name.lower() for d in study.directions], **parts})
        if facts != self._facts:
            exp.capture("optuna", facts)
            self._facts = facts

    def _log_best(self, exp: Experiment, study: Any, step: int) -> None:
        try:
            best = study.best_trial
        except ValueError:
            return  # no trial has a value yet
        exp.log_metric("best_value", best.value, step=step)
        if best.number != self._best.get("trial"):
            gone = dict.fromkeys(self._best.get("params", {}))  # those of the one before
            self._best = {"trial": best.number, "value": best.value, "params": best.params}
            exp.params.set({"best": {**self._best, "params": {**gone, **best.params}}})

    def _log_front(self) -> None:
        """The trials that no other beats in every value, where there are several values."""
        study, exp = self._study, self._held
        if study is None or exp is None or exp.status.ended:
            return
        self._log_study(exp, study)
        if len(study.directions) > 1 and study.best_trials:
            names = value_names(study)
            rows = [
                {"trial": t.number, **dict(zip(names, t.values, strict=True)), **t.params}
                for t in study.best_trials
            ]
            exp.log_value("best_trials", Table(rows))
