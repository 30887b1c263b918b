"""Forwarding to an Aim repository, read back through Aim's own classes."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from anew.forwarders import Aim
from anew.forwarders.target import Mirror, Target
from anew.record.plain import flatten
from anew.record.status import Status
from anew.testing.items import START, Records
from anew.testing.target import Point, TargetContract
from anew.trackers.aim.translate import run_hash
from later import later

from ...forwarders.servers import free_port

forward = later("anew.trackers.aim.forward")
sending = later("anew.trackers.aim.forward.target")
managing = later("aim.sdk.index_manager")

KINDS = {
    "aim.audio": "get_audio_sequence",
    "aim.distribution": "get_distribution_sequence",
    "aim.figure": "get_figure_sequence",
    "aim.image": "get_image_sequence",
    "aim.text": "get_text_sequence",
}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository as Aim makes it, which takes it more than a second."""
    folder = tmp_path_factory.mktemp("aim")
    sending.aim.Repo(str(folder), init=True).close()
    return folder


def place(mirror: Mirror) -> str:
    return str(Path(mirror.folder).parent)


def repo_at(where: str) -> sending.aim.Repo:
    """The repository, with what `aim up` does by itself: runs that changed are taken into its index."""
    repo = sending.aim.Repo(where)
    manager = managing.RepoIndexManager(repo)
    for name in repo.list_all_runs():
        manager.index(name)
    manager.new_chunk_observer.stop()  # which holds one of the few watches that a user may have
    repo.container_pool.clear()
    return repo


def repo_of(mirror: Mirror) -> sending.aim.Repo:
    return repo_at(place(mirror))


def run_of(mirror: Mirror) -> sending.aim.Run:
    found = [
        run
        for run in repo_of(mirror).iter_runs()
        if run["anew", "experiment_id"] == mirror.experiment_id
    ]
    (run,) = found
    return run


@pytest.mark.slow
class TestAim(TargetContract):
    running = (True, "running")

    @pytest.fixture(autouse=True)
    def _repository(self, template: Path, mirror: Mirror) -> None:
        shutil.copytree(template / ".aim", Path(place(mirror), ".aim"))

    def open(self, mirror: Mirror, memo: dict[str, Any]) -> Target:
        return forward.AimTarget(Aim(place(mirror)), mirror, memo)

    def crash(self, target: Target) -> None:
        """As far as a living process can: the data base is let go, the lock of the run is not."""
        assert isinstance(target, forward.AimTarget)
        run, repo = target._run, target._repo
        if run is not None:
            run._resources.finalizer.detach()
            run._heartbeat.stop()
            run._checkins.close()
            lock = Path(run._lock._sf_lock.lock_file)
            held = lock.read_text()
            run._lock.release()
            lock.write_text(held)
            run._resources = run._props = None
            run._cleanup_trees()
            for container in list(repo.container_pool.values()):
                container.close()

    def runs(self, mirror: Mirror) -> int:
        all_runs = [run["anew", "experiment_id"] for run in repo_of(mirror).iter_runs()]
        return all_runs.count(mirror.experiment_id)

    def points(self, mirror: Mirror) -> list[Point]:
        points = []
        for metric in run_of(mirror).metrics():
            steps, (values, _, _) = metric.data.items_list()
            points += [(metric.name, int(s), float(v)) for s, v in zip(steps, values, strict=True)]
        return points

    def params(self, mirror: Mirror) -> dict[str, Any]:
        run = run_of(mirror)
        return flatten(run.get("hparams", {})) | flatten(run.get("config", {}), "config.")

    def tags(self, mirror: Mirror) -> dict[str, str | None]:
        tags = [tag.partition(":") for tag in run_of(mirror).tags]
        return {key: value if colon else None for key, colon, value in tags}

    def notes(self, mirror: Mirror) -> str:
        return run_of(mirror).description or ""

    def files(self, mirror: Mirror) -> dict[str, bytes]:
        found = run_of(mirror).artifacts
        return {name: Path(found[name].uri.removeprefix("file://")).read_bytes() for name in found}

    def values(self, mirror: Mirror) -> list[tuple[str, int | None]]:
        run, found = run_of(mirror), []
        for kind, get in KINDS.items():
            for name, context, _ in run.iter_sequence_info_by_type(kind):
                found += [(name, step) for step in getattr(run, get)(name, context).data.indices()]
        return found

    def logs(self, mirror: Mirror) -> str:
        records = run_of(mirror).get_log_records()
        return "" if records is None else "\n".join(r.message for r in records.values)

    def status(self, mirror: Mirror) -> Any:
        if run_hash(mirror.experiment_id) not in sending.aim.Repo(place(mirror)).list_all_runs():
            return self.running  # nothing was sent
        run = run_of(mirror)
        return run.active, run["anew", "status"]

    def ended(self, status: Status) -> Any:
        return False, status.value


