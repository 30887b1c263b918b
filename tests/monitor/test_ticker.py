"""The background thread."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
import time
from collections.abc import Callable

import pytest

from anew.monitor.ticker import Ticker, process_ticker


def wait_until(condition: Callable[[], object], seconds: float = 300.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.005)


def test_a_callback_is_called_again_and_again_until_it_is_cancelled() -> None:
    ticker, calls = Ticker(), []
    handle = ticker.add(lambda: calls.append(1), 0.01)
    wait_until(lambda: len(calls) >= 3)
    assert handle.cancel(wait=300)
    count = len(calls)
    time.sleep(0.05)
    assert len(calls) == count
    assert handle.cancelled


def test_nothing_is_called_before_its_first_time() -> None:
    ticker, calls = Ticker(), []
    handle = ticker.add(lambda: calls.append(1), 0.01, first_after=1000)
    other = threading.Event()
    ticker.add(other.set, None)
    assert other.wait(300)
    assert calls == []
    handle.cancel()


def test_without_an_interval_a_callback_is_called_once() -> None:
    ticker, calls = Ticker(), []
    handle = ticker.add(lambda: calls.append(1), None, first_after=0.01)
    wait_until(lambda: calls)
    wait_until(lambda: handle.cancelled)
    time.sleep(0.03)
    assert calls == [1]


def test_soon_calls_without_waiting_for_the_interval() -> None:
    ticker, called = Ticker(), threading.Event()
    handle = ticker.add(called.set, 1000)
    handle.soon()
    assert called.wait(300)
    handle.cancel()


def test_a_failing_callback_is_reported_once_and_still_called(
    caplog: pytest.LogCaptureFixture,
) -> None:
    ticker, calls = Ticker(), []

    def fail() -> None:
        raise OSError("the disk is gone")

    with caplog.at_level(logging.WARNING, "anew"):
        bad = ticker.add(fail, 0.01, name="the heartbeat")
        good = ticker.add(lambda: calls.append(1), 0.01)
        wait_until(lambda: bad.failures >= 3 and len(calls) >= 3)
        bad.cancel(wait=300)
        good.cancel(wait=300)
    assert len(caplog.messages) == 1
    assert "the heartbeat" in caplog.messages[0]
    assert "the disk is gone" in caplog.messages[0]


def test_cancel_waits_for_a_call_under_way() -> None:
    ticker, began, finish, ended = Ticker(), threading.Event(), threading.Event(), []

    def slow() -> None:
        began.set()
        finish.wait(300)
        ended.append(1)

    handle = ticker.add(slow, 1000, first_after=0)
    assert began.wait(300)
    assert not handle.cancel(wait=0)
    finish.set()
    assert handle.cancel(wait=300)
    assert ended == [1]


def test_a_callback_may_cancel_itself_and_add_others() -> None:
    ticker, added, done = Ticker(), threading.Event(), threading.Event()

    def once() -> None:
        added.wait()
        handle.cancel(wait=300)
        ticker.add(done.set, None)

    handle = ticker.add(once, 0.01, first_after=0)
    added.set()
    assert done.wait(300)


def test_the_thread_is_a_daemon_shared_by_all_and_ends_when_idle(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("anew.monitor.ticker._IDLE_SECONDS", 0.01)
    ticker, seen = Ticker(), set()
    handles = [
        ticker.add(lambda: seen.add(threading.current_thread()), 0.01, first_after=0)
        for _ in range(5)
    ]
    wait_until(lambda: seen)
    for handle in handles:
        handle.cancel(wait=300)
    (thread,) = seen
    assert thread.daemon
    thread.join(300)
    assert not thread.is_alive()
    again = threading.Event()
    ticker.add(again.set, None)
    assert again.wait(300)


def test_an_interval_of_zero_is_refused() -> None:
    with pytest.raises(ValueError):
        Ticker().add(lambda: None, 0)


def test_many_threads_may_add_and_cancel_at_once() -> None:
    ticker, errors = Ticker(), []

    def work() -> None:
        try:
            for _ in range(100):
                ticker.add(lambda: None, 0.001, first_after=0).cancel()
        except Exception as error:  # noqa: BLE001  (told below)
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(300)
    assert errors == []
    assert ticker._handles == []


FORKED = """
import os, signal, threading, time
from anew.monitor.ticker import process_ticker

ticker = process_ticker()
calls = []
handle = ticker.add(lambda: None, 0.01)
ticker.add(lambda: calls.append(os.getpid()), 0.01)
while not calls:
    time.sleep(0.005)
held, go_on = threading.Event(), threading.Event()

def hold():
    with ticker._changed:
        held.set()
        go_on.wait()

threading.Thread(target=hold).start()
held.wait()
child = os.fork()  # the worst moment: another thread has the lock, and is not in the child
if child == 0:
    signal.alarm(300)
    before = len(calls)
    handle.cancel(wait=1)
    ticker.add(lambda: None, 0.01)
    own = threading.Event()
    ticker.add(own.set, 0.05)
    ended = own.wait(300)
    os._exit(0 if ended and len(calls) == before else 1)
go_on.set()
_, status = os.waitpid(child, 0)
before = len(calls)
while len(calls) == before:
    time.sleep(0.005)
print(os.waitstatus_to_exitcode(status))
"""

EXIT = """
import threading, time
from anew.monitor.ticker import process_ticker

began = threading.Event()
process_ticker().add(lambda: (began.set(), time.sleep(1000)), 1000, first_after=0)
began.wait()
print("bye")
"""


def run(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout.strip()


def test_a_forked_child_starts_with_nothing_and_may_add_its_own() -> None:
    assert run(FORKED) == "0"


def test_a_call_that_never_returns_does_not_delay_the_exit() -> None:
    assert run(EXIT) == "bye"


def test_the_process_has_one_ticker() -> None:
    assert process_ticker() is process_ticker()
