"""Programs written for coral run, and leave what the same calls of Anew leave."""

from __future__ import annotations

import json
import math
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import anew
from anew import Store
from anew.dialects.coral import (
    UNSUPPORTED,
    Experiment,
    ExperimentMetric,
    ExperimentStatus,
    ExperimentTracker,
    Repository,
    experiments,
    model_to_weights,
)
from anew.errors import NotFound
from later import later

from ...dialects.records import recorded

torch = later("torch")


@pytest.fixture(autouse=True)
def _no_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANEW_SYSTEM_METRICS", "0")


@pytest.fixture
def tracker() -> ExperimentTracker:
    return ExperimentTracker(Repository("./my-model", init=True))


def finished(
    tracker: ExperimentTracker, name: str, metrics: dict[str, list[float]], **options: Any
) -> str:
    exp = tracker.start(name, **options)
    for metric, values in metrics.items():
        for step, value in enumerate(values):
            tracker.log(metric, value, step=step)
    tracker.end()
    return exp.experiment_id


def test_the_basic_workflow_leaves_what_the_native_calls_leave():
    repo = Repository("./my-model", init=True)
    tracker = ExperimentTracker(repo)
    exp = tracker.start(
        name="bert-finetuning",
        description="Fine-tuning BERT on custom dataset",
        params={"lr": 0.001, "batch_size": 32, "epochs": 10},
        tags=["bert", "classification"],
    )
    for step in range(3):
        tracker.log("loss", 1 / (step + 1), step=step)
        tracker.log("accuracy", step / 3, step=step, metadata={"batch": step})
    tracker.log_metrics({"val_loss": 0.5, "val_acc": 0.8})
    tracker.log_metrics({"loss": 0.5, "accuracy": 0.85}, step=100)
    tracker.log_params({"epochs": 20, "scheduler": "cosine"})
    tracker.add_tags(["production", "v2"])
    tracker.set_notes("Trying new learning rate schedule")
    repo.stage_weights(model_to_weights(torch.nn.Linear(2, 1)))
    commit = repo.commit("Training complete")
    tracker.end(commit_hash=commit.commit_hash)

    native = anew.Experiment(
        "bert-finetuning",
        root="native",
        description="Fine-tuning BERT on custom dataset",
        params={"lr": 0.001, "batch_size": 32, "epochs": 10},
        tags=["bert", "classification"],
    )
    with native:
        for step in range(3):
            native.log_metric("loss", 1 / (step + 1), step=step)
            native.log_metric("accuracy", step / 3, step=step, metadata={"batch": step})
        native.log_metrics({"val_loss": 0.5, "val_acc": 0.8})
        native.log_metrics({"loss": 0.5, "accuracy": 0.85}, step=100)
        native.params.set({"epochs": 20, "scheduler": "cosine"})
        native.add_tags(["production", "v2"])
        native.set_notes("Trying new learning rate schedule")
        native.capture("weights", {"branch": "main", "commit": commit.commit_hash})
    view = Store("my-model")[exp.experiment_id]
    assert recorded(view.path) == recorded(native.folder)
    assert view.captured["weights"] == {"branch": "main", "commit": commit.commit_hash}
    # The version of the weights and the experiment know of one another.
    assert repo.show(commit.commit_hash).experiment == exp.experiment_id


def test_the_object_that_start_gives_follows_the_experiment(tracker: ExperimentTracker):
    exp = tracker.start("live", params={"lr": 0.1}, tags=["a"])
    assert exp.status is ExperimentStatus.RUNNING
    assert (exp.name, exp.params, exp.tags, exp.branch) == ("live", {"lr": 0.1}, ["a"], "main")
    assert isinstance(exp.started_at, datetime)
    assert exp.duration is not None
    tracker.log("loss", 0.5, step=3)
    assert [metric.value for metric in exp.metrics] == [0.5]
    tracker.log("loss", 0.4)
    assert [(metric.value, metric.step) for metric in exp.metrics] == [(0.5, 3), (0.4, None)]
    tracker.log_params({"model": {"depth": 2}})
    tracker.add_tags(["b"])
    tracker.set_notes("noted")
    assert (exp.params, exp.tags, exp.notes) == (
        {"lr": 0.1, "model": {"depth": 2}},
        ["a", "b"],
        "noted",
    )
    assert tracker.current_experiment is exp
    assert tracker.end(commit_hash="abc") is exp
    assert (exp.status, exp.commit_hash) == (ExperimentStatus.COMPLETED, "abc")
    assert exp.ended_at is not None
    found = tracker.get(exp.experiment_id)
    assert found is not None
    assert found.metrics == exp.metrics
    for name in ("name", "params", "tags", "notes", "commit_hash", "branch", "status"):
        assert getattr(found, name) == getattr(exp, name)
    assert "metrics" not in repr(found)
    assert found.duration == pytest.approx(exp.duration, abs=1)


