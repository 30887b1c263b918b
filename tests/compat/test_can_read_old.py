"""Folders written by every format version open, and give the answers they were written with."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

import pytest

from anew import Experiment, Status, Store
from anew.journal.follow import read_events
from anew.record.events import Closed

VERSIONS = sorted(folder.name for folder in Path(__file__).parent.glob("v*"))
NOW = "v1"


@pytest.fixture(params=VERSIONS)
def root(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A copy of a version's folder: reading makes an index in it."""
    return Path(shutil.copytree(Path(__file__).parent / request.param, tmp_path / "experiments"))


@pytest.fixture
def store(root: Path):
    with Store(root) as store:
        yield store


def test_the_current_version_has_a_folder():
    assert NOW in VERSIONS


def test_all_experiments_are_found_with_their_status(store):
    found = {view.name: view.status for view in store.list()}
    assert found == {
        "complete": Status.COMPLETED,
        "continued": Status.COMPLETED,
        "failed": Status.FAILED,
        "fork": Status.COMPLETED,
        "killed": Status.FAILED,
        "large": Status.COMPLETED,
        "ranks": Status.COMPLETED,
        "requeued": Status.COMPLETED,
    }


def test_what_was_said_of_an_experiment_is_there(store):
    view = store["alice/compat/complete"]
    assert view.tags == {"team": "vision", "baseline": None, "kept": None}
    assert view.notes == "Kept as test data."
    assert view.description == "Everything one experiment can hold."
    assert view.user == "alice"
    assert view.host == "workstation"
    assert view.git["branch"] == "main"
    assert view.captured["command"]["python"].startswith("3.")


def test_what_belongs_to_no_experiment_is_there(store):
    view = store.document("view", "losses", scope="project/alice/compat")
    assert (view.body, view.user, view.host) == (
        {"metrics": ["train/loss"]},
        "alice",
        "workstation",
    )
    [version] = store.versions("model", "compat")
    assert (version.number, version.target) == (1, store["alice/compat/complete"].id)
    assert [(a.alias, a.number) for a in store.aliases("model", "compat")] == [("best", 1)]


def test_parameters_and_configuration_have_their_types_and_nesting(store):
    view = store["alice/compat/complete"]
    assert view.params["seed"] == 1
    assert view.params["optimizer.name"] == "adam"
    assert view.params["optimizer.betas"] == [0.9, 0.999]
    assert math.isnan(view.params["ratio"])
    assert view.config["model.width"] == 64
    assert view.config["names"] == ["a", "ü"]
    assert view.config["limit"] == math.inf


def test_points_are_bit_for_bit_what_they_were(store):
    view = store["alice/compat/complete"]
    steps, values = view.metrics["train/loss"].to_numpy()
    assert steps.tolist() == list(range(200))
    assert values.tolist() == [1 / (step + 1) for step in range(200)]
    odd = view.metrics["odd"].rows()
    assert [row["step"] for row in odd] == [5, 3, 3, -7]
    assert [repr(row["value"]) for row in odd] == ["nan", "inf", "-inf", repr(0.1 + 0.2)]
    assert odd[2]["metadata"] == {"why": "it overflowed"}
    assert [row["step"] for row in view.metrics["stepless"].rows()] == [0, 1, 2]


def test_sealed_points_are_bit_for_bit_what_they_were(store):
    view = store["alice/compat/large"]
    assert [path.suffix for path in (view.path / "metrics").iterdir()] == [".parquet"]
    steps, values = view.metrics["wave"].to_numpy()
    assert steps.tolist() == list(range(5_000))
    assert values.tolist() == [math.sin(step / 100) for step in range(5_000)]


def test_messages_console_files_and_values_are_there(store):
    view = store["alice/compat/complete"]
    assert [(line.level, line.message, line.fields) for line in view.logs()] == [
        ("warning", "half way", {"step": 100})
    ]
    assert view.console() == "on the console\n"
    (file,) = view.files("models")
    assert (file.prefix, file.name, file.step, file.metadata) == (
        "models",
        "weights.bin",
        199,
        {"acc": 0.97},
    )
    assert file.read_bytes() == bytes(range(256))
    kept = view.files("checkpoints").latest()
    assert kept is not None
    assert (kept.step, Path(kept).read_bytes()) == (2, b"epoch 2\n")
    assert [one.step for one in view.files.freed] == [0, 1]
    values = {value.name: value for value in view.values()}
    assert {name: value.kind for name, value in values.items()} == {
        "errors": "table",
        "layer": "histogram",
    }
    assert values["errors"].data["rows"] == [[712, 8], [98, 3]]


def test_a_failure_has_its_reason_and_its_parent(store):
    view = store["alice/compat/failed"]
    assert view.reason == "RuntimeError: the loss exploded"
    assert "the loss exploded" in view.error
    assert (view.parent, view.relation) == (store["alice/compat/complete"].id, "resumed")


def test_a_killed_process_has_lost_nothing_but_its_torn_line(store):
    view = store["alice/compat/killed"]
    assert "vanished" in view.reason
    assert view.metrics["train/loss"].count == 1


def test_that_a_killed_process_is_gone_was_written_down(root):
    events = read_events(str(root / "alice/compat/killed"))
    ends = [one.event for one in events if isinstance(one.event, Closed)]
    assert [(end.by, end.status) for end in ends] == [("reader", Status.FAILED)]


def test_a_job_that_was_started_again_goes_on(store):
    view = store["alice/compat/requeued"]
    assert [opening.status for opening in view.openings] == [Status.FAILED, Status.COMPLETED]
    assert view.metrics["train/loss"].to_numpy()[1].tolist() == [1.0, 0.5]


def test_a_continued_experiment_has_what_each_of_its_openings_had(store):
    view = store["alice/compat/continued"]
    assert [opening.status for opening in view.openings] == [Status.COMPLETED, Status.COMPLETED]
    assert view.config["lr"] == 0.1
    assert [opening.config for opening in view.openings] == [None, {"lr": 0.2}]
    assert view.metrics["train/loss"].to_numpy()[1].tolist() == [1.0, 0.5]


def test_a_fork_has_an_id_of_its_own_and_the_records_it_was_copied_with(store):
    view, original = store["alice/compat/fork"], store["alice/compat/failed"]
    assert (view.parent, view.relation) == (original.id, "forked")
    assert view.metrics["train/loss"].to_numpy()[1].tolist() == [9.0, 8.0]


def test_all_ranks_are_one_series(store):
    rows = store["alice/compat/ranks"].metrics["train/loss"].rows()
    assert sorted(row["value"] for row in rows) == [0.0, 0.1, 0.2, 1.0, 1.1, 1.2]


def test_filters_work_on_it(store):
    def found(text: str) -> list[str]:
        return sorted(view.name for view in store.search(text))

    assert found("params.optimizer.name == 'adam' and 'kept' in tags") == ["complete"]
    assert found("metrics.wave.max > 0.99") == ["large"]
    assert found("config.model.width >= 64 and metrics.train/loss.min < 0.01") == ["complete"]


def test_the_doctor_finds_nothing_wrong_with_the_data(store):
    broken = [finding for finding in store.doctor() if "killed" not in str(finding)]
    assert broken == []


def test_an_old_experiment_can_be_continued(root):
    again = {"resume": "must", "root": root, "quiet": True, "system_metrics": 0}
    with Experiment("alice/compat/complete", **again) as exp:
        exp.log_metric("train/loss", 0.001, 200)
    with Store(root) as store:
        view = store["alice/compat/complete"]
        assert view.id == exp.id
        assert view.metrics["train/loss"].count == 201
        assert view.status is Status.COMPLETED
