"""Waiting for what may block."""

from __future__ import annotations

import threading

import pytest

from anew.forwarders.patience import answer_within, within


def test_an_answer_in_time_is_given_and_an_error_is_raised() -> None:
    def fail() -> None:
        raise TimeoutError("its own")

    assert answer_within(60, lambda: 7, "It") == 7
    assert within(60, lambda: None)
    for call in (lambda: within(60, fail), lambda: answer_within(60, fail, "It")):
        with pytest.raises(TimeoutError):
            call()


def test_no_answer_in_time_is_said() -> None:
    never = threading.Event()
    assert not within(0.01, never.wait)
    with pytest.raises(TimeoutError):
        answer_within(0.01, never.wait, "The server")
    never.set()
