"""Programs that record for a server: what arrives there, whatever happens to either side."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from anew import Store

from .lab import Lab, Machine, eventually, machines

LOGGING = """
import sys
with Experiment(sys.argv[1]) as exp:
    print(exp.id, flush=True)
    for step in range(100):
        exp.log_metric("loss", step / 7, step)
    exp.files().save_text("hello", "notes.txt")
"""
WAITING = """
import sys
exp = Experiment(sys.argv[1], quiet=True)
exp.run.start()
print(exp.id, flush=True)
for step in range(100):
    exp.log_metric("loss", step / 7, step)
sys.stdin.readline()
exp.finish()
"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    found = Lab(tmp_path_factory.mktemp("lab")).start()
    yield found
    found.kill()


@pytest.fixture
def here(lab: Lab, tmp_path: Path) -> Iterator[Machine]:
    with machines(tmp_path, lab.url, "here") as (found,):
        yield found


def points(store: Store, ref: str) -> list[float]:
    return [value for _, value in store.get(ref).metrics["loss"].history()]


def same_journals(here: Path, there: Path) -> bool:
    def texts(folder: Path) -> dict[str, bytes]:
        # A server on the machine of its clients may have seen a process vanish before its end arrived, and says so in an edit.
        found = [*folder.glob("journal/[0-9]*.jsonl"), *folder.glob("metrics/*.jsonl")]
        return {f"{one.parent.name}/{one.name}": one.read_bytes() for one in found}

    return texts(here) == texts(there) != {}


def test_what_a_program_records_is_there_when_it_has_ended(lab: Lab, here: Machine) -> None:
    experiment_id = here.run(LOGGING, "team/end/one")
    with lab.store() as store:
        view = store.get(experiment_id)
        assert (view.prefix, view.status) == ("team/end/one", "completed")
        assert view.metrics["loss"].count == 100
        assert view.files()[0].read_text() == "hello"
    assert same_journals(here.root / "team/end/one", lab.folder / "team/end/one")
    shown = json.loads(here.anew("show", experiment_id, "--root", str(here.root), "--json"))
    assert [(one["to"], one["complete"]) for one in shown["synced"]] == [(lab.url, True)]
    assert [view["id"] for view in json.loads(here.anew("list", "--json"))["experiments"]].count(experiment_id) == 1  # fmt: skip


def test_a_program_that_was_killed_is_failed_on_the_server_and_nothing_is_missing(
    lab: Lab, here: Machine
) -> None:
    with here.begin(WAITING, "team/kill/one") as process:
        assert process.stdout is not None
        experiment_id = process.stdout.readline().strip()
        with lab.store() as store:
            eventually(lambda: experiment_id in store.list(reproductions=True).ids)
        process.kill()
    with lab.store() as store:
        eventually(lambda: store.get(experiment_id).status == "failed")
        assert store.get(experiment_id).metrics["loss"].count == 100
    assert same_journals(here.root / "team/kill/one", lab.folder / "team/kill/one")


def test_what_was_recorded_without_a_network_is_pushed_by_the_command(
    lab: Lab, here: Machine
) -> None:
    for number in range(2):
        here.run(LOGGING, f"team/off/{number}", ANEW_SYNC="off")
    assert here.outbox.state() is None
    (status,) = json.loads(here.anew("sync", "--status", "--json"))["servers"]
    assert len(status["pending"]) == 2
    (pushed,) = json.loads(here.anew("sync", "--json"))["servers"]
    assert (pushed["count"], pushed["pending"], pushed["error"]) == (2, [], "")
    (status,) = json.loads(here.anew("sync", "--status", "--json"))["servers"]
    assert (status["experiments"], status["pending"]) == (2, [])
    with lab.store() as store:
        assert store.get("team/off/1").metrics["loss"].count == 100


def test_ranks_of_a_machine_are_one_experiment_that_one_process_pushes(
    lab: Lab, here: Machine
) -> None:
    rank = """
import os
rank = int(os.environ["RANK"])
with Experiment("team/ranks/one", quiet=True) as exp:
    for step in range(20):
        exp.log_metric(f"loss/{rank}", step, step)
"""
    world = {"WORLD_SIZE": "3", "LOCAL_WORLD_SIZE": "3", "MASTER_ADDR": "x", "TORCHELASTIC_RUN_ID": "r1"}  # fmt: skip
    running = [here.begin(rank, RANK=str(r), LOCAL_RANK=str(r), **world) for r in range(3)]
    for process in running:
        with process:
            _, err = process.communicate(timeout=400)
            assert process.returncode == 0, err
    with lab.store() as store:

        def all_there() -> bool:
            view = store.get("team/ranks/one")
            return sum(view.metrics[n].count for n in view.metrics if n.startswith("loss/")) == 60

        eventually(all_there)
        eventually(lambda: store.get("team/ranks/one").status == "completed")
        assert len(store.list("prefix =~ '^team/ranks'")) == 1
    assert len({one.experiment_id for one in here.outbox.everything()}) == 1