@pytest.fixture
def mirror(tmp_path: Path, template: Path) -> Mirror:
    folder = tmp_path / "c"
    folder.mkdir()
    shutil.copytree(template / ".aim", tmp_path / ".aim")
    return Mirror("bcdf23456789", "a/b/c", "c", "b", str(folder), START)


def opened(mirror: Mirror, memo: dict[str, Any] | None = None) -> forward.AimTarget:
    return forward.AimTarget(Aim(place(mirror)), mirror, memo or {})


KILLED = """
import json, os, signal, sys
from anew import Text
from anew.forwarders import Aim
from anew.trackers.aim.forward import AimTarget
from anew.forwarders.target import Mirror
from anew.testing.items import Records

mirror = Mirror(*json.loads(sys.argv[1]))
records = Records(mirror)
for step in range(500):
    records.points({"loss": step / 7}, step)
records.params({"lr": 0.1})
records.tags({"baseline": None})
records.value("answer", Text("yes"), 3)
records.log("the end of it")
target = AimTarget(Aim(sys.argv[2]), mirror, {})
assert not target.send(records.items, False)
print(json.dumps(target.settle()), flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.slow
def test_what_is_settled_outlives_a_kill_and_the_lock_left_behind_stops_nobody(
    mirror: Mirror,
) -> None:
    command = [sys.executable, "-c", KILLED, json.dumps(mirror), place(mirror)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert (done.returncode, done.stderr) == (-signal.SIGKILL, "")
    assert os.listdir(Path(place(mirror), ".aim", "locks")) == [
        f"{run_hash(mirror.experiment_id)}.softlock"
    ]
    read = TestAim()
    assert sorted(read.points(mirror)) == [("loss", step, step / 7) for step in range(500)]
    assert read.params(mirror) == {"lr": 0.1}
    assert read.tags(mirror) == {"baseline": None}
    assert read.values(mirror) == [("answer", 3)]
    assert read.logs(mirror) == "the end of it"
    later = opened(mirror, json.loads(done.stdout))
    records = Records(mirror)
    records.items.clear()
    more = records.points({"loss": 1.0}, 500)
    assert not later.send([more._replace(number=900)], False)
    later.close()
    assert len(read.points(mirror)) == 501


def test_a_lock_of_a_machine_that_is_gone_stops_nobody(mirror: Mirror) -> None:
    records = Records(mirror)
    target = opened(mirror)
    target.send([records.points({"loss": 1.0}, 0)], False)
    memo = target.settle()
    target.close()
    lock = Path(place(mirror), ".aim", "locks", f"{run_hash(mirror.experiment_id)}.softlock")
    lock.write_text("123456-1-1763730000.0")
    later = opened(mirror, memo)
    later.send([records.points({"loss": 0.5}, 1)], False)
    later.close()
    assert not lock.exists()
    assert len(TestAim().points(mirror)) == 2


def test_points_that_come_again_to_a_step_go_on_in_a_context(mirror: Mirror) -> None:
    records = Records(mirror)
    for step in (*range(100), *range(50, 150)):  # a training that went on from its checkpoint
        records.points({"loss": step / 2}, step)
    target = opened(mirror)
    assert not target.send(records.items, False)
    target.close()
    found = {}
    for metric in run_of(mirror).metrics():
        steps, _ = metric.data.items_list()
        found[json.dumps(metric.context.to_dict())] = sorted(int(step) for step in steps)
    assert found == {"{}": list(range(150)), '{"pass": 1}': list(range(50, 100))}


def test_a_step_that_comes_hundreds_of_times_is_refused_in_the_end(mirror: Mirror) -> None:
    records = Records(mirror)
    for i in range(203):
        records.points({"loss": float(i)}, 7)
    target = opened(mirror)
    refusals = target.send(records.items, False)
    target.close()
    assert [r.number for r in refusals] == [201, 202, 203]
    assert "more than 200 times" in refusals[0].reason
    assert len(TestAim().points(mirror)) == 200


def test_a_metric_and_a_text_of_one_name_are_told_from_each_other(mirror: Mirror) -> None:
    from anew import Text

    records = Records(mirror)
    records.value("loss", Text("low"), -3)
    point = records.points({"loss": 1.0, "acc": 2.0}, 0)
    target = opened(mirror)
    (refusal,) = target.send(records.items, False)
    target.close()
    assert refusal.number == point.number
    assert TestAim().points(mirror) == [("acc", 0, 2.0)]
    assert TestAim().values(mirror) == [("loss", -3)]


def test_times_names_and_what_people_did_at_aim_are_kept(mirror: Mirror) -> None:
    records = Records(mirror)
    records.points({"loss": 1.0}, 0, t=START + 60)
    records.tags({"ours": None, "kept": None})
    target = opened(mirror)
    target.send(records.items, False)
    memo = target.settle()
    target.close()
    repo = repo_of(mirror)
    quiet: dict[str, Any] = {"system_tracking_interval": None, "capture_terminal_logs": False}
    run = sending.aim.Run(run_hash(mirror.experiment_id), repo=repo, **quiet)
    run.add_tag("theirs")
    run.experiment = "moved"
    run.close()
    for container in list(repo.container_pool.values()):
        container.close()
    later = opened(mirror, memo)
    later.send([records.tags({"new": None}, ["ours"])], False)
    later.close()
    run = run_of(mirror)
    assert (run.name, run.experiment, run.creation_time) == ("c", "moved", START)
    assert sorted(run.tags) == ["kept", "new", "theirs"]
    (metric,) = run.metrics()
    assert metric.data.items_list()[1][2] == [START + 60]


class AimServer:
    """What `aim server` runs, in one process, on a repository that outlives it.

    Args:
        folder: The repository.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.uri = f"aim://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> AimServer:
        """Start it, and wait until it answers."""
        application = [sys.executable, "-W", "ignore", "-m", "uvicorn", "aim.ext.transport.run:app"]
        with open(self.folder / "server.log", "ab") as log:
            self._process = subprocess.Popen(
                [*application, "--host", "127.0.0.1", "--port", str(self.port)],
                cwd=self.folder,
                env={**os.environ, "__AIM_SERVER_MOUNT_REPO_PATH__": str(self.folder / ".aim")},
                stdout=log,
                stderr=log,
            )
        until = time.monotonic() + 300
        while not self._answers():
            assert self._process.poll() is None, (self.folder / "server.log").read_text()
            assert time.monotonic() < until, "the server does not answer"
            time.sleep(0.1)
        return self

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1):
                return True
        except OSError:
            return False

    def kill(self) -> None:
        """As a crash does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()


@pytest.fixture
def server(mirror: Mirror) -> Iterator[AimServer]:
    server = AimServer(Path(place(mirror))).start()
    yield server
    server.kill()


REMOTE = """
import json, os, signal, sys
from anew import Text
from anew.forwarders import Aim
from anew.trackers.aim.forward import target as aim
from anew.forwarders.target import Mirror
from anew.record.status import Status
from anew.testing.items import Records

