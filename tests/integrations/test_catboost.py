"""CatBoost, trained for real: what each way of training leaves in the record."""

from __future__ import annotations

import json
from typing import Any, ClassVar

import numpy as np

from anew import Status, Store
from anew.integrations.boosting import Boosting
from later import later

from .boosting import BoostingContract, Curves, two_classes

catboost = later("catboost")
integration = later("anew.integrations.catboost")

PARAMS: dict[str, Any] = {
    "iterations": 6,
    "depth": 2,
    "subsample": 0.8,
    "thread_count": 1,
    "verbose": False,
    "allow_writing_files": False,
}


def pools() -> tuple[catboost.Pool, catboost.Pool]:
    x, y = two_classes(columns=3)
    names = ["a", "b", "c"]
    return (
        catboost.Pool(x[:200], y[:200], feature_names=names),
        catboost.Pool(x[200:], y[200:], feature_names=names),
    )


class TestCatBoost(BoostingContract):
    integration = "catboost"
    example = ("with_catboost", "examples/diabetes/catboost")
    example_features: ClassVar = {"bmi", "bp", "s5"}
    file = "model.cbm"
    params: ClassVar = {"depth": 2, "subsample": 0.8}
    rounds = "iterations"

    @property
    def error(self) -> tuple[type[Exception], str]:
        return catboost.CatBoostError, "NoSuchMetric"

    def train(self, callback: Boosting | None, rounds: int = 5, validated: bool = True) -> Curves:
        train, val = pools()
        model = catboost.CatBoostClassifier(**PARAMS | {"iterations": rounds}, eval_metric="AUC")
        callbacks = [] if callback is None else [callback]
        model.fit(train, eval_set=val if validated else None, callbacks=callbacks)
        if callback is not None:
            callback.log_model(model)
        results = model.get_evals_result()
        return {f"{data}/{m}": v for data, metrics in results.items() for m, v in metrics.items()}

    def fit(self, callback: Boosting) -> None:
        model = catboost.CatBoostClassifier(**PARAMS | {"iterations": 4})
        callback.log_model(model.fit(pools()[0], callbacks=[callback]))

    def fail(self, callback: Boosting) -> None:
        model = catboost.CatBoostClassifier(**PARAMS, eval_metric="NoSuchMetric")
        model.fit(pools()[0], callbacks=[callback])

    def check_example(self, found: Any, best: int) -> None:
        assert {"learn/RMSE", "validation/MAE", "validation/RMSE"} <= {*found.metrics}
        assert (found.params["learning_rate"], found.params["depth"]) == (0.1, 4)
        mae = found.metrics["validation/MAE"]
        assert best == found.metrics["best_iteration"].last == mae.min_step
        assert found.metrics["best/validation/MAE"].last == mae.min
        assert found.params["trees"] == best + 1

    def check_model(self, path: str, trees: int) -> None:
        assert catboost.CatBoostRegressor().load_model(path).tree_count_ == trees

    def test_the_json_of_a_model_is_a_file_too(self, root):
        with integration.AnewCallback("json", model_file="model.json") as callback:
            self.train(callback)
        (file,) = Store(root).list()[0].files
        assert json.loads(file.read_bytes())["oblivious_trees"]

    def test_metrics_that_are_evaluated_now_and_then_stand_at_the_iterations_they_were_evaluated(
        self, root
    ):
        train, val = pools()
        model = catboost.CatBoostClassifier(**PARAMS, metric_period=2)
        with integration.AnewCallback("now-and-then") as callback:
            model.fit(train, eval_set=val, callbacks=[callback])
        (found,) = Store(root)
        steps, values = found.metrics["validation/Logloss"].to_numpy()
        assert steps.tolist() == [0, 2, 4, 5]
        assert values.tolist() == model.get_evals_result()["validation"]["Logloss"]

    def test_a_training_whose_model_was_never_handed_over_is_ended_by_the_next_one(self, root):
        callback = integration.AnewCallback("plain")
        for _ in range(2):
            catboost.CatBoostClassifier(**PARAMS).fit(pools()[0], callbacks=[callback])
        assert [one.status for one in Store(root).list()] == [Status.RUNNING, Status.COMPLETED]
        callback.finish()
        assert Store(root).list()[0].status is Status.COMPLETED

    def test_a_ranking_is_recorded_without_importances(self, root):
        rng = np.random.default_rng(0)
        x, groups = rng.normal(size=(120, 3)), np.repeat(np.arange(12), 10)
        pool = catboost.Pool(x, (x[:, 0] > 0).astype(int), group_id=groups)
        params = {k: v for k, v in PARAMS.items() if k != "subsample"}
        model = catboost.CatBoostRanker(**params, loss_function="YetiRank")
        with integration.AnewCallback("ranked") as callback:
            model.fit(pool, callbacks=[callback])
            callback.log_model(model)
        (found,) = Store(root)
        assert found.params["loss_function"].startswith("YetiRank")
        assert not found.values("feature_importance")
