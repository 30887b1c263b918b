"""Forwarding as a user has it: a program, a process beside it, a command for what was left."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from anew import Experiment, Status, Store
from anew.errors import InvalidSetting, NotFound, NotRunning
from anew.forwarders import MLflow, TensorBoard
from anew.forwarding import launch
from anew.forwarding.progress import read_all, read_progress
from anew.journal.liveness import process_started
from anew.journal.lock import locked
from later import later

from .servers import MLflowServer

accumulators = later("tensorboard.backend.event_processing.event_accumulator")

PROGRAM = """
import os, sys, time
from anew import Experiment
with Experiment("p/run", config={"lr": 0.1}, quiet=False) as exp:
    for step in range(int(sys.argv[1])):
        exp.log_metric("loss", step, step=step)
        time.sleep(float(sys.argv[2]))
        while step == int(sys.argv[3]) and not os.path.exists("go-on"):
            time.sleep(0.01)
"""


def until(condition: Callable[[], object], seconds: float = 300.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def start(
    count: int, pause: float, hold: int | None = None, **environ: str
) -> subprocess.Popen[str]:
    """Start the program; it waits after the step `hold` until there is a file `go-on`."""
    held = -1 if hold is None else hold
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(count), str(pause), str(held)],
        env=os.environ | environ,
        stderr=subprocess.PIPE,
        text=True,
    )


def scalars(log_dir: Path) -> list[tuple[int, float]]:
    reader = accumulators.EventAccumulator(str(log_dir), {"scalars": 0})
    reader.Reload()
    if "loss" not in reader.Tags()["scalars"]:
        return []
    return [(event.step, event.value) for event in reader.Scalars("loss")]


def senders(folder: Path) -> list[psutil.Process]:
    """The processes that send what is in a folder."""
    found = []
    for process in psutil.process_iter(["cmdline", "cwd"]):
        command = process.info["cmdline"] or []
        if "anew.forwarders" in command and process.info["cwd"] == str(folder):
            found.append(process)
    return found


def test_what_a_program_logs_is_at_the_target_when_it_has_ended():
    program = start(300, 0, ANEW_FORWARD_TO="tensorboard:runs", ANEW_FORWARD_WAIT="600")
    _, said = program.communicate(timeout=600)
    assert program.returncode == 0
    assert "tensorboard: all sent" in said
    assert scalars(Path("runs/p/run")) == [(step, float(step)) for step in range(300)]
    with Store() as store:
        (place,) = store["p/run"].forwarded
    assert (place.to, place.points, place.status, place.complete) == (
        "tensorboard:runs",
        300,
        "completed",
        True,
    )


def test_a_sender_that_is_killed_costs_the_program_nothing_and_the_rest_is_sent_later():
    program = start(150, 0.02, hold=100, ANEW_FORWARD_TO="tensorboard")
    log_dir = Path("experiments/p/run/forwarded/tensorboard")
    until(lambda: log_dir.exists() and scalars(log_dir))
    for process in senders(Path.cwd()):
        assert process.nice() > psutil.Process(program.pid).nice()
        process.kill()
    Path("go-on").touch()
    _, said = program.communicate(timeout=600)
    assert program.returncode == 0
    assert "records were not sent. Send them with: anew forward" in said
    assert 0 < len(scalars(log_dir)) < 150
    again = subprocess.run(
        [sys.executable, "-m", "anew", "forward", "p/run", "--json"],
        capture_output=True,
        text=True,
    )
    assert again.returncode == 0, again.stderr
    (place,) = json.loads(again.stdout)["places"]
    assert place["complete"]
    assert place["waiting"] == 0
    assert scalars(log_dir) == [(step, float(step)) for step in range(150)]


def test_what_a_command_waits_for_is_sent_at_the_priority_of_the_command(root):
    with Experiment("p/run", root=root) as exp:
        exp.log_metric("loss", 0.5, step=0)
    log = Path(exp.folder, "forwarded", "output.log")
    with locked(os.path.join(exp.folder, "forwarded", "tensorboard.lock"), 1.0) as held:
        assert held
        sending = launch.start(exp.folder, "p/run", [TensorBoard()], later=True)
        sending.finish()
        until(log.exists)  # by then it would have stepped back
        nice = {psutil.Process(sending.pid).nice()}
    assert sending.wait(300)
    assert [answer["done"] for answer in sending.answers()] == [True]
    assert nice == {psutil.Process().nice()}


@pytest.mark.slow
def test_a_program_that_is_killed_is_sent_whole_and_its_end_too():
    program = start(10_000, 0.005, hold=5000, ANEW_FORWARD_TO="tensorboard")
    log_dir = Path("experiments/p/run/forwarded/tensorboard")
    until(lambda: log_dir.exists() and scalars(log_dir))
    program.send_signal(signal.SIGKILL)
    program.communicate(timeout=600)
    until(lambda: not senders(Path.cwd()))
    with Store() as store:
        view = store["p/run"]
        assert view.status is Status.FAILED
        logged = view.metrics["loss"].count
        (place,) = view.forwarded
    assert place.complete
    assert place.status == "failed"
    assert scalars(log_dir) == [(step, float(step)) for step in range(logged)]


@pytest.mark.slow
def test_a_server_killed_in_the_middle_and_started_again_has_everything_once(tmp_path: Path):
    from mlflow import MlflowClient  # seconds, which `make test` does without

    server = MLflowServer(tmp_path / "server").start()
    try:
        program = start(
            400,
            0.03,
            hold=300,
            ANEW_FORWARD_TO=f"mlflow:{server.uri},tensorboard,wandb:offline",
            ANEW_FORWARD_WAIT="0",
        )
        until(lambda: _sent("mlflow") > 50)
        server.kill()
        Path("go-on").touch()
        at_kill = _sent("mlflow")
        until(lambda: _error("mlflow") is not None)
        until(lambda: _sent("tensorboard") >= min(at_kill + 50, 400))  # the others go on
        server.start()
        assert program.wait(timeout=600) == 0
        program.stderr.close()
        later = [sys.executable, "-m", "anew", "forward", "p/run", "--json"]
        until(lambda: not senders(Path.cwd()))
        done = subprocess.run(later, capture_output=True, text=True, timeout=600)
        assert done.returncode == 0, done.stdout + done.stderr
        assert all(place["complete"] for place in json.loads(done.stdout)["places"])
        client = MlflowClient(server.uri)
        (run,) = client.search_runs([e.experiment_id for e in client.search_experiments()])
        history = client.get_metric_history(run.info.run_id, "loss")
        assert sorted((m.step, m.value) for m in history) == [(i, float(i)) for i in range(400)]
        assert run.info.status == "FINISHED"
        assert run.data.params["config.lr"] == "0.1"
    finally:
        server.kill()
    assert scalars(Path("experiments/p/run/forwarded/tensorboard")) == [
        (i, float(i)) for i in range(400)
    ]


def _sent(kind: str) -> int:
    return next(
        (p.points for key, p in read_all("experiments/p/run").items() if key.startswith(kind)), 0
    )


def _error(kind: str) -> str | None:
    return next(
        (p.error for key, p in read_all("experiments/p/run").items() if key.startswith(kind)), None
    )


def test_a_target_that_takes_connections_and_never_answers_holds_nothing_up(
    root: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("ANEW_FORWARD_WAIT", "0.5")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with Experiment("p/run", root=root, forward_to=f"mlflow:http://127.0.0.1:{port}") as exp:
            for step in range(100):
                exp.log_metric("loss", step, step=step)
        assert process_started(exp.life.last.forwardings[0]._sending.pid)  # nobody waited for it
        with Store(root) as store:
            view = store["p/run"]
            assert view.metrics["loss"].count == 100
            (place,) = view.forwarded
            assert place.waiting >= 100
            assert not place.complete
        exp.life.last.forwardings[0]._sending.stop()


def test_nothing_is_listening_is_told_counted_and_kept(root: Path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with Experiment("p/run", root=root) as exp:
        exp.log_metric("loss", 1.0)
    with Store(root) as store:
        found = store.forward("p/run", f"mlflow:http://127.0.0.1:{port}", patience=0.5)
        (place,) = found[exp.id]
        assert not place.complete
        assert place.waiting > 0
        assert place.error
        assert place.error_at is not None
        assert store["p/run"].forwarded == [place]


def test_a_bare_kind_means_the_place_it_was_sent_to_before(root: Path):
    with Experiment("p/run", root=root, forward_to="tensorboard:runs") as exp:
        exp.log_metric("loss", 1.0, step=0)
    with Store(root) as store:
        (place,) = store.forward(exp.id, "tensorboard")[exp.id]
        assert place.to == "tensorboard:runs"
        assert len(store[exp.id].forwarded) == 1
        (here,) = store.forward(exp.id)[exp.id]
    assert here.complete
    assert scalars(Path("runs/p/run")) == [(0, 1.0)]


def test_it_has_to_be_said_where_to_send_what_was_never_sent(root: Path):
    with Experiment("p/run", root=root) as exp:
        exp.log_metric("loss", 1.0)
    with Store(root) as store:
        with pytest.raises(NotFound, match="--to"):
            store.forward(exp.id)
        with pytest.raises(InvalidSetting):
            store.forward(exp.id, "mlfow")


def test_a_place_that_is_known_without_its_password_must_be_said_again(
    root: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("ANEW_FORWARD_WAIT", "0")
    secret = MLflow("http://me:hunter2secret@127.0.0.1:9")
    with Experiment("p/run", root=root, forward_to=secret) as exp:
        exp.log_metric("loss", 1.0)
    exp.life.last.forwardings[0]._sending.stop()
    for path in Path(exp.folder).rglob("*"):
        assert not path.is_file() or b"hunter2secret" not in path.read_bytes(), path
    with Store(root) as store, pytest.raises(InvalidSetting, match="password"):
        store.forward(exp.id)


def test_an_experiment_can_be_told_to_be_forwarded_while_it_runs(root: Path):
    with Experiment("p/run", root=root) as exp:
        exp.log_metric("loss", 1.0, step=0)
        exp.forward("tensorboard")
        exp.forward([TensorBoard()])
        exp.log_metric("loss", 2.0, step=1)
    assert scalars(Path(exp.folder) / "forwarded" / "tensorboard") == [(0, 1.0), (1, 2.0)]
    progress = read_progress(exp.folder, "tensorboard")
    assert progress is not None
    assert progress.told == "completed"
    with pytest.raises(NotRunning):
        exp.forward("aim")


def test_a_disabled_experiment_forwards_nothing(root: Path):
    with Experiment("p/run", root=root, mode="disabled", forward_to="tensorboard") as exp:
        exp.log_metric("loss", 1.0)
        exp.forward("aim")
    assert not root.exists()


def test_a_program_that_is_recorded_from_outside_is_sent_by_one_process(root: Path):
    Path("train.py").write_text(
        "import anew\n"
        "with anew.Experiment('inner/run') as exp:\n"
        "    for step in range(50):\n        exp.log_metric('loss', step, step=step)\n"
        "    print('senders:', len(exp.life.last.forwardings))\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "anew", "run", "--", sys.executable, "train.py"],
        env=os.environ | {"ANEW_FORWARD_TO": "tensorboard:runs", "ANEW_ROOT": str(root)},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    assert "senders: 0" in done.stdout
    with Store(root) as store:
        (view,) = store.list()
        (place,) = view.forwarded
    assert place.complete
    assert scalars(Path("runs") / view.prefix) == [(step, float(step)) for step in range(50)]


@pytest.mark.slow
def test_what_was_deleted_at_the_target_is_told_and_sent_afresh_when_asked_to(root: Path):
    with Experiment("p/run", root=root, forward_to="tensorboard") as exp:
        exp.log_metric("loss", 1.0, step=0)
    log_dir = Path(exp.folder) / "forwarded" / "tensorboard"
    for path in log_dir.iterdir():
        path.unlink()
    with Experiment("p/run", root=root, resume="allow") as exp:
        exp.log_metric("loss", 2.0, step=1)
    with Store(root) as store:
        (place,) = store.forward(exp.id, patience=0)[exp.id]
        assert not place.complete
        assert "--afresh" in str(place.error)
        (place,) = store.forward(exp.id, afresh=True)[exp.id]
    assert place.complete
    assert scalars(log_dir) == [(0, 1.0), (1, 2.0)]
