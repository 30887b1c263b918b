"""What stands behind `anew.dialects.handrolled`."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anew
from anew import forwarders, generate_experiment_name
from anew.errors import InvalidValue, MissingDependency

if TYPE_CHECKING:
    import pandas

__all__ = [
    "UNSUPPORTED",
    "ExperimentMetadata",
    "Logger",
    "compare_experiments",
    "create_reproduction_script",
    "generate_experiment_name",
    "get_git_info",
    "get_rng_state",
    "load_metrics",
    "save_environment",
    "seed_everything",
    "set_rng_state",
    "setup_experiment",
    "summarize_experiment",
]

UNSUPPORTED: dict[str, str] = {
    "config.logging.tracker of another name": "only `wandb`, `tensorboard`, `mlflow`, `clearml`, `aim` and `none` are accepted",
    "setup_experiment again with another configuration": "`config.yaml` keeps the first configuration, and the other one is recorded beside it, where the hand-written code overwrote `config.yaml`",
    "create_reproduction_script over a captured reproduce.sh": "the script that Anew wrote is kept, because it restores more",
}


@dataclass
class ExperimentMetadata:
    """What `metadata.json` has at its top."""

    name: str
    started_at: str
    git_hash: str
    git_branch: str
    git_dirty: bool
    python_version: str
    torch_version: str
    cuda_version: str
    hostname: str
    command: str


# By output folder. What runs under `anew reproduce` is recorded elsewhere than in that folder.
_started: dict[str, anew.Experiment] = {}

# -- setting up ------------------------------------------------------------------------------------


def setup_experiment(config: Any) -> Path:
    """Start the experiment of a configuration in its `experiment.output_dir`; returns that folder.

    It is the current experiment (`anew.current()`), and the program's end ends it.

    Raises:
        InvalidValue: The configuration has no `experiment.output_dir`.
        ConfigFrozen: The folder holds an experiment with another configuration, and `config_conflict` is set to
            "refuse".
    """
    output_dir = _output_dir(config)
    root, prefix = _place(output_dir)
    experiment = _started[os.path.abspath(output_dir)] = anew.start(
        prefix=prefix, root=root, config=config, resume="allow"
    )
    for folder in ("checkpoints", "logs", "outputs/samples", "outputs/eval"):
        (output_dir / folder).mkdir(parents=True, exist_ok=True)
    git_info = get_git_info()
    if not experiment.rank:
        experiment.capture("metadata", asdict(_metadata(config, git_info)))
        if git_info["git_dirty"]:
            print("⚠️  WARNING: Git working directory has uncommitted changes!")
    return output_dir


def get_git_info() -> dict[str, Any]:
    """`{git_hash, git_branch, git_dirty}` of the working directory; "unknown" and True outside of a repository.

    What was recorded into the working tree, the folders of experiments, is no change of the code.
    """
    try:
        return {
            "git_hash": _git("rev-parse", "HEAD"),
            "git_branch": _git("rev-parse", "--abbrev-ref", "HEAD"),
            "git_dirty": _is_dirty(_git("rev-parse", "--show-toplevel")),
        }
    except (OSError, subprocess.CalledProcessError):  # no git, no repository, no commit yet
        return {"git_hash": "unknown", "git_branch": "unknown", "git_dirty": True}


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], check=True, capture_output=True)
    return done.stdout.decode("utf-8", "replace").strip()


def _is_dirty(top: str) -> bool:
    in_record: dict[Path, bool] = {}
    changes = _git("status", "--porcelain", "-z", "--untracked-files=all").split("\0")
    return any(
        not (change.startswith("?? ") and _is_record(Path(top, change[3:]), in_record))
        for change in changes
        if change
    )


def _is_record(path: Path, in_record: dict[Path, bool]) -> bool:
    """Whether a file lies in a store's own folder or in an experiment's, which has a journal and its metadata."""
    if path.name.startswith("experiments.db") and (path.parent / ".anew").is_dir():
        return True
    folder = path.parent
    if folder not in in_record:
        in_record[folder] = folder.name == ".anew" or (
            (folder / "metadata.json").is_file() and any(folder.glob("journal/0*.jsonl"))
        )
        if not in_record[folder] and folder != folder.parent:
            in_record[folder] = _is_record(folder, in_record)
    return in_record[folder]


def _metadata(config: Any, git_info: Mapping[str, Any]) -> ExperimentMetadata:
    import socket

    torch = _torch()
    return ExperimentMetadata(
        name=str(_field(config, "experiment.name", _output_dir(config).name)),
        started_at=datetime.now().isoformat(),
        python_version=sys.version,
        torch_version=str(torch.__version__) if torch else "N/A",
        cuda_version=(torch.version.cuda or "N/A") if torch else "N/A",
        hostname=socket.gethostname(),
        command=" ".join(sys.argv),
        **git_info,
    )


def _place(output_dir: Path) -> tuple[str, str]:
    """The root and the prefix that make an experiment's folder this one.

    In the usual store if it lies there, so that `anew list` shows it; else its parent is the store.
    """
    full, usual = os.path.abspath(output_dir), anew.Experiment().root
    inside = os.path.relpath(full, usual)
    if inside != os.curdir and not inside.startswith(os.pardir):
        return usual, inside.replace(os.sep, "/")
    return os.path.dirname(full), os.path.basename(full)


_MISSING = object()


def _field(config: Any, key: str, default: Any = _MISSING) -> Any:
    """A dotted key of mappings and of objects with attributes."""
    for part in key.split("."):
        try:
            config = config[part] if isinstance(config, Mapping) else getattr(config, part)
        except (KeyError, AttributeError):
            if default is _MISSING:
                raise InvalidValue(f"The configuration has no {key}.", key=key) from None
            return default
    return config


def _output_dir(config: Any) -> Path:
    """The folder of the experiment, by the rules for every other address, so that a bucket's URL is refused."""
    given = _field(config, "experiment.output_dir")
    folder = anew.Experiment(root=given).root
    # A plain path comes back as the program wrote it.
    return Path(given if os.path.abspath(given) == folder else folder)


