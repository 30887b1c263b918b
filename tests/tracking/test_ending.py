"""How an experiment ends that its program left open, and what no description of a failure can spoil."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from anew import Experiment, Status

from .reading import state


def opened(root: Path, name: str = "a/b") -> Experiment:
    return Experiment(name, root=root, console="off", system_metrics=0)


START = """
import anew, sys
anew.start("a/b", root={root!r}, console="off", system_metrics=0, resume="allow")
anew.log_metric("x", 1.0, step=0)
"""


def outcome(root: Path, program: str, *options: str, **more: Any) -> tuple[str, str]:
    """Status and reason of an experiment that a program left open; the program is run with `-c` if nothing else is said."""
    command = [sys.executable, *(options or ("-c", START.format(root=str(root)) + program))]
    subprocess.run(command, capture_output=True, text=True, timeout=100, **more)
    status, reason = state(root / "a" / "b").outcome()
    return status.value, reason or ""


@pytest.mark.parametrize(
    ("end", "status", "reason"),
    [
        ("sys.exit('loss diverged')", "failed", "loss diverged"),
        ("sys.exit(3)", "failed", "3"),
        ("sys.exit(0)", "completed", ""),
        ("def main(): sys.exit(4)\nwith open(sys.executable): main()", "failed", "4"),
        ("try: sys.exit(5)\nfinally: print('tidy up')", "failed", "5"),
        ("exit(6)", "failed", "6"),
        ("def main(): quit('no')\nmain()", "failed", "no"),
        ("raise SystemExit('diverged')", "failed", "diverged"),
        ("code = 7\nraise SystemExit(code)", "failed", "7"),
        ("raise SystemExit(0)", "completed", ""),
        ("def main(): raise SystemExit(8)\nmain()", "failed", "8"),
        ("def inner(): raise SystemExit\ndef main(): inner()\nmain()", "completed", ""),
        ("def main():\n  raise SystemExit('no data')\nraise SystemExit(main())", "failed", "no data"),
        ("def main(code): raise SystemExit(code)\nmain(0)", "failed", "not seen"),
        ("def main(x):\n  if x: raise SystemExit(0)\n  raise SystemExit(9)\nmain(0)", "failed", "not seen"),
        ("def main(): pass\nraise SystemExit(main())", "completed", "not seen"),
        ("import argparse\nargparse.ArgumentParser().error('no such option')", "failed", "2"),
        ("try: sys.exit(3)\nexcept SystemExit: pass", "completed", ""),
        ("try: sys.exit(3)\nexcept SystemExit: pass\nsys.exit(0)", "completed", ""),
        ("import threading\nt = threading.Thread(target=sys.exit, args=(3,))\nt.start(); t.join()", "completed", ""),
    ],
)  # fmt: skip
def test_the_code_that_the_program_exits_with_decides(
    root: Path, end: str, status: str, reason: str
) -> None:
    got = outcome(root, end)
    assert got[0] == status
    assert reason in got[1]


def test_a_module_run_by_its_name_ends_by_its_code_too(root: Path, tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(
        START.format(root=str(root)) + "def main(): sys.exit(9)\nmain()\n"
    )
    assert outcome(root, "", "-m", "train", cwd=tmp_path) == ("failed", "exit code 9")


def test_an_error_of_an_interactive_session_does_not_fail_what_goes_on(root: Path) -> None:
    cells = START.format(root=str(root)) + "typo\nanew.log_metric('x', 2.0, step=1)\n"
    assert outcome(root, "", "-i", "-q", input=cells) == ("completed", "")
    assert outcome(root, "", "-i", "-q", input=cells + "sys.exit('diverged')\n")[0] == "failed"


def test_a_thread_that_fails_does_not_end_the_program(root: Path) -> None:
    program = "import threading\nt = threading.Thread(target=lambda: 1 / 0)\nt.start(); t.join()"
    assert outcome(root, program) == ("completed", "")


def test_sys_exit_is_wrapped_only_while_an_experiment_runs(root: Path) -> None:
    before = sys.exit
    with opened(root):
        assert sys.exit is not before
    assert sys.exit is before


class _Unspeakable(Exception):
    def __str__(self) -> str:
        return 5  # type: ignore[return-value]


class _Rude(Exception):
    def __str__(self) -> str:
        raise SystemExit(1)


class _Endless(Exception):
    def __str__(self) -> str:
        return str(self)


@pytest.mark.parametrize(
    "error",
    [
        ValueError("cannot read caf\udce9.txt"),
        _Unspeakable(),
        _Rude(),
        _Endless(),
        ValueError("x" * 5_000_000),
        ValueError("nul \0, escape \x1b[31m, line\nend"),
        ExceptionGroup("several", [ValueError("caf\udce9"), _Unspeakable()]),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_exception_that_cannot_be_described_is_still_the_end_and_reaches_the_program(
    root: Path, error: Exception
) -> None:
    with pytest.raises(type(error)) as raised, opened(root) as exp:
        raise error
    assert raised.value is error
    assert exp.status is Status.FAILED
    status, reason = state(exp.folder).outcome()
    assert status is Status.FAILED
    assert reason
    assert len(reason) < 20_000
    assert (Path(exp.folder) / "FAILED.txt").read_bytes().decode()


def test_a_failure_of_what_belongs_to_the_end_does_not_keep_it_from_being_written(
    root: Path,
) -> None:
    with opened(root) as exp:
        recording = exp.life.recording
        assert recording is not None
        recording.capturer.finish = lambda: 1 / 0
        (Path(exp.folder) / "metadata.json").unlink()
        (Path(exp.folder) / "metadata.json").mkdir()  # cannot be replaced
    assert state(exp.folder).outcome() == (Status.COMPLETED, None)


def test_ctrl_c_during_the_end_is_passed_on_and_the_end_is_written(root: Path) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), opened(root) as exp:
        recording = exp.life.recording
        assert recording is not None
        recording.capturer.finish = interrupted
    assert state(exp.folder).outcome() == (Status.COMPLETED, None)
    assert exp.status is Status.COMPLETED
