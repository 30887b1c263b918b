"""A store with real experiments of every kind, and a way to run the command line on it."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from anew import Experiment
from anew.cli.main import cli


@contextmanager
def recorded(root: Path, name: str, **options: Any) -> Iterator[Experiment]:
    """A real experiment that prints nothing and samples nothing."""
    with Experiment(
        name, root=root, quiet=True, console="off", system_metrics=0, **options
    ) as experiment:
        yield experiment


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root that no test changes: three of a sweep, one by name alone, one that failed, one that diverged."""
    root = tmp_path_factory.mktemp("cli") / "experiments"
    for number, lr in enumerate((0.1, 0.01, 0.001)):
        with recorded(
            root,
            f"alice/vision/sweep/run-{number}",
            params={"lr": lr, "optimizer": {"name": "adam" if number else "sgd"}, "batch": 64},
            config={"depth": 3, "lr": lr},
            tags={"sweep": None, "team": "vision"},
        ) as exp:
            for step in range(20):
                exp.log_metrics({"train/loss": 2.0 / (1 + lr * step), "epoch": step}, step=step)
                if step % 5 == 0:
                    exp.log_metrics(
                        {"val/loss": 3.0 / (1 + lr * step), "val/acc": lr * step / 2}, step=step
                    )
            exp.log("starting", "info", lr=lr)
            exp.log("careful: nan near", "warning")
            exp.files("models").save(b"weights" * 100, "model.bin", step=19)
            exp.files().save_text("hello\n", "notes.txt")
    with recorded(root, "baseline", notes="to compare with") as exp:
        exp.log_metric("train/loss", 1.5)
    with pytest.raises(RuntimeError), recorded(root, "bob/nlp/broken", tags=["draft"]) as exp:
        exp.log_metric("train/loss", 9.0)
        raise RuntimeError("out of luck")
    with recorded(root, "bob/nlp/diverged") as exp:
        for step, value in enumerate((1.0, math.inf, math.nan)):
            exp.log_metric("train/loss", value, step=step)
    return root


@pytest.fixture
def store_root(made: Path, tmp_path: Path) -> Path:
    """A copy of that root to change at will."""
    return Path(shutil.copytree(made, tmp_path / "experiments", symlinks=True))


@dataclass
class Outcome:
    """What a call printed and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out, parse_constant=lambda name: pytest.fail(f"{name} in JSON"))

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


Run = Callable[..., Outcome]


def call(*arguments: object, input: str | None = None) -> Outcome:
    """Run the command line in this process."""
    result = CliRunner().invoke(cli, [str(one) for one in arguments], input=input)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Outcome(result.exit_code, result.stdout, result.stderr)


@pytest.fixture
def run(made: Path) -> Run:
    """Run a command on the root that no test changes."""
    return lambda *arguments, **options: call("--root", made, *arguments, **options)


@pytest.fixture
def change(store_root: Path) -> Run:
    """Run a command on a copy of that root."""
    return lambda *arguments, **options: call("--root", store_root, *arguments, **options)