GOING_ON = """
import sys
with Experiment("team/resume/one", resume=sys.argv[1]) as exp:
    print(exp.id, exp.resumed, exp.last_step, exp.params["lr"])
    for step in range(exp.last_step + 1, exp.last_step + 6):
        exp.log_metric("loss", step / 7, step)
"""
CANCELLED = """
with Experiment("team/resume/one", params={"lr": 0.5}) as exp:
    for step in range(5):
        exp.log_metric("loss", step / 7, step)
    exp.run.cancel()
    print(exp.id)
"""


def test_an_experiment_is_continued_on_another_machine(lab: Lab, tmp_path: Path) -> None:
    with machines(tmp_path, lab.url, "first", "second") as (first, second):
        experiment_id = first.run(CANCELLED)
        assert second.run(GOING_ON, "auto") == f"{experiment_id} True 4 0.5"
        with lab.store() as store:
            assert len(store.list("prefix =~ '^team/resume/one'")) == 1
            view = store.get(experiment_id)
            assert (view.metrics["loss"].count, view.metrics["loss"].last_step) == (10, 9)
            assert (view.status, len(view.openings)) == ("completed", 2)


WEIGHTS = """
import sys
import numpy as np
with Experiment("team/resume/weights", quiet=True, system_metrics=0, resume=sys.argv[1]) as exp:
    before = [one.message for one in exp.weights.log()]
    last = float(exp.weights.load()["w"][0]) if before else 0.0
    exp.weights.commit({"w": np.full(4, last + 1.0)}, f"version {len(before)}")
    exp.log_metric("loss", last)
    print(exp.id, before, last)
"""


@pytest.mark.slow
def test_weights_are_at_hand_where_another_machine_goes_on_and_stay_one_line(
    lab: Lab, tmp_path: Path
) -> None:
    with machines(tmp_path, lab.url, "first", "second") as (first, second):
        id, told = first.run(WEIGHTS, "allow").split(" ", 1)
        assert told == "[] 0.0"
        assert second.run(WEIGHTS, "allow") == f"{id} ['version 0'] 1.0"
        with lab.store() as store:
            weights = store.weights
            assert list(weights.branches()) == [f"experiments/{id}"]
            found = weights.log(f"experiments/{id}")
            assert [one.message for one in found] == ["version 1", "version 0"]
            assert weights.get_weight("w", f"experiments/{id}").tolist() == [2.0] * 4


@pytest.mark.slow
def test_by_its_id_any_experiment_is_continued_and_auto_leaves_a_completed_one_alone(
    lab: Lab, tmp_path: Path
) -> None:
    with machines(tmp_path, lab.url, "first", "second") as (first, second):
        completed = CANCELLED.replace("exp.run.cancel()", "pass").replace("one", "two")
        experiment_id = first.run(completed)
        begin = "with Experiment('team/resume/two', resume='auto') as exp: print(exp.id)"
        assert second.run(begin) != experiment_id
        with lab.store() as store:
            eventually(lambda: len(store.list("name == 'two'")) == 2)
            prefixes = sorted(view.prefix for view in store.list("name == 'two'"))
        # The two machines used one prefix apart: the server has two experiments.
        assert prefixes == ["team/resume/two", "team/resume/two~2"]
        assert second.run(GOING_ON, experiment_id) == f"{experiment_id} True 4 0.5"


def test_a_program_is_stopped_through_the_server_and_the_record_says_by_whom(
    lab: Lab, here: Machine
) -> None:
    with here.begin(WAITING, "team/stop/one") as process:
        assert process.stdout is not None
        experiment_id = process.stdout.readline().strip()
        with lab.store() as store:
            eventually(lambda: experiment_id in store.list(reproductions=True).ids)
            assert store.stop(experiment_id, why="the loss is NaN") == 0
            process.wait(timeout=400)
            eventually(lambda: store.get(experiment_id).status == "cancelled")
            asked = store.get(experiment_id).captured["stop"]
    assert asked["why"] == "the loss is NaN"
    assert asked["by"]
    assert process.returncode == -signal.SIGINT or process.returncode == 1


