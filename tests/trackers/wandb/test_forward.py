"""Forwarding to W&B offline, read back from the files that `wandb sync` uploads."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from anew.errors import InvalidSetting
from anew.forwarders import WandB
from anew.forwarders.target import Mirror, Target
from anew.record.plain import flatten
from anew.record.status import Status
from anew.testing.items import START, Records
from anew.testing.target import Point, TargetContract
from anew.trackers.wandb.translate.transactions import TransactionLog, logs_of
from later import later

wandb = later("wandb")
wandb_setup = later("wandb.sdk.wandb_setup")
forward = later("anew.trackers.wandb.forward")


@pytest.fixture(autouse=True)
def no_service_left(monkeypatch):
    """W&B's helper process belongs to the test that started it."""
    monkeypatch.delenv("WANDB_MODE", raising=False)
    yield
    wandb.teardown()


def records_of(mirror: Mirror) -> list[Any]:
    logs = logs_of(os.path.join(mirror.folder, "forwarded", "wandb"), mirror.experiment_id)
    return [record for path in logs for record in TransactionLog(path).records()]


def rows_of(mirror: Mirror) -> list[dict[str, Any]]:
    """The rows of the history, nested as they were logged."""
    rows = []
    for record in records_of(mirror):
        if record.WhichOneof("record_type") == "history":
            row: dict[str, Any] = {}
            for item in record.history.item:
                place = row
                for key in item.nested_key[:-1]:
                    place = place.setdefault(key, {})
                value = json.loads(item.value_json, parse_int=_number)
                place[item.nested_key[-1] if item.nested_key else item.key] = value
            rows.append(row)
    return rows


def _number(text: str) -> float | int:
    return -0.0 if text == "-0" else int(text)


def _is_value(cell: Any) -> bool:
    """Whether a cell of the history is a value beyond numbers: media, or a text."""
    if isinstance(cell, str):
        return cell not in ("NaN", "Infinity", "-Infinity")
    return isinstance(cell, dict)


def run_records(mirror: Mirror) -> list[Any]:
    return [r.run for r in records_of(mirror) if r.WhichOneof("record_type") == "run"]


@pytest.mark.slow
class TestWandB(TargetContract):
    running = None

    def open(self, mirror: Mirror, memo: dict[str, Any]) -> Target:
        return forward.WandBTarget(WandB(mode="offline"), mirror, memo)

    def crash(self, target: Target) -> None:
        singleton = wandb_setup._singleton
        if singleton is not None and singleton._connection is not None:
            singleton._connection._proc._process.send_signal(signal.SIGKILL)
            singleton._connection._proc._process.wait()
        target.close()

    def runs(self, mirror: Mirror) -> int:
        return len({run.run_id for run in run_records(mirror)})

    def points(self, mirror: Mirror) -> list[Point]:
        points = []
        for row in rows_of(mirror):
            step = row.pop("step")
            for name, value in row.items():
                if not name.startswith("_") and not _is_value(value):
                    points.append((name, step, float(value)))
        return points

    def params(self, mirror: Mirror) -> dict[str, Any]:
        config: dict[str, Any] = {}
        for record in records_of(mirror):
            kind = record.WhichOneof("record_type")
            if kind in ("run", "config"):
                updates = (record.run.config if kind == "run" else record.config).update
                config |= {u.key: json.loads(u.value_json) for u in updates}
        return flatten(config)

    def config(self, name: str) -> str:
        return name

    def metric(self, name: str) -> str:
        return f"metrics/{name}" if name in ("_step", "_timestamp", "step") else name

    def tags(self, mirror: Mirror) -> dict[str, str | None]:
        tags = [tag.partition(":") for tag in run_records(mirror)[-1].tags]
        return {key: value if colon else None for key, colon, value in tags}

    def notes(self, mirror: Mirror) -> str:
        return str(run_records(mirror)[-1].notes)

    def files(self, mirror: Mirror) -> dict[str, bytes]:
        files = {}
        folder = Path(mirror.folder, "forwarded", "wandb")
        for log in logs_of(str(folder), mirror.experiment_id):
            for record in TransactionLog(log).records():
                for file in record.files.files:
                    if file.path.startswith("files/"):
                        files[file.path[6:]] = (
                            Path(log).parent.joinpath("files", file.path).read_bytes()
                        )
        return files

    def values(self, mirror: Mirror) -> list[tuple[str, int | None]]:
        found: list[tuple[str, int | None]] = []
        for row in rows_of(mirror):
            for name, value in row.items():
                if _is_value(value):
                    found.append((name, row.get("step")))
        return found

    def logs(self, mirror: Mirror) -> str:
        kept = [r for r in records_of(mirror) if r.WhichOneof("record_type") == "output_logger"]
        return "".join(record.output_logger.line for record in kept)

    def status(self, mirror: Mirror) -> Any:
        log = logs_of(os.path.join(mirror.folder, "forwarded", "wandb"), mirror.experiment_id)[-1:]
        ends = [
            r.exit.exit_code for p in log for r in TransactionLog(p).records() if r.HasField("exit")
        ]
        return ends[-1] if ends else None

    def ended(self, status: Status) -> Any:
        return {Status.COMPLETED: 0, Status.FAILED: 1, Status.CANCELLED: 255}[status]


