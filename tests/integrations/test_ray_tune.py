"""Ray Tune: a search and its trials as experiments, with trials in processes of Ray's."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import ray
from ray import tune

from anew import Experiment, Status, Store
from anew.integrations.ray_tune import AnewCallback

from .running import run_example

# Ray imports other trackers where they are installed, and one of them warns.
# The whole framework: `make test` does not even import it.
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::sqlalchemy.exc.MovedIn20Warning"),
]


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Ray, started for these tests alone; where it keeps what it writes."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(home))
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        ray.init(
            num_cpus=2,
            include_dashboard=False,
            object_store_memory=80 << 20,
            log_to_driver=False,
            logging_level="ERROR",
        )
        yield home
        ray.shutdown()


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch, root: Path) -> None:
    monkeypatch.setenv("ANEW_ROOT", str(root))
    monkeypatch.setenv("ANEW_CONSOLE", "off")
    monkeypatch.setenv("ANEW_CAPTURE", "off")
    monkeypatch.setenv("ANEW_SYSTEM_METRICS", "0")


def fit(machine: Path, train: Any, values: list[Any], callback: AnewCallback, **run: Any) -> Any:
    tuner = tune.Tuner(
        train,
        param_space={"x": tune.grid_search(values), "model": {"depth": 2}},
        run_config=tune.RunConfig(
            storage_path=str(machine), verbose=0, callbacks=[callback], **run
        ),
    )
    return tuner.fit()


def test_the_example_leaves_a_search_with_its_best_and_a_child_for_each_trial(
    tmp_path, monkeypatch
):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    with run_example(
        "with_ray_tune", tmp_path, strict=False
    ) as store:  # Ray imports other trackers
        found = store["examples/digits/tune"]
        trials = [*found.children()]
    assert found.status is Status.COMPLETED
    assert [trial.status for trial in trials] == [Status.COMPLETED] * 3
    assert {trial.params["alpha"] for trial in trials} == {1e-5, 1e-3, 1e-1}
    for trial in trials:
        assert trial.metrics["val/acc"].to_numpy()[0].tolist() == [1, 2, 3, 4, 5]
        assert not {"pid", "timestamp", "training_iteration", "trial_id"} & {*trial.metrics}
    best = max(trials, key=lambda trial: trial.metrics["val/acc"].last)
    assert found.params["best.config"] == best.params.to_dict()
    assert best.name == f"trial-{found.params['best.trial']}"
    assert (
        found.params["best.value"] == found.metrics["val/acc"].max == best.metrics["val/acc"].last
    )


def test_each_end_of_a_trial_is_its_status(machine, root):
    def train(config):
        for i in range(3):
            if config["x"] == 2 and i == 1:
                raise ArithmeticError("cannot be")
            tune.report({"loss": config["x"] * i, "note": "text", "deep": {"er": i}})

    with Experiment("mine") as mine:
        callback = AnewCallback(metric="loss", trial_options={"tags": ["grid"]})
        fit(machine, train, [1, 2, float("nan")], callback, stop={"training_iteration": 2})
        assert mine.status is Status.RUNNING  # the program's to end
    found = Store(root)[mine.id]
    ends = {str(trial.params["x"]): trial for trial in found.children()}
    assert {x: trial.status for x, trial in ends.items()} == {
        "1": Status.COMPLETED,
        "2": Status.FAILED,
        "nan": Status.COMPLETED,
    }
    assert ends["1"].metrics["loss"].to_numpy()[1].tolist() == [0, 1]  # stopped at the second
    assert ends["1"].metrics["deep/er"].count == 2
    assert ends["1"].params["model.depth"] == 2
    assert ends["1"].tags == {"grid": None}
    assert ends["2"].reason == "ArithmeticError: cannot be"
    (error,) = ends["2"].files
    assert (error.prefix, error.name) == ("errors", "error.txt")
    assert "Traceback" in error.read_text() or "ArithmeticError" in error.read_text()
    assert found.params["best.value"] == 1


def test_a_search_that_is_restored_goes_on_in_its_experiments(machine, root, tmp_path):
    flag = tmp_path / "repaired"

    def train(config):
        tune.report({"loss": config["x"]})
        if config["x"] == 2 and not os.path.exists(flag):
            raise ArithmeticError("not yet")
        tune.report({"loss": config["x"] / 2})

    results = fit(machine, train, [1, 2], AnewCallback("again", metric="loss"), name="restored")
    assert results.num_errors == 1
    flag.touch()
    tuner = tune.Tuner.restore(
        str(machine / "restored"),
        train,
        resume_errored=True,
        param_space={"x": tune.grid_search([1, 2]), "model": {"depth": 2}},
    )
    assert tuner.fit().num_errors == 0
    search = [one for one in Store(root) if one.parent is None]
    assert [one.status for one in search] == [Status.COMPLETED]
    assert len(search[0].children()) == 2
    trials = {trial.params["x"]: trial for trial in search[0].children()}
    assert {x: trial.status for x, trial in trials.items()} == {
        1: Status.COMPLETED,
        2: Status.COMPLETED,
    }
    assert trials[2].metrics["loss"].to_numpy()[1].tolist() == [2, 2, 1]
    assert search[0].params["best.value"] == 0.5


def test_a_mode_that_is_none_is_refused():
    with pytest.raises(ValueError, match="least"):
        AnewCallback(mode="least")
