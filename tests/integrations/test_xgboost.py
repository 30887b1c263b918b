"""XGBoost, trained for real: what each way of training leaves in the record."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import xgboost
from sklearn.base import clone

from anew import Experiment, Status, Store
from anew.integrations.xgboost import AnewCallback

from .running import run_example

PARAMS = {
    "objective": "binary:logistic",
    "eval_metric": ["logloss", "auc"],
    "eta": 0.1,
    "nthread": 1,
}


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch, root: Path) -> None:
    monkeypatch.setenv("ANEW_ROOT", str(root))
    monkeypatch.setenv("ANEW_CONSOLE", "off")
    monkeypatch.setenv("ANEW_CAPTURE", "off")
    monkeypatch.setenv("ANEW_SYSTEM_METRICS", "0")


@pytest.fixture
def data() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 4))
    return x, (x[:, 0] + 0.5 * x[:, 1] + rng.normal(0, 0.3, 200) > 0).astype(int)


@pytest.fixture
def matrices(data) -> tuple[xgboost.DMatrix, xgboost.DMatrix]:
    x, y = data
    names = ["a", "b", "c", "d"]
    return tuple(
        xgboost.DMatrix(x[rows], y[rows], feature_names=names)
        for rows in (slice(150), slice(150, None))
    )


def test_the_example_leaves_curves_parameters_the_best_iteration_importances_and_the_model(
    tmp_path,
):
    with run_example("with_xgboost", tmp_path) as store:
        found = store["examples/tumours/xgboost"]
    assert found.status is Status.COMPLETED
    assert {"train/logloss", "train/auc", "val/logloss", "val/auc"} <= {*found.metrics}
    assert (found.params["eta"], found.params["max_depth"]) == (0.1, 4)
    best = found.metrics["best_iteration"]
    assert best.last == best.last_step == found.metrics["val/auc"].max_step
    assert found.metrics["best_score"].last == found.metrics["val/auc"].max
    assert found.metrics["val/auc"].count == found.params["rounds"] == best.last + 11
    (importance,) = found.values("feature_importance")
    assert importance.data["columns"] == ["feature", "importance"]
    assert "worst perimeter" in [name for name, _ in importance.data["rows"]]
    (file,) = found.files
    assert (file.prefix, file.name) == ("models", "model.json")
    model = xgboost.Booster(model_file=str(file.path))
    assert model.num_boosted_rounds() == found.params["rounds"]


def test_what_is_recorded_is_what_xgboost_returns(matrices, root):
    train, val = matrices
    results: dict[str, dict[str, list[float]]] = {}
    with Experiment("run") as exp:
        xgboost.train(
            PARAMS, train, 5, evals=[(train, "train"), (val, "val")], evals_result=results,
            callbacks=[AnewCallback(exp)], verbose_eval=False,
        )  # fmt: skip
        assert exp.status is Status.RUNNING  # it is the program's to end
    found = Store(root)[exp.id]
    recorded = {name: found.metrics[name].to_numpy()[1].tolist() for name in found.metrics}
    assert recorded == {f"{d}/{m}": v for d, ms in results.items() for m, v in ms.items()}


def test_the_running_experiment_is_found_and_its_own_parameters_stay(matrices, root):
    with Experiment("run", params={"eta": "mine"}) as exp:
        xgboost.train(PARAMS, matrices[0], 2, callbacks=[AnewCallback()])
    found = Store(root)[exp.id]
    assert (found.params["eta"], found.params["max_depth"]) == ("mine", 6)
    assert found.params["learning_rate"] == 0.1  # as it was given, not as float32 has it
    assert len(Store(root)) == 1


def test_a_classifier_opens_an_experiment_and_ends_it_with_its_fit(data, root):
    x, y = data
    callback = AnewCallback("classifier", tags=["trees"], model_file="model.ubj")
    model = xgboost.XGBClassifier(n_estimators=4, callbacks=[callback], n_jobs=1)
    model.fit(x, y, eval_set=[(x, y)], verbose=False)
    (found,) = Store(root)
    assert (found.name, found.status, found.tags) == (
        "classifier",
        Status.COMPLETED,
        {"trees": None},
    )
    assert found.metrics["validation_0/logloss"].count == 4
    assert found.files[0].name == "model.ubj"
    model.fit(x, y, eval_set=[(x, y)], verbose=False)
    assert len(Store(root)) == 2


def test_each_clone_of_an_estimator_has_an_experiment_of_its_own(data, root):
    x, y = data
    model = xgboost.XGBClassifier(n_estimators=2, callbacks=[AnewCallback("fold")], n_jobs=1)
    for _ in range(2):
        clone(model).fit(x, y)
    assert [one.status for one in Store(root)] == [Status.COMPLETED] * 2


def test_cross_validation_keeps_mean_and_deviation_and_the_boosters_of_all_folds(matrices, root):
    with AnewCallback("cv", model_file="model.json") as callback:
        results = xgboost.cv(
            PARAMS, matrices[0], 6, nfold=3, seed=0, callbacks=[callback], early_stopping_rounds=2
        )
    (found,) = Store(root)
    rounds = len(results)
    assert (
        found.metrics["test/auc"].to_numpy()[1][:rounds].tolist()
        == results["test-auc-mean"].tolist()
    )
    assert (
        found.metrics["test/auc/std"].to_numpy()[1][:rounds].tolist()
        == results["test-auc-std"].tolist()
    )
    assert [file.name for file in found.files] == [f"fold-{i}/model.json" for i in range(3)]
    assert found.metrics["best_iteration"].last == rounds - 1


def test_the_last_iteration_is_kept_where_another_callback_stops_the_training_first(matrices, root):
    stop = xgboost.callback.EarlyStopping(
        rounds=1, data_name="train", maximize=True
    )  # logloss only falls
    params = PARAMS | {"eval_metric": "logloss"}
    with AnewCallback("stopped") as callback:
        xgboost.train(
            params, matrices[0], 9, evals=[(matrices[0], "train")], callbacks=[stop, callback], verbose_eval=False,
        )  # fmt: skip
    (found,) = Store(root)
    assert found.metrics["train/logloss"].count == found.params["rounds"] == 2


def test_training_goes_on_with_the_steps_of_an_earlier_model(matrices, root):
    train, _ = matrices
    first = xgboost.train(PARAMS, train, 3)
    with AnewCallback("on") as callback:
        xgboost.train(
            PARAMS, train, 2, evals=[(train, "train")], xgb_model=first, callbacks=[callback]
        )
    (found,) = Store(root)
    assert found.metrics["train/auc"].to_numpy()[0].tolist() == [3, 4]


def test_a_training_that_raises_in_a_with_block_fails_the_experiment(matrices, root):
    def broken(*_):
        raise ArithmeticError("no gradient")

    with pytest.raises(ArithmeticError), AnewCallback("broken") as callback:
        xgboost.train(PARAMS, matrices[0], 3, obj=broken, callbacks=[callback])
    (found,) = Store(root)
    assert (found.status, found.reason) == (Status.FAILED, "ArithmeticError: no gradient")


def test_a_training_that_was_broken_off_is_ended_by_the_next_one(matrices, root):
    def broken(*_):
        raise ArithmeticError("no gradient")

    callback = AnewCallback("again")
    with pytest.raises(ArithmeticError):
        xgboost.train(PARAMS, matrices[0], 3, obj=broken, callbacks=[callback])
    xgboost.train(PARAMS, matrices[0], 3, callbacks=[callback])
    newest, oldest = Store(root).list()
    assert (oldest.status, bool(oldest.reason)) == (Status.FAILED, True)
    assert newest.status is Status.COMPLETED


@pytest.mark.parametrize("booster", ["gblinear", "dart"])
def test_other_boosters_and_many_classes_are_recorded_too(data, booster, root):
    x, _ = data
    train = xgboost.DMatrix(x, np.arange(len(x)) % 3)
    params = {"objective": "multi:softprob", "num_class": 3, "booster": booster, "nthread": 1}
    with AnewCallback("other", model_file="model.json") as callback:
        xgboost.train(
            params, train, 3, evals=[(train, "train")], callbacks=[callback], verbose_eval=False
        )
    (found,) = Store(root)
    assert found.metrics["train/mlogloss"].count == 3
    assert (found.params["booster"], found.params["num_class"]) == (booster, 3)
    assert json.loads(found.files[0].read_bytes())["learner"]


def test_a_disabled_experiment_trains_as_without(matrices, root):
    with AnewCallback(mode="disabled", model_file="model.json") as callback:
        model = xgboost.train(PARAMS, matrices[0], 2, callbacks=[callback])
    assert model.num_boosted_rounds() == 2
    assert not root.exists()
