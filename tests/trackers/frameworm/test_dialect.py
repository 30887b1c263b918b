"""Programs written for frameworm run, and leave what the same calls of Anew leave."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import anew
from anew import Store
from anew.dialects.frameworm import (
    UNSUPPORTED,
    Experiment,
    ExperimentManager,
    Trainer,
    plot_metric_comparison,
    plot_multiple_metrics,
)
from anew.dialects.frameworm import experiment as experiment_module
from anew.dialects.frameworm.__main__ import main
from anew.dialects.frameworm.experiment import cli, visualization
from anew.errors import Ambiguous, ConfigFrozen, InvalidValue, NotFound, QueryError
from later import later

from ...dialects.records import recorded

torch = later("torch")
datasets = later("torch.utils.data")

COLUMNS = [
    "id", "experiment_id", "name", "description", "created_at", "updated_at", "status", "git_hash", "git_dirty",
    "path", "tags",
]  # fmt: skip


@pytest.fixture(autouse=True)
def _no_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANEW_SYSTEM_METRICS", "0")


@pytest.fixture
def three() -> list[str]:
    """The ids of three finished experiments."""
    ids = []
    for number, lr in enumerate([0.1, 0.01, 0.001]):
        exp = Experiment(
            f"vae-{number}",
            config={
                "training": {"lr": lr, "act": "it's \\ ok", "sizes": [1, 2], "amp": number == 0}
            },
            tags=["vae", "mnist"][: number + 1],
            description="Testing new architecture",
        )
        with exp:
            for step in range(4):
                exp.log_metric("loss", lr + 1 / (step + 1), step=step)
            exp.log_metrics({"val_loss": lr, "kl_div": -lr}, epoch=0, metric_type="val")
        ids.append(exp.experiment_id)
    return ids


def test_an_experiment_leaves_what_the_native_calls_leave():
    Path("notes.txt").write_text("x")
    config = {"training": {"lr": 0.001}}
    with Experiment(
        name="my-experiment",
        config=config,
        description="Testing new architecture",
        tags=["vae", "mnist", "baseline"],
        root_dir="experiments",
    ) as exp:
        exp.log_metric("loss", 0.5, step=1)
        exp.log_metric("loss", 0.4, step=2, epoch=0)
        exp.log_metrics({"loss": 0.3, "kl_div": 0.1}, epoch=1, metric_type="val")
        exp.log_artifact("notes.txt", "text", "renamed.txt")
    with anew.Experiment(
        "my-experiment",
        config=config,
        description="Testing new architecture",
        tags=["vae", "mnist", "baseline"],
        root="native",
    ) as native:
        native.log_metric("loss", 0.5, step=1)
        native.log_metric("loss", 0.4, step=2, metadata={"epoch": 0})
        native.log_metrics(
            {"loss": 0.3, "kl_div": 0.1}, step=1, metadata={"epoch": 1, "metric_type": "val"}
        )
        native.files("artifacts").save("notes.txt", "renamed.txt", metadata={"type": "text"})
    assert recorded(exp.exp_dir) == recorded(native.folder)
    assert exp.status == "completed"
    assert (exp.exp_dir / "config.yaml").read_text() == "training:\n  lr: 0.001\n"
    assert (exp.exp_dir / "metadata.json").exists()
    assert [p.name for p in (exp.checkpoint_dir, exp.log_dir)] == ["checkpoints", "logs"]
    rows = exp.get_metrics("loss")
    assert [(r["step"], r["epoch"], r["metric_type"]) for r in rows] == [
        (1, None, "train"),
        (2, 0, "train"),
        (1, 1, "val"),
    ]
    assert len(exp.get_metrics()) == 4


def test_the_life_by_hand_and_by_exception():
    exp = Experiment("by hand").start()
    exp.end("cancelled")
    assert (exp.status, ExperimentManager().get_experiment("by hand")["status"]) == (
        "cancelled",
    ) * 2
    with pytest.raises(ZeroDivisionError), Experiment("raises") as exp:
        _ = 1 / 0
    assert exp.status == "failed"
    with Experiment("ends") as exp, pytest.raises(ValueError):
        exp.end("done")
    with pytest.raises(RuntimeError):
        Experiment("never").log_metric("loss", 1)


def test_experiments_are_listed_as_a_frame(three: list[str]):
    manager = ExperimentManager("experiments")
    frame = manager.list_experiments()
    assert list(frame.columns) == COLUMNS
    assert list(frame["experiment_id"]) == list(frame["id"]) == three[::-1]
    assert list(manager.list_experiments(status="completed")["name"]) == ["vae-2", "vae-1", "vae-0"]
    both = manager.list_experiments(tags=["vae", "mnist"])
    assert list(both["name"]) == ["vae-2", "vae-1"]
    assert json.loads(both["tags"][0]) == ["vae", "mnist"]
    assert Path(both["path"][0], "metadata.json").exists()
    assert (both["created_at"] <= both["updated_at"]).all()
    assert len(manager.list_experiments(limit=1)) == 1
    empty = manager.list_experiments(status="running")
    assert list(empty.columns) == COLUMNS
    assert len(empty) == 0
    with pytest.raises(QueryError, match="complete"):
        manager.list_experiments(status="complete")


def test_a_comparison_keeps_the_order_asked_for_and_names_what_is_unknown(three: list[str]):
    manager = ExperimentManager("experiments")
    order = [three[2], three[0], three[1]]
    frame = manager.compare_experiments(order, metrics=["val_loss", "loss"])
    assert list(frame.columns) == [
        "experiment_id",
        "name",
        "status",
        "created_at",
        "val_loss",
        "loss",
    ]
    assert list(frame["experiment_id"]) == order
    assert list(frame[["name", "loss", "val_loss"]]["loss"]) == [
        0.251,
        0.35,
        0.26,
    ]  # the last values
    assert list(manager.compare_experiments(three).columns[4:]) == ["kl_div", "loss", "val_loss"]
    with Experiment("other") as other:
        other.log_metric("loss", 1.0)
    frame = manager.compare_experiments([three[0], other.experiment_id], ["val_loss"])
    assert math.isnan(frame["val_loss"][1])
    with pytest.raises(KeyError):
        manager.compare_experiments([three[0], "exp_001", "exp_002"])
    with pytest.raises(NotFound, match="val_los"):
        manager.compare_experiments(three, ["val_los"])


def test_experiments_are_searched_by_configuration(three: list[str]):
    manager = ExperimentManager("experiments")

    def names(**filters: Any) -> list[str]:
        return list(manager.search_experiments(**filters)["name"])

    assert names(config_filter={"training.lr": 0.001}) == ["vae-2"]
    assert names(config_filter={"training.amp": False}) == ["vae-2", "vae-1"]
    assert names(config_filter={"training.act": "it's \\ ok"}) == ["vae-2", "vae-1", "vae-0"]
    assert names(config_filter={"training.sizes": [1, 2], "training.lr": 0.1}) == ["vae-0"]
    assert names(config_filter={"training.sizes": [2, 1]}) == []
    assert len(names()) == 3
    with pytest.raises(QueryError):
        names(config_filter={"training.rl": 0.1})
    assert list(manager.search_experiments().columns) == COLUMNS


@pytest.mark.parametrize(
    ("operator", "found"),
    [
        ("==", ["vae-1"]),
        ("!=", ["vae-2", "vae-0"]),
        ("<", ["vae-2"]),
        ("<=", ["vae-2", "vae-1"]),
        (">", ["vae-0"]),
        (">=", ["vae-1", "vae-0"]),
    ],
)
def test_every_operator_filters_the_last_value_of_a_metric(three, operator, found):
    frame = ExperimentManager().search_experiments(metric_filter={"val_loss": (operator, 0.01)})
    assert list(frame["name"]) == found


def test_metrics_are_filtered_by_their_extremes_too_and_conditions_add_up(three: list[str]):
    manager = ExperimentManager()
    # loss falls from 1 + lr to 0.25 + lr.
    assert len(manager.search_experiments(metric_filter={"loss": (">", 0.5)})) == 0
    assert len(manager.search_experiments(metric_filter={"loss": (">", 1.05, "max")})) == 1
    assert len(manager.search_experiments(metric_filter={"loss": ("<", 0.3, "min")})) == 2
    for value in (np.float32(0.5), np.float64(0.5), np.int64(0)):
        assert len(manager.search_experiments(metric_filter={"loss": (">", value, "max")})) == 3
    assert len(manager.search_experiments({"training.lr": np.float64(0.1)})) == 1
    frame = manager.search_experiments({"training.amp": False}, {"val_loss": ("<=", 0.001)})
    assert list(frame["name"]) == ["vae-2"]


@pytest.mark.parametrize(
    "condition",
    [
        ("~", 1),
        ("<= 0 or 1 ==", 1),
        ("<",),
        "<5",
        ("<", "0.5"),
        ("<", True),
        ("<", 1, "mean"),
        ("<", 1, "min", 2),
    ],
)
def test_a_condition_that_cannot_be_read_is_refused(three, condition):
    with pytest.raises(InvalidValue):
        ExperimentManager().search_experiments(metric_filter={"val_loss": condition})


def test_an_empty_store_answers_with_empty_frames():
    Path("experiments").mkdir()
    manager = ExperimentManager("experiments")
    assert len(manager.list_experiments()) == 0
    found = manager.search_experiments({"training.lr": 0.1}, {"val_loss": ("<=", 0.5)})
    assert list(found.columns) == COLUMNS
    with pytest.raises(NotFound):
        ExperimentManager("not-there")


def test_a_history_is_a_frame_by_step(three: list[str]):
    manager = ExperimentManager()
    frame = manager.get_metric_history(three[0], "loss")
    assert list(frame.columns) == ["epoch", "step", "metric_value", "metric_type", "timestamp"]
    assert list(frame["step"]) == [0, 1, 2, 3]
    assert list(frame["metric_value"]) == [0.1 + 1 / (step + 1) for step in range(4)]
    val = manager.get_metric_history(three[0], "val_loss")
    assert (val["epoch"][0], val["metric_type"][0]) == (0, "val")
    assert isinstance(val["timestamp"][0], pd.Timestamp)
    never = manager.get_metric_history(three[0], "never")
    assert (len(never), list(never.columns)) == (0, list(frame.columns))


def test_details_of_one_experiment(three: list[str]):
    found = ExperimentManager().get_experiment("vae-1")
    assert set(COLUMNS) < set(found)
    assert found["config"]["training.lr"] == 0.01
    assert found["metrics_summary"]["loss"] == {
        "metric_name": "loss",
        "count": 4,
        "min_value": 0.26,
        "max_value": 1.01,
        "avg_value": pytest.approx(0.01 + (1 + 1 / 2 + 1 / 3 + 1 / 4) / 4),
    }


def test_deleting_goes_to_the_trash_and_summary_counts(three: list[str], capsys):
    manager = ExperimentManager()
    manager.delete_experiment(three[0])
    assert three[0] not in manager.store
    manager.store.restore(three[0])
    with pytest.raises(NotFound):
        manager.delete_experiment("exp_001")
    manager.print_summary()
    printed = capsys.readouterr().out
    assert "3 experiments" in printed
    assert "completed: 3" in printed
    assert "vae-1" in printed


def test_both_figures_are_drawn(three: list[str]):
    manager = ExperimentManager()
    figure = plot_metric_comparison(manager, three, "loss", save_path="comparison.png")
    assert len(figure.axes[0].lines) >= 3
    plot_multiple_metrics(
        manager, three[0], ["loss", "val_loss", "kl_div"], save_path="metrics.svg"
    )
    assert Path("comparison.png").read_bytes().startswith(b"\x89PNG")
    assert "<svg" in Path("metrics.svg").read_text()
    assert plot_metric_comparison(manager, three, "loss") is not None
    with pytest.raises(NotFound):
        plot_metric_comparison(manager, three, "lss")


# -- trainer ---------------------------------------------------------------------------------------


def loaders() -> tuple[datasets.DataLoader[Any], datasets.DataLoader[Any]]:
    inputs = torch.linspace(-1, 1, 20).reshape(20, 1)
    data = datasets.TensorDataset(inputs, 3 * inputs + 1)
    return datasets.DataLoader(data, batch_size=8), datasets.DataLoader(data, batch_size=6)


def model_and_optimizer(cls: type[torch.nn.Module] | None = None) -> tuple[Any, Any]:
    torch.manual_seed(0)
    model = torch.nn.Linear(1, 1) if cls is None else cls()
    return model, torch.optim.SGD(model.parameters(), lr=0.1)


def test_the_trainer_logs_by_itself_each_value_once():
    model, optimizer = model_and_optimizer()
    train_loader, val_loader = loaders()
    exp = Experiment("trained")
    with exp:
        trainer = Trainer(model, optimizer, criterion=torch.nn.functional.mse_loss)
        trainer.set_experiment(exp)
        trainer.train(train_loader, val_loader, epochs=4)

    model, optimizer = model_and_optimizer()
    with anew.Experiment("trained", root="native") as native:
        step = 0
        for epoch in range(4):
            for inputs, target in train_loader:
                optimizer.zero_grad()
                loss = torch.nn.functional.mse_loss(model(inputs), target)
                loss.backward()
                optimizer.step()
                native.log_metrics({"loss": loss.item()}, step, metadata={"epoch": epoch})
                step += 1
            with torch.no_grad():
                total = 0.0
                for inputs, target in val_loader:
                    mean = float(torch.nn.functional.mse_loss(model(inputs), target))
                    total += mean * len(inputs)
            native.log_metrics(
                {"val_loss": total / 20}, step - 1, metadata={"epoch": epoch, "metric_type": "val"}
            )
    assert recorded(exp.exp_dir) == recorded(native.folder)
    view = Store()[exp.experiment_id]
    assert (view.metrics["loss"].count, view.metrics["val_loss"].count) == (12, 4)
    assert view.metrics["val_loss"].last < view.metrics["val_loss"].first
    saved = torch.load(exp.checkpoint_dir / "latest.pt", weights_only=True)
    assert (saved["epoch"], saved["global_step"]) == (3, 12)
    assert torch.equal(saved["model_state_dict"]["weight"], model.weight)
    assert (exp.checkpoint_dir / "best.pt").exists()
    assert list(exp.checkpoint_dir.glob("*.part")) == []


def autoencoder() -> type[torch.nn.Module]:
    class Autoencoder(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = torch.nn.Linear(1, 1)

        def compute_loss(self, inputs: torch.Tensor) -> dict[str, Any]:
            out = self.inner(inputs)
            reconstruction = ((out - inputs) ** 2).mean()
            return {"loss": reconstruction, "kl_div": reconstruction.detach() / 2, "out": out}

    return Autoencoder


def test_a_model_that_knows_its_loss_needs_no_criterion_and_no_running_experiment():
    model, optimizer = model_and_optimizer(autoencoder())
    data = datasets.DataLoader(torch.linspace(0, 1, 9).reshape(9, 1), batch_size=3)
    exp = Experiment("alone")
    trainer = Trainer(model, optimizer)
    trainer.set_experiment(exp)
    trainer.train(data, data, epochs=2)
    assert exp.status == "completed"
    view = Store()[exp.experiment_id]
    assert sorted(view.metrics) == ["kl_div", "loss", "val_kl_div", "val_loss"]
    first = exp.experiment_id
    trainer.train(data, epochs=1)  # it goes on, in an experiment of its own
    again = Store()[exp.experiment_id]
    assert again.id != first
    assert [int(step) for step in again.metrics["loss"].read().steps] == [6, 7, 8]


def test_training_that_fails_fails_the_experiment_it_started():
    class Broken(autoencoder()):  # type: ignore[misc]
        def compute_loss(self, inputs: torch.Tensor) -> dict[str, Any]:
            return {"kl_div": inputs.sum()}

    model, optimizer = model_and_optimizer(Broken)
    exp = Experiment("broken")
    trainer = Trainer(model, optimizer)
    trainer.set_experiment(exp)
    with pytest.raises(InvalidValue):
        trainer.train([torch.zeros(2, 1)], epochs=1)
    assert exp.status == "failed"


def test_a_trainer_without_experiment_or_loss():
    model, optimizer = model_and_optimizer()
    train_loader, _ = loaders()
    trainer = Trainer(model, optimizer, torch.nn.functional.mse_loss)
    trainer.train(train_loader, epochs=1)
    assert trainer.global_step == 3
    assert not Path("experiments").exists()
    with pytest.raises(InvalidValue, match="criterion"):
        Trainer(model, optimizer)


# -- command line ----------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_command_line_runs_as_a_module(three: list[str]):
    def run(*arguments: str) -> str:
        command = [sys.executable, "-W", "error", "-m", "anew.dialects.frameworm", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert all(f"vae-{number}" in run("list") for number in range(3))
    assert "Plot saved to loss.png" in run("plot", *three, "loss", "--output", "loss.png")
    assert Path("loss.png").exists()


def test_every_command_does_what_it_says(three: list[str], capsys, monkeypatch):
    def out(*arguments: str, status: int = 0) -> str:
        assert main(arguments) == status
        return capsys.readouterr().out

    assert three[0] in out("list", "--status", "completed")
    assert out("list", "--status", "running") == "No experiments found.\n"
    shown = out("show", three[1])
    assert "config.training.lr: 0.01" in shown
    assert "val_loss" in shown
    compared = out("compare", *three, "--metrics", "loss")
    assert all(name in compared for name in ("vae-0", "vae-2", "0.251"))
    assert "3 experiments" in out("summary")
    out("plot", three[0], three[1], "loss")
    assert Path("loss.png").exists()
    monkeypatch.setattr("builtins.input", lambda prompt: "n")
    assert out("delete", three[0], status=1) == "Cancelled.\n"
    monkeypatch.setattr("builtins.input", lambda prompt: "y")
    assert f"Deleted experiment {three[0]}" in out("delete", three[0])
    assert "Deleted" in out("delete", three[1], "--confirm")
    assert main(("show", "exp_001")) == 1
    assert "exp_001" in capsys.readouterr().err
    with pytest.raises(SystemExit) as error:
        main(("lst",))
    assert error.value.code == 2


# -- mistakes --------------------------------------------------------------------------------------


def test_an_unknown_keyword_is_an_error(three: list[str]):
    with pytest.raises(TypeError, match="desciption"):
        Experiment("a", desciption="oops")  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="tag"):
        ExperimentManager().list_experiments(tag="vae")  # type: ignore[call-arg]


def test_a_configuration_is_frozen_and_a_name_is_a_label():
    with Experiment("twice", config={"a": 1}) as exp, pytest.raises(ConfigFrozen):
        exp.native.config.a = 2
    with Experiment("twice", config={"a": 2}):
        pass
    with pytest.raises(Ambiguous):
        ExperimentManager().get_experiment("twice")


def test_what_is_not_supported_is_as_listed():
    with Experiment("team/vae") as exp:
        pass
    assert exp.native.name == "team-vae"
    model, optimizer = model_and_optimizer()
    assert not hasattr(Trainer(model, optimizer, torch.nn.functional.mse_loss), "set_scheduler")
    assert len(UNSUPPORTED) == 4


def test_a_folder_asked_for_before_the_start_is_the_experiment_s_own():
    exp = Experiment("early", root_dir="experiments")
    (exp.artifact_dir / "plan.txt").write_text("x")
    folder = exp.exp_dir
    with exp:
        assert exp.exp_dir == folder
        exp.log_metric("loss", 1.0)
    assert exp.artifact_dir == folder / "artifacts"
    assert exp.status == "completed"
    assert len(ExperimentManager("experiments").list_experiments()) == 1
    with exp:  # another start is another experiment
        assert exp.exp_dir != folder


def test_the_command_line_finds_the_folder_of_the_documents_whatever_anew_root_says(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    with Experiment("here", root_dir="experiments"):
        pass
    monkeypatch.setenv("ANEW_ROOT", str(tmp_path / "elsewhere"))
    with Experiment("there"):
        pass
    assert cli.main(["list"]) == 0
    assert "here" in capsys.readouterr().out
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert cli.main(["list"]) == 0
    assert "there" in capsys.readouterr().out


def test_the_modules_of_the_documents_are_there():
    assert experiment_module.Experiment is Experiment
    assert experiment_module.ExperimentManager is ExperimentManager
    assert visualization.plot_metric_comparison is plot_metric_comparison
    command = [sys.executable, "-m", "anew.dialects.frameworm.experiment.cli", "--help"]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0
