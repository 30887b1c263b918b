"""Forwarding to ClearML offline, read back from the session that `Task.import_offline_session` reads."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from anew import Image, Table, Text
from anew.forwarders import ClearML
from anew.forwarders.following import send_new
from anew.forwarders.target import Mirror, Target
from anew.record.events import Captured
from anew.record.status import Status
from anew.testing.items import START, Records
from anew.testing.target import Point, TargetContract
from anew.trackers.clearml.translate import title_and_series
from later import later

forward = later("anew.trackers.clearml.forward")

SHOWN = ("training_debug_image", "plot")


def sessions(mirror: Mirror) -> list[Path]:
    folder = Path(mirror.folder, "forwarded", "clearml")
    return sorted(folder.iterdir()) if folder.is_dir() else []


def task_of(mirror: Mirror) -> dict[str, Any]:
    (session,) = sessions(mirror)
    task: dict[str, Any] = json.loads((session / "task.json").read_text())
    return task


def events_of(mirror: Mirror, kind: str = "metrics") -> list[dict[str, Any]]:
    (session,) = sessions(mirror)
    lines = (session / f"{kind}.jsonl").read_text().splitlines()
    return [event for line in lines for event in json.loads(line)]


def name_of(event: dict[str, Any]) -> str:
    series = re.sub(r" \(pass \d+\)$", "", event["variant"])
    return series if event["metric"] == series else f"{event['metric']}/{series}"


class TestClearML(TargetContract):
    running = "in_progress"

    def open(self, mirror: Mirror, memo: dict[str, Any]) -> Target:
        return forward.ClearMLTarget(ClearML(mode="offline"), mirror, memo)

    def crash(self, target: Target) -> None:
        assert isinstance(target, forward.ClearMLTarget)
        if target._session is not None:
            target._session.close()

    def runs(self, mirror: Mirror) -> int:
        return len(sessions(mirror))

    def points(self, mirror: Mirror) -> list[Point]:
        scalars = [e for e in events_of(mirror) if e["type"] == "training_stats_scalar"]
        places = [(e["metric"], e["variant"], e["iter"]) for e in scalars]
        assert len(set(places)) == len(places), "ClearML keeps one value for each of these"
        return [(name_of(e), e["iter"], e["value"]) for e in scalars]

    def params(self, mirror: Mirror) -> dict[str, Any]:
        found = {}
        for section, prefix in (("General", ""), ("config", "config.")):
            for name, item in task_of(mirror)["hyperparams"][section].items():
                nothing = item["type"] == "NoneType"
                found[prefix + name.replace("/", ".")] = None if nothing else item["value"]
        return found

    def same(self, given: Any, got: Any) -> bool:
        return super().same(given, got) or (isinstance(given, list) and json.loads(got) == given)

    def tags(self, mirror: Mirror) -> dict[str, str | None]:
        tags = [
            tag.partition(":") for tag in task_of(mirror)["tags"] if not tag.startswith("anew:")
        ]
        return {key: value if colon else None for key, colon, value in tags}

    def notes(self, mirror: Mirror) -> str:
        return str(task_of(mirror)["comment"])

    def files(self, mirror: Mirror) -> dict[str, bytes]:
        found = task_of(mirror)["execution"]["artifacts"]
        return {file["key"]: Path(file["uri"]).read_bytes() for file in found}

    def values(self, mirror: Mirror) -> list[tuple[str, int | None]]:
        shown = [e for e in events_of(mirror) if e["type"] in SHOWN]
        assert all(Path(e["url"]).is_file() for e in shown if "url" in e)
        return [(name_of(e), e["iter"]) for e in shown]

    def logs(self, mirror: Mirror) -> str:
        return "\n".join(event["msg"] for event in events_of(mirror, "log"))

    def status(self, mirror: Mirror) -> Any:
        return task_of(mirror)["status"] if sessions(mirror) else self.running

    def ended(self, status: Status) -> Any:
        return {Status.COMPLETED: "completed", Status.FAILED: "failed"}.get(status, "stopped")


@pytest.fixture
def mirror(tmp_path: Path) -> Mirror:
    return Mirror("bcdf23456789", "a/b/run", "run", "vision", str(tmp_path), START)


def opened(mirror: Mirror, memo: dict[str, Any] | None = None) -> forward.ClearMLTarget:
    return forward.ClearMLTarget(ClearML(mode="offline"), mirror, memo or {})


KILLED = """
import json, os, signal, sys
hooks = [sys.excepthook, sys.stdout.write, os.fork, *map(signal.getsignal, (2, 15))]
from anew import Text
from anew.forwarders import ClearML
from anew.trackers.clearml.forward import ClearMLTarget
from anew.forwarders.target import Mirror
from anew.testing.items import Records

