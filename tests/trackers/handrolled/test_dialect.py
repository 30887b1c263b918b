"""The hand-written functions work as described, and leave what the native calls leave."""

from __future__ import annotations

import json
import math
import os
import random
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import yaml

import anew
from anew import Store
from anew.dialects.handrolled import (
    UNSUPPORTED,
    Logger,
    compare_experiments,
    create_reproduction_script,
    generate_experiment_name,
    get_git_info,
    get_rng_state,
    load_metrics,
    save_environment,
    seed_everything,
    set_rng_state,
    setup_experiment,
    summarize_experiment,
)
from anew.errors import InvalidSetting, InvalidValue
from later import later

from ...dialects.records import recorded

torch = later("torch")


class Section(SimpleNamespace):
    """Attributes, and `get`, as the configuration classes of such codebases have."""

    def get(self, key: str, default: Any = None) -> Any:
        return getattr(self, key, default)


class Config(Section):
    def to_dict(self) -> dict[str, Any]:
        return {
            key: dict(vars(value)) if isinstance(value, Section) else value
            for key, value in vars(self).items()
        }


def config_for(folder: str = "experiments/exp001_dpo_7b_beta0.1", **more: Any) -> Config:
    return Config(
        experiment=Section(name=Path(folder).name, output_dir=folder),
        algorithm=Section(name="dpo"),
        model=Section(name="meta/llama-7b"),
        dpo=Section(beta=0.1),
        **{"logging": Section(tracker="none", project="llm-training"), **more},
    )


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("ANEW_SYSTEM_METRICS", "0")
    yield
    try:
        if anew.current().status is anew.Status.RUNNING:
            anew.finish()
    except RuntimeError:
        pass


def train(config: Config) -> Path:
    output_dir = setup_experiment(config)
    logger = Logger(config, rank=0)
    logger.info("training starts")
    for step in range(3):
        logger.log_metrics({"loss": 1 / (step + 1), "lr": np.float32(0.5)}, step=step)
    logger.log_metrics({"loss": torch.tensor(0.25)}, step=2, prefix="eval")
    checkpoint = output_dir / "checkpoints" / "step_2"
    checkpoint.mkdir()
    (checkpoint / "model.bin").write_bytes(b"weights")
    logger.log_artifact(checkpoint, "step_2", type="model")
    logger.close()
    anew.finish()
    return output_dir


def test_the_folder_has_the_structure_and_the_metadata_its_keys(capsys):
    folder = train(config_for())
    assert folder == Path("experiments/exp001_dpo_7b_beta0.1")
    for name in (
        "config.yaml",
        "metadata.json",
        "checkpoints",
        "logs/train.log",
        "logs/train_rank0.log",
        "logs/metrics.jsonl",
        "outputs/samples",
        "outputs/eval",
    ):
        assert (folder / name).exists(), name
    assert yaml.safe_load((folder / "config.yaml").read_text()) == config_for().to_dict()
    metadata = json.loads((folder / "metadata.json").read_text())
    git = {"git_hash": "unknown", "git_branch": "unknown", "git_dirty": True}
    assert {key: metadata[key] for key in git} == git
    assert metadata["name"] == "exp001_dpo_7b_beta0.1"
    assert metadata["python_version"] == sys.version
    assert metadata["torch_version"] == torch.__version__
    assert metadata["cuda_version"] == (torch.version.cuda or "N/A")
    assert metadata["hostname"]
    assert metadata["started_at"]
    assert metadata["command"] == " ".join(sys.argv)
    assert "uncommitted changes" in capsys.readouterr().out
    log = (folder / "logs" / "train_rank0.log").read_text()
    assert log.endswith(" - INFO - training starts\n")


def test_the_record_is_what_the_native_calls_leave():
    folder = train(config_for())
    with anew.Experiment(prefix="native", config=config_for().to_dict()) as native:
        native.log("training starts")
        for step in range(3):
            native.log_metrics({"train/loss": 1 / (step + 1), "train/lr": 0.5}, step)
        native.log_metrics({"eval/loss": 0.25}, 2)
        native.files("step_2").save(folder / "checkpoints" / "step_2", metadata={"type": "model"})
    assert recorded(folder) == recorded(native.folder)
    view = Store()["exp001_dpo_7b_beta0.1"]  # in the usual store
    assert view.metrics["train/loss"].count == 3
    assert view.path == folder.resolve()


