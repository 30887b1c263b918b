"""Transformers' Trainer with our callback."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest
import torch

from anew import Experiment, Status, Store, session

from .running import run_example

with warnings.catch_warnings():  # of the library's own, while it is loaded
    warnings.simplefilter("ignore")
    import transformers
    from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainingArguments

    from anew.integrations.transformers import AnewCallback

transformers.logging.set_verbosity_error()
transformers.logging.disable_progress_bar()

# The whole framework: `make test` does not even import it.
pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch, root: Path) -> None:
    monkeypatch.setattr(session, "_current", None)
    monkeypatch.setenv("ANEW_ROOT", str(root))
    monkeypatch.setenv("ANEW_CONSOLE", "off")
    monkeypatch.setenv("ANEW_SYSTEM_METRICS", "0")
    monkeypatch.setenv("ANEW_CAPTURE", "off")


def model() -> Any:
    torch.manual_seed(0)
    return BertForSequenceClassification(
        BertConfig(
            vocab_size=16,
            hidden_size=8,
            num_hidden_layers=1,
            num_attention_heads=1,
            intermediate_size=8,
            max_position_embeddings=8,
        )
    )


DATA = [{"input_ids": torch.tensor([at, at]), "labels": at % 2} for at in range(12)]


def trainer(*callbacks: Any, **options: Any) -> Trainer:
    settings = {"output_dir": "out", "max_steps": 4, "per_device_train_batch_size": 4}
    settings |= {"logging_steps": 2, "use_cpu": True, "disable_tqdm": True}
    options = {"save_strategy": "no", **settings, **options}
    with torch.random.fork_rng():
        made = Trainer(
            model_init=model,
            args=TrainingArguments(**options),
            train_dataset=DATA,
            eval_dataset=DATA,
            callbacks=list(callbacks),
        )
    made.remove_callback(transformers.PrinterCallback)
    return made


def only(root: Path) -> Any:
    (view,) = Store(str(root))
    return view


def steps(view: Any, name: str) -> list[int]:
    return [row["step"] for row in view.metrics[name].rows()]


@pytest.mark.slow
def test_the_example_trains_evaluates_and_keeps_its_model(tmp_path):
    view = run_example("with_transformers", tmp_path)["examples/sums/transformers"]
    assert view.status is Status.COMPLETED
    assert steps(view, "train/loss") == [10, 20, 30, 40, 50, 60]
    assert steps(view, "eval/loss") == [20, 40, 60, 60]
    assert view.metrics["eval/loss"].last < view.metrics["train/loss"].max
    assert (view.params["args.learning_rate"], view.params["model.n_embd"]) == (0.01, 32)
    assert view.params["model.num_parameters"] > 1000
    assert {"final/config.json", "final/model.safetensors"} <= {f.name for f in view.files}


def test_report_to_finds_it_by_name_once_it_is_imported(root):
    trainer(report_to="anew", run_name="out/of sight").train()
    view = only(root)
    assert (view.name, view.status) == ("out-of sight", Status.COMPLETED)
    assert steps(view, "train/loss") == [2, 4]
    assert steps(view, "train/train_loss") == [4]


def test_a_callback_beside_report_to_counts_alone_so_that_nothing_is_logged_twice(root):
    with Experiment("a/b") as exp:
        trainer(AnewCallback(exp), report_to=["anew"]).train()
    assert steps(only(root), "train/loss") == [2, 4]


def test_a_callback_that_takes_the_place_of_another_logs(root):
    run = trainer(AnewCallback("a/first"))
    run.train()
    run.remove_callback(AnewCallback)
    run.add_callback(AnewCallback("a/second"))
    run.train()
    for name in ("a/first", "a/second"):
        assert steps(Store(str(root))[name], "train/loss") == [2, 4]


@pytest.mark.parametrize("how", ["handed over", "found"])
def test_an_experiment_of_the_programs_own_is_used_and_not_ended(root, how):
    with Experiment("a/b") as exp:
        callback = AnewCallback(exp if how == "handed over" else None)
        run = trainer(callback)
        run.train()
        run.predict(DATA)
        assert exp.status is Status.RUNNING
    assert steps(only(root), "test/loss") == [4]


def test_a_second_training_and_an_evaluation_continue_the_same_experiment(root):
    run = trainer(AnewCallback("net"))
    run.train()
    assert only(root).status is Status.COMPLETED
    run.evaluate()
    run.train()
    view = only(root)
    assert view.status is Status.COMPLETED
    assert steps(view, "eval/loss") == [4]
    assert steps(view, "train/loss") == [2, 4, 2, 4]


def test_training_goes_on_from_a_checkpoint_in_the_same_experiment(root):
    options = {"save_strategy": "steps", "save_steps": 2}
    trainer(AnewCallback("a/net"), max_steps=2, **options).train()
    again = AnewCallback("a/net", resume="allow")
    trainer(again, **options).train(resume_from_checkpoint=True)
    assert steps(only(root), "train/loss") == [2, 4]


class Fails(transformers.TrainerCallback):
    """Raises after the first step."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def on_step_end(self, *_: Any, **__: Any) -> None:
        raise self.error


