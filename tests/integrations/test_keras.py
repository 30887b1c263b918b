"""Keras's fit with our callback."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from anew import Experiment, Status, Store, session

from .running import run_example

os.environ.setdefault("KERAS_BACKEND", "torch")
with warnings.catch_warnings():  # of the library's own, while it is loaded
    warnings.simplefilter("ignore")
    import keras

    from anew.integrations.keras import AnewCallback

# NumPy says it of Keras's torch backend, wherever a configuration has an optimizer's variables in it.
OWN = "__array__ implementation doesn't accept a copy keyword"
# The whole framework: `make test` does not even import it.
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings(f"ignore:{OWN}:DeprecationWarning")]


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch, root: Path) -> None:
    monkeypatch.setattr(session, "_current", None)
    monkeypatch.setenv("ANEW_ROOT", str(root))
    monkeypatch.setenv("ANEW_CONSOLE", "off")
    monkeypatch.setenv("ANEW_SYSTEM_METRICS", "0")
    monkeypatch.setenv("ANEW_CAPTURE", "off")


X = np.linspace(-1, 1, 24, dtype="float32").reshape(24, 1)


def line(rate: Any = 0.1, **options: Any) -> Any:
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)], name="line")
    model.compile(keras.optimizers.SGD(rate), loss="mse", metrics=["mae"], **options)
    return model


def fit(model: Any, *callbacks: Any, **options: Any) -> Any:
    options = {"epochs": 3, "batch_size": 4, "verbose": 0, **options}
    return model.fit(X, 2 * X, callbacks=[*callbacks], **options)


def only(root: Path) -> Any:
    (view,) = Store(str(root))
    return view


def points(view: Any, name: str) -> list[tuple[int, float]]:
    return [(row["step"], row["value"]) for row in view.metrics[name].rows()]


def steps(view: Any, name: str) -> list[int]:
    return [step for step, _ in points(view, name)]


@pytest.mark.slow
def test_the_example_trains_evaluates_and_keeps_its_best_model(tmp_path):
    view = run_example("with_keras", tmp_path, but=OWN)["examples/digits/keras"]
    assert view.status is Status.COMPLETED
    assert steps(view, "val_accuracy") == list(range(6))
    assert steps(view, "test_accuracy") == [5]
    assert view.metrics["test_accuracy"].last > 0.8
    assert steps(view, "batch/loss")[:5] == [5, 10, 15, 23, 28]
    assert view.params["optimizer.name"] == "adam"
    assert view.params["model.parameters"] == 64 * 64 + 64 + 64 * 10 + 10
    models = [file for file in view.files if file.prefix == "models"]
    assert models[-1].metadata["val_loss"] == view.metrics["val_loss"].min
    kept = keras.models.load_model(models[-1].path)
    assert kept.count_params() == view.params["model.parameters"]


def test_an_epoch_is_logged_as_keras_reports_it(root):
    history = fit(line(), AnewCallback("net"), validation_data=(X, X)).history
    view = only(root)
    assert view.status is Status.COMPLETED
    for name, values in history.items():
        assert points(view, name) == [*enumerate(values)]
    assert {"loss", "mae", "val_loss", "val_mae", "learning_rate"} == {*view.metrics}
    assert (view.params["loss"], view.params["fit.epochs"]) == ("mse", 3)
    (file,) = view.files
    assert "Dense" in file.read_text()


def test_the_learning_rate_is_what_a_schedule_makes_of_it(root):
    fit(line(keras.optimizers.schedules.ExponentialDecay(0.1, 6, 0.5)), AnewCallback("net"))
    view = only(root)
    rates = [value for _, value in points(view, "learning_rate")]
    assert rates == pytest.approx([0.05, 0.025, 0.0125])
    assert view.params["optimizer.learning_rate.config.decay_rate"] == 0.5


def test_another_fit_continues_the_experiment_and_its_epochs(root):
    model, callback = line(), AnewCallback("net", log_batches=2)
    fit(model, callback, epochs=2)
    fit(model, callback, epochs=2)
    fit(model, callback, epochs=6, initial_epoch=4)
    view = only(root)
    assert view.status is Status.COMPLETED
    assert steps(view, "loss") == [0, 1, 2, 3, 4, 5]
    assert steps(view, "batch/loss") == [*range(2, 37, 2)]


@pytest.mark.parametrize("how", ["handed over", "found"])
def test_an_experiment_of_the_programs_own_is_used_and_not_ended(root, how):
    with Experiment("a/b") as exp:
        fit(line(), AnewCallback(exp if how == "handed over" else None))
        assert exp.status is Status.RUNNING
    assert steps(only(root), "loss") == [0, 1, 2]


def test_in_a_with_block_it_fails_as_the_block_does_after_what_was_logged(root):
    def fails(epoch: int, logs: Any) -> None:
        if epoch == 1:
            raise ValueError("in the second epoch")

    broken = keras.callbacks.LambdaCallback(on_epoch_end=fails)
    with pytest.raises(ValueError, match="second"), AnewCallback("net") as callback:
        fit(line(), callback, broken)
    view = only(root)
    assert (view.status, view.reason) == (Status.FAILED, "ValueError: in the second epoch")
    assert steps(view, "loss") == [0, 1]


def test_a_fit_that_broke_off_does_not_swallow_the_evaluation_after_it(root):
    def fails(epoch: int, logs: Any) -> None:
        raise ValueError("in the first epoch")

    model, callback = line(), AnewCallback("net")
    with pytest.raises(ValueError, match="first"):
        fit(model, callback, keras.callbacks.LambdaCallback(on_epoch_end=fails))
    model.evaluate(X, 2 * X, callbacks=[callback], verbose=0)
    view = only(root)
    assert view.status is Status.COMPLETED
    assert steps(view, "test_loss") == [0]


def test_a_metric_with_a_value_per_class_is_logged_class_by_class(root):
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(2, activation="softmax")])
    model.compile("sgd", loss="categorical_crossentropy", metrics=[keras.metrics.F1Score()])
    classes = np.eye(2)[(X[:, 0] > 0).astype(int)]
    model.fit(X, classes, epochs=2, verbose=0, callbacks=[AnewCallback("net")])
    assert {"loss", "f1_score/0", "f1_score/1", "learning_rate"} == {*only(root).metrics}


@pytest.mark.parametrize(("which", "kept"), [(True, [2]), ("all", [0, 1, 2]), (False, [])])
def test_models_are_kept_as_many_as_wished(root, which, kept):
    model = line()
    fit(model, AnewCallback("net", log_model=which))
    files = [file for file in only(root).files if file.prefix == "models"]
    assert [file.step for file in files] == kept
    if kept:
        again = keras.models.load_model(files[-1].path)
        assert np.array_equal(again.predict(X, verbose=0), model.predict(X, verbose=0))


def test_the_best_model_is_kept_each_time_it_gets_better_and_never_for_nan(root):
    callback = AnewCallback("net", log_model="best", monitor="my_accuracy")
    callback.set_model(line())
    callback.on_train_begin()
    for epoch, score in enumerate([float("nan"), 0.5, 0.4, 0.6]):
        callback.on_epoch_begin(epoch)
        callback.on_epoch_end(epoch, {"my_accuracy": score})
    callback.on_train_end()
    files = [file for file in only(root).files if file.prefix == "models"]
    assert [file.metadata for file in files] == [{"my_accuracy": 0.5}, {"my_accuracy": 0.6}]


def test_a_monitor_that_never_comes_is_told(root):
    fit(line(), AnewCallback("net", log_model="best"))
    (message,) = only(root).logs(level="warning")
    assert "val_loss" in message.message


def test_weights_are_committed_after_each_epoch(root):
    model = line()
    fit(model, AnewCallback("a/net", log_model="weights"))
    with Experiment("a/net", resume="allow") as exp:
        assert [commit.step for commit in exp.weights.log()] == [2, 1, 0]
        kept = exp.weights.load()
    assert any(np.array_equal(np.asarray(kept[name]), model.get_weights()[0]) for name in kept)


@pytest.mark.parametrize("options", [{"log_model": "last"}, {"mode": "up"}])
def test_what_is_no_choice_is_refused(options):
    with pytest.raises(ValueError, match=f"{next(iter(options))} is"):
        AnewCallback("net", **options)


OTHER = """
import keras, numpy as np
from anew.integrations.keras import AnewCallback
assert keras.backend.backend() == "jax"
x = np.linspace(-1, 1, 24).reshape(24, 1)
model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
model.compile(keras.optimizers.SGD(0.1), loss="mse", steps_per_execution=3)
callback = AnewCallback("net", log_model=True, log_batches=1)
model.fit(x, 2 * x, epochs=2, batch_size=4, verbose=0, callbacks=[callback])
raise ValueError("after it")
"""


@pytest.mark.slow
def test_another_backend_does_the_same(root):
    result = subprocess.run(
        [sys.executable, "-c", OTHER],
        env=os.environ | {"KERAS_BACKEND": "jax"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "ValueError: after it" in result.stderr
    view = only(root)
    assert view.status is Status.COMPLETED
    assert steps(view, "learning_rate") == [0, 1]
    assert steps(view, "batch/loss") == [3, 6, 9, 12], "several batches at once are counted"
    assert "model.keras" in {file.name for file in view.files}