def test_a_folder_elsewhere_is_an_experiment_of_the_store_it_lies_in(tmp_path: Path):
    folder = train(config_for(str(tmp_path / "runs" / "one")))
    assert Store(tmp_path / "runs")["one"].path == folder
    inside = train(config_for("experiments/dpo/two"))
    assert Store()["dpo/two"].path == inside.resolve()


def test_metrics_are_loaded_summarized_and_compared():
    one = train(config_for("experiments/one"))
    two = train(config_for("experiments/two"))
    frame = load_metrics(one)
    assert list(frame.columns) == [
        "step",
        "prefix",
        "timestamp",
        "train/loss",
        "train/lr",
        "eval/loss",
    ]
    assert list(frame["train/loss"][:3]) == [1.0, 0.5, 1 / 3]
    summary = summarize_experiment(one)
    assert summary["final_eval"].pop("timestamp")
    assert summary == {
        "name": "one",
        "algorithm": "dpo",
        "total_steps": 2,
        "final_loss": 1 / 3,
        "final_eval": {"step": 2, "prefix": "eval", "eval/loss": 0.25},
    }
    compared = compare_experiments([one, two])
    assert list(compared["name"]) == ["one", "two"]
    assert list(compared.columns) == [
        "name",
        "algorithm",
        "total_steps",
        "final_loss",
        "final_eval",
    ]
    with pytest.raises(FileNotFoundError):
        load_metrics("experiments/none")


def test_a_summary_without_evaluation_or_with_a_cut_line_is_still_one():
    config = config_for("experiments/cut")
    folder = setup_experiment(config)
    logger = Logger(config)
    assert summarize_experiment(folder)["final_loss"] is None
    logger.log_metrics({"loss": math.nan}, step=7)
    logger.close()
    with (folder / "logs" / "metrics.jsonl").open("a") as file:
        file.write('{"step": 8, "pre')
    summary = summarize_experiment(folder)
    assert (summary["total_steps"], summary["final_eval"]) == (7, {})
    assert math.isnan(summary["final_loss"])


def test_every_rank_has_a_log_and_a_record_of_its_own():
    config = config_for()
    folder = setup_experiment(config)
    main = Logger(config, rank=0)
    script = (
        "import sys; sys.path[:0] = [sys.argv[1], sys.argv[1] + '/tests']\n"
        "from tests.trackers.handrolled.test_dialect import Logger, config_for\n"
        "logger = Logger(config_for(), rank=1)\n"
        "logger.info('not said')\n"
        "logger.log_metrics({'loss': 2.0}, step=0)\n"
        "logger.log_artifact('nowhere', 'nothing')\n"
        "logger.close()\n"
    )
    repository = str(Path(__file__).resolve().parents[3])
    command = [sys.executable, "-W", "error", "-c", script, repository]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "not said" not in done.stdout
    main.log_metrics({"loss": 1.0}, step=0)
    main.close()
    anew.finish()
    assert sorted(load_metrics(folder)["train/loss"]) == [1.0, 2.0]
    assert (folder / "logs" / "train_rank1.log").read_text() == ""
    points = recorded(folder)["points"]
    assert sorted((writer.split("-")[1], value) for writer, _, _, value in points) == [
        ("main", 1.0),
        ("rank1", 2.0),
    ]
    assert Store()[folder.name].status == "completed"


def test_a_logger_alone_starts_and_ends_its_experiment():
    logger = Logger(config_for("experiments/alone"))
    logger.log_metrics({"loss": 1.0}, step=0)
    handlers = list(logger.file_logger.handlers)
    logger.close()
    assert Store()["alone"].status == "completed"
    assert handlers
    assert logger.file_logger.handlers == []
    again = Logger(config_for("experiments/alone"))  # the messages of one do not go to the other
    again.info("once")
    again.close()
    text = Path("experiments/alone/logs/train_rank0.log").read_text()
    assert text.count("once") == 1


