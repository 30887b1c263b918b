"""Programs written for tracelet run, and leave what the same calls of Anew leave."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

import anew
import anew.dialects.tracelet as tracelet
from anew import Status, Store
from anew.dialects.tracelet import UNSUPPORTED, Experiment, ExperimentConfig
from anew.dialects.tracelet.core import experiment as core
from anew.errors import InvalidName, InvalidValue
from anew.forwarders import MLflow, WandB
from later import later

from ...dialects.records import recorded

torch = later("torch")
accumulators = later("tensorboard.backend.event_processing.event_accumulator")


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("ANEW_SYSTEM_METRICS", "0")
    yield
    tracelet.stop_logging()


def test_metrics_parameters_and_artifacts_are_what_the_native_calls_leave():
    Path("config.yaml").write_text("lr: 1")
    torch.save(torch.nn.Linear(2, 1).state_dict(), "model_checkpoint.pth")
    exp = tracelet.start_logging(exp_name="metrics_demo", project="examples")
    exp.log_metric("loss", 0.1, iteration=100)
    exp.log_metric("first", 0.5, iteration=0)
    for epoch in range(4):
        train_loss = 1.0 / (epoch + 1)
        exp.log_metric("train_loss", train_loss, iteration=epoch)
        if epoch % 2 == 0:
            exp.log_metric("val_loss", train_loss * 1.1, iteration=epoch)
    for epoch in range(3):
        exp.set_iteration(epoch)
        exp.log_metric("accuracy", 0.1 * epoch)
        exp.log_metric("other", 1.0, iteration=epoch * 2)
    exp.log_params({"learning_rate": 0.001, "optimizer": "adam", "data_augmentation": True})
    exp.log_params({"model.architecture": "transformer", "model.num_layers": 12})
    exp.log_artifact("model_checkpoint.pth", "models/checkpoint_epoch_10.pth")
    exp.log_artifact("config.yaml", "data/processed/final.yaml")
    exp.log_artifact("config.yaml")
    tracelet.stop_logging()

    with anew.Experiment("metrics_demo", project="examples", root="native") as native:
        native.log_metric("loss", 0.1, 100)
        native.log_metric("first", 0.5, 0)
        for epoch in range(4):
            train_loss = 1.0 / (epoch + 1)
            native.log_metric("train_loss", train_loss, epoch)
            if epoch % 2 == 0:
                native.log_metric("val_loss", train_loss * 1.1, epoch)
        for epoch in range(3):
            native.log_metric("accuracy", 0.1 * epoch, epoch)
            native.log_metric("other", 1.0, epoch * 2)
        native.params.set(learning_rate=0.001, optimizer="adam", data_augmentation=True)
        native.params.set(model={"architecture": "transformer", "num_layers": 12})
        native.files("models").save("model_checkpoint.pth", "checkpoint_epoch_10.pth")
        native.files("data/processed").save("config.yaml", "final.yaml")
        native.files().save("config.yaml")
    assert recorded(exp.native.folder) == recorded(native.folder)
    view = Store()[exp.native.id]
    assert (view.name, view.prefix.split("/")[0]) == ("metrics_demo", "examples")
    assert [int(step) for step in view.metrics["first"].read().steps] == [0]
    assert view.params.model.num_layers == 12


def test_start_and_stop_may_be_called_again():
    exp = tracelet.start_logging(exp_name="manual_control", project="test")
    exp.start()  # it runs already
    exp.log_metric("initial_metric", 1.0)
    exp.stop()
    exp.stop()
    tracelet.stop_logging()
    tracelet.stop_logging()
    assert len(Store()) == 1
    assert Store()[exp.native.id].status is Status.COMPLETED
    with pytest.raises(RuntimeError):
        exp.log_metric("late", 1.0)
    first = exp.native.id
    exp.start()
    exp.log_metric("again", 1.0)
    exp.stop()
    assert exp.native.id != first
    assert sorted(Store()[exp.native.id].metrics) == ["again"]


def test_a_second_start_ends_the_first_and_a_stop_leaves_nothing_undelivered():
    first = tracelet.start_logging("one")
    for step in range(500):
        first.log_metric("loss", 1.0, step)
    second = tracelet.start_logging("two")
    assert Store()[first.native.id].status is Status.COMPLETED
    assert Store()[first.native.id].metrics["loss"].count == 500
    assert Store()[second.native.id].status is Status.RUNNING
    tracelet.stop_logging()
    assert Store()[second.native.id].status is Status.COMPLETED


def test_a_configuration_gives_project_and_tags():
    uri = f"sqlite:///{Path.cwd()}/mlflow.db"
    config = ExperimentConfig(
        name="custom_experiment",
        project="research_project",
        backend_name="local",
        tags={"team": "ml", "version": "v2.0"},
        tracking_uri=uri,
    )
    exp = Experiment(name="test", config=config)
    with pytest.raises(RuntimeError, match="pending"):
        exp.log_params({"a": 1})
    exp.start()
    exp.stop()
    view = Store()[exp.native.id]
    assert (view.name, view.tags) == ("test", {"team": "ml", "version": "v2.0"})
    assert view.prefix.startswith("research_project/")
    assert exp._address("mlflow") == MLflow(uri, "research_project")
    assert exp._address("wandb") == WandB(project="research_project")
    plain = ExperimentConfig(name="plain")
    assert (plain.project, plain.backend_name, plain.tags, plain.tracking_uri) == (
        None,
        None,
        {},
        None,
    )
    again = tracelet.start_logging(config=plain)
    assert Store()[again.native.id].name == "plain"


@pytest.mark.slow
def test_backends_are_forwarded_to_and_stop_waits_until_all_is_there():
    class TensorBoardBackend:
        pass

    for given in ("tensorboard", ["local", "tensorboard", "tensorboard"], TensorBoardBackend()):
        exp = tracelet.start_logging("b", project="p", backend=given)
        for iteration in range(200):
            exp.log_metric("loss", 1 / (iteration + 1), iteration)
        tracelet.stop_logging()
        view = Store()[exp.native.id]
        assert "tensorboard" in view.captured["backend"]["requested"]
        (place,) = view.forwarded
        assert place.complete
        assert place.points == 200
        reader = accumulators.EventAccumulator(
            str(view.path / "forwarded" / "tensorboard"), {"scalars": 0}
        )
        reader.Reload()
        assert [event.step for event in reader.Scalars("loss")] == list(range(200))
    for local in (None, "local"):
        exp = tracelet.start_logging("local", backend=local)
        view = Store()[exp.native.id]
        assert "backend" not in view.captured
        assert view.forwarded == []


def test_a_misspelt_backend_is_an_error_and_the_running_experiment_goes_on():
    exp = tracelet.start_logging("runs")
    with pytest.raises(InvalidValue, match="'mlflow'"):
        tracelet.start_logging("next", backend="mlfow")
    exp.log_metric("loss", 1.0)
    assert Store()[exp.native.id].status is Status.RUNNING


def test_mistakes_are_told_and_odd_numbers_are_kept():
    exp = tracelet.start_logging("odd")
    exp.log_metric("loss", math.nan, iteration=0)
    exp.log_metric("loss", torch.tensor(0.5), iteration=0)
    with pytest.raises(InvalidValue, match="accuracy"):
        exp.log_metric("accuracy", "high")
    with pytest.raises(FileNotFoundError):
        exp.log_artifact("not-there.pth", "models/x.pth")
    Path("a.txt").write_text("a")
    with pytest.raises(InvalidName):
        exp.log_artifact("a.txt", "../outside.txt")
    with pytest.raises(TypeError, match="backends"):
        tracelet.start_logging("x", backends=["mlflow"])  # type: ignore[call-arg]
    assert Store()[exp.native.id].metrics["loss"].count == 2


def test_folders_are_artifacts_too():
    Path("plots/inner").mkdir(parents=True)
    Path("plots/a.txt").write_text("a")
    Path("plots/inner/b.txt").write_text("b")
    exp = tracelet.start_logging("folder")
    exp.log_artifact("plots", "figures/all")
    names = [(file.prefix, file.name) for file in Store()[exp.native.id].files]
    assert names == [("figures", "all/a.txt"), ("figures", "all/inner/b.txt")]


def test_what_is_not_supported_is_as_listed():
    with pytest.raises(TypeError, match="automagic"):
        Experiment("x", automagic=True)  # type: ignore[call-arg]
    assert tracelet.start_logging("team/name").native.name == "team-name"
    assert len(UNSUPPORTED) == 5


def test_disabled_every_call_does_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("ANEW_MODE", "disabled")
    exp = tracelet.start_logging("nothing")
    exp.set_iteration(1)
    exp.log_metric("loss", 1.0)
    exp.log_params({"a": 1})
    tracelet.stop_logging()
    assert not (tmp_path / "experiments").exists()


def test_what_the_program_reports_elsewhere_is_recorded_until_the_stop():
    import logging

    from torch.utils.tensorboard import SummaryWriter

    original = SummaryWriter.add_scalar
    exp = tracelet.start_logging("captured")
    with SummaryWriter("runs") as writer:
        writer.add_scalar("loss", 0.5, 7)
        logging.getLogger("training").warning("look")
        tracelet.stop_logging()
        writer.add_scalar("loss", 0.25, 8)
    assert SummaryWriter.add_scalar is original
    view = Store()[exp.native.id]
    assert view.metrics["loss"].read().steps.tolist() == [7]
    assert [line.message for line in view.logs()] == ["look"]
    tracelet.start_logging(config=ExperimentConfig("not captured", track_tensorboard=False))
    assert SummaryWriter.add_scalar is original


def test_a_mapping_and_variables_configure_too(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TRACELET_PROJECT", "of-variables")
    monkeypatch.setenv("TRACELET_TRACK_LOGGING", "false")
    monkeypatch.setenv("TRACELET_METRICS_INTERVAL", "5")
    exp = tracelet.start_logging(
        "x",
        None,
        None,
        "key",
        "http://mlflow.example.org",
        {"tags": ["a"], "track_tensorboard": False},
    )
    assert (
        exp.config.track_tensorboard,
        exp.config.track_logging,
        exp.config.track_matplotlib,
    ) == (False, False, True)
    assert exp.config.tracking_uri == "http://mlflow.example.org"
    assert (exp.config.metrics_interval, dict(exp.native.tags)) == (5.0, {"a": None})
    assert exp.native.prefix.startswith("of-variables/x-")
    tracelet.stop_logging()
    given = Experiment("y", {"project": "given", "backend": "local", "track_system": False})
    given.start()
    assert given.native.prefix.startswith("given/y-")
    given.stop()
    with pytest.raises(InvalidValue) as caught:
        Experiment("z", {"projct": "x"})
    assert caught.value.key == "projct"
    monkeypatch.setenv("TRACELET_TRACK_LOGGING", "perhaps")
    with pytest.raises(InvalidValue):
        Experiment("z")


def test_the_module_of_the_documents_is_there():
    assert core.ExperimentConfig is ExperimentConfig
    assert core.Experiment is Experiment