@pytest.mark.slow
def test_a_server_that_is_away_at_first_gets_everything_when_it_is_back(tmp_path: Path) -> None:
    lab = Lab(tmp_path / "lab")
    with machines(tmp_path, lab.url, "here") as (here,):
        try:
            with here.begin(WAITING, "team/away/one") as process:
                assert process.stdout is not None
                assert process.stdin is not None
                experiment_id = process.stdout.readline().strip()
                state = eventually(here.outbox.state)
                assert state.error
                assert state.waits
                lab.start()
                with lab.store() as store:
                    eventually(lambda: experiment_id in store.list().ids)
                lab.kill()
                process.communicate("\n", timeout=400)
                assert process.returncode == 0
            lab.start()
            with lab.store() as store:
                eventually(lambda: store.get(experiment_id).status == "completed")
                assert store.get(experiment_id).metrics["loss"].count == 100
            assert same_journals(here.root / "team/away/one", lab.folder / "team/away/one")
        finally:
            lab.kill()


@pytest.mark.slow
def test_a_token_that_is_refused_lets_the_program_go_on_and_a_right_one_pushes(
    tmp_path: Path,
) -> None:
    lab = Lab(tmp_path / "lab")
    with machines(tmp_path, lab.url, "here") as (here,):
        config = {"XDG_CONFIG_HOME": str(tmp_path / "config")}
        root = ["--root", str(lab.folder)]
        here.anew("server", "user", "add", "alice", "--admin", *root)
        token, reader = (
            here.anew(
                "server", "token", "create", role, "--role", role, "--project", "*", "-q", *root
            )
            for role in ("writer", "reader")
        )
        try:
            lab.start()
            experiment_id = here.run(LOGGING, "team/token/one", ANEW_TOKEN="anew_wrong", **config)
            state = here.outbox.state()
            assert state is not None
            assert state.error
            assert not state.waits
            assert state.behind.keys() == {experiment_id}
            assert "anew_wrong" not in state.error
            here.anew("sync", code=1, ANEW_TOKEN=reader.strip(), **config)
            login = ["login", lab.url, "--token-stdin", "-q"]
            assert here.anew(*login, code=5, stdin="anew_wrong", **config) == ""
            here.anew("sync", code=1, **config)
            here.anew(*login, stdin=token, **config)
            here.anew("sync", **config)
            (view,) = json.loads(here.anew("list", "--json", **config))["experiments"]
            assert view["id"] == experiment_id
            here.anew("logout", lab.url, **config)
            assert here.anew("list", code=5, **config) == ""
        finally:
            lab.kill()


def test_ctrl_c_leaves_the_wait_at_once_and_the_record_is_whole(tmp_path: Path) -> None:
    with socket.socket() as silent:  # takes connections, and never answers
        silent.bind(("127.0.0.1", 0))
        silent.listen(8)
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with machines(tmp_path, url, "here") as (here,):
            program = LOGGING + "print('ended', flush=True)\n"
            with here.begin(
                program, "team/wait/one", ANEW_SYNC_WAIT="100000", ANEW_QUIET="0"
            ) as process:
                assert process.stdout is not None
                process.stdout.readline()
                assert process.stdout.readline()
                # The wait begins when the interpreter ends; what it says first tells that it has.
                assert process.stderr is not None
                said = iter(process.stderr.readline, "")
                assert any("Ctrl-C" in line for line in said)
                process.send_signal(signal.SIGINT)
                assert process.wait(400) == 0
            with Store(here.root) as store:
                assert store.get("team/wait/one").status == "completed"
            (holder,) = eventually(lambda: pushers(here))
            os.kill(holder, signal.SIGKILL)


def pushers(machine: Machine) -> list[int]:
    """The processes that push from a machine's folder."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if "anew.syncer" in process.cmdline() and str(machine.root) in process.cmdline()[-1]:
                found.append(process.pid)
    return found


def test_a_copy_that_is_not_to_be_kept_is_freed_once_the_server_has_all_of_it(
    lab: Lab, here: Machine
) -> None:
    experiment_id = here.run(LOGGING, "team/copy/one", ANEW_KEEP_LOCAL="0")
    eventually(lambda: not (here.root / "team").exists())
    with lab.store() as store:
        assert store.get(experiment_id).files()[0].read_text() == "hello"
    with Store(here.root) as store:
        assert not store.list()
    assert here.outbox.done()[experiment_id].freed
    # It goes on from the server, as on any other machine.
    going_on = (
        "with Experiment('team/copy/one', resume='must') as exp: print(exp.id, exp.last_step)"
    )
    assert here.run(going_on) == f"{experiment_id} 99"


def test_a_forked_worker_records_into_the_same_experiment_there(lab: Lab, here: Machine) -> None:
    forks = """
import os
with Experiment("team/fork/one", quiet=True) as exp:
    child = os.fork()
    for step in range(10):
        exp.log_metric("child" if child == 0 else "parent", step, step)
    if child == 0:
        raise SystemExit(0)
    os.waitpid(child, 0)
    print(exp.id)
"""
    experiment_id = here.run(forks).split()[-1]
    with lab.store() as store:
        view = store.get(experiment_id)
        assert (view.metrics["child"].count, view.metrics["parent"].count) == (10, 10)
        assert view.status == "completed"
