"""A sweep as a study of Optuna, which is made anew of the record whenever something is asked of it."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ..errors import InvalidValue, MissingDependency
from ..reading.views import ExperimentView
from .facts import metric_of, params_of

__all__ = ["check_study", "is_behind", "suggested"]

_STARTS = 5  # trials at random before what was learned is used


def _optuna() -> Any:
    try:
        import optuna
    except ImportError as error:
        raise MissingDependency.of(
            "A sweep with bayes or early_terminate", "optuna", "sweep"
        ) from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna


def check_study(config: Mapping[str, Any]) -> None:
    """Refuse what no study can be made of.

    Raises:
        InvalidValue: It says what.
        MissingDependency: Optuna is not installed.
    """
    _pruner(config)
    if config["method"] == "bayes":
        for name, said in config["parameters"].items():
            _distribution(name, said)


def _pruner(config: Mapping[str, Any]) -> Any:
    pruners = _optuna().pruners
    said = config.get("early_terminate") or {}
    kind = said.get("type") if said else None
    if kind is None and not said:
        return pruners.NopPruner()
    if kind == "median":
        return pruners.MedianPruner(
            n_startup_trials=int(said.get("min_trials", 5)),
            n_warmup_steps=int(said.get("min_iter", 0)),
        )
    if kind == "hyperband":
        first, eta = _brackets(said)
        return pruners.SuccessiveHalvingPruner(
            min_resource=first, reduction_factor=eta, bootstrap_count=0
        )
    raise InvalidValue(
        f"early_terminate must be of the type hyperband or median, not {kind!r}.",
        key="early_terminate",
    )


def _brackets(said: Mapping[str, Any]) -> tuple[int, int]:
    """After how many reports hyperband first compares, and by how much more each time.

    Raises:
        InvalidValue: It does not say.
    """
    eta = int(said.get("eta", 3))
    first = said.get("min_iter")
    if first is None and "max_iter" in said:
        first = int(said["max_iter"] / eta ** int(said.get("s", 1)))
    if first is None:
        raise InvalidValue("hyperband needs min_iter or max_iter.", key="early_terminate")
    if eta < 2:
        raise InvalidValue(
            f"The eta of hyperband must be at least 2, not {eta}.", key="early_terminate"
        )
    return max(1, int(first)), eta


def _distribution(name: str, said: Mapping[str, Any]) -> Any:
    """What Optuna calls the distribution of a parameter; None for one that has only one value.

    Raises:
        InvalidValue: bayes cannot search it.
    """
    of = _optuna().distributions
    kind = said.get("distribution")
    if "value" in said:
        return None
    if "values" in said:
        return of.CategoricalDistribution(tuple(range(len(said["values"]))))
    low, high = said.get("min"), said.get("max")
    if low is not None and high is not None:
        whole = isinstance(low, int) and isinstance(high, int)
        match kind:
            case "int_uniform":
                return of.IntDistribution(int(low), int(high))
            case None if whole:
                return of.IntDistribution(low, high)
            case None | "uniform":
                return of.FloatDistribution(low, high)
            case "q_uniform":
                return of.FloatDistribution(low, high, step=said.get("q", 1))
            case "log_uniform_values" | "inv_log_uniform_values":
                return of.FloatDistribution(low, high, log=True)
            case "log_uniform":
                return of.FloatDistribution(math.exp(low), math.exp(high), log=True)
    raise InvalidValue(
        f"bayes cannot search the parameter {name!r}: it needs values, or a min and a max that are uniform or logarithmic.",
        key=name,
    )


def _study(config: Mapping[str, Any]) -> Any:
    optuna = _optuna()
    return optuna.create_study(
        direction="maximize" if config["metric"].get("goal") == "maximize" else "minimize",
        sampler=optuna.samplers.TPESampler(n_startup_trials=_STARTS, constant_liar=True),
        pruner=_pruner(config),
    )


def suggested(
    config: Mapping[str, Any], trials: Mapping[int, Sequence[ExperimentView]]
) -> dict[str, Any]:
    """The parameters that a study of all trials so far suggests next."""
    optuna = _optuna()
    parameters = config["parameters"]
    spaces = {name: _distribution(name, said) for name, said in parameters.items()}
    searched = {name: space for name, space in spaces.items() if space is not None}
    study = _study(config)
    states = optuna.trial.TrialState
    for views in trials.values():
        view = views[-1]
        params = {name: _inner(parameters[name], params_of(view)[name]) for name in searched}
        value = _value(config, view)
        state = states.COMPLETE if value is not None and view.status.ended else states.RUNNING
        if state is states.RUNNING and view.status.ended:
            state = states.FAIL
        made = optuna.trial.create_trial(
            state=state, params=params, distributions=searched, value=value if state is states.COMPLETE else None,
        )  # fmt: skip
        study.add_trial(made)
    found = study.ask(searched).params if searched else {}
    fixed = {name: said["value"] for name, said in parameters.items() if spaces[name] is None}
    return {
        name: fixed[name] if name in fixed else _outer(parameters[name], found[name])
        for name in parameters
    }


def _inner(said: Mapping[str, Any], value: Any) -> Any:
    return list(said["values"]).index(value) if "values" in said else value


def _outer(said: Mapping[str, Any], value: Any) -> Any:
    return said["values"][value] if "values" in said else value


def _value(config: Mapping[str, Any], view: ExperimentView) -> float | None:
    """What a trial came to: the last value of the metric; None without one."""
    name = metric_of(config)
    if name not in view.metrics:
        return None
    value = view.metrics[name].last
    return float(value) if value is not None and math.isfinite(value) else None


def is_behind(
    config: Mapping[str, Any],
    trials: Mapping[int, Sequence[ExperimentView]],
    experiment_id: str,
) -> bool:
    """Whether a trial that runs is one of those to be stopped, by the metric of all trials up to now.

    It is asked now and then, between any two reports: so each comparison that was due up to now counts, whenever it was due.
    """
    name = metric_of(config)
    latest = [views[-1] for views in trials.values()]
    optuna = _optuna()
    own = next((_points(one, name) for one in latest if one.id == experiment_id), [])
    if not own:
        return False
    study = _study(config)
    study.sampler = optuna.samplers.RandomSampler()  # nothing is asked of it
    others = {view: _points(view, name) for view in latest if view.id != experiment_id}
    halving = config["early_terminate"].get("type") == "hyperband"
    for view, points in others.items():
        trial = study.ask()
        _report(trial, points, _due(config, len(points)) if halving else ())
        if view.status.ended and points:
            study.tell(trial, points[-1])
        elif view.status.ended:
            study.tell(trial, state=optuna.trial.TrialState.FAIL)
    if halving:
        return _report(study.ask(), own, _due(config, len(own)))
    # Compared where those that have ended were, too: a trial may report more often than they did.
    at = min(len(own), max((len(p) for v, p in others.items() if v.status.ended), default=0))
    return _report(study.ask(), own[:at], (at,))


def _due(config: Mapping[str, Any], count: int) -> list[int]:
    """After which of its reports hyperband compares a trial."""
    at, eta = _brackets(config["early_terminate"])
    found = []
    while at <= count:
        found.append(at)
        at *= eta
    return found


def _report(trial: Any, points: Sequence[float], due: Collection[int]) -> bool:
    """Replay the reports of a trial, with how many there were as the step; whether one of those that are due has it pruned."""
    behind = False
    for at, value in enumerate(points, 1):
        trial.report(value, at)
        if at in due and trial.should_prune():
            behind = True
    return behind


def _points(view: ExperimentView, name: str) -> list[float]:
    if name not in view.metrics:
        return []
    found = view.metrics[name].read(order="written").values
    return [float(value) for value in found if math.isfinite(value)]
