"""CatBoost, trained for real: what each way of training leaves in the record."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import catboost
import numpy as np
import pytest

from anew import Experiment, Status, Store
from anew.integrations.catboost import AnewCallback

from .running import run_example

PARAMS: dict[str, Any] = {
    "iterations": 6,
    "depth": 2,
    "subsample": 0.8,
    "thread_count": 1,
    "verbose": False,
    "allow_writing_files": False,
}


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch, root: Path) -> None:
    monkeypatch.setenv("ANEW_ROOT", str(root))
    monkeypatch.setenv("ANEW_CONSOLE", "off")
    monkeypatch.setenv("ANEW_CAPTURE", "off")
    monkeypatch.setenv("ANEW_SYSTEM_METRICS", "0")


@pytest.fixture
def pools() -> tuple[catboost.Pool, catboost.Pool]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 3))
    y = (x[:, 0] + rng.normal(0, 0.5, 300) > 0).astype(int)
    names = ["a", "b", "c"]
    return (
        catboost.Pool(x[:200], y[:200], feature_names=names),
        catboost.Pool(x[200:], y[200:], feature_names=names),
    )


def test_the_example_leaves_curves_parameters_the_best_iteration_importances_and_the_model(
    tmp_path,
):
    with run_example("with_catboost", tmp_path) as store:
        found = store["examples/diabetes/catboost"]
    assert found.status is Status.COMPLETED
    assert {"learn/RMSE", "validation/MAE", "validation/RMSE"} <= {*found.metrics}
    assert (found.params["learning_rate"], found.params["depth"]) == (0.1, 4)
    best = found.metrics["best_iteration"]
    assert best.last == best.last_step == found.metrics["validation/MAE"].min_step
    assert found.metrics["best/validation/MAE"].last == found.metrics["validation/MAE"].min
    assert found.params["trees"] == best.last + 1
    (importance,) = found.values("feature_importance")
    assert {name for name, _ in importance.data["rows"]} >= {"bmi", "bp", "s5"}
    (file,) = found.files
    assert (file.prefix, file.name) == ("models", "model.cbm")
    model = catboost.CatBoostRegressor().load_model(str(file.path))
    assert model.tree_count_ == found.params["trees"]
    assert [one.name for one in tmp_path.iterdir()] == ["experiments"]


def test_what_is_recorded_is_what_catboost_records(pools, root):
    train, val = pools
    model = catboost.CatBoostClassifier(**PARAMS, eval_metric="AUC")
    with Experiment("run", params={"depth": "mine"}) as exp:
        callback = AnewCallback(model_file="model.json")
        model.fit(train, eval_set=val, callbacks=[callback])
        callback.log_model(model)
        assert exp.status is Status.RUNNING  # it is the program's to end
    found = Store(root)[exp.id]
    for data, metrics in model.get_evals_result().items():
        for metric, scores in metrics.items():
            steps, values = found.metrics[f"{data}/{metric}"].to_numpy()
            assert (steps.tolist(), values.tolist()) == ([*range(6)], scores)
    assert (found.params["depth"], found.params["subsample"]) == ("mine", 0.8)
    assert json.loads(found.files[0].read_bytes())["oblivious_trees"]


def test_metrics_that_are_evaluated_now_and_then_stand_at_the_iterations_they_were_evaluated(
    pools, root
):
    train, val = pools
    model = catboost.CatBoostClassifier(**PARAMS, metric_period=2)
    with AnewCallback("now-and-then") as callback:
        model.fit(train, eval_set=val, callbacks=[callback])
    (found,) = Store(root)
    steps, values = found.metrics["validation/Logloss"].to_numpy()
    assert steps.tolist() == [0, 2, 4, 5]
    assert values.tolist() == model.get_evals_result()["validation"]["Logloss"]


def test_without_a_with_block_the_model_ends_each_experiment(pools, root):
    callback = AnewCallback("plain")
    for _ in range(2):
        model = catboost.CatBoostClassifier(**PARAMS).fit(pools[0], callbacks=[callback])
        callback.log_model(model)
    assert [one.status for one in Store(root)] == [Status.COMPLETED] * 2
    assert "best_iteration" not in Store(root).list()[0].metrics  # there was nothing to validate on


def test_a_training_whose_model_was_never_handed_over_is_ended_by_the_next_one(pools, root):
    callback = AnewCallback("plain")
    for _ in range(2):
        catboost.CatBoostClassifier(**PARAMS).fit(pools[0], callbacks=[callback])
    assert [one.status for one in Store(root).list()] == [Status.RUNNING, Status.COMPLETED]
    callback.finish()
    assert Store(root).list()[0].status is Status.COMPLETED


def test_a_training_that_raises_in_a_with_block_fails_the_experiment(pools, root):
    with pytest.raises(catboost.CatBoostError), AnewCallback("broken") as callback:
        model = catboost.CatBoostClassifier(**PARAMS, eval_metric="NoSuchMetric")
        model.fit(pools[0], callbacks=[callback])
    (found,) = Store(root)
    assert found.status is Status.FAILED
    assert "NoSuchMetric" in found.reason


def test_a_ranking_is_recorded_without_importances(root):
    rng = np.random.default_rng(0)
    x, groups = rng.normal(size=(120, 3)), np.repeat(np.arange(12), 10)
    pool = catboost.Pool(x, (x[:, 0] > 0).astype(int), group_id=groups)
    params = {k: v for k, v in PARAMS.items() if k != "subsample"}
    model = catboost.CatBoostRanker(**params, loss_function="YetiRank")
    with AnewCallback("ranked") as callback:
        model.fit(pool, callbacks=[callback])
        callback.log_model(model)
    (found,) = Store(root)
    assert found.params["loss_function"].startswith("YetiRank")
    assert not found.values("feature_importance")