def test_a_value_that_is_no_number_is_refused_and_leaves_no_line():
    config = config_for()
    folder = setup_experiment(config)
    logger = Logger(config)
    with pytest.raises(InvalidValue, match="train/loss"):
        logger.log_metrics({"loss": "low"}, step=0)
    logger.log_metrics({"loss": np.float32(0.5), "n": np.int64(3), "t": torch.ones(1)}, step=1)
    logger.close()
    (row,) = load_metrics(folder).to_dict("records")
    assert (row["train/loss"], row["train/n"], row["train/t"]) == (0.5, 3, 1)


# -- reproducibility -------------------------------------------------------------------------------


def when_there(path: Path) -> Path:
    """The path, once it is there: what is captured is written while the program goes on."""
    until = time.monotonic() + 300
    while not path.exists() and time.monotonic() < until:
        time.sleep(0.02)
    return path


def draws() -> list[Any]:
    return [random.random(), float(np.random.rand()), float(torch.rand(1))]


def test_a_seed_and_a_state_give_the_same_numbers_again():
    flags = torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark
    try:
        seed_everything(7)
        assert (torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark) == (True, False)
        first = draws()
        seed_everything(7)
        assert draws() == first
    finally:
        torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = flags
    state = get_rng_state()
    assert {"python", "numpy", "torch", "cuda"} <= set(state)
    expected = draws()
    draws()
    set_rng_state(json.loads(json.dumps(state)))
    assert draws() == expected


def test_a_state_of_the_hand_written_function_is_restored_too():
    by_hand = {
        "python": random.getstate(),
        "numpy": np.random.get_state(),
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
    }
    expected = draws()
    set_rng_state(by_hand)
    assert draws() == expected
    with pytest.raises(InvalidValue):
        set_rng_state({"python": 3})


def test_git_is_told_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    unknown = {"git_hash": "unknown", "git_branch": "unknown", "git_dirty": True}
    assert get_git_info() == unknown
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run([*git, "init", "-q", "-b", "trunk"], check=True)
    assert get_git_info() == unknown  # no commit yet
    Path("a.txt").write_text("a")
    subprocess.run([*git, "add", "a.txt"], check=True)
    subprocess.run([*git, "commit", "-qm", "first"], check=True)
    info = get_git_info()
    assert (len(info["git_hash"]), info["git_branch"], info["git_dirty"]) == (40, "trunk", False)
    Path("a.txt").write_text("b")
    assert get_git_info()["git_dirty"] is True
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    assert get_git_info() == unknown


def test_the_environment_is_written_from_what_was_captured_or_else_by_pip(tmp_path: Path):
    folder = setup_experiment(config_for())
    captured = when_there(folder / "environment" / "requirements.txt")
    save_environment(folder)
    assert (folder / "requirements.txt").read_bytes() == captured.read_bytes()
    assert not os.path.samefile(folder / "requirements.txt", captured)
    save_environment(tmp_path / "bare")
    assert "numpy==" in (tmp_path / "bare" / "requirements.txt").read_text().lower()
    anew.finish()


def test_conda_is_asked_where_there_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    folder = tmp_path / "bin"
    folder.mkdir()
    conda = folder / "conda"
    conda.write_text("#!/bin/sh\necho python=3.11=0\n")
    conda.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)
    save_environment(tmp_path / "out")
    assert (tmp_path / "out" / "conda_env.txt").read_text() == "python=3.11=0\n"


def test_the_reproduction_script_is_the_captured_one_or_a_plain_one(tmp_path: Path):
    config = config_for()
    folder = setup_experiment(config)
    captured = when_there(folder / "reproduce.sh").read_bytes()
    create_reproduction_script(folder, folder / "config.yaml")
    assert (folder / "reproduce.sh").read_bytes() == captured
    anew.finish()
    bare = tmp_path / "it's bare"
    bare.mkdir()
    create_reproduction_script(bare, "configs/base.yaml")
    text = (bare / "reproduce.sh").read_text()
    assert "configs/base.yaml" in text
    assert subprocess.run(["bash", "-n", bare / "reproduce.sh"], check=False).returncode == 0


def test_names_describe_the_configuration():
    name = generate_experiment_name(config_for())
    assert name.startswith("dpo_llama-7b_beta0.1_")
    assert generate_experiment_name is anew.generate_experiment_name


# -- mistakes, and what is not supported -----------------------------------------------------------