def _torch() -> Any:
    try:
        import torch
    except ImportError:
        return None
    return torch


# -- reproducibility -------------------------------------------------------------------------------


def seed_everything(seed: int) -> None:
    """Seed random, numpy and torch, and let cuDNN choose deterministic algorithms."""
    anew.seed_everything(seed)
    torch = _torch()
    if torch is not None:
        torch.backends.cudnn.deterministic = True
        torch.backends.cudnn.benchmark = False


def get_rng_state() -> dict[str, Any]:
    """The states of `python`, `numpy`, `torch` and `cuda`, as plain data for a checkpoint."""
    import numpy as np

    assert np.random  # it counts as loaded from here on, and so is in the state
    if _torch() is None:
        return anew.get_rng_state()
    return {"cuda": [], **anew.get_rng_state()}


def set_rng_state(state: dict[str, Any]) -> None:
    """Restore what `get_rng_state` gave, also what the hand-written one put into an older checkpoint.

    Raises:
        InvalidValue: It is no such state.
    """
    if not isinstance(state, Mapping) or not isinstance(state.get("python"), tuple):
        return anew.set_rng_state(state)
    import random

    import numpy as np
    import torch

    random.setstate(state["python"])
    np.random.set_state(state["numpy"])
    torch.set_rng_state(state["torch"])
    torch.cuda.set_rng_state_all(state.get("cuda", []))
    return None