def test_an_experiment_answers_about_its_metrics(tracker: ExperimentTracker):
    key = finished(tracker, "one", {"loss": [3.0, 1.0, math.nan, 2.0], "accuracy": [0.1, 0.9, 0.5]})
    exp = tracker.get(key)
    assert exp is not None
    history = exp.get_metric_history("loss")
    assert [metric.step for metric in history] == [0, 1, 2, 3]
    latest, best = exp.get_latest_metric("accuracy"), exp.get_best_metric("loss", mode="min")
    assert latest is not None
    assert (latest.value, latest.step, f"{latest:.1f}", float(latest)) == (0.5, 2, "0.5", 0.5)
    assert best is not None
    assert (best.value, best.step) == (1.0, 1)
    for mode, value in (("max", 0.9), ("min", 0.1), (None, 0.9)):  # None goes by the name
        best = exp.get_best_metric("accuracy", mode=mode)
        assert best is not None
        assert best.value == value
    assert exp.get_latest_metric("never") is exp.get_best_metric("never") is None
    assert exp.metric_names == ["accuracy", "loss"]
    assert 0 <= exp.duration < 60
    with pytest.raises(ValueError, match="mode"):
        exp.get_best_metric("loss", mode="least")


def test_the_classes_can_be_made_by_hand():
    metric = ExperimentMetric("loss", 0.5, step=1)
    assert (metric.metadata, isinstance(metric.timestamp, datetime)) == ({}, True)
    exp = Experiment(
        experiment_id="abc", name="by hand", metrics=[metric, ExperimentMetric("loss", 0.2)]
    )
    assert exp.status is ExperimentStatus.PENDING
    best = exp.get_best_metric("loss")
    assert best is not None
    assert best.value == 0.2
    assert exp.duration is None
    assert Experiment(experiment_id="x", name="y").metrics == []
    assert [status.name for status in ExperimentStatus] == [
        "PENDING", "RUNNING", "COMPLETED", "FAILED", "CANCELLED",
    ]  # fmt: skip


def test_a_failure_is_kept_with_its_message(tracker: ExperimentTracker):
    tracker.start("fails")
    with pytest.raises(ZeroDivisionError):
        try:
            _ = 1 / 0
        except Exception as error:
            tracker.fail(error_message=str(error))
            raise
    (exp,) = tracker.list(status=ExperimentStatus.FAILED)
    assert Store("my-model")[exp.experiment_id].reason == "division by zero"


def test_an_end_may_have_another_status(tracker: ExperimentTracker):
    tracker.start("stopped")
    assert tracker.end(status=ExperimentStatus.CANCELLED).status is ExperimentStatus.CANCELLED
    tracker.start("never ends so")
    with pytest.raises(ValueError):
        tracker.end(status=ExperimentStatus.RUNNING)


def test_one_runs_at_a_time_and_logging_needs_one(tracker: ExperimentTracker):
    with pytest.raises(ValueError):
        tracker.log("loss", 0.5)
    for call in (
        lambda: tracker.log_metrics({"a": 1}),
        lambda: tracker.log_params({"a": 1}),
        lambda: tracker.add_tags(["a"]),
        lambda: tracker.set_notes("a"),
        lambda: tracker.end(),
        lambda: tracker.fail("x"),
    ):
        with pytest.raises(ValueError):
            call()
    tracker.start("first")
    with pytest.raises(ValueError):
        tracker.start("second")
    tracker.end()
    tracker.start("second")
    assert [exp.name for exp in tracker.list()] == ["second", "first"]


