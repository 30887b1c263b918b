"""Which experiment an opening is: running again makes a new one, continuing is asked for or follows from the launch."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

import anew
from anew import Experiment, Status, Store
from anew.errors import ConfigFrozen, InvalidName, InvalidSetting, InvalidValue, NotFound
from anew.tracking import choosing, meaning

from .reading import events, points, state

OPENS = """
import json, os, sys
from anew import Experiment
options = json.loads(sys.argv[1])
with Experiment("a/b", **options) as exp:
    exp.log_metric("x", float(exp.rank or 0), step=0)
    print(json.dumps([exp.id, exp.prefix, exp.resumed]))
    sys.stdout.flush()
    if os.environ.get("THEN") == "hang":
        sys.stdin.read()
    if os.environ.get("THEN") == "fail":
        raise RuntimeError("boom")
"""


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, root: Path) -> None:
    monkeypatch.setenv("ANEW_ROOT", str(root))
    monkeypatch.setenv("ANEW_CAPTURE", "off")
    monkeypatch.setattr(meaning, "_opened_by_name", {})


def begin(then: str = "", options: dict[str, Any] | None = None, **environ: str) -> Any:
    """Start a program that opens `a/b`."""
    given = {"quiet": True, "console": "off", "system_metrics": 0} | (options or {})
    return subprocess.Popen(
        [sys.executable, "-c", OPENS, json.dumps(given)],
        env={**os.environ, **environ, "THEN": then},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def run(then: str = "", **more: Any) -> tuple[str, str, bool]:
    """Id, prefix and whether it was resumed, of a program that came to its end."""
    process = begin(then, **more)
    out, _ = process.communicate()
    assert process.returncode == (1 if then == "fail" else 0)
    found: list[Any] = json.loads(out)
    return found[0], found[1], found[2]


def killed(**more: Any) -> tuple[str, str, bool]:
    """The same of one that was killed while it ran."""
    process = begin("hang", **more)
    found: list[Any] = json.loads(process.stdout.readline())
    process.send_signal(signal.SIGKILL)
    process.communicate()
    return found[0], found[1], found[2]


def opened(**options: Any) -> Experiment:
    return Experiment(
        options.pop("name", "a/b"), quiet=True, console="off", system_metrics=0, **options
    )


def test_a_program_run_again_makes_another_experiment_and_leaves_the_first_alone(
    root: Path,
) -> None:
    first = run()
    before = {p: p.read_bytes() for p in (root / "a" / "b").rglob("*") if p.is_file()}
    second, third = run("fail"), run()
    assert [p for _, p, _ in (first, second, third)] == ["a/b", "a/b~2", "a/b~3"]
    assert len({first[0], second[0], third[0]}) == 3
    assert {p: p.read_bytes() for p in (root / "a" / "b").rglob("*") if p.is_file()} == before
    store = Store(root)
    assert store["a/b"].id == store["a/b~3"].id == third[0]
    assert store["a/b~1"].id == first[0]
    assert [store[f"a/b~{n}"].status for n in (1, 2, 3)] == ["completed", "failed", "completed"]
    assert {view.name for view in store.list()} == {"b"}
    with pytest.raises(NotFound):
        store["a/b~4"]


def test_one_that_runs_in_another_program_is_left_alone() -> None:
    other = begin("hang")
    its = json.loads(other.stdout.readline())
    assert run()[1] == "a/b~2"
    other.communicate()
    assert its[1] == "a/b"


def test_while_it_is_open_the_same_process_opens_it_again_and_afterwards_another(
    root: Path,
) -> None:
    with opened() as one:
        with opened() as two:
            assert (two.id, two.resumed) == (one.id, False)
        assert state(one.folder).outcome()[0] is Status.RUNNING
    assert state(one.folder).outcome()[0] is Status.COMPLETED
    assert len(state(one.folder).openings()) == 1
    with opened() as three:
        assert three.prefix == "a/b~2"


def test_what_a_program_starts_joins_what_it_has_open_and_nothing_that_ended() -> None:
    with opened() as exp:
        assert run()[0] == exp.id
        assert state(exp.folder).outcome()[0] is Status.RUNNING
    assert run()[1] == "a/b~2"
    assert len(state(exp.folder).openings()) == 1


@pytest.mark.parametrize("resume", ["auto", "allow", "must", True])
def test_a_killed_one_is_continued_when_asked_for(resume: Any, root: Path) -> None:
    first = killed()
    with opened(resume=resume) as exp:
        assert (exp.id, exp.resumed, exp.last_step) == (first[0], True, 0)
        exp.log_metric("x", 1.0, step=1)
    view = Store(root)["a/b"]
    assert (view.status, view.metrics["x"].count) == ("completed", 2)
    assert [one.status for one in state(exp.folder).openings()] == ["failed", "completed"]


@pytest.mark.parametrize(("resume", "again"), [("auto", False), ("allow", True), ("must", True)])
def test_a_completed_one_is_continued_unless_only_an_interrupted_one_is_wanted(
    resume: str, again: bool
) -> None:
    first = run()
    assert (run(options={"resume": resume})[0] == first[0]) is again


def test_one_that_failed_by_itself_was_not_interrupted_but_a_cancelled_one_was() -> None:
    first = run("fail")
    second = run(options={"resume": "auto"})
    assert first[0] != second[0]
    exp = opened(name="a/c")
    exp.run.start()
    exp.run.cancel("no more time")
    with opened(name="a/c", resume="auto") as again:
        assert again.id == exp.id


@pytest.mark.parametrize("resume", ["auto", "never"])
def test_what_a_program_had_open_that_replaced_itself_was_interrupted(
    root: Path, tmp_path: Path, resume: str
) -> None:
    program = tmp_path / "train.py"
    program.write_text(
        "import anew, os, sys\n"
        f"anew.start('a/b', resume={resume!r}, quiet=True, console='off', system_metrics=0)\n"
        "if not sys.argv[1:]: os.execv(sys.executable, [sys.executable, __file__, 'again'])\n"
    )
    subprocess.run([sys.executable, str(program)], check=True, timeout=100)
    got = state(root / "a" / "b")
    ends = [one.status for one in got.writers.values()]
    assert (root / "a" / "b~2").exists() is (resume == "never")
    if resume == "auto":
        assert ends == [Status.FAILED, Status.COMPLETED]
        assert got.outcome()[0] is Status.COMPLETED


def test_where_there_is_none_one_is_begun_unless_there_must_be_one(root: Path) -> None:
    for resume in ("auto", "allow"):
        with opened(name=f"n/{resume}", resume=resume) as exp:
            assert (exp.resumed, exp.last_step) == (False, None)
    for resume in ("must", "zzzzzzzzzzzz"):
        with pytest.raises(NotFound):
            opened(name="n/none", resume=resume).run.start()
    assert not (root / "n" / "none").exists()


def test_an_id_continues_the_experiment_wherever_it_lies() -> None:
    first, _ = run(), run()
    with opened(resume=first[0]) as exp:
        assert (exp.prefix, exp.id) == ("a/b", first[0])
    with Experiment(resume=first[0], quiet=True) as exp:
        assert (exp.prefix, exp.name, exp.id) == ("a/b", "b", first[0])


@pytest.mark.parametrize("text", ["[" * 100_000, "{", "5", '{"experiment_id": []}'])
def test_an_id_is_found_beside_an_experiment_whose_identity_cannot_be_read(
    text: str, root: Path
) -> None:
    with opened(name="a/broken") as exp:
        broken = Path(exp.folder)
    first = run()
    for path in broken.glob("journal/*.jsonl"):
        path.write_text(text)
    (broken / "metadata.json").write_text(text)
    with Experiment(resume=first[0], quiet=True) as exp:
        assert exp.id == first[0]
    with pytest.raises(NotFound):
        Experiment(resume="zzzzzzzzzzzz", quiet=True).run.start()


def test_the_setting_says_it_too(monkeypatch: pytest.MonkeyPatch) -> None:
    first = run()
    monkeypatch.setenv("ANEW_RESUME", "allow")
    assert run()[0] == first[0]
    assert run(options={"resume": "never"})[0] != first[0]
    with pytest.raises(InvalidSetting):
        opened(resume="maybe")


def test_by_name_every_opening_is_new_and_the_last_is_continued_when_asked_for() -> None:
    with opened(name="solo") as one:
        pass
    with opened(name="solo") as two:
        pass
    with opened(name="solo", resume="allow") as three:
        pass
    assert one.id != two.id == three.id


def test_a_prefix_that_ends_in_our_number_is_refused() -> None:
    with pytest.raises(InvalidName):
        opened(name="a/b~2").run.start()


@pytest.mark.parametrize("name", [5, True, b"a/b", Path("a/b")])
def test_a_name_that_is_no_text_is_refused(root: Path, name: Any) -> None:
    with pytest.raises(InvalidName), Experiment(name, root=root):
        pass
    assert not root.exists() or not list(root.iterdir())


def test_tags_that_are_none_are_refused(root: Path) -> None:
    with pytest.raises(InvalidValue):
        Experiment("a/b", root=root, tags=5)  # type: ignore[arg-type]


def test_an_experiment_that_would_hide_another_is_refused(root: Path) -> None:
    with Experiment("a/b/files/x", root=root, quiet=True, console="off", system_metrics=0):
        pass
    with pytest.raises(InvalidName), Experiment("a/b", root=root):
        pass
    with Store(root) as store:
        assert [view.prefix for view in store.list()] == ["a/b/files/x"]


def test_the_same_handle_started_again_is_run_again() -> None:
    exp = opened(params={"lr": 1})
    with exp:
        exp.params.set(only="here")
    with exp:
        assert exp.prefix == "a/b~2"
        assert dict(exp.params) == {"lr": 1}


def test_the_last_step_is_the_largest_of_all_earlier_openings_sealed_or_not(root: Path) -> None:
    with opened() as exp:
        for step in (3, 41, 7):
            exp.log_metric('odd","last_step":99', 1.0, step=step)
    with opened(resume="allow") as exp:
        exp.log_metric("x", 1.0, step=12)
        exp.log_metric("x", 1.0)
    with Store(root) as store:
        assert store.seal("a/b") == 2
    with opened(resume="allow") as exp:
        exp.log_metric("x", 1.0, step=100)
        assert exp.last_step == 41


@pytest.mark.parametrize(("begins", "told"), [(0, True), (5, True), (6, False)])
def test_steps_that_begin_again_are_told(
    root: Path, capfd: pytest.CaptureFixture[str], begins: int, told: bool
) -> None:
    with opened() as exp:
        exp.log_metric("x", 1.0, step=5)
    with Experiment("a/b", resume="allow", console="off", system_metrics=0, quiet=False) as exp:
        for step in range(begins, begins + 3):
            exp.log_metric("x", 1.0, step=step)
    assert ("exp.last_step" in capfd.readouterr().err) is told


# -- launches ---------------------------------------------------------------------------------------


def of_slurm(rank: int, size: int = 2, **more: str) -> dict[str, str]:
    return {
        "SLURM_JOB_ID": "77", "SLURM_STEP_ID": "0", "SLURM_NTASKS": str(size), "SLURM_PROCID": str(rank),
    } | more  # fmt: skip


def of_torchrun(rank: int, restarts: int = 0, **more: str) -> dict[str, str]:
    return {
        "RANK": str(rank), "WORLD_SIZE": "2", "LOCAL_RANK": str(rank), "TORCHELASTIC_RUN_ID": "mine",
        "TORCHELASTIC_RESTART_COUNT": str(restarts),
    } | more  # fmt: skip


def test_ranks_that_start_at_once_share_one_experiment_and_a_late_one_joins(root: Path) -> None:
    together = [begin(**of_slurm(rank, 4)) for rank in (2, 0, 1)]
    found = {json.loads(process.communicate()[0])[0] for process in together}
    late = run(**of_slurm(3, 4))
    assert found == {late[0]}
    assert late[1:] == ("a/b", False)
    known = state(str(root / "a" / "b"))
    assert (len(known.openings()), known.outcome()[0]) == (1, Status.COMPLETED)


def test_a_lead_that_is_slower_than_its_ranks_continues_nothing(root: Path) -> None:
    lead = {"options": {"config": {"rank": 0}, "config_conflict": "refuse"}}
    _, prefix, resumed = run(options={"config": {"rank": 1}}, **of_torchrun(1))
    assert run(**lead, **of_torchrun(0))[1:] == (prefix, resumed) == ("a/b", False)
    known = state(str(root / "a" / "b"))
    assert known.config == {"rank": 0}
    assert [one.config for one in known.openings()] == [None]
    assert yaml.safe_load((root / "a" / "b" / "config.yaml").read_text()) == {"rank": 0}


def test_a_late_rank_does_not_take_the_steps_of_the_others_for_earlier_ones(root: Path) -> None:
    last = OPENS.replace("exp.resumed]", "exp.last_step]")
    first, late = (
        subprocess.run(
            [sys.executable, "-c", last, json.dumps({"quiet": True, "system_metrics": 0})],
            env={**os.environ, **of_torchrun(rank)}, capture_output=True, text=True, check=True,
        )
        for rank in (0, 1)
    )  # fmt: skip
    assert (json.loads(first.stdout)[2], json.loads(late.stdout)[2]) == (None, None)


def test_another_step_of_the_job_and_the_same_ranks_once_more_are_another_launch() -> None:
    first = [run(**of_torchrun(rank))[1] for rank in (0, 1)]
    again = [run(**of_torchrun(rank))[1] for rank in (1, 0)]
    assert (first, again) == (["a/b", "a/b"], ["a/b~2", "a/b~2"])
    steps = [run(**of_slurm(rank, SLURM_STEP_ID=step))[1] for step in "12" for rank in (0, 1)]
    assert steps == ["a/b~3", "a/b~3", "a/b~4", "a/b~4"]


@pytest.mark.parametrize(
    "of", [of_torchrun, lambda rank, n=0: of_slurm(rank, SLURM_RESTART_COUNT=str(n))]
)
def test_ranks_that_their_launcher_starts_again_continue(of: Any, root: Path) -> None:
    first = {killed(**of(rank))[0] for rank in (0, 1)}
    again = [run(**of(rank, 1)) for rank in (1, 0)]
    assert {one[0] for one in again} == first
    assert all(resumed for *_, resumed in again)
    known = state(str(root / "a" / "b"))
    assert [one.status for one in known.openings()] == ["failed", "completed"]
    assert known.outcome()[0] is Status.COMPLETED


def test_a_requeued_job_continues_its_own_experiment(root: Path) -> None:
    job = {"SLURM_JOB_ID": "5"}
    first = killed(**job)
    other = run(SLURM_JOB_ID="6")
    again = run(SLURM_RESTART_COUNT="1", **job)
    assert (again[0], again[2]) == (first[0], True)
    assert other[0] != first[0]


def test_machines_without_a_common_disk_derive_one_id(tmp_path: Path) -> None:
    ids = set()
    for rank in (0, 1):
        there = {"root": str(tmp_path / f"machine{rank}")}
        ids.add(run(options=there, ANEW_LAUNCH="x", **of_slurm(rank))[0])
    assert len(ids) == 1


def test_processes_that_multiprocessing_started_share_one_experiment(root: Path) -> None:
    program = root.parent / "spawns.py"
    program.write_text(
        "import multiprocessing as m\nfrom anew import Experiment\n"
        "def work(n):\n"
        "    with Experiment('a/b', quiet=True) as exp: exp.log_metric('x', float(n), step=n)\n"
        "if __name__ == '__main__':\n"
        "    many = [m.get_context('spawn').Process(target=work, args=(n,)) for n in range(2)]\n"
        "    [p.start() for p in many]; [p.join() for p in many]\n"
    )
    subprocess.run([sys.executable, str(program)], check=True)
    (view,) = Store(root).list()
    assert (view.status, view.metrics["x"].count) == ("completed", 2)


# -- who may still be running -----------------------------------------------------------------------


@pytest.fixture
def elsewhere(root: Path) -> Path:
    """The events of an experiment that a process on another machine has open."""
    with opened() as exp:
        pass
    (path,) = Path(exp.folder, "journal").glob("*.jsonl")
    line = json.loads(path.read_text().splitlines()[0]) | {
        "host": "far",
        "heartbeat": 10.0,
        "t": 1.0,
    }
    path.write_text(json.dumps(line) + "\n")
    return path


def test_one_that_may_run_elsewhere_is_waited_for(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(choosing, "LOOK_EVERY", 0.01)
    slept = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        os.utime(elsewhere, (time.time() - 100 * len(slept),) * 2)

    monkeypatch.setattr(choosing.time, "sleep", sleep)
    with opened(resume="auto") as exp:
        assert exp.prefix == "a/b"
    assert len(slept) == 1
    assert "a/b" in capfd.readouterr().err


def test_going_on_beside_a_process_that_still_records_is_told(
    root: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    process = begin("hang")
    other = json.loads(process.stdout.readline())[0]
    for resume in ("must", "allow", other):
        with opened(resume=resume) as exp:
            assert [one.pid for one in exp.life.recording.beside()] == [process.pid]
        assert str(process.pid) in capfd.readouterr().err
        assert exp.id == other
    process.communicate()
    with opened(resume="must") as exp:
        assert exp.life.recording.beside() == []
    assert str(process.pid) not in capfd.readouterr().err


def test_one_that_still_runs_elsewhere_after_that_was_not_interrupted(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choosing, "WAIT_SECONDS", 0.05)
    monkeypatch.setattr(choosing, "LOOK_EVERY", 0.01)
    with opened(resume="auto") as exp:
        assert exp.prefix == "a/b~2"


# -- refused starts ---------------------------------------------------------------------------------


def test_a_refused_start_changes_nothing_and_can_be_made_good(root: Path) -> None:
    with opened(config={"lr": 1}) as exp:
        exp.log_metric("x", 1.0, step=0)
    before = {p: p.read_bytes() for p in root.rglob("*") if p.is_file()}
    refused = opened(config={"lr": 2}, resume="allow", config_conflict="refuse")
    with pytest.raises(ConfigFrozen):
        refused.run.start()
    with pytest.raises(InvalidValue):
        opened(resume="allow", parent=7).run.start()
    with pytest.raises(InvalidValue):
        opened(resume="allow", params=7)
    assert {p: p.read_bytes() for p in root.rglob("*") if p.is_file()} == before
    view = Store(root)["a/b"]
    assert (view.status, view.reason) == ("completed", None)


def test_a_start_that_fails_once_its_writer_is_there_is_withdrawn(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened() as exp:
        pass
    took = Store(root)["a/b"].duration
    again = opened(resume="allow", forward_to="tensorboard:x")
    monkeypatch.setattr(
        "anew.tracking.forwarding.begin_forwarding", lambda *_: (_ for _ in ()).throw(OSError("no"))
    )
    with pytest.raises(OSError, match="no"):
        again.run.start()
    assert again.status is Status.PENDING
    known = state(exp.folder)
    assert (known.outcome(), len(known.openings())) == ((Status.COMPLETED, None), 1)
    assert Store(root)["a/b"].duration == took


def test_a_refused_start_leaves_the_current_experiment_current(root: Path) -> None:
    first = anew.start("a/s", quiet=True)
    with pytest.raises(NotFound):
        anew.start("a/none", resume="must")
    with pytest.raises(InvalidName):
        anew.start("a/../b")
    assert anew.current() is first
    anew.log_metric("x", 1.0)
    second = anew.start("a/s", quiet=True)
    assert (first.status, second.prefix) == (Status.COMPLETED, "a/s~2")
    third = anew.start("a/s", quiet=True, resume="allow")
    assert (second.status, third.id) == (Status.COMPLETED, second.id)
    anew.finish()
    assert [one.status for one in state(third.folder).openings()] == ["completed", "completed"]
    assert len(points(first.folder)) == 1
    assert events(first.folder)
