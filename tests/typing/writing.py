"""What a user writes to record an experiment: it must pass a strict type checker, not run."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import assert_type

import numpy as np

import anew
from anew import Experiment, Histogram, Image, Status, Table, track


@dataclass
class Settings:
    lr: float = 3e-4
    width: int = 64


def with_block(options: argparse.Namespace) -> str:
    with Experiment(
        "alice/vision/resnet50",
        config=Settings(),
        params={"seed": 1},
        tags=["baseline"],
        root=Path("experiments"),
        system_metrics=0,
    ) as exp:
        assert_type(exp, Experiment)
        exp.log_metric("loss", 0.5, 1)
        exp.log_metric("loss", np.float32(0.5), step=1, metadata={"batch": 3})
        exp.log_metrics({"train/loss": 0.5, "train/acc": np.float64(1)}, step=2)
        exp.metrics("train").log(loss=0.5, epoch=1)
        exp.set_iteration(3)
        exp.log("epoch done", level="info", epoch=1)
        exp.log({"loss": 0.5, "answer": anew.Text("an answer")}, step=1)
        exp.params.set(lr=3e-4).set({"model.width": 64})
        exp.files("models").save("model.pth", step=1)
        exp.log_value("image", Image(np.zeros((4, 4))), step=1)
        exp.log_value("table", Table({"a": [1, 2]}))
        exp.log_value("weights", Histogram(np.zeros(10)))
        exp.add_tags({"team": "vision"})
        exp.set_notes("it works")
        return exp.id


def by_hand() -> Status:
    exp = Experiment("sweep", tags={"team": "vision"}, mode="disabled")
    exp.run.start()
    try:
        exp.log_metric("loss", 1)
        exp.run.complete()
    except ValueError as error:
        exp.run.fail(error)
    return exp.status


@track("alice/vision/decorated")
def train(epochs: int, experiment: Experiment) -> float:
    experiment.log_metric("loss", 0.1, epochs)
    return 0.1


def taken_over() -> bool:
    with anew.capture(matplotlib=False, logging="warning") as taken:
        reports: frozenset[str] = taken.sources
    taken.stop()
    return taken.active and "tensorboard" in reports


def session() -> None:
    exp = anew.start("quick", config={"lr": 0.1})
    assert_type(exp, Experiment)
    anew.log_metric("loss", 0.1, 0)
    anew.log_metrics({"a": 1.0}, step=1)
    anew.log("hello")
    anew.log({"loss": 0.5}, step=1)
    anew.finish()
