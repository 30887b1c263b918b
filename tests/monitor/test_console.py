"""Console capture."""

from __future__ import annotations

import contextlib
import copy
import functools
import io
import logging
import os
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import NoneType
from typing import ParamSpec

import pytest

from anew.monitor.console import ConsoleCapture

P = ParamSpec("P")


def on_a_console(test: Callable[P, None]) -> Callable[P, None]:
    """Run a test on streams of its own, and see that it leaves them as it found them."""

    @functools.wraps(test)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> None:
        before = sys.stdout, sys.stderr
        sys.stdout, sys.stderr = io.StringIO(), io.StringIO()
        try:
            test(*args, **kwargs)
            assert type(sys.stdout) in (io.StringIO, NoneType)
            assert type(sys.stderr) is io.StringIO
        finally:
            sys.stdout, sys.stderr = before

    return wrapped


def shown() -> str:
    stream = sys.stdout
    stream = getattr(stream, "original", stream)
    assert isinstance(stream, io.StringIO)
    return stream.getvalue()


@on_a_console
def test_what_is_printed_is_shown_and_kept(tmp_path: Path) -> None:
    out, err = sys.stdout, sys.stderr
    capture = ConsoleCapture(str(tmp_path / "logs" / "train.log"))
    print("before")
    capture.start()
    assert capture.running
    print("epoch 1")
    print("careful", file=sys.stderr)
    sys.stdout.writelines(["a\n", "b\n"])
    assert sys.stdout.write("four") == 4
    capture.stop()
    assert not capture.running
    print("after")
    assert (tmp_path / "logs" / "train.log").read_text() == "epoch 1\ncareful\na\nb\nfour\n"
    assert sys.stdout is out
    assert sys.stderr is err
    assert shown() == "before\nepoch 1\na\nb\nfourafter\n"


@on_a_console
def test_a_complete_line_is_in_the_file_when_print_returns(tmp_path: Path) -> None:
    path = tmp_path / "train.log"
    capture = ConsoleCapture(str(path))
    capture.start()
    print("epoch", end="")
    assert path.read_text() == ""
    print(" 1")
    assert path.read_text() == "epoch 1\n"
    capture.stop()


@on_a_console
def test_starting_and_stopping_twice_is_harmless(tmp_path: Path) -> None:
    out = sys.stdout
    capture = ConsoleCapture(str(tmp_path / "train.log"))
    capture.stop()
    capture.start()
    capture.start()
    print("once")
    capture.stop()
    capture.stop()
    assert (tmp_path / "train.log").read_text() == "once\n"
    assert sys.stdout is out


@on_a_console
def test_a_capture_may_be_started_again_and_appends(tmp_path: Path) -> None:
    path = tmp_path / "train.log"
    path.write_text("killed in the mid")
    capture = ConsoleCapture(str(path))
    for text in ("one", "two"):
        capture.start()
        print(text)
        capture.stop()
    assert path.read_text() == "killed in the mid\none\ntwo\n"


@on_a_console
@pytest.mark.parametrize("order", ["inner first", "outer first"])
def test_nested_captures_each_keep_what_is_printed_while_they_are_open(
    tmp_path: Path, order: str
) -> None:
    out = sys.stdout
    outer, inner = ConsoleCapture(str(tmp_path / "outer")), ConsoleCapture(str(tmp_path / "inner"))
    outer.start()
    print("one")
    inner.start()
    print("two")
    first, second = (inner, outer) if order == "inner first" else (outer, inner)
    first.stop()
    print("three")
    second.stop()
    print("four")
    assert sys.stdout is out
    assert shown() == "one\ntwo\nthree\nfour\n"
    inner_tail, outer_tail = ("", "three\n") if order == "inner first" else ("three\n", "")
    assert (tmp_path / "outer").read_text() == "one\ntwo\n" + outer_tail
    assert (tmp_path / "inner").read_text() == "two\n" + inner_tail


@on_a_console
def test_a_stream_put_over_the_tee_is_left_alone_and_still_works(tmp_path: Path) -> None:
    class Shout:
        def __init__(self, below: io.TextIOBase) -> None:
            self.below = below

        def write(self, text: str) -> int:
            return self.below.write(text.upper())

    original = sys.stdout
    capture = ConsoleCapture(str(tmp_path / "a"))
    capture.start()
    over = Shout(sys.stdout)  # type: ignore[arg-type]
    sys.stdout = over  # type: ignore[assignment]
    print("seen")
    second = ConsoleCapture(str(tmp_path / "b"))
    second.start()
    print("both")
    capture.stop()
    print("second")
    second.stop()
    assert sys.stdout is over
    print("neither")
    sys.stdout = original
    assert (tmp_path / "a").read_text() == "SEEN\nBOTH\n"
    assert (tmp_path / "b").read_text() == "both\nsecond\n"
    assert shown() == "SEEN\nBOTH\nSECOND\nNEITHER\n"


