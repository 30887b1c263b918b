"""The program as a process: pipes, signals, encodings, imports."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
import time

import pytest

PROGRAM = (sys.executable, "-m", "anew")


def process(root, *arguments, **options):
    return subprocess.run(
        [*PROGRAM, "--root", str(root), *arguments],
        capture_output=True,
        text=True,
        timeout=600,
        **options,
    )


def test_it_runs_as_a_module_and_prints_json(made):
    done = process(made, "list", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["total"] == 6


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["list", "params.lr > 100"], 0),
        (["list", "params.lr >"], 2),
        (["nonsense"], 2),
        (["show", "zzzzzz"], 3),
        (["delete", "baseline"], 5),
    ],
)
def test_exit_codes_reach_the_shell(made, arguments, code):
    done = process(made, *arguments, stdin=subprocess.DEVNULL)
    assert done.returncode == code
    assert "Traceback" not in done.stderr


def test_a_reader_that_leaves_early_is_no_failure_of_ours(made):
    script = f"{sys.executable} -m anew --root {made} export --help; for i in 1 2 3; do {sys.executable} -m anew --root {made} list; done"
    done = subprocess.run(
        ["bash", "-c", f"({script}) | head -n 1"], capture_output=True, text=True, timeout=600
    )
    assert (done.returncode, done.stderr.count("Traceback"), done.stderr.count("Errno")) == (
        0,
        0,
        0,
    )


def test_a_closed_pipe_ends_it_like_any_program(made):
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [*PROGRAM, "--root", str(made), "list", "--json"],
        stdout=write, stderr=subprocess.PIPE, text=True, timeout=600,
    )  # fmt: skip
    os.close(write)
    assert (done.returncode, done.stderr) == (141, "")


def test_characters_that_cannot_be_encoded_are_escaped(made):
    done = process(
        made, "list", "--sparklines", env={**os.environ, "PYTHONIOENCODING": "ascii", "LC_ALL": "C"}
    )
    assert done.returncode == 0
    assert done.stdout.isascii()
    assert "#" in done.stdout or "@" in done.stdout


WRITER = """
import sys, time
from anew import Experiment
with Experiment("alice/live/run", root=sys.argv[1], quiet=True, console="on", system_metrics=0) as exp:
    exp.log("first message")
    exp.log_metrics({"loss": 2.0}, step=0)
    exp.log_metrics({"loss": 1.0}, step=1)
    print("on the console", flush=True)
    print("ready", file=sys.stderr, flush=True)
    sys.stdin.readline()
    exp.log("last message")
