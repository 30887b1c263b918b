"""The program's world: forks, signals, closed descriptors, no garbage collector, no working directory, embedding."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from anew import Store
from anew.record.events import Captured

from .reading import events, metadata, points, state

HEAD = """
import os, signal, sys, time
from anew import Experiment
ROOT = {root!r}
"""


def run(
    root: Path, program: str, *options: str, shell: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run a program in a process of its own; it has `Experiment` and `ROOT`."""
    source = HEAD.format(root=str(root)) + program
    command = [sys.executable, "-W", "ignore", *options, "-c", source]
    if shell:
        command = ["sh", "-c", f'exec "$@" {shell}', "sh", *command]
    return subprocess.run(command, capture_output=True, text=True, timeout=200)


@pytest.mark.parametrize("after", [0.1, 0.13, 0.2])
def test_a_fork_soon_after_the_start_does_not_inherit_a_half_imported_module(
    root: Path, after: float
) -> None:
    done = run(
        root,
        f"""
with Experiment("a/b", root=ROOT) as e:
    e.log_metric("x", 1.0, step=0)
    time.sleep({after})
    pid = os.fork()
    if pid == 0:
        import faulthandler
        faulthandler.dump_traceback_later(60, exit=True)
        for i in range(400): e.log_metric("child", float(i), step=i)
        import msgspec, psutil
        msgspec.json.encode(1)
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
sys.exit(code)
""",
    )
    assert done.returncode == 0, done.stderr
    assert [v for *_, name, v in points(root / "a" / "b") if name == "child"] == list(range(400))


def test_a_child_that_closes_all_descriptors_writes_into_no_file_of_its_own(root: Path) -> None:
    """As a daemon does, which then opens its files under the same numbers."""
    done = run(
        root,
        """
with Experiment("a/b", root=ROOT, system_metrics=0) as e:
    time.sleep(0.5)
    for i in range(400): e.log_metric("x", float(i), step=i)
    pid = os.fork()
    if pid == 0:
        os.closerange(3, 256)
        own = [os.open(os.path.join(ROOT, "own.txt"), os.O_RDWR | os.O_CREAT) for _ in range(30)]
        for i in range(400): e.log_metric("child", float(i), step=i)
        print("printed by the child")
        for fd in own: os.write(fd, b"")  # they are open still
        os._exit(os.path.getsize(os.path.join(ROOT, "own.txt")))
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
sys.exit(code)
""",
    )
    assert done.returncode == 0, done.stderr
    found = points(root / "a" / "b")
    assert [v for *_, name, v in found if name == "child"] == list(range(400))
    assert [v for *_, name, v in found if name == "x"] == list(range(400))


def test_standard_descriptors_that_are_closed_are_not_taken_for_records(root: Path) -> None:
    run(
        root,
        """
with Experiment("a/b", root=ROOT, system_metrics=0) as e:
    for i in range(5):
        for fd in (0, 1, 2):
            try: os.write(fd, b"printed by a C library")
            except OSError: pass
        e.log_metric("x", float(i), step=i); e.log("message")
""",
        shell="<&- >&- 2>&-",
    )
    folder = root / "a" / "b"
    assert [s for _, s, *_ in points(folder)] == [0, 1, 2, 3, 4]
    assert state(folder).outcome()[0] == "completed"
    written = [file for kind in ("metrics", "logs") for file in (folder / kind).iterdir()]
    assert written
    assert not [file for file in written if b"C library" in file.read_bytes()]


def test_what_a_signal_handler_raises_reaches_the_program_from_a_print(root: Path) -> None:
    done = run(
        root,
        """
class Timeout(Exception): pass
class Late(TimeoutError): pass
fired = caught = 0
def alarm(*_):
    global fired
    fired += 1
    raise (Timeout if fired % 2 else Late)
sys.stdout = open(os.devnull, "w")
with Experiment("a/b", root=ROOT, system_metrics=0, quiet=True) as e:
    signal.signal(signal.SIGALRM, alarm)
    end = time.time() + 1.0
    while time.time() < end:
        try:
            signal.setitimer(signal.ITIMER_REAL, 0.0003)
            for _ in range(400): print("line")
            time.sleep(0.01)
        except (Timeout, Late): caught += 1
    signal.setitimer(signal.ITIMER_REAL, 0)
    lost = e.lost
print(fired, caught, lost, file=sys.__stdout__)
""",
    )
    fired, caught, lost = map(int, done.stdout.split())
    assert fired == caught > 0
    assert lost == 0