def test_experiments_are_listed_newest_first_by_what_they_are(tracker: ExperimentTracker):
    finished(tracker, "a", {"loss": [1]}, tags=["bert"])
    tracker.repo.stage_weights({"w": torch.zeros(2)})
    tracker.repo.commit("first")
    tracker.repo.branch("dev")
    tracker.repo.checkout("dev")
    finished(tracker, "b", {"loss": [1]}, tags=["bert", "large"])
    tracker.start("c")
    assert [exp.name for exp in tracker.list()] == ["c", "b", "a"]
    assert [exp.name for exp in tracker.list(status=ExperimentStatus.RUNNING)] == ["c"]
    assert [exp.name for exp in tracker.list(tags=["bert"])] == ["b", "a"]
    assert [exp.name for exp in tracker.list(tags=["bert", "large"])] == ["b"]
    assert [exp.name for exp in tracker.list(branch="main")] == ["a"]
    assert [exp.name for exp in tracker.list(branch="dev", limit=1)] == ["c"]
    assert [exp.name for exp in tracker.list(limit=2)] == ["c", "b"]
    assert tracker.get_summary()["branches"] == ["dev", "main"]


def test_an_unknown_id_gives_none_and_a_name_gives_all_of_it(tracker: ExperimentTracker):
    ids = [finished(tracker, "bert-finetuning", {"loss": [1]}) for _ in range(2)]
    assert tracker.get("abc123def456") is None
    assert [exp.experiment_id for exp in tracker.get_by_name("bert-finetuning")] == ids[::-1]
    assert tracker.get_by_name("none") == []
    exp = tracker.get(ids[0])
    assert exp is not None
    assert exp.experiment_id == ids[0]


def test_a_comparison_has_the_shape_and_knows_what_is_best(tracker: ExperimentTracker):
    a = finished(
        tracker,
        "a",
        {"loss": [3, 1, 2], "accuracy": [0.1, 0.9, 0.5]},
        params={"lr": 0.1, "seed": 1},
    )
    b = finished(tracker, "b", {"loss": [5]}, params={"seed": 1, "model": {"depth": 2}})
    found = tracker.compare(experiment_ids=[a, b], metrics=["loss", "accuracy"])
    assert list(found) == ["experiments", "metrics", "params"]
    assert [set(one) for one in found["experiments"]] == [
        {"id", "name", "status", "duration", "created_at"}
    ] * 2
    assert [one["id"] for one in found["experiments"]] == [a, b]
    assert datetime.fromisoformat(found["experiments"][0]["created_at"]).tzinfo is not None
    assert found["metrics"] == {
        "loss": {
            a: {"best": 1.0, "latest": 2.0, "count": 3},
            b: {"best": 5.0, "latest": 5.0, "count": 1},
        },
        "accuracy": {a: {"best": 0.9, "latest": 0.5, "count": 3}},
    }
    assert found["params"] == {"lr": {a: 0.1, b: None}, "model.depth": {a: None, b: 2}}
    assert list(tracker.compare([a, b])["metrics"]) == ["accuracy", "loss"]
    assert tracker.compare([a], ["accuracy"], mode="min")["metrics"]["accuracy"][a]["best"] == 0.1
    with pytest.raises(NotFound, match="nowhere"):
        tracker.compare([a, "nowhere"])