@on_a_console
def test_output_redirected_by_the_program_goes_where_it_was_sent(tmp_path: Path) -> None:
    capture = ConsoleCapture(str(tmp_path / "a"))
    capture.start()
    elsewhere = io.StringIO()
    with contextlib.redirect_stdout(elsewhere):
        print("away")
    print("here")
    capture.stop()
    assert elsewhere.getvalue() == "away\n"
    assert (tmp_path / "a").read_text() == "here\n"


@on_a_console
def test_without_a_console_output_is_kept_all_the_same(tmp_path: Path) -> None:
    sys.stdout = None
    capture = ConsoleCapture(str(tmp_path / "a"))
    capture.start()
    print("hello", flush=True)
    assert not sys.stdout.isatty()
    assert sys.stdout.encoding == "utf-8"
    with pytest.raises(OSError, match="no console"):
        sys.stdout.fileno()
    with pytest.raises(AttributeError):
        sys.stdout.buffer  # noqa: B018
    capture.stop()
    assert sys.stdout is None
    assert (tmp_path / "a").read_text() == "hello\n"


@on_a_console
def test_a_closed_console_fails_as_it_would_have(tmp_path: Path) -> None:
    capture = ConsoleCapture(str(tmp_path / "a"))
    capture.start()
    sys.stdout.close()
    with pytest.raises(ValueError, match="closed"):
        print("lost")
    capture.stop()


@on_a_console
def test_everything_else_is_asked_of_the_original(tmp_path: Path) -> None:
    raw = io.BytesIO()
    original = io.TextIOWrapper(raw, encoding="latin-1", errors="replace")
    sys.stdout = original
    capture = ConsoleCapture(str(tmp_path / "a"))
    capture.start()
    assert sys.stdout.encoding == "latin-1"
    assert sys.stdout.errors == "replace"
    assert sys.stdout.buffer is raw
    assert not sys.stdout.isatty()
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    sys.stdout.mark = 1  # type: ignore[attr-defined]
    assert original.mark == 1  # type: ignore[attr-defined]
    with pytest.raises(io.UnsupportedOperation):
        sys.stdout.fileno()
    with pytest.raises(TypeError):
        sys.stdout.write(b"bytes")  # type: ignore[arg-type]
    print("日本 é \ud800", flush=True)
    capture.stop()
    assert raw.getvalue() == "?? é ?\n".encode("latin-1")
    assert (tmp_path / "a").read_text() == "日本 é \\ud800\n"
    sys.stdout = io.StringIO()


@on_a_console
def test_progress_bars_are_folded_in_each_stream_for_itself(tmp_path: Path) -> None:
    capture = ConsoleCapture(str(tmp_path / "a"))
    capture.start()
    for percent in range(0, 101, 10):
        sys.stderr.write(f"\r{percent}%")
        if percent == 50:
            print("half way")
    sys.stderr.write("\n")
    capture.stop()
    assert (tmp_path / "a").read_text() == "half way\n100%\n"


@on_a_console
def test_a_full_disk_never_raises_into_print() -> None:
    troubles: list[tuple[int, str]] = []
    capture = ConsoleCapture("/dev/full", lambda lines, reason: troubles.append((lines, reason)))
    capture.start()
    print("one")
    print("two\nthree")
    capture.stop()
    assert sum(lines for lines, _ in troubles) == 3
    assert "No space left" in troubles[0][1]
    assert shown() == "one\ntwo\nthree\n"


