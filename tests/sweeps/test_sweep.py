"""Trials are claimed once, whoever claims at the same time, and what a killed agent had is given again."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import anew
from anew import Status, Store
from anew.errors import InvalidValue, NotFound
from anew.reading.views import ExperimentView
from anew.sweeps import Stopped, Sweep, Trial, create_sweep, run_agent
from serving import over_a_socket

GRID = {"parameters": {"lr": {"values": [0.1, 0.2, 0.3]}, "width": {"value": 4}}}
LOSS = {"name": "loss", "goal": "minimize"}


@pytest.fixture(autouse=True)
def light(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANEW_CAPTURE", "off")
    monkeypatch.setenv("ANEW_SYSTEM_METRICS", "0")


def train(trial: Trial) -> None:
    assert trial.experiment is not None
    trial.experiment.log_metrics({"loss": trial.params["lr"]}, step=0)


def test_a_grid_is_run_once_and_each_trial_is_an_experiment_below_the_sweep():
    sweep = create_sweep(GRID, "alice/digits/search")
    assert run_agent(sweep.id, train) == 3
    assert run_agent(sweep, train) == 0
    views = [one for (one,) in sweep.trials().values()]
    assert [one.config["lr"] for one in views] == [0.1, 0.2, 0.3]
    assert all(one.parent == sweep.id and one.status is Status.COMPLETED for one in views)
    assert all(one.prefix.startswith("alice/digits/search/") for one in views)


def test_a_trial_that_raises_fails_and_the_next_one_is_run(capfd: pytest.CaptureFixture[str]):
    sweep = create_sweep(GRID)

    def sometimes(trial: Trial) -> None:
        if trial.number == 2:
            raise RuntimeError("no")

    assert run_agent(sweep, sometimes) == 3
    assert [one.status for (one,) in sweep.trials().values()] == [
        "completed",
        "failed",
        "completed",
    ]
    assert "RuntimeError: no" in capfd.readouterr().err
    assert sweep.claim() is None, "what failed by itself is not given again"


def test_a_cap_and_a_stop_end_a_sweep_without_end():
    sweep = create_sweep(
        {"method": "random", "parameters": {"lr": {"min": 0.0, "max": 1.0}}, "run_cap": 3}
    )
    assert run_agent(sweep, train) == 3
    other = create_sweep({"method": "random", "parameters": {"lr": {"min": 0.0, "max": 1.0}}})
    assert run_agent(other, train, count=2) == 2
    other.stop()
    assert run_agent(other, train) == 0


@pytest.mark.parametrize(
    "config",
    [
        {"method": "odd", "parameters": {"x": {"value": 1}}},
        {"method": "random"},
        {"method": "random", "parameters": {"x": {"distribution": "odd"}}},
        {"method": "bayes", "parameters": {"x": {"min": 0, "max": 1}}},
        {"method": "bayes", "metric": LOSS, "parameters": {"x": {"distribution": "beta"}}},
        {**GRID, "metric": LOSS, "early_terminate": {"type": "odd"}},
    ],
)
def test_a_sweep_that_cannot_be_is_refused_when_it_is_made(config: dict[str, object]):
    with pytest.raises(InvalidValue):
        create_sweep(config)
    assert not Path("experiments").exists() or not len(Store())


def test_an_experiment_that_is_no_sweep_is_refused():
    with anew.Experiment("plain", quiet=True) as exp:
        pass
    with pytest.raises(NotFound):
        Sweep(exp.id)
    with pytest.raises(InvalidValue, match="program"):
        run_agent(create_sweep(GRID))


def test_bayes_learns_from_what_was_recorded(monkeypatch):
    import optuna

    # A study is made for each trial: with seeds of their own, all of them are the same whenever this runs.
    seeds, sampler = itertools.count(), optuna.samplers.TPESampler
    monkeypatch.setattr(
        optuna.samplers, "TPESampler", lambda **how: sampler(seed=next(seeds), **how)
    )
    space = {"x": {"min": -5.0, "max": 5.0}, "kind": {"values": ["a", "b"]}, "seed": {"value": 1}}
    sweep = create_sweep({"method": "bayes", "metric": LOSS, "parameters": space, "run_cap": 25})

    def parabola(trial: Trial) -> None:
        assert trial.params["seed"] == 1
        loss = (trial.params["x"] - 2) ** 2 + (trial.params["kind"] == "a")
        trial.experiment.log_metrics({"loss": loss}, step=0)

    run_agent(sweep, parabola)
    values = [one.config["x"] for (one,) in sweep.trials().values()]
    # Four of ten are within 2 of the best x where nothing is learned.
    assert sum(abs(x - 2) < 2 for x in values[-15:]) >= 11


HYPERBAND = {"type": "hyperband", "min_iter": 2, "eta": 2}
MEDIAN = {"type": "median", "min_trials": 1}


@pytest.mark.parametrize(("kind", "every"), [(HYPERBAND, 1), (HYPERBAND, 3), (MEDIAN, 3)])
def test_what_is_behind_is_stopped_early_however_often_it_asks(kind: dict[str, object], every: int):
    sweep = create_sweep(
        {"metric": LOSS, "parameters": {"lr": {"values": [1, 2, 3, 4]}}, "early_terminate": kind}
    )

    def slowly(trial: Trial) -> None:
        for step in range(8 if trial.number > 1 else 6):
            trial.experiment.log_metrics({"loss": trial.params["lr"] / (step + 1)}, step=step)
            trial._again = 0.0  # whenever it asks, the record is looked at
            if (step + 1) % every == 0 and trial.should_stop():
                raise Stopped("stopped early")

    run_agent(sweep, slowly)
    views = [one for (one,) in sweep.trials().values()]
    assert [one.status for one in views] == ["completed", *["cancelled"] * 3]
    assert [one.metrics["loss"].count for one in views] == [6, *[max(2, every)] * 3]
    assert views[1].reason == "stopped early"


AGENT = """
import sys, time
from anew.sweeps import run_agent
def train(trial):
    trial.experiment.log_metrics({"loss": 1.0}, step=0)
    time.sleep(float(sys.argv[2]))
