"""Every target, sent to by processes that are killed at any moment: complete in the end, and nothing twice."""

from __future__ import annotations

import os
import random
import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from mlflow import MlflowClient

from anew import Experiment, Store
from anew.forwarders.target import Mirror
from anew.forwarding.address import Aim, ClearML, Destination, MLflow, TensorBoard, WandB
from anew.forwarding.launch import start
from anew.forwarding.progress import key_of, read_progress
from tests.trackers.aim.test_forward import repo_at
from tests.trackers.clearml.test_forward import events_of, name_of
from tests.trackers.tensorboard.test_forward import accumulated, folder_of
from tests.trackers.wandb.test_forward import rows_of

pytestmark = pytest.mark.slow

Losses = list[tuple[int, float]]


def of_tensorboard(mirror: Mirror) -> Losses:
    return [(p.step, p.value) for p in accumulated(folder_of(mirror)).Scalars("loss")]


def of_wandb(mirror: Mirror) -> Losses:
    return [(row["step"], row["loss"]) for row in rows_of(mirror) if "loss" in row]


def of_clearml(mirror: Mirror) -> Losses:
    return [
        (e["iter"], e["value"])
        for e in events_of(mirror)
        if e["type"] == "training_stats_scalar" and name_of(e) == "loss"
    ]


def of_aim(mirror: Mirror) -> Losses:
    (run,) = repo_at("aim").iter_runs()
    found: Losses = []
    for metric in run.metrics():
        if metric.name == "loss":
            steps, (values, _, _) = metric.data.items_list()
            found += [(int(s), float(v)) for s, v in zip(steps, values, strict=True)]
    return found


def of_mlflow(mirror: Mirror) -> Losses:
    client = MlflowClient(f"sqlite:///{Path.cwd()}/mlflow.db")
    (run,) = client.search_runs([e.experiment_id for e in client.search_experiments()])
    return [(m.step, m.value) for m in client.get_metric_history(run.info.run_id, "loss")]


def last_written() -> int:
    """When anything below the working directory was last written, but for what senders print and lock."""
    times = [0]
    for path in Path.cwd().rglob("*"):
        try:
            if path.suffix not in (".log", ".lock"):
                times.append(path.stat().st_mtime_ns)
        except FileNotFoundError:
            pass  # gone meanwhile
    return max(times)


@pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy:DeprecationWarning")
@pytest.mark.parametrize(
    ("address", "losses", "lines", "longest"),
    [
        (TensorBoard(), of_tensorboard, 30_000, 0.5),
        (WandB(mode="offline"), of_wandb, 2_000, 2.0),
        (MLflow("sqlite:///mlflow.db"), of_mlflow, 3_000, 2.0),
        (Aim("aim"), of_aim, 3_000, 2.0),
        (ClearML(mode="offline"), of_clearml, 15_000, 1.0),
    ],
    ids=["tensorboard", "wandb", "mlflow", "aim", "clearml"],
)
def test_senders_that_are_killed_lose_nothing_and_double_nothing(
    root: Path, address: Destination, losses: Callable[[Mirror], Losses], lines: int, longest: float
):
    Path("aim").mkdir()
    with Experiment("p/run", root=root, params={"lr": 0.1}, tags=["a"], config={"b": 1}) as exp:
        for number in range(lines):  # steps go back and repeat
            exp.log_metric("loss", float(number), step=number % 1500)
        exp.files("models").save(__file__)
    rng = random.Random(7)
    kills = 0
    for _ in range(4):
        before = last_written()
        sending = start(exp.folder, "p/run", [address], later=True)
        # However long its tracker takes to be imported, it is killed while it writes.
        while not sending.wait(0.02) and last_written() == before:
            pass
        sending.wait(longest * rng.random())
        if sending.wait(0):
            sending.stop()
            break
        kills += 1
        if rng.random() < 0.5:  # with everything that it started, as a machine that goes down
            os.killpg(sending.pid, signal.SIGKILL)
        else:
            os.kill(sending.pid, signal.SIGKILL)
        sending.stop()
    with Store(root) as store:
        (place,) = store.forward("p/run", address, patience=60)[exp.id]
    assert place.complete, place
    assert place.status == "completed"
    progress = read_progress(exp.folder, key_of(address))
    assert progress is not None
    assert kills
    mirror = Mirror(exp.id, "p/run", "run", "p", exp.folder, 0.0)
    wanted = Counter((number % 1500, float(number)) for number in range(lines))
    assert Counter(losses(mirror)) == wanted