def test_a_signal_handler_may_log_while_the_program_logs(root: Path) -> None:
    done = run(
        root,
        """
errors, calls = [], 0
with Experiment("a/b", root=ROOT, quiet=True, system_metrics=0) as e:
    def handler(*_):
        global calls
        try:
            for i in range(3): e.log_metric("h", 1.0); calls += 1
            e.log("in a handler")
        except BaseException as x: errors.append(repr(x))
    signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, .0005, .0005)
    for i in range(3000): e.log_metric("x", float(i), step=i)
    signal.setitimer(signal.ITIMER_REAL, 0)
import json
print(json.dumps([calls, errors]))
""",
    )
    calls, errors = json.loads(done.stdout)
    assert errors == []
    found = points(root / "a" / "b")
    assert sorted(v for *_, name, v in found if name == "x") == list(range(3000))
    assert sum(name == "h" for *_, name, _ in found) == calls


def test_without_a_garbage_collector_ended_experiments_hold_no_descriptors(root: Path) -> None:
    done = run(
        root,
        """
import gc
gc.disable()
def count(): return len(os.listdir("/proc/self/fd"))
for i in range(12):
    with Experiment(f"a/e{i}", root=ROOT, quiet=True, system_metrics=0) as e:
        e.log_metric("loss", 1.0); e.log("message")
    if i == 1: before = count()
print(count() - before)
""",
    )
    assert int(done.stdout) <= 0, done.stderr


def test_a_function_kept_from_an_experiment_that_ended_says_so(root: Path) -> None:
    done = run(
        root,
        """
with Experiment("a/b", root=ROOT, quiet=True, system_metrics=0) as e:
    time.sleep(0.5)
    log = e.log_metric
    for i in range(3): log("x", float(i), step=i)
others = [os.open(os.devnull, os.O_WRONLY) for _ in range(20)]
try: log("x", 9.0)
except Exception as error: print(type(error).__name__)
""",
    )
    assert done.stdout == "NotRunning\n", done.stderr
    assert len(points(root / "a" / "b")) == 3