print("READY", flush=True)
run_agent(sys.argv[1], train, root=sys.argv[3])
"""


def agents(sweep: Sweep, root: str, count: int, pause: float = 0.0) -> list[subprocess.Popen[str]]:
    command = [sys.executable, "-c", AGENT, sweep.id, str(pause), root]
    return [subprocess.Popen(command, text=True) for _ in range(count)]


def test_agents_at_once_have_each_trial_once():
    root = os.path.abspath("experiments")
    sweep = create_sweep({"parameters": {"n": {"values": list(range(4))}}}, root=root)
    for one in agents(sweep, root, 2):
        assert one.wait(300) == 0
    trials = sweep.trials()
    assert list(trials) == list(range(1, 5))
    assert [len(views) for views in trials.values()] == [1] * 4
    assert sorted(views[0].config["n"] for views in trials.values()) == list(range(4))


@pytest.mark.slow
def test_eight_agents_have_each_of_many_trials_once():
    root = os.path.abspath("experiments")
    sweep = create_sweep({"parameters": {"n": {"values": list(range(64))}}}, root=root)
    for one in agents(sweep, root, 8):
        assert one.wait(500) == 0
    trials = sweep.trials()
    assert list(trials) == list(range(1, 65))
    assert [len(views) for views in trials.values()] == [1] * 64


def test_what_a_killed_agent_had_is_given_again_once():
    root = os.path.abspath("experiments")
    sweep = create_sweep(GRID, root=root)
    (agent,) = agents(sweep, root, 1, pause=600)
    deadline = time.monotonic() + 300
    while not sweep.trials() and time.monotonic() < deadline:
        time.sleep(0.05)
    agent.send_signal(signal.SIGKILL)
    agent.wait()
    again, other = sweep.claim(), sweep.claim()
    assert (again.number, again.attempt, again.params["lr"]) == (1, 2, 0.1)
    assert (other.number, other.attempt) == (2, 1), "it is given to one alone"
    again.open().run.complete()
    assert [one.status for one in sweep.trials()[1]] == ["failed", "completed"]


@pytest.mark.parametrize("method", ["grid", "random"])
def test_what_was_claimed_and_never_begun_is_given_again_once(
    method: str, monkeypatch: pytest.MonkeyPatch
):
    sweep = create_sweep({**GRID, "method": method, "run_cap": 3})
    assert [sweep.claim().number for _ in range(2)] == [1, 2], "and their agent was killed"
    sweep.claim().open().run.complete()
    monkeypatch.setattr("anew.sweeps.sweep.ARRIVES", 0.3)
    with Sweep(sweep.id) as other:
        assert [sweep.claim().open().run.complete() or 0, other.claim().number] == [0, 2]
        assert sweep.claim() is None, "it was given to the other"
    assert list(sweep.trials()) == [1, 3]


PROGRAM = """
import argparse, anew, time
parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float)
args = parser.parse_args()
with anew.Experiment("whatever", quiet=True) as exp:
    for step in range(601):
        exp.log_metrics({"loss": args.lr / (step + 1)}, step=step)
        time.sleep(0.1 * (args.lr > 1))