mirror, where, server = Mirror(*json.loads(sys.argv[1])), sys.argv[2], int(sys.argv[3])
aim._SETTLE_SECONDS = aim._CLOSE_SECONDS = 2.0
records = Records(mirror)
records.params({"lr": 0.1, "model": {"width": 2}})
records.tags({"baseline": None})
records.field("notes", "the third layer")
records.value("answer", Text("yes"), 3)
records.log("hello")
file = records.file("models", "model.bin", b"123")
for step in range(300):
    records.points({"loss": step / 7}, step)

target = aim.AimTarget(Aim(where), mirror, {})
refused = target.send(records.items[:100], False)
assert [r.number for r in refused] == [file.number], refused
memo = target.settle()
target.send(records.items[100:150], False)
target.close()  # not settled
target = aim.AimTarget(Aim(where), mirror, memo)
assert not target.send(records.items[100:], True)
target.settle()
target.end(Status.COMPLETED, None, mirror.created_at + 9)

last = aim.AimTarget(Aim(where), mirror, memo)
last.send(records.items[100:101], True)
os.kill(server, signal.SIGKILL)
try:
    last.send(records.items[101:], True)
    last.settle()
except (TimeoutError, RuntimeError) as error:
    print(type(error).__name__)
last.close()
"""


@pytest.mark.slow
def test_a_server_has_everything_once_and_one_that_is_gone_holds_up_nobody(
    mirror: Mirror, server: AimServer
) -> None:
    command = [sys.executable, "-c", REMOTE, json.dumps(mirror), server.uri, str(server.pid)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[-1] == "TimeoutError"
    server.kill()
    read = TestAim()
    assert sorted(read.points(mirror)) == [("loss", step, step / 7) for step in range(300)]
    assert read.params(mirror) == {"lr": 0.1, "model.width": 2}
    assert read.tags(mirror) == {"baseline": None}
    assert read.notes(mirror) == "the third layer"
    assert read.values(mirror) == [("answer", 3)]
    assert read.logs(mirror) == "hello"
    assert read.runs(mirror) == 1
    assert run_of(mirror).creation_time == START