def test_an_experiment_needs_no_working_directory(root: Path, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    done = run(
        root,
        f"""
os.mkdir({str(gone)!r}); os.chdir({str(gone)!r}); os.rmdir({str(gone)!r})
with Experiment("a/b", root=ROOT) as e:
    e.log_metric("x", 1.0); e.params.set(lr=1.0); e.files().save(b"text", name="a.txt")
    print("printed")
""",
    )
    assert done.returncode == 0, done.stderr
    assert state(root / "a" / "b").outcome()[0] == "completed"


def test_an_experiment_runs_in_an_interpreter_inside_another_program(root: Path) -> None:
    """Such an interpreter may have no arguments, no executable and no streams."""
    done = run(
        root,
        """
for name in ("argv", "orig_argv", "executable", "stdin", "__stdin__"):
    delattr(sys, name)
sys.executable = None
sys.stdout = sys.stderr = sys.__stdout__ = sys.__stderr__ = None
del sys.modules["__main__"]
with Experiment("a/b", root=ROOT) as e:
    e.log_metric("x", 1.0)
    print("nowhere")
""",
    )
    assert done.returncode == 0, done.stderr
    got = state(root / "a" / "b")
    assert got.outcome()[0] == "completed"
    assert "problems" not in got.captured


def test_an_experiment_runs_under_python_s_options(root: Path) -> None:
    for number, options in enumerate((["-O"], ["-OO"], ["-I", "-S"], ["-X", "dev"])):
        name = f"a/run{number}"
        extra = f"import sys; sys.path[:] = {sys.path!r}\n"
        done = subprocess.run(
            [sys.executable, "-W", "ignore", *options, "-c", extra + HEAD.format(root=str(root)) + f"""
with Experiment({name!r}, root=ROOT, params={{"lr": 1}}, tags=["t"], system_metrics=0) as e:
    e.log_metric("x", 1.0); e.log("message"); print("printed")
"""],
            capture_output=True, text=True, timeout=200,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        got = state(root / name)
        assert got.outcome()[0] == "completed"
        assert "problems" not in got.captured
        assert got.params == {"lr": 1}


def task(root: Path, rank: int, program: str) -> subprocess.Popen[str]:
    """One of two tasks that `srun` starts."""
    slurm = {
        "SLURM_PROCID": str(rank), "SLURM_LOCALID": str(rank), "SLURM_NTASKS": "2",
        "SLURM_JOB_ID": "7", "SLURM_STEP_ID": "0",
    }  # fmt: skip
    return subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", HEAD.format(root=str(root)) + program],
        env={**os.environ, **slurm}, text=True,
    )  # fmt: skip


@pytest.mark.parametrize("seconds", [0, 2.5])
def test_a_task_that_is_an_experiment_of_its_own_has_all_that_one_has(
    root: Path, seconds: float
) -> None:
    program = f"""
with Experiment(f"a/sweep-{{os.environ['SLURM_PROCID']}}", root=ROOT, system_metrics=0.2, params={{"lr": 1}}) as e:
    e.log_metric("x", 1.0, step=0); time.sleep({seconds})
"""
    for one in [task(root, rank, program) for rank in (0, 1)]:
        assert one.wait(200) == 0
    for rank in (0, 1):
        got = state(root / "a" / f"sweep-{rank}")
        assert got.outcome()[0] == "completed"
        assert {"command", "environment", "hardware", "seeds"} <= got.captured.keys()
        assert got.params == {"lr": 1}
        [lines] = (root / "a" / f"sweep-{rank}" / "metrics").iterdir()
        assert ("system/" in lines.read_text()) == bool(seconds)


def test_a_rank_whose_lead_is_there_leaves_it_to_the_lead(root: Path) -> None:
    program = """
rank = os.environ["SLURM_PROCID"]
with Experiment("a/b", root=ROOT, system_metrics=0.2, params={"rank": rank}) as e:
    e.log_metric("x", 1.0, step=0)
    open(os.path.join(ROOT, "there" + rank), "w").close()
    while not all(os.path.exists(os.path.join(ROOT, "there" + r)) for r in "01"): time.sleep(0.02)
"""
    for one in [task(root, rank, program) for rank in (1, 0)]:
        assert one.wait(200) == 0
    by_writer = {
        writer for writer, event in events(root / "a" / "b") if isinstance(event, Captured)
    }
    assert len(by_writer) == 1
    assert "main" in by_writer.pop()
    assert state(root / "a" / "b").params == {"rank": "0"}


@pytest.mark.parametrize(
    ("end", "status"),
    [
        ("", "completed"),
        ("raise ValueError('diverged')", "failed"),
        ("os._exit(0)", "failed"),  # nothing says that it came to its end
    ],
)
def test_a_daemon_goes_on_in_place_of_the_process_it_came_from(
    root: Path, end: str, status: str
) -> None:
    done = run(
        root,
        """
from anew.journal.liveness import runs
e = Experiment("a/b", root=ROOT, system_metrics=0, quiet=True, params={"lr": 1})
e.run.start()
e.log_metric("x", 0.0, step=0)
parent = os.getpid()
if os.fork():
    os._exit(0)
os.setsid()
while runs(parent, 0) is not False: time.sleep(0.01)
for i in range(1, 6): e.log_metric("x", float(i), step=i)
assert str(e.status) == "running"
"""
        + end,
    )
    assert done.returncode == 0, done.stderr
    folder = root / "a" / "b"
    assert [v for *_, v in points(folder)] == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]
    [view] = Store(root).list()
    assert view.status == status
    assert view.params["lr"] == 1
    if "exit" not in end:
        assert metadata(folder)["status"] == status


