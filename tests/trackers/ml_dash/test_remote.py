"""The dialect's remote mode: programs written for ml-dash record on their machine, and all of it is on the server of `dash_url`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from anew import Status
from anew.dialects.ml_dash import Experiment
from anew.errors import InvalidValue

from ...syncer.lab import Lab, machines

pytestmark = pytest.mark.slow

# What the document of ml-dash shows of remote mode.
PROGRAM = """
import sys
from anew.dialects.ml_dash import Experiment, ml_dash_experiment

url = sys.argv[1]
with Experiment(
    prefix="alice/computer-vision/resnet50-imagenet", description="ResNet-50 with new augmentation",
    tags=["resnet", "baseline"], bindrs=["gpu-cluster"], dash_url=url,
).run as exp:
    exp.log("Training started", level="info")
    exp.params.set(lr=0.001, batch_size=32)
    exp.metrics("train").log(loss=0.5, epoch=1)
    open("model.pth", "wb").write(b"weights")
    exp.files("models").save("model.pth")
    assert exp.metrics("train").read()["total"] == 1

try:
    with Experiment(prefix="alice/ml/failing", dash_url=url + "/dash").run as exp:
        raise ValueError("Training failed!")
except ValueError:
    pass

exp = Experiment(prefix="alice/ml/by-hand", dash_url=url)
exp.run.start()
exp.log("Training...")
exp.run.cancel()

@ml_dash_experiment(prefix="alice/ml/decorated", dash_url=url)
def train(experiment):
    experiment.params.set(seed=1)

train()
"""
CONTINUING = """
import sys
from anew.dialects.ml_dash import Experiment

with Experiment(prefix="alice/ml/long-training", dash_url=sys.argv[1], dash_root="own").run as exp:
    exp.metrics("train").log(loss=float(sys.argv[2]), epoch=int(sys.argv[2]))
    print(exp.id, exp.params.get())
    exp.params.set(**{"of" + sys.argv[2]: 1})
"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    found = Lab(tmp_path_factory.mktemp("lab")).start()
    yield found
    found.kill()


def test_all_that_the_document_shows_is_on_the_server_with_its_status(lab: Lab, tmp_path: Path):
    # The address comes from the program alone.
    with machines(tmp_path, lab.url, "here") as (here,):
        here.run(PROGRAM, lab.url, ANEW_ROOT="")
    with lab.store() as store:
        view = store.get("alice/computer-vision/resnet50-imagenet")
        assert (view.status, view.description) == (
            Status.COMPLETED,
            "ResNet-50 with new augmentation",
        )
        assert (set(view.tags), list(view.bindrs)) == ({"resnet", "baseline"}, ["gpu-cluster"])
        assert view.params == {"lr": 0.001, "batch_size": 32}
        assert view.metrics["train/loss"].last == 0.5
        assert [line.message for line in view.logs()] == ["Training started"]
        assert [f.read_bytes() for f in view.files] == [b"weights"]
        assert store.get("alice/ml/failing").status is Status.FAILED
        assert store.get("alice/ml/by-hand").status is Status.CANCELLED
        assert store.get("alice/ml/decorated").status is Status.COMPLETED


def test_a_prefix_is_continued_on_another_machine(lab: Lab, tmp_path: Path):
    with machines(tmp_path, lab.url, "one", "two") as (one, two):
        first = one.run(CONTINUING, lab.url, "1", ANEW_ROOT="", ANEW_LOCAL="").split(maxsplit=1)
        second = two.run(CONTINUING, lab.url, "2", ANEW_ROOT="", ANEW_LOCAL="").split(maxsplit=1)
        assert (first[1], second) == ("{}", [first[0], "{'of1': 1}"])
        assert (one.folder / "own/alice/ml/long-training").is_dir()
    with lab.store() as store:
        view = store.get("alice/ml/long-training")
        assert view.metrics["train/loss"].read(order="written").values.tolist() == [1.0, 2.0]
        assert len(view.openings) == 2
        assert [one.prefix for one in store.list() if one.prefix.startswith("alice/ml/long")] == [
            "alice/ml/long-training"
        ]


def test_a_server_that_is_not_named_is_asked_for(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("ML_DASH_API_URL", raising=False)
    with pytest.raises(InvalidValue):
        Experiment(prefix="alice/ml/x", dash_url=True)