"""


@pytest.fixture
def live(tmp_path):
    """A root and a process that writes an experiment there until a line is written to it."""
    root = tmp_path / "experiments"
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(root)],
        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert "ready" in writer.stderr.readline()
    yield root, writer
    writer.kill()
    writer.wait()
    writer.stdin.close()
    writer.stderr.close()


def follower(root, *options):
    return subprocess.Popen(
        [*PROGRAM, "--root", str(root), "logs", "alice/live/run", "-f", "-q", *options],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def test_following_prints_messages_as_they_come_and_ends_with_the_experiment(live):
    root, writer = live
    reader = follower(root)
    assert reader.stdout.readline() == "first message\n"
    assert reader.poll() is None
    writer.stdin.write("go on\n")
    writer.stdin.flush()
    out, err = reader.communicate(timeout=600)
    assert (reader.returncode, out, err) == (0, "last message\n", "")


def test_following_the_console_prints_what_the_program_prints(live):
    root, writer = live
    reader = follower(root, "--console")
    lines = [reader.stdout.readline(), reader.stdout.readline()]
    assert "on the console\n" in lines
    writer.stdin.write("go on\n")
    writer.stdin.flush()
    reader.communicate(timeout=600)
    assert reader.returncode == 0


def test_ctrl_c_while_following_leaves_quietly(live):
    root, _ = live
    reader = follower(root)
    reader.stdout.readline()
    reader.send_signal(signal.SIGINT)
    out, err = reader.communicate(timeout=600)
    assert reader.returncode == 130
    assert "Traceback" not in err
    assert out == ""


def test_a_killed_writer_ends_the_following_and_is_shown_failed(live):
    root, writer = live
    reader = follower(root)
    reader.stdout.readline()
    writer.send_signal(signal.SIGKILL)
    writer.wait()
    reader.communicate(timeout=600)
    assert reader.returncode == 0
    shown = json.loads(process(root, "show", "alice/live/run", "--json").stdout)
    assert shown["status"] == "failed"
    assert "vanished" in shown["reason"]


def on_terminal(arguments, typed=b"", columns=100):
    """Run on a pseudo-terminal; the exit code and what was shown."""
    leader, end = pty.openpty()
    started = subprocess.Popen(
        [*PROGRAM, *arguments], stdin=end, stdout=end, stderr=end,
        env={**os.environ, "TERM": "xterm-256color", "COLUMNS": str(columns), "LINES": "30"},
    )  # fmt: skip
    os.close(end)
    os.write(leader, typed)
    seen = b""
    while True:
        try:
            piece = os.read(leader, 4096)
        except OSError:
            break
        if not piece:
            break
        seen += piece
    os.close(leader)
    return started.wait(300), seen.decode()


@pytest.mark.parametrize(("typed", "code"), [(b"n\n", 5), (b"\n", 5), (b"y\n", 0)])
def test_a_deletion_is_asked_about_on_a_terminal(store_root, typed, code):
    got, seen = on_terminal(["--root", str(store_root), "delete", "bob/nlp/broken"], typed)
    assert "Delete bob/nlp/broken (they go to the trash)? [y/N]" in seen.replace("\r\n", "")
    assert got == code
    assert (store_root / "bob/nlp/broken").exists() == (code == 5)


def test_colour_can_be_turned_off(made, monkeypatch):
    red = re.compile(r"\x1b\[[0-9;]*3[0-9]m")
    assert red.search(on_terminal(["--root", str(made), "list"])[1])
    assert not red.search(on_terminal(["--root", str(made), "--no-color", "list"])[1])
    monkeypatch.setenv("NO_COLOR", "1")
    assert not red.search(on_terminal(["--root", str(made), "list"])[1])


def test_watching_on_a_terminal_draws_until_ctrl_c(live):
    root, _ = live
    leader, follower_end = pty.openpty()
    watcher = subprocess.Popen(
        [*PROGRAM, "--root", str(root), "watch", "-i", "0.2"],
        stdin=follower_end, stdout=follower_end, stderr=follower_end,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "100", "LINES": "20"},
    )  # fmt: skip
    os.close(follower_end)
    seen = b""
    deadline = time.monotonic() + 300
    while "▁".encode() not in seen and time.monotonic() < deadline:
        seen += os.read(leader, 4096)
    assert b"alice/live/run" in seen
    assert "▁".encode() in seen, "a sparkline, in the characters of the terminal"
    watcher.send_signal(signal.SIGINT)
    while True:
        try:
            if not os.read(leader, 4096):
                break
        except OSError:
            break
    assert watcher.wait(300) == 130
    os.close(leader)


def test_listing_loads_nothing_heavy(made):
    code = (
        "import sys\n"
        "from anew.cli.main import cli\n"
        f"cli.main(['--root', {str(made)!r}, 'list'], standalone_mode=False)\n"
        "print([m for m in ('matplotlib', 'pandas', 'polars', 'pyarrow') if m in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=600)
    assert done.stdout.splitlines()[-1] == "[]", done.stderr


def test_help_loads_no_store():
    code = (
        "import sys\n"
        "from anew.cli.main import cli\n"
        "cli.main(['--help'], standalone_mode=False)\n"
        "print([m for m in ('sqlalchemy', 'numpy', 'rich', 'anew.store') if m in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=600)
    assert done.stdout.splitlines()[-1] == "[]", done.stderr


def test_bash_completes_commands():
    done = subprocess.run(
        PROGRAM,
        env={**os.environ, "_ANEW_COMPLETE": "bash_complete", "COMP_WORDS": "anew comp", "COMP_CWORD": "1"},
        capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    assert done.stdout.splitlines() == ["plain,compare", "plain,completion"]


def test_a_full_disk_behind_the_output_is_an_error(made):
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [*PROGRAM, "--root", str(made), "list"], stdout=full, stderr=subprocess.PIPE, text=True, timeout=600
        )  # fmt: skip
    assert done.returncode == 1
    assert "No space left" in done.stderr
    assert "Exception ignored" not in done.stderr


def test_closed_streams_do_not_crash_it(made):
    line = f"{sys.executable} -m anew --root {made} list >&- 2>&-"
    assert subprocess.run(["bash", "-c", line], timeout=600).returncode == 0


def test_looking_where_nothing_is_yet_says_where_it_looked(tmp_path):
    done = subprocess.run(
        [*PROGRAM, "list"], capture_output=True, text=True, timeout=600, cwd=tmp_path
    )
    assert done.returncode == 0
    assert f"no experiments in {tmp_path}/experiments" in done.stderr
    assert list(tmp_path.iterdir()) == []
