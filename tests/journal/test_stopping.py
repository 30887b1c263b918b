"""Stopping a program: only the process that recorded is signalled, and more firmly when it goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from anew import Experiment, Store
from anew.errors import NotRunning
from anew.journal.follow import read_events
from anew.journal.liveness import process_started
from anew.journal.stopping import Stopping, processes_of, signal_process
from anew.record.fold import fold

STUBBORN = "import signal, time; signal.signal(signal.SIGINT, signal.SIG_IGN); print(1, flush=True); time.sleep(600)"


@pytest.fixture
def stubborn() -> Iterator[subprocess.Popen[str]]:
    """A process that does not care about Ctrl-C."""
    with subprocess.Popen([sys.executable, "-c", STUBBORN], stdout=subprocess.PIPE, text=True) as process:  # fmt: skip
        assert process.stdout is not None
        process.stdout.readline()
        yield process
        process.kill()


def test_a_process_is_known_by_its_start_and_never_signals_itself(
    stubborn: subprocess.Popen[str],
) -> None:
    started = process_started(stubborn.pid)
    assert not signal_process(stubborn.pid, started + 1, signal.SIGKILL)
    assert not signal_process(stubborn.pid, 0, signal.SIGKILL)
    assert not signal_process(os.getpid(), process_started(os.getpid()), signal.SIGKILL)
    assert not signal_process(1, process_started(1), signal.SIGKILL)
    assert stubborn.poll() is None
    assert signal_process(stubborn.pid, started, signal.SIGINT)


def test_a_program_that_goes_on_is_ended_more_firmly_after_a_while(
    stubborn: subprocess.Popen[str],
) -> None:
    who = stubborn.pid, process_started(stubborn.pid)
    patient = Stopping(grace=600.0)
    assert patient.ask([who], 5.0) == 1
    assert patient.ask([who], 5.0) == 0  # the same wish
    assert patient.go_on()
    assert stubborn.poll() is None
    stopping = Stopping(grace=-1.0)
    assert stopping.ask([who], 5.0) == 1
    stopping.go_on()
    assert stubborn.wait(300) == -signal.SIGTERM
    assert not stopping.go_on()


def test_a_program_on_this_machine_is_stopped_and_the_record_says_by_whom(tmp_path: Path) -> None:
    program = (
        "import sys, time\nfrom anew import Experiment\n"
        "with Experiment('a/b', root=sys.argv[1], quiet=True, system_metrics=0) as exp:\n"
        "    print(exp.id, flush=True)\n    time.sleep(600)\n"
    )
    environ = {**os.environ, "ANEW_CAPTURE": "off"}
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environ,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        experiment_id = process.stdout.readline().decode().strip()
        with Store(tmp_path) as store:
            assert store.stop(experiment_id, why="enough") == 1
            process.wait(300)
            view = store.get(experiment_id)
            assert view.status == "cancelled"
            assert view.captured["stop"]["why"] == "enough"
            with pytest.raises(NotRunning):
                view.stop()


def test_what_a_folder_says_of_another_machine_or_boot_signals_nobody(tmp_path: Path) -> None:
    with Experiment("a/b", root=tmp_path, quiet=True, system_metrics=0) as exp:
        folder = Path(exp.folder)
        here = processes_of(fold(read_events(str(folder))))
        assert here == [(os.getpid(), process_started(os.getpid()))]
        (segment,) = (folder / "journal").glob("*.jsonl")
        text = segment.read_text()
    for field in ("host", "machine", "boot", "pid_space"):
        copy = tmp_path / field
        (copy / "journal").mkdir(parents=True)
        changed = text.replace(f'"{field}":"', f'"{field}":"x')
        assert changed != text
        (copy / "journal" / segment.name).write_text(changed)
        assert processes_of(fold(read_events(str(copy)))) == []