def test_the_best_are_found_among_the_completed(tracker: ExperimentTracker):
    assert tracker.find_best("loss") == []
    a = finished(
        tracker,
        "a",
        {"loss": [3, 1, 2], "val_accuracy": [0.5]},
        params={"lr": 0.1},
        tags=["production-ready"],
    )
    b = finished(tracker, "b", {"loss": [0.5], "val_accuracy": [0.7]})
    tracker.start("fails")
    tracker.log("loss", 0.1, step=1)
    tracker.fail("it did")
    best = tracker.find_best(metric="loss", mode="min", status=ExperimentStatus.COMPLETED, limit=5)
    assert [one["experiment_id"] for one in best] == [b, a]
    assert best[1] == {
        "experiment_id": a, "name": "a", "metric": "loss", "best_value": 1.0, "best_step": 1,
        "commit_hash": None, "params": {"lr": 0.1},
    }  # fmt: skip
    assert [one["experiment_id"] for one in tracker.find_best("val_accuracy")] == [b, a]
    assert [one["name"] for one in tracker.find_best("loss", status=None, limit=1)] == ["fails"]
    tagged = tracker.find_best(
        metric="val_accuracy", mode="max", tags=["production-ready"], limit=3
    )
    assert [one["name"] for one in tagged] == ["a"]
    with pytest.raises(NotFound, match="val_accuracy"):
        tracker.find_best("val_acuracy")


def test_the_best_experiment_leads_to_its_weights():
    repo = Repository("./checkpoints", init=True)
    tracker = ExperimentTracker(repo)
    model = torch.nn.Linear(3, 1)
    tracker.start(
        name="resnet-training", params={"lr": 0.01, "momentum": 0.9}, tags=["production-ready"]
    )
    best_val_loss = float("inf")
    kept = None
    for epoch, val_loss in enumerate([0.5, 0.3, 0.4]):
        with torch.no_grad():
            model.weight.fill_(epoch)
        tracker.log_metrics({"val_loss": val_loss, "val_accuracy": 1 - val_loss}, step=epoch)
        if val_loss < best_val_loss:
            best_val_loss = val_loss
            repo.stage_weights(model_to_weights(model))
            kept = repo.commit(f"Epoch {epoch}: val_loss={val_loss:.4f}")
    assert kept is not None
    tracker.end(commit_hash=kept.commit_hash)
    (best,) = tracker.find_best(
        metric="val_accuracy", mode="max", tags=["production-ready"], limit=3
    )
    weights = Repository("./checkpoints").get_all_weights(best["commit_hash"])
    assert (weights["weight"] == 1).all()


def test_resuming_starts_a_child_with_what_its_parent_had(tracker: ExperimentTracker):
    a = finished(
        tracker, "run", {"loss": [1]}, params={"lr": 0.1, "model": {"depth": 2}}, tags=["t"]
    )
    new = tracker.resume(a)
    assert (new.name, new.parent_experiment, new.tags) == ("run-resumed", a, ["t"])
    assert new.params == {"lr": 0.1, "model": {"depth": 2}}
    with pytest.raises(ValueError):
        tracker.resume(a)
    tracker.end()
    view = Store("my-model")[new.experiment_id]
    assert (view.parent, view.relation, view.params.to_dict()) == (a, "resumed", new.params)
    found = tracker.get(new.experiment_id)
    assert found is not None
    assert found.parent_experiment == a
    with pytest.raises(NotFound):
        tracker.resume("original_experiment_id")


def test_deleting_says_whether_there_was_one(tracker: ExperimentTracker):
    a = finished(tracker, "a", {"loss": [1]})
    assert tracker.delete(a) is True
    assert tracker.delete(a) is False
    assert tracker.list() == []
    assert Store("my-model").trash()[0].id == a


def test_the_summary_has_the_shape(tracker: ExperimentTracker):
    for name in ("a", "a", "b"):
        finished(tracker, name, {"loss": [1, 2]})
    assert tracker.get_summary() == {
        "total_experiments": 3,
        "by_status": {"pending": 0, "running": 0, "completed": 3, "failed": 0, "cancelled": 0},
        "unique_names": 2,
        "branches": ["main"],
        "total_metrics_logged": 6,
    }


def test_a_native_repository_takes_the_store_it_lies_in(tmp_path: Path):
    from anew.weights import Repository as Native

    tracker = ExperimentTracker(Native("experiments/weights", init=True))
    key = finished(tracker, "here", {"loss": [1]})
    assert Store(tmp_path / "experiments")[key].name == "here"
    elsewhere = ExperimentTracker(Native("models", init=True), root="other")
    key = finished(elsewhere, "there", {"loss": [1]})
    assert Store("other")[key].captured["weights"] == {"branch": "main"}