mirror = Mirror(*json.loads(sys.argv[1]))
records = Records(mirror)
for step in range(500):
    records.points({"train/loss": step / 7}, step)
records.params({"lr": 0.1})
records.value("answer", Text("yes"), 3)
records.log("the end of it")
target = ClearMLTarget(ClearML(mode="offline"), mirror, {})
assert not target.send(records.items, False)
memo = target.settle()
assert hooks == [sys.excepthook, sys.stdout.write, os.fork, *map(signal.getsignal, (2, 15))]
print(json.dumps(memo), flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.slow
def test_what_is_settled_outlives_a_kill_and_the_process_is_left_as_it_was(
    mirror: Mirror, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    env = {k: v for k, v in os.environ.items() if not k.startswith("CLEARML")}
    done = subprocess.run(
        [sys.executable, "-c", KILLED, json.dumps(mirror)],
        env={**env, "HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert (done.returncode, done.stderr) == (-signal.SIGKILL, "")
    assert len(done.stdout.splitlines()) == 1
    read = TestClearML()
    assert read.points(mirror) == [("train/loss", step, step / 7) for step in range(500)]
    assert read.params(mirror) == {"lr": "0.1"}
    assert read.values(mirror) == [("answer", 3)]
    assert read.logs(mirror) == "the end of it"
    assert [path for path in home.rglob("*") if path.is_file()] == []


def test_what_was_written_after_the_last_settle_is_cut_off_and_comes_again(mirror: Mirror) -> None:
    records = Records(mirror)
    for step in range(4):
        records.points({"loss": step / 2}, step)
        records.log("the same")
    target = opened(mirror)
    target.send(records.items[:4], False)
    memo = target.settle()
    target.send(records.items[4:], False)
    TestClearML().crash(target)
    (session,) = sessions(mirror)
    with open(session / "metrics.jsonl", "ab") as file:
        file.write(b'[{"type": "training_st')  # and a line cut short
    later = opened(mirror, memo)
    later.send(records.items[4:], True)
    later.settle()
    later.close()
    assert TestClearML().points(mirror) == [("loss", step, step / 2) for step in range(4)]
    assert TestClearML().logs(mirror).splitlines() == ["the same"] * 4


def test_a_session_that_was_imported_and_deleted_begins_anew(mirror: Mirror) -> None:
    import shutil

    records = Records(mirror)
    target = opened(mirror)
    target.send([records.points({"loss": 1.0}, 0), records.params({"lr": 0.1})], False)
    memo = target.settle()
    target.close()
    shutil.rmtree(sessions(mirror)[0])
    later = opened(mirror, memo)
    later.send([records.points({"loss": 0.5}, 1)], False)
    later.settle()
    later.close()
    assert TestClearML().points(mirror) == [("loss", 1, 0.5)]
    assert TestClearML().params(mirror) == {"lr": "0.1"}


TASK = """
import sys
from clearml import Task
Task.set_offline(True)
task = Task.init("vision", "run", auto_connect_frameworks=False, auto_connect_streams=False,
                 auto_connect_arg_parser=False, auto_resource_monitoring=False)
task.connect({"lr": 0.1, "model": {"width": 3}}, name="General")
task.upload_artifact("models/model.bin", artifact_object=sys.argv[1], wait_on_upload=True)
task.get_logger().report_scalar("train", "loss", 0.5, 3)
task.get_logger().report_media("answer", "answer", iteration=1, local_path=sys.argv[1])
task.get_logger().report_text("hello", print_console=False)
folder = task.get_offline_mode_folder()
task.close()
print(folder)
"""


@pytest.mark.slow  # `Task` looks through the program's packages for some seconds
def test_a_session_has_the_form_of_those_that_clearml_writes(
    mirror: Mirror, tmp_path: Path
) -> None:
    """The same, written by `clearml.Task` in a process of its own."""
    file = tmp_path / "model.bin"
    file.write_bytes(b"123")
    env = {**os.environ, "CLEARML_CACHE_DIR": str(tmp_path / "cache"), "HOME": str(tmp_path)}
    command = [sys.executable, "-W", "ignore", "-c", TASK, str(file)]
    said = subprocess.run(
        command, env=env, cwd=tmp_path, capture_output=True, text=True, timeout=600, check=True
    )
    theirs = Path(said.stdout.splitlines()[-1])
    records = Records(mirror)
    records.params({"lr": 0.1, "model": {"width": 3}})
    records.file("models", "model.bin", b"123")
    records.points({"train/loss": 0.5}, 3)
    records.value("answer", Text("yes"), 1)
    records.log("hello")
    target = opened(mirror)
    assert not target.send(records.items, False)
    target.end(Status.COMPLETED, None, START)
    (ours,) = sessions(mirror)
    for kind in ("metrics", "log"):
        made = [
            e
            for line in (theirs / f"{kind}.jsonl").read_text().splitlines()
            for e in json.loads(line)
        ]
        forms = {e["type"]: set(e) for e in made}
        assert {e["type"]: set(e) for e in events_of(mirror, kind)} == forms
        types = {key: type(made[-1][key]) for key in made[-1]}
        assert {key: type(events_of(mirror, kind)[-1][key]) for key in types} == types
    their_task, task = json.loads((theirs / "task.json").read_text()), task_of(mirror)
    assert task["hyperparams"]["General"] == their_task["hyperparams"]["General"]
    (theirs_kept,), (kept,) = their_task["execution"]["artifacts"], task["execution"]["artifacts"]
    assert set(kept) <= set(theirs_kept)
    for of_task, session in ((their_task, theirs), (task, ours)):
        assert of_task["offline_folder"] == str(session)
        (artifact,) = of_task["execution"]["artifacts"]
        inside = artifact["uri"].removeprefix(f"{session}/data/")
        assert inside.startswith(f"vision/run.{of_task['id']}/artifacts/")
    assert set(their_task) - {"script", "output"} <= set(task)


class Requests:
    """Stands where the session to a server would, which there is none of to test with."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []

    def send(self, batch: Any) -> None:
        self.events += [r if isinstance(r, dict) else r.to_dict() for r in batch.requests]


@pytest.mark.filterwarnings(
    "ignore:.*deprecated"
)  # pyparsing, of how ClearML reads its configuration
def test_clearml_imports_it_with_its_files(mirror: Mirror, tmp_path: Path) -> None:
    from types import SimpleNamespace

    import numpy as np
    from clearml.backend_interface.metrics import Metrics
    from clearml.backend_interface.task.log import TaskHandler

    records = Records(mirror)
    records.points({"train/loss": 0.5}, 3)
    records.value("digit", Image(np.zeros((4, 4), np.uint8)), 1)
    records.log("hello", "warning")
    target = opened(mirror)
    assert not target.send(records.items, False)
    target.end(Status.COMPLETED, None, START)
    (session,) = sessions(mirror)
    requests = Requests()
    there = tmp_path / "server"
    there.mkdir()
    new = SimpleNamespace(id="0123456789abcdef", session=requests)
    only: Any = {"remote_url": f"file://{there}", "only_with_id": task_of(mirror)["id"]}
    assert Metrics.report_offline_session(new, str(session), session=requests, **only)
    assert TaskHandler.report_offline_session(new, str(session))
    scalar, image, log = requests.events
    assert (scalar["metric"], scalar["variant"], scalar["iter"], scalar["value"]) == (
        "train",
        "loss",
        3,
        0.5,
    )
    assert image["key"].startswith("vision/run.0123456789abcdef/metrics/")
    assert image["url"] == f"file://{there}/{image['key']}"
    assert (there / image["key"]).read_bytes().startswith(b"\x89PNG")
    assert (log["msg"], log["level"], {e["task"] for e in requests.events}) == (
        "hello",
        "warning",
        {new.id},
    )


def test_numbers_that_clearml_shows_as_zero_are_refused_one_by_one(mirror: Mirror) -> None:
    records = Records(mirror)
    bad = records.points({"loss": float("nan"), "acc": 0.5}, 0)
    target = opened(mirror)
    (refusal,) = target.send(records.items, False)
    target.settle()
    target.close()
    assert (refusal.number, refusal.reason) == (bad.number, "ClearML would show nan as 0.")
    assert TestClearML().points(mirror) == [("acc", 0, 0.5)]


def test_metrics_stand_in_plots_by_their_first_part() -> None:
    assert title_and_series("train/loss") == ("train", "loss")
    assert title_and_series("a/b/c") == ("a", "b/c")
    assert title_and_series("loss") == ("loss", "loss")
    names = ["loss", "loss/loss", "/loss", "loss/", "a//b", "a/b", "/", "//"]
    assert len({title_and_series(name) for name in names}) == len(names)


def test_points_that_come_again_to_an_iteration_are_another_series(mirror: Mirror) -> None:
    records = Records(mirror)
    for step in (0, 1, 2, 1, 2, 3):
        records.points({"train/loss": step / 2}, step)
    target = opened(mirror)
    target.send(records.items, False)
    target.settle()
    target.close()
    found = [(e["variant"], e["iter"]) for e in events_of(mirror)]
    again = [("loss (pass 2)", 1), ("loss (pass 2)", 2)]
    assert found == [("loss", 0), ("loss", 1), ("loss", 2), *again, ("loss", 3)]


def test_the_environment_says_whether_it_is_offline(mirror: Mirror, monkeypatch: Any) -> None:
    monkeypatch.setenv("CLEARML_OFFLINE_MODE", "1")
    target = forward.ClearMLTarget(ClearML(dir=str(Path(mirror.folder, "elsewhere"))), mirror, {})
    target.send([Records(mirror).points({"loss": 1.0}, 0)], False)
    target.settle()
    target.close()
    assert target.url is None
    assert len(list(Path(mirror.folder, "elsewhere").iterdir())) == 1


def test_what_a_server_would_be_sent_is_what_clearml_says_it_takes(mirror: Mirror) -> None:
    """There is no server to test with; the requests are held against ClearML's own schemas."""
    from clearml.backend_api.services import events, tasks

    records = Records(mirror)
    records.params({"lr": 0.1, "n": {"nothing": None, "layers": [1, 2]}})
    records.config({"model": {"depth": 18}})
    records.tags({"team": "vision"})
    records.file("models", "model.bin", b"123")
    git = {"commit": "f" * 40, "branch": "main", "remote": "https://git.example.org/a/b.git"}
    records.add(Captured(t=START, what="git", data=git))
    records.points({"train/loss": 0.5}, 3)
    records.value("digit", Image([[0, 255]]), 1)
    records.value("errors", Table({"digit": [1, 2]}), 1)
    records.log("hello", "warning")
    target = opened(mirror)
    assert not target.send(records.items, False)
    target.end(Status.FAILED, "out of memory", START)
    task = task_of(mirror)
    fields = tasks.EditRequest._get_data_props()
    tasks.EditRequest(task="x", **{k: v for k, v in task.items() if k in fields}).validate()
    assert set(task) - set(fields) <= {
        "id", "project_name", "offline_folder", "offline_output_models", "status", "status_reason",
    }  # fmt: skip
    artifacts = [tasks.Artifact(**artifact) for artifact in task["execution"]["artifacts"]]
    tasks.AddOrUpdateArtifactsRequest(task="x", artifacts=artifacts).validate()
    sent = [*events_of(mirror), *events_of(mirror, "log")]
    kinds = {"training_stats_scalar", "training_debug_image", "plot", "log"}
    assert {event["type"] for event in sent} == kinds
    events.AddBatchRequest(requests=sent).validate()
    for end in (tasks.FailedRequest, tasks.StoppedRequest, tasks.CompletedRequest):
        end(task="x", force=True, status_reason="out of memory").validate()
    tasks.GetAllRequest(tags=["anew:x"], only_fields=["id", "status"]).validate()
    kind = tasks.TaskTypeEnum("training")
    tasks.CreateRequest(name="run", type=kind, tags=["anew:x"], project="p").validate()


def test_a_record_set_aside_takes_none_of_its_neighbours_with_it(tmp_path: Path) -> None:
    from anew import Experiment
    from anew.forwarders.sink import TRIES, ForwardSink

    class Failing(forward.ClearMLTarget):
        """Raises for one value, as a library may for what nobody thought of."""

        def send(self, items: Any, again: bool) -> Any:
            if any(getattr(item.record, "m", {}).get("loss") == 3.0 for item in items):
                raise RuntimeError("this value is too much")
            return super().send(items, again)

    quiet: dict[str, Any] = {"root": tmp_path, "quiet": True, "console": "off", "system_metrics": 0}
    with Experiment("a/b/run", **quiet) as exp:
        for value in range(6):
            exp.log_metric("loss", value)
    sink = ForwardSink(str(exp.folder), ClearML(mode="offline"), "a/b/run", Failing)
    for _ in range(TRIES):
        with pytest.raises(RuntimeError):
            send_new(sink)
    send_new(sink)
    sink.close()
    mirror = Mirror("", "", "", None, str(exp.folder), 0.0)
    losses = [point for point in TestClearML().points(mirror) if point[0] == "loss"]
    assert [value for _, _, value in losses] == [0.0, 1.0, 2.0, 4.0, 5.0]
