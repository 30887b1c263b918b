"""Whether a writer's process is still there."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from anew.journal.liveness import (
    HEARTBEATS_MISSED,
    boot_id,
    host_name,
    machine_mark,
    pid_space,
    process_started,
    runs,
    seems_gone,
)


def ask(**changes: object) -> tuple[str, bool] | None:
    pid = os.getpid()
    facts: dict[str, object] = {
        "host": host_name(),
        "machine": machine_mark(),
        "boot": boot_id(),
        "pid": pid,
        "pid_started": process_started(pid),
        "space": pid_space(),
        "silent_for": 0.0,
        "heartbeat": 1.0,
    }
    return seems_gone(**{**facts, **changes})  # type: ignore[arg-type]


def test_a_process_that_runs_is_not_gone_however_silent() -> None:
    assert ask(silent_for=1e6) is None


@pytest.fixture
def dead() -> dict[str, object]:
    """A process that ran on this machine and was killed."""
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    started = process_started(child.pid)
    assert ask(pid=child.pid, pid_started=started) is None
    child.kill()
    child.communicate()
    return {"pid": child.pid, "pid_started": started}


def test_a_process_that_ended_is_gone_at_once_and_for_certain_when_its_heartbeat_has_stopped_too(
    dead: dict[str, object],
) -> None:
    gone = ask(**dead)
    assert gone is not None
    assert str(dead["pid"]) in gone[0]
    assert not gone[1]  # a clone of this machine, which has its ids, may be running it
    assert ask(**dead, silent_for=1.1) == (gone[0], True)


def test_without_the_machine_s_own_id_no_end_is_certain(dead: dict[str, object]) -> None:
    for machine in ("", "another"):
        gone = ask(**dead, machine=machine, silent_for=1e6)
        assert gone is not None
        assert not gone[1]


def test_a_process_that_may_not_be_looked_at_is_judged_by_its_heartbeat(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As `hidepid` has it for another user's process: it cannot be read, and may not be signalled."""

    def refused(pid: int, number: int) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "kill", refused)
    hidden = {"pid": 4_000_000, "pid_started": 17}
    assert runs(4_000_000, 17) is None
    assert ask(**hidden) is None
    gone = ask(**hidden, silent_for=1e6)
    assert gone is not None
    assert not gone[1]


def test_a_killed_process_nobody_waited_for_is_gone() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    started = process_started(child.pid)
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # dead, and still in the process table
    assert process_started(child.pid) == 0
    assert ask(pid=child.pid, pid_started=started) is not None
    child.communicate()


def test_a_later_process_with_the_same_id_is_not_taken_for_it() -> None:
    assert ask(pid_started=process_started(os.getpid()) - 1) is not None


def test_another_boot_of_the_same_machine_is_certain_when_the_heartbeat_has_stopped() -> None:
    assert ask(boot="another") is None
    gone = ask(boot="another", silent_for=HEARTBEATS_MISSED + 0.1)
    assert gone is not None
    assert gone[1]
    assert "restarted" in gone[0]


def test_two_machines_of_one_name_do_not_judge_each_other_s_processes(
    dead: dict[str, object],
) -> None:
    other = {**dead, "machine": "another", "boot": "another"}
    assert ask(**other) is None
    gone = ask(**other, silent_for=1e6)
    assert gone is not None
    assert not gone[1]


def test_without_a_heartbeat_silence_says_nothing() -> None:
    assert ask(host="elsewhere", silent_for=1e6, heartbeat=0.0) is None


def test_a_clock_that_is_ahead_or_behind_never_makes_an_end_certain() -> None:
    assert ask(host="elsewhere", silent_for=-3600.0) is None
    gone = ask(host="elsewhere", silent_for=3600.0)
    assert gone is not None
    assert not gone[1]


def test_elsewhere_only_the_heartbeat_speaks_and_never_for_certain() -> None:
    assert ask(host="elsewhere", silent_for=HEARTBEATS_MISSED - 0.1) is None
    gone = ask(host="elsewhere", silent_for=HEARTBEATS_MISSED + 0.1)
    assert gone is not None
    assert not gone[1]


def test_another_process_space_says_nothing_about_a_process_id() -> None:
    assert ask(space="pid:[1]", pid_started=1) is None