def test_an_unknown_keyword_is_an_error(tracker: ExperimentTracker):
    with pytest.raises(TypeError, match="desciption"):
        tracker.start("a", desciption="oops")
    with pytest.raises(TypeError, match="brnach"):
        Repository("x", init=True, brnach="main")


def test_without_a_repository_it_says_so():
    with pytest.raises(NotFound):
        Repository("./not-there")


def test_what_is_not_supported_is_as_listed(tracker: ExperimentTracker):
    exp = tracker.start("team/name")
    assert exp.name == "team-name"
    assert tracker.get_by_name("team/name")[0].experiment_id == exp.experiment_id
    exp.metrics.append(ExperimentMetric("loss", 1.0))
    assert exp.metrics == []
    assert len(UNSUPPORTED) == 3


def test_disabled_every_call_does_nothing(
    monkeypatch: pytest.MonkeyPatch, tracker: ExperimentTracker
):
    monkeypatch.setenv("ANEW_MODE", "disabled")
    exp = tracker.start("nothing", params={"lr": 1})
    tracker.log("loss", 0.5)
    assert exp.metrics == []
    assert tracker.end().status is ExperimentStatus.COMPLETED
    assert tracker.list() == []


def test_the_first_workflow_as_printed_commits_with_nothing_staged():
    repo = Repository("./my-model", init=True)
    tracker = experiments.ExperimentTracker(repo)
    tracker.start(name="bert", params={"lr": 0.001})
    tracker.log("loss", 0.5, step=0)
    with pytest.warns(UserWarning, match="staged"):
        empty = repo.commit("Training complete")
    assert tracker.end(commit_hash=empty.commit_hash).commit_hash == empty.commit_hash
    repo.stage_weights({"w": np.ones(2)})
    first = repo.commit("weights")
    with pytest.warns(UserWarning, match="staged"):
        assert repo.commit("again").commit_hash == first.commit_hash


def test_an_experiment_as_plain_data_and_back(tracker: ExperimentTracker):
    tracker.start("x", params={"a": {"b": 1}}, tags=["t"], notes="n")
    tracker.log("loss", 0.5, step=1, metadata={"k": 1})
    ended = tracker.end("cancelled")
    for exp in (tracker.get(ended.experiment_id), ended, Experiment("i", "n"), tracker.start("y")):
        assert exp is not None
        data = json.loads(json.dumps(exp.to_dict()))
        back = Experiment.from_dict(data)
        assert back.to_dict() == data
        assert back.status is exp.status
        assert back.created_at == exp.created_at
        assert back.get_metric_history("loss") == exp.get_metric_history("loss")
    tracker.end()


def test_a_failure_is_in_the_notes_of_the_object_and_not_of_the_record(tracker: ExperimentTracker):
    tracker.start("x", notes="try")
    ended = tracker.fail("Out of memory")
    assert ended.notes == "try\nOut of memory"
    again = tracker.get(ended.experiment_id)
    assert again is not None
    assert again.notes == ended.notes
    view = tracker.store.get(ended.experiment_id)
    assert (view.notes, view.reason) == ("try", "Out of memory")


def test_an_end_takes_its_status_by_position(tracker: ExperimentTracker):
    tracker.start("x")
    assert tracker.end(ExperimentStatus.FAILED).status is ExperimentStatus.FAILED


def test_the_best_experiment_leads_to_the_version_of_its_best_step():
    repo = Repository("./checkpoints", init=True)
    tracker = ExperimentTracker(repo)
    tracker.start("x")
    commits = []
    for epoch, acc in enumerate([0.5, 0.9, 0.7]):
        tracker.log_metrics({"acc": acc}, step=epoch)
        repo.stage_weights({"w": np.full(2, epoch)})
        commits.append(repo.commit(f"epoch {epoch}").commit_hash)
    tracker.end(commit_hash=commits[-1])
    [best] = tracker.find_best("acc", mode="max")
    assert (best["best_step"], best["commit_hash"]) == (1, commits[1])
    tracker.start("y")
    tracker.log("acc", 1.0)
    tracker.end(commit_hash=commits[0])
    assert tracker.find_best("acc", mode="max")[0]["commit_hash"] == commits[0]