def save_environment(output_dir: str | os.PathLike[str]) -> None:
    """Write `requirements.txt`, and `conda_env.txt` where conda is used."""
    folder = Path(output_dir)
    folder.mkdir(parents=True, exist_ok=True)
    # What was captured at the start knows more than pip: where packages in development came from.
    captured = folder / "environment" / "requirements.txt"
    packages = captured.read_bytes() if captured.is_file() else _freeze()
    (folder / "requirements.txt").write_bytes(packages)
    try:
        conda = subprocess.run(["conda", "list", "--export"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        return
    (folder / "conda_env.txt").write_bytes(conda.stdout)


def _freeze() -> bytes:
    command = [sys.executable, "-m", "pip", "freeze"]
    try:
        return subprocess.run(command, check=True, capture_output=True).stdout
    except (OSError, subprocess.CalledProcessError):  # an environment without pip
        from importlib.metadata import distributions

        found = {f"{d.metadata['Name']}=={d.version}" for d in distributions()}
        return ("\n".join(sorted(found, key=str.lower)) + "\n").encode()


def create_reproduction_script(
    output_dir: str | os.PathLike[str], config_path: str | os.PathLike[str]
) -> None:
    """Write `reproduce.sh`, which checks out the commit, installs the packages and runs this script again.

    Where Anew captured the run, its `reproduce.sh` is there already and is kept: it restores uncommitted
    changes and the whole command line too.
    """
    import shlex

    folder = Path(output_dir)
    path = folder / "reproduce.sh"
    if path.exists():
        return
    program = sys.argv[0] if sys.argv and sys.argv[0].endswith(".py") else "scripts/train.py"
    commit = get_git_info()["git_hash"]
    lines = [
        "#!/bin/bash",
        f"# Reproduces {folder.name}; written {datetime.now().isoformat()}",
        "set -e",
        f"git checkout {shlex.quote(commit)}"
        if commit != "unknown"
        else "# (it ran outside of git)",
        f"pip install -r {shlex.quote(str(folder / 'requirements.txt'))}",
        f"python {shlex.quote(program)} {shlex.quote(str(config_path))}",
    ]
    path.write_text("\n".join(lines) + "\n")
    path.chmod(0o755)


# -- logging ---------------------------------------------------------------------------------------


class Logger:
    """Messages and metrics of one rank, in the folder's `logs/` and in the experiment's record.

    It writes to the experiment that `setup_experiment` started, and starts it where that was not called.

    Args:
        rank: This process's rank; messages are those of rank 0.

    Raises:
        InvalidSetting: `config.logging.tracker` is no tracker that records can be forwarded to.
    """

    def __init__(self, config: Any, rank: int = 0) -> None:
        self.config = config
        self.rank = rank
        self.is_main = rank == 0
        self.output_dir = _output_dir(config) / "logs"
        self.experiment, self._own = self._find()
        if self.is_main:
            self._setup_tracker()
        self.output_dir.mkdir(parents=True, exist_ok=True)
        # A logger of its own, which no other part of the program shares or configures.
        self.file_logger = logging.Logger(f"train_{rank}", logging.INFO)
        handler = logging.FileHandler(self.output_dir / f"train_rank{rank}.log", encoding="utf-8")
        handler.setFormatter(logging.Formatter("%(asctime)s - %(levelname)s - %(message)s"))
        self.file_logger.addHandler(handler)
        self.metrics_file = open(self.output_dir / "metrics.jsonl", "a", encoding="utf-8")  # noqa: SIM115

    def _find(self) -> tuple[anew.Experiment, bool]:
        """The experiment of this folder, and whether it was started here."""
        folder = os.path.abspath(_output_dir(self.config))
        started = _started.get(folder)
        if started is not None and started.status is anew.Status.RUNNING:
            return started, False
        root, prefix = _place(Path(folder))
        experiment = anew.Experiment(
            prefix=prefix, root=root, config=self.config, rank=self.rank or None, resume="allow",
        )  # fmt: skip
        experiment.run.start()
        return experiment, True

    def _setup_tracker(self) -> None:
        section = _field(self.config, "logging", None)
        tracker = "none" if section is None else str(_field(section, "tracker", "none"))
        if tracker == "none":
            return
        self.experiment.capture("backend", {"requested": [tracker]})
        place: Any = tracker
        if tracker == "wandb":
            project = _field(section, "project", None)
            place = forwarders.WandB(project=None if project is None else str(project))
        elif tracker == "tensorboard":
            place = forwarders.TensorBoard(log_dir=str(self.output_dir / "tensorboard"))
        self.experiment.forward(place)

    def info(self, message: str) -> None:
        """Log and print a message, on rank 0."""
        if self.is_main:
            self.file_logger.info(message)
            self.experiment.log(message)
            print(message)

    def log_metrics(self, metrics: Mapping[str, Any], step: int, prefix: str = "train") -> None:
        """Log metrics as `<prefix>/<name>`; None is no value and is left out.

        Raises:
            InvalidValue: A value is not a number; nothing of the call is kept.
        """
        values = {f"{prefix}/{name}": value for name, value in metrics.items()}
        self.experiment.log_metrics(values, step)
        record = {
            "step": step,
            "prefix": prefix,
            "timestamp": datetime.now().isoformat(),
            **{name: _number(value) for name, value in values.items() if value is not None},
        }
        # One write for a line: several ranks append to this file.
        self.metrics_file.write(json.dumps(record) + "\n")
        self.metrics_file.flush()

    def log_artifact(self, path: str | os.PathLike[str], name: str, type: str = "model") -> None:
        """Keep a copy of a file or folder under a name, on rank 0.

        Raises:
            FileNotFoundError: There is no such file.
        """
        if self.is_main:
            self.experiment.files(name).save(path, metadata={"type": type})

    def close(self) -> None:
        """Close the files; an experiment that `setup_experiment` started goes on until the program ends."""
        self.metrics_file.close()
        for handler in [*self.file_logger.handlers]:
            self.file_logger.removeHandler(handler)
            handler.close()
        if self._own and self.experiment.status is anew.Status.RUNNING:
            self.experiment.run.complete()


def _number(value: Any) -> float | int:
    if isinstance(value, (int, float)) and type(value) in (int, float):
        return value
    item = getattr(value, "item", None)  # tensors and numpy's scalars
    return float(item() if callable(item) else value)


# -- analysis --------------------------------------------------------------------------------------


def load_metrics(experiment_dir: str | os.PathLike[str]) -> pandas.DataFrame:
    """A row per `log_metrics` call: `step`, `prefix`, `timestamp`, and a column per metric.

    Raises:
        FileNotFoundError: The folder has no `logs/metrics.jsonl`.
        MissingDependency: pandas is not installed.
    """
    try:
        import pandas
    except ImportError as error:
        raise MissingDependency(
            "The analysis functions need pandas, which is not installed. Install it with: "
            "pip install pandas",
            name="pandas",
        ) from error
    return pandas.DataFrame(_records(experiment_dir))


def _records(experiment_dir: str | os.PathLike[str]) -> list[dict[str, Any]]:
    text = (Path(experiment_dir) / "logs" / "metrics.jsonl").read_text(encoding="utf-8")
    # A last line without its end is being written, or was cut off by a crash.
    return [json.loads(line) for line in text.split("\n")[:-1] if line]


def summarize_experiment(experiment_dir: str | os.PathLike[str]) -> dict[str, Any]:
    """`{name, algorithm, total_steps, final_loss, final_eval}`; None (or `{}`) for what was not logged."""
    import yaml

    config = yaml.safe_load((Path(experiment_dir) / "config.yaml").read_text()) or {}
    last = {record["prefix"]: record for record in _records(experiment_dir)}
    train = last.get("train", {})
    return {
        "name": _field(config, "experiment.name", Path(experiment_dir).name),
        "algorithm": _field(config, "algorithm.name", None),
        "total_steps": train.get("step"),
        "final_loss": train.get("train/loss"),
        "final_eval": last.get("eval", {}),
    }


def compare_experiments(experiment_dirs: Sequence[str | os.PathLike[str]]) -> pandas.DataFrame:
    """A row per folder, of what `summarize_experiment` says."""
    summaries = [summarize_experiment(folder) for folder in experiment_dirs]
    import pandas

    return pandas.DataFrame(summaries)
