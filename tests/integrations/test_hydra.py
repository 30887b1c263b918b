"""Hydra: its jobs and multiruns as experiments, run as programs are."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
from hydra.core.utils import JobReturn, JobStatus
from omegaconf import OmegaConf

from anew import Status, Store
from anew.integrations.hydra import AnewCallback

from .running import run_example

# The whole framework: `make test` does not even import it.
pytestmark = pytest.mark.slow

PROGRAM = """
import sys
import hydra
import anew

@hydra.main(version_base=None, config_path=".", config_name="config")
def job(config):
    anew.log_metric("seen", config.lr, step=0)
    if config.fails:
        raise ArithmeticError("cannot be")
    return config.lr

if __name__ == "__main__":
    if "--inside" in sys.argv:
        sys.argv.remove("--inside")
        with anew.Experiment("mine"):
            job()
    else:
        job()
"""
CONFIG = """
defaults:
  - data: small
  - _self_
lr: 0.1
double: ${eval_later:${lr}}
decay: ${lr}
never: ???
fails: false
token: hide-me-please
hydra:
  callbacks:
    anew:
      _target_: anew.integrations.hydra.AnewCallback
      tags: [swept]
"""


@pytest.fixture
def app(tmp_path: Path) -> Path:
    (tmp_path / "app.py").write_text(PROGRAM)
    (tmp_path / "config.yaml").write_text(CONFIG.replace("double: ${eval_later:${lr}}\n", ""))
    (tmp_path / "data").mkdir()
    for size, rows in (("small", 10), ("large", 1000)):
        (tmp_path / "data" / f"{size}.yaml").write_text(f"rows: {rows}\n")
    return tmp_path


def run(app: Path, *arguments: str) -> tuple[int, str, list]:
    """Run the program; its exit status, what it printed, and its experiments, the oldest first."""
    bare = {
        k: v for k, v in os.environ.items() if not k.startswith("ANEW_") or k == "ANEW_KEEP_COMMITS"
    }
    result = subprocess.run(
        [sys.executable, "-W", "error", "app.py", *arguments],
        cwd=app,
        env=bare | {"ANEW_QUIET": "1", "ANEW_CAPTURE": "off", "ANEW_SYSTEM_METRICS": "0"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    found = Store(str(app / "experiments")).list(sort="created_at")
    return result.returncode, result.stdout, [*found]


def test_the_example_leaves_an_experiment_with_its_configuration_and_overrides(tmp_path):
    with run_example("with_hydra", tmp_path, "net.epochs=5") as store:
        (found,) = store
    assert (found.name, found.status) == ("hydra", Status.COMPLETED)
    assert found.prefix.startswith("examples/digits/hydra-")
    assert found.config.to_dict() == {
        "data": {"test_size": 0.3},
        "net": {"width": 32, "epochs": 5},
        "lr": 0.01,
        "seed": 0,
    }
    assert found.params["net.epochs"] == 5
    assert found.metrics["val/acc"].count == 5
    assert found.metrics["value"].last == found.metrics["val/acc"].last
    facts = found.captured["hydra"]
    assert facts["overrides"] == ["net.epochs=5"]
    assert Path(facts["output_dir"], ".hydra", "config.yaml").is_file()


def test_the_example_swept_is_an_experiment_with_its_jobs_as_children(tmp_path):
    arguments = ("--multirun", "net.epochs=3", "lr=0.003,0.03")
    with run_example("with_hydra", tmp_path, *arguments) as store:
        sweep = next(one for one in store if one.parent is None)
        jobs = [*sweep.children()]
    assert sweep.status is Status.COMPLETED
    assert sweep.captured["hydra"]["overrides"] == ["net.epochs=3", "lr=0.003,0.03"]
    assert [job.name for job in jobs] == ["job-0", "job-1"]
    steps, values = sweep.metrics["value"].to_numpy()
    assert steps.tolist() == [0, 1]
    assert values.tolist() == [job.metrics["value"].last for job in jobs]
    assert [job.params["lr"] for job in jobs] == [job.config["lr"] for job in jobs] == [0.003, 0.03]
    assert all(job.metrics["val/acc"].count == 3 for job in jobs)
    assert {job.status for job in jobs} == {Status.COMPLETED}
    outputs = {job.captured["hydra"]["output_dir"] for job in jobs}
    assert len(outputs) == 2


def test_choices_of_groups_interpolations_and_what_is_missing_or_secret_are_kept_as_they_should_be(
    app,
):
    status, printed, (found,) = run(
        app, "data=large", "lr=0.5", "token=hide-me-too", "hydra.job.chdir=true"
    )
    assert status == 0, printed
    assert found.name == "app"  # the job's name, as Hydra has it
    assert (found.params["data"], found.params["lr"]) == ("large", 0.5)
    assert found.config["data"]["rows"] == 1000
    assert (found.config["decay"], found.config["never"]) == (0.5, "???")
    assert found.captured["hydra"]["choices"] == {"data": "large"}
    assert found.tags == {"swept": None}
    assert found.captured["command"]["cwd"] == str(app)  # although Hydra had gone elsewhere
    written = b"".join(file.read_bytes() for file in found.path.rglob("*") if file.is_file())
    assert b"hide-me" not in written


def test_what_cannot_be_resolved_is_kept_as_it_is_written(app):
    (app / "config.yaml").write_text(CONFIG)  # with a resolver that nobody registered
    status, printed, (found,) = run(app)
    assert status == 0, printed
    assert found.config["double"] == "${eval_later:${lr}}"


def test_a_job_that_raises_fails_its_experiment(app):
    status, printed, (found,) = run(app, "fails=true")
    assert status == 1
    assert printed.count("Error executing job") == 1
    assert (found.status, found.reason) == (Status.FAILED, "ArithmeticError: cannot be")
    assert "app.py" in found.error


def test_a_multirun_with_a_job_that_raises_has_failed_too(app):
    status, _, (sweep, *jobs) = run(app, "--multirun", "fails=true,false")
    assert status == 1
    assert (sweep.status, sweep.reason) == (Status.FAILED, "1 of its jobs failed")
    assert [job.status for job in jobs] == [Status.FAILED, Status.COMPLETED]


def test_a_program_with_an_experiment_of_its_own_keeps_it(app):
    (app / "config.yaml").write_text(
        (app / "config.yaml").read_text().replace("      tags: [swept]\n", "")
    )
    status, printed, (found,) = run(app, "--inside", "lr=0.25")
    assert status == 0, printed
    assert (found.name, found.status) == ("mine", Status.COMPLETED)
    assert found.params["lr"] == 0.25
    assert found.metrics["seen"].last == 0.25


def test_a_job_in_another_process_is_a_child_of_the_multirun(tmp_path, monkeypatch, root):
    monkeypatch.setenv("ANEW_CONSOLE", "off")
    config = OmegaConf.create(
        {
            "lr": 1,
            "hydra": {
                "job": {"name": "app", "num": 3, "config_name": "config"},
                "overrides": {"task": ["lr=1"]},
                "runtime": {"choices": {}, "output_dir": str(tmp_path)},
            },
        }
    )
    here = AnewCallback("alice/sweep", root=str(root))
    here.on_multirun_start(config)
    there = pickle.loads(pickle.dumps(here))  # noqa: S301  (as a launcher does)
    there.on_job_start(config, task_function=None)
    ended = JobReturn()
    ended.return_value, ended.status = 2.0, JobStatus.COMPLETED
    there.on_job_end(config, job_return=ended)
    here.on_multirun_end(config)
    sweep = next(one for one in Store(root) if one.parent is None)
    assert [(one.name, one.status) for one in sweep.children()] == [("job-3", Status.COMPLETED)]
    assert (sweep.name, sweep.status) == ("sweep", Status.COMPLETED)