def test_a_configuration_without_a_place_says_so():
    with pytest.raises(InvalidValue):
        setup_experiment({"experiment": {"name": "x"}})
    assert setup_experiment({"experiment": {"output_dir": "experiments/plain"}}).is_dir()


def test_the_same_folder_goes_on_and_another_configuration_is_recorded_beside_the_first():
    setup_experiment(config_for())
    anew.finish()
    setup_experiment(config_for())
    anew.finish()
    assert len(Store()) == 1
    setup_experiment(_changed())
    anew.finish()
    (view,) = Store().list()
    assert view.config["dpo"]["beta"] != 0.5
    assert [one.config and one.config["dpo"]["beta"] for one in view.openings] == [None, None, 0.5]


def _changed() -> Config:
    config = config_for()
    config.dpo.beta = 0.5
    return config


def test_a_tracker_is_forwarded_to_from_the_first_record_on():
    config = config_for(logging=Section(tracker="tensorboard", project="p"))
    folder = setup_experiment(config)
    anew.log_metric("before", 1.0)
    logger = Logger(config)
    logger.log_metrics({"loss": 1.0}, step=0)
    logger.close()
    Logger(config).close()  # it is not forwarded twice
    anew.finish()
    view = Store()[folder.name]
    assert view.captured["backend"] == {"requested": ["tensorboard"]}
    (place,) = view.forwarded
    assert place.complete
    assert place.status == "completed"
    assert place.points == 2
    written = list((folder / "logs" / "tensorboard").rglob("events.out.tfevents.*"))
    assert written


def test_a_tracker_that_nobody_knows_is_an_error():
    config = config_for(logging=Section(tracker="wndb", project="p"))
    setup_experiment(config)
    with pytest.raises(InvalidSetting, match="wndb"):
        Logger(config)
    anew.finish()


def test_a_configuration_need_not_speak_of_logging():
    config = config_for()
    del config.logging
    setup_experiment(config)
    Logger(config).close()
    assert len(UNSUPPORTED) == 3


PROGRAM = """
import random
from anew.dialects.handrolled import Logger, seed_everything, setup_experiment

config = {"experiment": {"name": "exp001", "output_dir": "experiments/exp001"}}
setup_experiment(config)
seed_everything(1)
logger = Logger(config)
for step in range(5):
    logger.log_metrics({"loss": random.random()}, step=step)
logger.close()
"""


@pytest.mark.slow
def test_what_was_run_by_these_functions_can_be_run_again(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)
    Path("train.py").write_text(PROGRAM)
    Path(".gitignore").write_text("experiments/\n")
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b"]
    for command in ([*git, "init", "-q"], [*git, "add", "."], [*git, "commit", "-qm", "first"]):
        subprocess.run(command, check=True)
    subprocess.run([sys.executable, "train.py"], check=True)
    again = [sys.executable, "-m", "anew", "reproduce", "exp001"]
    done = subprocess.run(again, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("IDENTICAL: all 5 points")


def test_a_clean_tree_is_clean_and_the_metadata_complete_as_soon_as_the_set_up_returns(
    capsys: pytest.CaptureFixture[str],
):
    commands = (
        "init -q",
        "config user.email a@b.c",
        "config user.name n",
        "commit -qm x --allow-empty",
    )
    for command in commands:
        subprocess.run(["git", *command.split()], check=True)
    for place in ("experiments/one", "runs/two", "three"):
        out = setup_experiment({"experiment": {"name": "e", "output_dir": place}})
        told = json.loads((out / "metadata.json").read_text())
        assert told["git_dirty"] is False
        assert told["git_hash"] == get_git_info()["git_hash"]
        assert {"name", "started_at", "hostname", "torch_version", "command"} <= {*told}
        (out / "checkpoints" / "w.pt").write_bytes(b"x")
        anew.finish()
    assert "WARNING" not in capsys.readouterr().out
    Path("new.py").touch()
    assert get_git_info()["git_dirty"] is True


def test_none_is_no_value_in_the_record_and_in_the_line():
    config = {"experiment": {"name": "e", "output_dir": "experiments/e"}}
    logger = Logger(config)
    logger.log_metrics({"loss": 0.5, "acc": None}, step=1)
    logger.close()
    [row] = load_metrics("experiments/e").to_dict("records")
    assert row["train/loss"] == 0.5
    assert "train/acc" not in row
