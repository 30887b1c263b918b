"""LightGBM, trained for real: what each way of training leaves in the record."""

from __future__ import annotations

from typing import Any, ClassVar

from anew import Status, Store
from anew.integrations.boosting import Boosting
from later import later

from .boosting import Curves, Folds, TrainContract, curves, two_classes

lightgbm = later("lightgbm")
integration = later("anew.integrations.lightgbm")

PARAMS = {
    "objective": "binary",
    "metric": ["binary_logloss", "auc"],
    "learning_rate": 0.3,
    "num_leaves": 4,
    "num_threads": 1,
    "verbosity": -1,
}


def sets() -> dict[str, Any]:
    x, y = two_classes()
    train = lightgbm.Dataset(x[:200], y[:200], feature_name=["a", "b", "c", "d"])
    val = lightgbm.Dataset(x[200:], y[200:], reference=train)
    return {"train_set": train, "valid_sets": [train, val], "valid_names": ["train", "val"]}


class TestLightGBM(TrainContract):
    integration = "lightgbm"
    example = ("with_lightgbm", "examples/digits/lightgbm")
    example_features: ClassVar = {f"Column_{pixel}" for pixel in range(64)}
    file = "model.txt"
    params: ClassVar = {"num_leaves": 4, "learning_rate": 0.3}
    rounds = "num_iterations"

    def train(self, callback: Boosting | None, rounds: int = 5, validated: bool = True) -> Curves:
        results: dict[str, Any] = {}
        callbacks = [lightgbm.record_evaluation(results)] if validated else []
        data = sets() if validated else {"train_set": sets()["train_set"]}
        if callback is not None:
            callbacks.append(callback)
        lightgbm.train(PARAMS, **data, num_boost_round=rounds, callbacks=callbacks)
        return {f"{data}/{m}": v for data, metrics in results.items() for m, v in metrics.items()}

    def fit(self, callback: Boosting) -> None:
        x, y = two_classes()
        model = lightgbm.LGBMClassifier(n_estimators=4, n_jobs=1, verbosity=-1)
        model.fit(x, y, eval_X=x, eval_y=y, callbacks=[callback])

    def go_on(self, callback: Boosting) -> str:
        first = lightgbm.train(PARAMS, **sets(), num_boost_round=3)
        lightgbm.train(PARAMS, **sets(), num_boost_round=2, init_model=first, callbacks=[callback])
        return "val/auc"

    def stop(self, callback: Boosting, error: BaseException) -> None:
        def broken(env: Any) -> None:
            if env.iteration == 2:
                raise error

        lightgbm.train(PARAMS, **sets(), num_boost_round=5, callbacks=[callback, broken])

    def cross_validate(self, callback: Boosting) -> Folds:
        stopping = lightgbm.early_stopping(3, verbose=False)
        train = sets()["train_set"]
        results = lightgbm.cv(PARAMS, train, 30, nfold=3, callbacks=[callback, stopping])
        means = results["valid auc-mean"]
        return Folds("valid/auc", means, results["valid auc-stdv"], len(means))

    def check_example(self, found: Any, best: int) -> None:
        assert {*curves(found)} == {
            f"{d}/multi_{m}" for d in ("train", "val") for m in ("logloss", "error")
        }
        assert (found.params["learning_rate"], found.params["num_iterations"]) == (0.3, 100)
        assert found.metrics["best_iteration"].last == best + 1  # LightGBM counts from 1
        steps, values = found.metrics["val/multi_error"].to_numpy()
        assert found.metrics["best/val/multi_error"].last == values[steps == best]

    def check_model(self, path: str, trees: int) -> None:
        assert lightgbm.Booster(model_file=path).num_trees() == trees * 10  # one for each class

    def test_a_training_that_stops_early_is_ended_by_finish_or_by_the_next_one(self, root):
        callback = integration.AnewCallback("early")
        for _ in range(2):
            seen: dict[str, Any] = {}
            others = [lightgbm.early_stopping(2, verbose=False), lightgbm.record_evaluation(seen)]
            lightgbm.train(PARAMS, **sets(), num_boost_round=100, callbacks=[callback, *others])
        callback.finish()
        newest, oldest = Store(root)
        for found in (newest, oldest):
            assert found.status is Status.COMPLETED
            assert found.metrics["best_iteration"].last < found.metrics["val/auc"].count < 100
            assert found.metrics["val/auc"].count == len(seen["val"]["auc"])  # the last one too
            assert found.metrics["best/val/auc"].count == 1

    def test_a_training_that_raises_keeps_the_iterations_before(self, root):
        self.test_a_training_that_raises_in_a_with_block_fails_the_experiment(root)
        (found,) = Store(root)
        assert found.metrics["val/auc"].count == 2

    def test_of_two_trainings_in_one_experiment_the_parameters_of_the_later_one_count(self, root):
        with integration.AnewCallback("both") as callback:
            for leaves in (4, 8):
                params = PARAMS | {"num_leaves": leaves}
                lightgbm.train(params, **sets(), num_boost_round=2, callbacks=[callback])
        assert Store(root).list()[0].params["num_leaves"] == 8