def test_what_is_settled_outlives_a_kill_and_nothing_is_said_or_left_elsewhere(tmp_path):
    """A process of its own, killed right after `settle` by its own hand."""
    mirror = Mirror("bcdf23456789", "a/b/c", "c", "b", str(tmp_path / "experiment"), START)
    Path(mirror.folder).mkdir()
    home = tmp_path / "home"
    home.mkdir()
    env = {k: v for k, v in os.environ.items() if not k.startswith("WANDB")}
    done = subprocess.run(
        [sys.executable, "-c", KILLED, json.dumps(mirror)],
        env={**env, "HOME": str(home), "TMPDIR": str(tmp_path)},
        cwd=home,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL
    assert (done.stdout, done.stderr) == ("", "")
    elsewhere = [path for path in home.rglob("*") if path.is_file()]
    assert [path.parent.name for path in elsewhere] == ["logs"], "but what its helper process notes"
    losses = [row["loss"] for row in rows_of(mirror) if "loss" in row]
    assert losses == [*(i / 7 for i in range(500)), 9.0]
    assert "errors" in rows_of(mirror)[-2]
    assert TestWandB().logs(mirror).count("the end of it") == 1


KILLED = """
import json, os, signal, sys
from wandb.sdk import wandb_setup
from anew import Table
from anew.errors import InvalidSetting
from anew.forwarders import WandB
from anew.forwarders.target import Mirror
from anew.trackers.wandb.forward import WandBTarget
from anew.testing.items import Records

mirror = Mirror(*json.loads(sys.argv[1]))
records = Records(mirror)
for step in range(500):
    records.points({"loss": step / 7}, step)
records.value("errors", Table({"digit": [1, 2]}), 3)
records.file("models", "model.bin", b"123")
records.log("the end of it")
target = WandBTarget(WandB(mode="offline"), mirror, {})
assert not target.send(records.items, False)
target.settle()
target.send([records.points({"loss": 9.0}, 1)], False)
target.settle()
helper = wandb_setup._singleton._connection._proc._process.pid
for process in (helper, os.getpid()):  # as a container that is killed: all at once
    os.kill(process, signal.SIGKILL)
"""


@pytest.fixture
def mirror(tmp_path: Path) -> Mirror:
    return Mirror("bcdf23456789", "a/b/c", "c", "b", str(tmp_path), START)


def opened(mirror: Mirror, memo: dict[str, Any] | None = None) -> forward.WandBTarget:
    return forward.WandBTarget(WandB(mode="offline"), mirror, memo or {})


@pytest.mark.slow
def test_wandb_reads_in_its_files_what_we_read_in_them(mirror: Mirror, tmp_path: Path) -> None:
    records = Records(mirror)
    for step in range(300):  # more than one block of the file
        records.points({"loss": step / 7, "acc": step / 3}, step)
    target = opened(mirror)
    target.send(records.items, False)
    target.end(Status.COMPLETED, None, START)
    (log,) = logs_of(str(tmp_path / "forwarded" / "wandb"), mirror.experiment_id)
    command = [sys.executable, "-m", "wandb", "leet", "inspect", "--json", log]
    said = subprocess.run(command, capture_output=True, check=True, timeout=600).stdout
    theirs = [json.loads(line)["type"] for line in said.splitlines()]
    ours = [record.WhichOneof("record_type") for record in TransactionLog(log).records()]
    assert ours == theirs
    assert ours.count("history") == 300


def test_a_log_cut_short_or_broken_counts_for_what_it_holds(mirror: Mirror, tmp_path: Path) -> None:
    records = Records(mirror)
    for step in range(300):
        records.points({"loss": step / 7}, step)
    target = opened(mirror)
    target.send(records.items, False)
    target.end(Status.COMPLETED, None, START)
    (log,) = logs_of(str(tmp_path / "forwarded" / "wandb"), mirror.experiment_id)
    whole = Path(log).read_bytes()
    rows = {}
    for end in (len(whole) - 3, len(whole) // 2, 40_000, 32_768 + 7, 32_768 + 2, 9, 7, 0):
        Path(log).write_bytes(whole[:end])
        rows[end] = len(rows_of(mirror))
    assert list(rows.values()) == sorted(rows.values(), reverse=True)
    assert (rows[0], rows[9], rows[len(whole) - 3]) == (0, 0, 300)
    Path(log).write_bytes(whole[:20_000] + b"\x00" * 50 + whole[20_050:])
    cut = len(rows_of(mirror))
    assert 0 < cut < 300
    again = opened(mirror)
    again.send(records.items, True)
    again.end(Status.COMPLETED, None, START)
    again.close()
    assert sorted(row["step"] for row in rows_of(mirror)) == list(range(300))


def test_a_log_is_read_on_from_where_it_ended(mirror: Mirror, tmp_path: Path) -> None:
    records = Records(mirror)
    target = opened(mirror)
    target.send([records.points({"loss": 0.5}, 1)], False)
    target.settle()
    (path,) = logs_of(str(tmp_path / "forwarded" / "wandb"), mirror.experiment_id)
    log = TransactionLog(path)
    first = list(log.records())
    target.send([records.points({"loss": 0.25}, 2)], False)
    target.settle()
    target.close()
    assert first + list(log.records()) == list(TransactionLog(path).records())
    assert list(log.records()) == []


def test_metrics_of_one_line_may_stand_at_different_positions(mirror: Mirror) -> None:
    records = Records(mirror)
    for i in range(3):
        records.points({"loss": i / 2})
    records.points({"loss": 9.0, "acc": 1.0, "far": 2.0})
    records.points({"acc": 3.0})
    target = opened(mirror)
    target.send(records.items[:4], False)
    memo = target.settle()
    target.send(records.items[4:5], False)
    TestWandB().crash(target)
    again = opened(mirror, memo)
    again.send(records.items[4:], True)
    again.settle()
    again.close()
    points = sorted(TestWandB().points(mirror))
    assert points == [
        ("acc", 0, 1.0), ("acc", 1, 3.0), ("far", 0, 2.0),
        ("loss", 0, 0.0), ("loss", 1, 0.5), ("loss", 2, 1.0), ("loss", 3, 9.0),
    ]  # fmt: skip
    own = [row["_step"] for row in rows_of(mirror)]
    assert own == sorted(set(own)), "the rows of W&B only ever grow"


@pytest.mark.parametrize("settled", [0, 2, 5])
def test_messages_that_say_the_same_are_as_many_after_a_crash(mirror: Mirror, settled: int) -> None:
    records = Records(mirror)
    records.points({"loss": 1.0}, 0)
    for _ in range(6):
        records.log("again")
    records.points({"loss": 1.0}, 1)
    records.log("again")
    target = opened(mirror)
    target.send(records.items[:settled], False)
    memo = target.settle() if settled else {}
    target.send(records.items[settled:7], False)
    target.settle()  # it is all there, and then the word of it is lost
    TestWandB().crash(target)
    for stop in (8, None):
        last = opened(mirror, memo)
        last.send(records.items[settled:stop], True)
        last.settle()
        TestWandB().crash(last)
    assert TestWandB().logs(mirror).count("again") == 7
    assert len(rows_of(mirror)) == 2


def test_the_columns_of_charts_are_our_steps_and_times(mirror: Mirror) -> None:
    records = Records(mirror)
    target = opened(mirror)
    target.send([records.points({"loss": 1.0}, 5, t=START + 7.5)], False)
    target.settle()
    target.close()
    (row,) = rows_of(mirror)
    assert (row["step"], row["_timestamp"]) == (5, START + 7.5)
    metric = next(r.metric for r in records_of(mirror) if r.WhichOneof("record_type") == "metric")
    assert (metric.glob_name, metric.step_metric) == ("*", "step")


def test_where_the_run_comes_from_can_be_read_there(mirror: Mirror) -> None:
    from anew.record.events import Captured

    records = Records(mirror)
    git = {"commit": "f" * 40, "remote": "https://git.example.org/a/b.git"}
    records.add(Captured(t=START, what="git", data=git))
    records.params({"model": {"width": 1}})
    records.params({"model": {"depth": 2}})
    target = opened(mirror)
    target.send(records.items, False)
    target.settle()
    target.close()
    params = TestWandB().params(mirror)
    assert params["anew.prefix"] == "a/b/c"
    assert (params["model.width"], params["model.depth"]) == (1, 2)
    assert {run.git.commit for run in run_records(mirror)} == {"f" * 40}
    assert {(run.project, run.display_name) for run in run_records(mirror)} == {("b", "c")}


def test_a_tag_too_long_for_wandb_is_refused_and_the_others_are_not(mirror: Mirror) -> None:
    records = Records(mirror)
    long = records.tags({"t" * 65: None, "short": None})
    target = opened(mirror)
    (refusal,) = target.send(records.items, False)
    assert refusal.number == long.number
    assert "64 characters" in refusal.reason
    target.settle()
    target.close()
    assert TestWandB().tags(mirror) == {"short": None}


def test_a_disabled_wandb_is_an_error_and_no_silence(mirror: Mirror, monkeypatch: Any) -> None:
    monkeypatch.setenv("WANDB_MODE", "disabled")
    target = forward.WandBTarget(WandB(), mirror, {})
    with pytest.raises(InvalidSetting, match="WANDB_MODE"):
        target.send([Records(mirror).points({"loss": 1.0}, 0)], False)


def test_a_helper_process_that_died_is_an_error_and_the_next_target_goes_on(mirror: Mirror) -> None:
    records = Records(mirror)
    target = opened(mirror)
    target.send([records.points({"loss": 1.0}, 0)], False)
    memo = target.settle()
    process = wandb_setup._singleton._connection._proc._process  # type: ignore[union-attr]
    process.kill()
    process.wait()
    late = [records.points({"loss": 2.0}, 1)]
    with pytest.raises(Exception, match=r".+"):
        target.send(late, False)
        target.settle()
    target.close()
    later = opened(mirror, memo)
    later.send(late, True)
    later.settle()
    later.close()
    assert [row["loss"] for row in rows_of(mirror)] == [1, 2]
