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
    program = START.format(root=str(root)) + program.replace("ROOT", repr(str(root)))
    command = [sys.executable, *(options or ("-c", program))]
    subprocess.run(command, capture_output=True, text=True, timeout=100, **more)
    status, reason = state(root / "a" / "b").outcome()
    return status.value, reason or ""


@pytest.mark.parametrize(
    ("end", "status", "reason"),
    [
        ("sys.exit('loss diverged')", "failed", "loss diverged"),
        ("sys.exit(0)", "completed", ""),
        ("def main(): sys.exit(4)\nwith open(sys.executable): main()", "failed", "4"),
        ("try: sys.exit(5)\nfinally: print('tidy up')", "failed", "5"),
        ("exit(6)", "failed", "6"),
        ("from sys import exit\nanew.finish(); anew.start('a/b', root=ROOT, resume='allow')\nexit(7)", "failed", "7"),
        ("def main(): quit('no')\nmain()", "failed", "no"),
        ("raise SystemExit", "completed", ""),
        ("def main(): return int('3')\nraise SystemExit(main())", "failed", "3"),
        ("def main(): return int('0')\nraise SystemExit(main())", "completed", ""),
        ("def main(code): raise SystemExit(code)\nmain(int('8'))", "failed", "8"),
        ("class Own(SystemExit): pass\nraise Own('no data')", "failed", "no data"),
        ("error = SystemExit(9)\nraise error", "failed", "9"),
        ("import argparse\nargparse.ArgumentParser().error('no such option')", "failed", "2"),
        ("import asyncio\nasync def main(): sys.exit(10)\nasyncio.run(main())", "failed", "10"),
        ("try: sys.exit(3)\nexcept SystemExit: pass", "completed", ""),
        ("try: sys.exit(3)\nexcept SystemExit as error: print(error.code)\nsys.exit(0)", "completed", ""),
        ("import threading\nt = threading.Thread(target=sys.exit, args=(3,))\nt.start(); t.join()", "completed", ""),
        ("import atexit\natexit.register(sys.exit, 3)", "completed", ""),
        ("try: sys.exit(3)\nexcept SystemExit: pass\n1 / 0", "failed", "ZeroDivisionError"),
    ],
)  # fmt: skip
def test_the_code_that_the_program_exits_with_decides(
    root: Path, end: str, status: str, reason: str
) -> None:
    got = outcome(root, end)
    assert got[0] == status
    assert reason in got[1]


@pytest.mark.parametrize("way", [("-m", "train"), ("train.py",)], ids=["module", "script"])
def test_a_module_and_a_script_end_by_their_code_too(
    root: Path, tmp_path: Path, way: tuple[str, ...]
) -> None:
    (tmp_path / "train.py").write_text(
        START.format(root=str(root)) + "def main(): return int('9')\nraise SystemExit(main())\n"
    )
    assert outcome(root, "", *way, cwd=tmp_path) == ("failed", "exit code 9")


def test_an_exit_whose_code_cannot_be_seen_is_not_called_completed(root: Path) -> None:
    hidden = "class Hidden(SystemExit):\n  code = property(lambda self: 0)\nraise Hidden"
    status, _ = outcome(root, hidden)
    assert (status == "failed") is (sys.version_info < (3, 12))


def test_an_error_of_an_interactive_session_does_not_fail_what_goes_on(root: Path) -> None:
    cells = START.format(root=str(root)) + "typo\nanew.log_metric('x', 2.0, step=1)\n"
    assert outcome(root, "", "-i", "-q", input=cells) == ("completed", "")
    assert outcome(root, "", "-i", "-q", input=cells + "sys.exit('diverged')\n")[0] == "failed"


def test_a_thread_that_fails_does_not_end_the_program(root: Path) -> None:
    program = "import threading\nt = threading.Thread(target=lambda: 1 / 0)\nt.start(); t.join()"
    assert outcome(root, program) == ("completed", "")


def test_what_sees_the_exit_is_there_only_while_an_experiment_runs(root: Path) -> None:
    code, leave = vars(SystemExit)["code"], sys.exit
    with opened(root), opened(root, "a/c"):
        kept = SystemExit(3)
        assert kept.code == 3
        kept.code = 4
        assert kept.code == 4
        with pytest.raises(SystemExit) as left:
            sys.exit("told")
        assert left.value.code == "told"
    assert vars(SystemExit)["code"] is code
    assert sys.exit is leave
    assert kept.code == 4
    assert SystemExit.code is code


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
