"""Recording Optuna's trials in their experiments."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from anew import Experiment

__all__ = ["log_params", "log_trial", "log_values", "reporting", "value_names"]


def value_names(study: Any) -> list[str]:
    """What the values of a study's trials are called as metrics."""
    count = len(study.directions)
    named: list[str] | None = study.metric_names
    return named or (["value"] if count == 1 else [f"value/{i}" for i in range(count)])


def reporting(trial: Any, child: Experiment) -> Callable[[float, int], None]:
    """The trial's own `report`, which logs what is reported too."""
    report = trial.report

    def reporting(value: float, step: int) -> None:
        report(value, step)
        log_params(child, trial)
        child.log_metric("intermediate", value, step=step)

    return reporting


def log_params(child: Experiment, trial: Any) -> None:
    """The parameters that the trial has been given so far, and what was noted about it."""
    if child.status.ended:
        return
    new = {name: value for name, value in trial.params.items() if name not in child.params}
    if new:
        child.params.set(new)
    if trial.user_attrs:
        child.capture("optuna", {"trial": trial.number, "user_attrs": trial.user_attrs})


def log_values(child: Experiment, study: Any, values: Any) -> None:
    """The value or values of a trial; one that Optuna takes for a failure is one."""
    given = values if isinstance(values, Sequence) else [values]
    try:
        numbers = [float(value) for value in given]
    except (TypeError, ValueError):
        numbers = []
    if len(numbers) != len(study.directions) or any(math.isnan(n) for n in numbers):
        child.run.fail(
            f"The objective returned {values!r}; the study expects {len(study.directions)} number(s)."
        )
    else:
        child.log_metrics(dict(zip(value_names(study), numbers, strict=True)), step=0)


def log_trial(child: Experiment, study: Any, trial: Any) -> None:
    """A trial that has ended, all at once."""
    for step, value in trial.intermediate_values.items():
        child.log_metric("intermediate", value, step=step)
    log_params(child, trial)
    if trial.state.name == "COMPLETE":
        log_values(child, study, trial.values)
    elif trial.state.name == "PRUNED":
        child.run.cancel("pruned")
    else:
        child.run.fail("the trial failed")