@pytest.mark.parametrize(
    ("error", "status"), [(ValueError("no"), "failed"), (KeyboardInterrupt(), "cancelled")]
)
def test_in_a_with_block_it_ends_as_the_block_does(root, error, status):
    with pytest.raises(type(error)), AnewCallback("net") as callback:
        trainer(callback, Fails(error)).train()
    assert only(root).status == status


def test_other_processes_than_the_first_log_nothing(root):
    run = trainer(AnewCallback("net"))
    state = run.state
    state.is_world_process_zero = False
    run.callback_handler.on_train_begin(run.args, state, run.control)
    run.callback_handler.on_log(run.args, state, run.control, {"loss": 1.0})
    run.callback_handler.on_train_end(run.args, state, run.control)
    assert not root.exists()


def test_what_is_no_number_is_kept_as_a_text(root):
    with AnewCallback("net") as callback:
        run = trainer(callback)
        run.log({"loss": torch.tensor(0.5), "eval_report": "two of three", "test_": 1})
    view = only(root)
    assert view.metrics["train/loss"].last == 0.5
    assert [(v.name, v.kind) for v in view.values()] == [("eval/report", "text")]
    assert "train/test_" in view.metrics


def test_checkpoints_are_kept_whole_or_as_versions_of_the_weights(root):
    options = {"save_strategy": "steps", "save_steps": 2}
    trainer(AnewCallback("a/files", log_model="all"), **options).train()
    files = Store(str(root))["a/files"].files
    assert {file.step for file in files} == {2, 4}
    assert "checkpoint-4/trainer_state.json" in {file.name for file in files}
    run = trainer(AnewCallback("a/weights", log_model="weights"), **options)
    run.train()
    with Experiment("a/weights", resume="allow") as exp:
        assert [commit.step for commit in exp.weights.log()] == [4, 2]
        kept = exp.weights.load()["classifier.weight"]
    assert torch.equal(torch.tensor(kept), run.model.classifier.weight.detach())


@pytest.mark.slow
def test_a_search_makes_each_trial_a_child(root):
    callback = AnewCallback("a/search")
    trainer(callback, eval_strategy="steps", eval_steps=4).hyperparameter_search(
        hp_space=lambda trial: {"learning_rate": trial.suggest_float("learning_rate", 1e-4, 1e-2)},
        n_trials=2,
        backend="optuna",
    )
    store = Store(str(root))
    parent = store["a/search"]
    trials = parent.children()
    assert len(trials) == 2
    for trial in trials:
        assert trial.status is Status.COMPLETED
        assert trial.params["trial.learning_rate"] == trial.params["args.learning_rate"]
        assert steps(trial, "eval/loss") == [4]
    assert parent.status is Status.COMPLETED


def test_what_to_keep_of_the_model_must_be_known():
    with pytest.raises(ValueError, match="log_model"):
        AnewCallback("net", log_model="best")
