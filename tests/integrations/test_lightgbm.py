"""LightGBM, trained for real: what each way of training leaves in the record."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pytest

from anew import Experiment, Status, Store
from anew.integrations.lightgbm import AnewCallback

from .running import run_example

PARAMS = {
    "objective": "binary",
    "metric": ["binary_logloss", "auc"],
    "learning_rate": 0.3,
    "num_leaves": 4,
    "num_threads": 1,
    "verbosity": -1,
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
    x = rng.normal(size=(300, 4))
    return x, (x[:, 0] + 0.5 * x[:, 1] + rng.normal(0, 0.5, 300) > 0).astype(int)


def sets(data: tuple[np.ndarray, np.ndarray]) -> dict[str, Any]:
    x, y = data
    train = lightgbm.Dataset(x[:200], y[:200], feature_name=["a", "b", "c", "d"])
    val = lightgbm.Dataset(x[200:], y[200:], reference=train)
    return {"train_set": train, "valid_sets": [train, val], "valid_names": ["train", "val"]}


def curves(found: Any) -> dict[str, list[float]]:
    return {
        name: found.metrics[name].to_numpy()[1].tolist()
        for name in found.metrics
        if not name.startswith("best")
    }


def test_the_example_leaves_curves_parameters_the_best_iteration_importances_and_the_model(
    tmp_path,
):
    with run_example("with_lightgbm", tmp_path) as store:
        found = store["examples/digits/lightgbm"]
    assert found.status is Status.COMPLETED
    assert {*curves(found)} == {
        f"{d}/multi_{m}" for d in ("train", "val") for m in ("logloss", "error")
    }
    assert (found.params["learning_rate"], found.params["num_iterations"]) == (0.3, 100)
    best = int(found.metrics["best_iteration"].last)
    assert found.metrics["best_iteration"].last_step == best - 1
    steps, values = found.metrics["val/multi_error"].to_numpy()
    assert found.metrics["best/val/multi_error"].last == values[steps == best - 1]
    (importance,) = found.values("feature_importance")
    assert importance.data["columns"] == ["feature", "importance"]
    assert len(importance.data["rows"]) == 64
    (file,) = found.files
    assert (file.prefix, file.name) == ("models", "model.txt")
    assert lightgbm.Booster(model_file=str(file.path)).num_trees() == best * 10


def test_what_is_recorded_is_what_lightgbm_records(data, root):
    results: dict[str, Any] = {}
    with Experiment("run") as exp:
        callbacks = [AnewCallback(exp), lightgbm.record_evaluation(results)]
        lightgbm.train(PARAMS, **sets(data), num_boost_round=5, callbacks=callbacks)
        assert exp.status is Status.RUNNING  # it is the program's to end
    found = Store(root)[exp.id]
    assert curves(found) == {f"{d}/{m}": v for d, ms in results.items() for m, v in ms.items()}
    (importance,) = found.values("feature_importance")
    assert importance.data["rows"][0][0] == "a"


def test_a_classifier_opens_an_experiment_and_ends_it_with_its_fit(data, root):
    x, y = data
    callback = AnewCallback("classifier", tags=["trees"])
    model = lightgbm.LGBMClassifier(n_estimators=4, n_jobs=1, verbosity=-1)
    for _ in range(2):
        model.fit(x, y, eval_X=x, eval_y=y, callbacks=[callback])
    newest, oldest = Store(root)
    for found in (newest, oldest):
        assert (found.name, found.status) == ("classifier", Status.COMPLETED)
        assert found.metrics["valid_0/binary_logloss"].count == found.params["num_iterations"] == 4


def test_cross_validation_keeps_mean_and_deviation_and_the_boosters_of_all_folds(data, root):
    train = sets(data)["train_set"]
    with AnewCallback("cv", model_file="model.txt") as callback:
        results = lightgbm.cv(
            PARAMS,
            train,
            30,
            nfold=3,
            callbacks=[callback, lightgbm.early_stopping(3, verbose=False)],
        )
    (found,) = Store(root)
    best = len(results["valid auc-mean"])
    recorded = curves(found)
    assert len(recorded["valid/auc"]) > best  # those behind the best one as well
    assert recorded["valid/auc"][:best] == results["valid auc-mean"]
    assert recorded["valid/auc/std"][:best] == results["valid auc-stdv"]
    assert found.metrics["best_iteration"].last == best
    assert [file.name for file in found.files] == [f"fold-{i}/model.txt" for i in range(3)]


def test_a_training_that_stops_early_is_ended_by_finish_or_by_the_next_one(data, root):
    callback = AnewCallback("early")
    for _ in range(2):
        seen: dict[str, Any] = {}
        others = [lightgbm.early_stopping(2, verbose=False), lightgbm.record_evaluation(seen)]
        lightgbm.train(PARAMS, **sets(data), num_boost_round=100, callbacks=[callback, *others])
    callback.finish()
    newest, oldest = Store(root)
    for found in (newest, oldest):
        assert found.status is Status.COMPLETED
        assert found.metrics["best_iteration"].last < found.metrics["val/auc"].count < 100
        assert found.metrics["val/auc"].count == len(seen["val"]["auc"])  # the last one too
        assert found.metrics["best/val/auc"].count == 1


def test_two_trainings_in_one_with_block_are_one_experiment(data, root):
    with AnewCallback("both", model_file="model.txt") as callback:
        for leaves in (4, 8):
            params = PARAMS | {"num_leaves": leaves}
            lightgbm.train(params, **sets(data), num_boost_round=2, callbacks=[callback])
    (found,) = Store(root)
    assert found.metrics["val/auc"].to_numpy()[0].tolist() == [0, 0, 1, 1]
    assert len(found.files) == 2
    assert found.params["num_leaves"] == 8


def test_a_training_that_raises_in_a_with_block_fails_the_experiment(data, root):
    def broken(env):
        if env.iteration == 2:
            raise ArithmeticError("no more")

    with pytest.raises(ArithmeticError), AnewCallback("broken") as callback:
        lightgbm.train(PARAMS, **sets(data), num_boost_round=5, callbacks=[callback, broken])
    (found,) = Store(root)
    assert (found.status, found.reason) == (Status.FAILED, "ArithmeticError: no more")
    assert found.metrics["val/auc"].count == 2


def test_a_training_that_was_broken_off_is_ended_by_the_next_one(data, root):
    def broken(env):
        if env.iteration == 2:
            raise ArithmeticError("no more")

    callback = AnewCallback("again")
    with pytest.raises(ArithmeticError):
        lightgbm.train(PARAMS, **sets(data), num_boost_round=5, callbacks=[callback, broken])
    lightgbm.train(PARAMS, **sets(data), num_boost_round=5, callbacks=[callback])
    newest, oldest = Store(root).list()
    assert (oldest.status, bool(oldest.reason)) == (Status.FAILED, True)
    assert newest.status is Status.COMPLETED


def test_ctrl_c_in_a_with_block_cancels_the_experiment(data, root):
    def interrupted(env):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), AnewCallback("cancelled") as callback:
        lightgbm.train(PARAMS, **sets(data), num_boost_round=5, callbacks=[callback, interrupted])
    assert Store(root).list()[0].status is Status.CANCELLED


def test_training_goes_on_with_the_steps_of_an_earlier_model(data, root):
    first = lightgbm.train(PARAMS, **sets(data), num_boost_round=3)
    with AnewCallback("on") as callback:
        lightgbm.train(
            PARAMS, **sets(data), num_boost_round=2, init_model=first, callbacks=[callback]
        )
    (found,) = Store(root)
    assert found.metrics["val/auc"].to_numpy()[0].tolist() == [3, 4]


def test_a_training_without_validation_keeps_its_parameters_and_importances(data, root):
    train = sets(data)["train_set"]
    with AnewCallback("plain", importance=False) as callback:
        lightgbm.train(PARAMS, train, 2, callbacks=[callback])
    (found,) = Store(root)
    assert not found.metrics
    assert not found.values()
    assert found.params["num_leaves"] == 4
