"""Optuna: a study and its trials, as experiments."""

from __future__ import annotations

import math
import threading
from pathlib import Path

import pytest

import anew
from anew import Experiment, Status, Store
from later import later

from .running import run_example

optuna = later("optuna")
integration = later("anew.integrations.optuna")


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch, root: Path) -> None:
    monkeypatch.setenv("ANEW_ROOT", str(root))
    monkeypatch.setenv("ANEW_CONSOLE", "off")
    monkeypatch.setenv("ANEW_CAPTURE", "off")
    monkeypatch.setenv("ANEW_SYSTEM_METRICS", "0")
    optuna.logging.set_verbosity(optuna.logging.CRITICAL)


def new_study(**options) -> optuna.Study:
    return optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0), **options)


def square(trial: optuna.Trial) -> float:
    return trial.suggest_float("x", -1, 1) ** 2


def study_of(root: Path):
    return next(one for one in Store(root) if one.parent is None)


@pytest.mark.slow
def test_the_example_leaves_a_study_with_its_best_and_a_child_for_each_trial(tmp_path):
    with run_example("with_optuna", tmp_path) as store:
        found = store["examples/digits/optuna"]
        trials = [*found.children()]
    assert found.status is Status.COMPLETED
    assert found.params["directions"] == ["maximize"]
    assert (found.params["sampler"], found.params["pruner"]) == ("TPESampler", "MedianPruner")
    completed = [one for one in trials if one.status is Status.COMPLETED]
    best = max(completed, key=lambda one: one.metrics["value"].last)
    assert best.name == f"trial-{found.params['best.trial']}"
    assert (
        best.metrics["value"].last == found.params["best.value"] == found.metrics["best_value"].last
    )
    assert best.params.to_dict() == found.params["best.params"]
    assert found.metrics["value"].count == len(completed)
    pruned = [one for one in trials if one.status is Status.CANCELLED]
    assert len(trials) == 12
    assert pruned
    for one in pruned:
        last = one.metrics["intermediate"].last_step
        assert one.reason == f"pruned: at epoch {last}"
        assert "value" not in one.metrics
        assert {*one.params.to_dict()} == {"alpha", "loss"}
    assert all(
        one.metrics["train/acc"].count == one.metrics["intermediate"].count for one in trials
    )
    assert {one.relation for one in trials} == {"child"}


@pytest.mark.parametrize("tracked", [True, False])
def test_each_end_of_a_trial_is_its_status_and_no_trial_is_there_twice(tracked, root):
    def objective(trial):
        trial.suggest_int("number", trial.number, trial.number)
        for step in range(3):
            trial.report(trial.number + step / 10, step)
        if trial.number == 1:
            raise optuna.TrialPruned
        if trial.number == 2:
            raise ArithmeticError("no")
        return math.nan if trial.number == 3 else 7.0

    study = new_study()
    with integration.AnewCallback("study") as callback:
        study.optimize(
            callback.track(objective) if tracked else objective,
            n_trials=4,
            callbacks=[callback],
            catch=ArithmeticError,
        )
    ends = {one.name: one for one in study_of(root).children()}
    assert {name: one.status for name, one in ends.items()} == {
        "trial-0": Status.COMPLETED,
        "trial-1": Status.CANCELLED,
        "trial-2": Status.FAILED,
        "trial-3": Status.FAILED,
    }
    assert ends["trial-0"].metrics["value"].last == 7
    assert ends["trial-1"].reason == "pruned"
    for number, one in enumerate(ends.values()):
        steps, values = one.metrics["intermediate"].to_numpy()
        assert steps.tolist() == [0, 1, 2]
        assert values.tolist() == [number + step / 10 for step in range(3)]
        assert one.params["number"] == number
    if tracked:
        assert ends["trial-2"].reason == "ArithmeticError: no"
        assert "nan" in ends["trial-3"].reason


def test_an_error_that_stops_the_study_fails_its_trial_and_its_experiment(root):
    def objective(trial):
        raise ArithmeticError("no")

    with pytest.raises(ArithmeticError), integration.AnewCallback("study") as callback:
        new_study().optimize(callback.track(objective), n_trials=3, callbacks=[callback])
    assert [one.status for one in Store(root)] == [Status.FAILED] * 2