def test_what_a_program_does_at_its_exit_may_log(root: Path) -> None:
    done = run(
        root,
        """
import atexit
e = Experiment("a/b", root=ROOT, system_metrics=0, quiet=True)
atexit.register(lambda: e.log_metric("x", 1.0, step=1))
e.run.start()
e.log_metric("x", 0.0, step=0)
""",
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert [v for *_, v in points(root / "a" / "b")] == [0.0, 1.0]
    assert state(root / "a" / "b").outcome() == ("completed", None)


@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize(("end", "status"), [("", "completed"), ("sys.exit('diverged')", "failed")])
def test_a_daemon_goes_on_also_where_its_parent_came_to_its_end(
    root: Path, end: str, status: str, at_once: bool
) -> None:
    done = run(
        root,
        f"""
from anew.journal.liveness import runs
e = Experiment("a/b", root=ROOT, system_metrics=0, quiet=True)
e.run.start()
e.log_metric("x", 0.0, step=0)
parent, (reading, writing) = os.getpid(), os.pipe()
if os.fork():
    os.read(reading, 1)
    sys.exit(0)
if {at_once}: e.log_metric("x", 1.0, step=1)
os.write(writing, b"x")
while runs(parent, 0) is not False: time.sleep(0.01)
for i in range(1 + {at_once}, 4): e.log_metric("x", float(i), step=i)
{end}
""",
    )
    assert done.returncode == 0, done.stderr
    folder = root / "a" / "b"
    assert sorted(v for *_, v in points(folder)) == [0.0, 1.0, 2.0, 3.0]
    assert state(folder).outcome()[0] == status
    assert metadata(folder)["status"] == status


def test_a_daemon_that_exits_while_it_takes_its_parent_s_place_ends_the_experiment(
    root: Path,
) -> None:
    done = run(
        root,
        """
import threading
from anew.tracking import recording
recording.ALONE_AFTER = 0.05
taking, take_over = threading.Event(), recording.Recording.take_over
def slowly(self):
    if threading.current_thread() is not threading.main_thread():
        taking.set()
        time.sleep(0.3)
    take_over(self)
recording.Recording.take_over = slowly
recording.Recording._leave = lambda self: time.sleep(0.6)
e = Experiment("a/b", root=ROOT, system_metrics=0, quiet=True)
e.run.start()
e.log_metric("x", 0.0, step=0)
reading, writing = os.pipe()
if os.fork():
    os.read(reading, 1)
    sys.exit(0)
e.log_metric("x", 1.0, step=1)
os.write(writing, b"x")
assert taking.wait(300)
""",
    )
    assert (done.returncode, done.stderr) == (0, "")
    folder = root / "a" / "b"
    assert state(folder).outcome()[0] == "completed"
    assert metadata(folder)["status"] == "completed"


def test_a_helper_that_outlives_a_failed_program_does_not_change_how_it_ended(root: Path) -> None:
    done = run(
        root,
        """
from anew.journal.liveness import runs
e = Experiment("a/b", root=ROOT, system_metrics=0, quiet=True)
e.run.start()
parent, (reading, writing) = os.getpid(), os.pipe()
if os.fork():
    os.read(reading, 1)
    sys.exit(3)
e.log_metric("x", 1.0, step=1)
os.write(writing, b"x")
while runs(parent, 0) is not False: time.sleep(0.01)
e.log_metric("x", 2.0, step=2)
""",
    )
    assert done.returncode == 3, done.stderr
    assert state(root / "a" / "b").outcome() == ("failed", "exit code 3")


def test_a_process_that_outlives_the_experiment_it_came_from_changes_nothing(root: Path) -> None:
    done = run(
        root,
        """
reading, writing = os.pipe()
with Experiment("a/b", root=ROOT, system_metrics=0, quiet=True) as e:
    e.log_metric("x", 0.0, step=0)
    child = os.fork()
    if child == 0:
        os.close(writing)
        os.read(reading, 1)  # its parent is gone
        time.sleep(0.2)
        sys.stdout.close()
        sys.exit(3)
os._exit(0)
""",
    )
    assert done.returncode == 0, done.stderr
    assert state(root / "a" / "b").outcome() == ("completed", None)
