"""Following an experiment to its end: a target that is down, wrong or slow, and a program that is killed."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from anew import Experiment, Status
from anew.forwarders import following
from anew.forwarders.following import Busy, Life, follow_to_the_end
from anew.forwarders.sink import ForwardSink
from anew.forwarding.address import MLflow
from anew.forwarding.progress import read_progress
from anew.journal.lock import locked

from .ledger import Ledger


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ledger:
    ledger = Ledger(tmp_path / "ledger.jsonl")

    def sink(folder: str, address: MLflow, prefix: str = "") -> ForwardSink:
        return ForwardSink(folder, address, prefix, ledger.connect)

    monkeypatch.setattr(following, "ForwardSink", sink)
    monkeypatch.setattr(following, "POLL_SECONDS", 0.02)
    return ledger


def losses(ledger: Ledger) -> list[float]:
    return [value for name, value in ledger.points if name == "loss"]


def in_background(folder: str, **options: float) -> tuple[threading.Thread, list[BaseException]]:
    errors: list[BaseException] = []

    def work() -> None:
        try:
            follow_to_the_end(folder, MLflow(), prefix="p/run", **{"patience": 5.0, **options})
        except BaseException as error:  # noqa: BLE001
            errors.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    return thread, errors


def until(condition, seconds: float = 300.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_running_experiment_is_followed_and_its_end_is_told(root: Path, ledger: Ledger):
    with Experiment("p/run", root=root) as exp:
        thread, errors = in_background(exp.folder)
        exp.log_metric("loss", 1.0)
        until(lambda: losses(ledger) == [1.0])
        exp.log_metric("loss", 2.0)
        until(lambda: losses(ledger) == [1.0, 2.0])
        assert ledger.ends == []
        exp.log_metric("loss", 3.0)
    thread.join(300)
    assert errors == []
    assert losses(ledger) == [1.0, 2.0, 3.0]
    assert ledger.ends == ["completed"]


def test_a_target_that_is_down_for_a_while_misses_nothing(root: Path, ledger: Ledger):
    ledger.down = True
    with Experiment("p/run", root=root) as exp:
        thread, errors = in_background(exp.folder)
        exp.log_metric("loss", 1.0)
        until(lambda: (p := read_progress(exp.folder, "mlflow")) is not None and bool(p.error))
        assert read_progress(exp.folder, "mlflow").error == "ConnectionError: it is down"
        exp.log_metric("loss", 2.0)
        ledger.down = False
        until(lambda: losses(ledger) == [1.0, 2.0])
        ledger.down = True
        exp.log_metric("loss", 3.0)
    ledger.down = False
    thread.join(300)
    assert errors == []
    assert losses(ledger) == [1.0, 2.0, 3.0]
    assert read_progress(exp.folder, "mlflow").error is None
    assert ledger.ends == ["completed"]


def test_a_journal_that_cannot_be_read_for_a_moment_is_read_again(
    root: Path, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
):
    look, failures = Life.look, [OSError("busy"), OSError("busy")]

    def looked(life: Life):
        if failures:
            raise failures.pop()
        return look(life)

    monkeypatch.setattr(Life, "look", looked)
    with Experiment("p/run", root=root) as exp:
        thread, errors = in_background(exp.folder)
        exp.log_metric("loss", 1.0)
    thread.join(300)
    assert errors == failures == []
    assert losses(ledger) == [1.0]
    assert ledger.ends == ["completed"]


def test_a_journal_that_stays_unreadable_is_given_up_after_the_patience(
    root: Path, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
):
    def fails(life: Life):
        raise OSError("gone")

    with Experiment("p/run", root=root) as exp:
        monkeypatch.setattr(Life, "look", fails)
        with pytest.raises(OSError, match="gone"):
            follow_to_the_end(exp.folder, MLflow(), prefix="p/run", patience=0.1)


def test_patience_with_a_target_that_stays_down_has_an_end_and_what_is_left_is_sent_later(
    root: Path, ledger: Ledger
):
    ledger.down = True
    with Experiment("p/run", root=root) as exp:
        exp.log_metric("loss", 1.0)
    with pytest.raises(ConnectionError):
        follow_to_the_end(exp.folder, MLflow(), prefix="p/run", patience=0.2)
    ledger.down = False
    follow_to_the_end(exp.folder, MLflow(), prefix="p/run", patience=0.2)
    assert losses(ledger) == [1.0]
    assert ledger.ends == ["completed"]


def test_an_experiment_that_is_continued_is_sent_on_and_ended_again(root: Path, ledger: Ledger):
    with Experiment("p/run", root=root) as exp:
        exp.log_metric("loss", 1.0)
    follow_to_the_end(exp.folder, MLflow(), prefix="p/run", patience=1)
    follow_to_the_end(exp.folder, MLflow(), prefix="p/run", patience=1)
    assert ledger.ends == ["completed"]  # nothing was new
    with pytest.raises(ZeroDivisionError), Experiment("p/run", root=root) as exp:
        exp.log_metric("loss", 2.0)
        raise ZeroDivisionError
    follow_to_the_end(exp.folder, MLflow(), prefix="p/run", patience=1)
    assert losses(ledger) == [1.0, 2.0]
    assert ledger.ends == ["completed", "failed"]


def test_what_a_running_experiment_has_so_far_can_be_sent_once(root: Path, ledger: Ledger):
    with Experiment("p/run", root=root) as exp:
        exp.log_metric("loss", 1.0)
        follow_to_the_end(exp.folder, MLflow(), prefix="p/run", patience=1, once=True)
        assert losses(ledger) == [1.0]
        assert ledger.ends == []


def test_two_do_not_send_to_one_place_at_once(root: Path, ledger: Ledger):
    with Experiment("p/run", root=root) as exp:
        exp.log_metric("loss", 1.0)
    with locked(os.path.join(exp.folder, "forwarded", "mlflow.lock"), 1.0) as held:
        assert held
        with pytest.raises(Busy):
            follow_to_the_end(exp.folder, MLflow(), prefix="p/run", patience=1, lock_wait=0.05)
        thread, errors = in_background(exp.folder)
        time.sleep(0.1)
        assert ledger.lines == []
    thread.join(300)
    assert errors == []
    assert losses(ledger) == [1.0]


def test_a_program_that_was_killed_ends_as_failed_at_the_target(root: Path, ledger: Ledger):
    program = (
        "import os, signal\nfrom anew import Experiment\n"
        f"exp = Experiment('p/run', root={str(root)!r}); exp.run.start()\n"
        "exp.log_metric('loss', 1.0)\nos.kill(os.getpid(), signal.SIGKILL)\n"
    )
    # It is certain after one missed heartbeat.
    environment = os.environ | {"ANEW_HEARTBEAT": "0.1"}
    subprocess.run([sys.executable, "-c", program], check=False, env=environment)
    folder = str(root / "p" / "run")
    until = time.monotonic() + 300
    while Life(folder).look().outcome()[0] is Status.RUNNING and time.monotonic() < until:
        time.sleep(0.05)
    assert Life(folder).look().outcome()[0] is Status.FAILED
    follow_to_the_end(folder, MLflow(), prefix="p/run", patience=1)
    assert losses(ledger) == [1.0]
    assert ledger.ends == ["failed"]