def test_a_parameter_called_experiment_gets_the_trials_and_so_does_who_asks_for_the_current(root):
    def objective(trial, experiment):
        assert anew.current() is experiment
        anew.log_metric("own", trial.number, step=0)
        return square(trial)

    with (
        Experiment("mine") as mine,
        integration.AnewCallback(trial_options={"tags": ["sweep"]}) as callback,
    ):
        new_study().optimize(callback.track(objective), n_trials=2, callbacks=[callback])
        assert callback.experiment is mine
    found = study_of(root)
    assert found.name == "mine"
    assert [one.metrics["own"].last for one in found.children()] == [0, 1]
    assert [one.tags for one in found.children()] == [{"sweep": None}] * 2


def test_trials_in_threads_each_have_their_own_experiment(root):
    together = threading.Barrier(2, timeout=600)

    def objective(trial, exp):
        together.wait()
        anew.log_metric("number", trial.number, step=0)
        together.wait()
        return square(trial)

    study = new_study()
    with integration.AnewCallback("study") as callback:
        study.optimize(callback.track(objective), n_trials=8, n_jobs=2, callbacks=[callback])
    found = study_of(root)
    trials = {one.name: one for one in found.children()}
    assert {name: one.metrics["number"].last for name, one in trials.items()} == {
        f"trial-{number}": number for number in range(8)
    }
    assert {name: one.metrics["value"].last for name, one in trials.items()} == {
        f"trial-{trial.number}": trial.value for trial in study.trials
    }
    assert found.params["best.trial"] == study.best_trial.number
    assert found.metrics["value"].count == 8


def test_several_objectives_are_kept_under_their_names_with_the_best_trials_as_a_table(root):
    def objective(trial):
        x = trial.suggest_float("x", 0, 1)
        return x, (1 - x) ** 2

    study = new_study(directions=["minimize", "maximize"])
    with integration.AnewCallback("study") as callback:
        study.optimize(callback.track(objective), n_trials=5, callbacks=[callback])
    found = study_of(root)
    assert {"value/0", "value/1"} == {
        name for name in found.metrics if not name.startswith("system")
    }
    (table,) = found.values("best_trials")
    assert table.data["columns"] == ["trial", "value/0", "value/1", "x"]
    assert [row[0] for row in table.data["rows"]] == [trial.number for trial in study.best_trials]
    assert found.params["directions"] == ["minimize", "maximize"]


@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
def test_names_of_values_and_what_was_noted_are_kept(root):
    def objective(trial):
        trial.set_user_attr("seed", 7)
        return square(trial)

    study = new_study()
    study.set_metric_names(["loss"])
    with integration.AnewCallback("study") as callback:
        study.optimize(objective, n_trials=2, callbacks=[callback])
        study.set_user_attr("data", "toy")
    found = study_of(root)
    assert "loss" in found.metrics
    assert found.captured["optuna"]["user_attrs"] == {"data": "toy"}
    assert found.captured["optuna"]["study"] == study.study_name
    assert [one.captured["optuna"]["user_attrs"] for one in found.children()] == [{"seed": 7}] * 2


def test_a_best_trial_with_other_parameters_leaves_none_of_the_one_before(root):
    def objective(trial):
        if trial.number == 0:
            return trial.suggest_float("first", 5, 5)
        return trial.suggest_float("second", 1, 1)

    study = new_study()
    with integration.AnewCallback("study") as callback:
        study.optimize(callback.track(objective), n_trials=2, callbacks=[callback])
    best = study_of(root).params["best.params"]
    assert {name: value for name, value in best.items() if value is not None} == {"second": 1.0}


def test_a_study_that_goes_on_after_its_end_continues_its_experiment(root):
    study, callback = new_study(), integration.AnewCallback("study")
    for _ in range(2):
        study.optimize(callback.track(square), n_trials=2, callbacks=[callback])
        callback.finish()
    found = study_of(root)
    assert found.status is Status.COMPLETED
    assert [one.name for one in found.children()] == [f"trial-{number}" for number in range(4)]


def test_ask_and_tell_is_recorded_by_handing_over_what_was_told(root):
    study = new_study()
    with integration.AnewCallback("study") as callback:
        for _ in range(2):
            trial = study.ask()
            callback(study, study.tell(trial, square(trial)))
    assert [one.status for one in study_of(root).children()] == [Status.COMPLETED] * 2


def test_a_disabled_study_searches_as_without(root):
    study = new_study()
    with integration.AnewCallback(mode="disabled") as callback:
        study.optimize(callback.track(square), n_trials=2, callbacks=[callback])
    assert len(study.trials) == 2
    assert not root.exists()