@on_a_console
def test_a_file_that_cannot_be_opened_is_told_and_nothing_is_captured(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    troubles: list[str] = []
    out = sys.stdout
    capture = ConsoleCapture(
        str(tmp_path / "file" / "train.log"), lambda _, reason: troubles.append(reason)
    )
    capture.start()
    print("fine")
    capture.stop()
    assert sys.stdout is out
    assert len(troubles) == 1
    assert "cannot be saved" in troubles[0]


@on_a_console
def test_a_report_that_fails_or_prints_does_no_harm() -> None:
    def report(lines: int, reason: str) -> None:
        print("trouble:", reason)
        raise RuntimeError(reason)

    capture = ConsoleCapture("/dev/full", report)
    capture.start()
    print("one")
    capture.stop()
    assert shown().startswith("one\ntrouble: /dev/full: No space left")
    assert shown().count("\n") == 2


@on_a_console
def test_logging_set_up_before_the_start_is_kept_too(tmp_path: Path) -> None:
    logger = logging.getLogger("a program")
    logger.propagate = False
    handler = logging.StreamHandler(sys.stderr)
    logger.addHandler(handler)
    original = sys.stderr
    try:
        capture = ConsoleCapture(str(tmp_path / "a"))
        capture.start()
        logger.error("from before")
        later = logging.StreamHandler()
        logger.addHandler(later)
        logger.removeHandler(handler)
        logger.error("from within")
        capture.stop()
        logger.error("afterwards")
        assert handler.stream is original
        assert later.stream is original
    finally:
        logger.removeHandler(handler)
        logger.removeHandler(later)
    assert (tmp_path / "a").read_text() == "from before\nfrom within\n"


@on_a_console
def test_what_is_printed_while_a_line_is_being_kept_comes_after_it(tmp_path: Path) -> None:
    capture = ConsoleCapture(str(tmp_path / "a"))
    capture.start()
    folder = capture._folders[0]
    feed = folder.feed

    def interrupted(text: str) -> str:  # as by a signal handler or a destructor
        folder.feed = feed  # type: ignore[method-assign]
        print("interruption")
        return feed(text)

    folder.feed = interrupted  # type: ignore[method-assign]
    sys.stdout.write("first\n")
    capture.stop()
    assert (tmp_path / "a").read_text() == "first\ninterruption\n"


@on_a_console
def test_lines_of_many_threads_are_all_kept_whole(tmp_path: Path) -> None:
    capture = ConsoleCapture(str(tmp_path / "a"))
    capture.start()

    def work(number: int) -> None:
        for line in range(500):
            sys.stdout.write(f"thread {number} line {line}\n")

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    capture.stop()
    lines = (tmp_path / "a").read_text().splitlines()
    assert sorted(lines) == sorted(f"thread {n} line {i}" for n in range(8) for i in range(500))


@on_a_console
def test_a_signal_handler_that_prints_does_not_hang_or_lose_its_line(tmp_path: Path) -> None:
    before = signal.signal(signal.SIGALRM, lambda *_: print("alarm"))
    capture = ConsoleCapture(str(tmp_path / "a"))
    try:
        capture.start()
        signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
        for number in range(20_000):
            print(number)
        signal.setitimer(signal.ITIMER_REAL, 0)
        capture.stop()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    text = (tmp_path / "a").read_text()
    assert text.count("alarm") == shown().count("alarm") > 0


KILLED = """
import os, signal, sys
from anew.monitor.console import ConsoleCapture

ConsoleCapture(sys.argv[1]).start()
for line in range(100):
    print("line", line)
print("unfinished", end="")
os.kill(os.getpid(), signal.SIGKILL)
"""

FORKED = """
import os, sys
from anew.monitor.console import ConsoleCapture

capture = ConsoleCapture(sys.argv[1])
capture.start()
print("begun by the parent,", end=" ", flush=True)
with capture._lock:  # as if another thread were printing while the process forks
    child = os.fork()
if child == 0:
    print("the child")
    sys.stdout.flush()
    os._exit(0)
os.waitpid(child, 0)
print("ended by the parent")
capture.stop()
"""


def run(code: str, *arguments: str) -> int:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, *arguments],
        capture_output=True,
        timeout=600,
        check=False,
    )
    return done.returncode


def test_a_killed_process_leaves_all_its_complete_lines(tmp_path: Path) -> None:
    path = tmp_path / "train.log"
    assert run(KILLED, str(path)) == -signal.SIGKILL
    assert path.read_text() == "".join(f"line {n}\n" for n in range(100))


def test_a_forked_child_adds_its_own_lines_and_no_others(tmp_path: Path) -> None:
    path = tmp_path / "train.log"
    assert run(FORKED, str(path)) == 0
    assert path.read_text() == "the child\nbegun by the parent, ended by the parent\n"


def test_no_descriptor_stays_open(tmp_path: Path) -> None:
    before = set(os.listdir("/proc/self/fd"))
    for _ in range(3):
        capture = ConsoleCapture(str(tmp_path / "a"))
        capture.start()
        capture.stop()
    assert len(os.listdir("/proc/self/fd")) == len(before)


@on_a_console
def test_a_write_that_is_put_over_ours_and_taken_back_is_called_once(tmp_path: Path) -> None:
    """As IPython does around each cell: it replaces `sys.stdout.write`, and puts back what it found."""
    capture = ConsoleCapture(str(tmp_path / "train.log"))
    capture.start()
    seen: list[str] = []
    found = sys.stdout.write

    def write(text: str) -> int:
        seen.append(text)
        return found(text)

    sys.stdout.write = write  # type: ignore[method-assign, assignment]
    print("one")
    sys.stdout.write = found  # type: ignore[method-assign]
    print("two")
    capture.stop()
    assert "".join(seen) == "one\n"
    assert shown() == "one\ntwo\n"
    assert (tmp_path / "train.log").read_text() == "one\ntwo\n"


@on_a_console
def test_a_copy_of_the_stream_is_the_stream(tmp_path: Path) -> None:
    capture = ConsoleCapture(str(tmp_path / "train.log"))
    capture.start()
    assert copy.deepcopy({"stream": sys.stdout})["stream"] is sys.stdout
    assert pickle.loads(pickle.dumps(sys.stderr)) is sys.stderr  # noqa: S301  (our own bytes)
    capture.stop()