"""


def test_a_program_is_run_from_the_command_line(tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    from anew.cli.main import main

    Path("train.py").write_text(PROGRAM)
    Path("sweep.json").write_text(
        json.dumps(
            {"program": "train.py", "parameters": {"lr": {"values": [0.5, 0.25]}}, "name": "cli"}
        )
    )
    with pytest.raises(SystemExit):
        main(["sweep", "sweep.json", "-q"])
    number = capfd.readouterr().out.strip()
    with pytest.raises(SystemExit):
        main(["agent", number])
    trials = Sweep(number).trials()
    assert [views[0].metrics["loss"].max for views in trials.values()] == [0.5, 0.25]
    assert len(Store()) == 3, "the program's experiment is the trial's"
    with pytest.raises(SystemExit):
        main(["sweep", "--stop", number])
    assert Sweep(number).stopped


@pytest.mark.slow
@pytest.mark.parametrize("kind", [HYPERBAND, MEDIAN])
def test_a_program_that_is_behind_is_stopped_early(kind: dict[str, object]):
    Path("train.py").write_text(PROGRAM)
    sweep = create_sweep(
        {
            "program": "train.py", "metric": LOSS, "early_terminate": kind,
            "parameters": {"lr": {"values": [0.5, 2.0]}},
        }
    )  # fmt: skip
    assert run_agent(sweep) == 2
    good, bad = (views[0] for views in sweep.trials().values())
    assert (good.status, good.metrics["loss"].count) == ("completed", 601)
    assert (bad.status, bad.reason) == ("cancelled", "stopped early")
    assert bad.metrics["loss"].count < 601


def test_agents_of_a_server_have_each_trial_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    there = tmp_path / "there"
    there.mkdir()
    with over_a_socket(str(there)) as url:
        with (
            create_sweep(GRID, "tester/digits/search", root=url) as sweep,
            Sweep(sweep.id, url) as again,
        ):
            assert [one.claim().number for one in (sweep, again, sweep)] == [1, 2, 3]
        with create_sweep(GRID, "tester/digits/other", root=url) as other:
            assert run_agent(other.id, train, root=url) == 3
            trials = arrived(other, 3)
            assert [views[0].metrics["loss"].last for views in trials.values()] == [0.1, 0.2, 0.3]
            assert other.claim() is None


def arrived(sweep: Sweep, count: int) -> dict[int, list[ExperimentView]]:
    """The trials of a sweep on a server, once they have been pushed and have ended."""
    deadline = time.monotonic() + 300
    while True:
        trials = sweep.trials()
        ended = [views for views in trials.values() if views[-1].status.ended]
        if len(ended) >= count or time.monotonic() > deadline:
            return trials
        time.sleep(0.2)


@pytest.mark.slow
def test_eight_agents_of_a_server_have_each_trial_once(tmp_path: Path):
    there = tmp_path / "there"
    there.mkdir()
    with over_a_socket(str(there)) as url:
        sweep = create_sweep(
            {"parameters": {"n": {"values": list(range(16))}}}, "tester/p/many", root=url
        )
        with sweep:
            running = agents(sweep, url, 8)
            assert [one.wait(500) for one in running] == [0] * 8
            trials = arrived(sweep, 16)
    assert list(trials) == list(range(1, 17))
    assert [len(views) for views in trials.values()] == [1] * 16
