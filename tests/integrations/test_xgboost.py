"""XGBoost, trained for real: what each way of training leaves in the record."""

from __future__ import annotations

import json
from typing import Any, ClassVar

import numpy as np
import pytest

from anew import Status, Store
from anew.integrations.boosting import Boosting
from later import later

from .boosting import Curves, Folds, TrainContract, two_classes

xgboost = later("xgboost")
integration = later("anew.integrations.xgboost")
base = later("sklearn.base")

PARAMS = {
    "objective": "binary:logistic",
    "eval_metric": ["logloss", "auc"],
    "eta": 0.1,
    "nthread": 1,
}


def matrices() -> tuple[xgboost.DMatrix, xgboost.DMatrix]:
    x, y = two_classes()
    names = ["a", "b", "c", "d"]
    return (
        xgboost.DMatrix(x[:200], y[:200], feature_names=names),
        xgboost.DMatrix(x[200:], y[200:], feature_names=names),
    )


class TestXGBoost(TrainContract):
    integration = "xgboost"
    example = ("with_xgboost", "examples/tumours/xgboost")
    example_features: ClassVar = {"worst perimeter"}
    file = "model.json"
    # learning_rate as it was given, not as float32 has it; max_depth is XGBoost's own choice.
    params: ClassVar = {"eta": 0.1, "learning_rate": 0.1, "max_depth": 6}
    rounds = "rounds"

    def train(self, callback: Boosting | None, rounds: int = 5, validated: bool = True) -> Curves:
        train, val = matrices()
        results: dict[str, dict[str, list[float]]] = {}
        xgboost.train(
            PARAMS, train, rounds, evals=[(train, "train"), (val, "val")] if validated else [], evals_result=results,
            callbacks=[] if callback is None else [callback], verbose_eval=False,
        )  # fmt: skip
        return {f"{data}/{m}": v for data, metrics in results.items() for m, v in metrics.items()}

    def fit(self, callback: Boosting) -> None:
        x, y = two_classes()
        model = xgboost.XGBClassifier(n_estimators=4, callbacks=[callback], n_jobs=1)
        model.fit(x, y, eval_set=[(x, y)], verbose=False)

    def go_on(self, callback: Boosting) -> str:
        train, _ = matrices()
        first = xgboost.train(PARAMS, train, 3)
        xgboost.train(
            PARAMS, train, 2, evals=[(train, "train")], xgb_model=first, callbacks=[callback], verbose_eval=False,
        )  # fmt: skip
        return "train/auc"

    def stop(self, callback: Boosting, error: BaseException) -> None:
        def broken(*_: Any) -> None:
            raise error

        xgboost.train(PARAMS, matrices()[0], 5, obj=broken, callbacks=[callback])

    def cross_validate(self, callback: Boosting) -> Folds:
        results = xgboost.cv(
            PARAMS,
            matrices()[0],
            40,
            nfold=3,
            seed=0,
            callbacks=[callback],
            early_stopping_rounds=2,
        )
        means, deviations = results["test-auc-mean"], results["test-auc-std"]
        return Folds("test/auc", means.tolist(), deviations.tolist(), len(results) - 1)

    def check_example(self, found: Any, best: int) -> None:
        assert {"train/logloss", "train/auc", "val/logloss", "val/auc"} <= {*found.metrics}
        assert (found.params["eta"], found.params["max_depth"]) == (0.1, 4)
        assert best == found.metrics["best_iteration"].last == found.metrics["val/auc"].max_step
        assert found.metrics["best_score"].last == found.metrics["val/auc"].max
        assert found.metrics["val/auc"].count == found.params["rounds"] == best + 11

    def check_model(self, path: str, trees: int) -> None:
        # XGBoost keeps the ten rounds after the best one as well.
        assert xgboost.Booster(model_file=path).num_boosted_rounds() == trees + 10

    def test_each_clone_of_an_estimator_has_an_experiment_of_its_own(self, root):
        x, y = two_classes()
        model = xgboost.XGBClassifier(
            n_estimators=2, callbacks=[integration.AnewCallback("fold")], n_jobs=1
        )
        for _ in range(2):
            base.clone(model).fit(x, y)
        assert [one.status for one in Store(root)] == [Status.COMPLETED] * 2

    def test_the_last_iteration_is_kept_where_another_callback_stops_the_training_first(self, root):
        stop = xgboost.callback.EarlyStopping(
            rounds=1, data_name="train", maximize=True
        )  # logloss only falls
        params, (train, _) = PARAMS | {"eval_metric": "logloss"}, matrices()
        with integration.AnewCallback("stopped") as callback:
            xgboost.train(
                params, train, 9, evals=[(train, "train")], callbacks=[stop, callback], verbose_eval=False,
            )  # fmt: skip
        (found,) = Store(root)
        assert found.metrics["train/logloss"].count == found.params["rounds"] == 2

    def test_the_binary_form_of_a_model_is_a_file_too(self, root):
        with integration.AnewCallback("binary", model_file="model.ubj") as callback:
            self.train(callback)
        (file,) = Store(root).list()[0].files
        assert xgboost.Booster(model_file=str(file.path)).num_boosted_rounds() == 5

    @pytest.mark.parametrize("booster", ["gblinear", "dart"])
    def test_other_boosters_and_many_classes_are_recorded_too(self, booster, root):
        x, _ = two_classes()
        train = xgboost.DMatrix(x, np.arange(len(x)) % 3)
        params = {"objective": "multi:softprob", "num_class": 3, "booster": booster, "nthread": 1}
        with integration.AnewCallback("other", model_file="model.json") as callback:
            xgboost.train(
                params, train, 3, evals=[(train, "train")], callbacks=[callback], verbose_eval=False
            )
        (found,) = Store(root)
        assert found.metrics["train/mlogloss"].count == 3
        assert (found.params["booster"], found.params["num_class"]) == (booster, 3)
        assert json.loads(found.files[0].read_bytes())["learner"]
