"""Whether a writer's process is still there."""

from __future__ import annotations

import os
import subprocess
import sys

from anew.journal.liveness import (
    HEARTBEATS_MISSED,
    boot_id,
    host_name,
    pid_space,
    process_started,
    seems_gone,
)


def ask(**changes: object) -> tuple[str, bool] | None:
    pid = os.getpid()
    facts: dict[str, object] = {
        "host": host_name(),
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


def test_a_process_that_ended_is_gone_for_certain() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    started = process_started(child.pid)
    assert ask(pid=child.pid, pid_started=started) is None
    child.kill()
    child.communicate()
    gone = ask(pid=child.pid, pid_started=started)
    assert gone is not None
    assert gone[1]
    assert str(child.pid) in gone[0]


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


def test_another_boot_of_the_same_machine_is_certain() -> None:
    gone = ask(boot="another")
    assert gone is not None
    assert gone[1]
    assert "restarted" in gone[0]


def test_elsewhere_only_the_heartbeat_speaks_and_never_for_certain() -> None:
    assert ask(host="elsewhere", silent_for=HEARTBEATS_MISSED - 0.1) is None
    gone = ask(host="elsewhere", silent_for=HEARTBEATS_MISSED + 0.1)
    assert gone is not None
    assert not gone[1]


def test_another_process_space_says_nothing_about_a_process_id() -> None:
    assert ask(space="pid:[1]", pid_started=1) is None
